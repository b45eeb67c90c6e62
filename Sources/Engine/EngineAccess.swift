import JSON
import Journal
import Ledger
import Synchronization
import Venue

/// What one venue's model may reach of the running ledger.
struct LiveAccess: VenueAccess {
    let venue: VenueName
    let engine: LedgerEngine
    let tokenSecret: [UInt8]

    func key(_ apiKey: String) -> APIKey? { engine.keyRing.key(apiKey, of: venue) }

    func keys() -> [APIKey] { engine.keyRing.keys(of: venue) }

    func snapshot(of account: String) -> AccountSnapshot? {
        guard let (account, prices) = engine.published.accountAndPrices(account, of: venue) else {
            return nil
        }
        return AccountSnapshot(account: account, prices: prices, at: engine.clock.now())
    }

    func snapshots(of account: String, asOf times: [LedgerTime]) async throws -> [AccountSnapshot?] {
        try await engine.snapshots(of: account, at: venue, asOf: times, in: engine.journal)
    }

    func latestEvents(
        of account: String, _ types: Set<String>, before sequence: Int64, limit: Int
    ) async throws -> EventPage {
        try await engine.latestEvents(
            of: account, at: venue, types, before: sequence, upTo: engine.clock.now(), limit: limit)
    }

    func prices() -> VenuePrices { engine.published.prices(of: venue) }

    var market: MarketHistory { engine.market(of: venue) }

    func marketHistory() async throws -> MarketHistory { try await engine.wholeMarket(of: venue) }

    func marketEvents(after sequence: Int64, limit: Int) async throws -> [Event] {
        try await engine.marketEvents(of: venue, after: sequence, limit: limit)
    }

    func subaccounts(of account: String) -> [String] { engine.published.subaccounts(of: account) }

    func slowly<Value: Sendable>(
        for account: String, _ work: @Sendable () async throws -> Value
    ) async throws -> Value {
        try await engine.turn(of: "\(venue)/\(account)").run(work)
    }

    func submit(_ command: Command) async throws(Refusal) { _ = try await engine.submit(command) }

    func tradingHistory(of account: String) async throws(Refusal) -> TradingHistory? {
        try await engine.tradingHistory(of: account, at: venue)
    }

    func deepTradingHistory(of account: String) async throws(Refusal) -> TradingHistory? {
        try await engine.tradingHistory(of: account, at: venue, isDeep: true)
    }

    func trade(_ instruction: TradeInstruction, for account: String) async throws(Refusal) -> [Event] {
        try await engine.trade(Command(account: account, content: .trade(instruction)))
    }

    func trade(_ readings: [TradeReading], for account: String) async -> [Result<[Event], Refusal>] {
        await engine.trade(readings, for: account)
    }

    var limiter: RateLimiter { engine.limiter }

    func realTime() -> Int64 { LedgerClock.realTime() }

    func ledgerTime() -> LedgerTime { engine.clock.now() }
}

/// What one venue's model may reach of the ledger as it was at a time. Nothing can be changed through it.
final class PastAccess: VenueAccess {
    private let live: any VenueAccess
    private let venue: VenueName
    private let time: LedgerTime
    private let pastPrices: VenuePrices
    /// Everything is read as of one place.
    private let journal: JournalView
    private let engine: LedgerEngine
    private var published: PublishedLedger { engine.published }
    /// Accounts read so far; nil inside for one that was not open yet.
    private let accounts = Mutex<[ExactText: Account?]>([:])

    init(venue: VenueName, time: LedgerTime, prices: VenuePrices, journal: JournalView, engine: LedgerEngine)
    {
        live = engine.access(for: venue)
        self.venue = venue
        self.time = time
        pastPrices = prices
        self.journal = journal
        self.engine = engine
    }

    /// Takes over an account as it was; nil for one that was not open yet.
    func know(_ id: String, _ account: Account?) { accounts.withLock { $0[ExactText(id)] = .some(account) } }

    /// An account as it was; nil if it was not open yet or is one of another venue. Reads it where nobody has
    /// asked for it before.
    private func account(_ id: String) throws(JournalError) -> Account? {
        if let found = accounts.withLock({ $0[ExactText(id)] }) { return found }
        guard published.account(id)?.venue == venue else { return nil }
        var past = engine.past(of: id, at: [time], in: journal)
        while try past.readLot() {}
        know(id, past.found.first ?? nil)
        return past.found.first ?? nil
    }

    func snapshot(of account: String) -> AccountSnapshot? {
        guard let account = try? self.account(account) else { return nil }
        return AccountSnapshot(account: account, prices: pastPrices, at: time)
    }

    func snapshots(of account: String, asOf times: [LedgerTime]) async throws -> [AccountSnapshot?] {
        // What happened after its own time is not known here.
        let known = try await engine.snapshots(
            of: account, at: venue, asOf: times.map { min($0, time) }, in: journal)
        return zip(known, times).map { snapshot, time in
            snapshot.map { AccountSnapshot(account: $0.account, prices: $0.prices, at: time) }
        }
    }

    func prices() -> VenuePrices { pastPrices }

    var market: MarketHistory { live.market }
    func marketHistory() async throws -> MarketHistory { try await live.marketHistory() }
    func marketEvents(after sequence: Int64, limit: Int) async throws -> [Event] {
        try await live.marketEvents(after: sequence, limit: limit)
    }

    func subaccounts(of account: String) -> [String] {
        published.subaccounts(of: account).filter { (try? self.account($0)) != nil }
    }

    func slowly<Value: Sendable>(
        for account: String, _ work: @Sendable () async throws -> Value
    ) async throws -> Value {
        try await live.slowly(for: account, work)
    }

    func submit(_ command: Command) async throws(Refusal) {
        throw Refusal(.notAllowed, "The past cannot be changed.")
    }

    func key(_ apiKey: String) -> APIKey? { live.key(apiKey) }
    var limiter: RateLimiter { live.limiter }
    func realTime() -> Int64 { live.realTime() }
    func ledgerTime() -> LedgerTime { time }
    var tokenSecret: [UInt8] { live.tokenSecret }
}
