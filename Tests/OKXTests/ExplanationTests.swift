import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import OKX

/// Every served figure has an explanation, and the explanation leads to the very digits that are served.
@Suite("Explanations") struct ExplanationTests {
    private func explanations(_ world: TestWorld<OKXVenue>) throws -> [Explanation] {
        try world.model.explain(try #require(world.snapshot(of: "desk")), through: world)
    }

    private func health(_ world: TestWorld<OKXVenue>) throws -> MarginHealth? {
        try world.model.health(of: try #require(world.snapshot(of: "desk")))
    }

    private func explanation(_ path: String, _ world: TestWorld<OKXVenue>) throws -> Explanation {
        try #require(try explanations(world).first { $0.path == path }, "\(path)")
    }

    private func shown(_ value: JSONValue?) -> String? { value?.text ?? value?.boolean.map { "\($0)" } }

    /// The figures of the answer, with their paths, in its order; and the paths of what a mode leaves empty.
    private func served(
        _ world: TestWorld<OKXVenue>
    ) throws -> (figures: [(path: String, value: String)], empty: Set<String>) {
        let account = try #require(world.account("desk"))
        let object = try world.balance("desk")
        var figures: [(path: String, value: String)] = []
        var empty: Set<String> = []
        for (key, value) in try #require(object.object).members {
            let field = try #require(AccountFigure(rawValue: key))
            for row in field == .details ? value.elements ?? [] : [] {
                let name = try #require(row.text("ccy"))
                for (key, value) in try #require(row.object).members where key != "ccy" {
                    let field = try #require(CurrencyFigure(rawValue: key))
                    let path = "details.\(name).\(key)"
                    if field.modes.contains(ModeSet(account.mode))
                        || account.overridden(key, asset: name) != nil
                    {
                        figures.append((path, try #require(shown(value))))
                    } else {
                        empty.insert(path)
                    }
                }
            }
            if field == .details { continue }
            if field.modes.contains(ModeSet(account.mode)) || account.overridden(key) != nil {
                figures.append((key, try #require(shown(value))))
            } else {
                empty.insert(key)
            }
        }
        return (figures, empty)
    }

    /// What must hold of any account: completeness, order, inputs that are explained.
    private func check(_ world: TestWorld<OKXVenue>, _ comment: Comment) throws {
        let explanations = try explanations(world)
        let byPath = Dictionary(grouping: explanations, by: \.path).mapValues { $0[0] }
        #expect(byPath.count == explanations.count, comment)
        let (figures, empty) = try served(world)
        let paths = Set(figures.map(\.path))
        #expect(explanations.map(\.path).filter(paths.contains) == figures.map(\.path), comment)
        for (path, value) in figures { #expect(byPath[path]?.value == value, "\(path), \(comment)") }
        #expect(empty.isDisjoint(with: byPath.keys), comment)
        for explanation in explanations {
            #expect(!explanation.formula.isEmpty && !explanation.source.isEmpty, comment)
            for input in explanation.inputs {
                #expect((input.origin == .figure) == (input.path != nil), comment)
                guard let path = input.path else { continue }
                #expect(byPath[path]?.value == input.value, "\(explanation.path), \(path), \(comment)")
            }
        }
    }

    /// What the generated accounts lack: earmarks, credits, spot cost, debts, raised values.
    private func enrich(_ world: TestWorld<OKXVenue>, _ mode: AccountMode) throws {
        try world.run(
            "desk",
            ("reserve", #""asset":"ETH","amount":"0.25","purpose":"copy_trading""#),
            ("reserve", #""asset":"BTC","amount":"0.125","purpose":"fixed""#),
            ("credit", #""asset":"USDT","amount":"20","purpose":"reward""#),
            (
                "fill",
                #""instrument":"ETH-USDT","side":"buy","quantity":"1.5","price":"2950.125","fee":"0.01""#
            ),
            ("fill", #""instrument":"ETH-USDT","side":"sell","quantity":"0.7","price":"3001""#),
            ("raise", #""asset":"BTC","flag":"colRes","value":"2""#),
            ("raise", #""asset":"BTC","flag":"clSpotInUseAmt","value":"0.0001""#),
            ("raise", #""asset":"USDT","flag":"eq","value":"7.5""#),
            ("raise", #""flag":"adjEq","value":"1""#), ("raise", #""flag":"deltaLever","value":"0.3""#))
        if mode != .futures {
            try world.run("desk", ("accrue_interest", #""asset":"SOL","amount":"0.0123""#))
        }
        if mode == .multi {
            try world.run("desk", ("configure", #""settings":{"collateral_off":["LTC"]}"#))
        }
    }

    @Test(arguments: 1...12)
    func everyServedFigure(seed: UInt64) throws {
        for mode in AccountMode.allCases {
            let world = try PropertyTests.generate(seed, mode: mode)
            try check(world, "seed \(seed), \(mode)")
            try enrich(world, mode)
            try check(world, "seed \(seed), \(mode), enriched")
        }
    }

    /// A loan in spot mode, discount tiers in USD, no mark given, an empty account.
    @Test func otherAccounts() throws {
        for mode in AccountMode.allCases {
            let world = try world()
            try world.open("desk", #"{"mode":"\#(mode.rawValue)","spot_borrow":true}"#)
            try check(world, "\(mode), empty")
            try world.run("desk", ("deposit", #""asset":"USDT","amount":"1234567.123456789""#))
            if mode == .spot {
                try world.run("desk", ("borrow", #""asset":"BTC","amount":"0.5""#))
            } else {
                try world.run(
                    "desk",
                    (
                        "fill",
                        #""instrument":"BTC-USD-SWAP","side":"sell","quantity":"7","price":"61234.5""#
                    ),
                    ("fill", #""instrument":"ETH-USDT-SWAP","side":"buy","quantity":"3","price":"3100""#))
            }
            try check(world, "\(mode), no prices")
            world.setLedgerTime(1_717_200_000_000)
            try check(world, "\(mode), the rules of June 2024")
        }
    }

    /// Down to the ledger, the prices and the rules, on numbers worked out by hand.
    @Test func inputsByHand() throws {
        let world = try world()
        try world.open("desk")
        try world.prices(
            marks: #"{"BTC-USDT-SWAP":"61000"}"#, index: #"{"USDT":"0.999","BTC":"60000"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"10000""#),
            ("withdraw", #""asset":"USDT","amount":"100""#),
            ("set_leverage", #""instrument":"BTC-USDT-SWAP","leverage":"5""#),
            ("fill", #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"10","price":"60000""#))
        func inputs(_ path: String) throws -> [String] {
            try explanation(path, world).inputs.map { "\($0.name) = \($0.value), \($0.origin)" }
        }
        let position = "BTC-USDT-SWAP net cross"
        let path = "positions.BTC-USDT-SWAP.net.cross"
        #expect(
            try inputs("details.USDT.cashBal") == [
                "deposits = 10000, ledger", "withdrawals = -100, ledger",
            ])
        // 10 contracts of 0.01 BTC at 61000.
        #expect(try explanation("\(path).notional", world).value == "6100")
        #expect(
            try explanation("\(path).notional", world).inputs.map(\.value) == ["10", "0.01", "61000"])
        #expect(try explanation("\(path).notional", world).inputs.map(\.origin) == [.ledger, .rule, .price])
        #expect(try inputs("details.USDT.crossUpl") == ["upl of \(position) = 100, figure"])
        #expect(try explanation("details.USDT.eq", world).value == "10000")
        #expect(
            try inputs("details.USDT.eq") == [
                "cashBal = 9900, figure", "crossUpl = 100, figure", "isoEq = 0, figure",
                "stgyEq = 0, figure", "interest = 0, figure",
            ])
        #expect(try explanation("details.USDT.eqUsd", world).value == "9990")
        // 6100 × 0.999 ÷ 5, and × 0.004 of the first tier.
        #expect(try explanation("\(path).imr", world).value == "1218.78")
        #expect(try inputs("\(path).imr").last == "lever (as set) = 5, setting")
        #expect(try explanation("mmr", world).value == "24.3756")
        #expect(try inputs("positionMmr") == ["mmr of \(position) = 24.3756, figure"])
        #expect(try explanation("mgnRatio", world).inputs.map(\.name) == ["adjEq", "mmr", "liquidationFees"])
    }

    /// What is printed with fewer digits, raised, or not shown is worked with under a path of its own.
    @Test func workedOut() throws {
        let world = try world()
        try world.open("desk", #"{"mode":"spot"}"#)
        try world.prices(index: #"{"USDT":"1"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"1.000000000000000001""#),
            ("raise", #""flag":"imr","value":"9""#))
        let cash = try explanation("details.USDT.cashBal", world)
        #expect(cash.value == "1" && cash.rounding == "half up to 16 places where it is printed")
        let equity = try explanation("details.USDT.eq", world)
        #expect(equity.inputs.first?.path == "details.USDT.cashBal.workedOut")
        #expect(equity.inputs.first?.value == "1.000000000000000001")
        let margin = try explanation("imr", world)
        #expect(
            margin.inputs.map(\.origin) == [.overridden] && margin.status == .choice && margin.value == "9")
        // availEq is no field of spot mode, but maxLoan rests on it, and it on what imr would be.
        let loan = try explanation("details.USDT.maxLoan", world)
        #expect(loan.inputs.first?.path == "availEq.workedOut" && loan.status == .estimate)
        #expect(
            try explanation("availEq.workedOut", world).inputs.compactMap(\.path).last == "imr.workedOut")
        #expect(try explanations(world).allSatisfy { $0.path != "availEq" })
    }

    @Test func health() throws {
        let world = try world()
        try world.open("desk")
        try world.prices(
            marks: #"{"BTC-USDT-SWAP":"60000"}"#, index: #"{"USDT":"1","BTC":"60000","ETH":"3000"}"#)
        try world.run("desk", ("deposit", #""asset":"USDT","amount":"1000""#))
        #expect(try health(world) == nil)
        try world.run(
            "desk", ("fill", #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"5","price":"60000""#))
        // 3000 × 0.004, and × 0.0005 for the liquidation.
        let expected = MarginHealth(
            equity: try decimal("1000"), maintenance: try decimal("13.5"), unit: "USD")
        #expect(try health(world) == expected)
        try world.prices(marks: #"{"BTC-USDT-SWAP":"40000"}"#)
        #expect(try health(world)?.isLiquidated == true)
    }

    /// Futures mode: the pool that is nearest to liquidation, in its currency.
    @Test func poolHealth() throws {
        let world = try world()
        try world.open("desk", #"{"mode":"futures"}"#)
        try world.prices(
            marks: #"{"BTC-USDT-SWAP":"60000","ETH-USD-SWAP":"3000"}"#,
            index: #"{"USDT":"1","BTC":"60000","ETH":"3000"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"1000""#),
            ("deposit", #""asset":"ETH","amount":"1""#))
        #expect(try health(world) == nil)
        try world.run(
            "desk", ("fill", #""instrument":"ETH-USD-SWAP","side":"buy","quantity":"3","price":"3000""#))
        #expect(try health(world)?.unit == "ETH")
        #expect(try health(world)?.equity == .one)
        try world.run(
            "desk", ("fill", #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"5","price":"60000""#))
        let expected = MarginHealth(
            equity: try decimal("1000"), maintenance: try decimal("13.5"), unit: "USDT")
        #expect(try health(world) == expected)
    }

    /// A mark at a cross position's liquidation price liquidates; one step before it does not.
    @Test(arguments: 1...6)
    func liquidationPriceIsWhereHealthEnds(seed: UInt64) throws {
        for mode in AccountMode.allCases where mode.hasDerivatives {
            let world = try PropertyTests.generate(seed, mode: mode)
            let account = try #require(world.account("desk"))
            let rules = world.model.rules(at: world.ledgerTime())
            for position in account.positions where position.marginMode == .cross {
                let market = world.model.market(world.prices(), rules)
                let mark = try #require(market.mark(position.instrument))
                let solver = LiquidationPrice(of: position, in: account, market: market, rules: rules)
                guard let price = try solver.price(), price != mark else { continue }
                let step = try decimal("0.00000001")
                let name = position.instrument.name
                try world.prices(marks: #"{"\#(name)":"\#(price)"}"#)
                #expect(try health(world)?.isLiquidated == true, "\(mode) \(name)")
                if mode != .futures {
                    let inside = position.isLong ? try price + step : try price - step
                    try world.prices(marks: #"{"\#(name)":"\#(inside)"}"#)
                    #expect(try health(world)?.isLiquidated == false, "\(mode) \(name)")
                }
                try world.prices(marks: #"{"\#(name)":"\#(mark)"}"#)
            }
        }
    }
}
