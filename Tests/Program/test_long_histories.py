"""Ended orders and trades beyond the latest 500 of each: told page by page back to the first, by a venue's
own cursors and windows; the same after a restart, and after a ledger was put back."""

import json

import pytest

import venue_requests
from server import Server

KEY = {"permissions": ["read", "trade"], "api_key": "history-key", "secret": "history-secret"}
START = "2026-06-01T00:00:00Z"
GROUPS = 56
GROUP = 20
ALL = GROUPS * GROUP


def names(group: int) -> list[str]:
    """The client ids of a group of orders."""
    return [f"c{group * GROUP + place}" for place in range(GROUP)]


class OKX:
    """Market orders in batches of twenty; lists go backward by ids."""

    name = "okx"
    words = {"passphrase": "history-phrase"}
    opening = [("USDT", "1000000")]
    prices = {"marks": {"BTC-USDT-SWAP": "60000"}, "index": {"BTC": "60000", "USDT": "1"}}

    @staticmethod
    def place(server, key, group):
        orders = [
            {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "buy" if place % 2 == 0 else "sell",
             "ordType": "market", "sz": "1", "clOrdId": name}
            for place, name in enumerate(names(group))
        ]
        path = "/api/v5/trade/batch-orders"
        answer = venue_requests.okx_call(server, key, "POST", path, json.dumps(orders)).json
        assert answer["code"] == "0", answer
        return [row["ordId"] for row in answer["data"]]

    @staticmethod
    def pages(server, key, path, cursor):
        rows, query = [], ""
        while True:
            answer = venue_requests.okx_call(server, key, "GET", f"/api/v5/{path}limit=100{query}").json
            assert answer["code"] == "0", answer
            rows += answer["data"]
            if len(answer["data"]) < 100:
                return rows
            query = f"&after={answer['data'][-1][cursor]}"

    def read(self, server, key):
        backward = lambda path, cursor: self.pages(server, key, path, cursor)[::-1]
        orders = backward("trade/orders-history?instType=SWAP&", "ordId")
        fills = backward("trade/fills-history?instType=SWAP&", "billId")
        bills = backward("account/bills?type=2&", "billId")
        closed = self.pages(server, key, "account/positions-history?", "uTime")
        assert 500 < len(closed) <= len(orders) // 2 + 1, "positions of one time make one page"
        path = f"/api/v5/trade/orders-history?instType=SWAP&before={orders[-6]['ordId']}"
        newer = venue_requests.okx_call(server, key, "GET", path).json["data"]
        assert [row["ordId"] for row in newer] == [row["ordId"] for row in orders[:-6:-1]]
        return {
            "orders": [row["ordId"] for row in orders],
            "clients": [row["clOrdId"] for row in orders],
            "trades": [row["ordId"] for row in fills],
            "money": [row["ordId"] for row in bills],
        }

    @staticmethod
    def find(server, key, client_id):
        path = f"/api/v5/trade/order?instId=BTC-USDT-SWAP&clOrdId={client_id}"
        answer = venue_requests.okx_call(server, key, "GET", path).json
        return answer["data"][0]["ordId"] if answer["code"] == "0" else answer["code"]

    absent = "51603"


