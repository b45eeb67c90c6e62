"""The pages in docs/: their commands work when typed as they stand, beside `marginalia serve --demo`."""

import os
import re
import subprocess

import pytest

from server import PROGRAM, ROOT, Server

ADDRESS = "http://127.0.0.1:8080"
OPERATOR_API = "docs/operator-api.md"
PAGES = [OPERATOR_API, *(f"docs/{page}.md" for page in ("trading", "faults", "order-scripts", "durability"))]
PAGES.append("docs/venues/rails.md")
# What runs without end, needs a store that no server has open, or takes minutes.
ELSEWHERE = ("marginalia serve", "marginalia watch", "curl -N", "scripts/")


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[str]:
    return [block for block in blocks(page, "sh") if not any(word in block for word in ELSEWHERE)]


# Where the server is, and the header with its token.
SETTING = commands(OPERATOR_API)[0]


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """Runs a script in the folder of a demonstration, where an answer that refuses is an error of curl."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "marginalia").symlink_to(PROGRAM)
    (folder / ".curlrc").write_text("fail-with-body\n")
    with Server("--demo", store="sqlite:marginalia-data/ledger.db", token=None, folder=folder) as server:

        def run(script: str) -> str:
            ended = subprocess.run(
                ["bash", "-euc", script.replace(ADDRESS, server.url)],
                capture_output=True,
                text=True,
                timeout=60,
                cwd=folder,
                env={"HOME": str(folder), "PATH": f"{folder}:{os.environ['PATH']}"},
            )
            assert ended.returncode == 0, (script, ended.stdout, ended.stderr)
            return ended.stdout

        run.folder, run.url = folder, server.url
        yield run


def test_commands_of_each_page(shell):
    """In the order of the pages: what one sets up, the others use."""
    for page in PAGES:
        wanted = [block for block in commands(page) if block != SETTING]
        assert wanted, page
        for block in wanted:
            assert '"rejected"' not in shell(SETTING + block), block


def test_way_from_two_keys_to_an_audit(shell):
    """docs/desk.md, but for what is added to the configuration later."""
    page = "docs/desk.md"
    (shell.folder / "desk.yaml").write_text(blocks(page, "yaml")[0].replace(ADDRESS, shell.url))
    output = shell(SETTING + "".join(commands(page)))
    assert "okx-main" in output and "matches" in output
    assert not (shell.folder / "okx.json").exists() and (shell.folder / "keys.sealed").exists()
