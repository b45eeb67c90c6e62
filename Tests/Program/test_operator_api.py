"""The operator API over HTTP: commands and their ids, time, the past, keys, and statements byte for byte."""

import json
import threading

import pytest

import venue_requests
from server import Server

OPENING = {
    venue: {"type": "open_account", "account": f"desk-{venue}", "venue": venue}
    for venue in venue_requests.VENUES
}
FUNDING = {
    "crypto-com": ("USD", "1000.25"),
    "rails": ("USD", "1000.25"),
    "binance": ("USDT", "1000.25"),
    "okx": ("USDT", "1000.25"),
}


def deposit(venue: str, **more) -> dict:
    asset, amount = FUNDING[venue]
    return {"type": "deposit", "account": f"desk-{venue}", "asset": asset, "amount": amount} | more


@pytest.fixture
def standing(start):
    """A server whose clock stands at the beginning of 2026."""
    return start("--ledger-time", "2026-01-01T00:00:00Z")


# Commands


def test_results_are_in_order_and_sequences_rise(server):
    results = server.send(
        OPENING["okx"],
        deposit("okx", id="a"),
        deposit("okx", account="nobody"),
        deposit("okx", id="b"),
        deposit("okx", id="a"),
    )
    assert [row["status"] for row in results] == ["applied", "applied", "rejected", "applied", "duplicate"]
    assert [row.get("id") for row in results] == [None, "a", None, "b", "a"]
    assert results[0]["sequence"] < results[1]["sequence"] < results[3]["sequence"]
    assert results[4]["sequence"] == results[1]["sequence"]


def test_a_rejection_does_not_use_up_its_id(server):
    server.apply(OPENING["okx"])
    assert server.send(deposit("okx", id="x", amount="-1"))[0]["status"] == "rejected"
    assert server.send(deposit("okx", id="x"))[0]["status"] == "applied"
    assert server.send(deposit("okx", id="x"))[0]["status"] == "duplicate"


def test_key_order_makes_no_other_command(server):
    server.apply(OPENING["okx"])
    [first] = server.send(deposit("okx", id="x"))
    [second] = server.send(dict(reversed(deposit("okx", id="x").items())))
    assert (second["status"], second["sequence"]) == ("duplicate", first["sequence"])


def test_an_id_is_one_for_the_whole_ledger_and_outlives_the_process(start, store):
    one = start(store=store)
    one.apply(OPENING["okx"], OPENING["rails"], deposit("okx", id="x"))
    assert one.send(deposit("rails", id="x"))[0]["error"]["code"] == "id_reused"
    assert one.stop() == 0
    again = start(store=store)
    assert again.send(deposit("okx", id="x"))[0]["status"] == "duplicate"


def test_atomic_is_all_or_none(server):
    server.apply(OPENING["okx"])
    before = server.everything()
    answer = server.admin(
        "POST", "/commands?atomic=true", [deposit("okx"), deposit("okx", asset="NOSUCHCOIN")]
    )
    assert answer.status == 422
    assert (answer.json["index"], answer.json["error"]["code"]) == (1, "unknown_asset")
    assert server.everything() == before
    assert [row["status"] for row in server.send(deposit("okx"), deposit("okx"), atomic=True)] == [
        "applied"
    ] * 2


def test_lines_do_the_same_as_an_array(server):
    lines = (
        "\r\n".join(json.dumps(command) for command in (OPENING["okx"], deposit("okx"), deposit("okx")))
        + "\n\n"
    )
    answer = server.admin("POST", "/commands", lines, Content_Type="application/x-ndjson; charset=utf-8")
    assert [row["status"] for row in answer.json["results"]] == ["applied"] * 3
    assert server.account("desk-okx")["holdings"][0]["cash"] == "2000.5"


def test_many_writers_lose_nothing(server):
    server.apply(*OPENING.values())

    def write():
        for _ in range(20):
            server.apply(*[deposit(venue) for venue in FUNDING])

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for venue in FUNDING:
        assert server.account(f"desk-{venue}")["holdings"][0]["cash"] == "160040", venue


# Time


