"""Recorded accounts of Binance: audited, recorded, replayed and rehosted as they are."""

import collections
import copy
import decimal
import json
import pathlib

import pytest
import venue_requests
from desk import Desk, entry
from relay import Relay
from server import ROOT, run

FOLDER = pathlib.Path(ROOT, "Tests", "Recorded", "binance")


def body(name: str):
    return json.loads((FOLDER / f"{name}.json").read_text())


def audit(folder, answers: dict, status: int = 0) -> list[dict]:
    """What was found of each figure; some are held against two formulas."""
    arguments = []
    for call, content in answers.items():
        file = folder / f"{call}.json"
        file.write_text(json.dumps(content))
        arguments += ["--file", str(file), "--call", call]
    done = run("audit", *arguments, "--venue", "binance", "--json")
    assert done.returncode == status, done.stdout + done.stderr
    [account] = json.loads(done.stdout)["accounts"]
    assert account["drift"] == []
    return account["findings"]


def verdicts(findings: list[dict], field: str | None = None) -> dict[str, int]:
    """How often each verdict came out, of all figures or of one."""
    return dict(collections.Counter(row["verdict"] for row in findings if field in (None, row["field"])))


# As docs/audit.md lists them.
CASES = [
    ("people_account", "people_risk", {"matches": 21, "not_derivable": 1}),
    ("people_account", "people_risk_usdt", {"matches": 30, "not_derivable": 1}),
    ("sui_account", "sui_risk", {"matches": 21, "not_derivable": 1}),
    ("sui_account", "sui_risk_usdt", {"matches": 30, "not_derivable": 1}),
    ("bnfcr_account", None, {"matches": 130}),
    ("2022_account", None, {"matches": 22}),
    (None, "people_risk", {"matches": 6, "not_derivable": 1}),
    (None, "sui_risk", {"matches": 6, "not_derivable": 1}),
]


@pytest.mark.parametrize("account, positions, expected", CASES)
def test_a_recorded_body(tmp_path, account, positions, expected):
    answers = {call: body(name) for call, name in (("account", account), ("positions", positions)) if name}
    findings = audit(tmp_path, answers)
    assert verdicts(findings) == expected
    for row in findings:
        if row["verdict"] == "not_derivable":
            assert row["field"].endswith("liquidationPrice") and "brackets" in row["remark"]


def test_the_configuration_changes_nothing(tmp_path):
    answers = {"account": body("bnfcr_account"), "config": body("multi_config")}
    assert verdicts(audit(tmp_path, answers)) == {"matches": 130}


def test_credits_of_a_known_symbol_and_of_the_page_of_2026(tmp_path):
    """Where the rulebook says that a symbol is settled in USDT, the rows say otherwise; and the page of 2026
    has no `marginAvailable`."""
    for symbol in ("BTCUSDT", "ETHUSDC", "NEWUSDT", "NEWUSDC"):
        account = body("bnfcr_account")
        account["positions"][0]["symbol"] = symbol
        assert "contradicts" not in verdicts(audit(tmp_path, {"account": account}))
        for row in account["assets"]:
            del row["marginAvailable"]
        findings = audit(tmp_path, {"account": account})
        assert verdicts(findings, "assets[0].initialMargin") == {"matches": 2}
        assert verdicts(findings, "totalMarginBalance") == {"matches": 1}


def version_two(account: dict, entry_price: str) -> dict:
    """The same account as the second version of the endpoint had it."""
    head = {"feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": True, "updateTime": 0,
            "multiAssetsMargin": False, "tradeGroupId": -1}
    account = head | copy.deepcopy(account)
    for row in account["assets"]:
        row["marginAvailable"] = True
    for row in account["positions"]:
        del row["isolatedMargin"]
        row |= {"positionInitialMargin": row["initialMargin"], "openOrderInitialMargin": "0", "leverage": "3",
                "isolated": False, "entryPrice": entry_price, "maxNotional": "100000", "bidNotional": "0",
                "askNotional": "0"}
    empty = dict.fromkeys(("initialMargin", "maintMargin", "notional", "isolatedWallet", "bidNotional",
                           "askNotional", "positionInitialMargin", "openOrderInitialMargin"), "0")
    account["positions"].append(account["positions"][0] | empty | {
        "symbol": "XUSDT", "positionAmt": "0.0", "unrealizedProfit": "0.00000000", "entryPrice": "0.0"})
    return account


def test_the_second_version_of_the_account(tmp_path):
    """`marginAvailable` stands in both of its modes, and every symbol has a row."""
    account = version_two(body("people_account"), body("people_risk")[0]["entryPrice"])
    findings = audit(tmp_path, {"account": account})
    assert set(verdicts(findings)) == {"matches"}
    assert verdicts(findings, "positions[0].positionInitialMargin") == {"matches": 1}
    assert verdicts(findings, "positions[0].unrealizedProfit") == {"matches": 1}
    assert not any(row["field"].startswith("positions[1]") for row in findings)


