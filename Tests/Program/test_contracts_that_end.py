"""Contracts with a last day: what waits to trade them ends with them, and no price fills it afterwards."""

import json

import pytest

from server import Server
from venue_requests import crypto_com_call, okx_call

BEFORE, AFTER = "2026-12-24T00:00:00Z", "2026-12-26T00:00:00Z"
OKX, CRYPTO_COM = "BTC-USDT-261225", "BTCUSD-261225"
WORDS = {"permissions": ["read", "trade"]}


@pytest.fixture
def server():
    with Server("--ledger-time", BEFORE) as server:
        for venue, asset, name in (("okx", "USDT", OKX), ("crypto-com", "USD", CRYPTO_COM)):
            server.apply(
                {"type": "open_account", "account": venue, "venue": venue}
                | ({"settings": {"mode": "futures"}} if venue == "okx" else {}),
                {"type": "deposit", "account": venue, "asset": asset, "amount": "10000"},
                {"type": "prices", "venue": venue, "marks": {name: "60000"}},
                {"type": "prices", "venue": venue, "index": {"BTC": "60000"}},
            )
        yield server


def after_the_last_day(server, venue, name):
    """The day passes, and a price that would fill and fire everything comes."""
    assert server.admin("PUT", "/clock", {"now": AFTER}).status == 200
    server.apply({"type": "prices", "venue": venue, "marks": {name: "50000"}})
    events = server.admin("GET", f"/accounts/{venue}/events?limit=1000").json["events"]
    return [event["type"] for event in events].count("filled")


def test_okx(server):
    key = server.issue_key("okx", **WORDS, passphrase="phrase")

    def ask(path, body=None):
        text = json.dumps(body) if body else ""
        answer = okx_call(server, key, "POST" if body else "GET", f"/api/v5/trade/{path}", text).json
        assert answer["code"] == "0", answer
        return answer["data"]

    order = {"instId": OKX, "tdMode": "cross", "sz": "1"}
    ask("order", order | {"side": "buy", "ordType": "market"})
    stops = [{"slTriggerPx": "58000", "slOrdPx": "-1"}]
    resting = order | {"side": "buy", "ordType": "limit", "px": "59000"}
    placed = ask("order", resting | {"attachAlgoOrds": stops})[0]["ordId"]
    stop = order | {"side": "sell", "ordType": "conditional", "slTriggerPx": "59000", "slOrdPx": "-1"}
    algo = ask("order-algo", stop)[0]["algoId"]
    assert after_the_last_day(server, "okx", OKX) == 1
    assert ask("orders-pending") == ask("orders-algo-pending?ordType=conditional") == []
    ended = ask(f"order?instId={OKX}&ordId={placed}")[0]
    assert (ended["state"], ended["cancelSource"]) == ("canceled", "7")
    assert ended["cancelSourceReason"] == "Futures contract delivery"
    assert ask(f"order-algo?algoId={algo}")[0]["state"] == "canceled"
    # No price trades it any more, not even to close what is left.
    closing = json.dumps({"instId": OKX, "mgnMode": "cross"})
    answer = okx_call(server, key, "POST", "/api/v5/trade/close-position", closing).json
    assert (answer["code"], answer["data"]) == ("51027", [])
    assert [row["quantity"] for row in server.account("okx")["positions"]] == ["1"]


def test_crypto_com(server):
    key = server.issue_key("crypto-com", **WORDS)

    def call(method, **params):
        answer = crypto_com_call(server, key, f"private/{method}", params).json
        assert answer["code"] == 0, answer
        return answer["result"]

    order = {"instrument_name": CRYPTO_COM, "quantity": "0.01"}
    call("create-order", **order, side="BUY", type="MARKET")
    limit = {"type": "LIMIT", "price": "59000"}
    placed = call("create-order", **order, **limit, side="BUY")["order_id"]
    closing = call("close-position", instrument_name=CRYPTO_COM, type="LIMIT", price="61000")["order_id"]
    stop = {"side": "SELL", "type": "STOP_LOSS", "ref_price": "59000"}
    trigger = call("advanced/create-order", **order, **stop)["order_id"]
    assert after_the_last_day(server, "crypto-com", CRYPTO_COM) == 1
    assert call("get-open-orders")["data"] == call("advanced/get-open-orders")["data"] == []
    for order_id in (placed, closing):
        assert call("get-order-detail", order_id=order_id)["status"] == "EXPIRED"
    assert call("advanced/get-order-detail", order_id=trigger)["status"] == "EXPIRED"
    closing = {"instrument_name": CRYPTO_COM, "type": "MARKET"}
    assert crypto_com_call(server, key, "private/close-position", closing).json["code"] == 206
