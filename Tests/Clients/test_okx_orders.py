"""Orders at OKX by CCXT, CCXT Pro and python-okx, unmodified: placed, amended, filled and cancelled."""

import asyncio
import itertools

import ccxt
import ccxt.pro
import okx.Account
import okx.Trade
import pytest

from desks import D, cash, exact
from exercised import exercises

CLIENT = "CCXT `okx`"
PRO = "CCXT Pro `okx`"
SYMBOL = "BTC/USDT:USDT"
NUMBERS = itertools.count(1)


def opened(server, mode="futures", **settings):
    """A new account with 10000 USDT, and its key."""
    name = f"okx-orders-{next(NUMBERS)}"
    server.apply(
        {"type": "open_account", "account": name, "venue": "okx", "settings": {"mode": mode} | settings},
        {"type": "deposit", "account": name, "asset": "USDT", "amount": "10000"},
    )
    return name, server.issue_key(name, permissions=["read", "trade"])


def mark(server, price):
    """A price of the swap and of the pair, without sizes."""
    server.apply(
        {
            "type": "quotes",
            "venue": "okx",
            "quotes": {"BTC-USDT-SWAP": {"last": price}, "BTC-USDT": {"last": price}},
        }
    )


@pytest.fixture
def market(venue_server):
    """The market at 60000, and as it was afterwards."""
    mark(venue_server, "60000")
    yield venue_server
    venue_server.apply(
        {
            "type": "prices",
            "venue": "okx",
            "marks": {"BTC-USDT-SWAP": "60000"},
            "index": {"BTC": "60010", "USDT": "1.0001"},
        }
    )


def client(server, key):
    exchange = ccxt.okx({"apiKey": key["api_key"], "secret": key["secret"], "password": key["passphrase"]})
    exchange.urls["api"]["rest"] = server.url
    return exchange


@exercises(
    CLIENT,
    "create_order(limit, market)",
    "create_orders()",
    "edit_order()",
    "cancel_order()",
    "cancel_orders()",
    "fetch_order()",
    "fetch_open_orders()",
    "fetch_closed_orders()",
    "fetch_canceled_orders()",
    "fetch_my_trades()",
)
def test_order_cycle(market):
    """A limit order rests, is amended and filled by the market; a market order leads out of it again."""
    name, key = opened(market)
    exchange = client(market, key)
    placed = exchange.create_order(SYMBOL, "limit", "buy", 5, 59000)
    order = exchange.fetch_order(placed["id"], SYMBOL)
    assert (order["status"], order["price"], order["filled"]) == ("open", 59000, 0)
    exchange.edit_order(placed["id"], SYMBOL, "limit", "buy", 4, 59100)
    [order] = exchange.fetch_open_orders(SYMBOL)
    assert (order["id"], order["amount"], order["price"]) == (placed["id"], 4, 59100)
    mark(market, "59100")
    order = exchange.fetch_order(placed["id"], SYMBOL)
    assert (order["status"], order["average"], order["filled"]) == ("closed", 59100, 4)
    [trade] = exchange.fetch_my_trades(SYMBOL)
    assert (trade["price"], trade["amount"], trade["takerOrMaker"]) == (59100, 4, "maker")
    # 4 × 0.01 × 59100 × 0.0002.
    assert exact(trade["fee"]["cost"]) == D("0.4728")
    [position] = exchange.fetch_positions([SYMBOL])
    assert (position["side"], position["contracts"], position["entryPrice"]) == ("long", 4, 59100)
    sold = exchange.create_order(SYMBOL, "market", "sell", 4, params={"reduceOnly": True})
    assert exchange.fetch_order(sold["id"], SYMBOL)["status"] == "closed"
    with pytest.raises(ccxt.ExchangeError, match="51169"):
        exchange.create_order(SYMBOL, "market", "sell", 4, params={"reduceOnly": True})
    with pytest.raises(ccxt.InsufficientFunds):
        exchange.create_order(SYMBOL, "limit", "buy", 9000, 59000)
    posted = exchange.create_order(SYMBOL, "limit", "buy", 1, 60000, params={"postOnly": True})
    assert exchange.fetch_order(posted["id"], SYMBOL)["status"] == "canceled", "it would have taken"
    resting = exchange.create_order(SYMBOL, "limit", "buy", 1, 58000, params={"postOnly": True})
    exchange.cancel_order(resting["id"], SYMBOL)
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order(resting["id"], SYMBOL)
    wanted = {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 1}
    several = exchange.create_orders([wanted | {"price": 58000}, wanted | {"price": 58100}])
    exchange.cancel_orders([order["id"] for order in several], SYMBOL)
    assert exchange.fetch_open_orders(SYMBOL) == []
    assert len(exchange.fetch_closed_orders(SYMBOL)) == 2
    assert len(exchange.fetch_canceled_orders(SYMBOL)) == 4
    # Both fees: the position was opened and closed at one price.
    assert exact(exchange.fetch_balance()["USDT"]["total"]) == 10000 - D("0.4728") - D("1.182")
    assert cash(market, name, "USDT") == 10000 - D("0.4728") - D("1.182")


