import Journal
import Ledger
import Synchronization

/// The trading histories of accounts that somebody asked for, each read from the journal once and then kept
/// up with what has come since.
final class TradingHistories: Sendable {
    /// The most accounts whose history is kept; the one asked for longest ago goes first.
    private static let limit = 256
    /// Events that are read at once.
    private static let lot = 2_000

    private struct State {
        var histories: [String: TradingHistory] = [:]
        /// By the order of asking, the latest last.
        var asked: [String] = []
    }

    private let state = Mutex(State())

    /// An account's history up to the end of the journal. Reads the store: for a thread that may block.
    func history(
        of account: String, in store: any JournalStore, instruments: InstrumentTable
    ) throws(JournalError) -> TradingHistory {
        var history = state.withLock { $0.histories[account] } ?? TradingHistory(of: account)
        while true {
            let records = try store.events(of: account, after: history.lastSequence, limit: Self.lot)
            for record in records {
                let event = try Replay.event(of: record, instruments: instruments)
                do {
                    try history.take(event)
                } catch let refusal as Refusal {
                    throw Replay.misfit(record, refusal)
                } catch {
                    throw JournalError(
                        .damaged, "Event \(record.sequence) does not fit the ledger made of those before it.")
                }
            }
            if records.count < Self.lot { break }
        }
        keep(history, of: account)
        return history
    }

    private func keep(_ history: TradingHistory, of account: String) {
        state.withLock { state in
            // Of two that were read at once the one that knows more stays.
            if let other = state.histories[account], other.lastSequence > history.lastSequence { return }
            state.histories[account] = history
            state.asked.removeAll { $0 == account }
            state.asked.append(account)
            if state.asked.count > Self.limit { state.histories[state.asked.removeFirst()] = nil }
        }
    }
}
