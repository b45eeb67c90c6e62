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
struct Gateway: Sendable {
    /// One venue and what its requests begin with.
    private struct Route: Sendable {
        let prefix: [UInt8]
        let area: Int
        let model: any VenueModel
        let access: any VenueAccess
    }

    /// The most bytes that a venue reads of a request's body.
    static let venueBodyLimit = 64 << 10

    private let routes: [Route]
    private let operatorAPI: OperatorAPI
    private let engine: LedgerEngine
    private let faults: FaultBook
    private let meter: RequestMeter
    private let logger: Logger
    private let dates = DateStamp()

    /// Sends venues' requests to the models that the engine runs.
    init(
        engine: LedgerEngine, operatorAPI: OperatorAPI, faults: FaultBook, meter: RequestMeter, logger: Logger
    ) {
        var routes: [Route] = []
        for (place, name) in VenueRegistry.names.enumerated() {
            guard let model = engine.venues[name] else { continue }
            let access = engine.access(for: name)
            for prefix in type(of: model).pathPrefixes {
                routes.append(
                    Route(prefix: Array(prefix.utf8), area: place, model: model, access: access))
            }
        }
        // The longest prefix first, so that a more particular one wins.
        self.routes = routes.sorted { $0.prefix.count > $1.prefix.count }
        self.operatorAPI = operatorAPI
        self.engine = engine
        self.faults = faults
        self.meter = meter
        self.logger = logger
    }

    /// Answers one request of a connection.
    func respond(to request: Request, writer: consuming ResponseWriter, channel: any Channel) async throws {
        let started = ContinuousClock.now
        let target = request.head.path ?? "/"
        let outcome: Outcome
        if let route = route(of: target) {
            outcome = try await venueAnswer(request, target: target, route: route, channel: channel)
        } else {
            outcome = try await operatorAnswer(request, target: target)
        }
        let elapsed = ContinuousClock.now - started
        meter.count(
            area: outcome.area, pathClass: outcome.pathClass, status: outcome.response.status.code,
            took: elapsed)
        logger.debug(
            "request",
            metadata: [
                "method": "\(request.method.rawValue)",
                "path": "\(target.prefix { $0 != "?" }.prefix(200))",
                "status": "\(outcome.response.status.code)",
                "duration": "\(elapsed)",
            ])
        var response = outcome.response
        response.headers[.date] = dates.now()
        if outcome.closesConnection {
            response.headers[.connection] = "close"
            // The client may still be sending: it gets a moment to read the answer before the connection
            // goes.
            channel.eventLoop.scheduleTask(in: .seconds(2)) { channel.close(promise: nil) }
        }
        if request.method == .head {
            response = response.createHeadResponse()
        }
        try await writer.write(response: response.head, body: response.body)
    }

    private struct Outcome {
        var response: Response
        let area: Int
        let pathClass: PathClass
        var closesConnection = false
    }

    private func route(of target: String) -> Route? {
        routes.first { target.utf8.starts(with: $0.prefix) }
    }

    // MARK: - Venues

    private func venueAnswer(
        _ request: Request, target: String, route: Route, channel: any Channel
    ) async throws -> Outcome {
        guard let body = try await BodyReader.read(request, limit: Self.venueBodyLimit) else {
            let response = Self.response(Problem.tooLarge(Self.venueBodyLimit).reply)
            return Outcome(response: response, area: route.area, pathClass: .other, closesConnection: true)
        }
        let fields = request.headers
        let question = VenueRequest(
            method: request.method == .head ? "GET" : request.method.rawValue, target: target, body: body,
            remoteAddress: channel.remoteAddress?.ipAddress ?? ""
        ) { name in
            fields.first { $0.name.canonicalName == name }?.value
        }
        if faults.isEmpty {
            let answer = await route.model.respond(to: question, through: route.access)
            return outcome(of: answer, question, area: route.area)
        }
        let delivery = await faults.answer(
            to: question, by: route.model, through: route.access, of: engine)
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
        var headers = HTTPFields()
        headers.reserveCapacity(answer.headers.count + 3)
        headers.append(HTTPField(name: .contentType, value: answer.contentType))
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
        }
        let response = Response(
            status: .init(code: answer.status), headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
        return Outcome(response: response, area: area, pathClass: PathClass(venuePath: question.path))
    }

    // MARK: - Operator

    private func operatorAnswer(_ request: Request, target: String) async throws -> Outcome {
        let (reply, pathClass) = try await operatorAPI.answer(request, target: target)
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

    private static func response(_ reply: Reply) -> Response {
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
        return bytes
    }
}

/// Tells clients that wait for it (`Expect: 100-continue`) to send their body, unless it is too long anyhow.
final class ContinueHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundOut = HTTPResponsePart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data),
            head.headerFields[.expect]?.lowercased() == "100-continue",
            (head.headerFields[.contentLength].flatMap(Int.init) ?? 0) <= OperatorAPI.bodyLimit
        {
            context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
        }
        context.fireChannelRead(data)
    }
}
