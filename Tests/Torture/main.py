"""The long run; see scripts/torture."""

from __future__ import annotations

import argparse
import math
import random
import sys
import time

import socket_guard

socket_guard.install()

from torture import PARTS, Run  # noqa: E402

# A part comes again and again, so that every one has had its turn early.
SLICE = 60


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/torture")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--part", action="append", choices=PARTS, help="one part only (repeatable)")
    parser.add_argument("--round", type=int, help="one round of one part")
    options = parser.parse_args()
    parts = options.part or list(PARTS)
    run = Run(options.seed)
    print(f"seed {options.seed}", flush=True)
    begun = time.monotonic()
    if options.round is not None:
        run.part(parts[0], 600, first=options.round, most=1)
    else:
        turns = max(1, round(options.minutes * 60 / len(parts) / SLICE))
        share = options.minutes * 60 / len(parts) / turns
        rounds = dict.fromkeys(parts, 0)
        for _ in range(turns):
            for part in parts:
                rounds[part] = run.part(part, share, first=rounds[part])
    print(f"\n{math.ceil((time.monotonic() - begun) / 60)} minutes, seed {options.seed}")
    for name, count in sorted(run.figures.items()):
        print(f"{count:12,} {name}")
    print(f"{len(run.findings):12,} findings")
    for finding in run.findings:
        print(f"  {finding}")
    return 1 if run.findings else 0


if __name__ == "__main__":
    sys.exit(main())
