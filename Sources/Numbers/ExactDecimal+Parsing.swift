// Text to number: -?digits[.digits], and nothing else.

extension ExactDecimal {
    /// The number written in these bytes: an optional '-', digits, and optionally a '.' with digits.
    ///
    /// Leading zeros and zeros after the eighteenth decimal are tolerated; '+', blanks, an exponent, ".5" and
    /// "5." are not. "-0" is 0.
    ///
    /// - Throws: ``NumberError/malformed``, ``NumberError/tooPrecise`` or ``NumberError/overflow``.
    @inlinable
    public init(parsing text: UnsafeBufferPointer<UInt8>) throws(NumberError) {
        self = try Self.parsed(text).get()
    }

    /// The number written in these bytes, by the same grammar.
    ///
    /// - Throws: ``NumberError/malformed``, ``NumberError/tooPrecise`` or ``NumberError/overflow``.
    @inlinable
    public init(parsing text: UnsafeRawBufferPointer) throws(NumberError) {
        let parsed = text.withMemoryRebound(to: UInt8.self) { Self.parsed($0) }
        self = try parsed.get()
    }

    /// The number written in these bytes, by the same grammar; bytes that lie together are read in place.
    ///
    /// - Throws: ``NumberError/malformed``, ``NumberError/tooPrecise`` or ``NumberError/overflow``.
    @inlinable
    public init(parsing text: some Collection<UInt8>) throws(NumberError) {
        if let parsed = text.withContiguousStorageIfAvailable({ Self.parsed($0) }) {
            self = try parsed.get()
        } else {
            self = try Array(text).withUnsafeBufferPointer { Self.parsed($0) }.get()
        }
    }

    /// The number written in this text, by the same grammar.
    ///
    /// - Throws: ``NumberError/malformed``, ``NumberError/tooPrecise`` or ``NumberError/overflow``.
    @inlinable
    public init(_ text: some StringProtocol) throws(NumberError) {
        try self.init(parsing: text.utf8)
    }

    /// Reads a number of up to 19 digits, which fit one machine word; everything longer goes the slow way.
    @usableFromInline
    static func parsed(_ text: UnsafeBufferPointer<UInt8>) -> Result<ExactDecimal, NumberError> {
        guard let first = text.first else { return .failure(.malformed) }
        let isNegative = first == UInt8(ascii: "-")
        let start = isNegative ? 1 : 0
        // The longest short number: 19 digits and a point.
        guard text.count - start <= 20 else { return parsedLong(text, from: start, isNegative: isNegative) }
        var mantissa: UInt64 = 0
        var point = -1
        var index = start
        while index < text.count {
            // Bytes below "0" wrap to large values and so are no digits either.
            let digit = text[index] &- UInt8(ascii: "0")
            if digit < 10 {
                // At most 20 digits are read here; the twentieth may wrap, and is sent the slow way below.
                mantissa = mantissa &* 10 &+ UInt64(digit)
            } else if text[index] == UInt8(ascii: "."), point < 0, index > start {
                point = index
            } else {
                return .failure(.malformed)
            }
            index += 1
        }
        if point < 0 {
            guard index > start else { return .failure(.malformed) }
            guard index - start < 20 else { return parsedLong(text, from: start, isNegative: isNegative) }
            return .success(scaled(mantissa, by: PowerOfTen.scale, isNegative: isNegative))
        }
        let decimals = index - point - 1
        guard decimals > 0 else { return .failure(.malformed) }
        return .success(scaled(mantissa, by: PowerOfTen.at(18 - decimals), isNegative: isNegative))
    }

    /// mantissa × step with a sign; below 10¹⁹ × 10¹⁸ < 2¹²⁷ in every use.
    @inlinable
    static func scaled(_ mantissa: UInt64, by step: UInt64, isNegative: Bool) -> ExactDecimal {
        let magnitude = Int128(truncatingIfNeeded: UInt128(product: mantissa, step))
        // A value of 0 to Int128.max has its negation in range.
        return ExactDecimal(unchecked: isNegative ? 0 &- magnitude : magnitude)
    }

    /// Reads a number of any length. The grammar is judged before the size, so that a refusal names the first
    /// thing a reader would correct.
    @usableFromInline
    static func parsedLong(
        _ text: UnsafeBufferPointer<UInt8>, from start: Int, isNegative: Bool
    ) -> Result<ExactDecimal, NumberError> {
        var point = text.count
        for index in start..<text.count {
            let byte = text[index]
            if byte == UInt8(ascii: "."), point == text.count, index > start, index + 1 < text.count {
                point = index
            } else if byte < UInt8(ascii: "0") || byte > UInt8(ascii: "9") {
                return .failure(.malformed)
            }
        }
        var magnitude: UInt128 = 0
        var overflow = false
        func take(_ digit: UInt8) {
            let (shifted, first) = magnitude.multipliedReportingOverflow(by: 10)
            let (next, second) = shifted.addingReportingOverflow(UInt128(digit))
            overflow = overflow || first || second
            magnitude = next
        }
        // Bytes were checked to be digits, so the subtractions cannot wrap.
        for index in start..<point { take(text[index] &- UInt8(ascii: "0")) }
        for place in 1...18 {
            let index = point + place
            take(index < text.count ? text[index] &- UInt8(ascii: "0") : 0)
        }
        if point + 19 < text.count, text[(point + 19)...].contains(where: { $0 != UInt8(ascii: "0") }) {
            return .failure(.tooPrecise)
        }
        guard !overflow, magnitude <= UInt128(Int128.max) else { return .failure(.overflow) }
        let value = Int128(truncatingIfNeeded: magnitude)
        // A value of 0 to Int128.max has its negation in range.
        return .success(ExactDecimal(unchecked: isNegative ? 0 &- value : value))
    }
}
