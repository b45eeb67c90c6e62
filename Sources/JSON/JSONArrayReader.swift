/// Reads the elements of an array out of its bytes, some at a time, so that no more than those are ever held.
///
/// The rules are those of ``JSONValue/init(parsing:maximumDepth:)``, and a refusal names the same place and
/// reason; the elements before it have been handed out by then.
public struct JSONArrayReader: Sendable {
    /// Why no more elements can be read.
    public enum Failure: Error, Equatable, Sendable {
        /// The text is no JSON.
        case malformed(JSONError)
        /// The text begins another value than an array.
        case noArray
        /// The element that begins about this offset has, with the blanks around it, more bytes than allowed.
        case tooLong(offset: Int)
    }

    private enum Place: Sendable {
        case start
        case inside
        case end
    }

    private let longestElement: Int
    private let maximumDepth: Int
    private var place = Place.start
    private var offset = 0

    /// A reader of one array, whose elements may have so many bytes each.
    public init(longestElement: Int, maximumDepth: Int = 64) {
        self.longestElement = longestElement
        self.maximumDepth = maximumDepth
    }

    /// Whether all elements were read, and nothing but blanks follows them.
    public var isAtEnd: Bool { place == .end }

    /// Hands the next elements to a body: at most so many, and no more once so many bytes were read. `bytes`
    /// is the whole text every time.
    ///
    /// - Throws: ``Failure``; the reader is of no further use then.
    public mutating func read(
        _ bytes: UnsafeBufferPointer<UInt8>, elements limit: Int, bytes portion: Int,
        _ body: (JSONValue) -> Void
    ) throws(Failure) {
        if isAtEnd { return }
        // What lies beyond the longest element that can begin in this portion is not looked at.
        let end = min(bytes.count, offset + portion + longestElement)
        var reader = JSONReader(
            UnsafeBufferPointer(rebasing: bytes[..<end]), maximumDepth: maximumDepth, from: offset,
            reading: portion)
        let first = offset
        var outcome = Outcome.more
        do throws(JSONReader.Stop) {
            outcome = try read(with: &reader, limit, upTo: first + portion, body)
            if isAtEnd {
                reader = JSONReader(bytes, maximumDepth: maximumDepth, from: offset)
                try reader.requireEnd()
            }
        } catch {
            // A mistake that stands where the text was cut off is none of the text's own.
            if !isAtEnd, end < bytes.count, reader.offset + 16 > end { throw .tooLong(offset: offset) }
            throw .malformed(JSONError(offset: reader.failureOffset, in: bytes, reason: reader.failureReason))
        }
        switch outcome {
        case .more: break
        case .noArray: throw .noArray
        case .tooLong: throw .tooLong(offset: offset)
        }
    }

    private enum Outcome {
        case more, noArray, tooLong
    }

    private mutating func read(
        with reader: inout JSONReader, _ limit: Int, upTo last: Int, _ body: (JSONValue) -> Void
    ) throws(JSONReader.Stop) -> Outcome {
        if place == .start {
            guard let hasElements = try reader.enterArray() else { return .noArray }
            place = hasElements ? .inside : .end
        }
        var row: Int?
        var count = 0
        while place == .inside, count < limit, reader.offset < last {
            offset = reader.offset
            let element = try reader.readElement(after: row)
            if reader.offset - offset > longestElement { return .tooLong }
            row = reader.isObject(element) ? element : nil
            body(reader.withNodes { $0.value(at: element) })
            count += 1
            if try !reader.passSeparator() { place = .end }
        }
        offset = reader.offset
        return .more
    }
}
