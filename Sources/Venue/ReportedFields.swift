import JSON
import Numbers

// What stands in an answer: nothing worked out, nothing rounded, every field found again under its path.

extension ReportedValue {
    /// What a member of an answer holds; nil for one that is not there.
    ///
    /// A text is a number where it is written as one, in plain or exponent form; how it stood is kept.
    public init(_ value: JSONText?) {
        guard let value else {
            self = .absent
            return
        }
        switch value.kind {
        case .null: self = .null
        case .boolean: self = .other(text: value.boolean == true ? "true" : "false")
        case .array, .object: self = .other(text: value.value.description)
        case .string, .number: self = value.withContent { Self.init(bytes: $0) }
        }
    }

    /// What a member of a value holds, by the same rules.
    public init(_ value: JSONValue?) {
        switch value {
        case .none: self = .absent
        case .null: self = .null
        case .string(""): self = .empty
        case .string(let text), .number(let text): self.init(text: text)
        case .bool(let flag): self = .other(text: flag ? "true" : "false")
        case .array, .object: self = .other(text: value?.description ?? "")
        }
    }

    /// What a text or number of these bytes, which are UTF-8, holds.
    private init(bytes: UnsafeBufferPointer<UInt8>) {
        if bytes.isEmpty {
            self = .empty
            return
        }
        let text = String(decoding: bytes, as: UTF8.self)
        // Nearly all are plain numbers that a decimal holds.
        if let number = try? ExactDecimal(parsing: bytes) {
            self = .number(number, text: text)
        } else {
            self.init(text: text)
        }
    }

    private init(text: String) {
        guard let number = NumberText(text) else {
            self = .other(text: text)
            return
        }
        do {
            self = .number(try ExactDecimal(number.plain(places: nil)), text: text)
        } catch {
            self = .outOfRange(text: text)
        }
    }

    /// What stood there; empty for a field that was not there, was "" or null.
    public var text: String {
        switch self {
        case .absent, .empty, .null: ""
        case .number(_, let text), .outOfRange(let text), .other(let text): text
        }
    }

    /// The state in a word where there is no number, the text otherwise: what an audit prints of an input.
    public var shown: String {
        switch self {
        case .absent: "absent"
        case .empty: "\"\""
        case .null: "null"
        case .number(_, let text), .outOfRange(let text), .other(let text): text
        }
    }

    /// The number, cut to 18 places where it has more; nil where there is none or where it is too large.
    ///
    /// Only for holding figures against each other, which says how far the cut can carry.
    public var truncatedNumber: ExactDecimal? {
        switch self {
        case .number(let value, _): value
        case .outOfRange(let text):
            NumberText(text).flatMap { try? ExactDecimal($0.plain(places: ExactDecimal.places)) }
        case .absent, .empty, .null, .other: nil
        }
    }
}

/// A number as it is written: a sign, digits, and where the decimal point stands among them.
struct NumberText {
    let isNegative: Bool
    /// At least one; leading zeros are gone.
    private var digits: [UInt8]
    /// How many of the digits stand after the point; negative where zeros are missing before it.
    private var decimals: Int

    /// Reads `-12.5`, `2.8E-4` and the like; nil for everything else.
    init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        isNegative = rest.first == UInt8(ascii: "-")
        if isNegative { rest.removeFirst() }
        let whole = Self.takeDigits(&rest)
        var fraction: ArraySlice<UInt8> = []
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            fraction = Self.takeDigits(&rest)
            if fraction.isEmpty { return nil }
        }
        var exponent = 0
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest.removeFirst()
            let isBelow = rest.first == UInt8(ascii: "-")
            if isBelow || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
            let power = Self.takeDigits(&rest)
            // Beyond some digits every exponent is as far out of reach as any other.
            guard !power.isEmpty, power.count < 6,
                let magnitude = Int(String(decoding: power, as: UTF8.self))
            else { return nil }
            exponent = isBelow ? -magnitude : magnitude
        }
        guard !whole.isEmpty, rest.isEmpty else { return nil }
        digits = Array((whole + fraction).drop { $0 == UInt8(ascii: "0") })
        decimals = digits.isEmpty ? 0 : fraction.count - exponent
        while decimals > 0, digits.last == UInt8(ascii: "0") {
            digits.removeLast()
            decimals -= 1
        }
    }

    private static func takeDigits(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let found = rest.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        rest = rest.dropFirst(found.count)
        return found
    }

    /// The number without an exponent, cut to so many places if any are named; a text that no decimal holds
    /// where it is out of reach.
    func plain(places: Int?) -> String {
        let zero = UInt8(ascii: "0")
        if digits.isEmpty { return "0" }
        if digits.count - decimals > 60 { return String(repeating: "9", count: 60) }
        if decimals > 400 + digits.count {
            return places == nil ? "0." + String(repeating: "9", count: 60) : "0"
        }
        var all = digits
        if decimals < 0 { all += [UInt8](repeating: zero, count: -decimals) }
        let after = max(0, decimals)
        if all.count <= after { all = [UInt8](repeating: zero, count: after - all.count + 1) + all }
        let whole = all.dropLast(after)
        let fraction = all.suffix(after).prefix(places ?? after)
        return (isNegative ? "-" : "") + String(decoding: whole, as: UTF8.self)
            + (fraction.isEmpty ? "" : "." + String(decoding: fraction, as: UTF8.self))
    }
}

