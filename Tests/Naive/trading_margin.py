"""Spot pairs on margin for `trading.py`: OKX's orders in futures mode, cross in either currency of the pair
and isolated. By `docs/venues/okx.md`; what a trade does to a position is `okx_margin.py`'s."""

from __future__ import annotations

import dataclasses
import typing
from fractions import Fraction

import okx_rules
from exact import ZERO, number, plain
from ledger import Refused
from trading_floors import OKX

CLOSES_TOO_MUCH = 51112


@dataclasses.dataclass
class Resting:
    """An open order as the account's figures see it."""

    instrument: str
    in_force: typing.Callable[[], str]
    isolated: bool
    quantity: Fraction
    price: Fraction
    reduce_only: bool

    @property
    def currency(self) -> str:
        """Of its margin, as its position now is."""
        return self.in_force()

    def margin(self, leverage: Fraction) -> Fraction:
        """What it would trade ÷ leverage, in its margin's currency; none where it only reduces."""
        if self.reduce_only:
            return ZERO
        in_base = self.currency == self.instrument.split("-")[0]
        return (self.quantity if in_base else self.quantity * self.price) / leverage


class OKXMargin(OKX):
    """BTC-USDT cross in its quote, ETH-USDT cross in its base, LTC-USDT isolated."""

    symbols = {"BTC-USDT": (Fraction(1, 10), 60000), "ETH-USDT": (Fraction(1, 100), 3000),
               "LTC-USDT": (Fraction(1, 100), 90)}
    deposits = {"USDT": "10000000", "BTC": "100", "ETH": "2000", "LTC": "50000"}
    step = Fraction(1, 1000)
    fees = {side: number(rate) for side, rate in okx_rules.MARGIN["trade_fee"]["spot"].items()}
    isolated = ("LTC-USDT",)

    @classmethod
    def worth(cls, symbol: str) -> Fraction:
        return Fraction(1)

    @classmethod
    def currency(cls, symbol: str, buys: bool) -> str:
        """Of the margin: of an isolated position what it has."""
        base, quote = symbol.split("-")
        if symbol in cls.isolated:
            return base if buys else quote
        return base if symbol.startswith("ETH") else quote

    @classmethod
    def paid(
        cls, order: typing.Any, quantity: Fraction, price: Fraction, maker: bool
    ) -> tuple[Fraction, str]:
        """The fee, of what is received."""
        base, quote = order.symbol.split("-")
        rate = cls.fees["maker" if maker else "taker"]
        return (quantity * rate, base) if order.buys else (quantity * price * rate, quote)

    def item(self, order: typing.Any) -> dict:
        """A market buy is sized in the quote currency: as much as its size costs at the best price."""
        item = super().item(order) | {"tdMode": "isolated" if order.symbol in self.isolated else "cross"}
        if order.symbol not in self.isolated:
            item["ccy"] = self.currency(order.symbol, order.buys)
        if order.buys and order.validity == "MARKET":
            item["sz"] = plain(order.total * order.best)
        return item

    def trade(self, order: typing.Any, quantity: Fraction, price: Fraction, fee: Fraction,
              realised: Fraction, maker: bool) -> dict:
        base, quote = order.symbol.split("-")
        row = super().trade(order, quantity, price, fee, ZERO, maker)
        return row | {"feeCcy": base if order.buys else quote}

    def row(self, row: dict) -> dict:
        return super().row(row) | {"feeCcy": row["feeCcy"]}

    @classmethod
    def exchange(cls, *arguments: typing.Any) -> typing.Any:
        from trading import Exchange

        return margin_exchange(Exchange)(*arguments)


