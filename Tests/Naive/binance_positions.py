"""`positionRisk` V3 and account V2 of Binance, from `docs/venues/binance.md`."""

from __future__ import annotations

import typing
from fractions import Fraction

import binance
from exact import ONE, ZERO, cut, number, plain
from ledger import Account, Ledger

Brackets = list[tuple[Fraction, Fraction, Fraction]]


def price(value: Fraction) -> str:
    """Trailing zeros stripped, zero "0.0"."""
    return plain(value) if value else "0.0"


def entries(row: binance.Row, account: Account) -> dict[str, str]:
    """Entry price, and the one at which all that the position has cost and brought comes to nothing; cut to
    13 places less the digits before the point, where a 0 is none."""
    if not row.quantity:
        return {"entryPrice": "0.0", "breakEvenPrice": "0.0"}

    def shown(value: Fraction) -> str:
        whole = str(int(abs(value))).lstrip("0")
        return price(cut(value, 13 - len(whole)))
    return {"entryPrice": shown(row.cost / row.quantity),
            "breakEvenPrice": shown((row.cost + row.fees - row.realised) / row.quantity)}


def order_notionals(row: binance.Row, account: Account) -> dict[str, str]:
    own = [order for order in account.orders.values() if not binance.closes(order)
           and (order.instrument, order.position_side) == (row.symbol, row.side)]
    bids, asks = (sum((order.quantity * order.price for order in own if order.side == way), ZERO)
                  for way in ("buy", "sell"))
    return {"bidNotional": binance.eight_or_zero(binance.cut8(bids)),
            "askNotional": binance.eight_or_zero(binance.cut8(asks))}


# Liquidation


def brackets(symbol: str) -> Brackets:
    """Cap, rate and cum of each bracket."""
    found, floor, before, cum = [], ZERO, ZERO, ZERO
    for cap, _, rate in binance.RULES["instruments"][symbol]["brackets"]:
        cum += floor * (number(rate) - before)
        before, floor = number(rate), number(cap)
        found.append((floor, before, cum))
    return found


def required(legs: list, at: Fraction) -> list[tuple[Fraction, Fraction]]:
    """Rate and cum of each leg's bracket at a price; beyond the last cap the last one holds."""
    return [next(((rate, cum) for cap, rate, cum in table if abs(quantity) * at <= cap), table[-1][1:])
            for quantity, _, table in legs]


def solved(balance: Fraction, legs: list, held: list[tuple[Fraction, Fraction]]) -> Fraction | None:
    below = sum((abs(quantity) * rate - quantity for (quantity, _, _), (rate, _) in zip(legs, held)), ZERO)
    above = balance + sum((cum - cost for (_, cost, _), (_, cum) in zip(legs, held)), ZERO)
    return above / below if below else None


def liquidation_price(balance: Fraction, legs: list, mark: Fraction) -> str:
    """Where equity meets maintenance: the solution of each stretch between two brackets' edges that lies
    in it; of several the one nearest to the mark."""
    edges = sorted({cap / abs(quantity) for quantity, _, table in legs for cap, _, _ in table[:-1]})
    found = []
    for low, high in zip([ZERO, *edges], [*edges, None]):
        inside = (low + high) / 2 if high is not None else low + 1
        answer = solved(balance, legs, required(legs, inside))
        if answer is not None and answer > 0 and low <= answer and (high is None or answer <= high):
            found.append(answer)
    if not found:
        return "0"
    best = min(found, key=lambda answer: abs(answer - mark))
    return binance.eight_or_zero(binance.cut8(best))


def backing(book: Ledger, account: Account, rows: list[binance.Row], row: binance.Row) -> Fraction:
    """What backs a symbol's cross positions beside themselves, in their asset."""
    own = [other for other in rows if other.symbol == row.symbol and not other.isolated]
    profit = sum((other.profit for other in own), ZERO)
    kept = sum((other.maintenance for other in own), ZERO)
    if not (binance.pooled(account) and binance.counts(account, row.asset)):
        others = [other for other in rows
                  if other.asset == row.asset and other.symbol != row.symbol and not other.isolated]
        return account.cash.get(row.asset, ZERO) + sum(
            (other.profit - other.maintenance for other in others), ZERO)
    total = ZERO
    for asset in binance.ASSETS:
        if not binance.counts(account, asset):
            continue
        figures = binance.asset_figures(account, rows, asset)
        equity = figures["marginBalance"] - (profit if asset == row.asset else ZERO)
        owed = figures["maintMargin"] - (kept if asset == row.asset else ZERO)
        bid, ask = binance.rates(book, asset)
        total += binance.cut8(equity * (ask if equity < 0 else bid)) - binance.cut8(owed * ask)
    ask = binance.rates(book, row.asset)[1]
    return total / ask if ask else ZERO


