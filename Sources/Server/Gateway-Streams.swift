import Engine
import HTTPTypes
import HummingbirdCore
import Ledger
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1
import NIOWebSocket
import Venue

extension Gateway {
    /// What a request for a WebSocket comes to.
    enum StreamDecision {
        /// It is answered as any other request.
        case ordinary
        case refused(Outcome)
        case accepted(StreamOpening, answer: HTTPFields, Route)
    }

    /// The venue's stream that a path belongs to. A prefix ends where a part of the path does, so that
    /// `/ws/v5` does not take `/ws/v5…` away from a stream of another venue.
    private func streamRoute(of target: String) -> Route? {
        streamRoutes.first { route in
            guard target.utf8.starts(with: route.prefix) else { return false }
            let next = target.utf8.dropFirst(route.prefix.count).first
            return route.prefix.last == UInt8(ascii: "/") || next == nil || next == UInt8(ascii: "/")
                || next == UInt8(ascii: "?")
        }
    }

    /// A path as it may be logged: a stream's may hold a key, so that only its beginning is.
    func loggedPath(of target: String) -> String {
        if let stream = streamRoute(of: target) {
            return String(decoding: stream.prefix, as: UTF8.self) + "…"
        }
        return String(decoding: target.utf8.prefix { $0 != UInt8(ascii: "?") }.prefix(200), as: UTF8.self)
    }

    /// Decides on a request for a WebSocket. A handshake that is wrong in itself never reaches the venue.
    func decide(_ request: Request, target: String, channel: any Channel) -> StreamDecision {
        guard let route = streamRoute(of: target) else { return .ordinary }
        func refused(_ response: Response) -> StreamDecision {
            .refused(
                Outcome(
                    response: response, area: route.area, pathClass: .stream, closesConnection: true))
        }
        switch StreamHandshake(request.head) {
        case .none: return .ordinary
        case .wrong(let problem): return refused(Self.response(problem.reply))
        case .sound(var fields):
            let question = question(request, target: target, body: [], channel: channel)
            switch route.model.openStream(to: question, through: route.scriptedAccess) {
            case nil: return .ordinary
            case .refused(let answer): return refused(Self.response(answer))
            case .accepted(let opening):
                fields[.secWebSocketProtocol] = opening.subprotocol
                return .accepted(opening, answer: fields, route)
            }
        }
    }

    /// Makes the connection a stream's and waits for its end.
    func run(
        _ opening: StreamOpening, answer: HTTPFields, route: Route, path: String, channel: any Channel
    ) async throws {
        try await channel.eventLoop.submit {
            let connection = StreamConnection(
                opening, of: route.model.name, at: path, access: route.scriptedAccess, hub: self.streams)
            let limit = max(opening.messageLimit, 125)
            try Self.upgrade(
                channel, answer: answer, frameLimit: limit, to: connection, limits: self.streams.limits)
        }.get()
        try await channel.closeFuture.get()
    }

    /// Accepts the handshake and puts frames where HTTP was. On the event loop.
    private static func upgrade(
        _ channel: any Channel, answer: HTTPFields, frameLimit: Int, to connection: StreamConnection,
        limits: StreamLimits
    ) throws {
        typealias Decoder = ByteToMessageHandler<HTTPRequestDecoder>
        let pipeline = channel.pipeline.syncOperations
        let front = try pipeline.handler(type: RequestFront.self)
        let decoder = try pipeline.handler(type: Decoder.self)
        let head = HTTPResponseHead(
            version: .http1_1, status: .switchingProtocols, headers: HTTPHeaders(answer))
        try pipeline.context(handlerType: RequestFront.self)
            .writeAndFlush(NIOAny(HTTPServerResponsePart.head(head)), promise: nil)
        let removed: [any RemovableChannelHandler] = [
            try pipeline.handler(type: ConnectionClock.self),
            try pipeline.handler(type: HTTP1ToHTTPServerCodec.self),
            try pipeline.handler(type: VenueRequestHandler.self), front,
            try pipeline.handler(type: HTTPResponseEncoder.self),
        ]
        for handler in removed { pipeline.removeHandler(handler, promise: nil) }
        try pipeline.addHandlers(
            [
                WebSocketFrameEncoder(),
                ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: frameLimit)), connection,
            ], position: .after(decoder))
        _ = channel.setOption(.socketOption(.so_sndbuf), value: .init(limits.socketBuffer))
        let (isShuttingDown, isInputClosed) = (front.isShuttingDown, front.caller.isGone)
        connection.open(isShuttingDown: isShuttingDown)
        // Going, the decoder hands on what the client sent without waiting for the answer.
        pipeline.removeHandler(decoder).assumeIsolated().whenComplete { _ in
            if isInputClosed { connection.inputClosed() } else { connection.serve() }
        }
    }
}
