import JSON
import Journal
import Ledger
import Synchronization

/// The trading histories of accounts that somebody asked for, each read from the journal once and then kept
/// up with what has come since.
final class TradingHistories: Sendable {
    /// The most accounts whose history is kept; the one asked for longest ago goes first.
    private static let limit = 256
    /// Events that are read at once.
    private static let lot = 1_000

    private struct State {
        var histories: [ExactText: TradingHistory] = [:]
        /// By the order of asking, the latest last.
        var asked: [ExactText] = []
        /// The ledger that they are of.
        var generation = 0
    }

    private let state = Mutex(State())

    /// What is known of an account's history.
    func known(of account: String) -> TradingHistory {
        state.withLock { $0.histories[ExactText(account)] } ?? TradingHistory(of: account)
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
    func keep(_ history: TradingHistory, of account: String, in generation: Int) {
        let account = ExactText(account)
        state.withLock { state in
            guard generation == state.generation else { return }
            // Of two that were read at once the one that knows more stays.
            if let other = state.histories[account], other.lastSequence > history.lastSequence { return }
            state.histories[account] = history
            state.asked.removeAll { $0 == account }
            state.asked.append(account)
            if state.asked.count > Self.limit { state.histories[state.asked.removeFirst()] = nil }
        }
    }
}
