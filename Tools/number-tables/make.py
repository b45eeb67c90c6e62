#!/usr/bin/env python3
"""Writes the tables that the exact decimal is tested against: Tests/NumbersTests/Tables/*.txt.

Every expected value is computed with Python's unlimited integers and fractions, so the tables share no code
and no idea with the Swift source. The seed is fixed: a second run writes the same bytes.

    python3 Tools/number-tables/make.py
"""

import random
import re
from fractions import Fraction
from pathlib import Path

TABLES = Path(__file__).resolve().parents[2] / "Tests" / "NumbersTests" / "Tables"
SCALE = 10**18
LIMIT = 2**127 - 1
DIRECTIONS = ["towardZero", "awayFromZero", "floor", "ceiling", "halfUp", "halfEven"]

random.seed(20250704)


def text(units, minimum_places=0):
    """The plain form of a number of units."""
    whole, fraction = divmod(abs(units), SCALE)
    digits = f"{fraction:018d}".rstrip("0").ljust(minimum_places, "0")
    return ("-" if units < 0 else "") + str(whole) + ("." + digits if digits else "")


def rounded(value, places, direction):
    """An exact fraction as units, rounded to so many places, or "overflow"."""
    sign = -1 if value < 0 else 1
    scaled = abs(value) * 10**places
    cut, rest = divmod(scaled.numerator, scaled.denominator)
    twice = 2 * rest
    tie = twice == scaled.denominator
    grows = rest > 0 and {
        "towardZero": False,
        "awayFromZero": True,
        "floor": sign < 0,
        "ceiling": sign > 0,
        "halfUp": twice >= scaled.denominator,
        "halfEven": twice > scaled.denominator or (tie and cut % 2 == 1),
    }[direction]
    units = sign * (cut + grows) * 10 ** (18 - places)
    return units if abs(units) <= LIMIT else "overflow"


def directions(value, places):
    """The results in all directions; "=" stands for the one before."""
    columns, last = [], None
    for direction in DIRECTIONS:
        result = rounded(value, places, direction)
        shown = result if isinstance(result, str) else text(result)
        columns.append("=" if shown == last else shown)
        last = shown
    return columns


def some_units():
    """One operand of any size and number of decimals, with the edges more often than by chance."""
    kind = random.randrange(11)
    if kind == 0:
        units = random.choice([
            0, 1, 2, 3, SCALE - 1, SCALE, SCALE + 1, SCALE // 2, 5 * SCALE, LIMIT, LIMIT - 1, 2**63,
            2**64 - 1, 2**64, 2**64 + 1, 2**96 - 1, 2**126, 2**126 + 2**63 - 1, 5**18, 10**37, 10**38])
    elif kind == 1:
        units = 10 ** random.randrange(39) * random.choice([1, 1, 2, 5])
    elif kind == 2:
        units = random.getrandbits(random.randrange(1, 128))
    elif kind == 3:
        units = random.getrandbits(random.randrange(1, 128)) | 1
    elif kind <= 6:
        decimals = random.randrange(9)
        units = random.randrange(10 ** random.randrange(1, 14)) * 10 ** (18 - decimals)
    elif kind == 7:
        units = random.randrange(1, 1000) * SCALE
    elif kind == 8:
        units = random.randrange(10**random.randrange(1, 22)) * 5 * 10 ** random.randrange(16)
    elif kind == 9:
        # Long runs of ones and zeros drive a long division into its rare corrections.
        units = int("".join(random.choice("01") * random.randrange(1, 64) for _ in range(5))[:127], 2)
    else:
        units = random.randrange(10**18)
    units = min(units, LIMIT)
    return -units if random.random() < 0.4 else units


def some_places():
    return random.choice([18, 18, 18, 8, 2, 0, 4, 17, 1, random.randrange(19)])


def write(name, heading, rows):
    lines = [f"# {heading}", "# Written by Tools/number-tables/make.py; do not edit."]
    lines += ["\t".join(row) for row in rows]
    (TABLES / name).write_text("\n".join(lines) + "\n")


def parse_row(raw):
    """One text with its value or its refusal, judged by a regular expression and fractions."""
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", raw):
        return [raw, "malformed"]
    if "." in raw and raw.split(".")[1][18:].strip("0"):
        return [raw, "tooPrecise"]
    units = Fraction(raw) * SCALE
    assert units.denominator == 1
    return [raw, str(units.numerator) if abs(units) <= LIMIT else "overflow"]


