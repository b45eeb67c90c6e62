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
    /// How often it is looked whether the ledger's clock has moved something, in real milliseconds.
    private static let look: Int64 = 1000

    private let venue: CryptoComVenue
    private let access: any VenueAccess
    private var connection: SocketState
    private var subscriptions: [MarketSubscription] = []
    private var interestInForce = StreamInterest()
    private var nextLook: Int64?

    init(venue: CryptoComVenue, access: any VenueAccess) {
        self.venue = venue
        self.access = access
        connection = SocketState(framesPerSecond: Self.framesPerSecond, limiter: access.limiter)
    }

    var interest: StreamInterest { StreamInterest(prices: !subscriptions.isEmpty) }

    var deadline: Int64? { [connection.deadline, nextLook].compactMap { $0 }.min() }

    mutating func opened(at now: Int64, into output: inout StreamOutput) { connection.opened(at: now) }

    mutating func received(_ message: StreamMessage, at now: Int64, into output: inout StreamOutput) {
        guard let request = connection.request(in: message, at: now, into: &output) else { return }
        do throws(VenueError) {
            switch request.method {
            case "subscribe":
                for name in try request.channels() { subscribe(to: name, request, into: &output) }
            case "unsubscribe":
                let names = Set(try request.channels())
                subscriptions.removeAll { names.contains($0.channel.name) }
                output.send(request.acknowledgement)
            default: throw .methodNotFound
            }
        } catch {
            output.send(error.body(id: request.id, method: request.method))
        }
        nextLook = subscriptions.isEmpty ? nil : nextLook ?? now + Self.look
        if interest == interestInForce { tell(at: now, isFirstOnly: true, into: &output) }
    }

    mutating func interestTaken(at now: Int64, into output: inout StreamOutput) {
        interestInForce = interest
        tell(at: now, isFirstOnly: true, into: &output)
    }

    mutating func ledgerChanged(_ notice: StreamNotice, at now: Int64, into output: inout StreamOutput) {
        if notice.pricesChanged { tell(at: now, isFirstOnly: false, into: &output) }
    }

    mutating func timePassed(at now: Int64, into output: inout StreamOutput) {
        connection.timePassed(at: now, into: &output)
        guard output.close == nil, let due = nextLook, now >= due else { return }
        nextLook = now + Self.look
        tell(at: now, isFirstOnly: false, into: &output)
    }

    func close(for reason: StreamCloseReason) -> StreamClose { SocketState.close(for: reason) }

    private mutating func subscribe(
        to name: String, _ request: StreamRequest, into output: inout StreamOutput
    ) {
        do throws(VenueError) {
            let channel = try venue.marketChannel(name, request.params, at: access.ledgerTime())
            if let place = subscriptions.firstIndex(where: { $0.channel == channel }) {
                subscriptions[place].owed.append(request.id)
                return
            }
            guard subscriptions.count < Self.maximumSubscriptions else { throw .tooManySubscriptions }
            access.beginReadingMarket()
            // Only a channel's kind may have changed, as from snapshots of a book to updates.
            subscriptions.removeAll { $0.channel.name == name }
            subscriptions.append(MarketSubscription(channel: channel, owed: [request.id]))
        } catch {
            output.send(error.body(id: request.id, method: request.method, channel: name))
        }
    }

    /// Sends the first frames that are owed, and what has changed.
    private mutating func tell(at now: Int64, isFirstOnly: Bool, into output: inout StreamOutput) {
        // Until all that was before is read, nothing can be said.
        guard access.market.isRead else { return }
        for place in subscriptions.indices {
            let owed = subscriptions[place].owed
            subscriptions[place].owed = []
            do throws(VenueError) {
                for id in owed {
                    for frame in try subscriptions[place].first(id, venue, access, at: now) {
                        output.send(frame)
                    }
                }
                if isFirstOnly || !owed.isEmpty { continue }
                for frame in try subscriptions[place].news(venue, access, at: now) { output.send(frame) }
            } catch {
                let name = subscriptions[place].channel.name
                for id in owed { output.send(error.body(id: id, method: "subscribe", channel: name)) }
            }
        }
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
}

/// A channel that the client listens to.
struct MarketSubscription {
    let channel: MarketChannel
    /// Requests that the first frame is still owed to.
    var owed: [RequestIdentifier]
    private var told = MarketTold()
    /// When an idle book says that it is alive.
    private var due: Int64 = 0

    private static let idle: Int64 = 5000
    private static let firstTrades = 50
    private static let firstCandles = 300

