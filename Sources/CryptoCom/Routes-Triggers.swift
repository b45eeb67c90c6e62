import JSON
import Ledger
import Numbers
import Venue

/// Conditional orders: `private/advanced/…`, and the types of `private/create-order` that older clients send
/// there. Crypto.com Exchange API documentation, private/advanced.
extension AccountRequest {
    /// Places a conditional order; nil where the params ask for none.
    func placeTrigger(fallbackID: String) async throws(VenueError) -> OrderNames? {
        guard let type = params["type"]?.text.flatMap(TriggerType.init(rawValue:)) else { return nil }
        let order = try reading.trigger(type, fallbackID: fallbackID)
        let events = try await trade(.placeConditional(order))
        guard let event = events.first(where: { $0.typeName == "conditional_placed" }) else {
            throw .internal
        }
        return OrderNames(
            clientID: order.clientID ?? fallbackID, orderID: VenueNumber.order(event.sequence))
    }

    /// The conditional order that waits and is named; nil where none is.
    private func waiting() throws(VenueError) -> ConditionalOrder? {
        if let id = try orderID() { return account.conditionals.last { $0.venueID == id } }
        return account.conditional(.client(try required("client_oid")))
    }

    /// Cancels a conditional order that waits; nil where none is named.
    func cancelTrigger() async throws(VenueError) -> OrderNames? {
        guard let order = try waiting() else { return nil }
        try await trade(.cancelConditional(.id(order.id)))
        return OrderNames(order)
    }

    func amendTrigger() async throws(VenueError) -> OrderNames {
        guard let order = try waiting() else { throw .invalidOrderID }
        let change = try reading.change(of: order)
        try await amend(.amendConditional(.id(order.id), quantity: change.quantity, legs: change.legs))
        return OrderNames(order)
    }

    /// The conditional order that is named, waiting or not; nil where there is none.
    func trigger(_ history: TradingHistory) throws -> TriggerRecord? {
        if let order = try waiting() { return TriggerRecord(order) }
        let id = params["order_id"]?.text ?? params["order_id"]?.numberText
        let client = params["client_oid"]?.text
        return try history.conditionals.last { record in
            id.map { record.order.venueID == $0 } ?? (record.order.terms.clientID == client)
        }
        .map { try TriggerRecord($0, account, history) }
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
