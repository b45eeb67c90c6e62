"""The desk against our own server under every fault that it can inject (docs/faults.md), at all venues."""

import json
import time

import pytest
from desk import NAMES, Desk, entry
from server import Server
from venue_requests import DEMONSTRATION_KEYS, VENUES, balance

# Every path that the desk asks for an account, the one without which there is no account first.
PATHS = {
    "crypto-com": (
        "/exchange/v1/private/user-balance",
        "/exchange/v1/private/get-subaccount-balances",
        "/exchange/v1/private/get-positions",
        "/exchange/v1/private/get-open-orders",
        "/exchange/v1/private/get-accounts",
    ),
    "rails": (
        "/api/v1/balances",
        "/api/v1/token",
        "/api/v1/positions",
        "/api/v1/open-orders",
        "/api/v1/market-data",
    ),
    "binance": (
        "/fapi/v3/account",
        "/fapi/v3/positionRisk",
        "/fapi/v1/accountConfig",
        "/fapi/v3/balance",
        "/fapi/v1/assetIndex",
    ),
    "okx": (
        "/api/v5/account/balance",
        "/api/v5/account/positions",
        "/api/v5/account/config",
        "/api/v5/trade/orders-pending",
    ),
}
ANOTHER = {"okx": "demo-okx-spot", "binance": "demo-binance-multi"}
WALLETS = {"crypto-com": "USD", "rails": "USD", "binance": "USDT", "okx": "USDT"}
# Seconds that a test may take though a fault would hold it for minutes.
BOUND = 60
# Longer than any call is waited for here.
LONG = 20_000
# Ways in which a venue can fail for good, and what the desk calls them.
FOR_GOOD = {
    "status": ({"status": 503}, "unavailable"),
    "drop": ({}, "unavailable"),
    "partial": ({}, "unavailable"),
    "latency": ({"delay_ms": LONG}, "unavailable"),
    "rate_limit": ({"retry_after_s": 1}, "rate_limited"),
    # Sound answers, but behind a proxy of the venue that is gone.
    "status 502": ({"kind": "status", "status": 502}, "unavailable"),
    "status 504": ({"kind": "status", "status": 504}, "unavailable"),
}


@pytest.fixture(scope="module")
def server():
    with Server("--demo", "--rate-limits", "off") as running:
        yield running


@pytest.fixture(autouse=True)
def healthy(server):
    """Ends what faults a test has set."""
    yield
    assert server.admin("DELETE", "/faults").status == 204


@pytest.fixture(scope="module")
def sound(server, tmp_path_factory):
    """What the desk shows while nothing is wrong."""
    book = desk_of(tmp_path_factory.mktemp("sound"), server).json("portfolio")
    assert len(figures(book)) >= len(VENUES)
    return book


def desk_of(folder, server, venues=VENUES, **content) -> Desk:
    return Desk(folder, [entry(venue, server.url) for venue in venues], **content)


def put(server, *faults: dict) -> None:
    answer = server.admin("PUT", "/faults", list(faults))
    assert answer.status == 200, answer.body


def figures(book: dict) -> dict:
    """Every digit of a book by account: figures, assets and positions, with their fields."""
    return {
        row["account"]: {name: row[name] for name in ("figures", "assets", "positions", "mode")}
        for row in book["accounts"]
    }


def of_venues(shown: dict, *venues: str) -> dict:
    """The part of `figures` that belongs to some venues, sub-accounts included."""
    names = {NAMES[venue] for venue in venues}
    return {account: row for account, row in shown.items() if account.split("/")[0] in names}


def without(venue: str) -> tuple[str, ...]:
    return tuple(other for other in VENUES if other != venue)


def hold_no_secret(*texts: str) -> None:
    """Nothing that was printed holds any part of a key."""
    for key in DEMONSTRATION_KEYS.values():
        for secret in key.values():
            for text in texts:
                assert secret not in text
    for text in texts:
        assert "Fatal" not in text and "Bearer" not in text


