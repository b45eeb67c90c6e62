import JSON
import Ledger
import Numbers
import Venue

extension Portfolio {
    /// The portfolio for programs: every common figure with the venue's own field, its state, text and unit;
    /// totals with their parts and the prices used; what could not be read.
    public func json(totals: PortfolioTotals) -> JSONValue {
        .members([
            ("taken_at", .integer(takenAt)),
            ("complete", .bool(isWhole)),
            (
                "accounts",
                .array(
                    accounts.flatMap { account in
                        account.statements.map { json(of: $0, in: account, totals) }
                    })
            ),
            ("totals", totals.json),
            ("not_read", .array(failures.map(\.json))),
            ("withheld", .array(withheld.map(\.json))),
        ])
    }

    private func json(
        of statement: Statement, in account: AccountRead, _ totals: PortfolioTotals
    ) -> JSONValue {
        let permissions = account.permissions.map { permissions in
            JSONValue.array(permissions.map(\.rawValue).sorted().map { .string($0) })
        }
        let identity: [(String, JSONValue)] = [
            ("account", .string(statement.account)),
            ("venue", .string(statement.venue.rawValue)),
            ("uid", statement.identifier.map { .string($0) } ?? .null),
            ("same_as", totals.sameAs(statement).map { .string($0) } ?? .null),
            ("mode", .string(statement.mode)),
            ("taken_at", .integer(statement.takenAt)),
            ("venue_time", statement.venueTime.map { .integer($0) } ?? .null),
            ("age_ms", .integer(age(of: statement))),
            ("permissions", permissions ?? .null),
        ]
        let content: [(String, JSONValue)] = [
            ("figures", statement.figures.json),
            ("assets", .array(statement.assets.map(\.json))),
            ("positions", .array(statement.positions.map(\.json))),
            ("pools", .array(statement.pools.map(\.json))),
            ("notes", .array(statement.notes.map { .string($0) })),
            ("drift", .array(statement.drift.map(\.json))),
        ]
        return .members(identity + content)
    }
}

extension AssetStatement {
    /// The asset with its figures.
    var json: JSONValue { .members([("asset", .string(asset)), ("figures", figures.json)]) }
}

extension PositionStatement {
    /// The position with its figures.
    var json: JSONValue {
        .members([
            ("instrument", .string(instrument)), ("side", .string(side.rawValue)),
            ("margin_mode", .string(marginMode.rawValue)), ("figures", figures.json),
        ])
    }
}

extension MarginPool {
    /// What is liquidated apart.
    var json: JSONValue {
        .members([
            ("pool", .string(name)), ("equity", equity.json), ("maintenance_margin", maintenance.json),
        ])
    }
}

extension StatementFigures {
    /// The figures by their common names.
    var json: JSONValue { .members(all.map { ($0.figure.rawValue, $0.json) }) }
}

extension ReportedFigure {
    /// The figure: `value` is what stood there, as text, null where it was absent or null.
    var json: JSONValue {
        .members([
            ("value", value.text.map { .string($0) } ?? .null),
            ("state", .string(value.state)),
            ("unit", .string(unit)),
            ("field", .string(field)),
            ("shared", .bool(isShared)),
            ("partial", .bool(isPartial)), ("derived", .bool(isDerived)),
        ])
    }
}

extension FieldDrift {
    /// The drift: what kind, where, and an example.
    var json: JSONValue {
        .members([
            ("kind", .string(kind.rawValue)), ("path", .string(path)), ("example", .string(example)),
        ])
    }
}

extension AccountFailure {
    /// The failure: whose, of what kind, and the sentence for people.
    var json: JSONValue {
        .members([
            ("account", .string(account)),
            ("venue", .string(venue.rawValue)),
            ("call", .string(call)),
            ("kind", .string(error.kind.rawValue)),
            ("code", .string(error.code)),
            ("message", .string(error.description)),
        ])
    }
}

extension PortfolioTotals {
    /// The totals, each with its parts and gaps, and the prices used.
    var json: JSONValue {
        .members([
            ("asset", .string(asset)),
            ("figures", .members(totals.map { ($0.figure.rawValue, $0.json) })),
            ("prices", .array(prices.map(\.json))),
            ("repeated", .array(repeated.map(\.json))), ("alike", .array(alike.map(\.json))),
        ])
    }
}

extension BookTotal {
    /// The total, with what it is made of and what is not in it.
    var json: JSONValue {
        .members([
            ("value", value.map { .string($0.description) } ?? .null),
            ("complete", .bool(isWhole)),
            (
                "parts",
                .array(
                    parts.map {
                        .members([
                            ("account", .string($0.account)), ("venue", .string($0.venue.rawValue)),
                            ("value", .string($0.value.description)),
                        ])
                    })
            ),
            (
                "gaps",
                .array(
                    gaps.map {
                        .members([
                            ("account", .string($0.account)), ("venue", .string($0.venue.rawValue)),
                            ("reason", .string($0.reason)),
                        ])
                    })
            ),
        ])
    }
}

extension RepeatedAccount {
    /// What is not counted again, and what is counted.
    var json: JSONValue {
        .members([
            ("account", .string(account)),
            ("venue", .string(venue.rawValue)),
            ("same_as", .string(sameAs)),
            ("uid", .string(identifier)),
            ("message", .string(sentence)),
        ])
    }
}

extension AlikeAccounts {
    /// The two accounts, and what is said of them.
    var json: JSONValue {
        .members([
            ("account", .string(account)), ("venue", .string(venue.rawValue)), ("like", .string(like)),
            ("message", .string(sentence)),
        ])
    }
}

extension UsedPrice {
    /// The price, and where it is from.
    var json: JSONValue {
        .members([
            ("asset", .string(asset)),
            ("usd", .string(price.description)),
            ("origin", .string(origin.rawValue)),
            ("account", .string(account)),
            ("venue", .string(venue)),
            ("field", .string(field)),
        ])
    }
}
