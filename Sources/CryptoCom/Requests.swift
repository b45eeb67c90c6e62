import JSON
import Ledger
import Venue

// The venue from its client's side: what is asked, how it is signed, what an answer means.

/// A call that reading an account takes, by its name in records.
enum ReadingCall: String, CaseIterable {
    case userBalance = "user-balance"
    case subaccountBalances = "subaccount-balances"
    case positions
    case openOrders = "open-orders"
    case accounts

    var method: Method {
        switch self {
        case .userBalance: .userBalance
        case .subaccountBalances: .subaccountBalances
        case .positions: .positions
        case .openOrders: .openOrders
        case .accounts: .accounts
        }
    }

    private var role: VenueCall.Role {
        switch self {
        case .subaccountBalances: .subaccounts
        case .accounts: .identity
        case .userBalance, .positions, .openOrders: .none
        }
    }

    /// Every method is limited on its own, so each call weighs one. The balance alone is needed; only a main
    /// account's key is answered about sub-accounts.
    var call: VenueCall {
        VenueCall(rawValue, .account, isOptional: self != .userBalance, role: role)
    }
}

extension CryptoComVenue: VenueClient {
    /// The production address; the paths below it are those that are served here.
    public static var defaultBaseURL: String { "https://api.crypto.com" }

    /// `user-balance`, and as far as they are answered `subaccount-balances`, `positions`, `open-orders`, and
    /// `accounts` for the name of the one that they are about.
    /// There is no call for the venue's clock: see `venueTime`.
    public static var calls: [VenueCall] { ReadingCall.allCases.map(\.call) }

    /// The limit of one private method, taken for all of them together.
    public static var pace: RequestPace {
        RequestPace(by: .key, weight: privateLimit.calls, milliseconds: privateLimit.window)
    }

    /// A signed POST: id and nonce are the time, as the venue's other clients have them. Throws for a call
    /// that is none of `calls`, for empty credentials and for a time before 1970.
    public func request(
        for call: VenueCall, credentials: Credentials, token: String?, at time: Int64
    ) throws(ReadingError) -> OutgoingRequest {
        guard let reading = ReadingCall(rawValue: call.name) else {
            throw ReadingError(.configuration, "Crypto.com has no call \(call.name).")
        }
        guard !credentials.apiKey.isEmpty, !credentials.secret.isEmpty else {
            throw ReadingError(
                .configuration, "Crypto.com needs an API key and its secret; one of them is empty.")
        }
        guard time >= 0 else {
            throw ReadingError(.configuration, "The clock stands before 1970, so no nonce can be made.")
        }
        return Signing.request(reading.method.rawValue, id: time, credentials, nonce: time)
    }

    /// What an answer means for its call: by the venue's code where there is one, else by the HTTP status.
    public func verdict(on answer: IncomingAnswer, to call: VenueCall) -> AnswerVerdict {
        // A number live, a text in the newer documents; a gateway in front of the venue sends none.
        guard let code = answer.json?["code"].flatMap({ $0.integer ?? $0.text.flatMap { Int64($0) } }) else {
            return answer.verdictByStatus
        }
        if code == 0 { return Self.isWhole(answer, to: call) ? .success : .refused(Self.noList) }
        return AnswerCode.verdict(on: code, isOptional: call.isOptional, retryAfter: answer.retryAfter)
    }

    /// Whether an answer about sub-accounts has a list of them: without one it would look like one of none.
    private static func isWhole(_ answer: IncomingAnswer, to call: VenueCall) -> Bool {
        call.role != .subaccounts || answer.json?["result"]?["data"]?.elements != nil
    }

    private static let noList = ReadingError(
        .unreadable, "The answer has no list of sub-accounts: try again, and check the base URL.")

    /// The `Date` header of any answer, a refused one too, to the second: far finer than the 60 seconds that
    /// a nonce may be off. Nil where the header is missing.
    public func venueTime(in answer: IncomingAnswer) -> Int64? { answer.date?.milliseconds }
}

