"""Sockets on which clients trade: what is sent while a request is under way is answered too, and the
connection goes on; no number that a frame may hold ends the server."""

import base64
import hashlib
import hmac
import json
import time

import pytest

from frames import PING, PONG, TEXT, Stream, frame, handshake
from server import Server
from venue_requests import binance_signed, crypto_com_auth, rails_token

KEY = {"permissions": ["read", "trade"], "api_key": "socket-test-key", "secret": "socket-test-secret"}
ROUNDS = 6
REQUESTS = 6
TOO_MANY_REQUESTS = 42901


class Binance:
    name = "binance"
    setting = {"deposit": "USDT", "prices": {"marks": {"BTCUSDT": "60000"}, "index": {"USDT": "1"}}}

    @staticmethod
    def connect(server, key):
        return Stream(server.port, "/ws-fapi/v1")

    @staticmethod
    def request(key, number):
        query = binance_signed(
            key,
            f"apiKey={key['api_key']}&price=59000&quantity=0.01&side=BUY&symbol=BTCUSDT&timeInForce=GTC",
        )
        words = dict(pair.split("=", 1) for pair in query.split("&")) | {"type": "LIMIT"}
        del words["signature"]
        text = "&".join(f"{name}={words[name]}" for name in sorted(words))
        words["signature"] = hmac.new(key["secret"].encode(), text.encode(), hashlib.sha256).hexdigest()
        return {"id": number, "method": "order.place", "params": words}

    @staticmethod
    def number(message):
        assert message["status"] == 200, message
        return message["id"]


class CryptoCom:
    name = "crypto-com"
    setting = {"deposit": "USD", "prices": {"marks": {"BTCUSD-PERP": "60000"}}}

    @staticmethod
    def connect(server, key):
        stream = Stream(server.port, "/exchange/v1/user")
        stream.send(frame(TEXT, json.dumps(crypto_com_auth(key, 1_000))))
        assert json.loads(stream.read().payload)["code"] == 0
        return stream

    @staticmethod
    def request(key, number):
        order = {
            "instrument_name": "BTCUSD-PERP",
            "side": "BUY",
            "type": "LIMIT",
            "price": "59000",
            "quantity": "0.01",
        }
        return {"id": number, "method": "private/create-order", "params": order}

    @staticmethod
    def number(message):
        # A machine that is fast enough sends more than the venue's 15 orders in 100 ms.
        assert message["code"] in (0, TOO_MANY_REQUESTS), message
        return message["id"]


class Rails:
    name = "rails"
    setting = {"deposit": "USD", "prices": {"marks": {"BTC-USD": "60000"}}}

    @staticmethod
    def connect(server, key):
        token = rails_token(server, key).json["access_token"]
        stream = Stream(server.port)
        status, _ = stream.ask(
            handshake("/api/v1/ws?market=ALL", Sec_WebSocket_Protocol=f"authorization#{token}")
        )
        assert status == 101
        return stream

    @staticmethod
    def request(key, number):
        order = {
            "clientRequestId": f"0d5e6b1c-6a34-4b89-9d34-6d7a0e6f{number:04d}",
            "market": "BTC-USD",
            "orderType": "buy",
            "tradeType": "limit",
            "quantity": "0.01",
            "price": "59000",
            "leverage": "1",
        }
        return {"message": "createOrder", "content": order}

    @staticmethod
    def number(message):
        if message.get("resultType") != "createOrder":
            return None
        return int(message["data"]["clientRequestId"][-4:])


class OKX:
    name = "okx"
    setting = {"deposit": "USDT", "prices": {"marks": {"BTC-USDT-SWAP": "60000"}, "index": {"USDT": "1"}}}

    @staticmethod
    def connect(server, key):
        stream = Stream(server.port, "/ws/v5/private")
        stamp = str(int(time.time()))
        text = f"{stamp}GET/users/self/verify"
        sign = base64.b64encode(hmac.new(key["secret"].encode(), text.encode(), hashlib.sha256).digest())
        login = {
            "apiKey": key["api_key"],
            "passphrase": key["passphrase"],
            "timestamp": stamp,
            "sign": sign.decode(),
        }
        stream.send(frame(TEXT, json.dumps({"op": "login", "args": [login]})))
        assert json.loads(stream.read().payload)["event"] == "login"
        return stream

    @staticmethod
    def request(key, number, code=None):
        order = {
            "instIdCode": key["code"] if code is None else code,
            "tdMode": "cross",
            "side": "buy",
            "ordType": "limit",
            "px": "59000",
            "sz": "1",
        }
        return {"id": str(number), "op": "order", "args": [order]}

    @staticmethod
    def number(message):
        assert message["code"] == "0", message
        return int(message["id"])


@pytest.fixture
def trading(request, tmp_path):
    """A server over a file with a trading account of a venue, and its key."""
    venue = request.param
    with Server(store=f"sqlite:{tmp_path}/ledger.db") as server:
        settings = {"settings": {"mode": "futures"}} if venue is OKX else {}
        server.apply(
            {"type": "open_account", "account": "desk", "venue": venue.name} | settings,
            {"type": "deposit", "account": "desk", "asset": venue.setting["deposit"], "amount": "1000000"},
            {"type": "prices", "venue": venue.name} | venue.setting["prices"],
        )
        key = server.issue_key("desk", **KEY | ({"passphrase": "socket-words"} if venue is OKX else {}))
        if venue is OKX:
            path = "/api/v5/public/instruments?instType=SWAP&instId=BTC-USDT-SWAP"
            key = key | {"code": server.request("GET", path).json["data"][0]["instIdCode"]}
        yield venue, server, key


@pytest.mark.parametrize("trading", [Binance, CryptoCom, Rails, OKX], indirect=True)
def test_what_comes_while_a_request_is_under_way_is_answered(trading):
    """Each request is a write of its own, as six calls that a client makes at once are."""
    venue, server, key = trading
    with venue.connect(server, key) as stream:
        for round in range(ROUNDS):
            numbers = {round * REQUESTS + place for place in range(REQUESTS)}
            for number in sorted(numbers):
                stream.send(frame(TEXT, json.dumps(venue.request(key, number))))
            answered = set()
            while answered != numbers:
                found = stream.read()
                number = venue.number(json.loads(found.payload)) if found.opcode == TEXT else None
                # An order's event may come behind the answer, and behind those of the next round.
                answered |= {number} & numbers
            stream.send(frame(PING, b"still there"))
            while stream.read().opcode != PONG:
                pass


@pytest.mark.parametrize("trading", [OKX], indirect=True)
@pytest.mark.parametrize(
    "code", [-(2**63), 2**63 - 1, 2**63, -1, 0, 10_000, 10**30, "-9223372036854775808", ""]
)
def test_no_code_of_an_instrument_ends_the_server(trading, code):
    _, server, key = trading
    with OKX.connect(server, key) as stream:
        for operation in ("order", "batch-orders", "cancel-order", "amend-order"):
            stream.send(frame(TEXT, json.dumps(OKX.request(key, 1, code) | {"op": operation})))
            answer = json.loads(stream.read().payload)
            assert answer["code"] != "0" and answer["op"] == operation, answer
    assert server.request("GET", "/healthz").status == 200
