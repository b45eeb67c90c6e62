"""What the desk says of venues that dribble, break off or speak something else, and how long it waits."""

import json
import socket
import ssl
import subprocess
import time

import pytest
from desk import Desk, entry
from raw import RawServer, answer, reset
from server import run

BODY = b'{"code":"0","msg":"","data":[]}'
# Far more than any deadline here, and far less than a dribble would take.
BOUND = 20


def desk_of(folder, url: str, call: str = "600ms", **content) -> Desk:
    return Desk(
        folder, [entry("okx", url)], attempts=1, timeouts={"call": call, "whole": "15s"}, **content
    )


def sentence_of(folder, url: str) -> str:
    """What the desk says of a venue that it cannot read."""
    began = time.monotonic()
    done = desk_of(folder, url).run("portfolio")
    assert time.monotonic() - began < BOUND
    assert done.returncode == 69, done
    (line,) = done.stderr.splitlines()
    assert line.startswith("marginalia: okx-main at okx"), line
    return line


@pytest.mark.parametrize("part", ["head", "body", "chunked body", "body without a length"])
def test_one_deadline_covers_head_and_whole_body(part, tmp_path):
    """A byte at a time never ends, and each byte comes in time: the whole does not."""

    def script(connection, _):
        heads = {
            "head": b"",
            "body": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
            "chunked body": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "body without a length": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        }
        connection.sendall(heads[part])
        rest = {"head": answer(b"x" * 1000), "chunked body": b"1\r\nx\r\n" * 1000}.get(part, b"x" * 1000)
        server.dribble(connection, rest, 0.05)

    with RawServer(script) as server:
        line = sentence_of(tmp_path, server.url)
    assert "within 600 ms" in line and "timeouts.call" in line
    assert ("does not answer" in line) == (part == "head")
    if part == "body":
        assert "of 1000 bytes" in line


