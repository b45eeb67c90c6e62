import Ledger
import Numbers

/// What the market of an instrument needs of a venue's rules of it.
public protocol MarketRules: Sendable {
    /// The contract.
    var terms: Instrument { get }

    /// The smallest step of its price.
    var priceTick: ExactDecimal { get }

    /// What stands at a price where nobody said how much.
    var anySize: ExactDecimal { get }
}

extension MarketRules {
    /// A million: a choice.
    public var anySize: ExactDecimal { ExactDecimal(1_000_000) }
}

/// The market of one instrument as everybody sees it: what is behind the answers to requests and the messages
/// of streams alike.
public struct InstrumentMarket<Rules: MarketRules>: Sendable {
    public let rules: Rules
    public let market: ValuationPrices
    public let access: any VenueAccess
    /// The ledger time that everything here is of.
    public let now: LedgerTime

    public init(_ rules: Rules, _ market: ValuationPrices, _ access: any VenueAccess) {
        self.rules = rules
        self.market = market
        self.access = access
        now = access.ledgerTime()
    }

    public var terms: Instrument { rules.terms }
    public var name: String { rules.terms.name }

    /// Nil where no price is known.
    public var touch: Touch? { access.touch(of: terms, market, tick: rules.priceTick) }

    /// What stands at the bid and at the ask; nil where no price is known.
    public var sizes: (bid: ExactDecimal, ask: ExactDecimal)? {
        touch.map { ($0.bidSize ?? rules.anySize, $0.askSize ?? rules.anySize) }
    }

    /// The bid and the ask, one level each; none where no price is known.
    public var levels: [BookLevel] {
        guard let touch, let sizes else { return [] }
        let both = [
            BookLevel(side: .buy, price: touch.bid, size: sizes.bid),
            BookLevel(side: .sell, price: touch.ask, size: sizes.ask),
        ]
        return both.filter { $0.price.isPositive && $0.size.isPositive }
    }

    /// The place in the journal of the last event that changed the touch; 1 before there is one.
    public var sequence: Int64 { access.market.change(of: name)?.sequence ?? 1 }

    /// When the touch last changed.
    public var changedAt: LedgerTime { access.market.change(of: name)?.at ?? now }

    /// What the price was over the last 24 hours; nil where none is known.
    public var lastDay: Candle? {
        get throws(NumberError) { try access.lastDay(of: terms, market) }
    }

    /// When the present period ends, of those that are so many hours long and begin at midnight UTC.
    public func end(ofPeriod hours: Int64) -> LedgerTime {
        let length = hours * CandleInterval.hour
        return LedgerTime(milliseconds: now.milliseconds - now.milliseconds % length + length)
    }
}

/// A price of a book, and what stands there; nothing where it is gone.
public struct BookLevel: Sendable, Equatable {
    public let side: Side
    /// In the quote asset.
    public let price: ExactDecimal
    /// In the venue's unit; 0 where the level is gone.
    public let size: ExactDecimal

    public init(side: Side, price: ExactDecimal, size: ExactDecimal) {
        self.side = side
        self.price = price
        self.size = size
    }
}

extension [BookLevel] {
    /// The levels of one side, in their order.
    public func of(_ side: Side) -> [BookLevel] { filter { $0.side == side } }

    /// What makes another book of this one: prices that are gone, then those that are new.
    public func changes(to after: [BookLevel]) -> [BookLevel] {
        let gone = filter { old in !after.contains { $0.side == old.side && $0.price == old.price } }
        return gone.map { BookLevel(side: $0.side, price: $0.price, size: .zero) }
            + after.filter { !contains($0) }
    }
}
