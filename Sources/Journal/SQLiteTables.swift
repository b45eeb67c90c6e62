import GRDB
import Ledger

/// The tables of a journal's file, and how those of older layouts become them.
extension SQLiteJournal {
    /// Marks a file as ours: "MRGN".
    static let applicationID = 0x4D52_474E
    /// The layout of the tables: 1 had no checksums but on events and snapshots.
    static let layoutVersion = 2

    static let layout = SQLiteLayout(
        applicationID: applicationID, version: layoutVersion, content: "store of Marginalia",
        tables: [events] + derived + [meta, apiKeys], migrate: migrate)

    private static let events = """
        CREATE TABLE events (
            sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, account TEXT, counterparty TEXT,
            type TEXT NOT NULL, command_id TEXT, command_digest BLOB, body TEXT NOT NULL,
            checksum INTEGER NOT NULL
        ) STRICT
        """

    /// What comes from the events and can be made again. In the indexes by account and by price, a row tells
    /// the sequence of the one before it of the same account or name, and a last row at `noMore` that of the
    /// last: so a row that is gone or changed is missed by its neighbor.
    private static let derived = [
        """
        CREATE TABLE account_events (
            account TEXT NOT NULL, sequence INTEGER NOT NULL, previous INTEGER NOT NULL,
            PRIMARY KEY (account, sequence)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE command_entries (
            through INTEGER PRIMARY KEY, entries BLOB NOT NULL, checksum INTEGER NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE price_history (
            venue TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL,
            sequence INTEGER NOT NULL, price TEXT NOT NULL, previous INTEGER NOT NULL,
            checksum INTEGER NOT NULL, PRIMARY KEY (venue, kind, name, at, sequence)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE account_snapshots (
            ordinal INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, body TEXT NOT NULL,
            checksum INTEGER NOT NULL
        ) STRICT
        """,
    ]

    private static let meta = """
        CREATE TABLE meta (
            key TEXT PRIMARY KEY, value BLOB NOT NULL, checksum INTEGER NOT NULL
        ) STRICT
        """

    private static let apiKeys = """
        CREATE TABLE api_keys (
            venue TEXT NOT NULL, api_key TEXT NOT NULL, secret TEXT NOT NULL,
            passphrase_salt BLOB NOT NULL, passphrase_digest BLOB NOT NULL, permissions TEXT NOT NULL,
            addresses TEXT NOT NULL, account TEXT NOT NULL, created_at INTEGER NOT NULL,
            checksum INTEGER NOT NULL, PRIMARY KEY (venue, api_key)
        ) STRICT, WITHOUT ROWID
        """

    /// The place after all others in an index, where a row tells which was the last.
    static let noMore = Int64.max

    /// From layout 1: events stay as they are; keys and small things get their checksums; indexes and
    /// snapshots are made again.
    private static func migrate(_ db: Database, from version: Int) throws {
        let keys = try readKeys(db, layout: version)
        let values = try readValues(db, layout: version)
        // What the dropped tables held of secrets must not stay behind in free pages.
        try withoutTraces(db) {
            for table in [
                "account_events", "command_entries", "price_history", "account_snapshots", "meta", "api_keys",
            ] {
                try db.execute(sql: "DROP TABLE \(table)")
            }
        }
        for table in derived + [meta, apiKeys] { try db.execute(sql: table) }
        for (key, value) in values where !MetaKey.derived.contains(key) { try set(value, for: key, in: db) }
        for key in keys { try insert(key, in: db) }
        _ = try countChange(in: db)
    }

    /// Has SQLite overwrite what is deleted meanwhile.
    static func withoutTraces<Value>(_ db: Database, _ work: () throws -> Value) throws -> Value {
        try db.execute(sql: "PRAGMA secure_delete = ON")
        defer { try? db.execute(sql: "PRAGMA secure_delete = OFF") }
        return try work()
    }
}
