import Foundation
import GRDB
import Ledger
import Synchronization
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

    /// Every cell of an index, changed or gone, is found by name of table; reads do without the index and
    /// give what they gave before; and the next updates make it anew.
    @Test(arguments: [
        "account_events: DELETE FROM account_events WHERE sequence = 2 AND account = 'b'",
        "account_events: DELETE FROM account_events WHERE sequence > 1000 AND account = 'b'",
        "account_events: UPDATE account_events SET account = 'c' WHERE sequence = 2 AND account = 'b'",
        "account_events: UPDATE account_events SET sequence = 1 WHERE sequence = 2 AND account = 'b'",
        "account_events: UPDATE account_events SET previous = 7 WHERE sequence = 2 AND account = 'b'",
        "account_events: UPDATE account_events SET previous = 7 WHERE sequence > 1000 AND account = 'b'",
        "account_events: INSERT INTO account_events VALUES ('b', 1, 0)",
        "command_entries: DELETE FROM command_entries",
        "command_entries: DELETE FROM command_entries WHERE through = 2",
        "command_entries: UPDATE command_entries SET entries = x'0100000000000000' WHERE through = 2",
        "command_entries: UPDATE command_entries SET through = 3 WHERE through = 4",
        "command_entries: UPDATE command_entries SET checksum = checksum + 1 WHERE through = 4",
        "price_history: UPDATE price_history SET price = '2' WHERE sequence = 3",
        "price_history: UPDATE price_history SET at = 4 WHERE sequence = 3",
        "price_history: UPDATE price_history SET sequence = 2 WHERE sequence = 3",
        "price_history: UPDATE price_history SET name = 'ETH' WHERE sequence = 3",
        "price_history: UPDATE price_history SET kind = 'index' WHERE sequence = 3",
        "price_history: UPDATE price_history SET venue = 'okz' WHERE sequence = 3",
        "price_history: UPDATE price_history SET previous = 1 WHERE sequence = 3",
        "price_history: UPDATE price_history SET checksum = checksum + 1 WHERE sequence = 3",
        "price_history: DELETE FROM price_history WHERE sequence = 3",
        "price_history: DELETE FROM price_history WHERE price = ''",
        "meta: UPDATE meta SET value = x'33' WHERE key = 'indexed_sequence'",
        "meta: UPDATE meta SET checksum = 0 WHERE key = 'indexed_sequence'",
    ])
    func anIndexThatIsWrongIsFoundAndMadeAgain(damage: String) throws {
        let parts = damage.split(separator: ":", maxSplits: 1).map(String.init)
        let reports = Reports()
        var options = JournalOptions()
        options.report = reports.add
        let journal = try SQLiteJournal.inMemory(options: options)
        try journal.append([
            deposit(1, "a", id: "x"), transfer(2, "a", to: "b"), try priced(3, at: 5, marks: [("BTC", "1")]),
            deposit(4, "b", at: 1_500, id: "y"), try priced(5, at: 2_000, marks: [("BTC", "3")]),
        ])
        while try journal.updateIndexes(limit: 2) {}
        func everything() throws -> [String] {
            let okx = VenueName(rawValue: "okx")
            return [
                "\(try journal.events(of: "a", after: 0, limit: 9).map(\.sequence))",
                "\(try journal.events(of: "b", after: 0, limit: 9).map(\.sequence))",
                "\(try journal.prices(of: okx, at: LedgerTime(milliseconds: 6)))",
                "\(try journal.prices(of: okx, at: LedgerTime(milliseconds: 4)))",
                "\(try journal.prices(of: okx, at: LedgerTime(milliseconds: 9_999)))",
                "\(try journal.commandEntries().map(\.packed))",
            ]
        }
        let before = try everything()
        #expect(try journal.structuralProblems() == [])
        try journal.database.write { try $0.execute(sql: parts[1]) }
        let problems = try journal.structuralProblems()
        #expect(problems.contains { $0.contains(parts[0]) }, "\(problems)")
        #expect(try everything() == before)
        #expect(try everything() == before)
        #expect(journal.needsUpkeep)
        #expect(reports.all.contains { $0.contains("made again from the journal") })
        while try journal.updateIndexes(limit: 2) {}
        #expect(!journal.needsUpkeep)
        #expect(try everything() == before)
        #expect(try journal.structuralProblems() == [])
    }

    /// Every cell of a key or of a small thing that nothing can make again, changed or gone, is refused by
    /// the name of its row.
    @Test(arguments: [
        "UPDATE api_keys SET venue = 'oky'", "UPDATE api_keys SET api_key = 'l'",
        "UPDATE api_keys SET secret = 't'", "UPDATE api_keys SET passphrase_salt = x'0002'",
        "UPDATE api_keys SET passphrase_digest = x''", "UPDATE api_keys SET permissions = 'read withdraw'",
        "UPDATE api_keys SET addresses = ''", "UPDATE api_keys SET account = 'other'",
        "UPDATE api_keys SET created_at = 8", "UPDATE api_keys SET checksum = checksum + 1",
        "DELETE FROM api_keys", "UPDATE meta SET value = x'00' WHERE key = 'token_secret'",
        "DELETE FROM meta WHERE key = 'token_secret'", "DELETE FROM meta WHERE key = 'revision'",
        "UPDATE meta SET key = 'token_secre' WHERE key = 'token_secret'",
        "UPDATE meta SET checksum = 1 WHERE key = 'token_secret'",
        "UPDATE meta SET value = x'31' WHERE key = 'revision'",
        "UPDATE meta SET value = x'322035' WHERE key = 'key_sum'",
    ])
    func aDamagedKeyOrValueIsRefused(damage: String) throws {
        let folder = try TemporaryFolder()
        let location = "sqlite:" + folder.path("ledger.db")
        let store = try openJournal(location)
        try store.add(
            KeyRecord(
                venue: VenueName(rawValue: "okx"), apiKey: "k", secret: "s", passphraseSalt: [0, 1],
                passphraseDigest: [255], permissions: ["read"], addresses: ["::1"], account: "desk",
                createdAt: LedgerTime(milliseconds: 7)))
        try store.set([1, 2, 3], for: .tokenSecret)
        try store.close()
        try DatabaseQueue(path: folder.path("ledger.db")).write { try $0.execute(sql: damage) }
        let looked = try openJournal(location, access: .readOnly)
        let problems = try looked.structuralProblems()
        let table = damage.contains("api_keys") ? "api_keys" : "meta"
        #expect(problems.contains { $0.contains("table \(table)") }, "\(problems)")
        try looked.close()
        let error = #expect(throws: JournalError.self) { _ = try openJournal(location).keys() }
        #expect(error?.kind == .damaged)
        #expect(error?.message.contains("table \(table)") == true)
    }

    @Test func replacedKeysLeaveNoTrace() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("ledger.db")
        let journal = try SQLiteJournal.open(path: path, access: .readWrite)
        var key = KeyRecord(
            venue: VenueName(rawValue: "okx"), apiKey: "k", secret: "made-up-plain-secret",
            passphraseSalt: [], passphraseDigest: [], permissions: [], addresses: [], account: "desk",
            createdAt: LedgerTime(milliseconds: 7))
        try journal.add(key)
        try journal.set(Array("made-up-plain-token".utf8), for: .tokenSecret)
        key.secret = "sealed"
        try journal.replaceKeys([key], setting: [.tokenSecret: [1], .writeProbe: nil])
        #expect(try journal.keys() == [key])
        #expect(try journal.value(.tokenSecret) == [1])
        for name in ["ledger.db", "ledger.db-wal"] {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.path(name)))
            #expect(bytes.range(of: Data("made-up-plain".utf8)) == nil, "\(name)")
        }
        #expect(try journal.structuralProblems() == [])
    }
}

/// Sentences that were reported.
final class Reports: Sendable {
    private let sentences = Mutex<[String]>([])
    var all: [String] { sentences.withLock { $0 } }
    func add(_ sentence: String) { sentences.withLock { $0.append(sentence) } }
}
