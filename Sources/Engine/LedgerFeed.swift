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
    fileprivate struct Follower: Sendable {
        let listener: any LedgerListener
        var interest: FeedInterest
    }

    fileprivate struct State {
        var followers: [ObjectIdentifier: Follower] = [:]
        var byAccount: [ExactText: Set<ObjectIdentifier>] = [:]
        var byVenue: [VenueName: Set<ObjectIdentifier>] = [:]
        var ofEverything: Set<ObjectIdentifier> = []
    }

    private let state = Mutex(State())

    init() {}

    /// Tells the listener of what it follows from now on, in place of what it followed before; an empty
    /// interest lets it go.
    public func follow(_ listener: any LedgerListener, _ interest: FeedInterest) {
        let identity = ObjectIdentifier(listener)
        state.withLock { state in
            state.forget(identity)
            if interest.isEmpty { return }
            state.followers[identity] = Follower(listener: listener, interest: interest)
            for account in interest.accounts {
                state.byAccount[ExactText(account), default: []].insert(identity)
            }
            for venue in interest.prices { state.byVenue[venue, default: []].insert(identity) }
            if interest.everything { state.ofEverything.insert(identity) }
        }
    }

    /// Tells the listener nothing more; a change that is being told may still arrive.
    public func leave(_ listener: any LedgerListener) {
        state.withLock { $0.forget(ObjectIdentifier(listener)) }
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
        let told = state.withLock { $0.share(events) }
        for (listener, share) in told {
            listener.ledgerChanged(
                FeedChange(sequence: sequence, events: share.events, pricedVenues: share.pricedVenues))
        }
    }
}

extension LedgerFeed.State {
    fileprivate struct Share {
        var events: [Event] = []
        var pricedVenues: Set<VenueName> = []
    }

    fileprivate mutating func forget(_ identity: ObjectIdentifier) {
        guard let interest = followers.removeValue(forKey: identity)?.interest else { return }
        for account in interest.accounts.map({ ExactText($0) }) {
            byAccount[account]?.remove(identity)
            if byAccount[account]?.isEmpty == true { byAccount[account] = nil }
        }
        for venue in interest.prices {
            byVenue[venue]?.remove(identity)
            if byVenue[venue]?.isEmpty == true { byVenue[venue] = nil }
        }
        ofEverything.remove(identity)
    }

    /// What of a group concerns whom.
    fileprivate func share(_ events: some Sequence<Event>) -> [(any LedgerListener, Share)] {
        // Nobody listens on a machine that loads a million fills: it must not pay for this.
        if followers.isEmpty { return [] }
        var shares: [ObjectIdentifier: Share] = [:]
        for event in events {
            // Where only prices are followed, an account's event concerns nobody.
            if byAccount.isEmpty && ofEverything.isEmpty && event.account != nil { continue }
            var concerned = ofEverything
            if let account = event.account, let found = byAccount[ExactText(account)] {
                concerned.formUnion(found)
            }
            if let other = event.counterparty, let found = byAccount[ExactText(other)] {
                concerned.formUnion(found)
            }
            for identity in concerned { shares[identity, default: Share()].events.append(event) }
            guard let venue = event.body.market else { continue }
            for identity in byVenue[venue] ?? [] {
                shares[identity, default: Share()].pricedVenues.insert(venue)
            }
        }
        return shares.compactMap { identity, share in followers[identity].map { ($0.listener, share) } }
    }
}
