"""CCXT's binanceusdm class, unmodified: conditional orders, margin by its own calls, and what came of it."""

import ccxt
import pytest

from desks import D, cash, exact
from exercised import exercises
from test_ccxt_binance import CLIENT, SYMBOL, client

PRICES = {"type": "prices", "venue": "binance"}


@pytest.fixture
def trading(start):
    """A server of its own with BTCUSDT at 60000, and a client with 10000 USDT."""
    server = start("--rate-limits", "off")
    server.apply(
        {"type": "open_account", "account": "desk", "venue": "binance"},
        {"type": "deposit", "account": "desk", "asset": "USDT", "amount": "10000"},
    )
    mark(server, "60000")
    return server, client(server, server.issue_key("desk", permissions=["read", "trade"]))


def mark(server, price):
    server.apply(PRICES | {"marks": {"BTCUSDT": price}})


@exercises(
    CLIENT,
    "create_order(stopLossPrice)",
    "create_order(takeProfitPrice)",
    "create_order(triggerPrice)",
    "create_order(trailingPercent)",
    "fetch_order(trigger)",
    "fetch_open_orders(trigger)",
    "fetch_orders(trigger)",
    "cancel_order(trigger)",
    "cancel_all_orders(trigger)",
)
def test_conditional_orders(trading):
    """A stop loss closes the position; what is cancelled stays readable."""
    server, exchange = trading
    waits = {"trigger": True}
    exchange.create_order(SYMBOL, "market", "buy", 0.05)
    stop = exchange.create_order(
        SYMBOL, "market", "sell", 0.05, params={"stopLossPrice": 59000, "reduceOnly": True}
    )
    assert (stop["status"], stop["triggerPrice"], stop["reduceOnly"]) == ("open", 59000, True)
    profit = exchange.create_order(
        SYMBOL, "limit", "sell", 0.05, 62100, {"takeProfitPrice": 62000, "reduceOnly": True}
    )
    entry = exchange.create_order(SYMBOL, "market", "buy", 0.01, params={"triggerPrice": 61000})
    trailing = exchange.create_order(
        SYMBOL, "market", "sell", 0.05, params={"trailingPercent": 2, "reduceOnly": True}
    )
    waiting = exchange.fetch_open_orders(SYMBOL, params=waits)
    assert [order["id"] for order in waiting] == [o["id"] for o in (stop, profit, entry, trailing)]
    assert exchange.fetch_open_orders(SYMBOL) == []
    exchange.cancel_order(trailing["id"], SYMBOL, waits)
    assert exchange.fetch_order(trailing["id"], SYMBOL, waits)["status"] == "canceled"
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order(trailing["id"], SYMBOL, waits)
    with pytest.raises(ccxt.ExchangeError, match="-2021"):
        exchange.create_order(SYMBOL, "market", "sell", 0.05, params={"stopLossPrice": 60100})

    mark(server, "58900")
    fired = exchange.fetch_order(stop["id"], SYMBOL, waits)
    assert fired["status"] == "closed" and fired["info"]["algoStatus"] == "FINISHED"
    child = exchange.fetch_order(fired["info"]["actualOrderId"], SYMBOL)
    assert (child["status"], child["average"], child["filled"]) == ("closed", 58900, 0.05)
    assert child["clientOrderId"] == stop["clientOrderId"]
    assert exchange.fetch_positions([SYMBOL]) == []
    exchange.cancel_all_orders(SYMBOL, waits)
    assert exchange.fetch_open_orders(SYMBOL, params=waits) == []
    states = [order["status"] for order in exchange.fetch_orders(SYMBOL, params=waits)]
    assert states == ["closed", "canceled", "canceled", "canceled"]
    # 60000.1 is one tick above the mark: a purchase and a sale of 0.05 with their fees.
    spent = D("0.05") * (D("60000.1") - 58900) + D("0.05") * (D("60000.1") + 58900) * D("0.0005")
    assert cash(server, "desk", "USDT") == 10000 - spent


@exercises(
    CLIENT,
    "set_margin_mode(marginMode, symbol)",
    "add_margin()",
    "reduce_margin()",
    "fetch_margin_adjustment_history()",
    "fetch_ledger()",
    "fetch_funding_history()",
    "fetch_trading_fee()",
    "edit_orders()",
    "fetch_my_liquidations()",
)
def test_isolated_margin_and_records(trading):
    server, exchange = trading
    exchange.set_margin_mode("isolated", SYMBOL)
    # The second time nothing changes, which the class takes for done or for an error of its own.
    try:
        exchange.set_margin_mode("isolated", SYMBOL)
    except ccxt.MarginModeAlreadySet:
        pass
    exchange.set_leverage(10, SYMBOL)
    exchange.create_order(SYMBOL, "market", "buy", 0.05)
    [position] = exchange.fetch_positions([SYMBOL])
    assert position["marginMode"] == "isolated"
    wallet = D("0.05") * D("60000.1") / 10 - D("0.05") * D("60000.1") * D("0.0005")
    [held] = server.account("desk")["positions"]
    assert D(held["isolated_wallet"]) == wallet
    exchange.add_margin(SYMBOL, 100)
    exchange.reduce_margin(SYMBOL, 40)
    [held] = server.account("desk")["positions"]
    assert D(held["isolated_wallet"]) == wallet + 60
    changes = exchange.fetch_margin_adjustment_history(SYMBOL)
    assert [(change["type"], change["amount"]) for change in changes] == [("add", 100), ("reduce", 40)]
    with pytest.raises(ccxt.ExchangeError, match="-4048"):
        exchange.set_margin_mode("cross", SYMBOL)

    server.apply({"type": "funding", "account": "desk", "instrument": "BTCUSDT", "rate": "0.0001"})
    [paid] = exchange.fetch_funding_history(SYMBOL)
    assert exact(paid["amount"]) == -D("0.05") * 60000 * D("0.0001")
    entries = [(entry["type"], entry["info"]["incomeType"]) for entry in exchange.fetch_ledger()]
    assert [kind for _, kind in entries] == ["TRANSFER", "COMMISSION", "FUNDING_FEE"]
    assert exchange.fetch_trading_fee(SYMBOL)["taker"] == 0.0005

    first, second = (exchange.create_order(SYMBOL, "limit", "buy", 0.01, price) for price in (58000, 58100))
    changed = exchange.edit_orders(
        [
            {"id": order["id"], "symbol": SYMBOL, "type": "limit", "side": "buy"}
            | {"amount": 0.02, "price": 58200}
            for order in (first, second)
        ]
    )
    assert [order["amount"] for order in changed] == [0.02, 0.02]
    exchange.fapiPrivatePostCountdownCancelAll({"symbol": "BTCUSDT", "countdownTime": 60_000})
    exchange.fapiPrivatePostCountdownCancelAll({"symbol": "BTCUSDT", "countdownTime": 0})
    assert len(exchange.fetch_open_orders(SYMBOL)) == 2
    assert exchange.fetch_my_liquidations(SYMBOL) == []
