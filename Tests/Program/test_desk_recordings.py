"""Recording real accounts, looking back at them, and serving them again."""

import json
import signal
import sqlite3
from decimal import Decimal

import pytest
import server as program
import venue_requests
from relay import Relay
from server import Server

ACCOUNTS = {venue: f"my-{venue}" for venue in venue_requests.VENUES}


@pytest.fixture
def demonstration(start):
    return start("--demo", "--rate-limits", "off")


@pytest.fixture
def desk(demonstration, tmp_path):
    return Desk(demonstration, tmp_path)


class Desk:
    """A desk whose accounts are those of the demonstration's keys."""

    def __init__(self, server: Server, folder):
        self.server, self.folder = server, folder
        self.environment = {}
        lines = ["accounts:"]
        for venue, name in ACCOUNTS.items():
            key, prefix = venue_requests.DEMONSTRATION_KEYS[venue], venue.upper().replace("-", "_")
            for field, value in key.items():
                self.environment[f"{prefix}_{field.upper()}"] = value
            lines.append(
                f"  - {{ name: {name}, venue: {venue}, base_url: '{server.url}', "
                f"credentials: {{ env: {prefix} }}, allow: [trade] }}"
            )
        (folder / "desk.yaml").write_text("\n".join(lines) + "\n")
        self.recordings = f"sqlite:{folder / 'recordings.db'}"

    def run(self, command: str, *arguments: str, configured: bool = True):
        more = ["--config", str(self.folder / "desk.yaml")] if configured else []
        return program.run(command, *arguments, *more, folder=self.folder, **self.environment)

    def record(self, *arguments: str):
        ended = self.run("record", "--recordings", self.recordings, *arguments)
        assert ended.returncode == 0, ended.stderr
        return ended

    def history(self, *arguments: str):
        ended = self.run(
            "history", *arguments, "--recordings", self.recordings, "--json", configured=False
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)


def test_every_answer_is_kept_as_it_came(desk):
    rows = [json.loads(line) for line in desk.record("--json").stdout.splitlines()]
    assert {row["account"] for row in rows} == set(ACCOUNTS.values())
    with sqlite3.connect(desk.folder / "recordings.db") as database:
        bodies = {bytes(row[0]) for row in database.execute("SELECT bytes FROM bodies")}
    key = venue_requests.DEMONSTRATION_KEYS["binance"]
    account = json.loads(venue_requests.binance(desk.server, key).body)
    assert account in [json.loads(body) for body in bodies]
    for key in venue_requests.DEMONSTRATION_KEYS.values():
        assert not any(key["secret"].encode() in body for body in bodies)
    assert key["secret"].encode() not in (desk.folder / "recordings.db").read_bytes()


def test_history_lists_shows_and_compares(desk):
    desk.record()
    account = demonstration_account(desk.server, "binance")
    desk.server.apply({"type": "deposit", "account": account, "asset": "USDT", "amount": "5"})
    desk.record("--account", ACCOUNTS["binance"])
    listed = {row["account"]: row["recordings"] for row in desk.history()}
    assert listed == {name: 2 if name == ACCOUNTS["binance"] else 1 for name in ACCOUNTS.values()}
    first, second = desk.history(ACCOUNTS["binance"])
    assert first["changes"] == []
    changed = {row["field"]: row for row in second["changes"]}
    wallet = changed["assets[asset=USDT].walletBalance"]
    before, after = (int(wallet[name].replace(".", "")) for name in ("before", "after"))
    assert after - before == 5 * 10**8
    assert not any("updateTime" in field for field in changed)
    past = desk.history(ACCOUNTS["binance"], "--as-of", str(first["taken_at"]))
    [asset] = [row for row in past["accounts"][0]["assets"] if row["asset"] == "USDT"]
    assert asset["figures"]["wallet"]["value"] == wallet["before"]
    tables = desk.run(
        "history", ACCOUNTS["binance"], "--changes", "--recordings", desk.recordings, configured=False
    )
    assert "assets[asset=USDT].walletBalance" in tables.stdout


