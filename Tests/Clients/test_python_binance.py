"""python-binance, unmodified, in a process of its own (another client has a package of the same name)."""

import json
import os
import subprocess
import sys

import pytest

import server as program
from desks import D
from exercised import exercises
from test_binance_streams import opened, served, trade
from test_ccxt_binance import MAINTENANCE, NOTIONAL, ORDER_MARGIN, POSITION_MARGIN, PROFIT, WALLET
from venue_requests import milliseconds

CLIENT = "python-binance"
FOLDERS = (program.ROOT / ".venv" / "python-binance", program.ROOT / "Tests" / "Harness")


def surroundings() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(str(folder) for folder in FOLDERS)}


def call(server, key, shift: int = 0, **more) -> dict:
    ended = subprocess.run(
        [sys.executable, str(program.ROOT / "Tests" / "Clients" / "python_binance_calls.py")],
        input=json.dumps(
            {"url": server.url, "api_key": key["api_key"], "secret": key["secret"], "shift": shift} | more
        ),
        capture_output=True,
        text=True,
        timeout=60,
        env=surroundings(),
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.fixture(scope="module")
def results(venue_server, keys):
    return call(venue_server, keys["binance-single"])


@exercises(CLIENT, "futures_account()", "futures_account(version=3)")
def test_account(results):
    assert "python-binance" in results["module"]
    for name in ("futures_account()", "futures_account(version=3)"):
        account = results[name]
        assert D(account["totalWalletBalance"]) == WALLET
        assert D(account["totalMarginBalance"]) == WALLET + PROFIT
        assert D(account["totalInitialMargin"]) == POSITION_MARGIN + ORDER_MARGIN
        assert D(account["totalMaintMargin"]) == MAINTENANCE
        held = next(row for row in account["positions"] if row["symbol"] == "BTCUSDT")
        assert D(held["notional"]) == NOTIONAL
    assert results["futures_account()"]["multiAssetsMargin"] is False, "version 2 has the mode too"


@exercises(CLIENT, "futures_account_balance()", "futures_position_information()")
def test_balance_and_positions(results):
    balances = {row["asset"]: row for row in results["futures_account_balance()"]}
    assert D(balances["USDT"]["balance"]) == WALLET
    held = next(row for row in results["futures_position_information()"] if row["symbol"] == "BTCUSDT")
    assert D(held["unRealizedProfit"]) == PROFIT


@exercises(
    CLIENT,
    "futures_time()",
    "futures_ping()",
    "futures_exchange_info()",
    "futures_leverage_bracket()",
    "futures_get_multi_assets_mode()",
    "futures_get_position_mode()",
    "futures_account_config()",
    "futures_symbol_config()",
)
def test_neighbours(results):
    assert abs(results["futures_time()"]["serverTime"] - milliseconds()) < 60_000
    assert results["futures_ping()"] == {}
    assert "BTCUSDT" in {row["symbol"] for row in results["futures_exchange_info()"]["symbols"]}
    assert "BTCUSDT" in {row["symbol"] for row in results["futures_leverage_bracket()"]}
    assert results["futures_get_multi_assets_mode()"] == {"multiAssetsMargin": False}
    assert results["futures_get_position_mode()"] == {"dualSidePosition": False}
    assert results["futures_account_config()"]["dualSidePosition"] is False
    leverages = {row["symbol"]: row["leverage"] for row in results["futures_symbol_config()"]}
    assert leverages["BTCUSDT"] == 20


@exercises(
    CLIENT,
    "ws_futures_v2_account_status()",
    "ws_futures_account_status()",
    "ws_futures_v2_account_balance()",
    "ws_futures_account_balance()",
    "ws_futures_v2_account_position()",
    "ws_futures_account_position()",
    "futures_user_socket()",
)
def test_websockets(venue_server):
    """The client listens in its process while the account is changed here, until it has heard of it."""
    name, key = opened(venue_server)
    venue_server.apply(trade(name))
    assets, positions = served(venue_server, name)
    with subprocess.Popen(
        [sys.executable, str(program.ROOT / "Tests" / "Clients" / "python_binance_streams.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=surroundings(),
    ) as child:
        asked = json.dumps({"url": venue_server.url, "api_key": key["api_key"], "secret": key["secret"]})
        child.stdin.write(asked)
        child.stdin.close()
        child.stdin = None
        output, errors = "", "it did not end"
        for _ in range(60):
            try:
                output, errors = child.communicate(timeout=1)
                break
            except subprocess.TimeoutExpired:
                # Changes no position and no balance that is asked for.
                venue_server.apply({"type": "deposit", "account": name, "asset": "BNB", "amount": "1"})
        assert child.returncode == 0, errors
    results = json.loads(output)
    for version in ("", "v2_"):
        account = results[f"ws_futures_{version}account_status()"]
        assert account["totalWalletBalance"] == assets["USDT"]["walletBalance"]
        balances = {row["asset"]: row for row in results[f"ws_futures_{version}account_balance()"]}
        assert balances["USDT"]["balance"] == assets["USDT"]["walletBalance"]
    [held] = results["ws_futures_v2_account_position()"]
    assert held["unRealizedProfit"] == positions["ETHUSDT"]["unrealizedProfit"]
    assert [row["symbol"] for row in results["ws_futures_account_position()"]] == ["BTCUSDT"]
    assert results["error"] in (-1022, -2015)
    told = results["futures_user_socket()"]
    assert (told["e"], told["a"]["m"], told["a"]["B"][0]["a"]) == ("ACCOUNT_UPDATE", "DEPOSIT", "BNB")


@exercises(CLIENT, "errors")
def test_refusals_become_the_clients_own_exceptions(venue_server, keys):
    key = keys["binance-single"]
    only = {"calls": ["futures_account()"]}

    def code(**changes) -> tuple[str, int]:
        refused = call(venue_server, key | changes, **only)["futures_account()"]
        return refused["exception"], refused["code"]

    assert code(secret="wrong") == ("BinanceAPIException", -1022)
    assert code(api_key="x" * 64) == ("BinanceAPIException", -2015)
    late = call(venue_server, key, shift=-60_000, **only)["futures_account()"]
    assert (late["status"], late["code"]) == (400, -1021)
