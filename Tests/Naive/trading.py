#!/usr/bin/env python3
"""Plays generated trading days into a running `marginalia serve` by the venue's own order calls and into the
naive ledger, and compares open orders after every step, and trades, positions and balances at the end.

    python3 Tests/Naive/trading.py --url http://127.0.0.1:8080 --token TOKEN --accounts 200 --seed 1

Binance USDⓈ-M Futures, one-way mode, cross. What an order comes to is worked out from `docs/trading.md`; what
that does to the account is the ledger's of `ledger.py`. The clock stands, as for `compare.py`.
"""

from __future__ import annotations

import argparse
import dataclasses
import http.client
import json
import pathlib
import random
import sys
import time
import typing
import urllib.parse
from fractions import Fraction

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import binance  # noqa: E402
from cases import Chance  # noqa: E402
from compare import Server, differences  # noqa: E402
from exact import ZERO, cut, number, plain  # noqa: E402
from neighbours import Client, digest  # noqa: E402

SYMBOLS = {"BTCUSDT": (Fraction(1, 10), 60000), "ETHUSDT": (Fraction(1, 100), 3000)}
STEP = Fraction(1, 1000)  # of quantities
FEES = {"maker": Fraction("0.0002"), "taker": Fraction("0.0005")}
STEPS = 24


@dataclasses.dataclass
class Working:
    """An order as its client sees it."""

    name: str
    symbol: str
    buys: bool
    total: Fraction
    price: Fraction
    reduce_only: bool
    validity: str
    done: Fraction = ZERO

    @property
    def left(self) -> Fraction:
        return self.total - self.done


