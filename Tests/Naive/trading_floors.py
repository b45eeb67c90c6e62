"""The venues' own order calls for `trading.py`: what is asked, by which code it is refused, and what rows are
to say. By the venues' documents and their pages in `docs/venues`."""

from __future__ import annotations

import base64
import datetime
import http.client
import itertools
import json
import time
import typing
import urllib.parse
from fractions import Fraction

import binance
import crypto_com
import okx
import okx_rules
from compare import Server
from exact import cut, half_up, number, plain
from ledger import Ledger
from neighbours import digest


class Floor:
    """One venue, for one account of it."""

    venue: str
    mode: str
    deposits: dict[str, str]  # the account's money
    symbols: dict[str, tuple[Fraction, int]]  # tick, and the price around which all happens
    step: Fraction  # of quantities
    fees: dict[str, Fraction]
    settings: dict = {}
    # Orders that end own resting ones which they would meet.
    prevents_self_trade: tuple[str, ...] = ()
    # What only reduces is cut to the position, or refused where it is larger.
    cuts_to_position = True
    # Of what is refused: reduce, same_side, too_large, post_only, fill_or_kill, nothing_at_once, unchanged,
    # post_only_amended (without it such an amendment ends the order).
    codes: dict[str, int]

    def __init__(self, server: Server, account: str):
        status, self.key = server.call(
            "POST", f"/accounts/{account}/keys", {"permissions": ["read", "trade"]})
        if status not in (200, 201):
            raise SystemExit(f"POST /accounts/{account}/keys answered {status}: {self.key}")
        self.connection = http.client.HTTPConnection(*server.address, timeout=120)

    def send(self, method: str, target: str, body: str | None, headers: dict[str, str]) -> typing.Any:
        self.connection.request(method, target, body, headers)
        return json.loads(self.connection.getresponse().read(), parse_float=str)

    @classmethod
    def ledger(cls) -> Ledger:
        raise NotImplementedError

    @classmethod
    def index(cls) -> dict[str, str]:
        """The prices of assets."""
        raise NotImplementedError

    @classmethod
    def worth(cls, symbol: str) -> Fraction:
        """What one unit of quantity is, in coin."""
        return Fraction(1)

    @classmethod
    def fee(cls, value: Fraction, rate: Fraction) -> Fraction:
        """What is paid of a value that was traded."""
        return value * rate

    def name(self, order: typing.Any) -> str:
        """What rows call an order."""
        return order.name

    @classmethod
    def exchange(cls, *arguments: typing.Any) -> typing.Any:
        from trading import Exchange

        return Exchange(*arguments)


