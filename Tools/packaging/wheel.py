"""The wheel: the Python package with the program, its manual page and completions in it."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


def build(
    package: pathlib.Path,
    built: pathlib.Path,
    extras: dict[str, tuple[bytes, int]],
    platform_tag: str,
    output: pathlib.Path,
    moment: int,
) -> None:
    """Writes the wheel of a platform into a folder."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "source"
        unwanted = shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
        shutil.copytree(package, source, ignore=unwanted)
        carried = source / "marginalia" / "bin" / "marginalia"
        carried.parent.mkdir()
        shutil.copyfile(built, carried)
        carried.chmod(0o755)
        for path, (content, mode) in extras.items():
            file = source / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            file.chmod(mode)
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(output)]
        command += [f"--config-settings=--build-option=--plat-name={platform_tag}", str(source)]
        settings = os.environ | {"SOURCE_DATE_EPOCH": str(moment)}
        subprocess.run(command, check=True, env=settings, capture_output=True, text=True)
