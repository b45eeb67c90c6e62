import JSON
import Numbers

/// Which price a trigger watches.
public enum TriggerSource: String, Sendable, CaseIterable {
    /// The last traded price.
    case last
    case mark
    /// Index of the base asset ÷ index of the quote asset.
    case index
}

extension TriggerSource {
    /// The price that a trigger watches; nil where nobody has given one.
    public func price(
        of instrument: Instrument, _ prices: VenuePrices, _ market: ValuationPrices
    ) -> ExactDecimal? {
        switch self {
        case .last: return prices.quotes[instrument.name]?.last ?? market.mark(instrument)
        case .mark: return market.mark(instrument)
        case .index:
            guard let base = market.index(instrument.base), let quote = market.index(instrument.quote) else {
                return nil
            }
            return try? base.over(quote, places: 8, rounding: .halfUp)
        }
    }
}

/// When a conditional order fires: at a level, or a distance behind the best price since it was active.
public struct Trigger: Sendable, Equatable {
    /// How a trailing trigger follows the price; one of ratio and distance is there.
    public struct Trail: Sendable, Equatable {
        /// The distance as a fraction of the best price.
        public var ratio: ExactDecimal?
        /// The distance in the quote asset.
        public var distance: ExactDecimal?
        /// The best price since it was active; nil before.
        public var extreme: ExactDecimal?

        /// A trail that is not active yet.
        public init(ratio: ExactDecimal? = nil, distance: ExactDecimal? = nil) {
            self.ratio = ratio
            self.distance = distance
        }
    }

    /// The price that it watches.
    public var source: TriggerSource
    /// Whether the price comes up to the level, rather than down; nil for the side of the price at placing.
    public var rises: Bool?
    /// The level; of a trailing trigger the price from which on it is active, nil for at once.
    public var price: ExactDecimal?
    /// How far behind the best price it follows; nil for a level that stands.
    public var trail: Trail?
    /// How far the last price and the mark may be apart for it to fire, as a fraction of the mark; nil for
    /// any distance.
    public var protection: ExactDecimal?

    /// A trigger at a level.
    public init(_ source: TriggerSource, at price: ExactDecimal, rises: Bool?) {
        self.source = source
        self.price = price
        self.rises = rises
    }

    /// A trigger that trails.
    public init(_ source: TriggerSource, trailing trail: Trail, from price: ExactDecimal?, rises: Bool) {
        self.source = source
        self.trail = trail
        self.price = price
        self.rises = rises
    }

    /// The price that fires it; nil where it trails and is not active yet. Of a trail: best price × (1 ∓
    /// ratio), or best price ∓ distance; half even at 18 places.
    public func level() throws(NumberError) -> ExactDecimal? {
        guard let trail else { return price }
        guard let extreme = trail.extreme else { return nil }
        var distance = trail.distance ?? .zero
        if let ratio = trail.ratio { distance = try extreme.times(ratio, rounding: .halfEven) }
        return try rises == true ? extreme + distance : extreme - distance
    }

    /// Whether a price fires it.
    public func fires(at now: ExactDecimal) -> Bool {
        guard let level = try? level() else { return false }
        return rises == true ? now >= level : now <= level
    }

    /// The best price that a trail knows after this one; nil where it knows nothing new.
    public func extreme(at now: ExactDecimal) -> ExactDecimal? {
        guard let trail else { return nil }
        if let extreme = trail.extreme {
            return (rises == true ? now < extreme : now > extreme) ? now : nil
        }
        guard let start = price else { return now }
        return (rises == true ? now <= start : now >= start) ? now : nil
    }
}

/// One way in which a conditional order becomes an order.
public struct ConditionalLeg: Sendable, Equatable {
    /// What the venue calls it, such as `tp`, `sl`.
    public var name: String
    /// The price at which it fires.
    public var trigger: Trigger
    /// The limit of the order that it places; nil for a market order.
    public var price: ExactDecimal?

    /// A leg that places a limit order at a price, or a market order where the price is nil.
    public init(_ name: String, _ trigger: Trigger, price: ExactDecimal?) {
        self.name = name
        self.trigger = trigger
        self.price = price
    }
}

/// A conditional order that a client of a venue wants: no order yet and without margin of its own. The first
/// leg that fires places the order and ends it.
public struct ConditionalInstruction: Sendable, Equatable {
    /// The client's own id; unique among the account's conditional orders.
    public var clientID: String?
    /// The venue's own name of what is traded.
    public var instrument: String
    /// The side of the order that it places.
    public var side: Side
    /// The quantity in the venue's unit; nil for the whole position as it is when it fires.
    public var quantity: ExactDecimal?
    /// Whether its quantity is that of the order which it is attached to, whatever that comes to.
    public var isOfWholeOrder = false
    /// Whether that order may only reduce the position.
    public var reduceOnly = false
    /// The leg that is meant, in hedge mode.
    public var positionSide: PositionSide?
    /// The margin mode of the order that it places; nil for the instrument's own.
    public var marginMode: MarginMode?
    /// What it may place, each with the trigger at which it does.
    public var legs: [ConditionalLeg]
    /// The ledger time at which it ends by itself; nil where it waits without end.
    public var expiresAt: LedgerTime?
    /// Whether it ends with the position that it would close; what closes the whole of one always does.
    public var endsWithPosition = false
    /// The ledger's id of an open order that it is attached to: it fires only once that is filled as a whole,
    /// and ends with it where it ends otherwise.
    public var order: String?
    /// Terms of the order that it places; market or limit is the leg's.
    public var terms = OrderTerms()
    /// The venue's own members that its answers repeat, by the venue's names.
    public var words = Settings()

