"""The order cycle at Crypto.com, by every unmodified client that has it."""

import asyncio
import itertools

import ccxt
import ccxt.pro
import cryptocom.exchange as cro
import pytest
from cryptocom.exchange.api import ApiProvider
from cryptocom.exchange.structs import OrderStatus

from desks import D, cash, exact
from exercised import exercises
from server import Server

CCXT = "CCXT `cryptocom`"
PRO = "CCXT Pro `cryptocom`"
EXCHANGE = "cryptocom-exchange"
WITHIN = 20
NUMBERS = itertools.count(1)
SYMBOL = "BTC/USD:USD"


@pytest.fixture(scope="module", params=["documented", "live"])
def market(request):
    """A server in each of the venue's profiles, with a market to trade in."""
    with Server("--rate-limits", "off", "--profile", f"crypto-com={request.param}") as server:
        server.apply(
            {
                "type": "prices",
                "venue": "crypto-com",
                "marks": {"BTCUSD-PERP": "60000"},
                "index": {"CRO": "0.05467"},
            }
        )
        yield server


def quote(server, instrument, bid, ask, **more):
    server.apply(
        {"type": "quotes", "venue": "crypto-com", "quotes": {instrument: {"bid": bid, "ask": ask, **more}}}
    )


def last(server, instrument, price, quantity):
    server.apply(
        {
            "type": "quotes",
            "venue": "crypto-com",
            "quotes": {instrument: {"last": price, "quantity": quantity}},
        }
    )


def opened(server):
    """A new account with 10000 USD and 100 CRO, and a key that may trade."""
    name = f"cdc-orders-{next(NUMBERS)}"
    fees = {
        "spot": {"maker": "0.0046", "taker": "0.0046"},
        "derivative": {"maker": "0.00025", "taker": "0.0004"},
    }
    server.apply(
        {"type": "open_account", "account": name, "venue": "crypto-com", "settings": {"fees": fees}},
        {"type": "deposit", "account": name, "asset": "USD", "amount": "10000"},
        {"type": "deposit", "account": name, "asset": "CRO", "amount": "100"},
    )
    return name, server.issue_key(name, permissions=["read", "trade"])