def parse_rows():
    greatest = text(LIMIT)
    fixed = """0 -0 00 0.0 -0.000 007 -007.50 1 -1 1. .5 . - -. -.5 +1 1e5 1E5 1,000 1.2.3 1..2 --1 -+1 0x10
        NaN inf 1- 1-2 12a a12 ½ ٣ 1.５ 0.000000000000000001 0.0000000000000000001 0.0000000000000000010
        0.0000000000000000000000000000000000000000 0.00000000000000000000000000000000000000001
        1.000000000000000000000000000000 1.0000000000000000005 9223372036854775807 9223372036854775808
        18446744073709551615 18446744073709551616 99999999999999999999 170141183460469231731
        170141183460469231732 999999999999999999999 0000000000000000000000000000000000000000000000000000012.5
        99999999999999999999999999999999999999999999999999 1.999999999999999999 9.99999999999999999
        1234567890123456789 12345678901234567890 123456789.0123456789 1234567890.1234567890
        -9999999999999999999 -99999999999999999999.5 000000000000000000001 0.123456789012345678
        -0.123456789012345678 00.123456789012345678 170141183460469231731.687303715884105728
        170141183460469231731.6873037158841057271 x 1x 1.x 1.5x 00000000000000000000x 0.0000000000000000000x
        00000000000000000000. 00000000000000000000.. -00000000000000000000.5
        1.23456789012345678901-""".split()
    fixed += [greatest, "-" + greatest, greatest + "0", "0" + greatest, greatest[:-1] + "8"]
    fixed += ["", " ", " 1", "1 ", "1 2"]
    rows = [parse_row(raw) for raw in fixed]
    for _ in range(500):
        raw = text(some_units(), random.choice([0, 0, 2, 8, 18, 22]))
        if random.random() < 0.2:
            raw = raw.replace("-", "-00") if raw.startswith("-") else "00" + raw
        if random.random() < 0.3:
            at = random.randrange(len(raw) + 1)
            raw = raw[:at] + random.choice("0123456789.-+eE x/:") + raw[at + random.randrange(2):]
        rows.append(parse_row(raw))
    return rows


def add_row(first, second):
    def shown(units):
        return text(units) if abs(units) <= LIMIT else "overflow"

    return [text(first), text(second), shown(first + second), shown(first - second)]


