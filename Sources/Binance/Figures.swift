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
    /// Places to which entry and break-even prices are cut; a recording shows nine.
    static let pricePlaces = 12

    // MARK: - Position rows

    /// `notional`: quantity × mark price, cut; negative when short. Sheet 4.1. Exact.
    public static func notional(
        quantity: ExactDecimal, markPrice: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try quantity.times(markPrice, places: places, rounding: .towardZero)
    }

    /// `unrealizedProfit`: quantity × (mark price − entry price), cut once from quantity × mark − cost;
    /// signed. Sheet 4.1. Exact.
    public static func unrealizedProfit(
        quantity: ExactDecimal, markPrice: ExactDecimal, cost: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        var value = ProductSum()
        try value.add(quantity, times: markPrice)
        try value.add(-cost)
        return try value.rounded(places: places, rounding: .towardZero)
    }

    /// `positionInitialMargin`: |notional| ÷ leverage at the current mark, cut; never negative. Sheet 4.1.
    /// Exact.
    public static func positionInitialMargin(
        notional: ExactDecimal, leverage: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try notional.magnitude.over(leverage, places: places, rounding: .towardZero)
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

    /// The margin that a position and its orders need together: max(|notional + open buys|, |notional − open
    /// sells|) ÷ leverage, cut. Open buys and sells are Σ remaining quantity × limit price. Sheet 4.1. Exact.
    public static func marginRequirement(
        notional: ExactDecimal, openBuys: ExactDecimal, openSells: ExactDecimal, leverage: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        let exposure = max(try (notional + openBuys).magnitude, try (notional - openSells).magnitude)
        return try exposure.over(leverage, places: places, rounding: .towardZero)
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

    /// `entryPrice`: cost ÷ quantity, cut to 12 places; in the quote asset. The places are a choice.
    public static func entryPrice(
        cost: ExactDecimal, quantity: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try cost.over(quantity, places: pricePlaces, rounding: .towardZero)
    }

    /// `breakEvenPrice`: entry price × (1 + fee rate) when long, × (1 − fee rate) when short, cut to 12
    /// places. An estimate: a recording shows 2.8E-4 becoming 2.80056E-4, which is the maker rate; the fees
    /// really paid are not kept per position.
    public static func breakEvenPrice(
        entryPrice: ExactDecimal, isLong: Bool, feeRate: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        let factor = try isLong ? .one + feeRate : .one - feeRate
        return try entryPrice.times(factor, places: pricePlaces, rounding: .towardZero)
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
    /// Sheet 4.6. Exact.
    public static func availableBalance(
        accountAvailable: ExactDecimal, askRate: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try accountAvailable.over(askRate, places: places, rounding: .towardZero)
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
