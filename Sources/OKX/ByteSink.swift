import Numbers

/// Writes an answer into memory that was set aside for it, without a check of the allocator per value.
///
/// Nothing is ever written beyond the end: what does not fit is dropped and noted, and the answer is then
/// made again with more room.
struct ByteSink {
    private let base: UnsafeMutablePointer<UInt8>
    private let capacity: Int
    private(set) var count = 0
    private(set) var overflowed = false
    private var remembered: (number: ExactDecimal?, start: Int, end: Int) = (nil, 0, 0)
    private var lastTime: (milliseconds: Int64, start: Int, end: Int) = (0, 0, 0)

    /// A plain number has at most a sign, 21 digits, a point and 16 decimals.
    private static var longestNumber: Int { 40 }

    private init(_ buffer: UnsafeMutableBufferPointer<UInt8>, _ base: UnsafeMutablePointer<UInt8>) {
        self.base = base
        capacity = buffer.count
    }

    /// The bytes that `write` writes; `estimate` is how many are expected.
    static func bytes(estimate: Int, _ write: (inout ByteSink) throws -> Void) rethrows -> [UInt8] {
        var capacity = max(estimate, 256)
        while true {
            var overflowed = false
            let bytes = try [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                guard let base = buffer.baseAddress else { return }
                var sink = ByteSink(buffer, base)
                try write(&sink)
                overflowed = sink.overflowed
                count = sink.count
            }
            if !overflowed { return bytes }
            capacity *= 2
        }
    }

    /// Copies bytes.
    @inline(__always)
    mutating func copy(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let source = bytes.baseAddress else { return }
        guard count + bytes.count <= capacity else {
            overflowed = true
            return
        }
        (base + count).update(from: source, count: bytes.count)
        count += bytes.count
    }

    /// Copies bytes.
    @inline(__always)
    mutating func copy(_ bytes: [UInt8]) { bytes.withUnsafeBufferPointer { copy($0) } }

