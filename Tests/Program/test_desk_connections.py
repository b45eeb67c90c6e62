"""How the desk reaches venues: keys, clocks, limits, venues that are away, and what scripts learn of it."""

import json
import os
import shutil
import subprocess
import time

import pytest
from desk import NAMES, PREFIXES, Desk, entry
from relay import Relay
from server import PROGRAM, Server, environment, run
from venue_requests import DEMONSTRATION_KEYS, VENUES

ACCOUNT_ENDPOINT = {
    "crypto-com": "/exchange/v1/private/user-balance",
    "rails": "/api/v1/balances",
    "binance": "/fapi/v3/account",
    "okx": "/api/v5/account/balance",
}
# Nothing listens at the discard port of this machine.
AWAY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def server():
    with Server("--demo") as running:
        yield running


def desk_of(folder, *accounts, **content) -> Desk:
    return Desk(folder, list(accounts), **content)


# Keys


@pytest.mark.parametrize("venue", VENUES)
def test_a_wrong_secret_is_refused_and_not_shown(server, tmp_path, venue):
    desk = desk_of(tmp_path, entry(venue, server.url))
    secret = "0123456789-made-up-and-wrong"
    done = desk.run("portfolio", **{PREFIXES[venue] + "_SECRET": secret})
    assert done.returncode == 77, done.stderr
    assert f"{NAMES[venue]} at {venue}" in done.stderr
    assert secret not in done.stdout + done.stderr


def test_a_key_that_can_trade_needs_a_word_in_the_configuration(server, tmp_path):
    desk = desk_of(tmp_path, entry("okx", server.url, allow=[]))
    done = desk.run("portfolio", "--json")
    assert done.returncode == 77
    assert "can trade" in done.stderr and "allow: [trade]" in done.stderr
    assert json.loads(done.stdout)["accounts"] == []


def test_a_missing_variable_is_named(server, tmp_path):
    desk = desk_of(tmp_path, entry("okx", server.url))
    del desk.variables["DESK_OKX_SECRET"]
    done = desk.run("portfolio")
    assert done.returncode == 78 and "DESK_OKX_SECRET" in done.stderr


def test_a_key_file_must_be_its_owners_alone(server, tmp_path):
    file = tmp_path / "okx.yaml"
    key = DEMONSTRATION_KEYS["okx"]
    file.write_text("".join(f"{name}: {value}\n" for name, value in key.items()))
    desk = desk_of(tmp_path, entry("okx", server.url, credentials={"file": "okx.yaml"}))
    file.chmod(0o600)
    assert desk.run("portfolio").returncode == 0
    for mode in (0o640, 0o644, 0o606, 0o622):
        file.chmod(mode)
        done = desk.run("portfolio")
        assert done.returncode == 77, oct(mode)
        assert "chmod 600" in done.stderr and key["secret"] not in done.stderr


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_a_key_is_read_from_files_alone(tmp_path, kind):
    """A pipe that nobody writes into would be waited for without an end."""
    place = tmp_path / "okx.json"
    if kind == "pipe":
        os.mkfifo(place, 0o600)
    elif kind == "folder":
        place.mkdir(0o700)
    else:
        place.symlink_to("/dev/zero")
    desk = desk_of(tmp_path, entry("okx", "http://127.0.0.1:9", credentials={"file": "okx.json"}))
    done = desk.run("portfolio")
    assert done.returncode == 78 and "okx.json is no file of secrets" in done.stderr


