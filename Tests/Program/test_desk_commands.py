"""Commands that are told of alerts: what they get, what they do not get, and how they end."""

import json
import os
import signal
import time

import pytest
from desk import Desk, entry
from raw import within
from server import Server

# A command's limit is 30 s; its end comes a few seconds later at most.
BOUND = 45
SCRIPT = "#!/bin/sh\n"


@pytest.fixture(scope="module")
def server():
    with Server("--demo", "--rate-limits", "off") as running:
        yield running


def watched(folder, server, script: str, name: str = "./tell.sh", **target):
    """A desk whose alert stands, and that tells a script of it."""
    (folder / "tell.sh").write_text(SCRIPT + script)
    (folder / "tell.sh").chmod(0o700)
    alerts = [{"figure": "available", "above": "0"}]
    return Desk(
        folder,
        [entry("rails", server.url)],
        watch={"alerts": alerts, "notify": [{"command": [name]} | target]},
    )


def run(desk: Desk, elsewhere, **variables):
    """Runs `watch --once` from another folder than the configuration's."""
    desk.folder = elsewhere
    began = time.monotonic()
    done = desk.run("watch", "--once", **variables)
    return done, time.monotonic() - began


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended and was not yet buried does not."""
    try:
        with open(f"/proc/{process}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


def test_it_is_found_from_the_configurations_folder_and_runs_there(server, tmp_path):
    folder, elsewhere = tmp_path / "conf", tmp_path / "elsewhere"
    folder.mkdir(), elsewhere.mkdir()
    done, _ = run(watched(folder, server, "cat > heard.json\n"), elsewhere)
    assert done.returncode == 1 and not done.stderr, done.stderr
    assert json.loads((folder / "heard.json").read_text())["event"] == "raised"


def test_a_relative_configuration(server, tmp_path):
    (tmp_path / "conf").mkdir()
    desk = watched(tmp_path / "conf", server, "cat > heard.json\n")
    desk.file = desk.file.relative_to(tmp_path)
    run(desk, tmp_path)
    assert (tmp_path / "conf" / "heard.json").exists()


def test_its_environment_is_clean(server, tmp_path):
    """The keys are in the environment here, and so are the operator's token and a passphrase."""
    desk = watched(tmp_path, server, "cat > /dev/null; env > heard\n", environment=["TZ", "NOT_SET"])
    given = {"MARGINALIA_ADMIN_TOKEN": "made-up-token", "MARGINALIA_DESK_PASSPHRASE": "made-up", "TZ": "UTC"}
    done, _ = run(desk, tmp_path, HOME="/made/up", LANG="C.UTF-8", **given)
    assert done.returncode == 1, done.stderr
    heard = dict(line.split("=", 1) for line in (tmp_path / "heard").read_text().splitlines())
    # A shell sets the last three by itself.
    assert set(heard) - {"PWD", "SHLVL", "_", "OLDPWD"} == {"PATH", "HOME", "LANG", "TZ"}
    assert heard["HOME"] == "/made/up" and heard["TZ"] == "UTC"


@pytest.mark.parametrize("name", ["DESK_RAILS_SECRET", "DESK_RAILS_API_KEY", "MARGINALIA_ADMIN_TOKEN"])
def test_a_secret_is_never_handed_on(server, name, tmp_path):
    done, _ = run(watched(tmp_path, server, "", environment=[name]), tmp_path)
    assert done.returncode == 78
    assert f"watch.notify[0].environment[0]: may not be {name}" in done.stderr


def test_a_child_that_outlives_it_holds_nobody(server, tmp_path):
    """The child keeps the command's input and output open."""
    desk = watched(tmp_path, server, "cat > /dev/null; sleep 100 > /dev/null 2>&1 & echo $! > child\n")
    done, took = run(desk, tmp_path)
    child = int((tmp_path / "child").read_text())
    try:
        assert done.returncode == 1 and took < 20
        assert is_alive(child), "what a command leaves running on purpose goes on"
    finally:
        os.kill(child, signal.SIGKILL)


def test_one_that_ignores_its_end_is_killed_with_all_that_it_started(server, tmp_path):
    desk = watched(
        tmp_path,
        server,
        "trap '' TERM\nsh -c 'trap \"\" TERM; while :; do sleep 1; done' & echo $! > child\n"
        "while :; do sleep 1; done\n",
    )
    done, took = run(desk, tmp_path)
    assert "did not end within 30 s" in done.stderr, done.stderr
    assert 29 < took < BOUND
    child = int((tmp_path / "child").read_text())
    assert within(5, lambda: not is_alive(child))


def test_one_that_reads_nothing_is_no_trouble(server, tmp_path):
    done, took = run(watched(tmp_path, server, "exec < /dev/null\n"), tmp_path)
    assert done.returncode == 1 and not done.stderr and took < 20


@pytest.mark.parametrize(
    "name, script, told",
    [
        ("./tell.sh", "exit 3\n", "ended with status 3"),
        ("./tell.sh", "kill -9 $$\n", "ended with status 137"),
        ("./missing.sh", "", "cannot be started"),
        ("no-program-of-this-name", "", "cannot be started"),
    ],
)
def test_how_it_ended_is_told(server, name, script, told, tmp_path):
    done, _ = run(watched(tmp_path, server, script, name=name), tmp_path)
    assert told in done.stderr, done.stderr


def test_a_program_of_the_path(server, tmp_path):
    done, _ = run(watched(tmp_path, server, "", name="true"), tmp_path)
    assert done.returncode == 1 and not done.stderr
