/// A decimal number of 18 places, held exactly: every sum is exact or refused, every rounding is named.
///
/// value = `units` × 10⁻¹⁸. The range is symmetric, ±(2¹²⁷ − 1) × 10⁻¹⁸ ≈ ±1.7 × 10²⁰, so that a negation
/// never fails. Nothing here traps: what cannot be held is thrown as a ``NumberError``.
///
/// ```swift
/// let price = try ExactDecimal("59000.1")
/// let fee = try price.times(ExactDecimal("0.0005"), places: 2, rounding: .ceiling)   // 29.51
/// ```
@frozen
public struct ExactDecimal: Sendable, Hashable {
    /// 18, the decimal places that are kept.
    @inlinable
    public static var places: Int { 18 }

    /// The number counted in 10⁻¹⁸; never `Int128.min`.
    public let units: Int128

    /// The number of so many 10⁻¹⁸.
    ///
    /// - Throws: ``NumberError/overflow`` for `Int128.min`, which has no negation.
    @inlinable
    public init(units: Int128) throws(NumberError) {
        guard units != .min else { throw .overflow }
        self.units = units
    }

    /// The number of so many 10⁻¹⁸, where the caller has ruled out `Int128.min`.
    @inlinable
    init(unchecked units: Int128) {
        self.units = units
    }

    /// A whole number, exactly; every `Int` fits.
    @inlinable
    public init(_ integer: Int) {
        // 2⁶³ × 10¹⁸ < 2¹²³: no integer of the machine leaves the range.
        units = Int128(integer) &* Int128(PowerOfTen.scale)
    }

    /// 0.
    @inlinable
    public static var zero: ExactDecimal { ExactDecimal(unchecked: 0) }

    /// 1.
    @inlinable
    public static var one: ExactDecimal { ExactDecimal(unchecked: 1_000_000_000_000_000_000) }

    /// 2¹²⁷ − 1 units, the largest number there is: 170141183460469231731.687303715884105727.
    @inlinable
    public static var greatest: ExactDecimal { ExactDecimal(unchecked: .max) }

    /// The number of a magnitude and a sign, or an overflow when the magnitude needs the sign's bit.
    @inlinable
    init(magnitude: UInt128, isNegative: Bool) throws(NumberError) {
        guard magnitude <= UInt128(Int128.max) else { throw .overflow }
        let value = Int128(truncatingIfNeeded: magnitude)
        // The value is 0 to Int128.max, and so is its negation in range.
        units = isNegative ? 0 &- value : value
    }
}

// MARK: - Sign and order

extension ExactDecimal: Comparable {
    @inlinable
    public static func < (first: ExactDecimal, second: ExactDecimal) -> Bool {
        first.units < second.units
    }

    /// Whether the number is 0.
    @inlinable
    public var isZero: Bool { units == 0 }

    /// Whether the number is below 0.
    @inlinable
    public var isNegative: Bool { units < 0 }

    /// Whether the number is above 0.
    @inlinable
    public var isPositive: Bool { units > 0 }

    /// −1, 0 or 1, by the sign of the number.
    @inlinable
    public var signum: Int { units < 0 ? -1 : (units > 0 ? 1 : 0) }

    /// The number without its sign; never fails, for the range is symmetric.
    @inlinable
    public var magnitude: ExactDecimal { units < 0 ? -self : self }
}

// MARK: - Sums

extension ExactDecimal {
    /// The exact sum.
    ///
    /// - Throws: ``NumberError/overflow`` when it lies outside the range.
    @inlinable
    public static func + (first: ExactDecimal, second: ExactDecimal) throws(NumberError) -> ExactDecimal {
        let (sum, overflow) = first.units.addingReportingOverflow(second.units)
        guard !overflow, sum != .min else { throw .overflow }
        return ExactDecimal(unchecked: sum)
    }

    /// The exact difference.
    ///
    /// - Throws: ``NumberError/overflow`` when it lies outside the range.
    @inlinable
    public static func - (first: ExactDecimal, second: ExactDecimal) throws(NumberError) -> ExactDecimal {
        let (difference, overflow) = first.units.subtractingReportingOverflow(second.units)
        guard !overflow, difference != .min else { throw .overflow }
        return ExactDecimal(unchecked: difference)
    }

    /// Adds exactly; on an overflow the left side keeps its value.
    @inlinable
    public static func += (total: inout ExactDecimal, addend: ExactDecimal) throws(NumberError) {
        total = try total + addend
    }

    /// Subtracts exactly; on an overflow the left side keeps its value.
    @inlinable
    public static func -= (total: inout ExactDecimal, subtrahend: ExactDecimal) throws(NumberError) {
        total = try total - subtrahend
    }

    /// The number with the opposite sign; never fails, for the range is symmetric.
    @inlinable
    public static prefix func - (number: ExactDecimal) -> ExactDecimal {
        // Int128.min never occurs, the only value whose negation would wrap.
        ExactDecimal(unchecked: 0 &- number.units)
    }
}

extension Sequence where Element == ExactDecimal {
    /// The exact sum of all elements, 0 when there are none.
    ///
    /// - Throws: ``NumberError/overflow`` when a running total lies outside the range.
    @inlinable
    public func sum() throws(NumberError) -> ExactDecimal {
        var total = ExactDecimal.zero
        for number in self { try total += number }
        return total
    }
}
