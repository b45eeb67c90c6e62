import JSON
import Venue

/// A refusal in the venue's form: `{"id":…,"method":…,"code":…,"message":…}`.
///
/// Codes, messages and statuses are those of the venue's table (Crypto.com Exchange API documentation,
/// Response and Reason Codes); what the table leaves open is listed in `docs/venues/crypto-com.md`.
struct VenueError: Error, Equatable {
    let code: Int
    let message: String
    /// HTTP status.
    let status: Int
    /// The order that is refused, where it was given an id all the same.
    private(set) var names: OrderNames?

    /// Malformed JSON, or an id that is no whole number.
    static let badRequest = VenueError(40001, "BAD_REQUEST")
    /// No such method.
    static let methodNotFound = VenueError(40002, "METHOD_NOT_FOUND")
    /// GET on a private method, a body that names another method, or a value of the wrong type.
    static let invalidRequest = VenueError(40003, "INVALID_REQUEST")
    /// A missing argument, or one outside its range.
    static let invalidArgument = VenueError(40004, "MISSING_OR_INVALID_ARGUMENT")
    /// A time range that does not exist.
    static let invalidDate = VenueError(40005, "INVALID_DATE")
    /// Unknown key, wrong signature, missing api_key or sig, a nonce that is no whole number, a key that may
    /// not read.
    static let unauthorized = VenueError(40101, "UNAUTHORIZED", status: 401)
    /// A nonce more than 60 s off.
    static let invalidNonce = VenueError(40102, "INVALID_NONCE")
    /// An address that the key is not bound to.
    static let illegalAddress = VenueError(40103, "IP_ILLEGAL", status: 401)
    /// Over the rate limit.
    static let tooManyRequests = VenueError(42901, "TOO_MANY_REQUESTS", status: 429)
    /// POST on a public method; a history while the journal cannot be read.
    static let `internal` = VenueError(50001, "ERR_INTERNAL")
    /// A key whose account is gone.
    static let accountDoesNotExist = VenueError(401, "ACCOUNT_DOES_NOT_EXIST")
    /// No price is known for something the account has.
    static let invalidCollateralPrice = VenueError(604, "INVALID_COLLATERAL_PRICE", status: 500)
    /// A figure does not fit.
    static let invalidMarginCalculation = VenueError(605, "INVALID_MARGIN_CALC", status: 500)

    /// More channels than one connection may have.
    static let tooManySubscriptions = VenueError(40107, "EXCEED_MAX_SUBSCRIPTIONS")
    /// A market channel that is not served.
    static let unrecognisedChannel = VenueError(40003, "Unrecognized channel")
    /// A market channel of an instrument that there is not.
    static let unknownSymbol = VenueError(40003, "Unknown symbol")
    /// A market channel that this kind of instrument does not have.
    static let unsupportedInstrument = VenueError(40003, "Unsupported instrument")

    /// A parameter that is missing or wrong, in the words recorded of the venue.
    static func argument(_ message: String) -> VenueError { VenueError(40004, message) }

    /// A channel that is refused, in the words recorded of the venue.
    static func refusedChannel(_ message: String) -> VenueError { VenueError(40003, message) }

    /// A user channel that is not served; the message repeats the params.
    static func invalidChannel(_ params: JSONValue) -> VenueError {
        VenueError(10004, "invalid channel \(params)")
    }

    static func == (left: VenueError, right: VenueError) -> Bool { left.code == right.code }

    /// What the venue answers where a figure cannot be worked out.
    init(figureError error: any Error) {
        if case FigureError.priceMissing = error {
            self = .invalidCollateralPrice
        } else {
            self = .invalidMarginCalculation
        }
    }

    /// Runs something that throws the venue's refusals, or because a figure cannot be worked out.
    static func turning<Result>(_ body: () throws -> Result) throws(VenueError) -> Result {
        do {
            return try body()
        } catch let error as VenueError {
            throw error
        } catch {
            throw VenueError(figureError: error)
        }
    }

    init(_ code: Int, _ message: String, status: Int = 400) {
        self.code = code
        self.message = message
        self.status = status
    }

    /// The same refusal, of this order.
    func naming(_ names: OrderNames) -> VenueError {
        var error = self
        error.names = names
        return error
    }

    /// The answer to a request with this id and method.
    func response(id: RequestIdentifier, method: String) -> VenueResponse {
        VenueResponse(
            status: status, body: body(id: id, method: method),
            refusal: VenueRefusal(
                code: "\(code)", message: message, isOfUnservedPath: self == .methodNotFound))
    }

    /// The answer's bytes. On a socket, `channel` is the one that is refused, and `original` the frame that
    /// could not be read.
    func body(
        id: RequestIdentifier, method: String, channel: String? = nil, original: String? = nil
    ) -> [UInt8] {
        var writer = JSONWriter(reserving: 128)
        writer.beginAnswer(id: id, method: method, code: code)
        if let channel {
            writer.member("channel", channel)
        }
        writer.member("message", message)
        if let names {
            writer.key("result")
            names.write(to: &writer)
        }
        if let original {
            writer.member("original", original)
        }
        writer.endObject()
        return writer.bytes
    }
}

/// A request's id: a whole number from 0 to 2⁶³ − 1, sent as a number or as its digits, echoed as a number.
struct RequestIdentifier: Equatable {
    /// As received, for the signature; empty where it was left out.
    let text: String
    /// As echoed; -1 where it was left out.
    let number: Int64

    /// A request without an id.
    static let omitted = RequestIdentifier(text: "", number: -1)

    private init(text: String, number: Int64) {
        self.text = text
        self.number = number
    }

    /// Nil unless the text is all digits and fits.
    init?(digits text: String) {
        guard let number = Int64(digits: text) else {
            return nil
        }
        self.init(text: text, number: number)
    }

    /// Nil for every other JSON value than a whole number or its digits as a string.
    init?(_ value: JSONValue) {
        guard let digits = value.numberText ?? value.text else { return nil }
        self.init(digits: digits)
    }
}
