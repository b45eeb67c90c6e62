"""CCXT's binanceusdm class, unmodified, against the Binance endpoints."""

import ccxt
import pytest

from desks import D, cash, cut8, exact
from exercised import exercises
from venue_requests import milliseconds

CLIENT = "CCXT `binanceusdm`"

# Worked out once for the tests below: 0.5 BTC at 60000 with the mark at 61234.5678, 20x, 12 USDT of fees.
NOTIONAL = D("0.5") * D("61234.5678")
PROFIT = D("0.5") * (D("61234.5678") - 60000)
WALLET = D(10000) - 12
POSITION_MARGIN = cut8(NOTIONAL / 20)
ORDER_MARGIN = cut8((NOTIONAL + D("0.1") * 60500) / 20) - POSITION_MARGIN
MAINTENANCE = cut8(NOTIONAL * D("0.004"))


def client(server, key, kind=ccxt.binanceusdm) -> ccxt.binance:
    exchange = kind({"apiKey": key["api_key"], "secret": key["secret"]})
    for name, url in exchange.urls["api"].items():
        if isinstance(url, str):
            exchange.urls["api"][name] = server.url + "/" + url.split("/", 3)[-1]
    return exchange


@pytest.fixture
def single(venue_server, keys):
    return client(venue_server, keys["binance-single"])


@exercises("CCXT `binance`", "load_markets()", "fetch_balance()")
def test_class_of_all_markets(venue_server, keys):
    """The class that freqtrade takes: it reads the markets of every product before its first call."""
    exchange = client(venue_server, keys["binance-single"], ccxt.binance)
    markets = exchange.load_markets()
    assert "BTC/USDT:USDT" in markets and not any(market["spot"] for market in markets.values())
    balance = exchange.fetch_balance({"type": "future"})
    assert exact(balance["USDT"]["total"]) == WALLET + PROFIT


@exercises(CLIENT, "fetch_balance()")
def test_balance_in_single_asset_mode(venue_server, single):
    balance = single.fetch_balance()
    assert cash(venue_server, "binance-single", "USDT") == WALLET
    assert exact(balance["USDT"]["total"]) == WALLET + PROFIT
    assert exact(balance["USDT"]["used"]) == POSITION_MARGIN + ORDER_MARGIN
    assert exact(balance["USDT"]["free"]) == WALLET + PROFIT - POSITION_MARGIN - ORDER_MARGIN
    assert exact(balance["USDC"]["total"]) == exact(balance["USDC"]["free"]) == D("500.5")
    assert exact(balance["info"]["totalMaintMargin"]) == MAINTENANCE
    assert balance["info"]["totalMarginBalance"] == f"{WALLET + PROFIT:.8f}"


@exercises(CLIENT, "fetch_balance()")
def test_balance_in_multi_assets_mode(venue_server, keys):
    """Every row shows the whole account's availability, converted at its own ask rate."""
    exchange = client(venue_server, keys["binance-multi"])
    balance = exchange.fetch_balance()
    rates = {row["symbol"]: row for row in exchange.fapiPublicGetAssetIndex()}
    bid = {asset: D(rates[asset + "USD"]["bidRate"]) for asset in ("USDT", "USDC")}
    ask = {asset: D(rates[asset + "USD"]["askRate"]) for asset in ("USDT", "USDC")}
    margin = cut8((WALLET + PROFIT) * bid["USDT"]) + cut8(D("500.5") * bid["USDC"])
    initial = cut8((POSITION_MARGIN + ORDER_MARGIN) * ask["USDT"])
    assert balance["info"]["totalMarginBalance"] == f"{margin:.8f}"
    assert balance["info"]["totalInitialMargin"] == f"{initial:.8f}"
    assert balance["info"]["availableBalance"] == f"{margin - initial:.8f}"
    for asset in ("USDT", "USDC"):
        assert exact(balance[asset]["free"]) == cut8((margin - initial) / ask[asset]), asset


@exercises(CLIENT, "load_markets()")
def test_markets_are_usable(single):
    markets = single.load_markets()
    assert {f"{coin}/USDT:USDT" for coin in ("BTC", "ETH", "SOL", "XRP", "DOGE")} <= set(markets)
    bitcoin = markets["BTC/USDT:USDT"]
    assert (bitcoin["id"], bitcoin["swap"], bitcoin["linear"], bitcoin["active"]) == (
        "BTCUSDT",
        True,
        True,
        True,
    )
    assert single.amount_to_precision("BTC/USDT:USDT", 0.12345) == "0.123"
    assert single.price_to_precision("BTC/USDT:USDT", 61234.5678) == "61234.6"


