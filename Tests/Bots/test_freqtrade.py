"""freqtrade in live mode: from its start to closed trades, by profit and by the stop on the exchange."""

import base64
import json
import urllib.request

import bots
from exercised import exercises
from figures import D, exact
from server import Server


class Freqtrade:
    """A running freqtrade, asked by its own REST API."""

    def __init__(self, run, folder, venue, server, key):
        config = {}
        # Of another venue the page shows what is different.
        for shown in (bots.shown("freqtrade-okx"), bots.shown(f"freqtrade-{venue}")):
            config |= json.loads(shown.replace(bots.ADDRESS, f"127.0.0.1:{server.port}"))
        self.port = config["api_server"]["listen_port"] = bots.free_port()
        exchange = config["exchange"]
        exchange["key"], exchange["secret"] = key["api_key"], key["secret"]
        exchange["password"] = key["passphrase"]
        user, password = config["api_server"]["username"], config["api_server"]["password"]
        self.authorization = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "strategies").mkdir()
        (folder / "strategies" / "Tour.py").write_text(bots.shown("freqtrade-strategy"))
        arguments = ("--config", "config.json", "--userdir", folder, "--strategy", "Tour")
        self.bot = run("freqtrade", "freqtrade", "trade", *arguments)

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": self.authorization, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def order(self, what, trade, side, **wanted):
        """Waits until an order of a trade is as wanted."""

        def found():
            for order in self.ask("GET", f"/trade/{trade}")["orders"]:
                if wanted.items() <= order.items() and order["ft_order_side"] == side:
                    return order
            return None

        return self.bot.until(what, found)

    def closed(self, trade):
        """Waits until a trade is closed and gives it."""

        def found():
            state = self.ask("GET", f"/trade/{trade}")
            return not state["is_open"] and not state["has_open_orders"] and state

        return self.bot.until(f"trade {trade} closed", found)


# The account's settings, the instrument, what one contract of it is, and what 2000 USDT come to in its lots.
VENUES = {
    "okx": ({"settings": {"mode": "futures"}}, "BTC-USDT-SWAP", D("0.01"), 0.0333),
    "binance": ({}, "BTCUSDT", D(1), 0.033),
}
WITH_TRADE = ["read", "trade"]
WHAT = "entry, partial fill, fill, stop on exchange, exit, closed trade, fired stop"


@exercises("freqtrade `okx`", WHAT)
def test_okx(run, tmp_path):
    play("okx", run, tmp_path)


@exercises("freqtrade `binance`", WHAT)
def test_binance(run, tmp_path):
    play("binance", run, tmp_path)


def play(venue, run, folder):
    settings, instrument, contract, amount = VENUES[venue]

    def quote(price, **more):
        quoted = {"bid": price, "ask": str(D(price) + D("0.1")), "last": price} | more
        server.apply({"type": "quotes", "venue": venue, "quotes": {instrument: quoted}})

    with Server() as server:
        server.apply(
            {"type": "open_account", "account": "desk", "venue": venue} | settings,
            {"type": "deposit", "account": "desk", "asset": "USDT", "amount": "10000"},
        )
        quote("60000")
        key = server.issue_key("desk", permissions=WITH_TRADE)
        trader = Freqtrade(run, folder, venue, server, key)
        trader.bot.until("a trade", lambda: trader.ask("GET", "/status"))
        # No further entries, however long the rest takes.
        trader.ask("POST", "/stopentry")
        entry = trader.order("entry", 1, "buy", status="open")
        assert entry["safe_price"] == 60000
        # A third of the position is traded at the bot's price, then the market goes through it.
        quote("60000", quantity=str(D("0.01") / contract))
        trader.order("partial fill", 1, "buy", status="open", filled=0.01)
        quote("59990")
        trader.order("fill", 1, "buy", status="closed", filled=amount)
        trader.order("stop on exchange", 1, "stoploss", status="open", safe_price=58500.0)
        # 5 % of profit at twice the stake, and what the fees take.
        quote("61700")
        trader.order("exit", 1, "sell", status="open")
        quote("61710")
        won = trader.closed(1)
        assert (won["exit_reason"], won["open_rate"], won["close_rate"]) == ("roi", 60000, 61700.1)
        trader.bot.until("the stop is cancelled", lambda: "conditionals" not in server.account("desk"))
        # It locks a pair that it has left to the end of the minute.
        for lock in trader.ask("GET", "/locks")["locks"]:
            trader.ask("DELETE", f"/locks/{lock['id']}")
        trader.ask("POST", "/start")
        trader.order("second entry", 2, "buy", status="open")
        trader.ask("POST", "/stopentry")
        quote("61690")
        trader.order("second stop", 2, "stoploss", status="open")
        quote("60000")
        lost = trader.closed(2)
        assert (lost["exit_reason"], lost["open_rate"]) == ("stoploss_on_exchange", 61710)
        compare(server, contract, trader, won, lost)
        refusals = [row["refusal"] for row in server.admin("GET", "/requests").json["requests"]]
        # Binance's word for a margin type that is set already: freqtrade sets it before every entry.
        assert {refusal["code"] for refusal in refusals if refusal} <= {"-4046"}


