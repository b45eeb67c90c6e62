import Ledger
import Numbers
import Venue

/// Every figure of Rails' balances and positions: one function each, of named inputs.
///
/// All money is in USD. "Cut" means digits after that place are dropped, toward zero. A figure is *exact*
/// where the given document states its formula, a *choice* where `docs/venues/rails.md` names it one, an
/// *estimate* nowhere.
public enum RailsFigures {
    /// Places of the account's totals and of a market's `pnl` and `fees`.
    static let moneyPlaces = 8

    // MARK: - Money in and out

    /// `deposit`: all that came in from outside, and transfers within the family as far as more were received
    /// than sent; not negative.
    ///
    /// deposited + max(0, transferred). Rails documents no transfers: that they count here is a choice, and
    /// only their balance is known. As entered, no rounding.
    public static func deposit(
        deposited: ExactDecimal, transferred: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try deposited + max(.zero, transferred)
    }

    /// `withdraw`: all that went out, without fees, and transfers within the family as far as more were sent
    /// than received; a positive total.
    ///
    /// withdrawn + max(0, −transferred); the counterpart of `deposit`, a choice for the same reason. No
    /// rounding.
    public static func withdraw(
        withdrawn: ExactDecimal, transferred: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try withdrawn + max(.zero, -transferred)
    }

    // MARK: - Balances

    /// The account's money before any digit is dropped: deposit − withdraw − withdrawFees − fees + pnl +
    /// funding, of unrounded parts; signed. Promotional credit is no part of it.
    ///
    /// Sheet 4.2 and 4.3, `decisions.md` Rails 2. Exact.
    public static func unroundedTotal(
        deposit: ExactDecimal, withdraw: ExactDecimal, withdrawFees: ExactDecimal, fees: ExactDecimal,
        positionPnl: ExactDecimal, funding: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try deposit - withdraw - withdrawFees - fees + positionPnl + funding
    }

    /// `totalBalance`: the unrounded total cut to 8 places; the given sample obeys it to the digit. Exact.
    public static func totalBalance(unroundedTotal: ExactDecimal) -> ExactDecimal {
        unroundedTotal.cut(places: moneyPlaces)
    }

    /// What a pool is worth: its money + unrealised profit of its positions; signed, exact. Of the account,
    /// the unrounded total and every position.
    ///
    /// Rails, account balance page (not returned by the API). Exact.
    public static func equity(
        money: ExactDecimal, unrealisedPnl: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try ExactFraction(money) + unrealisedPnl
    }

    /// The money of the cross pool: the unrounded total less what isolated positions hold. Rails, help on
    /// margin: an isolated position has a pool of its own, outside the cross pool. Exact.
    public static func crossMoney(
        unroundedTotal: ExactDecimal, isolatedMargin: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try unroundedTotal - isolatedMargin
    }

    /// `availableBalance`, documented: totalBalance − maintenanceMargin, both as printed, less what isolated
    /// positions hold; negative where maintenance is larger. The sample obeys it. `decisions.md` Rails 1.
    /// Exact; isolated positions a choice.
    public static func availableBalance(
        totalBalance: ExactDecimal, maintenanceMargin: ExactDecimal, isolatedMargin: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try totalBalance - maintenanceMargin - isolatedMargin.cut(places: moneyPlaces)
    }

    /// What equity leaves beside position and order margin, unrounded and not floored; cut to 8 places it is
    /// the later rules' `availableBalance`. Rails, account balance page. Exact by that page.
    public static func unroundedAvailable(
        equity: ExactFraction, positionMargin: ExactFraction, openOrderMargin: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try equity - positionMargin - openOrderMargin
    }

    /// What can be withdrawn by the later rules, not floored: money of the cross pool + losses of its
    /// positions at a loss − entry margin − order margin, cut to 8 places. Rails, account balance page. Exact
    /// by that page.
    public static func withdrawable(
        money: ExactDecimal, unrealisedLosses: ExactFraction, entryMargin: ExactFraction,
        openOrderMargin: ExactFraction
    ) throws(NumberError) -> ExactDecimal {
        try printedMoney(ExactFraction(money) + unrealisedLosses - entryMargin - openOrderMargin)
    }

