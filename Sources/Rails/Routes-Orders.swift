import JSON
import Ledger
import Venue

// Open orders, fills, fundings, and the margin mode of a market.

extension RailsVenue {
    /// `GET /api/v1/open-orders[?market=][&start=]`: newest first, a hundred a page.
    func openOrders(
        of account: Account, _ query: [QueryItem], _ rules: RuleTable
    ) throws -> [UInt8] {
        let filter = try MarketFilter(query, rules: rules)
        var orders = Array(account.orders.reversed().filter { filter.shows($0.instrument.name) })[...]
        if let start = query["start"], !start.isEmpty {
            guard let place = orders.firstIndex(where: { pageKey(of: $0, account) == start }) else {
                throw RailsError.badRequest("Unknown start: \(start)")
            }
            orders = orders[(place + 1)...]
        }
        return try openOrdersBody(
            orders.prefix(Self.ordersPerPage), isLast: orders.count <= Self.ordersPerPage, of: account, rules)
    }

    /// `GET /api/v1/open-order?market=&order-id=` or `&client-request-id=`.
    func openOrder(of account: Account, _ query: [QueryItem], _ rules: RuleTable) throws -> [UInt8] {
        guard let market = query["market"], !market.isEmpty else {
            throw RailsError.badRequest("market is missing")
        }
        _ = try MarketFilter(query, rules: rules)
        let ids = [query["order-id"], query["client-request-id"]].compactMap { $0 }.filter { !$0.isEmpty }
        guard let id = ids.first else { throw RailsError.badRequest("order-id is missing") }
        let isClientID = query["order-id"]?.isEmpty != false
        guard let order = order(id, in: account), order.instrument.name == market,
            isClientID == order.id.isExactly(id)
        else { throw RailsError(status: 404, message: "Order not found") }
        return try openOrderBody(order, named: true, of: account, rules)
    }

    /// The open order of an id, the venue's or the client's.
    func order(_ id: String, in account: Account) -> OpenOrder? {
        account.orders.first { order in
            order.id.isExactly(id)
                || OrderIdentifier.order(account: account.id, order: order.id, placedAt: order.placedAt) == id
        }
    }

    // MARK: - The past

    /// `GET /api/v1/completed-orders[?startDate=][&endDate=][&start=]`: fills, newest first.
    func completedOrders(
        of account: String, _ query: [QueryItem], _ access: any VenueAccess
    ) async throws -> [UInt8] {
        let first = try Self.time("startDate", in: query)
        let last = try Self.time("endDate", in: query)
        let page = try await page(of: account, "filled", query, access) { event in
            event.at.milliseconds >= first ?? .min && event.at.milliseconds <= last ?? .max
        }
        return try completedOrdersBody(page, of: account)
    }

    /// `GET /api/v1/fundings[?market=][&start=]`: newest first, a hundred a page.
    func fundings(
        of account: String, _ query: [QueryItem], _ rules: RuleTable, _ access: any VenueAccess
    ) async throws -> [UInt8] {
        let filter = try MarketFilter(query, rules: rules)
        let page = try await page(of: account, "funded", query, access) { event in
            guard case .funded(let position, _, _) = event.body else { return false }
            return filter.shows(position.instrument.name)
        }
        return try fundingsBody(page)
    }

    private func page(
        of account: String, _ type: String, _ query: [QueryItem], _ access: any VenueAccess,
        where isWanted: (Event) -> Bool
    ) async throws -> EventPage {
        var place = Int64.max
        if let start = query["start"], !start.isEmpty {
            guard let sequence = OrderIdentifier.sequence(in: start) else {
                throw RailsError.badRequest("Unknown start: \(start)")
            }
            place = sequence
        }
        let page = try await access.latestEvents(
            of: account, [type], before: place, limit: Self.ordersPerPage)
        return EventPage(events: page.events.filter(isWanted), rest: page.rest)
    }

    private static func time(_ name: String, in query: [QueryItem]) throws(RailsError) -> Int64? {
        guard let text = query[name], !text.isEmpty else { return nil }
        guard let time = Int64(text), time >= 0 else {
            throw .badRequest("\(name) must be a time in milliseconds")
        }
        return time
    }

    // MARK: - Margin mode

    /// `POST /api/v1/update-margin-mode` with `{"market","marginMode":"C"|"I"}`, by a key that may trade.
    func updateMarginMode(
        _ request: VenueRequest, _ rules: RuleTable, _ access: any VenueAccess
    ) async throws -> [UInt8] {
        let (snapshot, key) = try authorizedKey(request, rules, access)
        guard key.permissions.contains(.trade) else { throw RailsError.forbidden }
        guard let body = try? JSONValue(parsing: request.body), body.object != nil else {
            throw RailsError.badRequest("the body must be a JSON object")
        }
        guard let market = body["market"]?.text, rules.instrument(market) != nil else {
            throw RailsError.badRequest("Unknown market: \(body["market"]?.text ?? "")")
        }
        let mode: MarginMode
        switch body["marginMode"]?.text {
        case "C": mode = .cross
        case "I": mode = .isolated
        default: throw RailsError.badRequest("marginMode must be C or I")
        }
        try await access.submit(
            Command(
                account: snapshot.account.id,
                content: .setMarginMode(instrument: market, marginMode: mode)))
        var writer = JSONWriter(reserving: 64)
        writer.beginObject()
        writer.key("message")
        writer.literal("margin mode updated successfully")
        writer.endObject()
        return writer.bytes
    }
}
