"""Generated accounts of Binance USDⓈ-M Futures: single-asset, multi-assets and hedge mode."""

from __future__ import annotations

from cases import Case, Chance, Round, Script

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT", "WLDUSDT", "BTCUSDC", "ETHUSDC")
STABLE = ("BNFCR", "USDT", "USDC", "FDUSD", "BFUSD", "LDUSDT", "RWUSD", "USD1", "U", "BUSD")
MONEY = ("USDT", "USDC", "BTC", "BNB", "FDUSD", "ETH")
LEVERAGES = ("1", "2", "3", "5", "7", "10", "13", "20")


def prices(chance: Chance, rules: dict) -> Round:
    def drawn() -> dict:
        index = {name: chance.price(rule["reference_index"], 0.01 if name in STABLE else 0.2)
                 for name, rule in rules["assets"].items()}
        marks = {name: chance.price(rules["assets"][rules["instruments"][name]["base"]]["reference_index"])
                 + (str(chance.randint(1, 9999)) if chance.maybe(0.3) else "") for name in SYMBOLS}
        marks = {name: price if "." in price or len(price) < 7 else f"{price[:5]}.{price[5:]}"
                 for name, price in marks.items()}
        if chance.maybe(0.2):  # worth less than any rate can say
            index[chance.choice(["RWUSD", "USD1", "U", "ETH"])] = "0.000000001"
        return {"type": "prices", "venue": "binance", "marks": marks, "index": index}
    return Round(drawn(), drawn())


def generate(chance: Chance, name: str, mode: str, rules: dict) -> Case:
    script = Script(name)
    pooled = mode in ("multi", "credits")
    hedge = mode == "hedge" or pooled and chance.maybe(0.3)
    multi = mode == "multi" or mode == "credits" and chance.maybe(0.5)
    settings = {key: True for key, on in (
        ("multi_assets", multi), ("hedge", hedge), ("credits_mode", mode == "credits")) if on}
    script.open(chance, "binance", settings)
    for asset in chance.sample(MONEY, chance.randint(0, 4)):
        usd = 30_000 if chance.maybe(0.8) else 30_000_000
        top = max(1, int(usd / float(rules["assets"][asset]["reference_index"])))
        script.add("deposit", asset=asset, amount=chance.amount(0, top, 8))
    if chance.maybe(0.1):
        script.add("deposit", asset=chance.choice(["BUSD", "WLD", "U"]), amount=chance.amount(1, 500, 8))
    for symbol in chance.sample(SYMBOLS, chance.randint(0, 4)):
        trade(chance, script, symbol, hedge, not pooled and chance.maybe(0.3), rules)
    if chance.maybe(0.3 if mode == "credits" else 0.02):
        script.add("deposit", asset="BNFCR", amount=chance.amount(1, 9000, 8))
    if chance.maybe(0.15):
        script.add("withdraw", asset=chance.choice(["USDT", "BTC"]), amount=chance.amount(0, 4000, 8),
                   force=True)
    if chance.maybe(0.5 if pooled else 0.02):
        exchange(chance, script)
    accounts = [name]
    if chance.maybe(0.05):
        accounts.append(f"{name}-sub")
        script.add("open_account", account=accounts[1], venue="binance", parent=name)
        script.add("transfer", to=accounts[1], asset="USDT", amount=chance.amount(1, 400, 8), force=True)
    return Case(accounts, script.commands, [(account, "") for account in accounts])


