import Numbers

/// Every figure of `private/user-balance` and `private/get-subaccount-balances`, each defined once.
///
/// Money is in USD unless said otherwise. Functions take and give unrounded values (18 places); `shown…` says
/// how a figure is rounded where it is printed: amounts cut to 8 places, requirements rounded up to 8.
/// Sections are those of the Crypto.com sheet; choices are in `docs/venues/crypto-com.md`.
enum Figures {
    // MARK: - Printing

    /// An amount as shown: 8 places, cut toward zero. Section 4.2 (dn8). Exact.
    static func shownAmount(_ amount: ExactDecimal) -> ExactDecimal { amount.cut(places: 8) }

    /// A requirement as shown: 8 places, rounded up. Section 4.2 (up8). Exact.
    static func shownRequirement(_ amount: ExactDecimal) throws(NumberError) -> ExactDecimal {
        try amount.rounded(places: 8, rounding: .ceiling)
    }

    // MARK: - Rows

    /// `market_value`: (quantity − locked) × price. `locked` is what open buy orders will pay out of this
    /// asset. Signed, in USD; sections 4.2 and 4.3; cut at 18 places. Exact.
    static func marketValue(
        quantity: ExactDecimal, locked: ExactDecimal, price: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try (quantity - locked).times(price, rounding: .towardZero)
    }

    /// `haircut`: the rate taken off a holding, from 0 to 1: the minimum, or the growth with size where that
    /// is more; none for a debt and for what is no collateral. Section 4.4; the growth is off unless the
    /// rulebook has a rate (`decisions.md`, Crypto.com 6). A choice.
    static func haircutRate(
        minimum: ExactDecimal, ratePerUnit: ExactDecimal?, quantity: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        if quantity.isNegative { return .zero }
        guard let ratePerUnit else { return minimum }
        return min(.one, max(minimum, try ratePerUnit.times(quantity, rounding: .ceiling)))
    }

    /// What a holding adds to the margin balance: its market value up to the cap where it is collateral, a
    /// debt in full in any asset, nothing else. The documents' "Positive cash balance on eligible collateral
    /// tokens + Negative balance on all tokens"; cap: section 4.4. Signed. Exact; the cap's reach is a
    /// choice.
    static func countedValue(
        marketValue: ExactDecimal, isCollateral: Bool, cap: ExactDecimal?
    ) -> ExactDecimal {
        if marketValue.isNegative { return marketValue }
        guard isCollateral else { return .zero }
        return cap.map { min($0, marketValue) } ?? marketValue
    }

    /// The part of a row in `total_haircut`: counted value × rate; none for a debt. At least 0; rounded up at
    /// 18 places. Section 4.2. Exact.
    static func haircut(
        countedValue: ExactDecimal, rate: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        countedValue.isPositive ? try countedValue.times(rate, rounding: .ceiling) : .zero
    }

    /// `collateral_amount`: counted value × (1 − rate); a debt in full. Signed; cut at 18 places. Section
    /// 4.2. Exact.
    static func collateralAmount(
        countedValue: ExactDecimal, rate: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        guard countedValue.isPositive else { return countedValue }
        return try countedValue.times(try .one - rate, rounding: .towardZero)
    }

    /// `max_withdrawal_balance`: quantity − reserved − locked by buy orders, at least 0, in the asset.
    /// Section 4.2 (all captures, none of which has a position). Exact.
    static func maximumWithdrawal(
        quantity: ExactDecimal, reserved: ExactDecimal, locked: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        max(.zero, try quantity - reserved - locked)
    }

    // MARK: - Positions and orders

    /// What is left of an open order × price, in USD (spot buys: in the quote asset): at mark for a contract,
    /// at the limit price for a spot buy, at index for a spot sell. At least 0; rounded up at 18 places.
    /// `decisions.md`, Crypto.com 3. A choice.
    static func orderValue(
        remaining: ExactDecimal, price: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try remaining.times(price, rounding: .ceiling)
    }

    /// The larger of what an underlying comes to when all buy orders fill and when all sell orders fill:
    /// max(|net + buys|, |net − sells|); in the unit of its inputs. `decisions.md`, Crypto.com 3. A choice.
    static func worstSize(
        net: ExactDecimal, buys: ExactDecimal, sells: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        max(try (net + buys).magnitude, try (net - sells).magnitude)
    }

    /// Initial margin of an underlying: notional × min(1, max(1 ÷ leverage, rate per unit × quantity)). At
    /// least 0; not rounded, so that several can be added up. Section 4.4, the best candidate there. A
    /// choice.
    static func positionMargin(
        notional: ExactDecimal, quantity: ExactDecimal, maximumLeverage: ExactDecimal,
        ratePerUnit: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        let byLeverage = try ExactFraction(notional).over(maximumLeverage)
        let rateBySize = min(.one, try ratePerUnit.times(quantity, rounding: .ceiling))
        return max(byLeverage, try ExactFraction(notional).times(rateBySize))
    }

