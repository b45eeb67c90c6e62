"""The desk on recorded bodies and variants of them: what a book, a rehost and a replay make of numbers with
many digits, of instruments that no rulebook knows, of demo trading and of answers that show a part."""

import contextlib
import copy
import json
import pathlib
import re
from decimal import Decimal

import pytest
from desk import Desk, entry
from relay import Relay
from server import ROOT, Server

RECORDED = pathlib.Path(ROOT, "Tests", "Recorded")
PATHS = {
    "okx": {"balance": "/api/v5/account/balance", "positions": "/api/v5/account/positions",
            "config": "/api/v5/account/config", "open-orders": "/api/v5/trade/orders-pending"},
    "binance": {"account": "/fapi/v3/account", "positions": "/fapi/v3/positionRisk",
                "config": "/fapi/v1/accountConfig", "balance": "/fapi/v3/balance",
                "prices": "/fapi/v1/assetIndex"},
    "rails": {"token": "/api/v1/token", "balances": "/api/v1/balances",
              "open-orders": "/api/v1/open-orders"},
    "crypto-com": {"user-balance": "/exchange/v1/private/user-balance",
                   "subaccount-balances": "/exchange/v1/private/get-subaccount-balances",
                   "positions": "/exchange/v1/private/get-positions",
                   "open-orders": "/exchange/v1/private/get-open-orders",
                   "accounts": "/exchange/v1/private/get-accounts"},
}
TOKEN = {"access_token": "made-up", "expires_in": 1800}
NOTHING = {"code": "0", "msg": "", "data": []}


def recorded(venue: str, name: str):
    return json.loads((RECORDED / venue / f"{name}.json").read_text())


@contextlib.contextmanager
def venue_of(venue: str, bodies: dict, folder: pathlib.Path, **content):
    """A desk of an account of which a venue answers these bodies."""
    answers = {PATHS[venue][call]: json.dumps(body).encode()
               for call, body in (bodies | ({"token": TOKEN} if venue == "rails" else {})).items()}

    def intercept(seen):
        body = answers.get(seen.endpoint)
        return (200 if body else 403), {"Content-Type": "application/json"}, body or b'{"code":"50030"}'

    with Relay(None, intercept) as relay:
        yield Desk(folder, [entry(venue, relay.url, name="a", allow=["trade", "withdraw"])], attempts=1,
                   **content)


def book(desk: Desk) -> dict:
    return json.loads(desk.run("portfolio", "--json").stdout)


def replayed(desk: Desk, venue: str) -> tuple[dict, str]:
    """The book of the account as a replay serves it, and what was assumed."""
    desk.run("record")
    made = desk.run_plain("replay", "a", "--scenario", "scenario.json")
    assert made.returncode == 0, made.stderr
    with Server("--rate-limits", "off", "--scenario", str(desk.folder / "scenario.json")) as server:
        copied = Desk(desk.folder / "copy", [entry(venue, server.url, credentials={"env": "COPY"},
                                                   allow=["trade", "withdraw"])])
        words = {f"COPY_{part.upper()}": f"replay-replay-{part}" for part in ("secret", "passphrase")}
        return copied.json("portfolio", COPY_API_KEY="replay-replay-key", **words), made.stderr


def equity(found: dict) -> Decimal:
    total = found["totals"]["figures"]["equity"]
    assert total["complete"], total
    return Decimal(total["value"])


def near(one: Decimal, other: str) -> bool:
    return abs(one - Decimal(other)) < Decimal("0.0000001")


@pytest.fixture(autouse=True)
def copy_folder(tmp_path):
    (tmp_path / "copy").mkdir()


def okx(name: str, *more: str) -> dict:
    return {"balance": recorded("okx", f"{name}_balance"), "open-orders": NOTHING} | {
        call: recorded("okx", f"{name}_{call}") for call in more}


# Numbers with more digits than a decimal holds


def long_numbers() -> dict:
    """A long of 1,000 DOGE, entered at an average with 19 places, with cash of 19 places."""
    bodies = okx("bigtime", "positions")
    account = bodies["balance"]["data"][0]
    [detail], [position] = account["details"], bodies["positions"]["data"]
    detail |= {"cashBal": "1000.1234567890123456789", "eq": "1006.6656666655555666789",
               "upl": "6.54220987654322", "isoUpl": "0", "isoEq": "0", "frozenBal": "0",
               "eqUsd": "1006.6656666655555666789"}
    account |= {"totalEq": "1006.6656666655555666789"}
    position |= {"instId": "DOGE-USDT-SWAP", "pos": "1", "avgPx": "0.1234577901234567891", "markPx": "0.13",
                 "mgnMode": "cross", "margin": "", "upl": "6.54220987654322", "lever": "3",
                 "notionalUsd": "130"}
    return bodies