def trade(chance: Chance, script: Script, symbol: str, hedge: bool, isolated: bool, rules: dict) -> None:
    """Leverage, positions by import or by fills, funding, margin added, orders; each side alone in hedge
    mode."""
    rule = rules["instruments"][symbol]
    price = rules["assets"][rule["base"]]["reference_index"]
    big = chance.maybe(0.1)
    size = max(1, int((20_000_000 if big else 60_000) / float(price)))
    places = rule["quantity_precision"]
    margin = {"margin_mode": "isolated"} if isolated else {}
    if isolated:
        script.add("deposit", asset=rule["settle"], amount="100000000")
    if chance.maybe(0.7):
        leverages = LEVERAGES[:2] if big else LEVERAGES
        named = {} if chance.maybe(0.7) else {"margin_mode": chance.choice(["cross", "isolated"])}
        if chance.maybe(0.1):
            named["position_side"] = chance.choice(["long", "short"])
        script.add("set_leverage", instrument=symbol, leverage=chance.choice(leverages), **named)
    for side in (chance.sample(["long", "short"], chance.randint(1, 2)) if hedge else [None]):
        where = {"instrument": symbol, "position_side": side}
        opening = {"long": "buy", "short": "sell", None: chance.choice(["buy", "sell"])}[side]
        closing = {"buy": "sell", "sell": "buy"}[opening]
        held = open_one(chance, script, where, opening, size, places, price, isolated)
        if held and chance.maybe(0.4):
            part = held if chance.maybe(0.25) else max(1, held // chance.choice([2, 3, 7]))
            script.add("fill", side=closing, quantity=in_units(part, places), price=chance.price(price),
                       fee=chance.amount(0, 9, 10) if chance.maybe(0.7) else None, **where, **margin)
            held -= part
        if held and side is None and not isolated and chance.maybe(0.2):
            script.add("fill", side=closing, quantity=in_units(held + size, places),
                       price=chance.price(price), **where)
        if held and chance.maybe(0.15):
            script.add("funding", rate=chance.choice(["0.0001", "-0.00012345"]), **where)
        if held and chance.maybe(0.15):
            script.add("funding", amount="-" * chance.randint(0, 1) + chance.amount(0, 20, 8), **where)
        if held and isolated and chance.maybe(0.4):
            script.add("adjust_isolated_margin", amount=chance.amount(0, 300, 8), **where)
        for _ in range(chance.choice([0, 0, 1, 2, 3])):
            way = opening if isolated else chance.choice(["buy", "sell"])
            order = script.order(side=way, quantity=in_units(chance.randint(1, size * 10 ** places), places),
                                 price=chance.price(price), **where, **margin,
                                 reduce_only=True if side is None and chance.maybe(0.1) else None)
            if way == opening and "reduce_only" not in script.commands[-1] and chance.maybe(0.25):
                script.commands[-1]["quantity"] = in_units(10 ** places, places)
                script.fill_order(chance, order, fee="0.0123456789")
            elif chance.maybe(0.1):
                script.add("cancel_order", order_id=order)


def open_one(chance: Chance, script: Script, where: dict, opening: str, size: int, places: int, price: str,
             isolated: bool) -> int:
    """A position by import or by one to three fills, or none; its size in the smallest units."""
    margin = {"margin_mode": "isolated"} if isolated else {}
    units = size * 10 ** places
    if chance.maybe(0.1):
        return 0
    if chance.maybe(0.25):
        held = chance.randint(1, units)
        script.add("import_position", quantity=("-" if opening == "sell" else "") + in_units(held, places),
                   entry_price=chance.price(price), isolated_wallet=chance.amount(1, 9000, 8) if isolated
                   else None, leverage=chance.choice(LEVERAGES[:2]) if chance.maybe(0.3) else None,
                   realised="-" * chance.randint(0, 1) + chance.amount(0, 900, 8)
                   if chance.maybe(0.2) else None,
                   fees=chance.amount(0, 9, 8) if chance.maybe(0.2) else None,
                   **where, **margin)
        return held
    held = 0
    for _ in range(chance.randint(1, 3)):
        part = chance.randint(1, units)
        held += part
        script.add("fill", side=opening, quantity=in_units(part, places), price=chance.price(price),
                   fee=chance.amount(0, 9, 8) if chance.maybe(0.7) else None, **where, **margin)
    return held


def exchange(chance: Chance, script: Script) -> None:
    """What others of the account are exchanged into: a wallet that may be below its threshold, owe more than
    all is worth, or neither; perhaps after a liquidation, and perhaps once more."""
    for asset in chance.sample(["BTC", "ETH", "BNB", "XRP", "FDUSD"], chance.randint(0, 3)):
        script.add("deposit", asset=asset, amount=chance.amount(1, 400, 8))
    if chance.maybe(0.1):
        script.add("raise", flag="feeTier", value=chance.choice([0, 1, 2, 9]))
    for asset in chance.sample(["USDT", "USDC", "USD1", "BTC"], chance.randint(1, 2)):
        top = chance.choice([12_000, 200_000, 90_000_000])
        script.add("withdraw", asset=asset, force=True,
                   amount=chance.amount(1, top // 60_000 + 1 if asset == "BTC" else top, 8))
    script.add("auto_exchange", liquidation=True if chance.maybe(0.3) else None)
    if chance.maybe(0.2):
        script.add("auto_exchange", liquidation=True)


def in_units(units: int, places: int) -> str:
    """So many of the smallest units as a decimal."""
    digits = str(units).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits
