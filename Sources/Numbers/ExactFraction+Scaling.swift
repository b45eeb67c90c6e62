// Products, quotients, and the one rounding at the end.

extension ExactFraction {
    /// The exact product.
    ///
    /// - Throws: ``NumberError/overflow`` when it lies outside the range.
    @inlinable
    public func times(_ factor: ExactDecimal) throws(NumberError) -> ExactFraction {
        if divisor != 0,
            let (quotient, rest) = Wide(units.magnitude, times: factor.units.magnitude)
                .dividedByScale(), rest == 0, quotient <= UInt128(Int128.max)
        {
            let units = Int128(truncatingIfNeeded: quotient)
            // A value of 0 to Int128.max has its negation in range.
            return ExactFraction(
                units: (self.units ^ factor.units) < 0 ? 0 &- units : units, divisor: divisor)
        }
        return try longProduct(factor)
    }

    /// The exact quotient.
    ///
    /// - Throws: ``NumberError/divisionByZero``, or ``NumberError/overflow`` when it lies outside the range.
    @inlinable
    public func over(_ divisor: ExactDecimal) throws(NumberError) -> ExactFraction {
        try over(ExactFraction(divisor))
    }

    /// The exact quotient.
    ///
    /// - Throws: ``NumberError/divisionByZero``, or ``NumberError/overflow`` when it lies outside the range.
    public func over(_ other: ExactFraction) throws(NumberError) -> ExactFraction {
        guard !other.isZero else { throw .divisionByZero }
        if isZero { return .zero }
        let isNegative = isNegative != other.isNegative
        if let decimal = other.decimal {
            let (whole, step) = decimal.wholeAndStep
            if let long {
                return try ExactFraction(
                    LongFraction(
                        numerator: long.numerator.times(step), denominator: long.denominator.times(whole)),
                    isNegative: isNegative)
            }
            let numerator = Wide(units.magnitude, times: UInt128(step))
            if numerator.high == 0, whole.highHalf == 0,
                let short = ExactFraction(
                    numerator.low, over: whole.lowHalf, and: divisor, isNegative: isNegative)
            {
                return short
            }
        }
        let first = lengthened, second = other.lengthened
        return try ExactFraction(
            LongFraction(
                numerator: first.numerator * second.denominator * Natural(PowerOfTen.scale),
                denominator: first.denominator * second.numerator), isNegative: isNegative)
    }

    /// The exact product.
    ///
    /// - Throws: ``NumberError/overflow`` when it lies outside the range.
    public static func * (first: ExactFraction, second: ExactFraction) throws(NumberError) -> ExactFraction {
        if let factor = second.decimal { return try first.times(factor) }
        if let factor = first.decimal { return try second.times(factor) }
        return try first.over(try ExactFraction.one.over(second))
    }

    /// The exact quotient.
    ///
    /// - Throws: ``NumberError/divisionByZero``, or ``NumberError/overflow`` when it lies outside the range.
    @inlinable
    public static func / (first: ExactFraction, second: ExactFraction) throws(NumberError) -> ExactFraction {
        try first.over(second)
    }

    /// magnitude ÷ (whole × divisor), divided at once where `whole` goes into it; nil where that does not
    /// fit.
    private init?(_ magnitude: UInt128, over whole: UInt64, and divisor: UInt64, isNegative: Bool) {
        let divides = whole == 1 || magnitude.remainder(dividingBy: whole) == 0
        let (product, overflow) = divisor.multipliedReportingOverflow(by: divides ? 1 : whole)
        let numerator = divides && whole > 1 ? magnitude / UInt128(whole) : magnitude
        guard !overflow, numerator <= UInt128(Int128.max) else { return nil }
        let units = Int128(truncatingIfNeeded: numerator)
        // A value of 0 to Int128.max has its negation in range.
        self.init(units: isNegative ? 0 &- units : units, divisor: product)
    }