def demonstration_account(server: Server, venue: str) -> str:
    """The account that the demonstration's key of a venue speaks for."""
    wanted = venue_requests.DEMONSTRATION_KEYS[venue]["api_key"]
    for row in server.admin("GET", "/accounts").json["accounts"]:
        keys = server.admin("GET", f"/accounts/{row['account']}/keys").json["keys"]
        if any(key["api_key"] == wanted for key in keys):
            return row["account"]
    raise AssertionError(f"no account has the key {wanted}")


def test_who_the_owner_is_is_not_kept(desk):
    """What Crypto.com says of an account's owner has an address and a telephone number in it."""
    desk.record()
    with sqlite3.connect(desk.folder / "recordings.db") as database:
        bodies = [bytes(row[0]) for row in database.execute("SELECT bytes FROM bodies")]
    assert any(b"position_balances" in body for body in bodies)
    assert not any(b"master_account" in body for body in bodies)


def audit(desk, *arguments: str):
    return desk.run("audit", "--recordings", desk.recordings, *arguments, configured=False)


@pytest.mark.parametrize("venue", venue_requests.VENUES)
def test_a_recording_is_audited_as_the_account_was(desk, venue):
    desk.record()
    live = desk.run("audit", "--json", "--account", ACCOUNTS[venue])
    ended = audit(desk, "--recorded", ACCOUNTS[venue], "--json")
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["verdicts"] == json.loads(live.stdout)["verdicts"] and found["verdicts"]["matches"] > 5
    assert found["accounts"][0]["account"] == ACCOUNTS[venue]


def test_a_recording_of_a_time_is_audited(desk):
    desk.record()
    desk.server.apply(
        {"type": "deposit", "account": demonstration_account(desk.server, "binance"),
         "asset": "USDT", "amount": "5"})
    desk.record("--account", ACCOUNTS["binance"])
    first, second = desk.history(ACCOUNTS["binance"])
    wallets = []
    for options in (["--at", str(first["taken_at"])], []):
        ended = audit(desk, "--recorded", ACCOUNTS["binance"], "--json", *options)
        [account] = json.loads(ended.stdout)["accounts"]
        [total] = [row for row in account["findings"] if row["field"] == "totalWalletBalance"]
        wallets.append(Decimal(total["reported"]))
    assert wallets[1] - wallets[0] == 5
    early = audit(desk, "--recorded", ACCOUNTS["binance"], "--at", "2020-01-01T00:00:00Z")
    assert early.returncode == 65 and "There is no recording of my-binance of that time" in early.stderr
    other = audit(desk, "--recorded", "nobody")
    assert other.returncode == 65 and "There is no recording of nobody: there are my-" in other.stderr


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--at", "2026-01-01T00:00:00Z"],
        ["--recorded", "my-okx", "--file", "x", "--venue", "okx"],
        ["--recorded", "my-okx", "--account", "my-okx"],
        ["--recorded", "my-okx", "--venue", "okx"],
        ["--recorded", "my-okx", "--profile", "loud"],
        ["--recorded", "my-okx", "--at", "yesterday"],
    ],
)
def test_a_recording_and_something_else_is_wrong_usage(desk, options):
    assert audit(desk, *options).returncode == 64


def test_recordings_that_are_not_there_are_not_audited(desk):
    ended = audit(desk, "--recorded", "my-okx")
    assert ended.returncode == 69 and "marginalia record" in ended.stderr


def test_repeated_recording_counts(desk):
    ended = desk.run("record", "--recordings", desk.recordings, "--every", "1", "--times", "2", "--json")
    assert ended.returncode == 0 and len(ended.stdout.splitlines()) == 2 * len(ACCOUNTS)


