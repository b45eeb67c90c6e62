"""binance-futures-connector, unmodified."""

import pytest
from binance.error import ClientError
from binance.um_futures import UMFutures

from desks import D, cash
from exercised import exercises
from test_ccxt_binance import MAINTENANCE, NOTIONAL, ORDER_MARGIN, POSITION_MARGIN, PROFIT, WALLET
from venue_requests import milliseconds

CLIENT = "binance-futures-connector"


@pytest.fixture
def single(venue_server, keys):
    key = keys["binance-single"]
    return UMFutures(key=key["api_key"], secret=key["secret"], base_url=venue_server.url)


@exercises(CLIENT, "account()")
def test_account(venue_server, single):
    account = single.account(recvWindow=6000)
    assert cash(venue_server, "binance-single", "USDT") == WALLET
    expected = {
        "totalWalletBalance": WALLET,
        "totalUnrealizedProfit": PROFIT,
        "totalMarginBalance": WALLET + PROFIT,
        "totalInitialMargin": POSITION_MARGIN + ORDER_MARGIN,
        "totalMaintMargin": MAINTENANCE,
        "totalPositionInitialMargin": POSITION_MARGIN,
        "totalOpenOrderInitialMargin": ORDER_MARGIN,
        "availableBalance": WALLET + PROFIT - POSITION_MARGIN - ORDER_MARGIN,
    }
    assert {name: account[name] for name in expected} == {
        name: f"{value:.8f}" for name, value in expected.items()
    }
    [position] = account["positions"]
    assert position["positionAmt"] == "0.500"
    assert position["notional"] == f"{NOTIONAL:.8f}"


@exercises(CLIENT, "balance()")
def test_balance(single):
    rows = {row["asset"]: row for row in single.balance()}
    assert D(rows["USDT"]["balance"]) == WALLET
    assert D(rows["USDT"]["crossUnPnl"]) == PROFIT
    assert D(rows["USDC"]["availableBalance"]) == D("500.5")


@exercises(
    CLIENT,
    "get_position_risk()",
    "symbol_configuration()",
    "futures_account_configuration()",
    "get_position_mode()",
    "get_multi_asset_mode()",
    "leverage_brackets()",
)
def test_account_neighbours(single):
    [risk] = single.get_position_risk()
    assert (risk["symbol"], risk["positionAmt"], D(risk["entryPrice"])) == ("BTCUSDT", "0.500", 60000)
    assert D(risk["unRealizedProfit"]) == PROFIT
    [configured] = single.symbol_configuration(symbol="BTCUSDT")
    assert (configured["leverage"], configured["marginType"]) == (20, "CROSSED")
    assert single.futures_account_configuration()["multiAssetsMargin"] is False
    assert single.get_position_mode() == {"dualSidePosition": False}
    assert single.get_multi_asset_mode() == {"multiAssetsMargin": False}
    brackets = {row["symbol"]: row["brackets"] for row in single.leverage_brackets()}
    assert brackets["BTCUSDT"][0]["maintMarginRatio"] == 0.004


@exercises(CLIENT, "ping()", "time()", "exchange_info()", "mark_price()")
def test_public_data(single):
    assert single.ping() == {}
    assert abs(single.time()["serverTime"] - milliseconds()) < 5000
    symbols = {row["symbol"]: row for row in single.exchange_info()["symbols"]}
    assert symbols["BTCUSDT"]["contractType"] == "PERPETUAL"
    assert D(single.mark_price("BTCUSDT")["markPrice"]) == D("61234.5678")


@exercises(CLIENT, "new_listen_key()", "renew_listen_key()", "close_listen_key()")
def test_listen_key(single):
    first = single.new_listen_key()["listenKey"]
    assert len(first) == 64
    assert single.new_listen_key()["listenKey"] == first
    single.renew_listen_key(first)
    assert single.close_listen_key(first) == {}


@exercises(CLIENT, "errors")
def test_refusals_arrive_with_their_codes(venue_server, keys, monkeypatch):
    key = keys["binance-single"]

    def refusal(**changes) -> tuple[int, int]:
        sent = {"key": key["api_key"], "secret": key["secret"]} | changes
        with pytest.raises(ClientError) as refused:
            UMFutures(base_url=venue_server.url, **sent).account()
        return refused.value.status_code, refused.value.error_code

    assert refusal(secret="wrong") == (400, -1022)
    assert refusal(key="x" * 64) == (401, -2015)
    assert refusal(key="short") == (401, -2014)
    monkeypatch.setattr("binance.api.get_timestamp", lambda: milliseconds() - 60_000)
    assert refusal() == (400, -1021)
