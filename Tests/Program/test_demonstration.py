"""The demonstration: believable accounts of every venue and mode, whose public keys work."""

import decimal
import json
import re

import pytest

import venue_requests
from server import ROOT, Server

MODES = {"1": "spot", "2": "futures", "3": "multi", "4": "portfolio"}


@pytest.fixture(scope="module")
def demo():
    with Server("--demo", "--rate-limits", "off") as server:
        yield server


@pytest.fixture(scope="module")
def accounts(demo):
    names = [row["account"] for row in demo.admin("GET", "/accounts").json["accounts"]]
    return {name: demo.account(name) for name in names}


@pytest.mark.parametrize("venue", venue_requests.VENUES)
def test_public_keys_work(demo, venue):
    answer = venue_requests.balance(demo, venue, venue_requests.DEMONSTRATION_KEYS[venue])
    assert answer.status == 200, answer.body
    assert b'"0.00000001"' not in answer.body


def test_every_venue_and_mode_is_there(accounts):
    settings = {(row["venue"], json.dumps(row["settings"], sort_keys=True)) for row in accounts.values()}
    assert {venue for venue, _ in settings} == set(venue_requests.VENUES)
    okx = {row["settings"].get("mode", "multi") for row in accounts.values() if row["venue"] == "okx"}
    assert okx >= set(MODES.values())
    binance = [row["settings"] for row in accounts.values() if row["venue"] == "binance"]
    assert {bool(row.get("multi_assets")) for row in binance} == {True, False}
    assert any(row.get("hedge") for row in binance)


def test_some_have_subaccounts_positions_orders_and_debts(accounts):
    assert {row["venue"] for row in accounts.values() if row.get("parent")} >= {"crypto-com"}
    assert {row["venue"] for row in accounts.values() if row["positions"]} == set(venue_requests.VENUES)
    assert len({row["venue"] for row in accounts.values() if row["orders"]}) >= 3
    assert any(holding["cash"].startswith("-") for row in accounts.values() for holding in row["holdings"])


def test_one_is_near_its_liquidation(demo, accounts):
    """Some position would be liquidated by a move of the mark of less than 1 %."""
    distances = []
    for name in (name for name, row in accounts.items() if row["venue"] == "okx"):
        answer = venue_requests.okx(demo, demo.issue_key(name), path="/api/v5/account/positions")
        assert answer.json["code"] == "0"
        for position in answer.json["data"]:
            if position["liqPx"]:
                mark = decimal.Decimal(position["markPx"])
                distances.append(abs(decimal.Decimal(position["liqPx"]) - mark) / mark)
    assert min(distances) < decimal.Decimal("0.01")


def test_it_is_the_same_every_time(demo):
    standing = ("--demo", "--ledger-time", "2026-06-01T00:00:00Z")
    with Server(*standing) as first, Server(*standing) as second:
        assert first.everything() == second.everything()


def test_it_goes_into_an_empty_store_only(start, store):
    one = start(store=store)
    one.apply({"type": "open_account", "account": "my-own", "venue": "okx"})
    assert one.stop() == 0
    from server import run

    ended = run("serve", "--demo", "--store", store, "--listen", "127.0.0.1:0")
    assert ended.returncode == 64
    assert "my-own" in ended.stderr


def test_it_starts_again_with_what_was_added_to_it(start, store):
    """`scripts/serve-demo` twice, with an account of one's own and moved figures in between."""
    one = start("--demo", store=store)
    one.apply(
        {"type": "open_account", "account": "my-own", "venue": "okx"},
        {"type": "deposit", "account": "my-own", "asset": "USDT", "amount": "5"},
    )
    before = one.everything()
    one.kill()
    again = start("--demo", store=store)
    assert again.everything() == before


def test_readme_shows_the_keys():
    text = (ROOT / "README.md").read_text()
    for key in venue_requests.DEMONSTRATION_KEYS.values():
        for value in key.values():
            assert re.search(rf"`{re.escape(value)}`", text), value
