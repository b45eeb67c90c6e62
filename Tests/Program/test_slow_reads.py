"""Slow reads: they have threads of their own, are refused beyond a bound, and keep nobody else waiting."""

import http.client
import json
import threading
import time

import pytest
import venue_requests
from server import TOKEN, Server

START = 1_780_272_000_000
SECOND = 1_000


def deposits(server: Server, account: str, asset: str, count: int) -> None:
    """Fills an account with events, one a second of ledger time."""
    for first in range(0, count, 10_000):
        lines = [
            json.dumps(
                {
                    "type": "deposit",
                    "account": account,
                    "asset": asset,
                    "amount": "1",
                    "at": START + SECOND * (number + 1),
                }
            )
            for number in range(first, min(first + 10_000, count))
        ]
        answer = server.admin("POST", "/commands", "\n".join(lines), Content_Type="application/x-ndjson")
        assert answer.status == 200 and b"rejected" not in answer.body, answer.body[:500]


def busy_account(server: Server, venue: str, asset: str, count: int) -> dict:
    """An account with a long past; gives a key of it."""
    server.apply({"type": "open_account", "account": "busy", "venue": venue, "at": START})
    deposits(server, "busy", asset, count)
    return server.issue_key("busy")


def at_once(count: int, call):
    """What so many calls answer that are made side by side."""
    answers = [None] * count

    def one(place: int):
        answers[place] = call(place)

    threads = [threading.Thread(target=one, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def metric(server: Server, name: str) -> int:
    lines = server.request("GET", "/metrics").body.decode().splitlines()
    return int(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


def all_over(server: Server) -> None:
    """Waits until no slow read is under way."""
    until = time.monotonic() + 20
    while metric(server, "marginalia_slow_reads") > 0:
        assert time.monotonic() < until, "work goes on for nobody"
        time.sleep(0.05)


@pytest.fixture
def standing(start):
    return start("--ledger-time", str(START + 40_000 * SECOND), "--rate-limits", "off")


def test_beyond_the_bound_the_operator_is_told_when_to_come_again(standing):
    busy_account(standing, "okx", "USDT", 30_000)
    # Times differ, so that each has to go through events of its own.
    times = [START + SECOND * (20_000 + 61 * place) for place in range(150)]
    answers = at_once(
        len(times), lambda place: standing.admin("GET", f"/accounts/busy/statement?as_of={times[place]}")
    )
    assert {answer.status for answer in answers} == {200, 503}
    served = sum(answer.status == 200 for answer in answers)
    assert 32 <= served < 150, "what was taken is answered, and no more was taken than may wait"
    for place, answer in enumerate(answers):
        if answer.status == 200:
            assert json.loads(answer.body)["data"][0]["details"][0]["cashBal"] == str(20_000 + 61 * place)
            continue
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Retry-After"] == "1"
        assert answer.json["code"] == "busy" and answer.json["status"] == 503
    assert metric(standing, "marginalia_slow_reads_refused_total") == 150 - served
    all_over(standing)
    assert standing.admin("GET", f"/accounts/busy/statement?as_of={times[0]}").status == 200


def test_beyond_the_bound_a_venue_refuses_in_its_own_form(standing):
    key = busy_account(standing, "crypto-com", "USD", 30_000)
    method = "private/user-balance-history"
    answers = at_once(120, lambda _: venue_requests.crypto_com(standing, key, method))
    assert {answer.status for answer in answers} == {200, 429}
    for answer in answers:
        if answer.status == 429:
            assert (answer.json["code"], answer.json["message"]) == (42901, "TOO_MANY_REQUESTS")
            assert answer.json["method"] == method
    # One account cannot take all that may wait: the operator still gets in.
    assert venue_requests.crypto_com(standing, key, method).status == 200


def test_order_histories_beyond_the_bound_are_refused_by_binance(standing):
    key = busy_account(standing, "binance", "USDT", 30_000)
    answers = at_once(
        120, lambda _: venue_requests.binance(standing, key, "/fapi/v1/allOrders", "symbol=BTCUSDT")
    )
    assert {answer.status for answer in answers} == {200, 503}
    for answer in answers:
        if answer.status == 503:
            assert answer.json["code"] == -1008, answer.body


@pytest.mark.parametrize("venue, asset", [("binance", "USDT"), ("okx", "USDT"), ("rails", "USD")])
def test_old_answers_on_purpose_are_refused_in_the_venues_form_too(standing, venue, asset):
    key = busy_account(standing, venue, asset, 20_000)
    fault = {"venue": venue, "kind": "stale", "probability": "1", "age_ms": 25_000 * SECOND, "path": "/"}
    if venue == "rails":
        fault["path"] = "/api/v1/balances"
    assert standing.admin("PUT", "/faults", fault).status == 200
    # A request may wait longer for its turn than Binance's five seconds.
    patient = {"binance": {"query": "recvWindow=60000"}}.get(venue, {})
    ask = getattr(venue_requests, venue)
    answers = at_once(120, lambda _: ask(standing, key, **patient))
    assert {answer.status for answer in answers} == {200, 429}
    refused = next(answer for answer in answers if answer.status == 429)
    told = {"binance": ("code", -1003), "okx": ("code", "50011"), "rails": ("message", "Too Many Requests")}
    name, value = told[venue]
    assert refused.json[name] == value, refused.body


def test_health_and_commands_are_answered_while_the_past_is_read(standing):
    busy_account(standing, "okx", "USDT", 30_000)
    standing.apply({"type": "open_account", "account": "calm", "venue": "okx"})
    ends = threading.Event()
    reads = []

    def read(seed: int):
        number = seed
        while not ends.is_set():
            number += 7919
            time_of = START + SECOND * (number % 29_000)
            answer = standing.admin("GET", f"/accounts/busy/statement?as_of={time_of}")
            assert answer.status == 200, answer.body
            reads.append(number)

    readers = [threading.Thread(target=read, args=(seed,)) for seed in range(16)]
    for reader in readers:
        reader.start()
    slowest = 0.0
    for _ in range(40):
        begun = time.monotonic()
        assert standing.request("GET", "/healthz").status == 200
        standing.apply({"type": "deposit", "account": "calm", "asset": "USDT", "amount": "1"})
        slowest = max(slowest, time.monotonic() - begun)
    ends.set()
    for reader in readers:
        reader.join()
    assert reads, "the readers were answered"
    # A read takes tenths of a second here, sixteen of them seconds; no clock is meant to be met.
    assert slowest < 2


def test_a_client_that_has_gone_frees_its_place(standing):
    busy_account(standing, "okx", "USDT", 30_000)
    # As many as one sender may have, all gone before they are answered.
    gone = []
    for place in range(32):
        connection = http.client.HTTPConnection("127.0.0.1", standing.port, timeout=30)
        time_of = START + SECOND * (20_000 + place)
        connection.request(
            "GET",
            f"/admin/v1/accounts/busy/statement?as_of={time_of}",
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        gone.append(connection)
    for connection in gone:
        connection.close()
    all_over(standing)


def test_accounts_as_of_a_time_are_what_each_was(standing):
    standing.apply(
        {"type": "open_account", "account": "first", "venue": "okx", "at": START},
        {"type": "open_account", "account": "child", "venue": "okx", "parent": "first", "at": START + 10},
        {"type": "deposit", "account": "first", "asset": "USDT", "amount": "9", "at": START + 20},
        {
            "type": "transfer",
            "account": "first",
            "to": "child",
            "asset": "USDT",
            "amount": "4",
            "at": START + 30,
        },
        {"type": "open_account", "account": "late", "venue": "okx", "at": START + 40},
        # An account's time is its own: this comes later in the journal and earlier in time.
        {"type": "deposit", "account": "child", "asset": "USDT", "amount": "1", "at": START + 35},
    )
    for offset in (-1, 0, 10, 20, 29, 30, 35, 40, 50):
        rows = standing.admin("GET", f"/accounts?as_of={START + offset}").json["accounts"]
        for row in rows:
            alone = standing.account(row["account"], as_of=START + offset)
            for name in ("version", "last_sequence", "updated_at", "opened_at"):
                assert row[name] == alone[name], (offset, row)
        expected = [name for name, at in (("first", 0), ("child", 10), ("late", 40)) if at <= offset]
        assert [row["account"] for row in rows] == expected
