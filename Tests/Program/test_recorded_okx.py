"""`marginalia audit` on bodies of OKX as they were recorded or documented, in `Tests/Recorded/okx`: what is
said of each figure that does not match digit for digit, as `docs/audit.md` lists it."""

import decimal
import json
import pathlib

import pytest
import venue_requests
from desk import NAMES, Desk, entry, key_variables
from server import ROOT, Server, run

FOLDER = pathlib.Path(ROOT, "Tests", "Recorded", "okx")
# What follows from another answer than these, whatever the body.
ELSEWHERE = {"ordFrozen", "ordFroz", "eqUsd", "maxLoan"}


def audit(*bodies: str, rules_at: str | None = None) -> dict[str, dict]:
    """Findings by field, of files named `name_call`."""
    options = []
    for body in bodies:
        options += ["--file", str(FOLDER / f"{body}.json"), "--call", body.rpartition("_")[2]]
    if rules_at:
        options += ["--rules-at", rules_at]
    done = run("audit", "--venue", "okx", *options, "--json")
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    findings = {row["field"]: row for account in report["accounts"] for row in account["findings"]}
    assert done.returncode == (1 if report["verdicts"]["contradicts"] else 0)
    return findings


def verdicts(findings: dict[str, dict], part: str) -> dict[str, str]:
    """Verdicts of the figures under a path, by the last part of their names."""
    found = {field.rpartition(".")[2]: row["verdict"] for field, row in findings.items() if part in field}
    return {field: verdict for field, verdict in found.items() if field not in ELSEWHERE}


MET = {"matches", "rounding"}
POSITIONS = [
    # body, day, what is not met
    ("bigtime", "2026-03-10", {"mmr": "not_derivable"}),
    ("ethusd", "2021-11-10", {"mmr": "not_derivable", "notionalUsd": "not_derivable"}),
    ("demo", "2024-08-18", {"bePx": "not_derivable", "realizedPnl": "not_derivable"}),
    ("p1", "2025-04-25", {"realizedPnl": "not_derivable"}),
    ("p2", "2025-05-09", {
        "bePx": "not_derivable", "uplLastPx": "not_derivable", "uplRatioLastPx": "not_derivable"}),
]


@pytest.mark.parametrize("now", [False, True])
@pytest.mark.parametrize("name, day, others", POSITIONS)
def test_recorded_rows(name, day, others, now):
    """By the rules of their day and by those of today."""
    findings = audit(f"{name}_balance", f"{name}_positions", rules_at=None if now else day + "T00:00:00Z")
    rows = verdicts(findings, "positions data[0]")
    assert {field: verdict for field, verdict in rows.items() if verdict not in MET} == others
    assert rows["upl"] in MET and rows["uplRatio" if name != "demo" else "imr"] in MET


@pytest.mark.parametrize("name, price", [("bigtime", "0.0116677335375191"), ("ethusd", "11198.22376279407")])
def test_isolated_liquidation_prices_to_the_tick(name, price):
    findings = audit(f"{name}_balance", f"{name}_positions")
    assert findings["positions data[0].liqPx"]["verdict"] == "matches"
    assert findings["positions data[0].liqPx"]["reported"] == price


@pytest.mark.parametrize(
    "name, field, change",
    [
        ("bigtime", "liqPx", "0.00001"), ("bigtime", "upl", "0.001"), ("ethusd", "liqPx", "-0.01"),
        ("ethusd", "upl", "0.0001"), ("p1", "imr", "0.0000001"), ("document", "liqPx", "1"),
        ("document", "upl", "0.0000001"), ("document", "mgnRatio", "0.01"),
    ],
)
def test_a_bent_figure_is_met_no_more(tmp_path, name, field, change):
    body = json.loads((FOLDER / f"{name}_positions.json").read_text())
    row = body["data"][0]
    row[field] = str(decimal.Decimal(row[field]) + decimal.Decimal(change))
    file = tmp_path / "positions.json"
    file.write_text(json.dumps(body))
    balance = FOLDER / f"{'margin' if name == 'document' else name}_balance.json"
    done = run("audit", "--venue", "okx", "--file", str(balance), "--call", "balance", "--file", str(file),
               "--call", "positions", "--json")
    [found] = [row for row in json.loads(done.stdout)["accounts"][0]["findings"]
               if row["field"] == f"positions data[0].{field}"]
    assert found["verdict"] not in MET, found


def test_the_documented_margin_position():
    """Every figure of the page's sample follows from the row alone; its worth in USD is of another answer."""
    findings = audit("margin_balance", "document_positions")
    rows = verdicts(findings, "positions data[0]")
    assert rows.pop("notionalUsd") == "not_derivable"
    assert set(rows) == {"upl", "uplRatio", "uplLastPx", "uplRatioLastPx", "mmr", "mgnRatio", "liqPx"}
    assert set(rows.values()) <= MET
    balance = verdicts(findings, "data[0].details[")
    named = ("isoLiab", "liab", "crossLiab", "isoEq", "isoUpl", "borrowFroz")
    assert {balance[field] for field in named} <= MET


def test_the_sample_of_2024_with_fields_that_it_does_not_have():
    findings = audit("document_2024_balance", rules_at="2024-01-17T00:00:00Z")
    others = {field.removeprefix("data[0]."): row["verdict"] for field, row in findings.items()
              if row["verdict"] not in MET and field.rpartition(".")[2] not in ELSEWHERE}
    assert others == {
        "totalEq": "hidden", "adjEq": "hidden", "imr": "hidden", "mmr": "hidden",
        "notionalUsd": "not_derivable",
        "borrowFroz": "not_derivable", "details[0].frozenBal": "hidden",
    }


