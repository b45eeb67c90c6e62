"""RFC 6455 as the program keeps it, frame by frame, on Binance's public stream path."""

import json
import os
import random
import socket
import time

import pytest

from frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Stream, close, frame, handshake
from server import Server

PATH = "/ws"


@pytest.fixture(scope="module")
def one():
    """One server for all that breaks only its own connection."""
    with Server("--rate-limits", "off") as server:
        yield server


@pytest.fixture
def stream(one):
    with Stream(one.port, PATH) as stream:
        yield stream


def question(mark: str) -> str:
    """A request that is answered with its mark."""
    return json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": mark}, ensure_ascii=False)


def answer(stream: Stream) -> str:
    """The mark of the next answer."""
    found = stream.read()
    assert found is not None and found.opcode == TEXT, found
    return json.loads(found.payload)["id"]


def subscribed(stream: Stream, name: str) -> None:
    """Asks for a stream of a name, and for the names asked for: an echo of any length."""
    stream.send(frame(TEXT, json.dumps({"method": "SUBSCRIBE", "params": [name], "id": 1})))
    assert json.loads(stream.read().payload)["result"] is None
    stream.send(frame(TEXT, question("names")))
    assert json.loads(stream.read().payload)["result"][-1] == name


# Messages


@pytest.mark.parametrize("length", [1, 60, 125, 126, 1_000, 30_000])
def test_messages_of_every_length_form(stream, length):
    subscribed(stream, "a" * length)


def test_fragments_are_joined_with_control_frames_between(stream):
    text = question("Grüße").encode()
    cut = text.index("ü".encode()) + 1
    stream.send(frame(TEXT, text[:cut], final=False))
    stream.send(frame(PING, b"one"))
    assert stream.read() == Frame(PONG, b"one")
    stream.send(frame(CONTINUATION, b"", final=False), frame(PONG, b"nobody asked"))
    stream.send(frame(CONTINUATION, text[cut : cut + 1], final=False))
    stream.send(frame(PING, b""))
    assert stream.read() == Frame(PONG, b"")
    stream.send(frame(CONTINUATION, text[cut + 1 :]))
    assert answer(stream) == "Grüße"


def test_many_fragments(stream):
    text = question("x" * 5_000).encode()
    pieces = [frame(TEXT, text[:1], final=False)]
    pieces += [frame(CONTINUATION, text[place : place + 1], final=False) for place in range(1, len(text))]
    stream.send(*pieces, frame(CONTINUATION, b""))
    assert answer(stream) == "x" * 5_000


def test_bytes_one_at_a_time(stream):
    for byte in frame(PING, b"slow") + frame(TEXT, question("slow")):
        stream.send(bytes([byte]))
    assert stream.read() == Frame(PONG, b"slow")
    assert answer(stream) == "slow"


def test_many_messages_in_one_piece_are_answered_in_order(stream):
    stream.send(*(frame(TEXT, question(str(number))) for number in range(2_000)))
    assert [answer(stream) for _ in range(2_000)] == [str(number) for number in range(2_000)]


@pytest.mark.parametrize("payload", [b"", b"x", bytes(range(125)), b"\xff" * 125])
def test_pings_are_answered_with_their_payload(stream, payload):
    stream.send(frame(PING, payload))
    assert stream.read() == Frame(PONG, payload)


def test_every_ping_of_many_is_answered(stream):
    stream.send(*(frame(PING, str(number)) for number in range(100)))
    assert [stream.read() for _ in range(100)] == [Frame(PONG, b"%d" % number) for number in range(100)]


def test_pongs_that_nobody_asked_for_are_ignored(stream):
    stream.send(frame(PONG, b"x"), frame(PONG), frame(TEXT, question("on")))
    assert answer(stream) == "on"


# What is forbidden

