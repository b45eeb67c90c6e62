import Dispatch
import Ledger
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The ledger's clock: it orders events and dates figures. Signatures, tokens and rate limits use `realTime`.
///
/// It is a part of the ledger's state: the engine keeps how it goes in the store, and a clock that stands
/// never shows a time before the last event's.
public struct LedgerClock: Sendable {
    private struct State {
        var setting: ClockSetting
        /// The time of the latest event.
        var reached = LedgerTime(milliseconds: .min)

        var now: LedgerTime {
            switch setting {
            case .system: LedgerTime(milliseconds: LedgerClock.realTime())
            case .standing(let time): time
            }
        }
    }

    private final class Hand: Sendable {
        let state: Mutex<State>
        init(_ setting: ClockSetting) { state = Mutex(State(setting: setting)) }
    }

    private let hand: Hand

    /// A clock that goes with the computer's and cannot be moved.
    public static var system: LedgerClock { LedgerClock(.system) }

    /// A clock that stands until it is moved.
    public static func standing(at time: LedgerTime) -> LedgerClock { LedgerClock(.standing(time)) }

    /// A clock that goes this way.
    public init(_ setting: ClockSetting) { hand = Hand(setting) }

    /// Whether it goes with the computer's clock or stands, and where it stands.
    public var setting: ClockSetting { hand.state.withLock { $0.setting } }

    /// Whether it is the computer's clock, which cannot be moved.
    public var isSystem: Bool { setting == .system }

    /// The ledger time that it shows now.
    public func now() -> LedgerTime { hand.state.withLock { $0.now } }

    /// Moves it to a time; never backwards. `LedgerEngine.moveClock` does so durably.
    public func set(_ time: LedgerTime) throws(Refusal) { put(try setting(after: .to(time))) }

    /// Moves it on by so many milliseconds. `LedgerEngine.moveClock` does so durably.
    public func advance(by milliseconds: Int64) throws(Refusal) { put(try setting(after: .by(milliseconds))) }

    /// How it will go after a move. Throws where that is not allowed.
    func setting(after move: ClockMove) throws(Refusal) -> ClockSetting {
        let (setting, shown, reached) = hand.state.withLock { ($0.setting, $0.now, $0.reached) }
        switch move {
        case .to(let time):
            try Self.requireStanding(setting)
            try Self.requireForward(time, shown: shown)
            return .standing(time)
        case .by(let milliseconds):
            try Self.requireStanding(setting)
            guard milliseconds >= 0 else {
                throw Refusal(.timeBackwards, "The clock never goes back.", field: "advance_ms")
            }
            let (sum, overflow) = shown.milliseconds.addingReportingOverflow(milliseconds)
            guard !overflow, sum <= ClockMove.latest.milliseconds else {
                throw Refusal(
                    .invalidField, "That is beyond \(ClockMove.latest.iso8601), the last moment there is.",
                    field: "advance_ms")
            }
            return .standing(LedgerTime(milliseconds: sum))
        case .stop(let time):
            // Events may have been given times that the computer's clock has not come to.
            let least = max(shown, reached)
            if let time { try Self.requireForward(time, shown: least) }
            return .standing(time ?? least)
        case .follow:
            guard max(shown, reached).milliseconds <= Self.realTime() else {
                throw Refusal(
                    .timeBackwards,
                    "The ledger has come to \(max(shown, reached).iso8601), which the computer's clock has "
                        + "not reached, and its clock never goes back.",
                    field: "mode")
            }
            return .system
        }
    }

    /// Has it go this way from now on.
    func put(_ setting: ClockSetting) { hand.state.withLock { $0.setting = setting } }

    /// Begins again, as for a ledger without events.
    func restart(_ setting: ClockSetting) { hand.state.withLock { $0 = State(setting: setting) } }

    /// Notes the time of an event: a clock that stands goes there, unless it is further on.
    func reach(_ time: LedgerTime) {
        hand.state.withLock { state in
            state.reached = max(state.reached, time)
            if case .standing(let shown) = state.setting, shown < time { state.setting = .standing(time) }
        }
    }

    private static func requireStanding(_ setting: ClockSetting) throws(Refusal) {
        guard setting == .system else { return }
        throw Refusal(
            .notAllowed,
            "The ledger follows the computer's clock: stop it with {\"mode\":\"standing\"} to move it by "
                + "hand.")
    }

    private static func requireForward(_ time: LedgerTime, shown: LedgerTime) throws(Refusal) {
        guard time >= shown else {
            throw Refusal(
                .timeBackwards, "The clock shows \(shown.iso8601) and never goes back.", field: "now")
        }
    }

    /// The computer's clock in milliseconds since the epoch.
    public static func realTime() -> Int64 {
        var time = timespec()
        _ = clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

/// How a ledger's clock goes.
public enum ClockSetting: Sendable, Equatable {
    /// With the computer's clock.
    case system
    /// It stands at a time until it is moved.
    case standing(LedgerTime)

    /// As the store keeps it.
    var stored: [UInt8] {
        switch self {
        case .system: Array("system".utf8)
        case .standing(let time): Array("standing \(time.milliseconds)".utf8)
        }
    }

    /// Out of the store; nil for what is no setting.
    init?(stored bytes: [UInt8]) {
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        if words == ["system"] {
            self = .system
        } else if words.count == 2, words[0] == "standing", let time = Int64(words[1]) {
            self = .standing(LedgerTime(milliseconds: time))
        } else {
            return nil
        }
    }
}

/// What may be asked of a ledger's clock.
public enum ClockMove: Sendable, Equatable {
    /// A clock that stands goes to a time.
    case to(LedgerTime)
    /// A clock that stands goes on by so many milliseconds; refused beyond `latest`.
    case by(Int64)
    /// It stands from now on, at a time or where it is.
    case stop(LedgerTime?)
    /// It goes with the computer's clock from now on.
    case follow

    /// The latest moment that it may show: beyond the year 9999 no time can be written as ISO 8601.
    public static let latest = LedgerTime(milliseconds: 253_402_300_799_999)
}
