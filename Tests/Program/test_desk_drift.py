"""The drift detector: fields that are new, lost or of another type are told once, and nothing fails."""

import json

import pytest
from desk import NAMES, Desk, entry
from relay import Relay
from server import Server, run
from venue_requests import VENUES

# For each call of a venue its endpoint, and the objects in its answer that are changed: where they are, a
# field that is always there and is taken out (None where the desk shows all of those), and one whose type is
# changed. None of them is a figure of the desk's, so that every digit must stay.
CHANGES = {
    "crypto-com": {
        "user-balance": (
            "/exchange/v1/private/user-balance",
            [
                ("result.data[]", "used_position_limit", "is_liquidating"),
                ("result.data[].position_balances[]", "collateral_eligible", "haircut"),
            ],
        ),
        "positions": (
            "/exchange/v1/private/get-positions",
            [("result.data[]", "open_pos_cost", "update_timestamp_ms")],
        ),
        "subaccount-balances": (
            "/exchange/v1/private/get-subaccount-balances",
            [("result.data[]", "position_limit", "is_liquidating")],
        ),
        "open-orders": ("/exchange/v1/private/get-open-orders", [("", "method", "id")]),
    },
    "rails": {
        "balances": (
            "/api/v1/balances",
            [("", "volume", "deposit"), ("marketBalancesMap.*", "volume", "openSell")],
        ),
        "positions": ("/api/v1/positions", [("positions[]", "realizedPnl", "funding")]),
        "open-orders": ("/api/v1/open-orders", [("", None, "openOrders")]),
        "market-data": ("/api/v1/market-data", [("[]", "index", "updatedAt")]),
    },
    "binance": {
        "account": (
            "/fapi/v3/account",
            [
                ("", "totalCrossUnPnl", "totalOpenOrderInitialMargin"),
                ("assets[]", "crossUnPnl", "updateTime"),
                ("positions[]", None, "updateTime"),
            ],
        ),
        "positions": ("/fapi/v3/positionRisk", [("[]", "bidNotional", "adl")]),
        "config": ("/fapi/v1/accountConfig", [("", "tradeGroupId", "feeTier")]),
        "balance": ("/fapi/v3/balance", [("[]", "crossUnPnl", "updateTime")]),
        "prices": ("/fapi/v1/assetIndex", [("[]", "askBuffer", "time")]),
    },
    "okx": {
        "balance": (
            "/api/v5/account/balance",
            [("data[]", "ordFroz", "borrowFroz"), ("data[].details[]", "twap", "stgyEq")],
        ),
        "positions": ("/api/v5/account/positions", [("data[]", "interest", "adl")]),
        "config": ("/api/v5/account/config", [("data[]", "posMode", "ctIsoMode")]),
        "open-orders": ("/api/v5/trade/orders-pending", [("data[]", "side", "reduceOnly")]),
    },
}


def objects(value, path: str) -> list[dict]:
    """The objects that a path such as `data[].details[]` or `map.*` leads to."""
    found = [value]
    for step in path.replace("[]", ".[]").split("."):
        if step == "[]":
            found = [element for one in found for element in one]
        elif step == "*":
            found = [element for one in found for element in one.values()]
        elif step:
            found = [one[step] for one in found]
    return found


def changed(body: bytes, changes) -> bytes:
    """An answer after a venue's change of mind."""
    content = json.loads(body)
    for path, lost, retyped in changes:
        rows = objects(content, path)
        assert rows, path
        for row in rows:
            assert lost is None or lost in row, (path, lost, row)
            row.pop(lost, None)
            row[retyped] = 7 if isinstance(row[retyped], bool) else True
            row["brandNew"] = "made up 7"
    return json.dumps(content).encode()


def expected(call: str, changes) -> set[tuple[str, str]]:
    """Kind and path of each drift of a call."""
    drifts = set()
    for path, lost, retyped in changes:
        place = f"{call} {path}" + ("." if path else "")
        drifts |= {("new", place + "brandNew"), ("retyped", place + retyped)}
        drifts |= {("lost", place + lost)} if lost else set()
    return drifts


def all_expected(venue: str) -> set[tuple[str, str]]:
    return {drift for call, (_, changes) in CHANGES[venue].items() for drift in expected(call, changes)}


def told(drift: list[dict]) -> set[tuple[str, str]]:
    """Kind and path of reported drifts, each reported once and with an example where there is one."""
    pairs = [(row["kind"], row["path"]) for row in drift]
    assert len(pairs) == len(set(pairs)), pairs
    for row in drift:
        if row["kind"] == "new":
            assert row["example"] == "made up 7", row
        else:
            assert bool(row["example"]) == (row["kind"] == "retyped"), row
    return set(pairs)


def assert_each_has_one_line(shown: str, venue: str) -> None:
    """Every drift of a venue is in the tables once."""
    lines = shown.splitlines()
    for kind, path in all_expected(venue):
        matching = [line for line in lines if line.split()[:2] == [venue, kind] and f" {path} " in line + " "]
        assert len(matching) == 1, (kind, path, shown)


