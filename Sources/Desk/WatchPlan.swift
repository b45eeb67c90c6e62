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
    /// Where changes of alerts are sent.
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
    /// What of it is looked at.
    public let measure: Measure
    /// Nil for measures that are true or not.
    public let limit: Limit?

    /// An alert; of every account and of the accounts' own figures unless said otherwise.
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
    init(_ fields: FieldReader, folder: String, accounts: [String]) throws(Refusal) {
        self.init()
        try fields.allow(["every", "alerts", "notify"])
        every = try fields.optional("every", fields.span) ?? every
        for entry in try fields.list("alerts") {
            let rule = try AlertRule(entry, accounts: accounts)
            if alerts.contains(where: { $0.name.isExactly(rule.name) }) {
                throw entry.refusal(
                    .invalidField,
                    "it is called \"\(rule.name)\" as another one is; give it a name of its own.")
            }
            alerts.append(rule)
        }
        for target in try fields.list("notify") {
            notices.append(try NoticeTarget(target, folder: folder))
        }
    }
}

extension AlertRule {
    init(_ fields: FieldReader, accounts: [String]) throws(Refusal) {
        try fields.allow([
            "name", "account", "asset", "figure", "below", "above", "older_than", "drift", "not_read",
        ])
        let account = try fields.optional("account", fields.filledText)
        if let account, !accounts.contains(account) {
            throw fields.wrong("account", "an account of this configuration")
        }
        let asset = try fields.optional("asset", fields.filledText)
        let chosen = ["figure", "older_than", "drift", "not_read"].filter(fields.has)
        guard chosen.count == 1, let kind = chosen.first else {
            throw fields.refusal(
                .invalidField, "there must be one of figure, older_than, drift or not_read.")
        }
        guard kind == "figure" || !(fields.has("below") || fields.has("above") || asset != nil) else {
            throw fields.refusal(.invalidField, "below, above and asset go with a figure only.")
        }
        var limit: Limit?
        let measure: Measure
        switch kind {
        case "figure":
            let name = try fields.filledText("figure")
            if name == "maintenance_share", asset == nil {
                measure = .maintenanceShare
            } else if let figure = CommonFigure(rawValue: name) {
                measure = .figure(figure)
            } else {
                let known = CommonFigure.allCases.map(\.rawValue).joined(separator: ", ")
                throw fields.refusal(
                    .invalidField,
                    "figure is unknown; known are \(known) and, of accounts, maintenance_share.",
                    field: "figure")
            }
            switch (try fields.optionalDecimal("below"), try fields.optionalDecimal("above")) {
            case (let number?, nil): limit = .below(number)
            case (nil, let number?): limit = .above(number)
            default: throw fields.refusal(.invalidField, "there must be either below or above.")
            }
        case "older_than":
            measure = .age
            limit = .above(ExactDecimal(Int(try fields.span("older_than"))))
        default:
            guard try fields.isOn(kind) else { throw fields.wrong(kind, "true") }
            measure = kind == "drift" ? .drift : .notRead
        }
        let words = [kind == "figure" ? try fields.text("figure") : kind, asset, account].compactMap { $0 }
        self.init(
            name: try fields.optional("name", fields.filledText) ?? words.joined(separator: " "),
            account: account, asset: asset, measure: measure, limit: limit)
    }
}

extension NoticeTarget {
    init(_ fields: FieldReader, folder: String) throws(Refusal) {
        try fields.allow(["command", "environment", "webhook", "secret", "telegram", "chat", "base_url"])
        func source(_ field: String) throws(Refusal) -> SecretSource {
            try SecretSource(fields.record(field), folder: folder)
        }
        switch (fields.has("command"), fields.has("webhook"), fields.has("telegram")) {
        case (true, false, false):
            let words = try fields.filledTexts("command")
            guard !words.isEmpty else { throw fields.wrong("command", "a program and its arguments") }
            self = .command(
                AlertCommand(words, folder: folder, variables: try fields.filledTexts("environment")))
        case (false, true, false):
            self = .webhook(
                url: try fields.address("webhook", takesQuery: true) ?? "",
                secret: try fields.optional("secret", source))
        case (false, false, true):
            self = .telegram(
                base: try fields.address("base_url", takesQuery: true) ?? "https://api.telegram.org",
                token: try source("telegram"), chat: try fields.filledText("chat"))
        default:
            throw fields.refusal(.invalidField, "there must be one of command, webhook or telegram.")
        }
    }
}
