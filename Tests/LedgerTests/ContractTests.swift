import Ledger
import Numbers
import Testing

@Suite("Contracts: fills, imports, isolated margin, funding and settlement")
struct ContractTests {
    static let eight = Conventions(bookedPlaces: 8, feePlaces: 8, amountPlaces: 8)
    static let hedge = #"configure settings={"hedge":true}"#

    private func check(_ effect: Effect) throws {
        let bench = try Bench(TestVenue(conventions: effect.conventions), effect.commands)
        let account = try bench.account()
        #expect(figures(account) == sorted(effect.figures))
        #expect(try account.imbalances().isEmpty)
    }

    @Test(arguments: [
        Effect(
            title: "open, add, close a part",
            commands: [
                "fill instrument=BTC-PERP side=buy quantity=2 price=100",
                "fill instrument=BTC-PERP side=buy quantity=1 price=103",
                "fill instrument=BTC-PERP side=sell quantity=1 price=110 fee=0.5",
            ],
            figures: """
                BTC-PERP/net/cross.quantity 2\nBTC-PERP/net/cross.cost 202\nBTC-PERP/net/cross.realised 9
                BTC-PERP#realised 9\nBTC-PERP#session 9\nBTC-PERP#volume 413\nBTC-PERP#fees 0.5
                USD.cash 8.5\nUSD+realised 9\nUSD+tradingFees 0.5
                """),
        // 301 ÷ 3 = 100.333…; what rounding leaves stays with the rest.
        Effect(
            title: "a third of the cost",
            commands: [
                "fill instrument=BTC-PERP side=buy quantity=2 price=100",
                "fill instrument=BTC-PERP side=buy quantity=1 price=101",
                "fill instrument=BTC-PERP side=sell quantity=1 price=100",
            ],
            figures: """
                BTC-PERP/net/cross.quantity 2\nBTC-PERP/net/cross.cost 200.666666666666666667
                BTC-PERP/net/cross.realised -0.333333333333333333
                BTC-PERP#realised -0.333333333333333333\nBTC-PERP#session -0.333333333333333333
                BTC-PERP#volume 401
                USD.cash -0.333333333333333333\nUSD+realised -0.333333333333333333
                """),
        Effect(
            title: "close all: only history stays",
            commands: [
                "fill instrument=BTC-PERP side=sell quantity=2 price=100",
                "fill instrument=BTC-PERP side=buy quantity=2 price=101 fee=1 liquidation=true",
            ],
            figures: """
                BTC-PERP#realised -2\nBTC-PERP#session -2\nBTC-PERP#volume 402\nBTC-PERP#fees 1
                BTC-PERP#liquidationFees 1\nUSD.cash -3\nUSD+realised -2\nUSD+tradingFees 1
                """),
        Effect(
            title: "turn around",
            commands: [
                "fill instrument=BTC-PERP side=buy quantity=2 price=100",
                "fill instrument=BTC-PERP side=sell quantity=5 price=110",
            ],
            figures: """
                BTC-PERP/net/cross.quantity -3\nBTC-PERP/net/cross.cost -330
                BTC-PERP#realised 20\nBTC-PERP#session 20\nBTC-PERP#volume 750\nUSD.cash 20\nUSD+realised 20
                """),
        // 10 lots of 0.01 at 60000; 4 × (61000 − 60000) × 0.01 = 40.
        Effect(
            title: "contract value",
            commands: [
                "fill instrument=BTC-LOT side=buy quantity=10 price=60000",
                "fill instrument=BTC-LOT side=sell quantity=4 price=61000",
            ],
            figures: """
                BTC-LOT/net/cross.quantity 6\nBTC-LOT/net/cross.cost 360000\nBTC-LOT/net/cross.realised 40
                BTC-LOT#realised 40\nBTC-LOT#session 40\nBTC-LOT#volume 8440\nUSD.cash 40\nUSD+realised 40
                """),
        // 5 × 100 × (1/50000 − 1/40000) = −0.0025.
        Effect(
            title: "inverse, long, close half at a loss",
            commands: [
                "fill instrument=BTC-COIN side=buy quantity=10 price=50000",
                "fill instrument=BTC-COIN side=sell quantity=5 price=40000 fee=0.00001",
            ],
            figures: """
                BTC-COIN/net/cross.quantity 5\nBTC-COIN/net/cross.cost 0.0001
                BTC-COIN/net/cross.realised -0.0025
                BTC-COIN#realised -0.0025\nBTC-COIN#session -0.0025\nBTC-COIN#volume 1500
                BTC-COIN#fees 0.00001
                BTC.cash -0.00251\nBTC+realised -0.0025\nBTC+tradingFees 0.00001
                """),
        Effect(
            title: "inverse, short, turned around at a profit",
            commands: [
                "fill instrument=BTC-COIN side=sell quantity=10 price=50000",
                "fill instrument=BTC-COIN side=buy quantity=12 price=40000",
            ],
            figures: """
                BTC-COIN/net/cross.quantity 2\nBTC-COIN/net/cross.cost 0.00005
                BTC-COIN#realised 0.005\nBTC-COIN#session 0.005\nBTC-COIN#volume 2200
                BTC.cash 0.005\nBTC+realised 0.005
                """),
        Effect(
            title: "cross and isolated stand side by side",
            commands: [
                "fill instrument=BTC-PERP side=buy quantity=1 price=100",
                "fill instrument=BTC-PERP side=sell quantity=1 price=100 margin_mode=isolated",
            ],
            figures: """
                BTC-PERP/net/cross.quantity 1\nBTC-PERP/net/cross.cost 100
                BTC-PERP/net/isolated.quantity -1\nBTC-PERP/net/isolated.cost -100
                BTC-PERP/net/isolated.wallet 10
                BTC-PERP#volume 200\nUSD.cash -10
                """),
        Effect(
            title: "hedge legs stand apart",
            commands: [
                Self.hedge,
                "fill instrument=BTC-PERP side=buy quantity=3 price=100 position_side=long",
                "fill instrument=BTC-PERP side=sell quantity=2 price=110 position_side=short",
                "fill instrument=BTC-PERP side=sell quantity=1 price=120 position_side=long",
                "fill instrument=BTC-PERP side=buy quantity=2 price=119 position_side=short",
            ],
            figures: """
                BTC-PERP/long/cross.quantity 2\nBTC-PERP/long/cross.cost 200\nBTC-PERP/long/cross.realised 20
                BTC-PERP#realised 2\nBTC-PERP#session 2\nBTC-PERP#volume 878\nUSD.cash 2\nUSD+realised 2
                """),
    ])
    func fills(_ effect: Effect) throws {
        try check(effect)
    }

