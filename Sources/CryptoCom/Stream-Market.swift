import JSON
import Ledger
import Numbers
import Venue

/// `/exchange/v1/market`: tickers, book, trades, candles, mark and index prices, funding.
///
/// The first frame of a channel comes with the request's id, every other with -1 whenever something has
/// changed; of a book an acknowledgement comes first. What a refusal says is as recorded in September 2026:
/// one answer per channel, naming it.
struct MarketStream: VenueStream {
    /// Frames that a client may send per second.
    static let framesPerSecond: Int64 = 100
    /// Channels that one connection may have.
    static let maximumSubscriptions = 400

    private let venue: CryptoComVenue
    private let access: any VenueAccess
    private var connection: SocketState
    private var market: MarketFeeds<MarketSubscription>
    private var interestInForce = StreamInterest()

    init(venue: CryptoComVenue, access: any VenueAccess) {
        self.venue = venue
        self.access = access
        connection = SocketState(framesPerSecond: Self.framesPerSecond, limiter: access.limiter)
        market = MarketFeeds(access)
    }

    var interest: StreamInterest { StreamInterest(prices: !market.isEmpty) }

    var deadline: Int64? { [connection.deadline, market.deadline].compactMap { $0 }.min() }

    mutating func opened(at now: Int64, into output: inout StreamOutput) { connection.opened(at: now) }

    mutating func received(_ message: StreamMessage, at now: Int64, into output: inout StreamOutput) {
        guard let request = connection.request(in: message, at: now, into: &output) else { return }
        do throws(VenueError) {
            switch request.method {
            case "subscribe":
                for name in try request.channels() { subscribe(to: name, request, at: now, into: &output) }
            case "unsubscribe":
                let names = Set(try request.channels())
                market.removeAll { names.contains($0.channel.name) }
                output.send(request.acknowledgement)
            default: throw .methodNotFound
            }
        } catch {
            output.send(error.body(id: request.id, method: request.method))
        }
        if interest == interestInForce { tell(at: now, onlyFresh: true, into: &output) }
    }

    mutating func interestTaken(at now: Int64, into output: inout StreamOutput) {
        interestInForce = interest
        tell(at: now, onlyFresh: true, into: &output)
    }

    mutating func ledgerChanged(_ notice: StreamNotice, at now: Int64, into output: inout StreamOutput) {
        if notice.pricesChanged { tell(at: now, into: &output) }
    }

    mutating func timePassed(at now: Int64, into output: inout StreamOutput) {
        connection.timePassed(at: now, into: &output)
        guard output.close == nil, let due = market.deadline, now >= due else { return }
        tell(at: now, into: &output)
    }

    func close(for reason: StreamCloseReason) -> StreamClose { SocketState.close(for: reason) }

    private mutating func subscribe(
        to name: String, _ request: StreamRequest, at now: Int64, into output: inout StreamOutput
    ) {
        do throws(VenueError) {
            let channel = try venue.marketChannel(name, request.params, at: access.ledgerTime())
            let same = market.feeds.first { $0.subscription.channel == channel }?.subscription
            guard same != nil || market.feeds.count < Self.maximumSubscriptions else {
                throw .tooManySubscriptions
            }
            // Only a channel's kind may have changed, as from snapshots of a book to updates.
            market.removeAll { $0.channel.name == name && $0.channel != channel }
            let wanted = MarketSubscription(channel: channel, owed: (same?.owed ?? []) + [request.id])
            market.add(wanted, at: now) { $0.channel == channel }
        } catch {
            output.send(error.body(id: request.id, method: request.method, channel: name))
        }
    }

    /// Sends the first frames that are owed, and what has changed.
    private mutating func tell(at now: Int64, onlyFresh: Bool = false, into output: inout StreamOutput) {
        if market.isEmpty { return }
        let moment = MarketMoment(venue, access, at: now)
        for frame in market.news(at: now, onlyFresh: onlyFresh, moment.news) { output.send(frame) }
    }
}

