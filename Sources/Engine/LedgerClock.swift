import Dispatch
import Ledger
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The ledger's clock: it orders events and dates figures. Signatures, tokens and rate limits use `realTime`.
public struct LedgerClock: Sendable {
    private final class Standing: Sendable {
        let time: Mutex<Int64>
        init(_ time: LedgerTime) { self.time = Mutex(time.milliseconds) }
    }

    private let standing: Standing?

    /// The computer's clock.
    public static let system = LedgerClock(standing: nil)

    /// A clock that stands until it is moved.
    public static func standing(at time: LedgerTime) -> LedgerClock {
        LedgerClock(standing: Standing(time))
    }

    private init(standing: Standing?) { self.standing = standing }

    /// Whether it is the computer's clock, which cannot be moved.
    public var isSystem: Bool { standing == nil }

    /// What it shows.
    public func now() -> LedgerTime {
        if let standing { return LedgerTime(milliseconds: standing.time.withLock { $0 }) }
        return LedgerTime(milliseconds: Self.realTime())
    }

    /// Moves it to a time; never backwards.
    public func set(_ time: LedgerTime) throws(Refusal) {
        let standing = try requireStanding()
        let shown = standing.time.withLock { shown in
            if time.milliseconds >= shown { shown = time.milliseconds }
            return shown
        }
        guard shown == time.milliseconds else {
            throw Refusal(
                .timeBackwards,
                "The clock shows \(LedgerTime(milliseconds: shown).iso8601) and never goes back.",
                field: "now")
        }
    }

    /// Moves it on by so many milliseconds.
    public func advance(by milliseconds: Int64) throws(Refusal) {
        let standing = try requireStanding()
        guard milliseconds >= 0 else {
            throw Refusal(.timeBackwards, "The clock never goes back.", field: "advance_ms")
        }
        let isMoved = standing.time.withLock { shown in
            // Beyond the year 9999 no time can be written as ISO 8601.
            let (sum, overflow) = shown.addingReportingOverflow(milliseconds)
            if overflow || sum > 253_402_300_799_999 { return false }
            shown = sum
            return true
        }
        guard isMoved else {
            throw Refusal(.invalidField, "That is beyond the year 9999.", field: "advance_ms")
        }
    }

    private func requireStanding() throws(Refusal) -> Standing {
        guard let standing else {
            throw Refusal(
                .notAllowed,
                "The ledger follows the computer's clock; start it with --ledger-time to move its clock.")
        }
        return standing
    }

    /// The computer's clock in milliseconds since the epoch.
    public static func realTime() -> Int64 {
        var time = timespec()
        _ = clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
