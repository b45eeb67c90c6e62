"""Orders at OKX: refusals, lists and what clients of the venue meet besides."""

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
import time
from fractions import Fraction

import pytest
import websockets

from server import Server
from venue_requests import milliseconds, okx_call

NOW = "2026-11-20T00:00:00Z"
SWAP = "BTC-USDT-SWAP"
names = (f"account-{number}" for number in itertools.count(1))


@pytest.fixture(scope="module")
def server():
    with Server("--ledger-time", NOW, "--rate-limits", "off") as server:
        touch = {"bid": "59999.9", "ask": "60000", "last": "60000"}
        server.apply(
            {
                "type": "prices",
                "venue": "okx",
                "marks": {SWAP: "60000"},
                "index": {"USDT": "1", "BTC": "60000"},
            },
            {"type": "quotes", "venue": "okx", "quotes": {SWAP: touch, "BTC-USDT": touch}},
        )
        yield server


class Account:
    """An account of its own with 10000 USDT, and the calls of its key."""

    def __init__(self, server: Server, mode: str = "futures", **settings):
        self.server, self.name = server, next(names)
        server.apply(
            {
                "type": "open_account",
                "account": self.name,
                "venue": "okx",
                "settings": {"mode": mode} | settings,
            },
            {"type": "deposit", "account": self.name, "asset": "USDT", "amount": "10000"},
        )
        self.key = server.issue_key(self.name, permissions=["read", "trade"], passphrase="phrase")

    def get(self, path: str):
        return okx_call(self.server, self.key, "GET", f"/api/v5/{path}").json

    def post(self, path: str, body):
        return okx_call(self.server, self.key, "POST", f"/api/v5/{path}", json.dumps(body)).json

    def order(self, **members) -> dict:
        """Places an order; by itself a limit order that rests."""
        usual = {"instId": SWAP, "tdMode": "cross", "side": "buy", "ordType": "limit"}
        usual |= {"px": "59000", "sz": "1"}
        return self.post("trade/order", usual | members)["data"][0]

    def market(self, **members) -> dict:
        done = self.order(**{"ordType": "market", "px": ""} | members)
        assert done["sCode"] == "0", done
        return done

    def stop(self, **members) -> dict:
        """Places a conditional order; by itself a stop loss of a sale at 59000."""
        usual = {
            "instId": SWAP,
            "tdMode": "cross",
            "side": "sell",
            "ordType": "conditional",
            "sz": "1",
            "slTriggerPx": "59000",
            "slOrdPx": "-1",
        }
        members = {name: value for name, value in (usual | members).items() if value is not None}
        return self.post("trade/order-algo", members)["data"][0]


@pytest.fixture
def account(server):
    return Account(server)


def refusal(ack: dict) -> tuple[str, str]:
    assert ack["ordId" if "ordId" in ack else "algoId"] == ""
    return ack["sCode"], ack["sMsg"]


@pytest.mark.parametrize(
    "members, code, words",
    [
        ({"pxAmendType": "2"}, "51000", "Parameter pxAmendType error"),
        ({"banAmend": "perhaps"}, "51000", "Parameter banAmend error"),
        ({"ordType": "market", "px": "", "slippagePct": "0.06"}, "51000", "Parameter slippagePct error"),
        ({"attachAlgoOrds": "x"}, "51000", "Parameter attachAlgoOrds error"),
        (
            {"attachAlgoOrds": [{"tpTriggerPx": "61000"}]},
            "50014",
            "Parameter tpOrdPx can not be empty",
        ),
        (
            {"attachAlgoOrds": [{"slTriggerPx": "59500", "slOrdPx": "-1"}]},
            "51047",
            "The stop loss trigger price must be lower than the order price",
        ),
        (
            {"attachAlgoOrds": [{"tpTriggerPx": "58000", "tpOrdPx": "-1"}]},
            "51046",
            "The take profit trigger price must be higher than the order price",
        ),
        (
            {"side": "sell", "px": "61000", "attachAlgoOrds": [{"tpTriggerPx": "62000", "tpOrdPx": "-1"}]},
            "51048",
            "The take profit trigger price must be lower than the order price",
        ),
        (
            {"side": "sell", "px": "61000", "attachAlgoOrds": [{"slTriggerPx": "60500", "slOrdPx": "-1"}]},
            "51049",
            "The stop loss trigger price must be higher than the order price",
        ),
        (
            {
                "ordType": "market",
                "px": "",
                "attachAlgoOrds": [{"tpTriggerPx": "59000", "tpOrdPx": "-1"}],
            },
            "51279",
            "TP trigger price can not be lower than the last price.",
        ),
    ],
)
def test_refused_orders(account, members, code, words):
    before = account.server.account(account.name)
    assert refusal(account.order(**members)) == (code, words)
    assert account.server.account(account.name) == before


