import JSON
import Ledger
import Venue

extension CryptoComVenue {
    /// The account whose key a request carries, with nothing of it checked; nil without a known key.
    public func account(namedBy request: VenueRequest, through access: any VenueAccess) -> String? {
        guard let body = try? JSONValue(parsing: request.body), let name = body["api_key"]?.text else {
            return nil
        }
        return access.key(name)?.account
    }

    /// A failure that is wanted: 42901 for a limit, 50001 ERR_INTERNAL under the given status for all else,
    /// with the request's own id and method.
    public func answer(to request: VenueRequest, failing failure: VenueFailure) -> VenueResponse {
        let id = Self.identifier(in: request)
        let method = String(request.path.dropFirst(Self.pathPrefixes[0].count))
        switch failure {
        case .error(let code, let message, let status):
            let error = VenueError(code, message ?? "ERROR", status: status ?? 400)
            return error.response(id: id, method: method)
        case .rateLimited: return VenueError.tooManyRequests.response(id: id, method: method)
        case .status(let status):
            var response = VenueError.internal.response(id: id, method: method)
            if status == 429 { response = VenueError.tooManyRequests.response(id: id, method: method) }
            response.status = status
            return response
        }
    }
}
