"""Trading days at the venues, byte for byte: Tests/Golden."""

import difflib
import itertools
import json
import os
import pathlib
import re
import time

import pytest

import venue_requests
from server import ROOT

FOLDER = ROOT / "Tests" / "Golden"
# Far from the real clock, so that its times can be told from the ledger's; after the newest built-in rules.
LEDGER_TIME = "2031-01-01T00:00:00Z"
WRITES = os.environ.get("MARGINALIA_GOLDEN") == "write"


def okx(server, key, method, path, body):
    return venue_requests.okx_call(server, key, method, path, body)


def binance(server, key, method, path, body):
    path, _, query = path.partition("?")
    return venue_requests.binance_call(server, key, method, path, query)


def crypto_com(server, key, method, path, body):
    return venue_requests.crypto_com_call(server, key, path, json.loads(body or "{}"))


def rails(server, key, method, path, body):
    token = venue_requests.rails_token(server, key).json["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return server.request(method, path, body or None, headers)


CALLS = {"okx": okx, "binance": binance, "crypto-com": crypto_com, "rails": rails}


def without_real_times(text: str) -> str:
    """Times within a day of now, in milliseconds or microseconds, as `<now>`."""

    def mask(number: re.Match) -> str:
        seconds = int(number[0]) / (10 ** (len(number[0]) - 10))
        return "<now>" if abs(seconds - time.time()) < 86_400 else number[0]

    return re.sub(r"(?<!\d)(?:\d{13}|\d{16})(?!\d)", mask, text)


def played(server, venue: str, lines: list[str]) -> list[str]:
    """The day with the answers that came."""
    key, written = None, []
    for line in lines:
        if line.startswith("< "):
            continue
        written.append(line)
        if line.startswith("$ "):
            command = json.loads(line[2:])
            [result] = server.send(command)
            assert result["status"] == "applied", (line, result)
            if command["type"] == "open_account" and key is None:
                credentials = {"api_key": "day-key", "secret": "day-secret", "passphrase": "day-phrase"}
                names = ("api_key", "secret", "passphrase") if venue == "okx" else ("api_key", "secret")
                key = {name: credentials[name] for name in names}
                server.issue_key(command["account"], permissions=["read", "trade"], **key)
        elif line.startswith("> "):
            method, path, body = (line[2:].split(" ", 2) + [""])[:3]
            answer = CALLS[venue](server, key, method, path, body)
            text = answer.body.decode() if isinstance(answer.body, bytes) else answer.body
            written.append(f"< {answer.status} {without_real_times(text)}")
    return written


@pytest.mark.parametrize("venue", CALLS)
def test_a_trading_day(venue, start, monkeypatch):
    monkeypatch.setattr(venue_requests, "_numbers", itertools.count(1))
    file: pathlib.Path = FOLDER / f"{venue}.txt"
    expected = file.read_text().splitlines()
    server = start("--ledger-time", LEDGER_TIME, "--rate-limits", "off")
    found = played(server, venue, expected)
    if WRITES:
        file.write_text("\n".join(found) + "\n")
    different = "\n".join(difflib.unified_diff(expected, found, "expected", "found", lineterm="", n=2))
    assert WRITES or not different, different
