import JSON
import Ledger
import Numbers
import Venue

/// What one alert rule says of one account, or of one asset of it, at one moment.
public struct AlertReading: Sendable, Equatable {
    /// Whether there is a reason to tell somebody.
    public enum State: String, Sendable {
        case raised
        case clear
        /// The measure is not known, so that nothing can be said; never taken for clear.
        case unknown
    }

    /// The rule that looks.
    public let rule: AlertRule
    /// Whose figures it looks at.
    public let account: String
    /// Where the account is.
    public let venue: VenueName
    /// What is looked at within the account: an asset or a drifted field; empty for the account itself.
    public let subject: String
    /// What the rule comes to.
    public let state: State
    /// The measure as the venue has it, or what was found; empty where it is unknown.
    public let value: String
    /// One sentence for people.
    public let sentence: String

    /// Names the reading from one moment to the next.
    public var key: String { [rule.name, venue.rawValue, account, subject].joined(separator: "\u{1F}") }
}

extension Portfolio {
    /// What the rules say of the portfolio, rule after rule. Of an account that was not read no measure is
    /// known.
    public func readings(of rules: [AlertRule]) -> [AlertReading] {
        rules.flatMap { rule in
            switch rule.measure {
            case .notRead: notRead(rule)
            case .drift: statements.filter { rule.concerns($0.account) }.flatMap { drift(rule, $0) }
            case .age:
                statements.filter { rule.concerns($0.account) }.map { reading(rule, $0, age: age(of: $0)) }
                    + unknown(rule)
            case .figure, .maintenanceShare:
                statements.filter { rule.concerns($0.account) }.compactMap { reading(rule, $0) }
                    + unknown(rule)
            }
        }
    }

    private func unknown(_ rule: AlertRule) -> [AlertReading] {
        unread.filter { rule.concerns($0.account) }.map { failure in
            let subject = rule.asset ?? ""
            return AlertReading(
                rule: rule, account: failure.account, venue: failure.venue, subject: subject, state: .unknown,
                value: "",
                sentence: "\(rule.what(subject, of: failure.account, at: failure.venue)) is not known: the "
                    + "account was not read.")
        }
    }

    /// One reading for every account of the configuration, whatever of it is missing.
    private func notRead(_ rule: AlertRule) -> [AlertReading] {
        func reading(
            _ account: String, _ venue: VenueName, _ state: AlertReading.State, _ value: String,
            _ sentence: String
        ) -> AlertReading {
            AlertReading(
                rule: rule, account: account, venue: venue, subject: "", state: state, value: value,
                sentence: sentence)
        }
        var readings: [AlertReading] = []
        func isNew(_ account: String) -> Bool {
            rule.concerns(account) && !readings.contains { $0.account.isExactly(account) }
        }
        for failure in failures where isNew(failure.account) {
            readings.append(
                reading(
                    failure.account, failure.venue, .raised, failure.error.kind.rawValue, failure.sentence))
        }
        for statement in statements where isNew(statement.configuredAccount) {
            let account = statement.configuredAccount
            readings.append(
                reading(account, statement.venue, .clear, "", "\(account) at \(statement.venue) was read."))
        }
        return readings
    }

    private func drift(_ rule: AlertRule, _ statement: Statement) -> [AlertReading] {
        statement.drift.map { drift in
            AlertReading(
                rule: rule, account: statement.account, venue: statement.venue,
                subject: "\(drift.kind.rawValue) \(drift.path)", state: .raised, value: drift.example,
                sentence:
                    "\(statement.venue) sends a field otherwise than it is known to: \(drift.kind.rawValue) "
                    + "\(drift.path)" + (drift.example.isEmpty ? "." : ", such as \(drift.example)."))
        }
    }

    private func reading(_ rule: AlertRule, _ statement: Statement, age: Int64) -> AlertReading {
        let state: AlertReading.State = rule.isReason(ExactDecimal(Int(age))) ? .raised : .clear
        return AlertReading(
            rule: rule, account: statement.account, venue: statement.venue, subject: "", state: state,
            value: String(age),
            sentence: "The figures of \(statement.account) at \(statement.venue) are \(Self.span(age)) old.")
    }

