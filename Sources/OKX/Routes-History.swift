import JSON
import Ledger
import Numbers
import Venue

// What orders and trades were: details, lists of orders, fills, bills, closed positions.

extension OKXVenue {
    /// The body of the answer to a request for orders and what became of them.
    func orderAnswer(
        _ endpoint: Endpoint, _ query: [QueryItem], _ snapshot: AccountSnapshot,
        through access: any VenueAccess
    ) async throws -> [UInt8] {
        try await access.answer(fromHistoryOf: snapshot.account.id) { history in
            try orderAnswer(endpoint, query, snapshot, history)
        }
    }

    private func orderAnswer(
        _ endpoint: Endpoint, _ query: [QueryItem], _ snapshot: AccountSnapshot, _ history: TradingHistory
    ) throws -> [UInt8] {
        switch endpoint {
        case .order: return try orderDetails(query, snapshot, history)
        case .ordersPending: return try ordersPending(of: snapshot, query, history)
        case .ordersHistory: return try ordersHistory(query, snapshot, history, days: 7)
        case .ordersHistoryArchive: return try ordersHistory(query, snapshot, history, days: 90)
        case .fills: return try fills(query, snapshot, history, days: 3)
        case .fillsHistory:
            guard let type = query["instType"], !type.isEmpty else {
                throw OKXError.parameterMissing("instType")
            }
            return try fills(query, snapshot, history, days: 90)
        case .bills: return try bills(query, snapshot, history, days: 7)
        case .billsArchive: return try bills(query, snapshot, history, days: 90)
        case .positionsHistory: return try positionsHistory(query, snapshot, history)
        default: return try algoAnswer(endpoint, query, snapshot, history)
        }
    }

    // MARK: - Orders

    private func orderDetails(
        _ query: [QueryItem], _ snapshot: AccountSnapshot, _ history: TradingHistory
    ) throws -> [UInt8] {
        let members = OrderMembers(value: .members(query.map { ($0.name, .string($0.value)) }))
        let account = snapshot.account
        guard let name = members["instId"] else { throw OKXError.parameterMissing("instId") }
        guard let reference = try OrderReference(members, account) else { throw OKXError.orderUnknown }
        let record = account.order(reference, of: name).map { OrderRecord($0) } ?? history.ended(reference)
        guard let record, record.order.instrument.name.isExactly(name) else {
            try history.require(.orders)
            throw OKXError.orderUnknown
        }
        return try Self.reply { writer in
            try writer.order(OrderRow(record, account, rules(at: snapshot.at)))
        }
    }

    /// `trade/orders-pending`: every open order, the latest first.
    func ordersPending(
        of snapshot: AccountSnapshot, _ query: [QueryItem], _ history: TradingHistory
    ) throws -> [UInt8] {
        let page = try Page(query, ids: OrderID.base)
        let rows = snapshot.account.orders.map { OrderRecord($0) }
        return try orderList(rows, query, ["live", "partially_filled"], page, snapshot) { _ in true }
    }

    /// Orders that ended, the latest first: those canceled without any fill for two hours.
    private func ordersHistory(
        _ query: [QueryItem], _ snapshot: AccountSnapshot, _ history: TradingHistory, days: Int64
    ) throws -> [UInt8] {
        guard let type = query["instType"], !type.isEmpty else { throw OKXError.parameterMissing("instType") }
        let page = try Page(query, ids: OrderID.base)
        let now = snapshot.at.milliseconds
        // Nothing but ordinary orders is kept as orders: what is forced is told as fills.
        let isOrdinary =
            try query.word(
                "category",
                of: ["twap", "adl", "full_liquidation", "partial_liquidation", "delivery", "ddh", "normal"]
            )
            .map { $0 == "normal" } ?? true
        let ended = isOrdinary ? history.ended : []
        return try orderList(
            ended, query, ["canceled", "filled", "mmp_canceled"], page, snapshot,
            isWanted: { record in
                let age = now - record.updatedAt.milliseconds
                let isFilled = record.order.fills != nil
                return page.admits(record.order.placedAt)
                    && age <= (isFilled || days > 7 ? days * 86_400_000 : 7_200_000)
            },
            require: { ids in
                try history.require(
                    .orders, since: page.oldest(from: now - days * 86_400_000), from: page.lowest(of: ids))
            })
    }

