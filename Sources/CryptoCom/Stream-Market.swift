import JSON
import Ledger
import Numbers
import Venue

/// `/exchange/v1/market`: tickers, mark and index prices, as far as the ledger knows them.
///
/// The first frame of a channel comes with the request's id, every other with -1 whenever the price is
/// another one. What a refusal says is as recorded in September 2026: one answer per channel, naming it.
struct MarketStream: VenueStream {
    /// Frames that a client may send per second.
    static let framesPerSecond: Int64 = 100
    /// Channels that one connection may have.
    static let maximumSubscriptions = 400

    private struct Subscription {
        let channel: MarketChannel
        /// Requests that the first frame is still owed to.
        var owed: [RequestIdentifier]
        /// The price that was sent last.
        var price: ExactDecimal?
    }

    private let venue: CryptoComVenue
    private let access: any VenueAccess
    private var connection: StreamConnection
    private var subscriptions: [Subscription] = []
    private var interestInForce = StreamInterest()

    init(venue: CryptoComVenue, access: any VenueAccess) {
        self.venue = venue
        self.access = access
        connection = StreamConnection(framesPerSecond: Self.framesPerSecond, limiter: access.limiter)
    }

    var interest: StreamInterest { StreamInterest(prices: !subscriptions.isEmpty) }

    var deadline: Int64? { connection.deadline }

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
        if interest == interestInForce { sendOwed(into: &output) }
    }

    mutating func interestTaken(at now: Int64, into output: inout StreamOutput) {
        interestInForce = interest
        sendOwed(into: &output)
    }

    mutating func ledgerChanged(_ notice: StreamNotice, at now: Int64, into output: inout StreamOutput) {
        guard notice.pricesChanged else { return }
        for place in subscriptions.indices where subscriptions[place].owed.isEmpty {
            let quote = try? venue.quote(subscriptions[place].channel, access)
            if let quote, quote.price != subscriptions[place].price {
                send(place, quote, id: .omitted, into: &output)
            }
        }
    }

    mutating func timePassed(at now: Int64, into output: inout StreamOutput) {
        connection.timePassed(at: now, into: &output)
    }

    func close(for reason: StreamCloseReason) -> StreamClose { StreamConnection.close(for: reason) }

    private mutating func subscribe(
        to name: String, _ request: StreamRequest, into output: inout StreamOutput
    ) {
        do throws(VenueError) {
            let channel = try venue.marketChannel(name, at: access.ledgerTime())
            if let place = subscriptions.firstIndex(where: { $0.channel == channel }) {
                subscriptions[place].owed.append(request.id)
            } else {
                guard subscriptions.count < Self.maximumSubscriptions else { throw .tooManySubscriptions }
                subscriptions.append(Subscription(channel: channel, owed: [request.id]))
            }
        } catch {
            output.send(error.body(id: request.id, method: request.method, channel: name))
        }
    }

    private mutating func sendOwed(into output: inout StreamOutput) {
        for place in subscriptions.indices {
            let owed = subscriptions[place].owed
            subscriptions[place].owed = []
            for id in owed {
                do throws(VenueError) {
                    send(
                        place, try venue.quote(subscriptions[place].channel, access), id: id, into: &output)
                } catch {
                    output.send(
                        error.body(id: id, method: "subscribe", channel: subscriptions[place].channel.name))
                }
            }
        }
    }

    private mutating func send(
        _ place: Int, _ quote: MarketQuote, id: RequestIdentifier, into output: inout StreamOutput
    ) {
        subscriptions[place].price = quote.price
        output.send(subscriptions[place].channel.frame(quote, id: id))
    }
}

/// A channel of prices, such as `ticker.BTCUSD-PERP`.
struct MarketChannel: Equatable {
    enum Kind: String {
        case ticker
        case mark
        case index
    }

    let kind: Kind
    /// An instrument, or of an index channel the index's name.
    let instrument: String

    var name: String { "\(kind.rawValue).\(instrument)" }

    /// A frame with one price. There is no order book and no trade history, so what a ticker would tell of
    /// them is null, and volumes are zero, as over REST.
    func frame(_ quote: MarketQuote, id: RequestIdentifier) -> [UInt8] {
        var frame = ChannelFrame(id: id, subscription: name, channel: kind.rawValue, instrument: instrument)
        frame.writer.beginObject()
        switch kind {
        case .ticker:
            for key in ["h", "l"] {
                frame.writer.key(key)
                frame.writer.null()
            }
            frame.writer.key("a")
            frame.writer.quoted(quote.price)
            for key in ["c", "b", "bs", "k", "ks"] {
                frame.writer.key(key)
                frame.writer.null()
            }
            frame.writer.key("i")
            frame.writer.string(instrument)
            for key in ["v", "vv", "oi"] {
                frame.writer.key(key)
                frame.writer.literal("0")
            }
        case .mark, .index:
            frame.writer.key("v")
            frame.writer.quoted(quote.price)
        }
        frame.writer.key("t")
        frame.writer.integer(quote.time.milliseconds)
        frame.writer.endObject()
        return frame.finished()
    }
}

/// A price and when the venue's prices last changed.
struct MarketQuote {
    let price: ExactDecimal
    let time: LedgerTime
}

extension CryptoComVenue {
    /// The channel of a name. Throws for a channel that is not served, and for an instrument that there is
    /// not or that is of the other kind.
    func marketChannel(_ name: String, at time: LedgerTime) throws(VenueError) -> MarketChannel {
        let parts = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let kind = MarketChannel.Kind(rawValue: String(parts[0])) else {
            throw .unrecognisedChannel
        }
        let instrument = String(parts[1])
        let isInstrument = rules(at: time).instrument(instrument) != nil
        let isIndex = indexedAsset(instrument, at: time) != nil
        guard isInstrument || isIndex else { throw .unknownSymbol }
        guard kind == .index ? isIndex : isInstrument else { throw .unsupportedInstrument }
        return MarketChannel(kind: kind, instrument: instrument)
    }

    /// The price that REST's tickers and valuations would tell now.
    func quote(_ channel: MarketChannel, _ access: any VenueAccess) throws(VenueError) -> MarketQuote {
        let time = access.ledgerTime()
        let prices = access.prices()
        let market = market(prices, at: time)
        let price: ExactDecimal? =
            switch channel.kind {
            case .ticker, .mark:
                rules(at: time).instrument(channel.instrument).flatMap { market.mark($0.terms) }
            case .index: indexedAsset(channel.instrument, at: time).flatMap { try? market.price(of: $0) }
            }
        guard let price else { throw .invalidCollateralPrice }
        return MarketQuote(price: price, time: prices.updatedAt ?? time)
    }
}
