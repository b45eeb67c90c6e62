import Engine
import Journal
import Ledger
import Numbers
import Testing
import Venue

@Suite struct SubmittingTests {
    @Test func appliedCommandsShowAndRefusedOnesChangeNothing() async throws {
        let engine = try await engine(openJournal("memory:"))
        let statuses = try await engine.apply(
            open("desk"), deposit("desk", "10"), open("desk"), deposit("nobody", "1"), #"{"type":"dance"}"#,
            deposit("desk", "0.000000001"),
            #"{"type":"withdraw","account":"desk","asset":"USD","amount":"11"}"#)
        #expect(statuses[0] == .applied(sequence: 1))
        #expect(statuses[1] == .applied(sequence: 2))
        #expect(
            statuses.dropFirst(2).map(\.refusalCode) == [
                .accountExists, .unknownAccount, .unknownCommand, .invalidAmount, .insufficientBalance,
            ])
        #expect(engine.account("desk")?.cash("USD") == ExactDecimal(10))
        let statistics = engine.statistics
        #expect(statistics.sequence == 2)
        #expect(statistics.appliedCommands == 2)
        #expect(statistics.rejectedCommands == 5)
        #expect(statistics.accounts == 1)
    }

    @Test func nothingSubmittedIsNothingDone() async throws {
        let engine = try await engine(openJournal("memory:"))
        #expect(await engine.submit([]) == .results([]))
        #expect(await engine.submit([], atomic: true) == .results([]))
    }

    @Test func aListLongerThanAGroupKeepsItsOrder() async throws {
        let engine = try await engine(openJournal("memory:"), groupLimit: 7)
        let texts = [open("desk")] + (1...100).map { deposit("desk", "\($0)") }
        guard case .results(let results) = await engine.submit(try texts.map { try submission($0) }) else {
            Issue.record("refused")
            return
        }
        #expect(results.map(\.status) == (1...101).map { .applied(sequence: $0) })
        #expect(engine.account("desk")?.cash("USD") == ExactDecimal(5050))
        #expect(engine.statistics.groupSizes.greatest == 7)
    }

    // MARK: - All or none

    @Test func anAtomicListIsAppliedWholly() async throws {
        let engine = try await engine(openJournal("memory:"), groupLimit: 2)
        let outcome = await engine.submit(try story.map { try submission($0) }, atomic: true)
        guard case .results(let results) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(results.count == story.count)
        // One transaction, whatever the limit.
        #expect(engine.statistics.groupSizes.count == 1)
    }

    @Test func anAtomicListThatFailsLeavesNothing() async throws {
        let folder = try TemporaryFolder()
        let engine = try await engine(folder)
        try await engine.tellStory()
        let before = engine.visible
        let list = [
            open("new"), open("newer", parent: "new"), deposit("new", "5", id: "third"),
            deposit("main", "7"), #"{"type":"prices","venue":"testing","marks":{"BTC-USD":"1"}}"#,
            #"{"type":"transfer","account":"new","to":"newer","asset":"USD","amount":"1"}"#,
            buy("main", "BTC-USD", "1", at: "1"),
            #"{"type":"withdraw","account":"main","asset":"USD","amount":"100000"}"#, deposit("main", "1"),
        ]
        guard
            case .refused(let index, let refusal) = await engine.submit(
                try list.map { try submission($0) }, atomic: true)
        else {
            Issue.record("not refused")
            return
        }
        #expect(index == 7)
        #expect(refusal.code == .insufficientBalance)
        #expect(engine.visible == before)
        // Its ids are not used up, and what follows fits the journal.
        let next = engine.statistics.sequence + 1
        let statuses = try await engine.apply(open("new"), deposit("new", "6", id: "third"))
        #expect(statuses == [.applied(sequence: next), .applied(sequence: next + 1)])
        let after = engine.visible
        await engine.stop()
        let again = try await Self.engineWithoutSnapshots(folder)
        #expect(again.visible == after)
    }

    private static func engineWithoutSnapshots(_ folder: TemporaryFolder) async throws -> LedgerEngine {
        let store = try openJournal(folder.location)
        try store.discardSnapshots()
        return try await engine(store)
    }

    // MARK: - Idempotency

