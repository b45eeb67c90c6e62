import GRDB
import Ledger

extension SQLiteJournal {
    // MARK: - Snapshots

    public func writeSnapshots(_ accounts: [AccountSnapshotRecord], state: [UInt8]?) throws(JournalError) {
        try translating("write the store") {
            try database.write { db in
                let statement = try RawStatement(
                    """
                    INSERT INTO account_snapshots (ordinal, sequence, checksum, body) VALUES (?, ?, ?, ?)
                    ON CONFLICT (ordinal) DO UPDATE SET
                        sequence = excluded.sequence, checksum = excluded.checksum, body = excluded.body
                    """, in: db)
                for account in accounts {
                    statement.bind(account.ordinal, at: 1)
                    statement.bind(account.sequence, at: 2)
                    statement.bind(Int64(bitPattern: account.checksum), at: 3)
                    try account.body.withUnsafeBytes { body in
                        statement.bind(standing: body, at: 4)
                        _ = try statement.step()
                        statement.reset()
                    }
                }
                if let state { try Self.set(state, for: .snapshotState, in: db) }
            }
        }
    }

    public func snapshots(from ordinal: Int64, limit: Int) throws(JournalError) -> [AccountSnapshotRecord] {
        try reading { db in
            let statement = try RawStatement(
                """
                SELECT ordinal, sequence, checksum, body FROM account_snapshots
                WHERE ordinal >= ? ORDER BY ordinal LIMIT ?
                """, in: db)
            statement.bind(ordinal, at: 1)
            statement.bind(Int64(limit), at: 2)
            var found: [AccountSnapshotRecord] = []
            while try statement.step() {
                let record = AccountSnapshotRecord(
                    ordinal: statement.number(0), sequence: statement.number(1),
                    body: statement.bytes(3) ?? [])
                guard Int64(bitPattern: record.checksum) == statement.number(2) else {
                    statement.reset()
                    throw JournalError(.damaged, "The account snapshot \(record.ordinal) is damaged.")
                }
                found.append(record)
            }
            statement.reset()
            return found
        }
    }

    public func discardSnapshots() throws(JournalError) {
        try translating("write the store") {
            try database.write { db in
                try db.execute(sql: "DELETE FROM account_snapshots")
                try db.execute(
                    sql: "DELETE FROM meta WHERE key IN (?, ?)",
                    arguments: [MetaKey.snapshotState.rawValue, MetaKey.snapshotInstruments.rawValue])
            }
        }
    }

    // MARK: - Keys

    public func keys() throws(JournalError) -> [KeyRecord] {
        try reading { db in
            try Row.fetchAll(db, sql: "SELECT * FROM api_keys ORDER BY created_at, venue, api_key").map {
                row in
                KeyRecord(
                    venue: VenueName(rawValue: row["venue"]), apiKey: row["api_key"], secret: row["secret"],
                    passphraseSalt: (row["passphrase_salt"] as DataBytes).bytes,
                    passphraseDigest: (row["passphrase_digest"] as DataBytes).bytes,
                    permissions: Self.list(row["permissions"]), addresses: Self.list(row["addresses"]),
                    account: row["account"], createdAt: LedgerTime(milliseconds: row["created_at"]))
            }
        }
    }

    public func add(_ key: KeyRecord) throws(JournalError) {
        try translating("write the store") {
            try database.write { db in
                try db.execute(
                    sql: """
                        INSERT INTO api_keys (venue, api_key, secret, passphrase_salt, passphrase_digest,
                            permissions, addresses, account, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        key.venue.rawValue, key.apiKey, key.secret, DataBytes(key.passphraseSalt),
                        DataBytes(key.passphraseDigest), key.permissions.joined(separator: " "),
                        key.addresses.joined(separator: " "), key.account, key.createdAt.milliseconds,
                    ])
            }
        }
    }

    public func removeKey(_ apiKey: String, venue: VenueName) throws(JournalError) -> Bool {
        try translating("write the store") {
            try database.write { db in
                try db.execute(
                    sql: "DELETE FROM api_keys WHERE venue = ? AND api_key = ?",
                    arguments: [venue.rawValue, apiKey])
                return db.changesCount > 0
            }
        }
    }

    /// Permissions and addresses hold no blanks, so blanks part them.
    private static func list(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }
}
