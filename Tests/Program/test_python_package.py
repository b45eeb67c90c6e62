"""The Python package: its wheel in a bare environment, its fixtures, and the example bot's tests."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import venv

import pytest

from server import PROGRAM, ROOT

sys.path.insert(0, str(ROOT / "Python"))
os.environ["MARGINALIA_PROGRAM"] = str(PROGRAM)

import marginalia  # noqa: E402

UNWANTED = ("PYTHONPATH", "PYTEST_ADDOPTS")
START = "2026-01-01T00:00:00Z"


def run(*command, folder: pathlib.Path) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        env={name: value for name, value in os.environ.items() if name not in UNWANTED},
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> pathlib.Path:
    """The Python of an environment with the wheel, pytest and ccxt, and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    source = folder / "source"
    made = shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT / "Python", source, ignore=made)
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", folder, source, folder=folder)
    wheel = next(folder.glob("marginalia-*.whl"))
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    pinned = (ROOT / "Tests" / "Clients" / "requirements.txt").read_text()
    versions = re.findall(r"^(?:ccxt|pytest)==.*$", pinned, re.MULTILINE)
    run(python, "-m", "pip", "install", "-q", wheel, *versions, "pytest-xdist==3.8.0", folder=folder)
    return python


@pytest.mark.parametrize("workers", [[], ["-n", "4"]], ids=["one", "four"])
def test_the_bot_of_the_examples_passes_its_tests(bare, workers, tmp_path):
    folder = tmp_path / "bot"
    shutil.copytree(ROOT / "Examples" / "pytest-bot", folder, ignore=shutil.ignore_patterns("__pycache__"))
    output = run(bare, "-m", "pytest", "-q", "-p", "no:cacheprovider", *workers, folder=folder)
    assert re.search(r"^8 passed", output, re.MULTILINE), output


def test_the_pages_of_the_package_run_as_they_stand(bare, tmp_path):
    page = (ROOT / "Python" / "README.md").read_text()
    program = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    (tmp_path / "test_page.py").write_text(program)
    recipes = (ROOT / "docs" / "order-scripts.md").read_text()
    (tmp_path / "test_recipe.py").write_text(re.search(r"```python\n(.*?)```", recipes, re.DOTALL)[1])
    assert "2 passed" in run(bare, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder=tmp_path)


# Without clients


@pytest.fixture
def venue():
    with marginalia.Venue(clock=START) as one:
        yield one


def test_a_rejected_command_is_an_error_with_its_place(venue):
    venue.open("desk", "okx", USDT="100")
    deposit = {"type": "deposit", "account": "desk", "asset": "USDT", "amount": "1"}
    with pytest.raises(marginalia.CommandRejected, match="command 1 .withdraw. was rejected") as caught:
        venue.commands([deposit, {"type": "withdraw", "account": "desk", "asset": "USDT", "amount": "500"}])
    assert caught.value.index == 1 and caught.value.code == "insufficient_balance"
    assert venue.account("desk")["holdings"][0]["cash"] == "101"


def test_time_prices_and_funding_move_the_figures(venue):
    venue.open("desk", "binance", USDT="1000")
    venue.prices("binance", {"BTCUSDT": 60000})
    position = {"instrument": "BTCUSDT", "quantity": "0.5", "entry_price": "60000"}
    venue.commands([{"type": "import_position", "account": "desk"} | position])
    before = venue.call("GET", "/clock")["now"]
    assert venue.advance("1h30m") == before + 5_400_000
    venue.fund("desk", "BTCUSDT", rate="0.0001")
    assert venue.statement("desk")["totalWalletBalance"] == "997.00000000"
    assert venue.explain("desk", "totalWalletBalance")[0]["value"] == "997.00000000"


def test_mistakes_of_a_first_test_say_what_to_do(venue):
    venue.open("desk", "okx", USDT="100")
    assert venue.commands({"type": "deposit", "account": "desk", "asset": "USDT", "amount": "1"}) == [3]
    with pytest.raises(marginalia.MarginaliaError, match="desk is at okx, not at binance"):
        venue.ccxt("binance", account="desk")
    with pytest.raises(marginalia.Refused, match=r"Did you mean desk\?"):
        venue.ccxt("okx", account="desc")
    for given in ({}, {"rate": "1", "amount": "1"}):
        with pytest.raises(marginalia.MarginaliaError, match="either a rate"):
            venue.fund("desk", "BTC-USDT-SWAP", **given)
    with marginalia.Venue() as other, pytest.raises(marginalia.MarginaliaError, match="start it with a time"):
        other.advance("8h")


@pytest.mark.parametrize("amount", [0.1, True, None, b"1"])
def test_inexact_amounts_are_refused_before_they_are_sent(venue, amount):
    with pytest.raises(marginalia.MarginaliaError, match="as a text"):
        venue.open("desk", "okx", USDT=amount)


@pytest.mark.parametrize("span", ["8", "h", "8 h", "-8h", "1.5h", ""])
def test_a_span_that_is_none_is_refused(venue, span):
    with pytest.raises(marginalia.MarginaliaError, match="span of time"):
        venue.advance(span)


def test_a_refused_call_names_the_field(venue):
    with pytest.raises(marginalia.Refused) as caught:
        venue.nudge("nobody", "0.9")
    assert caught.value.status == 404 and caught.value.field == "account"


def test_a_scenario_that_cannot_be_read_says_why(tmp_path):
    file = tmp_path / "broken.yaml"
    file.write_text("accounts: 7\n")
    with pytest.raises(marginalia.StartFailed, match="broken.yaml, line 1") as caught:
        marginalia.Venue(file).start()
    assert caught.value.status == 65


def test_the_servers_end_with_their_blocks(venue):
    venue.stop()
    with pytest.raises(marginalia.MarginaliaError):
        venue.call("GET", "/clock")
    venue.stop()


def test_a_program_that_is_not_there_says_what_to_do(monkeypatch):
    monkeypatch.setenv("MARGINALIA_PROGRAM", "/nowhere/marginalia")
    with pytest.raises(marginalia.ProgramMissing, match="/nowhere/marginalia"):
        marginalia.Venue().start()
