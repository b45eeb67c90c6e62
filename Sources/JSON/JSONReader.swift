/// Reads one JSON text from bytes in place.
///
/// A refusal is noted in the reader and thrown as an empty ``Stop``, so that the way of a good text carries
/// nothing for it.
struct JSONReader {
    struct Stop: Error {}

    private let bytes: UnsafeBufferPointer<UInt8>
    private let maximumDepth: Int
    private var position = 0

    /// Where and why the reader stopped.
    private(set) var failureOffset = 0
    private(set) var failureReason = ""

    init(_ bytes: UnsafeBufferPointer<UInt8>, maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    /// Reads the whole text: one value with nothing but blanks around it.
    mutating func readText() throws(Stop) -> JSONValue {
        let value = try readValue(depth: 0)
        guard nextByte() == nil else { throw stop("something follows the value") }
        return value
    }

    // MARK: - Bytes

    /// Notes a refusal at an offset, or where the reader stands.
    @inline(never)
    private mutating func stop(_ reason: String, at offset: Int? = nil) -> Stop {
        failureOffset = offset ?? position
        failureReason = reason
        return Stop()
    }

    /// The next byte that is not a blank, where the reader then stands; nil at the end.
    @inline(__always)
    private mutating func nextByte() -> UInt8? {
        while position < bytes.count {
            let byte = bytes[position]
            if byte > 0x20 || !(byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09) { return byte }
            position += 1
        }
        return nil
    }

    /// The byte at the reader, or 0 at the end: no byte that JSON gives a meaning.
    @inline(__always)
    private var byteHere: UInt8 {
        position < bytes.count ? bytes[position] : 0
    }

    // MARK: - Values

    private mutating func readValue(depth: Int) throws(Stop) -> JSONValue {
        guard let byte = nextByte() else { throw stop("a value is missing at the end") }
        switch byte {
        case UInt8(ascii: "\""): return .string(try readString())
        case UInt8(ascii: "{"): return .object(try readObject(depth: depth + 1))
        case UInt8(ascii: "["): return .array(try readArray(depth: depth + 1))
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): return .number(try readNumber())
        case UInt8(ascii: "t"):
            try readWord("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try readWord("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try readWord("null")
            return .null
        default: throw stop("a value cannot start with \(name(of: byte))")
        }
    }

    private mutating func readWord(_ word: StaticString) throws(Stop) {
        for index in 0..<word.utf8CodeUnitCount {
            guard position + index < bytes.count, bytes[position + index] == word.utf8Start[index] else {
                throw stop("only the words true, false and null may stand without quotes")
            }
        }
        position += word.utf8CodeUnitCount
    }

    private mutating func readArray(depth: Int) throws(Stop) -> [JSONValue] {
        guard depth <= maximumDepth else { throw stop("the nesting is deeper than \(maximumDepth)") }
        position += 1
        var elements: [JSONValue] = []
        if nextByte() == UInt8(ascii: "]") {
            position += 1
            return elements
        }
        while true {
            elements.append(try readValue(depth: depth))
            switch nextByte() {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "]"):
                position += 1
                return elements
            default: throw stop("a ',' or ']' is missing after the element")
            }
        }
    }

