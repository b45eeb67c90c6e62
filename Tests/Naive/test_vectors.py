"""The naive ledger against published and recorded figures: what the server is compared with must be right."""

import binance
import binance_positions
import okx
import okx_rules
import rails
from compare import differences
from crypto_com import ledger as crypto_com_ledger
from crypto_com import statement as crypto_com_statement
from exact import cut, half_even, half_up, number, padded, plain, up
from ledger import Market


def played(ledger, venue, prices, *commands, settings=None):
    """The ledger and an account `a` after some commands; prices come first."""
    ledger.apply({"type": "prices", "venue": venue} | prices)
    ledger.apply({"type": "open_account", "account": "a", "venue": venue, "settings": settings or {}})
    for command in commands:
        ledger.apply({"account": "a"} | command)
    return ledger, ledger.accounts["a"]


def test_rounding():
    value = number("-1.00000000500000000001")
    assert [padded(step(value, 8), 8) for step in (cut, up, half_up, half_even)] == [
        "-1.00000000", "-1.00000001", "-1.00000001", "-1.00000001"]
    assert padded(half_even(number("0.125"), 2), 2) == "0.12"
    assert padded(half_up(number("0.125"), 2), 2) == "0.13"
    assert plain(number("120.500")) == "120.5" and plain(number("0")) == "0"


def test_a_differing_digit_is_found():
    assert differences({"a": [{"b": "1.0"}]}, {"a": [{"b": "1.00"}]}) == [("a[0].b", "1.0", "1.00")]
    assert differences({"a": "1", "b": "2"}, {"b": "2", "a": "1"})[0][0].endswith("(order of keys)")
    assert differences({"a": True}, {"a": "true"}) and differences({"a": 1}, {"a": "1"})
    assert differences({}, {"a": "0"}) == [("a", "(absent)", "0")]


def test_binance_exchanges_what_a_threshold_makes_due():
    """0.5 BTC at 58500 and 10 ETH at 2925 are worth as much: 6000 USDT at 1.0001 take the same part of
    both."""
    _, account = played(
        binance.ledger(), "binance",
        {"index": {"USDT": "1", "USDC": "1", "BTC": "60000", "ETH": "3000"}},
        {"type": "deposit", "asset": "BTC", "amount": "0.5"},
        {"type": "deposit", "asset": "ETH", "amount": "10"},
        {"type": "withdraw", "asset": "USDT", "amount": "6000"},
        {"type": "auto_exchange"}, settings={"multi_assets": True})
    assert account.cash == {"BTC": number("0.44871282"), "ETH": number("8.97425641"), "USDT": 0}


def test_binance_brackets_of_a_cross_and_an_isolated_position():
    """0.5 BTC long at 20x with orders, 2 ETH short and isolated with a wallet of 600: at these sizes every
    version of the brackets has a rate of 0.004."""
    ledger, account = played(
        binance.ledger(), "binance",
        {"marks": {"BTCUSDT": "61234.5678", "ETHUSDT": "3050"}, "index": {"USDT": "1"}},
        {"type": "deposit", "asset": "USDT", "amount": "10000"},
        {"type": "import_position", "instrument": "BTCUSDT", "quantity": "0.5", "entry_price": "60000"},
        {"type": "import_position", "instrument": "ETHUSDT", "quantity": "-2", "entry_price": "3000",
         "margin_mode": "isolated", "isolated_wallet": "600", "leverage": "10"},
        {"type": "place_order", "order_id": "1", "instrument": "BTCUSDT", "side": "buy", "quantity": "0.1",
         "price": "60500"},
        {"type": "place_order", "order_id": "2", "instrument": "BTCUSDT", "side": "sell", "quantity": "0.7",
         "price": "62000"})
    body = binance.statement(ledger, account, "", "single", 1)
    usdt, (bitcoin, ether) = body["assets"][0], body["positions"]
    assert (bitcoin["notional"], bitcoin["unrealizedProfit"]) == ("30617.28390000", "617.28390000")
    assert (bitcoin["initialMargin"], bitcoin["maintMargin"]) == ("1833.36419500", "122.46913560")
    assert (ether["notional"], ether["initialMargin"], ether["maintMargin"], ether["isolatedMargin"]) == (
        "-6100.00000000", "610.00000000", "24.40000000", "500.00000000")
    assert {name: usdt[name] for name in ("crossWalletBalance", "marginBalance", "initialMargin",
                                          "availableBalance", "maxWithdrawAmount")} == {
        "crossWalletBalance": "9400.00000000", "marginBalance": "10517.28390000",
        "initialMargin": "2443.36419500", "availableBalance": "8183.91970500",
        "maxWithdrawAmount": "8183.91970500"}


def test_binance_multi_assets_as_in_the_help_page(monkeypatch):
    """200 USDT at 0.9801 / 0.99495 and 220 USDC at 1: equity 416.02 USD, 418.13 USDT available."""
    for asset, bid, ask in (("USDT", "0.01", "0.005"), ("USDC", "0", "0")):
        rule = binance.ASSETS[asset] | {"bid_buffer": bid, "ask_buffer": ask}
        monkeypatch.setitem(binance.ASSETS, asset, rule)
    index = {name: "1" for name in binance.ASSETS} | {"USDT": "0.99"}
    ledger, account = played(
        binance.ledger(), "binance", {"index": index}, {"type": "deposit", "asset": "USDT", "amount": "200"},
        {"type": "deposit", "asset": "USDC", "amount": "220"}, settings={"multi_assets": True})
    body = binance.statement(ledger, account, "", "multi", 1)
    assert body["totalMarginBalance"] == body["availableBalance"] == "416.02000000"
    assert [row["availableBalance"][:6] for row in body["assets"][:2]] == ["418.13", "416.02"]


