#!/usr/bin/env python3
"""Measures what an order by a venue's own call costs beside a plain command, in one run.

    python3 Benchmarks/program/orders.py --program .build/release/marginalia [single] [batches]

single   market orders by OKX's `POST /api/v5/trade/order`, each durable, answered and pushed on the account's `orders`
         channel, beside single `deposit` commands by `POST /admin/v1/commands`, in turns; over 1 and over 32 connections,
         each connection with an account of its own.
batches  market orders and resting limit orders by OKX's `POST /api/v5/trade/batch-orders`, twenty a request.

The requests are signed and written out before the stopwatch starts; a sender only writes bytes and reads answers. The
processor time is the server's own, by request. Everything is on 127.0.0.1 and stops by itself.
"""

import argparse
import base64
import datetime
import hashlib
import hmac
import json
import multiprocessing
import os
import selectors
import socket
import statistics
import tempfile
import threading
import time

from measure import TOKEN, Server

INSTRUMENT = "BTC-USDT-SWAP"


def signature(text):
    return base64.b64encode(hmac.new(b"load-secret", text.encode(), hashlib.sha256).digest()).decode()


def order_request(account, path, body):
    """The bytes of a signed request of an account."""
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
    text = json.dumps(body, separators=(",", ":"))
    return (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n"
            f"OK-ACCESS-KEY: load-key-{account}\r\nOK-ACCESS-SIGN: {signature(stamp + 'POST' + path + text)}\r\n"
            f"OK-ACCESS-TIMESTAMP: {stamp}\r\nOK-ACCESS-PASSPHRASE: load-phrase\r\n\r\n{text}").encode()


def market_order(number):
    return {"instId": INSTRUMENT, "tdMode": "cross", "side": "sell" if number % 2 else "buy", "ordType": "market", "sz": "1"}


def resting_order(number):
    return {"instId": INSTRUMENT, "tdMode": "cross", "side": "buy", "ordType": "limit", "sz": "1",
            "px": f"{40000 + number % 1000}"}


def deposit_request(account):
    text = json.dumps([{"type": "deposit", "account": f"desk-{account}", "asset": "USDT", "amount": "1"}])
    return (f"POST /admin/v1/commands HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(text)}\r\n\r\n{text}").encode()


