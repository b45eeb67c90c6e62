import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import CryptoCom

/// Every served figure has an explanation, with the very digits that are served.
@Suite("Explanations")
struct ExplanationTests {
    private static let names: Set<String> = ["instrument_name", "isolation_id", "isolation_type"]

    /// Every number and switch of an account object with its path, in the body's order.
    private func served(
        _ object: JSONValue, under prefix: String = "", isolated: [String] = []
    ) -> [(path: String, value: String)] {
        (object.object?.members ?? []).flatMap { member -> [(path: String, value: String)] in
            let path = prefix + member.key
            if Self.names.contains(member.key) { return [] }
            if let value = member.value.text ?? member.value.boolean?.description { return [(path, value)] }
            return (member.value.elements ?? []).enumerated().flatMap { place, element in
                let name =
                    member.key == "isolated_positions"
                    ? isolated[place] : element["instrument_name"]?.text ?? ""
                return served(element, under: "\(path).\(name).")
            }
        }
    }

    private func explanations(_ world: World) throws -> [Explanation] {
        try world.model.explain(try #require(world.snapshot(of: "desk")), through: world)
    }

    private func health(_ world: World) throws -> MarginHealth? {
        try world.model.health(of: try #require(world.snapshot(of: "desk")))
    }

    /// What must hold of any account: completeness, order, inputs that are explained.
    private func check(_ world: World, _ comment: Comment) throws {
        let account = try #require(world.account("desk"))
        let explanations = try explanations(world)
        let byPath = Dictionary(grouping: explanations, by: \.path)
        for (path, entries) in byPath { #expect(entries.count == 1, "\(path), \(comment)") }
        let isolated = account.positions.filter { $0.marginMode == .isolated }.map(\.instrument.name)
        let served = served(try world.balance(), isolated: isolated)
        #expect(explanations.prefix(served.count).map(\.path) == served.map(\.path), comment)
        for (path, value) in served { #expect(byPath[path]?.first?.value == value, "\(path), \(comment)") }
        for explanation in explanations {
            #expect(!explanation.formula.isEmpty && !explanation.source.isEmpty, comment)
            for input in explanation.inputs {
                #expect((input.origin == .figure) == (input.path != nil), comment)
                guard let path = input.path else { continue }
                #expect(byPath[path]?.first?.value == input.value, "\(explanation.path), \(path), \(comment)")
            }
        }
    }

    /// Further commands that the account of the other properties does not have; those that it cannot have are
    /// refused and leave it as it was.
    private func extras(_ generator: inout SeededGenerator) -> [String] {
        func desk(_ type: String, _ members: String) -> String {
            #"{"type":"\#(type)","account":"desk",\#(members)}"#
        }
        return [
            order(
                "i1", "SOLUSD-PERP", "buy", generator.decimal(1...50), generator.decimal(1...500),
                more: #","margin_mode":"isolated","force":true"#),
            order(
                "i2", "BTCUSD-PERP", "sell", generator.decimal(1...50), generator.decimal(1...500),
                more: #","margin_mode":"isolated","force":true"#),
            order("r1", "ETHUSD-PERP", "buy", "1", "100", more: #","reduce_only":true,"force":true"#),
            desk("withdraw", #""asset":"ETH","amount":"\#(generator.decimal(1...3000))","force":true"#),
            desk("withdraw", #""asset":"USD","amount":"\#(generator.decimal(1...3000))","force":true"#),
            desk("reserve", #""asset":"CRO","amount":"0.5","purpose":"reserved""#),
            desk("raise", #""flag":"haircut","asset":"CRO","value":"0.25""#),
            desk("raise", #""flag":"collateral_eligible","asset":"SOL","value":false"#),
            desk("raise", #""flag":"hourly_interest_rate","asset":"USD","value":"0.0001""#),
            desk("raise", #""flag":"position_limit","value":"1234567.123456789""#),
            desk("raise", #""flag":"is_liquidating","value":true"#),
            desk("raise", #""flag":"has_risk","value":true"#),
            desk("raise", #""flag":"terminatable","value":false"#),
            desk("set_leverage", #""instrument":"SOLUSD-PERP","leverage":"7","margin_mode":"isolated""#),
            desk("configure", #""settings":{"max_leverage":"3","position_limit":"50000"}"#),
            desk("settle", #""instrument":"BTCUSD-PERP""#),
        ].filter { _ in Int.random(in: 0...2, using: &generator) == 0 }
    }

    @Test("Every served figure is explained", arguments: [WireProfile.documented, .live])
    func everyServedFigure(_ profile: WireProfile) throws {
        var generator = SeededGenerator()
        var seen = Set<String>()
        for _ in 0..<120 {
            let (prices, others) = PropertyTests.commands(&generator)
            // Without prices the rulebook's references hold, and marks follow from them.
            let givesPrices = Bool.random(using: &generator)
            let world = try makeWorld(profile, (givesPrices ? [prices] : []) + others)
            for command in extras(&generator) {
                do { try world.apply(command) } catch is Refusal { continue }
            }
            try check(world, "seed \(generator.seed)")
            for explanation in try explanations(world) {
                seen.insert(explanation.field)
                seen.formUnion(explanation.path.split(separator: ".").prefix(1).map(String.init))
                seen.formUnion(explanation.inputs.map(\.origin.rawValue))
            }
        }
        // The accounts have something of everything.
        #expect(
            seen.isSuperset(of: [
                "orders", "positions", "underlyings", "isolated_orders", "mark_price", "unrounded", "locked",
                "order_exposure", "leverage", "unrealized_pnl", "raised", "price", "rule", "setting",
            ]))
    }

    /// A haircut that grows with size, a cap and a rate for debts, none of which the built-in rules have.
    @Test func addedRules() throws {
        let amendment = try JSONValue(
            parsing: #"{"venue":"crypto-com","effective":"2026-05-01T00:00:00Z","read_on":"2026-05-01","#
                + #""source":"a test","amends":true,"assets":{"BTC":{"haircut_rate_per_unit":"0.02","#
                + #""collateral_cap_notional":"5000"},"ETH":{"hourly_interest_rate":"0.000001"}}}"#)
        for profile in WireProfile.allCases {
            let world = World(try CryptoComVenue(addedRulebooks: [amendment], profile: profile))
            try world.apply(
                #"{"type":"open_account","account":"desk","venue":"crypto-com"}"#, deposit("BTC", "10"),
                prices(index: #"{"BTC":"1000","ETH":"100"}"#),
                #"{"type":"withdraw","account":"desk","asset":"ETH","amount":"2","force":true}"#)
            try check(world, "\(profile)")
            let byPath = Dictionary(grouping: try explanations(world), by: \.path).compactMapValues(\.first)
            #expect(byPath["position_balances.BTC.haircut"]?.status == .choice)
            #expect(byPath["position_balances.BTC.counted_value"]?.value == "5000")
            #expect(byPath["position_balances.BTC.collateral_amount"]?.status == .choice)
            #expect(byPath["position_balances.ETH.haircut"]?.status == .exact)
            #expect(
                byPath["position_balances.ETH.hourly_interest_rate"]?.value
                    == (profile == .live ? "0.000001" : nil))
        }
    }

    @Test("An account that never held anything", arguments: [WireProfile.documented, .live])
    func empty(_ profile: WireProfile) throws {
        try check(makeWorld(profile), "empty")
        let silent = try makeWorld(profile, settings: #"{"empty_data":true}"#)
        #expect(try explanations(silent).isEmpty == (profile == .live))
        #expect(try health(silent) == nil)
    }

    /// 30 CRO at 0.05467 with half of it as haircut, by hand from the recording.
    @Test func recording() throws {
        let world = try makeWorld(.live, [deposit("CRO", "30"), prices(index: #"{"CRO":"0.05467"}"#)])
        func explanation(_ path: String) throws -> Explanation {
            try #require(explanations(world).first { $0.path == path })
        }
        let haircut = try explanation("total_haircut")
        #expect(haircut.value == "0.82005000")
        #expect(haircut.rounding == "rounded up at 8 places")
        #expect(haircut.inputs.map(\.path) == ["position_balances.CRO.haircut_amount"])
        let amount = try explanation("position_balances.CRO.haircut_amount")
        #expect(amount.inputs.map(\.value) == ["1.6401", "0.5"])
        let rate = try explanation("position_balances.CRO.haircut")
        #expect(rate.inputs.map(\.origin) == [.ledger, .rule])
        let value = try explanation("unrounded.position_balances.CRO.market_value")
        #expect(value.inputs.map(\.value) == ["30", "0.05467"])
        #expect(value.inputs.map(\.origin) == [.ledger, .price])
    }

    @Test func health() throws {
        let world = try makeWorld(
            .documented,
            [deposit("USD", "1000"), deposit("CRO", "10"), prices(marks: #"{"ETHUSD-PERP":"2000"}"#)])
        // Haircuts ask for margin, but there is nothing to liquidate.
        #expect(try health(world) == nil)
        try world.apply(position("ETHUSD-PERP", "1", "2000"))
        // 1000 + 10 × 0.1; half of 2000 ÷ 50 and half of the haircut of 0.5.
        #expect(
            try health(world)
                == MarginHealth(
                    equity: ExactDecimal(1001), maintenance: ExactDecimal("20.25"), unit: "USD"))
        try world.apply(prices(marks: #"{"ETHUSD-PERP":"1010"}"#))
        // 1001 − 990 = 11 against 10.1 + 0.25: not yet; a dollar lower it is.
        #expect(try health(world)?.isLiquidated == false)
        try world.apply(prices(marks: #"{"ETHUSD-PERP":"1009"}"#))
        #expect(try health(world)?.isLiquidated == true)
        #expect(try world.balance()["is_liquidating"]?.boolean == true)
    }

    @Test("A margin balance that equals maintenance is not yet liquidated; the flag and the health agree")
    func healthAtTheEdge() throws {
        let world = try makeWorld(
            .documented,
            [
                deposit("USD", "1000"), prices(marks: #"{"ETHUSD-PERP":"2000"}"#),
                position("ETHUSD-PERP", "1", "2980.2"),
            ])
        // 19.8 against half of 2000 ÷ 50; 20 against 20.002; 20.1 against 20.003.
        for (mark, isLiquidated) in [("2000", true), ("2000.2", true), ("2000.3", false)] {
            try world.apply(prices(marks: #"{"ETHUSD-PERP":"\#(mark)"}"#))
            #expect(try health(world)?.isLiquidated == isLiquidated, "\(mark)")
            #expect(try world.balance()["is_liquidating"]?.boolean == isLiquidated, "\(mark)")
        }
        // 1000.2 − 980.2 = 20 against 20.
        try world.apply(prices(marks: #"{"ETHUSD-PERP":"2000"}"#))
        try world.apply(deposit("USD", "0.2"))
        let even = try #require(try health(world))
        #expect(even.equity == even.maintenance)
        #expect(!even.isLiquidated)
        #expect(try world.balance()["is_liquidating"]?.boolean == false)
        try world.apply(#"{"type":"raise","account":"desk","flag":"is_liquidating","value":true}"#)
        #expect(try health(world)?.isLiquidated == true)
    }

    @Test("The pool nearest to liquidation is the one that counts")
    func nearestPool() throws {
        let world = try makeWorld(
            .live,
            [
                deposit("USD", "1000"), prices(marks: #"{"ETHUSD-PERP":"2000","SOLUSD-PERP":"100"}"#),
                position("ETHUSD-PERP", "1", "2000"),
                position(
                    "SOLUSD-PERP", "1", "100", more: #","margin_mode":"isolated","isolated_wallet":"10""#),
            ])
        // Isolated: 10 − 0.534 % of 100 against half of 100 ÷ 50.
        let isolated = MarginHealth(
            equity: try ExactDecimal("9.466"), maintenance: ExactDecimal(1), unit: "USD")
        #expect(try health(world) == isolated)
        try world.apply(#"{"type":"withdraw","account":"desk","asset":"USD","amount":"900","force":true}"#)
        #expect(
            try health(world)
                == MarginHealth(
                    equity: ExactDecimal("89.32"), maintenance: ExactDecimal(20), unit: "USD"))
    }

    /// A debt alone is something to liquidate for.
    @Test func debt() throws {
        let world = try makeWorld(
            .documented,
            [
                deposit("CRO", "1000"), prices(index: #"{"CRO":"0.1"}"#),
                #"{"type":"withdraw","account":"desk","asset":"USD","amount":"60","force":true}"#,
            ])
        // 100 of CRO less 60 owed, against a quarter of the CRO.
        #expect(
            try health(world)
                == MarginHealth(equity: ExactDecimal(40), maintenance: ExactDecimal(25), unit: "USD"))
    }
}
