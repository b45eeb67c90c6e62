import JSON
import Ledger
import Venue

extension RailsVenue {
    /// How many open orders stand on one page.
    static let ordersPerPage = 100

    /// The answer to a request, or its refusal in Rails' form; never an error of ours.
    public func respond(to request: VenueRequest, through access: any VenueAccess) async -> VenueResponse {
        do {
            return VenueResponse(body: try await answer(request, access))
        } catch let error as RailsError {
            return error.response
        } catch let refusal as Refusal where refusal.code == .notAllowed {
            // Printed nowhere; the text of the page that says when it is refused.
            return RailsError.badRequest("cannot change margin mode with open positions or orders").response
        } catch {
            return RailsError.internalError.response
        }
    }

    private func answer(_ request: VenueRequest, _ access: any VenueAccess) async throws -> [UInt8] {
        let rules = rules(at: access.ledgerTime())
        guard request.path.hasPrefix("/api/v1/") else { throw RailsError.notFound }
        let route = request.path.dropFirst("/api/v1/".count)
        if request.method == "POST", route == "token" { return try token(request, rules, access) }
        if request.method == "POST", route == "update-margin-mode" {
            return try await updateMarginMode(request, rules, access)
        }
        if request.method == "DELETE", route == "orders" {
            return try await cancelOrders(request, rules, access)
        }
        guard request.method == "GET" else { throw RailsError.notFound }
        switch route {
        case "order":
            let snapshot = try authorized(request, rules, access)
            return try await anyOrder(of: snapshot, request.queryItems, rules, access)
        case "balances":
            let snapshot = try authorized(request, rules, access)
            let filter = try MarketFilter(request.queryItems, rules: rules)
            return try balancesBody(of: figures(of: snapshot), filter: filter, rules: rules)
        case "positions":
            let snapshot = try authorized(request, rules, access)
            let filter = try MarketFilter(request.queryItems, rules: rules)
            return try positionsBody(of: snapshot.account, figures(of: snapshot), filter: filter)
        case "open-orders":
            let snapshot = try authorized(request, rules, access)
            return try openOrders(of: snapshot.account, request.queryItems, rules)
        case "trigger-orders":
            let snapshot = try authorized(request, rules, access)
            return try triggerOrders(of: snapshot.account, request.queryItems, rules)
        case "open-order":
            let snapshot = try authorized(request, rules, access)
            return try openOrder(of: snapshot.account, request.queryItems, rules)
        case "completed-orders":
            let snapshot = try authorized(request, rules, access)
            return try await completedOrders(of: snapshot.account.id, request.queryItems, access)
        case "fundings":
            let snapshot = try authorized(request, rules, access)
            return try await fundings(of: snapshot.account.id, request.queryItems, rules, access)
        case "markets":
            // Names of markets are no secret; the documents do not say whether a token is needed.
            try countAccountCall(rules, access)
            return marketsBody(rules: rules)
        case "market-data": return try await marketData(request.queryItems, rules, access)
        default:
            guard route.hasPrefix("open-orders/") else { throw RailsError.notFound }
            let snapshot = try authorized(request, rules, access)
            let id = route.dropFirst("open-orders/".count)
            guard let order = order(String(id), in: snapshot.account) else { throw RailsError.notFound }
            return try openOrderBody(order, named: false, of: snapshot.account, rules)
        }
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
        try authorizedKey(request, rules, access).account
    }

    /// The same, with the key that it was asked by.
    func authorizedKey(
        _ request: VenueRequest, _ rules: RuleTable, _ access: any VenueAccess
    ) throws(RailsError) -> (account: AccountSnapshot, key: APIKey) {
        try countAccountCall(rules, access)
        guard let token = request.header("authorization").flatMap(Self.bearerToken) else {
            throw .unauthorized
        }
        return try accountAndKey(of: token, from: request.remoteAddress, access)
    }

    /// The account that a token may read from an address.
    func account(
        of token: some StringProtocol, from address: String, _ access: any VenueAccess
    ) throws(RailsError) -> AccountSnapshot {
        try accountAndKey(of: token, from: address, access).account
    }

    func accountAndKey(
        of token: some StringProtocol, from address: String, _ access: any VenueAccess
    ) throws(RailsError) -> (account: AccountSnapshot, key: APIKey) {
        guard let key = AccessToken(secret: access.tokenSecret).key(of: token, through: access) else {
            throw .unauthorized
        }
        try check(address, key)
        guard key.permissions.contains(.read) else { throw .forbidden }
        guard let snapshot = access.snapshot(of: key.account) else { throw .unauthorized }
        return (snapshot, key)
    }

    private func check(_ address: String, _ key: APIKey) throws(RailsError) {
        guard key.admits(address) else { throw .forbidden }
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
