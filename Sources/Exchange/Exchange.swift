import Ledger
import Numbers

/// What an order, a quote or a passing moment comes to.
///
/// Nobody is matched with anybody: an order fills against the touch, which the latest prices and quotes of
/// its venue make. Pure: the same ledger, command and time give the same events. What it decides enters the
/// journal as the same facts that an operator could have told.
public struct Exchange: Sendable {
    /// When an order is filled.
    public enum Execution: String, Sendable, CaseIterable {
        /// When the last price reaches its limit, or the other side of a quote does.
        case touch
        /// When the last price goes beyond its limit, or the other side of a quote reaches it.
        case through
        /// Never: orders wait for the operator's fills.
        case manual
    }

    /// When orders are filled.
    public let execution: Execution

    /// An exchange that fills so.
    public init(execution: Execution = .touch) { self.execution = execution }

    /// What a command came to.
    public struct Outcome: Sendable {
        /// Everything that happened, in order: terms of new instruments, the command's own events, and what
        /// they caused.
        public var events: [Event]
        /// Where the command's own event stands among them: the one whose sequence it is answered with.
        public var own: Int
    }

    /// Accepts a command: an order of a venue's client is worked out here, everything else by the ledger; new
    /// prices and the passing of time are looked at for what they make of orders.
    ///
    /// Throws why it is refused; nothing has changed then.
    public func accept(
        _ command: Command, in ledger: inout LedgerState, judges: Judges, now: LedgerTime
    ) throws(Refusal) -> Outcome {
        switch command.content {
        case .trade(let instruction):
            return try trade(instruction, command, in: &ledger, judges: judges, now: now)
        case .passing: return Outcome(events: passing(in: &ledger, judges: judges, now: now), own: -1)
        case .prices(let venue, let marks, let index):
            let events = try ledger.accept(command, judges: judges, now: now)
            let names = Names(instruments: marks.map(\.name), assets: index.map(\.name))
            return watched(events, VenueName(rawValue: venue), names, in: &ledger, judges: judges)
        case .quotes(let venue, let quotes):
            let events = try ledger.accept(command, judges: judges, now: now)
            let names = Names(instruments: quotes.map(\.instrument), assets: [])
            return watched(events, VenueName(rawValue: venue), names, in: &ledger, judges: judges)
        case .fill: return try booked(command, in: &ledger, judges: judges, now: now)
        case .fundingOfMarket:
            return Outcome(events: try ledger.accept(command, judges: judges, now: now), own: 0)
        default:
            let events = try ledger.accept(command, judges: judges, now: now)
            let ended = endOrphans(of: events, judges: judges, in: &ledger)
            return Outcome(events: events + ended, own: events.count - 1)
        }
    }

    /// What new prices are of.
    struct Names {
        let instruments: [String]
        let assets: [String]

        /// The orders that wait for prices which they may change: those of the instruments by name, and those
        /// of instruments whose price is made of an asset's.
        func books(of watched: WatchedOrders) -> [WatchedOrders.Book] {
            var books = instruments.compactMap { watched.books[$0] }
            if assets.isEmpty { return books }
            for (name, book) in watched.books where !instruments.contains(name) {
                let instrument = book.instrument
                if assets.contains(instrument.base) || assets.contains(instrument.quote) {
                    books.append(book)
                }
            }
            return books
        }
    }

    /// A price event with all that it caused, in this order: what had fallen due by then, triggers, resting
    /// orders.
    private func watched(
        _ events: [Event], _ venue: VenueName, _ names: Names, in ledger: inout LedgerState, judges: Judges
    ) -> Outcome {
        var outcome = Outcome(events: events, own: events.count - 1)
        guard let event = events.last, let judge = judges[venue] else { return outcome }
        let floor = Floor(exchange: self, judge: judge, time: event.at, cause: event.sequence)
        if floor.isQuiet(names, ledger.market(of: venue)) { return outcome }
        outcome.events += floor.endDue(in: &ledger)
        outcome.events += floor.trigger(names, in: &ledger)
        outcome.events += floor.fillResting(names, in: &ledger)
        return outcome
    }

    /// What has fallen due at a time, at every venue.
    private func passing(in ledger: inout LedgerState, judges: Judges, now: LedgerTime) -> [Event] {
        var events: [Event] = []
        for (_, judge) in judges.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            events += Floor(exchange: self, judge: judge, time: now, cause: nil).endDue(in: &ledger)
        }
        return events
    }
}
