import JSON
import Ledger
import Numbers

/// A venue as a server is it: it works out figures, and answers requests and streams in the venue's own form.
///
/// What changes is reached through `VenueAccess`. The least of a server is `accountBody`, `explain`, `health`
/// and `respond`; without more it has no streams, and shows orders by the ledger's own ids.
public protocol VenueServer: Venue {
    /// What every request path of this venue begins with, such as `/api/v5/`.
    static var pathPrefixes: [String] { get }

    /// The requests that tell of an account, for people, such as `GET /fapi/v3/account`.
    static var accountRequests: [String] { get }

    /// Where a client of the venue is to be pointed, for people; `ORIGIN` is the server's own address.
    static var clientAddress: String { get }

    /// The query parameters of the account endpoint that `accountBody` takes, with what each is for.
    static var accountParameters: [(name: String, words: String)] { get }

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

    /// The id by which the venue's clients know a conditional order of an account.
    func shownID(of order: ConditionalOrder, in account: String) -> String

    /// What liquidation is decided by; nil where there is nothing to be liquidated. Throws `FigureError`
    /// where a figure cannot be worked out.
    func health(of snapshot: AccountSnapshot) throws -> MarginHealth?

    /// What each isolated position is liquidated by, in the order of opening. Throws `FigureError` where a
    /// figure cannot be worked out.
    func isolatedHealth(of snapshot: AccountSnapshot) throws -> [IsolatedHealth]

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

    /// The venue's own answer for a failure that the operator has asked for, in the venue's form and codes.
    func answer(to request: VenueRequest, failing failure: VenueFailure) -> VenueResponse
}

extension VenueServer {
    /// No requests are named to people.
    public static var accountRequests: [String] { [] }

    /// The server's own address is the base URL.
    public static var clientAddress: String { "Base URL: ORIGIN" }

    /// No parameters: `accountBody` takes no query.
    public static var accountParameters: [(name: String, words: String)] { [] }

    /// No figures are named that a new order is judged by.
    public static var acceptanceFigures: [String] { [] }

    /// No isolated positions: every one is cross.
    public func isolatedHealth(of snapshot: AccountSnapshot) throws -> [IsolatedHealth] { [] }

    /// The ledger's own id of the conditional order.
    public func shownID(of order: ConditionalOrder, in account: String) -> String { order.id }

    /// No paths: the venue has no streams.
    public static var streamPrefixes: [String] { [] }

    /// Nil: no path is a stream.
    public func openStream(to request: VenueRequest, through access: any VenueAccess) -> StreamAnswer? { nil }

    /// Nil: no request names an account before it is authenticated.
    public func account(namedBy request: VenueRequest, through access: any VenueAccess) -> String? { nil }

    /// The status alone, with an empty object as the body.
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
