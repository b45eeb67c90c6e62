"""Binance's user data stream and WebSocket API, with every unmodified client that speaks them.

Each test opens an account of its own, changes it once the client listens, and compares what the client was
told with what REST answers afterwards.
"""

import asyncio
import base64
import itertools
import json
import threading

import ccxt.pro
import pytest
import websockets
from binance.websocket.um_futures.websocket_client import UMFuturesWebsocketClient
from binance_common.configuration import ConfigurationWebSocketAPI, ConfigurationWebSocketStreams
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import (
    DerivativesTradingUsdsFutures,
)
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from desks import D, exact
from exercised import exercises
from venue_requests import milliseconds

CCXT = "CCXT Pro `binanceusdm`"
SDK = "Binance SDK"
CONNECTOR = "binance-futures-connector"
WITHIN = 20
NUMBERS = itertools.count(1)


def opened(server, **settings):
    """A new account with 1000 USDT and its key."""
    name = f"binance-stream-{next(NUMBERS)}"
    server.apply(
        {"type": "open_account", "account": name, "venue": "binance", "settings": settings},
        {"type": "deposit", "account": name, "asset": "USDT", "amount": "1000"},
    )
    return name, server.issue_key(name, permissions=["read", "trade"])


def trade(name):
    """A fill that pays a fee of 0.123 USDT."""
    return {
        "type": "fill",
        "account": name,
        "instrument": "ETHUSDT",
        "side": "buy",
        "quantity": "0.5",
        "price": "3000.25",
        "fee": "0.123",
    }


def sockets(server):
    return server.url.replace("http://", "ws://")


def listen_key(server, key) -> str:
    answer = server.request("POST", "/fapi/v1/listenKey", headers={"X-MBX-APIKEY": key["api_key"]})
    assert answer.status == 200, answer.body
    return answer.json["listenKey"]


def served(server, name):
    """The account body of REST: asset rows and position rows by name."""
    body = json.loads(server.statement(name))
    return {row["asset"]: row for row in body["assets"]}, {row["symbol"]: row for row in body["positions"]}


def same_as_rest(server, name, update):
    """Checks an ACCOUNT_UPDATE, the last thing that happened, against REST."""
    assets, positions = served(server, name)
    for row in update["B"]:
        assert (row["wb"], row["cw"]) == (
            assets[row["a"]]["walletBalance"],
            assets[row["a"]]["crossWalletBalance"],
        )
    for row in update["P"]:
        position = positions[row["s"]]
        assert (row["pa"], row["up"], row["iw"], row["ps"]) == (
            position["positionAmt"],
            position["unrealizedProfit"],
            position["isolatedWallet"],
            position["positionSide"],
        )


# Plain frames


@pytest.mark.parametrize(
    ("address", "is_combined"),
    [
        ("/ws/{key}", False),
        ("/private/ws?listenKey={key}&events=ORDER_TRADE_UPDATE/ACCOUNT_UPDATE", False),
        ("/stream?streams={key}", True),
        ("/private/stream?listenKey={key}", True),
    ],
)
def test_every_address_tells_the_figures_of_rest(venue_server, address, is_combined):
    name, api_key = opened(venue_server)
    key = listen_key(venue_server, api_key)

    async def listen():
        async with websockets.connect(sockets(venue_server) + address.format(key=key)) as socket:
            withdrawal = {"type": "withdraw", "account": name, "asset": "USDT", "amount": "7.5"}
            for command in (trade(name), withdrawal):
                venue_server.apply(command)
                message = json.loads(await asyncio.wait_for(socket.recv(), WITHIN))
                if is_combined:
                    assert message["stream"] == key
                    message = message["data"]
                same_as_rest(venue_server, name, message["a"])
            return message

    last = asyncio.run(listen())
    assert (last["e"], last["a"]["m"], last["a"]["P"]) == ("ACCOUNT_UPDATE", "WITHDRAW", [])
    assert last["a"]["B"] == [{"a": "USDT", "wb": "992.37700000", "cw": "992.37700000", "bc": "-7.50000000"}]


