import JSON
import Numbers

/// An order as it stands or as it ended.
public struct OrderRecord: Sendable, Equatable {
    /// How an order ended.
    public enum Ending: Sendable, Equatable {
        case filled
        case cancelled
        case ended(OrderEnd)
        /// Never taken, by a code of the venue's.
        case refused(Int64)
    }

    /// The order, with what is filled of it.
    public internal(set) var order: OpenOrder
    /// How it ended; nil while it is open.
    public internal(set) var ending: Ending?
    /// When it last changed.
    public internal(set) var updatedAt: LedgerTime

    /// An order that is open.
    public init(_ order: OpenOrder) {
        self.order = order
        updatedAt = order.updatedAt
    }

    /// An order that the venue refused by a code.
    public init(refused order: OpenOrder, code: Int64, by event: Event) {
        var order = order
        order.sequence = event.sequence
        self.init(order)
        ending = .refused(code)
    }

    /// An order that was open, after what an instruction came to.
    public init(_ order: OpenOrder, after events: [Event]) throws {
        self.init(order)
        for event in events { try take(event) }
    }

    /// An order out of the events that one instruction came to; nil where they place none.
    public init?(placedBy events: [Event]) throws {
        var record: OrderRecord?
        for event in events {
            if case .orderPlaced(var order) = event.body {
                order.sequence = order.terms == nil ? 0 : event.sequence
                record = OrderRecord(order)
            } else if case .orderRefused(let order, let code) = event.body {
                record = OrderRecord(refused: order, code: code, by: event)
            } else {
                try record?.take(event)
            }
        }
        guard let record else { return nil }
        self = record
    }

    /// Takes over an event if it is of this order, with what a fill realized of a position.
    public mutating func take(_ event: Event, realising realised: ExactDecimal = .zero) throws {
        switch event.body {
        case .orderAmended(let amendment) where amendment.orderID.isExactly(order.id):
            try order.take(amendment, at: event.at)
        case .filled(let fill) where fill.orderID.isExactly(order.id):
            try order.take(fill, by: event)
            try order.note(realised)
            if !order.remaining.isPositive { ending = .filled }
        case .orderCancelled(let id) where id.isExactly(order.id): ending = .cancelled
        case .orderEnded(let id, let end) where id.isExactly(order.id): ending = .ended(end)
        default: return
        }
        updatedAt = event.at
    }
}

/// A conditional order that waits no longer.
public struct ConditionalRecord: Sendable, Equatable {
    /// What became of it.
    public enum Ending: Sendable, Equatable {
        /// A leg fired at a price and placed an order, if there is one.
        case triggered(leg: String, price: ExactDecimal, orderSequence: Int64?)
        case ended(ConditionalEnd)
    }

    /// The conditional order as it was when it ended.
    public let order: ConditionalOrder
    /// What became of it.
    public internal(set) var ending: Ending
    /// The ledger time at which it ended.
    public let endedAt: LedgerTime

    /// A conditional order that has ended.
    public init(_ order: ConditionalOrder, _ ending: Ending, at time: LedgerTime) {
        self.order = order
        self.ending = ending
        endedAt = time
    }
}

/// A trade of an account.
public struct TradeRecord: Sendable, Equatable {
    /// The sequence of its event, which tells it from every other.
    public let sequence: Int64
    public let at: LedgerTime
    public let fill: Fill
    /// The order that it filled, as it was then; nil for a trade without one.
    public let order: OpenOrder?
    /// Profit that it realized, before its fee, in the settlement asset; negative for a loss.
    public let realised: ExactDecimal

    /// A trade, with its order as it was before it.
    public init(
        sequence: Int64, at time: LedgerTime, fill: Fill, order: OpenOrder?, realised: ExactDecimal
    ) {
        self.sequence = sequence
        at = time
        self.fill = fill
        self.order = order
        self.realised = realised
    }
}

/// An amendment of an open order.
public struct AmendmentRecord: Sendable, Equatable {
    /// The sequence of its event.
    public let sequence: Int64
    public let at: LedgerTime
    /// The order as it was before.
    public let order: OpenOrder
    public let amendment: OrderAmendment
}

