"""The Python package's `Venue`: what a second call does, what is refused and how, and what a test leaves."""

import datetime
import decimal
import os
import re
import subprocess
import sys
import threading

import pytest

import venue_requests
from server import PROGRAM, ROOT, Server

sys.path.insert(0, str(ROOT / "Python"))
os.environ["MARGINALIA_PROGRAM"] = str(PROGRAM)

import marginalia  # noqa: E402

START = "2026-01-01T00:00:00Z"
DEPOSIT = {"type": "deposit", "account": "desk", "asset": "USDT", "amount": "1"}


@pytest.fixture(scope="module")
def shared():
    with marginalia.Venue(clock=START) as one:
        yield one


@pytest.fixture
def venue(shared):
    shared.reset()
    shared.clear_faults()
    shared.clear_order_scripts()
    shared.open("desk", "okx", USDT="100")
    return shared


def cash(venue) -> str:
    return venue.account("desk")["holdings"][0]["cash"]


# A second call adds


def test_a_second_fault_leaves_the_first_in_force(venue):
    venue.fault("okx", "rate_limit", probability=decimal.Decimal("0.2"), seed=7, times=3)
    venue.fault("okx", "error", code="50011", message="Slow down")
    venue.fault("binance", "latency", delay_ms=5)
    until = datetime.datetime(2027, 1, 1, tzinfo=datetime.timezone.utc)
    venue.fault("okx", "stale", age_ms=1000, until=until)
    assert [(one["venue"], one["kind"]) for one in venue.faults()] == [
        ("okx", "rate_limit"),
        ("okx", "error"),
        ("binance", "latency"),
        ("okx", "stale"),
    ]
    first = venue.faults()[0]
    assert (first["probability"], first["seed"], first["times"]) == ("0.2", 7, 3)
    venue.clear_faults("okx")
    assert [one["kind"] for one in venue.faults()] == ["latency"]


def test_the_first_fault_of_a_venue_leaves_the_counts_of_others(venue):
    venue.fault("okx", "error", code=50011, times=1)
    key = venue.key("desk")
    first, second = (ask(venue, key) for _ in range(2))
    assert (first["code"], second["code"]) == ("50011", "0")
    venue.fault("binance", "latency")
    assert ask(venue, key)["code"] == "0"


def test_a_second_fault_of_a_venue_leaves_the_count_of_the_first(venue):
    venue.fault("okx", "error", code=50011, times=1)
    key = venue.key("desk")
    assert ask(venue, key)["code"] == "50011"
    venue.fault("okx", "latency", delay_ms=1)
    assert ask(venue, key)["code"] == "0", "it has struck its once"


def test_a_share_without_its_percent_sign_is_a_slip(venue):
    with pytest.raises(marginalia.Refused, match='write "95%"'):
        venue.nudge("desk", "95")


def ask(venue, key) -> dict:
    """The balance, as a client of OKX reads it."""
    server = Server()
    server.port = int(venue.url.rsplit(":", 1)[1])
    return venue_requests.okx(server, key._asdict()).json


def test_a_second_order_script_leaves_the_first_waiting(venue):
    venue.script_order("desk", [{"do": "fill", "quantity": decimal.Decimal("1")}], client_order_id="one")
    venue.script_order("desk", [{"do": "reject", "code": "insufficient_balance"}], client_order_id="two")
    venue.script_order("desk", [{"do": "timeout"}])
    assert [one.get("client_order_id") for one in venue.order_scripts()] == ["one", "two", None]
    assert venue.order_scripts()[0]["steps"] == [{"do": "fill", "quantity": "1"}]
    venue.clear_order_scripts()
    assert venue.order_scripts() == []


def test_what_is_refused_leaves_those_in_force(venue):
    venue.fault("okx", "latency")
    venue.script_order("desk", [{"do": "timeout"}])
    with pytest.raises(marginalia.Refused):
        venue.fault("okx", "lateness")
    with pytest.raises(marginalia.Refused):
        venue.script_order("nobody", [{"do": "timeout"}])
    assert len(venue.faults()) == len(venue.order_scripts()) == 1