@exercises(CLIENT, "create_order(spot)", "fetch_trading_fee()", "fetch_ledger()")
def test_spot_orders(market):
    """Bought for an amount of USDT and sold again; fees come out of what is received."""
    name, key = opened(market, mode="spot")
    exchange = client(market, key)
    bought = exchange.create_order("BTC/USDT", "market", "buy", 600, params={"tgtCcy": "quote_ccy"})
    order = exchange.fetch_order(bought["id"], "BTC/USDT")
    assert (order["status"], order["fee"]["currency"]) == ("closed", "BTC")
    held = cash(market, name, "BTC")
    assert held == exact(order["filled"]) * D("0.999")
    assert exact(exchange.fetch_trading_fee("BTC/USDT")["taker"]) == D("0.001")
    sold = exchange.create_order("BTC/USDT", "limit", "sell", 0.005, 60500)
    mark(market, "60600")
    assert exchange.fetch_order(sold["id"], "BTC/USDT")["status"] == "closed"
    spent = exact(order["filled"]) * exact(order["average"])
    # 0.005 × 60500 × (1 − 0.0008).
    assert D("302.2580") == cash(market, name, "USDT") - (10000 - spent)
    assert len(exchange.fetch_ledger("USDT")) >= 2


@exercises(
    CLIENT,
    "create_order(stopLossPrice)",
    "create_order(trailingPercent)",
    "fetch_open_orders(trigger)",
    "cancel_order(trigger)",
    "close_position()",
    "cancel_all_orders_after()",
)
def test_stops(market):
    """A stop loss closes the position; a trailing one is cancelled."""
    name, key = opened(market)
    exchange = client(market, key)
    exchange.create_order(SYMBOL, "market", "buy", 4)
    stop = exchange.create_order(SYMBOL, "market", "sell", 4, params={"stopLossPrice": 59000})
    trailing = exchange.create_order(
        SYMBOL, "market", "sell", 4, params={"trailingPercent": 5, "reduceOnly": True}
    )
    [waiting] = exchange.fetch_open_orders(SYMBOL, params={"stop": True, "ordType": "conditional"})
    assert (waiting["id"], waiting["status"], waiting["stopLossPrice"]) == (stop["id"], "open", 59000)
    exchange.cancel_order(trailing["id"], SYMBOL, params={"trailing": True})
    mark(market, "58900")
    fired = exchange.fetch_order(stop["id"], SYMBOL, params={"stop": True})
    assert fired["info"]["state"] == "effective"
    assert exchange.fetch_order(fired["info"]["ordId"], SYMBOL)["status"] == "closed"
    assert exchange.fetch_positions([SYMBOL]) == []
    exchange.create_order(SYMBOL, "market", "buy", 1)
    exchange.close_position(SYMBOL, params={"marginMode": "cross"})
    assert exchange.fetch_positions([SYMBOL]) == []
    resting = exchange.create_order(SYMBOL, "limit", "buy", 1, 50000)
    exchange.cancel_all_orders_after(10_000)
    exchange.cancel_all_orders_after(0)
    assert exchange.fetch_order(resting["id"], SYMBOL)["status"] == "open"
    assert market.account(name)["positions"] == []


