"""Forced outcomes of orders at three venues, as an unmodified client sees them by REST and on its socket."""

import base64
import hashlib
import hmac
import itertools
import json
import threading
import time

import ccxt
import pytest
import websockets.sync.client

from server import Server
from venue_requests import crypto_com_auth

NUMBERS = itertools.count(1)
WITHIN = 20


class Socket:
    """A private socket: every message is kept as it comes."""

    def __init__(self, url):
        self.connection = websockets.sync.client.connect(url)
        self.messages = []
        self.arrived = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for text in self.connection:
                with self.arrived:
                    self.messages.append(text if text == "pong" else json.loads(text))
                    self.arrived.notify_all()
        except Exception:
            return

    def send(self, message):
        self.connection.send(json.dumps(message))

    def until(self, condition):
        """The first message for which a condition holds."""
        end = time.monotonic() + WITHIN
        with self.arrived:
            while True:
                for message in self.messages:
                    if condition(message):
                        return message
                assert self.arrived.wait(end - time.monotonic()), f"not told: {self.messages}"


class Binance:
    """`ccxt.binanceusdm`, and a user data stream."""

    name, symbol, asset = "binance", "BTC/USDT:USDT", "USDT"
    prices = {"marks": {"BTCUSDT": "60000"}, "index": {"USDT": "1"}}
    instrument, amount, opening = "BTCUSDT", 0.01, {}
    rejected = ccxt.ExchangeError  # as CCXT has −2019 of contracts

    @staticmethod
    def client(server, key):
        exchange = ccxt.binanceusdm({"apiKey": key["api_key"], "secret": key["secret"]})
        for name, url in exchange.urls["api"].items():
            if isinstance(url, str):
                exchange.urls["api"][name] = server.url + "/" + url.split("/", 3)[-1]
        return exchange

    @staticmethod
    def socket(server, key):
        headers = {"X-MBX-APIKEY": key["api_key"]}
        answer = server.request("POST", "/fapi/v1/listenKey", headers=headers)
        return Socket(f"ws://127.0.0.1:{server.port}/ws/{answer.json['listenKey']}")

    @staticmethod
    def news(socket):
        """State and filled amount of every push of an order, with its client id."""
        rows = [message["o"] for message in socket.messages if message.get("e") == "ORDER_TRADE_UPDATE"]
        return [(row["c"], row["X"], float(row["z"])) for row in rows]

    filled, part = "FILLED", "PARTIALLY_FILLED"


class OKX:
    """`ccxt.okx`, and a private socket with the channel `orders`."""

    name, symbol, asset = "okx", "BTC/USDT:USDT", "USDT"
    prices = {"marks": {"BTC-USDT-SWAP": "60000"}, "index": {"USDT": "1", "BTC": "60000"}}
    instrument, amount, opening = "BTC-USDT-SWAP", 1, {"settings": {"mode": "futures"}}
    rejected = ccxt.InsufficientFunds

    @staticmethod
    def client(server, key):
        exchange = ccxt.okx(
            {"apiKey": key["api_key"], "secret": key["secret"], "password": key["passphrase"]}
        )
        exchange.urls["api"]["rest"] = server.url
        return exchange

    @staticmethod
    def socket(server, key):
        socket = Socket(f"ws://127.0.0.1:{server.port}/ws/v5/private")
        stamp = str(int(time.time()))
        text = (stamp + "GET/users/self/verify").encode()
        sign = base64.b64encode(hmac.new(key["secret"].encode(), text, hashlib.sha256).digest()).decode()
        login = {"apiKey": key["api_key"], "passphrase": key["passphrase"], "timestamp": stamp, "sign": sign}
        socket.send({"op": "login", "args": [login]})
        socket.until(lambda message: message.get("event") == "login")
        socket.send({"op": "subscribe", "args": [{"channel": "orders", "instType": "ANY"}]})
        socket.until(lambda message: message.get("event") == "subscribe")
        return socket

    @staticmethod
    def news(socket):
        rows = [row for message in socket.messages if "event" not in message for row in message["data"]]
        return [(row["clOrdId"], row["state"], float(row["accFillSz"])) for row in rows]

    filled, part = "filled", "partially_filled"


class CryptoCom:
    """`ccxt.cryptocom`, and the user socket with the channel `user.order`."""

    name, symbol, asset = "crypto-com", "BTC/USD:USD", "USD"
    prices = {"marks": {"BTCUSD-PERP": "60000"}}
    instrument, amount, opening = "BTCUSD-PERP", 0.01, {}
    rejected = ccxt.InsufficientFunds

    @staticmethod
    def client(server, key):
        exchange = ccxt.cryptocom({"apiKey": key["api_key"], "secret": key["secret"]})
        for name, url in exchange.urls["api"].items():
            exchange.urls["api"][name] = server.url + "/" + url.split("/", 3)[-1]
        return exchange

    @staticmethod
    def socket(server, key):
        socket = Socket(f"ws://127.0.0.1:{server.port}/exchange/v1/user")
        socket.send(crypto_com_auth(key, 1))
        socket.until(lambda message: message.get("method") == "public/auth" and message["code"] == 0)
        socket.send({"id": 2, "method": "subscribe", "params": {"channels": ["user.order"]}, "nonce": 1})
        socket.until(lambda message: message.get("method") == "subscribe" and "result" in message)
        return socket

    @staticmethod
    def news(socket):
        results = [message.get("result", {}) for message in socket.messages]
        told = [result["data"] for result in results if result.get("subscription") == "user.order"]
        rows = [row for data in told for row in data]
        return [(row["client_oid"], row["status"], float(row["cumulative_quantity"])) for row in rows]

    filled, part = "FILLED", "ACTIVE"


