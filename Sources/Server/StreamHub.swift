import Engine
import Ledger
import Logging
import NIOCore
import Synchronization
import Venue

/// What the streams of a server share: the ledger's feed, what is counted, and a price notifier an event
/// loop.
struct StreamHub: Sendable {
    let feed: LedgerFeed
    /// How pushes misbehave on purpose.
    let faults: FaultBook
    let limits: StreamLimits
    let logger: Logger
    private let meters: [VenueName: StreamMeter]
    private let notifiers: [ObjectIdentifier: PriceChangeNotifier]

    init(
        feed: LedgerFeed, venues: some Sequence<VenueName>, eventLoops: some Sequence<any EventLoop>,
        faults: FaultBook = FaultBook(), limits: StreamLimits = StreamLimits(), logger: Logger
    ) {
        self.feed = feed
        self.faults = faults
        self.limits = limits
        self.logger = logger
        meters = Dictionary(venues.map { ($0, StreamMeter()) }) { first, _ in first }
        let notifiers = eventLoops.map { eventLoop in
            let notifier = PriceChangeNotifier(feed: feed, eventLoop: eventLoop, limits: limits)
            return (ObjectIdentifier(eventLoop), notifier)
        }
        self.notifiers = Dictionary(notifiers) { first, _ in first }
    }

    /// What is counted of a venue's streams; nil for a venue that is not served.
    func meter(of venue: VenueName) -> StreamMeter? { meters[venue] }

    /// The notifier of an event loop; nil for a loop that is not the server's.
    func notifier(of eventLoop: any EventLoop) -> PriceChangeNotifier? {
        notifiers[ObjectIdentifier(eventLoop)]
    }
}

/// What one connection may take of the server.
struct StreamLimits: Sendable {
    /// The least time between two notices of new prices to one connection.
    var priceSpacing = TimeAmount.milliseconds(100)
    /// The most events that wait for one connection.
    var waitingEvents = 32_768
    /// The most events of one notice, so that no answer grows without bound.
    var eventsOfNotice = 64
    /// How long streams may keep their event loop busy before it looks after others.
    var slice = TimeAmount.milliseconds(2)
    /// How long the loop has for others then, at least.
    var breath = TimeAmount.microseconds(100)
    /// How long a client may leave its connection full.
    var stall = TimeAmount.seconds(10)
    /// How long a client may take to answer a close frame, from the moment that it is on the wire.
    var closing = TimeAmount.seconds(5)
    /// How long a client may take where the server is going down.
    var shutdown = TimeAmount.seconds(2)
    /// What the kernel keeps of unsent bytes, so that a reader that stopped is soon noticed.
    var socketBuffer = 256 << 10
}

/// Counts what a venue's streams do.
final class StreamMeter: Sendable {
    /// Connections that stand.
    let connections = Atomic<Int>(0)
    /// Connections that have been opened.
    let opened = Atomic<Int>(0)
    /// Messages of clients.
    let received = Atomic<Int>(0)
    /// Messages to clients.
    let sent = Atomic<Int>(0)
    /// Connections that were ended because their client did not read.
    let slowReaders = Atomic<Int>(0)
}

extension Atomic where Value == Int {
    /// Counts one more, or one less.
    func count(_ change: Int = 1) { add(change, ordering: .relaxed) }

    /// The count.
    var value: Int { load(ordering: .relaxed) }
}
