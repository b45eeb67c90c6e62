"""Orders at Crypto.com: orders that are moved so that they do not take, that are cut to their position, and
positions that they close."""

import itertools
import json

import pytest

from frames import TEXT, Stream, frame
from server import Server
from venue_requests import crypto_com_auth, crypto_com_call

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


@pytest.mark.parametrize("more", [{"type": "MARKET"}, {"type": "LIMIT", "price": "59990"}])
def test_an_order_that_is_cut_to_its_position_shows_what_it_is_of(call, more):
    """Otherwise a client that sees it FILLED finds a rest that was never filled."""
    usual = {"instrument_name": "BTCUSD-PERP", "quantity": "0.0500", "type": "MARKET"}
    assert call("create-order", **usual, side="BUY")["code"] == 0
    whole = call("get-order-history")["result"]["data"][0]
    assert whole["quantity"] == "0.0500"
    order = usual | {"side": "SELL", "quantity": "0.0700", "exec_inst": ["REDUCE_ONLY"]} | more
    placed = call("create-order", **order)
    row = call("get-order-detail", order_id=placed["result"]["order_id"])["result"]
    assert (row["status"], row["quantity"], row["cumulative_quantity"]) == ("FILLED", "0.05", "0.05")


@pytest.mark.parametrize("words", [{}, {"exec_inst": ["ISOLATED_MARGIN"]}])
def test_a_closed_position_is_told_once_more_on_its_channel(server, words):
    name = next(names)
    server.apply(
        {"type": "open_account", "account": name, "venue": "crypto-com"},
        {"type": "deposit", "account": name, "asset": "USD", "amount": "10000"},
        {"type": "prices", "venue": "crypto-com", "marks": {"ETHUSD-PERP": "3000"}},
    )
    key = server.issue_key(name, permissions=["read", "trade"])

    def call(method, **params):
        answer = crypto_com_call(server, key, f"private/{method}", params).json
        assert answer["code"] == 0, answer
        return answer["result"]

    def rows(wanted):
        """The rows of the first push that has as many, isolation and figures left out."""
        while True:
            result = json.loads(stream.read().payload).get("result")
            if result and len(result["data"]) == wanted:
                return {row["instrument_name"]: row["quantity"] for row in result["data"]}, result["data"]

    stream = Stream(server.port, "/exchange/v1/user")
    stream.send(frame(TEXT, json.dumps(crypto_com_auth(key, 1))))
    subscription = {"id": 2, "method": "subscribe", "params": {"channels": ["user.positions"]}}
    stream.send(frame(TEXT, json.dumps(subscription)))
    order = {"type": "MARKET", "quantity": "0.01"}
    call("create-order", **order, instrument_name="ETHUSD-PERP", side="SELL")
    call("create-order", **order, instrument_name="BTCUSD-PERP", side="BUY", **words)
    rows(2)
    closing = {"instrument_name": "BTCUSD-PERP", "type": "MARKET"}
    position = [row for row in call("get-positions")["data"] if row["instrument_name"] == "BTCUSD-PERP"][0]
    if words:
        closing["isolation_id"] = position["isolation_id"]
    call("close-position", **closing)
    while True:
        quantities, told = rows(2)
        if quantities["BTCUSD-PERP"] == "0":
            break
    closed = [row for row in told if row["instrument_name"] == "BTCUSD-PERP"][0]
    assert set(position) < set(closed) and closed["type"] == "PERPETUAL_SWAP"
    for member in ("cost", "open_position_pnl", "open_pos_cost", "session_pnl", "market_value"):
        assert closed[member] == "0", member
    # The next one has what is there alone.
    assert rows(1)[0] == {"ETHUSD-PERP": "-0.01"}


def isolated(call, **params):
    order = {"instrument_name": "BTCUSD-PERP", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    return call("create-order", **order | {"exec_inst": ["ISOLATED_MARGIN"], "leverage": 10} | params)


@pytest.mark.parametrize(
    "params, code",
    [
        ({"quantity": "5"}, 306),
        ({"type": "LIMIT", "price": "1000.0"}, 315),
        ({"isolated_margin_amount": "20000"}, 306),
        ({"isolated_margin_amount": "much"}, 40004),
        ({"leverage": 1000}, 40004),
    ],
)
def test_a_refused_isolated_order_leaves_the_leverage(server, call, params, code):
    assert isolated(call, **params)["code"] == code
    state = server.account(server.admin("GET", "/accounts").json["accounts"][-1]["account"])
    assert (state["leverages"], state["positions"], state["orders"]) == ([], [], [])


def test_an_isolated_order_brings_the_margin_that_it_names(server, call):
    assert isolated(call, isolated_margin_amount="100")["code"] == 0
    state = server.account(server.admin("GET", "/accounts").json["accounts"][-1]["account"])
    assert [row["isolated_wallet"] for row in state["positions"]] == ["100"]
    assert [row["leverage"] for row in state["leverages"]] == ["10"]
    # All that is free, but for the fee of the fill: the order stands.
    free = call("user-balance")["result"]["data"][0]["total_available_balance"]
    row = call("get-positions")["result"]["data"][0]
    closing = {"instrument_name": "BTCUSD-PERP", "type": "MARKET", "isolation_id": row["isolation_id"]}
    assert call("close-position", **closing)["code"] == 0
    assert isolated(call, isolated_margin_amount=free)["code"] == 0


def test_an_amendment_that_changes_nothing_is_no_fault(call):
    """As little where the order only reduces and can grow no further."""
    usual = {"instrument_name": "BTCUSD-PERP", "quantity": "0.01"}
    stop = usual | {"side": "SELL", "type": "STOP_LOSS", "ref_price": "59000"}
    algo = call("advanced/create-order", **stop)["result"]["order_id"]
    assert call("advanced/amend-order", order_id=algo, new_quantity="0.01", new_price="0")["code"] == 0
    call("create-order", **usual, side="BUY", type="MARKET")
    closing = usual | {"side": "SELL", "type": "LIMIT", "price": "61000", "exec_inst": ["REDUCE_ONLY"]}
    order = call("create-order", **closing, client_oid="mine")["result"]["order_id"]
    for quantity in ("0.01", "0.05"):
        change = {"new_quantity": quantity, "new_price": "61000", "client_oid": "mine"}
        assert call("amend-order", order_id=order, **change)["code"] == 0
        row = call("get-order-detail", order_id=order)["result"]
        assert (row["quantity"], row["status"]) == ("0.01", "ACTIVE")
