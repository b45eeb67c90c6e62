#!/usr/bin/env python3
"""Plays generated trading days into a running `marginalia serve` by the venue's own order calls and into the
naive ledger, and compares open orders after every step, and trades, positions and balances at the end.

    python3 Tests/Naive/trading.py --url http://127.0.0.1:8080 --token TOKEN --accounts 200 --seed 1

Binance USDⓈ-M Futures in one-way mode, the perpetuals of Crypto.com and OKX's linear swaps in futures mode,
all of them cross, and OKX's spot pairs on margin. What an order comes to is worked out from
`docs/trading.md`; what that does to the account is the ledger's of `ledger.py`; `trading_floors.py` has the
venues' calls. The clock stands, as for
`compare.py`.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import random
import sys
import time
import typing
from fractions import Fraction

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from cases import Chance  # noqa: E402
from compare import Server, differences  # noqa: E402
from exact import ZERO, plain  # noqa: E402
from neighbours import Client  # noqa: E402
from trading_floors import Binance, CryptoCom, Floor, OKX  # noqa: E402
from trading_margin import OKXMargin  # noqa: E402

FLOORS: list[type[Floor]] = [Binance, CryptoCom, OKX, OKXMargin]

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
    best: Fraction = ZERO  # what it would meet, where its size is in the quote currency
    currency: str = ""  # of its margin, where that is not the instrument's
    number: int = 0

    @property
    def left(self) -> Fraction:
        return self.total - self.done


class Exchange:
    """What orders and quotes come to, for one account."""

    def __init__(self, book: typing.Any, account: str, floor: Floor):
        self.book, self.name, self.floor = book, account, floor
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
        if order.validity not in self.floor.prevents_self_trade:
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
        value = quantity * self.floor.worth(order.symbol) * price
        fee = self.floor.fee(value, self.floor.fees["maker" if maker else "taker"])
        before = self.account.market(order.symbol).pnl
        resting = {"order_id": order.name} if order.name in self.account.orders else {}
        self.book.apply({
            "type": "fill", "account": self.name, "instrument": order.symbol, "side": side,
            "quantity": plain(quantity), "price": plain(price), "fee": plain(fee)} | resting)
        order.done += quantity
        realised = self.account.market(order.symbol).pnl - before
        self.trades.append(self.floor.trade(order, quantity, price, fee, realised, maker))

    def place(self, order: Working) -> int:
        """The venue's code of a refusal, 0 where it is taken."""
        codes = self.floor.codes
        quote = self.quotes[order.symbol]
        market = order.validity == "MARKET"
        best = quote["ask" if order.buys else "bid"]
        meets = market or (order.price >= best if order.buys else order.price <= best)
        if order.reduce_only:
            if not self.reducible(order):
                return codes.get("same_side", codes["reduce"]) if self.held(order.symbol) else codes["reduce"]
            if not self.floor.cuts_to_position and order.total > self.reducible(order) - self.before(order):
                return codes["too_large"]
            order.total = min(order.total, self.reducible(order))
        if order.validity in ("GTX", "FOK"):
            self.prevent_self_trade(order, order.price, best)
        if order.validity == "GTX" and meets:
            return codes.get("post_only", 0)
        at_once = self.at_once(order) if meets else ZERO
        if order.validity == "FOK" and at_once < order.total:
            return codes.get("fill_or_kill", 0)
        if order.validity not in ("GTX", "FOK"):
            self.prevent_self_trade(order, best if market else order.price, best)
        if at_once:
            self.fill_at_once(order, at_once, best)
        if order.left and order.validity in ("GTC", "GTX"):
            self.rest(order)
        self.end_closing_orders(order.symbol)
        return codes.get("nothing_at_once", 0) if order.validity == "IOC" and not order.done else 0

    def before(self, order: Working) -> Fraction:
        """What other orders would reduce before it: those of no worse price."""
        if order.validity == "MARKET":
            return ZERO
        return sum((other.left for other in self.open.values()
                    if other.name != order.name and other.reduce_only
                    and other.symbol == order.symbol and other.buys == order.buys
                    and (other.price >= order.price if order.buys else other.price <= order.price)), ZERO)

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
            return self.floor.codes.get("unchanged", 0)
        if order.reduce_only and total > order.total:
            # It grows no further than the position: it is cut to that, or refused.
            grown = dataclasses.replace(order, total=total, price=price)
            if not self.floor.cuts_to_position and grown.left > self.reducible(order) - self.before(grown):
                return self.floor.codes["too_large"]
            total = min(total, max(order.total, order.done + self.reducible(order)))
            if (total, price) == (order.total, order.price):
                return self.floor.codes.get("unchanged", 0)
        quote = self.quotes[order.symbol]
        best = quote["ask" if order.buys else "bid"]
        meets = price >= best if order.buys else price <= best
        refusal = self.floor.codes.get("post_only_amended")
        if refusal and meets and order.validity == "GTX" and total > order.done:
            return refusal
        self.end(order)
        if total <= order.done:
            return 0
        order.total, order.price = total, price
        if meets and order.validity == "GTX":
            return 0  # the amendment cancels it
        at_once = self.at_once(order) if meets else ZERO
        if order.reduce_only:
            at_once = min(at_once, self.reducible(order))
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
        self.book.lasts[symbol] = quote["last"]
        self.taken = {key: used for key, used in self.taken.items() if key[0] != symbol}
        waiting = [order for order in self.open.values() if order.symbol == symbol]
        # An amendment leaves an order its place: it was placed when it was.
        for order in sorted(waiting, key=lambda order: order.number):
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
            if not amount and order.reduce_only and not self.reducible(order):
                self.end(order)
            if amount and self.fill_resting(order, amount) and is_limited:
                self.take(symbol, order.buys, True, amount)
            if not order.left:
                self.end(order)
            self.end_closing_orders(symbol)

    def fill_resting(self, order: Working, amount: Fraction) -> bool:
        """Whether the fill could be booked."""
        self.fill(order, amount, order.price, maker=True)
        return True

    def end_closing_orders(self, symbol: str) -> None:
        """Reduce-only orders that have nothing left to reduce."""
        for order in list(self.open.values()):
            if order.symbol == symbol and order.reduce_only and not self.reducible(order):
                self.end(order)


