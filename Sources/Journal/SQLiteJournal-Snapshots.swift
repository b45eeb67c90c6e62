import GRDB
import Ledger

extension SQLiteJournal {
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
                guard let state else { return }
                try Self.set(state, for: .snapshotState, in: db)
                try Self.noteEnd(in: db)
            }
        }
    }

    public func snapshots(from ordinal: Int64, limit: Int) throws(JournalError) -> [AccountSnapshotRecord] {
        // Those of an older layout are of an older form.
        if store.version < Self.layoutVersion { return [] }
        return try reading { db in
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
                    throw JournalError(
                        .damaged,
                        "The row \(record.ordinal) of the table account_snapshots is not as it was written.")
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
                for key in [MetaKey.snapshotState, .snapshotInstruments] {
                    try db.execute(sql: "DELETE FROM meta WHERE key = ?", arguments: [key.rawValue])
                }
            }
        }
    }
}
