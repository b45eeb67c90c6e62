import Numbers

/// The fields of an object as a table in Markdown, for the page of its venue.
public enum FieldTable {
    /// A row for every field, and one more for each further mode in which something else holds.
    ///
    /// The first mode's rows have no name; `modes` name the others, whose own fields have it behind theirs.
    public static func markdown<Figure: FigureKey>(
        of figures: Figure.Type, _ first: Figure.Mode, _ modes: [(name: String, mode: Figure.Mode)] = []
    ) -> String {
        var lines = ["| field | formula | printed | status | source |", "| --- | --- | --- | --- | --- |"]
        for figure in Figure.allCases {
            var listed: [[String]] = []
            for (name, mode) in [("", first)] + modes {
                guard let facts = figure.facts(in: mode), isListed(facts) else { continue }
                let others = cells(facts)
                if listed.contains(others) { continue }
                let field = "`\(figure.rawValue)`" + (name.isEmpty ? "" : ", \(name)")
                lines.append(line([listed.isEmpty ? field : "… \(name)"] + others))
                listed.append(others)
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func cells(_ facts: FigureFacts) -> [String] {
        let choices = facts.clauses.filter { $0.certainty != facts.certainty }.map {
            "\($0.topic) a\($0.certainty == .estimate ? "n estimate" : " choice")"
        }
        let words = facts.clauses.map(\.words).joined()
        return [
            facts.formula + words + (facts.note.isEmpty ? "" : "; \(facts.note)"),
            facts.isPrinted && facts.form != .flag
                ? (facts.rounding.isEmpty ? "every digit" : facts.rounding) : "",
            ([facts.certainty.rawValue] + choices).joined(separator: "; "), facts.source,
        ]
    }

    private static func isListed(_ facts: FigureFacts) -> Bool {
        facts.isAlwaysThere != nil || facts.place == .elsewhere
    }

    private static func line(_ cells: [String]) -> String {
        "| "
            + cells.map {
                $0.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
            }.joined(separator: " | ") + " |"
    }
}
