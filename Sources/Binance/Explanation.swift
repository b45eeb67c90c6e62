import Ledger
import Numbers
import Venue

extension BinanceVenue {
    /// Why every figure of account V3 is what it is, in the body's order; then the prices of each position.
    ///
    /// Paths are those of the body, rows by name: `totalMarginBalance`, `assets.USDT.availableBalance`,
    /// `positions.BTCUSDT.BOTH.maintMargin`; then `positionRisk.BTCUSDT.BOTH.liquidationPrice`. After each
    /// row come the figures that it rests on and that the body does not show, such as
    /// `positions.BTCUSDT.BOTH.markPrice`, and, in multi-assets mode, `assetIndex.USDTUSD.bidRate`. Throws
    /// `FigureError` where a figure cannot be worked out.
    public func explain(
        _ snapshot: AccountSnapshot, through access: any VenueAccess
    ) throws -> [Explanation] {
        let figures = try figures(of: snapshot)
        return try FigureError.turning { try figures.explained() }
    }

    /// What liquidation of cross positions is decided by; nil where they have nothing to maintain.
    ///
    /// Single-asset mode has a pool for each margin asset: cross wallet and profit against the maintenance
    /// margin of cross positions, in the asset; of several, the one with the least equity per maintenance.
    /// Multi-assets mode has one pool, totalMarginBalance against totalMaintMargin in USD, beside those of
    /// assets that do not count as margin. Isolated positions are liquidated on their own and not part of it.
    public func health(of snapshot: AccountSnapshot) throws -> MarginHealth? {
        let figures = try figures(of: snapshot)
        return try FigureError.turning {
            try figures.crossPools().map(\.health).min { first, second in
                ExactDecimal.compareProducts(
                    first.equity, second.maintenance, second.equity, first.maintenance) == .less
            }
        }
    }
}

extension BinanceVenue {
    /// isolatedMargin of each isolated position against its maintMargin, in the margin asset.
    public func isolatedHealth(of snapshot: AccountSnapshot) throws -> [IsolatedHealth] {
        let figures = try figures(of: snapshot)
        return try FigureError.turning {
            try figures.positions.filter(\.mode.hasWallet).map { row in
                let (equity, required) = try (row[.isolatedMargin], row[.maintMargin])
                return IsolatedHealth(
                    instrument: row.symbol, side: row.side,
                    health: MarginHealth(
                        equity: equity, maintenance: required, unit: row.mode.marginAsset,
                        isLiquidated: equity <= required))
            }
        }
    }
}

extension AccountFigures {
    /// Everything in the body's order.
    fileprivate func explained() throws -> [Explanation] {
        try chooseWords()
        return try explanations() + assets.flatMap { try $0.explanations { !$0.isRate } }
            + assets.flatMap { try $0.explanations(where: \.isRate) }
            + positions.flatMap { try $0.explanations { !$0.isOfRisk } }
            + positions.flatMap { try $0.explanations(where: \.isOfRisk) }
    }

    /// Looks at what decides which words hold and follows from the figures themselves.
    private func chooseWords() throws {
        mode.isShort = try self[.unflooredAvailable].isNegative
        for row in assets { row.mode.isShort = try row[.unflooredAvailable].isNegative }
        if mode.isMultiAssets {
            for figure in AccountFigure.allCases
            where figure.isOwed(try? margin.map { try $0[figure.ofAsset] }) {
                mode.owing.insert(figure)
            }
        }
        for row in positions {
            row.mode.isShared = legs(of: row).count > 1
            row.mode.isPooled = asset(row.mode.marginAsset)?.mode.isPooled == true
        }
    }
}

extension AccountFigure {
    fileprivate func isOwed(_ amounts: [ExactDecimal]?) -> Bool {
        amounts?.contains(where: \.isNegative) == true
    }
}
