import GRDB
import Ledger
import Synchronization

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
    /// What makes the tables and their indexes, each as SQLite keeps it.
    let tables: [String]
    /// Brings the tables of an older layout to this one.
    let migrate: @Sendable (Database, Int) throws -> Void

    /// The name under which the file was last opened for writing. With several hard links, the latest
    /// transactions may lie in the write-ahead log beside that name, where those who come by another do not
    /// see them.
    private static let nameTable =
        "CREATE TABLE opened_as (path TEXT NOT NULL, checksum INTEGER NOT NULL) STRICT"

    /// A database that is gone when the program ends.
    func inMemory() throws -> OpenedStore {
        let queue = try DatabaseQueue(configuration: Self.configuration())
        try queue.write { try create($0) }
        return OpenedStore(path: "", database: queue, version: version, file: nil)
    }

    /// The database in a file. For writing it is made where it is missing, brought to this layout, and held.
    func open(path: String, access: JournalAccess) throws(JournalError) -> OpenedStore {
        switch access {
        case .readOnly: return try openForReading(path)
        case .readWrite:
            // Held and looked at before anything is touched: opening for writing changes a file, even one of
            // others.
            let file = try StoreFile(path)
            _ = try version(at: path)
            try file.secure()
            return try translating("open the store \(path)") {
                try requireOwnName(file.path)
                let pool = try DatabasePool(path: file.path, configuration: Self.configuration())
                try Self.makeDurable(pool)
                try pool.write { db in
                    let found = try Self.number("PRAGMA user_version", in: db)
                    if found == 0 {
                        try create(db)
                    } else if found < version {
                        try migrate(db, found)
                        try db.execute(sql: "PRAGMA user_version = \(version)")
                    }
                    try requireLayout(db, path)
                }
                try Self.note(file.path, in: pool)
                return OpenedStore(path: file.path, database: pool, version: version, file: file)
            }
        }
    }

    private func create(_ db: Database) throws {
        for table in tables { try db.execute(sql: table) }
        try db.execute(sql: "PRAGMA application_id = \(applicationID)")
        try db.execute(sql: "PRAGMA user_version = \(version)")
    }

    private func openForReading(_ path: String) throws(JournalError) -> OpenedStore {
        guard let found = try version(at: path) else {
            throw JournalError(
                .unavailable,
                StoreFile.isEmpty(path)
                    ? "There is no store at \(path)."
                    : "There is no store at \(path) yet: making it was cut off, and the next start makes it."
            )
        }
        let real = StoreFile.resolved(path)
        if HotJournal(beside: real) != nil { try playBack(path) }
        return try translating("open the store \(path)") {
            try requireOwnName(real)
            var configuration = Self.configuration()
            configuration.readonly = true
            let pool = try DatabasePool(path: real, configuration: configuration)
            if found == version { try pool.read { try requireLayout($0, path) } }
            return OpenedStore(path: real, database: pool, version: found, file: nil)
        }
    }

    /// Has SQLite undo the transaction that a killed process left half done, as only a writer can.
    private func playBack(_ path: String) throws(JournalError) {
        let file = try StoreFile(path)
        try translating("undo what was left half done in the store \(path)") {
            let queue = try DatabaseQueue(path: file.path, configuration: Self.configuration())
            _ = try queue.read { try Self.number("PRAGMA schema_version", in: $0) }
            try queue.close()
        }
    }

    // MARK: - Looking first

    /// The layout of the store at a path, found out without changing anything; nil where there is none yet:
    /// no file, an empty one, or one whose making was cut off. Throws for a file of another kind, and for a
    /// layout that no version up to this one has written.
    private func version(at path: String) throws(JournalError) -> Int? {
        if StoreFile.isEmpty(path) { return nil }
        let real = StoreFile.resolved(path)
        let marks: StoreMarks?
        if let journal = HotJournal(beside: real) {
            // SQLite cannot look into such a file without writing. What it would undo is either all there
            // is, or a transaction that does not change what the file is.
            if journal.pagesBefore == 0 { return nil }
            marks = StoreMarks(headerOf: real)
        } else {
            marks = try translating("open the store \(path)") { try Self.marks(real) }
            if marks?.application == 0, marks?.version == 0, try isWithoutTables(real) { return nil }
        }
        guard let marks else {
            throw JournalError(
                .notOurs, "\(path) is no \(content) but some other file; give another --store.")
        }
        guard marks.application == applicationID else {
            throw JournalError(
                .notOurs,
                "\(path) is a database of another program or for another purpose, and no "
                    + "\(content); give another --store.")
        }
        if marks.version > version {
            throw JournalError(
                .notOurs,
                "The store \(path) was written by a newer version (layout \(marks.version); this program "
                    + "knows \(version)); upgrade the program.")
        }
        guard marks.version > 0 else {
            throw JournalError(
                .notOurs,
                "The store \(path) has the layout \(marks.version), which no version of this program writes; "
                    + "restore it from a backup, or give another --store.")
        }
        return marks.version
    }

    private static func looking<Value>(_ path: String, _ look: (Database) throws -> Value) throws -> Value {
        var configuration = configuration()
        configuration.readonly = true
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? queue.close() }
        return try queue.read(look)
    }

    /// Nil for a file that is no database.
    private static func marks(_ path: String) throws -> StoreMarks? {
        do {
            return try looking(path) { db in
                StoreMarks(
                    application: try number("PRAGMA application_id", in: db),
                    version: try number("PRAGMA user_version", in: db))
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
            return nil
        }
    }

    private func isWithoutTables(_ path: String) throws(JournalError) -> Bool {
        try translating("open the store \(path)") {
            try Self.looking(path) { try Self.number("SELECT count(*) FROM sqlite_master", in: $0) == 0 }
        }
    }

    static func number(_ sql: String, in db: Database) throws -> Int {
        let statement = try RawStatement(sql, in: db)
        defer { statement.reset() }
        return try statement.step() ? Int(statement.number(0)) : 0
    }

    // MARK: - Names

    /// Throws where the file has other names, was last opened by one of them, and its latest transactions
    /// still lie beside that one.
    private func requireOwnName(_ path: String) throws {
        guard let identity = FileIdentity(path), identity.names > 1, !StoreFile.isEmpty(path),
            let name = try Self.looking(path, { try Self.name(in: $0) }), name != path,
            FileIdentity(name) == identity, !StoreFile.isEmpty(name + "-wal")
        else { return }
        throw JournalError(
            .unavailable,
            "The store \(path) is the same file as \(name), and its latest transactions lie in \(name)-wal; "
                + "give --store sqlite:\(name).")
    }

    /// Nil where none was noted, or it is damaged: it is noted anew at the next start.
    private static func name(in db: Database) throws -> String? {
        guard try !nameTables(db).isEmpty, try isNameIntact(db) else { return nil }
        let statement = try RawStatement("SELECT path FROM opened_as", in: db)
        defer { statement.reset() }
        return try statement.step() ? statement.text(0) : nil
    }

    /// What the file says of the table of the name: nothing where there is none, one line where all is well.
    private static func nameTables(_ db: Database) throws -> [SchemaLine] {
        // A flipped bit may have changed its name alone: SQLite, to which the case of a name is nothing,
        // still finds the table, or it is left behind under another name.
        try SchemaLine.all(in: db).filter {
            $0.name.lowercased() == "opened_as" || $0.statement == Array(nameTable.utf8)
        }
    }

    /// Whether the noted name is as it was written; also where there is none.
    static func isNameIntact(_ db: Database) throws -> Bool {
        let lines = try nameTables(db)
        if lines.isEmpty { return true }
        guard lines == [SchemaLine(making: nameTable)] else { return false }
        let statement = try RawStatement("SELECT path, checksum FROM opened_as", in: db)
        defer { statement.reset() }
        guard try statement.step() else { return false }
        return checksum(ofName: statement.text(0)) == UInt64(bitPattern: statement.number(1))
    }

    private static func checksum(ofName path: String?) -> UInt64 {
        var hash = ChecksumHash()
        hash.add(path)
        return hash.value
    }

    /// Notes in the file itself by which name it is open, before anything else is written.
    private static func note(_ path: String, in pool: DatabasePool) throws {
        if try pool.read({ try name(in: $0) }) == path { return }
        try pool.write { db in
            try db.execute(sql: "DROP TABLE IF EXISTS opened_as")
            try db.execute(sql: nameTable)
            try db.execute(
                sql: "INSERT INTO opened_as (path, checksum) VALUES (?, ?)",
                arguments: [path, Int64(bitPattern: checksum(ofName: path))])
        }
        _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
    }

    // MARK: - Tables

    /// Throws where a table is not laid out as it was made: what its columns hold could be misread.
    private func requireLayout(_ db: Database, _ path: String) throws {
        let found = Set(try SchemaLine.all(in: db))
        guard let lost = tables.lazy.map({ SchemaLine(making: $0) }).first(where: { !found.contains($0) })
        else { return }
        throw JournalError(
            .damaged,
            "The table \(lost.name) of the store \(path) is not laid out as it was made; restore the store "
                + "from a backup.")
    }

    // MARK: - Settings

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
    /// which the last commits are lost when the power fails. The write-ahead log goes into the file after 16
    /// MB, and is cut to that when a long read has let it grow beyond.
    private static func makeDurable(_ pool: DatabasePool) throws {
        let level = try pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(sql: "PRAGMA fullfsync = ON")
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 4000")
            try db.execute(sql: "PRAGMA journal_size_limit = 16777216")
            return try number("PRAGMA synchronous", in: db)
        }
        guard level == 2 else {
            throw JournalError(
                .unavailable, "SQLite does not take synchronous=FULL, so nothing would be durable.")
        }
    }
}

