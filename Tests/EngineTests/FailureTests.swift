import Engine
import Journal
import Ledger
import Numbers
import Testing

@Suite struct FailureTests {
    @Test func commandsThatWaitShareOneTransaction() async throws {
        let store = FaultyStore(try openJournal("memory:"))
        let engine = try await engine(store)
        try await engine.apply(open("desk"))
        let groups = engine.statistics.groupSizes.count
        store.hold(true)
        let appends = store.appends
        let first = Task { try await engine.apply(deposit("desk", "1")) }
        try await wait { store.appends == appends + 1 }
        let others = (0..<49).map { _ in Task { try await engine.apply(deposit("desk", "1")) } }
        try await wait { engine.statistics.waitingCommands == 50 }
        // While the disk is busy readers are answered, and see nothing that is not durable.
        #expect(engine.account("desk")?.cash("USD") == .zero)
        #expect(engine.statistics.sequence == 1)
        store.hold(false)
        _ = try await first.value
        for other in others { _ = try await other.value }
        #expect(engine.account("desk")?.cash("USD") == ExactDecimal(50))
        #expect(engine.statistics.groupSizes.count == groups + 2)
        #expect(engine.statistics.groupSizes.greatest == 49)
    }

    @Test func aFailedWriteIsRefusedAndUndone() async throws {
        let folder = try TemporaryFolder()
        let store = FaultyStore(try openJournal(folder.location))
        let engine = try await engine(store)
        try await engine.tellStory()
        let before = engine.visible
        store.set(.failsBefore)
        let list = [
            open("new"), deposit("new", "1", id: "n"), deposit("main", "5"),
            #"{"type":"prices","venue":"testing","index":{"BTC":"1"}}"#,
            buy("main", "BTC-USD", "1", at: "1"),
            deposit("nobody", "1"),
        ]
        guard case .results(let results) = await engine.submit(try list.map { try submission($0) }) else {
            Issue.record("refused")
            return
        }
        #expect(results.count == list.count)
        #expect(results.allSatisfy { $0.status.refusalCode == .storeUnavailable })
        #expect(!engine.isWritable)
        #expect(engine.visible == before)
        let atomic = await engine.submit([try submission(deposit("main", "5"))], atomic: true)
        guard case .refused(0, let refusal) = atomic else {
            Issue.record("\(atomic)")
            return
        }
        #expect(refusal.code == .storeUnavailable)
        // As soon as the store takes writes again, so does the engine.
        store.set(nil)
        let next = engine.statistics.sequence + 1
        #expect(try await engine.apply(open("new")) == [.applied(sequence: next)])
        #expect(try await engine.apply(deposit("new", "1", id: "n")) == [.applied(sequence: next + 1)])
        #expect(engine.isWritable)
        #expect(engine.statistics.failedGroups == 2)
        let after = engine.visible
        await engine.stop()
        let reopenedStore = try await reopened(folder)
        try reopenedStore.discardSnapshots()
        #expect(try await Self.plainEngine(reopenedStore).visible == after)
    }

    private static func plainEngine(_ store: any JournalStore) async throws -> LedgerEngine {
        try await engine(store)
    }

