"""What a stranger's request may cost: work that grows with its length, and memory that does not stay.

Work is the processor time of the server, not time on the clock: four times the length may cost twice four
times the work, where a loop within a loop would cost sixteen.
"""

import json
import os
import pathlib
import socket
import typing

import pytest
from frames import CLOSE, CONTINUATION, PING, TEXT, Stream, frame, handshake
from server import Server

SMALL, LARGE = 12_000, 48_000
# 4 is linear, 16 quadratic. What is the same whatever the length makes the ratio smaller.
GROWTH = 8
# Processor time, in nanoseconds, below which nothing is to be feared of a request whatever its ratio.
NOTHING = 4_000_000
REPEATS = 12


@pytest.fixture(scope="module")
def server():
    with Server("--demo", "--rate-limits", "off") as running:
        yield running


def work(server: Server) -> int:
    """The processor time of all threads so far, in nanoseconds."""
    threads = pathlib.Path(f"/proc/{server.process.pid}/task")
    spent = 0
    for thread in threads.iterdir():
        try:
            spent += int((thread / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return spent


def memory(server: Server) -> int:
    """The resident memory in bytes."""
    pages = pathlib.Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def assert_linear(server: Server, action: typing.Callable[[int], None]) -> None:
    """Holds what a long action costs against what a short one does."""
    costs = []
    for size in (SMALL, LARGE):
        action(size)
        before = work(server)
        for _ in range(REPEATS):
            action(size)
        costs.append((work(server) - before) / REPEATS)
    small, large = costs
    assert large < NOTHING or large < GROWTH * small, f"{small / 1e6:.2f} ms became {large / 1e6:.2f} ms"


def numbered(size: int, each: str, around: int = 1) -> list[str]:
    """Distinct texts that make up so many bytes, with what stands around each."""
    texts, length, place = [], 0, 0
    while length < size:
        texts.append(each.format(place))
        length += len(texts[-1]) + around
        place += 1
    return texts


def ask(server: Server, request: bytes) -> bytes:
    """The head of the answer to a request."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        client.sendall(request)
        answer = client.recv(4096)
    assert answer.startswith(b"HTTP/1.1 "), answer
    return answer


def get(target: str, *headers: str) -> bytes:
    lines = [f"GET {target} HTTP/1.1", "Host: x", "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def post(path: str, body: str, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Connection: close", *headers]
    lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


FORM = "Content-Type: application/x-www-form-urlencoded"
KEY = "X-MBX-APIKEY: " + "k" * 64
SIGNED = "timestamp=1&signature=00"
CALL = '{"id":1,"method":"private/user-balance","nonce":1,"api_key":"no","sig":"00","params":%s}'
USER_BALANCE = "/exchange/v1/private/user-balance"


def nested(size: int) -> str:
    return "[" * (size // 2) + "]" * (size // 2)


REQUESTS = {
    "binance: distinct parameters": lambda n: get(
        "/fapi/v3/account?" + "&".join(numbered(n, "{}")) + "&" + SIGNED, KEY
    ),
    "binance: distinct parameters in query and form": lambda n: post(
        "/fapi/v1/leverage?" + "&".join(numbered(n, "p{}=1")) + "&" + SIGNED,
        "&".join(numbered(n, "q{}=1")) + "&" + SIGNED,
        KEY,
        FORM,
    ),
    "binance: parameters of no name": lambda n: get("/fapi/v3/account?" + "&" * n + SIGNED, KEY),
    "binance: one long parameter": lambda n: get(
        "/fapi/v3/account?a=" + "%41" * (n // 3) + "&" + SIGNED, KEY
    ),
    "binance: a long symbol": lambda n: get("/fapi/v1/premiumIndex?symbol=" + "A" * n),
    "binance: many symbols": lambda n: get("/fapi/v2/ticker/price?" + "&".join(numbered(n, "symbol=S{}"))),
    "binance: a long key": lambda n: get("/fapi/v3/account?" + SIGNED, "X-MBX-APIKEY: " + "k" * n),
    "binance: streams in the address": lambda n: handshake("/stream?streams=" + "/".join(numbered(n, "s{}"))),
    "binance: listen keys in the address": lambda n: handshake("/ws/" + "/".join(numbered(n, "s{}"))),
    "okx: distinct parameters": lambda n: get("/api/v5/public/mark-price?" + "&".join(numbered(n, "p{}=1"))),
    "okx: a long list": lambda n: get("/api/v5/account/balance?ccy=" + ",".join(numbered(n, "C{}"))),
    "okx: a long passphrase": lambda n: get(
        "/api/v5/account/balance",
        "OK-ACCESS-KEY: demo-okx-key",
        "OK-ACCESS-SIGN: x",
        "OK-ACCESS-TIMESTAMP: 2026-01-01T00:00:00.000Z",
        "OK-ACCESS-PASSPHRASE: " + "p" * n,
    ),
    "rails: a long token": lambda n: get("/api/v1/balances", "Authorization: Bearer " + "a.b." * (n // 4)),
    "rails: a long secret": lambda n: get(
        "/api/v1/token", "X-API-KEY: demo-rails-key", "X-API-SECRET: " + "s" * n
    ),
    "rails: many subprotocols": lambda n: handshake(
        "/api/v1/ws", Sec_WebSocket_Protocol=",".join(numbered(n, "p{}"))
    ),
    "crypto.com: distinct members": lambda n: post(
        USER_BALANCE, CALL % ("{" + ",".join(numbered(n, '"m{}":1')) + "}")
    ),
    "crypto.com: a member twice at the end": lambda n: post(
        USER_BALANCE, "{" + ",".join(numbered(n, '"m{}":1')) + ',"m0":1}'
    ),
    "crypto.com: nesting": lambda n: post(USER_BALANCE, CALL % nested(n)),
    "crypto.com: elements": lambda n: post(USER_BALANCE, CALL % ("[" + "0," * (n // 2) + "0]")),
    "crypto.com: a long number": lambda n: post(USER_BALANCE, CALL % ("1" * n)),
    "crypto.com: escapes": lambda n: post(USER_BALANCE, CALL % ('"' + "\\u0041" * (n // 6) + '"')),
    "crypto.com: a broken end": lambda n: post(USER_BALANCE, "[" + "0,\n" * (n // 3)),
    "headers of many names": lambda n: get(
        "/fapi/v1/time", *numbered(n, "X-Header-{}-aaaaaaaaaaaaaaaaaaaa: 1", 2)
    ),
    "headers of one name": lambda n: get("/fapi/v1/time", *["X-Header-aaaaaaaaaaaaaaaaaaaa: 1"] * (n // 32)),
    "a long header": lambda n: get("/fapi/v1/time", "X: " + "a" * n),
    "a long list of protocols": lambda n: handshake("/ws", Connection="a," * (n // 2) + "Upgrade"),
    "a long path": lambda n: get("/" + "a" * n),
    "a path of many parts": lambda n: get("/admin/v1/accounts/" + "a/" * (n // 2)),
    "a path of escapes": lambda n: get("/api/v5/" + "%2F" * (n // 3)),
    "a query of the operator's": lambda n: get("/healthz?" + "&".join(numbered(n, "p{}=1"))),
    "chunks of a byte": lambda n: (
        b"POST /exchange/v1/private/user-balance HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n0\r\n" * (n // 6) + b"0\r\n\r\n"
    ),
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_request_costs_what_it_weighs(server, kind):
    make = REQUESTS[kind]
    assert_linear(server, lambda size: ask(server, make(size)))


def bad_arguments(n: int) -> str:
    return json.dumps({"op": "subscribe", "args": [0] * (n // 3)})


# Path, and messages of about so many bytes.
MESSAGES = {
    "binance: distinct streams": (
        "/ws",
        lambda n: json.dumps({"method": "SUBSCRIBE", "params": numbered(n, "s{}", 4), "id": 1}),
    ),
    "binance: streams that come and go": (
        "/ws",
        lambda n: [
            json.dumps({"method": "SUBSCRIBE", "params": numbered(n // 4, "s{}", 4), "id": 1}),
            json.dumps({"method": "UNSUBSCRIBE", "params": numbered(n, "t{}", 4), "id": 1}),
        ],
    ),
    "binance: a method that is everywhere": (
        "/ws",
        lambda n: '{"id":"%s","method":"%s"}' % ("a" * (n // 2), "a" * (n // 2) + "b"),
    ),
    "binance: members": ("/ws", lambda n: "{" + ",".join(numbered(n, '"m{}":1')) + "}"),
    "binance: parameters of the API": (
        "/ws-fapi/v1",
        lambda n: json.dumps(
            {
                "id": 1,
                "method": "v2/account.balance",
                "params": {name: "1" for name in numbered(n, "p{}", 9)}
                | {"apiKey": "k" * 64, "timestamp": "1", "signature": "00"},
            }
        ),
    ),
    "okx: arguments that are none": ("/ws/v5/public", bad_arguments),
    "okx: arguments without a channel": (
        "/ws/v5/public",
        lambda n: json.dumps({"op": "subscribe", "args": [{}] * (n // 4)}),
    ),
    "okx: channels that there are not": (
        "/ws/v5/public",
        lambda n: json.dumps(
            {"op": "subscribe", "args": [{"channel": name} for name in numbered(n, "c{}", 17)]}
        ),
    ),
    "okx: one channel again and again": (
        "/ws/v5/public",
        lambda n: json.dumps(
            {"op": "subscribe", "args": [{"channel": "tickers", "instId": "BTC-USDT-SWAP"}] * (n // 50)}
        ),
    ),
    "okx: a login": (
        "/ws/v5/private",
        lambda n: json.dumps(
            {
                "op": "login",
                "args": [{"apiKey": "k", "passphrase": "p" * n, "timestamp": "1", "sign": "s"}],
            }
        ),
    ),
    "crypto.com: distinct channels": (
        "/exchange/v1/market",
        lambda n: json.dumps(
            {"id": 1, "method": "subscribe", "params": {"channels": numbered(n, "ticker.C{}", 4)}}
        ),
    ),
    "crypto.com: one channel again and again": (
        "/exchange/v1/market",
        lambda n: json.dumps(
            {"id": 1, "method": "subscribe", "params": {"channels": ["ticker.BTCUSD-PERP"] * (n // 24)}}
        ),
    ),
    "crypto.com: channels that are not there": (
        "/exchange/v1/market",
        lambda n: json.dumps(
            {"id": 1, "method": "unsubscribe", "params": {"channels": numbered(n, "ticker.C{}", 4)}}
        ),
    ),
    "crypto.com: a stranger's channels": (
        "/exchange/v1/user",
        lambda n: json.dumps({"id": 1, "method": "subscribe", "params": {"channels": numbered(n, "c{}", 4)}}),
    ),
}


@pytest.mark.parametrize("kind", MESSAGES)
def test_a_message_costs_what_it_weighs(server, kind):
    path, make = MESSAGES[kind]

    def send(size: int) -> None:
        with Stream(server.port, path, timeout=60) as stream:
            messages = make(size)
            if isinstance(messages, str):
                messages = [messages]
            stream.send(*[frame(TEXT, message) for message in messages], frame(PING, b"mark"))
            heard = 0
            while (found := stream.read()).opcode != CLOSE and found.payload != b"mark":
                heard += len(found.payload)
            # An answer may quote what it answers, but not once for each of its parts.
            assert heard < 40 * size + 100_000, heard

    assert_linear(server, send)


@pytest.mark.parametrize("kind", ["fragments", "pings", "empty fragments"])
def test_frames_cost_what_they_weigh(server, kind):
    def send(size: int) -> None:
        count = size // 8
        with Stream(server.port, "/ws", timeout=60) as stream:
            if kind == "pings":
                frames = [frame(PING)] * count
            else:
                piece = frame(CONTINUATION, b"a" if kind == "fragments" else b"", final=False)
                frames = [frame(TEXT, b"[", final=False), *[piece] * count, frame(CONTINUATION, b"]")]
            stream.send(*frames, frame(PING, b"mark"))
            while stream.read().payload != b"mark":
                pass

    assert_linear(server, send)


# Memory


def test_made_up_keys_leave_nothing_behind(server):
    """Every request has a key, a path and an id of its own."""

    def strangers(first: int, count: int) -> None:
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
            for place in range(first, first + count):
                name = f"{place:064d}"
                requests = [
                    (f"/fapi/v3/account?{SIGNED}&x={name}", f"X-MBX-APIKEY: {name}"),
                    ("/api/v1/token", f"X-API-KEY: {name}\r\nX-API-SECRET: {name}"),
                    (f"/api/v5/account/balance/{name}", f"OK-ACCESS-KEY: {name}"),
                ]
                for target, keys in requests:
                    client.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n{keys}\r\n\r\n".encode())
                seen = b""
                while seen.count(b"HTTP/1.1 ") < 3 or not seen.rstrip().endswith((b"}", b"]")):
                    seen += client.recv(65_536)

    strangers(0, 2_000)
    before = memory(server)
    strangers(2_000, 8_000)
    # 24,000 made-up names of 64 bytes each would be more than this by themselves.
    assert memory(server) - before < 6 << 20


def test_a_connection_keeps_no_more_than_its_share(server):
    """Stream names of any length are taken, and together they are bounded."""
    with Stream(server.port, "/ws", timeout=60) as stream:
        refused = 0
        for place in range(60):
            name = f"{place}-" + "a" * 30_000
            stream.send(frame(TEXT, json.dumps({"method": "SUBSCRIBE", "params": [name], "id": place})))
            refused += b"too many parameters" in stream.read().payload
        assert refused > 50


def test_too_many_parameters_is_told_in_the_venues_form(server):
    count = 101
    target = "/fapi/v3/account?" + "&".join(f"p{place}=1" for place in range(count)) + "&" + SIGNED
    answer = server.request("GET", target, headers={"X-MBX-APIKEY": "k" * 64})
    assert answer.status == 400
    assert answer.json == {"code": -1101, "msg": "Too many parameters sent for this endpoint."}
    twice = server.request("GET", "/fapi/v3/account?a=1&a=2&" + SIGNED, headers={"X-MBX-APIKEY": "k" * 64})
    assert twice.json["code"] == -1101 and "Duplicate" in twice.json["msg"]


def test_an_answer_is_no_multiple_of_its_question(server):
    """A list of names without end is refused, and not answered name by name."""
    path = "/api/v5/public/position-tiers?instType=SWAP&tdMode=cross&instFamily="
    five = server.request("GET", path + ",".join(["BTC-USDT"] * 5))
    assert five.status == 200 and five.json["code"] == "0"
    more = server.request("GET", path + "BTC-USDT," * 3_000)
    assert more.json["code"] == "50025" and len(more.body) < 200
    one = server.request("GET", "/api/v1/market-data?markets=BTC-USD")
    assert server.request("GET", "/api/v1/market-data?markets=BTC-USD" + ",BTC-USD" * 3_000).body == one.body
