"""The server against the naive ledger: generated accounts of every venue and mode, every field, every
digit.

`MARGINALIA_NAIVE_ACCOUNTS` sets how many accounts per venue and mode (1000), `MARGINALIA_TEST_SEED`
repeats a run.
"""

import os
import pathlib
import random
import subprocess
import sys

from server import Server

FOLDER = pathlib.Path(__file__).resolve().parent
ACCOUNTS = os.environ.get("MARGINALIA_NAIVE_ACCOUNTS", "1000")
SEED = os.environ.get("MARGINALIA_TEST_SEED") or str(random.SystemRandom().randrange(10**6))
CLOCK = ("--ledger-time", "2026-11-20T12:00:00Z", "--rate-limits", "off")


def compare(server: Server, *options: str, by: str = "compare", accounts: str = ACCOUNTS) -> None:
    done = subprocess.run(
        [sys.executable, FOLDER / f"{by}.py", "--url", server.url, "--token", server.token,
         "--accounts", accounts, "--seed", SEED]
        + list(options),
        capture_output=True,
        text=True,
        timeout=600,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


def test_documented_profiles():
    with Server(*CLOCK) as server:
        compare(server)


def test_live_profiles():
    with Server(*CLOCK, "--profile", "rails=live", "--profile", "crypto-com=live") as server:
        compare(server, "--live", "--seconds", "40")


def test_trading_days():
    """Of each of the four exchanges as many."""
    with Server(*CLOCK) as server:
        compare(server, "--seconds", "100", by="trading", accounts=str(4 * max(1, int(ACCOUNTS) // 20)))
