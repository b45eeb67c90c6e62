"""Saying why: the life of an order, the reason of an event; and funding for all who hold a contract."""

import pytest

from venue_requests import binance_call, crypto_com_call

START = 1780272000000
PERPETUAL = "BTCUSD-PERP"


def quote(bid, ask):
    """A quote of the perpetual; its mark stays."""
    return {"type": "quotes", "venue": "crypto-com", "quotes": {PERPETUAL: {"bid": bid, "ask": ask}}}


@pytest.fixture
def desk(start):
    """An account with 10,000 USD on a clock that stands; `call` calls the venue with a key that may trade."""
    server = start("--ledger-time", "2026-06-01T00:00:00Z", "--rate-limits", "off")
    server.apply(
        {"type": "open_account", "account": "desk", "venue": "crypto-com"},
        {"type": "deposit", "account": "desk", "asset": "USD", "amount": "10000", "id": "money"},
        {"type": "prices", "venue": "crypto-com", "marks": {PERPETUAL: "50000"}},
        quote("49999.9", "50000"),
    )
    key = server.issue_key("desk", permissions=["read", "trade"])

    def call(method, **params):
        answer = crypto_com_call(server, key, f"private/{method}", {"instrument_name": PERPETUAL} | params)
        assert answer.json["code"] == 0, answer.body
        return answer.json["result"]

    server.call = call
    return server


def why(server, query, account="desk"):
    answer = server.admin("GET", f"/accounts/{account}/explain?{query}")
    assert answer.status == 200, answer.body
    return answer.json


def changes(effect):
    return {row["path"]: (row["before"], row["after"]) for row in effect["changes"]}


def test_the_life_of_an_order_that_rested_and_was_filled(desk):
    limit = dict(side="BUY", type="LIMIT", price="49000.0", quantity="0.1000", client_oid="mine")
    order = desk.call("create-order", **limit)
    [price] = desk.apply(quote("48999.9", "49000"))
    for name in (order["order_id"], "mine"):
        told = why(desk, f"order={name}")
        assert told["order"]["state"] == "filled" and told["order"]["price"] == "49000"
        placed, filled = told["events"]
        assert [row["type"] for row in told["events"]] == ["order_placed", "filled"]
        assert placed["cause"] == {"kind": "command", "command_id": None}
        assert filled["cause"]["kind"] == "event" and filled["cause"]["event"]["sequence"] == price
        assert filled["body"]["cause"] == price and filled["body"]["liquidity"] == "maker"
    accepted = told["acceptance"]
    assert accepted["sequence"] == placed["sequence"] and accepted["at"] == START
    assert accepted["rulebook"]["effective"] == "2026-01-08T00:00:00Z"
    [seen] = accepted["prices"]
    assert (seen["instrument"], seen["mark"], seen["bid"], seen["ask"]) == (
        PERPETUAL,
        "50000",
        "49999.9",
        "50000",
    )
    assert float(accepted["terms"]["maker_rate"]) < float(accepted["terms"]["taker_rate"])
    [check] = [row for row in accepted["checks"] if row["path"] == "total_available_balance"]
    assert float(check["before"]) == 10000 > float(check["after"]) > 0
    assert changes(accepted)["total_available_balance"] == (check["before"], check["after"])


def test_a_trade_follows_from_its_order_and_changes_figures(desk):
    order = desk.call("create-order", side="BUY", type="MARKET", quantity="0.1000")
    filled = why(desk, f"order={order['order_id']}")["events"][1]
    placed = filled["cause"]["event"]["sequence"]
    told = why(desk, f"event={filled['sequence']}")
    assert told["event"]["type"] == "filled" and told["cause"]["event"]["sequence"] == placed
    assert told["terms"]["liquidity"] == "taker" and told["terms"]["rate"] == told["terms"]["taker_rate"]
    rate, fee = float(told["terms"]["rate"]), float(told["event"]["body"]["fee"])
    assert fee == pytest.approx(0.1 * 50000 * rate)
    before, after = changes(told)["total_cash_balance"]
    assert float(before) - float(after) == pytest.approx(fee)
    assert [row["sequence"] for row in why(desk, f"event={placed}")["consequences"]] == [filled["sequence"]]


