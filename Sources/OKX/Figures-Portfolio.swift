import Numbers

// Portfolio margin: the subset of risk terms whose formulas are known (sheet, section 4.6; decision OKX 7).
// All of them are estimates. Options are not kept here, so that MR2, MR3 and MR5 are 0; MR9 is 0.

extension Figures {
    /// `spotInUseAmt` without the user's cap (`maxSpotInUse`): the coins that offset a short derivative delta
    /// = min(coins, −delta), not below 0.
    static func spotInUse(coins: ExactDecimal, derivativeDelta: ExactDecimal) -> ExactDecimal {
        floored(min(coins, -derivativeDelta))
    }

    /// The net delta of a risk unit in USD: (derivatives + spot in use) × index. Signed. Cut.
    static func netDeltaUSD(
        derivativeDelta: ExactDecimal, spotInUse: ExactDecimal, index: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try (derivativeDelta + spotInUse).times(index, rounding: .towardZero)
    }

    /// MR1, loss under the worst spot move: |net delta| × the widest shock. Cut.
    static func spotShockCharge(
        netDeltaUSD: ExactDecimal, shock: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try netDeltaUSD.magnitude.times(shock, rounding: .towardZero)
    }

    /// MR4, basis risk: gross notional of the unit's derivatives × rate. Cut.
    static func basisCharge(grossUSD: ExactDecimal, rate: ExactDecimal) throws(NumberError) -> ExactDecimal {
        try grossUSD.times(rate, rounding: .towardZero)
    }

    /// MR6, extreme move: |net delta| × move × the share of it that counts. Cut.
    static func extremeCharge(
        netDeltaUSD: ExactDecimal, move: ExactDecimal, share: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try netDeltaUSD.magnitude.times(move.times(share, rounding: .towardZero), rounding: .towardZero)
    }

    /// MR7, minimum charge: gross notional × rate, then each tier's part of it × the tier's multiplier. Cut.
    static func minimumCharge(
        grossUSD: ExactDecimal, rate: ExactDecimal, tiers: [PortfolioRules.ChargeTier]
    ) throws(NumberError) -> ExactDecimal {
        try tieredCharge(grossUSD.times(rate, rounding: .towardZero), tiers: tiers)
    }

    /// Each tier's part of a raw charge × the tier's multiplier; the last multiplier holds beyond. Cut.
    static func tieredCharge(
        _ raw: ExactDecimal, tiers: [PortfolioRules.ChargeTier]
    ) throws(NumberError) -> ExactDecimal {
        var sum = ExactDecimal.zero
        var below = ExactDecimal.zero
        for tier in tiers {
            guard let end = tier.upTo, raw > end else {
                return try sum + (raw - below).times(tier.multiplier, rounding: .towardZero)
            }
            try sum += (end - below).times(tier.multiplier, rounding: .towardZero)
            below = end
        }
        return try sum + (raw - below).times(tiers.last?.multiplier ?? .one, rounding: .towardZero)
    }

    /// Maintenance margin of a risk unit: max(max(MR1, MR6) + MR4, MR7).
    static func unitMaintenance(
        spotShock: ExactDecimal, extreme: ExactDecimal, basis: ExactDecimal, minimum: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        max(try max(spotShock, extreme) + basis, minimum)
    }

    /// Initial margin of a risk unit: maintenance margin × 1.3. Cut.
    static func unitInitial(
        maintenance: ExactDecimal, factor: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try maintenance.times(factor, rounding: .towardZero)
    }
}
