import JSON
import Ledger
import Venue

extension Portfolio {
    /// The portfolio as comma-separated values (RFC 4180): one figure a line, under a line of names.
    public var csv: String {
        var lines = [Self.csvHeader]
        let twins = Dictionary(
            repeated.map { (ExactText($0.account), $0.sameAs) }, uniquingKeysWith: { first, _ in first })
        for statement in statements {
            let common = [
                statement.account, statement.venue.rawValue, statement.mode, String(statement.takenAt),
                statement.venueTime.map { String($0) } ?? "", String(age(of: statement)),
            ]
            func add(_ place: [String], _ figures: StatementFigures) {
                for figure in figures.all {
                    lines.append(
                        common + place + figure.csvCells + [
                            twins[ExactText(statement.account)] ?? "", String(figure.isDerived),
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

    /// A cell on one line, quoted where it has to be. A text that a spreadsheet would take for a formula gets
    /// an apostrophe; a number never does, whatever its sign.
    static func csvCell(_ text: String) -> String {
        let shown = isFormula(text) ? "'" + text.visible : text.visible
        guard shown.utf8.contains(where: { [0x22, 0x2c].contains($0) }) else { return shown }
        return "\"" + shown.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
            + "\""
    }

    /// Whether a spreadsheet may work a text out instead of showing it: it begins with `=`, `+`, `-` or `@`,
    /// also in their wide forms and behind blanks or what has no width, and is no plain number.
    private static func isFormula(_ text: String) -> Bool {
        let first = text.unicodeScalars.first { scalar in
            !scalar.properties.isWhitespace && !scalar.properties.isDefaultIgnorableCodePoint
                && scalar.properties.generalCategory != .control
        }
        guard let first, "=+-@\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}".unicodeScalars.contains(first) else {
            return false
        }
        return text.wholeMatch(of: /-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?/) == nil
    }
}

extension ReportedFigure {
    fileprivate var csvCells: [String] {
        [figure.rawValue, value.text ?? "", value.state, unit, field, String(isShared), String(isPartial)]
    }
}
