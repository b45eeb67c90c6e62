import pytest

from guard import guard, share

SYMBOL = "BTC/USDT:USDT"


@pytest.fixture
def exchange(marginalia_venue):
    """An account that is long of one bitcoin, and the bot's client for it."""
    venue = marginalia_venue
    venue.open("desk", "binance", USDT="20000")
    venue.prices("binance", {"BTCUSDT": "60000"}, index={"USDT": "1"})
    venue.commands(
        [
            {
                "type": "import_position",
                "account": "desk",
                "instrument": "BTCUSDT",
                "quantity": "1",
                "entry_price": "60000",
            }
        ]
    )
    return venue.ccxt("binance", account="desk")


def position(venue) -> str:
    return venue.account("desk")["positions"][0]["quantity"]


def test_a_healthy_account_is_left_alone(marginalia_venue, exchange):
    assert guard(exchange, SYMBOL) is None
    assert position(marginalia_venue) == "1"


def test_half_is_closed_near_liquidation(marginalia_venue, exchange):
    marginalia_venue.nudge("desk", "0.95")
    assert share(exchange) == pytest.approx(0.95, abs=1e-6)
    order = guard(exchange, SYMBOL)
    assert order["filled"] == 0.5
    assert position(marginalia_venue) == "0.5"
    assert share(exchange) < 0.8


def test_it_tries_again_when_it_is_told_to_slow_down(marginalia_venue, exchange):
    exchange.load_markets()
    marginalia_venue.nudge("desk", "0.95")
    marginalia_venue.fault("binance", "rate_limit", path="/fapi/v3/account", times=2)
    assert guard(exchange, SYMBOL)["filled"] == 0.5
    asked = [row for row in marginalia_venue.requests() if row["path"] == "/fapi/v3/account"]
    assert [row["status"] for row in asked] == [429, 429, 200]


def test_a_key_that_may_not_trade_is_told_so(marginalia_venue, exchange):
    reader = marginalia_venue.ccxt(
        "binance", "desk", credentials=marginalia_venue.key("desk", permissions=["read"])
    )
    marginalia_venue.nudge("desk", "0.95")
    with pytest.raises(Exception, match="-2015"):
        guard(reader, SYMBOL)
    assert position(marginalia_venue) == "1"


@pytest.mark.parametrize("round", range(4))
def test_each_test_begins_as_new(marginalia_venue, round):
    assert marginalia_venue.call("GET", "/accounts")["accounts"] == []
    marginalia_venue.open("left-behind", "okx", USDT="1")
