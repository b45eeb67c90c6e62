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
            writer.key("msg")
            writer.string(text)
            writer.key("code")
            writer.string(code)
        case .business:
            writer.key("code")
            writer.string(code)
            writer.key("data")
            writer.beginArray()
            writer.endArray()
            writer.key("msg")
            writer.string(text)
        }
        writer.endObject()
        return VenueResponse(status: status, body: writer.bytes)
    }
}

// Codes and texts: sheet, section 6.

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
        case (.notAllowed, "instrument"): self = .modeUnsupported
        case (.notAllowed, "settings.mode"), (.notAllowed, "settings.hedge"): self = .settingFailed
        case (.invalidAmount, "leverage"), (.notAllowed, "position_side"):
            self = .parameterWrong(refusal.field == "leverage" ? "lever" : "posSide")
        default: self = .systemError
        }
    }
}
