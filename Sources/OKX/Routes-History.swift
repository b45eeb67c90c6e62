import JSON
import Ledger
import Numbers
import Venue

// What orders and trades were: details, lists of orders, fills, bills, closed positions.

extension AccountRequest {
    /// The body of the answer to a request for orders and what became of them.
    func orderAnswer(_ endpoint: Endpoint) async throws -> [UInt8] {
        try await access.answer(fromHistoryOf: account.id) { history in
            switch endpoint {
            case .order: return try orderDetails(history)
            case .ordersPending: return try ordersPending()
            case .ordersHistory: return try ordersHistory(history, days: 7)
            case .ordersHistoryArchive: return try ordersHistory(history, days: 90)
            case .fills: return try fills(history, days: 3)
            case .fillsHistory:
                _ = try query.required("instType")
                return try fills(history, days: 90)
            case .bills: return try bills(history, days: 7)
            case .billsArchive: return try bills(history, days: 90)
            case .positionsHistory: return try positionsHistory(history)
            case .interestAccrued: return try interestAccrued(history)
            case .depositHistory: return try depositHistory(history)
            case .orderAlgo: return try algoDetails(history)
            case .algosPending: return try algoList()
            default: return try algoList(of: history)
            }
        }
    }

    /// The first millisecond of the last days.
    private func beginning(ofLast days: Int64) -> Int64 { snapshot.at.milliseconds - days * 86_400_000 }

    // MARK: - Orders

    private func orderDetails(_ history: TradingHistory) throws -> [UInt8] {
        let name = try query.required("instId")
        let members = OrderMembers(value: .members(query.map { ($0.name, .string($0.value)) }))
        guard let reference = try OrderReference(members, account) else { throw OKXError.orderUnknown }
        let record = account.order(reference, of: name).map { OrderRecord($0) } ?? history.ended(reference)
        guard let record, record.order.instrument.name.isExactly(name) else {
            try history.require(.orders)
            throw OKXError.orderUnknown
        }
        return try JSONWriter.reply { try $0.order(OrderRow(record, account, rules)) }
    }

    /// `trade/orders-pending`: every open order, the latest first.
    private func ordersPending() throws -> [UInt8] {
        let page = try Page(query, ids: OrderID.base)
        return try orderList(account.orders.map { OrderRecord($0) }, ["live", "partially_filled"], page)
    }

    /// Orders that ended, the latest first: those canceled without any fill for two hours.
    private func ordersHistory(_ history: TradingHistory, days: Int64) throws -> [UInt8] {
        _ = try query.required("instType")
        let page = try Page(query, ids: OrderID.base)
        // Nothing but ordinary orders is kept as orders: what is forced is told as fills.
        let category = try query.word(
            "category",
            of: ["twap", "adl", "full_liquidation", "partial_liquidation", "delivery", "ddh", "normal"])
        let kept = history.ended.filter { record in
            let age = snapshot.at.milliseconds - record.updatedAt.milliseconds
            let isFilled = record.order.fills != nil
            return page.admits(record.order.placedAt)
                && age <= (isFilled || days > 7 ? days * 86_400_000 : 7_200_000)
        }
        return try orderList(
            category ?? "normal" == "normal" ? kept : [], ["canceled", "filled", "mmp_canceled"], page,
            of: history, since: page.oldest(from: beginning(ofLast: days)))
    }

    private func orderList(
        _ records: [OrderRecord], _ states: [String], _ page: Page, of history: TradingHistory? = nil,
        since oldest: LedgerTime? = nil
    ) throws -> [UInt8] {
        let filter = try InstrumentFilter(query, rules)
        let state = try query.word("state", of: states)
        let types = try query.orderTypes(OrderReading.knownTypes)
        let rows = records.map { (id: OrderID.place(of: $0.order, account.id), record: $0) }
        let wanted = rows.sorted { $0.id > $1.id }.filter { id, record in
            filter.admits(record.order.instrument, isOnMargin: record.order.isOnMargin)
                && (state ?? record.stateName).isExactly(record.stateName)
                && types?.contains(record.order.typeName) ?? true
                && page.admits(id: id)
        }
        try history?.require(.orders, since: oldest, from: page.lowest(of: wanted.map(\.id)))
        return try JSONWriter.reply { writer in
            for (_, record) in page.cut(wanted) { try writer.order(OrderRow(record, account, rules)) }
        }
    }

