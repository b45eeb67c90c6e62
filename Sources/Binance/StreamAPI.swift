import JSON
import Ledger
import Venue

extension BinanceVenue {
    /// Opens a session of the WebSocket API; the handshake weighs 5. Binance USDⓈ-M Futures API
    /// documentation, WebSocket API General Info.
    func openSession(to request: VenueRequest, through access: any VenueAccess) -> StreamAnswer {
        let bucket = WeightBucket(of: request, limits: rules(at: access.ledgerTime()).limits)
        let verdict = bucket.count(5, through: access)
        if let refusal = verdict.refusal {
            var response = refusal.response
            response.headers.append((bucket.header, String(verdict.used)))
            return .refused(response)
        }
        return .accepted(StreamOpening(APISession(request, venue: self, access: access)))
    }
}

/// One connection to the WebSocket API, `/ws-fapi/v1`: the calls of REST as messages, and a key that can be
/// logged on once for all of them.
struct APISession: VenueStream {
    private let venue: BinanceVenue
    private let access: any VenueAccess
    private let request: VenueRequest
    /// Whether answers tell the limits, unless the request says otherwise.
    private let showsLimits: Bool
    private var connectedAt: Int64 = 0
    /// The key that is logged on, and since when.
    private var logon: (apiKey: String, since: Int64)?

    init(_ request: VenueRequest, venue: BinanceVenue, access: any VenueAccess) {
        self.venue = venue
        self.access = access
        self.request = request
        showsLimits = request.queryItems["returnRateLimits"]?.lowercased() != "false"
    }

    var deadline: Int64? { connectedAt + streamDay }

    mutating func opened(at now: Int64, into output: inout StreamOutput) { connectedAt = now }

    mutating func received(_ message: StreamMessage, at now: Int64, into output: inout StreamOutput) {
        guard case .text(let text) = message else {
            output.close = .binaryMessage
            return
        }
        answer(to: text, now, into: &output)
    }

    mutating func timePassed(at now: Int64, into output: inout StreamOutput) { output.close = .dayOver }

    func close(for reason: StreamCloseReason) -> StreamClose { .binance(reason) }

    // MARK: - Answering

    /// Checks in the order of REST: method, limit or ban, key, mandatory parameters, characters, key in
    /// force, time, signature.
    private mutating func answer(to text: [UInt8], _ now: Int64, into output: inout StreamOutput) {
        let bucket = WeightBucket(of: request, limits: venue.rules(at: access.ledgerTime()).limits)
        var reply = APIReply(id: .null, limit: bucket.limit)
        reply.showsLimits = showsLimits
        do {
            let call: APICall
            do throws(BinanceError) {
                call = try APICall(text)
            } catch {
                reply.used = bucket.used(through: access)
                throw error
            }
            reply.id = call.id
            reply.showsLimits = call.showsLimits ?? showsLimits
            let verdict = bucket.count(call.weight, through: access)
            reply.used = verdict.used
            if let refusal = verdict.refusal { throw refusal }
            try call.parameters.checkCount()
            if case .orders(let endpoint, let method) = try call.method() {
                guard let route = Route.of(endpoint, method) else { throw BinanceError.unsupportedOperation }
                return try trade(route, call, &reply, now, into: &output)
            }
            output.send(reply.success(try result(of: call, now)))
        } catch is SessionRevoked {
            logon = nil
            output.send(APIReply.revoked)
        } catch {
            output.send(reply.failure(.of(error)))
        }
    }

    /// A call about orders: what it came to is sent once it is durable.
    private func trade(
        _ route: Route, _ call: APICall, _ reply: inout APIReply, _ now: Int64,
        into output: inout StreamOutput
    ) throws {
        guard case .signed(let permission) = route.security else { throw BinanceError.unsupportedOperation }
        let account = try authenticate(call, now, permission).account
        if let weight = route.orders {
            var count = OrderCount(of: account, limits: venue.rules(at: access.ledgerTime()).limits)
            let refusal = count.count(weight, through: access)
            reply.orders = count
            if let refusal { throw refusal }
        }
        output.send(after: { [venue, access, reply] in
            do {
                guard let snapshot = access.snapshot(of: account) else { throw BinanceError.inactive }
                let asked = AccountRequest(call.parameters, of: snapshot, venue, access)
                return [reply.success(try await asked.orderAnswer(route))]
            } catch {
                return [reply.failure(.of(error))]
            }
        })
    }

    private mutating func result(of call: APICall, _ now: Int64) throws -> [UInt8] {
        switch try call.method() {
        // Carried out elsewhere, because it has to be waited for.
        case .orders: throw BinanceError.unsupportedOperation
        case .open(let endpoint):
            return try PublicRequest(call.parameters, venue, access).publicAnswer(endpoint)
        case .account(let endpoint):
            let key = try authenticate(call, now)
            guard let snapshot = access.snapshot(of: key.account) else { throw BinanceError.inactive }
            return try AccountRequest(call.parameters, of: snapshot, venue, access).accountAnswer(endpoint)
        case .listenKey(let action):
            let key = try identify(call)
            switch action {
            case .start: return venue.startListenKey(of: key, through: access)
            case .ping: return try venue.extendListenKey(of: key, through: access)
            case .stop: return venue.stopListenKey(of: key, through: access)
            }
        case .logon:
            let key = try verify(call, now)
            logon = (key.apiKey, now)
            return status(now)
        case .status: return status(now)
        case .logout:
            logon = nil
            return status(now)
        }
    }

