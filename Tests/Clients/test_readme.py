"""README.md: its tour works when typed as it stands, and its scenario says the same."""

import json
import os
import re
import subprocess
import sys

import venue_requests
from server import PROGRAM, ROOT, Server

TEXT = (ROOT / "README.md").read_text()
ADDRESS = "http://127.0.0.1:8080"
KEY = {"api_key": "my-key", "secret": "my-secret", "passphrase": "my-passphrase"}


def blocks(*languages: str) -> list[tuple[str, str]]:
    """Language and content of the code blocks, in order."""
    return re.findall(rf"^```({'|'.join(languages)})\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def total_equity(server: Server) -> str:
    answer = venue_requests.okx(server, KEY)
    assert answer.status == 200, answer.body
    return next(row["eq"] for row in answer.json["data"][0]["details"] if row["ccy"] == "USDT")


def test_tour(tmp_path):
    """Every block as it stands but for the one line with the address; the client prints what it says."""
    outputs = []
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "marginalia").symlink_to(PROGRAM)
    preamble = {
        "python": "import socket_guard\nsocket_guard.install()\n",
        "sh": f"set -euo pipefail\ncd {tmp_path}\n",
    }
    with Server("--demo", store="sqlite:marginalia-data/ledger.db", token=None, folder=tmp_path) as server:
        for language, content in blocks("sh", "python"):
            if any(word in content for word in ("scripts/", "pip install", "marginalia serve")):
                continue
            assert content.count(ADDRESS) == content.count(f"MARGINALIA_URL={ADDRESS}"), content
            content = content.replace(ADDRESS, server.url)
            # A person types into one shell: what was set stays set.
            preamble[language] += "".join(re.findall(r"^(?:auth=|export ).*\n", content, re.MULTILINE))
            ended = subprocess.run(
                [sys.executable if language == "python" else "bash", "-c", preamble[language] + content],
                capture_output=True,
                text=True,
                timeout=60,
                env=os.environ
                | {
                    "PYTHONPATH": str(ROOT / "Tests" / "Harness"),
                    "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
                    "MARGINALIA_URL": server.url,
                },
            )
            assert ended.returncode == 0, (content, ended.stderr)
            outputs.append(ended.stdout)
        # One contract of 0.01 at 60,000.1 with a mark of 60,000, and a fee of 0.05 % on it.
        assert total_equity(server) == "10048.1989995"
    assert any("totalEq = 10048.1989995" in output for output in outputs), "explain"
    assert any("'total': 10048.5" in output for output in outputs)
    assert "closed 60000.1 0.3000005\n1 order waits\n" in outputs
    assert [row["status"] for row in json.loads(outputs[3])["results"]] == ["applied", "applied"]
    assert [row["status"] for row in json.loads(outputs[5])["results"]] == ["applied", "applied"]


def test_scenario_says_the_same(tmp_path, start):
    [(_, content)] = blocks("yaml")
    (tmp_path / "desk.yaml").write_text(content)
    [command] = [line for _, text in blocks("sh") for line in text.splitlines() if "--scenario" in line]
    options = command.split()[2:]
    assert options[:2] == ["--store", "memory:"]
    server = start(*options[2:], folder=tmp_path)
    assert total_equity(server) == "10048.5"


def test_commands_exist():
    for command in re.findall(r"^(scripts/\S+)", TEXT, re.MULTILINE):
        assert os.access(ROOT / command, os.X_OK), command
    for name in re.findall(r"\]\((docs/[^)]+|[A-Z]+\.md|LICENSE)\)", TEXT):
        assert (ROOT / name).exists(), name
