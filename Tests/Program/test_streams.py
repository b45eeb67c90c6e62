"""Streams of the whole program: pushes, slow readers, logs, metrics and the program's end, on Binance's."""

import asyncio
import json
import re
import signal
import socket
import threading
import time

import aiohttp
import pytest
import websocket
import websockets.sync.client

from frames import CLOSE, PING, PONG, TEXT, Frame, Stream, close, frame, handshake
from server import Server

KEY = {"api_key": "stream-test-key", "secret": "stream-test-secret"}


def desk(server: Server) -> str:
    """Opens an account with a key and gives a listen key of it."""
    server.apply({"type": "open_account", "account": "desk", "venue": "binance"}, deposit("0.5"))
    server.issue_key("desk", **KEY)
    answer = server.request("POST", "/fapi/v1/listenKey", headers={"X-MBX-APIKEY": KEY["api_key"]})
    assert answer.status == 200, answer.body
    return answer.json["listenKey"]


def deposit(amount: str) -> dict:
    return {"type": "deposit", "account": "desk", "asset": "USDT", "amount": amount}


def balances(found: Frame) -> list[str]:
    """The wallet balances that an account update tells."""
    update = json.loads(found.payload)
    assert update["e"] == "ACCOUNT_UPDATE", update
    return [row["wb"] for row in update["a"]["B"] if row["a"] == "USDT"]


def metric(server: Server, name: str, venue: str = "binance") -> int:
    text = server.request("GET", "/metrics").body.decode()
    found = re.search(rf'^marginalia_stream_{name}{{venue="{venue}"}} (\d+)$', text, re.MULTILINE)
    assert found, text
    return int(found[1])


