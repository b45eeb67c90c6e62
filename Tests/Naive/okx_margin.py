"""Spot pairs on margin at OKX, from the documentation's position sample and its help pages: a position has
one coin of the pair and owes the other."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import okx_rules as rules
from exact import ONE, ZERO, half_even, half_up, number, plain
from ledger import PLACES, Account, Instrument, Ledger, Refused


@dataclasses.dataclass
class Held:
    """What a position has (above zero) or owes (below) of its pair's coins; `wallet` is the part of what it
    has that is its margin. `bought` coins for `paid` make the entry price."""

    instrument: str
    currency: str
    isolated: bool
    base: Fraction = ZERO
    quote: Fraction = ZERO
    wallet: Fraction = ZERO
    bought: Fraction = ZERO
    paid: Fraction = ZERO
    side: None = None

    on_margin = True

    @property
    def quantity(self) -> Fraction:
        return self.base

    @property
    def long(self) -> bool:
        return self.base > 0

    @property
    def pair(self) -> tuple[str, str]:
        base, quote = self.instrument.split("-")
        return base, quote

    @property
    def has(self) -> tuple[str, Fraction]:
        """What it has, and of what."""
        return (self.pair[0], self.base) if self.long else (self.pair[1], self.quote)

    @property
    def owes(self) -> tuple[str, Fraction]:
        return (self.pair[1], -self.quote) if self.long else (self.pair[0], -self.base)

    def in_currency(self, coin: str, amount: Fraction, price: Fraction) -> Fraction:
        """An amount of one of the pair's coins in the currency of the margin."""
        if coin == self.currency:
            return amount
        return amount * price if coin == self.pair[0] else amount / price

    def profit(self, price: Fraction) -> Fraction:
        return (self.in_currency(*self.has, price) - self.in_currency(*self.owes, price)) - self.wallet

    def debt(self, price: Fraction) -> Fraction:
        return self.in_currency(*self.owes, price)

    def coins(self, price: Fraction) -> Fraction:
        """What was traded without the margin, in the currency of the margin."""
        if not self.long:
            return self.debt(price)
        return self.in_currency(*self.has, price) - self.wallet

    @property
    def rate(self) -> Fraction:
        return rules.loan_rate(self.instrument, *self.owes)

    def maintenance(self, price: Fraction) -> Fraction:
        return self.debt(price) * self.rate

    def fee(self, price: Fraction) -> Fraction:
        return self.debt(price) * (ONE + self.rate) * rules.BORROW["liquidation_fee"]

    @property
    def liquidation(self) -> str:
        due = self.owes[1] * (ONE + self.rate) * (ONE + rules.BORROW["liquidation_fee"])
        amount = self.has[1]
        if amount <= 0 or due <= 0:
            return ""
        price = due / amount if self.long else amount / due
        if price >= rules.PRICE_LIMIT:
            return ""
        whole = len(str(int(price))) if price >= 1 else 0
        return plain(half_up(price, max(0, 16 - whole)))


def kept(value: Fraction) -> Fraction:
    return half_even(value, PLACES)


