"""Kills in the first milliseconds of a new store, by the clock and without a preloaded library: the
process ends wherever it is. Every later start and check must find a store, or none yet."""

from __future__ import annotations

import subprocess
import time

from server import PROGRAM, TOKEN, environment, run
from torture import Work


def round(work: Work) -> None:
    """One new store, its first processes killed early, one after the other."""
    location = f"sqlite:{work.folder / 'data' / 'ledger.db'}"
    arguments = [PROGRAM, "serve", "--listen", "127.0.0.1:0", "--store", location, "--admin-token", TOKEN]
    if work.chance.random() < 0.3:
        arguments.append("--demo")
    for _ in range(work.chance.randint(1, 3)):
        process = subprocess.Popen(
            arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()
        )
        time.sleep(work.chance.uniform(0.004, 0.06))
        process.kill()
        process.wait(timeout=30)
        work.count(early_kills=1)
    verified = run("verify", "--store", location)
    if verified.returncode not in (0, 69) or "readonly" in verified.stderr:
        work.find(f"verify: {verified.returncode} {verified.stderr.strip()[:600]}")
    server = work.start(store=location)
    server.apply({"type": "open_account", "account": "first", "venue": "okx"})
    if server.stop() != 0:
        work.find(f"the stop ended otherwise: {server.log[-4:]}")
    verified = run("verify", "--store", location)
    if verified.returncode != 0:
        work.find(f"verify after a start: {verified.returncode} {verified.stderr.strip()[:600]}")
