"""unicorn-binance-rest-api."""

from exercised import exercises


@exercises(
    "unicorn-binance-rest-api", "orders, cancel, open orders, trades, position, account, klines, book ticker"
)
def test_binance(perform):
    perform("unicorn", "binance")
