import GRDB
import Ledger

/// API keys, each with its checksum, and a sum over all of them that misses one that is gone.
extension SQLiteJournal {
    public func keys() throws(JournalError) -> [KeyRecord] {
        try reading { db in
            store.version < Self.layoutVersion
                ? try Self.readKeys(db, layout: store.version) : try Self.checkedKeys(db)
        }
    }

    static func checkedKeys(_ db: Database) throws -> [KeyRecord] {
        let keys = try readKeys(db, layout: layoutVersion)
        try requireSum(of: keys, in: db)
        return keys
    }

    public func add(_ key: KeyRecord) throws(JournalError) {
        try changing { try Self.insert(key, in: $0) }
    }

    public func removeKey(_ apiKey: String, venue: VenueName) throws(JournalError) -> Bool {
        try changing { db in
            let found = try Self.readKeys(db, layout: Self.layoutVersion)
                .first { $0.apiKey.utf8.elementsEqual(apiKey.utf8) && $0.venue == venue }
            guard let found else { return false }
            try Self.delete(found, in: db)
            return true
        }
    }

    public func replaceKeys(
        _ keys: [KeyRecord], setting values: [MetaKey: [UInt8]?]
    ) throws(JournalError) {
        try changing { db in
            for key in try Self.readKeys(db, layout: Self.layoutVersion) { try Self.delete(key, in: db) }
            for key in keys { try Self.insert(key, in: db) }
            for (key, value) in values {
                if let value {
                    try Self.withoutTraces(db) { try Self.set(value, for: key, in: db) }
                } else {
                    try db.execute(sql: "DELETE FROM meta WHERE key = ?", arguments: [key.rawValue])
                }
            }
        }
        // What was replaced must not stay behind in the write-ahead log.
        try translating("write the store") {
            try database.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        }
    }

    static func readKeys(_ db: Database, layout: Int) throws -> [KeyRecord] {
        let columns = """
            venue, api_key, secret, passphrase_salt, passphrase_digest, permissions, addresses, account,
            created_at
            """
        let statement = try RawStatement(
            """
            SELECT \(columns)\(layout < layoutVersion ? "" : ", checksum") FROM api_keys
            ORDER BY created_at, venue, api_key
            """, in: db)
        defer { statement.reset() }
        var found: [KeyRecord] = []
        while try statement.step() {
            let key = KeyRecord(
                venue: VenueName(rawValue: statement.text(0) ?? ""), apiKey: statement.text(1) ?? "",
                secret: statement.text(2) ?? "", passphraseSalt: statement.bytes(3) ?? [],
                passphraseDigest: statement.bytes(4) ?? [], permissions: list(statement.text(5)),
                addresses: list(statement.text(6)), account: statement.text(7) ?? "",
                createdAt: LedgerTime(milliseconds: statement.number(8)))
            if layout == layoutVersion, UInt64(bitPattern: statement.number(9)) != key.checksum {
                throw JournalError(
                    .damaged,
                    "The row \(key.venue) \(key.apiKey) of the table api_keys is not as it was written; "
                        + "restore the store from a backup.")
            }
            found.append(key)
        }
        return found
    }

    static func insert(_ key: KeyRecord, in db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO api_keys (venue, api_key, secret, passphrase_salt, passphrase_digest,
                    permissions, addresses, account, created_at, checksum)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                key.venue.rawValue, key.apiKey, key.secret, DataBytes(key.passphraseSalt),
                DataBytes(key.passphraseDigest), key.permissions.joined(separator: " "),
                key.addresses.joined(separator: " "), key.account, key.createdAt.milliseconds,
                Int64(bitPattern: key.checksum),
            ])
        try changeSum(in: db) { (count, sum) in (count + 1, sum &+ key.checksum) }
    }

    private static func delete(_ key: KeyRecord, in db: Database) throws {
        try withoutTraces(db) {
            try db.execute(
                sql: "DELETE FROM api_keys WHERE venue = ? AND api_key = ?",
                arguments: [key.venue.rawValue, key.apiKey])
        }
        try changeSum(in: db) { (count, sum) in (count - 1, sum &- key.checksum) }
    }

    // MARK: - The sum

    private static func readSum(_ db: Database) throws -> (count: Int, sum: UInt64) {
        guard let bytes = try value(.keySum, in: db) else { return (0, 0) }
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        guard words.count == 2, let count = Int(words[0]), let sum = UInt64(words[1]) else {
            throw damagedValue(.keySum)
        }
        return (count, sum)
    }

    private static func changeSum(
        in db: Database, _ change: (_ count: Int, _ sum: UInt64) -> (Int, UInt64)
    ) throws {
        let (count, sum) = try readSum(db)
        let (newCount, newSum) = change(count, sum)
        try set(Array("\(newCount) \(newSum)".utf8), for: .keySum, in: db)
    }

    private static func requireSum(of keys: [KeyRecord], in db: Database) throws {
        let (count, sum) = try readSum(db)
        if count == keys.count, sum == keys.reduce(0, { $0 &+ $1.checksum }) { return }
        throw JournalError(
            .damaged,
            "The table api_keys has \(keys.count) rows, and not the \(count) that were written; restore the "
                + "store from a backup.")
    }

    /// Permissions and addresses hold no blanks, so blanks part them.
    private static func list(_ text: String?) -> [String] {
        (text ?? "").split(separator: " ").map(String.init)
    }
}

extension KeyRecord {
    /// The checksum of the key as it is stored.
    var checksum: UInt64 {
        var hash = ChecksumHash()
        hash.add(venue.rawValue)
        hash.add(apiKey)
        hash.add(secret)
        hash.add(passphraseSalt)
        hash.add(passphraseDigest)
        hash.add(permissions.joined(separator: " "))
        hash.add(addresses.joined(separator: " "))
        hash.add(account)
        hash.add(UInt64(bitPattern: createdAt.milliseconds))
        return hash.value
    }
}