def test_what_was_altered_is_found(desk):
    desk.record()
    checked = desk.run("history", "--check", "--recordings", desk.recordings, configured=False)
    assert checked.returncode == 0
    with sqlite3.connect(desk.folder / "recordings.db") as database:
        database.execute("UPDATE bodies SET bytes = x'7b7d' WHERE body = 2")
    checked = desk.run("history", "--check", "--recordings", desk.recordings, configured=False)
    assert checked.returncode == 65
    assert "not as it was written" in checked.stderr


def test_recordings_that_are_gone_are_missed(desk):
    desk.record()
    path = desk.folder / "recordings.db"
    earlier = path.read_bytes()
    desk.record()
    path.write_bytes(earlier)
    count = len(ACCOUNTS)
    where = ["--recordings", desk.recordings]
    for arguments in (["record"], ["history"], ["history", "--check"]):
        ended = desk.run(*arguments, *where, configured=arguments == ["record"])
        assert ended.returncode == 65, ended
        assert f"end with number {count}, but there were {2 * count}" in ended.stderr
    desk.record("--accept-fewer-recordings")
    assert {row["recordings"] for row in desk.history()} == {2}
    assert desk.run("history", "--check", *where, configured=False).returncode == 0


def test_what_was_never_recorded(desk):
    desk.record("--account", ACCOUNTS["okx"])
    ended = desk.run("replay", "nobody", "--recordings", desk.recordings, configured=False)
    assert ended.returncode == 65 and ACCOUNTS["okx"] in ended.stderr
    ended = desk.run("history", "--recordings", f"sqlite:{desk.folder}/none.db", configured=False)
    assert ended.returncode == 69 and "none.db" in ended.stderr


TIMES = {"uTime", "updateTime", "update_timestamp_ms", "create_time"}


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(member) for key, member in value.items() if key not in TIMES}
    return [without_times(element) for element in value] if isinstance(value, list) else value


@pytest.mark.parametrize("venue", venue_requests.VENUES)
def test_a_replay_answers_as_the_venue_did(desk, venue, start, tmp_path):
    """The demonstration's account, recorded and served again under a made-up key."""
    desk.record("--account", ACCOUNTS[venue])
    scenario = tmp_path / "replayed.json"
    options = ["--recordings", desk.recordings, "--scenario", str(scenario)]
    ended = desk.run("replay", ACCOUNTS[venue], *options, configured=False)
    assert ended.returncode == 0, ended.stderr
    text = scenario.read_text()
    key = venue_requests.DEMONSTRATION_KEYS[venue]
    assert key["api_key"] not in text and demonstration_account(desk.server, venue) not in text
    replayed = start("--scenario", str(scenario), "--rate-limits", "off")
    made_up = {
        "api_key": "replay-replay-key",
        "secret": "replay-replay-secret",
        "passphrase": "replay-replay-passphrase",
    }
    original = venue_requests.balance(desk.server, venue, key).json
    again = venue_requests.balance(replayed, venue, made_up).json
    for answer in (original, again):
        answer.pop("id", None) if isinstance(answer, dict) else None
    assert figures_of(venue, again) == figures_of(venue, original), again