def test_subscriptions_and_the_end_of_a_listen_key(venue_server):
    name, api_key = opened(venue_server)
    key = listen_key(venue_server, api_key)

    async def play():
        async with websockets.connect(sockets(venue_server) + "/ws") as socket:

            async def ask(message):
                await socket.send(json.dumps(message))
                return json.loads(await asyncio.wait_for(socket.recv(), WITHIN))

            assert await ask({"method": "SUBSCRIBE", "params": [key], "id": 1}) == {"result": None, "id": 1}
            assert await ask({"method": "LIST_SUBSCRIPTIONS", "id": 2}) == {"result": [key], "id": 2}
            assert (await ask({"method": "SUBSCRIBE", "params": [key]}))["code"] == 2
            venue_server.apply(
                {"type": "set_leverage", "account": name, "instrument": "ETHUSDT", "leverage": "7"}
            )
            change = json.loads(await asyncio.wait_for(socket.recv(), WITHIN))
            assert change["ac"] == {"s": "ETHUSDT", "l": 7}
            ended = venue_server.request(
                "DELETE", "/fapi/v1/listenKey", headers={"X-MBX-APIKEY": api_key["api_key"]}
            )
            assert ended.body == b"{}"
            expired = json.loads(await asyncio.wait_for(socket.recv(), WITHIN))
            assert (expired["e"], expired["listenKey"]) == ("listenKeyExpired", key)

    asyncio.run(play())


def test_margin_call_once_for_each_fall_below_the_maintenance(venue_server):
    """10 SOL bought at 150: at 50 the loss of 1000 leaves nothing of the wallet."""
    name, api_key = opened(venue_server)
    key = listen_key(venue_server, api_key)

    def mark(price):
        return {"type": "prices", "venue": "binance", "marks": {"SOLUSDT": price}}

    async def play():
        async with websockets.connect(sockets(venue_server) + f"/ws/{key}") as socket:
            bought = {"instrument": "SOLUSDT", "side": "buy", "quantity": "10", "price": "150"}
            venue_server.apply(mark("150"), {"type": "fill", "account": name} | bought)
            told = {"ACCOUNT_UPDATE": [], "MARGIN_CALL": []}

            async def hear(updates, calls):
                while (len(told["ACCOUNT_UPDATE"]), len(told["MARGIN_CALL"])) != (updates, calls):
                    message = json.loads(await asyncio.wait_for(socket.recv(), WITHIN))
                    told[message["e"]].append(message)

            await hear(1, 0)
            # A deposit looks at the prices too, so that every price is seen however ticks are put together.
            for count, (price, calls) in enumerate((("50", 1), ("49", 1), ("150", 1), ("50", 2), ("48", 2))):
                deposit = {"type": "deposit", "account": name, "asset": "BNB", "amount": "1"}
                venue_server.apply(mark(price), deposit)
                await hear(2 + count, calls)
            return told["MARGIN_CALL"]

    for call in asyncio.run(play()):
        assert call["cw"] == "1000.00000000"
        [row] = call["p"]
        assert (row["s"], row["pa"], row["mp"], row["up"]) == (
            "SOLUSDT",
            "10.00",
            "50.00000000",
            "-1000.00000000",
        )


def test_a_session_ends_with_its_key(venue_server):
    """session.logon with an Ed25519 key, calls without key and signature, and the key revoked meanwhile."""
    name, _ = opened(venue_server)
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
    public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    api_key = "made-up-session-key-of-the-tests"
    secret = "ed25519:" + base64.b64encode(public).decode()
    venue_server.issue_key(name, api_key=api_key, secret=secret)

    async def play():
        async with websockets.connect(sockets(venue_server) + "/ws-fapi/v1") as socket:

            async def ask(method, **parameters):
                await socket.send(json.dumps({"id": 5, "method": method, "params": parameters}))
                return json.loads(await asyncio.wait_for(socket.recv(), WITHIN))

            now = milliseconds()
            signature = base64.b64encode(private.sign(f"apiKey={api_key}&timestamp={now}".encode())).decode()
            begun = await ask("session.logon", apiKey=api_key, timestamp=now, signature=signature)
            assert begun["result"]["apiKey"] == api_key
            account = await ask("v2/account.status", timestamp=milliseconds())
            assert account["result"] == json.loads(venue_server.statement(name))
            assert venue_server.admin("DELETE", f"/accounts/{name}/keys/{api_key}").status in (200, 204)
            revoked = await ask("v2/account.status", timestamp=milliseconds())
            message = "Invalid API-key, IP, or permissions for action."
            assert revoked == {"id": None, "status": 401, "error": {"code": -2015, "msg": message}}
            assert (await ask("session.status"))["result"]["apiKey"] is None

    asyncio.run(play())


