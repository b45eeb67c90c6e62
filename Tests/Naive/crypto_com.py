"""The balances of Crypto.com Exchange in the documented profile, from the two pages of balances and
`docs/venues/crypto-com.md`."""

from __future__ import annotations

import json
import pathlib
from fractions import Fraction

import crypto_com_cases
from cases import Case, Chance, Round
from exact import ONE, ZERO, cut, number, padded, plain, positive, up
from ledger import Account, Instrument, Ledger, Position

VENUE = "crypto-com"
MODES = ("documented",)
LIVE_MODES = ("live",)
FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Sources" / "CryptoCom" / "Rulebook"
RULES = json.loads((FOLDER / "crypto-com-2023-10-31.json").read_text())
for _name, _rule in json.loads((FOLDER / "crypto-com-2026-01-08.json").read_text())["assets"].items():
    RULES["assets"][_name] |= _rule  # the later version names what it changes
ASSETS: dict[str, dict] = RULES["assets"]
DEFAULTS: dict[str, str] = RULES["risk_defaults"]
PRODUCT = {"perpetual": "perps", "future": "futures"}


def ledger() -> Ledger:
    instruments = {
        name: Instrument(name, "spot" if rule["kind"] == "spot" else "linear", rule["base"], rule["quote"],
                         rule["quote"], ONE, rule["kind"])
        for name, rule in RULES["instruments"].items()}
    return Ledger(VENUE, instruments, number(DEFAULTS["default_max_product_leverage_for_perps"]))


def prices(chance: Chance, mode: str) -> Round:
    return crypto_com_cases.prices(chance, RULES)


def generate(chance: Chance, name: str, mode: str) -> Case:
    return crypto_com_cases.generate(chance, name, RULES)


# Rows


class Row:
    """One token of an account: quantities in the token, values in USD."""

    def __init__(self, book: Ledger, account: Account, name: str, live: bool = False):
        rule = ASSETS[name]
        self.name, self.price = name, ONE if name == "USD" else book.index[name]
        self.quantity = account.cash.get(name, ZERO)
        self.sells = self.locked = ZERO
        for order in account.orders.values():
            instrument = book.instruments[order.instrument]
            if instrument.kind == "spot" and order.side == "sell" and instrument.base == name:
                self.sells += order.quantity
            if instrument.kind == "spot" and order.side == "buy" and instrument.quote == name:
                self.locked += order.quantity * order.price
        self.reserved = account.reserved.get((name, "reserved"), ZERO) + self.sells
        self.tied = self.reserved + self.locked
        self.eligible = "minimum_haircut" in rule and (rule.get("is_collateral")
                                                       or "collateral_cap_notional" in rule)
        raised = account.raised.get(("haircut", name))
        self.rate = ZERO if not self.eligible else number(raised or rule["minimum_haircut"])
        self.cash = self.quantity * self.price
        # Recorded in 2023: the value of collateral is of what no order holds. A token that is none keeps its
        # whole value but for what buy orders take, and so does everything in the documented form.
        held = self.tied if live and self.eligible else self.locked
        self.value = (self.quantity - held) * self.price
        cap = rule.get("collateral_cap_notional")
        self.margin = self.value  # a debt counts in full, an eligible value up to its cap
        self.shown_rate = self.rate
        if self.value < 0:  # a debt has no haircut, but a raised one is shown
            self.rate, self.shown_rate = ZERO, number(raised or "0")
        else:
            self.margin = ZERO if not self.eligible else self.value
            if self.eligible and cap is not None:
                self.margin = min(self.value, number(cap))
        self.haircut = self.margin * self.rate
        self.collateral = self.margin - self.haircut

    @property
    def listed(self) -> bool:
        return bool(self.quantity or self.reserved or self.locked)

    @property
    def withdrawable(self) -> Fraction:
        return positive(self.quantity - self.tied)

    def fields(self, sub_account: bool) -> dict:
        found = {
            "instrument_name": self.name, "quantity": at_least_eight(self.quantity),
            "market_value": padded(cut(self.value, 8), 8), "collateral_eligible": "true" if self.eligible
            else "false",
            "haircut": padded(cut(self.shown_rate, 8), 8) if sub_account else plain(self.shown_rate),
            "collateral_amount": padded(cut(self.collateral, 8), 8),
            "max_withdrawal_balance": padded(cut(self.withdrawable, 8), 8),
            "reserved_qty": at_least_eight(self.reserved),
        }
        if sub_account:
            del found["reserved_qty"]
        return found