BROKEN = {
    "no mask": (frame(TEXT, "{}", mask=False), 1002),
    "a ping without a mask": (frame(PING, mask=False), 1002),
    "reserved bit 1": (frame(TEXT, "{}", reserved=4), 1002),
    "reserved bit 2": (frame(TEXT, "{}", reserved=2), 1002),
    "reserved bit 3": (frame(TEXT, "{}", reserved=1), 1002),
    "a reserved bit of a ping": (frame(PING, reserved=4), 1002),
    "a reserved bit of a close": (frame(CLOSE, reserved=1), 1002),
    **{f"opcode {opcode}": (frame(opcode, b"x"), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "a continuation of nothing": (frame(CONTINUATION, "{}"), 1002),
    "a continuation after a whole message": (frame(TEXT, question("x")) + frame(CONTINUATION, "{}"), 1002),
    "text within a message": (frame(TEXT, "{", final=False) + frame(TEXT, "}"), 1002),
    "bytes within a message": (frame(TEXT, "{", final=False) + frame(BINARY, "}"), 1002),
    "a ping in fragments": (frame(PING, b"x", final=False), 1002),
    "a pong in fragments": (frame(PONG, b"x", final=False), 1002),
    "a close in fragments": (frame(CLOSE, b"\x03\xe8", final=False), 1002),
    "a ping of 126 bytes": (frame(PING, b"x" * 126), 1002),
    "a close of 126 bytes": (frame(CLOSE, b"\x03\xe8" + b"x" * 124), 1002),
    "a message of 64 KiB and a byte": (frame(TEXT, b"x" * 65_537), 1009),
    "a length that is only claimed": (frame(TEXT, b"", length=65_537), 1009),
    "a length of 2 to the 62": (frame(TEXT, b"", length=1 << 62), 1009),
    "a length of 2 to the 63": (frame(TEXT, b"", length=1 << 63), 1009),
    "fragments of more than 64 KiB": (
        frame(TEXT, b"x" * 40_000, final=False) + frame(CONTINUATION, b"x" * 40_000, final=False),
        1009,
    ),
    "a lone continuation byte": (frame(TEXT, b"\x80"), 1007),
    "an overlong slash": (frame(TEXT, b"\xc0\xaf"), 1007),
    "an overlong of three": (frame(TEXT, b"\xe0\x80\xaf"), 1007),
    "a surrogate": (frame(TEXT, b"\xed\xa0\x80"), 1007),
    "beyond Unicode": (frame(TEXT, b"\xf4\x90\x80\x80"), 1007),
    "a byte that UTF-8 has not": (frame(TEXT, b"\xff"), 1007),
    "text cut off": (frame(TEXT, "Grü".encode()[:-1]), 1007),
    "bad text in a first fragment": (frame(TEXT, b"ok\xfe", final=False), 1007),
    "a character broken between fragments": (
        frame(TEXT, b"\xe2\x82", final=False) + frame(CONTINUATION, b"("),
        1007,
    ),
    "text cut off in a last fragment": (
        frame(TEXT, b"ok", final=False) + frame(CONTINUATION, b"\xf0\x9f\x98"),
        1007,
    ),
    "a close of one byte": (frame(CLOSE, b"\x03"), 1002),
    "a close with bad text": (close(1000, b"\xce\xba\xe1\xff"), 1007),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_forbidden_ends_the_connection(stream, name):
    wrong, code = BROKEN[name]
    stream.send(frame(TEXT, question("before")), wrong, frame(TEXT, question("after")))
    frames = stream.rest()
    marks = [json.loads(found.payload)["id"] for found in frames if found.opcode == TEXT]
    assert marks[:1] == ["before"] and "after" not in marks
    assert [found.code for found in frames if found.opcode == CLOSE] == [code]


def test_a_connection_that_breaks_off_leaves_the_others_alone(one, stream):
    for cut in (1, 2, 5, 9):
        other = Stream(one.port, PATH)
        other.send(frame(TEXT, question("x"))[:cut])
        other.end()
    stream.send(frame(TEXT, question("here")))
    assert answer(stream) == "here"


def test_binary_messages_are_the_venue_s_affair(stream):
    stream.send(frame(BINARY, b"\xff\x00"))
    assert stream.read().code == 1003


# Closing


@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
)
def test_a_close_is_answered_with_its_code(stream, code):
    stream.send(close(code, "bye ü".encode()))
    assert [found.code for found in stream.rest()] == [code]


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
def test_codes_that_must_not_be_sent(stream, code):
    stream.send(close(code))
    assert [found.code for found in stream.rest()] == [1002]


def test_a_close_without_a_code(stream):
    stream.send(close(None))
    assert stream.rest() == [Frame(CLOSE, b"")]


def test_nothing_counts_after_a_close(stream):
    stream.send(frame(TEXT, question("before")), close(1000), frame(PING), frame(TEXT, question("after")))
    frames = stream.rest()
    assert [found.opcode for found in frames] == [TEXT, CLOSE]


def test_half_a_connection_is_none(stream):
    stream.send(frame(TEXT, question("last")))
    stream.socket.shutdown(socket.SHUT_WR)
    assert answer(stream) == "last"
    assert stream.read() is None


def test_a_connection_whose_client_ends_it_with_the_handshake_is_ended(one):
    """The client's end arrives before there is a stream that could see it."""
    for data in (b"", frame(TEXT, question("mark")), close()):
        with Stream(one.port) as stream:
            stream.send(handshake(PATH), data)
            stream.socket.shutdown(socket.SHUT_WR)
            assert stream.head()[0] == 101
            stream.rest()


# Handshakes


def test_the_example_of_the_rfc(one):
    with Stream(one.port) as stream:
        status, headers = stream.ask(handshake(PATH, Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ=="))
    assert status == 101
    assert headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert headers["upgrade"].lower() == "websocket" and headers["connection"].lower() == "upgrade"
    assert "sec-websocket-extensions" not in headers and "sec-websocket-protocol" not in headers


@pytest.mark.parametrize(
    "changes",
    [
        {"Upgrade": "WebSocket"},
        {"Connection": "keep-alive, Upgrade"},
        {"Sec_WebSocket_Extensions": "permessage-deflate; client_max_window_bits"},
        {"Sec_WebSocket_Protocol": "chat, superchat"},
        {"Origin": "https://elsewhere.invalid"},
        {"Content_Length": "0"},
    ],
)
def test_handshakes_that_are_sound(one, changes):
    with Stream(one.port) as stream:
        status, headers = stream.ask(handshake(PATH, **changes))
        assert status == 101
        assert "sec-websocket-extensions" not in headers and "sec-websocket-protocol" not in headers
        stream.send(frame(TEXT, question("on")))
        assert answer(stream) == "on"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Sec_WebSocket_Key": None}, 400),
        ({"Sec_WebSocket_Key": ""}, 400),
        ({"Sec_WebSocket_Key": "c2hvcnQ="}, 400),
        ({"Sec_WebSocket_Key": "not base 64 at all!!"}, 400),
        ({"Sec_WebSocket_Version": None}, 400),
        ({"Sec_WebSocket_Version": "8"}, 426),
        ({"Sec_WebSocket_Version": "14"}, 426),
        ({"Sec_WebSocket_Version": "thirteen"}, 426),
        ({"Content_Length": "5"}, 400),
        ({"Transfer_Encoding": "chunked"}, 400),
    ],
)
def test_handshakes_that_are_wrong(one, changes, status):
    with Stream(one.port) as stream:
        found, headers = stream.ask(handshake(PATH, **changes))
        body = stream.body(headers)
    assert found == status
    assert headers["connection"] == "close"
    assert json.loads(body)["code"] == ("bad_handshake" if status == 400 else "upgrade_required")
    if status == 426:
        assert headers["sec-websocket-version"] == "13" and headers["upgrade"] == "websocket"


@pytest.mark.parametrize(
    "request_bytes",
    [
        handshake("/healthz"),
        handshake("/healthz", Sec_WebSocket_Version=None),
        handshake("/healthz", Upgrade="h2c", HTTP2_Settings="AAMAAABkAAQAAP__"),
        handshake("/healthz", Upgrade="TLS/1.0"),
        handshake("/healthz", Connection=None),
        handshake("/healthz", version="1.0"),
    ],
)
def test_an_upgrade_that_nobody_offers_is_an_ordinary_request(one, request_bytes):
    with Stream(one.port) as stream:
        status, headers = stream.ask(request_bytes)
        assert status == 200
        assert json.loads(stream.body(headers)) == {"status": "ok"}


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD"])
def test_only_get_opens_a_stream(one, method):
    with Stream(one.port) as stream:
        status, _ = stream.ask(handshake(PATH, method=method))
        assert status in (404, 405)


def test_a_request_and_frames_in_one_piece_with_the_handshake(one):
    with Stream(one.port) as stream:
        stream.send(
            b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n" * 3,
            handshake(PATH),
            frame(TEXT, question("early")),
            frame(PING, b"early"),
        )
        for _ in range(3):
            status, headers = stream.head()
            assert status == 200
            stream.body(headers)
        assert stream.head()[0] == 101
        frames = [stream.read(), stream.read()]
        assert Frame(PONG, b"early") in frames
        assert [json.loads(found.payload)["id"] for found in frames if found.opcode == TEXT] == ["early"]


def test_a_connection_that_has_carried_requests_becomes_a_stream(one):
    with Stream(one.port) as stream:
        for _ in range(3):
            status, headers = stream.ask(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
            assert status == 200
            stream.body(headers)
        assert stream.ask(handshake(PATH))[0] == 101
        stream.send(frame(TEXT, question("on")))
        assert answer(stream) == "on"


def test_a_handshake_that_comes_slowly(one):
    with Stream(one.port) as stream:
        for byte in handshake(PATH)[:-1]:
            stream.send(bytes([byte]))
        time.sleep(0.1)
        stream.send(b"\n")
        assert stream.head()[0] == 101


def test_requests_go_on_beside_streams(one):
    streams = [Stream(one.port, PATH) for _ in range(50)]
    for number in range(50):
        assert one.request("GET", "/healthz").status == 200
        streams[number].send(frame(TEXT, question(str(number))))
    for number, stream in enumerate(streams):
        assert answer(stream) == str(number)
        stream.end()


# Generated conversations; MARGINALIA_TEST_SEED repeats one.


def seed() -> int:
    given = os.environ.get("MARGINALIA_TEST_SEED")
    return int(given) if given else random.SystemRandom().randrange(10**6)


def in_fragments(chance: random.Random, text: bytes, pings: list[bytes]) -> list[bytes]:
    """The frames of a message, with pings between them."""
    cuts = sorted(chance.sample(range(len(text)), chance.choice([0, 0, 1, 2, 5])))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)])]
    frames = []
    for place, piece in enumerate(pieces):
        opcode = TEXT if place == 0 else CONTINUATION
        frames.append(frame(opcode, piece, final=place == len(pieces) - 1))
        if chance.random() < 0.3:
            pings.append(chance.randbytes(chance.choice([0, 1, 50, 125])))
            frames.append(frame(PING, pings[-1]))
        if chance.random() < 0.1:
            frames.append(frame(PONG, b"unasked"))
    return frames


