"""How connections end: a client that reuses them hears of it before it sends its next request."""

import json
import socket

import pytest

import venue_requests


def answers(port: int, *requests: bytes) -> bytes:
    """All that comes back on one connection, to its end."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(b"".join(requests))
        received = b""
        while part := connection.recv(65_536):
            received += part
        return received


def request(path: str, *headers: str, version: str = "1.1") -> bytes:
    return "\r\n".join([f"GET {path} HTTP/{version}", "Host: x", *headers, "", ""]).encode()


@pytest.mark.parametrize("path", ["/fapi/v1/time", "/api/v5/public/time", "/exchange/v1/nothing", "/healthz"])
def test_the_end_is_told(server, path):
    """vn.py asks for the end with every request, and sent its next one into a connection that went."""
    head = answers(server.port, request(path, "Connection: close")).split(b"\r\n\r\n")[0].lower()
    assert b"\r\nconnection: close" in head
    assert b"connection" not in head.replace(b"\r\nconnection: close", b"")


def test_only_the_last_answer_tells_it(server):
    """Of requests that were sent together, the one that asks for the end is the last that is answered."""
    first, second = request("/healthz"), request("/healthz", "Connection: close")
    received = answers(server.port, first, second).lower()
    one, other = received.split(b"http/1.1 200 ok")[1:]
    assert b"connection: close" not in one and b"connection: close" in other


def test_an_old_client_hears_it_too(server):
    """With HTTP/1.0 a connection ends unless the client asks for more; it stayed for minutes."""
    assert b"connection: close" in answers(server.port, request("/healthz", version="1.0")).lower()


def test_answers_keep_the_order_of_requests(start, store):
    """What waits for the store, what is answered at once and what goes another way, all sent together by a
    client that closes its side then."""
    server = start("--store", store)
    server.apply(
        {"type": "open_account", "account": "bot", "venue": "binance"},
        {"type": "deposit", "account": "bot", "asset": "USDT", "amount": "1000"},
        {"type": "prices", "venue": "binance", "marks": {"BTCUSDT": "60000"}},
    )
    key = server.issue_key("bot", permissions=["read", "trade"])

    def order(name: str) -> bytes:
        body = venue_requests.binance_signed(
            key,
            "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=50000"
            f"&newClientOrderId={name}",
        )
        head = [
            "POST /fapi/v1/order HTTP/1.1",
            "Host: x",
            f"X-MBX-APIKEY: {key['api_key']}",
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join([*head, "", body]).encode()

    wanted, sent = [], []
    for number in range(8):
        for text, part in [
            (f'"clientOrderId":"order-{number}"', order(f"order-{number}")),
            ('"serverTime":', request("/fapi/v1/time")),
            ('"status":"ok"', request("/healthz")),
            ('"code":"0"', request("/api/v5/public/time")),
            ('"not_found"', request("/nothing")),
        ]:
            wanted.append(text)
            sent.append(part)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(b"".join(sent))
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while part := connection.recv(65_536):
            received += part
    found = received.decode().split("HTTP/1.1 ")[1:]
    assert len(found) == len(wanted)
    for text, answer in zip(wanted, found):
        assert text in answer, (text, answer)
    rows = json.loads(venue_requests.binance(server, key, "/fapi/v1/openOrders").body)
    assert [row["clientOrderId"] for row in rows] == [f"order-{number}" for number in range(8)]
