/// A key or a value of a text: what it is, and where its content stands.
struct JSONNode {
    enum Kind: UInt8 {
        case null, no, yes, number
        /// A string without escapes: its content stands in the text.
        case plain
        /// A string with escapes: its content stands among the unescaped ones.
        case unescaped
        case array, object
    }

    var kind: Kind
    /// Where the content begins.
    var start: UInt32
    /// How many bytes the content has; of an array or object, how many elements or members are in it.
    var count: UInt32
    /// The index of the node after this one and all within it.
    var end: UInt32
}

/// A text that was read, in place: its nodes in the order of the text, an array or object before what is in
/// it, a key before its value.
struct JSONNodes {
    let bytes: UnsafeBufferPointer<UInt8>
    /// The contents of the strings with escapes, one after the other.
    let unescaped: UnsafeBufferPointer<UInt8>
    let nodes: UnsafeBufferPointer<JSONNode>

    /// The bytes of a number, or of a string without its escapes.
    @inline(__always)
    func content(_ node: JSONNode) -> UnsafeBufferPointer<UInt8> {
        let source = node.kind == .unescaped ? unescaped : bytes
        return UnsafeBufferPointer(rebasing: source[Int(node.start)..<Int(node.start) + Int(node.count)])
    }

    /// The content as a string; it is known to be UTF-8.
    @inline(__always)
    func string(_ node: JSONNode) -> String { String(decoding: content(node), as: UTF8.self) }

    /// The index of the value that stands under a key; nil where there is none.
    func member(_ key: UnsafeBufferPointer<UInt8>, of object: Int) -> Int? {
        let end = Int(nodes[object].end)
        var place = object + 1
        while place < end {
            let node = nodes[place]
            if Int(node.count) == key.count, sameBytes(content(node), key) { return place + 1 }
            place = Int(nodes[place + 1].end)
        }
        return nil
    }

    /// The value at an index, taken out of the text.
    func value(at index: Int) -> JSONValue {
        let node = nodes[index]
        switch node.kind {
        case .null: return .null
        case .no: return .bool(false)
        case .yes: return .bool(true)
        case .number: return .number(string(node))
        case .plain, .unescaped: return .string(string(node))
        case .array:
            var elements: [JSONValue] = []
            elements.reserveCapacity(Int(node.count))
            var place = index + 1
            while place < Int(node.end) {
                elements.append(value(at: place))
                place = Int(nodes[place].end)
            }
            return .array(elements)
        case .object:
            var members: [(key: String, value: JSONValue)] = []
            members.reserveCapacity(Int(node.count))
            var place = index + 1
            while place < Int(node.end) {
                members.append((string(nodes[place]), value(at: place + 1)))
                place = Int(nodes[place + 1].end)
            }
            return .object(JSONObject(members))
        }
    }
}

/// Whether two runs of as many bytes are the same.
@inline(__always)
func sameBytes(_ first: UnsafeBufferPointer<UInt8>, _ second: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let one = UnsafeRawPointer(first.baseAddress), let other = UnsafeRawPointer(second.baseAddress)
    else {
        return true
    }
    // Eight bytes at a time; the last eight may overlap those before them.
    var place = 0
    if first.count >= 8 {
        while place + 8 <= first.count {
            if one.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                != other.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            {
                return false
            }
            place += 8
        }
        return one.loadUnaligned(fromByteOffset: first.count - 8, as: UInt64.self)
            == other.loadUnaligned(fromByteOffset: first.count - 8, as: UInt64.self)
    }
    while place < first.count {
        if first[place] != second[place] { return false }
        place += 1
    }
    return true
}
