"""Bad input: each kind gets a clear error of the right form, and the ledger stays byte for byte as it was."""

import http.client
import json
import socket

import pytest

DESK = {"type": "open_account", "account": "desk", "venue": "okx"}


@pytest.fixture(scope="module")
def one():
    from server import Server

    with Server("--ledger-time", "2026-01-01T00:00:00Z") as server:
        server.apply(
            DESK,
            {"type": "open_account", "account": "child", "venue": "okx", "parent": "desk"},
            {"type": "open_account", "account": "stranger", "venue": "okx"},
            {"type": "open_account", "account": "elsewhere", "venue": "rails"},
            {
                "type": "prices",
                "venue": "okx",
                "marks": {"BTC-USDT-SWAP": "60000"},
                "index": {"BTC": "60000", "USDT": "1"},
            },
            {
                "type": "deposit",
                "account": "desk",
                "asset": "USDT",
                "amount": "10000",
                "id": "first",
                "at": "2026-01-01T00:00:00Z",
            },
            {
                "type": "fill",
                "account": "desk",
                "instrument": "BTC-USDT-SWAP",
                "side": "buy",
                "quantity": "1",
                "price": "60000",
            },
        )
        yield server


def deposit(**changes) -> dict:
    command = {"type": "deposit", "account": "desk", "asset": "USDT", "amount": "1"} | changes
    return {name: value for name, value in command.items() if value is not ...}


def order(**changes) -> dict:
    return {
        "type": "place_order",
        "account": "desk",
        "order_id": "o1",
        "instrument": "BTC-USDT-SWAP",
        "side": "buy",
        "quantity": "1",
        "price": "50000",
    } | changes


def fill(**changes) -> dict:
    return {
        "type": "fill",
        "account": "desk",
        "instrument": "BTC-USDT-SWAP",
        "side": "buy",
        "quantity": "1",
        "price": "60000",
    } | changes


