import Ledger
import Numbers

/// What a price was over a stretch of time, and what was traded then.
public struct Candle: Sendable, Equatable {
    /// When it begins, in milliseconds since the epoch.
    public internal(set) var opened: Int64
    /// The first price, the highest, the lowest and the last, in the quote asset.
    public internal(set) var open: ExactDecimal
    public internal(set) var high: ExactDecimal
    public internal(set) var low: ExactDecimal
    public internal(set) var close: ExactDecimal
    /// What was traded by all, and by those who took who bought.
    public internal(set) var traded = Turnover.none
    public internal(set) var bought = Turnover.none
    /// How many trades there were.
    public internal(set) var trades: Int64 = 0
    /// Whether a sum of what was traded is beyond every number.
    var isBeyondMeasure = false

    /// One in which nothing moved.
    init(opened: Int64, at price: ExactDecimal) {
        self.opened = opened
        (open, high, low, close) = (price, price, price, price)
    }

    mutating func take(_ price: ExactDecimal, _ trade: MarketTrade?) {
        high = max(high, price)
        low = min(low, price)
        close = price
        guard let trade else { return }
        trades += 1
        guard let turnover = trade.turnover else {
            isBeyondMeasure = true
            return
        }
        add(turnover, bought: trade.takerSide == .buy ? turnover : .none)
    }

    /// Goes on with a later candle.
    mutating func take(_ later: Candle) {
        high = max(high, later.high)
        low = min(low, later.low)
        close = later.close
        trades += later.trades
        isBeyondMeasure = isBeyondMeasure || later.isBeyondMeasure
        add(later.traded, bought: later.bought)
    }

    private mutating func add(_ turnover: Turnover, bought: Turnover) {
        do throws(NumberError) {
            self.traded = try self.traded.adding(turnover)
            self.bought = try self.bought.adding(bought)
        } catch {
            isBeyondMeasure = true
        }
    }
}

/// How much was traded.
public struct Turnover: Sendable, Equatable {
    /// What was traded, in the venue's unit; never negative.
    public let quantity: ExactDecimal
    /// In the base asset and in the quote asset.
    public let base: ExactDecimal
    public let quote: ExactDecimal

    /// No turnover: every amount is zero.
    public static let none = Turnover(quantity: .zero, base: .zero, quote: .zero)

    private init(quantity: ExactDecimal, base: ExactDecimal, quote: ExactDecimal) {
        self.quantity = quantity
        self.base = base
        self.quote = quote
    }

    /// What a trade of an instrument turns over: quantity × contract value in the asset that the contract
    /// counts, and that × price, or ÷ price of an inverse contract, in the other one, to 18 places.
    init(_ quantity: ExactDecimal, at price: ExactDecimal, of instrument: Instrument) throws(NumberError) {
        let value = try quantity.times(instrument.contractValue, rounding: .halfEven)
        switch instrument.payoff {
        case .linear:
            self.init(quantity: quantity, base: value, quote: try value.times(price, rounding: .halfEven))
        case .inverse:
            self.init(
                quantity: quantity, base: try value.over(price, places: 18, rounding: .halfEven),
                quote: value)
        }
    }

    func adding(_ other: Turnover) throws(NumberError) -> Turnover {
        Turnover(
            quantity: try quantity + other.quantity, base: try base + other.base,
            quote: try quote + other.quote)
    }
}

/// A trade that somebody told the ledger of: a quote's last price, with what was traded at it.
public struct MarketTrade: Sendable, Equatable {
    /// The place in the journal of the quote: no other trade of the instrument has it.
    public let id: Int64
    public let at: LedgerTime
    /// In the quote asset.
    public let price: ExactDecimal
    /// In the venue's unit; above zero.
    public let quantity: ExactDecimal
    /// The side of who took: the seller's where the price is at or below the bid, the buyer's at or above the
    /// ask; between them, and where nothing is quoted, the buyer's unless the price fell (a choice).
    public let takerSide: Side
    /// Nil where it does not fit into a number.
    public let turnover: Turnover?
}

/// One price over time, kept in candles of a minute, of half an hour and of a day: so many of each in which
/// something happened, the latest.
struct CandleSeries: Sendable {
    fileprivate struct Level {
        let length: Int64
        var candles: [Candle] = []
        /// Whether nothing was ever let go.
        var isWhole = true
        /// Candles that begin before are kept only until the next one does.
        var start = Int64.min
    }

    /// The candles of each length that are always kept.
    static let kept = 5_000

    private var levels: [Level]

    private static let lengths = [CandleInterval.minute, 30 * CandleInterval.minute, CandleInterval.day]

    init() { levels = Self.lengths.map { Level(length: $0) } }

    /// One for a single window, of which it keeps everything, and of what lies before it the last price.
    init(of window: CandleWindow) {
        let length = Self.lengths.last { window.interval.isMade(of: $0) } ?? Self.lengths[0]
        levels = [Level(length: length, start: window.first)]
    }

