import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import OKX

/// A repeatable stream of numbers (SplitMix64).
struct Seeded {
    private var numbers: SplitMix64
    init(_ seed: UInt64) { numbers = SplitMix64(seed: seed) }

    mutating func next(_ bound: Int) -> Int { Int(numbers.next() % UInt64(bound)) }

    mutating func flag() -> Bool { next(2) == 0 }

    /// A decimal below a bound with up to so many places.
    mutating func decimal(_ bound: Int, places: Int) -> String {
        let fraction = (0..<places).map { _ in String(next(10)) }.joined()
        return "\(next(bound)).\(fraction.isEmpty ? "0" : fraction)1"
    }
}

/// Relations that hold for every account, checked over generated ones; the seed is the test's argument.
@Suite struct PropertyTests {
    static let coins = [("BTC", 60_000), ("ETH", 3000), ("SOL", 150), ("LTC", 90)]

    /// An account with deposits, positions, orders, debts and reserves, and prices to go with it.
    static func generate(_ seed: UInt64, mode: AccountMode) throws -> TestWorld<OKXVenue> {
        var random = Seeded(seed)
        let world = try world()
        let hedge = random.flag() && mode.hasDerivatives
        try world.open("desk", #"{"mode":"\#(mode.rawValue)","hedge":\#(hedge)}"#)
        var marks: [String] = []
        var index = [#""USDT":"0.\#(9980 + random.next(20))""#]
        for (coin, price) in coins {
            let near = price + random.next(price / 10)
            index.append(#""\#(coin)":"\#(near).\#(random.next(100))""#)
            marks.append(#""\#(coin)-USDT-SWAP":"\#(near + random.next(price / 20)).\#(random.next(10))""#)
            marks.append(#""\#(coin)-USD-SWAP":"\#(near + random.next(price / 20)).\#(random.next(10))""#)
        }
        try world.prices(
            marks: "{\(marks.joined(separator: ","))}", index: "{\(index.joined(separator: ","))}")
        for (coin, _) in coins + [("USDT", 1)] {
            try world.run(
                "desk", ("deposit", #""asset":"\#(coin)","amount":"\#(random.decimal(500, places: 6))""#))
        }
        try world.run(
            "desk",
            ("reserve", #""asset":"USDT","amount":"\#(random.decimal(50, places: 3))","purpose":"strategy""#),
            ("withdraw", #""asset":"SOL","amount":"\#(random.decimal(800, places: 2))","force":true"#))
        for (coin, price) in coins where mode.hasDerivatives && random.next(4) > 0 {
            let name = "\(coin)-\(random.flag() ? "USDT" : "USD")-SWAP"
            let isBuy = random.flag()
            let side = hedge ? #","position_side":"\#(isBuy ? "long" : "short")""# : ""
            let margin = random.next(3) == 0 ? #","margin_mode":"isolated""# : ""
            try world.run(
                "desk", ("set_leverage", #""instrument":"\#(name)","leverage":"\#(2 + random.next(20))""#),
                (
                    "fill",
                    """
                    "instrument":"\(name)","side":"\(isBuy ? "buy" : "sell")",\
                    "quantity":"\(1 + random.next(40))",\
                    "price":"\(price + random.next(price / 20)).5"\(side)\(margin)
                    """
                ),
                (
                    "place_order",
                    """
                    "order_id":"\(name)","instrument":"\(name)","side":"\(isBuy ? "buy" : "sell")",\
                    "quantity":"\(1 + random.next(5))","price":"\(price)","force":true\(side)\(margin)
                    """
                ))
        }
        if mode == .futures || mode == .multi {
            for pair in ["ETH", "BTC"] where random.flag() { try openOnMargin(pair, &random, world, mode) }
        }
        try world.run(
            "desk",
            (
                "place_order",
                #""order_id":"s","instrument":"ETH-USDT","side":"buy","quantity":"0.\#(1 + random.next(9))""#
                    + #","price":"2900","force":true"#
            ))
        return world
    }

    /// A position of a spot pair on margin, long or short, by fills.
    private static func openOnMargin(
        _ coin: String, _ random: inout Seeded, _ world: TestWorld<OKXVenue>, _ mode: AccountMode
    ) throws {
        let isCross = mode == .futures && random.flag()
        let isBuy = random.flag()
        let price = coin == "BTC" ? 60_000 + random.next(3000) : 3000 + random.next(150)
        let asset = isCross && random.flag() ? #","margin_asset":"\#(coin)""# : ""
        let pair = #""instrument":"\#(coin)-USDT","margin_mode":"\#(isCross ? "cross" : "isolated")""#
        try world.run(
            "desk", ("set_leverage", pair + #","leverage":"\#(2 + random.next(8))""#),
            (
                "fill",
                """
                \(pair)\(asset),"side":"\(isBuy ? "buy" : "sell")","quantity":"0.\(1 + random.next(9))3",\
                "price":"\(price).1","fee":"0.0001","fee_asset":"\(isBuy ? coin : "USDT")"
                """
            ),
            ("accrue_interest", pair + #","asset":"\#(isBuy ? "USDT" : coin)","hours":3"#))
    }

    /// Whether two figures are equal up to the last printed digit of each of so many addends.
    static func agree(_ left: ExactDecimal, _ right: ExactDecimal, addends: Int = 2) throws -> Bool {
        try (left - right).magnitude.units <= Int128(100 * addends)
    }

    @Test(arguments: 1...40)
    func relations(seed: UInt64) throws {
        for mode in AccountMode.allCases {
            let world = try Self.generate(seed, mode: mode)
            let account = try world.balance("desk")
            let rows = try #require(account["details"]?.elements)
            let equities = try rows.map { try $0.number("eqUsd") }
            #expect(equities == equities.sorted(by: >), "\(mode)")
            #expect(try Self.agree(equities.sum(), account.number("totalEq"), addends: rows.count))
            for row in rows { try checkRow(row, mode) }
            if mode == .futures { continue }
            let fees = try world.explanations("desk").first { $0.path == "orderFees" }?.value ?? "0"
            let discounted = try rows.map { try $0.number("disEq") }.sum() - ExactDecimal(fees)
            if mode == .spot { #expect(fees == "0") }
            #expect(try Self.agree(discounted, account.number("adjEq"), addends: rows.count), "\(mode)")
            let frozen = try rows.map { try $0.number("borrowFroz") }.sum()
            #expect(try Self.agree(frozen, account.number("borrowFroz"), addends: rows.count), "\(mode)")
            if mode == .spot { continue }
            #expect(
                try Self.agree(
                    account.number("availEq"), account.number("adjEq") - account.number("imr")), "\(mode)")
            let parts = ["Borrow", "Swap", "Futures", "Option"]
            let notional = try parts.map { try account.number("notionalUsdFor\($0)") }.sum()
            #expect(try Self.agree(notional, account.number("notionalUsd"), addends: 4), "\(mode)")
            let ratio = try account.number("mgnRatio")
            #expect(ratio.isNegative == (try account.number("adjEq").isNegative), "\(mode)")
        }
    }

    private func checkRow(_ row: JSONValue, _ mode: AccountMode) throws {
        #expect(try !row.number("availBal").isNegative)
        let equity = try row.number("eq")
        #expect(try equity.signum == row.number("eqUsd").signum)
        if mode != .futures {
            let liability = try row.number("liab")
            let isolated = row.text("isoLiab")?.isEmpty == false ? try row.number("isoLiab") : .zero
            #expect(try liability == row.number("crossLiab") + isolated)
            #expect(try row.number("crossLiab") == (equity.isNegative ? -equity : .zero))
            // A losing isolated position lowers equity but not collateral.
            let inPositions = row.text("isoEq")?.isEmpty == false ? try row.number("isoEq") : .zero
            if !equity.isNegative, !inPositions.isNegative {
                #expect(try row.number("disEq") <= row.number("eqUsd"))
            }
        }
        if mode == .spot { return }
        #expect(try row.number("availEq") >= .zero)
        #expect(try row.number("frozenBal") >= row.number("isoEq"))
        if mode != .futures {
            #expect(try row.number("uplLiab") <= row.number("liab"))
            let free = try row.number("eq") - row.number("frozenBal") + row.number("interest")
            #expect(try Self.agree(row.number("availEq"), max(.zero, free), addends: 3))
        }
    }

    /// Orders that are alike are worked out as one: every figure is what it is with each order by itself.
    @Test(arguments: 1...12)
    func alikeOrders(seed: UInt64) throws {
        for mode in AccountMode.allCases {
            let world = try Self.generate(seed, mode: mode)
            var random = Seeded(seed)
            let resting = try #require(world.account("desk")).orders
            for (number, order) in (resting + resting + resting).enumerated() {
                let price = try order.price.times(
                    decimal("0.\(900 + random.next(99))"), places: 1, rounding: .floor)
                let side =
                    order.positionSide == .net ? "" : #","position_side":"\#(order.positionSide.rawValue)""#
                let margin =
                    order.instrument.kind.isDerivative
                    ? #","margin_mode":"\#(order.marginMode.rawValue)""# : ""
                try world.run(
                    "desk",
                    (
                        "place_order",
                        """
                        "order_id":"more-\(number)","instrument":"\(order.instrument.name)",\
                        "side":"\(order.side.rawValue)","quantity":"\(1 + random.next(9))","price":"\(price)",\
                        "force":true\(side)\(margin)
                        """
                    ))
            }
            let account = try #require(world.account("desk"))
            let rules = world.model.rules(at: world.ledgerTime())
            let market = world.model.market(world.prices(), rules)
            let each = try AccountFigures(of: account, market: market, rules: rules, listsOrders: true)
            let grouped = try AccountFigures(of: account, market: market, rules: rules)
            #expect(each.orders.count == 4 * resting.count && grouped.orders.count < each.orders.count)
            let message: Comment = "seed \(seed), \(mode)"
            for figure in AccountFigure.allCases {
                #expect(try equal(each, grouped, figure), "\(message) \(figure)")
            }
            #expect(each.rows.map(\.name) == grouped.rows.map(\.name), message)
            for (one, other) in zip(each.rows, grouped.rows) {
                for figure in CurrencyFigure.allCases {
                    #expect(try equal(one, other, figure), "\(message) \(one.name) \(figure)")
                }
            }
        }
    }

    /// Whether two objects have the same figure, or both none.
    private func equal<Figure: FigureKey>(
        _ one: FigureTable<Figure>, _ other: FigureTable<Figure>, _ figure: Figure
    ) throws -> Bool where Figure.Number == ExactFraction {
        let numbers = [one, other].map { table in Result { try table.ifThere(figure) } }
        switch (numbers[0], numbers[1]) {
        case (.success(let first), .success(let second)): return first == second
        case (.failure, .failure): return true
        default: return false
        }
    }

    /// At a cross position's liquidation price equity meets what must be maintained, one step before it does
    /// not.
    @Test(arguments: 1...12)
    func liquidationPrices(seed: UInt64) throws {
        for mode in AccountMode.allCases where mode.hasDerivatives {
            let world = try Self.generate(seed, mode: mode)
            let account = try #require(world.account("desk"))
            let rules = world.model.rules(at: world.ledgerTime())
            let market = world.model.market(world.prices(), rules)
            for position in account.positions where position.marginMode == .cross {
                let mark = try #require(market.mark(position.instrument))
                let solver = LiquidationPrice(of: position, in: account, market: market, rules: rules)
                guard let price = try solver.price() else {
                    #expect(try solver.margin(at: mark).isPositive)
                    continue
                }
                #expect(try !solver.margin(at: price).isPositive, "\(mode) \(position.instrument.name)")
                if price == mark { continue }
                #expect(position.isLong ? price < mark : price > mark)
                let step = try decimal("0.00000001")
                let inside = position.isLong ? try price + step : try price - step
                #expect(try solver.margin(at: inside).isPositive, "\(mode) \(position.instrument.name)")
            }
        }
    }

    /// So much cash that the margin ratio near a mark of 0 leaves the range of numbers: no mark liquidates.
    @Test func noLiquidation() throws {
        for mode in AccountMode.allCases where mode.hasDerivatives {
            let world = try world()
            try world.open("desk", #"{"mode":"\#(mode.rawValue)"}"#)
            try world.prices(marks: #"{"BTC-USDC-SWAP":"55329"}"#, index: #"{"USDC":"1","BTC":"55000"}"#)
            try world.run(
                "desk", ("deposit", #""asset":"USDC","amount":"7000000000""#),
                ("fill", #""instrument":"BTC-USDC-SWAP","side":"buy","quantity":"1","price":"52009""#))
            let account = try #require(world.account("desk"))
            let rules = world.model.rules(at: world.ledgerTime())
            let solver = LiquidationPrice(
                of: try #require(account.positions.first), in: account,
                market: world.model.market(world.prices(), rules), rules: rules)
            #expect(try solver.price() == nil, "\(mode)")
        }
    }

    /// A long side beside a larger short one: near a mark of 0 their profit is beyond the range of numbers,
    /// which is no liquidation.
    @Test func noLiquidationOfTheSmallerSide() throws {
        let world = try world()
        try world.open("desk", #"{"mode":"multi","hedge":true}"#)
        try world.prices(marks: #"{"BTC-USD-SWAP":"54713"}"#, index: #"{"BTC":"68063"}"#)
        try world.run(
            "desk",
            ("deposit", #""asset":"BTC","amount":"1000""#),
            (
                "fill",
                #""instrument":"BTC-USD-SWAP","side":"sell","quantity":"338305","price":"56000","#
                    + #""position_side":"short""#
            ),
            (
                "fill",
                #""instrument":"BTC-USD-SWAP","side":"buy","quantity":"46281","price":"56235","#
                    + #""position_side":"long""#
            ))
        let account = try #require(world.account("desk"))
        let rules = world.model.rules(at: world.ledgerTime())
        let long = try #require(account.positions.first { $0.isLong })
        let solver = LiquidationPrice(
            of: long, in: account, market: world.model.market(world.prices(), rules), rules: rules)
        #expect(try solver.price() == nil)
    }

    /// What is printed reads back as the exact figure rounded half up to 16 places.
    @Test(arguments: 1...20)
    func printing(seed: UInt64) throws {
        var random = Seeded(seed)
        for _ in 0..<200 {
            var units = Int128(random.next(1 << 62)) << 64 | Int128(random.next(1 << 62))
            units >>= Int128(random.next(125))
            let number = try ExactDecimal(units: random.flag() ? units : -units)
            let bytes = ByteSink.bytes(estimate: 1) { $0.number(number) }
            let expected = try number.rounded(places: 16, rounding: .halfUp).description
            #expect(String(decoding: bytes, as: UTF8.self) == expected)
        }
    }

    @Test(arguments: [
        ("0.00000000000000005", "0.0000000000000001"), ("0.000000000000000049", "0"),
        ("-0.000000000000000049", "0"), ("-0.00000000000000005", "-0.0000000000000001"),
        ("0.999999999999999950", "1"), ("9.99999999999999995", "10"),
        ("99999999.99999999999999995", "100000000"),
        ("0.0000000051", "0.0000000051"),
        ("170141183460469231731.687303715884105727", "170141183460469231731.6873037158841057"),
        ("18446744073709551616", "18446744073709551616"), ("100", "100"), ("-12.50", "-12.5"),
    ])
    func printedForms(text: String, expected: String) throws {
        let number = try decimal(text)
        let bytes = ByteSink.bytes(estimate: 1) { $0.number(number) }
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    /// An answer that outgrows its estimate is made again with more room.
    @Test func growingAnswers() {
        let bytes = ByteSink.bytes(estimate: 0) { sink in
            for number in 0..<1000 { sink.integer(Int64(number)) }
        }
        #expect(String(decoding: bytes, as: UTF8.self) == (0..<1000).map(String.init).joined())
    }
}