def test_those_of_an_account_that_is_gone_say_what_to_do(venue):
    venue.fault("okx", "latency", account="desk")
    venue.script_order("desk", [{"do": "timeout"}])
    venue.reset()
    venue.open("other", "okx")
    with pytest.raises(marginalia.MarginaliaError, match=r"desk.*Call clear_faults\(\) first"):
        venue.fault("okx", "empty")
    with pytest.raises(marginalia.MarginaliaError, match=r"desk.*Call clear_order_scripts\(\) first"):
        venue.script_order("other", [{"do": "timeout"}])


TWO_TESTS = """
import pytest

@pytest.mark.parametrize("round", range(2))
def test_nothing_is_left_of_the_test_before(marginalia_venue, round):
    venue = marginalia_venue
    assert venue.order_scripts() == [] and venue.faults() == [] and venue.requests() == []
    venue.open("desk", "okx", USDT="100")
    venue.script_order("desk", [{"do": "timeout"}])
    venue.fault("okx", "latency")
"""


def test_the_fixture_leaves_nothing_to_the_next_test(tmp_path):
    (tmp_path / "test_two.py").write_text(TWO_TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "marginalia.pytest_plugin", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT / "Python")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr


# Life


def test_a_second_start_is_refused_and_the_first_server_stays():
    with marginalia.Venue() as one:
        url = one.url
        with pytest.raises(marginalia.MarginaliaError, match="runs already, at http://127.0.0.1:"):
            one.start()
        assert one.url == url and one.call("GET", "/accounts")["accounts"] == []
    assert one.start().url, "after its end it may start again"
    one.stop()


def test_a_start_that_failed_may_be_tried_again(tmp_path):
    one = marginalia.Venue(tmp_path / "scenario.yaml")
    with pytest.raises(marginalia.StartFailed):
        one.start()
    (tmp_path / "scenario.yaml").write_text("accounts:\n  - { account: desk, venue: okx }\n")
    assert [row["account"] for row in one.start().call("GET", "/accounts")["accounts"]] == ["desk"]
    one.stop()


def test_threads_share_a_venue(venue):
    wrong = []

    def work(number: int) -> None:
        try:
            for _ in range(20):
                venue.commands(DEPOSIT)
            venue.fault("okx", "latency", path=f"/{number}")
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert cash(venue) == "260"
    assert sorted(one["path"] for one in venue.faults()) == [f"/{number}" for number in range(8)]


# Commands


def test_those_behind_a_rejected_command_are_applied(venue):
    with pytest.raises(marginalia.CommandRejected) as caught:
        venue.commands([DEPOSIT, DEPOSIT | {"asset": "NOTHING"}, DEPOSIT])
    assert caught.value.index == 1 and cash(venue) == "102"


def test_an_atomic_list_is_applied_whole_or_not_at_all(venue):
    with pytest.raises(marginalia.CommandRejected, match="command 1 .deposit. was rejected") as caught:
        venue.commands([DEPOSIT, DEPOSIT | {"asset": "NOTHING"}, DEPOSIT], atomic=True)
    assert (caught.value.index, caught.value.code, caught.value.field) == (1, "unknown_asset", "asset")
    assert cash(venue) == "100"
    assert len(venue.commands([DEPOSIT, DEPOSIT], atomic=True)) == 2
    assert cash(venue) == "102"


def test_a_refused_deposit_opens_no_account(venue):
    with pytest.raises(marginalia.CommandRejected):
        venue.open("half", "okx", USDT="100", NOTHING="1")
    assert [row["account"] for row in venue.call("GET", "/accounts")["accounts"]] == ["desk"]


