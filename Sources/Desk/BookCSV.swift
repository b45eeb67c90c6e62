import Ledger
import Venue

extension Book {
    /// The book as comma-separated values (RFC 4180): one figure a line, under a line of names.
    public var csv: String {
        var lines = [Self.csvHeader]
        let twins = Dictionary(
            repeated.map { ($0.account, $0.sameAs) }, uniquingKeysWith: { first, _ in first })
        for statement in statements {
            let common = [
                statement.account, statement.venue.rawValue, statement.mode, String(statement.takenAt),
                statement.venueTime.map { String($0) } ?? "", String(age(of: statement)),
            ]
            func add(_ place: [String], _ figures: StatementFigures) {
                for figure in figures.all {
                    lines.append(
                        common + place + figure.csvCells + [
                            twins[statement.account] ?? "", String(figure.isDerived),
                        ])
                }
            }
            add(["account", "", "", ""], statement.figures)
            for row in statement.assets { add(["asset", row.asset, "", ""], row.figures) }
            for row in statement.positions {
                add(
                    ["position", row.instrument, row.side.rawValue, row.marginMode.rawValue], row.figures)
            }
        }
        return lines.map { $0.map(Self.csvCell).joined(separator: ",") + "\r\n" }.joined()
    }

    private static let csvHeader = [
        "account", "venue", "mode", "taken_at", "venue_time", "age_ms", "level", "name", "side",
        "margin_mode", "figure", "value", "state", "unit", "field", "shared", "partial", "same_as", "derived",
    ]

    /// A cell, quoted where it has to be. A text that a spreadsheet would take for a formula gets an
    /// apostrophe; a number never does.
    private static func csvCell(_ text: String) -> String {
        let isNumber = text.utf8.dropFirst().allSatisfy { (0x2d...0x39).contains($0) }
        let isFormula = !isNumber && text.utf8.first.map { [0x3d, 0x2b, 0x2d, 0x40].contains($0) } ?? false
        let shown = isFormula ? "'" + text : text
        guard shown.utf8.contains(where: { [0x22, 0x2c, 0x0a, 0x0d].contains($0) }) else { return shown }
        return "\"" + shown.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
            + "\""
    }
}

extension ReportedFigure {
    fileprivate var csvCells: [String] {
        [figure.rawValue, value.text ?? "", value.state, unit, field, String(isShared), String(isPartial)]
    }
}
