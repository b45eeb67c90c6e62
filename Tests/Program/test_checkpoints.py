"""A ledger for tests is emptied and put back: figures, keys, clock and ids as they were, and nothing else."""

import json
import threading

import pytest

import venue_requests
from frames import CLOSE, TEXT, Stream, frame
from server import Server

KEY = {"api_key": "checkpoint-test-key", "secret": "checkpoint-test-secret"}
START = "2026-01-01T00:00:00Z"
OPEN = {"type": "open_account", "account": "desk", "venue": "binance"}


def deposit(amount: str, **more) -> dict:
    return {"type": "deposit", "account": "desk", "asset": "USDT", "amount": amount} | more


def refusal(answer, status: int, code: str, field: str | None = None) -> None:
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["code"] == code
    assert answer.json.get("field") == field


@pytest.fixture(params=["memory", "file"])
def desk(request, start, store):
    options = [] if request.param == "memory" else ["--allow-reset"]
    server = start(
        "--ledger-time", START, *options, store="memory:" if request.param == "memory" else store
    )
    server.apply(OPEN, deposit("100", id="first"))
    server.issue_key("desk", **KEY)
    return server


def wallet(server: Server) -> str:
    answer = venue_requests.binance(server, KEY)
    assert answer.status == 200, answer.body
    return answer.json["totalWalletBalance"]


def test_a_checkpoint_brings_everything_back(desk):
    kept = desk.admin("PUT", "/checkpoints/before")
    assert kept.status == 201
    assert kept.json["name"] == "before" and kept.json["accounts"] == 1 and kept.json["sequence"] == 2
    before, body = desk.everything(), desk.statement("desk")
    desk.apply(deposit("7", id="second"), {"type": "open_account", "account": "other", "venue": "okx"})
    desk.admin("PUT", "/clock", {"advance_ms": 1000})
    assert desk.admin("DELETE", f"/accounts/desk/keys/{KEY['api_key']}").status == 204
    assert venue_requests.binance(desk, KEY).status == 401

    assert desk.admin("POST", "/checkpoints/before/restore").json == kept.json
    assert desk.everything() == before and desk.statement("desk") == body
    assert wallet(desk) == "100.00000000"
    assert desk.admin("GET", "/clock").json["now"] == kept.json["now"]
    # Ids are those of the ledger that came back.
    results = desk.send(deposit("100", id="first"), deposit("8", id="second"))
    assert [row["status"] for row in results] == ["duplicate", "applied"]
    assert results[1]["sequence"] == 3
    assert desk.account("desk", as_of="2026-01-01T00:00:00Z")["holdings"][0]["cash"] == "108"


def test_reset_leaves_a_new_ledger(desk):
    desk.admin("PUT", "/clock", {"advance_ms": 5000})
    answer = desk.admin("POST", "/reset")
    assert answer.status == 200 and answer.json["sequence"] == 0 and answer.json["accounts"] == 0
    assert desk.admin("GET", "/accounts").json["accounts"] == []
    assert venue_requests.binance(desk, KEY).status == 401
    assert desk.admin("GET", "/clock").json == {"now": 1767225600000, "mode": "standing"}
    assert desk.apply(OPEN, deposit("5", id="first")) == [1, 2]
    desk.issue_key("desk", **KEY)
    assert wallet(desk) == "5.00000000"


def test_a_checkpoint_outlives_a_reset_and_many_rounds(desk):
    desk.admin("PUT", "/checkpoints/start")
    for number in range(20):
        desk.apply(deposit("1", id=f"round {number % 2}"))
        if number % 3 == 0:
            assert desk.admin("POST", "/reset").status == 200
        assert desk.admin("POST", "/checkpoints/start/restore").status == 200
        assert wallet(desk) == "100.00000000"


def test_what_was_restored_survives_a_kill(store):
    one = Server("--allow-reset", "--ledger-time", START, store=store).start()
    one.apply(OPEN, deposit("100"))
    one.admin("PUT", "/checkpoints/early")
    one.apply(*(deposit("1") for _ in range(50)))
    assert one.admin("POST", "/checkpoints/early/restore").status == 200
    before = one.everything()
    one.kill()
    with Server("--ledger-time", START, store=store) as again:
        assert again.everything() == before
        assert again.apply(deposit("1")) == [3]
        refusal(again.admin("POST", "/reset"), 403, "reset_not_allowed")


def test_a_reset_survives_a_kill(store):
    one = Server("--allow-reset", store=store).start()
    one.apply(OPEN, deposit("100"))
    assert one.admin("POST", "/reset").status == 200
    one.kill()
    with Server(store=store) as again:
        assert again.admin("GET", "/accounts").json["accounts"] == []
        again.apply(OPEN)