/// Interest that an account was charged.
public struct InterestRecord: Sendable, Equatable {
    /// The sequence of its event.
    public let sequence: Int64
    /// When.
    public let at: LedgerTime
    /// What it is of.
    public let asset: String
    /// How much.
    public let amount: ExactDecimal
    /// What was owed of the asset before it: by the position, else by the account, whose open positions may
    /// have made that more.
    public let liability: ExactDecimal
    /// The position of a spot pair that owes it; nil where the account does.
    public let position: PositionKey?
}

/// That an answer may lack rows which the latest history does not keep any more: a longer one has them.
public struct HistoryForgotten: Error {}

/// What an account has traded: its latest ended orders and trades, folded out of its own events.
public struct TradingHistory: Sendable {
    /// One of its lists.
    public enum List: Sendable {
        case orders, trades, conditionals, amendments, cashChanges, closedPositions, interest
    }

    /// The most of each list that is kept; the latest of it.
    public static let limit = 500
    /// As many where a question goes further back.
    static let deepLimit = 100_000

    /// What is not kept any more of a list: the latest time of it, and the greatest sequence, of an order
    /// that of its placing.
    struct Forgotten: Sendable {
        var time = LedgerTime(milliseconds: .min)
        var sequence: Int64 = 0
    }

    /// The account as of the last event; nil before it was opened.
    public private(set) var account: Account?
    /// Orders that ended, the latest last.
    public private(set) var ended: [OrderRecord] = []
    /// Trades, the latest last.
    public private(set) var trades: [TradeRecord] = []
    /// Conditional orders that ended, the latest last.
    public private(set) var conditionals: [ConditionalRecord] = []
    /// Amendments of orders, the latest last.
    public private(set) var amendments: [AmendmentRecord] = []
    /// What changed the account's cash, the latest last.
    public internal(set) var cashChanges: [CashChange] = []
    /// Interest that was charged, the latest last.
    public internal(set) var interest: [InterestRecord] = []
    /// Positions that were closed, the latest last.
    public internal(set) var closedPositions: [ClosedPosition] = []
    /// Of open positions, by instrument, side and margin mode.
    var closings: [String: Closing] = [:]
    private let id: String
    private let most: Int
    private var forgotten: [List: Forgotten] = [:]

    /// Nothing yet of an account. `isDeep` keeps as much as an answer may go back to.
    public init(of account: String, isDeep: Bool = false) {
        id = account
        most = isDeep ? Self.deepLimit : Self.limit
    }

    /// Says how far an answer out of a list goes back, nil for the beginning: no row before a time, and none
    /// with a lesser sequence, can be on it. Throws where it may have to be made again out of a deep history.
    public func require(
        _ list: List, since oldest: LedgerTime? = nil, from sequence: Int64? = nil
    ) throws(HistoryForgotten) {
        guard most < Self.deepLimit, let forgotten = forgotten[list] else { return }
        if let oldest, forgotten.time < oldest { return }
        if let sequence, forgotten.sequence < sequence { return }
        throw HistoryForgotten()
    }

    /// The order that the event of a sequence has placed, ended. Throws where it may not be kept any more.
    public func ended(placedBy sequence: Int64) throws(HistoryForgotten) -> OrderRecord? {
        if let found = ended.last(where: { $0.order.sequence == sequence }) { return found }
        try require(.orders, from: sequence)
        return nil
    }

    /// The rows of all lists together.
    public var count: Int {
        ended.count + trades.count + conditionals.count + amendments.count + cashChanges.count
            + closedPositions.count + interest.count
    }

