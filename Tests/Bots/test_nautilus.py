"""NautilusTrader's live node at two venues."""

from exercised import exercises

WHAT = "reconciliation, market, limit, modify, cancel, stop, positions, balance"


@exercises("NautilusTrader OKX", WHAT)
def test_okx(perform):
    # It opens its four sockets faster than the venue allows: over the internet that takes a second.
    perform("nautilus", "okx", "--rate-limits", "off")


@exercises("NautilusTrader Binance", WHAT)
def test_binance(perform):
    perform("nautilus", "binance")
