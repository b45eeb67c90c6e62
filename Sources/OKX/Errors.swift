import JSON
import Ledger
import Venue

/// A refusal in OKX's form.
struct OKXError: Error, Equatable, Sendable {
    /// Who refuses: the gateway (`msg` first, no `data`) or the business behind it (`data` empty).
    enum Shape: Sendable, Equatable {
        case gateway
        case business
    }

    let code: String
    let status: Int
    /// What the documentation says.
    let message: String
    /// What recordings say, where it differs.
    let liveMessage: String?
    let shape: Shape

    init(_ code: String, _ status: Int, _ message: String, live: String? = nil, shape: Shape = .gateway) {
        self.code = code
        self.status = status
        self.message = message
        self.liveMessage = live
        self.shape = shape
    }

    /// The answer to send.
    func response(_ profile: WireProfile) -> VenueResponse {
        let text = profile == .live ? liveMessage ?? message : message
        var writer = JSONWriter(reserving: 128)
        writer.beginObject()
        switch shape {
        case .gateway:
            writer.member("msg", text)
            writer.member("code", code)
        case .business:
            writer.member("code", code)
            writer.beginArray("data")
            writer.endArray()
            writer.member("msg", text)
        }
        writer.endObject()
        return VenueResponse(
            status: status, body: writer.bytes,
            refusal: VenueRefusal(code: code, message: text, isOfUnservedPath: self == .pathUnknown))
    }
}

// Codes and texts: OKX API documentation, Error Code.

// MARK: - The gateway

extension OKXError {
    static let keyHeaderMissing = OKXError("50103", 401, "Request header \"OK-ACCESS-KEY\" cannot be empty.")
    static let passphraseHeaderMissing = OKXError(
        "50104", 401, "Request header \"OK-ACCESS-PASSPHRASE\" cannot be empty.")
    static let signHeaderMissing = OKXError(
        "50106", 401, "Request header \"OK-ACCESS-SIGN\" cannot be empty.")
    static let timestampHeaderMissing = OKXError(
        "50107", 401, "Request header \"OK-ACCESS-TIMESTAMP\" cannot be empty.")
    static let keyMalformed = OKXError(
        "50111", 401, "Invalid OK-ACCESS-KEY.", live: "Invalid OK-ACCESS-KEY")
    /// Recordings have HTTP 401 where the documentation says 200.
    static let keyUnknown = OKXError("50119", 401, "API key doesn't exist")
    static let environmentMismatch = OKXError("50101", 401, "APIKey does not match current environment.")
    static let timestampMalformed = OKXError("50112", 401, "Invalid OK-ACCESS-TIMESTAMP.")
    static let timestampExpired = OKXError(
        "50102", 401, "Timestamp request expired.", live: "Timestamp request expired")
    static let passphraseWrong = OKXError(
        "50105", 401, "Request header \"OK-ACCESS-PASSPHRASE\" incorrect.",
        live: "Request header OK-ACCESS-PASSPHRASE incorrect.")
    static let signatureWrong = OKXError("50113", 401, "Invalid signature.", live: "Invalid Sign")
    static let permissionMissing = OKXError(
        "50120", 200, "This API key doesn't have permission to use this function")
    static let endpointForbidden = OKXError(
        "50030", 200, "You don't have permission to use this API endpoint")
    static let methodWrong = OKXError("50115", 405, "Invalid request method.")
    static let tooManyRequests = OKXError("50011", 429, "Too Many Requests")
    /// The venue's own answer to an unknown path is not recorded; this is ours.
    static let pathUnknown = OKXError("404", 404, "Not Found")

    static func addressNotBound(_ address: String) -> OKXError {
        OKXError("50110", 401, "Your IP \(address) is not included in your API key's IP whitelist.")
    }
}

// MARK: - The business

