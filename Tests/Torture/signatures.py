"""Mutated signatures at all four venues, judged by a verifier of its own: Python's hmac, and the
`cryptography` package for Ed25519 and RSA.

The server must accept a request only if the verifier does, and must not refuse for its signature what the
verifier accepts. The verifiers are written from the venues' documents and look at the bytes that were sent.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import decimal
import hashlib
import hmac
import http.client
import json
import re
import sqlite3
import time
import typing
import urllib.parse

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from server import Server
from torture import Work

REQUESTS = 600  # of each venue and kind of key, a server, and so a round
ORDER = 2**252 + 27742317777372353535851937790883648493  # of Ed25519's group
BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Sent(typing.NamedTuple):
    """A request as it goes out."""

    method: str
    target: str
    headers: dict[str, str]
    body: str = ""


def digest(secret: str | bytes, text: str | bytes) -> bytes:
    """HMAC-SHA256."""
    secret, text = (part.encode() if isinstance(part, str) else part for part in (secret, text))
    return hmac.new(secret, text, hashlib.sha256).digest()


def strict(text: str) -> bytes | None:
    """The bytes that a base64 text stands for; nil for a text that is not the one text of its bytes."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if base64.b64encode(found).decode() == text else None


def changed(chance, text: str, letters: str = "0aAfF9zZ+/=-_ %&") -> str:
    """A text that is a little different."""
    place = chance.randrange(len(text) + 1)
    match chance.randrange(7):
        case 0:
            return text[:place] + chance.choice(letters) + text[place + 1 :]
        case 1:
            return text[:place] + text[place + 1 :]
        case 2:
            return text[:place] + chance.choice(letters) + text[place:]
        case 3:
            return text.swapcase() if chance.random() < 0.5 else text[:place] + text[place:].swapcase()
        case 4:
            return text + chance.choice(("=", "==", "00", "A", " ", "\t", "%00"))
        case 5:
            return chance.choice(("0x", " ", "+", "")) + text[: chance.choice((len(text), 32, 0))]
        case _:
            return neighbour(chance, text)


def neighbour(chance, text: str) -> str:
    """The same base64 text with another last letter: where bits are left over, they stand for the same
    bytes."""
    bare = text.rstrip("=")
    if not bare or bare[-1] not in BASE64URL:
        return text[::-1]
    letter = BASE64URL[BASE64URL.index(bare[-1]) ^ chance.choice((1, 2, 3, 4))]
    return bare[:-1] + letter + text[len(bare) :]


