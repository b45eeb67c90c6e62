import Ledger
import Venue

extension OKXVenue {
    /// The venue's answer to a request.
    public func respond(to request: VenueRequest, through access: any VenueAccess) async -> VenueResponse {
        VenueResponse(status: 404, body: Array("{\"msg\":\"Not Found\",\"code\":\"404\"}".utf8))
    }
}
