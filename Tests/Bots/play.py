"""What the programs share that bots' own Python runs: the server's operator API, and waiting for states."""

import asyncio
import json
import sys
import time

import bots
from figures import D
from server import Server

VENUES = {
    "okx": ("BTC-USDT-SWAP", D("0.01")),
    "binance": ("BTCUSDT", D(1)),
}


class Play:
    """One account of one venue, as the operator sees it."""

    def __init__(self, venue: str, port: int, account: str):
        self.venue, self.account = venue, account
        self.instrument, self.contract = VENUES[venue]
        self.server = Server()
        self.server.port = port

    @classmethod
    def of_arguments(cls) -> tuple["Play", dict]:
        """The play and the account's key that the test gave this program."""
        venue, port, account, key = sys.argv[1:]
        return cls(venue, int(port), account), json.loads(key)

    def shown(self, name: str, key: dict) -> str:
        """A block of docs/clients.md with the address and the keys of this play."""
        text = bots.shown(name).replace(bots.ADDRESS, f"127.0.0.1:{self.server.port}")
        text = text.replace("a-key-that-may-trade", key["api_key"]).replace("its-secret", key["secret"])
        return text.replace("its-passphrase", key["passphrase"] or "")

    def quote(self, bid: str, **more: str) -> None:
        """A quote with the ask one tick above the bid, which is the last price too."""
        quoted = {"bid": bid, "ask": str(D(bid) + D("0.1")), "last": bid} | more
        self.server.apply({"type": "quotes", "venue": self.venue, "quotes": {self.instrument: quoted}})

    def state(self) -> dict:
        """The account as the ledger has it."""
        return self.server.account(self.account)

    def cash(self, asset: str = "USDT") -> D:
        return sum((D(row["cash"]) for row in self.state()["holdings"] if row["asset"] == asset), D(0))

    def position(self) -> D:
        """How much of the instrument is held, below zero where it is sold."""
        return sum(
            (D(row["quantity"]) for row in self.state()["positions"] if row["instrument"] == self.instrument),
            D(0),
        )

    def orders(self, state: str = "") -> list[dict]:
        query = f"?state={state}" if state else ""
        return self.server.admin("GET", f"/accounts/{self.account}/orders{query}").json["orders"]

    def trades(self) -> list[dict]:
        return self.server.admin("GET", f"/accounts/{self.account}/trades").json["trades"]

    def refusals(self) -> list[tuple]:
        """What was asked for and refused: nothing, unless the program meant it."""
        rows = self.server.admin("GET", "/requests").json["requests"]
        return [(row["method"], row["path"], row["refusal"]) for row in rows if row["refusal"]]


async def until(what: str, state):
    """Waits until `state()` is true and gives it."""
    begun, latest = time.monotonic(), None
    while time.monotonic() - begun < 40:
        if latest := state():
            print(f"{what}: {latest}"[:400], flush=True)
            return latest
        await asyncio.sleep(0.05)
    raise AssertionError(f"{bots.WITHIN} s without: {what}; at last {latest!r}")
