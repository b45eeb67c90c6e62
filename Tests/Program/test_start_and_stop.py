"""How the program starts, refuses to start, and stops: the ready line, exit codes, files and their modes."""

import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import stat
import threading
import time

import pytest

import server as program
from server import Server, run


def assert_sentence(text: str, *parts: str) -> None:
    """Standard error holds one sentence, which names these parts, and no trace of a crash."""
    lines = [line for line in text.splitlines() if line.strip()]
    assert lines, "nothing on standard error"
    for part in parts:
        assert part in text, f"{part!r} is not in {text!r}"
    assert "Fatal error" not in text and "Stack dump" not in text
    assert lines[-1].rstrip()[-1] in ".!)'\"", lines[-1]


def assert_one_sentence(text: str, *parts: str) -> None:
    """Standard error is one line."""
    assert_sentence(text, *parts)
    assert len([line for line in text.splitlines() if line.strip()]) == 1, text


# Ready, and stopped


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ready_line_and_clean_end(number):
    one = Server().start()
    assert one.request("GET", "/healthz").status == 200
    assert one.request("GET", "/readyz").status == 200
    assert one.stop(number) == 0
    assert one.lines == [f"marginalia is ready at {one.url}"], "only the ready line goes to standard output"


def test_stopping_lets_a_request_under_way_finish(start, store):
    one = start(store=store)
    one.apply({"type": "open_account", "account": "desk", "venue": "okx"})
    body = json.dumps(
        [{"type": "deposit", "account": "desk", "asset": "USDT", "amount": "7", "id": "late"}]
    ).encode()
    connection = socket.create_connection(("127.0.0.1", one.port), timeout=20)
    connection.sendall(
        b"POST /admin/v1/commands HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
        + f"Authorization: Bearer {one.token}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body[:10]
    )
    time.sleep(0.3)
    one.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    connection.sendall(body[10:])
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    assert answer.status == 200
    assert json.loads(answer.read())["results"][0]["status"] == "applied"
    connection.close()
    assert one.wait() == 0
    again = start(store=store)
    assert [row["cash"] for row in again.account("desk")["holdings"] if row["asset"] == "USDT"] == ["7"]


def test_idle_connections_do_not_hold_it_up():
    one = Server().start()
    idle = socket.create_connection(("127.0.0.1", one.port))
    used = http.client.HTTPConnection("127.0.0.1", one.port)
    used.request("GET", "/healthz")
    used.getresponse().read()
    begun = time.monotonic()
    assert one.stop() == 0
    assert time.monotonic() - begun < 10
    idle.close()
    used.close()


# Wrong usage: 64


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "--no-such-option"],
        ["serve", "--listen", "nowhere"],
        ["serve", "--listen", "127.0.0.1:99999"],
        ["serve", "--store", "csv:x"],
        ["serve", "--ledger-time", "tomorrow"],
        ["serve", "--rate-limits", "some"],
        ["serve", "--profile", "okx=loud"],
        ["serve", "--profile", "nyse=live"],
        ["serve", "--log-level", "chatty"],
        ["serve", "--log-format", "xml"],
        ["frobnicate"],
        ["keys", "issue"],
        ["verify", "--no-such-option"],
    ],
)
def test_wrong_usage_is_64(arguments, tmp_path):
    ended = run(*arguments, folder=tmp_path)
    assert ended.returncode == 64, ended
    assert ended.stdout == ""
    assert ended.stderr.strip()
    assert not any(tmp_path.iterdir()), "nothing was made"


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"])
def test_demonstration_is_refused_where_others_could_reach_it(address, tmp_path):
    ended = run("serve", "--demo", "--listen", address, "--store", "memory:", folder=tmp_path)
    assert ended.returncode == 64
    assert_one_sentence(ended.stderr, "--demo", "127.0.0.1")


# Data that cannot be used: 65


def test_missing_scenario_and_rulebook_are_65(tmp_path):
    for option in ("--scenario", "--rulebook"):
        ended = run(
            "serve", "--store", "memory:", "--listen", "127.0.0.1:0", option, str(tmp_path / "no.yaml")
        )
        assert ended.returncode == 65, option
        assert_one_sentence(ended.stderr, "no.yaml")