def test_a_stop_says_which_price_fired_it(desk):
    desk.call("create-order", side="BUY", type="MARKET", quantity="0.1000")
    wanted = dict(side="SELL", type="STOP_LOSS", quantity="0.1000", ref_price="48000.0")
    stop = desk.call("create-order", **wanted)
    [_, price] = desk.apply(
        quote("47999", "48001"), {"type": "prices", "venue": "crypto-com", "marks": {PERPETUAL: "48000"}}
    )
    told = why(desk, f"order={stop['order_id']}")
    kinds = ["conditional_placed", "conditional_triggered", "order_placed", "filled"]
    assert [row["type"] for row in told["events"]] == kinds
    fired = told["events"][1]
    assert fired["cause"]["event"]["sequence"] == price and fired["body"]["price"] == "48000"
    causes = [row["cause"]["event"]["sequence"] for row in told["events"][2:]]
    assert causes == [fired["sequence"]] * 2
    assert told["order"]["state"] == "filled"
    consequences = why(desk, f"event={price}")["consequences"]
    assert [row["type"] for row in consequences] == ["conditional_triggered"]


def test_a_stop_at_binance_is_found_by_its_own_id(server):
    server.apply(
        {"type": "open_account", "account": "algo", "venue": "binance"},
        {"type": "deposit", "account": "algo", "asset": "USDT", "amount": "10000"},
        {"type": "prices", "venue": "binance", "marks": {"BTCUSDT": "50000"}},
    )
    key = server.issue_key("algo", permissions=["read", "trade"])
    wanted = "algoType=CONDITIONAL&symbol=BTCUSDT&side=BUY&type=STOP_MARKET&quantity=0.01&triggerPrice=51000"
    placed = binance_call(server, key, "POST", "/fapi/v1/algoOrder", wanted)
    assert placed.status == 200, placed.body
    told = server.admin("GET", f"/accounts/algo/explain?order={placed.json['algoId']}")
    assert told.status == 200 and [row["type"] for row in told.json["events"]] == ["conditional_placed"]


def test_what_a_deposit_and_a_price_changed(desk):
    [rows] = [desk.admin("GET", "/accounts/desk/events").json["events"]]
    told = why(desk, f"event={rows[1]['sequence']}")
    assert told["cause"] == {"kind": "command", "command_id": "money"}
    before, after = changes(told)["total_cash_balance"]
    assert (float(before), float(after)) == (0, 10000) and told["prices"] == []
    desk.apply({"type": "import_position", "account": "desk", "instrument": PERPETUAL, "quantity": "0.1",
                "entry_price": "50000"})
    [price] = desk.apply({"type": "prices", "venue": "crypto-com", "marks": {PERPETUAL: "51000"}})
    told = why(desk, f"event={price}")
    before, after = changes(told)["total_margin_balance"]
    assert float(after) - float(before) == pytest.approx(100)
    assert [row["mark"] for row in told["prices"]] == ["51000"]


def test_orders_of_the_operator_and_of_a_name_used_twice(desk):
    place = {"type": "place_order", "account": "desk", "order_id": "one", "instrument": PERPETUAL}
    place |= {"side": "buy", "quantity": "0.1", "price": "40000"}
    cancel = {"type": "cancel_order", "account": "desk", "order_id": "one"}
    desk.apply(place, cancel, place | {"id": "again"})
    told = why(desk, "order=one")
    assert [row["type"] for row in told["events"]] == ["order_placed"] and told["order"]["state"] == "open"
    assert told["events"][0]["cause"] == {"kind": "command", "command_id": "again"}


@pytest.mark.parametrize(
    "query, status, code, field",
    [
        ("order=nothing", 404, "unknown_order", "order"),
        ("event=999999", 404, "unknown_event", "event"),
        ("event=0", 400, "invalid_parameter", "event"),
        ("event=one", 400, "invalid_parameter", "event"),
        ("order=a&event=1", 400, "invalid_parameter", "order"),
        ("event=1&field=total_cash_balance", 400, "invalid_parameter", "event"),
    ],
)
def test_what_is_not_there(desk, query, status, code, field):
    answer = desk.admin("GET", f"/accounts/desk/explain?{query}")
    assert (answer.status, answer.json["code"], answer.json["field"]) == (status, code, field)


