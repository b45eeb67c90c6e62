"""What the parts of the torture share: rounds with a seed each, figures, findings, and servers that are
struck.

A part is a function `round(work)`: one round of it, all of whose choices come from `work.chance`. What is
wrong it says with `work.find`; what it did it counts with `work.count`. Any round can be run again by
itself, as its choices depend on the part, the seed and the round's number alone.
"""

from __future__ import annotations

import collections
import dataclasses
import http.client
import importlib
import os
import pathlib
import random
import shutil
import struct
import subprocess
import tempfile
import time
import traceback
import typing

from server import ROOT, Server

# Findings of one part that are told; the others are counted.
TOLD = 12
FOLDER = pathlib.Path(__file__).resolve().parent
PARTS = ("kills", "first_kills", "flips", "commands", "shapes", "socket_frames", "signatures", "simulation")


@dataclasses.dataclass
class Run:
    """A run over some parts: what was done, and what was found."""

    seed: int
    figures: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    findings: list[str] = dataclasses.field(default_factory=list)
    say: typing.Callable[[str], None] = lambda text: print(text, flush=True)

    def part(self, name: str, seconds: float, first: int = 0, most: int | None = None) -> int:
        """Rounds of one part, one after the other, for so long, at least one; the number of the next."""
        module = importlib.import_module(name)
        until, number = time.monotonic() + seconds, first
        while number == first or (time.monotonic() < until and (most is None or number - first < most)):
            self.round(module, name, number, until)
            number += 1
        return number

    def round(self, module: typing.Any, name: str, number: int, until: float) -> None:
        """One round of a part."""
        with tempfile.TemporaryDirectory(prefix=f"torture-{name}-") as folder:
            work = Work(self, name, number, pathlib.Path(folder), until)
            try:
                module.round(work)
            except Exception as error:  # whatever goes wrong is a finding
                place = traceback.extract_tb(error.__traceback__)[-1]
                work.find(
                    f"{type(error).__name__}: {error} ({pathlib.Path(place.filename).name}:{place.lineno})"
                )
            finally:
                work.end()


class Work:
    """One round: its chance, its folder, and where its results go."""

    def __init__(self, run: Run, part: str, number: int, folder: pathlib.Path, until: float):
        self.run, self.part, self.number, self.folder, self.until = run, part, number, folder, until
        self.chance = random.Random(f"{run.seed}/{part}/{number}")
        self.servers: list[Server] = []

    @property
    def has_time(self) -> bool:
        return time.monotonic() < self.until

    def count(self, **figures: int) -> None:
        """Adds to the figures of the run."""
        self.run.figures.update({name.replace("_", " "): count for name, count in figures.items()})

    def find(self, what: str) -> None:
        """Notes a finding, with how to come to it again."""
        told = sum(finding.startswith(f"{self.part}: ") for finding in self.run.findings)
        if told >= TOLD:
            self.count(further_findings=1)
            return
        again = f"scripts/torture --part {self.part} --seed {self.run.seed} --round {self.number}"
        self.run.findings.append(f"{self.part}: {what}\n    again: {again}")
        self.run.say(f"finding in {self.run.findings[-1]}")

    def start(self, *options: str, **settings: typing.Any) -> Server:
        """A server that is ended with the round."""
        server = Server(*options, **settings)
        self.servers.append(server)
        return server.start()

    def end(self) -> None:
        """Ends the round's servers."""
        for server in self.servers:
            if server.process is not None and server.process.poll() is None:
                server.kill()
            self.look_at_end(server)

    def look_at_end(self, server: Server) -> None:
        """A process must never trap, whatever is done to it."""
        status = server.process.poll() if server.process is not None else None
        if status is not None and (status == 70 or (status < 0 and status not in (-9, -15))):
            self.find(f"the process ended with {status}: {' | '.join(server.log[-6:])[:800]}")


# What a client meets when its server ends in the middle of an answer.
BROKEN_OFF = (OSError, ValueError, http.client.HTTPException)

# Striking


def library() -> pathlib.Path:
    """The library that fails chosen calls, built if it is not there yet."""
    source, built = FOLDER / "faults.c", ROOT / ".build" / "torture-faults.so"
    if not built.exists() or built.stat().st_mtime < source.stat().st_mtime:
        compiler = next((name for name in ("clang", "cc", "gcc") if shutil.which(name)), None)
        if compiler is None:
            raise SystemExit("torture needs a C compiler: clang, cc or gcc")
        made = built.with_suffix(f".{os.getpid()}")
        subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", made, source, "-ldl"], check=True)
        made.replace(built)
    return built


@dataclasses.dataclass
class Plan:
    """What happens to a server's calls on its files; see faults.c."""

    kind: str = "none"
    at: int = 0
    times: int = 1
    seed: int = 0

    def __str__(self) -> str:
        return f"{self.kind} at call {self.at}" + (f", {self.times} times" if self.times > 1 else "")

    @property
    def ends(self) -> bool:
        """Whether it ends the process."""
        return self.kind.startswith(("kill", "power"))


class Calls:
    """Counts the calls of one struck server, and the faults among them."""

    def __init__(self, folder: pathlib.Path):
        self.path = folder / "calls"
        self.path.write_bytes(bytes(16))

    def environment(self, plan: Plan, watched: pathlib.Path) -> dict[str, str]:
        """What a process needs in its environment to be struck."""
        return {
            "LD_PRELOAD": str(library()),
            "TORTURE_FOLDER": f"{watched}/",
            "TORTURE_COUNT": str(self.path),
            "TORTURE_PLAN": f"{plan.kind} {plan.at} {plan.times} {plan.seed}",
        }

    @property
    def calls(self) -> int:
        return struct.unpack("<QQ", self.path.read_bytes())[0]

    @property
    def faults(self) -> int:
        return struct.unpack("<QQ", self.path.read_bytes())[1]
