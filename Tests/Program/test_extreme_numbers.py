"""Times, ids and counts at the ends of what 64 bits hold, in every parameter of every list: the venue answers
in its own form, and the server goes on."""

import itertools

import pytest

import venue_requests
from server import Server

KEY = {"permissions": ["read"], "api_key": "extreme-test-key", "secret": "extreme-test-secret"}
GREATEST = 2**63 - 1
WEEK = 7 * 86_400_000
NUMBERS = [
    0,
    1,
    GREATEST,
    GREATEST - 1,
    GREATEST - WEEK,
    GREATEST - WEEK + 1,
    GREATEST - 86_400_000 + 1,
    GREATEST // 1000,
    GREATEST // 1_000_000 + 1,
    GREATEST + 1,
    10**14 - 1,
    10**14,
    10**18,
    10**30,
    -1,
    -GREATEST,
    -GREATEST - 1,
]

BINANCE = {
    "startTime endTime fromId orderId limit": [
        "/fapi/v1/allOrders?symbol=BTCUSDT",
        "/fapi/v1/userTrades?symbol=BTCUSDT",
        "/fapi/v1/allAlgoOrders?symbol=BTCUSDT",
        "/fapi/v1/orderAmendment?symbol=BTCUSDT",
        "/fapi/v1/forceOrders?symbol=BTCUSDT",
        "/fapi/v1/positionMargin/history?symbol=BTCUSDT",
        "/fapi/v1/order?symbol=BTCUSDT",
    ],
    "startTime endTime page limit": ["/fapi/v1/income?symbol=BTCUSDT"],
    "startTime endTime fromId limit": [
        "/fapi/v1/klines?symbol=BTCUSDT&interval=1m",
        "/fapi/v1/klines?symbol=BTCUSDT&interval=1M",
        "/fapi/v1/markPriceKlines?symbol=BTCUSDT&interval=1w",
        "/fapi/v1/continuousKlines?pair=BTCUSDT&interval=3d" "&contractType=PERPETUAL",
        "/fapi/v1/aggTrades?symbol=BTCUSDT",
        "/fapi/v1/historicalTrades?symbol=BTCUSDT",
        "/fapi/v1/fundingRate?symbol=BTCUSDT",
        "/fapi/v1/depth?symbol=BTCUSDT",
        "/futures/data/openInterestHist?symbol=BTCUSDT&period=5m",
    ],
}
OKX = {
    "begin end after before limit": [
        "/api/v5/trade/orders-history?instType=SWAP",
        "/api/v5/trade/orders-history-archive?instType=SWAP",
        "/api/v5/trade/orders-pending?instType=SWAP",
        "/api/v5/trade/fills?instType=SWAP",
        "/api/v5/trade/fills-history?instType=SWAP",
        "/api/v5/account/bills?ccy=USDT",
        "/api/v5/account/bills-archive?ccy=USDT",
        "/api/v5/account/positions-history?instType=SWAP",
        "/api/v5/trade/orders-algo-history?ordType=conditional&state=effective",
        "/api/v5/trade/orders-algo-pending?ordType=conditional",
        "/api/v5/market/candles?instId=BTC-USDT-SWAP&bar=1m",
        "/api/v5/market/history-candles?instId=BTC-USDT-SWAP&bar=1M",
        "/api/v5/market/mark-price-candles?instId=" "BTC-USDT-SWAP&bar=1W",
        "/api/v5/market/history-trades?instId=BTC-USDT-SWAP&type=2",
        "/api/v5/public/funding-rate-history?instId=BTC-USDT-SWAP",
        "/api/v5/market/books?instId=BTC-USDT-SWAP",
        "/api/v5/account/interest-accrued?instId=BTC-USDT-SWAP",
    ],
    "ordId sz limit": [
        "/api/v5/trade/order?instId=BTC-USDT-SWAP",
        "/api/v5/market/books?instId=BTC-USDT-SWAP",
    ],
}
CRYPTO_COM = [
    "private/get-order-history",
    "private/get-trades",
    "private/get-transactions",
    "private/user-balance-history",
    "private/get-open-orders",
    "private/advanced/get-order-history",
    "private/get-order-detail",
]


