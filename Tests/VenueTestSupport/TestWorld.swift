import Exchange
import JSON
import Ledger
import Numbers
import Synchronization
import Venue

/// One venue's surroundings without a server: the real ledger state machine in memory, keys given by the
/// test, and clocks that stand until the test moves them.
///
/// ```swift
/// let world = TestWorld(try OKXVenue(addedRulebooks: [], profile: .documented))
/// try world.apply(#"{"type":"open_account","account":"desk","venue":"okx"}"#)
/// world.addKey(account: "desk", apiKey: "key", secret: "secret", passphrase: "phrase")
/// let response = await world.request("GET", "/api/v5/public/time")
/// ```
public final class TestWorld<Model: VenueServer>: VenueAccess {
    private struct State {
        var ledger = LedgerState()
        /// All that was accepted, in order.
        var events: [Event] = []
        var keys: [String: APIKey] = [:]
        var realTime: Int64
        var ledgerTime: LedgerTime
    }

    public let model: Model
    public let limiter: RateLimiter
    public let market: MarketHistory
    public let tokenSecret = [UInt8](repeating: 7, count: 32)
    private let state: Mutex<State>

    /// Clocks stand at 2026-06-01T00:00:00Z unless told otherwise.
    public init(_ model: Model, enforcesRateLimits: Bool = true, time: Int64 = 1_780_272_000_000) {
        self.model = model
        market = MarketHistory(of: model)
        market.noteRead()
        limiter = RateLimiter(isEnforced: enforcesRateLimits)
        state = Mutex(State(realTime: time, ledgerTime: LedgerTime(milliseconds: time)))
    }

    // MARK: - Setting the scene

    /// Applies commands written as JSON, in order. Throws the refusal of the first that is refused.
    @discardableResult
    public func apply(_ commands: String...) throws -> [Event] {
        var events: [Event] = []
        for text in commands {
            let command = try Command(decoding: try JSONValue(parsing: text))
            events += try accept(command)
        }
        return events
    }

    private func accept(_ command: Command) throws(Refusal) -> [Event] {
        try state.withLock { state throws(Refusal) in
            let outcome = try Exchange().accept(
                command, in: &state.ledger, judges: [model.name: model], now: state.ledgerTime)
            state.events += outcome.events
            for event in outcome.events { market.take(event) }
            return outcome.events
        }
    }

    /// Adds a key in force.
    @discardableResult
    public func addKey(
        account: String, apiKey: String, secret: String, passphrase: String? = nil,
        permissions: Set<APIKey.Permission> = [.read], addresses: [String] = []
    ) -> APIKey {
        let key = APIKey(
            apiKey: apiKey, secret: secret,
            passphrase: passphrase.map { PassphraseHash(passphrase: $0, salt: [1, 2, 3, 4]) },
            permissions: permissions, addresses: addresses.compactMap { AddressRange($0) }, account: account)
        state.withLock { $0.keys[apiKey] = key }
        return key
    }

    /// Revokes a key.
    public func revokeKey(_ apiKey: String) { state.withLock { $0.keys[apiKey] = nil } }

    /// Moves the real clock.
    public func setRealTime(_ milliseconds: Int64) { state.withLock { $0.realTime = milliseconds } }

    /// Moves the ledger's clock.
    public func setLedgerTime(_ milliseconds: Int64) {
        state.withLock { $0.ledgerTime = LedgerTime(milliseconds: milliseconds) }
    }

    /// An account as it stands.
    public func account(_ id: String) -> Account? { state.withLock { $0.ledger.account(id) } }

    /// The sequence of the last event.
    public var lastSequence: Int64 { state.withLock { $0.ledger.lastSequence } }

    /// What was accepted after a place of the journal, in order.
    public func events(after sequence: Int64) -> [Event] {
        state.withLock { state in state.events.filter { $0.sequence > sequence } }
    }

    // MARK: - Asking the venue

