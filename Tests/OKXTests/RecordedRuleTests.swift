import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import OKX

extension TestWorld where Model == OKXVenue {
    func explanations(_ account: String) throws -> [Explanation] {
        try model.explain(try #require(snapshot(of: account)), through: self)
    }
}

/// Rules that recorded answers settle, digit by digit.
@Suite("Rules from recordings")
struct RecordedRuleTests {
    /// V11: an isolated long of 2025.
    private func etherLong() throws -> TestWorld<OKXVenue> {
        let world = try world()
        try world.open("desk", #"{"mode":"futures"}"#)
        try world.prices(marks: #"{"ETH-USDT-SWAP":"3010.54"}"#, index: #"{"ETH":"3010","USDT":"1.0002"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"100""#),
            (
                "set_leverage",
                #""instrument":"ETH-USDT-SWAP","leverage":"10","margin_mode":"isolated""#
            ),
            (
                "fill",
                """
                "instrument":"ETH-USDT-SWAP","side":"buy","quantity":"1","price":"3011","fee":"0.15055",\
                "margin_mode":"isolated"
                """
            ))
        return world
    }

    private func positions(_ world: TestWorld<OKXVenue>) async throws -> [JSONValue] {
        world.addKey(account: "desk", apiKey: "key", secret: "secret", passphrase: "phrase")
        return try await world.data("GET", "/api/v5/account/positions")
    }

    @Test("an isolated liqPx is the margin equation's solution and one tick, to 16 digits, and explained")
    func isolatedLiquidationPrice() async throws {
        let world = try etherLong()
        let row = try #require(try await positions(world).first)
        expect(
            row,
            [
                "margin": "30.11", "upl": "-0.046", "mmr": "1.204216", "liqPx": "2722.159673530889",
                "mgnRatio": "22.1916629205686983",
            ])
        let explained = try world.explanations("desk").first {
            $0.path == "positions.ETH-USDT-SWAP.net.isolated.liqPx"
        }
        #expect(explained?.value == "2722.159673530889")
        #expect(explained?.status == .exact)
    }

    @Test(
        "an inverse position shows the price that it was filled at, though its cost is rounded",
        arguments: [
            (["100 60000.1"], "60000.1"), (["1 60000.1"], "60000.1"), (["7 61234.5"], "61234.5"),
            (["-3 0.1"], "0.1"), (["1 123456.7"], "123456.7"), (["300 50000"], "50000"),
            // However many fills: their one price is kept.
            (["100 60000.1", "100 60000.1"], "60000.1"),
            (["1 60000", "1 60001"], "60000.499995834"),
        ])
    func inverseEntryPrices(_ fills: [String], _ expected: String) async throws {
        let world = try world()
        try world.open("desk")
        try world.prices(marks: #"{"BTC-USD-SWAP":"60000"}"#, index: #"{"BTC":"60000"}"#)
        try world.run("desk", ("deposit", #""asset":"BTC","amount":"50000""#))
        for fill in fills {
            let parts = fill.split(separator: " ")
            let isSale = parts[0].hasPrefix("-")
            try world.run(
                "desk",
                (
                    "fill",
                    #""instrument":"BTC-USD-SWAP","side":"\#(isSale ? "sell" : "buy")","#
                        + #""quantity":"\#(parts[0].drop { $0 == "-" })","price":"\#(parts[1])""#
                ))
        }
        let price = try #require(try await positions(world).first?.text("avgPx"))
        #expect(price == expected)
    }

    /// V18, and the rows of `Tests/Recorded/okx`: a short, an inverse short, a price below 1.
    @Test(
        "the other recorded ones",
        arguments: [
            // pos × ctVal, entry, margin, maintenance rate, inverse, tick, liqPx
            ("-0.1", "1333", "8.33125", "0.004", false, "0.01", "1409.957645594823"),
            (
                "-93740", "4778.8384462538659751", "11.2907226596551759", "0.005", true, "0.01",
                "11198.22376279407"
            ),
            ("6130", "0.01305", "9.9995625", "0.02", false, "0.00001", "0.0116677335375191"),
            // A recording that counts more digits.
            ("0.1", "60000", "300", "0.004", false, "0.1", "57257.75946760422"),
            // Nothing can be lost beyond the margin: no mark liquidates.
            ("0.1", "60000", "6000", "0.004", false, "0.1", ""),
            ("-100", "50000", "0.002", "0.004", true, "0.1", ""),
            // Margin and value at entry differ by the rounding of the booked cost alone, either way.
            ("-100", "30000", "0.003333333333333333", "0.004", true, "0.1", ""),
            ("-3560100", "30000", "118.669999999999999999", "0.004", true, "0.1", ""),
        ])
    func recordedLiquidationPrices(
        size: String, entry: String, margin: String, rate: String, isInverse: Bool, tick: String,
        expected: String
    ) throws {
        let (size, entry): (ExactFraction, ExactFraction) = try (decimal(size), decimal(entry))
        let given = try GivenFigures(.multi)
        let instrument = try #require(
            given.account.rules.instrument(isInverse ? "BTC-USD-SWAP" : "BTC-USDT-SWAP"))
        let position = PositionValuation(
            Position(
                instrument: instrument.terms, side: .net, marginMode: .isolated, quantity: .one, cost: .zero,
                openedAt: LedgerTime(milliseconds: 0)), instrument, settle: 0,
            PositionMode(
                account: .multi, kind: isInverse ? .inverse : .linear, isLong: !size.isNegative,
                isCross: false, settle: instrument.terms.settle), in: given.account)
        position.give(.pos, size)
        position.give(.cost, try isInverse ? size / entry : size * entry)
        for (figure, text) in [
            (PositionFigure.ctVal, "1"), (.margin, margin), (.maintenanceRate, rate), (.takerRate, "0.0005"),
            (.ticks, "1"), (.tickSz, tick),
        ] { position.give(figure, try decimal(text) as ExactDecimal) }
        let price = try withExtendedLifetime(given) { try position.ifThere(.liqPx) }
        #expect(price?.description ?? "" == expected)
    }

    @Test("four recorded hours of a BTC loan: interest on principal and on what has accrued")
    func hourlyInterest() throws {
        for settings in [#"{"mode":"spot","spot_borrow":true}"#, #"{"mode":"multi","auto_borrow":true}"#] {
            let world = try world()
            try world.open("desk", settings)
            try world.run("desk", ("deposit", #""asset":"USDT","amount":"100000""#))
            // The coins are gone, so that the loan is a negative equity.
            let amount = #""asset":"BTC","amount":"0.00530765663""#
            if settings.contains("spot_borrow") { try world.run("desk", ("borrow", amount)) }
            try world.run("desk", ("withdraw", amount + #","force":true"#))
            var total = ExactDecimal.zero
            for expected in ["6.1038052", "6.1038122", "6.1038192", "6.1038262"] {
                try world.run("desk", ("accrue_interest", #""asset":"BTC","hours":1"#))
                let now = try world.balance("desk").detail("BTC")?.number("interest") ?? .zero
                let hour = try (now - total).times(ExactDecimal("1000000000"), rounding: .halfEven)
                #expect(hour.description == expected, "\(settings)")
                total = now
            }
        }
    }

    @Test("spot mode: interest without a principal is owed")
    func interestWithoutPrincipal() throws {
        let world = try world()
        try world.open("desk", #"{"mode":"spot","spot_borrow":true}"#)
        try world.prices(index: #"{"USDT":"1"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"1000""#),
            ("accrue_interest", #""asset":"USDT","amount":"2""#))
        let account = try world.balance("desk")
        expect(
            account.detail("USDT"),
            ["liab": "2", "crossLiab": "2", "borrowFroz": "0.4", "interest": "2", "eq": "998"])
        expect(account, ["notionalUsdForBorrow": "2", "borrowFroz": "0.4"])
    }

    @Test("spot mode discounts only what can be borrowed against")
    func discountOfSpotMode() throws {
        let world = try world()
        try world.open("desk", #"{"mode":"spot"}"#)
        try world.prices(index: #"{"BTC":"60000"}"#)
        try world.run("desk", ("deposit", #""asset":"BTC","amount":"1""#))
        expect(try world.balance("desk").detail("BTC"), ["disEq": "60000", "eqUsd": "60000"])
        expect(try world.balance("desk"), ["adjEq": "60000"])
        try world.run("desk", ("configure", #""settings":{"spot_borrow":true}"#))
        expect(try world.balance("desk").detail("BTC"), ["disEq": "58800", "eqUsd": "60000"])
    }

    @Test("spot orders bear the rulebook's order fee")
    func orderFees() throws {
        let rulebook = try JSONValue(
            parsing: """
                {"venue":"okx","effective":"2025-08-01T00:00:00Z","amends":true,"read_on":"2026-11-28",\
                "source":"test","margin":{"order_fee_rate":"0.001"}}
                """)
        for mode in AccountMode.allCases {
            let world = try world(rulebooks: [rulebook])
            try world.open("desk", #"{"mode":"\#(mode.rawValue)"}"#)
            try world.prices(index: #"{"BTC":"60000","USDT":"1"}"#)
            let order = #""instrument":"BTC-USDT","price":"50000","force":true"#
            try world.run(
                "desk", ("deposit", #""asset":"USDT","amount":"10000""#),
                ("deposit", #""asset":"BTC","amount":"1""#),
                ("place_order", #""order_id":"b","side":"buy","quantity":"0.1","# + order),
                ("place_order", #""order_id":"s","side":"sell","quantity":"0.5","# + order))
            let account = try world.balance("desk")
            expect(
                account.detail("USDT"), ["ordFrozen": "5005", "frozenBal": "5005", "availBal": "4995"])
            expect(account.detail("BTC"), ["ordFrozen": "0.5005", "frozenBal": "0.5005"])
            if mode == .futures { continue }
            // 5 USDT and 0.0005 BTC.
            let discounted = try account["details"]?.elements?.map { try $0.number("disEq") }.sum()
            let adjusted = try account.number("adjEq")
            #expect(try (discounted ?? .zero) - adjusted == ExactDecimal(35), "\(mode)")
            #expect(try !world.explanations("desk").isEmpty)
        }
    }

    @Test("portfolio margin nets one instrument's sides before MR4 and MR7, and no instruments")
    func portfolioNetting() throws {
        func maintenance(_ fills: (String, String, String)...) throws -> ExactDecimal {
            let world = try world()
            try world.open("desk", #"{"mode":"portfolio","hedge":true}"#)
            try world.prices(
                marks: #"{"BTC-USDT-SWAP":"60000","BTC-USDC-SWAP":"60000"}"#,
                index: #"{"BTC":"60000","USDT":"1","USDC":"1"}"#)
            try world.run("desk", ("deposit", #""asset":"USDT","amount":"1000000""#))
            for (name, side, quantity) in fills {
                let buys = side == "long" ? "buy" : "sell"
                try world.run(
                    "desk",
                    (
                        "fill",
                        """
                        "instrument":"\(name)","side":"\(buys)","quantity":"\(quantity)","price":"60000",\
                        "position_side":"\(side)"
                        """
                    ))
            }
            #expect(try !world.explanations("desk").isEmpty)
            return try world.balance("desk").number("mmr")
        }
        let swap = "BTC-USDT-SWAP"
        let netted = try maintenance((swap, "long", "300"), (swap, "short", "100"))
        #expect(try netted == maintenance((swap, "long", "200")))
        #expect(try maintenance((swap, "long", "100"), (swap, "short", "100")) == .zero)
        // 100 × 0.01 and 10000 × 0.0001 BTC: no delta, 120000 USD gross at 0.45 %.
        #expect(
            try maintenance((swap, "long", "100"), ("BTC-USDC-SWAP", "short", "10000"))
                == ExactDecimal("540"))
    }

    @Test("collateralRestrict says whether colRes is 2")
    func restrictedCollateral() throws {
        let world = try world()
        try world.open("desk")
        try world.run("desk", ("deposit", #""asset":"BTC","amount":"1""#))
        for (value, isRestricted) in [("1", false), ("2", true)] {
            try world.run("desk", ("raise", #""flag":"colRes","asset":"BTC","value":"\#(value)""#))
            let row = try world.balance("desk").detail("BTC")
            #expect(row?["collateralRestrict"]?.boolean == isRestricted)
            #expect(try !world.explanations("desk").isEmpty)
        }
    }
}
