"""Faults on purpose: every kind, at every venue, where, how often and when."""

import http.client
import json
import threading
import time

import pytest
import venue_requests
from server import Server

FAULTS = "/faults"
DEPOSITED = {"crypto-com": "USD", "rails": "USD", "binance": "USDT", "okx": "USDT"}


def opened(server: Server, venue: str, account: str = "desk", amount: str = "100") -> dict:
    server.apply(
        {"type": "open_account", "account": f"{account}-{venue}", "venue": venue},
        {"type": "deposit", "account": f"{account}-{venue}", "asset": DEPOSITED[venue], "amount": amount},
    )
    return server.issue_key(f"{account}-{venue}")


def put(server: Server, *faults: dict):
    body = faults[0] if len(faults) == 1 else list(faults)
    answer = server.admin("PUT", FAULTS, body)
    assert answer.status == 200, answer.body
    return answer.json["faults"]


@pytest.fixture
def unlimited(start):
    return start("--rate-limits", "off")


@pytest.mark.parametrize("venue", venue_requests.VENUES)
def test_a_status_comes_in_the_venues_form_and_goes_with_its_fault(unlimited, venue):
    key = opened(unlimited, venue)
    good = venue_requests.balance(unlimited, venue, key)
    assert good.status == 200
    put(unlimited, {"venue": venue, "kind": "status", "probability": "1", "status": 503})
    if venue == "rails":
        answer = venue_requests.rails_token(unlimited, key)
        assert answer.json == {"message": "Service Unavailable"}
    else:
        answer = venue_requests.balance(unlimited, venue, key)
    assert answer.status == 503
    assert answer.headers["Content-Type"].startswith("application/json")
    expected = {"okx": ("code", "50001"), "binance": ("code", -1008), "crypto-com": ("code", 50001)}
    if venue in expected:
        name, value = expected[venue]
        assert answer.json[name] == value
    assert unlimited.admin("DELETE", FAULTS).status == 204
    assert venue_requests.balance(unlimited, venue, key).status == 200


@pytest.mark.parametrize("venue", venue_requests.VENUES)
def test_a_rate_limit_is_the_venues_own_refusal(unlimited, venue):
    key = opened(unlimited, venue)
    put(unlimited, {"venue": venue, "kind": "rate_limit", "probability": 1, "retry_after_s": 7})
    if venue == "rails":
        answer = venue_requests.rails_token(unlimited, key)
    else:
        answer = venue_requests.balance(unlimited, venue, key)
    assert answer.status == 429
    if venue == "binance":
        assert answer.headers["Retry-After"] == "7" and answer.json["code"] == -1003
    if venue == "okx":
        assert answer.json["code"] == "50011"
    if venue == "crypto-com":
        assert answer.json["code"] == 42901


def test_latency_is_real_and_only_the_venues(unlimited):
    key = opened(unlimited, "okx")
    put(unlimited, {"venue": "okx", "kind": "latency", "delay_ms": 300})
    begun = time.monotonic()
    assert venue_requests.okx(unlimited, key).status == 200
    assert time.monotonic() - begun >= 0.3
    assert unlimited.request("GET", "/healthz").status == 200


def test_a_dropped_connection_gives_nothing(unlimited):
    key = opened(unlimited, "binance")
    put(unlimited, {"venue": "binance", "kind": "drop", "times": 1})
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        venue_requests.binance(unlimited, key)
    assert venue_requests.binance(unlimited, key).status == 200, "times is used up"


def test_stale_answers_are_of_the_moment_when_the_fault_was_set(unlimited):
    key = opened(unlimited, "okx")
    put(unlimited, {"venue": "okx", "kind": "stale"})
    unlimited.apply({"type": "deposit", "account": "desk-okx", "asset": "USDT", "amount": "50"})
    assert venue_requests.okx(unlimited, key).json["data"][0]["details"][0]["cashBal"] == "100"
    unlimited.admin("DELETE", FAULTS)
    assert venue_requests.okx(unlimited, key).json["data"][0]["details"][0]["cashBal"] == "150"


def test_stale_by_age_lies_back_on_the_ledgers_clock(start):
    server = start("--rate-limits", "off", "--ledger-time", "2026-11-20T12:00:00Z")
    key = opened(server, "okx")
    server.admin("PUT", "/clock", {"advance_ms": 60_000})
    server.apply({"type": "deposit", "account": "desk-okx", "asset": "USDT", "amount": "50"})
    put(server, {"venue": "okx", "kind": "stale", "age_ms": 1})
    assert venue_requests.okx(server, key).json["data"][0]["details"][0]["cashBal"] == "100"


def test_a_partial_answer_breaks_off(unlimited):
    key = opened(unlimited, "okx")
    whole = venue_requests.okx(unlimited, key).body
    put(unlimited, {"venue": "okx", "kind": "partial", "bytes": 25})
    with pytest.raises(http.client.IncompleteRead) as caught:
        venue_requests.okx(unlimited, key)
    assert caught.value.partial == whole[:25]


