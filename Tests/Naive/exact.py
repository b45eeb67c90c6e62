"""Exact numbers: fractions, and the roundings that the documents name. No binary floating point."""

from __future__ import annotations

from fractions import Fraction

ZERO = Fraction(0)
ONE = Fraction(1)


def number(text: str) -> Fraction:
    """A decimal text as the number it is."""
    return Fraction(text)


def _scaled(value: Fraction, places: int) -> tuple[int, int, int]:
    """Sign, and the magnitude in units of the last place as whole part and remainder over the denominator."""
    sign = -1 if value < 0 else 1
    whole, rest = divmod(abs(value.numerator) * 10**places, value.denominator)
    return sign, whole, rest


def cut(value: Fraction, places: int) -> Fraction:
    """Toward zero."""
    sign, whole, _ = _scaled(value, places)
    return Fraction(sign * whole, 10**places)


def up(value: Fraction, places: int) -> Fraction:
    """Away from zero: what is required is never printed as less."""
    sign, whole, rest = _scaled(value, places)
    return Fraction(sign * (whole + (1 if rest else 0)), 10**places)


def half_up(value: Fraction, places: int) -> Fraction:
    """To the nearest, ties away from zero."""
    sign, whole, rest = _scaled(value, places)
    return Fraction(sign * (whole + (1 if 2 * rest >= value.denominator else 0)), 10**places)


def half_even(value: Fraction, places: int) -> Fraction:
    """To the nearest, ties to the even digit."""
    sign, whole, rest = _scaled(value, places)
    above = 2 * rest > value.denominator or (2 * rest == value.denominator and whole % 2 == 1)
    return Fraction(sign * (whole + (1 if above else 0)), 10**places)


def padded(value: Fraction, places: int) -> str:
    """All of `places` decimals; the value must not have more."""
    scaled = value * 10**places
    if scaled.denominator != 1:
        raise ValueError(f"{value} has more than {places} decimals")
    digits = str(abs(scaled.numerator)).rjust(places + 1, "0")
    sign = "-" if scaled < 0 else ""
    return sign + (digits[:-places] + "." + digits[-places:] if places else digits)


def plain(value: Fraction, places: int = 18) -> str:
    """No trailing zeros, no exponent; zero is "0"; the value must not have more than `places` decimals."""
    text = padded(value, places)
    return text.rstrip("0").rstrip(".") if "." in text else text


def positive(value: Fraction) -> Fraction:
    """The value, floored at zero."""
    return max(ZERO, value)
