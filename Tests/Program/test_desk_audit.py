"""`marginalia audit`: what a real server serves must follow from itself, and a bent figure must not."""

import decimal
import json
import pathlib
import subprocess
import sys

import pytest
from desk import NAMES, Desk, entry
from server import ROOT, Server, environment, run
from venue_requests import DEMONSTRATION_KEYS, VENUES, balance

CALLS = {"crypto-com": "user-balance", "rails": "balances", "binance": "account", "okx": "balance"}


@pytest.fixture(scope="module")
def server():
    with Server("--demo") as running:
        yield running


@pytest.fixture(scope="module")
def desk(server, tmp_path_factory):
    return Desk(tmp_path_factory.mktemp("desk"), [entry(venue, server.url) for venue in VENUES])


def test_what_is_served_has_no_contradiction(desk):
    report = desk.json("audit")
    assert {account["venue"] for account in report["accounts"]} == set(VENUES)
    assert report["verdicts"]["contradicts"] == 0
    assert report["verdicts"]["matches"] > 20
    for account in report["accounts"]:
        for finding in account["findings"]:
            assert finding["formula"] and finding["source"], finding
    shown = desk.run("audit", "--all")
    assert shown.returncode == 0 and "Verdicts" in shown.stdout


@pytest.mark.parametrize("venue", VENUES)
def test_a_kept_answer(server, tmp_path, venue):
    body = balance(server, venue, DEMONSTRATION_KEYS[venue]).body
    file = tmp_path / "body.json"
    file.write_bytes(body)
    options = ("--venue", venue, "--call", CALLS[venue], "--json")
    done = run("audit", "--file", str(file), *options)
    assert done.returncode == 0, done.stderr + done.stdout
    piped = subprocess.run(
        [*done.args[:2], "--file", "-", *options], input=body, capture_output=True, env=environment()
    )
    assert json.loads(piped.stdout) == json.loads(done.stdout)


def test_a_bent_figure_is_found(server, tmp_path):
    answer = balance(server, "binance", DEMONSTRATION_KEYS["binance"]).json
    total = answer["totalMarginBalance"]
    answer["totalMarginBalance"] = "9" + total
    file = tmp_path / "body.json"
    file.write_text(json.dumps(answer))
    done = run("audit", "--file", str(file), "--venue", "binance", "--json")
    assert done.returncode == 1
    findings = json.loads(done.stdout)["accounts"][0]["findings"]
    bent = [row for row in findings if row["verdict"] == "contradicts"]
    [row] = [row for row in bent if row["field"] == "totalMarginBalance"]
    assert decimal.Decimal(row["expected"]) == decimal.Decimal(total)


def test_a_difference_beyond_counting_is_told_by_itself(server, tmp_path):
    """Its units of the last place are no number for programs, and "more than" for people."""
    answer = balance(server, "okx", DEMONSTRATION_KEYS["okx"]).json
    answer["data"][0]["totalEq"] = "9" * 15
    file = tmp_path / "body.json"
    file.write_text(json.dumps(answer))
    options = ("--file", str(file), "--venue", "okx")
    findings = json.loads(run("audit", *options, "--json").stdout)["accounts"][0]["findings"]
    [row] = [row for row in findings if row["field"] == "data[0].totalEq"]
    assert row["verdict"] == "contradicts" and row["units_in_last_place"] is None
    assert decimal.Decimal(row["residual"]) > 10**14
    assert all((row["units_in_last_place"] or 0) <= 2**53 for row in findings)
    shown = run("audit", *options).stdout
    assert "> 1000000" in shown and row["residual"] in shown and str(2**63 - 1) not in shown


@pytest.mark.parametrize(
    "arguments, status",
    [
        (("--file", "none.json", "--venue", "okx"), 65),
        (("--file", "none.json"), 64),
        (("--venue", "okx"), 64),
        (("--file", "x", "--venue", "nowhere"), 64),
        (("--file", "x", "--venue", "okx", "--call", "nothing"), 64),
        (("--rules-at", "yesterday"), 64),
    ],
)
def test_wrong_usage(tmp_path, arguments, status):
    done = run("audit", *arguments, folder=tmp_path)
    assert done.returncode == status, done.stderr


def test_an_answer_that_is_none(tmp_path):
    file = tmp_path / "body.json"
    for text in ("", "[]", "<html>", '{"code":"1"}'):
        file.write_text(text)
        done = run("audit", "--file", str(file), "--venue", "okx")
        assert done.returncode == 65, text
        assert "Fatal" not in done.stderr


def test_an_account_that_cannot_be_read(server, tmp_path):
    desk = Desk(tmp_path, [entry("okx", "http://127.0.0.1:9"), entry("rails", server.url)], attempts=1)
    report = desk.json("audit", status=2)
    assert [row["account"] for row in report["not_read"]] == [NAMES["okx"]]


def test_the_nightly_example_runs(desk, tmp_path):
    example = pathlib.Path(ROOT, "docs", "examples", "nightly_audit.py")
    done = subprocess.run(
        [sys.executable, example, "--config", str(desk.file), "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment(**desk.variables, MARGINALIA=str(run("--help").args[0])),
    )
    assert done.returncode == 0, done.stderr
    assert "equity" in done.stdout and "0 contradictions" in done.stdout
    assert len(list(tmp_path.glob("*.json"))) == 1
