import JSON
import Ledger
import Numbers
import Venue

/// A channel of market data. Tickers, mark and index prices and instruments are in `Channel`.
enum MarketChannel: Sendable, Equatable {
    /// Candles of last prices, marks or indexes; `prefix` is the name without the bar.
    case candle(prefix: String, bar: String)
    /// The book: what has changed, after a snapshot.
    case books
    /// The whole top of the book each time: `books5`, `bbo-tbt`.
    case topOfBook
    case trades
    case allTrades
    case fundingRate
    case openInterest
    case priceLimit

    private static let candlePrefixes = ["mark-price-candle", "index-candle", "candle"]

    /// Nil for a name that is none of these.
    init?(_ name: String) {
        switch name {
        case "books": self = .books
        case "books5", "bbo-tbt": self = .topOfBook
        case "trades": self = .trades
        case "trades-all": self = .allTrades
        case "funding-rate": self = .fundingRate
        case "open-interest": self = .openInterest
        case "price-limit": self = .priceLimit
        default:
            guard let prefix = Self.candlePrefixes.first(where: { name.hasPrefix($0) }) else { return nil }
            let bar = String(name.dropFirst(prefix.count))
            guard Bar.byName[bar] != nil else { return nil }
            self = .candle(prefix: prefix, bar: bar)
        }
    }

    var address: StreamAddress {
        switch self {
        case .candle, .allTrades: .business
        default: .publicData
        }
    }

    /// Real milliseconds between pushes without a change; nil for none.
    fileprivate var pace: Int64? {
        switch self {
        case .fundingRate: 60_000
        case .openInterest: 3_000
        // An idle book says that it is alive.
        case .books: 60_000
        default: nil
        }
    }
}

/// A subscription to market data.
struct MarketSubscription: Sendable {
    let channel: MarketChannel
    let name: String
    /// The argument as acknowledged: as it was sent.
    let argument: JSONObject
    let source: CandleSource
    let identity: [UInt8]
    fileprivate var told = MarketTold()
    /// When the next push without a change is due.
    fileprivate var due: Int64 = 0
    /// What it counts against the venue's limits.
    var places: [RateLimiter.Place] = []

    /// Nil where the channel is none of market data. Throws where the socket is the wrong one, and for an
    /// instrument that there is not.
    init?(
        reading value: JSONValue, at address: StreamAddress, _ rules: RuleTable
    ) throws(StreamError) {
        guard let object = value.object, let name = object["channel"]?.text,
            let channel = MarketChannel(name)
        else { return nil }
        let given = JSONObject(object.members.filter { !$0.value.isNull })
        guard channel.address == address else {
            throw address == .business ? .notForBusiness : .channelUnknown(given)
        }
        guard given.members.allSatisfy({ ["channel", "instId"].contains($0.key) && $0.value.text != nil }),
            let instrument = given["instId"]?.text
        else { throw .channelUnknown(given) }
        if case .candle(let prefix, _) = channel, prefix == "index-candle" {
            guard let pair = try? OKXVenue.indexPair(instrument, rules) else { throw .channelUnknown(given) }
            source = .index(base: pair.base, quote: pair.quote)
        } else {
            guard let entry = rules.instrument(instrument) else { throw .channelUnknown(given) }
            if channel == .fundingRate, entry.type != .swap { throw .channelUnknown(given) }
            if case .candle(let prefix, _) = channel, prefix == "mark-price-candle" {
                source = .mark(entry)
            } else {
                source = .last(entry)
            }
        }
        self.name = name
        self.channel = channel
        argument = given
        identity = JSONValue.object(given).canonicalBytes()
    }

    /// Whether both are of the same data.
    func isSame(as other: MarketSubscription) -> Bool { identity == other.identity }
}

/// The subscriptions to market data of one connection: each pushes how things stand when it begins, and then
/// what changes.
struct MarketFeeds: Sendable {
    /// How often it is looked whether the ledger's clock has moved something.
    private static let look: Int64 = 1000

    private let venue: OKXVenue
    private let access: any VenueAccess
    private(set) var subscriptions: [MarketSubscription] = []
    private var nextLook: Int64 = .max

    init(_ venue: OKXVenue, _ access: any VenueAccess) {
        self.venue = venue
        self.access = access
    }

    var isEmpty: Bool { subscriptions.isEmpty }

    var deadline: Int64? { subscriptions.isEmpty ? nil : nextLook }

    /// Whether a subscription has to push how things stand.
    var isFresh: Bool { subscriptions.contains { !$0.told.hasBegun } }

    /// Follows a subscription, in place of the same one.
    mutating func add(_ subscription: MarketSubscription, at now: Int64) {
        access.beginReadingMarket()
        remove(subscription)
        subscriptions.append(subscription)
        nextLook = min(nextLook, now + Self.look)
    }

    mutating func remove(_ subscription: MarketSubscription) {
        subscriptions.removeAll { $0.isSame(as: subscription) }
        if subscriptions.isEmpty { nextLook = .max }
    }

