"""What a newcomer meets: what `serve` says, the environment, and names that are nearly right."""

import json
import os
import pathlib
import re
import subprocess
import time

import pytest

import server as program
from server import ROOT, TOKEN, run

LEVERAGE = {"type": "set_leverage", "account": "desk", "leverage": "5"}
KEYS = [
    "okx  demo-okx-key  demo-okx-secret  demo-okx-passphrase",
    "binance  demo-binance-key  demo-binance-secret",
    "crypto-com  demo-crypto-com-key  demo-crypto-com-secret",
    "rails  demo-rails-key  demo-rails-secret",
]


def told(one) -> str:
    """What a server wrote to standard error, once it has ended."""
    assert one.stop() == 0
    return "\n".join(one.log)


def shell(text: str, folder: pathlib.Path, **environment: str) -> subprocess.CompletedProcess:
    """Runs lines of a shell as a reader types them, with the program on the path."""
    path = folder / "bin"
    path.mkdir(exist_ok=True)
    if not (path / "marginalia").exists():
        (path / "marginalia").symlink_to(program.PROGRAM)
    settings = program.environment() | environment | {"PATH": f"{path}:{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-ec", text], cwd=folder, env=settings, capture_output=True, text=True, timeout=120
    )


# What serve says


def test_the_demonstration_says_where_it_is_and_how_to_use_it(start, tmp_path, store):
    one = start("--demo", store=store, token=None, folder=tmp_path)
    page = one.request("GET", "/")
    assert page.status == 200 and page.body.startswith(b"<!doctype html>")
    text = told(one)
    assert f"page    {one.url}/" in text
    assert "token   in the file " in text and f"{tmp_path}/data/admin-token" in text
    for key in KEYS:
        assert key in text, key
    assert one.lines == [f"marginalia is ready at {one.url}"]


def test_its_commands_work_as_they_stand(start, tmp_path, store):
    one = start("--demo", store=store, token=None, folder=tmp_path)
    wanted, until = [], time.monotonic() + 30
    # The log is read on a thread of its own and may come a moment after the ready line.
    while len(wanted) < 3 and time.monotonic() < until:
        lines = [line.strip().removeprefix("try").strip() for line in one.log]
        wanted = [line for line in lines if re.match(r"export |\S*marginalia (accounts|explain) ", line)]
        time.sleep(0.05)
    assert len(wanted) == 3, one.log
    done = shell("\n".join(wanted), tmp_path)
    assert done.returncode == 0, done.stderr
    assert "demo-okx" in done.stdout and "totalEq = " in done.stdout


def test_the_token_is_not_said_where_it_was_given(start):
    text = told(start("--demo"))
    assert "token   as it was given" in text and TOKEN not in text


def test_the_first_line_of_the_log_says_what_runs(start, store):
    one = start(store=store)
    one.apply({"type": "open_account", "account": "desk", "venue": "okx"})
    told(one)
    again = start("--log-format", "json", store=store)
    assert again.stop() == 0
    lines = [json.loads(line) for line in again.log]
    (line,) = [line for line in lines if line["message"] == "started"]
    version = run("--version").stdout.strip()
    expected = {"version": version, "store": store, "events": "1", "accounts": "1", "level": "info"}
    assert {name: line[name] for name in expected} == expected
    assert not any("demo-okx-key" in line for line in again.log)


# The environment


def test_the_environment_rules_every_command(start, tmp_path):
    one = start("--demo")
    environment = {"MARGINALIA_URL": one.url, "MARGINALIA_ADMIN_TOKEN": one.token}
    scenario = tmp_path / "desk.yaml"
    scenario.write_text("accounts:\n  - { account: mine, venue: okx }\n")
    for arguments in (
        ["accounts", "list"],
        ["accounts", "show", "demo-okx"],
        ["explain", "demo-okx", "totalEq"],
        ["stress", "demo-okx", "--shock", "BTC=-0.10"],
        ["rules", "list"],
        ["keys", "list", "demo-okx"],
        ["apply", str(scenario)],
        ["health"],
    ):
        done = run(*arguments, folder=tmp_path, **environment)
        assert done.returncode == 0, (arguments, done.stderr)


