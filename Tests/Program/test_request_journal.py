"""What a bot called, what was refused and what is not served: `GET /admin/v1/requests`."""

import http.client
import json

import pytest

import venue_requests

KEY = {"api_key": "journal-test-key", "secret": "journal-test-secret", "passphrase": "journal-phrase"}


@pytest.fixture
def desk(server):
    for venue in venue_requests.VENUES:
        server.apply({"type": "open_account", "account": f"desk-{venue}", "venue": venue})
        key = {name: value for name, value in KEY.items() if venue == "okx" or name != "passphrase"}
        server.issue_key(f"desk-{venue}", **key)
    server.admin("DELETE", "/requests")
    return server


def journal(server, query: str = "") -> list[dict]:
    answer = server.admin("GET", f"/requests{query}")
    assert answer.status == 200, answer.body
    return answer.json["requests"]


def test_calls_are_told_in_order_with_account_and_status(desk):
    for venue in venue_requests.VENUES:
        assert venue_requests.balance(desk, venue, KEY).status == 200
    rows = journal(desk)
    assert [(row["method"], row["path"]) for row in rows if row["venue"] != "rails"] == [
        ("POST", "/exchange/v1/private/user-balance"),
        ("GET", "/fapi/v3/account"),
        ("GET", "/api/v5/account/balance"),
    ]
    for row in rows:
        assert row["status"] == 200 and row["refusal"] is None
        if row["path"] != "/api/v1/token":
            assert row["account"] == f"desk-{row['venue']}"
    ids = [row["id"] for row in rows]
    assert ids == sorted(ids)
    assert journal(desk, f"?after={ids[1]}&limit=1") == rows[2:3]


def test_a_refusal_is_told_in_the_venues_words(desk):
    wrong = KEY | {"secret": "another-secret"}
    assert venue_requests.binance(desk, wrong).status in (400, 401)
    assert venue_requests.okx(desk, wrong).status == 401
    (binance, okx) = journal(desk)
    assert binance["refusal"]["code"] == "-1022" and binance["refusal"]["served"] is True
    assert okx["refusal"]["code"] == "50113"
    assert okx["refusal"]["message"] == "Invalid signature."


@pytest.mark.parametrize(
    "path, venue",
    [
        ("/fapi/v1/nothing", "binance"),
        ("/api/v5/nothing", "okx"),
        ("/exchange/v1/public/nothing", "crypto-com"),
        ("/api/v1/nothing", "rails"),
    ],
)
def test_what_is_not_served_is_told_once_in_the_log(desk, path, venue):
    for _ in range(3):
        desk.request("GET", path + "?signature=hidden-signature")
    rows = journal(desk)
    assert [row["path"] for row in rows] == [path] * 3
    assert all(row["venue"] == venue for row in rows)
    if rows[0]["refusal"]["served"] is False:
        assert sum(path in line and "not served" in line for line in desk.log) == 1, desk.log


def test_no_secret_is_kept(desk):
    for venue in venue_requests.VENUES:
        venue_requests.balance(desk, venue, KEY)
    desk.request("POST", "/fapi/v1/listenKey", headers={"X-MBX-APIKEY": KEY["api_key"]})
    text = json.dumps(journal(desk))
    for secret in (*KEY.values(), "signature", "listenKey="):
        assert secret not in text


def test_the_latest_ten_thousand_are_kept_and_cleared(desk):
    connection = http.client.HTTPConnection("127.0.0.1", desk.port)
    for _ in range(10_050):
        connection.request("GET", "/api/v5/public/time")
        connection.getresponse().read()
    rows = journal(desk, "?limit=10000")
    assert len(rows) == 10_000
    assert [row["id"] for row in rows] == list(range(rows[0]["id"], rows[0]["id"] + 10_000))
    assert desk.admin("DELETE", "/requests").status == 204
    assert journal(desk) == []
    desk.request("GET", "/api/v5/public/time")
    assert [row["id"] for row in journal(desk)] == [rows[-1]["id"] + 1], "ids go on"


@pytest.mark.parametrize("query", ["?limit=0", "?limit=10001", "?after=-1", "?after=x", "?other=1"])
def test_bad_questions_are_refused(server, query):
    answer = server.admin("GET", f"/requests{query}")
    assert answer.status == 400 and answer.json["field"] in query