@exercises(
    PRO,
    "create_order_ws()",
    "edit_order_ws()",
    "cancel_order_ws()",
    "watch_orders()",
    "watch_my_trades()",
)
def test_orders_on_sockets(market):
    """Orders by socket are told of as they become what they become."""

    async def play():
        name, key = opened(market)
        exchange = ccxt.pro.okx(
            {"apiKey": key["api_key"], "secret": key["secret"], "password": key["passphrase"]}
        )
        exchange.urls["api"]["rest"] = market.url
        exchange.urls["api"]["ws"] = market.url.replace("http", "ws") + "/ws/v5"
        try:
            await exchange.load_markets()
            listening = asyncio.ensure_future(exchange.watch_orders(SYMBOL))
            await asyncio.sleep(1)
            placed = await exchange.create_order_ws(SYMBOL, "limit", "buy", 2, 59000)
            [order] = await asyncio.wait_for(listening, 20)
            assert (order["id"], order["status"], order["amount"]) == (placed["id"], "open", 2)
            listening = asyncio.ensure_future(exchange.watch_orders(SYMBOL))
            await exchange.edit_order_ws(placed["id"], SYMBOL, "limit", "buy", 3, 59000)
            assert (await asyncio.wait_for(listening, 20))[-1]["amount"] == 3
            trading = asyncio.ensure_future(exchange.watch_my_trades(SYMBOL))
            await asyncio.sleep(1)
            await asyncio.to_thread(mark, market, "59000")
            trade = (await asyncio.wait_for(trading, 20))[-1]
            assert (trade["price"], trade["amount"], trade["takerOrMaker"]) == (59000, 3, "maker")
            listening = asyncio.ensure_future(exchange.watch_orders(SYMBOL))
            resting = await exchange.create_order_ws(SYMBOL, "limit", "buy", 1, 58000)
            await asyncio.wait_for(listening, 20)
            listening = asyncio.ensure_future(exchange.watch_orders(SYMBOL))
            await exchange.cancel_order_ws(resting["id"], SYMBOL)
            assert (await asyncio.wait_for(listening, 20))[-1]["status"] == "canceled"
        finally:
            await exchange.close()

    asyncio.run(play())


@exercises(
    "python-okx",
    "TradeAPI.place_order()",
    "TradeAPI.place_multiple_orders()",
    "TradeAPI.amend_order()",
    "TradeAPI.cancel_order()",
    "TradeAPI.get_order()",
    "TradeAPI.get_order_list()",
    "TradeAPI.get_orders_history()",
    "TradeAPI.get_fills()",
    "TradeAPI.place_algo_order()",
    "TradeAPI.order_algos_list()",
    "TradeAPI.cancel_algo_order()",
    "AccountAPI.get_account_bills()",
    "AccountAPI.get_fee_rates()",
    "AccountAPI.get_max_order_size()",
)
def test_python_okx(market):
    """python-okx sends every key that it knows, the unused ones empty."""
    name, key = opened(market)
    keys = (key["api_key"], key["secret"], key["passphrase"])
    trade = okx.Trade.TradeAPI(*keys, flag="0", domain=market.url)
    account = okx.Account.AccountAPI(*keys, flag="0", domain=market.url)

    def data(answer):
        assert answer["code"] == "0", answer
        return answer["data"]

    instrument = {"instId": "BTC-USDT-SWAP"}
    wanted = instrument | {"tdMode": "cross", "side": "buy", "ordType": "limit", "sz": "2", "px": "59000"}
    [placed] = data(trade.place_order(**wanted))
    identity = instrument | {"ordId": placed["ordId"]}
    data(trade.amend_order(**identity, newSz="3"))
    assert data(trade.get_order(**identity))[0]["sz"] == "3"
    assert len(data(trade.get_order_list(instType="SWAP"))) == 1
    data(trade.cancel_order(**identity))
    assert data(trade.get_order(**identity))[0]["state"] == "canceled"
    data(trade.place_multiple_orders([wanted | {"ordType": "market", "px": ""}]))
    [fill] = data(trade.get_fills(instType="SWAP"))
    # 2 × 0.01 × 60000.1 × 0.0005.
    assert (fill["execType"], fill["fee"]) == ("T", "-0.600001")
    assert len(data(trade.get_orders_history(instType="SWAP"))) == 2
    stop = {"ordType": "conditional", "slTriggerPx": "50000", "slOrdPx": "-1"}
    [algo] = data(trade.place_algo_order(**instrument, tdMode="cross", side="sell", sz="2", **stop))
    assert data(trade.order_algos_list(ordType="conditional"))[0]["algoId"] == algo["algoId"]
    data(trade.cancel_algo_order([instrument | {"algoId": algo["algoId"]}]))
    assert data(account.get_account_bills())[0]["fee"] == "-0.600001"
    assert data(account.get_fee_rates("SWAP"))[0]["taker"] == "-0.0005"
    assert D(data(account.get_max_order_size("BTC-USDT-SWAP", "cross"))[0]["maxBuy"]) > 0
    assert cash(market, name, "USDT") == 10000 - D("0.600001")


