"""A figure is defined once: one definition is changed in a copy of the sources, and what is served, explained
and audited changes with it.

The modules of the venues are built twice, as they are and with one definition changed in each; both play the
same commands. Takes some minutes.
"""

import json
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".build" / "mutation"
WITHIN = 3000

# Where the definition is, what it says, what it says after the change, and the venue's field that it defines.
MUTATIONS = {
    "okx": (
        "OKX/Figures-Currency.swift",
        "try self[.cashBal] + self[.crossUpl] + self[.isoEq] + self[.stgyEq] - self[.interest]",
        "try self[.cashBal] - self[.crossUpl] + self[.isoEq] + self[.stgyEq] - self[.interest]",
        "eq",
    ),
    "binance": (
        "Binance/Figures-Asset.swift",
        "try self[.walletBalance] + self[.unrealizedProfit]",
        "try self[.walletBalance] - self[.unrealizedProfit]",
        "marginBalance",
    ),
    "crypto-com": (
        "CryptoCom/Figures-Account.swift",
        "try self[.marginBalance] - self[.initialMargin]",
        "try self[.marginBalance] + self[.initialMargin]",
        "total_available_balance",
    ),
    "rails": (
        "Rails/Figures-Account.swift",
        "try printed(.totalBalance) - printed(.maintenanceMargin)",
        "try printed(.totalBalance) + printed(.maintenanceMargin)",
        "availableBalance",
    ),
}

ACCOUNTS = {
    "okx": ("USDT", "BTC-USDT-SWAP"),
    "binance": ("USDT", "BTCUSDT"),
    "crypto-com": ("USD", "BTCUSD-PERP"),
    "rails": ("USD", "BTC-USD"),
}


def commands(venue: str) -> list[dict]:
    asset, instrument = ACCOUNTS[venue]
    trade = {"account": "desk", "instrument": instrument, "side": "buy"}
    return [
        {"type": "open_account", "account": "desk", "venue": venue},
        {
            "type": "prices",
            "venue": venue,
            "marks": {instrument: "60000"},
            "index": {asset: "1"},
        },
        {"type": "deposit", "account": "desk", "asset": asset, "amount": "100000"},
        {"type": "fill", "quantity": "1", "price": "59000"} | trade,
        {"type": "place_order", "order_id": "one", "quantity": "1", "price": "58000"} | trade,
    ]


def build() -> None:
    ended = subprocess.run(
        ["swift", "build", "--product", "Served"], cwd=FOLDER, capture_output=True, text=True, timeout=WITHIN
    )
    assert ended.returncode == 0, (ended.stdout + ended.stderr)[-4000:]


def served(audited: dict[str, str] | None = None) -> dict:
    order = {venue: {"account": "desk", "commands": commands(venue)} for venue in MUTATIONS}
    for venue, body in (audited or {}).items():
        order[venue]["audited"] = body
    ended = subprocess.run(
        [FOLDER / ".build" / "debug" / "Served"],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        timeout=WITHIN,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.fixture(scope="module")
def outcomes():
    """What is served as things are, with the changed definitions, and what those make of the first bodies."""
    sources = FOLDER / "Sources"
    shutil.rmtree(sources, ignore_errors=True)
    sources.mkdir(parents=True)
    shutil.copy(pathlib.Path(__file__).parent / "Package.swift.template", FOLDER / "Package.swift")
    for module in ("Numbers", "JSON", "Ledger", "Exchange", "Venue", "CryptoCom", "Rails", "Binance", "OKX"):
        shutil.copytree(ROOT / "Sources" / module, sources / module)
    shutil.copytree(ROOT / "Tests" / "VenueTestSupport", sources / "VenueTestSupport")
    shutil.copytree(pathlib.Path(__file__).parent / "Served", sources / "Served")
    build()
    before = served()
    for file, old, new, _ in MUTATIONS.values():
        path = sources / file
        text = path.read_text()
        assert text.count(old) == 1, f"{file} must define it once"
        path.write_text(text.replace(old, new))
    build()
    bodies = {venue: outcome["statement"] for venue, outcome in before.items()}
    return before, served(), served(bodies)


def values(node, name: str) -> list[str]:
    """Every value of a field, wherever it stands."""
    if isinstance(node, list):
        return [value for element in node for value in values(element, name)]
    if not isinstance(node, dict):
        return []
    own = [node[name]] if name in node else []
    return own + [value for member in node.values() for value in values(member, name)]


def explained(outcome: dict, name: str) -> list[str]:
    return [row["value"] for row in outcome["explained"] if row["field"] == name]


@pytest.mark.parametrize("venue", MUTATIONS)
def test_served_and_explained_change_together(outcomes, venue):
    before, after, _ = outcomes
    name = MUTATIONS[venue][3]
    old, new = (values(json.loads(outcome[venue]["statement"]), name) for outcome in (before, after))
    assert old and old != new, "the definition decides what is served"
    assert sorted(explained(before[venue], name)) == sorted(old)
    assert sorted(explained(after[venue], name)) == sorted(new), "and what is explained"


@pytest.mark.parametrize("venue", MUTATIONS)
def test_the_audit_goes_by_the_same_definition(outcomes, venue):
    before, after, crossed = outcomes
    name = MUTATIONS[venue][3]

    def verdicts(outcome: dict) -> list[str]:
        return [
            row["verdict"]
            for row in outcome["audited"]
            if row["field"].rsplit(".", 1)[-1].rsplit(" ", 1)[-1] == name
        ]

    assert verdicts(before[venue]) and set(verdicts(before[venue])) <= {"matches", "rounding"}
    assert set(verdicts(after[venue])) <= {"matches", "rounding"}, "each agrees with itself"
    assert not set(verdicts(crossed[venue])) <= {"matches", "rounding"}, "and not with the other"
