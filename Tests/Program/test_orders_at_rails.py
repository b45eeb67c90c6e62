"""Orders at Rails: what the socket tells of orders that are refused."""

import asyncio
import json

import pytest
import websockets

from server import Server
from venue_requests import rails_token, rails_with_token

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


def test_a_change_takes_no_id_of_another_open_order(server):
    """Nor does it make a post-only order match: that is refused, and the order stays as it was."""
    server.apply(
        {"type": "open_account", "account": "changes", "venue": "rails"},
        {"type": "deposit", "account": "changes", "asset": "USD", "amount": "10000"},
    )
    key = server.issue_key("changes", permissions=["read", "trade"])
    token = rails_token(server, key).json["access_token"]
    ids = [f"0d5e6b1c-6a34-4b89-9d34-6d7a0e6f2b1{number}" for number in (1, 2)]
    order = {"market": "BTC-USD", "orderType": "buy", "tradeType": "limit"}
    order |= {"price": "59000", "quantity": "0.01"}

    async def ask():
        address = server.url.replace("http", "ws") + "/api/v1/ws?market=ALL"
        async with websockets.connect(address, subprotocols=[f"authorization#{token}"]) as socket:

            async def send(message, count, **content):
                await socket.send(json.dumps({"message": message, "content": content}))
                return [json.loads(await asyncio.wait_for(socket.recv(), WITHIN)) for _ in range(count)]

            for one in ids:
                placed = (await send("createOrder", 2, clientRequestId=one, postOnly=True, **order))[1]
            change = {"market": "BTC-USD", "orderId": placed["data"]["order"]["orderId"]}
            taken = await send("modifyOrder", 1, **change, clientRequestId=ids[0], price="58000")
            matching = await send("modifyOrder", 1, **change, price="60100")
            return [frame["data"] for frame in taken + matching]

    taken, matching = asyncio.run(ask())
    assert (taken["statusCode"], taken["body"]) == (400, "clientRequestId is in use")
    words = "Post-only order rejected as it would have matched immediately"
    assert (matching["statusCode"], matching["body"]) == (400, words)
    rows = rails_with_token(server, token, path="/api/v1/open-orders").json["openOrders"]
    assert sorted((row["clientRequestId"], row["price"]) for row in rows) == [(one, "59000") for one in ids]
