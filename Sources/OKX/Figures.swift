import Numbers

/// Every figure of the balance, each defined once: serving, judging and explaining call the same function.
///
/// Amounts are exact fractions, prices and rates exact decimals: nothing is rounded between what the ledger
/// has booked and the 16 places, half up, of a printed figure. The source of all of them is the sheet of
/// OKX's account API, section 4.
enum Figures {}

// MARK: - One currency, in the currency itself

extension Figures {
    /// `isoEq`: what isolated positions are worth = isolated margin + isolated unrealised profit.
    static func isolatedEquity(
        margin: ExactFraction, unrealised: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try margin + unrealised
    }

    /// `upl`: cross + isolated unrealised profit at mark price.
    static func unrealised(cross: ExactFraction, isolated: ExactFraction) throws(NumberError) -> ExactFraction
    {
        try cross + isolated
    }

    /// `eq`: cashBal + cross unrealised profit + isoEq + stgyEq − interest − principal borrowed. Signed.
    ///
    /// Interest counts in all modes that lend; a principal exists in spot mode only, where the loan is in
    /// cash.
    static func equity(
        cash: ExactFraction, crossUnrealised: ExactFraction, isolatedEquity: ExactFraction,
        strategyEquity: ExactFraction, interest: ExactFraction, borrowed: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try cash + crossUnrealised + isolatedEquity + strategyEquity - interest - borrowed
    }

    /// What is in use: margin of orders and, in futures mode, of positions + spot orders + funds reserved
    /// within cash.
    static func inUse(
        positionMargin: ExactFraction, orders: ExactFraction, reserves: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try positionMargin + orders + reserves
    }

    /// `ordFrozen`: the part of what is in use that open orders hold.
    static func ordersFrozen(
        spot: ExactFraction, isolated: ExactFraction, cross: ExactFraction, fees: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try spot + isolated + cross + fees
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

    /// `frozenBal`: in use + isoEq + stgyEq.
    static func frozenBalance(
        inUse: ExactFraction, isolatedEquity: ExactFraction, strategyEquity: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try inUse + isolatedEquity + strategyEquity
    }

    /// `availEq` of a currency before it is floored at 0: cashBal + cross unrealised profit − in use.
    static func freeEquity(
        cash: ExactFraction, crossUnrealised: ExactFraction, inUse: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try cash + crossUnrealised - inUse
    }

    /// `availBal` before it is floored at 0: cashBal − (in use − min(0, cross unrealised profit)): floating
    /// profit cannot be spent, floating loss is held back.
    static func freeBalance(
        cash: ExactFraction, crossUnrealised: ExactFraction, inUse: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try cash - (inUse - min(.zero, crossUnrealised))
    }

    /// What can be withdrawn, fee included: availBal; in the modes that share collateral at most availEq ÷
    /// index. A choice.
    static func withdrawable(
        freeBalance: ExactFraction, index: ExactDecimal, availableEquityUSD: ExactFraction?
    ) throws(NumberError) -> ExactFraction {
        let free = floored(freeBalance)
        guard let availableEquityUSD else { return free }
        return min(free, try floored(availableEquityUSD).over(index))
    }

    /// A balance of which only what is there can be used: never below 0.
    @inline(__always)
    static func floored(_ amount: ExactFraction) -> ExactFraction { max(.zero, amount) }

    /// What a loan that stands apart from the balance comes to: principal + accrued interest. Such loans are
    /// spot mode's; in the other modes interest is taken off the equity, and a negative balance is the loan.
    static func loan(borrowed: ExactFraction, interest: ExactFraction) throws(NumberError) -> ExactFraction {
        try borrowed + interest
    }

    /// `crossLiab`: |min(0, eq)|; in spot mode at least the loan. Positive.
    static func crossLiability(equity: ExactFraction, loan: ExactFraction) -> ExactFraction {
        max(floored(-equity), loan)
    }

    /// `liab`: crossLiab + isoLiab, what isolated margin positions owe.
    static func liability(cross: ExactFraction, isolated: ExactFraction) throws(NumberError) -> ExactFraction
    {
        try cross + isolated
    }

    /// `uplLiab`: what of the liability unrealised loss causes = |min(0, eq)| − |min(0, cashBal − interest −
    /// principal borrowed)|, not below 0. A choice: the sheet infers it.
    static func unrealisedLossLiability(
        equity: ExactFraction, cash: ExactFraction, interest: ExactFraction, borrowed: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        let total = floored(-equity)
        if total.isZero { return .zero }
        return floored(try total - floored(-(try cash - interest - borrowed)))
    }

    /// What may have to be borrowed: max(cross liability, in use + interest − cashBal − cross unrealised
    /// profit), not below 0. A choice (decision OKX 3).
    static func potentialBorrowing(
        liability: ExactFraction, inUse: ExactFraction, interest: ExactFraction, cash: ExactFraction,
        crossUnrealised: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        max(liability, try inUse + interest - cash - crossUnrealised)
    }

    /// What the account could borrow in USD: max(0, availEq) × borrow leverage. An estimate.
    static func borrowingPower(
        availableEquityUSD: ExactFraction, leverage: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try floored(availableEquityUSD).times(leverage)
    }

    /// `maxLoan`: borrowing power ÷ index, at most what is left of the quota. An estimate: the venue's
    /// formula is not published.
    static func maximumLoan(
        powerUSD: ExactFraction, index: ExactDecimal, quota: ExactDecimal, liability: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        let surplus = floored(try ExactFraction(quota) - liability)
        if surplus.isZero || powerUSD.isZero { return .zero }
        // Most often the quota decides, and then no division is needed.
        return try surplus.times(index) <= powerUSD ? surplus : try powerUSD.over(index)
    }

    /// `notionalLever`: value of cross positions ÷ (cashBal + cross unrealised profit); nil, printed "",
    /// where that sum is not above 0. A choice at that edge (decision OKX 9).
    static func notionalLeverage(
        notional: ExactFraction, cash: ExactFraction, crossUnrealised: ExactFraction
    ) throws(NumberError) -> ExactFraction? {
        let backing = try cash + crossUnrealised
        if notional.isZero { return .zero }
        guard backing.isPositive else { return nil }
        return ratio(notional, to: backing)
    }

    /// `mgnRatio` of a currency in futures mode: (cashBal + cross unrealised profit − spot orders − isolated
    /// orders − order fees) ÷ (maintenance margin + liquidation fees); nil, printed "", where the denominator
    /// is 0.
    static func currencyMarginRatio(
        cash: ExactFraction, crossUnrealised: ExactFraction, spotOrders: ExactFraction,
        isolatedOrders: ExactFraction, orderFees: ExactFraction, maintenance: ExactFraction,
        liquidationFees: ExactFraction
    ) throws(NumberError) -> ExactFraction? {
        let denominator = try maintenance + liquidationFees
        guard !denominator.isZero else { return nil }
        let backing = try currencyBacking(
            cash: cash, crossUnrealised: crossUnrealised, spotOrders: spotOrders,
            isolatedOrders: isolatedOrders, orderFees: orderFees)
        return ratio(backing, to: denominator)
    }

    /// What backs a currency's cross positions in futures mode: cashBal + cross unrealised profit − spot
    /// orders − isolated orders − order fees. Signed.
    static func currencyBacking(
        cash: ExactFraction, crossUnrealised: ExactFraction, spotOrders: ExactFraction,
        isolatedOrders: ExactFraction, orderFees: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try cash + crossUnrealised - spotOrders - isolatedOrders - orderFees
    }
}

// MARK: - One currency, in USD

extension Figures {
    /// `eqUsd`: eq × index price, signed, undiscounted.
    static func equityUSD(_ equity: ExactFraction, index: ExactDecimal) throws(NumberError) -> ExactFraction {
        try equity.times(index)
    }

