"""The engine alone, simulated: Tests/Simulation, built as the program is. A round has a seed of its own."""

from __future__ import annotations

import re
import subprocess

from server import PROGRAM
from torture import Work

STEPS = 200_000  # a round


def round(work: Work) -> None:
    """Some worlds."""
    seed = work.chance.randrange(10**9)
    command = [PROGRAM.parent / "simulation", "--seed", str(seed), "--steps", str(STEPS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    for count, name in re.findall(r"(\d+) (steps|worlds|processes|kills|faults)", done.stdout):
        work.count(**{f"simulated_{name}": int(count)})
    if done.returncode != 0:
        work.find(f"status {done.returncode}: {done.stdout.strip()[:1500]} {done.stderr.strip()[-600:]}")
