import GRDB
import Ledger

/// What tells one kind of our SQLite files from others, and how it is opened: in WAL mode with
/// `synchronous=FULL`, so that a transaction is on disk when it is done, and readers never wait for the
/// writer; for its owner only, and for one writing process at a time.
struct SQLiteLayout: Sendable {
    /// Marks a file as of this kind.
    let applicationID: Int
    /// The layout of the tables. A file with a greater one was written by a newer version.
    let version: Int
    /// What such a file is, to follow "is no".
    let content: String
    let createTables: @Sendable (Database) throws -> Void

    /// A database that is gone when the program ends.
    func inMemory() throws -> any DatabaseWriter {
        let queue = try DatabaseQueue(configuration: Self.configuration())
        try queue.write { try create($0) }
        return queue
    }

    /// The database in a file, which is made where it is missing and may be written, with the lock that
    /// keeps other writers away.
    func open(
        path: String, access: JournalAccess
    ) throws(JournalError) -> (database: any DatabaseWriter, lock: StoreLock?) {
        switch access {
        case .readOnly: return (try openForReading(path), nil)
        case .readWrite:
            // Looked at before anything is touched: opening for writing changes a file, even one of others.
            if !StoreFile.isEmpty(path) { try requireOurs(path) }
            try StoreFile.prepare(path)
            let lock = try StoreLock(besides: path)
            return try translating("open the store \(path)") {
                let pool = try DatabasePool(path: path, configuration: Self.configuration())
                try pool.write { db in
                    if try Int.fetchOne(db, sql: "PRAGMA user_version") == 0 { try create(db) }
                }
                try Self.makeDurable(pool)
                return (pool, lock)
            }
        }
    }

    private func create(_ db: Database) throws {
        try createTables(db)
        try db.execute(sql: "PRAGMA application_id = \(applicationID)")
        try db.execute(sql: "PRAGMA user_version = \(version)")
    }

    private func openForReading(_ path: String) throws(JournalError) -> any DatabaseWriter {
        guard !StoreFile.isEmpty(path) else {
            throw JournalError(.unavailable, "There is no store at \(path).")
        }
        try requireOurs(path)
        return try translating("open the store \(path)") {
            var configuration = Self.configuration()
            configuration.readonly = true
            return try DatabasePool(path: path, configuration: configuration)
        }
    }

    /// Throws where the file is not of this kind, or one of a newer version. Changes nothing.
    private func requireOurs(_ path: String) throws(JournalError) {
        try translating("open the store \(path)") {
            var configuration = Self.configuration()
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
                    .notOurs, "\(path) is no \(content) but some other file; give another --store.")
            }
            // A file without tables is what an interrupted first start leaves.
            if marks.application == 0 && marks.version == 0 && marks.tables == 0 { return }
            guard marks.application == applicationID else {
                throw JournalError(
                    .notOurs,
                    "\(path) is a database of another program or for another purpose, and no "
                        + "\(content); give another --store.")
            }
            guard marks.version <= version else {
                throw JournalError(
                    .notOurs,
                    "The store \(path) was written by a newer version (layout \(marks.version); this program "
                        + "knows \(version)); upgrade the program.")
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
}
