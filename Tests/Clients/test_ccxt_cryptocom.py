"""CCXT's cryptocom class, unmodified, against the Crypto.com endpoints."""

import ccxt
import pytest

from desks import D, cash, exact
from exercised import exercises
from venue_requests import milliseconds

CLIENT = "CCXT `cryptocom`"


def client(server, key) -> ccxt.cryptocom:
    exchange = ccxt.cryptocom({"apiKey": key["api_key"], "secret": key["secret"]})
    exchange.urls["api"]["v1"] = server.url + "/exchange/v1"
    exchange.urls["api"]["base"] = server.url
    return exchange


@pytest.fixture
def main(venue_server, keys):
    return client(venue_server, keys["cdc-main"])


@exercises(CLIENT, "fetch_balance()")
def test_balance(venue_server, main):
    """30 CRO at 0.05467 with half of it as haircut, and 18.18176564 USD after 100 went to the sub-account."""
    balance = main.fetch_balance()
    for asset, total in (("USD", D("18.18176564")), ("CRO", D(30))):
        assert exact(balance[asset]["total"]) == exact(balance[asset]["free"]) == total
        assert total == cash(venue_server, "cdc-main", asset)
        assert balance[asset]["used"] == 0
    account = balance["info"]["result"]["data"][0]
    value = D(30) * D("0.05467")
    assert D(account["total_cash_balance"]) == D("18.18176564") + value
    assert D(account["total_margin_balance"]) == D("18.18176564") + value
    assert D(account["total_haircut"]) == value / 2
    assert D(account["total_collateral_value"]) == D("18.18176564") + value / 2
    assert D(account["total_initial_margin"]) == value / 2
    assert D(account["total_available_balance"]) == D("18.18176564") + value / 2


@exercises(CLIENT, "fetch_balance()")
def test_reserved_and_empty_accounts(venue_server, keys):
    balance = client(venue_server, keys["cdc-reserved"]).fetch_balance()
    assert [exact(balance["CRO"][part]) for part in ("total", "used", "free")] == [
        D(30),
        D("12.5"),
        D("17.5"),
    ]
    empty = client(venue_server, keys["cdc-empty"]).fetch_balance()
    assert not any(empty["total"].values())


@exercises(CLIENT, "load_markets()")
def test_markets_are_usable(main):
    markets = main.load_markets()
    assert {f"{coin}/USD:USD" for coin in ("BTC", "ETH", "SOL", "XRP", "DOGE")} <= set(markets)
    perpetual = markets["BTC/USD:USD"]
    assert (perpetual["id"], perpetual["swap"], perpetual["linear"]) == ("BTCUSD-PERP", True, True)
    assert exact(perpetual["precision"]["price"]) > 0 and exact(perpetual["precision"]["amount"]) > 0


@exercises(CLIENT, "fetch_positions()")
def test_positions(venue_server, keys):
    [position] = client(venue_server, keys["cdc-child"]).fetch_positions()
    held = venue_server.account("cdc-child")["positions"][0]
    assert (position["symbol"], position["side"]) == ("BTC/USD:USD", "long")
    assert exact(position["contracts"]) == D(held["quantity"]) == D("0.002")
    assert exact(position["unrealizedPnl"]) == D("0.002") * (60000 - 59000)


@exercises(CLIENT, "v1_private_post_private_get_subaccount_balances()")
def test_subaccount_balances(main):
    """The child has 100 USD and a profit of 0.002 × 1000."""
    main.load_markets()
    rows = main.v1_private_post_private_get_subaccount_balances({})["result"]["data"]
    child = next(row for row in rows if row["account"] == "cdc-child")
    assert D(child["total_cash_balance"]) == 100
    assert D(child["total_margin_balance"]) == 102
    assert D(child["total_session_unrealized_pnl"]) == 2


@exercises(CLIENT, "errors")
def test_refusals_become_the_clients_own_exceptions(venue_server, keys, monkeypatch):
    key = keys["cdc-main"]
    for changes in ({"secret": "wrong"}, {"api_key": "nobody"}):
        with pytest.raises(ccxt.AuthenticationError):
            client(venue_server, key | changes).fetch_balance()
    late = client(venue_server, key)
    monkeypatch.setattr(late, "nonce", lambda: milliseconds() - 120_000)
    with pytest.raises(ccxt.InvalidNonce):
        late.fetch_balance()


@exercises(CLIENT, "fetch_accounts()", "fetch_currencies()", "fetch_tickers()", "fetch_position(symbol)")
def test_accounts_currencies_and_tickers(venue_server, keys, main):
    assert len(main.fetch_accounts()) >= 1
    assert {"BTC", "CRO"} <= set(main.fetch_currencies())
    tickers = main.fetch_tickers()
    assert exact(tickers["BTC/USD:USD"]["last"]) > 0
    position = client(venue_server, keys["cdc-child"]).fetch_position("BTC/USD:USD")
    assert exact(position["contracts"]) == D("0.002")
