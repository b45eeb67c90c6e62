"""Clients that take their time: dribbles, half requests, readers that do not read, and SIGTERM meanwhile."""

import contextlib
import json
import socket
import time

import pytest
from frames import Stream, handshake
from raw import within
from server import TOKEN, Server

# What a client may hold an end up: two seconds, and what a busy machine adds.
SHUTDOWN = 8
BODY = b'{"type":"open_account","account":"half","venue":"okx"}\n'


@pytest.fixture
def server():
    with Server("--demo", "--rate-limits", "off") as running:
        yield running


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=60)


def head(path: str, length: int, kind: str = "application/x-ndjson") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {TOKEN}"]
    lines += [f"Content-Type: {kind}", f"Content-Length: {length}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def rest(client: socket.socket) -> bytes:
    """All that comes until the end."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while part := client.recv(65_536):
            data += part
    return data


def test_a_dribbled_head_ends_after_twenty_seconds(server):
    """Each byte comes in time; the whole does not."""
    began = time.monotonic()
    with connect(server) as client, contextlib.suppress(ConnectionError):
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Dribble: ")
        client.settimeout(0.5)
        answer = b""
        while not answer and time.monotonic() - began < 60:
            client.sendall(b"a")
            with contextlib.suppress(TimeoutError):
                answer = client.recv(100)
        assert answer.startswith(b"HTTP/1.1 408 ")
    assert 18 < time.monotonic() - began < 40


SITUATIONS = {
    "nothing sent": b"",
    "half a head": b"POST /admin/v1/commands HTTP/1.1\r\nHost: x\r\nContent-Le",
    "half a body": head("/admin/v1/commands", 10_000) + BODY,
    "half a body of a stranger": head("/exchange/v1/private/user-balance", 10_000, "application/json") + b"{",
    "half a chunk": head("/admin/v1/commands", 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    + b"400\r\n"
    + BODY,
    "a body that waits for its call": head("/admin/v1/commands", 100).replace(
        b"Host: x", b"Host: x\r\nExpect: 100-continue"
    ),
    "half a handshake": handshake("/ws")[:-10],
    "a handshake after an answer": b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + handshake("/ws")[:-10],
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_sigterm_is_quick_whatever_was_half_sent(server, situation):
    before = server.everything()
    with connect(server) as client:
        client.sendall(SITUATIONS[situation])
        time.sleep(0.3)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < SHUTDOWN
        rest(client)
    assert b"half" not in before


@pytest.mark.parametrize("path", ["/openapi.json", "/admin/v1/stream?after=0"])
def test_sigterm_is_quick_while_a_reader_does_not_read(server, path):
    for place in range(300):
        server.apply({"type": "open_account", "account": f"a{place}", "venue": "okx"})
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", server.port))
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
        # More answers than the kernel takes on the way.
        client.settimeout(1)
        with contextlib.suppress(TimeoutError):
            for _ in range(400):
                client.sendall(request)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < SHUTDOWN


@pytest.mark.parametrize("path", ["/ws", "/ws/v5/public", "/exchange/v1/market", "/ws-fapi/v1"])
def test_sigterm_is_quick_while_streams_stand(server, path):
    with Stream(server.port, path), Stream(server.port, path) as other:
        other.send(b"\x81")
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < SHUTDOWN


def hold_back(server: Server, milliseconds: int) -> None:
    """Lets an answer wait."""
    fault = {"venue": "binance", "kind": "latency", "path": "/fapi/v1/time", "delay_ms": milliseconds}
    put = server.admin("PUT", "/faults", [fault])
    assert put.status == 200, put.body


def test_sigterm_is_quick_while_an_answer_is_held_back(server):
    """A fault that holds an answer for a minute is our own doing: it has ten seconds."""
    hold_back(server, 60_000)
    with connect(server) as client:
        client.sendall(b"GET /fapi/v1/time HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.5)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 10 + SHUTDOWN


def test_an_answer_that_is_under_way_is_still_given(server):
    hold_back(server, 3_000)
    with connect(server) as client:
        client.sendall(b"GET /fapi/v1/time HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.5)
        assert server.stop() == 0
        assert b"serverTime" in rest(client)


@pytest.mark.parametrize("ending", ["end", "reset", "server"])
@pytest.mark.parametrize("form", ["length", "chunked"])
def test_a_part_of_a_body_changes_nothing(server, form, ending):
    """The part is whole lines, each of them a sound command."""
    before = server.everything()
    start = head("/admin/v1/commands", 10_000)
    if form == "chunked":
        start = start.replace(b"Content-Length: 10000", b"Transfer-Encoding: chunked")
    body = BODY if form == "length" else b"%x\r\n%s\r\n" % (len(BODY), BODY)
    store_is_gone = ending == "server"
    with connect(server) as client:
        client.sendall(start + body)
        time.sleep(0.3)
        if ending == "end":
            client.shutdown(socket.SHUT_WR)
            rest(client)
        elif ending == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        else:
            assert server.stop() == 0
            assert b'"applied"' not in rest(client)
    if not store_is_gone:
        time.sleep(0.3)
        assert server.everything() == before


def test_a_connection_that_is_to_close_is_closed(server):
    """The client has its answer and does not go."""
    with connect(server) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        began = time.monotonic()
        assert rest(client).startswith(b"HTTP/1.1 200 ")
        # Our own end stays open, and still the server's socket goes.
        assert within(15, lambda: is_gone(client))
        assert time.monotonic() - began < 15


def is_gone(client: socket.socket) -> bool:
    """Whether the other side has given the connection up: then what is sent to it is refused."""
    try:
        client.send(b"x")
    except ConnectionError:
        return True
    return False


def test_a_refused_body_gets_its_answer(server):
    """The answer arrives although the client is still sending, and the connection goes soon after."""
    with connect(server) as client:
        client.sendall(head("/admin/v1/commands", 100 << 20)[:-2] + b"\r\n")
        answer = rest(client)
    assert answer.startswith(b"HTTP/1.1 413 ") and json.loads(answer.split(b"\r\n\r\n")[1])["status"] == 413
