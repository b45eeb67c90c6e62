import JSON
import Ledger
import Numbers
import Venue

extension OKXVenue {
    /// Why every figure of the balance is what it is, in the answer's order.
    ///
    /// Each currency's fields are followed by the figures behind them that the answer does not show, such as
    /// `details.USDT.inUse`; those of the account, its positions, orders and risk units come last. Fields
    /// that a mode leaves empty are not explained. Where a field is printed with fewer digits than it has,
    /// shows a raised value or is not shown, what others are worked out from stands under its path with
    /// `.workedOut`. Throws `FigureError` where a figure cannot be worked out.
    public func explain(
        _ snapshot: AccountSnapshot, through access: any VenueAccess
    ) throws -> [Explanation] {
        let body = try JSONValue(parsing: accountBody(of: snapshot, query: [], through: access))
        let served = body["data"]?.elements?.first ?? .null
        return try FigureError.turning {
            try BalanceExplanations(
                of: figures(of: snapshot, rules(at: snapshot.at), listsOrders: true), served: served,
                at: snapshot.at
            ).needed
        }
    }
}

/// The explanations of a balance: what its tables noted, under what the answer shows.
private struct BalanceExplanations {
    private let figures: AccountFigures
    /// The currencies of the answer, in its order.
    private var shown: [String] = []
    private let at: LedgerTime
    /// In the order in which they are listed.
    private var all: [Explanation] = []
    /// Paths of figures that are explained whether others rest on them or not.
    private var wanted: Set<String> = []

    private static let printing = "half up to 16 places where it is printed"

    init(of figures: AccountFigures, served: JSONValue, at time: LedgerTime) throws {
        self.figures = figures
        at = time
        takeTexts(of: served)
        wanted = Set(figures.served.keys)
        let rows = Dictionary(figures.rows.map { ($0.name, $0) }) { first, _ in first }
        for field in AccountFigure.fields {
            guard field == .details else {
                try add(field, of: figures, isField: true)
                continue
            }
            for name in shown { if let row = rows[name] { try add(row) } }
        }
        for figure in AccountFigure.allCases where !figure.isField {
            try add(figure, of: figures, isField: false)
        }
        for row in figures.rows where !shown.contains(row.name) { try add(row) }
        for mark in figures.marks { all += try mark.explanations() }
        for position in figures.positions {
            all += try position.explanations()
            wanted.insert(position.path + PositionFigure.liqPx.rawValue)
        }
        for order in figures.orders { all += try order.explanations() }
        for unit in figures.units { all += try unit.explanations() }
        withExtendedLifetime(figures) {}
    }

    /// What is served and, from input to input, all that it rests on.
    var needed: [Explanation] {
        let found = Dictionary(all.map { ($0.path, $0) }) { first, _ in first }
        var needed: Set<String> = []
        var open = Array(wanted)
        while let path = open.popLast() {
            guard needed.insert(path).inserted else { continue }
            open += found[path]?.inputs.compactMap(\.path) ?? []
        }
        return all.filter { needed.contains($0.path) }
    }

    /// Every value of the account object that is a figure: all but the currencies' names, and fields that
    /// the mode leaves empty unless they are raised.
    private mutating func takeTexts(of object: JSONValue) {
        let mode = ModeSet(figures.mode)
        var texts: [String: String] = [:]
        for field in AccountFigure.fields where field != .details {
            guard field.modes.contains(mode) || figures.isOverridden(field.rawValue) else { continue }
            texts[field.rawValue] = object[field.rawValue]?.shownText
        }
        for row in object["details"]?.elements ?? [] {
            guard let name = row["ccy"]?.text else { continue }
            shown.append(name)
            for field in CurrencyFigure.balance where field != .ccy {
                let path = "details.\(name).\(field.rawValue)"
                guard field.modes.contains(mode) || figures.isOverridden(path) else { continue }
                texts[path] = row[field.rawValue]?.shownText
            }
        }
        figures.served = texts
    }

    /// A currency: its fields, then what they rest on.
    private mutating func add(_ row: CurrencyFigures) throws {
        if row.isPlain { try row.takeRare() }
        for figure in CurrencyFigure.allCases where !figure.isPushedOnly {
            try add(figure, of: row, isField: figure.isField)
        }
    }

    private mutating func add<Figure: FigureKey>(
        _ figure: Figure, of table: FigureTable<Figure>, isField: Bool
    ) throws {
        let path = table.path + figure.rawValue
        let text = figures.served[path]
        let isOverridden = text != nil && figures.isOverridden(path)
        if let text, isOverridden { all.append(Self.overridden(path, figure.rawValue, text)) }
        guard let facts = table.facts(of: figure) else { return }
        if facts.isText {
            if let text, !isOverridden { all.append(stated(figure, facts, of: table, text)) }
            return
        }
        guard facts.isExplained else { return }
        let exact = try table.ifThere(figure)?.description ?? ""
        let explanation = try table.explanation(of: figure, facts, as: exact)
        if let text, !isOverridden {
            all.append(explanation.at(path, text, rounding: Self.printing))
            if text == exact { return }
        }
        all.append(explanation.at(isField ? path + AccountFigures.workedOut : path, exact, rounding: ""))
    }

    private static func overridden(_ path: String, _ field: String, _ text: String) -> Explanation {
        Explanation(
            path: path, field: field, value: text, formula: "the value raised by hand, until it is lifted",
            inputs: [Explanation.Input("raised value", text, .overridden)], status: .choice,
            source: Source.ours)
    }

    /// A field that is no number, or is always the same.
    private func stated<Figure: FigureKey>(
        _ figure: Figure, _ facts: FigureFacts, of table: FigureTable<Figure>, _ text: String
    ) -> Explanation {
        let isTime = table === figures && figure.rawValue == AccountFigure.uTime.rawValue
        return Explanation(
            path: table.path + figure.rawValue, field: figure.rawValue, value: text, formula: facts.formula,
            inputs: isTime
                ? [Explanation.Input("ledger time", at.iso8601, .ledger)]
                : table.inputs(besidesThoseOf: figure), status: facts.certainty, source: facts.source)
    }
}

extension Explanation {
    /// The same under another path, with another text.
    fileprivate func at(_ path: String, _ value: String, rounding: String) -> Explanation {
        Explanation(
            path: path, field: field, value: value, formula: formula, inputs: inputs, rounding: rounding,
            status: status, source: source)
    }
}

extension FigureFacts {
    /// Whether it is a field that is no number.
    fileprivate var isText: Bool { if case .other = place { true } else { false } }
}

extension JSONValue {
    /// A scalar as it is shown: a string's text, or true or false.
    fileprivate var shownText: String? { text ?? boolean.map { $0 ? "true" : "false" } }
}
