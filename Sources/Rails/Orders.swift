import JSON
import Ledger
import Numbers
import Venue

/// An order, a change of one or a cancellation as a client asks for it on the socket. Fields: Rails API
/// documentation, Create, Modify and Cancel Order; what is refused, and how, is a choice wherever it is not
/// the post-only order.
struct OrderReading {
    let content: JSONValue
    let snapshot: AccountSnapshot
    let rules: RuleTable
    let prices: ValuationPrices
    /// The market that the socket was opened for; nil for all.
    let market: String?

    init(_ content: JSONValue, _ snapshot: AccountSnapshot, _ venue: RailsVenue, market: String?) {
        self.content = content
        self.snapshot = snapshot
        self.market = market
        rules = venue.rules(at: snapshot.at)
        prices = venue.market(snapshot.prices, at: snapshot.at)
    }

    /// The order of a `createOrder`.
    func order() throws(RailsError) -> OrderInstruction {
        let instrument = try instrument()
        let side = try side()
        let isMarket: Bool
        switch content["tradeType"]?.text {
        case "limit": isMarket = false
        case "market": isMarket = true
        default: throw .badRequest("invalid tradeType")
        }
        let price = isMarket ? nil : try number("price", step: rules.orders.priceStep)
        let quantity = try number("quantity", step: rules.orders.quantityStep)
        let postOnly = try flag("postOnly")
        if isMarket, postOnly { throw .badRequest("invalid postOnly") }
        let reduceOnly = try flag("reduceOnly")
        if isMarket { try checkSlippage() }
        var terms = OrderTerms(
            clientID: try requestID(), kind: isMarket ? .market : .limit, postOnly: postOnly)
        if isMarket { terms.words["maxSlippage"] = content["maxSlippage"] }
        var order = OrderInstruction(
            instrument: instrument.name, side: side, quantity: quantity, price: price, terms: terms)
        order.reduceOnly = reduceOnly
        try checkValue(quantity, price ?? prices.mark(instrument))
        try checkLeverage(instrument)
        return order
    }

    /// The open order that is meant: by `orderId`, or by `clientRequestId` where `cancelBy` says so.
    func named() throws(RailsError) -> OpenOrder {
        let account = snapshot.account
        let isClient: Bool
        switch content["cancelBy"]?.text {
        case nil, "orderId": isClient = false
        case "clientRequestId": isClient = true
        default: throw .badRequest("invalid cancelBy")
        }
        guard let id = content[isClient ? "clientRequestId" : "orderId"]?.text, !id.isEmpty else {
            throw .badRequest(isClient ? "invalid clientRequestId" : "invalid orderId")
        }
        let order = account.orders.last { order in
            id.isExactly(isClient ? order.requestID(of: account.id) : order.venueID(of: account.id))
                && (market ?? order.instrument.name) == order.instrument.name
        }
        guard let order else { throw .orderNotFound }
        return order
    }

    /// The change of a `modifyOrder`: another price, another quantity of what is left, or both.
    func change(of order: OpenOrder) throws(RailsError) -> (quantity: ExactDecimal, price: ExactDecimal) {
        let price = content["price"] == nil ? order.price : try number("price", step: rules.orders.priceStep)
        let rest =
            content["quantity"] == nil
            ? order.remaining : try number("quantity", step: rules.orders.quantityStep)
        try checkValue(rest, price)
        guard let quantity = try? order.filled + rest else { throw .badRequest("invalid quantity") }
        return (quantity, price)
    }

    // MARK: - Fields

    /// The socket's market, or the one that the order names.
    func instrument() throws(RailsError) -> Instrument {
        let named = content["market"]?.text
        guard let name = market ?? named, named == nil || named == name, let found = rules.terms(of: name)
        else { throw .badRequest("invalid market") }
        return found
    }

    func side() throws(RailsError) -> Side {
        switch content["orderType"]?.text {
        case "buy": .buy
        case "sell": .sell
        default: throw .badRequest("invalid orderType")
        }
    }

    /// A number above zero, as a text or a number, in whole steps.
    func number(_ name: String, step: ExactDecimal) throws(RailsError) -> ExactDecimal {
        guard let value = content[name], let text = value.text ?? value.numberText,
            let number = try? ExactDecimal(text), number.isPositive, number.isMultiple(of: step)
        else { throw .badRequest("invalid \(name)") }
        return number
    }

