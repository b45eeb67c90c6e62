import JSON
import Ledger
import Numbers
import Testing

/// What a command does: the commands before it, the command, and every figure that is not zero afterwards,
/// worked out by hand.
struct Effect: CustomTestStringConvertible, Sendable {
    let title: String
    var conventions = Conventions()
    var commands: [String]
    let figures: String

    var testDescription: String { title }
}

@Suite("What each command does to an account")
struct CommandTests {
    static let eight = Conventions(bookedPlaces: 8, feePlaces: 8, amountPlaces: 8)

    private func check(_ effect: Effect) throws {
        let bench = try Bench(TestVenue(conventions: effect.conventions), effect.commands)
        let account = try bench.account()
        #expect(figures(account) == sorted(effect.figures))
        #expect(try account.imbalances().isEmpty)
    }

    @Test(arguments: [
        Effect(
            title: "deposit", commands: ["deposit asset=USD amount=100.5", "deposit asset=USD amount=0.25"],
            figures: "USD.cash 100.75\nUSD+deposited 100.75"),
        Effect(
            title: "withdraw with a fee",
            commands: ["deposit asset=USD amount=100", "withdraw asset=USD amount=30 fee=1.5"],
            figures: "USD.cash 68.5\nUSD+deposited 100\nUSD+withdrawn 30\nUSD+withdrawalFees 1.5"),
        Effect(
            title: "assets that the venue exchanges by itself",
            commands: [
                "deposit asset=BTC amount=3", "withdraw asset=USD amount=9 force=true",
                "auto_exchange liquidation=true",
            ],
            figures: """
                BTC.cash 1.5\nBTC+deposited 3\nBTC+exchanged -1.5
                USD.cash -8\nUSD+withdrawn 9\nUSD+exchanged 1
                """),
        Effect(
            title: "withdraw by force", commands: ["withdraw asset=BTC amount=2 force=true"],
            figures: "BTC.cash -2\nBTC+withdrawn 2"),
        Effect(
            title: "borrow", commands: ["borrow asset=USD amount=50"],
            figures: "USD.cash 50\nUSD.borrowed 50\nUSD+loans 50"),
        Effect(
            title: "interest taken from cash at once",
            commands: ["deposit asset=USD amount=10", "accrue_interest asset=USD amount=2"],
            figures: "USD.cash 8\nUSD+deposited 10\nUSD+interestPaid 2"),
        Effect(
            title: "interest kept apart", conventions: Conventions(keepsInterestApart: true),
            commands: ["borrow asset=USD amount=50", "accrue_interest asset=USD amount=2"],
            figures: "USD.cash 50\nUSD.borrowed 50\nUSD.interest 2\nUSD+loans 50"),
        Effect(
            title: "repay a part of the interest", conventions: Conventions(keepsInterestApart: true),
            commands: [
                "borrow asset=USD amount=50", "accrue_interest asset=USD amount=2",
                "repay asset=USD amount=1.5",
            ],
            figures: """
                USD.cash 48.5\nUSD.borrowed 50\nUSD.interest 0.5\nUSD+loans 50\nUSD+interestPaid 1.5
                """),
        Effect(
            title: "repay interest first, then principal", conventions: Conventions(keepsInterestApart: true),
            commands: [
                "borrow asset=USD amount=50", "accrue_interest asset=USD amount=2",
                "repay asset=USD amount=12",
            ],
            figures: "USD.cash 38\nUSD.borrowed 40\nUSD+loans 40\nUSD+interestPaid 2"),
        Effect(
            title: "reserve for a strategy leaves cash",
            commands: ["deposit asset=USD amount=100", "reserve asset=USD amount=30 purpose=strategy"],
            figures: "USD.cash 70\nUSD.reserved.strategy 30\nUSD+deposited 100"),
        Effect(
            title: "reserve for anything else does not",
            commands: [
                "deposit asset=USD amount=100", "reserve asset=USD amount=30 purpose=copy_trading",
                "reserve asset=USD amount=5 purpose=fixed",
                "release asset=USD amount=10 purpose=copy_trading",
            ],
            figures: """
                USD.cash 100\nUSD.reserved.copy_trading 20\nUSD.reserved.fixed 5\nUSD+deposited 100
                """),
        Effect(
            title: "release all of a strategy",
            commands: [
                "deposit asset=USD amount=100", "reserve asset=USD amount=30 purpose=strategy",
                "release asset=USD amount=30 purpose=strategy",
            ], figures: "USD.cash 100\nUSD+deposited 100"),
        Effect(
            title: "credit",
            commands: [
                "credit asset=USD amount=5 purpose=promo", "credit asset=USD amount=1 purpose=promo",
            ], figures: "USD.credit.promo 6"),
    ])
    func money(_ effect: Effect) throws {
        try check(effect)
    }

