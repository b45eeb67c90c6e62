"""CCXT clients of a venue, pointed at a server."""

from __future__ import annotations

import typing

from marginalia.errors import MarginaliaError

# The venue's name, and that of CCXT's class for it.
CLASSES = {"okx": "okx", "binance": "binanceusdm", "crypto-com": "cryptocom"}


def client(venue: str, url: str, credentials: typing.Any, pro: bool, options: dict) -> typing.Any:
    """A CCXT client with every address of it at `url`."""
    if venue not in CLASSES:
        known = ", ".join(CLASSES)
        raise MarginaliaError(f"CCXT has no class for {venue}; it has {known}.")
    try:
        import ccxt
        import ccxt.pro
    except ImportError:
        raise MarginaliaError("ccxt is not installed: pip install ccxt") from None
    module = ccxt.pro if pro else ccxt
    keys = {"apiKey": credentials.api_key, "secret": credentials.secret}
    if credentials.passphrase:
        keys["password"] = credentials.passphrase
    exchange = getattr(module, CLASSES[venue])(keys | options)
    point(exchange, venue, url, pro)
    return exchange


def point(exchange: typing.Any, venue: str, url: str, pro: bool) -> None:
    """Points a client that there is already at `url`."""
    addresses = exchange.urls["api"]
    sockets = url.replace("http", "ws", 1)
    if venue == "okx":
        addresses["rest"] = url
        if pro:
            addresses["ws"] = sockets + "/ws/v5"
    elif venue == "crypto-com":
        addresses["v1"] = url + "/exchange/v1"
        if pro:
            addresses["ws"] = {"private": sockets + "/exchange/v1/user", "public": sockets + "/exchange/v1/market"}
    else:
        for name, address in addresses.items():
            if isinstance(address, str):
                addresses[name] = url + "/" + address.split("/", 3)[-1]
        if pro:
            addresses["ws"]["linear"] = sockets + "/ws"
            addresses["ws"]["ws-api"]["linear"] = sockets + "/ws-fapi/v1"
