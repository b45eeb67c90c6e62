"""A machine that is booted in a folder: systemd as process 1, in namespaces of its own, without a kernel.

It has a network of its own with nothing but a loopback, and a part of the unified control groups.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import subprocess
import time

import roots

PACKAGES = ("systemd", "systemd-sysv", "iproute2")

BOOT = """
set -e
mount --bind "$ROOT" "$ROOT"
cd "$ROOT"
mkdir -p before
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
    touch dev/$device
    mount --bind /dev/$device dev/$device
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o mode=1777 tmpfs dev/shm
pivot_root . before
umount -l /before
ip link set lo up
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /sbin/init --system --unit=multi-user.target --log-target=console --show-status=0
"""


def groups() -> pathlib.Path | None:
    """Where the unified control groups are mounted; None where they are not."""
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        _, place, kind, options, *_ = line.split()
        if kind == "cgroup2" and "ro" not in options.split(","):
            return pathlib.Path(place)
    return None


def lacking() -> str | None:
    """Why no machine can be booted here; None where one can."""
    if reason := roots.lacking():
        return reason
    missing = [name for name in ("nsenter", "unshare") if not shutil.which(name)]
    if missing:
        return f"there is no {missing[0]} here"
    if not groups():
        return "the unified control groups (cgroup2) are not mounted here"
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--fork", "true"],
        capture_output=True,
        text=True,
    )
    return f"no namespaces can be made here: {tried.stderr.strip()}" if tried.returncode else None


class Machine:
    """A root with systemd, booted for as long as a `with` block."""

    def __init__(self, root: pathlib.Path):
        self.root = root
        self.log = root.parent / "boot.log"
        self.group = groups() / f"marginalia-test-{os.getpid()}"
        self.init = 0
        self._outer: subprocess.Popen | None = None

    def __enter__(self) -> "Machine":
        try:
            return self._boot()
        except BaseException:
            self.__exit__()
            raise

    def _boot(self) -> "Machine":
        self.group.mkdir()
        # The group is joined first: a new namespace of control groups begins at the one of its process.
        enter = 'echo $$ > "$GROUP/cgroup.procs" && exec unshare --mount --pid --uts --ipc --net --cgroup'
        command = ["bash", "-c", f'{enter} --fork --kill-child bash -c "$BOOT"']
        settings = roots.settings(self.root, BOOT=BOOT, GROUP=str(self.group))
        with self.log.open("w") as log:
            self._outer = subprocess.Popen(
                command,
                env=settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + 60
        state = ""
        while state not in ("running", "degraded"):
            if self._outer.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the machine does not boot ({state}): {self.log.read_text()[-2000:]}")
            time.sleep(0.2)
            children = pathlib.Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text()
            if children.strip():
                self.init = int(children.split()[0])
                state = self.run("systemctl", "is-system-running").stdout.strip()
        return self

    def __exit__(self, *_: object) -> None:
        if self._outer is not None:
            # Its child, process 1, goes with it, and every process of the machine with that.
            self._outer.send_signal(signal.SIGKILL)
            self._outer.wait()
        end = time.monotonic() + 20
        while (self.group / "cgroup.procs").exists() and time.monotonic() < end:
            for folder, _, _ in os.walk(self.group, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    time.sleep(0.1)

    def inside(self, *command: str) -> list[str]:
        """A command that runs on the machine."""
        return [
            "nsenter", f"--target={self.init}", "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup",
            "--root", "--wd", "--", *command,
        ]

    def run(self, *command: str, within: float = 120) -> subprocess.CompletedProcess:
        """Runs a command on the machine to its end."""
        return subprocess.run(
            self.inside(*command), env=roots.settings(self.root, HOME="/root"), capture_output=True,
            text=True, timeout=within,
        )

    def facts(self, unit: str, *names: str) -> dict[str, str]:
        """What systemd says of a unit."""
        shown = self.run("systemctl", "show", "--property", ",".join(names), unit).stdout
        return dict(line.split("=", 1) for line in shown.splitlines())
