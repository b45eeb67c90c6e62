"""Orders at Binance: refusals, histories and fees that clients of the venue meet."""

import asyncio
import itertools
import json
import urllib.parse

import pytest
import websockets

from server import Server
from venue_requests import binance_call

NOW = "2026-11-20T00:00:00Z"
DAY = 86_400_000
WITHIN = 20


@pytest.fixture(scope="module")
def server():
    with Server("--ledger-time", NOW, "--rate-limits", "off") as server:
        server.apply(
            {
                "type": "prices",
                "venue": "binance",
                "marks": {"BTCUSDT": "60000", "ETHUSDT": "3000"},
                "index": {"USDT": "1", "BTC": "60000", "ETH": "3000", "BNB": "600"},
            },
            {
                "type": "quotes",
                "venue": "binance",
                "quotes": {"BTCUSDT": {"bid": "59999.90", "ask": "60000.00", "last": "60000.00"}},
            },
        )
        yield server


names = (f"account-{number}" for number in itertools.count(1))


class Account:
    """An account of its own with 10000 USDT, and the calls of its key."""

    def __init__(self, server: Server, **settings):
        self.server, self.name = server, next(names)
        server.apply(
            {"type": "open_account", "account": self.name, "venue": "binance", "settings": settings},
            {"type": "deposit", "account": self.name, "asset": "USDT", "amount": "10000"},
        )
        self.key = server.issue_key(self.name, permissions=["read", "trade"])

    def __call__(self, method: str, path: str, **parameters):
        query = urllib.parse.urlencode(parameters)
        return binance_call(self.server, self.key, method, f"/fapi/v1/{path}", query)

    def order(self, **parameters):
        """Places an order of BTCUSDT."""
        return self("POST", "order", **{"symbol": "BTCUSDT", "side": "BUY"} | parameters).json

    def limit(self, **parameters):
        """Places a limit order that rests."""
        usual = {"type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010", "price": "59000"}
        return self.order(**usual | parameters)

    def refusal(self, method: str, path: str, **parameters) -> tuple[int, int, str]:
        """What a call is refused with: HTTP status, code and words."""
        answer = self(method, path, **parameters)
        return answer.status, answer.json["code"], answer.json["msg"]


@pytest.fixture
def account(server):
    return Account(server)


LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.010",
    "price": "59000",
}
STOP = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "algoType": "CONDITIONAL",
    "type": "STOP_MARKET",
    "quantity": "0.010",
}


@pytest.mark.parametrize(
    "method, path, parameters, code, words",
    [
        ("POST", "order", LIMIT | {"newOrderRespType": "FULL"}, -1136, "Invalid newOrderRespType."),
        ("POST", "order/test", LIMIT | {"newOrderRespType": "full"}, -1136, "Invalid newOrderRespType."),
        (
            "POST",
            "algoOrder",
            STOP | {"triggerPrice": "59000", "newOrderRespType": "X"},
            -1136,
            "Invalid newOrderRespType.",
        ),
        (
            "POST",
            "order",
            LIMIT | {"timeInForce": "GTD", "goodTillDate": "17"},
            -5040,
            "The goodTillDate timestamp must be greater than the current time plus 600 seconds and smaller "
            "than 253402300799000 (UTC 9999-12-31 23:59:59)",
        ),
        ("POST", "algoOrder", STOP | {"triggerPrice": "0"}, -4006, "Stop price less than zero."),
        ("POST", "algoOrder", STOP | {"triggerPrice": "-1"}, -4006, "Stop price less than zero."),
        (
            "POST",
            "algoOrder",
            STOP | {"side": "BUY", "triggerPrice": "5000000"},
            -4007,
            "Stop price greater than max price.",
        ),
        (
            "POST",
            "algoOrder",
            STOP | {"triggerPrice": "59000.05"},
            -4014,
            "Price not increased by tick size.",
        ),
        (
            "DELETE",
            "batchOrders",
            {"symbol": "BTCUSDT", "orderIdList": json.dumps(list(range(1, 12)))},
            -4032,
            "Exceed maximum cancel order size.",
        ),
        (
            "GET",
            "userTrades",
            {"symbol": "BTCUSDT", "startTime": 1, "endTime": 2 + 7 * DAY},
            -4165,
            "Maximum time interval is 7 days.",
        ),
        (
            "GET",
            "allOrders",
            {"symbol": "BTCUSDT", "startTime": 1, "endTime": 2 + 7 * DAY},
            -4165,
            "Maximum time interval is 7 days.",
        ),
        (
            "POST",
            "feeBurn",
            {"feeBurn": "yes"},
            -1130,
            "Data sent for parameter 'feeBurn' is not valid.",
        ),
        (
            "POST",
            "feeBurn",
            {"feeBurn": ""},
            -1102,
            "Mandatory parameter 'feeBurn' was not sent, was empty/null, or malformed.",
        ),
    ],
)
def test_refusals_of_signed_calls(account, method, path, parameters, code, words):
    before = account.server.account(account.name)
    assert account.refusal(method, path, **parameters) == (400, code, words)
    assert account.server.account(account.name) == before


