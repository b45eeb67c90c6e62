#!/usr/bin/env python3
"""Measures WebSocket streams: many connections held while prices tick and accounts change.

    python3 Benchmarks/program/streams.py --program .build/release/marginalia

Opens `--connections` user data streams of Binance on `--accounts` accounts that each hold a position, so that
every connection follows its account and the prices. Then, for `--seconds`, `--ticks` price commands and changes of
`--changes` accounts a second, and one connection whose client never reads. Prints:

memory    what a connection takes, from the resident memory before and after all of them stand
latency   from sending a command to having read the frame that tells it, p50, p99 and the most, over all connections
drop      when the connection that does not read was dropped; the others must have missed nothing
server    its processor time a second, and how many price commands and changes a second it really took

Everything is on 127.0.0.1 and stops by itself. Clients are processes of this program; they share the machine's cores
with the server, so a latency is the whole machine's. Needs a limit of open files above the connections.
"""

import argparse
import base64
import http.client
import json
import multiprocessing
import os
import re
import resource
import select
import socket
import sys
import time

from measure import TOKEN, Server

MARK = re.compile(rb'"a":"USDT","wb":"(\d+)\.')
FIRST_BALANCE = 1_000_000


def connect(port, path, buffer=None):
    """A WebSocket, its handshake done."""
    client = socket.socket()
    if buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    client.settimeout(60)
    client.connect(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    client.sendall((f"GET {path} HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
    head = b""
    while b"\r\n\r\n" not in head:
        more = client.recv(4096)
        if not more:
            raise SystemExit(f"no handshake: {head!r}")
        head += more
    if not head.startswith(b"HTTP/1.1 101"):
        raise SystemExit(f"no handshake: {head!r}")
    return client


def read_streams(port, paths, orders, results):
    """A client process: holds its connections and notes when it has read which change."""
    sockets, accounts, rest = {}, {}, {}
    poll = select.epoll()
    for account, path in paths:
        client = connect(port, path)
        client.setblocking(False)
        sockets[client.fileno()] = client
        accounts[client.fileno()] = account
        rest[client.fileno()] = b""
        poll.register(client, select.EPOLLIN)
    results.put("ready")
    told, ended, messages = [], 0, 0
    while not orders.is_set():
        for number, _ in poll.poll(0.2):
            try:
                data = sockets[number].recv(1 << 18)
            except BlockingIOError:
                continue
            now = time.monotonic()
            if not data:
                poll.unregister(number)
                ended += 1
                continue
            data = rest[number] + data
            place = 0
            while len(data) - place >= 2:
                opcode, count, start = data[place] & 15, data[place + 1], place + 2
                if count == 126:
                    count, start = int.from_bytes(data[start:start + 2], "big"), start + 2
                elif count == 127:
                    count, start = int.from_bytes(data[start:start + 8], "big"), start + 8
                if len(data) < start + count:
                    break
                payload = data[start:start + count]
                place = start + count
                messages += 1
                if opcode == 9:
                    sockets[number].send(b"\x8a" + bytes([0x80 | count]) + bytes(4) + payload)
                elif found := MARK.search(payload):
                    told.append((accounts[number], int(found[1]), now))
            rest[number] = data[place:]
    results.put((told, ended, messages))


def send_commands(port, arguments, accounts, sent):
    """A client process: prices and changes at their rates, each batch on its own time."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    balances = dict.fromkeys(accounts, FIRST_BALANCE)
    times, ticks, turn = {}, 0, 0
    batches = 50
    begun = time.monotonic()
    for number in range(arguments.seconds * batches):
        wait = begun + number / batches - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        # Every batch has its share of both, so that the rates hold within a second too.
        done = [arguments.ticks * number // batches, arguments.changes * number // batches]
        due = [arguments.ticks * (number + 1) // batches, arguments.changes * (number + 1) // batches]
        commands = []
        for tick in range(done[0], due[0]):
            commands.append({"type": "prices", "venue": "binance", "marks": {"BTCUSDT": f"60000.{tick % 1000:03d}"}})
        changed = []
        for _ in range(done[1], due[1]):
            account = accounts[turn % len(accounts)]
            turn += 1
            changed.append(account)
        # The account that nobody reads changes with every batch, so that its connection fills.
        for account in changed + ["unread"] * arguments.unread:
            commands.append({"type": "deposit", "account": account, "asset": "USDT", "amount": "1"})
        now = time.monotonic()
        for account in changed:
            balances[account] += 1
            times[account, balances[account]] = now
        connection.request("POST", "/admin/v1/commands", json.dumps(commands), headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200 or b'"rejected"' in body:
            raise SystemExit(f"commands were refused: {body[:300]!r}")
        ticks += due[0] - done[0]
    sent.put((times, ticks, time.monotonic() - begun))


def prepare(server, count):
    """Opens the accounts, each with a position and a key, and gives a listen key for each."""
    names = [f"a{number}" for number in range(count)] + ["unread"]
    server.commands([{"type": "prices", "venue": "binance", "marks": {"BTCUSDT": "60000"}, "index": {"USDT": "1"}}])
    keys = {}
    for name in names:
        server.commands([
            {"type": "open_account", "account": name, "venue": "binance"},
            {"type": "deposit", "account": name, "asset": "USDT", "amount": str(FIRST_BALANCE)},
            {"type": "import_position", "account": name, "instrument": "BTCUSDT", "quantity": "1",
             "entry_price": "59000"}])
        key = {"permissions": ["read"], "api_key": f"key-{name}", "secret": "benchmark-secret"}
        server.call("POST", f"/admin/v1/accounts/{name}/keys", json.dumps(key))
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("POST", "/fapi/v1/listenKey", headers={"X-MBX-APIKEY": f"key-{name}"})
        keys[name] = json.loads(connection.getresponse().read())["listenKey"]
        connection.close()
    return keys


def metric(server, name):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return int(re.search(rf'^marginalia_stream_{name}{{venue="binance"}} (\d+)$', text, re.MULTILINE)[1])


def settled(server):
    """The resident memory once it has stopped growing."""
    last = 0
    for _ in range(20):
        time.sleep(0.5)
        found = server.resident_kilobytes()
        if abs(found - last) < 64:
            break
        last = found
    return found


def measure(server, arguments):
    keys = prepare(server, arguments.accounts)
    names = list(keys)[:-1]
    before = settled(server)
    paths = [(names[number % len(names)], f"/ws/{keys[names[number % len(names)]]}")
             for number in range(arguments.connections)]
    context = multiprocessing.get_context("fork")
    orders, results, sent = context.Event(), context.Queue(), context.Queue()
    clients = [context.Process(target=read_streams, args=(server.port, paths[place::arguments.clients], orders, results))
               for place in range(arguments.clients)]
    begun = time.monotonic()
    for client in clients:
        client.start()
    for _ in clients:
        results.get(timeout=300)
    print(f"{arguments.connections} connections stand after {time.monotonic() - begun:.1f} s")
    idle = settled(server)
    print(f"memory: {(idle - before) * 1024 / arguments.connections:,.0f} bytes a connection "
          f"({before // 1024} MB before, {idle // 1024} MB after)")
    stopped = connect(server.port, f"/ws/{keys['unread']}", buffer=4096)
    used, begun = server.processor_seconds(), time.monotonic()
    sender = context.Process(target=send_commands, args=(server.port, arguments, names, sent))
    sender.start()
    dropped = None
    while sender.is_alive() and sent.empty():
        time.sleep(0.25)
        if dropped is None and metric(server, "slow_readers_total"):
            dropped = time.monotonic() - begun
    times, ticks, elapsed = sent.get(timeout=60)
    used = server.processor_seconds() - used
    time.sleep(arguments.settle)
    orders.set()
    reports = [results.get(timeout=60) for _ in clients]
    for process in clients + [sender]:
        process.join(60)
    stopped.close()
    report(arguments, reports, times, ticks, elapsed, used, dropped)
    print(f"memory at the end: {server.resident_kilobytes() // 1024} MB")


def report(arguments, reports, times, ticks, elapsed, used, dropped):
    told = [entry for entries, _, _ in reports for entry in entries]
    latencies = sorted((now - times[account, mark]) * 1000 for account, mark, now in told if (account, mark) in times)
    followers = {}
    names = sorted({account for account, _ in times}, key=lambda name: int(name[1:]))
    for number in range(arguments.connections):
        name = f"a{number % arguments.accounts}"
        followers[name] = followers.get(name, 0) + 1
    wanted = sum(followers.get(account, 0) for account, _ in times)
    print(f"sent: {ticks / elapsed:,.0f} price commands/s and {len(times) / elapsed:,.0f} changes/s of "
          f"{len(names)} accounts over {elapsed:.1f} s")
    print(f"pushes: {len(latencies):,} of {wanted:,} ({len(latencies) / elapsed:,.0f}/s); "
          f"{sum(ended for _, ended, _ in reports)} connections ended, "
          f"{sum(messages for _, _, messages in reports):,} frames in all")
    if latencies:
        middle, high = latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)]
        print(f"latency: p50 {middle:.2f} ms, p99 {high:.2f} ms, most {latencies[-1]:.2f} ms")
    print(f"drop: the reader that stopped was dropped after {dropped:.1f} s" if dropped is not None
          else "drop: the reader that stopped was NOT dropped; run for longer")
    print(f"server: {used / elapsed:.2f} processors")
    if len(latencies) != wanted:
        print("FAILED: pushes are missing", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--connections", type=int, default=5_000)
    parser.add_argument("--accounts", type=int, default=1_000)
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--ticks", type=int, default=1_000, help="price commands a second")
    parser.add_argument("--changes", type=int, default=100, help="accounts changed a second")
    parser.add_argument("--unread", type=int, default=4, help="changes of the unread account, fifty times a second")
    parser.add_argument("--clients", type=int, default=2, help="client processes")
    parser.add_argument("--settle", type=float, default=3, help="seconds to wait for the last frames")
    arguments = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    server = Server(arguments.program, "memory:")
    try:
        measure(server, arguments)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