@pytest.mark.parametrize("venue", ("rails", "crypto-com"))
def test_a_replay_is_in_the_form_that_the_venue_spoke(venue, start, tmp_path):
    """The live forms tell more, such as the leverage of a market at Rails, and have rules of their own."""
    profile = ("--profile", f"{venue}=live", "--rate-limits", "off")
    server = start("--demo", *profile)
    account = demonstration_account(server, venue)
    if venue == "rails":
        leverage = {"type": "set_leverage", "account": account, "instrument": "BTC-USD", "leverage": "2"}
        server.apply(leverage)
    desk = Desk(server, tmp_path)
    desk.record("--account", ACCOUNTS[venue])
    scenario = tmp_path / "replayed.json"
    options = ["--recordings", desk.recordings, "--scenario", str(scenario), "--profile", "live"]
    ended = desk.run("replay", ACCOUNTS[venue], *options, configured=False)
    assert ended.returncode == 0, ended.stderr
    replayed = start("--scenario", str(scenario), *profile)
    key = {"api_key": "replay-replay-key", "secret": "replay-replay-secret"}
    original = server.statement(account)
    again = venue_requests.balance(replayed, venue, key).body
    found, wanted = (json.loads(body) for body in (again, original))
    if venue == "rails":
        [found], [wanted] = ([answer.get("balances", answer)] for answer in (found, wanted))
        names = ("totalBalance", "availableBalance", "margin", "maintenanceMargin", "unrealizedPnl")
        assert {n: found.get(n) for n in names} == {n: wanted.get(n) for n in names}
        margins = [
            {name: row["margin"] for name, row in answer["marketBalancesMap"].items()}
            for answer in (found, wanted)
        ]
        assert margins[0] == margins[1]
    else:
        assert figures_of(venue, found) == figures_of(venue, wanted)


def test_a_stress_of_a_book_is_by_each_venues_own_form(start, tmp_path):
    server = start("--demo", "--profile", "rails=live", "--rate-limits", "off")
    account = demonstration_account(server, "rails")
    desk = Desk(server, tmp_path)
    file = tmp_path / "desk.yaml"
    rows = {}
    for form in ("documented", "live"):
        plain = file.read_text().replace(", profile: documented", "").replace(", profile: live", "")
        file.write_text(plain.replace("venue: rails,", f"venue: rails, profile: {form},"))
        ended = desk.run(
            "stress", "--book", str(file), "--shock", "BTC=-0.30", "--json", configured=False
        )
        assert ended.returncode == 0, ended.stderr
        [rows[form]] = [row for row in json.loads(ended.stdout) if row["account"] == ACCOUNTS["rails"]]
        file.write_text(file.read_text().replace(f"venue: rails, profile: {form},", "venue: rails,"))
    shock = {"shocks": [{"target": "BTC", "change": "-0.3"}]}
    own = server.admin("POST", f"/accounts/{account}/stress", shock)
    wanted = own.json["unshocked"]["margin"]["maintenance"]
    assert rows["live"]["unshocked"]["margin"]["maintenance"] == wanted
    assert rows["documented"]["unshocked"]["margin"]["maintenance"] != wanted
    second = file.read_text().replace("my-rails", "rails-again").splitlines()
    [again] = [line for line in second if "rails-again" in line]
    file.write_text(file.read_text() + again.replace("venue: rails,", "venue: rails, profile: live,") + "\n")
    ended = desk.run("stress", "--book", str(file), configured=False)
    assert ended.returncode == 78 and "different profiles" in ended.stderr


def figures_of(venue: str, answer: dict):
    """The account's own figures, which a replay must show digit by digit."""
    if venue == "okx":
        account = answer["data"][0]
        return {name: account[name] for name in ("totalEq", "adjEq", "imr", "mmr", "notionalUsd", "upl")}
    if venue == "binance":
        return {name: value for name, value in answer.items() if isinstance(value, str)}
    if venue == "crypto-com":
        account = answer["result"]["data"][0]
        names = ("total_margin_balance", "total_initial_margin", "total_maintenance_margin", "total_haircut")
        return {name: account[name] for name in names}
    return {name: answer[name] for name in ("totalBalance", "unrealizedPnl") if name in answer}


def test_replay_serves_and_ends_like_a_server(desk):
    desk.record("--account", ACCOUNTS["okx"])
    import subprocess

    options = ["--recordings", desk.recordings, "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(
        [program.PROGRAM, "replay", ACCOUNTS["okx"], *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=program.environment(),
    )
    try:
        assert program.READY.match(process.stdout.readline().rstrip("\n"))
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=program.STOPPED_WITHIN) == 0