    /// `total_position_im`: the position margins together, rounded up at 18 places once they are added up.
    /// At least 0. Exact.
    static func totalPositionMargin(_ sum: ExactFraction) throws(NumberError) -> ExactDecimal {
        try sum.rounded(places: ExactDecimal.places, rounding: .ceiling)
    }

    /// How much of the position limit open orders use: the worst size less the size held. At least 0.
    /// `decisions.md`, Crypto.com 2 and 3. A choice.
    static func orderExposure(
        worst: ExactDecimal, net: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        max(.zero, try worst - net.magnitude)
    }

    // MARK: - Totals

    /// `total_margin_balance`: counted values of all holdings + session unrealised profit − fee reserves.
    /// Signed. The documents' sentence; `decisions.md`, Crypto.com 1. Exact.
    static func marginBalance(
        countedValue: ExactDecimal, unrealised: ExactDecimal, feeReserve: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try countedValue + unrealised - feeReserve
    }

    /// `total_initial_margin`: position margin + haircut. At least 0. The documents' sentence. Exact.
    static func initialMargin(
        positionMargin: ExactDecimal, haircut: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try positionMargin + haircut
    }

    /// `total_maintenance_margin`: initial margin × share, which is one half. At least 0; rounded up at 18
    /// places. Section 4.2; `decisions.md`, Crypto.com 3. Exact.
    static func maintenanceMargin(
        initialMargin: ExactDecimal, share: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try initialMargin.times(share, rounding: .ceiling)
    }

    /// `total_available_balance`: margin balance − initial margin, both unrounded, not floored. Signed. The
    /// documents' sentence. Exact.
    static func availableBalance(
        marginBalance: ExactDecimal, initialMargin: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try marginBalance - initialMargin
    }

    /// `total_effective_leverage`: size ÷ margin balance; 0 where the margin balance is not above 0. At least
    /// 0. `documented`: size of derivative positions, 8 places cut (the documents' sentence); `live`: the
    /// used limit, 6 places half up (section 4.2). Exact; the zero is a choice.
    static func effectiveLeverage(
        size: ExactDecimal, marginBalance: ExactDecimal, places: Int, rounding: Rounding
    ) throws(NumberError) -> ExactDecimal {
        marginBalance.isPositive ? try size.over(marginBalance, places: places, rounding: rounding) : .zero
    }

    /// `position_limit` of the live form: maximum leverage × margin balance, at least 0, cut at 18 places.
    /// Section 4.2. Exact.
    static func livePositionLimit(
        maximumLeverage: ExactDecimal, marginBalance: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        max(.zero, try maximumLeverage.times(marginBalance, rounding: .towardZero))
    }

    /// `used_position_limit`: size of derivative positions + order exposure; in the live form also the value
    /// of eligible holdings other than USD, before locks. At least 0. Section 4.2; `decisions.md`, Crypto.com
    /// 2. A choice.
    static func usedPositionLimit(
        positionSize: ExactDecimal, orderExposure: ExactDecimal, spotExposure: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try positionSize + orderExposure + spotExposure
    }

    /// `is_liquidating`: whether the margin balance is below the maintenance margin. Section 4.4. Exact.
    static func isLiquidating(marginBalance: ExactDecimal, maintenanceMargin: ExactDecimal) -> Bool {
        marginBalance < maintenanceMargin
    }

    // MARK: - Isolated positions

    /// Fee reserve of an isolated position: notional × rate (0.5 % + 0.04 %). At least 0; rounded up at 18
    /// places. Section 4.1, isolated sample; `decisions.md`, Crypto.com 5. A choice; cross positions have
    /// none.
    static func isolatedFeeReserve(
        notional: ExactDecimal, rate: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try notional.times(rate, rounding: .ceiling)
    }

    /// Initial margin of an isolated position: max(position margin, notional ÷ leverage). At least 0; rounded
    /// up at 18 places. `decisions.md`, Crypto.com 5. A choice.
    static func isolatedInitialMargin(
        positionMargin: ExactDecimal, notional: ExactDecimal, leverage: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        max(positionMargin, try notional.over(leverage, rounding: .ceiling))
    }

    /// What is held back for isolated orders until they fill: order exposure ÷ leverage. At least 0; not
    /// rounded. A choice.
    static func isolatedOrderMargin(
        orderExposure: ExactDecimal, leverage: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try ExactFraction(orderExposure).over(leverage)
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
    static func isolatedWithdrawal(cash: ExactDecimal, available: ExactDecimal) -> ExactDecimal {
        max(.zero, min(cash, available))
    }
}
