import JSON
import Ledger
import Numbers
import Venue

/// Orders: placed, amended, canceled and looked up. Binance USDⓈ-M Futures API documentation, Trade.
extension AccountRequest {
    /// The answer to a signed request about orders.
    func orderAnswer(_ route: Route) async throws -> [UInt8] {
        if route.group == .algos { return try await algoAnswer(route) }
        switch (route.endpoint, route.method) {
        case (.order, "POST"): return try orderBody(await place(), .change)
        case (.order, "PUT"): return try orderBody(await amend(), .amendment)
        case (.order, "DELETE"): return try orderBody(await cancel(), .change)
        case (.testOrder, _): return try testBody(reading.instruction())
        case (.batchOrders, "DELETE"): return try await cancelBatch()
        case (.batchOrders, _): return try await changeBatch(amends: route.method == "PUT")
        case (.countdownCancelAll, _): return try await setCountdown()
        case (.allOpenOrders, _): return try await cancelAll()
        case (.order, _), (.openOrder, _): return try await query(route.endpoint)
        case (.allOrders, _): return try await allOrders()
        default: return try await trades()
        }
    }

    private func orderBody(
        _ record: OrderRecord, _ form: JSONWriter.OrderForm, id: Int64? = nil
    ) throws -> [UInt8] {
        var writer = JSONWriter(reserving: 640)
        try writer.order(record, account.id, rules, form, id: id)
        return writer.bytes
    }

    /// The answer to a test: the order as it would be taken, by no id (a choice: the page shows some number).
    private func testBody(_ wanted: OrderInstruction) throws -> [UInt8] {
        guard let instrument = venue.instrument(wanted.instrument, in: account, at: snapshot.at) else {
            throw BinanceError.invalidSymbol
        }
        var order = OpenOrder(
            id: "test", instrument: instrument, side: wanted.side, quantity: wanted.quantity,
            price: wanted.price ?? .zero, reduceOnly: wanted.reduceOnly,
            positionSide: wanted.positionSide ?? .net,
            marginMode: venue.defaultMarginMode(of: instrument, in: account), placedAt: snapshot.at)
        order.terms = wanted.terms
        return try orderBody(OrderRecord(order), .change, id: 0)
    }

    // MARK: - Placing

    /// Places an order. By `newOrderRespType` RESULT it is given as the exchange left it, else as it was
    /// taken.
    private func place() async throws -> OrderRecord {
        let reading = reading
        let instruction = try reading.instruction()
        if account.orders.count >= Filters.openOrders { throw BinanceError.tooManyOrders }
        let events: [Event]
        do throws(BinanceError) {
            events = try await trade(.place(instruction))
        } catch {
            throw error == .marginInsufficient && isInLiquidation ? .inLiquidation : error
        }
        let told = try reading.wantsResult() ? events : events.filter { $0.typeName == "order_placed" }
        guard let record = try OrderRecord(placedBy: told) else { throw BinanceError.internalError }
        return record
    }

    /// Whether the venue would liquidate the account now. Looked at only where an order is refused anyway:
    /// what reduces is taken, as nothing liquidates by itself here.
    private var isInLiquidation: Bool { (try? venue.health(of: snapshot))?.isLiquidated == true }

    /// Up to five orders placed or amended, each by itself; HTTP 200 whatever becomes of them.
    private func changeBatch(amends: Bool) async throws -> [UInt8] {
        let text = try parameters.required("batchOrders")
        guard let orders = (try? JSONValue(parsing: Array(text.utf8)))?.elements else {
            throw BinanceError.invalidData("batchOrders")
        }
        guard (1...5).contains(orders.count) else { throw BinanceError.tooManyBatchOrders }
        return try await batch(orders) { order, writer in
            guard let object = order.object else { throw BinanceError.invalidData("batchOrders") }
            let items = object.members.map { member in
                QueryItem(
                    name: member.key,
                    value: member.value.text ?? member.value.numberText ?? member.value.description)
            }
            let element = element(items)
            let record = try await amends ? element.amend() : element.place()
            try writer.order(record, account.id, rules, amends ? .amendment : .change)
        }
    }

