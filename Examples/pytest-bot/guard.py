"""Closes half of a position where its account comes near its liquidation."""

import time

import ccxt


def share(exchange) -> float:
    """Maintenance margin ÷ margin balance; the venue liquidates at 1."""
    account = exchange.fapiPrivateV3GetAccount()
    balance = float(account["totalMarginBalance"])
    return float(account["totalMaintMargin"]) / balance if balance > 0 else 1.0


def guard(exchange, symbol: str, limit: float = 0.8, patience: float = 0.05) -> dict | None:
    """Gives the order that was placed; None where nothing had to be done."""
    for attempt in range(5):
        try:
            if share(exchange) < limit:
                return None
            position = exchange.fetch_positions([symbol])[0]
            side = "sell" if position["side"] == "long" else "buy"
            amount = exchange.amount_to_precision(symbol, position["contracts"] / 2)
            return exchange.create_order(symbol, "market", side, float(amount), params={"reduceOnly": True})
        except ccxt.NetworkError:
            time.sleep(patience * 2**attempt)
    raise TimeoutError("the venue did not answer")
