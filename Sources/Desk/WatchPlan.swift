import JSON
import Ledger
import Numbers
import Venue

/// What `watch` looks at, how often, and whom it tells.
public struct WatchPlan: Sendable, Equatable {
    /// The pause between two readings, in milliseconds.
    public var every: Int64 = 30_000
    /// What is a reason to tell somebody.
    public var alerts: [AlertRule] = []
    /// Who is told.
    public var notices: [NoticeTarget] = []

    /// A plan that looks every half minute and tells nobody.
    public init() {}
}

/// When an account, or an asset of it, is a reason to tell somebody.
public struct AlertRule: Sendable, Equatable {
    /// What is looked at.
    public enum Measure: Sendable, Equatable {
        /// A figure of the account, or of one of its assets; the venue's ratio in the venue's own sense.
        case figure(CommonFigure)
        /// Maintenance margin ÷ equity, both in one unit; at 1 the margin is used up, and higher is worse at
        /// every venue. To 6 places, half even.
        case maintenanceShare
        /// The age of the account's figures, in milliseconds.
        case age
        /// A field that is not as the venue is known to send it.
        case drift
        /// The account, or a call of it, cannot be read.
        case notRead
    }

    /// On which side of its limit a measure is a reason.
    public enum Limit: Sendable, Equatable {
        case below(ExactDecimal)
        case above(ExactDecimal)
    }

    /// What messages call it.
    public let name: String
    /// The account that it is about, its sub-accounts included; nil for every one.
    public let account: String?
    /// The asset whose figure is looked at; nil for the account's own.
    public let asset: String?
    public let measure: Measure
    /// Nil for measures that are true or not.
    public let limit: Limit?

    public init(
        name: String, account: String? = nil, asset: String? = nil, measure: Measure, limit: Limit? = nil
    ) {
        self.name = name
        self.account = account
        self.asset = asset
        self.measure = measure
        self.limit = limit
    }
}

/// Whom an alert is told to.
public enum NoticeTarget: Sendable, Equatable {
    /// A program; it gets the event as JSON on standard input.
    case command(AlertCommand)
    /// An address that the event is posted to as JSON, signed where there is a secret.
    case webhook(url: String, secret: SecretSource?)
    /// A chat of a Telegram bot.
    case telegram(base: String, token: SecretSource, chat: String)

    /// Where its secret is; nil where it has none.
    var secret: SecretSource? {
        switch self {
        case .command: nil
        case .webhook(_, let secret): secret
        case .telegram(_, let token, _): token
        }
    }

    /// What messages call it; nothing of it is secret.
    public var name: String {
        switch self {
        case .command(let command): "the command \(command.words.first ?? "")"
        case .webhook(let url, _): "the webhook at \(VenueAddress.host(of: url))"
        case .telegram(let base, _, _): "Telegram at \(VenueAddress.host(of: base))"
        }
    }
}

extension WatchPlan {
    init(_ value: JSONValue, folder: String, accounts: [String]) throws(ConfigurationError) {
        self.init()
        let fields = try ConfigurationFields(
            value, at: [.key("watch")], known: ["every", "alerts", "notify"])
        every = try fields.span("every") ?? every
        for (rule, path) in try fields.elements("alerts") {
            alerts.append(try AlertRule(rule, at: path, accounts: accounts))
        }
        for (target, path) in try fields.elements("notify") {
            notices.append(try NoticeTarget(target, at: path, folder: folder))
        }
        for (place, rule) in alerts.enumerated()
        where alerts[..<place].contains(where: { $0.name.isExactly(rule.name) }) {
            throw ConfigurationError(
                [.key("watch"), .key("alerts"), .index(place)],
                "is called \"\(rule.name)\" as another one is; give it a name of its own")
        }
    }
}