def digits(book: dict) -> dict:
    parts = ("figures", "assets", "positions")
    return {row["account"]: [row[part] for part in parts] for row in book["accounts"]}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Every answer that the desk reads an account from, by endpoint, and the book made of them."""
    with Server("--demo", "--rate-limits", "off") as server, Relay(server.port) as relay:
        desk = Desk(tmp_path_factory.mktemp("desk"), [entry(venue, relay.url) for venue in VENUES])
        book = desk.json("portfolio")
        assert [account["drift"] for account in book["accounts"]] == [[]] * len(book["accounts"])
        yield server, dict(relay.answers), book


@pytest.fixture
def drifting(recorded, tmp_path):
    """A desk whose venues have all changed their minds."""
    server, _, _ = recorded
    by_endpoint = {end: changes for calls in CHANGES.values() for end, changes in calls.values()}

    def intercept(seen):
        if seen.endpoint not in by_endpoint:
            return None
        status, headers, body = relay._hand_on(seen)
        return status, headers, changed(body, by_endpoint[seen.endpoint])

    with Relay(server.port, intercept) as relay:
        yield Desk(
            tmp_path, [entry(venue, relay.url) for venue in VENUES], watch={"alerts": [{"drift": True}]}
        )


def audit_of(folder, venue: str, bodies: dict[str, bytes], *options: str):
    """`marginalia audit` over kept answers, by call."""
    arguments = []
    for call, body in bodies.items():
        file = folder / f"{call}.json"
        file.write_bytes(body)
        arguments += ["--file", str(file), "--call", call]
    return run("audit", *arguments, "--venue", venue, *options)


@pytest.mark.parametrize("venue, call", [(venue, call) for venue in VENUES for call in CHANGES[venue]])
def test_one_kept_answer_that_drifts(recorded, tmp_path, venue, call):
    """One answer of several is odd: it alone is named, all else is read."""
    _, answers, _ = recorded
    bodies = {name: answers[endpoint] for name, (endpoint, _) in CHANGES[venue].items()}
    endpoint, changes = CHANGES[venue][call]
    bodies[call] = changed(answers[endpoint], changes)
    done = audit_of(tmp_path, venue, bodies, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    accounts = json.loads(done.stdout)["accounts"]
    found = {pair for account in accounts for pair in told(account["drift"])}
    assert found == expected(call, changes)


# Where the list stands in answers that reading can do without.
LISTS = [
    ("crypto-com", "positions", "result.data"),
    ("crypto-com", "open-orders", "result.data"),
    ("rails", "positions", "positions"),
    ("rails", "open-orders", "openOrders"),
    ("okx", "positions", "data"),
    ("okx", "open-orders", "data"),
]


@pytest.mark.parametrize("venue, call, path", LISTS)
def test_a_list_of_another_type_is_no_empty_list(recorded, tmp_path, venue, call, path):
    """What cannot be read is not known, rather than nothing: no figure contradicts it."""
    _, answers, _ = recorded
    bodies = {name: answers[endpoint] for name, (endpoint, _) in CHANGES[venue].items()}
    content = json.loads(bodies[call])
    place, _, field = path.rpartition(".")
    objects(content, place)[0][field] = "made up 7"
    bodies[call] = json.dumps(content).encode()
    done = audit_of(tmp_path, venue, bodies, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    drift = [row for account in json.loads(done.stdout)["accounts"] for row in account["drift"]]
    assert [(row["kind"], row["path"], row["example"]) for row in drift] == [
        ("retyped", f"{call} {path}", "made up 7")
    ]


@pytest.mark.parametrize("venue", VENUES)
def test_kept_answers_that_drift_in_a_table(recorded, tmp_path, venue):
    _, answers, _ = recorded
    bodies = {call: changed(answers[end], changes) for call, (end, changes) in CHANGES[venue].items()}
    done = audit_of(tmp_path, venue, bodies)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_each_has_one_line(done.stdout, venue)


@pytest.mark.parametrize("venue", VENUES)
def test_a_kept_answer_as_it_came_has_no_drift(recorded, tmp_path, venue):
    _, answers, _ = recorded
    done = audit_of(
        tmp_path, venue, {call: answers[end] for call, (end, _) in CHANGES[venue].items()}, "--json"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(account["drift"] == [] for account in json.loads(done.stdout)["accounts"])


def test_the_book_is_read_all_the_same_and_every_drift_told(recorded, drifting):
    _, _, sound = recorded
    done = drifting.run("portfolio", "--json")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    book = json.loads(done.stdout)
    assert digits(book) == digits(sound)
    for venue in VENUES:
        accounts = [row for row in book["accounts"] if row["venue"] == venue]
        assert {pair for account in accounts for pair in told(account["drift"])} == all_expected(venue)
    # What several accounts of a venue have in common is one line for people.
    shown = drifting.run("portfolio").stdout
    for venue in VENUES:
        assert_each_has_one_line(shown, venue)


def test_the_audit_of_accounts_tells_it_too(drifting):
    report = json.loads(drifting.run("audit", "--json").stdout)
    for venue in VENUES:
        accounts = [row for row in report["accounts"] if row["venue"] == venue]
        assert {pair for account in accounts for pair in told(account["drift"])} == all_expected(venue)


def test_watch_tells_each_drift_once(drifting):
    state = ("--once", "--json", "--state", str(drifting.folder / "state.json"))
    first = drifting.run("watch", *state)
    assert first.returncode == 1, first.stderr
    events = json.loads(first.stdout)["events"]
    for venue in VENUES:
        own = [event for event in events if event["venue"] == venue and event["account"] == NAMES[venue]]
        subjects = [event["subject"] for event in own]
        assert len(subjects) == len(set(subjects))
    subjects = {(event["venue"], *event["subject"].split(" ", 1)) for event in events}
    assert subjects == {(venue, *pair) for venue in VENUES for pair in all_expected(venue)}
    again = drifting.run("watch", *state)
    assert again.returncode == 1 and json.loads(again.stdout)["events"] == []
