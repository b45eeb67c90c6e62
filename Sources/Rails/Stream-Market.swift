import JSON
import Ledger
import Venue

/// What sockets tell of markets: how they stand, and what was traded and what the book has become since.
struct MarketTeller: Sendable {
    /// How the two generations of the stream name what they tell.
    enum Form: Sendable {
        /// `publicTrades` and `publicOrderBook` of version 2, with the market and the book's time.
        case channels
        /// The public stream of version 1: of one market, which it does not name.
        case publicStream
    }

    private let venue: RailsVenue
    private let access: any VenueAccess
    private let form: Form

    init(_ venue: RailsVenue, _ access: any VenueAccess, _ form: Form) {
        self.venue = venue
        self.access = access
        self.form = form
    }

    /// What happened since the last time, trades before the book. How things stood before is not news.
    func news(
        _ feed: inout MarketFeeds<Instrument>.Feed, trades: Bool = true, book: Bool = true
    ) -> [[UInt8]] {
        let instrument = feed.subscription
        let made = feed.told.trades(of: instrument.name, access)
        let change = feed.told.book(of: view(instrument))
        var frames: [[UInt8]] = []
        if trades, !made.isEmpty { frames.append(frame(made, of: instrument, isDelta: true)) }
        if book, let change, change.previous != nil {
            frames.append(frame(change.changes, of: instrument, isDelta: true))
        }
        return frames
    }

    private func view(_ instrument: Instrument) -> MarketView { MarketView(instrument, venue, access) }

    /// The whole book of a market, as one frame.
    func book(of instrument: Instrument, requestID: String? = nil) -> [UInt8] {
        frame(view(instrument).levels, of: instrument, isDelta: false, requestID: requestID)
    }

    /// The latest trades of a market, newest first, as one frame.
    func trades(of instrument: Instrument, requestID: String? = nil) -> [UInt8] {
        let latest = access.market.latestTrades(of: instrument.name).trades
        return frame(
            latest.suffix(RailsVenue.ordersPerPage).reversed(), of: instrument, isDelta: false,
            requestID: requestID)
    }

    private func frame(
        _ trades: [MarketTrade], of instrument: Instrument, isDelta: Bool, requestID: String? = nil
    ) -> [UInt8] {
        let kind = form == .channels ? "publicCompletedOrders" : "completedOrders"
        return frame(kind, of: instrument, isDelta: isDelta, requestID: requestID, bookTime: nil) { writer in
            for trade in trades { trade.write(of: instrument.name, to: &writer) }
        }
    }

    private func frame(
        _ levels: [BookLevel], of instrument: Instrument, isDelta: Bool, requestID: String? = nil
    ) -> [UInt8] {
        let kind = form == .channels ? "publicOrderBook" : "orderBook"
        return frame(
            kind, of: instrument, isDelta: isDelta, requestID: requestID,
            bookTime: view(instrument).changedAt
        ) { writer in
            for level in levels { level.write(to: &writer) }
        }
    }

    private func frame(
        _ kind: String, of instrument: Instrument, isDelta: Bool, requestID: String?, bookTime: LedgerTime?,
        _ writeRows: (inout JSONWriter) -> Void
    ) -> [UInt8] {
        JSONWriter.object(reserving: 256) { writer in
            writer.member("resultType", isDelta ? kind + "Delta" : kind)
            if form == .channels { writer.member("market", instrument.name) }
            writer.beginObject("data")
            if form == .publicStream { writer.member("statusCode", 200) }
            writer.beginArray("orders")
            writeRows(&writer)
            writer.endArray()
            if form == .channels {
                writer.member("statusCode", 200)
                if let bookTime { writer.member("ts", bookTime.milliseconds) }
                if let requestID { writer.member("clientRequestId", requestID) }
            }
            writer.endObject()
        }
    }
}

/// The public stream of version 1, of one market: how things stand, then every change. It listens to nobody.
struct PublicStream: VenueStream {
    private let instrument: Instrument
    /// One of the streams that an address may have open.
    private let place: RateLimiter.Place
    private let teller: MarketTeller
    private var market: MarketFeeds<Instrument>

    init(_ venue: RailsVenue, _ access: any VenueAccess, _ instrument: Instrument, place: RateLimiter.Place) {
        self.instrument = instrument
        self.place = place
        teller = MarketTeller(venue, access, .publicStream)
        market = MarketFeeds(access)
    }

    var interest: StreamInterest { StreamInterest(prices: true) }

    var deadline: Int64? { market.deadline }

    mutating func interestTaken(at now: Int64, into output: inout StreamOutput) {
        market.add(instrument, at: now)
        tell(at: now, into: &output)
    }

    mutating func received(_ message: StreamMessage, at now: Int64, into output: inout StreamOutput) {}

    mutating func ledgerChanged(_ notice: StreamNotice, at now: Int64, into output: inout StreamOutput) {
        if notice.pricesChanged { tell(at: now, into: &output) }
    }

    mutating func timePassed(at now: Int64, into output: inout StreamOutput) { tell(at: now, into: &output) }

    private mutating func tell(at now: Int64, into output: inout StreamOutput) {
        let frames = market.news(at: now) { [teller, instrument] feed in
            let news = teller.news(&feed)
            return feed.isFresh ? [teller.book(of: instrument), teller.trades(of: instrument)] : news
        }
        for frame in frames { output.send(frame) }
    }

    func close(for reason: StreamCloseReason) -> StreamClose { .rails(reason) }
}
