"""The balances of Rails in the documented profile, from the page Get Account Balances and
`docs/venues/rails.md`."""

from __future__ import annotations

import json
import pathlib
from fractions import Fraction

from cases import Case, Chance, Round, Script
from exact import ZERO, cut, half_even, number, plain
from ledger import Account, Instrument, Ledger, Position

VENUE = "rails"
MODES = ("documented",)
LIVE_MODES = ("live",)
LIVE_MAINTENANCE = number("0.1")  # the later pages: 10 % of index × |quantity|
MAINTENANCE = number("0.03")  # "total positions × 3% (maintenance margin rate)"
FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Sources" / "Rails" / "Rulebook"
RULES = json.loads((FOLDER / "rails-2024-01-01.json").read_text())


def ledger() -> Ledger:
    instruments = {
        name: Instrument(name, "linear", rule["base"], rule["quote"], rule["settle"])
        for name, rule in RULES["instruments"].items()}
    return Ledger(VENUE, instruments, number("1"))


# Figures


def orders_of(account: Account, market: str, side: str) -> tuple[Fraction, Fraction]:
    """Notional and quantity of the open orders of one side."""
    orders = [order for order in account.orders.values() if order.instrument == market and order.side == side]
    return sum((order.quantity * order.price for order in orders), ZERO), sum(
        (order.quantity for order in orders), ZERO)


def position_of(account: Account, market: str) -> tuple[Fraction, Fraction]:
    """Signed quantity and signed cost."""
    position = account.positions.get((market, None))
    return (position.quantity, position.cost) if position else (ZERO, ZERO)


def pool(account: Account) -> list[Position]:
    """The open positions of the cross pool."""
    return [position for position in account.open_positions() if not position.isolated]


def isolated(account: Account, market: str) -> Position | None:
    """The isolated position of a market, which has a pool of its own."""
    position = account.positions.get((market, None))
    return position if position and position.quantity and position.isolated else None


def held(account: Account) -> Fraction:
    """What isolated positions hold."""
    return sum((position.wallet for position in account.open_positions() if position.isolated), ZERO)


def total_unrounded(account: Account) -> Fraction:
    """deposit − withdraw − withdrawFees − fees + Σ positionPnl + Σ funding; transfers count as one or the
    other."""
    moved = account.deposited.get("USD", ZERO) - account.withdrawn.get("USD", ZERO) + account.transferred.get(
        "USD", ZERO) - account.withdraw_fees.get("USD", ZERO)
    return moved + sum((market.pnl + market.funding - market.fees for market in account.markets.values()),
                       ZERO)


def liquidation_price(ledger: Ledger, account: Account, market: str) -> str:
    """The index price of this market at which equity meets maintenance while the others stand still; of an
    isolated position, at which its own do."""
    quantity, cost = position_of(account, market)
    if not quantity:
        return "0"
    alone = isolated(account, market)
    if alone:
        required = MAINTENANCE * abs(cost) - alone.wallet
    else:
        others = sum((ledger.unrealized(position) for position in pool(account)
                      if position.instrument != market), ZERO)
        required = maintenance(account) - (total_unrounded(account) - held(account)) - others
    price = (required + cost) / quantity
    return plain(cut(price, 18)) if price > 0 else "0"


def maintenance(account: Account) -> Fraction:
    """Positions of the cross pool at cost × 3 %, no digit dropped."""
    return MAINTENANCE * sum((abs(position.cost) for position in pool(account)), ZERO)


def live_market_leverage(account: Account, name: str) -> Fraction:
    return account.leverage_of(name, None, number(account.settings.get("leverage", "1")))


def value_of(ledger: Ledger, account: Account, name: str) -> Fraction:
    """index × |quantity|."""
    return abs(position_of(account, name)[0]) * ledger.marks[name]


def live_order_margin(account: Account) -> Fraction:
    """Σ notional ÷ leverage of the orders that add exposure: reduce-only ones do not, those against the
    position are exempt, oldest first, up to its size."""
    exempt = {position.instrument: position.quantity for position in account.open_positions()}
    total = ZERO
    for order in account.orders.values():
        if order.reduce_only:
            continue
        held, rest = exempt.get(order.instrument, ZERO), order.quantity
        if held > 0 and order.side == "sell" or held < 0 and order.side == "buy":
            against = min(abs(held), rest)
            exempt[order.instrument] = held - against if held > 0 else held + against
            rest -= against
        total += rest * order.price / live_market_leverage(account, order.instrument)
    return total


def live_liquidation_price(ledger: Ledger, account: Account, name: str) -> str:
    """Equity meets 10 % of index × |quantity| while the other markets stand still; of an isolated position,
    its own equity."""
    quantity, cost = position_of(account, name)
    if not quantity:
        return "0"
    alone = isolated(account, name)
    if alone:
        required = -alone.wallet
    else:
        others = [position for position in pool(account) if position.instrument != name]
        kept = LIVE_MAINTENANCE * sum((value_of(ledger, account, other.instrument) for other in others), ZERO)
        profits = sum((ledger.unrealized(other) for other in others), ZERO)
        required = kept - (total_unrounded(account) - held(account)) - profits
    price = (required + cost) / (quantity - LIVE_MAINTENANCE * abs(quantity))
    return plain(cut(price, 18)) if price > 0 else "0"


