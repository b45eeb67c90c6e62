"""The balance of OKX in four modes, from the page Get balance and `docs/venues/okx.md`."""

from __future__ import annotations

import json
import pathlib
import typing
from fractions import Fraction

import okx_cases
import okx_margin
import okx_portfolio
import okx_rules as rules
from cases import Case, Chance, Round
from exact import ONE, ZERO, half_even, half_up, number, plain, positive
from ledger import Account, Ledger, Position

VENUE = "okx"
MODES = ("spot", "borrow", "futures", "multi", "portfolio")
MATRIX = json.loads((pathlib.Path(__file__).resolve().parent / "okx-applicability.json").read_text())


def ledger() -> Ledger:
    return okx_margin.MarginLedger(VENUE, rules.INSTRUMENTS, rules.DEFAULT_LEVERAGE)


def shown(value: Fraction) -> str:
    """Rounded half up to 16 places, no zeros at the end."""
    return plain(half_up(value, 16))


class Coin:
    """One currency of an account: every figure of it."""

    def __init__(self, book: Ledger, account: Account, mode: str, name: str):
        self.name, self.mode = name, mode
        self.price = book.index[name]
        self.cash = account.cash.get(name, ZERO)
        self.interest = account.interest.get(name, ZERO)
        self.debt = account.debt.get(name, ZERO)
        self.strategy = account.reserved.get((name, "strategy"), ZERO)
        self.reserves = {purpose: amount for (asset, purpose), amount in account.reserved.items()
                         if asset == name and purpose != "strategy"}
        own = [position for position in account.open_positions()
               if book.instruments[position.instrument].settle == name]
        self.cross = [position for position in own if not position.isolated]
        self.isolated = [position for position in own if position.isolated]
        self.cross_pnl = sum((book.unrealized(position) for position in self.cross), ZERO)
        self.isolated_pnl = sum((book.unrealized(position) for position in self.isolated), ZERO)
        self.isolated_equity = sum((position.wallet for position in self.isolated), ZERO) + self.isolated_pnl
        self.initial = sum((initial_margin(book, account, position) for position in self.cross), ZERO)
        self.maintenance = sum((maintenance_margin(book, position) for position in self.cross), ZERO)
        self.value = sum((coin_value(book, position) for position in self.cross), ZERO)
        self.fees = sum((coin_value(book, position) * taker(book, position) for position in self.cross),
                        ZERO)
        self.isolated_debt = ZERO
        for position in account.positions.values():
            if position.on_margin:
                self.count(position, book.marks[position.instrument], account, book)
        self.spot_orders = spot_orders(book, account, name)
        self.isolated_orders = derivative_orders(book, account, name, True)
        self.cross_orders = derivative_orders(book, account, name, False)
        for order in getattr(account, "margin_orders", {}).values():
            if order.currency == name:
                margin = order.margin(leverage(book, account, order.instrument, None))
                self.isolated_orders += margin if order.isolated else ZERO
                self.cross_orders += ZERO if order.isolated else margin
        # Held beside what orders freeze, where their margin is held too.
        self.order_fees = sum(derivative_orders(book, account, name, isolated, paid=True)
                              for isolated in (True, False) if isolated or mode == "futures")
        self.cross_equity = self.cash + self.cross_pnl + self.strategy - self.owed
        self.equity = self.cross_equity + self.isolated_equity

    def count(self, position: okx_margin.Held, price: Fraction, account: Account, book: Ledger) -> None:
        """Adds a spot pair on margin: its worth in the currency of its margin, its debt in what it owes."""
        if position.isolated and position.owes[0] == self.name:
            self.isolated_debt += position.owes[1]
        if position.currency != self.name:
            return
        if position.isolated:
            self.isolated_pnl += position.profit(price)
            self.isolated_equity += position.wallet + position.profit(price)
            return
        self.cross_pnl += position.profit(price)
        self.value += position.coins(price)
        self.initial += position.coins(price) / leverage(book, account, position.instrument, None)
        self.maintenance += position.maintenance(price)
        self.fees += position.fee(price)

    @property
    def owed(self) -> Fraction:
        """What is taken off the equity: the loan and its interest in spot mode, the interest in multi and
        portfolio."""
        if self.mode in ("spot", "borrow"):
            return self.debt + self.interest
        return self.interest if self.mode in ("multi", "portfolio") else ZERO

    @property
    def frozen_by_orders(self) -> Fraction:
        cross = self.cross_orders if self.mode == "futures" else ZERO
        return self.spot_orders + self.isolated_orders + cross

    @property
    def in_use(self) -> Fraction:
        initial = self.initial if self.mode == "futures" else ZERO
        return initial + self.frozen_by_orders + self.order_fees + sum(self.reserves.values(), ZERO)

    @property
    def frozen(self) -> Fraction:
        return self.in_use + self.isolated_equity + self.strategy

    @property
    def liability(self) -> Fraction:
        short = -min(ZERO, self.equity)
        return max(short, self.debt + self.interest) if self.mode in ("spot", "borrow") else short

    @property
    def potential_borrowing(self) -> Fraction:
        """In coin: what is owed, or what orders and reserves would make owed."""
        frozen = self.frozen_by_orders + self.order_fees + sum(self.reserves.values(), ZERO)
        return max(self.liability, frozen + self.interest - self.cash - self.cross_pnl)

    @property
    def backing(self) -> Fraction:
        """Futures mode: what backs the coin's cross positions."""
        return self.cash + self.cross_pnl - self.spot_orders - self.isolated_orders - self.order_fees

    @property
    def futures_ratio(self) -> Fraction | None:
        """What backs the coin's cross positions over what they must not fall to."""
        denominator = self.maintenance + self.fees
        return self.backing / denominator if denominator else None

    @property
    def free_balance(self) -> Fraction:
        return positive(self.cash - (self.in_use - min(ZERO, self.cross_pnl)))

    def discounted_equity(self, account: Account) -> Fraction:
        if self.mode == "spot":  # nothing can be borrowed against it
            return self.cross_equity * self.price
        off = self.mode == "multi" and self.name in account.settings.get("collateral_off", [])
        if off and self.cross_equity > 0:
            return ZERO
        return rules.discounted(self.name, self.cross_equity, self.price)