    /// A conditional order of these legs.
    public init(
        instrument: String, side: Side, quantity: ExactDecimal?, legs: [ConditionalLeg],
        clientID: String? = nil
    ) {
        self.instrument = instrument
        self.side = side
        self.quantity = quantity
        self.legs = legs
        self.clientID = clientID
    }
}

/// A conditional order as it waits.
public struct ConditionalOrder: Sendable {
    /// What is traded, under the terms that it was placed under.
    public let instrument: Instrument
    /// What was asked for, with its legs as they stand now.
    public internal(set) var terms: ConditionalInstruction
    /// When it was placed.
    public let placedAt: LedgerTime
    /// The sequence of the event that placed it.
    public internal(set) var sequence: Int64 = 0
    /// When its terms were last changed.
    public internal(set) var updatedAt: LedgerTime

    /// A conditional order that was just placed.
    public init(instrument: Instrument, terms: ConditionalInstruction, placedAt: LedgerTime) {
        self.instrument = instrument
        self.terms = terms
        self.placedAt = placedAt
        updatedAt = placedAt
    }

    /// Unique in the ledger: made of the sequence.
    public var id: String { "c\(sequence)" }

    /// Whether it ends when a trade has closed this position.
    public func ends(with position: PositionKey, closedBy side: Side) -> Bool {
        (terms.quantity == nil || terms.endsWithPosition) && terms.side == side
            && instrument.name == position.instrument.name && (terms.positionSide ?? .net) == position.side
            && (terms.marginMode ?? .cross) == position.marginMode
    }

    /// The order that a leg places, of this size.
    public func order(of leg: ConditionalLeg, quantity: ExactDecimal) -> OrderInstruction {
        var orderTerms = terms.terms
        orderTerms.kind = leg.price == nil ? .market : .limit
        orderTerms.conditional = id
        // Its list has ended with its firing.
        orderTerms.list = nil
        var order = OrderInstruction(
            instrument: terms.instrument, side: terms.side, quantity: quantity, price: leg.price,
            terms: orderTerms)
        order.reduceOnly = terms.reduceOnly || terms.quantity == nil
        order.positionSide = terms.positionSide
        order.marginMode = terms.marginMode
        return order
    }
}

extension ConditionalOrder: Equatable {
    /// Whether both have the same terms and state.
    public static func == (left: ConditionalOrder, right: ConditionalOrder) -> Bool {
        left.instrument.hasSameTerms(as: right.instrument) && left.terms == right.terms
            && left.placedAt == right.placedAt
            && left.sequence == right.sequence && left.updatedAt == right.updatedAt
    }
}

/// A change of a conditional order that waits.
public struct ConditionalAmendment: Sendable, Equatable {
    public let id: String
    public let quantity: ExactDecimal?
    public let legs: [ConditionalLeg]

    /// The conditional order as it is from here on.
    public init(id: String, quantity: ExactDecimal?, legs: [ConditionalLeg]) {
        self.id = id
        self.quantity = quantity
        self.legs = legs
    }
}

/// How a conditional order ended that placed no order.
public struct ConditionalEnd: Sendable, Equatable {
    /// Why a conditional order ended.
    public enum Reason: String, Sendable, CaseIterable {
        /// Its owner canceled it.
        case cancelled
        /// Its time was over.
        case expired
        /// The order that it would have placed was refused.
        case refused
        /// Another order of its list was traded or has fired.
        case contingency
        /// The position that it would have closed was closed by another trade.
        case positionClosed = "position_closed"
    }

    /// Why it ended.
    public let reason: Reason
    /// The ledger's code of the refusal; nil where nothing was refused.
    public let refusal: Refusal.Code?

    /// An end, with the code of the refusal where there was one.
    public init(_ reason: Reason, refusal: Refusal.Code? = nil) {
        self.reason = reason
        self.refusal = refusal
    }
}

/// A time at which an account's open orders are canceled unless it is put off: a dead man's switch.
public struct CancelTimer: Sendable, Equatable {
    /// The instrument whose orders it is of; nil for all.
    public let instrument: String?
    /// The ledger time at which the orders are canceled; nil turns the timer off.
    public let at: LedgerTime?

    /// A timer for the orders of an instrument, or of all where it is nil; a nil time turns it off.
    public init(instrument: String?, at time: LedgerTime?) {
        self.instrument = instrument
        self.at = time
    }
}

/// What an account has taken from a quote: it is not there again for its next order.
public struct TakenSize: Sendable, Equatable {
    public let instrument: String
    /// The side of the orders that took it.
    public let side: Side
    /// Taken from what stood at the touch, or made from what was traded.
    public let liquidity: Liquidity
    /// The sequence of the event that quoted it.
    public let quote: Int64
    public internal(set) var quantity: ExactDecimal
}
