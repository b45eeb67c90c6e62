import Engine
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import Synchronization

/// A client's connection as it begins: HTTP/1.1, set up as Hummingbird's `HTTP1Channel` does it.
///
/// It differs in three points. Venues' requests are answered before Hummingbird sees them, where nothing is
/// special about them (`VenueRequestHandler`). A client's time is limited in every respect
/// (`ConnectionClock`). And bytes that follow a request for an upgrade are kept for the new protocol: NIO's
/// typed upgrade would only ever look at a connection's first request, and clients that pool connections
/// ask for a WebSocket on one that has carried requests before; so the upgrade happens in the responder, in
/// its turn after earlier answers.
struct ConnectionChannel: ServerChildChannel, HTTPChannelHandler {
    let gateway: Gateway
    var limits = ConnectionLimits()

    var responder: Responder {
        { [gateway] request, writer, channel in
            try await gateway.respond(to: request, writer: writer, channel: channel)
        }
    }

    func setup(
        channel: any Channel, logger: Logger
    ) -> EventLoopFuture<NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>> {
        channel.eventLoop.makeCompletedFuture {
            var sizes = NIOHTTPDecoderLimitConfiguration()
            sizes.maxHeaderListSize = 80 << 10
            sizes.maxHeaderFieldCount = 1000
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(HTTPResponseEncoder())
            try pipeline.addHandler(
                ByteToMessageHandler(
                    HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: sizes)))
            try pipeline.addHandler(ConnectionClock(limits))
            let front = RequestFront()
            try pipeline.addHandler(front)
            try pipeline.addHandler(VenueRequestHandler(gateway, for: front.caller))
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
            return try NIOAsyncChannel(
                wrappingChannelSynchronously: channel,
                configuration: .init(isOutboundHalfClosureEnabled: true))
        }
    }

    /// Answers a connection's requests until it ends. What is still worked out for a client then is called
    /// off.
    func handle(value: NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>, logger: Logger) async {
        // Where the connection is gone all is called off; where the client closes its own side alone it may
        // still read, and only what takes long ends.
        let channel = value.channel
        let caller = try? await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: RequestFront.self).caller
        }.get()
        await Caller.$current.withValue(caller ?? Caller(hasGone: true)) {
            await withTaskGroup { group in
                group.addTask { await handleHTTP(asyncChannel: value, logger: logger) }
                group.addTask { try? await channel.closeFuture.get() }
                await group.next()
                group.cancelAll()
            }
        }
    }
}

/// Sees every request's head first.
///
/// Clients that wait for it (`Expect: 100-continue`) are told to send their body, unless it is too long
/// anyhow. And an HTTP/1.0 request asks for no other protocol, whatever its headers say (RFC 9110, 7.8).
final class RequestFront: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// Whether the server is going down: a stream that is about to open must know.
    private(set) var isShuttingDown = false
    /// The client. It has gone when it sends nothing more: what takes long is for nobody then, as clients
    /// that close their side and wait are rare, and a stream that is about to open is over.
    let caller = Caller()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data) else {
            context.fireChannelRead(data)
            return
        }
        if head.headers.first(name: "expect")?.lowercased() == "100-continue",
            (head.headers.first(name: "content-length").flatMap(Int.init) ?? 0) <= OperatorAPI.bodyLimit
        {
            let answer = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(answer)), promise: nil)
        }
        if head.version.minor == 0, head.headers.contains(name: "upgrade") {
            head.headers.remove(name: "upgrade")
            context.fireChannelRead(wrapInboundOut(.head(head)))
        } else {
            context.fireChannelRead(data)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { isShuttingDown = true }
        if case ChannelEvent.inputClosed = event { caller.leave() }
        context.fireUserInboundEventTriggered(event)
    }
}
