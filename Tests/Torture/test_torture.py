"""Every part of the torture for some seconds, as a test: nothing may be found.

`MARGINALIA_TEST_SEED` repeats a run. What a part found is printed with how to come to it again;
scripts/torture goes on for longer.
"""

import os
import random

import pytest

from torture import Run

# Seconds for each part: together less than four minutes.
PARTS = {
    "kills": 55,
    "first_kills": 10,
    "flips": 45,
    "commands": 40,
    "shapes": 15,
    "socket_frames": 15,
    "signatures": 20,
    "simulation": 20,
}
SEED = int(os.environ.get("MARGINALIA_TEST_SEED") or random.SystemRandom().randrange(10**6))


@pytest.mark.parametrize("part", PARTS)
def test_nothing_is_found(part):
    run = Run(SEED)
    print(f"seed {SEED}")
    run.part(part, PARTS[part])
    print(dict(run.figures))
    assert not run.findings, "\n".join(run.findings)