    @Test(arguments: [
        Effect(
            title: "place",
            commands: [
                "deposit asset=USD amount=1",
                "place_order order_id=o1 instrument=BTC-PERP side=buy quantity=2 price=90",
            ], figures: "USD.cash 1\nUSD+deposited 1\norder.o1 buy 2 of 2 at 90"),
        Effect(
            title: "place by force, twice, and cancel one",
            commands: [
                "place_order order_id=o1 instrument=BTC-PERP side=buy quantity=2 price=90 force=true",
                "place_order order_id=o2 instrument=BTC-USD side=sell quantity=1 price=95 force=true",
                "cancel_order order_id=o1",
            ], figures: "order.o2 sell 1 of 1 at 95"),
        Effect(
            title: "a fill of a part",
            commands: [
                "place_order order_id=o1 instrument=BTC-PERP side=buy quantity=2 price=90 force=true",
                "fill order_id=o1 instrument=BTC-PERP side=buy quantity=0.5 price=89",
            ],
            figures: """
                order.o1 buy 1.5 of 2 at 90
                BTC-PERP/net/cross.quantity 0.5\nBTC-PERP/net/cross.cost 44.5\nBTC-PERP#volume 44.5
                """),
        Effect(
            title: "a fill of the rest ends the order",
            commands: [
                "place_order order_id=o1 instrument=BTC-PERP side=buy quantity=2 price=90 force=true",
                "fill order_id=o1 instrument=BTC-PERP side=buy quantity=0.5 price=89",
                "fill order_id=o1 instrument=BTC-PERP side=buy quantity=1.5 price=90",
            ],
            figures: """
                BTC-PERP/net/cross.quantity 2\nBTC-PERP/net/cross.cost 179.5\nBTC-PERP#volume 179.5
                """),
        Effect(
            title: "a fill takes the margin mode of its order",
            commands: [
                "place_order order_id=o1 instrument=BTC-PERP side=sell quantity=2 price=90 "
                    + "margin_mode=isolated "
                    + "force=true",
                "fill order_id=o1 instrument=BTC-PERP side=sell quantity=1 price=90",
            ],
            figures: """
                order.o1 sell 1 of 2 at 90
                BTC-PERP/net/isolated.quantity -1\nBTC-PERP/net/isolated.cost -90
                BTC-PERP/net/isolated.wallet 9
                USD.cash -9\nBTC-PERP#volume 90
                """),
        Effect(
            title: "a fill takes the side of its order in hedge mode",
            commands: [
                #"configure settings={"hedge":true}"#,
                "place_order order_id=o1 instrument=BTC-PERP side=sell quantity=2 price=90 "
                    + "position_side=short "
                    + "force=true",
                "fill order_id=o1 instrument=BTC-PERP side=sell quantity=2 price=90",
            ],
            figures: """
                BTC-PERP/short/cross.quantity -2\nBTC-PERP/short/cross.cost -180\nBTC-PERP#volume 180
                """),
    ])
    func orders(_ effect: Effect) throws {
        try check(effect)
    }