    // MARK: - Trades

    private func fills(_ history: TradingHistory, days: Int64) throws -> [UInt8] {
        let filter = try InstrumentFilter(query, rules)
        let page = try Page(query, ids: BillID.base)
        let order = query.given("ordId")
        let oldest = beginning(ofLast: days)
        let subType = try query.digits("subType")
        let wanted = history.trades.reversed().filter { trade in
            let fill = trade.fill
            if let subType, subType != "\(fill.subType)" { return false }
            return filter.admits(fill.instrument, isOnMargin: fill.marginAsset != nil)
                && trade.at.milliseconds >= oldest
                && page.admits(trade.at) && page.admits(id: BillID.place(trade.sequence))
                && (order == nil || trade.orderID(of: account.id) == order)
        }
        try history.require(
            .trades, since: page.oldest(from: oldest),
            from: page.lowest(of: wanted.map { BillID.place($0.sequence) }).map(BillID.sequence(at:)))
        return try JSONWriter.reply { writer in
            for trade in page.cut(wanted) { try writer.trade(trade, account, rules) }
        }
    }

    private func bills(_ history: TradingHistory, days: Int64) throws -> [UInt8] {
        let page = try Page(query, ids: BillID.base)
        let oldest = beginning(ofLast: days)
        let currency = query.given("ccy")
        let (type, subType) = (try query.digits("type"), try query.digits("subType"))
        let mode = try query.word("mgnMode", of: ["isolated", "cross"])
        let filter = try InstrumentFilter(query, rules)
        let isAny = query.given("instType") == nil && query.given("instId") == nil
        let wanted = history.cashChanges.reversed().filter { change in
            let kind = BillKind(change)
            return (currency ?? change.asset).isExactly(change.asset) && (type ?? kind.type) == kind.type
                && (subType ?? kind.subType) == kind.subType && change.at.milliseconds >= oldest
                && (mode ?? change.marginModeName) == change.marginModeName
                && page.admits(change.at) && page.admits(id: BillID.place(change.sequence, change.part))
                && (isAny
                    || change.instrument.map { filter.admits($0, isOnMargin: change.isOnMargin) } ?? false)
        }
        try history.require(
            .cashChanges, since: page.oldest(from: oldest),
            from: page.lowest(of: wanted.map { BillID.place($0.sequence, $0.part) })
                .map(BillID.sequence(at:)))
        return try JSONWriter.reply { writer in
            for change in page.cut(wanted) { try writer.bill(change, account, rules) }
        }
    }

    /// `account/positions-history`: positions that were closed, the latest first.
    private func positionsHistory(_ history: TradingHistory) throws -> [UInt8] {
        let filter = try InstrumentFilter(query, rules)
        let page = try Page(query, ids: 0)
        let mode = try query.word("mgnMode", of: ["isolated", "cross"])
        let type = try query.word("type", of: ["1", "2", "3", "4", "5", "6"])
        let id = query.given("posId")
        let wanted = history.closedPositions.reversed().filter { closed in
            let position = closed.position
            return filter.admits(position.instrument, isOnMargin: position.margin != nil)
                && page.admits(paging: closed.closedAt) && (type ?? closed.typeName) == closed.typeName
                && (mode ?? position.marginMode.rawValue) == position.marginMode.rawValue
                && (id == nil || id == StableID.position(account.id, position))
        }
        try history.require(
            .closedPositions,
            since: page.lowest(of: wanted.map(\.closedAt.milliseconds)).map { LedgerTime(milliseconds: $0) })
        return try JSONWriter.reply { writer in
            for closed in page.cut(wanted) { try writer.closedPosition(closed, account, rules) }
        }
    }
}

extension TradingHistory {
    /// An order that has ended; of equals the latest.
    func ended(_ reference: OrderReference) -> OrderRecord? {
        ended.last { record in
            switch reference {
            case .id(let id): record.order.id.isExactly(id)
            case .client(let id): record.order.shownClientID.isExactly(id)
            case .sequence(let sequence): record.order.sequence == sequence
            }
        }
    }
}
