import GRDB
import Ledger

/// Whether the store still has all that it is known to have had.
extension SQLiteJournal {
    static func readTip(_ db: Database) throws -> JournalTip {
        let statement = try RawStatement(
            "SELECT sequence, checksum FROM events ORDER BY sequence DESC LIMIT 1", in: db)
        defer { statement.reset() }
        guard try statement.step() else { return JournalTip() }
        return JournalTip(sequence: statement.number(0), checksum: UInt64(bitPattern: statement.number(1)))
    }

    static func readEnd(_ db: Database) throws -> StoreEnd {
        StoreEnd(tip: try readTip(db), revision: try revision(db))
    }

    static func revision(_ db: Database) throws -> Int64 { try revisionAndSum(db)?.revision ?? 0 }

    /// Notes inside the file, too, how far the journal goes, when something is written that rests on it.
    static func noteEnd(in db: Database) throws {
        let tip = try readTip(db)
        try set(Array("\(tip.sequence) \(tip.checksum)".utf8), for: .knownEnd, in: db)
    }

    /// The end that was noted inside the file.
    static func knownEnd(_ db: Database) throws -> JournalTip? {
        guard let bytes = try? value(.knownEnd, in: db) else { return nil }
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        guard words.count == 2, let sequence = Int64(words[0]), let checksum = UInt64(words[1]) else {
            return nil
        }
        return JournalTip(sequence: sequence, checksum: checksum)
    }

    /// What the file beside a store tells against it before the store is even looked into; nil for nothing.
    static func problem(of found: TipFile.Finding, isThere: Bool, _ path: String) -> String? {
        switch found {
        case .none: return nil
        case .damaged:
            return "\(TipFile.path(of: path)), which tells how far the ledger goes, is damaged."
        case .end(let end, _):
            if isThere || end == StoreEnd() { return nil }
            return "There is no ledger in \(path) any more; it went up to event \(end.tip.sequence)."
        }
    }

    /// What of an end that is known the store does not have; nil where it has all.
    static func loss(of end: StoreEnd, in db: Database, _ path: String) throws -> String? {
        let tip = try readTip(db)
        if tip.sequence < end.tip.sequence {
            return "The ledger in \(path) ends at event \(tip.sequence), but went up to event "
                + "\(end.tip.sequence): the events between were durable and are gone."
        }
        if end.tip.sequence > 0 {
            let statement = try RawStatement("SELECT checksum FROM events WHERE sequence = ?", in: db)
            statement.bind(end.tip.sequence, at: 1)
            defer { statement.reset() }
            let isThere = try statement.step()
            if !isThere || UInt64(bitPattern: statement.number(0)) != end.tip.checksum {
                return "Event \(end.tip.sequence) of \(path) is not the one that the ledger had: it or one "
                    + "before it was changed, or another ledger was put in its place."
            }
        }
        let revision = try revision(db)
        if revision < end.revision {
            return "Changes of keys or of the ledger's clock that were durable are gone from \(path) (it is "
                + "at revision \(revision), and was at \(end.revision))."
        }
        return nil
    }

    /// Every loss that the notes inside the file and beside it tell of.
    func losses(_ db: Database) throws -> [String] {
        try Self.losses(db, found: found, path: store.path)
    }

    private static func losses(_ db: Database, found: TipFile.Finding, path: String) throws -> [String] {
        var losses: [String] = []
        if let problem = problem(of: found, isThere: true, path) { losses.append(problem) }
        // That one half of it tells nothing is what a kill in the middle of writing it leaves.
        if case .end(let end, _) = found, let loss = try loss(of: end, in: db, path) { losses.append(loss) }
        if let known = try knownEnd(db), let loss = try loss(of: StoreEnd(tip: known), in: db, path),
            !losses.contains(loss)
        {
            losses.append(loss)
        }
        if try isEndGone(db) { losses.append("The row known_end of the table meta is gone.") }
        return losses
    }

    /// Whether what was noted inside the file is missing: it is written together with the indexes.
    private static func isEndGone(_ db: Database) throws -> Bool {
        try SQLiteLayout.number(
            """
            SELECT (SELECT count(*) FROM meta WHERE key = 'indexed_sequence')
                > (SELECT count(*) FROM meta WHERE key = 'known_end')
            """, in: db) != 0
    }

    /// Looks a store over that is about to be written: refuses what is gone or damaged and cannot be made
    /// again, and throws away what can.
    static func prepare(
        _ db: Database, found: TipFile.Finding, path: String, options: JournalOptions
    ) throws {
        for key in try damagedValues(db) {
            guard MetaKey.derived.contains(key) else { throw damagedValue(key) }
            options.report("the row \(key.rawValue) of the table meta is damaged and is made again")
            try db.execute(sql: "DELETE FROM meta WHERE key = ?", arguments: [key.rawValue])
        }
        try requireAllValues(db)
        if try isEndGone(db) {
            options.report("the row known_end of the table meta is gone and is made again")
            try noteEnd(in: db)
        }
        if case .end(_, isPartlyDamaged: true) = found {
            options.report("one half of \(TipFile.path(of: path)) is damaged and is made again")
        }
        guard let loss = try losses(db, found: found, path: path).first else { return }
        guard options.acceptsShorterLedger else {
            throw JournalError(.damaged, "\(loss) \(JournalError.restore)")
        }
        options.report("\(loss) It was accepted: the ledger goes on from what is there.")
        // Snapshots and indexes may know of what is gone.
        try discardDerived(in: db)
    }

    /// Throws all away that comes from the events.
    static func discardDerived(in db: Database) throws {
        for table in ["account_events", "command_entries", "price_history", "account_snapshots"] {
            try db.execute(sql: "DELETE FROM \(table)")
        }
        for key in MetaKey.derived {
            try db.execute(sql: "DELETE FROM meta WHERE key = ?", arguments: [key.rawValue])
        }
    }
}

extension SQLiteJournal {
    public func copy(to path: String) throws(JournalError) {
        let file = try StoreFile(path)
        try translating("write \(path)") {
            let queue = try DatabaseQueue(path: file.path)
            try database.backup(to: queue)
            // One file, without a write-ahead log, until it is opened as a store.
            try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
            // What was known of the store before must be in the copy.
            let losses = try queue.read { try store.version < Self.layoutVersion ? [] : self.losses($0) }
            try queue.close()
            if let loss = losses.first { throw JournalError(.damaged, "\(loss) \(JournalError.restore)") }
        }
        try file.sync()
    }
}

extension JournalError {
    /// What can be done about a ledger that has become shorter.
    static let restore =
        "Restore it from a backup; or, to go on from what is there, start once with "
        + "marginalia serve --accept-shorter-ledger."
}
