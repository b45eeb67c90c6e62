"""The ledger once more, the naive way: what each command does to an account, by the contract and the
decisions alone.

Cash is what is free: money in the wallet of an isolated position is with that position. A position keeps
its signed quantity and its exact cost, not a price.
"""

from __future__ import annotations

import dataclasses
import typing
from fractions import Fraction

from exact import ONE, ZERO, cut, half_even, half_up, number

PLACES = 18


class Refused(Exception):
    """What this ledger cannot do: the generator should not have asked for it."""


class Instrument(typing.NamedTuple):
    """An instrument: `kind` is spot, linear or inverse; `value` is what one unit of quantity is worth in
    coin (linear) or USD (inverse)."""

    name: str
    kind: str
    base: str
    quote: str
    settle: str
    value: Fraction = ONE
    family: str = ""


@dataclasses.dataclass
class Position:
    """Signed quantity, signed cost (of the quantity, without the contract's value; as opened, too, which
    settlements leave), its isolated wallet, and what it has earned."""

    instrument: str
    side: str | None
    quantity: Fraction = ZERO
    cost: Fraction = ZERO
    isolated: bool = False
    wallet: Fraction = ZERO
    opening_cost: Fraction = ZERO
    realised: Fraction = ZERO
    funding: Fraction = ZERO
    fees: Fraction = ZERO
    prices: set[Fraction] = dataclasses.field(default_factory=set)  # that it was opened at

    on_margin = False  # of a spot pair: OKX alone has such, which are of another kind


@dataclasses.dataclass
class Order:
    """An open order; `quantity` is what remains."""

    name: str
    instrument: str
    side: str
    quantity: Fraction
    price: Fraction
    reduce_only: bool
    position_side: str | None
    isolated: bool


@dataclasses.dataclass
class Market:
    """What an account has done in one instrument over its lifetime, and in this session."""

    pnl: Fraction = ZERO
    funding: Fraction = ZERO
    volume: Fraction = ZERO
    fees: Fraction = ZERO
    liquidation_fees: Fraction = ZERO
    session_pnl: Fraction = ZERO


@dataclasses.dataclass
class SpotCost:
    """What was bought of a coin less what was sold, in USD: `open_cost` at the moving average of the buys."""

    amount: Fraction = ZERO
    open_cost: Fraction = ZERO
    bought: Fraction = ZERO
    sold: Fraction = ZERO


class Account:
    """One account's state."""

    def __init__(self, name: str, venue: str, parent: str | None, settings: dict):
        self.name = name
        self.venue = venue
        self.parent = parent
        self.settings = dict(settings)
        self.cash: dict[str, Fraction] = {}
        self.deposited: dict[str, Fraction] = {}
        self.withdrawn: dict[str, Fraction] = {}
        self.withdraw_fees: dict[str, Fraction] = {}
        self.transferred: dict[str, Fraction] = {}
        self.debt: dict[str, Fraction] = {}
        self.interest: dict[str, Fraction] = {}
        self.reserved: dict[tuple[str, str], Fraction] = {}
        self.credited: dict[tuple[str, str], Fraction] = {}
        self.positions: dict[tuple[str, str | None], Position] = {}
        self.orders: dict[str, Order] = {}
        self.leverage: dict[tuple[str, str | None], Fraction] = {}
        self.markets: dict[str, Market] = {}
        self.spot_cost: dict[str, SpotCost] = {}
        self.raised: dict[tuple[str, str | None], object] = {}
        self.held: dict[str, None] = {}  # assets of which anything was kept, in the order of their first
        self.touched: dict[str, None] = {}  # assets and instruments in the order of their first change

    def add(self, asset: str, amount: Fraction) -> None:
        self.cash[asset] = self.cash.get(asset, ZERO) + amount
        self.hold(asset)

    def hold(self, asset: str) -> None:
        self.held[asset] = None
        self.touch(asset)

    def touch(self, *names: str) -> None:
        self.touched.update(dict.fromkeys(names))

    def open_positions(self) -> list[Position]:
        """Contracts; spot pairs on margin are not among them."""
        return [position for position in self.positions.values()
                if position.quantity and not position.on_margin]

    def market(self, instrument: str) -> Market:
        return self.markets.setdefault(instrument, Market())

    def leverage_of(self, instrument: str, side: str | None, default: Fraction) -> Fraction:
        for key in ((instrument, side), (instrument, None)):
            if key in self.leverage:
                return self.leverage[key]
        return default


