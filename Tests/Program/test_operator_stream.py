"""The operator stream: ledger events, price ticks and margin calls as server-sent events."""

import http.client
import json
import queue
import signal
import socket
import threading
import time

import pytest
from server import TOKEN, Server

WITHIN = 20


class Reader:
    """Reads a stream of server-sent events as a browser would."""

    def __init__(self, server: Server, query: str = "", last: int | None = None):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        self.connection.request("GET", f"/admin/v1/stream{query}", headers=headers)
        self.answer = self.connection.getresponse()
        self.messages: queue.Queue = queue.Queue()
        if self.answer.status == 200:
            assert self.answer.headers["Content-Type"] == "text/event-stream"
            # The first comment comes once the reader is known: nothing after it is missed.
            assert self.answer.readline().startswith(b":")
            threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        fields: dict[str, str] = {}
        try:
            while line := self.answer.readline():
                text = line.decode().rstrip("\n")
                if not text and "data" in fields:
                    self.messages.put((fields.get("event"), fields.get("id"), json.loads(fields["data"])))
                    fields = {}
                elif text and not text.startswith(":"):
                    name, _, value = text.partition(": ")
                    fields[name] = value
        finally:
            self.messages.put(None)

    def next(self):
        return self.messages.get(timeout=WITHIN)


def opened(server: Server, account: str = "desk", venue: str = "okx") -> int:
    return server.apply({"type": "open_account", "account": account, "venue": venue})[-1]


def test_events_and_prices_come_with_their_sequences(server):
    opened(server)
    reader = Reader(server)
    first, second = server.apply(
        {"type": "deposit", "account": "desk", "asset": "USDT", "amount": "5.50"},
        {"type": "prices", "venue": "okx", "marks": {"BTC-USDT-SWAP": "60000"}, "index": {}},
    )
    assert reader.next() == (
        "ledger",
        str(first),
        {
            "sequence": first,
            "at": server.account("desk")["updated_at"],
            "account": "desk",
            "counterparty": None,
            "type": "deposited",
            "body": {"asset": "USDT", "amount": "5.5"},
        },
    )
    kind, sequence, message = reader.next()
    assert (kind, sequence) == ("price", str(second))
    assert message["body"]["marks"] == {"BTC-USDT-SWAP": "60000"}


def test_a_reader_that_comes_back_misses_nothing_and_sees_nothing_twice(server):
    sequences = [opened(server)]
    for amount in range(1, 6):
        sequences += server.apply(
            {"type": "deposit", "account": "desk", "asset": "USDT", "amount": str(amount)}
        )
    again = Reader(server, last=sequences[2])
    assert [again.next()[2]["sequence"] for _ in sequences[3:]] == sequences[3:]
    sequences += server.apply({"type": "deposit", "account": "desk", "asset": "USDT", "amount": "9"})
    assert again.next()[2]["sequence"] == sequences[-1]
    whole = Reader(server, "?after=0")
    assert [whole.next()[2]["sequence"] for _ in sequences] == list(range(1, sequences[-1] + 1))


def test_many_writers_and_a_reader_from_the_start(server):
    """While the journal is being replayed to it, events go on: each comes once, in order."""
    opened(server)

    def write():
        for _ in range(40):
            server.apply(
                *[{"type": "deposit", "account": "desk", "asset": "USDT", "amount": "1"} for _ in range(50)]
            )

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    reader = Reader(server, "?after=0&types=ledger")
    seen = [reader.next()[2]["sequence"] for _ in range(1 + 2 * 40 * 50)]
    assert seen == list(range(1, 1 + len(seen)))
    for writer in writers:
        writer.join()


def test_filters(server):
    opened(server)
    opened(server, "other")
    opened(server, "third", "binance")
    mine, rails = Reader(server, "?account=desk&types=ledger"), Reader(server, "?venue=binance")
    deposits = [
        {"type": "deposit", "account": name, "asset": "USDT", "amount": "1"}
        for name in ("third", "other", "desk")
    ]
    server.apply(*deposits, {"type": "prices", "venue": "okx", "marks": {}, "index": {"BTC": "60000"}})
    assert mine.next()[2]["account"] == "desk"
    assert rails.next()[2]["account"] == "third"
    assert mine.messages.empty() and rails.messages.empty()


def test_margin_calls_come_and_go_with_the_price(server):
    opened(server)
    server.apply(
        {
            "type": "prices",
            "venue": "okx",
            "marks": {"BTC-USDT-SWAP": "60000"},
            "index": {"BTC": "60000", "USDT": "1"},
        },
        {"type": "deposit", "account": "desk", "asset": "USDT", "amount": "10000"},
        {
            "type": "fill",
            "account": "desk",
            "instrument": "BTC-USDT-SWAP",
            "side": "buy",
            "quantity": "50",
            "price": "60000",
        },
    )
    reader = Reader(server, "?types=margin")
    for mark, state in (("40100", "margin_call"), ("60000", "healthy"), ("40100", "margin_call")):
        server.apply({"type": "prices", "venue": "okx", "marks": {"BTC-USDT-SWAP": mark}, "index": {}})
        kind, sequence, message = reader.next()
        assert (kind, sequence) == ("margin", None)
        assert (message["account"], message["venue"], message["state"]) == ("desk", "okx", state)
        assert message["unit"] == "USD" and float(message["maintenance"]) > 0
    late = Reader(server, "?types=margin")
    assert late.next()[2]["state"] == "margin_call", "a new reader is told of calls that stand"


