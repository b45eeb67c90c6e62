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
    /// prices are looked at for what they make of resting orders.
    ///
    /// Throws why it is refused; nothing has changed then.
    public func accept(
        _ command: Command, in ledger: inout LedgerState, judges: Judges, now: LedgerTime
    ) throws(Refusal) -> Outcome {
        switch command.content {
        case .trade(let instruction):
            return try trade(instruction, command, in: &ledger, judges: judges, now: now)
        case .prices(let venue, let marks, let index):
            let events = try ledger.accept(command, judges: judges, now: now)
            let names = Names(marks: marks.map(\.name), assets: index.map(\.name))
            return watched(events, VenueName(rawValue: venue), names, in: &ledger, judges: judges)
        case .quotes(let venue, let quotes):
            let events = try ledger.accept(command, judges: judges, now: now)
            let names = Names(marks: quotes.map(\.instrument), assets: [])
            return watched(events, VenueName(rawValue: venue), names, in: &ledger, judges: judges)
        default:
            let events = try ledger.accept(command, judges: judges, now: now)
            return Outcome(events: events, own: events.count - 1)
        }
    }

    /// What new prices are of.
    struct Names {
        let marks: Set<String>
        let assets: Set<String>

        init(marks: [String], assets: [String]) {
            self.marks = Set(marks)
            self.assets = Set(assets)
        }

        /// Whether they say something of an instrument: of it by name, or of an asset that its price is made
        /// of.
        func concern(_ instrument: Instrument) -> Bool {
            marks.contains(instrument.name) || assets.contains(instrument.base)
                || assets.contains(instrument.quote)
        }
    }

    /// A price event with all that it caused.
    private func watched(
        _ events: [Event], _ venue: VenueName, _ names: Names, in ledger: inout LedgerState, judges: Judges
    ) -> Outcome {
        var outcome = Outcome(events: events, own: events.count - 1)
        guard let time = events.last?.at, let judge = judges[venue] else { return outcome }
        outcome.events += rest(at: venue, names, judge, time, in: &ledger)
        return outcome
    }
}
