import JSON

/// A venue's latest prices, and what of its accounts waits for the next ones.
public struct VenueMarket: Sendable {
    /// The prices that were given last.
    public internal(set) var prices = VenuePrices()
    /// What of its accounts waits.
    public internal(set) var watched = WatchedOrders()
}

/// The whole ledger as the journal has made it: every account, every instrument's terms, the latest prices.
///
/// A value without clock, disk, network or randomness: the same events give the same state.
public struct LedgerState: Sendable {
    /// The sequence of the last event; 0 before the first.
    public internal(set) var lastSequence: Int64 = 0
    /// The instruments in use, with their terms.
    public internal(set) var instrumentTable = InstrumentTable()

    var accounts: [Account?] = []
    var places: [ExactText: Int] = [:]
    private var children: [ExactText: [String]] = [:]
    private var markets: [VenueName: VenueMarket] = [:]

    /// A ledger without an event.
    public init() {}

    /// A venue's latest prices with what of its accounts waits for the next ones.
    public func market(of venue: VenueName) -> VenueMarket { markets[venue] ?? VenueMarket() }

    /// What of a venue's accounts the exchange waits for.
    public func watched(of venue: VenueName) -> WatchedOrders { markets[venue]?.watched ?? WatchedOrders() }

    /// When the next order, conditional order or timer falls due; nil where none has a time.
    public var nextDue: LedgerTime? { markets.values.compactMap(\.watched.nextDue).min() }

    /// Takes over a change of what is watched of an account.
    mutating func watch(
        _ venue: VenueName, _ before: [WatchedOrders.Watch], _ after: [WatchedOrders.Watch]
    ) {
        if before.isEmpty && after.isEmpty { return }
        markets[venue, default: VenueMarket()].watched.replace(before, by: after)
    }

    /// An account; nil if there is none of that id.
    public func account(_ id: String) -> Account? {
        guard let place = places[ExactText(id)] else { return nil }
        return accounts[place]
    }

    /// Every account's id, in the order of opening.
    public var accountIDs: [String] { accounts.compactMap { $0?.id } }

    /// How many accounts there are.
    public var accountCount: Int { places.count }

    /// The sub-accounts of an account, in the order of opening.
    public func subaccounts(of id: String) -> [String] { children[ExactText(id)] ?? [] }

    /// The latest prices of a venue.
    public func prices(of venue: VenueName) -> VenuePrices { markets[venue]?.prices ?? VenuePrices() }

    /// The time of the latest event; nil before the first.
    public var latestTime: LedgerTime? {
        let ofAccounts = accounts.lazy.compactMap { $0?.updatedAt }.max()
        let ofPrices = markets.values.compactMap(\.prices.updatedAt).max()
        return [ofAccounts, ofPrices].compactMap { $0 }.max()
    }

    /// Every instrument of a venue that was ever used.
    public func instruments(of venue: VenueName) -> [Instrument] { instrumentTable.instruments(of: venue) }

    // MARK: - Replaying

    /// Applies an event of the journal. Throws where it does not fit the state, as in a damaged journal; the
    /// state is then of no further use.
    public mutating func apply(_ event: Event) throws(Refusal) {
        switch event.body {
        case .instrumentDefined(let definition):
            instrumentTable.define(definition.instrument.defined(by: event.sequence))
        case .priced(let tick):
            markets[tick.venue, default: VenueMarket()].prices.apply(tick, at: event.at)
        case .quoted(let tick):
            markets[tick.venue, default: VenueMarket()].prices.apply(
                tick, at: event.at, sequence: event.sequence)
        case .fundingFixed: break
        case .accountOpened(let opening):
            let id = try event.requiredAccount()
            var account = Account(
                id: id, venue: opening.venue, parent: opening.parent, conventions: opening.conventions,
                settings: opening.settings, openedAt: event.at)
            account.stamp(event)
            restore(account)
        default:
            try change(try event.requiredAccount(), by: event)
            if case .transferred(let receiver, _, _) = event.body { try change(receiver, by: event) }
        }
        lastSequence = event.sequence
    }

    private mutating func change(_ id: String, by event: Event) throws(Refusal) {
        guard let place = places[ExactText(id)] ?? lookalike(of: id) else {
            throw Refusal(.unknownAccount, "There is no account \(id).", field: "account")
        }
        let before = accounts[place]?.watches(changedBy: event.body) ?? []
        try accounts[place]?.apply(event)
        if let account = accounts[place] {
            watch(account.venue, before, account.watches(changedBy: event.body))
        }
    }

    /// The account that an event names in other bytes: journals written before names were compared by theirs
    /// may have such events, and mean the account that there is.
    private func lookalike(of id: String) -> Int? {
        if id.utf8.allSatisfy({ $0 < 0x80 }) { return nil }
        return accounts.firstIndex { $0?.id == id }
    }

    // MARK: - Snapshots and rolling back

    /// Puts an account there as it is, in place of one with the same id.
    public mutating func restore(_ account: Account) {
        let before = self.account(account.id)?.watches ?? []
        watch(account.venue, before, account.watches)
        put(account)
    }

    /// Puts an account there whose watched orders are noted already.
    mutating func put(_ account: Account) {
        if let place = places[ExactText(account.id)] {
            accounts[place] = account
            return
        }
        places[ExactText(account.id)] = accounts.count
        accounts.append(account)
        if let parent = account.parent { children[ExactText(parent), default: []].append(account.id) }
    }

    /// Takes an account away, as if it had never been opened.
    public mutating func remove(account id: String) {
        guard let place = places.removeValue(forKey: ExactText(id)) else { return }
        if let account = accounts[place] { watch(account.venue, account.watches, []) }
        if let parent = accounts[place]?.parent {
            children[ExactText(parent)]?.removeAll { $0.isExactly(id) }
        }
        accounts[place] = nil
    }

    /// Puts a venue's prices there as they are.
    public mutating func restore(prices: VenuePrices, of venue: VenueName) {
        markets[venue, default: VenueMarket()].prices = prices
    }

    /// Puts an instrument's terms there as they are.
    public mutating func restore(instrument: Instrument) { instrumentTable.define(instrument) }

    /// Sets the journal's place after a snapshot was restored.
    public mutating func restore(lastSequence sequence: Int64) { lastSequence = sequence }

    /// Sets the journal's place back, after the accounts and prices of a failed group were restored.
    public mutating func rollBack(to sequence: Int64) {
        lastSequence = sequence
        instrumentTable.rollBack(to: sequence)
    }
}

extension Event {
    func requiredAccount() throws(Refusal) -> String {
        guard let account else {
            throw Refusal(.missingField, "Event \(sequence) names no account.", field: "account")
        }
        return account
    }
}