def test_clock_moves_only_where_it_stands(server, standing):
    refused = server.admin("PUT", "/clock", {"advance_ms": 1})
    assert refused.status == 409 and refused.json["code"]
    assert standing.admin("PUT", "/clock", {"advance_ms": 500}).status == 200
    assert standing.admin("PUT", "/clock", {"advance": "1s"}).status == 200
    standing.apply(OPENING["okx"])
    assert standing.account("desk-okx")["opened_at"] == 1767225601500
    assert standing.admin("PUT", "/clock", {"now": "2026-02-01T00:00:00Z"}).status == 200
    standing.apply(deposit("okx"))
    assert standing.account("desk-okx")["updated_at"] == 1769904000000
    assert standing.admin("PUT", "/clock", {"now": 1769904000001}).status == 200


def test_venue_clocks_are_real_whatever_the_ledger_time_is(standing):
    for path, read in (
        ("/fapi/v1/time", lambda body: body["serverTime"]),
        ("/api/v5/public/time", lambda body: int(body["data"][0]["ts"])),
    ):
        shown = read(standing.request("GET", path).json)
        assert abs(shown - venue_requests.milliseconds()) < 5000


def test_as_of_shows_the_past_and_includes_the_moment_itself(standing):
    standing.apply(OPENING["okx"], deposit("okx"))
    first = standing.everything()
    first_statement = standing.statement("desk-okx")
    standing.admin("PUT", "/clock", {"advance_ms": 1000})
    standing.apply(deposit("okx"), {"type": "prices", "venue": "okx", "marks": {}, "index": {"USDT": "0.5"}})
    for time in (1767225600000, "2026-01-01T00:00:00Z", 1767225600999):
        past = standing.admin("GET", f"/accounts/desk-okx?as_of={time}").body
        assert past == first, time
        assert (
            json.loads(standing.statement("desk-okx", f"?as_of={time}"))["data"][0]["totalEq"]
            == json.loads(first_statement)["data"][0]["totalEq"]
        ), time
    assert standing.account("desk-okx", 1767225601000)["holdings"][0]["cash"] == "2000.5"
    assert standing.admin("GET", "/accounts/desk-okx?as_of=1767225599999").status == 404


def test_a_past_figure_uses_the_prices_of_its_time(standing):
    standing.apply(
        OPENING["okx"],
        deposit("okx"),
        {"type": "prices", "venue": "okx", "marks": {}, "index": {"USDT": "0.9"}},
    )
    standing.admin("PUT", "/clock", {"advance_ms": 1000})
    standing.apply({"type": "prices", "venue": "okx", "marks": {}, "index": {"USDT": "1.1"}})
    then = json.loads(standing.statement("desk-okx", "?as_of=1767225600500"))["data"][0]["totalEq"]
    now = json.loads(standing.statement("desk-okx"))["data"][0]["totalEq"]
    assert (then, now) == ("900.225", "1100.275")


# The journal of an account


def test_events_are_paged_in_order(server):
    server.apply(OPENING["okx"], OPENING["rails"], *[deposit("okx", id=f"d{number}") for number in range(25)])
    seen, after = [], 0
    while True:
        page = server.admin("GET", f"/accounts/desk-okx/events?after={after}&limit=10").json["events"]
        if not page:
            break
        assert len(page) <= 10
        seen += page
        after = page[-1]["sequence"]
    assert [event["sequence"] for event in seen] == sorted({event["sequence"] for event in seen})
    assert [event["command_id"] for event in seen][1:] == [f"d{number}" for number in range(25)]
    assert {event["account"] for event in seen} == {"desk-okx"}


def test_a_transfer_is_in_both_journals(server):
    server.apply(
        OPENING["okx"],
        {"type": "open_account", "account": "child", "venue": "okx", "parent": "desk-okx"},
        deposit("okx"),
        {"type": "transfer", "account": "desk-okx", "to": "child", "asset": "USDT", "amount": "0.25"},
    )
    for name, cash in (("desk-okx", "1000"), ("child", "0.25")):
        assert server.account(name)["holdings"][0]["cash"] == cash
        last = server.admin("GET", f"/accounts/{name}/events").json["events"][-1]
        assert {last["account"], last["counterparty"]} == {"desk-okx", "child"}


# Keys


