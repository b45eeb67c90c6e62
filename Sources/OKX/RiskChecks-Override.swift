import JSON
import Ledger
import Venue

/// Fields that can be set by hand (`raise`): all of the balance but identity, as the venue spells them.
enum OverridableField {
    /// Throws `unknownField` for a field that the balance does not have, `invalidField` for a value of
    /// another form; a nil value takes the override away.
    static func check(_ flag: String, asset: String?, value: JSONValue?) throws(Refusal) {
        if asset != nil {
            guard let field = CurrencyFigure(rawValue: flag), field != .ccy,
                CurrencyFigure.balance.contains(field)
            else {
                throw Refusal(
                    .unknownField, "A currency's row has no field \(flag) that can be set.", field: "flag")
            }
            return try form(of: field).check(value, of: flag)
        }
        guard let field = AccountFigure(rawValue: flag), field.isField, field != .details else {
            let isDetail = CurrencyFigure(rawValue: flag)?.isField == true
            throw isDetail
                ? Refusal(.missingField, "\(flag) is a field of an asset; name the asset.", field: "asset")
                : Refusal(.unknownField, "The balance has no field \(flag).", field: "flag")
        }
        try form(of: field).check(value, of: flag)
    }

    private static func form(of field: AccountFigure) -> OverrideForm {
        switch field {
        case .deltaNeutralStatus: .oneOf(["0", "1", "2"])
        case .uTime: .time
        default: .decimalOrEmpty
        }
    }

    static func form(of field: CurrencyFigure) -> OverrideForm {
        switch field {
        case .twap, .colBorrAutoConversion: .oneOf(["0", "1", "2", "3", "4", "5"])
        case .frpType, .colRes: .oneOf(["0", "1", "2"])
        case .autoLendStatus: .oneOf(["unsupported", "off", "pending", "active"])
        case .collateralEnabled, .collateralRestrict: .flag
        case .uTime: .time
        default: .decimalOrEmpty
        }
    }
}
