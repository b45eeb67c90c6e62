import Numbers

/// What fills and fundings come to, and amounts as Rails prints them. All money is in USD.
enum RailsFigures {
    /// Places of the account's totals and of a market's `pnl` and `fees`.
    static let moneyPlaces = 8

    /// What a quantity is worth at a price, signed: quantity × price. Exact.
    static func positionValue(
        quantity: ExactDecimal, indexPrice: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try ExactFraction(quantity).times(indexPrice)
    }

    /// An amount cut to 8 places, as the sample's are (rounding would give other digits). Exact.
    static func printedMoney(_ accumulated: ExactDecimal) -> ExactDecimal {
        accumulated.cut(places: moneyPlaces)
    }

    /// The same of an amount that was worked out.
    static func printedMoney(_ worked: ExactFraction) throws(NumberError) -> ExactDecimal {
        try worked.rounded(places: moneyPlaces, rounding: .towardZero)
    }

    /// `fees` of a fill: value × rate, cut to 8 places. Three published rows of `completed-orders`. Exact.
    static func fee(
        quantity: ExactDecimal, price: ExactDecimal, rate: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try printedMoney(ExactFraction(quantity).times(price).times(rate))
    }

    /// `value` of a funding: −(size × index price × rate ÷ 100), cut to 8 places; the rate is in percent.
    /// The published row of `fundings`. Exact.
    static func funding(
        size: ExactDecimal, indexPrice: ExactDecimal, ratePercent: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try printedMoney(-ExactFraction(size).times(indexPrice).times(ratePercent).over(ExactDecimal(100)))
    }
}
