"""What was acknowledged is on disk: the process is killed under load again and again, and nothing is gone."""

import decimal
import json
import random
import sqlite3
import threading
import time

import pytest

from server import Server, run

ROUNDS = 12
SEED = 20260801


def deposits(worker: int, count: int, first: int) -> list[dict]:
    """Deposits with ids; their amounts differ, so that a lost or doubled one shows in the sum."""
    return [
        {
            "type": "deposit",
            "id": f"w{worker}-{number}",
            "account": f"desk{worker}",
            "asset": "USDT",
            "amount": f"{number}.{worker + 1}",
        }
        for number in range(first, first + count)
    ]


class Load(threading.Thread):
    """Sends batches, one after the other, and remembers what was acknowledged."""

    def __init__(self, server: Server, worker: int, first: int, batch: int):
        super().__init__(daemon=True)
        self.server, self.worker, self.next, self.batch = server, worker, first, batch
        self.acknowledged: dict[str, int] = {}
        self.sent: set[str] = set()

    def run(self):
        while True:
            commands = deposits(self.worker, self.batch, self.next)
            self.sent |= {command["id"] for command in commands}
            try:
                lines = "\n".join(json.dumps(command) for command in commands)
                answer = self.server.admin("POST", "/commands", lines, Content_Type="application/x-ndjson")
            except OSError:
                return
            except Exception:  # the connection broke off in the middle of the answer
                return
            if answer.status != 200:
                return
            for row in answer.json["results"]:
                assert row["status"] in ("applied", "duplicate"), row
                self.acknowledged[row["id"]] = row["sequence"]
            self.next += self.batch


def cash(account: dict, asset: str = "USDT") -> decimal.Decimal:
    return sum(
        (decimal.Decimal(row["cash"]) for row in account["holdings"] if row["asset"] == asset),
        decimal.Decimal(0),
    )


def test_killed_under_load_nothing_acknowledged_is_lost(store):
    print(f"seed {SEED}")
    generator = random.Random(SEED)
    workers = 3
    acknowledged: dict[str, int] = {}
    sent: set[str] = set()
    one = Server(store=store).start()
    one.apply(
        *[{"type": "open_account", "account": f"desk{worker}", "venue": "okx"} for worker in range(workers)]
    )
    for round_number in range(ROUNDS):
        first = 1 + round_number * 1_000_000
        loads = [Load(one, worker, first, generator.choice([1, 3, 50, 400])) for worker in range(workers)]
        for load in loads:
            load.start()
        time.sleep(generator.uniform(0.02, 0.5))
        one.kill()
        for load in loads:
            load.join(timeout=20)
            acknowledged |= load.acknowledged
            sent |= load.sent
        one = Server(store=store).start()
        for worker in range(workers):
            mine = {name for name in acknowledged if name.startswith(f"w{worker}-")}
            least = sum(decimal.Decimal(f"{name.split('-')[1]}.{worker + 1}") for name in mine)
            most = sum(
                decimal.Decimal(f"{name.split('-')[1]}.{worker + 1}")
                for name in sent
                if name.startswith(f"w{worker}-")
            )
            held = cash(one.account(f"desk{worker}"))
            assert least <= held <= most, f"round {round_number}: {least} acknowledged, {held} held"
    assert len(acknowledged) > 500, "there was load"
    # Every acknowledged command is there under its own sequence: sent again, it is a duplicate of that.
    names = sorted(acknowledged, key=acknowledged.get)
    for start_at in range(0, len(names), 2000):
        part = names[start_at : start_at + 2000]
        again = one.send(
            *[
                {
                    "type": "deposit",
                    "id": name,
                    "account": f"desk{name[1]}",
                    "asset": "USDT",
                    "amount": f"{name.split('-')[1]}.{int(name[1]) + 1}",
                }
                for name in part
            ]
        )
        assert [(row["status"], row["sequence"]) for row in again] == [
            ("duplicate", acknowledged[name]) for name in part
        ]
    assert one.stop() == 0
    checked = run("verify", "--store", store)
    assert checked.returncode == 0, checked


def test_killed_right_after_each_answer(store):
    """One command, one answer, one kill: the least time that a lazy write could hide in."""
    for number in range(8):
        one = Server(store=store).start()
        if number == 0:
            one.apply({"type": "open_account", "account": "desk", "venue": "binance"})
        one.apply({"type": "deposit", "account": "desk", "asset": "USDT", "amount": "1"})
        one.kill()
    with Server(store=store) as after:
        assert cash(after.account("desk")) == 8


def test_a_restart_changes_no_byte(store):
    """All accounts, statements and keys read the same before and after a kill and after a clean stop."""
    one = Server("--demo", store=store).start()
    names = [row["account"] for row in one.admin("GET", "/accounts").json["accounts"]]
    before = one.everything()
    events = [one.admin("GET", f"/accounts/{name}/events?limit=1000").body for name in names]
    keys = [one.admin("GET", f"/accounts/{name}/keys").body for name in names]
    one.kill()
    for _ in range(2):
        one = Server("--demo", store=store).start()
        assert one.everything() == before
        assert [one.admin("GET", f"/accounts/{name}/events?limit=1000").body for name in names] == events
        assert [one.admin("GET", f"/accounts/{name}/keys").body for name in names] == keys
        assert one.stop() == 0


def test_snapshots_can_be_thrown_away(store):
    """The journal alone gives the same state."""
    one = Server("--demo", store=store).start()
    before = one.everything()
    assert one.stop() == 0
    database = sqlite3.connect(store.removeprefix("sqlite:"))
    tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert "account_snapshots" in tables
    database.execute("DELETE FROM account_snapshots")
    database.commit()
    database.close()
    with Server("--demo", store=store) as after:
        assert after.everything() == before


def test_verify_accepts_a_sound_journal(store):
    with Server("--demo", store=store):
        pass
    ended = run("verify", "--store", store)
    assert ended.returncode == 0, ended
    ended = run("verify", "--store", store, "--json")
    assert ended.returncode == 0
    assert isinstance(json.loads(ended.stdout), dict)


@pytest.mark.parametrize(
    "change",
    [
        'UPDATE events SET body = replace(body, \'"amount":"\', \'"amount":"9\') WHERE sequence = {middle}',
        "DELETE FROM events WHERE sequence = {middle}",
        "UPDATE events SET at = at + 1 WHERE sequence = {middle}",
        "UPDATE events SET account = 'somebody-else' WHERE sequence = {middle}",
    ],
)
def test_verify_finds_damage(store, change):
    with Server(store=store) as one:
        one.apply(
            {"type": "open_account", "account": "desk", "venue": "okx"},
            *[{"type": "deposit", "account": "desk", "asset": "USDT", "amount": "5"} for _ in range(20)],
        )
    database = sqlite3.connect(store.removeprefix("sqlite:"))
    last = database.execute("SELECT max(sequence) FROM events").fetchone()[0]
    done = database.execute(change.format(middle=last // 2))
    assert done.rowcount == 1
    database.commit()
    database.close()
    ended = run("verify", "--store", store)
    assert ended.returncode == 65, ended
    assert ended.stderr.strip()


def test_verify_of_no_store_is_an_error(tmp_path):
    ended = run("verify", "--store", f"sqlite:{tmp_path}/nothing.db")
    assert ended.returncode == 69, ended
    assert not (tmp_path / "nothing.db").exists(), "a check makes nothing"
