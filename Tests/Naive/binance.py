"""The account of Binance USDⓈ-M Futures, version 3, from the venue's document and `docs/venues/binance.md`.

`cut8` stands where the documents cut: to 8 places toward zero, position rows first, then each
conversion.
"""

from __future__ import annotations

import json
import pathlib
from fractions import Fraction

import binance_cases
from cases import Case, Chance, Round
from exact import ONE, ZERO, cut, half_up, number, padded, positive, up
from ledger import Account, Instrument, Ledger, Order

VENUE = "binance"
MODES = ("single", "multi", "hedge", "credits")
FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Sources" / "Binance" / "Rulebook"


def merged() -> dict:
    """The newest rulebook: the first whole, then what each later one amends."""
    rules: dict = {}
    for path in sorted(FOLDER.glob("binance-*.json")):
        later = json.loads(path.read_text())
        if not later.get("amends"):
            rules = later
            continue
        rules["account"] |= later.get("account", {})
        for part in ("assets", "instruments"):
            for name, value in later.get(part, {}).items():
                rules[part][name] = rules[part].get(name, {}) | value
    return rules


RULES = merged()
ASSETS: dict[str, dict] = RULES["assets"]
DEFAULT_LEVERAGE = number(RULES["account"]["default_leverage"])
CREDITS = "BNFCR"


def pooled(account: Account) -> bool:
    """Whether all margin assets back all positions: multi-assets mode, which credits mode always is."""
    return bool(account.settings.get("multi_assets") or account.settings.get("credits_mode"))


def counts(account: Account, asset: str) -> bool:
    """Whether an asset counts as margin; credits do in credits mode alone."""
    if asset == CREDITS and not account.settings.get("credits_mode"):
        return False
    return ASSETS[asset]["margin_available"]


class Exchanging(Ledger):
    """A ledger that also exchanges what the venue does by itself in multi-assets mode, settles contracts in
    credits where the account has them, and keeps one leverage per symbol."""

    def settled_in(self, account: Account, instrument: Instrument) -> str:
        return CREDITS if account.settings.get("credits_mode") else instrument.settle

    def on_set_leverage(self, command: dict) -> None:
        account = self.accounts[command["account"]]
        account.leverage[(command["instrument"], None)] = number(command["leverage"])

    def on_import_position(self, command: dict) -> None:
        super().on_import_position(command)
        if "leverage" in command:
            account = self.accounts[command["account"]]
            account.leverage.pop((command["instrument"], command.get("position_side")))
            self.on_set_leverage(command)

    def on_auto_exchange(self, command: dict) -> str:
        account = self.accounts[command["account"]]
        if not pooled(account):
            return "rejected"
        debts = due(self, account, bool(command.get("liquidation")))
        done = [fill_up(self, account, debt) for debt in debts]
        return "applied" if any(done) else "rejected"


def margin_wallets(account: Account) -> dict[str, Fraction]:
    """Cash of the margin assets of which there is some, in the rulebook's order."""
    return {name: account.cash[name] for name in ASSETS if counts(account, name) and account.cash.get(name)}


def due(book: Ledger, account: Account, liquidated: bool) -> list[str]:
    """The assets that others are exchanged into: below their threshold; or negative after a liquidation, or
    where nothing is open and loan ÷ value has reached the limit, each wallet in USD as the totals have it."""
    wallets = margin_wallets(account)
    loan = value = ZERO
    for asset, cash in wallets.items():
        bid, ask = rates(book, asset)
        loan -= min(cut8(cash * ask), ZERO)
        value += max(cut8(cash * bid), ZERO)
    limit = number(RULES["account"]["auto_exchange_loan_to_value"])
    bare = not account.open_positions() and not account.orders
    everything = liquidated or bare and loan > 0 and loan >= limit * value
    above_vip_1 = account.raised.get(("feeTier", None), 0) > 1
    thresholds = {}
    for asset in wallets:
        usual = ASSETS[asset].get("auto_exchange_threshold")
        thresholds[asset] = ASSETS[asset].get("auto_exchange_threshold_vip", usual) if above_vip_1 else usual
    return [asset for asset, cash in wallets.items()
            if cash < 0 and (everything or thresholds[asset] and cash < number(thresholds[asset]))]


def fill_up(book: Ledger, account: Account, debt: str) -> bool:
    """Exchanges what others have, each the same part of it, into an asset: sold rounded up, bought cut."""
    def rate(asset: str, side: str) -> Fraction:
        buffer = number(ASSETS[asset][f"auto_exchange_{side}_buffer"])
        return cut8(book.index[asset] * (ONE - buffer if side == "bid" else ONE + buffer))
    givers = {asset: cash for asset, cash in margin_wallets(account).items() if cash > 0}
    worth = sum((cash * rate(asset, "bid") for asset, cash in givers.items()), ZERO)
    deficit = -account.cash[debt]
    cost = deficit * rate(debt, "ask")
    if not rate(debt, "ask"):  # nothing is given for what is worth nothing
        return False
    bought = deficit if worth >= cost else cut8(worth / rate(debt, "ask"))
    if not bought:
        return False
    for asset, cash in givers.items():
        account.add(asset, -(cash if worth <= cost else min(cash, up(cash * cost / worth, 8))))
    account.add(debt, bought)
    return True