    @Test(arguments: [
        Effect(
            title: "open and close a part",
            commands: [
                "set_leverage instrument=BTC-PERP leverage=8",
                "fill instrument=BTC-PERP side=buy quantity=2 price=100 margin_mode=isolated fee=1",
                "fill instrument=BTC-PERP side=sell quantity=1 price=110 margin_mode=isolated",
            ],
            figures: """
                leverage.BTC-PERP[] 8
                BTC-PERP/net/isolated.quantity 1\nBTC-PERP/net/isolated.cost 100
                BTC-PERP/net/isolated.wallet 12.5\nBTC-PERP/net/isolated.realised 10
                BTC-PERP#realised 10\nBTC-PERP#session 10\nBTC-PERP#volume 310\nBTC-PERP#fees 1
                USD.cash -3.5\nUSD+realised 10\nUSD+tradingFees 1
                """),
        // The whole wallet comes back, then 1 × 110 ÷ 10 goes into the new one.
        Effect(
            title: "turn around",
            commands: [
                "fill instrument=BTC-PERP side=buy quantity=2 price=100 margin_mode=isolated",
                "adjust_isolated_margin instrument=BTC-PERP amount=4",
                "fill instrument=BTC-PERP side=sell quantity=3 price=110 margin_mode=isolated",
            ],
            figures: """
                BTC-PERP/net/isolated.quantity -1\nBTC-PERP/net/isolated.cost -110
                BTC-PERP/net/isolated.wallet 11
                BTC-PERP#realised 20\nBTC-PERP#session 20\nBTC-PERP#volume 530\nUSD.cash 9\nUSD+realised 20
                """),
        // 3.00000003 ÷ 7 = 0.428571432…; a third of 0.42857143 is 0.142857143…
        Effect(
            title: "cut to eight places", conventions: Self.eight,
            commands: [
                "set_leverage instrument=BTC-PERP leverage=7",
                "fill instrument=BTC-PERP side=buy quantity=3 price=1.00000001 margin_mode=isolated",
                "fill instrument=BTC-PERP side=sell quantity=1 price=1.1 margin_mode=isolated",
            ],
            figures: """
                leverage.BTC-PERP[] 7
                BTC-PERP/net/isolated.quantity 2\nBTC-PERP/net/isolated.cost 2.00000002
                BTC-PERP/net/isolated.wallet 0.28571429\nBTC-PERP/net/isolated.realised 0.09999999
                BTC-PERP#realised 0.09999999\nBTC-PERP#session 0.09999999\nBTC-PERP#volume 4.10000003
                USD.cash -0.1857143\nUSD+realised 0.09999999
                """),
        // 10 × 100 ÷ 50000 ÷ 10 = 0.002 BTC.
        Effect(
            title: "inverse: the wallet is in the coin",
            commands: [
                "fill instrument=BTC-COIN side=buy quantity=10 price=50000 margin_mode=isolated",
                "adjust_isolated_margin instrument=BTC-COIN amount=-0.0005",
            ],
            figures: """
                BTC-COIN/net/isolated.quantity 10\nBTC-COIN/net/isolated.cost 0.0002
                BTC-COIN/net/isolated.wallet 0.0015\nBTC-COIN#volume 1000\nBTC.cash -0.0015
                """),
        Effect(
            title: "margin may be added to a wallet below zero",
            commands: [
                "import_position instrument=BTC-PERP quantity=1 entry_price=100 margin_mode=isolated "
                    + "isolated_wallet=5",
                "funding instrument=BTC-PERP amount=-20",
                "adjust_isolated_margin instrument=BTC-PERP amount=3",
            ],
            figures: """
                BTC-PERP/net/isolated.quantity 1\nBTC-PERP/net/isolated.cost 100
                BTC-PERP/net/isolated.wallet -12\nBTC-PERP/net/isolated.funding -20
                BTC-PERP#funding -20\nUSD.cash -3\nUSD+funding -20\nUSD+imported 5
                """),
    ])
    func isolated(_ effect: Effect) throws {
        try check(effect)
    }