class Bot:
    """An account with an unmodified client over REST and a private socket."""

    def __init__(self, server, venue):
        self.server, self.venue = server, venue
        self.account = f"scripts-{next(NUMBERS)}"
        server.apply(
            {"type": "open_account", "account": self.account, "venue": venue.name} | venue.opening,
            {"type": "deposit", "account": self.account, "asset": venue.asset, "amount": "100000"},
        )
        self.price("60000")
        key = server.issue_key(self.account, permissions=["read", "trade"])
        self.exchange = venue.client(server, key)
        self.socket = venue.socket(server, key)

    def price(self, price):
        """Moves the market; what rests there is filled."""
        quotes = {self.venue.instrument: {"last": price}}
        self.server.apply({"type": "quotes", "venue": self.venue.name, "quotes": quotes})

    def script(self, *steps, **more):
        script = {"account": self.account, "steps": list(steps)} | more
        answer = self.server.admin("PUT", "/order-scripts", script)
        assert answer.status == 200, answer.body

    def buy(self, client_id, price=59000, times=1):
        name = "client_oid" if self.venue is CryptoCom else "clientOrderId"
        amount = self.venue.amount * times
        return self.exchange.create_order(
            self.venue.symbol, "limit", "buy", amount, price, params={name: client_id}
        )

    def news(self, client_id):
        return [row[1:] for row in self.venue.news(self.socket) if row[0] == client_id]

    def until_told(self, client_id, state):
        """Waits until the socket has told a state of an order."""
        self.socket.until(lambda _: (state) in [row[0] for row in self.news(client_id)])

    def beyond(self):
        """Places and cancels another order: what is told of it comes behind all that was told before."""
        other = self.buy("behind", price=40000)
        self.exchange.cancel_order(other["id"], self.venue.symbol)
        end = time.monotonic() + WITHIN
        while not any("CANCEL" in state.upper() for state, _ in self.news("behind")):
            assert time.monotonic() < end, self.socket.messages
            time.sleep(0.01)

    def trades(self):
        return self.server.admin("GET", f"/accounts/{self.account}/trades").json["trades"]

    def open(self):
        return self.server.account(self.account).get("orders", [])


@pytest.fixture(scope="module")
def server():
    with Server("--rate-limits", "off") as one:
        for venue in (Binance, OKX, CryptoCom):
            one.apply({"type": "prices", "venue": venue.name, **venue.prices})
        yield one


@pytest.fixture(params=[Binance, OKX, CryptoCom], ids=lambda venue: venue.name)
def bot(server, request):
    one = Bot(server, request.param)
    yield one
    server.admin("DELETE", "/order-scripts")
    one.socket.connection.close()


def test_a_timeout_with_the_order_alive(bot):
    bot.script({"do": "timeout"})
    with pytest.raises(ccxt.RequestTimeout):
        bot.buy("alive")
    [order] = bot.exchange.fetch_open_orders(bot.venue.symbol)
    assert order["clientOrderId"] == "alive" and len(bot.open()) == 1
    bot.exchange.cancel_order(order["id"], bot.venue.symbol)
    assert bot.open() == []


def test_a_timeout_with_the_order_filled(bot):
    bot.script({"do": "fill"}, {"do": "timeout"})
    with pytest.raises(ccxt.RequestTimeout):
        bot.buy("filled")
    assert bot.exchange.fetch_open_orders(bot.venue.symbol) == []
    bot.until_told("filled", bot.venue.filled)
    assert len(bot.trades()) == 1


def test_a_slow_answer_comes_behind_the_news(bot):
    bot.script({"do": "hold", "ms": 700})
    answers = []
    asking = threading.Thread(target=lambda: answers.append(bot.buy("slow")))
    asking.start()
    bot.socket.until(lambda _: bot.news("slow"))
    assert not answers, "the news is there and the answer is not"
    asking.join(WITHIN)
    assert answers and answers[0]["id"]


def test_a_refusal_changes_nothing(bot):
    before = bot.server.account(bot.account)
    bot.script({"do": "reject", "code": "insufficient_balance"})
    with pytest.raises(bot.venue.rejected):
        bot.buy("refused")
    after = bot.server.account(bot.account)
    assert after["holdings"] == before["holdings"] and bot.open() == []
    assert bot.buy("taken")["id"], "the script is used up"


