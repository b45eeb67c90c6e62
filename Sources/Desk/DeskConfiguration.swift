import JSON
import Ledger
import Numbers
import Venue

/// The accounts that a desk reads, and how it reads them; what the configuration file says, checked.
public struct DeskConfiguration: Sendable, Equatable {
    /// In the file's order, each name once.
    public var accounts: [AccountEntry] = []
    /// How long and how often a venue is tried.
    public var retryPolicy = RetryPolicy()
    /// How many accounts are read at the same time.
    public var concurrency = 4
    /// USD prices of assets that the operator has set; they go before all that is read.
    public var prices: [ExactText: ExactDecimal] = [:]
    /// What `watch` looks at, and whom it tells.
    public var watch = WatchPlan()

    /// A desk without accounts.
    public init() {}

    /// The wire profile that the figures of a statement are audited by; of a sub-account, that of its main
    /// account.
    public func profile(of statement: Statement) -> WireProfile {
        accounts.first { $0.name.isExactly(statement.configuredAccount) }?.profile ?? .documented
    }

    /// A desk with some of the accounts only, in the desk's order.
    ///
    /// Throws for a name that there is not, and where no account is left.
    public func only(_ names: [String]) throws(ConfigurationError) -> DeskConfiguration {
        for name in names where !accounts.contains(where: { $0.name.isExactly(name) }) {
            let known = accounts.map(\.name).joined(separator: ", ")
            throw ConfigurationError(.usage, "There is no account \"\(name)\"; known are \(known)")
        }
        var chosen = self
        if !names.isEmpty { chosen.accounts = accounts.filter { names.contains($0.name) } }
        return chosen
    }
}

/// One account of the configuration.
public struct AccountEntry: Sendable, Equatable {
    /// What the desk calls it.
    public let name: String
    /// Where the account is.
    public let venue: VenueName
    /// Where the venue is, without a slash at the end; nil for the venue's own place.
    public let baseURL: String?
    /// Where its key is kept.
    public let credentials: SecretSource
    /// What the key may be able to do beyond reading.
    public let allowed: Set<APIKey.Permission>
    /// The wire profile that its figures are audited by.
    public let profile: WireProfile
    /// The venue's own identifier of the account, which its answers must name; nil for whichever it is.
    public let uid: String?
    /// Whether the key is one of the venue's demo trading, of which every request says so.
    public let isDemoTrading: Bool

    /// An account by its parts.
    public init(
        name: String, venue: VenueName, baseURL: String? = nil, credentials: SecretSource,
        allowed: Set<APIKey.Permission> = [], profile: WireProfile = .documented, uid: String? = nil,
        isDemoTrading: Bool = false
    ) {
        self.name = name
        self.venue = venue
        self.baseURL = baseURL
        self.credentials = credentials
        self.allowed = allowed
        self.profile = profile
        self.uid = uid
        self.isDemoTrading = isDemoTrading
    }

    /// Within what the venue's identifiers name one account each. A server of this machine has identifiers of
    /// its own, whatever venue it speaks as.
    var environment: String {
        let place = baseURL.flatMap { VenueAddress.isOfThisMachine($0) ? $0 : nil } ?? ""
        return isDemoTrading ? "\(place) demo trading" : place
    }
}

/// Where a secret is; never the secret itself.
public enum SecretSource: Sendable, Equatable {
    /// Environment variables: `NAME_API_KEY`, `NAME_SECRET` and `NAME_PASSPHRASE` for a key, `NAME` for a
    /// single secret.
    case environment(String)
    /// A file that only its owner may read.
    case file(String)
    /// An entry of a sealed store.
    case sealed(store: String, entry: String)
}

/// How long and how often a venue is tried.
public struct RetryPolicy: Sendable, Equatable {
    /// The longest that one call may take, in milliseconds.
    public var call: Int64 = 10_000
    /// The longest that reading all accounts may take, in milliseconds.
    public var whole: Int64 = 60_000
    /// How often one call is sent at most.
    public var attempts = 4
    /// The pause before the second attempt, in milliseconds; it doubles from attempt to attempt.
    public var firstPause: Int64 = 250
    /// The longest pause that the desk itself chooses, in milliseconds.
    public var longestPause: Int64 = 8000

    /// What holds unless the configuration says otherwise.
    public init() {}

    /// The pause after so many failed attempts: between half of `firstPause` × 2^(failed − 1) and all of it,
    /// at most `longestPause`; where in between, `chance` (0 to 1023) says, so that many desks do not come
    /// back at the same moment.
    public func pause(afterFailed failed: Int, chance: Int) -> Int64 {
        let doublings = Int64(min(max(failed - 1, 0), 20))
        let full = min(longestPause, firstPause << doublings)
        return full / 2 + (full - full / 2) * Int64(min(max(chance, 0), 1023)) / 1023
    }
}
