import JSON
import Numbers

/// What a field of an object may hold; what reads the field, refuses it and tells it in documents goes by
/// this.
public indirect enum FieldKind: Sendable, Equatable {
    /// A text that names something.
    case label
    /// The id of an account.
    case account
    /// The name of a venue.
    case venue
    /// A text of at most so many bytes, and not empty.
    case text(Int)
    /// The beginning of a path.
    case path
    /// A text of visible ASCII characters, at most so many; `lines` has blanks and ends of lines too.
    case ascii(Int, lines: Bool)
    /// One of these texts.
    case choice([String])
    /// `true` or `false`.
    case flag
    /// A decimal, written as a text.
    case decimal
    /// A decimal above zero, written as a text.
    case positive
    /// A decimal or a percentage, written as a text: `-0.10` or `-10%`.
    case share
    /// A share above zero; one above ten is written as a percentage.
    case portion
    /// How likely something is, from 0 to 1: a share, or a number.
    case chance
    /// A whole number.
    case whole(ClosedRange<Int64>)
    /// A whole number, or a text of one.
    case code(ClosedRange<Int64>)
    /// Full hours, as a number or as a span of time such as `8h`.
    case hours(ClosedRange<Int64>)
    /// A span of time such as `8h`.
    case span
    /// Milliseconds since 1970 as a number, or an ISO 8601 text.
    case time
    /// An address, or a network of them.
    case address
    /// A list of names.
    case labels
    /// A list of so many values of one kind.
    case list(of: FieldKind, ClosedRange<Int>)
    /// An object with a value of one kind for each name.
    case table(of: FieldKind)
    /// An object with fields of its own.
    case record([FieldDescription])
    /// An object of one of several forms.
    case oneOf([ObjectDescription])
    /// An object that something else describes.
    case object
    /// The settings of an account at its venue.
    case settings
    /// A text, a number, `true`, `false` or null.
    case scalar
}

/// A field as it is told: in the documents, to assistants, and in messages about a field that there is not.
public struct FieldDescription: Sendable, Equatable {
    /// Its name.
    public let name: String
    /// What it may hold.
    public let kind: FieldKind
    /// Whether it must be there.
    public let isRequired: Bool
    /// Whether null is as good as no such field.
    public let takesNull: Bool
    /// What holds where it is left out.
    public let fallback: JSONValue?
    /// What it is: the unit, the sign, what holds where it is left out.
    public let words: String

    public init(
        _ name: String, _ kind: FieldKind, isRequired: Bool = true, takesNull: Bool = false,
        fallback: JSONValue? = nil, _ words: String
    ) {
        self.name = name
        self.kind = kind
        self.isRequired = isRequired
        self.takesNull = takesNull
        self.fallback = fallback
        self.words = words
    }
}

/// Which of an object's fields go together.
public enum FieldRule: Sendable, Equatable {
    /// One of these is given, and no other.
    case one([String])
    /// At least one of two is given.
    case some(String, or: String)
    /// The first goes with the second only.
    case with(String, String)
    /// Where the first is `true`, the others are given.
    case on(String, needs: [String])
}

/// An object as it is told: its fields, and which of them go together.
public struct ObjectDescription: Sendable, Equatable {
    /// What it is, or does.
    public let words: String
    /// Its fields.
    public let fields: [FieldDescription]
    /// Which of them go together.
    public let rules: [FieldRule]

    public init(words: String, fields: [FieldDescription], rules: [FieldRule]) {
        self.words = words
        self.fields = fields
        self.rules = rules
    }

    /// The object in the order of its fields, with what was left out filled in.
    public func filled(_ value: JSONValue) -> JSONValue {
        .members(
            fields.compactMap { field in
                let given = value[field.name].flatMap { $0.isNull && field.takesNull ? nil : $0 }
                return (given ?? field.fallback).map { (field.name, $0) }
            })
    }
}

/// A field as it is read.
public struct Field<Value: Sendable>: Sendable {
    let description: FieldDescription
    let read: @Sendable (FieldReader, String) throws(Refusal) -> Value

    /// A field that must be there.
    public init(
        _ name: String, _ kind: FieldKind, _ words: String,
        read: @escaping @Sendable (FieldReader, String) throws(Refusal) -> Value
    ) {
        description = FieldDescription(name, kind, words)
        self.read = read
    }

    private init(
        _ description: FieldDescription,
        read: @escaping @Sendable (FieldReader, String) throws(Refusal) -> Value
    ) {
        self.description = description
        self.read = read
    }

