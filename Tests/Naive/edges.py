"""What a venue still accepts and what it refuses: a withdrawal of all that can be withdrawn, an order that
needs all that is free, and one unit of the last place more.

Each edge is worked out on the account as it then is; what is accepted changes it.
"""

from __future__ import annotations

import typing
from fractions import Fraction

import binance
import crypto_com
import okx
import okx_rules
from exact import cut, plain
from ledger import Account, Ledger

CONTRACTS = ("SOL-USDT-SWAP", "DOGE-USDT-SWAP", "ETH-USDT-SWAP", "BTC-USDT-SWAP")
Edge = typing.Callable[[Ledger, Account, str], "tuple[dict, str, Fraction, int] | None"]


def okx_withdrawal(book: Ledger, account: Account, mode: str) -> tuple[dict, str, Fraction, int] | None:
    """All of the first currency of which something can be withdrawn."""
    balance = okx.Balance(book, account, mode)
    for coin in balance.coins:
        if balance.withdrawable(coin) > 0:
            return {"type": "withdraw", "asset": coin.name}, "amount", balance.withdrawable(coin), 18
    return None


def okx_order(book: Ledger, account: Account, mode: str) -> tuple[dict, str, Fraction, int] | None:
    """A purchase with all free USDT in spot mode, else a contract on all free equity."""
    balance = okx.Balance(book, account, mode)
    tether = next((coin for coin in balance.coins if coin.name == "USDT"), None)
    if tether is None:
        return None
    if mode in ("spot", "borrow"):
        order = {"type": "place_order", "instrument": "BTC-USDT", "side": "buy", "price": "1"}
        return order, "quantity", tether.free_balance, 18
    known = account.positions.keys() | account.leverage.keys()
    untouched = (name for name in CONTRACTS if name not in {instrument for instrument, _ in known})
    name = next(untouched, None)
    if name is None:
        return None
    order = {"type": "place_order", "instrument": name, "side": "buy", "price": "123.45"}
    if account.settings.get("hedge"):
        order["position_side"] = "long"
    free = (tether.cash + tether.cross_pnl - tether.in_use if mode == "futures"
            else balance.available / tether.price)
    # Its margin, and the fee that it may have to pay.
    share = 1 / okx.leverage(book, account, name, order.get("position_side")) + okx_rules.TRADE_TAKER
    return order, "quantity", free / (Fraction("123.45") * book.instruments[name].value * share), 18


def binance_withdrawal(book: Ledger, account: Account, mode: str) -> tuple[dict, str, Fraction, int]:
    body = binance.statement(book, account, "", mode, 0)
    row = next(row for row in body["assets"] if row["asset"] == "USDT")
    return {"type": "withdraw", "asset": "USDT"}, "amount", Fraction(row["maxWithdrawAmount"]), 8


def crypto_com_withdrawal(book: Ledger, account: Account, mode: str) -> tuple[dict, str, Fraction, int]:
    """USD, which has no haircut: what is free of it, at most what is available of all."""
    live = mode == "live"
    row = crypto_com.Row(book, account, "USD", live)
    most = min(row.withdrawable, crypto_com.available(book, account, live))
    return {"type": "withdraw", "asset": "USD"}, "amount", most, 18


EDGES: dict[str, tuple[Edge, ...]] = {
    "binance": (binance_withdrawal,), "crypto-com": (crypto_com_withdrawal,),
    "okx": (okx_order, okx_withdrawal)}


def verdicts(
        server: typing.Any, venue: str, book: Ledger, account: Account, mode: str) -> typing.Iterator[tuple]:
    """Each command at an edge, what became of it, and what had to."""
    for edge in EDGES.get(venue, ()):
        found = edge(book, account, mode)
        if found is None or found[2] <= 0:
            continue
        command, field, limit, places = found
        most, unit = cut(limit, places), Fraction(1, 10 ** places)
        for amount, expected in ((most + unit, "rejected"), (most, "applied")):
            if amount <= 0:
                continue
            sent = command | {"account": account.name, field: plain(amount)}
            if command["type"] == "place_order":
                sent["order_id"] = f"edge-{expected}"
            result = server.apply([sent])[0]
            yield sent, result["status"], expected
            if expected == "applied" == result["status"]:
                book.apply(sent)