def test_numbers_of_more_than_18_places_count_in_totals(tmp_path):
    with venue_of("okx", long_numbers(), tmp_path) as desk:
        found = book(desk)
    assert near(equity(found), "1006.6656666655555666789")
    wallet = found["totals"]["figures"]["wallet"]
    assert wallet["complete"] and near(Decimal(wallet["value"]), "1000.1234567890123456789")
    # What the venue sent stays as it is.
    [account] = found["accounts"]
    assert account["figures"]["equity"] | {"state": "unheld"} == account["figures"]["equity"]


def test_numbers_of_more_than_18_places_are_not_lost_in_a_replay(tmp_path):
    with venue_of("okx", long_numbers(), tmp_path) as desk:
        found, _ = replayed(desk, "okx")
    [position] = found["accounts"][0]["positions"]
    assert position["figures"]["quantity"]["value"] == "1"
    assert near(equity(found), "1006.6656666655555666789")


@pytest.mark.parametrize("other", ["crypto-com", "rails"])
def test_numbers_of_more_than_18_places_are_not_lost_under_another_venue(other, tmp_path):
    """What it would be worth at Rails is in several answers."""
    with venue_of("okx", long_numbers(), tmp_path) as desk:
        [found] = json.loads(desk.run("rehost", "--account", "a", "--to", other, "--json").stdout)
    worth = {row["figure"]: row["to"] for row in found["figures"]}["equity"]
    assert near(Decimal(worth["value"]), "1006.66566666")
    assert {row["source"] for row in found["mappings"]} == {"USDT", "DOGE-USDT-SWAP"}


def test_an_amount_that_is_no_number_is_told_under_another_venue(tmp_path):
    bodies = long_numbers()
    bodies["balance"]["data"][0]["details"][0] |= {"eq": "", "cashBal": ""}
    with venue_of("okx", bodies, tmp_path) as desk:
        [found] = json.loads(desk.run("rehost", "--account", "a", "--to", "crypto-com", "--json").stdout)
    [row] = [row for row in found["mappings"] if row["source"] == "USDT"]
    assert row["amount"] is None and "left out" in row["remark"]


# What is left out keeps its worth


def test_an_isolated_position_that_is_left_out_leaves_its_margin_and_profit(tmp_path):
    """BIGTIME is in no rulebook: 100 of cash, a margin of 9.9995625 and a loss of 0.0613."""
    with venue_of("okx", okx("bigtime", "positions"), tmp_path) as desk:
        before, (after, notes) = book(desk), replayed(desk, "okx")
    assert abs(equity(before) - equity(after)) < Decimal("0.0001") and equity(after) > 109
    assert "BIGTIME-USDT-SWAP" in notes and "9.9382624999999919 USDT" in notes


def test_an_option_that_is_left_out_leaves_what_it_is_worth(tmp_path):
    bodies = okx("p1", "positions")
    bodies["positions"]["data"][0] |= {
        "instType": "OPTION", "instId": "BTC-USD-280328-100000-C", "pos": "1", "optVal": "0.0004",
        "upl": "0.0001", "lever": "", "avgPx": "0.03", "markPx": "0.04"}
    with venue_of("okx", bodies, tmp_path) as desk:
        after, _ = replayed(desk, "okx")
    [coin] = after["accounts"][0]["assets"]
    assert Decimal(coin["figures"]["wallet"]["value"]) == Decimal("0.0019")


def test_a_profit_in_an_asset_that_is_not_listed_stays_in_the_one_it_counts_in(tmp_path):
    """PEOPLEUSDT is in no rulebook and its margin asset, BNFCR, not among the rows: USDT shows its loss."""
    bodies = {"account": recorded("binance", "people_account"),
              "positions": recorded("binance", "people_risk")}
    with venue_of("binance", bodies, tmp_path) as desk:
        after, _ = replayed(desk, "binance")
    [usdt] = [row for row in after["accounts"][0]["assets"] if row["asset"] == "USDT"]
    assert usdt["figures"]["equity"]["value"] == "7583.86946416"