# Positions and orders


def leverage(book: Ledger, account: Account, name: str, side: str | None) -> Fraction:
    return account.leverage_of(name, side, book.default_leverage)


def isolated_margin(book: Ledger, account: Account, position: Position) -> Fraction:
    """What was put into an isolated position; of an inverse contract value at entry / leverage where that is
    what was, to 18 places."""
    instrument = book.instruments[position.instrument]
    lever = leverage(book, account, instrument.name, position.side)
    if instrument.kind == "inverse":
        if half_even(abs(position.cost) * instrument.value / lever, 18) == position.wallet:
            return abs(book.cost_of(position)) / lever
    return position.wallet


def coin_value(book: Ledger, position: Position) -> Fraction:
    """Size at mark in the settlement coin."""
    instrument = book.instruments[position.instrument]
    return abs(book.amount_at(instrument, position.quantity, book.marks[instrument.name]))


def usd_notional(book: Ledger, position: Position) -> Fraction:
    """Linear: size at mark at the settlement coin's index; inverse: contracts × value, which is USD."""
    instrument = book.instruments[position.instrument]
    if instrument.kind == "inverse":
        return abs(position.quantity) * instrument.value
    return coin_value(book, position) * book.index[instrument.settle]


def taker(book: Ledger, position: Position) -> Fraction:
    return rules.TAKER[book.instruments[position.instrument].family]


def initial_margin(book: Ledger, account: Account, position: Position) -> Fraction:
    return coin_value(book, position) / leverage(book, account, position.instrument, position.side)


def maintenance_margin(book: Ledger, position: Position) -> Fraction:
    return coin_value(book, position) * rules.maintenance_rate(position.instrument, position.quantity)


def held_of(instrument: typing.Any, order: typing.Any) -> str:
    """The currency that an order holds of."""
    if instrument.kind != "spot":
        return instrument.settle
    return instrument.base if order.side == "sell" else instrument.quote