    /// What new orders may take, documented: availableBalance less the margin of orders that add exposure,
    /// not floored. A choice: the given text reserves margin for orders in `margin` and nowhere else.
    public static func freeForOrders(
        availableBalance: ExactDecimal, openOrderMargin: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        try ExactFraction(availableBalance) - openOrderMargin
    }

    // MARK: - Margin

    /// What a position is worth at a price, signed: quantity × price. Exact.
    public static func positionValue(
        quantity: ExactDecimal, indexPrice: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try ExactFraction(quantity).times(indexPrice)
    }

    /// The size of a position that margins are shares of: |cost| in the given text, |quantity| × index price
    /// by the later rules; never negative. `decisions.md` Rails 1.
    public static func positionSize(
        value: ExactFraction, cost: ExactDecimal, profile: WireProfile
    ) -> ExactFraction {
        switch profile {
        case .documented: ExactFraction(cost.magnitude)
        case .live: value.magnitude
        }
    }

    /// A position's profit: value − cost; signed. Positions page. Exact.
    public static func unrealised(
        value: ExactFraction, cost: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try value - ExactFraction(cost)
    }

    /// `margin`: (positions + orders) ÷ leverage + what isolated positions hold; of a market with that
    /// market's positions and orders, of the account with all of them.
    ///
    /// Given document. The later rules leave the orders out (position margin, leverage page). Exact; the
    /// sample's own figure disagrees with the formula beside it (sheet 4.2). Isolated positions a choice.
    public static func margin(
        positions: ExactFraction, orders: ExactFraction, leverage: ExactDecimal,
        isolatedMargin: ExactDecimal = .zero
    ) throws(NumberError) -> ExactFraction {
        try (positions + orders).over(leverage) + ExactFraction(isolatedMargin)
    }

    /// The margin of several notionals: Σ notional ÷ leverage; never negative.
    ///
    /// Position metrics page: the account's margin is the sum of the markets'. Exact.
    public static func totalMargin(
        _ parts: [(notional: ExactFraction, leverage: ExactDecimal)]
    ) throws(NumberError) -> ExactFraction {
        var sum = ExactFraction.zero
        for part in parts { try sum += part.notional.over(part.leverage) }
        return sum
    }

    /// `margin` as printed: cut to 18 places once everything is added up. A choice of the digits.
    public static func printedMargin(_ total: ExactFraction) throws(NumberError) -> ExactDecimal {
        try total.rounded(places: ExactDecimal.places, rounding: .towardZero)
    }

    /// `maintenanceMargin`: position size × maintenance rate, of a market or of all of a pool. Given document
    /// (3 % at cost); position metrics page (10 % at the index price). Exact.
    public static func maintenanceMargin(
        positionSize: ExactFraction, rate: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try positionSize.times(rate)
    }

    /// The margin that a market's exposure-raising orders take: their notional ÷ leverage. Sheet 4.3, marked
    /// as inferred there; a choice.
    public static func openOrderMargin(
        openingOrders: ExactFraction, leverage: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try openingOrders.over(leverage)
    }

    /// The notional of a market's orders that would add exposure: reduce-only orders never count; orders
    /// against the position are exempt, oldest first, up to its size.
    ///
    /// Risk management page (proactive cancel) and sheet 4.3; a choice. `orders` in the order of placing.
    public static func openingOrders(
        _ orders: some Sequence<OpenOrder>, quantity: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        var exempt = quantity.magnitude
        var notional = ExactFraction.zero
        for order in orders where !order.reduceOnly {
            var counted = order.remaining
            let offsets = quantity.isPositive ? order.side == .sell : order.side == .buy
            if offsets, exempt.isPositive {
                let part = min(exempt, counted)
                exempt = try exempt - part
                counted = try counted - part
            }
            try notional += orderNotional(remaining: counted, price: order.price)
        }
        return notional
    }

    // MARK: - Markets and positions

    /// What is left of an order × its limit price. Given sample; the rows of published orders show the
    /// remainder. Exact.
    public static func orderNotional(
        remaining: ExactDecimal, price: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try ExactFraction(remaining).times(price)
    }

