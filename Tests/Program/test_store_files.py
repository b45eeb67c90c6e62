"""The store as a file: killed while it is made, other names, what an end leaves, and what is damaged."""

import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest

from server import PROGRAM, ROOT, TOKEN, Server, environment, run

SEED = 20261128
OPEN = {"type": "open_account", "account": "desk", "venue": "okx"}


def deposit(number: int, account: str = "desk") -> dict:
    return {
        "type": "deposit",
        "id": f"d{number}",
        "account": account,
        "asset": "USDT",
        "amount": str(number),
    }


def path_of(store: str) -> pathlib.Path:
    return pathlib.Path(store.removeprefix("sqlite:"))


def change(store: str, sql: str) -> int:
    """Runs SQL on a store that nobody has open; gives how many rows it touched."""
    database = sqlite3.connect(path_of(store))
    rows = database.execute(sql).rowcount
    database.commit()
    database.close()
    return rows


def refused(store: str, *options: str) -> subprocess.CompletedProcess:
    """Starts a server that must not start."""
    return run(
        "serve", "--listen", "127.0.0.1:0", "--store", store, "--admin-token", TOKEN, *options, within=30
    )


def told(ended: subprocess.CompletedProcess) -> str:
    """The sentence that a refused start ends with; log lines may stand before it."""
    return ended.stderr.strip().splitlines()[-1]


# Being made


