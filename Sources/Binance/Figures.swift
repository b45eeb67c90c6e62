import JSON
import Ledger
import Numbers
import Venue

/// What the figures of all objects share. Each figure is one case of `PositionFigure`, `AssetFigure` or
/// `AccountFigure`; its definition stands in the table of its object.
///
/// Every figure is cut to 8 places, toward zero, before others go on with it, as the venue does.
enum BinanceFigures {
    /// Places to which every amount is cut.
    static let places = 8
    /// Digits of entry and break-even prices: as many places as are left of them before the point.
    static let priceDigits = 13
    static let cutWords = "cut to \(places) places"

    /// The places with which a price is printed: 13 less the digits before its point, of which 0.5 has none.
    static func pricePlaces(of price: ExactDecimal) -> Int { max(0, priceDigits - price.integerDigits) }

    /// What an asset's USD price is called, with where it is from.
    static func indexName(_ asset: String?, _ given: LedgerTime?) -> String {
        "index of \(asset ?? ""), " + (given.map { "given at \($0.iso8601)" } ?? "the rulebook's reference")
    }

    /// `bc` of ACCOUNT_UPDATE: what a wallet balance changed by, without realized profit and commission.
    static func balanceChange(
        walletBalance: ExactDecimal, before: ExactDecimal, realizedProfit: ExactDecimal,
        commission: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try walletBalance - before - realizedProfit + commission
    }
}

/// How the objects are written, in each answer that has them.
enum Layouts {
    static let account = FigureLayout<AccountFigure>(AccountMode(isMultiAssets: false))

    /// `marginAvailable` is told in multi-assets mode only, in version 2 in both.
    static let singleAsset = FigureLayout<AssetFigure>(AssetRowMode(isMultiAssets: false))
    static let asset = FigureLayout<AssetFigure>(AssetRowMode())
    static let balance = FigureLayout<AssetFigure>(
        AssetRowMode(),
        [
            .asset, .walletBalance, .crossWalletBalance, .crossUnPnl, .availableBalance, .maxWithdrawAmount,
            .marginAvailable, .updateTime,
        ], keys: [.walletBalance: "balance"])
    static let assetIndex = FigureLayout<AssetFigure>(
        AssetRowMode(),
        [
            .index, .bidBuffer, .askBuffer, .bidRate, .askRate, .autoExchangeBidBuffer,
            .autoExchangeAskBuffer, .autoExchangeBidRate, .autoExchangeAskRate,
        ])

    static let position = FigureLayout<PositionFigure>(
        PositionMode(),
        [
            .symbol, .positionSide, .positionAmt, .unrealizedProfit, .isolatedMargin, .notional,
            .isolatedWallet, .initialMargin, .maintMargin, .updateTime,
        ])
    /// Notional, isolated wallet and break-even price are sent without being documented.
    static let position2 = FigureLayout<PositionFigure>(
        PositionMode(),
        [
            .symbol, .initialMargin, .maintMargin, .unrealizedProfit, .positionInitialMargin,
            .openOrderInitialMargin, .leverage, .isolated, .entryPrice, .breakEvenPrice, .maxNotional,
            .positionSide, .positionAmt, .notional, .isolatedWallet, .updateTime, .bidNotional, .askNotional,
        ], seldom: [.breakEvenPrice, .notional, .isolatedWallet, .bidNotional, .askNotional])
    static let risk = FigureLayout<PositionFigure>(
        PositionMode(),
        [
            .symbol, .positionSide, .positionAmt, .entryPrice, .breakEvenPrice, .markPrice, .unrealizedProfit,
            .liquidationPrice, .isolatedMargin, .notional, .marginAsset, .isolatedWallet, .initialMargin,
            .maintMargin, .positionInitialMargin, .openOrderInitialMargin, .adl, .bidNotional, .askNotional,
            .updateTime,
        ], keys: [.unrealizedProfit: "unRealizedProfit"])
    /// With leverage and margin type, without margins.
    static let risk2 = FigureLayout<PositionFigure>(
        PositionMode(),
        [
            .symbol, .positionAmt, .entryPrice, .breakEvenPrice, .markPrice, .unrealizedProfit,
            .liquidationPrice, .leverage, .maxNotional, .marginType, .isolatedMargin, .isAutoAddMargin,
            .positionSide, .notional, .isolatedWallet, .updateTime,
        ], keys: [.unrealizedProfit: "unRealizedProfit", .maxNotional: "maxNotionalValue"],
        styles: [.isolatedMargin: .padded(8)],
        seldom: [.breakEvenPrice, .notional, .isolatedWallet, .updateTime])

    /// `P` of ACCOUNT_UPDATE, and `p` of MARGIN_CALL.
    static let changedPosition = FigureLayout<PositionFigure>(
        PositionMode(),
        [
            .symbol, .positionAmt, .entryPrice, .breakEvenPrice, .symbolRealizedProfit, .unrealizedProfit,
            .marginType, .isolatedWallet, .positionSide, .marginAsset,
        ], keys: streamKeys)
    static let calledPosition = FigureLayout<PositionFigure>(
        PositionMode(),
        [
            .symbol, .positionSide, .positionAmt, .marginType, .isolatedWallet, .markPrice, .unrealizedProfit,
            .maintMargin,
        ], keys: streamKeys)

    private static let streamKeys: [PositionFigure: String] = [
        .symbol: "s", .positionSide: "ps", .positionAmt: "pa", .entryPrice: "ep", .breakEvenPrice: "bep",
        .symbolRealizedProfit: "cr", .unrealizedProfit: "up", .marginType: "mt", .isolatedWallet: "iw",
        .markPrice: "mp", .maintMargin: "mm", .marginAsset: "ma",
    ]
}

/// Where formulas are stated.
enum Source {
    private static let api = "Binance USDⓈ-M Futures API"
    static let given =
        "\(api), Account Information V3, https://developers.binance.com/docs/derivatives/"
        + "usds-margined-futures/account/rest-api/Account-Information-V3"
    static let risk = "\(api), Position Information V3"
    static let index = "\(api), Multi-Assets Mode Asset Index"
    static let brackets = "\(api), Notional and Leverage Brackets; FAQ on leverage and margin"
    static let balances = "FAQ on the balances of a USDⓈ-M futures account"
    static let multiAssets = "FAQ on multi-assets mode"
    static let liquidation = "FAQ on the liquidation price of USDⓈ-M futures"
    static let orders = "FAQ on the margin of open orders"
    static let recordings =
        "recorded accounts: freqtrade #11783 (May 2025), Lean pull request #9373 and freqtrade #13328 "
        + "(2026)"
    static let ours = "not published; docs/venues/binance.md"
}
