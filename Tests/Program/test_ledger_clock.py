"""The ledger's clock is a part of the ledger: it holds through kills, and is never before the last event."""

import datetime
import time

import pytest

from server import Server, run

START = "2025-06-01T00:00:00Z"
LATER = "2026-11-20T00:00:00Z"


def milliseconds(text: str) -> int:
    return round(datetime.datetime.fromisoformat(text).timestamp() * 1000)


def shown(server: Server) -> tuple[int, str]:
    clock = server.admin("GET", "/clock").json
    return clock["now"], clock["mode"]


def move(server: Server, **body) -> int:
    return server.admin("PUT", "/clock", body).status


def deposit(amount: str, **more) -> dict:
    return {"type": "deposit", "account": "desk", "asset": "USDT", "amount": amount} | more


OPEN = {"type": "open_account", "account": "desk", "venue": "binance"}


@pytest.mark.parametrize("has_events", [True, False])
def test_an_acknowledged_move_survives_a_kill_with_the_same_command_line(store, has_events):
    one = Server("--ledger-time", START, store=store).start()
    if has_events:
        one.apply(OPEN, deposit("5"))
    assert move(one, now=LATER) == 200
    one.kill()
    with Server("--ledger-time", START, store=store) as again:
        assert shown(again) == (milliseconds(LATER), "standing")
        assert any("--ledger-time is for a new one" in line for line in again.log), again.log
        again.apply(*([] if has_events else [OPEN]), deposit("5"))
        assert again.account("desk")["updated_at"] == milliseconds(LATER)


def test_every_acknowledged_move_survives_a_kill(store):
    at = milliseconds(START)
    for number in range(1, 9):
        one = Server("--ledger-time", START, store=store).start()
        assert shown(one) == (at, "standing")
        assert move(one, advance_ms=number * 1000) == 200
        at += number * 1000
        one.kill()
    with Server(store=store) as last:
        assert shown(last) == (at, "standing"), "also without the option"


def test_figures_are_by_the_rules_of_the_ledgers_time_after_a_restart(store):
    one = Server("--ledger-time", START, store=store).start()
    rules = one.admin("GET", "/rulebooks").body
    one.apply(OPEN, deposit("5"))
    assert move(one, now=LATER) == 200
    later = one.admin("GET", "/rulebooks").body
    assert later != rules, "other rules are in force"
    one.kill()
    with Server("--ledger-time", START, store=store) as again:
        assert again.admin("GET", "/rulebooks").body == later


def test_the_clock_never_stands_before_the_last_event(store):
    """An event may be given a later time; the clock goes there, at once and after a kill."""
    one = Server("--ledger-time", START, store=store).start()
    one.apply(OPEN, deposit("5", at=milliseconds(LATER)))
    assert shown(one) == (milliseconds(LATER), "standing")
    one.kill()
    with Server("--ledger-time", START, store=store) as again:
        assert shown(again) == (milliseconds(LATER), "standing")
        assert move(again, now=START) == 409


def test_a_refused_list_moves_no_clock(start):
    one = start("--ledger-time", START)
    one.apply(OPEN)
    late = deposit("5", at=milliseconds(LATER))
    answer = one.admin("POST", "/commands?atomic=true", [late, deposit("-1")])
    assert answer.status == 422
    assert shown(one) == (milliseconds(START), "standing")
    one.apply({"type": "open_account", "account": "next", "venue": "okx"})
    assert one.account("next")["opened_at"] == milliseconds(START)


def test_the_option_is_left_out_in_a_ledger_that_follows_the_system(store):
    with Server(store=store) as one:
        assert shown(one)[1] == "system"
        one.apply(OPEN)
    with Server("--ledger-time", LATER, store=store) as again:
        assert shown(again)[1] == "system"
        assert any("--ledger-time is for a new one" in line for line in again.log), again.log
    with Server("--ledger-time", "system", store=store) as again:
        assert not any("--ledger-time is for a new one" in line for line in again.log)


def test_a_new_ledger_takes_the_option_though_it_was_opened_before(store):
    with Server(store=store) as one:
        assert shown(one)[1] == "system"
    with Server("--ledger-time", START, store=store) as again:
        assert shown(again) == (milliseconds(START), "standing")


def test_a_clock_can_be_stopped_and_let_go(store):
    one = Server(store=store).start()
    one.apply(OPEN, deposit("5"))
    before = round(time.time() * 1000)
    assert move(one, now=LATER) == 409, "the system's clock is not moved"
    assert move(one, mode="standing") == 200
    at, mode = shown(one)
    assert mode == "standing" and before <= at <= round(time.time() * 1000)
    one.kill()
    one = Server(store=store).start()
    assert shown(one) == (at, "standing")
    assert move(one, mode="system") == 200
    one.kill()
    one = Server(store=store).start()
    assert shown(one)[1] == "system"
    future = at + 10 * 365 * 86_400_000
    assert move(one, mode="standing", now=future) == 200
    refused = one.admin("PUT", "/clock", {"mode": "system"})
    assert refused.status == 409 and refused.json["code"] == "time_backwards", refused.body
    assert shown(one) == (future, "standing")
    assert one.stop() == 0


@pytest.mark.parametrize(
    "body, field",
    [
        ({"mode": "fast"}, "mode"),
        ({"mode": "system", "now": LATER}, "now"),
        ({"mode": "standing", "advance_ms": 5}, "advance_ms"),
        ({"mode": None}, "mode"),
        ({"speed": 2}, "speed"),
    ],
)
def test_a_clock_that_is_asked_for_wrongly_is_left(start, body, field):
    one = start("--ledger-time", START)
    refused = one.admin("PUT", "/clock", body)
    assert refused.status == 400 and refused.json["field"] == field, refused.body
    assert shown(one) == (milliseconds(START), "standing")


def test_a_scenarios_time_is_for_a_new_ledger_too(store, tmp_path):
    file = tmp_path / "time.yaml"
    file.write_text(f"ledger_time: {START}\naccounts: [{{ account: desk, venue: binance }}]\n")
    one = Server("--scenario", str(file), store=store).start()
    assert shown(one) == (milliseconds(START), "standing")
    assert move(one, now=LATER) == 200
    one.kill()
    with Server("--scenario", str(file), store=store) as again:
        assert shown(again) == (milliseconds(LATER), "standing")
        assert any("ledger_time" in line and "never goes back" in line for line in again.log), again.log


def test_offline_commands_see_the_ledgers_clock(store, tmp_path):
    with Server("--ledger-time", START, store=store) as one:
        one.apply(OPEN)
    file = tmp_path / "more.yaml"
    file.write_text('commands: [{ type: deposit, account: desk, asset: USDT, amount: "5" }]\n')
    ended = run("apply", str(file), "--store", store)
    assert ended.returncode == 0, ended
    with Server(store=store) as again:
        assert again.account("desk")["updated_at"] == milliseconds(START)


@pytest.mark.parametrize("step", [{"advance_ms": 2}, {"advance": "1h"}])
def test_a_step_beyond_the_last_moment_is_refused(start, step):
    server = start("--ledger-time", "9999-12-31T23:59:59.998Z")
    before = shown(server)
    answer = server.admin("PUT", "/clock", step)
    assert answer.status == 400 and answer.json["field"] == next(iter(step)), answer.body
    assert shown(server) == before
    assert move(server, advance_ms=1) == 200 and shown(server)[0] == before[0] + 1
