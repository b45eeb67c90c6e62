import JSON
import Ledger
import Numbers

/// One venue, in both directions that its clients know: it judges commands, works out figures, and answers
/// requests in the venue's own form.
///
/// A model is an immutable value built at start from its rulebooks; what changes is reached through
/// `VenueAccess`. The same files stand in every venue's module: `Rules`, `Figures`, `Wire`, `Signing`,
/// `Errors`, `Routes`.
public protocol VenueModel: VenueJudge {
    /// Built from the built-in rulebooks and those added by the operator; `profile` chooses the wire form.
    ///
    /// Throws `RulebookError` for a rulebook that cannot be read.
    init(addedRulebooks: [JSONValue], profile: WireProfile) throws

    /// The venue's name.
    static var name: VenueName { get }

    /// What every request path of this venue begins with, such as `/api/v5/`.
    static var pathPrefixes: [String] { get }

    /// The wire form in use.
    var profile: WireProfile { get }

    /// What its accounts can be told, in the order of the contract.
    var accountSettings: [SettingField] { get }

    /// Every rulebook version, in the order of their effective times.
    var rulebookVersions: [RulebookHeader] { get }

    /// The venue as it would be with other values in the rules in force at a time; see
    /// `RulebookTimeline.amended`.
    func amended(by amendment: JSONValue, at time: LedgerTime) throws(RulebookError) -> Self

    /// The instruments that the rules in force at a time list, with their terms.
    func listedInstruments(at time: LedgerTime) -> [Instrument]

    /// The body that the venue's account endpoint would answer for this account, byte for byte.
    ///
    /// `query` holds the endpoint's own query parameters, decoded. Throws `StatementError` where the venue
    /// would refuse them, `FigureError` where a figure cannot be worked out.
    func accountBody(
        of snapshot: AccountSnapshot, query: [QueryItem], through access: any VenueAccess
    ) throws -> [UInt8]

    /// Why each figure of the account endpoint's body is what it is, in the body's order, with what stands
    /// behind the body. Values come from the functions that serve. Throws `FigureError` where one cannot be
    /// worked out.
    func explain(_ snapshot: AccountSnapshot, through access: any VenueAccess) throws -> [Explanation]

    /// The figures of the account endpoint that a new order is judged by, by their names.
    static var acceptanceFigures: [String] { get }

    /// The id by which the venue's clients know an order of an account.
    func shownID(of order: OpenOrder, in account: String) -> String

    /// The id by which the venue's clients know a conditional order of an account.
    func shownID(of order: ConditionalOrder, in account: String) -> String

    /// What liquidation is decided by; nil where there is nothing to be liquidated. Throws `FigureError`
    /// where a figure cannot be worked out.
    func health(of snapshot: AccountSnapshot) throws -> MarginHealth?

    /// The venue's answer to a request: authenticated, limited and refused as the venue does it.
    func respond(to request: VenueRequest, through access: any VenueAccess) async -> VenueResponse

    /// What the path of every stream of this venue begins with, in whole parts, such as `/ws/v5`. The longest
    /// one that fits wins, streams before requests where the client asks for an upgrade.
    static var streamPrefixes: [String] { get }

    /// The venue's answer to a client that asks for a WebSocket; nil where this path is no stream, so that
    /// the request is answered as any other.
    func openStream(to request: VenueRequest, through access: any VenueAccess) -> StreamAnswer?

    /// The account whose key a request carries, with nothing of it checked; nil without a known key.
    func account(namedBy request: VenueRequest, through access: any VenueAccess) -> String?

    /// A failure that is wanted, in the form in which this venue would tell it.
    func answer(to request: VenueRequest, failing failure: VenueFailure) -> VenueResponse

    /// A new key that looks like the venue's own; `randomBytes` gives so many random bytes.
    func makeCredentials(randomBytes: (Int) -> [UInt8]) -> Credentials
}

extension VenueModel {
    /// None is known.
    public static var acceptanceFigures: [String] { [] }

    /// The ledger's own.
    public func shownID(of order: OpenOrder, in account: String) -> String { order.id }

    /// The ledger's own.
    public func shownID(of order: ConditionalOrder, in account: String) -> String { order.id }

    /// None.
    public func listedInstruments(at time: LedgerTime) -> [Instrument] { [] }

