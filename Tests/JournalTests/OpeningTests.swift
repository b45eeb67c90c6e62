import Foundation
import GRDB
import Ledger
import Testing

@testable import Journal

@Suite struct OpeningTests {
    @Test func everyCommitWaitsForTheDisk() throws {
        let folder = try TemporaryFolder()
        let journal = try SQLiteJournal.open(path: folder.path("ledger.db"), access: .readWrite)
        #expect(try journal.synchronousLevel() == 2)
        let mode = try journal.database.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") }
        #expect(mode == "wal")
    }

    /// The copy of a database fails by a code, while its connections have no error to tell.
    @Test func aFullDiskIsCalledSo() throws {
        let error = #expect(throws: JournalError.self) {
            try translating("write the copy") {
                throw DatabaseError(resultCode: .SQLITE_FULL, message: "not an error")
            }
        }
        #expect(error?.message.contains("full") == true)
        #expect(error?.message.contains("not an error") == false)
    }

    @Test func filesAreForTheirOwnerOnly() throws {
        let folder = try TemporaryFolder()
        let journal = try SQLiteJournal.open(path: folder.path("data/ledger.db"), access: .readWrite)
        try journal.append([deposit(1, "a")])
        #expect(try folder.mode("data") == 0o700)
        for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-tip"] {
            #expect(try folder.mode("data/" + name) == 0o600, "\(name)")
        }
    }

    @Test func aFileThatOthersMayReadIsTightened() throws {
        let folder = try TemporaryFolder()
        try SQLiteJournal.open(path: folder.path("ledger.db"), access: .readWrite).close()
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644], ofItemAtPath: folder.path("ledger.db"))
        let journal = try SQLiteJournal.open(path: folder.path("ledger.db"), access: .readWrite)
        #expect(try folder.mode("ledger.db") == 0o600)
        try journal.close()
    }

    @Test func oneProcessWritesAtATime() throws {
        let folder = try TemporaryFolder()
        var first: SQLiteJournal? = try SQLiteJournal.open(path: folder.path("ledger.db"), access: .readWrite)
        let error = #expect(throws: JournalError.self) {
            _ = try SQLiteJournal.open(path: folder.path("ledger.db"), access: .readWrite)
        }
        #expect(error?.kind == .inUse)
        try first?.append([deposit(1, "a")])
        let reader = try SQLiteJournal.open(path: folder.path("ledger.db"), access: .readOnly)
        #expect(try reader.tip().sequence == 1)
        #expect(throws: JournalError.self) { try reader.append([deposit(2, "a")]) }
        try first?.close()
        first = nil
        #expect(throws: Never.self) {
            try SQLiteJournal.open(path: folder.path("ledger.db"), access: .readWrite).close()
        }
    }

    @Test func aFileOfAnotherKindIsRefusedAndLeftAlone() throws {
        let folder = try TemporaryFolder()
        let text = String(repeating: "shopping: bread, milk\n", count: 100)
        try text.write(toFile: folder.path("list.txt"), atomically: true, encoding: .utf8)
        let error = #expect(throws: JournalError.self) {
            try openJournal("sqlite:" + folder.path("list.txt"))
        }
        #expect(error?.kind == .notOurs)
        #expect(try String(contentsOfFile: folder.path("list.txt"), encoding: .utf8) == text)
    }

    @Test func aDatabaseOfAnotherProgramIsRefusedAndLeftAlone() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("other.db")
        try DatabaseQueue(path: path).write { try $0.execute(sql: "CREATE TABLE songs (title TEXT)") }
        let before = try Data(contentsOf: URL(fileURLWithPath: path))
        let error = #expect(throws: JournalError.self) { try openJournal("sqlite:" + path) }
        #expect(error?.kind == .notOurs)
        #expect(error?.message.contains("another program") == true)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    }

    @Test(arguments: [(99, "newer version"), (-5, "layout -5"), (0, "layout 0")])
    func aStoreOfAnotherLayoutIsRefused(version: Int, found: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("ledger.db")
        try SQLiteJournal.open(path: path, access: .readWrite).close()
        try DatabaseQueue(path: path).write { try $0.execute(sql: "PRAGMA user_version = \(version)") }
        for access in [JournalAccess.readWrite, .readOnly] {
            let error = #expect(throws: JournalError.self) {
                try openJournal("sqlite:" + path, access: access)
            }
            #expect(error?.kind == .notOurs)
            #expect(error?.message.contains(found) == true)
        }
    }

    @Test func aTableThatIsLaidOutOtherwiseIsRefused() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("ledger.db")
        try SQLiteJournal.open(path: path, access: .readWrite).close()
        try DatabaseQueue(path: path).write {
            try $0.execute(sql: "ALTER TABLE events RENAME COLUMN body TO content")
        }
        for access in [JournalAccess.readWrite, .readOnly] {
            let error = #expect(throws: JournalError.self) {
                try openJournal("sqlite:" + path, access: access)
            }
            #expect(error?.kind == .damaged)
            #expect(error?.message.contains("table events") == true)
        }
    }

    @Test func aFileMarkedReadOnlyIsRefused() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("ledger.db")
        try SQLiteJournal.open(path: path, access: .readWrite).close()
        try FileManager.default.setAttributes([.posixPermissions: 0o400], ofItemAtPath: path)
        let error = #expect(throws: JournalError.self) { try openJournal("sqlite:" + path) }
        #expect(error?.kind == .notPermitted)
    }

    @Test func aFolderIsNoStore() throws {
        let folder = try TemporaryFolder()
        #expect(throws: JournalError.self) { try openJournal("sqlite:" + folder.path) }
    }

    @Test func readingNeedsAStoreThatIsThere() throws {
        let folder = try TemporaryFolder()
        let error = #expect(throws: JournalError.self) {
            try openJournal("sqlite:" + folder.path("none.db"), access: .readOnly)
        }
        #expect(error?.kind == .unavailable)
        #expect(!FileManager.default.fileExists(atPath: folder.path("none.db")))
    }

    @Test(arguments: ["", "sqlite:", "redis://h", "postgres://user:hunter2@host/db", "ledger.db"])
    func otherLocationsAreRefusedWithoutRepeatingThem(location: String) {
        let error = #expect(throws: JournalError.self) { try openJournal(location) }
        #expect(error?.kind == .badLocation)
        #expect(error?.message.contains("hunter2") == false)
    }

    @Test func anInterruptedFirstStartLeavesAnEmptyFileThatIsTaken() throws {
        let folder = try TemporaryFolder()
        try Data().write(to: URL(fileURLWithPath: folder.path("ledger.db")))
        let journal = try openJournal("sqlite:" + folder.path("ledger.db"))
        #expect(try journal.tip() == JournalTip())
    }

    /// A file as a process leaves it that is killed in the middle of its first transaction, without a
    /// write-ahead log: pages in the file, and the rollback journal that takes them away again.
    private func leaveHalfMade(_ path: String, before: (Database) throws -> Void = { _ in }) throws {
        let made = path + ".made"
        let queue = try DatabaseQueue(path: made)
        try queue.writeWithoutTransaction { db in
            try before(db)
            try db.execute(sql: "PRAGMA cache_size = 1")
            try db.inTransaction {
                try db.execute(sql: "CREATE TABLE half (text TEXT)")
                for _ in 0..<500 {
                    try db.execute(sql: "INSERT INTO half VALUES (hex(randomblob(500)))")
                }
                for end in ["", "-journal"] {
                    try FileManager.default.copyItem(atPath: made + end, toPath: path + end)
                }
                return .rollback
            }
        }
        try queue.close()
        try FileManager.default.removeItem(atPath: made)
    }

    @Test func aStoreWhoseMakingWasCutOffIsMade() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("ledger.db")
        try leaveHalfMade(path)
        #expect(!StoreFile.isEmpty(path))
        let error = #expect(throws: JournalError.self) {
            try openJournal("sqlite:" + path, access: .readOnly)
        }
        #expect(error?.kind == .unavailable)
        #expect(error?.message.contains("cut off") == true)
        let journal = try SQLiteJournal.open(path: path, access: .readWrite)
        #expect(try journal.tip() == JournalTip())
        try journal.append([deposit(1, "a")])
        #expect(try journal.structuralProblems() == [])
        try journal.close()
        let recordings = folder.path("recordings.db")
        try leaveHalfMade(recordings)
        let store = try RecordingStore("sqlite:" + recordings)
        #expect(try store.problems() == [])
        try store.close()
    }

    /// A copy of a store that another program was writing, without a write-ahead log, when it was killed.
    @Test(arguments: [JournalAccess.readWrite, .readOnly])
    func whatWasLeftHalfDoneIsUndone(access: JournalAccess) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("ledger.db")
        let journal = try SQLiteJournal.open(path: folder.path("first.db"), access: .readWrite)
        try journal.append([deposit(1, "a")])
        try journal.close()
        try leaveHalfMade(path) { db in
            try db.execute(sql: "ATTACH '\(folder.path("first.db"))' AS first")
            try db.execute(sql: "PRAGMA application_id = \(SQLiteJournal.applicationID)")
            let tables = try String.fetchAll(
                db, sql: "SELECT sql FROM first.sqlite_master WHERE sql IS NOT NULL")
            for table in tables { try db.execute(sql: table) }
            for name in ["events", "meta", "opened_as"] {
                try db.execute(sql: "INSERT INTO \(name) SELECT * FROM first.\(name)")
            }
            try db.execute(sql: "PRAGMA user_version = \(SQLiteJournal.layoutVersion)")
            try db.execute(sql: "DETACH first")
        }
        let opened = try openJournal("sqlite:" + path, access: access)
        #expect(try opened.tip().sequence == 1)
        #expect(try opened.structuralProblems() == [])
        try opened.close()
    }

    @Test func afterAnOrderlyEndAllIsInTheFile() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("ledger.db")
        let journal = try SQLiteJournal.open(path: path, access: .readWrite)
        try journal.append((1...500).map { deposit($0, "a") })
        // Readers that have been at work are what kept the log from being emptied.
        #expect(try journal.events(after: 0, limit: 1_000).count == 500)
        try journal.close()
        #expect(StoreFile.isEmpty(path + "-wal"))
        try FileManager.default.copyItem(atPath: path, toPath: folder.path("copy.db"))
        #expect(try openJournal("sqlite:" + folder.path("copy.db"), access: .readOnly).tip().sequence == 500)
    }

    @Test func theLogDoesNotGrowWithoutEnd() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("ledger.db")
        let journal = try SQLiteJournal.open(path: path, access: .readWrite)
        for lot in 0..<60 as Range<Int64> {
            try journal.append((1...4_000).map { deposit(lot * 4_000 + $0, "account-\($0)") })
        }
        let size = try FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? Int
        #expect(try #require(size) < 24 << 20)
        try journal.close()
    }

    // MARK: - One store, whatever its names

    @Test func theLockIsOnTheFileAndNotOnAName() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("ledger.db")
        let journal = try SQLiteJournal.open(path: path, access: .readWrite)
        try journal.append([deposit(1, "a")])
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("soft.db"), withDestinationPath: path)
        try FileManager.default.linkItem(atPath: path, toPath: folder.path("hard.db"))
        for name in ["soft.db", "hard.db", "./ledger.db"] {
            let error = #expect(throws: JournalError.self) {
                try openJournal("sqlite:" + folder.path(name))
            }
            #expect([.inUse, .unavailable].contains(error?.kind), "\(name)")
        }
        try journal.append([deposit(2, "a")])
        try journal.close()
        for (place, name) in ["soft.db", "hard.db", "ledger.db"].enumerated() {
            let again = try openJournal("sqlite:" + folder.path(name))
            #expect(try again.tip().sequence == Int64(place + 2))
            try again.append([deposit(Int64(place + 3), "a")])
            try again.close()
        }
    }

    /// A process was killed that had the file open by one name; by another, the log beside the first would
    /// not be seen.
    @Test func anotherNameDoesNotHideTheLog() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("ledger.db")
        let journal = try SQLiteJournal.open(path: path, access: .readWrite)
        try journal.append([deposit(1, "a")])
        let log = try Data(contentsOf: URL(fileURLWithPath: path + "-wal"))
        let file = try Data(contentsOf: URL(fileURLWithPath: path))
        try journal.close()
        try file.write(to: URL(fileURLWithPath: path))
        try log.write(to: URL(fileURLWithPath: path + "-wal"))
        try FileManager.default.linkItem(atPath: path, toPath: folder.path("hard.db"))
        for access in [JournalAccess.readWrite, .readOnly] {
            let error = #expect(throws: JournalError.self) {
                try openJournal("sqlite:" + folder.path("hard.db"), access: access)
            }
            #expect(error?.message.contains("ledger.db") == true)
        }
        #expect(try openJournal("sqlite:" + path).tip().sequence == 1)
    }
}
