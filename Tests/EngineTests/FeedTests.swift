import Engine
import Journal
import Ledger
import Numbers
import Synchronization
import Testing
import Venue
import VenueTestSupport

/// Keeps what it is told, in order.
private final class Listener: LedgerListener {
    private let changes = Mutex<[FeedChange]>([])
    private let onChange: @Sendable (FeedChange) -> Void

    init(onChange: @escaping @Sendable (FeedChange) -> Void = { _ in }) { self.onChange = onChange }

    func ledgerChanged(_ change: FeedChange) {
        changes.withLock { $0.append(change) }
        onChange(change)
    }

    /// Everything told so far.
    var told: [FeedChange] { changes.withLock { $0 } }
    var sequences: [Int64] { told.flatMap { $0.events.map(\.sequence) } }
}

@Suite struct FeedTests {
    private static let prices = #"{"type":"prices","venue":"testing","index":{"BTC":"1"}}"#

    @Test func eachIsToldOfWhatItFollowsAndNothingElse() async throws {
        let engine = try await engine(openJournal("memory:"))
        try await engine.apply(open("main"), open("sub", parent: "main"), open("other"))
        let (main, sub, venue, all) = (Listener(), Listener(), Listener(), Listener())
        engine.feed.follow(main, FeedInterest(accounts: ["main"]))
        engine.feed.follow(sub, FeedInterest(accounts: ["sub", "nobody"]))
        engine.feed.follow(venue, FeedInterest(prices: [TestVenue.name]))
        engine.feed.follow(all, FeedInterest(everything: true))
        try await engine.apply(
            deposit("main", "10"), deposit("other", "1"),
            #"{"type":"transfer","account":"main","to":"sub","asset":"USD","amount":"4"}"#,
            #"{"type":"withdraw","account":"main","asset":"USD","amount":"99"}"#, Self.prices)
        #expect(main.sequences == [4, 6])
        #expect(sub.sequences == [6])
        #expect(venue.sequences.isEmpty)
        #expect(venue.told.map(\.pricedVenues) == [[TestVenue.name]])
        #expect(main.told.allSatisfy { $0.pricedVenues.isEmpty })
        #expect(all.sequences == [4, 5, 6, 7])
        #expect(venue.told.last?.sequence == 7)
    }

    @Test func aNewInterestTakesThePlaceOfTheOldAndAnEmptyOneLetsGo() async throws {
        let engine = try await engine(openJournal("memory:"))
        try await engine.apply(open("a"), open("b"))
        let listener = Listener()
        engine.feed.follow(listener, FeedInterest(accounts: ["a"]))
        try await engine.apply(deposit("a", "1"), deposit("b", "1"))
        engine.feed.follow(listener, FeedInterest(accounts: ["b"]))
        try await engine.apply(deposit("a", "1"), deposit("b", "1"))
        #expect(listener.sequences == [3, 6])
        #expect(engine.feed.listenerCount == 1)
        engine.feed.follow(listener, FeedInterest())
        #expect(engine.feed.listenerCount == 0)
        try await engine.apply(deposit("b", "1"))
        engine.feed.follow(listener, FeedInterest(prices: [TestVenue.name]))
        engine.feed.leave(listener)
        try await engine.apply(Self.prices)
        #expect(listener.sequences == [3, 6])
    }

    @Test func whatIsToldCanBeReadAlready() async throws {
        let engine = try await engine(openJournal("memory:"))
        try await engine.apply(open("a"))
        let behind = Mutex(0)
        let listener = Listener { change in
            let seen = engine.account("a")?.lastSequence ?? 0
            if seen < change.events.last?.sequence ?? 0 { behind.withLock { $0 += 1 } }
        }
        engine.feed.follow(listener, FeedInterest(accounts: ["a"]))
        for _ in 0..<200 { try await engine.apply(deposit("a", "1"), deposit("a", "1")) }
        #expect(listener.sequences == Array(2...401))
        #expect(behind.withLock { $0 } == 0)
    }

    @Test func fromFollowingOnNothingIsMissed() async throws {
        let engine = try await engine(openJournal("memory:"), groupLimit: 3)
        try await engine.apply(open("a"))
        let writing = Task {
            for _ in 0..<300 { try await engine.apply(deposit("a", "1"), deposit("a", "1")) }
        }
        var started: [(listener: Listener, seen: Int64)] = []
        while engine.account("a")?.lastSequence ?? 0 < 500, started.count < 200 {
            let listener = Listener()
            engine.feed.follow(listener, FeedInterest(accounts: ["a"]))
            started.append((listener, engine.account("a")?.lastSequence ?? 0))
            if started.count % 10 == 0 { try await Task.sleep(for: .microseconds(200)) }
        }
        try await writing.value
        #expect(!started.isEmpty)
        for (listener, seen) in started {
            // Told may overlap what was seen, but leaves no gap behind it.
            #expect(Array(listener.sequences.drop { $0 <= seen }) == Array(seen + 1..<602))
        }
    }
}
