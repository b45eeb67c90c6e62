"""Crypto.com's lists where many rows are of one millisecond: whoever pages by nanoseconds, as the venue
recommends, gets every row once; and a list from the beginning of time has all."""

import pytest

from server import Server
from venue_requests import crypto_com_call

KEY = {"permissions": ["read", "trade"], "api_key": "moments-key", "secret": "moments-secret"}
MARKET, PAIR = "BTCUSD-PERP", "BTC_USD"
ROUNDS = 115


@pytest.fixture(scope="module")
def desk():
    """Trades of one moment, half of a contract and half of a pair, and orders cancelled in another order."""
    with Server("--ledger-time", "2026-10-01T00:00:00Z", "--rate-limits", "off") as server:
        server.apply(
            {"type": "open_account", "account": "desk", "venue": "crypto-com"},
            {"type": "deposit", "account": "desk", "asset": "USD", "amount": "100000"},
            {
                "type": "prices",
                "venue": "crypto-com",
                "marks": {MARKET: "60000"},
                "index": {"BTC": "60000"},
            },
        )
        key = server.issue_key("desk", **KEY)

        def call(method, **params):
            answer = crypto_com_call(server, key, f"private/{method}", params).json
            assert answer["code"] == 0, answer
            return answer.get("result")

        def order(instrument, **more):
            usual = {"instrument_name": instrument, "side": "BUY", "type": "MARKET", "quantity": "0.0001"}
            return call("create-order", **usual | more)["order_id"]

        orders = [order(name) for _ in range(ROUNDS) for name in (MARKET, PAIR)]
        resting = [order(MARKET, type="LIMIT", price="59000") for _ in range(ROUNDS)]
        for order_id in reversed(resting):
            call("cancel-order", order_id=order_id)
        yield call, orders, resting


def pages(call, method, cursor):
    """A list from its end back to its first row, by the moment of the last row of each page."""
    rows, end = [], {}
    while found := call(method, limit=100, **end)["data"]:
        rows += found
        end = {"end_time": int(found[-1][cursor])}
        assert len(rows) < 2000, "the pages do not end"
    return rows


def test_trades(desk):
    call, orders, _ = desk
    rows = pages(call, "get-trades", "create_time_ns")
    assert [row["order_id"] for row in rows] == orders[::-1]
    assert len({row["create_time_ns"] for row in rows}) == len(orders)
    assert {row["create_time_ns"][:13] for row in rows} == {str(rows[0]["create_time"])}


def test_orders(desk):
    call, orders, resting = desk
    rows = pages(call, "get-order-history", "create_time_ns")
    assert sorted(row["order_id"] for row in rows) == sorted(orders + resting)


def test_the_journal(desk):
    call, orders, _ = desk
    rows = pages(call, "get-transactions", "event_timestamp_ns")
    # Of a pair one row a currency and one of the fee, of a contract one, and the deposit.
    assert len(rows) == ROUNDS * 4 + 1
    for unique in ("journal_id", "event_timestamp_ns"):
        assert len({row[unique] for row in rows}) == len(rows), unique
    assert [row["order_id"] for row in rows if row["journal_type"] == "TRADE_FEE"] == orders[1::2][::-1]


def test_a_start_is_included_to_the_nanosecond(desk):
    call, orders, _ = desk
    moments = [row["create_time_ns"] for row in pages(call, "get-trades", "create_time_ns")]
    first, last = int(moments[20]), int(moments[10])
    rows = call("get-trades", start_time=first, end_time=last)["data"]
    assert [row["create_time_ns"] for row in rows] == moments[11:21]


@pytest.mark.parametrize("method", ["get-trades", "get-order-history", "get-transactions"])
def test_the_beginning_of_time_is_a_start(desk, method):
    call, *_ = desk
    assert len(call(method, start_time=0)["data"]) == 100
    assert call(method, start_time=0, end_time=1)["data"] == []
