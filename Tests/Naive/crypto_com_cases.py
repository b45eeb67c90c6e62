"""Generated accounts of Crypto.com Exchange: tokens, spot trades, perpetuals and futures, sub-accounts."""

from __future__ import annotations

from cases import Case, Chance, Round, Script

TOKENS = ("BTC", "ETH", "CRO", "SOL", "USDT", "DAI", "SHIB", "USD")
SPOT = ("BTC_USD", "ETH_USD", "CRO_USD", "DAI_USD", "BTC_USDT", "USDT_USD")
CONTRACTS = ("BTCUSD-PERP", "ETHUSD-PERP", "CROUSD-PERP", "SOLUSD-PERP", "SHIBUSD-PERP", "BTCUSD-261225",
             "ETHUSD-261225")


def reference(rules: dict, name: str) -> str:
    return rules["assets"][name]["reference_index"]


def prices(chance: Chance, rules: dict) -> Round:
    def drawn() -> dict:
        index = {name: chance.price(reference(rules, name), 0.01 if name in ("USDT", "DAI") else 0.2)
                 for name in TOKENS if name != "USD"}
        marks = {name: chance.price(reference(rules, rules["instruments"][name]["base"]))
                 for name in CONTRACTS + SPOT}
        return {"type": "prices", "venue": "crypto-com", "marks": marks, "index": index}
    return Round(drawn(), drawn())


def generate(chance: Chance, name: str, rules: dict) -> Case:
    script = Script(name)
    settings = {}
    if chance.maybe(0.3):
        settings["position_limit"] = chance.choice(["5000000", "1234567.8"])
    if chance.maybe(0.3):
        settings["fees"] = {"derivative": {"taker": chance.choice(["0.0004", "0", "0.000225", "0.00075"])}}
    script.open(chance, "crypto-com", settings)
    accounts = [name]
    fill(chance, script, rules)
    queries = [(name, "")]
    if chance.maybe(0.2):
        for index in range(chance.randint(1, 2)):
            child = Script(f"{name}-sub{index}")
            child.add("open_account", venue="crypto-com", parent=name)
            accounts.append(child.account)
            script.add("deposit", asset="USD", amount="1000")
            script.commands += child.commands
            script.add("transfer", to=child.account, asset="USD", amount=chance.amount(1, 900, 6), force=True)
            child.commands = []
            fill(chance, child, rules)
            script.commands += child.commands
            queries.append((child.account, ""))
        queries.append((name, "?method=private/get-subaccount-balances"))
    return Case(accounts, script.commands, queries)


def worth(rules: dict, token: str, usd: int) -> int:
    return max(1, int(usd / float(reference(rules, token))))


def fill(chance: Chance, script: Script, rules: dict) -> None:
    """Everything that one account does."""
    for token in chance.sample(TOKENS, chance.randint(0, 4)):
        usd = 30_000 if chance.maybe(0.85) else 40_000_000
        script.add("deposit", asset=token, amount=chance.amount(0, worth(rules, token, usd), 10))
    if chance.maybe(0.2):  # dust, whose products have more places than a decimal
        for token in chance.sample(TOKENS, chance.randint(1, 3)):
            dust = str(chance.randint(1, 10 ** 18 - 1)).rjust(18, "0")
            script.add("deposit", asset=token, amount="0." + dust)
    for pair in chance.sample(SPOT, chance.choice([0, 0, 1, 2])):
        base = pair.partition("_")[0]
        for _ in range(chance.randint(0, 2)):
            script.add("fill", instrument=pair, side=chance.choice(["buy", "sell"]),
                       quantity=chance.amount(0, worth(rules, base, 9000), 4),
                       price=chance.price(reference(rules, base)),
                       fee=chance.amount(0, 5, 8) if chance.maybe(0.6) else None,
                       fee_asset="USD" if chance.maybe(0.2) else None)
        if chance.maybe(0.4):
            script.add("deposit", asset=base, amount=str(worth(rules, base, 9000)))
            script.order(instrument=pair, side=chance.choice(["buy", "sell"]),
                         quantity=chance.amount(0, worth(rules, base, 6000), 4),
                         price=chance.price(reference(rules, base)))
    for contract in chance.sample(CONTRACTS, chance.choice([0, 0, 1, 2, 3])):
        derivative(chance, script, rules, contract)
    if chance.maybe(0.15):
        script.add("withdraw", asset="USD", amount=chance.amount(1, 90_000, 6), fee=chance.amount(0, 3, 3),
                   force=True)
    if chance.maybe(0.15):
        script.add("deposit", asset="USDT", amount="6000000")
        script.add("reserve", asset="USDT", amount=chance.amount(1, 500, 4), purpose="reserved")
    if chance.maybe(0.1):
        token = chance.choice(["USD", "DAI", "BTC"])
        script.add("deposit", asset=token, amount="6000000")
        script.add("reserve", asset=token, amount=chance.amount(1, 500, 4), purpose="reserved")
    if chance.maybe(0.15):
        script.add("deposit", asset="USDT", amount="6000000")
        script.add("reserve", asset="USDT", amount=chance.amount(1, 500, 4), purpose="reserved")
        if chance.maybe(0.5):
            script.add("release", asset="USDT", amount="0.5", purpose="reserved")
    if chance.maybe(0.1):
        script.add("raise", flag="haircut", asset=chance.choice(["BTC", "CRO"]), value="0.3")
    if chance.maybe(0.05):
        script.add("raise", flag="is_liquidating", value=True)
    if chance.maybe(0.05):
        script.add("raise", flag="position_limit", value="2500000.5")