def test_an_event_of_another_account_is_none_of_this_one(desk):
    desk.apply({"type": "open_account", "account": "other", "venue": "okx"})
    [sequence] = desk.apply({"type": "deposit", "account": "other", "asset": "USDT", "amount": "1"})
    assert desk.admin("GET", f"/accounts/desk/explain?event={sequence}").status == 404


# Funding for all who hold a contract.

HOLDERS = [("long", "0.5"), ("short", "-0.2")]


@pytest.fixture
def holders(start):
    """A long, a short and nobody at Binance, at a mark of 60,000."""
    server = start("--ledger-time", "2026-06-01T00:00:00Z", "--rate-limits", "off")
    server.apply({"type": "prices", "venue": "binance", "marks": {"BTCUSDT": "60000"}})
    for name in ("long", "short", "nobody"):
        server.apply(
            {"type": "open_account", "account": name, "venue": "binance"},
            {"type": "deposit", "account": name, "asset": "USDT", "amount": "10000"},
        )
    for name, quantity in HOLDERS:
        server.apply(
            {"type": "import_position", "account": name, "instrument": "BTCUSDT", "quantity": quantity,
             "entry_price": "60000"}
        )
    return server



def test_funding_goes_to_every_holder(holders):
    funding = {"type": "funding", "venue": "binance", "instrument": "BTCUSDT", "rate": "0.0001", "id": "f1"}
    [sequence] = holders.apply(funding)
    rows = {name: holders.admin("GET", f"/accounts/{name}/events").json["events"][-1] for name, _ in HOLDERS}
    assert {name: row["body"]["amount"] for name, row in rows.items()} == {"long": "-3", "short": "1.2"}
    assert all(row["type"] == "funded" and row["body"]["cause"] == sequence for row in rows.values())
    assert holders.admin("GET", "/accounts/nobody/events").json["events"][-1]["type"] == "deposited"
    told = why(holders, f"event={sequence}", "long")
    assert told["event"]["type"] == "funding_fixed" and told["event"]["command_id"] == "f1"
    assert [row["type"] for row in told["consequences"]] == ["funded"]
    # Once more with the same id is the same one.
    assert holders.send(funding)[0] == {"id": "f1", "status": "duplicate", "sequence": sequence}
    [rate] = holders.request("GET", "/fapi/v1/fundingRate?symbol=BTCUSDT&limit=1").json
    assert rate["fundingRate"] == "0.00010000"
    key = holders.issue_key("short", permissions=["read"])
    income = binance_call(holders, key, "GET", "/fapi/v1/income", "incomeType=FUNDING_FEE")
    if income.status == 200:
        assert [row["income"] for row in income.json] == ["1.20000000"]


@pytest.mark.parametrize(
    "changes, code, field",
    [
        ({"venue": None}, "missing_field", "account"),
        ({"account": "long"}, "invalid_field", "account"),
        ({"rate": None}, "missing_field", "rate"),
        ({"amount": "1"}, "invalid_field", "amount"),
        ({"position_side": "long"}, "invalid_field", "position_side"),
        ({"venue": "nowhere"}, "unknown_venue", "venue"),
        ({"instrument": "NOTHING"}, "unknown_instrument", "instrument"),
        ({"rate": "1000000000000000000"}, "overflow", None),
    ],
)
def test_funding_that_is_refused_changes_nobody(holders, changes, code, field):
    before = holders.everything()
    whole = {"type": "funding", "venue": "binance", "instrument": "BTCUSDT", "rate": "0.0001"} | changes
    [row] = holders.send({name: value for name, value in whole.items() if value is not None})
    assert row["status"] == "rejected" and row["error"]["code"] == code, row
    assert row["error"].get("field") == field
    assert holders.everything() == before


def test_funding_of_all_or_none(holders):
    before = holders.everything()
    funding = {"type": "funding", "venue": "binance", "instrument": "BTCUSDT", "rate": "0.0001"}
    wrong = {"type": "deposit", "account": "nobody", "asset": "NOSUCHCOIN", "amount": "1"}
    answer = holders.admin("POST", "/commands?atomic=true", [funding, wrong])
    assert answer.status == 422 and holders.everything() == before
    holders.apply(funding)
    assert holders.everything() != before
