"""`marginalia portfolio` against a real server: every digit as the venues answered it."""

import csv
import decimal
import io
import json
import re

import pytest
from desk import NAMES, Desk, entry
from relay import Relay
from server import Server, run
from venue_requests import VENUES

# The endpoint that each call of a venue asks, for looking its answer up.
ENDPOINTS = {
    "crypto-com": {
        "": "/exchange/v1/private/user-balance",
        "user-balance": "/exchange/v1/private/user-balance",
        "subaccount-balances": "/exchange/v1/private/get-subaccount-balances",
        "positions": "/exchange/v1/private/get-positions",
        "open-orders": "/exchange/v1/private/get-open-orders",
    },
    "rails": {
        "": "/api/v1/balances",
        "balances": "/api/v1/balances",
        "positions": "/api/v1/positions",
        "open-orders": "/api/v1/open-orders",
        "completed-orders": "/api/v1/completed-orders",
        "fundings": "/api/v1/fundings",
        "market-data": "/api/v1/market-data",
    },
    "binance": {
        "": "/fapi/v3/account",
        "account": "/fapi/v3/account",
        "positions": "/fapi/v3/positionRisk",
        "prices": "/fapi/v1/assetIndex",
        "config": "/fapi/v1/accountConfig",
        "balance": "/fapi/v3/balance",
    },
    "okx": {
        "": "/api/v5/account/balance",
        "balance": "/api/v5/account/balance",
        "positions": "/api/v5/account/positions",
        "config": "/api/v5/account/config",
    },
}


@pytest.fixture(scope="module")
def server():
    with Server("--demo") as running:
        yield running


@pytest.fixture(scope="module")
def relay(server):
    with Relay(server.port) as running:
        yield running


@pytest.fixture(scope="module")
def desk(relay, tmp_path_factory):
    return Desk(tmp_path_factory.mktemp("desk"), [entry(venue, relay.url) for venue in VENUES])


@pytest.fixture(scope="module")
def book(desk):
    return desk.json("portfolio")


def rows(account: dict):
    """Every figure of an account, with a name for messages."""
    for name, figure in account["figures"].items():
        yield f"{account['account']} {name}", figure
    for row in account["assets"] + account["positions"]:
        title = row.get("asset") or row["instrument"]
        for name, figure in row["figures"].items():
            yield f"{account['account']} {title} {name}", figure


def step_into(value, path: str):
    """The value that a path such as `data[0].details[2].eq` leads to, and whether it is there."""
    for key, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        if index:
            if not isinstance(value, list) or int(index) >= len(value):
                return None, False
            value = value[int(index)]
        else:
            if not isinstance(value, dict) or key not in value:
                return None, False
            value = value[key]
    return value, True


def reported(relay: Relay, venue: str, field: str):
    """What stands in a field of the answer that the relay handed on; numbers as they were written."""
    call, _, path = field.rpartition(" ")
    endpoint = ENDPOINTS[venue][call]
    keep = lambda text: ("number", text)  # noqa: E731
    body = json.loads(relay.answers[endpoint], parse_float=keep, parse_int=keep)
    return step_into(body, path)


def test_everything_is_read(book):
    assert book["complete"] is True and book["not_read"] == []
    names = [account["account"] for account in book["accounts"]]
    assert [name for name in names if "/" not in name] == [NAMES[venue] for venue in VENUES]
    assert [name for name in names if name.startswith("cdc/")], names


def test_every_figure_is_the_venues_own_text(book, relay):
    compared = {}
    for account in book["accounts"]:
        for name, figure in rows(account):
            if figure["derived"]:  # it says from what
                assert figure["field"] and figure["state"] == "number", name
                continue
            value, is_there = reported(relay, account["venue"], figure["field"])
            if figure["state"] == "absent":
                assert not is_there, name
            elif figure["state"] == "null":
                assert is_there and value is None, name
            else:
                text = value[1] if isinstance(value, tuple) else value
                assert is_there and figure["value"] == text, f"{name}: {figure} is not {value!r}"
                compared[account["venue"]] = compared.get(account["venue"], 0) + 1
    assert set(compared) == set(VENUES) and all(count >= 8 for count in compared.values()), compared


