import JSON
import Numbers

/// Reads the fields of one JSON object strictly and names the field at fault.
///
/// Used for whatever somebody sends or writes, where a refusal tells what to mend, and for the ledger's own
/// records.
public struct FieldReader {
    /// What the object is, for messages: `fill`, `event 17`. Empty for a file: whoever shows a message tells
    /// the file, the line and the place of the field before it.
    public let subject: String
    /// What stands before a field's name where the refusal names the field: `steps.`.
    private let place: String
    private var object: JSONObject

    /// A reader of an object; throws where the value is none.
    public init(_ value: JSONValue, subject: String, at place: String = "") throws(Refusal) {
        guard let object = value.object else {
            let beginning = subject.isEmpty ? "" : "\(subject) "
            throw Refusal(
                .invalidField, "\(beginning)must be an object.",
                field: place.isEmpty ? nil : String(place.dropLast()))
        }
        self.subject = subject
        self.place = place
        self.object = object
    }

    /// The whole object that is read.
    public var value: JSONValue { .object(object) }

    /// A reader of the same object with each value replaced; a field whose replacement is nil is left out.
    public func rewritten(_ rewrite: (String, JSONValue) -> JSONValue?) -> FieldReader {
        var other = self
        other.object.members = object.members.compactMap { key, value in
            rewrite(key, value).map { (key: key, value: $0) }
        }
        return other
    }

    /// Refuses fields outside a list, and names the one that was meant.
    public func allow(_ fields: [String]) throws(Refusal) {
        for (key, _) in object.members where !fields.contains(key) {
            let name = String(key.prefix(64))
            let message =
                subject.isEmpty
                ? "\(name) is unknown here; known are \(fields.joined(separator: ", "))."
                : "\(subject) has no field \(name)."
            throw Refusal(
                .unknownField, message + NearestName.question(key, among: fields), field: place + name)
        }
    }

    /// A field's value; nil where it is absent. A null counts as a value.
    public func value(_ field: String) -> JSONValue? { object[field] }

    /// The names of the fields that are there.
    public var names: [String] { object.keys }

    /// Whether a field is there.
    public func has(_ field: String) -> Bool { object[field] != nil }

    /// Whether a field is there and not null.
    func isGiven(_ field: String) -> Bool { object[field].map { !$0.isNull } ?? false }

    /// A field's value; refuses where it is absent.
    public func required(_ field: String) throws(Refusal) -> JSONValue {
        guard let value = object[field] else {
            throw refusal(.missingField, "\(field) is missing.", field: field)
        }
        return value
    }

    /// A text.
    public func text(_ field: String) throws(Refusal) -> String {
        guard case .string(let text) = try required(field) else { throw wrong(field, "a text") }
        return text
    }

    /// A text; nil where it is absent.
    public func optionalText(_ field: String) throws(Refusal) -> String? {
        has(field) ? try text(field) : nil
    }

    /// A text that names something: what a command may have the ledger look up, keep or repeat in a message.
    func label(_ field: String) throws(Refusal) -> String { try label(try text(field), field: field) }

    func optionalLabel(_ field: String) throws(Refusal) -> String? { has(field) ? try label(field) : nil }

    func label(_ text: String, field: String) throws(Refusal) -> String {
        guard text.isLabel else { throw wrong(field, String.labelDescription) }
        return text
    }

    /// Refuses a name in an object of names that can name nothing.
    func checkName(_ name: String, in field: String) throws(Refusal) {
        guard !name.isLabel else { return }
        throw refusal(
            .invalidField, "a name in \(field) must be \(String.labelDescription).", field: field)
    }

    /// A decimal, written as a text; a JSON number is refused, for it may have lost digits on its way.
    public func decimal(_ field: String) throws(Refusal) -> ExactDecimal {
        try decimal(try required(field), field: field)
    }

    func decimal(_ value: JSONValue, field: String) throws(Refusal) -> ExactDecimal {
        guard case .string(let text) = value else {
            throw wrong(field, "a decimal written as a text, such as \"12.5\"", .invalidAmount)
        }
        do {
            return try ExactDecimal(text)
        } catch {
            throw refusal(.invalidAmount, "\(field) \(error.complaint)", field: field)
        }
    }

    /// A share: a decimal or a percentage, written as a text, such as `-0.10` or `-10%`.
    public func share(_ field: String) throws(Refusal) -> ExactDecimal {
        guard case .string(let text) = try required(field) else {
            throw wrong(
                field, "a decimal or a percentage written as a text, such as \"-10%\"", .invalidAmount)
        }
        do {
            return try ExactDecimal(share: text)
        } catch {
            throw refusal(.invalidAmount, "\(field) \(error.complaint)", field: field)
        }
    }