def at_least_eight(value: Fraction) -> str:
    """As held, with eight places at least."""
    text = plain(value)
    return padded(value, 8) if len(text.partition(".")[2]) <= 8 else text


# Positions


def product_leverage(underlying: str, products: set[str]) -> Fraction:
    """The largest leverage of an underlying's products, the strictest where several meet."""
    rule = ASSETS[underlying]
    return min(number(rule.get(f"max_product_leverage_for_{name}") or DEFAULTS[
        f"default_max_product_leverage_for_{name}"]) for name in products)


class Exposure:
    """Cross positions and open orders on one underlying, all at mark: net, buys and sells in USD and in
    coin."""

    def __init__(self) -> None:
        self.net = self.buys = self.sells = self.net_size = self.buy_size = self.sell_size = ZERO
        self.products: set[str] = set()

    def add_position(self, instrument: Instrument, position: Position, mark: Fraction) -> None:
        self.products.add(PRODUCT[instrument.family])
        self.net += position.quantity * mark
        self.net_size += position.quantity

    def add_order(self, side: str, size: Fraction, mark: Fraction) -> None:
        if side == "buy":
            self.buys, self.buy_size = self.buys + size * mark, self.buy_size + size
        else:
            self.sells, self.sell_size = self.sells + size * mark, self.sell_size + size

    def margin(self, underlying: str) -> Fraction:
        """Notional of the worse side × min(1, max(1 ÷ product leverage, unit margin rate × multiplier ×
        size))."""
        notional = max(abs(self.net + self.buys), abs(self.net - self.sells))
        size = max(abs(self.net_size + self.buy_size), abs(self.net_size - self.sell_size))
        rule = ASSETS[underlying]
        leverage = product_leverage(underlying, self.products)
        multiplier = max(number(DEFAULTS[f"default_umr_multiplier_for_{name}"]) for name in self.products)
        unit = number(rule.get("unit_margin_rate") or DEFAULTS["default_unit_margin_rate"])
        return notional * min(ONE, max(1 / leverage, unit * multiplier * size))


def exposures(book: Ledger, account: Account) -> dict[str, Exposure]:
    found: dict[str, Exposure] = {}
    for position in cross(account):
        instrument = book.instruments[position.instrument]
        one = found.setdefault(instrument.base, Exposure())
        one.add_position(instrument, position, book.marks[instrument.name])
    for order in account.orders.values():
        instrument = book.instruments[order.instrument]
        if instrument.kind != "spot" and not order.reduce_only and not order.isolated:
            one = found.setdefault(instrument.base, Exposure())
            one.products.add(PRODUCT[instrument.family])
            one.add_order(order.side, order.quantity, book.marks[instrument.name])
    return found


def cross(account: Account) -> list[Position]:
    return [position for position in account.open_positions() if not position.isolated]


def order_exposure(book: Ledger, account: Account) -> Fraction:
    """What open orders could add: for each underlying the worse side beyond the net position, and spot
    sells at the index; reduce-only orders do not count."""
    total = sum((max(abs(one.net + one.buys), abs(one.net - one.sells), abs(one.net)) - abs(one.net)
                 for one in exposures(book, account).values()), ZERO)
    for order in account.orders.values():
        instrument = book.instruments[order.instrument]
        if instrument.kind == "spot" and order.side == "sell":
            total += order.quantity * (ONE if instrument.base == "USD" else book.index[instrument.base])
    return total


# The account


def session_profit(account: Account) -> Fraction:
    return sum((market.session_pnl for market in account.markets.values()), ZERO)


def size_of(book: Ledger, account: Account) -> Fraction:
    """Σ |quantity| × mark of cross positions."""
    marks = book.marks
    return sum((abs(position.quantity) * marks[position.instrument] for position in cross(account)), ZERO)


def fee_reserve_rate(account: Account) -> Fraction:
    """Live: the liquidation fee and the account's taker fee."""
    own = account.settings.get("fees", {}).get("derivative", {}).get("taker")
    return number(RULES["liquidation_fee_rate"]) + number(own or RULES["fees"]["derivative"]["taker"])