@pytest.mark.parametrize(
    "members, code, words",
    [
        ({"slOrdPx": None}, "50014", "Parameter slOrdPx can not be empty"),
        ({"slTriggerPx": "60000"}, "51280", "SL trigger price can not be higher than the last price."),
        (
            {"slTriggerPx": "61000", "slTriggerPxType": "mark"},
            "51304",
            "SL trigger price cannot be higher than the mark price",
        ),
        (
            {"side": "buy", "slTriggerPx": "59000"},
            "51278",
            "SL trigger price can not be lower than the last price.",
        ),
        (
            {"slTriggerPx": None, "slOrdPx": None, "tpTriggerPx": "59000", "tpOrdPx": "-1"},
            "51279",
            "TP trigger price can not be lower than the last price.",
        ),
        (
            {
                "side": "buy",
                "ordType": "oco",
                "slTriggerPx": "61000",
                "tpTriggerPx": "60500",
                "tpOrdPx": "-1",
            },
            "51277",
            "TP trigger price can not be higher than the last price.",
        ),
        (
            {
                "ordType": "move_order_stop",
                "slTriggerPx": None,
                "slOrdPx": None,
                "callbackRatio": "0.01",
                "activePx": "59000",
            },
            "51258",
            "Trailing stop order placement failed. The trigger price of a sell order must be higher than the "
            "last transaction price.",
        ),
        (
            {
                "side": "buy",
                "ordType": "move_order_stop",
                "slTriggerPx": None,
                "slOrdPx": None,
                "callbackRatio": "0.01",
                "activePx": "61000",
            },
            "51259",
            "Trailing stop order placement failed. The trigger price of a buy order must be lower than the "
            "last transaction price.",
        ),
    ],
)
def test_refused_conditional_orders(account, members, code, words):
    before = account.server.account(account.name)
    assert refusal(account.stop(**members)) == (code, words)
    assert account.server.account(account.name) == before


def test_one_order_closes_a_whole_position(account):
    whole = {"sz": None, "closeFraction": "1", "reduceOnly": True}
    assert account.stop(**whole)["sCode"] == "0"
    assert refusal(account.stop(**whole, slTriggerPx="58000")) == (
        "51088",
        "You can only place 1 TP/SL order to close an entire position",
    )
    # Of the other side it is another position's.
    assert account.stop(**whole, side="buy", slTriggerPx="61000")["sCode"] == "0"


def test_ids_of_attached_orders_are_not_taken_twice(account):
    attached = {"slTriggerPx": "58000", "slOrdPx": "-1", "attachAlgoClOrdId": "same"}
    assert account.order(attachAlgoOrds=[attached])["sCode"] == "0"
    assert refusal(account.order(attachAlgoOrds=[attached])) == (
        "51068",
        "same already exists within algoClOrdId and attachAlgoClOrdId.",
    )
    assert account.stop(algoClOrdId="other")["sCode"] == "0"
    ack = account.order(attachAlgoOrds=[attached | {"attachAlgoClOrdId": "other"}])
    assert ack["sCode"] == "51068"


def test_closing_orders_share_what_there_is_to_close(account):
    account.market(sz="2")
    closing = {"side": "sell", "reduceOnly": True}
    assert account.order(**closing, px="61000", sz="1.5")["sCode"] == "0"
    too_much = ("51112", "Close order size exceeds available size for this position.")
    # Those of no worse price come first.
    assert refusal(account.order(**closing, px="61000", sz="1")) == too_much
    assert refusal(account.order(**closing, px="61500", sz="1")) == too_much
    assert account.order(**closing, px="61000", sz="0.5")["sCode"] == "0"
    assert account.order(**closing, px="60500", sz="2")["sCode"] == "0"
    [position] = account.get("account/positions")["data"]
    assert position["availPos"] == ""


