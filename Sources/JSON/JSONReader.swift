/// Reads one JSON text from bytes in place, into nodes that say where every key and value stands.
///
/// A refusal is noted in the reader and thrown as an empty ``Stop``, so that the way of a good text carries
/// nothing for it.
struct JSONReader {
    struct Stop: Error {}

    private let bytes: UnsafeBufferPointer<UInt8>
    private let maximumDepth: Int
    private var position = 0

    /// What was read, in the order of the text.
    private(set) var nodes: [JSONNode] = []
    /// The contents of the strings with escapes, one after the other.
    private(set) var unescaped: [UInt8] = []

    /// Where and why the reader stopped.
    private(set) var failureOffset = 0
    private(set) var failureReason = ""

    init(_ bytes: UnsafeBufferPointer<UInt8>, maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    /// Reads the whole text: one value with nothing but blanks around it.
    mutating func readText() throws(Stop) {
        guard UInt32(exactly: bytes.count) != nil else { throw stop("the text is longer than 4 GiB") }
        // A key or value seldom takes fewer bytes than this, so that the nodes are seldom moved.
        nodes.reserveCapacity(bytes.count / 8 + 4)
        try readValue(depth: 0, after: nil)
        guard nextByte() == nil else { throw stop("something follows the value") }
    }

    // MARK: - Elements of an array, one after the other

    /// A reader that stands at an offset of a text, about so many bytes of which it will read.
    init(
        _ bytes: UnsafeBufferPointer<UInt8>, maximumDepth: Int, from position: Int, reading portion: Int = 0
    ) {
        self.init(bytes, maximumDepth: maximumDepth)
        self.position = position
        nodes.reserveCapacity(min(portion, bytes.count - position) / 8)
    }

    /// Where the reader stands.
    var offset: Int { position }

    /// Moves past the opening bracket of the array that the whole text must be; whether it has elements. Nil
    /// where another value begins.
    mutating func enterArray() throws(Stop) -> Bool? {
        guard let byte = nextByte() else { throw stop("a value is missing at the end") }
        guard byte == UInt8(ascii: "[") else { return nil }
        position += 1
        guard nextByte() == UInt8(ascii: "]") else { return true }
        position += 1
        return false
    }

    /// Reads the next element, whose keys are likely to be those of the object at the node `row`. Gives its
    /// node.
    mutating func readElement(after row: Int?) throws(Stop) -> Int {
        let element = nodes.count
        // The array around it is one level.
        try readValue(depth: 1, after: row)
        return element
    }

    /// Moves past the comma behind an element; false behind the last one, past the closing bracket.
    mutating func passSeparator() throws(Stop) -> Bool {
        switch nextByte() {
        case UInt8(ascii: ","):
            position += 1
            return true
        case UInt8(ascii: "]"):
            position += 1
            return false
        default: throw stop("a ',' or ']' is missing after the element")
        }
    }

    /// Refuses anything but blanks from here on.
    mutating func requireEnd() throws(Stop) {
        guard nextByte() == nil else { throw stop("something follows the value") }
    }

    /// Whether an object stands at a node.
    func isObject(_ node: Int) -> Bool { nodes[node].kind == .object }

    /// Hands what was read to a body.
    func withNodes<Result>(_ body: (JSONNodes) -> Result) -> Result {
        nodes.withUnsafeBufferPointer { nodes in
            unescaped.withUnsafeBufferPointer { unescaped in
                body(JSONNodes(bytes: bytes, unescaped: unescaped, nodes: nodes))
            }
        }
    }

    /// Adds a node of the bytes from `start` to `end`, which has nothing within it.
    @inline(__always)
    private mutating func add(_ kind: JSONNode.Kind, from start: Int, to end: Int) {
        // Nothing is longer than the text, whose length was looked at, and no node has no byte of its own.
        nodes.append(
            JSONNode(
                kind: kind, start: UInt32(truncatingIfNeeded: start),
                count: UInt32(truncatingIfNeeded: end - start),
                end: UInt32(truncatingIfNeeded: nodes.count + 1)))
    }

    /// Begins an array or object, whose bracket is here.
    @inline(__always)
    private mutating func open(_ kind: JSONNode.Kind) -> Int {
        add(kind, from: position, to: position)
        position += 1
        return nodes.count - 1
    }

    /// Ends an array or object, whose last bracket is here.
    @inline(__always)
    private mutating func close(_ container: Int, count: Int) {
        position += 1
        nodes[container].count = UInt32(truncatingIfNeeded: count)
        nodes[container].end = UInt32(truncatingIfNeeded: nodes.count)
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

    /// Reads a value. `row` is the object before it, whose keys its own are likely to repeat.
    private mutating func readValue(depth: Int, after row: Int?) throws(Stop) {
        guard let byte = nextByte() else { throw stop("a value is missing at the end") }
        switch byte {
        case UInt8(ascii: "\""): try readString()
        case UInt8(ascii: "{"): try readObject(depth: depth + 1, after: row)
        case UInt8(ascii: "["): try readArray(depth: depth + 1)
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): try readNumber()
        case UInt8(ascii: "t"): try readWord("true", .yes)
        case UInt8(ascii: "f"): try readWord("false", .no)
        case UInt8(ascii: "n"): try readWord("null", .null)
        default: throw stop("a value cannot start with \(name(of: byte))")
        }
    }

    private mutating func readWord(_ word: StaticString, _ kind: JSONNode.Kind) throws(Stop) {
        for index in 0..<word.utf8CodeUnitCount {
            guard position + index < bytes.count, bytes[position + index] == word.utf8Start[index] else {
                throw stop("only the words true, false and null may stand without quotes")
            }
        }
        add(kind, from: position, to: position + word.utf8CodeUnitCount)
        position += word.utf8CodeUnitCount
    }

    private mutating func readArray(depth: Int) throws(Stop) {
        guard depth <= maximumDepth else { throw stop("the nesting is deeper than \(maximumDepth)") }
        let array = open(.array)
        if nextByte() == UInt8(ascii: "]") { return close(array, count: 0) }
        var count = 0
        var row: Int?
        while true {
            let element = nodes.count
            try readValue(depth: depth, after: row)
            count += 1
            if nodes[element].kind == .object { row = element }
            switch nextByte() {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "]"): return close(array, count: count)
            default: throw stop("a ',' or ']' is missing after the element")
            }
        }
    }

