import JSON
import Ledger
import Synchronization

/// An account as readers see it. A reference, so that handing it out costs one count and not a copy.
final class PublishedAccount: Sendable {
    let account: Account

    init(_ account: Account) { self.account = account }
}

/// The ledger as last made durable: what every reader sees. The writer replaces what a group has changed in
/// one go; nobody holds the lock while waiting for a disk.
final class PublishedLedger: Sendable {
    struct State {
        var accounts: [ExactText: PublishedAccount] = [:]
        /// In the order of opening.
        var order: [String] = []
        var children: [ExactText: [String]] = [:]
        var prices: [VenueName: VenuePrices] = [:]
        var instruments = InstrumentTable()
        var sequence: Int64 = 0
        /// Which ledger it is; odd while another one is being put in its place.
        var generation = 0
    }

    private let state: Mutex<State>

    init(_ ledger: LedgerState, venues: [VenueName]) {
        state = Mutex(Self.state(of: ledger, venues: venues))
    }

    /// From now on until the end, nothing that is read in the store is of the ledger that is shown.
    func beginReplacement() { state.withLock { if $0.generation.isMultiple(of: 2) { $0.generation += 1 } } }

    /// The store is as it was.
    func cancelReplacement() { state.withLock { $0.generation = Self.next($0.generation) } }

    /// Shows another ledger from now on.
    func replace(with ledger: LedgerState, venues: [VenueName]) {
        let other = Self.state(of: ledger, venues: venues)
        state.withLock { state in
            let generation = Self.next(state.generation)
            state = other
            state.generation = generation
        }
    }

    /// The generation that the ledger will be of once it is replaced.
    var nextGeneration: Int { state.withLock { Self.next($0.generation) } }

    var generation: Int { state.withLock { $0.generation } }

    private static func next(_ generation: Int) -> Int { generation / 2 * 2 + 2 }

    private static func state(of ledger: LedgerState, venues: [VenueName]) -> State {
        var state = State()
        state.order = ledger.accountIDs
        state.accounts.reserveCapacity(state.order.count)
        for id in state.order {
            guard let account = ledger.account(id) else { continue }
            state.accounts[ExactText(id)] = PublishedAccount(account)
            if let parent = account.parent { state.children[ExactText(parent), default: []].append(id) }
        }
        for venue in venues { state.prices[venue] = ledger.prices(of: venue) }
        state.instruments = ledger.instrumentTable
        state.sequence = ledger.lastSequence
        return state
    }

    /// Everything at once, as of one place of the journal.
    func cut() -> State { state.withLock { $0 } }

    var sequence: Int64 { state.withLock { $0.sequence } }
    var accountCount: Int { state.withLock { $0.order.count } }
    var accountIDs: [String] { state.withLock { $0.order } }
    /// How far it goes, with the instruments of all events up to there, and which ledger it is.
    var place: (sequence: Int64, instruments: InstrumentTable, generation: Int) {
        state.withLock { ($0.sequence, $0.instruments, $0.generation) }
    }

    func account(_ id: String) -> Account? {
        let found = state.withLock { $0.accounts[ExactText(id)] }
        return found?.account
    }

    func subaccounts(of id: String) -> [String] { state.withLock { $0.children[ExactText(id)] ?? [] } }

    func prices(of venue: VenueName) -> VenuePrices { state.withLock { $0.prices[venue] } ?? VenuePrices() }

    /// An account and its venue's prices of the same moment.
    func accountAndPrices(_ id: String, of venue: VenueName) -> (Account, VenuePrices)? {
        let found = state.withLock { state in state.accounts[ExactText(id)].map { ($0, state.prices[venue]) }
        }
        guard let found, found.0.account.venue == venue else { return nil }
        return (found.0.account, found.1 ?? VenuePrices())
    }

    /// Takes over what a group has changed, now that it is durable.
    func publish(_ change: LedgerChange) {
        let published = change.accounts.map { PublishedAccount($0) }
        state.withLock { state in
            for entry in published {
                let account = entry.account
                if state.accounts.updateValue(entry, forKey: ExactText(account.id)) == nil {
                    state.order.append(account.id)
                    if let parent = account.parent {
                        state.children[ExactText(parent), default: []].append(account.id)
                    }
                }
            }
            for (venue, prices) in change.prices { state.prices[venue] = prices }
            if let instruments = change.instruments { state.instruments = instruments }
            state.sequence = change.sequence
        }
    }
}

/// What a group of commands has changed, as it is after the group.
struct LedgerChange: Sendable {
    /// In the order of their opening, as far as they were opened by the group.
    var accounts: [Account] = []
    var prices: [(VenueName, VenuePrices)] = []
    /// All instruments, where the group has brought new ones.
    var instruments: InstrumentTable?
    var sequence: Int64 = 0
}
