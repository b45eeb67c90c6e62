import JSON
import Numbers

/// One open position.
///
/// The exact cost is stored and the entry price derived where it is printed, so that adding to and partly
/// closing a position neither creates nor loses anything.
public struct Position: Sendable {
    public let instrument: Instrument
    public let side: PositionSide
    public let marginMode: MarginMode
    /// In the venue's unit, contracts or coin; negative when short, in hedge mode too.
    public var quantity: ExactDecimal
    /// Signed like `quantity`: Σ price × quantity of a linear contract (quote asset per unit of contract
    /// value), Σ quantity ÷ price of an inverse one. Since the last session settlement where the venue
    /// settles sessions, since opening elsewhere.
    public var cost: ExactDecimal
    /// The cost since the position was opened, signed and counted as `cost` is.
    public var openingCost: ExactDecimal
    /// Margin put into an isolated position, in the settlement asset; zero for cross.
    public var isolatedWallet: ExactDecimal = .zero
    /// Profit realized since the position was opened, before fees, in the settlement asset; negative for a
    /// loss.
    public var realised: ExactDecimal = .zero
    /// Fees that its fills cost since it was opened, in the settlement asset; positive when paid. Those paid
    /// in another asset are not among them.
    public var fees: ExactDecimal = .zero
    /// Funding since the position was opened, in the settlement asset; positive when received.
    public var funding: ExactDecimal = .zero
    public var openedAt: LedgerTime
    public var updatedAt: LedgerTime
    /// How a spot pair is traded on margin; nil for a contract.
    public var margin: MarginTrading?
    /// The sequence of its last trade; nil while it is only what was imported.
    public internal(set) var lastTrade: Int64?
    /// The one price at which all of an inverse contract was opened, whose cost is a quotient that was cut;
    /// nil where it was opened at several, and of every other position.
    public internal(set) var onlyPrice: ExactDecimal?

    public init(
        instrument: Instrument, side: PositionSide, marginMode: MarginMode, quantity: ExactDecimal,
        cost: ExactDecimal, openedAt: LedgerTime
    ) {
        self.instrument = instrument
        self.side = side
        self.marginMode = marginMode
        self.quantity = quantity
        self.cost = cost
        self.openingCost = cost
        self.openedAt = openedAt
        self.updatedAt = openedAt
    }

    /// Whether the quantity is above zero.
    public var isLong: Bool { quantity.isPositive }

    /// The average entry price, to so many places: cost ÷ quantity (linear), quantity ÷ cost (inverse), what
    /// was paid ÷ what was traded (on margin).
    public func entryPrice(places: Int = 18, rounding: Rounding) throws(NumberError) -> ExactDecimal {
        if let margin { return try openingCost.over(margin.traded, places: places, rounding: rounding) }
        return switch instrument.payoff {
        case .linear: try cost.over(quantity, places: places, rounding: rounding)
        case .inverse: try quantity.over(cost, places: places, rounding: rounding)
        }
    }

    /// Unrealized profit at a mark price, in the settlement asset: (quantity × mark − cost) × contract value
    /// for a linear contract, (cost − quantity ÷ mark) × contract value for an inverse one. Signed.
    public func unrealized(
        at mark: ExactDecimal, places: Int = 18, rounding: Rounding
    ) throws(NumberError) -> ExactDecimal {
        let value: ExactDecimal
        switch instrument.payoff {
        case .linear: value = try quantity.times(mark, rounding: .halfEven) - cost
        case .inverse: value = try cost - quantity.over(mark, rounding: .halfEven)
        }
        return try value.times(instrument.contractValue, places: places, rounding: rounding)
    }

    /// Signed notional at a price: quantity × contract value × price in the quote asset for a linear
    /// contract; quantity × contract value for an inverse one, which is quoted in USD whatever the price.
    public func notional(
        at price: ExactDecimal, places: Int = 18, rounding: Rounding
    ) throws(NumberError) -> ExactDecimal {
        let size = try quantity.times(instrument.contractValue, rounding: .halfEven)
        switch instrument.payoff {
        case .linear: return try size.times(price, places: places, rounding: rounding)
        case .inverse: return try size.rounded(places: places, rounding: rounding)
        }
    }
}

extension Position: Equatable {
    public static func == (left: Position, right: Position) -> Bool {
        left.instrument.hasSameTerms(as: right.instrument) && left.side == right.side
            && left.marginMode == right.marginMode && left.quantity == right.quantity
            && left.cost == right.cost
            && left.openingCost == right.openingCost && left.isolatedWallet == right.isolatedWallet
            && left.realised == right.realised && left.fees == right.fees && left.funding == right.funding
            && left.openedAt == right.openedAt && left.updatedAt == right.updatedAt
            && left.margin == right.margin && left.lastTrade == right.lastTrade
            && left.onlyPrice == right.onlyPrice
    }
}
