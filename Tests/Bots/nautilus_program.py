"""NautilusTrader's live node: reconciles, then trades in the ways that its strategies have."""

import asyncio

from figures import D
from nautilus_trader.config import StrategyConfig
from nautilus_trader.core.rust.model import OrderStatus
from nautilus_trader.model.enums import OrderSide, TimeInForce, TriggerType
from nautilus_trader.model.identifiers import InstrumentId, Venue
from nautilus_trader.trading.strategy import Strategy
from play import Play, until


class Tour(Strategy):
    """Places what the play tells it to."""

    def __init__(self, instrument_id: InstrumentId):
        config = StrategyConfig(
            strategy_id="TOUR",
            external_order_claims=[instrument_id],
            # OKX takes letters and digits only.
            use_hyphens_in_client_order_ids=False,
        )
        super().__init__(config)
        self.instrument_id = instrument_id

    def on_start(self):
        self.subscribe_quote_ticks(self.instrument_id)

    def quantity(self, value):
        return self.cache.instrument(self.instrument_id).make_qty(value)

    def price(self, value):
        return self.cache.instrument(self.instrument_id).make_price(value)

    def send(self, order):
        self.submit_order(order)
        return order

    def market(self, side, quantity, **more):
        return self.send(self.order_factory.market(self.instrument_id, side, self.quantity(quantity), **more))

    def limit(self, side, quantity, price, **more):
        order = self.order_factory.limit(
            self.instrument_id, side, self.quantity(quantity), self.price(price), **more
        )
        return self.send(order)

    def stop_market(self, side, quantity, trigger):
        order = self.order_factory.stop_market(
            self.instrument_id,
            side,
            self.quantity(quantity),
            self.price(trigger),
            trigger_type=TriggerType.LAST_PRICE,
            reduce_only=True,
        )
        return self.send(order)


async def has(order, status: OrderStatus) -> None:
    def found():
        assert order.status == status or not order.is_closed, f"{order.last_event}"
        return order.status == status

    await until(f"{order.client_order_id} is {status.name}", found)


async def perform(node, tour: Tour, play: Play) -> None:
    """The play, from what was there before the node to an empty position."""
    unit = D("0.01") / play.contract
    await until("running", lambda: tour.is_running)
    [external] = node.cache.orders_open()
    [position] = node.cache.positions_open()
    assert (external.side, external.price, external.quantity) == (OrderSide.BUY, D(50000), unit)
    assert (position.signed_decimal_qty(), position.avg_px_open) == (2 * unit, 60000)
    tour.cancel_order(external)
    await has(external, OrderStatus.CANCELED)
    await until("a quote", lambda: node.cache.quote_tick(tour.instrument_id))

    bought = tour.market(OrderSide.BUY, unit)
    await has(bought, OrderStatus.FILLED)
    rests = tour.limit(OrderSide.BUY, 3 * unit, D(59000))
    await has(rests, OrderStatus.ACCEPTED)
    tour.modify_order(rests, price=tour.price(D(59500)))
    await until("amended", lambda: rests.price == D(59500))
    play.quote("59500", quantity=str(unit))
    await until("partly filled", lambda: rests.filled_qty == unit)
    play.quote("59490")
    await has(rests, OrderStatus.FILLED)
    cancelled = tour.limit(OrderSide.BUY, unit, D(50000), time_in_force=TimeInForce.GTC)
    await has(cancelled, OrderStatus.ACCEPTED)
    tour.cancel_order(cancelled)
    await has(cancelled, OrderStatus.CANCELED)
    await until("the position", lambda: node.portfolio.net_position(tour.instrument_id) == 6 * unit)
    stop = tour.stop_market(OrderSide.SELL, 2 * unit, D(59000))
    await has(stop, OrderStatus.ACCEPTED)
    unused = tour.stop_market(OrderSide.SELL, unit, D(40000))
    await has(unused, OrderStatus.ACCEPTED)
    tour.cancel_order(unused)
    await has(unused, OrderStatus.CANCELED)
    play.quote("58990")
    await has(stop, OrderStatus.FILLED)
    await until("reduced", lambda: node.portfolio.net_position(tour.instrument_id) == 4 * unit)
    left = tour.market(OrderSide.SELL, 4 * unit, reduce_only=True)
    await has(left, OrderStatus.FILLED)
    await until("flat", lambda: node.portfolio.is_flat(tour.instrument_id))
    await compare(node, play, [bought, rests, stop, left])


async def compare(node, play: Play, filled) -> None:
    """Orders, trades, fees, position and balance: the bot's are the ledger's."""
    trades = {str(row["sequence"]): row for row in play.trades()}
    for order in filled:
        of_order = [trades[trade_id.value] for trade_id in order.trade_ids]
        quantity = sum(D(row["quantity"]) for row in of_order)
        value = sum(D(row["quantity"]) * D(row["price"]) for row in of_order)
        assert order.filled_qty == quantity
        assert D(repr(order.avg_px)) == value / quantity
        assert sum(fee.as_decimal() for fee in order.commissions()) == sum(D(row["fee"]) for row in of_order)
    assert play.orders("open") == [] and play.position() == 0 and node.cache.orders_open() == []
    account = node.portfolio.account(Venue(play.venue.upper()))
    [currency] = [currency for currency in account.currencies() if currency.code == "USDT"]
    await until("the balance", lambda: account.balance_total(currency).as_decimal() == play.cash())


def main() -> None:
    play, key = Play.of_arguments()
    names = {"okx": f"{play.instrument}.OKX", "binance": f"{play.instrument}-PERP.BINANCE"}
    shown = {}
    exec(play.shown(f"nautilus-{play.venue}", key), shown)
    node = shown["node"]
    tour = Tour(InstrumentId.from_str(names[play.venue]))
    node.trader.add_strategy(tour)

    async def run():
        running = asyncio.ensure_future(node.run_async())
        try:
            await perform(node, tour, play)
        finally:
            await node.stop_async()
            await asyncio.wait([running], timeout=30)

    loop = node.get_event_loop()
    loop.run_until_complete(run())
    node.dispose()
    print("done")


if __name__ == "__main__":
    main()
