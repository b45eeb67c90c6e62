import JSON
import Numbers

/// Reads the fields of one JSON object strictly and names the field at fault.
///
/// Used for commands, where a refusal tells the sender what to mend, and for the ledger's own records.
struct FieldReader {
    /// What the object is, for messages: `fill`, `event 17`.
    let subject: String
    private let object: JSONObject

    /// Throws where the value is no object.
    init(_ value: JSONValue, subject: String) throws(Refusal) {
        guard let object = value.object else {
            throw Refusal(.invalidField, "\(subject) must be an object.")
        }
        self.subject = subject
        self.object = object
    }

    /// Refuses fields outside a list.
    func allow(_ fields: [String]) throws(Refusal) {
        for (key, _) in object.members where !fields.contains(key) {
            throw Refusal(.unknownField, "\(subject) has no field \(key.prefix(64)).", field: String(key.prefix(64)))
        }
    }

    /// A field's value; nil where it is absent. A null counts as a value.
    func value(_ field: String) -> JSONValue? { object[field] }

    /// Whether a field is there.
    func has(_ field: String) -> Bool { object[field] != nil }

    func required(_ field: String) throws(Refusal) -> JSONValue {
        guard let value = object[field] else {
            throw Refusal(.missingField, "\(subject): \(field) is missing.", field: field)
        }
        return value
    }

    func text(_ field: String) throws(Refusal) -> String {
        guard case .string(let text) = try required(field) else { throw wrong(field, "a text") }
        return text
    }

    func optionalText(_ field: String) throws(Refusal) -> String? { has(field) ? try text(field) : nil }

    /// A decimal, written as a text; a JSON number is refused, for it may have lost digits on its way.
    func decimal(_ field: String) throws(Refusal) -> ExactDecimal {
        try decimal(try required(field), field: field)
    }

    func decimal(_ value: JSONValue, field: String) throws(Refusal) -> ExactDecimal {
        guard case .string(let text) = value else {
            throw Refusal(
                .invalidAmount, "\(subject): \(field) must be a decimal written as a text, such as \"12.5\".",
                field: field)
        }
        do {
            return try ExactDecimal(text)
        } catch {
            throw Refusal(.invalidAmount, "\(subject): \(field) \(error.complaint)", field: field)
        }
    }

    func optionalDecimal(_ field: String) throws(Refusal) -> ExactDecimal? {
        has(field) ? try decimal(field) : nil
    }

    func flag(_ field: String, fallback: Bool = false) throws(Refusal) -> Bool {
        guard let value = object[field] else { return fallback }
        guard case .bool(let flag) = value else { throw wrong(field, "true or false") }
        return flag
    }

    func integer(_ field: String) throws(Refusal) -> Int64 {
        guard let number = try required(field).integer else { throw wrong(field, "a whole number") }
        return number
    }

    func choice<Choice: RawRepresentable & CaseIterable>(
        _ field: String, _: Choice.Type
    ) throws(Refusal) -> Choice where Choice.RawValue == String {
        guard let choice = Choice(rawValue: try text(field)) else {
            throw wrong(field, "one of " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }

    func optionalChoice<Choice: RawRepresentable & CaseIterable>(
        _ field: String, _ type: Choice.Type
    ) throws(Refusal) -> Choice? where Choice.RawValue == String {
        has(field) ? try choice(field, type) : nil
    }

    /// A time: milliseconds since the epoch as a number, or an ISO 8601 text.
    func time(_ field: String) throws(Refusal) -> LedgerTime {
        let value = try required(field)
        if let milliseconds = value.integer, milliseconds.magnitude <= LedgerTime.limit {
            return LedgerTime(milliseconds: milliseconds)
        }
        if let time = value.text.flatMap({ LedgerTime(iso8601: $0) }) { return time }
        throw wrong(field, "milliseconds since the epoch or an ISO 8601 time")
    }

    func members(_ field: String) throws(Refusal) -> [(key: String, value: JSONValue)] {
        guard case .object(let object) = try required(field) else { throw wrong(field, "an object") }
        return object.members
    }

    func elements(_ field: String) throws(Refusal) -> [JSONValue] {
        guard case .array(let elements) = try required(field) else { throw wrong(field, "an array") }
        return elements
    }

    func wrong(_ field: String, _ expected: String) -> Refusal {
        Refusal(.invalidField, "\(subject): \(field) must be \(expected).", field: field)
    }
}

extension LedgerTime {
    /// The end of the year 9999, in milliseconds; later times have no ISO 8601 form of four digits.
    static let limit: UInt64 = 253_402_300_799_999
}

extension NumberError {
    /// What is wrong with a text that should be a decimal, to follow the field's name.
    var complaint: String {
        switch self {
        case .malformed: "is no decimal such as \"12.5\"."
        case .tooPrecise: "has more than 18 fraction digits."
        case .overflow: "does not fit; the largest amount has 20 digits before the point."
        case .divisionByZero: "divides by zero."
        }
    }
}
