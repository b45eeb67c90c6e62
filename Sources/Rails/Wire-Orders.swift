import Crypto
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
        var writer = JSONWriter(reserving: 128 + orders.count * 384)
        writer.beginObject()
        writer.key("openOrders")
        writer.beginArray()
        for order in orders { try write(order, of: account, rules, to: &writer) }
        writer.endArray()
        if !isLast, let last = orders.last {
            writer.key("last")
            writer.string(pageKey(of: last, account))
        }
        writer.endObject()
        return writer.bytes
    }

    /// Where a page ends: market, order and account.
    func pageKey(of order: OpenOrder, _ account: Account) -> String {
        let id = OrderIdentifier.order(account: account.id, order: order.id, placedAt: order.placedAt)
        return "\(order.instrument.name)#\(id)#\(accountUUID(account.id))"
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
        try write(order, of: account, rules, to: &writer)
        if named { writer.endObject() }
        return writer.bytes
    }

    /// The row that all calls have: `quantity` is what is left, `filledQuantity` what was filled.
    private func write(
        _ order: OpenOrder, of account: Account, _ rules: RuleTable, to writer: inout JSONWriter
    ) throws(NumberError) {
        let filled = try order.filled
        let market = order.instrument.name
        let own =
            profile == .live ? account.leverage(market, side: .net, marginMode: order.marginMode) : nil
        writer.beginObject()
        writer.key("market")
        writer.string(market)
        writer.key("orderId")
        writer.string(
            OrderIdentifier.order(account: account.id, order: order.id, placedAt: order.placedAt))
        writer.key("orderType")
        writer.literal(order.side == .buy ? "buy" : "sell")
        writer.key("tradeType")
        writer.literal("limit")
        writer.member("price", order.price)
        writer.member("quantity", order.remaining)
        writer.member("filledQuantity", filled)
        writer.member("leverage", own ?? account.railsLeverage ?? rules.defaultLeverage)
        writer.key("createdAt")
        writer.integer(order.placedAt.milliseconds)
        writer.key("updatedAt")
        writer.integer(order.updatedAt.milliseconds)
        writer.key("orderStatus")
        writer.literal("active")
        writer.key("clientRequestId")
        writer.string(order.id)
        writer.key("postOnly")
        writer.bool(false)
        writer.member(
            "avgFillPrice",
            filled.isZero
                ? .zero : try (order.fills?.value ?? .zero).over(filled, rounding: .halfEven))
        if order.reduceOnly {
            writer.key("reduceOnly")
            writer.bool(true)
        }
        writer.endObject()
    }

    // MARK: - Fills and fundings

    /// A page of fills, newest first.
    func completedOrdersBody(_ page: EventPage, of account: String) throws(NumberError) -> [UInt8] {
        var writer = JSONWriter(reserving: 128 + page.events.count * 512)
        writer.beginObject()
        writer.key("completedOrders")
        writer.beginArray()
        for event in page.events {
            if case .filled(let fill) = event.body { write(fill, event, of: account, to: &writer) }
        }
        writer.endArray()
        writer.rest(of: page, "FEES")
        writer.endObject()
        return writer.bytes
    }

    /// Whose order it was and what the fill is called are derived; that there is a hash is published, and
    /// this one is of nothing that was settled.
    private func write(_ fill: Fill, _ event: Event, of account: String, to writer: inout JSONWriter) {
        let name = fill.orderID ?? "fill \(event.sequence)"
        writer.beginObject()
        writer.key("market")
        writer.string(fill.instrument.name)
        writer.key("matchId")
        writer.string(OrderIdentifier.match(account: account, sequence: event.sequence))
        writer.key("orderId")
        writer.string(
            OrderIdentifier.order(
                account: account, order: name, placedAt: fill.order?.placedAt ?? event.at))
        writer.key("orderType")
        writer.literal(fill.side == .buy ? "buy" : "sell")
        writer.key("executionType")
        writer.literal(fill.orderID == nil ? "taker" : "maker")
        writer.key("fillType")
        writer.literal(fill.order.map(\.isComplete) ?? true ? "complete" : "partial")
        writer.member("price", fill.price)
        writer.member("quantity", fill.quantity)
        writer.key("tradeType")
        writer.literal(fill.orderID == nil ? "market" : "limit")
        writer.member("fees", fill.fee)
        writer.key("triggerType")
        writer.literal(fill.liquidation ? "liquidation" : "none")
        writer.member("triggerPrice", fill.liquidation ? fill.price : .zero)
        writer.key("transactionHash")
        writer.string(OrderIdentifier.hash(account: account, sequence: event.sequence))
        writer.key("filledAt")
        writer.integer(event.at.milliseconds)
        writer.endObject()
    }

    /// A page of fundings, newest first.
    func fundingsBody(_ page: EventPage) throws(NumberError) -> [UInt8] {
        var writer = JSONWriter(reserving: 128 + page.events.count * 256)
        writer.beginObject()
        writer.key("fundings")
        writer.beginArray()
        for event in page.events {
            guard case .funded(let position, let amount, let terms) = event.body else { continue }
            writer.beginObject()
            writer.key("dataType")
            writer.literal("FUNDING")
            writer.key("market")
            writer.string(position.instrument.name)
            writer.member("value", RailsFigures.printedMoney(amount))
            writer.member("rate", try terms?.ratePercent(of: amount) ?? .zero)
            writer.member("indexPrice", terms?.mark ?? .zero)
            writer.member("positionSize", terms?.quantity ?? .zero)
            writer.key("txCreated")
            writer.integer(event.at.milliseconds)
            writer.endObject()
        }
        writer.endArray()
        writer.rest(of: page, "FUNDING")
        writer.endObject()
        return writer.bytes
    }
}

extension FundingTerms {
    /// The rate in per cent: the one given, else the one that the amount comes to; nil without a price.
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
        key("last")
        string("\(market)#\(kind)#\(OrderIdentifier.place(rest, at: last.at))@\(last.at.milliseconds)")
    }
}

/// Identifiers that look like the venue's own and are always the same for the same thing.
enum OrderIdentifier {
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    private static func digest(_ text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

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
        ulid(placedAt, digest("rails order \(account)/\(order)"))
    }

    /// A fill's.
    static func match(account: String, sequence: Int64) -> String {
        uuidText(digest("rails match \(account)/\(sequence)"))
    }

    /// 64 hexadecimal digits.
    static func hash(account: String, sequence: Int64) -> String {
        hexText(digest("rails transaction \(account)/\(sequence)"))
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
