import Numbers

// MARK: - Positions and orders

extension Figures {
    /// What a position or order is worth in its settlement currency at a price: quantity × contract value ×
    /// price (linear), quantity × contract value ÷ price (inverse). Signed like the quantity. Cut.
    static func notional(
        size: ExactDecimal, isInverse: Bool, price: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        isInverse
            ? try size.over(price, rounding: .towardZero) : try size.times(price, rounding: .towardZero)
    }

    /// The same in USD: × index price of the settlement currency (linear); quantity × contract value itself
    /// (inverse), which is counted in USD. Cut.
    static func notionalUSD(
        size: ExactDecimal, notional: ExactDecimal, isInverse: Bool, settlementIndex: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        isInverse ? size : try notional.times(settlementIndex, rounding: .towardZero)
    }

    /// Unrealised profit in the settlement currency, at mark: notional − cost × contract value (linear), cost
    /// × contract value − notional (inverse). Signed.
    static func unrealised(
        notional: ExactDecimal, costValue: ExactDecimal, isInverse: Bool
    ) throws(NumberError) -> ExactDecimal {
        isInverse ? try costValue - notional : try notional - costValue
    }

    /// `imr` of a position or order: notional ÷ leverage, of the magnitude; full, without netting. Cut.
    static func initialMargin(
        notional: ExactDecimal, leverage: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try notional.magnitude.over(leverage, rounding: .towardZero)
    }

    /// `mmr` of a position: notional × maintenance rate of the tier that the whole position stands in. Cut.
    static func maintenanceMargin(
        notional: ExactDecimal, rate: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try notional.magnitude.times(rate, rounding: .towardZero)
    }

    /// Fee of liquidating a position: notional × taker rate. Cut.
    static func liquidationFee(
        notional: ExactDecimal, rate: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try notional.magnitude.times(rate, rounding: .towardZero)
    }

    /// Estimated fee of an open contract order: notional at the limit price × order fee rate. Cut.
    static func orderFee(
        notional: ExactDecimal, rate: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        rate.isZero ? .zero : try notional.magnitude.times(rate, rounding: .towardZero)
    }

    /// `mgnRatio` of an isolated position: isoEq ÷ (maintenance margin + liquidation fee); nil at a zero
    /// denominator. A choice: the positions page gives no formula. Cut.
    static func isolatedMarginRatio(
        equity: ExactDecimal, maintenance: ExactDecimal, liquidationFee: ExactDecimal
    ) throws(NumberError) -> ExactDecimal? {
        let denominator = try maintenance + liquidationFee
        guard !denominator.isZero else { return nil }
        return try equity.over(denominator, rounding: .towardZero)
    }

    /// `uplRatio`: unrealised profit ÷ initial margin at entry (notional at entry ÷ leverage); nil for no
    /// cost. A choice. Cut.
    static func unrealisedRatio(
        unrealised: ExactDecimal, costValue: ExactDecimal, leverage: ExactDecimal
    ) throws(NumberError) -> ExactDecimal? {
        guard !costValue.isZero else { return nil }
        return try unrealised.times(leverage, over: costValue.magnitude, rounding: .towardZero)
    }
}

// MARK: - The account, in USD

extension Figures {
    /// `adjEq`: Σ disEq − order loss − order fees; the order loss is taken as 0 (decision OKX 5). Signed.
    static func adjustedEquity(
        discounted: ExactDecimal, orderFees: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try discounted - orderFees
    }

    /// `imr`: margin of cross positions + ordFroz + borrowFroz. Exact on a recording.
    static func initialMarginRequirement(
        positions: ExactDecimal, orders: ExactDecimal, borrowing: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try positions + orders + borrowing
    }

    /// Maintenance margin of borrowing: USD × rate. Cut.
    static func borrowMaintenance(
        _ borrowingUSD: ExactDecimal, rate: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        borrowingUSD.isZero ? .zero : try borrowingUSD.times(rate, rounding: .towardZero)
    }

    /// `mmr`: maintenance margin of cross positions + of borrowing. Exact on a recording.
    static func maintenanceMarginRequirement(
        positions: ExactDecimal, borrowing: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try positions + borrowing
    }

    /// Fee of liquidating a loan: USD × (1 + maintenance rate) × fee rate. Exact on a recording. Cut.
    static func borrowLiquidationFee(
        _ borrowingUSD: ExactDecimal, maintenanceRate: ExactDecimal, feeRate: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        if borrowingUSD.isZero { return .zero }
        let rate = try (ExactDecimal.one + maintenanceRate).times(feeRate, rounding: .towardZero)
        return try borrowingUSD.times(rate, rounding: .towardZero)
    }

    /// `availEq`: adjEq − imr − disEq of currencies whose collateral is restricted; not floored. Exact on a
    /// recording without restricted currencies.
    static func availableEquity(
        adjusted: ExactDecimal, initialMargin: ExactDecimal, restricted: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try adjusted - initialMargin - restricted
    }

    /// `mgnRatio`: adjEq ÷ (mmr + liquidation fees), a pure ratio; nil, printed "", where the denominator is
    /// 0.
    ///
    /// The documentation's prose says adjEq ÷ mmr; a recording and the documentation's own sample contradict
    /// it.
    static func marginRatio(
        adjusted: ExactDecimal, maintenance: ExactDecimal, liquidationFees: ExactDecimal
    ) throws(NumberError) -> ExactDecimal? {
        let denominator = try maintenance + liquidationFees
        guard !denominator.isZero else { return nil }
        return try adjusted.over(denominator, rounding: .towardZero)
    }

    /// `notionalUsd`: borrowing + swaps + futures + options, isolated positions among them. Exact on a
    /// recording.
    static func notionalUSD(
        borrowing: ExactDecimal, swaps: ExactDecimal, futures: ExactDecimal, options: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try borrowing + swaps + futures + options
    }
}
