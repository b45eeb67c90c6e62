import JSON
import Journal
import Ledger

/// Makes the ledger out of the journal: records back into events, events into the state.
enum Replay {
    /// How many events are read and decoded at a time.
    static let lot = 10_000

    /// The ledger as the journal has it, by way of the snapshots where there are any that fit.
    static func load(
        _ store: any JournalStore, by work: BlockingWork, report: @Sendable (String) -> Void
    ) async throws(JournalError) -> (ledger: LedgerState, snapshotSequence: Int64, replayed: Int64) {
        let tip = try await work.run { () throws(JournalError) in try store.tip() }
        let restored = try await SnapshotReader.restore(from: store, tip: tip, by: work, report: report)
        if restored == nil { try await work.run { discardSnapshots(in: store) } }
        var ledger = restored?.ledger ?? LedgerState()
        let start = ledger.lastSequence
        let newest = restored?.newestAccount ?? 0
        try await replay(store, after: start, by: work) { record, event throws(Refusal) in
            if event.sequence <= newest {
                try apply(event, skippingKnownTo: &ledger)
            } else {
                try ledger.apply(event)
            }
        } defining: {
            ledger.instrumentTable
        }
        guard ledger.lastSequence == tip.sequence else {
            throw JournalError(
                .damaged,
                "The journal has no events between \(ledger.lastSequence) and its end, \(tip.sequence).")
        }
        return (ledger, start, ledger.lastSequence - start)
    }

    /// Throws snapshots away that cannot be used: none of them may be taken for one of those to come. Where
    /// the store takes no writes, the next start tries again.
    private static func discardSnapshots(in store: any JournalStore) {
        if (try? store.snapshots(from: 0, limit: 1).isEmpty) != true { try? store.discardSnapshots() }
    }

    /// Reads all events after a place, decodes them on all processors, and hands them on in their order.
    static func replay(
        _ store: any JournalStore, after start: Int64, by work: BlockingWork,
        _ take: (EventRecord, Event) throws(Refusal) -> Void, defining instruments: () -> InstrumentTable
    ) async throws(JournalError) {
        var sequence = start
        while true {
            let from = sequence
            let records = try await work.run { () throws(JournalError) in
                try store.events(after: from, limit: lot)
            }
            if records.isEmpty { return }
            for record in records {
                sequence += 1
                guard record.sequence == sequence else {
                    throw JournalError(.damaged, "Event \(sequence) is missing in the journal.")
                }
            }
            let events = try await decode(records, instruments: instruments())
            for (record, event) in zip(records, events) {
                do throws(Refusal) {
                    try take(record, event)
                } catch {
                    throw misfit(record, error)
                }
            }
        }
    }

    /// Decodes records, each half on a thread of its own.
    private static func decode(
        _ records: [EventRecord], instruments: InstrumentTable
    ) async throws(JournalError) -> [Event] {
        // Terms are needed before the events that use them, which may be decoded elsewhere.
        var table = instruments
        for record in records where record.type == "instrument_defined" {
            let event = try event(of: record, instruments: table)
            if case .instrumentDefined(let definition) = event.body { table.define(definition.instrument) }
        }
        let known = table
        return try await inHalves(records) { part throws(JournalError) in
            var events: [Event] = []
            events.reserveCapacity(part.count)
            for record in part { events.append(try event(of: record, instruments: known)) }
            return events
        }
    }

    /// Runs work on both halves of a list at once, and puts the results together in their order.
    static func inHalves<Element: Sendable, Value: Sendable>(
        _ list: [Element],
        _ work: @escaping @Sendable (ArraySlice<Element>) throws(JournalError) -> [Value]
    ) async throws(JournalError) -> [Value] {
        let middle = list.count / 2
        let second = Task { () -> Result<[Value], JournalError> in
            do throws(JournalError) { return .success(try work(list[middle...])) } catch {
                return .failure(error)
            }
        }
        let first = try work(list[..<middle])
        return try await first + second.value.get()
    }

    /// A record of the journal as the event it is.
    static func event(of record: EventRecord, instruments: InstrumentTable) throws(JournalError) -> Event {
        let body: JSONValue
        do {
            body = try JSONValue(parsing: record.body)
        } catch {
            throw JournalError(.damaged, "Event \(record.sequence) of the journal is no JSON: \(error)")
        }
        do throws(Refusal) {
            return try Event(
                sequence: record.sequence, at: record.at, account: record.account, typeName: record.type,
                body: body, instruments: instruments)
        } catch {
            throw misfit(record, error)
        }
    }

    static func misfit(_ record: EventRecord, _ refusal: Refusal) -> JournalError {
        JournalError(
            .damaged,
            "Event \(record.sequence) of the journal (\(record.type)) does not fit: \(refusal.message)")
    }

    /// Applies an event to those of its accounts that have not taken it over yet: a snapshot that was cut off
    /// may hold accounts that are further on than the rest.
    static func apply(_ event: Event, skippingKnownTo ledger: inout LedgerState) throws(Refusal) {
        // An instrument's terms take the place of themselves.
        let accounts = [event.account, event.counterparty].compactMap { $0 }.compactMap { ledger.account($0) }
        let further = accounts.filter { $0.lastSequence >= event.sequence }
        if further.isEmpty { return try ledger.apply(event) }
        if further.count < accounts.count {
            try ledger.apply(event)
            for account in further { ledger.restore(account) }
        }
        ledger.restore(lastSequence: event.sequence)
    }
}
