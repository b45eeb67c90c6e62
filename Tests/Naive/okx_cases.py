"""Generated accounts of OKX in its modes."""

from __future__ import annotations

import okx_rules as rules
from cases import Case, Chance, Round, Script

COINS = ("BTC", "ETH", "SOL", "XRP", "DOGE", "USDT", "USDC", "LTC")
SPOT = ("BTC-USDT", "ETH-USDT", "SOL-USDT", "XRP-USDT", "BTC-USDC", "USDC-USDT", "DOGE-USDT")
LINEAR = ("BTC-USDT-SWAP", "ETH-USDT-SWAP", "SOL-USDT-SWAP", "DOGE-USDT-SWAP", "BTC-USDC-SWAP",
          "BTC-USDT-270326",
          "ETH-USDT-270625")
INVERSE = ("BTC-USD-SWAP", "ETH-USD-SWAP", "XRP-USD-SWAP", "BTC-USD-270326")
ON_MARGIN = ("BTC-USDT", "ETH-USDT", "SOL-USDT", "XRP-USDT", "DOGE-USDT", "BTC-USDC")
FLAGS = (
    ("twap", "USDT", "3"), ("frpType", "BTC", "1"), ("autoLendStatus", "USDT", "active"),
    ("autoLendMtAmt", "USDT", "12.5"), ("colBorrAutoConversion", "ETH", "2"), ("maxLoan", "BTC", "0.25"),
    ("collateralRestrict", "BTC", True), ("delta", None, "-120.5"), ("deltaNeutralStatus", None, "1"),
    ("mgnRatio", None, "3.5"))
LEVERAGES = ("1", "2", "4", "5", "8", "10", "16", "20")


def reference(coin: str) -> str:
    return rules.ASSETS[coin]["reference_index"]


def prices(chance: Chance) -> Round:
    def drawn() -> dict:
        stable = {"USDT": "0.9991", "USDC": "1.0003"}
        index = {coin: chance.price(stable.get(coin, reference(coin)), 0.002 if coin in stable else 0.2)
                 for coin in COINS}
        marks = {name: chance.price(reference(name.split("-")[0])) for name in LINEAR + INVERSE + SPOT}
        return {"type": "prices", "venue": "okx", "marks": marks, "index": index}
    return Round(drawn(), drawn())


def generate(chance: Chance, name: str, mode: str) -> Case:
    script = Script(name)
    settings: dict = {"mode": "spot" if mode == "borrow" else mode}
    if mode == "borrow":
        settings["spot_borrow"] = True
    if mode == "multi" and chance.maybe(0.3):
        settings["collateral_off"] = chance.sample(["BTC", "ETH", "SOL"], chance.randint(1, 2))
    hedge = mode not in ("spot", "borrow") and chance.maybe(0.3)
    if hedge:
        settings["hedge"] = True
    if mode in ("multi", "portfolio") and chance.maybe(0.3):
        settings["auto_borrow"] = True
    script.open(chance, "okx", settings)
    for coin in chance.sample(COINS, chance.randint(0, 4)):
        size = worth(coin, 30_000 if chance.maybe(0.8) else 3_000_000)
        script.add("deposit", asset=coin, amount=chance.amount(0, size, 6))
    spot(chance, script)
    if mode not in ("spot", "borrow"):
        for instrument in chance.sample(LINEAR + INVERSE, chance.randint(0, 4)):
            derivative(chance, script, instrument, hedge, mode != "portfolio" and chance.maybe(0.3))
        for pair in chance.sample(ON_MARGIN, chance.choice([0, 0, 1, 2])):
            on_margin(chance, script, pair, mode == "futures" and chance.maybe(0.5))
    money(chance, script, mode)
    queries = [(name, "")]
    if chance.maybe(0.1):
        queries.append((name, "?ccy=" + ",".join(chance.sample(COINS, chance.randint(1, 3)))))
    return Case([name], script.commands, queries)


def worth(coin: str, usd: int) -> int:
    """About so many USD in units of a coin."""
    return max(1, int(usd / float(reference(coin))))


