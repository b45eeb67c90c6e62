/// A value of a JSON text where it stands: nothing is copied out of the text before it is asked for.
///
/// For an answer of which some fields are wanted, several times faster than ``JSONValue``. A value keeps the
/// whole text that it stands in.
public struct JSONText: Sendable {
    /// What a text was read into.
    fileprivate final class Source: Sendable {
        let bytes: [UInt8]
        let unescaped: [UInt8]
        let nodes: [JSONNode]

        init(bytes: [UInt8], unescaped: [UInt8], nodes: [JSONNode]) {
            self.bytes = bytes
            self.unescaped = unescaped
            self.nodes = nodes
        }

        @inline(__always)
        func read<Result>(_ body: (JSONNodes) -> Result) -> Result {
            bytes.withUnsafeBufferPointer { bytes in
                unescaped.withUnsafeBufferPointer { unescaped in
                    nodes.withUnsafeBufferPointer { nodes in
                        body(JSONNodes(bytes: bytes, unescaped: unescaped, nodes: nodes))
                    }
                }
            }
        }
    }

    private let source: Source
    private let index: Int

    private init(_ source: Source, _ index: Int) {
        self.source = source
        self.index = index
    }

    /// The value that these bytes hold, by the same rules as ``JSONValue/init(parsing:maximumDepth:)``.
    ///
    /// - Throws: ``JSONError`` with the place and the reason.
    public init(parsing bytes: [UInt8], maximumDepth: Int = 64) throws(JSONError) {
        let result = bytes.withUnsafeBufferPointer { buffer -> Result<Source, JSONError> in
            var reader = JSONReader(buffer, maximumDepth: maximumDepth)
            do {
                try reader.readText()
            } catch {
                return .failure(
                    JSONError(offset: reader.failureOffset, in: buffer, reason: reader.failureReason))
            }
            return .success(Source(bytes: bytes, unescaped: reader.unescaped, nodes: reader.nodes))
        }
        self.init(try result.get(), 0)
    }

    /// The value that this text holds, by the same rules.
    ///
    /// - Throws: ``JSONError`` with the place and the reason.
    public init(parsing text: some StringProtocol, maximumDepth: Int = 64) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), maximumDepth: maximumDepth)
    }

    /// `{}`.
    public static let emptyObject = JSONText(
        Source(bytes: [], unescaped: [], nodes: [JSONNode(kind: .object, start: 0, count: 0, end: 1)]), 0)
}

// MARK: - Access

extension JSONText {
    /// The JSON types.
    public enum Kind: Sendable {
        case null, boolean, number, string, array, object

        @inline(__always)
        fileprivate init(_ kind: JSONNode.Kind) {
            switch kind {
            case .null: self = .null
            case .no, .yes: self = .boolean
            case .number: self = .number
            case .plain, .unescaped: self = .string
            case .array: self = .array
            case .object: self = .object
            }
        }
    }

    private var node: JSONNode { source.nodes[index] }

    /// The type of the value.
    public var kind: Kind { Kind(node.kind) }

    /// The string, or nil for every other value; a number is not a string.
    public var text: String? { kind == .string ? content : nil }

    /// The text of the number as it stood, or nil for every other value.
    public var numberText: String? { kind == .number ? content : nil }

    private var content: String { source.read { $0.string(node) } }

    /// true or false, or nil for every other value.
    public var boolean: Bool? { kind == .boolean ? node.kind == .yes : nil }

    /// The number when it is written as a plain integer that fits 64 bits, or nil: 1.0 and 1e3 are not plain.
    public var integer: Int64? { numberText.flatMap { Int64($0) } }

    /// Whether the value is null; an absent member is not.
    public var isNull: Bool { kind == .null }

    /// The elements of the array, or nil for every other value.
    public var elements: [JSONText]? {
        guard kind == .array else { return nil }
        var elements: [JSONText] = []
        elements.reserveCapacity(Int(node.count))
        var place = index + 1
        while place < Int(node.end) {
            elements.append(JSONText(source, place))
            place = Int(source.nodes[place].end)
        }
        return elements
    }

    /// The members of the object in the order of the text, or nil for every other value.
    public var members: Members? { kind == .object ? Members(object: self) : nil }

    /// The value of the object's member, or nil when there is no such member or this is no object.
    public subscript(_ key: String) -> JSONText? {
        guard kind == .object else { return nil }
        var key = key
        let place = key.withUTF8 { key in source.read { $0.member(key, of: index) } }
        return place.map { JSONText(source, $0) }
    }

