"""The systemd unit of the release, on a machine that systemd has booted."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import time

import pytest

import machine
import roots
from server import ROOT

DIST = pathlib.Path(os.environ.get("MARGINALIA_DIST", ROOT / "dist"))
STORE = "var/lib/private/marginalia"
UNIT = "marginalia.service"

pytestmark = pytest.mark.skipif(
    not (DIST / "SHA256SUMS").exists(), reason="there is no release here: run scripts/release"
)


@pytest.fixture(scope="module")
def booted(tmp_path_factory):
    """Debian 12 with the release's archive unpacked as docs/install.md says."""
    if lacking := machine.lacking():
        pytest.skip(lacking)
    root = roots.make(tmp_path_factory.mktemp("machine") / "root", "bookworm", "essential", *machine.PACKAGES)
    (archive,) = DIST.glob("marginalia-*-linux-*.tar.gz")
    subprocess.run(["tar", "-xzf", archive, "--strip-components", "1", "-C", root / "usr/local"], check=True)
    with tarfile.open(archive) as tar:
        assert any(name.endswith("lib/systemd/system/marginalia.service") for name in tar.getnames())
    # The unit of these sources, should the archive be older.
    shutil.copy(ROOT / "Packaging" / UNIT, root / "usr/local/lib/systemd/system" / UNIT)
    try:
        with machine.Machine(root) as made:
            yield made
    finally:
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def unit(booted):
    """The machine with the unit started, and stopped afterwards."""
    started = booted.run("systemctl", "start", UNIT)
    assert started.returncode == 0, started.stderr + logged(booted)
    yield booted
    booted.run("systemctl", "stop", UNIT)


def logged(booted: machine.Machine) -> str:
    """The unit's log."""
    return booted.run("journalctl", "--no-pager", "--unit", UNIT).stdout[-3000:]


def asked(booted: machine.Machine, path: str, body=None, port: int = 8080):
    """A request over the machine's loopback, by this machine's Python; gives status and content."""
    token = (booted.root / STORE / "admin-token").read_text().strip()
    script = (
        "import http.client, sys\n"
        f"connection = http.client.HTTPConnection('127.0.0.1', {port}, timeout=30)\n"
        "body = sys.stdin.read()\n"
        f"headers = {{'Authorization': 'Bearer {token}', 'Content-Type': 'application/json'}}\n"
        f"connection.request('POST' if body else 'GET', {path!r}, body or None, headers)\n"
        "answer = connection.getresponse()\n"
        "print(answer.status)\n"
        "print(answer.read().decode())\n"
    )
    command = ["nsenter", f"--target={booted.init}", "--net", sys.executable, "-c", script]
    said = subprocess.run(
        command, input=json.dumps(body) if body else "", capture_output=True, text=True, timeout=60
    )
    assert said.returncode == 0, said.stderr + logged(booted)
    status, content = said.stdout.split("\n", 1)
    return int(status), content


def facts(booted: machine.Machine) -> dict[str, str]:
    return booted.facts(
        UNIT, "ActiveState", "SubState", "Result", "MainPID", "NRestarts", "ExecMainStatus", "ExecMainCode"
    )


def test_it_is_started_once_it_answers_with_nothing_but_its_folder(unit):
    """The start has ended, so the server answers; and it runs as nobody, with no right and few calls."""
    assert asked(unit, "/healthz")[0] == 200
    said = facts(unit)
    assert (said["ActiveState"], said["SubState"]) == ("active", "running"), logged(unit)
    status = unit.run("cat", f"/proc/{said['MainPID']}/status").stdout
    fields = dict(re.findall(r"^(\w+):\s+(.*)$", status, re.MULTILINE))
    assert int(fields["Uid"].split()[0]) > 1000
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")
    folder = unit.root / STORE
    assert (folder / "ledger.db").exists() and folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "admin-token").stat().st_mode & 0o777 == 0o600


def test_the_ledger_outlives_a_kill_and_a_stop(unit):
    opening = [
        {"type": "open_account", "account": "desk", "venue": "okx"},
        {"type": "deposit", "account": "desk", "asset": "USDT", "amount": "100"},
    ]
    status, content = asked(unit, "/admin/v1/commands?atomic=true", opening)
    assert status == 200, content

    before = facts(unit)
    unit.run("systemctl", "kill", "--signal=SIGKILL", "--kill-whom=main", UNIT)
    end = time.monotonic() + 60
    while (now := facts(unit))["MainPID"] in ("0", before["MainPID"]) or now["SubState"] != "running":
        assert time.monotonic() < end, (now, logged(unit))
        time.sleep(0.2)
    assert int(now["NRestarts"]) == int(before["NRestarts"]) + 1, "systemd has started it again"
    assert '"100"' in asked(unit, "/admin/v1/accounts/desk")[1]

    # systemctl stop sends SIGTERM and waits.
    assert unit.run("systemctl", "stop", UNIT).returncode == 0
    stopped = facts(unit)
    assert (stopped["ActiveState"], stopped["Result"]) == ("inactive", "success")
    assert stopped["ExecMainStatus"] == "0"
    checked = unit.run("marginalia", "verify", "--store", f"sqlite:/{STORE}/ledger.db", "--json")
    assert checked.returncode == 0 and json.loads(checked.stdout)["sound"], checked.stderr
    assert unit.run("systemctl", "start", UNIT).returncode == 0
    assert '"100"' in asked(unit, "/admin/v1/accounts/desk")[1]


def test_options_come_from_the_file_that_the_page_names(booted):
    folder = booted.root / "etc/marginalia"
    folder.mkdir()
    try:
        (folder / "environment").write_text("MARGINALIA_LISTEN=127.0.0.1:8090\n")
        assert booted.run("systemctl", "start", UNIT).returncode == 0, logged(booted)
        assert asked(booted, "/healthz", port=8090)[0] == 200
        (folder / "environment").write_text("MARGINALIA_LISTEN=nowhere\n")
        failed = booted.run("systemctl", "restart", UNIT)
        assert failed.returncode != 0 and "nowhere" in logged(booted), "what is wrong is in the log"
    finally:
        booted.run("systemctl", "stop", UNIT)
        booted.run("systemctl", "reset-failed", UNIT)
        shutil.rmtree(folder)


def test_its_exposure_is_what_the_page_says(unit):
    judged = unit.run("systemd-analyze", "security", "--no-pager", UNIT).stdout
    found = re.search(r"Overall exposure level for marginalia.service: (\S+) OK", judged)
    page = (ROOT / "docs" / "install.md").read_text()
    assert found and f"`systemd-analyze security` rates its exposure {found[1]}, " in " ".join(page.split())
