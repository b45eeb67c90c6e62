"""OKX's WebSockets with the frames of its documentation and with CCXT Pro, unmodified.

Each test opens an account of its own, changes it once the client listens, and compares what the client was
told with what REST answers at the same place of the ledger.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import itertools
import json
import time

import ccxt
import ccxt.pro
import pytest
import websockets

from desks import D, exact
from exercised import exercises

CCXT = "CCXT Pro `okx`"
WITHIN = 20
NUMBERS = itertools.count(1)
STANDING = ("--rate-limits", "off", "--ledger-time", "2026-06-01T00:00:00Z")


def opened(server, **settings):
    """A new account with 10000 USDT, half a bitcoin and a swap, and its key."""
    name = f"okx-stream-{next(NUMBERS)}"
    server.apply(
        {"type": "open_account", "account": name, "venue": "okx", "settings": settings},
        {
            "type": "prices",
            "venue": "okx",
            "marks": {"BTC-USDT-SWAP": "60000"},
            "index": {"BTC": "60010", "USDT": "1.0001", "ETH": "3000"},
        },
        {"type": "deposit", "account": name, "asset": "USDT", "amount": "10000"},
        {"type": "deposit", "account": name, "asset": "BTC", "amount": "0.5"},
        trade(name, "buy", "5"),
    )
    return name, server.issue_key(name)


def trade(name, side, quantity):
    """A fill of the swap at 59000 that pays a fee of 1.5 USDT."""
    return {
        "type": "fill",
        "account": name,
        "instrument": "BTC-USDT-SWAP",
        "side": side,
        "quantity": quantity,
        "price": "59000",
        "fee": "1.5",
    }


def sockets(server):
    return server.url.replace("http://", "ws://") + "/ws/v5"


def login(key, **changes):
    """The login of the documentation, signed now."""
    timestamp = str(int(time.time()))
    text = (timestamp + "GET/users/self/verify").encode()
    sign = base64.b64encode(hmac.new(key["secret"].encode(), text, hashlib.sha256).digest()).decode()
    argument = {
        "apiKey": key["api_key"],
        "passphrase": key["passphrase"],
        "timestamp": timestamp,
        "sign": sign,
    }
    return {"op": "login", "args": [argument | changes]}


class Socket:
    """A connection that speaks JSON."""

    def __init__(self, connection):
        self.connection = connection

    async def send(self, message):
        await self.connection.send(json.dumps(message))

    async def take(self):
        return json.loads(await asyncio.wait_for(self.connection.recv(), WITHIN))

    async def ask(self, message):
        await self.send(message)
        return await self.take()

    async def subscribe(self, **argument):
        """Subscribes and takes the acknowledgements; the first push."""
        acknowledged = await self.ask({"id": "1512", "op": "subscribe", "args": [argument]})
        assert (acknowledged["id"], acknowledged["event"]) == ("1512", "subscribe"), acknowledged
        assert acknowledged["arg"] == {name: argument[name] for name in argument if name != "extraParams"}
        message = await self.take()
        if message.get("event") == "channel-conn-count":
            assert message["connId"] == acknowledged["connId"]
            message = await self.take()
        return message


@contextlib.asynccontextmanager
async def connected(server, key=None, path="private"):
    async with websockets.connect(f"{sockets(server)}/{path}") as connection:
        socket = Socket(connection)
        if key:
            answer = await socket.ask(login(key))
            assert (answer["event"], answer["code"]) == ("login", "0"), answer
        yield socket


def account_of_rest(server, name):
    """The balance in the form of a push: without what a push has beyond it."""
    [account] = json.loads(server.statement(name))["data"]
    for row in account["details"]:
        row["maxSpotInUseAmt"] = row.pop("maxSpotInUse")
    return account


def without_prices(account):
    pushed = ("autoLendAmt", "autoStakingStatus", "coinUsdPrice")
    rows = [{key: row[key] for key in row if key not in pushed} for row in account["details"]]
    return account | {"details": rows}


# Plain frames


@pytest.mark.parametrize("mode", ["spot", "futures", "multi", "portfolio"])
def test_pushed_figures_are_those_of_rest(start, mode):
    """Snapshots and updates at every step, field by field, at the same sequence of the ledger."""
    server = start(*STANDING)
    name = f"desk-{mode}"
    deposits = [
        {"type": "deposit", "account": name, "asset": asset, "amount": amount}
        for asset, amount in (("USDT", "10000.123456789"), ("BTC", "0.5"), ("ETH", "3"))
    ]
    server.apply(
        {"type": "open_account", "account": name, "venue": "okx", "settings": {"mode": mode}},
        {
            "type": "prices",
            "venue": "okx",
            "marks": {"BTC-USDT-SWAP": "60000"},
            "index": {"BTC": "60010", "USDT": "1.0001", "ETH": "3000"},
        },
        *deposits,
    )
    steps = [{"type": "withdraw", "account": name, "asset": "ETH", "amount": "1.1"}]
    if mode != "spot":
        steps += [trade(name, "buy", "3"), trade(name, "sell", "4"), trade(name, "buy", "1")]

    async def listen():
        async with connected(server, server.issue_key(name)) as socket:
            push = await socket.subscribe(channel="account")
            assert (push["eventType"], push["curPage"], push["lastPage"]) == ("snapshot", 1, True)
            [account] = push["data"]
            assert without_prices(account) == account_of_rest(server, name)
            prices = {row["ccy"]: row["coinUsdPrice"] for row in account["details"]}
            assert prices == {"BTC": "60010", "USDT": "1.0001", "ETH": "3000"}
            for step in steps:
                server.apply(step)
                push = await socket.take()
                while push["eventType"] == "snapshot":
                    push = await socket.take()
                assert set(push) == {"arg", "eventType", "data"}
                [account] = push["data"]
                expected = account_of_rest(server, name)
                changed = {"withdraw": {"ETH"}, "fill": {"USDT"}}[step["type"]]
                expected["details"] = [row for row in expected["details"] if row["ccy"] in changed]
                assert without_prices(account) == expected

    asyncio.run(listen())


def test_positions_are_those_of_rest(start):
    """An update for an opened, a changed and a closed position, which then is in no snapshot."""
    server = start(*STANDING)
    name, key = opened(server)

    async def listen():
        async with connected(server, key) as socket:
            arguments = {"instType": "ANY", "extraParams": json.dumps({"updateInterval": "2000"})}
            push = await socket.subscribe(channel="positions", **arguments)
            assert (push["arg"]["instType"], push["eventType"]) == ("ANY", "snapshot")
            assert [row["pos"] for row in push["data"]] == ["5"]
            server.apply(trade(name, "buy", "2"))
            update = await socket.take()
            [row] = update["data"]
            account = json.loads(server.statement(name))["data"][0]
            held = server.account(name)["positions"][0]
            assert (update["eventType"], row["pos"], row["pTime"]) == (
                "event_update",
                held["quantity"],
                account["uTime"],
            )
            assert row["mgnRatio"] == account["mgnRatio"]
            server.apply(trade(name, "sell", "7"))
            closed = await socket.take()
            while closed["eventType"] == "snapshot":
                closed = await socket.take()
            [gone] = closed["data"]
            assert (gone["pos"], gone["posId"], gone["avgPx"]) == ("0", row["posId"], "")
            assert (await socket.take())["data"] == []

    asyncio.run(listen())


def test_every_change_of_money_is_told_once(venue_server):
    """balance_and_position: a trade, a withdrawal and a funding payment, in their order."""
    name, key = opened(venue_server)

    async def listen():
        async with connected(venue_server, key) as socket:
            [data] = (await socket.subscribe(channel="balance_and_position"))["data"]
            assert data["eventType"] == "snapshot"
            cash = {row["ccy"]: D(row["cashBal"]) for row in data["balData"]}
            assert cash == {"USDT": D("9998.5"), "BTC": D("0.5")}
            assert [row["pos"] for row in data["posData"]] == ["5"]
            venue_server.apply(
                trade(name, "buy", "1"),
                {"type": "withdraw", "account": name, "asset": "BTC", "amount": "0.1"},
                {
                    "type": "funding",
                    "account": name,
                    "instrument": "BTC-USDT-SWAP",
                    "amount": "-2",
                },
            )
            seen = []
            for _ in range(3):
                [data] = (await socket.take())["data"]
                seen.append((data["eventType"], [(row["ccy"], row["cashBal"]) for row in data["balData"]]))
            assert seen == [
                ("filled", [("USDT", "9997")]),
                ("transferred", [("BTC", "0.4")]),
                ("funding_fee", [("USDT", "9995")]),
            ]

    asyncio.run(listen())


def test_ping_refusals_and_unsubscribing(venue_server):
    name, key = opened(venue_server)

    async def play():
        async with connected(venue_server) as socket:
            await socket.connection.send("ping")
            assert await asyncio.wait_for(socket.connection.recv(), WITHIN) == "pong"
            refused = await socket.ask({"op": "subscribe", "args": [{"channel": "account"}]})
            assert (refused["event"], refused["code"]) == ("error", "60011")
            text = '{"op": "subscribe", "argss":[{ "channel" : "account", "ccy" : "BTC"}]}'
            await socket.connection.send(text)
            refused = await socket.take()
            assert (refused["code"], refused["msg"]) == ("60012", "Invalid request: " + text)
            await socket.send(login(key, timestamp=int(time.time())))
            assert (await socket.take())["event"] == "login"
            await socket.subscribe(channel="account", ccy="BTC")
            ended = await socket.ask({"op": "unsubscribe", "args": [{"channel": "account", "ccy": "BTC"}]})
            assert ended["event"] == "unsubscribe"
            venue_server.apply({"type": "deposit", "account": name, "asset": "BTC", "amount": "1"})
            assert (await socket.ask({"op": "nothing", "args": [{}]}))["code"] == "60019"

    asyncio.run(play())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sign": "AAAA"}, "60007"),
        ({"passphrase": "another"}, "60024"),
        ({"timestamp": "1538054050"}, "60006"),
        ({"apiKey": "00000000-0000-4000-8000-000000000000"}, "60032"),
    ],
)
def test_a_failed_login_ends_the_connection(venue_server, changes, code):
    _, key = opened(venue_server)

    async def play():
        async with connected(venue_server) as socket:
            assert (await socket.ask(login(key, **changes)))["code"] == code
            with pytest.raises(websockets.ConnectionClosedError) as closed:
                await socket.take()
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "Login Failed")

    asyncio.run(play())


def test_a_revoked_key_ends_the_connection(venue_server):
    name, key = opened(venue_server)

    async def play():
        async with connected(venue_server, key) as socket:
            await socket.subscribe(channel="account")
            revoked = venue_server.admin("DELETE", f"/accounts/{name}/keys/{key['api_key']}")
            assert revoked.status == 204, revoked.body
            with pytest.raises(websockets.ConnectionClosedError) as closed:
                while True:
                    await socket.take()
            assert closed.value.rcvd.code == 4007

    asyncio.run(play())


def test_a_message_beyond_64_kilobytes(venue_server):
    async def play():
        async with connected(venue_server, path="public") as socket:
            await socket.connection.send("x" * 65537)
            with pytest.raises(websockets.ConnectionClosedError) as closed:
                await socket.take()
            assert closed.value.rcvd.code == 1009

    asyncio.run(play())


def test_connections_per_second_and_per_channel(start):
    """The fourth handshake of a second fails; a place is free again when its connection is gone."""
    server = start()
    _, key = opened(server)

    async def play():
        address = f"{sockets(server)}/public"
        opened_at_once = [websockets.connect(address) for _ in range(12)]
        answers = await asyncio.gather(*opened_at_once, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, websockets.InvalidStatus)]
        assert refused and {answer.response.status_code for answer in refused} == {429}
        assert json.loads(refused[0].response.body) == {"msg": "Too Many Requests", "code": "50011"}
        for answer in answers:
            if answer not in refused:
                await answer.close()
        await asyncio.sleep(1)

        async def count(socket):
            await socket.ask({"op": "subscribe", "args": [{"channel": "account"}]})
            found = (await socket.take())["connCount"]
            await socket.take()
            return found

        async with connected(server, key) as first:
            async with connected(server, key) as second:
                assert (await count(first), await count(second)) == ("1", "2")
            ended = time.monotonic() + WITHIN
            while await count(first) != "1" and time.monotonic() < ended:
                await first.ask({"op": "unsubscribe", "args": [{"channel": "account"}]})
            assert time.monotonic() < ended

    asyncio.run(play())


def test_public_channels(venue_server):
    async def play():
        async with connected(venue_server, path="public") as socket:
            mark = await socket.subscribe(channel="mark-price", instId="SOL-USDT-SWAP")
            assert mark["arg"] == {"channel": "mark-price", "instId": "SOL-USDT-SWAP"}
            marks = {"SOL-USDT-SWAP": "123.45"}
            venue_server.apply({"type": "prices", "venue": "okx", "marks": marks, "index": {}})
            while mark["data"][0]["markPx"] != "123.45":
                mark = await socket.take()
            instruments = await socket.subscribe(channel="instruments", instType="SWAP")
            served = venue_server.request("GET", "/api/v5/public/instruments?instType=SWAP").json
            assert instruments["data"] == served["data"]
            refused = await socket.ask({"op": "subscribe", "args": [{"channel": "books", "instId": "X"}]})
            assert refused["code"] == "60018"

    asyncio.run(play())


# CCXT Pro


def watched(server, key, play):
    """Runs `play` with a CCXT Pro client of which nothing but the addresses is changed."""

    async def run():
        exchange = ccxt.pro.okx(
            {"apiKey": key["api_key"], "secret": key["secret"], "password": key["passphrase"]}
        )
        exchange.urls["api"]["rest"] = server.url
        exchange.urls["api"]["ws"] = sockets(server)
        try:
            return await asyncio.wait_for(play(exchange), 3 * WITHIN)
        finally:
            await exchange.close()

    return asyncio.run(run())


@exercises(CCXT, "watch_balance()")
def test_ccxt_watches_the_balance(venue_server):
    name, key = opened(venue_server)

    async def play(exchange):
        first = await exchange.watch_balance()
        assert exact(first["USDT"]["total"]) == D("9998.5") + D(50)
        assert exact(first["BTC"]["free"]) == D("0.5")
        venue_server.apply({"type": "withdraw", "account": name, "asset": "BTC", "amount": "0.1"})
        balance = first
        while exact(balance["BTC"]["total"]) != D("0.4"):
            balance = await exchange.watch_balance()
        fetched = await exchange.fetch_balance()
        for currency in ("BTC", "USDT"):
            assert balance[currency] == fetched[currency]

    watched(venue_server, key, play)


@exercises(CCXT, "watch_positions()", "watch_positions(symbols)")
def test_ccxt_watches_positions(venue_server):
    """Opened, grown and closed; all of them, and those of one symbol."""
    name, key = opened(venue_server)

    async def play(exchange):
        [position] = await exchange.watch_positions()
        assert (position["symbol"], exact(position["contracts"])) == ("BTC/USDT:USDT", D(5))
        venue_server.apply(trade(name, "buy", "2"))
        while exact(position["contracts"]) != 7:
            [position] = await exchange.watch_positions()
        [fetched] = await exchange.fetch_positions()
        for field in ("id", "side", "entryPrice", "unrealizedPnl", "notional", "liquidationPrice"):
            assert position[field] == fetched[field], field
        [one] = await exchange.watch_positions(["BTC/USDT:USDT"])
        assert exact(one["contracts"]) == 7
        venue_server.apply(trade(name, "sell", "7"))
        told = [one]
        while any(exact(row["contracts"]) != 0 for row in told) or not told:
            told = await exchange.watch_positions(["BTC/USDT:USDT"])

    watched(venue_server, key, play)


@exercises(CCXT, "watch_mark_price(symbol)", "watch_ticker(symbol)")
def test_ccxt_watches_prices(venue_server):
    _, key = opened(venue_server)

    async def play(exchange):
        assert exact((await exchange.watch_mark_price("BTC/USDT:USDT"))["markPrice"]) == 60000
        assert exact((await exchange.watch_ticker("BTC/USDT:USDT"))["last"]) == 60000

    watched(venue_server, key, play)


@exercises(CCXT, "errors")
def test_a_failed_login_is_the_clients_own_exception(venue_server):
    _, key = opened(venue_server)
    for changes in ({"secret": "wrong"}, {"passphrase": "wrong"}):
        with pytest.raises(ccxt.AuthenticationError):
            watched(venue_server, key | changes, lambda exchange: exchange.watch_balance())
