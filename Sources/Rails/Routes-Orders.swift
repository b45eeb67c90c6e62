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
        guard let order = account.orders.last(where: try named(query, in: account, rules)) else {
            throw RailsError(status: 404, message: "Order not found")
        }
        return try openOrderBody(order, named: true, of: account, rules)
    }

    /// Whether an order is the one of a market that is named: by the venue's id, else by the client's.
    private func named(
        _ query: [QueryItem], in account: Account, _ rules: RuleTable
    ) throws(RailsError) -> (OpenOrder) -> Bool {
        guard let market = query["market"], !market.isEmpty else { throw .badRequest("market is missing") }
        _ = try MarketFilter(query, rules: rules)
        if let id = query["order-id"], !id.isEmpty {
            return { $0.instrument.name == market && $0.venueID(of: account.id).isExactly(id) }
        }
        guard let id = query["client-request-id"], !id.isEmpty else {
            throw .badRequest("order-id is missing")
        }
        return { $0.instrument.name == market && $0.requestID(of: account.id).isExactly(id) }
    }

    /// The open order of an id, the venue's or the client's.
    func order(_ id: String, in account: Account) -> OpenOrder? {
        account.orders.last { order in
            order.requestID(of: account.id).isExactly(id) || order.venueID(of: account.id).isExactly(id)
        }
    }

    /// `GET /api/v1/order?market=&order-id=` or `&client-request-id=`: open, or ended within an hour.
    func anyOrder(
        of snapshot: AccountSnapshot, _ query: [QueryItem], _ rules: RuleTable, _ access: any VenueAccess
    ) async throws -> [UInt8] {
        let account = snapshot.account
        let isNamed = try named(query, in: account, rules)
        if let order = account.orders.last(where: isNamed) {
            return try orderBody(OrderRecord(order), of: account, rules)
        }
        let oldest = snapshot.at.milliseconds - 3_600_000
        let ended = try await access.answer(fromHistoryOf: account.id) { history in
            let ended = history.ended.last { record in
                record.updatedAt.milliseconds >= oldest && isNamed(record.order)
            }
            if ended == nil { try history.require(.orders, since: LedgerTime(milliseconds: oldest)) }
            return ended
        }
        guard let ended else { throw RailsError(status: 404, message: "Order not found") }
        return try orderBody(ended, of: account, rules)
    }

    /// `DELETE /api/v1/orders?market=[&clientRequestId=]`: cancels the orders of a market, or with `all`
    /// those of every one. The frames of the first are told by the id and `#0`, of the next by `#1`.
    func cancelOrders(
        _ request: VenueRequest, _ rules: RuleTable, _ access: any VenueAccess
    ) async throws -> [UInt8] {
        let (snapshot, key) = try authorizedKey(request, rules, access)
        guard key.permissions.contains(.trade) else { throw RailsError.forbidden }
        guard let market = request.queryItems["market"], !market.isEmpty else {
            throw RailsError.badRequest("market is missing")
        }
        if market != "all", rules.terms(of: market) == nil {
            throw RailsError.badRequest("Unknown market: \(market)")
        }
        let instruction = TradeInstruction.cancelAll(instrument: market == "all" ? nil : market)
        let account = snapshot.account
        let name = request.queryItems["clientRequestId"].flatMap { $0.isEmpty ? nil : $0 }
        let orders = account.orders.filter { market == "all" || $0.instrument.name == market }
        for (place, order) in orders.enumerated() {
            cancellations.note(name.map { "\($0)#\(place)" }, of: order.id, in: account.id)
        }
        let count = try await access.trade(instruction, for: account.id).count {
            $0.typeName == "order_cancelled"
        }
        return JSONWriter.object(reserving: 96) { writer in
            writer.member(
                "message",
                "Cancelling \(count) order\(count == 1 ? "" : "s") for market \(market) without any errors")
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
        let oldest = page.events.last?.at
        let trades = try await access.answer(fromHistoryOf: account) { history in
            if let oldest { try history.require(.trades, since: oldest) }
            return history.trades
        }
        let orders = Dictionary(
            trades.compactMap { trade in trade.order.map { (trade.sequence, $0) } }, uniquingKeysWith: { $1 })
        return try completedOrdersBody(page, of: account, orders)
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
        guard let market = body["market"]?.text, rules.terms(of: market) != nil else {
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
        return JSONWriter.object(reserving: 64) { writer in
            writer.member("message", literal: "margin mode updated successfully")
        }
    }
}
