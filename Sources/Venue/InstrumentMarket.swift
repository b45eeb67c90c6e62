import Ledger
import Numbers

/// What the market of an instrument needs of a venue's rules of it.
public protocol MarketRules: Sendable {
    /// The contract.
    var terms: Instrument { get }

    /// The smallest step of its price.
    var priceTick: ExactDecimal { get }

    /// What stands at a price where nobody said how much.
    var anySize: ExactDecimal { get }
}

extension MarketRules {
    /// A million: a choice.
    public var anySize: ExactDecimal { ExactDecimal(1_000_000) }
}

/// The market of one instrument as everybody sees it: what is behind the answers to requests and the messages
/// of streams alike.
public struct InstrumentMarket<Rules: MarketRules>: Sendable {
    public let rules: Rules
    public let market: ValuationPrices
    public let access: any VenueAccess
    /// The ledger time that everything here is of.
    public let now: LedgerTime

    public init(_ rules: Rules, _ market: ValuationPrices, _ access: any VenueAccess) {
        self.rules = rules
        self.market = market
        self.access = access
        now = access.ledgerTime()
    }

    public var terms: Instrument { rules.terms }
    public var name: String { rules.terms.name }

    /// Nil where no price is known.
    public var touch: Touch? { access.touch(of: terms, market, tick: rules.priceTick) }

    /// What stands at the bid and at the ask; nil where no price is known.
    public var sizes: (bid: ExactDecimal, ask: ExactDecimal)? {
        touch.map { ($0.bidSize ?? rules.anySize, $0.askSize ?? rules.anySize) }
    }

    /// The bid and the ask, one level each; none where no price is known.
    public var levels: [BookLevel] {
        guard let touch, let sizes else { return [] }
        let both = [
            BookLevel(side: .buy, price: touch.bid, size: sizes.bid),
            BookLevel(side: .sell, price: touch.ask, size: sizes.ask),
        ]
        return both.filter { $0.price.isPositive && $0.size.isPositive }
    }

    /// The place in the journal of the last event that changed the touch; 1 before there is one.
    public var sequence: Int64 { access.market.change(of: name)?.sequence ?? 1 }

    /// When the touch last changed.
    public var changedAt: LedgerTime { access.market.change(of: name)?.at ?? now }

    /// What the price was over the last 24 hours; nil where none is known.
    public var lastDay: Candle? {
        get throws(NumberError) { try access.lastDay(of: terms, market) }
    }

    /// When the present period ends, of those that are so many hours long and begin at midnight UTC.
    public func end(ofPeriod hours: Int64) -> LedgerTime {
        let length = hours * CandleInterval.hour
        return LedgerTime(milliseconds: now.milliseconds - now.milliseconds % length + length)
    }
}

/// A price of a book, and what stands there; nothing where it is gone.
public struct BookLevel: Sendable, Equatable {
    public let side: Side
    /// In the quote asset.
    public let price: ExactDecimal
    /// In the venue's unit; 0 where the level is gone.
    public let size: ExactDecimal

    public init(side: Side, price: ExactDecimal, size: ExactDecimal) {
        self.side = side
        self.price = price
        self.size = size
    }
}

extension [BookLevel] {
    /// The levels of one side, in their order.
    public func of(_ side: Side) -> [BookLevel] { filter { $0.side == side } }

    /// What makes another book of this one: prices that are gone, then those that are new.
    public func changes(to after: [BookLevel]) -> [BookLevel] {
        let gone = filter { old in !after.contains { $0.side == old.side && $0.price == old.price } }
        return gone.map { BookLevel(side: $0.side, price: $0.price, size: .zero) }
            + after.filter { !contains($0) }
    }
}

/// What one subscription to market data has been told, and so what is news to it.
public struct MarketTold: Sendable {
    /// How a book has changed.
    public struct BookNews: Sendable {
        /// All price levels of the book.
        public let levels: [BookLevel]
        /// What has changed in it; at first all of it.
        public let changes: [BookLevel]
        public let sequence: Int64
        /// The sequence of what was told before; nil at first.
        public let previous: Int64?
    }

    /// Whether it was told how things stand: from then on it is told what changes.
    public var hasBegun = false
    /// What was told last of each instrument, without its times.
    private var last: [String: [UInt8]] = [:]
    /// The last trade that was told; of candles, the beginning of the last one.
    private var place: Int64 = 0
    private var book: [BookLevel] = []
    private var sequence: Int64 = 0
    /// The most candles that are told of at once.
    private static let candlesAtOnce = 100

    public init() {}

    /// Whether what is shown of an instrument is not what was told of it last; it is told now.
    public mutating func isNews(_ shown: [UInt8], of name: String = "") -> Bool {
        if last[name] == shown { return false }
        last[name] = shown
        return true
    }

    /// The trades since the last one that was told. What was before the subscription is not news.
    public mutating func trades(of name: String, _ access: any VenueAccess) -> [MarketTrade] {
        let trades = access.market.latestTrades(of: name).trades
        let told = place
        place = trades.last?.id ?? place
        return hasBegun ? trades.filter { $0.id > told } : []
    }

    /// The candles since the last one that was told, that one too, as far as they are not as they were told;
    /// each with how `show` writes it. None where no price is known.
    public mutating func candles(
        _ subject: MarketSubject, _ interval: CandleInterval, flat: ExactDecimal?, _ access: any VenueAccess,
        _ show: (Candle) throws -> [UInt8]
    ) throws -> [(candle: Candle, shown: [UInt8])] {
        let opening = interval.opening(of: access.ledgerTime().milliseconds)
        var query = CandleQuery(
            subject, interval, from: hasBegun ? place : opening, to: opening, limit: Self.candlesAtOnce)
        place = opening
        var found = try access.presentCandles(query, flat: flat)
        if found == nil {
            // What memory has let go of is not told of here.
            query.from = opening
            found = try access.presentCandles(query, flat: flat)
        }
        var news: [(candle: Candle, shown: [UInt8])] = []
        for candle in found ?? [] {
            let shown = try show(candle)
            if isNews(shown) { news.append((candle, shown)) }
        }
        return news
    }

    /// How the book has changed: at first all of it, and then what has; nil where nothing has, unless it is
    /// to be said that nothing has.
    public mutating func book<Rules: MarketRules>(
        of market: InstrumentMarket<Rules>, saysNothing: Bool = false
    ) -> BookNews? {
        let levels = market.levels
        let changes = hasBegun ? book.changes(to: levels) : levels
        guard !hasBegun || saysNothing || !changes.isEmpty else { return nil }
        let previous = hasBegun ? sequence : nil
        if !hasBegun {
            sequence = market.sequence
        } else if !changes.isEmpty {
            // A reference price may change without an event.
            sequence = max(market.sequence, sequence + 1)
        }
        book = levels
        return BookNews(levels: levels, changes: changes, sequence: sequence, previous: previous)
    }
}

extension VenueAccess {
    /// Has all that was before read, if it was not yet, while others go on: until it is, nothing of the
    /// market can be told.
    public func beginReadingMarket() {
        if !market.isRead { Task.detached { _ = try? await self.marketHistory() } }
    }
}
