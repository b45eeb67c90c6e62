"""The desk's equity is everything that an account is worth, or the total says that it is not complete."""

import decimal
import json
import pathlib

import pytest
from desk import NAMES, Desk, entry, key_variables
from relay import Relay
from server import ROOT, Server
from venue_requests import VENUES

RECORDED = pathlib.Path(ROOT, "Tests", "Recorded", "crypto-com")


def command(kind: str, **members: str) -> dict:
    return {"type": kind, "account": "desk"} | members


def opened(server: Server, venue: str, prices: dict, *commands: dict, settings: dict | None = None) -> None:
    server.apply({"type": "open_account", "account": "desk", "venue": venue, "settings": settings or {}},
                 {"type": "prices", "venue": venue} | prices, *commands)


def reading(server: Server, venue: str, folder: pathlib.Path, **content) -> Desk:
    """A desk with a key of the account."""
    desk = Desk(folder, [entry(venue, server.url)], **content)
    key = server.issue_key("desk")
    desk.variables |= key_variables({venue: {
        part: key[part] for part in ("api_key", "secret", "passphrase") if key.get(part)}})
    return desk


def total(desk: Desk, figure: str = "equity") -> tuple[decimal.Decimal | None, bool]:
    """The book's total, and whether it is complete."""
    found = desk.json("portfolio")["totals"]["figures"][figure]
    return found["value"] and decimal.Decimal(found["value"]), found["complete"]


@pytest.fixture
def crypto_com():
    """The live form, which shows what isolated positions hold."""
    with Server("--profile", "crypto-com=live") as server:
        yield server


def isolated(instrument: str, quantity: str, price: str, leverage: str = "1") -> list[dict]:
    return [command("set_leverage", instrument=instrument, leverage=leverage, margin_mode="isolated"),
            command("fill", instrument=instrument, side="buy", quantity=quantity, price=price,
                    margin_mode="isolated")]


def test_what_an_isolated_position_holds_counts(crypto_com, tmp_path):
    """1000, of which 600 are the position's; its cross cash alone would be 400."""
    opened(crypto_com, "crypto-com", {"marks": {"BTCUSD-PERP": "60000"}},
           command("deposit", asset="USD", amount="1000"), *isolated("BTCUSD-PERP", "0.01", "60000"))
    assert total(reading(crypto_com, "crypto-com", tmp_path)) == (1000, True)


def test_profit_and_two_isolated_positions_count(crypto_com, tmp_path):
    """1600: 1500 of deposits and a profit of 100, of which two positions hold 460 and make 100."""
    opened(crypto_com, "crypto-com", {"marks": {"BTCUSD-PERP": "60000", "ETHUSD-PERP": "3000"}},
           command("deposit", asset="USD", amount="1500"), *isolated("BTCUSD-PERP", "0.005", "60000"),
           *isolated("ETHUSD-PERP", "0.08", "2000"),
           {"type": "prices", "venue": "crypto-com",
            "marks": {"BTCUSD-PERP": "64000", "ETHUSD-PERP": "3000"}})
    assert total(reading(crypto_com, "crypto-com", tmp_path)) == (1600, True)


def test_the_recorded_account(tmp_path):
    """141.395, cash and profit, though the margin balance is 128.610."""
    answers = {
        "/exchange/v1/private/user-balance": (RECORDED / "2023_cross_user-balance.json").read_bytes(),
        "/exchange/v1/private/get-positions": b'{"id":1,"method":"private/get-positions","code":0,'
        b'"result":{"data":[{"account_id":"00000000-0000-4000-8000-000000000001","quantity":"5",'
        b'"cost":"335.768","open_pos_cost":"335.768","open_position_pnl":"-1.645","session_pnl":"-1.645",'
        b'"update_timestamp_ms":1700184695140,"instrument_name":"LTCUSD-PERP","type":"PERPETUAL_SWAP"}]}}',
        "/exchange/v1/private/get-open-orders": b'{"id":1,"method":"private/get-open-orders","code":0,'
        b'"result":{"data":[]}}',
        "/exchange/v1/private/get-subaccount-balances": b'{"id":1,"method":'
        b'"private/get-subaccount-balances","code":0,"result":{"data":[]}}',
    }

    def intercept(seen):
        body = answers.get(seen.endpoint)
        return (200 if body else 404), {"Content-Type": "application/json"}, body or b"{}"

    with Relay(None, intercept) as relay:
        desk = Desk(tmp_path, [entry("crypto-com", relay.url)])
        value, complete = total(desk)
        [account] = desk.json("portfolio")["accounts"]
    assert (value, complete) == (decimal.Decimal("141.39534396"), True)
    figures = account["figures"]
    assert figures["margin_balance"]["value"] == "128.61024714"


