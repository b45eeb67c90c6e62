#!/usr/bin/env python3
"""Measures the whole program beside a peer, in one run, and prints ratios.

    python3 Benchmarks/program/measure.py --program .build/release/marginalia [balance] [fills] [start]

balance  a signed OKX multi-currency balance of an account with 20 currencies, 10 positions and 10 orders, worked out
         anew for every request while prices tick, beside nginx serving the same bytes from a file. wrk makes the load.
fills    durable fills through POST /admin/v1/commands as NDJSON, beside SQLite alone (WAL, synchronous FULL) taking
         rows of the same size in groups of 1,000.
start    start-up with 100,000 accounts and 1,000,000 events, and memory per idle account.

Needs nginx and wrk (Debian: nginx-light, wrk) for `balance`. Everything is on 127.0.0.1 and stops by itself.
"""

import argparse
import base64
import datetime
import hashlib
import hmac
import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time

TOKEN = "benchmark-admin-token"
COINS = ("BTC ETH SOL XRP DOGE ADA BNB LTC LINK AVAX DOT TRX BCH UNI ETC FIL ATOM APT ARB USDT").split()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One `marginalia serve` process."""

    def __init__(self, program, store, *options):
        self.port = free_port()
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            [program, "serve", "--listen", f"127.0.0.1:{self.port}", "--store", store, "--admin-token", TOKEN,
             "--rate-limits", "off", "--log-level", "error", *options],
            stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if "ready" not in line:
            raise SystemExit(f"the server did not start: {line!r}")
        self.seconds_to_ready = time.monotonic() - self.begun

    def call(self, method, path, body=None, content_type="application/json"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": content_type}
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        data = response.read()
        connection.close()
        if response.status >= 300:
            raise SystemExit(f"{method} {path} answered {response.status}: {data[:400]!r}")
        return data

    def commands(self, commands):
        answer = json.loads(self.call("POST", "/admin/v1/commands?atomic=true", json.dumps(commands)))
        return answer["results"]

    def resident_kilobytes(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))

    def processor_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


# ---------------------------------------------------------------------------- balance


def balance_account(server):
    index = {coin: str(round(60000 / (place + 1) ** 2, 4)) for place, coin in enumerate(COINS)}
    index["USDT"] = "1.0001"
    marks = {f"{coin}-USDT-SWAP": index[coin] for coin in COINS[:10]}
    commands = [
        {"type": "open_account", "account": "load", "venue": "okx", "settings": {"mode": "multi"}},
        {"type": "prices", "venue": "okx", "marks": marks, "index": index},
    ]
    for place, coin in enumerate(COINS):
        amount = f"{(place + 1) * 1000}.{place}1234567" if coin == "USDT" else f"{place + 1}.{place}7654321"
        commands.append({"type": "deposit", "account": "load", "asset": coin, "amount": amount})
    for place, coin in enumerate(COINS[:10]):
        commands.append({"type": "import_position", "account": "load", "instrument": f"{coin}-USDT-SWAP",
                         "quantity": str((place + 1) * (1 if place % 2 else -1)), "entry_price": index[coin]})
        commands.append({"type": "place_order", "account": "load", "order_id": f"o{place}", "force": True,
                         "instrument": f"{coin}-USDT-SWAP", "side": "buy", "quantity": str(place + 1),
                         "price": index[coin]})
    server.commands(commands)
    key = {"permissions": ["read"], "api_key": "load-key", "secret": "load-secret", "passphrase": "load-phrase"}
    server.call("POST", "/admin/v1/accounts/load/keys", json.dumps(key))
    return marks, index


def signed_headers(path):
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
    digest = hmac.new(b"load-secret", (stamp + "GET" + path).encode(), hashlib.sha256).digest()
    return {"OK-ACCESS-KEY": "load-key", "OK-ACCESS-SIGN": base64.b64encode(digest).decode(),
            "OK-ACCESS-TIMESTAMP": stamp, "OK-ACCESS-PASSPHRASE": "load-phrase"}


def wrk(url, headers, seconds):
    command = ["wrk", "-t1", "-c32", f"-d{seconds}s", "--latency"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    output = subprocess.run(command + [url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output:
        raise SystemExit(output)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))
    p99 = re.search(r"99%\s+(\S+)", output).group(1)
    return rate, p99


class Ticker(threading.Thread):
    """Ten price ticks a second until told to stop."""

    def __init__(self, server, marks, index):
        super().__init__(daemon=True)
        self.server, self.marks, self.index = server, marks, index
        self.ticks, self.ends = 0, threading.Event()

    def run(self):
        while not self.ends.wait(0.1):
            self.ticks += 1
            marks = {name: f"{float(price) * (1 + self.ticks % 7 / 1000):.4f}" for name, price in self.marks.items()}
            self.server.commands([{"type": "prices", "venue": "okx", "marks": marks, "index": self.index}])


def start_nginx(folder, body):
    port = free_port()
    os.makedirs(f"{folder}/www", exist_ok=True)
    with open(f"{folder}/www/balance", "wb") as file:
        file.write(body)
    configuration = f"""
        daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log;
        events {{ worker_connections 512; }}
        http {{ access_log off; sendfile on; keepalive_requests 1000000000; default_type application/json;
          client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
          uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
          server {{ listen 127.0.0.1:{port}; root {folder}/www; }} }}"""
    with open(f"{folder}/nginx.conf", "w") as file:
        file.write(configuration)
    os.chmod(folder, 0o755)
    process = subprocess.Popen(["nginx", "-c", f"{folder}/nginx.conf"], stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    return process, port


def measure_balance(program, folder, rounds, seconds):
    path = "/api/v5/account/balance"
    server = Server(program, f"sqlite:{folder}/balance/ledger.db")
    marks, index = balance_account(server)
    body = server.call("GET", "/admin/v1/accounts/load/statement")
    nginx, nginx_port = start_nginx(folder, body)
    ticker = Ticker(server, marks, index)
    ticker.start()
    ratios, rates, peers = [], [], []
    try:
        for _ in range(rounds):
            peer, peer_p99 = wrk(f"http://127.0.0.1:{nginx_port}/balance", {}, seconds)
            rate, p99 = wrk(f"http://127.0.0.1:{server.port}{path}", signed_headers(path), seconds)
            ratios.append(rate / peer)
            rates.append(rate)
            peers.append(peer)
            print(f"  nginx {peer:9.0f}/s (p99 {peer_p99})   marginalia {rate:9.0f}/s (p99 {p99})   "
                  f"ratio {rate / peer:.3f}", flush=True)
    finally:
        ticker.ends.set()
        ticker.join()
        nginx.send_signal(signal.SIGTERM)
        nginx.wait(10)
        server.stop()
    print(f"balance: body {len(body)} bytes, median {statistics.median(rates):.0f}/s beside nginx "
          f"{statistics.median(peers):.0f}/s, ratio {statistics.median(ratios):.3f} "
          f"(goal 0.35), {ticker.ticks} price ticks meanwhile")


# ---------------------------------------------------------------------------- fills


def fill_lines(count, accounts, with_ids):
    for number in range(count):
        name = f',"id":"fill-{number}"' if with_ids else ""
        side = "sell" if number // accounts % 3 == 2 else "buy"
        yield (f'{{"type":"fill","account":"desk-{number % accounts}","instrument":"{COINS[number // 7 % 10]}'
               f'-USDT-SWAP","side":"{side}","quantity":"{1 + number % 7}","price":"{590 + number % 97}.5",'
               f'"fee":"0.{number % 97}"{name}}}')


def open_accounts(server, count, deposit):
    lines = []
    for number in range(count):
        lines.append(f'{{"type":"open_account","account":"desk-{number}","venue":"okx"}}')
        if deposit:
            lines.append(f'{{"type":"deposit","account":"desk-{number}","asset":"USDT","amount":"100000"}}')
        if len(lines) >= 20_000:
            post_lines(server, lines)
            lines = []
    post_lines(server, lines)


def post_lines(server, lines):
    if not lines:
        return
    answer = server.call("POST", "/admin/v1/commands", "\n".join(lines), "application/x-ndjson")
    if b'"rejected"' in answer:
        raise SystemExit(f"rejected: {answer[answer.index(b'rejected') - 200:][:500]!r}")


def post_in_parallel(server, lines, chunk, senders):
    chunks = [lines[place:place + chunk] for place in range(0, len(lines), chunk)]
    places = iter(range(len(chunks)))
    lock = threading.Lock()

    def send():
        while True:
            with lock:
                place = next(places, None)
            if place is None:
                return
            post_lines(server, chunks[place])

    threads = [threading.Thread(target=send) for _ in range(senders)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - begun


def sqlite_alone(folder, rows):
    """Rows/s of SQLite by itself: WAL, synchronous FULL, groups of 1,000, rows of about a fill's size."""
    connection = sqlite3.connect(f"{folder}/alone.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE events(sequence INTEGER PRIMARY KEY, at INTEGER, account TEXT, type TEXT, body TEXT)")
    body = "x" * 120
    begun = time.monotonic()
    for start in range(0, rows, 1000):
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO events VALUES(?,?,?,?,?)",
                               [(start + number, 1780272000000, "desk-1", "filled", body) for number in range(1000)])
        connection.execute("COMMIT")
    rate = rows / (time.monotonic() - begun)
    connection.close()
    os.remove(f"{folder}/alone.db")
    return rate