    /// The venue's answer to a request. Header names are looked up in lower case.
    public func request(
        _ method: String, _ target: String, headers: [String: String] = [:], body: String = "",
        from address: String = "127.0.0.1"
    ) async -> VenueResponse {
        let lowered = Dictionary(headers.map { ($0.key.lowercased(), $0.value) }) { first, _ in first }
        let request = VenueRequest(
            method: method, target: target, body: Array(body.utf8), remoteAddress: address,
            header: { lowered[$0] })
        return await model.respond(to: request, through: self)
    }

    /// The account endpoint's body as a text.
    public func statement(_ account: String, query: [QueryItem] = []) throws -> String {
        guard let snapshot = snapshot(of: account) else {
            throw Refusal(.unknownAccount, "There is no account \(account).")
        }
        return String(
            decoding: try model.accountBody(of: snapshot, query: query, through: self), as: UTF8.self)
    }

    // MARK: - VenueAccess

    public func key(_ apiKey: String) -> APIKey? { state.withLock { $0.keys[apiKey] } }

    public func snapshot(of account: String) -> AccountSnapshot? {
        state.withLock { state in
            guard let found = state.ledger.account(account) else { return nil }
            return AccountSnapshot(
                account: found, prices: state.ledger.prices(of: model.name), at: state.ledgerTime)
        }
    }

    public func snapshots(of account: String, asOf times: [LedgerTime]) async throws -> [AccountSnapshot?] {
        let events = state.withLock { $0.events }
        return try times.map { time in
            var past = LedgerState()
            for event in events where event.at <= time { try past.apply(event) }
            return past.account(account).map {
                AccountSnapshot(account: $0, prices: past.prices(of: model.name), at: time)
            }
        }
    }

    public func latestEvents(
        of account: String, _ types: Set<String>, before sequence: Int64, limit: Int
    ) async throws -> EventPage {
        let all = state.withLock { $0.events }.filter {
            $0.account == account && types.contains($0.typeName) && $0.sequence < sequence
        }
        let page = Array(all.reversed().prefix(limit))
        return EventPage(events: page, rest: page.count < all.count ? page.last?.sequence : nil)
    }

    public func marketHistory() async throws -> MarketHistory { market }

    public func marketEvents(after sequence: Int64, limit: Int) async throws -> [Event] {
        let events = state.withLock { $0.events }
        return Array(
            events.filter { $0.body.marketVenue == model.name && $0.sequence > sequence }.prefix(limit))
    }

    public func prices() -> VenuePrices { state.withLock { $0.ledger.prices(of: model.name) } }

    public func subaccounts(of account: String) -> [String] {
        state.withLock { $0.ledger.subaccounts(of: account) }
    }

    public func submit(_ command: Command) async throws(Refusal) { _ = try accept(command) }

    public func trade(
        _ instruction: TradeInstruction, for account: String
    ) async throws(Refusal) -> [Event] {
        try accept(Command(account: account, content: .trade(instruction)))
    }

    public func tradingHistory(of account: String) async throws(Refusal) -> TradingHistory? {
        try history(of: account, isDeep: false)
    }

    public func deepTradingHistory(of account: String) async throws(Refusal) -> TradingHistory? {
        try history(of: account, isDeep: true)
    }

    private func history(of account: String, isDeep: Bool) throws(Refusal) -> TradingHistory {
        let events = state.withLock { $0.events }
        var history = TradingHistory(of: account, isDeep: isDeep)
        do {
            for event in events where event.account == account || event.counterparty == account {
                try history.take(event)
            }
        } catch {
            throw Refusal(.overflow, "\(error)")
        }
        return history
    }

    public func realTime() -> Int64 { state.withLock { $0.realTime } }

    public func ledgerTime() -> LedgerTime { state.withLock { $0.ledgerTime } }
}

extension VenueResponse {
    /// The body as a text.
    public var text: String { String(decoding: body, as: UTF8.self) }

    /// The body as JSON.
    public var json: JSONValue {
        get throws { try JSONValue(parsing: body) }
    }
}
