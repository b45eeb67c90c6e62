import GRDB
import Ledger
import Synchronization

/// One reading of an account: every answer of its venue at one moment, byte for byte.
public struct Recording: Sendable, Equatable {
    /// Its place in the store; the first is 1. Given by the store.
    public var sequence: Int64
    public let venue: VenueName
    /// The account as the desk names it.
    public let account: String
    /// When the last of the answers came in.
    public let takenAt: LedgerTime
    /// The answers in their order.
    public let answers: [Answer]

    /// One answer.
    public struct Answer: Sendable, Equatable {
        /// The call that it answers, such as `balance`.
        public let call: String
        /// When it came in.
        public let takenAt: LedgerTime
        public let body: [UInt8]

        public init(call: String, takenAt: LedgerTime, body: [UInt8]) {
            self.call = call
            self.takenAt = takenAt
            self.body = body
        }
    }

    public init(
        sequence: Int64 = 0, venue: VenueName, account: String, takenAt: LedgerTime, answers: [Answer]
    ) {
        self.sequence = sequence
        self.venue = venue
        self.account = account
        self.takenAt = takenAt
        self.answers = answers
    }
}

/// What a store holds of one account.
public struct RecordedAccount: Sendable, Equatable {
    public let venue: VenueName
    public let account: String
    /// How many recordings there are.
    public let count: Int64
    public let first: LedgerTime
    public let last: LedgerTime
}

/// An append-only store of what venues have answered, in one SQLite file of its own.
///
/// A recording is durable when `append` returns, and is never changed or deleted. A checksum over each
/// recording and all before it finds damage; equal bodies are kept once.
public final class RecordingStore: Sendable {
    /// Where it is, for messages.
    public let location: String
    private let database: any DatabaseWriter
    private let lock: Mutex<StoreLock?>

    private static let layout = SQLiteLayout(
        applicationID: 0x4D52_4752, version: 1, content: "store of recordings", createTables: createTables)

