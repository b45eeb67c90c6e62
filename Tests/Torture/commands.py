"""Random command lists against the naive ledger of Tests/Naive, with kills and restarts between and in
the midst.

Each list is sent with ids; where the server is killed before it has answered, the list is sent again to the
next process. In the end every figure of every account must be what the naive ledger says, as if nothing had
happened. Odd commands go in between, to accounts of their own: they are refused, or taken, and nothing
else.
"""

from __future__ import annotations

import copy
import http.client
import json
import threading
import typing

import compare
from cases import Chance
from server import TOKEN, Server, run
from torture import BROKEN_OFF, Work

CLOCK = ("--ledger-time", "2026-11-20T12:00:00Z", "--rate-limits", "off")
LIVE = ("--profile", "rails=live", "--profile", "crypto-com=live")
CASES = 10  # accounts of one batch
ODD = (
    "",
    "0",
    "-0",
    "-1",
    "1e999",
    "1e-30",
    "NaN",
    "Infinity",
    "0x10",
    " 1",
    "1 ",
    "1,5",
    "+1",
    ".5",
    "5.",
    "9" * 45,
    "0." + "0" * 30 + "1",
    "170141183460469231731",
    "1" * 5000,
    "\u0000",
    "e\u0301",
    "\u202e",
    "/",
    "..",
    "'",
    None,
    True,
    False,
    0,
    1,
    -1,
    1.5,
    10**40,
    2**63,
    [],
    {},
    [1],
    {"a": 1},
    "\U0001f4a9",
)
KINDS = (
    "open_account",
    "configure",
    "deposit",
    "withdraw",
    "transfer",
    "place_order",
    "cancel_order",
    "fill",
    "import_position",
    "set_margin_mode",
    "set_leverage",
    "adjust_isolated_margin",
    "funding",
    "borrow",
    "repay",
    "accrue_interest",
    "reserve",
    "release",
    "credit",
    "settle",
    "auto_exchange",
    "prices",
    "raise",
    "nothing",
)


class Mortal(compare.Server):
    """The operator API of a server that is killed now and then and comes again over the same store."""

    def __init__(self, work: Work, *options: str):
        self.work, self.chance = work, work.chance
        self.store = f"sqlite:{work.folder / 'data' / 'ledger.db'}"
        self.program = Server(*CLOCK, *options, store=self.store)
        work.servers.append(self.program)
        self.sent = 0
        self.begin()

    def begin(self) -> None:
        """Starts the next process."""
        self.program.start()
        super().__init__(self.program.url, TOKEN)

    def apply(self, commands: list[dict]) -> list[dict]:
        """The results of commands, whatever happens to the process meanwhile."""
        named = [command | {"id": f"n-{self.sent + place}"} for place, command in enumerate(commands)]
        self.sent += len(commands)
        self.work.count(commands=len(commands))
        if self.chance.random() < 0.1:
            if (status := self.program.stop()) != 0:
                self.work.find(f"a stop ended with {status}: {self.program.log[-4:]}")
            self.work.count(restarts=1)
            self.begin()
        killer = None
        if self.chance.random() < 0.3:
            killer = threading.Timer(self.chance.uniform(0, 0.04), self.program.process.kill)
            killer.start()
        try:
            rows = super().apply(named)
        except BROKEN_OFF:
            rows = None
        if killer is not None:
            killer.cancel()
            killer.join()
            if rows is None or killer.finished.is_set() and self.is_dead():
                self.program.process.wait(timeout=30)
                self.work.count(kills=1)
                self.begin()
                rows = rows or super().apply(named)
        if rows is None:
            raise AssertionError(f"the process ended by itself: {self.program.log[-6:]}")
        return [row | {"status": "applied"} if row["status"] == "duplicate" else row for row in rows]

    def is_dead(self) -> bool:
        """Whether the process was killed after its answer."""
        try:
            connection = http.client.HTTPConnection(*self.address, timeout=30)
            connection.request("GET", "/healthz")
            return connection.getresponse().status != 200
        except BROKEN_OFF:
            return True


