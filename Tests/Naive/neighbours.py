"""What clients read beside the balance: signed requests for a venue's neighbouring endpoints, and what
each must answer. A venue's `<venue>_positions.py` says that, as paths with the whole body expected.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import http.client
import json
import time
import typing

import binance_positions
import crypto_com_positions
import okx_positions
from ledger import Account, Ledger

VENUES: dict[str, typing.Any] = {
    "binance": binance_positions, "crypto-com": crypto_com_positions, "okx": okx_positions}


def digest(secret: str, text: str) -> bytes:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()


def okx(key: dict, path: str) -> tuple[str, str, dict, str | None]:
    """Method, target, headers and body of a signed request."""
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
    sign = base64.b64encode(digest(key["secret"], f"{stamp}GET{path}")).decode()
    return "GET", path, {
        "OK-ACCESS-KEY": key["api_key"], "OK-ACCESS-SIGN": sign, "OK-ACCESS-TIMESTAMP": stamp,
        "OK-ACCESS-PASSPHRASE": key["passphrase"]}, None


def binance(key: dict, path: str) -> tuple[str, str, dict, str | None]:
    query = f"recvWindow=60000&timestamp={time.time_ns() // 10 ** 6}"
    signature = digest(key["secret"], query).hex()
    return "GET", f"{path}?{query}&signature={signature}", {"X-MBX-APIKEY": key["api_key"]}, None


def crypto_com(key: dict, path: str) -> tuple[str, str, dict, str | None]:
    nonce = time.time_ns() // 10 ** 6
    call = {"id": 1, "method": path, "api_key": key["api_key"], "params": {}, "nonce": nonce}
    call["sig"] = digest(key["secret"], f"{path}1{key['api_key']}{nonce}").hex()
    return "POST", f"/exchange/v1/{path}", {"Content-Type": "application/json"}, json.dumps(call)


SIGNED = {"binance": binance, "crypto-com": crypto_com, "okx": okx}


class Client:
    """Reads an account's endpoints with keys made for it."""

    def __init__(self, server: typing.Any):
        self.server = server

    def read(self, venue: str, key: dict, path: str) -> typing.Any:
        method, target, headers, body = SIGNED[venue](key, path)
        connection = http.client.HTTPConnection(*self.server.address, timeout=120)
        connection.request(method, target, body, headers)
        answer = connection.getresponse()
        found = json.loads(answer.read() or b"null", parse_float=str)
        connection.close()
        return found

    def pairs(
            self, venue: str, book: Ledger, account: Account, mode: str, now: int) -> typing.Iterator[tuple]:
        """What each neighbour answers, and what it must."""
        if venue not in VENUES:
            return
        status, key = self.server.call("POST", f"/accounts/{account.name}/keys", {"permissions": ["read"]})
        if status not in (200, 201):
            raise SystemExit(f"POST /accounts/{account.name}/keys answered {status}: {key}")
        for path, expected in VENUES[venue].neighbours(book, account, mode, now).items():
            yield path, self.read(venue, key, path), expected
