#!/usr/bin/env python3
"""Plays generated accounts into a running `marginalia serve` and into the naive ledger, and compares their
statements field by field and digit by digit.

    python3 Tests/Naive/compare.py --url http://127.0.0.1:8080 --token TOKEN --accounts 1000 --seed 1

The server should stand at a fixed ledger time (`--ledger-time`) and hold a ledger of its own (`--store
memory:`).
"""

from __future__ import annotations

import argparse
import copy
import datetime
import http.client
import json
import pathlib
import random
import re
import sys
import time
import typing
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import binance  # noqa: E402
import crypto_com  # noqa: E402
import edges  # noqa: E402
import okx  # noqa: E402
import rails  # noqa: E402
from cases import Case, Chance, Round  # noqa: E402
from crypto_com_live import ANYTHING  # noqa: E402
from ledger import Account, Ledger, Refused  # noqa: E402
from neighbours import Client  # noqa: E402

VENUES = {module.VENUE: module for module in (binance, okx, crypto_com, rails)}
BATCH = 40
RULEBOOKS = pathlib.Path(__file__).resolve().parents[2].glob("Sources/*/Rulebook/*.json")
NEWEST_RULES = max(json.loads(file.read_text())["effective"] for file in RULEBOOKS)
SHOWN = 12
STEP = 1000  # milliseconds between the commands of a batch and its last prices
PAST = 8  # every eighth case is compared as of a past time, too
BESIDE = 4  # of every fourth case the neighbouring endpoints and the edges of refusal are compared, too


def milliseconds(time: str) -> float:
    """An ISO 8601 time in milliseconds since 1970."""
    return datetime.datetime.fromisoformat(time).timestamp() * 1000


class Server:
    """The operator API of a running server, over one connection."""

    def __init__(self, url: str, token: str):
        parts = urllib.parse.urlsplit(url)
        self.address = (parts.hostname, parts.port or 80)
        self.headers = {"Authorization": f"Bearer {token}"}
        self.connection = http.client.HTTPConnection(*self.address, timeout=120)

    def call(self, method: str, path: str, body: typing.Any = None) -> tuple[int, typing.Any]:
        sent = None if body is None else json.dumps(body)
        headers = self.headers | ({"Content-Type": "application/json"} if sent else {})
        for attempt in (1, 2):
            try:
                self.connection.request(method, "/admin/v1" + path, sent, headers)
                answer = self.connection.getresponse()
                return answer.status, json.loads(answer.read() or b"null", parse_float=str)
            except (http.client.HTTPException, ConnectionError):
                self.connection.close()
                self.connection = http.client.HTTPConnection(*self.address, timeout=120)
                if attempt == 2:
                    raise
        raise AssertionError("not reached")

    def apply(self, commands: list[dict]) -> list[dict]:
        """The results of commands, one row each."""
        status, answer = self.call("POST", "/commands", commands)
        if status != 200:
            raise SystemExit(f"POST /commands answered {status}: {answer}")
        return answer["results"]

    def now(self) -> int:
        """What the ledger's clock shows, in milliseconds."""
        status, clock = self.call("GET", "/clock")
        if status != 200 or clock.get("mode") == "system" or clock["now"] < milliseconds(NEWEST_RULES):
            raise SystemExit(
                "The server must stand at a ledger time (--ledger-time) after the newest built-in rulebook, "
                f"for example 2026-11-20T12:00:00Z; GET /clock answered {status}: {clock}")
        return clock["now"]

    def advance(self) -> None:
        """Moves the ledger's clock on."""
        status, answer = self.call("PUT", "/clock", {"advance_ms": STEP})
        if status != 200:
            raise SystemExit(f"PUT /clock answered {status}: {answer}")

    def statement(self, account: str, query: str) -> typing.Any:
        status, answer = self.call("GET", f"/accounts/{account}/statement{query}")
        return answer if status == 200 else {"status": status, "answer": answer}


Difference = tuple[str, typing.Any, typing.Any]  # where, what was served, what was expected