REFUSED = [
    # wrong types
    (deposit(amount=1), "invalid_amount", "amount"),
    (deposit(amount=1.5), "invalid_amount", "amount"),
    (deposit(amount=None), "invalid_amount", "amount"),
    (deposit(amount=True), "invalid_amount", "amount"),
    (deposit(amount=["1"]), "invalid_amount", "amount"),
    (deposit(asset=7), "invalid_field", "asset"),
    (deposit(account=7), "invalid_field", "account"),
    (deposit(id=7), "invalid_field", "id"),
    (deposit(at="yesterday"), "invalid_field", "at"),
    (deposit(at=1.5), "invalid_field", "at"),
    (order(reduce_only="yes"), "invalid_field", "reduce_only"),
    (order(side="up"), "invalid_field", "side"),
    (order(margin_mode="both"), "invalid_field", "margin_mode"),
    (DESK | {"account": "x", "settings": []}, "invalid_field", "settings"),
    ({"type": 3}, "invalid_field", "type"),
    ("deposit", "invalid_field", None),
    (None, "invalid_field", None),
    ([], "invalid_field", None),
    # missing and unknown fields
    ({}, "missing_field", "type"),
    ({"type": "print_money"}, "unknown_command", "type"),
    (deposit(amount=...), "missing_field", "amount"),
    (deposit(asset=...), "missing_field", "asset"),
    (deposit(account=...), "missing_field", "account"),
    (deposit(ammount="1"), "unknown_field", "ammount"),
    (fill(leverage="3"), "unknown_field", "leverage"),
    # what is not known
    (deposit(account="nobody"), "unknown_account", "account"),
    (deposit(asset="NOSUCHCOIN"), "unknown_asset", "asset"),
    (fill(instrument="NO-SUCH-SWAP"), "unknown_instrument", "instrument"),
    (fill(instrument="BTCUSDT"), "unknown_instrument", "instrument"),
    (DESK | {"account": "x", "venue": "nyse"}, "unknown_venue", "venue"),
    ({"type": "prices", "venue": "nyse", "marks": {}, "index": {}}, "unknown_venue", "venue"),
    ({"type": "prices", "venue": "okx", "marks": {"NO-SUCH": "1"}}, "unknown_instrument", None),
    ({"type": "prices", "venue": "okx", "index": {"NOSUCHCOIN": "1"}}, "unknown_asset", None),
    ({"type": "cancel_order", "account": "desk", "order_id": "never-placed"}, "unknown_order", "order_id"),
    (DESK, "account_exists", "account"),
    (DESK | {"account": "x", "parent": "nobody"}, None, "parent"),
    (DESK | {"account": "x", "parent": "elsewhere"}, "not_family", "parent"),
    (
        {"type": "transfer", "account": "desk", "to": "stranger", "asset": "USDT", "amount": "1"},
        "not_family",
        "to",
    ),
    (
        {"type": "transfer", "account": "desk", "to": "desk", "asset": "USDT", "amount": "1"},
        "not_family",
        "to",
    ),
    # amounts that are no decimals
    *[
        (deposit(amount=text), "invalid_amount", "amount")
        for text in (
            "",
            " 1",
            "1 ",
            "1,5",
            "0x10",
            "1_000",
            "NaN",
            "Infinity",
            "-",
            ".",
            "--1",
            "1.2.3",
            "١",
            "1e",
            "ten",
        )
    ],
    # overflow, and digits beyond what is kept
    (deposit(amount="1" + "0" * 40), None, "amount"),
    (deposit(amount="0." + "0" * 18 + "1"), None, "amount"),
    (deposit(amount="1" * 5000), None, "amount"),
    (fill(quantity="10000000000000000000", price="10000000000000000000"), None, None),
    # negative or zero where positive is due
    (deposit(amount="-1"), None, "amount"),
    (deposit(amount="0"), None, "amount"),
    (deposit(amount="-0"), None, "amount"),
    (fill(quantity="0"), None, "quantity"),
    (fill(quantity="-1"), None, "quantity"),
    (fill(price="0"), None, "price"),
    (fill(price="-5"), None, "price"),
    (order(quantity="0"), None, "quantity"),
    (order(price="-1"), None, "price"),
    ({"type": "withdraw", "account": "desk", "asset": "USDT", "amount": "-1"}, None, "amount"),
    ({"type": "withdraw", "account": "desk", "asset": "USDT", "amount": "1", "fee": "-1"}, None, "fee"),
    ({"type": "transfer", "account": "desk", "to": "child", "asset": "USDT", "amount": "0"}, None, "amount"),
    ({"type": "prices", "venue": "okx", "marks": {"BTC-USDT-SWAP": "-1"}}, None, None),
    ({"type": "prices", "venue": "okx", "marks": {"BTC-USDT-SWAP": "0"}}, None, None),
    (
        {
            "type": "import_position",
            "account": "desk",
            "instrument": "ETH-USDT-SWAP",
            "quantity": "0",
            "entry_price": "1",
        },
        None,
        "quantity",
    ),
    (
        {"type": "set_leverage", "account": "desk", "instrument": "BTC-USDT-SWAP", "leverage": "0"},
        None,
        "leverage",
    ),
    (
        {"type": "set_leverage", "account": "desk", "instrument": "BTC-USDT-SWAP", "leverage": "100000"},
        None,
        None,
    ),
    # names that are no ids
    *[(DESK | {"account": name}, None, "account") for name in ("", "a b", "ä", "x" * 65, "a/b", "a\nb")],
    # names that name nothing
    (deposit(asset=""), "invalid_field", "asset"),
    (fill(instrument=""), "invalid_field", "instrument"),
    ({"type": "prices", "venue": "okx", "marks": {"": "1"}}, "invalid_field", "marks"),
    ({"type": "prices", "venue": "okx", "index": {"": "1"}}, "invalid_field", "index"),
    ({"type": "prices", "venue": "", "index": {"USDT": "1"}}, "invalid_field", "venue"),
    ({"type": "quotes", "venue": "okx", "quotes": {"": {"last": "1"}}}, "invalid_field", "quotes"),
    (deposit(id=""), "invalid_field", "id"),
    (deposit(id="x" * 65), "invalid_field", "id"),
    # time going backwards
    (deposit(at="2025-12-31T23:59:59.999Z"), "time_backwards", "at"),
    (deposit(at=0), "time_backwards", "at"),
    # an id that stands for another command
    (deposit(id="first", amount="2"), "id_reused", "id"),
    (deposit(id="first", asset="BTC"), "id_reused", "id"),
    # more than there is
    (
        {"type": "withdraw", "account": "desk", "asset": "USDT", "amount": "1000000"},
        "insufficient_balance",
        None,
    ),
    (order(quantity="100000"), "insufficient_balance", None),
    (
        {"type": "transfer", "account": "desk", "to": "child", "asset": "USDT", "amount": "1000000"},
        "insufficient_balance",
        None,
    ),
]


