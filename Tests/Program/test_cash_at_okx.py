"""Interest and deposits at OKX, and leverage by side."""

import pytest

from server import Server
from test_orders_at_okx import SWAP, Account

INVERSE = "BTC-USD-SWAP"
HOUR = 3_600_000
BEGINNING = 1_795_132_800_000


@pytest.fixture
def server():
    with Server("--ledger-time", "2026-11-20T00:00:00Z", "--rate-limits", "off") as server:
        touch = {"bid": "50001.2", "ask": "50001.3", "last": "50001.3"}
        server.apply(
            {
                "type": "prices",
                "venue": "okx",
                "marks": {SWAP: "60000", "BTC-USDT": "60000", INVERSE: "50001.3"},
                "index": {"USDT": "1", "BTC": "60000", "USD": "1"},
            },
            {"type": "quotes", "venue": "okx", "quotes": {INVERSE: touch}},
        )
        yield server


def test_fills_at_one_price_have_that_price(server):
    """The ledger keeps 18 places of each quotient; the price of their sum is the one that was traded."""
    account = Account(server)
    server.apply({"type": "deposit", "account": account.name, "asset": "BTC", "amount": "1"})
    for size in ("1", "1", "1", "2"):
        account.market(instId=INVERSE, sz=size)
    assert [row["avgPx"] for row in account.get("account/positions")["data"]] == ["50001.3"]
    account.market(instId=INVERSE, sz="3", side="sell")
    assert [row["avgPx"] for row in account.get("account/positions")["data"]] == ["50001.3"]
    account.market(instId=INVERSE, sz="2", side="sell")
    closed = account.get("account/positions-history")["data"][0]
    assert (closed["openAvgPx"], closed["closeAvgPx"]) == ("50001.3", "50001.2")


def charge(server: Server, account: Account, hours: int, **members):
    server.admin("PUT", "/clock", {"advance_ms": hours * HOUR})
    server.apply({"type": "accrue_interest", "account": account.name, "hours": hours} | members)