def test_a_sealed_store(server, tmp_path):
    phrase = {"MARGINALIA_DESK_PASSPHRASE": "a made-up passphrase"}
    plain = tmp_path / "okx.json"
    plain.write_text(json.dumps(DEMONSTRATION_KEYS["okx"]))
    store = tmp_path / "keys.sealed"
    sealed = run("desk", "seal", str(store), "okx", "--from", str(plain), **phrase)
    assert sealed.returncode == 0, sealed.stderr
    assert oct(store.stat().st_mode & 0o777) == "0o600"
    assert "demo-okx" not in store.read_text()
    assert run("desk", "list", str(store), **phrase).stdout.split() == ["okx"]

    desk = desk_of(tmp_path, entry("okx", server.url, credentials={"sealed": "keys.sealed", "entry": "okx"}))
    assert desk.run("portfolio", **phrase).returncode == 0
    wrong = desk.run("portfolio", MARGINALIA_DESK_PASSPHRASE="another one")
    assert wrong.returncode == 77 and "another one" not in wrong.stderr
    store.chmod(0o644)
    assert desk.run("portfolio", **phrase).returncode == 77
    store.chmod(0o600)
    assert run("desk", "remove", str(store), "okx", **phrase).returncode == 0
    gone = desk.run("portfolio", **phrase)
    assert gone.returncode == 78 and "no entry okx" in gone.stderr


def test_a_store_asks_for_its_passphrase_where_nobody_sits(tmp_path):
    done = subprocess.run(
        [PROGRAM, "desk", "list", "none"],
        capture_output=True,
        text=True,
        timeout=30,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        env=environment(),
    )
    assert done.returncode == 77 and "MARGINALIA_DESK_PASSPHRASE" in done.stderr


# Configuration


@pytest.mark.parametrize(
    "content, message",
    [
        ("accounts: []", "accounts"),
        ("accounts:\n  - { name: a, venue: okx, credential: { env: A } }", "line 2"),
        ("accounts:\n  - { name: a, venue: nowhere, credentials: { env: A } }", "one of crypto-com"),
        (
            "accounts:\n  - { name: a, venue: okx, base_url: 'http://example.com', credentials: { env: A } }",
            "https",
        ),
        ("accounts: {", "YAML"),
    ]
    + [
        (
            "accounts:\n  - { name: a, venue: okx, credentials: { env: A },"
            f" base_url: 'http://127.0.0.1:{port}' }}",
            "line 2, accounts[0].base_url: base_url must have a port from 1 to 65535",
        )
        for port in (0, 65536, 99999, 10**20)
    ],
)
def test_a_configuration_of_no_use(tmp_path, content, message):
    file = tmp_path / "desk.yaml"
    file.write_text(content)
    done = run("portfolio", "--config", str(file), folder=tmp_path)
    assert done.returncode == 78, done.stderr
    assert message in done.stderr and "desk.yaml" in done.stderr


def test_a_missing_configuration(tmp_path):
    done = run("portfolio", folder=tmp_path)
    assert done.returncode == 78 and "desk.yaml" in done.stderr


# Clocks

SHIFTED_CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

