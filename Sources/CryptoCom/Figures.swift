import Numbers

/// What audits and rehosting take of a venue's answers; what is served is defined beside its figure, in
/// `Figures-*.swift`.
///
/// Money is in USD unless said otherwise. Functions take and give exact values; `shown…` says how a figure is
/// rounded where it is printed, once: amounts cut to 8 places, requirements rounded up to 8. Choices are in
/// `docs/venues/crypto-com.md`.
enum Figures {
    // MARK: - Printing

    /// An amount as shown: 8 places, cut toward zero. Section 4.2 (dn8). Exact.
    static func shownAmount(_ amount: ExactDecimal) -> ExactDecimal { amount.cut(places: 8) }

    /// An amount as shown: 8 places, cut toward zero. Section 4.2 (dn8). Exact.
    static func shownAmount(_ amount: ExactFraction) throws(NumberError) -> ExactDecimal {
        try amount.rounded(places: 8, rounding: .towardZero)
    }

    /// A requirement as shown: 8 places, rounded up. Section 4.2 (up8). Exact.
    static func shownRequirement(_ amount: ExactFraction) throws(NumberError) -> ExactDecimal {
        try amount.rounded(places: 8, rounding: .ceiling)
    }

    // MARK: - Rows

    /// `market_value`: (quantity − held) × price. `held` is what open orders hold of the asset, as far as the
    /// form leaves it out of the value. Signed, in USD; sections 4.2 and 4.3, and the recording of November
    /// 2023. Exact.
    static func marketValue(
        quantity: ExactDecimal, held: ExactFraction, price: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try (ExactFraction(quantity) - held).times(price)
    }

    /// `haircut`: the rate taken off a holding, from 0 to 1: the minimum, or the growth with size where that
    /// is more; none for a debt and for what is no collateral. Section 4.4; the growth is off unless the
    /// rulebook has a rate (`decisions.md`, Crypto.com 6). A choice.
    static func haircutRate(
        minimum: ExactDecimal, ratePerUnit: ExactDecimal?, quantity: ExactFraction
    ) throws(NumberError) -> ExactDecimal {
        if quantity.isNegative { return .zero }
        guard let ratePerUnit else { return minimum }
        let bySize = try quantity.times(ratePerUnit)
        return bySize >= .one
            ? .one : max(minimum, try bySize.rounded(places: ExactDecimal.places, rounding: .ceiling))
    }

    /// What a holding adds to the margin balance: its market value up to the cap where it is collateral, a
    /// debt in full in any asset, nothing else. The documents' "Positive cash balance on eligible collateral
    /// tokens + Negative balance on all tokens"; cap: section 4.4. Signed. Exact; the cap's reach is a
    /// choice.
    static func countedValue(
        marketValue: ExactFraction, isCollateral: Bool, cap: ExactDecimal?
    ) -> ExactFraction {
        if marketValue.isNegative { return marketValue }
        guard isCollateral else { return .zero }
        return cap.map { min(ExactFraction($0), marketValue) } ?? marketValue
    }

    /// The part of a row in `total_haircut`: counted value × rate; none for a debt. At least 0. Section 4.2.
    /// Exact.
    static func haircut(
        countedValue: ExactFraction, rate: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        countedValue.isPositive ? try countedValue.times(rate) : .zero
    }

    /// `collateral_amount`: counted value × (1 − rate); a debt in full. Signed. Section 4.2. Exact.
    static func collateralAmount(
        countedValue: ExactFraction, rate: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        guard countedValue.isPositive else { return countedValue }
        return try countedValue.times(try .one - rate)
    }

    /// `max_withdrawal_balance`: quantity − reserved − locked by buy orders, at least 0, in the asset.
    /// Section 4.2 (all captures; the one with a position, of November 2023, too). Exact.
    static func maximumWithdrawal(
        quantity: ExactDecimal, reserved: ExactDecimal, locked: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        max(.zero, try ExactFraction(quantity - reserved) - locked)
    }

    // MARK: - Positions and orders

    /// What is left of an open order × price, in USD (spot buys: in the quote asset): at mark for a contract,
    /// at the limit price for a spot buy, at index for a spot sell. At least 0. `decisions.md`, Crypto.com 3.
    /// A choice.
    static func orderValue(
        remaining: ExactDecimal, price: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try ExactFraction(remaining).times(price)
    }

