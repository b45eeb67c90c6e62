"""CCXT's okx class, unmodified, against the OKX endpoints."""

import ccxt
import pytest

from desks import D, cash, exact
from exercised import exercises
from venue_requests import milliseconds

CLIENT = "CCXT `okx`"


def client(server, key) -> ccxt.okx:
    exchange = ccxt.okx({"apiKey": key["api_key"], "secret": key["secret"], "password": key["passphrase"]})
    exchange.urls["api"]["rest"] = server.url
    return exchange


@pytest.fixture
def multi(venue_server, keys):
    return client(venue_server, keys["okx-multi"])


@exercises(CLIENT, "fetch_balance()")
def test_balance_in_multi_currency_mode(venue_server, multi):
    """USDT: 10000 − 1.5 of fee − 100 sent to the sub-account; 0.05 BTC of swap gained 1000 × 0.05 = 50."""
    balance = multi.fetch_balance()
    assert cash(venue_server, "okx-multi", "USDT") == D("9898.5")
    assert exact(balance["USDT"]["total"]) == D("9898.5") + D(50)
    assert exact(balance["USDT"]["free"]) == D("9948.5"), "margin is account-wide in this mode"
    assert (
        exact(balance["BTC"]["total"])
        == exact(balance["BTC"]["free"])
        == cash(venue_server, "okx-multi", "BTC")
    )
    assert balance["info"]["data"][0]["totalEq"] == str(D("9948.5") * D("1.0001") + D("0.5") * 60010)
    assert abs(balance["timestamp"] - milliseconds()) < 10_000


@exercises(CLIENT, "fetch_balance()")
def test_balance_in_futures_mode(venue_server, keys):
    """The swap's margin is 0.05 × 60000 ÷ 10 = 300 USDT out of the USDT pool of 9998.5 + 50."""
    balance = client(venue_server, keys["okx-futures"]).fetch_balance()
    assert exact(balance["USDT"]["total"]) == D("10048.5")
    assert exact(balance["USDT"]["free"]) == D("9748.5")
    assert exact(balance["USDT"]["used"]) == D(300)


@exercises(CLIENT, "fetch_balance()")
def test_balance_in_spot_mode(venue_server, keys):
    """0.004 of 0.01 BTC stand in a sell order; CCXT reads availBal and frozenBal where availEq is empty."""
    balance = client(venue_server, keys["okx-spot"]).fetch_balance()
    assert exact(balance["USDT"]["total"]) == D(1000) - D("0.01") * 60000 - D("0.6")
    assert exact(balance["BTC"]["total"]) == D("0.01")
    assert exact(balance["BTC"]["free"]) == D("0.006")
    assert exact(balance["BTC"]["used"]) == D("0.004")


@exercises(CLIENT, "load_markets()")
def test_markets_are_usable(multi):
    markets = multi.load_markets()
    assert {"BTC/USDT", "ETH/USDT", "BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"} <= set(markets)
    swap = markets["BTC/USDT:USDT"]
    assert (swap["id"], swap["type"], swap["linear"], swap["settle"]) == (
        "BTC-USDT-SWAP",
        "swap",
        True,
        "USDT",
    )
    assert exact(swap["contractSize"]) == D("0.01")
    assert multi.amount_to_precision("BTC/USDT:USDT", 1.239) == "1.23"
    assert multi.price_to_precision("BTC/USDT:USDT", 60000.27) == "60000.3"
    spot = markets["BTC/USDT"]
    assert spot["spot"] and spot["active"] and exact(spot["precision"]["amount"]) > 0
    bases = {market["base"] for market in markets.values() if market["swap"]}
    assert len(bases) >= 20


@exercises(CLIENT, "fetch_currencies()")
def test_currencies(multi):
    currencies = multi.fetch_currencies()
    assert {"BTC", "ETH", "USDT", "USDC"} <= set(currencies)
    assert currencies["USDT"]["deposit"] is True and currencies["USDT"]["networks"]


@exercises(CLIENT, "fetch_positions()", "fetch_position(symbol)")
def test_positions(venue_server, multi):
    [position] = multi.fetch_positions()
    assert multi.fetch_position("BTC/USDT:USDT")["contracts"] == position["contracts"]
    held = venue_server.account("okx-multi")["positions"][0]
    assert (position["symbol"], position["side"]) == ("BTC/USDT:USDT", "long")
    assert exact(position["contracts"]) == D(held["quantity"]) == 5
    assert exact(position["entryPrice"]) == 59000
    assert exact(position["markPrice"]) == 60000
    assert exact(position["unrealizedPnl"]) == 50
    assert exact(position["leverage"]) == 10
    assert exact(position["notional"]) == D("0.05") * 60000 * D("1.0001"), "in USD"
    assert position["marginMode"] == "cross"


