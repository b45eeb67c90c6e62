"""Market data by CCXT and CCXT Pro, unmodified, at three venues, made of quotes told to the ledger."""

import asyncio

import ccxt.pro
import pytest

import test_binance_streams
import test_cryptocom_streams
from exercised import exercises
from server import Server

START = 1_780_272_000_000
STANDING = ("--rate-limits", "off", "--ledger-time", "2026-06-01T00:00:00Z")
VENUES = {
    "binance": ("binanceusdm", "BTC/USDT:USDT", "BTCUSDT"),
    "okx": ("okx", "BTC/USDT:USDT", "BTC-USDT-SWAP"),
    "crypto-com": ("cryptocom", "BTC/USD:USD", "BTCUSD-PERP"),
}
READS = (
    "fetch_ohlcv(symbol, timeframe, since, limit)",
    "fetch_order_book(symbol)",
    "fetch_trades(symbol)",
    "fetch_ticker(symbol)",
    "fetch_funding_rate_history(symbol)",
)
WATCHES = ("watch_order_book(symbol)", "watch_trades(symbol)", "watch_ohlcv(symbol, timeframe)")


def quote(venue, bid, ask, last, quantity):
    quoted = {"bid": bid, "ask": ask, "bid_size": "2", "ask_size": "3", "last": last, "quantity": quantity}
    return {"type": "quotes", "venue": venue, "quotes": {VENUES[venue][2]: quoted}}


@pytest.fixture(scope="module")
def market():
    """Three minutes of a market: 60000, then trades at 60010 and 60005, then nothing."""
    with Server(*STANDING) as server:
        for venue, (_, _, instrument) in VENUES.items():
            server.apply({"type": "open_account", "account": venue, "venue": venue})
            server.apply({"type": "prices", "venue": venue, "marks": {instrument: "60000"}})
        server.admin("PUT", "/clock", {"advance_ms": 60_000})
        for venue in VENUES:
            server.apply(quote(venue, "60009.9", "60010", "60010", "0.5"))
            server.apply(quote(venue, "60004.9", "60005", "60005", "0.25"))
        server.admin("PUT", "/clock", {"advance_ms": 60_000})
        yield server


def client(server, venue):
    """A client of CCXT Pro, which has the calls of REST too; nothing but its addresses is changed."""
    key = server.issue_key(venue, permissions=["read", "trade"])
    if venue == "binance":
        return test_binance_streams.pro(server, key)
    if venue == "crypto-com":
        return test_cryptocom_streams.client(server, key)
    exchange = ccxt.pro.okx(
        {"apiKey": key["api_key"], "secret": key["secret"], "password": key["passphrase"]}
    )
    exchange.urls["api"]["rest"] = server.url
    exchange.urls["api"]["ws"] = server.url.replace("http", "ws") + "/ws/v5"
    return exchange


def run(server, venue, play):
    async def played():
        exchange = client(server, venue)
        try:
            return await asyncio.wait_for(play(exchange, VENUES[venue][1]), 90)
        finally:
            await exchange.close()

    return asyncio.run(played())


@pytest.mark.parametrize("venue", VENUES)
@exercises("CCXT `binanceusdm`", *READS)
@exercises("CCXT `okx`", *READS)
@exercises("CCXT `cryptocom`", *READS)
def test_reads(market, venue):
    async def read(exchange, symbol):
        candles = await exchange.fetch_ohlcv(symbol, "1m", START, 4)
        # Without a beginning; Crypto.com's end is in microseconds then.
        candles = candles, await exchange.fetch_ohlcv(symbol, "1m", limit=2)
        book = await exchange.fetch_order_book(symbol)
        trades = await exchange.fetch_trades(symbol)
        ticker = await exchange.fetch_ticker(symbol)
        funding = await exchange.fetch_funding_rate_history(symbol, limit=2)
        return candles, book, trades, ticker, funding

    (candles, latest), book, trades, ticker, funding = run(market, venue, read)
    assert latest[-1][0] == START + 120_000
    assert [candle[0] for candle in candles][:3] == [START, START + 60_000, START + 120_000]
    assert candles[0][1:5] == [60_000] * 4
    assert candles[1][1:5] == [60_010, 60_010, 60_005, 60_005]
    assert candles[2][1:6] == [60_005, 60_005, 60_005, 60_005, 0]
    assert book["bids"][0][:2] == [60_004.9, 2] and book["asks"][0][:2] == [60_005, 3]
    # Both are of one moment, and each venue lists them in its own order.
    assert sorted((trade["price"], trade["amount"], trade["side"]) for trade in trades) == [
        (60_005, 0.25, "buy"),
        (60_010, 0.5, "buy"),
    ]
    assert (ticker["last"], ticker["high"], ticker["low"]) == (60_005, 60_010, 60_000)
    assert funding[-1]["timestamp"] == START


@pytest.mark.parametrize("venue", VENUES)
@exercises("CCXT Pro `binanceusdm`", *WATCHES)
@exercises("CCXT Pro `okx`", *WATCHES)
@exercises("CCXT Pro `cryptocom`", *WATCHES)
def test_watches(market, venue):
    async def watch(exchange, symbol):
        async def told(waiting):
            """Quotes again and again until a task that listens has an answer."""
            task = asyncio.create_task(waiting)
            for number in range(30):
                market.apply(quote(venue, "60000", "60001", f"{60_000 + number % 2}", "1"))
                done, _ = await asyncio.wait({task}, timeout=1)
                if done:
                    return task.result()
            raise AssertionError("nothing was told")

        await exchange.load_markets()
        book = await told(exchange.watch_order_book(symbol))
        best = (book["bids"][0][0], book["asks"][0][0])
        trades = await told(exchange.watch_trades(symbol))
        candles = await told(exchange.watch_ohlcv(symbol, "1m"))
        return best, trades[-1]["amount"], candles[-1]

    best, amount, candle = run(market, venue, watch)
    assert best[0] in (60_000, 60_004.9) and best[1] in (60_001, 60_005)
    assert amount == 1
    assert candle[0] == START + 120_000
