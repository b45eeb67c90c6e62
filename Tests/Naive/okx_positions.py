"""`account/positions` and `account-position-risk` of OKX, from `docs/venues/okx.md`."""

from __future__ import annotations

import typing
from fractions import Fraction

import okx
import okx_margin
import okx_rules as rules
from crypto_com_live import ANYTHING
from exact import cut, half_even, half_up, number, plain
from ledger import ZERO, Account, Ledger, Position

EMPTY = (
    "availPos", "baseBal", "baseBorrowed", "baseInterest", "bePx", "bizRefId", "bizRefType", "clSpotInUseAmt",
    "deltaBS", "deltaPA", "fee", "fundingFee", "gammaBS", "gammaPA", "hedgedPos", "imr", "interest", "liab",
    "liabCcy", "liqPenalty", "margin", "maxSpotInUseAmt", "nonSettleAvgPx", "optVal",
    "pendingCloseOrdLiabVal", "pnl", "posCcy", "quoteBal", "quoteBorrowed", "quoteInterest", "realizedPnl",
    "settledPnl", "spotInUseAmt", "spotInUseCcy", "thetaBS", "thetaPA", "tradeId", "usdPx", "vegaBS",
    "vegaPA")


def left_over(book: Ledger, account: Account, mode: str, position: Position, mark: Fraction) -> Fraction:
    """What backs a cross position less what it must not fall to, at a mark, while all else stands still."""
    name = position.instrument
    was, book.marks[name] = book.marks[name], mark
    try:
        if mode == "futures":
            currency = position.currency if position.on_margin else book.instruments[name].settle
            coin = okx.Coin(book, account, mode, currency)
            return coin.backing - coin.maintenance - coin.fees
        balance = okx.Balance(book, account, mode)
        return balance.adjusted - balance.maintenance - balance.fees
    finally:
        book.marks[name] = was


def price_like(value: Fraction) -> bool:
    return 0 < value < rules.PRICE_LIMIT


def isolated_liquidation(book: Ledger, account: Account, position: Position) -> str:
    """Where the margin and the profit are just the maintenance margin and the fee of liquidating, then one
    tick back; 16 digits, and no more than 16 of them behind the point."""
    rule = rules.RULES["instruments"][position.instrument]
    rate = rules.maintenance_rate(position.instrument, position.quantity) + okx.taker(book, position)
    size = position.quantity * number(rule["value"])
    paid, margin = book.cost_of(position), okx.isolated_margin(book, account, position)
    if rule.get("payoff") == "inverse":
        # margin + paid - size / price = |size| / price * rate
        above, below = size + abs(size) * rate, margin + paid
    else:
        # margin + size * price - paid = |size| * price * rate
        above, below = paid - margin, size - abs(size) * rate
    if not below or not price_like(above / below):
        return ""
    ticks = number(rules.MARGIN["liquidation_price"]["isolated_ticks"]) * number(rule["tick"])
    price = above / below + (ticks if size > 0 else -ticks)
    if price <= 0:
        return ""
    whole = len(str(int(price))) if price >= 1 else 0
    return plain(half_up(price, max(0, 16 - whole)))


def liquidation(book: Ledger, account: Account, mode: str, position: Position) -> typing.Callable | str:
    """`liqPx` to 8 places, or the tick's: liquidated there, not yet one step nearer to the mark; the mark
    itself where it is so already; "" where no mark does it."""
    if position.isolated:
        return isolated_liquidation(book, account, position)
    mark = book.marks[position.instrument]
    tick = rules.RULES["instruments"][position.instrument]["tick"].partition(".")[2]
    step = Fraction(1, 10 ** max(8, len(tick)))
    long = position.quantity > 0
    # prices may move before it is asked
    left = [left_over(book, account, mode, position, price)
            for price in (mark, step if long else mark * 2 ** 20)]

    def holds(served: object) -> bool:
        if left[0] <= 0:
            return served == okx.shown(mark)
        if served == "":
            return left[1] > 0
        price = number(str(served))
        inside = price + step if long else price - step
        return (price / step).denominator == 1 and left_over(
            book, account, mode, position, price) <= 0 < left_over(book, account, mode, position, inside)

    return holds


def earnings(position: Position) -> Fraction:
    """What a position has realised, with its funding and the fees of its fills."""
    return position.realised + position.funding - position.fees


def break_even(book: Ledger, position: Position) -> Fraction:
    """The price at which closing at the taker fee pays back everything."""
    instrument = book.instruments[position.instrument]
    face = abs(position.quantity) * instrument.value
    fee, long = okx.taker(book, position), position.quantity > 0
    paid, earned = abs(book.cost_of(position)), earnings(position)
    if instrument.kind == "inverse":
        return face * (1 + fee) / (paid + earned) if long else face * (1 - fee) / (paid - earned)
    return (paid - earned) / (face * (1 - fee)) if long else (paid + earned) / (face * (1 + fee))


