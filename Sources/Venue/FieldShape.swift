import JSON

/// The fields that a venue is known to send, and of which JSON type: what an answer is held against to notice
/// that the venue has changed.
///
/// ```swift
/// let shape = FieldShape.object(
///     .list("asset walletBalance", .text) + .list("updateTime", .number)
///         + [.init("marginAvailable", .boolean, isAlways: false)])
/// ```
public indirect enum FieldShape: Sendable {
    /// A value of one of these types.
    case value(JSONTypes)
    /// An array, every element of one shape.
    case array(FieldShape)
    /// An object of known fields.
    case object([KnownField])
    /// An object whose keys are names, such as markets, every value of one shape; `*` in a path.
    case map(FieldShape)
    /// Whatever it is.
    case anything

    /// Where and how an answer differs, each kind of difference once, in the order of the answer.
    ///
    /// `call` begins every path, as in `balance data[].eq`.
    public func drift(in value: JSONValue, call: String) -> [FieldDrift] {
        var found = DriftCollection()
        compare(value, path: call + " ", &found)
        return found.all
    }

    private func compare(_ value: JSONValue, path: String, _ found: inout DriftCollection) {
        switch (self, value) {
        case (.anything, _): return
        case (.value(let types), _):
            if !types.contains(JSONTypes(of: value)) { found.add(.retyped, path, value) }
        case (.array(let shape), .array(let elements)):
            for element in elements { shape.compare(element, path: path + "[]", &found) }
        case (.map(let shape), .object(let object)):
            for member in object.members {
                shape.compare(member.value, path: Self.joined(path, "*"), &found)
            }
        case (.object(let fields), .object(let object)):
            for member in object.members {
                let place = Self.joined(path, member.key)
                if let field = fields.first(where: { $0.name == member.key }) {
                    field.shape.compare(member.value, path: place, &found)
                } else {
                    found.add(.new, place, member.value)
                }
            }
            for field in fields where field.isAlways && object[field.name] == nil {
                found.add(.lost, Self.joined(path, field.name), nil)
            }
        default: found.add(.retyped, path, value)
        }
    }

    private static func joined(_ path: String, _ name: String) -> String {
        path.hasSuffix(" ") ? path + name : "\(path).\(name)"
    }
}

/// A field that a venue is known to send.
public struct KnownField: Sendable {
    public let name: String
    public let shape: FieldShape
    /// Whether it is there in every answer.
    public let isAlways: Bool

    public init(_ name: String, _ shape: FieldShape, isAlways: Bool = true) {
        self.name = name
        self.shape = shape
        self.isAlways = isAlways
    }

    public init(_ name: String, _ types: JSONTypes, isAlways: Bool = true) {
        self.init(name, .value(types), isAlways: isAlways)
    }
}

extension [KnownField] {
    /// Fields of the same types, their names separated by blanks.
    public static func list(_ names: String, _ types: JSONTypes, isAlways: Bool = true) -> [KnownField] {
        names.split { $0 == " " || $0 == "\n" }.map { KnownField(String($0), types, isAlways: isAlways) }
    }
}

/// Types of JSON values.
public struct JSONTypes: OptionSet, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A string.
    public static let text = JSONTypes(rawValue: 1)
    /// A number.
    public static let number = JSONTypes(rawValue: 2)
    /// true or false.
    public static let boolean = JSONTypes(rawValue: 4)
    /// null.
    public static let null = JSONTypes(rawValue: 8)
    /// An array.
    public static let array = JSONTypes(rawValue: 16)
    /// An object.
    public static let object = JSONTypes(rawValue: 32)

    /// The type of a value.
    public init(of value: JSONValue) {
        switch value {
        case .string: self = .text
        case .number: self = .number
        case .bool: self = .boolean
        case .null: self = .null
        case .array: self = .array
        case .object: self = .object
        }
    }
}

/// Differences, each kind at each path once.
private struct DriftCollection {
    private(set) var all: [FieldDrift] = []
    private var seen: Set<String> = []

    mutating func add(_ kind: FieldDrift.Kind, _ path: String, _ value: JSONValue?) {
        guard seen.insert("\(kind.rawValue) \(path)").inserted else { return }
        let text = value.map { ReportedValue($0).shown } ?? ""
        let place = path.hasSuffix(" ") ? String(path.dropLast()) : path
        all.append(FieldDrift(kind, path: place, example: String(text.prefix(80))))
    }
}
