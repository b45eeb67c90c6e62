"""Faults of streams, and answers on purpose: a refusal by its code, nothing at all, a gateway's page."""

import json

import pytest

import venue_requests
from frames import PING, TEXT, Stream, frame
from server import Server

KEY = {"api_key": "fault-test-key", "secret": "fault-test-secret"}
FAULTS = "/faults"


def put(server: Server, **fault) -> None:
    answer = server.admin("PUT", FAULTS, {"venue": "binance"} | fault)
    assert answer.status == 200, answer.body


def deposit(server: Server, amount: str = "1") -> None:
    server.apply({"type": "deposit", "account": "desk", "asset": "USDT", "amount": amount})


@pytest.fixture
def desk(server):
    server.apply({"type": "open_account", "account": "desk", "venue": "binance"})
    server.issue_key("desk", **KEY)
    return server


@pytest.fixture
def stream(desk):
    answer = desk.request("POST", "/fapi/v1/listenKey", headers={"X-MBX-APIKEY": KEY["api_key"]})
    with Stream(desk.port, f"/ws/{answer.json['listenKey']}") as one:
        deposit(desk)
        assert balance(one) == "1"
        yield one


def balance(stream: Stream) -> str:
    """The wallet balance of the next account update."""
    found = stream.read()
    assert found is not None and found.opcode == TEXT
    update = json.loads(found.payload)
    assert update["e"] == "ACCOUNT_UPDATE", update
    return update["a"]["B"][0]["wb"].removesuffix(".00000000")


def test_a_gap_loses_one_push(desk, stream):
    put(desk, kind="gap", times=1)
    deposit(desk)
    deposit(desk)
    assert balance(stream) == "3"


def test_a_duplicate_comes_twice(desk, stream):
    put(desk, kind="duplicate", times=1)
    deposit(desk)
    deposit(desk)
    assert [balance(stream) for _ in range(3)] == ["2", "2", "3"]


def test_a_silent_stream_answers_pings_and_nothing_else_until_the_fault_ends(desk, stream):
    put(desk, kind="silence", times=1)
    deposit(desk)
    deposit(desk)
    stream.send(frame(PING, b"there?"))
    assert stream.read().payload == b"there?"
    desk.admin("DELETE", FAULTS)
    deposit(desk)
    assert balance(stream) == "4"


def test_a_drop_of_the_streams_path_ends_the_connection_in_place_of_a_push(desk, stream):
    put(desk, kind="drop", path="/ws")
    deposit(desk)
    assert stream.read() is None
    answer = venue_requests.binance(desk, KEY)
    assert answer.json["totalWalletBalance"] == "2.00000000", "requests are served"


def test_faults_of_other_accounts_and_paths_leave_a_stream_alone(desk, stream):
    desk.apply({"type": "open_account", "account": "other", "venue": "binance"})
    answer = desk.admin(
        "PUT",
        FAULTS,
        [
            {"venue": "binance", "kind": "gap", "account": "other"},
            {"venue": "binance", "kind": "gap", "path": "/fapi"},
            {"venue": "okx", "kind": "gap"},
            {"venue": "binance", "kind": "gap", "probability": "0"},
        ],
    )
    assert answer.status == 200, answer.body
    deposit(desk)
    assert balance(stream) == "2"
    assert venue_requests.binance(desk, KEY).status == 200, "streams' faults strike no request"


@pytest.mark.parametrize(
    "venue, code, expected, status",
    [
        ("binance", -2019, {"code": -2019, "msg": "Margin is insufficient."}, 400),
        ("okx", "51008", {"code": "51008", "data": [], "msg": "Margin is insufficient."}, 200),
        ("crypto-com", 306, {"code": 306, "message": "Margin is insufficient."}, 400),
        ("rails", 402, {"message": "Margin is insufficient."}, 402),
    ],
)
def test_an_error_is_the_venues_own_code(server, venue, code, expected, status):
    asked = {
        "binance": "/fapi/v1/time",
        "okx": "/api/v5/public/time",
        "crypto-com": "/exchange/v1/public/get-instruments",
        "rails": "/api/v1/balances",
    }[venue]
    put(server, venue=venue, kind="error", code=code, message="Margin is insufficient.")
    answer = server.request("GET", asked)
    assert answer.status == status
    assert expected.items() <= answer.json.items()
    listed = server.admin("GET", FAULTS).json["faults"][0]
    assert listed["code"] == code and listed["message"] == "Margin is insufficient."
    assert server.admin("PUT", FAULTS, {"faults": [listed]}).status == 200, "what is listed can be set again"


def test_nothing_at_all_and_a_gateways_page(server):
    put(server, kind="empty")
    answer = server.request("GET", "/fapi/v1/time")
    assert (answer.status, answer.body) == (200, b"")
    put(server, kind="html")
    answer = server.request("GET", "/fapi/v1/time")
    assert answer.status == 502 and answer.headers["Content-Type"] == "text/html"
    assert b"<h1>502 Bad Gateway</h1>" in answer.body
    put(server, kind="html", status=504)
    assert server.request("GET", "/fapi/v1/time").status == 504


@pytest.mark.parametrize(
    "fault, field",
    [
        ({"kind": "error"}, "code"),
        ({"kind": "error", "code": "word"}, "code"),
        ({"kind": "error", "code": 1.5}, "code"),
        ({"kind": "error", "code": -1, "status": 199}, "status"),
        ({"kind": "empty", "status": 500}, "status"),
        ({"kind": "html", "status": 200}, "status"),
        ({"kind": "gap", "delay_ms": 5}, "delay_ms"),
    ],
)
def test_bad_faults_are_refused(server, fault, field):
    answer = server.admin("PUT", FAULTS, {"venue": "binance"} | fault)
    assert answer.status == 400 and answer.json["field"] == field, answer.body
    assert server.admin("GET", FAULTS).json["faults"] == []