@exercises(CLIENT, "fetch_time()")
def test_time(multi):
    assert abs(multi.fetch_time() - milliseconds()) < 5000


@exercises(CLIENT, "fetch_accounts()", "fetch_position_mode()")
def test_account_configuration(multi):
    multi.load_markets()
    assert multi.fetch_position_mode()["hedged"] is False
    assert multi.fetch_accounts()[0]["id"]


@exercises(CLIENT, "fetch_market_leverage_tiers(symbol)")
def test_leverage_tiers(multi):
    tiers = multi.fetch_market_leverage_tiers("BTC/USDT:USDT")
    assert exact(tiers[0]["maintenanceMarginRate"]) == D("0.004")
    assert exact(tiers[0]["maxLeverage"]) == 100
    floors = [tier["minNotional"] for tier in tiers]
    assert floors == sorted(floors) and len(tiers) > 5


@exercises(CLIENT, "fetch_balance({'type': 'funding'})")
def test_funding_account(multi):
    balance = multi.fetch_balance({"type": "funding"})
    assert isinstance(balance["total"], dict)


def failing(server, key, **changes):
    return client(server, key | changes)


@exercises(CLIENT, "errors")
def test_refusals_become_the_clients_own_exceptions(venue_server, keys):
    key = keys["okx-multi"]
    for changes in ({"secret": "wrong"}, {"passphrase": "wrong"}):
        with pytest.raises(ccxt.AuthenticationError):
            failing(venue_server, key, **changes).fetch_balance()
    with pytest.raises(ccxt.ExchangeError):
        failing(venue_server, key, api_key="00000000-0000-4000-8000-000000000000").fetch_balance()
    late = failing(venue_server, key)
    late.options["timeDifference"] = 60_000
    with pytest.raises(ccxt.InvalidNonce):
        late.fetch_balance()
    with pytest.raises(ccxt.BadRequest):
        client(venue_server, key).fetch_balance({"ccy": "NOSUCHCOIN"})


@exercises(CLIENT, "errors")
def test_rate_limit_becomes_the_clients_own_exception(start):
    server = start()
    server.apply({"type": "open_account", "account": "desk", "venue": "okx"})
    exchange = client(server, server.issue_key("desk"))
    exchange.enableRateLimit = False
    exchange.load_markets()
    with pytest.raises(ccxt.RateLimitExceeded):
        for _ in range(30):
            exchange.fetch_balance()


@exercises(CLIENT, "fetch_leverage(symbol)", "fetch_tickers(symbols)", "fetch_mark_prices()")
def test_leverage_and_prices(multi):
    leverage = multi.fetch_leverage("BTC/USDT:USDT", {"mgnMode": "cross"})
    assert exact(leverage["longLeverage"]) == 10
    assert exact(multi.fetch_mark_prices()["BTC/USDT:USDT"]["markPrice"]) == 60000
    assert set(multi.fetch_tickers(["BTC/USDT:USDT"])) == {"BTC/USDT:USDT"}


@exercises(CLIENT, "set_leverage(leverage, symbol)", "set_position_mode(hedged)")
def test_changes_need_the_permission(start):
    """What a client sets is what the ledger has; a key that may only read changes nothing."""
    server = start()
    server.apply({"type": "open_account", "account": "desk", "venue": "okx"})
    reader = client(server, server.issue_key("desk"))
    trader = client(server, server.issue_key("desk", permissions=["read", "trade"]))
    with pytest.raises(ccxt.ExchangeError):
        reader.set_leverage(5, "BTC/USDT:USDT", {"mgnMode": "cross"})
    assert server.account("desk")["leverages"] == []
    trader.set_leverage(5, "BTC/USDT:USDT", {"mgnMode": "cross"})
    assert [row["leverage"] for row in server.account("desk")["leverages"]] == ["5"]
    trader.set_position_mode(True)
    assert server.account("desk")["settings"]["hedge"] is True
    assert reader.fetch_position_mode()["hedged"] is True
