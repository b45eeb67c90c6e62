import Ledger
import Numbers

/// Orders of a venue's clients: placed, amended, canceled.
extension Exchange {
    func trade(
        _ instruction: TradeInstruction, _ command: Command, in ledger: inout LedgerState, judges: Judges,
        now: LedgerTime
    ) throws(Refusal) -> Outcome {
        var handler = try ledger.handler(of: command, judges: judges, now: now)
        let bodies: [EventBody]
        switch instruction {
        case .place(let order):
            let setting = order.leverage.map {
                LeverageSetting(
                    instrument: order.instrument, side: nil, marginMode: .isolated, leverage: $0)
            }
            if let setting { handler.set(setting) }
            bodies = (setting.map { [.leverageSet($0)] } ?? []) + (try place(order, &handler))
        case .placeBeside(let order, let conditionals):
            bodies = try place(order, beside: conditionals, &handler)
        case .amend(let reference, let instrument, let quantity, let price, let terms):
            bodies = try amend(reference, instrument, quantity, price, terms, &handler)
        case .refuse(let order, let code): bodies = [try refuse(order, code, &handler)]
        case .cancel(let reference, let instrument):
            bodies = [.orderCancelled(orderID: try open(reference, instrument, handler).id)]
        case .cancelAll(let instrument):
            bodies = handler.account.orders.filter { instrument == nil || $0.instrument.name == instrument }
                .map { .orderCancelled(orderID: $0.id) }
        case .placeConditional, .amendConditional, .cancelConditional, .cancelAllConditionals:
            bodies = try conditional(instruction, &handler)
        case .setTimer(let timer):
            let stands = handler.account.timers.contains { $0.instrument == timer.instrument }
            bodies = timer.at == nil && !stands ? [] : [.timerSet(timer)]
        }
        guard !bodies.isEmpty else { return Outcome(events: [], own: -1) }
        let events = try ledger.settle(bodies, handler: handler, forced: false)
        let ended = endOrphans(of: events, judges: judges, in: &ledger)
        return Outcome(events: events + ended, own: events.count - bodies.count)
    }

    private func open(
        _ reference: OrderReference, _ instrument: String?, _ handler: CommandHandler
    ) throws(Refusal) -> OpenOrder {
        guard let order = handler.account.order(reference, of: instrument) else {
            throw Refusal(
                .unknownOrder, "Account \(handler.account.id) has no such open order.", field: "order_id")
        }
        return order
    }

    // MARK: - Placing

    private func place(
        _ order: OrderInstruction, beside conditionals: [ConditionalInstruction],
        _ handler: inout CommandHandler
    ) throws(Refusal) -> [EventBody] {
        var bodies = try place(order, &handler)
        let isOver = bodies.contains { body in
            switch body {
            case .filled, .orderEnded: true
            default: false
            }
        }
        if isOver { return bodies }
        for conditional in conditionals {
            bodies += try self.conditional(.placeConditional(conditional), &handler)
        }
        return bodies
    }

    func place(
        _ wanted: OrderInstruction, _ handler: inout CommandHandler
    ) throws(Refusal) -> [EventBody] {
        let instrument = try handler.instrument(wanted.instrument)
        guard let terms = handler.judge.tradingTerms(of: instrument, in: handler.account, at: handler.time)
        else {
            throw Refusal(.notAllowed, "\(wanted.instrument) is not traded here.", field: "instrument")
        }
        if let clientID = wanted.terms.clientID, handler.account.order(.client(clientID)) != nil {
            throw Refusal(
                .orderExists, "Account \(handler.account.id) already has an open order \(clientID).",
                field: "client_order_id")
        }
        let touch = touch(of: instrument, handler, terms)
        var quantity = try quantity(wanted, touch, terms)
        if wanted.reduceOnly { quantity = min(quantity, try reducible(wanted, instrument, handler)) }
        let price = try limit(wanted, touch, terms)
        let order = try handler.order(wanted, quantity: quantity, price: price)
        if order.closesHedgeLeg {
            let held = Self.reducible(order.position, by: order.side, handler.account) ?? .zero
            guard quantity <= held else {
                throw Refusal(
                    .noPosition, "The position is \(held); an order cannot close more.", field: "quantity")
            }
        }
        let (before, ends) = preventSelfTrade(of: order, touch, handler.account)
        if ends { return before + [.orderPlaced(order), .orderEnded(orderID: order.id, .selfTrade)] }
        return before + (try execute(order, touch, terms, handler))
    }

