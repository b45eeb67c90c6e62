import Numbers
import Venue

/// The fields that the operator may raise, by the venue's own names.
enum OverridableField: String, OverridableFields {
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

    var isOfAsset: Bool {
        switch self {
        case .isLiquidating, .hasRisk, .terminatable, .positionLimit: false
        case .collateralEligible, .haircut, .hourlyInterestRate: true
        }
    }

    var form: OverrideForm {
        switch self {
        case .isLiquidating, .hasRisk, .terminatable, .collateralEligible: .flag
        case .positionLimit: .amount()
        case .haircut, .hourlyInterestRate: .amount(to: .one)
        }
    }
}
