import Numbers

/// What the digits that a venue prints leave open of the number behind them.
public enum Evidence: Sendable, Equatable {
    /// Nothing: it is printed as it is stored.
    case exact
    /// It was cut at a place, toward zero.
    case cut(Int)
    /// It was rounded to the nearest at a place.
    case half(Int)
    /// It was rounded up at a place, away from zero.
    case up(Int)
    /// It may be a unit of a place off either way: how the venue rounds is not known.
    case unit(Int)
    /// Binary floating point of 53 bits, printed with 15 to 17 digits: two units of the sixteenth.
    case binary

    /// Between what the number behind a printed one lies.
    public func range(of printed: ExactDecimal) throws(NumberError) -> FigureRange {
        switch self {
        case .exact: return FigureRange(ExactFraction(printed))
        case .cut(let places):
            let unit = Self.step(places)
            return try FigureRange(
                printed, below: printed.isPositive ? .zero : unit, above: printed.isNegative ? .zero : unit,
                isOpenBelow: !printed.isPositive, isOpenAbove: !printed.isNegative)
        case .up(let places):
            let unit = printed.isZero ? .zero : Self.step(places)
            return try FigureRange(
                printed, below: printed.isPositive ? unit : .zero, above: printed.isNegative ? unit : .zero,
                isOpenBelow: printed.isPositive, isOpenAbove: printed.isNegative)
        case .half(let places):
            let half = try Self.step(places).over(ExactDecimal(2))
            return try FigureRange(printed, below: half, above: half)
        case .unit(let places):
            let unit = Self.step(places)
            return try FigureRange(printed, below: unit, above: unit)
        case .binary:
            // The sixteenth digit; never finer than 16 places.
            let digits = printed.magnitude >= .one ? printed.integerDigits : 0
            let unit = try Self.step(min(16, max(0, 16 - digits))).times(ExactDecimal(2))
            return try FigureRange(printed, below: unit, above: unit)
        }
    }

    /// 10 to the minus `places`.
    static func step(_ places: Int) -> ExactFraction {
        var units: Int128 = 1
        for _ in 0..<max(0, min(ExactDecimal.places, ExactDecimal.places - places)) { units *= 10 }
        return ExactFraction((try? ExactDecimal(units: units)) ?? .zero)
    }
}

/// Between what a number lies.
public struct FigureRange: Sendable {
    /// The lower end; it belongs to the range unless that is open below.
    public let low: ExactFraction
    /// The upper end; it belongs to the range unless that is open above.
    public let high: ExactFraction
    /// Whether the lower end itself is none of it.
    let isOpenBelow: Bool
    /// Whether the upper end itself is none of it.
    let isOpenAbove: Bool

    /// From one number to another.
    public init(
        low: ExactFraction, high: ExactFraction, isOpenBelow: Bool = false, isOpenAbove: Bool = false
    ) {
        self.low = low
        self.high = high
        self.isOpenBelow = isOpenBelow
        self.isOpenAbove = isOpenAbove
    }

    /// The range of one number alone, which leaves nothing open.
    public init(_ number: ExactFraction) { self.init(low: number, high: number) }

    init(
        _ number: ExactDecimal, below: ExactFraction, above: ExactFraction, isOpenBelow: Bool = false,
        isOpenAbove: Bool = false
    ) throws(NumberError) {
        let number = ExactFraction(number)
        self.init(
            low: try number - below, high: try number + above, isOpenBelow: isOpenBelow,
            isOpenAbove: isOpenAbove)
    }

    /// Whether it is one number alone.
    public var isPoint: Bool { low == high }

    /// Whether one number can lie in both ranges.
    public func overlaps(_ other: FigureRange) -> Bool {
        Self.reaches(high, isOpenAbove, other.low, other.isOpenBelow)
            && Self.reaches(other.high, other.isOpenAbove, low, isOpenBelow)
    }

    private static func reaches(
        _ upper: ExactFraction, _ isUpperOpen: Bool, _ lower: ExactFraction, _ isLowerOpen: Bool
    ) -> Bool {
        lower < upper || lower == upper && !isUpperOpen && !isLowerOpen
    }

    /// The same, some steps wider on both sides.
    func widened(by step: ExactFraction, times count: Int) throws(NumberError) -> FigureRange {
        count == 0 ? self : try widened(by: step.times(ExactDecimal(count)))
    }

    /// The same, a distance wider on both sides.
    func widened(by distance: ExactFraction) throws(NumberError) -> FigureRange {
        FigureRange(low: try low - distance, high: try high + distance)
    }
}
