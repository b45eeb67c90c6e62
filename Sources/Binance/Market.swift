import JSON
import Ledger
import Numbers
import Venue

/// The market as everybody sees it: what is behind the answers of REST and the messages of streams alike.
struct SymbolMarket {
    let rules: SymbolRules
    let market: ValuationPrices
    let access: any VenueAccess
    /// The ledger's time.
    let now: LedgerTime

    /// The length of a funding period, in hours: 00, 08 and 16 o'clock UTC.
    static let fundingHours: Int64 = 8

    var name: String { rules.name }
    var instrument: Instrument { rules.instrument }

    init(_ rules: SymbolRules, _ market: ValuationPrices, _ access: any VenueAccess) {
        self.rules = rules
        self.market = market
        self.access = access
        now = access.ledgerTime()
    }

    /// The last price: a quote's, else the mark.
    func last() throws -> ExactDecimal {
        if let last = market.prices.quotes[name]?.last { return last }
        return try market.requiredMark(instrument)
    }

    /// Index of the base ÷ index of the quote, cut to 8 places.
    func index() throws -> ExactDecimal {
        try market.requiredIndex(instrument.base)
            .over(
                market.requiredIndex(instrument.quote), places: BinanceFigures.places, rounding: .towardZero)
    }

    func touch() throws -> Touch {
        guard let tick = try? ExactDecimal(rules.tickSize),
            let touch = access.touch(of: instrument, market, tick: tick)
        else { throw FigureError.priceMissing(name) }
        return touch
    }

    func lastDay() throws -> Candle {
        guard let day = try access.lastDay(of: instrument, market) else {
            throw FigureError.priceMissing(name)
        }
        return day
    }

    /// What the venue calls the book's update id: the place in the journal of the last event that changed the
    /// touch, 1 before there is one.
    var updateID: Int64 { access.market.change(of: name)?.sequence ?? 1 }

    /// The rate of the present period.
    func fundingRate(_ rules: RuleTable) -> ExactDecimal {
        access.fundingRate(of: name, usual: rules.account.fundingRate)
    }

    /// When the next funding is due.
    var nextFunding: Int64 {
        let length = Self.fundingHours * 3_600_000
        return now.milliseconds - now.milliseconds % length + length
    }

    /// What stands at a price where nobody said how much: the most that an order may have.
    static let anySize = ExactDecimal(1_000_000)
}

/// The intervals of candles, as the venue spells them.
enum KlineInterval {
    static let byName: [String: CandleInterval] = [
        "1m": .minutes(1), "3m": .minutes(3), "5m": .minutes(5), "15m": .minutes(15), "30m": .minutes(30),
        "1h": .hours(1), "2h": .hours(2), "4h": .hours(4), "6h": .hours(6), "8h": .hours(8),
        "12h": .hours(12), "1d": .days(1), "3d": .days(3), "1w": .weeks(1), "1M": .months(1),
    ]
}

extension JSONWriter {
    /// A price as the symbol has it: at most 8 places, at least the symbol's.
    mutating func price(_ price: ExactDecimal, _ symbol: SymbolRules) {
        quoted(price.cut(places: BinanceFigures.places), minimumPlaces: symbol.pricePrecision)
    }

    /// A quantity as the symbol has it.
    mutating func quantity(_ quantity: ExactDecimal, _ symbol: SymbolRules) {
        quoted(quantity, minimumPlaces: symbol.quantityPrecision)
    }

    /// An amount of the quote asset: price × quantity.
    mutating func value(_ value: ExactDecimal, _ symbol: SymbolRules) {
        quoted(value, minimumPlaces: symbol.pricePrecision + symbol.quantityPrecision)
    }

    mutating func price(_ key: StaticString, _ price: ExactDecimal, _ symbol: SymbolRules) {
        self.key(key)
        self.price(price, symbol)
    }

    mutating func quantity(_ key: StaticString, _ quantity: ExactDecimal, _ symbol: SymbolRules) {
        self.key(key)
        self.quantity(quantity, symbol)
    }

    mutating func value(_ key: StaticString, _ value: ExactDecimal, _ symbol: SymbolRules) {
        self.key(key)
        self.value(value, symbol)
    }

    /// A row of `klines`; of mark and index prices, which nobody trades, without volumes.
    mutating func kline(
        _ candle: Candle, _ interval: CandleInterval, _ symbol: SymbolRules, isTraded: Bool
    ) {
        beginArray()
        integer(candle.opened)
        for price in [candle.open, candle.high, candle.low, candle.close] {
            if isTraded {
                self.price(price, symbol)
            } else {
                quoted(price.cut(places: BinanceFigures.places), minimumPlaces: BinanceFigures.places)
            }
        }
        if isTraded { quantity(candle.traded.quantity, symbol) } else { literal("0") }
        integer(interval.end(of: candle.opened) - 1)
        if isTraded { value(candle.traded.quote, symbol) } else { literal("0") }
        integer(candle.trades)
        if isTraded {
            quantity(candle.bought.quantity, symbol)
            value(candle.bought.quote, symbol)
        } else {
            literal("0")
            literal("0")
        }
        literal("0")
        endArray()
    }

    /// A candle of the premium index.
    mutating func premiumKline(_ candle: Candle, _ premiums: [ExactDecimal], _ interval: CandleInterval) {
        beginArray()
        integer(candle.opened)
        for premium in premiums { quoted(premium, minimumPlaces: BinanceFigures.places) }
        literal("0")
        integer(interval.end(of: candle.opened) - 1)
        literal("0")
        integer(candle.trades)
        for _ in 1...3 { literal("0") }
        endArray()
    }

    /// One side of the book: a level of a price and a size.
    mutating func levels(_ key: StaticString, _ levels: [BookLevel], _ symbol: SymbolRules) {
        beginArray(key)
        for level in levels {
            beginArray()
            price(level.price, symbol)
            quantity(level.size, symbol)
            endArray()
        }
        endArray()
    }
}

/// A price of the book, and what stands there; nothing where it is gone.
struct BookLevel: Equatable {
    let price: ExactDecimal
    let size: ExactDecimal

    /// The bid of a touch, if there is one.
    static func bids(_ touch: Touch) -> [BookLevel] { level(touch.bid, touch.bidSize) }

    static func asks(_ touch: Touch) -> [BookLevel] { level(touch.ask, touch.askSize) }

    private static func level(_ price: ExactDecimal, _ size: ExactDecimal?) -> [BookLevel] {
        let size = size ?? SymbolMarket.anySize
        return price.isPositive && size.isPositive ? [BookLevel(price: price, size: size)] : []
    }

    /// What changes one side into another: levels that are gone, then those that are new.
    static func changes(from before: [BookLevel], to after: [BookLevel]) -> [BookLevel] {
        let gone = before.filter { old in !after.contains { $0.price == old.price } }
        return gone.map { BookLevel(price: $0.price, size: .zero) } + after.filter { !before.contains($0) }
    }
}