    /// A product that needs more than 18 places, or more than one word of numerator.
    @usableFromInline
    func longProduct(_ factor: ExactDecimal) throws(NumberError) -> ExactFraction {
        let isNegative = (units ^ factor.units) < 0
        if divisor != 0 {
            let product = Wide(units.magnitude, times: factor.units.magnitude)
            if product.high == 0 {
                let common = product.low.commonDivisor(with: PowerOfTen.scale)
                if let short = ExactFraction(
                    product.low / UInt128(common), over: PowerOfTen.scale / common, and: divisor,
                    isNegative: isNegative)
                {
                    return short
                }
            }
        }
        if factor.isZero { return .zero }
        let own = lengthened
        let (whole, step) = factor.wholeAndStep
        return try ExactFraction(
            LongFraction(
                numerator: own.numerator.times(whole), denominator: own.denominator.times(step)),
            isNegative: isNegative)
    }
}

extension ExactDecimal {
    /// The magnitude as a whole number ÷ the least power of ten; the number is not 0.
    fileprivate var wholeAndStep: (whole: UInt128, step: UInt64) {
        let places = fractionDigits
        return (units.magnitude / UInt128(PowerOfTen.at(18 - places)), PowerOfTen.at(places))
    }
}

// MARK: - Rounding

extension ExactFraction {
    /// The number as a decimal, where it is one of at most 18 places that is held as such.
    @inlinable
    public var decimal: ExactDecimal? { divisor == 1 ? ExactDecimal(unchecked: units) : nil }

    /// The number, rounded once to `places` decimals, which are held within 0 and 18.
    ///
    /// - Throws: ``NumberError/overflow`` when rounding away from zero leaves the range, as it can only for a
    ///   decimal.
    @inlinable
    public func rounded(places: Int, rounding: Rounding) throws(NumberError) -> ExactDecimal {
        if let decimal { return try decimal.rounded(places: places, rounding: rounding) }
        let (quotient, rest) = cut
        return try ExactDecimal(
            cut: quotient, rest: rest, places: places, isNegative: units < 0, rounding: rounding)
    }

    /// The magnitude cut to whole 10⁻¹⁸, and what was left.
    @usableFromInline var cut: (quotient: UInt128, rest: Rest) {
        if let long { return long.cut }
        let (quotient, remainder) = units.magnitude.quotientAndRemainder(dividingBy: UInt128(divisor))
        return (quotient, Rest(remainder.lowHalf, of: divisor))  // the remainder is below the divisor
    }
}

// MARK: - Text

extension ExactFraction: CustomStringConvertible {
    /// The plain decimal form with all places, however many, "0", "-0.5"; for a number that no decimal is,
    /// the irreducible fraction, "-10/3".
    public var description: String {
        if let decimal { return decimal.description }
        return (isNegative ? "-" : "") + lengthened.text
    }

    /// The number written in the form of ``description``: a decimal with any number of places, or a fraction
    /// of whole numbers.
    ///
    /// - Throws: ``NumberError/malformed``, ``NumberError/divisionByZero`` or ``NumberError/overflow``.
    public init(_ text: some StringProtocol) throws(NumberError) {
        let isNegative = text.hasPrefix("-")
        let magnitude = isNegative ? text.dropFirst() : text[...]
        let parts = magnitude.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let decimals = parts[0].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        var numerator: Natural
        var denominator = Natural(1 as UInt64)
        if decimals.count == 2, parts.count == 1 {
            guard !decimals[0].isEmpty, !decimals[1].isEmpty,
                let digits = Natural(digits: String(decimals[0]) + String(decimals[1]))
            else { throw .malformed }
            numerator = digits
            denominator = Natural.powerOfTen(decimals[1].utf8.count)
        } else {
            guard let digits = Natural(digits: parts[0]) else { throw .malformed }
            numerator = digits
            if parts.count == 2 {
                guard let digits = Natural(digits: parts[1]) else { throw .malformed }
                guard !digits.isZero else { throw .divisionByZero }
                denominator = digits
            }
        }
        numerator = numerator * Natural(PowerOfTen.scale)
        try self.init(
            LongFraction(numerator: numerator, denominator: denominator).reduced, isNegative: isNegative)
    }
}

