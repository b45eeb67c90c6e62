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
    case object(KnownFields)
    /// An object whose keys are names, such as markets, every value of one shape; `*` in a path.
    case map(FieldShape)
    /// Whatever it is.
    case anything

    /// An object of known fields.
    public static func object(_ fields: [KnownField]) -> FieldShape { .object(KnownFields(fields)) }

    /// Where and how an answer differs, each kind of difference once, in the order of the answer.
    ///
    /// `call` begins every path, as in `balance data[].eq`.
    public func drift(in value: JSONText, call: String) -> [FieldDrift] {
        var found = DriftCollection()
        compare(value, at: .call(call), &found)
        return found.all
    }

    fileprivate func compare(_ value: JSONText, at place: FieldPlace, _ found: inout DriftCollection) {
        switch self {
        case .anything: return
        case .value(let types):
            if types.contains(JSONTypes(value.kind)) { return }
        case .array(let shape):
            if let elements = value.elements {
                let place = FieldPlace.element(of: place)
                for element in elements { shape.compare(element, at: place, &found) }
                return
            }
        case .map(let shape):
            if let members = value.members {
                let place = FieldPlace.member("*", of: place)
                for member in members.all { shape.compare(member.value, at: place, &found) }
                return
            }
        case .object(let fields):
            if let members = value.members {
                fields.compare(members, at: place, &found)
                return
            }
        }
        found.add(.retyped, place, value)
    }
}

/// The fields that an object is known to have, found by their names.
public struct KnownFields: Sendable {
    private let fields: [KnownField]
    private let names: JSONNames
    /// What nearly every member is told by: the types of a field that is a plain value, none for others, and
    /// whether it is always there.
    private let brief: [(types: JSONTypes, isAlways: Bool)]
    private let alwaysCount: Int

    /// Fields, each name once.
    public init(_ fields: [KnownField]) {
        self.fields = fields
        names = JSONNames(fields.map(\.name))
        brief = fields.map { field in
            if case .value(let types) = field.shape { (types, field.isAlways) } else { ([], field.isAlways) }
        }
        alwaysCount = fields.count(where: \.isAlways)
    }

    fileprivate func compare(
        _ members: JSONText.Members, at place: FieldPlace, _ found: inout DriftCollection
    ) {
        var always = 0
        members.forEach(named: names) { index, kind, member in
            guard let index else {
                return found.add(
                    .new, .member(members.key(at: member), of: place), members.value(at: member))
            }
            if brief[index].isAlways { always += 1 }
            if brief[index].types.contains(JSONTypes(kind)) { return }
            fields[index].shape.compare(
                members.value(at: member), at: .member(fields[index].name, of: place), &found)
        }
        // No key stands there twice, so that none is lost where as many are there.
        if always == alwaysCount { return }
        for field in fields where field.isAlways && members[field.name] == nil {
            found.add(.lost, .member(field.name, of: place), nil)
        }
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

    /// One type.
    public init(_ kind: JSONText.Kind) {
        switch kind {
        case .string: self = .text
        case .number: self = .number
        case .boolean: self = .boolean
        case .null: self = .null
        case .array: self = .array
        case .object: self = .object
        }
    }
}

/// Where a value stands in an answer; put into words only where something differs.
private indirect enum FieldPlace {
    case call(String)
    case element(of: FieldPlace)
    case member(String, of: FieldPlace)

    var path: String {
        switch self {
        case .call(let call): call
        case .element(.call(let call)): call + " []"
        case .member(let name, .call(let call)): "\(call) \(name)"
        case .element(let place): place.path + "[]"
        case .member(let name, let place): "\(place.path).\(name)"
        }
    }
}

/// Differences, each kind at each path once.
private struct DriftCollection {
    private(set) var all: [FieldDrift] = []
    private var seen: Set<String> = []

    mutating func add(_ kind: FieldDrift.Kind, _ place: FieldPlace, _ value: JSONText?) {
        let path = place.path
        guard seen.insert("\(kind.rawValue) \(path)").inserted else { return }
        let text = value.map { ReportedValue($0).shown } ?? ""
        all.append(FieldDrift(kind, path: path, example: String(text.prefix(80))))
    }
}
