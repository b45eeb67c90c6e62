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
    /// As `cost`, but always since opening.
    public var openingCost: ExactDecimal
    /// Margin put into an isolated position, in the settlement asset; zero for cross.
    public var isolatedWallet: ExactDecimal = .zero
    /// Realised since the position was opened, before fees, in the settlement asset.
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

    /// Unrealised profit at a mark price, in the settlement asset: (quantity × mark − cost) × contract value
    /// for a linear contract, (cost − quantity ÷ mark) × contract value for an inverse one. Signed.
    public func unrealised(
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
    }
}

/// An open order: what is left of it to fill.
public struct OpenOrder: Sendable {
    /// The id that its owner gave it; unique among the open orders of the account.
    public let id: String
    public let instrument: Instrument
    public let side: Side
    /// As placed or last amended, in the venue's unit; positive.
    public internal(set) var quantity: ExactDecimal
    /// Not yet filled; positive, at most `quantity`.
    public var remaining: ExactDecimal
    /// The limit price, in the quote asset; of a market order what it was expected to fill at.
    public internal(set) var price: ExactDecimal
    public let reduceOnly: Bool
    public let positionSide: PositionSide
    public let marginMode: MarginMode
    public let placedAt: LedgerTime
    /// What was filled of it; nil while nothing was.
    public internal(set) var fills: OrderFills?
    /// What a client of the venue asked for; nil for an order that the operator placed, which the exchange
    /// never fills.
    public var terms: OrderTerms?
    /// The sequence of the event that placed it; 0 for an order of the operator.
    public internal(set) var sequence: Int64 = 0
    /// How often it was amended.
    public internal(set) var amendments: Int64 = 0
    /// When it was last amended.
    public internal(set) var amendedAt: LedgerTime?

    public init(
        id: String, instrument: Instrument, side: Side, quantity: ExactDecimal, price: ExactDecimal,
        reduceOnly: Bool, positionSide: PositionSide, marginMode: MarginMode, placedAt: LedgerTime
    ) {
        self.id = id
        self.instrument = instrument
        self.side = side
        self.quantity = quantity
        self.remaining = quantity
        self.price = price
        self.reduceOnly = reduceOnly
        self.positionSide = positionSide
        self.marginMode = marginMode
        self.placedAt = placedAt
    }

    /// Takes over a fill of it.
    mutating func take(_ fill: Fill, by event: Event) throws(NumberError) {
        fills = try OrderFills(fills, and: fill, by: event)
        remaining = try remaining - fill.quantity
    }

    /// Notes what a fill of it realised of a position.
    mutating func note(_ realised: ExactDecimal) throws(NumberError) {
        if let sum = try fills.map({ fills throws(NumberError) in try fills.realised + realised }) {
            fills?.realised = sum
        }
    }

    /// Takes over another size and price.
    mutating func take(_ amendment: OrderAmendment, at time: LedgerTime) throws(NumberError) {
        remaining = try amendment.quantity - filled
        quantity = amendment.quantity
        price = amendment.price
        if let terms = amendment.terms { self.terms = terms }
        amendments += 1
        amendedAt = time
    }

    /// Filled so far, in the venue's unit; not negative.
    public var filled: ExactDecimal {
        get throws(NumberError) { try quantity - remaining }
    }

    /// When it was last filled, amended, or placed.
    public var updatedAt: LedgerTime { max(fills?.at ?? placedAt, amendedAt ?? placedAt) }

    /// Whether it trades a spot pair on margin.
    public var isOnMargin: Bool { terms?.marginAsset != nil }

    /// The asset of its margin; nil where it exchanges the assets of a pair.
    public var settlementAsset: String? {
        instrument.kind.isDerivative ? instrument.settle : terms?.marginAsset
    }

    /// The position that it opens, changes or closes; meaningless where it exchanges the assets of a pair.
    public var position: PositionKey {
        PositionKey(instrument: instrument, side: positionSide, marginMode: marginMode)
    }

    /// Whether it may only make a position smaller: by its terms, or because it closes a leg of hedge mode.
    public var onlyReduces: Bool { reduceOnly || closesHedgeLeg }

    /// Whether a fill of it would reduce a leg of hedge mode: selling a long, or buying a short back.
    public var closesHedgeLeg: Bool {
        (positionSide == .long && side == .sell) || (positionSide == .short && side == .buy)
    }
}

extension OpenOrder: Equatable {
    public static func == (left: OpenOrder, right: OpenOrder) -> Bool {
        left.id.isExactly(right.id) && left.instrument.hasSameTerms(as: right.instrument)
            && left.side == right.side
            && left.quantity == right.quantity && left.remaining == right.remaining
            && left.price == right.price
            && left.reduceOnly == right.reduceOnly && left.positionSide == right.positionSide
            && left.marginMode == right.marginMode && left.placedAt == right.placedAt
            && left.fills == right.fills && left.terms == right.terms && left.sequence == right.sequence
            && left.amendments == right.amendments && left.amendedAt == right.amendedAt
    }
}

/// What the fills of an open order have come to.
public struct OrderFills: Sendable, Equatable {
    /// Σ quantity × price, in the venue's unit times the quote asset; each product half even at 18 places.
    public private(set) var value: ExactDecimal
    /// Fees in the asset of the first one; positive when paid. Fees in other assets are not among them.
    public private(set) var fees: ExactDecimal
    /// The asset of the first fee; nil while there was none.
    public private(set) var feeAsset: String?
    /// When it was last filled.
    public private(set) var at: LedgerTime
    /// What they realised of a position, before fees, in the settlement asset.
    public internal(set) var realised: ExactDecimal = .zero
    /// The last one; nil in records of before it was kept.
    public internal(set) var last: Last?

    /// A fill by itself.
    public struct Last: Sendable, Equatable {
        /// What it traded at.
        public let price: ExactDecimal
        /// How much it was.
        public let quantity: ExactDecimal
        /// The sequence of its event.
        public let sequence: Int64
    }

    /// Fills as they were kept.
    init(value: ExactDecimal, fees: ExactDecimal, feeAsset: String?, at: LedgerTime) {
        self.value = value
        self.fees = fees
        self.feeAsset = feeAsset
        self.at = at
    }

    /// These fills, or none, and one more.
    init(_ earlier: OrderFills?, and fill: Fill, by event: Event) throws(NumberError) {
        self = earlier ?? OrderFills(value: .zero, fees: .zero, feeAsset: nil, at: event.at)
        value = try value + fill.quantity.times(fill.price, rounding: .halfEven)
        at = event.at
        last = Last(price: fill.price, quantity: fill.quantity, sequence: event.sequence)
        guard !fill.fee.isZero, feeAsset ?? fill.feeAsset == fill.feeAsset else { return }
        feeAsset = fill.feeAsset
        fees = try fees + fill.fee
    }
}
