import JSON
import Synchronization

/// Counts what callers use up within fixed windows of real time.
///
/// A window begins with the first use after the last one ended. Counters of ended windows are swept away, so
/// memory follows the number of callers at work.
public final class RateLimiter: Sendable {
    fileprivate struct Counter {
        var windowStart: Int64
        var windowLength: Int64
        var used: Int
    }

    fileprivate struct Mark {
        var moment: Int64
        var owner: String?
    }

    fileprivate struct State {
        var counters: [ExactText: Counter] = [:]
        var nextSweep: Int64 = 0
        /// How many counters are kept before they are swept without waiting for the time.
        var crowd = 1024
        var marks: [ExactText: Mark] = [:]
        var places: [ExactText: Int] = [:]
    }

    /// What a use came to.
    public struct Verdict: Sendable, Equatable {
        public let isAllowed: Bool
        /// Used in this window, this use included; refused uses count where the caller asked for it.
        public let used: Int
        /// Milliseconds until the window ends.
        public let remaining: Int64
    }

    /// Whether limits are enforced; where they are not, everything is allowed and still counted.
    public let isEnforced: Bool
    private let state = Mutex(State())

    public init(isEnforced: Bool = true) { self.isEnforced = isEnforced }

    /// Forgets all counts, so that every limit starts from zero.
    public func forget() { state.withLock { $0 = State() } }

    /// Uses `weight` of `caller`'s allowance of `limit` per `window` milliseconds.
    ///
    /// A use over the limit is refused; it is counted all the same if `countsRefused` is set.
    public func use(
        _ caller: String, weight: Int = 1, limit: Int, window: Int64, now: Int64, countsRefused: Bool = false
    ) -> Verdict {
        let caller = ExactText(caller)
        return state.withLock { state in
            state.sweep(now)
            var counter = state.counters[caller] ?? Counter(windowStart: now, windowLength: window, used: 0)
            if now - counter.windowStart >= window || now < counter.windowStart {
                counter = Counter(windowStart: now, windowLength: window, used: 0)
            }
            let isAllowed = !isEnforced || counter.used + weight <= limit
            if isAllowed || countsRefused { counter.used += weight }
            state.counters[caller] = counter
            return Verdict(
                isAllowed: isAllowed, used: counter.used, remaining: counter.windowStart + window - now)
        }
    }

    /// Remembers a moment for a caller, such as the end of a ban, and, where it matters, whose it is; nil
    /// forgets both.
    public func setMark(_ caller: String, to moment: Int64?, owner: String? = nil) {
        state.withLock { $0.marks[ExactText(caller)] = moment.map { Mark(moment: $0, owner: owner) } }
    }

    /// The moment remembered for a caller.
    public func mark(_ caller: String) -> Int64? { state.withLock { $0.marks[ExactText(caller)]?.moment } }

    /// Whose mark it is; nil where there is no mark, or nobody was named.
    public func owner(ofMark caller: String) -> String? {
        state.withLock { $0.marks[ExactText(caller)]?.owner }
    }

    /// Takes one of `limit` places that a caller may have at once, such as connections; nil where none is
    /// free. The place is free again once nobody holds what is returned.
    public func takePlace(_ caller: String, limit: Int) -> Place? {
        let caller = ExactText(caller)
        let count = state.withLock { state -> Int? in
            let taken = state.places[caller] ?? 0
            guard !isEnforced || taken < limit else { return nil }
            state.places[caller] = taken + 1
            return taken + 1
        }
        return count.map { Place(caller, count: $0, of: self) }
    }

    /// One of a caller's places, given back when it is no longer held.
    public final class Place: Sendable {
        /// How many the caller had when it was taken, this one included.
        public let count: Int
        private let caller: ExactText
        private let limiter: RateLimiter

        fileprivate init(_ caller: ExactText, count: Int, of limiter: RateLimiter) {
            self.caller = caller
            self.count = count
            self.limiter = limiter
        }

        deinit {
            limiter.state.withLock { [caller] state in
                let left = (state.places[caller] ?? 0) - 1
                state.places[caller] = left > 0 ? left : nil
            }
        }
    }

    /// How many counters it keeps at the moment.
    var size: Int { state.withLock { $0.counters.count } }

    /// Forgets everything but the places that are taken.
    public func reset() {
        state.withLock { state in
            let places = state.places
            state = State()
            state.places = places
        }
    }
}

extension RateLimiter.State {
    /// Drops counters whose window has ended, once a minute, and where they have doubled since the last time:
    /// who comes from ever new addresses fills no memory for longer than his windows last.
    fileprivate mutating func sweep(_ now: Int64) {
        guard now >= nextSweep || counters.count >= crowd else { return }
        nextSweep = now + 60_000
        counters = counters.filter { now - $0.value.windowStart < $0.value.windowLength }
        marks = marks.filter { $0.value.moment > now }
        crowd = max(1024, counters.count * 2)
    }
}