def test_interest_is_listed_as_it_was_charged(server):
    account = Account(server, "spot", spot_borrow=True)
    server.apply({"type": "borrow", "account": account.name, "asset": "USDT", "amount": "97"})
    for _ in range(3):
        charge(server, account, 1, asset="USDT")
    daily = account.get("account/interest-rate?ccy=USDT")["data"][0]["interestRate"]
    rows = account.get("account/interest-accrued")["data"]
    assert [row["ts"] for row in rows] == [str(BEGINNING + hours * HOUR) for hours in (3, 2, 1)]
    first, second = rows[2], rows[1]
    assert list(first) == sorted(first)
    assert first == {
        "ccy": "USDT",
        "instId": "",
        "interest": first["interest"],
        "interestFreeLiab": "",
        "interestRate": daily,
        "liab": "97",
        "mgnMode": "cross",
        "totalLiab": "",
        "ts": str(BEGINNING + HOUR),
        "type": "2",
    }
    # What an hour adds is owed in the next.
    assert float(second["liab"]) == pytest.approx(97 + float(first["interest"]), abs=1e-12)

    def times(query: str) -> list[int]:
        found = account.get(f"account/interest-accrued?{query}")
        assert found["code"] == "0", found
        return [(int(row["ts"]) - BEGINNING) // HOUR for row in found["data"]]

    assert times(f"after={BEGINNING + 3 * HOUR}") == [2, 1]
    assert times(f"before={BEGINNING + 2 * HOUR}") == [3]
    assert times("limit=2") == [3, 2]
    assert times("ccy=USDT&type=2&mgnMode=cross") == [3, 2, 1]
    assert times("ccy=BTC") == times("type=1") == times("mgnMode=isolated") == times("instId=BTC-USDT") == []
    for query in ("type=3", "mgnMode=both", "after=x", "limit=0"):
        assert account.get(f"account/interest-accrued?{query}")["code"] == "51000"


def test_interest_of_a_margin_position_names_its_pair(server):
    account = Account(server)
    server.apply(
        {
            "type": "import_position",
            "account": account.name,
            "instrument": "BTC-USDT",
            "quantity": "0.12",
            "entry_price": "60000",
            "margin_mode": "isolated",
            "isolated_wallet": "0.02",
        }
    )
    charge(server, account, 1, asset="USDT", instrument="BTC-USDT")
    row = account.get("account/interest-accrued?mgnMode=isolated&instId=BTC-USDT")["data"][0]
    assert (row["ccy"], row["liab"], row["mgnMode"]) == ("USDT", "6000", "isolated")


def test_deposits_are_listed(server):
    account = Account(server)
    server.admin("PUT", "/clock", {"advance_ms": HOUR})
    server.apply({"type": "deposit", "account": account.name, "asset": "BTC", "amount": "1.50"})
    rows = account.get("asset/deposit-history")["data"]
    assert [(row["ccy"], row["amt"], row["state"]) for row in rows] == [
        ("BTC", "1.5", "2"),
        ("USDT", "10000", "2"),
    ]
    first = rows[0]
    chains = [row["chain"] for row in account.get("asset/currencies?ccy=BTC")["data"]]
    assert list(first) == sorted(first)
    assert (first["chain"], first["ts"]) == (chains[0], str(BEGINNING + HOUR))
    assert len(first["txId"]) == 64 and first["txId"] != rows[1]["txId"]

    def found(query: str) -> list[str]:
        answer = account.get(f"asset/deposit-history?{query}")
        assert answer["code"] == "0", answer
        return [row["ccy"] for row in answer["data"]]

    assert found("ccy=BTC") == found(f"depId={first['depId']}") == found(f"txId={first['txId']}") == ["BTC"]
    assert found("limit=1") == found(f"before={BEGINNING}") == ["BTC"]
    assert found(f"after={BEGINNING + HOUR}") == ["USDT"]
    assert found("state=2&type=4") == ["BTC", "USDT"]
    assert found("state=0") == found("type=3") == found("fromWdId=1") == []
    for query in ("type=5", "state=x"):
        assert account.get(f"asset/deposit-history?{query}")["code"] == "51000"


def test_sides_have_isolated_leverages_of_their_own(server):
    account = Account(server, hedge=True)

    def post(**members) -> dict:
        return account.post("account/set-leverage", {"instId": SWAP, "mgnMode": "isolated"} | members)

    for side in ({}, {"posSide": ""}, {"posSide": "net"}, {"posSide": "both"}):
        before = server.account(account.name)
        assert post(lever="7", **side) == {"code": "51000", "data": [], "msg": "Parameter posSide error"}
        assert server.account(account.name) == before
    for side, lever in (("long", "10"), ("short", "20")):
        assert post(lever=lever, posSide=side)["data"] == [
            {"instId": SWAP, "lever": lever, "mgnMode": "isolated", "posSide": side}
        ]
    rows = account.get(f"account/leverage-info?instId={SWAP}&mgnMode=isolated")["data"]
    assert [(row["posSide"], row["lever"]) for row in rows] == [("long", "10"), ("short", "20")]
    # Both sides share a cross leverage.
    assert post(lever="5", mgnMode="cross")["code"] == "0"
    # What can be bought opens a long, what can be sold a short.
    size = account.get(f"account/max-size?instId={SWAP}&tdMode=isolated")["data"][0]
    assert (size["maxBuy"], size["maxSell"]) == ("165.83", "330.03")
    trades = (("long", "buy", "60000.1", "60.0001"), ("short", "sell", "60000", "30"))
    for side, direction, price, margin in trades:
        order = {"tdMode": "isolated", "posSide": side, "side": direction, "px": price, "sz": "1"}
        placed = account.order(**order)
        assert placed["sCode"] == "0", placed
        row = account.get("account/positions")["data"][-1]
        assert (row["posSide"], row["margin"]) == (side, margin)


def test_net_mode_has_no_sides(server):
    account = Account(server)
    body = {"instId": SWAP, "mgnMode": "isolated", "lever": "7"}
    assert account.post("account/set-leverage", body | {"posSide": "long"})["code"] == "51000"
    for side in ({}, {"posSide": "net"}):
        assert account.post("account/set-leverage", body | side)["code"] == "0"


def test_the_currency_of_a_waiting_stop_is_that_of_what_it_would_place(server):
    """As that of an open order: of a position that has closed since, another than at its placing."""
    account = Account(server)
    touch = {"bid": "59990", "ask": "60000", "last": "60000"}
    server.apply(
        {"type": "quotes", "venue": "okx", "quotes": {"BTC-USDT": touch}},
        {"type": "deposit", "account": account.name, "asset": "BTC", "amount": "1"},
        {"type": "set_leverage", "account": account.name, "instrument": "BTC-USDT", "leverage": "5"},
    )
    pair = {"instId": "BTC-USDT", "tdMode": "isolated"}
    account.market(**pair, sz="6000")
    assert account.stop(**pair, sz="0.1")["sCode"] == "0"

    def currencies() -> list[str]:
        return [row["ccy"] for row in account.get("trade/orders-algo-pending?ordType=conditional")["data"]]

    assert currencies() == ["BTC"]
    account.post("trade/close-position", {"instId": "BTC-USDT", "mgnMode": "isolated"})
    assert currencies() == ["USDT"]