@pytest.mark.parametrize("name", ["document", "document_2024"])
def test_positions_that_no_answer_shows_leave_what_they_have_earned(name, tmp_path):
    """A loss of 7.5456 USDT stands in the row, and no position."""
    with venue_of("okx", okx(name) | {"positions": NOTHING}, tmp_path) as desk:
        after, notes = replayed(desk, "okx")
        [found] = json.loads(desk.run("rehost", "--account", "a", "--to", "crypto-com", "--json").stdout)
    [usdt] = after["accounts"][0]["assets"]
    assert near(Decimal(usdt["figures"]["equity"]["value"]), "4992.890093622894")
    assert "-7.545600000000006 USDT" in notes
    [row] = found["mappings"]
    assert row["amount"] == "4992.890093622894"


# Contracts of demo trading


def test_contracts_of_another_value_keep_their_size(tmp_path):
    """Demo trading's contract is 0.001 BTC, the rulebook's 0.01."""
    with venue_of("okx", okx("demo", "positions"), tmp_path) as desk:
        before, (after, notes) = book(desk), replayed(desk, "okx")
        [found] = json.loads(desk.run("rehost", "--account", "a", "--to", "crypto-com", "--json").stdout)
    [old], [new] = (account["accounts"][0]["positions"] for account in (before, after))
    for figure in ("unrealized_pnl", "initial_margin"):
        assert near(Decimal(new["figures"][figure]["value"]), old["figures"][figure]["value"]), figure
    assert "demo trading" in notes
    [row] = [row for row in found["mappings"] if row["source"] == "BTC-USDT-SWAP"]
    contracts = Decimal(old["figures"]["quantity"]["value"])
    assert Decimal(row["target_amount"]) == contracts * Decimal("0.001")


# Answers that show a part, or do not fit together


@pytest.mark.parametrize("name", ["document", "document_2024"])
def test_totals_of_some_currencies_are_not_complete(name, tmp_path):
    with venue_of("okx", okx(name) | {"positions": NOTHING}, tmp_path) as desk:
        found, (_, notes) = book(desk), replayed(desk, "okx")
        [other] = json.loads(desk.run("rehost", "--account", "a", "--to", "rails", "--json").stdout)
    assert "some of the currencies" in other["incomplete"][0]
    totals = found["totals"]["figures"]
    assert totals["equity"]["complete"] and not totals["wallet"]["complete"]
    assert "some of the currencies" in totals["wallet"]["gaps"][0]["reason"]
    assert "some of the account's currencies" in notes


def test_a_currency_that_counts_is_collateral_whatever_its_switch_says(tmp_path):
    """The documentation's own sample has collateralEnabled false beside a discounted equity."""
    with venue_of("okx", okx("document") | {"positions": NOTHING}, tmp_path) as desk:
        after, _ = replayed(desk, "okx")
    assert Decimal(after["accounts"][0]["figures"]["collateral"]["value"]) > 4900


@pytest.mark.parametrize("mode, side", [("long_short_mode", "net"), ("net_mode", "short")])
def test_a_position_mode_that_the_positions_are_not_in(mode, side, tmp_path):
    """The mode was switched between two answers."""
    bodies = okx("p1", "positions") | {"config": recorded("okx", "document_config")}
    bodies["config"]["data"][0] |= {"posMode": mode, "acctLv": "2"}
    bodies["positions"]["data"][0] |= {"posSide": side}
    with venue_of("okx", bodies, tmp_path) as desk:
        after, notes = replayed(desk, "okx")
    [position] = after["accounts"][0]["positions"]
    assert Decimal(position["figures"]["quantity"]["value"]).copy_abs() == 1
    assert near(Decimal(position["figures"]["unrealized_pnl"]["value"]), "-0.0000009277715134")
    assert "another position mode" in notes


def test_rows_of_binance_in_another_position_mode(tmp_path):
    bodies = copy.deepcopy({"account": recorded("binance", "people_account"),
                            "positions": recorded("binance", "people_risk_usdt")})
    text = re.sub("PEOPLEUSDT", "DOGEUSDT", json.dumps(bodies))
    bodies = json.loads(text) | {"config": {
        "feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": True, "dualSidePosition": True,
        "updateTime": 0, "multiAssetsMargin": False, "tradeGroupId": -1}}
    with venue_of("binance", bodies, tmp_path) as desk:
        after, notes = replayed(desk, "binance")
    [position] = after["accounts"][0]["positions"]
    assert Decimal(position["figures"]["quantity"]["value"]) == -103176
    assert "another position mode" in notes


