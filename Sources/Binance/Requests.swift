import Crypto
import CryptoExtras
import JSON
import Ledger
import Venue

// The venue from its client's side: what is asked, how it is signed, what an answer means.

/// A call that reading an account takes, by its name in records.
enum ReadingCall: String, CaseIterable {
    case time
    case account
    case positions
    case config
    case balance
    case prices

    /// The account alone is needed. Positions have entry and mark prices, the configuration the mode, the
    /// balance the account's alias, and the prices what multi-assets mode converts at.
    var call: VenueCall {
        switch self {
        case .time: VenueCall(rawValue, .time)
        case .account: VenueCall(rawValue, .account, weight: 5)
        case .positions, .config, .balance: VenueCall(rawValue, .account, weight: 5, isOptional: true)
        case .prices: VenueCall(rawValue, .market, weight: 10, isOptional: true)
        }
    }

    fileprivate var endpoint: Endpoint {
        switch self {
        case .time: .time
        case .account: .account3
        case .positions: .positionRisk3
        case .config: .accountConfig
        case .balance: .balance3
        case .prices: .assetIndex
        }
    }
}

extension BinanceVenue: VenueClient {
    /// The production address of the USDⓈ-M futures.
    public static var defaultBaseURL: String { "https://fapi.binance.com" }

    /// `time`, `account`, and as far as they are answered `positions`, `config`, `balance` and `prices` (the
    /// asset indexes of multi-assets mode).
    public static var calls: [VenueCall] { ReadingCall.allCases.map(\.call) }

    /// 2400 of weight a minute of every address.
    public static var pace: RequestPace {
        RequestPace(by: .address, weight: 2400, milliseconds: 60_000, usedHeader: "x-mbx-used-weight-1m")
    }

    /// A GET with the key in a header and the signature over the query at the query's end.
    ///
    /// The secret is the key's shared secret, or the PEM text of a private key (Ed25519 or RSA, PKCS #8).
    /// Throws for a call that is none of `calls`, for empty or unreadable credentials and for a time before
    /// 1970.
    public func request(
        for call: VenueCall, credentials: Credentials, token: String?, at time: Int64
    ) throws(ReadingError) -> OutgoingRequest {
        guard let reading = ReadingCall(rawValue: call.name) else {
            throw ReadingError(.configuration, "Binance has no call \(call.name).")
        }
        let path = reading.endpoint.rawValue
        if call.purpose == .time || call.purpose == .market {
            return OutgoingRequest(method: "GET", target: path)
        }
        guard credentials.apiKey.isHeaderText, !credentials.secret.isEmpty else {
            throw ReadingError(
                .configuration,
                "Binance needs an API key and its secret; one of them is empty or has characters that a "
                    + "header cannot carry.")
        }
        guard time >= 0 else {
            throw ReadingError(.configuration, "The clock stands before 1970, so nothing can be signed.")
        }
        let query = "recvWindow=5000&timestamp=\(time)"
        let signature = try ClientSigner(secret: credentials.secret).signature(of: Array(query.utf8))
        return OutgoingRequest(
            method: "GET", target: "\(path)?\(query)&signature=\(signature)",
            headers: [("X-MBX-APIKEY", credentials.apiKey)])
    }

    /// What an answer means for its call: by the venue's code where there is one, else by the HTTP status.
    public func verdict(on answer: IncomingAnswer, to call: VenueCall) -> AnswerVerdict {
        guard let body = answer.json, body.object != nil || body.elements != nil else {
            return answer.verdictByStatus
        }
        let code = body["code"].flatMap { $0.integer ?? $0.text.flatMap { Int64($0) } }
        if let code, code < 0 { return AnswerCode.verdict(on: Int(clamping: code), answer) }
        return (200..<300).contains(answer.status) ? .success : answer.verdictByStatus
    }

    /// `serverTime` of the `time` call.
    public func venueTime(in answer: IncomingAnswer) -> Int64? {
        guard (200..<300).contains(answer.status) else { return nil }
        return Int64(venueMoment: answer.json?["serverTime"]?.integer)
    }

    /// Reading alone where the account itself may neither trade nor withdraw; nil otherwise, because
    /// `canTrade` and `canWithdraw` are the account's, and no answer of the futures says what the key may do.
    public func permissions(in bodies: [RecordedBody]) -> Set<APIKey.Permission>? {
        guard let body = bodies.last(where: { $0.call == ReadingCall.config.rawValue }),
            let config = try? JSONValue(parsing: body.bytes),
            config["canTrade"]?.boolean == false, config["canWithdraw"]?.boolean == false
        else { return nil }
        return [.read]
    }

    /// `accountAlias`, the same in every row of the `balance` call; nil without it.
    public func accountIdentifier(in bodies: [RecordedBody]) -> String? {
        bodies.last { $0.call == ReadingCall.balance.rawValue }
            .flatMap { [ReportedAnswer($0)].accountAlias }
    }
}