def test_a_side_of_hedge_mode_tells_what_is_left_to_close(server):
    account = Account(server, hedge=True)
    account.market(sz="2", posSide="long")
    closing = {"side": "sell", "posSide": "long", "px": "61000"}
    waiting = account.order(**closing, sz="1.5")
    assert waiting["sCode"] == "0"
    [position] = account.get("account/positions")["data"]
    assert (position["pos"], position["availPos"]) == ("2", "0.5")
    refused = account.order(**closing | {"ordType": "market", "px": ""}, sz="1")
    assert refused["sCode"] == "51112"
    account.post("trade/cancel-order", {"instId": SWAP, "ordId": waiting["ordId"]})
    [position] = account.get("account/positions")["data"]
    assert position["availPos"] == "2"


def test_reduce_only_is_nothing_for_spot_mode(server):
    account = Account(server, "spot")
    spot = {"instId": "BTC-USDT", "tdMode": "cash", "sz": "0.001"}
    assert refusal(account.order(**spot, reduceOnly=True)) == (
        "51139",
        "Reduce-only feature is unavailable for the spot transactions by spot mode.",
    )


def test_a_spot_market_order_is_cut_to_the_balance_unless_it_forbids_that(server):
    account = Account(server, "spot")
    spot = {"instId": "BTC-USDT", "tdMode": "cash", "ordType": "market", "px": ""}
    assert account.order(**spot, sz="20000", banAmend=True)["sCode"] == "51008"
    account.market(**spot, sz="20000")
    [order] = account.get("trade/orders-history?instType=SPOT")["data"]
    # 10000 ÷ 60000, in whole lots.
    assert (order["state"], order["sz"], order["accFillSz"]) == ("filled", "10000", "0.16666666")
    held = {row["asset"]: row["cash"] for row in server.account(account.name)["holdings"]}
    sale = spot | {"side": "sell"}
    assert account.order(**sale, sz="1", banAmend=True)["sCode"] == "51008"
    account.market(**sale, sz="1")
    sold = account.get("trade/orders-history?instType=SPOT")["data"][0]
    # All that there is in whole lots: the fee took some of it.
    assert (sold["side"], sold["sz"]) == ("sell", held["BTC"][: held["BTC"].index(".") + 9])
    # Who has nothing at all is refused.
    empty = Account(server, "spot")
    assert empty.order(**sale, sz="1")["sCode"] == "51008"


def test_a_maker_for_the_venues_own_pages(account):
    assert account.order(ordType="rpi", clOrdId="rpi1")["sCode"] == "0"
    [order] = account.get(f"trade/order?instId={SWAP}&clOrdId=rpi1")["data"]
    assert (order["ordType"], order["state"]) == ("rpi", "live")
    assert account.order(ordType="rpi", px="60001", clOrdId="rpi2")["sCode"] == "0"
    [order] = account.get(f"trade/order?instId={SWAP}&clOrdId=rpi2")["data"]
    assert (order["ordType"], order["state"], order["cancelSource"]) == ("rpi", "canceled", "31")


@pytest.mark.parametrize(
    "change, code, words",
    [
        ({"newPx": "58000.05"}, "51000", "Parameter newPx error"),
        ({"newSz": "0"}, "51000", "Parameter newSz error"),
        ({"newSz": "0.005"}, "51121", "Order quantity must be a multiple of the lot size."),
    ],
)
@pytest.mark.parametrize("cancels", [False, True])
def test_an_amendment_that_fails_leaves_or_ends_its_order(account, change, code, words, cancels):
    account.order(clOrdId="one")
    ack = account.post(
        "trade/amend-order", {"instId": SWAP, "clOrdId": "one", "cxlOnFail": cancels} | change
    )["data"][0]
    assert (ack["sCode"], ack["sMsg"]) == (code, words)
    [order] = account.get(f"trade/order?instId={SWAP}&clOrdId=one")["data"]
    assert (order["state"], order["px"], order["sz"]) == ("canceled" if cancels else "live", "59000", "1")