    /// The same with other words.
    func told(_ words: String) -> Field {
        Field(
            FieldDescription(
                description.name, description.kind, isRequired: description.isRequired, words),
            read: read)
    }

    /// This field, but it may be left out; nil then.
    public var optional: Field<Value?> {
        let read = read
        return Field<Value?>(
            FieldDescription(description.name, description.kind, isRequired: false, description.words)
        ) { reader, name throws(Refusal) in reader.has(name) ? try read(reader, name) : nil }
    }

    /// This field, but it may be left out or null; nil then.
    public var nullable: Field<Value?> {
        let read = read
        return Field<Value?>(
            FieldDescription(
                description.name, description.kind, isRequired: false, takesNull: true, description.words)
        ) { reader, name throws(Refusal) in reader.isGiven(name) ? try read(reader, name) : nil }
    }

    /// This field, but with a default where it is left out; `told` is how the default is written, if it is.
    public func defaulting(to fallback: Value, told: JSONValue? = nil) -> Field {
        let read = read
        return Field(
            FieldDescription(
                description.name, description.kind, isRequired: false, fallback: told, description.words)
        ) { reader, name throws(Refusal) in reader.has(name) ? try read(reader, name) : fallback }
    }
}

extension Field<String> {
    /// A text that names something.
    public static func label(_ name: String, _ words: String) -> Field {
        Field(name, .label, words) { reader, name throws(Refusal) in try reader.label(name) }
    }

    static func venue(_ words: String) -> Field {
        Field("venue", .venue, words) { reader, name throws(Refusal) in try reader.label(name) }
    }

    /// The id of an account.
    public static func account(_ name: String, _ words: String) -> Field {
        Field(name, .account, words) { reader, name throws(Refusal) in try reader.label(name) }
    }

    /// A text of at most so many bytes, and not empty.
    public static func text(_ name: String, longest: Int, _ words: String) -> Field {
        Field(name, .text(longest), words) { reader, name throws(Refusal) in
            let text = try reader.text(name)
            if (1...longest).contains(text.utf8.count) { return text }
            throw reader.wrong(name, "a text of 1 to \(longest) characters")
        }
    }
}

extension Field<ExactDecimal> {
    /// A decimal, written as a text.
    public static func decimal(_ name: String, _ words: String) -> Field {
        Field(name, .decimal, words) { reader, name throws(Refusal) in try reader.decimal(name) }
    }

    /// A decimal or a percentage.
    public static func share(_ name: String, _ words: String) -> Field {
        Field(name, .share, words) { reader, name throws(Refusal) in try reader.share(name) }
    }

    /// How likely something is.
    public static func chance(_ name: String, _ words: String) -> Field {
        Field(name, .chance, words) { reader, name throws(Refusal) in try reader.chance(name) }
    }
}

extension Field<Int64> {
    /// A whole number.
    public static func whole(_ name: String, _ range: ClosedRange<Int64>, _ words: String) -> Field {
        Field(name, .whole(range), words) { reader, name throws(Refusal) in
            try reader.whole(name, in: range)
        }
    }

    /// A span of time, in milliseconds.
    public static func span(_ name: String, _ words: String) -> Field {
        Field(name, .span, words) { reader, name throws(Refusal) in try reader.span(name) }
    }

    /// This field, but with a default where it is left out, which its description names.
    public func defaulting(to fallback: Int64) -> Field {
        defaulting(to: fallback, told: .number("\(fallback)"))
    }
}

extension Field<LedgerTime> {
    /// A time: milliseconds since 1970, or ISO 8601.
    public static func time(_ name: String, _ words: String) -> Field {
        Field(name, .time, words) { reader, name throws(Refusal) in try reader.time(name) }
    }
}

extension Field<Bool> {
    /// A switch, which is off where it is left out.
    public static func flag(_ name: String, _ words: String) -> Field {
        Field(name, .flag, words) { reader, name throws(Refusal) in try reader.flag(name) }
            .defaulting(to: false, told: .bool(false))
    }
}

extension Field where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of a type's cases, or of some of them.
    static func choice(
        _ name: String, among cases: [Value] = Array(Value.allCases), _ words: String
    ) -> Field {
        Field(name, .choice(cases.map(\.rawValue)), words) { reader, name throws(Refusal) in
            try reader.choice(name, among: cases)
        }
    }
}