    /// Nil where the rule is about every account and this one's venue has no such figure.
    private func reading(_ rule: AlertRule, _ statement: Statement) -> AlertReading? {
        let subject = rule.asset ?? ""
        let what = rule.what(subject, of: statement.account, at: statement.venue)
        func reading(_ state: AlertReading.State, _ value: String, _ sentence: String) -> AlertReading {
            AlertReading(
                rule: rule, account: statement.account, venue: statement.venue, subject: subject,
                state: state, value: value, sentence: sentence)
        }
        switch measure(rule, statement) {
        case .notReported:
            return rule.account == nil
                ? nil
                : reading(
                    .unknown, "",
                    "\(what) is not known: the venue does not report it of the account as a whole or of such "
                        + "an asset.")
        case .unknown(let reason): return reading(.unknown, "", "\(what) is not known: \(reason).")
        case .known(let number, let text):
            let isReason = rule.isReason(number)
            return reading(
                isReason ? .raised : .clear, text,
                "\(what) is \(text), \(isReason ? "" : "not ")\(rule.limitText).")
        }
    }

    /// What a rule's measure comes to.
    private enum Measured {
        case known(ExactDecimal, text: String)
        case unknown(String)
        /// The venue has no field for it, or the account no such asset.
        case notReported
    }

    private func measure(_ rule: AlertRule, _ statement: Statement) -> Measured {
        guard case .figure(let figure) = rule.measure else { return maintenanceShare(of: statement) }
        var figures = statement.figures
        if let asset = rule.asset {
            guard let row = statement.assets.first(where: { $0.asset.isExactly(asset) }) else {
                return .notReported
            }
            figures = row.figures
        }
        guard let reported = figures[figure] else { return .notReported }
        // Empty where the assets are margined apart: the account as a whole has no such figure.
        if reported.isPartial, reported.value == .empty { return .notReported }
        guard let number = reported.value.truncatedNumber else {
            return .unknown(
                reported.lack.isEmpty ? "\(reported.field) is \(reported.value.state)" : reported.lack)
        }
        return .known(number, text: reported.value.shown)
    }

    /// Of an account whose assets are margined apart, the largest of its assets': that one is in danger
    /// first.
    private func maintenanceShare(of statement: Statement) -> Measured {
        guard let maintenance = statement.figures[.maintenanceMargin] else { return .notReported }
        var shares: [(name: String, share: Measured)] = []
        if !statement.pools.isEmpty {
            shares = statement.pools.map { ($0.name, Self.share(of: $0.maintenance, in: $0.equity)) }
        } else if maintenance.isPartial {
            for row in statement.assets {
                guard let own = row.figures[.maintenanceMargin] else { return .notReported }
                shares.append((row.asset, Self.share(of: own, in: row.figures[.equity])))
            }
        } else {
            shares = [("", Self.share(of: maintenance, in: statement.figures[.equity]))]
        }
        if statement.pools.isEmpty { shares += statement.positions.compactMap(Self.isolatedShare) }
        if shares.count == 1, shares[0].name.isEmpty { return shares[0].share }
        var worst: (number: ExactDecimal, text: String)?
        for (name, share) in shares {
            guard case .known(let number, let text) = share else {
                return .unknown(
                    name.isEmpty ? "that of the account is not known" : "that of \(name) is not known")
            }
            if worst.map({ $0.number < number }) ?? true { worst = (number, text) }
        }
        guard let worst else { return .unknown("no asset is reported") }
        return .known(worst.number, text: worst.text)
    }

    /// That of an isolated position, which is liquidated apart; nil for a cross one, and where the venue does
    /// not show what backs it.
    private static func isolatedShare(_ position: PositionStatement) -> (name: String, share: Measured)? {
        guard position.marginMode == .isolated, let maintenance = position.figures[.maintenanceMargin],
            maintenance.value.truncatedNumber?.isPositive == true
        else { return nil }
        var equity = position.figures[.equity]
        if equity == nil, let wallet = position.figures[.wallet],
            let profit = position.figures[.unrealizedProfit], wallet.unit == profit.unit
        {
            equity = ReportedFigure(.equity, sumOf: [wallet, profit], unit: wallet.unit)
        }
        guard let equity, equity.value.truncatedNumber != nil, equity.unit == maintenance.unit else {
            return nil
        }
        return (position.instrument, share(of: maintenance, in: equity))
    }

