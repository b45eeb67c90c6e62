"""Nothing that a venue, a server or an argument holds reaches the terminal as anything but text."""

import csv
import io
import json
import re

import pytest
from desk import Desk, entry
from raw import RawServer, answer
from relay import Relay
from server import Server, run

# What a terminal obeys, hides or turns round.
HOSTILE = {
    "escape": "\x1b[2J",
    "bell": "\x07",
    "newline": "\n",
    "return": "\r",
    "tab": "\t",
    "delete": "\x7f",
    "C1": "\x9b31m",
    "next line": "\x85",
    "line separator": "\u2028",
    "override": "\u202e",
    "isolate": "\u2066",
    "left to right": "\u200e",
    "zero width": "\u200b",
    "joiner": "\u2060",
    "mark": "\ufeff",
    "tag": "\U000e0041",
    "filler": "\u3164",
}
EVERYTHING = "".join(HOSTILE.values())
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def assert_harmless(done, *, line_ends: str = "\n") -> None:
    """Nothing but text and line ends was written, and it is all in one piece."""
    for text in (done.stdout, done.stderr):
        rest = text.replace(line_ends, "\n")
        assert not FORBIDDEN.search(rest) and "\t" not in rest, ascii(text)


def hostile_answer(server: Server, word: str, text: str):
    """What stands in place of a server's answers: each string that holds a word gets a text behind it."""

    def intercept(seen):
        answer = server.request(seen.method, seen.path, seen.body or None, dict(seen.headers))
        poison = json.dumps(text)[1:-1]
        body = re.sub(rf"({word}[A-Z-]*)", lambda found: found[1] + poison, answer.body.decode())
        return answer.status, {"Content-Type": "application/json"}, body.encode()

    return intercept


@pytest.fixture(scope="module")
def server():
    with Server("--demo", "--rate-limits", "off") as running:
        yield running


@pytest.fixture(scope="module")
def hostile(server, tmp_path_factory):
    """A desk whose venue puts everything into the names of instruments and assets."""
    with Relay(server.port, hostile_answer(server, "BTC", EVERYTHING)) as relay:
        folder = tmp_path_factory.mktemp("hostile")
        yield Desk(
            folder,
            [entry("okx", relay.url)],
            attempts=1,
            watch={"alerts": [{"drift": True}, {"figure": "equity", "above": "0"}]},
        )