def sentences(done, *venues: str) -> None:
    """Standard error has one line for each of these accounts, and it says whose, where, and what to do."""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == len(venues), done.stderr
    for venue in venues:
        (line,) = [line for line in lines if f"{NAMES[venue]} at {venue}" in line]
        assert any(advice in line for advice in ("try again", "timeouts", "check", "less often")), line
    hold_no_secret(done.stdout, done.stderr)


# Faults that pass


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize(
    "kind, fields",
    [
        ("status", {"status": 500}),
        ("status", {"status": 503}),
        ("status", {"status": 504}),
        ("drop", {}),
        ("partial", {}),
        ("partial", {"bytes": 0}),
    ],
)
def test_every_call_survives_one_failure_and_every_digit_is_right(
    server, sound, tmp_path, venue, kind, fields
):
    put(server, *({"venue": venue, "kind": kind, "path": path, "times": 1} | fields for path in PATHS[venue]))
    done = desk_of(tmp_path, server).run("portfolio", "--json")
    assert done.returncode == 0, done.stderr
    assert figures(json.loads(done.stdout)) == figures(sound)
    assert done.stderr == ""
    # All were struck: what is left of the faults would strike now.
    assert balance(server, venue, DEMONSTRATION_KEYS[venue]).status == 200


def test_a_refusal_for_the_rate_is_waited_out_at_all_venues_at_once(server, sound, tmp_path):
    put(
        server,
        *({"venue": venue, "kind": "rate_limit", "path": PATHS[venue][0], "times": 1} for venue in VENUES),
    )
    done = desk_of(tmp_path, server).run("portfolio", "--json")
    assert done.returncode == 0, done.stderr
    assert figures(json.loads(done.stdout)) == figures(sound)


def test_late_and_reordered_answers_are_waited_for(server, sound, tmp_path):
    put(
        server,
        *({"venue": venue, "kind": "latency", "delay_ms": 300} for venue in VENUES),
        *({"venue": venue, "kind": "reordered", "delay_ms": 300} for venue in VENUES),
    )
    assert figures(desk_of(tmp_path, server).json("portfolio")) == figures(sound)


@pytest.mark.parametrize("kind", ("latency", "reordered"))
def test_an_answer_that_is_too_late_is_asked_for_again(server, sound, tmp_path, kind):
    put(
        server,
        *(
            {"venue": venue, "kind": kind, "delay_ms": LONG, "path": PATHS[venue][0], "times": 1}
            for venue in VENUES
        ),
    )
    begun = time.monotonic()
    book = desk_of(tmp_path, server, timeouts={"call": "2s"}).json("portfolio")
    assert figures(book) == figures(sound)
    assert time.monotonic() - begun < BOUND


def test_chance_failures_of_all_kinds_never_change_a_digit(server, sound, tmp_path):
    """What is shown under a storm is right, whatever is shown; what is not, is named."""
    kinds = ("status", "drop", "partial", "rate_limit", "latency", "reordered", "stale")
    for seed in range(3):
        put(
            server,
            *(
                {"venue": venue, "kind": kind, "probability": "0.1", "seed": seed * 100 + place}
                | ({"delay_ms": 50} if kind in ("latency", "reordered") else {})
                for venue in VENUES
                for place, kind in enumerate(kinds)
            ),
        )
        done = desk_of(tmp_path, server).run("portfolio", "--json")
        assert done.returncode in (0, 2), (seed, done.stderr)
        book = json.loads(done.stdout)
        missing = {row["account"] for row in book["not_read"]}
        assert bool(missing) == (done.returncode == 2), seed
        whole = [venue for venue in VENUES if NAMES[venue] not in missing]
        assert of_venues(figures(book), *whole) == of_venues(figures(sound), *whole), seed
        hold_no_secret(done.stdout, done.stderr)


