import Engine
import Ledger
import Synchronization
import Venue
import Venues

/// An account that its venue would liquidate now (`MarginHealth.isLiquidated`), or would no more.
struct MarginTransition: Sendable {
    let account: String
    let venue: VenueName
    let isCalled: Bool
    let health: MarginHealth
    let at: LedgerTime
}

/// Watches the margin of all accounts for readers of the operator stream, and only while there are any.
///
/// Changes are gathered and looked at together, so that a thousand ticks a second cost no more than a few
/// sweeps; between two sweeps there is a pause at least as long as the last one took.
final class MarginWatch: LedgerListener {
    private struct State {
        var subscribers: [ObjectIdentifier: StreamSubscriber] = [:]
        var touched: Set<String> = []
        var priced: Set<VenueName> = []
        var log = MarginLog()
        var isSweeping = false
    }

    /// The pause between two sweeps, at least.
    private static let pause = Duration.milliseconds(100)
    /// Accounts looked at in one slice.
    private static let slice = 50

    private let engine: LedgerEngine
    private let state = Mutex(State())

    /// Readers of the operator stream, those that do not ask for margins too.
    let readers = Atomic<Int>(0)

    init(engine: LedgerEngine) { self.engine = engine }

    /// Watches for a reader too, and rings it at every transition. It begins at the place that is given, and
    /// finds there first every account in a margin call now.
    func add(_ subscriber: StreamSubscriber) -> MarginLog.Place {
        let (isFirst, beginning) = state.withLock { state in
            state.subscribers[ObjectIdentifier(subscriber)] = subscriber
            let isFirst = state.subscribers.count == 1
            if isFirst {
                state.log.clear()
                state.priced = Set(Venues.names)
            }
            return (isFirst, state.log.beginning)
        }
        if isFirst {
            engine.feed.follow(self, FeedInterest(everything: true))
            sweepSoon()
        }
        return beginning
    }

    /// The next transitions for a reader, no more than so many; its place moves on.
    func next(after place: inout MarginLog.Place, limit: Int) -> [MarginTransition] {
        state.withLock { $0.log.next(after: &place, limit: limit) }
    }

    /// Tells a reader nothing more.
    func remove(_ subscriber: StreamSubscriber) {
        let isLast = state.withLock { state in
            state.subscribers[ObjectIdentifier(subscriber)] = nil
            return state.subscribers.isEmpty
        }
        if isLast { engine.feed.leave(self) }
    }

    func ledgerChanged(_ change: FeedChange) {
        state.withLock { state in
            for event in change.events {
                if let venue = event.body.market { state.priced.insert(venue) }
                if let account = event.account { state.touched.insert(account) }
                if let other = event.counterparty { state.touched.insert(other) }
            }
        }
        sweepSoon()
    }

    func ledgerReplaced() {
        state.withLock { state in
            state.log.clear()
            state.touched = []
            state.priced = Set(Venues.names)
        }
        sweepSoon()
    }

    private func sweepSoon() {
        let begins = state.withLock { state in
            if state.isSweeping { return false }
            state.isSweeping = true
            return true
        }
        // All accounts' figures take long.
        if begins { Task { await engine.ownTurn(of: "margin").run { await sweepUntilDone() } } }
    }

    private func sweepUntilDone() async {
        while true {
            let work = state.withLock { state -> (touched: Set<String>, priced: Set<VenueName>)? in
                if state.subscribers.isEmpty || (state.touched.isEmpty && state.priced.isEmpty) {
                    state.isSweeping = false
                    return nil
                }
                defer { (state.touched, state.priced) = ([], []) }
                return (state.touched, state.priced)
            }
            guard let work else { return }
            let begun = ContinuousClock.now
            await sweep(work.touched, work.priced)
            try? await Task.sleep(for: max(Self.pause, .now - begun))
        }
    }

    private func sweep(_ touched: Set<String>, _ priced: Set<VenueName>) async {
        let ids = priced.isEmpty ? touched.sorted() : engine.accountIDs
        for start in stride(from: 0, to: ids.count, by: Self.slice) {
            let transitions = ids[start..<min(start + Self.slice, ids.count)].compactMap {
                transition(of: $0, touched, priced)
            }
            tell(transitions)
            // Not even a server that stops needs to end it: it ends with its last reader.
            try? await SlowWork.giveWay()
        }
    }

    private func transition(
        of id: String, _ touched: Set<String>, _ priced: Set<VenueName>
    ) -> MarginTransition? {
        guard let account = engine.account(id), touched.contains(id) || priced.contains(account.venue),
            let model = engine.venues[account.venue],
            let snapshot = engine.access(for: account.venue).snapshot(of: id),
            // An account whose figures cannot be worked out, for want of a price, keeps its last state.
            let health = try? model.health(of: snapshot)
        else { return nil }
        return MarginTransition(
            account: id, venue: account.venue, isCalled: health.isLiquidated, health: health, at: snapshot.at)
    }

    private func tell(_ transitions: [MarginTransition]) {
        let concerned = state.withLock { state -> [StreamSubscriber] in
            var isNews = false
            for transition in transitions where state.log.note(transition) { isNews = true }
            return isNews ? Array(state.subscribers.values) : []
        }
        for subscriber in concerned { subscriber.ring() }
    }
}
