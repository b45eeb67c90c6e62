import JSON
import Ledger
import Venue

// The venue from its client's side: what is asked, how it is signed, what an answer means.

/// A call that reading an account takes, by its name in records.
enum ReadingCall: String, CaseIterable {
    case time
    case balance
    case positions
    case config
    case openOrders = "open-orders"

    /// The balance alone is needed. Weights are counted in tenths of two seconds: the configuration may be
    /// asked half as often as the others.
    var call: VenueCall {
        switch self {
        case .time: VenueCall(rawValue, .time)
        case .balance: VenueCall(rawValue, .account)
        case .positions, .openOrders: VenueCall(rawValue, .account, isOptional: true)
        case .config: VenueCall(rawValue, .account, weight: 2, isOptional: true, role: .permissions)
        }
    }

    fileprivate var endpoint: Endpoint {
        switch self {
        case .time: .time
        case .balance: .balance
        case .positions: .positions
        case .config: .config
        case .openOrders: .ordersPending
        }
    }
}

extension OKXVenue: VenueClient {
    /// The production address; accounts of the United States and Australia are at `https://us.okx.com`, of
    /// the European Economic Area at `https://eea.okx.com`.
    public static var defaultBaseURL: String { "https://openapi.okx.com" }

    /// `time`, `balance`, and as far as they are answered `positions`, `config` (the mode and what the key
    /// may do) and `open-orders` (the first hundred).
    public static var calls: [VenueCall] { ReadingCall.allCases.map(\.call) }

    /// Ten in two seconds, the limit of the balance, taken for all calls of a key together.
    public static var pace: RequestPace { RequestPace(by: .key, weight: 10, milliseconds: 2000) }

    /// A GET with key, timestamp, passphrase and signature in headers; the clock's is not signed.
    ///
    /// Throws for a call that is none of `calls`, for credentials that are empty or that a header cannot
    /// carry, and for a time that no timestamp can be written of.
    public func request(
        for call: VenueCall, credentials: Credentials, token: String?, at time: Int64
    ) throws(ReadingError) -> OutgoingRequest {
        guard let reading = ReadingCall(rawValue: call.name) else {
            throw ReadingError(.configuration, "OKX has no call \(call.name).")
        }
        let target = "/api/v5/" + reading.endpoint.rawValue
        if reading == .time { return OutgoingRequest(method: "GET", target: target) }
        let passphrase = credentials.passphrase ?? ""
        guard [credentials.apiKey, passphrase].allSatisfy(Self.isHeaderText), !credentials.secret.isEmpty
        else {
            throw ReadingError(
                .configuration,
                "OKX needs an API key, its secret and its passphrase; one of them is empty or has "
                    + "characters that a header cannot carry.")
        }
        // Years of four digits: what the venue's own form of a moment can say.
        guard (0..<253_402_300_800_000).contains(time) else {
            throw ReadingError(.configuration, "The clock stands outside of the years that OKX can name.")
        }
        let timestamp = LedgerTime(milliseconds: time).iso8601
        let sign = Signing.signature(
            timestamp: timestamp, method: "GET", target: target, body: [],
            signer: RequestSigner(secret: credentials.secret))
        return OutgoingRequest(
            method: "GET", target: target,
            headers: [
                ("OK-ACCESS-KEY", credentials.apiKey),
                ("OK-ACCESS-SIGN", String(decoding: sign, as: UTF8.self)),
                ("OK-ACCESS-TIMESTAMP", timestamp), ("OK-ACCESS-PASSPHRASE", passphrase),
            ])
    }

    /// Whether a text can stand in a header and hides no other header in it.
    private static func isHeaderText(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    }

    /// What an answer means for its call: by the venue's code where there is one, else by the HTTP status.
    public func verdict(on answer: IncomingAnswer, to call: VenueCall) -> AnswerVerdict {
        guard let body = answer.json, let code = body["code"].flatMap({ $0.text ?? $0.numberText }) else {
            return answer.verdictByStatus
        }
        return code == "0" ? .success : AnswerCode.verdict(on: code, answer)
    }

    /// `ts` of the `time` call.
    public func venueTime(in answer: IncomingAnswer) -> Int64? {
        guard let row = answer.json?["data"]?.elements?.first else { return nil }
        return Int64(venueMoment: row["ts"]?.text.flatMap { Int64($0) })
    }

    /// `x-simulated-trading: 1` (OKX API documentation, Demo Trading Services).
    public static var demoTradingHeader: (name: String, value: String)? { ("x-simulated-trading", "1") }

    /// `perm` of the configuration: `read_only`, `trade`, `withdraw`, separated by commas; nil without it,
    /// and where a word is none of these: a right that nobody knows may be one to trade.
    public func permissions(in bodies: [RecordedBody]) -> Set<APIKey.Permission>? {
        guard let words = Self.configuration(in: bodies)?["perm"]?.text else { return nil }
        let names: [Substring: APIKey.Permission] = [
            "read_only": .read, "trade": .trade, "withdraw": .withdraw,
        ]
        let known = words.split(separator: ",", omittingEmptySubsequences: false).map { names[$0] }
        return known.contains(nil) ? nil : Set(known.compactMap { $0 })
    }

    /// `uid` of the configuration; nil without it.
    public func accountIdentifier(in bodies: [RecordedBody]) -> String? {
        Self.configuration(in: bodies)?["uid"]?.text.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The one row of the answer to `config`.
    private static func configuration(in bodies: [RecordedBody]) -> JSONValue? {
        bodies.last { $0.call == ReadingCall.config.rawValue }
            .flatMap { try? JSONValue(parsing: $0.bytes) }?["data"]?.elements?.first
    }
}

/// The venue's codes from the caller's side (OKX API documentation, Error Code).
private enum AnswerCode {
    static func verdict(on code: String, _ answer: IncomingAnswer) -> AnswerVerdict {
        // Only digits come from the venue into a sentence.
        let shown = code.allSatisfy { $0.isASCII && $0.isNumber } ? String(code.prefix(8)) : "?"
        func error(_ kind: ReadingError.Kind, _ advice: String) -> ReadingError {
            ReadingError(kind, "OKX answers code \(shown); \(advice).", code: shown)
        }
        switch code {
        case "50102": return .wrongTime
        case "50011", "50061": return .rateLimited(retryAfter: answer.retryAfter)
        case "50001", "50004", "50013", "50026":
            return .temporary(error(.unavailable, "the venue is unwell; try again later"))
        case "50103", "50104", "50105", "50106", "50107", "50111", "50113", "50114":
            return .refused(error(.authentication, "check the API key, its secret and its passphrase"))
        case "50119":
            return .refused(
                error(
                    .authentication,
                    "there is no such API key here; check it, and whether it belongs to another region"))
        case "50101":
            return .refused(
                error(
                    .authentication,
                    "the API key is of the other environment: demo_trading: true is for keys of demo trading"
                ))
        case "50110", "50035":
            return .refused(error(.permission, "add this machine's address to the key's list"))
        case "50120", "50030":
            return .refused(error(.permission, "the key may not read; give it that permission"))
        case "50100":
            return .refused(error(.permission, "the API of this account is frozen; ask the venue why"))
        case "50038", "50053":
            return .refused(
                error(.configuration, "this is not served in this environment; check the base URL"))
        case "50112":
            return .refused(error(.refused, "the venue cannot read the request's timestamp"))
        default:
            return .refused(error(.refused, "sending the request again is of no use"))
        }
    }
}