    /// Takes a price, and the trade that it comes from if there is one.
    mutating func take(_ price: ExactDecimal, _ trade: MarketTrade?, at time: LedgerTime) {
        for place in levels.indices { levels[place].take(price, trade, at: time.milliseconds) }
    }

    /// The candles of a window, without a gap; nil where it begins before all that is kept.
    ///
    /// Where nothing moved a candle is flat at the price before it; before the first price, at that one, and
    /// without any price at `flat`.
    func candles(_ window: CandleWindow, flat: ExactDecimal?) -> [Candle]? {
        guard let level = levels.last(where: { window.interval.isMade(of: $0.length) }) else { return nil }
        let candles = level.candles
        var place = level.place(of: window.first)
        if place == 0, !level.isWhole, let earliest = candles.first, earliest.opened > window.first {
            return nil
        }
        guard var price = (place > 0 ? candles[place - 1].close : candles.first?.open) ?? flat else {
            return []
        }
        var found: [Candle] = []
        var opening = window.first
        while opening <= window.last {
            let end = window.interval.end(of: opening)
            var candle = Candle(opened: opening, at: price)
            if place < candles.count, candles[place].opened < end {
                candle = candles[place]
                candle.opened = opening
                place += 1
            }
            while place < candles.count, candles[place].opened < end {
                candle.take(candles[place])
                place += 1
            }
            found.append(candle)
            price = candle.close
            opening = end
        }
        return found
    }

    /// All that happened from a full minute on as one candle, which begins at the price that stood then; nil
    /// without any price. No further back than `kept` minutes in which something happened.
    func stretch(from start: Int64) -> Candle? {
        let candles = levels[0].candles
        var place = levels[0].place(of: start)
        guard let price = place > 0 ? candles[place - 1].close : candles.first?.open else { return nil }
        var whole = Candle(opened: start, at: price)
        while place < candles.count {
            whole.take(candles[place])
            place += 1
        }
        return whole
    }
}

extension CandleSeries.Level {
    fileprivate mutating func take(_ price: ExactDecimal, _ trade: MarketTrade?, at time: Int64) {
        let opening = time.flooredQuotient(by: length) * length
        if let last = candles.indices.last, candles[last].opened >= opening {
            candles[last].take(price, trade)
            return
        }
        var candle = Candle(opened: opening, at: price)
        candle.take(price, trade)
        if opening < start { candles.removeAll(keepingCapacity: true) }
        candles.append(candle)
        if start == .min, candles.count > CandleSeries.kept + CandleSeries.kept / 4 {
            candles.removeFirst(CandleSeries.kept / 4)
            isWhole = false
        }
    }

    /// The place of the first candle that does not begin before a time.
    fileprivate func place(of time: Int64) -> Int {
        var (low, high) = (0, candles.count)
        while low < high {
            let middle = (low + high) / 2
            if candles[middle].opened < time { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Which candles are wanted, as beginnings of stretches.
struct CandleWindow: Sendable, Equatable {
    let interval: CandleInterval
    let first: Int64
    let last: Int64
}

/// What candles are asked for.
public struct CandleQuery: Sendable {
    /// What the candles are of.
    public var subject: MarketSubject
    /// The interval of each candle.
    public var interval: CandleInterval
    /// The earliest and the latest beginning that is wanted, in milliseconds; nil for any.
    public var from: Int64?
    public var to: Int64?
    /// How many candles are given at most.
    public var limit: Int
    /// Which of too many are kept: the oldest, or the latest.
    public var keepsOldest: Bool

    /// A question for candles.
    public init(
        _ subject: MarketSubject, _ interval: CandleInterval, from: Int64? = nil, to: Int64? = nil,
        limit: Int, keepsOldest: Bool = false
    ) {
        self.subject = subject
        self.interval = interval
        self.from = from
        self.to = to
        self.limit = limit
        self.keepsOldest = keepsOldest
    }

    /// The window that it comes to: none begins after `now`, nor before the stretch of `beginning`. Nil where
    /// there is none.
    func window(beginning: Int64, now: Int64) -> CandleWindow? {
        guard limit > 0 else { return nil }
        var last = interval.opening(of: min(max(to ?? now, beginning - CandleInterval.day), now))
        var first = interval.opening(of: min(max(from ?? beginning, beginning), now))
        if let from, first < from, from > beginning { first = interval.end(of: first) }
        guard first <= last else { return nil }
        if keepsOldest {
            var end = first
            for _ in 1..<limit where end < last { end = interval.end(of: end) }
            last = min(last, end)
        } else {
            first = max(first, interval.opening(of: limit, upTo: last))
        }
        return CandleWindow(interval: interval, first: first, last: last)
    }
}
