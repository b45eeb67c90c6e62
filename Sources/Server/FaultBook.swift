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

    /// Puts these faults in force in place of all others. One that is in force already goes on as it stands:
    /// with its count, its chances and its frozen state.
    func replaceAll(with faults: [Fault], engine: LedgerEngine) {
        set(faults, keeping: { _ in false }, engine: engine)
    }

    /// Puts these faults in force in place of the others of their venues; one that is in force goes on.
    func replaceThose(of venues: Set<VenueName>, with faults: [Fault], engine: LedgerEngine) {
        set(faults, keeping: { !venues.contains($0.aim.venue) }, engine: engine)
    }

    /// Ends the faults of a venue, or all.
    func clear(_ venue: VenueName?) {
        entries.withLock { entries in
            entries.removeAll { venue == nil || $0.fault.aim.venue == venue }
            isActive.store(!entries.isEmpty, ordering: .relaxed)
        }
    }

    private func set(_ faults: [Fault], keeping keeps: (Fault) -> Bool, engine: LedgerEngine) {
        entries.withLock { entries in
            var earlier = entries.filter { !keeps($0.fault) }
            entries.removeAll { !keeps($0.fault) }
            for fault in faults {
                if let place = earlier.firstIndex(where: { $0.fault == fault }) {
                    entries.append(earlier.remove(at: place))
                } else {
                    entries.append(Self.entry(fault, engine))
                }
            }
            isActive.store(!entries.isEmpty, ordering: .relaxed)
        }
    }

    private static func entry(_ fault: Fault, _ engine: LedgerEngine) -> Entry {
        Entry(
            fault: fault,
            frozen: fault.effect == .stale(age: nil) ? engine.frozenAccess(for: fault.aim.venue) : nil,
            chances: SplitMix64(seed: fault.aim.seed))
    }

    /// The faults that strike a request, in the order in which they were set. Each that could strike uses up
    /// one of its chances.
    func strikes(
        venue: VenueName, path: some StringProtocol, account: String?, at time: LedgerTime
    ) -> [Strike] {
        strikes(venue: venue, path: path, at: time) { fault in
            !fault.effect.isOfStreams && (fault.aim.account == nil || fault.aim.account.isExactly(account))
        }
    }

    /// The faults that strike a push of a stream. Those of other kinds than streams have strike it only where
    /// they name its path.
    func strikes(
        venue: VenueName, stream path: String, accounts: Set<String>, at time: LedgerTime
    ) -> [Fault] {
        strikes(venue: venue, path: path, at: time) { fault in
            (fault.effect.isOfStreams || (fault.effect == .drop && fault.aim.path != nil))
                && (fault.aim.account.map { account in accounts.contains { account.isExactly($0) } } ?? true)
        }.map(\.fault)
    }

    private func strikes(
        venue: VenueName, path: some StringProtocol, at time: LedgerTime, where concerns: (Fault) -> Bool
    ) -> [Strike] {
        entries.withLock { entries in
            var strikes: [Strike] = []
            for place in entries.indices {
                let fault = entries[place].fault
                let aim = fault.aim
                guard aim.venue == venue, concerns(fault), aim.path.map({ path.hasPrefix($0) }) ?? true,
                    aim.from.map({ $0 <= time }) ?? true, aim.until.map({ time < $0 }) ?? true,
                    aim.times.map({ entries[place].struck < $0 }) ?? true
                else { continue }
                let chance = entries[place].chances.next() % 1_000_000_000_000_000_000
                guard Int128(chance) < aim.probability.units else { continue }
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
