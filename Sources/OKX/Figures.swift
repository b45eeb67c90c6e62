import Numbers

/// Every figure of the balance, each defined once: serving, judging and explaining call the same function.
///
/// Figures are exact decimals of 18 places, rounded half up to 16 places where they are printed. A product or
/// quotient that needs more than 18 places is cut, so that the printed digit is the one of the exact value.
/// The source of all of them is the sheet of OKX's account API, section 4.
enum Figures {}

// MARK: - One currency, in the currency itself

extension Figures {
    /// `isoEq`: what isolated positions are worth = isolated margin + isolated unrealised profit. Exact.
    static func isolatedEquity(
        margin: ExactDecimal, unrealised: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try margin + unrealised
    }

    /// `upl`: cross + isolated unrealised profit at mark price. Exact.
    static func unrealised(cross: ExactDecimal, isolated: ExactDecimal) throws(NumberError) -> ExactDecimal {
        try cross + isolated
    }

    /// `eq`: cashBal + cross unrealised profit + isoEq + stgyEq − interest − principal borrowed. Signed.
    /// Exact.
    ///
    /// Interest counts in all modes that lend; a principal exists in spot mode only, where the loan is in
    /// cash.
    static func equity(
        cash: ExactDecimal, crossUnrealised: ExactDecimal, isolatedEquity: ExactDecimal,
        strategyEquity: ExactDecimal, interest: ExactDecimal, borrowed: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try cash + crossUnrealised + isolatedEquity + strategyEquity - interest - borrowed
    }

    /// What is in use: margin of orders and, in futures mode, of positions + spot orders + funds reserved
    /// within cash. Exact.
    static func inUse(
        positionMargin: ExactDecimal, orders: ExactDecimal, reserves: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try positionMargin + orders + reserves
    }

    /// `ordFrozen`: the part of what is in use that open orders hold. Exact.
    static func ordersFrozen(
        spot: ExactDecimal, isolated: ExactDecimal, cross: ExactDecimal, fees: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try spot + isolated + cross + fees
    }

    /// `frozenBal`: in use + isoEq + stgyEq. Exact.
    static func frozenBalance(
        inUse: ExactDecimal, isolatedEquity: ExactDecimal, strategyEquity: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try inUse + isolatedEquity + strategyEquity
    }

    /// `availEq` of a currency before it is floored at 0: cashBal + cross unrealised profit − in use. Exact.
    static func freeEquity(
        cash: ExactDecimal, crossUnrealised: ExactDecimal, inUse: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try cash + crossUnrealised - inUse
    }

    /// `availBal` before it is floored at 0: cashBal − (in use − min(0, cross unrealised profit)): floating
    /// profit cannot be spent, floating loss is held back. Exact.
    static func freeBalance(
        cash: ExactDecimal, crossUnrealised: ExactDecimal, inUse: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try cash - (inUse - min(.zero, crossUnrealised))
    }

    /// What can be withdrawn, fee included: availBal; in the modes that share collateral at most availEq ÷
    /// index. A choice. Cut.
    static func withdrawable(
        freeBalance: ExactDecimal, index: ExactDecimal, availableEquityUSD: ExactDecimal?
    ) throws(NumberError) -> ExactDecimal {
        let free = floored(freeBalance)
        guard let availableEquityUSD else { return free }
        return min(free, try floored(availableEquityUSD).over(index, rounding: .towardZero))
    }

    /// A balance of which only what is there can be used: never below 0.
    @inline(__always)
    static func floored(_ amount: ExactDecimal) -> ExactDecimal { max(.zero, amount) }

    /// `crossLiab`: |min(0, eq)|; in spot mode at least what was borrowed with its interest. Positive. Exact.
    static func crossLiability(
        equity: ExactDecimal, borrowed: ExactDecimal, interest: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        let negative = floored(-equity)
        return borrowed.isZero ? negative : max(negative, try borrowed + interest)
    }

    /// `liab`: crossLiab + isoLiab; isolated positions borrow nothing here, so that isoLiab is 0. Exact.
    static func liability(cross: ExactDecimal, isolated: ExactDecimal) throws(NumberError) -> ExactDecimal {
        try cross + isolated
    }

    /// `uplLiab`: what of the liability unrealised loss causes = |min(0, eq)| − |min(0, cashBal − interest)|,
    /// not below 0. A choice: the sheet infers it.
    static func unrealisedLossLiability(
        equity: ExactDecimal, cash: ExactDecimal, interest: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        let total = floored(-equity)
        if total.isZero { return .zero }
        return floored(try total - floored(-(try cash - interest)))
    }

    /// What may have to be borrowed: max(liability, in use + interest − cashBal − cross unrealised profit),
    /// not below 0. A choice (decision OKX 3).
    static func potentialBorrowing(
        liability: ExactDecimal, inUse: ExactDecimal, interest: ExactDecimal, cash: ExactDecimal,
        crossUnrealised: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        max(liability, try inUse + interest - cash - crossUnrealised)
    }

    /// What the account could borrow in USD: max(0, availEq) × borrow leverage. An estimate. Cut.
    static func borrowingPower(
        availableEquityUSD: ExactDecimal, leverage: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try floored(availableEquityUSD).times(leverage, rounding: .towardZero)
    }

    /// `maxLoan`: borrowing power ÷ index, at most what is left of the quota. An estimate: the venue's
    /// formula is not published. Cut.
    static func maximumLoan(
        powerUSD: ExactDecimal, index: ExactDecimal, quota: ExactDecimal, liability: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        let surplus = floored(try quota - liability)
        if surplus.isZero || powerUSD.isZero { return .zero }
        // Most often the quota decides, and then no division is needed.
        if try surplus.times(index, rounding: .ceiling) <= powerUSD { return surplus }
        return min(surplus, try powerUSD.over(index, rounding: .towardZero))
    }

