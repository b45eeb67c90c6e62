import Engine
import HTTPTypes
import HummingbirdCore
import Ledger
import Logging
import NIOCore
import NIOHTTPTypes
import Venue

/// Takes every request in: a venue's path goes straight to that venue, all others to the operator API.
///
/// The venues' way has no router, no Codable and no Foundation: it is what the server's speed hangs on.
final class Gateway: Sendable {
    /// One venue and what its requests, or its streams, begin with.
    final class Route: Sendable {
        let prefix: [UInt8]
        let area: Int
        let model: any VenueServer
        /// For whoever keeps it: scripts may come later.
        let scriptedAccess: ScriptedAccess
        /// For one request.
        var access: any VenueAccess {
            scriptedAccess.scripts.isEmpty ? scriptedAccess.base : scriptedAccess
        }

        init(prefix: String, area: Int, model: any VenueServer, scriptedAccess: ScriptedAccess) {
            self.prefix = Array(prefix.utf8)
            self.area = area
            self.model = model
            self.scriptedAccess = scriptedAccess
        }
    }

    /// The most bytes that a venue reads of a request's body.
    static let venueBodyLimit = 64 << 10

    private let routes: [Route]
    let streamRoutes: [Route]
    let streams: StreamHub
    private let operatorAPI: OperatorAPI
    private let engine: LedgerEngine
    private let faults: FaultBook
    private let meter: RequestMeter
    private let requestLog: RequestLog
    private let trustedProxies: [AddressRange]
    private let logger: Logger
    private let dates = DateStamp()

    /// Sends venues' requests to the models that the engine runs.
    init(
        engine: LedgerEngine, operatorAPI: OperatorAPI, faults: FaultBook, streams: StreamHub,
        meter: RequestMeter, requestLog: RequestLog, trustedProxies: [AddressRange], logger: Logger
    ) {
        var routes: [Route] = []
        var streamRoutes: [Route] = []
        for (place, name) in engine.venueNames.enumerated() {
            guard let model = engine.venues[name] else { continue }
            let access = ScriptedAccess(
                base: engine.access(for: name), scripts: faults.orderScripts, model: model, logger: logger)
            func route(_ prefix: String) -> Route {
                Route(prefix: prefix, area: place, model: model, scriptedAccess: access)
            }
            routes += type(of: model).pathPrefixes.map(route)
            streamRoutes += type(of: model).streamPrefixes.map(route)
        }
        // The longest prefix first, so that a more particular one wins.
        self.routes = routes.sorted { $0.prefix.count > $1.prefix.count }
        self.streamRoutes = streamRoutes.sorted { $0.prefix.count > $1.prefix.count }
        self.operatorAPI = operatorAPI
        self.engine = engine
        self.faults = faults
        self.streams = streams
        self.meter = meter
        self.requestLog = requestLog
        self.trustedProxies = trustedProxies
        self.logger = logger
    }

    /// Answers one request of a connection; where it asks for a stream and gets it, returns when that ends.
    func respond(to request: Request, writer: consuming ResponseWriter, channel: any Channel) async throws {
        let started = ContinuousClock.now
        let target = request.head.path ?? "/"
        let asksForUpgrade = request.headers[.upgrade] != nil
        let decision = asksForUpgrade ? decide(request, target: target, channel: channel) : .ordinary
        var outcome: Outcome
        switch decision {
        case .accepted(let opening, let answer, let route):
            note(
                request.method.rawValue, target, area: route.area, pathClass: .stream, status: 101,
                started: started)
            let question = question(request, target: target, body: [], channel: channel)
            noteCall(question, of: route, status: 101, refusal: nil)
            return try await run(
                opening, answer: answer, route: route, path: String(question.path), channel: channel)
        case .refused(let answer): outcome = answer
        case .ordinary:
            if let route = route(of: target) ?? strayRoute(of: target) {
                outcome = try await venueAnswer(request, target: target, route: route, channel: channel)
            } else {
                outcome = try await operatorAnswer(request, target: target, channel: channel)
            }
        }
        // The decoder reads nothing behind a request for another protocol: what follows would hang.
        if asksForUpgrade { outcome.closesConnection = true }
        note(
            request.method.rawValue, target, area: outcome.area, pathClass: outcome.pathClass,
            status: outcome.response.status.code, started: started)
        var response = outcome.response
        response.headers[.date] = dates.now()
        // The client may still be sending: it gets a moment to read the answer before the connection goes.
        if outcome.closesConnection { response.headers[.connection] = "close" }
        if request.method == .head {
            response = response.createHeadResponse()
        }
        try await writer.write(response: response.head, body: response.body)
    }

