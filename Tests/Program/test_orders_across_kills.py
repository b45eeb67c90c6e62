"""Orders of a venue's clients across kills: an answered order is durable, an unanswered one is wholly there,
found by its client id, or absent."""

import decimal
import random
import threading
import time

import pytest

from server import Server, run
from venue_requests import binance_call, crypto_com_call

ROUNDS = 6
WORKERS = 2
SEED = 20261128
D = decimal.Decimal


class CryptoCom:
    """Market buys of a perpetual, and limit buys that rest."""

    name = "crypto-com"
    opening = [("USD", "1000000")]
    prices = {"marks": {"BTCUSD-PERP": "50000"}}
    instrument = "BTCUSD-PERP"
    absent = 40401

    @staticmethod
    def place(server, key, client_id, rests):
        params = {"instrument_name": "BTCUSD-PERP", "side": "BUY", "client_oid": client_id}
        params["quantity"] = "0.0001"
        more = {"type": "LIMIT", "price": "40000.0"} if rests else {"type": "MARKET"}
        return crypto_com_call(server, key, "private/create-order", params | more)

    @staticmethod
    def placed(answer):
        return answer["result"]["order_id"]

    @staticmethod
    def find(server, key, client_id):
        """The order's id, its status and what is filled; None where it is absent."""
        answer = crypto_com_call(server, key, "private/get-order-detail", {"client_oid": client_id}).json
        if answer["code"] == CryptoCom.absent:
            return None
        row = answer["result"]
        return row["order_id"], row["status"], D(row["cumulative_quantity"])

    states = {True: ("ACTIVE", D(0)), False: ("FILLED", D("0.0001"))}


class Binance:
    """The same of a USDT perpetual."""

    name = "binance"
    opening = [("USDT", "1000000")]
    prices = {"marks": {"BTCUSDT": "50000"}}
    instrument = "BTCUSDT"

    @staticmethod
    def place(server, key, client_id, rests):
        query = f"symbol=BTCUSDT&side=BUY&quantity=0.010&newClientOrderId={client_id}"
        query += "&type=LIMIT&timeInForce=GTC&price=40000" if rests else "&type=MARKET"
        return binance_call(server, key, "POST", "/fapi/v1/order", query)

    @staticmethod
    def placed(answer):
        return answer["orderId"]

    @staticmethod
    def find(server, key, client_id):
        query = f"symbol=BTCUSDT&origClientOrderId={client_id}"
        answer = binance_call(server, key, "GET", "/fapi/v1/order", query).json
        if answer.get("code") == -2013:
            return None
        return answer["orderId"], answer["status"], D(answer["executedQty"])

    states = {True: ("NEW", D(0)), False: ("FILLED", D("0.010"))}


class Trader(threading.Thread):
    """Places one order after the other, every fourth of which rests, and remembers what was answered."""

    def __init__(self, server, venue, account, key, limit):
        super().__init__(daemon=True)
        self.server, self.venue, self.account, self.key, self.limit = server, venue, account, key, limit
        self.answered: dict[str, object] = {}
        self.unanswered: str | None = None
        self.wrong = None

    @staticmethod
    def rests(client_id: str) -> bool:
        return int(client_id.rsplit("-", 1)[1]) % 4 == 0

    def run(self):
        for number in range(1, self.limit):
            client_id = f"{self.account}-{number}"
            self.unanswered = client_id
            try:
                answer = self.venue.place(self.server, self.key, client_id, self.rests(client_id))
            except Exception:  # the connection broke off
                return
            if answer.status != 200:
                self.wrong = answer
                return
            self.answered[client_id] = self.venue.placed(answer.json)
            self.unanswered = None


@pytest.mark.parametrize("venue", [CryptoCom, Binance], ids=["crypto-com", "binance"])
def test_killed_while_orders_stream_in(store, venue):
    print(f"seed {SEED}")
    generator = random.Random(SEED)
    total, lost, kept = 0, 0, 0
    prices = {"type": "prices", "venue": venue.name, **venue.prices}
    one = Server("--rate-limits", "off", store=store).start()
    one.apply(prices)
    for round_number in range(ROUNDS):
        traders = []
        for worker in range(WORKERS):
            account = f"t{round_number}{worker}"
            one.apply({"type": "open_account", "account": account, "venue": venue.name})
            for asset, amount in venue.opening:
                one.apply({"type": "deposit", "account": account, "asset": asset, "amount": amount})
            key = one.issue_key(account, permissions=["read", "trade"])
            # Fewer than a venue's own limits of open orders, and than the history holds.
            traders.append(Trader(one, venue, account, key, 450))
        for trader in traders:
            trader.start()
        # In the midst of them, however fast the machine is.
        wanted = generator.randint(10, 60)
        while sum(len(trader.answered) for trader in traders) < wanted:
            assert any(trader.is_alive() for trader in traders), "the orders come to an end"
            time.sleep(0.001)
        one.kill()
        for trader in traders:
            trader.join(timeout=20)
            assert trader.wrong is None, trader.wrong
        one = Server("--rate-limits", "off", store=store).start()
        for trader in traders:
            filled = D(0)
            for client_id, order_id in trader.answered.items():
                found = venue.find(one, trader.key, client_id)
                assert found == (order_id, *venue.states[trader.rests(client_id)]), client_id
                filled += found[2]
            total += len(trader.answered)
            if trader.unanswered:
                found = venue.find(one, trader.key, trader.unanswered)
                if found is None:
                    lost += 1
                else:
                    kept += 1
                    assert found[1:] == venue.states[trader.rests(trader.unanswered)]
                    filled += found[2]
            held = sum(
                (D(row["quantity"]) for row in one.account(trader.account)["positions"]), D(0)
            )
            assert held == filled, "what was filled is what is held"
            open_orders = one.account(trader.account)["orders"]
            ids = [client_id for client_id in trader.answered if trader.rests(client_id)]
            assert len(ids) <= len(open_orders) <= len(ids) + 1
    print(f"{total} answered, {kept} unanswered kept whole, {lost} absent")
    assert total > 50, "there was load"
    assert one.stop() == 0
    checked = run("verify", "--store", store)
    assert checked.returncode == 0, checked