# Faults that stay


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("fault", FOR_GOOD)
def test_a_venue_that_fails_for_good_leaves_the_others_as_they_are(server, sound, tmp_path, venue, fault):
    fields, kind = FOR_GOOD[fault]
    put(server, {"venue": venue, "kind": fault} | fields)
    begun = time.monotonic()
    done = desk_of(tmp_path, server, attempts=2, timeouts={"call": "2s"}).run("portfolio", "--json")
    assert time.monotonic() - begun < BOUND
    assert done.returncode == 2, done.stderr
    sentences(done, venue)
    book = json.loads(done.stdout)
    assert book["complete"] is False
    assert [(row["account"], row["venue"], row["kind"]) for row in book["not_read"]] == [
        (NAMES[venue], venue, kind)
    ]
    # The figures of the others are the same to the digit, and totals say who is not in them.
    assert figures(book) == of_venues(figures(sound), *without(venue))
    equity = book["totals"]["figures"]["equity"]
    assert equity["complete"] is False
    assert NAMES[venue] in {gap["account"] for gap in equity["gaps"]}


@pytest.mark.parametrize("command", ("portfolio", "audit", "watch"))
def test_each_command_tells_of_one_venue_that_is_down(server, tmp_path, command):
    put(server, {"venue": "okx", "kind": "status"})
    desk = desk_of(tmp_path, server, attempts=2)
    done = desk.run(command, *(["--once"] if command == "watch" else []))
    assert done.returncode == 2, done.stderr
    sentences(done, "okx")
    assert NAMES["binance"] in done.stdout or command == "audit"


@pytest.mark.parametrize("command", ("portfolio", "audit", "watch"))
@pytest.mark.parametrize("fault", ("status", "drop", "partial", "latency", "rate_limit"))
def test_where_all_venues_are_down_every_account_has_its_sentence(server, tmp_path, command, fault):
    fields, _ = FOR_GOOD[fault]
    put(server, *({"venue": venue, "kind": fault} | fields for venue in VENUES))
    desk = desk_of(tmp_path, server, attempts=1, timeouts={"call": "500ms"})
    done = desk.run(command, *(["--once"] if command == "watch" else []))
    assert done.returncode == 69, done.stderr
    sentences(done, *VENUES)


@pytest.mark.parametrize("venue", VENUES)
def test_a_call_that_reading_can_do_without_is_named_and_the_rest_shown(server, sound, tmp_path, venue):
    """Positions cannot be read: what else there is of the account stands, and nobody takes it for all."""
    path = next(path for path in PATHS[venue] if "ositions" in path or "ositionRisk" in path)
    put(server, {"venue": venue, "kind": "drop", "path": path})
    done = desk_of(tmp_path, server, [venue], attempts=2).run("portfolio", "--json")
    assert done.returncode == 2, done.stderr
    sentences(done, venue)
    book = json.loads(done.stdout)
    assert [(row["account"], row["call"]) for row in book["not_read"]] == [(NAMES[venue], "positions")]
    shown = next(row for row in book["accounts"] if row["account"] == NAMES[venue])
    right = next(row for row in sound["accounts"] if row["account"] == NAMES[venue])
    figures = dict(right["figures"])
    if venue == "rails":
        # Profit is told by positions alone, and isolated ones are a part of what the account is worth.
        for name in ("equity", "equity_usd", "unrealized_pnl"):
            figures[name] = shown["figures"][name]
            assert figures[name]["state"] == "absent"
    assert shown["figures"] == figures


def test_a_rule_that_cannot_be_judged_is_not_taken_for_clear(server, tmp_path):
    put(server, {"venue": "okx", "kind": "drop"})
    alert = {"figure": "equity", "below": "1", "account": NAMES["okx"]}
    desk = desk_of(tmp_path, server, ["okx", "rails"], attempts=1, watch={"alerts": [alert]})
    done = desk.run("watch", "--once", "--json")
    assert done.returncode == 2, done.stderr
    assert [row["state"] for row in json.loads(done.stdout)["alerts"]] == ["unknown"]


# Deadlines


@pytest.mark.parametrize("kind", ("latency", "reordered", "rate_limit", "status"))
def test_the_deadline_of_the_whole_reading_is_kept(server, tmp_path, kind):
    fields = {
        "latency": {"delay_ms": LONG},
        "reordered": {"delay_ms": LONG},
        "rate_limit": {"retry_after_s": 1},
        "status": {"status": 500},
    }[kind]
    put(server, *({"venue": venue, "kind": kind} | fields for venue in VENUES))
    # Left to itself each call would be tried twenty times, a minute each.
    desk = desk_of(tmp_path, server, attempts=20, timeouts={"call": "60s", "whole": "3s"}, concurrency=1)
    begun = time.monotonic()
    done = desk.run("portfolio")
    assert time.monotonic() - begun < BOUND
    assert done.returncode == 69, done.stderr
    sentences(done, *VENUES)


