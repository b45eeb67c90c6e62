import JSON
import Ledger
import Numbers
import Venue

extension SymbolRules: MarketRules {
    var terms: Instrument { instrument }

    /// The length of a funding period, in hours: 00, 08 and 16 o'clock UTC.
    static let fundingHours: Int64 = 8
}

typealias SymbolMarket = InstrumentMarket<SymbolRules>

extension SymbolMarket {
    /// The last price: a quote's, else the mark.
    func last() throws -> ExactDecimal {
        try market.prices.quotes[name]?.last ?? market.requiredMark(terms)
    }

    /// Index of the base ÷ index of the quote, cut to 8 places.
    func index() throws -> ExactDecimal {
        try market.requiredIndex(terms.base)
            .over(market.requiredIndex(terms.quote), places: BinanceFigures.places, rounding: .towardZero)
    }

    func requiredTouch() throws -> Touch {
        guard let touch else { throw FigureError.priceMissing(name) }
        return touch
    }

    func requiredDay() throws -> Candle {
        guard let day = try lastDay else { throw FigureError.priceMissing(name) }
        return day
    }

    /// The rate of the present period.
    func fundingRate(_ rules: RuleTable) -> ExactDecimal {
        access.fundingRate(of: name, usual: rules.account.fundingRate)
    }

    /// When the next funding is due.
    var nextFunding: Int64 { end(ofPeriod: SymbolRules.fundingHours).milliseconds }
}

/// The intervals of candles, as the venue spells them.
enum KlineInterval {
    static let byName: [String: CandleInterval] = [
        "1m": .minutes(1), "3m": .minutes(3), "5m": .minutes(5), "15m": .minutes(15), "30m": .minutes(30),
        "1h": .hours(1), "2h": .hours(2), "4h": .hours(4), "6h": .hours(6), "8h": .hours(8),
        "12h": .hours(12), "1d": .days(1), "3d": .days(3), "1w": .weeks(1), "1M": .months(1),
    ]
}

/// With how many decimals at least a symbol's numbers are written.
struct ShownPlaces {
    let price: Int
    let quantity: Int

    /// Of price × quantity.
    var value: Int { price + quantity }
}

extension RuleTable {
    /// The decimals of a contract; those of most for one that there are no rules of any more.
    func places(of contract: Instrument) -> ShownPlaces {
        let symbol = symbol(contract.name)
        return ShownPlaces(price: symbol?.pricePrecision ?? 2, quantity: symbol?.quantityPrecision ?? 3)
    }
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