    /// What becomes of an order at once.
    private func execute(
        _ order: OpenOrder, _ touch: Touch?, _ terms: TradingTerms, _ handler: CommandHandler
    ) throws(Refusal) -> [EventBody] {
        let taken = taken(order, touch, handler.account)
        let isWhole = taken == order.quantity
        if order.terms?.timeInForce == .fillOrKill, !isWhole, execution != .manual {
            if terms.refusesAtOnce {
                throw Refusal(.unfillable, "The order cannot be filled at once as a whole.", field: "price")
            }
            return [.orderPlaced(order), .orderEnded(orderID: order.id, .unfillable)]
        }
        if order.terms?.postOnly == true, wouldTake(order, touch) {
            if terms.refusesAtOnce {
                throw Refusal(.wouldTake, "A post-only order would fill at once.", field: "price")
            }
            return [.orderPlaced(order), .orderEnded(orderID: order.id, .postOnly)]
        }
        var bodies: [EventBody] = [.orderPlaced(order)]
        if let touch, taken.isPositive {
            let fill = try fill(order, taken, touch, terms, handler)
            // What others lose by it they lose before the order is there, as the venues tell it.
            bodies = try trade(fill, of: order, handler).afterEnds(bodies)
            bodies += attached(to: order, by: fill, handler)
        }
        if !isWhole, execution != .manual, let end = end(of: order) {
            bodies.append(.orderEnded(orderID: order.id, end))
        }
        return bodies
    }

    /// How much is asked for: as given, or as many whole lots as the notional has the price of.
    private func quantity(
        _ wanted: OrderInstruction, _ touch: Touch?, _ terms: TradingTerms
    ) throws(Refusal) -> ExactDecimal {
        guard let notional = wanted.notional else { return wanted.quantity }
        let price = try limit(wanted, touch, terms)
        guard terms.lot.isPositive, let lotPrice = try? terms.lot.times(price, rounding: .ceiling),
            let lots = try? notional.over(lotPrice, places: 0, rounding: .towardZero),
            let quantity = try? lots.times(terms.lot, rounding: .towardZero), quantity.isPositive
        else {
            throw Refusal(
                .invalidAmount, "\(notional) is not the price of one lot of \(wanted.instrument).",
                field: "notional")
        }
        return quantity
    }

    private func refuse(
        _ wanted: OrderInstruction, _ code: Int64, _ handler: inout CommandHandler
    ) throws(Refusal) -> EventBody {
        let instrument = try handler.instrument(wanted.instrument)
        var price = wanted.price
        if let terms = handler.judge.tradingTerms(of: instrument, in: handler.account, at: handler.time) {
            price = price ?? touch(of: instrument, handler, terms)?.opposite(wanted.side)
        }
        return .orderRefused(try handler.refused(wanted, price: price ?? .zero), code: code)
    }

    /// What an order can make a position smaller by. Throws where there is nothing to reduce.
    private func reducible(
        _ wanted: OrderInstruction, _ instrument: Instrument, _ handler: CommandHandler
    ) throws(Refusal) -> ExactDecimal {
        let mode = wanted.marginMode ?? handler.judge.defaultMarginMode(of: instrument, in: handler.account)
        let key = PositionKey(instrument: instrument, side: wanted.positionSide ?? .net, marginMode: mode)
        guard let quantity = Self.reducible(key, by: wanted.side, handler.account) else {
            throw Refusal(
                .nothingToReduce, "There is no position that the order could reduce.", field: "reduce_only")
        }
        return quantity
    }

    /// What trades of this side can take from a position; nil where it is none, or one of the same side.
    static func reducible(_ key: PositionKey, by side: Side, _ account: Account) -> ExactDecimal? {
        let position = account.position(key.instrument.name, side: key.side, marginMode: key.marginMode)
        guard let position, position.isLong == (side == .sell) else { return nil }
        return position.quantity.magnitude
    }

