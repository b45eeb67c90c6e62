"""NautilusTrader's live node at two venues."""

import json

import bots
from exercised import exercises
from figures import D
from server import Server

PROGRAM = bots.ROOT / "Tests" / "Bots" / "nautilus_program.py"
VENUES = {
    "okx": ({"settings": {"mode": "futures"}}, "BTC-USDT-SWAP", "1"),
    "binance": ({}, "BTCUSDT", "0.01"),
}


def play(venue, run):
    settings, instrument, unit = VENUES[venue]
    twice = str(2 * D(unit))
    quotes = {instrument: {"bid": "60000", "ask": "60000.1", "last": "60000"}}
    # It opens its four sockets faster than the venue allows: over the internet that takes a second.
    with Server("--rate-limits", "off") as server:
        held = {"account": "desk", "instrument": instrument, "side": "buy"}
        server.apply(
            {"type": "open_account", "account": "desk", "venue": venue} | settings,
            {"type": "deposit", "account": "desk", "asset": "USDT", "amount": "10000"},
            {"type": "quotes", "venue": venue, "quotes": quotes},
            {"type": "place_order", "order_id": "held", "quantity": twice, "price": "60000"} | held,
            {"type": "fill", "order_id": "held", "quantity": twice, "price": "60000"} | held,
            {"type": "place_order", "order_id": "early", "quantity": unit, "price": "50000"} | held,
        )
        key = server.issue_key("desk", permissions=["read", "trade"])
        run("nautilus", "python", PROGRAM, venue, str(server.port), "desk", json.dumps(key)).ends()


@exercises("NautilusTrader OKX", "reconciliation, market, limit, modify, cancel, stop, positions, balance")
def test_okx(run):
    play("okx", run)
