"""Whose accounts a book holds: one account behind two keys, keys of unknown rights, accounts left unread."""

import csv
import decimal
import io
import json

import pytest
from desk import NAMES, Desk, entry
from relay import Relay
from server import Server

CONFIG = "/api/v5/account/config"
SUBACCOUNTS = "/exchange/v1/private/get-subaccount-balances"
ACCOUNTS = "/exchange/v1/private/get-accounts"


@pytest.fixture(scope="module")
def server():
    with Server("--demo", "--rate-limits", "off") as running:
        yield running


def second_key(server, account: str, name: str, venue: str) -> tuple[dict, dict]:
    """An entry and the environment of another key, one that can only read."""
    words = {"api_key": f"made-up-{name}", "secret": "made-up-secret"}
    if venue == "okx":
        words["passphrase"] = "made-up-phrase"
    server.issue_key(account, **words)
    prefix = name.upper().replace("-", "_")
    variables = {f"{prefix}_{part.upper()}": text for part, text in words.items()}
    return entry(venue, server.url, name=name, credentials={"env": prefix}, allow=[]), variables


def equity(book: dict) -> dict:
    return book["totals"]["figures"]["equity"]


def digits(text: str) -> decimal.Decimal:
    return decimal.Decimal(text)


# One account behind two keys


def test_two_keys_of_one_okx_account_are_counted_once(server, tmp_path):
    twin, variables = second_key(server, "demo-okx", "okx-again", "okx")
    one = Desk(tmp_path, [entry("okx", server.url)]).json("portfolio")
    desk = Desk(tmp_path, [entry("okx", server.url), twin, entry("rails", server.url)])
    book = desk.json("portfolio", **variables)
    assert book["complete"] is True
    assert [row["account"] for row in book["accounts"]] == [NAMES["okx"], "okx-again", NAMES["rails"]]
    assert [row["same_as"] for row in book["accounts"]] == [None, NAMES["okx"], None]
    total = equity(book)
    assert total["complete"] is True and total["gaps"] == []
    assert [part["account"] for part in total["parts"]] == [NAMES["okx"], NAMES["rails"]]
    assert digits(total["parts"][0]["value"]) == digits(equity(one)["value"])
    [repeated] = book["totals"]["repeated"]
    assert repeated["account"] == "okx-again" and repeated["same_as"] == NAMES["okx"]
    assert repeated["uid"] == book["accounts"][0]["uid"]

    shown = desk.run("portfolio", **variables)
    assert shown.returncode == 0
    assert "Read twice, counted once" in shown.stdout
    assert f"okx-again at okx is the same account as {NAMES['okx']}" in shown.stderr
    lines = list(csv.DictReader(io.StringIO(desk.run("portfolio", "--csv", **variables).stdout)))
    assert {line["same_as"] for line in lines if line["account"] == "okx-again"} == {NAMES["okx"]}
    assert {line["same_as"] for line in lines if line["account"] != "okx-again"} == {""}


def test_a_crypto_com_subaccount_with_a_key_of_its_own_is_counted_once(server, tmp_path):
    """Its own answers name it; the list of sub-accounts does too, here by a uuid as there."""
    carry, variables = second_key(server, "demo-crypto-com-carry", "carry", "crypto-com")
    trend, more = second_key(server, "demo-crypto-com-trend", "trend", "crypto-com")
    alone = Desk(tmp_path, [carry, trend]).json("portfolio", **variables, **more)
    known = {row["account"]: row["uid"] for row in alone["accounts"]}
    assert all(known.values())
    with Relay(server.port) as relay:

        def intercept(seen):
            if seen.endpoint != SUBACCOUNTS:
                return None
            status, headers, body = relay._hand_on(seen)
            for name, uuid in known.items():
                ours = f'"demo-crypto-com-{name}"'
                body = body.replace(ours.encode(), f'"{uuid}"'.encode())
            return status, headers, body

        relay.intercept = intercept
        desk = Desk(tmp_path, [entry("crypto-com", relay.url), carry, trend])
        apart = desk.json("portfolio", **variables, **more)
        # Another address of this machine is another venue.
        assert apart["totals"]["repeated"] == []
        carry["base_url"] = trend["base_url"] = relay.url
        desk = Desk(tmp_path, [entry("crypto-com", relay.url), carry, trend])
        book = desk.json("portfolio", **variables, **more)
    repeated = {row["account"]: row["same_as"] for row in book["totals"]["repeated"]}
    assert repeated == {name: f"cdc/{uuid}" for name, uuid in known.items()}
    assert len(book["accounts"]) == 5 and equity(book)["complete"] is True
    assert {part["account"] for part in equity(book)["parts"]} == {
        row["account"] for row in book["accounts"]
    } - set(repeated)


