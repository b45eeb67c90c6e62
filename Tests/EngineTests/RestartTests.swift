import Engine
import GRDB
import Journal
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@Suite struct RestartTests {
    /// Runs SQL on a store that nobody has open.
    private func change(_ folder: TemporaryFolder, _ sql: String) throws {
        let path = String(folder.location.dropFirst("sqlite:".count))
        try DatabaseQueue(path: path).write { try $0.execute(sql: sql) }
    }

    /// A store with the story in it and a snapshot part of the way; what was visible at its end.
    private func storyFolder(clean: Bool = true) async throws -> (TemporaryFolder, String) {
        let folder = try TemporaryFolder()
        let first = try await engine(folder)
        try await first.tellStory()
        await first.stop()
        let second = try await engine(reopened(folder))
        try await second.apply(
            open("late", parent: "main"), deposit("late", "3"),
            #"{"type":"transfer","account":"late","to":"sub","asset":"USD","amount":"1"}"#,
            buy("main", "BTC-USD", "0.001", at: "60000"),
            #"{"type":"prices","venue":"testing","index":{"BTC":"60400"}}"#)
        let visible = second.visible
        if clean { await second.stop() }
        return (folder, visible)
    }

    @Test(arguments: [false, true])
    func aReopenedStoreIsTheSameLedger(clean: Bool) async throws {
        let (folder, visible) = try await storyFolder(clean: clean)
        let again = try await engine(reopened(folder))
        #expect(again.visible == visible)
        #expect(again.statistics.replayedEvents == (clean ? 0 : 6))
        let statuses = try await again.apply(deposit("late", "1"))
        #expect(statuses == [.applied(sequence: again.statistics.sequence)])
    }

    @Test(arguments: [
        "DELETE FROM account_snapshots", "DELETE FROM account_snapshots WHERE ordinal = 0",
        "DELETE FROM account_snapshots WHERE ordinal = 2", "DELETE FROM meta WHERE key LIKE 'snapshot%'",
        "DELETE FROM meta WHERE key = 'snapshot_instruments'",
        "UPDATE account_snapshots SET body = replace(body, '250.5', '350.5')",
        "UPDATE meta SET value = x'7b7d' WHERE key = 'snapshot_state'",
    ])
    func withoutItsSnapshotsItIsTheSameLedger(damage: String) async throws {
        let (folder, visible) = try await storyFolder()
        try change(folder, damage)
        let again = try await engine(folder)
        #expect(again.visible == visible)
        #expect(again.statistics.replayedEvents == again.statistics.sequence)
        // And the next stop puts them right.
        await again.stop()
        #expect(try await verifyJournal(openJournal(folder.location, access: .readOnly)).problems == [])
        #expect(try await engine(reopened(folder)).statistics.replayedEvents == 0)
    }

    /// Writing snapshots was cut off: some accounts are further on than the record says.
    @Test func snapshotsOfDifferentPlacesFitTogether() async throws {
        let (folder, visible) = try await storyFolder()
        let store = try openJournal(folder.location)
        let complete = try store.snapshots(from: 0, limit: 100)
        try store.discardSnapshots()
        try store.close()
        // The place of the first stop, put back: only `main` and the terms are newer.
        let older = try await Self.snapshots(upTo: story.count)
        let again = try openJournal(folder.location)
        try again.writeSnapshots(older.accounts, state: older.state)
        try again.writeSnapshots([complete[0]], state: nil)
        try again.set(older.instruments, for: .snapshotInstruments)
        let newer = try await engine(again)
        #expect(newer.visible == visible)
        #expect(newer.statistics.replayedEvents > 0)
        #expect(newer.statistics.replayedEvents < newer.statistics.sequence)
    }

    private static func snapshots(
        upTo count: Int
    ) async throws -> (accounts: [AccountSnapshotRecord], state: [UInt8], instruments: [UInt8]) {
        let folder = try TemporaryFolder()
        let first = try await engine(folder)
        for text in story.prefix(count) { try await first.apply(text) }
        await first.stop()
        let store = try await reopened(folder)
        return (
            try store.snapshots(from: 0, limit: 100), try #require(try store.value(.snapshotState)),
            try #require(try store.value(.snapshotInstruments))
        )
    }

    @Test func snapshotsAreWrittenWhileItRuns() async throws {
        let folder = try TemporaryFolder()
        let first = try await engine(openJournal(folder.location), upkeepInterval: 20)
        try await first.tellStory()
        for _ in 0..<60 { try await first.apply(deposit("main", "1")) }
        try await wait { first.statistics.snapshotSequence > 0 }
        #expect(first.statistics.indexedSequence > 0)
        let visible = first.visible
        await first.stop()
        let report = try await verifyJournal(openJournal(folder.location, access: .readOnly))
        #expect(report.problems == [])
        #expect(report.snapshots == 2)
        #expect(try await engine(reopened(folder)).visible == visible)
    }

    // MARK: - Verification

    @Test func aSoundJournalIsFoundSound() async throws {
        let (folder, _) = try await storyFolder()
        let report = try await verifyJournal(openJournal(folder.location, access: .readOnly))
        #expect(report.isSound)
        #expect(report.accounts == 3)
        #expect(report.snapshots == 3)
    }

    @Test(arguments: [
        ("UPDATE events SET body = replace(body, '1000', '2000') WHERE type = 'deposited'", "Event 3"),
        ("UPDATE events SET at = at + 1 WHERE sequence = 2", "Event 2"),
        ("UPDATE events SET account = 'sub' WHERE sequence = 3", "Event 3"),
        ("UPDATE events SET checksum = checksum + 1 WHERE sequence = 4", "Event 4"),
        ("UPDATE events SET command_id = NULL WHERE sequence = 3", "Event 3"),
        ("DELETE FROM events WHERE sequence = 5", "Event 5 is missing"),
        ("DELETE FROM events WHERE sequence > 13", "13"),
        ("UPDATE events SET body = '{' WHERE sequence = 6", "Event 6"),
        (
            "UPDATE account_snapshots SET body = body || ' ' WHERE ordinal = 1",
            "row 1 of the table account_snapshots"
        ),
        (
            "UPDATE meta SET value = x'7b7d' WHERE key = 'snapshot_state'",
            "row snapshot_state of the table meta"
        ),
        (
            "UPDATE meta SET value = x'5b5d' WHERE key = 'snapshot_instruments'",
            "row snapshot_instruments of the table meta"
        ),
    ])
    func damageIsFoundAndNamed(damage: String, found: String) async throws {
        let (folder, _) = try await storyFolder()
        try change(folder, damage)
        let report = try await verifyJournal(openJournal(folder.location, access: .readOnly))
        #expect(!report.isSound)
        #expect(report.problems.contains { $0.contains(found) }, "\(report.problems)")
    }

    @Test func aJournalWithAHoleIsNotOpened() async throws {
        let (folder, _) = try await storyFolder()
        try change(folder, "DELETE FROM account_snapshots; DELETE FROM events WHERE sequence = 5")
        let error = await #expect(throws: JournalError.self) { _ = try await engine(folder) }
        #expect(error?.kind == .damaged)
        #expect(error?.message.contains("5") == true)
    }

    // MARK: - The past

    @Test(arguments: [false, true])
    func thePastIsAsItWas(clean: Bool) async throws {
        let folder = try TemporaryFolder()
        var engine = try await engine(folder)
        let hour = 3_600_000 as Int64
        try await engine.apply(open("main"), open("sub", parent: "main"), deposit("main", "10"))
        try engine.clock.advance(by: hour)
        try await engine.apply(
            #"{"type":"transfer","account":"main","to":"sub","asset":"USD","amount":"4"}"#,
            #"{"type":"prices","venue":"testing","marks":{"BTC-PERP":"100"}}"#)
        try engine.clock.advance(by: hour)
        try await engine.apply(
            deposit("sub", "1"), #"{"type":"prices","venue":"testing","marks":{"BTC-PERP":"200"}}"#,
            open("late", parent: "main"))
        if clean {
            await engine.stop()
            engine = try await Self.plainEngine(reopened(folder))
        }
        func at(_ offset: Int64) -> LedgerTime { LedgerTime(milliseconds: noon.milliseconds + offset) }
        #expect(try await engine.account("main", asOf: at(-1)) == nil)
        #expect(try await engine.account("main", asOf: at(0))?.cash("USD") == ExactDecimal(10))
        #expect(try await engine.account("main", asOf: at(hour - 1))?.cash("USD") == ExactDecimal(10))
        // At the very time of an event it is included.
        #expect(try await engine.account("main", asOf: at(hour))?.cash("USD") == ExactDecimal(6))
        #expect(try await engine.account("sub", asOf: at(hour))?.cash("USD") == ExactDecimal(4))
        #expect(try await engine.account("sub", asOf: at(2 * hour)) == engine.account("sub"))
        let venue = TestVenue.name
        #expect(try await engine.prices(of: venue, asOf: at(hour - 1)).mark("BTC-PERP") == nil)
        #expect(try await engine.prices(of: venue, asOf: at(hour)).mark("BTC-PERP") == ExactDecimal(100))
        #expect(try await engine.prices(of: venue, asOf: at(2 * hour)) == engine.prices(of: venue))
        for named in [[], ["main"]] {
            let access = try await engine.access(for: venue, asOf: at(hour), accounts: named)
            let snapshot = try #require(access.snapshot(of: "sub"))
            #expect(snapshot.account.cash("USD") == ExactDecimal(4))
            #expect(snapshot.prices.mark("BTC-PERP") == ExactDecimal(100))
            #expect(snapshot.at == at(hour))
            #expect(access.ledgerTime() == at(hour))
            #expect(access.subaccounts(of: "main") == ["sub"])
            await #expect(throws: Refusal.self) {
                try await access.submit(
                    Command(account: "sub", content: .deposit(asset: "USD", amount: .one)))
            }
        }
    }

    private static func plainEngine(_ store: any JournalStore) async throws -> LedgerEngine {
        try await engine(store)
    }

    @Test func eventsOfAnAccountCanBePaged() async throws {
        let engine = try await engine(openJournal("memory:"))
        try await engine.tellStory()
        let all = try await engine.events(of: "sub", after: 0, limit: 100)
        #expect(all.map(\.type) == ["account_opened", "transferred", "filled", "order_placed"])
        #expect(all[1].account == "main")
        #expect(all[1].counterparty == "sub")
        #expect(
            String(decoding: all[1].body, as: UTF8.self) == #"{"to":"sub","asset":"USD","amount":"250.5"}"#)
        let page = try await engine.events(of: "sub", after: all[0].sequence, limit: 2)
        #expect(page == Array(all[1...2]))
        let main = try await engine.events(of: "main", after: 0, limit: 100)
        #expect(main.compactMap(\.commandID) == ["first", "second"])
    }
}
