"""The live form of Crypto.com's balances: newer fields, another order and print form, another position
limit."""

from __future__ import annotations

from fractions import Fraction

from crypto_com import (
    Exposure, Row, cross, exposures, fee_reserve_rate, order_exposure, product_leverage, rows_of,
    session_profit, size_of)
from exact import ZERO, cut, half_up, number, padded, plain, positive, up
from ledger import Account, Ledger, Position

ANYTHING = "(anything)"  # an identifier that the venue makes up
TAIL = ("total_effective_leverage", "position_limit", "used_position_limit", "total_borrow", "is_liquidating",
        "has_risk", "terminatable")


def stripped(value: Fraction) -> str:
    """At most eight places, cut, no zeros at the end."""
    return plain(cut(value, 8), 8)


def row_fields(row: Row) -> dict:
    return {
        # What buy orders hold of USD was recorded beside `reserved_qty`, of USDT in it.
        "quantity": plain(row.quantity), "reserved_qty": plain(
            up(row.reserved if row.name == "USD" else row.tied, 18)),
        "collateral_amount": stripped(row.collateral), "haircut": plain(row.shown_rate),
        "collateral_eligible": row.eligible, "market_value": stripped(row.value),
        "max_withdrawal_balance": stripped(row.withdrawable),
        "instrument_name": row.name, "hourly_interest_rate": "0",
    }


def sum_of_printed(amounts: list[str]) -> str:
    """The sum of the rows as printed, with as many places as the longest of them."""
    total = sum((number(amount) for amount in amounts), ZERO)
    places = max((len(amount.partition(".")[2]) for amount in amounts), default=0)
    return padded(total, places) if total else "0"


def figures(margin: Fraction, initial: Fraction, position_margin: Fraction, haircut: Fraction,
            maintenance: Fraction,
            used: Fraction, limit: Fraction) -> dict:
    """What the cross pool and an isolated position have in common."""
    return {
        "total_risk_exposure": plain(up(used, 8)), "total_available_balance": stripped(margin - initial),
        "total_margin_balance": stripped(margin), "total_initial_margin": plain(up(initial, 8)),
        "total_haircut": padded(up(haircut, 8), 8) if haircut else "0",
        "total_position_im": plain(up(position_margin, 8)),
        "total_maintenance_margin": plain(up(maintenance, 8)),
        "total_effective_leverage": plain(half_up(used / margin, 6)) if margin > 0 else "0",
        "position_limit": stripped(positive(limit)), "used_position_limit": plain(up(used, 8)),
        "is_liquidating": margin < maintenance, "has_risk": True,
    }


def isolated(book: Ledger, account: Account, position: Position) -> dict:
    """An isolated position: a margin account of its own."""
    instrument = book.instruments[position.instrument]
    mark = book.marks[instrument.name]
    notional = abs(position.quantity) * mark
    own = Exposure()
    own.add_position(instrument, position, mark)
    default = min(number(account.settings.get("max_leverage", "20")),
                  product_leverage(instrument.base, own.products))
    leverage = account.leverage_of(instrument.name, None, default)
    unrealized = book.unrealized(position)
    margin = position.wallet + unrealized - fee_reserve_rate(account) * notional
    position_margin = own.margin(instrument.base)
    initial = max(position_margin, notional / leverage)
    cash = stripped(position.wallet)
    common = figures(margin, initial, position_margin, ZERO, position_margin / 2, notional, leverage * margin)
    row = {
        "quantity": plain(position.wallet), "reserved_qty": "0", "collateral_amount": cash, "haircut": "0",
        "collateral_eligible": True, "market_value": cash,
        "max_withdrawal_balance": stripped(positive(min(position.wallet, margin - initial))),
        "instrument_name": "USD", "hourly_interest_rate": "0",
    }
    head = {"isolation_id": ANYTHING, "leverage": plain(leverage), "isolation_type": "ISOLATED_MARGIN"}
    first = {name: value for name, value in common.items() if name not in TAIL}
    middle = {
        "total_position_cost": stripped(abs(book.cost_of(position))), "total_cash_balance": cash,
        "total_collateral_value": cash, "total_session_unrealized_pnl": stripped(unrealized),
        "instrument_name": "USD", "total_session_realized_pnl": "0",
        "position_balances": [row] if position.wallet else [], "credit_limits": [],
    }
    last = common | {"total_borrow": stripped(positive(-position.wallet)), "terminatable": False}
    return head | first | middle | {name: last[name] for name in TAIL}


def account_object(book: Ledger, account: Account, sub_account: bool) -> dict:
    rows = rows_of(book, account, live=True)
    positions = cross(account)
    unrealized = sum((book.unrealized(position) for position in positions), ZERO)
    size = size_of(book, account)
    margin = sum((row.margin for row in rows), ZERO) + unrealized - fee_reserve_rate(account) * size
    position_margin = sum((one.margin(name) for name, one in exposures(book, account).items()), ZERO)
    haircut = sum((row.haircut for row in rows), ZERO)
    initial = position_margin + haircut
    held = sum((abs(row.value) for row in rows if row.eligible and row.name != "USD"), ZERO)
    limit = number(account.settings.get("max_leverage", "20")) * margin
    common = figures(margin, initial, position_margin, haircut, initial / 2,
                     size + order_exposure(book, account) + held, limit)
    common["has_risk"] = bool(account.open_positions())
    common |= {name: value for (name, asset), value in account.raised.items() if asset is None}
    printed = [row_fields(row) for row in rows]
    alone = [position for position in account.open_positions() if position.isolated]
    first = {name: value for name, value in common.items() if name not in TAIL}
    middle = {
        "total_position_cost": stripped(sum((abs(book.cost_of(position)) for position in positions), ZERO)),
        "total_cash_balance": stripped(sum((row.cash for row in rows), ZERO)),
        "total_collateral_value": sum_of_printed([row["collateral_amount"] for row in printed]),
        "total_session_unrealized_pnl": stripped(unrealized), "instrument_name": "USD",
        "total_session_realized_pnl": stripped(session_profit(account)),
        "position_balances": printed, "credit_limits": [],
        "total_isolated_cash_balance": stripped(sum((position.wallet for position in alone), ZERO)),
        "isolated_positions": [isolated(book, account, position) for position in alone],
    }
    useless = any(row.quantity and not row.eligible for row in rows)
    bound = account.orders or account.open_positions() or useless
    last = common | {"terminatable": not bound,
                     "total_borrow": stripped(-sum((min(ZERO, row.cash) for row in rows), ZERO) - sum(
                         (min(ZERO, position.wallet) for position in alone), ZERO))}
    head = {"account": account.name} if sub_account else {}
    return head | first | middle | {name: last[name] for name in TAIL}