class Binance(Floor):
    """USDⓈ-M Futures, one-way mode, cross."""

    venue, mode, deposits = "binance", "single", {"USDT": "10000000"}
    symbols = {"BTCUSDT": (Fraction(1, 10), 60000), "ETHUSDT": (Fraction(1, 100), 3000)}
    step = Fraction(1, 1000)
    fees = {"maker": Fraction("0.0002"), "taker": Fraction("0.0005")}
    prevents_self_trade = ("GTC", "IOC", "MARKET")
    codes = {"reduce": -2022, "post_only": -5022, "fill_or_kill": -5021, "unchanged": -5027}

    @classmethod
    def ledger(cls) -> Ledger:
        return binance.ledger()

    @classmethod
    def index(cls) -> dict[str, str]:
        return {name: rule["reference_index"] for name, rule in binance.RULES["assets"].items()}

    @classmethod
    def fee(cls, value: Fraction, rate: Fraction) -> Fraction:
        return cut(value * rate, 8)

    def call(self, method: str, path: str, **parameters: str) -> typing.Any:
        query = urllib.parse.urlencode(parameters | {
            "recvWindow": "60000", "timestamp": str(time.time_ns() // 10 ** 6)})
        signature = digest(self.key["secret"], query).hex()
        return self.send(method, f"/fapi/v1/{path}?{query}&signature={signature}", None,
                         {"X-MBX-APIKEY": self.key["api_key"]})

    def place(self, order: typing.Any) -> int:
        """The code of the refusal; 0 where it is taken."""
        parameters = {
            "symbol": order.symbol, "side": "BUY" if order.buys else "SELL", "quantity": plain(order.total),
            "newClientOrderId": order.name, "type": "LIMIT"}
        if order.validity == "MARKET":
            parameters["type"] = "MARKET"
        else:
            parameters |= {"price": plain(order.price), "timeInForce": order.validity}
        if order.reduce_only:
            parameters["reduceOnly"] = "true"
        return self.call("POST", "order", **parameters).get("code", 0)

    def cancel(self, order: typing.Any) -> bool:
        answer = self.call("DELETE", "order", symbol=order.symbol, origClientOrderId=order.name)
        return answer.get("status") == "CANCELED"

    def amend(self, order: typing.Any, total: Fraction, price: Fraction) -> int:
        return self.call(
            "PUT", "order", symbol=order.symbol, origClientOrderId=order.name,
            side="BUY" if order.buys else "SELL", quantity=plain(total), price=plain(price)).get("code", 0)

    def open_orders(self) -> dict[str, tuple]:
        return {row["clientOrderId"]: (
            row["side"] == "BUY", number(row["origQty"]), number(row["executedQty"]), number(row["price"]),
            row["reduceOnly"]) for row in self.call("GET", "openOrders")}

    def shown(self, order: typing.Any) -> tuple:
        return order.buys, order.total, order.done, order.price, order.reduce_only

    def trades(self, symbol: str) -> list[dict]:
        return [{key: number(row[key]) if isinstance(row[key], str) and key not in ("symbol", "side")
                 else row[key] for key in (
                     "symbol", "side", "price", "qty", "commission", "realizedPnl", "maker", "buyer")}
                for row in self.call("GET", "userTrades", symbol=symbol)]

    def trade(self, order: typing.Any, quantity: Fraction, price: Fraction, fee: Fraction,
              realised: Fraction, maker: bool) -> dict:
        return {"symbol": order.symbol, "side": "BUY" if order.buys else "SELL", "price": price,
                "qty": quantity, "commission": fee, "realizedPnl": realised, "maker": maker,
                "buyer": order.buys}

    def statement(self, book: Ledger, account: typing.Any, now: int) -> dict:
        return binance.statement(book, account, "", self.mode, now)

    def close(self) -> None:
        for symbol in self.symbols:
            self.call("DELETE", "allOpenOrders", symbol=symbol)


class CryptoCom(Floor):
    """Perpetuals of Crypto.com Exchange, cross: limit and market orders."""

    venue, mode, deposits = "crypto-com", "documented", {"USD": "10000000"}
    symbols = {"BTCUSD-PERP": (Fraction(1, 10), 60000), "ETHUSD-PERP": (Fraction(1, 100), 3000)}
    step = Fraction(1, 1000)
    fees = {side: number(rate) for side, rate in crypto_com.RULES["fees"]["derivative"].items()}
    codes = {"reduce": 1110, "post_only": 43005, "fill_or_kill": 43003, "nothing_at_once": 43004,
             "post_only_amended": 43005}
    numbers = itertools.count(1)

    @classmethod
    def ledger(cls) -> Ledger:
        return crypto_com.ledger()

    @classmethod
    def index(cls) -> dict[str, str]:
        return {name: rule["reference_index"] for name, rule in crypto_com.ASSETS.items()
                if name != "USD" and "reference_index" in rule}

    @classmethod
    def signed(cls, value: typing.Any) -> str:
        """Params as the signature has them: keys ascending, each before its value."""
        if isinstance(value, dict):
            return "".join(name + cls.signed(value[name]) for name in sorted(value))
        if isinstance(value, list):
            return "".join(cls.signed(element) for element in value)
        return str(value)

    def call(self, method: str, **params: typing.Any) -> typing.Any:
        method, place, nonce = f"private/{method}", next(self.numbers), time.time_ns() // 10 ** 6
        text = f"{method}{place}{self.key['api_key']}{self.signed(params)}{nonce}"
        call = {"id": place, "method": method, "api_key": self.key["api_key"], "params": params,
                "nonce": nonce, "sig": digest(self.key["secret"], text).hex()}
        return self.send("POST", f"/exchange/v1/{method}", json.dumps(call),
                         {"Content-Type": "application/json"})

    def place(self, order: typing.Any) -> int:
        params: dict[str, typing.Any] = {
            "instrument_name": order.symbol, "side": "BUY" if order.buys else "SELL",
            "quantity": plain(order.total), "client_oid": order.name, "type": "MARKET"}
        words = ["REDUCE_ONLY"] if order.reduce_only else []
        if order.validity != "MARKET":
            params |= {"type": "LIMIT", "price": plain(order.price), "time_in_force": {
                "IOC": "IMMEDIATE_OR_CANCEL", "FOK": "FILL_OR_KILL"}.get(
                    order.validity, "GOOD_TILL_CANCEL")}
            words += ["POST_ONLY"] if order.validity == "GTX" else []
        if words:
            params["exec_inst"] = words
        return self.call("create-order", **params)["code"]

    def cancel(self, order: typing.Any) -> bool:
        return self.call("cancel-order", client_oid=order.name)["code"] == 0

    def amend(self, order: typing.Any, total: Fraction, price: Fraction) -> int:
        return self.call("amend-order", orig_client_oid=order.name, client_oid=order.name,
                         new_quantity=plain(total), new_price=plain(price))["code"]

    def open_orders(self) -> dict[str, tuple]:
        return {row["client_oid"]: (
            row["side"] == "BUY", number(row["quantity"]), number(row["cumulative_quantity"]),
            number(row["limit_price"]), "REDUCE_ONLY" in row["exec_inst"])
            for row in self.call("get-open-orders")["result"]["data"]}

    def shown(self, order: typing.Any) -> tuple:
        """The quantity is shown as far as there was so much to reduce."""
        return order.buys, order.total, order.done, order.price, order.reduce_only

    def trades(self, symbol: str) -> list[dict]:
        rows = self.call("get-trades", instrument_name=symbol)["result"]["data"]
        return [{"symbol": row["instrument_name"], "side": row["side"], "price": number(row["traded_price"]),
                 "qty": number(row["traded_quantity"]), "fees": number(row["fees"]),
                 "taker": row["taker_side"], "order": row["client_oid"]} for row in reversed(rows)]

    def trade(self, order: typing.Any, quantity: Fraction, price: Fraction, fee: Fraction,
              realised: Fraction, maker: bool) -> dict:
        return {"symbol": order.symbol, "side": "BUY" if order.buys else "SELL", "price": price,
                "qty": quantity, "fees": -fee, "taker": "MAKER" if maker else "TAKER", "order": order.name}

    def statement(self, book: Ledger, account: typing.Any, now: int) -> dict:
        return crypto_com.statement(book, account, "", self.mode, now)

    def close(self) -> None:
        self.call("cancel-all-orders")


class OKX(Floor):
    """Linear swaps of OKX in futures mode, net positions, cross. Sizes are contracts."""

    venue, mode, deposits, settings = "okx", "futures", {"USDT": "10000000"}, {"mode": "futures"}
    symbols = {"BTC-USDT-SWAP": (Fraction(1, 10), 60000), "ETH-USDT-SWAP": (Fraction(1, 100), 3000)}
    step = Fraction(1, 100)
    fees = {side: number(rate) for side, rate in okx_rules.MARGIN["trade_fee"]["derivative"].items()}
    prevents_self_trade = ("GTC", "IOC", "MARKET", "GTX", "FOK")
    cuts_to_position = False
    codes = {"reduce": 51169, "same_side": 51170, "too_large": 51112, "post_only_amended": 51511}
    kinds = {"GTC": "limit", "IOC": "ioc", "FOK": "fok", "GTX": "post_only", "MARKET": "market"}

    @classmethod
    def ledger(cls) -> Ledger:
        return okx.ledger()

    @classmethod
    def index(cls) -> dict[str, str]:
        return {name: rule["reference_index"] for name, rule in okx_rules.ASSETS.items()}

    @classmethod
    def worth(cls, symbol: str) -> Fraction:
        return number(okx_rules.RULES["instruments"][symbol]["value"])

    def call(self, method: str, path: str, body: typing.Any = None) -> typing.Any:
        path, sent = f"/api/v5/trade/{path}", "" if body is None else json.dumps(body)
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
        sign = base64.b64encode(digest(self.key["secret"], f"{stamp}{method}{path}{sent}")).decode()
        return self.send(method, path, sent or None, {
            "OK-ACCESS-KEY": self.key["api_key"], "OK-ACCESS-SIGN": sign, "OK-ACCESS-TIMESTAMP": stamp,
            "OK-ACCESS-PASSPHRASE": self.key["passphrase"], "Content-Type": "application/json"})

    def name(self, order: typing.Any) -> str:
        return order.name.replace("-", "")

    def item(self, order: typing.Any) -> dict:
        """An order as it is sent."""
        item = {"instId": order.symbol, "tdMode": "cross", "side": "buy" if order.buys else "sell",
                "ordType": self.kinds[order.validity], "sz": plain(order.total), "clOrdId": self.name(order)}
        if order.validity != "MARKET":
            item["px"] = plain(order.price)
        if order.reduce_only:
            item["reduceOnly"] = True
        return item

    def place(self, order: typing.Any) -> int:
        return int(self.call("POST", "order", self.item(order))["data"][0]["sCode"])

    def cancel(self, order: typing.Any) -> bool:
        item = {"instId": order.symbol, "clOrdId": self.name(order)}
        return self.call("POST", "cancel-order", item)["data"][0]["sCode"] == "0"

    def amend(self, order: typing.Any, total: Fraction, price: Fraction) -> int:
        item = {"instId": order.symbol, "clOrdId": self.name(order), "newSz": plain(total),
                "newPx": plain(price)}
        return int(self.call("POST", "amend-order", item)["data"][0]["sCode"])

    def open_orders(self) -> dict[str, tuple]:
        return {row["clOrdId"]: (
            row["side"] == "buy", number(row["sz"]), number(row["accFillSz"]), number(row["px"]),
            row["reduceOnly"] == "true") for row in self.call("GET", "orders-pending")["data"]}

    def shown(self, order: typing.Any) -> tuple:
        return order.buys, order.total, order.done, order.price, order.reduce_only

    def trades(self, symbol: str) -> list[dict]:
        return [self.row(row) for row in reversed(self.call("GET", f"fills?instId={symbol}")["data"])]

    def row(self, row: dict) -> dict:
        """Of a fill what is compared."""
        return {"symbol": row["instId"], "side": row["side"], "order": row["clOrdId"],
                "taker": row["execType"]} | {
                    key: number(row[key]) for key in ("fillPx", "fillSz", "fee", "fillPnl")}

    def trade(self, order: typing.Any, quantity: Fraction, price: Fraction, fee: Fraction,
              realised: Fraction, maker: bool) -> dict:
        return {"symbol": order.symbol, "side": "buy" if order.buys else "sell", "order": self.name(order),
                "taker": "M" if maker else "T", "fillPx": price, "fillSz": quantity, "fee": -fee,
                "fillPnl": half_up(realised, 16)}

    def statement(self, book: Ledger, account: typing.Any, now: int) -> dict:
        return okx.statement(book, account, "", self.mode, now)

    def close(self) -> None:
        for row in self.call("GET", "orders-pending")["data"]:
            self.call("POST", "cancel-order", {"instId": row["instId"], "ordId": row["ordId"]})

