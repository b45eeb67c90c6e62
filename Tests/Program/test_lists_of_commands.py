"""Long lists of commands: a limit that is named, bounded memory, and a turn for everybody else."""

import json
import pathlib
import threading

import pytest

MOST = 100_000
LONGEST = 1 << 20
MEGABYTE = 1 << 20

DEPOSIT = json.dumps({"type": "deposit", "account": "desk", "asset": "USDT", "amount": "1"})
FORMS = {"application/json": lambda rows: f"[{','.join(rows)}]", "application/x-ndjson": "\n".join}


@pytest.fixture
def desk(server):
    server.apply({"type": "open_account", "account": "desk", "venue": "okx"})
    return server


def send(server, rows: list[str], form: str, query: str = ""):
    return server.admin("POST", f"/commands{query}", FORMS[form](rows), Content_Type=form)


def peak(server) -> int:
    """The most bytes of memory that the program has had."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("query", ["", "?atomic=true"])
def test_more_commands_than_a_list_takes_are_refused_and_the_limit_is_named(desk, form, query):
    refused = send(desk, [DEPOSIT] * (MOST + 1), form, query)
    assert refused.status == 413, refused.body[:200]
    assert refused.json["code"] == "too_many_commands" and refused.json["limit"] == MOST
    assert str(MOST) in refused.json["detail"]
    assert desk.account("desk")["holdings"] == [], "nothing of it was applied"


@pytest.mark.parametrize("form", FORMS)
def test_a_list_as_long_as_one_may_be_is_applied(desk, form):
    answer = send(desk, [DEPOSIT] * MOST, form)
    assert answer.status == 200, answer.body[:200]
    assert len(answer.json["results"]) == MOST
    assert desk.account("desk")["holdings"][0]["cash"] == str(MOST)


@pytest.mark.parametrize("form", FORMS)
def test_millions_of_tiny_elements_take_little_memory(desk, form):
    tiny = ["0"] * 3_000_000
    text = FORMS[form](tiny)
    before = peak(desk)
    refused = desk.admin("POST", "/commands", text, Content_Type=form)
    assert refused.status == 413 and refused.json["code"] == "too_many_commands"
    # Twice the body, for it arrives in pieces and is put together, and what 100,000 refusals take.
    assert peak(desk) - before < 2 * len(text) + 128 * MEGABYTE


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "command", ['{"type":"' + "x" * LONGEST + '"}', "[" + "0," * LONGEST + "0]", '"' + "y" * LONGEST]
)
def test_a_command_that_is_too_long_is_refused(desk, form, command):
    refused = send(desk, [DEPOSIT, command, DEPOSIT], form)
    assert refused.status == 413, refused.body[:200]
    assert refused.json["code"] == "command_too_long" and refused.json["limit"] == LONGEST
    assert desk.account("desk")["holdings"] == []


@pytest.mark.parametrize(
    "text, line, column",
    [
        (f"[{DEPOSIT},\n{DEPOSIT}", 2, len(DEPOSIT) + 1),
        (f"[{DEPOSIT},\n]", 2, 1),
        (f"[{DEPOSIT} {DEPOSIT}]", 1, len(DEPOSIT) + 3),
        (f"[{DEPOSIT}]\n\nx", 3, 1),
        ("[]x", 1, 3),
        ("[]" + " " * (3 * MEGABYTE) + "x", 1, 3 * MEGABYTE + 3),
        ("[", 1, 2),
        ("", 1, 1),
        (f"[{','.join([DEPOSIT] * 20_000)},\n{{]", 2, 2),
    ],
)
def test_a_mistake_is_found_wherever_it_stands(desk, text, line, column):
    refused = desk.admin("POST", "/commands", text)
    assert refused.status == 400, refused.body[:200]
    assert refused.json["code"] == "malformed_json"
    assert (refused.json["line"], refused.json["column"]) == (line, column), refused.body
    assert desk.account("desk")["holdings"] == []


@pytest.mark.parametrize("text", ["{}", "0", '"["', "null", f" {DEPOSIT}"])
def test_another_value_than_an_array_is_refused(desk, text):
    refused = desk.admin("POST", "/commands", text)
    assert refused.status == 400 and refused.json["code"] == "invalid_body", refused.body


def test_empty_lists_are_lists(desk):
    for text in ("[]", " [ ] \n"):
        assert desk.admin("POST", "/commands", text).json == {"results": []}


def test_a_single_command_does_not_wait_for_a_long_list(start, store):
    """Commands that are sent while a list is under way go between its own, not behind the last of them."""
    one = start(store=store)
    one.apply(
        {"type": "open_account", "account": "desk", "venue": "okx"},
        {"type": "open_account", "account": "other", "venue": "okx"},
    )
    own: list[int] = []

    def send_long():
        answer = send(one, [DEPOSIT] * MOST, "application/x-ndjson")
        own.extend(row["sequence"] for row in answer.json["results"])

    long = threading.Thread(target=send_long)
    long.start()
    single = {"type": "deposit", "account": "other", "asset": "USDT", "amount": "1"}
    singles = []
    while long.is_alive():
        singles += one.apply(single)
    long.join()
    assert len(own) == MOST and own == sorted(own), "the list keeps its order"
    between = [sequence for sequence in singles if own[0] < sequence < own[-1]]
    assert len(between) >= 3, f"{len(between)} of {len(singles)} single commands went between"
    assert own[-1] - own[0] == MOST - 1 + len(between)
