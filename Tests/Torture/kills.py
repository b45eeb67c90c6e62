"""Kills, power failures and failing calls at every write and sync of the store.

A round is one store through several processes. In each of them one call on the store's files goes wrong,
while it starts, works or stops. Then it is looked at without faults: everything acknowledged is there,
under its own sequence and once; of what was not acknowledged everything or nothing; `verify` is clean.
"""

from __future__ import annotations

import dataclasses

from server import Server, run
from torture import BROKEN_OFF, Calls, Plan, Work

ACCOUNTS = ("a", "b", "c")
CLOCK = "2026-11-20T12:00:00Z"
ENDS = ("kill-before", "kill-after", "kill-torn", "power-all", "power-some")
FAILS = ("full", "error", "short", "sync")
# How a start may end where the disk fails: unavailable, or not permitted.
HONEST_ENDS = (69, 77)


@dataclasses.dataclass
class Known:
    """What was sent to a store and what was answered."""

    commands: dict[str, dict] = dataclasses.field(default_factory=dict)
    acknowledged: dict[str, int] = dataclasses.field(default_factory=dict)
    lists: list[tuple[list[str], bool]] = dataclasses.field(default_factory=list)  # and whether all or none
    keys: dict[str, bool | None] = dataclasses.field(default_factory=dict)  # None: not answered
    clock: int = 0

    def command(self, chance) -> dict:
        """A command that was not there before."""
        name, account = f"id-{len(self.commands)}", chance.choice(ACCOUNTS)
        if len(self.commands) < len(ACCOUNTS):
            account = ACCOUNTS[len(self.commands)]
            command = {"type": "open_account", "id": name, "account": account, "venue": "okx"}
        elif chance.random() < 0.15:
            price = str(chance.randint(1, 10**6))
            command = {"type": "prices", "id": name, "venue": "okx", "marks": {"BTC-USDT-SWAP": price}}
        else:
            amount = str(chance.randint(1, 10**6))
            command = {"type": "deposit", "id": name, "account": account, "asset": "USDT", "amount": amount}
        self.commands[name] = command
        return command

    def note(self, rows: list[dict]) -> None:
        """Takes over the rows of an answer."""
        for row in rows:
            if row["status"] in ("applied", "duplicate"):
                self.acknowledged.setdefault(row["id"], row["sequence"])


class Store:
    """One store, from process to process."""

    def __init__(self, work: Work):
        self.work, self.chance, self.known = work, work.chance, Known()
        self.path = work.folder / "data" / "ledger.db"
        self.location = f"sqlite:{self.path}"
        self.calls = 60  # about how many there are in a life

    # A life with a fault

    def plan(self) -> Plan:
        """What goes wrong, and when: at any call that a life may have, the first ones more often."""
        at = 1 + self.chance.randrange(self.calls)
        if self.chance.random() < 0.25:
            at = 1 + self.chance.randrange(25)
        kind = self.chance.choice(ENDS + FAILS)
        times = self.chance.choice((1, 1, 2, 5, 40)) if kind in FAILS else 1
        return Plan(kind, at, times, self.chance.randrange(2**32))

    def live(self) -> Plan:
        """Starts, works and stops, with one thing going wrong."""
        plan, calls = self.plan(), Calls(self.work.folder)
        server = Server(
            "--ledger-time", CLOCK, store=self.location, environment=calls.environment(plan, self.path.parent)
        )
        self.work.servers.append(server)
        try:
            server.start()
        except AssertionError as error:
            status = server.process.poll()
            if not (plan.ends and status == -9) and not (calls.faults and status in HONEST_ENDS):
                self.work.find(f"a start with {plan} ended with {status}: {error}")
        else:
            self.use(server)
            if self.chance.random() < 0.6 and server.process.poll() is None:
                status = server.stop()
                if status != 0 and not (plan.ends and status == -9):
                    self.work.find(f"a stop with {plan} ended with {status}: {server.log[-4:]}")
        if server.process.poll() is None:
            server.kill()
        self.work.count(
            calls=calls.calls,
            processes=1,
            faults=calls.faults if not plan.ends else 0,
            kills=calls.faults if plan.kind.startswith("kill") else 0,
            power_failures=calls.faults if plan.kind.startswith("power") else 0,
        )
        if not calls.faults:
            self.calls = max(20, calls.calls)
        return plan

    def use(self, server: Server) -> None:
        """Some commands, keys and moves of the clock; ends where the server does."""
        for _ in range(self.chance.randint(1, 12)):
            try:
                kind = self.chance.random()
                if kind < 0.12 and len(self.known.acknowledged) >= len(ACCOUNTS):
                    self.handle_key(server)
                elif kind < 0.2:
                    self.move_clock(server)
                else:
                    self.send(server)
            except BROKEN_OFF:
                return

    def send(self, server: Server) -> None:
        """A list of commands, all or none now and then; one that was refused is sent again with the next."""
        known = self.known
        open_lists = [sent for sent in known.lists if not any(name in known.acknowledged for name in sent[0])]
        if open_lists and self.chance.random() < 0.3:
            names, atomic = self.chance.choice(open_lists)
        else:
            names = [known.command(self.chance)["id"] for _ in range(self.chance.choice((1, 1, 3, 30)))]
            atomic = len(names) > 1 and self.chance.random() < 0.5
            known.lists.append((names, atomic))
        answer = server.admin(
            "POST", "/commands" + ("?atomic=true" if atomic else ""), [known.commands[name] for name in names]
        )
        self.work.count(commands=len(names))
        if answer.status == 200:
            known.note(answer.json["results"])
        elif answer.status not in (422, 503):
            self.work.find(f"commands were answered with {answer.status}: {answer.body[:300]}")

    def handle_key(self, server: Server) -> None:
        """Issues a key or revokes it."""
        account = self.chance.choice(ACCOUNTS)
        name = f"key-of-{account}"
        is_there, self.known.keys[name] = self.known.keys.get(name, False), None
        if is_there:
            answer = server.admin("DELETE", f"/accounts/{account}/keys/{name}")
            accepted = (204, 404) if is_there is None else (204,)
        else:
            content = {
                "api_key": name,
                "secret": "made-up-secret",
                "passphrase": "made-up",
                "permissions": ["read"],
            }
            answer = server.admin("POST", f"/accounts/{account}/keys", content)
            accepted = (200, 201)
        if answer.status in accepted:
            self.known.keys[name] = not is_there
        elif answer.status not in (404, 503):  # 404: the account's opening was refused
            self.work.find(f"a key was answered with {answer.status}: {answer.body[:300]}")

    def move_clock(self, server: Server) -> None:
        """Moves the ledger's clock on."""
        answer = server.admin("PUT", "/clock", {"advance_ms": self.chance.randint(1, 10**6)})
        if answer.status == 200:
            self.known.clock = max(self.known.clock, answer.json["now"])
        elif answer.status != 503:
            self.work.find(f"the clock was answered with {answer.status}: {answer.body[:300]}")

    # A life without one

    def check(self, after: str) -> None:
        """Opens the store as it is and compares it with what is known."""
        verified = run("verify", "--store", self.location)
        if verified.returncode != 0 and (self.known.acknowledged or verified.returncode != 69):
            self.work.find(f"verify after {after}: {verified.returncode} {verified.stderr.strip()[:600]}")
        server = Server("--ledger-time", CLOCK, store=self.location)
        self.work.servers.append(server)
        try:
            server.start()
        except AssertionError as error:
            return self.work.find(f"no start after {after}: {error}")
        self.compare(server, after)
        before = server.everything()
        if self.chance.random() < 0.5:
            server.kill()
        elif (status := server.stop()) != 0:
            self.work.find(f"a stop after {after} ended with {status}: {server.log[-4:]}")
        with Server("--ledger-time", CLOCK, store=self.location) as again:
            if again.everything() != before:
                self.work.find(f"a restart after {after} changed an account")

    def compare(self, server: Server, after: str) -> None:
        known = self.known
        found, balances = self.applied(server)
        for name, sequence in known.acknowledged.items():
            if known.commands[name]["type"] != "prices" and found.get(name) != sequence:
                self.work.find(f"after {after} {name}, acknowledged as {sequence}, is {found.get(name)}")
        for names, atomic in known.lists:
            there = {name in found for name in names if known.commands[name]["type"] != "prices"}
            if atomic and len(there) > 1:
                self.work.find(f"after {after} an all-or-none list is half there: {names}")
        for account, held in balances.items():
            due = sum(
                int(known.commands[name]["amount"])
                for name in found
                if known.commands[name]["type"] == "deposit" and known.commands[name]["account"] == account
            )
            if held != due:
                self.work.find(f"after {after} {account} has {held}, and its deposits come to {due}")
        for name, is_there in known.keys.items():
            account = name.removeprefix("key-of-")
            if is_there is None or account not in balances:
                continue
            rows = server.admin("GET", f"/accounts/{account}/keys").json["keys"]
            if is_there != any(row["api_key"] == name for row in rows):
                self.work.find(f"after {after} {name} is {'lost' if is_there else 'back'}")
        now = server.admin("GET", "/clock").json["now"]
        if now < known.clock:
            self.work.find(f"after {after} the clock shows {now}, and was moved to {known.clock}")
        self.resend(server, after)

    def applied(self, server: Server) -> tuple[dict[str, int], dict[str, int]]:
        """The command ids of all accounts' events, and what the accounts hold."""
        found, balances = {}, {}
        for row in server.admin("GET", "/accounts").json["accounts"]:
            name = row["account"]
            events = server.admin("GET", f"/accounts/{name}/events?limit=1000").json["events"]
            for event in events:
                if event["command_id"] in found:
                    self.work.find(f"{event['command_id']} was applied twice")
                found[event["command_id"]] = event["sequence"]
            holdings = server.account(name)["holdings"]
            balances[name] = sum(int(holding["cash"]) for holding in holdings)
        return found, balances

    def resend(self, server: Server, after: str) -> None:
        """Everything once more, under the same ids."""
        known = self.known
        for names, atomic in known.lists:
            answer = server.admin(
                "POST",
                "/commands" + ("?atomic=true" if atomic else ""),
                [known.commands[name] for name in names],
            )
            if answer.status == 422 and atomic:
                continue  # an account's opening is in a list after it
            if answer.status != 200:
                return self.work.find(f"after {after} sent again: {answer.status} {answer.body[:300]}")
            for row in answer.json["results"]:
                sequence = known.acknowledged.get(row["id"])
                if sequence is not None and (row["status"], row.get("sequence")) != ("duplicate", sequence):
                    self.work.find(f"after {after} {row['id']} sent again is {row}, not duplicate {sequence}")
            known.note(answer.json["results"])


def round(work: Work) -> None:
    """One store through several struck processes."""
    store = Store(work)
    for _ in range(work.chance.randint(1, 5)):
        plan = store.live()
        store.check(str(plan))
        if work.run.findings and work.run.findings[-1].endswith(f"--round {work.number}"):
            return
