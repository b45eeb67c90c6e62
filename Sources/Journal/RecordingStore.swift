import GRDB
import Ledger

/// One reading of an account: every answer of its venue at one moment, byte for byte.
public struct Recording: Sendable, Equatable {
    /// Its place in the store; the first is 1. Given by the store.
    public var sequence: Int64
    /// The venue whose answers they are.
    public let venue: VenueName
    /// The account as the desk names it.
    public let account: String
    /// When the last of the answers came in.
    public let takenAt: LedgerTime
    /// The answers in their order.
    public let answers: [Answer]

    /// One answer of a venue, byte for byte.
    public struct Answer: Sendable, Equatable {
        /// The call that it answers, such as `balance`.
        public let call: String
        /// When it came in.
        public let takenAt: LedgerTime
        /// The answer's body as it was sent.
        public let body: [UInt8]

        /// An answer to a call, and when it was taken.
        public init(call: String, takenAt: LedgerTime, body: [UInt8]) {
            self.call = call
            self.takenAt = takenAt
            self.body = body
        }
    }

    /// A reading of an account; the store gives it its place.
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
    /// The venue whose answers are recorded.
    public let venue: VenueName
    /// The account as the desk names it.
    public let account: String
    /// How many recordings there are.
    public let count: Int64
    /// When the first of them was taken.
    public let first: LedgerTime
    /// When the last of them was taken.
    public let last: LedgerTime
}

/// An append-only store of what venues have answered, in one SQLite file of its own.
///
/// A recording is durable when `append` returns, and is never changed or deleted. A checksum over each
/// recording and all before it finds damage, a file beside the store that some are gone; equal bodies are
/// kept once.
public final class RecordingStore: Sendable {
    /// Where it is, for messages.
    public let location: String
    private let store: OpenedStore
    /// How far the recordings go, kept beside them; nil in memory and for looking only.
    private let tipFile: TipFile?
    /// What the file beside the store told when it was opened.
    private let found: TipFile.Finding
    private var database: any DatabaseWriter { store.database }

    private static let layout = SQLiteLayout(
        applicationID: 0x4D52_4752, version: 1, content: "store of recordings", tables: tables
    ) { _, _ in }

