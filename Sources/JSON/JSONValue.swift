/// A JSON value that keeps what the text said: number text as it stood, members in their order.
///
/// Two values are equal when their texts are, up to blanks and escapes: members in another order, and numbers
/// or strings written in other bytes (1 and 1.0, or the two Unicode forms of "é"), are different.
public enum JSONValue: Sendable {
    /// null.
    case null
    /// true or false.
    case bool(Bool)
    /// A number, as the text that stood there.
    case number(String)
    /// A string, its escapes resolved.
    case string(String)
    /// The elements of an array, in order.
    case array([JSONValue])
    /// The members of an object, in order.
    case object(JSONObject)
}

/// The members of a JSON object, in the order of the text.
public struct JSONObject: Sendable {
    /// The members in order; a parsed object has no key twice.
    public var members: [(key: String, value: JSONValue)]

    /// An object of these members, in this order.
    public init(_ members: [(key: String, value: JSONValue)] = []) {
        self.members = members
    }

    /// The value of the first member with this key, compared byte by byte; nil when there is none.
    public subscript(_ key: String) -> JSONValue? {
        for member in members where sameBytes(member.key, key) { return member.value }
        return nil
    }

    /// The keys in order.
    public var keys: [String] { members.map(\.key) }
}

extension JSONObject: Equatable {
    /// Whether both have the same members in the same order.
    public static func == (first: JSONObject, second: JSONObject) -> Bool {
        first.members.elementsEqual(second.members) { sameBytes($0.key, $1.key) && $0.value == $1.value }
    }
}

extension JSONValue: Equatable {
    /// Whether both values have the same text, up to blanks and escapes.
    public static func == (first: JSONValue, second: JSONValue) -> Bool {
        switch (first, second) {
        case (.null, .null): true
        case (.bool(let one), .bool(let other)): one == other
        case (.number(let one), .number(let other)), (.string(let one), .string(let other)):
            sameBytes(one, other)
        case (.array(let one), .array(let other)): one == other
        case (.object(let one), .object(let other)): one == other
        default: false
        }
    }
}

// MARK: - Parsing

extension JSONValue {
    /// The value that these bytes hold, by RFC 8259 to the letter, read in place.
    ///
    /// Refused are bytes that are not UTF-8, lone surrogates, a key that occurs twice in an object, and
    /// nesting deeper than `maximumDepth` arrays and objects.
    ///
    /// - Throws: ``JSONError`` with the place and the reason.
    public init(parsing bytes: UnsafeBufferPointer<UInt8>, maximumDepth: Int = 64) throws(JSONError) {
        var reader = JSONReader(bytes, maximumDepth: maximumDepth)
        do {
            try reader.readText()
        } catch {
            throw JSONError(offset: reader.failureOffset, in: bytes, reason: reader.failureReason)
        }
        self = reader.withNodes { $0.value(at: 0) }
    }

    /// The value that these bytes hold, read in place: one line of a larger buffer needs no copy.
    ///
    /// - Throws: ``JSONError`` with the place, counted from the start of these bytes, and the reason.
    public init(parsing bytes: UnsafeRawBufferPointer, maximumDepth: Int = 64) throws(JSONError) {
        let result = bytes.withMemoryRebound(to: UInt8.self) { Self.parsed($0, maximumDepth) }
        self = try result.get()
    }

    /// The value that these bytes hold; bytes that lie together are read in place.
    ///
    /// - Throws: ``JSONError`` with the place, counted from the start of these bytes, and the reason.
    public init(parsing bytes: some Collection<UInt8>, maximumDepth: Int = 64) throws(JSONError) {
        if let result = bytes.withContiguousStorageIfAvailable({ Self.parsed($0, maximumDepth) }) {
            self = try result.get()
        } else {
            self = try Array(bytes).withUnsafeBufferPointer { Self.parsed($0, maximumDepth) }.get()
        }
    }

    /// The value that this text holds.
    ///
    /// - Throws: ``JSONError`` with the place and the reason.
    public init(parsing text: some StringProtocol, maximumDepth: Int = 64) throws(JSONError) {
        try self.init(parsing: text.utf8, maximumDepth: maximumDepth)
    }

    /// The same as a value, for the closures of the standard library that do not pass typed errors on.
    private static func parsed(
        _ bytes: UnsafeBufferPointer<UInt8>, _ maximumDepth: Int
    ) -> Result<JSONValue, JSONError> {
        do {
            return .success(try JSONValue(parsing: bytes, maximumDepth: maximumDepth))
        } catch {
            return .failure(error)
        }
    }
}

// MARK: - Access

extension JSONValue {
    /// The string, or nil for every other value; a number is not a string.
    public var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The text of the number as it stood, or nil for every other value.
    public var numberText: String? {
        if case .number(let text) = self { text } else { nil }
    }

    /// true or false, or nil for every other value.
    public var boolean: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The number when it is written as a plain integer that fits 64 bits, or nil: 1.0 and 1e3 are not plain.
    public var integer: Int64? {
        if case .number(let text) = self { Int64(text) } else { nil }
    }

    /// The elements of the array, or nil for every other value.
    public var elements: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The members of the object, or nil for every other value.
    public var object: JSONObject? {
        if case .object(let object) = self { object } else { nil }
    }

    /// Whether the value is null; an absent member is not.
    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// The value of the object's member, or nil when there is no such member or this is no object.
    public subscript(_ key: String) -> JSONValue? {
        if case .object(let object) = self { object[key] } else { nil }
    }
}

// MARK: - Making

extension JSONValue {
    /// An object of these members, in this order.
    public static func members(_ members: [(key: String, value: JSONValue)]) -> JSONValue {
        .object(JSONObject(members))
    }

    /// A whole number.
    public static func integer(_ number: some BinaryInteger) -> JSONValue { .number(String(number)) }
}

// MARK: - Writing

extension JSONValue: CustomStringConvertible {
    /// The value as JSON without blanks, members in their order.
    public var description: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the value as JSON without blanks, members in their order, number text as it stood.
    public func append(to bytes: inout [UInt8]) {
        append(to: &bytes, sorted: false)
    }

    /// The value as JSON without blanks and with the keys of every object in byte order.
    ///
    /// Two texts that differ in blanks, escapes or the order of members only have the same canonical bytes.
    public func canonicalBytes() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256)
        append(to: &bytes, sorted: true)
        return bytes
    }

    private func append(to bytes: inout [UInt8], sorted: Bool) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: value ? "true".utf8 : "false".utf8)
        case .number(let text): bytes.append(contentsOf: text.utf8)
        case .string(let text): appendQuoted(text, to: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                element.append(to: &bytes, sorted: sorted)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let object):
            let order = sorted ? object.keyOrder() : []
            bytes.append(UInt8(ascii: "{"))
            for index in object.members.indices {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                let member = object.members[sorted ? order[index] : index]
                appendQuoted(member.key, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.append(to: &bytes, sorted: sorted)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }
}

extension JSONObject {
    /// The indices of the members in byte order of their keys.
    fileprivate func keyOrder() -> [Int] {
        // The first byte decides most comparisons; only the others walk along both keys.
        let leading = members.map { $0.key.utf8.first ?? 0 }
        return members.indices.sorted { first, second in
            if leading[first] != leading[second] { return leading[first] < leading[second] }
            return members[first].key.utf8.lexicographicallyPrecedes(members[second].key.utf8)
        }
    }
}