def test_an_amendment_without_margin_may_end_its_order(account):
    for cancels, state in (False, "live"), (True, "canceled"):
        account.order(clOrdId="one")
        change = {"instId": SWAP, "clOrdId": "one", "newSz": "1000", "cxlOnFail": cancels}
        assert account.post("trade/amend-order", change)["data"][0]["sCode"] == "51008"
        [order] = account.get(f"trade/order?instId={SWAP}&clOrdId=one")["data"]
        assert (order["state"], order["sz"]) == (state, "1")
        account.post("trade/cancel-order", {"instId": SWAP, "clOrdId": "one"})


def test_a_changed_stop_keeps_what_is_not_named(account):
    account.stop(
        ordType="oco",
        slOrdPx="58990",
        slTriggerPxType="mark",
        tpTriggerPx="61000",
        tpOrdPx="-1",
        algoClOrdId="a1",
    )

    def amended(**change) -> tuple:
        ack = account.post("trade/amend-algos", {"instId": SWAP, "algoClOrdId": "a1"} | change)["data"][0]
        [row] = account.get("trade/order-algo?algoClOrdId=a1")["data"]
        names = ("slTriggerPx", "slOrdPx", "slTriggerPxType", "tpTriggerPx", "tpOrdPx")
        return ack["sCode"], *(row[name] for name in names)

    assert amended(newSlTriggerPx="58500") == ("0", "58500", "58990", "mark", "61000", "-1")
    assert amended(newSlOrdPx="-1") == ("0", "58500", "-1", "mark", "61000", "-1")
    assert amended(newSlTriggerPxType="last") == ("0", "58500", "-1", "last", "61000", "-1")
    assert amended(newTpTriggerPx="0") == ("0", "58500", "-1", "last", "", "")
    # The last one cannot be taken away.
    assert amended(newSlTriggerPx="0") == ("51500", "58500", "-1", "last", "", "")


def test_leverage_is_not_changed_under_open_orders(account):
    for mode, code, kind in ("isolated", "59101", "isolated margin"), ("cross", "59107", "cross-margin"):
        change = {"instId": SWAP, "mgnMode": mode, "lever": "7"}
        order = account.order(tdMode=mode)
        assert account.post("account/set-leverage", change) == {
            "code": code,
            "data": [],
            "msg": f"Leverage can't be modified. Please cancel all pending {kind} orders before adjusting "
            "the leverage.",
        }
        # What is in force already may be said again.
        [row] = account.get(f"account/leverage-info?instId={SWAP}&mgnMode={mode}")["data"]
        assert account.post("account/set-leverage", change | {"lever": row["lever"]})["code"] == "0"
        account.post("trade/cancel-order", {"instId": SWAP, "ordId": order["ordId"]})
        assert account.post("account/set-leverage", change)["code"] == "0"


@pytest.mark.parametrize(
    "path, name",
    [
        ("trade/orders-pending?state=filled", "state"),
        ("trade/orders-pending?ordType=stop", "ordType"),
        ("trade/orders-history?instType=SWAP&state=live", "state"),
        ("trade/orders-history?instType=SWAP&category=other", "category"),
        ("trade/orders-history-archive?instType=SWAP&ordType=limit,x", "ordType"),
        ("trade/orders-algo-pending?ordType=stop", "ordType"),
        ("trade/orders-algo-history?ordType=conditional,x&state=effective", "ordType"),
        ("trade/fills?subType=buy", "subType"),
        ("account/bills?type=trade", "type"),
        ("account/bills?mgnMode=both", "mgnMode"),
        ("account/positions-history?type=7", "type"),
    ],
)
def test_lists_refuse_words_that_there_are_not(account, path, name):
    answer = account.get(path)
    assert answer == {"code": "51000", "data": [], "msg": f"Parameter {name} error"}