def spot(chance: Chance, script: Script) -> None:
    """Buys and sells of coins, and open spot orders."""
    for instrument in chance.sample(SPOT, chance.choice([0, 0, 1, 2])):
        base, quote = instrument.split("-")
        bought = 0
        for _ in range(chance.randint(0, 3)):
            places = 0 if worth(base, 8000) > 50 else 2
            quantity = chance.randint(1, max(1, worth(base, 8000))) * 2
            sell = bought > 1 and chance.maybe(0.4)
            amount = chance.choice([bought, bought // 2]) if sell else quantity
            bought += -amount if sell else amount
            script.add("fill", instrument=instrument, side="sell" if sell else "buy",
                       quantity=str(amount) + (".0" if places and chance.maybe(0.1) else ""),
                       price=chance.price(reference(base)), fee=chance.amount(0, 5, 6) if chance.maybe(0.6)
                       else None,
                       fee_asset=base if chance.maybe(0.2) and not sell else None)
        for _ in range(chance.choice([0, 0, 1])):
            order = script.order(instrument=instrument, side=chance.choice(["buy", "sell"]),
                                 quantity=chance.amount(0, worth(base, 5000), 4),
                                 price=chance.price(reference(base)))
            if chance.maybe(0.3) and script.commands[-1]["side"] == "buy":
                script.fill_order(chance, order)


def derivative(chance: Chance, script: Script, instrument: str, hedge: bool, isolated: bool) -> None:
    """Leverage, a position by import or by fills, funding, orders; one side at a time in hedge mode."""
    base = instrument.split("-")[0]
    value = rules.INSTRUMENTS[instrument].value
    unit = float(value) * (1 if instrument in INVERSE else float(reference(base)))
    worth_usd = 20_000 if chance.maybe(0.9) else 20_000_000
    size = max(1, int(worth_usd / unit))
    margin = {"margin_mode": "isolated"} if isolated else {}
    for side in (chance.sample(["long", "short"], chance.randint(1, 2)) if hedge else [None]):
        where = {"instrument": instrument, "position_side": side}
        if chance.maybe(0.6):
            leverages = LEVERAGES if worth_usd < 1_000_000 else LEVERAGES[:2]
            script.add("set_leverage", leverage=chance.choice(leverages), **where, **margin)
        elif isolated:
            script.add("set_leverage", leverage="2", **where, **margin)
        opening = {"long": "buy", "short": "sell", None: chance.choice(["buy", "sell"])}[side]
        closing = {"buy": "sell", "sell": "buy"}[opening]
        held = chance.randint(1, size)
        if chance.maybe(0.3):
            script.add("import_position", quantity=("-" if opening == "sell" else "") + str(held),
                       entry_price=chance.price(reference(base)), **where, **margin,
                       isolated_wallet=chance.amount(1, 300, 6) if isolated else None)
        else:
            script.add("fill", side=opening, quantity=str(held), price=chance.price(reference(base)),
                       fee=chance.amount(0, 3, 8) if chance.maybe(0.7) else None, **where, **margin)
        if chance.maybe(0.4):
            more = chance.randint(1, size)
            held += more
            script.add("fill", side=opening, quantity=str(more), price=chance.price(reference(base)), **where,
                       **margin)
        if chance.maybe(0.4):
            less = held if chance.maybe(0.2) else max(1, held // 4)
            held -= less
            script.add("fill", side=closing, quantity=str(less), price=chance.price(reference(base)),
                       fee=chance.amount(0, 3, 8), **where, **margin)
        if side is None and held and chance.maybe(0.15):
            script.add("fill", side=closing, quantity=str(held + 1), price=chance.price(reference(base)),
                       **where,
                       **margin)
            held = 1
        if held and chance.maybe(0.3):
            script.add("funding", rate=chance.choice(["0.0001", "-0.0002"]), **where) if (
                instrument in LINEAR and chance.maybe(0.5)) else script.add(
                    "funding", amount="-" * chance.randint(0, 1) + chance.amount(0, 2, 8), **where)
        if held and isolated and chance.maybe(0.3):
            settle = rules.INSTRUMENTS[instrument].settle
            script.add("deposit", asset=settle, amount=str(worth(settle, 2_000_000_000)))
            script.add("adjust_isolated_margin", amount=chance.amount(0, 5, 4), **where)
        for _ in range(chance.choice([0, 0, 0, 1, 2])):
            way = opening if isolated else chance.choice(["buy", "sell"])
            order = script.order(side=way, quantity=str(chance.randint(1, size)),
                                 price=chance.price(reference(base)),
                                 reduce_only=True if chance.maybe(0.1) else None, **where, **margin)
            if way == opening and "reduce_only" not in script.commands[-1] and chance.maybe(0.25):
                script.fill_order(chance, order, fee="0.0123")
            elif chance.maybe(0.1):
                script.add("cancel_order", order_id=order)


def on_margin(chance: Chance, script: Script, pair: str, cross: bool) -> None:
    """A spot pair on margin, long or short: opened by import or by fills, with interest, margin moved,
    reduced or closed."""
    base, quote = pair.split("-")
    long = chance.maybe(0.5)
    where: dict = {"instrument": pair, "margin_mode": "cross" if cross else "isolated"}
    in_base = cross and chance.maybe(0.4)
    opening = where | ({"margin_asset": base} if in_base else {})
    size = worth(base, 20_000 if chance.maybe(0.9) else 4_000_000)
    if chance.maybe(0.7):
        script.add("set_leverage", instrument=pair, leverage=chance.choice(("2", "4", "5")))
    bought = chance.randint(1, size)
    if chance.maybe(0.3):
        amount = bought if long else bought * max(1, int(float(reference(base)) * 1000)) // 1000 + 1
        script.add("import_position", quantity=("" if long else "-") + str(amount),
                   entry_price=chance.price(reference(base)), **opening,
                   isolated_wallet=None if cross else chance.amount(
                       0, amount // 4, 6) if amount > 7 else "0.3",
                   liability=None if chance.maybe(0.5) else str(
                       max(1, int(bought * float(reference(base)) * 0.9)) if long else bought))
    else:
        for _ in range(chance.choice([1, 1, 2])):
            script.add("fill", side="buy" if long else "sell", quantity=str(bought), **opening,
                       price=chance.price(reference(base)),
                       fee=chance.choice(["0.0001", "0.0213"]) if chance.maybe(0.6) else None,
                       fee_asset=chance.choice([base, quote, "LTC"]) if chance.maybe(0.5) else None)
    owed = quote if long else base
    if chance.maybe(0.4):
        more = {"hours": chance.randint(1, 3)} if chance.maybe(0.5) else {"amount": chance.amount(0, 1, 9)}
        script.add("accrue_interest", asset=owed, instrument=pair, **more)
    if not cross and chance.maybe(0.3):
        held = base if long else quote
        script.add("deposit", asset=held, amount=str(worth(held, 2_000_000_000)))
        script.add("adjust_isolated_margin", instrument=pair, amount=chance.amount(0, 1, 4))
    if chance.maybe(0.4):
        part = max(1, bought // 3)
        if part < bought or not long:
            script.add("fill", side="sell" if long else "buy", quantity=str(part), **where,
                       price=chance.price(reference(base)), fee="0.002")


def money(chance: Chance, script: Script, mode: str) -> None:
    """Withdrawals, loans, interest, reserves, credits and raised flags."""
    if chance.maybe(0.05):
        script.add("open_account", account=f"{script.account}-sub", venue="okx", parent=script.account)
        script.add("transfer", to=f"{script.account}-sub", asset="USDT", amount="12.5", force=True)
    if chance.maybe(0.2):
        script.add("withdraw", asset="USDT", amount=chance.amount(1, 3000, 6), force=True)
    if mode == "borrow":
        for coin in chance.sample(["BTC", "USDT", "ETH"], chance.randint(0, 2)):
            amount = chance.randint(1, worth(coin, 20_000))
            script.add("borrow", asset=coin, amount=str(amount))
            if chance.maybe(0.5):
                script.add("accrue_interest", asset=coin, amount=f"0.000{chance.randint(1, 99)}")
            if chance.maybe(0.4):
                script.add("repay", asset=coin, amount=chance.choice(["0.3", "0.00001"]))
    if mode in ("multi", "portfolio") and chance.maybe(0.2):
        script.add("withdraw", asset=chance.choice(["BTC", "USDT", "ETH"]),
                   amount=chance.amount(1, 30_000, 3),
                   force=True)
        if chance.maybe(0.5):
            script.add("accrue_interest", asset=script.commands[-1]["asset"],
                       amount=f"0.000{chance.randint(1, 99)}")
    for purpose in ("strategy", "fixed", "smart_sync", "copy_trading", "copy_trading_isolated"):
        if chance.maybe(0.08):
            coin = chance.choice(["USDT", "BTC"])
            script.add("deposit", asset=coin, amount="500")
            script.add("reserve", asset=coin, amount=chance.amount(1, 400, 4), purpose=purpose)
            if chance.maybe(0.3):
                script.add("release", asset=coin, amount="0.5", purpose=purpose)
    if chance.maybe(0.1):
        script.add("credit", asset="USDT", amount=chance.amount(1, 50, 3), purpose="reward")
    if chance.maybe(0.1):
        script.add("raise", flag="colRes", asset=chance.choice(["BTC", "ETH", "USDT"]),
                   value=chance.choice("12"))
    if mode == "multi" and chance.maybe(0.1):
        script.add("configure", settings={"collateral_off": ["XRP"]})
    for flag, asset, value in chance.sample(FLAGS, chance.choice([0, 0, 0, 1, 2])):
        script.add("raise", flag=flag, asset=asset, value=value)
        if chance.maybe(0.2):
            lifted = {"type": "raise", "account": script.account, "flag": flag, "value": None}
            script.commands.append(lifted | ({"asset": asset} if asset else {}))
    if mode == "portfolio" and chance.maybe(0.2):
        script.add("raise", flag="clSpotInUseAmt", asset=chance.choice(["BTC", "ETH"]),
                   value=chance.choice(["0.1", "3"]))