class Day:
    """One account's trading day, played on both sides."""

    def __init__(self, server: Server, name: str, seed: str, floor: type[Floor]):
        self.server, self.name, self.chance = server, name, Chance(seed)
        self.log: list[str] = []
        self.found: list[tuple] = []
        self.count = 0
        self.book = floor.ledger()
        self.book.time = server.now()
        self.symbols, self.step = floor.symbols, floor.step
        marks = {symbol: plain(self.round(symbol, middle)) for symbol, (_, middle) in self.symbols.items()}
        self.operator({
            "type": "open_account", "account": name, "venue": floor.venue, "settings": floor.settings})
        self.operator({"type": "prices", "venue": floor.venue, "marks": marks, "index": floor.index()})
        for asset, amount in floor.deposits.items():
            self.operator({"type": "deposit", "account": name, "asset": asset, "amount": amount})
        self.floor = floor(server, name)
        self.book.accounts[name].margin_orders = {}
        self.exchange = floor.exchange(self.book, name, self.floor)

    def round(self, symbol: str, value: float) -> Fraction:
        tick = self.symbols[symbol][0]
        return round(Fraction(value) / tick) * tick

    def near(self, symbol: str, spread: float) -> Fraction:
        return self.round(symbol, self.symbols[symbol][1] * (1 + self.chance.uniform(-spread, spread)))

    def size(self) -> Fraction:
        return self.chance.randint(40, 900) * self.step

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
        tick, chance = self.symbols[symbol][0], self.chance
        bid = self.near(symbol, 0.01)
        quote = {"bid": bid, "ask": bid + tick * chance.choice((1, 1, 5, 40))}
        quote["last"] = chance.choice((quote["bid"], quote["ask"]))
        for part in ("bid_size", "ask_size", "quantity"):
            if chance.maybe(0.5):
                quote[part] = self.size()
        shown = {part: plain(value) for part, value in quote.items()}
        self.log.append(f"quote {symbol} {shown}")
        self.operator({"type": "quotes", "venue": self.floor.venue, "quotes": {symbol: shown}})
        self.exchange.quote(symbol, quote)

    def new_order(self, symbol: str) -> None:
        chance = self.chance
        self.count += 1
        order = Working(
            f"order-{self.count}", symbol, chance.maybe(0.5), self.size(), self.near(symbol, 0.015),
            chance.maybe(0.2), chance.choice(("GTC", "GTC", "GTC", "IOC", "FOK", "GTX", "MARKET")),
            number=self.count)
        self.log.append(f"order {order}")
        order.best = self.exchange.quotes[symbol]["ask" if order.buys else "bid"]
        answer = self.floor.place(order)
        self.differ(f"{order.name} code", answer, self.exchange.place(order))

    def change(self, symbol: str) -> None:
        """Cancels or amends an open order."""
        orders = [order for order in self.exchange.open.values() if order.symbol == symbol]
        if not orders:
            return
        order, chance = self.chance.choice(orders), self.chance
        if chance.maybe(0.4):
            self.log.append(f"cancel {order.name}")
            self.differ(f"cancel {order.name}", self.floor.cancel(order), True)
            self.exchange.end(order)
            return
        total = self.size() if chance.maybe(0.6) else order.total
        price = self.near(symbol, 0.015) if chance.maybe(0.6) else order.price
        self.log.append(f"amend {order.name} {plain(total)} at {plain(price)}")
        answer = self.floor.amend(order, total, price)
        self.differ(f"amend {order.name}", answer, self.exchange.amend(order, total, price))

    # Comparing

    def compare_orders(self) -> None:
        expected = {self.floor.name(order): self.floor.shown(order) for order in self.exchange.open.values()}
        self.differ("open orders", self.floor.open_orders(), expected)

    def compare_trades(self) -> None:
        for symbol in self.symbols:
            self.differ(f"trades of {symbol}", self.floor.trades(symbol),
                        [trade for trade in self.exchange.trades if trade["symbol"] == symbol])

    def compare_account(self) -> None:
        account, now = self.book.accounts[self.name], self.server.now()
        expected = self.floor.statement(self.book, account, now)
        for path, served, own in differences(self.server.statement(self.name, ""), expected):
            self.differ(path, served, own)
        for path, answer, whole in Client(self.server).pairs(
                self.floor.venue, self.book, account, self.floor.mode, now):
            for place, served, own in differences(answer, whole):
                self.differ(f"{path} {place}", served, own)

    def play(self) -> list[tuple]:
        for symbol in self.symbols:
            self.new_quote(symbol)
        for _ in range(STEPS):
            symbol = self.chance.choice(list(self.symbols))
            self.chance.choice((self.new_quote, self.new_order, self.new_order, self.change))(symbol)
            self.compare_orders()
            if self.found:
                self.compare_trades()
                return self.found
        self.compare_trades()
        self.compare_account()
        self.floor.close()
        return self.found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--seconds", type=float, default=200)
    parser.add_argument("--venue", choices=sorted({floor.venue for floor in FLOORS}), default=None)
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10 ** 6) if options.seed is None else options.seed
    print(f"seed {seed}")
    server = Server(options.url, options.token)
    run = format(time.time_ns() // 1000 % 36 ** 6, "x")
    floors = [floor for floor in FLOORS if options.venue in (None, floor.venue)]
    passed = failed = trades = 0
    end = time.monotonic() + options.seconds
    for index in range(options.accounts):
        if time.monotonic() > end:
            print(f"{options.accounts - index} left out for want of time")
            break
        floor = floors[index % len(floors)]
        day = Day(server, f"trading-{run}-{index}", f"{seed}/{index}", floor)
        found = day.play()
        trades += len(day.exchange.trades)
        passed, failed = passed + (not found), failed + bool(found)
        if found and failed == 1:
            print(f"{floor.__name__}, account {index}")
            print("\n".join(f"  {line}" for line in day.log))
            for where, served, expected in found[:8]:
                print(f"    {where}: served {served}, expected {expected}")
    print(f"{passed} passed, {failed} failed, {trades} trades")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
