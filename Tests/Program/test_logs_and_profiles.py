"""What goes to the log, what never does, and the two wire profiles."""

import http.client
import json
import subprocess
import threading

import pytest

import server as program
import venue_requests
from server import run

DESKS = [
    {"type": "open_account", "account": f"desk-{venue}", "venue": venue} for venue in venue_requests.VENUES
]


def test_no_secret_is_ever_logged(start):
    """At the most talkative level, through keys issued, used, misused and revoked, and at every venue."""
    one = start("--log-level", "trace")
    one.apply(*DESKS)
    secrets = [one.token]
    for venue in venue_requests.VENUES:
        key = one.issue_key(f"desk-{venue}")
        secrets += [key["secret"], key["passphrase"] or key["secret"]]
        assert venue_requests.balance(one, venue, key).status == 200
        wrong = key | {"secret": "a-secret-that-is-wrong", "passphrase": "a-passphrase-that-is-wrong"}
        assert venue_requests.balance(one, venue, wrong).status in (400, 401)
        one.admin("DELETE", f"/accounts/desk-{venue}/keys/{key['api_key']}")
    token = venue_requests.rails_token(one, one.issue_key("desk-rails")).json["access_token"]
    venue_requests.rails_with_token(one, token)
    assert one.stop() == 0
    text = "\n".join(one.log)
    assert text, "something was logged"
    wrong_ones = ["a-secret-that-is-wrong", "a-passphrase-that-is-wrong"]
    for secret in [*secrets, *wrong_ones, token, token.split(".")[2]]:
        assert secret not in text


def test_json_logs_are_json(start):
    one = start("--log-format", "json", "--log-level", "debug")
    one.apply(*DESKS)
    one.request("GET", "/healthz")
    assert one.stop() == 0
    assert one.log
    for line in one.log:
        assert isinstance(json.loads(line), dict), line


def test_quiet_is_quiet(start):
    one = start("--log-level", "critical")
    one.apply(*DESKS)
    assert one.stop() == 0
    assert one.log == []


def test_crypto_com_in_both_profiles(start):
    """documented: eight places and texts; live: stripped numbers and booleans, as recorded."""
    commands = [
        DESKS[0],
        {"type": "deposit", "account": "desk-crypto-com", "asset": "USD", "amount": "1.50"},
    ]
    rows = {}
    for profile in ("documented", "live"):
        one = start("--profile", f"crypto-com={profile}")
        one.apply(*commands)
        [account] = json.loads(one.statement("desk-crypto-com"))["result"]["data"]
        rows[profile] = (
            account["total_cash_balance"],
            account["position_balances"][0]["collateral_eligible"],
            "total_borrow" in account,
        )
    assert rows["documented"] == ("1.50000000", "true", False)
    assert rows["live"] == ("1.5", True, True)


def test_one_id_sent_from_everywhere_at_once_is_applied_once(server):
    server.apply(DESKS[3])
    command = {"type": "deposit", "account": "desk-okx", "asset": "USDT", "amount": "1", "id": "once"}
    statuses = []

    def send():
        statuses.append(server.send(command)[0])

    threads = [threading.Thread(target=send) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(row["status"] for row in statuses) == ["applied"] + ["duplicate"] * 23
    assert len({row["sequence"] for row in statuses}) == 1
    assert server.account("desk-okx")["holdings"][0]["cash"] == "1"


def test_twenty_thousand_commands_in_one_body(server):
    server.apply(DESKS[3])
    line = json.dumps({"type": "deposit", "account": "desk-okx", "asset": "USDT", "amount": "0.0001"})
    lines = "\n".join([line] * 20_000)
    answer = server.admin("POST", "/commands", lines, Content_Type="application/x-ndjson")
    assert answer.status == 200
    assert len(answer.json["results"]) == 20_000
    assert server.account("desk-okx")["holdings"][0]["cash"] == "2"


def test_a_store_beside_nothing_else(start, tmp_path):
    """A path without a folder is a file of the working folder."""
    one = start(store="sqlite:here.db", folder=tmp_path)
    one.apply(*DESKS)
    assert one.stop() == 0
    assert (tmp_path / "here.db").exists()
    assert run("verify", "--store", "sqlite:here.db", folder=tmp_path).returncode == 0


def raw_server(log, *options: str) -> tuple[subprocess.Popen, str]:
    """A server whose standard error is as given, and where it is."""
    process = subprocess.Popen(
        [program.PROGRAM, "serve", "--listen", "127.0.0.1:0", "--store", "memory:", *options],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env=program.environment(),
    )
    return process, process.stdout.readline().split()[-1]


def unserved(url: str, times: int) -> None:
    """Calls that are logged, each a line."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    for number in range(times):
        connection.request("GET", f"/fapi/v1/nothing-{number}")
        assert connection.getresponse().read()


@pytest.mark.parametrize("reader", ["gone", "full disk", "asleep"])
def test_a_log_that_nobody_takes_stops_nothing(reader):
    """Its lines are lost or wait. A server whose standard error was a pipe that nobody read died or stood."""
    full = open("/dev/full", "w")
    process, url = raw_server(full if reader == "full disk" else subprocess.PIPE, "--log-level", "debug")
    try:
        if reader == "gone":
            process.stderr.close()
        # Beyond what a pipe holds, 64 KiB.
        unserved(url, 900)
        process.terminate()
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        full.close()


def test_a_full_disk_is_told_by_the_exit_status(server):
    with open("/dev/full", "w") as full:
        arguments = ["accounts", "list", "--url", server.url, "--token"]
        ended = subprocess.run(
            [program.PROGRAM, *arguments, server.token],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
        assert ended.returncode == 69 and "Standard output cannot be written: No space left" in ended.stderr
        refused = subprocess.run([program.PROGRAM, *arguments, "wrong"], stderr=full, timeout=60)
        assert refused.returncode == 77