class Odd:
    """Commands that make no sense, or just some."""

    def __init__(self, server: Mortal, chance: Chance):
        self.server, self.chance, self.work = server, chance, server.work
        self.names = []
        for venue in ("crypto-com", "rails", "binance", "okx"):
            name = f"odd-{venue}"
            server.apply([{"type": "open_account", "account": name, "venue": venue}])
            self.names.append(name)

    def command(self, pattern: dict) -> typing.Any:
        """A command with one to three things wrong."""
        command = copy.deepcopy(pattern) | {"account": self.chance.choice(self.names)}
        if self.chance.random() < 0.2:
            command["type"] = self.chance.choice(KINDS)
        for _ in range(self.chance.randint(1, 3)):
            place = self.chance.choice(list(command))
            turn = self.chance.random()
            if turn < 0.2:
                del command[place]
            elif turn < 0.3:
                command[self.chance.choice(("amount", "price", "id", "at", "extra", "to", "force"))] = (
                    self.value()
                )
            elif turn < 0.35:
                return self.value()
            else:
                command[place] = self.value()
            if not command:
                break
        return command

    def value(self) -> typing.Any:
        value = self.chance.choice(ODD)
        return f"{self.chance.choice(ODD)}{value}" if self.chance.random() < 0.1 else value

    def send(self, patterns: list[dict]) -> None:
        """A list of odd commands: every one gets its row, and where all are rejected nothing has changed."""
        commands = [self.command(self.chance.choice(patterns)) for _ in range(self.chance.randint(1, 12))]
        atomic = self.chance.random() < 0.3
        before = self.state()
        status, answer = self.server.call("POST", "/commands" + ("?atomic=true" if atomic else ""), commands)
        self.work.count(odd_commands=len(commands))
        text = json.dumps(commands)[:600]
        if status == 200:
            rows = answer["results"]
            if len(rows) != len(commands) or {row["status"] for row in rows} - {
                "applied",
                "duplicate",
                "rejected",
            }:
                self.work.find(f"{text} was answered with {str(answer)[:400]}")
            is_changed = any(row["status"] == "applied" for row in rows)
        else:
            if status not in (400, 413, 422) or not isinstance(answer, dict) or "code" not in answer:
                self.work.find(f"{text} was answered with {status} {str(answer)[:400]}")
            is_changed = False
        if not is_changed and self.state() != before:
            self.work.find(f"{text} changed something, and was answered with {status} {str(answer)[:400]}")

    def state(self) -> list:
        return [self.server.call("GET", f"/accounts/{name}") for name in self.names]


def round(work: Work) -> None:
    """One store at one venue in one of its modes."""
    chance = Chance(f"{work.run.seed}/commands/{work.number}")
    is_live = chance.random() < 0.25
    modes = [
        (module, mode)
        for module in compare.VENUES.values()
        for mode in (getattr(module, "LIVE_MODES", ()) if is_live else module.MODES)
    ]
    module, mode = modes[work.number % len(modes)]
    server = Mortal(work, *(LIVE if is_live else ()))
    comparison = compare.Comparison(server, module, mode, work.run.seed)
    odd = Odd(server, chance)
    for batch in range(3):
        prices = module.prices(chance, mode)
        cases = [module.generate(chance, f"t-{batch}-{index}-{mode}", mode) for index in range(CASES)]
        odd.send([command for case in cases for command in case.commands])
        for case, found in zip(cases, comparison.play(cases, prices)):
            work.count(accounts_compared=1)
            if found:
                work.find(f"{module.VENUE} {mode}: {case.accounts[0]} differs: {str(found[:3])[:800]}")
        odd.send([command for case in cases for command in case.commands])
    before = server.program.everything()
    server.program.kill()
    verified = run("verify", "--store", server.store)
    if verified.returncode != 0:
        work.find(f"verify: {verified.returncode} {verified.stderr.strip()[:600]}")
    server.begin()
    if server.program.everything() != before:
        work.find("a kill changed an account")
