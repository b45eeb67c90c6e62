import JSON
import Ledger
import Numbers
import Rails
import Testing
import Venue
import VenueTestSupport

/// Relations that hold for every account, over accounts made from a seed.
@Suite("Properties")
struct PropertyTests {
    private static let markets = ["BTC-USD", "ETH-USD", "SOL-USD", "XRP-USD", "DOGE-USD"]

    /// An account with trades, funding, flows and orders, all from one seed.
    private func account(_ seed: UInt64, _ profile: WireProfile) throws -> RailsWorld {
        var numbers = SeededNumbers(seed: seed)
        let world = try railsWorld(profile)
        try world.apply(
            desk(
                "deposit", #""asset":"USD","amount":"\#(numbers.decimal(upTo: 90_000_000_000, places: 6))""#),
            desk("configure", #""settings":{"leverage":"\#(Int.random(in: 1...5, using: &numbers))"}"#))
        for step in 0..<Int.random(in: 1...25, using: &numbers) {
            let market = try #require(Self.markets.randomElement(using: &numbers))
            let side = Bool.random(using: &numbers) ? "buy" : "sell"
            let quantity = numbers.decimal(upTo: 90_000, places: 4)
            let price = numbers.decimal(upTo: 9_000_000, places: 3)
            let fee = numbers.decimal(upTo: 5_000_000_000, places: 11)
            switch Int.random(in: 0..<10, using: &numbers) {
            case 0: try world.apply(order("o\(step)", market, side, quantity, price, #""force":true"#))
            case 1: try world.apply(mark(market, price))
            case 2:
                let amount = numbers.decimal(upTo: 900_000, places: 4)
                try world.apply(
                    desk("withdraw", #""asset":"USD","amount":"\#(amount)","fee":"0.5","force":true"#))
            case 3 where world.account("desk")?.positions.contains { $0.instrument.name == market } == true:
                try world.apply(desk("funding", #""instrument":"\#(market)","rate":"0.000125""#))
            default: try world.apply(fill(market, side, quantity, price, fee: fee))
            }
        }
        return world
    }

    @Test(arguments: 1...150)
    func sumsAndBounds(seed: Int) throws {
        for profile in WireProfile.allCases {
            let world = try account(UInt64(seed), profile)
            let body = try world.balances()
            let rows = body["marketBalancesMap"]?.object?.members.map(\.value) ?? []
            func sum(_ key: String) throws -> ExactDecimal { try rows.map { try $0.decimal(key) }.sum() }
            let comment = Comment(rawValue: "seed \(seed), \(profile)")
            // The total is what the flows of the ledger leave in cash, found without any of the fields.
            let cash = try #require(world.account("desk")).cash("USD")
            #expect(try body.decimal("totalBalance") == cash.cut(places: 8), comment)
            let parts =
                try body.decimal("deposit") - body.decimal("withdraw") - body.decimal("withdrawFees")
                - body.decimal("fees") + sum("positionPnl") + sum("positionFunding")
            #expect(try body.decimal("totalBalance") == parts.cut(places: 8), comment)
            #expect(try body.decimal("fees") == sum("fees"), comment)
            #expect(try body.decimal("volume") == sum("volume"), comment)
            #expect(try body.decimal("pnl") == sum("positionPnl").cut(places: 8), comment)
            #expect(try body.decimal("funding") == sum("positionFunding").cut(places: 8), comment)
            for row in rows {
                #expect(try row.decimal("pnl") == row.decimal("positionPnl").cut(places: 8), comment)
                #expect(row["funding"] == row["positionFunding"], comment)
                #expect(try row.decimal("liquidationPrice") >= .zero, comment)
            }
            guard profile == .documented else { continue }
            let leverage = try body.decimal("leverage")
            let exposure = try sum("position") + sum("openBuy") + sum("openSell")
            #expect(try body.decimal("margin") == exposure.over(leverage, rounding: .towardZero), comment)
            #expect(
                try body.decimal("maintenanceMargin")
                    == sum("position").times(ExactDecimal("0.03"), places: 8, rounding: .towardZero), comment)
            #expect(
                try body.decimal("availableBalance")
                    == body.decimal("totalBalance") - body.decimal("maintenanceMargin"), comment)
        }
    }

    /// With a market's price at its liquidation price, equity meets maintenance.
    @Test(arguments: 1...150)
    func liquidationPriceMeetsMaintenance(seed: Int) throws {
        for profile in WireProfile.allCases {
            let start = try account(UInt64(seed), profile)
            let rate = try ExactDecimal(profile == .live ? "0.1" : "0.03")
            for row in try start.figures().markets where row.liquidationPrice.isPositive {
                let world = try account(UInt64(seed), profile)
                try world.apply(mark(row.market, row.liquidationPrice.description))
                let after = try #require(world.account("desk"))
                var size = ExactDecimal.zero
                for position in after.positions {
                    let market = world.model.market(
                        try #require(world.snapshot(of: "desk")).prices, at: after.updatedAt)
                    let price = try #require(market.mark(position.instrument))
                    let atIndex = try position.quantity.times(price, rounding: .halfEven).magnitude
                    size = try size + (profile == .live ? atIndex : position.cost.magnitude)
                }
                let gap = try world.figures().equity - size.times(rate, rounding: .halfEven)
                // One unit of the price's last digit is worth so much of the position.
                let unit = try ExactDecimal(
                    units: 4 + 2 * row.positionQuantity.magnitude.units / 1_000_000_000_000_000_000)
                #expect(gap.magnitude <= unit, "seed \(seed), \(profile), \(row.market): \(gap)")
            }
        }
    }

    /// No price where there is no positive answer: a long that the account could lose whole.
    @Test func noLiquidationPrice() throws {
        for profile in WireProfile.allCases {
            let world = try railsWorld(
                profile,
                commands: [
                    desk("deposit", #""asset":"USD","amount":"100000""#),
                    fill("BTC-USD", "buy", "1", "60000"),
                ])
            #expect(try world.balances().market("BTC-USD")["liquidationPrice"]?.text == "0")
            try world.apply(fill("BTC-USD", "sell", "1", "60000"))
            #expect(try world.balances().market("BTC-USD")["liquidationPrice"]?.text == "0")
        }
    }

    /// One market in an account: documented 9000 ÷ 30000 short by hand, both profiles.
    @Test(arguments: [
        (WireProfile.documented, "buy", "57800"), (.documented, "sell", "62200"),
        (.live, "buy", "62222.222222222222222222"), (.live, "sell", "58181.818181818181818181"),
    ])
    func singleMarket(profile: WireProfile, side: String, price: String) throws {
        // Equity 4000 at entry, maintenance at cost 0.03 × 60000 = 1800: the price may move by 2200.
        // Later rules: long (60000 − 4000) ÷ 0.9, short (60000 + 4000) ÷ 1.1.
        let world = try railsWorld(
            profile,
            commands: [
                desk("deposit", #""asset":"USD","amount":"4000""#), fill("BTC-USD", side, "1", "60000"),
            ])
        #expect(try world.balances().market("BTC-USD")["liquidationPrice"]?.text == price)
    }

    @Test func sameAnswerEveryTime() throws {
        for seed in 1...10 {
            #expect(
                try account(UInt64(seed), .documented).statement("desk")
                    == account(UInt64(seed), .documented).statement("desk"))
        }
    }
}
