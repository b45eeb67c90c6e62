import Ledger
import Numbers

// What an audit works out of a row of an answer in ways of its own: from rows of other answers, at prices and
// contract values that the row implies, of orders as the venue lists them. What the row tells in full is held
// against the definition that serves it (`Figures-….swift`).

/// Formulas over numbers of answers.
///
/// Amounts are exact fractions, prices and rates exact decimals: nothing is rounded on the way.
enum Figures {}

// MARK: - One currency, in the currency itself

extension Figures {
    /// `isoEq`: what isolated positions are worth = isolated margin + isolated unrealized profit.
    static func isolatedEquity(
        margin: ExactFraction, unrealized: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try margin + unrealized
    }

    /// What an open spot order would pay: open size × limit price of the quote (buy), open size of the base
    /// (sell).
    static func spotOrder(
        remaining: ExactDecimal, price: ExactDecimal, isBuy: Bool
    ) throws(NumberError) -> ExactFraction {
        isBuy ? try ExactFraction(remaining).times(price) : ExactFraction(remaining)
    }

    /// What an open spot order holds: what it would pay, and its estimated fee of that.
    static func spotOrderHeld(paid: ExactFraction, fee: ExactFraction) throws(NumberError) -> ExactFraction {
        try paid + fee
    }

    /// `notionalLever`: value of cross positions ÷ (cashBal + cross unrealized profit); nil, printed "",
    /// where that sum is not above 0. A choice at that edge.
    static func notionalLeverage(
        notional: ExactFraction, cash: ExactFraction, crossUnrealized: ExactFraction
    ) throws(NumberError) -> ExactFraction? {
        let backing = try cash + crossUnrealized
        if notional.isZero { return .zero }
        guard backing.isPositive else { return nil }
        return ratio(notional, to: backing)
    }
}

// MARK: - One currency, in USD

extension Figures {
    /// `eqUsd`: eq × index price, signed, undiscounted.
    static func equityUSD(_ equity: ExactFraction, index: ExactDecimal) throws(NumberError) -> ExactFraction {
        try equity.times(index)
    }
}

// MARK: - Spot trades

extension Figures {
    /// `spotUpl`: spotBal × index − cost at the moving average. Signed.
    static func spotUnrealized(_ cost: SpotCost, index: ExactDecimal) throws(NumberError) -> ExactFraction {
        try ExactFraction(cost.quantity).times(index) - ExactFraction(cost.openCost)
    }

    /// `spotUplRatio`: (index − openAvgPx) ÷ openAvgPx, as a fraction; nil where nothing was paid.
    static func spotUnrealizedRatio(
        _ cost: SpotCost, index: ExactDecimal
    ) throws(NumberError) -> ExactFraction? {
        try ratio(spotUnrealized(cost, index: index), to: ExactFraction(cost.openCost))
    }

    /// `totalPnl`: spotBal × index − purchases + sales. Signed.
    static func spotTotal(_ cost: SpotCost, index: ExactDecimal) throws(NumberError) -> ExactFraction {
        try ExactFraction(cost.quantity).times(index) - spotPaid(cost)
    }

    /// `totalPnlRatio`: totalPnl ÷ (purchases − sales), as a fraction; nil where they are equal.
    static func spotTotalRatio(_ cost: SpotCost, index: ExactDecimal) throws(NumberError) -> ExactFraction? {
        try ratio(spotTotal(cost, index: index), to: spotPaid(cost))
    }

    /// What spot trades have cost on balance: purchases − sales.
    private static func spotPaid(_ cost: SpotCost) throws(NumberError) -> ExactFraction {
        ExactFraction(try cost.boughtValue - cost.soldValue)
    }
}

// MARK: - Positions and orders

extension Figures {
    /// Size of a position or order: contracts × contract value; in the underlying (linear) or in USD
    /// (inverse). Signed like the quantity.
    static func size(contracts: ExactDecimal, value: ExactDecimal) throws(NumberError) -> ExactFraction {
        try ExactFraction(contracts).times(value)
    }