    /// The limit of an order; what a market order is expected to fill at.
    private func limit(
        _ wanted: OrderInstruction, _ touch: Touch?, _ terms: TradingTerms
    ) throws(Refusal) -> ExactDecimal {
        if let price = wanted.price { return price }
        guard let touch, touch.opposite(wanted.side).isPositive else {
            throw Refusal(
                .priceMissing, "No price is known for \(wanted.instrument); give one first.",
                field: "instrument")
        }
        return touch.opposite(wanted.side)
    }

    /// Whether the market is where an order would take, whether or not the account has left anything there.
    private func wouldTake(_ order: OpenOrder, _ touch: Touch?) -> Bool {
        execution != .manual && touch?.isMarketable(order.side, limit: order.price) == true
    }

    /// How much an order takes at once: no more than its account has left of the quote.
    private func taken(_ order: OpenOrder, _ touch: Touch?, _ account: Account) -> ExactDecimal {
        guard execution != .manual, let touch, touch.isMarketable(order.side, limit: order.price) else {
            return .zero
        }
        guard let size = touch.oppositeSize(order.side) else { return order.remaining }
        let used = account.taken(order.instrument.name, order.side, .taker, of: touch.sequence)
        guard let left = try? size - used, left.isPositive else { return .zero }
        return min(order.remaining, left)
    }

    /// The ends of the account's own resting orders that a new one would meet before the market, and whether
    /// the new one ends too.
    private func preventSelfTrade(
        of order: OpenOrder, _ touch: Touch?, _ account: Account
    ) -> (ends: [EventBody], endsOrder: Bool) {
        guard execution != .manual, let mode = order.terms?.selfTradePrevention else { return ([], false) }
        let isBuy = order.side == .buy
        let (price, group) = (order.price, order.terms?.selfTradeGroup)
        let market = touch?.opposite(order.side)
        let met = account.orders.filter { other in
            guard other.side != order.side, isBuy ? other.price <= price : other.price >= price,
                other.instrument.name == order.instrument.name,
                let terms = other.terms, terms.selfTradeGroup == group
            else { return false }
            guard let market, market.isPositive else { return true }
            return isBuy ? other.price < market : other.price > market
        }
        if met.isEmpty { return ([], false) }
        let ends = met.map { EventBody.orderEnded(orderID: $0.id, .selfTrade) }
        switch mode {
        case .maker: return (ends, false)
        case .taker: return ([], true)
        case .both: return (ends, true)
        }
    }

    /// The conditional orders that come with an order which a trade has filled as a whole.
    func attached(to order: OpenOrder, by fill: Fill, _ handler: CommandHandler) -> [EventBody] {
        guard let attached = order.terms?.attached, fill.quantity == order.remaining else { return [] }
        return attached.map { terms in
            var terms = terms
            terms.positionSide = order.positionSide
            terms.marginMode = order.marginMode
            if terms.isOfWholeOrder {
                terms.quantity = received(by: order, with: fill, handler)
                terms.isOfWholeOrder = false
            }
            return .conditionalPlaced(
                ConditionalOrder(instrument: order.instrument, terms: terms, placedAt: handler.time))
        }
    }

    /// What an order has brought once a trade has filled it as a whole: its size, of a purchase whose fee is
    /// taken out of what was bought as many whole lots as are left.
    private func received(by order: OpenOrder, with fill: Fill, _ handler: CommandHandler) -> ExactDecimal {
        let pair = order.instrument
        let isLessFee =
            !pair.kind.isDerivative && order.side == .buy && fill.feeAsset == pair.base && !order.isOnMargin
        guard isLessFee,
            let lot = handler.judge.tradingTerms(of: pair, in: handler.account, at: handler.time)?.lot,
            lot.isPositive, let fees = try? (order.fills?.fees ?? .zero) + fill.fee,
            let left = try? (order.quantity - fees).rounded(toMultipleOf: lot, .towardZero), left.isPositive
        else { return order.quantity }
        return left
    }