@pytest.mark.parametrize(
    "query, field",
    [("?types=all", "types"), ("?venue=kraken", "venue"), ("?after=-1", "after"), ("?colour=1", "colour")],
)
def test_bad_parameters(server, query, field):
    answer = server.admin("GET", f"/stream{query}")
    assert answer.status == 400 and answer.json["field"] == field


def test_it_needs_the_token_and_an_account_that_is_there(server):
    assert server.request("GET", "/admin/v1/stream").status == 401
    assert server.admin("GET", "/stream?account=nobody").status == 404


def test_shutdown_ends_the_stream_cleanly(start):
    server = start()
    opened(server)
    reader = Reader(server)
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0
    assert reader.messages.get(timeout=WITHIN) is None


def called_accounts(server: Server, count: int) -> set[str]:
    """So many accounts that their venue would liquidate now."""
    prices = {"type": "prices", "venue": "okx", "marks": {"BTC-USDT-SWAP": "60000"}}
    server.apply(prices | {"index": {"BTC": "60000", "USDT": "1"}})
    names = [f"desk-{number}" for number in range(count)]
    for first in range(0, count, 1_000):
        commands = []
        for name in names[first : first + 1_000]:
            commands += [
                {"type": "open_account", "account": name, "venue": "okx"},
                {"type": "deposit", "account": name, "asset": "USDT", "amount": "10000"},
                {
                    "type": "fill",
                    "account": name,
                    "instrument": "BTC-USDT-SWAP",
                    "side": "buy",
                    "quantity": "50",
                    "price": "60000",
                },
            ]
        server.apply(*commands)
    server.apply(prices | {"marks": {"BTC-USDT-SWAP": "40100"}})
    return set(names)


def test_all_calls_that_stand_are_told_however_many_there_are(server):
    names = called_accounts(server, 6_000)
    first = Reader(server, "?types=margin")
    assert {first.next()[2]["account"] for _ in names} == names
    second = Reader(server, "?types=margin")
    told = [second.next()[2] for _ in names]
    assert {message["account"] for message in told} == names
    assert {message["state"] for message in told} == {"margin_call"}
    # And both still stand: what happens next is told to either.
    server.apply({"type": "prices", "venue": "okx", "marks": {"BTC-USDT-SWAP": "60000"}, "index": {}})
    for reader in (first, second):
        told = [reader.next()[2] for _ in names]
        assert {message["account"] for message in told} == names
        assert {message["state"] for message in told} == {"healthy"}


def test_a_reader_that_stops_reading_is_let_go_and_one_that_is_slow_is_not(start, store):
    server = start(store=store)
    opened(server)
    coins = "BTC ETH SOL XRP DOGE ADA BNB LTC LINK AVAX DOT TRX BCH UNI ETC FIL ATOM APT ARB USDT".split()
    tick = {"type": "prices", "venue": "okx", "index": {coin: "1.234567890123456789" for coin in coins}}
    stalled = socket.create_connection(("127.0.0.1", server.port))
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    request = f"GET /admin/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    stalled.sendall(request.encode())
    slow = Reader(server, "?types=price")
    before = resident_megabytes(server)
    count = 0
    # Far more than the sockets hold, and more than may wait for a reader.
    for _ in range(10):
        count += len(server.apply(*[tick] * 1_000))
    assert readers(server) == 2
    deadline = time.monotonic() + 60
    while readers(server) > 1:
        assert time.monotonic() < deadline, "it stays for ever"
        time.sleep(0.2)
    assert resident_megabytes(server) - before < 150
    # What is sent to it breaks off.
    stalled.settimeout(30)
    try:
        while stalled.recv(1 << 20):
            pass
    except ConnectionResetError:
        pass
    seen = [slow.next()[2]["sequence"] for _ in range(count)]
    assert seen == list(range(seen[0], seen[0] + count)), "a slow reader misses nothing"


def readers(server: Server) -> int:
    lines = server.request("GET", "/metrics").body.decode().splitlines()
    name = "marginalia_operator_stream_readers "
    return int(next(line for line in lines if line.startswith(name)).split()[1])


def resident_megabytes(server: Server) -> float:
    with open(f"/proc/{server.process.pid}/status") as status:
        kilobytes = next(line for line in status if line.startswith("VmRSS:")).split()[1]
    return int(kilobytes) / 1024
