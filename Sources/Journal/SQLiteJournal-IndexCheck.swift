import GRDB
import Ledger
import Numbers

/// Looks everything over, for `marginalia verify`.
extension SQLiteJournal {
    public func structuralProblems() throws(JournalError) -> [String] {
        try translating("check the store") {
            try database.read { db in
                var losses: [String] = []
                let problems = try Self.integrityProblems(db)
                // What is asked of a file whose pages are damaged would only end in an error.
                if !problems.isEmpty || store.version < Self.layoutVersion { return problems }
                return try Self.noting { losses += try self.losses(db) } + losses
                    + Self.damagedValues(db).map { Self.damagedValue($0).message }
                    + Self.noting { try Self.requireAllValues(db) }
                    + Self.noting { _ = try Self.checkedKeys(db) }
                    + Self.noting { try Self.checkIndexes(db) }
            }
        }
    }

    static func integrityProblems(_ db: Database) throws -> [String] {
        let statement = try RawStatement("PRAGMA integrity_check", in: db)
        defer { statement.reset() }
        var problems: [String] = []
        while try statement.step() {
            if let line = statement.text(0), line != "ok" { problems.append(line) }
        }
        if problems.isEmpty, try !SQLiteLayout.isNameIntact(db) {
            problems.append("The row of the table opened_as is not as it was written.")
        }
        return problems
    }

    /// The sentence of what a check throws; nothing where it throws nothing.
    private static func noting(_ check: () throws -> Void) throws -> [String] {
        do {
            try check()
            return []
        } catch let damage as IndexDamage {
            return ["The row \(damage.row) of the table \(damage.table) is not what the events give."]
        } catch let error as JournalError where error.kind == .damaged {
            return [error.message]
        }
    }

    /// Compares the indexes with the events that they were made of; throws what is wrong first.
    private static func checkIndexes(_ db: Database) throws {
        let through = try indexedSequence(db)
        // Without a mark, what is in the tables does not count and is emptied before it is built again.
        if through == 0 { return }
        try checkAccounts(through: through, in: db)
        let stored = try storedEntries(through: through, in: db)
        var (entries, prices) = (0, 0)
        try goThrough(after: 0, through: through, in: db) { event in
            var lot = IndexLot()
            let goesOn = try lot.take(event)
            for entry in lot.entries {
                guard entries < stored.count, stored[entries] == entry else {
                    throw IndexDamage(table: "command_entries", row: "of event \(entry.sequence)")
                }
                entries += 1
            }
            for (sequence, time, tick) in lot.ticks {
                for (kind, quotes) in [(PriceRow.mark, tick.marks), (PriceRow.index, tick.index)] {
                    for quote in quotes {
                        prices += 1
                        try check(quote, kind, tick.venue, at: time, sequence, in: db)
                    }
                }
            }
            return goesOn
        }
        guard entries == stored.count else { throw IndexDamage(table: "command_entries", row: "\(through)") }
        try checkPriceRows(count: prices, in: db)
    }

    // MARK: - Accounts

    private static func checkAccounts(through: Int64, in db: Database) throws {
        let statement = try RawStatement(
            """
            SELECT i.account, i.sequence, i.previous, e.sequence FROM account_events i
            LEFT JOIN events e ON e.sequence = i.sequence AND i.account IN (e.account, e.counterparty)
            ORDER BY i.account, i.sequence
            """, in: db)
        defer { statement.reset() }
        var (account, last, there) = ([UInt8](), noMore, 0)
        while try statement.step() {
            let (name, sequence) = (statement.bytes(0) ?? [], statement.number(1))
            let damage = IndexDamage(
                table: "account_events", row: "\(String(decoding: name, as: UTF8.self)) \(sequence)")
            if name != account {
                if last != noMore { throw damage }
                (account, last) = (name, 0)
            }
            guard statement.number(2) == last, sequence == noMore || !statement.isNull(3) else {
                throw damage
            }
            last = sequence
            if sequence != noMore { there += 1 }
        }
        let wanted = try RawStatement(
            """
            SELECT count(account) + count(counterparty)
                - count(CASE WHEN account = counterparty THEN 1 END) FROM events WHERE sequence <= ?
            """, in: db)
        defer { wanted.reset() }
        wanted.bind(through, at: 1)
        guard last == noMore, try wanted.step(), wanted.number(0) == there else {
            throw IndexDamage(table: "account_events", row: "of some event up to \(through)")
        }
    }

    // MARK: - Prices

    private static func check(
        _ quote: PriceTick.Quote, _ kind: String, _ venue: VenueName, at time: LedgerTime, _ sequence: Int64,
        in db: Database
    ) throws {
        let statement = try RawStatement(
            """
            SELECT price FROM price_history
            WHERE venue = ? AND kind = ? AND name = ? AND at = ? AND sequence = ?
            """, in: db)
        defer { statement.reset() }
        for (place, text) in [venue.rawValue, kind, quote.name].enumerated() {
            statement.bind(text, at: Int32(place + 1))
        }
        statement.bind(time.milliseconds, at: 4)
        statement.bind(sequence, at: 5)
        if try statement.step(), statement.text(0) == quote.price.description { return }
        throw IndexDamage(
            table: "price_history",
            row: "\(venue) \(kind) \(quote.name) \(time.milliseconds) \(sequence)")
    }

    /// That each row follows the one before it of its name, and that there are no others.
    private static func checkPriceRows(count: Int, in db: Database) throws {
        let statement = try RawStatement(
            """
            SELECT venue, kind, name, at, sequence, price, previous, checksum FROM price_history
            ORDER BY venue, kind, name, at, sequence
            """, in: db)
        defer { statement.reset() }
        var before: PriceRow?
        var there = 0
        var names: [VenueName: Int] = [:]
        while try statement.step() {
            let row = try statement.priceRow()
            let isFirst = before.map { $0.at == noMore } ?? true
            let isSame = row.venue == before?.venue && row.kind == before?.kind && row.name == before?.name
            guard isFirst != isSame, row.previous == (isFirst ? 0 : before?.sequence ?? 0) else {
                throw row.damage
            }
            if row.at != noMore { there += 1 }
            if isFirst { names[VenueName(rawValue: row.venue), default: 0] += 1 }
            before = row
        }
        let known = try indexMark(db).names
        if there != count || names != known || (before.map { $0.at != noMore } ?? false) {
            throw IndexDamage(table: "price_history", row: "of some event")
        }
    }
}
