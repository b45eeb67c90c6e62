import Engine
import Ledger
import ServiceLifecycle
import Venue

/// How much of a body is sent.
private enum Cut {
    case whole
    case half
    case bytes(Int)
}

/// What a client gets of an answer.
enum Delivery: Sendable {
    case whole(VenueResponse)
    /// The head says the full length, so many bytes of the body follow, and the connection ends.
    case partly(VenueResponse, bytes: Int)
    /// The connection ends.
    case nothing
}

extension FaultBook {
    /// A venue's answer to a request as the faults in force let it through.
    func answer(
        to request: VenueRequest, by model: any VenueServer, through access: any VenueAccess,
        of engine: LedgerEngine
    ) async -> Delivery {
        let account = model.account(namedBy: request, through: access)
        let strikes = strikes(
            venue: model.name, path: request.path, account: account, at: access.ledgerTime())
        let lane = "\(model.name.rawValue) \(account ?? request.remoteAddress) \(request.path)"
        var seen = access
        var delivery: Delivery?
        var isHeldBack: Int64?
        var cut = Cut.whole
        /// Whether the answer may have to read the journal.
        var readsPast = false
        for strike in strikes {
            switch strike.fault.effect {
            case .latency(let delay):
                // A server that stops does not wait for the end of a delay.
                try? await cancelWhenGracefulShutdown {
                    try await Task.sleep(for: .milliseconds(delay))
                }
            case .status, .error, .empty, .html, .rateLimit:
                delivery = .whole(Self.failure(strike.fault.effect, of: request, by: model))
            case .drop: delivery = .nothing
            case .stale(let age):
                do {
                    seen = try await Self.earlier(by: age, strike, seen, model.name, engine, account: account)
                    readsPast = readsPast || strike.frozen == nil
                } catch {
                    delivery = .whole(Self.refusal(error, to: request, by: model))
                }
            case .wrongAccount(let other):
                seen = Self.another(other, seen, model.name, engine, account: account)
            case .reordered(let delay): isHeldBack = delay
            case .partial(let bytes): cut = bytes.map { .bytes($0) } ?? .half
            case .silence, .duplicate, .gap: break
            }
        }
        // A failed request does nothing, as one that never reached the venue.
        if let delivery { return delivery }
        let response: VenueResponse
        do {
            let access = seen
            response =
                readsPast
                ? try await access.slowly(for: account ?? request.remoteAddress) {
                    await model.respond(to: request, through: access)
                } : await model.respond(to: request, through: access)
        } catch {
            response = Self.refusal(error, to: request, by: model)
        }
        if let isHeldBack {
            await overtaking.wait(in: lane, atMost: isHeldBack)
        } else {
            overtaking.overtaken(in: lane)
        }
        let length = response.body.count
        return switch cut {
        case .whole: .whole(response)
        case .half: .partly(response, bytes: length / 2)
        case .bytes(let bytes): .partly(response, bytes: min(bytes, length))
        }
    }

    /// What comes in place of an answer.
    private static func failure(
        _ effect: Fault.Effect, of request: VenueRequest, by model: any VenueServer
    ) -> VenueResponse {
        let failure: VenueFailure
        switch effect {
        case .html(let status): return page(status)
        case .rateLimit(let seconds): failure = .rateLimited(retryAfter: seconds)
        case .error(let code, let message, let status):
            failure = .error(code: code, message: message, status: status)
        case .status(let status): failure = .status(status)
        default: return VenueResponse(body: [])
        }
        return model.answer(to: request, failing: failure)
    }

    /// What a gateway shows that does not reach the venue.
    private static func page(_ status: Int) -> VenueResponse {
        let name = "\(status) \(Problem.title(of: status))"
        let page =
            "<html>\r\n<head><title>\(name)</title></head>\r\n<body>\r\n<center><h1>\(name)</h1></center>\r\n"
            + "</body>\r\n</html>\r\n"
        return VenueResponse(status: status, contentType: "text/html", body: Array(page.utf8))
    }

    private static func earlier(
        by age: Int64?, _ strike: Strike, _ access: any VenueAccess, _ venue: VenueName,
        _ engine: LedgerEngine, account: String?
    ) async throws -> any VenueAccess {
        if let frozen = strike.frozen { return frozen }
        let now = access.ledgerTime().milliseconds
        let time = LedgerTime(milliseconds: now - (age ?? 0))
        return try await access.slowly(for: account ?? "") {
            try await engine.access(for: venue, asOf: time, accounts: account.map { [$0] } ?? [])
        }
    }

    /// What the venue tells where the past cannot be read now.
    private static func refusal(
        _ error: any Error, to request: VenueRequest, by model: any VenueServer
    ) -> VenueResponse {
        let isBusy = (error as? Refusal)?.code == .busy
        return model.answer(to: request, failing: isBusy ? .rateLimited(retryAfter: 1) : .status(503))
    }

    private static func another(
        _ named: String?, _ access: any VenueAccess, _ venue: VenueName, _ engine: LedgerEngine,
        account: String?
    ) -> any VenueAccess {
        guard let account else { return access }
        let others = engine.accountIDs.filter { engine.account($0)?.venue == venue }
        let next = others.firstIndex(of: account).map { others[($0 + 1) % others.count] }
        guard let other = named ?? next, other != account else { return access }
        return SwappedAccess(base: access, account: account, other: other)
    }
}

/// What a venue's model may reach, with one account taken for another.
private struct SwappedAccess: ForwardingAccess {
    let base: any VenueAccess
    let account: String
    let other: String

    private func swapped(_ id: String) -> String { id == account ? other : id }

    func snapshot(of id: String) -> AccountSnapshot? { base.snapshot(of: swapped(id)) }

    func snapshots(of id: String, asOf times: [LedgerTime]) async throws -> [AccountSnapshot?] {
        try await base.snapshots(of: swapped(id), asOf: times)
    }

    func latestEvents(
        of id: String, _ types: Set<String>, before sequence: Int64, limit: Int
    ) async throws -> EventPage {
        try await base.latestEvents(of: swapped(id), types, before: sequence, limit: limit)
    }

    func subaccounts(of id: String) -> [String] { base.subaccounts(of: swapped(id)) }
}
