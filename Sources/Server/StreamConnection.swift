import Engine
import Ledger
import Logging
import NIOCore
import NIOWebSocket
import Venue

/// One WebSocket connection: drives a venue's stream with what comes from the client, the ledger and the
/// clock, and sends what the stream answers.
///
/// Everything happens on the connection's event loop. As long as the client leaves the connection full, the
/// stream is asked nothing: messages are not read, events wait in the mailbox, and changed prices are one
/// flag. So what is unsent never outgrows one answer beyond the socket's high-water mark, and a client that
/// does not read for too long, or lets too many events wait, is dropped without anybody having waited for it.
final class StreamConnection: ChannelDuplexHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundIn = Never
    typealias OutboundOut = WebSocketFrame

    private enum Phase {
        case open
        /// A close frame is sent, or waits to be.
        case closing
        case closed
    }

    /// What follows a close frame of ours once it is on the wire.
    private enum Ending {
        /// The client began: the connection goes at once (RFC 6455, 7.1.1).
        case answered
        /// We began: the client answers.
        case begun
        /// The client broke the rules: our side ends, and what it still sends is not looked at.
        case failed
        /// The server is going down, and waits no longer than it must.
        case shutdown
    }

    let venue: VenueName
    /// Whether the price change notifier has it on its list.
    var isListed = false
    /// Whether prices have changed that the stream was not told of.
    var pricesDue = false

    private let path: String
    /// Whether a fault has silenced it.
    private var isSilenced = false
    private var stream: any VenueStream
    private let pingInterval: TimeAmount?
    private let pongLimit: TimeAmount
    private let access: any VenueAccess
    private let hub: StreamHub
    private let meter: StreamMeter?
    private let limits: StreamLimits

    private var phase = Phase.open
    private var context: ChannelHandlerContext?
    private var mailbox: StreamMailbox?
    private var interest = StreamInterest()
    private var assembly: FrameAssembly
    private var messages = CircularBuffer<StreamMessage>()
    private var events = CircularBuffer<Event>()
    private var owedPong: ByteBuffer?
    /// The work of the stream's that is under way; everything of the client's waits for its end.
    private var work: Task<Void, Never>?
    /// What work that is done has to tell.
    private var answers = CircularBuffer<[UInt8]>()
    /// What came while work was under way.
    private var waiting = CircularBuffer<FrameAssembly.Outcome>()
    /// Whether the server goes down, and the connection with it when its work is done.
    private var isShutdownDue = false
    private var isServing = false
    private var isServiceDue = false
    private var isReadHeld = false
    private var lastPrices = NIODeadline.uptimeNanoseconds(0)

    private var pingDue = NIODeadline.distantFuture
    private var pongDue = NIODeadline.distantFuture
    /// When a connection that is full has been full for too long.
    private var stallDue = NIODeadline.distantFuture
    /// When a connection that is closing is given up.
    private var dropDue = NIODeadline.distantFuture
    private var alarm: Scheduled<Void>?
    private var alarmTime = NIODeadline.distantFuture

    init(
        _ opening: StreamOpening, of venue: VenueName, at path: String, access: any VenueAccess,
        hub: StreamHub
    ) {
        self.venue = venue
        self.path = path
        self.access = access
        self.hub = hub
        stream = opening.stream
        pingInterval = opening.pingInterval.map { .milliseconds($0) }
        pongLimit = .milliseconds(opening.pongLimit)
        assembly = FrameAssembly(messageLimit: opening.messageLimit)
        meter = hub.meter(of: venue)
        limits = hub.limits
    }

    // MARK: - The stream

    /// The handshake is through and the pipeline stands.
    func open(isShuttingDown: Bool) {
        guard phase == .open, let context else { return }
        meter?.connections.count()
        meter?.opened.count()
        if let pingInterval { pingDue = context.eventLoop.now + pingInterval }
        mailbox = StreamMailbox(of: self, on: context.eventLoop, limit: limits.waitingEvents)
        step { stream, now, output in stream.opened(at: now, into: &output) }
        if isShuttingDown { end(for: .shutdown) }
        serve()
    }

    /// The mailbox is no longer empty.
    func mailArrived() {
        if phase == .open, mailbox?.isOverfull == true { return end(for: .slowReader) }
        serve()
    }

    /// What the stream follows is gone, or another: it ends as where the server goes down.
    func ledgerReplaced() { end(for: .shutdown) }

    /// Whether the stream wants to hear of new prices.
    var followsPrices: Bool { phase == .open && interest.prices }

    /// Tells the stream that prices have changed, if they have; false where that has to wait.
    func tellPrices() -> Bool {
        guard followsPrices, pricesDue else { return true }
        serve()
        guard followsPrices, let context else { return true }
        let now = context.eventLoop.now
        guard context.channel.isWritable, now >= lastPrices + limits.priceSpacing else { return false }
        lastPrices = now
        pricesDue = false
        push { stream, now, output in
            stream.ledgerChanged(StreamNotice(pricesChanged: true), at: now, into: &output)
        }
        context.flush()
        setAlarm()
        return true
    }

    /// Does what waits, as far as the client takes what comes of it, and no longer than a slice of time: the
    /// loop has others to serve. `hearsOut` serves every message that has come, whatever the time.
    func serve(hearsOut: Bool = false) {
        guard phase == .open, !isServing, let context else { return }
        isServing = true
        let end = NIODeadline.now() + limits.slice
        var rings = true
        var isBusy = true
        var isInTime = true
        while isBusy && isInTime {
            isBusy = false
            while phase == .open, context.channel.isWritable, isInTime || (hearsOut && !messages.isEmpty),
                serveNext(rings: &rings)
            {
                isBusy = true
                isInTime = .now() < end
            }
            // Flushing may make room, and then there may be more to do.
            context.flush()
        }
        isServing = false
        if !isInTime { serveSoon() }
        resumeReading()
        setAlarm()
    }

    /// Goes on after the loop has looked after the others.
    private func serveSoon() {
        guard !isServiceDue, let context else { return }
        isServiceDue = true
        context.eventLoop.assumeIsolated().scheduleTask(in: limits.breath) {
            self.isServiceDue = false
            self.serve()
        }
    }

    /// Does the next thing that waits; false where nothing does. A deadline rings once a time, so that a
    /// stream that does not move it cannot hold the loop.
    private func serveNext(rings: inout Bool) -> Bool {
        if let pong = owedPong {
            owedPong = nil
            write(.pong, pong)
            return true
        }
        if work == nil, answers.isEmpty, let message = messages.popFirst() {
            step { stream, now, output in stream.received(message, at: now, into: &output) }
            return true
        }
        if events.isEmpty, let mailbox { events += mailbox.take() }
        if !events.isEmpty {
            tellEvents()
            return true
        }
        if let answer = answers.popFirst() {
            write(.text, answer)
            meter?.sent.count()
            return true
        }
        if rings, let deadline = asked({ $0.deadline }), deadline <= access.realTime() {
            rings = false
            step { stream, now, output in stream.timePassed(at: now, into: &output) }
            return true
        }
        return false
    }

    private func tellEvents() {
        let count = min(events.count, limits.eventsOfNotice)
        // What was followed when they came need not be followed now.
        let told = events.prefix(count).filter { event in
            event.account.map(interest.accounts.contains) ?? false
                || event.counterparty.map(interest.accounts.contains) ?? false
        }
        events.removeFirst(count)
        if told.isEmpty { return }
        let scripts = hub.faults.orderScripts
        if !scripts.isEmpty, told.contains(where: { scripts.tellings(of: $0) != 1 }) {
            return tellByScript(Array(told))
        }
        push { stream, now, output in
            stream.ledgerChanged(StreamNotice(events: Array(told)), at: now, into: &output)
        }
    }

    /// Tells events one by one, each as often as its order's script says.
    private func tellByScript(_ events: [Event]) {
        for event in events {
            let times = hub.faults.orderScripts.tellings(of: event)
            step { stream, now, output in
                stream.ledgerChanged(StreamNotice(events: [event]), at: now, into: &output)
            } sending: { message in
                for _ in 0..<times { send(message) }
            }
        }
    }

    /// Tells the stream what has happened, and sends what it makes of that as the faults in force let it.
    private func push(_ action: (inout any VenueStream, Int64, inout StreamOutput) -> Void) {
        if hub.faults.isEmpty && !isSilenced { return step(action) }
        step(action) { message in
            guard phase == .open else { return }
            let strikes = hub.faults.strikes(
                venue: venue, stream: path, accounts: interest.accounts, at: access.ledgerTime())
            let effects = strikes.map(\.effect)
            if effects.contains(.drop) { return drop() }
            isSilenced = !hub.faults.isEmpty && (isSilenced || effects.contains(.silence))
            if isSilenced || effects.contains(.gap) { return }
            send(message)
            if effects.contains(.duplicate) { send(message) }
        }
    }

    private func step(_ action: (inout any VenueStream, Int64, inout StreamOutput) -> Void) {
        step(action) { send($0) }
    }

    private func step(
        _ action: (inout any VenueStream, Int64, inout StreamOutput) -> Void, sending: ([UInt8]) -> Void
    ) {
        var output = StreamOutput()
        action(&stream, access.realTime(), &output)
        while case let wanted = asked({ $0.interest }), wanted != interest {
            follow(wanted)
            stream.interestTaken(at: access.realTime(), into: &output)
        }
        for message in output.messages { sending(message) }
        if !output.work.isEmpty { begin(output.work) }
        if let close = output.close { end(close, .begun) }
    }

    /// What the stream says of itself, asked in place: read as a property, it is copied as a whole.
    private func asked<Value>(_ question: (inout any VenueStream) -> Value) -> Value { question(&stream) }

    // MARK: - Work

    private func begin(_ steps: [StreamOutput.Work]) {
        guard let context else { return }
        let (loop, before) = (context.eventLoop, work)
        let connection = NIOLoopBound(self, eventLoop: loop)
        work = Task(executorPreference: EventLoopExecutor(loop)) {
            await before?.value
            var messages: [[UInt8]] = []
            for step in steps { messages += await step() }
            loop.run { [messages] in connection.value.workIsDone(messages) }
        }
    }

    /// Goes on with what waited for the work; what it told the ledger was in the mailbox before it was done.
    private func workIsDone(_ messages: [[UInt8]]) {
        work = nil
        guard phase == .open else { return }
        answers += messages
        serve()
        while work == nil, let outcome = waiting.popFirst() {
            take(outcome)
            serve()
        }
        if isShutdownDue, work == nil { end(for: .shutdown) }
        resumeReading()
    }

    /// What the venue does when the connection is over, after the work that is under way.
    private func bidFarewell() {
        guard let farewell = stream.farewell else { return }
        let before = work
        Task {
            await before?.value
            await farewell()
        }
    }

    private func send(_ message: [UInt8]) {
        write(.text, message)
        meter?.sent.count()
    }

    private func follow(_ wanted: StreamInterest) {
        let before = interest
        interest = wanted
        guard let context, let mailbox else { return }
        if wanted.accounts != before.accounts {
            hub.feed.follow(mailbox, FeedInterest(accounts: wanted.accounts))
        }
        if wanted.prices, !before.prices { hub.notifier(of: context.eventLoop)?.add(self) }
        if before.prices, !wanted.prices { leavePrices() }
    }

    private func leavePrices() {
        pricesDue = false
        if let context { hub.notifier(of: context.eventLoop)?.connectionLeft() }
    }

    // MARK: - Frames

    private func write(_ opcode: WebSocketOpcode, _ bytes: [UInt8]) {
        guard let context else { return }
        write(opcode, context.channel.allocator.buffer(bytes: bytes))
    }

    private func write(_ opcode: WebSocketOpcode, _ data: ByteBuffer) {
        context?.write(wrapOutboundOut(WebSocketFrame(fin: true, opcode: opcode, data: data)), promise: nil)
    }

    private func take(_ outcome: FrameAssembly.Outcome) {
        if work != nil, phase == .open {
            waiting.append(outcome)
            return
        }
        switch outcome {
        case .incomplete: break
        case .message(let message):
            guard phase == .open else { return }
            meter?.received.count()
            messages.append(message)
        case .ping(let data):
            guard phase == .open, let context else { return }
            if context.channel.isWritable {
                write(.pong, data)
            } else {
                // Of pings that cannot be answered in time, the last is (RFC 6455, 5.5.3).
                owedPong = data
            }
        case .pong: pongDue = .distantFuture
        case .close(let code):
            // What came before the close frame is still heard.
            serve(hearsOut: true)
            if work != nil, phase == .open {
                waiting.append(outcome)
            } else if phase == .open {
                end(code.map { StreamClose(code: $0) }, .answered)
            } else {
                drop()
            }
        case .fault(let fault): fail(fault)
        }
    }

    private func fail(_ fault: FrameAssembly.Fault) {
        serve(hearsOut: true)
        guard phase == .open else { return drop() }
        if work != nil { return waiting.append(.fault(fault)) }
        var close = stream.close(for: fault.reason)
        // RFC 6455 has a code of its own for bad text; a venue's own codes stay.
        if fault == .badText, close.code == 1002 { close = StreamClose(code: 1007, reason: close.reason) }
        end(close, .failed)
    }

    // MARK: - The end

    private func end(for reason: StreamCloseReason) {
        guard phase == .open else { return }
        if reason == .shutdown, work != nil {
            isShutdownDue = true
            return
        }
        if reason == .slowReader { meter?.slowReaders.count() }
        hub.logger.debug(
            "a stream is ended", metadata: ["venue": "\(venue.rawValue)", "reason": "\(reason)"])
        if let notice = stream.notice(before: reason) {
            write(.text, notice)
            meter?.sent.count()
        }
        end(stream.close(for: reason), reason == .shutdown ? .shutdown : .begun)
    }

    /// Sends a close frame, empty where there is no code, and gives the connection up in time.
    private func end(_ close: StreamClose?, _ ending: Ending) {
        guard phase == .open, let context else { return }
        phase = .closing
        if ending != .shutdown { bidFarewell() }
        release()
        pingDue = .distantFuture
        pongDue = .distantFuture
        stallDue = .distantFuture
        var data = context.channel.allocator.buffer(capacity: 128)
        if let close {
            data.writeInteger(close.code)
            data.writeBytes(close.reason.shortened(toBytes: 123).utf8)
        }
        // A client that reads nothing never gets it: the frame has as long as a full connection has.
        dropDue = context.eventLoop.now + (ending == .shutdown ? limits.shutdown : limits.closing)
        let frame = WebSocketFrame(fin: true, opcode: .connectionClose, data: data)
        let onWire = context.eventLoop.makePromise(of: Void.self)
        onWire.futureResult.assumeIsolated().whenSuccess { self.closeIsOnWire(ending) }
        context.writeAndFlush(wrapOutboundOut(frame), promise: onWire)
        resumeReading()
        setAlarm()
    }

    private func closeIsOnWire(_ ending: Ending) {
        guard phase == .closing, let context else { return }
        switch ending {
        case .answered: drop()
        case .begun: dropDue = context.eventLoop.now + limits.closing
        case .failed:
            dropDue = context.eventLoop.now + limits.closing
            // Closing wholly with bytes unread would send a reset, and that may overtake the close frame.
            context.close(mode: .output, promise: nil)
        case .shutdown: break
        }
        setAlarm()
    }

    private func drop() {
        guard phase != .closed else { return }
        if phase == .open, !isShutdownDue { bidFarewell() }
        phase = .closed
        context?.close(promise: nil)
    }

    /// Lets go of everything that waits and of everybody who would tell more.
    private func release() {
        if let mailbox { hub.feed.leave(mailbox) }
        mailbox = nil
        if interest.prices { leavePrices() }
        interest = StreamInterest()
        messages.removeAll()
        events.removeAll()
        answers.removeAll()
        waiting.removeAll()
        owedPong = nil
    }

    private func finish() {
        if context == nil { return }
        if mailbox != nil || phase != .open { meter?.connections.count(-1) }
        if phase == .open, !isShutdownDue { bidFarewell() }
        phase = .closed
        release()
        alarm?.cancel()
        alarm = nil
        context = nil
        hub.logger.debug("a stream is closed", metadata: ["venue": "\(venue.rawValue)"])
    }

    // MARK: - Time

    /// Sees to it that the loop comes back at the next time that matters.
    private func setAlarm() {
        guard phase != .closed, let context else { return }
        var next = min(min(pingDue, pongDue), min(stallDue, dropDue))
        if phase == .open, context.channel.isWritable, let deadline = asked({ $0.deadline }) {
            let wait = min(max(deadline - access.realTime(), 1), 86_400_000)
            next = min(next, context.eventLoop.now + .milliseconds(wait))
        }
        if next >= alarmTime { return }
        alarm?.cancel()
        alarmTime = next
        alarm = context.eventLoop.assumeIsolated().scheduleTask(deadline: next) { self.alarmRang() }
    }

    private func alarmRang() {
        alarm = nil
        alarmTime = .distantFuture
        guard let now = context?.eventLoop.now else { return }
        if dropDue <= now { return drop() }
        if phase == .open {
            if pongDue <= now {
                end(for: .unresponsive)
            } else if stallDue <= now {
                end(for: .slowReader)
            } else if pingDue <= now {
                ping(now)
            }
        }
        serve()
        setAlarm()
    }

    private func ping(_ now: NIODeadline) {
        guard let pingInterval, let context else { return }
        pingDue = now + pingInterval
        pongDue = min(pongDue, now + pongLimit)
        // A connection that is full has its own time limit; a ping would only make it fuller.
        if context.channel.isWritable { write(.ping, Array("\(access.realTime())".utf8)) }
    }

    // MARK: - The channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { finish() }

    func channelInactive(context: ChannelHandlerContext) {
        finish()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if phase != .closed { take(assembly.accept(unwrapInboundIn(data))) }
    }

    func channelReadComplete(context: ChannelHandlerContext) { serve() }

    /// Reads on only as long as the client takes the answers and no message waits.
    func read(context: ChannelHandlerContext) {
        if mayRead(context) {
            context.read()
        } else {
            isReadHeld = true
        }
    }

    private func mayRead(_ context: ChannelHandlerContext) -> Bool {
        phase != .open || (context.channel.isWritable && messages.isEmpty && waiting.isEmpty)
    }

    private func resumeReading() {
        guard isReadHeld, let context, mayRead(context) else { return }
        isReadHeld = false
        context.read()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard phase == .open else { return }
        stallDue = context.channel.isWritable ? .distantFuture : context.eventLoop.now + limits.stall
        serve()
        setAlarm()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed: inputClosed()
        case is ChannelShouldQuiesceEvent: end(for: .shutdown)
        default: break
        }
    }

    /// The client sends nothing more. Half a connection is none: without the client's side there is no
    /// closing handshake.
    func inputClosed() {
        serve(hearsOut: true)
        drop()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case NIOWebSocketError.invalidFrameLength: fail(.tooBig)
        case is NIOWebSocketError: fail(.badFrame)
        default: drop()
        }
    }
}
