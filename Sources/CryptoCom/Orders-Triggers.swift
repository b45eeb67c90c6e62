import JSON
import Ledger
import Numbers
import Venue

/// Kinds of conditional order, by the venue's names (Crypto.com Exchange API documentation,
/// private/advanced/create-order).
enum TriggerType: String {
    case stopLoss = "STOP_LOSS"
    case stopLimit = "STOP_LIMIT"
    case takeProfit = "TAKE_PROFIT"
    case takeProfitLimit = "TAKE_PROFIT_LIMIT"

    /// Whether it places a limit order.
    var isLimit: Bool { self == .stopLimit || self == .takeProfitLimit }

    /// Whether the price comes up to the trigger: of buy stops and of what takes the profit of a long
    /// position.
    func rises(_ side: Side) -> Bool { (self == .stopLoss || self == .stopLimit) == (side == .buy) }
}

extension TriggerSource {
    /// As the venue spells it.
    var word: String {
        switch self {
        case .mark: "MARK_PRICE"
        case .index: "INDEX_PRICE"
        case .last: "LAST_PRICE"
        }
    }

    init?(word: String) {
        guard let source = Self.allCases.first(where: { $0.word == word }) else { return nil }
        self = source
    }
}

/// What a conditional order is attached to.
struct Attachment {
    /// The member that names it.
    let word: String
    let id: String
    var order: OpenOrder?
    var position: Position?

    /// Notes it. Of what is attached to an order for a spot pair the one that fires cancels the other; of a
    /// contract's each stands by itself.
    fileprivate func mark(_ instruction: inout ConditionalInstruction) {
        instruction.words[word] = .string(id)
        if let order {
            let isSpot = !order.instrument.kind.isDerivative
            instruction.words[OrderWord.contingency] = .string(isSpot ? "SPOT_ATTACH" : "DERIV_ATTACH")
            instruction.order = order.id
            instruction.marginMode = order.marginMode
            if isSpot { instruction.terms.list = "attached to \(order.id)" }
        }
        if let position {
            instruction.marginMode = position.marginMode
            instruction.endsWithPosition = true
        }
    }
}

extension OrderReading {
    /// A conditional order. `entry` is the price that its trigger is compared with, where it only begins to
    /// wait when an order at that price is filled.
    func trigger(
        _ type: TriggerType, fallbackID: String, entry: ExactDecimal? = nil
    ) throws(VenueError) -> ConditionalInstruction {
        let name = try required("instrument_name")
        let side = try Self.side(try required("side"))
        let force = try timeInForce()
        let words = try executionWords()
        let clientID = try clientID("client_oid") ?? fallbackID
        let rule = try instrument(name)
        let price = type.isLimit ? try price("price", rule) : nil
        let quantity = try quantity("quantity", rule)
        let attachment = try attachment(name, side, reduces: words.contains("REDUCE_ONLY"))
        let leg = try leg(
            "ref_price", type, side, rule, price: price, entry: entry ?? attachment?.order?.price)
        if snapshot.account.conditional(.client(clientID)) != nil { throw .duplicateClientID }

        var terms = OrderTerms(
            clientID: clientID, kind: type.isLimit ? .limit : .market,
            timeInForce: type.isLimit ? force : .goodTillCancelled, postOnly: words.contains("POST_ONLY"),
            expiresAt: rule.expiry)
        terms.words = try self.words(words, isMarket: !type.isLimit)
        try preventSelfTrade(&terms)
        var order = ConditionalInstruction(
            instrument: name, side: side, quantity: quantity, legs: [leg], clientID: clientID)
        order.reduceOnly = words.contains("REDUCE_ONLY")
        if words.contains("ISOLATED_MARGIN") { order.marginMode = .isolated }
        order.terms = terms
        order.expiresAt = rule.expiry
        order.words["type"] = .string(type.rawValue)
        attachment?.mark(&order)
        return order
    }

    /// What a conditional order is attached to: an open order of the instrument, or a position, "0" the cross
    /// one, which it may only reduce. Nil where it stands by itself.
    private func attachment(
        _ name: String, _ side: Side, reduces: Bool
    ) throws(VenueError) -> Attachment? {
        let account = snapshot.account
        let orderID = params[OrderWord.attachedOrder].flatMap { $0.text ?? $0.numberText }
        let isolation = params[OrderWord.attachedIsolation].flatMap { $0.text ?? $0.numberText }
        if let orderID {
            if isolation != nil { throw .invalidArgument }
            let order = account.orders.last { $0.venueID(of: account.id) == orderID }
            guard let order, order.instrument.name == name, order.side != side else { throw .invalidOrderID }
            return Attachment(word: OrderWord.attachedOrder, id: orderID, order: order)
        }
        guard let isolation else { return nil }
        if !reduces { throw .invalidExecution }
        let mode: MarginMode = isolation == "0" ? .cross : .isolated
        let isNamed =
            mode == .cross || isolation == StableIdentifier.isolation(account: account.id, instrument: name)
        guard isNamed, let position = account.position(name, side: .net, marginMode: mode),
            position.isLong == (side == .sell)
        else { throw .noPosition }
        return Attachment(word: OrderWord.attachedIsolation, id: isolation, position: position)
    }

    /// What fires a conditional order: at `ref_price`, which must lie on the side that its type watches.
    private func leg(
        _ key: String, _ type: TriggerType, _ side: Side, _ rule: InstrumentRule, price: ExactDecimal?,
        entry: ExactDecimal?
    ) throws(VenueError) -> ConditionalLeg {
        let word = try Optional(params).text("ref_price_type") ?? TriggerSource.mark.word
        guard let source = TriggerSource(word: word) else { throw .invalidReferencePriceType }
        let level = try reference(key, rule, source, rises: type.rises(side), entry: entry)
        return ConditionalLeg(
            type.rawValue, Trigger(source, at: level, rises: type.rises(side)), price: price)
    }

    private func reference(
        _ key: String, _ rule: InstrumentRule, _ source: TriggerSource, rises: Bool,
        entry: ExactDecimal? = nil
    ) throws(VenueError) -> ExactDecimal {
        guard let text = params[key]?.text, let level = try? ExactDecimal(text), level.isPositive,
            level.isMultiple(of: rule.priceTick)
        else { throw .invalidReferencePrice }
        guard let now = entry ?? source.price(of: rule.terms, snapshot.prices, market) else {
            throw .noMarkPrice
        }
        guard rises ? level > now : level < now else { throw .invalidReferencePrice }
        return level
    }

    /// The change of a conditional order that waits: quantity, limit and, where it is named, trigger price.
    func change(
        of order: ConditionalOrder
    ) throws(VenueError) -> (quantity: ExactDecimal, legs: [ConditionalLeg]) {
        let rule = try instrument(order.instrument.name)
        for key in ["new_price", "new_quantity"] where params[key] == nil { throw .invalidArgument }
        let quantity = try quantity("new_quantity", rule)
        guard var leg = order.terms.legs.first else { throw .invalidOrderID }
        // "0" makes a limit order one at the market, anything above the reverse.
        leg.price =
            params["new_price"]?.text.flatMap { try? ExactDecimal($0) }?.isZero == true
            ? nil : try price("new_price", rule)
        if params["new_ref_price"] != nil {
            leg.trigger.price = try reference(
                "new_ref_price", rule, leg.trigger.source, rises: leg.trigger.rises ?? false)
        }
        return (quantity, [leg])
    }
}