@pytest.mark.parametrize(
    "content, line, field",
    [
        ("accounts:\n  - account: desk\n    venue: nyse\n", 3, "venue"),
        ("accounts:\n  - account: desk\n    venue: okx\n    setings: {}\n", 4, "setings"),
        (
            "accounts:\n  - {account: desk, venue: okx}\ncommands:\n"
            '  - {type: deposit, account: desk, asset: USDT, amount: "ten"}\n',
            4,
            "amount",
        ),
        (
            "accounts:\n  - {account: desk, venue: okx}\ncommands:\n"
            '  - {type: deposit, account: desk, asset: NOSUCHCOIN, amount: "1"}\n',
            4,
            "asset",
        ),
        (
            "accounts:\n  - {account: desk, venue: okx}\ncommands:\n"
            '  - type: deposit\n    account: desk\n    asset: USDT\n    amount: "-1"\n',
            7,
            "amount",
        ),
        ('commands:\n  - {type: deposit, account: nobody, asset: USDT, amount: "1"}\n', 2, "account"),
        ("acounts: []\n", 1, "acounts"),
        ('prices:\n  okx: {marks: {BTC-USDT-SWAP: "x"}}\n', 2, "marks"),
    ],
)
def test_broken_scenario_is_65_and_names_file_line_and_field(content, line, field, tmp_path, store):
    scenario = tmp_path / "desk.yaml"
    scenario.write_text(content)
    ended = run("serve", "--store", store, "--listen", "127.0.0.1:0", "--scenario", str(scenario))
    assert ended.returncode == 65, ended
    errors = [row for row in ended.stderr.splitlines() if "desk.yaml" in row]
    assert len(errors) == 1, ended.stderr
    assert_sentence(errors[0], "desk.yaml", f"line {line}", field)
    with Server(store=store) as after:
        assert (
            after.admin("GET", "/accounts").json["accounts"] == []
        ), "a refused scenario leaves nothing behind"


@pytest.mark.parametrize(
    "name, content",
    [
        ("a.yaml", "accounts: [\n"),
        ("a.json", '{"accounts": [}'),
        ("a.yaml", "- just\n- a list\n"),
        ("a.txt", "x"),
    ],
)
def test_scenario_that_is_no_scenario_is_65(name, content, tmp_path):
    (tmp_path / name).write_text(content)
    ended = run("serve", "--store", "memory:", "--listen", "127.0.0.1:0", "--scenario", str(tmp_path / name))
    assert ended.returncode == 65, ended
    assert_one_sentence(ended.stderr, name)


@pytest.mark.parametrize(
    "content", ["{", "{}", '{"venue":"okx"}', '{"venue":"nyse","effective":"2026-01-01T00:00:00Z"}']
)
def test_broken_rulebook_is_65(content, tmp_path):
    rulebook = tmp_path / "rules.json"
    rulebook.write_text(content)
    ended = run("serve", "--store", "memory:", "--listen", "127.0.0.1:0", "--rulebook", str(rulebook))
    assert ended.returncode == 65, ended
    assert_one_sentence(ended.stderr, "rules.json")


@pytest.mark.parametrize("part", ["assets", "instruments"])
def test_a_rulebook_that_lists_something_without_a_name_is_65(part, tmp_path):
    book = json.loads((program.ROOT / "Sources/OKX/Rulebook/okx-2024-01-01.json").read_text())
    named = {"venue": "okx", "effective": "2026-10-01T00:00:00Z", "source": "x", "read_on": "2026-09-28"}
    rulebook = tmp_path / "rules.json"
    rulebook.write_text(json.dumps(named | {"amends": True, part: {"": next(iter(book[part].values()))}}))
    ended = run("serve", "--store", "memory:", "--listen", "127.0.0.1:0", "--rulebook", str(rulebook))
    assert ended.returncode == 65, ended
    assert_sentence(ended.stderr, part, "a name")


# Not available: 69


def test_port_in_use_is_69(server):
    ended = run("serve", "--store", "memory:", "--listen", f"127.0.0.1:{server.port}")
    assert ended.returncode == 69
    assert_sentence(ended.stderr, str(server.port))


