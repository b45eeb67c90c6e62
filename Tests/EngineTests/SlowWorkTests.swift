import Foundation
import Journal
import Ledger
import Numbers
import Synchronization
import Testing
import Venue
import VenueTestSupport

@testable import Engine

/// What the tasks of a test tell it.
private final class Notes: Sendable {
    let order = Mutex<[String]>([])
    let begun = Atomic(0)
    let caller = Caller()
}

@Suite("Slow work")
struct SlowWorkTests {
    /// One thread for everything, so that the order of slices is told by the turns alone.
    private static let oneThread = WorkQueues { _, _ in
        let threads = WorkThreads(count: 1, isSlow: true)
        return { work in threads.add(work) }
    }

    private static func limits(all: Int, ofOneSender: Int) -> SlowWork.Limits {
        var limits = SlowWork.Limits()
        limits.all = all
        limits.ofOneSender = ofOneSender
        return limits
    }

    private static var niceness: Int32 {
        getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0)
    }

    @Test("No more than so much waits, of one sender and of all; what is over makes room")
    func bounds() throws {
        let work = SlowWork(limits: Self.limits(all: 3, ofOneSender: 2), on: Self.oneThread)
        var turns = [try work.turn(of: "a"), try work.turn(of: "a")]
        #expect(throws: Refusal.busy) { _ = try work.turn(of: "a") }
        turns.append(try work.turn(of: "b"))
        #expect(throws: Refusal.busy) { _ = try work.turn(of: "c") }
        #expect(work.count == 3)
        #expect(work.refused == 2)
        // The server's own work is never refused and takes nobody's place.
        _ = work.ownTurn(of: "a")
        turns.removeFirst()
        #expect(work.count == 2)
        _ = try work.turn(of: "c")
        #expect(work.count == 2)
        turns = []
        #expect(work.count == 0)
    }

    @Test("It runs behind all else, on threads of its own, before and after every slice")
    func threads() async throws {
        let work = SlowWork(limits: SlowWork.Limits(), on: .threads)
        #expect(Self.niceness == 0)
        let seen = try await work.turn(of: "a").run { () async throws(Refusal) in
            var seen = [Self.niceness]
            for _ in 0..<20 {
                try await SlowWork.giveWay()
                seen.append(Self.niceness)
            }
            return seen
        }
        #expect(seen == [Int32](repeating: 10, count: 21))
        #expect(Self.niceness == 0)
    }

    @Test("Senders take turns, whoever has more to do and came first")
    func fairness() async throws {
        let work = SlowWork(limits: SlowWork.Limits(), on: Self.oneThread)
        let notes = Notes()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    try await work.turn(of: "greedy").run { () async throws(Refusal) in
                        notes.begun.add(1, ordering: .relaxed)
                        for _ in 0..<200 {
                            usleep(500)
                            try await SlowWork.giveWay()
                        }
                        notes.order.withLock { $0.append("greedy \(number)") }
                    }
                }
            }
            try await wait { notes.begun.load(ordering: .relaxed) == 8 }
            try await work.turn(of: "modest").run { () async throws(Refusal) in
                for _ in 0..<10 { try await SlowWork.giveWay() }
                notes.order.withLock { $0.append("modest") }
            }
            try await group.waitForAll()
        }
        #expect(notes.order.withLock { $0.first } == "modest")
        #expect(notes.order.withLock { $0.count } == 9)
    }

    @Test("A turn within a turn is the same one")
    func nesting() async throws {
        let work = SlowWork(limits: Self.limits(all: 1, ofOneSender: 1), on: Self.oneThread)
        let outer = try work.turn(of: "a")
        let isSame = try await outer.run { () async throws(Refusal) in
            let inner = try work.turn(of: "b")
            return await inner.run { inner === outer && work.count == 1 }
        }
        #expect(isSame)
    }

    @Test("Nothing goes on for nobody")
    func abandoned() async throws {
        let work = SlowWork(limits: SlowWork.Limits(), on: Self.oneThread)
        let notes = Notes()
        let endless = Task {
            try await Caller.$current.withValue(notes.caller) {
                try await work.turn(of: "a").run { () async throws(Refusal) in
                    while true {
                        notes.begun.add(1, ordering: .relaxed)
                        try await SlowWork.giveWay()
                    }
                }
            }
        }
        try await wait { notes.begun.load(ordering: .relaxed) > 10 }
        notes.caller.leave()
        await #expect(throws: Refusal.abandoned) { try await endless.value }
        #expect(work.count == 0)

        let cancelled = Task {
            try await work.turn(of: "a").run { () async throws(Refusal) in
                while true { try await SlowWork.giveWay() }
            }
        }
        cancelled.cancel()
        await #expect(throws: Refusal.abandoned) { try await cancelled.value }
    }

    @Test("An end waits for what is under way, which ends at its next slice")
    func closing() async throws {
        let work = SlowWork(limits: SlowWork.Limits(), on: Self.oneThread)
        let endless = Task {
            try await work.turn(of: "a").run { () async throws(Refusal) in
                while true { try await SlowWork.giveWay() }
            }
        }
        try await wait { work.count == 1 }
        await work.close()
        #expect(work.count == 0)
        await #expect(throws: Refusal.stopping) { try await endless.value }
        #expect(throws: Refusal.stopping) { _ = try work.turn(of: "a") }
    }

    @Test("A line gives what came first, at any length")
    func line() {
        var line = Line<Int>()
        var next = 0
        var expected = 0
        for round in 0..<200 {
            for _ in 0..<(round % 7) * 100 {
                line.append(next)
                next += 1
            }
            for _ in 0..<(round % 5) * 150 {
                let first = line.popFirst()
                #expect(first == (expected < next ? expected : nil))
                if first != nil { expected += 1 }
            }
        }
        while let first = line.popFirst() {
            #expect(first == expected)
            expected += 1
        }
        #expect(expected == next && line.isEmpty)
    }
}