def test_stress_over_the_whole_book(desk):
    book = str(desk.folder / "desk.yaml")
    ended = desk.run("stress", "--book", book, "--shock", "BTC=-0.30", "--json", configured=False)
    assert ended.returncode == 0, ended.stderr
    rows = {row["account"]: row for row in json.loads(ended.stdout)}
    assert set(rows) >= set(ACCOUNTS.values()), "and sub-accounts"
    for row in rows.values():
        assert row["shocks"][0]["target"] == "BTC" and "statement" in row["shocks"][0]


def test_a_stress_by_an_instrument_of_one_venue_leaves_the_others_out(desk):
    book = str(desk.folder / "desk.yaml")
    shocks = ["--shock", "BTCUSDT=-10%", "--shock", "BTC=-10%", "--shock", "BTC-USD=-10%"]
    ended = desk.run("stress", "--book", book, *shocks, "--json", configured=False)
    assert ended.returncode == 0, ended.stderr
    rows = {row["account"]: row for row in json.loads(ended.stdout)}
    targets = {venue: [shock["target"] for shock in rows[ACCOUNTS[venue]]["shocks"]] for venue in ACCOUNTS}
    assert targets["binance"] == ["BTCUSDT", "BTC"] and targets["rails"] == ["BTC", "BTC-USD"]
    assert "rails knows neither an asset nor an instrument BTCUSDT" in ended.stderr
    # One that nobody knows is a mistake, and so is one that the account named does not know.
    none = desk.run("stress", "--book", book, "--shock", "BTCC=-10%", configured=False)
    assert none.returncode == 65 and "BTCC" in none.stderr
    named = desk.run("stress", ACCOUNTS["rails"], "--book", book, *shocks, configured=False)
    assert named.returncode == 65 and "BTCUSDT" in named.stderr
    # Over the accounts of a server, too.
    token = ["--url", desk.server.url, "--token", desk.server.token]
    ended = desk.run("stress", *token, "--shock", "BTCUSDT=-10%", "--json", configured=False)
    assert ended.returncode == 0, ended.stderr
    assert {row["venue"] for row in json.loads(ended.stdout)} == {"binance"}


def test_accounts_of_a_book_go_by_the_desks_names(desk):
    file = desk.folder / "desk.yaml"
    text = file.read_text().replace("my-okx", "my+funds").replace("my-rails", "my:funds")
    file.write_text(text)
    ended = desk.run("stress", "--book", str(file), "--shock", "BTC=-10%", "--json", configured=False)
    assert ended.returncode == 0, ended.stderr
    names = {row["account"]: row["venue"] for row in json.loads(ended.stdout)}
    assert sorted(venue for name, venue in names.items() if "funds" in name) == ["okx", "rails"]
    for name, venue in (("my+funds", "okx"), ("my:funds", "rails")):
        one = desk.run(
            "stress", name, "--book", str(file), "--shock", "BTC=-10%", "--json", configured=False
        )
        assert one.returncode == 0 and json.loads(one.stdout)["venue"] == venue, one.stderr


@pytest.mark.parametrize("venue", venue_requests.VENUES)
def test_a_scenario_is_one_that_serve_takes(desk, venue, start, tmp_path):
    """Rows that an answer has twice come in once."""
    with Relay(desk.server.port) as relay:

        def intercept(seen):
            if not any(word in seen.path for word in ("position", "order", "balances", "account")):
                return None
            status, headers, body = relay._hand_on(seen)
            return status, headers, json.dumps(twice(json.loads(body))).encode()

        relay.intercept = intercept
        file = desk.folder / "desk.yaml"
        file.write_text(file.read_text().replace(desk.server.url, relay.url))
        desk.run("record", "--recordings", desk.recordings, "--account", ACCOUNTS[venue])
    scenario = tmp_path / "replayed.json"
    options = ["--recordings", desk.recordings, "--scenario", str(scenario)]
    ended = desk.run("replay", ACCOUNTS[venue], *options, configured=False)
    assert ended.returncode == 0, ended.stderr
    # Rails names a position by its market, of which there is one.
    assert "twice" in ended.stderr or venue == "rails"
    start("--scenario", str(scenario), "--rate-limits", "off")