    private func orderList(
        _ records: [OrderRecord], _ query: [QueryItem], _ states: [String], _ page: Page,
        _ snapshot: AccountSnapshot, isWanted: (OrderRecord) -> Bool,
        require: ([Int64]) throws -> Void = { _ in }
    ) throws -> [UInt8] {
        let rules = rules(at: snapshot.at)
        let filter = try InstrumentFilter(query)
        let state = try query.word("state", of: states)
        let type = query["ordType"].flatMap { $0.isEmpty ? nil : $0 }
        let types = type?.split(separator: ",", omittingEmptySubsequences: false) ?? []
        guard types.allSatisfy({ OrderReading.knownTypes.contains(String($0)) }) else {
            throw OKXError.parameterWrong("ordType")
        }
        let account = snapshot.account.id
        let rows = records.map { (id: OrderID.place(of: $0.order, account), record: $0) }
        let wanted = rows.sorted { $0.id > $1.id }.filter { id, record in
            let order = record.order
            return filter.admits(
                order.instrument, rules.typeName(of: order.instrument, isOnMargin: order.isOnMargin))
                && isWanted(record)
                && (state ?? record.stateName).isExactly(record.stateName)
                && (type.map { $0.split(separator: ",").contains { $0 == record.order.typeName } } ?? true)
                && page.admits(id: id)
        }
        try require(wanted.map(\.id))
        return try Self.reply { writer in
            for (_, record) in page.cut(wanted) {
                try writer.order(OrderRow(record, snapshot.account, rules))
            }
        }
    }

    // MARK: - Trades

    private func fills(
        _ query: [QueryItem], _ snapshot: AccountSnapshot, _ history: TradingHistory, days: Int64
    ) throws -> [UInt8] {
        let rules = rules(at: snapshot.at)
        let filter = try InstrumentFilter(query)
        let page = try Page(query, ids: BillID.base)
        let order = query["ordId"].flatMap { $0.isEmpty ? nil : $0 }
        let oldest = snapshot.at.milliseconds - days * 86_400_000
        let subType = try query.number("subType")
        let wanted = history.trades.reversed().filter { trade in
            let fill = trade.fill
            if let subType, subType != "\(fill.subType)" { return false }
            let type = rules.typeName(of: fill.instrument, isOnMargin: fill.marginAsset != nil)
            return filter.admits(fill.instrument, type) && trade.at.milliseconds >= oldest
                && page.admits(trade.at) && page.admits(id: BillID.place(trade.sequence))
                && (order == nil || trade.orderID(of: snapshot.account.id) == order)
        }
        try history.require(
            .trades, since: page.oldest(from: oldest),
            from: page.lowest(of: wanted.map { BillID.place($0.sequence) }).map(BillID.sequence(at:)))
        return try Self.reply { writer in
            for trade in page.cut(wanted) { try writer.trade(trade, snapshot.account, rules) }
        }
    }

    private func bills(
        _ query: [QueryItem], _ snapshot: AccountSnapshot, _ history: TradingHistory, days: Int64
    ) throws -> [UInt8] {
        let page = try Page(query, ids: BillID.base)
        let oldest = snapshot.at.milliseconds - days * 86_400_000
        func given(_ name: String) -> String? { query[name].flatMap { $0.isEmpty ? nil : $0 } }
        let currency = given("ccy")
        let (type, subType) = (try query.number("type"), try query.number("subType"))
        let mode = try query.word("mgnMode", of: ["isolated", "cross"])
        let rules = rules(at: snapshot.at)
        let filter = try InstrumentFilter(query)
        let isAny = given("instType") == nil && given("instId") == nil
        let wanted = history.cashChanges.reversed().filter { change in
            let kind = BillKind(change)
            return (currency ?? change.asset).isExactly(change.asset) && (type ?? kind.type) == kind.type
                && (subType ?? kind.subType) == kind.subType && change.at.milliseconds >= oldest
                && (mode ?? change.marginModeName) == change.marginModeName
                && page.admits(change.at) && page.admits(id: BillID.place(change.sequence, change.part))
                && (isAny
                    || change.instrument.map {
                        filter.admits($0, rules.typeName(of: $0, isOnMargin: change.isOnMargin))
                    } ?? false)
        }
        try history.require(
            .cashChanges, since: page.oldest(from: oldest),
            from: page.lowest(of: wanted.map { BillID.place($0.sequence, $0.part) })
                .map(BillID.sequence(at:)))
        return try Self.reply { writer in
            for change in page.cut(wanted) { try writer.bill(change, snapshot.account, rules) }
        }
    }