def test_a_subaccount_of_this_server_with_a_key_of_its_own_is_counted_once(server, tmp_path):
    """The list calls it by its name in the ledger, its own answers by a uuid; both are one account."""
    carry, variables = second_key(server, "demo-crypto-com-carry", "carry", "crypto-com")
    trend, more = second_key(server, "demo-crypto-com-trend", "trend", "crypto-com")
    main = Desk(tmp_path, [entry("crypto-com", server.url)]).json("portfolio")
    desk = Desk(tmp_path, [entry("crypto-com", server.url), carry, trend])
    book = desk.json("portfolio", **variables, **more)
    assert {row["account"]: row["same_as"] for row in book["totals"]["repeated"]} == {
        name: f"cdc/demo-crypto-com-{name}" for name in ("carry", "trend")
    }
    assert digits(equity(book)["value"]) == digits(equity(main)["value"])


@pytest.fixture
def idle(start):
    """A server whose sub-account holds money, and has neither a position nor an order."""
    server = start("--demo", "--rate-limits", "off")
    server.apply(
        {"type": "open_account", "account": "idle", "venue": "crypto-com", "parent": "demo-crypto-com"},
        {"type": "deposit", "account": "idle", "asset": "USD", "amount": "1234.56"},
    )
    return server


def test_a_subaccount_that_holds_money_alone_is_counted_once(idle, tmp_path):
    key, variables = second_key(idle, "idle", "idle", "crypto-com")
    main = Desk(tmp_path, [entry("crypto-com", idle.url)]).json("portfolio")
    for accounts in ([entry("crypto-com", idle.url), key], [key, entry("crypto-com", idle.url)]):
        book = Desk(tmp_path, accounts).json("portfolio", **variables)
        assert {"idle", "cdc/idle"} in [
            {row["account"], row["same_as"]} for row in book["totals"]["repeated"]
        ]
        assert book["totals"]["alike"] == [] and equity(book)["complete"] is True
        assert digits(equity(book)["value"]) == digits(equity(main)["value"])


@pytest.mark.parametrize(
    "answer",
    [
        (401, {}, b'{"id":1,"code":40101,"message":"UNAUTHORIZED"}'),
        (400, {}, b'{"id":1,"code":40002,"message":"METHOD_NOT_FOUND"}'),
        (404, {}, b"{}"),
        (200, {}, b'{"id":1,"code":0,"result":{"master_account":{"uuid":"x"},"sub_account_list":[]}}'),
        (200, {}, b'{"id":1,"code":0,"result":{"this_account":null}}'),
        (200, {}, b'{"id":1,"code":0,"result":{"this_account":{"uuid":""}}}'),
        (200, {}, b'{"id":1,"code":0,"result":[]}'),
    ],
)
def test_a_subaccount_that_nothing_names_may_be_another(idle, tmp_path, answer):
    """It shows the same as one in the list: that is said, and that nobody knows whether it is that one."""
    key, variables = second_key(idle, "idle", "idle", "crypto-com")
    with Relay(idle.port, lambda seen: answer if seen.endpoint == ACCOUNTS else None) as relay:
        key["base_url"] = relay.url
        desk = Desk(tmp_path, [entry("crypto-com", relay.url), key])
        book = desk.json("portfolio", **variables)
        shown = desk.run("portfolio", **variables)
    [unknown] = book["totals"]["alike"]
    assert (unknown["account"], unknown["like"]) == ("idle", "cdc/idle")
    assert "whether they are one account is unknown" in unknown["message"]
    assert unknown["message"] in shown.stderr
    assert book["totals"]["repeated"] == [] and book["accounts"][-1]["uid"] is None
    assert [row["call"] for row in book["withheld"]].count("accounts") == (2 if answer[0] >= 400 else 0)


