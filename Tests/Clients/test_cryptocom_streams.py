"""Crypto.com's user and market sockets, with every unmodified client that speaks them.

Each test opens an account of its own, changes it once the client listens, and compares what the client was
told with what REST answers afterwards.
"""

import asyncio
import itertools
import json

import ccxt.pro
import cryptocom.exchange as cro
import pytest
import websockets
from cryptocom.exchange.api import ApiAuthError, ApiProvider
from cryptocom.exchange.structs import Instrument

from desks import D, exact
from exercised import exercises
from server import Server
from venue_requests import crypto_com, crypto_com_auth

CCXT = "CCXT Pro `cryptocom`"
EXCHANGE = "cryptocom-exchange"
WITHIN = 20
NUMBERS = itertools.count(1)


def opened(server):
    """A new account with 1000 USD, 30 CRO and a position, and its key."""
    name = f"cdc-stream-{next(NUMBERS)}"
    server.apply(
        {"type": "open_account", "account": name, "venue": "crypto-com"},
        deposit(name, "USD", "1000"),
        deposit(name, "CRO", "30"),
        {
            "type": "fill",
            "account": name,
            "instrument": "BTCUSD-PERP",
            "side": "buy",
            "quantity": "0.002",
            "price": "59000",
            "fee": "0.5",
        },
    )
    return name, server.issue_key(name)


def deposit(name, asset, amount):
    return {"type": "deposit", "account": name, "asset": asset, "amount": amount}


def sockets(server):
    return server.url.replace("http://", "ws://") + "/exchange/v1/"


def same(pushed, served):
    """Checks that everything served was pushed, with the same numbers however they are padded."""
    for key, value in served.items():
        if isinstance(value, list):
            assert len(pushed[key]) == len(value), key
            for one, other in zip(pushed[key], value):
                same(one, other)
        elif isinstance(value, str) and value.replace(".", "").lstrip("-").isdigit():
            assert D(pushed[key]) == D(value), key
        else:
            assert pushed[key] == value, key


async def frames(socket, count):
    """So many frames of channels, heartbeats answered on the way."""
    found = []
    while len(found) < count:
        message = json.loads(await asyncio.wait_for(socket.recv(), WITHIN))
        if message["method"] == "public/heartbeat":
            await socket.send(json.dumps({"id": message["id"], "method": "public/respond-heartbeat"}))
        else:
            found.append(message)
    return found


@pytest.fixture(scope="module", params=["documented", "live"])
def profiled(request):
    """A server in each of the venue's profiles."""
    with Server("--rate-limits", "off", "--profile", f"crypto-com={request.param}") as server:
        server.apply(
            {
                "type": "prices",
                "venue": "crypto-com",
                "marks": {"BTCUSD-PERP": "60123.4"},
                "index": {"CRO": "0.05467"},
            }
        )
        yield server


# Plain frames


def test_pushed_figures_are_those_of_rest(profiled):
    name, key = opened(profiled)
    channels = ["user.balance", "user.account_risk", "user.position_balance", "user.positions"]

    async def listen():
        async with websockets.connect(sockets(profiled) + "user") as socket:
            await socket.send(json.dumps(crypto_com_auth(key, 11)))
            [welcome] = await frames(socket, 1)
            assert welcome == {"id": 11, "method": "public/auth", "code": 0}
            await socket.send(json.dumps({"id": 12, "method": "subscribe", "params": {"channels": channels}}))
            first = await frames(socket, len(channels))
            assert [frame["id"] for frame in first] == [12] * len(channels)
            profiled.apply(deposit(name, "USD", "0.25"))
            # A push of the regular kind may be on its way already: what follows it has the deposit.
            later = {}
            while len(later) < len(channels):
                [push] = await frames(socket, 1)
                assert push["id"] == -1
                if json.dumps(push).find("999.75") > 0 or push["result"]["channel"] == "user.positions":
                    later[push["result"]["channel"]] = push["result"]["data"]
            await socket.send(json.dumps({"id": 13, "method": "private/user-balance", "params": {}}))
            reply = {}
            while reply.get("id") != 13:
                [reply] = await frames(socket, 1)
            return later, reply

    pushed, reply = asyncio.run(listen())
    served = crypto_com(profiled, key).json["result"]["data"][0]
    assert reply["result"]["data"] == [served]
    positions = crypto_com(profiled, key, "private/get-positions").json["result"]["data"]
    served.pop("terminatable", None)
    same(pushed["user.balance"][0], served)
    risk = {key: value for key, value in served.items() if key != "position_balances"}
    same(pushed["user.account_risk"][0], risk | {"balances": served["position_balances"]})
    same({"rows": pushed["user.positions"]}, {"rows": positions})
    assert pushed["user.position_balance"][0]["positions"] == positions


def test_a_private_call_before_authentication_and_what_is_no_request(venue_server):
    async def ask():
        async with websockets.connect(sockets(venue_server) + "user") as socket:
            for text in ('{"id":1,"method":"private/user-balance"}', "no JSON"):
                await socket.send(text)
            return await frames(socket, 2)

    refused, unreadable = asyncio.run(ask())
    assert refused == {"id": 1, "method": "private/user-balance", "code": 40101, "message": "UNAUTHORIZED"}
    assert unreadable == {
        "id": -1,
        "method": "ERROR",
        "code": 40001,
        "message": "BAD_REQUEST",
        "original": "no JSON",
    }


# CCXT Pro