    @Test(arguments: [
        Effect(
            title: "buy, fee in the quote",
            commands: [
                "fill instrument=BTC-USD side=buy quantity=0.5 price=60000 fee=3"
            ],
            figures: """
                BTC.cash 0.5\nBTC+exchanged 0.5
                BTC.spot.quantity 0.5\nBTC.spot.bought 30000\nBTC.spot.open 30000
                USD.cash -30003\nUSD+exchanged -30000\nUSD+tradingFees 3
                BTC-USD#volume 30000\nBTC-USD#fees 3
                """),
        Effect(
            title: "sell a part, fee in the base; the average of purchases stays",
            commands: [
                "fill instrument=BTC-USD side=buy quantity=0.5 price=60000",
                "fill instrument=BTC-USD side=sell quantity=0.2 price=70000 fee=0.001 fee_asset=BTC",
            ],
            figures: """
                BTC.cash 0.299\nBTC+exchanged 0.3\nBTC+tradingFees 0.001
                BTC.spot.quantity 0.3\nBTC.spot.bought 30000\nBTC.spot.sold 14000\nBTC.spot.open 18000
                USD.cash -16000\nUSD+exchanged -16000
                BTC-USD#volume 44000\nBTC-USD#fees 0.001
                """),
        Effect(
            title: "selling more than was bought drops the spot cost",
            commands: [
                "deposit asset=BTC amount=1", "fill instrument=BTC-USD side=buy quantity=0.5 price=60000",
                "fill instrument=BTC-USD side=sell quantity=0.6 price=70000",
            ],
            figures: """
                BTC.cash 0.9\nBTC+deposited 1\nBTC+exchanged -0.1
                USD.cash 12000\nUSD+exchanged 12000\nBTC-USD#volume 72000
                """),
        Effect(
            title: "spot cost is in USD at the quote's index",
            commands: [
                #"prices venue=test index={"USD":"0.9"}"#,
                "fill instrument=BTC-USD side=buy quantity=2 price=10",
            ],
            figures: """
                BTC.cash 2\nBTC+exchanged 2\nBTC.spot.quantity 2\nBTC.spot.bought 18\nBTC.spot.open 18
                USD.cash -20\nUSD+exchanged -20\nBTC-USD#volume 20
                """),
        Effect(
            title: "a rebate, and a fee cut to the places that are booked", conventions: Self.eight,
            commands: [
                "fill instrument=BTC-USD side=buy quantity=1 price=10 fee=0.123456789",
                "fill instrument=BTC-USD side=sell quantity=1 price=10 fee=-0.000000019",
            ],
            figures: """
                USD.cash -0.12345677\nUSD+tradingFees 0.12345677
                BTC-USD#volume 20\nBTC-USD#fees 0.12345677
                """),
    ])
    func spot(_ effect: Effect) throws {
        try check(effect)
    }