    /// Why the rest of an order ends that was not filled at once; nil where it rests.
    private func end(of order: OpenOrder) -> OrderEnd? {
        guard let terms = order.terms else { return nil }
        if terms.kind == .market { return .marketRest }
        return terms.timeInForce == .immediateOrCancel ? .immediateRest : nil
    }

    // MARK: - Amending

    private func amend(
        _ reference: OrderReference, _ instrument: String?, _ quantity: ExactDecimal?, _ price: ExactDecimal?,
        _ newTerms: OrderTerms?, _ handler: inout CommandHandler
    ) throws(Refusal) -> [EventBody] {
        let order = try open(reference, instrument, handler)
        if let clientID = newTerms?.clientID, let other = handler.account.order(.client(clientID)),
            other.id != order.id
        {
            throw Refusal(
                .orderExists, "Account \(handler.account.id) already has an open order \(clientID).",
                field: "client_order_id")
        }
        let filled = try handler.checked { () throws(NumberError) in try order.filled }
        let amendment = OrderAmendment(
            orderID: order.id, quantity: try grown(order, to: quantity, filled, handler),
            price: price ?? order.price, terms: newTerms)
        guard
            amendment.quantity != order.quantity || amendment.price != order.price
                || (newTerms != nil && newTerms != order.terms)
        else {
            throw Refusal(.unchanged, "The amendment changes nothing.", field: "quantity")
        }
        guard
            let terms = handler.judge.tradingTerms(
                of: order.instrument, in: handler.account, at: handler.time)
        else {
            throw Refusal(
                .notAllowed, "\(order.instrument.name) is not traded here.", field: "instrument")
        }
        // What is filled already cannot be taken back: there is nothing left to amend.
        guard amendment.quantity > filled else { return [.orderEnded(orderID: order.id, .amended)] }
        let amended = try handler.amended(order, by: amendment)
        let touch = touch(of: order.instrument, handler, terms)
        var taken = taken(amended, touch, handler.account)
        if order.terms?.postOnly == true, wouldTake(amended, touch) {
            if !terms.refusesAmendments { return [.orderCancelled(orderID: order.id)] }
            throw Refusal(.wouldTake, "A post-only order would fill at once.", field: "price")
        }
        if order.onlyReduces {
            taken = min(taken, Self.reducible(order.position, by: order.side, handler.account) ?? .zero)
        }
        var bodies: [EventBody] = [.orderAmended(amendment)]
        if let touch, taken.isPositive, order.terms != nil {
            let fill = try fill(amended, taken, touch, terms, handler)
            bodies += try trade(fill, of: amended, handler)
            bodies += attached(to: amended, by: fill, handler)
        }
        return bodies
    }

    /// The size that an amendment gives an order: what only reduces grows no further than the position, as it
    /// is placed no larger.
    private func grown(
        _ order: OpenOrder, to quantity: ExactDecimal?, _ filled: ExactDecimal, _ handler: CommandHandler
    ) throws(Refusal) -> ExactDecimal {
        guard let quantity, quantity > order.quantity, order.onlyReduces else {
            return quantity ?? order.quantity
        }
        let held = Self.reducible(order.position, by: order.side, handler.account) ?? .zero
        let most = try handler.checked { () throws(NumberError) in
            max(try filled + held, order.quantity)
        }
        guard quantity > most else { return quantity }
        if order.closesHedgeLeg {
            throw Refusal(
                .noPosition, "The position is \(held); an order cannot close more.", field: "quantity")
        }
        return most
    }

    // MARK: - The operator's trades

    /// A trade that the operator tells: what one of the exchange's own takes and brings it does too.
    func booked(
        _ command: Command, in ledger: inout LedgerState, judges: Judges, now: LedgerTime
    ) throws(Refusal) -> Outcome {
        var handler = try ledger.handler(of: command, judges: judges, now: now)
        var bodies: [EventBody] = []
        for body in try handler.bodies(of: command.content) {
            guard case .filled(let fill) = body else { continue }
            let order = fill.orderID.flatMap { handler.account.order(.id($0)) }
            bodies += try trade(fill, of: order, handler)
            if let order { bodies += attached(to: order, by: fill, handler) }
        }
        let events = try ledger.settle(bodies, handler: handler, forced: false)
        let own = events.firstIndex { event in if case .filled = event.body { true } else { false } }
        let ended = endOrphans(of: events, judges: judges, in: &ledger)
        return Outcome(events: events + ended, own: own ?? -1)
    }

