"""Orders at Binance as CCXT Pro follows them: placed, filled in part and whole, cancelled; their trades."""

import asyncio

import pytest

from desks import D, cash, exact
from exercised import exercises
from test_binance_streams import CCXT, WITHIN, opened, pro

SYMBOL = "ETH/USDT:USDT"


@pytest.fixture
def market(venue_server):
    """Quotes one contract, at first at 3000, and leaves the market as it was."""

    def quote(bid, **more):
        quoted = {"bid": bid, "ask": str(D(bid) + D("0.01")), "last": bid} | more
        venue_server.apply({"type": "quotes", "venue": "binance", "quotes": {"ETHUSDT": quoted}})

    quote("3000")
    yield quote
    venue_server.apply({"type": "prices", "venue": "binance", "marks": {"ETHUSDT": "3050"}})


async def follow(watch, count):
    """The next news, as many as are awaited. CCXT goes on changing what it gave: it is copied at once."""
    news = []
    while len(news) < count:
        news += [dict(row) for row in await watch(SYMBOL)]
    return news


async def connected(exchange, count):
    """Waits until so many sockets are open: what happens from now on is heard."""
    while sum(client.connected.done() for client in exchange.clients.values()) < count:
        await asyncio.sleep(0.05)


@exercises(CCXT, "watch_ticker(symbol)", "watch_orders()", "watch_my_trades()")
def test_orders_are_followed(venue_server, market):
    name, key = opened(venue_server)

    async def play():
        exchange = pro(venue_server, key)
        try:
            await exchange.load_markets()
            ticker = await asyncio.wait_for(exchange.watch_ticker(SYMBOL), WITHIN)
            assert ticker["last"] == 3000
            orders = asyncio.ensure_future(follow(exchange.watch_orders, 7))
            trades = asyncio.ensure_future(follow(exchange.watch_my_trades, 3))
            await asyncio.wait_for(connected(exchange, 2), WITHIN)
            placed = await exchange.create_order(SYMBOL, "limit", "buy", 2, 2990)
            await asyncio.to_thread(market, "2990", quantity="0.5")
            await asyncio.to_thread(market, "2989")
            resting = await exchange.create_order(SYMBOL, "limit", "buy", 1, 2900)
            await exchange.cancel_order(resting["id"], SYMBOL)
            sold = await exchange.create_order(SYMBOL, "market", "sell", 2, params={"reduceOnly": True})
            states = {}
            for order in await asyncio.wait_for(orders, WITHIN):
                states.setdefault(order["id"], []).append((order["status"], order["filled"]))
            assert states == {
                placed["id"]: [("open", 0), ("open", 0.5), ("closed", 2)],
                resting["id"]: [("open", 0), ("canceled", 0)],
                sold["id"]: [("open", 0), ("closed", 2)],
            }
            return await asyncio.wait_for(trades, WITHIN), await exchange.fetch_balance()
        finally:
            await exchange.close()

    trades, balance = asyncio.run(play())
    rows = venue_server.admin("GET", f"/accounts/{name}/trades").json["trades"]
    assert [
        (trade["id"], exact(trade["price"]), exact(trade["amount"]), exact(trade["fee"]["cost"]))
        for trade in trades
    ] == [(str(row["sequence"]), D(row["price"]), D(row["quantity"]), D(row["fee"])) for row in rows]
    assert exact(balance["USDT"]["total"]) == cash(venue_server, name, "USDT")