def live(ledger: Ledger, account: Account, body: dict) -> dict:
    """The later rules over the documented body: signed positions, margins at the index, wrapped."""
    for name, row in body["marketBalancesMap"].items():
        quantity, cost = position_of(account, name)
        value = value_of(ledger, account, name)
        alone = isolated(account, name)
        margin = alone.wallet if alone else value / live_market_leverage(account, name)
        row |= {"position": plain(cost), "positionQuantity": plain(quantity),
                "liquidationPrice": live_liquidation_price(ledger, account, name),
                "margin": plain(cut(margin, 18)),
                "maintenanceMargin": plain(cut(LIVE_MAINTENANCE * value, 18))}
    crossed = [position.instrument for position in pool(account)]
    margin = sum(
        (value_of(ledger, account, name) / live_market_leverage(account, name) for name in crossed), ZERO)
    kept = LIVE_MAINTENANCE * sum((value_of(ledger, account, name) for name in crossed), ZERO)
    profit = sum((ledger.unrealized(position) for position in pool(account)), ZERO)
    equity = total_unrounded(account) - held(account) + profit
    body["availableBalance"] = plain(cut(equity - margin - live_order_margin(account), 8))
    margin += held(account)
    body["margin"] = account.raised.get(("margin", None)) or plain(cut(margin, 18))
    body["maintenanceMargin"] = account.raised.get(("maintenanceMargin", None)) or plain(cut(kept, 8))
    return {"balances": body}


def market_row(ledger: Ledger, account: Account, name: str, leverage: Fraction) -> dict:
    market = account.markets.get(name)
    quantity, cost = position_of(account, name)
    buy, buy_quantity = orders_of(account, name, "buy")
    sell, sell_quantity = orders_of(account, name, "sell")
    pnl, funding, volume, fees, liquidation = (
        market.pnl, market.funding, market.volume, market.fees,
        market.liquidation_fees) if market else [ZERO] * 5
    alone = isolated(account, name)
    margin = (buy + sell) / leverage + (alone.wallet if alone else abs(cost) / leverage)
    return {
        "position": plain(abs(cost)), "positionQuantity": plain(abs(quantity)),
        "liquidationPrice": liquidation_price(ledger, account, name),
        "openBuy": plain(half_even(buy, 18)), "openBuyQty": plain(buy_quantity),
        "openSell": plain(half_even(sell, 18)), "openSellQty": plain(sell_quantity),
        "pnl": plain(cut(pnl, 8)), "positionPnl": plain(pnl),
        "funding": plain(funding), "positionFunding": plain(funding),
        "volume": plain(volume), "fees": plain(cut(fees, 8)), "liquidationFees": plain(cut(liquidation, 8)),
        "margin": plain(cut(margin, 18)),
        "maintenanceMargin": plain(cut(MAINTENANCE * abs(cost), 18)),
    }


def statement(ledger: Ledger, account: Account, query: str, mode: str, now: int) -> dict:
    """The whole body."""
    leverage = number(account.settings.get("leverage", "1"))
    markets = list(account.markets.values())
    total = cut(total_unrounded(account), 8)
    raised = account.raised.get(("maintenanceMargin", None))
    kept = number(raised) if raised else cut(maintenance(account), 8)
    transferred = account.transferred.get("USD", ZERO)
    exposure = sum((abs(position.cost) for position in pool(account)), ZERO) + sum(
        (order.quantity * order.price for order in account.orders.values()), ZERO)
    margin = account.raised.get(("margin", None)) or plain(
        cut(exposure / leverage + held(account), 18))
    promo = account.raised.get(("promoCredit", None)) or plain(account.credited.get(("USD", "promo"), ZERO))
    names = list(account.markets)
    for order in account.orders.values():
        if order.instrument not in names:
            names.append(order.instrument)
    wanted = query.partition("market=")[2]
    body = {
        "totalBalance": plain(total),
        "availableBalance": plain(total - kept - cut(held(account), 8)),
        "deposit": plain(account.deposited.get("USD", ZERO) + max(ZERO, transferred)),
        "withdraw": plain(account.withdrawn.get("USD", ZERO) + max(ZERO, -transferred)),
        "withdrawFees": plain(account.withdraw_fees.get("USD", ZERO)),
        "fees": plain(cut(sum((market.fees for market in markets), ZERO), 8)),
        "pnl": plain(cut(sum((market.pnl for market in markets), ZERO), 8)),
        "funding": plain(cut(sum((market.funding for market in markets), ZERO), 8)),
        "volume": plain(sum((market.volume for market in markets), ZERO)),
        "margin": margin,
        "maintenanceMargin": plain(kept),
        "leverage": plain(leverage),
        "promoCredit": promo,
        "marketBalancesMap": {
            name: market_row(ledger, account, name, leverage) for name in names if wanted in ("", name)},
    }
    return live(ledger, account, body) if mode == "live" else body


