import Ledger

/// Reads what a client asks for of an account, as the account is when that is to be carried out. Throws where
/// it comes to nothing that could be.
public typealias TradeReading = @Sendable (AccountSnapshot) throws(Refusal) -> TradeInstruction

/// What a venue may reach of the running server. Scoped to one venue.
public protocol VenueAccess: Sendable {
    /// A key that is in force; nil if it is unknown or revoked.
    func key(_ apiKey: String) -> APIKey?

    /// Every key of the venue that is in force, in no order.
    func keys() -> [APIKey]

    /// An account of this venue as last made durable, with the latest prices; nil if there is none.
    func snapshot(of account: String) -> AccountSnapshot?

    /// An account with its venue's prices as they were after all events up to and at each of some times, in
    /// the order of the times; nil for a time before it was opened, and for an account that this venue does
    /// not have.
    ///
    /// Reads the journal. Throws where it cannot be read.
    func snapshots(of account: String, asOf times: [LedgerTime]) async throws -> [AccountSnapshot?]

    /// Events of an account of some types (as the journal names them), newest first, of those before a
    /// sequence; a page may hold fewer than `limit` and still have a rest.
    ///
    /// Reads the journal. Throws where it cannot be read.
    func latestEvents(
        of account: String, _ types: Set<String>, before sequence: Int64, limit: Int
    ) async throws -> EventPage

    /// Does work that takes long, such as reading the past or going through many accounts, where it keeps
    /// nobody else waiting. Throws where too much of it waits already: the venue then tells its client to
    /// slow down.
    func slowly<Value: Sendable>(
        for account: String, _ work: @Sendable () async throws -> Value
    ) async throws -> Value

    /// The venue's latest prices, for what it tells everybody.
    func prices() -> VenuePrices

    /// What the venue's market was, as far as it was read: all of it where nobody has just begun to ask.
    var market: MarketHistory { get }

    /// What the venue's market was, with all that the journal knows of it. Throws where that cannot be read.
    func marketHistory() async throws -> MarketHistory

    /// Market events of the venue after a place of the journal, in their order; none only where there are no
    /// more. Reads the journal. Throws where it cannot be read.
    func marketEvents(after sequence: Int64, limit: Int) async throws -> [Event]

    /// The sub-accounts of an account, in the order of their opening.
    func subaccounts(of account: String) -> [String]

    /// Applies a command; returns once it is durable.
    func submit(_ command: Command) async throws(Refusal)

    /// Has the exchange carry out what a client asks for an account; returns what it came to, once that is
    /// durable: the order as placed, its fills, its end, as far as there is each.
    func trade(_ instruction: TradeInstruction, for account: String) async throws(Refusal) -> [Event]

    /// Has the exchange carry out several instructions, each by itself and in their order; returns what each
    /// came to, or why it was refused, once all of it is durable. Each is read when its turn comes, of the
    /// account as those before it have left it.
    func trade(_ readings: [TradeReading], for account: String) async -> [Result<[Event], Refusal>]

    /// What an account has traded up to now; nil if this venue has no such account. Reads the journal.
    func tradingHistory(of account: String) async throws(Refusal) -> TradingHistory?

    /// What an account has traded, with what the latest history does not keep any more; nil if this venue has
    /// no such account. Reads the journal.
    func deepTradingHistory(of account: String) async throws(Refusal) -> TradingHistory?

    /// Shared counters for the venue's rate limits.
    var limiter: RateLimiter { get }

    /// The real clock in milliseconds since the epoch: signatures, tokens, rate limits, server time.
    func realTime() -> Int64

    /// The ledger's clock.
    func ledgerTime() -> LedgerTime

    /// A secret of this store and venue, for tokens that the venue signs itself; at least 32 bytes.
    var tokenSecret: [UInt8] { get }
}

extension VenueAccess {
    /// No keys.
    public func keys() -> [APIKey] { [] }

    /// No prices: a venue falls back to its rulebook's reference prices.
    public func prices() -> VenuePrices { VenuePrices() }

    /// Nil: no history is kept.
    public func tradingHistory(of account: String) async throws(Refusal) -> TradingHistory? { nil }

    /// Nil: no history is kept.
    public func deepTradingHistory(of account: String) async throws(Refusal) -> TradingHistory? { nil }

    /// What becomes of what an account has traded: of the latest of it, or of all where the work says that it
    /// needs more (`TradingHistory.require`). The work may be done twice, and says so before it writes.
    public func answer<Answer>(
        fromHistoryOf account: String, _ work: (TradingHistory) throws -> Answer
    ) async throws -> Answer {
        let latest = try await tradingHistory(of: account) ?? TradingHistory(of: account)
        do {
            return try work(latest)
        } catch is HistoryForgotten {
            let deep = try await deepTradingHistory(of: account)
            return try work(deep ?? TradingHistory(of: account, isDeep: true))
        }
    }

    /// Nothing is traded: only a running ledger has an exchange.
    public func trade(
        _ instruction: TradeInstruction, for account: String
    ) async throws(Refusal) -> [Event] {
        throw Refusal(.notAllowed, "Nothing can be traded here.")
    }

    /// One after the other.
    public func trade(_ readings: [TradeReading], for account: String) async -> [Result<[Event], Refusal>] {
        await tradeOneByOne(readings, for: account)
    }

    /// Has the exchange carry out instructions, each once the one before it is durable.
    public func tradeOneByOne(
        _ readings: [TradeReading], for account: String
    ) async -> [Result<[Event], Refusal>] {
        var results: [Result<[Event], Refusal>] = []
        for reading in readings {
            do throws(Refusal) {
                guard let snapshot = snapshot(of: account) else { throw Refusal.unknown(account: account) }
                results.append(.success(try await trade(reading(snapshot), for: account)))
            } catch {
                results.append(.failure(error))
            }
        }
        return results
    }

    /// Does the work at once: nobody else is kept waiting.
    public func slowly<Value: Sendable>(
        for account: String, _ work: @Sendable () async throws -> Value
    ) async throws -> Value {
        try await work()
    }

    /// No events: a past or frozen moment does not tell what was before it.
    public func latestEvents(
        of account: String, _ types: Set<String>, before sequence: Int64, limit: Int
    ) async throws -> EventPage { EventPage(events: [], rest: nil) }
}

/// Some of an account's events, newest first.
public struct EventPage: Sendable {
    public let events: [Event]
    /// The sequence before which the next page begins; nil where there is none.
    public let rest: Int64?

    public init(events: [Event], rest: Int64?) {
        self.events = events
        self.rest = rest
    }
}