@exercises(CLIENT, "fetch_positions()")
def test_positions(venue_server, single):
    [position] = single.fetch_positions()
    held = venue_server.account("binance-single")["positions"][0]
    assert (position["symbol"], position["side"]) == ("BTC/USDT:USDT", "long")
    assert exact(position["contracts"]) == D(held["quantity"]) == D("0.5")
    assert exact(position["entryPrice"]) == 60000
    assert exact(position["markPrice"]) == D("61234.5678")
    assert exact(position["unrealizedPnl"]) == PROFIT
    assert exact(position["notional"]) == NOTIONAL
    assert exact(position["initialMargin"]) == POSITION_MARGIN + ORDER_MARGIN
    # The price at which cross wallet + profit meets maintenance, in the bracket of 0.4 %.
    liquidation = (WALLET - D("0.5") * 60000) / (D("0.5") * D("0.004") - D("0.5"))
    assert abs(exact(position["liquidationPrice"]) - liquidation) < D("0.0001")


@exercises(CLIENT, "fetch_positions(params={'method': 'account'})")
def test_positions_from_the_account(single):
    [position] = single.fetch_positions(params={"method": "account"})
    assert exact(position["notional"]) == NOTIONAL
    assert exact(position["unrealizedPnl"]) == PROFIT


@exercises(CLIENT, "fetch_positions()", "fetch_position_mode()")
def test_hedge_mode(venue_server, keys):
    exchange = client(venue_server, keys["binance-hedge"])
    exchange.load_markets()
    assert exchange.fetch_position_mode()["hedged"] is True
    sides = {position["side"]: exact(position["contracts"]) for position in exchange.fetch_positions()}
    assert sides == {"long": 3, "short": 1}


@exercises(CLIENT, "fetch_time()", "fetch_leverages()", "fetch_position_mode()")
def test_time_leverages_and_mode(single):
    assert abs(single.fetch_time() - milliseconds()) < 5000
    leverages = single.fetch_leverages()
    assert leverages["BTC/USDT:USDT"]["longLeverage"] == 20
    assert leverages["BTC/USDT:USDT"]["marginMode"] == "cross"
    assert single.fetch_position_mode()["hedged"] is False


@exercises(CLIENT, "fetch_leverage_tiers()")
def test_leverage_tiers(single):
    tiers = single.fetch_leverage_tiers(["BTC/USDT:USDT"])["BTC/USDT:USDT"]
    assert exact(tiers[0]["maintenanceMarginRate"]) == D("0.004")
    assert tiers[0]["minNotional"] == 0
    assert [tier["minNotional"] for tier in tiers[1:]] == [tier["maxNotional"] for tier in tiers[:-1]]


@exercises(CLIENT, "errors")
def test_refusals_become_the_clients_own_exceptions(venue_server, keys):
    key = keys["binance-single"]
    for changes in ({"secret": "wrong"}, {"api_key": "x" * 64}, {"api_key": "short"}):
        exchange = client(venue_server, key | changes)
        with pytest.raises(ccxt.AuthenticationError):
            exchange.fetch_balance()
    late = client(venue_server, key)
    late.options["timeDifference"] = 60_000
    with pytest.raises(ccxt.InvalidNonce):
        late.fetch_balance()
    early = client(venue_server, key)
    early.options["timeDifference"] = -60_000
    with pytest.raises(ccxt.InvalidNonce):
        early.fetch_balance()


@exercises(CLIENT, "errors")
def test_rate_limit_becomes_the_clients_own_exception(start):
    server = start()
    server.apply({"type": "open_account", "account": "desk", "venue": "binance"})
    exchange = client(server, server.issue_key("desk"))
    exchange.enableRateLimit = False
    with pytest.raises(ccxt.DDoSProtection):
        for _ in range(85):
            exchange.fapiPrivateGetMultiAssetsMargin()


@exercises(CLIENT, "fetch_balance({'useV2': True})", "fetch_mark_prices()", "fetch_funding_rates()")
def test_older_account_and_prices(single):
    assert exact(single.fetch_balance({"useV2": True})["USDT"]["total"]) == WALLET + PROFIT
    assert exact(single.fetch_mark_prices()["BTC/USDT:USDT"]["markPrice"]) == D("61234.5678")
    assert "BTC/USDT:USDT" in single.fetch_funding_rates()


