/// An unsigned number of 256 bits: what the product of two magnitudes needs before it is divided down again.
@frozen
@usableFromInline
struct Wide: Sendable {
    @usableFromInline var high: UInt128
    @usableFromInline var low: UInt128

    @inlinable
    init(high: UInt128, low: UInt128) {
        self.high = high
        self.low = low
    }

    /// The exact product. Written out over four 64-bit products, which is half the time of the standard one.
    @inlinable
    init(_ first: UInt128, times second: UInt128) {
        let firstLow = first.lowHalf, firstHigh = first.highHalf
        let secondLow = second.lowHalf, secondHigh = second.highHalf
        let lowest = UInt128(product: firstLow, secondLow)
        if firstHigh | secondHigh == 0 {
            self.init(high: 0, low: lowest)
            return
        }
        // (2⁶⁴ − 1)² + 2·(2⁶⁴ − 1) = 2¹²⁸ − 1: a product of halves has room for two more halves, none wraps.
        let middle = UInt128(product: firstHigh, secondLow) &+ UInt128(lowest.highHalf)
        let other = UInt128(product: firstLow, secondHigh) &+ UInt128(middle.lowHalf)
        self.init(
            high: UInt128(product: firstHigh, secondHigh)
                &+ UInt128(middle.highHalf) &+ UInt128(other.highHalf),
            low: UInt128(high: other.lowHalf, low: lowest.lowHalf))
    }

    @inlinable
    static func < (first: Wide, second: Wide) -> Bool {
        first.high == second.high ? first.low < second.low : first.high < second.high
    }

    @inlinable
    static func == (first: Wide, second: Wide) -> Bool {
        first.high == second.high && first.low == second.low
    }
}

// MARK: - Division

extension Wide {
    /// The number divided by 10¹⁸, or nil when the quotient needs more than 128 bits.
    @inlinable
    func dividedByScale() -> (quotient: UInt128, remainder: UInt64)? {
        if high == 0 { return low.dividedByScale() }
        guard high < UInt128(PowerOfTen.scale) else { return nil }
        // 10¹⁸ = 2¹⁸ × 5¹⁸: shifting the twos out first often saves a whole step of the long division.
        let top = (high >> 18).lowHalf
        let rest = (low >> 18) | (high << 110)
        let first =
            top == 0
            ? rest.highHalf.quotientAndRemainder(dividingBy: PowerOfTen.fives)
            : PowerOfTen.fives.dividingFullWidth((top, rest.highHalf))
        let second = PowerOfTen.fives.dividingFullWidth((first.remainder, rest.lowHalf))
        return (
            UInt128(high: first.quotient, low: second.quotient),
            second.remainder << 18 | (low.lowHalf & 0x3FFFF)
        )
    }

    /// The number divided by `divisor`, and the class of what is left.
    /// Nil when the quotient needs more than 128 bits; the divisor is above zero.
    @inlinable
    func divided(by divisor: UInt128) -> (quotient: UInt128, rest: Rest)? {
        guard high < divisor else { return nil }
        if divisor.highHalf == 0 { return dividedShort(by: divisor.lowHalf) }
        // Figures with few decimals hold many factors of two, the divisor usually enough to become short.
        let twos = Swift.min(
            divisor.trailingZeroBitCount,
            low == 0 ? 128 &+ high.trailingZeroBitCount : low.trailingZeroBitCount)
        let odd = divisor >> UInt128(truncatingIfNeeded: twos)
        if odd.highHalf == 0 { return shifted(right: twos).dividedShort(by: odd.lowHalf) }
        return dividedLong(by: divisor)
    }

    /// The number shifted right by 0 to 127 bits.
    @inlinable
    func shifted(right bits: Int) -> Wide {
        if bits == 0 { return self }
        // The count is 1 to 127, so both shifts stay within the width.
        return Wide(high: high &>> bits, low: (low &>> bits) | (high &<< (128 &- bits)))
    }

    /// Long division by one 64-bit digit; `high` is below the divisor.
    @inlinable
    func dividedShort(by divisor: UInt64) -> (quotient: UInt128, rest: Rest) {
        let top = high.lowHalf
        let first =
            top == 0
            ? low.highHalf.quotientAndRemainder(dividingBy: divisor)
            : divisor.dividingFullWidth((top, low.highHalf))
        let second =
            first.remainder == 0
            ? low.lowHalf.quotientAndRemainder(dividingBy: divisor)
            : divisor.dividingFullWidth((first.remainder, low.lowHalf))
        return (UInt128(high: first.quotient, low: second.quotient), Rest(second.remainder, of: divisor))
    }

    /// Long division by two 64-bit digits; `high` is below the divisor, whose upper digit is not 0.
    ///
    /// Knuth's algorithm D, two steps of one digit each; half the time of the standard library's.
    @usableFromInline
    func dividedLong(by divisor: UInt128) -> (quotient: UInt128, rest: Rest) {
        let bits = divisor.leadingZeroBitCount
        let normal = divisor &<< bits
        // The upper half of the number shifted left by 0 to 63 bits: below 2¹²⁸, for it is below the divisor.
        let upper = bits == 0 ? high : (high &<< bits) | (low &>> (128 &- bits))
        let lower = low &<< bits
        let first = Self.digit(of: upper, lower.highHalf, over: normal)
        let second = Self.digit(of: first.remainder, lower.lowHalf, over: normal)
        return (UInt128(high: first.quotient, low: second.quotient), Rest(second.remainder, of: normal))
    }

