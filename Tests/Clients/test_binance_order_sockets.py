"""Binance's orders by the WebSocket API and on the user data stream, with every unmodified client of them."""

import asyncio

import pytest

from desks import D, cash
from exercised import exercises
from test_binance_streams import CCXT, SDK, connected, pro, session

SYMBOL = "BTC/USDT:USDT"
WITHIN = 20


@pytest.fixture
def trading(start):
    """A server of its own with BTCUSDT at 60000, and the key of an account with 10000 USDT."""
    server = start("--rate-limits", "off")
    server.apply(
        {"type": "open_account", "account": "desk", "venue": "binance"},
        {"type": "deposit", "account": "desk", "asset": "USDT", "amount": "10000"},
    )
    mark(server, "60000")
    return server, server.issue_key("desk", permissions=["read", "trade"])


def mark(server, price):
    server.apply({"type": "prices", "venue": "binance", "marks": {"BTCUSDT": price}})


@exercises(
    CCXT,
    "create_order_ws()",
    "edit_order_ws()",
    "fetch_order_ws()",
    "cancel_order_ws()",
    "create_order_ws(triggerPrice)",
    "cancel_order_ws(trigger)",
    "watch_orders()",
    "watch_my_trades()",
)
def test_ccxt_pro_trades(trading):
    server, key = trading

    async def play():
        exchange = pro(server, key)
        try:
            await exchange.load_markets()
            listening = asyncio.create_task(exchange.watch_orders(SYMBOL))
            trades = asyncio.create_task(exchange.watch_my_trades(SYMBOL))
            await asyncio.sleep(2)
            placed = await exchange.create_order_ws(SYMBOL, "limit", "buy", 0.05, 59000)
            [order] = await asyncio.wait_for(listening, WITHIN)
            assert (order["id"], order["status"], order["amount"]) == (placed["id"], "open", 0.05)
            changed = await exchange.edit_order_ws(placed["id"], SYMBOL, "limit", "buy", 0.04, 59100)
            assert (changed["amount"], changed["price"]) == (0.04, 59100)
            found = await exchange.fetch_order_ws(placed["id"], SYMBOL)
            assert (found["status"], found["amount"]) == ("open", 0.04)
            mark(server, "59100")
            [trade] = await asyncio.wait_for(trades, WITHIN)
            assert (trade["order"], trade["price"], trade["takerOrMaker"]) == (placed["id"], 59100, "maker")
            stop = await exchange.create_order_ws(
                SYMBOL, "market", "sell", 0.04, params={"triggerPrice": 58000, "reduceOnly": True}
            )
            assert stop["status"] == "open"
            await exchange.cancel_order_ws(stop["id"], SYMBOL, {"trigger": True})
            resting = await exchange.create_order_ws(SYMBOL, "limit", "buy", 0.01, 58000)
            cancelled = await exchange.cancel_order_ws(resting["id"], SYMBOL)
            assert cancelled["status"] == "canceled"
            known = exchange.orders.hashmap[SYMBOL]
            assert known[stop["id"]]["status"] == "canceled", "ALGO_UPDATE tells of it"
        finally:
            await exchange.close()

    asyncio.run(play())
    # 0.04 × 59100 × 0.0002 of fees.
    assert cash(server, "desk", "USDT") == 10000 - D("0.4728")


@exercises(
    SDK,
    "websocket_api.new_order()",
    "websocket_api.query_order()",
    "websocket_api.modify_order()",
    "websocket_api.cancel_order()",
    "websocket_api.new_algo_order()",
    "websocket_api.cancel_algo_order()",
)
def test_sdk_trades(trading):
    server, key = trading
    client = session(server, api_key=key["api_key"], api_secret=key["secret"])

    async def calls(api):
        order = {"symbol": "BTCUSDT", "side": "BUY"}
        placed = await api.new_order(
            **order, type="LIMIT", time_in_force="GTC", quantity=0.05, price=59000.0
        )
        number = placed.data().result.order_id
        found = await api.query_order("BTCUSDT", order_id=number)
        assert found.data().result.status == "NEW"
        changed = await api.modify_order(**order, order_id=number, quantity=0.04, price=59100.0)
        assert changed.data().result.orig_qty == "0.040"
        cancelled = await api.cancel_order("BTCUSDT", order_id=number)
        assert cancelled.data().result.status == "CANCELED"
        waiting = await api.new_algo_order(
            **order, algo_type="CONDITIONAL", type="STOP_MARKET", quantity=0.05, trigger_price=61000.0
        )
        algo = waiting.data().result
        assert (algo.algo_status, algo.trigger_price) == ("NEW", "61000.00")
        ended = await api.cancel_algo_order(algo_id=algo.algo_id)
        assert ended.data().result.msg == "success"

    asyncio.run(connected(client, calls))
