"""Bots run where there is no other machine: in a network of loopback alone, where tests may have one."""

import json

import pytest

import bots
from figures import D
from server import Server


@pytest.fixture(scope="session", autouse=True)
def is_shut_in():
    """Whether this process and its children are in a network of their own; sockets are guarded anyway."""
    return bots.shut_in()


@pytest.fixture
def run(tmp_path):
    """Starts bots in the test's folder; they end with the test."""
    running = []

    def start(bot, *arguments):
        running.append(bots.Bot(bot, *arguments, folder=tmp_path))
        return running[-1]

    yield start
    for one in running:
        one.stop()


# What an account is at a venue, what is traded there, and how much of it is 0.01 of a coin.
VENUES = {
    "okx": ({"settings": {"mode": "futures"}}, "BTC-USDT-SWAP", "1"),
    "binance": ({}, "BTCUSDT", "0.01"),
}


@pytest.fixture
def perform(run):
    """Runs a bot's program at a venue, with an account that has a position of two units and an open order."""

    def start(bot, venue, *options):
        settings, instrument, unit = VENUES[venue]
        twice = str(2 * D(unit))
        quotes = {instrument: {"bid": "60000", "ask": "60000.1", "last": "60000"}}
        held = {"account": "desk", "instrument": instrument, "side": "buy"}
        with Server(*options) as server:
            server.apply(
                {"type": "open_account", "account": "desk", "venue": venue} | settings,
                {"type": "deposit", "account": "desk", "asset": "USDT", "amount": "10000"},
                {"type": "quotes", "venue": venue, "quotes": quotes},
                {"type": "place_order", "order_id": "held", "quantity": twice, "price": "60000"} | held,
                {"type": "fill", "order_id": "held", "quantity": twice, "price": "60000"} | held,
                {"type": "place_order", "order_id": "early", "quantity": unit, "price": "50000"} | held,
            )
            key = server.issue_key("desk", permissions=["read", "trade"])
            program = bots.ROOT / "Tests" / "Bots" / f"{bot}_program.py"
            run(bot, "python", program, venue, str(server.port), "desk", json.dumps(key)).ends()

    return start