class Binance:
    """Market orders in batches of five; lists go forward by ids, and by windows of time."""

    name = "binance"
    words = {}
    opening = [("USDT", "1000000")]
    prices = {"marks": {"BTCUSDT": "50000"}}

    @staticmethod
    def place(server, key, group):
        found = []
        for some in range(0, GROUP, 5):
            orders = [
                {"symbol": "BTCUSDT", "side": "BUY" if place % 2 == 0 else "SELL", "type": "MARKET",
                 "quantity": "0.010", "newClientOrderId": name}
                for place, name in list(enumerate(names(group)))[some:some + 5]
            ]
            text = json.dumps(orders, separators=(",", ":"))
            quoted = "".join(c if c.isalnum() else f"%{ord(c):02X}" for c in text)
            answer = venue_requests.binance_call(
                server, key, "POST", "/fapi/v1/batchOrders", f"batchOrders={quoted}").json
            found += [row["orderId"] for row in answer]
        return found

    @staticmethod
    def get(server, key, path, query):
        answer = venue_requests.binance_call(server, key, "GET", f"/fapi/v1/{path}", query)
        assert answer.status == 200, answer.body
        return answer.json

    def forward(self, server, key, path, cursor, name):
        rows, first = [], 0
        while True:
            page = self.get(server, key, path, f"symbol=BTCUSDT&limit=300&{name}={first}")
            rows += page
            if len(page) < 300:
                return rows
            first = page[-1][cursor] + 1

    def windows(self, server, key, path):
        """By windows of time, each short enough to hold no more rows than a page."""
        rows = []
        start = 1_780_272_000_000
        for group in range(GROUPS):
            first = start + group * 1000
            query = f"symbol=BTCUSDT&limit=1000&startTime={first}&endTime={first + 999}"
            rows += self.get(server, key, path, query)
        return rows

    def read(self, server, key):
        orders = self.forward(server, key, "allOrders", "orderId", "orderId")
        assert self.windows(server, key, "allOrders") == orders
        trades = self.forward(server, key, "userTrades", "id", "fromId")
        assert self.windows(server, key, "userTrades") == trades
        # Without a beginning the last ones are told.
        assert self.get(server, key, "allOrders", "symbol=BTCUSDT&limit=1000") == orders[-1000:]
        assert self.get(server, key, "userTrades", "symbol=BTCUSDT&limit=7") == trades[-7:]
        query = f"symbol=BTCUSDT&orderId={orders[3]['orderId']}"
        assert self.get(server, key, "userTrades", query) == [trades[3]]
        income = [row for page in (1, 2) for row in self.get(
            server, key, "income", f"incomeType=COMMISSION&limit=1000&page={page}")]
        assert [row["tradeId"] for row in income] == [str(row["id"]) for row in trades]
        return {
            "orders": [row["orderId"] for row in orders],
            "clients": [row["clientOrderId"] for row in orders],
            "trades": [row["orderId"] for row in trades],
        }

    @staticmethod
    def find(server, key, client_id):
        answer = venue_requests.binance_call(
            server, key, "GET", "/fapi/v1/order", f"symbol=BTCUSDT&origClientOrderId={client_id}").json
        return answer.get("orderId") or answer["code"]

    absent = -2013


class CryptoCom:
    """Market orders in lists of ten; lists go by windows of time."""

    name = "crypto-com"
    words = {}
    opening = [("USD", "1000000")]
    prices = {"marks": {"BTCUSD-PERP": "50000"}}

    @staticmethod
    def place(server, key, group):
        found = []
        for some in range(0, GROUP, 10):
            orders = [
                {"instrument_name": "BTCUSD-PERP", "side": "BUY" if place % 2 == 0 else "SELL",
                 "type": "MARKET", "quantity": "0.0001", "client_oid": name}
                for place, name in list(enumerate(names(group)))[some:some + 10]
            ]
            params = {"contingency_type": "LIST", "order_list": orders}
            answer = venue_requests.crypto_com_call(server, key, "private/create-order-list", params).json
            found += [row["order_id"] for row in answer["result"]]
        return found

    def windows(self, server, key, method):
        """Newest first, a window of five groups at a time, from the end back."""
        rows, end = [], 1_780_272_000_000 + GROUPS * 1000
        while end > 1_780_272_000_000:
            params = {"instrument_name": "BTCUSD-PERP", "start_time": end - 5000, "end_time": end}
            answer = venue_requests.crypto_com_call(server, key, method, params).json
            assert answer["code"] == 0, answer
            rows += answer["result"]["data"]
            end -= 5000
        return rows[::-1]

    def read(self, server, key):
        orders = self.windows(server, key, "private/get-order-history")
        trades = self.windows(server, key, "private/get-trades")
        rows = self.windows(server, key, "private/get-transactions")
        money = [row for row in rows if row["journal_type"] == "TRADING"]
        return {
            "orders": [row["order_id"] for row in orders],
            "clients": [row["client_oid"] for row in orders],
            "trades": [row["order_id"] for row in trades],
            "money": [row["order_id"] for row in money],
        }

    @staticmethod
    def find(server, key, client_id):
        answer = venue_requests.crypto_com_call(
            server, key, "private/get-order-detail", {"client_oid": client_id}).json
        return answer["result"]["order_id"] if answer["code"] == 0 else answer["code"]

    absent = 40401