POSITIONS = {"instId", "symbol", "isolation_id", "market", "posId", "open_position_pnl"}


def twice(value):
    """An answer with every row of a position once more."""
    if isinstance(value, dict):
        return {name: twice(member) for name, member in value.items()}
    if not isinstance(value, list):
        return value
    rows = [twice(row) for row in value]
    return rows + [row for row in rows if isinstance(row, dict) and POSITIONS & set(row)]


def test_the_name_of_a_replayed_account_is_a_ledgers(desk, tmp_path):
    desk.record("--account", ACCOUNTS["okx"])
    scenario = tmp_path / "replayed.json"
    for name in ("a b", "", "a/b", "ä", "x" * 65):
        options = ["--recordings", desk.recordings, "--scenario", str(scenario), "--as", name]
        ended = desk.run("replay", ACCOUNTS["okx"], *options, configured=False)
        assert ended.returncode == 64 and "--as" in ended.stderr, ended
        assert not scenario.exists()


def test_what_history_cannot_answer_is_said(desk):
    desk.record("--account", ACCOUNTS["okx"])
    name, place = ACCOUNTS["okx"], ["--recordings", desk.recordings]

    def refused(*arguments: str) -> tuple[int, str]:
        ended = desk.run(*arguments, *place, configured=False)
        return ended.returncode, ended.stderr

    for arguments in (["history", "--as-of", "1999-01-01T00:00:00Z"], ["replay", "--at", "1999-01-01"]):
        status, told = refused(arguments[0], name, *arguments[1:])
        assert status == 65 and "of that time" in told and "there are those from 20" in told
    for arguments in (
        ["--changes"],
        ["--figure", "equity"],
        [name, "--changes", "--as-of", "2030-01-01"],
        [name, "--from", "2030-01-01T00:00:00Z", "--to", "2020-01-01T00:00:00Z"],
    ):
        assert refused("history", *arguments)[0] == 64, arguments


@pytest.mark.parametrize("venue", venue_requests.VENUES)
def test_the_same_book_under_another_venues_rules(desk, venue):
    ended = desk.run("rehost", "--to", venue, "--json")
    assert ended.returncode == 0, ended.stderr
    rows = json.loads(ended.stdout)
    assert {row["account"] for row in rows} >= set(ACCOUNTS.values())
    for row in rows:
        assert row["to"] == venue and row["mappings"]
        figures = {figure["figure"]: figure for figure in row["figures"]}
        assert any(figure["to"] for figure in figures.values()), row["refused"]
        for mapping in row["mappings"]:
            assert mapping["target"] or mapping["remark"], "what is left out says why"


def commands_of(account: str, *commands: dict) -> list[dict]:
    return [{"account": account} | command for command in commands]


def deposit(asset: str, amount: str) -> dict:
    return {"type": "deposit", "asset": asset, "amount": amount}


def fill(instrument: str, side: str, quantity: str, price: str, **more: str) -> dict:
    told = {"instrument": instrument, "side": side, "quantity": quantity, "price": price}
    return {"type": "fill"} | told | more