def test_an_option_wins_over_the_environment(start, tmp_path):
    one = start()
    nowhere = {"MARGINALIA_URL": "http://127.0.0.1:1", "MARGINALIA_ADMIN_TOKEN": one.token}
    assert run("accounts", "list", folder=tmp_path, **nowhere).returncode == 69
    assert run("accounts", "list", "--url", one.url, folder=tmp_path, **nowhere).returncode == 0


def test_empty_variables_are_none(start, tmp_path):
    one = start()
    done = run("accounts", "list", "--url", one.url, "--token", one.token, folder=tmp_path, MARGINALIA_URL="")
    assert done.returncode == 0
    done = run("accounts", "list", folder=tmp_path, MARGINALIA_ADMIN_TOKEN="", MARGINALIA_URL=one.url)
    assert done.returncode == 77 and "marginalia serve says where" in done.stderr


def test_health_tells_by_its_status(start, tmp_path):
    one = start()
    ready = run("health", "--json", folder=tmp_path, MARGINALIA_URL=one.url)
    assert (ready.returncode, json.loads(ready.stdout)) == (0, {"ready": True})
    listening = run("health", folder=tmp_path, MARGINALIA_LISTEN=f"0.0.0.0:{one.port}")
    assert (listening.returncode, listening.stdout) == (0, f"ready at {one.url}\n")
    assert one.stop() == 0
    gone = run("health", "--within", "1", folder=tmp_path, MARGINALIA_URL=one.url)
    assert gone.returncode == 69 and one.url in gone.stderr
    for span in ("soon", "2d", "-1", "1.5"):
        wrong = run("health", f"--within={span}")
        told = f"--within takes a span of time of at most 1h, such as 30s, 5m or 1h, not {span}"
        assert wrong.returncode == 64 and told in wrong.stderr
    assert run("health", "--within", "500ms", folder=tmp_path, MARGINALIA_URL=one.url).returncode == 69


# First errors


def test_a_first_error_says_what_to_do(start, tmp_path):
    one = start()
    there = {"MARGINALIA_URL": one.url, "MARGINALIA_ADMIN_TOKEN": one.token}

    def error(status: int, *command: str) -> str:
        done = run(*command, folder=tmp_path, **there)
        assert done.returncode == status and len(done.stderr.splitlines()) == 1, done.stderr
        return done.stderr.removeprefix("marginalia: ").rstrip("\n")

    nobody = "There is no account demo; none is open yet: send open_account, or apply a scenario."
    assert error(65, "accounts", "show", "demo") == nobody
    one.apply({"type": "open_account", "account": "desk", "venue": "okx"})
    assert error(65, "accounts", "show", "deks") == "There is no account deks. (Did you mean desk?)"
    figure = "The account desk has no figure totalEqq at present. (Did you mean totalEq?)"
    assert error(65, "explain", "desk", "totalEqq") == figure
    (tmp_path / "a.yaml").write_text("accounts: [{ account: a, venue: okex }]\n")
    assert error(65, "apply", "a.yaml").endswith(" (Did you mean okx?).")
    (tmp_path / "b.yaml").write_text("acounts: []\n")
    assert error(65, "apply", "b.yaml").endswith(" (Did you mean accounts?).")
    (tmp_path / "c.yaml").write_text(
        "\ufeffaccounts:\n  - account: a\n    venue: OKX\n"
        "    keys: [{ api_key: a, secret: b, passphrase: c }]\n"
    )
    assert error(65, "apply", "c.yaml").startswith("c.yaml, line 3, accounts[0].venue: ")
    (tmp_path / "d.yaml").write_text("acounts:\n  - account: a\n")
    assert error(65, "apply", "d.yaml").startswith("d.yaml, line 1, acounts: ")
    (tmp_path / "e.yaml").write_text("ledger_time: 2026-01-01T00:00:00\n")
    assert "with its zone, such as 2026-01-01T00:00:00Z" in error(65, "apply", "e.yaml")
    when = "takes an ISO 8601 time or milliseconds since 1970, not tomorrow"
    accounts = ["accounts", "list", "--as-of"]
    past = (["rules", "diff", "desk", "--to"], ["explain", "desk", "--as-of"], accounts)
    for command in past:
        assert f"{command[-1]} {when}" in error(64, *command, "tomorrow")
    for command in ("portfolio", "audit", "watch", "record"):
        assert error(78, command).startswith("There is no desk.yaml here")
    nothing = "There are no recordings at sqlite:marginalia-data/recordings.db yet"
    assert error(69, "history").startswith(nothing)
    assert error(65, "apply", "none.yaml") == "The file none.yaml does not exist: check its name."


