import Ledger
import Venue

extension RailsVenue {
    /// The account whose key or token a request carries, with no permission of it checked; nil without a
    /// known one.
    public func account(namedBy request: VenueRequest, through access: any VenueAccess) -> String? {
        if let name = request.header("x-api-key") { return access.key(name)?.account }
        guard let token = request.header("authorization").flatMap(Self.bearerToken) else { return nil }
        return AccessToken(secret: access.tokenSecret).key(of: token, through: access)?.account
    }

    /// A failure that is wanted, with the status's own name as the message, as a gateway words it.
    public func answer(to request: VenueRequest, failing failure: VenueFailure) -> VenueResponse {
        switch failure {
        case .error(let code, let message, let status):
            // A status is all the code that there is.
            let chosen = status ?? ((400...599).contains(code) ? code : 400)
            return RailsError(status: chosen, message: message ?? "Bad Request").response
        case .rateLimited: return RailsError.tooManyRequests.response
        case .status(let status):
            let message =
                switch status {
                case 429: RailsError.tooManyRequests.message
                case 500: RailsError.internalError.message
                case 502: "Bad Gateway"
                case 503: "Service Unavailable"
                case 504: "Endpoint request timed out"
                default: status < 500 ? "Bad Request" : "Internal Server Error"
                }
            return RailsError(status: status, message: message).response
        }
    }
}
