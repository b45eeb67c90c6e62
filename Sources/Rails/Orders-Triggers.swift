import JSON
import Ledger
import Numbers
import Venue

// Trigger orders. The venue's own page offers them, as market orders once the index has come to a price; no
// call is published. Names, members and frames are choices in the form of its other calls.

/// The venue's members of an order that a trigger placed, which its fills repeat.
enum TriggerWord {
    static let type = "triggerType"
    static let price = "triggerPrice"
    static let createdAt = "triggerCreatedAt"
}

/// What a trigger is for.
enum TriggerType: String {
    case stopLoss
    case takeProfit

    /// Whether the price comes up to the trigger, of an order of this side.
    func rises(_ side: Side) -> Bool { (self == .stopLoss) == (side == .buy) }
}

extension OrderReading {
    /// The order of a `createTriggerOrder`: a market order once the index comes to `triggerPrice`; of the
    /// whole position where no quantity is named. It only reduces unless it says otherwise.
    func trigger() throws(RailsError) -> ConditionalInstruction {
        let instrument = try instrument()
        let side = try side()
        guard let word = content["triggerType"]?.text, let type = TriggerType(rawValue: word) else {
            throw .badRequest("invalid triggerType")
        }
        let price = try number("triggerPrice", step: rules.orders.priceStep)
        let isWhole = content["quantity"].map(\.isNull) ?? true
        let quantity = isWhole ? nil : try number("quantity", step: rules.orders.quantityStep)
        let reduceOnly = try content["reduceOnly"].map(\.isNull) ?? true ? true : flag("reduceOnly")
        if isWhole, !reduceOnly { throw .badRequest("invalid quantity") }
        if let quantity { try checkValue(quantity, price) }
        guard let index = prices.mark(instrument), type.rises(side) ? price > index : price < index else {
            throw .badRequest("invalid triggerPrice")
        }
        let clientID = try requestID()
        if let clientID, snapshot.account.conditional(.client(clientID)) != nil {
            throw .badRequest("clientRequestId is in use")
        }
        let leg = ConditionalLeg(
            type.rawValue, Trigger(.mark, at: price, rises: type.rises(side)), price: nil)
        var order = ConditionalInstruction(
            instrument: instrument.name, side: side, quantity: quantity, legs: [leg], clientID: clientID)
        order.reduceOnly = reduceOnly
        order.terms = OrderTerms(kind: .market)
        order.terms.words[TriggerWord.type] = .string(type.rawValue)
        order.terms.words[TriggerWord.price] = .string(price.description)
        order.terms.words[TriggerWord.createdAt] = .number(String(snapshot.at.milliseconds))
        return order
    }

    /// The trigger order that is meant, by `triggerOrderId`.
    func namedTrigger() throws(RailsError) -> ConditionalOrder {
        guard let id = content["triggerOrderId"]?.text, !id.isEmpty else {
            throw .badRequest("invalid triggerOrderId")
        }
        let account = snapshot.account
        let order = account.conditionals.last { order in
            order.venueID(of: account.id).isExactly(id)
                && (market ?? order.instrument.name) == order.instrument.name
        }
        guard let order else { throw .orderNotFound }
        return order
    }
}

extension ConditionalOrder {
    /// `triggerOrderId`.
    func venueID(of account: String) -> String {
        OrderIdentifier.order(account: account, order: "trigger \(id)", placedAt: placedAt)
    }

    /// `clientRequestId`: the client's own, or one made for it.
    func requestID(of account: String) -> String {
        terms.clientID ?? OrderIdentifier.request(account: account, order: "trigger \(id)")
    }
}

extension RailsVenue {
    /// `GET /api/v1/trigger-orders[?market=]`: those that wait, newest first.
    func triggerOrders(
        of account: Account, _ query: [QueryItem], _ rules: RuleTable
    ) throws -> [UInt8] {
        let filter = try MarketFilter(query, rules: rules)
        return JSONWriter.object(reserving: 128 + account.conditionals.count * 384) { writer in
            writer.beginArray("triggerOrders")
            for order in account.conditionals.reversed() where filter.shows(order.instrument.name) {
                write(order, "active", at: order.updatedAt, of: account, isNamed: false, to: &writer)
            }
            writer.endArray()
        }
    }

    /// A trigger order's row: bare, or as the member `order` of a frame. `quantity` is "0" of one that closes
    /// the whole position.
    func write(
        _ order: ConditionalOrder, _ state: String, at time: LedgerTime, of account: Account, isNamed: Bool,
        to writer: inout JSONWriter
    ) {
        let leg = order.terms.legs.first
        if isNamed { writer.key("order") }
        writer.beginObject()
        if isNamed {
            writer.member("userId", accountUUID(account.id))
        }
        writer.member("triggerOrderId", order.venueID(of: account.id))
        writer.member("market", order.instrument.name)
        writer.member("orderType", literal: order.terms.side == .buy ? "buy" : "sell")
        writer.member("tradeType", literal: "market")
        writer.member("triggerType", leg?.name ?? "none")
        writer.member("triggerPrice", leg?.trigger.price ?? .zero)
        writer.member("quantity", order.terms.quantity ?? .zero)
        writer.member("orderStatus", state)
        writer.member("createdAt", order.placedAt.milliseconds)
        writer.member("updatedAt", time.milliseconds)
        writer.member("reduceOnly", order.terms.reduceOnly)
        if !isNamed {
            writer.member("clientRequestId", order.requestID(of: account.id))
        }
        writer.endObject()
    }
}

extension OpenOrder {
    /// Writes `triggerType` and `triggerPrice` of a fill of it: `none` and 0 where no trigger placed it.
    func writeTrigger(to writer: inout JSONWriter) {
        writer.member("triggerType", terms?.words.text(TriggerWord.type) ?? "none")
        writer.member("triggerPrice", terms?.words.text(TriggerWord.price) ?? "0")
    }

    /// `triggerCreatedAt`; 0 where no trigger placed it.
    var triggerCreatedAt: Int64 { terms?.words[TriggerWord.createdAt]?.integer ?? 0 }
}
