import JSON
import Ledger
import Numbers

/// A venue: its name, its rules, its instruments, its keys, and how the ledger books what happens there.
///
/// The first of three protocols, and all that a ledger needs to keep accounts of the venue. A type that is a
/// `VenueServer` besides answers requests as the venue does; one that is a `VenueClient` besides reads
/// accounts at the venue itself. `CONTRIBUTING.md` adds a small venue in these three steps.
///
/// A venue is an immutable value built at start from its rulebooks.
public protocol Venue: VenueJudge {
    /// Built from the built-in rulebooks and those added by the operator; `profile` chooses the wire form.
    ///
    /// Throws `RulebookError` for a rulebook that cannot be read.
    init(addedRulebooks: [JSONValue], profile: WireProfile) throws

    /// The venue's name.
    static var name: VenueName { get }

    /// The venue's name as people write it.
    static var title: String { get }

    /// Whether a key of the venue has a passphrase beside its secret.
    static var hasPassphrases: Bool { get }

    /// The wire form in use.
    var profile: WireProfile { get }

    /// What its accounts can be told, in the order of its page.
    var accountSettings: [SettingField] { get }

    /// Every rulebook version, in the order of their effective times.
    var rulebookVersions: [RulebookHeader] { get }

    /// The venue as it would be with other values in the rules in force at a time; see
    /// `RulebookTimeline.amended`.
    func amended(by amendment: JSONValue, at time: LedgerTime) throws(RulebookError) -> Self

    /// The instruments that the rules in force at a time list, with their terms.
    func listedInstruments(at time: LedgerTime) -> [Instrument]

    /// A new key that looks like one of the venue's own, made of the bytes that `randomBytes` gives.
    func makeCredentials(randomBytes: (Int) -> [UInt8]) -> Credentials
}

extension Venue {
    /// The venue's name.
    public var name: VenueName { Self.name }

    /// The venue's name as commands spell it.
    public static var title: String { name.rawValue }

    /// False: a key has a secret and no passphrase.
    public static var hasPassphrases: Bool { false }

    /// No instruments.
    public func listedInstruments(at time: LedgerTime) -> [Instrument] { [] }

    /// The instrument of this name among those that the rules list; nil where none has it.
    public func instrument(_ name: String, at time: LedgerTime) -> Instrument? {
        listedInstruments(at: time).first { $0.name.isExactly(name) }
    }

    /// The names of the instruments that the rules list.
    public func instrumentNames(at time: LedgerTime) -> [String] {
        listedInstruments(at: time).map(\.name)
    }
}

/// Which of a venue's two recorded forms is spoken: `documented` follows the venue's documents, `live` the
/// recordings. They are never blended.
public enum WireProfile: String, Sendable, CaseIterable {
    case documented
    case live
}

/// An account with the market it is valued in: all that its figures depend on.
public struct AccountSnapshot: Sendable {
    public let account: Account
    public let prices: VenuePrices
    /// The ledger time that the figures are of; rules of that time apply.
    public let at: LedgerTime

    public init(account: Account, prices: VenuePrices, at time: LedgerTime) {
        self.account = account
        self.prices = prices
        self.at = time
    }
}

/// A key that clients sign with.
public final class APIKey: Sendable {
    /// What a key may do, as `permissions` spells it.
    public enum Permission: String, Sendable, CaseIterable {
        case read
        case trade
        case withdraw
    }

    /// The key's public part, which names it in requests.
    public let apiKey: String
    /// The HMAC secret; or, where a venue takes them, the PEM text of an Ed25519 or RSA public key.
    public let secret: String
    /// A salted hash of the passphrase, where the venue has one; see `PassphraseHash`.
    public let passphrase: PassphraseHash?
    public let permissions: Set<Permission>
    /// Addresses or networks (CIDR) that may use it; empty for any.
    public let addresses: [AddressRange]
    /// The account that it speaks for.
    public let account: String
    /// Ready to sign: the secret's HMAC state, made once.
    public let signer: RequestSigner

    public init(
        apiKey: String, secret: String, passphrase: PassphraseHash?, permissions: Set<Permission>,
        addresses: [AddressRange], account: String
    ) {
        self.apiKey = apiKey
        self.secret = secret
        self.passphrase = passphrase
        self.permissions = permissions
        self.addresses = addresses
        self.account = account
        self.signer = RequestSigner(secret: secret)
    }

    /// Whether it is the same key still, and not another one of its name.
    public func isSame(as other: APIKey) -> Bool {
        apiKey == other.apiKey && account == other.account && secret == other.secret
    }

    /// Whether it may be used from an address.
    public func admits(_ address: String) -> Bool {
        addresses.isEmpty || addresses.contains { $0.contains(address) }
    }
}

/// A key as it is handed out, once.
public struct Credentials: Sendable {
    public let apiKey: String
    public let secret: String
    public let passphrase: String?

    public init(apiKey: String, secret: String, passphrase: String?) {
        self.apiKey = apiKey
        self.secret = secret
        self.passphrase = passphrase
    }
}

/// Why a figure cannot be worked out.
public enum FigureError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A figure does not fit, or divides by zero.
    case number(NumberError)
    /// Nobody has given this price, and the rulebook has no reference price for it.
    case priceMissing(String)

    public var description: String {
        switch self {
        case .number(let error): "A figure cannot be worked out: \(error)."
        case .priceMissing(let name):
            "No price is known for \(name); give one with a prices command."
        }
    }
}
