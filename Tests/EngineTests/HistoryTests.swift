import Engine
import Journal
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@Suite struct HistoryTests {
    private let hour = 3_600_000 as Int64
    private let venue = TestVenue.name

    private func at(_ offset: Int64) -> LedgerTime {
        LedgerTime(milliseconds: noon.milliseconds + offset)
    }

    private func price(_ mark: String) -> String {
        #"{"type":"prices","venue":"testing","marks":{"BTC-PERP":"\#(mark)"}}"#
    }

    /// Two accounts over three hours. With `stopped`, the journal's indexes end in the middle of it.
    private func storyEngine(_ folder: TemporaryFolder, stopped: Bool) async throws -> LedgerEngine {
        var engine = try await engine(openJournal(folder.location))
        try await engine.apply(open("main"), deposit("main", "10"), price("100"))
        try engine.clock.advance(by: hour)
        try await engine.apply(
            open("sub", parent: "main"), price("200"),
            #"{"type":"transfer","account":"main","to":"sub","asset":"USD","amount":"4"}"#)
        if stopped {
            await engine.stop()
            engine = try await Self.plainEngine(reopened(folder))
        }
        try engine.clock.advance(by: hour)
        try await engine.apply(deposit("main", "1"), price("250"), price("300"))
        return engine
    }

    private static func plainEngine(_ store: any JournalStore) async throws -> LedgerEngine {
        try await engine(store)
    }

    @Test(arguments: [false, true])
    func snapshotsAreOfTheirTimesInAnyOrder(stopped: Bool) async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let engine = try await storyEngine(folder, stopped: stopped)
        let access = engine.access(for: venue)
        let times = [2 * hour, -1, 0, hour - 1, hour, 2 * hour, 9 * hour].map { at($0) }
        let main = try await access.snapshots(of: "main", asOf: times)
        #expect(main.map { $0?.account.cash("USD").description } == ["7", nil, "10", "10", "6", "7", "7"])
        #expect(
            main.map { $0?.prices.mark("BTC-PERP")?.description }
                == ["300", nil, "100", "100", "200", "300", "300"])
        let sub = try await access.snapshots(of: "sub", asOf: times)
        #expect(sub.map { $0?.account.cash("USD").description } == ["4", nil, nil, nil, "4", "4", "4"])
        // Each is what a read of that time alone gives.
        for (time, snapshot) in zip(times, main) {
            #expect(try await engine.account("main", asOf: time) == snapshot?.account)
            guard let snapshot else { continue }
            #expect(snapshot.at == time)
            #expect(try await engine.prices(of: venue, asOf: time) == snapshot.prices)
        }
        #expect(main[0]?.account == engine.account("main"))
        #expect(try await access.snapshots(of: "main", asOf: []).isEmpty)
    }

    @Test func accountsThatTheVenueDoesNotHaveHaveNoPast() async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let engine = try await storyEngine(folder, stopped: false)
        let unknown = try await engine.access(for: venue).snapshots(of: "nobody", asOf: [at(0), at(hour)])
        #expect(unknown.count == 2)
        #expect(unknown.allSatisfy { $0 == nil })
        let elsewhere = engine.access(for: VenueName(rawValue: "elsewhere"))
        #expect(try await elsewhere.snapshots(of: "main", asOf: [at(hour)]).allSatisfy { $0 == nil })
    }

    @Test func thePastKnowsNothingOfWhatCameAfterIt() async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let engine = try await storyEngine(folder, stopped: false)
        let past = try await engine.access(for: venue, asOf: at(hour))
        let times = [at(0), at(hour), at(2 * hour)]
        let found = try await past.snapshots(of: "main", asOf: times)
        #expect(found.map { $0?.account.cash("USD").description } == ["10", "6", "6"])
        #expect(found.map { $0?.prices.mark("BTC-PERP")?.description } == ["100", "200", "200"])
        #expect(found.map { $0?.at } == times)
    }

    @Test func aPastThatCannotBeReadIsAnError() async throws {
        let store = FaultyStore(try openJournal("memory:"))
        let engine = try await engine(store)
        try await engine.apply(open("main"))
        store.setFailsReads(true)
        let error = await #expect(throws: Refusal.self) {
            _ = try await engine.access(for: TestVenue.name).snapshots(of: "main", asOf: [noon])
        }
        #expect(error?.code == .storeUnavailable)
    }

    @Test func whatIsWrittenAndNotPublishedIsNotRead() async throws {
        let store = FaultyStore(try openJournal("memory:"))
        let engine = try await engine(store)
        try await engine.apply(open("main"))
        store.holdAfter(true)
        // The first use of an instrument: its terms and the fill are in the store, and no reader knows them.
        let fill = Task { try await engine.apply(buy("main", "BTC-PERP", "1", at: "100")) }
        try await wait { (try? store.tip().sequence) ?? 0 > 2 }
        #expect(try await engine.events(after: 0, limit: 100).map(\.sequence) == [1])
        #expect(try await engine.events(of: "main", after: 0, limit: 100).map(\.sequence) == [1])
        let access = engine.access(for: venue)
        #expect(try await access.tradingHistory(of: "main")?.lastSequence == 1)
        let page = try await access.latestEvents(of: "main", ["filled"], before: .max, limit: 10)
        #expect(page.events.isEmpty)
        #expect(try await engine.account("main", asOf: noon)?.lastSequence == 1)
        store.holdAfter(false)
        _ = try await fill.value
        #expect(try await access.tradingHistory(of: "main")?.lastSequence == engine.statistics.sequence)
        #expect(try await engine.events(after: 0, limit: 100).last?.sequence == engine.statistics.sequence)
    }

    /// The clock stands, so that what comes later is of the same millisecond.
    @Test(arguments: [false, true])
    func whatIsFrozenStaysAsItWas(indexed: Bool) async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = try openJournal(folder.location)
        let engine = try await engine(store)
        try await engine.apply(open("main"), price("100"), deposit("main", "1"))
        let frozen = engine.frozenAccess(for: venue)
        let past = try await engine.access(for: venue, asOf: noon)
        try await engine.apply(price("200"), price("300"), deposit("main", "2"))
        if indexed { while try store.updateIndexes(limit: 1_000) {} }
        for access in [frozen, past] {
            let found = try await access.snapshots(of: "main", asOf: [noon]).first ?? nil
            #expect(found?.prices.mark("BTC-PERP") == ExactDecimal(100))
            #expect(found?.account.cash("USD") == ExactDecimal(1))
            #expect(access.snapshot(of: "main")?.account.cash("USD") == ExactDecimal(1))
        }
        #expect(try await engine.prices(of: venue, asOf: noon).mark("BTC-PERP") == ExactDecimal(300))
    }

    @Test func whatWasSeenOfALedgerThatWasReplacedIsNotReadInTheNextOne() async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let engine = try await engine(folder)
        try await engine.apply(open("main"), price("100"), deposit("main", "1"))
        let frozen = engine.frozenAccess(for: venue)
        let past = try await engine.access(for: venue, asOf: at(-1))
        try await engine.reset()
        try await engine.apply(open("main"), deposit("main", "5"))
        for access in [frozen, past] {
            let error = await #expect(throws: Refusal.self) {
                _ = try await access.snapshots(of: "main", asOf: [noon])
            }
            #expect(error?.code == .storeUnavailable)
        }
        let now = try await engine.access(for: venue).snapshots(of: "main", asOf: [noon]).first ?? nil
        #expect(now?.account.cash("USD") == ExactDecimal(5))
        #expect(try await engine.access(for: venue).tradingHistory(of: "main")?.lastSequence == 2)
    }
}
