"""`marginalia watch`: limits on real accounts, each change told once, by command, webhook and Telegram."""

import hashlib
import hmac
import json
import queue
import signal
import subprocess
import time

import pytest
from desk import NAMES, Desk, entry, key_variables
from relay import Relay
from server import PROGRAM, Server, environment

SECRET = "made-up-webhook-secret"


@pytest.fixture
def server():
    with Server("--demo") as running:
        yield running


def desk_of(folder, server, *notify, alerts=({"figure": "available", "below": "4000"},)) -> Desk:
    return Desk(folder, [entry("rails", server.url)], watch={"alerts": list(alerts), "notify": list(notify)})


def move(server, amount: str) -> None:
    """Takes money out of the Rails account, or puts it in."""
    kind = "withdraw" if amount.startswith("-") else "deposit"
    server.apply({"type": kind, "account": "demo-rails", "asset": "USD", "amount": amount.lstrip("-")})


def told(done) -> list[str]:
    return [event["event"] for event in json.loads(done.stdout)["events"]]


def test_once_tells_scripts_by_its_status(server, tmp_path):
    desk = desk_of(tmp_path, server)
    assert desk.run("watch", "--once").returncode == 0
    move(server, "-1000")
    raised = desk.run("watch", "--once")
    assert raised.returncode == 1 and "raised: rails at rails: available is" in raised.stdout


def test_a_change_is_told_once(server, tmp_path):
    script = tmp_path / "tell.sh"
    script.write_text('#!/bin/sh\ncat >> "$1"\n')
    script.chmod(0o700)
    heard = tmp_path / "heard.txt"
    desk = desk_of(tmp_path, server, {"command": [str(script), str(heard)]})
    state = ("--state", str(tmp_path / "state.json"), "--once", "--json")
    assert told(desk.run("watch", *state)) == []
    move(server, "-1000")
    assert told(desk.run("watch", *state)) == ["raised"]
    again = desk.run("watch", *state)
    assert told(again) == [] and again.returncode == 1
    move(server, "1000")
    cleared = desk.run("watch", *state)
    assert told(cleared) == ["cleared"] and cleared.returncode == 0
    events = [json.loads(line) for line in heard.read_text().splitlines()]
    assert [event["event"] for event in events] == ["raised", "cleared"]
    assert events[0]["account"] == "rails" and events[0]["limit"] == "below 4000"


def test_it_goes_on_and_tells_as_it_goes(server, tmp_path):
    heard = queue.Queue()
    with Relay(None, lambda seen: heard.put(json.loads(seen.body)) or (204, {}, b"")) as hook:
        desk = Desk(
            tmp_path,
            [entry("rails", server.url)],
            watch={
                "every": "100ms",
                "alerts": [{"figure": "available", "below": "4000"}],
                "notify": [{"webhook": hook.url + "/hook"}],
            },
        )
        watching = subprocess.Popen(
            [PROGRAM, "watch", "--config", str(desk.file), "--json"],
            stdout=subprocess.PIPE,
            text=True,
            env=environment(**desk.variables),
        )
        try:
            assert json.loads(watching.stdout.readline())["events"] == []
            for amount, event in (("-1000", "raised"), ("1000", "cleared")):
                move(server, amount)
                while not (events := json.loads(watching.stdout.readline())["events"]):
                    pass
                assert [row["event"] for row in events] == [event]
                assert heard.get(timeout=30)["event"] == event
        finally:
            watching.send_signal(signal.SIGTERM)
            watching.wait(timeout=10)
            watching.stdout.close()
    assert heard.empty()


def test_a_webhook_is_signed_and_tried_again(server, tmp_path):
    answers = [(503, {}, b""), (200, {}, b"")]
    with Relay(None, lambda seen: answers.pop(0)) as hook:
        target = {"webhook": hook.url + "/hook?x=1", "secret": {"env": "HOOK_SECRET"}}
        desk = desk_of(tmp_path, server, target)
        move(server, "-1000")
        assert desk.run("watch", "--once", HOOK_SECRET=SECRET).returncode == 1
        first, second = hook.seen
    assert second.path == "/hook?x=1" and second.body == first.body
    assert first.headers["X-Marginalia-Delivery"] == second.headers["X-Marginalia-Delivery"]
    signed = second.headers["X-Marginalia-Timestamp"].encode() + b"." + second.body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert second.headers["X-Marginalia-Signature"] == "sha256=" + expected