    /// How likely something is, from 0 to 1: a decimal or a percentage as a text, or a number. A chance is no
    /// amount: of a number with more than 18 fraction digits the first 18 are as good.
    func chance(_ field: String) throws(Refusal) -> ExactDecimal {
        let value = try required(field)
        let chance =
            value.numberText.flatMap { ExactDecimal(cutting: $0) }
            ?? value.text.flatMap { try? ExactDecimal(share: $0) }
        if let chance, !chance.isNegative, chance <= .one { return chance }
        throw wrong(field, "a decimal from 0 to 1, or a percentage")
    }

    /// A decimal; nil where it is absent.
    public func optionalDecimal(_ field: String) throws(Refusal) -> ExactDecimal? {
        has(field) ? try decimal(field) : nil
    }

    /// A switch; `fallback` where it is absent.
    public func flag(_ field: String, fallback: Bool = false) throws(Refusal) -> Bool {
        guard let value = object[field] else { return fallback }
        guard case .bool(let flag) = value else { throw wrong(field, "true or false") }
        return flag
    }

    /// A whole number.
    public func integer(_ field: String) throws(Refusal) -> Int64 {
        guard let number = try required(field).integer else { throw wrong(field, "a whole number") }
        return number
    }

    /// A whole number of a range; 1.0 is as whole as 1. With `orText`, as a text too.
    public func whole(
        _ field: String, in range: ClosedRange<Int64>, orText: Bool = false
    ) throws(Refusal) -> Int64 {
        let value = try required(field)
        if let number = Self.whole(value.numberText ?? (orText ? value.text : nil)), range.contains(number) {
            return number
        }
        throw wrong(field, "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }

    private static func whole(_ text: String?) -> Int64? {
        text.flatMap { try? ExactDecimal($0) }.flatMap { Int64($0.description) }
    }

    /// A whole number that is not negative, and far enough from the largest to be counted on from.
    func count(_ field: String) throws(Refusal) -> Int64 {
        let number = try integer(field)
        guard (0...(1 << 60)).contains(number) else { throw wrong(field, "a count") }
        return number
    }

    /// The word of one of a type's cases.
    public func choice<Choice: RawRepresentable & CaseIterable>(
        _ field: String, _: Choice.Type
    ) throws(Refusal) -> Choice where Choice.RawValue == String {
        try choice(field, among: Array(Choice.allCases))
    }

    /// The word of one of some cases.
    public func choice<Choice: RawRepresentable>(
        _ field: String, among cases: [Choice]
    ) throws(Refusal) -> Choice where Choice.RawValue == String {
        let word = try word(field, among: cases.map(\.rawValue))
        return cases[cases.firstIndex { $0.rawValue == word } ?? cases.startIndex]
    }

    /// One of some words.
    public func word(_ field: String, among words: [String]) throws(Refusal) -> String {
        let text = try text(field)
        if words.contains(text) { return text }
        throw refusal(
            .invalidField,
            "\(field) must be one of \(words.joined(separator: ", "))."
                + NearestName.question(text, among: words),
            field: field)
    }

    func optionalChoice<Choice: RawRepresentable & CaseIterable>(
        _ field: String, _ type: Choice.Type
    ) throws(Refusal) -> Choice? where Choice.RawValue == String {
        has(field) ? try choice(field, type) : nil
    }

    /// A time: milliseconds since the epoch as a number, or an ISO 8601 text.
    public func time(_ field: String) throws(Refusal) -> LedgerTime {
        let value = try required(field)
        let time =
            Self.whole(value.numberText).map { LedgerTime(milliseconds: $0) }
            ?? value.text.flatMap { LedgerTime(iso8601: $0) }
        if let time, LedgerTime.range.contains(time.milliseconds) { return time }
        throw wrong(
            field,
            "an ISO 8601 time with its zone, such as 2026-01-01T00:00:00Z, or milliseconds since 1970")
    }

    /// Full hours: a whole number, or a text such as `8h` or `2d`.
    func hours(_ field: String) throws(Refusal) -> Int64 {
        let value = try required(field)
        if let hours = value.integer { return hours }
        guard let text = value.text, let span = TimeSpan.milliseconds(of: text),
            span.isMultiple(of: 3_600_000)
        else { throw wrong(field, "full hours, as a number or as a text such as \"8h\"") }
        return span / 3_600_000
    }

    /// A span of time, in milliseconds.
    public func span(_ field: String) throws(Refusal) -> Int64 {
        if let span = try required(field).text.flatMap(TimeSpan.milliseconds) { return span }
        throw wrong(
            field, "a span of time of at most a year, such as \"8h\", \"1h30m\" or \"500ms\"")
    }

    func members(_ field: String) throws(Refusal) -> [(key: String, value: JSONValue)] {
        guard case .object(let object) = try required(field) else { throw wrong(field, "an object") }
        return object.members
    }

    /// The elements of a list.
    public func elements(_ field: String) throws(Refusal) -> [JSONValue] {
        guard case .array(let elements) = try required(field) else { throw wrong(field, "an array") }
        return elements
    }

    /// The objects of a list of so many, each with its place in the names of its fields.
    public func objects(_ field: String, _ count: ClosedRange<Int>) throws(Refusal) -> [FieldReader] {
        let elements = try elements(field)
        guard count.contains(elements.count) else {
            throw wrong(field, "a list of \(count.lowerBound) to \(count.upperBound) \(field)")
        }
        var readers: [FieldReader] = []
        for (index, element) in elements.enumerated() {
            readers.append(try nested(element, "\(field)[\(index)]"))
        }
        return readers
    }

    /// The objects of an object, by name, each with its place in the names of its fields.
    public func table(_ field: String) throws(Refusal) -> [(name: String, reader: FieldReader)] {
        var readers: [(name: String, reader: FieldReader)] = []
        for (name, value) in try members(field) {
            try checkName(name, in: field)
            readers.append((name, try nested(value, "\(field).\(name)")))
        }
        return readers
    }

    /// The fields of an object, each with its place in the names of its fields.
    public func record(_ field: String) throws(Refusal) -> FieldReader {
        try nested(try required(field), field)
    }

    /// The rows of a list, each of which is a list with a value for each of these columns.
    public func rows(_ field: String, of columns: [String]) throws(Refusal) -> [FieldReader] {
        var rows: [FieldReader] = []
        for (index, element) in try elements(field).enumerated() {
            let name = "\(field)[\(index)]"
            guard let cells = element.elements, cells.count == columns.count else {
                throw wrong(name, "a list of \(columns.joined(separator: ", "))")
            }
            rows.append(try nested(.members(zip(columns, cells).map { ($0, $1) }), name))
        }
        return rows
    }

    /// The texts of a list.
    public func texts(_ field: String) throws(Refusal) -> [String] {
        var texts: [String] = []
        for (index, element) in try elements(field).enumerated() {
            guard let text = element.text else { throw wrong("\(field)[\(index)]", "a text") }
            texts.append(text)
        }
        return texts
    }

    /// What reads a field; nil where it is absent.
    public func optional<Value>(
        _ field: String, _ read: (String) throws(Refusal) -> Value
    ) throws(Refusal) -> Value? {
        has(field) ? try read(field) : nil
    }

    private func nested(_ value: JSONValue, _ name: String) throws(Refusal) -> FieldReader {
        try FieldReader(value, subject: subject.isEmpty ? "" : place + name, at: "\(place)\(name).")
    }

    /// A refusal that tells what it is about, and the field with its place; of the whole object without one.
    public func refusal(_ code: Refusal.Code, _ message: String, field: String? = nil) -> Refusal {
        Refusal(
            code, subject.isEmpty ? message : "\(subject): \(message)",
            field: field.map { place + $0 } ?? (place.isEmpty ? nil : String(place.dropLast())))
    }

    /// That a field must be something else.
    public func wrong(
        _ field: String, _ expected: String, _ code: Refusal.Code = .invalidField
    ) -> Refusal {
        refusal(code, "\(field) must be \(expected).", field: field)
    }
}

extension LedgerTime {
    /// The years 0 to 9999, in milliseconds: the times that have an ISO 8601 form of four digits.
    public static let range: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999
}

extension String {
    /// Whether it can name something in a command: 1 to 64 characters (Unicode scalars), all of them
    /// printable.
    package var isLabel: Bool {
        guard (1...256).contains(utf8.count) else { return false }
        // Nearly every name is plain ASCII, and this is on the way of every command.
        if utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { return utf8.count <= 64 }
        var count = 0
        for scalar in unicodeScalars {
            count += 1
            if (0x20...0x7E).contains(scalar.value) { continue }
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: return false
            default: continue
            }
        }
        return count <= 64
    }

    /// What `isLabel` asks for, to follow "must be".
    static var labelDescription: String { "1 to 64 printable characters" }
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
