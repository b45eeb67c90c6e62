import GRDB
import Ledger

/// Small things, each under its name and with its checksum.
extension SQLiteJournal {
    public func value(_ key: MetaKey) throws(JournalError) -> [UInt8]? {
        // What an older layout keeps of snapshots is of an older form.
        if store.version < Self.layoutVersion {
            if MetaKey.derived.contains(key) { return nil }
            return try reading { try Self.readValues($0, layout: 1).first { $0.0 == key }?.1 }
        }
        do throws(JournalError) {
            return try reading { try Self.value(key, in: $0) }
        } catch {
            guard error.kind == .damaged, MetaKey.derived.contains(key) else { throw error }
            report("\(error.message) It is not used, and is made again.")
            return nil
        }
    }

    public func set(_ value: [UInt8], for key: MetaKey) throws(JournalError) {
        if MetaKey.derived.contains(key) {
            // Nothing is lost with it, so it does not count.
            try translating("write the store") {
                try database.write { try Self.set(value, for: key, in: $0) }
            }
        } else {
            try changing { try Self.set(value, for: key, in: $0) }
        }
    }

    /// Throws `damaged` for a value that is not as it was written.
    static func value(_ key: MetaKey, in db: Database) throws -> [UInt8]? {
        let statement = try RawStatement("SELECT value, checksum FROM meta WHERE key = ?", in: db)
        statement.bind(key.rawValue, at: 1)
        defer { statement.reset() }
        guard try statement.step() else { return nil }
        let value = statement.bytes(0) ?? []
        guard key.checksum(of: value) == UInt64(bitPattern: statement.number(1)) else {
            throw damagedValue(key)
        }
        return value
    }

    static func set(_ value: [UInt8], for key: MetaKey, in db: Database) throws {
        let statement = try RawStatement(
            """
            INSERT INTO meta (key, value, checksum) VALUES (?, ?, ?)
            ON CONFLICT (key) DO UPDATE SET value = excluded.value, checksum = excluded.checksum
            """, in: db)
        statement.bind(key.rawValue, at: 1)
        statement.bind(blob: value, at: 2)
        statement.bind(Int64(bitPattern: key.checksum(of: value)), at: 3)
        _ = try statement.step()
        statement.reset()
    }

    static func readValues(_ db: Database, layout: Int) throws -> [(MetaKey, [UInt8])] {
        let statement = try RawStatement("SELECT key, value FROM meta ORDER BY key", in: db)
        defer { statement.reset() }
        var found: [(MetaKey, [UInt8])] = []
        while try statement.step() {
            found.append((MetaKey(rawValue: statement.text(0) ?? ""), statement.bytes(1) ?? []))
        }
        return found
    }

    /// The names of all values that are not as they were written.
    static func damagedValues(_ db: Database) throws -> [MetaKey] {
        let statement = try RawStatement("SELECT key, value, checksum FROM meta ORDER BY key", in: db)
        defer { statement.reset() }
        var found: [MetaKey] = []
        while try statement.step() {
            let key = MetaKey(rawValue: statement.text(0) ?? "")
            if key.checksum(of: statement.bytes(1) ?? []) != UInt64(bitPattern: statement.number(2)) {
                found.append(key)
            }
        }
        return found
    }

    // MARK: - The sum

    /// Counts a change of keys or values; the count is kept with a sum over the checksums of all values that
    /// nothing can make again, which misses one that is gone.
    static func countChange(in db: Database) throws -> Int64 {
        let revision = try revision(db) + 1
        try set(Array("\(revision) \(try valueSum(db))".utf8), for: .revision, in: db)
        return revision
    }

    static func revisionAndSum(_ db: Database) throws -> (revision: Int64, sum: UInt64)? {
        guard let bytes = try value(.revision, in: db) else { return nil }
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        guard words.count == 2, let revision = Int64(words[0]), let sum = UInt64(words[1]) else {
            throw damagedValue(.revision)
        }
        return (revision, sum)
    }

    private static func valueSum(_ db: Database) throws -> UInt64 {
        try readValues(db, layout: layoutVersion)
            .filter { $0.0 != .revision && !MetaKey.derived.contains($0.0) }
            .reduce(0) { $0 &+ $1.0.checksum(of: $1.1) }
    }

    /// Throws where a value is gone, or one is there that was not written.
    static func requireAllValues(_ db: Database) throws {
        if try revisionAndSum(db)?.sum ?? 0 == valueSum(db) { return }
        throw JournalError(
            .damaged, "A row of the table meta is missing or was added; restore the store from a backup.")
    }

    static func damagedValue(_ key: MetaKey) -> JournalError {
        JournalError(
            .damaged,
            "The row \(key.rawValue) of the table meta is not as it was written; restore the store from a "
                + "backup.")
    }
}

extension MetaKey {
    /// How often keys and values were changed, and the sum over the values.
    static let revision = MetaKey(rawValue: "revision")
    /// How far the indexes go.
    static let indexedSequence = MetaKey(rawValue: "indexed_sequence")
    /// How far the journal went when the indexes or snapshots were written.
    static let knownEnd = MetaKey(rawValue: "known_end")
    /// How many API keys there are, and the sum of their checksums.
    static let keySum = MetaKey(rawValue: "key_sum")

    /// What comes from the events, and can be made again.
    static let derived: Set<MetaKey> = [
        .indexedSequence, .knownEnd, .snapshotInstruments, .snapshotState, .writeProbe,
    ]

    func checksum(of value: [UInt8]) -> UInt64 {
        var hash = ChecksumHash()
        hash.add(rawValue)
        hash.add(value)
        return hash.value
    }
}
