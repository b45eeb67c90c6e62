"""Amounts, times and commands as the server takes them; what is none is refused by one sentence."""

from __future__ import annotations

import datetime
import decimal
import re
import typing

from marginalia.errors import MarginaliaError

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}

Amount = typing.Union[str, int, decimal.Decimal]
Time = typing.Union[str, int, datetime.datetime]
Command = typing.Dict[str, typing.Any]


def milliseconds(span: str | int | datetime.timedelta) -> int:
    """A span of time in milliseconds: a number of them, a timedelta, or a text such as `8h` or `1h30m`."""
    if isinstance(span, datetime.timedelta):
        return span // datetime.timedelta(milliseconds=1)
    if isinstance(span, int) and not isinstance(span, bool):
        return span
    parts = re.findall(r"(\d+)(ms|[smhdw])", span) if isinstance(span, str) else []
    if not parts or "".join(number + unit for number, unit in parts) != span:
        raise MarginaliaError(f"{span!r} is no span of time: write it like 8h, 1h30m or 500ms.")
    return sum(int(number) * UNITS[unit] for number, unit in parts)


def text(amount: Amount) -> str:
    """An amount as the server takes it. Binary floating point is refused: it is not what was written."""
    if isinstance(amount, decimal.Decimal):
        return format(amount, "f")
    if isinstance(amount, bool) or not isinstance(amount, (str, int)):
        raise MarginaliaError(f'Write the amount {amount!r} as a text, such as "{amount}": a float is not exact.')
    return str(amount)


def moment(time: Time) -> str:
    """A time as the server takes it: ISO 8601, milliseconds since 1970, or a datetime that says its zone."""
    if isinstance(time, datetime.datetime):
        if time.utcoffset() is None:
            raise MarginaliaError(
                f"The time {time.isoformat()} does not say its zone: give the datetime tzinfo=datetime.timezone.utc."
            )
        return time.astimezone(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(time, bool) or not isinstance(time, (str, int)):
        raise MarginaliaError(f'{time!r} is no time: write it like "2026-01-01T00:00:00Z", or give a datetime.')
    return str(time)


def sendable(value: typing.Any) -> typing.Any:
    """What JSON has for a value: Decimals are written as their text, datetimes in ISO 8601."""
    if isinstance(value, decimal.Decimal):
        return text(value)
    if isinstance(value, datetime.datetime):
        return moment(value)
    if isinstance(value, typing.Mapping):
        return {str(key): sendable(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [sendable(part) for part in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise MarginaliaError(f"{value!r} cannot be sent: JSON has texts, numbers, lists and objects.")


def command_row(command: typing.Any, index: int) -> Command:
    """A command as it is sent; its amounts must be exact."""
    if not isinstance(command, typing.Mapping):
        raise MarginaliaError(
            f'Command {index} is {command!r}; write it as a dict, such as {{"type": "deposit", "account": "desk", …}}.'
        )
    if place := _float(command):
        raise MarginaliaError(f"Command {index} ({command.get('type')}), {place}: write it as a text; a float is not exact.")
    return sendable(command)


def _float(value: typing.Any, place: str = "") -> str | None:
    """Where in a value there is a float, and which."""
    if isinstance(value, float):
        return f"{place} {value!r}".strip()
    parts: typing.Iterable = ()
    if isinstance(value, typing.Mapping):
        parts = value.items()
    elif isinstance(value, (list, tuple)):
        parts = enumerate(value)
    found = (_float(part, f"{place}.{name}".lstrip(".")) for name, part in parts)
    return next((one for one in found if one), None)


def amounts(given: typing.Any, example: str) -> dict[str, str]:
    """Amounts by name."""
    if not isinstance(given, typing.Mapping):
        raise MarginaliaError(f"{given!r} is no dict: write {example}.")
    return {name: text(amount) for name, amount in given.items()}