class Exchange:
    """What orders and quotes come to, for one account."""

    def __init__(self, book: typing.Any, account: str):
        self.book, self.name = book, account
        self.account = book.accounts[account]
        self.quotes: dict[str, dict[str, Fraction]] = {}
        self.open: dict[str, Working] = {}
        self.trades: list[dict] = []
        # What the account has taken of the latest quote's sizes, and of what it says was traded.
        self.taken: dict[tuple[str, bool, bool], Fraction] = {}

    def left_of(self, symbol: str, buys: bool, maker: bool, size: Fraction) -> Fraction:
        return max(size - self.taken.get((symbol, buys, maker), ZERO), ZERO)

    def take(self, symbol: str, buys: bool, maker: bool, quantity: Fraction) -> None:
        key = symbol, buys, maker
        self.taken[key] = self.taken.get(key, ZERO) + quantity

    def at_once(self, order: Working) -> Fraction:
        """How much of an order that meets the market fills there."""
        quote = self.quotes[order.symbol]
        size = quote.get("ask_size" if order.buys else "bid_size")
        if size is None:
            return order.left
        return min(order.left, self.left_of(order.symbol, order.buys, False, size))

    def fill_at_once(self, order: Working, quantity: Fraction, best: Fraction) -> None:
        if ("ask_size" if order.buys else "bid_size") in self.quotes[order.symbol]:
            self.take(order.symbol, order.buys, False, quantity)
        self.fill(order, quantity, best, maker=False)

    def prevent_self_trade(self, order: Working, limit: Fraction, best: Fraction) -> None:
        """Ends own resting orders that a new one meets before it meets the market."""
        if order.validity in ("FOK", "GTX"):
            return
        for other in list(self.open.values()):
            if other.symbol != order.symbol or other.buys == order.buys:
                continue
            if other.price <= limit and other.price < best if order.buys else (
                    other.price >= limit and other.price > best):
                self.end(other)

    def held(self, symbol: str) -> Fraction:
        position = self.account.positions.get((symbol, None))
        return position.quantity if position else ZERO

    def reducible(self, order: Working) -> Fraction:
        """How much of a position an order of its side can close."""
        held = self.held(order.symbol)
        return abs(held) if held and (held < 0) == order.buys else ZERO

    def fill(self, order: Working, quantity: Fraction, price: Fraction, maker: bool) -> None:
        side = "buy" if order.buys else "sell"
        fee = cut(quantity * price * FEES["maker" if maker else "taker"], 8)
        before = self.account.market(order.symbol).pnl
        resting = {"order_id": order.name} if order.name in self.account.orders else {}
        self.book.apply({
            "type": "fill", "account": self.name, "instrument": order.symbol, "side": side,
            "quantity": plain(quantity), "price": plain(price), "fee": plain(fee)} | resting)
        order.done += quantity
        self.trades.append({
            "symbol": order.symbol, "side": side.upper(), "price": price, "qty": quantity,
            "commission": fee, "realizedPnl": self.account.market(order.symbol).pnl - before,
            "maker": maker, "buyer": order.buys})

    def place(self, order: Working) -> int:
        """The venue's code of a refusal, 0 where it is taken."""
        quote = self.quotes[order.symbol]
        market = order.validity == "MARKET"
        best = quote["ask" if order.buys else "bid"]
        meets = market or (order.price >= best if order.buys else order.price <= best)
        if order.reduce_only:
            if not self.reducible(order):
                return -2022
            order.total = min(order.total, self.reducible(order))
        if order.validity == "GTX" and meets:
            return -5022
        at_once = self.at_once(order) if meets else ZERO
        if order.validity == "FOK" and at_once < order.total:
            return -5021
        self.prevent_self_trade(order, best if market else order.price, best)
        if at_once:
            self.fill_at_once(order, at_once, best)
        if order.left and order.validity in ("GTC", "GTX"):
            self.rest(order)
        self.end_closing_orders(order.symbol)
        return 0

    def rest(self, order: Working) -> None:
        self.open[order.name] = order
        self.book.apply({
            "type": "place_order", "account": self.name, "order_id": order.name,
            "instrument": order.symbol, "side": "buy" if order.buys else "sell",
            "quantity": plain(order.left), "price": plain(order.price), "force": True}
            | ({"reduce_only": True} if order.reduce_only else {}))

    def end(self, order: Working) -> None:
        self.open.pop(order.name, None)
        self.account.orders.pop(order.name, None)

    def amend(self, order: Working, total: Fraction, price: Fraction) -> int:
        if (total, price) == (order.total, order.price):
            return -5027
        self.end(order)
        if total <= order.done:
            return 0
        order.total, order.price = total, price
        quote = self.quotes[order.symbol]
        best = quote["ask" if order.buys else "bid"]
        meets = price >= best if order.buys else price <= best
        if meets and order.validity == "GTX":
            return 0  # the amendment cancels it
        at_once = self.at_once(order) if meets else ZERO
        if at_once:
            self.fill_at_once(order, at_once, best)
        if order.left:
            self.rest(order)
        self.end_closing_orders(order.symbol)
        return 0

    def quote(self, symbol: str, quote: dict[str, Fraction]) -> None:
        """A new price reaches the resting orders, in the order of their placing; each fills at its own
        price."""
        self.quotes[symbol] = quote
        self.taken = {key: used for key, used in self.taken.items() if key[0] != symbol}
        for order in [order for order in self.open.values() if order.symbol == symbol]:
            best = quote["ask" if order.buys else "bid"]
            beyond = (quote["last"], best) if order.buys else (-quote["last"], -best)
            limit = order.price if order.buys else -order.price
            if order.name not in self.open or min(beyond) > limit:
                continue
            # Beyond its price it fills whole; at its price, no more than is said to have been traded.
            is_limited = "quantity" in quote and quote["last"] == order.price
            amount = order.left
            if is_limited:
                amount = min(amount, self.left_of(symbol, order.buys, True, quote["quantity"]))
            if order.reduce_only:
                amount = min(amount, self.reducible(order))
            if amount:
                if is_limited:
                    self.take(symbol, order.buys, True, amount)
                self.fill(order, amount, order.price, maker=True)
            if not order.left:
                self.end(order)
            self.end_closing_orders(symbol)

    def end_closing_orders(self, symbol: str) -> None:
        """Reduce-only orders that have nothing left to reduce."""
        for order in list(self.open.values()):
            if order.symbol == symbol and order.reduce_only and not self.reducible(order):
                self.end(order)


