import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Rails

/// Every served figure has an explanation, and the explanation leads to the very digits that are served.
@Suite("Explanations")
struct ExplanationTests {
    /// Every value of the body with its path, in the body's order.
    private func served(_ body: JSONValue, under prefix: String = "") -> [(path: String, value: String)] {
        (body.object?.members ?? []).flatMap { member in
            member.value.text.map { [(path: prefix + member.key, value: $0)] }
                ?? served(member.value, under: "\(prefix)\(member.key).")
        }
    }

    private func explanations(_ world: RailsWorld) throws -> [Explanation] {
        try world.model.explain(try #require(world.snapshot(of: "desk")), through: world)
    }

    private func health(_ world: RailsWorld) throws -> MarginHealth? {
        try world.model.health(of: try #require(world.snapshot(of: "desk")))
    }

    /// What must hold of any account: completeness, order, inputs that are explained, the same definition.
    private func check(_ world: RailsWorld, _ comment: Comment) throws {
        let explanations = try explanations(world)
        let byPath = Dictionary(grouping: explanations, by: \.path)
        #expect(byPath.values.allSatisfy { $0.count == 1 }, comment)
        let served = served(try world.balances())
        let paths = Set(served.map(\.path))
        #expect(explanations.map(\.path).filter(paths.contains) == served.map(\.path), comment)
        for (path, value) in served { #expect(byPath[path]?.first?.value == value, "\(path), \(comment)") }
        for explanation in explanations {
            #expect(!explanation.formula.isEmpty && !explanation.source.isEmpty, comment)
            for input in explanation.inputs {
                #expect((input.origin == .figure) == (input.path != nil), comment)
                guard let path = input.path else { continue }
                let shown = try #require(byPath[path]?.first, "\(explanation.path), \(path), \(comment)")
                // What is printed cut is taken in with all its digits.
                let places = shown.rounding.hasPrefix("cut to 8") ? 8 : 18
                let printed = try ExactFraction(input.value).rounded(places: places, rounding: .towardZero)
                #expect(
                    shown.value == input.value || shown.value == printed.description,
                    "\(explanation.path), \(path), \(comment)")
            }
        }
    }

    @Test(arguments: 1...60)
    func everyServedFigure(seed: Int) throws {
        for profile in WireProfile.allCases {
            try check(madeWorld(seed: seed, profile), "seed \(seed), \(profile)")
        }
    }

    /// Values raised by hand, a market's own leverage, an empty account.
    @Test func settingsAndRaisedValues() throws {
        for profile in WireProfile.allCases {
            try check(railsWorld(profile), "empty, \(profile)")
            let world = try madeWorld(seed: 3, profile)
            try world.apply(
                desk("raise", #""flag":"margin","value":"7261788.9945""#),
                desk("raise", #""flag":"maintenanceMargin","value":"475598.23267999""#),
                desk("credit", #""asset":"USD","amount":"12.5","purpose":"promo""#))
            if profile == .live {
                try world.apply(
                    desk("deposit", #""asset":"USD","amount":"90000000000""#),
                    desk("set_leverage", #""instrument":"BTC-USD","leverage":"5""#))
            }
            try check(world, "raised, \(profile)")
            let overridden = try #require(explanations(world).first { $0.path == "margin" })
            #expect(overridden.inputs.map(\.origin) == [.overridden])
            #expect(overridden.value == "7261788.9945")
        }
    }

    /// A choice is named one only where it decides the figure.
    @Test func statusFollowsTheAccount() throws {
        let world = try railsWorld(commands: [
            desk("deposit", #""asset":"USD","amount":"100""#),
            #"{"type":"open_account","account":"sub","venue":"rails","parent":"desk"}"#,
        ])
        func status(_ path: String) throws -> Explanation.Status? {
            try explanations(world).first { $0.path == path }?.status
        }
        #expect(try status("withdraw") == .exact)
        try world.apply(desk("transfer", #""to":"sub","asset":"USD","amount":"40""#))
        #expect(try status("withdraw") == .choice)
        #expect(try status("totalBalance") == .exact)
        #expect(try status("promoCredit") == .choice)
        try check(world, "transfer")
    }

    /// By hand: 4000 at entry against 3 % of 60000; the price that ends it is 57800.
    @Test func prices() throws {
        let world = try railsWorld(commands: [
            desk("deposit", #""asset":"USD","amount":"4000""#), fill("BTC-USD", "buy", "1", "60000"),
        ])
        func explanation(_ path: String) throws -> Explanation {
            try #require(explanations(world).first { $0.path == "marketBalancesMap.BTC-USD.\(path)" })
        }
        // Nobody has given a price yet: the rulebook's references, as the one that is divided by the other.
        #expect(try explanation("indexPrice").inputs.map(\.value) == ["60000", "1"])
        #expect(try explanation("indexPrice").status == .choice)
        let atEntry = MarginHealth(equity: ExactDecimal(4000), maintenance: ExactDecimal(1800), unit: "USD")
        #expect(try health(world) == atEntry)
        try world.apply(mark("BTC-USD", "57800"))
        #expect(try explanation("indexPrice").inputs.map(\.value) == ["57800"])
        #expect(try explanation("indexPrice").status == .exact)
        #expect(try explanation("unrealizedPnl").value == "-2200")
        #expect(
            try explanation("liquidationPrice").inputs.map(\.value) == ["1", "60000", "4000", "1800", "0"])
        let atEnd = MarginHealth(equity: ExactDecimal(1800), maintenance: ExactDecimal(1800), unit: "USD")
        #expect(try health(world) == atEnd)
        #expect(try health(world)?.isLiquidated == true)
        try check(world, "prices")
    }

    @Test func health() throws {
        for profile in WireProfile.allCases {
            let world = try railsWorld(
                profile, commands: [desk("deposit", #""asset":"USD","amount":"4000""#)])
            #expect(try health(world) == nil)
            try world.apply(fill("BTC-USD", "sell", "1", "60000"), mark("BTC-USD", "61000"))
            // 3 % of 60000 at cost; 10 % of 61000 at the index price.
            #expect(
                try health(world)
                    == MarginHealth(
                        equity: ExactDecimal(3000), maintenance: ExactDecimal(profile == .live ? 6100 : 1800),
                        unit: "USD"))
            try world.apply(desk("raise", #""flag":"maintenanceMargin","value":"2999.5""#))
            #expect(try health(world)?.maintenance == ExactDecimal("2999.5"))
            #expect(try health(world)?.isLiquidated == false)
            try world.apply(fill("BTC-USD", "buy", "1", "61000"))
            #expect(try health(world) == nil)
        }
    }

    /// A mark at a long's liquidation price liquidates; a unit of the last digit above it does not.
    @Test(arguments: 1...60)
    func liquidationPriceIsWhereHealthEnds(seed: Int) throws {
        for profile in WireProfile.allCases {
            let start = try madeWorld(seed: seed, profile)
            for (market, price) in try start.liquidationPrices() {
                let world = try madeWorld(seed: seed, profile)
                let position = try #require(
                    world.account("desk")?.positions.first { $0.instrument.name == market })
                let step = try ExactDecimal("0.000001")
                let worse = position.isLong ? -step : step
                // Another pool may be beyond its end already.
                let isOnePool =
                    world.account("desk")?.positions.allSatisfy { $0.marginMode == .cross } == true
                for (change, isLiquidated) in isOnePool ? [(worse, true), (-worse, false)] : [(worse, true)] {
                    try world.apply(mark(market, try (price + change).description))
                    #expect(
                        try health(world)?.isLiquidated == isLiquidated,
                        "seed \(seed), \(profile), \(market)")
                }
            }
        }
    }
}
