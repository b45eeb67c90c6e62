import JSON
import Numbers

/// What a client of a venue asked of the exchange beyond instrument, side, quantity and price; it stands with
/// the order as long as the order does.
public struct OrderTerms: Sendable, Equatable {
    /// How an order is priced.
    public enum Kind: String, Sendable, CaseIterable {
        case limit
        case market
    }

    /// How long an order stands.
    public enum TimeInForce: String, Sendable, CaseIterable {
        /// Until it is filled or canceled.
        case goodTillCancelled = "gtc"
        /// What cannot be filled at once ends.
        case immediateOrCancel = "ioc"
        /// Filled at once as a whole, or not at all.
        case fillOrKill = "fok"
        /// Until a time.
        case goodTillDate = "gtd"
    }

    /// The client's own id; unique among the open orders of the account where there is one.
    public var clientID: String?
    public var kind: Kind
    public var timeInForce: TimeInForce
    /// Whether it may only rest: it must not fill at once.
    public var postOnly: Bool
    /// When a good-till-date order ends.
    public var expiresAt: LedgerTime?
    /// What becomes of it and of the account's own resting orders that it would meet; nil where both rest.
    public var selfTradePrevention: SelfTradePrevention?
    /// Which of the account's resting orders it does not trade with: those of the same name, or without one.
    public var selfTradeGroup: String?
    /// The list that it hangs together with: a trade of one of its orders, or the firing of a conditional
    /// one, ends the others.
    public var list: String?
    /// The conditional order that placed it; nil where its owner did.
    public var conditional: String?
    /// The asset of the margin that a spot pair is traded on; nil for contracts, and where the assets of a
    /// pair are exchanged.
    public var marginAsset: String?
    /// Conditional orders that are placed once it is filled as a whole.
    public var attached: [ConditionalInstruction] = []
    /// The venue's own members that its answers repeat, by the venue's names.
    public var words: Settings

    /// Terms of an order that stands until it is filled or canceled, unless said otherwise.
    public init(
        clientID: String? = nil, kind: Kind = .limit, timeInForce: TimeInForce = .goodTillCancelled,
        postOnly: Bool = false, expiresAt: LedgerTime? = nil, words: Settings = Settings()
    ) {
        self.clientID = clientID
        self.kind = kind
        self.timeInForce = timeInForce
        self.postOnly = postOnly
        self.expiresAt = expiresAt
        self.words = words
    }
}

/// An order that a client of a venue wants placed.
public struct OrderInstruction: Sendable, Equatable {
    /// The venue's own name of what is traded.
    public var instrument: String
    public var side: Side
    /// In the venue's unit; above zero, but of an order that has `notional` instead.
    public var quantity: ExactDecimal
    /// What a market order may trade for, in the quote asset, where that decides its size: as many whole lots
    /// as it has the price of.
    public var notional: ExactDecimal?
    /// The limit price, in the quote asset; nil for a market order.
    public var price: ExactDecimal?
    /// Whether it may only make a position smaller.
    public var reduceOnly = false
    /// The leg that is meant, in hedge mode.
    public var positionSide: PositionSide?
    /// Nil for the instrument's own margin mode.
    public var marginMode: MarginMode?
    /// The leverage of its isolated position, which is set with it; nil where that stays.
    public var leverage: ExactDecimal?
    public var terms: OrderTerms

    /// An order of these terms.
    public init(
        instrument: String, side: Side, quantity: ExactDecimal, price: ExactDecimal?, terms: OrderTerms
    ) {
        self.instrument = instrument
        self.side = side
        self.quantity = quantity
        self.price = price
        self.terms = terms
    }
}

/// Which open order is meant.
public enum OrderReference: Sendable, Equatable {
    /// The id that the ledger knows it by.
    case id(String)
    /// The client's own id.
    case client(String)
    /// The sequence of the event that placed it.
    case sequence(Int64)
}

/// Which conditional order is meant.
public enum ConditionalReference: Sendable, Equatable {
    /// The id that the ledger knows it by.
    case id(String)
    /// The client's own id.
    case client(String)
    /// The sequence of the event that placed it.
    case sequence(Int64)
}