    /// Drops the oldest of a list that has become too long.
    mutating func trim<Row>(
        _ list: List, _ rows: WritableKeyPath<TradingHistory, [Row]>,
        _ mark: (Row) -> (time: LedgerTime, sequence: Int64)
    ) {
        let surplus = self[keyPath: rows].count - most
        guard surplus > min(most, 10_000) else { return }
        var last = forgotten[list] ?? Forgotten()
        for row in self[keyPath: rows].prefix(surplus) {
            let mark = mark(row)
            last.time = max(last.time, mark.time)
            last.sequence = max(last.sequence, mark.sequence)
        }
        forgotten[list] = last
        self[keyPath: rows].removeFirst(surplus)
    }

    /// The place of the journal up to which it has heard.
    public var lastSequence: Int64 { account?.lastSequence ?? 0 }

    /// Takes over the account's next event. Throws where it does not fit, as in a damaged journal.
    public mutating func take(_ event: Event) throws {
        if case .accountOpened(let opening) = event.body {
            var opened = Account(
                id: id, venue: opening.venue, parent: opening.parent, conventions: opening.conventions,
                settings: opening.settings, openedAt: event.at)
            opened.stamp(event)
            account = opened
            return
        }
        guard var after = account else { return }
        let before = after
        try after.apply(event)
        account = after
        try noteCash(event, before, after)
        try noteInterest(event, before)
        switch event.body {
        case .filled(let fill):
            try note(fill, event, before, after)
            try noteClosing(fill, event, before, after)
        case .orderCancelled(let orderID), .orderEnded(let orderID, _): try end(orderID, event, before)
        case .orderRefused(let order, let code): keep(OrderRecord(refused: order, code: code, by: event))
        case .conditionalTriggered(let id, let leg, let price):
            end(conditional: id, .triggered(leg: leg, price: price, orderSequence: nil), event, before)
        case .conditionalEnded(let id, let end): self.end(conditional: id, .ended(end), event, before)
        case .orderPlaced(let order): link(order, event)
        case .orderAmended(let amendment): note(amendment, event, before)
        default: break
        }
    }

    private mutating func note(_ amendment: OrderAmendment, _ event: Event, _ before: Account) {
        guard let order = before.order(.id(amendment.orderID)) else { return }
        amendments.append(
            AmendmentRecord(sequence: event.sequence, at: event.at, order: order, amendment: amendment))
        trim(.amendments, \.amendments) { ($0.at, $0.sequence) }
    }

    private mutating func end(
        conditional id: String, _ ending: ConditionalRecord.Ending, _ event: Event, _ before: Account
    ) {
        guard let order = before.conditional(.id(id)) else { return }
        conditionals.append(ConditionalRecord(order, ending, at: event.at))
        trim(.conditionals, \.conditionals) { ($0.endedAt, $0.order.sequence) }
    }

    /// Notes the order that a conditional one has placed.
    private mutating func link(_ order: OpenOrder, _ event: Event) {
        guard let id = order.terms?.conditional,
            let place = conditionals.lastIndex(where: { $0.order.id.isExactly(id) }),
            case .triggered(let leg, let price, nil) = conditionals[place].ending
        else { return }
        conditionals[place].ending = .triggered(leg: leg, price: price, orderSequence: event.sequence)
    }

    private mutating func note(_ fill: Fill, _ event: Event, _ before: Account, _ after: Account) throws {
        let order = fill.orderID.flatMap { before.order(.id($0)) }
        let realised = { (account: Account) in account.activity(fill.instrument.name)?.realised ?? .zero }
        let gain = try realised(after) - realised(before)
        trades.append(
            TradeRecord(sequence: event.sequence, at: event.at, fill: fill, order: order, realised: gain))
        trim(.trades, \.trades) { ($0.at, $0.sequence) }
        if let order, after.order(.id(order.id)) == nil { try end(order.id, event, before, gain) }
    }

    private mutating func end(
        _ orderID: String, _ event: Event, _ before: Account, _ realised: ExactDecimal = .zero
    ) throws {
        guard let order = before.order(.id(orderID)) else { return }
        var record = OrderRecord(order)
        try record.take(event, realising: realised)
        keep(record)
    }

    private mutating func keep(_ record: OrderRecord) {
        ended.append(record)
        trim(.orders, \.ended) { ($0.updatedAt, $0.order.sequence) }
    }
}
