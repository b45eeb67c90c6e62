/// Mistakes in what is said about an object's figures, a sentence each: what a test of every object expects
/// to be empty.
public enum FigureFaults {
    /// The faults of an object's figures in its modes.
    public static func found<Figure: FigureKey>(
        in figures: Figure.Type, modes: [Figure.Mode]
    ) -> [String] {
        var faults: [String] = []
        for (place, figure) in Figure.allCases.enumerated() where figure.index != place {
            faults.append("\(figure.rawValue) is in place \(place) and says \(figure.index)")
        }
        for figure in Figure.allCases where modes.allSatisfy({ figure.facts(in: $0) == nil }) {
            faults.append("\(figure.rawValue) has no facts in any mode")
        }
        for mode in modes {
            let all = Figure.allCases.compactMap { figure in
                figure.facts(in: mode).map { (name: figure.rawValue, facts: $0) }
            }
            for (name, facts) in all where facts.formula.isEmpty {
                faults.append("\(name) has no formula in words")
            }
            for (name, facts) in all where facts.unit.isEmpty {
                faults.append("\(name) has no unit")
            }
            for (name, facts) in all where facts.origin == nil && facts.source.isEmpty {
                faults.append("\(name) has no source")
            }
            let inputs = all.filter { $0.facts.origin != nil }.map { ($0.name, $0.facts.formula) }
            faults += repeated(inputs, "inputs are both called")
            let common = all.compactMap { row in row.facts.common.map { (row.name, $0.rawValue) } }
            faults += repeated(common, "figures are both the common")
        }
        return Array(Set(faults)).sorted()
    }

    /// The figures of a table whose definitions ask for themselves.
    public static func selfReaders<Figure: FigureKey>(of table: FigureTable<Figure>) -> [String] {
        table.layout.cases.filter(table.isThere).compactMap { figure in
            do {
                _ = try table[figure]
                return nil
            } catch FigureGap.readsItself(let name) {
                return name
            } catch {
                return nil
            }
        }
    }

    private static func repeated(_ rows: [(name: String, words: String)], _ what: String) -> [String] {
        Dictionary(grouping: rows, by: \.words).values.filter { $0.count > 1 }.map { rows in
            "the \(what) \(rows[0].words): \(rows.map(\.name).joined(separator: ", "))"
        }
    }
}
