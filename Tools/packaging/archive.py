"""Archives whose bytes depend on nothing but their content."""

from __future__ import annotations

import io
import posixpath
import tarfile


def add(tar: tarfile.TarFile, files: dict[str, tuple[bytes, int]], moment: int, owner: int = 0) -> None:
    """Adds files, and the folders above them, of one moment and one owner. A content of None is a folder."""
    folders: set[str] = set()

    def entry(name: str, mode: int) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.mode, info.mtime, info.uid, info.gid = mode, moment, owner, owner
        return info

    def folder(name: str, mode: int = 0o755) -> None:
        if name in ("", "/") or name in folders:
            return
        folder(posixpath.dirname(name))
        folders.add(name)
        info = entry(name, mode)
        info.type = tarfile.DIRTYPE
        tar.addfile(info)

    for path in sorted(files):
        content, mode = files[path]
        if content is None:
            folder(path, mode)
            continue
        folder(posixpath.dirname(path))
        info = entry(path, mode)
        if isinstance(content, str):
            info.type, info.linkname = tarfile.SYMTYPE, content
            tar.addfile(info)
            continue
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
