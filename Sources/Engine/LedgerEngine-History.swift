import Journal
import Ledger
import Venue

/// An event as the journal keeps it.
public struct StoredEvent: Sendable, Equatable {
    public let sequence: Int64
    public let at: LedgerTime
    public let account: String?
    /// The receiver of a transfer.
    public let counterparty: String?
    /// What kind of event it is, such as `filled`.
    public let type: String
    /// The id of the command that it completed.
    public let commandID: String?
    /// The body, one JSON object, as stored.
    public let body: [UInt8]
}

extension LedgerEngine {
    /// Events of an account after a sequence, in order, no more than `limit`; those of a transfer to it too.
    public func events(
        of account: String, after sequence: Int64, limit: Int
    ) async throws(Refusal) -> [StoredEvent] {
        let records = try await read { store throws(JournalError) in
            try store.events(of: account, after: sequence, limit: max(0, limit))
        }
        return records.map { record in
            StoredEvent(
                sequence: record.sequence, at: record.at, account: record.account,
                counterparty: record.counterparty, type: record.type, commandID: record.commandID,
                body: record.body)
        }
    }

    /// Events of all accounts and of the market after a sequence, in order, no more than `limit`.
    public func events(after sequence: Int64, limit: Int) async throws(Refusal) -> [Event] {
        let instruments = published.instruments
        return try await read { store throws(JournalError) in
            var events: [Event] = []
            for record in try store.events(after: sequence, limit: max(0, limit)) {
                events.append(try Replay.event(of: record, instruments: instruments))
            }
            return events
        }
    }

    /// An account as it was after all events up to and at a time; nil if it was not open yet.
    public func account(_ id: String, asOf time: LedgerTime) async throws(Refusal) -> Account? {
        guard published.account(id) != nil else { return nil }
        let instruments = published.instruments
        return try await read { store throws(JournalError) in
            try Self.account(id, asOf: time, in: store, instruments: instruments)
        }
    }

    /// What an account of a venue has traded, up to what was last made durable; nil if there is no such
    /// account.
    func tradingHistory(of id: String, at venue: VenueName) async throws(Refusal) -> TradingHistory? {
        guard published.account(id)?.venue == venue else { return nil }
        let instruments = published.instruments
        return try await read { [tradingHistories] store throws(JournalError) in
            try tradingHistories.history(of: id, in: store, instruments: instruments)
        }
    }

    /// A venue's prices as they were after all events up to and at a time.
    public func prices(of venue: VenueName, asOf time: LedgerTime) async throws(Refusal) -> VenuePrices {
        try await read { store throws(JournalError) in try store.prices(of: venue, at: time) }
    }

    /// What a venue's model may reach, as things were at a time. Accounts are read from the journal when they
    /// are first asked for, and waited for then; those named here, and their sub-accounts, are read at once.
    public func access(
        for venue: VenueName, asOf time: LedgerTime, accounts: [String] = []
    ) async throws(Refusal) -> any VenueAccess {
        let prices = try await prices(of: venue, asOf: time)
        let access = PastAccess(
            live: access(for: venue), venue: venue, time: time, prices: prices, store: store,
            published: published)
        let wanted = accounts.flatMap { [$0] + published.subaccounts(of: $0) }
        try await read { _ throws(JournalError) in for id in wanted { _ = try access.account(id) } }
        return access
    }

    /// An account with its venue's prices as they were at each of some times, in the order of the times; nil
    /// for a time before it was opened, and for one that the venue does not have.
    func snapshots(
        of id: String, at venue: VenueName, asOf times: [LedgerTime]
    ) async throws(Refusal) -> [AccountSnapshot?] {
        guard published.account(id)?.venue == venue else { return times.map { _ in nil } }
        let instruments = published.instruments
        let ascending = Set(times).sorted()
        let (accounts, prices) = try await read { store throws(JournalError) in
            (
                try Self.accounts(id, asOf: ascending, in: store, instruments: instruments),
                try store.prices(of: venue, at: ascending)
            )
        }
        var snapshots: [LedgerTime: AccountSnapshot] = [:]
        for (time, (account, prices)) in zip(ascending, zip(accounts, prices)) {
            snapshots[time] = account.map { AccountSnapshot(account: $0, prices: prices, at: time) }
        }
        return times.map { snapshots[$0] }
    }

    private func read<Value: Sendable>(
        _ work: @escaping @Sendable (any JournalStore) throws(JournalError) -> Value
    ) async throws(Refusal) -> Value {
        defer { if store.needsUpkeep { upkeep.consider(published.sequence) } }
        do throws(JournalError) {
            return try await reading.run { [store] () throws(JournalError) in try work(store) }
        } catch {
            throw .unreadable(error)
        }
    }

    /// An account as it was after all events up to and at a time; nil if it was not open yet.
    static func account(
        _ id: String, asOf time: LedgerTime, in store: any JournalStore, instruments: InstrumentTable
    ) throws(JournalError) -> Account? {
        try accounts(id, asOf: [time], in: store, instruments: instruments).first ?? nil
    }

    /// Folds an account's own events once, in a ledger of its own: as it was at each of the times, which
    /// ascend.
    private static func accounts(
        _ id: String, asOf times: [LedgerTime], in store: any JournalStore, instruments: InstrumentTable
    ) throws(JournalError) -> [Account?] {
        guard let last = times.last else { return [] }
        var found: [Account?] = []
        var ledger = LedgerState()
        for record in try store.events(of: id, upTo: last) {
            // An account's events never go back in time.
            while found.count < times.count, times[found.count] < record.at {
                found.append(ledger.account(id))
            }
            let event = try Replay.event(of: record, instruments: instruments)
            do throws(Refusal) {
                // The other side of a transfer is not of interest, but the ledger wants it there.
                if let other = record.account == id ? record.counterparty : record.account,
                    ledger.account(other) == nil, let venue = ledger.account(id)
                {
                    ledger.restore(
                        Account(
                            id: other, venue: venue.venue, parent: nil, conventions: venue.conventions,
                            settings: Settings(), openedAt: event.at))
                }
                try ledger.apply(event)
            } catch {
                throw Replay.misfit(record, error)
            }
        }
        while found.count < times.count { found.append(ledger.account(id)) }
        return found
    }
}