def test_a_slow_venue_takes_no_time_from_the_others(server, sound, tmp_path):
    """The slow account is first in line and all are read one after another; each has its own share."""
    put(server, {"venue": "crypto-com", "kind": "latency", "delay_ms": LONG})
    desk = desk_of(tmp_path, server, attempts=2, timeouts={"call": "1s", "whole": "60s"}, concurrency=1)
    book = desk.json("portfolio", status=2)
    assert figures(book) == of_venues(figures(sound), *without("crypto-com"))


# Retry-After


def test_retry_after_is_respected(server, sound, tmp_path):
    put(server, {"venue": "binance", "kind": "rate_limit", "retry_after_s": 3, "times": 1})
    begun = time.monotonic()
    book = desk_of(tmp_path, server, ["binance"]).json("portfolio")
    # A load on the machine can only lengthen it.
    assert time.monotonic() - begun >= 3
    assert figures(book) == of_venues(figures(sound), "binance")


def test_a_wait_beyond_the_deadline_ends_at_once_and_says_when(server, tmp_path):
    # A second attempt would meet a healthy venue, so that a failure proves that there was none.
    put(server, {"venue": "binance", "kind": "rate_limit", "retry_after_s": 7200, "times": 1})
    begun = time.monotonic()
    done = desk_of(tmp_path, server, ["binance"]).run("portfolio")
    assert done.returncode == 69 and "7200 s" in done.stderr
    assert time.monotonic() - begun < BOUND
    sentences(done, "binance")


# Answers that are sound and wrong


def deposited(book: dict, venue: str) -> str:
    """The wallet that a deposit changes, as text."""
    row = next(row for row in book["accounts"] if row["account"] == NAMES[venue])
    asset = next((asset for asset in row["assets"] if asset["asset"] == WALLETS[venue]), row)
    return asset["figures"]["wallet"]["value"]


@pytest.mark.parametrize("venue", VENUES)
def test_a_stale_answer_shows_its_age_where_the_venue_says_its_time(start, tmp_path, venue):
    server = start("--demo", "--rate-limits", "off")
    alerts = [{"older_than": "1s"}, {"older_than": "1h", "name": "hour"}]
    desk = desk_of(tmp_path, server, [venue], watch={"alerts": alerts})
    before = deposited(desk.json("portfolio"), venue)
    put(server, {"venue": venue, "kind": "stale"})
    server.apply(
        {"type": "deposit", "account": f"demo-{venue}", "asset": WALLETS[venue], "amount": "50"},
    )
    time.sleep(1.1)
    book = desk.json("portfolio")
    assert deposited(book, venue) == before, "the venue answers from an earlier state"
    row = next(row for row in book["accounts"] if row["account"] == NAMES[venue])
    watched = desk.run("watch", "--once", "--json")
    states = {row["alert"]: row["state"] for row in json.loads(watched.stdout)["alerts"]}
    if venue == "okx":
        # Only OKX says when its figures were worked out.
        assert row["venue_time"] is not None and row["age_ms"] >= 1000
        assert watched.returncode == 1 and states == {"older_than": "raised", "hour": "clear"}
    else:
        assert row["venue_time"] is None
        assert watched.returncode == 0 and set(states.values()) == {"clear"}
    server.admin("DELETE", "/faults")
    assert deposited(desk.json("portfolio"), venue) != before


