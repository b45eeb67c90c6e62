import Numbers

/// The best prices that an order meets, and how much stands there.
public struct Touch: Sendable, Equatable {
    /// The best price of a buyer, and of a seller, in the quote asset.
    public var bid: ExactDecimal
    public var ask: ExactDecimal
    /// In the venue's unit; nil for any size.
    public var bidSize: ExactDecimal?
    public var askSize: ExactDecimal?
    /// The last price: what resting orders are reached by.
    public var last: ExactDecimal
    /// What was traded at it, in the venue's unit; nil for any size.
    public var traded: ExactDecimal?
    /// Whether bid and ask were quoted, rather than made of the last price.
    public var isQuoted: Bool
    /// The sequence of the event that quoted it; 0 for a mark price.
    public var sequence: Int64

    /// The touch of an instrument as its newest event makes it: a quote as given; else the bid is the last
    /// price, or the mark, cut to the tick, and the ask one tick above, both of any size. Nil where there is
    /// no price.
    public init?(of instrument: Instrument, prices: VenuePrices, market: ValuationPrices, tick: ExactDecimal)
    {
        let quote = prices.quotes[instrument.name]
        if let quote, let bid = quote.bid, let ask = quote.ask {
            self.init(
                bid: bid, ask: ask, bidSize: quote.bidSize, askSize: quote.askSize,
                last: quote.last ?? market.mark(instrument) ?? bid, traded: quote.quantity, isQuoted: true,
                sequence: quote.sequence)
            return
        }
        guard let last = quote?.last ?? market.mark(instrument),
            let bid = try? last.rounded(toMultipleOf: tick, .towardZero), let ask = try? bid + tick
        else { return nil }
        self.init(
            bid: bid, ask: ask, bidSize: nil, askSize: nil, last: last, traded: quote?.quantity,
            isQuoted: false, sequence: quote?.sequence ?? 0)
    }

    private init(
        bid: ExactDecimal, ask: ExactDecimal, bidSize: ExactDecimal?, askSize: ExactDecimal?,
        last: ExactDecimal, traded: ExactDecimal?, isQuoted: Bool, sequence: Int64
    ) {
        self.bid = bid
        self.ask = ask
        self.bidSize = bidSize
        self.askSize = askSize
        self.last = last
        self.traded = traded
        self.isQuoted = isQuoted
        self.sequence = sequence
    }

    /// The price that an order of this side takes at once.
    public func opposite(_ side: Side) -> ExactDecimal { side == .buy ? ask : bid }

    /// How much of it can be taken, in the venue's unit; nil for any size.
    public func oppositeSize(_ side: Side) -> ExactDecimal? { side == .buy ? askSize : bidSize }

    /// Whether an order of this side and limit takes at once.
    public func isMarketable(_ side: Side, limit: ExactDecimal) -> Bool {
        let opposite = opposite(side)
        return opposite.isPositive && (side == .buy ? limit >= opposite : limit <= opposite)
    }
}
