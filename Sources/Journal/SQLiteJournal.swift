import GRDB
import Ledger
import Synchronization

/// The journal in one SQLite file, or in memory.
///
/// The file is in WAL mode with `synchronous=FULL`: a transaction is on disk when it is done, and readers
/// never wait for the writer. Events have no secondary index: one would cost a random page per event. What
/// must be found by account, command id or time is indexed behind the end in sorted lots (`updateIndexes`),
/// and reads look through the short rest themselves.
///
/// Everything read is compared with its checksum. What comes from the events and is damaged is not used, and
/// made again; a damaged event, key or small thing is refused by its name.
public final class SQLiteJournal: JournalStore {
    /// Where it is, as `--store` names it: `sqlite:PATH` or `memory:`.
    public let location: String
    let store: OpenedStore
    /// The end of the store, kept beside it; nil in memory and for looking only.
    let tipFile: TipFile?
    /// What the file beside the store told when it was opened.
    let found: TipFile.Finding
    let report: @Sendable (String) -> Void
    /// Whether an index was found to be damaged, and none is used until they are made again.
    let areIndexesDamaged = Mutex(false)

    var database: any DatabaseWriter { store.database }

    private init(
        location: String, store: OpenedStore, tipFile: TipFile?, found: TipFile.Finding,
        report: @escaping @Sendable (String) -> Void
    ) {
        self.location = location
        self.store = store
        self.tipFile = tipFile
        self.found = found
        self.report = report
    }

    // MARK: - Opening

    /// A journal that is gone when the program ends.
    static func inMemory(options: JournalOptions = JournalOptions()) throws(JournalError) -> SQLiteJournal {
        try translating("open a store in memory") {
            SQLiteJournal(
                location: "memory:", store: try layout.inMemory(), tipFile: nil, found: .none,
                report: options.report)
        }
    }

    /// The journal in a file, which is made where it is missing and may be written.
    static func open(
        path: String, access: JournalAccess, options: JournalOptions = JournalOptions()
    ) throws(JournalError) -> SQLiteJournal {
        let location = "sqlite:\(path)"
        // Looked at before the store: a server that runs moves both on, the store first.
        let found = TipFile.find(of: StoreFile.resolved(path))
        if access == .readOnly {
            return SQLiteJournal(
                location: location, store: try layout.open(path: path, access: access), tipFile: nil,
                found: found, report: options.report)
        }
        let isThere = !StoreFile.isEmpty(path)
        if !options.acceptsShorterLedger, let problem = Self.problem(of: found, isThere: isThere, path) {
            throw JournalError(.damaged, "\(problem) \(JournalError.restore)")
        }
        let store = try layout.open(path: path, access: .readWrite)
        do throws(JournalError) {
            let end = try translating("open the store \(path)") {
                try store.database.write { db in
                    try prepare(db, found: found, path: path, options: options)
                    return try readEnd(db)
                }
            }
            return SQLiteJournal(
                location: location, store: store, tipFile: try TipFile(of: store.path, end, found: found),
                found: found,
                report: options.report)
        } catch {
            try? store.close()
            throw error
        }
    }

    /// Closes the store; nothing can be read or written after it.
    public func close() throws(JournalError) { try store.close() }

    /// The level of `PRAGMA synchronous` of the writing connection; 2 is FULL.
    func synchronousLevel() throws(JournalError) -> Int {
        try translating("read a setting") {
            try database.writeWithoutTransaction { try SQLiteLayout.number("PRAGMA synchronous", in: $0) }
        }
    }

    // MARK: - Reading and writing

    func reading<Value>(_ work: (Database) throws -> Value) throws(JournalError) -> Value {
        try translating("read the store") { try database.read(work) }
    }

    /// Changes keys or small things; durable, and noted beside the store, when it returns.
    func changing<Value>(_ work: (Database) throws -> Value) throws(JournalError) -> Value {
        let (value, revision) = try translating("write the store") {
            try database.write { db in
                (try work(db), try Self.countChange(in: db))
            }
        }
        try tipFile?.note { $0.revision = revision }
        return value
    }
}

/// Runs work on the database and turns what it throws into an error of ours; `purpose` completes "Cannot …".
func translating<Value>(_ purpose: String, _ work: () throws -> Value) throws(JournalError) -> Value {
    do {
        return try work()
    } catch let error as JournalError {
        throw error
    } catch let error as DatabaseError {
        // The copy of a database says why it failed by its code alone, and its connections of no error.
        let isTold = error.message != nil && error.message != "not an error"
        let reason = isTold ? error.message ?? "" : error.resultCode.description
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            throw JournalError(
                .damaged,
                "Cannot \(purpose): the file is damaged (\(reason)); restore it from a backup.")
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH, .SQLITE_CANTOPEN:
            throw JournalError(.notPermitted, "Cannot \(purpose): \(reason).")
        default: throw JournalError(.unavailable, "Cannot \(purpose): \(reason).")
        }
    } catch {
        throw JournalError(.unavailable, "Cannot \(purpose): the database gives no access.")
    }
}
