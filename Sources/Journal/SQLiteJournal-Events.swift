import GRDB
import Ledger

extension SQLiteJournal {
    public func tip() throws(JournalError) -> JournalTip {
        try translating("read the store") { try database.read { try Self.readTip($0) } }
    }

    // MARK: - Appending

    public func append(_ events: [EventRecord]) throws(JournalError) {
        if events.isEmpty { return }
        let end = try translating("write the store") {
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
                return tip
            }
        }
        try tipFile?.note { $0.tip = end }
    }

    private static let insertion = """
        INSERT INTO events
            (sequence, at, account, counterparty, type, command_id, command_digest, body, checksum)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """

    // MARK: - Reading

    /// An event and the checksum of the one before it.
    static let columns = """
        e.sequence, e.at, e.account, e.counterparty, e.type, e.command_id, e.command_digest, e.body,
        e.checksum, p.checksum
        """
    static let withPrevious = "LEFT JOIN events p ON p.sequence = e.sequence - 1"

    public func events(after sequence: Int64, limit: Int) throws(JournalError) -> [EventRecord] {
        try reading { db in
            var events: [EventRecord] = []
            try Self.goThrough(after: sequence, through: .max, limit: limit, in: db) { statement in
                events.append(statement.event())
                return true
            }
            return events
        }
    }

    /// Goes through events in their order, and compares each with its checksum, until one is the last that is
    /// wanted.
    static func goThrough(
        after from: Int64, through: Int64, limit: Int = .max, in db: Database,
        _ take: (RawStatement) throws -> Bool
    ) throws {
        let statement = try RawStatement(
            """
            SELECT sequence, at, account, counterparty, type, command_id, command_digest, body, checksum
            FROM events WHERE sequence >= ? AND sequence <= ? ORDER BY sequence LIMIT ?
            """, in: db)
        // The event before the first is read too: checksums go on from it.
        statement.bind(max(from, 1), at: 1)
        statement.bind(through, at: 2)
        statement.bind(Int64(limit == .max ? limit : limit + 1), at: 3)
        defer { statement.reset() }
        var previous = JournalTip(sequence: max(from, 1) - 1)
        while try statement.step() {
            let sequence = statement.number(0)
            let checksum = UInt64(bitPattern: statement.number(8))
            if sequence > from {
                guard sequence == previous.sequence + 1 else {
                    throw missing(previous.sequence + 1)
                }
                guard statement.eventChecksum(after: previous.checksum) == checksum else {
                    throw changed(sequence)
                }
                if previous.sequence - from + 1 > limit { return }
                guard try take(statement) else { return }
            }
            previous = JournalTip(sequence: sequence, checksum: checksum)
        }
    }

    public func events(at sequences: [Int64]) throws(JournalError) -> [EventRecord] {
        try reading { db in
            let statement = try RawStatement(
                "SELECT \(Self.columns) FROM events e \(Self.withPrevious) WHERE e.sequence = ?", in: db)
            defer { statement.reset() }
            var found: [EventRecord] = []
            for sequence in sequences {
                statement.reset()
                statement.bind(sequence, at: 1)
                if try statement.step() { found.append(try statement.checkedEvent()) }
            }
            return found
        }
    }

    public func events(
        of account: String, after sequence: Int64, limit: Int
    ) throws(JournalError) -> [EventRecord] {
        try readingIndexed { db, indexed in
            var found: [EventRecord] = []
            if sequence < indexed {
                found = try Self.indexed(account, after: sequence, upTo: .max, limit: limit, in: db)
            }
            if found.count < limit {
                found += try Self.rest(
                    of: account, after: max(sequence, indexed), upTo: .max, limit: limit - found.count, in: db
                )
            }
            return found
        }
    }

    /// Events of an account by way of the index, up to its end or to a time.
    private static func indexed(
        _ account: String, after sequence: Int64, upTo time: Int64, limit: Int, in db: Database
    ) throws -> [EventRecord] {
        let statement = try RawStatement(
            """
            SELECT \(columns), i.sequence, i.previous FROM account_events i
            LEFT JOIN events e ON e.sequence = i.sequence \(withPrevious)
            WHERE i.account = ? AND i.sequence > ? ORDER BY i.sequence
            """, in: db)
        if try !isIndexed(account, in: db) { return [] }
        var last = try lastIndexed(of: account, upTo: sequence, in: db)
        statement.bind(account, at: 1)
        statement.bind(sequence, at: 2)
        defer { statement.reset() }
        var found: [EventRecord] = []
        var isDone = limit == 0
        while try statement.step() {
            let place = statement.number(10)
            let damage = IndexDamage(table: "account_events", row: "\(account) \(place)")
            // The row after the last that is wanted is looked at too: it vouches for that one.
            guard statement.number(11) == last else { throw damage }
            if place == noMore || isDone { return found }
            guard !statement.isNull(0) else { throw damage }
            let event = try statement.checkedEvent()
            guard account == event.account || account == event.counterparty else { throw damage }
            last = place
            // An account's events never go back in time.
            isDone = event.at.milliseconds > time
            if !isDone { found.append(event) }
            if found.count == limit { isDone = true }
        }
        throw IndexDamage(table: "account_events", row: "\(account) \(noMore)")
    }

    /// Whether the index has events of an account. Where it has none, the account must have been opened after
    /// its end; or the events tell, as they do not for an account that somebody made up.
    private static func isIndexed(_ account: String, in db: Database) throws -> Bool {
        let end = try RawStatement(
            "SELECT 1 FROM account_events WHERE account = ? AND sequence = ?", in: db)
        defer { end.reset() }
        end.bind(account, at: 1)
        end.bind(noMore, at: 2)
        if try end.step() { return true }
        let indexed = try indexedSequence(db)
        let opening = try RawStatement(
            """
            SELECT type FROM events WHERE sequence > ? AND account = ? ORDER BY sequence LIMIT 1
            """, in: db)
        defer { opening.reset() }
        opening.bind(indexed, at: 1)
        opening.bind(account, at: 2)
        if try opening.step(), opening.text(0) == "account_opened" { return false }
        let earlier = try RawStatement(
            """
            SELECT 1 FROM events WHERE sequence <= ?1 AND (account = ?2 OR counterparty = ?2) LIMIT 1
            """, in: db)
        defer { earlier.reset() }
        earlier.bind(indexed, at: 1)
        earlier.bind(account, at: 2)
        if try earlier.step() { throw IndexDamage(table: "account_events", row: "\(account) \(noMore)") }
        return false
    }

    /// The last event of an account up to a sequence, by the index; 0 if there is none.
    static func lastIndexed(of account: String, upTo sequence: Int64, in db: Database) throws -> Int64 {
        let statement = try RawStatement(
            """
            SELECT sequence FROM account_events WHERE account = ? AND sequence <= ?
            ORDER BY sequence DESC LIMIT 1
            """, in: db)
        statement.bind(account, at: 1)
        statement.bind(min(sequence, noMore - 1), at: 2)
        defer { statement.reset() }
        return try statement.step() ? statement.number(0) : 0
    }

    /// The events of an account among those that are not indexed. All of them are compared with their
    /// checksums: one whose account was changed is not passed over.
    private static func rest(
        of account: String, after sequence: Int64, upTo time: Int64, limit: Int, in db: Database
    ) throws -> [EventRecord] {
        let name = Array(account.utf8)
        var found: [EventRecord] = []
        try goThrough(after: sequence, through: .max, in: db) { statement in
            guard statement.holds(name, at: 2) || statement.holds(name, at: 3) else { return true }
            // An account's events never go back in time.
            if statement.number(1) > time { return false }
            found.append(statement.event())
            return found.count < limit
        }
        return found
    }

    fileprivate static func missing(_ sequence: Int64) -> JournalError {
        JournalError(
            .damaged, "Event \(sequence) is missing in the table events; restore the store from a backup.")
    }

    fileprivate static func changed(_ sequence: Int64) -> JournalError {
        JournalError(
            .damaged,
            "Event \(sequence) in the table events is not as it was written, or the checksum of the one "
                + "before it is not; restore the store from a backup.")
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

    /// The row as an event.
    fileprivate func event() -> EventRecord {
        var event = EventRecord(
            sequence: number(0), at: LedgerTime(milliseconds: number(1)), account: text(2),
            counterparty: text(3), type: text(4) ?? "", commandID: text(5), commandDigest: bytes(6),
            body: bytes(7) ?? [])
        event.checksum = UInt64(bitPattern: number(8))
        return event
    }

    /// The row as an event, compared with its checksum; the row has that of the event before it, too.
    func checkedEvent() throws -> EventRecord {
        let sequence = number(0)
        if sequence > 1, isNull(9) { throw SQLiteJournal.missing(sequence - 1) }
        guard eventChecksum(after: UInt64(bitPattern: number(9))) == UInt64(bitPattern: number(8)) else {
            throw SQLiteJournal.changed(sequence)
        }
        return event()
    }

    /// `EventRecord.checksum` of the row, without making the record.
    fileprivate func eventChecksum(after previous: UInt64) -> UInt64 {
        var hash = ChecksumHash()
        hash.add(previous)
        hash.add(UInt64(bitPattern: number(0)))
        hash.add(UInt64(bitPattern: number(1)))
        for column: Int32 in 2...5 { addText(column, to: &hash) }
        addBytes(6, to: &hash)
        addBytes(7, to: &hash)
        return hash.value
    }
}
