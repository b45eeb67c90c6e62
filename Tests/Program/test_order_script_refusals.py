"""Scripts that refuse an order: what each venue answers is what docs/order-scripts.md says."""

import asyncio
import itertools
import json
import pathlib
import re

import pytest
import websockets

from server import Server
from venue_requests import binance_call, crypto_com_call, okx_call, rails_token

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "order-scripts.md"
VENUES = ("binance", "okx", "crypto-com", "rails")
MARKS = {
    "binance": ("BTCUSDT", "USDT"),
    "okx": ("BTC-USDT-SWAP", "USDT"),
    "crypto-com": ("BTCUSD-PERP", "USD"),
    "rails": ("BTC-USD", "USD"),
}
names = (f"account-{number}" for number in itertools.count(1))


def rows() -> list[tuple[str, str, str]]:
    """What the page says: code, venue, answer."""
    table = PAGE.read_text().split("<!-- refusals")[1].split("\n\n")[0]
    found = [re.findall(r"[^|]+", line) for line in table.splitlines()[3:]]
    return [
        (row[0].strip(" `"), venue, row[place + 1].strip())
        for row in found
        for place, venue in enumerate(VENUES)
    ]


@pytest.fixture(scope="module")
def server():
    with Server("--rate-limits", "off") as server:
        for venue, (instrument, _) in MARKS.items():
            server.apply({"type": "prices", "venue": venue, "marks": {instrument: "60000"}})
        yield server


def binance(server, key):
    query = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=59000&quantity=0.01"
    return str(binance_call(server, key, "POST", "/fapi/v1/order", query).json["code"]).replace("-", "−")


def okx(server, key):
    order = {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "buy", "ordType": "limit"}
    body = json.dumps(order | {"px": "59000", "sz": "1"})
    return okx_call(server, key, "POST", "/api/v5/trade/order", body).json["data"][0]["sCode"]


def crypto_com(server, key):
    order = {"instrument_name": "BTCUSD-PERP", "side": "BUY", "type": "LIMIT", "price": "59000"}
    answer = crypto_com_call(server, key, "private/create-order", order | {"quantity": "0.01"}).json
    return f"{answer['code']}{'*' if 'order_id' in answer.get('result', {}) else ''}"


def rails(server, key):
    token = rails_token(server, key).json["access_token"]
    order = {"market": "BTC-USD", "price": "59000", "quantity": "0.01"}
    order |= {"orderType": "buy", "tradeType": "limit"}

    async def ask():
        address = server.url.replace("http", "ws") + "/api/v1/ws?market=ALL"
        async with websockets.connect(address, subprotocols=[f"authorization#{token}"]) as socket:
            await socket.send(json.dumps({"message": "createOrder", "content": order}))
            return json.loads(await asyncio.wait_for(socket.recv(), 20))

    frame = asyncio.run(ask())
    assert (frame["resultType"], frame["data"]["statusCode"]) == ("rejectOrder", 400)
    return frame["data"]["body"]


@pytest.mark.parametrize("code, venue, answer", rows())
def test_a_refused_order_is_answered_as_the_page_says(server, code, venue, answer):
    name = next(names)
    server.apply(
        {"type": "open_account", "account": name, "venue": venue},
        {"type": "deposit", "account": name, "asset": MARKS[venue][1], "amount": "10000"},
    )
    passphrase = {"passphrase": "phrase"} if venue == "okx" else {}
    key = server.issue_key(name, permissions=["read", "trade"], **passphrase)
    script = {"account": name, "steps": [{"do": "reject", "code": code}]}
    assert server.admin("PUT", "/order-scripts", script).status == 200
    place = {"binance": binance, "okx": okx, "crypto-com": crypto_com, "rails": rails}[venue]
    assert place(server, key) == answer
    assert server.account(name)["orders"] == []


def test_the_page_has_every_code(server):
    described = PAGE.read_text().split("| `reject` |")[1].splitlines()[0]
    codes = re.findall(r"`([a-z_]+)`", described.split("(")[1].split(")")[0])
    assert [code for code, venue, _ in rows() if venue == "binance"] == codes
