import JSON
import Ledger
import Numbers
import Venue

extension InstrumentRule: MarketRules {
    /// Funding and settlement come every hour.
    static let fundingHours: Int64 = 1
    /// What an hour is funded at where the ledger was told of nothing: a choice, 0.01 % in eight hours.
    static let usualFunding = "0.0000125"
}

extension InstrumentMarket<InstrumentRule> {
    /// When the venue's prices last changed: what prices are dated with.
    var stamp: LedgerTime { market.prices.updatedAt ?? now }

    /// The rate of the present hour; nil for what is not funded.
    var fundingRate: ExactDecimal? {
        guard terms.kind == .perpetual, let usual = try? ExactDecimal(InstrumentRule.usualFunding) else {
            return nil
        }
        return access.fundingRate(of: name, usual: usual)
    }

    /// The last full hour, in milliseconds.
    var lastHour: Int64 { now.milliseconds - now.milliseconds % 3_600_000 }
}

/// The lengths of candles, as the venue spells them, those of older versions of its API too.
enum Timeframe {
    static let byName: [String: (name: String, interval: CandleInterval)] = {
        let current: [(String, [String], CandleInterval)] = [
            ("1m", ["M1"], .minutes(1)), ("5m", ["M5"], .minutes(5)), ("15m", ["M15"], .minutes(15)),
            ("30m", ["M30"], .minutes(30)), ("1h", ["H1"], .hours(1)), ("2h", ["H2"], .hours(2)),
            ("4h", ["H4"], .hours(4)), ("12h", ["H12"], .hours(12)), ("1D", ["D1"], .days(1)),
            ("7D", ["D7"], .weeks(1)), ("14D", ["D14"], .weeks(2)), ("1M", [], .months(1)),
        ]
        var byName: [String: (String, CandleInterval)] = [:]
        for (name, older, interval) in current {
            for spelling in [name] + older { byName[spelling] = (name, interval) }
        }
        return byName
    }()
}

extension JSONWriter {
    private mutating func member(_ name: StaticString, _ number: ExactDecimal?) {
        key(name)
        if let number { quoted(number) } else { null() }
    }

    /// A ticker; `withSizes` puts what stands at the best prices beside them, as channels do.
    mutating func ticker(
        _ instrument: InstrumentMarket<InstrumentRule>, at stamp: LedgerTime? = nil, withSizes: Bool
    ) throws {
        guard let day = try instrument.lastDay else { throw FigureError.priceMissing(instrument.name) }
        let (touch, sizes) = (instrument.touch, instrument.sizes)
        let change =
            day.open.isZero
            ? .zero : try (day.close - day.open).over(day.open, places: 4, rounding: .halfUp)
        beginObject()
        if !withSizes {
            member("i", instrument.terms.name)
        }
        member("h", day.high)
        member("l", day.low)
        member("a", day.close)
        if withSizes {
            member("c", change)
            member("b", touch?.bid)
            member("bs", sizes?.bid)
            member("k", touch?.ask)
            member("ks", sizes?.ask)
            member("i", instrument.terms.name)
            member("v", day.traded.quantity)
            member("vv", day.traded.quote)
        } else {
            member("v", day.traded.quantity)
            member("vv", day.traded.quote)
            member("c", change)
            member("b", touch?.bid)
            member("k", touch?.ask)
        }
        // Nobody's positions are the market's.
        member("oi", literal: "0")
        member("t", (stamp ?? instrument.stamp).milliseconds)
        endObject()
    }

    /// A candle; channels tell when it was last updated.
    mutating func candle(_ candle: Candle, updatedAt: LedgerTime? = nil) {
        beginObject()
        member("o", candle.open)
        member("h", candle.high)
        member("l", candle.low)
        member("c", candle.close)
        member("v", candle.traded.quantity)
        member("t", candle.opened)
        if let updatedAt {
            member("ut", updatedAt.milliseconds)
        }
        endObject()
    }

    /// A trade. The documents have the side in capitals, the recordings of REST in small letters.
    mutating func trade(_ trade: MarketTrade, _ name: String, isFrame: Bool, _ profile: WireProfile) {
        beginObject()
        member("d", "\(trade.id)")
        member("t", trade.at.milliseconds)
        if !isFrame {
            member("tn", raw: Array("\(trade.at.milliseconds)000000".utf8))
        }
        member("q", trade.quantity)
        member("p", trade.price)
        key("s")
        let isSmall = profile == .live && !isFrame
        string(trade.takerSide == .buy ? (isSmall ? "buy" : "BUY") : (isSmall ? "sell" : "SELL"))
        member("i", name)
        member("m", "\(trade.id)")
        endObject()
    }

    /// One side of the book: a price, what stands there, and how many orders that is.
    mutating func levels(_ name: StaticString, _ levels: [BookLevel]) {
        beginArray(name)
        for level in levels {
            beginArray()
            quoted(level.price)
            quoted(level.size)
            if level.size.isZero { literal("0") } else { literal("1") }
            endArray()
        }
        endArray()
    }

    /// `{v,t}`.
    mutating func valuation(_ value: ExactDecimal, at time: LedgerTime) {
        beginObject()
        member("v", value)
        member("t", time.milliseconds)
        endObject()
    }
}
