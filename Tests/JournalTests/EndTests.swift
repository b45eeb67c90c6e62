import Foundation
import GRDB
import Ledger
import Testing

@testable import Journal

/// What a store is known to have had: in the file beside it, and inside.
@Suite struct EndTests {
    private struct Store {
        let folder: TemporaryFolder
        var path: String { folder.path("ledger.db") }
        var location: String { "sqlite:" + path }

        /// A store with ten events and a key.
        init() throws {
            folder = try TemporaryFolder()
            let journal = try SQLiteJournal.open(path: path, access: .readWrite)
            try journal.append((1...10).map { deposit($0, "a") })
            try journal.add(
                KeyRecord(
                    venue: VenueName(rawValue: "okx"), apiKey: "k", secret: "s", passphraseSalt: [],
                    passphraseDigest: [], permissions: [], addresses: [], account: "a",
                    createdAt: LedgerTime(milliseconds: 7)))
            try journal.close()
        }

        func change(_ sql: String) throws {
            try DatabaseQueue(path: path).write { try $0.execute(sql: sql) }
        }

        func refusal() -> JournalError? {
            do throws(JournalError) {
                try openJournal(location).close()
                return nil
            } catch { return error }
        }
    }

    @Test(arguments: [
        ("DELETE FROM events WHERE sequence > 8", "ends at event 8, but went up to event 10"),
        ("DELETE FROM events", "ends at event 0"),
        ("UPDATE events SET checksum = 5 WHERE sequence = 10", "Event 10"),
    ])
    func aShorterLedgerIsRefusedUnlessAccepted(damage: String, found: String) throws {
        let store = try Store()
        try store.change(damage)
        let error = store.refusal()
        #expect(error?.kind == .damaged)
        #expect(error?.message.contains(found) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("--accept-shorter-ledger") == true)
        let looked = try openJournal(store.location, access: .readOnly)
        #expect(try looked.structuralProblems().contains { $0.contains(found) })
        try looked.close()
        let reports = Reports()
        var options = JournalOptions()
        options.acceptsShorterLedger = true
        options.report = reports.add
        try openJournal(store.location, options: options).close()
        #expect(reports.all.contains { $0.contains("accepted") })
        #expect(store.refusal() == nil)
    }

    /// An older copy of the file, with all events and a key that was revoked since.
    @Test func aRevokedKeyDoesNotComeBack() throws {
        let store = try Store()
        let file = URL(fileURLWithPath: store.path)
        let before = try Data(contentsOf: file)
        let journal = try openJournal(store.location)
        #expect(try journal.removeKey("k", venue: VenueName(rawValue: "okx")))
        try journal.close()
        try before.write(to: file)
        #expect(store.refusal()?.message.contains("Changes of keys") == true)
    }

    @Test func aLedgerThatIsGoneIsNotBegunAnew() throws {
        let store = try Store()
        try FileManager.default.removeItem(atPath: store.path)
        #expect(store.refusal()?.message.contains("no ledger") == true)
        #expect(!FileManager.default.fileExists(atPath: store.path))
        _ = FileManager.default.createFile(atPath: store.path, contents: nil)
        #expect(store.refusal()?.kind == .damaged)
    }

    @Test func aCopyWithoutTheFileOpens() throws {
        let store = try Store()
        try FileManager.default.removeItem(atPath: TipFile.path(of: store.path))
        #expect(store.refusal() == nil)
        #expect(TipFile.find(of: store.path) != .none)
    }

    /// Without the file beside it, what was noted inside tells.
    @Test func indexesKnowHowFarTheJournalWent() throws {
        let store = try Store()
        let journal = try openJournal(store.location)
        while try journal.updateIndexes(limit: 4) {}
        try journal.close()
        try FileManager.default.removeItem(atPath: TipFile.path(of: store.path))
        try store.change("DELETE FROM events WHERE sequence > 9")
        #expect(store.refusal()?.message.contains("ends at event 9") == true)
    }

