import JSON
import Ledger
import Numbers

/// The fields that the operator may raise, by the venue's own names.
enum OverridableField: String, CaseIterable {
    /// Account: whether it is under liquidation.
    case isLiquidating = "is_liquidating"
    /// Account, live form: whether the venue sees a risk.
    case hasRisk = "has_risk"
    /// Account, live form: whether it could be closed.
    case terminatable
    /// Account: the maximum position size, in USD.
    case positionLimit = "position_limit"
    /// Row: whether the asset counts as collateral.
    case collateralEligible = "collateral_eligible"
    /// Row: the haircut rate.
    case haircut
    /// Row, live form: the rate that a debt bears.
    case hourlyInterestRate = "hourly_interest_rate"

    private var isOfAsset: Bool {
        switch self {
        case .isLiquidating, .hasRisk, .terminatable, .positionLimit: false
        case .collateralEligible, .haircut, .hourlyInterestRate: true
        }
    }

    /// What its value must be, for the message of a refusal.
    private var valueRule: String {
        switch self {
        case .isLiquidating, .hasRisk, .terminatable, .collateralEligible: "true or false"
        case .positionLimit: "a decimal string of zero or more"
        case .haircut, .hourlyInterestRate: "a decimal string from 0 to 1"
        }
    }

    private func accepts(_ value: JSONValue) -> Bool {
        switch self {
        case .isLiquidating, .hasRisk, .terminatable, .collateralEligible: return value.boolean != nil
        case .positionLimit, .haircut, .hourlyInterestRate:
            guard let text = value.text, let number = try? ExactDecimal(text), !number.isNegative else {
                return false
            }
            return self == .positionLimit || number <= .one
        }
    }

    /// Throws a refusal for a field that the venue does not have, an asset where none belongs (or none where
    /// one does), and a value of the wrong type. A nil value lifts the field.
    static func check(_ flag: String, asset: String?, value: JSONValue?) throws(Refusal) {
        guard let field = OverridableField(rawValue: flag) else {
            let names = allCases.map(\.rawValue).joined(separator: ", ")
            throw Refusal(
                .invalidField, "Crypto.com has no field \(flag) to raise; there are \(names).", field: "flag")
        }
        guard field.isOfAsset == (asset != nil) else {
            throw field.isOfAsset
                ? Refusal(.missingField, "\(flag) is a field of an asset; name one.", field: "asset")
                : Refusal(
                    .invalidField, "\(flag) is a field of the account, not of an asset.", field: "asset")
        }
        guard let value, !field.accepts(value) else { return }
        throw Refusal(.invalidField, "\(flag) must be \(field.valueRule).", field: "value")
    }
}
