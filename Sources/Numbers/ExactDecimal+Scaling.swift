// Products, quotients and roundings. Each computes the exact result in up to 256 bits and rounds it once.
// `places` is the number of decimals kept, held within 0 and 18.

extension ExactDecimal {
    /// The product, rounded once to 18 places.
    ///
    /// - Throws: ``NumberError/overflow`` when it lies outside the range.
    @inlinable
    public func times(
        _ other: ExactDecimal, rounding: Rounding
    ) throws(NumberError) -> ExactDecimal {
        let product = Wide(units.magnitude, times: other.units.magnitude)
        guard let (quotient, remainder) = product.dividedByScale() else { throw .overflow }
        return try ExactDecimal(
            cut: quotient, rest: Rest(remainder, of: PowerOfTen.scale),
            isNegative: (units ^ other.units) < 0, rounding: rounding)
    }

    /// The product, rounded once to `places` decimals.
    ///
    /// - Throws: ``NumberError/overflow`` when it lies outside the range.
    @inlinable
    public func times(
        _ other: ExactDecimal, places: Int, rounding: Rounding
    ) throws(NumberError) -> ExactDecimal {
        let product = Wide(units.magnitude, times: other.units.magnitude)
        guard let (quotient, remainder) = product.dividedByScale() else { throw .overflow }
        return try ExactDecimal(
            cut: quotient, rest: Rest(remainder, of: PowerOfTen.scale), places: places,
            isNegative: (units ^ other.units) < 0, rounding: rounding)
    }

    /// The quotient, rounded once to 18 places.
    ///
    /// - Throws: ``NumberError/divisionByZero``, or ``NumberError/overflow`` when it lies outside the range.
    @inlinable
    public func over(
        _ divisor: ExactDecimal, rounding: Rounding
    ) throws(NumberError) -> ExactDecimal {
        try over(divisor, places: 18, rounding: rounding)
    }

    /// The quotient, rounded once to `places` decimals.
    ///
    /// - Throws: ``NumberError/divisionByZero``, or ``NumberError/overflow`` when it lies outside the range.
    @inlinable
    public func over(
        _ divisor: ExactDecimal, places: Int, rounding: Rounding
    ) throws(NumberError) -> ExactDecimal {
        guard divisor.units != 0 else { throw .divisionByZero }
        // Scaling by 10^places makes the whole part of the quotient end at the last kept digit.
        let dividend = Wide(units.magnitude, times: UInt128(PowerOfTen.at(places)))
        guard let (quotient, rest) = dividend.divided(by: divisor.units.magnitude) else { throw .overflow }
        let isNegative = (units ^ divisor.units) < 0
        if places >= 18 {
            return try ExactDecimal(cut: quotient, rest: rest, isNegative: isNegative, rounding: rounding)
        }
        let grows = rounding.grows(rest, isNegative: isNegative, isOdd: quotient & 1 == 1)
        let (counted, first) = quotient.addingReportingOverflow(grows ? 1 : 0)
        let step = UInt128(PowerOfTen.at(18 &- Swift.max(places, 0)))  // places is below 18 here
        let (magnitude, second) = counted.multipliedReportingOverflow(by: step)
        guard !first, !second else { throw .overflow }
        return try ExactDecimal(magnitude: magnitude, isNegative: isNegative)
    }

    /// self × multiplier ÷ divisor, rounded once to `places` decimals: nothing is lost between the two steps.
    ///
    /// - Throws: ``NumberError/divisionByZero``, or ``NumberError/overflow`` when it lies outside the range.
    @inlinable
    public func times(
        _ multiplier: ExactDecimal, over divisor: ExactDecimal, places: Int = 18, rounding: Rounding
    ) throws(NumberError) -> ExactDecimal {
        guard divisor.units != 0 else { throw .divisionByZero }
        // The product counts 10⁻³⁶ and the divisor 10⁻¹⁸, so the quotient counts 10⁻¹⁸ as it is.
        let product = Wide(units.magnitude, times: multiplier.units.magnitude)
        guard let (quotient, rest) = product.divided(by: divisor.units.magnitude) else { throw .overflow }
        return try ExactDecimal(
            cut: quotient, rest: rest, places: places,
            isNegative: (units ^ multiplier.units ^ divisor.units) < 0, rounding: rounding)
    }

