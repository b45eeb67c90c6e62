import Testing

@testable import Venue

@Suite("Rate limits")
struct RateLimiterTests {
    typealias Verdict = RateLimiter.Verdict

    @Test("A window begins with the first use and allows its limit")
    func window() {
        let limiter = RateLimiter()
        func use(_ now: Int64, weight: Int = 1) -> (Bool, Int, Int64) {
            let verdict = limiter.use("a", weight: weight, limit: 3, window: 100, now: now)
            return (verdict.isAllowed, verdict.used, verdict.remaining)
        }
        #expect(use(1000) == (true, 1, 100))
        #expect(use(1050, weight: 2) == (true, 3, 50))
        #expect(use(1099) == (false, 3, 1))
        #expect(use(1100) == (true, 1, 100))
        #expect(use(5000, weight: 4) == (false, 0, 100))
        #expect(use(5001, weight: 3) == (true, 3, 99))
    }

    @Test("Who comes under ever new names fills no memory for longer than a window")
    func manyCallers() {
        let limiter = RateLimiter()
        for place in 0..<50_000 {
            _ = limiter.use("stranger \(place)", limit: 3, window: 1000, now: Int64(place))
            if place % 10_000 == 0 {
                _ = limiter.use("neighbour", limit: 9, window: 100_000, now: Int64(place))
            }
        }
        #expect(limiter.size < 5000)
        #expect(limiter.use("neighbour", limit: 9, window: 100_000, now: 50_000).used == 6)
    }

    @Test("Refused uses count where the venue counts them")
    func refusedUses() {
        let limiter = RateLimiter()
        func use() -> Verdict {
            limiter.use("a", weight: 2, limit: 3, window: 100, now: 7, countsRefused: true)
        }
        #expect(use().used == 2)
        let second = use()
        #expect(!second.isAllowed)
        #expect(second.used == 4)
        #expect(use().used == 6)
    }

    @Test("A place is free again when nobody holds it; a reset does not free it")
    func places() {
        let limiter = RateLimiter()
        var held = (1...3).compactMap { _ in limiter.takePlace("a", limit: 2) }
        #expect(held.map(\.count) == [1, 2])
        #expect(limiter.takePlace("b", limit: 1)?.count == 1)
        let copy = held
        held.removeAll()
        limiter.reset()
        #expect(limiter.takePlace("a", limit: 2) == nil)
        #expect(copy.count == 2)
        withExtendedLifetime(copy) {}
    }

    @Test("Places are given back one by one, and counted where no limit is enforced")
    func returnedPlaces() {
        let limiter = RateLimiter(isEnforced: false)
        var held = (1...3).compactMap { _ in limiter.takePlace("a", limit: 1) }
        #expect(held.map(\.count) == [1, 2, 3])
        held.removeLast()
        held.removeFirst()
        #expect(limiter.takePlace("a", limit: 1)?.count == 2)
        #expect(held.count == 1)
    }

    @Test("Callers do not touch each other; a clock set back begins a new window; reset forgets")
    func callersAndClock() {
        let limiter = RateLimiter()
        func isAllowed(_ caller: String, _ now: Int64) -> Bool {
            limiter.use(caller, limit: 1, window: 1000, now: now).isAllowed
        }
        #expect(isAllowed("a", 5000))
        #expect(isAllowed("b", 5000))
        #expect(!isAllowed("a", 5999))
        #expect(isAllowed("a", 4000))
        #expect(!isAllowed("a", 4000))
        limiter.reset()
        #expect(isAllowed("a", 4000))
    }

    @Test("A limiter that does not enforce allows everything and still counts")
    func off() {
        let limiter = RateLimiter(isEnforced: false)
        for use in 1...5 {
            let verdict = limiter.use("a", limit: 2, window: 1000, now: 0)
            #expect(verdict.isAllowed)
            #expect(verdict.used == use)
        }
    }

    @Test("Counters that still run outlive a sweep; marks stand until their moment")
    func sweep() {
        let limiter = RateLimiter()
        _ = limiter.use("long", limit: 1, window: 600_000, now: 0)
        limiter.setMark("banned", to: 100_000)
        _ = limiter.use("other", limit: 1, window: 10, now: 70_000)
        #expect(!limiter.use("long", limit: 1, window: 600_000, now: 70_001).isAllowed)
        #expect(limiter.mark("banned") == 100_000)
        _ = limiter.use("other", limit: 1, window: 10, now: 200_000)
        #expect(limiter.mark("banned") == nil)
        limiter.setMark("banned", to: 300_000)
        limiter.setMark("banned", to: nil)
        #expect(limiter.mark("banned") == nil)
        limiter.setMark("listenKey", to: 300_000, owner: "desk")
        #expect(limiter.owner(ofMark: "listenKey") == "desk")
        #expect(limiter.owner(ofMark: "banned") == nil)
        limiter.setMark("listenKey", to: nil)
        #expect(limiter.owner(ofMark: "listenKey") == nil)
    }

    /// Against the plain definition: uses of a window are those since the first one after
    /// the last window ended.
    @Test("Random uses agree with a list of windows")
    func property() {
        var generator = SeededGenerator()
        let limiter = RateLimiter()
        var now: Int64 = 0
        var windows: [String: (start: Int64, used: Int)] = [:]
        for _ in 0..<5000 {
            now += Int64.random(in: 0...40, using: &generator)
            let caller = ["a", "b", "c"].randomElement(using: &generator) ?? "a"
            let weight = Int.random(in: 1...3, using: &generator)
            var window = windows[caller] ?? (now, 0)
            if now >= window.start + 100 { window = (now, 0) }
            let fits = window.used + weight <= 5
            if fits { window.used += weight }
            windows[caller] = window
            let verdict = limiter.use(caller, weight: weight, limit: 5, window: 100, now: now)
            #expect(verdict.isAllowed == fits, "seed \(generator.seed)")
            #expect(verdict.used == window.used, "seed \(generator.seed)")
            #expect(verdict.remaining == window.start + 100 - now, "seed \(generator.seed)")
        }
    }

    @Test("Many callers at once get the limit and not one more")
    func concurrency() async {
        let limiter = RateLimiter()
        let allowed = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<500).count { _ in limiter.use("a", limit: 1000, window: 1000, now: 0).isAllowed }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(allowed == 1000)
    }
}