@pytest.mark.parametrize("command, code, field", REFUSED, ids=lambda value: json.dumps(value)[:60])
def test_refused_commands_change_nothing(one, command, code, field):
    before = one.everything()
    answer = one.admin("POST", "/commands", [command])
    assert answer.status == 200, answer.body
    [row] = answer.json["results"]
    assert row["status"] == "rejected", row
    assert row["error"]["message"]
    if code is not None:
        assert row["error"]["code"] == code, row
    if field is not None:
        assert row["error"].get("field") == field, row
    assert "sequence" not in row or row["sequence"] is None
    atomic = one.admin("POST", "/commands?atomic=true", [deposit(), command, deposit()])
    assert atomic.status == 422, atomic.body
    assert atomic.headers["Content-Type"].startswith("application/problem+json")
    assert atomic.json["index"] == 1
    assert atomic.json["error"]["code"] == row["error"]["code"]
    assert one.everything() == before


MALFORMED = [
    b"",
    b"{",
    b"[",
    b"[{]",
    b"[1,]",
    b"nonsense",
    b"[] []",
    b'[{"type":"deposit"',
    b"\xff\xfe",
    b'["\xc3("]',
    b'[{"a":1,}]',
    b"[01]",
    b"[+1]",
    b"[.5]",
    b"['a']",
    b"[NaN]",
    b'["\\x"]',
    b'["\x01"]',
    b"[" * 100_000,
    b'[{"type":"deposit","type":"deposit"}]',
]


@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: repr(body[:30]))
def test_malformed_json_is_400_and_changes_nothing(one, body):
    before = one.everything()
    answer = one.admin("POST", "/commands", body)
    assert answer.status == 400, answer.body
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json["code"] and answer.json["detail"]
    assert one.everything() == before


@pytest.mark.parametrize("body", ["{}", "null", "7", '"x"', json.dumps(deposit())])
def test_json_that_is_no_array_is_400(one, body):
    answer = one.admin("POST", "/commands", body)
    assert answer.status == 400
    assert answer.headers["Content-Type"].startswith("application/problem+json")


def test_one_bad_line_refuses_all_lines_and_is_named(one):
    before = one.everything()
    lines = "\n".join([json.dumps(deposit()), "{oops", json.dumps(deposit())])
    answer = one.admin("POST", "/commands", lines, Content_Type="application/x-ndjson")
    assert answer.status == 400, answer.body
    assert answer.json["line"] == 2
    assert one.everything() == before


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_other_media_types_are_415(one, media):
    answer = one.admin("POST", "/commands", json.dumps([deposit()]), Content_Type=media)
    assert answer.status == 415
    assert answer.json["code"]


@pytest.mark.parametrize(
    "path",
    [
        "/commands?atomic=maybe",
        "/commands?atomik=true",
        "/accounts/desk?as_of=then",
        "/accounts/desk?asof=1",
        "/accounts/desk/events?limit=0",
        "/accounts/desk/events?limit=x",
        "/accounts/desk/events?after=-1",
        "/accounts/desk/events?after=99999999999999999999",
    ],
)
def test_bad_parameters_are_400_and_named(one, path):
    method = "POST" if path.startswith("/commands") else "GET"
    answer = one.admin(method, path, [] if method == "POST" else None)
    assert answer.status == 400, answer.body
    assert answer.json["field"] in path


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/nobody",
        "/accounts/nobody/statement",
        "/accounts/nobody/events",
        "/accounts/nobody/keys",
        "/accounts/",
        "/nothing",
        "/accounts/desk/nothing",
        "/accounts/%00",
        "/accounts/..%2f..",
    ],
)
def test_what_is_not_there_is_404(one, path):
    answer = one.admin("GET", path)
    assert answer.status == 404
    assert answer.headers["Content-Type"].startswith("application/problem+json")


@pytest.mark.parametrize(
    "path, body",
    [
        ("//api/v5/account/balance", {"msg": "Not Found", "code": "404"}),
        ("/api//v5/public/time?x=//", {"msg": "Not Found", "code": "404"}),
        ("/api/v5", {"msg": "Not Found", "code": "404"}),
        ("//fapi/v1/time", {"code": -5000, "msg": "Path //fapi/v1/time, Method GET is invalid"}),
        ("/futures//data/x", {"code": -5000, "msg": "Path /futures//data/x, Method GET is invalid"}),
        ("/api//v3/time", {"code": -5000, "msg": "Path /api//v3/time, Method GET is invalid"}),
        ("//api/v1/balances", {"message": "Not Found"}),
        ("/api/v1//balances", {"message": "Not Found"}),
    ],
)
def test_too_many_slashes_are_the_venues_to_refuse(one, path, body):
    answer = one.request("GET", path)
    assert (answer.status, answer.json) == (404, body)


