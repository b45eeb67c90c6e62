"""The rules of OKX from the rulebook's data: contracts, position tiers, discount tiers, rates."""

from __future__ import annotations

import json
import pathlib
from fractions import Fraction

from exact import ONE, ZERO, number, up
from ledger import Instrument

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Sources" / "OKX" / "Rulebook"


def merged() -> dict:
    """The newest rulebook: the first one whole, then what each later one amends, key by key."""
    rules: dict = {}
    for path in sorted(FOLDER.glob("okx-*.json")):
        later = json.loads(path.read_text())
        if not later.get("amends"):
            rules = later
            continue
        for part in ("margin", "portfolio", "position_tiers", "assets", "instruments"):
            for name, value in later.get(part, {}).items():
                old = rules.setdefault(part, {}).get(name)
                both = isinstance(old, dict) and isinstance(value, dict)
                rules[part][name] = old | value if both else value
    return rules


RULES = merged()
ASSETS: dict[str, dict] = RULES["assets"]
MARGIN = RULES["margin"]
PORTFOLIO = RULES["portfolio"]
DEFAULT_LEVERAGE = number(MARGIN["default_leverage"])
BORROW = {name: number(value) for name, value in MARGIN["borrow"].items()}
ORDER_FEE = number(MARGIN["order_fee_rate"])
TRADE_TAKER = number(MARGIN["trade_fee"]["derivative"]["taker"])
PRICE_LIMIT = 10 ** 15  # a choice of docs/venues/okx.md: prices from here on are none
TAKER = {name: number(value) for name, value in MARGIN["taker_rate"].items()}


def instruments() -> dict[str, Instrument]:
    """`family` is the product type: SPOT, SWAP or FUTURES."""
    found = {}
    for name, rule in RULES["instruments"].items():
        base, quote = name.split("-")[:2]
        if rule["type"] == "SPOT":
            found[name] = Instrument(name, "spot", base, quote, quote, ONE, "SPOT")
            continue
        inverse = rule.get("payoff") == "inverse"
        found[name] = Instrument(name, "inverse" if inverse else "linear", base, quote, base if inverse
                                 else quote,
                                 number(rule["value"]), rule["type"])
    return found


INSTRUMENTS = instruments()


def tier_rate(table: dict, size: Fraction) -> Fraction:
    """The mmr of the tier that a size falls into; beyond the last tier, that one's."""
    top = rate = ZERO
    for edge, mmr, _ in table["tiers"]:
        top, rate = number(edge), number(mmr)
        if size <= top:
            return rate
    then = table["then"]
    for _ in range(then["count"]):
        top, rate = top + number(then["size"]), rate + number(then["mmr"])
        if size <= top:
            break
    return rate


def maintenance_rate(name: str, contracts: Fraction) -> Fraction:
    """The mmr of the tier that the whole position's size falls into: up to and with the tier's largest
    size."""
    rule = RULES["instruments"][name]
    table = RULES["position_tiers"][rule["tiers"]]
    return tier_rate(table, abs(contracts) / number(rule["tier_unit"]))


def loan_rate(pair: str, coin: str, owed: Fraction) -> Fraction:
    """The mmr of the tier that a margin position's debt falls into: multiples of the coin's quota."""
    table = RULES["position_tiers"][MARGIN["margin_trading"]["tiers"]]
    quotas = MARGIN["margin_trading"]["base_quotas" if pair.startswith(coin + "-") else "quote_quotas"]
    return tier_rate(table, owed / (number(quotas) * number(ASSETS[coin]["borrow_quota"])))


def hourly(coin: str, owed: Fraction) -> Fraction:
    """Interest of an hour, up at 16 places."""
    return up(owed * number(ASSETS[coin]["borrow_rate"]) / 24, 16)


def discounted(asset: str, equity: Fraction, price: Fraction) -> Fraction:
    """USD: a positive equity by its tiers, each part at its own rate, nothing beyond the last; a negative
    one whole."""
    if equity <= 0:
        return equity * price
    rule = ASSETS[asset]
    in_coin = rule["discount_unit"] == "coin"
    size = equity if in_coin else equity * price
    total = below = ZERO
    for edge, rate in rule["discount_tiers"]:
        top = size if edge == "" else min(size, number(edge))
        total += max(ZERO, top - below) * number(rate)
        below = max(below, top)
        if below >= size:
            break
    return total * price if in_coin else total


def per_coin(table: dict, asset: str) -> Fraction:
    """A portfolio rate of a coin, or the default."""
    return number(table.get(asset, table["default"]))


def minimum_charge(raw: Fraction) -> Fraction:
    """MR7: the raw charge in tiers, each increment with its own multiplier."""
    total = below = ZERO
    for edge, factor in PORTFOLIO["mr7_tiers"]:
        top = raw if edge == "" else min(raw, number(edge))
        total += max(ZERO, top - below) * number(factor)
        below = max(below, top)
        if below >= raw:
            break
    return total
