#!/usr/bin/env python3
"""Processor time per signed balance of two or more programs, in turns, over one connection.

    python3 Benchmarks/program/balances.py [--rounds 7] [--requests 2000] BEFORE AFTER

okx         the account of `measure.py balance`: 20 currencies, 10 positions, 10 orders
binance     multi-assets mode: 5 assets with cash, 5 positions, 10 orders; GET /fapi/v3/account
crypto-com  4 coins, 5 positions, 10 orders; private/user-balance

For what a change of the figures costs or saves: the median of each program, and of the later ones beside the first.
"""

import argparse
import hashlib
import hmac
import http.client
import json
import statistics
import time

from measure import Server, balance_account, signed_headers

PRICES = {"BTC": "60000", "ETH": "3000", "SOL": "150", "XRP": "2", "DOGE": "0.2"}
CASH = {"binance": ("USDT", "USDC", "BTC", "ETH", "BNB"), "crypto-com": ("USD", "BTC", "ETH", "CRO")}
INDEX = {"USDT": "1", "USDC": "1", "BTC": "60000", "ETH": "3000", "BNB": "600", "CRO": "0.1"}


def busy_account(server, venue, name):
    instrument = name.format
    commands = [
        {"type": "open_account", "account": venue, "venue": venue,
         "settings": {"multi_assets": True} if venue == "binance" else {}},
        {"type": "prices", "venue": venue, "marks": {instrument(coin): price for coin, price in PRICES.items()},
         "index": {asset: INDEX[asset] for asset in CASH[venue] if asset in INDEX}},
    ]
    commands += [{"type": "deposit", "account": venue, "asset": asset, "amount": "1000"} for asset in CASH[venue]]
    for coin, price in PRICES.items():
        commands.append({"type": "fill", "account": venue, "instrument": instrument(coin), "side": "buy",
                         "quantity": "10", "price": price})
        commands += [{"type": "place_order", "account": venue, "order_id": f"{venue}-{coin}-{side}",
                      "instrument": instrument(coin), "side": side, "quantity": "1", "price": price, "force": True}
                     for side in ("buy", "sell")]
    server.commands(commands)
    key = {"permissions": ["read"], "api_key": "load-key-" + venue, "secret": "load-secret"}
    server.call("POST", f"/admin/v1/accounts/{venue}/keys", json.dumps(key))


def sign(text):
    return hmac.new(b"load-secret", text.encode(), hashlib.sha256).hexdigest()


def okx():
    path = "/api/v5/account/balance"
    return "GET", path, None, signed_headers(path)


def binance():
    query = f"recvWindow=60000&timestamp={int(time.time() * 1000)}"
    return ("GET", f"/fapi/v3/account?{query}&signature={sign(query)}", None,
            {"X-MBX-APIKEY": "load-key-binance"})


def crypto_com():
    nonce, method, key = int(time.time() * 1000), "private/user-balance", "load-key-crypto-com"
    body = {"id": 1, "method": method, "api_key": key, "params": {}, "nonce": nonce,
            "sig": sign(f"{method}1{key}{nonce}")}
    return "POST", f"/exchange/v1/{method}", json.dumps(body), {"Content-Type": "application/json"}


def processor_time(server, request, count):
    """Microseconds of the server's processor time a request; what is sent is signed anew every five seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)

    def ask(times):
        signed = 0
        for _ in range(times):
            if time.monotonic() - signed > 5:
                parts, signed = request(), time.monotonic()
            connection.request(*parts)
            response = connection.getresponse()
            data = response.read()
            if response.status != 200:
                raise SystemExit(f"{parts[1]} answered {response.status}: {data[:300]!r}")

    ask(300)
    before = server.processor_seconds()
    ask(count)
    connection.close()
    return (server.processor_seconds() - before) / count * 1e6


def one_round(program, count):
    server = Server(program, "memory:")
    try:
        balance_account(server)
        busy_account(server, "binance", "{}USDT")
        busy_account(server, "crypto-com", "{}USD-PERP")
        return {request.__name__: processor_time(server, request, count) for request in (okx, binance, crypto_com)}
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("programs", nargs="+", metavar="program")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=2000)
    options = parser.parse_args()
    figures = {}
    for turn in range(options.rounds):
        for program in options.programs[::1 if turn % 2 else -1]:
            for name, figure in one_round(program, options.requests).items():
                figures.setdefault(name, {}).setdefault(program, []).append(figure)
    for name, of_programs in figures.items():
        first = statistics.median(of_programs[options.programs[0]])
        for program in options.programs:
            median = statistics.median(of_programs[program])
            print(f"{name:11} {median:6.1f} µs  × {median / first:.2f}  {program}")


if __name__ == "__main__":
    main()
