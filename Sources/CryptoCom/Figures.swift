import Numbers
import Venue

/// What more than one object's definitions say, and how amounts are cut.
enum Figures {
    /// An amount as shown: 8 places, cut toward zero.
    static func shownAmount(_ amount: ExactDecimal) -> ExactDecimal { amount.cut(places: 8) }

    /// The leverage of an isolated position where none is set: the lower of the account's and the product's
    /// maximum, at least 1. A choice.
    static func isolatedLeverage(
        maximumLeverage: ExactDecimal, productLeverage: ExactDecimal
    ) -> ExactDecimal {
        max(.one, min(maximumLeverage, productLeverage))
    }

    /// A haircut rate: the least, or the growth with size where that is more, at most 1; none of a debt. The
    /// growth is off unless the rulebook has a rate.
    static func haircutRate(
        of quantity: ExactFraction, least: ExactFraction, growth: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        if quantity.isNegative { return .zero }
        let bySize = try quantity * growth
        return bySize >= .one ? .one : max(least, try PrintForm.up(ExactDecimal.places).of(bySize))
    }
}
