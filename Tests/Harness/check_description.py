"""Checks the operator API against its own description with schemathesis: every check on, a bounded run.

    check_description.py REPORT [SEED]

Starts a server with the demonstration in it, then generates requests from /openapi.json and compares every
answer with what the description promises. REPORT is a JUnit report to write. The seed is printed; give it to
repeat a run.
"""

import pathlib
import random
import subprocess
import sys

from server import TOKEN, Server

EXAMPLES = 60
WORKERS = 2


def main(report: str, seed: int) -> int:
    print(f"schemathesis with seed {seed}")
    with Server("--demo", "--rate-limits", "off", "--ledger-time", "2026-06-01T00:00:00Z") as server:
        ended = subprocess.run(
            [
                str(pathlib.Path(sys.executable).parent / "schemathesis"),
                "--config-file",
                str(pathlib.Path(__file__).with_name("schemathesis.toml")),
                "run",
                f"{server.url}/openapi.json",
                "--checks",
                "all",
                "--max-examples",
                str(EXAMPLES),
                "--seed",
                str(seed),
                "--workers",
                str(WORKERS),
                "--header",
                f"Authorization: Bearer {TOKEN}",
                "--continue-on-failure",
                "--no-color",
                "--request-timeout",
                "10",
                "--report",
                "junit",
                "--report-junit-path",
                report,
            ]
        )
        assert server.request("GET", "/readyz").status == 200, "the server is sound afterwards"
    return ended.returncode


if __name__ == "__main__":
    sys.exit(
        main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(2**32))
    )