def available(account: Account, position: Position) -> str:
    """`availPos`: of a side of hedge mode what no order waits to close."""
    if not position.side:
        return ""
    closing = "sell" if position.side == "long" else "buy"
    waiting = sum((order.quantity for order in account.orders.values()
                   if order.instrument == position.instrument and order.side == closing
                   and order.position_side == position.side and order.isolated == position.isolated), ZERO)
    return okx.shown(max(ZERO, abs(position.quantity) - waiting))


def row(book: Ledger, account: Account, mode: str, position: Position, balance: okx.Balance) -> dict:
    instrument = book.instruments[position.instrument]
    mark, lever = book.marks[instrument.name], okx.leverage(book, account, instrument.name, position.side)
    pnl = book.unrealized(position)
    entry = abs(book.cost_of(position))
    initial = okx.initial_margin(book, account, position)
    maintenance = okx.maintenance_margin(book, position)
    even = break_even(book, position)
    in_use = {}
    if balance.portfolio and not position.isolated:
        in_use = {"clSpotInUseAmt": account.raised.get(("clSpotInUseAmt", instrument.base), ""),
                  "maxSpotInUseAmt": okx.shown(balance.portfolio.most(instrument.base)),
                  "spotInUseAmt": okx.shown(balance.portfolio.in_use(instrument.base)),
                  "spotInUseCcy": instrument.base}
    if position.isolated:
        fee = okx.coin_value(book, position) * okx.taker(book, position)
        ratio = (okx.isolated_margin(book, account, position) + pnl) / (maintenance + fee)
    elif mode == "futures":
        coin = next(coin for coin in balance.coins if coin.name == instrument.settle)
        ratio = coin.futures_ratio
    else:
        denominator = balance.maintenance + balance.fees
        ratio = balance.adjusted / denominator if denominator else None
        if balance.portfolio:
            maintenance = balance.portfolio.margin(instrument.base, balance.portfolio.units[instrument.base])
            initial = maintenance * number(rules.PORTFOLIO["imr_factor"])
    average = position.cost / position.quantity
    if instrument.kind == "inverse":
        average = book.inverse_entry(position)
    last = book.last(instrument.name)
    at_last = book.unrealized(position, last)

    def earned(profit: Fraction) -> str:
        return okx.shown(profit * lever / entry) if entry else ""

    return dict.fromkeys(EMPTY, "") | {
        "adl": "1", "availPos": available(account, position),
        "avgPx": okx.shown(average), "bePx": okx.shown(even) if price_like(even) else "",
        "cTime": ANYTHING, "ccy": instrument.settle, "closeOrderAlgo": [],
        "fee": okx.shown(-position.fees), "liqPenalty": "0", "fundingFee": okx.shown(position.funding),
        "idxPx": okx.shown(book.index[instrument.base] / index(book, instrument.quote)),
        "imr": "" if position.isolated else okx.shown(initial), "instId": instrument.name,
        "instType": instrument.family, "last": okx.shown(last), "lever": okx.shown(lever),
        "liqPx": liquidation(book, account, mode, position),
        "margin": okx.shown(position.wallet) if position.isolated else "", "markPx": okx.shown(mark),
        "mgnMode": "isolated" if position.isolated else "cross",
        "mgnRatio": "" if ratio is None else okx.shown(ratio), "mmr": okx.shown(maintenance),
        "notionalUsd": okx.shown(okx.usd_notional(book, position)), "pnl": okx.shown(position.realised),
        "pos": okx.shown(abs(position.quantity) if position.side else position.quantity), "posId": ANYTHING,
        "tradeId": ANYTHING,
        "posSide": position.side or "net", "realizedPnl": okx.shown(earnings(position)),
        "uTime": ANYTHING, "upl": okx.shown(pnl), "uplLastPx": okx.shown(at_last), "uplRatio": earned(pnl),
        "uplRatioLastPx": earned(at_last), "usdPx": okx.shown(book.index[instrument.settle]),
    } | in_use


