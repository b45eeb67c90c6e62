import Ledger
import Numbers
import Venue

/// Every figure of Binance's account, balance and position answers: one function each, of named inputs.
///
/// Amounts are in the margin asset of the row unless said otherwise. "Cut" means that digits after the eighth
/// place are dropped, toward zero, as the venue does (sheet, section 0 item 1). A figure is *exact* where a
/// document or a recording states it, a *choice* where `docs/venues/binance.md` names it one.
public enum BinanceFigures {
    /// Places to which every amount is cut.
    static let places = 8
    /// Digits of entry and break-even prices: as many places as are left of them before the point.
    static let priceDigits = 13

    // MARK: - Position rows

    /// `notional`: quantity × mark price, cut; negative when short. Sheet 4.1. Exact.
    public static func notional(
        quantity: ExactDecimal, markPrice: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try quantity.times(markPrice, places: places, rounding: .towardZero)
    }

    /// `unrealizedProfit`: quantity × (mark price − entry price cut to 8 places), cut; signed. Recorded of
    /// averaged entries in May 2025. Exact.
    ///
    /// `entryPrice` may have more places, as it is printed: they do not count.
    public static func unrealizedProfit(
        quantity: ExactDecimal, markPrice: ExactDecimal, entryPrice: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try quantity.times(
            markPrice - entryPrice.cut(places: places), places: places, rounding: .towardZero)
    }

    /// The same of a position as the ledger keeps it: its entry price is cost ÷ quantity, zero without one.
    public static func unrealizedProfit(
        quantity: ExactDecimal, markPrice: ExactDecimal, cost: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        if quantity.isZero { return .zero }
        return try unrealizedProfit(
            quantity: quantity, markPrice: markPrice,
            entryPrice: cost.over(quantity, places: places, rounding: .towardZero))
    }

    /// What an exposure needs as initial margin: |exposure| × (1 ÷ leverage, rounded up to 8 places), brought
    /// to 8 places as the rules of the day say: cut until the end of 2025, half up since. Recorded at 3x in
    /// May 2025 and at 10x and 20x in 2026; the day of the change is a choice.
    static func initialMargin(
        of exposure: ExactDecimal, leverage: ExactDecimal, rounding: Rounding
    ) throws(NumberError) -> ExactDecimal {
        let rate = try ExactDecimal.one.over(leverage, places: places, rounding: .ceiling)
        return try exposure.magnitude.times(rate, places: places, rounding: rounding)
    }

    /// `positionInitialMargin`: what |notional| needs at the current mark; never negative. Sheet 4.1. Exact.
    public static func positionInitialMargin(
        notional: ExactDecimal, leverage: ExactDecimal, rounding: Rounding
    ) throws(NumberError) -> ExactDecimal {
        try initialMargin(of: notional, leverage: leverage, rounding: rounding)
    }

    /// `maintMargin`: |notional| × maintenance rate − cum of the bracket, cut; never negative. Sheet 4.1.
    /// Exact.
    static func maintMargin(notional: ExactDecimal, bracket: Bracket) throws(NumberError) -> ExactDecimal {
        try maintMargin(
            notional: notional, maintenanceRate: bracket.maintenanceRate, cumulative: bracket.cumulative)
    }

    /// `maintMargin` of a bracket's rate and cum.
    public static func maintMargin(
        notional: ExactDecimal, maintenanceRate: ExactDecimal, cumulative: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        var value = ProductSum()
        try value.add(notional.magnitude, times: maintenanceRate)
        try value.add(-cumulative)
        return max(.zero, try value.rounded(places: places, rounding: .towardZero))
    }

    /// The margin that a position and its orders need together: that of max(|notional + open buys|, |notional
    /// − open sells|). Open buys and sells are Σ remaining quantity × limit price. Sheet 4.1. Exact.
    public static func marginRequirement(
        notional: ExactDecimal, openBuys: ExactDecimal, openSells: ExactDecimal, leverage: ExactDecimal,
        rounding: Rounding
    ) throws(NumberError) -> ExactDecimal {
        let exposure = max(try (notional + openBuys).magnitude, try (notional - openSells).magnitude)
        return try initialMargin(of: exposure, leverage: leverage, rounding: rounding)
    }

    /// `openOrderInitialMargin`: what the requirement with orders exceeds that of the position alone by;
    /// never negative. Sheet 4.1. Exact for isolated positions, inferred for cross ones.
    public static func openOrderInitialMargin(
        marginRequirement: ExactDecimal, positionInitialMargin: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try marginRequirement - positionInitialMargin
    }

    /// `initialMargin`: positionInitialMargin + openOrderInitialMargin. Sheet 4.1. Exact.
    public static func initialMargin(
        positionInitialMargin: ExactDecimal, openOrderInitialMargin: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try positionInitialMargin + openOrderInitialMargin
    }

    /// `isolatedMargin`: isolatedWallet + unrealizedProfit of an isolated position. Sheet 4.1. Exact.
    public static func isolatedMargin(
        isolatedWallet: ExactDecimal, unrealizedProfit: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try isolatedWallet + unrealizedProfit
    }

    /// `entryPrice`: cost ÷ quantity, as it is printed: cut to 13 places less the digits before the point; in
    /// the quote asset. Recorded. Exact.
    public static func entryPrice(
        cost: ExactDecimal, quantity: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try price(cost, over: quantity)
    }

