import Ledger
import Numbers

/// The subscriptions of one connection to market data: each is told how things stand when it begins, and then
/// what changes.
public struct MarketFeeds<Subscription: Sendable>: Sendable {
    /// A subscription, and what it has been told.
    public struct Feed: Sendable {
        public var subscription: Subscription
        public var told: MarketTold
        /// When it is told something although nothing has changed, where its channel does so.
        public var due: Int64 = 0
        /// Whether it has not been told yet how things stand.
        public fileprivate(set) var isFresh = true
    }

    /// How often it is looked whether the ledger's clock has moved something, and whether all that was before
    /// is read, in real milliseconds.
    private static var look: Int64 { 1000 }
    private static var readingLook: Int64 { 100 }

    /// In the order of subscribing.
    public private(set) var feeds: [Feed] = []
    /// When it is looked next; nil where there is nothing to look for.
    public private(set) var deadline: Int64?
    private let access: any VenueAccess

    public init(_ access: any VenueAccess) { self.access = access }

    /// Whether nothing is subscribed to.
    public var isEmpty: Bool { feeds.isEmpty }

    /// Whether one of them has not been told yet how things stand.
    public var isFresh: Bool { feeds.contains(where: \.isFresh) }

    /// Follows what was just subscribed to, in the place of the same where there is one.
    public mutating func add(
        _ subscription: Subscription, at now: Int64, inPlaceOf isSame: (Subscription) -> Bool = { _ in false }
    ) {
        access.beginReadingMarket()
        let feed = Feed(subscription: subscription, told: MarketTold(since: access.market.durable))
        if let place = feeds.firstIndex(where: { isSame($0.subscription) }) {
            feeds[place] = feed
        } else {
            feeds.append(feed)
        }
        deadline = deadline ?? now + Self.look
    }

    /// Follows some no longer.
    public mutating func removeAll(where isMeant: (Subscription) -> Bool) {
        feeds.removeAll { isMeant($0.subscription) }
        if feeds.isEmpty { deadline = nil }
    }

    /// What `news` says to each in their order, or to the fresh ones only. Until all that was before is read,
    /// nothing can be said.
    public mutating func news(
        at now: Int64, onlyFresh: Bool = false, _ news: (inout Feed) throws -> [[UInt8]]
    ) -> [[UInt8]] {
        if feeds.isEmpty { return [] }
        guard access.market.isRead else {
            deadline = now + Self.readingLook
            return []
        }
        if !onlyFresh { deadline = now + Self.look }
        var all: [[UInt8]] = []
        for place in feeds.indices where feeds[place].isFresh || !onlyFresh {
            // What has no price yet is not told of.
            if let messages = try? news(&feeds[place]) { all += messages }
            feeds[place].isFresh = false
        }
        return all
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

    /// What was told last of each instrument, without its times.
    private var last: [String: [UInt8]] = [:]
    /// The last trade that was told; of candles, the beginning of the last one. Nil before the first.
    private var place: Int64?
    /// The place of the journal behind which trades are news.
    private let start: Int64
    /// The book as it was told last; nil before the first.
    private var book: (levels: [BookLevel], sequence: Int64)?
    /// The most candles that are told of at once.
    private static let candlesAtOnce = 100

    /// Nothing was told yet. Trades are news behind a place of the journal, or from the first call on.
    public init(since start: Int64 = .max) { self.start = start }

    /// How things stand with an instrument, as `message` says it, if that is not what was told last, or is
    /// to be told all the same. Times make no news: `message` is asked once without them, to compare.
    public mutating func state(
        of name: String = "", isDue: Bool = false, _ message: (_ isTimeless: Bool) throws -> [UInt8]
    ) rethrows -> [UInt8]? {
        let isNews = isNews(try message(true), of: name)
        return isNews || isDue ? try message(false) : nil
    }

    /// Whether what is shown of an instrument is not what was told of it last; it is told now.
    public mutating func isNews(_ shown: [UInt8], of name: String = "") -> Bool {
        if last[name] == shown { return false }
        last[name] = shown
        return true
    }

    /// The trades since the last one that was told. What was before the subscription is not news; until all
    /// that was before is read, nothing can be said.
    public mutating func trades(of name: String, _ access: any VenueAccess) -> [MarketTrade] {
        guard access.market.isRead else { return [] }
        let trades = access.market.latestTrades(of: name).trades
        let told = place ?? start
        place = trades.last?.id ?? place ?? 0
        return trades.filter { $0.id > told }
    }

    /// The candles since the last one that was told, that one too, as far as they are not as they were told;
    /// each with how `show` writes it. None where no price is known.
    public mutating func candles(
        _ subject: MarketSubject, _ interval: CandleInterval, flat: ExactDecimal?, _ access: any VenueAccess,
        _ show: (Candle) throws -> [UInt8]
    ) throws -> [(candle: Candle, shown: [UInt8])] {
        let opening = interval.opening(of: access.ledgerTime().milliseconds)
        var query = CandleQuery(
            subject, interval, from: place ?? opening, to: opening, limit: Self.candlesAtOnce)
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
        guard let told = book else {
            book = (levels, market.sequence)
            return BookNews(levels: levels, changes: levels, sequence: market.sequence, previous: nil)
        }
        let changes = told.levels.changes(to: levels)
        guard saysNothing || !changes.isEmpty else { return nil }
        // A reference price may change without an event.
        let sequence = changes.isEmpty ? told.sequence : max(market.sequence, told.sequence + 1)
        book = (levels, sequence)
        return BookNews(levels: levels, changes: changes, sequence: sequence, previous: told.sequence)
    }
}

extension VenueAccess {
    /// Has all that was before read, if it was not yet, while others go on: until it is, nothing of the
    /// market can be told.
    public func beginReadingMarket() {
        if !market.isRead { Task.detached { _ = try? await self.marketHistory() } }
    }
}
