import Ledger
import Venue

extension OKXVenue {
    /// The account whose key a request carries, with nothing of it checked; nil without a known key.
    public func account(namedBy request: VenueRequest, through access: any VenueAccess) -> String? {
        request.header("ok-access-key").flatMap { access.key($0) }?.account
    }

    /// A failure that is wanted, in the gateway's form: the codes that OKX documents for 503, 504 and 500,
    /// and the system error for every other status (OKX API documentation, Error Code).
    public func answer(to request: VenueRequest, failing failure: VenueFailure) -> VenueResponse {
        switch failure {
        case .error(let code, let message, let status):
            return OKXError(
                "\(code)", status ?? 200, message ?? "An error on purpose.", shape: .business
            ).response(profile)
        case .rateLimited: return OKXError.tooManyRequests.response(profile)
        case .status(let status):
            let error =
                switch status {
                case 503: OKXError("50001", status, "Service temporarily unavailable. Try again later")
                case 504: OKXError("50004", status, "API endpoint request timeout.")
                case 429: OKXError.tooManyRequests
                default: OKXError("50026", status, "System error. Try again later")
                }
            return error.response(profile)
        }
    }
}
