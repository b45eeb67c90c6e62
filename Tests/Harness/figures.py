"""Numbers of clients as decimals, so that they can be compared to the digit."""

import decimal

D = decimal.Decimal


def exact(number) -> decimal.Decimal:
    """A number of a client as the shortest decimal that it stands for."""
    return D(number if isinstance(number, str) else repr(number))
