/// A number held as a fraction: sums, differences, products and quotients are all exact, and the only
/// rounding is the one that the caller names when the number is printed.
///
/// For figures made of each other: `units` ÷ `divisor` × 10⁻¹⁸ while both fit machine words, which nearly
/// all do, and a fraction of any length where they do not. The range is that of an ``ExactDecimal``; what
/// leaves it is thrown as a ``NumberError``.
///
/// ```swift
/// let margin = try ExactFraction(notional).over(leverage)      // 10 ÷ 3 is 10/3
/// let twice = try margin + margin                              // 20/3
/// try twice.rounded(places: 16, rounding: .halfUp)             // 6.6666666666666667
/// ```
@frozen
public struct ExactFraction: Sendable {
    /// The numerator in 10⁻¹⁸, never `Int128.min`; of a long fraction only its sign, −1 or 1.
    @usableFromInline let units: Int128
    /// The denominator; 1 for a decimal of at most 18 places, 0 for a long fraction.
    @usableFromInline let divisor: UInt64
    /// The magnitude where it does not fit.
    @usableFromInline let long: LongFraction?

    @inlinable
    init(units: Int128, divisor: UInt64, long: LongFraction? = nil) {
        self.units = units
        self.divisor = divisor
        self.long = long
    }

    /// The number itself.
    @inlinable
    public init(_ decimal: ExactDecimal) {
        self.init(units: decimal.units, divisor: 1)
    }

    /// 0.
    @inlinable
    public static var zero: ExactFraction { ExactFraction(units: 0, divisor: 1) }

    /// 1.
    @inlinable
    public static var one: ExactFraction { ExactFraction(.one) }

    /// A fraction of any length, taken into machine words if it fits them.
    ///
    /// - Throws: ``NumberError/overflow`` for a magnitude of the whole part of ``ExactDecimal/greatest`` or
    ///   more: below that, every rounding stays in range.
    init(_ long: LongFraction, isNegative: Bool) throws(NumberError) {
        if long.numerator.isZero {
            self = .zero
            return
        }
        if let word = long.denominator.word, let magnitude = long.numerator.doubleWord,
            magnitude <= UInt128(Int128.max)
        {
            let units = Int128(truncatingIfNeeded: magnitude)
            self.init(units: isNegative ? 0 &- units : units, divisor: word)  // 0 to Int128.max: both fit
            return
        }
        guard long.isInRange else { throw .overflow }
        self.init(units: isNegative ? -1 : 1, divisor: 0, long: long)
    }

    /// Whether it does not fit machine words and lies elsewhere.
    @inlinable
    public var isLong: Bool { long != nil }

    /// The powers of two that the magnitude lies between, in 10⁻¹⁸: at least 2 to the lower bound, below 2 to
    /// the upper one.
    var bits: Range<Int> {
        // A number of n bits is at least 2ⁿ⁻¹ and below 2ⁿ.
        let difference =
            long.map { $0.numerator.bitWidth - $0.denominator.bitWidth }
            ?? divisor.leadingZeroBitCount + 64 - units.magnitude.leadingZeroBitCount
        return (difference - 1)..<(difference + 1)
    }

    /// The magnitude as a fraction of any length.
    var lengthened: LongFraction {
        long ?? LongFraction(numerator: Natural(units.magnitude), denominator: Natural(divisor))
    }
}

// MARK: - Sign and order

extension ExactFraction: Comparable {
    /// Whether the number is 0.
    @inlinable
    public var isZero: Bool { units == 0 }

    /// Whether the number is below 0.
    @inlinable
    public var isNegative: Bool { units < 0 }

    /// Whether the number is above 0.
    @inlinable
    public var isPositive: Bool { units > 0 }

    /// The number without its sign.
    @inlinable
    public var magnitude: ExactFraction { units < 0 ? -self : self }

    @inlinable
    public static func < (first: ExactFraction, second: ExactFraction) -> Bool {
        if first.divisor == second.divisor, first.divisor != 0 { return first.units < second.units }
        return first.compared(with: second) == .less
    }

    @inlinable
    public static func == (first: ExactFraction, second: ExactFraction) -> Bool {
        if first.divisor == second.divisor, first.divisor != 0 { return first.units == second.units }
        return first.compared(with: second) == .equal
    }

