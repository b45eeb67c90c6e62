import JSON
import Ledger
import Venue

extension RailsVenue {
    /// How many open orders stand on one page.
    static let ordersPerPage = 100

    /// The answer to a request, or its refusal in Rails' form; never an error of ours.
    public func respond(to request: VenueRequest, through access: any VenueAccess) async -> VenueResponse {
        do {
            return VenueResponse(body: try answer(request, access))
        } catch let error as RailsError {
            return error.response
        } catch {
            return RailsError.internalError.response
        }
    }

    private func answer(_ request: VenueRequest, _ access: any VenueAccess) throws -> [UInt8] {
        let rules = rules(at: access.ledgerTime())
        guard request.path.hasPrefix("/api/v1/") else { throw RailsError.notFound }
        let route = request.path.dropFirst("/api/v1/".count)
        if request.method == "POST", route == "token" { return try token(request, rules, access) }
        guard request.method == "GET" else { throw RailsError.notFound }
        switch route {
        case "balances":
            let snapshot = try authorized(request, rules, access)
            let filter = try MarketFilter(request.queryItems, rules: rules)
            return balancesBody(of: try balances(of: snapshot), filter: filter, rules: rules)
        case "positions":
            let snapshot = try authorized(request, rules, access)
            let filter = try MarketFilter(request.queryItems, rules: rules)
            return try positionsBody(
                of: snapshot.account, try balances(of: snapshot), filter: filter,
                market: market(snapshot.prices, at: snapshot.at))
        case "open-orders":
            let snapshot = try authorized(request, rules, access)
            return try openOrders(of: snapshot.account, request.queryItems, rules)
        case "markets":
            // Names of markets are no secret; the documents do not say whether a token is needed.
            try countAccountCall(rules, access)
            return marketsBody(rules: rules)
        case "market-data": return try marketData(request.queryItems, rules, access)
        default:
            guard route.hasPrefix("open-orders/") else { throw RailsError.notFound }
            let snapshot = try authorized(request, rules, access)
            let id = String(route.dropFirst("open-orders/".count))
            guard let order = snapshot.account.orders.first(where: { $0.id.isExactly(id) }) else {
                throw RailsError.notFound
            }
            return openOrderBody(order)
        }
    }

    private func openOrders(
        of account: Account, _ query: [QueryItem], _ rules: RuleTable
    ) throws(RailsError) -> [UInt8] {
        let filter = try MarketFilter(query, rules: rules)
        var orders = account.orders[...]
        if let start = query["start"], !start.isEmpty {
            guard let place = orders.firstIndex(where: { $0.id.isExactly(start) }) else {
                throw .badRequest("Unknown start: \(start)")
            }
            orders = orders[(place + 1)...]
        }
        return openOrdersBody(
            orders.lazy.filter { filter.shows($0.instrument.name) }.prefix(Self.ordersPerPage))
    }

    /// `GET /api/v1/market-data[?markets=A,B]`, which Rails serves on a host of its own, open to everybody.
    private func marketData(
        _ query: [QueryItem], _ rules: RuleTable, _ access: any VenueAccess
    ) throws -> [UInt8] {
        var instruments = rules.instruments
        if let list = query["markets"], !list.isEmpty {
            instruments = []
            for name in list.split(separator: ",", omittingEmptySubsequences: false) {
                if let instrument = rules.instrument(String(name)) {
                    instruments.append(instrument)
                } else if rules.unknownMarket == .refuse {
                    throw RailsError.badRequest("Unknown market: \(name)")
                }
            }
        }
        let time = access.ledgerTime()
        return try marketDataBody(
            instruments, market: market(access.prices(), at: time),
            referenceTime: timeline.version(at: time).header.effective)
    }

    // MARK: - Who asks, and how often

    /// `POST /api/v1/token`: a key and its secret for a token.
    ///
    /// Order of checks: the key is known (401), its limit (429; wrong secrets count), the secret (401), the
    /// address (403). The documents give the limit and the statuses, not their order.
    private func token(
        _ request: VenueRequest, _ rules: RuleTable, _ access: any VenueAccess
    ) throws(RailsError) -> [UInt8] {
        guard let name = request.header("x-api-key"), let secret = request.header("x-api-secret"),
            let key = access.key(name)
        else { throw .unauthorized }
        let verdict = access.limiter.use(
            "rails token \(name)", limit: rules.limits.tokenCallsPerMinute, window: 60_000,
            now: access.realTime())
        guard verdict.isAllowed else { throw .tooManyRequests }
        guard constantTimeEqual(Array(secret.utf8), Array(key.secret.utf8)) else { throw .unauthorized }
        try check(request.remoteAddress, key)
        let lifetime = rules.limits.tokenSeconds
        let token = AccessToken(secret: access.tokenSecret)
            .issue(for: key, now: access.realTime(), lifetime: lifetime)
        return tokenBody(token, lifetime: lifetime)
    }

    /// The account that a request may read.
    ///
    /// Order of checks: the shared limit (429), the token and its key (401), the address and the permission
    /// (403).
    private func authorized(
        _ request: VenueRequest, _ rules: RuleTable, _ access: any VenueAccess
    ) throws(RailsError) -> AccountSnapshot {
        try countAccountCall(rules, access)
        guard let token = request.header("authorization").flatMap(Self.bearerToken) else {
            throw .unauthorized
        }
        return try account(of: token, from: request.remoteAddress, access)
    }

    /// The account that a token may read from an address.
    func account(
        of token: some StringProtocol, from address: String, _ access: any VenueAccess
    ) throws(RailsError) -> AccountSnapshot {
        guard let key = AccessToken(secret: access.tokenSecret).key(of: token, through: access) else {
            throw .unauthorized
        }
        try check(address, key)
        guard key.permissions.contains(.read) else { throw .forbidden }
        guard let snapshot = access.snapshot(of: key.account) else { throw .unauthorized }
        return snapshot
    }

    private func check(_ address: String, _ key: APIKey) throws(RailsError) {
        guard key.addresses.isEmpty || key.addresses.contains(where: { $0.contains(address) }) else {
            throw .forbidden
        }
    }

    /// Counts a call of the User Account API; the allowance is shared by all users.
    func countAccountCall(_ rules: RuleTable, _ access: any VenueAccess) throws(RailsError) {
        let verdict = access.limiter.use(
            "rails user account", limit: rules.limits.accountCallsPerSecond, window: 1000,
            now: access.realTime())
        guard verdict.isAllowed else { throw .tooManyRequests }
    }

    /// The token of an `Authorization: Bearer …` header, the scheme in any case; nil for another scheme.
    static func bearerToken(_ header: String) -> Substring? {
        let scheme = header.prefix(7)
        guard scheme.lowercased() == "bearer " else { return nil }
        return header.dropFirst(7)
    }
}
