import Ledger
import Venue

extension TestWorld {
    /// The venue's answer to a request as its client's side made it, headers and all; `stamped` adds them.
    public func answer(
        to request: OutgoingRequest, stamped headers: [String: String] = [:]
    ) async -> IncomingAnswer {
        let sent = Dictionary(request.headers.map { ($0.name, $0.value) }) { first, _ in first }
        let response = await self.request(
            request.method, request.target, headers: sent,
            body: String(decoding: request.body, as: UTF8.self))
        let given = Dictionary(
            response.headers.map { ($0.name.lowercased(), $0.value) } + Array(headers)
        ) { first, _ in first }
        return IncomingAnswer(status: response.status, body: response.body, takenAt: realTime()) { given[$0] }
    }
}

extension TestWorld where Model: VenueClient {
    /// Everything that the venue answers to a key, call by call, as a desk would record it; an optional call
    /// that is refused is left out.
    public func recorded(_ credentials: Credentials) async throws -> [RecordedBody] {
        var bodies: [RecordedBody] = []
        var token: String?
        for call in Model.calls {
            let request = try model.request(
                for: call, credentials: credentials, token: token, at: realTime())
            let answer = await answer(to: request)
            switch model.verdict(on: answer, to: call) {
            case .success: break
            case .refused(let error), .temporary(let error):
                if !call.isOptional { throw error }
                continue
            case .wrongTime, .tokenExpired, .rateLimited:
                throw ReadingError(.refused, "\(call.name): \(model.verdict(on: answer, to: call))")
            }
            if call.purpose == .token { token = model.token(in: answer)?.text }
            if call.purpose == .account || call.purpose == .market {
                bodies.append(RecordedBody(call: call.name, bytes: answer.body, takenAt: answer.takenAt))
            }
        }
        return bodies
    }
}