def endangered(server: Server, folder: pathlib.Path) -> Desk:
    """A position whose own margin is used up, while the account beside it has plenty."""
    opened(server, "crypto-com", {"marks": {"BTCUSD-PERP": "60000"}},
           command("deposit", asset="USD", amount="100000"),
           *isolated("BTCUSD-PERP", "1", "60000", leverage="10"),
           {"type": "prices", "venue": "crypto-com", "marks": {"BTCUSD-PERP": "54100"}})
    return reading(server, "crypto-com", folder,
                   watch={"alerts": [{"figure": "maintenance_share", "above": "0.9"}]})


def test_an_isolated_position_under_liquidation_raises_the_alert(crypto_com, tmp_path):
    done = endangered(crypto_com, tmp_path).run("watch", "--once", "--json")
    assert done.returncode == 1, done.stderr
    [alert] = json.loads(done.stdout.splitlines()[-1])["alerts"]
    # Less than nothing is left once the fees are kept back.
    assert (alert["state"], alert["value"]) == ("raised", "without bound")


def test_what_the_documented_form_does_not_show_is_not_taken_for_nothing(tmp_path):
    """It has no field for what an isolated position holds: the total is not complete, the share unknown."""
    with Server() as server:
        desk = endangered(server, tmp_path)
        assert total(desk) == (None, False)
        [gap] = desk.json("portfolio")["totals"]["figures"]["equity"]["gaps"]
        assert "isolated position in BTCUSD-PERP" in gap["reason"]
        done = desk.run("watch", "--once", "--json")
    assert done.returncode == 2, done.stderr
    [alert] = json.loads(done.stdout.splitlines()[-1])["alerts"]
    assert alert["state"] == "unknown" and "BTCUSD-PERP is not known" in alert["message"]


# An account worth 29,900: a coin at 30,000 and a debt of 100. At the rulebooks' own price of the coin, which
# is about twice that, it would be another account.
OWED = {
    "crypto-com": ({"index": {"BTC": "30000"}}, "USD", {}),
    "binance": ({"index": {"BTC": "30000", "USDT": "1"}}, "USDT", {"multi_assets": True}),
    "okx": ({"index": {"BTC": "30000", "USDT": "1"}}, "USDT", {"mode": "multi", "auto_borrow": True}),
}


@pytest.mark.parametrize("to", VENUES)
@pytest.mark.parametrize("venue", OWED)
def test_a_price_of_the_account_goes_along(venue, to, tmp_path):
    prices, debt, settings = OWED[venue]
    with Server() as server:
        opened(server, venue, prices, command("deposit", asset="BTC", amount="1"),
               command("withdraw", asset=debt, amount="100", force=True), settings=settings)
        desk = reading(server, venue, tmp_path)
        value, complete = total(desk)
        assert complete and abs(value - 29900) < 1
        # At Binance one figure of the whole account needs the mode that has it.
        setting = ("--setting", "multi_assets=true") if to == "binance" else ()
        [row] = desk.json("rehost", "--to", to, *setting)
    figures = {figure["figure"]: figure["to"] for figure in row["figures"] if figure["to"]}
    shown = figures.get("equity_usd") or figures.get("equity") or figures["wallet"]
    worth = decimal.Decimal(shown["value"])
    if to == "rails":
        # Dollars alone are kept there; what cannot be kept is named, and nothing takes its place.
        assert worth <= 0 and [mapping for mapping in row["mappings"]
                               if mapping["source"] == "BTC" and not mapping["target"] and mapping["remark"]]
    elif to == "binance":
        # Coins count at their bid rate, 5 % below the index.
        assert abs(worth - decimal.Decimal("28400")) < 1
    else:
        assert abs(worth - 29900) < 1
