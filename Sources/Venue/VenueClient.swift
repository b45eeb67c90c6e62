import Ledger
import Numbers

/// A venue from its client's side: what to ask for an account, how to sign it, what an answer means, and what
/// the figures in it should be. Pure: the desk owns the clock, the connection and the secrets.
///
/// The least of a client is one call of the purpose `account`, its request, and what is read from its answer:
/// without more it takes the venue's status codes for what they say, needs no clock and no token of the
/// venue, audits nothing and puts nothing into a ledger.
public protocol VenueClient: Venue {
    /// Where the venue is, without a slash at the end; the desk's configuration may name another place.
    static var defaultBaseURL: String { get }

    /// Where one call goes while the venue is at its own place: a venue may have several hosts. A place that
    /// the desk's configuration names takes all calls.
    static func baseURL(of call: VenueCall) -> String

    /// The calls that reading one account takes, in their order.
    static var calls: [VenueCall] { get }

    /// The request of a call, signed where it is a private one.
    ///
    /// `time` is the real time in milliseconds as the venue's clock has it; `token` what the venue's token
    /// call gave, at venues that have one.
    func request(
        for call: VenueCall, credentials: Credentials, token: String?, at time: Int64
    ) throws(ReadingError) -> OutgoingRequest

    /// What an answer means for the caller: go on, wait, try again, or give up and why.
    func verdict(on answer: IncomingAnswer, to call: VenueCall) -> AnswerVerdict

    /// The venue's clock as an answer to its `time` call says it, in milliseconds; nil where it says none.
    func venueTime(in answer: IncomingAnswer) -> Int64?

    /// The token that an answer to the `token` call holds, with the real time of its end; nil at venues
    /// without tokens.
    func token(in answer: IncomingAnswer) -> (text: String, expires: Int64)?

    /// How many of these calls the venue takes, by its documents.
    static var pace: RequestPace { get }

    /// The header that every request to the venue's demo trading carries; nil at venues that have none, or
    /// keep theirs at an address of its own.
    static var demoTradingHeader: (name: String, value: String)? { get }

    /// What the key may do, as far as the answers tell; nil where they do not, or name a right that nobody
    /// knows.
    func permissions(in bodies: [RecordedBody]) -> Set<APIKey.Permission>?

    /// The venue's own identifier of the account that the answers are about; nil where they name none.
    func accountIdentifier(in bodies: [RecordedBody]) -> String?

    /// The account, and each sub-account that the answers hold, as statements. A field that is missing,
    /// new or odd is noted as drift and never makes this fail; what is no answer of this venue at all throws.
    func statements(from bodies: [RecordedBody], account: String) throws(ReadingError) -> [Statement]

    /// Every figure that can be worked out from other reported figures, worked out by the definitions that
    /// serve, with a verdict.
    func audit(_ statement: Statement, rulesAt time: LedgerTime) -> [AuditFinding]

    /// The commands that put such an account into a ledger, with all that had to be assumed.
    func rehosted(_ statement: Statement, as account: String) -> RehostedAccount
}

extension VenueClient {
    /// `defaultBaseURL`: the venue has one host.
    public static func baseURL(of call: VenueCall) -> String { defaultBaseURL }

    /// Nil: no request is marked as one of demo trading.
    public static var demoTradingHeader: (name: String, value: String)? { nil }

    /// JSON with a status of success is an answer; else by the status.
    public func verdict(on answer: IncomingAnswer, to call: VenueCall) -> AnswerVerdict {
        answer.verdictByForm
    }

    /// Nil: nothing that is sent depends on the venue's clock.
    public func venueTime(in answer: IncomingAnswer) -> Int64? { nil }

    /// Nil: the venue has no tokens.
    public func token(in answer: IncomingAnswer) -> (text: String, expires: Int64)? { nil }

    /// Nil: no answer says what a key may do.
    public func permissions(in bodies: [RecordedBody]) -> Set<APIKey.Permission>? { nil }

    /// Nil: no answer names the account.
    public func accountIdentifier(in bodies: [RecordedBody]) -> String? { nil }

    /// No findings: no figure is held against its definition.
    public func audit(_ statement: Statement, rulesAt time: LedgerTime) -> [AuditFinding] { [] }

    /// No commands, and a sentence that says so.
    public func rehosted(_ statement: Statement, as account: String) -> RehostedAccount {
        RehostedAccount(
            commands: [],
            assumptions: ["Accounts of \(Self.title) cannot be put into a ledger: nothing is taken over."])
    }
}

/// One kind of request to a venue.
public struct VenueCall: Sendable, Equatable {
    /// Its name in records and messages, such as `balance`.
    public let name: String
    /// What it is for.
    public let purpose: Purpose
    /// What it counts against the venue's limit, in the venue's own measure.
    public let weight: Int
    /// A call without which the account can still be read: its failure is reported and reading goes on.
    public let isOptional: Bool
    /// What of the book hangs on it, beside its own figures.
    public let role: Role

    /// What hangs on a call beside its own figures.
    public enum Role: Sendable {
        case none
        /// It alone tells what the key may do: unless all of it is allowed, nothing is shown without it.
        case permissions
        /// It alone tells of further accounts: without it a total lacks them.
        case subaccounts
        /// It tells whose account it is, though the account holds nothing: without it, one that two keys read
        /// may count twice. The answer may hold personal data: it is read, and never kept.
        case identity
    }

