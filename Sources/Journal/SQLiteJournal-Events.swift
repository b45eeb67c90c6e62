import GRDB
import Ledger

extension SQLiteJournal {
    public func tip() throws(JournalError) -> JournalTip {
        try translating("read the store") { try database.read { try Self.readTip($0) } }
    }

    // MARK: - Appending

    public func append(_ events: [EventRecord]) throws(JournalError) {
        if events.isEmpty { return }
        try translating("write the store") {
            try database.writeWithoutTransaction { db in
                // Read from the store, not remembered: after a failed commit only the store knows what it
                // holds.
                var tip = try Self.readTip(db)
                try db.inTransaction(.immediate) {
                    let statement = try RawStatement(Self.insertion, in: db)
                    for event in events {
                        guard event.sequence == tip.sequence + 1 else {
                            throw JournalError(
                                .unavailable,
                                "The store ends at event \(tip.sequence), not before \(event.sequence)."
                            )
                        }
                        tip = JournalTip(
                            sequence: event.sequence, checksum: event.checksum(after: tip.checksum))
                        try statement.insert(event, checksum: tip.checksum)
                    }
                    return .commit
                }
            }
        }
    }

    private static let insertion = """
        INSERT INTO events
            (sequence, at, account, counterparty, type, command_id, command_digest, body, checksum)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """

    // MARK: - Reading

    private static let columns = """
        e.sequence, e.at, e.account, e.counterparty, e.type, e.command_id, e.command_digest, e.body,
        e.checksum
        """

    public func events(after sequence: Int64, limit: Int) throws(JournalError) -> [EventRecord] {
        try reading { db in
            let statement = try RawStatement(
                "SELECT \(Self.columns) FROM events e WHERE e.sequence > ? ORDER BY e.sequence LIMIT ?",
                in: db)
            statement.bind(sequence, at: 1)
            statement.bind(Int64(limit), at: 2)
            return try statement.events()
        }
    }

    public func events(at sequences: [Int64]) throws(JournalError) -> [EventRecord] {
        try reading { db in
            let statement = try RawStatement(
                "SELECT \(Self.columns) FROM events e WHERE e.sequence = ?", in: db)
            var found: [EventRecord] = []
            for sequence in sequences {
                statement.bind(sequence, at: 1)
                found += try statement.events()
            }
            return found
        }
    }

    public func events(
        of account: String, after sequence: Int64, limit: Int
    ) throws(JournalError) -> [EventRecord] {
        try reading { db in
            let indexed = try Self.indexedSequence(db)
            var found: [EventRecord] = []
            if sequence < indexed {
                let statement = try RawStatement(
                    """
                    SELECT \(Self.columns) FROM account_events i JOIN events e ON e.sequence = i.sequence
                    WHERE i.account = ? AND i.sequence > ? AND i.sequence <= ? ORDER BY i.sequence LIMIT ?
                    """, in: db)
                statement.bind(account, at: 1)
                statement.bind(sequence, at: 2)
                statement.bind(indexed, at: 3)
                statement.bind(Int64(limit), at: 4)
                found = try statement.events()
            }
            if found.count < limit {
                found += try Self.rest(
                    of: account, after: max(sequence, indexed), limit: limit - found.count, in: db)
            }
            return found
        }
    }

    /// The events of an account among those that are not indexed yet.
    private static func rest(
        of account: String, after sequence: Int64, limit: Int, in db: Database
    ) throws -> [EventRecord] {
        let statement = try RawStatement(
            """
            SELECT \(columns) FROM events e WHERE e.sequence > ? AND (e.account = ?2 OR e.counterparty = ?2)
            ORDER BY e.sequence LIMIT ?3
            """, in: db)
        statement.bind(sequence, at: 1)
        statement.bind(account, at: 2)
        statement.bind(Int64(limit), at: 3)
        return try statement.events()
    }

    func reading<Value>(_ work: (Database) throws -> Value) throws(JournalError) -> Value {
        try translating("read the store") { try database.read(work) }
    }
}

extension RawStatement {
    fileprivate func insert(_ event: EventRecord, checksum: UInt64) throws {
        bind(event.sequence, at: 1)
        bind(event.at.milliseconds, at: 2)
        bind(event.account, at: 3)
        bind(event.counterparty, at: 4)
        bind(event.type, at: 5)
        bind(event.commandID, at: 6)
        bind(blob: event.commandDigest, at: 7)
        bind(Int64(bitPattern: checksum), at: 9)
        try event.body.withUnsafeBytes { body in
            bind(standing: body, at: 8)
            _ = try step()
            reset()
        }
    }

    /// All rows as events; the statement is then ready for the next values.
    fileprivate func events() throws -> [EventRecord] {
        var found: [EventRecord] = []
        while try step() {
            var event = EventRecord(
                sequence: number(0), at: LedgerTime(milliseconds: number(1)), account: text(2),
                counterparty: text(3), type: text(4) ?? "", commandID: text(5), commandDigest: bytes(6),
                body: bytes(7) ?? [])
            event.checksum = UInt64(bitPattern: number(8))
            found.append(event)
        }
        reset()
        return found
    }
}
