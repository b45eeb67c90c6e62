import Engine
import HummingbirdCore
import JSON
import Ledger
import NIOCore
import Synchronization
import Venue

/// One reader of the operator stream: where the writer's thread leaves what has happened, and the reader's
/// task takes it.
///
/// No more than so many bytes of events wait. Beyond them all are dropped, and the reader goes on from the
/// journal, which has them: it costs no more memory however far it is behind, and misses nothing.
final class StreamSubscriber: LedgerListener {
    /// What waits for a reader.
    struct Mail {
        var events: [Event] = []
        /// Events were dropped: those after the last that was sent are in the journal.
        var isBehind = false
        /// Nothing has happened for a while; proxies and readers like to know that the line stands.
        var isSilent = false
    }

    private struct State {
        var mail = Mail()
        var bytes = 0
        var isOver = false
    }

    /// The most bytes of events that wait for a reader.
    static let limit = 1 << 20

    /// Rings when something waits.
    let bell: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    private let state = Mutex(State())

    init() { (bell, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func ledgerChanged(_ change: FeedChange) {
        state.withLock { state in
            if state.mail.isBehind { return }
            state.bytes += change.events.reduce(0) { $0 + Self.size(of: $1) }
            if state.bytes > Self.limit {
                state.mail.events = []
                state.mail.isBehind = true
            } else {
                state.mail.events += change.events
            }
        }
        ring()
    }

    /// Sequences begin again, so the reader does too.
    func ledgerReplaced() { finish() }

    /// About how many bytes an event takes; only settings can be long.
    private static func size(of event: Event) -> Int {
        switch event.body {
        case .configured, .accountOpened, .overridden, .priced:
            var body: [UInt8] = []
            event.appendBody(to: &body)
            return 512 + body.count
        default: return 512
        }
    }

    /// What has come since the last time.
    func take() -> Mail {
        state.withLock { state in
            defer { (state.mail, state.bytes) = (Mail(), 0) }
            return state.mail
        }
    }

    func ring() { continuation.yield() }

    /// Rings for a comment.
    func breakSilence() {
        state.withLock { $0.mail.isSilent = true }
        ring()
    }

    /// Whether the stream shall end.
    var isOver: Bool { state.withLock { $0.isOver } }

    /// Ends the stream after what waits.
    func finish() {
        state.withLock { $0.isOver = true }
        continuation.finish()
    }
}

/// What of all that happens a reader wants.
struct StreamFilter: Sendable {
    enum Kind: String, Sendable, CaseIterable {
        /// Events of the ledger other than prices.
        case ledger
        /// Price ticks.
        case price
        /// Accounts that their venue would liquidate now, and that it would no more.
        case margin
    }

    var kinds: Set<Kind> = Set(Kind.allCases)
    var account: String?
    var venue: VenueName?

    /// Whether an event is wanted; `venueOf` tells the venue of an account.
    func admits(_ event: Event, venueOf: (String) -> VenueName?) -> Bool {
        if let market = event.body.market { return kinds.contains(.price) && market == venue ?? market }
        guard kinds.contains(.ledger) else { return false }
        if let account, event.account != account, event.counterparty != account { return false }
        guard let venue else { return true }
        if case .instrumentDefined(let definition) = event.body {
            return definition.instrument.venue == venue
        }
        return event.account.flatMap(venueOf) == venue
    }

    func admits(_ transition: MarginTransition) -> Bool {
        kinds.contains(.margin) && account.map { $0 == transition.account } ?? true
            && venue.map { $0 == transition.venue } ?? true
    }
}

/// Messages in the form of server-sent events (WHATWG HTML, section 9.2).
enum ServerSentEvent {
    /// An event of the ledger; its id is its sequence, which a reader may go on from.
    static func message(_ event: Event) -> ByteBuffer {
        var body: [UInt8] = []
        event.appendBody(to: &body)
        var writer = JSONWriter(reserving: body.count + 160)
        writer.beginObject()
        writer.member("sequence", event.sequence)
        writer.member("at", event.at.milliseconds)
        for (key, text) in [("account", event.account), ("counterparty", event.counterparty)] {
            writer.key(key)
            if let text { writer.string(text) } else { writer.null() }
        }
        writer.member("type", event.typeName)
        writer.member("body", raw: body)
        writer.endObject()
        var name = StreamFilter.Kind.ledger
        if event.body.market != nil { name = .price }
        return framed("id: \(event.sequence)\nevent: \(name.rawValue)\ndata: ", writer.bytes)
    }

    /// A transition has no id: it is worked out, and no event of the journal.
    static func message(_ transition: MarginTransition) -> ByteBuffer {
        var writer = JSONWriter(reserving: 200)
        writer.beginObject()
        writer.member("account", transition.account)
        writer.member("venue", transition.venue.rawValue)
        writer.member("state", transition.isCalled ? "margin_call" : "healthy")
        writer.member("equity", quoted: transition.health.equity)
        writer.member("maintenance", quoted: transition.health.maintenance)
        writer.member("unit", transition.health.unit)
        writer.member("at", transition.at.milliseconds)
        writer.endObject()
        return framed("event: \(StreamFilter.Kind.margin.rawValue)\ndata: ", writer.bytes)
    }

    /// Messages that are written together.
    struct Piece: Sendable {
        private var buffer = ByteBuffer()

        /// Whether it is large enough to be written.
        var isFull: Bool { buffer.readableBytes >= 64 << 10 }

        mutating func add(_ event: Event) { buffer.writeImmutableBuffer(message(event)) }
        mutating func add(_ transition: MarginTransition) {
            buffer.writeImmutableBuffer(message(transition))
        }

        /// Writes it as soon as there is room, and begins anew.
        mutating func write(to writer: inout any ResponseBodyWriter) async throws {
            if buffer.readableBytes == 0 { return }
            try await writer.write(buffer)
            buffer = ByteBuffer()
        }
    }

    /// A comment, which readers pass over.
    static let silence = ByteBuffer(string: ": nothing new\n\n")

    private static func framed(_ head: String, _ json: [UInt8]) -> ByteBuffer {
        // JSON as it is written here has no line breaks, so that one data line holds it.
        var buffer = ByteBuffer()
        buffer.reserveCapacity(head.utf8.count + json.count + 2)
        buffer.writeString(head)
        buffer.writeBytes(json)
        buffer.writeString("\n\n")
        return buffer
    }
}
