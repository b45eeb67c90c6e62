import Numbers

// MARK: - Positions and orders

extension Figures {
    /// Size of a position or order: contracts × contract value; in the underlying (linear) or in USD
    /// (inverse). Signed like the quantity.
    static func size(contracts: ExactDecimal, value: ExactDecimal) throws(NumberError) -> ExactFraction {
        try ExactFraction(contracts).times(value)
    }

    /// The notional at entry in the settlement currency: the ledger's cost × contract value. Signed.
    static func costValue(
        _ cost: ExactDecimal, contractValue: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try ExactFraction(cost).times(contractValue)
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

    /// Unrealised profit in the settlement currency, at mark: notional − cost × contract value (linear), cost
    /// × contract value − notional (inverse). Signed.
    static func unrealised(
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

    /// Estimated fee of an open contract order: notional at the limit price × order fee rate.
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

    /// The price x at which an amount with a position's unrealised profit is worth so much of its size:
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

    /// `liqPx` of an isolated position: the mark at which margin + unrealised profit is what must be
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
    /// funding included, and its unrealised profit pay the fee of closing. Exact on recordings.
    static func breakEvenPrice(
        size: ExactFraction, costValue: ExactFraction, realised: ExactFraction, feeRate: ExactDecimal,
        isInverse: Bool
    ) throws(NumberError) -> ExactFraction? {
        try price(
            whereProfitWith: realised, isWorth: size.magnitude.times(feeRate), size: size,
            costValue: costValue, isInverse: isInverse)
    }

    /// `uplRatio`: unrealised profit ÷ initial margin at entry (notional at entry ÷ leverage); nil for no
    /// cost. Exact on recordings.
    static func unrealisedRatio(
        unrealised: ExactFraction, costValue: ExactFraction, leverage: ExactDecimal
    ) throws(NumberError) -> ExactFraction? {
        try ratio(unrealised.times(leverage), to: costValue.magnitude)
    }
}

// MARK: - The account, in USD

extension Figures {
    /// `adjEq`: Σ disEq − order loss − order fees; the order loss is taken as 0 (decision OKX 5). Signed.
    static func adjustedEquity(
        discounted: ExactFraction, orderFees: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try discounted - orderFees
    }

    /// `imr`: margin of cross positions + ordFroz + borrowFroz. Exact on a recording.
    static func initialMarginRequirement(
        positions: ExactFraction, orders: ExactFraction, borrowing: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try positions + orders + borrowing
    }

    /// Maintenance margin of borrowing: USD × rate.
    static func borrowMaintenance(
        _ borrowingUSD: ExactFraction, rate: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        borrowingUSD.isZero ? .zero : try borrowingUSD.times(rate)
    }

    /// `mmr`: maintenance margin of cross positions + of borrowing. Exact on a recording.
    static func maintenanceMarginRequirement(
        positions: ExactFraction, borrowing: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try positions + borrowing
    }

    /// Fee of liquidating a loan: USD × (1 + maintenance rate) × fee rate. Exact on a recording.
    static func borrowLiquidationFee(
        _ borrowingUSD: ExactFraction, maintenanceRate: ExactDecimal, feeRate: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        if borrowingUSD.isZero { return .zero }
        return try borrowingUSD.times(.one + maintenanceRate).times(feeRate)
    }

    /// `availEq`: adjEq − imr − disEq of currencies whose collateral is restricted; not floored. Exact on a
    /// recording without restricted currencies.
    static func availableEquity(
        adjusted: ExactFraction, initialMargin: ExactFraction, restricted: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try adjusted - initialMargin - restricted
    }

    /// `mgnRatio`: adjEq ÷ (mmr + liquidation fees), a pure ratio; nil, printed "", where the denominator is
    /// 0.
    ///
    /// The documentation's prose says adjEq ÷ mmr; a recording and the documentation's own sample contradict
    /// it.
    static func marginRatio(
        adjusted: ExactFraction, maintenance: ExactFraction, liquidationFees: ExactFraction
    ) throws(NumberError) -> ExactFraction? {
        try ratio(adjusted, to: maintenance + liquidationFees)
    }

    /// `notionalUsd`: borrowing + swaps + futures + options, isolated positions among them. Exact on a
    /// recording.
    static func notionalUSD(
        borrowing: ExactFraction, swaps: ExactFraction, futures: ExactFraction, options: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try borrowing + swaps + futures + options
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