class Binance:
    """Signed over the query and the body as they are, without the signature, which comes last."""

    def __init__(self, server: Server, kind: str):
        self.kind = kind
        secret = "made-up-secret"
        if kind != "hmac":
            self.private = (
                ed25519.Ed25519PrivateKey.generate()
                if kind == "ed25519"
                else rsa.generate_private_key(public_exponent=65537, key_size=2048)
            )
            secret = (
                self.private.public_key()
                .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
                .decode()
            )
        self.secret = secret
        self.key = server.issue_key("binance", secret=secret, permissions=["read", "trade"])

    def sign(self, text: str) -> str:
        match self.kind:
            case "hmac":
                return digest(self.secret, text).hex()
            case "ed25519":
                return base64.b64encode(self.private.sign(text.encode())).decode()
            case _:
                return base64.b64encode(
                    self.private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
                ).decode()

    def request(self, chance) -> Sent:
        items = [f"timestamp={time.time_ns() // 10**6}"]
        is_change = chance.random() < 0.3
        if is_change:
            items += ["symbol=BTCUSDT", f"leverage={chance.randint(1, 20)}"]
        if chance.random() < 0.4:
            items.append("recvWindow=60000")
        chance.shuffle(items)
        split = chance.randrange(len(items)) if is_change and chance.random() < 0.5 else len(items)
        query, body = "&".join(items[:split]), "&".join(items[split:])
        signature = self.sign(query + body)
        if chance.random() < 0.3 and self.kind == "ed25519":
            signature = self.malleable(signature)
        if chance.random() < 0.5:
            signature = changed(chance, signature)
        quoted = urllib.parse.quote(signature, safe="") if chance.random() < 0.8 else signature
        if chance.random() < 0.1:
            quoted = "".join(f"%{ord(letter):02x}" if chance.random() < 0.3 else letter for letter in quoted)
        quoted = re.sub(r"[^!-~]", lambda found: f"%{ord(found[0]):02X}", quoted)
        last = f"{chance.choice(('signature',) * 12 + ('Signature', 'signature ', 'sign'))}={quoted}".replace(
            " ", "%20"
        )
        if body and chance.random() < 0.7:
            body += "&" + last
        else:
            query += ("&" if query else "") + last
        match chance.randrange(12):
            case 0:
                query = changed(chance, query, "0=&x").replace(" ", "%20").replace("\t", "%09")
            case 1:
                query += chance.choice(("&", "&a=1", "&signature=", "#", "&timestamp=1"))
            case 2:
                body += chance.choice(("&", "a=1", "&" + last))
        headers = {"X-MBX-APIKEY": self.key["api_key"]}
        if is_change:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            return Sent("POST", f"/fapi/v1/leverage?{query}", headers, body)
        return Sent("GET", f"/fapi/v3/account?{query}", headers)

    @staticmethod
    def malleable(signature: str) -> str:
        """The same signature with its second half greater by the order of the group, where that fits."""
        data = base64.b64decode(signature)
        scalar = int.from_bytes(data[32:], "little") + ORDER
        return base64.b64encode(data[:32] + scalar.to_bytes(32, "little")).decode()

    def verify(self, sent: Sent) -> bool:
        query = sent.target.partition("?")[2]
        for text, rest in ((query, sent.body), (sent.body, None)):
            before, separator, last = text.rpartition("&")
            if last.startswith("signature="):
                signature = urllib.parse.unquote_plus(last.removeprefix("signature="))
                return self.fits(signature, before + rest if rest is not None else query + before)
        return False

    def fits(self, signature: str, payload: str) -> bool:
        if self.kind == "hmac":
            return re.fullmatch("[0-9a-fA-F]{64}", signature) is not None and hmac.compare_digest(
                bytes.fromhex(signature), digest(self.secret, payload)
            )
        data = strict(signature)
        if data is None:
            return False
        try:
            if self.kind == "ed25519":
                self.private.public_key().verify(data, payload.encode())
            else:
                self.private.public_key().verify(data, payload.encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    @staticmethod
    def is_refused(status: int, body: bytes) -> bool:
        return b'"code":-1022' in body


class OKX:
    """Signed over timestamp, method, target and body; the signature is compared as a text."""

    def __init__(self, server: Server):
        self.key = server.issue_key(
            "okx", secret="made-up-secret", passphrase="made-up", permissions=["read", "trade"]
        )

    def request(self, chance) -> Sent:
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
        method, target, body = (
            "GET",
            "/api/v5/account/balance" + chance.choice(("", "?ccy=USDT", "?ccy=BTC%2CETH")),
            "",
        )
        if chance.random() < 0.3:
            method, target = "POST", "/api/v5/account/set-leverage"
            body = json.dumps(
                {"instId": "BTC-USDT-SWAP", "lever": str(chance.randint(1, 9)), "mgnMode": "cross"}
            )
        sign = base64.b64encode(digest(self.key["secret"], stamp + method + target + body)).decode()
        match chance.randrange(8):
            case 0 | 1:
                sign = changed(chance, sign).strip() or "x"
            case 2:
                sign = neighbour(chance, sign)
            case 3:
                target = target + chance.choice(("?", "&", "?ccy=", "#", "%20"))
            case 4:
                body += chance.choice((" ", "x", "{}"))
            case 5:
                stamp = stamp[:-2] + str((int(stamp[-2]) + chance.randint(0, 9)) % 10) + "Z"
            case 6:
                sign = digest(self.key["secret"], stamp + method + target + body).hex()
        headers = {
            "OK-ACCESS-KEY": self.key["api_key"],
            "OK-ACCESS-SIGN": sign,
            "OK-ACCESS-TIMESTAMP": stamp,
            "OK-ACCESS-PASSPHRASE": self.key["passphrase"],
            "Content-Type": "application/json",
        }
        return Sent(method, target, headers, body)

    def verify(self, sent: Sent) -> bool:
        text = sent.headers["OK-ACCESS-TIMESTAMP"] + sent.method + sent.target + sent.body
        return sent.headers["OK-ACCESS-SIGN"] == base64.b64encode(digest(self.key["secret"], text)).decode()

    @staticmethod
    def is_refused(status: int, body: bytes) -> bool:
        return b'"50113"' in body


class Number(str):
    """A number of JSON as its text."""


class CryptoCom:
    """Signed over method, id, key, params put flat, and nonce, of the body as it was sent."""

    def __init__(self, server: Server):
        self.key = server.issue_key("crypto-com", secret="made-up-secret")

    def request(self, chance) -> Sent:
        call = {
            "id": chance.choice((1, 11, 2**53)),
            "method": "private/user-balance",
            "api_key": self.key["api_key"],
            "params": self.params(chance),
            "nonce": time.time_ns() // 10**6,
        }
        signature = digest(
            self.key["secret"],
            self.message(json.loads(json.dumps(call), parse_float=Number, parse_int=Number), False),
        ).hex()
        call["sig"] = changed(chance, signature) if chance.random() < 0.4 else signature
        match chance.randrange(8):
            case 0:
                call["params"] = self.params(chance)
            case 1:
                call["nonce"] += chance.randint(0, 9)
            case 2:
                call["id"] += chance.randint(0, 1)
            case 3:
                call["sig"] = digest(self.key["secret"] + "x", "").hex()
        names = list(call)
        chance.shuffle(names)
        body = json.dumps(
            {name: call[name] for name in names},
            ensure_ascii=chance.random() < 0.5,
            separators=chance.choice(((", ", ": "), (",", ":"))),
        )
        return Sent("POST", "/exchange/v1/private/user-balance", {"Content-Type": "application/json"}, body)

    def params(self, chance, depth: int = 0) -> dict:
        """Some params, of any kind and depth."""

        def value() -> typing.Any:
            kinds = [
                1,
                -1,
                10,
                1.5,
                0.1,
                1e-7,
                1e22,
                True,
                False,
                None,
                "",
                "1",
                "a",
                "e\u0301",
                "\u00e9",
                "\U0001f4a9",
                [],
                [1, "1"],
                {},
            ]
            if depth < 3 and chance.random() < 0.2:
                return self.params(chance, depth + 1)
            return [self.params(chance, 3), 2] if chance.random() < 0.1 else chance.choice(kinds)

        names = ("a", "b", "B", "aa", "1", "\u00e9", "z", "currency")
        return {name: value() for name in chance.sample(names, chance.choice((0, 0, 1, 2, 4)))}

    def verify(self, sent: Sent) -> bool:
        call = json.loads(sent.body, parse_float=Number, parse_int=Number)
        signature = call["sig"]
        return re.fullmatch("[0-9a-fA-F]{64}", signature) is not None and bytes.fromhex(signature) in (
            digest(self.key["secret"], self.message(call, plain)) for plain in (False, True)
        )

    def message(self, call: dict, plain: bool) -> str:
        return (
            f"{call['method']}{call['id']}{call['api_key']}{self.flat(call['params'], plain)}{call['nonce']}"
        )

    def flat(self, value: typing.Any, plain: bool) -> str:
        """Params as one text; `plain` writes numbers without exponents and trailing zeros."""
        match value:
            case dict():
                return "".join(
                    name + self.flat(value[name], plain)
                    for name in sorted(value, key=lambda name: name.encode())
                )
            case list():
                return "".join(self.flat(element, plain) for element in value)
            case None:
                return "null"
            case bool():
                return "true" if value else "false"
            case Number():
                if not plain:
                    return str(value)
                text = format(decimal.Decimal(value), "f")
                return text.rstrip("0").rstrip(".") if "." in text else text
        return str(value)

    @staticmethod
    def is_refused(status: int, body: bytes) -> bool:
        return b'"code":40101' in body


class Rails:
    """JSON Web Tokens, HS256 and nothing else, that live as long as they say and as their key."""

    def __init__(self, server: Server, store: str):
        self.key = server.issue_key("rails", secret="made-up-secret")
        headers = {"X-Api-Key": self.key["api_key"], "X-Api-Secret": self.key["secret"]}
        self.token = server.request("POST", "/api/v1/token", headers=headers).json["access_token"]
        database = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
        secret = database.execute("SELECT value FROM meta WHERE key = 'token_secret'").fetchone()[0]
        database.close()
        self.secret = digest(secret, "rails")
        self.header, self.payload = (json.loads(self.bytes(part)) for part in self.token.split(".")[:2])
        if not self.is_good(self.token):
            raise AssertionError("the verifier does not accept what the server has issued")

    @staticmethod
    def text(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    @staticmethod
    def bytes(text: str) -> bytes | None:
        """Strictly base64url without padding."""
        if re.fullmatch("[A-Za-z0-9_-]*", text) is None or len(text) % 4 == 1:
            return None
        found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return found if Rails.text(found) == text else None

    def request(self, chance) -> Sent:
        header, payload, secret = dict(self.header), dict(self.payload), self.secret
        match chance.randrange(8):
            case 0:
                header["alg"] = chance.choice(("none", "None", "HS512", "hs256", "RS256", "", None, "HS256"))
            case 1:
                payload["exp"] = int(time.time()) + chance.choice((-3600, -1, 60, 10**6))
            case 2:
                payload[chance.choice(("key", "kid", "sub"))] = chance.choice(
                    ("", "x", self.key["api_key"], None)
                )
            case 3:
                secret = chance.choice((b"", b"x", b"made-up-secret", self.secret + b"\0"))
        signed = ".".join(self.text(json.dumps(part).encode()) for part in (header, payload))
        token = f"{signed}.{self.text(digest(secret, signed))}" if chance.random() < 0.7 else self.token
        match chance.randrange(5):
            case 0:
                token = changed(chance, token, "aZ0-_.=+/")
            case 1:
                parts = token.split(".")
                place = chance.randrange(3)
                parts[place] = neighbour(chance, parts[place])
                token = ".".join(parts)
            case 2:
                token = chance.choice(
                    (token + ".", token.rpartition(".")[0] + ".", "." + token, token + ".e30")
                )
        return Sent("GET", "/api/v1/balances", {"Authorization": "Bearer " + token.strip().replace("\t", "")})

    def verify(self, sent: Sent) -> bool:
        return self.is_good(sent.headers["Authorization"].removeprefix("Bearer "))

    def is_good(self, token: str) -> bool:
        parts = token.split(".")
        data = [self.bytes(part) for part in parts]
        if len(parts) != 3 or None in data or digest(self.secret, ".".join(parts[:2])) != data[2]:
            return False
        header, payload = (json.loads(part) for part in data[:2])
        return (
            header.get("alg") == "HS256"
            and payload["exp"] > time.time() + 1
            and payload["key"] == self.key["api_key"]
            and payload["kid"] == self.payload["kid"]
        )

    @staticmethod
    def is_refused(status: int, body: bytes) -> bool:
        return status == 401


def round(work: Work) -> None:
    """One server with fresh keys, and some thousand requests."""
    path = work.folder / "data" / "ledger.db"
    server = work.start("--rate-limits", "off", store=f"sqlite:{path}")
    for venue in ("binance", "okx", "crypto-com", "rails"):
        server.apply({"type": "open_account", "account": venue, "venue": venue})
    signers = [Binance(server, kind) for kind in ("hmac", "ed25519", "rsa")]
    signers += [OKX(server), CryptoCom(server), Rails(server, str(path))]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    for signer in signers:
        for _ in range(REQUESTS):
            sent = signer.request(work.chance)
            is_good = signer.verify(sent)
            try:
                connection.request(sent.method, sent.target, sent.body.encode() or None, sent.headers)
            except (http.client.InvalidURL, ValueError):
                continue  # what no client can send
            answer = connection.getresponse()
            body = answer.read()
            work.count(signatures=1, signatures_accepted=answer.status == 200)
            if answer.status == 200 and not is_good:
                work.find(f"accepted and false: {sent}")
            if is_good and signer.is_refused(answer.status, body):
                work.find(f"refused and right: {sent}: {answer.status} {body[:300]}")
            if not work.has_time:
                return