def liquidation(book: Ledger, account: Account, rows: list[binance.Row], row: binance.Row) -> str:
    if not row.quantity:
        return "0"
    together = [row] if row.isolated else [
        other for other in rows if other.symbol == row.symbol and not other.isolated and other.quantity]
    legs = [(other.quantity, account.positions[(other.symbol, other.side)].cost, brackets(other.symbol))
            for other in together]
    balance = row.wallet if row.isolated else backing(book, account, rows, row)
    return liquidation_price(balance, legs, book.marks[row.symbol])


# Bodies


def risk(book: Ledger, account: Account, rows: list[binance.Row], row: binance.Row) -> dict:
    fields = row.fields(book.time)
    return {
        "symbol": row.symbol, "positionSide": fields["positionSide"], "positionAmt": fields["positionAmt"],
        **entries(row, account), "markPrice": binance.eight(binance.cut8(book.marks[row.symbol])),
        "unRealizedProfit": fields["unrealizedProfit"],
        "liquidationPrice": liquidation(book, account, rows, row), "isolatedMargin": fields["isolatedMargin"],
        "notional": fields["notional"], "marginAsset": row.asset, "isolatedWallet": fields["isolatedWallet"],
        "initialMargin": fields["initialMargin"], "maintMargin": fields["maintMargin"],
        "positionInitialMargin": binance.eight_or_zero(row.position_margin),
        "openOrderInitialMargin": binance.eight_or_zero(row.order_margin), "adl": 0,
        **order_notionals(row, account), "updateTime": fields["updateTime"],
    }


def neighbours(book: Ledger, account: Account, mode: str, now: int) -> dict[str, typing.Any]:
    rows = binance.position_rows(book, account)
    return {"/fapi/v3/positionRisk": [risk(book, account, rows, row) for row in rows],
            "/fapi/v2/account": account2(book, account, rows, mode, now)}


def account2(book: Ledger, account: Account, rows: list[binance.Row], mode: str, now: int) -> dict:
    """Settings before the totals, and every symbol of the market."""
    body = binance.statement(book, account, "", mode, now)
    multi = binance.pooled(account)
    head = {
        "feeTier": account.raised.get(("feeTier", None), 0),
        "feeBurn": account.settings.get("fee_burn", False),
        "canTrade": True, "canDeposit": True, "canWithdraw": True,
        "updateTime": 0, "multiAssetsMargin": multi, "tradeGroupId": -1}
    assets = []
    for row in body.pop("assets"):
        time = row.pop("updateTime")
        available = binance.counts(account, row["asset"])
        assets.append(row | {"marginAvailable": available, "updateTime": time})
    body.pop("positions")
    sides = ("long", "short") if account.settings.get("hedge") else (None,)
    held = {(row.symbol, row.side): row for row in rows}
    for symbol in book.instruments:
        book.marks.setdefault(symbol, ONE)  # of rows without a position nothing depends on it
    isolated = {row.symbol for row in rows if row.isolated}  # a symbol has one margin type
    every = (held.get((symbol, side)) or binance.Row(book, account, symbol, side)
             for symbol in sorted(book.instruments) for side in sides)
    positions = [position2(book, account, row, row.symbol in isolated) for row in every]
    return head | body | {"assets": assets, "positions": positions}


def position2(book: Ledger, account: Account, row: binance.Row, isolated: bool) -> dict:
    fields = row.fields(book.time)
    leverage = account.leverage_of(row.symbol, row.side, binance.DEFAULT_LEVERAGE)
    table = binance.RULES["instruments"][row.symbol]["brackets"]
    allowed = [cap for cap, most, _ in table if number(str(most)) >= leverage] or [table[0][0]]
    return {
        "symbol": row.symbol, "initialMargin": fields["initialMargin"], "maintMargin": fields["maintMargin"],
        "unrealizedProfit": fields["unrealizedProfit"],
        "positionInitialMargin": binance.eight_or_zero(row.position_margin),
        "openOrderInitialMargin": binance.eight_or_zero(row.order_margin), "leverage": plain(leverage),
        "isolated": isolated, **entries(row, account), "maxNotional": plain(number(allowed[-1])),
        "positionSide": fields["positionSide"], "positionAmt": fields["positionAmt"],
        "notional": fields["notional"], "isolatedWallet": fields["isolatedWallet"],
        "updateTime": fields["updateTime"], **order_notionals(row, account),
    }
