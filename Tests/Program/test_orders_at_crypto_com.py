"""Orders at Crypto.com: orders that are moved so that they do not take."""

import itertools

import pytest

from server import Server
from venue_requests import crypto_com_call

NOW = "2026-11-20T00:00:00Z"
names = (f"account-{number}" for number in itertools.count(1))


@pytest.fixture(scope="module")
def server():
    with Server("--ledger-time", NOW, "--rate-limits", "off") as server:
        server.apply(
            {"type": "prices", "venue": "crypto-com", "marks": {"BTCUSD-PERP": "60000"}},
            {
                "type": "quotes",
                "venue": "crypto-com",
                "quotes": {"BTCUSD-PERP": {"bid": "59990.0", "ask": "60000.0", "last": "60000.0"}},
            },
        )
        yield server


@pytest.fixture
def call(server):
    name = next(names)
    server.apply(
        {"type": "open_account", "account": name, "venue": "crypto-com"},
        {"type": "deposit", "account": name, "asset": "USD", "amount": "10000"},
    )
    key = server.issue_key(name, permissions=["read", "trade"])
    return lambda method, **params: crypto_com_call(server, key, f"private/{method}", params).json


@pytest.mark.parametrize(
    "side, asked, price",
    [
        ("BUY", "60001.0", "59999.9"),
        ("BUY", "60000.0", "59999.9"),
        ("BUY", "59995.50", "59995.50"),
        ("SELL", "59980.0", "59990.1"),
        ("SELL", "59990.1", "59990.1"),
    ],
)
def test_smart_post_only_rests_where_post_only_is_refused(call, side, asked, price):
    order = {
        "instrument_name": "BTCUSD-PERP",
        "side": side,
        "type": "LIMIT",
        "price": asked,
        "quantity": "0.01",
    }
    placed = call("create-order", **order, exec_inst=["SMART_POST_ONLY"])
    assert placed["code"] == 0, placed
    row = call("get-order-detail", order_id=placed["result"]["order_id"])["result"]
    assert (row["status"], row["limit_price"], row["exec_inst"]) == ("ACTIVE", price, ["SMART_POST_ONLY"])
    plain = call("create-order", **order, exec_inst=["POST_ONLY"])
    assert plain["code"] == (0 if asked == price else 43005)
    # Where it could not rest at all it is refused all the same.
    hasty = call("create-order", **order, exec_inst=["SMART_POST_ONLY"], time_in_force="IMMEDIATE_OR_CANCEL")
    assert hasty["code"] == 43005


@pytest.mark.parametrize(
    "query, answer",
    [
        ("get-insurance?instrument_name=USD", {"data": [], "instrument_name": "USD"}),
        ("get-expired-settlement-price?instrument_type=FUTURE&page=1", {"data": []}),
        ("get-insurance", "Missing instrument_name param"),
        ("get-insurance?instrument_name=X", "Invalid instrument_name"),
        ("get-expired-settlement-price", "Missing instrument_type param"),
        ("get-expired-settlement-price?instrument_type=SPOT", "Invalid instrument_type"),
    ],
)
def test_what_the_venue_lists_and_is_not_kept_here(server, query, answer):
    reply = server.request("GET", f"/exchange/v1/public/{query}")
    if isinstance(answer, str):
        assert (reply.status, reply.json["code"], reply.json["message"]) == (400, 40004, answer)
    else:
        assert (reply.status, reply.json["code"], reply.json["result"]) == (200, 0, answer)
