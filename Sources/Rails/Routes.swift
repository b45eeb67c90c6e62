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
        func account(mayTrade: Bool = false) throws(RailsError) -> AccountRequest {
            let (snapshot, key) = try authorized(request, rules, access)
            if mayTrade, !key.permissions.contains(.trade) { throw .forbidden }
            return AccountRequest(
                venue: self, query: request.queryItems, snapshot: snapshot, rules: rules, access: access)
        }
        guard request.path.hasPrefix("/api/v1/") else { throw RailsError.notFound }
        let route = request.path.dropFirst("/api/v1/".count)
        switch (request.method, route) {
        case ("POST", "token"): return try token(request, rules, access)
        case ("POST", "update-margin-mode"):
            return try await account(mayTrade: true).updateMarginMode(request.body)
        case ("DELETE", "orders"): return try await account(mayTrade: true).cancelOrders()
        case ("GET", "order"): return try await account().anyOrder()
        case ("GET", "balances"): return try account().balances()
        case ("GET", "positions"): return try account().positions()
        case ("GET", "open-orders"): return try account().openOrders()
        case ("GET", "trigger-orders"): return try account().triggerOrders()
        case ("GET", "open-order"): return try account().openOrder()
        case ("GET", "completed-orders"): return try await account().completedOrders()
        case ("GET", "fundings"): return try await account().fundings()
        case ("GET", "markets"):
            // Names of markets are no secret; the documents do not say whether a token is needed.
            try countAccountCall(rules, access)
            return marketsBody(rules: rules)
        case ("GET", "market-data"): return try await marketData(request.queryItems, rules, access)
        default:
            guard request.method == "GET", route.hasPrefix("open-orders/") else { throw RailsError.notFound }
            return try account().openOrder(id: String(route.dropFirst("open-orders/".count)))
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

    /// The account that a request may read, with the key that it was asked by.
    ///
    /// Order of checks: the shared limit (429), the token and its key (401), the address and the permission
    /// (403).
    private func authorized(
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