extension AlertRule {
    init(
        _ value: JSONValue, at path: [ConfigurationError.Step], accounts: [String]
    ) throws(ConfigurationError) {
        let fields = try ConfigurationFields(
            value, at: path,
            known: [
                "name", "account", "asset", "figure", "below", "above", "older_than", "drift", "not_read",
            ])
        let account = try fields.text("account")
        if let account, !accounts.contains(account) {
            throw fields.wrong("account", "is no account of this configuration")
        }
        let asset = try fields.text("asset")
        let chosen = ["figure", "older_than", "drift", "not_read"].filter(fields.has)
        guard chosen.count == 1, let kind = chosen.first else {
            throw ConfigurationError(path, "must hold one of figure, older_than, drift or not_read")
        }
        guard kind == "figure" || !(fields.has("below") || fields.has("above") || asset != nil) else {
            throw ConfigurationError(path, "takes below, above and asset with a figure only")
        }
        var limit: Limit?
        let measure: Measure
        switch kind {
        case "figure":
            let name = try fields.required("figure")
            if name == "maintenance_share", asset == nil {
                measure = .maintenanceShare
            } else if let figure = CommonFigure(rawValue: name) {
                measure = .figure(figure)
            } else {
                let known = CommonFigure.allCases.map(\.rawValue).joined(separator: ", ")
                throw fields.wrong(
                    "figure", "is unknown; known are \(known) and, of accounts, maintenance_share")
            }
            switch (try fields.decimal("below"), try fields.decimal("above")) {
            case (let number?, nil): limit = .below(number)
            case (nil, let number?): limit = .above(number)
            default: throw ConfigurationError(path, "must hold either below or above")
            }
        case "older_than":
            measure = .age
            guard let span = try fields.span("older_than") else { throw fields.wrong(kind, "is missing") }
            limit = .above(ExactDecimal(Int(span)))
        default:
            guard fields.object[kind]?.shownBoolean == true else { throw fields.wrong(kind, "must be true") }
            measure = kind == "drift" ? .drift : .notRead
        }
        let words = [kind == "figure" ? try fields.text("figure") : kind, asset, account].compactMap { $0 }
        self.init(
            name: try fields.text("name") ?? words.joined(separator: " "), account: account, asset: asset,
            measure: measure, limit: limit)
    }
}

extension NoticeTarget {
    init(_ value: JSONValue, at path: [ConfigurationError.Step], folder: String) throws(ConfigurationError) {
        let fields = try ConfigurationFields(
            value, at: path,
            known: ["command", "environment", "webhook", "secret", "telegram", "chat", "base_url"])
        func source(_ field: String) throws(ConfigurationError) -> SecretSource? {
            guard let value = fields.object[field] else { return nil }
            return try SecretSource(value, at: fields.at(field), folder: folder)
        }
        func address(_ field: String) throws(ConfigurationError) -> String? {
            guard let text = try fields.text(field) else { return nil }
            do { return try VenueAddress.checked(text, takesQuery: true) } catch {
                throw fields.wrong(field, error.message)
            }
        }
        switch (fields.has("command"), fields.has("webhook"), fields.has("telegram")) {
        case (true, false, false):
            let words = try fields.texts("command")
            guard !words.isEmpty else { throw fields.wrong("command", "must name a program") }
            self = .command(
                AlertCommand(words, folder: folder, variables: try fields.texts("environment")))
        case (false, true, false):
            self = .webhook(url: try address("webhook") ?? "", secret: try source("secret"))
        case (false, false, true):
            guard let token = try source("telegram") else { throw fields.wrong("telegram", "is missing") }
            self = .telegram(
                base: try address("base_url") ?? "https://api.telegram.org", token: token,
                chat: try fields.required("chat"))
        default:
            throw ConfigurationError(path, "must hold one of command, webhook or telegram")
        }
    }
}

extension JSONValue {
    /// A boolean, as JSON or as YAML's text has it.
    fileprivate var shownBoolean: Bool? { boolean ?? text.flatMap { Bool($0) } }
}
