import JSON
import Numbers

/// What a field of an object may hold; what reads the field, refuses it and tells it in documents goes by
/// this.
public indirect enum FieldKind: Sendable, Equatable {
    /// A text that names something.
    case label
    /// A decimal, written as a text.
    case decimal
    /// A decimal or a percentage, written as a text: `-0.10` or `-10%`.
    case share
    /// `true` or `false`.
    case flag
    /// One of these texts.
    case choice([String])
    /// The name of a venue.
    case venue
    /// Full hours, as a number or as a span of time such as `8h`.
    case hours(ClosedRange<Int64>)
    /// Milliseconds since 1970 as a number, or an ISO 8601 text.
    case time
    /// A list of names.
    case labels
    /// An object with a value of one kind for each name.
    case table(of: FieldKind)
    /// An object with fields of its own.
    case record([FieldDescription])
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
    /// What it is: the unit, the sign, what holds where it is left out.
    public let words: String

    public init(_ name: String, _ kind: FieldKind, isRequired: Bool = true, _ words: String) {
        self.name = name
        self.kind = kind
        self.isRequired = isRequired
        self.words = words
    }
}

/// Which of an object's fields go together.
public enum FieldRule: Sendable, Equatable {
    /// One of two is given, not both.
    case either(String, or: String)
    /// At least one of two is given.
    case some(String, or: String)
    /// The first goes with the second only.
    case with(String, String)
}

/// A field as it is read.
struct Field<Value: Sendable>: Sendable {
    let description: FieldDescription
    let read: @Sendable (FieldReader, String) throws(Refusal) -> Value

    /// A field that must be there.
    init(
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

    /// The same where it may be left out.
    var optional: Field<Value?> {
        let read = read
        return Field<Value?>(
            FieldDescription(description.name, description.kind, isRequired: false, description.words)
        ) { reader, name throws(Refusal) in reader.has(name) ? try read(reader, name) : nil }
    }

    /// The same with what holds where it is left out.
    func defaulting(to fallback: Value) -> Field {
        let read = read
        return Field(
            FieldDescription(description.name, description.kind, isRequired: false, description.words)
        ) { reader, name throws(Refusal) in reader.has(name) ? try read(reader, name) : fallback }
    }
}

extension Field<String> {
    static func label(_ name: String, _ words: String) -> Field {
        Field(name, .label, words) { reader, name throws(Refusal) in try reader.label(name) }
    }

    static func venue(_ words: String) -> Field {
        Field("venue", .venue, words) { reader, name throws(Refusal) in try reader.label(name) }
    }
}

extension Field<ExactDecimal> {
    static func decimal(_ name: String, _ words: String) -> Field {
        Field(name, .decimal, words) { reader, name throws(Refusal) in try reader.decimal(name) }
    }
}

extension Field<Bool> {
    /// A switch, which is off where it is left out.
    static func flag(_ name: String, _ words: String) -> Field {
        Field(name, .flag, words) { reader, name throws(Refusal) in try reader.flag(name) }
            .defaulting(to: false)
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

/// A command, described once: its fields, what they mean, and what their values come to.
///
/// What reads it, what refuses a field that it does not have, its part of the OpenAPI document, its table
/// in the documentation and what assistants are told are made of this description.
public struct CommandForm: Sendable {
    /// What the command is about.
    enum Subject {
        case account
        case market
    }

    /// The command's `type`.
    public let type: String
    /// What it does.
    public let words: String
    /// Its fields, those that all have in common first.
    public let fields: [FieldDescription]
    /// Which of them go together.
    public let rules: [FieldRule]
    /// Whether it is about a venue's market and not about an account.
    public let isOfMarket: Bool
    /// The names of the fields; put together once, for this is on the way of every command.
    let names: [String]
    let read: @Sendable (FieldReader) throws(Refusal) -> Command.Content

    /// Describes a command by its fields and what their values make.
    init<each Value>(
        _ type: String, _ words: String, of subject: Subject = .account, rules: [FieldRule] = [],
        _ fields: repeat Field<each Value>,
        content: @escaping @Sendable (repeat each Value) throws(Refusal) -> Command.Content
    ) {
        var described = [FieldDescription("type", .choice([type]), "What is asked.")]
        if subject == .account {
            described.append(FieldDescription("account", .label, "The account that it is about."))
        }
        for field in repeat each fields { described.append(field.description) }
        described += [
            FieldDescription(
                "id", .label, isRequired: false,
                "Makes it safe to send the command again; one space for the whole ledger."),
            FieldDescription(
                "at", .time, isRequired: false, "The ledger time at which it happens; now if left out."),
        ]
        self.type = type
        self.words = words
        self.fields = described
        self.rules = rules
        isOfMarket = subject == .market
        names = described.map(\.name)
        read = { reader throws(Refusal) in
            try content(repeat try (each fields).read(reader, (each fields).description.name))
        }
    }

    /// Refuses fields that the command does not have, and those that do not go together.
    func check(_ reader: FieldReader) throws(Refusal) {
        try reader.allow(names)
        for rule in rules { try reader.check(rule) }
    }
}

extension FieldReader {
    fileprivate func check(_ rule: FieldRule) throws(Refusal) {
        switch rule {
        case .either(let first, let second):
            guard has(first) || has(second) else { throw neither(first, second) }
            guard !has(first) || !has(second) else {
                throw Refusal(
                    .invalidField, "\(subject): give \(first) or \(second), not both.", field: second)
            }
        case .some(let first, let second):
            guard has(first) || has(second) else { throw neither(first, second) }
        case .with(let first, let second):
            guard !has(first) || has(second) else {
                throw Refusal(
                    .missingField, "\(subject): \(second) is missing, without which \(first) means nothing.",
                    field: second)
            }
        }
    }

    private func neither(_ first: String, _ second: String) -> Refusal {
        Refusal(.missingField, "\(subject): \(first) or \(second) must be given.", field: first)
    }
}
