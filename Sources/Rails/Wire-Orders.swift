import JSON
import Ledger
import Numbers
import Venue

// Orders, fills and fundings as published.

extension RailsVenue {
    /// A page of open orders, newest first; `last` is what the next page begins after, and is left out where
    /// there is none.
    func openOrdersBody(
        _ orders: ArraySlice<OpenOrder>, isLast: Bool, of account: Account, _ rules: RuleTable
    ) throws(NumberError) -> [UInt8] {
        try JSONWriter.object(reserving: 128 + orders.count * 384) { writer throws(NumberError) in
            try writer.array("openOrders", of: orders) { order, writer throws(NumberError) in
                try write(OrderRecord(order), of: account, rules, to: &writer)
            }
            if !isLast, let last = orders.last {
                writer.member("last", pageKey(of: last, account))
            }
        }
    }

    /// Where a page ends: market, order and account.
    func pageKey(of order: OpenOrder, _ account: Account) -> String {
        return "\(order.instrument.name)#\(order.venueID(of: account.id))#\(accountUUID(account.id))"
    }

    /// One open order, bare or as the member `openOrder`.
    func openOrderBody(
        _ order: OpenOrder, named: Bool, of account: Account, _ rules: RuleTable
    ) throws(NumberError) -> [UInt8] {
        var writer = JSONWriter(reserving: 384)
        if named {
            writer.beginObject()
            writer.key("openOrder")
        }
        try write(OrderRecord(order), of: account, rules, to: &writer)
        if named { writer.endObject() }
        return writer.bytes
    }

    /// One order, open or ended not long ago, with its average price beside it.
    func orderBody(
        _ record: OrderRecord, of account: Account, _ rules: RuleTable
    ) throws(NumberError) -> [UInt8] {
        try JSONWriter.object(reserving: 448) { writer throws(NumberError) in
            writer.key("order")
            try write(record, of: account, rules, to: &writer)
            writer.member("avgFillPrice", try record.order.averagePrice)
        }
    }

    /// The row that all calls have: `quantity` is what is left, `filledQuantity` what was filled.
    private func write(
        _ record: OrderRecord, of account: Account, _ rules: RuleTable, to writer: inout JSONWriter
    ) throws(NumberError) {
        let order = record.order
        let market = order.instrument.name
        writer.beginObject()
        writer.member("market", market)
        writer.member("orderId", order.venueID(of: account.id))
        writer.member("orderType", literal: order.side == .buy ? "buy" : "sell")
        writer.member("tradeType", literal: order.tradeType)
        writer.member("price", order.price)
        writer.member("quantity", order.remaining)
        writer.member("filledQuantity", try order.filled)
        writer.member("leverage", leverage(of: order, in: account, rules))
        writer.member("createdAt", (order.amendedAt ?? order.placedAt).milliseconds)
        writer.member("updatedAt", record.updatedAt.milliseconds)
        writer.member("orderStatus", literal: record.status)
        writer.member("clientRequestId", order.requestID(of: account.id))
        writer.member("postOnly", order.terms?.postOnly ?? false)
        writer.member("avgFillPrice", try order.averagePrice)
        if order.reduceOnly {
            writer.member("reduceOnly", true)
        }
        writer.endObject()
    }

    private func leverage(
        of order: OpenOrder, in account: Account, _ rules: RuleTable
    ) -> ExactDecimal {
        let own =
            profile == .live
            ? account.leverage(order.instrument.name, side: .net, marginMode: order.marginMode) : nil
        return own ?? account.railsLeverage ?? rules.defaultLeverage
    }

    /// The member `order` of a frame on the socket.
    func write(
        _ order: OpenOrder, _ state: String, at time: LedgerTime, of account: Account, _ rules: RuleTable,
        _ form: OrderRowForm, to writer: inout JSONWriter
    ) throws(NumberError) {
        writer.beginObject("order")
        writer.member("userId", accountUUID(account.id))
        writer.member("orderId", order.venueID(of: account.id))
        writer.member("market", order.instrument.name)
        writer.member("orderType", literal: order.side == .buy ? "buy" : "sell")
        writer.member("tradeType", literal: order.tradeType)
        writer.member("orderStatus", state)
        writer.member("price", order.price)
        writer.member("quantity", order.remaining)
        if form != .rejection { writer.member("filledQuantity", try order.filled) }
        writer.member("leverage", leverage(of: order, in: account, rules))
        writer.member("updatedAt", time.milliseconds)
        writer.member("createdAt", (order.amendedAt ?? order.placedAt).milliseconds)
        if form != .rejection {
            writer.member("reduceOnly", order.reduceOnly)
            writer.member("postOnly", order.terms?.postOnly ?? false)
        }
        if form == .fill { writer.member("avgFillPrice", try order.averagePrice) }
        writer.endObject()
    }

