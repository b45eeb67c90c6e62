import JSON
import Ledger
import Synchronization

/// Past states of accounts that have been read lately: a later question begins at the nearest one before its
/// time, and not at the account's first event.
///
/// They are kept in memory alone, and as the past never changes none goes stale.
final class Milestones: Sendable {
    /// How many events of an account lie between two of them.
    static let spacing: Int64 = 10_000
    /// How much is kept: holdings, positions, orders and the like of all of them together.
    private static let room = 100_000

    private struct Row {
        /// In the order of the journal.
        var accounts: [Account] = []
        var weight = 0
        var lastUse: Int64 = 0
    }

    private struct State {
        var rows: [ExactText: Row] = [:]
        var weight = 0
        var uses: Int64 = 0
        /// The ledger that they are of.
        var generation = 0

        var oldest: ExactText? { rows.min { $0.value.lastUse < $1.value.lastUse }?.key }
    }

    private let state = Mutex(State())

    /// The latest one of an account at or before a time and a place of the journal; nil where there is none.
    func latest(of id: String, notAfter time: LedgerTime, upTo sequence: Int64 = .max) -> Account? {
        let id = ExactText(id)
        return state.withLock { state in
            guard state.rows[id] != nil else { return nil }
            state.uses += 1
            state.rows[id]?.lastUse = state.uses
            return state.rows[id]?.accounts.last { $0.updatedAt <= time && $0.lastSequence <= sequence }
        }
    }

    /// Keeps an account as it was after one of its events, where it is far enough from the one before.
    func keep(_ account: Account, of generation: Int = 0) {
        let weight = Self.weight(of: account)
        let id = ExactText(account.id)
        state.withLock { state in
            guard generation == state.generation else { return }
            if let last = state.rows[id]?.accounts.last,
                account.version - last.version < Self.spacing
            {
                return
            }
            guard weight <= Self.room else { return }
            state.uses += 1
            state.rows[id, default: Row()].accounts.append(account)
            state.rows[id]?.weight += weight
            state.rows[id]?.lastUse = state.uses
            state.weight += weight
            while state.weight > Self.room, let oldest = state.oldest {
                state.weight -= state.rows.removeValue(forKey: oldest)?.weight ?? 0
            }
        }
    }

    /// Forgets all: the ledger is another one.
    func forget(for generation: Int) { state.withLock { $0 = State(generation: generation) } }

    private static func weight(of account: Account) -> Int {
        4 + account.holdings.count + account.positions.count + account.orders.count + account.activity.count
    }
}