    /// An array with what becomes of each element: what `write` writes, or its refusal.
    private func batch<Element>(
        _ elements: [Element], _ write: (Element, inout JSONWriter) async throws -> Void
    ) async throws -> [UInt8] {
        var writer = JSONWriter(reserving: 640 * elements.count)
        writer.beginArray()
        for element in elements {
            do {
                try await write(element, &writer)
            } catch let error as BinanceError {
                writer.beginObject()
                writer.member("code", Int64(error.code))
                writer.member("msg", error.message)
                writer.endObject()
            }
        }
        writer.endArray()
        return writer.bytes
    }

    // MARK: - Amending and canceling

    private func amend() async throws -> OrderRecord {
        let reading = reading
        let symbol = try reading.symbol()
        let side = try reading.side()
        let quantity = try reading.number("quantity")
        let price = try reading.limit(side, symbol)
        guard let order = try openOrder(of: symbol) else { throw BinanceError.orderNotFound }
        guard order.side == side else { throw BinanceError.invalidSide }
        try reading.check(quantity, symbol, isMarket: false)
        try reading.check(price, side, symbol)
        let wantsReduction = try parameters.flag("reduceOnly") ?? false
        if wantsReduction, !order.reduceOnly { throw BinanceError.notReduceOnly }
        do {
            try reading.checkNotional(quantity, price, symbol, isReducing: order.onlyReduces)
        } catch {
            throw error.code == -4164 ? BinanceError.amendedNotionalTooSmall(symbol.minimumNotional) : error
        }
        if order.amendments >= Filters.amendments { throw BinanceError.tooManyAmendments }
        if quantity == order.quantity, price == order.price { throw BinanceError.amendmentUnchanged }
        let events = try await trade(
            .amend(
                .id(order.id), instrument: symbol.name, quantity: quantity, price: price,
                terms: amendedTerms(of: order)))
        return try OrderRecord(order, after: events)
    }

    /// The terms of an order once it is amended: nothing prevents trades with the account's own orders any
    /// more, and `modifyId` gives the amendment its number. Nil where they stay.
    private func amendedTerms(of order: OpenOrder) throws(BinanceError) -> OrderTerms? {
        var number: Int64?
        if let text = parameters.given("modifyId") {
            number = Int64(text)
            if number == nil { throw .invalidData("modifyId") }
        }
        guard var terms = order.terms else { return nil }
        terms.words[OpenOrder.amendmentWord] = number.map { .number("\($0)") }
        terms.selfTradePrevention = nil
        terms.words[OpenOrder.preventionWord] = .string("NONE")
        return terms == order.terms ? nil : terms
    }

    private func cancel() async throws -> OrderRecord {
        let symbol = try symbol()
        guard let order = try openOrder(of: symbol) else { throw BinanceError.unknownOrder }
        let events = try await trade(.cancel(.id(order.id), instrument: symbol.name))
        return try OrderRecord(order, after: events)
    }

    /// Up to ten, by `orderIdList` or `origClientOrderIdList`, in either case (CCXT sends lower case).
    private func cancelBatch() async throws -> [UInt8] {
        let symbol = try symbol()
        for (list, name) in [("orderIdList", "orderId"), ("origClientOrderIdList", "origClientOrderId")] {
            guard let text = parameters[list] ?? parameters[list.lowercased()] else { continue }
            guard let ids = (try? JSONValue(parsing: Array(text.utf8)))?.elements, !ids.isEmpty else {
                throw BinanceError.invalidData(list)
            }
            if ids.count > 10 { throw BinanceError.tooManyCancels }
            return try await batch(ids) { id, writer in
                let items = [
                    QueryItem(name: "symbol", value: symbol.name),
                    QueryItem(name: name, value: id.text ?? id.numberText ?? ""),
                ]
                try writer.order(await element(items).cancel(), account.id, rules, .change)
            }
        }
        throw BinanceError.missing("orderIdList")
    }

    private func cancelAll() async throws -> [UInt8] {
        try await trade(.cancelAll(instrument: symbol().name))
        return Self.allCancelled
    }

