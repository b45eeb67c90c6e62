"""Raw WebSocket frames at every stream: right and wrong ones, messages of the venues with changes,
handshakes too.

What the server sends must be sound frames with JSON in them; a connection that is closed is told why, by a
code that may be sent; one that the client ends is ended. The server stays up and keeps its memory.
"""

from __future__ import annotations

import json
import socket
import struct
import time


import frames
import neighbours
import shapes
from frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Stream
from server import Server
from torture import Work

CONNECTIONS = 150  # a server, and so a round
PATIENCE = 120
# Codes that a server may send (RFC 6455, section 7.4), and those of the venues' own.
CODES = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013} | set(range(3000, 5000))
STREAMS = (
    "/ws",
    "/stream",
    "/ws/btcusdt@markPrice",
    "/stream?streams=btcusdt@markPrice/!markPrice@arr",
    "/ws-fapi/v1",
    "/exchange/v1/user",
    "/exchange/v1/market",
    "/ws/v5/public",
    "/ws/v5/private",
    "/ws/v5/business",
    "/api/v1/ws",
)
TEXTS = (
    "",
    "ping",
    "pong",
    "{}",
    "[]",
    "null",
    "0",
    '"a"',
    "{",
    "[" * 3000,
    '{"op":"subscribe","args":[]}',
    '{"op":"subscribe","args":"x"}',
    '{"op":"unsubscribe"}',
    '{"op":1}',
    '{"op":"login","args":[{}]}',
    '{"method":"SUBSCRIBE","params":["' + "a" * 500 + '"],"id":1}',
    '{"method":"SUBSCRIBE","params":[1],"id":1}',
    '{"method":"SUBSCRIBE","params":{},"id":null}',
    '{"id":1,"method":"subscribe","params":{"channels":[""]}}',
    '{"id":1e400,"method":"public/heartbeat"}',
    '{"id":-1,"method":"private/user-balance"}',
    "\ufeff{}",
    "e\u0301",
)
CHANNELS = (
    "account",
    "positions",
    "balance_and_position",
    "mark-price",
    "tickers",
    "instruments",
    "orders",
    "nothing",
)


