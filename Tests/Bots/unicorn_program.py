"""unicorn-binance-rest-api: its calls of futures, from what was there to an empty position."""

from figures import D
from play import Play


def main() -> None:
    play, key = Play.of_arguments()
    shown = {}
    exec(play.shown("unicorn", key), shown)
    manager = shown["manager"]
    symbol = {"symbol": play.instrument}
    [early] = manager.futures_get_open_orders(**symbol)
    assert (D(early["price"]), D(early["origQty"])) == (50000, D("0.01"))
    assert manager.futures_cancel_order(**symbol, orderId=early["orderId"])["status"] == "CANCELED"
    assert D(manager.futures_orderbook_ticker(**symbol)["askPrice"]) == D("60000.1")
    assert len(manager.futures_klines(**symbol, interval="1m", limit=5)) == 5

    def order(**members):
        return manager.futures_create_order(**symbol, **({"side": "BUY", "quantity": "0.01"} | members))

    def state(placed):
        found = manager.futures_get_order(**symbol, orderId=placed["orderId"])
        return found["status"], D(found["executedQty"])

    assert state(order(type="MARKET")) == ("FILLED", D("0.01"))
    rests = order(type="LIMIT", timeInForce="GTC", price="59500", quantity="0.03")
    assert state(rests) == ("NEW", 0)
    play.quote("59500", quantity="0.01")
    assert state(rests) == ("PARTIALLY_FILLED", D("0.01"))
    play.quote("59490")
    assert state(rests) == ("FILLED", D("0.03"))
    [position] = manager.futures_position_information(**symbol)
    assert D(position["positionAmt"]) == play.position() == D("0.06")
    order(type="MARKET", side="SELL", quantity="0.06", reduceOnly="true")
    [asset] = [row for row in manager.futures_account()["assets"] if row["asset"] == "USDT"]
    assert D(asset["walletBalance"]) == play.cash()
    trades = {row["id"]: row for row in manager.futures_account_trades(**symbol)}
    assert list(trades) == [row["sequence"] for row in play.trades()]
    for row in play.trades():
        told = trades[row["sequence"]]
        assert (D(told["price"]), D(told["qty"])) == (D(row["price"]), D(row["quantity"]))
        assert D(told["commission"]) == D(row.get("fee", "0"))
    assert play.orders("open") == [] and play.position() == 0 and play.refusals() == []
    manager.stop_manager()
    print("done")


if __name__ == "__main__":
    main()