def test_telegram(server, tmp_path):
    with Relay(None, lambda seen: (200, {}, b'{"ok":true}')) as bot:
        token = tmp_path / "token"
        token.write_text("123:made-up\n")
        token.chmod(0o600)
        target = {"telegram": {"file": "token"}, "chat": "-100", "base_url": bot.url}
        move(server, "-1000")
        assert desk_of(tmp_path, server, target).run("watch", "--once").returncode == 1
        (seen,) = bot.seen
    assert seen.path == "/bot123:made-up/sendMessage"
    body = json.loads(seen.body)
    assert body["chat_id"] == "-100" and "available is" in body["text"]


def test_who_cannot_be_told_is_said_without_secrets_and_told_later(server, tmp_path):
    token = tmp_path / "token"
    token.write_text("123:made-up-token\n")
    token.chmod(0o600)
    answers = [(403, {}, b""), (200, {}, b"")]
    with Relay(None, lambda seen: answers.pop(0)) as bot:
        target = {"telegram": {"file": "token"}, "chat": "1", "base_url": bot.url}
        desk = desk_of(tmp_path, server, target)
        move(server, "-1000")
        state = ("--once", "--state", str(tmp_path / "state.json"))
        failed = desk.run("watch", *state)
        assert "was not told to Telegram" in failed.stderr
        assert "made-up-token" not in failed.stdout + failed.stderr
        assert desk.run("watch", *state).returncode == 1
        assert desk.run("watch", *state).returncode == 1
        assert len(bot.seen) == 2


def test_an_account_that_cannot_be_read(tmp_path):
    desk = Desk(
        tmp_path,
        [entry("okx", "http://127.0.0.1:9")],
        attempts=1,
        watch={"alerts": [{"not_read": True}]},
    )
    done = desk.run("watch", "--once", "--json")
    assert done.returncode == 1
    (event,) = json.loads(done.stdout)["events"]
    assert event["account"] == NAMES["okx"] and event["value"] == "unavailable"


def test_old_figures(server, tmp_path):
    desk = desk_of(tmp_path, server, alerts=[{"older_than": "1ms"}, {"older_than": "1h", "name": "very old"}])
    time.sleep(0.01)
    readings = json.loads(desk.run("watch", "--once", "--json").stdout)["alerts"]
    assert [row["state"] for row in readings if row["alert"] == "very old"] == ["clear"]


def test_a_state_file_of_another_kind_is_left_alone(server, tmp_path):
    other = tmp_path / "other.json"
    other.write_text("{}")
    done = desk_of(tmp_path, server).run("watch", "--once", "--state", str(other))
    assert done.returncode == 78 and other.read_text() == "{}"


@pytest.mark.parametrize(
    "venue, instrument, quantity, small, money",
    [
        # 0.001 BTC against 5 USDT: 0.24 has to be maintained.
        ("binance", "BTCUSDT", "0.001", "ETHUSDT", "5"),
        # 0.1 of a contract of 0.01 BTC: 0.24 and a fee.
        ("okx", "BTC-USDT-SWAP", "0.1", "ETH-USDT-SWAP", "5"),
    ],
)
def test_what_isolated_positions_hold_backs_no_other(tmp_path, venue, instrument, quantity, small, money):
    """The cross position has next to nothing behind it, whatever an isolated one holds."""
    with Server() as server:
        other = {"margin_mode": "isolated"} if venue == "okx" else {}
        modes = [] if venue == "okx" else [
            {"type": "set_margin_mode", "account": "a", "instrument": small, "margin_mode": "isolated"}]
        server.apply(
            {"type": "open_account", "account": "a", "venue": venue},
            {"type": "prices", "venue": venue, "marks": {instrument: "60000", small: "3000"},
             "index": {"USDT": "1", "BTC": "60000", "ETH": "3000"}},
            {"type": "deposit", "account": "a", "asset": "USDT", "amount": money},
            {"type": "deposit", "account": "a", "asset": "USDT", "amount": "3000"},
            *modes,
            {"type": "set_leverage", "account": "a", "instrument": small, "leverage": "1", **other},
            {"type": "fill", "account": "a", "instrument": small, "side": "buy", "price": "3000",
             "quantity": "1" if venue == "binance" else "10", **other},
            {"type": "fill", "account": "a", "instrument": instrument, "side": "buy", "price": "60000",
             "quantity": quantity},
            {"type": "prices", "venue": venue, "marks": {instrument: "55300"}},
        )
        key = server.issue_key("a")
        desk = Desk(tmp_path, [entry(venue, server.url)],
                    watch={"alerts": [{"figure": "maintenance_share", "above": "0.5"}]})
        desk.variables |= key_variables({venue: {
            part: key[part] for part in ("api_key", "secret", "passphrase") if key.get(part)}})
        # 5 less a loss of 4.7, of which 0.2212 have to be maintained.
        [alert] = desk.json("watch", "--once", status=1)["alerts"]
        assert alert["state"] == "raised" and 0.7 < float(alert["value"]) < 0.8, alert