def test_decimals_and_datetimes_are_written_exactly(venue):
    at = datetime.datetime(2026, 1, 1, 3, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    venue.commands([DEPOSIT | {"amount": decimal.Decimal("1E-8"), "at": at}])
    assert cash(venue) == "100.00000001"
    assert venue.call("GET", "/clock")["now"] == 1767229200000
    assert venue.account("desk", as_of=at - datetime.timedelta(hours=1))["holdings"][0]["cash"] == "100"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda venue: venue.commands("open"), "Command 0 is 'open'; write it as a dict"),
        (lambda venue: venue.commands([DEPOSIT, None]), "Command 1 is None"),
        (lambda venue: venue.commands(7), "Command 0 is 7"),
        (lambda venue: venue.commands(DEPOSIT | {"amount": 0.1}), r"Command 0 \(deposit\), amount 0.1: "),
        (
            lambda venue: venue.commands({"type": "prices", "venue": "okx", "marks": {"X": 1.5}}),
            "marks.X 1.5: write it as a text",
        ),
        (lambda venue: venue.commands(DEPOSIT | {"amount": b"1"}), "b'1' cannot be sent"),
        (lambda venue: venue.quotes("okx", {"BTC-USDT-SWAP": "60000"}), "'60000' is no dict: write .*bid"),
        (lambda venue: venue.quotes("okx", "BTC-USDT-SWAP"), "is no dict"),
        (lambda venue: venue.prices("okx", "60000"), "'60000' is no dict"),
        (lambda venue: venue.advance(1.5), "1.5 is no span of time"),
        (lambda venue: marginalia.Venue(clock=datetime.datetime(2026, 1, 1)), "does not say its zone"),
        (lambda venue: marginalia.Venue(clock=1.5), "1.5 is no time"),
        (lambda venue: venue.account("desk", as_of=datetime.datetime(2026, 1, 1)), "does not say its zone"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(venue, wrong, said):
    with pytest.raises(marginalia.MarginaliaError, match=said):
        wrong(venue)
    assert cash(venue) == "100"


def test_the_clock_may_be_a_datetime():
    with marginalia.Venue(clock=datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)) as one:
        assert one.call("GET", "/clock")["now"] == 1767225600000


# What the pages say


def test_quotes_leave_the_mark_price_where_it_is(venue):
    venue.prices("okx", {"BTC-USDT-SWAP": "60000"}, index={"USDT": "1"})
    position = {"instrument": "BTC-USDT-SWAP", "quantity": "5", "entry_price": "60000"}
    venue.commands({"type": "import_position", "account": "desk"} | position)
    before = venue.statement("desk")
    venue.quotes("okx", {"BTC-USDT-SWAP": {"bid": "58999.9", "ask": "59000", "last": "59000"}})
    assert venue.statement("desk")["data"][0]["totalEq"] == before["data"][0]["totalEq"]


def test_neither_liquidation_nor_funding_happens_by_itself(venue):
    venue.prices("okx", {"BTC-USDT-SWAP": "60000"}, index={"USDT": "1"})
    position = {"instrument": "BTC-USDT-SWAP", "quantity": "1", "entry_price": "60000"}
    venue.commands({"type": "import_position", "account": "desk"} | position)
    venue.advance("8h")
    assert cash(venue) == "100"
    venue.nudge("desk", "1")
    venue.advance("1d")
    assert venue.account("desk")["positions"][0]["quantity"] == "1"


def test_no_page_installs_the_package_by_its_name():
    """The name marginalia on PyPI belongs to another project."""
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    by_name = re.compile(r"(?:pip|pipx|uv)3? (?:pip )?(?:install|add)\b[^\n`]*[ '\"]marginalia(?![-/\w.])")
    found = []
    for name in names.split():
        if name.startswith("Tests/") or not name.endswith((".md", ".txt", ".py", ".yml", ".yaml", ".toml")):
            continue
        content = (ROOT / name).read_text(encoding="utf-8", errors="replace")
        found += [f"{name}: {match[0]}" for match in by_name.finditer(content)]
    assert found == []