    // MARK: - Parts

    /// A trade with what it takes from others: orders that only reduce end where the position that they
    /// would reduce is taken away, those of others before the trade, as the venues tell it. `order` is the
    /// one that it fills; the operator's may fill none.
    func trade(_ fill: Fill, of order: OpenOrder?, _ handler: CommandHandler) throws(Refusal) -> [EventBody] {
        let key = order?.position ?? fill.position
        let held =
            handler.account.position(key.instrument.name, side: key.side, marginMode: key.marginMode)?
            .quantity
            ?? .zero
        let left = try handler.checked { () throws(NumberError) in
            try fill.side == .buy ? held + fill.quantity : held - fill.quantity
        }
        func isOvertaken(_ other: OpenOrder) -> Bool {
            other.onlyReduces && (left.isZero || left.isPositive != (other.side == .sell))
        }
        var bodies = handler.account.orders
            .filter { $0.id != order?.id && $0.terms != nil && $0.position == key && isOvertaken($0) }
            .map { EventBody.orderEnded(orderID: $0.id, .reduceOnly) }
        bodies.append(.filled(fill))
        // The operator's own orders have no terms: nothing but a command of the operator's ends them.
        guard let order, let terms = order.terms else { return bodies }
        if let list = terms.list { bodies += others(of: list, than: order.id, handler.account) }
        let isTerminated = terms.kind == .market || terms.timeInForce == .immediateOrCancel
        if isOvertaken(order), fill.quantity < order.remaining, !isTerminated {
            bodies.append(.orderEnded(orderID: order.id, .reduceOnly))
        }
        return bodies
    }

    /// The ends of what else hangs together in a list, once one of it was traded or has fired.
    func others(of list: String, than id: String, _ account: Account) -> [EventBody] {
        let orders = account.orders.filter { $0.id != id && $0.terms?.list == list }
        let conditionals = account.conditionals.filter { $0.id != id && $0.terms.terms.list == list }
        return orders.map { .orderEnded(orderID: $0.id, .contingency) }
            + conditionals.map { .conditionalEnded(id: $0.id, ConditionalEnd(.contingency)) }
    }

    func touch(of instrument: Instrument, _ handler: CommandHandler, _ terms: TradingTerms) -> Touch? {
        Touch(
            of: instrument, prices: handler.prices,
            market: handler.judge.market(handler.prices, at: handler.time),
            tick: terms.tick)
    }

    /// A trade of an order at the touch.
    private func fill(
        _ order: OpenOrder, _ quantity: ExactDecimal, _ touch: Touch, _ terms: TradingTerms,
        _ handler: CommandHandler
    ) throws(Refusal) -> Fill {
        // Where any size stands there, nothing is used up.
        let quote = touch.oppositeSize(order.side) == nil ? nil : touch.sequence
        return try fill(
            order, quantity, at: touch.opposite(order.side), .taker, terms, handler, quote: quote)
    }

    /// A trade of an order, with its fee.
    func fill(
        _ order: OpenOrder, _ quantity: ExactDecimal, at price: ExactDecimal, _ liquidity: Liquidity,
        _ terms: TradingTerms, _ handler: CommandHandler, quote: Int64?
    ) throws(Refusal) -> Fill {
        let fee = try handler.fee(of: quantity, at: price, for: order, rate: terms.rate(liquidity))
        return try handler.fill(
            of: order, quantity: quantity, price: price, fee: fee.amount, feeAsset: fee.asset,
            liquidity: liquidity, quote: quote)
    }
}

extension [EventBody] {
    /// These with others behind the orders' ends that they begin with.
    func afterEnds(_ others: [EventBody]) -> [EventBody] {
        let ends = prefix { body in if case .orderEnded = body { true } else { false } }
        return ends + others + dropFirst(ends.count)
    }
}