def test_a_venue_that_is_away_for_the_name_alone_is_told(idle, tmp_path):
    with Relay(idle.port, lambda seen: (503, {}, b"") if seen.endpoint == ACCOUNTS else None) as relay:
        book = Desk(tmp_path, [entry("crypto-com", relay.url)], attempts=1).json("portfolio", status=2)
    assert [(row["call"], row["kind"]) for row in book["not_read"]] == [("accounts", "unavailable")]
    assert equity(book)["complete"] is True


def test_two_keys_of_one_crypto_com_account_are_counted_once(server, tmp_path):
    twin, variables = second_key(server, "demo-crypto-com", "again", "crypto-com")
    desk = Desk(tmp_path, [entry("crypto-com", server.url), twin])
    book = desk.json("portfolio", **variables)
    repeated = {row["account"]: row["same_as"] for row in book["totals"]["repeated"]}
    assert repeated["again"] == "cdc"
    # Both keys are the main account's, so that each brings the sub-accounts too.
    assert len(repeated) == 3
    assert digits(equity(book)["value"]) == digits(
        equity(Desk(tmp_path, [entry("crypto-com", server.url)]).json("portfolio"))["value"]
    )


def test_two_keys_of_one_binance_account_are_counted_once(server, tmp_path):
    twin, variables = second_key(server, "demo-binance", "binance-again", "binance")
    desk = Desk(tmp_path, [entry("binance", server.url), twin])
    book = desk.json("portfolio", **variables)
    [repeated] = book["totals"]["repeated"]
    assert (repeated["account"], repeated["same_as"]) == ("binance-again", "binance-main")
    assert len(equity(book)["parts"]) == 1 and book["complete"] is True


def test_accounts_that_nothing_names_are_both_counted(server, tmp_path):
    twin, variables = second_key(server, "demo-rails", "rails-again", "rails")
    desk = Desk(tmp_path, [entry("rails", server.url), twin])
    book = desk.json("portfolio", **variables)
    assert book["totals"]["repeated"] == [] and len(equity(book)["parts"]) == 2


def test_servers_of_this_machine_have_identifiers_of_their_own(server, start, tmp_path):
    other = start("--demo", "--rate-limits", "off")
    desk = Desk(tmp_path, [entry("okx", server.url), entry("okx", other.url, name="okx-other")])
    book = desk.json("portfolio")
    assert len({row["uid"] for row in book["accounts"]}) == 1
    assert book["totals"]["repeated"] == [] and len(equity(book)["parts"]) == 2


# Sub-accounts that are not read


@pytest.mark.parametrize(
    "answer, kind",
    [
        ((503, {}, b"unwell"), "unavailable"),
        ((200, {}, b'{"id":1,"code":50001,"message":"ERR_INTERNAL"}'), "unavailable"),
        ((403, {}, b"<html>"), "permission"),
        ((400, {}, b'{"id":1,"code":40004,"message":"MISSING_OR_INVALID_ARGUMENT"}'), "refused"),
        ((200, {}, b'{"id":1,"code":0,"result":{"data":"none"}}'), "unreadable"),
        ((200, {}, b'{"id":1,"code":0}'), "unreadable"),
    ],
)
def test_totals_without_subaccounts_are_not_complete(server, tmp_path, answer, kind):
    with Relay(server.port, lambda seen: answer if seen.endpoint == SUBACCOUNTS else None) as relay:
        desk = Desk(tmp_path, [entry("crypto-com", relay.url), entry("rails", server.url)], attempts=1)
        done = desk.run("portfolio", "--json")
        assert done.returncode == 2, done.stderr
        book = json.loads(done.stdout)
        shown = desk.run("portfolio")
    assert book["complete"] is False
    [missing] = book["not_read"]
    assert (missing["account"], missing["venue"], missing["call"]) == (
        "cdc",
        "crypto-com",
        "subaccount-balances",
    )
    assert missing["kind"] == kind
    assert "cdc at crypto-com, subaccount-balances: " in done.stderr
    for name, total in book["totals"]["figures"].items():
        assert total["complete"] is False, name
        assert ("cdc", "its sub-accounts were not read") in {
            (gap["account"], gap["reason"]) for gap in total["gaps"]
        }, name
    assert "cdc" in [part["account"] for part in equity(book)["parts"]]
    assert shown.returncode == 2 and "its sub-accounts were not read" in shown.stdout


