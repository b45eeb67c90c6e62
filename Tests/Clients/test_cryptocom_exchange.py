"""cryptocom-exchange, unmodified."""

import asyncio

import cryptocom.exchange as cro
import pytest
from cryptocom.exchange.api import ApiAuthError, ApiProvider
from cryptocom.exchange.structs import Instrument

from desks import D, cash, exact
from exercised import exercises
from venue_requests import milliseconds

CLIENT = "cryptocom-exchange"


def account(server, key) -> cro.Account:
    api = ApiProvider(
        api_key=key["api_key"],
        api_secret=key["secret"],
        retries=0,
        root_url=server.url + "/exchange/v1/",
        ws_root_url=server.url.replace("http", "ws") + "/exchange/v1/",
    )
    return cro.Account(api=api)


@exercises(CLIENT, "Account.get_balance()")
def test_balance(venue_server, keys):
    balance = asyncio.run(account(venue_server, keys["cdc-main"]).get_balance())
    usd, cro_row = balance[Instrument("USD")], balance[Instrument("CRO")]
    assert exact(usd.total) == cash(venue_server, "cdc-main", "USD") == D("18.18176564")
    assert exact(cro_row.total) == cash(venue_server, "cdc-main", "CRO") == 30
    assert exact(cro_row.market_value) == D(30) * D("0.05467")
    assert exact(cro_row.haircut) == D("0.5")
    assert exact(cro_row.collateral_amount) == D(30) * D("0.05467") / 2
    assert usd.collateral_eligible and cro_row.collateral_eligible


@exercises(CLIENT, "Account.get_balance()")
def test_reserved_quantity(venue_server, keys):
    balance = asyncio.run(account(venue_server, keys["cdc-reserved"]).get_balance())
    row = balance[Instrument("CRO")]
    assert (exact(row.total), exact(row.reserved), exact(row.available)) == (30, D("12.5"), D("17.5"))


@exercises(CLIENT, "Account.get_subaccount_balances()")
def test_subaccount_balances(venue_server, keys):
    rows = asyncio.run(account(venue_server, keys["cdc-main"]).get_subaccount_balances())
    child = next(row for row in rows if row["account"] == "cdc-child")
    assert D(child["total_cash_balance"]) == 100
    assert D(child["total_margin_balance"]) == 102


@exercises(CLIENT, "Market.get_pairs()", "Market.get_risk_parameters()")
def test_market_data(venue_server, keys):
    market = account(venue_server, keys["cdc-main"]).market

    async def read():
        return await market.get_pairs(), await market.get_risk_parameters()

    pairs, risk = asyncio.run(read())
    assert {"BTC_USD", "CRO_USD"} <= {pair.exchange_name for pair in pairs}, "spot pairs, as it says"
    assert risk


@exercises(CLIENT, "errors")
def test_refusals_become_the_clients_own_exceptions(venue_server, keys, monkeypatch):
    with pytest.raises(ApiAuthError) as refused:
        asyncio.run(account(venue_server, keys["cdc-main"] | {"secret": "wrong"}).get_balance())
    assert refused.value.code == 40101
    late = account(venue_server, keys["cdc-main"])
    monkeypatch.setattr("cryptocom.exchange.api.time.time", lambda: milliseconds() / 1000 - 120)
    with pytest.raises(cro.api.ApiError) as refused:
        asyncio.run(late.get_balance())
    assert refused.value.code == 40102
