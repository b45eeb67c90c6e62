import JSON
import Ledger
import Numbers

/// The setting `fees`: `{"spot"|"derivative": {"maker", "taker"}}`. What it does not name is the rulebook's.
public enum FeeSetting {
    /// Its name among the settings.
    public static let name = "fees"

    /// A kind of instrument that has fee rates of its own.
    public enum Market: String, CaseIterable, Sendable {
        case spot
        case derivative

        /// The kind of an instrument.
        public init(of instrument: Instrument) { self = instrument.kind.isDerivative ? .derivative : .spot }
    }

    /// The value to store: every rate in its plain form.
    ///
    /// Throws `invalidField` for another shape and for a rate that is not between −1 and 1; a taker's is not
    /// below 0.
    public static func checked(_ value: JSONValue) throws(Refusal) -> JSONValue {
        guard let members = value.object?.members else {
            throw wrong(name, "an object of spot and derivative")
        }
        var markets: [(key: String, value: JSONValue)] = []
        for (key, value) in members {
            guard Market(rawValue: key) != nil, let rates = value.object?.members else {
                throw wrong("\(name).\(key)", "spot or derivative, each with maker and taker")
            }
            var checked: [(key: String, value: JSONValue)] = []
            for (side, rate) in rates {
                let field = "\(name).\(key).\(side)"
                guard let liquidity = Liquidity(rawValue: side) else { throw wrong(field, "maker or taker") }
                guard let text = rate.text, let number = try? ExactDecimal(share: text),
                    number.magnitude < .one,
                    liquidity == .maker || !number.isNegative
                else {
                    throw wrong(
                        field, "a decimal string between 0 and 1, or a percentage; a maker's may be negative")
                }
                checked.append((side, .string(number.description)))
            }
            markets.append((key, .members(checked)))
        }
        return .members(markets)
    }

    private static func wrong(_ field: String, _ rule: String) -> Refusal {
        Refusal(.invalidField, "settings.\(field) must be \(rule).", field: "settings.\(field)")
    }
}

extension Account {
    /// The account's own fee rate, as a fraction of what is traded; nil where the rulebook's holds.
    public func feeRate(_ market: FeeSetting.Market, _ liquidity: Liquidity) -> ExactDecimal? {
        settings[FeeSetting.name]?[market.rawValue]?[liquidity.rawValue]?.text
            .flatMap { try? ExactDecimal($0) }
    }
}