    /// `disEq` in USD: equity without isolated margin, discounted = Σ over tiers of the part inside the tier
    /// × its rate; marginal.
    ///
    /// A negative equity takes no discount; collateral that is off counts 0 if positive (decision OKX 5).
    /// Nothing is discounted without a table: where nothing can be borrowed against it (spot mode with
    /// borrowing off, as recorded).
    static func discountedEquity(
        _ equity: ExactFraction, isolatedEquity: ExactFraction, table: DiscountTable?, index: ExactDecimal,
        isCollateral: Bool
    ) throws(NumberError) -> ExactFraction {
        let base = try equity - isolatedEquity
        guard let table, base.isPositive else { return try base.times(index) }
        guard isCollateral else { return .zero }
        return switch table.unit {
        case .coin: try discounted(base, by: table).times(index)
        case .usd: try discounted(base.times(index), by: table)
        }
    }

    /// Σ over tiers of (part of the amount inside the tier) × rate, in the table's unit.
    static func discounted(
        _ amount: ExactFraction, by table: DiscountTable
    ) throws(NumberError) -> ExactFraction {
        var sum = ExactFraction.zero
        var below = ExactFraction.zero
        for tier in table.tiers {
            guard let end = tier.upTo.map({ ExactFraction($0) }), end < amount else {
                return try sum + (amount - below).times(tier.rate)
            }
            try sum += (end - below).times(tier.rate)
            below = end
        }
        return try sum + (amount - below).times(table.minimumRate)
    }

    /// `notionalUsdForBorrow` of a currency: potential borrowing × index price.
    static func borrowingUSD(
        _ amount: ExactFraction, index: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        amount.isZero ? .zero : try amount.times(index)
    }

    /// `borrowFroz`: initial margin of potential borrowing, USD ÷ borrow leverage.
    static func borrowFrozen(
        _ borrowingUSD: ExactFraction, leverage: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        borrowingUSD.isZero ? .zero : try borrowingUSD.over(leverage)
    }

    /// `borrowFroz` in portfolio mode: USD × initial rate of borrowing.
    static func portfolioBorrowFrozen(
        _ borrowingUSD: ExactFraction, rate: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try borrowingUSD.times(rate)
    }
}