@pytest.mark.parametrize("path", ["//exchange/v1/public/get-tickers", "/exchange//v1/public/get-tickers"])
def test_too_many_slashes_are_no_method_of_crypto_com(one, path):
    answer = one.request("GET", path)
    assert (answer.status, answer.json["code"]) == (400, 40002)


@pytest.mark.parametrize("path", ["//healthz", "//", "/v5/", "/?x=/api/v5/"])
def test_slashes_elsewhere_are_the_operators(one, path):
    answer = one.request("GET", path)
    assert answer.status == 200 if path == "/?x=/api/v5/" else answer.json["code"] == "not_found"


@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", "/commands"),
        ("DELETE", "/accounts"),
        ("PATCH", "/accounts/desk"),
        ("POST", "/clock"),
        ("PUT", "/accounts/desk/keys"),
    ],
)
def test_wrong_method_is_405_with_those_that_are_right(one, method, path):
    answer = one.admin(method, path)
    assert answer.status == 405
    assert answer.headers["Allow"]
    assert method not in answer.headers["Allow"].split(", ")


def test_too_long_a_body_is_refused_before_it_is_read_whole(one):
    """The length alone refuses it: the answer comes although almost nothing of the body was sent."""
    before = one.everything()
    for path, authorization in (
        ("/admin/v1/commands", f"Bearer {one.token}"),
        ("/exchange/v1/private/user-balance", "none"),
    ):
        with socket.create_connection(("127.0.0.1", one.port), timeout=10) as connection:
            connection.sendall(
                f"POST {path} HTTP/1.1\r\nHost: here\r\nAuthorization: {authorization}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {10 ** 12}\r\n\r\n[".encode()
            )
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status == 413, path
    assert one.everything() == before
    assert one.request("GET", "/healthz").status == 200


def test_too_long_a_body_without_a_length_is_cut_off(one):
    """A body in chunks is refused once it is over the limit, although its end is not in sight."""
    with socket.create_connection(("127.0.0.1", one.port), timeout=10) as connection:
        connection.sendall(
            b"PUT /admin/v1/clock HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: application/json\r\n" + f"Authorization: Bearer {one.token}\r\n\r\n".encode()
        )
        for _ in range(20):
            connection.sendall(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 413
        answer.read()
        assert connection.recv(1) == b"", "the connection is given up"
    assert one.request("GET", "/healthz").status == 200


@pytest.mark.parametrize(
    "content, field",
    [
        ({"now": "soon"}, "now"),
        ({"now": -1}, "now"),
        ({"advance_ms": -1}, "advance_ms"),
        ({"advance_ms": "1"}, "advance_ms"),
        ({"advance": "eight hours"}, "advance"),
        ({"advance": 8}, "advance"),
        ({"advance": "400d"}, "advance"),
        ({"advance": "8h", "mode": "standing"}, "advance"),
        ({"then": 1}, "then"),
        ({}, None),
        ({"now": 0, "advance_ms": 1}, None),
        ([], None),
        ({"now": "2025-01-01T00:00:00Z"}, None),
    ],
)
def test_bad_clock_moves_are_refused(one, content, field):
    answer = one.admin("PUT", "/clock", content)
    assert answer.status in (400, 409), answer.body
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    if field:
        assert answer.json["field"] == field


@pytest.mark.parametrize(
    "content, field",
    [
        ({"permissions": ["fly"]}, "permissions"),
        ({"permissions": "read"}, "permissions"),
        ({"ip_allowlist": ["999.1.1.1"]}, "ip_allowlist"),
        ({"api_key": ""}, "api_key"),
        ({"api_key": 7}, "api_key"),
        ({"secrets": "x"}, "secrets"),
        ({"secret": 1}, "secret"),
        ([], None),
    ],
)
def test_bad_keys_are_refused_without_repeating_a_secret(one, content, field):
    answer = one.admin("POST", "/accounts/desk/keys", content)
    assert answer.status == 400, answer.body
    if field:
        assert answer.json["field"] == field
    assert one.admin("GET", "/accounts/desk/keys").json["keys"] == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/1.1\r\nA" + b"a" * 200_000,
        b"POST /admin/v1/commands HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    ],
)
def test_what_is_no_http_does_no_harm(one, request_bytes):
    with socket.create_connection(("127.0.0.1", one.port), timeout=10) as connection:
        try:
            connection.sendall(request_bytes)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except OSError:
            pass
    assert one.request("GET", "/healthz").status == 200