def test_generated_conversations(one):
    number = seed()
    print(f"seed {number}")
    chance = random.Random(number)
    for turn in range(100):
        marks, pings, frames = [], [], []
        for place in range(chance.randrange(12)):
            marks.append(f"{turn}/{place} " + "".join(chance.choices("aü€😀", k=chance.choice([0, 3, 200]))))
            frames += in_fragments(chance, question(marks[-1]).encode(), pings)
        last, code = chance.choice(list(BROKEN.values()) + [(close(1000), 1000), (close(4321), 4321)])
        sent = b"".join([*frames, last, frame(PING, b"never answered")])
        with Stream(one.port, PATH) as stream:
            while sent:
                count = chance.choice([1, 2, 7, 100, 5_000, len(sent)])
                try:
                    stream.send(sent[:count])
                except ConnectionError:
                    break
                sent = sent[count:]
            found = stream.rest()
        told = [json.loads(each.payload)["id"] for each in found if each.opcode == TEXT]
        # A broken message may come after a sound one of its own.
        assert [mark for mark in told if mark != "x"] == marks, turn
        assert [each.payload for each in found if each.opcode == PONG] == pings, turn
        assert [each.code for each in found if each.opcode == CLOSE] == [code], turn


def test_noise(one, stream):
    number = seed()
    print(f"seed {number}")
    chance = random.Random(number)
    for _ in range(200):
        with Stream(one.port, PATH) as other:
            try:
                other.send(chance.randbytes(chance.choice([1, 2, 10, 200, 5_000])))
                other.socket.shutdown(socket.SHUT_WR)
            except OSError:
                continue
            assert all(found.opcode in (TEXT, CLOSE, PONG) for found in other.rest())
    stream.send(frame(TEXT, question("here")))
    assert answer(stream) == "here"