    /// Opens the recordings that a location names: `sqlite:PATH` or `memory:`.
    ///
    /// Throws `JournalError` where the file is none of recordings, is written by another process, or cannot
    /// be made; `damaged` where recordings are gone that it is known to have had, unless fewer are accepted.
    public init(
        _ location: String, access: JournalAccess = .readWrite, acceptsFewer: Bool = false
    ) throws(JournalError) {
        self.location = location
        if location == "memory:" {
            store = try translating("open a store in memory") { try Self.layout.inMemory() }
            (tipFile, found) = (nil, .none)
            return
        }
        let path = location.hasPrefix("sqlite:") ? String(location.dropFirst("sqlite:".count)) : ""
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw JournalError(
                .badLocation, "Recordings lie in sqlite:PATH, as in sqlite:marginalia-data/recordings.db.")
        }
        // Looked at before the store: whoever records moves both on, the store first.
        found = TipFile.find(of: StoreFile.resolved(path))
        if !acceptsFewer || access == .readOnly, let loss = Self.lossOfAll(found, path) {
            throw Self.fewer(loss)
        }
        store = try Self.layout.open(path: path, access: access)
        do throws(JournalError) {
            let (end, loss) = try translating("open the store \(path)") { [store, found] in
                try store.database.read { (try Self.tip($0), try Self.loss(of: found, in: $0, path)) }
            }
            if let loss, !acceptsFewer { throw Self.fewer(loss) }
            tipFile =
                access == .readOnly
                ? nil : try TipFile(of: store.path, StoreEnd(tip: end), found: found)
        } catch {
            try? store.close()
            throw error
        }
    }

    // MARK: - What must be there

    /// What the file beside the store tells where there is no store; nil where there is one.
    private static func lossOfAll(_ found: TipFile.Finding, _ path: String) -> String? {
        guard StoreFile.isEmpty(path), case .end(let end, _) = found, end.tip.sequence > 0 else { return nil }
        return "There are no recordings in \(path) any more; there were \(end.tip.sequence)."
    }

    /// What the store is known to have had and has not; nil where it has all.
    private static func loss(
        of found: TipFile.Finding, in db: Database, _ path: String
    ) throws -> String? {
        let end: JournalTip
        switch found {
        case .none: return nil
        case .damaged:
            return "\(TipFile.path(of: path)), which tells how far the recordings go, is damaged."
        case .end(let told, _): end = told.tip
        }
        let last = try tip(db)
        if last.sequence < end.sequence {
            return "The recordings in \(path) end with number \(last.sequence), but there were "
                + "\(end.sequence): those between were durable and are gone."
        }
        if end.sequence == 0 { return nil }
        let statement = try RawStatement("SELECT checksum FROM recordings WHERE sequence = ?", in: db)
        statement.bind(end.sequence, at: 1)
        defer { statement.reset() }
        if try statement.step(), UInt64(bitPattern: statement.number(0)) == end.checksum { return nil }
        return "Recording \(end.sequence) of \(path) is not the one that was there: it or one before it was "
            + "changed, or other recordings were put in its place."
    }

    private static func fewer(_ loss: String) -> JournalError {
        JournalError(
            .damaged,
            "\(loss) Restore them from a backup; or, to go on with what is there, give "
                + "--accept-fewer-recordings once.")
    }

    /// Closes the store and lets others write to it.
    public func close() throws(JournalError) { try store.close() }

    private static let tables = [
        """
        CREATE TABLE recordings (
            sequence INTEGER PRIMARY KEY, venue TEXT NOT NULL, account TEXT NOT NULL,
            taken_at INTEGER NOT NULL, checksum INTEGER NOT NULL
        ) STRICT
        """,
        "CREATE INDEX recordings_by_account ON recordings (account, taken_at, sequence)",
        """
        CREATE TABLE bodies (
            body INTEGER PRIMARY KEY, hash INTEGER NOT NULL, bytes BLOB NOT NULL
        ) STRICT
        """,
        "CREATE INDEX bodies_by_hash ON bodies (hash)",
        """
        CREATE TABLE answers (
            recording INTEGER NOT NULL, place INTEGER NOT NULL, call TEXT NOT NULL,
            taken_at INTEGER NOT NULL, body INTEGER NOT NULL, PRIMARY KEY (recording, place)
        ) STRICT, WITHOUT ROWID
        """,
    ]

    // MARK: - Writing

    /// Appends recordings in one transaction, all or none, and gives their sequences.
    @discardableResult
    public func append(_ recordings: [Recording]) throws(JournalError) -> [Int64] {
        let (sequences, end) = try translating("write the recordings") {
            try database.write { db in
                var end = try Self.tip(db)
                let sequences = try recordings.map { recording in
                    var recording = recording
                    recording.sequence = end.sequence + 1
                    end = JournalTip(
                        sequence: recording.sequence, checksum: recording.checksum(after: end.checksum))
                    try Self.insert(recording, checksum: end.checksum, into: db)
                    return end.sequence
                }
                return (sequences, end)
            }
        }
        try tipFile?.note { $0.tip = end }
        return sequences
    }

    private static func tip(_ db: Database) throws -> JournalTip {
        let statement = try RawStatement(
            "SELECT sequence, checksum FROM recordings ORDER BY sequence DESC LIMIT 1", in: db)
        defer { statement.reset() }
        guard try statement.step() else { return JournalTip() }
        return JournalTip(sequence: statement.number(0), checksum: UInt64(bitPattern: statement.number(1)))
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
        try reading { db in
            let statement = try RawStatement(
                """
                SELECT venue, account, count(*), min(taken_at), max(taken_at) FROM recordings
                GROUP BY venue, account ORDER BY account, venue
                """, in: db)
            defer { statement.reset() }
            var found: [RecordedAccount] = []
            while try statement.step() {
                found.append(
                    RecordedAccount(
                        venue: VenueName(rawValue: statement.text(0) ?? ""),
                        account: statement.text(1) ?? "", count: statement.number(2),
                        first: LedgerTime(milliseconds: statement.number(3)),
                        last: LedgerTime(milliseconds: statement.number(4))))
            }
            return found
        }
    }

    /// The last recording of an account at or before a time; nil where there is none. Throws `damaged` for
    /// one that is not as it was written.
    public func recording(of account: String, asOf time: LedgerTime) throws(JournalError) -> Recording? {
        try reading { db in
            try Self.recordings(
                "WHERE r.account = ? AND r.taken_at <= ? ORDER BY r.taken_at DESC, r.sequence DESC LIMIT 1",
                account, [time.milliseconds], in: db
            ).first
        }
    }

    /// Recordings of an account from a time to another, both included, in the order of their times and no
    /// more than `limit`. Throws `damaged` for one that is not as it was written.
    public func recordings(
        of account: String, from: LedgerTime, to: LedgerTime, limit: Int
    ) throws(JournalError) -> [Recording] {
        try reading { db in
            try Self.recordings(
                "WHERE r.account = ? AND r.taken_at BETWEEN ? AND ? ORDER BY r.taken_at, r.sequence LIMIT ?",
                account, [from.milliseconds, to.milliseconds, Int64(limit)], in: db)
        }
    }

    private func reading<Value>(_ work: (Database) throws -> Value) throws(JournalError) -> Value {
        try translating("read the recordings") { try database.read(work) }
    }

    /// Recordings that a condition names, each compared with its checksum.
    private static func recordings(
        _ condition: String, _ account: String?, _ numbers: [Int64], in db: Database
    ) throws -> [Recording] {
        let statement = try RawStatement(
            """
            SELECT r.sequence, r.venue, r.account, r.taken_at, r.checksum, p.checksum FROM recordings r
            LEFT JOIN recordings p ON p.sequence = r.sequence - 1 \(condition)
            """, in: db)
        defer { statement.reset() }
        if let account { statement.bind(account, at: 1) }
        for (place, number) in numbers.enumerated() {
            statement.bind(number, at: Int32(place + (account == nil ? 1 : 2)))
        }
        var found: [Recording] = []
        while try statement.step() {
            let sequence = statement.number(0)
            let recording = Recording(
                sequence: sequence, venue: VenueName(rawValue: statement.text(1) ?? ""),
                account: statement.text(2) ?? "", takenAt: LedgerTime(milliseconds: statement.number(3)),
                answers: try answers(of: sequence, in: db))
            if sequence > 1, statement.isNull(5) { throw gone(sequence - 1) }
            let previous = UInt64(bitPattern: statement.number(5))
            guard recording.checksum(after: previous) == UInt64(bitPattern: statement.number(4)) else {
                throw JournalError(.damaged, "Recording \(sequence) is not as it was written.")
            }
            found.append(recording)
        }
        return found
    }

    private static func gone(_ sequence: Int64) -> JournalError {
        JournalError(.damaged, "Recording \(sequence) is gone.")
    }

    private static func answers(of recording: Int64, in db: Database) throws -> [Recording.Answer] {
        let statement = try RawStatement(
            """
            SELECT call, taken_at, bytes FROM answers JOIN bodies USING (body)
            WHERE recording = ? ORDER BY place
            """, in: db)
        statement.bind(recording, at: 1)
        defer { statement.reset() }
        var found: [Recording.Answer] = []
        while try statement.step() {
            found.append(
                Recording.Answer(
                    call: statement.text(0) ?? "", takenAt: LedgerTime(milliseconds: statement.number(1)),
                    body: statement.bytes(2) ?? []))
        }
        return found
    }

    /// What is wrong with the store: a recording that is not as it was written, one that is gone, an answer
    /// that belongs to none; empty where nothing is.
    public func problems() throws(JournalError) -> [String] {
        try translating("check the recordings") {
            try database.read { db in
                let structural = try SQLiteJournal.integrityProblems(db)
                if !structural.isEmpty { return structural }
                if let loss = try Self.loss(of: found, in: db, store.path) { return [loss] }
                do throws(JournalError) {
                    try Self.checkAll(db)
                    return []
                } catch {
                    guard error.kind == .damaged else { throw error }
                    return [error.message]
                }
            }
        }
    }

    private static func checkAll(_ db: Database) throws(JournalError) {
        try translating("check the recordings") {
            let last = try tip(db).sequence
            // One after the other, as a recording may be large.
            for sequence in stride(from: 1, through: last, by: 1)
            where try recordings("WHERE r.sequence = ?", nil, [sequence], in: db).isEmpty {
                throw gone(sequence)
            }
            let strays = try SQLiteLayout.number(
                """
                SELECT (SELECT count(*) FROM recordings WHERE sequence < 1)
                    + (SELECT count(*) FROM answers WHERE recording NOT IN (SELECT sequence FROM recordings)
                        OR place < 0 OR place >= (
                            SELECT count(*) FROM answers a WHERE a.recording = answers.recording))
                """, in: db)
            if strays > 0 { throw JournalError(.damaged, "\(strays) answers belong to no recording.") }
            try checkBodies(db)
        }
    }

    /// That equal bodies will be found by their hashes.
    private static func checkBodies(_ db: Database) throws {
        let statement = try RawStatement("SELECT body, hash, bytes FROM bodies", in: db)
        defer { statement.reset() }
        while try statement.step() {
            var hash = ChecksumHash()
            hash.add(statement.bytes(2))
            if hash.value != UInt64(bitPattern: statement.number(1)) {
                throw JournalError(.damaged, "The body \(statement.number(0)) is not as it was written.")
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
