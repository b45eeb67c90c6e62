"""The programs of Examples/Swift, which are also what the documentation of the library products shows."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILT = ROOT / ".build" / "debug"
PRODUCTS = {"Ledger": "Ledger", "Venues": "Venues", "Server": "Server", "Desk": "Desk"}


def run(name: str, *arguments: str) -> str:
    done = subprocess.run([BUILT / f"{name}Example", *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_a_ledger_with_a_venue_of_ones_own():
    # A buy of 0.03 at 60,000.1 and a sale of 0.01 at 60,300.2: 3.001 of profit, 1.2 of fees.
    assert run("Ledger").splitlines()[-2:] == ["cash 1001.801", "BTC-PERP 0.02 at 1200.002"]


def test_how_far_an_account_at_okx_is_from_liquidation():
    # Ten contracts of 0.01 gained 1,000 a coin; maintenance is 0.4 % of 6,000, and 0.05 % to close it.
    assert run("Venues") == "equity 1100 USD, maintenance 27 USD\n"


def test_a_server_within_a_program():
    assert re.fullmatch(r"\d+ accounts\n", run("Server"))


def test_a_recorded_balance_is_audited():
    body = ROOT / "Tests" / "Recorded" / "okx" / "ethusd_balance.json"
    printed = dict(line.split() for line in run("Desk", str(body)).splitlines())
    assert int(printed["matches"]) >= 6
    assert printed["contradicts"] == "0"


@pytest.mark.parametrize("module", PRODUCTS)
def test_the_page_of_a_product_shows_its_example_as_it_runs(module):
    page = (ROOT / "Sources" / module / f"{module}.docc" / f"{module}.md").read_text()
    shown = re.search(r"```swift\n(.*?)```", page, re.S).group(1)
    assert shown == (ROOT / "Examples" / "Swift" / module / "main.swift").read_text()


@pytest.mark.parametrize("module", PRODUCTS)
def test_the_page_of_a_product_names_what_there_is(module, tmp_path):
    """DocC finds everything that the page links to."""
    graphs = tmp_path / "graphs"
    graphs.mkdir()
    extract = shutil.which("swift-symbolgraph-extract") or str(
        pathlib.Path(shutil.which("swift")).resolve().parent / "swift-symbolgraph-extract")
    done = subprocess.run(
        [extract, "-module-name", module, "-target", "x86_64-unknown-linux-gnu", "-I", BUILT / "Modules",
         *included(), "-output-dir", graphs], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    catalogue = ROOT / "Sources" / module / f"{module}.docc"
    done = subprocess.run(
        ["docc", "convert", catalogue, "--additional-symbol-graph-dir", graphs,
         "--output-path", tmp_path / "site", "--diagnostic-level", "warning"],
        capture_output=True, text=True, timeout=300)
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if f"{module}.docc" in line]
    assert done.returncode == 0 and not complaints, "\n".join(complaints or [done.stderr[-2000:]])


def test_a_further_venue_is_served_read_explained_and_audited():
    # 0.1 bought at 60,000 and marked at 60,100.5: 10.05 of profit; 5 % of 6,010.05 rounded up is 300.51.
    body, *rest = run("Harbour").splitlines()
    assert json.loads(body) == {
        "cash": "1000", "profit": "10.05", "exposure": "6010.05", "equity": "1010.05",
        "maintenance": "300.51", "free": "709.54",
    }
    audited = dict(line.split()[1:] for line in rest if line.startswith("audit"))
    assert audited == {"equity": "matches", "maintenance": "matches", "free": "matches"}
    assert "explain maintenance = 300.51 by exposure × maintenance rate" in rest


def test_the_walk_through_shows_the_venue_as_it_is_built():
    page = (ROOT / "CONTRIBUTING.md").read_text()
    folder = ROOT / "Examples" / "Swift" / "Harbour"
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert len(files) == 7
    for path in files:
        language = {".swift": "swift", ".json": "json"}[path.suffix]
        assert f"```{language}\n{path.read_text()}```" in page, f"{path.name} differs from CONTRIBUTING.md"


def included() -> list[str]:
    """Where the modules in C are that the library modules stand on."""
    maps = [
        *(ROOT / ".build" / "checkouts").glob("*/Sources/**/module.modulemap"),
        *BUILT.glob("*.build/module.modulemap"),
    ]
    folders = {file.parent for file in maps if "ArgumentParser" not in str(file)}
    return [part for folder in sorted(folders) for part in ("-I", str(folder))]