    /// `notionalLever`: value of cross positions ÷ (cashBal + cross unrealised profit); nil, printed "",
    /// where that sum is not above 0. A choice at that edge (decision OKX 9). Cut.
    static func notionalLeverage(
        notional: ExactDecimal, cash: ExactDecimal, crossUnrealised: ExactDecimal
    ) throws(NumberError) -> ExactDecimal? {
        let backing = try cash + crossUnrealised
        if notional.isZero { return .zero }
        guard backing.isPositive else { return nil }
        return try notional.over(backing, rounding: .towardZero)
    }

    /// `mgnRatio` of a currency in futures mode: (cashBal + cross unrealised profit − spot orders − isolated
    /// orders − order fees) ÷ (maintenance margin + liquidation fees); nil, printed "", where the denominator
    /// is 0. Cut.
    static func currencyMarginRatio(
        cash: ExactDecimal, crossUnrealised: ExactDecimal, spotOrders: ExactDecimal,
        isolatedOrders: ExactDecimal, orderFees: ExactDecimal, maintenance: ExactDecimal,
        liquidationFees: ExactDecimal
    ) throws(NumberError) -> ExactDecimal? {
        let denominator = try maintenance + liquidationFees
        guard !denominator.isZero else { return nil }
        let backing = try currencyBacking(
            cash: cash, crossUnrealised: crossUnrealised, spotOrders: spotOrders,
            isolatedOrders: isolatedOrders, orderFees: orderFees)
        return try backing.over(denominator, rounding: .towardZero)
    }

    /// What backs a currency's cross positions in futures mode: cashBal + cross unrealised profit − spot
    /// orders − isolated orders − order fees. Signed. Exact.
    static func currencyBacking(
        cash: ExactDecimal, crossUnrealised: ExactDecimal, spotOrders: ExactDecimal,
        isolatedOrders: ExactDecimal, orderFees: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try cash + crossUnrealised - spotOrders - isolatedOrders - orderFees
    }
}

// MARK: - One currency, in USD

extension Figures {
    /// `eqUsd`: eq × index price, signed, undiscounted. Cut.
    static func equityUSD(_ equity: ExactDecimal, index: ExactDecimal) throws(NumberError) -> ExactDecimal {
        try equity.times(index, rounding: .towardZero)
    }

    /// What of a currency's equity counts as margin: `amount` × `factor` in USD.
    struct Discounted: Sendable {
        /// In coins where one rate holds for all of it, else in USD.
        let amount: ExactDecimal
        /// Index price × rate where one rate holds for all of it, else 1.
        let factor: ExactDecimal

        /// `disEq` in USD. Cut.
        func value() throws(NumberError) -> ExactDecimal { try amount.times(factor, rounding: .towardZero) }
    }

    /// Equity without isolated margin, discounted: Σ over tiers of the part inside the tier × its rate;
    /// marginal.
    ///
    /// A negative equity takes no discount; collateral that is off counts 0 if positive (decision OKX 5).
    static func discountedEquity(
        _ equity: ExactDecimal, isolatedEquity: ExactDecimal, table: DiscountTable, index: ExactDecimal,
        isCollateral: Bool
    ) throws(NumberError) -> Discounted {
        let base = try equity - isolatedEquity
        guard base.isPositive else { return Discounted(amount: base, factor: index) }
        guard isCollateral else { return Discounted(amount: .zero, factor: index) }
        switch table.unit {
        case .coin:
            // Rates are multiplied by the price first, which is exact, so that nothing is cut before the end.
            if let first = table.tiers.first, first.upTo.map({ base <= $0 }) ?? true {
                return Discounted(
                    amount: base, factor: try first.rate.times(index, rounding: .towardZero))
            }
            return Discounted(amount: try discounted(base, by: table, index: index), factor: .one)
        case .usd:
            let value = try base.times(index, rounding: .towardZero)
            return Discounted(amount: try discounted(value, by: table), factor: .one)
        }
    }

    /// Σ over tiers of (part of the amount inside the tier) × rate × price of the table's unit, in USD.
    /// Summed exactly and cut once.
    static func discounted(
        _ amount: ExactDecimal, by table: DiscountTable, index: ExactDecimal = .one
    ) throws(NumberError) -> ExactDecimal {
        var sum = ProductSum()
        var below = ExactDecimal.zero
        for tier in table.tiers {
            let end = tier.upTo.map { min(amount, $0) } ?? amount
            try sum.add(end - below, times: tier.rate.times(index, rounding: .towardZero))
            below = end
            if end == amount { break }
        }
        try sum.add(amount - below, times: table.minimumRate.times(index, rounding: .towardZero))
        return try sum.rounded(places: ExactDecimal.places, rounding: .towardZero)
    }

    /// `notionalUsdForBorrow` of a currency: potential borrowing × index price. Cut.
    static func borrowingUSD(_ amount: ExactDecimal, index: ExactDecimal) throws(NumberError) -> ExactDecimal
    {
        amount.isZero ? .zero : try amount.times(index, rounding: .towardZero)
    }

    /// `borrowFroz`: initial margin of potential borrowing, USD ÷ borrow leverage. Cut.
    static func borrowFrozen(
        _ borrowingUSD: ExactDecimal, leverage: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        borrowingUSD.isZero ? .zero : try borrowingUSD.over(leverage, rounding: .towardZero)
    }

    /// `borrowFroz` in portfolio mode: USD × initial rate of borrowing. Cut.
    static func portfolioBorrowFrozen(
        _ borrowingUSD: ExactDecimal, rate: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try borrowingUSD.times(rate, rounding: .towardZero)
    }
}
