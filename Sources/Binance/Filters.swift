import JSON
import Ledger
import Numbers
import Venue

/// Limits that orders are checked by and `exchangeInfo` tells: each is said here alone.
enum Filters {
    /// PERCENT_PRICE: how far above, and how far below, a reference price a limit may be, as factors.
    static let multiplierUp = "1.0500"
    static let multiplierDown = "0.9500"
    /// MAX_NUM_ORDERS: the most orders that an account may have open.
    static let openOrders = 200
    /// The most conditional orders that an account may have waiting.
    static let conditionalOrders = 200
    /// `maxMoveOrderLimit`: how often an order may be amended.
    static let amendments: Int64 = 10_000
    /// `triggerProtect`: how far mark and last price may be apart when a protected conditional order fires.
    static let triggerProtect = "0.0500"
    /// PRICE_FILTER and LOT_SIZE of a symbol that the rulebook has no limits of. A choice.
    static let most = "1000000"
}

extension SymbolRules {
    /// The lowest and the highest limit, the largest limit order and the largest market order: the
    /// rulebook's where it has them, else the tick and a million of each.
    struct Limits: Sendable {
        let minimumPrice: String
        let maximumPrice: String
        let maximumQuantity: String
        let maximumMarketQuantity: String

        init(tick: String, reading entry: FieldReader) throws(Refusal) {
            func number(_ field: String, else fallback: String) throws(Refusal) -> String {
                try entry.optional(field, entry.decimalText) ?? fallback
            }
            minimumPrice = try number("minimum_price", else: tick)
            maximumPrice = try number("maximum_price", else: Filters.most)
            maximumQuantity = try number("maximum_quantity", else: Filters.most)
            maximumMarketQuantity = try number("maximum_market_quantity", else: Filters.most)
        }
    }

    /// Whether a number is a multiple of a step, counted from another.
    static func isOnStep(_ number: ExactDecimal, _ step: String, from start: String = "0") -> Bool {
        guard let step = try? ExactDecimal(step), let start = try? ExactDecimal(start),
            let distance = try? number - start
        else { return false }
        return distance.isMultiple(of: step)
    }

    /// The price beyond which no limit of a side may be, as PERCENT_PRICE has it: a factor of a reference
    /// price, cut to the tick. Nil where it does not fit.
    func bound(_ isBuy: Bool, around price: ExactDecimal) -> ExactDecimal? {
        guard let factor = try? ExactDecimal(isBuy ? Filters.multiplierUp : Filters.multiplierDown),
            let tick = try? ExactDecimal(tickSize),
            let bound = try? price.times(factor, rounding: .halfEven)
        else { return nil }
        return try? bound.rounded(toMultipleOf: tick, .towardZero)
    }
}
