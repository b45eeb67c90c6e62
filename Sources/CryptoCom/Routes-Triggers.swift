import JSON
import Ledger
import Numbers
import Venue

/// Conditional orders: `private/advanced/…`, and the types of `private/create-order` that older clients send
/// there. Crypto.com Exchange API documentation, private/advanced.
extension CryptoComVenue {
    /// Places a conditional order; nil where the params ask for none.
    func placeTrigger(
        _ params: JSONValue, fallbackID: String, _ snapshot: AccountSnapshot, _ access: any VenueAccess
    ) async throws(VenueError) -> OrderNames? {
        guard let type = params["type"]?.text.flatMap(TriggerType.init(rawValue:)) else { return nil }
        let order = try OrderReading(params, snapshot, self).trigger(type, fallbackID: fallbackID)
        let events = try await trade(.placeConditional(order), snapshot.account.id, access)
        guard let event = events.first(where: { $0.typeName == "conditional_placed" }) else {
            throw .internal
        }
        return OrderNames(
            clientID: order.clientID ?? fallbackID, orderID: VenueNumber.order(event.sequence))
    }

    /// The conditional order that waits and is named; nil where none is.
    private func waiting(
        _ params: JSONValue, in account: Account
    ) throws(VenueError) -> ConditionalOrder? {
        if let value = params["order_id"], !value.isNull {
            guard let id = value.text ?? value.numberText else { throw .invalidRequest }
            return account.conditionals.last { $0.venueID == id }
        }
        guard let id = try Optional(params).text("client_oid"), !id.isEmpty else { throw .invalidArgument }
        return account.conditional(.client(id))
    }

    /// Cancels a conditional order that waits; nil where none is named.
    func cancelTrigger(
        _ params: JSONValue, _ snapshot: AccountSnapshot, _ access: any VenueAccess
    ) async throws(VenueError) -> OrderNames? {
        guard let order = try waiting(params, in: snapshot.account) else { return nil }
        _ = try await trade(.cancelConditional(.id(order.id)), snapshot.account.id, access)
        return OrderNames(order)
    }

    func amendTrigger(
        _ params: JSONValue, _ snapshot: AccountSnapshot, _ access: any VenueAccess
    ) async throws(VenueError) -> OrderNames {
        guard let order = try waiting(params, in: snapshot.account) else { throw .invalidOrderID }
        let change = try OrderReading(params, snapshot, self).change(of: order)
        _ = try await trade(
            .amendConditional(.id(order.id), quantity: change.quantity, legs: change.legs),
            snapshot.account.id, access)
        return OrderNames(order)
    }

    /// Conditional orders that wait, newest first.
    func writeOpenTriggers(
        of snapshot: AccountSnapshot, _ params: JSONValue, to writer: inout JSONWriter
    ) throws {
        let wanted = try wantedInstrument(params, at: snapshot.at)
        let form = form(snapshot)
        let found = snapshot.account.conditionals.reversed().filter {
            wanted.map($0.instrument.name.isExactly) ?? true
        }
        try writer.rows(found) { try form.write(TriggerRecord($0), to: &$1) }
    }

    /// One conditional order, waiting or not; false where none is named.
    func writeTrigger(
        _ params: JSONValue, _ snapshot: AccountSnapshot, _ history: TradingHistory,
        to writer: inout JSONWriter
    ) throws -> Bool {
        let form = form(snapshot)
        if let order = try waiting(params, in: snapshot.account) {
            try form.write(TriggerRecord(order), to: &writer)
            return true
        }
        let id = params["order_id"]?.text ?? params["order_id"]?.numberText
        let client = params["client_oid"]?.text
        let found = history.conditionals.last { record in
            id.map { record.order.venueID == $0 } ?? (record.order.terms.clientID == client)
        }
        guard let found else { return false }
        let trigger = try TriggerRecord(found, snapshot.account, history)
        try form.write(trigger, to: &writer)
        return true
    }

    /// Conditional orders that wait no longer, the last first.
    func writeTriggerHistory(
        _ params: JSONValue, _ snapshot: AccountSnapshot, _ history: TradingHistory,
        to writer: inout JSONWriter
    ) throws {
        let wanted = try wantedInstrument(params, at: snapshot.at)
        let page = try TimePage(params, now: snapshot.at, takesTexts: true)
        let form = form(snapshot)
        let found = page.rows(
            history.conditionals.filter { wanted.map($0.order.instrument.name.isExactly) ?? true }
        ) { RowMoment($0.endedAt, $0.order.sequence) }
        try history.require(.conditionals, since: page.oldest(of: found.map(\.endedAt)))
        let rows = try found.prefix(page.limit).map { try TriggerRecord($0, snapshot.account, history) }
        try writer.rows(rows) { try form.write($0, to: &$1) }
    }
}