# Rows that an answer tells twice


def crypto_com(**answers) -> dict:
    return {call: {"id": 1, "method": f"private/get-{call}", "code": 0, "result": {"data": rows}}
            for call, rows in answers.items()}


def binance() -> dict:
    """Single-asset mode, where the book sums the assets."""
    return {"account": recorded("binance", "2022_account"), "config": {
        "feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": True, "dualSidePosition": False,
        "updateTime": 0, "multiAssetsMargin": False, "tradeGroupId": -1}}


def rows_of(venue: str) -> tuple[dict, list]:
    """Answers of a venue, and the rows of assets in them."""
    if venue == "okx":
        bodies = okx("p1", "positions")
        return bodies, bodies["balance"]["data"][0]["details"]
    if venue == "binance":
        bodies = binance()
        return bodies, bodies["account"]["assets"]
    account = recorded("crypto-com", "2023_cross_user-balance")
    return {"user-balance": account}, account["result"]["data"][0]["position_balances"]


def values(found: dict) -> dict:
    return {name: total["value"] for name, total in found["totals"]["figures"].items() if total["complete"]}


@pytest.mark.parametrize("venue", ["okx", "binance", "crypto-com"])
def test_an_asset_that_is_told_twice_counts_once(venue, tmp_path):
    bodies, rows = rows_of(venue)
    for held in (dict(row) for row in rows):
        with venue_of(venue, bodies, tmp_path) as desk:
            once = book(desk)
            before = json.loads(desk.run("rehost", "--to", "rails", "--json").stdout)[0]
        rows.append(held)
        with venue_of(venue, bodies, tmp_path) as desk:
            twice = book(desk)
            after = json.loads(desk.run("rehost", "--to", "rails", "--json").stdout)[0]
        rows.pop()
        assert values(twice) == values(once)
        assert after["mappings"] == before["mappings"]


@pytest.mark.parametrize("venue", ["okx", "binance", "crypto-com"])
def test_an_asset_that_is_told_in_two_ways_is_in_no_sum(venue, tmp_path):
    """Which of the two is right, nobody knows."""
    bodies, rows = rows_of(venue)
    field = {"okx": "cashBal", "binance": "walletBalance", "crypto-com": "quantity"}[venue]
    held = next(row for row in rows if Decimal(row[field]) != 0)
    name = next(held[key] for key in ("ccy", "asset", "instrument_name") if key in held)
    rows.append(held | {field: "7"})
    with venue_of(venue, bodies, tmp_path) as desk:
        found = book(desk)
        [crossed] = json.loads(desk.run("rehost", "--to", "rails", "--json").stdout)
    gaps = {gap["reason"] for total in found["totals"]["figures"].values() for gap in total["gaps"]}
    # Crypto.com's own totals cover the account, so that its rows are not summed.
    assert (f"two rows of {name} say different things" in gaps) == (venue != "crypto-com")
    [row] = [row for row in crossed["mappings"] if row["source"] == name]
    assert row["amount"] is None and row["target"] is None


@pytest.mark.parametrize("venue", ["okx", "crypto-com"])
def test_an_asset_that_is_told_twice_is_brought_once(venue, tmp_path):
    bodies, rows = rows_of(venue)
    with venue_of(venue, bodies, tmp_path) as desk:
        before, _ = replayed(desk, venue)
    rows += [dict(row) for row in rows]
    with venue_of(venue, bodies, tmp_path) as desk:
        after, notes = replayed(desk, venue)
    assert values(after) == values(before)
    assert "The answers tell one balance of " in notes


def test_a_position_that_is_told_twice_goes_to_another_venue_once(tmp_path):
    bodies = okx("p1", "positions")
    row = bodies["positions"]["data"][0]
    row["instId"] = "BTC-USDT-SWAP"
    amounts = []
    for rows in ([row], [row, dict(row)]):
        bodies["positions"]["data"] = rows
        with venue_of("okx", bodies, tmp_path) as desk:
            [crossed] = json.loads(desk.run("rehost", "--to", "binance", "--json").stdout)
        amounts.append([(row["source"], row["target_amount"]) for row in crossed["mappings"]])
    assert amounts[0] == amounts[1] and any(source == "BTC-USDT-SWAP" for source, _ in amounts[0])


