import JSON
import Ledger
import Numbers
import Venue

extension CryptoComVenue {
    /// Why every figure of `private/user-balance` is what it is, in the body's order.
    ///
    /// Paths are those within the account object, rows by asset and isolated positions by instrument:
    /// `total_haircut`, `position_balances.BTC.haircut`, `isolated_positions.BTCUSD-PERP.leverage`. Then come
    /// the figures that these are worked out from: `unrounded.…` for a field before it is rounded, and what
    /// the body does not show, such as `underlyings.BTC.position_im`. Empty where the body has no account
    /// object. Throws `FigureError` where a figure cannot be worked out.
    public func explain(
        _ snapshot: AccountSnapshot, through access: any VenueAccess
    ) throws -> [Explanation] {
        if answersNothing(of: snapshot.account) { return [] }
        let figures = try figures(of: snapshot)
        return try FigureError.turning {
            var explanations = BalanceExplanations()
            try explanations.addFields(of: figures, AccountForm.ofAccount(profile))
            try explanations.addBases(of: figures)
            return explanations.used
        }
    }
}

/// The explanations of an account's fields, and of what these rest on.
private struct BalanceExplanations {
    private var fields: [Explanation] = []
    private var bases: [Explanation] = []

    /// Every field in the order of the body.
    mutating func addFields(of account: AccountFigures, _ form: AccountForm) throws {
        for figure in form.account.figures {
            switch figure {
            case .rows:
                for row in account.rows {
                    for figure in form.row.figures { try addField(figure, of: row, form.row) }
                }
            case .isolatedPositions:
                for position in account.isolated { try addFields(of: position, form) }
            default: try addField(figure, of: account, form.account)
            }
        }
    }

    private mutating func addFields(of isolated: IsolatedFigures, _ form: AccountForm) throws {
        for figure in form.isolated.figures {
            guard figure == .rows else {
                try addField(figure, of: isolated, form.isolated)
                continue
            }
            for figure in form.isolatedRow.figures {
                try addField(figure, of: isolated.row, form.isolatedRow)
            }
        }
    }

    private mutating func addField<Figure>(
        _ figure: Figure, of table: CryptoComTable<Figure>, _ form: FigureLayout<Figure>
    ) throws {
        guard let facts = table.facts(of: figure), let text = try form.text(of: figure, in: table) else {
            return
        }
        fields.append(try table.explanation(of: figure, facts, as: text))
    }

    /// What the account's objects have besides: fields before they are rounded, and what no body shows.
    mutating func addBases(of account: AccountFigures) throws {
        try addBases(of: account as CryptoComTable<AccountFigure>)
        for row in account.rows { try addBases(of: row) }
        for position in account.cross { try addBases(of: position, isExplained: false) }
        for order in account.orders { try addBases(of: order) }
        for mark in account.marks { try addBases(of: mark) }
        for underlying in account.underlyings { try addBases(of: underlying) }
        for instrument in account.isolatedOrders {
            for position in instrument.positions { try addBases(of: position, isExplained: false) }
            try addBases(of: instrument)
        }
        for position in account.isolated { try addBases(of: position) }
    }

    /// Fields of an object that the body does not have are not explained.
    private mutating func addBases<Figure>(
        of table: CryptoComTable<Figure>, isExplained: Bool = true
    ) throws {
        for figure in Figure.allCases where table.isThere(figure) {
            guard let facts = table.facts(of: figure),
                facts.place == .beside || isExplained && facts.isRounded
            else { continue }
            bases.append(try table.unrounded(figure, facts))
        }
    }

    /// The fields, then what they rest on; nothing that no figure uses.
    var used: [Explanation] {
        var used = Set<String>()
        var open = fields
        let known = Dictionary(bases.map { ($0.path, $0) }) { first, _ in first }
        while let explanation = open.popLast() {
            for case let path? in explanation.inputs.map(\.path) where used.insert(path).inserted {
                if let next = known[path] { open.append(next) }
            }
        }
        return fields + bases.filter { used.contains($0.path) }
    }
}

extension CryptoComTable {
    /// Why a figure is what it is before it is printed.
    fileprivate func unrounded(_ figure: Figure, _ facts: FigureFacts) throws -> Explanation {
        let printed = try explanation(of: figure, facts)
        return Explanation(
            path: path(of: figure, isPrinted: false), field: printed.field,
            value: try self[figure].description,
            formula: printed.formula, inputs: printed.inputs,
            rounding: facts.isShown ? "" : printed.rounding, status: printed.status, source: printed.source)
    }
}
