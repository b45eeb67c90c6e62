import JSON
import Ledger

/// What is wrong with the desk's own input, and where in the configuration.
public struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// How the program ends.
    public enum Kind: Equatable, Sendable {
        /// Something is missing or cannot be used.
        case unusable
        /// A secret lies where others can read it, or does not open.
        case notPermitted
        /// The command line names something that there is not.
        case usage
    }

    /// How the program ends.
    public let kind: Kind
    /// Where it stands, such as `accounts[0].name`; empty where it is not about one field.
    public let field: String
    /// What is wrong and what to do, without a full stop at the end.
    public let message: String

    /// An error that is not about one field.
    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
        field = ""
    }

    /// Something that is missing or cannot be used; of the whole where there is no field.
    public init(_ message: String, field: String = "") {
        self.message = message
        self.field = field
        kind = .unusable
    }

    /// What is wrong with a field that was read.
    init(_ refusal: Refusal) {
        let message = refusal.message
        self.init(
            message.hasSuffix(".") ? String(message.dropLast()) : message, field: refusal.field ?? "")
    }

    /// The field and the message.
    public var description: String { field.isEmpty ? message : "\(field): \(message)" }
}

/// What the files of a desk have beside what every object has. YAML has numbers without quotes, and people
/// write `true` with them.
extension FieldReader {
    /// The fields of a file's value, with numbers as texts, as YAML files have them.
    init(ofFile value: JSONValue) throws(Refusal) { try self.init(value.withNumbersAsTexts, subject: "") }

    /// A text that is not empty.
    func filledText(_ field: String) throws(Refusal) -> String {
        let text = try text(field)
        if text.isEmpty { throw wrong(field, "a text that is not empty") }
        return text
    }

    /// Texts that are not empty; none where the list is absent.
    func filledTexts(_ field: String) throws(Refusal) -> [String] {
        let texts = try optional(field, texts) ?? []
        if let place = texts.firstIndex(of: "") {
            throw wrong("\(field)[\(place)]", "a text that is not empty")
        }
        return texts
    }

    /// The objects of a list; none where it is absent.
    func list(_ field: String) throws(Refusal) -> [FieldReader] {
        has(field) ? try objects(field, 0...Int.max) : []
    }

    /// A switch, off where it is absent, which a file may have as a text.
    func isOn(_ field: String) throws(Refusal) -> Bool {
        if let flag = value(field)?.text.flatMap({ Bool($0) }) { return flag }
        return try flag(field)
    }

    /// A whole number of a range; nil where it is absent.
    func count(_ field: String, in range: ClosedRange<Int64>) throws(Refusal) -> Int? {
        has(field) ? Int(try whole(field, in: range, orText: true)) : nil
    }

    /// An address; nil where it is absent.
    func address(_ field: String, takesQuery: Bool = false) throws(Refusal) -> String? {
        guard let text = try optional(field, filledText) else { return nil }
        do throws(ConfigurationError) {
            return try VenueAddress.checked(text, takesQuery: takesQuery)
        } catch {
            throw refusal(.invalidField, "\(field) \(error.message).", field: field)
        }
    }
}

extension JSONValue {
    fileprivate var withNumbersAsTexts: JSONValue {
        switch self {
        case .number(let text): .string(text)
        case .array(let elements): .array(elements.map(\.withNumbersAsTexts))
        case .object(let object): .members(object.members.map { ($0.key, $0.value.withNumbersAsTexts) })
        case .string, .bool, .null: self
        }
    }
}
