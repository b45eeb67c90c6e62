"""What private sockets tell of orders is what reading them tells: also where one price fires several
conditional orders, and where what an order meets ends before it."""

import base64
import contextlib
import hashlib
import hmac
import itertools
import json
import time

import pytest
import websockets.sync.client

import test_orders_at_binance as binance
from server import Server
from test_orders_at_okx import NOW, SWAP, Account
from venue_requests import crypto_com_auth, crypto_com_call

PERPETUAL = "BTCUSD-PERP"
WITHIN = 10
binance.names = (f"binance-{number}" for number in itertools.count(1))


@pytest.fixture(scope="module")
def server():
    with Server("--ledger-time", NOW, "--rate-limits", "off") as server:
        for venue, instrument in (("okx", SWAP), ("binance", "BTCUSDT"), ("crypto-com", PERPETUAL)):
            prices = {"marks": {instrument: "60000"}, "index": {"BTC": "60000"}}
            server.apply({"type": "prices", "venue": venue} | prices)
            quote(server, venue, instrument, "60000")
        yield server


def quote(server, venue: str, instrument: str, last: str):
    touch = {"bid": f"{float(last) - 0.1:.1f}", "ask": last, "last": last}
    server.apply({"type": "quotes", "venue": venue, "quotes": {instrument: touch}})


@contextlib.contextmanager
def socket(server, path: str):
    """A socket that gives the next message for which something holds."""
    with websockets.sync.client.connect(f"{server.url.replace('http', 'ws')}{path}") as connection:

        def until(holds):
            while True:
                message = json.loads(connection.recv(timeout=WITHIN))
                if holds(message):
                    return message

        yield lambda message: connection.send(json.dumps(message)), until


def test_okx_names_the_order_that_a_conditional_order_has_placed(server):
    """Behind a resting order that its trade leaves nothing to reduce."""
    account = Account(server)
    account.market(sz="2")
    assert account.order(side="sell", px="62000", sz="2", reduceOnly=True)["sCode"] == "0"
    algo = account.stop(sz="2")["algoId"]
    stamp = str(int(time.time()))
    text = f"{stamp}GET/users/self/verify".encode()
    sign = base64.b64encode(hmac.new(account.key["secret"].encode(), text, hashlib.sha256).digest()).decode()
    login = {"apiKey": account.key["api_key"], "passphrase": "phrase", "timestamp": stamp, "sign": sign}
    with socket(server, "/ws/v5/business") as (send, until):
        send({"op": "login", "args": [login]})
        until(lambda message: message.get("event") == "login")
        send({"op": "subscribe", "args": [{"channel": "orders-algo", "instType": "SWAP"}]})
        until(lambda message: message.get("event") == "channel-conn-count")
        quote(server, "okx", SWAP, "58990")
        told = until(lambda message: "data" in message)["data"][0]
    quote(server, "okx", SWAP, "60000")
    row = account.get(f"trade/order-algo?algoId={algo}")["data"][0]
    assert (told["state"], told["ordId"], told["ordIdList"]) == ("effective", row["ordId"], row["ordIdList"])
    order = account.get(f"trade/order?instId={SWAP}&ordId={told['ordId']}")["data"][0]
    assert (order["algoId"], order["state"], order["accFillSz"]) == (algo, "filled", "2")


def test_crypto_com_tells_what_became_of_each_order_that_fires(server):
    server.apply(
        {"type": "open_account", "account": "desk", "venue": "crypto-com"},
        {"type": "deposit", "account": "desk", "asset": "USD", "amount": "10000"},
    )
    key = server.issue_key("desk", permissions=["read", "trade"])

    def call(method, **params):
        answer = crypto_com_call(server, key, f"private/{method}", params).json
        assert answer["code"] == 0, answer
        return answer["result"]

    stop = {"instrument_name": PERPETUAL, "side": "BUY", "ref_price_type": "LAST_PRICE"}
    kinds = [{"type": "STOP_LOSS"}, {"type": "STOP_LIMIT", "price": "60100.0"}, {"type": "STOP_LOSS"}]
    ids = []
    for place, kind in enumerate(kinds):
        sizes = {"ref_price": f"6020{place}", "quantity": f"0.0{place + 1}"}
        ids.append(call("advanced/create-order", **stop | kind | sizes)["order_id"])
    with socket(server, "/exchange/v1/user") as (send, until):
        send(crypto_com_auth(key, 1))
        until(lambda message: message["method"] == "public/auth")
        send({"id": 2, "method": "subscribe", "params": {"channels": ["user.advance.order"]}})
        until(lambda message: message["method"] == "subscribe")
        quote(server, "crypto-com", PERPETUAL, "60300")
        told = {}
        while len(told) < 3:
            for row in until(lambda message: message.get("result", {}).get("data"))["result"]["data"]:
                told[row["order_id"]] = row
    for place, order_id in enumerate(ids):
        row = call("advanced/get-order-detail", order_id=order_id)
        names = ("status", "quantity", "cumulative_quantity", "exchange_order_id", "avg_price")
        assert [told[order_id][name] for name in names] == [row[name] for name in names]
        assert row["status"] == ("ACTIVE" if kinds[place]["type"] == "STOP_LIMIT" else "FILLED")
    quote(server, "crypto-com", PERPETUAL, "60000")


def test_binance_says_that_self_trade_prevention_ended_an_order(server):
    account = binance.Account(server)
    key = {"X-MBX-APIKEY": account.key["api_key"]}
    listen = server.request("POST", "/fapi/v1/listenKey", headers=key).json["listenKey"]
    order = {"type": "LIMIT", "quantity": "0.010", "timeInForce": "GTC"}
    apart = {"bid": "59900", "ask": "60100", "last": "59950"}
    server.apply({"type": "quotes", "venue": "binance", "quotes": {"BTCUSDT": apart}})
    with socket(server, f"/ws/{listen}") as (_, until):
        account.order(**order, side="SELL", price="60000")
        for mode, force, side, reason in (
            ("EXPIRE_TAKER", "IOC", "BUY", "3"),
            ("EXPIRE_TAKER", "GTC", "BUY", "1"),
            ("EXPIRE_MAKER", "GTC", "SELL", "1"),
        ):
            buying = order | {"timeInForce": force, "selfTradePreventionMode": mode}
            account.order(**buying, side="BUY", price="60050")
            told = until(lambda message: message.get("o", {}).get("x") == "EXPIRED")["o"]
            assert (told["S"], told["X"], told["er"]) == (side, "EXPIRED_IN_MATCH", reason)
    quote(server, "binance", "BTCUSDT", "60000")
