import JSON
import Ledger
import Numbers
import Venue

/// The market of one instrument as everybody sees it: what is behind the answers of REST and the frames of
/// channels alike.
struct InstrumentMarket {
    let rule: InstrumentRule
    let market: ValuationPrices
    let access: any VenueAccess
    /// The ledger's time.
    let now: LedgerTime

    /// Funding and settlement come every hour.
    static let fundingHours: Int64 = 1
    /// What an hour is funded at where the ledger was told of nothing: a choice, 0.01 % in eight hours.
    static let usualFunding = "0.0000125"
    /// What stands at a price where nobody said how much: a choice.
    static let anySize = ExactDecimal(1_000_000)

    var terms: Instrument { rule.terms }

    init(_ rule: InstrumentRule, _ market: ValuationPrices, _ access: any VenueAccess) {
        self.rule = rule
        self.market = market
        self.access = access
        now = access.ledgerTime()
    }

    /// When the venue's prices last changed: what prices are dated with.
    var stamp: LedgerTime { market.prices.updatedAt ?? now }

    /// Nil where no price is known.
    var touch: Touch? { access.touch(of: terms, market, tick: rule.priceTick) }

    /// The place in the journal of the last event that changed the touch; 1 before there is one.
    var sequence: Int64 { access.market.change(of: terms.name)?.sequence ?? 1 }

    /// The rate of the present hour; nil for what is not funded.
    var fundingRate: ExactDecimal? {
        guard terms.kind == .perpetual, let usual = try? ExactDecimal(Self.usualFunding) else { return nil }
        return access.fundingRate(of: terms.name, usual: usual)
    }

    /// The last full hour, in milliseconds.
    var lastHour: Int64 { now.milliseconds - now.milliseconds % 3_600_000 }

    /// The bid and the ask, as a side of the book each; empty where no price is known.
    var levels: (bids: [BookLevel], asks: [BookLevel]) {
        guard let touch else { return ([], []) }
        func side(_ price: ExactDecimal, _ size: ExactDecimal?) -> [BookLevel] {
            let size = size ?? Self.anySize
            return price.isPositive && size.isPositive ? [BookLevel(price: price, size: size)] : []
        }
        return (side(touch.bid, touch.bidSize), side(touch.ask, touch.askSize))
    }
}

/// A price of the book, and what stands there; nothing where it is gone.
struct BookLevel: Sendable, Equatable {
    let price: ExactDecimal
    let size: ExactDecimal

    /// What changes one side into another: levels that are gone, then those that are new.
    static func changes(from before: [BookLevel], to after: [BookLevel]) -> [BookLevel] {
        let gone = before.filter { old in !after.contains { $0.price == old.price } }
        return gone.map { BookLevel(price: $0.price, size: .zero) } + after.filter { !before.contains($0) }
    }
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
    mutating func ticker(_ instrument: InstrumentMarket, withSizes: Bool) throws {
        guard let day = try instrument.access.lastDay(of: instrument.terms, instrument.market) else {
            throw FigureError.priceMissing(instrument.terms.name)
        }
        let touch = instrument.touch
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
            member("bs", touch.map { $0.bidSize ?? InstrumentMarket.anySize })
            member("k", touch?.ask)
            member("ks", touch.map { $0.askSize ?? InstrumentMarket.anySize })
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
        member("t", instrument.stamp.milliseconds)
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