    @Test func aRepeatedIdAnswersTheFirstSequence() async throws {
        let engine = try await engine(openJournal("memory:"))
        try await engine.apply(open("desk"))
        let first = #"{"type":"deposit","account":"desk","asset":"USD","amount":"1","id":"x"}"#
        let reordered = #"{"id":"x","amount":"1","asset":"USD","account":"desk","type":"deposit"}"#
        let other = #"{"type":"deposit","account":"desk","asset":"USD","amount":"2","id":"x"}"#
        // Within one group …
        var statuses = try await engine.apply(first, reordered, other)
        #expect(statuses[0] == .applied(sequence: 2))
        #expect(statuses[1] == .duplicate(sequence: 2))
        #expect(statuses[2].refusalCode == .idReused)
        // … and after it.
        statuses = try await engine.apply(reordered, other)
        #expect(statuses[0] == .duplicate(sequence: 2))
        #expect(statuses[1].refusalCode == .idReused)
        #expect(engine.account("desk")?.cash("USD") == .one)
        #expect(engine.statistics.duplicateCommands == 2)
    }

    @Test(arguments: [false, true])
    func idsHoldAcrossRestarts(clean: Bool) async throws {
        let folder = try TemporaryFolder()
        var first: LedgerEngine? = try await engine(folder)
        try await first?.tellStory()
        let visible = first?.visible
        if clean { await first?.stop() }
        first = nil
        let store = try await reopened(folder)
        let second = try await engine(store)
        let statuses = try await second.apply(story[2], story[8], deposit("main", "1", id: "second"))
        #expect(statuses[0] == .duplicate(sequence: 3))
        guard case .duplicate = statuses[1] else {
            Issue.record("\(statuses[1])")
            return
        }
        #expect(statuses[2].refusalCode == .idReused)
        #expect(second.visible == visible)
    }

    @Test func aRejectionDoesNotUseTheIdUp() async throws {
        let engine = try await engine(openJournal("memory:"))
        let command = deposit("desk", "1", id: "x")
        #expect(try await engine.apply(command).first?.refusalCode == .unknownAccount)
        let statuses = try await engine.apply(command, open("desk"), command, command)
        #expect(statuses[0].refusalCode == .unknownAccount)
        #expect(statuses[2] == .applied(sequence: 2))
        #expect(statuses[3] == .duplicate(sequence: 2))
    }

    @Test func manyIdsAreTold() async throws {
        let engine = try await engine(openJournal("memory:"), upkeepInterval: 500, groupLimit: 100)
        try await engine.apply(open("desk"))
        let list = try (0..<3_000).map { try submission(deposit("desk", "1", id: "id-\($0)")) }
        _ = await engine.submit(list)
        guard case .results(let results) = await engine.submit(list) else { return }
        #expect(results.map(\.status) == (0..<3_000).map { .duplicate(sequence: $0 + 2) })
        #expect(engine.account("desk")?.cash("USD") == ExactDecimal(3_000))
    }

    // MARK: - Many at once

    @Test func commandsOfManyTasksAllCount() async throws {
        let folder = try TemporaryFolder()
        let first = try await engine(openJournal(folder.location), upkeepInterval: 300)
        try await first.apply(open("a"), open("b"))
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<40 {
                group.addTask {
                    for turn in 0..<25 {
                        let account = (task + turn) % 2 == 0 ? "a" : "b"
                        _ = try? await first.apply(deposit(account, "1"), deposit(account, "0.5"))
                        // Whoever was answered can read it.
                        guard let cash = first.account(account)?.cash("USD"), cash.isPositive else {
                            Issue.record("an answered deposit cannot be read")
                            return
                        }
                    }
                }
            }
        }
        let sum = ExactDecimal(750)
        #expect(first.account("a")?.cash("USD") == sum)
        #expect(first.account("b")?.cash("USD") == sum)
        #expect(first.statistics.sequence == 2_002)
        let visible = first.visible
        await first.stop()
        let report = try await verifyJournal(openJournal(folder.location, access: .readOnly))
        #expect(report.problems == [])
        #expect(report.events == 2_002)
        #expect(report.snapshots == 2)
        #expect(try await engine(openJournal(folder.location)).visible == visible)
    }
}

/// Opens a store that another engine may be letting go of just now.
func reopened(_ folder: TemporaryFolder) async throws -> any JournalStore {
    for _ in 0..<2_000 {
        do throws(JournalError) {
            return try openJournal(folder.location)
        } catch {
            guard error.kind == .inUse else { throw error }
        }
        try await Task.sleep(for: .milliseconds(1))
    }
    return try openJournal(folder.location)
}
