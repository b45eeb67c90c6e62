"""Run by test_python_binance.py in a process of its own, where `binance` is python-binance.

Reads {"url", "api_key", "secret", "shift"} from standard input, calls the client and writes what it
gave as JSON.
"""

import json
import sys

import socket_guard

socket_guard.install()

from binance import Client, base_client  # noqa: E402
from binance.exceptions import BinanceAPIException  # noqa: E402


def main() -> None:
    given = json.load(sys.stdin)
    Client.API_URL = given["url"] + "/api"
    Client.FUTURES_URL = given["url"] + "/fapi"
    client = Client(given["api_key"], given["secret"], ping=False)
    client.timestamp_offset = given["shift"]
    results = {"module": base_client.__file__}
    calls = {
        "futures_account(version=3)": lambda: client.futures_account(version=3),
        "futures_account()": client.futures_account,
        "futures_account_balance()": client.futures_account_balance,
        "futures_position_information()": client.futures_position_information,
        "futures_time()": client.futures_time,
        "futures_ping()": client.futures_ping,
        "futures_exchange_info()": client.futures_exchange_info,
        "futures_leverage_bracket()": client.futures_leverage_bracket,
        "futures_get_multi_assets_mode()": client.futures_get_multi_assets_mode,
        "futures_get_position_mode()": client.futures_get_position_mode,
        "futures_account_config()": client.futures_account_config,
        "futures_symbol_config()": client.futures_symbol_config,
    }
    for name in given.get("calls", calls):
        try:
            results[name] = calls[name]()
        except BinanceAPIException as error:
            results[name] = {
                "exception": type(error).__name__,
                "code": error.code,
                "status": error.status_code,
            }
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