    /// Copies a text of the source.
    @inline(__always)
    mutating func copy(_ text: StaticString) {
        copy(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Writes a decimal and remembers where, because the same one is likely to come again.
    @inline(__always)
    mutating func rememberedNumber(_ number: ExactFraction) {
        remembered = (number.decimal, count, count)
        self.number(number)
        remembered.end = count
    }

    /// Writes a decimal; copies it if it is the remembered one, which costs a fraction.
    @inline(__always)
    mutating func repeatedNumber(_ number: ExactFraction) {
        guard let decimal = number.decimal, decimal == remembered.number, !overflowed else {
            self.number(number)
            return
        }
        copy(UnsafeBufferPointer(start: base + remembered.start, count: remembered.end - remembered.start))
    }

    /// Writes a moment; most rows of an answer have the same one.
    mutating func time(_ milliseconds: Int64) {
        guard milliseconds == lastTime.milliseconds, lastTime.end > 0, !overflowed else {
            lastTime = (milliseconds, count, count)
            integer(milliseconds)
            lastTime.end = count
            return
        }
        copy(UnsafeBufferPointer(start: base + lastTime.start, count: lastTime.end - lastTime.start))
    }

    /// Writes one byte.
    @inline(__always)
    mutating func byte(_ byte: UInt8) {
        guard count < capacity else {
            overflowed = true
            return
        }
        base[count] = byte
        count += 1
    }

    /// Writes a whole number.
    mutating func integer(_ number: Int64) {
        guard count + 20 <= capacity else {
            overflowed = true
            return
        }
        if number < 0 { byte(UInt8(ascii: "-")) }
        digits(of: number.magnitude)
    }

    /// Writes a figure as OKX prints it: rounded half up to 16 places, no exponent, no trailing zeros, "0".
    @inline(__always)
    mutating func number(_ number: ExactFraction) {
        if let decimal = number.decimal {
            self.number(decimal)
        } else if let rounded = try? number.rounded(places: 16, rounding: .halfUp) {
            // Always: the range of a fraction leaves room for its rounding.
            self.number(rounded)
        }
    }

    /// Writes a decimal as OKX prints it: rounded half up to 16 places, no exponent, no trailing zeros, "0".
    mutating func number(_ number: ExactDecimal) {
        if number.isZero {
            byte(UInt8(ascii: "0"))
            return
        }
        guard count + Self.longestNumber <= capacity else {
            overflowed = true
            return
        }
        let (wholeUnits, fractionUnits) = Self.split(number.units.magnitude)
        // Two of eighteen places go; a tie goes away from zero, and so does the sign-less magnitude.
        var fraction = (fractionUnits + 50) / 100
        var whole = wholeUnits
        if fraction == 10_000_000_000_000_000 {
            fraction = 0
            whole += 1  // below 2⁶⁷ before
        }
        if whole == 0, fraction == 0 {
            byte(UInt8(ascii: "0"))
            return
        }
        if number.isNegative { byte(UInt8(ascii: "-")) }
        digits(of: whole)
        if fraction != 0 { decimals(fraction) }
    }

    /// A magnitude in 10⁻¹⁸ as whole part and fraction.
    @inline(__always)
    private static func split(_ magnitude: UInt128) -> (whole: UInt128, fraction: UInt64) {
        // 10¹⁸ = 2¹⁸ × 5¹⁸: without its twos most magnitudes fit one machine word.
        let fives: UInt64 = 3_814_697_265_625
        let shifted = magnitude >> 18
        if shifted <= UInt128(UInt64.max) {
            let short = UInt64(truncatingIfNeeded: shifted).quotientAndRemainder(dividingBy: fives)
            let tail = UInt64(truncatingIfNeeded: magnitude) & 0x3FFFF
            return (UInt128(short.quotient), short.remainder << 18 | tail)
        }
        let long = magnitude.quotientAndRemainder(dividingBy: 1_000_000_000_000_000_000)
        return (long.quotient, UInt64(truncatingIfNeeded: long.remainder))
    }

    /// Writes a whole number of at most 21 digits; the caller has made sure of the room.
    private mutating func digits(of number: UInt128) {
        if number <= UInt128(UInt64.max) {
            digits(of: UInt64(truncatingIfNeeded: number))
            return
        }
        let (upper, lower) = number.quotientAndRemainder(dividingBy: 100_000_000)
        digits(of: UInt64(truncatingIfNeeded: upper))
        eightDigits(UInt32(truncatingIfNeeded: lower))
    }

    /// Writes a whole number of at most 20 digits; the caller has made sure of the room.
    @inline(__always)
    private mutating func digits(of number: UInt64) {
        if number < 10 {
            base[count] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number)
            count += 1
            return
        }
        let length = Self.length(of: number)
        var place = count + length
        var rest = number
        while rest >= 100 {
            let (next, pair) = rest.quotientAndRemainder(dividingBy: 100)
            place -= 2
            writePair(UInt32(truncatingIfNeeded: pair), at: place)
            rest = next
        }
        if rest >= 10 {
            writePair(UInt32(truncatingIfNeeded: rest), at: place - 2)
        } else {
            base[place - 1] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest)
        }
        count += length
    }

    /// How many digits a whole number has.
    @inline(__always)
    private static func length(of number: UInt64) -> Int {
        var length = 1
        var rest = number
        while rest >= 10_000 {
            length += 4
            rest /= 10_000
        }
        return length + (rest >= 1000 ? 3 : rest >= 100 ? 2 : rest >= 10 ? 1 : 0)
    }

    /// Writes the point and 16 decimals without the zeros at their end; the fraction is not 0.
    @inline(__always)
    private mutating func decimals(_ fraction: UInt64) {
        base[count] = UInt8(ascii: ".")
        count += 1
        let (upper, lower) = fraction.quotientAndRemainder(dividingBy: 100_000_000)
        eightDigits(UInt32(truncatingIfNeeded: upper))
        if lower != 0 { eightDigits(UInt32(truncatingIfNeeded: lower)) }
        while base[count - 1] == UInt8(ascii: "0") { count -= 1 }
    }

    /// Writes a number below 10⁸ with all of its eight digits; the caller has made sure of the room.
    @inline(__always)
    private mutating func eightDigits(_ number: UInt32) {
        let (upper, lower) = number.quotientAndRemainder(dividingBy: 10_000)
        writePair(upper / 100, at: count)
        writePair(upper % 100, at: count + 2)
        writePair(lower / 100, at: count + 4)
        writePair(lower % 100, at: count + 6)
        count += 8
    }

    /// Writes both digits of a number below 100.
    @inline(__always)
    private func writePair(_ pair: UInt32, at place: Int) {
        let source = Self.pairs.utf8Start + Int(2 * pair)
        base[place] = source[0]
        base[place + 1] = source[1]
    }

    /// Every number of two digits, in order.
    private static var pairs: StaticString {
        """
        0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
        5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899
        """
    }
}