    @Test func whatWaitedBehindAFailedGroupIsRefusedToo() async throws {
        let store = FaultyStore(try openJournal("memory:"))
        let engine = try await engine(store)
        try await engine.apply(open("desk"))
        store.set(.failsBefore)
        store.hold(true)
        let appends = store.appends
        let first = Task { try await engine.apply(deposit("desk", "1")) }
        try await wait { store.appends == appends + 1 }
        // Rests on the deposit that is about to fail.
        let second = Task {
            try await engine.apply(
                #"{"type":"withdraw","account":"desk","asset":"USD","amount":"1"}"#, deposit("desk", "3"))
        }
        try await wait { engine.statistics.waitingCommands == 3 }
        store.hold(false)
        #expect(try await first.value.map(\.refusalCode) == [.storeUnavailable])
        #expect(try await second.value.map(\.refusalCode) == [.storeUnavailable, .storeUnavailable])
        store.set(nil)
        #expect(try await engine.apply(deposit("desk", "2")) == [.applied(sequence: 2)])
        #expect(engine.account("desk")?.cash("USD") == ExactDecimal(2))
    }

    @Test func aLongListKeepsWhatWasDurableBeforeTheFailure() async throws {
        let store = FaultyStore(try openJournal("memory:"))
        let engine = try await engine(store, groupLimit: 10)
        try await engine.apply(open("desk"))
        store.hold(true)
        let appends = store.appends
        let list = try (0..<45).map { _ in try submission(deposit("desk", "1")) }
        let task = Task { await engine.submit(list) }
        try await wait { store.appends == appends + 1 }
        // The append that is held has passed the fault's check; the next one fails.
        store.set(.failsBefore)
        store.hold(false)
        guard case .results(let results) = await task.value else {
            Issue.record("refused")
            return
        }
        #expect(results.count == 45)
        #expect(results.prefix(10).map(\.status) == (2...11).map { .applied(sequence: $0) })
        #expect(results.dropFirst(10).allSatisfy { $0.status.refusalCode == .storeUnavailable })
        #expect(engine.account("desk")?.cash("USD") == ExactDecimal(10))
    }

    /// A commit may come through although it is reported as failed: the ledger takes over what the store has.
    @Test func aCommitThatCameThroughAfterAllIsTakenOver() async throws {
        let folder = try TemporaryFolder()
        let store = FaultyStore(try openJournal(folder.location))
        let engine = try await engine(store)
        try await engine.apply(open("desk"))
        store.set(.failsAfter)
        let command = deposit("desk", "5", id: "once")
        #expect(try await engine.apply(command).map(\.refusalCode) == [.storeUnavailable])
        store.set(nil)
        // The client tries again, as it was told to; the money is there once.
        #expect(try await engine.apply(command) == [.duplicate(sequence: 2)])
        #expect(try await engine.apply(deposit("desk", "1")) == [.applied(sequence: 3)])
        #expect(engine.account("desk")?.cash("USD") == ExactDecimal(6))
        let visible = engine.visible
        await engine.stop()
        #expect(try await Self.plainEngine(reopened(folder)).visible == visible)
    }

    @Test func aStoreThatCannotEvenBeReadIsTriedAgain() async throws {
        let store = FaultyStore(try openJournal("memory:"))
        let engine = try await engine(store)
        try await engine.apply(open("desk"))
        store.set(.failsAfter)
        store.setFailsReads(true)
        #expect(try await engine.apply(deposit("desk", "5")).map(\.refusalCode) == [.storeUnavailable])
        #expect(try await engine.apply(deposit("desk", "6")).map(\.refusalCode) == [.storeUnavailable])
        #expect(engine.account("desk")?.cash("USD") == .zero)
        store.set(nil)
        store.setFailsReads(false)
        #expect(try await engine.apply(deposit("desk", "7")) == [.applied(sequence: 3)])
        #expect(engine.account("desk")?.cash("USD") == ExactDecimal(12))
    }

    /// A server that says it is not ready gets no commands, so none may be needed for it to be ready again.
    @Test func readinessComesBackWithoutACommand() async throws {
        let store = FaultyStore(try openJournal("memory:"))
        let engine = try await engine(store)
        store.set(.failsBefore)
        #expect(try await engine.apply(open("desk")).map(\.refusalCode) == [.storeUnavailable])
        #expect(!engine.isWritable)
        store.set(nil)
        try await wait { engine.isWritable }
        #expect(engine.accountIDs.isEmpty)
    }

    @Test func stoppingAnswersWhatIsUnderWay() async throws {
        let folder = try TemporaryFolder()
        let store = FaultyStore(try openJournal(folder.location))
        let engine = try await engine(store)
        try await engine.apply(open("desk"))
        store.hold(true)
        let appends = store.appends
        let tasks = (0..<5).map { _ in Task { try await engine.apply(deposit("desk", "1")) } }
        try await wait { store.appends > appends && engine.statistics.waitingCommands == 5 }
        let stopping = Task { await engine.stop() }
        store.hold(false)
        var applied = 0
        for task in tasks {
            if case .applied = try await task.value.first { applied += 1 }
        }
        await stopping.value
        await engine.stop()
        #expect(applied == 5)
        #expect(try await engine.apply(deposit("desk", "1")).map(\.refusalCode) == [.storeUnavailable])
        let again = try await Self.plainEngine(reopened(folder))
        #expect(again.account("desk")?.cash("USD") == ExactDecimal(5))
    }
}
