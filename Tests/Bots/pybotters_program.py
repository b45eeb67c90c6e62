"""pybotters: signed orders by REST, and its data stores, which follow the sockets."""

import asyncio

import pybotters
from figures import D
from play import Play, until


async def asked(client, method: str, path: str, **parameters) -> object:
    """One signed request, which must be taken."""
    name = "params" if method == "GET" or "api/v5" not in path else "data"
    answer = await client.fetch(method, path, **{name: parameters})
    assert answer.response.status == 200, answer.text
    assert not isinstance(answer.data, dict) or answer.data.get("code", "0") == "0", answer.text
    return answer.data


async def perform_at_okx(client, play: Play) -> None:
    """The stores of orders, positions, account and conditional orders of OKX, and its public ones."""
    store = pybotters.OKXDataStore()
    sockets = f"ws://127.0.0.1:{play.server.port}/ws/v5"
    instrument = {"instId": play.instrument}
    own = [{"channel": "orders", "instType": "ANY"}, {"channel": "positions", "instType": "ANY"}]
    own += [{"channel": "account"}, {"channel": "balance_and_position"}]
    public = [{"channel": name} | instrument for name in ("tickers", "books", "trades", "mark-price")]
    subscribed = {
        "private": own,
        "public": public,
        "business": [{"channel": "orders-algo", "instType": "SWAP"}, {"channel": "candle1m"} | instrument],
    }
    for name, channels in subscribed.items():
        message = {"op": "subscribe", "args": channels}
        await client.ws_connect(f"{sockets}/{name}", send_json=message, hdlr_json=store.onmessage)
    await store.initialize(client.get("/api/v5/trade/orders-pending", params={"instType": "SWAP"}))
    [early] = store.orders.find()
    assert (early["px"], early["sz"]) == ("50000", "1")
    await until("positions", lambda: (store.positions.get(key(play)) or {}).get("pos") == "2")
    for one in (store.tickers, store.books, store.markprice, store.candle):
        await until(f"something in {type(one).__name__}", one.find)

    async def order(**members):
        body = instrument | {"tdMode": "cross", "side": "buy", "ordType": "limit"} | members
        [row] = (await asked(client, "POST", "/api/v5/trade/order", **body))["data"]
        return {"ordId": row["ordId"]}

    async def cancel(identity):
        await asked(client, "POST", "/api/v5/trade/cancel-order", **instrument, **identity)

    await cancel({"ordId": early["ordId"]})
    await until("no order in the store", lambda: not store.orders.find())
    await order(ordType="market", sz="1")
    rests = await order(sz="3", px="59500")
    await until("the order in the store", lambda: store.orders.get(rests))
    play.quote("59500", quantity="1")
    await until("its part", lambda: store.orders.get(rests)["accFillSz"] == "1")
    play.quote("59490")
    await until("its end", lambda: store.orders.get(rests) is None)
    await until("the position", lambda: store.positions.get(key(play))["pos"] == "6")
    stop = {"tdMode": "cross", "side": "sell", "ordType": "conditional", "sz": "2", "reduceOnly": True}
    stop |= {"slTriggerPx": "59000", "slOrdPx": "-1"}
    [algo] = (await asked(client, "POST", "/api/v5/trade/order-algo", **instrument, **stop))["data"]
    await until("the stop in the store", lambda: store.ordersalgo.get({"algoId": algo["algoId"]}))
    play.quote("58990")
    await until("the stop's end", lambda: not store.ordersalgo.find())
    await order(ordType="market", side="sell", sz="4", reduceOnly=True)
    await until("no position", lambda: store.positions.get(key(play))["pos"] == "0")

    def balance():
        [row] = [row for row in store.account.find()[0]["details"] if row["ccy"] == "USDT"]
        return D(row["cashBal"]) == play.cash()

    await until("the balance", balance)
    [told] = store.balance_and_position.balance.find({"ccy": "USDT"})
    assert D(told["cashBal"]) == play.cash()
    fills = (await asked(client, "GET", "/api/v5/trade/fills", instType="SWAP"))["data"]
    compare(play, [(row["tradeId"], row["fillPx"], row["fillSz"], row["fee"]) for row in fills], sign=-1)


