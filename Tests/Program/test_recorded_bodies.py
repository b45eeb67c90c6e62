"""`marginalia audit` on every body in `Tests/Recorded`: the verdicts come out as often as the table in
`docs/audit.md` says. `python3 Tests/Program/test_recorded_bodies.py` prints the table anew."""

import json
import pathlib
import re
import sys

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Harness"))

import pytest
from server import ROOT, run

FOLDER = pathlib.Path(ROOT, "Tests", "Recorded")
PAGE = pathlib.Path(ROOT, "docs", "audit.md")
VERDICTS = ("matches", "rounding", "hidden", "contradicts", "not_derivable")
# What the last part of a name is an answer to, where it is not the call itself.
CALLS = {"risk": "positions", "usdt": "positions"}


def row(line: str) -> tuple[str, list[str], list[int]] | None:
    """Venue, names of bodies, and counts of a line of the table; nothing for any other line."""
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    if len(cells) != 2 + len(VERDICTS) or not cells[-1].isdigit():
        return None
    return cells[0], re.findall(r"`([^`]+)`", cells[1]), [int(cell) for cell in cells[2:]]


ROWS = [found for line in PAGE.read_text().splitlines() if (found := row(line))]


def audit(venue: str, names: list[str]):
    """What the program says of bodies, as a user would ask."""
    options = []
    for name in names:
        call = name.rpartition("_")[2]
        options += ["--file", str(FOLDER / venue / f"{name}.json"), "--call", CALLS.get(call, call)]
    return run("audit", "--venue", venue, *options, "--json")


def counts(venue: str, names: list[str]) -> list[int]:
    done = audit(venue, names)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)["verdicts"]
    assert done.returncode == (1 if found["contradicts"] else 0)
    return [found[verdict] for verdict in VERDICTS]


@pytest.mark.parametrize("venue, names, expected", ROWS, ids=[" ".join(found[1]) for found in ROWS])
def test_verdicts_are_those_of_the_page(venue, names, expected):
    assert dict(zip(VERDICTS, counts(venue, names))) == dict(zip(VERDICTS, expected))


def test_every_body_is_in_the_table():
    listed = {(venue, name) for venue, names, _ in ROWS for name in names}
    assert listed == {(file.parent.name, file.stem) for file in FOLDER.glob("*/*.json")}


def test_bodies_that_are_nothing_by_themselves():
    """Published open orders are held against a balance, and a position of Crypto.com has no figure that
    follows from others: either alone is refused, with a sentence that says what is missing."""
    for venue, name, missing in (("rails", "published_open-orders", "balances"),
                                 ("crypto-com", "2023_ltc_positions", "user-balance")):
        done = audit(venue, [name])
        assert (done.returncode, done.stdout) == (65, "")
        assert f"There is no answer to {missing}." in done.stderr


if __name__ == "__main__":
    for venue, names, _ in ROWS:
        cells = [venue, " ".join(f"`{name}`" for name in names), *map(str, counts(venue, names))]
        print("| " + " | ".join(cells) + " |")
