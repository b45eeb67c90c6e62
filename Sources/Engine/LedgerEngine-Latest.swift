import Journal
import Ledger
import Venue

extension LedgerEngine {
    /// How many records one window of a search for the newest events holds at most.
    private static let window = 2048
    /// How many records one search looks at; what lies further back takes another.
    private static let reach = 20_000

    /// Events of an account of some types, newest first, up to and at a time, of those before a sequence.
    ///
    /// The journal is looked through backwards, in windows of sequences that grow while they are nearly
    /// empty; a page ends early after so many records that had none of the types.
    func latestEvents(
        of id: String, at venue: VenueName, _ types: Set<String>, before sequence: Int64,
        upTo time: LedgerTime,
        limit: Int
    ) async throws(Refusal) -> EventPage {
        guard published.account(id)?.venue == venue else { return EventPage(events: [], rest: nil) }
        let last = published.account(id)?.lastSequence ?? 0
        return try await read { journal throws(JournalError) in
            var found: [Event] = []
            var upper = min(sequence, min(last, journal.sequence) + 1)
            var width = Int64(Self.window)
            var seen = 0
            while upper > 1, found.count < limit, seen < Self.reach {
                let lower = max(0, upper - 1 - width)
                let records = try journal.events(of: id, after: lower, limit: Self.window)
                if records.count == Self.window, let end = records.last, end.sequence < upper - 1,
                    width > Int64(Self.window)
                {
                    // Only the older part of the window was read: it has too many.
                    width = Int64(Self.window)
                    continue
                }
                for record in records.reversed() where record.sequence < upper {
                    seen += 1
                    guard types.contains(record.type), record.at <= time else { continue }
                    found.append(try journal.event(of: record))
                }
                upper = lower + 1
                width *= 4
            }
            guard found.count > limit else { return EventPage(events: found, rest: upper > 1 ? upper : nil) }
            let page = Array(found.prefix(limit))
            return EventPage(events: page, rest: page.last?.sequence)
        }
    }
}
