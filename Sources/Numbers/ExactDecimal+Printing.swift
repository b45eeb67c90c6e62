// Number to text, straight into bytes.

extension ExactDecimal: CustomStringConvertible {
    /// The plain form: no exponent, no padding, "0", "-0.5".
    public var description: String { text(minimumPlaces: 0) }

    /// The plain form with zeros added until it has at least so many decimals: "1.00000000".
    ///
    /// A number with more decimals keeps them. The count is held within 0 and 36.
    public func text(minimumPlaces: Int) -> String {
        withText(minimumPlaces: minimumPlaces) { String(decoding: $0, as: UTF8.self) }
    }

    /// Appends the plain form: no exponent, no padding, "0", "-0.5".
    @inlinable
    public func append(to bytes: inout [UInt8]) {
        append(to: &bytes, minimumPlaces: 0)
    }

    /// Appends the plain form with zeros added until it has at least so many decimals: "1.00000000".
    ///
    /// A number with more decimals keeps them. The count is held within 0 and 36.
    public func append(to bytes: inout [UInt8], minimumPlaces: Int) {
        withText(minimumPlaces: minimumPlaces) { bytes.append(contentsOf: $0) }
    }

    /// Hands the text, put together on the stack, to a body.
    @inline(__always)
    private func withText<Result>(
        minimumPlaces: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result {
        // Sign, 21 digits and the point end before byte 25, and at most 36 decimals follow. The whole part is
        // written backward from the point.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: DigitBuffer.capacity) { buffer in
            guard let base = buffer.baseAddress else { return body(UnsafeBufferPointer(buffer)) }
            let digits = DigitBuffer(base: base)
            let (whole, fraction) = units.magnitude.dividedByScale()
            var start = digits.writeWhole(whole, endingAt: DigitBuffer.point)
            if units < 0 {
                start -= 1
                base[start] = UInt8(ascii: "-")
            }
            let end = digits.writeFraction(fraction, minimumPlaces: min(minimumPlaces, 36))
            return body(UnsafeBufferPointer(start: base + start, count: end - start))
        }
    }

    /// The digits that the plain form has before its point, the 0 of a fraction not counted; 0 to 21.
    public var integerDigits: Int {
        var whole = units.magnitude.dividedByScale().quotient
        var count = 0
        while whole != 0 {
            whole /= 10
            count += 1
        }
        return count
    }

    /// The decimals that the plain form has, 0 to 18.
    public var fractionDigits: Int {
        var fraction = units.magnitude.dividedByScale().remainder
        if fraction == 0 { return 0 }
        var count = 18
        while fraction % 1000 == 0 {
            fraction /= 1000
            count -= 3
        }
        while fraction % 10 == 0 {
            fraction /= 10
            count -= 1
        }
        return count
    }
}

/// Writes decimal digits into bytes that someone else owns.
private struct DigitBuffer {
    /// How many bytes are needed.
    static var capacity: Int { 64 }

    /// Where the decimal point stands.
    static var point: Int { 24 }

    let base: UnsafeMutablePointer<UInt8>

    /// Every number of two digits, in order.
    private static var pairs: StaticString {
        """
        0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
        5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899
        """
    }

    /// Writes both digits of a number below 100.
    @inline(__always)
    private func writePair(_ pair: Int, at index: Int) {
        let source = Self.pairs.utf8Start + 2 * pair
        base[index] = source[0]
        base[index + 1] = source[1]
    }

    /// Writes a whole number without leading zeros so that it ends before `end`; gives the index of its first
    /// digit.
    func writeWhole(_ whole: UInt128, endingAt end: Int) -> Int {
        var index = end
        var rest = whole.lowHalf
        if whole.highHalf != 0 {
            // The whole part is at most 1.7 × 10²⁰: without its last eight digits it fits one word.
            let (upper, lower) = whole.quotientAndRemainder(dividingBy: 100_000_000)
            var group = lower.lowHalf
            for _ in 0..<4 {
                index -= 2
                writePair(Int(group % 100), at: index)
                group /= 100
            }
            rest = upper.lowHalf
        }
        while rest >= 100 {
            let (next, pair) = rest.quotientAndRemainder(dividingBy: 100)
            index -= 2
            writePair(Int(pair), at: index)
            rest = next
        }
        if rest >= 10 {
            index -= 2
            writePair(Int(rest), at: index)
        } else {
            index -= 1
            base[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest)
        }
        return index
    }

    /// Writes the point and the decimals, without trailing zeros beyond `minimumPlaces`; gives the index
    /// after them.
    func writeFraction(_ fraction: UInt64, minimumPlaces: Int) -> Int {
        if fraction == 0, minimumPlaces <= 0 { return Self.point }
        base[Self.point] = UInt8(ascii: ".")
        let first = Self.point + 1
        let (upper, lower) = fraction.quotientAndRemainder(dividingBy: 1_000_000_000)
        writeNine(UInt32(truncatingIfNeeded: upper), at: first)
        var end = first + 9
        if lower != 0 || minimumPlaces > 9 {
            writeNine(UInt32(truncatingIfNeeded: lower), at: end)
            end += 9
        }
        let least = first + max(minimumPlaces, 0)
        while end > least, base[end - 1] == UInt8(ascii: "0") { end -= 1 }
        while end < least {
            base[end] = UInt8(ascii: "0")
            end += 1
        }
        return end
    }

    /// Writes a number below 10⁹ with all of its nine digits.
    @inline(__always)
    private func writeNine(_ number: UInt32, at index: Int) {
        let (upper, lower) = number.quotientAndRemainder(dividingBy: 10_000)
        let (top, middle) = upper.quotientAndRemainder(dividingBy: 10_000)
        base[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: top)
        writePair(Int(middle / 100), at: index + 1)
        writePair(Int(middle % 100), at: index + 3)
        writePair(Int(lower / 100), at: index + 5)
        writePair(Int(lower % 100), at: index + 7)
    }
}