def margin_exchange(base: type) -> type:
    """The exchange of `trading.py` for positions that have one coin of a pair and owe the other."""

    class MarginExchange(base):
        def position(self, symbol: str) -> typing.Any:
            mode = "isolated" if symbol in self.floor.isolated else "cross"
            return self.account.positions.get((symbol, f"on {mode} margin"))

        def held(self, symbol: str) -> Fraction:
            position = self.position(symbol)
            return position.base if position else ZERO

        def fill(self, order: typing.Any, quantity: Fraction, price: Fraction, maker: bool) -> None:
            fee, asset = self.floor.paid(order, quantity, price, maker)
            held = self.held(order.symbol)
            self.book.apply({
                "type": "fill", "account": self.name, "instrument": order.symbol,
                "side": "buy" if order.buys else "sell", "quantity": plain(quantity), "price": plain(price),
                "fee": plain(fee), "fee_asset": asset,
                "margin_mode": "isolated" if order.symbol in self.floor.isolated else "cross",
                "margin_asset": self.floor.currency(order.symbol, order.buys)})
            order.done += quantity
            self.trades.append(self.floor.trade(order, quantity, price, fee, ZERO, maker))
            if order.name in self.open:
                self.account.margin_orders[order.name].quantity = order.left
            # What the trade itself takes from others; a fee that leaves a rest of the debt does not count.
            left = held + (quantity if order.buys else -quantity)
            for other in list(self.open.values()):
                if other.symbol == order.symbol and other.reduce_only and (
                        not left or (left > 0) == other.buys):
                    self.end(other)

        def place(self, order: typing.Any) -> int:
            quote = self.quotes[order.symbol]
            order.best = quote["ask" if order.buys else "bid"]
            order.currency = self.currency(order)
            # A size in the quote currency is cut to the position where it only reduces.
            sized = order.buys and order.validity == "MARKET"
            if order.reduce_only and sized and self.reducible(order):
                order.total = min(order.total, self.reducible(order))
            if not order.reduce_only and self.sells_too_much(order, order.total):
                return CLOSES_TOO_MUCH
            before = dict(self.open), dict(self.account.margin_orders), dict(self.taken)
            try:
                return super().place(order)
            except Refused:
                self.open, self.account.margin_orders, self.taken = before
                return CLOSES_TOO_MUCH

        def currency(self, order: typing.Any) -> str:
            """Of an order's margin: an open position keeps its own."""
            held = self.position(order.symbol)
            return held.currency if held else self.floor.currency(order.symbol, order.buys)

        def sells_too_much(self, order: typing.Any, quantity: Fraction) -> bool:
            """What is larger than the position repays it; but no more is sold than the position has."""
            held = self.held(order.symbol)
            return not order.buys and held > 0 and quantity > held

        def rest(self, order: typing.Any) -> None:
            self.open[order.name] = order
            isolated = order.symbol in self.floor.isolated
            self.account.margin_orders[order.name] = Resting(
                order.symbol, lambda: self.currency(order) if isolated else order.currency, isolated,
                order.left, order.price, order.reduce_only)

        def end(self, order: typing.Any) -> None:
            self.open.pop(order.name, None)
            self.account.margin_orders.pop(order.name, None)

        def amend(self, order: typing.Any, total: Fraction, price: Fraction) -> int:
            # A post-only order that would take is cancelled before it is looked at further.
            quote = self.quotes[order.symbol]
            meets = price >= quote["ask"] if order.buys else price <= quote["bid"]
            changes = total > order.done and (total, price) != (order.total, order.price)
            if changes and not (meets and order.validity == "GTX") and self.sells_too_much(
                    order, total - order.done):
                return CLOSES_TOO_MUCH
            before = (dict(self.open), dict(self.account.margin_orders), dict(self.taken), order.total,
                      order.price)
            try:
                return super().amend(order, total, price)
            except Refused:
                self.open, self.account.margin_orders, self.taken, order.total, order.price = before
                return CLOSES_TOO_MUCH

        def fill_resting(self, order: typing.Any, amount: Fraction) -> bool:
            """What cannot be booked ends."""
            try:
                self.fill(order, amount, order.price, maker=True)
            except Refused:
                self.end(order)
                return False
            return True

        def end_closing_orders(self, symbol: str) -> None:
            """Each trade has ended what it took the position from."""

    return MarginExchange
