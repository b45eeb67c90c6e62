"""python-okx, unmodified."""

import okx.Account
import okx.Funding
import okx.PublicData
import okx.SubAccount
import okx.utils
import pytest

from desks import D, cash
from exercised import exercises
from venue_requests import milliseconds

CLIENT = "python-okx"


def account(server, key) -> okx.Account.AccountAPI:
    return okx.Account.AccountAPI(
        key["api_key"], key["secret"], key["passphrase"], flag="0", domain=server.url
    )


@pytest.fixture
def multi(venue_server, keys):
    return account(venue_server, keys["okx-multi"])


def data(answer: dict) -> list:
    assert answer["code"] == "0", answer
    return answer["data"]


@exercises(CLIENT, "AccountAPI.get_account_balance()")
def test_balance(venue_server, multi):
    [balance] = data(multi.get_account_balance())
    details = {row["ccy"]: row for row in balance["details"]}
    assert D(details["USDT"]["cashBal"]) == cash(venue_server, "okx-multi", "USDT") == D("9898.5")
    assert D(details["USDT"]["eq"]) == D("9948.5")
    assert D(details["USDT"]["upl"]) == 50
    assert D(details["USDT"]["eqUsd"]) == D("9948.5") * D("1.0001")
    assert D(details["BTC"]["eqUsd"]) == D("0.5") * 60010
    assert D(balance["totalEq"]) == D("9948.5") * D("1.0001") + 30005
    assert [row["ccy"] for row in balance["details"]] == ["BTC", "USDT"], "by falling value"


@exercises(CLIENT, "AccountAPI.get_account_balance()", "PublicAPI.discount_interest_free_quota(ccy)")
def test_adjusted_equity_follows_the_published_tiers(venue_server, keys, multi):
    """adjEq: over all coins, the parts of the equity inside each tier × its rate × the index price."""
    public = okx.PublicData.PublicAPI(flag="0", domain=venue_server.url)
    [balance] = data(multi.get_account_balance())
    expected = D(0)
    for coin, equity, price in (("USDT", D("9948.5"), D("1.0001")), ("BTC", D("0.5"), D(60010))):
        [published] = data(public.discount_interest_free_quota(ccy=coin))
        worth, rest = D(0), equity
        for tier in published["details"]:
            width = D(tier["maxAmt"]) - D(tier["minAmt"]) if tier["maxAmt"] else rest
            worth += min(rest, width) * D(tier["discountRate"])
            rest -= min(rest, width)
        expected += (worth + rest * D(published["minDiscountRate"] or 0)) * price
    assert D(balance["adjEq"]) == expected
    assert D(balance["availEq"]) == expected - D(balance["imr"])


@exercises(CLIENT, "AccountAPI.get_account_balance(ccy)")
def test_balance_of_some_currencies(multi):
    whole = data(multi.get_account_balance())[0]
    for query, shown in (("BTC", ["BTC"]), ("BTC,USDT", ["BTC", "USDT"]), ("ETH", [])):
        [part] = data(multi.get_account_balance(query))
        assert [row["ccy"] for row in part["details"]] == shown
        assert part["totalEq"] == whole["totalEq"], "the account's own figures stay whole"
    assert multi.get_account_balance("NOSUCHCOIN")["code"] == "51000"
    assert multi.get_account_balance(",".join(["BTC"] * 21))["code"] == "50025"


@exercises(CLIENT, "AccountAPI.get_account_config()")
def test_configuration(venue_server, keys):
    for name, level in (("okx-spot", "1"), ("okx-futures", "2"), ("okx-multi", "3")):
        [config] = data(account(venue_server, keys[name]).get_account_config())
        assert config["acctLv"] == level
        assert config["posMode"] == "net_mode"
        assert set(config["perm"].split(",")) == {"read_only", "trade"}


@exercises(CLIENT, "AccountAPI.get_positions()", "AccountAPI.get_position_risk()")
def test_positions(multi):
    [position] = data(multi.get_positions())
    assert {
        name: position[name] for name in ("instId", "pos", "avgPx", "markPx", "upl", "lever", "mgnMode")
    } == {
        "instId": "BTC-USDT-SWAP",
        "pos": "5",
        "avgPx": "59000",
        "markPx": "60000",
        "upl": "50",
        "lever": "10",
        "mgnMode": "cross",
    }
    assert data(multi.get_positions(instId="ETH-USDT-SWAP")) == []
    [risk] = data(multi.get_position_risk())
    assert [row["instId"] for row in risk["posData"]] == ["BTC-USDT-SWAP"]
    assert {row["ccy"]: D(row["eq"]) for row in risk["balData"]} == {"BTC": D("0.5"), "USDT": D("9948.5")}


@exercises(
    CLIENT,
    "PublicAPI.get_system_time()",
    "PublicAPI.get_instruments(instType)",
    "PublicAPI.get_position_tiers(instType, tdMode, instFamily)",
)
def test_public_data(venue_server):
    public = okx.PublicData.PublicAPI(flag="0", domain=venue_server.url)
    assert abs(int(data(public.get_system_time())[0]["ts"]) - milliseconds()) < 5000
    swaps = {row["instId"]: row for row in data(public.get_instruments(instType="SWAP"))}
    assert (swaps["BTC-USDT-SWAP"]["ctVal"], swaps["BTC-USDT-SWAP"]["settleCcy"]) == ("0.01", "USDT")
    tiers = data(public.get_position_tiers(instType="SWAP", tdMode="cross", instFamily="BTC-USDT"))
    assert (tiers[0]["mmr"], tiers[0]["maxLever"]) == ("0.004", "100")


@exercises(CLIENT, "FundingAPI.get_balances()", "FundingAPI.get_currencies()")
def test_funding(venue_server, keys):
    key = keys["okx-multi"]
    funding = okx.Funding.FundingAPI(
        key["api_key"], key["secret"], key["passphrase"], flag="0", domain=venue_server.url
    )
    assert isinstance(data(funding.get_balances()), list)
    assert {"BTC", "USDT"} <= {row["ccy"] for row in data(funding.get_currencies())}


@exercises(CLIENT, "SubAccountAPI.get_account_balance(subAcct)")
def test_subaccount_balance(venue_server, keys):
    key = keys["okx-multi"]
    subaccounts = okx.SubAccount.SubAccountAPI(
        key["api_key"], key["secret"], key["passphrase"], flag="0", domain=venue_server.url
    )
    [balance] = data(subaccounts.get_account_balance("okx-child"))
    assert [(row["ccy"], row["cashBal"]) for row in balance["details"]] == [("USDT", "100")]


@exercises(CLIENT, "errors")
def test_refusals_arrive_with_their_codes(venue_server, keys, monkeypatch):
    key = keys["okx-multi"]
    for changes, code in (
        ({"secret": "wrong"}, "50113"),
        ({"passphrase": "wrong"}, "50105"),
        ({"api_key": "00000000-0000-4000-8000-000000000000"}, "50119"),
    ):
        assert account(venue_server, key | changes).get_account_balance()["code"] == code
    monkeypatch.setattr(okx.utils, "get_timestamp", lambda: "2020-12-08T09:08:57.715Z")
    assert account(venue_server, key).get_account_balance()["code"] == "50102"