    /// `account/positions-history`: positions that were closed, the latest first.
    private func positionsHistory(
        _ query: [QueryItem], _ snapshot: AccountSnapshot, _ history: TradingHistory
    ) throws -> [UInt8] {
        let rules = rules(at: snapshot.at)
        let filter = try InstrumentFilter(query)
        let page = try Page(query, ids: 0)
        let mode = try query.word("mgnMode", of: ["isolated", "cross"])
        let type = try query.word("type", of: ["1", "2", "3", "4", "5", "6"])
        let id = query["posId"].flatMap { $0.isEmpty ? nil : $0 }
        let wanted = history.closedPositions.reversed().filter { closed in
            let position = closed.position
            return filter.admits(
                position.instrument, position.typeName(rules.instrument(position.instrument.name)))
                && page.admits(paging: closed.closedAt) && (type ?? closed.typeName) == closed.typeName
                && (mode ?? position.marginMode.rawValue) == position.marginMode.rawValue
                && (id ?? StableID.position(snapshot.account.id, position))
                    == StableID.position(snapshot.account.id, position)
        }
        try history.require(
            .closedPositions,
            since: page.lowest(of: wanted.map(\.closedAt.milliseconds)).map { LedgerTime(milliseconds: $0) })
        return try Self.reply { writer in
            for closed in page.cut(wanted) { try writer.closedPosition(closed, snapshot.account, rules) }
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

extension [QueryItem] {
    /// One of some words; nil where none was sent. Throws 51000 for another.
    func word(_ name: String, of words: [String]) throws(OKXError) -> String? {
        guard let text = self[name], !text.isEmpty else { return nil }
        guard words.contains(text) else { throw .parameterWrong(name) }
        return text
    }

    /// A text of digits; nil where none was sent. Throws 51000 for another.
    fileprivate func number(_ name: String) throws(OKXError) -> String? {
        guard let text = self[name], !text.isEmpty else { return nil }
        guard text.isDigits else { throw .parameterWrong(name) }
        return text
    }
}

/// Which instruments a list is wanted of.
struct InstrumentFilter {
    private let type: String?
    private let name: String?
    private let family: String?

    init(_ query: [QueryItem]) throws(OKXError) {
        func given(_ name: String) -> String? { query[name].flatMap { $0.isEmpty ? nil : $0 } }
        type = given("instType")
        if let type, !["MARGIN", "OPTION", "ANY"].contains(type) { _ = try OKXVenue.instrumentType(type) }
        name = given("instId")
        family = given("instFamily") ?? given("uly")
    }

    func admits(_ instrument: Instrument, _ typeName: String) -> Bool {
        if let name, !name.isExactly(instrument.name) { return false }
        if let family, !family.isExactly("\(instrument.base)-\(instrument.quote)") { return false }
        guard let type, type != "ANY" else { return true }
        return typeName == type
    }
}

/// Which part of a list is wanted, the newest first: `after` an id and `before` one, both exclusive; `begin`
/// and `end` times; at most 100.
struct Page {
    private let limit: Int
    private let after: Int64?
    private let before: Int64?
    private let begin: Int64?
    private let end: Int64?

    /// Ids are counted from a base, 0 for what are times.
    init(_ query: [QueryItem], ids base: Int64) throws(OKXError) {
        func number(_ name: String, _ base: Int64 = 0) throws(OKXError) -> Int64? {
            guard let text = query[name], !text.isEmpty else { return nil }
            guard let number = Int64(text), number >= 0 else { throw .parameterWrong(name) }
            return number - base
        }
        after = try number("after", base)
        before = try number("before", base)
        begin = try number("begin")
        end = try number("end")
        let limit = try number("limit") ?? 100
        guard limit > 0 else { throw .parameterWrong("limit") }
        self.limit = Int(min(limit, 100))
    }

    func admits(id: Int64) -> Bool { (after.map { id < $0 } ?? true) && (before.map { id > $0 } ?? true) }

    func admits(_ time: LedgerTime) -> Bool {
        (begin ?? .min) <= time.milliseconds && time.milliseconds <= (end ?? .max)
    }

    /// Where `after` and `before` are times.
    func admits(paging time: LedgerTime) -> Bool { admits(id: time.milliseconds) }

    /// How far it goes back at most.
    func oldest(from time: Int64) -> LedgerTime { LedgerTime(milliseconds: max(time, begin ?? time)) }

    /// The id below which no row can be on it, with rows of these ids, the newest first; nil for none.
    func lowest(of ids: [Int64]) -> Int64? {
        let last = ids.count < limit ? nil : ids[limit - 1]
        return [before, last].compactMap { $0 }.max()
    }

    func cut<Element>(_ rows: [Element]) -> ArraySlice<Element> { rows.prefix(limit) }
}
