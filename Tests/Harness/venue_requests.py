"""Signed requests to the five account endpoints, written from the venues' documents."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import itertools
import json
import time
import typing

from server import Answer, Server

VENUES = ("crypto-com", "rails", "binance", "okx")

DEMONSTRATION_KEYS = {
    "crypto-com": {"api_key": "demo-crypto-com-key", "secret": "demo-crypto-com-secret"},
    "rails": {"api_key": "demo-rails-key", "secret": "demo-rails-secret"},
    "binance": {"api_key": "demo-binance-key", "secret": "demo-binance-secret"},
    "okx": {"api_key": "demo-okx-key", "secret": "demo-okx-secret", "passphrase": "demo-okx-passphrase"},
}

_numbers = itertools.count(1)


def milliseconds() -> int:
    """The present moment in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def _hmac(secret: str, text: str) -> "hmac.HMAC":
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256)


def crypto_com(
    server: Server, key: dict, method: str = "private/user-balance", **changes: typing.Any
) -> Answer:
    """POST /exchange/v1/{method}; `changes` replace fields of the body after it was signed."""
    number, nonce = next(_numbers), changes.pop("nonce", milliseconds())
    signature = _hmac(key["secret"], f"{method}{number}{key['api_key']}{nonce}").hexdigest()
    body = {
        "id": number,
        "method": method,
        "params": {},
        "api_key": key["api_key"],
        "sig": signature,
        "nonce": nonce,
    }
    return server.request(
        "POST", f"/exchange/v1/{method}", json.dumps(body | changes), {"Content-Type": "application/json"}
    )


def crypto_com_text(value: typing.Any) -> str:
    """Params of Crypto.com as its signature has them: keys ascending, each before its value."""
    if isinstance(value, dict):
        return "".join(name + crypto_com_text(value[name]) for name in sorted(value))
    if isinstance(value, list):
        return "".join(crypto_com_text(element) for element in value)
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    return str(value)


def crypto_com_call(server: Server, key: dict, method: str, params: dict) -> Answer:
    """POST /exchange/v1/{method} with params."""
    number, nonce = next(_numbers), milliseconds()
    text = f"{method}{number}{key['api_key']}{crypto_com_text(params)}{nonce}"
    body = {
        "id": number,
        "method": method,
        "params": params,
        "api_key": key["api_key"],
        "sig": _hmac(key["secret"], text).hexdigest(),
        "nonce": nonce,
    }
    return server.request(
        "POST", f"/exchange/v1/{method}", json.dumps(body), {"Content-Type": "application/json"}
    )


def crypto_com_auth(key: dict, number: int) -> dict:
    """The frame of public/auth on Crypto.com's user socket."""
    nonce = milliseconds()
    signature = _hmac(key["secret"], f"public/auth{number}{key['api_key']}{nonce}").hexdigest()
    return {
        "id": number,
        "method": "public/auth",
        "api_key": key["api_key"],
        "sig": signature,
        "nonce": nonce,
    }


def rails_token(server: Server, key: dict) -> Answer:
    """POST /api/v1/token."""
    return server.request(
        "POST", "/api/v1/token", headers={"X-Api-Key": key["api_key"], "X-Api-Secret": key["secret"]}
    )


def rails(server: Server, key: dict, query: str = "") -> Answer:
    """GET /api/v1/balances with a new token."""
    token = rails_token(server, key)
    if token.status != 200:
        return token
    return rails_with_token(server, token.json["access_token"], query)


def rails_with_token(server: Server, token: str, query: str = "", path: str = "/api/v1/balances") -> Answer:
    """GET /api/v1/balances with a token that was fetched before."""
    return server.request("GET", path + query, headers={"Authorization": f"Bearer {token}"})


def binance_signed(key: dict, query: str, timestamp: int | None = None) -> str:
    """A query of USDⓈ-M Futures with its time and signature."""
    text = f"{query}&" if query else ""
    text += f"timestamp={milliseconds() if timestamp is None else timestamp}"
    return f"{text}&signature={_hmac(key['secret'], text).hexdigest()}"


def binance(
    server: Server, key: dict, path: str = "/fapi/v3/account", query: str = "", timestamp: int | None = None
) -> Answer:
    """GET a signed path of USDⓈ-M Futures."""
    return server.request(
        "GET",
        f"{path}?{binance_signed(key, query, timestamp)}",
        headers={"X-MBX-APIKEY": key["api_key"]},
    )


def binance_call(server: Server, key: dict, method: str, path: str, query: str) -> Answer:
    """A signed call of USDⓈ-M Futures with any HTTP method."""
    return server.request(
        method, f"{path}?{binance_signed(key, query)}", headers={"X-MBX-APIKEY": key["api_key"]}
    )


def okx(
    server: Server,
    key: dict,
    query: str = "",
    path: str = "/api/v5/account/balance",
    timestamp: str | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """GET a signed path of OKX."""
    if timestamp is None:
        now = datetime.datetime.now(datetime.timezone.utc)
        timestamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    signature = base64.b64encode(_hmac(key["secret"], f"{timestamp}GET{path}{query}").digest()).decode()
    return server.request(
        "GET",
        path + query,
        headers={
            "OK-ACCESS-KEY": key["api_key"],
            "OK-ACCESS-SIGN": signature,
            "OK-ACCESS-TIMESTAMP": timestamp,
            "OK-ACCESS-PASSPHRASE": key.get("passphrase") or "",
        }
        | (headers or {}),
    )


def okx_call(
    server: Server, key: dict, method: str, path: str, body: str = "", more: dict[str, str] | None = None
) -> Answer:
    """A signed call of OKX with any HTTP method; the path with its query, `more` headers besides."""
    now = datetime.datetime.now(datetime.timezone.utc)
    timestamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    signature = base64.b64encode(_hmac(key["secret"], f"{timestamp}{method}{path}{body}").digest()).decode()
    headers = {
        "OK-ACCESS-KEY": key["api_key"],
        "OK-ACCESS-SIGN": signature,
        "OK-ACCESS-TIMESTAMP": timestamp,
        "OK-ACCESS-PASSPHRASE": key["passphrase"],
        "Content-Type": "application/json",
    }
    return server.request(method, path, body or None, headers | (more or {}))


def balance(server: Server, venue: str, key: dict) -> Answer:
    """The venue's account endpoint, whichever it is."""
    return {"crypto-com": crypto_com, "rails": rails, "binance": binance, "okx": okx}[venue](server, key)
