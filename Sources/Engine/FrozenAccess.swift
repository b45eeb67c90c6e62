import JSON
import Ledger
import Venue

/// What one venue's model may reach of the ledger as it stood at one moment. Nothing can be changed through
/// it; keys and limits are those of now.
struct FrozenAccess: VenueAccess {
    let live: any VenueAccess
    let engine: LedgerEngine
    let venue: VenueName
    let state: PublishedLedger.State
    let time: LedgerTime

    func snapshot(of account: String) -> AccountSnapshot? {
        guard let found = state.accounts[ExactText(account)]?.account, found.venue == venue else {
            return nil
        }
        return AccountSnapshot(account: found, prices: prices(), at: time)
    }

    func snapshots(of account: String, asOf times: [LedgerTime]) async throws -> [AccountSnapshot?] {
        try await engine.snapshots(
            of: account, at: venue, asOf: times.map { min($0, time) }, in: engine.journal(at: state))
    }

    var market: MarketHistory { live.market }
    func marketHistory() async throws -> MarketHistory { try await live.marketHistory() }
    func marketEvents(after sequence: Int64, limit: Int) async throws -> [Event] {
        try await live.marketEvents(after: sequence, limit: limit)
    }
    func prices() -> VenuePrices { state.prices[venue] ?? VenuePrices() }
    func subaccounts(of account: String) -> [String] { state.children[ExactText(account)] ?? [] }

    func slowly<Value: Sendable>(
        for account: String, _ work: @Sendable () async throws -> Value
    ) async throws -> Value {
        try await live.slowly(for: account, work)
    }

    func submit(_ command: Command) async throws(Refusal) {
        throw Refusal(.notAllowed, "What is frozen cannot be changed.")
    }

    func key(_ apiKey: String) -> APIKey? { live.key(apiKey) }
    var limiter: RateLimiter { live.limiter }
    func realTime() -> Int64 { live.realTime() }
    func ledgerTime() -> LedgerTime { time }
    var tokenSecret: [UInt8] { live.tokenSecret }
}

extension LedgerEngine {
    /// What a venue's model may reach, as things stand at this call, whatever happens later.
    public func frozenAccess(for venue: VenueName) -> any VenueAccess {
        FrozenAccess(
            live: access(for: venue), engine: self, venue: venue, state: published.cut(), time: clock.now())
    }
}
