"""Copies of a store that can be relied on, and API secrets that do not lie in it readably."""

import json
import os
import pathlib
import sqlite3
import stat
import threading

import pytest

from server import Server, run
from venue_requests import okx

SECRET = "made-up-secret-that-nobody-may-read"
PASSPHRASE = "made up passphrase of the tests"
OPEN = {"type": "open_account", "account": "desk", "venue": "okx"}


def deposit(number: int) -> dict:
    return {
        "type": "deposit",
        "id": f"d{number}",
        "account": "desk",
        "asset": "USDT",
        "amount": str(number),
    }


def path_of(store: str) -> pathlib.Path:
    return pathlib.Path(store.removeprefix("sqlite:"))


def left_over(folder: pathlib.Path) -> list[str]:
    return [path.name for path in folder.iterdir() if ".part" in path.name]


# Copy


def test_a_copy_is_a_store_of_its_own(store, tmp_path):
    other = f"sqlite:{tmp_path / 'trial' / 'ledger.db'}"
    path_of(other).parent.mkdir(mode=0o700)
    with Server(store=store) as one:
        one.apply(OPEN, deposit(1))
        key = one.issue_key("desk", secret=SECRET)
        made = run("copy", "--store", store, "--to", other, "--json")
        assert (made.returncode, json.loads(made.stdout)["events"]) == (0, 2), made.stderr
        with Server(store=other) as trial:
            assert trial.everything() == one.everything()
            trial.apply(deposit(2))
            assert okx(trial, key).status == 200, "keys came along"
            assert trial.everything() != one.everything()
    again = run("copy", "--store", store, "--to", other)
    assert again.returncode == 64 and str(path_of(other)) in again.stderr
    assert run("copy", "--store", store, "--to", "memory:").returncode == 64
    assert run("copy", "--store", "sqlite:nowhere.db", "--to", other + "-2", folder=tmp_path).returncode == 69
    assert left_over(path_of(other).parent) == []


# Backup


def test_a_backup_beside_a_running_server(store, tmp_path):
    copies = tmp_path / "copies"
    copies.mkdir(mode=0o700)
    with Server(store=store) as one:
        one.apply(OPEN, *[deposit(number) for number in range(1, 300)])
        key = one.issue_key("desk", secret=SECRET)
        stopping = threading.Event()

        def load():
            number = 1000
            while not stopping.is_set():
                one.send(*[deposit(number + place) for place in range(50)])
                number += 50

        loading = threading.Thread(target=load)
        loading.start()
        try:
            made = []
            for number in range(3):
                copy = copies / f"copy-{number}.db"
                before = one.account("desk")["version"]
                ended = run("backup", "--store", store, "--to", str(copy), "--json")
                assert ended.returncode == 0, ended
                made.append((copy, before, json.loads(ended.stdout)))
        finally:
            stopping.set()
            loading.join()
    for copy, before, told in made:
        assert sorted(told) == ["accounts", "bytes", "checksum", "events", "sequence", "snapshots", "to"]
        assert told["to"] == str(copy) and told["accounts"] == 1 and told["events"] == told["sequence"]
        assert told["sequence"] >= before and told["bytes"] == copy.stat().st_size
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert run("verify", "--store", f"sqlite:{copy}").returncode == 0
        with Server(store=f"sqlite:{copy}") as again:
            assert again.account("desk")["version"] == told["sequence"]
            keys = again.admin("GET", "/accounts/desk/keys").json["keys"]
            assert [row["api_key"] for row in keys] == [key["api_key"]]
    assert not left_over(copies)


def test_a_backup_does_not_replace_anything(store, tmp_path):
    with Server(store=store) as one:
        one.apply(OPEN)
    there = tmp_path / "there.db"
    there.write_text("shopping list")
    for to in (there, path_of(store)):
        ended = run("backup", "--store", store, "--to", str(to))
        assert ended.returncode == 64 and str(to) in ended.stderr, ended
    assert there.read_text() == "shopping list"
    ended = run("backup", "--store", f"sqlite:{tmp_path}/none.db", "--to", str(tmp_path / "copy.db"))
    assert ended.returncode == 69, ended
    ended = run("backup", "--store", "memory:", "--to", str(tmp_path / "copy.db"))
    assert ended.returncode == 64, ended
    assert run("backup", "--help").returncode == 0
    assert not (tmp_path / "copy.db").exists() and not left_over(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE events SET body = replace(body, '5', '6') WHERE sequence = 5",
        "DELETE FROM events WHERE sequence > 8",
        "UPDATE api_keys SET permissions = 'read withdraw'",
        "DELETE FROM account_events WHERE sequence = 4",
    ],
)
def test_a_damaged_store_gives_no_backup(store, tmp_path, damage):
    with Server(store=store) as one:
        one.apply(OPEN, *[deposit(5) | {"id": f"x{number}"} for number in range(9)])
        one.issue_key("desk")
    database = sqlite3.connect(path_of(store))
    assert database.execute(damage).rowcount
    database.commit()
    database.close()
    ended = run("backup", "--store", store, "--to", str(tmp_path / "copy.db"))
    assert ended.returncode == 65 and ended.stderr.strip(), ended
    assert not (tmp_path / "copy.db").exists() and not left_over(tmp_path)


# Sealed secrets