    private func status(_ now: Int64) -> [UInt8] {
        var writer = JSONWriter(reserving: 256)
        writer.beginObject()
        writer.key("apiKey")
        if let logon { writer.string(logon.apiKey) } else { writer.null() }
        writer.key("authorizedSince")
        if let logon { writer.integer(logon.since) } else { writer.null() }
        writer.member("connectedSince", connectedAt)
        writer.member("returnRateLimits", showsLimits)
        writer.member("serverTime", now)
        writer.endObject()
        return writer.bytes
    }

    // MARK: - Who asks

    /// The key of a signed call: the one it names, else the one that is logged on.
    private func authenticate(
        _ call: APICall, _ now: Int64, _ permission: APIKey.Permission = .read
    ) throws -> APIKey {
        let parameters = call.parameters
        guard logon != nil, parameters["apiKey"] == nil, parameters["signature"] == nil else {
            return try verify(call, now, permission)
        }
        let timestamp = try venue.timestamp(parameters)
        let window = try venue.receiveWindow(parameters)
        try parameters.checkCharacters()
        let key = try loggedOn()
        guard key.permissions.contains(permission) else { throw BinanceError.unauthorisedSession }
        try venue.requireInTime(timestamp, window: window, now: now)
        return key
    }

    /// The key of a call that needs no signature.
    private func identify(_ call: APICall) throws -> APIKey {
        if logon != nil && call.parameters["apiKey"] == nil { return try loggedOn() }
        return try knownKey(try keyName(call), .read)
    }

    /// The key that a call names, its time and signature checked.
    private func verify(
        _ call: APICall, _ now: Int64, _ permission: APIKey.Permission = .read
    ) throws(BinanceError) -> APIKey {
        let parameters = call.parameters
        let name = try keyName(call)
        let timestamp = try venue.timestamp(parameters)
        guard let signature = parameters["signature"], !signature.isEmpty else { throw .missing("signature") }
        let window = try venue.receiveWindow(parameters)
        try parameters.checkCharacters()
        let key = try knownKey(name, permission)
        if call.needsEd25519 {
            guard case .ed25519 = VerificationKey(secret: key.secret) else { throw .invalidKeyType }
        }
        try venue.requireInTime(timestamp, window: window, now: now)
        guard call.payloads.contains(where: { Signing.isValid(signature, of: $0, key: key) }) else {
            throw .wrongSignature
        }
        return key
    }

    private func keyName(_ call: APICall) throws(BinanceError) -> String {
        guard let name = call.parameters["apiKey"] else { throw .missing("apiKey") }
        return try venue.wellFormedKey(name, access)
    }

    private func knownKey(
        _ name: String, _ permission: APIKey.Permission
    ) throws(BinanceError) -> APIKey {
        guard let key = venue.key(name, from: request.remoteAddress, for: permission, access) else {
            throw .unauthorisedSession
        }
        return key
    }

    private func loggedOn() throws -> APIKey {
        guard let logon,
            let key = venue.key(logon.apiKey, from: request.remoteAddress, for: .read, access)
        else { throw SessionRevoked() }
        return key
    }
}

/// The key that was logged on is no longer in force.
private struct SessionRevoked: Error {}

/// What a method of the WebSocket API is for.
enum APIMethod: Sendable {
    enum ListenKeyAction: Sendable {
        case start
        case ping
        case stop
    }

    case open(Endpoint)
    case account(Endpoint)
    /// A call about orders: the endpoint and method of REST that it stands for.
    case orders(Endpoint, String)
    case listenKey(ListenKeyAction)
    case logon
    case status
    case logout

    /// Every method that is served, with its weight, and that of a call without `symbol` where it differs.
    /// The answers are those of the REST paths: `v2` of V3, the plain ones of V2.
    static let all: [String: (method: APIMethod, weight: Int, weightOfAll: Int)] = [
        "ping": (.open(.ping), 1, 1), "time": (.open(.time), 1, 1),
        "ticker.price": (.open(.tickerPrice2), 1, 2), "ticker.book": (.open(.bookTicker), 2, 5),
        "depth": (.open(.depth), 10, 10),
        "session.logon": (.logon, 2, 2), "session.status": (.status, 2, 2),
        "session.logout": (.logout, 2, 2),
        "order.place": (.orders(.order, "POST"), 0, 0), "order.modify": (.orders(.order, "PUT"), 0, 0),
        "order.cancel": (.orders(.order, "DELETE"), 1, 1), "order.status": (.orders(.order, "GET"), 1, 1),
        "algoOrder.place": (.orders(.algoOrder, "POST"), 0, 0),
        "algoOrder.cancel": (.orders(.algoOrder, "DELETE"), 1, 1),
        "account.status": (.account(.account2), 5, 5), "v2/account.status": (.account(.account3), 5, 5),
        "account.balance": (.account(.balance2), 5, 5), "v2/account.balance": (.account(.balance3), 5, 5),
        "account.position": (.account(.positionRisk2), 5, 5),
        "v2/account.position": (.account(.positionRisk3), 5, 5),
        "userDataStream.start": (.listenKey(.start), 1, 1), "userDataStream.ping": (.listenKey(.ping), 1, 1),
        "userDataStream.stop": (.listenKey(.stop), 1, 1),
    ]
}

