import JSON
import Ledger
import Numbers
import Venue

/// Statements held against the definitions of their venues' figures, and their fields against those that the
/// venues are known to send.
public struct AuditReport: Sendable {
    /// One account with what was found.
    public struct Entry: Sendable {
        /// Its name in the portfolio.
        public let account: String
        /// Where the account is.
        public let venue: VenueName
        /// What was found of each figure.
        public let findings: [AuditFinding]
        /// Fields that are not as the venue is known to send them.
        public let drift: [FieldDrift]
    }

    /// One for every statement, in the portfolio's order.
    public let entries: [Entry]

    /// Audits every statement of a portfolio, each by its venue's rules of a time; nil for the moment at
    /// which the statement was taken.
    public init(
        of portfolio: Portfolio, by readers: ReaderSource, rulesAt time: LedgerTime? = nil,
        configuration: DeskConfiguration
    ) throws(ConfigurationError) {
        var entries: [Entry] = []
        for statement in portfolio.statements {
            let reader = try readers.reader(
                of: statement.venue, profile: configuration.profile(of: statement))
            entries.append(Entry(statement, reader, rulesAt: time))
        }
        self.entries = entries
    }

    /// Audits statements that were read elsewhere.
    public init(_ statements: [Statement], by reader: any VenueClient, rulesAt time: LedgerTime? = nil) {
        entries = statements.map { Entry($0, reader, rulesAt: time) }
    }

    /// All findings of all statements, in their order.
    public var findings: [AuditFinding] { entries.flatMap(\.findings) }

    /// How many findings came out each way, in the order of the verdicts.
    public var counts: [(verdict: AuditFinding.Verdict, count: Int)] {
        AuditFinding.Verdict.allCases.map { verdict in
            (verdict, findings.count { $0.verdict == verdict })
        }
    }

    /// Whether some reported figure cannot follow from what else is reported.
    public var hasContradiction: Bool { findings.contains { $0.verdict == .contradicts } }

    // MARK: - Showing

    /// The report for people: findings that do not match digit for digit, or all of them, a sum, and fields
    /// that are not as known.
    public func tables(showingAll: Bool) -> [TextTable] {
        let rows = entries.flatMap { entry in
            entry.findings.filter { showingAll || $0.verdict != .matches }.map { finding in
                [
                    entry.account, finding.verdict.rawValue, finding.field, finding.reported,
                    finding.expected, finding.residual?.description ?? "",
                    finding.shownUnits, finding.remark,
                ]
            }
        }
        let sums = TextTable(
            title: "Verdicts", header: ["VERDICT", "FIGURES"],
            rows: counts.map { [$0.verdict.rawValue, String($0.count)] })
        let table = TextTable(
            title: showingAll ? "Findings" : "Findings that do not match digit for digit",
            header: ["ACCOUNT", "VERDICT", "FIELD", "REPORTED", "EXPECTED", "RESIDUAL", "ULP", "REMARK"],
            rows: rows)
        let drift = FieldDrift.table(of: entries.map { ($0.venue, $0.drift) })
        return [table, sums, drift].filter { !$0.rows.isEmpty }
    }

    /// The report for programs.
    public func json(of portfolio: Portfolio?) -> JSONValue {
        var members: [(key: String, value: JSONValue)] = [
            (
                "accounts",
                .array(
                    entries.map { entry in
                        .members([
                            ("account", .string(entry.account)),
                            ("venue", .string(entry.venue.rawValue)),
                            ("findings", .array(entry.findings.map(\.json))),
                            ("drift", .array(entry.drift.map(\.json))),
                        ])
                    })
            ),
            ("verdicts", .members(counts.map { ($0.verdict.rawValue, .integer(Int64($0.count))) })),
        ]
        if let portfolio { members.append(("not_read", .array(portfolio.failures.map(\.json)))) }
        return .members(members)
    }
}

extension AuditReport.Entry {
    init(_ statement: Statement, _ reader: any VenueClient, rulesAt time: LedgerTime?) {
        self.init(
            account: statement.account, venue: statement.venue,
            findings: reader.audit(
                statement, rulesAt: time ?? LedgerTime(milliseconds: statement.takenAt)),
            drift: statement.drift)
    }
}

extension AuditFinding {
    /// The units of the last place for people: of more than a million, the residual beside it says more.
    fileprivate var shownUnits: String {
        guard residual != nil else { return "" }
        guard let unitsInLastPlace, unitsInLastPlace <= 1_000_000 else { return "> 1000000" }
        return String(unitsInLastPlace)
    }

    /// The finding with its formula and every input.
    var json: JSONValue {
        .members([
            ("field", .string(field)),
            ("verdict", .string(verdict.rawValue)),
            ("reported", .string(reported)),
            ("expected", .string(expected)),
            ("residual", residual.map { .string($0.description) } ?? .null),
            ("units_in_last_place", unitsInLastPlace.map { .integer(Int64($0)) } ?? .null),
            ("formula", .string(formula)),
            (
                "inputs",
                .array(
                    inputs.map { .members([("name", .string($0.name)), ("value", .string($0.value))]) })
            ),
            ("source", .string(source)),
            ("remark", .string(remark)),
        ])
    }
}
