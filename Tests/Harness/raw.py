"""A server of bare sockets that answers as it is told: slowly, partly, or with what is no answer at all."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import typing

# What happens on one connection whose request's head has come; the connection is closed after it.
Script = typing.Callable[[socket.socket, bytes], None]


class RawServer:
    """Listens at a free port of 127.0.0.1 while it is used as a context."""

    def __init__(self, script: Script):
        self.script = script
        self.ended = threading.Event()

    def __enter__(self) -> "RawServer":
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind, error, trace) -> None:
        self.ended.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self.ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                part = connection.recv(65_536)
                if not part:
                    return
                head += part
            self.script(connection, head)

    def dribble(self, connection: socket.socket, text: bytes, every: float) -> None:
        """Sends a byte at a time until the text or the test ends."""
        for place in range(len(text)):
            if self.ended.wait(every):
                return
            connection.sendall(text[place : place + 1])


def answer(body: bytes, status: str = "200 OK", length: int | None = None) -> bytes:
    """An answer with its length, or with another one."""
    size = len(body) if length is None else length
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n".encode()
        + body
    )


def reset(connection: socket.socket) -> None:
    """Ends a connection as a machine does that has lost it."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    connection.close()


def within(seconds: float, condition: typing.Callable[[], bool]) -> bool:
    """Whether something comes about within a time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
