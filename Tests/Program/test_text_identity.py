"""Identity is bytes: texts that only look alike are two, wherever one comes from outside."""

import json
import urllib.parse

import pytest

import venue_requests
from frames import TEXT, Stream, frame

COMPOSED = "caf\u00e9"
DECOMPOSED = "cafe\u0301"
# The Kelvin sign: the same letter as K for Unicode, and another one by its bytes.
KELVIN = "\u212a"


def deposit(amount: str, account: str = "desk", **more) -> dict:
    return {"type": "deposit", "account": account, "asset": "USDT", "amount": amount} | more


@pytest.fixture
def desk(start, store):
    one = start(store=store)
    one.apply({"type": "open_account", "account": "desk", "venue": "okx"})
    return one


def test_command_ids_that_look_alike_are_two_in_one_list(desk):
    rows = desk.send(deposit("1", id=COMPOSED), deposit("1", id=DECOMPOSED), deposit("1", id=COMPOSED))
    assert [row["status"] for row in rows] == ["applied", "applied", "duplicate"]
    assert rows[2]["sequence"] == rows[0]["sequence"] and rows[0]["id"] == COMPOSED
    assert desk.account("desk")["holdings"][0]["cash"] == "2"


def test_command_ids_that_look_alike_may_have_other_content(desk):
    rows = desk.send(deposit("1", id=COMPOSED), deposit("2", id=DECOMPOSED))
    assert [row["status"] for row in rows] == ["applied", "applied"], rows
    assert desk.account("desk")["holdings"][0]["cash"] == "3"


@pytest.mark.parametrize("atomic", [True, False])
@pytest.mark.parametrize("restarts", [True, False])
def test_command_ids_that_look_alike_are_two_one_after_the_other(desk, start, store, atomic, restarts):
    first = desk.send(deposit("1", id=COMPOSED), atomic=atomic)[0]
    if restarts:
        desk.kill()
        desk = start(store=store)
    assert desk.send(deposit("1", id=DECOMPOSED), atomic=atomic)[0]["status"] == "applied"
    again = desk.send(deposit("1", id=COMPOSED), atomic=atomic)[0]
    assert (again["status"], again["sequence"]) == ("duplicate", first["sequence"])
    assert desk.account("desk")["holdings"][0]["cash"] == "2"


def test_orders_that_look_alike_are_two(desk):
    def order(name: str, quantity: str) -> dict:
        return {
            "type": "place_order", "account": "desk", "order_id": name, "instrument": "BTC-USDT-SWAP",
            "side": "buy", "quantity": quantity, "price": "50000", "force": True,
        }  # fmt: skip

    desk.apply(order(COMPOSED, "1"), order(DECOMPOSED, "2"))
    again = desk.send(order(COMPOSED, "3"))[0]
    assert again["error"]["code"] == "order_exists"
    desk.apply({"type": "cancel_order", "account": "desk", "order_id": DECOMPOSED})
    assert [row["order_id"] for row in desk.account("desk")["orders"]] == [COMPOSED]
    gone = desk.send({"type": "cancel_order", "account": "desk", "order_id": DECOMPOSED})[0]
    assert gone["error"]["code"] == "unknown_order"
    fill = {
        "type": "fill", "account": "desk", "order_id": DECOMPOSED, "instrument": "BTC-USDT-SWAP",
        "side": "buy", "quantity": "1", "price": "50000",
    }  # fmt: skip
    assert desk.send(fill)[0]["error"]["code"] == "unknown_order"


def test_an_account_is_not_found_by_a_name_that_looks_like_its_own(desk):
    desk.apply({"type": "open_account", "account": "KEEP", "venue": "okx"})
    row = desk.send(deposit("1", account=f"{KELVIN}EEP"))[0]
    assert row["error"]["code"] == "unknown_account", row
    assert desk.admin("GET", "/accounts/%E2%84%AAEEP").status == 404
    assert desk.admin("GET", "/accounts/%E2%84%AAEEP/keys").status == 404
    transfer = {"type": "transfer", "account": "desk", "to": f"{KELVIN}EEP", "asset": "USDT", "amount": "1"}
    assert desk.send(transfer)[0]["error"]["code"] == "unknown_account"


def test_a_refused_list_leaves_accounts_whose_names_look_alike(desk):
    """What is put back after a refusal is remembered by name too."""
    desk.apply({"type": "open_account", "account": "KEEP", "venue": "okx"}, deposit("5", account="KEEP"))
    commands = [deposit("1", account="KEEP"), deposit("1", account=f"{KELVIN}EEP")]
    for order in (commands, commands[::-1]):
        assert desk.admin("POST", "/commands?atomic=true", order).status == 422
        assert desk.account("KEEP")["holdings"][0]["cash"] == "5"
    desk.apply(deposit("1", account="KEEP"))
    assert desk.account("KEEP")["holdings"][0]["cash"] == "6"


