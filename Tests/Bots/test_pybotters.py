"""pybotters at two venues."""

from exercised import exercises

WHAT = "signed orders, cancels, data stores of orders, positions, balances, ticks, books, candles"


@exercises("pybotters OKX", WHAT)
def test_okx(perform):
    perform("pybotters", "okx")


@exercises("pybotters Binance", WHAT)
def test_binance(perform):
    perform("pybotters", "binance")
