import NIOCore
import NIOHTTP1

/// How long a client may take, however it spreads its bytes.
struct ConnectionLimits: Sendable {
    /// For a request's head, from its first byte to its last.
    var head = TimeAmount.seconds(20)
    /// For a request's body. What the server itself needs to take it in does not count.
    var body = TimeAmount.seconds(120)
    /// For a connection on which nothing is under way.
    var idle = TimeAmount.minutes(5)
    /// For taking the next `stallBytes` of an answer that does not fit the connection.
    var stall = TimeAmount.seconds(30)
    var stallBytes = 16 << 10
    /// For the client's side of a connection that is to end: to read the last answer and go. Also for all
    /// that is waited for from a client once the server is going down.
    var closing = TimeAmount.seconds(2)
    /// For an answer that is being worked out when the server is going down.
    var shutdown = TimeAmount.seconds(10)
}

/// Ends a connection whose client takes too long: sending a head or a body, being idle, taking an answer, or
/// going when it is time.
///
/// It stands right behind the HTTP decoder. One alarm a connection is set for what is due first, and set anew
/// only where something is due sooner, so that a request that comes in one piece costs no more than a look at
/// the clock.
final class ConnectionClock: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// What of a request is on its way.
    private enum Reading {
        case nothing
        case head
        case body
    }

    private var limits: ConnectionLimits
    private var context: ChannelHandlerContext?

    private var reading = Reading.nothing
    /// Whether part of a request was decoded from what was read last.
    private var hasRead = false
    /// How long the client was waited for, of the head or body that is being read.
    private var waited = TimeAmount.zero
    /// Since when it is waited for; nil while the server is not ready to read on.
    private var waitingSince: NIODeadline?
    /// Requests whose answers are not written to their end.
    private var requests = 0
    /// Whether an answer is written in part.
    private var isAnswering = false
    private var endsAfterAnswer = false
    /// Whether the client asked for the connection to end with the answer that is due.
    private var wantsLastAnswer = false
    private var isInputClosed = false
    /// Whether the client was told that it took too long: what it sends now is not looked at.
    private var isOver = false
    private var idleSince = NIODeadline.uptimeNanoseconds(0)
    /// Since when the server is going down.
    private var goingDownSince: NIODeadline?

    private var stallDue = NIODeadline.distantFuture
    private var unsent = 0
    /// When the connection goes, whatever is under way.
    private var endDue = NIODeadline.distantFuture
    private var alarm: Scheduled<Void>?
    private var alarmTime = NIODeadline.distantFuture

    init(_ limits: ConnectionLimits) { self.limits = limits }

    /// Has less patience with a client that takes nothing: its answer has no end.
    func expectStream(stall: TimeAmount) { limits.stall = min(limits.stall, stall) }

    // MARK: - What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isOver { return }
        hasRead = true
        stopWaiting()
        switch unwrapInboundIn(data) {
        case .head(let head):
            requests += 1
            if !head.isKeepAlive { wantsLastAnswer = true }
            begin(.body)
        case .body: break
        case .end: begin(.nothing)
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        stopWaiting()
        // Bytes came and made no part of a request: they are the beginning of a head.
        if !hasRead, reading == .nothing { begin(.head) }
        hasRead = false
        context.fireChannelReadComplete()
    }

    /// The server is ready for more: from now on it waits for the client.
    func read(context: ChannelHandlerContext) {
        if reading != .nothing, waitingSince == nil, !isInputClosed {
            waitingSince = context.eventLoop.now
            setAlarm()
        }
        context.read()
    }

    private func begin(_ part: Reading) {
        reading = part
        waited = .zero
    }

    private func stopWaiting() {
        guard let since = waitingSince, let context else { return }
        waited = waited + (context.eventLoop.now - since)
        waitingSince = nil
    }

    // MARK: - What goes

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            // Those below 200 announce an answer and are none.
            if head.status.code >= 200 {
                isAnswering = true
                if head.headers[canonicalForm: "connection"].contains("close") {
                    endsAfterAnswer = true
                } else if requests == 1, wantsLastAnswer || goingDownSince != nil {
                    // A client that is not told keeps the connection for its next request, which is lost.
                    head.headers.replaceOrAdd(name: "connection", value: "close")
                    return context.write(wrapOutboundOut(.head(head)), promise: promise)
                }
            }
        case .body: break
        case .end:
            isAnswering = false
            requests = max(0, requests - 1)
            idleSince = context.eventLoop.now
            let wasLast = wantsLastAnswer && reading == .nothing
            if requests == 0, endsAfterAnswer || wasLast || goingDownSince != nil {
                return writeLast(data, promise, context)
            }
        }
        context.write(data, promise: promise)
    }

    /// Writes the end of the last answer. Where the client may go on sending it gets a moment to read first.
    private func writeLast(
        _ data: NIOAny, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext
    ) {
        let written = promise ?? context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in
            guard let context = self.context else { return }
            if self.endsAfterAnswer {
                self.end(within: self.limits.closing)
            } else {
                context.close(promise: nil)
            }
        }
        if goingDownSince != nil { end(within: limits.closing) }
        context.writeAndFlush(data, promise: written)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .output else { return context.close(mode: mode, promise: promise) }
        let closed = promise ?? context.eventLoop.makePromise(of: Void.self)
        closed.futureResult.assumeIsolated().whenComplete { _ in self.end(within: self.limits.closing) }
        context.close(mode: .output, promise: closed)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        watchStall()
        if goingDownSince != nil, !context.channel.isWritable { end(within: limits.closing) }
        context.fireChannelWritabilityChanged()
    }

    private func watchStall() {
        guard let context, !context.channel.isWritable else {
            stallDue = .distantFuture
            return
        }
        unsent = unsentBytes
        stallDue = context.eventLoop.now + limits.stall
        setAlarm()
    }

    /// What waits for the client to read; 0 where the channel does not tell.
    private var unsentBytes: Int {
        (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    // MARK: - The end

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            goingDownSince = context.eventLoop.now
            if requests == 0, reading == .nothing, unsentBytes == 0 {
                context.close(promise: nil)
            } else if requests == 0 && reading == .nothing || !context.channel.isWritable {
                end(within: limits.closing)
            } else {
                setAlarm()
            }
        case ChannelEvent.inputClosed:
            isInputClosed = true
            waitingSince = nil
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func end(within time: TimeAmount) {
        guard let context else { return }
        endDue = min(endDue, context.eventLoop.now + time)
        setAlarm()
    }

    /// Tells a client that its time is over, unless it is being told something else, and ends the connection.
    private func timeOut(_ context: ChannelHandlerContext) {
        isOver = true
        waitingSince = nil
        let isNext = !isAnswering && requests == (reading == .body ? 1 : 0)
        guard isNext else { return context.close(promise: nil) }
        let head = HTTPResponseHead(
            version: .http1_1, status: .requestTimeout,
            headers: ["connection": "close", "content-length": "0"])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        end(within: limits.closing)
    }

    // MARK: - Time

    private var waitDue: NIODeadline {
        guard let since = waitingSince else { return .distantFuture }
        return since + ((reading == .head ? limits.head : limits.body) - waited)
    }

    private var idleDue: NIODeadline {
        requests == 0 && reading == .nothing ? idleSince + limits.idle : .distantFuture
    }

    private var goingDownDue: NIODeadline {
        guard let since = goingDownSince else { return .distantFuture }
        return since + (reading == .nothing ? limits.shutdown : limits.closing)
    }

    /// Sees to it that the alarm rings at the next time that matters.
    private func setAlarm() {
        guard let context else { return }
        let next = min(min(waitDue, idleDue), min(min(stallDue, endDue), goingDownDue))
        if next >= alarmTime { return }
        alarm?.cancel()
        alarmTime = next
        alarm = context.eventLoop.assumeIsolated().scheduleTask(deadline: next) { self.alarmRang() }
    }

    private func alarmRang() {
        alarm = nil
        alarmTime = .distantFuture
        guard let context else { return }
        let now = context.eventLoop.now
        if min(min(endDue, idleDue), goingDownDue) <= now { return context.close(promise: nil) }
        if waitDue <= now { timeOut(context) }
        if stallDue <= now {
            if unsent - unsentBytes < limits.stallBytes { return context.close(promise: nil) }
            watchStall()
        }
        setAlarm()
        // Nothing was due: a busy connection is looked at again when it would have been idle for too long.
        if alarm == nil {
            alarmTime = now + limits.idle
            alarm = context.eventLoop.assumeIsolated().scheduleTask(deadline: alarmTime) { self.alarmRang() }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        // Without it, what came of the body would look like all of it.
        if reading == .body { context.fireErrorCaught(BrokenBody()) }
        context.fireChannelInactive()
    }

    /// A body whose connection ended before it did.
    private struct BrokenBody: Error {}

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        idleSince = context.eventLoop.now
        setAlarm()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        alarm?.cancel()
        alarm = nil
        self.context = nil
    }
}