    /// One digit of a long division: (upper × 2⁶⁴ + next) ÷ divisor, where `upper` is below the divisor and
    /// the divisor has its highest bit set.
    @inlinable
    static func digit(
        of upper: UInt128, _ next: UInt64, over divisor: UInt128
    ) -> (quotient: UInt64, remainder: UInt128) {
        if upper < divisor >> 64 {
            // upper × 2⁶⁴ + next is still below the divisor, as the first step often finds it.
            return (0, UInt128(high: upper.lowHalf, low: next))
        }
        var quotient: UInt64
        var rest: UInt128  // what the guess leaves of the upper two digits, in units of 2⁶⁴
        if upper.highHalf >= divisor.highHalf {
            // They are equal, for upper is below the divisor: the guess is the largest digit.
            quotient = .max
            rest = UInt128(upper.lowHalf) &+ UInt128(divisor.highHalf)
        } else {
            let guess = divisor.highHalf.dividingFullWidth((upper.highHalf, upper.lowHalf))
            quotient = guess.quotient
            rest = UInt128(guess.remainder)
        }
        // The guess is at most two too large; each step down gives one upper digit of the divisor back.
        var excess = UInt128(product: quotient, divisor.lowHalf)
        while rest.highHalf == 0, excess > UInt128(high: rest.lowHalf, low: next) {
            quotient &-= 1  // an excess above what is left means that the guess is at least 1
            rest &+= UInt128(divisor.highHalf)  // below 2⁶⁴ before
            excess &-= UInt128(divisor.lowHalf)  // the product with a guess that is one smaller
        }
        // The true remainder fits 128 bits, so what wraps out of them cancels.
        return (quotient, (rest << 64 | UInt128(next)) &- excess)
    }
}

// MARK: - Halves

extension UInt128 {
    @inlinable
    init(high: UInt64, low: UInt64) {
        self = UInt128(high) << 64 | UInt128(low)
    }

    /// The exact product of two 64-bit numbers.
    @inlinable
    init(product first: UInt64, _ second: UInt64) {
        // (2⁶⁴ − 1)² is below 2¹²⁸.
        self = UInt128(first) &* UInt128(second)
    }

    @inlinable
    var lowHalf: UInt64 { UInt64(truncatingIfNeeded: self) }

    @inlinable
    var highHalf: UInt64 { UInt64(truncatingIfNeeded: self >> 64) }

    /// The number divided by 10¹⁸.
    @inlinable
    func dividedByScale() -> (quotient: UInt128, remainder: UInt64) {
        let twos = self >> 18
        let tail = lowHalf & 0x3FFFF
        if twos.highHalf == 0 {
            let short = twos.lowHalf.quotientAndRemainder(dividingBy: PowerOfTen.fives)
            return (UInt128(short.quotient), short.remainder << 18 | tail)
        }
        let first = twos.highHalf.quotientAndRemainder(dividingBy: PowerOfTen.fives)
        let second = PowerOfTen.fives.dividingFullWidth((first.remainder, twos.lowHalf))
        return (UInt128(high: first.quotient, low: second.quotient), second.remainder << 18 | tail)
    }

    /// The remainder of the division by a divisor above zero.
    @inlinable
    func remainder(dividingBy divisor: UInt64) -> UInt64 {
        if highHalf == 0 { return lowHalf % divisor }
        return divisor.dividingFullWidth((highHalf % divisor, lowHalf)).remainder
    }
}

/// Powers of ten. A switch rather than an array: the compiler makes it a table that needs no start-up check.
@usableFromInline
enum PowerOfTen {
    /// 10¹⁸, the units in one.
    @inlinable
    static var scale: UInt64 { 1_000_000_000_000_000_000 }

    /// 5¹⁸, the odd part of 10¹⁸.
    @inlinable
    static var fives: UInt64 { 3_814_697_265_625 }

    /// 10 to a power that is held within 0 and 18.
    @inlinable
    static func at(_ exponent: Int) -> UInt64 {
        switch exponent {
        case 1: 10
        case 2: 100
        case 3: 1000
        case 4: 10_000
        case 5: 100_000
        case 6: 1_000_000
        case 7: 10_000_000
        case 8: 100_000_000
        case 9: 1_000_000_000
        case 10: 10_000_000_000
        case 11: 100_000_000_000
        case 12: 1_000_000_000_000
        case 13: 10_000_000_000_000
        case 14: 100_000_000_000_000
        case 15: 1_000_000_000_000_000
        case 16: 10_000_000_000_000_000
        case 17: 100_000_000_000_000_000
        case 18...: scale
        default: 1
        }
    }
}