def derivative(chance: Chance, script: Script, rules: dict, contract: str) -> None:
    """A position by import or by fills, cross or isolated; funding, settlement, orders."""
    base = rules["instruments"][contract]["base"]
    size = worth(rules, base, 60_000 if chance.maybe(0.9) else 3_000_000)
    isolated = chance.maybe(0.2)
    margin = {"margin_mode": "isolated"} if isolated else {}
    if isolated:
        script.add("deposit", asset="USD", amount="90000000")
    opening = chance.choice(["buy", "sell"])
    if chance.maybe(0.25):
        script.add("import_position", instrument=contract,
                   quantity=("-" if opening == "sell" else "") + chance.amount(1, size, 3),
                   entry_price=chance.price(reference(rules, base)),
                   isolated_wallet=chance.amount(10, 900, 4) if isolated else None, **margin)
    else:
        script.add("fill", instrument=contract, side=opening, quantity=chance.amount(1, size, 3),
                   price=chance.price(reference(rules, base)), fee=chance.amount(0, 9, 8), **margin)
    for _ in range(chance.randint(0, 3)):
        script.add("fill", instrument=contract, side=opening if isolated else chance.choice(["buy", "sell"]),
                   quantity=chance.amount(0, size, 3), price=chance.price(reference(rules, base)),
                   fee=chance.amount(0, 9, 8) if chance.maybe(0.7) else None, **margin)
    if chance.maybe(0.3):
        script.add("fill", instrument=contract, side=opening, quantity="0.001"
                   if float(reference(rules, base)) > 1
                   else "1", price=chance.price(reference(rules, base)), **margin)
        script.add("funding", instrument=contract, **({"rate": "0.0001"} if chance.maybe(0.5) else {
            "amount": chance.choice(["-", ""]) + chance.amount(0, 20, 8)}))
    if isolated and chance.maybe(0.3):  # a wallet that costs of holding drive below zero
        script.add("funding", instrument=contract, amount="-" + chance.amount(1, 200_000, 9))
    if chance.maybe(0.2):
        script.add("settle", instrument=contract if chance.maybe(0.3) else None)
        script.add("fill", instrument=contract, side=opening, quantity=str(size),
                   price=chance.price(reference(rules, base)), **margin)
    if not isolated:
        for _ in range(chance.choice([0, 0, 1, 2])):
            order = script.order(instrument=contract, side=chance.choice(["buy", "sell"]),
                                 quantity=chance.amount(0, size, 3),
                                 price=chance.price(reference(rules, base)),
                                 reduce_only=True if chance.maybe(0.1) else None)
            if "reduce_only" not in script.commands[-1] and chance.maybe(0.2):
                script.fill_order(chance, order, fee="0.0000012345")
            elif chance.maybe(0.1):
                script.add("cancel_order", order_id=order)
