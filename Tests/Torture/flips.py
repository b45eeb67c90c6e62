"""Bits flipped in the files of a store, one at a time, over all of its pages.

Whatever a flip does to what the store holds must be found by `verify`. A server that is started on the
damaged store must refuse it, or answer a read with an error, or serve what the sound one serves, because
what was damaged could be made again from the journal. It must never serve anything else, and never trap.
"""

from __future__ import annotations

import functools
import pathlib
import shutil
import sqlite3

from server import Server, run
from torture import BROKEN_OFF, Work

CLOCK = "2026-11-20T12:00:00Z"
PAGE = 4096
# The ways in which a damaged store may be refused: bad data, not available, not permitted.
REFUSALS = (65, 69, 77)
# What is made from the journal, and can be made again.
DERIVED = ("account_events", "account_snapshots", "command_entries", "price_history")
DERIVED_META = (b"indexed_sequence", b"known_end", b"snapshot_instruments", b"snapshot_state", b"write_probe")


def fill(server: Server, chance) -> None:
    """A little of everything that a store keeps."""
    server.apply(
        {"type": "open_account", "account": "main", "venue": "okx"},
        {"type": "open_account", "account": "sub", "venue": "okx", "parent": "main"},
        {"type": "open_account", "account": "futures", "venue": "binance"},
    )
    for account in ("main", "futures"):
        passphrase = {"passphrase": "made-up"} if account == "main" else {}
        server.issue_key(account, api_key=f"key-of-{account}", secret="made-up-secret", **passphrase)
    for number in range(chance.randint(2, 6)):
        server.admin("PUT", "/clock", {"advance_ms": 1000})
        price = str(chance.randint(50_000, 70_000))
        server.apply(
            {
                "type": "prices",
                "venue": "okx",
                "marks": {"BTC-USDT-SWAP": price},
                "index": {"USDT": "1.0001"},
            },
            {"type": "prices", "venue": "binance", "marks": {"BTCUSDT": price}},
            {"type": "deposit", "id": f"in-{number}", "account": "main", "asset": "USDT", "amount": "100000"},
            {"type": "transfer", "account": "main", "to": "sub", "asset": "USDT", "amount": "1.5"},
            {"type": "deposit", "account": "futures", "asset": "USDT", "amount": "100000"},
            {
                "type": "fill",
                "account": "futures",
                "instrument": "BTCUSDT",
                "side": "buy",
                "quantity": "0.01",
                "price": price,
                "fee": "0.1",
            },
            {
                "type": "fill",
                "account": "main",
                "instrument": "BTC-USDT-SWAP",
                "side": "sell",
                "quantity": "2",
                "price": price,
            },
            *[
                {
                    "type": "deposit",
                    "id": f"in-{number}-{part}",
                    "account": "main",
                    "asset": "USDT",
                    "amount": str(part + 1),
                }
                for part in range(chance.randint(0, 40))
            ],
        )


def served(server: Server) -> dict[str, bytes]:
    """What a server answers about all it holds; an error's code stands for an answer that was refused."""
    accounts = server.admin("GET", "/accounts")
    answers = {"/accounts": accounts, "/clock": server.admin("GET", "/clock")}
    names = ("main", "sub", "futures")
    for name in names:
        for path in (
            "",
            "/events?limit=1000",
            "/keys",
            "/statement",
            "/statement?as_of=2026-11-20T12:00:01Z",
            "?as_of=2026-11-20T12:00:01Z",
        ):
            answers[f"/accounts/{name}{path}"] = server.admin("GET", f"/accounts/{name}{path}")
    again = [
        {"type": "deposit", "id": f"in-{number}", "account": "main", "asset": "USDT", "amount": "100000"}
        for number in range(2)
    ]
    answers["known ids"] = server.admin("POST", "/commands?atomic=true", again)
    found = {}
    for path, answer in answers.items():
        # What says that it cannot be read is no answer; what is not there any more is a false one.
        found[path] = b"refused" if answer.status >= 500 and answer.body else answer.body
    return found


def contents(path: pathlib.Path) -> dict[str, list] | None:
    """Every row of every table, as SQLite alone reads them; nil where it cannot. Looked at in a copy, as
    SQLite may write where it reads."""
    folder = path.parent.parent / "looked-at"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(path.parent, folder)
    try:
        database = sqlite3.connect(folder / path.name)
        try:
            database.text_factory = bytes
            if database.execute("PRAGMA integrity_check").fetchone()[0] != b"ok":
                return None
            names = [
                row[0].decode()
                for row in database.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
                )
            ]
            found = {name: database.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}
            for pragma in ("application_id", "user_version"):
                found[pragma] = database.execute(f"PRAGMA {pragma}").fetchall()
            return found
        finally:
            database.close()
    except (sqlite3.Error, UnicodeDecodeError, MemoryError):
        return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Subject:
    """A sound store: its files, its rows, and what a server serves of it."""

    def __init__(self, work: Work):
        self.work, self.chance = work, work.chance
        self.folder = work.folder / "sound"
        self.is_orderly = work.chance.random() < 0.5
        server = Server("--ledger-time", CLOCK, store=f"sqlite:{self.folder / 'ledger.db'}")
        work.servers.append(server)
        server.start()
        fill(server, work.chance)
        if self.is_orderly or work.chance.random() < 0.5:
            assert server.stop() == 0
            if not self.is_orderly:
                # Some more, which is in the write-ahead log only.
                server.start()
                server.admin("PUT", "/clock", {"advance_ms": 1000})
                server.apply({"type": "deposit", "account": "main", "asset": "USDT", "amount": "7"})
        if not self.is_orderly:
            server.kill()
        self.rows = contents(self.folder / "ledger.db")
        with self.serve(self.copy()) as sound:
            self.served = served(sound)

    def copy(self) -> pathlib.Path:
        """A copy of the store's files to be damaged."""
        folder = self.work.folder / "damaged"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name in self.files:
            shutil.copy(self.folder / name, folder / name)
        return folder

    @functools.cached_property
    def files(self) -> list[str]:
        """The files that hold something; -shm is thrown away, as a restart of the machine does."""
        return [
            path.name
            for path in self.folder.iterdir()
            if path.name.startswith("ledger.db")
            and not path.name.endswith(("-shm", "-lock"))
            and path.stat().st_size
        ]

    def serve(self, folder: pathlib.Path) -> Server:
        server = Server("--ledger-time", CLOCK, store=f"sqlite:{folder / 'ledger.db'}")
        self.work.servers.append(server)
        return server

    def flip(self, name: str, page: int) -> None:
        """Flips one bit of a page in a copy and looks at what comes of it."""
        folder = self.copy()
        path = folder / name
        data = bytearray(path.read_bytes())
        place = min(len(data) - 1, page * PAGE + self.chance.randrange(PAGE))
        bit = self.chance.randrange(8)
        data[place] ^= 1 << bit
        path.write_bytes(data)
        self.work.count(flips=1)
        where = f"bit {bit} of byte {place} of {name} ({'stopped' if self.is_orderly else 'killed'} store)"

        rows = contents(folder / "ledger.db")
        verified = run("verify", "--store", f"sqlite:{folder / 'ledger.db'}")
        if verified.returncode not in (0, *REFUSALS):
            self.work.find(f"{where}: verify ended with {verified.returncode}: {verified.stderr[-600:]}")
        if verified.returncode == 0 and (changed := self.changed(rows, is_tail=name.endswith("-wal"))):
            self.work.find(f"{where}: verify finds nothing; changed: {changed}")
        self.look_at_server(folder, where)

    def look_at_server(self, folder: pathlib.Path, where: str) -> None:
        server = self.serve(folder)
        try:
            server.start()
        except AssertionError:
            status = server.process.poll()
            if status not in REFUSALS:
                self.work.find(f"{where}: the start ended with {status}: {server.log[-6:]}")
            self.work.count(flips_refused=1)
            return
        try:
            now = served(server)
        except BROKEN_OFF as error:
            return self.work.find(f"{where}: {type(error).__name__} while reading: {server.log[-6:]}")
        finally:
            if server.process.poll() is None:
                server.kill()
        for path, body in self.served.items():
            if now[path] not in (body, b"refused"):
                return self.work.find(f"{where}: {path} is served as {now[path][:300]}, not {body[:300]}")

    def changed(self, rows: dict[str, list] | None, is_tail: bool) -> str:
        """Which rows a flip has changed, for a person. Where the end of the log is lost, what is made
        from the journal may be of an earlier time: it is brought up to date again."""
        if rows is None:
            return "SQLite cannot read it"
        parts = []
        for table in sorted(set(rows) | set(self.rows)):
            before, after = self.rows.get(table, []), rows.get(table, [])
            if is_tail and table in DERIVED:
                continue
            if is_tail and table == "meta":
                before, after = (
                    [row for row in part if row[0] not in DERIVED_META] for part in (before, after)
                )
            if before != after:
                different = [(old, new) for old, new in zip(before, after) if old != new][:1]
                parts.append(f"{table} ({len(before)} rows, then {len(after)}): {str(different)[:300]}")
        return "; ".join(parts)


def round(work: Work) -> None:
    """One store, and flips in pages that follow on those of the round before."""
    subject = Subject(work)
    pages = [
        (name, page)
        for name in sorted(subject.files)
        for page in range((((subject.folder / name).stat().st_size) + PAGE - 1) // PAGE)
    ]
    work.chance.shuffle(pages)
    for name, page in pages:
        subject.flip(name, page)
        if not work.has_time:
            return