def test_a_reordered_answer_is_overtaken_by_the_next(unlimited):
    key = opened(unlimited, "okx")
    put(unlimited, {"venue": "okx", "kind": "reordered", "times": 1, "delay_ms": 20_000})
    order, answers = [], {}

    def ask(name):
        answers[name] = venue_requests.okx(unlimited, key).json["data"][0]["details"][0]["cashBal"]
        order.append(name)

    first = threading.Thread(target=ask, args=("first",))
    first.start()
    time.sleep(0.5)
    unlimited.apply({"type": "deposit", "account": "desk-okx", "asset": "USDT", "amount": "50"})
    ask("second")
    first.join(timeout=10)
    assert order == ["second", "first"] or set(order) == {"first", "second"}
    assert answers == {"first": "100", "second": "150"}, "the first was worked out before the second"


def test_a_wrong_account_answers_for_the_right_one(unlimited):
    key = opened(unlimited, "okx")
    opened(unlimited, "okx", account="other", amount="7")
    put(unlimited, {"venue": "okx", "kind": "wrong_account", "account": "desk-okx", "as": "other-okx"})
    assert venue_requests.okx(unlimited, key).json["data"][0]["details"][0]["cashBal"] == "7"
    put(unlimited, {"venue": "okx", "kind": "wrong_account"})
    assert venue_requests.okx(unlimited, key).json["data"][0]["details"][0]["cashBal"] == "7"


@pytest.mark.parametrize("venue", venue_requests.VENUES)
def test_faults_of_one_account_leave_the_others_alone(unlimited, venue):
    struck, spared = opened(unlimited, venue), opened(unlimited, venue, account="other")
    put(unlimited, {"venue": venue, "kind": "status", "account": f"desk-{venue}"})
    assert venue_requests.balance(unlimited, venue, spared).status == 200
    if venue == "rails":
        assert venue_requests.rails_token(unlimited, struck).status == 503
    else:
        assert venue_requests.balance(unlimited, venue, struck).status == 503


def test_the_same_seed_strikes_the_same_requests(unlimited):
    key = opened(unlimited, "okx")
    fault = {"venue": "okx", "kind": "status", "probability": "0.5", "seed": 42, "status": 500}
    runs = []
    for _ in range(2):
        unlimited.admin("DELETE", FAULTS)
        put(unlimited, fault)
        runs.append([venue_requests.okx(unlimited, key).status for _ in range(40)])
    assert runs[0] == runs[1]
    assert 8 <= runs[0].count(500) <= 32
    put(unlimited, fault | {"seed": 43})
    assert [venue_requests.okx(unlimited, key).status for _ in range(40)] != runs[0]
    put(unlimited, fault | {"probability": "0"})
    assert {venue_requests.okx(unlimited, key).status for _ in range(40)} == {200}


def test_a_fault_that_is_put_again_goes_on(unlimited):
    """Its count, its chances and its frozen state; the same in other words is the same."""
    key = opened(unlimited, "okx")
    chance = {"venue": "okx", "kind": "status", "probability": "0.5", "seed": 42}
    put(unlimited, chance)
    whole = [venue_requests.okx(unlimited, key).status for _ in range(20)]
    unlimited.admin("DELETE", FAULTS)
    put(unlimited, chance)
    parts = [venue_requests.okx(unlimited, key).status for _ in range(10)]
    put(unlimited, {"venue": "binance", "kind": "drop"}, chance | {"probability": "50%", "seed": 42.0})
    assert parts + [venue_requests.okx(unlimited, key).status for _ in range(10)] == whole

    stale, once = {"venue": "okx", "kind": "stale"}, {"venue": "okx", "kind": "status", "times": 1}
    put(unlimited, stale, once)
    assert venue_requests.okx(unlimited, key).status == 503
    unlimited.apply({"type": "deposit", "account": "desk-okx", "asset": "USDT", "amount": "50"})
    put(unlimited, once, stale, {"venue": "rails", "kind": "gap"})
    assert venue_requests.okx(unlimited, key).json["data"][0]["details"][0]["cashBal"] == "100"
    put(unlimited, stale, once, once)
    assert venue_requests.okx(unlimited, key).status == 503, "of two that are the same one is new"
    assert venue_requests.okx(unlimited, key).status == 200


def test_a_chance_is_exact_however_it_is_written(unlimited):
    for written, listed in [
        ("20%", "20%"),
        (0.25, 0.25),
        (1e-7, 1e-7),
        (0.1234567890123456789012, 0.1234567890123456789012),
        (1.0, 1.0),
        (0, 0),
    ]:
        fault = {"venue": "okx", "kind": "drop", "probability": written}
        assert put(unlimited, fault)[0]["probability"] == listed
    for wrong in ["1e-7", 1.0000001, -0.1, "101%", 1e400, None]:
        body = b'{"venue":"okx","kind":"drop","probability":%s}' % (
            b"1e400" if wrong == float("inf") else json.dumps(wrong).encode()
        )
        answer = unlimited.admin("PUT", FAULTS, body)
        assert (answer.status, answer.json["field"]) == (400, "probability"), (wrong, answer.body)