def read_answer(file):
    status = file.readline()
    length = 0
    while (line := file.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    body = file.read(length)
    if b" 200" not in status or b'"rejected"' in body or b'"sCode":"5' in body or (b'"code":"0"' not in body
                                                                                   and b'"applied"' not in body):
        raise SystemExit(f"{status!r} {body[:400]!r}")


def send(port, requests, latencies):
    """Sends a connection's requests one after the other."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        file = connection.makefile("rb")
        for request in requests:
            begun = time.perf_counter()
            connection.sendall(request)
            read_answer(file)
            latencies.append(time.perf_counter() - begun)


def timed(server, per_connection):
    """Requests a second, µs of the server's processor a request, and the median latency in ms."""
    latencies = []
    threads = [threading.Thread(target=send, args=(server.port, requests, latencies)) for requests in per_connection]
    before, begun = server.processor_seconds(), time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, busy = time.monotonic() - begun, server.processor_seconds() - before
    count = sum(map(len, per_connection))
    if len(latencies) != count:
        raise SystemExit("a sender gave up")
    return count / seconds, busy / count * 1e6, statistics.median(latencies) * 1000


FILLED = b'"state":"filled"'


def text_frame(message):
    """A client's frame; a mask of zeros leaves the text as it is."""
    text = json.dumps(message).encode()
    length = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + text


def subscribed(port, account):
    """A connection that has subscribed to an account's orders."""
    connection = socket.create_connection(("127.0.0.1", port))
    stamp = str(int(time.time()))
    login = {"apiKey": f"load-key-{account}", "passphrase": "load-phrase", "timestamp": stamp,
             "sign": signature(stamp + "GET/users/self/verify")}
    channel = {"channel": "orders", "instType": "SWAP"}
    for request, answer in (
            (b"GET /ws/v5/private HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bG9hZC1rZXktMDEyMzQ1Ng==\r\n\r\n", b"\r\n\r\n"),
            (text_frame({"op": "login", "args": [login]}), b'"event":"login"'),
            (text_frame({"op": "subscribe", "args": [channel]}), b'"event":"channel-conn-count"')):
        connection.sendall(request)
        heard = b""
        while answer not in heard:
            heard += connection.recv(1 << 16)
    return connection


def follow_all(port, accounts, ready, pushes, ends):
    """Counts the fills that are pushed. Only bytes are looked at: two cores serve the server and this."""
    selector = selectors.DefaultSelector()
    rests = {}
    for account in range(accounts):
        connection = subscribed(port, account)
        selector.register(connection, selectors.EVENT_READ)
        rests[connection] = b""
        ready.release()
    while not ends.is_set():
        for key, _ in selector.select(0.05):
            heard = rests[key.fileobj] + key.fileobj.recv(1 << 16)
            rests[key.fileobj] = heard[1 - len(FILLED):]
            with pushes.get_lock():
                pushes.value += heard.count(FILLED)


def followers(port, accounts):
    """A process that reads the pushes of all accounts, and what it counted."""
    ready, ends = multiprocessing.Semaphore(0), multiprocessing.Event()
    pushes = multiprocessing.Value("q", 0)
    process = multiprocessing.Process(
        target=follow_all, args=(port, accounts, ready, pushes, ends))
    process.start()
    for _ in range(accounts):
        if not ready.acquire(timeout=20):
            raise SystemExit("a stream was not ready after 20 s")
    return process, pushes, ends


def start(program, folder, accounts):
    server = Server(program, f"sqlite:{folder}/ledger.db")
    commands = [{"type": "prices", "venue": "okx", "marks": {INSTRUMENT: "60000"}, "index": {"BTC": "60000", "USDT": "1"}}]
    for account in range(accounts):
        commands.append({"type": "open_account", "account": f"desk-{account}", "venue": "okx"})
        commands.append({"type": "deposit", "account": f"desk-{account}", "asset": "USDT", "amount": "1000000000"})
    server.commands(commands)
    for account in range(accounts):
        key = {"permissions": ["read", "trade"], "api_key": f"load-key-{account}", "secret": "load-secret",
               "passphrase": "load-phrase"}
        server.call("POST", f"/admin/v1/accounts/desk-{account}/keys", json.dumps(key))
    return server


def measure_single(program, folder, rounds):
    for connections, count in ((1, 2_000), (32, 400)):
        server = start(program, f"{folder}/single-{connections}", connections)
        process, pushes, ends = followers(server.port, connections)
        times, processors, pushed = [], [], 0
        try:
            for _ in range(rounds):
                deposits = timed(server, [[deposit_request(account)] * count for account in range(connections)])
                orders = timed(server, [
                    [order_request(account, "/api/v5/trade/order", market_order(number)) for number in range(count)]
                    for account in range(connections)])
                pushed += connections * count
                times.append(deposits[0] / orders[0])
                processors.append(orders[1] / deposits[1])
                print(f"  {connections} connections: deposits {deposits[0]:7.0f}/s {deposits[1]:6.1f} µs p50 {deposits[2]:.2f} ms   "
                      f"orders {orders[0]:7.0f}/s {orders[1]:6.1f} µs p50 {orders[2]:.2f} ms   time × {times[-1]:.2f} "
                      f"processor × {processors[-1]:.2f}", flush=True)
            deadline = time.monotonic() + 30
            while pushes.value < pushed and time.monotonic() < deadline:
                time.sleep(0.1)
            print(f"single, {connections} connections: time × {statistics.median(times):.2f}, processor × "
                  f"{statistics.median(processors):.2f} (goal 1.5), {pushes.value} of {pushed} fills pushed", flush=True)
        finally:
            ends.set()
            process.join()
            server.stop()


def measure_batches(program, folder, rounds):
    connections = 8
    # An account may have 500 orders of an instrument open.
    for words, order, count in (("market orders that fill", market_order, 100),
                                ("limit orders that rest", resting_order, 25)):
        rates, processors = [], []
        for number in range(rounds):
            server = start(program, f"{folder}/batches-{order.__name__}-{number}", connections)
            batches = [[order_request(account, "/api/v5/trade/batch-orders", [order(20 * n + k) for k in range(20)])
                        for n in range(count)] for account in range(connections)]
            rate, processor, _ = timed(server, batches)
            server.stop()
            rates.append(20 * rate)
            processors.append(processor / 20)
            print(f"  {words}: {rates[-1]:.0f} orders/s, {processors[-1]:.1f} µs of processor an order", flush=True)
        print(f"batches of 20, {words}: median {statistics.median(rates):.0f} orders/s (goal 20,000), "
              f"{statistics.median(processors):.1f} µs of processor an order", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("what", nargs="*", default=["single", "batches"])
    options = parser.parse_args()
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    with tempfile.TemporaryDirectory(prefix="marginalia-measure-") as folder:
        if "single" in options.what:
            measure_single(options.program, folder, options.rounds)
        if "batches" in options.what:
            measure_batches(options.program, folder, options.rounds)


if __name__ == "__main__":
    main()
