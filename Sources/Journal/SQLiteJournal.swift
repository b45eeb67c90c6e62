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

    /// A journal that is gone when the program ends.
    static func inMemory() throws(JournalError) -> SQLiteJournal {
        try translating("open a store in memory") {
            let queue = try DatabaseQueue(configuration: configuration())
            try queue.write { try createTables($0) }
            return try SQLiteJournal(location: "memory:", database: queue, lock: nil)
        }
    }

    /// The journal in a file, which is made where it is missing and may be written.
    static func open(path: String, access: JournalAccess) throws(JournalError) -> SQLiteJournal {
        switch access {
        case .readOnly: return try openForReading(path)
        case .readWrite:
            // Looked at before anything is touched: opening for writing changes a file, even one of others.
            let isNew = StoreFile.isEmpty(path)
            if !isNew { try requireOurs(path) }
            try StoreFile.prepare(path)
            let lock = try StoreLock(besides: path)
            return try translating("open the store \(path)") {
                let pool = try DatabasePool(path: path, configuration: configuration())
                try pool.write { db in
                    if try Int.fetchOne(db, sql: "PRAGMA user_version") == 0 { try createTables(db) }
                }
                try makeDurable(pool)
                return try SQLiteJournal(location: "sqlite:\(path)", database: pool, lock: lock)
            }
        }
    }

    private static func openForReading(_ path: String) throws(JournalError) -> SQLiteJournal {
        guard !StoreFile.isEmpty(path) else {
            throw JournalError(.unavailable, "There is no store at \(path).")
        }
        try requireOurs(path)
        return try translating("open the store \(path)") {
            var configuration = configuration()
            configuration.readonly = true
            let pool = try DatabasePool(path: path, configuration: configuration)
            return try SQLiteJournal(location: "sqlite:\(path)", database: pool, lock: nil)
        }
    }

    /// Throws where the file is not a journal of ours, or one of a newer version. Changes nothing.
    private static func requireOurs(_ path: String) throws(JournalError) {
        try translating("open the store \(path)") {
            var configuration = configuration()
            configuration.readonly = true
            let marks: (application: Int, version: Int, tables: Int)
            do {
                marks = try DatabaseQueue(path: path, configuration: configuration).read { db in
                    (
                        try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0,
                        try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0,
                        try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
                    )
                }
            } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
                throw JournalError(
                    .notOurs, "\(path) is no store of Marginalia but some other file; give another --store.")
            }
            // A file without tables is what an interrupted first start leaves.
            if marks.application == 0 && marks.version == 0 && marks.tables == 0 { return }
            guard marks.application == applicationID else {
                throw JournalError(
                    .notOurs, "\(path) is a database of another program; give another --store.")
            }
            guard marks.version <= layoutVersion else {
                throw JournalError(
                    .notOurs,
                    "The store \(path) was written by a newer version (layout \(marks.version); this program "
                        + "knows \(layoutVersion)); upgrade the program.")
            }
        }
    }

    private static func configuration() -> Configuration {
        var configuration = Configuration()
        configuration.label = "marginalia.journal"
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA temp_store = MEMORY")
            try db.execute(sql: "PRAGMA cache_size = -16000")
        }
        return configuration
    }

    /// Makes every commit wait for the disk, and proves that it is set: GRDB sets NORMAL in WAL mode, with
    /// which the last commits are lost when the power fails.
    private static func makeDurable(_ pool: DatabasePool) throws {
        let level = try pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(sql: "PRAGMA fullfsync = ON")
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 4000")
            return try Int.fetchOne(db, sql: "PRAGMA synchronous")
        }
        guard level == 2 else {
            throw JournalError(
                .unavailable, "SQLite does not take synchronous=FULL, so nothing would be durable.")
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
        try db.execute(sql: "PRAGMA application_id = \(applicationID)")
        try db.execute(sql: "PRAGMA user_version = \(layoutVersion)")
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
