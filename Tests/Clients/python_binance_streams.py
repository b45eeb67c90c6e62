"""Run by test_python_binance.py in a process of its own, where `binance` is python-binance.

Reads {"url", "api_key", "secret"} from standard input, calls the WebSocket API, then waits for one
message of the user data stream, and writes all of it as JSON.
"""

import asyncio
import json
import sys

import socket_guard

socket_guard.install()

from binance import AsyncClient, BinanceSocketManager  # noqa: E402
from binance.exceptions import BinanceAPIException  # noqa: E402


async def play(given: dict) -> dict:
    sockets = given["url"].replace("http://", "ws://")
    AsyncClient.API_URL = given["url"] + "/api"
    AsyncClient.FUTURES_URL = given["url"] + "/fapi"
    AsyncClient.WS_FUTURES_URL = sockets + "/ws-fapi/v1"
    BinanceSocketManager.FSTREAM_URL = sockets + "/"
    client = AsyncClient(given["api_key"], given["secret"])
    try:
        results = {
            "ws_futures_v2_account_status()": await client.ws_futures_v2_account_status(),
            "ws_futures_account_status()": await client.ws_futures_account_status(),
            "ws_futures_v2_account_balance()": await client.ws_futures_v2_account_balance(),
            "ws_futures_account_balance()": await client.ws_futures_account_balance(),
            "ws_futures_v2_account_position()": await client.ws_futures_v2_account_position(),
            "ws_futures_account_position()": await client.ws_futures_account_position(symbol="BTCUSDT"),
        }
        try:
            await client.ws_futures_v2_account_status(apiKey="x" * 64)
        except BinanceAPIException as error:
            results["error"] = error.code
        async with BinanceSocketManager(client).futures_user_socket() as stream:
            results["futures_user_socket()"] = await asyncio.wait_for(stream.recv(), 30)
        return results
    finally:
        await client.close_connection()


if __name__ == "__main__":
    json.dump(asyncio.run(play(json.load(sys.stdin))), sys.stdout)
