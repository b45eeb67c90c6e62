"""Whether an audit bites: a recorded figure that matches is moved by ten units of the venue's last place or a
millionth of it, whichever is more, up and down, and must match no more."""

import decimal
import json
import re

import pytest
from server import run
from test_recorded_bodies import CALLS, FOLDER, ROWS

MET = {"matches", "rounding"}
# How fine a venue prints.
PLACES = {"okx": 16, "binance": 8, "crypto-com": 8, "rails": 8}
# Figures that still match, and why.
BLUNT = {
    # Printed with six places.
    "2026_mapper_user-balance": {
        "result.data[0].total_effective_leverage +", "result.data[0].total_effective_leverage -"},
}


def call_of(name: str) -> str:
    call = name.rpartition("_")[2]
    return CALLS.get(call, call)


def findings(venue: str, bodies: dict[str, object], folder) -> list[dict]:
    options = []
    for call, body in bodies.items():
        file = folder / f"{call}.json"
        file.write_text(json.dumps(body))
        options += ["--file", str(file), "--call", call]
    done = run("audit", "--venue", venue, *options, "--json")
    assert done.returncode in (0, 1), done.stderr
    return [row for account in json.loads(done.stdout)["accounts"] for row in account["findings"]]


def place(bodies: dict[str, object], field: str):
    """What holds a figure, and under which key: `positions data[0].upl` is of another call than the
    account's own."""
    call, blank, path = field.rpartition(" ")
    holder: object = bodies[call if blank else next(iter(bodies))]
    parts = [int(index) if index else key for key, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path)]
    for part in parts[:-1]:
        holder = holder[part]
    return holder, parts[-1]


def moved(text: str, sign: int, places: int) -> str:
    value = decimal.Decimal(text)
    unit = decimal.Decimal(1).scaleb(-places)
    step = max(10 * unit, (abs(value) * decimal.Decimal("1e-6")).quantize(unit, decimal.ROUND_UP))
    return format(value + sign * step, "f")


def blunt_figures(venue: str, names: list[str], folder) -> tuple[int, set[str]]:
    """How many figures match, and those of them that do so too when they are moved."""
    bodies = {call_of(name): json.loads((FOLDER / venue / f"{name}.json").read_text()) for name in names}
    # A figure may be held against two formulas: one of them biting is enough.
    matching = {row["field"] for row in findings(venue, bodies, folder) if row["verdict"] in MET}
    found = set()
    for field in sorted(matching):
        holder, key = place(bodies, field)
        was = holder[key]
        for sign in (1, -1):
            if isinstance(was, bool):
                holder[key] = not was
            else:
                text = moved(str(was), sign, PLACES[venue])
                holder[key] = text if isinstance(was, str) else json.loads(text)
            rows = [row for row in findings(venue, bodies, folder) if row["field"] == field]
            if all(row["verdict"] in MET for row in rows):
                found.add(f"{field} {'+-'[sign < 0]}")
        holder[key] = was
    return len(matching), found


@pytest.mark.parametrize("venue, names, expected", ROWS, ids=[" ".join(found[1]) for found in ROWS])
def test_a_moved_figure_matches_no_more(venue, names, expected, tmp_path):
    count, blunt = blunt_figures(venue, names, tmp_path)
    assert count > 0
    assert blunt == set().union(*(BLUNT.get(name, set()) for name in names))
