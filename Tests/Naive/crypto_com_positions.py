"""`private/get-positions` of Crypto.com: one row a position, by the venue's documents."""

from __future__ import annotations

import typing
from fractions import Fraction

from crypto_com_live import ANYTHING
from exact import cut, plain
from ledger import Account, Ledger

LISTED = {"perpetual": "PERPETUAL_SWAP", "future": "FUTURE"}


def shown(value: Fraction) -> str:
    return plain(cut(value, 8))


def neighbours(book: Ledger, account: Account, mode: str, now: int) -> dict[str, typing.Any]:
    rows = []
    for position in account.open_positions():
        instrument = book.instruments[position.instrument]
        value = position.quantity * book.marks[instrument.name]
        found = {
            "account_id": ANYTHING, "quantity": plain(position.quantity), "cost": shown(position.cost),
            "open_position_pnl": shown(value - position.opening_cost),
            "open_pos_cost": shown(position.opening_cost),
            "session_pnl": shown(book.unrealized(position)), "update_timestamp_ms": ANYTHING,
            "instrument_name": instrument.name, "type": LISTED[instrument.family],
        }
        if position.isolated:
            found |= {"isolation_id": ANYTHING, "isolation_type": "ISOLATED_MARGIN"}
        rows.append(found)
    return {"private/get-positions": {
        "id": 1, "method": "private/get-positions", "code": 0, "result": {"data": rows}}}
