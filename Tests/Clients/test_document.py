"""docs/clients.md: its table is what the tests exercise, and its code runs as it stands."""

import importlib
import os
import pathlib
import re
import subprocess
import sys

import pytest

import exercised
from server import ROOT, Server

PAGE = ROOT / "docs" / "clients.md"
ADDRESS = "http://127.0.0.1:8080"


def table() -> set[tuple[str, str]]:
    """Client and method of every row that says yes."""
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| yes \|", PAGE.read_text(), re.MULTILINE)
    return {(client.strip(), method.strip().strip("`")) for client, method in rows}


def code() -> list[str]:
    """The Python of the page, block by block."""
    return re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def test_table_is_what_the_tests_exercise(monkeypatch):
    folders = [pathlib.Path(__file__).parent, ROOT / "Tests" / "Bots"]
    monkeypatch.syspath_prepend(folders[1])
    for folder in folders:
        for file in sorted(folder.glob("test_*.py")):
            importlib.import_module(file.stem)
    tested = {(client, method) for client, methods in exercised.METHODS.items() for method in methods}
    assert table() == tested


@pytest.fixture(scope="module")
def demo():
    with Server("--demo", "--rate-limits", "off") as server:
        yield server


@pytest.mark.parametrize("block", code(), ids=lambda block: block.strip().splitlines()[0][:40])
def test_code_runs_as_it_stands(demo, block):
    """Each block is a whole program, run in a process of its own with nothing but the address changed."""
    folders = [ROOT / "Tests" / "Harness"]
    if "from binance import Client" in block:
        folders.insert(0, ROOT / ".venv" / "python-binance")
    program = "import socket_guard\nsocket_guard.install()\n" + block.replace(ADDRESS, demo.url)
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(str(folder) for folder in folders)},
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip(), "every example shows something"
