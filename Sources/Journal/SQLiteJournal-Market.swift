import GRDB
import Ledger

/// Events that tell of a market: prices, quotes, fundings.
extension SQLiteJournal {
    public func marketEvents(after sequence: Int64, limit: Int) throws(JournalError) -> [EventRecord] {
        try reading { db in
            let statement = try RawStatement(
                """
                SELECT \(Self.columns) FROM events e \(Self.withPrevious)
                WHERE e.sequence > ? AND e.type IN ('priced', 'quoted', 'funded', 'funding_fixed')
                ORDER BY e.sequence LIMIT ?
                """, in: db)
            statement.bind(sequence, at: 1)
            statement.bind(Int64(limit), at: 2)
            defer { statement.reset() }
            var found: [EventRecord] = []
            while try statement.step() { found.append(try statement.checkedEvent()) }
            let tip = try Self.readTip(db).sequence
            let end = found.count == limit ? found.last?.sequence ?? tip : tip
            // One that is gone would not be missed: every event up to there must be present.
            let count = try RawStatement(
                "SELECT count(*) FROM events WHERE sequence > ? AND sequence <= ?", in: db)
            count.bind(sequence, at: 1)
            count.bind(end, at: 2)
            defer { count.reset() }
            guard try count.step(), count.number(0) == max(0, end - sequence) else {
                throw JournalError(
                    .damaged,
                    "An event between \(sequence) and \(end) is missing in the table events; restore the "
                        + "store from a backup.")
            }
            return found
        }
    }
}
