import JSON
import Ledger
import Numbers
import Venue

/// What is wrong with the desk's own input, and where in the configuration.
public struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// One step from the top of the configuration to the value at fault.
    public enum Step: Equatable, Sendable {
        case key(String)
        case index(Int)
    }

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
    /// Where it stands; empty where it is not about one value.
    public let path: [Step]
    /// What is wrong and what to do, without a full stop at the end.
    public let message: String

    /// An error of the value at a path; of the whole where the path is empty.
    public init(_ kind: Kind = .unusable, _ path: [Step] = [], _ message: String) {
        self.kind = kind
        self.path = path
        self.message = message
    }

    /// The path, as people write it, and the message.
    public var description: String {
        var text = ""
        for step in path {
            switch step {
            case .key(let key): text += text.isEmpty ? key : ".\(key)"
            case .index(let index): text += "[\(index)]"
            }
        }
        return text.isEmpty ? message : "\(text): \(message)"
    }
}

/// The fields of one mapping of the configuration, read strictly: an unknown one is an error.
struct ConfigurationFields {
    typealias Step = ConfigurationError.Step

    let path: [Step]
    let object: JSONObject

    init(_ value: JSONValue, at path: [Step], known: [String]) throws(ConfigurationError) {
        guard let object = value.object else {
            throw ConfigurationError(path, "must be a mapping with \(known.joined(separator: ", "))")
        }
        self.path = path
        self.object = object
        for (key, _) in object.members where !known.contains(key) {
            throw ConfigurationError(
                path + [.key(key)], "is unknown here; known are \(known.joined(separator: ", "))")
        }
    }

    func has(_ field: String) -> Bool { object[field] != nil }

    func at(_ field: String) -> [Step] { path + [.key(field)] }

    func wrong(_ field: String, _ message: String) -> ConfigurationError {
        ConfigurationError(at(field), message)
    }

    /// A text; a number is taken as it is written. Nil where the field is absent.
    func text(_ field: String) throws(ConfigurationError) -> String? {
        guard let value = object[field] else { return nil }
        guard let text = value.text ?? value.numberText, !text.isEmpty else {
            throw wrong(field, "must be a text that is not empty")
        }
        return text
    }

    func required(_ field: String) throws(ConfigurationError) -> String {
        guard let text = try text(field) else { throw wrong(field, "is missing") }
        return text
    }

    func elements(_ field: String) throws(ConfigurationError) -> [(value: JSONValue, path: [Step])] {
        guard let value = object[field] else { return [] }
        guard let elements = value.elements else { throw wrong(field, "must be a list") }
        return elements.enumerated().map { ($0.element, at(field) + [.index($0.offset)]) }
    }

    func texts(_ field: String) throws(ConfigurationError) -> [String] {
        var texts: [String] = []
        for (value, path) in try elements(field) {
            guard let text = value.text, !text.isEmpty else {
                throw ConfigurationError(path, "must be a text that is not empty")
            }
            texts.append(text)
        }
        return texts
    }

    /// `true` or `false`, which a YAML file may have as a text.
    func flag(_ field: String) throws(ConfigurationError) -> Bool? {
        guard let value = object[field] else { return nil }
        switch value {
        case .bool(let flag): return flag
        case .string("true"): return true
        case .string("false"): return false
        default: throw wrong(field, "must be true or false")
        }
    }

    /// A whole number within a range.
    func integer(_ field: String, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int? {
        guard let text = try text(field) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw wrong(field, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func decimal(_ field: String) throws(ConfigurationError) -> ExactDecimal? {
        guard let text = try text(field) else { return nil }
        guard let number = try? ExactDecimal(text) else {
            throw wrong(field, "must be a decimal number, such as \"1.05\"")
        }
        return number
    }

    /// A span of time, such as `500ms`, `10s`, `5m` or `2h`, in milliseconds.
    func span(_ field: String) throws(ConfigurationError) -> Int64? {
        guard let text = try text(field) else { return nil }
        guard let span = TimeSpan.milliseconds(of: text) else {
            throw wrong(field, "must be a span of time above zero, such as 500ms, 10s, 5m or 2h")
        }
        return span
    }
}

extension ConfigurationError {
    init(_ path: [Step], _ message: String) { self.init(.unusable, path, message) }
}