def as_is(value: Fraction) -> Fraction:
    """What eighteen places hold."""
    return half_even(value, PLACES)


def cut_to_eight(value: Fraction) -> Fraction:
    return cut(value, 8)


class Ledger:
    """All accounts of one venue and its prices."""

    def __init__(self, venue: str, instruments: dict[str, Instrument], default_leverage: Fraction):
        self.venue = venue
        self.instruments = instruments
        self.default_leverage = default_leverage
        self.accounts: dict[str, Account] = {}
        self.time = 0  # when the commands came, in milliseconds
        self.marks: dict[str, Fraction] = {}
        # Last prices that quotes told since the mark was given.
        self.lasts: dict[str, Fraction] = {}
        self.index: dict[str, Fraction] = {}
        # Binance books cut to 8 places; Rails cuts fees alone; the others book what 18 places hold.
        self.book = cut_to_eight if venue == "binance" else as_is
        self.book_fee = cut_to_eight if venue in ("binance", "rails") else as_is

    # Notional and cost

    def raw_amount(self, instrument: Instrument, quantity: Fraction, price: Fraction) -> Fraction:
        """What a cost is a sum of: quantity × price, for inverse contracts quantity ÷ price to 18 places,
        half even."""
        return half_even(quantity / price, PLACES) if instrument.kind == "inverse" else quantity * price

    def amount_at(self, instrument: Instrument, quantity: Fraction, price: Fraction) -> Fraction:
        """Signed value in the settlement asset of a signed quantity at a price: linear quantity × value ×
        price, inverse quantity × value ÷ price."""
        if instrument.kind == "inverse":
            return quantity * instrument.value / price
        return quantity * instrument.value * price

    def cost_of(self, position: Position) -> Fraction:
        """Signed cost in the settlement asset."""
        instrument = self.instruments[position.instrument]
        if instrument.kind == "inverse":
            return position.quantity / self.inverse_entry(position) * instrument.value
        return position.cost * instrument.value

    @staticmethod
    def inverse_entry(position: Position) -> Fraction:
        """The one price that it was opened at; of several the price of fewest places, at most 15, that the
        kept cost of 18 places is booked for, else the quotient."""
        if len(position.prices) == 1:
            return min(position.prices)
        quotient = position.quantity / position.cost
        for places in range(16):
            price = half_up(quotient, places)
            if price and half_even(position.quantity / price, 18) == position.cost:
                return price
        return quotient

    def last(self, name: str) -> Fraction:
        """The last price of an instrument; the mark where no quote told one."""
        return self.lasts.get(name, self.marks[name])

    def unrealized(self, position: Position, price: Fraction | None = None) -> Fraction:
        """What a position would realize at a price, the mark where none is given: value less cost, the
        other way round for inverse contracts."""
        instrument = self.instruments[position.instrument]
        price = self.marks[instrument.name] if price is None else price
        value = self.amount_at(instrument, position.quantity, price)
        profit = value - self.cost_of(position)
        return -profit if instrument.kind == "inverse" else profit

    def settled_in(self, account: Account, instrument: Instrument) -> str:
        """The asset that an account's profit, funding and fees of a contract are in."""
        return instrument.settle

    # Commands

    def apply(self, command: dict) -> str:
        """Applies one command and tells the status that the server should answer; raises `Refused` where
        the command makes no sense here."""
        return getattr(self, "on_" + command["type"])(command) or "applied"

    def on_prices(self, command: dict) -> None:
        marks = {name: number(price) for name, price in command.get("marks", {}).items()}
        self.marks.update(marks)
        self.lasts = {name: price for name, price in self.lasts.items() if name not in marks}
        self.index.update({name: number(price) for name, price in command.get("index", {}).items()})

    def on_open_account(self, command: dict) -> None:
        self.accounts[command["account"]] = Account(
            command["account"], command["venue"], command.get("parent"), command.get("settings", {})
        )

    def on_configure(self, command: dict) -> None:
        self.accounts[command["account"]].settings.update(command["settings"])

    def on_deposit(self, command: dict) -> None:
        account, asset, amount = self._money(command)
        account.add(asset, amount)
        account.deposited[asset] = account.deposited.get(asset, ZERO) + amount

    def on_withdraw(self, command: dict) -> None:
        account, asset, amount = self._money(command)
        fee = number(command.get("fee", "0"))
        account.add(asset, -amount - fee)
        account.withdrawn[asset] = account.withdrawn.get(asset, ZERO) + amount
        account.withdraw_fees[asset] = account.withdraw_fees.get(asset, ZERO) + fee

    def on_transfer(self, command: dict) -> None:
        account, asset, amount = self._money(command)
        for one, signed in ((account, -amount), (self.accounts[command["to"]], amount)):
            one.add(asset, signed)
            one.transferred[asset] = one.transferred.get(asset, ZERO) + signed

    def on_place_order(self, command: dict) -> None:
        account = self.accounts[command["account"]]
        account.orders[command["order_id"]] = Order(
            command["order_id"],
            command["instrument"],
            command["side"],
            number(command["quantity"]),
            number(command["price"]),
            command.get("reduce_only", False),
            command.get("position_side"),
            command.get("margin_mode") == "isolated",
        )

    def on_cancel_order(self, command: dict) -> None:
        del self.accounts[command["account"]].orders[command["order_id"]]

    def on_set_leverage(self, command: dict) -> None:
        key = (command["instrument"], command.get("position_side"))
        self.accounts[command["account"]].leverage[key] = number(command["leverage"])

    def on_set_margin_mode(self, command: dict) -> None:
        """A setting alone: every generated command names the mode that it is of."""

    def on_import_position(self, command: dict) -> None:
        account = self.accounts[command["account"]]
        instrument = self.instruments[command["instrument"]]
        key = (instrument.name, command.get("position_side"))
        if key in account.positions and account.positions[key].quantity:
            raise Refused("a position is imported over another")
        quantity = number(command["quantity"])
        position = Position(
            instrument.name,
            key[1],
            quantity,
            self.raw_amount(instrument, quantity, number(command["entry_price"])),
        )
        position.opening_cost = position.cost
        position.prices = {number(command["entry_price"])}
        if command.get("margin_mode") == "isolated":
            position.isolated = True
            position.wallet = number(command["isolated_wallet"])
            if self.venue in ("binance", "rails"):  # there the money was the account's before
                account.add(instrument.settle, -position.wallet)
            account.held[instrument.settle] = None
        if "leverage" in command:
            account.leverage[key] = number(command["leverage"])
        position.realised = number(command.get("realised", "0"))
        position.fees = number(command.get("fees", "0"))
        account.positions[key] = position
        account.market(instrument.name)
        account.touch(instrument.name, self.settled_in(account, instrument))

    def on_adjust_isolated_margin(self, command: dict) -> None:
        account = self.accounts[command["account"]]
        position = account.positions[(command["instrument"], command.get("position_side"))]
        amount = number(command["amount"])
        account.add(self.settled_in(account, self.instruments[position.instrument]), -amount)
        position.wallet += amount

    def on_funding(self, command: dict) -> str | None:
        account = self.accounts[command["account"]]
        instrument = self.instruments[command["instrument"]]
        position = account.positions[(instrument.name, command.get("position_side"))]
        if not position.quantity:  # generated fills may come to nothing
            return "rejected"
        if "amount" in command:
            paid = number(command["amount"])
        else:
            notional = self.amount_at(instrument, position.quantity, self.marks[instrument.name])
            paid = -notional * number(command["rate"])
        paid = self.book(paid)
        position.funding += paid
        if position.isolated:
            position.wallet += paid
        else:
            account.add(self.settled_in(account, instrument), paid)
        account.market(instrument.name).funding += paid
        return None

    def on_borrow(self, command: dict) -> None:
        account, asset, amount = self._money(command)
        account.add(asset, amount)
        account.debt[asset] = account.debt.get(asset, ZERO) + amount

    def on_repay(self, command: dict) -> None:
        account, asset, amount = self._money(command)
        account.add(asset, -amount)
        interest = min(amount, account.interest.get(asset, ZERO))  # interest first
        account.interest[asset] = account.interest.get(asset, ZERO) - interest
        account.debt[asset] = account.debt.get(asset, ZERO) - (amount - interest)

    def on_accrue_interest(self, command: dict) -> None:
        account, asset, amount = self._money(command)
        account.interest[asset] = account.interest.get(asset, ZERO) + amount
        account.hold(asset)

    def on_reserve(self, command: dict, sign: int = 1) -> None:
        account, asset, amount = self._money(command)
        key = (asset, command["purpose"])
        account.reserved[key] = account.reserved.get(key, ZERO) + sign * amount
        if command["purpose"] == "strategy":  # the only one that leaves the cash balance
            account.add(asset, -sign * amount)
        account.hold(asset)

    def on_release(self, command: dict) -> None:
        self.on_reserve(command, -1)

    def on_credit(self, command: dict) -> None:
        account, asset, amount = self._money(command)
        key = (asset, command["purpose"])
        account.credited[key] = account.credited.get(key, ZERO) + amount
        account.hold(asset)

    def on_settle(self, command: dict) -> None:
        account = self.accounts[command["account"]]
        for position in account.open_positions():
            if command.get("instrument", position.instrument) != position.instrument:
                continue
            instrument = self.instruments[position.instrument]
            profit = self.book(self.unrealized(position))
            position.realised += profit
            if position.isolated:
                position.wallet += profit
            else:
                account.add(instrument.settle, profit)
            position.cost = self.raw_amount(instrument, position.quantity, self.marks[instrument.name])
        for name, market in account.markets.items():
            if command.get("instrument", name) == name:
                market.session_pnl = ZERO

    def on_raise(self, command: dict) -> None:
        account = self.accounts[command["account"]]
        key = (command["flag"], command.get("asset"))
        if command["value"] is None:
            account.raised.pop(key, None)
        else:
            account.raised[key] = command["value"]

    def _money(self, command: dict) -> tuple[Account, str, Fraction]:
        return self.accounts[command["account"]], command["asset"], number(command["amount"])

    # Fills

    def on_fill(self, command: dict) -> None:
        account = self.accounts[command["account"]]
        instrument = self.instruments[command["instrument"]]
        quantity, price = number(command["quantity"]), number(command["price"])
        signed = quantity if command["side"] == "buy" else -quantity
        fee = self.book_fee(number(command.get("fee", "0")))
        default = instrument.quote
        from_wallet = ZERO
        if instrument.kind == "spot":
            self._exchange(account, instrument, signed, price)
        else:
            default = self.settled_in(account, instrument)
            part, opened = self._trade(account, instrument, signed, price, command)
            if command.get("fee_asset", default) == default:
                position = account.positions[(instrument.name, command.get("position_side"))]
                position.fees += as_is(fee * part)
                if self.venue == "binance" and position.isolated:
                    # What is opened pays its fee out of the isolated wallet.
                    from_wallet = fee if opened == ONE else self.book(fee * opened)
                    position.wallet -= from_wallet
        if fee:
            account.add(command.get("fee_asset", default), from_wallet - fee)
        market = account.market(instrument.name)
        market.fees += fee
        market.volume += quantity * price
        if command.get("liquidation"):
            market.liquidation_fees += fee
        if "order_id" in command:
            order = account.orders[command["order_id"]]
            order.quantity -= quantity
            if order.quantity <= 0:
                del account.orders[command["order_id"]]

    def _exchange(self, account: Account, instrument: Instrument, signed: Fraction, price: Fraction) -> None:
        account.add(instrument.base, signed)
        account.add(instrument.quote, as_is(-signed * price))
        usd = as_is(as_is(abs(signed) * price) * self.index.get(instrument.quote, ONE))
        cost = account.spot_cost.get(instrument.base)
        if signed > 0:
            cost = account.spot_cost.setdefault(instrument.base, SpotCost())
            cost.amount += signed
            cost.open_cost += usd
            cost.bought += usd
        elif cost is not None:
            if -signed >= cost.amount:
                del account.spot_cost[instrument.base]
            else:
                cost.open_cost = as_is(cost.open_cost * (cost.amount + signed) / cost.amount)
                cost.amount += signed
                cost.sold += usd

    def _trade(
        self, account: Account, instrument: Instrument, signed: Fraction, price: Fraction, command: dict
    ) -> tuple[Fraction, Fraction]:
        """The part of the fill that belongs to the position as it is afterwards: all of it, or what opened a
        new one the other way; and the part that opened anything."""
        key = (instrument.name, command.get("position_side"))
        position = account.positions.get(key)
        if position is None or not position.quantity:
            position = Position(instrument.name, key[1], isolated=command.get("margin_mode") == "isolated")
            account.positions.pop(key, None)
            account.positions[key] = position
        held = position.quantity
        closing = ZERO
        if held * signed < 0:
            closing = min(abs(held), abs(signed)) * (1 if signed > 0 else -1)
            self._close(account, instrument, position, closing, price)
        opening = signed - closing
        part = opening / signed if opening and closing else ONE
        if opening:
            if closing:
                if key[1] is not None:
                    raise Refused("a side of hedge mode is closed beyond its size")
                position = Position(instrument.name, None, isolated=command.get("margin_mode") == "isolated")
                account.positions[key] = position
            position.quantity += opening
            position.prices = position.prices | {price}
            position.cost += self.raw_amount(instrument, opening, price)
            position.opening_cost += self.raw_amount(instrument, opening, price)
            if position.isolated:
                own = account.settings.get("leverage") if self.venue == "rails" else None
                default = number(own) if own else self.default_leverage
                leverage = account.leverage_of(instrument.name, key[1], default)
                notional = abs(self.raw_amount(instrument, opening, price)) * instrument.value
                margin = self.book(notional / leverage)
                account.add(instrument.settle, -margin)
                position.wallet += margin
        account.touch(instrument.name, self.settled_in(account, instrument))
        return part, opening / signed

    def _close(
        self, account: Account, instrument: Instrument, position: Position, closing: Fraction, price: Fraction
    ):
        """Takes `closing` (of the opposite sign) off a position: cost and isolated wallet pro rata."""
        part = -closing / position.quantity
        cost = position.cost if part == 1 else as_is(position.cost * part)
        profit = (self.raw_amount(instrument, -closing, price) - cost) * instrument.value
        profit = self.book(-profit if instrument.kind == "inverse" else profit)
        share = position.wallet if part == 1 else self.book(position.wallet * part)
        position.quantity += closing
        position.cost -= cost
        position.opening_cost -= position.opening_cost if part == 1 else as_is(position.opening_cost * part)
        position.wallet -= share
        position.realised += profit
        account.add(self.settled_in(account, instrument), profit + share)
        market = account.market(instrument.name)
        market.pnl += profit
        market.session_pnl += profit