/// An object of an answer, with the place where it stands.
public struct ReportedObject: Sendable {
    /// Its path in the answer, such as `data[0].details[2]`; empty for the answer itself. An answer that is
    /// not the account's own is named before it: `positions data[0]`.
    public let path: String
    /// The value as the answer has it.
    public let value: JSONText

    public init(_ value: JSONText, path: String = "") {
        self.value = value
        self.path = path
    }

    /// An answer as a whole. `name` is the call's, for an answer that is not the account's own.
    ///
    /// Throws where it is no JSON.
    public init(parsing body: RecordedBody, name: String = "") throws(ReadingError) {
        try self.init(ReportedAnswer(body), name: name)
    }

    init(_ answer: ReportedAnswer, name: String = "") throws(ReadingError) {
        switch answer.value {
        case .success(let value): self.init(value, path: name.isEmpty ? "" : name + " ")
        case .failure(let error):
            throw ReadingError(
                .unreadable, "The answer to \(answer.body.call) is no JSON: \(error.description).")
        }
    }

    /// What stands in a field.
    public subscript(field: String) -> ReportedValue { ReportedValue(value[field]) }

    /// The path of a field.
    public func path(of field: String) -> String {
        // Every figure has one: put together in the one piece of memory that it takes.
        var whole = path
        whole.reserveCapacity(path.utf8.count + 1 + field.utf8.count)
        if let last = path.utf8.last, last != UInt8(ascii: " ") { whole += "." }
        whole += field
        return whole
    }

    /// An object in a field; an empty one where there is none.
    public func object(_ field: String) -> ReportedObject {
        ReportedObject(value[field] ?? .emptyObject, path: path(of: field))
    }

    /// The elements of an array in a field; nil where there is no array, which is not the same as none.
    public func list(_ field: String) -> [ReportedObject]? {
        value[field]?.kind != .array ? nil : rows(field)
    }

    /// The elements of an array in a field; none where there is no array.
    public func rows(_ field: String) -> [ReportedObject] { Self.rows(of: value[field], at: path(of: field)) }

    /// The elements of the answer itself, where it is an array.
    public var rows: [ReportedObject] { Self.rows(of: value, at: path) }

    private static func rows(of value: JSONText?, at path: String) -> [ReportedObject] {
        (value?.elements ?? []).enumerated().map { ReportedObject($1, path: "\(path)[\($0)]") }
    }

    /// A common figure that stands in a field.
    public func figure(
        _ figure: CommonFigure, _ field: String, unit: String, isShared: Bool = false,
        isPartial: Bool = false
    ) -> ReportedFigure {
        ReportedFigure(
            figure, field: path(of: field), self[field], unit: unit, isShared: isShared, isPartial: isPartial)
    }

    /// Every field that holds no further fields, with its path, in the order of the text.
    public var leaves: [(path: String, value: ReportedValue)] {
        switch value.kind {
        case .object:
            (value.members?.all ?? []).flatMap { member in
                ReportedObject(member.value, path: path(of: member.key)).leaves
            }
        case .array: rows.flatMap(\.leaves)
        default: [(path, ReportedValue(value))]
        }
    }
}
