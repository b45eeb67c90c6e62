import GRDB
import JSON
import Ledger
import Numbers
import Synchronization

/// Something in an index that cannot be: a row that was changed, or one that is gone.
struct IndexDamage: Error {
    let table: String
    let row: String
}

/// What is found by account, command id or time. All of it comes from the events and can be made again from
/// them: without the mark in `meta`, the next updates do so.
extension SQLiteJournal {
    public func indexedSequence() throws(JournalError) -> Int64 {
        try readingIndexed { _, indexed in indexed }
    }

    public var needsUpkeep: Bool { areIndexesDamaged.withLock { $0 } }

    /// How far the indexes go, and how many names of each venue have prices in them.
    struct IndexMark {
        var through: Int64 = 0
        var names: [VenueName: Int] = [:]

        var text: String {
            let counts = names.map { " \($0.key.rawValue)=\($0.value)" }.sorted()
            return "\(through)\(counts.joined())"
        }

        init() {}

        /// Nil for a text that is none.
        init?(_ text: String) {
            let words = text.split(separator: " ")
            guard let through = words.first.flatMap({ Int64($0) }) else { return nil }
            self.through = through
            for word in words.dropFirst() {
                guard let sign = word.lastIndex(of: "="), let count = Int(word[word.index(after: sign)...])
                else { return nil }
                names[VenueName(rawValue: String(word[..<sign]))] = count
            }
        }
    }

    /// Empty where there is none, as the indexes are then emptied before they are built again.
    static func indexMark(_ db: Database) throws -> IndexMark {
        do {
            guard let bytes = try value(.indexedSequence, in: db) else { return IndexMark() }
            return IndexMark(String(decoding: bytes, as: UTF8.self)) ?? IndexMark()
        } catch is JournalError {
            throw IndexDamage(table: "meta", row: MetaKey.indexedSequence.rawValue)
        }
    }

    static func indexedSequence(_ db: Database) throws -> Int64 { try indexMark(db).through }

    /// Reads by way of the indexes, which go up to a sequence; where one of them turns out to be damaged,
    /// once more without any.
    func readingIndexed<Value>(_ work: (Database, Int64) throws -> Value) throws(JournalError) -> Value {
        try reading { db in
            if store.version < Self.layoutVersion || needsUpkeep { return try work(db, 0) }
            let finding: String
            do {
                return try work(db, Self.indexedSequence(db))
            } catch let damage as IndexDamage {
                finding = "the row \(damage.row) of the table \(damage.table) is not as it was written"
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
                finding = error.message ?? "a page is damaged"
            }
            // Where the events themselves are at fault, this throws, and no index is to blame.
            let value = try work(db, 0)
            distrust(finding)
            return value
        }
    }

    /// Uses no index any more until all are made again.
    private func distrust(_ finding: String) {
        let isNew = areIndexesDamaged.withLock { isDamaged in
            defer { isDamaged = true }
            return !isDamaged
        }
        if isNew { report("the store's indexes are damaged and are made again from the journal: \(finding)") }
    }

    public func updateIndexes(limit: Int) throws(JournalError) -> Bool {
        let lags = try translating("write the store") {
            try database.write { db in
                // A mark that cannot be read is as good as none.
                var mark = needsUpkeep ? IndexMark() : (try? Self.indexMark(db)) ?? IndexMark()
                let from = mark.through
                let end = try Self.readTip(db).sequence
                let through = min(end, from + Int64(max(1, limit)))
                if through <= from { return false }
                if from == 0 {
                    for table in ["account_events", "command_entries", "price_history"] {
                        try db.execute(sql: "DELETE FROM \(table)")
                    }
                }
                try Self.indexAccounts(after: from, through: through, in: db)
                var lot = IndexLot()
                try Self.goThrough(after: from, through: through, in: db) { try lot.take($0) }
                try Self.indexCommands(lot.entries, through: through, in: db)
                try Self.indexPrices(lot.ticks, counting: &mark.names, in: db)
                mark.through = through
                try Self.set(Array(mark.text.utf8), for: .indexedSequence, in: db)
                try Self.noteEnd(in: db)
                return through < end
            }
        }
        let wereDamaged = areIndexesDamaged.withLock { isDamaged in
            defer { isDamaged = false }
            return isDamaged
        }
        if wereDamaged { report("the store's indexes are being made again") }
        return lags
    }

    // MARK: - Accounts

    /// Sorted, so that every page of the index is touched once a lot and not once an event.
    private static func indexAccounts(after from: Int64, through: Int64, in db: Database) throws {
        let touched = """
            WITH touched (account, sequence) AS (
                SELECT account, sequence FROM events
                    WHERE sequence > ?1 AND sequence <= ?2 AND account IS NOT NULL
                UNION ALL
                SELECT counterparty, sequence FROM events
                    WHERE sequence > ?1 AND sequence <= ?2 AND counterparty IS NOT account
                    AND counterparty IS NOT NULL
            )
            """
        try db.execute(
            sql: """
                \(touched)
                INSERT INTO account_events (account, sequence, previous)
                SELECT account, sequence, coalesce(
                    lag(sequence) OVER (PARTITION BY account ORDER BY sequence),
                    (SELECT previous FROM account_events i
                        WHERE i.account = touched.account AND i.sequence = ?3),
                    0)
                FROM touched ORDER BY 1, 2
                """, arguments: [from, through, noMore])
        try db.execute(
            sql: """
                \(touched)
                INSERT OR REPLACE INTO account_events (account, sequence, previous)
                SELECT account, ?3, max(sequence) FROM touched GROUP BY account ORDER BY 1
                """, arguments: [from, through, noMore])
    }