def test_lists_are_narrowed(server):
    account = Account(server)
    account.market(sz="1")
    account.market(sz="1", side="sell")
    count = lambda path: len(account.get(path)["data"])  # noqa: E731
    assert count("trade/fills?subType=1") == count("trade/fills?subType=2") == 1
    assert count("trade/fills?subType=3") == 0
    assert count("trade/orders-history?instType=SWAP&instFamily=BTC-USDT") == 2
    assert count("trade/orders-history?instType=SWAP&uly=ETH-USDT") == 0
    assert count("trade/orders-history?instType=SWAP&category=twap") == 0
    assert count("account/bills?type=2&mgnMode=cross") == 2
    assert count("account/bills?type=2&mgnMode=isolated") == 0
    assert count("account/positions-history?type=2") == 1
    assert count("account/positions-history?type=3") == 0


def test_paths_that_clients_ask_before_they_trade(account):
    rows = account.get("account/instruments?instType=SWAP&instId=" + SWAP)["data"]
    public = account.server.request("GET", f"/api/v5/public/instruments?instType=SWAP&instId={SWAP}").json
    assert rows == public["data"] and len(rows) == 1
    limit = account.get("trade/account-rate-limit")["data"]
    assert [{name: value for name, value in row.items() if name != "ts"} for row in limit] == [
        {"accRateLimit": "1000", "fillRatio": "", "mainFillRatio": "", "nextAccRateLimit": ""}
    ]


