import Numbers
import Testing
import Venue

@testable import Desk

/// The pause before a call goes, and the moments that a venue's limit leaves.
struct RateLimitTests {
    private static let tenInTwoSeconds = RequestPace(by: .key, weight: 10, milliseconds: 2000)

    @Test func aWindowTakesItsWeightAtOnceAndTheRestWhenItMoves() {
        var window = PaceWindow(pace: Self.tenInTwoSeconds)
        let moments = (0..<25).map { _ in window.reserve(1, from: 1000) }
        #expect(moments.prefix(10).allSatisfy { $0 == 1000 })
        #expect(moments[10..<20].allSatisfy { $0 == 3000 })
        #expect(moments[20...].allSatisfy { $0 == 5000 })
    }

    @Test func noWindowEverHoldsMoreThanItsWeight() {
        var generator = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: 0 ... .max, using: &generator)
        var random = SeededGenerator(seed: seed)
        var window = PaceWindow(pace: Self.tenInTwoSeconds)
        var sent: [(moment: Int64, weight: Int)] = []
        var now: Int64 = 0
        for _ in 0..<500 {
            now += Int64.random(in: 0...400, using: &random)
            let weight = Int.random(in: 1...5, using: &random)
            let moment = window.reserve(weight, from: now)
            #expect(moment >= now, "seed \(seed)")
            #expect(moment >= sent.last?.moment ?? 0, "seed \(seed)")
            sent.append((moment, weight))
        }
        for entry in sent {
            let inside = sent.filter { $0.moment <= entry.moment && $0.moment + 2000 > entry.moment }
            #expect(inside.reduce(0) { $0 + $1.weight } <= 10, "seed \(seed)")
        }
    }

    @Test func aCallHeavierThanAWindowGoesAlone() {
        var window = PaceWindow(pace: Self.tenInTwoSeconds)
        #expect(window.reserve(1, from: 0) == 0)
        #expect(window.reserve(30, from: 0) == 2000)
        #expect(window.reserve(1, from: 0) == 4000)
    }

    @Test func aHoldAndWhatOthersUsedCount() {
        var held = PaceWindow(pace: Self.tenInTwoSeconds)
        held.hold(until: 7000)
        #expect(held.reserve(1, from: 1000) == 7000)

        var shared = PaceWindow(pace: Self.tenInTwoSeconds)
        #expect(shared.reserve(1, from: 0) == 0)
        shared.learn(used: 9, at: 0)
        #expect(shared.reserve(1, from: 0) == 0)
        #expect(shared.reserve(1, from: 0) == 2000)
    }

    @Test func aReservationThatIsGivenBackLeavesRoom() {
        var window = PaceWindow(pace: Self.tenInTwoSeconds)
        for _ in 0..<10 { _ = window.reserve(1, from: 0) }
        let late = window.reserve(1, from: 0)
        window.giveBack(1, at: late)
        #expect(window.reserve(1, from: 0) == late)
    }

    @Test func pausesDoubleUpToTheLongestAndStayWithinTheirHalf() {
        var retryPolicy = RetryPolicy()
        retryPolicy.firstPause = 100
        retryPolicy.longestPause = 1000
        #expect(
            (1...6).map { retryPolicy.pause(afterFailed: $0, chance: 1023) } == [
                100, 200, 400, 800, 1000, 1000,
            ])
        #expect(
            (1...6).map { retryPolicy.pause(afterFailed: $0, chance: 0) } == [50, 100, 200, 400, 500, 500])
        #expect(retryPolicy.pause(afterFailed: Int.max, chance: 512) <= 1000)
    }
}

/// Numbers that a seed repeats (SplitMix64).
typealias SeededGenerator = SplitMix64