    /// `openBuy`, `openSell`: Σ open quantity × limit price of a market's orders of one side. Given sample.
    /// Exact.
    public static func openNotional(
        _ orders: some Sequence<OpenOrder>, side: Side
    ) throws(NumberError) -> ExactFraction {
        var notional = ExactFraction.zero
        for order in orders where order.side == side {
            try notional += orderNotional(remaining: order.remaining, price: order.price)
        }
        return notional
    }

    /// `openBuy`, `openSell` and `unrealizedPnl` as printed: half even to 18 places. A choice of the digits.
    public static func printedValue(_ value: ExactFraction) throws(NumberError) -> ExactDecimal {
        try value.rounded(places: ExactDecimal.places, rounding: .halfEven)
    }

    /// `openBuyQty`, `openSellQty`: Σ open quantity of a market's orders of one side, in coin. Exact.
    public static func openQuantity(
        _ orders: some Sequence<OpenOrder>, side: Side
    ) throws(NumberError) -> ExactDecimal {
        var quantity = ExactDecimal.zero
        for order in orders where order.side == side { quantity = try quantity + order.remaining }
        return quantity
    }

    /// `position`, `positionQuantity` and their namesakes in positions: the given sample prints magnitudes,
    /// also of a short; the later text has them signed. `decisions.md` Rails 2.
    public static func shown(_ signed: ExactDecimal, profile: WireProfile) -> ExactDecimal {
        profile == .documented ? signed.magnitude : signed
    }

    /// `pnl`, `fees`, account `funding`: an accumulator cut to 8 places, as the sample is (rounding would
    /// give other digits). Exact.
    public static func printedMoney(_ accumulated: ExactDecimal) -> ExactDecimal {
        accumulated.cut(places: moneyPlaces)
    }

    /// `availableBalance` and what can be withdrawn by the later rules, and the account's
    /// `maintenanceMargin`: cut to 8 places, after every sum and quotient has been worked out. A choice of
    /// the digits; the pages give the formulas.
    public static func printedMoney(_ worked: ExactFraction) throws(NumberError) -> ExactDecimal {
        try worked.rounded(places: moneyPlaces, rounding: .towardZero)
    }

    /// `liquidationPrice`: the index price of one market at which equity meets maintenance while all other
    /// markets stand still; 18 places, cut; 0 when there is no position or no positive price, or none that
    /// can be held.
    ///
    /// Solves otherEquity + quantity × P − cost = otherMaintenance + movingRate × |quantity| × P, where
    /// `otherEquity` is the pool's money and its other positions' unrealised profit, and `otherMaintenance`
    /// the maintenance that does not follow P, unrounded. The given text's maintenance is at cost, so all of
    /// it stands still (`movingRate` 0); the later rules' follows the price with its own rate.
    /// `decisions.md` Rails 3; a choice (the venue's last expression is not published and the sample's values
    /// fit none).
    public static func liquidationPrice(
        quantity: ExactDecimal, cost: ExactDecimal, otherEquity: ExactFraction,
        otherMaintenance: ExactFraction, movingRate: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        if quantity.isZero { return .zero }
        let required = try ExactFraction(cost) + otherMaintenance - otherEquity
        let perPrice = try ExactFraction(quantity) - ExactFraction(quantity.magnitude).times(movingRate)
        // Signs that differ, or nothing that moves with the price: no positive answer.
        guard !perPrice.isZero, !required.isZero, required.isNegative == perPrice.isNegative else {
            return .zero
        }
        do {
            return try required.over(perPrice).rounded(places: ExactDecimal.places, rounding: .towardZero)
        } catch {
            return .zero
        }
    }

    // MARK: - Fills and fundings

    /// `fees` of a fill: value × rate, cut to 8 places. Three published rows of `completed-orders`. Exact.
    public static func fee(
        quantity: ExactDecimal, price: ExactDecimal, rate: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try printedMoney(ExactFraction(quantity).times(price).times(rate))
    }

    /// `value` of a funding: −(size × index price × rate ÷ 100), cut to 8 places; the rate is in per cent.
    /// The published row of `fundings`. Exact.
    public static func funding(
        size: ExactDecimal, indexPrice: ExactDecimal, ratePercent: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try printedMoney(-ExactFraction(size).times(indexPrice).times(ratePercent).over(ExactDecimal(100)))
    }
}