/* The real clock, put forward or back by SHIFT seconds; clocks that only measure spans stay as they are. */
int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, time);
    if (clock == CLOCK_REALTIME) time->tv_sec += atol(getenv("SHIFT"));
    return result;
}
"""


@pytest.fixture(scope="module")
def shifted_clock(tmp_path_factory):
    compiler = shutil.which("clang") or shutil.which("gcc") or shutil.which("cc")
    assert compiler, "a C compiler comes with the Swift toolchain"
    folder = tmp_path_factory.mktemp("clock")
    (folder / "clock.c").write_text(SHIFTED_CLOCK)
    library = folder / "clock.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", library, folder / "clock.c", "-ldl"], check=True, timeout=60
    )
    return library


@pytest.mark.parametrize("shift", ("-3600", "3600"))
@pytest.mark.parametrize("venue", VENUES)
def test_a_wrong_clock_is_made_up_for(server, tmp_path, shifted_clock, venue, shift):
    with Relay(server.port) as relay:
        desk = desk_of(tmp_path, entry(venue, relay.url))
        done = desk.run("portfolio", LD_PRELOAD=str(shifted_clock), SHIFT=shift)
        assert done.returncode == 0, done.stderr
        asked = len(relay.requests(ACCOUNT_ENDPOINT[venue]))
        # Refused once, then right; Rails does not look at the time.
        assert asked == (1 if venue == "rails" else 2)


# Venues that are away, unwell or over their limit


def test_a_venue_that_is_away(tmp_path):
    desk = desk_of(tmp_path, entry("okx", AWAY), attempts=2)
    done = desk.run("portfolio")
    assert done.returncode == 69
    assert "okx-main at okx" in done.stderr and "refuses connections" in done.stderr


def test_what_is_read_stands_beside_what_is_not(server, tmp_path):
    desk = desk_of(tmp_path, entry("okx", AWAY), entry("rails", server.url), attempts=1)
    book = desk.json("portfolio", status=2)
    assert [account["account"] for account in book["accounts"]] == ["rails"]
    assert [(row["account"], row["kind"]) for row in book["not_read"]] == [("okx-main", "unavailable")]
    assert book["complete"] is False
    shown = desk.run("portfolio")
    assert shown.returncode == 2 and "Not read" in shown.stdout and "okx-main at okx" in shown.stderr


@pytest.mark.parametrize("venue", VENUES)
def test_an_unwell_venue_is_asked_again(server, tmp_path, venue):
    failures = []

    def intercept(seen):
        if seen.endpoint == ACCOUNT_ENDPOINT[venue] and len(failures) < 2:
            failures.append(seen)
            return 503, {}, b"unwell"
        return None

    with Relay(server.port, intercept) as relay:
        done = desk_of(tmp_path, entry(venue, relay.url)).run("portfolio")
        assert done.returncode == 0, done.stderr
        assert len(relay.requests(ACCOUNT_ENDPOINT[venue])) == 3


@pytest.mark.parametrize("venue", VENUES)
def test_retry_after_is_waited_for(server, tmp_path, venue):
    refusals = []
    body = {
        "okx": b'{"msg":"Too Many Requests","code":"50011"}',
        "binance": b'{"code":-1003,"msg":"Too many requests."}',
        "crypto-com": b'{"code":42901,"message":"TOO_MANY_REQUESTS"}',
        "rails": b'{"message":"Too Many Requests"}',
    }[venue]

    def intercept(seen):
        if seen.endpoint == ACCOUNT_ENDPOINT[venue] and not refusals:
            refusals.append(time.monotonic())
            return 429, {"Retry-After": "1", "Content-Type": "application/json"}, body
        if seen.endpoint == ACCOUNT_ENDPOINT[venue]:
            refusals.append(time.monotonic())
        return None

    with Relay(server.port, intercept) as relay:
        done = desk_of(tmp_path, entry(venue, relay.url)).run("portfolio")
        assert done.returncode == 0, done.stderr
        assert len(refusals) == 2 and refusals[1] - refusals[0] >= 0.99


def test_a_wait_beyond_the_deadline_is_not_begun(server, tmp_path):
    def intercept(seen):
        if seen.endpoint == ACCOUNT_ENDPOINT["binance"]:
            return 418, {"Retry-After": "7200"}, b'{"code":-1003,"msg":"Way too many requests."}'
        return None

    with Relay(server.port, intercept) as relay:
        started = time.monotonic()
        done = desk_of(tmp_path, entry("binance", relay.url)).run("portfolio")
        assert done.returncode == 69 and "7200 s" in done.stderr
        assert len(relay.requests(ACCOUNT_ENDPOINT["binance"])) == 1
        assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    "answer, status, place",
    [
        ((401, {}, b'{"code":40101,"message":"UNAUTHORIZED"}'), 0, "withheld"),
        ((503, {}, b"unwell"), 2, "not_read"),
    ],
)
def test_a_call_that_an_account_can_be_read_without(server, tmp_path, answer, status, place):
    """One that the venue refuses to this key is noted; one that failed today is missing."""

    def intercept(seen):
        return answer if seen.endpoint.endswith("get-subaccount-balances") else None

    with Relay(server.port, intercept) as relay:
        desk = desk_of(tmp_path, entry("crypto-com", relay.url), attempts=1)
        book = desk.json("portfolio", status=status)
        assert [account["account"] for account in book["accounts"]] == ["cdc"]
        assert [(row["account"], row["call"]) for row in book[place]] == [("cdc", "subaccount-balances")]


def test_a_terminal_sees_how_far_it_is(server, tmp_path):
    desk = desk_of(tmp_path, entry("okx", server.url))
    assert desk.run("portfolio").stderr == ""
    reader, terminal = os.openpty()
    with open(terminal, "wb") as stderr:
        subprocess.run(
            [PROGRAM, "portfolio", "--config", str(desk.file)],
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            timeout=60,
            env=environment(**desk.variables),
            check=True,
        )
        shown = os.read(reader, 4096)
    os.close(reader)
    assert b"reading accounts: 1 of 1" in shown and shown.endswith(b"\r\x1b[2K")


def test_a_slow_venue_meets_its_deadline(server, tmp_path):
    def intercept(seen):
        time.sleep(3)
        return 500, {}, b""

    with Relay(server.port, intercept) as relay:
        desk = desk_of(tmp_path, entry("okx", relay.url), attempts=1, timeouts={"call": "200ms"})
        done = desk.run("portfolio")
        assert done.returncode == 69 and "within 200 ms" in done.stderr


def test_a_redirect_is_not_followed(server, tmp_path):
    with Relay(server.port) as other:
        with Relay(server.port, lambda seen: (302, {"Location": other.url + seen.path}, b"")) as relay:
            done = desk_of(tmp_path, entry("rails", relay.url), attempts=1).run("portfolio")
            assert done.returncode != 0
        assert other.seen == []


def test_many_accounts_keep_to_the_venues_limit(tmp_path):
    """Twelve keys of one OKX account at once: the venue's own limit is in force, and all are read."""
    with Server("--demo") as server:
        accounts, variables = [], {}
        for number in range(12):
            key = server.issue_key("demo-okx", api_key=f"made-up-{number}", secret="s", passphrase="p")
            accounts.append(
                entry("okx", server.url, name=f"okx-{number}", credentials={"env": f"OKX_{number}"})
            )
            variables |= {
                f"OKX_{number}_API_KEY": key["api_key"],
                f"OKX_{number}_SECRET": "s",
                f"OKX_{number}_PASSPHRASE": "p",
            }
        desk = desk_of(tmp_path, *accounts, concurrency=12)
        book = desk.json("portfolio", **variables)
        assert [account["account"] for account in book["accounts"]] == [f"okx-{n}" for n in range(12)]
        values = {account["figures"]["equity"]["value"] for account in book["accounts"]}
        assert len(values) == 1