    @Test(arguments: [
        Effect(
            title: "a short, without any cash",
            commands: [
                "import_position instrument=BTC-LOT quantity=-4 entry_price=50000 leverage=20"
            ],
            figures: """
                BTC-LOT/net/cross.quantity -4\nBTC-LOT/net/cross.cost -200000\nleverage.BTC-LOT[] 20
                """),
        Effect(
            title: "a wallet on top of cash",
            commands: [
                "import_position instrument=BTC-PERP quantity=4 entry_price=50 margin_mode=isolated "
                    + "isolated_wallet=33 leverage=4"
            ],
            figures: """
                BTC-PERP/net/isolated.quantity 4\nBTC-PERP/net/isolated.cost 200
                BTC-PERP/net/isolated.wallet 33
                leverage.BTC-PERP[net/isolated] 4\nUSD+imported 33
                """),
        Effect(
            title: "a wallet out of cash", conventions: Conventions(importedWalletComesFromCash: true),
            commands: [
                "import_position instrument=BTC-PERP quantity=4 entry_price=50 margin_mode=isolated "
                    + "isolated_wallet=33"
            ],
            figures: """
                BTC-PERP/net/isolated.quantity 4\nBTC-PERP/net/isolated.cost 200
                BTC-PERP/net/isolated.wallet 33
                USD.cash -33
                """),
        // 200 ÷ 3 to eight places.
        Effect(
            title: "a wallet that is not given: notional ÷ leverage", conventions: Self.eight,
            commands: [
                "import_position instrument=BTC-PERP quantity=-4 entry_price=50 "
                    + "margin_mode=isolated leverage=3"
            ],
            figures: """
                BTC-PERP/net/isolated.quantity -4\nBTC-PERP/net/isolated.cost -200
                BTC-PERP/net/isolated.wallet 66.66666666\nleverage.BTC-PERP[net/isolated] 3
                USD+imported 66.66666666
                """),
        Effect(
            title: "a hedge leg",
            commands: [
                Self.hedge,
                "import_position instrument=BTC-COIN quantity=-10 entry_price=40000 position_side=short",
            ],
            figures: "BTC-COIN/short/cross.quantity -10\nBTC-COIN/short/cross.cost -0.00025"),
    ])
    func imports(_ effect: Effect) throws {
        try check(effect)
    }

