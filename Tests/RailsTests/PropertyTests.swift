import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Rails

/// Relations that hold for every account, over accounts made from a seed.
@Suite("Properties")
struct PropertyTests {
    @Test(arguments: 1...150)
    func sumsAndBounds(seed: Int) throws {
        for profile in WireProfile.allCases {
            let world = try madeWorld(seed: seed, profile)
            let body = try world.balances()
            let rows = body["marketBalancesMap"]?.object?.members.map(\.value) ?? []
            func sum(_ key: String) throws -> ExactDecimal { try rows.map { try $0.decimal(key) }.sum() }
            let comment = Comment(rawValue: "seed \(seed), \(profile)")
            // The total is what the flows of the ledger leave in cash, found without any of the fields.
            let account = try #require(world.account("desk"))
            let held = try account.positions.map(\.isolatedWallet).sum()
            #expect(
                try body.decimal("totalBalance") == (account.cash("USD") + held).cut(places: 8), comment)
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
            let cross = try account.positions.filter { $0.marginMode == .cross }.map(\.cost.magnitude).sum()
            let exposure = try ExactFraction(cross + sum("openBuy") + sum("openSell"))
            #expect(
                try body.decimal("margin")
                    == (exposure.over(leverage) + ExactFraction(held)).rounded(
                        places: 18, rounding: .towardZero), comment)
            #expect(
                try body.decimal("maintenanceMargin")
                    == cross.times(ExactDecimal("0.03"), places: 8, rounding: .towardZero), comment)
            #expect(
                try body.decimal("availableBalance")
                    == body.decimal("totalBalance") - body.decimal("maintenanceMargin")
                    - held.cut(places: 8), comment)
        }
    }

    /// With a market's price at its liquidation price, equity meets maintenance.
    @Test(arguments: 1...150)
    func liquidationPriceMeetsMaintenance(seed: Int) throws {
        for profile in WireProfile.allCases {
            let start = try madeWorld(seed: seed, profile)
            let rate = try ExactDecimal(profile == .live ? "0.1" : "0.03")
            for (name, price) in try start.liquidationPrices() {
                let world = try madeWorld(seed: seed, profile)
                try world.apply(mark(name, price.description))
                let after = try #require(world.account("desk"))
                let own = try #require(after.positions.first { $0.instrument.name == name })
                let isAlone = own.marginMode == .isolated
                var equity = ExactFraction(isAlone ? own.isolatedWallet : after.cash("USD"))
                var size = ExactFraction.zero
                for position in after.positions
                where isAlone ? position.instrument.name == name : position.marginMode == .cross {
                    let market = world.model.market(
                        try #require(world.snapshot(of: "desk")).prices, at: after.updatedAt)
                    let price = try #require(market.mark(position.instrument))
                    let value = try ExactFraction(position.quantity).times(price)
                    try size +=
                        profile == .live ? value.magnitude : ExactFraction(position.cost.magnitude)
                    try equity += value - ExactFraction(position.cost)
                }
                let gap = try (equity - size.times(rate)).rounded(places: 18, rounding: .halfEven)
                // One unit of the price's last digit is worth so much of the position.
                let unit = try ExactDecimal(
                    units: 4 + 2 * own.quantity.magnitude.units / 1_000_000_000_000_000_000)
                #expect(gap.magnitude <= unit, "seed \(seed), \(profile), \(name): \(gap)")
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
                try madeWorld(seed: seed, .documented).statement("desk")
                    == madeWorld(seed: seed, .documented).statement("desk"))
        }
    }
}