class Rails:
    """Orders of the operator that are filled; fills go backward, by the place where a page ends."""

    name = "rails"
    words = {}
    opening = [("USD", "1000000")]
    prices = {"marks": {"BTC-USD": "50000"}}

    def place(self, server, key, group):
        commands = []
        for place, name in enumerate(names(group)):
            order = {"account": "desk", "order_id": name, "instrument": "BTC-USD",
                     "side": "buy" if place % 2 == 0 else "sell", "quantity": "0.01", "price": "50000"}
            commands += [{"type": "place_order", **order}, {"type": "fill", "fee": "0", **order}]
        server.apply(*commands)
        return names(group)

    @staticmethod
    def token(server, key):
        return venue_requests.rails_token(server, key).json["access_token"]

    def get(self, server, key, path):
        return venue_requests.rails_with_token(server, self.token(server, key), path=path)

    def read(self, server, key):
        rows, query = [], ""
        while True:
            page = self.get(server, key, f"/api/v1/completed-orders{query}").json
            rows += page["completedOrders"]
            if "last" not in page:
                break
            query = f"?start={page['last']}"
        orders = [row["orderId"] for row in rows[::-1]]
        return {"trades": orders, "orders": orders}

    def find(self, server, key, client_id):
        answer = self.get(server, key, f"/api/v1/order?market=BTC-USD&client-request-id={client_id}")
        return client_id if answer.status == 200 else answer.status

    absent = 404


def open_account(server, venue):
    server.apply({"type": "prices", "venue": venue.name, **venue.prices},
                 {"type": "open_account", "account": "desk", "venue": venue.name},
                 *[{"type": "deposit", "account": "desk", "asset": asset, "amount": amount}
                   for asset, amount in venue.opening])
    return server.issue_key("desk", **KEY, **venue.words)


def trade(server, venue, key, groups):
    ids = []
    for group in groups:
        ids += venue.place(server, key, group)
        server.admin("PUT", "/clock", {"advance_ms": 1000})
    return ids


def check(server, venue, key, ids):
    """Every list of the venue is of all orders, each once, in their order."""
    found = venue.read(server, key)
    for name, rows in found.items():
        assert len(rows) == len(set(rows)), f"{name} has none twice"
        if name == "clients":
            assert rows == [f"c{number}" for number in range(len(ids))]
        elif venue.name == "rails":
            assert len(rows) == len(ids)
        else:
            assert rows == ids, name
    for number in (0, 5, 499, 600, len(ids) - 1):
        assert venue.find(server, key, f"c{number}") == ids[number]
    assert venue.find(server, key, "never") == venue.absent
    assert venue.find(server, key, f"c{len(ids)}") == venue.absent
    return found


@pytest.mark.parametrize("venue", [OKX(), Binance(), CryptoCom(), Rails()], ids=lambda venue: venue.name)
def test_every_page_back_to_the_first(store, venue):
    options = ("--rate-limits", "off", "--ledger-time", START, "--allow-reset")
    with Server(*options, store=store) as server:
        key = open_account(server, venue)
        ids = trade(server, venue, key, range(GROUPS - 2))
        server.admin("PUT", "/checkpoints/before")
        more = trade(server, venue, key, range(GROUPS - 2, GROUPS))
        check(server, venue, key, ids + more)
        # What was read of a ledger that is gone is forgotten with it.
        assert server.admin("POST", "/checkpoints/before/restore").status == 200
        before = check(server, venue, key, ids)
    with Server(*options, store=store) as server:
        assert check(server, venue, key, ids) == before


def client_id(order: dict) -> str:
    return order["terms_of_order"]["client_order_id"]


def test_without_a_file(start):
    venue = OKX()
    server = start("--rate-limits", "off", "--ledger-time", START, store="memory:")
    key = open_account(server, venue)
    ids = trade(server, venue, key, range(GROUPS))
    check(server, venue, key, ids)
    # The operator's lists are of the latest 500, and of those before a time.
    rows = server.admin("GET", "/accounts/desk/orders").json["orders"]
    assert [client_id(row) for row in rows] == [f"c{number}" for number in range(ALL - 500, ALL)]
    for kind in ("orders", "trades"):
        rows = server.admin("GET", f"/accounts/desk/{kind}?as_of=2026-06-01T00:00:03Z").json[kind]
        assert len(rows) == 4 * GROUP
    reasons = server.admin("GET", "/accounts/desk/explain?order=c3")
    assert reasons.status == 200 and client_id(reasons.json["order"]) == "c3", reasons.body
    assert server.admin("GET", "/accounts/desk/explain?order=never").status == 404