    /// An element of the channel `trades`; `order` is as it was before the fill.
    func writeDelta(
        _ fill: Fill, _ event: Event, _ order: OpenOrder, of account: Account, _ rules: RuleTable,
        to writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.member("market", fill.instrument.name)
        writer.member("orderId", order.venueID(of: account.id))
        writer.member("matchId", OrderIdentifier.match(account: account.id, sequence: event.sequence))
        writer.member("orderType", literal: fill.side == .buy ? "buy" : "sell")
        writer.member("tradeType", literal: order.tradeType)
        writer.member("executionType", literal: fill.liquidity == .taker ? "taker" : "maker")
        writer.member("fillType", literal: fill.quantity == order.remaining ? "complete" : "partial")
        writer.member("price", fill.price)
        writer.member("quantity", fill.quantity)
        writer.member("leverage", leverage(of: order, in: account, rules))
        writer.member("fees", fill.fee)
        writer.member("orderCreatedAt", (order.amendedAt ?? order.placedAt).milliseconds)
        writer.member("orderFilledAt", event.at.milliseconds)
        order.writeTrigger(to: &writer)
        writer.member("triggerCreatedAt", order.triggerCreatedAt)
        writer.endObject()
    }

    // MARK: - Fills and fundings

    /// A page of fills, newest first.
    ///
    /// `orders` are the orders of those that are known, by the fill's place in the journal.
    func completedOrdersBody(
        _ page: EventPage, of account: String, _ orders: [Int64: OpenOrder] = [:]
    ) throws(NumberError) -> [UInt8] {
        JSONWriter.object(reserving: 128 + page.events.count * 512) { writer in
            writer.beginArray("completedOrders")
            for event in page.events {
                guard case .filled(let fill) = event.body else { continue }
                write(fill, event, orders[event.sequence], of: account, to: &writer)
            }
            writer.endArray()
            writer.rest(of: page, "FEES")
        }
    }

    /// Whose order it was and what the fill is called are derived; that there is a hash is published, and
    /// this one is of nothing that was settled.
    private func write(
        _ fill: Fill, _ event: Event, _ order: OpenOrder?, of account: String, to writer: inout JSONWriter
    ) {
        let name = fill.orderID ?? "fill \(event.sequence)"
        writer.beginObject()
        writer.member("market", fill.instrument.name)
        writer.member("matchId", OrderIdentifier.match(account: account, sequence: event.sequence))
        writer.member(
            "orderId",
            order?.venueID(of: account)
                ?? OrderIdentifier.order(
                    account: account, order: name, placedAt: fill.order?.placedAt ?? event.at))
        writer.member("orderType", literal: fill.side == .buy ? "buy" : "sell")
        let isTaker = fill.liquidity.map { $0 == .taker } ?? (fill.orderID == nil)
        writer.member("executionType", literal: isTaker ? "taker" : "maker")
        writer.member("fillType", literal: fill.order.map(\.isComplete) ?? true ? "complete" : "partial")
        writer.member("price", fill.price)
        writer.member("quantity", fill.quantity)
        writer.member("tradeType", literal: order?.tradeType ?? (fill.orderID == nil ? "market" : "limit"))
        writer.member("fees", fill.fee)
        if let order, !fill.liquidation {
            order.writeTrigger(to: &writer)
        } else {
            writer.member("triggerType", literal: fill.liquidation ? "liquidation" : "none")
            writer.member("triggerPrice", fill.liquidation ? fill.price : .zero)
        }
        writer.member("transactionHash", OrderIdentifier.hash(account: account, sequence: event.sequence))
        writer.member("filledAt", event.at.milliseconds)
        writer.endObject()
    }