def spot_orders(book: Ledger, account: Account, asset: str) -> Fraction:
    """Sells freeze the coin, buys the quote at the limit price."""
    total = ZERO
    for order in account.orders.values():
        instrument = book.instruments[order.instrument]
        if instrument.kind != "spot":
            continue
        if order.side == "sell" and instrument.base == asset:
            total += order.quantity * (ONE + rules.ORDER_FEE)
        if order.side == "buy" and instrument.quote == asset:
            total += order.quantity * order.price * (ONE + rules.ORDER_FEE)
    return total


def derivative_orders(book: Ledger, account: Account, asset: str, isolated: bool,
                      usd: bool = False, paid: bool = False) -> Fraction:
    """Full margin at the limit price, no netting; none for reduce-only and for closing orders of a hedge
    side. What would be `paid` is the taker's fee instead."""
    total = ZERO
    for order in account.orders.values():
        instrument = book.instruments[order.instrument]
        if instrument.kind == "spot" or instrument.settle != asset or order.isolated != isolated:
            continue
        closing = (order.position_side, order.side) in (("long", "sell"), ("short", "buy"))
        if order.reduce_only or closing:
            continue
        if usd and instrument.kind == "inverse":
            value = order.quantity * instrument.value
        else:
            price = book.index[asset] if usd else ONE
            value = book.amount_at(instrument, order.quantity, order.price) * price
        share = rules.TRADE_TAKER if paid else 1 / leverage(
            book, account, order.instrument, order.position_side)
        total += value * share
    return total


def in_usd(book: Ledger, account: Account, isolated: bool, paid: bool = False) -> Fraction:
    """The same of all orders in USD: inverse contracts × value is USD."""
    names = {book.instruments[order.instrument].settle for order in account.orders.values()}
    return sum((derivative_orders(book, account, name, isolated, usd=True, paid=paid) for name in names),
               ZERO)


# The account


