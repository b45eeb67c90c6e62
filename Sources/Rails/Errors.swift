import JSON
import Venue

/// A refusal in the form of the gateway that Rails' limits page points to: `{"message":"…"}`.
///
/// Only the statuses 401, 403 and 429 are documented; bodies and the other statuses are inferred
/// (`docs/venues/rails.md`).
struct RailsError: Error, Equatable {
    let status: Int
    let message: String

    /// A wrong key or secret; a missing, invalid or expired token; a token whose key is no more.
    static let unauthorized = RailsError(status: 401, message: "Unauthorized")
    /// A key that may not do this, or not from this address.
    static let forbidden = RailsError(status: 403, message: "Forbidden")
    /// A path that is not served, or not with this method.
    static let notFound = RailsError(status: 404, message: "Not Found")
    /// No such order, where one is asked for.
    static let orderUnknown = RailsError(status: 404, message: "Order not found")
    /// Too many calls.
    static let tooManyRequests = RailsError(status: 429, message: "Too Many Requests")
    /// A figure that cannot be worked out: a price nobody gave, an overflow.
    static let internalError = RailsError(status: 500, message: "Internal Server Error")

    /// A parameter at fault.
    static func badRequest(_ message: String) -> RailsError { RailsError(status: 400, message: message) }

    var response: VenueResponse {
        var writer = JSONWriter(reserving: 64)
        writer.beginObject()
        writer.member("message", message)
        writer.endObject()
        return VenueResponse(
            status: status, body: writer.bytes,
            refusal: VenueRefusal(code: "\(status)", message: message, isOfUnservedPath: self == .notFound))
    }
}