    /// Pushes what is new.
    mutating func news(at now: Int64) -> [[UInt8]] {
        guard !subscriptions.isEmpty else { return [] }
        nextLook = now + Self.look
        // Until all that was before is read, nothing can be said.
        guard access.market.isRead else { return [] }
        let time = access.ledgerTime()
        let market = venue.market(access.prices(), venue.rules(at: time))
        var messages: [[UInt8]] = []
        for place in subscriptions.indices {
            // What has no price yet is not told of.
            messages += (try? news(place, market, time, at: now)) ?? []
            subscriptions[place].told.hasBegun = true
        }
        return messages
    }

    private mutating func news(
        _ place: Int, _ market: ValuationPrices, _ time: LedgerTime, at now: Int64
    ) throws -> [[UInt8]] {
        let subscription = subscriptions[place]
        if case .candle(_, let bar) = subscription.channel {
            return try candleNews(place, bar, market, time)
        }
        guard case .last(let rules) = subscription.source else { return [] }
        let table = venue.rules(at: time)
        let instrument = InstrumentMarket(rules, market, access)
        switch subscription.channel {
        case .trades, .allTrades: return try tradeNews(place, instrument.name)
        case .books: return try bookNews(place, instrument, at: now)
        case .topOfBook:
            let levels = instrument.levels
            func row(_ time: LedgerTime, _ sequence: Int64) throws -> [UInt8] {
                var writer = JSONWriter(reserving: 192)
                writer.beginObject()
                try writer.levels("asks", levels.of(.sell))
                try writer.levels("bids", levels.of(.buy))
                writer.member("instId", instrument.name)
                writer.member("ts", time)
                writer.member("seqId", sequence)
                writer.endObject()
                return writer.bytes
            }
            return try state(place, try row(LedgerTime(milliseconds: 0), 0), at: now) {
                try row(time, instrument.sequence)
            }
        case .fundingRate, .openInterest, .priceLimit:
            func row(_ time: LedgerTime) throws -> [UInt8] {
                var writer = JSONWriter(reserving: 384)
                switch subscription.channel {
                case .fundingRate: try instrument.writeFundingRate(at: time, to: &writer)
                case .openInterest: instrument.writeOpenInterest(at: time, to: &writer)
                default: try instrument.writePriceLimit(at: time, table, to: &writer)
                }
                return writer.bytes
            }
            return try state(place, try row(LedgerTime(milliseconds: 0)), at: now) { try row(time) }
        case .candle: return []
        }
    }

    /// A push of how things stand, where that has changed or is due.
    private mutating func state(
        _ place: Int, _ timeless: [UInt8], at now: Int64, _ row: () throws -> [UInt8]
    ) throws -> [[UInt8]] {
        let pace = subscriptions[place].channel.pace
        let isDue = pace != nil && now >= subscriptions[place].due
        let isNews = subscriptions[place].told.isNews(timeless)
        guard isDue || isNews else { return [] }
        if let pace { subscriptions[place].due = now + pace }
        return [push(subscriptions[place], try row())]
    }

    private mutating func tradeNews(_ place: Int, _ name: String) throws -> [[UInt8]] {
        let trades = subscriptions[place].told.trades(of: name, access)
        let subscription = subscriptions[place]
        return try trades.map { trade in
            var writer = JSONWriter(reserving: 192)
            try writer.trade(trade, name, isMerged: subscription.channel == .trades)
            return push(subscription, writer.bytes)
        }
    }

    private mutating func candleNews(
        _ place: Int, _ bar: String, _ market: ValuationPrices, _ time: LedgerTime
    ) throws -> [[UInt8]] {
        guard let interval = Bar.byName[bar] else { return [] }
        let subscription = subscriptions[place]
        let source = subscription.source
        let news = try subscriptions[place].told.candles(
            source.subject, interval, flat: source.flat(market), access
        ) { candle in
            var writer = JSONWriter(reserving: 160)
            try writer.candle(candle, interval, of: source, at: time)
            return writer.bytes
        }
        return news.map { push(subscription, $0.shown) }
    }

    /// A snapshot first, then what has changed, each going on from the one before; now and then that nothing
    /// has.
    private mutating func bookNews(
        _ place: Int, _ instrument: InstrumentMarket<InstrumentRules>, at now: Int64
    ) throws -> [[UInt8]] {
        let subscription = subscriptions[place]
        let isDue = now >= subscription.due
        guard let news = subscriptions[place].told.book(of: instrument, saysNothing: isDue) else { return [] }
        subscriptions[place].due = now + (subscription.channel.pace ?? 0)
        var writer = JSONWriter(reserving: 256)
        writer.beginObject()
        try writer.levels("asks", news.changes.of(.sell))
        try writer.levels("bids", news.changes.of(.buy))
        writer.member("ts", instrument.now)
        writer.member("checksum", 0)
        writer.member("seqId", news.sequence)
        writer.member("prevSeqId", news.previous ?? -1)
        writer.endObject()
        return [push(subscription, writer.bytes, action: news.previous == nil ? "snapshot" : "update")]
    }

    private func push(
        _ subscription: MarketSubscription, _ row: [UInt8], action: String? = nil
    ) -> [UInt8] {
        var writer = JSONWriter(reserving: row.count + 128)
        writer.beginObject()
        writer.member("arg", .object(subscription.argument))
        if let action { writer.member("action", action) }
        writer.beginArray("data")
        writer.raw(row)
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }
}