# Rails' token


def test_one_token_serves_all_calls_and_a_dead_one_is_replaced(server, tmp_path):
    killed = []

    def intercept(seen):
        if seen.endpoint == "/api/v1/balances" and not killed:
            killed.append(seen)
            return 401, {}, b'{"message":"Unauthorized"}'
        return None

    with Relay(server.port, intercept) as relay:
        done = desk_of(tmp_path, entry("rails", relay.url)).run("portfolio")
        assert done.returncode == 0, done.stderr
        assert len(relay.requests("/api/v1/token")) == 2
        assert len(relay.requests("/api/v1/balances")) == 2


# Drift


def test_a_new_field_is_told_once_and_fails_nothing(server, tmp_path):
    def intercept(seen):
        if seen.endpoint != ACCOUNT_ENDPOINT["binance"]:
            return None
        status, headers, body = relay._hand_on(seen)
        known = b'"totalInitialMargin"'
        return status, headers, body.replace(known, b'"brandNew":"7",' + known, 1)

    with Relay(server.port, intercept) as relay:
        desk = desk_of(tmp_path, entry("binance", relay.url))
        book = desk.json("portfolio")
        drift = book["accounts"][0]["drift"]
        assert [(row["kind"], row["example"]) for row in drift] == [("new", "7")]
        assert "brandNew" in drift[0]["path"]
        assert desk.run("portfolio").stdout.count("brandNew") == 1
