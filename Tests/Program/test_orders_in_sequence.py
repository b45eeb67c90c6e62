"""What an order finds and brings: orders of one batch see each other, what is attached to an order follows
it, an amendment gets what a new order would get, and a trade that the operator tells is a trade."""

import itertools
import json

import pytest

import test_orders_at_binance as binance
import test_orders_at_crypto_com as crypto_com
from server import Server
from test_orders_at_okx import NOW, SWAP, Account

PAIR = "BTC-USDT"
TOUCH = {"bid": "59999.9", "ask": "60000", "last": "60000"}
SELL = {"side": "sell", "px": "61000", "reduceOnly": True}
# Accounts of three venues in one ledger.
binance.names = (f"binance-{number}" for number in itertools.count(1))
crypto_com.names = (f"crypto-com-{number}" for number in itertools.count(1))


@pytest.fixture(scope="module")
def server():
    with Server("--ledger-time", NOW, "--rate-limits", "off") as server:
        server.apply(
            {
                "type": "prices",
                "venue": "okx",
                "marks": {SWAP: "60000", PAIR: "60000"},
                "index": {"USDT": "1", "BTC": "60000"},
            },
            {
                "type": "prices",
                "venue": "binance",
                "marks": {"BTCUSDT": "60000"},
                "index": {"USDT": "1", "BTC": "60000"},
            },
            {"type": "prices", "venue": "crypto-com", "marks": {"BTCUSD-PERP": "60000"}},
            {"type": "quotes", "venue": "binance", "quotes": {"BTCUSDT": TOUCH}},
            {"type": "quotes", "venue": "crypto-com", "quotes": {"BTCUSD-PERP": TOUCH}},
        )
        yield server


@pytest.fixture
def quote(server):
    """Sets what OKX's instruments are bid and asked at; the usual, until a test says otherwise."""

    def quote(last: str = "60000", instrument: str = SWAP):
        price = float(last)
        touch = {"bid": f"{price - 0.1:.1f}", "ask": last, "last": last}
        server.apply({"type": "quotes", "venue": "okx", "quotes": {instrument: touch}})

    for instrument in (SWAP, PAIR):
        quote(instrument=instrument)
    return quote


@pytest.fixture
def account(server, quote):
    return Account(server)


def placed(ack: dict) -> str:
    assert ack["sCode"] == "0", ack
    return ack["ordId"]


def waiting(account: Account) -> list[dict]:
    return account.get("trade/orders-algo-pending?ordType=conditional,oco")["data"]


# Batches