    // MARK: - Command ids

    private static func indexCommands(
        _ entries: [CommandIndexEntry], through: Int64, in db: Database
    ) throws {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(entries.count * 8)
        for entry in entries {
            withUnsafeBytes(of: entry.packed.littleEndian) { bytes.append(contentsOf: $0) }
        }
        let previous = try lastEntries(db)
        let statement = try RawStatement(
            "INSERT INTO command_entries (through, entries, checksum) VALUES (?, ?, ?)", in: db)
        defer { statement.reset() }
        statement.bind(through, at: 1)
        statement.bind(blob: bytes, at: 2)
        statement.bind(Int64(bitPattern: entryChecksum(bytes, through, after: previous)), at: 3)
        _ = try statement.step()
    }

    /// The checksum of a row of entries and all before it.
    private static func entryChecksum(_ bytes: [UInt8], _ through: Int64, after previous: UInt64) -> UInt64 {
        var hash = ChecksumHash()
        hash.add(previous)
        hash.add(UInt64(bitPattern: through))
        hash.add(bytes)
        return hash.value
    }

    private static func lastEntries(_ db: Database) throws -> UInt64 {
        let statement = try RawStatement(
            "SELECT checksum FROM command_entries ORDER BY through DESC LIMIT 1", in: db)
        defer { statement.reset() }
        return try statement.step() ? UInt64(bitPattern: statement.number(0)) : 0
    }

    public func commandEntries() throws(JournalError) -> [CommandIndexEntry] {
        try readingIndexed { db, indexed in
            let stored = indexed == 0 ? [] : try Self.storedEntries(through: indexed, in: db)
            return try stored + Self.entries(after: indexed, through: .max, in: db)
        }
    }

    /// The entries of events, from the events themselves.
    static func entries(after from: Int64, through: Int64, in db: Database) throws -> [CommandIndexEntry] {
        var lot = IndexLot(takesPrices: false)
        try goThrough(after: from, through: through, in: db) { try lot.take($0) }
        return lot.entries
    }

    /// The entries as they are stored; they must go exactly as far as the indexes do.
    static func storedEntries(through: Int64, in db: Database) throws -> [CommandIndexEntry] {
        var entries: [CommandIndexEntry] = []
        var (last, checksum) = (Int64(0), UInt64(0))
        let statement = try RawStatement(
            "SELECT through, entries, checksum FROM command_entries ORDER BY through", in: db)
        defer { statement.reset() }
        while try statement.step() {
            last = statement.number(0)
            let bytes = statement.bytes(1) ?? []
            checksum = entryChecksum(bytes, last, after: checksum)
            guard checksum == UInt64(bitPattern: statement.number(2)) else {
                throw IndexDamage(table: "command_entries", row: "\(last)")
            }
            entries.reserveCapacity(entries.count + bytes.count / 8)
            bytes.withUnsafeBytes { bytes in
                for place in stride(from: 0, to: bytes.count - 7, by: 8) {
                    let packed = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                    entries.append(CommandIndexEntry(packed: UInt64(littleEndian: packed)))
                }
            }
        }
        guard last == through else { throw IndexDamage(table: "command_entries", row: "\(through)") }
        return entries
    }
}

/// What the indexes take from events, gathered in one pass over them.
struct IndexLot {
    private(set) var entries: [CommandIndexEntry] = []
    private(set) var ticks: [(sequence: Int64, at: LedgerTime, tick: PriceTick)] = []
    private let takesEntries: Bool
    private let takesPrices: Bool

    init(takesEntries: Bool = true, takesPrices: Bool = true) {
        self.takesEntries = takesEntries
        self.takesPrices = takesPrices
    }

    /// Takes a row that `goThrough` hands over; always wants another one.
    mutating func take(_ statement: RawStatement) throws -> Bool {
        let sequence = statement.number(0)
        if takesEntries, let id = statement.text(5) {
            entries.append(CommandIndexEntry(commandID: id, sequence: sequence))
        }
        guard takesPrices, statement.text(4) == "priced" else { return true }
        let time = LedgerTime(milliseconds: statement.number(1))
        // A body that cannot be read is for replaying to report; no price comes from it.
        guard let body = try? JSONValue(parsing: statement.bytes(7) ?? []),
            let event = try? Event(
                sequence: sequence, at: time, account: nil, typeName: "priced", body: body,
                instruments: InstrumentTable()),
            case .priced(let tick) = event.body
        else { return true }
        ticks.append((sequence, time, tick))
        return true
    }
}