def test_okx_discount_and_minimum_charge():
    assert okx_rules.discounted("BTC", number("1"), number("60000")) == 58_800
    assert okx_rules.discounted("USDT", number("11000000"), number("1")) == 10_825_000
    assert okx_rules.minimum_charge(number("30000")) == 50_000


def test_okx_spot_cost():
    """Buy 2 at 3000, sell 1 at 3500, buy 1 at 4000, last 4500."""
    fills = [{"type": "fill", "instrument": "ETH-USDT", "side": side, "quantity": quantity, "price": price}
             for side, quantity, price in (("buy", "2", "3000"), ("sell", "1", "3500"), ("buy", "1", "4000"))]
    ledger, account = played(okx.ledger(), "okx", {"index": {"ETH": "4500", "USDT": "1"}}, *fills,
                             settings={"mode": "spot"})
    row = okx.statement(ledger, account, "?ccy=ETH", "spot", 1)["data"][0]["details"][0]
    assert (row["openAvgPx"], row["spotUpl"]) == ("3500", "2000")
    assert (row["accAvgPx"], row["totalPnl"]) == ("3250", "2500")


def test_okx_equity_over_all_coins():
    """2 BTC, 6000 SOL, 110000 USDT and contracts on half a bitcoin with a profit of 10000: 1,520,000 USD."""
    ledger, account = played(
        okx.ledger(), "okx", {"marks": {"BTC-USDT-SWAP": "100000"},
                              "index": {"BTC": "100000", "SOL": "200", "USDT": "1"}},
        {"type": "deposit", "asset": "BTC", "amount": "2"},
        {"type": "deposit", "asset": "SOL", "amount": "6000"},
        {"type": "deposit", "asset": "USDT", "amount": "110000"},
        {"type": "fill", "instrument": "BTC-USDT-SWAP", "side": "buy", "quantity": "50", "price": "80000"},
        settings={"mode": "multi"})
    body = okx.statement(ledger, account, "", "multi", 1)["data"][0]
    assert (body["totalEq"], body["notionalUsdForSwap"]) == ("1520000", "50000")


def test_crypto_com_recorded_account():
    """199 CRO at 0.04874 and 9.677146618 USD, recorded; without the venue's binary digits."""
    ledger, account = played(
        crypto_com_ledger(), "crypto-com", {"index": {"CRO": "0.04874"}},
        {"type": "deposit", "asset": "CRO", "amount": "199"},
        {"type": "deposit", "asset": "USD", "amount": "9.677146618"})
    body = crypto_com_statement(ledger, account, "", "live", 1)["result"]["data"][0]
    expected = {"total_margin_balance": "19.37640661", "total_haircut": "4.84963000",
                "total_initial_margin": "4.84963",
                "total_maintenance_margin": "2.424815", "total_available_balance": "14.52677661",
                "used_position_limit": "9.69926", "position_limit": "387.52813236",
                "total_effective_leverage": "0.500571"}
    assert {name: body[name] for name in expected} == expected


def test_rails_sample_totals():
    """The given sample's account figures, its unrounded profit of the BTC market included."""
    ledger, account = played(rails.ledger(), "rails", {"marks": {}},
                             {"type": "deposit", "asset": "USD", "amount": "100000000"},
                             {"type": "withdraw", "asset": "USD", "amount": "879.12", "fee": "8.88"},
                             {"type": "raise", "flag": "maintenanceMargin", "value": "475598.23267999"})
    account.markets["BTC-USD"] = Market(
        pnl=number("-1292.7845734999864"), funding=number("-259.04082851"), fees=number("608.02030021"))
    body = rails.statement(ledger, account, "", "documented", 1)
    assert (body["totalBalance"], body["availableBalance"], body["pnl"]) == (
        "99996952.15429778", "99521353.92161779", "-1292.78457349")


def test_binance_recorded_rows_of_averaged_entries():
    """PEOPLEUSDT and SUIUSDT at 3x of May 2025, as a symbol that the rulebook knows; 124.99870498 at 10x of
    2026."""
    for quantity, entry, mark, realised, profit, margin, break_even in (
        ("-103176", "0.0255636616153", "0.02572", "-314.6692987503648", "-16.13053584", "884.56225769",
         "0.0225138312405"),
        ("0.9", "3.813369748279", "3.8633", "112.6020727139211", "0.04493723", "1.15899002",
         "-121.3000443783"),
    ):
        ledger, account = played(
            binance.ledger(), "binance", {"marks": {"SOLUSDT": mark}, "index": {"USDT": "1"}},
            {"type": "import_position", "instrument": "SOLUSDT", "quantity": quantity, "entry_price": entry,
             "leverage": "3", "realised": realised})
        [row] = binance.position_rows(ledger, account)
        assert row.fields(1)["unrealizedProfit"] == profit and row.fields(1)["initialMargin"] == margin
        assert binance_positions.entries(row, account) == {
            "entryPrice": entry, "breakEvenPrice": break_even}
    assert binance.initial_margin(number("124.99870498"), number("10")) == number("12.49987050")