@exercises(CLIENT, "set_leverage(leverage, symbol)", "set_position_mode(hedged)", "fetch_margin_modes()")
def test_changes_need_the_permission(start):
    """What a client sets is what the ledger has; a key that may only read changes nothing."""
    server = start()
    server.apply({"type": "open_account", "account": "desk", "venue": "binance"})
    reader = client(server, server.issue_key("desk"))
    trader = client(server, server.issue_key("desk", permissions=["read", "trade"]))
    with pytest.raises(ccxt.AuthenticationError):
        reader.set_leverage(7, "BTC/USDT:USDT")
    assert server.account("desk")["leverages"] == []
    trader.set_leverage(7, "BTC/USDT:USDT")
    assert [row["leverage"] for row in server.account("desk")["leverages"]] == ["7"]
    assert reader.fetch_leverages()["BTC/USDT:USDT"]["longLeverage"] == 7
    trader.set_position_mode(True)
    assert server.account("desk")["settings"]["hedge"] is True
    assert reader.fetch_margin_modes()["BTC/USDT:USDT"]["marginMode"] == "cross"


SYMBOL = "BTC/USDT:USDT"


@exercises(
    CLIENT,
    "create_order(limit, market)",
    "edit_order()",
    "cancel_order()",
    "cancel_all_orders()",
    "create_orders()",
    "fetch_order()",
    "fetch_orders()",
    "fetch_my_trades()",
)
def test_order_cycle(venue_server, keys):
    """A limit order rests, is amended and filled by the market; market orders lead out of it again."""
    exchange = client(venue_server, keys["binance-trading"])
    prices = {"type": "prices", "venue": "binance"}
    try:
        venue_server.apply(prices | {"marks": {"BTCUSDT": "60000"}})
        order = exchange.create_order(SYMBOL, "limit", "buy", 0.05, 59000)
        assert (order["status"], order["price"], order["filled"]) == ("open", 59000, 0)
        order = exchange.edit_order(order["id"], SYMBOL, "limit", "buy", 0.04, 59100)
        assert [o["id"] for o in exchange.fetch_open_orders(SYMBOL)] == [order["id"]]
        venue_server.apply(prices | {"marks": {"BTCUSDT": "59100"}})
        order = exchange.fetch_order(order["id"], SYMBOL)
        assert (order["status"], order["average"], order["filled"]) == ("closed", 59100, 0.04)
        [trade] = exchange.fetch_my_trades(SYMBOL)
        assert (trade["price"], trade["amount"], trade["takerOrMaker"]) == (59100, 0.04, "maker")
        # 0.04 × 59100 × 0.0002.
        assert exact(trade["fee"]["cost"]) == D("0.4728")
        [position] = exchange.fetch_positions([SYMBOL])
        assert (position["side"], position["contracts"], position["entryPrice"]) == ("long", 0.04, 59100)
        sold = exchange.create_order(SYMBOL, "market", "sell", 0.05, params={"reduceOnly": True})
        assert (sold["status"], sold["filled"], sold["average"]) == ("closed", 0.04, 59100)
        with pytest.raises(ccxt.ExchangeError, match="-2022"):
            exchange.create_order(SYMBOL, "market", "sell", 0.05, params={"reduceOnly": True})
        with pytest.raises(ccxt.InvalidOrder, match="-5022"):
            exchange.create_order(SYMBOL, "limit", "buy", 1, 60000, params={"postOnly": True})
        resting = exchange.create_order(SYMBOL, "limit", "buy", 0.05, 58000, params={"postOnly": True})
        assert exchange.cancel_order(resting["id"], SYMBOL)["status"] == "canceled"
        with pytest.raises(ccxt.OrderNotFound):
            exchange.cancel_order(resting["id"], SYMBOL)
        wanted = {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 0.01}
        exchange.create_orders([wanted | {"price": 58000}, wanted | {"price": 58100}])
        exchange.cancel_all_orders(SYMBOL)
        assert exchange.fetch_open_orders(SYMBOL) == []
        assert [o["status"] for o in exchange.fetch_orders(SYMBOL)] == ["closed"] * 2 + ["canceled"] * 3
        # 10000 less both fees: the position was opened and closed at one price.
        assert exact(exchange.fetch_balance()["USDT"]["total"]) == 10000 - D("0.4728") - D("1.182")
        assert cash(venue_server, "binance-trading", "USDT") == 10000 - D("0.4728") - D("1.182")
    finally:
        venue_server.apply(prices | {"marks": {"BTCUSDT": "61234.5678"}})
