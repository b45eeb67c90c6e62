import Engine
import NIOCore
import NIOHTTP1
import Venue

/// Answers a venue's requests where they arrive: on the connection's event loop. Threads change only where
/// an answer has to wait for something, such as an order for the store.
///
/// What is out of the ordinary goes on to Hummingbird: the operator API, requests for streams, bodies in
/// chunks or of any length, the last request of a connection, a client that does not take its answers, and
/// every request while there are faults. Answers keep the order of their requests: here is answered only
/// where nothing that went on is still being answered, and what arrives meanwhile is held.
final class VenueRequestHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let gateway: Gateway
    private let caller: Caller
    private var context: ChannelHandlerContext?
    private var executor: EventLoopExecutor?
    private var peer: String?

    /// The request that is being read; nil while one that goes on is.
    private var request: (head: HTTPRequestHead, route: Gateway.Route)?
    private var body: [UInt8] = []
    /// Requests that went on and whose answers are not written to their end.
    private var passedOn = 0

    /// Whether an answer is being worked out here.
    private var isAnswering = false
    /// What works it out, where it has to wait.
    private var answering: Task<Void, Never>?
    /// What arrived meanwhile.
    private var held = CircularBuffer<HTTPServerRequestPart>()
    private var isReadHeld = false
    private var isEndHeld = false

    init(_ gateway: Gateway, for caller: Caller) {
        self.gateway = gateway
        self.caller = caller
    }

    // MARK: - What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if isAnswering {
            held.append(part)
        } else {
            take(part, context)
        }
    }

    private func take(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        switch part {
        case .head(let head):
            if let route = route(for: head, context) {
                request = (head, route)
                return
            }
            passedOn += 1
        case .body(let bytes):
            if request != nil {
                body.append(contentsOf: bytes.readableBytesView)
                return
            }
        case .end:
            if let request {
                self.request = nil
                return answer(request.head, request.route, context)
            }
        }
        context.fireChannelRead(wrapInboundOut(part))
    }

    /// The venue that is asked, where the request is to be answered here.
    private func route(for head: HTTPRequestHead, _ context: ChannelHandlerContext) -> Gateway.Route? {
        guard passedOn == 0, !gateway.hasFaults, context.channel.isWritable, head.version == .http1_1,
            head.isKeepAlive, [.GET, .POST, .PUT, .DELETE].contains(head.method),
            !head.headers.contains(name: "upgrade"), !head.headers.contains(name: "transfer-encoding")
        else { return nil }
        if let length = head.headers.first(name: "content-length") {
            guard let length = Int(length), length <= Gateway.venueBodyLimit else { return nil }
        }
        return gateway.route(of: head.uri)
    }

    /// Holds the connection's end back until what came before it is answered.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if isAnswering, case ChannelEvent.inputClosed = event {
            isEndHeld = true
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    /// Reads no further while there is more than can be answered: a client may send without an end.
    func read(context: ChannelHandlerContext) {
        if held.isEmpty {
            context.read()
        } else {
            isReadHeld = true
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        answering?.cancel()
        context.fireChannelInactive()
    }

    // MARK: - What goes

    private func answer(_ head: HTTPRequestHead, _ route: Gateway.Route, _ context: ChannelHandlerContext) {
        let headers = head.headers
        let peer = self.peer ?? context.remoteAddress?.ipAddress ?? ""
        self.peer = peer
        let question = gateway.question(
            method: head.method.rawValue, target: head.uri, body: body, peer: peer,
            forwarded: { headers["x-forwarded-for"] }, header: { headers.first(name: $0) })
        body.removeAll(keepingCapacity: true)
        let (eventLoop, gateway, caller) = (context.eventLoop, gateway, caller)
        let handler = NIOLoopBound(self, eventLoop: eventLoop)
        isAnswering = true
        let work = begin {
            let answer = await Caller.$current.withValue(caller) {
                await gateway.plainAnswer(to: question, by: route)
            }
            eventLoop.run { handler.value.write(answer) }
        }
        answering = isAnswering ? work : nil
    }

    /// Runs work until it first has to wait, and returns then; what is left of it comes back to the loop.
    private func begin(_ work: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        if #available(macOS 26, *) {
            Task.immediate(executorPreference: executor, operation: work)
        } else {
            Task(executorPreference: executor, operation: work)
        }
    }

    private func write(_ answer: VenueResponse) {
        isAnswering = false
        answering = nil
        guard let context else { return }
        var headers: HTTPHeaders = [
            "Content-Type": answer.contentType, "Content-Length": String(answer.body.count),
            "Date": gateway.date,
        ]
        headers.add(contentsOf: answer.headers)
        let head = HTTPResponseHead(
            version: .http1_1, status: .init(statusCode: answer.status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        let body = context.channel.allocator.buffer(bytes: answer.body)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        release(context)
    }

    /// Takes what was held, until the next answer has to wait.
    private func release(_ context: ChannelHandlerContext) {
        while !isAnswering, let part = held.popFirst() { take(part, context) }
        guard !isAnswering else { return }
        if isReadHeld {
            isReadHeld = false
            context.read()
        }
        if isEndHeld {
            isEndHeld = false
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { passedOn -= 1 }
        context.write(data, promise: promise)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        executor = EventLoopExecutor(context.eventLoop)
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }
}