def test_a_field_of_another_kind_says_of_which(unlimited):
    answer = unlimited.admin("PUT", FAULTS, {"venue": "okx", "kind": "drop", "status": 500})
    assert answer.json["detail"] == (
        "fault: status does not go with kind drop; it goes with status, error, html."
    )


def test_one_fault_replaces_its_venues_a_list_replaces_all(unlimited):
    put(unlimited, {"venue": "okx", "kind": "drop"})
    assert len(put(unlimited, {"venue": "binance", "kind": "drop"})) == 2
    assert len(put(unlimited, {"venue": "okx", "kind": "latency"})) == 2
    kinds = {fault["venue"]: fault["kind"] for fault in unlimited.admin("GET", FAULTS).json["faults"]}
    assert kinds == {"binance": "drop", "okx": "latency"}
    listed = put(unlimited, {"venue": "okx", "kind": "drop"}, {"venue": "okx", "kind": "latency"})
    assert [fault["kind"] for fault in listed] == ["drop", "latency"]
    assert unlimited.admin("DELETE", f"{FAULTS}?venue=binance").status == 204
    assert len(unlimited.admin("GET", FAULTS).json["faults"]) == 2
    assert unlimited.admin("DELETE", FAULTS).status == 204
    assert unlimited.admin("GET", FAULTS).json == {"faults": []}


@pytest.mark.parametrize(
    "fault, field",
    [
        ({"venue": "kraken", "kind": "drop"}, "venue"),
        ({"kind": "drop"}, "venue"),
        ({"venue": "okx"}, "kind"),
        ({"venue": "okx", "kind": "explode"}, "kind"),
        ({"venue": "okx", "kind": "drop", "probability": "1.5"}, "probability"),
        ({"venue": "okx", "kind": "drop", "probability": True}, "probability"),
        ({"venue": "okx", "kind": "status", "status": 200}, "status"),
        ({"venue": "okx", "kind": "drop", "status": 500}, "status"),
        ({"venue": "okx", "kind": "latency", "delay_ms": "5"}, "delay_ms"),
        ({"venue": "okx", "kind": "drop", "account": "nobody"}, "account"),
        ({"venue": "okx", "kind": "drop", "times": 0}, "times"),
        ({"venue": "okx", "kind": "drop", "from": "yesterday"}, "from"),
        ({"venue": "okx", "kind": "drop", "from": 1_800_000_000_000, "until": 1_700_000_000_000}, "until"),
        ({"venue": "okx", "kind": "drop", "from": 1_800_000_000_000, "until": 1_800_000_000_000}, "until"),
    ],
)
def test_what_is_no_fault_is_refused_by_its_field(unlimited, fault, field):
    put(unlimited, {"venue": "rails", "kind": "latency"})
    answer = unlimited.admin("PUT", FAULTS, fault)
    assert answer.status in (400, 404) and answer.json["field"] == field
    assert [fault["venue"] for fault in unlimited.admin("GET", FAULTS).json["faults"]] == ["rails"]


def test_scenario_files_script_faults_on_the_ledgers_clock(start, tmp_path):
    file = tmp_path / "failing.yaml"
    file.write_text(
        """
ledger_time: 2026-11-20T12:00:00Z
accounts:
  - account: desk
    venue: okx
    keys: [{ api_key: scripted-key, secret: scripted-secret, passphrase: scripted-phrase }]
faults:
  - { venue: okx, kind: status, status: 504, from: 2026-11-20T12:01:00Z, until: 2026-11-20T12:02:00Z }
"""
    )
    server = start("--scenario", str(file), "--ledger-time", "2026-11-20T12:00:00Z", "--rate-limits", "off")
    key = {"api_key": "scripted-key", "secret": "scripted-secret", "passphrase": "scripted-phrase"}
    seen = []
    for _ in range(3):
        seen.append(venue_requests.okx(server, key).status)
        server.admin("PUT", "/clock", {"advance_ms": 60_000})
    assert seen == [200, 504, 200]


@pytest.mark.parametrize("name", ["failing.yaml", "failing.json"])
def test_a_scenarios_faults_have_numbers(start, tmp_path, name):
    faults = [
        {"venue": "okx", "kind": "rate_limit", "retry_after_s": 5, "probability": 0.5, "path": None},
        {"venue": "binance", "kind": "error", "code": -1021, "from": 1_764_000_000_000},
    ]
    file = tmp_path / name
    file.write_text(json.dumps({"faults": faults}))
    listed = start("--scenario", str(file)).admin("GET", FAULTS).json["faults"]
    assert [one["kind"] for one in listed] == ["rate_limit", "error"]
    assert listed[0]["retry_after_s"] == 5 and "path" not in listed[0]
    assert (listed[1]["code"], listed[1]["from"]) == (-1021, 1_764_000_000_000)


def test_a_scenarios_faulty_fault_names_its_line(tmp_path):
    import server as program

    file = tmp_path / "wrong.yaml"
    file.write_text("faults:\n  - venue: okx\n    kind: explode\n")
    ended = program.run("serve", "--store", "memory:", "--listen", "127.0.0.1:0", "--scenario", str(file))
    assert ended.returncode == 65
    assert "line 3" in ended.stderr and "kind" in ended.stderr