extension OKXError {
    static let bodyMissing = OKXError(
        "50000", 400, "Body for POST request cannot be empty.", shape: .business)
    static let bodyMalformed = OKXError("50002", 400, "JSON syntax error", shape: .business)
    static let contentTypeWrong = OKXError(
        "50006", 400, "Invalid Content-Type. Please use \"application/JSON\".", shape: .business)
    /// A figure that cannot be worked out: a missing price, or one that does not fit.
    static let systemError = OKXError("50026", 500, "System error. Try again later", shape: .business)
    static let instrumentUnknown = OKXError("51001", 200, "Instrument ID doesn't exist.", shape: .business)
    static let modeUnsupported = OKXError(
        "51010", 200, "You can't complete this request under your current account mode.", shape: .business)
    static let modeRequirements = OKXError(
        "51070", 200, "You do not meet the requirements for switching to this account mode.", shape: .business
    )
    static let settingFailed = OKXError(
        "59000", 200, "Setting failed. Cancel any open orders, close positions, and stop trading bots first.",
        shape: .business)
    static func leverageHeld(_ mode: MarginMode) -> OKXError {
        mode == .isolated
            ? OKXError(
                "59101", 200,
                "Leverage can't be modified. Please cancel all pending isolated margin orders before "
                    + "adjusting the leverage.", shape: .business)
            : OKXError(
                "59107", 200,
                "Leverage can't be modified. Please cancel all pending cross-margin orders before adjusting "
                    + "the leverage.", shape: .business)
    }

    /// A request that says until when it is good.
    static let expired = OKXError(
        "50036", 200,
        "The expTime can't be earlier than the current system time. Please adjust the expTime and try again.",
        shape: .business)
    static let leverageTooHigh = OKXError(
        "59102", 200, "Leverage exceeds the maximum limit. Please lower the leverage.", shape: .business)

    static func parameterMissing(_ name: String) -> OKXError {
        OKXError("50014", 400, "Parameter \(name) can not be empty.", shape: .business)
    }

    static func parameterWrong(_ name: String) -> OKXError {
        OKXError("51000", 400, "Parameter \(name) error", shape: .business)
    }

    static func listTooLong(_ name: String, limit: Int) -> OKXError {
        OKXError("50025", 200, "Parameter \(name) count exceeds the limit \(limit)", shape: .business)
    }

    /// What the account endpoint's own refusal is at the venue.
    init(_ error: StatementError) {
        self =
            error.message.contains("count exceeds")
            ? .listTooLong(error.field, limit: CurrencyFilter.longest) : .parameterWrong(error.field)
    }

    /// What a refused setting is at the venue.
    init(_ refusal: Refusal) {
        switch (refusal.code, refusal.field) {
        case (.unknownInstrument, _): self = .instrumentUnknown
        case (.notAllowed, "leverage"): self = .leverageTooHigh
        case (.notAllowed, "settings.mode"), (.notAllowed, "settings.hedge"): self = .settingFailed
        case (.invalidAmount, "leverage"), (.notAllowed, "position_side"):
            self = .parameterWrong(refusal.field == "leverage" ? "lever" : "posSide")
        // A pair has no leverage of its own on cross margin in the modes that share collateral, and in spot
        // mode on none.
        case (.notAllowed, _), (.invalidField, "instrument"): self = .modeUnsupported
        default: self = .systemError
        }
    }
}

// MARK: - Streams

/// A refusal on a stream: a message, after which the connection stands unless `close` says otherwise.
struct StreamError: Error, Equatable, Sendable {
    let code: String
    /// What the documentation says.
    let message: String
    /// What recordings say, where it differs.
    let liveMessage: String?
    /// The request's own id, handed back.
    var id: String?
    /// How the connection ends, if it does.
    var close: StreamClose?

    init(_ code: String, _ message: String, live: String? = nil) {
        self.code = code
        self.message = message
        liveMessage = live
    }

    /// Whether it quotes the request it refuses, so that once is enough whatever is wrong besides.
    var quotesRequest: Bool { code == "60012" }

    /// The same as the answer to a request with this id.
    func with(_ id: String?) -> StreamError {
        var error = self
        error.id = id
        return error
    }
}