def test_a_misspelt_variable_is_told(start):
    text = told(start(environment={"MARGINALIA_RATELIMITS": "off", "MARGINALIA_SOMETHING": "else"}))
    wanted = "MARGINALIA_RATELIMITS is no option and is not looked at. (Did you mean MARGINALIA_RATE_LIMITS?)"
    assert wanted in text and "SOMETHING" not in text


# Names that are nearly right


@pytest.mark.parametrize(
    "arguments, meant",
    [
        (["acounts", "list"], "accounts"),
        (["accounts", "lst"], "list"),
        (["keys", "isue", "desk"], "issue"),
        (["sevre", "--demo"], "serve"),
        (["serve", "--stor", "memory:"], "--store"),
    ],
)
def test_a_command_that_is_nearly_one_is_named(arguments, meant):
    done = run(*arguments)
    assert done.returncode == 64
    assert f"Did you mean {meant}?" in done.stderr.replace("'", ""), done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_nothing_is_guessed_where_nothing_is_near():
    done = run("frobnicate")
    assert done.returncode == 64 and "Did you mean" not in done.stderr
    assert "See marginalia --help." in done.stderr
    done = run("serve", "--nope")
    assert done.returncode == 64
    assert done.stderr == "marginalia: Unknown option '--nope': see marginalia serve --help.\n"


# What was given is said


BAD_VALUES = {
    "listen": ["nowhere", "127.0.0.1:99999"],
    "store": ["memory", "mysql:x"],
    "profile": ["okx", "okx=lively", "kraken=live"],
    "ledger-time": ["yesterday", "-1", "99999999999999999"],
    "rate-limits": ["on"],
    "execution": ["fast"],
    "trusted-proxy": ["10.0.0.0/64"],
    "log-level": ["loud"],
    "log-format": ["xml"],
}


@pytest.mark.parametrize(
    "option, value", [(name, text) for name, texts in BAD_VALUES.items() for text in texts]
)
def test_a_bad_value_is_named_wherever_it_was_given(option, value, tmp_path):
    variable = "MARGINALIA_" + option.upper().replace("-", "_")
    file = tmp_path / "options.yaml"
    file.write_text(f"{option}: {json.dumps(value)}\n")
    for done, place, status in (
        (run("serve", f"--{option}={value}", folder=tmp_path), f"--{option}: ", 64),
        (run("serve", folder=tmp_path, **{variable: value}), f"{variable}: ", 78),
        (run("serve", "--config", str(file), folder=tmp_path), f"{file}, line 1, {option}: ", 78),
    ):
        assert done.returncode == status, done.stderr
        assert done.stderr.startswith(f"marginalia: {place}must be ")
        assert done.stderr.endswith(f', not "{value}".\n'), done.stderr
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", [("serve",), ("accounts", "list", "--store", "memory:")])
def test_what_may_be_a_secret_is_not_said(command):
    secret = "a passphrase in the wrong place"
    for done in (
        run(*command, "--seal-keys", secret),
        run(*command, MARGINALIA_SEAL_KEYS=secret),
        run("serve", "--admin-token", secret),
        run("serve", MARGINALIA_ADMIN_TOKEN=secret),
    ):
        assert done.returncode in (64, 78), done.stderr
        assert "passphrase in" not in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.parametrize("command", [("accounts", "list"), ("health",), ("mcp",)])
