"""Roots of other machines: folders with the files of a bare system, and commands run in them."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

# What a program finds at any machine: devices, processes. The mounts go with the command.
ENTER = """
set -e
for folder in dev proc; do mkdir -p "$ROOT/$folder"; done
mount --rbind /dev "$ROOT/dev"
mount -t proc proc "$ROOT/proc"
exec chroot "$ROOT" "$@"
"""


def lacking() -> str | None:
    """Why no root can be made here; None where one can."""
    if os.geteuid() != 0:
        return "another root can be entered by root alone"
    missing = [name for name in ("mmdebstrap", "unshare", "chroot") if not shutil.which(name)]
    return f"there is no {missing[0]} here" if missing else None


def make(folder: pathlib.Path, suite: str, variant: str, *packages: str) -> pathlib.Path:
    """A root of Debian's packages: `extract` has the named ones and what they need, nothing else."""
    command = ["mmdebstrap", "--quiet", f"--variant={variant}", suite, folder]
    if packages:
        command.insert(2, f"--include={','.join(packages)}")
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    return folder


def command_in(root: pathlib.Path, *command: str) -> list[str]:
    """A command that runs in a root, with mounts of its own."""
    return ["unshare", "--mount", "bash", "-c", ENTER, "enter", *command]


def settings(root: pathlib.Path, **more: str) -> dict[str, str]:
    """The environment of such a command: nothing of this one's."""
    return {"ROOT": str(root), "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"} | more


def run(root: pathlib.Path, *command: str, within: float = 300, **more: str):
    """Runs a command in a root to its end."""
    return subprocess.run(
        command_in(root, *command),
        env=settings(root, HOME="/root", **more),
        capture_output=True,
        text=True,
        timeout=within,
    )