@pytest.mark.parametrize("path", ["trade/order", "trade/batch-orders"])
def test_a_request_that_has_expired(account, path):
    order = {"instId": SWAP, "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "59000", "sz": "1"}
    body = json.dumps([order] if path.endswith("orders") else order)

    def sent(time: str) -> dict:
        headers = {"expTime": time}
        return okx_call(account.server, account.key, "POST", f"/api/v5/{path}", body, headers).json

    assert sent(str(milliseconds() - 1)) == {
        "code": "50036",
        "data": [],
        "msg": "The expTime can't be earlier than the current system time. Please adjust the expTime and try "
        "again.",
    }
    assert sent("soon")["code"] == "51000"
    assert account.get("trade/orders-pending")["data"] == []
    assert sent(str(milliseconds() + 60_000))["code"] == "0"


def test_no_position_beyond_the_tier_of_the_leverage(server):
    account = Account(server)
    server.apply({"type": "deposit", "account": account.name, "asset": "USDT", "amount": "1000000"})
    account.post("account/set-leverage", {"instId": SWAP, "mgnMode": "cross", "lever": "100"})
    account.market(sz="300")
    assert account.order(sz="699")["sCode"] == "0"
    code, words = refusal(account.order(sz="2"))
    assert code == "51004"
    assert words == (
        "Order failed. For cross buy/sell mode of BTC-USDT-SWAP and instFamily BTC-USDT, the sum of "
        "current buy order size, current instId position quantity, current instId pending buy orders, "
        "and other contracts of the same instFamily can’t be more than 1000(contracts) which is the "
        "maximum position amount under current leverage. Please lower the leverage or use a new "
        "sub-account to place the order again (current leverage: 100×, current buy order size: 2 "
        "contracts, current instId position quantity: 300 contracts, current instId pending buy "
        "orders: 699 contracts, other contracts of the same instFamily: 0 contracts)."
    )
    assert account.order(sz="1")["sCode"] == "0"
    # The other side is free: what is held is not of it.
    assert account.order(side="sell", px="61000", sz="900")["sCode"] == "0"
    hedged = Account(server, hedge=True)
    server.apply({"type": "deposit", "account": hedged.name, "asset": "USDT", "amount": "1000000"})
    hedged.post("account/set-leverage", {"instId": SWAP, "mgnMode": "cross", "lever": "100"})
    hedged.market(sz="600", posSide="long")
    code, words = refusal(hedged.order(side="sell", px="61000", sz="500", posSide="short"))
    assert code == "51004" and "For cross long/short mode of BTC-USDT-SWAP, the sum of" in words
    assert hedged.order(side="sell", px="61000", sz="500", posSide="long")["sCode"] == "0"


def test_instruments_name_the_group_of_their_fees(account):
    [row] = account.get(f"account/instruments?instType=SWAP&instId={SWAP}")["data"]
    [fees] = account.get("account/trade-fee?instType=SWAP")["data"]
    assert row["groupId"] in [group["groupId"] for group in fees["feeGroup"]]
    assert list(row) == sorted(row)
    limits = {name: row[name] for name in ("initPxLmtPct", "floatPxLmtPct", "maxPxLmtPct")}
    assert limits == {"initPxLmtPct": "0.05", "floatPxLmtPct": "0.05", "maxPxLmtPct": "0.05"}


def test_an_operation_of_the_socket_that_has_expired(account):
    key = account.key
    now = str(int(time.time()))
    digest = hmac.new(key["secret"].encode(), f"{now}GET/users/self/verify".encode(), hashlib.sha256).digest()
    login = {
        "apiKey": key["api_key"],
        "passphrase": key["passphrase"],
        "timestamp": now,
        "sign": base64.b64encode(digest).decode(),
    }
    [row] = account.get(f"account/instruments?instType=SWAP&instId={SWAP}")["data"]
    order = {"instIdCode": row["instIdCode"], "tdMode": "cross", "side": "buy", "ordType": "limit"}
    order |= {"sz": "1", "px": "59000"}

    async def play() -> list[dict]:
        async with websockets.connect(account.server.url.replace("http", "ws") + "/ws/v5/private") as socket:

            async def ask(message) -> dict:
                await socket.send(json.dumps(message))
                return json.loads(await asyncio.wait_for(socket.recv(), 20))

            await ask({"op": "login", "args": [login]})
            place = {"id": "1", "op": "order", "args": [order]}
            return [
                await ask(place | {"expTime": str(milliseconds() + change)}) for change in (-1, 60_000)
            ] + [await ask(place | {"expTime": "soon"})]

    late, taken, wrong = asyncio.run(play())
    assert (late["code"], late["data"]) == ("50036", [])
    assert (taken["code"], taken["data"][0]["sCode"]) == ("0", "0")
    assert (wrong["code"], wrong["msg"]) == ("60033", "Parameter expTime error.")
    assert len(account.get("trade/orders-pending")["data"]) == 1


@pytest.mark.parametrize(
    "mode, instrument, margin, code",
    [
        ("multi", "BTC-USDT", "cross", "51010"),
        ("multi", "BTC-USDT", "isolated", "0"),
        ("portfolio", "BTC-USDT", "cross", "51010"),
        ("futures", "BTC-USDT", "cross", "0"),
        ("futures", "BTC-USDT", "isolated", "0"),
        ("spot", "BTC-USDT", "cross", "51010"),
        ("spot", "BTC-USDT", "isolated", "51010"),
        ("spot", SWAP, "cross", "51010"),
    ],
)
def test_leverage_is_set_where_the_mode_has_one(server, mode, instrument, margin, code):
    """A pair has a leverage of its own where the account trades it on that margin."""
    account = Account(server, mode)
    body = {"instId": instrument, "lever": "5", "mgnMode": margin}
    assert account.post("account/set-leverage", body)["code"] == code


@pytest.mark.parametrize("target", [None, "base_ccy", "quote_ccy"])
@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("share, state, source", [(1, "canceled", "15"), (2, "filled", "")])
def test_a_market_order_is_filled_where_all_of_it_is(server, target, side, share, state, source):
    """Whatever its size is counted in: of 0.5 ETH that is bid and asked, twice as much and as much."""
    account = Account(server, "spot")
    server.apply(
        {"type": "deposit", "account": account.name, "asset": "ETH", "amount": "1"},
        {"type": "prices", "venue": "okx", "index": {"ETH": "3000"}},
        {
            "type": "quotes",
            "venue": "okx",
            "quotes": {"ETH-USDT": {"bid": "3000", "ask": "3000.01", "bid_size": "0.5", "ask_size": "0.5"}},
        },
    )
    counts_quote = target == "quote_ccy" or target is None and side == "buy"
    price = Fraction("3000.01") if side == "buy" else Fraction(3000)
    size = str(float(price / share)) if counts_quote else str(1 / share)
    order = {"instId": "ETH-USDT", "tdMode": "cash", "side": side, "px": "", "ordType": "market", "sz": size}
    done = account.order(**order | ({"tgtCcy": target} if target else {}))
    assert done["sCode"] == "0", done
    row = account.get(f"trade/order?instId=ETH-USDT&ordId={done['ordId']}")["data"][0]
    assert (row["state"], row["accFillSz"], row["cancelSource"]) == (state, "0.5", source)