def test_commands_under_way_are_in_one_ledger_or_the_other(desk):
    """A list that comes before a restore is whole; what follows goes to the ledger that came back."""
    desk.admin("PUT", "/checkpoints/start")
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(desk.send(*(deposit("1") for _ in range(200)))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for _ in range(10):
        assert desk.admin("POST", "/checkpoints/start/restore").status == 200
    for thread in threads:
        thread.join()
    assert all(row["status"] == "applied" for answer in answers for row in answer)
    held = desk.account("desk")["holdings"][0]["cash"]
    tail = desk.admin("GET", "/accounts/desk/events?limit=1000").json["events"]
    assert [row["sequence"] for row in tail] == list(range(1, len(tail) + 1))
    assert int(held) == 100 + len(tail) - 2


def test_streams_of_the_old_ledger_end(desk):
    answer = desk.request("POST", "/fapi/v1/listenKey", headers={"X-MBX-APIKEY": KEY["api_key"]})
    with Stream(desk.port, f"/ws/{answer.json['listenKey']}") as stream:
        desk.admin("POST", "/reset")
        assert [found.opcode for found in stream.rest()][-1:] == [CLOSE]


@pytest.mark.parametrize(
    "path, request_",
    [
        ("/market/ws/btcusdt@ticker/btcusdt@markPrice@1s", None),
        (
            "/exchange/v1/market",
            {"id": 1, "method": "subscribe", "params": {"channels": ["ticker.BTCUSD-PERP"]}},
        ),
        ("/ws/v5/public", {"op": "subscribe", "args": [{"channel": "books", "instId": "BTC-USDT-SWAP"}]}),
    ],
)
def test_market_streams_of_the_old_ledger_end(desk, path, request_):
    """They would wait for events beyond the end of the ledger that came back."""
    for venue, name in (("binance", "BTCUSDT"), ("crypto-com", "BTCUSD-PERP"), ("okx", "BTC-USDT-SWAP")):
        desk.apply({"type": "prices", "venue": venue, "marks": {name: "60000"}})
    desk.admin("PUT", "/checkpoints/start")
    with Stream(desk.port, path) as stream:
        if request_:
            stream.send(frame(TEXT, json.dumps(request_)))
            stream.read()
        desk.admin("POST", "/checkpoints/start/restore")
        assert [found.opcode for found in stream.rest()][-1:] == [CLOSE]


def test_a_listen_key_of_before_is_alive_after_a_restart_and_a_restore(store):
    """A client that reconnects with the key that it has hears on."""
    one = Server("--allow-reset", store=store).start()
    one.apply(OPEN)
    one.issue_key("desk", **KEY)
    headers = {"X-MBX-APIKEY": KEY["api_key"]}
    key = one.request("POST", "/fapi/v1/listenKey", headers=headers).json["listenKey"]

    def hears(server, amount):
        with Stream(server.port, f"/ws/{key}") as stream:
            server.apply(deposit(amount))
            return json.loads(stream.read().payload)["e"] == "ACCOUNT_UPDATE"

    assert hears(one, "1")
    one.kill()
    with Server("--allow-reset", store=store) as again:
        assert hears(again, "2")
        assert again.request("PUT", "/fapi/v1/listenKey", headers=headers).status == 200
        again.admin("PUT", "/checkpoints/start")
        again.admin("POST", "/checkpoints/start/restore")
        assert hears(again, "3")
        assert again.request("DELETE", "/fapi/v1/listenKey", headers=headers).status == 200
        assert again.request("PUT", "/fapi/v1/listenKey", headers=headers).status == 400, "it was ended"


def test_checkpoints_are_listed_and_let_go(desk):
    assert desk.admin("GET", "/checkpoints").json == {"checkpoints": []}
    desk.admin("PUT", "/checkpoints/b")
    desk.admin("PUT", "/checkpoints/a")
    assert desk.admin("PUT", "/checkpoints/a").status == 200, "in place of the one before"
    assert [row["name"] for row in desk.admin("GET", "/checkpoints").json["checkpoints"]] == ["a", "b"]
    assert desk.admin("GET", "/checkpoints/a").json["name"] == "a"
    assert desk.admin("DELETE", "/checkpoints/a").status == 204
    for method, path in (
        ("GET", "/checkpoints/a"),
        ("DELETE", "/checkpoints/a"),
        ("POST", "/checkpoints/a/restore"),
    ):
        refusal(desk.admin(method, path), 404, "unknown_checkpoint", "name")
    assert desk.admin("DELETE", "/checkpoints").status == 204
    assert desk.admin("GET", "/checkpoints").json == {"checkpoints": []}


def test_bad_checkpoints_are_refused(desk):
    refusal(desk.admin("PUT", "/checkpoints/a%20b"), 400, "invalid_parameter", "name")
    refusal(desk.admin("PUT", "/checkpoints/" + "x" * 65), 400, "invalid_parameter", "name")
    assert desk.admin("POST", "/checkpoints/a").status == 405
    assert desk.admin("GET", "/reset").status == 405
    for number in range(64):
        assert desk.admin("PUT", f"/checkpoints/c{number}").status == 201
    refusal(desk.admin("PUT", "/checkpoints/one-more"), 409, "too_many_checkpoints")


@pytest.mark.parametrize(
    "method, path", [("POST", "/reset"), ("PUT", "/checkpoints/a"), ("POST", "/checkpoints/a/restore")]
)
def test_what_a_body_says_to_a_call_without_fields_is_refused(desk, method, path):
    assert desk.admin("PUT", "/checkpoints/a").status == 201
    before = desk.everything()
    refusal(desk.admin(method, path, {"clock": "2026-01-01"}), 400, "unknown_field", "clock")
    refusal(desk.admin(method, path, ["x"]), 400, "invalid_body")
    refusal(desk.admin(method, path, "{"), 400, "malformed_json")
    assert desk.everything() == before
    assert desk.admin(method, path, {}).status == 200


def test_a_ledger_that_is_kept_is_neither_emptied_nor_put_back(start, store):
    server = start(store=store)
    server.apply(OPEN, deposit("1"))
    for method, path in (
        ("POST", "/reset"),
        ("PUT", "/checkpoints/a"),
        ("POST", "/checkpoints/a/restore"),
    ):
        refusal(server.admin(method, path), 403, "reset_not_allowed")
    assert server.account("desk")["holdings"][0]["cash"] == "1"


def test_the_demonstration_may_be_emptied(start, store):
    server = start("--demo", store=store)
    assert server.admin("POST", "/reset").status == 200
    assert server.admin("GET", "/accounts").json["accounts"] == []