def test_a_subaccount_that_is_told_twice_counts_once(tmp_path):
    account = recorded("crypto-com", "2023_cross_user-balance")
    child = account["result"]["data"][0] | {"account": "00000000-0000-4000-8000-00000000000c"}
    sums = []
    for children in ([child], [child, dict(child)]):
        bodies = {"user-balance": account} | crypto_com(**{"subaccount-balances": children})
        with venue_of("crypto-com", bodies, tmp_path) as desk:
            found = book(desk)
        sums.append(values(found))
        assert len(found["totals"]["figures"]["wallet"]["parts"]) == 2
    assert sums[0] == sums[1] and "equity" in sums[0]


def test_an_isolated_position_that_is_told_twice_earns_once(tmp_path):
    row = recorded("crypto-com", "2023_ltc_positions")["result"]["data"][0] | {
        "isolation_id": "19848526", "isolation_type": "ISOLATED_MARGIN", "session_pnl": "12.5"}
    account = recorded("crypto-com", "2023_cross_user-balance")
    found = []
    for rows in ([row], [row, dict(row)]):
        with venue_of("crypto-com", {"user-balance": account} | crypto_com(positions=rows), tmp_path) as desk:
            found.append(book(desk)["accounts"][0]["figures"]["unrealized_pnl"]["value"])
    assert found == ["10.855", "10.855"]


# Orders by their names

ORDERS = {
    "okx": ("clOrdId", "ordId", lambda ids: {
        "instType": "SPOT", "instId": "BTC-USDT", "tdMode": "cross", "side": "buy", "posSide": "net",
        "sz": "0.01", "accFillSz": "0", "px": "9000", "ordType": "limit", "state": "live"} | ids),
    "crypto-com": ("client_oid", "order_id", lambda ids: {
        "instrument_name": "BTC_USD", "side": "BUY", "quantity": "0.0001", "cumulative_quantity": "0",
        "limit_price": "9000", "exec_inst": [], "status": "ACTIVE", "create_time": 1700000000000} | ids),
    "rails": ("clientRequestId", "orderId", lambda ids: {
        "market": "BTC-USD", "orderType": "buy", "quantity": "0.01", "price": "9000"} | ids),
}


@pytest.mark.parametrize("ids, expected", [
    # The client's own name of it may be missing, or none that an order can have here.
    ([("", "1"), ("", "2")], ["1", "2"]),
    ([("x" * 70, "1"), (None, "2")], ["1", "2"]),
    ([("x" * 70, "y" * 70), ("", ""), (None, None)], ["order-1", "order-2", "order-3"]),
    ([("order-2", "1"), ("", "")], ["order-2", "order-1"]),
    # What the venue calls by one name is one order, whatever the client calls it.
    ([("mine", "1"), ("mine", "1")], ["mine"]),
    ([("mine", "1"), ("", "1")], ["1"]),
    ([("mine", "1"), ("mine", "2")], ["1", "mine"]),
    ([("mine", ""), ("mine", "")], ["mine"]),
])
@pytest.mark.parametrize("venue", ORDERS)
def test_orders_come_in_once_each_under_a_name_that_they_can_have(venue, ids, expected, tmp_path):
    of_client, of_venue, made = ORDERS[venue]
    rows = [made({key: value for key, value in zip((of_client, of_venue), pair) if value is not None})
            for pair in ids]
    if venue == "okx":
        bodies = okx("p1") | {"open-orders": NOTHING | {"data": rows}}
    elif venue == "crypto-com":
        account = recorded("crypto-com", "2023_cross_user-balance")
        bodies = {"user-balance": account} | crypto_com(**{"open-orders": rows, "positions": []})
    else:
        bodies = {"balances": recorded("rails", "published_balances"), "open-orders": {"openOrders": rows}}
    with venue_of(venue, bodies, tmp_path) as desk:
        desk.run("record")
        made = desk.run_plain("replay", "a", "--scenario", "scenario.json")
    assert made.returncode == 0, made.stderr
    commands = json.loads((tmp_path / "scenario.json").read_text())["commands"]
    names = [row["order_id"] for row in commands if row["type"] == "place_order"]
    listed = [name for name in names if not name.startswith(("BTC-USD-", "ETH-USD-", "held-"))]
    assert sorted(listed) == sorted(expected)
    told = "The answers tell one order twice; the first time counts."
    assert (told in made.stderr) == (len(expected) < len(ids))
