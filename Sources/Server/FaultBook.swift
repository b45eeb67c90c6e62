import Engine
import JSON
import Ledger
import Numbers
import ServiceLifecycle
import Synchronization
import Venue

/// The faults in force, and their chances.
final class FaultBook: Sendable {
    /// A fault with what it remembers.
    private struct Entry: Sendable {
        let fault: Fault
        /// The ledger as it stood when the fault was set; for `stale`.
        let frozen: (any VenueAccess)?
        var chances: SplitMix64
        var struck = 0
    }

    /// A fault that strikes a request, with the state that it answers from.
    struct Strike: Sendable {
        let fault: Fault
        let frozen: (any VenueAccess)?
    }

    /// The most faults at a time.
    static let limit = 1_000

    private let entries = Mutex<[Entry]>([])
    /// So that a server without faults pays for one read of a flag.
    private let isActive = Atomic(false)
    /// What is to become of the next orders.
    let orderScripts = OrderScripts()
    /// Answers of `reordered` faults that wait to be overtaken.
    let overtaking = Overtaking()

    /// The faults in force, in the order in which they were set.
    var faults: [Fault] { entries.withLock { $0.map(\.fault) } }

    /// Whether any fault is set.
    var isEmpty: Bool { !isActive.load(ordering: .relaxed) }

    /// Puts these faults in force in place of all others.
    func replaceAll(with faults: [Fault], engine: LedgerEngine) {
        set(faults, keeping: { _ in false }, engine: engine)
    }

    /// Puts these faults in force in place of the others of their venues.
    func replaceThose(of venues: Set<VenueName>, with faults: [Fault], engine: LedgerEngine) {
        set(faults, keeping: { !venues.contains($0.venue) }, engine: engine)
    }

    /// Ends the faults of a venue, or all.
    func clear(_ venue: VenueName?) {
        entries.withLock { entries in
            entries.removeAll { venue == nil || $0.fault.venue == venue }
            isActive.store(!entries.isEmpty, ordering: .relaxed)
        }
    }

    private func set(_ faults: [Fault], keeping keeps: (Fault) -> Bool, engine: LedgerEngine) {
        let added = faults.map { fault in
            Entry(
                fault: fault,
                frozen: fault.kind == .stale && fault.age == nil
                    ? engine.frozenAccess(for: fault.venue) : nil,
                chances: SplitMix64(seed: fault.seed))
        }
        entries.withLock { entries in
            entries = entries.filter { keeps($0.fault) } + added
            isActive.store(!entries.isEmpty, ordering: .relaxed)
        }
    }

    /// The faults that strike a request, in the order in which they were set. Each that could strike uses up
    /// one of its chances.
    func strikes(
        venue: VenueName, path: some StringProtocol, account: String?, at time: LedgerTime
    ) -> [Strike] {
        strikes(venue: venue, path: path, at: time) { fault in
            !fault.kind.isOfStreams && (fault.account == nil || fault.account.isExactly(account))
        }
    }

    /// The faults that strike a push of a stream. Those of other kinds than streams have strike it only where
    /// they name its path.
    func strikes(
        venue: VenueName, stream path: String, accounts: Set<String>, at time: LedgerTime
    ) -> [Fault] {
        strikes(venue: venue, path: path, at: time) { fault in
            (fault.kind.isOfStreams || (fault.kind == .drop && fault.path != nil))
                && (fault.account.map { account in accounts.contains { account.isExactly($0) } } ?? true)
        }.map(\.fault)
    }

    private func strikes(
        venue: VenueName, path: some StringProtocol, at time: LedgerTime, where concerns: (Fault) -> Bool
    ) -> [Strike] {
        entries.withLock { entries in
            var strikes: [Strike] = []
            for place in entries.indices {
                let fault = entries[place].fault
                guard fault.venue == venue, concerns(fault),
                    fault.path.map({ path.hasPrefix($0) }) ?? true, fault.from.map({ $0 <= time }) ?? true,
                    fault.until.map({ time < $0 }) ?? true,
                    fault.times.map({ entries[place].struck < $0 }) ?? true
                else { continue }
                let chance = entries[place].chances.next() % 1_000_000_000_000_000_000
                guard Int128(chance) < fault.probability.units else { continue }
                entries[place].struck += 1
                strikes.append(Strike(fault: fault, frozen: entries[place].frozen))
            }
            return strikes
        }
    }
}

/// Where answers wait until a later one of the same caller has been given.
final class Overtaking: Sendable {
    private struct Waiting {
        let continuation: CheckedContinuation<Void, Never>
        /// What ends the wait where nothing overtakes.
        var limit: Task<Void, Never>?
    }

    private struct State {
        var waiting: [String: [Int: Waiting]] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    /// Waits until `overtaken` is called for the same lane, at most so many milliseconds.
    func wait(in lane: String, atMost milliseconds: Int64) async {
        await withCheckedContinuation { continuation in
            let ticket = state.withLock { state in
                state.next += 1
                state.waiting[lane, default: [:]][state.next] = Waiting(continuation: continuation)
                return state.next
            }
            let limit = Task {
                try? await cancelWhenGracefulShutdown {
                    try await Task.sleep(for: .milliseconds(milliseconds))
                }
                release(lane, upTo: nil, only: ticket)
            }
            // Overtaken while the limit was being set: nothing is left for it to end.
            let isOver = state.withLock { state in
                guard state.waiting[lane]?[ticket] != nil else { return true }
                state.waiting[lane]?[ticket]?.limit = limit
                return false
            }
            if isOver { limit.cancel() }
        }
    }

    /// Lets go of everything that waits in a lane: a later answer has been given.
    func overtaken(in lane: String) { release(lane, upTo: state.withLock { $0.next }, only: nil) }

    private func release(_ lane: String, upTo last: Int?, only ticket: Int?) {
        let released = state.withLock { state in
            let going = state.waiting[lane, default: [:]].filter { entry in
                entry.key == ticket || last.map { entry.key <= $0 } ?? false
            }
            for key in going.keys { state.waiting[lane]?[key] = nil }
            if state.waiting[lane]?.isEmpty == true { state.waiting[lane] = nil }
            return going.values
        }
        for waiting in released {
            waiting.limit?.cancel()
            waiting.continuation.resume()
        }
    }
}