    /// The number rounded to `places` decimals.
    ///
    /// - Throws: ``NumberError/overflow`` when rounding away from zero leaves the range.
    @inlinable
    public func rounded(places: Int, rounding: Rounding) throws(NumberError) -> ExactDecimal {
        try ExactDecimal(
            cut: units.magnitude, rest: .none, places: places, isNegative: units < 0, rounding: rounding)
    }

    /// The number with all digits after `places` decimals cut off, toward zero; never fails.
    @inlinable
    public func cut(places: Int) -> ExactDecimal {
        guard places < 18 else { return self }
        let step = PowerOfTen.at(18 &- Swift.max(places, 0))  // places is below 18 here
        let remainder = Int128(units.magnitude.remainder(dividingBy: step))
        // The remainder is no larger than the magnitude, so the result moves toward zero and cannot wrap.
        return ExactDecimal(unchecked: units < 0 ? units &+ remainder : units &- remainder)
    }
}

// MARK: - Rounding a magnitude

extension ExactDecimal {
    /// The number whose magnitude was cut to `quotient` units, rounded by what was left.
    @inlinable
    init(cut quotient: UInt128, rest: Rest, isNegative: Bool, rounding: Rounding) throws(NumberError) {
        let grows = rounding.grows(rest, isNegative: isNegative, isOdd: quotient & 1 == 1)
        let (magnitude, overflow) = quotient.addingReportingOverflow(grows ? 1 : 0)
        guard !overflow else { throw .overflow }
        try self.init(magnitude: magnitude, isNegative: isNegative)
    }

    /// The number whose magnitude was cut to `quotient` units, rounded once to fewer places by all that was
    /// left.
    @inlinable
    init(
        cut quotient: UInt128, rest: Rest, places: Int, isNegative: Bool, rounding: Rounding
    ) throws(NumberError) {
        guard places < 18 else {
            try self.init(cut: quotient, rest: rest, isNegative: isNegative, rounding: rounding)
            return
        }
        let step = PowerOfTen.at(18 &- Swift.max(places, 0))  // places is below 18 here
        let remainder = quotient.remainder(dividingBy: step)
        let kept = quotient &- UInt128(remainder)  // a remainder is no larger than what was divided
        let rest = Rest(remainder, of: step).refined(by: rest)
        // Only a tie asks whether the last kept digit is odd, so the division for it is rarely made.
        let isOdd = rounding == .halfEven && rest == .half && (kept / UInt128(step)) & 1 == 1
        let grows = rounding.grows(rest, isNegative: isNegative, isOdd: isOdd)
        let (magnitude, overflow) = kept.addingReportingOverflow(grows ? UInt128(step) : 0)
        guard !overflow else { throw .overflow }
        try self.init(magnitude: magnitude, isNegative: isNegative)
    }
}

// MARK: - Exact comparison

/// How a first value stands to a second one.
@frozen
public enum Ordering: Int, Sendable, Hashable {
    /// The first is below the second.
    case less = -1
    /// Both are the same.
    case equal = 0
    /// The first is above the second.
    case greater = 1
}

extension ExactDecimal {
    /// How first × second stands to third × fourth, decided on the exact products; never fails.
    @inlinable
    public static func compareProducts(
        _ first: ExactDecimal, _ second: ExactDecimal, _ third: ExactDecimal, _ fourth: ExactDecimal
    ) -> Ordering {
        let leftSign = first.signum * second.signum
        let rightSign = third.signum * fourth.signum
        if leftSign != rightSign { return leftSign < rightSign ? .less : .greater }
        if leftSign == 0 { return .equal }
        let left = Wide(first.units.magnitude, times: second.units.magnitude)
        let right = Wide(third.units.magnitude, times: fourth.units.magnitude)
        if left == right { return .equal }
        return (left < right) == (leftSign > 0) ? .less : .greater
    }
}

// MARK: - Steps

extension ExactDecimal {
    /// The number brought to a whole number of steps, such as a price to its tick: number ÷ step, rounded to
    /// a whole, × step.
    ///
    /// - Throws: ``NumberError/divisionByZero`` for a step of zero, ``NumberError/overflow`` where a part
    ///   does not fit.
    public func rounded(
        toMultipleOf step: ExactDecimal, _ rounding: Rounding
    ) throws(NumberError) -> ExactDecimal {
        try over(step, places: 0, rounding: rounding).times(step, rounding: .towardZero)
    }

    /// Whether it is a whole number of steps; false for a step of zero, and where the number of steps does
    /// not fit.
    public func isMultiple(of step: ExactDecimal) -> Bool {
        (try? rounded(toMultipleOf: step, .towardZero)) == self
    }
}
