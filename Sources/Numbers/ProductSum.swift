/// A sum of products that is kept exactly, in 256 bits, and rounded once at the end.
///
/// ```swift
/// var value = ProductSum()
/// for position in positions { try value.add(position.quantity, times: position.price) }
/// let total = try value.rounded(places: 8, rounding: .halfEven)
/// ```
@frozen
public struct ProductSum: Sendable {
    // One two's complement number of 256 bits that counts 10⁻³⁶.
    @usableFromInline var high: Int128 = 0
    @usableFromInline var low: UInt128 = 0

    /// The empty sum, 0.
    @inlinable
    public init() {}

    /// Adds the exact product; on an overflow the sum keeps its value.
    ///
    /// - Throws: ``NumberError/overflow`` when the sum needs more than 256 bits.
    @inlinable
    public mutating func add(_ first: ExactDecimal, times second: ExactDecimal) throws(NumberError) {
        let product = Wide(first.units.magnitude, times: second.units.magnitude)
        // Signs come in no order that a processor could guess, so a negative product is negated without a
        // branch: its bits are flipped and 1 is added. It is below 2²⁵⁴, so its upper half has room for the
        // carry.
        let sign = (first.units ^ second.units) >> 127
        let flip = UInt128(truncatingIfNeeded: sign)
        let (negated, carryOfOne) = (product.low ^ flip).addingReportingOverflow(flip & 1)
        let upper = Int128(truncatingIfNeeded: product.high ^ flip) &+ (carryOfOne ? 1 : 0)
        let (newLow, carry) = low.addingReportingOverflow(negated)
        // The negated product lies within ±2²⁵⁴, so one more carry fits as well.
        let (newHigh, overflow) = high.addingReportingOverflow(upper &+ (carry ? 1 : 0))
        guard !overflow else { throw .overflow }
        (high, low) = (newHigh, newLow)
    }

    /// Adds the number itself, as its product with 1.
    ///
    /// - Throws: ``NumberError/overflow`` when the sum needs more than 256 bits.
    @inlinable
    public mutating func add(_ number: ExactDecimal) throws(NumberError) {
        try add(number, times: .one)
    }

    /// The sum, rounded once to `places` decimals, which are held within 0 and 18.
    ///
    /// - Throws: ``NumberError/overflow`` when it lies outside the range of an ``ExactDecimal``.
    @inlinable
    public func rounded(places: Int, rounding: Rounding) throws(NumberError) -> ExactDecimal {
        let isNegative = high < 0
        var magnitude = Wide(high: UInt128(truncatingIfNeeded: high), low: low)
        if isNegative {
            // Two's complement negation: the wrap of the lower half is the carry into the upper one.
            magnitude.low = 0 &- low
            magnitude.high = ~magnitude.high &+ (low == 0 ? 1 : 0)
        }
        guard let (quotient, remainder) = magnitude.dividedByScale() else { throw .overflow }
        return try ExactDecimal(
            cut: quotient, rest: Rest(remainder, of: PowerOfTen.scale), places: places,
            isNegative: isNegative, rounding: rounding)
    }
}