    /// Opens the recordings that a location names: `sqlite:PATH` or `memory:`.
    ///
    /// Throws `JournalError` where the file is none of recordings, is written by another process, or cannot
    /// be made.
    public init(_ location: String, access: JournalAccess = .readWrite) throws(JournalError) {
        self.location = location
        if location == "memory:" {
            database = try translating("open a store in memory") { try Self.layout.inMemory() }
            lock = Mutex(nil)
            return
        }
        let path = location.hasPrefix("sqlite:") ? String(location.dropFirst("sqlite:".count)) : ""
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw JournalError(
                .badLocation, "Recordings lie in sqlite:PATH, as in sqlite:marginalia-data/recordings.db.")
        }
        let (database, lock) = try Self.layout.open(path: path, access: access)
        self.database = database
        self.lock = Mutex(lock)
    }

    /// Closes the store and lets others write to it.
    public func close() throws(JournalError) {
        try translating("close the store") { try database.close() }
        lock.withLock { $0 = nil }
    }

    private static let createTables: @Sendable (Database) throws -> Void = { db in
        try db.execute(
            sql: """
                CREATE TABLE recordings (
                    sequence INTEGER PRIMARY KEY, venue TEXT NOT NULL, account TEXT NOT NULL,
                    taken_at INTEGER NOT NULL, checksum INTEGER NOT NULL
                ) STRICT;
                CREATE INDEX recordings_by_account ON recordings (account, taken_at, sequence);
                CREATE TABLE bodies (
                    body INTEGER PRIMARY KEY, hash INTEGER NOT NULL, bytes BLOB NOT NULL
                ) STRICT;
                CREATE INDEX bodies_by_hash ON bodies (hash);
                CREATE TABLE answers (
                    recording INTEGER NOT NULL, place INTEGER NOT NULL, call TEXT NOT NULL,
                    taken_at INTEGER NOT NULL, body INTEGER NOT NULL, PRIMARY KEY (recording, place)
                ) STRICT, WITHOUT ROWID;
                """)
    }

    // MARK: - Writing

    /// Appends recordings in one transaction, all or none, and gives their sequences.
    @discardableResult
    public func append(_ recordings: [Recording]) throws(JournalError) -> [Int64] {
        try translating("write the recordings") {
            try database.write { db in
                var (sequence, checksum) = try Self.tip(db)
                return try recordings.map { recording in
                    sequence += 1
                    var recording = recording
                    recording.sequence = sequence
                    checksum = recording.checksum(after: checksum)
                    try Self.insert(recording, checksum: checksum, into: db)
                    return sequence
                }
            }
        }
    }

    private static func tip(_ db: Database) throws -> (Int64, UInt64) {
        let row = try Row.fetchOne(
            db, sql: "SELECT sequence, checksum FROM recordings ORDER BY sequence DESC LIMIT 1")
        return row.map { ($0[0], UInt64(bitPattern: $0[1] as Int64)) } ?? (0, 0)
    }

    private static func insert(_ recording: Recording, checksum: UInt64, into db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO recordings (sequence, venue, account, taken_at, checksum) VALUES (?, ?, ?, ?, ?)
                """,
            arguments: [
                recording.sequence, recording.venue.rawValue, recording.account,
                recording.takenAt.milliseconds, Int64(bitPattern: checksum),
            ])
        for (place, answer) in recording.answers.enumerated() {
            try db.execute(
                sql: "INSERT INTO answers (recording, place, call, taken_at, body) VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    recording.sequence, place, answer.call, answer.takenAt.milliseconds,
                    try identity(of: answer.body, in: db),
                ])
        }
    }

    /// The row of a body: that of an equal one where there is one, else a new one.
    private static func identity(of body: [UInt8], in db: Database) throws -> Int64 {
        var hash = ChecksumHash()
        hash.add(body)
        let signed = Int64(bitPattern: hash.value)
        let found = try Int64.fetchOne(
            db, sql: "SELECT body FROM bodies WHERE hash = ? AND bytes = ?",
            arguments: [signed, DataBytes(body)])
        if let found { return found }
        try db.execute(
            sql: "INSERT INTO bodies (hash, bytes) VALUES (?, ?)", arguments: [signed, DataBytes(body)])
        return db.lastInsertedRowID
    }

    // MARK: - Reading

    /// What there is, account by account, in the order of their names.
    public func accounts() throws(JournalError) -> [RecordedAccount] {
        try translating("read the recordings") {
            try database.read { db in
                try Row.fetchAll(
                    db,
                    sql: """
                        SELECT venue, account, count(*), min(taken_at), max(taken_at) FROM recordings
                        GROUP BY venue, account ORDER BY account, venue
                        """
                ).map { row in
                    RecordedAccount(
                        venue: VenueName(rawValue: row[0]), account: row[1], count: row[2],
                        first: LedgerTime(milliseconds: row[3]), last: LedgerTime(milliseconds: row[4]))
                }
            }
        }
    }

    /// The last recording of an account at or before a time; nil where there is none.
    public func recording(of account: String, asOf time: LedgerTime) throws(JournalError) -> Recording? {
        try recordings(
            where: "account = ? AND taken_at <= ? ORDER BY taken_at DESC, sequence DESC LIMIT 1",
            [account, time.milliseconds]
        ).first
    }

    /// Recordings of an account from a time to another, both included, in the order of their times and no
    /// more than `limit`; after a sequence, to go on with.
    public func recordings(
        of account: String, from: LedgerTime, to: LedgerTime, limit: Int
    ) throws(JournalError) -> [Recording] {
        try recordings(
            where: "account = ? AND taken_at BETWEEN ? AND ? ORDER BY taken_at, sequence LIMIT ?",
            [account, from.milliseconds, to.milliseconds, limit])
    }

    private func recordings(
        where condition: String, _ arguments: StatementArguments
    ) throws(JournalError) -> [Recording] {
        try translating("read the recordings") {
            try database.read { db in
                let rows = try Row.fetchAll(
                    db, sql: "SELECT sequence, venue, account, taken_at FROM recordings WHERE \(condition)",
                    arguments: arguments)
                return try rows.map { try Self.recording($0, in: db) }
            }
        }
    }

    private static func recording(_ row: Row, in db: Database) throws -> Recording {
        let answers = try Row.fetchAll(
            db,
            sql: """
                SELECT call, taken_at, bytes FROM answers JOIN bodies USING (body)
                WHERE recording = ? ORDER BY place
                """,
            arguments: [row[0] as Int64])
        return Recording(
            sequence: row[0], venue: VenueName(rawValue: row[1]), account: row[2],
            takenAt: LedgerTime(milliseconds: row[3]),
            answers: try answers.map { answer in
                Recording.Answer(
                    call: answer[0], takenAt: LedgerTime(milliseconds: answer[1]),
                    body: try answer.decode(DataBytes.self, atIndex: 2).bytes)
            })
    }

    /// What is wrong with the store: a recording that is not as it was written, one that is gone; empty where
    /// nothing is.
    public func problems() throws(JournalError) -> [String] {
        try translating("check the recordings") {
            try database.read { db in
                let structural = try String.fetchAll(db, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
                if !structural.isEmpty { return structural }
                var expected: Int64 = 0
                var checksum: UInt64 = 0
                let rows = try Row.fetchCursor(
                    db,
                    sql: """
                        SELECT sequence, venue, account, taken_at, checksum FROM recordings ORDER BY sequence
                        """)
                while let row = try rows.next() {
                    expected += 1
                    guard row[0] as Int64 == expected else {
                        return ["Recording \(expected) is gone."]
                    }
                    checksum = try Self.recording(row, in: db).checksum(after: checksum)
                    guard Int64(bitPattern: checksum) == row[4] as Int64 else {
                        return ["Recording \(expected) is not as it was written."]
                    }
                }
                return []
            }
        }
    }
}

extension Recording {
    /// The checksum of this recording and all before it.
    func checksum(after previous: UInt64) -> UInt64 {
        var hash = ChecksumHash()
        hash.add(previous)
        hash.add(UInt64(bitPattern: sequence))
        hash.add(venue.rawValue)
        hash.add(account)
        hash.add(UInt64(bitPattern: takenAt.milliseconds))
        for answer in answers {
            hash.add(answer.call)
            hash.add(UInt64(bitPattern: answer.takenAt.milliseconds))
            hash.add(answer.body)
        }
        return hash.value
    }
}
