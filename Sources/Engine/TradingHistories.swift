import JSON
import Journal
import Ledger
import Synchronization

/// The trading histories of accounts that somebody asked for, each read from the journal once and then kept
/// up with what has come since.
final class TradingHistories: Sendable {
    /// The most accounts whose history is kept; the one asked for longest ago goes first.
    private static let limit = 256
    /// The most rows that deep histories have together, beside the one that was read last.
    private static let deepRows = 200_000
    /// Events that are read at once.
    private static let lot = 1_000

    private struct State {
        var histories: [ExactText: TradingHistory] = [:]
        /// By the order of asking, the latest last.
        var asked: [ExactText] = []
        /// Those that go further back, the one that was read last at the end: whoever turns the pages of a
        /// long history reads the journal once for all of them.
        var deep: [(account: ExactText, history: TradingHistory)] = []
        /// The ledger that they are of.
        var generation = 0
    }

    private let state = Mutex(State())

    /// What is known of an account's history.
    func known(of account: String, isDeep: Bool = false) -> TradingHistory {
        let id = ExactText(account)
        let known = state.withLock { state in
            isDeep ? state.deep.first { $0.account == id }?.history : state.histories[id]
        }
        return known ?? TradingHistory(of: account, isDeep: isDeep)
    }

    /// Goes on with a history by one lot of events; whether there are more. Reads the store: for a thread
    /// that may block.
    static func readLot(
        into history: inout TradingHistory, of account: String, in journal: JournalView
    ) throws(JournalError) -> Bool {
        let records = try journal.events(of: account, after: history.lastSequence, limit: lot)
        for record in records {
            let event = try journal.event(of: record)
            do {
                try history.take(event)
            } catch let refusal as Refusal {
                throw Replay.misfit(record, refusal)
            } catch {
                throw JournalError(
                    .damaged, "Event \(record.sequence) does not fit the ledger made of those before it.")
            }
        }
        return records.count == lot
    }

    /// Forgets all: the ledger is another one.
    func forget(for generation: Int) { state.withLock { $0 = State(generation: generation) } }

    /// Keeps a history for the next who asks.
    func keep(
        _ history: TradingHistory, of account: String, isDeep: Bool = false, in generation: Int
    ) {
        let account = ExactText(account)
        state.withLock { state in
            guard generation == state.generation else { return }
            // Of two that were read at once the one that knows more stays.
            let other =
                isDeep ? state.deep.first { $0.account == account }?.history : state.histories[account]
            if let other, other.lastSequence > history.lastSequence { return }
            if isDeep {
                state.deep.removeAll { $0.account == account }
                state.deep.append((account, history))
                var rows = state.deep.reduce(0) { $0 + $1.history.count }
                while rows > Self.deepRows, state.deep.count > 1 {
                    rows -= state.deep.removeFirst().history.count
                }
                return
            }
            state.histories[account] = history
            state.asked.removeAll { $0 == account }
            state.asked.append(account)
            if state.asked.count > Self.limit { state.histories[state.asked.removeFirst()] = nil }
        }
    }
}