    init(channel: MarketChannel, owed: [RequestIdentifier]) {
        self.channel = channel
        self.owed = owed
    }

    /// How things stand: what a request is answered with.
    mutating func first(
        _ id: RequestIdentifier, _ venue: CryptoComVenue, _ access: any VenueAccess, at now: Int64
    ) throws(VenueError) -> [[UInt8]] {
        let state = try State(channel, venue, access)
        told = MarketTold()
        defer { told.hasBegun = true }
        switch channel.kind {
        case .trade:
            _ = told.trades(of: channel.instrument, access)
            let trades = access.market.latestTrades(of: channel.instrument).trades
            return [
                frame(id) { writer in
                    for trade in trades.suffix(Self.firstTrades).reversed() {
                        writer.trade(trade, channel.instrument, isFrame: true, venue.profile)
                    }
                }
            ]
        case .candlestick(let name):
            _ = try state.candles(name, news: &told)
            let candles = try state.candles(name, limit: Self.firstCandles)
            return [
                frame(id) { writer in
                    for candle in candles { writer.candle(candle, updatedAt: state.now) }
                }
            ]
        case .book(let depth, _):
            let frames = bookNews(depth, isUpdated: false, state, at: now)
            return [acknowledgement(id)] + frames
        default:
            let row = try state.row()
            _ = told.isNews(row.timeless)
            return [frame(id) { $0.raw(row.bytes) }]
        }
    }

    /// What has changed since.
    mutating func news(
        _ venue: CryptoComVenue, _ access: any VenueAccess, at now: Int64
    ) throws(VenueError) -> [[UInt8]] {
        switch channel.kind {
        case .trade:
            return told.trades(of: channel.instrument, access).map { trade in
                frame(.omitted) { $0.trade(trade, channel.instrument, isFrame: true, venue.profile) }
            }
        case .candlestick(let name):
            let state = try State(channel, venue, access)
            return try state.candles(name, news: &told).map { candle in
                frame(.omitted) { $0.candle(candle, updatedAt: state.now) }
            }
        case .book(let depth, let isUpdated):
            return bookNews(depth, isUpdated: isUpdated, try State(channel, venue, access), at: now)
        default:
            let row = try State(channel, venue, access).row()
            return told.isNews(row.timeless) ? [frame(.omitted) { $0.raw(row.bytes) }] : []
        }
    }

    /// The whole book, or what has changed in it; now and then, where changes are told, that nothing has.
    private mutating func bookNews(
        _ depth: Int64, isUpdated: Bool, _ state: State, at now: Int64
    ) -> [[UInt8]] {
        let saysNothing = isUpdated && now >= due
        guard let instrument = state.instrument,
            let news = told.book(of: instrument, saysNothing: saysNothing)
        else { return [] }
        due = now + Self.idle
        return [bookFrame(depth, news, state, isUpdate: isUpdated)]
    }

    // MARK: - Frames

    private func frame(_ id: RequestIdentifier, _ write: (inout JSONWriter) -> Void) -> [UInt8] {
        if case .candlestick(let name) = channel.kind {
            return result(id) { writer in
                writer.member("depth", Int64(Self.firstCandles))
                writer.member("interval", name)
                writer.beginArray("data")
                write(&writer)
                writer.endArray()
            }
        }
        var frame = ChannelFrame(
            id: id, subscription: channel.name, channel: channel.word, instrument: channel.instrument)
        write(&frame.writer)
        return frame.finished()
    }

    private func acknowledgement(_ id: RequestIdentifier) -> [UInt8] {
        var writer = JSONWriter(reserving: 96)
        writer.beginAnswer(id: id, method: "subscribe")
        writer.member("channel", channel.name)
        writer.endObject()
        return writer.bytes
    }

    private func result(_ id: RequestIdentifier, _ write: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = ReplyWriter(id: id, method: "subscribe", reserving: 1024).writer
        writer.beginObject()
        writer.member("instrument_name", channel.instrument)
        writer.member("subscription", channel.name)
        writer.member("channel", channel.word)
        write(&writer)
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }

