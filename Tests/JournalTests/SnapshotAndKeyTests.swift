import GRDB
import Ledger
import Testing

@testable import Journal

@Suite struct SnapshotAndKeyTests {
    private func record(_ ordinal: Int64, _ sequence: Int64, _ body: String) -> AccountSnapshotRecord {
        AccountSnapshotRecord(ordinal: ordinal, sequence: sequence, body: Array(body.utf8))
    }

    @Test func laterSnapshotsReplaceEarlierOnes() throws {
        let journal = try SQLiteJournal.inMemory()
        try journal.writeSnapshots([record(0, 5, "{}"), record(1, 6, "{\"b\":1}")], state: nil)
        #expect(try journal.value(.snapshotState) == nil)
        try journal.writeSnapshots([record(1, 9, "{\"b\":2}"), record(2, 8, "{}")], state: [1, 2, 3])
        #expect(
            try journal.snapshots(from: 0, limit: 10) == [
                record(0, 5, "{}"), record(1, 9, "{\"b\":2}"), record(2, 8, "{}"),
            ])
        #expect(try journal.snapshots(from: 1, limit: 1) == [record(1, 9, "{\"b\":2}")])
        #expect(try journal.value(.snapshotState) == [1, 2, 3])
        try journal.discardSnapshots()
        #expect(try journal.snapshots(from: 0, limit: 10).isEmpty)
        #expect(try journal.value(.snapshotState) == nil)
    }

    @Test func aChangedSnapshotIsNoticed() throws {
        let journal = try SQLiteJournal.inMemory()
        try journal.writeSnapshots([record(0, 5, #"{"cash":"10"}"#)], state: nil)
        try journal.database.write { db in
            try db.execute(sql: #"UPDATE account_snapshots SET body = '{"cash":"11"}'"#)
        }
        let error = #expect(throws: JournalError.self) { try journal.snapshots(from: 0, limit: 10) }
        #expect(error?.kind == .damaged)
    }

    @Test func keysComeBackAsTheyWere() throws {
        let folder = try TemporaryFolder()
        let key = KeyRecord(
            venue: VenueName(rawValue: "okx"), apiKey: "k", secret: "s\nt", passphraseSalt: [0, 1],
            passphraseDigest: [255], permissions: ["read", "trade"], addresses: ["10.0.0.0/8", "::1"],
            account: "desk", createdAt: LedgerTime(milliseconds: 7))
        var bare = key
        bare.venue = VenueName(rawValue: "binance")
        (bare.passphraseSalt, bare.passphraseDigest, bare.permissions, bare.addresses) = ([], [], [], [])
        bare.createdAt = LedgerTime(milliseconds: 8)
        var journal: SQLiteJournal? = try SQLiteJournal.open(path: folder.path("l.db"), access: .readWrite)
        try journal?.add(key)
        try journal?.add(bare)
        #expect(throws: JournalError.self) { try journal?.add(key) }
        try journal?.close()
        journal = nil
        let reopened = try SQLiteJournal.open(path: folder.path("l.db"), access: .readWrite)
        #expect(try reopened.keys() == [key, bare])
        #expect(try reopened.removeKey("k", venue: key.venue))
        #expect(try !reopened.removeKey("k", venue: key.venue))
        #expect(try reopened.keys() == [bare])
    }

    @Test func aSoundFileHasNoStructuralProblems() throws {
        let journal = try SQLiteJournal.inMemory()
        try journal.append([
            deposit(1, "a", id: "x"), transfer(2, "a", to: "b"), try priced(3, at: 5, marks: [("BTC", "1")]),
            deposit(4, "a", id: "y"),
        ])
        #expect(try journal.structuralProblems().isEmpty)
        _ = try journal.updateIndexes(limit: 3)
        #expect(try journal.structuralProblems().isEmpty)
        _ = try journal.updateIndexes(limit: 3)
        #expect(try journal.structuralProblems().isEmpty)
    }

    @Test(arguments: [
        ("DELETE FROM account_events WHERE sequence = 2 AND account = 'b'", "by account"),
        ("UPDATE account_events SET account = 'c' WHERE sequence = 2 AND account = 'b'", "by account"),
        ("INSERT INTO account_events VALUES ('b', 1)", "by account"),
        ("DELETE FROM command_entries", "command ids"), ("UPDATE price_history SET price = '2'", "prices"),
        (
            "INSERT INTO price_history SELECT venue, kind, 'ETH', at, sequence, price FROM price_history",
            "prices"
        ),
    ])
    func anIndexThatIsWrongIsFound(damage: String, found: String) throws {
        let journal = try SQLiteJournal.inMemory()
        try journal.append([
            deposit(1, "a", id: "x"), transfer(2, "a", to: "b"), try priced(3, at: 5, marks: [("BTC", "1")]),
        ])
        _ = try journal.updateIndexes(limit: 100)
        try journal.database.write { try $0.execute(sql: damage) }
        let problems = try journal.structuralProblems()
        #expect(problems.count == 1)
        #expect(problems.first?.contains(found) == true)
    }
}
