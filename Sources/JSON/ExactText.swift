/// A text whose identity is its bytes: two that only look alike are two.
///
/// Swift's own `String` takes the Unicode forms of one character for the same text ("é" in one scalar and in
/// two, "K" and the Kelvin sign), as a key of a dictionary too. What comes from outside (ids, keys, names) is
/// therefore looked up as this, or compared with ``Swift/StringProtocol/isExactly(_:)``. Inside, where every
/// name is one that such a look-up has found, plain strings will do.
public struct ExactText: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The text.
    public let text: String

    /// A text by its bytes.
    public init(_ text: String) { self.text = text }

    /// A part of a text, told apart by its bytes.
    public init(_ text: Substring) { self.text = String(text) }

    /// A text of the program's own.
    public init(stringLiteral text: String) { self.text = text }

    /// Where each name stands in a list; of the same name twice, where it first does.
    public static func places(of names: [String]) -> [ExactText: Int] {
        Dictionary(names.enumerated().map { (ExactText($0.element), $0.offset) }) { first, _ in first }
    }

    /// The text.
    public var description: String { text }

    /// Whether both have the same bytes.
    public static func == (first: ExactText, second: ExactText) -> Bool { first.text.isExactly(second.text) }

    /// Takes the bytes in.
    public func hash(into hasher: inout Hasher) {
        let isTaken: Void? = text.utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        if isTaken == nil { for byte in text.utf8 { hasher.combine(byte) } }
        hasher.combine(0xFF as UInt8)
    }
}

extension String {
    /// Whether both texts have the same bytes.
    @inline(__always)
    public func isExactly(_ other: String) -> Bool {
        // Texts of the same bytes are equal for Swift too, which finds out that they are not in no time.
        self == other && sameBytes(self, other)
    }
}

extension Optional<String> {
    /// Whether both are there with the same bytes, or neither is.
    public func isExactly(_ other: String?) -> Bool {
        guard let self, let other else { return self == nil && other == nil }
        return self.isExactly(other)
    }
}

extension Collection<String> {
    /// Whether a text of the same bytes is among them.
    public func containsExactly(_ text: String) -> Bool { contains { $0.isExactly(text) } }
}

/// Whether two strings have the same bytes. The length decides most comparisons of keys, and costs least.
@inline(__always)
func sameBytes(_ first: String, _ second: String) -> Bool {
    first.utf8.count == second.utf8.count && sameBytesOfOneLength(first, second)
}

private func sameBytesOfOneLength(_ first: String, _ second: String) -> Bool {
    // Bytes in place are compared several times faster than by the iterators of two strings.
    let inPlace = first.utf8.withContiguousStorageIfAvailable { one in
        second.utf8.withContiguousStorageIfAvailable { other in
            for index in one.indices where one[index] != other[index] { return false }
            return true
        }
    }
    return (inPlace ?? nil) ?? first.utf8.elementsEqual(second.utf8)
}
