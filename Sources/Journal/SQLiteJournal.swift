import GRDB
import Ledger
import Synchronization

/// The journal in one SQLite file, or in memory.
///
/// The file is in WAL mode with `synchronous=FULL`: a transaction is on disk when it is done, and readers
/// never wait for the writer. Events have no secondary index: one would cost a random page per event. What
/// must be found by account, command id or time is indexed behind the end in sorted lots (`updateIndexes`),
/// and reads look through the short rest themselves.
public final class SQLiteJournal: JournalStore {
    public let location: String
    let database: any DatabaseWriter
    private let lock: Mutex<StoreLock?>

    /// Marks a file as ours: "MRGN".
    static let applicationID = 0x4D52_474E
    /// The layout of the tables. A file with a greater one was written by a newer version.
    static let layoutVersion = 1

    private init(location: String, database: any DatabaseWriter, lock: StoreLock?) throws {
        self.location = location
        self.database = database
        self.lock = Mutex(lock)
    }

    // MARK: - Opening

    private static let layout = SQLiteLayout(
        applicationID: applicationID, version: layoutVersion, content: "store of Marginalia",
        createTables: createTables)

    /// A journal that is gone when the program ends.
    static func inMemory() throws(JournalError) -> SQLiteJournal {
        try translating("open a store in memory") {
            try SQLiteJournal(location: "memory:", database: layout.inMemory(), lock: nil)
        }
    }

    /// The journal in a file, which is made where it is missing and may be written.
    static func open(path: String, access: JournalAccess) throws(JournalError) -> SQLiteJournal {
        let (database, lock) = try layout.open(path: path, access: access)
        return try translating("open the store \(path)") {
            try SQLiteJournal(location: "sqlite:\(path)", database: database, lock: lock)
        }
    }

    public func close() throws(JournalError) {
        try translating("close the store") { try database.close() }
        lock.withLock { $0 = nil }
    }

    /// The level of `PRAGMA synchronous` of the writing connection; 2 is FULL.
    func synchronousLevel() throws(JournalError) -> Int {
        try translating("read a setting") {
            try database.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA synchronous") ?? -1 }
        }
    }

    // MARK: - Tables

    private static func createTables(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE events (
                    sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, account TEXT, counterparty TEXT,
                    type TEXT NOT NULL, command_id TEXT, command_digest BLOB, body TEXT NOT NULL,
                    checksum INTEGER NOT NULL
                ) STRICT;
                CREATE TABLE account_events (
                    account TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (account, sequence)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE command_entries (through INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT;
                CREATE TABLE price_history (
                    venue TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL,
                    sequence INTEGER NOT NULL, price TEXT NOT NULL,
                    PRIMARY KEY (venue, kind, name, at, sequence)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE account_snapshots (
                    ordinal INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, body TEXT NOT NULL,
                    checksum INTEGER NOT NULL
                ) STRICT;
                CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
                CREATE TABLE api_keys (
                    venue TEXT NOT NULL, api_key TEXT NOT NULL, secret TEXT NOT NULL,
                    passphrase_salt BLOB NOT NULL, passphrase_digest BLOB NOT NULL, permissions TEXT NOT NULL,
                    addresses TEXT NOT NULL, account TEXT NOT NULL, created_at INTEGER NOT NULL,
                    PRIMARY KEY (venue, api_key)
                ) STRICT, WITHOUT ROWID;
                """)
    }

    static func readTip(_ db: Database) throws -> JournalTip {
        let row = try Row.fetchOne(
            db, sql: "SELECT sequence, checksum FROM events ORDER BY sequence DESC LIMIT 1")
        guard let row else { return JournalTip() }
        return JournalTip(sequence: row[0], checksum: UInt64(bitPattern: row[1] as Int64))
    }

    // MARK: - Small things

    public func value(_ key: MetaKey) throws(JournalError) -> [UInt8]? {
        try translating("read the store") {
            try database.read { db in
                try Row.fetchOne(db, sql: "SELECT value FROM meta WHERE key = ?", arguments: [key.rawValue])
                    .map { [UInt8](try $0.decode(DataBytes.self, atIndex: 0).bytes) }
            }
        }
    }

    public func set(_ value: [UInt8], for key: MetaKey) throws(JournalError) {
        try translating("write the store") { try database.write { try Self.set(value, for: key, in: $0) } }
    }

    static func set(_ value: [UInt8], for key: MetaKey, in db: Database) throws {
        try db.execute(
            sql:
                """
                INSERT INTO meta (key, value) VALUES (?, ?)
                ON CONFLICT (key) DO UPDATE SET value = excluded.value
                """,
            arguments: [key.rawValue, DataBytes(value)])
    }

    public func structuralProblems() throws(JournalError) -> [String] {
        try translating("check the store") {
            try database.read { db in
                let problems = try String.fetchAll(db, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
                // What is asked of a file whose pages are damaged would only end in an error.
                return try problems.isEmpty ? Self.indexProblems(db) : problems
            }
        }
    }
}

/// Runs work on the database and turns what it throws into an error of ours; `purpose` completes "Cannot …".
func translating<Value>(_ purpose: String, _ work: () throws -> Value) throws(JournalError) -> Value {
    do {
        return try work()
    } catch let error as JournalError {
        throw error
    } catch let error as DatabaseError {
        let reason = error.message ?? error.resultCode.description
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            throw JournalError(.damaged, "Cannot \(purpose): the file is damaged (\(reason)).")
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH, .SQLITE_CANTOPEN:
            throw JournalError(.notPermitted, "Cannot \(purpose): \(reason).")
        default: throw JournalError(.unavailable, "Cannot \(purpose): \(reason).")
        }
    } catch {
        throw JournalError(.unavailable, "Cannot \(purpose): the database gives no access.")
    }
}