def test_refusals_in_a_batch_stand_in_their_places(account):
    orders = [LIMIT, LIMIT | {"newOrderRespType": "X"}, LIMIT | {"newOrderRespType": "RESULT"}]
    rows = account("POST", "batchOrders", batchOrders=json.dumps(orders)).json
    assert [row.get("status", row.get("code")) for row in rows] == ["NEW", -1136, "NEW"]


@pytest.mark.parametrize(
    "query, code, words",
    [
        ("continuousKlines?pair=BTCUSDT&contractType=X&interval=1m", -4104, "Invalid contract type"),
        ("continuousKlines?pair=X&contractType=PERPETUAL&interval=1m", -4144, "Invalid pair"),
        ("indexPriceKlines?pair=X&interval=1m", -4144, "Invalid pair"),
        ("klines?symbol=X&interval=1m", -1121, "Invalid symbol."),
        (
            "aggTrades?symbol=BTCUSDT&startTime=1&endTime=3600002",
            -1127,
            "More than 1 hours between startTime and endTime.",
        ),
    ],
)
def test_refusals_of_market_data(server, query, code, words):
    answer = server.request("GET", f"/fapi/v1/{query}")
    assert (answer.status, answer.json) == (400, {"code": code, "msg": words})


def test_historical_trades_ask_for_a_key(server, account):
    path = "/fapi/v1/historicalTrades?symbol=BTCUSDT"
    refused = server.request("GET", path)
    assert (refused.status, refused.json["code"]) == (401, -2014)
    headers = {"X-MBX-APIKEY": account.key["api_key"]}
    assert server.request("GET", path, headers=headers).json == []


def test_an_order_for_the_venues_own_pages_says_so(account):
    placed = account.limit(timeInForce="RPI")
    assert placed["timeInForce"] == "RPI"
    read = account("GET", "order", symbol="BTCUSDT", orderId=placed["orderId"]).json
    assert (read["timeInForce"], read["status"]) == ("RPI", "NEW")
    # It is a maker, as GTX.
    assert account.limit(timeInForce="RPI", price="60000.00")["code"] == -5022


def test_isolated_leverage_is_not_lowered_under_a_position(account):
    symbol = {"symbol": "BTCUSDT"}
    account("POST", "marginType", marginType="ISOLATED", **symbol)
    assert account("POST", "leverage", leverage=10, **symbol).status == 200
    account.order(type="MARKET", quantity="0.010")
    assert account.refusal("POST", "leverage", leverage=9, **symbol) == (
        400,
        -4161,
        "Leverage reduction is not supported in Isolated Margin Mode with open positions.",
    )
    assert account("POST", "leverage", leverage=10, **symbol).status == 200
    assert account("POST", "leverage", leverage=20, **symbol).json["leverage"] == 20
    account.order(type="MARKET", quantity="0.010", side="SELL", reduceOnly="true")
    assert account("POST", "leverage", leverage=5, **symbol).status == 200


def test_all_orders_of_all_symbols(account):
    first = account.limit()
    second = account.order(
        symbol="ETHUSDT", type="LIMIT", timeInForce="GTC", quantity="0.100", price="2900"
    )
    rows = account("GET", "allOrders", limit=10).json
    assert [row["orderId"] for row in rows] == [first["orderId"], second["orderId"]]
    assert [row["symbol"] for row in account("GET", "allOrders", symbol="ETHUSDT").json] == ["ETHUSDT"]


