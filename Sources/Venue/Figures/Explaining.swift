import Numbers

extension FigureTable {
    /// Why every figure of the object is what it is: the fields in their order, then what they rest on.
    ///
    /// The inputs are what the definition asked for while it was worked out, so that none can be forgotten.
    ///
    /// `isWanted` may choose some of them.
    public final func explanations(
        where isWanted: (Figure) -> Bool = { _ in true }
    ) throws -> [Explanation] {
        var found: [Explanation] = []
        for figure in layout.cases where isWanted(figure) && isThere(figure) {
            guard let facts = facts(of: figure), facts.isExplained else { continue }
            found.append(try explanation(of: figure, facts))
        }
        return found
    }

    /// Why a figure is what it is. The value is `text`, or else what is printed in its place; empty where
    /// there is no such number.
    public final func explanation(
        of figure: Figure, _ facts: FigureFacts, as text: String? = nil
    ) throws -> Explanation {
        let number = try ifThere(figure)
        if let number, isOverridden(figure) {
            let overridden = try facts.form.text(PrintForm.plain.print(number))
            return Explanation(
                path: path(of: figure, isPrinted: true), field: figure.rawValue, value: text ?? overridden,
                formula: "as raised by hand",
                inputs: [Explanation.Input("raised \(figure.rawValue)", overridden, .overridden)],
                rounding: printsRounded(figure) ? facts.form.words : "", status: .choice,
                source: Figure.choices)
        }
        var notes = FigureNotes(ofGiven: false)
        if isGiven(figure) {
            // What was given may say what it comes from.
            _ = try? book.noting(notes) { try value(of: figure) }
        } else {
            do {
                _ = try book.noting(notes) { try value(of: figure) }
            } catch let gap as FigureGap where number == nil {
                // What was asked for says why there is none, unless it is that nobody gave it.
                if case .readsItself = gap { throw gap }
                if gap != .nothing { notes = FigureNotes(ofGiven: false) }
            }
        }
        let notZero = Set(notes.entries.compactMap { $0.object.nameOfNotZero(at: $0.place) })
        let clauses = facts.clauses.filter { notZero.contains($0.input) }
        let roundings = [facts.rounding] + clauses.map(\.rounding)
        return Explanation(
            path: path(of: figure, isPrinted: true), field: figure.rawValue,
            value: text ?? number.map { self.text(of: $0, figure, facts, isPrinted: facts.isPrinted) } ?? "",
            formula: facts.words(with: clauses),
            inputs: notes.entries.map { $0.object.input($0, of: self) } + notes.others
                + inputs(besidesThoseOf: figure),
            rounding: roundings.filter { !$0.isEmpty }.joined(separator: "; "),
            status: facts.certainty(with: clauses), source: facts.source)
    }
}

extension FigureFacts {
    /// How far the figure can be trusted: as far as the least certain of what it takes in.
    func certainty(with clauses: [FigureClause]) -> Explanation.Status {
        let all = [certainty] + clauses.map(\.certainty)
        return all.contains(.estimate) ? .estimate : all.contains(.choice) ? .choice : .exact
    }
}
