import JSON
import Ledger
import Numbers

/// A setting of a venue's accounts, described once: what it may hold, what a new account has, what it means.
public struct SettingField: Sendable {
    /// Its name, its kind and what it means.
    public let field: FieldDescription
    /// What a new account has; nil where nothing is kept unless it is set.
    public let initial: JSONValue?
    /// What is in force where nothing is kept, in words.
    public let otherwise: String
    private let keep: @Sendable (JSONValue) throws(Refusal) -> JSONValue

    /// A setting of any kind; `keep` checks a value and gives what is stored.
    public init(
        _ name: String, _ kind: FieldKind, initial: JSONValue? = nil, otherwise: String = "", _ words: String,
        keep: @escaping @Sendable (JSONValue) throws(Refusal) -> JSONValue
    ) {
        field = FieldDescription(name, kind, isRequired: false, words)
        self.initial = initial
        self.otherwise = otherwise
        self.keep = keep
    }

    /// A switch that is off in a new account.
    public static func flag(_ name: String, _ words: String) -> SettingField {
        SettingField(name, .flag, initial: .bool(false), words) { value throws(Refusal) in
            guard value.boolean != nil else { throw wrong(name, "true or false") }
            return value
        }
    }

    /// One of several words.
    public static func choice(
        _ name: String, _ words: [String], initial: String, _ about: String
    ) -> SettingField {
        SettingField(name, .choice(words), initial: .string(initial), about) { value throws(Refusal) in
            guard let text = value.text, words.contains(text) else {
                throw wrong(name, "one of \(words.joined(separator: ", "))")
            }
            return value
        }
    }

    /// A decimal above zero, which is stored in its plain form.
    public static func positive(
        _ name: String, initial: ExactDecimal, _ words: String
    ) -> SettingField {
        SettingField(name, .decimal, initial: .string(initial.description), words) { value throws(Refusal) in
            guard let text = value.text, let number = try? ExactDecimal(text), number.isPositive else {
                throw wrong(name, "a decimal string above zero")
            }
            return .string(number.description)
        }
    }

    /// The rates of fees, which every venue's accounts have.
    public static let fees = SettingField(
        FeeSetting.name, .table(of: .table(of: .share)), otherwise: "the rulebook's",
        "Rates of its own: `{\"derivative\": {\"maker\": \"0.0002\", \"taker\": \"0.0005\"}, \"spot\": {…}}`."
    ) { value throws(Refusal) in try FeeSetting.checked(value) }

    /// That the value of a setting must be something else.
    public static func wrong(_ name: String, _ rule: String) -> Refusal {
        Refusal(.invalidField, "\(name) must be \(rule).", field: "settings.\(name)")
    }

    /// The value to store.
    func kept(_ value: JSONValue) throws(Refusal) -> JSONValue { try keep(value) }
}

extension Venue {
    /// The fees alone: the venue has no other setting.
    public var accountSettings: [SettingField] { [.fees] }

    /// What a new account has.
    public var defaultSettings: Settings {
        Settings(accountSettings.compactMap { setting in setting.initial.map { (setting.field.name, $0) } })
    }

    /// The value to store, by the setting's description.
    public func setting(_ name: String, _ value: JSONValue) throws(Refusal) -> JSONValue {
        let settings = accountSettings
        guard let setting = settings.first(where: { $0.field.name.isExactly(name) }) else {
            let names = settings.map(\.field.name)
            throw Refusal(
                .unknownField,
                "Accounts at \(self.name) have no setting \(name.prefix(64)); they have "
                    + "\(names.joined(separator: ", ")).\(NearestName.question(name, among: names))",
                field: "settings.\(name.prefix(64))")
        }
        return try setting.kept(value)
    }
}