@pytest.mark.parametrize(
    "venue, asset, instrument",
    [
        ("okx", "OKB", "LINK-USDT-SWAP"),
        ("binance", "LINK", "LINKUSDT"),
        ("crypto-com", "LINK", "LINKUSD-PERP"),
        ("rails", "USD", "LINK-USD"),
    ],
)
def test_names_of_assets_and_instruments_are_bytes(desk, venue, asset, instrument):
    desk.apply({"type": "open_account", "account": "there", "venue": venue})
    asset, instrument = asset.replace("K", KELVIN), instrument.replace("K", KELVIN)
    if KELVIN in asset:
        row = desk.send({"type": "deposit", "account": "there", "asset": asset, "amount": "1"})[0]
        assert row["status"] == "rejected" and row["error"]["code"] == "unknown_asset", row
    row = desk.send({"type": "prices", "venue": venue, "marks": {instrument: "1"}})[0]
    assert row["status"] == "rejected" and row["error"]["code"] == "unknown_instrument", row
    leverage = {"type": "set_leverage", "account": "there", "instrument": instrument, "leverage": "2"}
    row = desk.send(leverage)[0]
    assert row["status"] == "rejected", row


def test_member_names_that_look_alike_are_two(desk):
    text = json.dumps(deposit("1"))[:-1] + f', "{COMPOSED}": 1}}'
    row = desk.admin("POST", "/commands", f"[{text}]".encode()).json["results"][0]
    assert row["error"]["code"] == "unknown_field"
    both = json.dumps(deposit("1"), ensure_ascii=False)[:-1] + f', "{COMPOSED}": 1, "{DECOMPOSED}": 2}}'
    row = desk.admin("POST", "/commands", f"[{both}]".encode()).json["results"][0]
    assert row["error"]["code"] == "unknown_field", "two members, not one that occurs twice"


def test_an_api_key_is_its_bytes(desk):
    secret = {"secret": "made-up-secret", "passphrase": "made-up-pass"}
    desk.issue_key("desk", api_key="MY-KEY-1", **secret)
    assert venue_requests.okx(desk, {"api_key": "MY-KEY-1"} | secret).status == 200
    assert desk.admin("DELETE", "/accounts/desk/keys/MY-%E2%84%AAEY-1").status == 404
    assert venue_requests.okx(desk, {"api_key": "MY-KEY-1"} | secret).status == 200
    lookalike = desk.admin(
        "POST", "/accounts/desk/keys", {"api_key": f"MY-{KELVIN}EY-1", "permissions": ["read"]} | secret
    )
    assert lookalike.status == 400 and lookalike.json["field"] == "api_key"


def test_streams_that_look_alike_are_two(desk):
    names = [COMPOSED, DECOMPOSED]

    def ask(stream, method: str, *params: str) -> dict:
        call = {"method": method, "id": 1} | ({"params": params} if params else {})
        stream.send(frame(TEXT, json.dumps(call)))
        return json.loads(stream.read().payload)

    with Stream(desk.port, "/ws") as stream:
        assert ask(stream, "SUBSCRIBE", *names)["result"] is None
        assert ask(stream, "LIST_SUBSCRIPTIONS")["result"] == names
        assert ask(stream, "UNSUBSCRIBE", DECOMPOSED)["result"] is None
        assert ask(stream, "LIST_SUBSCRIPTIONS")["result"] == [COMPOSED]


def test_an_order_is_not_found_by_an_id_that_looks_like_its_own(desk):
    order = {
        "type": "place_order", "account": "rails", "instrument": "BTC-USD", "side": "buy", "quantity": "1",
        "price": "50000", "force": True,
    }  # fmt: skip
    desk.apply({"type": "open_account", "account": "rails", "venue": "rails"})
    desk.apply(*[order | {"order_id": name} for name in (COMPOSED, DECOMPOSED)])
    key = desk.issue_key("rails")
    headers = {"X-Api-Key": key["api_key"], "X-Api-Secret": key["secret"]}
    token = desk.request("POST", "/api/v1/token", headers=headers).json["access_token"]
    for name in (COMPOSED, DECOMPOSED):
        query = urllib.parse.urlencode({"market": "BTC-USD", "client-request-id": name})
        answer = desk.request(
            "GET", f"/api/v1/open-order?{query}", headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.json["openOrder"]["clientRequestId"] == name, answer