    /// `breakEvenPrice`: (cost + fees paid − realised profit) ÷ quantity, both of the position's life and in
    /// its margin asset; as it is printed, cut as an entry price. Negative where more was realised than is at
    /// stake. Recorded. Exact.
    public static func breakEvenPrice(
        cost: ExactDecimal, fees: ExactDecimal, realised: ExactDecimal, quantity: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try price(cost + fees - realised, over: quantity)
    }

    private static func price(
        _ cost: ExactDecimal, over quantity: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        let whole = try cost.over(quantity, places: priceDigits, rounding: .towardZero)
        return whole.cut(places: pricePlaces(of: whole))
    }

    /// The places with which a price is printed: 13 less the digits before its point, of which 0.5 has none.
    static func pricePlaces(of price: ExactDecimal) -> Int {
        max(0, priceDigits - price.integerDigits)
    }

    // MARK: - Asset rows

    /// `walletBalance`: cash that is free plus what stands in isolated positions. Sheet 4.2. Exact.
    public static func walletBalance(
        crossWalletBalance: ExactDecimal, isolatedWallets: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try crossWalletBalance + isolatedWallets
    }

    /// `marginBalance`: walletBalance + unrealizedProfit. Sheet 4.2. Exact.
    public static func marginBalance(
        walletBalance: ExactDecimal, unrealizedProfit: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try walletBalance + unrealizedProfit
    }

    /// What an asset has free for new margin, not floored: crossWalletBalance + crossUnPnl − initial margin
    /// of cross positions and orders − order margin of isolated positions. Sheet 4.2. Exact.
    public static func unflooredAvailable(
        crossWalletBalance: ExactDecimal, crossUnPnl: ExactDecimal, crossInitialMargin: ExactDecimal,
        isolatedOpenOrderMargin: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try crossWalletBalance + crossUnPnl - crossInitialMargin - isolatedOpenOrderMargin
    }

    /// `availableBalance`: at least 0. Sheet 4.2 and 4.6; the floor is inferred.
    public static func availableBalance(unfloored: ExactDecimal) -> ExactDecimal { max(.zero, unfloored) }

    /// `maxWithdrawAmount` of an asset, single-asset mode: max(0, min(crossWalletBalance − order margin of
    /// isolated positions − maintenance margin of cross positions, available before its floor)). Sheet 4.2.
    /// Floor and min are inferred; a choice.
    public static func maxWithdrawAmount(
        crossWalletBalance: ExactDecimal, isolatedOpenOrderMargin: ExactDecimal,
        crossMaintMargin: ExactDecimal,
        unflooredAvailable: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        let money = try crossWalletBalance - isolatedOpenOrderMargin - crossMaintMargin
        return max(.zero, min(money, unflooredAvailable))
    }

    // MARK: - Multi-assets mode

    /// `bidRate`: index × (1 − bid buffer), cut; USD per unit of what is owned. Sheet 4.6. Exact.
    public static func bidRate(
        index: ExactDecimal, bidBuffer: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try index.times(.one - bidBuffer, places: places, rounding: .towardZero)
    }

    /// `askRate`: index × (1 + ask buffer), cut; USD per unit of what is owed. Sheet 4.6. Exact.
    public static func askRate(
        index: ExactDecimal, askBuffer: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try index.times(.one + askBuffer, places: places, rounding: .towardZero)
    }

    /// USD value of a balance or profit: at the bid rate if it is not negative, at the ask rate if it is;
    /// cut. Sheet 4.6. The bid side is recorded, the ask side inferred.
    public static func usdValue(
        of amount: ExactDecimal, bidRate: ExactDecimal, askRate: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try amount.times(amount.isNegative ? askRate : bidRate, places: places, rounding: .towardZero)
    }

    /// USD value of a margin requirement: at the ask rate, cut. Sheet 4.6. Exact.
    public static func usdRequirement(
        of margin: ExactDecimal, askRate: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try margin.times(askRate, places: places, rounding: .towardZero)
    }

    /// The account's `availableBalance` in USD, not floored: totalMarginBalance − totalInitialMargin. Sheet
    /// 4.6. Exact.
    public static func unflooredAvailable(
        totalMarginBalance: ExactDecimal, totalInitialMargin: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try totalMarginBalance - totalInitialMargin
    }

    /// An asset's `availableBalance`: the account's in USD ÷ the ask rate, cut; the same pool in every row.
    /// Sheet 4.6. Exact. Zero where the asset is worth nothing, so that nothing could be had in it: a choice.
    public static func availableBalance(
        accountAvailable: ExactDecimal, askRate: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        if askRate.isZero { return .zero }
        return try accountAvailable.over(askRate, places: places, rounding: .towardZero)
    }

    /// An asset's `maxWithdrawAmount`: max(0, min(walletBalance, its availableBalance)). `decisions.md`
    /// Binance 4, a choice that both the given sample and the recording obey.
    public static func maxWithdrawAmount(
        walletBalance: ExactDecimal, availableBalance: ExactDecimal
    ) -> ExactDecimal {
        max(.zero, min(walletBalance, availableBalance))
    }

    /// The account's `maxWithdrawAmount` in USD: max(0, min(totalCrossWalletBalance − totalMaintMargin,
    /// availableBalance)). `decisions.md` Binance 4, a choice.
    public static func maxWithdrawAmount(
        totalCrossWalletBalance: ExactDecimal, totalMaintMargin: ExactDecimal, availableBalance: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        max(.zero, min(try totalCrossWalletBalance - totalMaintMargin, availableBalance))
    }
}