def test_half_an_answer_is_never_shown(server, sound, tmp_path):
    """A body that breaks off anywhere is asked for again or named, never read as far as it goes."""
    whole = len(balance(server, "okx", DEMONSTRATION_KEYS["okx"]).body)
    for cut in (0, 1, whole // 3, whole - 1):
        put(server, {"venue": "okx", "kind": "partial", "bytes": cut})
        book = desk_of(tmp_path, server, ["okx", "rails"], attempts=2).json("portfolio", status=2)
        assert figures(book) == of_venues(figures(sound), "rails"), cut
        assert [row["account"] for row in book["not_read"]] == [NAMES["okx"]], cut


# Answers about another account


def identity(book: dict, venue: str) -> str | None:
    return next(row["uid"] for row in book["accounts"] if row["account"] == NAMES[venue])


def test_who_names_the_account(sound):
    """OKX and Binance always; Crypto.com beside positions and orders, which the demonstration has; Rails
    never."""
    assert identity(sound, "okx").isdigit()
    assert len(identity(sound, "binance")) == 14
    assert len(identity(sound, "crypto-com")) == 36
    assert identity(sound, "rails") is None


@pytest.mark.parametrize("venue", ("okx", "binance"))
def test_an_answer_about_another_account_is_not_shown_where_it_can_be_told(server, sound, tmp_path, venue):
    uid = identity(sound, venue)
    desk = Desk(tmp_path, [entry(venue, server.url, uid=uid), entry("rails", server.url)], attempts=2)
    assert figures(desk.json("portfolio")) == of_venues(figures(sound), venue, "rails")
    put(server, {"venue": venue, "kind": "wrong_account", "as": ANOTHER[venue]})
    done = desk.run("portfolio", "--json")
    assert done.returncode == 2, done.stderr
    sentences(done, venue)
    assert uid in done.stderr
    book = json.loads(done.stdout)
    assert figures(book) == of_venues(figures(sound), "rails")
    assert [(row["account"], row["kind"]) for row in book["not_read"]] == [(NAMES[venue], "unreadable")]


def test_where_the_account_is_not_named_a_uid_is_not_taken_for_right(server, sound, tmp_path):
    everything = entry("okx", server.url, uid=identity(sound, "okx"), allow=["trade", "withdraw"])
    desk = Desk(tmp_path, [everything], attempts=2)
    put(server, {"venue": "okx", "kind": "drop", "path": "/api/v5/account/config"})
    done = desk.run("portfolio")
    assert done.returncode == 69 and "do not name their account" in done.stderr
    desk = Desk(tmp_path, [entry("rails", server.url, uid="1")])
    done = desk.run("portfolio")
    assert done.returncode == 69 and "leave uid out" in done.stderr


@pytest.mark.parametrize("venue", ("okx", "binance"))
def test_without_a_uid_a_single_reading_cannot_tell(server, sound, tmp_path, venue):
    """What docs/desk.md says cannot be told; the uid stands beside the figures for whoever looks."""
    put(server, {"venue": venue, "kind": "wrong_account", "as": ANOTHER[venue]})
    book = desk_of(tmp_path, server, [venue]).json("portfolio")
    assert figures(book) != of_venues(figures(sound), venue)
    assert identity(book, venue) != identity(sound, venue)


@pytest.mark.parametrize("venue", ("okx", "binance"))
def test_a_watch_notices_that_the_account_is_another_one(server, sound, tmp_path, venue):
    desk = desk_of(
        tmp_path, server, [venue], watch={"every": "100ms", "alerts": [{"not_read": True}]}, attempts=1
    )
    with desk.watching() as readings:
        assert next(readings)["not_read"] == []
        put(server, {"venue": venue, "kind": "wrong_account", "as": ANOTHER[venue]})
        missing = next(row for row in readings if row["not_read"])
        assert [event["event"] for event in missing["events"]] == ["raised"]
        assert "account" in missing["not_read"][0]["message"]
        server.admin("DELETE", "/faults")
        assert [event["event"] for event in next(row for row in readings if row["complete"])["events"]] == [
            "cleared"
        ]


def test_a_server_that_stops_does_not_wait_for_delays(start, tmp_path):
    """A stop within the time that the harness allows, while answers are held for ten minutes."""
    server = start("--demo", "--rate-limits", "off")
    for kind in ("latency", "reordered"):
        put(server, {"venue": "okx", "kind": kind, "delay_ms": 600_000})
        desk = desk_of(tmp_path, server, ["okx"], attempts=1, timeouts={"call": "300ms"})
        assert desk.run("portfolio").returncode == 69
    assert server.stop() == 0