def batch(account: Account, *orders: dict) -> list[str]:
    usual = {"instId": SWAP, "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "59000", "sz": "1"}
    answer = account.post("trade/batch-orders", [usual | one for one in orders])
    return [item["sCode"] for item in answer["data"]]


def test_orders_of_a_batch_share_what_there_is_to_reduce(account):
    account.market(sz="2")
    assert batch(account, SELL | {"sz": "2"}, SELL | {"sz": "2"}) == ["0", "51112"]


def test_an_order_of_a_batch_finds_the_position_that_one_before_it_has_opened(account):
    opening = {"ordType": "market", "px": "", "sz": "3"}
    assert batch(account, opening, SELL | {"sz": "3"}) == ["0", "0"]


def test_orders_of_a_batch_share_ids_of_what_is_attached(account):
    stop = {"attachAlgoOrds": [{"attachAlgoClOrdId": "s1", "slTriggerPx": "58000", "slOrdPx": "-1"}]}
    assert batch(account, stop, stop) == ["0", "51068"]


def durable_groups(server: Server) -> int:
    lines = server.request("GET", "/metrics").body.decode().splitlines()
    return int(next(line for line in lines if line.startswith("marginalia_commit_groups_total ")).split()[1])


def test_a_batch_is_durable_at_once(server, account):
    before = durable_groups(server)
    assert batch(account, *[{}] * 20) == ["0"] * 20
    assert durable_groups(server) == before + 1


def test_a_batch_ends_at_the_most_open_orders(server):
    account = binance.Account(server)
    server.apply({"type": "deposit", "account": account.name, "asset": "USDT", "amount": "1000000"})
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    order |= {"price": "59000", "quantity": "0.001"}
    counts = []
    while sum(counts) < 200:
        answer = account("POST", "batchOrders", batchOrders=json.dumps([order] * 3)).json
        counts.append(sum("orderId" in row for row in answer))
    assert counts[-1] == 2
    assert answer[2] == {"code": -2025, "msg": "Reach max open order limit."}


def test_amendments_of_a_batch_follow_one_another(server):
    account = binance.Account(server)
    order = account.limit(newClientOrderId="one")
    change = {"symbol": "BTCUSDT", "side": "BUY", "orderId": str(order["orderId"]), "quantity": "0.01"}
    prices = ["58000", "58000", "59000"]
    answer = account(
        "PUT", "batchOrders", batchOrders=json.dumps([change | {"price": price} for price in prices])
    ).json
    assert [row.get("code") or row["price"] for row in answer] == ["58000.00", -5027, "59000.00"]


# What is attached to an order


def test_what_is_attached_to_a_sum_of_money_is_of_what_that_bought(server, quote):
    account = Account(server, "spot")
    stop = [{"slTriggerPx": "59000", "slOrdPx": "-1"}]
    order = {"instId": PAIR, "tdMode": "cash", "ordType": "market", "px": "", "sz": "600"}
    placed(account.order(**order, attachAlgoOrds=stop))
    # 0.01 BTC less a fee of 0.1 %: what the account has of it.
    assert [row["sz"] for row in waiting(account)] == ["0.00999"]
    quote("58990", PAIR)
    row = account.get("trade/orders-history?instType=SPOT")["data"][0]
    assert (row["side"], row["state"], row["accFillSz"]) == ("sell", "filled", "0.00999")
    quote(instrument=PAIR)


def test_what_is_attached_follows_the_size_of_its_order(account, quote):
    order = placed(account.order(attachAlgoOrds=[{"slTriggerPx": "58000", "slOrdPx": "-1"}]))
    change = {"instId": SWAP, "ordId": order, "newSz": "3"}
    assert account.post("trade/amend-order", change)["code"] == "0"
    quote("58950")
    assert [(row["sz"], row["slTriggerPx"]) for row in waiting(account)] == [("3", "58000")]
    quote()


def test_what_is_attached_is_amended_with_its_order(account, quote):
    stops = [
        {"attachAlgoClOrdId": "a", "slTriggerPx": "58000", "slOrdPx": "-1"},
        {"attachAlgoClOrdId": "b", "tpTriggerPx": "62000", "tpOrdPx": "-1"},
    ]
    order = placed(account.order(sz="2", attachAlgoOrds=stops))

    def amend(*changes: dict) -> str:
        body = {"instId": SWAP, "ordId": order, "attachAlgoOrds": list(changes)}
        return account.post("trade/amend-order", body)["data"][0]["sCode"]

    done = {"newSlTriggerPx": "57000", "newTpTriggerPx": "63000", "newTpOrdPx": "-1"}
    assert amend({"attachAlgoClOrdId": "a"} | done, {"attachAlgoClOrdId": "b", "sz": "1"}) == "0"
    # Above the price of the order that it is to stop the loss of.
    assert amend({"attachAlgoClOrdId": "a", "newSlTriggerPx": "59500"}) == "51047"
    # Which of the two is not said.
    assert amend({"newSlTriggerPx": "57500"}) == "51000"
    quote("58950")
    assert [
        (row["algoClOrdId"], row["ordType"], row["sz"], row["slTriggerPx"], row["tpTriggerPx"])
        for row in waiting(account)
    ] == [("b", "conditional", "1", "", "62000"), ("a", "oco", "2", "57000", "63000")]
    quote()


def test_what_is_attached_to_a_trigger_waits_behind_its_order(account, quote):
    trigger = {"ordType": "trigger", "side": "buy", "slTriggerPx": None, "slOrdPx": None}
    trigger |= {"triggerPx": "60500", "orderPx": "-1", "sz": "2"}
    stop = [{"attachAlgoClOrdId": "s", "slTriggerPx": "59000", "slOrdPx": "-1"}]
    assert account.stop(**trigger, attachAlgoOrds=stop)["sCode"] == "0"
    row = account.get("trade/orders-algo-pending?ordType=trigger")["data"][0]
    attached = [(one["attachAlgoClOrdId"], one["slTriggerPx"]) for one in row["attachAlgoOrds"]]
    assert attached == [("s", "59000")]
    assert account.stop(**trigger | {"triggerPx": "60600"}, attachAlgoOrds=stop)["sCode"] == "51068"
    quote("60600")
    assert [(row["algoClOrdId"], row["side"], row["sz"]) for row in waiting(account)] == [("s", "sell", "2")]
    quote()


def test_no_other_conditional_order_has_anything_attached(account):
    stop = [{"slTriggerPx": "62000", "slOrdPx": "-1"}]
    assert account.stop(attachAlgoOrds=stop)["sCode"] == "51000"


# Amendments


def test_an_amendment_gets_no_more_to_reduce_than_there_is(account):
    account.market(sz="2")
    order = placed(account.order(**SELL, sz="1"))
    answer = account.post("trade/amend-order", {"instId": SWAP, "ordId": order, "newSz": "5"})
    assert answer["data"][0]["sCode"] == "51112"
    assert account.post("trade/amend-order", {"instId": SWAP, "ordId": order, "newSz": "2"})["code"] == "0"


def test_an_amendment_gets_no_larger_position_than_the_tier_has(server, quote):
    account = Account(server)
    server.apply({"type": "deposit", "account": account.name, "asset": "USDT", "amount": "100000000"})
    account.post("account/set-leverage", {"instId": SWAP, "mgnMode": "cross", "lever": "100"})
    order = placed(account.order())
    answer = account.post("trade/amend-order", {"instId": SWAP, "ordId": order, "newSz": "9000"})
    assert answer["data"][0]["sCode"] == "51004"


def test_a_post_only_order_stands_where_its_amendment_would_take(server, account):
    order = placed(account.order(ordType="post_only"))
    answer = account.post("trade/amend-order", {"instId": SWAP, "ordId": order, "newPx": "60000"})
    assert answer["data"][0]["sCode"] == "51511"
    assert [row["px"] for row in account.get("trade/orders-pending")["data"]] == ["59000"]


def test_a_post_only_order_of_crypto_com_stands_where_its_amendment_would_take(server):
    desk = crypto_com_desk(server)
    order = {"instrument_name": "BTCUSD-PERP", "side": "BUY", "type": "LIMIT", "price": "59000"}
    for words, code, price in (("POST_ONLY", 43005, "59000"), ("SMART_POST_ONLY", 0, "59999.9")):
        placed = desk("create-order", **order, quantity="0.01", exec_inst=[words])["result"]
        change = {"order_id": placed["order_id"], "new_price": "60000", "new_quantity": "0.01"}
        answer = desk("amend-order", **change)
        assert (answer["code"], answer["result"]["order_id"]) == (code, placed["order_id"])
        row = desk("get-order-detail", order_id=placed["order_id"])["result"]
        assert (row["status"], row["limit_price"]) == ("ACTIVE", price)


def crypto_com_desk(server):
    return crypto_com.call.__wrapped__(server)


# The operator's trades


def test_what_is_attached_comes_with_a_trade_of_the_operator(server, account):
    placed(account.order(clOrdId="o1", attachAlgoOrds=[{"slTriggerPx": "58000", "slOrdPx": "-1"}]))
    fill = {"type": "fill", "account": account.name, "instrument": SWAP, "side": "buy", "price": "59000"}
    for quantity, stops in (("0.4", []), ("0.6", ["1"])):
        server.apply(fill | {"quantity": quantity, "order_id": "o1"})
        assert [row["sz"] for row in waiting(account)] == stops


def test_orders_that_only_reduce_end_with_a_trade_of_the_operator(server, account):
    account.market(sz="2")
    order = placed(account.order(**SELL, sz="1"))
    fill = {"type": "fill", "account": account.name, "instrument": SWAP, "side": "sell", "price": "60000"}
    server.apply(fill | {"quantity": "1"})
    assert len(account.get("trade/orders-pending")["data"]) == 1
    sequence = server.apply(fill | {"quantity": "1", "id": f"close-{account.name}"})[0]
    row = account.get(f"trade/order?instId={SWAP}&ordId={order}")["data"][0]
    assert (row["state"], row["cancelSource"]) == ("canceled", "2")
    # The command is answered with its trade, which is told behind what it has ended.
    events = server.admin("GET", f"/accounts/{account.name}/events?after=0").json["events"]
    assert [event["type"] for event in events][-2:] == ["order_ended", "filled"]
    assert events[-1]["sequence"] == sequence
    again = server.send(fill | {"quantity": "1", "id": f"close-{account.name}"})[0]
    assert (again["status"], again["sequence"]) == ("duplicate", sequence)


def test_the_orders_of_a_list_end_with_a_trade_of_the_operator(server):
    desk = crypto_com_desk(server)
    limit = {"instrument_name": "BTCUSD-PERP", "side": "BUY", "type": "LIMIT", "price": "59000"}
    stop = {"instrument_name": "BTCUSD-PERP", "side": "BUY", "type": "STOP_LOSS", "ref_price": "61000"}
    legs = [limit | {"quantity": "0.01", "client_oid": "leg"}, stop | {"quantity": "0.01"}]
    assert desk("advanced/create-oco", order_list=legs)["code"] == 0
    row = desk("get-open-orders")["result"]["data"][0]
    name = server.admin("GET", "/accounts").json["accounts"][-1]["account"]
    fill = {"type": "fill", "account": name, "instrument": "BTCUSD-PERP", "side": "buy", "price": "59000"}
    server.apply(fill | {"quantity": "0.001", "order_id": row["client_oid"]})
    assert desk("advanced/get-open-orders")["result"]["data"] == []


def test_an_operator_names_an_order_as_the_venue_prints_it(server, account):
    spot, desk = binance.Account(server), crypto_com_desk(server)
    limit = {"instrument_name": "BTCUSD-PERP", "side": "BUY", "type": "LIMIT", "price": "59000"}
    name = server.admin("GET", "/accounts").json["accounts"][-1]["account"]
    for owner, instrument, order in (
        (account.name, SWAP, placed(account.order())),
        (spot.name, "BTCUSDT", str(spot.limit()["orderId"])),
        (name, "BTCUSD-PERP", desk("create-order", **limit, quantity="0.05")["result"]["order_id"]),
    ):
        fill = {"type": "fill", "account": owner, "instrument": instrument, "side": "buy", "price": "59000"}
        server.apply(fill | {"quantity": "0.001", "order_id": order})
        server.apply({"type": "cancel_order", "account": owner, "order_id": order})
        [again] = server.send({"type": "cancel_order", "account": owner, "order_id": order})
        assert again["error"]["code"] == "unknown_order"


# Modes


@pytest.mark.parametrize("change", ["hedge", "mode"])
def test_the_mode_of_an_account_stays_while_conditional_orders_wait(account, change):
    algo = account.stop()["algoId"]

    def switch() -> str:
        if change == "hedge":
            return account.post("account/set-position-mode", {"posMode": "long_short_mode"})["code"]
        return account.post("account/set-account-level", {"acctLv": "3"})["code"]

    assert switch() == "59000"
    account.post("trade/cancel-algos", [{"instId": SWAP, "algoId": algo}])
    assert switch() == "0"


def test_the_position_mode_of_binance_stays_while_conditional_orders_wait(server):
    account = binance.Account(server)
    stop = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "algoType": "CONDITIONAL"}
    account("POST", "algoOrder", **stop, quantity="0.01", triggerPrice="58000")
    assert account.refusal("POST", "positionSide/dual", dualSidePosition="true")[1] == -4067