    /// None: the venue has no streams.
    public static var streamPrefixes: [String] { [] }

    /// No path is a stream.
    public func openStream(to request: VenueRequest, through access: any VenueAccess) -> StreamAnswer? { nil }

    /// No request names an account before it is believed.
    public func account(namedBy request: VenueRequest, through access: any VenueAccess) -> String? { nil }

    /// The bare status, with an empty object.
    public func answer(to request: VenueRequest, failing failure: VenueFailure) -> VenueResponse {
        switch failure {
        case .status(let status): VenueResponse(status: status, body: Array("{}".utf8))
        case .rateLimited: VenueResponse(status: 429, body: Array("{}".utf8))
        case .error(_, _, let status): VenueResponse(status: status ?? 400, body: Array("{}".utf8))
        }
    }
}

/// A failure of a venue that does not come from the request.
public enum VenueFailure: Sendable, Equatable {
    /// The venue is unwell and answers with this HTTP status, 400 to 599.
    case status(Int)
    /// The caller is told to slow down, and to come back after so many seconds where the venue says so.
    case rateLimited(retryAfter: Int64)
    /// A refusal by the venue's own code, with its message and status where they are not the usual ones.
    case error(code: Int, message: String?, status: Int?)
}

/// Which of a venue's two recorded forms is spoken: `documented` follows the given documents, `live` the
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

extension VenueModel {
    /// The venue's name.
    public var name: VenueName { Self.name }
}

/// What a venue model may reach of the running server. Scoped to one venue.
public protocol VenueAccess: Sendable {
    /// A key that is in force; nil if it is unknown or revoked.
    func key(_ apiKey: String) -> APIKey?

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

    /// The same of several instructions, each by itself and in their order: what each came to, or why it was
    /// refused. All of it is durable.
    func trade(
        _ instructions: [TradeInstruction], for account: String
    ) async -> [Result<[Event], Refusal>]

    /// What an account has traded up to now; nil if this venue has no such account. Reads the journal.
    func tradingHistory(of account: String) async throws(Refusal) -> TradingHistory?

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
    /// None given: a venue falls back to its rulebook's reference prices.
    public func prices() -> VenuePrices { VenuePrices() }

    /// None is kept.
    public func tradingHistory(of account: String) async throws(Refusal) -> TradingHistory? { nil }

    /// Nothing is traded: only a running ledger has an exchange.
    public func trade(
        _ instruction: TradeInstruction, for account: String
    ) async throws(Refusal) -> [Event] {
        throw Refusal(.notAllowed, "Nothing can be traded here.")
    }

    /// One after the other.
    public func trade(
        _ instructions: [TradeInstruction], for account: String
    ) async -> [Result<[Event], Refusal>] {
        var results: [Result<[Event], Refusal>] = []
        for instruction in instructions {
            do throws(Refusal) {
                results.append(.success(try await trade(instruction, for: account)))
            } catch {
                results.append(.failure(error))
            }
        }
        return results
    }

    /// At once, where nobody else is kept waiting.
    public func slowly<Value: Sendable>(
        for account: String, _ work: @Sendable () async throws -> Value
    ) async throws -> Value {
        try await work()
    }

    /// None: what was is not told of a past or frozen moment.
    public func latestEvents(
        of account: String, _ types: Set<String>, before sequence: Int64, limit: Int
    ) async throws -> EventPage { EventPage(events: [], rest: nil) }
}

/// Some of an account's events, newest first.
public struct EventPage: Sendable {
    public let events: [Event]
    /// Where the next page begins: before this sequence. Nil where there is none.
    public let rest: Int64?

    public init(events: [Event], rest: Int64?) {
        self.events = events
        self.rest = rest
    }
}

/// A key that clients sign with.
public struct APIKey: Sendable {
    /// What a key may do, as `permissions` spells it.
    public enum Permission: String, Sendable, CaseIterable {
        case read
        case trade
        case withdraw
    }

    /// The key's public part, which names it in requests.
    public let apiKey: String
    /// The HMAC secret; or, at Binance, the PEM text of an Ed25519 or RSA public key.
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

/// Why an account endpoint's own parameters are refused.
public struct StatementError: Error, Equatable, Sendable {
    /// The parameter at fault.
    public let field: String
    public let message: String

    public init(field: String, message: String) {
        self.field = field
        self.message = message
    }
}