def test_store_in_use_is_69(start, store):
    one = start(store=store)
    ended = run("serve", "--store", store, "--listen", "127.0.0.1:0")
    assert ended.returncode == 69, ended
    assert_sentence(ended.stderr, "ledger.db")
    assert one.request("GET", "/readyz").status == 200


@pytest.mark.parametrize(
    "store, options",
    [
        ("", []),
        ("/letter.txt", []),
        ("/letter.txt/ledger.db", []),
        ("/letter.txt/new/ledger.db", []),
        ("/new/folder/ledger.db", ["--seal-keys", "env:NO_SUCH_VARIABLE"]),
    ],
)
def test_a_start_that_fails_leaves_nothing_behind(store, options, tmp_path):
    """No token is left beside a store that does not open, and no folder that was made for it."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "letter.txt").write_text("Dear reader")
    before = sorted(tmp_path.rglob("*"))
    path = str(folder) + store
    ended = run("serve", "--store", f"sqlite:{path}", "--listen", "127.0.0.1:0", *options)
    assert ended.returncode in (69, 78), ended
    assert_one_sentence(ended.stderr)
    assert sorted(tmp_path.rglob("*")) == before


def test_store_of_another_program_is_69_and_untouched(tmp_path):
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE notes(body TEXT)")
    other.commit()
    other.close()
    before = path.read_bytes()
    ended = run("serve", "--store", f"sqlite:{path}", "--listen", "127.0.0.1:0")
    assert ended.returncode == 69, ended
    assert_sentence(ended.stderr, "other.db")
    assert path.read_bytes() == before


def test_file_that_is_no_database_is_69_and_untouched(tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader, " * 500)
    before = path.read_bytes()
    ended = run("serve", "--store", f"sqlite:{path}", "--listen", "127.0.0.1:0")
    assert ended.returncode == 69, ended
    assert_sentence(ended.stderr, "letter.txt")
    assert path.read_bytes() == before


def test_store_of_a_newer_version_is_69_and_untouched(start, store):
    one = start(store=store)
    one.apply({"type": "open_account", "account": "desk", "venue": "okx"})
    assert one.stop() == 0
    path = store.removeprefix("sqlite:")
    database = sqlite3.connect(path)
    version = database.execute("PRAGMA user_version").fetchone()[0]
    database.execute(f"PRAGMA user_version = {version + 1}")
    database.commit()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    before = open(path, "rb").read()
    ended = run("serve", "--store", store, "--listen", "127.0.0.1:0")
    assert ended.returncode == 69, ended
    assert_sentence(ended.stderr, "ledger.db", "newer")
    assert open(path, "rb").read() == before


def test_store_that_cannot_be_made_is_69(tmp_path):
    (tmp_path / "file").write_text("")
    ended = run("serve", "--store", f"sqlite:{tmp_path}/file/ledger.db", "--listen", "127.0.0.1:0")
    assert ended.returncode == 69, ended
    assert_sentence(ended.stderr)


def test_unknown_host_is_69():
    ended = run("serve", "--store", "memory:", "--listen", "192.0.2.1:0")
    assert ended.returncode == 69
    assert_sentence(ended.stderr, "192.0.2.1")


# The operator's token


def token_file(store: str) -> str:
    """The file of the token, beside the store."""
    folder = os.path.dirname(store.removeprefix("sqlite:"))
    found = [name for name in os.listdir(folder) if "token" in name]
    assert len(found) == 1, os.listdir(folder)
    return os.path.join(folder, found[0])


def test_token_is_made_once_and_only_its_owner_can_read_it(start, store):
    one = start(store=store, token=None)
    path = token_file(store)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    one.token = open(path).read().strip()
    assert len(one.token) >= 32
    assert one.admin("GET", "/accounts").status == 200
    assert one.token not in "\n".join(one.log), "a secret is never logged"
    assert one.stop() == 0
    again = start(store=store, token=None)
    again.token = one.token
    assert again.admin("GET", "/accounts").status == 200, "the token stays the same"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_token_file_that_others_can_read_is_77(start, store, mode):
    start(store=store, token=None).stop()
    os.chmod(token_file(store), mode)
    ended = run("serve", "--store", store, "--listen", "127.0.0.1:0")
    assert ended.returncode == 77, ended
    assert_one_sentence(ended.stderr, os.path.basename(token_file(store)), "chmod")
    assert open(token_file(store)).read().strip() not in ended.stderr


def test_store_files_are_only_their_owners(start, store):
    start(store=store)
    folder = os.path.dirname(store.removeprefix("sqlite:"))
    assert stat.S_IMODE(os.stat(folder).st_mode) & 0o077 == 0
    for name in os.listdir(folder):
        assert stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) & 0o077 == 0, name


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Bearer wrong",
        "Bearer ",
        "Basic " + program.TOKEN,
        program.TOKEN,
        "Bearer " + program.TOKEN + "x",
        "Bearer " + program.TOKEN[:-1],
    ],
)
def test_operator_api_needs_the_token(server, header):
    for method, path in (("GET", "/accounts"), ("POST", "/commands"), ("PUT", "/clock"), ("GET", "/nothing")):
        answer = server.request(
            method, f"/admin/v1{path}", headers={"Authorization": header} if header else {}
        )
        assert answer.status == 401
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert answer.json["code"] == "unauthorized"
        assert program.TOKEN.encode() not in answer.body


# Configuration: 78, and who wins


def test_missing_configuration_is_78(tmp_path):
    ended = run("serve", "--config", str(tmp_path / "no.yaml"))
    assert ended.returncode == 78
    assert_one_sentence(ended.stderr, "no.yaml")


@pytest.mark.parametrize(
    "content, part",
    [
        ("listen: nowhere\n", "listen"),
        ("lissen: 127.0.0.1:0\n", "lissen"),
        ("- a\n", "conf.yaml"),
        ("listen: [\n", "conf.yaml"),
        ("log_level: info\nledger_time: someday\n", "line 2"),
    ],
)
def test_bad_configuration_is_78(content, part, tmp_path):
    (tmp_path / "conf.yaml").write_text(content)
    ended = run("serve", "--config", str(tmp_path / "conf.yaml"))
    assert ended.returncode == 78, ended
    assert_one_sentence(ended.stderr, "conf.yaml", part)


def test_bad_environment_is_78(tmp_path):
    ended = run("serve", "--store", "memory:", MARGINALIA_LISTEN="nowhere", folder=tmp_path)
    assert ended.returncode == 78
    assert_one_sentence(ended.stderr, "MARGINALIA_LISTEN")


def test_flags_win_over_environment_over_file(tmp_path, monkeypatch):
    (tmp_path / "conf.yaml").write_text(
        'listen: nowhere\nstore: "memory:"\nledger-time: 2026-01-01T00:00:00Z\nadmin-token: from-file\n'
    )
    monkeypatch.setattr(
        program,
        "environment",
        lambda **more: dict(os.environ)
        | {"MARGINALIA_ADMIN_TOKEN": "from-environment", "MARGINALIA_CONFIG": str(tmp_path / "conf.yaml")},
    )
    one = Server(token=None, folder=tmp_path)
    one.start()
    try:
        one.token = "from-environment"
        assert one.admin("GET", "/accounts").status == 200
        moved = one.admin("PUT", "/clock", {"advance_ms": 0})
        assert moved.status == 200, "the file's ledger time is in force"
    finally:
        assert one.stop() == 0


# Help


@pytest.mark.parametrize("arguments", [[], ["serve"], ["keys"], ["accounts"], ["apply"], ["verify"]])
def test_help_has_an_example(arguments):
    ended = run(*arguments, "--help")
    assert ended.returncode == 0
    assert "Example" in ended.stdout and "marginalia" in ended.stdout


@pytest.mark.parametrize("command", ["serve", "record", "history", "replay", "portfolio", "health"])
def test_help_says_a_default_once(command):
    words = " ".join(run(command, "--help").stdout.split())
    assert not re.search(r"(\(default: [^)]*\)) \1", words), words


def test_many_connections_at_once(server):
    """A hundred clients that open a connection each are all answered."""
    statuses = []

    def ask():
        statuses.append(server.request("GET", "/healthz").status)

    threads = [threading.Thread(target=ask) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 100
