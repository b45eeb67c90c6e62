/// A whole number of any size, not below 0: what the exact sum of many fractions needs.
///
/// Schoolbook arithmetic on 64-bit digits. The numbers have a few digits, rarely dozens.
@usableFromInline
struct Natural: Sendable, Equatable {
    /// The lowest digit first; the highest one is not 0, so that every number has one form and 0 has no
    /// digits.
    private var digits: [UInt64]

    private init(digits: [UInt64]) {
        self.digits = digits
        while self.digits.last == 0 { self.digits.removeLast() }
    }

    init(_ number: UInt64) {
        digits = number == 0 ? [] : [number]
    }

    init(_ number: UInt128) {
        self.init(digits: [number.lowHalf, number.highHalf])
    }

    init(_ number: Wide) {
        self.init(digits: [
            number.low.lowHalf, number.low.highHalf, number.high.lowHalf, number.high.highHalf,
        ])
    }

    /// 10 to a power that is not below 0.
    static func powerOfTen(_ exponent: Int) -> Natural {
        var power = Natural(PowerOfTen.at(exponent % 18))
        for _ in 0..<(exponent / 18) { power = power * Natural(PowerOfTen.scale) }
        return power
    }

    var isZero: Bool { digits.isEmpty }

    /// How many bits it takes to write the number; 0 for 0.
    var bitWidth: Int { digits.count * 64 - (digits.last?.leadingZeroBitCount ?? 0) }

    /// The number, where it fits one word.
    var word: UInt64? { digits.count > 1 ? nil : digits.first ?? 0 }

    /// The number, where it fits two words.
    var doubleWord: UInt128? {
        switch digits.count {
        case 0: 0
        case 1: UInt128(digits[0])
        case 2: UInt128(high: digits[1], low: digits[0])
        default: nil
        }
    }
}

// MARK: - Arithmetic

extension Natural: Comparable {
    @usableFromInline
    static func < (first: Natural, second: Natural) -> Bool {
        if first.digits.count != second.digits.count { return first.digits.count < second.digits.count }
        for place in first.digits.indices.reversed() where first.digits[place] != second.digits[place] {
            return first.digits[place] < second.digits[place]
        }
        return false
    }

    static func + (first: Natural, second: Natural) -> Natural {
        let (long, short) = first.digits.count < second.digits.count ? (second, first) : (first, second)
        var sum = long.digits
        var carry: UInt64 = 0
        for place in sum.indices {
            if place >= short.digits.count, carry == 0 { break }
            let addend = place < short.digits.count ? short.digits[place] : 0
            let (partial, overflow) = sum[place].addingReportingOverflow(addend)
            let (total, carried) = partial.addingReportingOverflow(carry)
            sum[place] = total
            carry = overflow || carried ? 1 : 0
        }
        if carry > 0 { sum.append(carry) }
        return Natural(digits: sum)
    }

    /// The difference; `second` is not above `first`.
    static func - (first: Natural, second: Natural) -> Natural {
        var rest = first.digits
        var borrow: UInt64 = 0
        for place in rest.indices {
            if place >= second.digits.count, borrow == 0 { break }
            let subtrahend = place < second.digits.count ? second.digits[place] : 0
            let (partial, overflow) = rest[place].subtractingReportingOverflow(subtrahend)
            let (total, borrowed) = partial.subtractingReportingOverflow(borrow)
            rest[place] = total
            borrow = overflow || borrowed ? 1 : 0
        }
        return Natural(digits: rest)
    }

    static func * (first: Natural, second: Natural) -> Natural {
        if first.isZero || second.isZero { return Natural(digits: []) }
        var product = [UInt64](repeating: 0, count: first.digits.count + second.digits.count)
        for (place, digit) in first.digits.enumerated() {
            var carry: UInt64 = 0
            for (offset, other) in second.digits.enumerated() {
                // (2⁶⁴ − 1)² + 2·(2⁶⁴ − 1) = 2¹²⁸ − 1: product, digit and carry fit together.
                let sum =
                    UInt128(product: digit, other) &+ UInt128(product[place + offset]) &+ UInt128(carry)
                product[place + offset] = sum.lowHalf
                carry = sum.highHalf
            }
            product[place + second.digits.count] = carry
        }
        return Natural(digits: product)
    }

    /// The product with one word.
    func times(_ word: UInt64) -> Natural {
        if word == 1 { return self }
        var product: [UInt64] = []
        product.reserveCapacity(digits.count + 1)
        var carry: UInt64 = 0
        for digit in digits {
            // (2⁶⁴ − 1)² + 2⁶⁴ − 1 is below 2¹²⁸.
            let sum = UInt128(product: digit, word) &+ UInt128(carry)
            product.append(sum.lowHalf)
            carry = sum.highHalf
        }
        if carry > 0 { product.append(carry) }
        return Natural(digits: product)
    }

    /// The product with two words.
    func times(_ number: UInt128) -> Natural {
        number.highHalf == 0 ? times(number.lowHalf) : self * Natural(number)
    }

