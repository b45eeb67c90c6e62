"""The accounts that the client tests read, and how a client's numbers are compared.

The amounts are chosen so that every figure can be worked out by hand; each test says how.
"""

import decimal

from figures import D, exact

OKX = [
    {"type": "open_account", "account": "okx-multi", "venue": "okx", "settings": {"mode": "multi"}},
    {"type": "open_account", "account": "okx-futures", "venue": "okx", "settings": {"mode": "futures"}},
    {"type": "open_account", "account": "okx-spot", "venue": "okx", "settings": {"mode": "spot"}},
    {"type": "open_account", "account": "okx-child", "venue": "okx", "parent": "okx-multi"},
    {
        "type": "prices",
        "venue": "okx",
        "marks": {"BTC-USDT-SWAP": "60000", "BTC-USDT": "60020"},
        "index": {"BTC": "60010", "USDT": "1.0001", "ETH": "3000"},
    },
    *[
        command
        for name in ("okx-multi", "okx-futures")
        for command in (
            {"type": "deposit", "account": name, "asset": "USDT", "amount": "10000"},
            {"type": "deposit", "account": name, "asset": "BTC", "amount": "0.5"},
            {"type": "set_leverage", "account": name, "instrument": "BTC-USDT-SWAP", "leverage": "10"},
            {
                "type": "fill",
                "account": name,
                "instrument": "BTC-USDT-SWAP",
                "side": "buy",
                "quantity": "5",
                "price": "59000",
                "fee": "1.5",
            },
        )
    ],
    {"type": "deposit", "account": "okx-spot", "asset": "USDT", "amount": "1000"},
    {
        "type": "fill",
        "account": "okx-spot",
        "instrument": "BTC-USDT",
        "side": "buy",
        "quantity": "0.01",
        "price": "60000",
        "fee": "0.6",
    },
    {
        "type": "place_order",
        "account": "okx-spot",
        "order_id": "s1",
        "instrument": "BTC-USDT",
        "side": "sell",
        "quantity": "0.004",
        "price": "70000",
    },
    {"type": "transfer", "account": "okx-multi", "to": "okx-child", "asset": "USDT", "amount": "100"},
]

BINANCE = [
    {"type": "open_account", "account": "binance-single", "venue": "binance"},
    {
        "type": "open_account",
        "account": "binance-multi",
        "venue": "binance",
        "settings": {"multi_assets": True},
    },
    {"type": "open_account", "account": "binance-hedge", "venue": "binance", "settings": {"hedge": True}},
    {
        "type": "prices",
        "venue": "binance",
        "marks": {"BTCUSDT": "61234.5678", "ETHUSDT": "3050"},
        "index": {"USDT": "0.9998", "USDC": "1.0001", "BTC": "61200"},
    },
    *[
        command
        for name in ("binance-single", "binance-multi")
        for command in (
            {"type": "deposit", "account": name, "asset": "USDT", "amount": "10000"},
            {"type": "deposit", "account": name, "asset": "USDC", "amount": "500.5"},
            {"type": "set_leverage", "account": name, "instrument": "BTCUSDT", "leverage": "20"},
            {
                "type": "fill",
                "account": name,
                "instrument": "BTCUSDT",
                "side": "buy",
                "quantity": "0.5",
                "price": "60000",
                "fee": "12",
            },
            {
                "type": "place_order",
                "account": name,
                "order_id": "b1",
                "instrument": "BTCUSDT",
                "side": "buy",
                "quantity": "0.1",
                "price": "60500",
            },
        )
    ],
    {"type": "open_account", "account": "binance-trading", "venue": "binance"},
    {"type": "deposit", "account": "binance-trading", "asset": "USDT", "amount": "10000"},
    {"type": "deposit", "account": "binance-hedge", "asset": "USDT", "amount": "5000"},
    *[
        {
            "type": "fill",
            "account": "binance-hedge",
            "instrument": "ETHUSDT",
            "side": side,
            "quantity": quantity,
            "price": "3000",
            "position_side": position_side,
        }
        for side, quantity, position_side in (("buy", "3", "long"), ("sell", "1", "short"))
    ],
]

CRYPTO_COM = [
    {"type": "open_account", "account": "cdc-main", "venue": "crypto-com"},
    {"type": "open_account", "account": "cdc-child", "venue": "crypto-com", "parent": "cdc-main"},
    {
        "type": "prices",
        "venue": "crypto-com",
        "marks": {"BTCUSD-PERP": "60000"},
        "index": {"USD": "1", "CRO": "0.05467"},
    },
    {"type": "deposit", "account": "cdc-main", "asset": "USD", "amount": "118.18176564"},
    {"type": "deposit", "account": "cdc-main", "asset": "CRO", "amount": "30"},
    {"type": "transfer", "account": "cdc-main", "to": "cdc-child", "asset": "USD", "amount": "100"},
    {
        "type": "fill",
        "account": "cdc-child",
        "instrument": "BTCUSD-PERP",
        "side": "buy",
        "quantity": "0.002",
        "price": "59000",
    },
    {"type": "open_account", "account": "cdc-reserved", "venue": "crypto-com"},
    {"type": "deposit", "account": "cdc-reserved", "asset": "CRO", "amount": "30"},
    {"type": "reserve", "account": "cdc-reserved", "asset": "CRO", "amount": "12.5", "purpose": "reserved"},
    {"type": "open_account", "account": "cdc-empty", "venue": "crypto-com"},
]

COMMANDS = OKX + BINANCE + CRYPTO_COM
NAMES = [command["account"] for command in COMMANDS if command["type"] == "open_account"]


def open_all(server) -> None:
    """Puts every account into its state."""
    server.apply(*COMMANDS)


def cut8(number: decimal.Decimal) -> decimal.Decimal:
    """Cut to eight places, toward zero."""
    return number.quantize(D("1e-8"), rounding=decimal.ROUND_DOWN)


def cash(server, account: str, asset: str) -> decimal.Decimal:
    """The ledger's own free cash of an account."""
    return sum((D(row["cash"]) for row in server.account(account)["holdings"] if row["asset"] == asset), D(0))
