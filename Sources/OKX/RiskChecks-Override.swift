import JSON
import Ledger
import Numbers

/// Fields that can be set by hand (`raise`): all of the balance but identity, as the venue spells them.
enum OverridableField {
    /// What a field's value must look like.
    enum Form: Sendable, Equatable {
        /// A decimal as text, or "".
        case decimal
        /// One of these texts.
        case oneOf([String])
        /// true or false.
        case boolean
        /// Milliseconds as text.
        case time
    }

    /// Throws `unknownField` for a field that the balance does not have, `invalidField` for a value of
    /// another form; `value` nil lifts the field.
    static func check(_ flag: String, asset: String?, value: JSONValue?) throws(Refusal) {
        let form: Form
        if asset == nil {
            guard let field = AccountFigure(rawValue: flag), field.isField, field != .details else {
                let isDetail = CurrencyFigure(rawValue: flag)?.isField == true
                throw isDetail
                    ? Refusal(
                        .missingField, "\(flag) is a field of one currency; name the asset.", field: "asset")
                    : Refusal(.unknownField, "The balance has no field \(flag).", field: "flag")
            }
            form = self.form(of: field)
        } else {
            guard let field = CurrencyFigure(rawValue: flag), field != .ccy,
                CurrencyFigure.balance.contains(field)
            else {
                throw Refusal(
                    .unknownField, "A currency's row has no field \(flag) that can be set.", field: "flag")
            }
            form = self.form(of: field)
        }
        guard let value else { return }
        guard matches(value, form) else {
            throw Refusal(
                .invalidField, "The value of \(flag) must be \(description(of: form)).", field: "value")
        }
    }

    static func form(of field: AccountFigure) -> Form {
        switch field {
        case .deltaNeutralStatus: .oneOf(["0", "1", "2"])
        case .uTime: .time
        default: .decimal
        }
    }

    static func form(of field: CurrencyFigure) -> Form {
        switch field {
        case .twap, .colBorrAutoConversion: .oneOf(["0", "1", "2", "3", "4", "5"])
        case .frpType, .colRes: .oneOf(["0", "1", "2"])
        case .autoLendStatus: .oneOf(["unsupported", "off", "pending", "active"])
        case .collateralEnabled, .collateralRestrict: .boolean
        case .uTime: .time
        default: .decimal
        }
    }

    private static func matches(_ value: JSONValue, _ form: Form) -> Bool {
        switch form {
        case .decimal: value.text.map { $0.isEmpty || (try? ExactDecimal($0)) != nil } ?? false
        case .oneOf(let texts): value.text.map(texts.contains) ?? false
        case .boolean: value.boolean != nil
        case .time: value.text.flatMap { Int64($0) } != nil
        }
    }

    private static func description(of form: Form) -> String {
        switch form {
        case .decimal: "a decimal as text, or an empty text"
        case .oneOf(let texts): "one of the texts " + texts.map { "\"\($0)\"" }.joined(separator: ", ")
        case .boolean: "true or false"
        case .time: "milliseconds since the epoch, as text"
        }
    }
}