def until(condition, within: float = 30) -> None:
    """Waits for a condition."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


# Clients


def test_clients_of_three_libraries(server):
    key = desk(server)
    address = f"ws://127.0.0.1:{server.port}/ws/{key}"
    with websockets.sync.client.connect(address) as first:
        second = websocket.create_connection(address, timeout=20)
        server.apply(deposit("1"))
        for text in (first.recv(timeout=20), second.recv()):
            assert json.loads(text)["e"] == "ACCOUNT_UPDATE"
        second.ping("x")
        assert second.recv_frame().opcode == PONG
        second.close()
        assert first.ping().wait(20)
    assert first.close_code == 1000

    async def reuse() -> str:
        # The same pooled connection carries the request and then the stream.
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
            async with session.get(server.url + "/healthz") as answer:
                assert answer.status == 200
                await answer.read()
            async with session.ws_connect(server.url + "/ws") as stream:
                await stream.send_str('{"method":"LIST_SUBSCRIPTIONS","id":7}')
                return (await stream.receive(timeout=20)).data

    assert json.loads(asyncio.run(reuse()))["id"] == 7


# Pushes


def test_every_change_is_pushed_once_and_in_order(server):
    key = desk(server)
    readers = [Stream(server.port, f"/ws/{key}") for _ in range(3)]
    until(lambda: metric(server, "connections") == 3)
    time.sleep(0.2)
    server.apply(*(deposit("1") for _ in range(500)))
    for number in range(20):
        server.apply(deposit("1"))
    for reader in readers:
        told = [float(balances(reader.read())[0]) for _ in range(520)]
        assert told == [1.5 + number for number in range(520)]
        reader.end()
    until(lambda: metric(server, "connections") == 0)


def test_a_refused_command_pushes_nothing(server):
    key = desk(server)
    with Stream(server.port, f"/ws/{key}") as stream:
        until(lambda: metric(server, "connections") == 1)
        time.sleep(0.2)
        refused = server.send({"type": "withdraw", "account": "desk", "asset": "USDT", "amount": "99"})
        assert refused[0]["status"] != "applied"
        server.apply(deposit("2"))
        assert [float(row) for row in balances(stream.read())] == [2.5]


# Slow readers


def narrow(port: int, path: str) -> Stream:
    """A connection whose client keeps little for later."""
    stream = Stream.__new__(Stream)
    stream.socket = socket.socket()
    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stream.socket.settimeout(30)
    stream.socket.connect(("127.0.0.1", port))
    stream.unread = b""
    assert stream.ask(handshake(path))[0] == 101
    return stream


def test_a_reader_that_stops_is_dropped_and_delays_nobody(server):
    key = desk(server)
    stopped, sound = narrow(server.port, f"/ws/{key}"), Stream(server.port, f"/ws/{key}")
    until(lambda: metric(server, "connections") == 2)
    time.sleep(0.2)
    told: list[Frame] = []
    reading = threading.Thread(target=lambda: told.extend(sound.read() for _ in range(10_000)))
    reading.start()
    begun = time.monotonic()
    for _ in range(10):
        server.apply(*(deposit("1") for _ in range(1_000)))
    reading.join(timeout=60)
    assert len(told) == 10_000
    taken = time.monotonic() - begun
    assert [float(balances(found)[0]) for found in told] == [1.5 + number for number in range(10_000)]
    until(lambda: metric(server, "slow_readers_total") == 1)
    assert taken < time.monotonic() - begun, "the sound reader was through before the other was dropped"
    until(lambda: metric(server, "connections") == 1)
    # What had been on its way comes, and after it the end.
    frames = []
    try:
        frames = stopped.rest()
    except (ConnectionResetError, AssertionError):
        pass
    assert len(frames) < 10_000
    server.apply(deposit("1"))
    assert balances(sound.read())


def test_a_client_that_asks_and_does_not_read_is_dropped(start):
    server = start("--rate-limits", "off")
    stream = narrow(server.port, "/ws")
    other = Stream(server.port, "/ws")
    name = "a" * 30_000
    stream.send(frame(TEXT, json.dumps({"method": "SUBSCRIBE", "params": [name], "id": 1})))
    question = frame(TEXT, '{"method":"LIST_SUBSCRIPTIONS","id":2}')
    stream.socket.settimeout(0.5)
    sent = 0
    try:
        while sent < 200_000_000:
            stream.send(question * 100)
            sent += len(question) * 100
    except (TimeoutError, ConnectionError):
        pass
    assert sent < 100_000_000, "the server must stop reading"
    other.send(frame(PING, b"here"))
    assert other.read() == Frame(PONG, b"here")
    until(lambda: metric(server, "slow_readers_total") == 1)
    until(lambda: metric(server, "connections") == 1)


# The program's end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_end_of_the_program_is_told_to_every_stream(number):
    server = Server().start()
    answering = [Stream(server.port, "/ws") for _ in range(5)]
    silent = Stream(server.port, "/ws")
    idle = socket.create_connection(("127.0.0.1", server.port))
    begun = time.monotonic()
    server.process.send_signal(number)
    for stream in answering:
        found = stream.read()
        assert found.opcode == CLOSE and found.code == 1001
        stream.send(close(1001))
        assert stream.read() is None
    assert server.wait() == 0
    assert time.monotonic() - begun < 10
    assert [found.code for found in silent.rest()] == [1001]
    idle.close()


@pytest.mark.parametrize("address", ["public", "private", "business"])
def test_okx_announces_the_end_of_the_service_before_it_closes(address):
    server = Server().start()
    stream = Stream(server.port, f"/ws/v5/{address}")
    stream.send(frame(TEXT, b"ping"))
    assert stream.read().payload == b"pong"
    server.process.send_signal(signal.SIGTERM)
    notice = json.loads(stream.read().payload)
    connection = notice.pop("connId")
    assert re.fullmatch("[0-9a-f]{8}", connection)
    assert notice == {
        "event": "notice",
        "code": "64008",
        "msg": "The connection will soon be closed for a service upgrade. Please reconnect.",
    }
    found = stream.read()
    assert found.opcode == CLOSE and found.code == 1001
    stream.send(close(1001))
    assert server.wait() == 0


def test_a_stream_full_of_unread_bytes_does_not_hold_the_end_up():
    server = Server().start()
    key = desk(server)
    stopped = narrow(server.port, f"/ws/{key}")
    until(lambda: metric(server, "connections") == 1)
    time.sleep(0.2)
    for _ in range(5):
        server.apply(*(deposit("1") for _ in range(1_000)))
    begun = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begun < 10
    stopped.end()


# What is counted, and what is never written


def test_metrics(start):
    server = start("--rate-limits", "off")
    assert metric(server, "connections") == 0 and metric(server, "connections", "okx") == 0
    with Stream(server.port, "/ws") as stream:
        stream.send(frame(TEXT, "x"), frame(TEXT, "x"), frame(PING))
        assert {stream.read().opcode for _ in range(3)} == {TEXT, PONG}
        assert metric(server, "connections") == 1
        assert metric(server, "messages_received_total") == 2
        assert metric(server, "messages_sent_total") == 2
    until(lambda: metric(server, "connections") == 0)
    assert metric(server, "connections_total") == 1
    text = server.request("GET", "/metrics").body.decode()
    assert 'marginalia_http_requests_total{venue="binance",path="stream",status="101"} 1' in text


def test_no_listen_key_in_the_log(start):
    server = start("--log-level", "trace")
    key = desk(server)
    for path in (f"/ws/{key}", f"/stream?streams={key}", f"/private/ws?listenKey={key}"):
        with Stream(server.port, path) as stream:
            stream.send(frame(TEXT, json.dumps({"method": "SUBSCRIBE", "params": [key], "id": 1})))
            stream.read()
            stream.send(frame(TEXT, json.dumps({"method": key, "id": 1})))
            stream.read()
            stream.send(close(1000))
            stream.rest()
        # Asked for without an upgrade, and with a wrong one.
        server.request("GET", path)
        with Stream(server.port) as stream:
            assert stream.ask(handshake(path, Sec_WebSocket_Key=None))[0] == 400
    assert server.stop() == 0
    log = "\n".join(server.log)
    assert "a stream is closed" in log and "/ws…" in log
    assert key not in log and KEY["secret"] not in log