/// A channel of the market, such as `ticker.BTCUSD-PERP`.
struct MarketChannel: Equatable {
    enum Kind: Equatable {
        case ticker
        case mark
        case index
        case trade
        case candlestick(String)
        case funding
        case estimatedFunding
        case settlement
        case book(depth: Int64, isUpdated: Bool)
    }

    let kind: Kind
    let name: String
    /// An instrument, or of an index channel the index's name.
    let instrument: String

    /// The first part of the name.
    var word: String { String(name.prefix { $0 != "." }) }

    fileprivate func frame(_ id: RequestIdentifier) -> ChannelFrame {
        ChannelFrame(id: id, subscription: name, channel: word, instrument: instrument)
    }
}

/// A channel that the client listens to.
struct MarketSubscription {
    let channel: MarketChannel
    /// Requests that the first frame is still owed to.
    var owed: [RequestIdentifier]
}

/// How a market stands at one moment, for those who have subscribed to it.
struct MarketMoment {
    /// After how many real milliseconds an idle book says that it is alive.
    private static let idle: Int64 = 5000
    private static let firstTrades = 50
    private static let firstCandles = 300

    private let venue: CryptoComVenue
    private let access: any VenueAccess
    /// The real time.
    private let now: Int64
    private let time: LedgerTime
    private let rules: CryptoComRules
    private let market: ValuationPrices

    init(_ venue: CryptoComVenue, _ access: any VenueAccess, at now: Int64) {
        self.venue = venue
        self.access = access
        self.now = now
        (time, rules, market) = venue.present(through: access)
    }

    /// What a channel tells: how things stand to the requests that wait for it, else what has changed since.
    func news(_ feed: inout MarketFeeds<MarketSubscription>.Feed) -> [[UInt8]] {
        let owed = feed.subscription.owed
        feed.subscription.owed = []
        do throws(VenueError) {
            if owed.isEmpty { return try frames(&feed, answering: nil) }
            var all: [[UInt8]] = []
            for id in owed {
                feed.told = MarketTold()
                all += try frames(&feed, answering: id)
            }
            return all
        } catch {
            let name = feed.subscription.channel.name
            return owed.map { error.body(id: $0, method: "subscribe", channel: name) }
        }
    }

    private func frames(
        _ feed: inout MarketFeeds<MarketSubscription>.Feed, answering id: RequestIdentifier?
    ) throws(VenueError) -> [[UInt8]] {
        let channel = feed.subscription.channel
        let instrument = rules.instrument(channel.instrument).map { InstrumentMarket($0, market, access) }
        switch channel.kind {
        case .trade:
            let news = feed.told.trades(of: channel.instrument, access)
            guard let id else { return news.map { frame(channel, .omitted, of: [$0]) } }
            let latest = access.market.latestTrades(of: channel.instrument).trades
            return [frame(channel, id, of: latest.suffix(Self.firstTrades).reversed())]
        case .candlestick(let name):
            guard let interval = Timeframe.byName[name]?.interval, let instrument else { return [] }
            let news = try candles(of: instrument, interval, news: &feed.told)
            guard let id else { return news.map { frame(channel, name, .omitted, of: [$0]) } }
            return [frame(channel, name, id, of: try candles(of: instrument, interval))]
        case .book(let depth, let isUpdated):
            let acknowledgement = id.map { [StreamRequest.acknowledgement($0, channel: channel.name)] } ?? []
            let saysNothing = isUpdated && now >= feed.due
            guard let instrument, let news = feed.told.book(of: instrument, saysNothing: saysNothing) else {
                return acknowledgement
            }
            feed.due = now + Self.idle
            return acknowledgement + [frame(channel, depth, news, isUpdate: isUpdated)]
        case .ticker:
            guard let instrument else { throw .invalidCollateralPrice }
            return try state(channel, id, &feed.told) { isTimeless, writer in
                let stamp = isTimeless ? LedgerTime(milliseconds: 0) : instrument.stamp
                try writer.ticker(instrument, at: stamp, withSizes: true)
            }
        case .mark, .index, .funding, .estimatedFunding, .settlement:
            let (price, stamp) = try price(of: channel, instrument)
            // Of a settlement the time is news too.
            let isDated = channel.kind == .settlement
            return try state(channel, id, &feed.told) { isTimeless, writer in
                writer.valuation(price, at: isTimeless && !isDated ? LedgerTime(milliseconds: 0) : stamp)
            }
        }
    }

