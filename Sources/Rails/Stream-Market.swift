import JSON
import Ledger
import Venue

/// What sockets tell of markets: what was traded and what the book has become since they last did.
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
    private let markets: [Instrument]
    /// By the market's name; empty until it is known how things stand.
    private var told: [String: MarketTold] = [:]

    init(_ venue: RailsVenue, _ access: any VenueAccess, _ form: Form, of markets: [Instrument]) {
        self.venue = venue
        self.access = access
        self.form = form
        self.markets = markets
        begin()
    }

    /// Notes how things stand. Until all that was before is read, nothing can be said.
    private mutating func begin() {
        guard access.market.isRead else { return access.beginReadingMarket() }
        for instrument in markets {
            told[instrument.name] = MarketTold()
            _ = news(of: instrument)
            told[instrument.name]?.hasBegun = true
        }
    }

    private func view(_ instrument: Instrument) -> MarketView { MarketView(instrument, venue, access) }

    /// What happened since the last time, trades before the book.
    mutating func news(trades: Bool, book: Bool) -> [[UInt8]] {
        if told.isEmpty { begin() }
        var frames: [[UInt8]] = []
        for instrument in markets {
            let (made, changes) = news(of: instrument)
            if trades, !made.isEmpty { frames.append(frame(made, of: instrument, isDelta: true)) }
            if book, !changes.isEmpty { frames.append(frame(changes, of: instrument, isDelta: true)) }
        }
        return frames
    }

    private mutating func news(of instrument: Instrument) -> (trades: [MarketTrade], book: [BookLevel]) {
        let (view, access) = (view(instrument), access)
        let trades = told[instrument.name]?.trades(of: instrument.name, access)
        let book = told[instrument.name]?.book(of: view)
        return (trades ?? [], book?.changes ?? [])
    }

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
        var writer = JSONWriter(reserving: 256)
        func status(_ writer: inout JSONWriter) {
            writer.member("statusCode", 200)
        }
        writer.beginObject()
        writer.member("resultType", isDelta ? kind + "Delta" : kind)
        if form == .channels {
            writer.member("market", instrument.name)
        }
        writer.beginObject("data")
        if form == .publicStream { status(&writer) }
        writer.beginArray("orders")
        writeRows(&writer)
        writer.endArray()
        if form == .channels {
            status(&writer)
            if let bookTime {
                writer.member("ts", bookTime.milliseconds)
            }
            if let requestID {
                writer.member("clientRequestId", requestID)
            }
        }
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }
}

/// The public stream of version 1, of one market: how things stand, then every change. It listens to nobody.
struct PublicStream: VenueStream {
    private let access: any VenueAccess
    private let instrument: Instrument
    /// One of the streams that an address may have open.
    private let place: RateLimiter.Place
    private let venue: RailsVenue
    private var teller: MarketTeller?

    init(_ venue: RailsVenue, _ access: any VenueAccess, _ instrument: Instrument, place: RateLimiter.Place) {
        self.venue = venue
        self.access = access
        self.instrument = instrument
        self.place = place
    }

    var interest: StreamInterest { StreamInterest(prices: true) }

    mutating func interestTaken(at now: Int64, into output: inout StreamOutput) {
        let teller = MarketTeller(venue, access, .publicStream, of: [instrument])
        self.teller = teller
        output.send(after: { [access, instrument] in
            guard (try? await access.marketHistory()) != nil else { return [] }
            return [teller.book(of: instrument), teller.trades(of: instrument)]
        })
    }

    mutating func received(_ message: StreamMessage, at now: Int64, into output: inout StreamOutput) {}

    mutating func ledgerChanged(_ notice: StreamNotice, at now: Int64, into output: inout StreamOutput) {
        guard notice.pricesChanged else { return }
        for frame in teller?.news(trades: true, book: true) ?? [] { output.send(frame) }
    }

    func close(for reason: StreamCloseReason) -> StreamClose { .rails(reason) }
}