def test_a_key_that_is_not_a_main_accounts_is_complete(server, tmp_path):
    refusal = (401, {}, b'{"id":1,"code":40101,"message":"UNAUTHORIZED"}')
    with Relay(server.port, lambda seen: refusal if seen.endpoint == SUBACCOUNTS else None) as relay:
        book = Desk(tmp_path, [entry("crypto-com", relay.url)]).json("portfolio")
    assert book["complete"] is True and equity(book)["complete"] is True
    assert [row["call"] for row in book["withheld"]] == ["subaccount-balances"]


# Keys of unknown rights


def bent_config(relay: Relay, seen, change):
    """The server's own answer to `config`, its one row changed."""
    if seen.endpoint != CONFIG:
        return None
    status, headers, body = relay._hand_on(seen)
    answer = json.loads(body)
    change(answer["data"][0])
    return status, headers, json.dumps(answer).encode()


@pytest.mark.parametrize("allow", ([], ["trade"], ["withdraw"]))
@pytest.mark.parametrize(
    "answer, status",
    [
        ((503, {}, b"unwell"), 69),
        ((200, {}, b'{"code":"50013","msg":"","data":[]}'), 69),
        ((401, {}, b'{"code":"50120","msg":"","data":[]}'), 77),
    ],
)
def test_a_key_whose_rights_cannot_be_read_is_refused(server, tmp_path, answer, status, allow):
    with Relay(server.port, lambda seen: answer if seen.endpoint == CONFIG else None) as relay:
        desk = Desk(tmp_path, [entry("okx", relay.url, allow=allow)], attempts=1)
        done = desk.run("portfolio", "--json")
    assert done.returncode == status, done.stderr
    assert "okx-main at okx, config: " in done.stderr
    assert "not known what the key may do" in done.stderr and "allow: [trade, withdraw]" in done.stderr
    book = json.loads(done.stdout)
    assert book["accounts"] == [] and equity(book)["value"] is None


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row.pop("perm"),
        lambda row: row.update(perm=""),
        lambda row: row.update(perm=None),
        lambda row: row.update(perm="read_only,custody"),
    ],
)
def test_rights_that_are_missing_or_unknown_are_refused(server, tmp_path, change):
    with Relay(server.port) as relay:
        relay.intercept = lambda seen: bent_config(relay, seen, change)
        refused = Desk(tmp_path, [entry("okx", relay.url)]).run("portfolio")
        assert refused.returncode == 77 and "does not tell what the key may do" in refused.stderr
        allowed = Desk(tmp_path, [entry("okx", relay.url, allow=["trade", "withdraw"])]).json("portfolio")
        assert len(allowed["accounts"]) == 1


def test_where_everything_is_allowed_the_rights_need_not_be_known(server, tmp_path):
    unwell = (503, {}, b"unwell")
    with Relay(server.port, lambda seen: unwell if seen.endpoint == CONFIG else None) as relay:
        desk = Desk(tmp_path, [entry("okx", relay.url, allow=["trade", "withdraw"])], attempts=1)
        book = desk.json("portfolio", status=2)
    assert [row["account"] for row in book["accounts"]] == ["okx-main"]
    assert [row["call"] for row in book["not_read"]] == ["config"]


# Demo trading