/// An open SQLite file of ours, with what must be let go of in the right order.
final class OpenedStore: Sendable {
    /// The path without links; empty in memory.
    let path: String
    let database: any DatabaseWriter
    /// The layout of its tables; older than ours only where it is open for reading.
    let version: Int
    private let file: Mutex<StoreFile?>

    init(path: String, database: any DatabaseWriter, version: Int, file: StoreFile?) {
        self.path = path
        self.database = database
        self.version = version
        self.file = Mutex(file)
    }

    /// Moves the write-ahead log into the file, closes it, and lets others write to it.
    func close() throws(JournalError) {
        let isHeld = file.withLock { $0 != nil }
        try translating("close the store") {
            if isHeld, let pool = database as? DatabasePool {
                // The last connection to close empties the log, but GRDB closes the writer before its
                // readers. Where another process reads, the log stays, and is as durable as the file.
                try? pool.barrierWriteWithoutTransaction { _ = try $0.checkpoint(.truncate) }
                pool.invalidateReadOnlyConnections()
            }
            try database.close()
        }
        file.withLock { $0 = nil }
    }
}

/// What SQLite keeps of a table or an index: its name, its table's, and the statement that made it, to the
/// byte.
private struct SchemaLine: Hashable {
    let name: String
    let table: String
    let statement: [UInt8]

    /// The line that a statement of ours leaves: `CREATE TABLE name (…)` or `CREATE INDEX name ON table (…)`.
    init(making statement: String) {
        let words = statement.split(separator: " ", maxSplits: 5)
        name = String(words[2])
        table = words[1] == "INDEX" ? String(words[4]) : name
        self.statement = Array(statement.utf8)
    }

    private init(_ name: String, _ table: String, _ statement: [UInt8]) {
        self.name = name
        self.table = table
        self.statement = statement
    }

    static func all(in db: Database) throws -> [SchemaLine] {
        let rows = try RawStatement(
            "SELECT name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL", in: db)
        defer { rows.reset() }
        var lines: [SchemaLine] = []
        while try rows.step() {
            lines.append(SchemaLine(rows.text(0) ?? "", rows.text(1) ?? "", rows.bytes(2) ?? []))
        }
        return lines
    }
}
