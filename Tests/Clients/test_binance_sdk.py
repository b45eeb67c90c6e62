"""binance-sdk-derivatives-trading-usds-futures, the official SDK, unmodified."""

import pytest
from binance_common.configuration import ConfigurationRestAPI
from binance_common.errors import BadRequestError, UnauthorizedError
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import (
    DerivativesTradingUsdsFutures,
)

from desks import D, cash
from exercised import exercises
from test_ccxt_binance import MAINTENANCE, NOTIONAL, ORDER_MARGIN, POSITION_MARGIN, PROFIT, WALLET
from venue_requests import milliseconds

CLIENT = "Binance SDK"


def api(server, key):
    return DerivativesTradingUsdsFutures(
        config_rest_api=ConfigurationRestAPI(
            api_key=key["api_key"], api_secret=key["secret"], base_path=server.url, timeout=10_000
        )
    ).rest_api


@pytest.fixture
def single(venue_server, keys):
    return api(venue_server, keys["binance-single"])


@exercises(CLIENT, "account_information_v3()")
def test_account(venue_server, single):
    answer = single.account_information_v3()
    account = answer.data()
    assert cash(venue_server, "binance-single", "USDT") == WALLET
    assert D(account.total_wallet_balance) == WALLET
    assert D(account.total_unrealized_profit) == PROFIT
    assert D(account.total_initial_margin) == POSITION_MARGIN + ORDER_MARGIN
    assert D(account.total_maint_margin) == MAINTENANCE
    assert D(account.available_balance) == WALLET + PROFIT - POSITION_MARGIN - ORDER_MARGIN
    [position] = account.positions
    assert (position.symbol, D(position.notional)) == ("BTCUSDT", NOTIONAL)
    assert isinstance(position.update_time, int)
    assert answer.rate_limits, "the weight header is understood"


@exercises(CLIENT, "account_information_v3(recv_window)")
def test_account_with_a_window(single):
    assert D(single.account_information_v3(recv_window=3000).data().total_wallet_balance) == WALLET


@exercises(
    CLIENT,
    "account_information_v2()",
    "futures_account_balance_v3()",
    "position_information_v3()",
    "futures_account_configuration()",
    "symbol_configuration()",
    "get_current_multi_assets_mode()",
    "get_current_position_mode()",
)
def test_account_neighbours(single):
    assert D(single.account_information_v2().data().total_wallet_balance) == WALLET
    balances = {row.asset: row for row in single.futures_account_balance_v3().data()}
    assert D(balances["USDT"].balance) == WALLET
    [position] = single.position_information_v3().data()
    assert D(position.un_realized_profit) == PROFIT
    assert single.futures_account_configuration().data().can_trade is True
    [configured] = single.symbol_configuration(symbol="BTCUSDT").data()
    assert (configured.leverage, configured.is_auto_add_margin) == (20, False)
    assert single.get_current_multi_assets_mode().data().multi_assets_margin is False
    assert single.get_current_position_mode().data().dual_side_position is False


@exercises(CLIENT, "test_connectivity()", "check_server_time()", "exchange_information()")
def test_public_data(single):
    single.test_connectivity()
    assert abs(single.check_server_time().data().server_time - milliseconds()) < 5000
    symbols = {row.symbol: row for row in single.exchange_information().data().symbols}
    assert symbols["BTCUSDT"].margin_asset == "USDT"


@exercises(CLIENT, "errors")
def test_refusals_become_the_clients_own_exceptions(venue_server, keys, monkeypatch):
    key = keys["binance-single"]
    with pytest.raises(BadRequestError, match="Signature"):
        api(venue_server, key | {"secret": "wrong"}).account_information_v3()
    with pytest.raises(UnauthorizedError):
        api(venue_server, key | {"api_key": "x" * 64}).account_information_v3()
    monkeypatch.setattr("binance_common.utils.get_timestamp", lambda: milliseconds() - 60_000)
    with pytest.raises(BadRequestError, match="recvWindow"):
        api(venue_server, key).account_information_v3()