def differences(served: typing.Any, expected: typing.Any, path: str = "") -> list[Difference]:
    """Every leaf in which two trees differ, and where the order of keys does."""
    if isinstance(served, dict) and isinstance(expected, dict):
        found = []
        for key in list(expected) + [key for key in served if key not in expected]:
            found += differences(served.get(key, "(absent)"), expected.get(key, "(absent)"), f"{path}.{key}")
        if not found and list(served) != list(expected):
            found.append((path + " (order of keys)", list(served), list(expected)))
        return found
    if isinstance(served, list) and isinstance(expected, list) and len(served) == len(expected):
        return [row for index, pair in enumerate(zip(served, expected))
                for row in differences(*pair, f"{path}[{index}]")]
    if callable(expected):  # what must hold of a figure that is not worked out again
        return [] if expected(served) else [(path.lstrip("."), served, expected.__qualname__)]
    same = expected == ANYTHING or type(served) is type(expected) and served == expected
    return [] if same else [(path.lstrip("."), served, expected)]


def mentioned(prices: dict, text: str) -> dict:
    """Of a price command what some commands speak of."""
    return prices | {part: {name: price for name, price in prices[part].items() if name in text}
                     for part in ("marks", "index") if part in prices}


def outcome(ledger: Ledger, command: dict) -> str:
    """The status that the server should answer to a command."""
    try:
        return ledger.apply(command)
    except Refused:
        return "rejected"


