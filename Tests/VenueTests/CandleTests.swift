import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

private let minute: Int64 = 60_000
private let hour = 60 * minute
private let day = 24 * hour
/// 2026-06-01T00:00:00Z, a Monday.
private let june: Int64 = 1_780_272_000_000

@Suite("Stretches of time")
struct CandleIntervalTests {
    @Test(
        "beginnings and ends",
        arguments: [
            (CandleInterval.minutes(5), june + 7 * minute, june + 5 * minute, june + 10 * minute),
            (.hours(4), june + 5 * hour, june + 4 * hour, june + 8 * hour),
            (.days(1), june + 5 * hour, june, june + day),
            // A day that begins at midnight in Hong Kong began at 16 o'clock UTC.
            (.days(1, offset: -8 * hour), june + 5 * hour, june - 8 * hour, june + 16 * hour),
            (.hours(6, offset: -8 * hour), june + 5 * hour, june + 4 * hour, june + 10 * hour),
            (.weeks(1), june + 3 * day, june, june + 7 * day),
            (.weeks(1), june - 1, june - 7 * day, june),
            (.months(1), june + 20 * day, june, june + 30 * day),
            (.months(3), june + 20 * day, june - 61 * day, june + 30 * day),
            (.months(1, offset: -8 * hour), june - 1, june - 8 * hour, june + 30 * day - 8 * hour),
            (.days(3), 4 * day, 3 * day, 6 * day), (.months(1), -1, -31 * day, 0),
        ] as [(CandleInterval, Int64, Int64, Int64)])
    func boundaries(_ interval: CandleInterval, _ time: Int64, _ opening: Int64, _ end: Int64) {
        #expect(interval.opening(of: time) == opening)
        #expect(interval.end(of: opening) == end)
        #expect(interval.opening(of: end - 1) == opening)
        #expect(interval.opening(of: end) == end)
    }
}

/// A world of the test venue whose market is told of.
private func world() -> TestWorld<ListingVenue> {
    TestWorld(ListingVenue())
}

