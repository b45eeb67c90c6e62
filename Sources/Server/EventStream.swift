import Engine
import JSON
import Ledger
import NIOCore
import Synchronization
import Venue

/// One reader of the operator stream: what has happened, on its way from the writer's thread to a connection.
///
/// The queue is bounded. A reader that falls behind is let go once it has been sent what was queued; it comes
/// back with the id of the last event that it saw and misses nothing.
final class StreamSubscriber: LedgerListener {
    enum Item: Sendable {
        case events([Event])
        case margin(MarginTransition)
        /// Nothing has happened for a while; proxies and readers like to know that the line stands.
        case silence
    }

    /// The most groups of events that wait for a reader.
    static let queueLimit = 4_096

    let items: AsyncStream<Item>
    private let continuation: AsyncStream<Item>.Continuation

    init() {
        (items, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.queueLimit))
    }

    func ledgerChanged(_ change: FeedChange) { offer(.events(change.events)) }

    func offer(_ item: Item) {
        if case .dropped = continuation.yield(item) { continuation.finish() }
    }

    /// Ends the stream after what is queued.
    func finish() { continuation.finish() }
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
        writer.key("sequence")
        writer.integer(event.sequence)
        writer.key("at")
        writer.integer(event.at.milliseconds)
        for (key, text) in [("account", event.account), ("counterparty", event.counterparty)] {
            writer.key(key)
            if let text { writer.string(text) } else { writer.null() }
        }
        writer.key("type")
        writer.string(event.typeName)
        writer.key("body")
        writer.raw(body)
        writer.endObject()
        var name = StreamFilter.Kind.ledger
        if event.body.market != nil { name = .price }
        return framed("id: \(event.sequence)\nevent: \(name.rawValue)\ndata: ", writer.bytes)
    }

    /// A transition has no id: it is worked out, and no event of the journal.
    static func message(_ transition: MarginTransition) -> ByteBuffer {
        var writer = JSONWriter(reserving: 200)
        writer.beginObject()
        writer.key("account")
        writer.string(transition.account)
        writer.key("venue")
        writer.string(transition.venue.rawValue)
        writer.key("state")
        writer.string(transition.isCalled ? "margin_call" : "healthy")
        writer.key("equity")
        writer.quoted(transition.health.equity)
        writer.key("maintenance")
        writer.quoted(transition.health.maintenance)
        writer.key("unit")
        writer.string(transition.health.unit)
        writer.key("at")
        writer.integer(transition.at.milliseconds)
        writer.endObject()
        return framed("event: \(StreamFilter.Kind.margin.rawValue)\ndata: ", writer.bytes)
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
