"""vn.py's main engine with one gateway: contracts, account, ticks, orders, cancels and trades by event."""

import asyncio
import time

from figures import D, exact
from play import Play, until
from vnpy.trader.constant import Direction, Exchange, Offset, OrderType, Status
from vnpy.trader.object import CancelRequest, OrderRequest, SubscribeRequest

SYMBOLS = {"okx": ("OKX", "BTCUSDT_SWAP_OKX"), "binance": ("BINANCE_LINEAR", "BTCUSDT_SWAP_BINANCE")}


class Tour:
    """What a strategy does by the main engine."""

    def __init__(self, engine, play: Play):
        self.engine, self.play = engine, play
        self.gateway, self.symbol = SYMBOLS[play.venue]
        self.name = f"{self.symbol}.GLOBAL"
        self.missed = set()

    def send(self, direction, price, volume, kind=OrderType.LIMIT):
        """Sends an order; gives its id."""
        request = OrderRequest(
            self.symbol, Exchange.GLOBAL, direction, kind, float(volume), float(price), Offset.NONE
        )
        return self.engine.send_order(request, self.gateway)

    def cancel(self, order_id):
        order = self.engine.get_order(order_id)
        self.engine.cancel_order(CancelRequest(order.orderid, self.symbol, Exchange.GLOBAL), self.gateway)

    async def has(self, order_id, *statuses):
        """Waits for one of the statuses and gives the order."""

        def found():
            order = self.engine.get_order(order_id)
            if order is None:
                return None
            assert order.status in statuses or order.is_active(), order
            return order if order.status in statuses else None

        return await until(f"{order_id} is one of {statuses}", found)

    async def is_refused(self, *order):
        """Sends an order that must be refused. The gateway notes an order after it has sent it, and misses an
        answer that is there before; then the order is sent again."""
        for _ in range(5):
            order_id, begun = self.send(*order), time.monotonic()
            while time.monotonic() - begun < 5:
                sent = self.engine.get_order(order_id)
                if sent is not None and sent.status == Status.REJECTED:
                    return
                await asyncio.sleep(0.05)
            self.missed.add(order_id)
        raise AssertionError(f"{order} was not refused")

    def net(self):
        """The net position as the gateway tells it."""
        rows = [row for row in self.engine.get_all_positions() if row.symbol == self.symbol]
        return sum(exact(row.volume) for row in rows)


async def perform(tour: Tour) -> None:
    """The play: from connecting to an empty position."""
    play, engine = tour.play, tour.engine
    unit = D("0.01") / play.contract
    contract = await until("contracts", lambda: engine.get_contract(tour.name))
    assert (exact(contract.size), exact(contract.pricetick)) == (play.contract, D("0.1"))
    await until("the account", lambda: [row for row in engine.get_all_accounts() if row.accountid == "USDT"])
    [early] = await until("the order that was there", engine.get_all_active_orders)
    assert (early.price, exact(early.volume)) == (50000, unit)
    assert await until("the position that was there", tour.net) == 2 * unit
    engine.subscribe(SubscribeRequest(tour.symbol, Exchange.GLOBAL), tour.gateway)

    def touch():
        tick = engine.get_tick(tour.name)
        return tick and tick.last_price == 60000 and (tick.bid_price_1, tick.ask_price_1) == (60000, 60000.1)

    await until("a tick", touch)
    tour.cancel(early.vt_orderid)
    await tour.has(early.vt_orderid, Status.CANCELLED)
    bought = tour.send(Direction.LONG, "60100", unit)
    await tour.has(bought, Status.ALLTRADED)
    rests = tour.send(Direction.LONG, "59500", 3 * unit)
    await tour.has(rests, Status.NOTTRADED)
    play.quote("59500", quantity=str(unit))
    order = await tour.has(rests, Status.PARTTRADED)
    assert exact(order.traded) == unit
    play.quote("59490")
    await tour.has(rests, Status.ALLTRADED)
    unused = tour.send(Direction.SHORT, "70000", unit)
    await tour.has(unused, Status.NOTTRADED)
    tour.cancel(unused)
    await tour.has(unused, Status.CANCELLED)
    await tour.is_refused(Direction.LONG, "59000", 20000 * unit)
    await until("the position", lambda: tour.net() == 6 * unit)
    sold = tour.send(Direction.SHORT, "59000", 6 * unit)
    await tour.has(sold, Status.ALLTRADED)
    await until("no position", lambda: tour.net() == 0)
    await compare(tour)


async def compare(tour: Tour) -> None:
    """Orders, trades, position and balance: the bot's are the ledger's."""
    play, engine = tour.play, tour.engine
    trades = {str(row["sequence"]): row for row in play.trades()}
    # The first made the position that was there before the bot.
    earlier = min(trades, key=int)
    del trades[earlier]
    told = {str(row.tradeid): row for row in engine.get_all_trades()}
    assert told.keys() == trades.keys()
    for identifier, trade in told.items():
        row = trades[identifier]
        assert (exact(trade.price), exact(trade.volume)) == (D(row["price"]), D(row["quantity"]))
        assert (trade.direction == Direction.LONG) == (row["side"] == "buy")
    active = {order.vt_orderid for order in engine.get_all_active_orders()}
    assert active <= tour.missed and play.orders("open") == [] and play.position() == 0

    def balance():
        [row] = [row for row in engine.get_all_accounts() if row.accountid == "USDT"]
        return round(exact(row.balance), 8) == round(play.cash(), 8) and row.frozen == 0

    await until("the balance", balance)


def main() -> None:
    play, key = Play.of_arguments()
    shown = {}
    exec(play.shown(f"vnpy-{play.venue}", key), shown)
    try:
        asyncio.run(perform(Tour(shown["engine"], play)))
    finally:
        shown["engine"].close()
    print("done")


if __name__ == "__main__":
    main()
