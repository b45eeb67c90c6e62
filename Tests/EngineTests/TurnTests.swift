import Engine
import Journal
import Ledger
import Numbers
import Testing

/// Whoever sends a long list does not make others wait for all of it.
@Suite struct TurnTests {
    /// The sequences that a list's commands came to.
    private func sequences(_ outcome: SubmissionOutcome) -> [Int64] {
        guard case .results(let results) = outcome else { return [] }
        return results.compactMap { if case .applied(let sequence) = $0.status { sequence } else { nil } }
    }

    private func list(_ account: String, _ count: Int) throws -> [Submission] {
        try (0..<count).map { _ in try submission(deposit(account, "1")) }
    }

    @Test func aSingleCommandGoesBetweenThePartsOfALongList() async throws {
        let store = FaultyStore(try openJournal("memory:"))
        let engine = try await engine(store, groupLimit: 5)
        try await engine.apply(open("desk"), open("other"))
        store.hold(true)
        let begun = store.appends
        let long = try list("desk", 40)
        async let longOutcome = engine.submit(long)
        try await wait { store.appends == begun + 1 }
        // Five commands are on their way to the disk, the next five wait to follow: this one goes with them.
        let single = try list("other", 1)
        async let singleOutcome = engine.submit(single)
        try await wait { engine.statistics.waitingCommands == 41 }
        store.hold(false)
        #expect(sequences(await singleOutcome) == [2 + 5 + 5 + 1])
        let all = sequences(await longOutcome)
        #expect(all == (3...43).filter { $0 != 13 })
        #expect(engine.statistics.groupSizes.greatest == 6)
        await engine.stop()
    }

    @Test func listsTakeTurnsAndEachKeepsItsOrder() async throws {
        let store = FaultyStore(try openJournal("memory:"))
        let engine = try await engine(store, groupLimit: 5)
        let names = ["a", "b", "c", "d"]
        for name in names { try await engine.apply(open(name)) }
        store.hold(true)
        let outcomes = try await withThrowingTaskGroup(of: (String, [Int64]).self) { group in
            for name in names {
                let list = try list(name, 30)
                group.addTask { (name, sequences(await engine.submit(list))) }
            }
            try await wait { engine.statistics.waitingCommands == 120 }
            store.hold(false)
            var found: [String: [Int64]] = [:]
            for try await (name, sequences) in group { found[name] = sequences }
            return found
        }
        for name in names {
            let own = try #require(outcomes[name])
            #expect(own.count == 30)
            #expect(own == own.sorted())
            #expect(engine.account(name)?.cash("USD").description == "30")
        }
        #expect(Set(outcomes.values.joined()) == Set(5...124))
        // No list ends before another one is past its first third.
        let firstEnd = try #require(outcomes.values.compactMap(\.last).min())
        for own in outcomes.values { #expect(own[9] < firstEnd) }
        #expect(engine.statistics.groupSizes.greatest <= 10)
        await engine.stop()
    }

    @Test func anAtomicListIsNotParted() async throws {
        let store = FaultyStore(try openJournal("memory:"))
        let engine = try await engine(store, groupLimit: 5)
        try await engine.apply(open("desk"), open("other"))
        store.hold(true)
        let begun = store.appends
        let (first, whole, single) = (try list("desk", 6), try list("desk", 30), try list("other", 1))
        async let firstOutcome = engine.submit(first)
        try await wait { store.appends == begun + 1 }
        async let wholeOutcome = engine.submit(whole, atomic: true)
        try await wait { engine.statistics.waitingCommands == 36 }
        async let singleOutcome = engine.submit(single)
        try await wait { engine.statistics.waitingCommands == 37 }
        store.hold(false)
        let sequences = (
            sequences(await firstOutcome), sequences(await wholeOutcome), sequences(await singleOutcome)
        )
        #expect(sequences.0 == Array(3...8))
        #expect(sequences.1 == Array(9...38))
        #expect(sequences.2 == [39])
        await engine.stop()
    }

    @Test func aListInSeveralGroupsIsRefusedFromTheFirstThatCannotBeWritten() async throws {
        let store = FaultyStore(try openJournal("memory:"))
        let engine = try await engine(store, groupLimit: 5)
        try await engine.apply(open("desk"), open("other"))
        store.hold(true)
        let begun = store.appends
        let (long, single) = (try list("desk", 40), try list("other", 1))
        async let longOutcome = engine.submit(long)
        try await wait { store.appends == begun + 1 }
        async let singleOutcome = engine.submit(single)
        try await wait { engine.statistics.waitingCommands == 41 }
        // The append under way has looked at the fault already; the one after it meets this.
        store.set(.failsBefore)
        store.hold(false)
        #expect(sequences(await singleOutcome).isEmpty)
        guard case .results(let results) = await longOutcome else {
            Issue.record("refused")
            return
        }
        #expect(results.count == 40)
        #expect(results.prefix(5).map(\.status) == (3...7).map { .applied(sequence: $0) })
        #expect(results.dropFirst(5).allSatisfy { $0.status.refusalCode == .storeUnavailable })
        #expect(engine.account("desk")?.cash("USD").description == "5")
        store.set(nil)
        try await engine.apply(deposit("desk", "1"))
        #expect(engine.account("desk")?.cash("USD").description == "6")
        await engine.stop()
    }
}