    private mutating func readObject(depth: Int, after model: Int?) throws(Stop) {
        guard depth <= maximumDepth else { throw stop("the nesting is deeper than \(maximumDepth)") }
        let object = open(.object)
        if nextByte() == UInt8(ascii: "}") { return close(object, count: 0) }
        var keys = KeyCheck(
            object: object, modelKey: model.map { $0 + 1 } ?? 0,
            modelEnd: model.map { Int(nodes[$0].end) } ?? 0)
        var row: Int?
        while true {
            guard nextByte() == UInt8(ascii: "\"") else { throw stop("a key in quotes is missing") }
            let keyOffset = position
            let key = nodes.count
            try readString()
            if isDuplicate(key, &keys) {
                let text = withNodes { $0.string($0.nodes[key]) }
                throw stop("the key \(JSONValue.string(text)) occurs twice", at: keyOffset)
            }
            guard nextByte() == UInt8(ascii: ":") else { throw stop("a ':' is missing after the key") }
            position += 1
            try readValue(depth: depth, after: row)
            if nodes[key + 1].kind == .object { row = key + 1 }
            switch nextByte() {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "}"): return close(object, count: keys.count)
            default: throw stop("a ',' or '}' is missing after the member")
            }
        }
    }

    // MARK: - Keys

    /// What is known of an object's keys while it is read.
    private struct KeyCheck {
        let object: Int
        /// The key of the row before that stands where the next key does, and the end of that row; as long as
        /// the keys are the same, none can occur twice, for none did there.
        var modelKey: Int
        let modelEnd: Int
        /// How many keys were read.
        var count = 0
        /// Hashes of the keys, once there are many.
        var hashes: Set<Int> = []
    }

    /// Whether a key that was just read stands in its object already; counts it where it does not.
    @inline(__always)
    private mutating func isDuplicate(_ key: Int, _ keys: inout KeyCheck) -> Bool {
        if keys.modelKey < keys.modelEnd {
            let (model, node) = (nodes[keys.modelKey], nodes[key])
            if model.count == node.count, model.kind == .plain, node.kind == .plain,
                sameBytes(plainContent(model), plainContent(node))
            {
                keys.modelKey = Int(nodes[keys.modelKey + 1].end)
                keys.count += 1
                return false
            }
            keys.modelKey = keys.modelEnd
        }
        return isDuplicateOfAny(key, &keys)
    }

    @inline(__always)
    private func plainContent(_ node: JSONNode) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: bytes[Int(node.start)..<Int(node.start) + Int(node.count)])
    }

    /// The same without a row before. Up to 16 keys are compared one by one; of more the hashes are kept, so
    /// that an object of many keys cannot cost quadratic time.
    private func isDuplicateOfAny(_ key: Int, _ keys: inout KeyCheck) -> Bool {
        withNodes { text in
            if keys.count >= 16 {
                if keys.hashes.isEmpty {
                    var known = keys.object + 1
                    while known < key {
                        keys.hashes.insert(hash(text.content(text.nodes[known])))
                        known = Int(text.nodes[known + 1].end)
                    }
                }
                // Only keys of one hash can be the same.
                if keys.hashes.insert(hash(text.content(text.nodes[key]))).inserted {
                    keys.count += 1
                    return false
                }
            }
            // The object ends, so far, where the key stands.
            let content = text.content(text.nodes[key])
            var known = keys.object + 1
            while known < key {
                let node = text.nodes[known]
                if Int(node.count) == content.count, sameBytes(text.content(node), content) { return true }
                known = Int(text.nodes[known + 1].end)
            }
            keys.count += 1
            return false
        }
    }

    private func hash(_ key: UnsafeBufferPointer<UInt8>) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: UnsafeRawBufferPointer(key))
        return hasher.finalize()
    }

    // MARK: - Numbers

    private mutating func readNumber() throws(Stop) {
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
        add(.number, from: start, to: position)
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

    /// Reads the string whose opening quote is here.
    @inline(__always)
    private mutating func readString() throws(Stop) {
        let opening = position
        position += 1
        skipUsualCharacters()
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                add(.plain, from: opening + 1, to: position)
                position += 1
                return
            }
            if byte == UInt8(ascii: "\\") { return try readEscapedString(opening: opening) }
            try skipCharacter(byte)
        }
        throw stop("the string has no closing quote", at: opening)
    }

    /// Moves past characters of one byte that need no look, eight at a time; stops before a quote, a
    /// backslash, a control character, a character of more bytes, or within the last eight bytes.
    @inline(__always)
    private mutating func skipUsualCharacters() {
        guard let start = UnsafeRawPointer(bytes.baseAddress) else { return }
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        while position + 8 <= bytes.count {
            let word = UInt64(littleEndian: start.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            // A byte below n has its top bit set in (word − n of every byte) and not in the word. What is
            // borrowed can mark bytes above such a one only, and the first mark is what counts.
            let quotes = word ^ ones &* UInt64(UInt8(ascii: "\""))
            let backslashes = word ^ ones &* UInt64(UInt8(ascii: "\\"))
            let marks =
                ((word &- ones &* 0x20) & ~word | (quotes &- ones) & ~quotes | (backslashes &- ones)
                    & ~backslashes
                    | word) & tops
            if marks != 0 {
                position += marks.trailingZeroBitCount >> 3
                return
            }
            position += 8
        }
    }

    /// Reads on from the first backslash of a string that began at `opening`.
    private mutating func readEscapedString(opening: Int) throws(Stop) {
        let first = unescaped.count
        unescaped.append(contentsOf: bytes[opening + 1..<position])
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                position += 1
                return add(.unescaped, from: first, to: unescaped.count)
            }
            if byte == UInt8(ascii: "\\") {
                try readEscape()
            } else {
                let start = position
                try skipCharacter(byte)
                unescaped.append(contentsOf: bytes[start..<position])
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
    private mutating func readEscape() throws(Stop) {
        let start = position
        position += 1
        let letter = byteHere
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(letter)
        case UInt8(ascii: "b"): unescaped.append(0x08)
        case UInt8(ascii: "f"): unescaped.append(0x0C)
        case UInt8(ascii: "n"): unescaped.append(0x0A)
        case UInt8(ascii: "r"): unescaped.append(0x0D)
        case UInt8(ascii: "t"): unescaped.append(0x09)
        case UInt8(ascii: "u"):
            guard let scalar = Unicode.Scalar(try readCodePoint(escapeStart: start)) else {
                throw stop("the escape is one half of a surrogate pair", at: start)
            }
            unescaped.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
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