def test_the_deadline_of_all_accounts_holds_against_a_dribble(tmp_path):
    def script(connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        server.dribble(connection, b"x" * 100_000, 0.01)

    with RawServer(script) as server:
        accounts = [entry("okx", server.url, name=f"a{place}") for place in range(3)]
        desk = Desk(tmp_path, accounts[:1], timeouts={"call": "1h", "whole": "1s"})
        began = time.monotonic()
        assert desk.run("portfolio").returncode == 69
        assert time.monotonic() - began < BOUND


@pytest.mark.parametrize("ending", ["end", "reset"])
@pytest.mark.parametrize("form, told", [("length", "12 of 1000 bytes"), ("chunked", "12 bytes")])
def test_a_body_that_breaks_off_is_told_as_such(form, told, ending, tmp_path):
    def script(connection, _):
        if form == "length":
            connection.sendall(answer(b"x" * 12, length=1000))
        else:
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n" + b"x" * 12)
        # What was sent is read before the end comes.
        server.ended.wait(0.3)
        if ending == "reset":
            reset(connection)

    with RawServer(script) as server:
        line = sentence_of(tmp_path, server.url)
    assert "broke off its answer after " + told in line and "cannot be reached" not in line


@pytest.mark.parametrize(
    "sent, told",
    [
        (b"", "closed the connection before it answered"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "closed the connection before it answered"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "no HTTP"),
    ],
)
def test_what_is_no_answer(sent, told, tmp_path):
    def script(connection, _):
        connection.sendall(sent)

    with RawServer(script) as server:
        assert told in sentence_of(tmp_path, server.url)


EXTREMES = [0, 1, 2**63 - 1, -(2**63), 10**30, 253_402_300_800_000]


@pytest.mark.parametrize("moment", EXTREMES)
@pytest.mark.parametrize("venue", ["okx", "binance", "crypto-com"])
def test_a_venue_whose_clock_shows_no_time(venue, moment, tmp_path):
    """The desk asks for the time of a venue that refuses its own, and may be told anything."""
    refusals = {
        "okx": {"code": "50102", "msg": "", "data": [{"ts": str(moment)}]},
        "binance": {"code": -1021, "msg": "", "serverTime": moment},
        "crypto-com": {"id": 1, "code": 40102, "message": "INVALID_NONCE", "nonce": moment},
    }

    def script(connection, request):
        body = json.dumps(refusals[venue]).encode()
        if b"/time" in request.split(b" ")[1]:
            body = body.replace(b"-1021", b"0").replace(b"50102", b"0")
        connection.sendall(answer(body))

    with RawServer(script) as server:
        # Its connections end with every answer, which a second request may meet.
        done = Desk(tmp_path, [entry(venue, server.url)], timeouts={"call": "2s"}).run("portfolio")
    assert done.returncode in (69, 78), done
    assert "time" in done.stderr or "clock" in done.stderr


@pytest.mark.parametrize("moment", EXTREMES)
def test_a_ban_until_the_end_of_time(moment, tmp_path):
    body = json.dumps({"code": -1003, "msg": f"IP banned until {moment}."}).encode()

    def script(connection, _):
        connection.sendall(answer(body))

    with RawServer(script) as server:
        desk = Desk(tmp_path, [entry("binance", server.url)], attempts=2, timeouts={"call": "2s"})
        done = desk.run("portfolio")
    assert done.returncode == 69 and "over its limit" in done.stderr, done


@pytest.mark.parametrize("body", [b"{}", b'{"code":0,"data":[]}', b'{"assets":{}}', b'{"positions":[]}'])
def test_an_object_without_assets_is_no_account_of_binance(body, tmp_path):
    def script(connection, _):
        connection.sendall(answer(body))

    with RawServer(script) as server:
        done = Desk(tmp_path, [entry("binance", server.url)], attempts=1).run("portfolio")
    assert done.returncode == 69 and "no account of Binance" in done.stderr, done


@pytest.mark.parametrize("moment", EXTREMES)
def test_figures_of_a_time_that_there_is_not(moment, tmp_path):
    """`uTime` of OKX decides how old its figures are."""
    row = {"uTime": str(moment), "totalEq": "1", "details": []}
    balance = json.dumps({"code": "0", "msg": "", "data": [row]}).encode()
    config = json.dumps({"code": "0", "msg": "", "data": [{"perm": "read_only", "uid": "1"}]}).encode()
    nothing = b'{"code":"0","msg":"","data":[]}'

    def script(connection, request):
        target = request.split(b" ")[1]
        body = balance if b"balance" in target else config if b"config" in target else nothing
        connection.sendall(answer(body))

    with RawServer(script) as server:
        book = Desk(tmp_path, [entry("okx", server.url)]).json("portfolio")
    (account,) = book["accounts"]
    assert account["age_ms"] >= 0
    assert account["venue_time"] in (moment, None)


def test_a_connection_that_is_reset(tmp_path):
    def script(connection, _):
        reset(connection)

    with RawServer(script) as server:
        assert "closed the connection before it answered" in sentence_of(tmp_path, server.url)


def test_a_port_where_nothing_listens(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        line = sentence_of(tmp_path, f"http://127.0.0.1:{free.getsockname()[1]}")
    assert "refuses connections" in line and "cannot be reached" not in line


def test_a_venue_that_accepts_and_says_nothing(tmp_path):
    with RawServer(lambda connection, _: server.ended.wait(BOUND) and None) as server:
        assert "does not answer within 600 ms" in sentence_of(tmp_path, server.url)


@pytest.mark.parametrize("kind", ["plain", "own certificate"])
def test_a_venue_that_cannot_be_trusted(kind, tmp_path):
    """TLS to a port that speaks plain HTTP, and to one whose certificate nobody has signed."""
    context = None
    if kind == "own certificate":
        files = [str(tmp_path / name) for name in ("key.pem", "cert.pem")]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-keyout", files[0]]
            + ["-out", files[1], "-subj", "/CN=127.0.0.1"],
            check=True,
            capture_output=True,
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files[1], files[0])

    class Server(RawServer):
        def _serve(self, connection):
            if context is None:
                connection.recv(10)
                connection.sendall(answer(BODY))
                connection.close()
                return
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                connection.close()

    with Server(lambda *_: None) as server:
        line = sentence_of(tmp_path, server.url.replace("http:", "https:"))
    assert "over TLS" in line and "certificate" in line


def test_a_host_that_there_is_not(tmp_path):
    """The name service of this machine is asked for a name that no name service has (RFC 6761)."""
    line = sentence_of(tmp_path, "https://venue.invalid")
    assert "is not found" in line or "does not answer" in line, line


@pytest.mark.parametrize(
    "sent, told",
    [
        (answer(b'{"accounts":', length=500), "broke off its answer after 12 of 500 bytes"),
        (b"HTTP/1.1 200 OK\r\nConte", "closed the connection before it had answered"),
        (b"", "closed the connection before it had answered"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "no marginalia server"),
    ],
)
def test_a_server_that_the_command_line_talks_to(sent, told):
    """The commands that ask a running server say how its answer ended, too."""
    with RawServer(lambda connection, _: connection.sendall(sent)) as server:
        done = run("accounts", "list", "--url", server.url, "--token", "made-up")
    assert done.returncode == 69 and told in done.stderr, done.stderr