@exercises(
    CCXT,
    "create_order(limit, market, stop)",
    "edit_order()",
    "cancel_order()",
    "cancel_orders()",
    "cancel_all_orders()",
    "create_orders()",
    "fetch_order()",
    "fetch_open_orders()",
    "fetch_orders()",
    "fetch_my_trades()",
    "close_position()",
)
def test_ccxt_order_cycle(market):
    """A limit order rests, is amended, filled in part and cancelled; market orders lead in and out."""
    name, key = opened(market)
    exchange = ccxt.cryptocom({"apiKey": key["api_key"], "secret": key["secret"]})
    exchange.urls["api"]["v1"] = market.url + "/exchange/v1"
    quote(market, "BTCUSD-PERP", "59999.9", "60000")
    placed = exchange.create_order(SYMBOL, "limit", "buy", 0.05, 59000)
    assert placed["id"]
    order = exchange.fetch_order(placed["id"], SYMBOL)
    assert (order["status"], order["price"], order["amount"], order["filled"]) == ("open", 59000, 0.05, 0)
    exchange.edit_order(placed["id"], SYMBOL, "limit", "buy", 0.04, 59100)
    [order] = exchange.fetch_open_orders(SYMBOL)
    assert (order["id"], order["price"], order["amount"]) == (placed["id"], 59100, 0.04)
    last(market, "BTCUSD-PERP", "59100", "0.015")
    order = exchange.fetch_order(placed["id"], SYMBOL)
    assert (order["status"], order["filled"], order["average"]) == ("open", 0.015, 59100)
    exchange.cancel_order(placed["id"], SYMBOL)
    assert exchange.fetch_order(placed["id"], SYMBOL)["status"] == "canceled"
    with pytest.raises(ccxt.ExchangeError, match="212"):
        exchange.cancel_order(placed["id"], SYMBOL)
    [trade] = exchange.fetch_my_trades(SYMBOL)
    assert (trade["price"], trade["amount"], trade["takerOrMaker"]) == (59100, 0.015, "maker")
    # 0.015 × 59100 × 0.00025.
    assert exact(trade["fee"]["cost"]) == D("0.221625") and trade["fee"]["currency"] == "USD"
    quote(market, "BTCUSD-PERP", "59100", "59100.1")
    bought = exchange.create_order(SYMBOL, "market", "buy", 0.005)
    order = exchange.fetch_order(bought["id"], SYMBOL)
    assert (order["status"], order["filled"], order["average"]) == ("closed", 0.005, 59100.1)
    [position] = exchange.fetch_positions([SYMBOL])
    assert (position["side"], position["contracts"]) == ("long", 0.02)
    with pytest.raises(ccxt.InvalidOrder, match="43005|POST_ONLY"):
        exchange.create_order(SYMBOL, "limit", "buy", 0.01, 59100.1, {"postOnly": True})
    with pytest.raises(ccxt.InsufficientFunds):
        exchange.create_order(SYMBOL, "limit", "buy", 16, 59000)
    with pytest.raises(ccxt.InvalidOrder):
        exchange.create_order(SYMBOL, "limit", "buy", 0.01, 70000)
    stop = exchange.create_order(SYMBOL, "market", "sell", 0.02, None, {"stopLossPrice": 58000})
    assert exchange.fetch_order(stop["id"], SYMBOL)["status"] == "open"
    exchange.cancel_order(stop["id"], SYMBOL)
    assert exchange.fetch_order(stop["id"], SYMBOL)["status"] == "canceled"
    exchange.close_position(SYMBOL)
    assert exchange.fetch_positions([SYMBOL]) == []
    wanted = {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 0.01}
    several = exchange.create_orders([wanted | {"price": 58000}, wanted | {"price": 58100}])
    assert len(exchange.fetch_open_orders(SYMBOL)) == 2
    exchange.cancel_orders([several[0]["id"]], SYMBOL)
    assert [row["price"] for row in exchange.fetch_open_orders(SYMBOL)] == [58100]
    exchange.cancel_all_orders(SYMBOL)
    assert exchange.fetch_open_orders(SYMBOL) == []
    states = [order["status"] for order in exchange.fetch_orders(SYMBOL)]
    assert sorted(states) == ["canceled"] * 3 + ["closed"] * 2 + ["rejected"] * 3
    # Fees of 0.221625, 0.005 × 59100.1 × 0.0004 and 0.02 × 59100 × 0.0004; a loss of 0.005 × 0.1.
    held = 10000 - D("0.221625") - D("0.1182002") - D("0.4728") - D("0.0005")
    assert cash(market, name, "USD") == held
    assert exact(exchange.fetch_balance()["USD"]["total"]) == held


@exercises(
    PRO,
    "create_order_ws()",
    "edit_order_ws()",
    "cancel_order_ws()",
    "cancel_all_orders_ws()",
    "watch_orders()",
    "watch_my_trades()",
)
def test_ccxt_pro_order_cycle(market):
    """Orders over the socket, and what the socket tells of them."""
    name, key = opened(market)
    quote(market, "BTCUSD-PERP", "59999.9", "60000")

    def connection():
        exchange = ccxt.pro.cryptocom({"apiKey": key["api_key"], "secret": key["secret"]})
        exchange.urls["api"]["v1"] = market.url + "/exchange/v1"
        sockets = market.url.replace("http", "ws") + "/exchange/v1"
        exchange.urls["api"]["ws"] = {"private": sockets + "/user", "public": sockets + "/market"}
        return exchange

    async def call(method, *arguments):
        # This version of CCXT sends one request a connection and forgets later ones: each has its own.
        exchange = connection()
        try:
            return await asyncio.wait_for(getattr(exchange, method)(*arguments), WITHIN)
        finally:
            await exchange.close()

    async def cycle():
        exchange = connection()

        async def told(status):
            while True:
                orders = await asyncio.wait_for(exchange.watch_orders(SYMBOL), WITHIN)
                if orders and orders[-1]["status"] == status:
                    return orders[-1]

        try:
            await exchange.load_markets()
            watching = asyncio.ensure_future(told("open"))
            trades = asyncio.ensure_future(exchange.watch_my_trades(SYMBOL))
            await asyncio.sleep(0.5)
            placed = await call("create_order_ws", SYMBOL, "limit", "buy", 0.05, 59000)
            resting = await watching
            assert resting["id"] == placed["id"] and resting["price"] == 59000
            watching = asyncio.ensure_future(told("canceled"))
            await call("cancel_order_ws", placed["id"], SYMBOL)
            assert (await watching)["id"] == placed["id"]
            watching = asyncio.ensure_future(told("closed"))
            bought = await call("create_order_ws", SYMBOL, "market", "buy", 0.01)
            filled = await watching
            assert (filled["id"], filled["filled"], filled["average"]) == (bought["id"], 0.01, 60000)
            # This version of CCXT takes every frame of a trade twice.
            [trade, *again] = await asyncio.wait_for(trades, WITHIN)
            assert {other["id"] for other in again} <= {trade["id"]}
            assert (trade["order"], trade["price"], trade["amount"]) == (bought["id"], 60000, 0.01)
            one = await call("create_order_ws", SYMBOL, "limit", "buy", 0.05, 59000)
            await call("edit_order_ws", one["id"], SYMBOL, "limit", "buy", 0.04, 59100)
            await call("cancel_all_orders_ws", SYMBOL)
            assert await exchange.fetch_open_orders(SYMBOL) == []
        finally:
            await exchange.close()

    asyncio.run(asyncio.wait_for(cycle(), 5 * WITHIN))
    [position] = market.account(name)["positions"]
    assert D(position["quantity"]) == D("0.01")