extension Field {
    /// A list whose elements a function reads; where it reads one as nil, the list is not `expected`.
    public static func list<Element: Sendable>(
        _ name: String, of kind: FieldKind, _ count: ClosedRange<Int>, expected: String, _ words: String,
        read: @escaping @Sendable (JSONValue) -> Element?
    ) -> Field where Value == [Element] {
        Field(name, .list(of: kind, count), words) { reader, name throws(Refusal) in
            let elements = try reader.elements(name)
            let values = elements.compactMap(read)
            guard values.count == elements.count, count.contains(elements.count) else {
                throw reader.wrong(name, expected)
            }
            return values
        }
    }

    /// A list of objects, which a function reads.
    public static func objects<Element: Sendable>(
        _ name: String, of kind: FieldKind, _ count: ClosedRange<Int>, _ words: String,
        read: @escaping @Sendable (FieldReader) throws(Refusal) -> Element
    ) -> Field where Value == [Element] {
        Field(name, .list(of: kind, count), words) { reader, name throws(Refusal) in
            var values: [Element] = []
            for element in try reader.objects(name, count) { values.append(try read(element)) }
            return values
        }
    }
}

/// An object that somebody sends or writes, described once: its fields, what they mean, and what their values
/// come to.
///
/// What reads it, what refuses a field that it does not have, its part of the OpenAPI document, its table
/// in the documentation and what assistants are told are made of this description.
public struct Form<Content: Sendable>: Sendable {
    /// The object as it is told.
    public let description: ObjectDescription
    /// The names of the fields; put together once, for this is on the way of every command.
    let names: [String]
    private let content: @Sendable (FieldReader) throws(Refusal) -> Content

    private init(
        _ description: ObjectDescription,
        content: @escaping @Sendable (FieldReader) throws(Refusal) -> Content
    ) {
        self.description = description
        names = description.fields.map(\.name)
        self.content = content
    }

    /// Describes an object by its fields and what their values make.
    public init<each Value>(
        _ words: String, rules: [FieldRule] = [], _ fields: repeat Field<each Value>,
        content: @escaping @Sendable (repeat each Value) throws(Refusal) -> Content
    ) {
        var described: [FieldDescription] = []
        for field in repeat each fields { described.append(field.description) }
        self.init(ObjectDescription(words: words, fields: described, rules: rules)) {
            reader throws(Refusal) in
            try content(repeat try (each fields).read(reader, (each fields).description.name))
        }
    }

    /// Describes an object that has the fields of another, and more.
    public init<Base, each Value>(
        _ words: String, of base: Form<Base>, _ fields: repeat Field<each Value>,
        content: @escaping @Sendable (Base, repeat each Value) throws(Refusal) -> Content
    ) {
        var described = base.description.fields
        for field in repeat each fields { described.append(field.description) }
        let rules = base.description.rules
        self.init(ObjectDescription(words: words, fields: described, rules: rules)) {
            reader throws(Refusal) in
            try content(
                try base.content(reader),
                repeat try (each fields).read(reader, (each fields).description.name))
        }
    }

    /// The same with fields before and behind its own, which something else reads.
    func within(_ first: [FieldDescription], _ last: [FieldDescription] = []) -> Form {
        Form(
            ObjectDescription(
                words: description.words, fields: first + description.fields + last,
                rules: description.rules),
            content: content)
    }

    /// Reads an object strictly: refuses fields that it does not have, and those that do not go together.
    public func read(_ reader: FieldReader) throws(Refusal) -> Content {
        try reader.allow(names)
        for rule in description.rules { try reader.check(rule) }
        return try content(reader)
    }

    /// Reads an object strictly; `subject` is what messages call it.
    public func read(_ value: JSONValue, subject: String) throws(Refusal) -> Content {
        try read(FieldReader(value, subject: subject))
    }
}

/// Objects of several forms, which the word of one field tells apart.
public struct FormChoice<Content: Sendable>: Sendable {
    /// A form and its word.
    public struct Case: Sendable {
        let word: String
        fileprivate var form: Form<Content>

        /// Describes an object by its fields and what their values make.
        public init<each Value>(
            _ word: String, _ words: String, _ fields: repeat Field<each Value>,
            content: @escaping @Sendable (repeat each Value) throws(Refusal) -> Content
        ) {
            self.word = word
            form = Form(words, repeat each fields, content: content)
        }

        /// Describes an object that has the fields of another, and more.
        public init<Base, each Value>(
            _ word: String, _ words: String, of base: Form<Base>, _ fields: repeat Field<each Value>,
            content: @escaping @Sendable (Base, repeat each Value) throws(Refusal) -> Content
        ) {
            self.word = word
            form = Form(words, of: base, repeat each fields, content: content)
        }
    }

    private let key: String
    private let forms: [Case]
    private let otherwise: Form<Content>?

