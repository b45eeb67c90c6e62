import JSON
import Ledger
import Synchronization

/// Somebody who is told what has become durable. Called on the writer's thread: it hands over and returns.
public protocol LedgerListener: AnyObject, Sendable {
    /// What has happened; never called twice at once.
    func ledgerChanged(_ change: FeedChange)

    /// The ledger is another one from now on: what was told before says nothing of it.
    func ledgerReplaced()
}

extension LedgerListener {
    /// Nothing that it keeps rests on the ledger.
    public func ledgerReplaced() {}
}

/// A durable group of events, as far as one listener follows them.
public struct FeedChange: Sendable {
    /// The ledger's last sequence after the group.
    public let sequence: Int64
    /// In the order of the journal, each once.
    public let events: [Event]
    /// Venues whose prices the group has changed and the listener follows.
    public let pricedVenues: Set<VenueName>
}

/// What one listener follows.
public struct FeedInterest: Sendable, Equatable {
    /// Events of these accounts, transfers to them included.
    public var accounts: Set<String>
    /// Notice of new prices at these venues.
    public var prices: Set<VenueName>
    /// Every event there is, prices too.
    public var everything: Bool

    /// An interest in some accounts, in the prices of some venues, or in everything.
    public init(accounts: Set<String> = [], prices: Set<VenueName> = [], everything: Bool = false) {
        self.accounts = accounts
        self.prices = prices
        self.everything = everything
    }

    /// Whether nothing is followed.
    public var isEmpty: Bool { accounts.isEmpty && prices.isEmpty && !everything }
}

/// The one way in which changes leave the engine: whoever follows an account or a venue's prices is told of
/// every group that touches them, after it is durable and readable, in the order of the journal.
///
/// Once `follow` has returned, no later group is missed: a snapshot read after it and the changes told from
/// then on leave no gap, though they may overlap. Nobody is waited for; a listener that cannot keep up is its
/// own affair.
public final class LedgerFeed: Sendable {
    /// A listener, what it follows, and its share of the group that is being told: touched under the lock.
    fileprivate final class Follower {
        let listener: any LedgerListener
        let interest: FeedInterest
        var events: [Event] = []
        var pricedVenues: Set<VenueName> = []
        var isConcerned = false

        init(_ listener: any LedgerListener, _ interest: FeedInterest) {
            self.listener = listener
            self.interest = interest
        }
    }

    fileprivate struct State {
        var followers: [ObjectIdentifier: Follower] = [:]
        var byAccount: [ExactText: [Follower]] = [:]
        var byVenue: [VenueName: [Follower]] = [:]
        var ofEverything: [Follower] = []
    }

    private let state = Mutex(State())

    init() {}

    /// Tells the listener of what it follows from now on, in place of what it followed before; an empty
    /// interest lets it go.
    public func follow(_ listener: any LedgerListener, _ interest: FeedInterest) {
        state.withLock { state in
            state.forget(listener)
            if !interest.isEmpty { state.add(Follower(listener, interest)) }
        }
    }

    /// Tells the listener nothing more; a change that is being told may still arrive.
    public func leave(_ listener: any LedgerListener) {
        state.withLock { $0.forget(listener) }
    }

    /// How many listeners there are.
    public var listenerCount: Int { state.withLock { $0.followers.count } }

    /// Tells everybody that the ledger is another one.
    func publishReplacement() {
        let listeners = state.withLock { $0.followers.values.map(\.listener) }
        for listener in listeners { listener.ledgerReplaced() }
    }

    /// Tells everybody concerned of a group that is durable and published.
    func publish(_ events: some Sequence<Event>, sequence: Int64) {
        // Nobody listens on a machine that loads a million fills: it must not pay for this.
        if listenerCount == 0 { return }
        let events = Array(events)
        let told = state.withLock { $0.share(events, sequence: sequence) }
        for (listener, change) in told { listener.ledgerChanged(change) }
    }
}

extension LedgerFeed.State {
    fileprivate mutating func add(_ follower: LedgerFeed.Follower) {
        followers[ObjectIdentifier(follower.listener)] = follower
        for account in follower.interest.accounts {
            byAccount[ExactText(account), default: []].append(follower)
        }
        for venue in follower.interest.prices { byVenue[venue, default: []].append(follower) }
        if follower.interest.everything { ofEverything.append(follower) }
    }

    fileprivate mutating func forget(_ listener: any LedgerListener) {
        guard let follower = followers.removeValue(forKey: ObjectIdentifier(listener)) else { return }
        for account in follower.interest.accounts.map({ ExactText($0) }) {
            byAccount[account]?.removeAll { $0 === follower }
            if byAccount[account]?.isEmpty == true { byAccount[account] = nil }
        }
        for venue in follower.interest.prices {
            byVenue[venue]?.removeAll { $0 === follower }
            if byVenue[venue]?.isEmpty == true { byVenue[venue] = nil }
        }
        ofEverything.removeAll { $0 === follower }
    }

    /// What of a group concerns whom.
    fileprivate func share(
        _ events: [Event], sequence: Int64
    ) -> [(listener: any LedgerListener, change: FeedChange)] {
        var concerned: [LedgerFeed.Follower] = []
        func note(_ follower: LedgerFeed.Follower) {
            if !follower.isConcerned { concerned.append(follower) }
            follower.isConcerned = true
        }
        func tell(_ followers: [LedgerFeed.Follower], _ event: Event) {
            for follower in followers where follower.events.last?.sequence != event.sequence {
                note(follower)
                follower.events.append(event)
            }
        }
        for event in events {
            // Where only prices are followed, an account's event concerns nobody.
            if byAccount.isEmpty && ofEverything.isEmpty && event.account != nil { continue }
            tell(ofEverything, event)
            if let account = event.account, let found = byAccount[ExactText(account)] { tell(found, event) }
            if let other = event.counterparty, let found = byAccount[ExactText(other)] { tell(found, event) }
            guard let venue = event.body.market else { continue }
            for follower in byVenue[venue] ?? [] {
                note(follower)
                follower.pricedVenues.insert(venue)
            }
        }
        return concerned.map { ($0.listener, $0.takeShare(sequence)) }
    }
}

extension LedgerFeed.Follower {
    /// Its share of a group; the next group begins with nothing.
    fileprivate func takeShare(_ sequence: Int64) -> FeedChange {
        defer {
            events = []
            pricedVenues = []
            isConcerned = false
        }
        return FeedChange(sequence: sequence, events: events, pricedVenues: pricedVenues)
    }
}