class Comparison:
    """One venue in one mode."""

    def __init__(self, server: Server, module: typing.Any, mode: str, seed: int):
        self.server, self.module, self.mode, self.seed = server, module, mode, seed
        self.client = Client(server)
        self.passed = self.failed = self.left = self.shrinks = 0
        self.started = time.monotonic()
        # the same seed can be played twice into one ledger
        self.run_id = format(time.time_ns() // 1000 % 36 ** 6, "x")
        self.fields: dict[str, int] = {}
        self.first: tuple[Case, Round] | None = None

    def run(self, count: int, until: float) -> None:
        """Compares `count` accounts, or as many as there is time for."""
        for start in range(0, count, BATCH):
            if start and time.monotonic() > until:
                self.left = count - start
                return
            chance = Chance(f"{self.seed}/{self.module.VENUE}/{self.mode}/{start}")
            prices = self.module.prices(chance, self.mode)
            names = [f"naive-{self.run_id}-{self.module.VENUE}-{self.mode}-{index}"
                     for index in range(start, min(start + BATCH, count))]
            cases = [self.module.generate(chance, name, self.mode) for name in names]
            for case, found in zip(cases, self.play(cases, prices)):
                self.note(case, prices, found)

    def report(self) -> None:
        print(f"{self.module.VENUE} {self.mode}: {self.passed} passed, {self.failed} failed"
              + (f", {self.left} left out for want of time" if self.left else "")
              + f" in {time.monotonic() - self.started:.1f} s", flush=True)
        if self.failed:
            print(f"  accounts by differing field: {json.dumps(self.fields)}")
            self.shrink()

    def note(self, case: Case, prices: Round, found: list) -> None:
        if not found:
            self.passed += 1
            return
        self.failed += 1
        self.first = self.first or (case, prices)
        for name in {re.split(r"[. ]", path)[-1] for path, _, _ in found}:
            self.fields[name] = self.fields.get(name, 0) + 1

    def play(self, cases: list[Case], prices: Round) -> list[list]:
        """Both sides of each case: the differences, or why there is nothing to compare. The new prices come
        a second later; the moment before them is compared too, as of then."""
        commands = [command for case in cases for command in case.commands]
        before = self.server.now()
        results = self.server.apply([prices.before, *commands])
        self.server.advance()
        self.server.apply([prices.after])
        ledger = self.module.ledger()
        ledger.time = before
        ledger.apply(prices.before)
        rows = iter(results[1:])
        found: list[list[Difference]] = [
            [(f"command {command['type']}", row.get("error", row), expected)
             for command, row, expected in (
                 (command, next(rows), outcome(ledger, command)) for command in case.commands)
             if row["status"] != expected]
            for case in cases]
        for case, rows in zip(cases[::PAST], found[::PAST]):
            account, query = case.queries[0]
            rows += self.compare(ledger, account, query, before, f"{'&' if query else '?'}as_of={before}")
        ledger.apply(prices.after)
        for case, rows in zip(cases, found):
            for account, query in case.queries:
                rows += self.compare(ledger, account, query, before + STEP)
        for case, rows in zip(cases[::BESIDE], found[::BESIDE]):
            account = ledger.accounts[case.accounts[0]]
            rows += self.beside(ledger, account, before + STEP)
            verdicts = edges.verdicts(self.server, self.module.VENUE, ledger, account, self.mode)
            rows += [(f"edge {json.dumps(command)}", status, expected)
                     for command, status, expected in verdicts if status != expected]
        return found

    def beside(self, ledger: Ledger, account: Account, now: int) -> list[Difference]:
        """Where the neighbouring endpoints differ from what they must answer."""
        return [(f"{account.name} {path} {place}", served, own)
                for path, answer, expected in self.client.pairs(
                    self.module.VENUE, ledger, account, self.mode, now)
                for place, served, own in differences(answer, expected)]

    def compare(
            self, ledger: Ledger, account: str, query: str, now: int, as_of: str = "") -> list[Difference]:
        """Where the server's statement differs from this ledger's."""
        expected = self.module.statement(ledger, ledger.accounts[account], query, self.mode, now)
        return [(f"{account}{query}{as_of} {path}", served, own) for path, served, own
                in differences(self.server.statement(account, query + as_of), expected)]

    def shrink(self) -> None:
        """Takes commands away from the first failing case as long as something still differs, and shows
        the rest."""
        case, prices = self.first
        smallest, found = case, self.again(case, prices)
        if not found:
            print("  the first failing case passes when it is played alone")
            return
        step = max(1, len(smallest.commands) // 2)
        until = time.monotonic() + 20
        while step and time.monotonic() < until:
            at = 0
            while at < len(smallest.commands):
                fewer = copy.copy(smallest)
                fewer.commands = smallest.commands[:at] + smallest.commands[at + step:]
                rows = self.again(fewer, prices)
                if rows and not rows[0][0].startswith("command ") or rows and found[0][0].startswith(
                    "command "):
                    smallest, found = fewer, rows
                else:
                    at += step
            step //= 2
        text = json.dumps(smallest.commands)
        print(f"  {json.dumps(mentioned(prices.before, text))}")
        for command in smallest.commands:
            print(f"  {json.dumps(command)}")
        print(f"  {json.dumps(mentioned(prices.after, text))}")
        for path, served, expected in found[:SHOWN]:
            print(f"    {path}: served {json.dumps(served)}, expected {json.dumps(expected)}")
        if len(found) > SHOWN:
            print(f"    and {len(found) - SHOWN} more")

    def again(self, case: Case, prices: Round) -> list:
        """Plays a case once more, with accounts of new names; nothing if the naive ledger cannot follow."""
        self.shrinks += 1
        text = json.dumps([case.accounts, case.commands, case.queries])
        for name in sorted(case.accounts, key=len, reverse=True):
            text = text.replace(f'"{name}"', f'"{name}-s{self.shrinks}"')
        try:
            accounts, commands, queries = json.loads(text)
            opened = {command["account"] for command in commands if command["type"] == "open_account"}
            return self.play([Case(accounts, commands, [tuple(row) for row in queries if row[0] in opened])],
                             prices)[0]
        except (Refused, KeyError, ZeroDivisionError, AttributeError):
            return []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--accounts", type=int, default=1000, help="per venue and mode")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--venue", choices=sorted(VENUES), default=None)
    parser.add_argument("--mode", default=None)
    parser.add_argument("--live", action="store_true",
                        help="the live profiles; the server must be started with them")
    parser.add_argument("--seconds", type=float, default=200,
                        help="about how long; a mode that is too slow compares fewer accounts and says so")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10 ** 6) if options.seed is None else options.seed
    print(f"seed {seed}")
    server = Server(options.url, options.token)
    server.now()
    passed = failed = 0
    modes = [(module, mode) for module in VENUES.values()
             for mode in (getattr(module, "LIVE_MODES", ()) if options.live else module.MODES)
             if options.venue in (None, module.VENUE) and options.mode in (None, mode)]
    end = time.monotonic() + options.seconds
    for index, (module, mode) in enumerate(modes):
        comparison = Comparison(server, module, mode, seed)
        share = (end - time.monotonic()) / (len(modes) - index)
        comparison.run(options.accounts, time.monotonic() + share)
        comparison.report()
        passed, failed = passed + comparison.passed, failed + comparison.failed
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed else 1


if __name__ == "__main__":
    sys.exit(main())