    func flag(_ name: String) throws(RailsError) -> Bool {
        guard let value = content[name], !value.isNull else { return false }
        guard let flag = value.boolean else { throw .badRequest("invalid \(name)") }
        return flag
    }

    /// The client's own id, a UUID; nil where none was sent.
    func requestID() throws(RailsError) -> String? {
        guard let value = content["clientRequestId"], !value.isNull else { return nil }
        guard let text = value.text, text.utf8.count == 36, text.split(separator: "-").count == 5 else {
            throw .badRequest("invalid clientRequestId")
        }
        return text
    }

    private func checkSlippage() throws(RailsError) {
        guard let value = content["maxSlippage"], !value.isNull else { return }
        guard let text = value.text ?? value.numberText, let share = try? ExactDecimal(text),
            !share.isNegative, share < .one
        else { throw .badRequest("invalid maxSlippage") }
    }

    func checkValue(_ quantity: ExactDecimal, _ price: ExactDecimal?) throws(RailsError) {
        guard let price else { return }
        guard let value = try? quantity.times(price, rounding: .halfEven) else {
            throw .badRequest("invalid quantity")
        }
        if value < rules.orders.minimumValue { throw .badRequest("order value below minimum") }
    }

    private func checkLeverage(_ instrument: Instrument) throws(RailsError) {
        guard let value = content["leverage"], !value.isNull else { return }
        let own = snapshot.account.leverage(of: instrument.name, rules)
        guard let text = value.text ?? value.numberText, let leverage = try? ExactDecimal(text),
            leverage == own
        else { throw .badRequest("leverage does not match") }
    }
}

extension Account {
    /// The leverage that orders of a market have: the market's where it was set, else the account's.
    func leverage(of market: String, _ rules: RuleTable) -> ExactDecimal {
        leverage(market, side: .net, marginMode: railsMarginMode(of: market)) ?? railsLeverage
            ?? rules.defaultLeverage
    }
}

extension RailsError {
    static let orderNotFound = RailsError(status: 404, message: "order not found")

    /// What the exchange's refusal of an order is here. Wordings are choices.
    init(_ refusal: Refusal) {
        switch refusal.code {
        case .insufficientBalance: self = .badRequest("insufficient margin")
        case .nothingToReduce: self = .badRequest("reduce-only order would not reduce a position")
        case .orderExists: self = .badRequest("clientRequestId is in use")
        case .unknownOrder: self = .orderNotFound
        case .wouldTake:
            self = .badRequest("Post-only order rejected as it would have matched immediately")
        case .priceMissing, .tooMany, .notAllowed, .noPosition, .invalidAmount, .unchanged, .unfillable:
            self = .badRequest(refusal.message)
        case .overflow: self = .badRequest("invalid quantity")
        case .timedOut: self = RailsError(status: 504, message: "request timed out")
        default: self = .internalError
        }
    }
}

extension OpenOrder {
    /// `orderId`: another one for every change of the order, as at the venue.
    func venueID(of account: String) -> String {
        OrderIdentifier.order(
            account: account, order: amendments == 0 ? id : "\(id)/\(amendments)",
            placedAt: amendedAt ?? placedAt)
    }

    /// `clientRequestId`: the client's own, or one made for the order; the name of an order of the
    /// operator's.
    func requestID(of account: String) -> String {
        guard let terms else { return id }
        return terms.clientID ?? OrderIdentifier.request(account: account, order: id)
    }

    var tradeType: StaticString { terms?.kind == .market ? "market" : "limit" }

    /// `avgFillPrice`: value ÷ quantity of the fills; "0" without any.
    var averagePrice: ExactDecimal {
        get throws(NumberError) {
            let filled = try filled
            guard let fills, filled.isPositive else { return .zero }
            return try fills.value.over(filled, rounding: .halfEven)
        }
    }
}

extension OrderRecord {
    /// `orderStatus`.
    var status: StaticString {
        switch ending {
        case nil: "active"
        case .filled: "filled"
        case .cancelled, .ended, .refused: "cancelled"
        }
    }
}