def rows_of(book: Ledger, account: Account, live: bool = False) -> list[Row]:
    found = [Row(book, account, name, live) for name in names(book, account)]
    return [row for row in found if row.listed]


def available(book: Ledger, account: Account, live: bool = False) -> Fraction:
    """Margin balance less initial margin, with all its digits."""
    rows = rows_of(book, account, live)
    unrealized = sum((book.unrealized(position) for position in cross(account)), ZERO)
    if live:
        unrealized -= size_of(book, account) * fee_reserve_rate(account)
    margins = sum((one.margin(name) for name, one in exposures(book, account).items()), ZERO)
    return sum((row.margin - row.haircut for row in rows), ZERO) + unrealized - margins


def account_object(book: Ledger, account: Account, sub_account: bool) -> dict:
    """The object of one account; a sub-account's has its id and lacks the fields that came later."""
    rows = rows_of(book, account)
    positions = cross(account)
    unrealized = sum((book.unrealized(position) for position in positions), ZERO)
    margin = sum((row.margin for row in rows), ZERO) + unrealized
    position_margin = sum((one.margin(name) for name, one in exposures(book, account).items()), ZERO)
    haircut = sum((row.haircut for row in rows), ZERO)
    initial = position_margin + haircut
    size = size_of(book, account)
    liquidating = account.raised.get(("is_liquidating", None), margin < initial / 2)
    limit = account.raised.get(("position_limit", None), account.settings.get("position_limit", "3000000"))
    figures = {
        "total_available_balance": cut(margin - initial, 8), "total_margin_balance": cut(margin, 8),
        "total_initial_margin": up(initial, 8), "total_position_im": up(position_margin, 8),
        "total_haircut": up(haircut, 8), "total_maintenance_margin": up(initial / 2, 8),
        "total_position_cost": cut(sum((abs(book.cost_of(position)) for position in positions), ZERO), 8),
        "total_cash_balance": cut(sum((row.cash for row in rows), ZERO), 8),
        "total_collateral_value": cut(sum((row.collateral for row in rows), ZERO), 8),
        "total_session_unrealized_pnl": cut(unrealized, 8), "instrument_name": None,
        "total_session_realized_pnl": cut(session_profit(account), 8),
        "is_liquidating": None,
        "total_effective_leverage": cut(size / margin, 8) if margin > 0 else ZERO,
        "position_limit": cut(number(limit), 8),
        "used_position_limit": up(size + order_exposure(book, account), 8),
    }
    fields = {name: value if value is None else padded(value, 8) for name, value in figures.items()}
    fields |= {"instrument_name": "USD", "is_liquidating": liquidating}
    fields["position_balances"] = [row.fields(sub_account) for row in rows]
    if not sub_account:
        return fields
    order = ["total_available_balance", "total_margin_balance", "total_initial_margin",
             "total_maintenance_margin",
             "total_position_cost", "total_cash_balance", "total_collateral_value",
             "total_session_unrealized_pnl",
             "total_session_realized_pnl", "total_effective_leverage", "position_limit",
             "used_position_limit",
             "is_liquidating", "position_balances"]
    return {"account": account.name, "instrument_name": "USD"} | {name: fields[name] for name in order}


def names(book: Ledger, account: Account) -> list[str]:
    """Tokens in the order in which money in them first moved, then those of open orders."""
    found = list(account.cash)
    for order in account.orders.values():
        instrument = book.instruments[order.instrument]
        if instrument.kind == "spot":
            found.append(instrument.base if order.side == "sell" else instrument.quote)
    return list(dict.fromkeys(found))


def statement(book: Ledger, account: Account, query: str, mode: str, now: int) -> dict:
    """The whole body; -1 stands where a request without an id gets its echo."""
    method = query.partition("method=")[2] or "private/user-balance"
    if mode == "live":
        import crypto_com_live

        form = crypto_com_live.account_object
    else:
        form = account_object
    if method == "private/user-balance":
        data = [form(book, account, False)]
    else:
        data = [form(book, one, True) for one in book.accounts.values() if one.parent == account.name]
    return {"id": -1, "method": method, "code": 0, "result": {"data": data}}