    private mutating func readObject(depth: Int) throws(Stop) -> JSONObject {
        guard depth <= maximumDepth else { throw stop("the nesting is deeper than \(maximumDepth)") }
        position += 1
        var members: [(key: String, value: JSONValue)] = []
        if nextByte() == UInt8(ascii: "}") {
            position += 1
            return JSONObject(members)
        }
        members.reserveCapacity(8)
        var largeKeys: Set<BytewiseKey> = []
        while true {
            guard nextByte() == UInt8(ascii: "\"") else { throw stop("a key in quotes is missing") }
            let keyOffset = position
            let key = try readString()
            if isDuplicate(key, of: members, &largeKeys) {
                throw stop("the key \(JSONValue.string(key)) occurs twice", at: keyOffset)
            }
            guard nextByte() == UInt8(ascii: ":") else { throw stop("a ':' is missing after the key") }
            position += 1
            members.append((key, try readValue(depth: depth)))
            switch nextByte() {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "}"):
                position += 1
                return JSONObject(members)
            default: throw stop("a ',' or '}' is missing after the member")
            }
        }
    }

    /// Whether the key stands among the members. Up to 16 keys are compared one by one; more are kept in a
    /// set, so that an object of many keys cannot cost quadratic time.
    private func isDuplicate(
        _ key: String, of members: [(key: String, value: JSONValue)], _ largeKeys: inout Set<BytewiseKey>
    ) -> Bool {
        if members.count < 16 {
            for member in members where sameBytes(member.key, key) { return true }
            return false
        }
        if largeKeys.isEmpty { largeKeys = Set(members.map { BytewiseKey(text: $0.key) }) }
        return !largeKeys.insert(BytewiseKey(text: key)).inserted
    }

    private mutating func readNumber() throws(Stop) -> String {
        let start = position
        if byteHere == UInt8(ascii: "-") { position += 1 }
        if byteHere == UInt8(ascii: "0") {
            position += 1
            if isDigit(byteHere) { throw stop("a number cannot have a leading zero", at: start) }
        } else {
            try skipDigits("a digit is missing after the '-'")
        }
        if byteHere == UInt8(ascii: ".") {
            position += 1
            try skipDigits("a digit is missing after the '.'")
        }
        if byteHere | 0x20 == UInt8(ascii: "e") {
            position += 1
            if byteHere == UInt8(ascii: "+") || byteHere == UInt8(ascii: "-") { position += 1 }
            try skipDigits("a digit is missing in the exponent")
        }
        return text(from: start, to: position)
    }

    @inline(__always)
    private func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    private mutating func skipDigits(_ reason: StaticString) throws(Stop) {
        guard isDigit(byteHere) else { throw stop("\(reason)") }
        repeat { position += 1 } while isDigit(byteHere)
    }

    // MARK: - Strings

    /// The bytes as a string; they are known to be UTF-8.
    @inline(__always)
    private func text(from start: Int, to end: Int) -> String {
        String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self)
    }

    /// Reads the string whose opening quote is here.
    private mutating func readString() throws(Stop) -> String {
        let opening = position
        position += 1
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                position += 1
                return text(from: start, to: position - 1)
            }
            if byte == UInt8(ascii: "\\") { return try readEscapedString(from: start, opening: opening) }
            try skipCharacter(byte)
        }
        throw stop("the string has no closing quote", at: opening)
    }

    /// Reads on from the first backslash of a string that began at `start`.
    private mutating func readEscapedString(from start: Int, opening: Int) throws(Stop) -> String {
        var content = Array(bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                position += 1
                return String(decoding: content, as: UTF8.self)
            }
            if byte == UInt8(ascii: "\\") {
                try readEscape(into: &content)
            } else {
                let first = position
                try skipCharacter(byte)
                content.append(contentsOf: bytes[first..<position])
            }
        }
        throw stop("the string has no closing quote", at: opening)
    }

    /// Moves past one character of a string, given its first byte.
    @inline(__always)
    private mutating func skipCharacter(_ byte: UInt8) throws(Stop) {
        if byte < 0x80 {
            guard byte >= 0x20 else { throw stop("a control character in a string must be escaped") }
            position += 1
        } else {
            try skipWideCharacter(byte)
        }
    }

    /// Moves past a character of two to four bytes, by the Unicode standard's table of well-formed sequences.
    private mutating func skipWideCharacter(_ first: UInt8) throws(Stop) {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: throw stop("the bytes are not UTF-8")
        }
        guard position + length <= bytes.count, second.contains(bytes[position + 1]) else {
            throw stop("the bytes are not UTF-8")
        }
        for index in 2..<4 where index < length {
            guard bytes[position + index] & 0xC0 == 0x80 else { throw stop("the bytes are not UTF-8") }
        }
        position += length
    }

    /// Reads one escape, whose backslash is here.
    private mutating func readEscape(into content: inout [UInt8]) throws(Stop) {
        let start = position
        position += 1
        let letter = byteHere
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(letter)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"):
            guard let scalar = Unicode.Scalar(try readCodePoint(escapeStart: start)) else {
                throw stop("the escape is one half of a surrogate pair", at: start)
            }
            content.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        default: throw stop("the escape is unknown", at: start)
        }
    }

    /// Reads the digits of a \u escape, and of the second one when they begin a surrogate pair.
    private mutating func readCodePoint(escapeStart: Int) throws(Stop) -> UInt32 {
        let unit = try readHexadecimal(escapeStart)
        guard unit >= 0xD800, unit < 0xDC00, byteHere == UInt8(ascii: "\\") else { return unit }
        position += 1
        guard byteHere == UInt8(ascii: "u") else {
            throw stop("the escape is one half of a surrogate pair", at: escapeStart)
        }
        position += 1
        let low = try readHexadecimal(position - 2)
        guard low >= 0xDC00, low < 0xE000 else {
            throw stop("the escape is one half of a surrogate pair", at: escapeStart)
        }
        return 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
    }

    private mutating func readHexadecimal(_ escapeStart: Int) throws(Stop) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            let byte = byteHere
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw stop("the escape needs four hexadecimal digits", at: escapeStart)
            }
            unit = unit << 4 | UInt32(digit)
            position += 1
        }
        return unit
    }

    /// A byte as a person would name it.
    private func name(of byte: UInt8) -> String {
        byte > 0x20 && byte < 0x7F ? "'\(Character(Unicode.Scalar(byte)))'" : "byte \(byte)"
    }
}

/// A key that is the same as another one only when all bytes are.
private struct BytewiseKey: Hashable {
    let text: String

    static func == (first: BytewiseKey, second: BytewiseKey) -> Bool {
        sameBytes(first.text, second.text)
    }

    func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
        hasher.combine(text.utf8.count)
    }
}
