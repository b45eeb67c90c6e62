import Journal
import Ledger
import Venue

/// An event as the journal keeps it and as what it means.
public struct ToldEvent: Sendable {
    /// The event as the journal keeps it, with the command that it completed.
    public let stored: StoredEvent
    /// The event decoded, with its amounts.
    public let event: Event
}

/// What it takes to say why something happened: events by themselves, and accounts as they were around them.
/// All of it goes to the store; see `LedgerEngine-History`.
extension LedgerEngine {
    /// How far back the last quote of an instrument is looked for, in events.
    private static let quoteReach: Int64 = 5_000

    /// The event of a sequence; nil where there is none.
    public func event(_ sequence: Int64) async throws(Refusal) -> ToldEvent? {
        if sequence < 1 { return nil }
        return try await read { journal throws(JournalError) in
            let records = try journal.events(after: sequence - 1, limit: 1)
            guard let record = records.first, record.sequence == sequence else { return nil }
            return ToldEvent(stored: StoredEvent(record), event: try journal.event(of: record))
        }
    }

    /// Events of an account after a sequence, in order, no more than `limit`.
    public func toldEvents(
        of account: String, after sequence: Int64, limit: Int
    ) async throws(Refusal) -> [ToldEvent] {
        try await read { journal throws(JournalError) in
            var told: [ToldEvent] = []
            for record in try journal.events(of: account, after: sequence, limit: limit) {
                told.append(ToldEvent(stored: StoredEvent(record), event: try journal.event(of: record)))
            }
            return told
        }
    }

    /// What a venue's model may reach, as things were after an event of the journal and before the next one:
    /// the account, its prices, and quotes as far as they were given among the 5,000 events before.
    public func access(
        for venue: VenueName, upTo sequence: Int64, at time: LedgerTime, of account: String
    ) async throws(Refusal) -> any VenueAccess {
        let journal = journal.cut(to: sequence)
        var prices = try await prices(of: venue, asOf: time, in: journal)
        let recent = try await read(in: journal) { journal throws(JournalError) in
            var recent = VenuePrices()
            let records = try journal.events(
                after: max(0, sequence - Self.quoteReach), limit: Int(Self.quoteReach))
            for record in records where record.type == "priced" || record.type == "quoted" {
                let event = try journal.event(of: record)
                guard event.body.market == venue else { continue }
                switch event.body {
                case .priced(let tick): recent.apply(tick, at: event.at)
                case .quoted(let tick): recent.apply(tick, at: event.at, sequence: event.sequence)
                default: break
                }
            }
            return recent
        }
        for quote in recent.quotes.values {
            prices.apply(
                QuoteTick(venue: venue, quotes: [quote]), at: recent.updatedAt ?? time,
                sequence: quote.sequence)
        }
        let access = PastAccess(venue: venue, time: time, prices: prices, journal: journal, engine: self)
        for id in [account] + published.subaccounts(of: account)
        where published.account(id)?.venue == venue {
            access.know(id, try await accounts(id, asOf: [time], in: journal).first ?? nil)
        }
        return access
    }
}
