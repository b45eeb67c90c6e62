import Numbers

// Portfolio margin: the subset of risk terms whose formulas are known (sheet, section 4.6; decision OKX 7).
// All of them are estimates. Options are not kept here, so that MR2, MR3 and MR5 are 0; MR9 is 0.

extension Figures {
    /// `spotInUseAmt` without the user's cap (`maxSpotInUse`): the coins that offset a short derivative delta
    /// = min(coins, −delta), not below 0.
    static func spotInUse(coins: ExactFraction, derivativeDelta: ExactFraction) -> ExactFraction {
        floored(min(coins, -derivativeDelta))
    }

    /// The net delta of a risk unit in USD: (derivatives + spot in use) × index. Signed.
    static func netDeltaUSD(
        derivativeDelta: ExactFraction, spotInUse: ExactFraction, index: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try (derivativeDelta + spotInUse).times(index)
    }

    /// MR1, loss under the worst spot move: |net delta| × the widest shock.
    static func spotShockCharge(
        netDeltaUSD: ExactFraction, shock: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try netDeltaUSD.magnitude.times(shock)
    }

    /// MR4, basis risk: gross notional of the unit's derivatives × rate.
    static func basisCharge(grossUSD: ExactFraction, rate: ExactDecimal) throws(NumberError) -> ExactFraction
    {
        try grossUSD.times(rate)
    }

    /// MR6, extreme move: |net delta| × move × the share of it that counts.
    static func extremeCharge(
        netDeltaUSD: ExactFraction, move: ExactDecimal, share: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try netDeltaUSD.magnitude.times(move).times(share)
    }

    /// MR7, minimum charge: gross notional × rate, then each tier's part of it × the tier's multiplier.
    static func minimumCharge(
        grossUSD: ExactFraction, rate: ExactDecimal, tiers: [PortfolioRules.ChargeTier]
    ) throws(NumberError) -> ExactFraction {
        try tieredCharge(grossUSD.times(rate), tiers: tiers)
    }

    /// Each tier's part of a raw charge × the tier's multiplier; the last multiplier holds beyond.
    static func tieredCharge(
        _ raw: ExactFraction, tiers: [PortfolioRules.ChargeTier]
    ) throws(NumberError) -> ExactFraction {
        var sum = ExactFraction.zero
        var below = ExactFraction.zero
        for tier in tiers {
            guard let end = tier.upTo.map({ ExactFraction($0) }), raw > end else {
                return try sum + (raw - below).times(tier.multiplier)
            }
            try sum += (end - below).times(tier.multiplier)
            below = end
        }
        return try sum + (raw - below).times(tiers.last?.multiplier ?? .one)
    }

    /// Maintenance margin of a risk unit: max(max(MR1, MR6) + MR4, MR7).
    static func unitMaintenance(
        spotShock: ExactFraction, extreme: ExactFraction, basis: ExactFraction, minimum: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        max(try max(spotShock, extreme) + basis, minimum)
    }

    /// Initial margin of a risk unit: maintenance margin × 1.3.
    static func unitInitial(
        maintenance: ExactFraction, factor: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try maintenance.times(factor)
    }
}
