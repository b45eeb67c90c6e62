import JSON
import Ledger
import Venue

extension HarbourVenue: VenueServer {
    static let pathPrefixes = ["/harbour/"]
    static let accountRequests = ["GET /harbour/account"]

    func accountBody(
        of snapshot: AccountSnapshot, query: [QueryItem], through access: any VenueAccess
    ) throws -> [UInt8] {
        try FigureError.turning {
            let figures = try HarbourFigures(of: snapshot, at: self)
            var writer = JSONWriter(reserving: 256)
            writer.beginObject()
            try figures.layout.write(figures, to: &writer)
            writer.endObject()
            return writer.bytes
        }
    }

    func explain(_ snapshot: AccountSnapshot, through access: any VenueAccess) throws -> [Explanation] {
        try FigureError.turning { try HarbourFigures(of: snapshot, at: self).explanations() }
    }

    func health(of snapshot: AccountSnapshot) throws -> MarginHealth? {
        if snapshot.account.positions.isEmpty { return nil }
        return try FigureError.turning {
            let figures = try HarbourFigures(of: snapshot, at: self)
            return try MarginHealth(
                equity: figures[.equity], maintenance: figures[.maintenance], places: 2, unit: "USD")
        }
    }

    func respond(to request: VenueRequest, through access: any VenueAccess) async -> VenueResponse {
        guard request.method == "GET", request.path == "/harbour/account" else {
            return Self.refusal(404, "There is nothing here.")
        }
        guard let name = request.header("harbour-key"), let key = access.key(name),
            let signature = request.header("harbour-signature").flatMap({ hexBytes($0) }),
            constantTimeEqual(signature, key.signer.sign(Array(request.target.utf8))),
            let snapshot = access.snapshot(of: key.account)
        else { return Self.refusal(401, "The key or its signature is wrong.") }
        do {
            let body = try accountBody(of: snapshot, query: request.queryItems, through: access)
            return VenueResponse(body: body)
        } catch {
            return Self.refusal(500, "The account cannot be worked out.")
        }
    }

    private static func refusal(_ status: Int, _ message: String) -> VenueResponse {
        let body = JSONValue.members([("error", .string(message))])
        return VenueResponse(
            status: status, body: Array(body.description.utf8),
            refusal: VenueRefusal(code: "\(status)", message: message))
    }
}
