#!/usr/bin/env python3
"""Times reading an OKX balance of 200 currencies beside CCXT's parse of the same bytes, in one run.

    cd Benchmarks && swift build -c release --product ReadingBenchmark && cd ..
    .venv/bin/python Benchmarks/program/reading.py --program Benchmarks/.build/release/ReadingBenchmark

Both begin with the bytes of the answer. Marginalia makes a statement of it: eleven exact figures of every currency, each
with its state, its path and its unit, and every field held against those that the venue is known to send. CCXT
(`parse_json`, then `parse_trading_balance`) makes free, used and total of every currency, in floats. Rounds alternate
between the two, so that a busy machine slows both.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

import ccxt

CURRENCIES = 200
ACCOUNT_TEXTS = """adjEq availEq borrowFroz imr isoEq mgnRatio mmr notionalUsd notionalUsdForBorrow
    notionalUsdForFutures notionalUsdForOption notionalUsdForSwap ordFroz totalEq upl delta deltaLever""".split()
DETAIL_TEXTS = """availBal availEq borrowFroz cashBal crossLiab disEq eq eqUsd fixedBal frozenBal imr interest isoEq
    isoLiab isoUpl liab maxLoan mgnRatio mmr notionalLever ordFrozen rewardBal spotInUseAmt spotIsoBal stgyEq upl uplLiab
    clSpotInUseAmt maxSpotInUse accAvgPx openAvgPx smtSyncEq spotBal spotCopyTradingEq spotUpl spotUplRatio totalPnl
    totalPnlRatio""".split()


def balance_body(seed):
    """A balance in the venue's form, every figure filled with a number of its own."""
    chance = random.Random(seed)

    def number():
        return f"{chance.randrange(10**chance.randrange(1, 9))}.{chance.randrange(10**12):012d}"

    details = [
        {name: number() for name in DETAIL_TEXTS}
        | {"ccy": f"COIN{place}", "uTime": "1780272000000", "twap": "0", "frpType": "0", "colRes": "0",
           "autoLendStatus": "off", "autoLendMtAmt": "0", "autoStakingStatus": "off", "autoLendAmt": "0",
           "collateralEnabled": True, "collateralRestrict": False, "colBorrAutoConversion": "0"}
        for place in range(CURRENCIES)
    ]
    account = {name: number() for name in ACCOUNT_TEXTS} | {"uTime": "1780272000000", "deltaNeutralStatus": "0"}
    return json.dumps({"code": "0", "data": [account | {"details": details}], "msg": ""}, separators=(",", ":"))


class Reader:
    """The Swift side, started once and asked for one round after another."""

    def __init__(self, program, file):
        self.process = subprocess.Popen([program, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def microseconds(self, times):
        self.process.stdin.write(f"{times}\n")
        self.process.stdin.flush()
        nanoseconds, currencies = map(int, self.process.stdout.readline().split())
        if currencies != times * CURRENCIES:
            raise SystemExit(f"read {currencies} currencies in {times} bodies of {CURRENCIES}")
        return nanoseconds / times / 1000

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)


def ccxt_microseconds(exchange, text, times):
    begun = time.perf_counter_ns()
    for _ in range(times):
        balance = exchange.parse_trading_balance(exchange.parse_json(text))
    took = time.perf_counter_ns() - begun
    if len(balance["total"]) != CURRENCIES:
        raise SystemExit(f"CCXT read {len(balance['total'])} currencies of {CURRENCIES}")
    return took / times / 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--times", type=int, default=100, help="bodies in each half of a round")
    options = parser.parse_args()
    text = balance_body(seed=1)
    exchange = ccxt.okx()
    rounds = []
    with tempfile.TemporaryDirectory(prefix="marginalia-reading-") as folder:
        file = os.path.join(folder, "balance.json")
        with open(file, "w") as body:
            body.write(text)
        reader = Reader(options.program, file)
        try:
            # The first reading of either fills caches and is not counted.
            reader.microseconds(1)
            ccxt_microseconds(exchange, text, 1)
            for _ in range(options.rounds):
                own = reader.microseconds(options.times)
                peer = ccxt_microseconds(exchange, text, options.times)
                rounds.append((own, peer, peer / own))
        finally:
            reader.stop()
    print(f"OKX balance, {CURRENCIES} currencies, {len(text):,} bytes; {options.rounds} rounds of {options.times} bodies; "
          f"CCXT {ccxt.__version__}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'':8}{'marginalia µs':>16}{'CCXT µs':>12}{'CCXT ÷ marginalia':>20}")
    for name, choose in (("min", min), ("median", statistics.median), ("max", max)):
        own, peer, ratio = (choose(column) for column in zip(*rounds))
        print(f"{name:8}{own:16.0f}{peer:12.0f}{ratio:20.2f}")


if __name__ == "__main__":
    sys.exit(main())
