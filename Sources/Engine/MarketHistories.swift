import Journal
import Ledger
import Synchronization
import Venue

/// The market histories of all venues. Nobody pays for them before somebody asks: then the journal's market
/// events are read once, and from there on each durable event is taken as it comes.
final class MarketHistories: Sendable {
    private enum Phase {
        case unread
        /// What became durable since reading began, and the reading.
        case reading([Event], Task<Void, any Error>)
        case read
    }

    let histories: [VenueName: MarketHistory]
    private let state: Mutex<State>

    private struct State {
        var phase: Phase
        /// Counts the ledgers: a reading that began with another one is of no use.
        var ledger = 0
    }

    /// `end` is the last event of the journal; with 0 there is nothing to read.
    init(of venues: some Sequence<any VenueServer>, end: Int64) {
        histories = Dictionary(venues.map { ($0.name, MarketHistory(of: $0)) }) { first, _ in first }
        state = Mutex(State(phase: end == 0 ? .read : .unread))
        begin(at: end)
    }

    /// Forgets all: the ledger is another one.
    func forget(end: Int64) {
        state.withLock { state in
            state.phase = end == 0 ? .read : .unread
            state.ledger += 1
            for history in histories.values { history.forget() }
        }
        begin(at: end)
    }

    private func begin(at end: Int64) {
        for history in histories.values { history.noteDurable(end) }
        if end == 0 { noteRead() }
    }

    private func noteRead() { for history in histories.values { history.noteRead() } }

    /// Takes what has become durable, in the order of the journal.
    func take(_ events: some Sequence<Event>) {
        state.withLock { state in
            switch state.phase {
            case .unread: noteDurable(events)
            case .reading(let waiting, let task):
                let own = events.filter { $0.body.marketVenue != nil }
                noteDurable(own)
                if !own.isEmpty { state.phase = .reading(waiting + own, task) }
            case .read: keep(events)
            }
        }
    }

    private func noteDurable(_ events: some Sequence<Event>) {
        for event in events {
            guard let venue = event.body.marketVenue else { continue }
            histories[venue]?.noteDurable(event.sequence)
        }
    }

    private func keep(_ events: some Sequence<Event>) {
        for event in events {
            guard let venue = event.body.marketVenue else { continue }
            histories[venue]?.take(event)
        }
    }

    /// Returns once all that was durable at the call is taken. `read` hands over the market events of the
    /// journal, lot by lot.
    func readJournal(_ read: @escaping @Sendable ((Event) -> Void) async throws -> Void) async throws {
        let task = state.withLock { state -> Task<Void, any Error>? in
            switch state.phase {
            case .read: return nil
            case .reading(_, let task): return task
            case .unread:
                let ledger = state.ledger
                // Detached: whoever asked first may be gone before it is through, and others wait for it.
                let task = Task.detached {
                    do {
                        try await read { event in self.keep(event, of: ledger) }
                        self.finish(ledger)
                    } catch {
                        self.state.withLock { if $0.ledger == ledger { $0.phase = .unread } }
                        throw error
                    }
                }
                state.phase = .reading([], task)
                return task
            }
        }
        try await task?.value
    }

    private func keep(_ event: Event, of ledger: Int) {
        state.withLock { if $0.ledger == ledger { keep(CollectionOfOne(event)) } }
    }

    private func finish(_ ledger: Int) {
        let isSame = state.withLock { state in
            guard state.ledger == ledger else { return false }
            if case .reading(let waiting, _) = state.phase { keep(waiting) }
            state.phase = .read
            return true
        }
        if isSame { noteRead() }
    }
}

extension LedgerEngine {
    /// How many market events are read in one slice.
    private static let marketLot = 1_000

    /// A venue's market, with all that the journal knows of it.
    func wholeMarket(of venue: VenueName) async throws -> MarketHistory {
        try await markets.readJournal { take in
            var sequence: Int64 = 0
            while true {
                let events = try await self.slow.ownTurn(of: "market").run { [sequence] in
                    try await self.allMarketEvents(after: sequence, limit: Self.marketLot)
                }
                for event in events { take(event) }
                guard let last = events.last else { return }
                sequence = last.sequence
                try await SlowWork.giveWay()
            }
        }
        return market(of: venue)
    }

    /// A venue's market, as far as it was read.
    func market(of venue: VenueName) -> MarketHistory {
        markets.histories[venue] ?? MarketHistory(of: nil)
    }

    /// Market events of a venue after a place, in their order; none only where there are no more.
    func marketEvents(
        of venue: VenueName, after sequence: Int64, limit: Int
    ) async throws(Refusal) -> [Event] {
        var after = sequence
        while true {
            let events = try await allMarketEvents(after: after, limit: limit)
            guard let last = events.last else { return [] }
            let own = events.filter { $0.body.marketVenue == venue }
            if !own.isEmpty { return own }
            after = last.sequence
            try await SlowWork.giveWay()
        }
    }

    private func allMarketEvents(after sequence: Int64, limit: Int) async throws(Refusal) -> [Event] {
        try await read { journal throws(JournalError) in
            var events: [Event] = []
            for record in try journal.marketEvents(after: sequence, limit: limit) {
                events.append(try journal.event(of: record))
            }
            return events
        }
    }
}
