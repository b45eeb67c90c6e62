#!/usr/bin/env python3
"""Measures what slow reads of the past do to everybody else.

    python3 Benchmarks/program/slow_reads.py --program .build/release/marginalia [past] [accounts]

past      16 readers ask without a pause for statements of an account with 500,000 events as of random times, while
          `/healthz` and single commands to another account are timed, one of each every 20 ms. First without readers,
          then with them; the server is started anew before, so that nothing of the past is remembered at first.
accounts  the list of 30,000 accounts as of a time at which half of today's events had not happened yet.

Everything is on 127.0.0.1 and stops by itself. Readers and stopwatch are processes of their own on the same processors.
"""

import argparse
import http.client
import json
import multiprocessing
import random
import statistics
import tempfile
import time

from measure import TOKEN, Server, post_in_parallel

START = 1_780_272_000_000
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}


def ask(connection, method, path, body=None):
    connection.request(method, path, body=body, headers=HEADERS)
    answer = connection.getresponse()
    return answer.status, answer.read()


def read_past(port, events, seed, ends, reads):
    """Reads statements as of random times until told to end."""
    chances = random.Random(seed)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    while not ends.is_set():
        time_of = START + 1_000 * chances.randrange(events)
        status, body = ask(connection, "GET", f"/admin/v1/accounts/busy/statement?as_of={time_of}")
        if status != 200:
            raise SystemExit(f"a read answered {status}: {body[:200]!r}")
        with reads.get_lock():
            reads.value += 1


def watch(port, seconds, results):
    """Times one /healthz and one command every 20 ms."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    deposit = json.dumps([{"type": "deposit", "account": "calm", "asset": "USDT", "amount": "1"}])
    times = {"/healthz": [], "a command": []}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, call in (("/healthz", ("GET", "/healthz")),
                           ("a command", ("POST", "/admin/v1/commands", deposit))):
            begun = time.perf_counter()
            status, _ = ask(connection, *call)
            times[name].append(time.perf_counter() - begun)
            assert status == 200, status
            time.sleep(0.01)
    results.put(times)


def report(title, times):
    for name, all_times in times.items():
        ordered = sorted(1000 * value for value in all_times)
        p99 = ordered[int(len(ordered) * 0.99)]
        print(f"  {title}, {name}: p50 {statistics.median(ordered):.1f} ms, p99 {p99:.1f} ms, most "
              f"{ordered[-1]:.1f} ms ({len(ordered)} times)", flush=True)


def watched(port, seconds):
    results = multiprocessing.Queue()
    process = multiprocessing.Process(target=watch, args=(port, seconds, results))
    process.start()
    times = results.get()
    process.join()
    return times


def measure_past(program, folder, events, readers, seconds):
    store = f"sqlite:{folder}/past/ledger.db"
    options = ("--ledger-time", str(START + 1_000 * events + 1_000))
    server = Server(program, store, *options)
    server.commands([
        {"type": "open_account", "account": "busy", "venue": "okx", "at": START},
        {"type": "open_account", "account": "calm", "venue": "okx", "at": START},
        {"type": "prices", "venue": "okx", "marks": {"BTC-USDT-SWAP": "60000"},
         "index": {"BTC": "60000", "USDT": "1"}, "at": START},
    ])
    lines = [
        f'{{"type":"fill","account":"busy","instrument":"BTC-USDT-SWAP","side":"{"sell" if n % 3 == 2 else "buy"}",'
        f'"quantity":"{1 + n % 7}","price":"{59000 + n % 997}.5","fee":"0.{n % 97}","at":{START + 1_000 * n}}}'
        for n in range(events)]
    post_in_parallel(server, lines, 10_000, 1)
    server.stop()
    server = Server(program, store, *options)
    try:
        report("alone", watched(server.port, seconds))
        ends, reads = multiprocessing.Event(), multiprocessing.Value("q", 0)
        crowd = [multiprocessing.Process(target=read_past, args=(server.port, events, seed, ends, reads))
                 for seed in range(readers)]
        for reader in crowd:
            reader.start()
        begun = time.monotonic()
        for part in range(3):
            report(f"{readers} readers, part {part + 1}", watched(server.port, seconds))
            print(f"  {reads.value} reads after {time.monotonic() - begun:.0f} s", flush=True)
        ends.set()
        for reader in crowd:
            reader.join()
    finally:
        server.stop()


def measure_accounts(program, folder, accounts):
    store = f"sqlite:{folder}/accounts/ledger.db"
    server = Server(program, store, "--ledger-time", str(START + 10_000))
    for at, kind in ((START, "open_account"), (START + 1_000, "deposit"), (START + 5_000, "deposit")):
        rest = '"venue":"okx"' if kind == "open_account" else '"asset":"USDT","amount":"1"'
        lines = [f'{{"type":"{kind}","account":"desk-{n}",{rest},"at":{at}}}' for n in range(accounts)]
        post_in_parallel(server, lines, 10_000, 1)
    try:
        for query in ("", f"?as_of={START + 2_000}"):
            begun = time.perf_counter()
            found = len(json.loads(server.call("GET", f"/admin/v1/accounts{query}"))["accounts"])
            print(f"  {found} accounts{' as of a time' if query else ''}: {time.perf_counter() - begun:.2f} s", flush=True)
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--readers", type=int, default=16)
    parser.add_argument("--accounts", type=int, default=30_000)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("what", nargs="*", default=["past", "accounts"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="marginalia-measure-") as folder:
        if "past" in options.what:
            measure_past(options.program, folder, options.events, options.readers, options.seconds)
        if "accounts" in options.what:
            measure_accounts(options.program, folder, options.accounts)


if __name__ == "__main__":
    main()