    @Test(arguments: [
        // −(3 × 0.01 × 62000) × 0.0001 = −0.186.
        Effect(
            title: "by rate, a long pays",
            commands: [
                #"prices venue=test marks={"BTC-LOT":"62000"}"#,
                "import_position instrument=BTC-LOT quantity=3 entry_price=60000",
                "funding instrument=BTC-LOT rate=0.0001",
            ],
            figures: """
                BTC-LOT/net/cross.quantity 3\nBTC-LOT/net/cross.cost 180000\nBTC-LOT/net/cross.funding -0.186
                BTC-LOT#funding -0.186\nUSD.cash -0.186\nUSD+funding -0.186
                """),
        // −(−10 × 100 ÷ 40000) × 0.001 = 0.000025 BTC.
        Effect(
            title: "by rate, an inverse short receives",
            commands: [
                #"prices venue=test marks={"BTC-COIN":"40000"}"#,
                "import_position instrument=BTC-COIN quantity=-10 entry_price=50000",
                "funding instrument=BTC-COIN rate=0.001",
            ],
            figures: """
                BTC-COIN/net/cross.quantity -10\nBTC-COIN/net/cross.cost -0.0002
                BTC-COIN/net/cross.funding 0.000025\nBTC-COIN#funding 0.000025
                BTC.cash 0.000025\nBTC+funding 0.000025
                """),
        // Each leg by itself: −0.00333333|3 and 0.00166666|6, not their sum.
        Effect(
            title: "by rate, each leg is cut by itself", conventions: Self.eight,
            commands: [
                Self.hedge, #"prices venue=test marks={"BTC-PERP":"10"}"#,
                "import_position instrument=BTC-PERP quantity=2 entry_price=10 position_side=long",
                "import_position instrument=BTC-PERP quantity=-1 entry_price=10 position_side=short",
                "funding instrument=BTC-PERP rate=0.000166666666",
            ],
            figures: """
                BTC-PERP/long/cross.quantity 2\nBTC-PERP/long/cross.cost 20
                BTC-PERP/long/cross.funding -0.00333333
                BTC-PERP/short/cross.quantity -1\nBTC-PERP/short/cross.cost -10
                BTC-PERP/short/cross.funding 0.00166666
                BTC-PERP#funding -0.00166667\nUSD.cash -0.00166667\nUSD+funding -0.00166667
                """),
        Effect(
            title: "by amount, to one leg; an isolated one's wallet pays",
            commands: [
                Self.hedge,
                "import_position instrument=BTC-PERP quantity=2 entry_price=10 position_side=long",
                "import_position instrument=BTC-PERP quantity=-1 entry_price=10 position_side=short "
                    + "margin_mode=isolated isolated_wallet=4",
                "funding instrument=BTC-PERP amount=-1.5 position_side=short",
            ],
            figures: """
                BTC-PERP/long/cross.quantity 2\nBTC-PERP/long/cross.cost 20
                BTC-PERP/short/isolated.quantity -1\nBTC-PERP/short/isolated.cost -10
                BTC-PERP/short/isolated.wallet 2.5\nBTC-PERP/short/isolated.funding -1.5
                BTC-PERP#funding -1.5\nUSD+funding -1.5\nUSD+imported 4
                """),
    ])
    func funding(_ effect: Effect) throws {
        try check(effect)
    }

