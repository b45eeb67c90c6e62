#!/usr/bin/env python3
"""Records what a program serves, explains and audits, and compares two records field by field: for changes
that must not change a byte.

    Tests/Harness/freeze.py record .build/debug/marginalia /tmp/before
    Tests/Harness/freeze.py compare /tmp/before .build/debug/marginalia

What is recorded: the accounts of the demonstration and some hundred accounts a venue of the naive ledger's
generators, in both profiles, with the audit of what is served; every body in `Tests/Recorded`. A record of
explanations keeps path, value, formula, status, rounding and source in their order; inputs are a set that may
gain entries. An audit's findings are compared by their field.

`--expect FILE` names differences that are wanted, one regular expression a line over `what: before -> after`.
Exit status: 0 nothing differs, 1 something does.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import pathlib
import re
import sys
import tempfile
import typing

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "Naive"), str(HERE.parent / "Program")]

import compare  # noqa: E402
import server  # noqa: E402
import venue_requests  # noqa: E402
from cases import Chance  # noqa: E402

SEED = "frozen"
ACCOUNTS = 120  # a venue and profile, shared by its modes
CLOCK = ("--ledger-time", "2026-11-20T12:00:00Z", "--rate-limits", "off")
PROFILES = {
    "documented": (),
    "live": ("--profile", "rails=live", "--profile", "crypto-com=live")}
FIRST_CALL = {"crypto-com": "user-balance", "rails": "balances", "binance": "account", "okx": "balance"}
# What else is audited with the balances, where it can be read without a signature.
RAILS_CALLS = ("positions", "open-orders", "market-data", "completed-orders", "fundings")
# The same of OKX, with where each is answered.
OKX_CALLS = {
    "positions": "account/positions", "config": "account/config", "open-orders": "trade/orders-pending"}
KEPT = ("path", "value", "formula", "rounding", "status", "source")
Record = dict[str, typing.Any]


# Recording

def findings(venue: str, profile: str, bodies: list[tuple[str, bytes]]) -> Record:
    """What an audit of answers finds, by field."""
    with tempfile.TemporaryDirectory() as folder:
        options = []
        for place, (call, body) in enumerate(bodies):
            file = pathlib.Path(folder, f"{place}.json")
            file.write_bytes(body)
            options += ["--file", str(file), "--call", call]
        ended = server.run("audit", "--venue", venue, "--profile", profile, *options, "--json")
    if ended.returncode not in (0, 1):
        return {"error": re.sub(r"\S*/tmp\S*", "FILE", ended.stderr)}
    found: Record = {}
    for account in json.loads(ended.stdout)["accounts"]:
        for row in account["findings"]:
            name = row["field"]
            while name in found:
                name += " again"
            found[name] = row
    return found


def rails_bodies(running: server.Server, account: str, statement: bytes) -> list[tuple[str, bytes]]:
    """The balances with every other answer that a desk reads."""
    key = running.issue_key(account)
    token = running.request("POST", "/api/v1/token", headers={
        "X-Api-Key": key["api_key"], "X-Api-Secret": key["secret"]}).json["access_token"]
    header = {"Authorization": f"Bearer {token}"}
    return [("balances", statement)] + [
        (call, running.request("GET", f"/api/v1/{call}", headers=header).body) for call in RAILS_CALLS]


def okx_bodies(running: server.Server, account: str, statement: bytes) -> list[tuple[str, bytes]]:
    """The balance with every other answer that a desk reads."""
    key = running.issue_key(account)
    return [("balance", statement)] + [
        (call, venue_requests.okx(running, key, path=f"/api/v5/{path}").body)
        for call, path in OKX_CALLS.items()]


def outcome(running: server.Server, venue: str, profile: str, account: str, query: str = "") -> Record:
    """One account: its statement, its explanations, and the audit of what is served."""
    statement = running.admin("GET", f"/accounts/{account}/statement{query}")
    explained = running.admin("GET", f"/accounts/{account}/explain")
    record = {"statement": statement.body.decode(), "explain": explained.json}
    if statement.status != 200:
        return record
    # Clocks of the rows would differ from run to run.
    record["audit"] = findings(venue, profile, [(FIRST_CALL[venue], statement.body)])
    others = {"rails": rails_bodies, "okx": okx_bodies}.get(venue)
    if others and not query:
        record["audit of all"] = findings(venue, profile, others(running, account, statement.body))
    return record


def outcomes(running: server.Server, profile: str, wanted: list[tuple[str, str, str]]) -> Record:
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        rows = pool.map(lambda row: outcome(running, row[0], profile, *row[1:]), wanted)
        return {f"{account}{query}": row for (_, account, query), row in zip(wanted, rows)}


def demonstration(profile: str) -> Record:
    with server.Server("--demo", *CLOCK, *PROFILES[profile]) as running:
        rows = running.admin("GET", "/accounts").json["accounts"]
        return outcomes(running, profile, [(row["venue"], row["account"], "") for row in rows])


def generated(module: typing.Any, mode: str, profile: str, count: int) -> Record:
    """Accounts of a naive generator; what it refuses is left to `Tests/Naive`."""
    with server.Server(*CLOCK, *PROFILES[profile]) as running:
        wanted = []
        for start in range(0, count, compare.BATCH):
            chance = Chance(f"{SEED}/{module.VENUE}/{mode}/{start}")
            prices = module.prices(chance, mode)
            names = [f"{mode}-{index}" for index in range(start, min(start + compare.BATCH, count))]
            cases = [module.generate(chance, name, mode) for name in names]
            running.send(prices.before, *(command for case in cases for command in case.commands))
            running.send(prices.after)
            wanted += [(module.VENUE, *query) for case in cases for query in case.queries]
        return outcomes(running, profile, wanted)


def recorded() -> Record:
    from test_recorded_bodies import CALLS, FOLDER, ROWS

    def call(name: str) -> str:
        last = name.rpartition("_")[2]
        return CALLS.get(last, last)

    return {
        f"{venue} {' '.join(names)}": {"audit": findings(venue, "documented", [
            (call(name), (FOLDER / venue / f"{name}.json").read_bytes()) for name in names])}
        for venue, names, _ in ROWS}


def record(program: pathlib.Path, folder: pathlib.Path, venues: list[str]) -> None:
    server.PROGRAM = program.resolve()
    folder.mkdir(parents=True, exist_ok=True)

    def keep(name: str, found: Record) -> None:
        (folder / f"{name}.json").write_text(json.dumps(found, ensure_ascii=False, indent=1))
        print(f"{name}: {len(found)}", flush=True)

    for profile in PROFILES:
        keep(f"demonstration {profile}", demonstration(profile))
        for module in compare.VENUES.values():
            modes = module.MODES if profile == "documented" else getattr(module, "LIVE_MODES", ())
            for mode in modes if module.VENUE in venues else ():
                keep(f"{module.VENUE} {mode} {profile}",
                     generated(module, mode, profile, max(1, ACCOUNTS // len(modes))))
    keep("recorded", recorded())


# Comparing

def entries(found: Record) -> typing.Iterator[tuple[str, typing.Any]]:
    """Everything that a record holds, each under a name of its own."""
    for account, parts in found.items():
        for part, content in parts.items():
            if part == "explain":
                rows = content.get("figures", content.get("explanations", content))
                if not isinstance(rows, list):
                    yield f"{account} explain", rows
                    continue
                yield f"{account} explain paths", [row["path"] for row in rows]
                for row in rows:
                    for key in KEPT:
                        yield f"{account} explain {row['path']} {key}", row.get(key)
                    yield f"{account} explain {row['path']} inputs", {
                        json.dumps(row, sort_keys=True, ensure_ascii=False) for row in row["inputs"]}
            elif part.startswith("audit"):
                yield f"{account} {part} fields", sorted(content)
                for field, row in content.items():
                    for key, value in row.items() if isinstance(row, dict) else [("", row)]:
                        yield f"{account} {part} {field} {key}", value
            else:
                yield f"{account} {part}", content


def differences(before: Record, after: Record) -> typing.Iterator[str]:
    """Every entry that is gone, new or another one; an explanation's inputs may grow."""
    first, second = dict(entries(before)), dict(entries(after))
    for name in first | second:
        old, new = first.get(name, "(absent)"), second.get(name, "(absent)")
        if old == new or isinstance(old, set) and isinstance(new, set) and old <= new:
            continue
        if isinstance(old, set) and isinstance(new, set):
            old, new = sorted(old - new), sorted(new - old)
        if isinstance(old, list) and isinstance(new, list):
            lost, gained = [row for row in old if row not in new], [row for row in new if row not in old]
            old, new = (lost, gained) if lost or gained else (old, new)
        yield f"{name}: {old} -> {new}"