def measure_fills(program, folder, rounds):
    fills, accounts = 200_000, 1_000
    for with_ids in (False, True):
        words = "with an idempotency id each" if with_ids else "without ids"
        lines = list(fill_lines(fills, accounts, with_ids))
        ratios, rates = [], []
        for number in range(rounds):
            server = Server(program, f"sqlite:{folder}/fills-{number}/ledger.db")
            open_accounts(server, accounts, deposit=True)
            alone = sqlite_alone(folder, fills)
            before = server.processor_seconds()
            rate = fills / post_in_parallel(server, lines, 10_000, 4)
            busy = server.processor_seconds() - before
            server.stop()
            shutil.rmtree(f"{folder}/fills-{number}")
            rates.append(rate)
            ratios.append(rate / alone)
            print(f"  SQLite alone {alone:9.0f} rows/s   durable fills {rate:9.0f}/s   ratio {rate / alone:.3f}   "
                  f"processor {busy / fills * 1e6:.1f} µs a fill", flush=True)
        print(f"fills {words}: median {statistics.median(rates):.0f}/s (goal 100,000), ratio to SQLite alone "
              f"{statistics.median(ratios):.3f}")


# ---------------------------------------------------------------------------- start


def measure_start(program, folder, rounds):
    accounts, events = 100_000, 1_000_000
    store = f"sqlite:{folder}/start/ledger.db"
    empty = Server(program, f"sqlite:{folder}/empty/ledger.db")
    empty_memory = empty.resident_kilobytes()
    empty.stop()
    server = Server(program, store)
    open_accounts(server, accounts, deposit=True)
    lines = list(fill_lines(events - 2 * accounts, accounts, True))
    for start in range(0, len(lines), 100_000):
        post_in_parallel(server, lines[start:start + 100_000], 10_000, 2)
    server.stop()
    seconds = []
    for _ in range(rounds):
        server = Server(program, store)
        seconds.append(server.seconds_to_ready)
        memory = server.resident_kilobytes()
        server.stop()
        print(f"  ready after {seconds[-1]:.2f} s, resident {memory / 1024:.0f} MB", flush=True)
    print(f"start with fills: median {statistics.median(seconds):.2f} s with {accounts:,} accounts and {events:,} "
          f"events (goal 5 s)")
    idle = f"sqlite:{folder}/idle/ledger.db"
    server = Server(program, idle)
    open_accounts(server, accounts, deposit=True)
    server.stop()
    server = Server(program, idle)
    memory = server.resident_kilobytes()
    server.stop()
    print(f"memory: {(memory - empty_memory) * 1024 / accounts:.0f} bytes an idle account "
          f"({memory / 1024:.0f} MB resident with {accounts:,}, {empty_memory / 1024:.0f} MB with none; goal 2,048)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("what", nargs="*", default=["balance", "fills", "start"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="marginalia-measure-") as folder:
        if "balance" in options.what:
            measure_balance(options.program, folder, options.rounds, options.seconds)
        if "fills" in options.what:
            measure_fills(options.program, folder, options.rounds)
        if "start" in options.what:
            measure_start(options.program, folder, options.rounds)


if __name__ == "__main__":
    sys.exit(main())