    /// Counts and logs an answer.
    private func note(
        _ method: String, _ target: String, area: Int, pathClass: PathClass, status: Int,
        started: ContinuousClock.Instant
    ) {
        let elapsed = ContinuousClock.now - started
        meter.count(area: area, pathClass: pathClass, status: status, took: elapsed)
        logger.debug(
            "request",
            metadata: [
                "method": "\(method)",
                "path": "\(loggedPath(of: target))",
                "status": "\(status)",
                "duration": "\(elapsed)",
            ])
    }

    /// Keeps what a venue's client called; a path that is not served is told once.
    private func noteCall(_ question: VenueRequest, of route: Route, status: Int, refusal: VenueRefusal?) {
        let path = loggedPath(of: question.target)
        let isNews = requestLog.note(
            at: route.access.realTime(), venue: route.model.name, method: question.method, path: path,
            account: route.model.account(namedBy: question, through: route.access), status: status,
            refusal: refusal)
        guard isNews else { return }
        logger.notice(
            "a client calls what is not served",
            metadata: [
                "venue": "\(route.model.name.rawValue)", "method": "\(question.method)", "path": "\(path)",
            ])
    }

    /// What an answer is, and where it is counted.
    struct Outcome {
        var response: Response
        let area: Int
        let pathClass: PathClass
        var closesConnection = false
    }

    /// The venue whose path that is.
    func route(of target: String) -> Route? {
        routes.first { target.utf8.starts(with: $0.prefix) }
    }

    /// The venue that refuses a path with more slashes than its own, or with none at its end: a client that
    /// puts its base URL together wrongly reads the venue's form alone.
    private func strayRoute(of target: String) -> Route? {
        var path: [UInt8] = []
        for byte in target.utf8.prefix(while: { $0 != UInt8(ascii: "?") })
        where byte != Self.slash || path.last != Self.slash {
            path.append(byte)
        }
        if path.last != Self.slash { path.append(Self.slash) }
        return routes.first { path.starts(with: $0.prefix) }
    }

    private static let slash = UInt8(ascii: "/")

    // MARK: - Venues

    /// Whether a venue's answer may be another one than the venue gives.
    var hasFaults: Bool { !faults.isEmpty }

    /// The present moment as an answer's header says it.
    var date: String { dates.now() }

    /// What a venue answers, where no fault is in the way: counted and kept in the journal of requests.
    func plainAnswer(to question: VenueRequest, by route: Route) async -> VenueResponse {
        let started = ContinuousClock.now
        let answer = await ownAnswer(to: question, by: route)
        note(
            question.method, question.target, area: route.area,
            pathClass: PathClass(venuePath: question.path), status: answer.status, started: started)
        return answer
    }

    private func ownAnswer(to question: VenueRequest, by route: Route) async -> VenueResponse {
        let answer = await route.model.respond(to: question, through: route.access)
        noteCall(question, of: route, status: answer.status, refusal: answer.refusal)
        return answer
    }

    private func venueAnswer(
        _ request: Request, target: String, route: Route, channel: any Channel
    ) async throws -> Outcome {
        guard let body = try await BodyReader.read(request, limit: Self.venueBodyLimit) else {
            let response = Self.response(Problem.tooLarge(Self.venueBodyLimit).reply)
            return Outcome(response: response, area: route.area, pathClass: .other, closesConnection: true)
        }
        let question = question(request, target: target, body: body, channel: channel)
        if faults.isEmpty {
            return outcome(of: await ownAnswer(to: question, by: route), question, area: route.area)
        }
        let delivery = await faults.answer(
            to: question, by: route.model, through: route.access, of: engine)
        switch delivery {
        case .whole(let answer), .partly(let answer, _):
            noteCall(question, of: route, status: answer.status, refusal: answer.refusal)
        case .nothing: noteCall(question, of: route, status: 0, refusal: nil)
        }
        switch delivery {
        case .whole(let answer): return outcome(of: answer, question, area: route.area)
        case .partly(let answer, let bytes):
            var outcome = outcome(of: answer, question, area: route.area)
            outcome.response.body = Self.broken(answer.body, after: bytes)
            return outcome
        case .nothing:
            logger.debug("a fault drops a connection", metadata: ["path": "\(question.path.prefix(200))"])
            try? await channel.close()
            throw ConnectionDropped()
        }
    }

    /// A connection that a fault ends; never told to the client.
    private struct ConnectionDropped: Error {}