    private func state(
        _ channel: MarketChannel, _ id: RequestIdentifier?, _ told: inout MarketTold,
        _ write: (_ isTimeless: Bool, inout JSONWriter) throws -> Void
    ) throws(VenueError) -> [[UInt8]] {
        try VenueError.turning {
            let frame = try told.state { isTimeless in
                // The request's id is no news either.
                var frame = channel.frame(isTimeless ? .omitted : id ?? .omitted)
                try write(isTimeless, &frame.writer)
                return frame.finished()
            }
            return frame.map { [$0] } ?? []
        }
    }

    // MARK: - Candles

    /// The latest.
    private func candles(
        of instrument: InstrumentMarket<InstrumentRule>, _ interval: CandleInterval
    ) throws(VenueError) -> [Candle] {
        try VenueError.turning {
            let opening = interval.opening(of: time.milliseconds)
            var query = CandleQuery(
                .last(instrument.name), interval, from: 0, to: opening, limit: Self.firstCandles)
            let flat = market.mark(instrument.terms)
            if let found = try access.presentCandles(query, flat: flat) { return found }
            // What memory has let go of is not told of here.
            query.from = opening
            return try access.presentCandles(query, flat: flat) ?? []
        }
    }

    /// Those that are news.
    private func candles(
        of instrument: InstrumentMarket<InstrumentRule>, _ interval: CandleInterval,
        news told: inout MarketTold
    ) throws(VenueError) -> [Candle] {
        try VenueError.turning {
            try told.candles(
                .last(instrument.name), interval, flat: market.mark(instrument.terms), access
            ) { candle in
                var writer = JSONWriter(reserving: 128)
                writer.candle(candle)
                return writer.bytes
            }.map(\.candle)
        }
    }

    // MARK: - Frames

    private func frame(
        _ channel: MarketChannel, _ id: RequestIdentifier, of trades: [MarketTrade]
    ) -> [UInt8] {
        var frame = channel.frame(id)
        for trade in trades { frame.writer.trade(trade, channel.instrument, isFrame: true, venue.profile) }
        return frame.finished()
    }

    private func frame(
        _ channel: MarketChannel, _ interval: String, _ id: RequestIdentifier, of candles: [Candle]
    ) -> [UInt8] {
        var reply = ReplyWriter(id: id, method: "subscribe", reserving: 1024)
        reply.writer.beginObject()
        reply.writer.member("instrument_name", channel.instrument)
        reply.writer.member("subscription", channel.name)
        reply.writer.member("channel", channel.word)
        reply.writer.member("depth", Int64(Self.firstCandles))
        reply.writer.member("interval", interval)
        reply.writer.array("data", of: candles) { $1.candle($0, updatedAt: time) }
        reply.writer.endObject()
        return reply.finished()
    }

    /// The whole book, or what has changed since the one before.
    private func frame(
        _ channel: MarketChannel, _ depth: Int64, _ news: MarketTold.BookNews, isUpdate: Bool
    ) -> [UInt8] {
        let previous = isUpdate ? news.previous : nil
        let levels = previous == nil ? news.levels : news.changes
        var reply = ReplyWriter(id: .omitted, method: "subscribe", reserving: 512)
        reply.writer.beginObject()
        reply.writer.member("channel", previous == nil ? "book" : "book.update")
        reply.writer.member("subscription", channel.name)
        reply.writer.member("instrument_name", channel.instrument)
        reply.writer.member("depth", depth)
        reply.writer.beginArray("data")
        reply.writer.beginObject()
        if previous != nil { reply.writer.beginObject("update") }
        reply.writer.levels("bids", levels.of(.buy))
        reply.writer.levels("asks", levels.of(.sell))
        if previous != nil { reply.writer.endObject() }
        for key: StaticString in ["t", "tt"] { reply.writer.member(key, time.milliseconds) }
        reply.writer.member("u", news.sequence)
        if let previous { reply.writer.member("pu", previous) }
        // Its algorithm is not published, and no client is known to check it.
        reply.writer.member("cs", 0)
        reply.writer.endObject()
        reply.writer.endArray()
        reply.writer.endObject()
        return reply.finished()
    }

