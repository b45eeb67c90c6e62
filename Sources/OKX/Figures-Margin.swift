import Ledger
import Numbers

// Spot pairs on margin: a position has one asset of the pair and owes the other. Everything is worked out in
// the currency of its margin. Source: the documentation's position sample, met digit by digit (long), and the
// help pages on isolated and cross margin (short, and the other currency as margin).

extension Figures {
    /// An amount of one asset of a pair, worth in the pair's base or quote: × price or ÷ price where that is
    /// the other one.
    static func amount(
        _ amount: ExactFraction, isBase: Bool, inBase: Bool, price: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        if isBase == inBase { return amount }
        return isBase ? try amount.times(price) : try amount.over(price)
    }

    /// What an open order of a pair on margin would trade, in the currency of its margin.
    static func traded(by order: OpenOrder, in asset: String) throws(NumberError) -> ExactFraction {
        try amount(
            ExactFraction(order.remaining), isBase: true, inBase: asset == order.instrument.base,
            price: order.price)
    }

    /// `upl` of a margin position: what it has − what it owes − its margin, which is part of what it has.
    static func marginUnrealised(
        held: ExactFraction, owed: ExactFraction, margin: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try held - owed - margin
    }

    /// `uplRatio` of a margin position: unrealised profit ÷ margin (isolated) or initial margin (cross); nil
    /// without one.
    static func marginUnrealisedRatio(
        unrealised: ExactFraction, margin: ExactFraction
    ) -> ExactFraction? {
        ratio(unrealised, to: margin)
    }

    /// What a margin position must not fall below: what it owes × (1 + maintenance rate) × (1 + fee rate).
    static func marginDue(
        owed: ExactFraction, maintenanceRate: ExactDecimal, feeRate: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try owed.times(.one + maintenanceRate).times(.one + feeRate)
    }

    /// `liqPx` of an isolated margin position: where what it has is just what it must not fall below: due ÷
    /// held (long), held ÷ due (short). To 16 significant digits, half up. Without a tick, as the
    /// documentation's sample.
    static func marginLiquidationPrice(
        held: ExactFraction, due: ExactFraction, isLong: Bool
    ) throws(NumberError) -> ExactDecimal? {
        guard held.isPositive, due.isPositive else { return nil }
        let price = isLong ? ratio(due, to: held) : ratio(held, to: due)
        guard let price, price < priceLimit else { return nil }
        return try price.significant
    }
}
