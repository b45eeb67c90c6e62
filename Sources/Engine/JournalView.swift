import Journal
import Ledger

/// The journal up to a place that is published: whoever reads through it is told of no event before the
/// instruments that the event needs, and of everything as of one place, whatever is written meanwhile. Throws
/// `unavailable` once another ledger is in its place.
struct JournalView: Sendable {
    let store: any JournalStore
    /// The last event that is read.
    let sequence: Int64
    let instruments: InstrumentTable
    /// Which ledger it is of.
    let generation: Int
    let published: PublishedLedger

    /// The same as far as an earlier place.
    func cut(to sequence: Int64) -> JournalView {
        JournalView(
            store: store, sequence: min(sequence, self.sequence), instruments: instruments,
            generation: generation, published: published)
    }

    /// Events after a sequence, in order, no more than `limit`.
    func events(after sequence: Int64, limit: Int) throws(JournalError) -> [EventRecord] {
        cut(try still { () throws(JournalError) in try store.events(after: sequence, limit: limit) })
    }

    /// Events of an account after a sequence, in order, no more than `limit`.
    func events(
        of account: String, after sequence: Int64, limit: Int
    ) throws(JournalError) -> [EventRecord] {
        cut(
            try still { () throws(JournalError) in
                try store.events(of: account, after: sequence, limit: limit)
            })
    }

    /// Events that are prices, quotes or fundings, after a sequence, in order, no more than `limit`.
    func marketEvents(after sequence: Int64, limit: Int) throws(JournalError) -> [EventRecord] {
        cut(try still { () throws(JournalError) in try store.marketEvents(after: sequence, limit: limit) })
    }

    /// A venue's prices as they were after all events up to and at each of some times, which ascend.
    func prices(of venue: VenueName, at times: [LedgerTime]) throws(JournalError) -> [VenuePrices] {
        try still { () throws(JournalError) in try store.prices(of: venue, at: times, upTo: sequence) }
    }

    /// A record of it as the event it is.
    func event(of record: EventRecord) throws(JournalError) -> Event {
        try Replay.event(of: record, instruments: instruments)
    }

    /// What was read, where it was read of the ledger that it should be of.
    private func still<Value>(_ read: () throws(JournalError) -> Value) throws(JournalError) -> Value {
        let value = try read()
        guard generation.isMultiple(of: 2), published.generation == generation else {
            throw JournalError(.unavailable, "The ledger was replaced by another one meanwhile; ask again.")
        }
        return value
    }

    private func cut(_ records: [EventRecord]) -> [EventRecord] {
        // What was written since lies behind all else.
        guard let last = records.last, last.sequence > sequence else { return records }
        return Array(records.prefix { $0.sequence <= sequence })
    }
}

extension LedgerEngine {
    /// The journal as far as it is published now.
    var journal: JournalView {
        let (sequence, instruments, generation) = published.place
        return JournalView(
            store: store, sequence: sequence, instruments: instruments, generation: generation,
            published: published)
    }

    /// The journal as far as it was published at a moment.
    func journal(at state: PublishedLedger.State) -> JournalView {
        JournalView(
            store: store, sequence: state.sequence, instruments: state.instruments,
            generation: state.generation, published: published)
    }
}
