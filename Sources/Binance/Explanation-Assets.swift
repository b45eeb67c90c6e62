import JSON
import Ledger
import Numbers
import Venue

/// The rows of `assets`.
extension AccountExplainer {
    /// Every asset's fields in the body's order, each row followed by what it rests on.
    mutating func explainAssets() throws {
        for row in figures.assets {
            let rows = figures.positions.filter { $0.marginAsset == row.asset }
            prefix = "assets.\(row.asset)."
            explainBalances(row, rows)
            explainMargins(row, rows)
            explainCross(row, rows)
            explainAvailable(row, rows)
            explainState(row, rows)
            if figures.isPooled(row) { continue }
            add(
                "unflooredAvailable", behind: row.unflooredAvailable,
                "crossWalletBalance + crossUnPnl − Σ initialMargin of cross positions "
                    + "− Σ openOrderInitialMargin of isolated positions",
                [figure("crossWalletBalance", of: row), figure("crossUnPnl", of: row)]
                    + each("initialMargin", of: rows.cross)
                    + each("openOrderInitialMargin", of: rows.isolated),
                source: Source.balances)
        }
        prefix = ""
        try explainRates()
    }

    private mutating func explainBalances(_ row: BinanceAssetRow, _ rows: [BinancePositionRow]) {
        add(
            "walletBalance", "crossWalletBalance + Σ isolatedWallet of isolated positions",
            [figure("crossWalletBalance", of: row)] + each("isolatedWallet", of: rows.isolated),
            source: Source.balances)
        addSum("unrealizedProfit", rows)
        add(
            "marginBalance", "walletBalance + unrealizedProfit",
            [figure("walletBalance", of: row), figure("unrealizedProfit", of: row)], source: Source.balances)
    }

    private mutating func explainMargins(_ row: BinanceAssetRow, _ rows: [BinancePositionRow]) {
        addSum("maintMargin", rows)
        add(
            "initialMargin", "positionInitialMargin + openOrderInitialMargin",
            [figure("positionInitialMargin", of: row), figure("openOrderInitialMargin", of: row)])
        addSum("positionInitialMargin", rows)
        addSum("openOrderInitialMargin", rows)
    }

    /// A sum over all positions in the asset; that isolated ones are in it is inferred.
    private mutating func addSum(_ field: String, _ rows: [BinancePositionRow]) {
        add(
            field, "Σ \(field) of its positions, isolated ones included", each(field, of: rows),
            status: rows.isolated.isEmpty ? .exact : .choice)
    }

    private mutating func explainCross(_ row: BinanceAssetRow, _ rows: [BinancePositionRow]) {
        add(
            "crossWalletBalance",
            "deposits − withdrawals and their fees + transfers + realised profit + funding − commission "
                + "+ auto-exchanges − Σ isolatedWallet of isolated positions",
            flows(of: row.asset) + each("isolatedWallet", of: rows.isolated), source: Source.balances)
        add("crossUnPnl", "Σ unrealizedProfit of cross positions", each("unrealizedProfit", of: rows.cross))
    }

    /// All that ever moved an asset; what other venues have besides only where there is some of it.
    private func flows(of asset: String) -> [Explanation.Input] {
        let flows = account.holding(asset)?.flows ?? Flows()
        let usual = [
            ("deposits", flows.deposited), ("withdrawals", flows.withdrawn),
            ("transfers received less sent", flows.transferred), ("realised profit", flows.realised),
            ("funding received less paid", flows.funding), ("commission", flows.tradingFees),
        ]
        let others = [
            ("fees of withdrawals", flows.withdrawalFees),
            ("auto-exchanges received less given", flows.exchanged),
            ("borrowed less repaid", flows.borrowed), ("interest paid", flows.interestPaid),
            ("wallets of imported positions", flows.imported),
        ]
        return (usual + others.filter { !$0.1.isZero }).map { Explanation.Input($0.0, $0.1, .ledger) }
    }

    private mutating func explainAvailable(_ row: BinanceAssetRow, _ rows: [BinancePositionRow]) {
        if figures.isPooled(row) {
            add(
                "availableBalance",
                "availableBalance of the account ÷ askRate: the same pool in every row; 0 where askRate is 0",
                [total("availableBalance"), rate("askRate", of: row.asset)], rounding: Self.cut,
                source: Source.multiAssets)
            add(
                "maxWithdrawAmount", "max(0, min(walletBalance, availableBalance of the row))",
                [figure("walletBalance", of: row), figure("availableBalance", of: row)], status: .choice,
                source: Source.ours)
            return
        }
        let available = figure("unflooredAvailable", of: row)
        add(
            "availableBalance", "max(0, unflooredAvailable)", [available],
            status: row.unflooredAvailable.isNegative ? .choice : .exact, source: Source.balances)
        add(
            "maxWithdrawAmount",
            "max(0, min(crossWalletBalance − Σ openOrderInitialMargin of isolated positions "
                + "− Σ maintMargin of cross positions, unflooredAvailable))",
            [figure("crossWalletBalance", of: row), available]
                + each("openOrderInitialMargin", of: rows.isolated)
                + each("maintMargin", of: rows.cross),
            status: .choice, source: Source.ours)
    }

    private mutating func explainState(_ row: BinanceAssetRow, _ rows: [BinancePositionRow]) {
        if figures.isMultiAssets {
            let isRaised = account.raised("marginAvailable", asset: row.asset)?.boolean != nil
            add(
                "marginAvailable", isRaised ? "as raised by hand" : "the asset's rule",
                [
                    Explanation.Input(
                        "marginAvailable of \(row.asset)", row.marginAvailable.description,
                        isRaised ? .raised : .rule)
                ])
        }
        let wallet = account.holding(row.asset).map {
            Explanation.Input("last change of the wallet", "\($0.updatedAt.milliseconds)", .ledger)
        }
        add(
            "updateTime", "latest change of the wallet and of its positions, in milliseconds; 0 for never",
            (wallet.map { [$0] } ?? []) + each("updateTime", of: rows))
    }

    /// What the listed assets convert at in multi-assets mode.
    private mutating func explainRates() throws {
        for (row, rates) in zip(figures.assets, figures.rates) {
            guard let asset = rules.asset(row.asset) else { continue }
            prefix = "assetIndex.\(asset.name)USD."
            let index = try index(of: asset.name)
            add(
                "bidRate", behind: rates.bid, "index × (1 − bidBuffer)",
                [index, Explanation.Input("bidBuffer", asset.bidBuffer, .rule)], rounding: Self.cut,
                source: Source.index)
            add(
                "askRate", behind: rates.ask, "index × (1 + askBuffer)",
                [index, Explanation.Input("askBuffer", asset.askBuffer, .rule)], rounding: Self.cut,
                source: Source.index)
        }
        prefix = ""
    }

    /// An asset's USD price, with where it is from.
    func index(of asset: String) throws(FigureError) -> Explanation.Input {
        let given = market.prices.index[asset].map { "given at \($0.at.iso8601)" }
        return Explanation.Input(
            "index of \(asset), \(given ?? "the rulebook's reference")", try market.requiredIndex(asset),
            .price)
    }
}

extension [BinancePositionRow] {
    /// Those that share the wallet of their margin asset.
    var cross: [BinancePositionRow] { filter { $0.marginMode == .cross } }

    /// Those with a wallet of their own.
    var isolated: [BinancePositionRow] { filter { $0.marginMode == .isolated } }
}