@pytest.mark.parametrize("venue", venue_requests.VENUES)
def test_a_key_works_at_once_and_not_a_moment_after_it_is_revoked(server, venue):
    server.apply(OPENING[venue], deposit(venue))
    key = server.issue_key(f"desk-{venue}")
    other = server.issue_key(f"desk-{venue}")
    assert venue_requests.balance(server, venue, key).status == 200
    listed = server.admin("GET", f"/accounts/desk-{venue}/keys")
    assert {row["api_key"] for row in listed.json["keys"]} == {key["api_key"], other["api_key"]}
    for secret in (key["secret"], other["secret"]):
        assert secret.encode() not in listed.body
    token = venue_requests.rails_token(server, key).json["access_token"] if venue == "rails" else None
    assert server.admin("DELETE", f"/accounts/desk-{venue}/keys/{key['api_key']}").status == 204
    assert venue_requests.balance(server, venue, key).status == 401
    if token:
        assert venue_requests.rails_with_token(server, token).status == 401, "its tokens end with it"
    assert venue_requests.balance(server, venue, other).status == 200
    assert server.admin("DELETE", f"/accounts/desk-{venue}/keys/{key['api_key']}").status == 404


@pytest.mark.parametrize(
    "venue, shape",
    [
        ("binance", r"[A-Za-z0-9]{64}"),
        ("okx", r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
        ("crypto-com", r"[A-Za-z0-9._-]{8,}"),
        ("rails", r"[A-Za-z0-9._-]{8,}"),
    ],
)
def test_keys_look_like_the_venues_own(server, venue, shape):
    import re

    server.apply(OPENING[venue])
    keys = [server.issue_key(f"desk-{venue}") for _ in range(3)]
    assert all(re.fullmatch(shape, key["api_key"]) for key in keys), keys
    assert len({key["secret"] for key in keys} | {key["api_key"] for key in keys}) == 6


def test_given_keys_are_taken_as_they_are(server):
    server.apply(OPENING["okx"], OPENING["binance"])
    given = {"api_key": "my-key", "secret": "my-secret", "passphrase": "my-passphrase"}
    assert server.issue_key("desk-okx", **given)["secret"] == "my-secret"
    assert venue_requests.okx(server, given).status == 200
    assert server.admin("POST", "/accounts/desk-okx/keys", given | {"permissions": ["read"]}).status in (
        200,
        201,
    ), "the same key again is the same key"


def test_keys_outlive_the_process(start, store):
    one = start(store=store)
    one.apply(*OPENING.values())
    keys = {venue: one.issue_key(f"desk-{venue}") for venue in OPENING}
    gone = one.issue_key("desk-okx")
    one.admin("DELETE", f"/accounts/desk-okx/keys/{gone['api_key']}")
    one.kill()
    again = start(store=store)
    for venue, key in keys.items():
        assert venue_requests.balance(again, venue, key).status == 200, venue
    assert venue_requests.okx(again, gone).status == 401


def test_an_address_that_is_not_on_the_list_is_refused(server):
    for venue in venue_requests.VENUES:
        server.apply(OPENING[venue])
        inside = server.issue_key(f"desk-{venue}", ip_allowlist=["127.0.0.0/8"])
        outside = server.issue_key(f"desk-{venue}", ip_allowlist=["10.1.2.3"])
        assert venue_requests.balance(server, venue, inside).status == 200, venue
        assert venue_requests.balance(server, venue, outside).status in (401, 403), venue


# Statements


def test_statements_are_the_bytes_that_the_venue_answers(start):
    one = start("--demo", "--ledger-time", "2026-06-01T00:00:00Z", "--rate-limits", "off")
    accounts = {row["account"]: row for row in one.admin("GET", "/accounts").json["accounts"]}
    checked = set()
    for name, row in accounts.items():
        venue = row["venue"]
        key = one.issue_key(name)
        if venue == "crypto-com":
            for method in ("private/user-balance", "private/get-subaccount-balances"):
                if method.endswith("balances") and row.get("parent"):
                    continue
                answered = venue_requests.crypto_com(one, key, method)
                assert answered.status == 200, answered.body
                number = answered.json["id"]
                said = one.statement(name, f"?method={method}")
                own = json.loads(said)
                assert own["result"] == answered.json["result"], name
                assert (
                    said.replace(f'"id":{own["id"]},'.encode(), f'"id":{number},'.encode()) == answered.body
                ), name
                checked.add(method)
        else:
            queries = {"rails": ["", "?market=BTC-USD"], "binance": [""], "okx": ["", "?ccy=BTC,USDT"]}[venue]
            for query in queries:
                if venue == "binance":
                    answered = venue_requests.binance(one, key)
                else:
                    answered = getattr(venue_requests, venue)(one, key, query)
                assert answered.status == 200, (name, answered.body)
                assert one.statement(name, query) == answered.body, (name, query)
                checked.add(venue)
    assert checked == {"private/user-balance", "private/get-subaccount-balances", "rails", "binance", "okx"}


@pytest.mark.parametrize(
    "name, query, field",
    [
        ("desk-okx", "?ccy=NOSUCHCOIN", "ccy"),
        ("desk-rails", "?market=NO-SUCH", "market"),
        ("desk-crypto-com", "?method=private/nothing", "method"),
        ("desk-okx", "?color=red", "color"),
        ("desk-okx", "?market=BTC-USD", "market"),
        ("desk-binance", "?ccy=BTC", "ccy"),
        ("desk-rails", "?method=private/user-balance", "method"),
    ],
)
def test_bad_statement_parameters_are_refused_and_named(server, name, query, field):
    server.apply(*OPENING.values())
    answer = server.admin("GET", f"/accounts/{name}/statement{query}")
    assert answer.status in (400, 404), answer.body
    assert answer.json["field"] == field


# Around it


def test_metrics_are_in_the_text_form_and_count(server):
    server.apply(OPENING["okx"])
    body = server.request("GET", "/metrics").body.decode()
    samples = [line for line in body.splitlines() if line and not line.startswith("#")]
    assert all(len(line.rsplit(" ", 1)) == 2 and float(line.rsplit(" ", 1)[1]) >= 0 for line in samples)
    assert "marginalia_accounts 1" in samples
    assert body.endswith("\n")


def test_description_and_page_are_served(server):
    description = server.request("GET", "/openapi.json").json
    assert description["openapi"].startswith("3.")
    for path in ("/admin/v1/commands", "/admin/v1/accounts", "/admin/v1/clock", "/admin/v1/rulebooks"):
        assert path in description["paths"]
    page = server.request("GET", "/")
    assert page.status == 200 and page.headers["Content-Type"].startswith("text/html")
    assert server.token.encode() not in page.body


def test_the_description_has_the_methods_and_parameters_that_the_server_takes(server):
    """Each path's methods as one that it has not is told, each call's parameters as one too many is told."""
    server.apply(OPENING["okx"])
    account = OPENING["okx"]["account"]
    description = server.request("GET", "/openapi.json").json
    token = {"Authorization": f"Bearer {server.token}"}
    for template, operations in description["paths"].items():
        path = template.replace("{account}", account).replace("{api_key}", "key").replace("{name}", "one")
        wrong = server.request("PATCH", path, headers=token)
        assert wrong.status == 405, path
        allowed = set(wrong.headers["Allow"].split(", ")) - {"HEAD"}
        assert allowed == {method.upper() for method in operations}, path
        for method, operation in operations.items():
            # A statement's parameters are those of its venue's endpoint; outside /admin/v1 none are looked
            # at.
            if not path.startswith("/admin/v1/") or template.endswith("/statement"):
                continue
            told = server.request(method.upper(), f"{path}?nonsense=1", headers=token)
            assert told.status == 400 and told.json["code"] == "unknown_parameter", (method, path, told.body)
            takes = told.json["detail"].split("this call takes ")[1].rstrip(".").split(", ")
            named = [row["name"] for row in operation.get("parameters", []) if row["in"] == "query"]
            assert sorted(takes) == sorted(named or ["none"]), (method, path)


def test_rulebooks_name_their_times_and_sources(server):
    text = server.admin("GET", "/rulebooks")
    assert text.status == 200
    for venue in venue_requests.VENUES:
        assert venue.encode() in text.body


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/"])
def test_head_is_get_without_the_body(server, path):
    answer = server.request("HEAD", path)
    assert (answer.status, answer.body) == (200, b"")


def test_unknown_paths_answer_in_the_form_of_their_owner(server):
    """A path of a venue that is not served answers in that venue's own error form, any other as a problem."""
    assert server.request("GET", "/api/v5/no/such").json["code"] != "0"
    assert isinstance(server.request("GET", "/fapi/v9/nothing").json["code"], int)
    assert server.request("POST", "/exchange/v1/private/nothing", "{}").json["code"] == 40002
    assert server.request("GET", "/api/v1/nothing").json["message"]
    nothing = server.request("GET", "/nothing")
    assert nothing.status == 404 and nothing.headers["Content-Type"].startswith("application/problem+json")


def test_two_servers_share_nothing(start):
    first, second = start(), start()
    first.apply(OPENING["okx"])
    assert second.admin("GET", "/accounts").json["accounts"] == []
    assert isinstance(first, Server)
