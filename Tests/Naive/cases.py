"""What the generators of the four venues share: random amounts, prices of a round, and the list of
commands."""

from __future__ import annotations

import dataclasses
import random
import typing

from exact import number, plain


@dataclasses.dataclass
class Round:
    """Prices that a batch of cases shares: what holds while the commands are applied, and what holds
    after."""

    before: dict
    after: dict


@dataclasses.dataclass
class Case:
    """One account (or family of accounts) with its commands and the statements to compare."""

    accounts: list[str]
    commands: list[dict]
    queries: list[tuple[str, str]]


class Chance(random.Random):
    """Random choices in the terms of the tests."""

    def amount(self, low: int, high: int, places: int) -> str:
        """A decimal text between `low` and `high` with at most so many places, often fewer."""
        places = self.randint(0, places)
        scale = 10 ** places
        value = self.randint(low * scale, high * scale) or 1
        if not places:
            return str(value)
        digits = str(value).rjust(places + 1, "0")
        text = f"{digits[:-places]}.{digits[-places:]}"
        return text.rstrip("0").rstrip(".") if self.random() < 0.9 else text

    def price(self, reference: str, spread: float = 0.2) -> str:
        """A price near a reference, with five significant digits at most."""
        whole, _, part = reference.partition(".")
        places = len(part) + max(0, 5 - len((whole + part).lstrip("0")))
        units = int(whole + part.ljust(places, "0"))
        value = max(1, units + self.randint(-int(units * spread), int(units * spread)))
        if not places:
            return str(value)
        digits = str(value).rjust(places + 1, "0")
        return f"{digits[:-places]}.{digits[-places:]}"

    def maybe(self, probability: float) -> bool:
        return self.random() < probability


class Script:
    """Collects the commands of one account."""

    def __init__(self, account: str):
        self.account = account
        self.commands: list[dict] = []
        self.orders = 0

    def add(self, type: str, account: str | None = None, **fields: typing.Any) -> None:
        self.commands.append({"type": type, "account": account or self.account} | {
            name: value for name, value in fields.items() if value is not None})

    def open(self, chance: Chance, venue: str, settings: dict) -> None:
        """Opens the account, with its settings or with a command for them afterwards."""
        late = bool(settings) and chance.maybe(0.2)
        self.add("open_account", venue=venue, settings={} if late else settings)
        if late:
            self.add("configure", settings=settings)

    def order(self, **fields: typing.Any) -> str:
        """Places an order, whatever the balance, and gives its id."""
        self.orders += 1
        name = f"o{self.orders}"
        self.add("place_order", order_id=name, force=True, **fields)
        return name

    def fill_order(self, chance: Chance, name: str, **more: typing.Any) -> None:
        """Fills the order placed last, whole or by half, at its price."""
        order = self.commands[-1]
        quantity = order["quantity"]
        if chance.maybe(0.5) and number(quantity) % 2 == 0:
            quantity = plain(number(quantity) / 2)
        fields = {key: order[key] for key in ("instrument", "side", "price", "position_side", "margin_mode")
                  if key in order}
        self.add("fill", quantity=quantity, order_id=name, **fields, **more)
