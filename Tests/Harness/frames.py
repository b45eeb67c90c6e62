"""A WebSocket client that sends what it is told, right or wrong, byte for byte (RFC 6455)."""

from __future__ import annotations

import base64
import os
import socket
import struct
import typing

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class Frame(typing.NamedTuple):
    """A frame of the server."""

    opcode: int
    payload: bytes

    @property
    def code(self) -> int | None:
        """The code of a close frame."""
        return struct.unpack(">H", self.payload[:2])[0] if self.opcode == CLOSE and self.payload else None


def frame(
    opcode: int,
    payload: bytes | str = b"",
    final: bool = True,
    reserved: int = 0,
    mask: bool = True,
    length: int | None = None,
) -> bytes:
    """A frame of a client; `length` is the length that it claims to have."""
    payload = payload.encode() if isinstance(payload, str) else payload
    count = len(payload) if length is None else length
    head = bytes([(0x80 if final else 0) | reserved << 4 | opcode])
    flag = 0x80 if mask else 0
    if count <= 125:
        head += bytes([flag | count])
    elif count <= 0xFFFF:
        head += bytes([flag | 126]) + struct.pack(">H", count)
    else:
        head += bytes([flag | 127]) + struct.pack(">Q", count)
    if not mask:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[place % 4] for place, byte in enumerate(payload))


def close(code: int | None = 1000, reason: bytes = b"") -> bytes:
    """A close frame."""
    return frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason)


def handshake(path: str, method: str = "GET", version: str = "1.1", **changes: str | None) -> bytes:
    """A request for a WebSocket; `changes` replace headers, None leaves one out."""
    headers = {
        "Host": "here",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
    }
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    lines = [f"{method} {path} HTTP/{version}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Stream:
    """One connection: HTTP until the server has accepted a handshake, frames from then on."""

    def __init__(self, port: int, path: str | None = None, timeout: float = 20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = b""
        if path is not None:
            status, headers = self.ask(handshake(path))
            assert status == 101, (status, headers)

    def send(self, *pieces: bytes) -> None:
        """Sends bytes in one go."""
        self.socket.sendall(b"".join(pieces))

    def _more(self) -> bool:
        data = self.socket.recv(1 << 16)
        self.unread += data
        return bool(data)

    def ask(self, request: bytes) -> tuple[int, dict[str, str]]:
        """Sends a request and reads the head of its answer."""
        self.send(request)
        return self.head()

    def head(self) -> tuple[int, dict[str, str]]:
        """The status and headers of the next answer, their names in lower case."""
        while b"\r\n\r\n" not in self.unread:
            assert self._more(), f"the connection ended in a head: {self.unread!r}"
        head, self.unread = self.unread.split(b"\r\n\r\n", 1)
        first, *lines = head.decode().split("\r\n")
        pairs = (line.split(":", 1) for line in lines)
        return int(first.split()[1]), {name.lower(): value.strip() for name, value in pairs}

    def body(self, headers: dict[str, str]) -> bytes:
        """The body after a head."""
        count = int(headers.get("content-length", "0"))
        while len(self.unread) < count:
            assert self._more(), "the connection ended in a body"
        body, self.unread = self.unread[:count], self.unread[count:]
        return body

    def read(self) -> Frame | None:
        """The next frame; None where the server has ended the connection."""
        while (found := self._take()) is None:
            try:
                if not self._more():
                    assert not self.unread, f"the connection ended in a frame: {self.unread[:20]!r}"
                    return None
            except ConnectionResetError:
                return None
        return found

    def _take(self) -> Frame | None:
        data = self.unread
        if len(data) < 2:
            return None
        assert data[0] & 0x70 == 0, "the server set a reserved bit"
        assert data[0] & 0x80, "the server sent a fragment"
        assert data[1] & 0x80 == 0, "the server masked a frame"
        count, start = data[1], 2
        if count == 126:
            count, start = int.from_bytes(data[2:4], "big"), 4
        elif count == 127:
            count, start = int.from_bytes(data[2:10], "big"), 10
        if len(data) < start or len(data) < start + count:
            return None
        self.unread = data[start + count :]
        return Frame(data[0] & 0x0F, data[start : start + count])

    def rest(self) -> list[Frame]:
        """Every frame until the server ends the connection."""
        frames = []
        while (found := self.read()) is not None:
            frames.append(found)
        return frames

    def end(self) -> None:
        """Ends the connection without a word."""
        self.socket.close()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_) -> None:
        self.end()
