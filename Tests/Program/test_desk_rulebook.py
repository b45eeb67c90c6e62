"""Rules of the operator's own in the desk's commands (`--rulebook`), in the form that `serve` takes."""

import json

import pytest
from desk import NAMES, Desk, entry
from server import Server
from venue_requests import DEMONSTRATION_KEYS, VENUES, balance

OWN = {
    "venue": "binance",
    "effective": "2026-01-02T00:00:00Z",
    "amends": True,
    "read_on": "2025-12-01",
    "source": "a contract of our own",
    "instruments": {"BTCUSDT": {"brackets": [["1800000000", "20", "0.02"]]}},
}


@pytest.fixture(scope="module")
def server():
    with Server("--demo", "--rate-limits", "off") as running:
        yield running


@pytest.fixture
def desk(server, tmp_path):
    return Desk(tmp_path, [entry(venue, server.url) for venue in VENUES])


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "own.json"
    file.write_text(json.dumps(OWN, indent=2))
    return str(file)


def rates(report: dict) -> set[str]:
    """The maintenance rates that BTCUSDT's margins were held against."""
    [account] = [row for row in report["accounts"] if row["venue"] == "binance"]
    return {
        row["value"]
        for finding in account["findings"]
        if finding["field"].endswith("maintMargin")
        for row in finding["inputs"]
        if row["name"].startswith("maintenance rate of bracket")
    }


def test_an_audit_by_rules_of_ones_own(desk, own):
    plain = desk.json("audit")
    bent = desk.json("audit", "--rulebook", own)
    assert "0.02" not in rates(plain) and "0.02" in rates(bent)
    # A bracket of the rulebook's is no contradiction; it may be another account's.
    assert bent["verdicts"]["contradicts"] == 0
    # The other venues are as they were, and so is a time before the rules begin.
    for venue in ("okx", "rails", "crypto-com"):
        findings = [
            [
                finding["verdict"]
                for row in report["accounts"]
                if row["venue"] == venue
                for finding in row["findings"]
            ]
            for report in (plain, bent)
        ]
        assert findings[0] == findings[1], venue
    before = desk.json("audit", "--rulebook", own, "--rules-at", "2025-11-01T00:00:00Z")
    assert rates(before) == rates(desk.json("audit", "--rules-at", "2025-11-01T00:00:00Z"))


def test_a_kept_answer_by_rules_of_ones_own(server, tmp_path, own):
    body = tmp_path / "body.json"
    body.write_bytes(balance(server, "binance", DEMONSTRATION_KEYS["binance"]).body)
    desk = Desk(tmp_path, [])
    options = ("--file", str(body), "--venue", "binance", "--json", "--rulebook", own)
    done = desk.run_plain("audit", *options)
    assert done.returncode == 0, done.stderr
    assert "0.02" in rates(json.loads(done.stdout))


def maintenance(rows: list[dict]) -> dict[str, str]:
    return {row["account"]: (row["unshocked"]["margin"] or {}).get("maintenance") for row in rows}


def test_stress_of_a_book_by_rules_of_ones_own(desk, own):
    options = ("stress", "--book", str(desk.file), "--shock", "BTC=-0.1", "--json")
    plain = desk.run_plain(*options)
    bent = desk.run_plain(*options, "--rulebook", own)
    assert plain.returncode == 0 and bent.returncode == 0, bent.stderr
    before, after = (maintenance(json.loads(done.stdout)) for done in (plain, bent))
    assert {name for name in before if before[name] != after[name]} == {NAMES["binance"]}
    alone = desk.run_plain("stress", "--rulebook", own)
    assert alone.returncode == 64 and "--book" in alone.stderr


def test_rehosting_by_rules_of_ones_own(desk, own):
    def margin(*options):
        rows = desk.json("rehost", "--to", "binance", "--account", NAMES["okx"], *options)
        figures = {figure["figure"]: figure["to"] for figure in rows[0]["figures"]}
        return figures["maintenance_margin"]["value"]

    assert margin() != margin("--rulebook", own)


def test_a_replay_by_rules_of_ones_own(desk, own, start, tmp_path):
    recordings = f"sqlite:{tmp_path}/recordings.db"
    assert desk.run("record", "--recordings", recordings).returncode == 0
    scenario = str(tmp_path / "scenario.json")
    options = ("replay", NAMES["binance"], "--recordings", recordings, "--scenario", scenario)
    done = desk.run_plain(*options, "--rulebook", own)
    assert done.returncode == 0, done.stderr
    keys = {"api_key": "replay-replay-key", "secret": "replay-replay-secret"}
    answers = [
        balance(start("--scenario", scenario, *more), "binance", keys).json["totalMaintMargin"]
        for more in ((), ("--rulebook", own))
    ]
    assert answers[0] != answers[1]


COMMANDS = {
    "audit": (),
    "portfolio": (),
    "rehost": ("--to", "okx"),
    "stress": (),
    "replay": (),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "content, says",
    [
        (None, "rules.json"),
        ('{\n"venue": "nowhere"}', "rules.json, line 2"),
        (
            json.dumps(
                OWN | {"instruments": {"BTCUSDT": {"brackets": [["1", "20", "0.02"], ["9", "x", "0.1"]]}}},
                indent=1,
            ),
            "instruments.BTCUSDT.brackets[1]",
        ),
        ('{"venue": "okx", "effective": "soon"}', "effective"),
    ],
)
def test_a_rulebook_of_no_use_is_named(desk, tmp_path, command, content, says):
    file = tmp_path / "rules.json"
    if content is not None:
        file.write_text(content)
    if command == "stress":
        done = desk.run_plain("stress", "--book", str(desk.file), "--rulebook", str(file))
    elif command == "replay":
        recordings = f"sqlite:{tmp_path}/recordings.db"
        desk.run("record", "--recordings", recordings)
        done = desk.run_plain(
            "replay", NAMES["okx"], "--recordings", recordings, "--rulebook", str(file), "--scenario", "s"
        )
    else:
        done = desk.run(command, *COMMANDS[command], "--rulebook", str(file))
    assert done.returncode == 65, done.stderr
    assert says in done.stderr and "rules.json" in done.stderr
    if content is not None:
        assert "line" in done.stderr