# CCXT Pro


def pro(server, key):
    exchange = ccxt.pro.binanceusdm({"apiKey": key["api_key"], "secret": key["secret"]})

    def moved(urls):
        for name, url in urls.items():
            if isinstance(url, dict):
                moved(url)
            elif url.startswith("ws"):
                urls[name] = sockets(server) + "/" + url.split("/", 3)[-1]
            else:
                urls[name] = server.url + "/" + url.split("/", 3)[-1]

    moved(exchange.urls["api"])
    return exchange


async def until_told(server, task, command):
    """Applies a command again and again until a task that listens has an answer."""
    for _ in range(WITHIN):
        server.apply(command)
        done, _ = await asyncio.wait({task}, timeout=1)
        if done:
            return task.result()
    raise AssertionError("nothing was told")


@exercises(CCXT, "watch_balance()", "watch_positions()")
def test_ccxt_pro_watches(venue_server):
    name, api_key = opened(venue_server)

    async def watch():
        exchange = pro(venue_server, api_key)
        try:
            balance = asyncio.create_task(exchange.watch_balance())
            # CCXT goes on changing what it gave, so it is read at once.
            told = (await until_told(venue_server, balance, trade(name)))["info"]["a"]["m"]
            positions = asyncio.create_task(exchange.watch_positions(["ETH/USDT:USDT"]))
            held = await until_told(venue_server, positions, trade(name))
            latest = await until_told(
                venue_server,
                asyncio.create_task(exchange.watch_balance()),
                {"type": "deposit", "account": name, "asset": "USDT", "amount": "1"},
            )
            return told, held, latest
        finally:
            await exchange.close()

    told, held, latest = asyncio.run(watch())
    assets, positions = served(venue_server, name)
    assert told == "ORDER"
    assert exact(latest["USDT"]["total"]) == D(assets["USDT"]["walletBalance"])
    assert held[0]["symbol"] == "ETH/USDT:USDT"
    assert exact(held[0]["contracts"]) == D(positions["ETHUSDT"]["positionAmt"])


@exercises(CCXT, "fetch_balance_ws()", "fetch_positions_ws()")
def test_ccxt_pro_calls_the_websocket_api(venue_server, keys):
    async def fetch():
        exchange = pro(venue_server, keys["binance-single"])
        try:
            balances = [
                await exchange.fetch_balance_ws({"method": method})
                for method in ("v2/account.status", "v2/account.balance", "account.balance")
            ]
            return balances, await exchange.fetch_positions_ws(["BTC/USDT:USDT"])
        finally:
            await exchange.close()

    balances, positions = asyncio.run(fetch())
    assets, served_positions = served(venue_server, "binance-single")
    for balance in balances:
        assert exact(balance["USDT"]["free"]) == D(assets["USDT"]["availableBalance"])
    assert exact(positions[0]["contracts"]) == D(served_positions["BTCUSDT"]["positionAmt"])


# The official SDK


@exercises(SDK, "websocket_streams.user_data(listenKey)")
def test_sdk_user_stream(venue_server):
    name, api_key = opened(venue_server)
    key = listen_key(venue_server, api_key)

    async def listen():
        client = DerivativesTradingUsdsFutures(
            config_ws_streams=ConfigurationWebSocketStreams(stream_url=sockets(venue_server))
        )
        connection = await client.websocket_streams.create_connection()
        try:
            told: asyncio.Queue = asyncio.Queue()
            stream = await connection.user_data(key)
            stream.on("message", told.put_nowait)
            heard = asyncio.create_task(told.get())
            first = await until_told(venue_server, heard, trade(name))
            await stream.unsubscribe()
            return first
        finally:
            await connection.close_connection(close_session=True)

    event = asyncio.run(listen()).actual_instance
    assert type(event).__name__ == "AccountUpdate"
    assert (event.a.m, event.a.B[0].a) == ("ORDER", "USDT")
    assert (event.a.P[0].s, event.a.P[0].ep) == ("ETHUSDT", "3000.25")
    assert isinstance(event.E, int)