/// A call of the WebSocket API: `{"id":…,"method":…,"params":{…}}`.
struct APICall: Sendable {
    /// An integer, a text or null, as it was sent.
    let id: JSONValue
    let parameters: Parameters
    /// The text that is signed, in each form that a client may have signed it in.
    let payloads: [[UInt8]]
    /// Whether the call itself says if the limits are to be told.
    let showsLimits: Bool?
    private let name: String
    private let route: (method: APIMethod, weight: Int, weightOfAll: Int)?

    init(_ text: [UInt8]) throws(BinanceError) {
        guard let object = (try? JSONValue(parsing: text))?.object else { throw .invalidMessage }
        let id = object["id"] ?? .null
        guard id.isNull || id.text != nil || id.integer != nil else { throw .invalidData("id") }
        guard let method = object["method"]?.text, !method.isEmpty else { throw .missing("method") }
        let members: JSONObject
        switch object["params"] {
        case nil, .null?: members = JSONObject()
        case .object(let found)?: members = found
        default: throw .invalidData("params")
        }
        var items: [QueryItem] = []
        for member in members.members {
            switch member.value {
            case .null: continue
            case .array, .object: throw .invalidData(member.key)
            case .string(let text), .number(let text): items.append(QueryItem(name: member.key, value: text))
            case .bool(let value): items.append(QueryItem(name: member.key, value: String(value)))
            }
        }
        self.id = id
        name = method.hasPrefix("v1/") ? String(method.dropFirst(3)) : method
        route = APIMethod.all[name]
        parameters = Parameters(items)
        payloads = Self.payloads(members)
        showsLimits = parameters["returnRateLimits"].map { $0.lowercased() != "false" }
    }

    var weight: Int {
        guard let route else { return 1 }
        return parameters["symbol"] == nil ? route.weightOfAll : route.weight
    }

    var needsEd25519: Bool { if case .logon? = route?.method { true } else { false } }

    func method() throws(BinanceError) -> APIMethod {
        guard let route else { throw .unsupportedOperation }
        return route.method
    }

    /// All parameters but the signature, sorted by name, as `name=value` joined by `&`. The official client
    /// signs a switch as Python prints it (`False`), so that form counts too where there is a switch.
    private static func payloads(_ members: JSONObject) -> [[UInt8]] {
        let signed = members.members.filter { $0.key != "signature" }
            .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        func payload(_ bool: (Bool) -> String) -> [UInt8] {
            let parts = signed.map { member in
                let value = member.value
                return member.key + "="
                    + (value.text ?? value.boolean.map(bool) ?? value.numberText ?? value.description)
            }
            return Array(parts.joined(separator: "&").utf8)
        }
        let plain = payload { String($0) }
        if signed.allSatisfy({ $0.value.boolean == nil }) { return [plain] }
        return [plain, payload { $0 ? "True" : "False" }]
    }
}

/// An answer of the WebSocket API.
private struct APIReply: Sendable {
    var id: JSONValue
    let limit: Int
    var used = 0
    /// Of a call that counts as an order.
    var orders: OrderCount?
    var showsLimits = true

    init(id: JSONValue, limit: Int) {
        self.id = id
        self.limit = limit
    }

    /// What the next request gets when the key that was logged on is not in force any more.
    static var revoked: [UInt8] {
        var reply = APIReply(id: .null, limit: 0)
        reply.showsLimits = false
        return reply.failure(.unauthorisedSession)
    }

    /// `result` is JSON already: the bytes that REST answers.
    func success(_ result: [UInt8]) -> [UInt8] { message(status: 200, "result", result) }

    func failure(_ error: BinanceError) -> [UInt8] {
        message(status: error.status, "error", error.response.body)
    }

    private func message(status: Int, _ member: String, _ content: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(content.count + 256)
        bytes += #"{"id":\#(id),"status":\#(status),"\#(member)":"#.utf8
        bytes += content
        if showsLimits {
            bytes += #","rateLimits":["#.utf8
            if let orders {
                bytes += orders.list(withCounts: true).dropFirst().dropLast()
                bytes.append(UInt8(ascii: ","))
            }
            bytes += #"{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","#.utf8
            bytes += #""intervalNum":1,"limit":\#(limit),"count":\#(used)}]"#.utf8
        }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }
}
