import JSON
import Ledger
import Numbers
import Venue

/// The rows of the endpoints around the account.
extension JSONWriter {
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
                leverage: leverage, account.notionalCoefficient
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