def products():
    for _ in range(650):
        yield some_units(), some_units(), some_places()
    for first in [LIMIT, LIMIT - 1, 1, 2**64, 3]:
        for second in [LIMIT, SCALE, -SCALE, SCALE + 1, SCALE - 1, SCALE // 2, 1, -1]:
            yield first, second, 0
            yield first, second, 18


def long_divisions():
    """Triples whose division by two machine words needs the largest digit, or two corrections of a digit.

    Divisors just above a power of two with a large lower word make the guess of a digit as bad as it gets.
    """
    for _ in range(120):
        divisor = 2**126 + 2**63 - (2 ** random.randrange(1, 60) + 1)
        second = random.choice([
            divisor - random.randrange(1, 9), divisor // 2 + random.randrange(9), random.getrandbits(126)])
        first = random.choice([
            2**64 - random.randrange(99), 2**126 - 1, 2 ** random.randrange(50, 127) - random.randrange(9)])
        yield min(first, LIMIT), second, divisor, 18


def fraction_text(value):
    """A decimal with all its places, or a fraction in lowest terms where no decimal is the number."""
    rest, places = value.denominator, 0
    while rest % 10 == 0:
        rest, places = rest // 10, places + 1
    for prime in (2, 5):
        while rest % prime == 0:
            rest, places = rest // prime, places + 1
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    digits = str(abs(value) * 10**places).rjust(places + 1, "0")
    shown = digits[:-places] + "." + digits[-places:] if places else digits
    shown = shown.rstrip("0").rstrip(".") if places else shown
    return ("-" if value < 0 else "") + shown


def fraction_step(value):
    """An operation, its operand and what it comes to."""
    operation = random.choice("++--**//:")
    decimal = Fraction(some_units() if random.random() < 0.3 else random.randrange(1, 10**7) * 10**14, SCALE)
    if operation in "*/":
        operand = decimal or Fraction(3)
    else:
        numerator = random.randrange(-(10**9), 10**9)
        operand = Fraction(numerator, random.choice([1, 1, 3, 7, 64, 601235, 10**20, 2**61 - 1]))
        operand = operand or Fraction(1, 3)
    result = {"+": value + operand, "-": value - operand, "*": value * operand}.get(operation)
    return operation, operand, value / operand if result is None else result


def fraction_row():
    """A chain of operations with what each comes to, then the last value in all directions."""
    start = value = Fraction(some_units(), SCALE)
    steps = []
    places = some_places()
    for _ in range(random.randrange(1, 9)):
        operation, operand, result = fraction_step(value)
        if LIMIT // SCALE <= abs(result) <= Fraction(LIMIT, SCALE):
            continue  # between the two limits, of decimals and of fractions
        shown = fraction_text(result) if abs(result) <= LIMIT // SCALE else "overflow"
        steps.append(f"{operation}~{fraction_text(operand)}~{shown}")
        if shown == "overflow":
            break
        value = result
    if random.random() < 0.3 and value:
        # A tie of the digits to be kept, which only the exact value shows to be one.
        tie = Fraction(random.randrange(-(10**6), 10**6) * 2 + 1, 2 * 10**places)
        steps.append(f"+~{fraction_text(tie - value)}~{fraction_text(tie)}")
        value = tie
    results = [rounded(value, places, direction) for direction in DIRECTIONS]
    if not steps or "overflow" in results:
        return fraction_row()
    return [fraction_text(start), " ".join(steps), str(places), " ".join(text(units) for units in results)]


def main():
    write("parse.txt", "text, then its units or the refusal", parse_rows())
    numbers = [some_units() for _ in range(440)]
    write("print.txt", "units, least number of decimals, text", [
        [str(units), str(places), text(units, places)]
        for units, places in zip(numbers, [0, 2, 0, 8, 0, 9, 0, 10, 0, 18, 0, 20] * 40)])
    edges = [LIMIT, -LIMIT, 1, -1, 0]
    write("add.txt", "first, second, sum, difference", [
        add_row(some_units(), some_units()) for _ in range(300)] + [
        add_row(first, second) for first in edges for second in edges])

    heading = "places, then the results " + ", ".join(DIRECTIONS) + "; '=' is the one before"
    write("multiply.txt", "first, second, " + heading, [
        [text(first), text(second), str(places)] + directions(Fraction(first * second, SCALE**2), places)
        for first, second, places in products()])

    by_zero = ["divisionByZero"] + ["="] * 5
    rows = []
    for _ in range(750):
        first, second, places = some_units(), some_units(), some_places()
        results = directions(Fraction(first, second), places) if second else by_zero
        rows.append([text(first), text(second), str(places)] + results)
    write("divide.txt", "first, second, " + heading, rows)

    rows = []
    for _ in range(900):
        first, second, third, places = some_units(), some_units(), some_units(), some_places()
        if random.random() < 0.5 and third:
            # Most random triples overflow; a divisor near one factor keeps the quotient in range.
            third = min(max(second + random.randrange(-(10**6), 10**6), -LIMIT), LIMIT)
        results = directions(Fraction(first * second, third * SCALE), places) if third else by_zero
        rows.append([text(first), text(second), text(third), str(places)] + results)
    for first, second, third, places in long_divisions():
        results = directions(Fraction(first * second, third * SCALE), places)
        rows.append([text(first), text(second), text(third), str(places)] + results)
    write("multiply-divide.txt", "first, second, divisor, " + heading, rows)

    rows = []
    for _ in range(500):
        units, places = some_units(), random.randrange(19)
        if random.random() < 0.4 and places < 18:
            # An exact tie, or the last unit on either side of one.
            step = 10 ** (18 - places)
            units = units // step * step + step // 2 + random.choice([0, 0, 1, -1])
            units = max(min(units, LIMIT), -LIMIT)
        rows.append([text(units), str(places)] + directions(Fraction(units, SCALE), places))
    write("round.txt", "number, " + heading, rows)

    write(
        "fraction.txt",
        "first, then operation~operand~result of each step (':' divides by a fraction), places, then the "
        "last result " + ", ".join(DIRECTIONS),
        [fraction_row() for _ in range(700)])


if __name__ == "__main__":
    main()