def test_what_is_told_of_the_past_ends():
    """Unfilled orders go after three days, filled ones, trades, income and amendments after 90."""
    with Server("--ledger-time", NOW, "--rate-limits", "off") as server:
        server.apply(
            {
                "type": "quotes",
                "venue": "binance",
                "quotes": {"BTCUSDT": {"bid": "59999.90", "ask": "60000.00", "last": "60000.00"}},
            }
        )
        account = Account(server)
        symbol = {"symbol": "BTCUSDT"}
        filled = account.order(type="MARKET", quantity="0.010")["orderId"]
        amended = account.limit()["orderId"]
        account("PUT", "order", side="BUY", quantity="0.020", price="59000", orderId=amended, **symbol)
        account("DELETE", "order", orderId=amended, **symbol)
        stop = account("POST", "algoOrder", **STOP, triggerPrice="59000").json["algoId"]
        account("DELETE", "algoOrder", algoId=stop)
        resting = account.limit()["orderId"]

        def told() -> list[int]:
            rows = account("GET", "allOrders", orderId=1, **symbol).json
            single = [
                order
                for order in (filled, amended, resting)
                if account("GET", "order", orderId=order, **symbol).status == 200
            ]
            assert [row["orderId"] for row in rows] == single
            return single

        def after(milliseconds: int) -> None:
            answer = server.admin("PUT", "/clock", {"advance_ms": milliseconds})
            assert answer.status == 200, answer.body

        assert told() == [filled, amended, resting]
        after(3 * DAY)
        assert told() == [filled, amended, resting]
        assert account("GET", "algoOrder", algoId=stop).json["algoStatus"] == "CANCELED"
        after(1)
        assert told() == [filled, resting]
        assert account("GET", "algoOrder", algoId=stop).json["code"] == -2013
        assert len(account("GET", "orderAmendment", orderId=amended, **symbol).json) == 1
        after(87 * DAY - 1)
        assert told() == [filled, resting]
        assert len(account("GET", "userTrades", fromId=1, **symbol).json) == 1
        after(1)
        assert told() == [resting]
        assert account("GET", "userTrades", fromId=1, **symbol).json == []
        assert account("GET", "income", startTime=1).json == []
        assert account("GET", "orderAmendment", orderId=amended, **symbol).json == []


def test_fees_in_bnb(server):
    """V12: a tenth less, at the index price, as long as there is enough of it."""
    account = Account(server)
    server.apply({"type": "deposit", "account": account.name, "asset": "BNB", "amount": "0.001"})
    assert account("GET", "feeBurn").json == {"feeBurn": False}
    assert account("POST", "feeBurn", feeBurn="true").json == {"code": 200, "msg": "success"}
    assert account("GET", "feeBurn").json == {"feeBurn": True}
    account.order(type="MARKET", quantity="0.010")
    [trade] = account("GET", "userTrades", symbol="BTCUSDT").json
    assert (trade["commission"], trade["commissionAsset"]) == ("0.00045000", "BNB")
    held = {row["asset"]: row["cash"] for row in server.account(account.name)["holdings"]}
    assert held == {"USDT": "10000", "BNB": "0.00055"}
    # 0.00055 is not enough for twice as much: the whole fee is paid in USDT.
    account.order(type="MARKET", quantity="0.020")
    rows = account("GET", "userTrades", symbol="BTCUSDT").json
    assert (rows[-1]["commission"], rows[-1]["commissionAsset"]) == ("0.60000000", "USDT")

    assert account("POST", "feeBurn", feeBurn="false").json == {"code": 200, "msg": "success"}
    assert account("GET", "feeBurn").json == {"feeBurn": False}
    account.order(type="MARKET", quantity="0.010")
    rows = account("GET", "userTrades", symbol="BTCUSDT").json
    assert (rows[-1]["commission"], rows[-1]["commissionAsset"]) == ("0.30000000", "USDT")
    incomes = account("GET", "income", incomeType="COMMISSION").json
    assert [(row["income"], row["asset"]) for row in incomes] == [
        ("-0.00045000", "BNB"),
        ("-0.60000000", "USDT"),
        ("-0.30000000", "USDT"),
    ]


def test_rates_of_commission(account):
    assert account("GET", "commissionRate", symbol="BTCUSDT").json == {
        "symbol": "BTCUSDT",
        "makerCommissionRate": "0.0002",
        "takerCommissionRate": "0.0005",
        "rpiCommissionRate": "0.00005",
    }


def test_exchange_information_is_in_the_venues_order(server):
    info = server.request("GET", "/fapi/v1/exchangeInfo").json
    assert list(info) == [
        "timezone",
        "serverTime",
        "futuresType",
        "rateLimits",
        "exchangeFilters",
        "assets",
        "symbols",
    ]
    [row] = [row for row in info["symbols"] if row["symbol"] == "BTCUSDT"]
    assert "settlePlan" not in row
    assert row["maxMoveOrderLimit"] == 10000
    assert row["permissionSets"] == ["GRID", "COPY", "DCA", "PSB"]