def test_states_are_told_apart(book):
    states = {figure["state"] for account in book["accounts"] for _, figure in rows(account)}
    assert {"number", "empty"} <= states


def test_totals_are_the_sum_of_their_parts(book):
    with decimal.localcontext(prec=60):
        for name, total in book["totals"]["figures"].items():
            if total["value"] is None:
                assert not total["parts"], name
                continue
            assert decimal.Decimal(total["value"]) == sum(
                decimal.Decimal(part["value"]) for part in total["parts"]
            ), name
            missing = {gap["account"] for gap in total["gaps"]}
            assert len(total["parts"]) + len(missing) == len(book["accounts"]), name
    equity = book["totals"]["figures"]["equity"]
    assert equity["complete"], equity["gaps"]


def test_every_price_in_the_totals_is_listed(book):
    prices = {(price["asset"], price["account"]): price for price in book["totals"]["prices"]}
    binance = next(row for row in book["accounts"] if row["venue"] == "binance")
    equity = binance["figures"]["equity"]
    assert equity["unit"] == "USDT"
    price = prices["USDT", NAMES["binance"]]
    assert price["origin"] == "reported"
    part = next(
        part
        for part in book["totals"]["figures"]["equity"]["parts"]
        if part["account"] == NAMES["binance"]
    )
    with decimal.localcontext(prec=60):
        exact = decimal.Decimal(equity["value"]) * decimal.Decimal(price["usd"])
        assert decimal.Decimal(part["value"]) == exact.quantize(decimal.Decimal("1e-18"))


def test_totals_in_another_asset(desk):
    book = desk.json("portfolio", "--in", "BTC")
    assert book["totals"]["asset"] == "BTC"
    assert book["totals"]["prices"][0]["asset"] == "BTC"
    assert 1 < decimal.Decimal(book["totals"]["figures"]["equity"]["value"]) < 5
    unknown = desk.json("portfolio", "--in", "NOPE")
    assert unknown["totals"]["figures"]["equity"]["value"] is None


def test_csv_has_every_figure(desk, book):
    lines = list(csv.DictReader(io.StringIO(desk.run("portfolio", "--csv").stdout)))
    count = sum(1 for account in book["accounts"] for _ in rows(account))
    assert len(lines) == count
    okx = next(row for row in book["accounts"] if row["venue"] == "okx")
    line = next(
        line
        for line in lines
        if line["account"] == NAMES["okx"] and line["level"] == "account" and line["figure"] == "equity"
    )
    assert line["value"] == okx["figures"]["equity"]["value"]
    assert line["field"] == okx["figures"]["equity"]["field"]


def test_the_table_shows_the_same_digits(desk, book):
    shown = desk.run("portfolio").stdout
    for account in book["accounts"]:
        for name in ("equity", "available", "maintenance_margin"):
            figure = account["figures"].get(name)
            if figure and figure["state"] == "number":
                assert figure["value"] in shown
    assert "Totals in USD" in shown and "Prices used" in shown and "Not read" not in shown


def test_some_accounts_only(desk):
    book = desk.json("portfolio", "--account", NAMES["okx"], "--account", NAMES["rails"])
    assert {account["venue"] for account in book["accounts"]} == {"okx", "rails"}
    refused = desk.run("portfolio", "--account", "nobody")
    assert refused.returncode == 64 and "nobody" in refused.stderr


@pytest.mark.parametrize("command", ("portfolio", "watch", "audit", "desk"))
def test_help_has_an_example(command):
    shown = run(command, "--help")
    assert shown.returncode == 0 and "Example:" in shown.stdout
