import Numbers

/// The fields of an object as a table in Markdown, for the page of its venue.
public enum FieldTable {
    /// A row for every field, and one more for each further mode in which something else holds.
    ///
    /// The first mode's rows have no name; `modes` name the others.
    public static func markdown<Figure: FigureKey>(
        of figures: Figure.Type, _ first: Figure.Mode, _ modes: [(name: String, mode: Figure.Mode)] = []
    ) -> String {
        var lines = ["| field | formula | printed | status | source |", "| --- | --- | --- | --- | --- |"]
        for figure in Figure.allCases {
            guard let facts = figure.facts(in: first), facts.isAlwaysThere != nil else { continue }
            var listed = [cells(facts)]
            lines.append(line(["`\(figure.rawValue)`"] + listed[0]))
            for (name, mode) in modes {
                guard let facts = figure.facts(in: mode), facts.isAlwaysThere != nil else { continue }
                let others = cells(facts)
                if listed.contains(others) { continue }
                listed.append(others)
                lines.append(line(["… \(name)"] + others))
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
            facts.isShown ? (facts.form.words.isEmpty ? "every digit" : facts.form.words) : "",
            ([facts.certainty.rawValue] + choices).joined(separator: "; "), facts.source,
        ]
    }

    private static func line(_ cells: [String]) -> String {
        "| "
            + cells.map {
                $0.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
            }.joined(separator: " | ") + " |"
    }
}
