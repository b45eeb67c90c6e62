import Numbers

/// The prices that figures are worked out with: what was given to the ledger, and behind it the rulebook's
/// dated reference prices, so that a fresh venue has figures before its first tick.
public struct ValuationPrices: Sendable {
    /// The prices that the ledger was given.
    public let prices: VenuePrices
    /// USD prices of the rulebook; 1 for a venue's own USD.
    public let reference: [String: ExactDecimal]

    public init(prices: VenuePrices, reference: [String: ExactDecimal]) {
        self.prices = prices
        self.reference = reference
    }

    /// An asset's USD price: the one given, else the rulebook's reference; nil where there is neither.
    public func index(_ asset: String) -> ExactDecimal? {
        prices.index(asset) ?? reference[asset]
    }

    /// An instrument's mark price in its quote asset: the one given; else index(base) ÷ index(quote) to 8
    /// places, half up (a choice of ours); nil where an index is missing too.
    public func mark(_ instrument: Instrument) -> ExactDecimal? {
        if let mark = prices.mark(instrument.name) { return mark }
        guard let base = index(instrument.base), let quote = index(instrument.quote) else { return nil }
        return try? base.over(quote, places: 8, rounding: .halfUp)
    }
}