MARKS = {
    "okx": {"BTC-USDT-SWAP": "60000", "BTC-USDT-261225": "61000", "BTC-USD-SWAP": "60400"},
    "binance": {"BTCUSDT": "60000", "BTCUSDC": "60300"},
    "crypto-com": {"BTCUSD-PERP": "60000", "BTCUSD-261225": "61000"},
    "rails": {"BTC-USD": "60000"},
}
# What was dear or cheap at its own venue, at marks that differ within it.
WORTH = {
    "two marks": (
        "okx",
        fill("BTC-USDT-SWAP", "buy", "30", "59000"),
        fill("BTC-USDT-261225", "sell", "10", "60500"),
    ),
    "inverse": ("okx", deposit("BTC", "0.5"), fill("BTC-USD-SWAP", "buy", "100", "55000")),
    "two dollars": (
        "binance",
        fill("BTCUSDT", "buy", "0.3", "59000"),
        fill("BTCUSDC", "sell", "0.1", "61000"),
    ),
    "netted to nothing": (
        "okx",
        fill("BTC-USDT-SWAP", "buy", "30", "59000"),
        fill("BTC-USDT-261225", "sell", "30", "60500"),
    ),
    "netted to next to it": (
        "okx",
        fill("BTC-USDT-SWAP", "buy", "30", "50000"),
        fill("BTC-USDT-261225", "sell", "29.99", "40000"),
    ),
    "settled": (
        "crypto-com",
        fill("BTCUSD-PERP", "buy", "0.3", "59000"),
        {"type": "settle"},
        fill("BTCUSD-PERP", "buy", "0.1", "60100"),
    ),
    "of one market": ("rails", fill("BTC-USD", "sell", "0.2", "61000")),
}


@pytest.mark.parametrize("kind", WORTH)
def test_another_venue_keeps_what_an_account_is_worth(kind, start, tmp_path):
    """Dollars are one dollar each here, and every asset is one that all venues know."""
    server = start("--rate-limits", "off")
    venue, *commands = WORTH[kind]
    dollar = "USD" if venue in ("rails", "crypto-com") else "USDT"
    opened = {"type": "open_account", "account": "desk", "venue": venue}
    index = {} if venue == "rails" else {"index": {"BTC": "60000", "USDT": "1", "USDC": "1"}}
    prices = [{"type": "prices", "venue": venue, "marks": MARKS[venue]} | index]
    money = [deposit(dollar, "20000")] + ([deposit("USDC", "5000")] if venue == "binance" else [])
    server.apply(opened, *prices, *commands_of("desk", *money, *commands))
    key = {"permissions": ["read"], "api_key": "reading", "secret": "reading-made-up"}
    if venue == "okx":
        key["passphrase"] = "reading-words"
    assert server.admin("POST", "/accounts/desk/keys", key).status == 201
    secrets = {f"READER_{name.upper()}": value for name, value in key.items() if isinstance(value, str)}
    account = {"name": "a", "venue": venue, "base_url": server.url, "credentials": {"env": "READER"}}
    file = tmp_path / "desk.json"
    file.write_text(json.dumps({"accounts": [account]}))
    place = ["--config", str(file), "--json"]
    book = program.run("portfolio", *place, folder=tmp_path, **secrets)
    worth = Decimal(json.loads(book.stdout)["totals"]["figures"]["equity"]["value"])
    for target in venue_requests.VENUES:
        settings = ["--setting", "multi_assets=true"] if target == "binance" else []
        ended = program.run("rehost", "--to", target, *settings, *place, folder=tmp_path, **secrets)
        assert ended.returncode == 0, ended.stderr
        (row,) = json.loads(ended.stdout)
        if any(mapping["target"] is None for mapping in row["mappings"]):
            assert target == "rails", row["mappings"]
            continue
        (equity,) = [figure["to"] for figure in row["figures"] if figure["figure"] == "equity"]
        if target == "rails" and equity["value"] == "absent":
            # Its balance alone does not tell what open positions earn.
            continue
        if equity["partial"]:
            # Binance's total counts coins at rates with a buffer.
            continue
        assert abs(Decimal(equity["value"]) - worth) <= Decimal("0.0001"), (target, row["mappings"])


def test_a_venue_that_there_is_not(desk):
    ended = desk.run("rehost", "--to", "kraken")
    assert ended.returncode == 64 and "kraken" in ended.stderr
