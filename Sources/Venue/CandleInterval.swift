import Ledger

/// The stretches of time that candles are made over: each begins where the one before it ends.
public struct CandleInterval: Sendable, Hashable {
    private enum Step: Sendable, Hashable {
        case milliseconds(Int64)
        case months(Int64)
    }

    private let step: Step
    /// How much later than in UTC a stretch begins, in milliseconds; negative for earlier.
    private let offset: Int64

    static let minute: Int64 = 60_000
    static let hour: Int64 = 60 * minute
    static let day: Int64 = 24 * hour
    /// The first Monday after the epoch, which is a Thursday.
    private static let monday = 4 * day

    /// Stretches of some minutes.
    public static func minutes(_ count: Int64) -> CandleInterval {
        CandleInterval(step: .milliseconds(count * minute), offset: 0)
    }

    /// Stretches of some hours; days may begin at another hour than UTC's.
    public static func hours(_ count: Int64, offset: Int64 = 0) -> CandleInterval {
        CandleInterval(step: .milliseconds(count * hour), offset: offset)
    }

    /// Stretches of some days, counted from the epoch.
    public static func days(_ count: Int64, offset: Int64 = 0) -> CandleInterval {
        CandleInterval(step: .milliseconds(count * day), offset: offset)
    }

    /// Stretches of some weeks, which begin on Mondays.
    public static func weeks(_ count: Int64, offset: Int64 = 0) -> CandleInterval {
        CandleInterval(step: .milliseconds(count * 7 * day), offset: monday + offset)
    }

    /// Stretches of some months of the calendar.
    public static func months(_ count: Int64, offset: Int64 = 0) -> CandleInterval {
        CandleInterval(step: .months(count), offset: offset)
    }

    /// When the stretch begins that a time lies in.
    public func opening(of time: Int64) -> Int64 {
        let local = time - offset
        switch step {
        case .milliseconds(let length): return local.flooredQuotient(by: length) * length + offset
        case .months(let count):
            let (year, month, _) = LedgerTime.calendarDay(local.flooredQuotient(by: Self.day))
            let first = (year * 12 + month - 1).flooredQuotient(by: count) * count
            return Self.opening(ofMonth: first) + offset
        }
    }

    /// When the stretch ends that begins then.
    public func end(of opening: Int64) -> Int64 {
        switch step {
        case .milliseconds(let length): return opening + length
        case .months(let count):
            let day = (opening - offset).flooredQuotient(by: Self.day)
            let (year, month, _) = LedgerTime.calendarDay(day)
            return Self.opening(ofMonth: year * 12 + month - 1 + count) + offset
        }
    }

    /// When the earliest of so many stretches begins, of which the last begins then.
    func opening(of count: Int, upTo last: Int64) -> Int64 {
        if case .milliseconds(let length) = step { return last - Int64(count - 1) * length }
        var opening = last
        for _ in 1..<max(1, count) { opening = self.opening(of: opening - 1) }
        return opening
    }

    /// Whether every stretch is made of whole ones of this length, counted from the epoch.
    func isMade(of length: Int64) -> Bool {
        guard offset % length == 0 else { return false }
        switch step {
        case .milliseconds(let own): return own % length == 0
        case .months: return Self.day % length == 0
        }
    }

    /// Midnight of the first of a month, counted from the beginning of year 0.
    private static func opening(ofMonth month: Int64) -> Int64 {
        let year = month.flooredQuotient(by: 12)
        let days = LedgerTime.daysSinceEpoch(year: year, month: month - year * 12 + 1, day: 1) ?? 0
        return days * day
    }
}

extension Int64 {
    /// The quotient rounded down.
    func flooredQuotient(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
