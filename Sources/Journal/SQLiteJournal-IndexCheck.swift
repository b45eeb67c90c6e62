import GRDB
import Ledger
import Numbers

/// Compares the indexes with the events that they were made of.
extension SQLiteJournal {
    /// One sentence for every index that is not what the events give.
    static func indexProblems(_ db: Database) throws -> [String] {
        let through = try indexedSequence(db)
        // Without a mark, what is in the tables does not count and is emptied before it is built again.
        if through == 0 { return [] }
        var problems: [String] = []
        if try !accountsAreIndexed(through: through, in: db) {
            problems.append("The index of events by account is not what the events give.")
        }
        let wanted = Set(try entries(after: 0, through: through, in: db))
        if try Set(storedEntries(db)) != wanted {
            problems.append("The index of command ids is not what the events give.")
        }
        if try !pricesAreIndexed(through: through, in: db) {
            problems.append("The index of prices is not what the events give.")
        }
        return problems
    }

    private static func accountsAreIndexed(through: Int64, in db: Database) throws -> Bool {
        let wanted = try Int.fetchOne(
            db,
            sql: """
                SELECT count(account) + count(counterparty) FROM events WHERE sequence <= ?
                """, arguments: [through])
        let right = try Int.fetchOne(
            db,
            sql: """
                SELECT count(*) FROM account_events i JOIN events e ON e.sequence = i.sequence
                WHERE i.sequence <= ? AND i.account IN (e.account, e.counterparty)
                """, arguments: [through])
        let there = try Int.fetchOne(db, sql: "SELECT count(*) FROM account_events")
        return wanted == right && wanted == there
    }

    private static func pricesAreIndexed(through: Int64, in db: Database) throws -> Bool {
        var wanted = 0
        for (sequence, time, tick) in try ticks(after: 0, through: through, in: db) {
            for (kind, quotes) in [(mark, tick.marks), (index, tick.index)] {
                for quote in quotes {
                    wanted += 1
                    let price = try String.fetchOne(
                        db.cachedStatement(
                            sql: """
                                SELECT price FROM price_history
                                WHERE venue = ? AND kind = ? AND name = ? AND at = ? AND sequence = ?
                                """),
                        arguments: [tick.venue.rawValue, kind, quote.name, time.milliseconds, sequence])
                    if price != quote.price.description { return false }
                }
            }
        }
        return try Int.fetchOne(db, sql: "SELECT count(*) FROM price_history") == wanted
    }
}