def test_killed_while_it_is_made(tmp_path):
    """Whatever moment the kill falls into, the next start makes the store, and it is sound."""
    print(f"seed {SEED}")
    generator = random.Random(SEED)
    stages = set()
    for number in range(40):
        folder = tmp_path / str(number)
        store = f"sqlite:{folder}/ledger.db"
        process = subprocess.Popen(
            [PROGRAM, "serve", "--listen", "127.0.0.1:0", "--store", store, "--admin-token", TOKEN],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(),
        )
        # From the moment the folder is there: the first milliseconds are what matters.
        until = time.monotonic() + 10
        while not folder.exists() and time.monotonic() < until:
            pass
        if number % 4:
            time.sleep(generator.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        process.wait()
        stages.add(tuple(sorted(file.name for file in folder.iterdir())))
        looked = run("verify", "--store", store)
        assert looked.returncode == 0 or (looked.returncode == 69 and "There is no store" in looked.stderr)
        with Server(store=store) as one:
            one.apply(OPEN, deposit(1))
        assert run("verify", "--store", store).returncode == 0
    print(f"stages {sorted(stages)}")


def half_made(path: pathlib.Path, before: str = "") -> None:
    """What a process leaves that is killed in a transaction without a write-ahead log: the file with pages of
    it, and its rollback journal."""
    made = path.with_name("made.db")
    database = sqlite3.connect(made, isolation_level=None)
    database.executescript(before)
    database.execute("PRAGMA cache_size = 1")
    database.execute("BEGIN")
    database.execute("CREATE TABLE half (text TEXT)")
    database.executemany("INSERT INTO half VALUES (hex(randomblob(?)))", [(500,) for _ in range(500)])
    shutil.copy(made, path)
    shutil.copy(f"{made}-journal", f"{path}-journal")
    database.rollback()
    database.close()
    made.unlink()


def test_a_hot_journal_does_not_brick_it(tmp_path):
    path = tmp_path / "ledger.db"
    half_made(path)
    looked = run("verify", "--store", f"sqlite:{path}")
    assert looked.returncode == 69 and "cut off" in looked.stderr, looked
    with Server(store=f"sqlite:{path}") as one:
        one.apply(OPEN, deposit(1))
    assert run("verify", "--store", f"sqlite:{path}").returncode == 0


def test_another_programs_half_written_file_is_left_alone(tmp_path):
    path = tmp_path / "songs.db"
    half_made(path, "CREATE TABLE songs (title TEXT); INSERT INTO songs VALUES ('one');")
    before = path.read_bytes(), pathlib.Path(f"{path}-journal").read_bytes()
    for ended in (refused(f"sqlite:{path}"), run("verify", "--store", f"sqlite:{path}")):
        assert ended.returncode == 69 and "another program" in ended.stderr, ended
    assert (path.read_bytes(), pathlib.Path(f"{path}-journal").read_bytes()) == before


def test_recordings_are_made_after_a_kill_too(tmp_path):
    path = tmp_path / "recordings.db"
    half_made(path)
    ended = run("history", "--recordings", f"sqlite:{path}")
    assert ended.returncode == 69 and "cut off" in ended.stderr, ended


@pytest.mark.parametrize("version", [-5, 99])
def test_other_layouts_are_refused(store, version):
    with Server(store=store) as one:
        one.apply(OPEN)
    change(store, f"PRAGMA user_version = {version}")
    for ended in (refused(store), run("verify", "--store", store)):
        assert ended.returncode == 69 and f"layout {version}" in ended.stderr, ended


# Names


def test_one_server_whatever_the_name(store, tmp_path):
    path = path_of(store)
    names = [tmp_path / "soft.db", path.with_name("soft.db"), path.with_name("hard.db"), tmp_path / "far.db"]
    with Server(store=store) as one:
        one.apply(OPEN, deposit(1))
        names[0].symlink_to(path)
        names[1].symlink_to("ledger.db")
        os.link(path, names[2])
        os.link(path, names[3])
        for name in names:
            ended = refused(f"sqlite:{name}")
            assert ended.returncode == 69, ended
            assert not name.with_name(name.name + "-wal").exists()
        one.apply(deposit(2))
    # One after the other they are the same store.
    for number, name in enumerate(names):
        with Server(store=f"sqlite:{name}") as one:
            assert one.account("desk")["version"] == 3 + number
            one.apply(deposit(3 + number))
    with Server(store=store) as one:
        assert one.account("desk")["version"] == 7
        one.kill()


def test_after_a_kill_another_name_hides_nothing(store, tmp_path):
    one = Server(store=store).start()
    one.apply(OPEN, deposit(1))
    one.kill()
    far = tmp_path / "far.db"
    os.link(path_of(store), far)
    for ended in (refused(f"sqlite:{far}"), run("verify", "--store", f"sqlite:{far}")):
        assert ended.returncode == 69 and "ledger.db-wal" in ended.stderr, ended
    soft = tmp_path / "soft.db"
    soft.symlink_to(path_of(store))
    with Server(store=f"sqlite:{soft}") as one:
        assert one.account("desk")["version"] == 2


# Ends


def test_after_an_orderly_end_the_log_is_empty(store, tmp_path):
    with Server(store=store) as one:
        one.apply(OPEN, *[deposit(number) for number in range(1, 500)])
        one.account("desk", as_of="2030-01-01T00:00:00Z")
        assert one.admin("GET", "/accounts/desk/events?limit=5").status == 200
    log = path_of(store).with_name("ledger.db-wal")
    assert not log.exists() or log.stat().st_size == 0
    copy = tmp_path / "copy.db"
    shutil.copy(path_of(store), copy)
    with Server(store=f"sqlite:{copy}") as one:
        assert one.account("desk")["version"] == 500


def test_a_changed_bit_of_the_log_is_no_older_ledger(store, tmp_path):
    print(f"seed {SEED}")
    generator = random.Random(SEED)
    with Server(store=store) as one:
        one.apply(OPEN, deposit(1))
        key = one.issue_key("desk")
    one = Server(store=store).start()
    for number in range(2, 12):
        one.apply(deposit(number))
    assert one.admin("DELETE", f"/accounts/desk/keys/{key['api_key']}").status == 204
    one.kill()
    names = ["ledger.db", "ledger.db-wal", "ledger.db-tip"]
    folder = path_of(store).parent
    refusals = 0
    for number in range(60):
        copy = tmp_path / str(number)
        copy.mkdir()
        for name in names:
            shutil.copy(folder / name, copy / name)
        log = bytearray((copy / names[1]).read_bytes())
        place = generator.randrange(len(log))
        log[place] ^= 1 << generator.randrange(8)
        (copy / names[1]).write_bytes(log)
        checked = run("verify", "--store", f"sqlite:{copy}/ledger.db", "--json")
        report = json.loads(checked.stdout)
        assert checked.returncode == (0 if report["sound"] else 65)
        if report["sound"]:
            assert report["events"] == 12
            continue
        refusals += 1
        if refusals > 12:
            continue
        ended = refused(f"sqlite:{copy}/ledger.db")
        assert ended.returncode == 65 and "--accept-shorter-ledger" in told(ended), ended
        if refusals > 3:
            continue
        with Server("--accept-shorter-ledger", store=f"sqlite:{copy}/ledger.db") as short:
            assert any("accepted" in line for line in short.log)
        with Server(store=f"sqlite:{copy}/ledger.db"):
            pass
        assert run("verify", "--store", f"sqlite:{copy}/ledger.db").returncode == 0
    assert refusals > 10


def test_a_ledger_that_is_gone_is_not_begun_anew(store):
    with Server(store=store) as one:
        one.apply(OPEN)
    path_of(store).unlink()
    ended = refused(store)
    assert ended.returncode == 65 and "no ledger" in told(ended)
    assert not path_of(store).exists()
    with Server("--accept-shorter-ledger", store=store) as one:
        one.apply(OPEN)


# Damage


@pytest.mark.parametrize(
    "lost", ["account_snapshots WHERE ordinal = 0", "meta WHERE key = 'known_end'"], ids=lambda lost: lost[:4]
)
def test_a_row_that_can_be_made_again_is_missed_and_made_again(store, lost):
    for number in range(2):
        with Server(store=store) as one:
            one.apply(*[{**OPEN, "account": f"desk-{number}-{place}"} for place in range(3)])
    assert run("verify", "--store", store).returncode == 0
    assert change(store, f"DELETE FROM {lost}") == 1
    ended = run("verify", "--store", store)
    assert ended.returncode == 65 and "is gone" in ended.stderr, ended
    with Server(store=store) as one:
        assert one.admin("GET", "/accounts").json["accounts"][5]["account"] == "desk-1-2"
        one.apply({**OPEN, "account": "more"})
    assert run("verify", "--store", store).returncode == 0


@pytest.mark.parametrize("options", [[], ["--demo"], ["--scenario"]])
@pytest.mark.parametrize("has_snapshots", [True, False])
def test_a_damaged_event_ends_every_start_alike(store, tmp_path, options, has_snapshots):
    scenario = tmp_path / "scenario.json"
    commands = [OPEN, deposit(1), deposit(2), deposit(3)]
    scenario.write_text(json.dumps({"commands": commands}))
    begin = ["--demo"] if options == ["--demo"] else ["--scenario", str(scenario)]
    with Server(*begin, store=store):
        pass
    # Of a command that is sent again: its id is looked up there.
    number = "SELECT min(sequence) FROM events WHERE type = 'deposited' AND command_id IS NOT NULL"
    database = sqlite3.connect(path_of(store))
    sequence = database.execute(number).fetchone()[0]
    database.close()
    assert change(store, f"UPDATE events SET body = body || ' ' WHERE sequence = {sequence}") == 1
    if not has_snapshots:
        assert change(store, "DELETE FROM account_snapshots")
    elif not options:
        return  # an event that a snapshot stands for is not read again by a plain start
    ended = refused(store, *(begin if options else []))
    assert ended.returncode == 65, ended
    assert told(ended).endswith(
        f"Event {sequence} in the table events is not as it was written, or the checksum of the one before "
        "it is not; restore the store from a backup."
    ), ended


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A store with something in every table, closed in order; and what it serves."""
    folder = tmp_path_factory.mktemp("whole")
    store = f"sqlite:{folder}/ledger.db"
    with Server("--demo", store=store) as one:
        pass
    with Server("--demo", store=store) as one:
        name = one.admin("GET", "/accounts").json["accounts"][0]["account"]
        one.apply(deposit(1, name), deposit(2, name))
        served = everything(one)
    tables = ["account_events", "command_entries", "price_history", "account_snapshots", "api_keys", "meta"]
    for table in tables:
        assert sqlite3.connect(path_of(store)).execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    assert run("verify", "--store", store).returncode == 0
    return store, name, served


def everything(one: Server) -> list[bytes]:
    """What a store gives: accounts now and in the past, their events, statements in the past, their keys."""
    found = []
    for row in one.admin("GET", "/accounts").json["accounts"]:
        name = row["account"]
        for path in ("", "?as_of=2100-01-01T00:00:00Z", "/events?limit=1000", "/keys"):
            found.append(one.admin("GET", f"/accounts/{name}{path}").body)
        found.append(one.statement(name, "?as_of=2100-01-01T00:00:00Z"))
    return found


def cells() -> list[tuple[str, str]]:
    """Every column of every table."""
    tables = {
        "events": "sequence at account counterparty type command_id command_digest body checksum",
        "account_events": "account sequence previous",
        "command_entries": "through entries checksum",
        "price_history": "venue kind name at sequence price previous checksum",
        "account_snapshots": "ordinal sequence body checksum",
        "api_keys": "venue api_key secret passphrase_salt passphrase_digest permissions addresses account "
        "created_at checksum",
        "meta": "key value checksum",
    }
    return [(table, column) for table, columns in tables.items() for column in columns.split()]


def copy_of(store: str, folder: pathlib.Path) -> str:
    for name in ("ledger.db", "ledger.db-tip"):
        shutil.copy(path_of(store).with_name(name), folder / name)
    return f"sqlite:{folder}/ledger.db"


@pytest.mark.parametrize(("table", "column"), cells())
def test_every_cell_is_checked(whole, tmp_path, table, column):
    """One cell, changed in one row: `verify` names the table, and a start serves what it served before, or is
    refused."""
    store, _, served = whole
    damaged = copy_of(store, tmp_path)
    database = sqlite3.connect(path_of(damaged))
    rows = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    place = random.Random(SEED).randrange(rows)
    keys = {
        "events": "sequence",
        "account_events": "account, sequence",
        "command_entries": "through",
        "price_history": "venue, kind, name, at, sequence",
        "account_snapshots": "ordinal",
        "api_keys": "venue, api_key",
        "meta": "key",
    }[table]
    where = f"({keys}) = (SELECT {keys} FROM {table} ORDER BY {keys} LIMIT 1 OFFSET {place})"
    kind = database.execute(f"SELECT typeof({column}) FROM {table} WHERE {where}").fetchone()[0]
    other = {
        "integer": f"{column} + 1000003",
        "text": f"'x' || {column}",
        "blob": f"CAST({column} || x'01' AS BLOB)",
        "null": "x'01'" if column == "command_digest" else "'x'",
    }[kind]
    assert database.execute(f"UPDATE {table} SET {column} = {other} WHERE {where}").rowcount == 1
    database.commit()
    database.close()
    checked = run("verify", "--store", damaged)
    assert checked.returncode == 65, checked
    assert f"table {table}" in checked.stdout or table == "events", checked.stdout
    try:
        one = Server(store=damaged).start()
    except AssertionError as error:
        assert "status 65" in str(error) and f"table {table}" in str(error), error
        assert table in ("events", "api_keys", "meta")
        return
    try:
        if table != "events":
            assert everything(one) == served
        else:
            # The start went by the snapshots; whoever asks for the event is told.
            answers = [answer for answer in past(one) if answer.status != 200]
            assert answers and all(b"table events" in answer.body for answer in answers)
    finally:
        assert one.stop() == 0
    if table != "events":
        assert run("verify", "--store", damaged).returncode == 0, "it was made again"


def past(one: Server) -> list:
    names = [row["account"] for row in one.admin("GET", "/accounts").json["accounts"]]
    found = [one.admin("GET", f"/accounts/{name}?as_of=2100-01-01T00:00:00Z") for name in names]
    found += [one.admin("GET", f"/accounts/{name}/events?limit=1000") for name in names]
    for name in names:
        found.append(one.admin("GET", f"/accounts/{name}/statement?as_of=2100-01-01T00:00:00Z"))
    return found


@pytest.mark.parametrize("table", ["account_events", "command_entries", "price_history", "account_snapshots"])
def test_what_was_emptied_is_made_again(whole, tmp_path, table):
    store, _, served = whole
    damaged = copy_of(store, tmp_path)
    assert change(damaged, f"DELETE FROM {table}") > 0
    with Server("--demo", store=damaged) as one:
        assert everything(one) == served
        assert any("made again" in line or "replayed" in line for line in one.log), one.log
    assert run("verify", "--store", damaged).returncode == 0


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM command_entries",
        "DELETE FROM command_entries WHERE through = (SELECT max(through) FROM command_entries)",
        "DELETE FROM command_entries WHERE through = (SELECT min(through) FROM command_entries)",
        "UPDATE command_entries SET entries = zeroblob(length(entries))",
        "UPDATE command_entries SET entries = x'', checksum = 0",
        "UPDATE meta SET value = x'31' WHERE key = 'indexed_sequence'",
        "UPDATE meta SET value = x'393939' WHERE key = 'indexed_sequence'",
        "UPDATE events SET command_id = 'other' WHERE command_id = 'd1'",
        "UPDATE events SET command_id = NULL WHERE command_id = 'd1'",
        "UPDATE events SET command_digest = NULL WHERE command_id = 'd1'",
        "DELETE FROM events WHERE command_id = 'd1'",
    ],
)
def test_a_repeated_id_is_never_applied_again(whole, tmp_path, damage):
    store, name, _ = whole
    damaged = copy_of(store, tmp_path)
    assert change(damaged, damage) > 0
    try:
        one = Server(store=damaged).start()
    except AssertionError as error:
        assert "status 65" in str(error), error
        return
    before = one.account(name)
    results = one.send(deposit(1, name), deposit(2, name))
    assert not [row for row in results if row["status"] == "applied"], results
    assert one.account(name) == before
    assert one.stop() == 0


# Layout 1


def test_a_store_of_layout_1_opens(tmp_path):
    path = tmp_path / "ledger.db"
    database = sqlite3.connect(path)
    database.executescript((ROOT / "Tests" / "Fixtures" / "store-layout-1.sql").read_text())
    database.close()
    store = f"sqlite:{path}"
    checked = run("verify", "--store", store)
    assert checked.returncode == 0 and "11 events, 3 accounts" in checked.stdout, checked
    with Server(store=store) as one:
        assert one.account("main")["last_sequence"] == 8
        assert [row["api_key"] for row in one.admin("GET", "/accounts/main/keys").json["keys"]] == [
            "old-okx-key"
        ]
        again = {"type": "deposit", "id": "d1", "account": "main", "asset": "USDT", "amount": "10000"}
        assert one.send(again)[0]["status"] == "duplicate"
        one.apply(deposit(77, "main"))
        before = one.everything()
    assert run("verify", "--store", store).returncode == 0
    with Server(store=store) as one:
        assert one.everything() == before
