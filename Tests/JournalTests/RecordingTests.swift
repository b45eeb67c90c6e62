import Foundation
import GRDB
import Ledger
import Testing

@testable import Journal

@Suite struct RecordingTests {
    private func recording(_ account: String, at time: Int64, _ bodies: String...) -> Recording {
        Recording(
            venue: VenueName(rawValue: "okx"), account: account, takenAt: LedgerTime(milliseconds: time),
            answers: bodies.enumerated().map { place, body in
                Recording.Answer(
                    call: "call\(place)", takenAt: LedgerTime(milliseconds: time - Int64(place)),
                    body: Array(body.utf8))
            })
    }

    @Test func whatWasRecordedIsThereAfterOpeningAgain() throws {
        let folder = try TemporaryFolder()
        let location = "sqlite:" + folder.path("data/recordings.db")
        let store = try RecordingStore(location)
        let written = [recording("a", at: 10, "{}", "\u{0}\u{7f}"), recording("a", at: 20)]
        #expect(try store.append(written) == [1, 2])
        try store.close()
        let again = try RecordingStore(location, access: .readOnly)
        let read = try again.recordings(
            of: "a", from: LedgerTime(milliseconds: 0), to: LedgerTime(milliseconds: 99), limit: 10)
        #expect(read.map(\.sequence) == [1, 2])
        #expect(read.map(\.answers) == written.map(\.answers))
        #expect(try again.problems() == [])
        #expect(try folder.mode("data/recordings.db") == 0o600)
    }

    @Test(arguments: [(9, nil), (10, 1), (19, 1), (20, 3), (99, 3)] as [(Int64, Int64?)])
    func asOfIsTheLastOneUpToThatTime(time: Int64, sequence: Int64?) throws {
        let store = try RecordingStore("memory:")
        try store.append([
            recording("a", at: 10, "1"), recording("b", at: 15, "2"), recording("a", at: 20, "3"),
        ])
        let found = try store.recording(of: "a", asOf: LedgerTime(milliseconds: time))
        #expect(found?.sequence == sequence)
    }

    @Test func accountsAreListedWithTheirTimes() throws {
        let store = try RecordingStore("memory:")
        try store.append([
            recording("b", at: 15, "2"), recording("a", at: 10, "1"), recording("a", at: 20, "3"),
        ])
        #expect(
            try store.accounts() == [
                RecordedAccount(
                    venue: VenueName(rawValue: "okx"), account: "a", count: 2,
                    first: LedgerTime(milliseconds: 10), last: LedgerTime(milliseconds: 20)),
                RecordedAccount(
                    venue: VenueName(rawValue: "okx"), account: "b", count: 1,
                    first: LedgerTime(milliseconds: 15), last: LedgerTime(milliseconds: 15)),
            ])
    }

    @Test func equalBodiesAreKeptOnce() throws {
        let folder = try TemporaryFolder()
        let store = try RecordingStore("sqlite:" + folder.path("recordings.db"))
        try store.append((1...5).map { recording("a", at: $0, "same", "same", "other \($0)") })
        try store.close()
        let queue = try DatabaseQueue(path: folder.path("recordings.db"))
        #expect(try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM bodies") } == 6)
    }

    @Test(arguments: [
        ("UPDATE bodies SET bytes = x'7b7d' WHERE body = 1", "Recording 1 is not as it was written."),
        ("UPDATE recordings SET taken_at = 11 WHERE sequence = 2", "Recording 2 is not as it was written."),
        ("DELETE FROM recordings WHERE sequence = 1", "Recording 1 is gone."),
    ])
    func damageIsFound(sql: String, problem: String) throws {
        let folder = try TemporaryFolder()
        let location = "sqlite:" + folder.path("recordings.db")
        let store = try RecordingStore(location)
        try store.append([recording("a", at: 10, "1"), recording("a", at: 20, "2")])
        try store.close()
        try DatabaseQueue(path: folder.path("recordings.db")).write { try $0.execute(sql: sql) }
        #expect(try RecordingStore(location, access: .readOnly).problems() == [problem])
    }

    @Test func aLedgerIsNoStoreOfRecordings() throws {
        let folder = try TemporaryFolder()
        try SQLiteJournal.open(path: folder.path("ledger.db"), access: .readWrite).close()
        let error = #expect(throws: JournalError.self) {
            _ = try RecordingStore("sqlite:" + folder.path("ledger.db"))
        }
        #expect(error?.kind == .notOurs)
    }

    @Test func recordingsThatAreGoneAreMissed() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("recordings.db")
        let location = "sqlite:" + path
        let store = try RecordingStore(location)
        try store.append([recording("a", at: 10, "1")])
        try store.close()
        let earlier = try #require(FileManager.default.contents(atPath: path))
        let more = try RecordingStore(location)
        try more.append([recording("a", at: 20, "2"), recording("a", at: 30, "3")])
        try more.close()
        try earlier.write(to: URL(fileURLWithPath: path))
        for access in [JournalAccess.readOnly, .readWrite] {
            let error = #expect(throws: JournalError.self) {
                _ = try RecordingStore(location, access: access)
            }
            #expect(error?.kind == .damaged)
            #expect(error?.message.contains("end with number 1, but there were 3") == true)
        }
        let looking = try RecordingStore(location, access: .readOnly, acceptsFewer: true)
        #expect(try looking.problems().first?.contains("there were 3") == true)
        try looking.close()
        // Once they are accepted, the store goes on from what is there.
        let accepting = try RecordingStore(location, acceptsFewer: true)
        #expect(try accepting.append([recording("a", at: 40, "4")]) == [2])
        try accepting.close()
        #expect(try RecordingStore(location, access: .readOnly).problems() == [])
        for name in [path, path + "-wal", path + "-shm"] { try? FileManager.default.removeItem(atPath: name) }
        let error = #expect(throws: JournalError.self) { _ = try RecordingStore(location) }
        #expect(error?.message.contains("There are no recordings in") == true)
    }

    @Test func otherRecordingsInTheirPlaceAreMissed() throws {
        let folder = try TemporaryFolder()
        let (one, other) = (folder.path("one.db"), folder.path("other.db"))
        for (path, body) in [(one, "1"), (other, "2")] {
            let store = try RecordingStore("sqlite:" + path)
            try store.append([recording("a", at: 10, body)])
            try store.close()
        }
        try FileManager.default.removeItem(atPath: one)
        try FileManager.default.copyItem(atPath: other, toPath: one)
        let error = #expect(throws: JournalError.self) { _ = try RecordingStore("sqlite:" + one) }
        #expect(error?.message.contains("Recording 1 of") == true)
        // A copy without the file beside it opens, and gets one.
        try FileManager.default.removeItem(atPath: one + "-tip")
        try RecordingStore("sqlite:" + one).close()
        #expect(FileManager.default.fileExists(atPath: one + "-tip"))
    }
}