    @Test(arguments: [
        Effect(
            title: "set for all, then for one side and mode, then for the mode, then for all",
            commands: [
                "set_leverage instrument=BTC-PERP leverage=5",
                "set_leverage instrument=BTC-PERP leverage=6 position_side=long margin_mode=isolated",
                "set_leverage instrument=BTC-PERP leverage=7 position_side=short",
                "set_leverage instrument=BTC-LOT leverage=2",
                "set_leverage instrument=BTC-PERP leverage=8 margin_mode=isolated",
            ],
            figures: """
                leverage.BTC-PERP[] 5\nleverage.BTC-PERP[short] 7\nleverage.BTC-PERP[isolated] 8
                leverage.BTC-LOT[] 2
                """),
        Effect(
            title: "set for all replaces everything set before",
            commands: [
                "set_leverage instrument=BTC-PERP leverage=6 position_side=long margin_mode=isolated",
                "set_leverage instrument=BTC-PERP leverage=7 position_side=short",
                "set_leverage instrument=BTC-PERP leverage=3.5",
            ], figures: "leverage.BTC-PERP[] 3.5"),
        Effect(
            title: "raise, of the account and of an asset",
            commands: [
                "raise flag=twap value=2", "raise flag=twap asset=USD value=3", "raise flag=off value=true",
                "raise flag=twap value=4",
            ],
            figures: #"""
                raised.off[] true
                raised.twap[USD] "3"
                raised.twap[] "4"
                """#),
        Effect(
            title: "raise to null lifts",
            commands: [
                "raise flag=twap value=2", "raise flag=twap asset=USD value=3", "raise flag=twap value=null",
            ], figures: #"raised.twap[USD] "3""#),
    ])
    func settings(_ effect: Effect) throws {
        try check(effect)
    }

    @Test func leverageThatFits() throws {
        let bench = try Bench(
            TestVenue(),
            [
                "set_leverage instrument=BTC-PERP leverage=5",
                "set_leverage instrument=BTC-PERP leverage=7 position_side=short",
                "set_leverage instrument=BTC-PERP leverage=8 margin_mode=isolated",
            ])
        let account = try bench.account()
        func leverage(_ side: PositionSide, _ mode: MarginMode) -> ExactDecimal? {
            account.leverage("BTC-PERP", side: side, marginMode: mode)
        }
        #expect(leverage(.net, .cross) == ExactDecimal(5))
        #expect(leverage(.short, .cross) == ExactDecimal(7))
        #expect(leverage(.long, .isolated) == ExactDecimal(8))
        // Both fit equally well; the later one counts.
        #expect(leverage(.short, .isolated) == ExactDecimal(8))
        #expect(account.leverage("BTC-LOT", side: .net, marginMode: .cross) == nil)
    }

    @Test func openingAndConfiguring() throws {
        var bench = try Bench()
        try bench.apply(#"open_account account=child venue=test parent=a settings={"tier":"gold"} at=2000"#)
        try bench.apply(#"configure account=child settings={"hedge":true} at=3000"#)
        let child = try bench.account("child")
        #expect(child.parent == "a")
        #expect(child.openedAt.milliseconds == 2000)
        #expect(child.updatedAt.milliseconds == 3000)
        #expect(child.version == 2)
        #expect(child.lastSequence == 3)
        #expect(child.settings == Settings([("hedge", .bool(true)), ("tier", .string("gold"))]))
        #expect(
            try bench.account().settings == Settings([("hedge", .bool(false)), ("tier", .string("basic"))]))
        #expect(bench.state.accountIDs == ["a", "child"])
        #expect(bench.state.subaccounts(of: "a") == ["child"])
        #expect(bench.state.accountCount == 2)
    }

    @Test func transfersMoveWithinTheFamily() throws {
        var bench = try Bench(
            TestVenue(),
            [
                "open_account account=b venue=test parent=a", "open_account account=c venue=test parent=a",
                "deposit asset=USD amount=100", "transfer to=b asset=USD amount=60",
                "transfer account=b to=c asset=USD amount=25 at=5000",
                "transfer account=c to=a asset=USD amount=5 at=6000",
            ])
        #expect(
            figures(try bench.account("a")) == sorted("USD.cash 45\nUSD+deposited 100\nUSD+transferred -55"))
        #expect(figures(try bench.account("b")) == sorted("USD.cash 35\nUSD+transferred 35"))
        #expect(figures(try bench.account("c")) == sorted("USD.cash 20\nUSD+transferred 20"))
        #expect(try bench.account("a").updatedAt.milliseconds == 6000)
        #expect(try bench.account("c").lastSequence == 7)
        // Without a time of its own a transfer happens after the last event of both.
        let events = try bench.apply("transfer account=b to=a asset=USD amount=1")
        #expect(events.map(\.at.milliseconds) == [6000])
    }

    @Test func pricesAreOfTheVenue() throws {
        var bench = try Bench()
        let before = try bench.account()
        try bench.apply(#"prices venue=test marks={"BTC-PERP":"60000.5"} index={"BTC":"60010"} at=2000"#)
        try bench.apply(#"prices venue=test marks={"BTC-PERP":"60001"} at=3000"#)
        let prices = bench.state.prices(of: TestVenue.place)
        #expect(prices.mark("BTC-PERP") == ExactDecimal(60001))
        #expect(prices.index("BTC") == ExactDecimal(60010))
        #expect(prices.index["BTC"]?.at.milliseconds == 2000)
        #expect(prices.updatedAt?.milliseconds == 3000)
        #expect(prices.mark("BTC-LOT") == nil)
        #expect(try bench.account() == before)
        #expect(bench.state.prices(of: VenueName(rawValue: "other")) == VenuePrices())
    }

    @Test func sequencesCountEveryEvent() throws {
        var bench = try Bench()
        let first = try bench.apply("fill instrument=BTC-PERP side=buy quantity=1 price=10")
        #expect(first.map(\.sequence) == [2, 3])
        #expect(first.map(\.typeName) == ["instrument_defined", "filled"])
        #expect(first.map(\.account) == [nil, "a"])
        let second = try bench.apply("fill instrument=BTC-PERP side=buy quantity=1 price=10")
        #expect(second.map(\.sequence) == [4])
        #expect(try bench.account().version == 3)
    }
}
