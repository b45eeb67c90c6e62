public import Numbers

/// Writes JSON straight into bytes, without blanks; commas are set by the writer.
///
/// The caller closes what it opens and gives every member a key first; nothing else can go wrong.
///
/// ```swift
/// var writer = JSONWriter(reserving: 256)
/// writer.beginObject()
/// writer.member("price", quoted: price)
/// writer.endObject()
/// send(writer.bytes)      // {"price":"59000.1"}
/// ```
public struct JSONWriter: Sendable {
    /// What has been written so far.
    public var bytes: [UInt8]

    /// Whether a value stands right before, so that the next key or element needs a comma.
    @usableFromInline var followsValue = false

    /// An empty writer with room for so many bytes; it grows when they are not enough.
    @inlinable
    public init(reserving capacity: Int = 0) {
        bytes = []
        if capacity > 0 { bytes.reserveCapacity(capacity) }
    }

    /// The text written so far.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Forgets what was written and keeps the room.
    @inlinable
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        followsValue = false
    }

    /// Writes the comma before a value, if one is due, and notes that a value stands here.
    @inlinable
    mutating func beginValue() {
        if followsValue { bytes.append(UInt8(ascii: ",")) }
        followsValue = true
    }

    // MARK: - Structure

    /// Opens an object.
    @inlinable
    public mutating func beginObject() {
        beginValue()
        bytes.append(UInt8(ascii: "{"))
        followsValue = false
    }

    /// Closes the object that was opened last.
    @inlinable
    public mutating func endObject() {
        bytes.append(UInt8(ascii: "}"))
        followsValue = true
    }

    /// Opens an array.
    @inlinable
    public mutating func beginArray() {
        beginValue()
        bytes.append(UInt8(ascii: "["))
        followsValue = false
    }

    /// Closes the array that was opened last.
    @inlinable
    public mutating func endArray() {
        bytes.append(UInt8(ascii: "]"))
        followsValue = true
    }

    /// Writes the key of the next member as it stands in the source: printable ASCII without '"' and '\'.
    @inlinable
    public mutating func key(_ key: StaticString) {
        key.withUTF8Buffer { name in
            guard name.count <= 60 else {
                beginValue()
                appendQuoted(name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                return
            }
            // Put together on the stack, so that the array grows once a key and not once a byte.
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { buffer in
                var count = 0
                if followsValue {
                    buffer[0] = UInt8(ascii: ",")
                    count = 1
                }
                buffer[count] = UInt8(ascii: "\"")
                for byte in name {
                    count += 1
                    buffer[count] = byte
                }
                buffer[count + 1] = UInt8(ascii: "\"")
                buffer[count + 2] = UInt8(ascii: ":")
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[..<(count + 3)]))
            }
        }
        followsValue = false
    }

    /// Writes the key of the next member, whatever its characters. A literal takes the quicker call above.
    @_disfavoredOverload
    public mutating func key(_ key: String) {
        beginValue()
        appendQuoted(key, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        followsValue = false
    }

    /// Writes the key of the next member that was made once.
    @inlinable
    public mutating func key(_ key: JSONKey) {
        let start = followsValue ? 0 : 1
        withUnsafeBytes(of: key.bytes) {
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: $0[start..<key.count]))
        }
        followsValue = false
    }

    // MARK: - Members

    /// Writes members that were made once.
    public mutating func members(_ members: JSONMembers) {
        bytes.append(contentsOf: followsValue ? members.bytes[...] : members.bytes.dropFirst())
        followsValue = true
    }

    /// Writes a member with a string.
    @inlinable
    public mutating func member(_ key: StaticString, _ text: String) {
        self.key(key)
        string(text)
    }

    /// Writes a member with a string that stands in the source; see `literal`.
    @inlinable
    public mutating func member(_ key: StaticString, literal text: StaticString) {
        self.key(key)
        literal(text)
    }

    /// Writes a member with a whole number.
    @inlinable
    public mutating func member(_ key: StaticString, _ number: Int64) {
        self.key(key)
        integer(number)
    }

    /// Writes a member with true or false.
    @inlinable
    public mutating func member(_ key: StaticString, _ flag: Bool) {
        self.key(key)
        bool(flag)
    }

    /// Writes a member with a decimal as a string, with at least so many decimals.
    @inlinable
    public mutating func member(
        _ key: StaticString, quoted number: ExactDecimal, minimumPlaces: Int = 0
    ) {
        self.key(key)
        quoted(number, minimumPlaces: minimumPlaces)
    }

    /// Writes a member with a whole number as a string.
    @inlinable
    public mutating func member(_ key: StaticString, quoted number: Int64) {
        self.key(key)
        quoted(number)
    }

    /// Writes a member with a decimal as a JSON number.
    @inlinable
    public mutating func member(_ key: StaticString, number: ExactDecimal) {
        self.key(key)
        self.number(number)
    }

    /// Writes a member with a value that is JSON already; see `raw`.
    @inlinable
    public mutating func member(_ key: StaticString, raw json: some Collection<UInt8>) {
        self.key(key)
        raw(json)
    }

    /// Writes a member with a value that was read or built before.
    @inlinable
    public mutating func member(_ key: StaticString, _ value: JSONValue) {
        self.key(key)
        self.value(value)
    }

    /// Opens an object as a member.
    @inlinable
    public mutating func beginObject(_ key: StaticString) {
        self.key(key)
        beginObject()
    }

    /// Opens an array as a member.
    @inlinable
    public mutating func beginArray(_ key: StaticString) {
        self.key(key)
        beginArray()
    }

    /// Writes an array as a member: of each row what `write` makes of it.
    @inlinable
    public mutating func array<Row, Failure: Error>(
        _ key: StaticString, of rows: some Sequence<Row>,
        _ write: (Row, inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        self.key(key)
        try array(of: rows, write)
    }

    // MARK: - Values

    /// Writes an array: of each row what `write` makes of it.
    @inlinable
    public mutating func array<Row, Failure: Error>(
        of rows: some Sequence<Row>, _ write: (Row, inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        beginArray()
        for row in rows { try write(row, &self) }
        endArray()
    }

    /// Writes a string.
    public mutating func string(_ text: String) {
        beginValue()
        appendQuoted(text, to: &bytes)
    }

    /// Writes a string that stands in the source: printable ASCII without '"' and '\'.
    @inlinable
    public mutating func literal(_ text: StaticString) {
        beginValue()
        bytes.append(UInt8(ascii: "\""))
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Writes a decimal as a string, in its plain form: "59000.1".
    @inlinable
    public mutating func quoted(_ number: ExactDecimal) {
        quoted(number, minimumPlaces: 0)
    }

    /// Writes a decimal as a string with at least so many decimals: "59000.10000000".
    @inlinable
    public mutating func quoted(_ number: ExactDecimal, minimumPlaces: Int) {
        beginValue()
        bytes.append(UInt8(ascii: "\""))
        number.append(to: &bytes, minimumPlaces: minimumPlaces)
        bytes.append(UInt8(ascii: "\""))
    }

    /// Writes a decimal as a JSON number, in its plain form: 59000.1.
    @inlinable
    public mutating func number(_ number: ExactDecimal) {
        beginValue()
        number.append(to: &bytes)
    }

    /// Writes a whole number.
    public mutating func integer(_ number: Int64) {
        beginValue()
        appendInteger(number)
    }

    /// Writes a whole number as a string: "1727650000000".
    public mutating func quoted(_ number: Int64) {
        beginValue()
        bytes.append(UInt8(ascii: "\""))
        appendInteger(number)
        bytes.append(UInt8(ascii: "\""))
    }

    /// Writes true or false.
    public mutating func bool(_ value: Bool) {
        beginValue()
        bytes.append(contentsOf: value ? "true".utf8 : "false".utf8)
    }

    /// Writes null.
    public mutating func null() {
        beginValue()
        bytes.append(contentsOf: "null".utf8)
    }

    /// Writes a value that is JSON already, byte for byte; the caller answers for it.
    @inlinable
    public mutating func raw(_ json: some Collection<UInt8>) {
        beginValue()
        bytes.append(contentsOf: json)
    }

    /// Writes a value that was read or built before.
    public mutating func value(_ value: JSONValue) {
        beginValue()
        value.append(to: &bytes)
    }

    private mutating func appendInteger(_ number: Int64) {
        // Twenty bytes hold every Int64 with its sign; the magnitude of the smallest one fits a UInt64.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var index = 20
            var rest = number.magnitude
            repeat {
                let (next, digit) = rest.quotientAndRemainder(dividingBy: 10)
                index -= 1
                digits[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
                rest = next
            } while rest != 0
            if number < 0 {
                index -= 1
                digits[index] = UInt8(ascii: "-")
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[index...]))
        }
    }
}

/// The key of a member as it is written, made once for all times that it is.
public struct JSONKey: Sendable {
    /// With the comma that stands before it, its quotes and the colon. Held in place and not in an array, so
    /// that handing it on counts no references.
    @usableFromInline let bytes: SIMD64<UInt8>
    @usableFromInline let count: Int

    /// The key of a name that stands in the source: at most 60 bytes with their escapes.
    public init(_ name: String) {
        var text = [UInt8(ascii: ",")]
        appendQuoted(name, to: &text)
        text.append(UInt8(ascii: ":"))
        precondition(text.count <= 64, "the key \(name) is too long")
        var bytes = SIMD64<UInt8>()
        for (place, byte) in text.enumerated() { bytes[place] = byte }
        self.bytes = bytes
        count = text.count
    }
}

/// Members that are the same every time, made once for all times that they are written.
public struct JSONMembers: Sendable {
    /// With the comma before the first.
    fileprivate let bytes: [UInt8]

    /// The members that `write` writes; at least one.
    public init(_ write: (inout JSONWriter) -> Void) {
        var writer = JSONWriter()
        writer.followsValue = true
        write(&writer)
        bytes = writer.bytes
    }
}

// MARK: - Escapes

/// Appends a string with its quotes, escaping what RFC 8259 demands and nothing else.
func appendQuoted(_ text: String, to bytes: inout [UInt8]) {
    let plain: Void? = text.utf8.withContiguousStorageIfAvailable { appendQuoted($0, to: &bytes) }
    if plain == nil {
        Array(text.utf8).withUnsafeBufferPointer { appendQuoted($0, to: &bytes) }
    }
}

/// The same for the string's bytes. A short one that needs no escape is put together on the stack, so that
/// the array grows once and not three times.
@usableFromInline
func appendQuoted(_ text: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
    let isDone =
        text.count <= 62
        && withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { buffer in
            buffer[0] = UInt8(ascii: "\"")
            var count = 1
            for byte in text {
                if needsEscape(byte) { return false }
                buffer[count] = byte
                count += 1
            }
            buffer[count] = UInt8(ascii: "\"")
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[...count]))
            return true
        }
    if isDone { return }
    bytes.append(UInt8(ascii: "\""))
    appendEscaped(text, to: &bytes)
    bytes.append(UInt8(ascii: "\""))
}

@inline(__always)
private func needsEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
}

/// Appends the bytes in runs between the characters that must be escaped.
private func appendEscaped(_ text: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
    var runStart = 0
    for index in text.indices {
        let byte = text[index]
        guard needsEscape(byte) else { continue }
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[runStart..<index]))
        runStart = index + 1
        appendEscape(of: byte, to: &bytes)
    }
    bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[runStart...]))
}

private func appendEscape(of byte: UInt8, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\\"))
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
    case 0x08: bytes.append(UInt8(ascii: "b"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    case 0x0A: bytes.append(UInt8(ascii: "n"))
    case 0x0C: bytes.append(UInt8(ascii: "f"))
    case 0x0D: bytes.append(UInt8(ascii: "r"))
    default:
        bytes.append(contentsOf: byte < 0x10 ? "u000".utf8 : "u001".utf8)
        let digit = byte & 0x0F
        bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
}
