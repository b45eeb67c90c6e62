import JSON
import Ledger
import Numbers
import Venue

/// A field of the account endpoints that the venue decides by means which the ledger does not have.
enum OverridableField: String, OverridableFields {
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

    var isOfAsset: Bool { self == .marginAvailable }

    var form: OverrideForm {
        switch self {
        case .feeTier: .wholeNumber(from: 0, to: 9)
        case .tradeGroupId: .wholeNumber(from: -1)
        case .adl: .wholeNumber(from: 0, to: 4)
        case .notionalCoef: .amount(isPositive: true, to: ExactDecimal(1000))
        case .feeBurn, .canTrade, .canDeposit, .canWithdraw, .marginAvailable: .flag
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
