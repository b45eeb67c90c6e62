import JSON
import Venue

/// Keeps the calls of all accounts within what their venues take.
public actor RequestRateLimiter {
    private var windows: [ExactText: PaceWindow] = [:]
    private let clock: Clock

    /// A rate limiter without calls behind it, by a clock.
    public init(clock: Clock = .real) { self.clock = clock }

    /// Waits until a call may be sent; calls of one caller go in the order in which they ask.
    ///
    /// Throws `rateLimited` at once where that would be after the deadline.
    func admit(
        _ caller: String, weight: Int, pace: RequestPace, before deadline: Int64
    ) async throws(ReadingError) {
        let now = clock.now()
        let moment = windows[ExactText(caller), default: PaceWindow(pace: pace)].reserve(weight, from: now)
        guard moment <= deadline else {
            windows[ExactText(caller)]?.giveBack(weight, at: moment)
            throw ReadingError(
                .rateLimited,
                "The venue's limit leaves no room within the time that was given; ask for fewer accounts at "
                    + "once or give timeouts.whole more.")
        }
        try await clock.pause(moment - now)
    }

    /// Lets no call of a caller go before a moment, because the venue said so.
    func hold(_ caller: String, pace: RequestPace, until moment: Int64) {
        windows[ExactText(caller), default: PaceWindow(pace: pace)].hold(until: moment)
    }

    /// Takes over what the venue says that it has counted: others may share the limit.
    func learn(_ caller: String, pace: RequestPace, used: Int) {
        windows[ExactText(caller), default: PaceWindow(pace: pace)].learn(used: used, at: clock.now())
    }
}

/// What was sent to a venue in its last window, and when more may be.
struct PaceWindow: Sendable {
    private let pace: RequestPace
    /// Reserved sendings, by their moments.
    private var sent: [(moment: Int64, weight: Int)] = []
    private var heldUntil: Int64 = 0

    init(pace: RequestPace) { self.pace = pace }

    /// Takes the first moment from `now` on at which so much weight fits into every window; more than a
    /// window holds counts as a whole one.
    mutating func reserve(_ weight: Int, from now: Int64) -> Int64 {
        sent.removeAll { $0.moment + pace.milliseconds <= now }
        let weight = min(max(weight, 0), pace.weight)
        // Calls go in the order in which they ask, so none before the last one that was reserved.
        var moment = max(now, heldUntil, sent.last?.moment ?? now)
        for entry in sent {
            if weightInside(windowBefore: moment) + weight <= pace.weight { break }
            moment = max(moment, entry.moment + pace.milliseconds)
        }
        sent.append((moment, weight))
        return moment
    }

    /// Takes back a reservation that will not be used.
    mutating func giveBack(_ weight: Int, at moment: Int64) {
        let weight = min(max(weight, 0), pace.weight)
        if let place = sent.lastIndex(where: { $0.moment == moment && $0.weight == weight }) {
            sent.remove(at: place)
        }
    }

    mutating func hold(until moment: Int64) { heldUntil = max(heldUntil, moment) }

    mutating func learn(used: Int, at now: Int64) {
        let unknown = min(used, pace.weight) - weightInside(windowBefore: now)
        if unknown > 0 { sent.insert((now, unknown), at: sent.firstIndex { $0.moment > now } ?? sent.count) }
    }

    private func weightInside(windowBefore moment: Int64) -> Int {
        sent.reduce(0) { total, entry in
            entry.moment <= moment && entry.moment + pace.milliseconds > moment ? total + entry.weight : total
        }
    }
}