def ledger() -> Ledger:
    return Exchanging(VENUE, {
        name: Instrument(name, "linear", rule["base"], rule["quote"], rule["settle"])
        for name, rule in RULES["instruments"].items()}, DEFAULT_LEVERAGE)


def prices(chance: Chance, mode: str) -> Round:
    return binance_cases.prices(chance, RULES)


def generate(chance: Chance, name: str, mode: str) -> Case:
    return binance_cases.generate(chance, name, mode, RULES)


def cut8(value: Fraction) -> Fraction:
    return cut(value, 8)


def eight(value: Fraction) -> str:
    return padded(value, 8)


def eight_or_zero(value: Fraction) -> str:
    return padded(value, 8) if value else "0"


# Positions


def maintenance(symbol: str, notional: Fraction) -> Fraction:
    """|notional| × mmr − cum of the bracket with floor < |notional| ≤ cap; cum grows by floor × (mmr − mmr
    before)."""
    size, floor, before, cum = abs(notional), ZERO, ZERO, ZERO
    for cap, _, rate in RULES["instruments"][symbol]["brackets"]:
        cum += floor * (number(rate) - before)
        before = number(rate)
        if size <= number(cap):
            break
        floor = number(cap)
    return cut8(size * before - cum)


def initial_margin(exposure: Fraction, leverage: Fraction) -> Fraction:
    """Exposure × (1 ÷ leverage, rounded up to 8 places), to 8 places as the rulebook has it."""
    rounding = {"cut": cut, "half_up": half_up}[RULES["account"]["initial_margin_rounding"]]
    return rounding(exposure * up(ONE / leverage, 8), 8)


def closes(order: Order) -> bool:
    """Whether an order can only reduce: it says so, or it is the closing one of a hedge side. Takes no
    margin."""
    return order.reduce_only or (order.position_side, order.side) in (("long", "sell"), ("short", "buy"))


class Row:
    """A symbol, or one side of it in hedge mode, with a position or open orders."""

    def __init__(self, book: Ledger, account: Account, symbol: str, side: str | None):
        position = account.positions.get((symbol, side))
        if position is not None and not position.quantity:
            position = None
        self.symbol, self.side = symbol, side
        self.asset = book.settled_in(account, book.instruments[symbol])
        self.quantity = position.quantity if position else ZERO
        orders = [order for order in account.orders.values()
                  if order.instrument == symbol and order.position_side == side]
        self.isolated = position.isolated if position else any(order.isolated for order in orders)
        self.wallet = position.wallet if position else ZERO
        self.touched = symbol in account.touched
        mark = book.marks[symbol]
        leverage = account.leverage_of(symbol, side, DEFAULT_LEVERAGE)
        self.notional = cut8(self.quantity * mark)
        self.cost, self.fees, self.realised = (
            (position.cost, position.fees, position.realised) if position else (ZERO, ZERO, ZERO))
        self.profit = cut8(self.quantity * (mark - cut8(self.cost / self.quantity))) if position else ZERO
        self.position_margin = initial_margin(abs(self.notional), leverage)
        self.maintenance = maintenance(symbol, self.notional)
        buys, sells = (sum((order.quantity * order.price for order in orders
                            if order.side == way and not closes(order)), ZERO) for way in ("buy", "sell"))
        need = max(abs(self.notional + buys), abs(self.notional - sells), abs(self.notional))
        self.order_margin = initial_margin(need, leverage) - self.position_margin

    @property
    def isolated_margin(self) -> Fraction:
        return self.wallet + self.profit if self.isolated and self.quantity else ZERO

    def fields(self, time: int) -> dict:
        places = RULES["instruments"][self.symbol]["quantity_precision"]
        return {
            "symbol": self.symbol,
            "positionSide": {"long": "LONG", "short": "SHORT", None: "BOTH"}[self.side],
            "positionAmt": padded(self.quantity, places), "unrealizedProfit": eight(self.profit),
            "isolatedMargin": eight_or_zero(self.isolated_margin),
            "notional": eight_or_zero(self.notional), "isolatedWallet": eight_or_zero(self.wallet),
            "initialMargin": eight_or_zero(self.position_margin + self.order_margin),
            "maintMargin": eight_or_zero(self.maintenance), "updateTime": time if self.touched else 0,
        }


def position_rows(book: Ledger, account: Account) -> list[Row]:
    keys = {(position.instrument, position.side) for position in account.open_positions()}
    keys |= {(order.instrument, order.position_side) for order in account.orders.values()}
    return [Row(book, account, *key) for key in sorted(keys, key=lambda key: (key[0], key[1] or ""))]


