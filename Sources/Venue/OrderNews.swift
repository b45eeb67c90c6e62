import Ledger
import Numbers

/// What one event of an account did to one of its orders, or to one of its conditional orders.
public struct OrderNews: Sendable {
    /// Which of them it is, as the event leaves it.
    public enum Subject: Sendable {
        /// An order, open or ended.
        case order(OrderRecord)
        /// A conditional order that waits.
        case waiting(ConditionalOrder)
        /// A conditional order that waits no longer.
        case ended(ConditionalRecord)
    }

    /// What happened.
    public let event: Event
    /// What it happened to, as it is now.
    public let subject: Subject
    /// What was filled of the order; nil where nothing was.
    public private(set) var fill: Fill?
    /// What that realized, before its fee, in the settlement asset.
    public private(set) var realised = ExactDecimal.zero

    /// What the order trades.
    public var instrument: Instrument {
        switch subject {
        case .order(let record): record.order.instrument
        case .waiting(let order): order.instrument
        case .ended(let record): record.order.instrument
        }
    }

    /// What an event is about, as it stood before: all that is needed of an account that changes in place.
    public struct Earlier: Sendable {
        fileprivate var order: OpenOrder?
        fileprivate var conditional: ConditionalOrder?
        /// What positions of the instrument had realized.
        fileprivate var realised = ExactDecimal.zero

        public init(_ event: Event, _ account: Account?) {
            switch event.body {
            case .orderAmended(let change): order = account?.order(.id(change.orderID))
            case .orderCancelled(let id), .orderEnded(let id, _): order = account?.order(.id(id))
            case .filled(let fill):
                order = fill.orderID.flatMap { account?.order(.id($0)) }
                realised = account?.realised(of: fill.instrument.name) ?? .zero
            case .conditionalTriggered(let id, _, _), .conditionalEnded(let id, _):
                conditional = account?.conditional(.id(id))
            default: break
            }
        }
    }

    /// Nil where the event is of no order.
    public init?(_ event: Event, _ earlier: Earlier, after: Account) throws {
        self.event = event
        switch event.body {
        case .orderPlaced(let order): subject = .order(OrderRecord(after.order(.id(order.id)) ?? order))
        case .orderRefused(let order, let code):
            subject = .order(OrderRecord(refused: order, code: code, by: event))
        case .orderAmended, .orderCancelled, .orderEnded, .filled:
            guard let order = earlier.order else { return nil }
            if case .filled(let fill) = event.body {
                self.fill = fill
                realised = try after.realised(of: fill.instrument.name) - earlier.realised
            }
            var record = OrderRecord(order)
            try record.take(event, realising: realised)
            subject = .order(record)
        case .conditionalPlaced:
            guard let order = after.conditionals.last else { return nil }
            subject = .waiting(order)
        case .conditionalAmended(let change):
            guard let order = after.conditional(.id(change.id)) else { return nil }
            subject = .waiting(order)
        case .conditionalTrailed(let id, _, _):
            guard let order = after.conditional(.id(id)) else { return nil }
            subject = .waiting(order)
        case .conditionalTriggered(_, let leg, let price):
            guard let order = earlier.conditional else { return nil }
            // The order that it places is the next event.
            let ending = ConditionalRecord.Ending.triggered(
                leg: leg, price: price, orderSequence: event.sequence + 1)
            subject = .ended(ConditionalRecord(order, ending, at: event.at))
        case .conditionalEnded(_, let end):
            guard let order = earlier.conditional else { return nil }
            subject = .ended(ConditionalRecord(order, .ended(end), at: event.at))
        default: return nil
        }
    }

    /// The same of two states of the account.
    public init?(_ event: Event, before: Account, after: Account) throws {
        try self.init(event, Earlier(event, before), after: after)
    }
}

extension Account {
    /// What positions of an instrument have realized, in the settlement asset.
    public func realised(of instrument: String) -> ExactDecimal { activity(instrument)?.realised ?? .zero }
}