    /// A body that says its full length and breaks off.
    private static func broken(_ body: [UInt8], after count: Int) -> ResponseBody {
        ResponseBody(contentLength: body.count) { writer in
            try await writer.write(ByteBuffer(bytes: body.prefix(count)))
            // What was written goes out before the connection does.
            try await Task.sleep(for: .milliseconds(50))
            throw ConnectionDropped()
        }
    }

    private func outcome(of answer: VenueResponse, _ question: VenueRequest, area: Int) -> Outcome {
        Outcome(
            response: Self.response(answer), area: area, pathClass: PathClass(venuePath: question.path))
    }

    /// A request as a venue reads it.
    func question(
        _ request: Request, target: String, body: [UInt8], channel: any Channel
    ) -> VenueRequest {
        let fields = request.headers
        return self.question(
            method: request.method == .head ? "GET" : request.method.rawValue, target: target, body: body,
            peer: channel.remoteAddress?.ipAddress ?? "",
            forwarded: { fields.filter { $0.name.canonicalName == "x-forwarded-for" }.map(\.value) },
            header: { name in fields.first { $0.name.canonicalName == name }?.value })
    }

    /// The same of its parts. `forwarded` are the values of X-Forwarded-For.
    func question(
        method: String, target: String, body: [UInt8], peer: String, forwarded: () -> [String],
        header: @escaping @Sendable (String) -> String?
    ) -> VenueRequest {
        VenueRequest(
            method: method, target: target, body: body,
            remoteAddress: trustedProxies.isEmpty
                ? peer : ClientAddress.of(peer, forwarded: forwarded(), trustedProxies), header: header)
    }

    /// A venue's answer as it is sent.
    static func response(_ answer: VenueResponse) -> Response {
        var headers = HTTPFields()
        headers.reserveCapacity(answer.headers.count + 3)
        headers.append(HTTPField(name: .contentType, value: answer.contentType))
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
        }
        return Response(
            status: .init(code: answer.status), headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
    }

    // MARK: - Operator

    /// A reader of a stream that stops is soon noticed, and costs little of the kernel's memory.
    private func prepareStream(_ channel: any Channel) async throws {
        let limits = streams.limits
        try await channel.eventLoop.submit {
            let clock = try channel.pipeline.syncOperations.handler(type: ConnectionClock.self)
            clock.expectStream(stall: limits.stall)
            _ = channel.setOption(.socketOption(.so_sndbuf), value: .init(limits.socketBuffer))
        }.get()
    }

    private func operatorAnswer(
        _ request: Request, target: String, channel: any Channel
    ) async throws -> Outcome {
        let (reply, pathClass) = try await operatorAPI.answer(request, target: target)
        if reply.stream != nil { try await prepareStream(channel) }
        return Outcome(
            response: Self.response(reply), area: RequestMeter.operatorArea, pathClass: pathClass,
            closesConnection: reply.closesConnection || Self.leavesLongBody(request, status: reply.status))
    }

    /// Whether an answer came before a body that nobody will read, and that may be long.
    private static func leavesLongBody(_ request: Request, status: Int) -> Bool {
        guard [401, 404, 405, 415].contains(status) else { return false }
        guard let length = request.headers[.contentLength] else {
            return request.headers[.transferEncoding] != nil
        }
        return (Int(length) ?? .max) > OperatorAPI.smallBodyLimit
    }

    static func response(_ reply: Reply) -> Response {
        var headers = HTTPFields()
        if !reply.contentType.isEmpty { headers[.contentType] = reply.contentType }
        for (name, value) in reply.headers {
            if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
        }
        headers[.xContentTypeOptions] = "nosniff"
        headers[.cacheControl] = "no-store"
        let body =
            if let stream = reply.stream {
                ResponseBody { writer in try await stream(&writer) }
            } else if reply.status == 204 {
                ResponseBody()
            } else {
                ResponseBody(byteBuffer: ByteBuffer(bytes: reply.body))
            }
        return Response(status: .init(code: reply.status), headers: headers, body: body)
    }
}

/// Reads bodies up to a limit, and no further.
enum BodyReader {
    /// The body; nil where it is longer than `limit`, which its length may tell before a byte of it is read.
    static func read(_ request: Request, limit: Int) async throws -> [UInt8]? {
        if let text = request.headers[.contentLength] {
            guard let length = Int(text), length <= limit else { return nil }
            if length == 0 { return [] }
        } else if request.headers[.transferEncoding] == nil {
            return []
        }
        var bytes: [UInt8] = []
        for try await part in request.body {
            guard bytes.count + part.readableBytes <= limit else { return nil }
            bytes.append(contentsOf: part.readableBytesView)
        }
        // The parts also end where the connection does, and a part of a body is none.
        try Task.checkCancellation()
        return bytes
    }
}
