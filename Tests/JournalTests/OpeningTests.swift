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

    @Test func filesAreForTheirOwnerOnly() throws {
        let folder = try TemporaryFolder()
        let journal = try SQLiteJournal.open(path: folder.path("data/ledger.db"), access: .readWrite)
        try journal.append([deposit(1, "a")])
        #expect(try folder.mode("data") == 0o700)
        for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-lock"] {
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

    @Test func aStoreOfANewerVersionIsRefused() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("ledger.db")
        try SQLiteJournal.open(path: path, access: .readWrite).close()
        try DatabaseQueue(path: path).write { try $0.execute(sql: "PRAGMA user_version = 99") }
        let error = #expect(throws: JournalError.self) { try openJournal("sqlite:" + path) }
        #expect(error?.kind == .notOurs)
        #expect(error?.message.contains("newer version") == true)
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
}
