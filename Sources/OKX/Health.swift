import Ledger
import Numbers
import Venue

extension OKXVenue {
    /// What liquidation is decided by: adjEq against mmr + liquidation fees in USD; in futures mode, which
    /// has a pool for each currency, what backs the pool nearest to liquidation against the same, in the
    /// currency.
    ///
    /// nil where nothing has to be maintained. Isolated positions are liquidated on their own and not part of
    /// it; raised values only show.
    public func health(of snapshot: AccountSnapshot) throws -> MarginHealth? {
        try FigureError.turning {
            let figures = try figures(of: snapshot, rules(at: snapshot.at), isBalance: true)
            if figures.mode == .futures { return try Self.poolHealth(figures) }
            let maintenance = try figures[.mmr] + figures[.liquidationFees]
            guard !maintenance.isZero else { return nil }
            return try MarginHealth(
                equity: figures[.adjEq], maintenance: maintenance, places: 16, unit: "USD")
        }
    }

    /// Margin and profit of each isolated position against its maintenance margin and liquidation fee, in its
    /// own currency: its `mgnRatio` at 1.
    public func isolatedHealth(of snapshot: AccountSnapshot) throws -> [IsolatedHealth] {
        try FigureError.turning {
            let figures = try figures(of: snapshot, rules(at: snapshot.at), isBalance: true)
            return try withExtendedLifetime(figures) {
                try figures.positions.filter { !$0.isCross }.map { valuation in
                    let row = try PositionRow(valuation, id: "", last: nil)
                    let (equity, required) = try (row.isolatedEquity(), row.isolatedRequirement())
                    let position = valuation.position
                    return IsolatedHealth(
                        instrument: position.instrument.name, side: position.side,
                        health: MarginHealth(
                            equity: try equity.rounded(places: 16, rounding: .halfUp),
                            maintenance: try required.rounded(places: 16, rounding: .halfUp),
                            unit: valuation.mode.settle, isLiquidated: equity <= required))
                }
            }
        }
    }

    /// The health of the currency pool with the lowest margin ratio; nil where no pool has one.
    private static func poolHealth(_ figures: AccountFigures) throws -> MarginHealth? {
        var nearest: (ratio: ExactFraction, row: CurrencyFigures)?
        for row in figures.rows {
            guard let ratio = try row.ifThere(.mgnRatio) else { continue }
            if let nearest, nearest.ratio <= ratio { continue }
            nearest = (ratio, row)
        }
        guard let row = nearest?.row else { return nil }
        return try MarginHealth(
            equity: row.backing(), maintenance: row[.mmr] + row[.liquidationFees], places: 16, unit: row.name)
    }
}
