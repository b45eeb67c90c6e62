import Numbers

extension FigureTable {
    /// Holds every figure that an answer has a number for, in the order of the fields.
    ///
    /// `doubt` may say what a difference of one means, `remark` more of it. That it contradicts may be said
    /// of a figure whose formula is ours, where nothing of it is. `isWanted` may choose some of them.
    public final func audit(
        where isWanted: (Figure) -> Bool = { _ in true },
        doubt: (Figure) -> FigureCheck.Difference? = { _ in nil },
        remark: (Figure) -> String = { _ in "" }
    ) -> [AuditFinding] {
        layout.cases.filter(isWanted).compactMap { audit($0, doubt: doubt($0), remark: remark($0)) }
    }

    /// Holds a reported figure against its definition, worked out from what else is reported: the verdict
    /// follows from what the printed digits of its inputs leave open.
    ///
    /// Nil where nothing is reported, and where nothing but the figure itself says what it should be.
    public final func audit(
        _ figure: Figure, doubt: FigureCheck.Difference? = nil, remark: String = ""
    ) -> AuditFinding? {
        guard let known = known[figure.index], known.isReported, let number = known.number,
            let facts = facts(of: figure), facts.isExplained
        else { return nil }
        // What was recovered from it would only say again what it says.
        let withheld = book.known(by: known.name)
        for entry in withheld { entry.object.withhold(true, at: entry.place) }
        defer {
            for entry in withheld { entry.object.withhold(false, at: entry.place) }
            book.forget()
        }
        let notes = FigureNotes(ofGiven: true)
        func work() throws -> ExactFraction {
            book.forget()
            return try value(of: figure).exact
        }
        var check = ReportedCheck(known, number, facts, doubt)
        do {
            let expected = try book.noting(notes, work)
            check.take(notes)
            let range = try Probing(notes, facts, expected, work).range
            return try check.finding(expected, range, remark: remark)
        } catch let gap as FigureGap {
            guard case .missing(let reason) = gap else {
                return gap == .nothing
                    ? check.notDerivable("The formula has no result here: its denominator is 0.") : nil
            }
            check.take(notes)
            return check.notDerivable(reason)
        } catch {
            check.take(notes)
            return check.notDerivable("It cannot be worked out: \(error).")
        }
    }
}

extension FigureTable {
    /// A figure that its definition makes of what answers say, and between what it lies for what their digits
    /// leave open. Throws where they do not tell it.
    public final func reach(of figure: Figure) throws -> (number: ExactFraction, range: FigureRange) {
        guard let facts = facts(of: figure) else { throw gap(figure) }
        let notes = FigureNotes(ofGiven: true)
        func work() throws -> ExactFraction {
            book.forget()
            return try value(of: figure).exact
        }
        defer { book.forget() }
        let number = try book.noting(notes, work)
        return (number, try Probing(notes, facts, number, work).range)
    }
}

/// Works a figure out at the ends of what its inputs leave open: each alone, then all at the ends that lower
/// it and all at those that raise it. Exact where the definition is monotone in each input.
private struct Probing {
    private(set) var range: FigureRange
    private let expected: ExactFraction
    private let facts: FigureFacts
    private let work: () throws -> ExactFraction

    /// Throws where an end makes the figure one of another kind, or none.
    init(
        _ notes: FigureNotes, _ facts: FigureFacts, _ expected: ExactFraction,
        _ work: @escaping () throws -> ExactFraction
    ) throws {
        self.expected = expected
        self.facts = facts
        self.work = work
        range = FigureRange(expected)
        var lowering: [(FigureNotes.Entry, FigureEnd)] = []
        var raising: [(FigureNotes.Entry, FigureEnd)] = []
        for entry in notes.entries where !entry.isPrinted {
            guard let known = entry.object.known(at: entry.place), !known.range.isPoint else { continue }
            for (end, isOpen) in [(FigureEnd.low, known.range.isOpenBelow), (.high, known.range.isOpenAbove)]
            {
                let result = try at([(entry, end)])
                include(result, isOpen: isOpen)
                if result < expected { lowering.append((entry, end)) }
                if expected < result { raising.append((entry, end)) }
            }
        }
        // What one of them alone does is known by now.
        if lowering.count > 1 { include(try at(lowering), isOpen: range.isOpenBelow) }
        if raising.count > 1 { include(try at(raising), isOpen: range.isOpenAbove) }
    }

    private func at(_ ends: [(FigureNotes.Entry, FigureEnd)]) throws -> ExactFraction {
        for (entry, end) in ends { try entry.object.probe(end, at: entry.place) }
        defer { for (entry, _) in ends { try? entry.object.probe(nil, at: entry.place) } }
        let result = try work()
        guard facts.isNoneAtZero, result.isZero != expected.isZero else { return result }
        throw FigureGap.missing("What its inputs leave open decides whether there is one.")
    }

    private mutating func include(_ result: ExactFraction, isOpen: Bool) {
        if result < range.low {
            range = FigureRange(
                low: result, high: range.high, isOpenBelow: isOpen, isOpenAbove: range.isOpenAbove)
        } else if range.high < result {
            range = FigureRange(
                low: range.low, high: result, isOpenBelow: range.isOpenBelow, isOpenAbove: isOpen)
        }
    }
}