def session(server, **credentials):
    configuration = ConfigurationWebSocketAPI(
        stream_url=sockets(server) + "/ws-fapi/v1", timeout=10_000, **credentials
    )
    return DerivativesTradingUsdsFutures(config_ws_api=configuration).websocket_api


async def connected(client, calls):
    connection = await client.create_connection()
    try:
        return await calls(connection)
    finally:
        await connection.close_connection(close_session=True)


@exercises(
    SDK,
    "websocket_api.account_information_v2()",
    "websocket_api.account_information()",
    "websocket_api.futures_account_balance_v2()",
    "websocket_api.futures_account_balance()",
    "websocket_api.position_information_v2()",
    "websocket_api.position_information()",
    "websocket_api.start_user_data_stream()",
    "websocket_api.keepalive_user_data_stream()",
    "websocket_api.close_user_data_stream()",
)
@pytest.mark.parametrize("shows_limits", [True, False])
def test_sdk_websocket_api(venue_server, keys, shows_limits):
    async def calls(api):
        account = await api.account_information_v2(recv_window=4000)
        assets, _ = served(venue_server, "binance-single")
        rows = {row.asset: row for row in account.data().result.assets}
        assert rows["USDT"].wallet_balance == assets["USDT"]["walletBalance"]
        assert rows["USDT"].available_balance == assets["USDT"]["availableBalance"]
        assert bool(account.rate_limits) == shows_limits
        older = (await api.account_information()).data().result
        assert older.total_wallet_balance == rows["USDT"].wallet_balance
        for balances in (await api.futures_account_balance_v2(), await api.futures_account_balance()):
            [usdt] = [row for row in balances.data().result if row.asset == "USDT"]
            assert usdt.balance == assets["USDT"]["walletBalance"]
        newer = await api.position_information_v2(symbol="BTCUSDT")
        for positions in (newer, await api.position_information()):
            held = [row for row in positions.data().result if row.symbol == "BTCUSDT"]
            assert held[0].position_amt == "0.500"
        begun = (await api.start_user_data_stream()).data().result.listen_key
        assert len(begun) == 64
        assert (await api.keepalive_user_data_stream()).data().result.listen_key == begun
        assert (await api.close_user_data_stream()).data().status == 200

    key = keys["binance-single"]
    client = session(
        venue_server, api_key=key["api_key"], api_secret=key["secret"], return_rate_limits=shows_limits
    )
    asyncio.run(connected(client, calls))


@exercises(SDK, "WebSocket API with an Ed25519 key")
def test_sdk_ed25519(venue_server):
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    name, _ = opened(venue_server)
    key = venue_server.issue_key(name, api_key="made-up-ed25519-key-of-the-tests", secret=public.decode())
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

    async def calls(api):
        return (await api.account_information_v2()).data().result.total_wallet_balance

    client = session(venue_server, api_key=key["api_key"], private_key=pem.decode())
    assert asyncio.run(connected(client, calls)) == "1000.00000000"


@exercises(SDK, "WebSocket API errors")
def test_sdk_refusals(venue_server, keys):
    async def calls(api):
        return (await api.account_information_v2()).data()

    key = keys["binance-single"]
    for credentials, code in (
        ({"api_key": key["api_key"], "api_secret": "wrong"}, -1022),
        ({"api_key": "x" * 64, "api_secret": key["secret"]}, -2015),
    ):
        refused = asyncio.run(connected(session(venue_server, **credentials), calls))
        assert refused["error"]["code"] == code


# binance-futures-connector


@exercises(CONNECTOR, "UMFuturesWebsocketClient.user_data(listen_key)")
@pytest.mark.parametrize("is_combined", [False, True])
def test_connector_user_stream(venue_server, is_combined):
    name, api_key = opened(venue_server)
    key = listen_key(venue_server, api_key)
    messages, arrived = [], threading.Event()

    def heard(_, text):
        messages.append(json.loads(text))
        arrived.set()

    client = UMFuturesWebsocketClient(
        stream_url=sockets(venue_server), on_message=heard, is_combined=is_combined
    )
    try:
        client.user_data(key, id=12)
        assert arrived.wait(WITHIN)
        assert messages == [{"result": None, "id": 12}]
        arrived.clear()
        venue_server.apply(trade(name))
        assert arrived.wait(WITHIN)
        told = messages[1]["data"] if is_combined else messages[1]
        same_as_rest(venue_server, name, told["a"])
    finally:
        client.stop()