def margin_row(
    book: Ledger, account: Account, mode: str, held: okx_margin.Held, balance: okx.Balance
) -> dict:
    """A spot pair on margin."""
    mark, lever = book.marks[held.instrument], okx.leverage(book, account, held.instrument, None)
    profit, initial = held.profit(mark), held.coins(mark) / lever
    last = book.last(held.instrument)
    at_last = held.profit(last)
    if held.isolated:
        ratio = (held.wallet + profit) / (held.maintenance(mark) + held.fee(mark))
    else:
        ratio = next(coin for coin in balance.coins if coin.name == held.currency).futures_ratio
    backing = held.wallet if held.isolated else initial
    def earned(amount: Fraction) -> str:
        return okx.shown(amount / backing) if backing else ""

    coin, amount = held.has
    base, quote = held.pair
    return dict.fromkeys(EMPTY, "") | {
        "adl": "1", "availPos": okx.shown(amount), "avgPx": okx.shown(held.paid / held.bought),
        "cTime": ANYTHING, "ccy": held.currency, "closeOrderAlgo": [],
        "idxPx": okx.shown(index(book, base) / index(book, quote)),
        "imr": "" if held.isolated else okx.shown(initial), "instId": held.instrument, "instType": "MARGIN",
        "interest": "0", "last": okx.shown(last), "lever": okx.shown(lever),
        "liab": okx.shown(-held.owes[1]), "liabCcy": held.owes[0],
        "liqPx": held.liquidation if held.isolated else liquidation(book, account, mode, held),
        "margin": okx.shown(held.wallet) if held.isolated else "", "markPx": okx.shown(mark),
        "mgnMode": "isolated" if held.isolated else "cross",
        "mgnRatio": "" if ratio is None else okx.shown(ratio), "mmr": okx.shown(held.maintenance(mark)),
        "notionalUsd": okx.shown(abs(amount) * index(book, coin)), "pendingCloseOrdLiabVal": "0",
        "pos": okx.shown(amount), "posCcy": coin, "posId": ANYTHING, "posSide": "net", "uTime": ANYTHING,
        "tradeId": ANYTHING,
        "upl": okx.shown(profit), "uplLastPx": okx.shown(at_last), "uplRatio": earned(profit),
        "uplRatioLastPx": earned(at_last),
    }


def margin_risk(book: Ledger, held: okx_margin.Held) -> dict:
    coin, amount = held.has
    return {
        "baseBal": "", "ccy": held.currency, "instId": held.instrument, "instType": "MARGIN",
        "mgnMode": "isolated" if held.isolated else "cross", "notionalCcy": okx.shown(abs(held.base)),
        "notionalUsd": okx.shown(abs(amount) * index(book, coin)), "pos": okx.shown(amount), "posCcy": coin,
        "posId": ANYTHING, "posSide": "net", "quoteBal": "", "uly": ANYTHING,
    }


def index(book: Ledger, asset: str) -> Fraction:
    """USD itself has no price but the rulebook's."""
    return book.index.get(asset) or number(rules.ASSETS[asset]["reference_index"])


def risk(book: Ledger, position: Position) -> dict:
    instrument = book.instruments[position.instrument]
    size = position.quantity * instrument.value
    if instrument.kind == "inverse":
        size /= book.marks[instrument.name]
    return {
        "baseBal": "", "ccy": instrument.settle, "instId": instrument.name, "instType": instrument.family,
        "mgnMode": "isolated" if position.isolated else "cross", "notionalCcy": okx.shown(abs(size)),
        "notionalUsd": okx.shown(okx.usd_notional(book, position)),
        "pos": okx.shown(abs(position.quantity) if position.side else position.quantity), "posCcy": "",
        "posId": ANYTHING, "posSide": position.side or "net", "quoteBal": "", "uly": ANYTHING,
    }


def used(book: Ledger, account: Account, balance: okx.Balance) -> list[okx.Coin]:
    """Currencies that were ever held, then those of positions, then what open orders pay with."""
    names = list(account.held)
    names += [book.instruments[position.instrument].settle for position in account.open_positions()]
    for order in account.orders.values():
        instrument = book.instruments[order.instrument]
        sold = instrument.kind == "spot" and order.side == "sell"
        names.append(instrument.base if sold else instrument.settle)
    coins = {coin.name: coin for coin in balance.coins}
    return [coins[name] for name in dict.fromkeys(names)]


def neighbours(book: Ledger, account: Account, mode: str, now: int) -> dict[str, typing.Any]:
    balance = okx.Balance(book, account, mode)
    positions = [position for position in account.positions.values() if position.quantity]
    rows = [dict(sorted((margin_row if position.on_margin else row)(
        book, account, mode, position, balance).items())) for position in positions]
    listed = used(book, account, balance)
    coins = [{"ccy": coin.name,
              "disEq": "" if mode == "futures" else okx.shown(coin.discounted_equity(account)),
              "eq": okx.shown(coin.equity)}
             for coin in listed if coin.cash or coin.equity]
    snapshot = {
        "adjEq": "" if mode == "futures" else okx.shown(balance.adjusted), "balData": coins,
        "posData": [(margin_risk if position.on_margin else risk)(book, position)
                    for position in positions], "ts": str(now)}
    limits = []
    for coin in listed:
        most = plain(cut(balance.withdrawable(coin), 16))
        limits.append({"ccy": coin.name, "maxWd": most, "maxWdEx": most, "spotOffsetMaxWd": "",
                       "spotOffsetMaxWdEx": ""})
    bodies = {"positions": rows, "account-position-risk": [snapshot], "max-withdrawal": limits}
    return {f"/api/v5/account/{name}": {"code": "0", "data": data, "msg": ""}
            for name, data in bodies.items()}