    /// `about` is what the field is that tells them apart; where it is left out, the object is `otherwise`.
    public init(by key: String, _ about: String, otherwise: Form<Content>? = nil, _ forms: [Case]) {
        self.key = key
        self.forms = forms.map { one in
            var one = one
            one.form = one.form.within([FieldDescription(key, .choice([one.word]), about)])
            return one
        }
        self.otherwise = otherwise
    }

    /// The objects as they are told.
    public var descriptions: [ObjectDescription] {
        (otherwise.map { [$0.description] } ?? []) + forms.map(\.form.description)
    }

    /// The word of each form, with the form as it is told.
    public var words: [(word: String, description: ObjectDescription)] {
        forms.map { ($0.word, $0.form.description) }
    }

    /// Reads an object strictly, by the form that it names.
    public func read(_ reader: FieldReader) throws(Refusal) -> Content {
        if let otherwise, !reader.has(key) { return try otherwise.read(reader) }
        let word = try reader.word(key, among: forms.map(\.word))
        guard let form = forms.first(where: { $0.word == word })?.form else {
            throw reader.wrong(key, "a form's word")
        }
        for name in reader.names where !form.names.contains(name) {
            let others = forms.filter { $0.form.names.contains(name) }.map(\.word)
            guard !others.isEmpty || otherwise?.names.contains(name) == true else { continue }
            let right = others.isEmpty ? "" : "; it goes with \(others.joined(separator: ", "))"
            throw reader.refusal(
                .invalidField, "\(name) does not go with \(key) \(word)\(right).", field: name)
        }
        return try form.read(reader)
    }

    /// An object that can be read, in the order of its fields and with what was left out filled in.
    public func filled(_ value: JSONValue) -> JSONValue {
        let form = forms.first { $0.word == value[key]?.text }?.form ?? otherwise
        return form?.description.filled(value) ?? value
    }
}

/// A command as it is read and told.
public struct CommandForm: Sendable {
    /// What the command is about.
    enum Subject {
        case account
        case market
    }

    /// The command's `type`.
    public let type: String
    /// Whether it is about a venue's market and not about an account.
    public let isOfMarket: Bool
    let form: Form<Command.Content>

    /// The command as it is told, with the fields that all have in common.
    public var description: ObjectDescription { form.description }
    /// Its fields.
    public var fields: [FieldDescription] { form.description.fields }

    /// Describes a command by its fields and what their values make.
    init<each Value>(
        _ type: String, _ words: String, of subject: Subject = .account, rules: [FieldRule] = [],
        _ fields: repeat Field<each Value>,
        content: @escaping @Sendable (repeat each Value) throws(Refusal) -> Command.Content
    ) {
        var first = [FieldDescription("type", .choice([type]), "What is asked.")]
        if subject == .account {
            first.append(FieldDescription("account", .label, "The account that it is about."))
        }
        let last = [
            FieldDescription(
                "id", .label, isRequired: false,
                "Makes it safe to send the command again; one space for the whole ledger."),
            FieldDescription(
                "at", .time, isRequired: false, "The ledger time at which it happens; now if left out."),
        ]
        self.type = type
        isOfMarket = subject == .market
        form = Form(words, rules: rules, repeat each fields, content: content).within(first, last)
    }
}

extension FieldReader {
    fileprivate func check(_ rule: FieldRule) throws(Refusal) {
        switch rule {
        case .one(let names):
            let given = names.filter(has)
            guard given.count != 1 else { return }
            let listed = Self.alternatives(given.isEmpty ? names : given)
            guard given.count > 1 else {
                throw refusal(.missingField, "\(listed) must be given.", field: names[0])
            }
            throw refusal(.invalidField, "give \(listed), not both.", field: given[1])
        case .some(let first, let second):
            guard has(first) || has(second) else {
                throw refusal(.missingField, "\(first) or \(second) must be given.", field: first)
            }
        case .with(let first, let second):
            guard !has(first) || has(second) else {
                throw refusal(
                    .missingField, "\(second) is missing, without which \(first) means nothing.",
                    field: second)
            }
        case .on(let flag, let names):
            guard value(flag) == .bool(true), let missing = names.first(where: { !isGiven($0) }) else {
                return
            }
            throw refusal(
                .missingField, "\(missing) is missing, without which \(flag) means nothing.",
                field: missing)
        }
    }

    private static func alternatives(_ names: [String]) -> String {
        guard names.count > 1, let last = names.last else { return names.joined() }
        return names.dropLast().joined(separator: ", ") + " or " + last
    }
}