extension Signing {
    /// A signed request of a private method without params, its members in the order of the documents.
    static func request(
        _ method: String, id: Int64, _ credentials: Credentials, nonce: Int64
    ) -> OutgoingRequest {
        let text = message(
            method: method, id: String(id), apiKey: credentials.apiKey, params: nil, nonce: String(nonce))
        var writer = JSONWriter(reserving: 320)
        writer.beginObject()
        writer.member("id", id)
        writer.member("method", method)
        writer.beginObject("params")
        writer.endObject()
        writer.member("api_key", credentials.apiKey)
        writer.member("sig", hexText(RequestSigner(secret: credentials.secret).sign(text)))
        writer.member("nonce", nonce)
        writer.endObject()
        return OutgoingRequest(
            method: "POST", target: CryptoComVenue.pathPrefixes[0] + method,
            headers: [("Content-Type", "application/json")], body: writer.bytes)
    }
}

/// The venue's codes from the caller's side (Crypto.com Exchange API documentation, Response and Reason
/// Codes).
private enum AnswerCode {
    /// The venue does not publish what it answers where a key may not use a method. A key that is good for
    /// the balance and refused elsewhere is one that may not, rather than a wrong one.
    static func verdict(on code: Int64, isOptional: Bool, retryAfter: Int64?) -> AnswerVerdict {
        switch code {
        case 40102, 10007: return .wrongTime
        case 42901, 10006: return .rateLimited(retryAfter: retryAfter)
        default: break
        }
        let name = names[code].map { " (\($0))" } ?? ""
        func error(_ kind: ReadingError.Kind, _ advice: String) -> ReadingError {
            ReadingError(
                kind, "Crypto.com answers code \(code)\(name); \(advice).", code: String(code))
        }
        switch code {
        case 40101, 10002:
            return .refused(
                isOptional
                    ? error(.withheld, "the key may not use this method, or is a sub-account's")
                    : error(.authentication, "check the API key, its secret and that the key may read"))
        case 40103, 10003:
            return .refused(error(.permission, "add this address to the key's list"))
        case 40104, 10005, 140001, 410, 411, 412:
            return .refused(
                error(isOptional ? .withheld : .permission, "the key or its user may not do this"))
        case 202, 401, 406...409:
            return .refused(error(.permission, "the account cannot be used; ask the venue why"))
        case 40006:
            return .temporary(error(.unavailable, "send it again with another nonce"))
        case 40801, 50001, 604, 605, 9_010_001, 10001:
            return .temporary(error(.unavailable, "try again later"))
        default:
            return .refused(error(.refused, "sending it again is of no use"))
        }
    }

    private static let names: [Int64: String] = [
        40001: "BAD_REQUEST", 40002: "METHOD_NOT_FOUND", 40003: "INVALID_REQUEST",
        40004: "MISSING_OR_INVALID_ARGUMENT", 40005: "INVALID_DATE", 40006: "DUPLICATE_REQUEST",
        40101: "UNAUTHORIZED", 40103: "IP_ILLEGAL", 40104: "USER_TIER_INVALID",
        40107: "EXCEED_MAX_SUBSCRIPTIONS", 40401: "NOT_FOUND", 40801: "REQUEST_TIMEOUT",
        43012: "SELF_TRADE_PREVENTION", 50001: "ERR_INTERNAL", 202: "ACCOUNT_IS_SUSPENDED",
        401: "ACCOUNT_DOES_NOT_EXIST", 406: "ACCOUNT_IS_NOT_ACTIVE", 407: "MARGIN_UNIT_DOES_NOT_EXIST",
        408: "MARGIN_UNIT_IS_SUSPENDED", 409: "INVALID_USER", 410: "USER_IS_NOT_ACTIVE",
        411: "USER_NO_DERIV_ACCESS", 412: "ACCOUNT_NO_DERIV_ACCESS", 604: "INVALID_COLLATERAL_PRICE",
        605: "INVALID_MARGIN_CALC", 140001: "API_DISABLED", 9_010_001: "SYSTEM_MAINTENANCE",
        10001: "SYS_ERROR", 10002: "UNAUTHORIZED", 10003: "IP_ILLEGAL", 10004: "BAD_REQUEST",
        10005: "USER_TIER_INVALID",
    ]
}