    @Test(arguments: [
        Effect(
            title: "profit at the mark goes to cash and the session begins anew",
            commands: [
                "fill instrument=BTC-PERP side=buy quantity=3 price=100",
                "fill instrument=BTC-PERP side=sell quantity=1 price=104",
                #"prices venue=test marks={"BTC-PERP":"110"}"#, "settle",
            ],
            figures: """
                BTC-PERP/net/cross.quantity 2\nBTC-PERP/net/cross.cost 220
                BTC-PERP/net/cross.openingCost 200\nBTC-PERP/net/cross.realised 24
                BTC-PERP#realised 24\nBTC-PERP#volume 404\nUSD.cash 24\nUSD+realised 24
                """),
        Effect(
            title: "a partial close after it counts from the mark",
            commands: [
                "fill instrument=BTC-PERP side=buy quantity=2 price=100",
                #"prices venue=test marks={"BTC-PERP":"110"}"#, "settle instrument=BTC-PERP",
                "fill instrument=BTC-PERP side=sell quantity=1 price=111",
            ],
            figures: """
                BTC-PERP/net/cross.quantity 1\nBTC-PERP/net/cross.cost 110
                BTC-PERP/net/cross.openingCost 100\nBTC-PERP/net/cross.realised 21
                BTC-PERP#realised 21\nBTC-PERP#session 1\nBTC-PERP#volume 311\nUSD.cash 21\nUSD+realised 21
                """),
        Effect(
            title: "one instrument only, an isolated position's wallet, an inverse contract",
            commands: [
                "import_position instrument=BTC-COIN quantity=10 entry_price=50000 margin_mode=isolated "
                    + "isolated_wallet=0.01",
                "fill instrument=BTC-PERP side=buy quantity=1 price=100",
                "fill instrument=BTC-PERP side=sell quantity=1 price=101",
                #"prices venue=test marks={"BTC-COIN":"40000"}"#, "settle instrument=BTC-COIN",
            ],
            figures: """
                BTC-COIN/net/isolated.quantity 10\nBTC-COIN/net/isolated.cost 0.00025
                BTC-COIN/net/isolated.openingCost 0.0002\nBTC-COIN/net/isolated.wallet 0.005
                BTC-COIN/net/isolated.realised -0.005\nBTC-COIN#realised -0.005
                BTC-PERP#realised 1\nBTC-PERP#session 1\nBTC-PERP#volume 201
                BTC+realised -0.005\nBTC+imported 0.01\nUSD.cash 1\nUSD+realised 1
                """),
        Effect(
            title: "by the indices where no mark was given",
            commands: [
                "import_position instrument=BTC-PERP quantity=1 entry_price=100",
                #"prices venue=test index={"BTC":"90","USD":"0.9"}"#, "settle",
                #"prices venue=test index={"BTC":"1","USD":"3"}"#, "settle",
            ],
            // 90 ÷ 0.9 = 100, then 1 ÷ 3 to eight places.
            figures: """
                BTC-PERP/net/cross.quantity 1\nBTC-PERP/net/cross.cost 0.33333333
                BTC-PERP/net/cross.openingCost 100\nBTC-PERP/net/cross.realised -99.66666667
                BTC-PERP#realised -99.66666667\nUSD.cash -99.66666667\nUSD+realised -99.66666667
                """),
        Effect(title: "nothing open", commands: ["settle"], figures: ""),
    ])
    func settlement(_ effect: Effect) throws {
        try check(effect)
    }

    @Test func derivedFigures() throws {
        let bench = try Bench(
            TestVenue(),
            [
                "import_position instrument=BTC-LOT quantity=-3 entry_price=60000",
                "import_position instrument=BTC-COIN quantity=7 entry_price=30000",
            ])
        let account = try bench.account()
        let lots = try #require(account.position("BTC-LOT", side: .net, marginMode: .cross))
        let coin = try #require(account.position("BTC-COIN", side: .net, marginMode: .cross))
        let mark = ExactDecimal(50000)
        #expect(try lots.entryPrice(rounding: .halfEven) == ExactDecimal(60000))
        // 7 ÷ 0.000233333333333333 = 30000.0000000000428…
        #expect(try coin.entryPrice(places: 8, rounding: .halfUp) == ExactDecimal(30000))
        #expect(try lots.unrealized(at: mark, rounding: .halfEven) == ExactDecimal(300))
        #expect(try coin.unrealized(at: mark, rounding: .halfEven) == ExactDecimal("0.0093333333333333"))
        #expect(try lots.notional(at: mark, rounding: .halfEven) == ExactDecimal(-1500))
        #expect(try coin.notional(at: mark, rounding: .halfEven) == ExactDecimal(700))
        #expect(try lots.settledNotional(at: mark) == ExactDecimal(-1500))
        #expect(try coin.settledNotional(at: mark) == ExactDecimal("0.014"))
        #expect(!lots.isLong && coin.isLong)
    }
}