def key(play: Play) -> dict:
    return {"instId": play.instrument, "mgnMode": "cross", "posSide": "net"}


async def perform_at_binance(client, play: Play) -> None:
    """The stores of orders, positions and balances of Binance, and its public ones."""
    store = pybotters.BinanceUSDSMDataStore()
    symbol = {"symbol": play.instrument}
    sockets = f"ws://127.0.0.1:{play.server.port}"
    await store.initialize(
        client.get("/fapi/v1/openOrders", params=symbol),
        client.get("/fapi/v2/balance"),
        client.get("/fapi/v2/positionRisk"),
        client.post("/fapi/v1/listenKey"),
    )
    await client.ws_connect(f"{sockets}/private/ws/{store.listenkey}", hdlr_json=store.onmessage)
    channels = ("bookTicker", "markPrice", "kline_1m", "ticker")
    names = [f"{play.instrument.lower()}@{channel}" for channel in channels]
    message = {"method": "SUBSCRIBE", "params": names, "id": 1}
    await client.ws_connect(f"{sockets}/ws", send_json=message, hdlr_json=store.onmessage)
    [early] = store.order.find()
    assert (D(early["p"]), D(early["q"])) == (50000, D("0.01"))
    position = {"s": play.instrument, "ps": "BOTH"}
    assert D(store.position.get(position)["pa"]) == D("0.02")
    for one in (store.bookticker, store.markprice, store.kline, store.ticker):
        await until(f"something in {type(one).__name__}", one.find)

    async def order(**members):
        parameters = symbol | {"side": "BUY"} | members
        row = await asked(client, "POST", "/fapi/v1/order", **parameters)
        return {"s": row["symbol"], "i": row["orderId"]}

    await asked(client, "DELETE", "/fapi/v1/order", **symbol, orderId=early["i"])
    await until("no order in the store", lambda: not store.order.find())
    await order(type="MARKET", quantity="0.01")
    rests = await order(type="LIMIT", timeInForce="GTC", quantity="0.03", price="59500")
    await until("the order in the store", lambda: store.order.get(rests))
    play.quote("59500", quantity="0.01")
    await until("its part", lambda: D(store.order.get(rests)["z"]) == D("0.01"))
    play.quote("59490")
    await until("its end", lambda: store.order.get(rests) is None)
    await until("the position", lambda: D(store.position.get(position)["pa"]) == D("0.06"))
    await order(type="MARKET", side="SELL", quantity="0.06", reduceOnly="true")
    await until("no position", lambda: D(store.position.get(position)["pa"]) == 0)
    await until("the balance", lambda: D(store.balance.get({"a": "USDT"})["wb"]) == play.cash())
    trades = await asked(client, "GET", "/fapi/v1/userTrades", **symbol)
    compare(play, [(str(row["id"]), row["price"], row["qty"], row["commission"]) for row in trades], sign=1)


def compare(play: Play, told: list[tuple], sign: int) -> None:
    """Trades and their fees are the ledger's, and nothing is left."""
    trades = {str(row["sequence"]): row for row in play.trades()}
    assert {row[0] for row in told} == trades.keys()
    for identifier, price, quantity, fee in told:
        row = trades[identifier]
        assert (D(price), D(quantity)) == (D(row["price"]), D(row["quantity"]))
        assert sign * D(fee) == D(row.get("fee", "0"))
    assert play.orders("open") == [] and play.position() == 0


async def main() -> None:
    play, credentials = Play.of_arguments()
    shown = {}
    exec(play.shown(f"pybotters-{play.venue}", credentials), shown)
    async with shown["connect"]() as client:
        await {"okx": perform_at_okx, "binance": perform_at_binance}[play.venue](client, play)
    assert play.refusals() == []
    print("done")


if __name__ == "__main__":
    asyncio.run(main())
