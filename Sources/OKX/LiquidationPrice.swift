import Ledger
import Numbers
import Venue

/// The mark price at which a cross position would be liquidated: where the equity that backs it meets its
/// maintenance margin and liquidation fees, while this one mark moves and everything else stands still.
///
/// It is an estimate, as the venue's own is: the difference between equity and requirement is piecewise
/// linear in the mark (in 1 ÷ mark for an inverse contract), so the answer is found by halving between a mark
/// that is safe and one that is not, until they are neighbors in the last printed digit. An isolated
/// position's is solved (``PositionFigure/liqPx``).
struct LiquidationPrice {
    private let position: Position
    private let account: Account
    private let market: ValuationPrices
    private let rules: RuleTable

    init(of position: Position, in account: Account, market: ValuationPrices, rules: RuleTable) {
        self.position = position
        self.account = account
        self.market = market
        self.rules = rules
    }

    /// The same of a position that is valued already.
    init(of valuation: PositionValuation) {
        let account = valuation.account
        self.init(
            of: valuation.position, in: account.account, market: account.market, rules: account.rules)
    }

    /// The first mark that liquidates, to 8 places or as many as the tick has if those are more; nil, printed
    /// "", where none does, also where only one does that is more than a million times the present one, or at
    /// which the account's figures leave the range of numbers.
    func price() throws -> ExactDecimal? {
        let figures = try AccountFigures(of: account, market: market, rules: rules)
        let mark = try market.requiredMark(position.instrument)
        guard try margin(at: mark, figures).isPositive else { return mark }
        let places = max(8, rules.instrument(position.instrument.name)?.tick.fractionDigits ?? 0)
        guard let step = ExactDecimal.powerOfTen(places: places),
            let bounds = try bracket(from: mark, step: step, figures)
        else { return nil }
        var (safe, unsafe) = bounds
        while try (safe - unsafe).magnitude > step {
            let middle = try (safe + unsafe).over(
                ExactDecimal(2), places: step.fractionDigits, rounding: .floor)
            if middle == safe || middle == unsafe { break }
            if try margin(at: middle, figures).isPositive { safe = middle } else { unsafe = middle }
        }
        return unsafe
    }

    /// A safe mark and one that liquidates, on the losing side of the present one; nil if there is none.
    private func bracket(
        from mark: ExactDecimal, step: ExactDecimal, _ figures: AccountFigures
    ) throws -> (safe: ExactDecimal, unsafe: ExactDecimal)? {
        if position.isLong {
            // Near 0 the value of an inverse contract does not fit: the lowest mark at which it does counts.
            var lowest = step
            while lowest < mark {
                if let isSafe = try isSafe(at: lowest, figures) { return isSafe ? nil : (mark, lowest) }
                lowest = try lowest + lowest
            }
            return nil
        }
        var safe = mark
        for _ in 0..<20 {
            let next = try safe + safe
            guard let isSafe = try isSafe(at: next, figures) else { return nil }
            if !isSafe { return (safe, next) }
            safe = next
        }
        return nil
    }

    /// Whether equity is above what must be maintained at a mark; nil where that does not fit the range.
    private func isSafe(at mark: ExactDecimal, _ figures: AccountFigures) throws -> Bool? {
        do {
            return try margin(at: mark, figures).isPositive
        } catch NumberError.overflow {
            return nil
        }
    }

    /// Equity that backs a cross position, less maintenance margin and liquidation fees, at a mark.
    func margin(at mark: ExactDecimal) throws -> ExactFraction {
        try margin(at: mark, AccountFigures(of: account, market: market, rules: rules))
    }

    private func margin(at mark: ExactDecimal, _ figures: AccountFigures) throws -> ExactFraction {
        figures.move(position.instrument, to: mark)
        guard figures.mode == .futures else {
            return try figures[.adjEq] - figures[.mmr] - figures[.liquidationFees]
        }
        guard let place = rules.assetPlace(position.settlementAsset), let row = figures.row(place) else {
            return .zero
        }
        return try row.backing() - row[.mmr] - row[.liquidationFees]
    }
}
