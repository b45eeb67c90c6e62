import JSON
import Ledger
import Venue

// What an account reads, its fills and fundings, and the margin mode of a market.

extension AccountRequest {
    /// `GET /api/v1/balances[?market=]`.
    func balances() throws -> [UInt8] {
        let filter = try marketFilter()
        return try venue.balancesBody(of: figures, filter: filter, rules: rules)
    }

    /// `GET /api/v1/positions[?market=]`.
    func positions() throws -> [UInt8] {
        let filter = try marketFilter()
        return try venue.positionsBody(of: account, figures, filter: filter)
    }

    /// `GET /api/v1/trigger-orders[?market=]`.
    func triggerOrders() throws -> [UInt8] { try venue.triggerOrders(of: account, query, rules) }

    /// `GET /api/v1/open-orders[?market=][&start=]`: newest first, a hundred a page.
    func openOrders() throws -> [UInt8] {
        let filter = try marketFilter()
        var orders = Array(account.orders.reversed().filter { filter.shows($0.instrument.name) })[...]
        if let start = query.given("start") {
            guard let place = orders.firstIndex(where: { venue.pageKey(of: $0, account) == start }) else {
                throw RailsError.badRequest("Unknown start: \(start)")
            }
            orders = orders[(place + 1)...]
        }
        let most = RailsVenue.ordersPerPage
        return try venue.openOrdersBody(
            orders.prefix(most), isLast: orders.count <= most, of: account, rules)
    }

    /// `GET /api/v1/open-order?market=&order-id=` or `&client-request-id=`.
    func openOrder() throws -> [UInt8] {
        guard let order = account.orders.last(where: try isNamed()) else { throw RailsError.orderUnknown }
        return try venue.openOrderBody(order, named: true, of: account, rules)
    }

    /// `GET /api/v1/open-orders/` and an id, the venue's or the client's.
    func openOrder(id: String) throws -> [UInt8] {
        let order = account.orders.last { order in
            order.requestID(of: account.id).isExactly(id) || order.venueID(of: account.id).isExactly(id)
        }
        guard let order else { throw RailsError.notFound }
        return try venue.openOrderBody(order, named: false, of: account, rules)
    }

    /// Whether an order is the one of a market that is named: by the venue's id, else by the client's.
    private func isNamed() throws(RailsError) -> (OpenOrder) -> Bool {
        let market = try market()
        _ = try marketFilter()
        let account = account.id
        if let id = query.given("order-id") {
            return { $0.instrument.name == market && $0.venueID(of: account).isExactly(id) }
        }
        guard let id = query.given("client-request-id") else { throw .badRequest("order-id is missing") }
        return { $0.instrument.name == market && $0.requestID(of: account).isExactly(id) }
    }

    private func market() throws(RailsError) -> String {
        guard let market = query.given("market") else { throw .badRequest("market is missing") }
        return market
    }

    /// `GET /api/v1/order?market=&order-id=` or `&client-request-id=`: open, or ended within an hour.
    func anyOrder() async throws -> [UInt8] {
        let isNamed = try isNamed()
        if let order = account.orders.last(where: isNamed) {
            return try venue.orderBody(OrderRecord(order), of: account, rules)
        }
        let oldest = snapshot.at.milliseconds - 3_600_000
        let ended = try await access.answer(fromHistoryOf: account.id) { history in
            let ended = history.ended.last { record in
                record.updatedAt.milliseconds >= oldest && isNamed(record.order)
            }
            if ended == nil { try history.require(.orders, since: LedgerTime(milliseconds: oldest)) }
            return ended
        }
        guard let ended else { throw RailsError.orderUnknown }
        return try venue.orderBody(ended, of: account, rules)
    }

    /// `DELETE /api/v1/orders?market=[&clientRequestId=]`: cancels the orders of a market, or with `all`
    /// those of every one. The frames of the first are told by the id and `#0`, of the next by `#1`.
    func cancelOrders() async throws -> [UInt8] {
        let market = try market()
        if market != "all", rules.terms(of: market) == nil {
            throw RailsError.badRequest("Unknown market: \(market)")
        }
        let name = query.given("clientRequestId")
        let orders = account.orders.filter { market == "all" || $0.instrument.name == market }
        for (place, order) in orders.enumerated() {
            venue.cancellations.note(name.map { "\($0)#\(place)" }, of: order.id, in: account.id)
        }
        let instruction = TradeInstruction.cancelAll(instrument: market == "all" ? nil : market)
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
    func completedOrders() async throws -> [UInt8] {
        let first = try time("startDate")
        let last = try time("endDate")
        let page = try await page("filled") { event in
            event.at.milliseconds >= first ?? .min && event.at.milliseconds <= last ?? .max
        }
        let oldest = page.events.last?.at
        let trades = try await access.answer(fromHistoryOf: account.id) { history in
            if let oldest { try history.require(.trades, since: oldest) }
            return history.trades
        }
        let orders = Dictionary(
            trades.compactMap { trade in trade.order.map { (trade.sequence, $0) } }, uniquingKeysWith: { $1 })
        return try venue.completedOrdersBody(page, of: account.id, orders)
    }

    /// `GET /api/v1/fundings[?market=][&start=]`: newest first, a hundred a page.
    func fundings() async throws -> [UInt8] {
        let filter = try marketFilter()
        let page = try await page("funded") { event in
            guard case .funded(let position, _, _) = event.body else { return false }
            return filter.shows(position.instrument.name)
        }
        return try venue.fundingsBody(page)
    }

    private func page(_ type: String, where isWanted: (Event) -> Bool) async throws -> EventPage {
        var place = Int64.max
        if let start = query.given("start") {
            guard let sequence = OrderIdentifier.sequence(in: start) else {
                throw RailsError.badRequest("Unknown start: \(start)")
            }
            place = sequence
        }
        let page = try await access.latestEvents(
            of: account.id, [type], before: place, limit: RailsVenue.ordersPerPage)
        return EventPage(events: page.events.filter(isWanted), rest: page.rest)
    }

    private func time(_ name: String) throws(RailsError) -> Int64? {
        guard let text = query.given(name) else { return nil }
        guard let time = Int64(text), time >= 0 else {
            throw .badRequest("\(name) must be a time in milliseconds")
        }
        return time
    }

    // MARK: - Margin mode

    /// `POST /api/v1/update-margin-mode` with `{"market","marginMode":"C"|"I"}`, by a key that may trade.
    func updateMarginMode(_ bytes: [UInt8]) async throws -> [UInt8] {
        guard let body = try? JSONValue(parsing: bytes), body.object != nil else {
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
            Command(account: account.id, content: .setMarginMode(instrument: market, marginMode: mode)))
        return JSONWriter.object(reserving: 64) { writer in
            writer.member("message", literal: "margin mode updated successfully")
        }
    }
}
