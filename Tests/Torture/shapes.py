"""Raw HTTP: requests of every kind with bytes changed, lost, doubled and made up, in pieces of any
length.

Each input is a connection of its own. It must be answered or closed, every answer must be HTTP, an error in
the form of the venue or a problem document, and none of them the server's own fault. Requests that only
look different must get the same answer. The server stays up, answers /healthz, and keeps its memory.
"""

from __future__ import annotations

import json
import pathlib
import re
import socket
import typing

import neighbours
from server import TOKEN, Server
from torture import Work

INPUTS = 400  # a server, and so a round
PATIENCE = 120  # seconds in which a connection is answered and closed, on a machine with much else to do
GROWTH = 200 << 20  # bytes of memory beyond what the first inputs took
JSON_BODY = {"Content-Type": "application/json"}
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
# What every error of a venue has, by the beginning of its paths.
FORMS = {
    "/fapi/": {"code", "msg"},
    "/api/v5/": {"code", "msg"},
    "/exchange/v1/": {"code"},
    "/api/v1/": {"message"},
}
PIECES = (
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b"\t",
    b":",
    b";",
    b",",
    b"&",
    b"=",
    b"?",
    b"%",
    b"%00",
    b"%zz",
    b"%2F",
    b"/../",
    b"//",
    b"\xff",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"e\xcc\x81",
    b"{",
    b"[" * 300,
    b'"',
    b"\\u0000",
    b"1e999",
    b"-0",
    b"9" * 60,
    b"HTTP/1.1",
    b"GET ",
    b"0\r\n\r\n",
    b"chunked",
    b"a" * 9000,
)
LINES = (
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: gzip",
    b"Transfer-Encoding : chunked",
    b"Content-Length: 5",
    b"Content-Length: +5",
    b"Content-Length: -1",
    b"Content-Length: 99999999999999999999",
    b"Content-Length: 5, 5",
    b"Expect: 100-continue",
    b"Connection: close",
    b"Connection: upgrade",
    b"Upgrade: h2c",
    b"Upgrade: websocket",
    b"Host: other",
    b"Host:",
    b": nothing",
    b" folded: line",
    b"X: " + b"y" * 20_000,
    b"Accept-Encoding: gzip",
    b"Content-Type: text/plain",
    b"Authorization: Bearer",
    b"Authorization: Basic YTpi",
    b"X-Forwarded-For: 1.2.3.4",
    b"TE: trailers",
)