extension TestWorld where Model == ListingVenue {
    fileprivate func mark(_ price: String, at time: Int64) throws {
        setLedgerTime(max(ledgerTime().milliseconds, time))
        try apply(
            #"{"type":"prices","venue":"testing","at":\#(time),"marks":{"BTC-PERP":"\#(price)"}}"#)
    }

    fileprivate func quote(_ members: String, at time: Int64) throws {
        setLedgerTime(max(ledgerTime().milliseconds, time))
        try apply(
            #"{"type":"quotes","venue":"testing","at":\#(time),"quotes":{"BTC-PERP":{\#(members)}}}"#)
    }

    fileprivate func candles(
        _ interval: CandleInterval, from: Int64? = nil, to: Int64? = nil, limit: Int = 500,
        keepsOldest: Bool = false, _ subject: MarketSubject = .last("BTC-PERP")
    ) async throws -> [String] {
        try await candles(
            CandleQuery(subject, interval, from: from, to: to, limit: limit, keepsOldest: keepsOldest),
            beginning: LedgerTime(milliseconds: june - 400 * day), flat: nil
        ).map { "\(($0.opened - june) / minute) \($0.open) \($0.high) \($0.low) \($0.close)" }
    }
}

@Suite("Candles of the prices that were given")
struct CandleTests {
    @Test("the first price of a stretch, the highest, the lowest, the last; flat where nothing moved")
    func shape() async throws {
        let world = world()
        for (price, time) in [("100", 0), ("130", 20_000), ("90", 40_000), ("110", 59_999), ("120", 180_000)]
        {
            try world.mark(price, at: june + Int64(time))
        }
        world.setLedgerTime(june + 4 * minute)
        #expect(
            try await world.candles(.minutes(1), from: june) == [
                "0 100 130 90 110", "1 110 110 110 110", "2 110 110 110 110", "3 120 120 120 120",
                "4 120 120 120 120",
            ])
        #expect(
            try await world.candles(.minutes(3), from: june) == ["0 100 130 90 110", "3 120 120 120 120"])
        #expect(try await world.candles(.days(1), limit: 1) == ["0 100 130 90 120"])
        // Before the first price the market stood at it.
        #expect(
            try await world.candles(.minutes(1), to: june, limit: 2) == [
                "-1 100 100 100 100", "0 100 130 90 110",
            ])
    }

    @Test("beginnings and limits are honoured exactly")
    func windows() async throws {
        let world = world()
        try world.mark("100", at: june)
        world.setLedgerTime(june + 10 * minute)
        func openings(
            from: Int64? = nil, to: Int64? = nil, limit: Int, keepsOldest: Bool = false
        ) async throws -> [String] {
            try await world.candles(
                .minutes(1), from: from.map { june + $0 }, to: to.map { june + $0 }, limit: limit,
                keepsOldest: keepsOldest
            ).map { String($0.prefix { $0 != " " }) }
        }
        #expect(try await openings(from: 3 * minute, limit: 3, keepsOldest: true) == ["3", "4", "5"])
        // What begins before the time that is asked for is not wanted.
        #expect(try await openings(from: 3 * minute + 1, limit: 2, keepsOldest: true) == ["4", "5"])
        #expect(try await openings(to: 3 * minute + 1, limit: 2) == ["2", "3"])
        #expect(try await openings(limit: 2) == ["9", "10"])
        #expect(try await openings(from: 9 * minute, limit: 500, keepsOldest: true) == ["9", "10"])
        #expect(try await openings(from: 11 * minute, limit: 5) == [])
        #expect(try await openings(from: 5 * minute, to: 4 * minute, limit: 5) == [])
        #expect(try await openings(from: .max - june, limit: 5) == [])
    }

    @Test("trades make volumes; a quote without a quantity makes none")
    func volumes() async throws {
        let world = world()
        try world.quote(#""bid":"99","ask":"101","last":"101","quantity":"2""#, at: june)
        try world.quote(#""bid":"99","ask":"101","last":"99","quantity":"3""#, at: june + 1)
        try world.quote(#""last":"98""#, at: june + 2)
        try world.quote(#""last":"97","quantity":"1""#, at: june + 3)
        try world.quote(#""last":"100","quantity":"0.5""#, at: june + 4)
        let candle = try #require(
            try await world.candles(
                CandleQuery(.last("BTC-PERP"), .minutes(1), limit: 1),
                beginning: LedgerTime(milliseconds: june), flat: nil
            ).first)
        #expect(candle.traded.quantity == (try ExactDecimal("6.5")))
        #expect(candle.traded.quote == (try ExactDecimal("646")))
        #expect(candle.bought.quantity == (try ExactDecimal("2.5")))
        #expect(candle.trades == 4)
        let trades = try await world.trades(TradeQuery("BTC-PERP", limit: 10))
        #expect(trades.map(\.takerSide) == [.buy, .sell, .sell, .buy])
        #expect(trades.map(\.id) == [1, 2, 4, 5])
    }

    @Test("a mark of two indexes has candles too, and so has the index")
    func indexes() async throws {
        let world = world()
        for (price, time) in [("100", june), ("120", june + 30_000), ("110", june + minute)] {
            world.setLedgerTime(time)
            try world.apply(#"{"type":"prices","venue":"testing","index":{"BTC":"\#(price)"}}"#)
        }
        let expected = ["0 100 120 100 120", "1 110 110 110 110"]
        #expect(try await world.candles(.minutes(1), from: june) == expected)
        #expect(try await world.candles(.minutes(1), from: june, .mark("BTC-PERP")) == expected)
        #expect(
            try await world.candles(.minutes(1), from: june, .index(base: "BTC", quote: "USD")) == expected)
    }

    @Test(
        "what memory has let go of is read from the journal, and is the same",
        arguments: [1, 2, 3] as [UInt64])
    func older(seed: UInt64) async throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let world = world()
        var points: [(time: Int64, price: Int64)] = []
        var time = june
        for _ in 0..<7_000 {
            time += Int64.random(in: 1_000...150_000, using: &generator)
            points.append((time, Int64.random(in: 90...110, using: &generator)))
            try world.mark("\(points.last?.price ?? 0)", at: time)
        }
        for interval in [CandleInterval.minutes(5), .minutes(1), .hours(2), .days(1)] {
            let from = june + Int64.random(in: 0...(100 * minute), using: &generator)
            let found = try await world.candles(interval, from: from, limit: 300, keepsOldest: true)
            var opening = interval.opening(of: from)
            if opening < from { opening = interval.end(of: opening) }
            var expected: [String] = []
            while expected.count < 300, opening <= time {
                let end = interval.end(of: opening)
                let inside = points.filter { $0.time >= opening && $0.time < end }.map(\.price)
                let before = points.last { $0.time < opening }?.price ?? points[0].price
                let high = inside.max() ?? before
                let low = inside.min() ?? before
                expected.append(
                    "\((opening - june) / minute) \(inside.first ?? before) \(high) \(low) "
                        + "\(inside.last ?? before)")
                opening = end
            }
            #expect(found == expected)
        }
    }
}

/// The test venue with a listing.
struct ListingVenue: VenueServer {
    static let name = TestVenue.name
    static let pathPrefixes = TestVenue.pathPrefixes
    private let base = TestVenue()

    init() {}
    init(addedRulebooks: [JSONValue], profile: WireProfile) throws {}

    func listedInstruments(at time: LedgerTime) -> [Instrument] {
        [base.instrument("BTC-PERP", at: time), base.instrument("BTC-USD", at: time)].compactMap { $0 }
    }

    var conventions: Conventions { base.conventions }
    var profile: WireProfile { base.profile }
    var rulebookVersions: [RulebookHeader] { [] }
    var defaultSettings: Settings { base.defaultSettings }
    func instrument(_ name: String, at time: LedgerTime) -> Instrument? { base.instrument(name, at: time) }
    func knowsAsset(_ name: String, at time: LedgerTime) -> Bool { base.knowsAsset(name, at: time) }
    func setting(_ name: String, _ value: JSONValue) throws(Refusal) -> JSONValue {
        try base.setting(name, value)
    }
    func defaultLeverage(
        of instrument: Instrument, in account: Account, at time: LedgerTime
    ) -> ExactDecimal { .one }
    func defaultMarginMode(of instrument: Instrument, in account: Account) -> MarginMode { .cross }
    func isHedged(_ account: Account) -> Bool { base.isHedged(account) }
    func market(_ prices: VenuePrices, at time: LedgerTime) -> ValuationPrices {
        base.market(prices, at: time)
    }
    func judge(
        _ event: EventBody, before: Account, after: Account, prices: VenuePrices, at time: LedgerTime,
        forced: Bool
    ) throws(Refusal) {}
    func accountBody(
        of snapshot: AccountSnapshot, query: [QueryItem], through access: any VenueAccess
    ) throws -> [UInt8] { [] }
    func amended(by amendment: JSONValue, at time: LedgerTime) throws(RulebookError) -> Self { self }
    func explain(_ snapshot: AccountSnapshot, through access: any VenueAccess) throws -> [Explanation] { [] }
    func health(of snapshot: AccountSnapshot) throws -> MarginHealth? { nil }
    func respond(to request: VenueRequest, through access: any VenueAccess) async -> VenueResponse {
        VenueResponse(body: [])
    }
    func makeCredentials(randomBytes: (Int) -> [UInt8]) -> Credentials {
        base.makeCredentials(randomBytes: randomBytes)
    }
}
