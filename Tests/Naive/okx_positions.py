"""`account/positions` and `account-position-risk` of OKX, from the sheet's section 1.2 and the decisions."""

from __future__ import annotations

import typing
from fractions import Fraction

import okx
import okx_rules as rules
from crypto_com_live import ANYTHING
from exact import cut, half_up, number, plain
from ledger import Account, Ledger, Position

EMPTY = (
    "availPos", "baseBal", "baseBorrowed", "baseInterest", "bePx", "bizRefId", "bizRefType", "clSpotInUseAmt",
    "deltaBS", "deltaPA", "fee", "gammaBS", "gammaPA", "interest", "liab", "liabCcy", "liqPenalty",
    "nonSettleAvgPx", "optVal", "pendingCloseOrdLiabVal", "posCcy", "quoteBal", "quoteBorrowed",
    "quoteInterest", "settledPnl", "spotInUseAmt", "spotInUseCcy", "thetaBS", "thetaPA", "tradeId", "vegaBS",
    "vegaPA")


def left_over(book: Ledger, account: Account, mode: str, position: Position, mark: Fraction) -> Fraction:
    """What backs a cross position less what it must not fall to, at a mark, while all else stands still."""
    name = position.instrument
    was, book.marks[name] = book.marks[name], mark
    try:
        if mode == "futures":
            coin = okx.Coin(book, account, mode, book.instruments[name].settle)
            return coin.cash + coin.cross_pnl - coin.spot_orders - coin.isolated_orders - coin.maintenance \
                - coin.fees
        balance = okx.Balance(book, account, mode)
        return balance.adjusted - balance.maintenance - balance.fees
    finally:
        book.marks[name] = was


def isolated_liquidation(book: Ledger, position: Position) -> str:
    """Where the margin and the profit are just the maintenance margin and the fee of liquidating, then one
    tick back; 16 digits, and no more than 16 of them behind the point."""
    rule = rules.RULES["instruments"][position.instrument]
    rate = rules.maintenance_rate(position.instrument, position.quantity) + okx.taker(book, position)
    size = position.quantity * number(rule["value"])
    paid = book.cost_of(position)
    if rule.get("payoff") == "inverse":
        # margin + paid - size / price = |size| / price * rate
        above, below = size + abs(size) * rate, position.wallet + paid
    else:
        # margin + size * price - paid = |size| * price * rate
        above, below = paid - position.wallet, size - abs(size) * rate
    if not below or above / below <= 0:
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
        return isolated_liquidation(book, position)
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


def row(book: Ledger, account: Account, mode: str, position: Position, balance: okx.Balance) -> dict:
    instrument = book.instruments[position.instrument]
    mark, lever = book.marks[instrument.name], okx.leverage(book, account, instrument.name, position.side)
    pnl = book.unrealized(position)
    entry = abs(book.cost_of(position))
    initial = okx.initial_margin(book, account, position)
    maintenance = okx.maintenance_margin(book, position)
    if position.isolated:
        fee = okx.coin_value(book, position) * okx.taker(book, position)
        ratio = (position.wallet + pnl) / (maintenance + fee)
    elif mode == "futures":
        coin = next(coin for coin in balance.coins if coin.name == instrument.settle)
        ratio = coin.futures_ratio
    else:
        denominator = balance.maintenance + balance.fees
        ratio = balance.adjusted / denominator if denominator else None
        if balance.portfolio:
            maintenance = balance.portfolio.margin(instrument.base, balance.portfolio.units[instrument.base])
            initial = maintenance * number(rules.PORTFOLIO["imr_factor"])
    average = (position.quantity / position.cost if instrument.kind == "inverse" else position.cost
               / position.quantity)
    earned = "" if not entry else okx.shown(pnl * lever / entry)
    return dict.fromkeys(EMPTY, "") | {
        "adl": "1", "avgPx": okx.shown(average), "cTime": ANYTHING, "ccy": instrument.settle,
        "closeOrderAlgo": [], "fundingFee": okx.shown(position.funding),
        "idxPx": okx.shown(book.index[instrument.base] / index(book, instrument.quote)),
        "imr": "" if position.isolated else okx.shown(initial), "instId": instrument.name,
        "instType": instrument.family, "last": okx.shown(mark), "lever": okx.shown(lever),
        "liqPx": liquidation(book, account, mode, position),
        "margin": okx.shown(position.wallet) if position.isolated else "", "markPx": okx.shown(mark),
        "mgnMode": "isolated" if position.isolated else "cross",
        "mgnRatio": "" if ratio is None else okx.shown(ratio), "mmr": okx.shown(maintenance),
        "notionalUsd": okx.shown(okx.usd_notional(book, position)), "pnl": okx.shown(position.realised),
        "pos": okx.shown(abs(position.quantity) if position.side else position.quantity), "posId": ANYTHING,
        "posSide": position.side or "net", "realizedPnl": okx.shown(position.realised + position.funding),
        "uTime": ANYTHING, "upl": okx.shown(pnl), "uplLastPx": okx.shown(pnl), "uplRatio": earned,
        "uplRatioLastPx": earned, "usdPx": okx.shown(book.index[instrument.settle]),
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
    positions = account.open_positions()
    rows = [dict(sorted(row(book, account, mode, position, balance).items())) for position in positions]
    listed = used(book, account, balance)
    coins = [{"ccy": coin.name,
              "disEq": "" if mode == "futures" else okx.shown(coin.discounted_equity(account)),
              "eq": okx.shown(coin.equity)}
             for coin in listed if coin.cash or coin.equity]
    snapshot = {
        "adjEq": "" if mode == "futures" else okx.shown(balance.adjusted), "balData": coins,
        "posData": [risk(book, position) for position in positions], "ts": str(now)}
    limits = []
    for coin in listed:
        most = plain(cut(balance.withdrawable(coin), 16))
        limits.append({"ccy": coin.name, "maxWd": most, "maxWdEx": most, "spotOffsetMaxWd": "",
                       "spotOffsetMaxWdEx": ""})
    bodies = {"positions": rows, "account-position-risk": [snapshot], "max-withdrawal": limits}
    return {f"/api/v5/account/{name}": {"code": "0", "data": data, "msg": ""}
            for name, data in bodies.items()}
