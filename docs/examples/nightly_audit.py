"""A nightly audit: reads all accounts, keeps the book, holds it against the venues' formulas, says what changed.

Run it from cron, or cell by cell as a notebook:

    nightly_audit.py --config desk.yaml --folder books

It needs the `marginalia` program and nothing else; amounts stay decimal texts from venue to page.
"""

# %% What is run, and where books are kept
import argparse
import decimal
import json
import os
import pathlib
import subprocess
import sys

MARGINALIA = os.environ.get("MARGINALIA", "marginalia")
parser = argparse.ArgumentParser()
parser.add_argument("--config", default="desk.yaml")
parser.add_argument("--folder", default="books", type=pathlib.Path)
options = parser.parse_args()
decimal.getcontext().prec = 60


def desk(command: str) -> tuple[int, dict]:
    """Runs a command of the desk; gives its exit status and what it wrote."""
    done = subprocess.run(
        [MARGINALIA, command, "--config", options.config, "--json"], capture_output=True, text=True
    )
    # 1 and 2 are answers: something was found, or something could not be read.
    if done.returncode not in (0, 1, 2):
        sys.exit(done.stderr.strip())
    return done.returncode, json.loads(done.stdout)


# %% The book
status, book = desk("portfolio")
for account in book["accounts"]:
    equity = account["figures"].get("equity", {"value": None, "unit": ""})
    print(f"{account['account']:28} {equity['value'] or 'not reported':>28} {equity['unit']}")
for missing in book["not_read"]:
    print(f"{missing['account']:28} NOT READ: {missing['message']}")

total = book["totals"]["figures"]["equity"]
print(f"{'equity in ' + book['totals']['asset']:28} {total['value'] or 'unknown':>28}")
for gap in total["gaps"]:
    print(f"  without {gap['account']}: {gap['reason']}")

# %% What changed since the last book
options.folder.mkdir(parents=True, exist_ok=True)
earlier = sorted(options.folder.glob("*.json"))
if earlier and total["value"] is not None:
    before = json.loads(earlier[-1].read_text())["totals"]["figures"]["equity"]
    # Totals of different accounts are not compared: the difference would be no profit.
    same = {part["account"] for part in before["parts"]} == {part["account"] for part in total["parts"]}
    if same:
        print("since the last book:", decimal.Decimal(total["value"]) - decimal.Decimal(before["value"]))
    else:
        print("since the last book: other accounts, not compared")
(options.folder / f"{book['taken_at']}.json").write_text(json.dumps(book))

# %% Fields that are not as the venues are known to send them
for account in book["accounts"]:
    for drift in account["drift"]:
        print(f"drift at {account['venue']}: {drift['kind']} {drift['path']} {drift['example']}")

# %% The audit
status, report = desk("audit")
contradictions = [
    (account["account"], finding)
    for account in report["accounts"]
    for finding in account["findings"]
    if finding["verdict"] == "contradicts"
]
print(", ".join(f"{count} {verdict}" for verdict, count in report["verdicts"].items()))
for account, finding in contradictions:
    print(f"{account} {finding['field']} is {finding['reported']}, not {finding['expected']}: {finding['formula']}")
print(f"{len(contradictions)} contradictions")
sys.exit(status)
