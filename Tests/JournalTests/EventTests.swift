import GRDB
import Ledger
import Numbers
import Testing

@testable import Journal

@Suite struct EventTests {
    /// Events of three accounts with a transfer among them.
    private static let story: [EventRecord] = [
        deposit(1, "a", at: 10), deposit(2, "b", at: 20), transfer(3, "a", to: "b", at: 30),
        deposit(4, "c", at: 40, id: "four"), transfer(5, "b", to: "a", at: 50),
        deposit(6, "a", at: 60, id: "six"),
    ]

    @Test func whatWasAppendedIsThereAfterReopening() throws {
        let folder = try TemporaryFolder()
        let strange = EventRecord(
            sequence: 7, at: LedgerTime(milliseconds: -5), account: "ä\"'\u{0}x", counterparty: "",
            type: "deposited", commandID: "日本", commandDigest: [0, 255], body: [])
        var journal: SQLiteJournal? = try SQLiteJournal.open(path: folder.path("l.db"), access: .readWrite)
        try journal?.append(Array(Self.story[..<4]))
        try journal?.append(Array(Self.story[4...]) + [strange])
        let tip = try journal?.tip()
        try journal?.close()
        journal = nil
        let reopened = try SQLiteJournal.open(path: folder.path("l.db"), access: .readWrite)
        let events = try reopened.events(after: 0, limit: 100)
        #expect(contents(events) == Self.story + [strange])
        #expect(try reopened.tip() == tip)
        #expect(events.last?.checksum == tip?.checksum)
        var previous: UInt64 = 0
        for event in events {
            #expect(event.checksum(after: previous) == event.checksum)
            previous = event.checksum
        }
        #expect(contents(try reopened.events(after: 2, limit: 3)) == Array(Self.story[2..<5]))
    }

    @Test func aGapIsRefusedAndNothingOfTheBatchStays() throws {
        let journal = try SQLiteJournal.inMemory()
        try journal.append([deposit(1, "a")])
        let tip = try journal.tip()
        #expect(throws: JournalError.self) { try journal.append([deposit(2, "a"), deposit(4, "a")]) }
        #expect(throws: JournalError.self) { try journal.append([deposit(1, "a")]) }
        #expect(try journal.tip() == tip)
        #expect(try journal.events(after: 0, limit: 10).count == 1)
        try journal.append([deposit(2, "a")])
        #expect(try journal.tip().sequence == 2)
    }

    @Test func theChecksumSeesEveryFieldAndTheOrder() {
        let event = transfer(3, "a", to: "b", at: 30)
        let checksum = event.checksum(after: 17)
        var changes: [EventRecord] = []
        func changed(_ change: (inout EventRecord) -> Void) {
            var copy = event
            change(&copy)
            changes.append(copy)
        }
        changed { $0.sequence = 4 }
        changed { $0.at = LedgerTime(milliseconds: 31) }
        changed { $0.account = nil }
        changed { $0.account = "ab" }
        changed { $0.counterparty = nil }
        changed { $0.type = "deposited" }
        changed { $0.commandID = "" }
        changed { $0.commandDigest = [] }
        for place in event.body.indices { changed { $0.body[place] ^= 1 } }
        changed { $0.body.append(0) }
        let checksums = Set(changes.map { $0.checksum(after: 17) } + [event.checksum(after: 18)])
        #expect(!checksums.contains(checksum))
        #expect(checksums.count == changes.count + 1)
    }

    /// What must never change, as it is stored: worked out apart from this code, from the definition in
    /// `Checksum.swift`.
    @Test func storedHashesStayAsTheyAre() {
        #expect(deposit(1, "a").checksum(after: 0) == StoredHashes.depositChecksum)
        #expect(CommandIndexEntry.fingerprint(of: "four") == StoredHashes.fourFingerprint)
        let entry = CommandIndexEntry(commandID: "four", sequence: 4)
        #expect(entry.sequence == 4)
        #expect(entry.packed == UInt64(StoredHashes.fourFingerprint) << 36 | 4)
    }

