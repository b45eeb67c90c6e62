import Ledger
import Numbers
import Venue

/// What backs some cross positions together.
struct CrossPool: Sendable {
    /// The margin asset; nil for the one pool of multi-assets mode, which is in USD.
    let asset: String?
    /// What the positions are liquidated by: equity against maintenance margin.
    let health: MarginHealth
    /// The wallet without isolated positions' wallets.
    let crossWalletBalance: ExactDecimal
}

extension BinanceAccountFigures {
    /// The pools that have something to maintain: one per margin asset in single-asset mode, its cross wallet
    /// and profit against the maintenance margin of its cross positions; in multi-assets mode one in USD,
    /// totalMarginBalance against totalMaintMargin, beside those of assets that do not count as margin.
    func crossPools() throws(NumberError) -> [CrossPool] {
        var pools: [CrossPool] = []
        if isMultiAssets {
            pools.append(
                CrossPool(
                    asset: nil,
                    health: MarginHealth(
                        equity: totals.marginBalance, maintenance: totals.maintMargin, unit: "USD"),
                    crossWalletBalance: totals.crossWalletBalance))
        }
        for row in assets where !isPooled(row) {
            pools.append(
                CrossPool(
                    asset: row.asset,
                    health: MarginHealth(
                        equity: try row.crossWalletBalance + row.crossUnPnl,
                        maintenance: row.crossMaintMargin, unit: row.asset),
                    crossWalletBalance: row.crossWalletBalance))
        }
        return pools.filter(\.health.maintenance.isPositive)
    }

    /// The cross positions that a pool backs.
    func positions(in pool: CrossPool) -> [BinancePositionRow] {
        positions.filter { row in
            if row.marginMode != .cross || row.quantity.isZero { return false }
            guard let marginAsset = pool.asset else {
                return self.asset(row.marginAsset).map(isPooled) ?? false
            }
            return row.marginAsset == marginAsset
        }
    }

    /// Whether an asset belongs to the one pool of multi-assets mode.
    func isPooled(_ row: BinanceAssetRow) -> Bool { isMultiAssets && row.marginAvailable }
}

extension BinanceFigures {
    /// `bc` of ACCOUNT_UPDATE: what a wallet balance changed by, without realised profit and commission.
    /// Signed. Sheet, section 8. Exact.
    public static func balanceChange(
        walletBalance: ExactDecimal, before: ExactDecimal, realisedProfit: ExactDecimal,
        commission: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try walletBalance - before - realisedProfit + commission
    }
}