    // MARK: - Totals

    /// The rate of fees that is kept back for closing positions, live: liquidation fee + taker fee of the
    /// account. Recorded in November 2023 as 0.5 % + 0.034 % of the mark notional. Exact.
    static func feeReserveRate(
        liquidationFee: ExactDecimal, takerFee: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try liquidationFee + takerFee
    }

    /// What is kept back for the fees of closing positions: notional at mark × rate. At least 0. Recorded in
    /// November 2023 of a cross position; section 4.1 of an isolated one. Exact.
    static func feeReserve(
        notional: ExactFraction, rate: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try notional.times(rate)
    }

    /// `total_margin_balance`: counted values of all holdings + session unrealised profit − fee reserves.
    /// Signed. The documents' sentence; `decisions.md`, Crypto.com 1. Exact.
    static func marginBalance(
        countedValue: ExactFraction, unrealised: ExactFraction, feeReserve: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try countedValue + unrealised - feeReserve
    }

    /// `total_initial_margin`: position margin + haircut. At least 0. The documents' sentence. Exact.
    static func initialMargin(
        positionMargin: ExactFraction, haircut: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try positionMargin + haircut
    }

    /// `total_maintenance_margin`: initial margin × share, which is one half. At least 0. Section 4.2;
    /// `decisions.md`, Crypto.com 3. Exact.
    static func maintenanceMargin(
        initialMargin: ExactFraction, share: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try initialMargin.times(share)
    }

    /// `total_available_balance`: margin balance − initial margin, both unrounded, not floored. Signed. The
    /// documents' sentence. Exact.
    static func availableBalance(
        marginBalance: ExactFraction, initialMargin: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try marginBalance - initialMargin
    }

    /// `total_effective_leverage`: size ÷ margin balance; 0 where the margin balance is not above 0. At least
    /// 0. `documented`: size of derivative positions, 8 places cut (the documents' sentence); `live`: the
    /// used limit, 6 places half up (section 4.2). Exact; the zero is a choice.
    static func effectiveLeverage(
        size: ExactFraction, marginBalance: ExactFraction, places: Int, rounding: Rounding
    ) throws(NumberError) -> ExactDecimal {
        guard marginBalance.isPositive else { return .zero }
        return try size.over(marginBalance).rounded(places: places, rounding: rounding)
    }

    /// `position_limit` of the live form: maximum leverage × margin balance, at least 0. Section 4.2. Exact.
    static func livePositionLimit(
        maximumLeverage: ExactDecimal, marginBalance: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        max(.zero, try marginBalance.times(maximumLeverage))
    }

    /// `used_position_limit`: size of derivative positions + order exposure; in the live form also the value
    /// of eligible holdings other than USD, after what orders hold. At least 0. Section 4.2; the recording of
    /// November 2023; order exposure: `decisions.md`, Crypto.com 2, a choice.
    static func usedPositionLimit(
        positionSize: ExactFraction, orderExposure: ExactFraction, spotExposure: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try positionSize + orderExposure + spotExposure
    }

    /// `is_liquidating`: whether the margin balance is below the maintenance margin. Section 4.4. Exact.
    static func isLiquidating(marginBalance: ExactFraction, maintenanceMargin: ExactFraction) -> Bool {
        marginBalance < maintenanceMargin
    }

    // MARK: - Isolated positions

    /// Initial margin of an isolated position: max(position margin, notional ÷ leverage). At least 0.
    /// `decisions.md`, Crypto.com 5. A choice.
    static func isolatedInitialMargin(
        positionMargin: ExactFraction, notional: ExactFraction, leverage: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        max(positionMargin, try notional.over(leverage))
    }

    /// The leverage of an isolated position where none is set: the lower of the account's and the product's
    /// maximum, at least 1. A choice.
    static func isolatedLeverage(
        maximumLeverage: ExactDecimal, productLeverage: ExactDecimal
    ) -> ExactDecimal {
        max(.one, min(maximumLeverage, productLeverage))
    }

    /// What can be taken out of an isolated position: min(cash, available), at least 0. `decisions.md`,
    /// Crypto.com 5. A choice.
    static func isolatedWithdrawal(cash: ExactDecimal, available: ExactFraction) -> ExactFraction {
        max(.zero, min(ExactFraction(cash), available))
    }
}
