"""The preloaded library does what it says: what it fails, loses and ends is checked on a small program
that writes a file."""

import subprocess
import sys

import pytest

from torture import Calls, Plan

# Writes three parts, syncs after the second, and says what went through.
PROGRAM = """
import os, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
for number, part in enumerate((b"one", b"two", b"six")):
    try:
        print(os.pwrite(file, part, 3 * number), flush=True)
        if number == 1:
            os.fsync(file)
            print("synced", flush=True)
    except OSError as error:
        print(os.strerror(error.errno), flush=True)
"""
# Calls: 1 makes the file, 2 and 3 write, 4 syncs, 5 writes.


def struck(folder, plan: Plan) -> tuple[int, list[str], bytes, Calls]:
    """The program's status and lines, what is in the file then, and the calls counted."""
    calls, path = Calls(folder), folder / "data" / "file"
    path.parent.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, path],
        env=calls.environment(plan, path.parent),
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout.split("\n")[:-1], path.read_bytes() if path.exists() else b"", calls


def test_all_calls_are_counted(tmp_path):
    status, lines, content, calls = struck(tmp_path, Plan())
    assert (status, lines, content) == (0, ["3", "3", "synced", "3"], b"onetwosix")
    assert (calls.calls, calls.faults) == (5, 0)


@pytest.mark.parametrize(
    ("plan", "lines", "content"),
    [
        (Plan("kill-before", 1), [], b""),
        (Plan("kill-before", 3), ["3"], b"one"),
        (Plan("kill-after", 3), ["3"], b"onetwo"),
        (Plan("kill-before", 4), ["3", "3"], b"onetwo"),
        (Plan("power-all", 3), ["3"], b""),
        (Plan("power-all", 4), ["3", "3"], b"onetwo"),
        (Plan("power-all", 5), ["3", "3", "synced"], b"onetwo"),
    ],
)
def test_a_process_is_ended(tmp_path, plan, lines, content):
    status, found, left, calls = struck(tmp_path, plan)
    assert (status, found, left) == (-9, lines, content)
    assert calls.faults == 1


@pytest.mark.parametrize(
    ("plan", "lines"),
    [
        (Plan("full", 3), ["3", "No space left on device", "3"]),
        (Plan("full", 3, 2), ["3", "No space left on device", "No space left on device"]),
        (Plan("error", 4), ["3", "3", "Input/output error", "3"]),
        (Plan("sync", 2), ["3", "3", "Input/output error", "3"]),
    ],
)
def test_a_call_fails(tmp_path, plan, lines):
    status, found, _, calls = struck(tmp_path, plan)
    assert (status, found) == (0, lines)
    assert calls.faults == plan.times


def test_a_write_is_cut_short(tmp_path):
    status, found, content, _ = struck(tmp_path, Plan("short", 2, seed=3))
    assert status == 0 and found[0] in ("1", "2") and content[:1] == b"o"


def test_a_write_is_torn_by_a_kill(tmp_path):
    status, found, content, _ = struck(tmp_path, Plan("kill-torn", 3, seed=3))
    assert (status, found) == (-9, ["3"]) and content in (b"onet", b"onetw")


def test_after_a_power_failure_any_part_of_what_was_not_synced_is_there(tmp_path):
    kept = set()
    for seed in range(40):
        folder = tmp_path / str(seed)
        folder.mkdir()
        kept.add(struck(folder, Plan("power-some", 3, seed=seed))[2])
    assert b"" in kept and b"onetwo" in kept and len(kept) > 2