def client(server, key) -> ccxt.pro.cryptocom:
    exchange = ccxt.pro.cryptocom({"apiKey": key["api_key"], "secret": key["secret"]})
    exchange.urls["api"]["v1"] = server.url + "/exchange/v1"
    exchange.urls["api"]["base"] = server.url
    exchange.urls["api"]["ws"] = {
        "public": sockets(server) + "market",
        "private": sockets(server) + "user",
    }
    return exchange


@exercises(CCXT, "watch_balance()")
def test_ccxt_balance(venue_server):
    name, key = opened(venue_server)

    async def watch():
        exchange = client(venue_server, key)
        try:
            first = await asyncio.wait_for(exchange.watch_balance(), WITHIN)
            assert exact(first["USD"]["total"]) == D("999.5")
            assert exact(first["CRO"]["total"]) == 30
            venue_server.apply(
                deposit(name, "USD", "12.25"),
                {"type": "reserve", "account": name, "asset": "CRO", "amount": "12.5", "purpose": "reserved"},
            )
            while exact((balance := await exchange.watch_balance())["CRO"]["used"]) != D("12.5"):
                pass
            return balance
        finally:
            await exchange.close()

    balance = asyncio.run(asyncio.wait_for(watch(), WITHIN))
    assert exact(balance["USD"]["total"]) == D("1011.75")
    assert exact(balance["CRO"]["free"]) == D("17.5")
    assert balance["info"] == crypto_com(venue_server, key).json["result"]["data"]


@exercises(CCXT, "watch_positions()")
def test_ccxt_positions(venue_server):
    name, key = opened(venue_server)

    async def watch():
        exchange = client(venue_server, key)
        try:
            [held] = await asyncio.wait_for(exchange.watch_positions(), WITHIN)
            assert exact(held["contracts"]) == D("0.002")
            venue_server.apply(
                {
                    "type": "fill",
                    "account": name,
                    "instrument": "BTCUSD-PERP",
                    "side": "buy",
                    "quantity": "0.001",
                    "price": "60000",
                }
            )
            while exact((await exchange.watch_positions())[0]["contracts"]) != D("0.003"):
                pass
        finally:
            await exchange.close()

    asyncio.run(asyncio.wait_for(watch(), WITHIN))


@exercises(CCXT, "watch_ticker(symbol)", "un_watch_ticker(symbol)")
def test_ccxt_ticker(venue_server):
    _, key = opened(venue_server)
    prices = {"type": "prices", "venue": "crypto-com", "marks": {"XRPUSD-PERP": "2.1"}}

    async def watch():
        exchange = client(venue_server, key)
        try:
            venue_server.apply(prices)
            ticker = await asyncio.wait_for(exchange.watch_ticker("XRP/USD:USD"), WITHIN)
            assert exact(ticker["last"]) == D("2.1")
            venue_server.apply(prices | {"marks": {"XRPUSD-PERP": "2.2"}})
            ticker = await asyncio.wait_for(exchange.watch_ticker("XRP/USD:USD"), WITHIN)
            assert exact(ticker["last"]) == D("2.2")
            await asyncio.wait_for(exchange.un_watch_ticker("XRP/USD:USD"), WITHIN)
        finally:
            await exchange.close()

    asyncio.run(watch())


@exercises(CCXT, "errors")
def test_ccxt_refusals(venue_server):
    _, key = opened(venue_server)

    async def watch(key):
        exchange = client(venue_server, key)
        try:
            await asyncio.wait_for(exchange.watch_balance(), WITHIN)
        finally:
            await exchange.close()

    for changes in ({"secret": "wrong"}, {"api_key": "nobody"}):
        with pytest.raises(ccxt.AuthenticationError):
            asyncio.run(watch(key | changes))


# cryptocom-exchange


def account(server, key) -> cro.Account:
    api = ApiProvider(
        api_key=key["api_key"],
        api_secret=key["secret"],
        retries=0,
        root_url=server.url + "/exchange/v1/",
        ws_root_url=sockets(server),
    )
    return cro.Account(api=api)


@exercises(EXCHANGE, "Account.listen_balances()")
def test_cryptocom_exchange_balances(venue_server):
    name, key = opened(venue_server)

    async def listen():
        told = []
        async for balance in account(venue_server, key).listen_balances():
            told.append(balance)
            if len(told) == 1:
                venue_server.apply(deposit(name, "USD", "12.25"))
            if exact(balance[Instrument("USD")].total) == D("1011.75"):
                return told
        return told

    told = asyncio.run(asyncio.wait_for(listen(), WITHIN))
    assert exact(told[0][Instrument("USD")].total) == D("999.5")
    served = crypto_com(venue_server, key).json["result"]["data"][0]
    assert exact(told[-1].total_available) == D(served["total_available_balance"])
    rows = {row["instrument_name"]: row for row in served["position_balances"]}
    for row in told[-1].instruments:
        assert exact(row.market_value) == D(rows[row.exchange_name]["market_value"])
        assert exact(row.collateral_amount) == D(rows[row.exchange_name]["collateral_amount"])


@exercises(EXCHANGE, "errors")
def test_cryptocom_exchange_refusals(venue_server):
    _, key = opened(venue_server)

    async def listen():
        async for _ in account(venue_server, key | {"secret": "wrong"}).listen_balances():
            pass

    with pytest.raises(ApiAuthError):
        asyncio.run(asyncio.wait_for(listen(), WITHIN))