def test_a_bad_address_of_the_environment_is_told_as_such(command):
    done = run(*command, MARGINALIA_URL="127.0.0.1:8080", MARGINALIA_ADMIN_TOKEN="t")
    assert done.returncode == 78, done.stderr
    assert done.stderr.startswith('marginalia: MARGINALIA_URL: The URL "127.0.0.1:8080" cannot be used')


def test_a_missing_argument_names_the_help_that_has_it():
    done = run("explain")
    assert done.returncode == 64 and "see marginalia explain --help." in done.stderr


@pytest.mark.parametrize(
    "command, meant",
    [
        ({"type": "open_acount", "account": "x", "venue": "okx"}, "open_account"),
        ({"type": "deposit", "account": "desk", "aset": "USDT", "amount": "1"}, "asset"),
        ({"type": "deposit", "account": "desk", "asset": "usdt", "amount": "1"}, "USDT"),
        ({"type": "settle", "account": "desk", "instruments": "BTC-USDT-SWAP"}, "instrument"),
        (LEVERAGE | {"instrument": "BTCUSDTSWAP"}, "BTC-USDT-SWAP"),
        ({"type": "prices", "venue": "okx", "marks": {"btc-usdt-swap": "1"}}, "BTC-USDT-SWAP"),
        ({"type": "configure", "account": "desk", "settings": {"autoborrow": True}}, "auto_borrow"),
    ],
)
def test_a_name_in_a_command_that_is_nearly_one_is_named(server, command, meant):
    server.apply({"type": "open_account", "account": "desk", "venue": "okx"})
    (row,) = server.send(command)
    assert row["status"] == "rejected"
    assert row["error"]["message"].endswith(f" (Did you mean {meant}?)"), row


@pytest.mark.parametrize("venue", ["okx", "binance", "crypto-com", "rails"])
def test_an_unknown_setting_is_told_with_those_there_are(server, venue):
    server.apply({"type": "open_account", "account": "desk", "venue": venue})
    (row,) = server.send({"type": "configure", "account": "desk", "settings": {"colour": "red"}})
    documented = (ROOT / "docs" / "settings.md").read_text()
    section = documented[documented.index(f"| `{venue}` |") :].split("\n\n")[0]
    names = re.search(r"they have (.*)\.$", row["error"]["message"])[1].replace(" and ", ", ").split(", ")
    for name in names:
        assert f"`{name}`" in section or f"`{name}`" in documented, name


def test_an_option_of_a_file_that_is_nearly_one_is_named(tmp_path):
    (tmp_path / "options.yaml").write_text("lissten: 127.0.0.1:0\n")
    done = run("serve", "--config", "options.yaml", folder=tmp_path)
    assert done.returncode == 78 and done.stderr.endswith(" (Did you mean listen?).\n"), done.stderr


def test_every_instrument_is_documented_with_its_size():
    page = (ROOT / "docs" / "settings.md").read_text()
    table = page[page.index("| venue | one unit is |") :]
    venues = {"OKX": "OKX", "Binance": "Binance", "CryptoCom": "Crypto.com", "Rails": "Rails"}
    for file in sorted((ROOT / "Sources").glob("*/Rulebook/*.json")):
        rows = [line for line in table.splitlines() if line.startswith(f"| {venues[file.parts[-3]]} |")]
        for name, entry in json.loads(file.read_text()).get("instruments", {}).items():
            (row,) = [line for line in rows if f"`{name}`" in line]
            size = entry.get("value")
            if size is not None:
                unit = "USD" if entry.get("payoff") == "inverse" else "coin"
                assert f"| {size} {unit}" in row, (name, size, row[:80])