    /// What a call is for.
    public enum Purpose: Sendable {
        /// The venue's clock; not signed.
        case time
        /// A token for the other calls.
        case token
        /// Something of the account.
        case account
        /// Something public that the account's figures need, such as prices.
        case market
    }

    public init(
        _ name: String, _ purpose: Purpose, weight: Int = 1, isOptional: Bool = false, role: Role = .none
    ) {
        self.name = name
        self.purpose = purpose
        self.weight = weight
        self.isOptional = isOptional
        self.role = role
    }
}

/// A request, ready to be sent to the venue's base URL.
public struct OutgoingRequest: Sendable {
    public let method: String
    /// Path and query, as they are signed and sent.
    public let target: String
    public var headers: [(name: String, value: String)]
    public let body: [UInt8]

    public init(
        method: String, target: String, headers: [(name: String, value: String)] = [], body: [UInt8] = []
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }
}

/// An answer as it came.
public struct IncomingAnswer: Sendable {
    public let status: Int
    /// A header by its lower-case name.
    public let header: @Sendable (String) -> String?
    public let body: [UInt8]
    /// The real time in milliseconds at which it came in.
    public let takenAt: Int64

    public init(
        status: Int, body: [UInt8], takenAt: Int64,
        header: @escaping @Sendable (String) -> String? = { _ in nil }
    ) {
        self.status = status
        self.body = body
        self.takenAt = takenAt
        self.header = header
    }
}

/// What an answer means for the caller.
public enum AnswerVerdict: Sendable, Equatable {
    case success
    /// The venue's clock differs too much: ask for its time and send again.
    case wrongTime
    /// The token has ended: get another and send again.
    case tokenExpired
    /// Over a limit: not before so many milliseconds, where the venue says how many.
    case rateLimited(retryAfter: Int64?)
    /// The venue is unwell: try again after a pause.
    case temporary(ReadingError)
    /// Trying again is of no use.
    case refused(ReadingError)
}

/// Why an account cannot be read.
public struct ReadingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Whose fault it is, and so what helps.
    public enum Kind: String, Sendable {
        /// The key, its signature or passphrase is wrong, or it was revoked.
        case authentication
        /// The key may not do this, or not from here.
        case permission
        /// The venue takes the key, and answers this call to other keys only, such as a main account's.
        case withheld
        case rateLimited = "rate_limited"
        /// The venue cannot be reached or is unwell.
        case unavailable
        /// What came is no answer of this venue.
        case unreadable
        /// The venue refuses the request itself.
        case refused
        /// The desk's own input is at fault.
        case configuration
    }

    /// Whose fault it is, and so what helps.
    public let kind: Kind
    /// What was wrong and what to do, in one sentence without secrets; account and venue are named by the
    /// desk.
    public let description: String
    /// The venue's own code; empty for none.
    public let code: String

    public init(_ kind: Kind, _ description: String, code: String = "") {
        self.kind = kind
        self.description = description
        self.code = code
    }
}

/// One figure of a statement held against its definition.
public struct AuditFinding: Sendable, Equatable {
    /// What came of holding a figure against its definition.
    public enum Verdict: String, Sendable, CaseIterable {
        /// Digit for digit.
        case matches
        /// Within so many units of the last printed digit.
        case rounding
        /// What is left over is a part that the venue does not show; the residual is it.
        case hidden
        /// What is reported cannot follow from what is reported by the documented formula.
        case contradicts
        /// An input is not reported, so that nothing can be said.
        case notDerivable = "not_derivable"
    }

    /// The venue's own field, as a path into the answer.
    public let field: String
    public let verdict: Verdict
    /// The figure as the venue printed it.
    public let reported: String
    /// The figure by its definition, with all its digits; empty where it cannot be worked out.
    public let expected: String
    /// reported − expected; nil where either is missing.
    public let residual: ExactDecimal?
    /// Units of the last printed digit between the two; nil where either is missing, and where they are more
    /// than every reader of JSON holds exactly: the residual tells then.
    public let unitsInLastPlace: Int?
    /// The formula in the venue's own words.
    public let formula: String
    /// Every input, as its path and its value.
    public let inputs: [(name: String, value: String)]
    /// The document that the formula comes from.
    public let source: String
    /// What the verdict rests on, in a sentence; empty where it speaks for itself.
    public let remark: String

    public init(
        field: String, verdict: Verdict, reported: String, expected: String = "",
        residual: ExactDecimal? = nil, unitsInLastPlace: Int? = nil, formula: String,
        inputs: [(name: String, value: String)] = [], source: String, remark: String = ""
    ) {
        self.field = field
        self.verdict = verdict
        self.reported = reported
        self.expected = expected
        self.residual = residual
        self.unitsInLastPlace = unitsInLastPlace
        self.formula = formula
        self.inputs = inputs
        self.source = source
        self.remark = remark
    }

    public static func == (left: AuditFinding, right: AuditFinding) -> Bool {
        left.field == right.field && left.verdict == right.verdict && left.reported == right.reported
            && left.expected == right.expected && left.residual == right.residual
            && left.formula == right.formula && left.remark == right.remark
            && left.inputs.elementsEqual(right.inputs) { $0 == $1 }
    }
}

/// What puts a reported account into a ledger.
public struct RehostedAccount: Sendable {
    /// Commands as the operator API takes them, in order; `open_account` first, `prices` among them.
    public let commands: [String]
    /// What the answers did not tell and had to be assumed, a sentence each.
    public let assumptions: [String]

    public init(commands: [String], assumptions: [String]) {
        self.commands = commands
        self.assumptions = assumptions
    }
}
