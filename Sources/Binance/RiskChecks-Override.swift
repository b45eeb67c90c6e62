import JSON
import Ledger
import Numbers
import Venue

/// A field of the account endpoints that the venue decides by means which the ledger does not have.
enum OverridableField: String, CaseIterable {
    case feeTier
    case feeBurn
    case canTrade
    case canDeposit
    case canWithdraw
    case tradeGroupId
    case notionalCoef
    case adl
    /// Per asset.
    case marginAvailable

    /// Whether it belongs to an asset rather than to the account.
    var isPerAsset: Bool { self == .marginAvailable }

    /// What its value must be, in words.
    var expected: String {
        switch self {
        case .feeTier: "a whole number from 0 to 9"
        case .tradeGroupId: "a whole number of at least -1"
        case .adl: "a whole number from 0 to 4"
        case .notionalCoef: "a decimal above zero and at most 1000, written as a text"
        case .feeBurn, .canTrade, .canDeposit, .canWithdraw, .marginAvailable: "true or false"
        }
    }

    func accepts(_ value: JSONValue) -> Bool {
        switch self {
        case .feeTier: value.integer.map { (0...9).contains($0) } ?? false
        case .tradeGroupId: value.integer.map { $0 >= -1 } ?? false
        case .adl: value.integer.map { (0...4).contains($0) } ?? false
        case .notionalCoef:
            value.text.flatMap { try? ExactDecimal($0) }.map { $0.isPositive && $0 <= ExactDecimal(1000) }
                ?? false
        case .feeBurn, .canTrade, .canDeposit, .canWithdraw, .marginAvailable: value.boolean != nil
        }
    }
}

extension BinanceVenue {
    func checkOverride(_ flag: String, _ asset: String?, _ value: JSONValue?) throws(Refusal) {
        guard let field = OverridableField(rawValue: flag) else {
            let names = OverridableField.allCases.map(\.rawValue).joined(separator: ", ")
            throw Refusal(.invalidField, "\(flag) cannot be raised at Binance; \(names) can.", field: "flag")
        }
        if field.isPerAsset, asset == nil {
            throw Refusal(.missingField, "\(flag) is a field of an asset; name the asset.", field: "asset")
        }
        if !field.isPerAsset, asset != nil {
            throw Refusal(
                .invalidField, "\(flag) is a field of the account, not of an asset.", field: "asset")
        }
        if let value, !field.accepts(value) {
            throw Refusal(.invalidField, "\(flag) must be \(field.expected).", field: "value")
        }
    }
}

extension Account {
    func overriddenFlag(_ field: OverridableField, fallback: Bool) -> Bool {
        overridden(field.rawValue)?.boolean ?? fallback
    }

    func overriddenInteger(_ field: OverridableField, fallback: Int64) -> Int64 {
        overridden(field.rawValue)?.integer ?? fallback
    }
}