def compare(server, contract, trader, *closed):
    """Orders, trades, fees, profit, position and balance: the bot's are the ledger's."""
    fills = server.admin("GET", "/accounts/desk/trades").json["trades"]
    for trade in closed:
        of_trade = [fills.pop(0)]
        while sum(D(fill["quantity"]) * (1 if fill["side"] == "buy" else -1) for fill in of_trade):
            of_trade.append(fills.pop(0))
        for side, price, rate in (("buy", "open_rate", "fee_open"), ("sell", "close_rate", "fee_close")):
            one_way = [fill for fill in of_trade if fill["side"] == side]
            quantity = sum(D(fill["quantity"]) for fill in one_way)
            value = sum(D(fill["quantity"]) * D(fill["price"]) for fill in one_way)
            assert round(exact(trade["amount"]), 8) == quantity * contract
            assert exact(trade[price]) == value / quantity
            # Its rates: the amount of an entry's fee it works out anew of the stake, whatever the leverage.
            fees = sum(D(fill["fee"]) for fill in one_way)
            assert round(exact(trade[rate]) * value * contract, 8) == round(fees, 8)
        profit = sum(D(fill["realised"]) - D(fill["fee"]) for fill in of_trade)
        assert exact(trade["close_profit_abs"]) == round(profit, 8)
    assert fills == [], "the ledger has trades that the bot does not know"
    account = server.account("desk")
    assert (account["positions"], account["orders"], account.get("conditionals")) == ([], [], None)
    [cash] = [D(row["cash"]) for row in account["holdings"]]

    def balance():
        rows = trader.ask("GET", "/balance")["currencies"]
        return [row["currency"] for row in rows] == ["USDT"] and rows[0]

    told = trader.bot.until("the wallet without a position", balance)
    assert round(exact(told["balance"]), 8) == round(cash, 8)
    assert told["used"] == 0


@exercises("freqtrade `okx`", "spot: entry, stop on exchange, exit, closed trade")
def test_okx_spot(run, tmp_path):
    """A pair: the fee of what is bought is taken out of it, and what is less than a lot stays."""

    def quote(price):
        quoted = {"bid": price, "ask": str(D(price) + D("0.1")), "last": price}
        server.apply({"type": "quotes", "venue": "okx", "quotes": {"BTC-USDT": quoted}})

    with Server() as server:
        server.apply(
            {"type": "open_account", "account": "desk", "venue": "okx", "settings": {"mode": "spot"}},
            {"type": "deposit", "account": "desk", "asset": "USDT", "amount": "10000"},
        )
        quote("60000")
        key = server.issue_key("desk", permissions=WITH_TRADE)
        trader = Freqtrade(run, tmp_path, "okx-spot", server, key)
        trader.order("entry", 1, "buy", status="open", safe_price=60000)
        trader.ask("POST", "/stopentry")
        quote("59990")
        trader.order("fill", 1, "buy", status="closed")
        trader.order("stop on exchange", 1, "stoploss", status="open", safe_price=57000)
        quote("63200")
        trader.order("exit", 1, "sell", status="open")
        quote("63210")
        closed = trader.closed(1)
        trader.bot.until("the stop is cancelled", lambda: "conditionals" not in server.account("desk"))
        bought, sold = server.admin("GET", "/accounts/desk/trades").json["trades"]
        assert bought["fee_asset"] == "BTC" and "fee_asset" not in sold
        received = D(bought["quantity"]) - D(bought["fee"])
        assert D(sold["quantity"]) <= received < D(sold["quantity"]) + D("0.00000001")
        assert (closed["open_rate"], closed["close_rate"]) == (60000, 63200.1)
        cash = {row["asset"]: D(row["cash"]) for row in server.account("desk")["holdings"]}

        def balances():
            rows = trader.ask("GET", "/balance")["currencies"]
            told = {row["currency"]: round(exact(row["balance"]), 12) for row in rows}
            return all(told.get(asset, 0) == round(amount, 12) for asset, amount in cash.items())

        trader.bot.until(f"balances {cash}", balances)
