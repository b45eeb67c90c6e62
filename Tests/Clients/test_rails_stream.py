"""The User Account stream of Rails: the documents' frames over a plain client, as no public one speaks it."""

import asyncio
import json

import pytest
import websockets
from websockets.exceptions import InvalidStatus

from server import Server
from venue_requests import rails, rails_token

WITHIN = 20


def opened(server, name):
    """A new account with money, two positions and an order, and its key."""
    trades = [("BTC-USD", "buy", "0.01", "60000"), ("ETH-USD", "sell", "0.1", "3000")]
    server.apply(
        {"type": "open_account", "account": name, "venue": "rails"},
        {"type": "deposit", "account": name, "asset": "USD", "amount": "5000"},
        *[
            {
                "type": "fill",
                "account": name,
                "instrument": market,
                "side": side,
                "quantity": quantity,
                "price": price,
                "fee": "0.6",
            }
            for market, side, quantity, price in trades
        ],
    )
    return server.issue_key(name)


def connect(server, token):
    address = server.url.replace("http://", "ws://") + "/api/v1/ws"
    return websockets.connect(address, subprotocols=[f"authorization#{token}"])


@pytest.mark.parametrize("profile", ["documented", "live"])
def test_balances_are_those_of_rest(profile):
    with Server("--profile", f"rails={profile}") as server:
        key = opened(server, "rails-stream")
        token = rails_token(server, key).json["access_token"]

        async def ask(*messages):
            async with connect(server, token) as socket:
                assert socket.subprotocol == f"authorization#{token}"
                answers = []
                for message in messages:
                    await socket.send(json.dumps(message))
                    answers.append(json.loads(await asyncio.wait_for(socket.recv(), WITHIN)))
                return answers

        def served(query=""):
            body = rails(server, key, query).json
            return body["balances"] if profile == "live" else body

        every, one, ping, unknown = asyncio.run(
            ask(
                {"message": "balances", "content": {}},
                {"message": "balances", "content": {"market": "ETH-USD"}},
                {"message": "ping"},
                {"message": "balances", "content": {"market": "NOPE-USD"}},
            )
        )
        assert every == {"resultType": "balances", "data": {"statusCode": 200, "balances": served()}}
        assert list(one["data"]["balances"]["marketBalancesMap"]) == ["ETH-USD"]
        assert one["data"]["balances"] == served("?market=ETH-USD")
        assert ping["data"]["statusCode"] == 200
        assert unknown == {
            "resultType": "balances",
            "data": {"statusCode": 400, "message": "Unknown market: NOPE-USD"},
        }


def test_refused_handshakes_and_the_limit_of_open_streams():
    with Server() as server:
        key = opened(server, "rails-stream")
        token = rails_token(server, key).json["access_token"]

        async def status(token) -> int:
            with pytest.raises(InvalidStatus) as refused:
                async with connect(server, token):
                    pass
            return refused.value.response.status_code

        async def fill():
            assert await status("no.good.token") == 401
            sockets = [await connect(server, token) for _ in range(5)]
            assert await status(token) == 403
            await sockets.pop().close()
            while True:
                # The place is free once the server has seen the end.
                try:
                    sockets.append(await connect(server, token))
                    break
                except InvalidStatus:
                    await asyncio.sleep(0.2)
            for socket in sockets:
                await socket.close()

        asyncio.run(asyncio.wait_for(fill(), WITHIN))