# Generated accounts


def prices(chance: Chance, mode: str) -> Round:
    def drawn() -> dict:
        return {"type": "prices", "venue": VENUE, "marks": {
            name: chance.price(rule["reference_index"]) for name, rule in RULES["instruments"].items()}}
    return Round(drawn(), drawn())


def generate(chance: Chance, name: str, mode: str) -> Case:
    script = Script(name)
    settings = {"leverage": chance.choice("12345")} if chance.maybe(0.7) else {}
    script.open(chance, VENUE, settings)
    accounts = [name]
    for _ in range(chance.randint(1, 3)):
        script.add("deposit", asset="USD", amount=chance.amount(0, 1_000_000, 8))
    markets = chance.sample(sorted(RULES["instruments"]), chance.randint(0, 4))
    for market in markets:
        kind = {}
        if chance.maybe(0.3):
            kind = {"margin_mode": "isolated"}
            script.add("set_margin_mode", instrument=market, **kind)
        if mode == "live" and chance.maybe(0.4):
            script.add("set_leverage", instrument=market, leverage=chance.choice("12345"))
        trade(chance, script, market, kind)
    if chance.maybe(0.3):
        script.add("withdraw", asset="USD", amount=chance.amount(0, 2000, 8), fee=chance.amount(0, 20, 8),
                   force=True)
    if chance.maybe(0.2):
        script.add("credit", asset="USD", amount=chance.amount(1, 500, 2), purpose="promo")
    if chance.maybe(0.1):
        script.add("raise", flag=chance.choice(["margin", "maintenanceMargin", "promoCredit"]),
                   value=chance.amount(1, 5000, 8).rstrip("0").rstrip(".") or "1")
    if chance.maybe(0.15):
        family(chance, script, accounts)
    if chance.maybe(0.1):
        script.add("configure", settings={"leverage": "5"})
    queries = [(account, "") for account in accounts]
    if markets and chance.maybe(0.2):
        queries.append((name, f"?market={chance.choice(sorted(RULES['instruments']))}"))
    return Case(accounts, script.commands, queries)


def family(chance: Chance, script: Script, accounts: list[str]) -> None:
    """A sub-account, and money both ways."""
    child = f"{script.account}-sub"
    accounts.append(child)
    script.add("open_account", account=child, venue=VENUE, parent=script.account)
    script.add("transfer", to=child, asset="USD", amount=chance.amount(1, 900, 6), force=True)
    if chance.maybe(0.5):
        script.add("transfer", account=child, to=script.account, asset="USD", amount=chance.amount(1, 900, 6),
                   force=True)


def trade(chance: Chance, script: Script, market: str, kind: dict) -> None:
    """Fills that open, add, reduce, close and flip; funding; orders; all of one margin mode."""
    reference = RULES["instruments"][market]["reference_index"]
    size = max(1, int(20_000 / float(reference)))
    held = False
    if chance.maybe(0.25):
        script.add("import_position", instrument=market, entry_price=chance.price(reference),
                   quantity=("-" if chance.maybe(0.5) else "") + chance.amount(1, size, 3), **kind,
                   isolated_wallet=chance.amount(1, 9000, 9) if kind else None)
        held = True
    for _ in range(chance.randint(0, 5)):
        script.add("fill", instrument=market, side=chance.choice(["buy", "sell"]),
                   quantity=chance.amount(0, size, 4), price=chance.price(reference),
                   fee=chance.amount(0, 9, 10) if chance.maybe(0.8) else None,
                   liquidation=True if chance.maybe(0.1) else None, **kind)
        held = True
    if held and chance.maybe(0.4):
        # The position may be flat by chance; then the server refuses funding, so one lot more is bought
        # before.
        script.add("fill", instrument=market, side="buy", quantity="0.00001", price=chance.price(reference),
                   **kind)
        if chance.maybe(0.5):
            rate = chance.choice(["0.0001", "-0.000275", "0.00001234"])
            script.add("funding", instrument=market, rate=rate)
        else:
            script.add("funding", instrument=market, amount="-" * chance.randint(0, 1)
                       + chance.amount(0, 30, 12))
    for _ in range(chance.choice([0, 0, 1, 2])):
        order = script.order(instrument=market, side=chance.choice(["buy", "sell"]),
                             quantity=chance.amount(0, size, chance.choice([3, 3, 16])), **kind,
                             price=chance.price(reference), reduce_only=True if chance.maybe(0.1) else None)
        if chance.maybe(0.2):
            script.add("cancel_order", order_id=order)
        elif len(script.commands[-1]["quantity"]) < 10 and chance.maybe(0.3):
            script.fill_order(chance, order, fee="0.123456789")
    if kind and held and chance.maybe(0.3):
        # Flat positions hold nothing, so one lot more is bought before; and what is put in must be free.
        script.add("fill", instrument=market, side="buy", quantity="0.0000123", price=chance.price(reference),
                   **kind)
        script.add("deposit", asset="USD", amount="3000000")
        script.add("adjust_isolated_margin", instrument=market, amount=chance.amount(1, 300, 6))
