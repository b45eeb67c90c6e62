"""Orders at Rails: what the socket tells of orders that are refused."""

import asyncio
import json

import pytest
import websockets

from server import Server
from venue_requests import rails_token

NOW = "2026-11-20T00:00:00Z"
WITHIN = 20


@pytest.fixture(scope="module")
def server():
    with Server("--ledger-time", NOW, "--rate-limits", "off") as server:
        server.apply(
            {"type": "open_account", "account": "desk", "venue": "rails", "settings": {"leverage": "5"}},
            {"type": "deposit", "account": "desk", "asset": "USD", "amount": "1000"},
            {"type": "prices", "venue": "rails", "marks": {"BTC-USD": "60000"}},
        )
        yield server


@pytest.mark.parametrize(
    "members, words",
    [
        ({"quantity": "5"}, "insufficient margin"),
        ({"quantity": "0.01", "reduceOnly": True}, "reduce-only order would not reduce a position"),
    ],
)
def test_an_order_that_is_refused_is_told_whole(server, members, words):
    key = server.issue_key("desk", permissions=["read", "trade"])
    token = rails_token(server, key).json["access_token"]
    request = {
        "clientRequestId": "0d5e6b1c-6a34-4b89-9d34-6d7a0e6f2b11",
        "market": "BTC-USD",
        "price": "59000",
        "orderType": "buy",
        "tradeType": "limit",
    } | members

    async def ask():
        address = server.url.replace("http", "ws") + "/api/v1/ws?market=ALL"
        async with websockets.connect(address, subprotocols=[f"authorization#{token}"]) as socket:
            await socket.send(json.dumps({"message": "createOrder", "content": request}))
            return json.loads(await asyncio.wait_for(socket.recv(), WITHIN))

    before = server.account("desk")
    frame = asyncio.run(ask())
    assert (frame["resultType"], frame["market"]) == ("rejectOrder", "BTC-USD")
    data = frame["data"]
    assert (data["statusCode"], data["body"]) == (400, words)
    assert data["clientRequestId"] == request["clientRequestId"]
    assert list(data["order"]) == [
        "userId",
        "orderId",
        "market",
        "orderType",
        "tradeType",
        "orderStatus",
        "price",
        "quantity",
        "leverage",
        "updatedAt",
        "createdAt",
    ]
    assert len(data["order"]["orderId"]) == 26
    told = {name: data["order"][name] for name in ("market", "orderStatus", "price", "quantity", "leverage")}
    assert told == {
        "market": "BTC-USD",
        "orderStatus": "pending",
        "price": "59000",
        "quantity": members["quantity"],
        "leverage": "5",
    }
    assert server.account("desk") == before