    /// Maintenance margin ÷ equity.
    private static func share(
        of maintenance: ReportedFigure, in equity: ReportedFigure?
    ) -> Measured {
        guard let part = maintenance.value.truncatedNumber else {
            return .unknown("\(maintenance.field) is \(maintenance.value.state)")
        }
        guard let equity, !equity.isShared, let worth = equity.value.truncatedNumber else {
            let lack = equity?.lack ?? ""
            return .unknown(lack.isEmpty ? "the venue does not report the equity" : lack)
        }
        guard maintenance.unit == equity.unit else {
            return .unknown("maintenance margin and equity are in different units")
        }
        // Without equity the share has no bound; the greatest number stands for it.
        guard worth.isPositive else {
            return part.isZero ? .known(.zero, text: "0") : .known(.greatest, text: "without bound")
        }
        guard let share = try? part.over(worth, places: 6, rounding: .halfEven) else {
            return .unknown("it does not fit 38 digits")
        }
        return .known(share, text: share.description)
    }
}

extension Statement {
    /// The account of the configuration that it was read with; for a sub-account, the main one.
    var configuredAccount: String { account.split(separator: "/").first.map(String.init) ?? account }
}

extension AlertRule {
    /// Whether it looks at an account, or at the account that a sub-account belongs to.
    func concerns(_ name: String) -> Bool {
        account == nil || account == name || name.hasPrefix("\(account ?? "")/")
    }

    /// What it looks at, for sentences.
    func what(_ subject: String, of account: String, at venue: VenueName) -> String {
        let words = measureName.split(separator: "_").joined(separator: " ")
        return "\(account) at \(venue): \(words)" + (subject.isEmpty ? "" : " of \(subject)")
    }

    /// Whether a number lies on the wrong side of the limit.
    func isReason(_ number: ExactDecimal) -> Bool {
        switch limit {
        case .below(let limit): number < limit
        case .above(let limit): limit < number
        case nil: false
        }
    }

    var limitText: String {
        switch limit {
        case .below(let limit): "below \(limit)"
        case .above(let limit): "above \(limit)"
        case nil: ""
        }
    }

    var measureName: String {
        switch measure {
        case .figure(let figure): figure.rawValue
        case .maintenanceShare: "maintenance_share"
        case .age: "age"
        case .drift: "drift"
        case .notRead: "not_read"
        }
    }
}

extension AlertReading {
    /// The readings for programs.
    var json: JSONValue {
        .members([
            ("alert", .string(rule.name)),
            ("account", .string(account)),
            ("venue", .string(venue.rawValue)),
            ("subject", .string(subject)),
            ("state", .string(state.rawValue)),
            ("value", .string(value)),
            ("limit", .string(rule.limitText)),
            ("message", .string(sentence)),
        ])
    }

    /// The readings for people.
    public static func table(of readings: [AlertReading]) -> TextTable {
        TextTable(
            title: "Alerts", header: ["ALERT", "ACCOUNT", "STATE", "VALUE", "LIMIT"],
            rows: readings.map { [$0.rule.name, $0.account, $0.state.rawValue, $0.value, $0.rule.limitText] })
    }
}

extension Portfolio {
    /// One reading of a watch for programs: what every rule says, what changed, and what could not be read.
    public func watchJSON(readings: [AlertReading], events: [AlertEvent]) -> JSONValue {
        .members([
            ("taken_at", .integer(takenAt)),
            ("complete", .bool(isWhole)),
            ("alerts", .array(readings.map(\.json))),
            ("events", .array(events.map(\.json))),
            ("not_read", .array(failures.map(\.json))),
        ])
    }
}