/// What a client of a venue asks of the exchange.
public indirect enum TradeInstruction: Sendable, Equatable {
    case place(OrderInstruction)
    /// An order, and conditional orders beside it that wait at once; where it trades at once, only the order.
    case placeBeside(OrderInstruction, [ConditionalInstruction])
    /// Nil leaves quantity (the whole, what is filled included), price or terms as they are.
    case amend(
        OrderReference, instrument: String?, quantity: ExactDecimal?, price: ExactDecimal?,
        terms: OrderTerms? = nil)
    /// Notes an order that the venue refuses by a code and gives an id all the same.
    case refuse(OrderInstruction, code: Int64)
    case cancel(OrderReference, instrument: String?)
    /// All open orders, of one instrument or of all (nil).
    case cancelAll(instrument: String?)
    case placeConditional(ConditionalInstruction)
    /// Nil leaves quantity or legs as they are.
    case amendConditional(ConditionalReference, quantity: ExactDecimal?, legs: [ConditionalLeg]?)
    case cancelConditional(ConditionalReference)
    /// All conditional orders, of one instrument or of all (nil).
    case cancelAllConditionals(instrument: String?)
    case setTimer(CancelTimer)
}

/// A change of an open order's size or price.
public struct OrderAmendment: Sendable, Equatable {
    public let orderID: String
    /// The whole size in the venue's unit, what is filled included; above what is filled.
    public let quantity: ExactDecimal
    /// The limit, in the quote asset.
    public let price: ExactDecimal
    /// Its terms from here on; nil where they stay.
    public let terms: OrderTerms?

    /// The order as it is from here on.
    public init(
        orderID: String, quantity: ExactDecimal, price: ExactDecimal, terms: OrderTerms? = nil
    ) {
        self.terms = terms
        self.orderID = orderID
        self.quantity = quantity
        self.price = price
    }
}

/// Why an order ended that was neither filled as a whole nor canceled by its owner.
public enum OrderEnd: String, Sendable, CaseIterable {
    /// What an immediate-or-cancel order could not fill at once.
    case immediateRest = "immediate_rest"
    /// A fill-or-kill order that could not be filled as a whole.
    case unfillable
    /// What a market order could not fill.
    case marketRest = "market_rest"
    /// A post-only order that would have filled at once.
    case postOnly = "post_only"
    /// Its time was over.
    case goodTillDate = "good_till_date"
    /// There was nothing left to reduce.
    case reduceOnly = "reduce_only"
    /// A fill of it could not be booked.
    case unbookable
    /// It met an order of its own account.
    case selfTrade = "self_trade"
    /// The account's dead man's switch was not put off in time.
    case timer
    /// It was amended to no more than what was filled of it already.
    case amended
    /// Another order of its list was traded or has fired.
    case contingency
}

/// Whether a trade's order rested before it was filled.
public enum Liquidity: String, Sendable, CaseIterable {
    case maker
    case taker
}

/// What becomes of orders of one account that would trade with each other.
public enum SelfTradePrevention: String, Sendable, CaseIterable {
    /// The resting order ends.
    case maker
    /// The new order ends.
    case taker
    case both
}

/// How a venue trades an instrument for an account: what the exchange must know.
public struct TradingTerms: Sendable, Equatable {
    /// The smallest price step, in the quote asset.
    public var tick: ExactDecimal
    /// The smallest step of quantities, in the venue's unit; 0 where orders are not sized by the exchange.
    public var lot: ExactDecimal = .zero
    /// Fee ÷ traded notional of a maker and of a taker; positive when paid.
    public var makerRate: ExactDecimal
    public var takerRate: ExactDecimal
    /// Whether a post-only order that would fill at once, and a fill-or-kill order that cannot be filled, are
    /// refused rather than accepted and ended.
    public var refusesAtOnce: Bool
    /// Whether an amendment by which a post-only order would fill at once is refused rather than ends it.
    public var refusesAmendments = true

    /// Terms of trading.
    public init(
        tick: ExactDecimal, makerRate: ExactDecimal, takerRate: ExactDecimal, refusesAtOnce: Bool
    ) {
        self.tick = tick
        self.makerRate = makerRate
        self.takerRate = takerRate
        self.refusesAtOnce = refusesAtOnce
    }

    /// The rate of a trade.
    public func rate(_ liquidity: Liquidity) -> ExactDecimal {
        liquidity == .maker ? makerRate : takerRate
    }
}
