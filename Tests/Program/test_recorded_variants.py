"""`marginalia audit` on variants of the bodies in `Tests/Recorded`: numbers as JSON numbers, fields that are
missing, null, empty or new. Whatever is not there, nothing else may seem to be wrong for it."""

import copy
import json
import re

import pytest
from server import run
from test_recorded_bodies import CALLS, FOLDER, ROWS, VERDICTS

# The rows of the table with the most bodies of each kind.
CASES = [(venue, names) for venue, names, _ in ROWS
         if not any(venue == other and set(names) < set(more) for other, more, _ in ROWS)]
# Names without which a row is about nothing.
NAMES = {"asset", "symbol"}


def bodies_of(venue: str, names: list[str]) -> dict[str, object]:
    calls = [name.rpartition("_")[2] for name in names]
    return {CALLS.get(call, call): json.loads((FOLDER / venue / f"{name}.json").read_text())
            for call, name in zip(calls, names)}


def report(venue: str, bodies: dict[str, object], folder) -> dict:
    options = []
    for call, body in bodies.items():
        file = folder / f"{call}.json"
        file.write_text(body if isinstance(body, str) else json.dumps(body))
        options += ["--file", str(file), "--call", call]
    done = run("audit", "--venue", venue, *options, "--json")
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def contradictions(found: dict) -> dict[str, str]:
    """Fields that contradict, with what was reported there."""
    return {row["field"]: row["reported"] for account in found["accounts"] for row in account["findings"]
            if row["verdict"] == "contradicts"}


def leaves(value, path=()):
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not isinstance(value, (dict, list)):
        yield path
    for key, part in pairs:
        yield from leaves(part, (*path, key))


def holder(bodies: dict[str, object], call: str, path: tuple):
    found = bodies[call]
    for key in path[:-1]:
        found = found[key]
    return found


IDS = [" ".join(names) for _, names in CASES]


@pytest.mark.parametrize("venue, names", CASES, ids=IDS)
def test_numbers_as_numbers(venue, names, tmp_path):
    bodies = bodies_of(venue, names)
    texts = {call: re.sub(r'"(-?\d+(?:\.\d+)?)"(?!\s*:)', r"\1", json.dumps(body))
             for call, body in bodies.items()}
    counts = [report(venue, variant, tmp_path)["verdicts"] for variant in (bodies, texts)]
    assert counts[0] == counts[1] and set(counts[0]) == set(VERDICTS)


@pytest.mark.parametrize("venue, names", CASES, ids=IDS)
def test_fields_that_nobody_knows(venue, names, tmp_path):
    def widened(value):
        if isinstance(value, list):
            return [widened(part) for part in value]
        if not isinstance(value, dict):
            return value
        return {"newOfNextYear": "1.5"} | {key: widened(part) for key, part in value.items()} | {
            "newer": {"a": [1, None]}}

    bodies = bodies_of(venue, names)
    wide = {call: widened(body) for call, body in bodies.items()}
    before, after = report(venue, bodies, tmp_path), report(venue, wide, tmp_path)
    if venue != "rails":  # where a map's keys are markets
        assert before["verdicts"] == after["verdicts"]
    assert contradictions(after) == contradictions(before)
    drift = [row["path"] for account in after["accounts"] for row in account["drift"]]
    assert [path for path in drift if "newOfNextYear" in path]


SOME = [(venue, names) for venue, names in CASES if names[0] in (
    "bigtime_balance", "margin_balance", "people_account", "2022_account", "2023_cross_user-balance",
    "published_balances")]


@pytest.mark.parametrize("missing", ["absent", None, ""])
@pytest.mark.parametrize("venue, names", SOME, ids=[" ".join(names) for _, names in SOME])
def test_what_is_not_there_is_no_zero(venue, names, missing, tmp_path):
    original = bodies_of(venue, names)
    known = contradictions(report(venue, original, tmp_path))
    found = {}
    for call in original:
        for path in leaves(original[call]):
            if path[-1] in NAMES or missing == "absent" and isinstance(path[-1], int):
                continue
            bodies = copy.deepcopy(original)
            row = holder(bodies, call, path)
            if missing == "absent":
                del row[path[-1]]
            else:
                row[path[-1]] = missing
            # A figure that the venue's own table demands may be missed itself.
            new = {field for field, reported in contradictions(report(venue, bodies, tmp_path)).items()
                   if field not in known and reported}
            if new:
                found[f"{call} {path}"] = new
    assert found == {}