    /// Quotient and remainder; the divisor is not 0. Knuth's algorithm D.
    func divided(by divisor: Natural) -> (quotient: Natural, remainder: Natural) {
        if self < divisor { return (Natural(digits: []), self) }
        guard let top = divisor.digits.last, divisor.digits.count > 1 else {
            return dividedShort(by: divisor.digits.first ?? 1)
        }
        let bits = top.leadingZeroBitCount
        let normal = divisor.shifted(left: bits).digits
        var rest = shifted(left: bits).digits
        while rest.count <= digits.count { rest.append(0) }
        let count = normal.count
        var quotient = [UInt64](repeating: 0, count: rest.count - count)
        for place in quotient.indices.reversed() {
            let digit = Self.digit(of: rest[place...(place + count)], over: normal)
            quotient[place] = Self.take(digit, times: normal, from: &rest, at: place)
        }
        return (Natural(digits: quotient), Natural(digits: rest).shifted(right: bits))
    }

    /// A digit of the quotient, at most 2 too large: the upper digits ÷ the divisor's highest one.
    private static func digit(of rest: ArraySlice<UInt64>, over divisor: [UInt64]) -> UInt64 {
        let top = divisor[divisor.count - 1]
        let first = rest[rest.endIndex - 1], second = rest[rest.endIndex - 2]
        return first >= top ? .max : top.dividingFullWidth((first, second)).quotient
    }

    /// Takes digit × divisor off the digits from a place on, with the digit made smaller until it fits; gives
    /// the digit taken.
    private static func take(
        _ guess: UInt64, times divisor: [UInt64], from rest: inout [UInt64], at place: Int
    ) -> UInt64 {
        var borrow: UInt64 = 0
        for (offset, digit) in divisor.enumerated() {
            let product = UInt128(product: guess, digit) &+ UInt128(borrow)
            let (difference, borrowed) = rest[place + offset].subtractingReportingOverflow(product.lowHalf)
            rest[place + offset] = difference
            borrow = product.highHalf &+ (borrowed ? 1 : 0)  // below 2⁶⁴: see the multiplication
        }
        let (difference, isTooLarge) = rest[place + divisor.count].subtractingReportingOverflow(borrow)
        rest[place + divisor.count] = difference
        var digit = guess
        var owes = isTooLarge
        while owes {
            digit &-= 1  // what was taken is more than there was, so the digit is above 0
            var carry = false
            for (offset, back) in divisor.enumerated() {
                let (partial, first) = rest[place + offset].addingReportingOverflow(back)
                let (total, second) = partial.addingReportingOverflow(carry ? 1 : 0)
                rest[place + offset] = total
                carry = first || second
            }
            let (total, overflow) = rest[place + divisor.count].addingReportingOverflow(carry ? 1 : 0)
            rest[place + divisor.count] = total
            owes = !overflow
        }
        return digit
    }

    private func dividedShort(by divisor: UInt64) -> (quotient: Natural, remainder: Natural) {
        var quotient = digits
        var remainder: UInt64 = 0
        for place in digits.indices.reversed() {
            (quotient[place], remainder) = divisor.dividingFullWidth((remainder, digits[place]))
        }
        return (Natural(digits: quotient), Natural(remainder))
    }

    /// Shifted by 0 to 63 bits.
    private func shifted(left bits: Int) -> Natural {
        if bits == 0 { return self }
        var shifted: [UInt64] = []
        shifted.reserveCapacity(digits.count + 1)
        var carry: UInt64 = 0
        for digit in digits {
            shifted.append(digit &<< bits | carry)
            carry = digit &>> (64 &- bits)
        }
        shifted.append(carry)
        return Natural(digits: shifted)
    }

    /// Shifted by 0 to 63 bits.
    private func shifted(right bits: Int) -> Natural {
        if bits == 0 { return self }
        var shifted = digits
        for place in digits.indices {
            let above = place + 1 < digits.count ? digits[place + 1] : 0
            shifted[place] = digits[place] &>> bits | above &<< (64 &- bits)
        }
        return Natural(digits: shifted)
    }

    /// The greatest number that divides both.
    static func greatestCommonDivisor(_ first: Natural, _ second: Natural) -> Natural {
        var (first, second) = (first, second)
        while !second.isZero { (first, second) = (second, first.divided(by: second).remainder) }
        return first
    }
}

// MARK: - Text

extension Natural: CustomStringConvertible {
    /// The number in decimal digits.
    @usableFromInline var description: String {
        var groups: [String] = []
        var rest = self
        while let (quotient, group) = rest.isZero ? nil : rest.dividedShort(by: PowerOfTen.scale) {
            let text = String(group.word ?? 0)
            groups.append(quotient.isZero ? text : String(repeating: "0", count: 18 - text.count) + text)
            rest = quotient
        }
        return groups.isEmpty ? "0" : groups.reversed().joined()
    }

    /// The number written in decimal digits; nil for an empty text and for anything but digits.
    init?(digits text: some StringProtocol) {
        guard !text.isEmpty else { return nil }
        var number = Natural(digits: [])
        for byte in text.utf8 {
            let digit = byte &- UInt8(ascii: "0")  // what is below "0" wraps to large values and is no digit
            guard digit < 10 else { return nil }
            number = number * Natural(10 as UInt64) + Natural(UInt64(digit))
        }
        self = number
    }
}