@pytest.mark.parametrize(
    "step, field",
    [
        ({"do": "explode"}, "do"),
        ({"do": "reject"}, "code"),
        ({"do": "hold", "ms": -1}, "ms"),
        ({"do": "fill", "quantity": 1}, "quantity"),
        ({"do": "fill", "price": "0"}, "price"),
        ({"do": "timeout", "ms": 5}, "ms"),
    ],
)
def test_a_step_of_no_use_is_named(server, step, field):
    server.send({"type": "open_account", "account": "practice", "venue": "okx"})
    script = {"account": "practice", "steps": [{"do": "timeout"}, step]}
    answer = server.admin("PUT", "/order-scripts", script)
    assert answer.status == 400 and answer.json["field"] == f"steps[1].{field}", answer.body
    assert answer.json["detail"].startswith("steps[1]"), answer.body
    assert server.admin("GET", "/order-scripts").json["scripts"] == []


def test_a_part_is_filled_before_the_answer(bot):
    bot.script({"do": "fill", "quantity": str(bot.venue.amount), "price": "59001"})
    order = bot.buy("part", times=3)
    found = bot.exchange.fetch_order(order["id"], bot.venue.symbol)
    assert found["filled"] == pytest.approx(bot.venue.amount) and found["status"] == "open"
    assert bot.trades()[0]["price"] == "59001"
    bot.until_told("part", bot.venue.part)


def test_partly_filled_and_the_next_one_refused(bot):
    part = {"do": "fill", "quantity": str(bot.venue.amount)}
    refusal = {"do": "reject", "code": "insufficient_balance"}
    scripts = [
        {"account": bot.account, "client_order_id": name, "steps": [step]}
        for name, step in (("one", part), ("two", refusal))
    ]
    assert bot.server.admin("PUT", "/order-scripts", scripts).status == 200
    with pytest.raises(bot.venue.rejected):
        bot.buy("two")
    bot.buy("one", times=2)
    assert [row["client_order_id"] for row in bot.trades()] == ["one"]
    assert bot.server.admin("GET", "/order-scripts").json["scripts"] == []


def test_a_fill_overtakes_a_cancel(bot):
    bot.script({"do": "fill_on_cancel"})
    order = bot.buy("overtaken")
    with pytest.raises(ccxt.BaseError):
        bot.exchange.cancel_order(order["id"], bot.venue.symbol)
    assert bot.exchange.fetch_order(order["id"], bot.venue.symbol)["status"] == "closed"
    bot.until_told("overtaken", bot.venue.filled)
    assert len(bot.trades()) == 1 and bot.open() == []


def test_scripts_that_follow_leave_what_is_held_back(bot):
    bot.script({"do": "fill_on_cancel"})
    order = bot.buy("held")
    bot.script({"do": "timeout"})
    with pytest.raises(ccxt.BaseError):
        bot.exchange.cancel_order(order["id"], bot.venue.symbol)
    assert bot.exchange.fetch_order(order["id"], bot.venue.symbol)["status"] == "closed"
    bot.server.admin("DELETE", "/order-scripts")


def test_a_fill_of_no_full_lots_is_refused_with_its_order(bot):
    """The venue fills no such part; the log says whose mistake it is."""
    bot.script({"do": "fill", "quantity": "0.000000001"})
    with pytest.raises(ccxt.BaseError):
        bot.buy("crumbs")
    assert bot.open() == []
    said = [line for line in bot.server.log if "an order was refused for its script" in line]
    assert "0.000000001" in said[-1] and "no multiple of its lot" in said[-1]


def test_a_fill_that_nobody_tells(bot):
    bot.script({"do": "lose"})
    order = bot.buy("lost")
    bot.price("58999")
    bot.price("60000")
    bot.beyond()
    assert bot.venue.filled not in [state for state, _ in bot.news("lost")]
    assert bot.news("lost"), "its placing was told"
    assert bot.exchange.fetch_order(order["id"], bot.venue.symbol)["status"] == "closed"


def test_a_fill_told_twice(bot):
    bot.script({"do": "duplicate"})
    bot.buy("twice")
    bot.price("58999")
    bot.price("60000")
    bot.beyond()
    told = [state for state, _ in bot.news("twice")]
    assert told.count(bot.venue.filled) == 2, told
    assert len(told) - told.count(bot.venue.filled) == 1, "its placing once"
    assert len(bot.trades()) == 1


def test_every_stream_loses_the_same_news(bot):
    key = bot.server.issue_key(bot.account, permissions=["read", "trade"])
    other = bot.venue.socket(bot.server, key)
    bot.script({"do": "lose"})
    bot.buy("everywhere")
    bot.price("58999")
    bot.price("60000")
    bot.beyond()
    other.until(lambda _: any(name == "behind" for name, *_ in bot.venue.news(other)))
    for socket in (bot.socket, other):
        states = [state for name, state, _ in bot.venue.news(socket) if name == "everywhere"]
        assert len(states) == 1 and bot.venue.filled not in states
    other.connection.close()