class Caller:
    """Signed order calls."""

    def __init__(self, server: Server, account: str):
        status, self.key = server.call(
            "POST", f"/accounts/{account}/keys", {"permissions": ["read", "trade"]})
        if status not in (200, 201):
            raise SystemExit(f"POST /accounts/{account}/keys answered {status}: {self.key}")
        self.connection = http.client.HTTPConnection(*server.address, timeout=120)

    def call(self, method: str, path: str, **parameters: str) -> typing.Any:
        query = urllib.parse.urlencode(parameters | {
            "recvWindow": "60000", "timestamp": str(time.time_ns() // 10 ** 6)})
        signature = digest(self.key["secret"], query).hex()
        self.connection.request(method, f"/fapi/v1/{path}?{query}&signature={signature}",
                                headers={"X-MBX-APIKEY": self.key["api_key"]})
        return json.loads(self.connection.getresponse().read(), parse_float=str)


class Day:
    """One account's trading day, played on both sides."""

    def __init__(self, server: Server, name: str, seed: str):
        self.server, self.name, self.chance = server, name, Chance(seed)
        self.log: list[str] = []
        self.found: list[tuple] = []
        self.count = 0
        self.book = binance.ledger()
        self.book.time = server.now()
        marks = {symbol: plain(self.round(symbol, middle)) for symbol, (_, middle) in SYMBOLS.items()}
        self.operator({"type": "open_account", "account": name, "venue": "binance"})
        self.operator({"type": "prices", "venue": "binance", "marks": marks,
                       "index": {rule: values["reference_index"]
                                 for rule, values in binance.RULES["assets"].items()}})
        self.operator({"type": "deposit", "account": name, "asset": "USDT", "amount": "10000000"})
        self.exchange = Exchange(self.book, name)
        self.caller = Caller(server, name)

    def round(self, symbol: str, value: float) -> Fraction:
        tick = SYMBOLS[symbol][0]
        return round(Fraction(value) / tick) * tick

    def near(self, symbol: str, spread: float) -> Fraction:
        return self.round(symbol, SYMBOLS[symbol][1] * (1 + self.chance.uniform(-spread, spread)))

    def size(self) -> Fraction:
        return self.chance.randint(40, 900) * STEP

    def operator(self, command: dict) -> None:
        [row] = self.server.apply([command])
        if row["status"] != "applied":
            raise SystemExit(f"{command}: {row}")
        if command["type"] != "quotes":
            self.book.apply(command)

    def differ(self, where: str, served: typing.Any, expected: typing.Any) -> None:
        if served != expected:
            self.found.append((where, served, expected))

    # Steps

    def new_quote(self, symbol: str) -> None:
        tick, chance = SYMBOLS[symbol][0], self.chance
        bid = self.near(symbol, 0.01)
        quote = {"bid": bid, "ask": bid + tick * chance.choice((1, 1, 5, 40))}
        quote["last"] = chance.choice((quote["bid"], quote["ask"]))
        for part in ("bid_size", "ask_size", "quantity"):
            if chance.maybe(0.5):
                quote[part] = self.size()
        shown = {part: plain(value) for part, value in quote.items()}
        self.log.append(f"quote {symbol} {shown}")
        self.operator({"type": "quotes", "venue": "binance", "quotes": {symbol: shown}})
        self.exchange.quote(symbol, quote)

    def new_order(self, symbol: str) -> None:
        chance = self.chance
        self.count += 1
        order = Working(
            f"order-{self.count}", symbol, chance.maybe(0.5), self.size(), self.near(symbol, 0.015),
            chance.maybe(0.2), chance.choice(("GTC", "GTC", "GTC", "IOC", "FOK", "GTX", "MARKET")))
        parameters = {
            "symbol": symbol, "side": "BUY" if order.buys else "SELL", "quantity": plain(order.total),
            "newClientOrderId": order.name, "type": "LIMIT"}
        if order.validity == "MARKET":
            parameters["type"] = "MARKET"
        else:
            parameters |= {"price": plain(order.price), "timeInForce": order.validity}
        if order.reduce_only:
            parameters["reduceOnly"] = "true"
        self.log.append(f"order {parameters}")
        answer = self.caller.call("POST", "order", **parameters)
        self.differ(f"{order.name} code", answer.get("code", 0), self.exchange.place(order))

    def change(self, symbol: str) -> None:
        """Cancels or amends an open order."""
        orders = [order for order in self.exchange.open.values() if order.symbol == symbol]
        if not orders:
            return
        order, chance = self.chance.choice(orders), self.chance
        which = {"symbol": symbol, "origClientOrderId": order.name}
        if chance.maybe(0.4) or order.reduce_only:
            self.log.append(f"cancel {order.name}")
            answer = self.caller.call("DELETE", "order", **which)
            self.differ(f"cancel {order.name}", answer.get("status"), "CANCELED")
            self.exchange.end(order)
            return
        total = self.size() if chance.maybe(0.6) else order.total
        price = self.near(symbol, 0.015) if chance.maybe(0.6) else order.price
        self.log.append(f"amend {order.name} {plain(total)} at {plain(price)}")
        answer = self.caller.call("PUT", "order", side="BUY" if order.buys else "SELL",
                                  quantity=plain(total), price=plain(price), **which)
        self.differ(f"amend {order.name}", answer.get("code", 0), self.exchange.amend(order, total, price))

    # Comparing

    def compare_orders(self) -> None:
        served = {row["clientOrderId"]: (
            row["side"] == "BUY", number(row["origQty"]), number(row["executedQty"]), number(row["price"]),
            row["reduceOnly"]) for row in self.caller.call("GET", "openOrders")}
        expected = {order.name: (order.buys, order.total, order.done, order.price, order.reduce_only)
                    for order in self.exchange.open.values()}
        self.differ("open orders", served, expected)

    def compare_trades(self) -> None:
        for symbol in SYMBOLS:
            served = [{key: number(row[key]) if isinstance(row[key], str) and key not in ("symbol", "side")
                       else row[key] for key in (
                           "symbol", "side", "price", "qty", "commission", "realizedPnl", "maker", "buyer")}
                      for row in self.caller.call("GET", "userTrades", symbol=symbol)]
            self.differ(f"trades of {symbol}", served,
                        [trade for trade in self.exchange.trades if trade["symbol"] == symbol])

    def compare_account(self) -> None:
        account, now = self.book.accounts[self.name], self.server.now()
        expected = binance.statement(self.book, account, "", "single", now)
        for path, served, own in differences(self.server.statement(self.name, ""), expected):
            self.differ(path, served, own)
        for path, answer, whole in Client(self.server).pairs("binance", self.book, account, "single", now):
            for place, served, own in differences(answer, whole):
                self.differ(f"{path} {place}", served, own)

    def play(self) -> list[tuple]:
        for symbol in SYMBOLS:
            self.new_quote(symbol)
        for _ in range(STEPS):
            symbol = self.chance.choice(list(SYMBOLS))
            self.chance.choice((self.new_quote, self.new_order, self.new_order, self.change))(symbol)
            self.compare_orders()
            if self.found:
                self.compare_trades()
                return self.found
        self.compare_trades()
        self.compare_account()
        self.caller.call("DELETE", "allOpenOrders", symbol="BTCUSDT")
        self.caller.call("DELETE", "allOpenOrders", symbol="ETHUSDT")
        return self.found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--seconds", type=float, default=200)
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10 ** 6) if options.seed is None else options.seed
    print(f"seed {seed}")
    server = Server(options.url, options.token)
    run = format(time.time_ns() // 1000 % 36 ** 6, "x")
    passed = failed = trades = 0
    end = time.monotonic() + options.seconds
    for index in range(options.accounts):
        if time.monotonic() > end:
            print(f"{options.accounts - index} left out for want of time")
            break
        day = Day(server, f"trading-{run}-{index}", f"{seed}/{index}")
        found = day.play()
        trades += len(day.exchange.trades)
        passed, failed = passed + (not found), failed + bool(found)
        if found and failed == 1:
            print("\n".join(f"  {line}" for line in day.log))
            for where, served, expected in found[:8]:
                print(f"    {where}: served {served}, expected {expected}")
    print(f"{passed} passed, {failed} failed, {trades} trades")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
