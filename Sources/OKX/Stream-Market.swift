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

    /// A push of whatever `write` puts into `data`.
    fileprivate func push(
        action: String? = nil, _ write: (inout JSONWriter) throws -> Void
    ) rethrows -> [UInt8] {
        try JSONWriter.object(reserving: 384) { writer in
            writer.member("arg", .object(argument))
            if let action { writer.member("action", action) }
            try writer.array("data", write)
        }
    }
}

/// How a market stands at one moment, for those who have subscribed to it.
struct MarketMoment {
    private let access: any VenueAccess
    /// The real time.
    private let now: Int64
    private let time: LedgerTime
    private let rules: RuleTable
    private let market: ValuationPrices

    init(_ venue: OKXVenue, _ access: any VenueAccess, at now: Int64) {
        self.access = access
        self.now = now
        (time, rules, market) = venue.present(through: access)
    }

    /// What is pushed to a subscription: what has changed, and how things stand where that is due.
    func news(_ feed: inout MarketFeeds<MarketSubscription>.Feed) throws -> [[UInt8]] {
        let pace = feed.subscription.channel.pace
        let isDue = pace != nil && now >= feed.due
        let messages = try news(feed.subscription, &feed.told, isDue: isDue)
        if let pace, !messages.isEmpty { feed.due = now + pace }
        return messages
    }

    private func news(
        _ subscription: MarketSubscription, _ told: inout MarketTold, isDue: Bool
    ) throws -> [[UInt8]] {
        let source = subscription.source
        if case .candle(_, let bar) = subscription.channel, let interval = Bar.byName[bar] {
            return try told.candles(source.subject, interval, flat: source.flat(market), access) { candle in
                try subscription.push { try $0.candle(candle, interval, of: source, at: time) }
            }.map(\.shown)
        }
        guard case .last(let entry) = source else { return [] }
        let instrument = InstrumentMarket(entry, market, access)
        switch subscription.channel {
        case .trades, .allTrades:
            let isMerged = subscription.channel == .trades
            return try told.trades(of: instrument.name, access).map { trade in
                try subscription.push { try $0.trade(trade, instrument.name, isMerged: isMerged) }
            }
        case .books:
            let news = told.book(of: instrument, saysNothing: isDue)
            return try news.map { [try push($0, of: instrument, to: subscription)] } ?? []
        default:
            let push = try told.state(isDue: isDue) { isTimeless in
                let time = isTimeless ? LedgerTime(milliseconds: 0) : time
                return try subscription.push { writer in
                    switch subscription.channel {
                    case .fundingRate: try instrument.writeFundingRate(at: time, to: &writer)
                    case .openInterest: instrument.writeOpenInterest(at: time, to: &writer)
                    case .priceLimit: try instrument.writePriceLimit(at: time, rules, to: &writer)
                    default: try instrument.writeTop(at: time, to: &writer)
                    }
                }
            }
            return push.map { [$0] } ?? []
        }
    }

    /// A snapshot first, then what has changed, each going on from the one before; now and then that nothing
    /// has.
    private func push(
        _ news: MarketTold.BookNews, of instrument: InstrumentMarket<InstrumentRules>,
        to subscription: MarketSubscription
    ) throws -> [UInt8] {
        try subscription.push(action: news.previous == nil ? "snapshot" : "update") { writer in
            writer.beginObject()
            try writer.levels("asks", news.changes.of(.sell))
            try writer.levels("bids", news.changes.of(.buy))
            writer.member("ts", instrument.now)
            writer.member("checksum", 0)
            writer.member("seqId", news.sequence)
            writer.member("prevSeqId", news.previous ?? -1)
            writer.endObject()
        }
    }
}

extension InstrumentMarket<InstrumentRules> {
    /// The top of the book. Its place in the journal is no more news than the time is.
    fileprivate func writeTop(at time: LedgerTime, to writer: inout JSONWriter) throws(NumberError) {
        let levels = levels
        writer.beginObject()
        try writer.levels("asks", levels.of(.sell))
        try writer.levels("bids", levels.of(.buy))
        writer.member("instId", name)
        writer.member("ts", time)
        writer.member("seqId", time.milliseconds == 0 ? 0 : sequence)
        writer.endObject()
    }
}