    /// What a position or order is worth in its settlement currency at a price: size × price (linear), size ÷
    /// price (inverse). Signed like the size.
    static func notional(
        size: ExactFraction, isInverse: Bool, price: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        isInverse ? try size.over(price) : try size.times(price)
    }

    /// The same in USD: × index price of the settlement currency (linear); quantity × contract value itself
    /// (inverse), which is counted in USD.
    static func notionalUSD(
        size: ExactFraction, notional: ExactFraction, isInverse: Bool, settlementIndex: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        isInverse ? size : try notional.times(settlementIndex)
    }

    /// Unrealized profit in the settlement currency, at mark: notional − cost × contract value (linear), cost
    /// × contract value − notional (inverse). Signed.
    static func unrealized(
        notional: ExactFraction, costValue: ExactFraction, isInverse: Bool
    ) throws(NumberError) -> ExactFraction {
        isInverse ? try costValue - notional : try notional - costValue
    }

    /// `imr` of a position or order: notional ÷ leverage, of the magnitude; full, without netting.
    static func initialMargin(
        notional: ExactFraction, leverage: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try notional.magnitude.over(leverage)
    }

    /// `mmr` of a position: notional × maintenance rate of the tier that the whole position stands in.
    static func maintenanceMargin(
        notional: ExactFraction, rate: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try notional.magnitude.times(rate)
    }

    /// Fee of liquidating a position: notional × taker rate.
    static func liquidationFee(
        notional: ExactFraction, rate: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try notional.magnitude.times(rate)
    }

    /// Estimated fee of an open spot order: what it would pay × order fee rate.
    static func orderFee(
        notional: ExactFraction, rate: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        rate.isZero ? .zero : try notional.magnitude.times(rate)
    }

    /// `mgnRatio` of an isolated position: isoEq ÷ (maintenance margin + liquidation fee); nil at a zero
    /// denominator. Exact on recordings.
    static func isolatedMarginRatio(
        equity: ExactFraction, maintenance: ExactFraction, liquidationFee: ExactFraction
    ) throws(NumberError) -> ExactFraction? {
        try ratio(equity, to: maintenance + liquidationFee)
    }

    /// A quotient that is only shown; nil, printed "", at a zero denominator, and where it is out of the
    /// range of numbers, so that next to nothing in a denominator does not take the whole answer away.
    static func ratio(_ amount: ExactFraction, to denominator: ExactFraction) -> ExactFraction? {
        denominator.isZero ? nil : try? amount.over(denominator)
    }

    /// Prices from 10¹⁵ on are none: an inverse short whose margin is its value at entry cannot be
    /// liquidated, and all that the denominator then holds is the rounding of the booked cost. A choice.
    static let priceLimit = ExactFraction(ExactDecimal(1_000_000_000_000_000))

    /// The price x at which an amount with a position's unrealized profit is worth so much of its size:
    /// amount + profit(x) = requiredSize at x. Nil where no price above 0 and below the limit does it.
    ///
    /// x = (cost − amount) ÷ (size − requiredSize) for a linear contract, (size + requiredSize) ÷ (amount +
    /// cost) for an inverse one; size and cost are signed.
    static func price(
        whereProfitWith amount: ExactFraction, isWorth requiredSize: ExactFraction, size: ExactFraction,
        costValue: ExactFraction, isInverse: Bool
    ) throws(NumberError) -> ExactFraction? {
        let numerator = isInverse ? try size + requiredSize : try costValue - amount
        let denominator = isInverse ? try amount + costValue : try size - requiredSize
        guard let price = ratio(numerator, to: denominator), price.isPositive, price < priceLimit else {
            return nil
        }
        return price
    }