/// A conditional order, with the order that it has placed.
struct TriggerRecord {
    let order: ConditionalOrder
    /// What became of it; nil while it waits.
    let ending: ConditionalRecord.Ending?
    let updatedAt: LedgerTime
    /// The order that it placed, open or ended.
    let placed: OrderRecord?

    /// One that waits.
    init(_ order: ConditionalOrder) {
        self.order = order
        ending = nil
        updatedAt = order.updatedAt
        placed = nil
    }

    /// One that waits no longer, with the order that it placed.
    init(
        _ order: ConditionalOrder, _ ending: ConditionalRecord.Ending, at time: LedgerTime,
        placed: OrderRecord?
    ) {
        self.order = order
        self.ending = ending
        updatedAt = time
        self.placed = placed
    }

    /// One that waits no longer.
    init(
        _ record: ConditionalRecord, _ account: Account, _ history: TradingHistory
    ) throws(HistoryForgotten) {
        order = record.order
        ending = record.ending
        updatedAt = record.endedAt
        guard case .triggered(_, _, let sequence?) = record.ending else {
            placed = nil
            return
        }
        if let order = account.order(.sequence(sequence)) {
            placed = OrderRecord(order)
        } else {
            placed = try history.ended(placedBy: sequence)
        }
    }

    /// `status`: of one that has fired that of the order that it placed.
    var status: String {
        get throws(NumberError) {
            switch ending {
            case nil: return "ACTIVE"
            case .triggered: return try placed?.status ?? "REJECTED"
            case .ended(let end):
                switch end.reason {
                case .cancelled, .contingency, .positionClosed: return "CANCELED"
                case .expired: return "EXPIRED"
                case .refused: return "REJECTED"
                }
            }
        }
    }

    /// `reason`: the code by which the order that it would have placed was refused.
    var reason: Int64 {
        get throws(NumberError) {
            guard case .ended(let end) = ending, let code = end.refusal else {
                return try placed?.reason ?? 0
            }
            return Int64(VenueError(Refusal(code, "")).code)
        }
    }
}

extension ConditionalOrder {
    /// `order_id`.
    var venueID: String { VenueNumber.order(sequence) }
}

extension OrderNames {
    init(_ order: ConditionalOrder) {
        self.init(clientID: order.terms.clientID ?? order.id, orderID: order.venueID)
    }
}

extension OrderForm {
    /// A row of `private/advanced/…`.
    func write(_ record: TriggerRecord, to writer: inout JSONWriter) throws(NumberError) {
        let order = record.order
        let leg = order.terms.legs.first
        let quantity = order.terms.quantity ?? .zero
        let fills = record.placed?.order
        writer.beginObject()
        writer.member("account_id", uuid)
        writer.member("order_id", order.venueID)
        writer.member("client_oid", order.terms.clientID ?? order.id)
        writer.member("order_type", order.terms.words.text("type") ?? TriggerType.stopLoss.rawValue)
        writer.member("time_in_force", order.terms.terms.timeInForce.word)
        writer.member("side", order.terms.side.word)
        writer.array("exec_inst", of: order.terms.terms.words[OrderWord.execution]?.elements ?? []) {
            word, writer in
            writer.string(word.text ?? "")
        }
        writer.member("quantity", quantity.description)
        if let price = leg?.price {
            writer.member("limit_price", price.description)
            writer.member("order_value", try VenueNumberForm.product(quantity, price))
        } else {
            writer.member("order_value", try VenueNumberForm.product(quantity, leg?.trigger.price ?? .zero))
        }
        writer.member("avg_price", try fills?.averagePrice(rules) ?? "0")
        writer.member("ref_price", leg?.trigger.price?.description ?? "0")
        writer.member("ref_price_type", (leg?.trigger.source ?? .mark).word)
        writer.member("cumulative_quantity", try fills?.filled.description ?? "0")
        writer.member("cumulative_value", try fills?.cumulativeValue ?? "0")
        writer.member("cumulative_fee", try fills?.cumulativeFee ?? "0")
        writer.member("status", try record.status)
        writer.member("update_user_id", uuid)
        writer.member("order_date", String(order.placedAt.iso8601.prefix(10)))
        writer.member("instrument_name", order.instrument.name)
        writer.member("fee_instrument_name", fills?.feeAsset ?? order.instrument.quote)
        writeList(order.terms.words, to: &writer)
        if let placed = record.placed {
            writer.member("exchange_order_id", placed.order.venueID(of: account.id))
        }
        writer.member("reason", try record.reason)
        writer.member("create_time", order.placedAt)
        writer.member("create_time_ns", RowMoment(order.placedAt, order.sequence).nanoseconds)
        writer.member("update_time", record.updatedAt)
        writer.endObject()
    }
}