    @Test func everyByteOfTheFileIsChecked() throws {
        let store = try Store()
        let file = URL(fileURLWithPath: TipFile.path(of: store.path))
        let sound = try Data(contentsOf: file)
        let end = TipFile.find(of: store.path)
        guard case .end(let known, isPartlyDamaged: false) = end else {
            Issue.record("\(end)")
            return
        }
        #expect(known.tip.sequence == 10)
        for place in sound.indices {
            var changed = sound
            changed[place] ^= 1 << (place % 8)
            try changed.write(to: file)
            guard case .end(_, isPartlyDamaged: true) = TipFile.find(of: store.path) else {
                Issue.record("byte \(place)")
                return
            }
        }
        // One half alone is what a kill in the middle of a write leaves: it is sound, and made whole again.
        #expect(try SQLiteJournal.open(path: store.path, access: .readOnly).structuralProblems() == [])
        try openJournal(store.location).close()
        #expect(TipFile.find(of: store.path) == end)
        try Data(repeating: 0x20, count: 1024).write(to: file)
        #expect(TipFile.find(of: store.path) == .damaged)
        #expect(store.refusal()?.kind == .damaged)
    }

    /// Every bit of a log that a killed process left: all is there, or the start is refused.
    @Test func aChangedBitOfTheLogLosesNothingUnnoticed() throws {
        let store = try Store()
        let journal = try SQLiteJournal.open(path: store.path, access: .readWrite)
        try journal.append((11...20).map { deposit($0, "a") })
        try journal.append([deposit(21, "b")])
        let names = ["", "-wal", "-tip"]
        let killed = try names.map { try Data(contentsOf: URL(fileURLWithPath: store.path + $0)) }
        try journal.close()
        var refused = 0
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let folder = try TemporaryFolder()
            for (name, content) in zip(names, killed) {
                var content = content
                if name == "-wal" {
                    let place = Int.random(in: 0..<content.count, using: &generator)
                    content[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                }
                try content.write(to: URL(fileURLWithPath: folder.path("ledger.db" + name)))
            }
            switch Self.sequence(in: "sqlite:" + folder.path("ledger.db")) {
            case .success(let sequence): #expect(sequence == 21)
            case .failure(let error):
                #expect(error.kind == .damaged)
                refused += 1
            }
        }
        #expect(refused > 50)
    }

    private static func sequence(in location: String) -> Result<Int64, JournalError> {
        do throws(JournalError) {
            let journal = try openJournal(location)
            let tip = try journal.tip()
            try journal.close()
            return .success(tip.sequence)
        } catch {
            return .failure(error)
        }
    }

    @Test func aStoreOfLayout1IsBroughtUp() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("ledger.db")
        let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Fixtures/store-layout-1.sql")
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction {
            try $0.execute(sql: String(contentsOf: fixture, encoding: .utf8))
        }
        try queue.close()
        let looked = try openJournal("sqlite:" + path, access: .readOnly)
        #expect(try looked.structuralProblems() == [])
        #expect(try looked.tip().sequence == 11)
        #expect(try looked.keys().map(\.apiKey) == ["old-binance-key", "old-okx-key"])
        #expect(try looked.events(of: "other", after: 0, limit: 9).map(\.sequence) == [2, 10, 11])
        #expect(try looked.commandEntries().count == 10)
        try looked.close()
        let journal = try SQLiteJournal.open(path: path, access: .readWrite)
        #expect(try journal.structuralProblems() == [])
        #expect(try journal.keys().map(\.secret) == ["old-binance-secret", "old-okx-secret"])
        #expect(try journal.value(.tokenSecret)?.count == 32)
        #expect(try journal.value(.snapshotState) == nil)
        #expect(try journal.events(after: 0, limit: 99).count == 11)
        while try journal.updateIndexes(limit: 3) {}
        #expect(try journal.events(of: "other", after: 0, limit: 9).map(\.sequence) == [2, 10, 11])
        #expect(try journal.structuralProblems() == [])
        try journal.close()
        #expect(try openJournal("sqlite:" + path).tip().sequence == 11)
    }
}