def test_a_resting_reducing_order_ends_before_the_order_that_overtakes_it(server, account):
    """Recorded so: the expired order first, then the taker's own events."""
    account.order(type="MARKET", quantity="0.010")
    resting = account.limit(side="SELL", price="61000", reduceOnly="true")["orderId"]
    headers = {"X-MBX-APIKEY": account.key["api_key"]}
    key = server.request("POST", "/fapi/v1/listenKey", headers=headers).json["listenKey"]

    async def told() -> list[dict]:
        async with websockets.connect(server.url.replace("http", "ws") + f"/private/ws/{key}") as stream:
            await asyncio.to_thread(account.order, side="SELL", type="MARKET", quantity="0.010")
            return [json.loads(await asyncio.wait_for(stream.recv(), WITHIN)) for _ in range(5)]

    ended, taken, lite, update, trade = asyncio.run(told())
    assert (ended["o"]["i"], ended["o"]["x"], ended["o"]["X"], ended["o"]["er"]) == (
        resting,
        "EXPIRED",
        "EXPIRED",
        "4",
    )
    assert (taken["o"]["x"], taken["o"]["X"]) == ("NEW", "NEW")
    assert [event["e"] for event in (lite, update)] == ["TRADE_LITE", "ACCOUNT_UPDATE"]
    assert update["a"]["P"][0]["ma"] == "USDT"
    assert (trade["o"]["x"], trade["o"]["X"]) == ("TRADE", "FILLED")


def test_candles_of_the_premium_index(server):
    path = "/fapi/v1/premiumIndexKlines?symbol=ETHUSDT&interval=1m&limit="
    [row] = server.request("GET", path + "1").json
    assert row[1:6] + row[7:] == ["0.00000000"] * 4 + ["0", "0", 0, "0", "0", "0"]
    assert row[6] == row[0] + 59_999
    server.apply({"type": "prices", "venue": "binance", "marks": {"ETHUSDT": "3001"}})
    [row] = server.request("GET", path + "1").json
    # 1 ÷ 3000, half up.
    assert row[1:5] == ["0.00000000", "0.00033333", "0.00000000", "0.00033333"]
    server.apply({"type": "prices", "venue": "binance", "marks": {"ETHUSDT": "3000"}})
    for query, code in ("symbol=X&interval=1m", -1121), ("symbol=ETHUSDT&interval=1s", -1120):
        assert server.request("GET", f"/fapi/v1/premiumIndexKlines?{query}").json["code"] == code


def test_the_history_of_open_interest(server):
    path = "/futures/data/openInterestHist?symbol=BTCUSDT&period="
    rows = server.request("GET", path + "1h&limit=2").json
    assert [row["timestamp"] % 3_600_000 for row in rows] == [0, 0]
    assert rows[1]["timestamp"] - rows[0]["timestamp"] == 3_600_000
    assert {name: value for name, value in rows[0].items() if name != "timestamp"} == {
        "symbol": "BTCUSDT",
        "sumOpenInterest": "0.00000000",
        "sumOpenInterestValue": "0.00000000",
        "CMCCirculatingSupply": "0.00000000",
    }
    assert len(server.request("GET", path + "5m").json) == 30
    for query in "1w", "5m&limit=501":
        assert server.request("GET", path + query).json["code"] == -1130


def test_the_queue_of_deleveraging(server):
    account = Account(server)
    assert account("GET", "adlQuantile", symbol="BTCUSDT").json == []
    account.order(type="MARKET", quantity="0.010")
    server.apply({"type": "raise", "account": account.name, "flag": "adl", "value": 3})
    one_way = {"symbol": "BTCUSDT", "adlQuantile": {"LONG": 0, "SHORT": 0, "BOTH": 3}}
    assert account("GET", "adlQuantile", x=1).json == [one_way]
    hedged = Account(server, hedge=True)
    hedged.order(type="MARKET", quantity="0.010", positionSide="LONG")
    server.apply({"type": "raise", "account": hedged.name, "flag": "adl", "value": 2})
    assert hedged("GET", "adlQuantile", symbol="BTCUSDT").json == [
        {"symbol": "BTCUSDT", "adlQuantile": {"LONG": 2, "SHORT": 0, "HEDGE": 0}}
    ]


def test_a_test_answers_the_order_and_leaves_none(account):
    order = LIMIT | {"newClientOrderId": "tried", "quantity": "0.01", "price": "59000"}
    before = account.server.account(account.name)
    tried = account("POST", "order/test", **order).json
    assert account.server.account(account.name) == before
    placed = account("POST", "order", **order).json
    assert list(tried) == list(placed)
    assert tried | {"orderId": placed["orderId"]} == placed
    assert tried["orderId"] == 0
    market = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.010"}
    tried = account("POST", "order/test", **market).json
    assert (tried["type"], tried["price"], tried["status"], len(tried["clientOrderId"])) == (
        "MARKET",
        "0.00",
        "NEW",
        22,
    )
