import JSON
import Ledger
import Numbers
import Venue

// Entry and mark prices that reported positions follow from.

/// A position as it can be put into a ledger.
struct RehostedPosition {
    let instrument: String
    /// Signed.
    let quantity: ExactDecimal
    /// Shown cost since the last settlement: |quantity| × it.
    let sessionPrice: ExactDecimal
    /// Shown cost since opening: |quantity| × it; as `sessionPrice` where no session was settled.
    let openingPrice: ExactDecimal
    let isIsolated: Bool
    /// Shown profit since the last settlement; nil where no answer tells.
    let profit: ExactDecimal?

    /// Nil where the answer gives no size or no cost.
    init?(_ row: ReportedObject) {
        guard let quantity = row["quantity"].number, !quantity.isZero,
            let price = Self.price(of: row["cost"].truncatedNumber, quantity)
        else { return nil }
        instrument = row.name
        self.quantity = quantity
        sessionPrice = price
        let opening = row["open_pos_cost"].truncatedNumber
        openingPrice =
            opening == row["cost"].truncatedNumber ? price : Self.price(of: opening, quantity) ?? price
        isIsolated = row.isIsolated
        profit = row["session_pnl"].truncatedNumber
    }

    /// The price with the fewest places that the cost, as shown, follows from.
    private static func price(of cost: ExactDecimal?, _ quantity: ExactDecimal) -> ExactDecimal? {
        guard let cost = cost?.magnitude, let price = try? cost.over(quantity.magnitude, rounding: .halfEven),
            price.isPositive
        else { return nil }
        return price.shortest { candidate in
            guard candidate.isPositive,
                let made = try? quantity.magnitude.times(candidate, rounding: .halfEven)
            else { return false }
            return Figures.shownAmount(made) == Figures.shownAmount(cost)
        } ?? price
    }

    /// Whether a session was settled since it was opened.
    var isSettled: Bool { sessionPrice != openingPrice }

    /// What settlements have moved out of the position, unrounded.
    var settledGain: ExactDecimal {
        let cost = try? quantity.times(sessionPrice, rounding: .halfEven)
        let opening = try? quantity.times(openingPrice, rounding: .halfEven)
        guard let cost, let opening else { return .zero }
        return (try? cost - opening) ?? .zero
    }

    /// Whether the profit, as shown, follows from a mark price; true where no profit is told.
    func fits(_ mark: ExactDecimal) -> Bool {
        guard let profit else { return true }
        guard mark.isPositive, let value = try? quantity.times(mark, rounding: .halfEven),
            let cost = try? quantity.times(sessionPrice, rounding: .halfEven), let made = try? value - cost
        else { return false }
        return Figures.shownAmount(made) == Figures.shownAmount(profit)
    }

    /// The mark price with the fewest places that the profit, as shown, follows from; nil where no profit is
    /// told.
    var mark: ExactDecimal? {
        guard let implied = impliedMark, implied.isPositive else { return nil }
        return implied.shortest(where: fits) ?? implied
    }

    /// The mark price that the profit comes from, to 18 places; nil where no profit is told.
    var impliedMark: ExactDecimal? {
        guard let profit else { return nil }
        return try? sessionPrice + profit.over(quantity, rounding: .halfEven)
    }
}

extension [RehostedPosition] {
    /// The mark price with the fewest places that all profits in an instrument follow from, else the one that
    /// the largest position implies; nil where no answer tells.
    func mark(of instrument: String) -> ExactDecimal? {
        let rows = filter { $0.instrument == instrument && $0.profit != nil }
        let largest = rows.max { $0.quantity.magnitude < $1.quantity.magnitude }
        guard let implied = largest?.impliedMark, implied.isPositive else { return nil }
        return implied.shortest { mark in rows.allSatisfy { $0.fits(mark) } } ?? implied
    }
}
