import JSON
import Ledger
import Venue

extension RailsVenue {
    /// The documents give the stream a host of its own and no path here would be theirs; this one is ours.
    public static var streamPrefixes: [String] { ["/api/v1/ws", "/api/v1/order-stream"] }

    /// The subprotocol that carries the token begins with this.
    static let authorizationProtocol = "authorization#"

    /// The User Account stream, opened with `Sec-WebSocket-Protocol: authorization#<token>`.
    ///
    /// Checked in this order: the token (401), the address and the permission (403), how often the account
    /// connects (429), how many of its streams are open (403). The order is a choice.
    public func openStream(to request: VenueRequest, through access: any VenueAccess) -> StreamAnswer? {
        if request.path == "/api/v1/order-stream" { return publicStream(request, access) }
        guard request.path == "/api/v1/ws" else { return nil }
        do throws(RailsError) {
            let protocols = (request.header("sec-websocket-protocol") ?? "").split(separator: ",")
                .map { $0.drop { $0 == " " || $0 == "\t" } }
            guard let offered = protocols.first(where: { $0.hasPrefix(Self.authorizationProtocol) }) else {
                throw .unauthorized
            }
            let trimmed = offered.prefix { $0 != " " && $0 != "\t" }
            let token = trimmed.dropFirst(Self.authorizationProtocol.count)
            let key = try accountAndKey(of: token, from: request.remoteAddress, access).key
            let account = key.account
            let limits = rules(at: access.ledgerTime()).limits
            let verdict = access.limiter.use(
                "rails connections \(account)", limit: limits.connectionsPerMinute, window: 60_000,
                now: access.realTime())
            guard verdict.isAllowed else { throw .tooManyRequests }
            guard let place = access.limiter.takePlace("rails \(account)", limit: limits.openConnections)
            else { throw .forbidden }
            if let market = request.queryItems["market"] {
                return .accepted(
                    StreamOpening(
                        try orderSocket(request, market, key, String(token), place, access),
                        subprotocol: String(trimmed)))
            }
            return .accepted(
                StreamOpening(
                    AccountStream(
                        venue: self, access: access, address: request.remoteAddress, token: String(token),
                        place: place), subprotocol: String(trimmed)))
        } catch {
            return .refused(error.response)
        }
    }
}

extension RailsVenue {
    /// The socket of version 2: with `market`, one or `ALL`, and `subscriptions`, `orders` where none is
    /// named.
    private func orderSocket(
        _ request: VenueRequest, _ market: String, _ key: APIKey, _ token: String,
        _ place: RateLimiter.Place, _ access: any VenueAccess
    ) throws(RailsError) -> OrderSocket {
        if market != "ALL", rules(at: access.ledgerTime()).terms(of: market) == nil {
            throw .badRequest("Unknown market: \(market)")
        }
        var channels: [OrderSocket.Channel] = []
        for name in (request.queryItems["subscriptions"] ?? "orders").split(separator: ",") {
            guard let channel = OrderSocket.Channel(rawValue: String(name)) else {
                throw .badRequest("Unknown subscription: \(name)")
            }
            if !channels.contains(channel) { channels.append(channel) }
        }
        return OrderSocket(
            venue: self, access: access, address: request.remoteAddress, token: token, key: key,
            place: place, market: market == "ALL" ? nil : market, channels: channels)
    }
}

extension RailsVenue {
    /// The public stream of version 1, `?market=ETH-USD`, which needs no token. The path is a choice; limits
    /// are those of accounts, by address.
    private func publicStream(_ request: VenueRequest, _ access: any VenueAccess) -> StreamAnswer {
        do throws(RailsError) {
            let rules = rules(at: access.ledgerTime())
            guard let name = request.queryItems["market"], let instrument = rules.terms(of: name) else {
                throw .badRequest("Unknown market: \(request.queryItems["market"] ?? "")")
            }
            let address = request.remoteAddress
            let verdict = access.limiter.use(
                "rails public connections \(address)", limit: rules.limits.connectionsPerMinute,
                window: 60_000, now: access.realTime())
            guard verdict.isAllowed else { throw .tooManyRequests }
            guard
                let place = access.limiter.takePlace(
                    "rails public \(address)", limit: rules.limits.openConnections)
            else { throw .forbidden }
            return .accepted(StreamOpening(PublicStream(self, access, instrument, place: place)))
        } catch {
            return .refused(error.response)
        }
    }
}

extension StreamClose {
    /// No close code is documented; these are RFC 6455's for each reason.
    static func rails(_ reason: StreamCloseReason) -> StreamClose {
        switch reason {
        case .shutdown: StreamClose(code: 1001, reason: "Going away")
        case .unresponsive: StreamClose(code: 1001, reason: "Ping was not answered")
        case .slowReader: StreamClose(code: 1008, reason: "Read too slowly")
        case .messageTooBig: StreamClose(code: 1009, reason: "Message too long")
        case .protocolError: StreamClose(code: 1002, reason: "Protocol error")
        }
    }
}

/// The User Account stream: questions and answers. Nothing is pushed.
struct AccountStream: VenueStream {
    private let venue: RailsVenue
    private let access: any VenueAccess
    private let address: String
    private let token: String
    /// One of the streams that the account may have open.
    private let place: RateLimiter.Place

    init(
        venue: RailsVenue, access: any VenueAccess, address: String, token: String, place: RateLimiter.Place
    ) {
        self.venue = venue
        self.access = access
        self.address = address
        self.token = token
        self.place = place
    }

    mutating func received(_ message: StreamMessage, at now: Int64, into output: inout StreamOutput) {
        output.send(answer(to: StreamQuestion(message)))
    }

    func close(for reason: StreamCloseReason) -> StreamClose { .rails(reason) }

    /// The token is looked at for every question, as REST does it, so that an expired or revoked one answers
    /// 401 on a stream that is open.
    private func answer(to question: StreamQuestion?) -> [UInt8] {
        do {
            try venue.countAccountCall(venue.rules(at: access.ledgerTime()), access)
            guard let question else { throw RailsError.badRequest("Bad Request") }
            switch question.message {
            case "ping": return venue.pingMessage()
            case "balances":
                let snapshot = try venue.account(of: token, from: address, access)
                let rules = venue.rules(at: snapshot.at)
                let filter = try MarketFilter(market: try question.market(), rules: rules)
                return try venue.balancesMessage(venue.figures(of: snapshot), filter: filter)
            default: throw RailsError.notFound
            }
        } catch let error as RailsError {
            return error.message(to: question)
        } catch {
            return RailsError.internalError.message(to: question)
        }
    }
}