@pytest.fixture
def key_file(tmp_path):
    file = tmp_path / "ledger.key"
    file.write_text(PASSPHRASE + "\n")
    file.chmod(0o600)
    return f"file:{file}"


def readable(store: str, text: str) -> list[str]:
    """The files of a store in which a text can be read."""
    folder = path_of(store).parent
    return [path.name for path in folder.iterdir() if path.is_file() and text.encode() in path.read_bytes()]


def signed(one: Server) -> int:
    return okx(one, {"api_key": "seal-key", "secret": SECRET, "passphrase": "made-up-phrase"}).status


def test_sealed_from_the_beginning(store, key_file):
    with Server("--seal-keys", key_file, store=store) as one:
        one.apply(OPEN)
        one.issue_key("desk", api_key="seal-key", secret=SECRET, passphrase="made-up-phrase")
        assert signed(one) == 200
        assert readable(store, SECRET) == []
    assert readable(store, SECRET) == []
    with Server("--seal-keys", key_file, store=store) as one:
        assert signed(one) == 200
        one.kill()
    with Server("--seal-keys", key_file, store=store) as one:
        assert signed(one) == 200
    assert run("verify", "--store", store).returncode == 0, "a check needs no passphrase"


def test_a_sealed_store_opens_with_its_passphrase_only(store, key_file, tmp_path):
    with Server("--seal-keys", key_file, store=store) as one:
        one.apply(OPEN)
    wrong = tmp_path / "wrong.key"
    wrong.write_text("something else")
    wrong.chmod(0o600)
    lax = tmp_path / "lax.key"
    lax.write_text(PASSPHRASE)
    lax.chmod(0o644)
    serve = ("serve", "--listen", "127.0.0.1:0", "--store", store, "--admin-token", "t")
    for options, status in [
        ((), 77),
        (("--seal-keys", f"file:{wrong}"), 77),
        (("--seal-keys", f"file:{lax}"), 77),
        (("--seal-keys", f"file:{tmp_path}/none"), 78),
        (("--seal-keys", "env:NOT_SET"), 78),
        (("--seal-keys", "hunter2-made-up"), 64),
    ]:
        ended = run(*serve, *options, within=30)
        assert ended.returncode == status, (options, ended)
        assert PASSPHRASE not in ended.stderr
    ended = run("keys", "list", "desk", "--store", store)
    assert ended.returncode == 77, ended
    ended = run("keys", "list", "desk", "--store", store, SEAL=PASSPHRASE, MARGINALIA_SEAL_KEYS="env:SEAL")
    assert ended.returncode == 0, ended


def test_an_existing_store_is_sealed_and_unsealed(store, key_file):
    with Server(store=store) as one:
        one.apply(OPEN)
        one.issue_key("desk", api_key="seal-key", secret=SECRET, passphrase="made-up-phrase")
    assert readable(store, SECRET) == ["ledger.db"]
    ended = run("keys", "seal", "--store", store, "--seal-keys", key_file, "--json")
    assert ended.returncode == 0 and json.loads(ended.stdout) == {"sealed": True, "keys": 1}, ended
    assert readable(store, SECRET) == []
    assert run("verify", "--store", store).returncode == 0
    with Server("--seal-keys", key_file, store=store) as one:
        assert signed(one) == 200
    ended = run("keys", "unseal", "--store", store, "--seal-keys", key_file)
    assert ended.returncode == 0 and "1 keys unsealed" in ended.stdout, ended
    with Server(store=store) as one:
        assert signed(one) == 200
    # Serving with the option seals what is not sealed yet, and says so.
    with Server("--seal-keys", key_file, store=store) as one:
        assert any("sealed from now on" in line for line in one.log)
        assert signed(one) == 200
    assert readable(store, SECRET) == []
    assert run("verify", "--store", store).returncode == 0


def test_a_backup_of_a_sealed_store_is_sealed(store, key_file, tmp_path):
    with Server("--seal-keys", key_file, store=store) as one:
        one.apply(OPEN)
        one.issue_key("desk", api_key="seal-key", secret=SECRET, passphrase="made-up-phrase")
        copy = tmp_path / "copy.db"
        assert run("backup", "--store", store, "--to", str(copy)).returncode == 0
    assert SECRET.encode() not in copy.read_bytes()
    with Server("--seal-keys", key_file, store=f"sqlite:{copy}") as one:
        assert signed(one) == 200


def test_a_sealed_secret_opens_in_its_own_row_only(store, key_file):
    """Somebody who can write the file cannot give one key another one's secret."""
    with Server("--seal-keys", key_file, store=store) as one:
        one.apply(OPEN)
        for name in ("one", "two"):
            one.issue_key("desk", api_key=f"{name}-key", secret=SECRET + name, passphrase="made-up-phrase")
    assert os.path.exists(path_of(store))
    database = sqlite3.connect(path_of(store))
    rows = database.execute("SELECT api_key, secret FROM api_keys ORDER BY api_key").fetchall()
    assert len({secret for _, secret in rows}) == 2 and all(SECRET not in secret for _, secret in rows)
    database.execute("UPDATE api_keys SET secret = ? WHERE api_key = 'one-key'", (rows[1][1],))
    database.commit()
    database.close()
    ended = run(
        "serve", "--listen", "127.0.0.1:0", "--store", store, "--admin-token", "t", "--seal-keys", key_file
    )
    assert ended.returncode == 65 and "one-key" in ended.stderr, ended
