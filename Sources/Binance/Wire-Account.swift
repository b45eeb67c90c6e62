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
        member("symbol", symbol.name)
        switch marginMode {
        case .cross: member("marginType", literal: "CROSSED")
        case .isolated: member("marginType", literal: "ISOLATED")
        }
        member("isAutoAddMargin", false)
        member("leverage", number: leverage)
        member(
            "maxNotionalValue",
            try symbol.maximumNotional(
                leverage: leverage, account.notionalCoefficient
            ).description)
        endObject()
    }

    /// An element of `leverageBracket`: everything is a number.
    mutating func brackets(of symbol: SymbolRules, coefficient: ExactDecimal) throws(NumberError) {
        beginObject()
        member("symbol", symbol.name)
        if coefficient != .one {
            member("notionalCoef", number: coefficient)
        }
        beginArray("brackets")
        for bracket in symbol.brackets {
            let scaled = try bracket.scaled(by: coefficient)
            beginObject()
            member("bracket", Int64(scaled.number))
            member("initialLeverage", number: scaled.initialLeverage)
            member("notionalCap", number: scaled.notionalCap)
            member("notionalFloor", number: scaled.notionalFloor)
            member("maintMarginRatio", number: scaled.maintenanceRate)
            member("cum", number: scaled.cumulative)
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
            member("coin", asset.name)
            member("depositAllEnable", true)
            member("withdrawAllEnable", true)
            member("name", asset.fullName)
            member("free", literal: "0")
            member("locked", literal: "0")
            member("freeze", literal: "0")
            member("withdrawing", literal: "0")
            member("ipoing", literal: "0")
            member("ipoable", literal: "0")
            member("storage", literal: "0")
            member("isLegalMoney", false)
            member("trading", true)
            beginArray("networkList")
            endArray()
            endObject()
        }
        endArray()
    }
}
