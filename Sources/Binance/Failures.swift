import Ledger
import Venue

extension BinanceVenue {
    /// The account whose key a request carries, with nothing of it checked; nil without a known key.
    public func account(namedBy request: VenueRequest, through access: any VenueAccess) -> String? {
        request.header("x-mbx-apikey").flatMap { access.key($0) }?.account
    }

    /// A failure that is wanted: -1003 with `Retry-After` for a limit, -1008 for 503, -1007 for 504, and
    /// -1001 for every other status.
    public func answer(to request: VenueRequest, failing failure: VenueFailure) -> VenueResponse {
        switch failure {
        case .error(let code, let message, let status):
            return BinanceError(code, status: status ?? 400, message ?? "An error on purpose.").response
        case .rateLimited(let seconds):
            return BinanceError.tooManyRequests(
                request.remoteAddress, limit: 2400, retryAfter: seconds
            ).response
        case .status(let status):
            let error =
                switch status {
                case 418, 429:
                    BinanceError(
                        -1003, status: status, "Too many requests; please use the websocket instead.")
                case 503: BinanceError.overloaded
                case 504:
                    BinanceError(-1007, status: status, BinanceError.fateUnknown.message)
                default: BinanceError.unavailable(status: status)
                }
            return error.response
        }
    }
}
