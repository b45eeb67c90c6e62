/// Where and why a text is not JSON; one sentence for the person who sent it.
public struct JSONError: Error, Equatable, Sendable {
    /// How many bytes stand before the place of the error.
    public let offset: Int
    /// The line of the error, counted from 1.
    public let line: Int
    /// The column of the error in characters (Unicode scalars), counted from 1.
    public let column: Int
    /// What is wrong, without a full stop.
    public let reason: String

    /// An error at a known place.
    public init(offset: Int, line: Int, column: Int, reason: String) {
        self.offset = offset
        self.line = line
        self.column = column
        self.reason = reason
    }

    /// An error at an offset of a text; line and column are counted here, on the way out only.
    init(offset: Int, in text: UnsafeBufferPointer<UInt8>, reason: String) {
        var line = 1
        var column = 1
        for byte in text.prefix(offset) {
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                // Continuation bytes belong to the character before them.
                column += 1
            }
        }
        self.init(offset: offset, line: line, column: column, reason: reason)
    }
}

extension JSONError: CustomStringConvertible {
    /// "line 1, column 9: a value is missing".
    public var description: String { "line \(line), column \(column): \(reason)" }
}
