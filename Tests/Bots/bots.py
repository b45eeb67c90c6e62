"""Starts bots in environments of their own, as docs/clients.md shows them, and waits for their states."""

import ctypes
import fcntl
import os
import pathlib
import re
import socket
import struct
import subprocess
import time

from server import ROOT, environment

FOLDER = pathlib.Path(os.environ.get("MARGINALIA_BOTS", ROOT / ".venv-bots"))
PAGE = ROOT / "docs" / "clients.md"
ADDRESS = "127.0.0.1:8080"
# Much longer than anything takes: a bot that stands still fails the test, a slow machine does not.
WITHIN = 120
# From <linux/sched.h>, <linux/sockios.h> and <net/if.h>.
NEW_NETWORK, SET_FLAGS, UP = 0x40000000, 0x8914, 0x1


def shut_in() -> bool:
    """Moves this process, and all that it starts, into a network with nothing but loopback, where it may."""
    if ctypes.CDLL(None).unshare(NEW_NETWORK) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh22x", b"lo", UP))
    return True


def shown(name: str) -> str:
    """The block of docs/clients.md with this name behind its language."""
    [block] = re.findall(rf"^```\w+ {name}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return block


def packages(bot: str) -> pathlib.Path:
    """Where a bot is installed; the test is skipped where no Python is new enough for it."""
    found = list((FOLDER / bot / "lib").glob("python3.*/site-packages"))
    if not found:
        import pytest  # Not where a bot's own Python loads this.

        pytest.skip(f"scripts/prepare found no Python that is new enough for {bot}")
    return found[0]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Bot:
    """A bot's process; what it writes is kept for the day that it fails."""

    def __init__(self, bot: str, *arguments, folder: pathlib.Path):
        """Runs a program of the bot's environment in a folder; `python` is one of them."""
        packages(bot)
        self.log = folder / "bot.log"
        guards = (ROOT / "Tests" / "Bots" / "guard", ROOT / "Tests" / "Harness", ROOT / "Tests" / "Bots")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [FOLDER / bot / "bin" / arguments[0], *arguments[1:]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=environment(PYTHONPATH=os.pathsep.join(map(str, guards)), PYTHONUNBUFFERED="1"),
            )

    def said(self, characters: int = 6000) -> str:
        """The end of what it wrote."""
        return self.log.read_text(errors="replace")[-characters:]

    def until(self, what: str, state):
        """Waits until `state()` is true and gives it; a bot that cannot be reached yet is waited for."""
        begun, latest = time.monotonic(), None
        while time.monotonic() - begun < WITHIN:
            try:
                if latest := state():
                    return latest
            except OSError as error:
                latest = error
            assert self.process.poll() is None, f"the bot ended before: {what}\n{self.said()}"
            time.sleep(0.2)
        raise AssertionError(f"{WITHIN} s without: {what}; at last {latest!r}\n{self.said()}")

    def ends(self) -> None:
        """Waits for its own end, which must be a good one."""
        try:
            status = self.process.wait(timeout=3 * WITHIN)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {3 * WITHIN} s\n{self.said()}") from None
        assert status == 0, f"it ended with {status}\n{self.said()}"

    def stop(self) -> None:
        """Ends it, whatever it does."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