# Assets

FIELDS = ("walletBalance", "unrealizedProfit", "marginBalance", "maintMargin", "initialMargin",
          "positionInitialMargin", "openOrderInitialMargin", "crossWalletBalance", "crossUnPnl",
          "availableBalance",
          "maxWithdrawAmount")


def asset_figures(account: Account, rows: list[Row], asset: str) -> dict[str, Fraction]:
    """The row of an asset in its own units, as single-asset mode has it."""
    own = [row for row in rows if row.asset == asset]
    cross = [row for row in own if not row.isolated]
    isolated_orders = sum((row.order_margin for row in own if row.isolated), ZERO)
    cash = account.cash.get(asset, ZERO)
    wallet = cash + sum((row.wallet for row in own), ZERO)
    profit = sum((row.profit for row in own), ZERO)
    position_margin = sum((row.position_margin for row in own), ZERO)
    order_margin = sum((row.order_margin for row in own), ZERO)
    cross_profit = sum((row.profit for row in cross), ZERO)
    free = cash + cross_profit - sum(
        (row.position_margin + row.order_margin for row in cross), ZERO) - isolated_orders
    kept = cash - isolated_orders - sum((row.maintenance for row in cross), ZERO)
    return dict(zip(FIELDS, (
        wallet, profit, wallet + profit, sum((row.maintenance for row in own), ZERO),
        position_margin + order_margin, position_margin, order_margin, cash, cross_profit,
        positive(free), positive(min(kept, free)))))


TOTALS = {
    "totalInitialMargin": "initialMargin", "totalMaintMargin": "maintMargin",
    "totalWalletBalance": "walletBalance",
    "totalUnrealizedProfit": "unrealizedProfit", "totalMarginBalance": "marginBalance",
    "totalPositionInitialMargin": "positionInitialMargin",
    "totalOpenOrderInitialMargin": "openOrderInitialMargin",
    "totalCrossWalletBalance": "crossWalletBalance", "totalCrossUnPnl": "crossUnPnl",
}
OWED = {"initialMargin", "maintMargin", "positionInitialMargin", "openOrderInitialMargin"}


def rates(book: Ledger, asset: str) -> tuple[Fraction, Fraction]:
    """Bid and ask rate: index less or plus its buffer, cut to 8 places before use."""
    rule, index = ASSETS[asset], book.index[asset]
    return cut8(index * (ONE - number(rule["bid_buffer"]))), cut8(index * (ONE + number(rule["ask_buffer"])))


def convert_all(
    book: Ledger, account: Account, figures: dict[str, dict[str, Fraction]]
) -> dict[str, Fraction]:
    """Totals in USD over margin assets, then what is available, and the same pool in each asset's row."""
    totals = dict.fromkeys(TOTALS, ZERO)
    for asset, row in figures.items():
        if not counts(account, asset):
            continue
        bid, ask = rates(book, asset)
        for total, field in TOTALS.items():
            value = row[field]
            totals[total] += cut8(value * (ask if field in OWED or value < 0 else bid))
    available = positive(totals["totalMarginBalance"] - totals["totalInitialMargin"])
    kept = totals["totalCrossWalletBalance"] - totals["totalMaintMargin"]
    for asset, row in figures.items():
        if counts(account, asset):
            ask = rates(book, asset)[1]
            row["availableBalance"] = cut8(available / ask) if ask else ZERO
            row["maxWithdrawAmount"] = positive(min(row["walletBalance"], row["availableBalance"]))
    return totals | {"availableBalance": available, "maxWithdrawAmount": positive(min(kept, available))}


def statement(book: Ledger, account: Account, query: str, mode: str, now: int) -> dict:
    """The whole body."""
    multi = pooled(account)
    rows = position_rows(book, account)
    figures = {}
    for asset, rule in ASSETS.items():
        always = counts(account, asset) if multi else rule.get("single_asset_row", False)
        used = account.cash.get(asset, ZERO) or any(row.asset == asset for row in rows)
        if always or used:
            figures[asset] = asset_figures(account, rows, asset)
    if multi:
        totals = convert_all(book, account, figures)
    else:
        usdt = figures["USDT"]
        totals = {total: usdt[field] for total, field in TOTALS.items()}
        totals |= {name: usdt[name] for name in ("availableBalance", "maxWithdrawAmount")}
    assets = []
    for asset, row in figures.items():
        shown: dict = {"asset": asset} | {name: eight(value) for name, value in row.items()}
        if multi:
            shown["marginAvailable"] = counts(account, asset)
        assets.append(shown | {"updateTime": book.time if asset in account.touched else 0})
    return {name: eight(value) for name, value in totals.items()} | {
        "assets": assets, "positions": [row.fields(book.time) for row in rows]}