    /// Reads give the same whatever part of the journal is indexed.
    @Test(arguments: [0, 1, 2, 3, 5, 100])
    func readsDoNotDependOnTheIndexes(lot: Int) throws {
        let journal = try SQLiteJournal.inMemory()
        try journal.append(Self.story)
        if lot > 0 {
            let lags = try journal.updateIndexes(limit: lot)
            #expect(lags == (lot < 6))
            #expect(try journal.indexedSequence() == Int64(min(lot, 6)))
        }
        func sequences(_ account: String, after: Int64 = 0, limit: Int = 100) throws -> [Int64] {
            try journal.events(of: account, after: after, limit: limit).map(\.sequence)
        }
        #expect(try sequences("a") == [1, 3, 5, 6])
        #expect(try sequences("b") == [2, 3, 5])
        #expect(try sequences("c") == [4])
        #expect(try sequences("d") == [])
        #expect(try sequences("a", after: 1, limit: 2) == [3, 5])
        #expect(try sequences("a", after: 5) == [6])
        let entries = try journal.commandEntries()
        #expect(
            entries == [
                CommandIndexEntry(commandID: "four", sequence: 4),
                CommandIndexEntry(commandID: "six", sequence: 6),
            ])
        #expect(try journal.events(at: [6, 99, 1]).map(\.sequence) == [6, 1])
    }

    @Test(arguments: [0, 1, 2, 3, 100])
    func pricesOfATimeIncludeThoseOfThatVeryTime(lot: Int) throws {
        let journal = try SQLiteJournal.inMemory()
        try journal.append([
            try priced(1, at: 10, marks: [("BTC-USDT-SWAP", "100")], index: [("BTC", "101"), ("ETH", "7")]),
            deposit(2, "a", at: 15),
            try priced(3, at: 20, marks: [("BTC-USDT-SWAP", "200")], index: [("USDT", "1.0001")]),
            try priced(4, at: 20, marks: [("BTC-USDT-SWAP", "250")]),
        ])
        if lot > 0 { _ = try journal.updateIndexes(limit: lot) }
        func prices(_ time: Int64) throws -> VenuePrices {
            try journal.prices(of: VenueName(rawValue: "okx"), at: LedgerTime(milliseconds: time))
        }
        #expect(try prices(9) == VenuePrices())
        #expect(try prices(19).mark("BTC-USDT-SWAP")?.description == "100")
        #expect(try prices(19).updatedAt == LedgerTime(milliseconds: 10))
        #expect(try prices(19).index("USDT") == nil)
        let late = try prices(20)
        #expect(late.mark("BTC-USDT-SWAP")?.description == "250")
        #expect(late.index("USDT")?.description == "1.0001")
        #expect(late.index["BTC"]?.at == LedgerTime(milliseconds: 10))
        #expect(late.updatedAt == LedgerTime(milliseconds: 20))
        let other = try journal.prices(of: VenueName(rawValue: "binance"), at: LedgerTime(milliseconds: 99))
        #expect(other == VenuePrices())
    }

    @Test func thrownAwayIndexesAreBuiltAgain() throws {
        let journal = try SQLiteJournal.inMemory()
        try journal.append(Self.story)
        #expect(try !journal.updateIndexes(limit: 100))
        try journal.database.write { db in
            try db.execute(sql: "DELETE FROM account_events; DELETE FROM meta WHERE key = 'indexed_sequence'")
        }
        #expect(try journal.events(of: "a", after: 0, limit: 10).map(\.sequence) == [1, 3, 5, 6])
        #expect(try !journal.updateIndexes(limit: 100))
        #expect(try journal.events(of: "a", after: 0, limit: 10).map(\.sequence) == [1, 3, 5, 6])
        #expect(try journal.commandEntries().count == 2)
    }
}
