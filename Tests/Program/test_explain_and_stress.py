"""Explain, stress and rules over HTTP and on the command line: figures have reasons, shocks store nothing."""

import json

import pytest

from server import TOKEN, run

PRICES = {
    "type": "prices",
    "venue": "okx",
    "marks": {"BTC-USDT-SWAP": "60000"},
    "index": {"USDT": "1", "BTC": "60000"},
}
DESK = [
    {"type": "open_account", "account": "desk", "venue": "okx"},
    {"type": "deposit", "account": "desk", "asset": "USDT", "amount": "1000"},
    {"type": "fill", "account": "desk", "instrument": "BTC-USDT-SWAP", "side": "buy", "quantity": "10",
     "price": "60000"},
]


@pytest.fixture
def desk(start):
    """An account with 1,000 USDT and a long of 0.1 BTC at 60,000, on a clock that stands."""
    server = start("--ledger-time", "2026-06-01T00:00:00Z")
    server.apply(PRICES, *DESK)
    return server


def leaves(value, path=""):
    """Every scalar of a JSON value with its path, rows of a list by their `ccy`."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for row in value:
            yield from leaves(row, f"{path}.{row['ccy']}")
    else:
        yield path, value


def test_every_figure_that_is_served_is_explained_with_its_value(desk):
    body = desk.admin("GET", "/accounts/desk/statement").json["data"][0]
    figures = desk.admin("GET", "/accounts/desk/explain").json["figures"]
    explained = {row["path"]: row["value"] for row in figures}
    words = ("uTime", "ccy", "autoLendStatus")
    for path, value in leaves(body):
        if value == "" or path.rsplit(".", 1)[-1] in words:
            continue
        printed = json.dumps(value) if isinstance(value, bool) else value
        assert explained.get(path) == printed, path


def test_one_figure_by_name_and_by_path_names_its_rules(desk):
    answer = desk.admin("GET", "/accounts/desk/explain?field=details.USDT.eq").json
    assert [row["path"] for row in answer["figures"]] == ["details.USDT.eq"]
    assert answer["rulebook"]["effective"] == "2025-07-16T00:00:00Z"
    [figure] = answer["figures"]
    assert figure["value"] == "1000" and figure["formula"] and figure["source"]
    origins = {"figure", "ledger", "price", "rule", "setting", "raised"}
    assert figure["inputs"] and {row["origin"] for row in figure["inputs"]} <= origins
    named = desk.admin("GET", "/accounts/desk/explain?field=totalEq").json["figures"]
    assert [row["value"] for row in named if row["path"] == "totalEq"] == ["1000"]


def test_a_figure_that_is_not_there(desk):
    answer = desk.admin("GET", "/accounts/desk/explain?field=nothing")
    assert (answer.status, answer.json["code"], answer.json["field"]) == (404, "unknown_figure", "field")
    assert desk.admin("GET", "/accounts/nobody/explain").status == 404


def test_explain_of_the_past(desk):
    desk.send({"type": "deposit", "account": "desk", "asset": "USDT", "amount": "5", "at": 1780272060000})
    now = desk.admin("GET", "/accounts/desk/explain?field=totalEq").json["figures"][0]["value"]
    past = desk.admin("GET", "/accounts/desk/explain?field=totalEq&as_of=2026-06-01T00:00:00Z").json
    assert (now, past["figures"][0]["value"]) == ("1005", "1000")


def test_shocks_move_the_figures_and_store_nothing(desk):
    before = desk.everything()
    shocks = [{"target": "BTC", "change": "-0.10"}, {"target": "BTC-USDT-SWAP", "change": "-0.17"}]
    answer = desk.admin("POST", "/accounts/desk/stress", {"shocks": shocks}).json
    assert answer["unshocked"]["statement"]["data"][0]["totalEq"] == "1000"
    first, second = answer["shocks"]
    # 0.1 BTC loses 6,000 a coin, then 10,200.
    assert first["statement"]["data"][0]["totalEq"] == "400"
    assert second["statement"]["data"][0]["totalEq"] == "-20"
    states = [row["margin"]["is_liquidated"] for row in (answer["unshocked"], first, second)]
    assert states == [False, False, True]
    assert desk.everything() == before


def isolated_position(venue: str, instrument: str, quantity: str) -> list[dict]:
    """A long bought at 60,000 with a tenth of it as its own margin; a fifth at Rails."""
    asset = {"crypto-com": "USD", "rails": "USD"}.get(venue, "USDT")
    fill = {"type": "fill", "account": "desk", "instrument": instrument, "side": "buy", "quantity": quantity,
            "price": "60000"}
    modes = [{"type": "set_margin_mode", "account": "desk", "instrument": instrument,
              "margin_mode": "isolated"}]
    if venue in ("crypto-com", "okx"):
        modes, fill["margin_mode"] = [], "isolated"
    leverage = {"type": "set_leverage", "account": "desk", "instrument": instrument, "leverage": "10"}
    settings = {"leverage": "5"} if venue == "rails" else {}
    if venue == "okx":
        leverage["margin_mode"] = "isolated"
    return [
        {"type": "open_account", "account": "desk", "venue": venue, "settings": settings},
        {"type": "prices", "venue": venue, "marks": {instrument: "60000"}, "index": {asset: "1"}},
        {"type": "deposit", "account": "desk", "asset": asset, "amount": "20000"},
        *modes,
        *([] if venue == "rails" else [leverage]),
        fill,
    ]


@pytest.mark.parametrize(
    "venue, instrument, quantity, asset, maintenance",
    [
        # 57,000 and 54,000 at 0.4 %.
        ("binance", "BTCUSDT", "1", "USDT", ("228", "216")),
        # 0.1 BTC: 5,700 and 5,400 at 0.4 % and a fee of 0.05 %.
        ("okx", "BTC-USDT-SWAP", "10", "USDT", ("25.65", "24.3")),
        ("crypto-com", "BTCUSD-PERP", "1", "USD", ("570", "540")),
        # 3 % of the cost.
        ("rails", "BTC-USD", "1", "USD", ("1800", "1800")),
    ],
)
def test_an_isolated_position_that_is_gone_is_told(start, venue, instrument, quantity, asset, maintenance):
    server = start("--ledger-time", "2026-06-01T00:00:00Z")
    server.apply(*isolated_position(venue, instrument, quantity))
    falls = (10, 20, 30) if venue == "rails" else (5, 10, 20)
    shocks = [{"target": instrument, "change": f"-{fall}%"} for fall in falls[:2]]
    answer = server.admin("POST", "/accounts/desk/stress", {"shocks": shocks}).json
    [now], [first], [second] = (row["isolated"] for row in (answer["unshocked"], *answer["shocks"]))
    assert {(row["instrument"], row["position_side"], row["unit"]) for row in (now, first, second)} == {
        (instrument, "net", asset)}
    assert [row["is_liquidated"] for row in (now, first, second)] == [False, False, True]
    assert (first["maintenance"], second["maintenance"]) == maintenance
    if venue in ("binance", "okx"):
        # What the account itself is liquidated by is that of cross positions, as before.
        assert [row["margin"] for row in answer["shocks"]] == [None, None]
        margin = 6000 * (1 if venue == "binance" else 0.1)
        assert float(now["equity"]) == margin and float(first["equity"]) == margin / 2
        assert float(second["equity"]) == 0

    options = [f"--shock={instrument}=-{fall}%" for fall in falls]
    shown = run("stress", "desk", *options, "--url", server.url, "--token", TOKEN).stdout.splitlines()
    lines = [line for line in shown if f"isolated {instrument}" in line]
    assert [("liquidated" in line, "<- first" in line) for line in lines] == [
        (False, False), (False, False), (True, True), (True, False)]


def test_a_mark_of_next_to_nothing_leaves_no_isolated_position(start):
    """Nothing has to be maintained of what is worth nothing, and still its margin is gone."""
    server = start("--ledger-time", "2026-06-01T00:00:00Z")
    server.apply(*isolated_position("binance", "BTCUSDT", "1"))
    shocks = {"shocks": [{"target": "BTCUSDT", "change": "-0.9999999999999"}]}
    [position] = server.admin("POST", "/accounts/desk/stress", shocks).json["shocks"][0]["isolated"]
    assert position["maintenance"] == "0" and position["is_liquidated"] is True


def test_one_funding_payment(desk):
    shocks = {"shocks": [{"target": "BTC-USDT-SWAP", "funding": "0.001"}]}
    answer = desk.admin("POST", "/accounts/desk/stress", shocks).json
    # A long of 6,000 USDT pays 6.
    assert answer["shocks"][0]["statement"]["data"][0]["totalEq"] == "994"
    nothing = desk.admin("POST", "/accounts/desk/stress", {"shocks": [{"target": "BTC", "funding": "0.001"}]})
    assert (nothing.status, nothing.json["code"]) == (409, "unknown_instrument")


def test_other_rules_change_the_figures_and_nothing_else(start):
    server = start("--ledger-time", "2026-06-01T00:00:00Z")
    server.apply(
        {"type": "open_account", "account": "desk", "venue": "crypto-com"},
        {"type": "deposit", "account": "desk", "asset": "CRO", "amount": "100"},
        {"type": "prices", "venue": "crypto-com", "marks": {}, "index": {"CRO": "0.5"}},
    )
    before = server.everything()
    shocks = {"shocks": [{"rules": {"assets": {"CRO": {"minimum_haircut": "0.9"}}}}]}
    answer = server.admin("POST", "/accounts/desk/stress", shocks).json
    now, then = answer["unshocked"]["statement"], answer["shocks"][0]["statement"]
    assert now["result"]["data"][0]["total_haircut"] == "25.00000000"
    assert then["result"]["data"][0]["total_haircut"] == "45.00000000"
    assert server.everything() == before
    wrong = {"shocks": [{"rules": {"assets": {"NOSUCHCOIN": {"minimum_haircut": "0.9"}}}}]}
    answer = server.admin("POST", "/accounts/desk/stress", wrong)
    assert (answer.status, answer.json["field"]) == (409, "rules.assets.NOSUCHCOIN")


def test_rules_of_two_times_on_one_account(start):
    server = start("--ledger-time", "2026-06-01T00:00:00Z")
    server.apply(
        {"type": "open_account", "account": "desk", "venue": "binance"},
        {"type": "deposit", "account": "desk", "asset": "USDT", "amount": "100000"},
        {"type": "prices", "venue": "binance", "marks": {"BTCUSDT": "60000"}, "index": {"USDT": "1"}},
        {"type": "fill", "account": "desk", "instrument": "BTCUSDT", "side": "buy", "quantity": "5",
         "price": "60000"},
    )
    there = ("--url", server.url, "--token", TOKEN)
    # 300,000 at 0.5 % less 50 by the brackets of 2024, at 0.4 % by those of 2025.
    result = run("rules", "diff", "desk", "--from", "2025-01-01", "--to", "2026-01-01", *there, "--json")
    changes = {row["path"]: (row["from"], row["to"]) for row in json.loads(result.stdout)}
    assert changes["totalMaintMargin"] == ("1450.00000000", "1200.00000000")
    assert changes["positions.BTCUSDT.maintMargin"] == ("1450.00000000", "1200.00000000")
    assert "totalWalletBalance" not in changes
    same = run("rules", "diff", "desk", "--to", "2026-01-01", *there)
    assert same.stdout.strip() == "no figure differs"
    listed = run("rules", "list", *there)
    assert listed.returncode == 0 and "2025-08-19" in listed.stdout


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"shocks": []}, "shocks"),
        ({"shocks": [{"rules": {}, "target": "BTC"}]}, "shocks[0].rules"),
        ({"shocks": [{"target": "BTC", "change": "0.1", "funding": "0.1"}]}, "shocks[0].funding"),
        ({"shocks": [{"target": "BTC", "change": "-1"}]}, "shocks[0].change"),
        ({"shocks": [{"target": "BTC", "change": -0.1}]}, "shocks[0].change"),
        ({"shocks": [{"target": "BTC", "change": "x"}]}, "shocks[0].change"),
        ({"shocks": [{"target": "NOSUCHCOIN", "change": "0.1"}]}, "shocks[0].target"),
        ({"shocks": [{"target": "BTC", "change": "0.1", "more": 1}]}, "shocks[0].more"),
        ({"shocks": [{"target": "BTC", "change": "0.1"}], "more": 1}, "more"),
    ],
)
def test_a_shock_that_makes_no_sense_is_refused_by_its_field(desk, body, field):
    answer = desk.admin("POST", "/accounts/desk/stress", body)
    assert answer.status in (400, 409) and answer.json["field"] == field


def test_the_command_line_shows_trees_and_tables(desk):
    there = ("--url", desk.url, "--token", TOKEN)
    tree = run("explain", "desk", "totalEq", *there)
    assert tree.returncode == 0
    assert "totalEq = 1000" in tree.stdout and "cashBal" in tree.stdout
    table = run("stress", "desk", "--shock", "BTC=-0.10", "--shock", "BTC=-0.20", *there)
    assert table.returncode == 0
    assert table.stdout.splitlines()[-1].endswith("<- first")
    raw = run("stress", "desk", "--shock", "BTC=-0.10", "--json", *there)
    assert json.loads(raw.stdout)["shocks"][0]["change"] == "-0.1"
    bad = (("--shock", "BTC"), ("--shock", "BTC=-10 %"), ("--funding", "BTC=ten%"), ("--shock", "=1%"))
    for option, word in bad:
        wrong = run("stress", "desk", option, word, *there)
        assert wrong.returncode == 64 and len(wrong.stderr.strip().splitlines()) == 1
        assert f"{option} takes TARGET=SHARE, such as BTC=-10% or BTC=-0.10, not {word}" in wrong.stderr


def test_an_account_without_a_cross_position_is_told_as_such(start):
    server = start("--ledger-time", "2026-06-01T00:00:00Z")
    server.apply(PRICES, DESK[0], DESK[1] | {"amount": "9000"}, DESK[2] | {"margin_mode": "isolated"})
    table = run("stress", "desk", "--shock", "BTC=-0.50", "--url", server.url, "--token", TOKEN)
    assert table.returncode == 0
    lines = table.stdout.splitlines()[2:]
    rows = [line.split() for line in lines if "isolated" not in line]
    assert [row[-3:] for row in rows] == [["no", "cross", "position"]] * 2
    assert all(row[-5:-3] == ["-", "-"] for row in rows)
    # Its isolated position has lines of its own.
    assert ["liquidated" in line for line in lines if "isolated" in line] == [False, True]


def test_a_share_may_be_a_percentage_wherever_it_is_given(desk):
    there = ("--url", desk.url, "--token", TOKEN, "--json")

    def stress(*options: str) -> dict:
        return json.loads(run("stress", "desk", *options, *there).stdout)

    assert stress("--shock", "BTC=-10%") == stress("--shock", "BTC=-0.10")
    swap = "BTC-USDT-SWAP"
    assert stress("--funding", f"{swap}=0.01%") == stress("--funding", f"{swap}=0.0001")
    path = "/accounts/desk/nudge"
    wanted = {"maintenance_share": "50%", "dry_run": True}
    same = wanted | {"maintenance_share": "0.5"}
    assert desk.admin("POST", path, wanted).json == desk.admin("POST", path, same).json
    before = desk.admin("GET", "/accounts/desk").json
    funding = {"type": "funding", "account": "desk", "instrument": swap}
    desk.apply(funding | {"rate": "0.01%"})
    desk.apply(funding | {"rate": "-0.0001"})
    assert desk.admin("GET", "/accounts/desk").json["holdings"] == before["holdings"]
    rates = {"derivative": {"maker": "0.02%", "taker": "0.05%"}}
    desk.apply({"type": "configure", "account": "desk", "settings": {"fees": rates}})
    kept = desk.admin("GET", "/accounts/desk").json["settings"]["fees"]["derivative"]
    assert kept == {"maker": "0.0002", "taker": "0.0005"}
    for bad in ("10%%", "%", "-", "0.00000000000000001%", "ten%"):
        answer = desk.admin("POST", "/accounts/desk/stress", {"shocks": [{"target": "BTC", "change": bad}]})
        assert (answer.status, answer.json["field"]) == (400, "shocks[0].change")


@pytest.mark.parametrize("account", ["demo-okx", "demo-binance", "demo-crypto-com", "demo-rails"])
def test_every_venue_explains_and_is_stressed(start, account):
    server = start("--demo")
    figures = server.admin("GET", f"/accounts/{account}/explain").json["figures"]
    assert len(figures) > 20 and all(row["formula"] and row["source"] for row in figures)
    shocks = {"shocks": [{"target": "BTC", "change": "0.05"}]}
    stressed = server.admin("POST", f"/accounts/{account}/stress", shocks)
    assert stressed.status == 200 and stressed.json["shocks"][0]["statement"] != ""