/// A magnitude of any length: numerator ÷ denominator × 10⁻¹⁸.
///
/// Not reduced: a figure goes through few operations, and a common divisor costs more than what it saves.
@usableFromInline
final class LongFraction: Sendable {
    let numerator: Natural
    let denominator: Natural

    init(numerator: Natural, denominator: Natural) {
        self.numerator = numerator
        self.denominator = denominator
    }

    /// Whether it is at most the whole part of the greatest decimal.
    var isInRange: Bool {
        // A number of n bits over one of m is below 2ⁿ⁻ᵐ⁺¹; only near the limit does it have to be compared.
        if numerator.bitWidth - denominator.bitWidth < 126 { return true }
        let limit = UInt128(Int128.max) / UInt128(PowerOfTen.scale) * UInt128(PowerOfTen.scale)
        return numerator <= denominator * Natural(limit)
    }

    /// Cut to whole 10⁻¹⁸, and what was left; a fraction in range has no longer quotient.
    var cut: (quotient: UInt128, rest: Rest) {
        let (quotient, remainder) = numerator.divided(by: denominator)
        let rest: Rest
        if remainder.isZero {
            rest = .none
        } else {
            let complement = denominator - remainder
            rest = remainder < complement ? .belowHalf : remainder == complement ? .half : .aboveHalf
        }
        return (quotient.doubleWord ?? .max, rest)
    }

    /// The same in lowest terms.
    var reduced: LongFraction {
        let common = Natural.greatestCommonDivisor(numerator, denominator)
        return LongFraction(
            numerator: numerator.divided(by: common).quotient,
            denominator: denominator.divided(by: common).quotient)
    }

    /// As a decimal, or as a fraction in lowest terms where no decimal is the number.
    var text: String {
        let whole = LongFraction(
            numerator: numerator, denominator: denominator * Natural(PowerOfTen.scale)
        ).reduced
        // What divides a power of ten is made of twos and fives; the higher power counts the places.
        var rest = whole.denominator
        var counts = [0, 0]
        for (place, prime) in [Natural(2 as UInt64), Natural(5 as UInt64)].enumerated() {
            while true {
                let (quotient, remainder) = rest.divided(by: prime)
                guard remainder.isZero else { break }
                rest = quotient
                counts[place] += 1
            }
        }
        guard rest == Natural(1 as UInt64) else { return "\(whole.numerator)/\(whole.denominator)" }
        let places = max(counts[0], counts[1])
        let scaled = whole.numerator * Natural.powerOfTen(places).divided(by: whole.denominator).quotient
        let digits = scaled.description
        let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
        return places == 0 ? padded : "\(padded.dropLast(places)).\(padded.suffix(places))"
    }
}

// MARK: - Common divisors

extension UInt64 {
    /// The greatest number that divides both; neither is 0. Stein's algorithm, which only shifts and
    /// subtracts.
    func commonDivisor(with other: UInt64) -> UInt64 {
        let twos = (self | other).trailingZeroBitCount
        var first = self &>> trailingZeroBitCount
        var second = other &>> other.trailingZeroBitCount
        while first != second {
            if first < second { swap(&first, &second) }
            first &-= second  // the larger one less the smaller one
            first &>>= first.trailingZeroBitCount
        }
        return first &<< twos
    }
}

extension UInt128 {
    /// The greatest number that divides both; neither is 0.
    func commonDivisor(with other: UInt64) -> UInt64 {
        let rest = remainder(dividingBy: other)
        return rest == 0 ? other : other.commonDivisor(with: rest)
    }
}