COMMANDS = [
    ("portfolio",),
    ("audit", "--all"),
    ("watch", "--once"),
    ("record", "--recordings", "sqlite:{}/r.db"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize("form", ["tables", "json"])
def test_a_venues_names(hostile, command, form, tmp_path):
    words = [word.format(tmp_path) for word in command]
    done = hostile.run(*words, *(["--json"] if form == "json" else []))
    assert done.returncode in (0, 1, 2), done.stderr
    assert_harmless(done)
    if form == "json":
        assert json.loads(done.stdout)
    if command[0] == "portfolio":
        # It is told, not left out: as an escape, and as what it is to a program.
        assert "\\u001b[2J\\u0007" in done.stdout.replace("\\n", "\\u000a")
        if form == "json":
            rows = json.loads(done.stdout)["accounts"][0]["positions"]
            assert any(EVERYTHING in row["instrument"] for row in rows)


def test_rows_cannot_be_forged(server, tmp_path):
    """A line end in a name makes no row."""
    forged = "\nokx-main  FORGED  long"
    with Relay(server.port, hostile_answer(server, "BTC", forged)) as relay:
        done = Desk(tmp_path, [entry("okx", relay.url)]).run("portfolio")
    assert "FORGED" in done.stdout
    assert not [line for line in done.stdout.splitlines() if line.startswith("okx-main  FORGED")]


def test_comma_separated_values(hostile):
    done = hostile.run("portfolio", "--csv")
    assert_harmless(done, line_ends="\r\n")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert any("\\u001b[2J" in row["name"] for row in rows)
    assert all(None not in row and None not in row.values() for row in rows), "every line has every cell"


@pytest.mark.parametrize(
    "name, told",
    [
        ("=1+1", "'=1+1"),
        ("=1-1", "'=1-1"),
        ("\t=1+1", "'\\u0009=1+1"),
        ("\r=1+1", "'\\u000d=1+1"),
        ("  @SUM(1)", "'  @SUM(1)"),
        ("+1-1", "'+1-1"),
        ("-2+3", "'-2+3"),
        ("\u200b=1", "'\\u200b=1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("-5", "-5"),
        ("-0.25", "-0.25"),
        ("1=1", "1=1"),
    ],
)
def test_formulas_are_told_as_text_and_numbers_stay(server, name, told, tmp_path):
    def intercept(seen):
        if seen.endpoint != "/api/v5/account/balance":
            return None
        answer = server.request(seen.method, seen.path, None, dict(seen.headers))
        body = answer.json
        body["data"][0]["details"][0]["ccy"] = name
        return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()

    with Relay(server.port, intercept) as relay:
        done = Desk(tmp_path, [entry("okx", relay.url)]).run("portfolio", "--csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert told in {row["name"] for row in rows}
    for row in rows:
        for cell in row.values():
            assert not re.match(r"\s*[=+@]|\s*-(?!\d+(\.\d+)?$)", cell), cell


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_venues_errors(form, tmp_path):
    """A refusal in the venue's own words."""
    text = json.dumps({"code": "50011", "msg": EVERYTHING + "\nmarginalia: forged", "data": []})

    def script(connection, _):
        connection.sendall(answer(text.encode(), status="400 Bad Request"))

    with RawServer(script) as venue:
        done = Desk(tmp_path, [entry("okx", venue.url)], attempts=1).run("portfolio", *form)
    assert done.returncode != 0
    assert_harmless(done)
    assert len(done.stderr.splitlines()) == 1, done.stderr


SERVER_COMMANDS = [
    ["accounts", "list"],
    ["accounts", "show", "demo-okx"],
    ["explain", "demo-okx"],
    ["stress", "demo-okx"],
    ["rules", "list"],
    ["keys", "list", "demo-okx"],
]


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize("words", SERVER_COMMANDS, ids=" ".join)
def test_a_servers_answers(server, words, form):
    """A server that the command line was told to talk to may be anybody's."""
    with Relay(server.port, hostile_answer(server, "(?:okx|BTC|OKX)", EVERYTHING)) as relay:
        done = run(*words, *form, "--url", relay.url, "--token", server.token)
    assert_harmless(done)
    if form and done.returncode == 0:
        assert json.loads(done.stdout)


@pytest.mark.parametrize(
    "words",
    [
        ["portfolio", "--config", f"no{EVERYTHING}.yaml"],
        ["portfolio", f"--{EVERYTHING}"],
        [f"{EVERYTHING}"],
        ["accounts", "show", f"a{EVERYTHING}", "--token", "t", "--url", "http://127.0.0.1:9"],
        ["verify", "--store", f"sqlite:/nowhere{EVERYTHING}"],
        ["verify", "--store", f"nothing{EVERYTHING}"],
        ["serve", "--listen", f"x{EVERYTHING}"],
        ["serve", "--scenario", f"x{EVERYTHING}.yaml", "--store", "memory:"],
        ["apply", f"x{EVERYTHING}.yaml"],
        ["explain", f"x{EVERYTHING}", "--url", f"http://x{EVERYTHING}"],
        ["desk", "list", f"x{EVERYTHING}"],
        ["rehost", f"x{EVERYTHING}"],
    ],
    ids=lambda words: words[0],
)
def test_arguments(words):
    done = run(*words)
    assert done.returncode != 0
    assert_harmless(done)
    assert len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.parametrize("form", ["text", "json"])
def test_logs(form, tmp_path):
    """A file's name may hold everything but a slash and a zero byte."""
    scenario = tmp_path / f"a{EVERYTHING}.json"
    scenario.write_text('{"accounts": [{"account": "desk", "venue": "okx"}]}')
    with Server("--scenario", str(scenario), "--log-format", form) as server:
        assert server.stop() == 0
    log = "\n".join(server.log)
    assert "a scenario is applied" in log and "\\u001b[2J\\u0007" in log.replace("\\n", "\\u000a")
    assert not FORBIDDEN.search(log) and "\t" not in log, ascii(log)
    # A line each, and the greeting that is for people beside them.
    assert log.count("a scenario is applied") == 1 and log.count("info") == 3, log
    assert len([line for line in server.log if "info" in line]) == 3, log
