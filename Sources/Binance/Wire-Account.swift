import JSON
import Ledger
import Numbers
import Venue

/// The rows of the endpoints around the account.
extension JSONWriter {
    /// An element of `balance`: `balance` is the wallet balance.
    mutating func balance(_ row: BinanceAssetRow, alias: String) {
        beginObject()
        text("accountAlias", alias)
        text("asset", row.asset)
        amount("balance", row.walletBalance)
        amount("crossWalletBalance", row.crossWalletBalance)
        amount("crossUnPnl", row.crossUnPnl)
        amount("availableBalance", row.availableBalance)
        amount("maxWithdrawAmount", row.maxWithdrawAmount)
        bool("marginAvailable", row.marginAvailable)
        integer("updateTime", row.updateTime)
        endObject()
    }

    /// Entry and break-even price of a row; `"0.0"` without a position.
    private mutating func entryPrices(_ row: BinancePositionRow) throws(NumberError) {
        let prices = try row.entryPrices()
        entryPrice("entryPrice", prices.entry)
        entryPrice("breakEvenPrice", prices.breakEven)
    }

    /// Notional of the open bids and asks, which the documents tell to ignore.
    private mutating func orderNotionals(_ row: BinancePositionRow) {
        bareAmount("bidNotional", row.openBuys.cut(places: BinanceFigures.places))
        bareAmount("askNotional", row.openSells.cut(places: BinanceFigures.places))
    }

    /// An element of V2's `positions`.
    mutating func positionRow2(
        _ row: BinancePositionRow, account: Account
    ) throws(NumberError) {
        beginObject()
        text("symbol", row.symbol)
        bareAmount("initialMargin", row.initialMargin)
        bareAmount("maintMargin", row.maintMargin)
        amount("unrealizedProfit", row.unrealizedProfit)
        bareAmount("positionInitialMargin", row.positionInitialMargin)
        bareAmount("openOrderInitialMargin", row.openOrderInitialMargin)
        text("leverage", row.leverage.description)
        bool("isolated", row.marginMode == .isolated)
        try entryPrices(row)
        text(
            "maxNotional",
            try row.rules.maximumNotional(
                leverage: row.leverage, coefficient: account.notionalCoefficient
            ).description)
        positionSide(row.side)
        positionAmount(row)
        bareAmount("notional", row.notional)
        bareAmount("isolatedWallet", row.isolatedWallet)
        integer("updateTime", row.updateTime)
        orderNotionals(row)
        endObject()
    }

    /// An element of `/fapi/v3/positionRisk`. Sheet 3.3.
    mutating func positionRisk3(
        _ row: BinancePositionRow, liquidationPrice: ExactDecimal, account: Account
    ) throws(NumberError) {
        beginObject()
        text("symbol", row.symbol)
        positionSide(row.side)
        positionAmount(row)
        try entryPrices(row)
        amount("markPrice", row.markPrice.cut(places: BinanceFigures.places))
        amount("unRealizedProfit", row.unrealizedProfit)
        bareAmount("liquidationPrice", liquidationPrice)
        bareAmount("isolatedMargin", row.isolatedMargin)
        bareAmount("notional", row.notional)
        text("marginAsset", row.marginAsset)
        bareAmount("isolatedWallet", row.isolatedWallet)
        bareAmount("initialMargin", row.initialMargin)
        bareAmount("maintMargin", row.maintMargin)
        bareAmount("positionInitialMargin", row.positionInitialMargin)
        bareAmount("openOrderInitialMargin", row.openOrderInitialMargin)
        integer("adl", account.raisedInteger(.adl, fallback: 0))
        orderNotionals(row)
        integer("updateTime", row.updateTime)
        endObject()
    }

    /// An element of `/fapi/v2/positionRisk`: with leverage and margin type, without margins.
    mutating func positionRisk2(
        _ row: BinancePositionRow, liquidationPrice: ExactDecimal, account: Account
    ) throws(NumberError) {
        beginObject()
        text("symbol", row.symbol)
        positionAmount(row)
        try entryPrices(row)
        amount("markPrice", row.markPrice.cut(places: BinanceFigures.places))
        amount("unRealizedProfit", row.unrealizedProfit)
        bareAmount("liquidationPrice", liquidationPrice)
        text("leverage", row.leverage.description)
        text(
            "maxNotionalValue",
            try row.rules.maximumNotional(
                leverage: row.leverage, coefficient: account.notionalCoefficient
            ).description)
        text("marginType", row.marginMode.rawValue)
        amount("isolatedMargin", row.isolatedMargin)
        literal("isAutoAddMargin", "false")
        positionSide(row.side)
        bareAmount("notional", row.notional)
        bareAmount("isolatedWallet", row.isolatedWallet)
        integer("updateTime", row.updateTime)
        endObject()
    }

    /// An element of `symbolConfig`: leverage is a number here, and `isAutoAddMargin` a boolean, as strict
    /// clients of the venue read it; positionRisk of version 2 has it as a text.
    mutating func symbolConfig(
        _ symbol: SymbolRules, _ account: Account, _ rules: RuleTable
    ) throws(NumberError) {
        let marginMode = account.marginMode(ofSymbol: symbol.name) ?? .cross
        let leverage = account.leverage(of: symbol, rules)
        beginObject()
        text("symbol", symbol.name)
        switch marginMode {
        case .cross: literal("marginType", "CROSSED")
        case .isolated: literal("marginType", "ISOLATED")
        }
        bool("isAutoAddMargin", false)
        key("leverage")
        number(leverage)
        text(
            "maxNotionalValue",
            try symbol.maximumNotional(
                leverage: leverage, coefficient: account.notionalCoefficient
            ).description)
        endObject()
    }

    /// An element of `leverageBracket`: everything is a number.
    mutating func brackets(of symbol: SymbolRules, coefficient: ExactDecimal) throws(NumberError) {
        beginObject()
        text("symbol", symbol.name)
        if coefficient != .one {
            key("notionalCoef")
            number(coefficient)
        }
        key("brackets")
        beginArray()
        for bracket in symbol.brackets {
            let scaled = try bracket.scaled(by: coefficient)
            beginObject()
            integer("bracket", Int64(scaled.number))
            key("initialLeverage")
            number(scaled.initialLeverage)
            key("notionalCap")
            number(scaled.notionalCap)
            key("notionalFloor")
            number(scaled.notionalFloor)
            key("maintMarginRatio")
            number(scaled.maintenanceRate)
            key("cum")
            number(scaled.cumulative)
            endObject()
        }
        endArray()
        endObject()
    }

    /// `capital/config/getall`: the coins of the rulebook. There is no spot wallet here, so nothing of them
    /// is held and no network is named.
    mutating func walletCoins(_ rules: RuleTable) {
        beginArray()
        for asset in rules.assets {
            beginObject()
            text("coin", asset.name)
            bool("depositAllEnable", true)
            bool("withdrawAllEnable", true)
            text("name", asset.fullName)
            literal("free", "0")
            literal("locked", "0")
            literal("freeze", "0")
            literal("withdrawing", "0")
            literal("ipoing", "0")
            literal("ipoable", "0")
            literal("storage", "0")
            bool("isLegalMoney", false)
            bool("trading", true)
            key("networkList")
            beginArray()
            endArray()
            endObject()
        }
        endArray()
    }
}