    // MARK: - Prices

    /// The price that a channel is of, and its time.
    private func price(
        of channel: MarketChannel, _ instrument: InstrumentMarket<InstrumentRule>?
    ) throws(VenueError) -> (ExactDecimal, LedgerTime) {
        var stamp = market.prices.updatedAt ?? time
        let price: ExactDecimal?
        switch channel.kind {
        case .index:
            price = venue.indexedAsset(channel.instrument, at: time).flatMap { try? market.price(of: $0) }
        case .funding, .estimatedFunding:
            guard let rate = instrument?.fundingRate else { throw .unsupportedInstrument }
            (price, stamp) = (rate, time)
        case .settlement:
            guard let instrument else { throw .unsupportedInstrument }
            // The mark at the last full hour.
            stamp = LedgerTime(milliseconds: instrument.lastHour)
            let minute = instrument.lastHour - 60_000
            let query = CandleQuery(.mark(instrument.name), .minutes(1), from: minute, to: minute, limit: 1)
            let flat = market.mark(instrument.terms)
            price = (try? access.presentCandles(query, flat: flat))??.last?.close ?? flat
        default: price = instrument.flatMap { market.mark($0.terms) }
        }
        guard let price else { throw .invalidCollateralPrice }
        return (price, stamp)
    }
}

extension CryptoComVenue {
    /// The channel of a name. Throws for a channel that is not served, and for an instrument that there is
    /// not or that is of the other kind.
    func marketChannel(
        _ name: String, _ params: JSONValue?, at time: LedgerTime
    ) throws(VenueError) -> MarketChannel {
        var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 2 else { throw .unrecognisedChannel }
        let word = parts.removeFirst()
        let kind: MarketChannel.Kind
        switch (word, parts.count) {
        case ("ticker", 1): kind = .ticker
        case ("mark", 1): kind = .mark
        case ("index", 1): kind = .index
        case ("trade", 1): kind = .trade
        case ("funding", 1): kind = .funding
        case ("estimatedfunding", 1): kind = .estimatedFunding
        case ("settlement", 1): kind = .settlement
        case ("candlestick", 2):
            guard let timeframe = Timeframe.byName[parts.removeFirst()] else {
                throw .refusedChannel("Unsupported depth/interval combination")
            }
            kind = .candlestick(timeframe.name)
        case ("book", 1...2): kind = try book(parts.count == 2 ? parts.removeLast() : "", params)
        default: throw .unrecognisedChannel
        }
        let instrument = parts[0]
        let rule = rules(at: time).instrument(instrument)
        let isIndex = indexedAsset(instrument, at: time) != nil
        guard rule != nil || isIndex else { throw .unknownSymbol }
        guard kind == .index ? isIndex : rule != nil else { throw .unsupportedInstrument }
        if [.funding, .estimatedFunding, .settlement].contains(kind), rule?.terms.kind == .spot {
            throw .unsupportedInstrument
        }
        return MarketChannel(kind: kind, name: name, instrument: instrument)
    }

    private func book(_ text: String, _ params: JSONValue?) throws(VenueError) -> MarketChannel.Kind {
        guard let depth = Int64(text), [10, 50, 150].contains(depth) else {
            throw .refusedChannel("Invalid depth")
        }
        let type = params?["book_subscription_type"]?.text ?? "SNAPSHOT"
        guard ["SNAPSHOT", "SNAPSHOT_AND_UPDATE"].contains(type) else {
            throw .refusedChannel("Invalid book_subscription_type")
        }
        let isUpdated = type == "SNAPSHOT_AND_UPDATE"
        let frequency = params?["book_update_frequency"]?.integer
        let isOffered = frequency == nil || frequency == 10 || (frequency == 100 && depth == 50)
        guard !isUpdated || (depth != 150 && isOffered) else {
            throw .refusedChannel("Unsupported depth/interval combination")
        }
        return .book(depth: depth, isUpdated: isUpdated)
    }
}
