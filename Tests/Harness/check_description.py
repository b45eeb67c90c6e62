"""Checks the operator API against its own description with schemathesis: every check on, a bounded run.

    check_description.py REPORT [SEED]

Starts a server with the demonstration in it, then generates requests from /openapi.json and compares every
answer with what the description promises: once over everything, once more over the calls about an account
that is there. REPORT is a JUnit report to write. The seed is printed; give it to repeat a run.
"""

import pathlib
import random
import subprocess
import sys
import tempfile

from server import TOKEN, Server

EXAMPLES = 60
# With two, Python 3.11 now and then fails inside hypothesis ("AST constructor recursion depth mismatch").
WORKERS = 1


def run(url: str, seed: int, configuration: str, report: str, *options: str) -> int:
    """One run of schemathesis; gives its exit status."""
    folder = pathlib.Path(__file__).parent
    program = pathlib.Path(sys.executable).parent / "schemathesis"
    arguments = [
        f"--config-file={folder / configuration}",
        "run",
        f"{url}/openapi.json",
        "--checks=all",
        f"--max-examples={EXAMPLES}",
        f"--seed={seed}",
        f"--workers={WORKERS}",
        f"--header=Authorization: Bearer {TOKEN}",
        "--continue-on-failure",
        "--no-color",
        # Its answer has no end; Tests/Program/test_operator_stream.py reads it.
        "--exclude-path=/admin/v1/stream",
        # There would be nothing left to look at; Tests/Program/test_checkpoints.py does it.
        "--exclude-path=/admin/v1/reset",
        "--exclude-path=/admin/v1/checkpoints/{name}/restore",
        "--request-timeout=10",
        "--report=junit",
        f"--report-junit-path={report}",
        *options,
    ]
    with tempfile.TemporaryDirectory() as empty:
        return subprocess.run([str(program), *arguments], cwd=empty).returncode


def main(report: str, seed: int) -> int:
    print(f"schemathesis with seed {seed}", flush=True)
    about_accounts = "--include-path-regex=^/admin/v1/accounts/"
    with Server("--demo", "--rate-limits", "off", "--ledger-time", "2026-06-01T00:00:00Z") as server:
        whole = run(server.url, seed, "schemathesis.toml", report)
        other = report.replace(".xml", "-account.xml")
        accounts = run(server.url, seed, "schemathesis-account.toml", other, about_accounts)
        assert server.request("GET", "/readyz").status == 200, "the server is sound afterwards"
    return whole or accounts


if __name__ == "__main__":
    given = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(2**32)
    sys.exit(main(str(pathlib.Path(sys.argv[1]).absolute()), given))
