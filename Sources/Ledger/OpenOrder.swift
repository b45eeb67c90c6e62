import JSON
import Numbers

/// An open order: what is left of it to fill.
///
/// Copies share what it is until one of them changes: an account is copied with all its orders at every
/// event.
public struct OpenOrder: Sendable {
    @usableFromInline struct Content: Sendable {
        @usableFromInline let id: String
        @usableFromInline let instrument: Instrument
        @usableFromInline let side: Side
        @usableFromInline var quantity: ExactDecimal
        @usableFromInline var remaining: ExactDecimal
        @usableFromInline var price: ExactDecimal
        @usableFromInline let reduceOnly: Bool
        @usableFromInline let positionSide: PositionSide
        @usableFromInline let marginMode: MarginMode
        @usableFromInline let placedAt: LedgerTime
        @usableFromInline var fills: OrderFills?
        @usableFromInline var terms: OrderTerms?
        @usableFromInline var sequence: Int64 = 0
        @usableFromInline var amendments: Int64 = 0
        @usableFromInline var amendedAt: LedgerTime?
    }

    @usableFromInline final class Shared: Sendable {
        @usableFromInline let content: Content

        init(_ content: Content) { self.content = content }
    }

    @usableFromInline var shared: Shared

    private var content: Content {
        get { shared.content }
        set { shared = Shared(newValue) }
    }

    public init(
        id: String, instrument: Instrument, side: Side, quantity: ExactDecimal, price: ExactDecimal,
        reduceOnly: Bool, positionSide: PositionSide, marginMode: MarginMode, placedAt: LedgerTime
    ) {
        shared = Shared(
            Content(
                id: id, instrument: instrument, side: side, quantity: quantity, remaining: quantity,
                price: price, reduceOnly: reduceOnly, positionSide: positionSide, marginMode: marginMode,
                placedAt: placedAt))
    }

    /// The id that its owner gave it; unique among the open orders of the account.
    @inlinable public var id: String { shared.content.id }

    /// The instrument that it trades, under the terms that it was placed under.
    @inlinable public var instrument: Instrument { shared.content.instrument }

    /// Whether it buys or sells.
    @inlinable public var side: Side { shared.content.side }

    /// The quantity as placed or last amended, in the venue's unit; above zero.
    @inlinable public var quantity: ExactDecimal { shared.content.quantity }

    /// Not yet filled; positive, at most `quantity`.
    public var remaining: ExactDecimal {
        @inlinable get { shared.content.remaining }
        set { content.remaining = newValue }
    }

    /// The limit price, in the quote asset; of a market order what it was expected to fill at.
    @inlinable public var price: ExactDecimal { shared.content.price }

    /// Whether its owner lets it make a position only smaller.
    @inlinable public var reduceOnly: Bool { shared.content.reduceOnly }

    /// The leg of hedge mode that it is of.
    @inlinable public var positionSide: PositionSide { shared.content.positionSide }

    /// What backs its position.
    @inlinable public var marginMode: MarginMode { shared.content.marginMode }

    /// When it was placed.
    @inlinable public var placedAt: LedgerTime { shared.content.placedAt }

    /// What was filled of it; nil while nothing was.
    public internal(set) var fills: OrderFills? {
        @inlinable get { shared.content.fills }
        set { content.fills = newValue }
    }

    /// What a client of the venue asked for; nil for an order that the operator placed, which the exchange
    /// never fills.
    public var terms: OrderTerms? {
        @inlinable get { shared.content.terms }
        set { content.terms = newValue }
    }

    /// The sequence of the event that placed it; 0 for an order of the operator.
    public internal(set) var sequence: Int64 {
        @inlinable get { shared.content.sequence }
        set { content.sequence = newValue }
    }

    /// How often it was amended.
    public internal(set) var amendments: Int64 {
        @inlinable get { shared.content.amendments }
        set { content.amendments = newValue }
    }

    /// When it was last amended.
    public internal(set) var amendedAt: LedgerTime? {
        @inlinable get { shared.content.amendedAt }
        set { content.amendedAt = newValue }
    }

    /// Takes over a fill of it.
    mutating func take(_ fill: Fill, by event: Event) throws(NumberError) {
        var content = content
        content.fills = try OrderFills(fills, and: fill, by: event)
        content.remaining = try remaining - fill.quantity
        self.content = content
    }

    /// Notes what a fill of it realized of a position.
    mutating func note(_ realised: ExactDecimal) throws(NumberError) {
        if let sum = try fills.map({ fills throws(NumberError) in try fills.realised + realised }) {
            fills?.realised = sum
        }
    }

    /// Takes over another size and price.
    mutating func take(_ amendment: OrderAmendment, at time: LedgerTime) throws(NumberError) {
        var content = content
        content.remaining = try amendment.quantity - filled
        content.quantity = amendment.quantity
        content.price = amendment.price
        if let terms = amendment.terms { content.terms = terms }
        content.amendments += 1
        content.amendedAt = time
        self.content = content
    }

    /// Filled so far, in the venue's unit; not negative.
    public var filled: ExactDecimal {
        get throws(NumberError) { try quantity - remaining }
    }

    /// When it was last filled, amended, or placed.
    public var updatedAt: LedgerTime { max(fills?.at ?? placedAt, amendedAt ?? placedAt) }

    /// Whether another order differs from it, as far as margin goes, in nothing but size and price.
    public func isAlike(_ other: OpenOrder) -> Bool {
        // Compared in place: accounts have hundreds of orders, and each new one asks this of all.
        let (one, two) = (shared, other.shared)
        return one.content.instrument === two.content.instrument && one.content.side == two.content.side
            && one.content.positionSide == two.content.positionSide
            && one.content.marginMode == two.content.marginMode
            && one.content.reduceOnly == two.content.reduceOnly
            && one.content.terms?.marginAsset == two.content.terms?.marginAsset
    }

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
        if left.shared === right.shared { return true }
        return left.id.isExactly(right.id) && left.instrument.hasSameTerms(as: right.instrument)
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
    /// What they realized of a position, before fees, in the settlement asset.
    public internal(set) var realised: ExactDecimal = .zero
    /// The last one; nil in records of before it was kept.
    public internal(set) var last: Last?

    /// A fill by itself.
    public struct Last: Sendable, Equatable {
        /// The price that it traded at, in the quote asset.
        public let price: ExactDecimal
        /// How much it was, in the venue's unit; above zero.
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
