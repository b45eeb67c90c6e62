import Ledger
import Numbers
import Venue

extension CryptoComVenue {
    /// Liquidation is decided by margin balance and maintenance margin, both unrounded and in USD: of the
    /// cross pool where it has a position or a debt, and of each isolated position. The one nearest to
    /// liquidation is given; nil where there is none.
    public func health(of snapshot: AccountSnapshot) throws -> MarginHealth? {
        let figures = try figures(of: snapshot)
        let pools = try FigureError.turning {
            var pools: [MarginHealth] = []
            if try !figures.cross.isEmpty || figures[.borrowed].isPositive || figures.isOn(.isLiquidating) {
                pools.append(
                    try Self.health(
                        figures[.marginBalance], figures[.maintenanceMargin],
                        isLiquidated: figures.isOn(.isLiquidating)))
            }
            return pools + (try figures.isolated.map(Self.health))
        }
        // A pool in liquidation comes first. Of others the lower equity per maintenance is the nearer one;
        // the products are exact and never fail.
        return pools.min { first, second in
            if first.isLiquidated != second.isLiquidated { return first.isLiquidated }
            return ExactDecimal.compareProducts(
                first.equity, second.maintenance, second.equity, first.maintenance) == .less
        }
    }

    /// The same of each isolated position: whether its margin account is under liquidation.
    public func isolatedHealth(of snapshot: AccountSnapshot) throws -> [IsolatedHealth] {
        let figures = try figures(of: snapshot)
        return try FigureError.turning {
            try figures.isolated.map {
                IsolatedHealth(instrument: $0.name, side: .net, health: try Self.health(of: $0))
            }
        }
    }

    private static func health(of isolated: IsolatedFigures) throws -> MarginHealth {
        try health(
            isolated[.marginBalance], isolated[.maintenanceMargin],
            isLiquidated: isolated.isOn(.isLiquidating))
    }

    private static func health(
        _ balance: ExactFraction, _ maintenance: ExactFraction, isLiquidated: Bool
    ) throws(NumberError) -> MarginHealth {
        MarginHealth(
            equity: try balance.rounded(places: ExactDecimal.places, rounding: .floor),
            maintenance: try maintenance.rounded(places: ExactDecimal.places, rounding: .ceiling),
            unit: CryptoComRules.usd, isLiquidated: isLiquidated)
    }
}
