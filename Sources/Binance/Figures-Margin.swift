import JSON
import Ledger
import Numbers
import Venue

/// What backs some cross positions together.
struct CrossPool {
    /// The margin asset; nil for the one pool of multi-assets mode, which is in USD.
    let asset: String?
    /// What the positions are liquidated by: equity against maintenance margin.
    let health: MarginHealth
    /// The wallet without isolated positions' wallets.
    let crossWalletBalance: ExactDecimal
}

extension AccountFigures {
    /// The pools that have something to maintain: one per margin asset in single-asset mode, its cross wallet
    /// and profit against the maintenance margin of its cross positions; in multi-assets mode one in USD,
    /// totalMarginBalance against totalMaintMargin, beside those of assets that do not count as margin.
    func crossPools() throws -> [CrossPool] {
        var pools: [CrossPool] = []
        if mode.isMultiAssets {
            pools.append(
                CrossPool(
                    asset: nil,
                    health: MarginHealth(
                        equity: try self[.totalMarginBalance], maintenance: try self[.totalMaintMargin],
                        unit: "USD"), crossWalletBalance: try self[.totalCrossWalletBalance]))
        }
        for row in assets where !row.mode.isPooled {
            pools.append(
                CrossPool(
                    asset: row.asset,
                    health: MarginHealth(
                        equity: try row[.crossMarginBalance], maintenance: try row[.crossMaintMargin],
                        unit: row.asset), crossWalletBalance: try row[.crossWalletBalance]))
        }
        return pools.filter(\.health.maintenance.isPositive)
    }

    /// The cross positions that a pool backs.
    func positions(in pool: CrossPool) -> [PositionRow] {
        positions.filter { row in
            if row.mode.marginMode != .cross || !row.mode.isOpen { return false }
            guard let marginAsset = pool.asset else {
                return asset(row.mode.marginAsset)?.mode.isPooled ?? false
            }
            return row.mode.marginAsset == marginAsset
        }
    }
}

extension SymbolRules {
    /// The leverage of an account that has set none: the venue's default, but no more than the symbol allows.
    func defaultLeverage(_ rules: RuleTable) -> ExactDecimal {
        min(rules.account.defaultLeverage, maximumLeverage)
    }

    /// The highest leverage that can be set.
    var maximumLeverage: ExactDecimal { brackets.first?.initialLeverage ?? .one }

    /// The bracket of a notional: floor < |notional| ≤ cap; the last one beyond all caps. Edges and cum are
    /// multiplied by the account's notional coefficient.
    func bracket(of notional: ExactDecimal, coefficient: ExactDecimal) throws(NumberError) -> Bracket {
        let size = notional.magnitude
        for bracket in brackets {
            let scaled = try bracket.scaled(by: coefficient)
            if size <= scaled.notionalCap { return scaled }
        }
        guard let last = brackets.last else { throw .overflow }
        return try last.scaled(by: coefficient)
    }

    /// The cap of the last bracket that still allows a leverage, in the quote asset.
    func maximumNotional(
        leverage: ExactDecimal, _ coefficient: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        let allowed = brackets.last { $0.initialLeverage >= leverage } ?? brackets.first
        return try allowed?.scaled(by: coefficient).notionalCap ?? .zero
    }
}

extension Bracket {
    /// The bracket of a user whose notional coefficient was adjusted: edges and, so that the curve stays
    /// continuous, cum are multiplied by it. FAQ on leverage and margin.
    func scaled(by coefficient: ExactDecimal) throws(NumberError) -> Bracket {
        if coefficient == .one { return self }
        return Bracket(
            number: number, initialLeverage: initialLeverage,
            notionalFloor: try notionalFloor.times(coefficient, rounding: .towardZero),
            notionalCap: try notionalCap.times(coefficient, rounding: .towardZero),
            maintenanceRate: maintenanceRate,
            cumulative: try cumulative.times(coefficient, rounding: .towardZero))
    }
}

extension Account {
    /// The leverage that was set for a symbol last, whatever side and margin mode the command named: the
    /// venue keeps one. Nil where none was.
    func leverage(setFor symbol: String) -> ExactDecimal? {
        leverages.last { $0.instrument == symbol }?.leverage
    }

    /// The leverage of a symbol: the one set, else the venue's default.
    func leverage(of symbol: SymbolRules, _ rules: RuleTable) -> ExactDecimal {
        leverage(setFor: symbol.name) ?? symbol.defaultLeverage(rules)
    }

    /// The asset that a symbol's margin, profit and fees are in.
    func marginAsset(of symbol: SymbolRules, _ rules: RuleTable) -> String {
        (isInCreditsMode ? rules.creditAsset : nil) ?? symbol.instrument.settle
    }

    /// The `notionalCoef` that was set by hand; 1 for an account that was not adjusted.
    var notionalCoefficient: ExactDecimal {
        guard !overridden.isEmpty, let text = overridden("notionalCoef")?.text else { return .one }
        return (try? ExactDecimal(text)) ?? .one
    }
}