/// A reported figure with what is known of it: from here the verdict follows.
private struct ReportedCheck {
    private let known: KnownFigure
    private let number: ExactDecimal
    private let facts: FigureFacts
    private let doubt: FigureCheck.Difference?
    private var inputs: [KnownFigure] = []
    private var clauses: [FigureClause] = []

    private static let otherMoment =
        "The answers came at different moments, between which prices may have moved."
    private static let notPublished = "The venue does not publish this formula."

    init(
        _ known: KnownFigure, _ number: ExactDecimal, _ facts: FigureFacts, _ doubt: FigureCheck.Difference?
    ) {
        self.doubt = doubt
        self.known = known
        self.number = number
        self.facts = facts
    }

    mutating func take(_ notes: FigureNotes) {
        inputs = notes.entries.compactMap { $0.object.known(at: $0.place) }
        let notZero = Set(notes.entries.compactMap { $0.object.nameOfNotZero(at: $0.place) })
        clauses = facts.clauses.filter { notZero.contains($0.input) }
    }

    func finding(
        _ expected: ExactFraction, _ range: FigureRange, remark: String
    ) throws(NumberError) -> AuditFinding {
        // How a venue prints binary numbers is not ours to know: all digits are compared.
        let printed =
            facts.evidence == .binary
            ? try expected.rounded(places: ExactDecimal.places, rounding: .halfUp)
            : try facts.form.print(expected)
        let residual = try number - printed
        let step = Evidence.step(facts.form.places)
        let own = try facts.evidence.range(of: number).widened(by: step, times: facts.leeway)
        var (verdict, words) = verdict(residual, printed, own.overlaps(range))
        // Nothing is nothing, however large the numbers are that cancel out.
        let isNothing = facts.evidence == .binary && number.isZero && expected.isZero
        if verdict == .matches && !isNothing || verdict == .rounding {
            let width = try range.high - range.low
            // What a figure could be moved by, unnoticed.
            let allowed = try max(
                step.times(ExactDecimal(20)),
                ExactFraction(number.magnitude).over(ExactDecimal(500_000)))
            if allowed < width {
                let open = try width.rounded(places: facts.form.places, rounding: .ceiling)
                (verdict, words) = (.notDerivable, "The digits of its inputs leave \(open) open.")
            }
        }
        let all = [remark, words, cutRemark].filter { !$0.isEmpty }.joined(separator: " ")
        return made(
            verdict, expected: printed.description, residual: residual,
            units: verdict == .matches ? 0 : FigureCheck.count(residual, unit(printed).decimal ?? .zero),
            remark: all)
    }

    func notDerivable(_ remark: String) -> AuditFinding { made(.notDerivable, remark: remark) }

    private func verdict(
        _ residual: ExactDecimal, _ expected: ExactDecimal, _ isPossible: Bool
    ) -> (AuditFinding.Verdict, String) {
        if residual.isZero { return (.matches, "") }
        if isPossible {
            guard case .binary = facts.evidence else { return (.rounding, "") }
            let places = number.fractionDigits
            let isPrinted = (try? expected.rounded(places: places, rounding: .halfUp)) == number
            return (isPrinted ? .matches : .rounding, "")
        }
        for difference in differences {
            switch difference {
            case .contradicts: continue
            case .estimate(let words): return (.notDerivable, words)
            case .hidden(let words, let above, let below):
                guard let limit = residual.isNegative ? below : above else { return (.hidden, words) }
                if residual.magnitude <= limit { return (.hidden, words) }
            }
        }
        return (.contradicts, "")
    }

    /// What may explain a difference that no digit does, the one that leaves most open first.
    private var differences: [FigureCheck.Difference] {
        var all = (doubt.map { [$0] } ?? []) + inputs.map(\.difference).filter { $0.isEstimate }
        all += inputs.map(\.difference).filter { !$0.isEstimate }
        if inputs.contains(where: { $0.moment != nil && $0.moment != known.moment }) {
            all.append(.estimate(Self.otherMoment))
        }
        // A formula of ours cannot prove the venue wrong.
        if facts.certainty(with: clauses) != .exact, doubt?.isContradiction != true {
            all.append(.estimate(Self.notPublished))
        }
        return all
    }

    private var cutRemark: String {
        FigureCheck.remark(ofCut: ([known] + inputs).filter(\.isCut).map(\.name))
    }

    private func made(
        _ verdict: AuditFinding.Verdict, expected: String = "", residual: ExactDecimal? = nil,
        units: Int? = nil, remark: String
    ) -> AuditFinding {
        AuditFinding(
            field: known.name, verdict: verdict, reported: known.text, expected: expected,
            residual: residual, unitsInLastPlace: units, formula: facts.words(with: clauses),
            inputs: inputs.map { ($0.name, $0.shown) }, source: facts.source, remark: remark)
    }

    /// What the last digit counts: of a number that is printed with all that it has, its own last one.
    private func unit(_ expected: ExactDecimal) -> ExactFraction {
        Evidence.step(
            facts.form == .plain ? max(number.fractionDigits, expected.fractionDigits) : facts.form.places)
    }
}

extension FigureCheck.Difference {
    fileprivate var isContradiction: Bool { if case .contradicts = self { true } else { false } }
    fileprivate var isEstimate: Bool { if case .estimate = self { true } else { false } }
}
