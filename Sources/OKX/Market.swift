import JSON
import Ledger
import Numbers
import Venue

extension InstrumentRules: MarketRules {
    var priceTick: ExactDecimal { tick }

    /// The largest market order.
    var anySize: ExactDecimal { ExactDecimal(Int(largestOrder.market)) }

    /// The length of a funding period, in hours: 00, 08 and 16 o'clock UTC.
    static let fundingHours: Int64 = 8
    /// What a period is funded at where the ledger was told of nothing: a choice, the venue's interest rate.
    static let usualFunding = "0.0001"
}

/// The beginning of a day.
enum Midnight {
    private static let hour: Int64 = 3_600_000

    /// The last midnight, in milliseconds, of a zone so many hours ahead of UTC.
    static func last(before time: LedgerTime, hoursAhead: Int64) -> Int64 {
        let local = time.milliseconds + hoursAhead * hour
        return local - local % (24 * hour) - hoursAhead * hour
    }
}

/// The lengths of candles, as the venue spells them.
enum Bar {
    static let byName: [String: CandleInterval] = {
        // Midnight in Hong Kong begins a day unless `utc` is said.
        let offset: Int64 = -8 * 3_600_000
        var bars: [String: CandleInterval] = [
            "1m": .minutes(1), "3m": .minutes(3), "5m": .minutes(5), "15m": .minutes(15), "30m": .minutes(30),
            "1H": .hours(1), "2H": .hours(2), "4H": .hours(4),
        ]
        for (suffix, offset) in [("", offset), ("utc", 0)] {
            bars["6H" + suffix] = .hours(6, offset: offset)
            bars["12H" + suffix] = .hours(12, offset: offset)
            bars["1D" + suffix] = .days(1, offset: offset)
            bars["2D" + suffix] = .days(2, offset: offset)
            bars["3D" + suffix] = .days(3, offset: offset)
            bars["1W" + suffix] = .weeks(1, offset: offset)
            bars["1M" + suffix] = .months(1, offset: offset)
            bars["3M" + suffix] = .months(3, offset: offset)
        }
        return bars
    }()
}

/// What is asked for candles of: an instrument's last price or mark, or an index.
enum CandleSource: Sendable {
    case last(InstrumentRules)
    case mark(InstrumentRules)
    case index(base: String, quote: String)

    var subject: MarketSubject {
        switch self {
        case .last(let rules): .last(rules.terms.name)
        case .mark(let rules): .mark(rules.terms.name)
        case .index(let base, let quote): .index(base: base, quote: quote)
        }
    }

    /// The price where none was ever given.
    func flat(_ market: ValuationPrices) -> ExactDecimal? {
        switch self {
        case .last(let rules), .mark(let rules): market.mark(rules.terms)
        case .index(let base, let quote): market.index(of: base, in: quote)
        }
    }
}

extension JSONWriter {
    /// An element that is a number as OKX prints it.
    mutating func element(_ number: ExactDecimal) throws(NumberError) {
        quoted(try number.rounded(places: 16, rounding: .halfUp))
    }

    /// A row of candles: nine columns, of marks and indexes six.
    mutating func candle(
        _ candle: Candle, _ interval: CandleInterval, of source: CandleSource, at now: LedgerTime
    ) throws(NumberError) {
        beginArray()
        quoted(candle.opened)
        for price in [candle.open, candle.high, candle.low, candle.close] { try element(price) }
        if case .last(let rules) = source {
            try element(candle.traded.quantity)
            try element(rules.type == .spot ? candle.traded.quote : candle.traded.base)
            try element(candle.traded.quote)
        }
        if interval.end(of: candle.opened) <= now.milliseconds { literal("1") } else { literal("0") }
        endArray()
    }

    /// A side of the book: one level, its size, "0", and one order; nothing where no price is known.
    mutating func levels(_ key: StaticString, _ levels: [BookLevel]) throws(NumberError) {
        beginArray(key)
        for level in levels {
            beginArray()
            try element(level.price)
            try element(level.size)
            literal("0")
            if level.size.isZero { literal("0") } else { literal("1") }
            endArray()
        }
        endArray()
    }

    /// A row of `trades`.
    mutating func trade(
        _ trade: MarketTrade, _ name: String, isMerged: Bool = false
    ) throws(NumberError) {
        beginObject()
        if isMerged { member("count", literal: "1") }
        member("instId", name)
        try member("px", trade.price)
        if isMerged {
            member("seqId", trade.id)
        }
        member("side", literal: trade.takerSide == .buy ? "buy" : "sell")
        member("source", literal: "0")
        try member("sz", trade.quantity)
        member("tradeId", "\(trade.id)")
        member("ts", trade.at)
        endObject()
    }
}

extension InstrumentMarket<InstrumentRules> {
    /// The price at the last midnight, UTC or of a zone so many hours ahead of it.
    func midnightPrice(hoursAhead: Int64) throws(NumberError) -> ExactDecimal? {
        try access.stretch(of: terms, from: Midnight.last(before: now, hoursAhead: hoursAhead), market)?.open
    }

    /// The rate of the present period.
    var fundingRate: ExactDecimal? {
        guard let usual = try? ExactDecimal(InstrumentRules.usualFunding) else { return nil }
        return access.fundingRate(of: name, usual: usual)
    }

    /// `public/funding-rate`. The bounds are the venue's for BTC-USDT-SWAP; `settFundingRate` is the rate of
    /// the period before, which is the same here until another is told.
    func writeFundingRate(at time: LedgerTime, to writer: inout JSONWriter) throws {
        let rate = fundingRate
        let end = end(ofPeriod: InstrumentRules.fundingHours)
        writer.beginObject()
        writer.member("formulaType", literal: "noRate")
        try writer.member("fundingRate", rate)
        writer.member("fundingTime", end)
        writer.member("impactValue", literal: "")
        writer.member("instId", name)
        writer.member("instType", rules.type.rawValue)
        try writer.member("interestRate", try? ExactDecimal(InstrumentRules.usualFunding))
        writer.member("maxFundingRate", literal: "0.00375")
        writer.member("method", literal: "current_period")
        writer.member("minFundingRate", literal: "-0.00375")
        writer.member("nextFundingRate", literal: "")
        writer.member(
            "nextFundingTime",
            LedgerTime(milliseconds: end.milliseconds + InstrumentRules.fundingHours * 3_600_000))
        writer.member("premium", literal: "0")
        try writer.member("settFundingRate", rate)
        writer.member("settState", literal: "settled")
        writer.member("ts", time)
        writer.endObject()
    }

    /// `public/open-interest`: nobody's positions are the market's.
    func writeOpenInterest(at time: LedgerTime, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("instId", name)
        writer.member("instType", rules.type.rawValue)
        for key: StaticString in ["oi", "oiCcy", "oiUsd"] { writer.member(key, literal: "0") }
        writer.member("ts", time)
        writer.endObject()
    }

    /// `public/price-limit`.
    func writePriceLimit(
        at time: LedgerTime, _ table: RuleTable, to writer: inout JSONWriter
    ) throws(NumberError) {
        let limits = rules.priceLimits(market, table)
        writer.beginObject()
        try writer.member("buyLmt", limits?.buy)
        writer.member("enabled", limits != nil)
        writer.member("instId", name)
        writer.member("instType", rules.type.rawValue)
        try writer.member("sellLmt", limits?.sell)
        writer.member("ts", time)
        writer.endObject()
    }
}
