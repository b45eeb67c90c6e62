"""Binance's auto-exchange in the whole program: command, journal, statement, stream, and the same again
after a restart."""

import json

from frames import Stream
from server import Server

KEY = {"api_key": "exchange-test-key", "secret": "exchange-test-secret"}
DESK = {"account": "desk"}


def opened(server: Server) -> None:
    server.apply(
        {"type": "prices", "venue": "binance", "marks": {}, "index": {"BTC": "60000", "USDC": "1"}},
        {"type": "open_account", "venue": "binance", "settings": {"multi_assets": True}} | DESK,
        {"type": "deposit", "asset": "BTC", "amount": "1"} | DESK,
        {"type": "withdraw", "asset": "USDC", "amount": "5000", "force": True} | DESK,
    )


def wallets(server: Server) -> dict[str, str]:
    rows = json.loads(server.statement("desk"))["assets"]
    return {row["asset"]: row["walletBalance"] for row in rows if float(row["walletBalance"])}


def test_what_a_threshold_makes_due_is_exchanged_told_and_kept(start, store):
    server = start(store=store)
    opened(server)
    refused = server.send({"type": "auto_exchange"} | DESK)[0]
    assert (refused["status"], refused["error"]["code"]) == ("rejected", "not_allowed")
    server.apply({"type": "withdraw", "asset": "USDC", "amount": "0.00000001", "force": True} | DESK)
    server.issue_key("desk", **KEY)
    listen = server.request("POST", "/fapi/v1/listenKey", headers={"X-MBX-APIKEY": KEY["api_key"]})
    with Stream(server.port, f"/ws/{listen.json['listenKey']}") as stream:
        sequence = server.apply({"type": "auto_exchange", "id": "once"} | DESK)[0]
        told = json.loads(stream.read().payload)["a"]
    assert told == {
        "m": "AUTO_EXCHANGE",
        "B": [
            {"a": "USDC", "wb": "0.00000000", "cw": "0.00000000", "bc": "5000.00000001"},
            {"a": "BTC", "wb": "0.91452136", "cw": "0.91452136", "bc": "-0.08547864"},
        ],
        "P": [],
    }
    event = server.admin("GET", f"/accounts/desk/events?after={sequence - 1}").json["events"][-1]
    assert event["type"] == "auto_exchanged"
    assert event["body"] == {
        "reason": "threshold",
        "bought": {"asset": "USDC", "amount": "5000.00000001", "rate": "1.0001"},
        "sold": [{"asset": "BTC", "amount": "0.08547864", "rate": "58500"}],
    }
    assert wallets(server) == {"BTC": "0.91452136"}
    again = server.send({"type": "auto_exchange", "id": "once"} | DESK)[0]
    assert (again["status"], again["sequence"]) == ("duplicate", sequence)
    before = server.statement("desk")
    assert server.stop() == 0
    assert start(store=store).statement("desk") == before


def test_other_modes_and_venues_exchange_nothing_by_themselves(server):
    for venue in ("binance", "okx", "crypto-com", "rails"):
        server.apply({"type": "open_account", "account": venue, "venue": venue})
        refused = server.send({"type": "auto_exchange", "account": venue})[0]
        assert (refused["status"], refused["error"]["code"]) == ("rejected", "not_allowed"), refused
        assert refused["error"]["message"]