class MarginLedger(Ledger):
    """The ledger with such positions."""

    def key(self, command: dict) -> tuple[str, str]:
        return command["instrument"], "on " + command.get("margin_mode", "cross") + " margin"

    def on_margin(self, command: dict) -> bool:
        if self.instruments[command["instrument"]].kind != "spot" or "order_id" in command:
            return False
        mode = self.accounts[command["account"]].settings.get("mode", "multi")
        asked = command.get("margin_mode")
        if asked == "isolated":
            return mode != "spot"
        return asked == "cross" and mode == "futures"

    def on_fill(self, command: dict) -> None:
        if not self.on_margin(command):
            return super().on_fill(command)
        account = self.accounts[command["account"]]
        pair = self.instruments[command["instrument"]]
        quantity, price = number(command["quantity"]), number(command["price"])
        value, fee = kept(quantity * price), number(command.get("fee", "0"))
        buys = command["side"] == "buy"
        base, quote = (quantity, -value) if buys else (-quantity, value)
        payer = command.get("fee_asset", pair.quote)
        if payer == pair.base:
            base -= fee
        elif payer == pair.quote:
            quote -= fee
        held = account.positions.get(self.key(command))
        if held is not None:
            after = held.base + base, held.quote + quote
            has, owes = (after[0], -after[1]) if held.long else (after[1], -after[0])
            if has < 0 and (held.long or owes > 0):
                raise Refused("more is sold or paid than a margin position has")
        account.hold(pair.base)
        account.hold(pair.quote)
        if fee and payer not in (pair.base, pair.quote):
            account.add(payer, -fee)
        if held is None:
            isolated = command["margin_mode"] == "isolated"
            currency = (pair.base if buys else pair.quote) if isolated else command.get(
                "margin_asset", pair.quote)
            held = account.positions[self.key(command)] = Held(pair.name, currency, isolated)
            opens = True
        else:
            opens = held.long == buys
        was_long = buys if opens else held.long
        before = held.owes[1] if not opens else ZERO
        held.base += base
        held.quote += quote
        if opens:
            self._widen(account, pair, held, quantity if buys else -quantity, value if buys else -value)
        else:
            owed = -held.quote if was_long else -held.base
            if 0 < owed < before:
                held.bought = kept(held.bought * owed / before)
                held.paid = kept(held.paid * owed / before)
        has, owes = (held.base, -held.quote) if was_long else (held.quote, -held.base)
        if has <= 0 or owes <= 0:
            del account.positions[self.key(command)]
            account.add(pair.base, held.base)
            account.add(pair.quote, held.quote)
        market = account.market(pair.name)
        market.fees += fee
        market.volume += value
        account.touch(pair.name)
        return None

    def _widen(
        self, account: Account, pair: Instrument, held: Held, bought: Fraction, paid: Fraction
    ) -> None:
        held.bought += bought
        held.paid += paid
        if held.isolated:
            lever = account.leverage_of(pair.name, None, self.default_leverage)
            margin = kept(abs(bought if bought > 0 else paid) / lever)
            account.add(held.currency, -margin)
            held.wallet += margin
            if bought > 0:
                held.base += margin
            else:
                held.quote += margin

    def on_import_position(self, command: dict) -> None:
        pair = self.instruments[command["instrument"]]
        if pair.kind != "spot":
            return super().on_import_position(command)
        account = self.accounts[command["account"]]
        if self.key(command) in account.positions:
            raise Refused("a position is imported over another")
        size, entry = number(command["quantity"]), number(command["entry_price"])
        isolated = command["margin_mode"] == "isolated"
        currency = (pair.base if size > 0 else pair.quote) if isolated else command.get(
            "margin_asset", pair.quote)
        held = Held(pair.name, currency, isolated, wallet=number(command.get("isolated_wallet", "0")))
        free = abs(size) - held.wallet
        debt = command.get("liability")
        owed = number(debt) if debt else kept(free * entry if size > 0 else free / entry)
        held.base, held.quote = (size, -owed) if size > 0 else (-owed, -size)
        held.bought = free if size > 0 else -owed
        held.paid = kept(held.bought * entry)
        account.positions[self.key(command)] = held
        account.hold(pair.base)
        account.hold(pair.quote)
        account.market(pair.name)
        account.touch(pair.name)
        if "leverage" in command:
            account.leverage[(pair.name, None)] = number(command["leverage"])
        return None

    def margin_position(self, command: dict) -> Held | None:
        account = self.accounts[command["account"]]
        for position in account.positions.values():
            if position.on_margin and position.instrument == command.get("instrument"):
                return position
        return None

    def on_adjust_isolated_margin(self, command: dict) -> None:
        held = self.margin_position(command)
        if held is None:
            return super().on_adjust_isolated_margin(command)
        amount = number(command["amount"])
        self.accounts[command["account"]].add(held.currency, -amount)
        held.wallet += amount
        if held.long:
            held.base += amount
        else:
            held.quote += amount
        return None

    def on_accrue_interest(self, command: dict) -> str | None:
        if "instrument" not in command:
            return super().on_accrue_interest(command)
        held = self.margin_position(command)
        if held is None:
            return "rejected"
        if "amount" in command:
            interest = number(command["amount"])
        else:
            owed = held.owes[1]
            for _ in range(command["hours"]):
                owed += rules.hourly(held.owes[0], owed)
            interest = owed - held.owes[1]
        if held.long:
            held.quote -= interest
        else:
            held.base -= interest
        return None