/// Signs as a client does: HMAC-SHA256 in hexadecimal, Ed25519 or RSA (PKCS #1 v1.5, SHA-256) in base64,
/// percent-encoded. Binance USDⓈ-M Futures API documentation, General Info, SIGNED Endpoint Security.
enum ClientSigner {
    case shared(RequestSigner)
    case ed25519(Curve25519.Signing.PrivateKey)
    case rsa(_RSA.Signing.PrivateKey)

    private static let pemPrefix = "-----BEGIN PRIVATE KEY-----"
    private static let pemSuffix = "-----END PRIVATE KEY-----"
    /// The PKCS #8 form of an Ed25519 key up to its 32 bytes (RFC 8410).
    private static let ed25519Header: [UInt8] = [
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    ]

    init(secret: String) throws(ReadingError) {
        guard secret.hasPrefix("-----BEGIN") else {
            self = .shared(RequestSigner(secret: secret))
            return
        }
        let text = secret.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard text.hasPrefix(Self.pemPrefix), text.hasSuffix(Self.pemSuffix) else {
            throw Self.unreadable
        }
        let inner = text.dropFirst(Self.pemPrefix.count).dropLast(Self.pemSuffix.count).filter { $0 != " " }
        guard let der = Base64.padded.decode(Array(inner.utf8)) else { throw Self.unreadable }
        if der.count == 48, der.starts(with: Self.ed25519Header),
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: der.dropFirst(16))
        {
            self = .ed25519(key)
        } else if let key = try? _RSA.Signing.PrivateKey(unsafeDERRepresentation: der) {
            self = .rsa(key)
        } else {
            throw Self.unreadable
        }
    }

    private static let unreadable = ReadingError(
        .configuration,
        "The secret looks like a PEM text but holds no Ed25519 or RSA private key in PKCS #8 form.")

    /// The value of the `signature` parameter, as it goes into the query.
    func signature(of payload: [UInt8]) throws(ReadingError) -> String {
        switch self {
        case .shared(let signer): return hexText(signer.sign(payload))
        case .ed25519(let key):
            guard let signature = try? key.signature(for: payload) else { throw Self.unreadable }
            return Self.encoded(Array(signature))
        case .rsa(let key):
            guard let signature = try? key.signature(for: payload, padding: .insecurePKCS1v1_5) else {
                throw Self.unreadable
            }
            return Self.encoded(Array(signature.rawRepresentation))
        }
    }

    /// Base64, percent-encoded.
    private static func encoded(_ bytes: [UInt8]) -> String {
        var text = ""
        for byte in Base64.padded.encode(bytes) {
            switch byte {
            case UInt8(ascii: "+"): text += "%2B"
            case UInt8(ascii: "/"): text += "%2F"
            case UInt8(ascii: "="): text += "%3D"
            default: text.unicodeScalars.append(Unicode.Scalar(byte))
            }
        }
        return text
    }
}

/// The venue's codes from the caller's side (Binance USDⓈ-M Futures API documentation, Error Code).
private enum AnswerCode {
    static func verdict(on code: Int, _ answer: IncomingAnswer) -> AnswerVerdict {
        func error(_ kind: ReadingError.Kind, _ advice: String) -> ReadingError {
            ReadingError(kind, "Binance answers code \(code); \(advice).", code: "\(code)")
        }
        switch code {
        case -1021, -5028: return .wrongTime
        case -1003, -1015: return .rateLimited(retryAfter: answer.retryAfter ?? untilBanEnds(answer))
        case -1000, -1001, -1006, -1007, -1008:
            return .temporary(error(.unavailable, "the venue is unwell; try again later"))
        case -1022, -2014, -4056, -4057, -1099:
            return .refused(error(.authentication, "check the API key and its secret"))
        case -2015:
            return .refused(
                error(
                    .authentication,
                    "check that the API key is right, may be used from this address, and may read futures"))
        case -1002, -1011, -2017:
            return .refused(error(.permission, "the key may not do this, or not from this address"))
        case -4109:
            return .refused(error(.permission, "the futures account is not open; open it at the venue"))
        case -5000:
            return .refused(error(.refused, "the venue does not know this path any more; check the base URL"))
        case -1131, -1130:
            return .refused(error(.refused, "the venue does not take the time window of the request"))
        default:
            return .refused(error(.refused, "sending the request again is of no use"))
        }
    }

    /// Milliseconds until the moment that the text of a ban names; nil where it names none.
    private static func untilBanEnds(_ answer: IncomingAnswer) -> Int64? {
        guard let text = answer.json?["msg"]?.text else { return nil }
        let words = text.split { !$0.isLetter && !$0.isNumber }
        guard let place = words.firstIndex(of: "until"), words.indices.contains(place + 1),
            let end = Int64(venueMoment: Int64(words[place + 1])), end > 1_000_000_000_000
        else { return nil }
        return max(0, end - answer.takenAt)
    }
}
