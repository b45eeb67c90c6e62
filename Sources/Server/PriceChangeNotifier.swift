import Engine
import Ledger
import NIOCore
import Synchronization

/// Tells the connections of one event loop that prices have changed.
///
/// Prices come in thousands a second and concern every connection, so no connection follows them itself: the
/// notifier follows each venue once, and tells at most once a `priceSpacing`. It tells connections in slices,
/// so that whatever else the loop has to do is done in between; a loop that cannot keep up tells more rarely,
/// and no change is lost, because only its being there is told.
final class PriceChangeNotifier: LedgerListener {
    private struct Pulled {
        var venues: Set<VenueName> = []
        var isAnnounced = false
    }

    private struct State {
        /// In the order in which they are told. Those that left are dropped at the next round.
        var connections: [StreamConnection] = []
        var followed: Set<VenueName> = []
        var isNotifying = false
        var lastRound = NIODeadline.uptimeNanoseconds(0)
        /// The place of the connection that is told next.
        var next = 0
        var isAnyLeftDue = false
    }

    private let feed: LedgerFeed
    private let eventLoop: any EventLoop
    private let limits: StreamLimits
    private let pulled = Mutex(Pulled())
    private let state: NIOLoopBoundBox<State>

    init(feed: LedgerFeed, eventLoop: any EventLoop, limits: StreamLimits) {
        self.feed = feed
        self.eventLoop = eventLoop
        self.limits = limits
        state = .makeBoxSendingValue(State(), eventLoop: eventLoop)
    }

    /// Tells a connection of its venue's prices from now on. On the event loop.
    func add(_ connection: StreamConnection) {
        state.withValue { state in
            if !connection.isListed {
                connection.isListed = true
                state.connections.append(connection)
            }
            if state.followed.insert(connection.venue).inserted {
                feed.follow(self, FeedInterest(prices: state.followed))
            }
        }
    }

    /// Lets go of connections that want no prices any more, soon and all at once. On the event loop.
    func connectionLeft() { eventLoop.execute { self.startNotifying() } }

    func ledgerChanged(_ change: FeedChange) {
        let announces = pulled.withLock { pulled in
            pulled.venues.formUnion(change.pricedVenues)
            defer { pulled.isAnnounced = true }
            return !pulled.isAnnounced
        }
        if announces { eventLoop.execute { self.startNotifying() } }
    }

    /// Its connections end, as those that follow accounts do: what they told was of another ledger's past,
    /// and they would wait for events beyond its end.
    func ledgerReplaced() {
        eventLoop.execute {
            let connections = self.state.withValue { $0.connections.filter(\.followsPrices) }
            for connection in connections { connection.ledgerReplaced() }
        }
    }

    private func startNotifying() {
        let start = state.withValue { state -> NIODeadline? in
            if state.isNotifying { return nil }
            state.isNotifying = true
            return state.lastRound + limits.priceSpacing
        }
        guard let start else { return }
        if start <= eventLoop.now {
            notify()
        } else {
            eventLoop.scheduleTask(deadline: start) { self.notify() }
        }
    }

    private func notify() {
        let venues = pulled.withLock { pulled in
            defer { pulled = Pulled() }
            return pulled.venues
        }
        state.withValue { state in
            state.lastRound = eventLoop.now
            state.next = 0
            state.isAnyLeftDue = false
            for connection in state.connections where !connection.followsPrices {
                connection.isListed = false
            }
            state.connections.removeAll { !$0.isListed }
            for connection in state.connections where venues.contains(connection.venue) {
                connection.pricesDue = true
            }
            let followed = Set(state.connections.lazy.map(\.venue))
            if followed != state.followed {
                state.followed = followed
                feed.follow(self, FeedInterest(prices: followed))
            }
        }
        tell()
    }

    /// Tells as many connections as fit into a slice of time, then lets the loop breathe.
    private func tell() {
        let end = NIODeadline.now() + limits.slice
        // A connection may ask for prices while it is told of them, so the state is not held meanwhile.
        while let connection = takeNext() {
            if !connection.tellPrices() { state.withValue { $0.isAnyLeftDue = true } }
            if NIODeadline.now() >= end {
                eventLoop.scheduleTask(in: limits.breath) { self.tell() }
                return
            }
        }
        let isAgain = state.withValue { $0.isAnyLeftDue } || pulled.withLock { $0.isAnnounced }
        if isAgain {
            let start = max(
                state.withValue { $0.lastRound } + limits.priceSpacing, eventLoop.now + limits.breath)
            eventLoop.scheduleTask(deadline: start) { self.notify() }
        } else {
            state.withValue { $0.isNotifying = false }
        }
    }

    private func takeNext() -> StreamConnection? {
        state.withValue { state in
            guard state.next < state.connections.count else { return nil }
            state.next += 1
            return state.connections[state.next - 1]
        }
    }
}