    /// The whole book, or what has changed since the one before.
    private func bookFrame(
        _ depth: Int64, _ news: MarketTold.BookNews, _ state: State, isUpdate: Bool
    ) -> [UInt8] {
        let previous = isUpdate ? news.previous : nil
        let levels = previous == nil ? news.levels : news.changes
        var writer = ReplyWriter(id: .omitted, method: "subscribe", reserving: 512).writer
        writer.beginObject()
        writer.member("channel", previous == nil ? "book" : "book.update")
        writer.member("subscription", channel.name)
        writer.member("instrument_name", channel.instrument)
        writer.member("depth", depth)
        writer.beginArray("data")
        writer.beginObject()
        if previous != nil {
            writer.beginObject("update")
        }
        writer.levels("bids", levels.of(.buy))
        writer.levels("asks", levels.of(.sell))
        if previous != nil { writer.endObject() }
        for key: StaticString in ["t", "tt"] {
            writer.member(key, state.now.milliseconds)
        }
        writer.member("u", news.sequence)
        if let previous {
            writer.member("pu", previous)
        }
        // Its algorithm is not published, and no client is known to check it.
        writer.member("cs", 0)
        writer.endObject()
        writer.endArray()
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }
}

/// What a channel would tell now.
private struct State {
    let now: LedgerTime
    private let channel: MarketChannel
    private let market: ValuationPrices
    let instrument: InstrumentMarket<InstrumentRule>?
    private let access: any VenueAccess
    private let venue: CryptoComVenue

    init(
        _ channel: MarketChannel, _ venue: CryptoComVenue, _ access: any VenueAccess
    ) throws(VenueError) {
        self.channel = channel
        self.access = access
        self.venue = venue
        now = access.ledgerTime()
        market = venue.market(access.prices(), at: now)
        let rule = venue.rules(at: now).instrument(channel.instrument)
        instrument = rule.map { [market] in InstrumentMarket($0, market, access) }
    }

    /// The latest candles.
    func candles(_ name: String, limit: Int) throws(VenueError) -> [Candle] {
        guard let interval = Timeframe.byName[name]?.interval, let instrument else { return [] }
        return try VenueError.turning {
            let opening = interval.opening(of: now.milliseconds)
            var query = CandleQuery(.last(channel.instrument), interval, from: 0, to: opening, limit: limit)
            let flat = market.mark(instrument.terms)
            if let found = try access.presentCandles(query, flat: flat) { return found }
            // What memory has let go of is not told of here.
            query.from = opening
            return try access.presentCandles(query, flat: flat) ?? []
        }
    }

    /// Those that are news.
    func candles(_ name: String, news told: inout MarketTold) throws(VenueError) -> [Candle] {
        guard let interval = Timeframe.byName[name]?.interval, let instrument else { return [] }
        let news = try VenueError.turning {
            try told.candles(
                .last(channel.instrument), interval, flat: market.mark(instrument.terms), access
            ) { candle in
                var writer = JSONWriter(reserving: 128)
                writer.candle(candle)
                return writer.bytes
            }
        }
        return news.map(\.candle)
    }

    /// A row of one price, with its time and without.
    func row() throws(VenueError) -> (bytes: [UInt8], timeless: [UInt8]) {
        var writer = JSONWriter(reserving: 192)
        if channel.kind == .ticker, let instrument {
            try VenueError.turning { try writer.ticker(instrument, withSizes: true) }
            let end = Array(#","t":"#.utf8)
            let bytes = writer.bytes
            // The time is the last member.
            let place = bytes.indices.last { bytes[$0...].starts(with: end) } ?? bytes.endIndex
            return (bytes, Array(bytes[..<place]))
        }
        let (value, time) = try value()
        writer.valuation(value, at: time)
        let isOfTime = channel.kind == .settlement
        return (writer.bytes, Array("\(value) \(isOfTime ? time.milliseconds : 0)".utf8))
    }

    private func value() throws(VenueError) -> (ExactDecimal, LedgerTime) {
        let stamp = market.prices.updatedAt ?? now
        let price: ExactDecimal?
        switch channel.kind {
        case .index:
            price = venue.indexedAsset(channel.instrument, at: now).flatMap { try? market.price(of: $0) }
        case .funding, .estimatedFunding:
            guard let rate = instrument?.fundingRate else { throw .unsupportedInstrument }
            return (rate, now)
        case .settlement:
            // The mark at the last full hour.
            guard let instrument else { throw .unsupportedInstrument }
            let hour = instrument.lastHour
            let query = CandleQuery(
                .mark(channel.instrument), .minutes(1), from: hour - 60_000, to: hour - 60_000, limit: 1)
            let flat = market.mark(instrument.terms)
            guard let mark = (try? access.presentCandles(query, flat: flat))??.last?.close ?? flat else {
                throw .invalidCollateralPrice
            }
            return (mark, LedgerTime(milliseconds: hour))
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