// Codes and texts: OKX API documentation, Error Code, WebSocket.

extension StreamError {
    static let timestampInvalid = StreamError("60004", "Invalid timestamp")
    static let keyInvalid = StreamError("60005", "Invalid apiKey")
    static let timestampExpired = StreamError("60006", "Timestamp request expired")
    static let signInvalid = StreamError("60007", "Invalid sign")
    /// The address is not bound to the key, or the key may not read.
    static let loginFailed = StreamError("60009", "Login failed.")
    static let loginNeeded = StreamError("60011", "Please log in")
    static let argumentsInvalid = StreamError("60013", "Invalid args")
    static let tooFrequent = StreamError("60014", "Requests too frequent")
    static let passphraseWrong = StreamError("60024", "Wrong passphrase")
    static let operationUnsupported = StreamError(
        "60028",
        "The current operation is not supported by this URL. Please use the correct WebSocket URL for the "
            + "operation.")
    static let loginRepeated = StreamError(
        "60031", "The WebSocket endpoint does not allow multiple or repeated logins.")
    static let keyUnknown = StreamError("60032", "API key doesn't exist.")
    static let notForBusiness = StreamError(
        "64002",
        "This channel is not supported by \"/business\" URL. Please use \"/private\" URL(for private "
            + "channels), or \"/public\" URL(for public channels). More details can refer to: "
            + "https://www.okx.com/help-center/changes-to-v5-api-websocket-subscription-parameter-and-url.")
    /// A first snapshot cannot be worked out: a missing price, or a figure that does not fit.
    static let subscriptionFailed = StreamError(
        "64007",
        "Operation subscribe failed due to WebSocket internal error. Please try again later.")

    /// Quotes the request as it came, unless it has a secret in it.
    static func requestInvalid(_ text: [UInt8]) -> StreamError {
        let quoted = String(decoding: text, as: UTF8.self)
        let suffix = quoted.contains("passphrase") ? "" : ": " + quoted
        return StreamError("60012", "Invalid request" + suffix, live: "Illegal request" + suffix)
    }

    /// A channel that is none of this URL's, or parameters that it does not take.
    static func channelUnknown(_ argument: JSONObject) -> StreamError {
        let named = argument.members.map { "\($0.key):\($0.value.text ?? $0.value.description)" }
        return StreamError(
            "60018",
            "Wrong URL or \(named.joined(separator: ",")) doesn't exist. Please use the correct URL, channel "
                + "and parameters referring to API document.")
    }

    static func operationUnknown(_ name: String) -> StreamError {
        StreamError("60019", "Invalid op: \(name)")
    }

    static func parameterMissing(_ name: String) -> StreamError {
        StreamError("60027", "Parameter \(name) can not be empty.")
    }

    static func parameterWrong(_ name: String) -> StreamError {
        StreamError("60033", "Parameter \(name) error.")
    }
}

extension StreamClose {
    static let loginFailed = StreamClose(code: 4001, reason: "Login Failed")
    static let requestInvalid = StreamClose(code: 4002, reason: "Invalid Request")
    static let tooManyOfKey = StreamClose(
        code: 4003, reason: "APIKey subscription amount exceeds the limit 100")
    static let silent = StreamClose(code: 4004, reason: "No data received in 30s")
    static let bufferFull = StreamClose(code: 4005, reason: "Buffer is full, cannot write data")
    static let abnormal = StreamClose(code: 4006, reason: "Abnormal disconnection")
    static let keyChanged = StreamClose(
        code: 4007, reason: "API key has been updated or deleted. Please reconnect.")
    static let tooManyChannels = StreamClose(
        code: 4008, reason: "The number of subscribed channels exceeds the maximum limit.")
    static let tooManyOfConnection = StreamClose(
        code: 4009, reason: "The number of subscription channels for this connection exceeds the limit")
    static let messageTooBig = StreamClose(
        code: 1009, reason: "Request message exceeds the maximum frame length")
}