def test_the_second_version_of_the_position_risk(tmp_path):
    """Of an isolated position, as recorded in November 2023."""
    row = {
        "symbol": "BTCUSDT", "positionAmt": "0.003", "entryPrice": "37140.0", "breakEvenPrice": "37147.428",
        "markPrice": "37113.25148824", "unRealizedProfit": "-0.08024553",
        "liquidationPrice": "36549.03942102", "leverage": "50", "maxNotionalValue": "3000000",
        "marginType": "isolated", "isolatedMargin": "2.13122468",
        "isAutoAddMargin": "false", "positionSide": "LONG", "notional": "111.33975446",
        "isolatedWallet": "2.21147021", "updateTime": 1699810265319, "isolated": True, "adlQuantile": 2,
    }
    empty = row | {"symbol": "ETHUSDT", "positionAmt": "0.000", "entryPrice": "0.0", "breakEvenPrice": "0.0",
                   "unRealizedProfit": "0.00000000", "isolatedMargin": "0.00000000", "notional": "0",
                   "isolatedWallet": "0", "marginType": "cross", "isolated": False}
    findings = audit(tmp_path, {"positions": [row, empty]})
    assert verdicts(findings) == {"matches": 3, "rounding": 1}
    assert verdicts(findings, "positions [0].liquidationPrice") == {"rounding": 1}


def bent(text: str) -> str:
    """A figure moved by ten units of its last place or a millionth of it, whichever is more."""
    value = decimal.Decimal(text)
    step = max(decimal.Decimal("1e-7"), abs(value) * decimal.Decimal("1e-6"))
    return format((value + step).quantize(decimal.Decimal("1e-8"), decimal.ROUND_UP), "f")


@pytest.mark.parametrize("positions, place, field", [
    ("people_risk_usdt", 0, "unRealizedProfit"), ("people_risk_usdt", 0, "positionInitialMargin"),
    ("people_risk_usdt", 0, "notional"), ("sui_risk_usdt", 0, "initialMargin"),
    ("sui_risk_usdt", 0, "unRealizedProfit"),
])
def test_a_bent_row_is_found(tmp_path, positions, place, field):
    rows = body(positions)
    rows[place][field] = bent(rows[place][field])
    account = body(positions.replace("risk_usdt", "account"))
    findings = audit(tmp_path, {"account": account, "positions": rows}, status=1)
    assert "contradicts" in verdicts(findings)


@pytest.mark.parametrize("field", [
    "totalMarginBalance", "totalInitialMargin", "availableBalance", "totalUnrealizedProfit",
    "totalMaintMargin"])
def test_a_bent_total_in_credits_mode_is_found(tmp_path, field):
    account = body("bnfcr_account")
    account[field] = bent(account[field])
    findings = audit(tmp_path, {"account": account}, status=1)
    assert verdicts(findings, field) == {"contradicts": 1}


@pytest.fixture
def desk(tmp_path):
    """A desk whose venue answers as the account in credits mode, and tells nothing besides."""
    answers = {
        "/fapi/v3/account": (FOLDER / "bnfcr_account.json").read_bytes(),
        "/fapi/v1/accountConfig": (FOLDER / "multi_config.json").read_bytes(),
        "/fapi/v1/time": b'{"serverTime":1784222075372}',
    }

    def intercept(seen):
        headers = {"Content-Type": "application/json"}
        if seen.endpoint in answers:
            return 200, headers, answers[seen.endpoint]
        return 403, headers, b'{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}'

    with Relay(None, intercept) as relay:
        yield Desk(tmp_path, [entry("binance", relay.url)])


def test_its_equity_survives_replay_and_rehost(desk, start, tmp_path):
    recordings = f"sqlite:{tmp_path / 'recordings.db'}"
    done = desk.run("record", "--recordings", recordings)
    assert done.returncode == 2, done.stderr  # the other answers are refused
    scenario = tmp_path / "scenario.json"
    done = desk.run_plain(
        "replay", "binance-main", "--recordings", recordings, "--scenario", str(scenario))
    assert done.returncode == 0, done.stderr
    assert "does not know TAOUSDT; its position is left out, its profit of 3.04110498 BNFCR" in done.stderr
    served = start("--scenario", str(scenario))
    key = {"api_key": "replay-replay-key", "secret": "replay-replay-secret"}
    answer = venue_requests.binance(served, key).json
    assert answer["totalMarginBalance"] == "503.04110498"
    assert answer["assets"][0]["asset"] == "BNFCR"

    [found] = desk.json("rehost", "--to", "okx", status=2)
    equity = next(row["to"] for row in found["figures"] if row["figure"] == "equity_usd")
    assert decimal.Decimal(equity["value"]) == decimal.Decimal("503.04110498")
    assert {row["source"]: row["target"] for row in found["mappings"]} == {"BNFCR": "USD", "TAOUSDT": None}
