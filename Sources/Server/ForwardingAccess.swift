import Ledger
import Venue

/// Reaches what another access reaches, but for what its type does otherwise: so that a wrapper says only
/// what it changes, and a new requirement of `VenueAccess` is forwarded by all of them.
protocol ForwardingAccess: VenueAccess {
    var base: any VenueAccess { get }
}

extension ForwardingAccess {
    func key(_ apiKey: String) -> APIKey? { base.key(apiKey) }
    func keys() -> [APIKey] { base.keys() }
    func snapshot(of account: String) -> AccountSnapshot? { base.snapshot(of: account) }
    func snapshots(of account: String, asOf times: [LedgerTime]) async throws -> [AccountSnapshot?] {
        try await base.snapshots(of: account, asOf: times)
    }
    func latestEvents(
        of account: String, _ types: Set<String>, before sequence: Int64, limit: Int
    ) async throws -> EventPage {
        try await base.latestEvents(of: account, types, before: sequence, limit: limit)
    }
    func slowly<Value: Sendable>(
        for account: String, _ work: @Sendable () async throws -> Value
    ) async throws -> Value {
        try await base.slowly(for: account, work)
    }
    func prices() -> VenuePrices { base.prices() }
    var market: MarketHistory { base.market }
    func marketHistory() async throws -> MarketHistory { try await base.marketHistory() }
    func marketEvents(after sequence: Int64, limit: Int) async throws -> [Event] {
        try await base.marketEvents(after: sequence, limit: limit)
    }
    func subaccounts(of account: String) -> [String] { base.subaccounts(of: account) }
    func submit(_ command: Command) async throws(Refusal) { try await base.submit(command) }
    func trade(_ instruction: TradeInstruction, for account: String) async throws(Refusal) -> [Event] {
        try await base.trade(instruction, for: account)
    }
    func trade(_ readings: [TradeReading], for account: String) async -> [Result<[Event], Refusal>] {
        await base.trade(readings, for: account)
    }
    func tradingHistory(of account: String) async throws(Refusal) -> TradingHistory? {
        try await base.tradingHistory(of: account)
    }
    func deepTradingHistory(of account: String) async throws(Refusal) -> TradingHistory? {
        try await base.deepTradingHistory(of: account)
    }
    var limiter: RateLimiter { base.limiter }
    func realTime() -> Int64 { base.realTime() }
    func ledgerTime() -> LedgerTime { base.ledgerTime() }
    var tokenSecret: [UInt8] { base.tokenSecret }
}