@Suite("A long past")
struct LongPastTests {
    @Test("Every time is right, in whatever order times are asked for and whatever is remembered of others")
    func milestones() async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        // Some of it indexed, some of it not.
        let engine = try await engine(openJournal(folder.location), upkeepInterval: 10_000)
        try await engine.apply(open("main"), open("other"))
        let count = 23_000
        var submissions: [Submission] = []
        for number in 1...count {
            let time = noon.milliseconds + Int64(number)
            submissions.append(
                try submission(
                    #"{"type":"deposit","account":"main","asset":"USD","amount":"1","at":\#(time)}"#))
        }
        _ = await engine.submit(submissions)
        func cash(_ number: Int64) async throws -> String? {
            let time = LedgerTime(milliseconds: noon.milliseconds + number)
            let account = try await engine.account("main", asOf: time)
            #expect(account?.version == account.map { _ in number + 1 })
            return account?.cash("USD").description
        }
        var numbers: [Int64] = [22_999, 1, 10_000, 9_999, 10_001, 21_500, 21_000, 0, 999, 1_000]
        numbers += numbers.reversed()
        for number in numbers { #expect(try await cash(number) == "\(number)") }
        #expect(try await cash(-1) == nil)
        let times = [-1, 5_000, 15_000, 22_000, 23_000, 40_000]
            .map { LedgerTime(milliseconds: noon.milliseconds + Int64($0)) }
        let snapshots = try await engine.access(for: TestVenue.name).snapshots(of: "main", asOf: times)
        #expect(
            snapshots.map { $0?.account.cash("USD").description }
                == [nil, "5000", "15000", "22000", "23000", "23000"])
        await engine.stop()
    }

    @Test("What an account remembers of its past has its room, and the oldest goes")
    func room() throws {
        let milestones = Milestones()
        func account(_ id: String, version: Int64) -> Account {
            var account = Account(
                id: id, venue: TestVenue.name, parent: nil, conventions: Conventions(),
                settings: Settings(), openedAt: noon)
            account.version = version
            account.updatedAt = LedgerTime(milliseconds: noon.milliseconds + version)
            return account
        }
        for version in stride(from: Int64(1), to: 60_000, by: 1_000) {
            milestones.keep(account("first", version: version))
        }
        func latest(_ id: String, _ offset: Int64) -> Int64? {
            milestones.latest(of: id, notAfter: LedgerTime(milliseconds: noon.milliseconds + offset))?.version
        }
        #expect(latest("first", 0) == nil)
        #expect(latest("first", 9_000) == 1)
        #expect(latest("first", 25_000) == 20_001)
        #expect(latest("first", 99_000) == 50_001)
        // 100,000 in weight, of four each.
        for number in 0..<30_000 { milestones.keep(account("other-\(number)", version: 1)) }
        #expect(latest("first", 99_000) == nil)
        #expect(latest("other-29999", 99_000) == 1)
    }
}
