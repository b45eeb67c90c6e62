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
        /// Accounts in a margin call as last told.
        var called: [String: MarginTransition] = [:]
        var isSweeping = false
    }

    /// The pause between two sweeps, at least.
    private static let pause = Duration.milliseconds(100)

    private let engine: LedgerEngine
    private let state = Mutex(State())

    init(engine: LedgerEngine) { self.engine = engine }

    /// Tells a reader of every account in a margin call now, and of every transition from now on.
    func add(_ subscriber: StreamSubscriber) {
        let (isFirst, called) = state.withLock { state in
            state.subscribers[ObjectIdentifier(subscriber)] = subscriber
            let isFirst = state.subscribers.count == 1
            if isFirst {
                state.called = [:]
                state.priced = Set(Venues.names)
            }
            return (isFirst, state.called)
        }
        for transition in called.values { subscriber.offer(.margin(transition)) }
        if isFirst {
            engine.feed.follow(self, FeedInterest(everything: true))
            sweepSoon()
        }
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

    private func sweepSoon() {
        let begins = state.withLock { state in
            if state.isSweeping { return false }
            state.isSweeping = true
            return true
        }
        if begins { Task { await sweepUntilDone() } }
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
            sweep(work.touched, work.priced)
            try? await Task.sleep(for: max(Self.pause, .now - begun))
        }
    }

    private func sweep(_ touched: Set<String>, _ priced: Set<VenueName>) {
        for id in priced.isEmpty ? touched.sorted() : engine.accountIDs {
            guard let account = engine.account(id), touched.contains(id) || priced.contains(account.venue),
                let model = engine.venues[account.venue],
                let snapshot = engine.access(for: account.venue).snapshot(of: id)
            else { continue }
            // An account whose figures cannot be worked out, for want of a price, keeps its last state.
            guard let health = try? model.health(of: snapshot) else { continue }
            let transition = MarginTransition(
                account: id, venue: account.venue, isCalled: health.isLiquidated, health: health,
                at: snapshot.at)
            tell(transition)
        }
    }

    private func tell(_ transition: MarginTransition) {
        let subscribers = state.withLock { state -> [StreamSubscriber] in
            let wasCalled = state.called[transition.account] != nil
            state.called[transition.account] = transition.isCalled ? transition : nil
            return wasCalled == transition.isCalled ? [] : Array(state.subscribers.values)
        }
        for subscriber in subscribers { subscriber.offer(.margin(transition)) }
    }
}