@pytest.fixture(scope="module")
def server():
    with Server("--ledger-time", "2026-10-01T00:00:00Z") as server:
        for venue, asset, prices in (
            ("binance", "USDT", {"marks": {"BTCUSDT": "60000"}}),
            ("okx", "USDT", {"marks": {"BTC-USDT-SWAP": "60000"}, "index": {"BTC": "60000"}}),
            ("crypto-com", "USD", {"marks": {"BTCUSD-PERP": "60000"}}),
        ):
            server.apply(
                {"type": "open_account", "account": venue, "venue": venue},
                {"type": "deposit", "account": venue, "asset": asset, "amount": "1000"},
                {"type": "prices", "venue": venue} | prices,
            )
        yield server
        assert server.request("GET", "/healthz").status == 200


def cases(table):
    """Every parameter of every list with every number, and each two times together at both ends."""
    for words, paths in table.items():
        for path, word, number in itertools.product(paths, words.split(), NUMBERS):
            yield path, f"&{word}={number}"
        times = words.split()[:2]
        for path, number in itertools.product(paths, NUMBERS):
            yield path, f"&{times[0]}={-number}&{times[1]}={number}"
            yield path, f"&{times[0]}={number}&{times[1]}={number}"


def test_binance(server):
    key = server.issue_key("binance", **KEY)
    for path, parameter in cases(BINANCE):
        route, query = path.split("?")
        answer = venue_requests.binance(server, key, route, query + parameter)
        assert answer.status < 500, (path, parameter, answer)
        assert answer.status == 200 or answer.json["code"] < 0, (path, parameter, answer)


def test_okx(server):
    key = server.issue_key("okx", **KEY | {"passphrase": "extreme-words"})
    for path, parameter in cases(OKX):
        answer = venue_requests.okx_call(server, key, "GET", path + parameter)
        assert answer.status < 500 and "code" in answer.json, (path, parameter, answer)


def test_crypto_com(server):
    key = server.issue_key("crypto-com", **KEY)
    words = ("start_time", "end_time", "limit", "page", "page_size", "order_id")
    for method, word, number in itertools.product(CRYPTO_COM, words, NUMBERS):
        answer = venue_requests.crypto_com_call(
            server, key, method, {"instrument_name": "BTCUSD-PERP", word: number}
        )
        assert answer.status < 500 and "code" in answer.json, (method, word, number, answer)
    for method, word, number in itertools.product(
        ("get-candlestick", "get-trades", "get-valuations", "get-book"),
        ("start_ts", "end_ts", "count", "depth"),
        NUMBERS,
    ):
        more = "&timeframe=1m&valuation_type=funding_hist" + ("" if word == "depth" else "&depth=10")
        path = f"/exchange/v1/public/{method}?instrument_name=BTCUSD-PERP{more}&{word}={number}"
        answer = server.request("GET", path)
        assert answer.status < 500 and "code" in answer.json, (path, answer)


def test_a_mark_beyond_any_book():
    """One side of the book does not fit beside it: the venue's other symbols are told as ever."""
    with Server("--ledger-time", "2026-10-01T00:00:00Z") as one:
        for venue, name in (("binance", "BTCUSDT"), ("okx", "BTC-USDT-SWAP"), ("crypto-com", "BTCUSD-PERP")):
            one.apply({"type": "prices", "venue": venue, "marks": {name: "99999999999999999999"}})
        for path in (
            "/fapi/v1/depth?symbol=BTCUSDT",
            "/fapi/v1/ticker/bookTicker",
            "/fapi/v1/ticker/24hr",
            "/fapi/v1/premiumIndex",
            "/api/v5/market/books?instId=BTC-USDT-SWAP",
            "/api/v5/market/tickers?instType=SWAP",
            "/exchange/v1/public/get-book?instrument_name=BTCUSD-PERP&depth=10",
            "/exchange/v1/public/get-tickers",
        ):
            answer = one.request("GET", path)
            assert answer.status == 200, (path, answer)