def folder_of(given: pathlib.Path, venues: list[str], spare: str) -> pathlib.Path:
    if given.is_dir():
        return given
    folder = pathlib.Path(spare)
    record(given, folder, venues)
    return folder


def compared(before: pathlib.Path, after: pathlib.Path, expected: list[str], shown: int) -> int:
    wanted = [re.compile(line) for line in expected]
    counts = [0] * len(wanted)
    found = []
    for file in sorted({path.name for folder in (before, after) for path in folder.glob("*.json")}):
        old, new = (json.loads(path.read_text()) if (path := folder / file).exists() else {}
                    for folder in (before, after))
        for line in differences(old, new):
            hit = next((place for place, one in enumerate(wanted) if one.search(line)), None)
            if hit is None:
                found.append(f"{file[:-5]}: {line}")
            else:
                counts[hit] += 1
    for line in found[:shown]:
        print(line[:600])
    for pattern, count in zip(expected, counts):
        print(f"expected, {count} times: {pattern}")
    print(f"{len(found)} differences that nobody expected")
    return 1 if found else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("action", choices=("record", "compare"))
    parser.add_argument("first", type=pathlib.Path, help="a program, or for compare also a folder")
    parser.add_argument("second", type=pathlib.Path, help="a folder, or for compare also a program")
    parser.add_argument("--venue", action="append", choices=sorted(compare.VENUES), default=None)
    parser.add_argument("--expect", type=pathlib.Path, default=None)
    parser.add_argument("--show", type=int, default=40)
    options = parser.parse_args()
    venues = options.venue or sorted(compare.VENUES)
    if options.action == "record":
        record(options.first, options.second, venues)
        return 0
    lines = options.expect.read_text().splitlines() if options.expect else []
    expected = [line for line in lines if line and not line.startswith("#")]
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        return compared(
            folder_of(options.first, venues, one), folder_of(options.second, venues, two), expected,
            options.show)


if __name__ == "__main__":
    sys.exit(main())
