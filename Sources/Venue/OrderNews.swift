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

    /// Nil where the event is of no order.
    public init?(_ event: Event, before: Account, after: Account) throws {
        let subject: Subject?
        switch event.body {
        case .orderPlaced(let order): subject = .order(OrderRecord(after.order(.id(order.id)) ?? order))
        case .orderRefused(let order, let code):
            subject = .order(OrderRecord(refused: order, code: code, by: event))
        case .conditionalPlaced: subject = after.conditionals.last.map { .waiting($0) }
        case .conditionalAmended(let amendment):
            subject = after.conditional(.id(amendment.id)).map { .waiting($0) }
        case .conditionalTrailed(let id, _, _): subject = after.conditional(.id(id)).map { .waiting($0) }
        case .conditionalTriggered(let id, let leg, let price):
            // The order that it places is the next event.
            let ending = ConditionalRecord.Ending.triggered(
                leg: leg, price: price, orderSequence: event.sequence + 1)
            subject = before.conditional(.id(id)).map {
                .ended(ConditionalRecord($0, ending, at: event.at))
            }
        case .conditionalEnded(let id, let end):
            subject = before.conditional(.id(id)).map {
                .ended(ConditionalRecord($0, .ended(end), at: event.at))
            }
        default:
            guard let id = event.body.orderID, let order = before.order(.id(id)) else { return nil }
            var record = OrderRecord(order)
            if case .filled(let fill) = event.body {
                self.fill = fill
                realised = try after.realised(of: fill.instrument.name, since: before)
            }
            try record.take(event, realising: realised)
            subject = .order(record)
        }
        guard let subject else { return nil }
        self.subject = subject
        self.event = event
    }
}

extension Account {
    /// What positions of an instrument have realized since an earlier state of the account.
    public func realised(
        of instrument: String, since before: Account
    ) throws(NumberError) -> ExactDecimal {
        try (activity(instrument)?.realised ?? .zero) - (before.activity(instrument)?.realised ?? .zero)
    }
}