def messages(keys: dict[str, dict]) -> list[str]:
    """Messages that the venues' clients send."""
    found = []
    key = keys["okx"]
    stamp = str(time.time_ns() // 10**9)
    text = f"{stamp}GET/users/self/verify"
    sign = neighbours.base64.b64encode(neighbours.digest(key["secret"], text)).decode()
    login = {"apiKey": key["api_key"], "passphrase": key["passphrase"], "timestamp": stamp, "sign": sign}
    found.append(json.dumps({"op": "login", "args": [login]}))
    for channel in CHANNELS:
        args = [{"channel": channel, "instId": "BTC-USDT-SWAP", "instType": "ANY"}]
        found.append(json.dumps({"id": "1", "op": "subscribe", "args": args}))
    key, nonce = keys["crypto-com"], time.time_ns() // 10**6
    signature = neighbours.digest(key["secret"], f"public/auth7{key['api_key']}{nonce}").hex()
    found.append(
        json.dumps(
            {"id": 7, "method": "public/auth", "api_key": key["api_key"], "sig": signature, "nonce": nonce}
        )
    )
    for channel in (
        "user.balance",
        "user.position_balance",
        "user.positions",
        "mark.BTCUSD-PERP",
        "index.BTCUSD-INDEX",
    ):
        found.append(
            json.dumps({"id": 8, "method": "subscribe", "params": {"channels": [channel]}, "nonce": nonce})
        )
    for method in ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY"):
        found.append(
            json.dumps({"method": method, "params": ["btcusdt@markPrice", "!markPrice@arr@1s"], "id": 9})
        )
    query = f"apiKey={keys['binance']['api_key']}&timestamp={nonce}"
    signed = {
        "apiKey": keys["binance"]["api_key"],
        "timestamp": nonce,
        "signature": neighbours.digest(keys["binance"]["secret"], query).hex(),
    }
    for method in (
        "account.balance",
        "v2/account.balance",
        "v2/account.status",
        "account.position",
        "session.logon",
    ):
        found.append(json.dumps({"id": "x", "method": method, "params": signed}))
    return found + ['{"type":"subscribe","channel":"balances"}', '{"op":"subscribe","channel":"prices"}']


class Frames:
    """The connections of one server."""

    def __init__(self, work: Work):
        self.work, self.chance = work, work.chance
        self.server: Server = work.start("--rate-limits", "off", "--ledger-time", "2026-11-20T12:00:00Z")
        self.keys = shapes.open_accounts(self.server)
        key = self.keys["rails"]
        headers = {"X-Api-Key": key["api_key"], "X-Api-Secret": key["secret"]}
        self.token = self.server.request("POST", "/api/v1/token", headers=headers).json["access_token"]

    def run(self) -> None:
        memory = 0
        for number in range(CONNECTIONS):
            if number % 25 == 0:
                self.messages = messages(self.keys)
            if number == 50:
                memory = shapes.resident(self.server)
            self.connect(self.chance.choice(STREAMS))
            if not self.work.has_time:
                break
        if (answer := self.server.request("GET", "/healthz")).status != 200:
            self.work.find(f"/healthz answers {answer.status} {answer.body[:200]}")
        if memory and (now := shapes.resident(self.server)) > memory + shapes.GROWTH:
            self.work.find(f"memory grew from {memory >> 20} to {now >> 20} MiB")

    def connect(self, path: str) -> None:
        """One connection, from its handshake to its end."""
        sent: list[bytes] = [self.handshake(path)]
        if self.chance.random() < 0.8:
            sent += [self.frame() for _ in range(self.chance.choice((1, 2, 5, 20)))]
        self.work.count(sockets=1, frames=len(sent) - 1)
        stream = Stream(self.server.port, timeout=PATIENCE)
        try:
            self.talk(stream, sent)
        except TimeoutError:
            self.work.find(f"{path}: not closed within {PATIENCE} s after {b''.join(sent)[:1500]!r}")
        except AssertionError as error:
            self.work.find(f"{path}: {error} after {b''.join(sent)[:1500]!r}")
        except OSError:
            pass  # closed while frames were on their way to it
        finally:
            stream.end()

    def handshake(self, path: str) -> bytes:
        more = {"Sec_WebSocket_Protocol": f"authorization#{self.token}"} if path == "/api/v1/ws" else {}
        data = self.sound = frames.handshake(path, **more)
        if self.chance.random() < 0.1:
            data = shapes.Shapes.change(self, data)
        return data

    def talk(self, stream: Stream, sent: list[bytes]) -> None:
        """The handshake and the frames behind it, in one piece now and then, and then no more; what comes."""
        is_open = None
        try:
            if self.chance.random() < 0.15:
                stream.send(*sent)
            else:
                stream.send(sent[0])
                if sent[0] != self.sound:  # it may be the beginning of a request only
                    stream.socket.shutdown(socket.SHUT_WR)
                if not (is_open := self.is_open(stream)):
                    return
                stream.send(*sent[1:])
            if self.chance.random() < 0.3:
                self.server.apply({"type": "deposit", "account": "okx", "asset": "USDT", "amount": "1"})
            if self.chance.random() < 0.5:
                stream.send(frames.close())
            stream.socket.shutdown(socket.SHUT_WR)
        except TimeoutError:
            raise
        except OSError:
            pass  # closed before it had read everything; why may still be read
        if is_open or self.is_open(stream):
            self.read(stream)

    def read(self, stream: Stream) -> None:
        """Everything until the server ends the connection."""
        closed = 0
        for frame in stream.rest():
            self.work.count(frames_received=1)
            if closed:
                raise AssertionError(f"{frame} after a close frame")
            match frame.opcode:
                case frames.TEXT:
                    if frame.payload != b"pong":
                        json.loads(frame.payload)
                case frames.CLOSE:
                    closed += 1
                    if frame.code is not None and frame.code not in CODES:
                        raise AssertionError(f"closed with {frame.code}")
                    frame.payload[2:].decode()
                case frames.PING | frames.PONG:
                    pass
                case other:
                    raise AssertionError(f"a frame of kind {other}")

    def is_open(self, stream: Stream) -> bool:
        """Whether the handshake was taken; otherwise what came back must be HTTP."""
        while b"\r\n\r\n" not in stream.unread:
            if not stream._more():
                return False
        status = int(stream.unread.split(b" ", 2)[1])
        if status == 101:
            stream.head()
            return True
        stream.socket.shutdown(socket.SHUT_WR)
        while stream._more():
            pass
        shapes.Shapes.judge(self, b"a handshake", stream.unread)
        return False

    body = shapes.Shapes.body

    def text(self) -> bytes:
        """A message, sound or changed."""
        message = self.chance.choice(self.messages if self.chance.random() < 0.7 else TEXTS)
        data = message.encode()
        while data and self.chance.random() < 0.3:
            data = shapes.Shapes.change(self, data)
        return data

    def frame(self) -> bytes:
        """A frame: mostly a text as it should be."""
        chance = self.chance
        match chance.randrange(12):
            case 0:
                return frames.frame(
                    chance.choice((PING, PONG)), chance.randbytes(chance.choice((0, 4, 125, 126)))
                )
            case 1:
                return frames.frame(chance.randrange(16), self.text()[:100], final=chance.random() < 0.7)
            case 2:
                return frames.frame(TEXT, self.text(), reserved=chance.randrange(8))
            case 3:
                return frames.frame(TEXT, self.text(), mask=False)
            case 4:
                data = self.text()
                cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randint(1, 4)))
                parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)])]
                return b"".join(
                    frames.frame(CONTINUATION if place else TEXT, part, final=place == len(parts) - 1)
                    for place, part in enumerate(parts)
                )
            case 5:
                return frames.frame(
                    TEXT, b"", length=chance.choice((1, 126, 1 << 16, 1 << 31, (1 << 63) - 1, 1 << 63))
                )
            case 6:
                code = chance.choice((0, 999, 1000, 1004, 1005, 1006, 1015, 2999, 3000, 4999, 65535))
                return frames.frame(
                    CLOSE, struct.pack(">H", code) + chance.choice((b"", b"bye", b"\xff", b"r" * 123))
                )
            case 7:
                return frames.frame(BINARY, self.text())
            case 8:
                return chance.randbytes(chance.choice((1, 2, 14, 200)))
            case _:
                return frames.frame(TEXT, self.text())


def round(work: Work) -> None:
    """One server, and some connections."""
    Frames(work).run()