class Request(typing.NamedTuple):
    """A request that is well made."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def bytes(self, chunks: list[bytes] | None = None, folding: bool = False) -> bytes:
        """As it goes over the wire, with its body in chunks where there are some."""
        lines = [
            f"{self.method} {self.target} HTTP/1.1",
            "Host: here",
            *(
                f"{name.upper() if folding else name}:{'   ' if folding else ' '}{value}"
                for name, value in self.headers.items()
            ),
        ]
        if chunks is not None:
            body = (
                b"".join(f"{len(chunk):x};a=b\r\n".encode() + chunk + b"\r\n" for chunk in chunks)
                + b"0\r\n\r\n"
            )
            lines.append("Transfer-Encoding: chunked")
        else:
            body = self.body
            lines.append(f"Content-Length: {len(body)}") if body else None
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def venue_requests(keys: dict[str, dict]) -> list[Request]:
    """Signed requests to the venues, as of now."""
    found = []
    for venue, paths in (
        ("binance", ("/fapi/v3/account", "/fapi/v3/positionRisk")),
        ("okx", ("/api/v5/account/balance", "/api/v5/account/positions")),
        ("crypto-com", ("private/user-balance", "private/get-positions")),
    ):
        for path in paths:
            method, target, headers, body = neighbours.SIGNED[venue](keys[venue], path)
            found.append(Request(method, target, headers, (body or "").encode()))
    rails = {"X-Api-Key": keys["rails"]["api_key"], "X-Api-Secret": keys["rails"]["secret"]}
    return found + [
        Request("POST", "/api/v1/token", rails, b""),
        Request("GET", "/api/v1/balances?market=BTC-USD", {"Authorization": "Bearer a.b.c"}, b""),
        Request("POST", "/fapi/v1/listenKey", {"X-MBX-APIKEY": keys["binance"]["api_key"]}, b""),
        Request("GET", "/fapi/v1/exchangeInfo", {}, b""),
        Request("GET", "/api/v5/public/time", {}, b""),
        Request(
            "POST",
            "/exchange/v1/public/get-instruments",
            JSON_BODY,
            b'{"id":1,"method":"public/get-instruments"}',
        ),
    ]


def operator_requests() -> list[Request]:
    """Calls of the operator API that change nothing which other inputs rest on."""
    shocks = {"shocks": [{"target": "BTC", "change": "-0.10"}]}
    commands = [{"type": "deposit", "id": "one", "account": "okx", "asset": "USDT", "amount": "1"}]
    lines = "\n".join(json.dumps(command) for command in commands * 3)
    return [
        Request("GET", "/", {}, b""),
        Request("GET", "/metrics", {}, b""),
        Request("GET", "/openapi.json", {}, b""),
        *(
            Request("GET", f"/admin/v1/accounts{path}", OPERATOR, b"")
            for path in (
                "",
                "/okx",
                "/okx/statement?as_of=2026-11-20T12:00:00Z",
                "/okx/explain",
                "/okx/keys",
                "/okx/events?after=0&limit=5",
            )
        ),
        Request("POST", "/admin/v1/accounts/okx/stress", OPERATOR | JSON_BODY, json.dumps(shocks).encode()),
        Request(
            "POST", "/admin/v1/commands?atomic=true", OPERATOR | JSON_BODY, json.dumps(commands).encode()
        ),
        Request(
            "POST", "/admin/v1/commands", OPERATOR | {"Content-Type": "application/x-ndjson"}, lines.encode()
        ),
    ]


class Shapes:
    """The inputs of one server."""

    def __init__(self, work: Work):
        self.work, self.chance = work, work.chance
        self.server = work.start("--rate-limits", "off", "--ledger-time", "2026-11-20T12:00:00Z")
        self.keys = open_accounts(self.server)

    def run(self) -> None:
        memory = 0
        for number in range(INPUTS):
            if number % 25 == 0:
                requests = venue_requests(self.keys) + operator_requests()
                self.check_health()
                memory = memory or (resident(self.server) if number >= 100 else 0)
            if self.chance.random() < 0.15:
                self.compare(self.chance.choice(requests))
            else:
                self.input(self.chance.choice(requests), requests)
            if not self.work.has_time:
                break
        self.check_health()
        if memory and (now := resident(self.server)) > memory + GROWTH:
            self.work.find(f"memory grew from {memory >> 20} to {now >> 20} MiB")

    def check_health(self) -> None:
        if (answer := self.server.request("GET", "/healthz")).status != 200:
            self.work.find(f"/healthz answers {answer.status} {answer.body[:200]}")

    # Inputs

    def input(self, request: Request, others: list[Request]) -> None:
        """A request that was changed."""
        chunks = None
        if request.body and self.chance.random() < 0.3:
            chunks = self.cut(request.body)
        data = request.bytes(chunks)
        for _ in range(self.chance.choice((1, 1, 2, 3, 8))):
            data = self.change(data)
        if self.chance.random() < 0.1:
            data += self.chance.choice(others).bytes()
        self.work.count(requests=1)
        answer = self.exchange(data)
        if answer is None:
            return self.work.find(f"neither answered nor closed within {PATIENCE} s: {data[:1500]!r}")
        self.judge(data, answer)

    def change(self, data: bytes) -> bytes:
        """One change of some bytes."""
        chance = self.chance
        place = chance.randrange(len(data) + 1)
        match chance.randrange(10):
            case 0:
                return data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]
            case 1:
                return data[:place] + data[place + chance.choice((1, 2, 10, 100)) :]
            case 2:
                return data[:place] + chance.choice(PIECES) + data[place:]
            case 3:
                end = place + chance.choice((1, 5, 50))
                return data[:end] + data[place:]
            case 4 | 5:
                lines = data.split(b"\r\n")
                lines.insert(chance.randrange(len(lines) + 1), chance.choice(LINES))
                return b"\r\n".join(lines)
            case 6:
                lines = data.split(b"\r\n")
                chance.shuffle(lines)
                return b"\r\n".join(lines)
            case 7:
                method = chance.choice(
                    (b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH", b"TRACE", b"get", b"BREW", b"")
                )
                return method + data[data.find(b" ") :] if b" " in data else data
            case 8:
                return data[:place]
            case _:
                number = re.search(rb"\d+", data[place:])
                if number is None:
                    return data
                new = chance.choice((b"0", b"-1", b"00", b"9" * 20, b"1.5", b"", b"1e3", b"0x1"))
                return data[: place + number.start()] + new + data[place + number.end() :]

    def cut(self, data: bytes) -> list[bytes]:
        """Bytes in pieces of random lengths."""
        pieces = []
        while data:
            count = self.chance.choice((1, 2, 7, 50, 4000))
            pieces.append(data[:count])
            data = data[count:]
        return pieces

    # Answers

    def exchange(self, data: bytes, waits: bool = False) -> bytes | None:
        """Sends bytes, in pieces now and then, and an end; everything that comes back until the server
        closes too; nil where it does not. With `waits` the end is sent once the answer has begun, as a slow
        read is given up when its caller closes."""
        found = b""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=PATIENCE) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                pieces = self.cut(data)[:300] if self.chance.random() < 0.2 and len(data) < 4000 else [data]
                for piece in pieces:
                    connection.sendall(piece)
                if waits:
                    found += connection.recv(1 << 16)
                connection.shutdown(socket.SHUT_WR)
            except TimeoutError:
                return None
            except OSError:
                pass  # closed before it had read everything
            try:
                while more := connection.recv(1 << 16):
                    found += more
            except ConnectionError:
                pass
            except TimeoutError:
                return None
        return found

    def judge(self, data: bytes, answer: bytes) -> None:
        """Whether everything that came back is as it should be."""
        if not answer:
            return
        rest = answer
        while rest:
            head, separator, rest = rest.partition(b"\r\n\r\n")
            found = re.match(rb"HTTP/1\.1 (\d{3}) ", head)
            if not found or not separator:
                return self.work.find(f"{data[:1500]!r} was answered with {answer[:600]!r}")
            status = int(found[1])
            fields = {
                name.strip().lower(): value.strip()
                for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
            }
            if status in (100, 101):
                return
            body, rest = self.body(fields, rest, is_head=b"HEAD" in data)
            if status >= 500 and not (status == 503 and b'"code":"busy"' in body):
                return self.work.find(f"{data[:1500]!r} was answered with {answer[:600]!r}")
            if status >= 400 and body and not is_error(body):
                return self.work.find(f"{data[:1500]!r} was refused in no known form: {answer[:600]!r}")
            if status >= 400 and not body and b"connection" not in fields and b"HEAD" not in data:
                return self.work.find(f"{data[:1500]!r} was refused without a word: {answer[:600]!r}")

    def body(self, fields: dict[bytes, bytes], rest: bytes, is_head: bool) -> tuple[bytes, bytes]:
        if fields.get(b"transfer-encoding") == b"chunked":
            end = rest.find(b"0\r\n\r\n")
            return b"", rest[end + 5 :] if end >= 0 else b""
        count = int(fields.get(b"content-length", b"0"))
        if is_head and rest.startswith((b"HTTP/1.1 ", b"")) and len(rest) < count:
            return b"", rest
        if is_head and rest.startswith(b"HTTP/1.1 "):
            return b"", rest
        return rest[:count], rest[count:]

    # The same, said otherwise

    def compare(self, request: Request) -> None:
        """A request in another dress gets the answer that it gets in its plain one."""
        chunks = self.cut(request.body) if request.body else None
        self.work.count(requests=2)
        plain, other = (
            self.exchange(data, waits=True)
            for data in (request.bytes(), request.bytes(chunks, folding=self.chance.random() < 0.5))
        )
        if plain is None or other is None:
            return self.work.find(f"no answer: {request}")
        self.judge(request.bytes(), plain)
        kinds = [data.split(b" ", 2)[1] if data else b"" for data in (plain, other)]
        # Rates, nonces and one-time keys may tell two signed requests apart; the operator's are alike.
        if kinds[0] != kinds[1] and request.target.startswith("/admin/"):
            self.work.find(f"{request} is answered {plain[:300]!r}, and in chunks {other[:300]!r}")


def is_error(body: bytes) -> bool:
    """Whether a body is an error of one of the venues, or a problem document."""
    try:
        found = json.loads(body)
    except ValueError:
        return False
    return isinstance(found, dict) and (
        any(fields <= set(found) for fields in FORMS.values())
        or {"type", "title", "status", "detail", "code"} <= set(found)
    )


def resident(server: Server) -> int:
    """The memory that the process has, in bytes."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) << 10


def open_accounts(server: Server) -> dict[str, dict]:
    """An account of every venue, named like it, with some money, and a key of each."""
    keys = {}
    for venue, asset in (("binance", "USDT"), ("okx", "USDT"), ("crypto-com", "USD"), ("rails", "USD")):
        server.apply(
            {"type": "open_account", "account": venue, "venue": venue},
            {"type": "deposit", "account": venue, "asset": asset, "amount": "1000"},
        )
        keys[venue] = server.issue_key(venue)
    return keys


def round(work: Work) -> None:
    """One server, and some hundred inputs."""
    Shapes(work).run()
