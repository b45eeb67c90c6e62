import JSON
import Ledger
import Venue

/// One connection of a client to a venue's stream in a `TestWorld`, played without a socket: what the server
/// would do with the stream's interest, its deadline and the ledger's events happens here.
///
/// ```swift
/// var stream = try #require(world.stream("/ws/v5/private"))
/// stream.send(#"{"op":"subscribe","args":[{"channel":"account"}]}"#)
/// try world.apply(#"{"type":"deposit","account":"desk","asset":"USDT","amount":"5"}"#)
/// stream.hear()
/// #expect(stream.takeTexts().count == 2)
/// ```
public struct TestStream<Model: VenueServer> {
    public private(set) var stream: any VenueStream
    public let opening: StreamOpening
    /// The end that the stream asked for.
    public private(set) var close: StreamClose?
    private let world: TestWorld<Model>
    private var sent: [[UInt8]] = []
    private var work: [StreamOutput.Work] = []
    private var interest = StreamInterest()
    private var heard: Int64

    init(_ opening: StreamOpening, in world: TestWorld<Model>) {
        self.opening = opening
        self.world = world
        stream = opening.stream
        heard = world.lastSequence
        step { stream, now, output in stream.opened(at: now, into: &output) }
    }

    /// Sends a text message.
    public mutating func send(_ text: String) {
        step { stream, now, output in stream.received(.text(Array(text.utf8)), at: now, into: &output) }
    }

    /// Sends a binary message.
    public mutating func send(bytes: [UInt8]) {
        step { stream, now, output in stream.received(.binary(bytes), at: now, into: &output) }
    }

    /// Tells the stream of everything that happened since the last time, one event a notice.
    public mutating func hear() {
        for event in world.events(after: heard) {
            heard = event.sequence
            let concerns = [event.account, event.counterparty].contains {
                $0.map(interest.accounts.contains) ?? false
            }
            var priced = false
            if event.body.market != nil { priced = interest.prices }
            if !concerns && !priced { continue }
            let notice = StreamNotice(events: concerns ? [event] : [], pricesChanged: priced)
            step { stream, now, output in stream.ledgerChanged(notice, at: now, into: &output) }
        }
    }

    /// Tells the stream of everything that happened since the last time as one notice, as of one command.
    public mutating func hearTogether() {
        let events = world.events(after: heard)
        heard = events.last?.sequence ?? heard
        let told = events.filter { event in
            [event.account, event.counterparty].contains { $0.map(interest.accounts.contains) ?? false }
        }
        if told.isEmpty { return }
        step { stream, now, output in
            stream.ledgerChanged(StreamNotice(events: told), at: now, into: &output)
        }
    }

    /// Moves the real clock and rings every deadline on the way.
    public mutating func wait(_ milliseconds: Int64) {
        let end = world.realTime() + milliseconds
        while close == nil, let deadline = stream.deadline, deadline <= end {
            world.setRealTime(max(deadline, world.realTime()))
            step { stream, now, output in stream.timePassed(at: now, into: &output) }
        }
        world.setRealTime(end)
    }

    /// Does what the stream has to wait for, and tells it what that changed before the answers are sent.
    public mutating func finishWork() async {
        for step in work {
            let messages = await step()
            hearTogether()
            sent += messages
        }
        work = []
    }

    /// Sends a text message and waits for what it comes to.
    public mutating func sendAndFinish(_ text: String) async {
        send(text)
        await finishWork()
    }

    /// The connection is over.
    public mutating func end() async {
        await finishWork()
        await stream.farewell?()
    }

    /// What was sent since the last call.
    public mutating func takeTexts() -> [String] {
        defer { sent = [] }
        return sent.map { String(decoding: $0, as: UTF8.self) }
    }

    /// What was sent since the last call, parsed.
    public mutating func takeJSON() throws -> [JSONValue] {
        try takeTexts().map { try JSONValue(parsing: $0) }
    }

    private mutating func step(_ action: (inout any VenueStream, Int64, inout StreamOutput) -> Void) {
        if close != nil { return }
        var output = StreamOutput()
        action(&stream, world.realTime(), &output)
        while stream.interest != interest {
            interest = stream.interest
            stream.interestTaken(at: world.realTime(), into: &output)
        }
        sent += output.messages
        work += output.work
        close = output.close
    }
}

extension TestWorld {
    /// A client's connection to a stream; nil where the handshake is refused or the path is none.
    public func stream(
        _ target: String, headers: [String: String] = [:], from address: String = "127.0.0.1"
    ) -> TestStream<Model>? {
        guard case .accepted(let opening) = handshake(target, headers: headers, from: address) else {
            return nil
        }
        return TestStream(opening, in: self)
    }

    /// The venue's answer to a client that asks for a stream.
    public func handshake(
        _ target: String, headers: [String: String] = [:], from address: String = "127.0.0.1"
    ) -> StreamAnswer? {
        let lowered = Dictionary(headers.map { ($0.key.lowercased(), $0.value) }) { first, _ in first }
        let request = VenueRequest(
            method: "GET", target: target, body: [], remoteAddress: address, header: { lowered[$0] })
        return model.openStream(to: request, through: self)
    }
}
