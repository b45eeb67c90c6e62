import JSON
import Ledger
import Numbers
import Venue

@testable import Desk

/// Statements and portfolios for tests, made by hand.
enum Sample {
    static func value(_ text: String) -> ReportedValue {
        (try? ExactDecimal(text)).map { .number($0, text: text) } ?? .other(text: text)
    }

    static func figures(_ figures: (CommonFigure, String, unit: String)...) -> StatementFigures {
        var all = StatementFigures()
        for (figure, text, unit) in figures {
            all.set(ReportedFigure(figure, field: "x.\(figure.rawValue)", value(text), unit: unit))
        }
        return all
    }

    static func statement(
        _ account: String, venue: String = "okx", figures: StatementFigures = StatementFigures(),
        assets: [AssetStatement] = [], positions: [PositionStatement] = [], drift: [FieldDrift] = [],
        venueTime: Int64? = nil, identifier: String? = nil
    ) -> Statement {
        Statement(
            venue: VenueName(rawValue: venue), account: account, identifier: identifier, mode: "multi",
            takenAt: 1_000_000,
            venueTime: venueTime, bodies: [], figures: figures, assets: assets, positions: positions,
            drift: drift)
    }

    static func portfolio(
        _ statements: [Statement], failed: [AccountFailure] = [], prices: [ExactText: ExactDecimal] = [:]
    ) -> Portfolio {
        let read = statements.map {
            AccountReading.read(AccountRead(statements: [$0], permissions: [.read], missing: [], bodies: []))
        }
        return Portfolio(
            read + failed.map { .failed($0) }, givenPrices: prices, takenAt: 1_000_500)
    }

    static func failure(_ account: String, _ kind: ReadingError.Kind) -> AccountFailure {
        AccountFailure(
            account: account, venue: VenueName(rawValue: "okx"), call: "balance",
            error: ReadingError(kind, "It did not work."))
    }
}