@exercises(
    EXCHANGE,
    "Account.buy_market(), sell_market()",
    "Account.buy_limit(), sell_limit()",
    "Account.update_order()",
    "Account.cancel_order(), cancel_open_orders()",
    "Account.get_order(), get_open_orders(), get_orders_history()",
    "Account.get_trades()",
    "Account.get_fee_rate(), get_instrument_fee_rate()",
    "Account.listen_orders()",
)
def test_cryptocom_exchange_order_cycle(market):
    """Spot, as this client trades it: market buys by what they spend, fees in the quote currency."""
    name, key = opened(market)
    quote(market, "CRO_USD", "0.05474", "0.05475")

    async def cycle():
        api = ApiProvider(
            api_key=key["api_key"],
            api_secret=key["secret"],
            retries=0,
            root_url=market.url + "/exchange/v1/",
            ws_root_url=market.url.replace("http", "ws") + "/exchange/v1/",
        )
        account = cro.Account(api=api)
        await account.sync_pairs()
        pair = account.pairs["CRO_USD"]
        heard = []

        async def listen():
            async for order in account.listen_orders(pair):
                heard.append(order)

        listening = asyncio.ensure_future(listen())
        await asyncio.sleep(0.5)
        keys = await account.buy_market(pair, 10)
        bought = await account.get_order(order_id=keys.id)
        # 10 ÷ 0.05475, cut to the lot: money is left, so it ends as cancelled.
        assert (bought.status, bought.filled_quantity) == (OrderStatus.CANCELED, 182)
        resting = await account.buy_limit(pair, 100, 0.05)
        changed = await account.update_order(
            pair, order_id=resting.id, new_price=0.051, new_quantity=90
        )
        assert changed.id == resting.id
        [order] = await account.get_open_orders(pair)
        assert (order.quantity, order.limit_price, order.client_id) == (90, 0.051, changed.client_id)
        await account.cancel_order(pair, client_order_id=changed.client_id, check_status=True)
        await account.sell_limit(pair, 100, 0.06)
        await account.cancel_open_orders(pair)
        assert await account.get_open_orders(pair) == []
        assert len(await account.get_orders_history(pair)) == 3
        [trade] = await account.get_trades(pair)
        assert (trade.quantity, trade.price, trade.fees_instrument.exchange_name) == (182, 0.05475, "USD")
        rates = await account.get_fee_rate()
        rate = await account.get_instrument_fee_rate(pair)
        for _ in range(100):
            if len(heard) >= 5:
                break
            await asyncio.sleep(0.1)
        listening.cancel()
        return heard, rates, rate

    heard, rates, rate = asyncio.run(asyncio.wait_for(cycle(), 5 * WITHIN))
    assert [order.status.value for order in heard] == [
        "CANCELED",
        "ACTIVE",
        "ACTIVE",
        "CANCELED",
        "ACTIVE",
        "CANCELED",
    ][: len(heard)]
    assert len(heard) >= 5
    # 182 × 0.05475 × 0.0046 on top of what was paid.
    paid = 182 * D("0.05475")
    assert cash(market, name, "USD") == 10000 - paid - paid * D("0.0046")
    assert cash(market, name, "CRO") == 282
    assert rates is not None and rate is not None