    /// A page of fundings, newest first.
    func fundingsBody(_ page: EventPage) throws(NumberError) -> [UInt8] {
        try JSONWriter.object(reserving: 128 + page.events.count * 256) { writer throws(NumberError) in
            writer.beginArray("fundings")
            for event in page.events {
                guard case .funded(let position, let amount, let terms) = event.body else { continue }
                writer.beginObject()
                writer.member("dataType", literal: "FUNDING")
                writer.member("market", position.instrument.name)
                writer.member("value", RailsFigures.printedMoney(amount))
                writer.member("rate", try terms?.ratePercent(of: amount) ?? .zero)
                writer.member("indexPrice", terms?.mark ?? .zero)
                writer.member("positionSize", terms?.quantity ?? .zero)
                writer.member("txCreated", event.at.milliseconds)
                writer.endObject()
            }
            writer.endArray()
            writer.rest(of: page, "FUNDING")
        }
    }
}

extension FundingTerms {
    /// The rate in percent: the one given, else the one that the amount comes to; nil without a price.
    fileprivate func ratePercent(of amount: ExactDecimal) throws(NumberError) -> ExactDecimal? {
        if let rate { return try rate.times(ExactDecimal(100), rounding: .halfEven) }
        guard let mark, !quantity.isZero else { return nil }
        return try (-ExactFraction(amount)).times(ExactDecimal(100))
            .over(RailsFigures.positionValue(quantity: quantity, indexPrice: mark))
            .rounded(places: ExactDecimal.places, rounding: .halfEven)
    }
}

extension JSONWriter {
    /// `last` of a page: market, what it is a page of, and the place in two ids and a time.
    fileprivate mutating func rest(of page: EventPage, _ kind: String) {
        guard let rest = page.rest, let last = page.events.last else { return }
        let market: String
        switch last.body {
        case .filled(let fill): market = fill.instrument.name
        case .funded(let position, _, _): market = position.instrument.name
        default: return
        }
        member(
            "last", "\(market)#\(kind)#\(OrderIdentifier.place(rest, at: last.at))@\(last.at.milliseconds)")
    }
}

/// Which members the row of a frame has.
enum OrderRowForm {
    case acknowledgement
    /// Without what is filled and the switches.
    case rejection
    /// With the average price.
    case fill
}

/// Identifiers that look like the venue's own and are always the same for the same thing.
enum OrderIdentifier {
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    /// A ULID: 48 bits of time and 80 of a digest, 26 characters of Crockford's base 32.
    private static func ulid(_ time: LedgerTime, _ rest: some Collection<UInt8>) -> String {
        var bits = UInt128(UInt64(max(0, time.milliseconds)) & 0xFFFF_FFFF_FFFF)
        for byte in rest.prefix(10) { bits = bits << 8 | UInt128(byte) }
        var text = [UInt8](repeating: 0, count: 26)
        for place in text.indices.reversed() {
            text[place] = alphabet[Int(truncatingIfNeeded: bits & 31)]
            bits >>= 5
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// An order's, from its account and its own id.
    static func order(account: String, order: String, placedAt: LedgerTime) -> String {
        ulid(placedAt, stableDigest(of: "rails order \(account)/\(order)"))
    }

    /// A request's, where the client gave none.
    static func request(account: String, order: String) -> String {
        uuidText(stableDigest(of: "rails request \(account)/\(order)"), isRandom: true)
    }

    /// A fill's.
    static func match(account: String, sequence: Int64) -> String {
        uuidText(stableDigest(of: "rails match \(account)/\(sequence)"), isRandom: true)
    }

    /// 64 hexadecimal digits.
    static func hash(account: String, sequence: Int64) -> String {
        hexText(stableDigest(of: "rails transaction \(account)/\(sequence)"))
    }

    /// A place in the journal, in the last bits of a ULID.
    static func place(_ sequence: Int64, at time: LedgerTime) -> String {
        let bytes = (0..<8).reversed().map { UInt8(truncatingIfNeeded: sequence >> Int64(8 * $0)) }
        return ulid(time, [0, 0] + bytes)
    }

    /// The place that a page's `last` names; nil for a text that names none.
    static func sequence(in last: String) -> Int64? {
        guard let text = last.split(separator: "#").last?.split(separator: "@").first, text.utf8.count == 26
        else {
            return nil
        }
        var bits: UInt128 = 0
        for byte in text.utf8 {
            guard let digit = alphabet.firstIndex(of: byte) else { return nil }
            bits = bits << 5 | UInt128(digit)
        }
        return Int64(exactly: bits & 0x7FFF_FFFF_FFFF_FFFF)
    }
}