def test_every_request_of_demo_trading_says_so(server, tmp_path):
    """The request for the venue's time too, which a refusal for the time brings about."""
    refused = []

    def intercept(seen):
        if seen.endpoint == "/api/v5/account/balance" and not refused:
            refused.append(seen)
            return 401, {}, b'{"code":"50102","msg":"Timestamp request expired","data":[]}'
        return None

    with Relay(server.port, intercept) as relay:
        desk = Desk(tmp_path, [entry("okx", relay.url, demo_trading=True), entry("rails", relay.url)])
        assert desk.run("portfolio").returncode == 0
        okx = [seen for seen in relay.seen if seen.path.startswith("/api/v5/")]
        rails = [seen for seen in relay.seen if not seen.path.startswith("/api/v5/")]
    assert {seen.endpoint for seen in okx} >= {"/api/v5/public/time", CONFIG, "/api/v5/account/balance"}
    assert {seen.headers.get("x-simulated-trading") for seen in okx} == {"1"}
    assert {seen.headers.get("x-simulated-trading") for seen in rails} == {None}
    with Relay(server.port) as relay:
        Desk(tmp_path, [entry("okx", relay.url)]).run("portfolio")
        assert {seen.headers.get("x-simulated-trading") for seen in relay.seen} == {None}


@pytest.mark.parametrize("venue", ("crypto-com", "rails", "binance"))
def test_demo_trading_is_okxs_alone(server, tmp_path, venue):
    done = Desk(tmp_path, [entry(venue, server.url, demo_trading=True)]).run("portfolio")
    assert done.returncode == 78
    assert "desk.json, line" in done.stderr and "demo_trading is for OKX" in done.stderr


# Totals of one asset


def test_an_asset_beside_usdt_is_in_the_totals(start, tmp_path):
    """Binance's own totals in single-asset mode are those of USDT; the book's are of everything."""
    server = start("--demo", "--rate-limits", "off")
    desk = Desk(tmp_path, [entry("binance", server.url)])
    before = desk.json("portfolio")
    server.apply({"type": "deposit", "account": "demo-binance", "asset": "USDC", "amount": "1000"})
    book = desk.json("portfolio")
    [account] = book["accounts"]
    assert account["mode"] == "single-asset"
    own = account["figures"]["equity"]
    assert own == before["accounts"][0]["figures"]["equity"] and own["partial"] is True
    prices = {row["asset"]: digits(row["usd"]) for row in book["totals"]["prices"]}
    with decimal.localcontext(prec=60):
        gained = digits(equity(book)["value"]) - digits(equity(before)["value"])
        assert gained == 1000 * prices["USDC"]
    unknown = {"type": "deposit", "account": "demo-binance", "asset": "BTC", "amount": "1"}
    server.apply(unknown)
    with Relay(server.port) as relay:

        def intercept(seen):
            if seen.endpoint != "/fapi/v1/assetIndex":
                return None
            status, headers, body = relay._hand_on(seen)
            rows = [row for row in json.loads(body) if row["symbol"] != "BTCUSD"]
            return status, headers, json.dumps(rows).encode()

        relay.intercept = intercept
        partly = Desk(tmp_path, [entry("binance", relay.url)]).json("portfolio")
    assert equity(partly)["complete"] is False
    assert equity(partly)["gaps"][0]["reason"] == "no price of BTC is known; set one under prices"


def test_an_okx_account_of_pools_is_whole_in_the_totals(server, tmp_path):
    """In futures mode each currency is margined by itself, and the account's own figures are empty."""
    pooled, variables = second_key(server, "demo-okx-futures", "pools", "okx")
    desk = Desk(tmp_path, [pooled], watch={"alerts": [{"figure": "maintenance_share", "above": "0.9"}]})
    book = desk.json("portfolio", **variables)
    [account] = book["accounts"]
    for name in ("available", "initial_margin", "maintenance_margin", "unrealized_pnl"):
        own = account["figures"][name]
        assert own["state"] == "empty" and own["partial"] is True
        assert book["totals"]["figures"][name]["complete"] is True, name
    prices = {row["asset"]: digits(row["usd"]) for row in book["totals"]["prices"]}
    with decimal.localcontext(prec=60):
        expected = sum(
            digits(row["figures"]["maintenance_margin"]["value"]) * prices.get(row["asset"], 0)
            for row in account["assets"]
        )
        found = digits(book["totals"]["figures"]["maintenance_margin"]["value"])
        assert abs(found - expected) < digits("1e-15")
    watched = desk.run("watch", "--once", "--json", **variables)
    assert watched.returncode == 0, watched.stderr
    assert [row["state"] for row in json.loads(watched.stdout)["alerts"]] == ["clear"]
    shown = desk.run("portfolio", **variables).stdout
    assert '""+' in shown and "+ not of the account as a whole" in shown
