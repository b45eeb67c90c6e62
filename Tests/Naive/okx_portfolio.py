"""Portfolio margin of OKX, the documented subset: MR1, MR4, MR6 and MR7 for each underlying."""

from __future__ import annotations

import typing
from fractions import Fraction

import okx_rules as rules
from exact import ZERO, number
from ledger import Account, Ledger


class Unit:
    """One underlying: net delta in coin and gross value in USD of its cross derivatives."""

    def __init__(self, book: Ledger, account: Account, coin: str):
        self.delta = ZERO
        values: dict[str, Fraction] = {}  # one instrument's sides are netted, instruments are not
        for position in account.open_positions():
            instrument = book.instruments[position.instrument]
            if instrument.base != coin or position.isolated:
                continue
            mark = book.marks[instrument.name]
            size = position.quantity * instrument.value
            self.delta += book.amount_at(instrument, position.quantity,
                                         mark) if instrument.kind == "inverse" else size
            usd = size if instrument.kind == "inverse" else size * mark * book.index[instrument.settle]
            values[instrument.name] = values.get(instrument.name, ZERO) + usd
        self.gross = sum((abs(value) for value in values.values()), ZERO)


class Portfolio:
    """The risk units of an account."""

    def __init__(self, book: Ledger, account: Account, coins: typing.Sequence):
        self.book, self.account = book, account
        bases = {book.instruments[position.instrument].base for position in account.open_positions()}
        self.units = {name: Unit(book, account, name) for name in sorted(bases)}
        self.spot = {coin.name: coin.cash for coin in coins}
        margins = [self.margin(name, unit) for name, unit in self.units.items()]
        self.maintenance = sum(margins, ZERO)
        self.initial = self.maintenance * number(rules.PORTFOLIO["imr_factor"])

    def most(self, coin: str) -> Fraction:
        """The spot that could offset the derivatives: as much as is held against their delta."""
        delta = self.units[coin].delta if coin in self.units else ZERO
        spot = self.spot.get(coin, ZERO)
        return min(abs(spot), abs(delta)) if spot > 0 > delta else ZERO

    def in_use(self, coin: str) -> Fraction:
        most = self.most(coin)
        limit = self.account.raised.get(("clSpotInUseAmt", coin))
        return most if limit is None else min(most, number(limit))

    def margin(self, coin: str, unit: Unit) -> Fraction:
        net = abs(unit.delta + self.in_use(coin)) * self.book.index[coin]
        shock = net * rules.per_coin(rules.PORTFOLIO["mr1"], coin)
        extreme = net * rules.per_coin(rules.PORTFOLIO["mr6"], coin) * number(rules.PORTFOLIO["mr6_share"])
        basis = unit.gross * rules.per_coin(rules.PORTFOLIO["mr4"], coin)
        floor = rules.minimum_charge(unit.gross * rules.per_coin(rules.PORTFOLIO["mr7"], coin))
        return max(max(shock, extreme) + basis, floor)
