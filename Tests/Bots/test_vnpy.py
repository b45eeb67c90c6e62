"""vn.py's gateways at two venues."""

from exercised import exercises

WHAT = "contracts, account, ticks, order, cancel, refusal, trades, position, balance"


@exercises("vnpy_okx", WHAT)
def test_okx(perform, tmp_path):
    # Its files go to the folder of this name where there is one, else to the home folder.
    (tmp_path / ".vntrader").mkdir()
    perform("vnpy", "okx")


@exercises("vnpy_binance", WHAT)
def test_binance(perform, tmp_path):
    (tmp_path / ".vntrader").mkdir()
    perform("vnpy", "binance")