class Balance:
    """Every figure of one account."""

    def __init__(self, book: Ledger, account: Account, mode: str):
        self.book, self.account, self.mode = book, account, mode
        # in the order of their first appearance
        names = [name for name in account.touched if name in rules.ASSETS]
        names += [held_of(book.instruments[order.instrument], order) for order in account.orders.values()]
        names += [asset for order in account.orders.values() for asset in (
            book.instruments[order.instrument].base, book.instruments[order.instrument].settle)]
        self.coins = [Coin(book, account, mode, name) for name in dict.fromkeys(names)]
        self.portfolio = okx_portfolio.Portfolio(book, account, self.coins) if mode == "portfolio" else None
        order_fees = self.usd(lambda coin: coin.spot_orders * rules.ORDER_FEE / (ONE + rules.ORDER_FEE))
        order_fees += in_usd(book, account, True, paid=True) + in_usd(book, account, False, paid=True)
        self.adjusted = sum((coin.discounted_equity(account) for coin in self.coins), ZERO) - order_fees
        self.orders = in_usd(book, account, False)
        self.borrowed = self.usd(lambda coin: positive(coin.potential_borrowing))
        self.borrow_margin = sum((self.borrow_frozen(coin) for coin in self.coins), ZERO)
        if self.portfolio:
            self.initial = self.portfolio.initial + self.orders + self.borrow_margin
            self.maintenance = self.portfolio.maintenance + self.borrowed * rules.BORROW["portfolio_mmr"]
            fees, rate = ZERO, rules.BORROW["portfolio_mmr"]
        else:
            self.initial = self.per_position(lambda position: 1 / leverage(
                book, account, position.instrument, position.side)) + self.orders + self.borrow_margin
            self.maintenance = self.per_position(
                lambda position: rules.maintenance_rate(position.instrument, position.quantity)
            ) + self.borrowed * rules.BORROW["mmr"]
            fees, rate = self.per_position(lambda position: taker(book, position)), rules.BORROW["mmr"]
        self.fees = fees + self.borrowed * (1 + rate) * rules.BORROW["liquidation_fee"]
        restricted = sum((positive(coin.discounted_equity(account)) for coin in self.coins
                          if account.raised.get(("colRes", coin.name)) == "2"), ZERO)
        self.available = self.adjusted - self.initial - restricted

    def per_position(self, rate: typing.Callable[[Position], Fraction]) -> Fraction:
        """Σ of notional in USD × a rate over cross positions."""
        return sum((usd_notional(self.book, position) * rate(position)
                    for coin in self.coins for position in coin.cross), ZERO)

    def usd(self, figure: typing.Callable[[Coin], Fraction]) -> Fraction:
        return sum((figure(coin) * coin.price for coin in self.coins), ZERO)

    def borrow_frozen(self, coin: Coin) -> Fraction:
        loan = positive(coin.potential_borrowing) * coin.price
        portfolio = self.mode == "portfolio"
        return loan * rules.BORROW["portfolio_imr"] if portfolio else loan / rules.BORROW["leverage"]

    def withdrawable(self, coin: Coin) -> Fraction:
        """What is free of a coin, in the modes that share collateral at most what all of it is worth."""
        if self.mode not in ("multi", "portfolio"):
            return coin.free_balance
        return min(coin.free_balance, positive(self.available) / coin.price)

    def notional(self, family: str) -> Fraction:
        return sum((usd_notional(self.book, position) for position in self.account.open_positions()
                    if self.book.instruments[position.instrument].family == family), ZERO)

    def account_fields(self, now: int) -> dict:
        swap, futures = self.notional("SWAP"), self.notional("FUTURES")
        denominator = self.maintenance + self.fees
        figures = {
            "uTime": str(now), "totalEq": shown(self.usd(lambda coin: coin.equity)),
            "isoEq": shown(self.usd(lambda coin: coin.isolated_equity)), "adjEq": shown(self.adjusted),
            "availEq": shown(self.available), "ordFroz": shown(self.orders), "imr": shown(self.initial),
            "mmr": shown(self.maintenance), "borrowFroz": shown(self.borrow_margin),
            "mgnRatio": shown(self.adjusted / denominator) if denominator else "",
            "notionalUsd": shown(swap + futures + self.borrowed),
            "notionalUsdForBorrow": shown(self.borrowed),
            "notionalUsdForSwap": shown(swap), "notionalUsdForFutures": shown(futures),
            "notionalUsdForOption": "0",
            "upl": shown(self.usd(lambda coin: coin.cross_pnl)),
        }
        column = "spot" if self.mode == "borrow" else self.mode
        figures = {name: value if MATRIX["account"][name][column] else "" for name, value in figures.items()}
        figures |= dict.fromkeys(("delta", "deltaLever", "deltaNeutralStatus"), "")
        raised = {flag: value for (flag, asset), value in self.account.raised.items() if asset is None}
        return figures | raised

    # Details

    def coin_fields(self, coin: Coin) -> dict:
        account, raised = self.account, self.account.raised
        figures = {
            "ccy": coin.name, "eq": shown(coin.equity), "cashBal": shown(coin.cash),
            "uTime": str(self.book.time),
            "isoEq": shown(coin.isolated_equity),
            "availEq": shown(positive(coin.cash + coin.cross_pnl - coin.in_use)),
            "disEq": shown(coin.discounted_equity(account)),
            "availBal": shown(coin.free_balance),
            "frozenBal": shown(coin.frozen),
            "ordFrozen": shown(coin.frozen_by_orders), "liab": shown(coin.liability + coin.isolated_debt),
            "upl": shown(coin.cross_pnl + coin.isolated_pnl), "uplLiab": shown(positive(
                -min(ZERO, coin.equity) + min(ZERO, coin.cash - coin.interest - coin.debt))),
            "crossLiab": shown(coin.liability), "isoLiab": shown(coin.isolated_debt),
            "interest": shown(coin.interest),
            "maxLoan": self.max_loan(coin), "eqUsd": shown(coin.equity * coin.price),
            "borrowFroz": shown(self.borrow_frozen(coin)), "stgyEq": shown(coin.strategy),
            "isoUpl": shown(coin.isolated_pnl),
            "smtSyncEq": shown(coin.reserves.get("smart_sync", ZERO)),
            "spotCopyTradingEq": shown(coin.reserves.get("copy_trading", ZERO)),
            "collateralEnabled": coin.name not in account.settings.get("collateral_off", []),
        }
        figures |= self.futures_fields(coin) | self.spot_fields(coin)
        figures["spotInUseAmt"] = shown(self.portfolio.in_use(coin.name)) if self.portfolio else ""
        column = "spot" if self.mode == "borrow" else self.mode
        booleans = {"collateralEnabled": figures.pop("collateralEnabled") if self.mode == "multi" else False}
        figures = {name: value if MATRIX["details"][name][column] else "" for name, value in figures.items()}
        figures |= booleans | self.other_fields(coin)
        for (flag, asset), value in raised.items():
            if asset == coin.name:
                figures[flag] = value
        return figures

    def futures_fields(self, coin: Coin) -> dict:
        pool = coin.cash + coin.cross_pnl
        ratio = coin.futures_ratio
        return {
            "imr": shown(coin.initial), "mmr": shown(coin.maintenance),
            "mgnRatio": "" if ratio is None else shown(ratio),
            "notionalLever": "0" if not coin.value else shown(coin.value / pool) if pool > 0 else "",
        }

    def spot_fields(self, coin: Coin) -> dict:
        names = ("spotBal", "openAvgPx", "accAvgPx", "spotUpl", "spotUplRatio", "totalPnl", "totalPnlRatio")
        cost = self.account.spot_cost.get(coin.name)
        if cost is None:
            return dict.fromkeys(names, "")
        price, paid = coin.price, cost.bought - cost.sold
        average = cost.open_cost / cost.amount
        figures = (cost.amount, average, paid / cost.amount, (price - average) * cost.amount,
                   (price - average) / average, cost.amount * price - paid,
                   (cost.amount * price - paid) / paid if paid else None)
        return {name: "" if value is None else shown(value) for name, value in zip(names, figures)}

    def other_fields(self, coin: Coin) -> dict:
        """Fields of the document's prose that are not in its matrix."""
        most = self.account.raised.get(("clSpotInUseAmt", coin.name))
        lend = "off" if rules.ASSETS[coin.name].get("auto_lend") else "unsupported"
        return {
            "twap": "0", "spotIsoBal": shown(coin.reserves.get("copy_trading_isolated", ZERO)),
            "fixedBal": shown(coin.reserves.get("fixed", ZERO)),
            "rewardBal": shown(self.account.credited.get((coin.name, "reward"), ZERO)),
            "frpType": "" if self.mode == "futures" else "0",
            "clSpotInUseAmt": (most or "") if self.portfolio else "",
            "maxSpotInUse": shown(self.portfolio.most(coin.name)) if self.portfolio else "",
            "colRes": "0", "colBorrAutoConversion": "0",
            "collateralRestrict": self.account.raised.get(("colRes", coin.name)) == "2",
            "autoLendStatus": lend, "autoLendMtAmt": "0",
        }

    def max_loan(self, coin: Coin) -> str:
        quota = number(rules.ASSETS[coin.name].get("borrow_quota", "0"))
        left = positive(quota - coin.liability - coin.isolated_debt)
        return shown(min(left, positive(self.available) * rules.BORROW["leverage"] / coin.price))


def prices(chance: Chance, mode: str) -> Round:
    return okx_cases.prices(chance)


def generate(chance: Chance, name: str, mode: str) -> Case:
    return okx_cases.generate(chance, name, mode)


def statement(book: Ledger, account: Account, query: str, mode: str, now: int) -> dict:
    """The whole body."""
    balance = Balance(book, account, mode)
    wanted = [name for name in query.partition("ccy=")[2].split(",") if name]
    listed = [coin for coin in balance.coins if (coin.cash or coin.equity or coin.frozen)
              and (not wanted or coin.name in wanted)]
    listed.sort(key=lambda coin: -coin.equity * coin.price)
    details = [dict(sorted(balance.coin_fields(coin).items())) for coin in listed]
    fields = balance.account_fields(now) | {"details": details}
    return {"code": "0", "data": [dict(sorted(fields.items()))], "msg": ""}