    /// Hands the bytes of a number, or of a string without its escapes, to a body; none of any other value.
    public func withContent<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        switch kind {
        case .number, .string: source.read { body($0.content(node)) }
        case .null, .boolean, .array, .object: body(UnsafeBufferPointer(start: nil, count: 0))
        }
    }

    /// The value taken out of its text.
    public var value: JSONValue { source.read { $0.value(at: index) } }

    /// The members of an object, in the order of the text; none of them has the key of another.
    public struct Members: Sendable {
        fileprivate let object: JSONText

        /// Where a member stands in its object.
        public struct Place: Sendable {
            fileprivate let key: Int
        }

        /// How many there are.
        public var count: Int { Int(object.node.count) }

        /// The value under a key; nil where there is none.
        public subscript(_ key: String) -> JSONText? { object[key] }

        /// All of them, each key taken out of the text.
        public var all: [(key: String, value: JSONText)] {
            object.source.read { text in
                var all: [(key: String, value: JSONText)] = []
                all.reserveCapacity(count)
                var key = object.index + 1
                while key < Int(text.nodes[object.index].end) {
                    all.append((text.string(text.nodes[key]), JSONText(object.source, key + 1)))
                    key = Int(text.nodes[key + 1].end)
                }
                return all
            }
        }

        /// Goes through the members without taking them out of the text.
        ///
        /// The body gets which of the names each member has, nil for one that has another, what type its
        /// value is of, and its place, under which its key and value are found.
        public func forEach(
            named names: JSONNames, _ body: (_ name: Int?, _ kind: Kind, _ place: Place) -> Void
        ) {
            object.source.read { text in
                let end = Int(text.nodes[object.index].end)
                var key = object.index + 1
                while key < end {
                    let value = text.nodes[key + 1]
                    body(
                        names.index(of: text.content(text.nodes[key])), Kind(value.kind), Place(key: key))
                    key = Int(value.end)
                }
            }
        }

        /// The key at a place of this object.
        public func key(at place: Place) -> String {
            object.source.read { $0.string($0.nodes[place.key]) }
        }

        /// The value at a place of this object.
        public func value(at place: Place) -> JSONText { JSONText(object.source, place.key + 1) }
    }
}

/// Names of members, by which the members of an object are known without a string being made of each key.
public struct JSONNames: Sendable {
    private let bytes: [UInt8]
    /// Where each name ends among the bytes.
    private let ends: [Int]
    /// The names by their hash, so many to each that most places are free; -1 is a free one.
    private let slots: [Int32]

    /// Names, each of them once.
    public init(_ names: [String]) {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        for name in names {
            bytes += name.utf8
            ends.append(bytes.count)
        }
        var size = 8
        while size < names.count * 4 { size *= 2 }
        var slots = [Int32](repeating: -1, count: size)
        for (index, name) in names.enumerated() {
            var slot = ContiguousArray(name.utf8).withUnsafeBufferPointer { Self.hash($0) } & (size - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (size - 1) }
            slots[slot] = Int32(index)
        }
        (self.bytes, self.ends, self.slots) = (bytes, ends, slots)
    }

    /// The position of a key among the names; nil where it is none of them.
    fileprivate func index(of key: UnsafeBufferPointer<UInt8>) -> Int? {
        bytes.withUnsafeBufferPointer { bytes in
            var slot = Self.hash(key) & (slots.count - 1)
            while slots[slot] >= 0 {
                let index = Int(slots[slot])
                let start = index == 0 ? 0 : ends[index - 1]
                if ends[index] - start == key.count,
                    sameBytes(UnsafeBufferPointer(rebasing: bytes[start..<ends[index]]), key)
                {
                    return index
                }
                slot = (slot + 1) & (slots.count - 1)
            }
            return nil
        }
    }

    /// Made of the first and the last eight bytes: the names are the program's own, so that nobody can choose
    /// them to fall together, and two that do are still told apart.
    @inline(__always)
    private static func hash(_ name: UnsafeBufferPointer<UInt8>) -> Int {
        guard let start = UnsafeRawPointer(name.baseAddress), let last = name.last else { return 0 }
        let (head, tail): (UInt64, UInt64)
        if name.count >= 8 {
            head = start.loadUnaligned(as: UInt64.self)
            tail = start.loadUnaligned(fromByteOffset: name.count - 8, as: UInt64.self)
        } else if name.count >= 4 {
            head = UInt64(start.loadUnaligned(as: UInt32.self))
            tail = UInt64(start.loadUnaligned(fromByteOffset: name.count - 4, as: UInt32.self))
        } else {
            (head, tail) = (UInt64(name[0]), UInt64(name[name.count / 2]) << 8 | UInt64(last))
        }
        let mixed = (head &* 0x9E37_79B9_7F4A_7C15 ^ tail &+ UInt64(name.count)) &* 0xD6E8_FEB8_6659_FD93
        return Int(mixed >> 40)
    }
}
