import JSON
import Ledger
import Numbers

/// The account setting `fees`: rates of the account's own in place of the rulebook's,
/// `{"spot"|"derivative": {"maker": …, "taker": …}}` (contract, section 4).
public enum TradingFees {
    /// The setting's name.
    public static let setting = "fees"

    private static let kinds = ["spot", "derivative"]

    /// The setting's value if it is one. Throws `unknownField` and `invalidField` that name the part at
    /// fault.
    public static func checked(_ value: JSONValue) throws(Refusal) -> JSONValue {
        guard let kinds = value.object else { throw wrong("settings.fees", "an object") }
        for (kind, rates) in kinds.members {
            let field = "settings.fees.\(kind.prefix(64))"
            guard Self.kinds.contains(kind) else {
                throw Refusal(.unknownField, "fees are of spot and derivative.", field: field)
            }
            guard let rates = rates.object else { throw wrong(field, "an object with maker and taker") }
            for (name, rate) in rates.members {
                let field = "\(field).\(name.prefix(64))"
                guard Liquidity(rawValue: name) != nil else {
                    throw Refusal(.unknownField, "Fee rates are maker and taker.", field: field)
                }
                guard let text = rate.text, let number = try? ExactDecimal(text), number.magnitude < .one
                else { throw wrong(field, "a decimal between -1 and 1 as a text, such as \"0.0005\"") }
            }
        }
        return value
    }

    /// An account's rate for an instrument: its own where it has one, else the rulebook's.
    public static func rate(
        _ liquidity: Liquidity, of instrument: Instrument, in account: Account, rulebook: ExactDecimal
    ) -> ExactDecimal {
        guard let fees = account.settings[setting] else { return rulebook }
        let kind = instrument.kind.isDerivative ? "derivative" : "spot"
        return fees[kind]?[liquidity.rawValue]?.text.flatMap { try? ExactDecimal($0) } ?? rulebook
    }

    private static func wrong(_ field: String, _ expected: String) -> Refusal {
        Refusal(.invalidField, "\(field) must be \(expected).", field: field)
    }
}
