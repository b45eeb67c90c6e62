"""An account is brought to a share of its maintenance margin by the mark that does it."""

from fractions import Fraction

import pytest

ACCOUNTS = {
    "crypto-com": ("BTCUSD-PERP", "USD", "1"),
    "binance": ("BTCUSDT", "USDT", "1"),
    "okx": ("BTC-USDT-SWAP", "USDT", "100"),
}


def desk(server, venue: str, quantity_sign: str = "") -> str:
    instrument, asset, quantity = ACCOUNTS[venue]
    account = {"account": "desk"}
    server.apply(
        {"type": "open_account", "venue": venue} | account,
        {"type": "deposit", "asset": asset, "amount": "20000"} | account,
        {"type": "prices", "venue": venue, "marks": {instrument: "60000"}, "index": {"USDT": "1"}},
        {
            "type": "import_position",
            "instrument": instrument,
            "quantity": quantity_sign + quantity,
            "entry_price": "60000",
        }
        | account,
    )
    return instrument


def nudge(server, **body):
    return server.admin("POST", "/accounts/desk/nudge", body)


@pytest.mark.parametrize("venue", ACCOUNTS)
@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("share", ["0.5", "0.99", "1"])
def test_the_mark_brings_the_account_there(server, venue, sign, share):
    instrument = desk(server, venue, sign)
    answer = nudge(server, maintenance_share=share)
    assert answer.status == 200, answer.body
    told = answer.json
    assert told["instrument"] == instrument
    mark = Fraction(told["mark"])
    assert mark < 60000 if sign == "" else mark > 60000
    reached = Fraction(told["maintenance"]) / Fraction(told["equity"])
    assert Fraction(share) <= reached < Fraction(share) + Fraction(1, 10**6)
    # It is set, and the account's margin is what was told.
    margin = server.admin(
        "POST", "/accounts/desk/stress", {"shocks": [{"target": instrument, "change": "0"}]}
    ).json["unshocked"]["margin"]
    assert {name: told[name] for name in ("equity", "maintenance", "unit", "is_liquidated")} == margin


def test_a_dry_run_moves_nothing_and_a_way_back_is_found(server):
    desk(server, "binance")
    before = server.statement("desk")
    dry = nudge(server, maintenance_share="0.99", dry_run=True).json
    assert dry["sequence"] is None and server.statement("desk") == before
    wet = nudge(server, maintenance_share="0.99").json
    assert wet["mark"] == dry["mark"] and wet["sequence"] > 0
    back = nudge(server, maintenance_share="0.1").json
    assert Fraction(back["mark"]) > Fraction(wet["mark"])
    assert Fraction(back["maintenance"]) / Fraction(back["equity"]) >= Fraction("0.1")


def test_an_account_without_debt_at_risk_is_out_of_reach(server):
    desk(server, "binance")
    server.apply({"type": "deposit", "account": "desk", "asset": "USDT", "amount": "10000000"})
    answer = nudge(server, maintenance_share="0.99")
    assert answer.status == 409 and answer.json["code"] == "out_of_reach"


@pytest.mark.parametrize(
    "body, status, code, field",
    [
        ({}, 400, "missing_field", "maintenance_share"),
        ({"maintenance_share": 0.99}, 400, "invalid_amount", "maintenance_share"),
        ({"maintenance_share": "0"}, 400, "invalid_amount", "maintenance_share"),
        ({"maintenance_share": "-1"}, 400, "invalid_amount", "maintenance_share"),
        ({"maintenance_share": "x"}, 400, "invalid_amount", "maintenance_share"),
        ({"maintenance_share": "0.9", "dry_run": "yes"}, 400, "invalid_field", "dry_run"),
        ({"maintenance_share": "0.9", "mark": "1"}, 400, "unknown_field", "mark"),
        ({"maintenance_share": "0.9", "instrument": "ETHUSDT"}, 409, "unknown_instrument", "instrument"),
    ],
)
def test_bad_wishes_are_refused_and_change_nothing(server, body, status, code, field):
    desk(server, "binance")
    before = server.statement("desk")
    answer = nudge(server, **body)
    assert answer.status == status, answer.body
    assert answer.json["code"] == code and answer.json["field"] == field
    assert server.statement("desk") == before


def test_an_account_without_positions_has_nothing_to_move(server):
    server.apply({"type": "open_account", "account": "desk", "venue": "okx"})
    answer = nudge(server, maintenance_share="0.9")
    assert answer.status == 409 and answer.json["code"] == "no_position"
    assert server.admin("POST", "/accounts/nobody/nudge", {"maintenance_share": "1"}).status == 404


@pytest.mark.parametrize("venue", ACCOUNTS)
def test_an_account_whose_figures_do_not_fit_has_a_problem_and_not_a_failure(server, venue):
    """The largest position is looked for among notionals that no figure holds."""
    instrument, asset, _ = ACCOUNTS[venue]
    huge = "99999999999999999999"
    position = {"type": "import_position", "account": "desk", "quantity": huge, "entry_price": "1"}
    server.apply(
        {"type": "open_account", "account": "desk", "venue": venue},
        {"type": "deposit", "account": "desk", "asset": asset, "amount": "1"},
        position | {"instrument": instrument},
        {"type": "prices", "venue": venue, "marks": {instrument: huge}},
    )
    for body in ({}, {"instrument": instrument}):
        answer = nudge(server, maintenance_share="0.9", **body)
        assert answer.status == 409, answer.body
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json["code"] == "figure_unavailable", answer.body