    /// How it stands to another number, by cross multiplying.
    @usableFromInline
    func compared(with other: ExactFraction) -> Ordering {
        let sign = units.signum(), otherSign = other.units.signum()
        if sign != otherSign { return sign < otherSign ? .less : .greater }
        if sign == 0 { return .equal }
        let isSmaller: Bool
        if divisor != 0, other.divisor != 0 {
            let left = Wide(units.magnitude, times: UInt128(other.divisor))
            let right = Wide(other.units.magnitude, times: UInt128(divisor))
            if left == right { return .equal }
            isSmaller = left < right
        } else {
            let bits = bits, otherBits = other.bits
            if bits.upperBound <= otherBits.lowerBound || otherBits.upperBound <= bits.lowerBound {
                isSmaller = bits.lowerBound < otherBits.lowerBound
            } else {
                let first = lengthened, second = other.lengthened
                let left = first.numerator * second.denominator
                let right = second.numerator * first.denominator
                if left == right { return .equal }
                isSmaller = left < right
            }
        }
        return isSmaller == (sign > 0) ? .less : .greater
    }
}

// MARK: - Sums

extension ExactFraction {
    /// The exact sum.
    ///
    /// - Throws: ``NumberError/overflow`` when it lies outside the range.
    @inlinable
    public static func + (first: ExactFraction, second: ExactFraction) throws(NumberError) -> ExactFraction {
        if first.divisor == second.divisor, first.divisor != 0 {
            let (sum, overflow) = first.units.addingReportingOverflow(second.units)
            if !overflow, sum != .min { return ExactFraction(units: sum, divisor: first.divisor) }
        }
        return try first.plus(second)
    }

    /// The exact difference.
    ///
    /// - Throws: ``NumberError/overflow`` when it lies outside the range.
    @inlinable
    public static func - (first: ExactFraction, second: ExactFraction) throws(NumberError) -> ExactFraction {
        if first.divisor == second.divisor, first.divisor != 0 {
            let (difference, overflow) = first.units.subtractingReportingOverflow(second.units)
            if !overflow, difference != .min {
                return ExactFraction(units: difference, divisor: first.divisor)
            }
        }
        return try first.plus(-second)
    }

    /// Adds exactly; on an overflow the left side keeps its value.
    @inlinable
    public static func += (total: inout ExactFraction, addend: ExactFraction) throws(NumberError) {
        total = try total + addend
    }

    /// Subtracts exactly; on an overflow the left side keeps its value.
    @inlinable
    public static func -= (total: inout ExactFraction, subtrahend: ExactFraction) throws(NumberError) {
        total = try total - subtrahend
    }

    /// The number with the opposite sign; never fails, for the range is symmetric.
    @inlinable
    public static prefix func - (number: ExactFraction) -> ExactFraction {
        // Int128.min never occurs, the only value whose negation would wrap.
        ExactFraction(units: 0 &- number.units, divisor: number.divisor, long: number.long)
    }

    /// The sum of numbers with different denominators.
    @usableFromInline
    func plus(_ other: ExactFraction) throws(NumberError) -> ExactFraction {
        if isZero { return other }
        if other.isZero { return self }
        if divisor != 0, other.divisor != 0 {
            let common = divisor == 1 || other.divisor == 1 ? 1 : divisor.commonDivisor(with: other.divisor)
            // Both are divided by what divides them, so nothing is lost.
            let factor = other.divisor / common, otherFactor = divisor / common
            let (least, first) = divisor.multipliedReportingOverflow(by: factor)
            let (left, second) = units.multipliedReportingOverflow(by: Int128(factor))
            let (right, third) = other.units.multipliedReportingOverflow(by: Int128(otherFactor))
            let (sum, fourth) = left.addingReportingOverflow(right)
            if !(first || second || third || fourth), sum != .min {
                return ExactFraction(units: sum, divisor: sum == 0 ? 1 : least)
            }
        }
        let left: Natural
        let right: Natural
        let denominator: Natural
        if let first = long, other.divisor != 0 {
            left = first.numerator.times(other.divisor)
            right = first.denominator.times(other.units.magnitude)
            denominator = first.denominator.times(other.divisor)
        } else if other.long != nil, divisor != 0 {
            return try other.plus(self)
        } else {
            let first = lengthened, second = other.lengthened
            let isShared = first.denominator == second.denominator
            left = isShared ? first.numerator : first.numerator * second.denominator
            right = isShared ? second.numerator : second.numerator * first.denominator
            denominator = isShared ? first.denominator : first.denominator * second.denominator
        }
        if isNegative == other.isNegative {
            return try ExactFraction(
                LongFraction(numerator: left + right, denominator: denominator), isNegative: isNegative)
        }
        return try ExactFraction(
            LongFraction(numerator: left < right ? right - left : left - right, denominator: denominator),
            isNegative: left < right ? other.isNegative : isNegative)
    }
}

extension Sequence where Element == ExactFraction {
    /// The exact sum of all elements, 0 when there are none.
    ///
    /// - Throws: ``NumberError/overflow`` when a running total lies outside the range.
    @inlinable
    public func sum() throws(NumberError) -> ExactFraction {
        var total = ExactFraction.zero
        for number in self { try total += number }
        return total
    }
}
