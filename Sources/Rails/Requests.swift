import JSON
import Ledger
import Venue

// The venue from its client's side: what is asked, how it is authorized, what an answer means.

/// A call that reading an account takes, by its name in records.
enum ReadingCall: String, CaseIterable {
    case token
    case balances
    case positions
    case openOrders = "open-orders"
    case marketData = "market-data"
    case completedOrders = "completed-orders"
    case fundings

    /// The balances alone are needed.
    var call: VenueCall {
        switch self {
        case .token: VenueCall(rawValue, .token)
        case .balances: VenueCall(rawValue, .account)
        case .positions, .openOrders, .completedOrders, .fundings:
            VenueCall(rawValue, .account, isOptional: true)
        case .marketData: VenueCall(rawValue, .market, isOptional: true)
        }
    }
}

extension RailsVenue: VenueClient {
    /// The production address of the User Account API.
    public static var defaultBaseURL: String { "https://user-account.trade.rails.xyz" }

    /// Tokens and prices come from hosts of their own.
    public static func baseURL(of call: VenueCall) -> String {
        switch ReadingCall(rawValue: call.name) {
        case .token: "https://api-auth.trade.rails.xyz"
        case .marketData: "https://market-data.trade.rails.xyz"
        default: defaultBaseURL
        }
    }

    /// `token` and `balances`, and as far as they are answered `positions`, `market-data`, and the first
    /// pages of `open-orders`, `completed-orders` and `fundings`.
    public static var calls: [VenueCall] { ReadingCall.allCases.map(\.call) }

    /// A hundredth of the 2000 requests a second that all users share: no other limit of an account's calls
    /// is documented. Tokens have one of their own, 20 a minute, and live half an hour.
    public static var pace: RequestPace { RequestPace(by: .key, weight: 20, milliseconds: 1000) }

    /// The key and its secret in headers for a token, the token in a header for the account, nothing for
    /// prices. Throws for a call that is none of `calls`, for a missing token, and for credentials that a
    /// header cannot carry.
    public func request(
        for call: VenueCall, credentials: Credentials, token: String?, at time: Int64
    ) throws(ReadingError) -> OutgoingRequest {
        guard let reading = ReadingCall(rawValue: call.name) else {
            throw ReadingError(.configuration, "Rails has no call \(call.name).")
        }
        let target = Self.pathPrefixes[0] + reading.rawValue
        switch reading {
        case .token:
            guard credentials.apiKey.isHeaderText, credentials.secret.isHeaderText else {
                throw ReadingError(
                    .configuration,
                    "Rails takes the API key and its secret in headers; one of them is empty or has "
                        + "characters that a header cannot carry.")
            }
            return OutgoingRequest(
                method: "POST", target: target,
                headers: [("X-Api-Key", credentials.apiKey), ("X-Api-Secret", credentials.secret)])
        case .marketData: return OutgoingRequest(method: "GET", target: target)
        case .balances, .positions, .openOrders, .completedOrders, .fundings:
            guard let token, token.isHeaderText else {
                throw ReadingError(.configuration, "Rails needs a token for \(call.name); get one first.")
            }
            return OutgoingRequest(
                method: "GET", target: target, headers: [("Authorization", "Bearer \(token)")])
        }
    }

    /// What an answer means for its call, by the HTTP status alone: the venue's gateway publishes no codes,
    /// and its messages may repeat a header.
    public func verdict(on answer: IncomingAnswer, to call: VenueCall) -> AnswerVerdict {
        if answer.status == 401, call.purpose == .account { return .tokenExpired }
        return answer.verdictByForm
    }

    /// The access token and its end, counted from when it came in; half an hour where the answer does not say
    /// (documented life of a token).
    public func token(in answer: IncomingAnswer) -> (text: String, expires: Int64)? {
        guard let body = answer.json, let text = body["access_token"]?.text,
            !text.isEmpty
        else { return nil }
        let seconds = body["expires_in"].flatMap { $0.integer ?? $0.text.flatMap { Int64($0) } } ?? 1800
        // A life beyond a year is none that a desk would rely on, and cannot overflow.
        return (text, answer.takenAt + min(max(0, seconds), 31_536_000) * 1000)
    }
}