    static let allCancelled = Array(
        #"{"code":200,"msg":"The operation of cancel all open order is done."}"#.utf8)

    /// The dead man's switch of a symbol: its orders are canceled when the time is over; 0 turns it off.
    /// Conditional orders stay.
    private func setCountdown() async throws -> [UInt8] {
        let symbol = try symbol()
        let text = try parameters.required("countdownTime")
        guard let time = Int64(digits: text), time <= 1_000_000_000_000 else {
            throw BinanceError.invalidData("countdownTime")
        }
        let end = time == 0 ? nil : LedgerTime(milliseconds: snapshot.at.milliseconds + time)
        try await trade(.setTimer(CancelTimer(instrument: symbol.name, at: end)))
        return JSONWriter.object(reserving: 64) { writer in
            writer.member("symbol", symbol.name)
            writer.member("countdownTime", String(time))
        }
    }

    // MARK: - Looking up

    /// The open order of a symbol that is named; nil where it is not open. Throws −1102 where none is named.
    private func openOrder(of symbol: SymbolRules) throws(BinanceError) -> OpenOrder? {
        let isNamed = try isNamed()
        return account.orders.last { $0.instrument.name == symbol.name && isNamed($0) }
    }

    /// Whether an order is the one that is named: by `orderId`, else by `origClientOrderId`.
    func isNamed() throws(BinanceError) -> (OpenOrder) -> Bool {
        let account = account.id
        if let id = try parameters.number("orderId") { return { $0.venueID(of: account) == id } }
        guard let text = parameters.given("origClientOrderId") else {
            throw .unnamed("origClientOrderId", "orderId")
        }
        return { $0.clientOrderID(of: account) == text }
    }

    /// `order`: open or ended; `openOrder`: open only.
    private func query(_ endpoint: Endpoint) async throws -> [UInt8] {
        let symbol = try symbol()
        if let order = try openOrder(of: symbol) { return try orderBody(OrderRecord(order), .query) }
        guard endpoint == .order else { throw BinanceError.orderNotFound }
        let isNamed = try isNamed()
        return try await access.answer(fromHistoryOf: account.id) { history in
            let ended = history.ended.last { record in
                record.order.instrument.name == symbol.name && isNamed(record.order)
            }
            guard let ended else {
                try history.require(.orders)
                throw BinanceError.orderNotFound
            }
            guard try Retention.keeps(ended, at: snapshot.at) else { throw BinanceError.orderNotFound }
            return try orderBody(ended, .query)
        }
    }

    /// Ended and open orders from a time or an id on, oldest first: of one symbol, or of all.
    private func allOrders() async throws -> [UInt8] {
        let symbol = try chosenSymbol()
        let page = try Page(parameters, idName: "orderId", window: .week(before: snapshot.at))
        let open = account.orders.map { OrderRecord($0) }
        let rows = try await access.answer(fromHistoryOf: account.id) { history in
            let kept = try history.ended
                .filter { record throws(NumberError) in try Retention.keeps(record, at: snapshot.at) }
            let records = (kept + open)
                .filter { (symbol ?? $0.order.instrument.name) == $0.order.instrument.name }
                .filter { page.admits($0.order.placedAt, id: $0.order.venueID(of: account.id)) }
                .sorted { ($0.order.placedAt, $0.order.sequence) < ($1.order.placedAt, $1.order.sequence) }
            return try page.rows(records, of: .orders, in: history, \.order.sequence)
        }
        let rules = rules
        var writer = JSONWriter(reserving: 640 * rows.count)
        try writer.array(of: rows) { record, writer in try writer.order(record, account.id, rules, .list) }
        return writer.bytes
    }

    private func trades() async throws -> [UInt8] {
        let symbol = try symbol()
        // All trades of an order are told, whenever they were.
        let isOfOrder = parameters.given("orderId") != nil
        let page = try Page(
            parameters, idName: "fromId", window: isOfOrder ? .unlimited : .week(before: snapshot.at),
            since: Retention.trades(at: snapshot.at))
        let order = try parameters["orderId"].map { text throws(BinanceError) -> Int64 in
            guard let id = Int64(digits: text) else { throw .invalidData("orderId") }
            return id
        }
        let rows = try await access.answer(fromHistoryOf: account.id) { history in
            let found = history.trades.filter { trade in
                trade.fill.instrument.name == symbol.name && page.admits(trade.at, id: trade.sequence)
                    && (order == nil || trade.order?.venueID(of: account.id) == order)
            }
            return try page.rows(found, of: .trades, in: history, \.sequence)
        }
        let rules = rules
        var writer = JSONWriter(reserving: 320 * rows.count)
        try writer.array(of: rows) { trade, writer in try writer.trade(trade, account.id, rules) }
        return writer.bytes
    }
}
