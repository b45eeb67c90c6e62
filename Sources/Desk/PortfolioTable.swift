import Ledger
import Numbers
import Venue

/// Columns of text under a line of names.
public struct TextTable: Sendable, Equatable {
    /// What stands above the table.
    public let title: String
    /// The names of the columns.
    public let header: [String]
    /// The cells of each row, one for each column.
    public let rows: [[String]]

    /// A table of these cells.
    public init(title: String, header: [String], rows: [[String]]) {
        self.title = title
        self.header = header
        self.rows = rows
    }
}

extension Portfolio {
    /// The portfolio for people: accounts, assets, positions, totals, the prices used, and what is not as it
    /// should be. Empty tables are left out.
    public func tables(totals: PortfolioTotals) -> [TextTable] {
        [
            accountTable, assetTable, positionTable, totalTable(totals), repeatedTable(totals),
            alikeTable(totals), priceTable(totals), noteTable,
            FieldDrift.table(of: statements.map { ($0.venue, $0.drift) }),
            failureTable("Not read", failures), failureTable("Withheld from these keys", withheld),
        ].filter { !$0.rows.isEmpty }
    }

    /// What the cells of the tables mean.
    public static let legend =
        "- not reported, \"\" reported as empty, null reported as null, * shared with other rows, "
        + "+ not of the account as a whole, which is the sum of its assets, = worked out from several fields"

    private var accountTable: TextTable {
        TextTable(
            title: "Accounts",
            header: [
                "ACCOUNT", "VENUE", "MODE", "EQUITY", "UNIT", "EQUITY USD", "AVAILABLE", "INITIAL",
                "MAINTENANCE", "RATIO", "AGE",
            ],
            rows: statements.map { statement in
                let figures = statement.figures
                return [
                    statement.account, statement.venue.rawValue, statement.mode, figures.cell(.equity),
                    figures[.equity]?.unit ?? "", figures.cell(.equityUSD), figures.cell(.available),
                    figures.cell(.initialMargin), figures.cell(.maintenanceMargin),
                    figures.cell(.marginRatio), Self.span(age(of: statement)),
                ]
            })
    }

    private var assetTable: TextTable {
        TextTable(
            title: "Assets",
            header: [
                "ACCOUNT", "ASSET", "EQUITY", "WALLET", "AVAILABLE", "UNREALIZED", "DEBT", "EQUITY USD",
            ],
            rows: statements.flatMap { statement in
                statement.assets.map { row in
                    [statement.account, row.asset]
                        + [.equity, .wallet, .available, .unrealizedProfit, .debt, .equityUSD].map {
                            row.figures.cell($0)
                        }
                }
            })
    }

    private var positionTable: TextTable {
        TextTable(
            title: "Positions",
            header: [
                "ACCOUNT", "INSTRUMENT", "SIDE", "MARGIN", "QUANTITY", "ENTRY", "MARK", "UNREALIZED",
                "MAINTENANCE", "LIQUIDATION",
            ],
            rows: statements.flatMap { statement in
                statement.positions.map { row in
                    [statement.account, row.instrument, row.side.rawValue, row.marginMode.rawValue]
                        + [
                            .quantity, .entryPrice, .markPrice, .unrealizedProfit, .maintenanceMargin,
                            .liquidationPrice,
                        ].map { row.figures.cell($0) }
                }
            })
    }

    private func totalTable(_ totals: PortfolioTotals) -> TextTable {
        TextTable(
            title: "Totals in \(totals.asset)", header: ["FIGURE", "TOTAL", "ACCOUNTS", "WITHOUT"],
            rows: statements.isEmpty
                ? []
                : totals.totals.map { total in
                    [
                        total.figure.rawValue, total.value?.description ?? "-",
                        "\(total.parts.count) of \(total.parts.count + total.gaps.count)",
                        total.gaps.map { "\($0.account): \($0.reason)" }.joined(separator: "; "),
                    ]
                })
    }

    private func repeatedTable(_ totals: PortfolioTotals) -> TextTable {
        TextTable(
            title: "Read twice, counted once", header: ["ACCOUNT", "VENUE", "SAME AS", "UID"],
            rows: totals.repeated.map { [$0.account, $0.venue.rawValue, $0.sameAs, $0.identifier] })
    }

    private func alikeTable(_ totals: PortfolioTotals) -> TextTable {
        TextTable(
            title: "The same to the last digit, both counted", header: ["ACCOUNT", "VENUE", "LIKE"],
            rows: totals.alike.map { [$0.account, $0.venue.rawValue, $0.like] })
    }

    private var noteTable: TextTable {
        TextTable(
            title: "Not shown by the venue", header: ["ACCOUNT", "NOTE"],
            rows: statements.flatMap { statement in statement.notes.map { [statement.account, $0] } })
    }

    private func priceTable(_ totals: PortfolioTotals) -> TextTable {
        TextTable(
            title: "Prices used", header: ["ASSET", "USD", "ORIGIN", "ACCOUNT", "FIELD"],
            rows: totals.prices.map {
                [$0.asset, $0.price.description, $0.origin.rawValue, $0.account, $0.field]
            })
    }

    private func failureTable(_ title: String, _ failures: [AccountFailure]) -> TextTable {
        TextTable(
            title: title, header: ["ACCOUNT", "VENUE", "CALL", "REASON"],
            rows: failures.map { [$0.account, $0.venue.rawValue, $0.call, $0.error.description] })
    }

    /// A span of milliseconds as people read it.
    static func span(_ milliseconds: Int64) -> String {
        switch milliseconds {
        case ..<10_000: "\(milliseconds) ms"
        case ..<600_000: "\(milliseconds / 1000) s"
        case ..<36_000_000: "\(milliseconds / 60_000) min"
        case ..<864_000_000: "\(milliseconds / 3_600_000) h"
        default: "\(milliseconds / 86_400_000) d"
        }
    }
}

extension FieldDrift {
    /// Each drift of a venue once, whichever account it was first seen at.
    static func table(of drifts: [(venue: VenueName, drift: [FieldDrift])]) -> TextTable {
        var seen: Set<FieldDrift> = []
        var rows: [[String]] = []
        for (venue, drift) in drifts {
            for one in drift
            where seen.insert(FieldDrift(one.kind, path: "\(venue) \(one.path)", example: "")).inserted {
                rows.append([venue.rawValue, one.kind.rawValue, one.path, one.example])
            }
        }
        return TextTable(
            title: "Fields that are not as known", header: ["VENUE", "KIND", "FIELD", "EXAMPLE"], rows: rows)
    }
}

extension StatementFigures {
    /// A figure as the tables show it.
    fileprivate func cell(_ figure: CommonFigure) -> String {
        guard let reported = self[figure] else { return "-" }
        let text =
            switch reported.value {
            case .absent: "-"
            case .empty: "\"\""
            case .null: "null"
            case .number(_, let text), .outOfRange(let text), .other(let text): text
            }
        return text + (reported.isShared ? "*" : "") + (reported.isPartial ? "+" : "")
            + (reported.isDerived && reported.value.number != nil ? "=" : "")
    }
}