    /// `liqPx` of an isolated position: the mark at which margin + unrealized profit is what must be
    /// maintained with the liquidation fee, `requiredSize` = |size| × (maintenance rate + fee rate), moved by
    /// `shift` towards the position's own side: up for a long one, down for a short one. To 16 significant
    /// digits, half up, at most 16 places. Exact on recordings.
    static func isolatedLiquidationPrice(
        size: ExactFraction, costValue: ExactFraction, margin: ExactFraction, requiredSize: ExactFraction,
        isInverse: Bool, shift: ExactDecimal
    ) throws(NumberError) -> ExactDecimal? {
        let solution = try price(
            whereProfitWith: margin, isWorth: requiredSize, size: size, costValue: costValue,
            isInverse: isInverse)
        guard let solution else { return nil }
        let price = try solution + ExactFraction(size.isNegative ? -shift : shift)
        return price.isPositive ? try price.significant : nil
    }

    /// `bePx`: the price at which closing would leave nothing: what the position has realised, fees and
    /// funding included, and its unrealized profit pay the fee of closing. Exact on recordings.
    static func breakEvenPrice(
        size: ExactFraction, costValue: ExactFraction, realised: ExactFraction, feeRate: ExactDecimal,
        isInverse: Bool
    ) throws(NumberError) -> ExactFraction? {
        try price(
            whereProfitWith: realised, isWorth: size.magnitude.times(feeRate), size: size,
            costValue: costValue, isInverse: isInverse)
    }

    /// `uplRatio`: unrealized profit ÷ initial margin at entry (notional at entry ÷ leverage); nil for no
    /// cost. Exact on recordings.
    static func unrealizedRatio(
        unrealized: ExactFraction, costValue: ExactFraction, leverage: ExactDecimal
    ) throws(NumberError) -> ExactFraction? {
        try ratio(unrealized.times(leverage), to: costValue.magnitude)
    }
}

// MARK: - The account, in USD

extension Figures {
    /// Maintenance margin of borrowing: USD × rate.
    static func borrowMaintenance(
        _ borrowingUSD: ExactFraction, rate: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        borrowingUSD.isZero ? .zero : try borrowingUSD.times(rate)
    }

    /// Fee of liquidating a loan: USD × (1 + maintenance rate) × fee rate. Exact on a recording.
    static func borrowLiquidationFee(
        _ borrowingUSD: ExactFraction, maintenanceRate: ExactDecimal, feeRate: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        if borrowingUSD.isZero { return .zero }
        return try borrowingUSD.times(.one + maintenanceRate).times(feeRate)
    }
}

extension ExactFraction {
    /// The number as the venue prints a price that it has worked out: half up to 16 significant digits and
    /// at most 16 places.
    var significant: ExactDecimal {
        get throws(NumberError) {
            var places = 16
            var limit = ExactFraction.one
            while places > 0, magnitude >= limit {
                places -= 1
                limit = try limit.times(ExactDecimal(10))
            }
            return try rounded(places: places, rounding: .halfUp)
        }
    }
}

// MARK: - Spot pairs on margin

// All is in the currency of the margin (OKX API documentation, Get positions; help pages on isolated and
// cross margin).

extension Figures {
    /// An amount of one asset of a pair, worth in the pair's base or quote: × price or ÷ price where that is
    /// the other one.
    static func amount(
        _ amount: ExactFraction, isBase: Bool, inBase: Bool, price: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        if isBase == inBase { return amount }
        return isBase ? try amount.times(price) : try amount.over(price)
    }

    /// `upl` of a margin position: what it has − what it owes − its margin, which is part of what it has.
    static func marginUnrealized(
        held: ExactFraction, owed: ExactFraction, margin: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try held - owed - margin
    }

    /// `uplRatio` of a margin position: unrealized profit ÷ margin (isolated) or initial margin (cross); nil
    /// without one.
    static func marginUnrealizedRatio(
        unrealized: ExactFraction, margin: ExactFraction
    ) -> ExactFraction? {
        ratio(unrealized, to: margin)
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