def test_a_fill_of_no_order_has_an_id(market):
    """No fill of the venue is without an order: NautilusTrader ended at an empty `ordId`."""
    name, key = opened(market)
    fill = {"type": "fill", "account": name, "instrument": "BTC-USDT-SWAP", "side": "buy"}
    [sequence] = market.apply(fill | {"quantity": "2", "price": "60000", "fee": "0.6"})
    trade = okx.Trade.TradeAPI(
        key["api_key"], key["secret"], key["passphrase"], flag="0", domain=market.url
    )
    account = okx.Account.AccountAPI(
        key["api_key"], key["secret"], key["passphrase"], flag="0", domain=market.url
    )
    [row] = trade.get_fills(instType="SWAP")["data"]
    assert row["ordId"] == str(3 * 10**18 + sequence)
    assert trade.get_fills(ordId=row["ordId"])["data"] == [row]
    assert account.get_account_bills(instType="SWAP")["data"][0]["ordId"] == row["ordId"]


@exercises(CLIENT, "errors")
def test_scripted_outcomes(market):
    """What bots get wrong: an unknown fate, a refusal, a fill before the answer, a fill during a cancel."""
    name, key = opened(market)
    exchange = client(market, key)

    def scripts(*steps, **more):
        script = {"account": name, "steps": list(steps)} | more
        answer = market.admin("PUT", "/order-scripts", script)
        assert answer.status == 200, answer.body

    scripts({"do": "timeout"})
    with pytest.raises(ccxt.RequestTimeout):
        exchange.create_order(SYMBOL, "limit", "buy", 1, 59000, params={"clientOrderId": "alive"})
    [alive] = exchange.fetch_open_orders(SYMBOL)
    assert alive["clientOrderId"] == "alive"
    scripts({"do": "reject", "code": "insufficient_balance"})
    with pytest.raises(ccxt.InsufficientFunds):
        exchange.create_order(SYMBOL, "limit", "buy", 1, 59000)
    scripts({"do": "fill", "quantity": "1"})
    part = exchange.create_order(SYMBOL, "limit", "buy", 3, 59000)
    assert exchange.fetch_order(part["id"], SYMBOL)["filled"] == 1
    scripts({"do": "fill_on_cancel"}, client_order_id="overtaken")
    other = exchange.create_order(SYMBOL, "limit", "buy", 1, 58000)
    order = exchange.create_order(SYMBOL, "limit", "buy", 2, 59000, params={"clientOrderId": "overtaken"})
    exchange.cancel_order(other["id"], SYMBOL)
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order(order["id"], SYMBOL)
    assert exchange.fetch_order(order["id"], SYMBOL)["status"] == "closed"
    orders = market.admin("GET", f"/accounts/{name}/orders?state=filled").json["orders"]
    assert [row["state"] for row in orders] == ["filled"]
    trades = market.admin("GET", f"/accounts/{name}/trades").json["trades"]
    assert [row["quantity"] for row in trades] == ["1", "2"]