def test_the_sample_of_2026():
    """One of several currencies is shown, and a figure that the mode has is empty."""
    alone = audit("document_balance")
    assert {field for field, row in alone.items() if row["verdict"] == "contradicts"} == {"data[0].ordFroz"}
    assert {alone[f"data[0].{field}"]["verdict"] for field in ("totalEq", "upl", "adjEq")} == {"hidden"}
    # The configuration of that page is of futures mode, which has fewer figures.
    findings = audit("document_balance", "document_config")
    assert not [row for row in findings.values() if row["verdict"] == "contradicts"]


@pytest.mark.parametrize("name", ["p1_positions", "document_positions", "document_config"])
def test_another_answer_is_taken_for_no_balance(name):
    done = run("audit", "--venue", "okx", "--file", str(FOLDER / f"{name}.json"))
    assert done.returncode == 65 and "is no balance of OKX" in done.stderr, done


def test_a_row_without_a_currency():
    assert not [row for row in audit("empty_currency_balance").values() if row["verdict"] == "contradicts"]


def test_the_margin_position_is_served_as_it_was_documented(tmp_path):
    """Put into a ledger from its row, every digit that the row itself decides comes out again."""
    body = json.loads((FOLDER / "document_positions.json").read_text())["data"][0]
    with Server() as server:
        server.apply({"type": "open_account", "account": "desk", "venue": "okx"})
        server.apply({"type": "prices", "venue": "okx", "marks": {"BTC-USDT": body["markPx"]},
                      "index": {"BTC": "62886.3", "USDT": "1"}})
        server.apply({"type": "import_position", "account": "desk", "instrument": "BTC-USDT",
                      "quantity": body["pos"], "entry_price": body["avgPx"], "margin_mode": "isolated",
                      "isolated_wallet": body["margin"], "leverage": body["lever"],
                      "liability": body["liab"].lstrip("-")})
        answer = venue_requests.okx(server, server.issue_key("desk"), path="/api/v5/account/positions")
        [row] = answer.json["data"]
    free = {"cTime", "uTime", "posId", "tradeId", "last", "uplLastPx", "uplRatioLastPx", "idxPx"}
    assert set(row) == set(body) - {"pTime"}
    for field in set(body) - free:
        if row[field] == body[field]:
            continue
        served, shown = decimal.Decimal(row[field]), decimal.Decimal(body[field])
        assert abs(served - shown) <= abs(shown) * decimal.Decimal("1e-15") + decimal.Decimal("1e-16"), field




@pytest.fixture
def desk(tmp_path):
    """A desk that reads an account with a margin position: 0.01 BTC of its own, 0.0019 on margin, 100 USDT
    owed."""
    with Server() as server:
        server.apply(
            {"type": "open_account", "account": "desk", "venue": "okx", "settings": {"mode": "futures"}},
            {"type": "prices", "venue": "okx", "marks": {"BTC-USDT": "62891.9"},
             "index": {"BTC": "62886.3", "USDT": "1"}},
            {"type": "deposit", "account": "desk", "asset": "BTC", "amount": "0.01"},
            {"type": "deposit", "account": "desk", "asset": "USDT", "amount": "1000"},
            {"type": "import_position", "account": "desk", "instrument": "BTC-USDT", "quantity": "0.0019",
             "entry_price": "62961.4", "margin_mode": "isolated", "isolated_wallet": "0.0003",
             "leverage": "5", "liability": "100"})
        desk = Desk(tmp_path, [entry("okx", server.url)])
        key = server.issue_key("desk")
        desk.variables |= key_variables(
            {"okx": {part: key[part] for part in ("api_key", "secret", "passphrase")}})
        desk.server = server
        yield desk


def test_at_another_venue_it_is_what_it_has_and_owes(desk):
    """No perpetual: its size and its debt come along as holdings, and a sentence says so."""
    [row] = desk.json("rehost", "--to", "binance")
    [mapping] = [mapping for mapping in row["mappings"] if mapping["source"] == "BTC-USDT"]
    assert mapping["target"] is None and "on margin" in mapping["remark"]
    amounts = [(mapping["source"], mapping["amount"]) for mapping in row["mappings"]]
    assert ("BTC", "0.0019") in amounts and ("USDT", "-100") in amounts
    assert not [mapping for mapping in row["mappings"] if (mapping["target"] or "") == "BTCUSDT"]


def test_replayed_it_is_the_same_position(desk, tmp_path):
    account = NAMES["okx"]
    store = "sqlite:" + str(tmp_path / "recordings.db")
    assert desk.run("record", "--recordings", store).returncode == 0
    file = tmp_path / "copy.json"
    done = desk.run_plain("replay", account, "--recordings", store, "--scenario", str(file))
    assert done.returncode == 0, done.stderr
    with Server("--scenario", str(file)) as copy:
        [name] = [row["account"] for row in copy.admin("GET", "/accounts").json["accounts"]]
        served = venue_requests.okx(copy, copy.issue_key(name), path="/api/v5/account/positions").json["data"]
    original = venue_requests.okx(
        desk.server, desk.server.issue_key("desk"), path="/api/v5/account/positions").json["data"]
    free = {"cTime", "uTime", "posId"}
    assert [{key: row[key] for key in row if key not in free} for row in served] == [
        {key: row[key] for key in row if key not in free} for row in original]
