import Ledger
import Numbers

/// One venue at one moment: what new prices and the passing of time make of orders that wait.
struct Floor {
    let exchange: Exchange
    let judge: any VenueJudge
    let time: LedgerTime
    /// The event that brought the prices; nil where time alone has passed.
    let cause: Int64?

    private var venue: VenueName { judge.name }

    private func handler(_ account: String, in ledger: LedgerState) -> CommandHandler? {
        let command = Command(account: account, content: .trade(.cancelAll(instrument: nil)))
        return try? ledger.handler(of: command, judges: [venue: judge], now: time)
    }

    private func settle(
        _ bodies: [EventBody], _ handler: CommandHandler, in ledger: inout LedgerState
    ) -> [Event] {
        (try? traded(bodies, handler, forced: true, in: &ledger)) ?? []
    }

    /// Books what happens, and what ends with the positions and orders that it ends.
    private func traded(
        _ bodies: [EventBody], _ handler: CommandHandler, forced: Bool, in ledger: inout LedgerState
    ) throws(Refusal) -> [Event] {
        let events = try ledger.settle(bodies, handler: handler, forced: forced, cause: cause)
        return events + exchange.endOrphans(of: events, judges: [venue: judge], in: &ledger)
    }

    /// Whether nothing can come of new prices: nothing is due, and no order waits that they reach.
    func isQuiet(_ names: Exchange.Names, _ market: VenueMarket) -> Bool {
        if market.watched.isEmpty { return true }
        if let due = market.watched.nextDue, due <= time { return false }
        if exchange.execution == .manual { return true }
        let prices = judge.market(market.prices, at: time)
        return names.books(of: market.watched).allSatisfy { book in
            if book.hasTriggers { return false }
            guard let (buys, sells) = levels(of: book, market.prices, prices) else { return true }
            return !book.isReached(buysAt: buys, sellsAt: sells)
        }
    }

    // MARK: - Time

    /// Ends what has come to its time, the earliest first.
    func endDue(in ledger: inout LedgerState) -> [Event] {
        let due = ledger.watched(of: venue).due(at: time)
        if due.isEmpty { return [] }
        var events: [Event] = []
        for entry in due {
            guard let handler = handler(entry.account, in: ledger) else { continue }
            // Time has brought it, whatever made somebody look at the clock.
            let ends = ends(of: entry, handler.account)
            let ended = (try? ledger.settle(ends, handler: handler, forced: true)) ?? []
            events += ended + exchange.endOrphans(of: ended, judges: [venue: judge], in: &ledger)
        }
        return events
    }

    private func ends(of entry: WatchedOrders.Entry, _ account: Account) -> [EventBody] {
        if entry.sequence == 0 {
            let timer = account.timers.first { ($0.instrument ?? "") == entry.id && $0.at == entry.time }
            guard let timer else { return [] }
            return account.orders.filter { timer.instrument == nil || $0.instrument.name == timer.instrument }
                .map { .orderEnded(orderID: $0.id, .timer) }
                + [.timerSet(CancelTimer(instrument: timer.instrument, at: nil))]
        }
        if account.order(.id(entry.id))?.sequence == entry.sequence {
            return [.orderEnded(orderID: entry.id, .goodTillDate)]
        }
        guard account.conditional(.id(entry.id)) != nil else { return [] }
        return [.conditionalEnded(id: entry.id, ConditionalEnd(.expired))]
    }

    // MARK: - Triggers

    /// Fires the conditional orders that the price of their kind has come to, in the order of their placing.
    func trigger(_ names: Exchange.Names, in ledger: inout LedgerState) -> [Event] {
        if exchange.execution == .manual { return [] }
        let waiting = triggers(names, in: ledger)
        if waiting.isEmpty { return [] }
        var events: [Event] = []
        for entry in waiting.sorted(by: { $0.sequence < $1.sequence }) {
            events += fire(entry, in: &ledger)
        }
        return events
    }

    private func triggers(_ names: Exchange.Names, in ledger: LedgerState) -> [WatchedOrders.Entry] {
        var found: [WatchedOrders.Entry] = []
        let (prices, watched) = (ledger.prices(of: venue), ledger.watched(of: venue))
        let market = judge.market(prices, at: time)
        for book in names.books(of: watched) where book.hasTriggers {
            for source in TriggerSource.allCases {
                guard let price = source.price(of: book.instrument, prices, market) else { continue }
                found += book.fired(by: source, at: price)
            }
            found += book.trails
        }
        return found
    }

    private func fire(_ entry: WatchedOrders.Entry, in ledger: inout LedgerState) -> [Event] {
        guard let handler = handler(entry.account, in: ledger),
            let order = handler.account.conditional(.id(entry.id)),
            // Prices of an earlier time touch no later order.
            order.placedAt <= time,
            // What is attached to an order waits for that.
            order.terms.order.map({ handler.account.order(.id($0)) == nil }) ?? true
        else { return [] }
        let market = judge.market(handler.prices, at: time)
        var trailed: [EventBody] = []
        for leg in order.terms.legs {
            let source = leg.trigger.source
            guard let price = source.price(of: order.instrument, handler.prices, market) else { continue }
            if leg.trigger.fires(at: price), isTrusted(leg.trigger, order.instrument, handler.prices, market)
            {
                return place(order, leg, price, handler, in: &ledger)
            }
            if let extreme = leg.trigger.extreme(at: price) {
                trailed.append(.conditionalTrailed(id: order.id, leg: leg.name, extreme: extreme))
            }
        }
        return trailed.isEmpty ? [] : settle(trailed, handler, in: &ledger)
    }

    /// Whether last price and mark are as near to each other as a protected trigger asks for.
    private func isTrusted(
        _ trigger: Trigger, _ instrument: Instrument, _ prices: VenuePrices, _ market: ValuationPrices
    ) -> Bool {
        guard let protection = trigger.protection,
            let last = TriggerSource.last.price(of: instrument, prices, market),
            let mark = market.mark(instrument), let distance = try? last - mark,
            let most = try? mark.times(protection, rounding: .halfEven)
        else { return true }
        return distance.magnitude <= most
    }

    /// Places the order of a leg; where that is refused, the conditional order ends with why.
    private func place(
        _ order: ConditionalOrder, _ leg: ConditionalLeg, _ price: ExactDecimal, _ handler: CommandHandler,
        in ledger: inout LedgerState
    ) -> [Event] {
        do throws(Refusal) {
            var handler = handler
            let quantity: ExactDecimal
            if let given = order.terms.quantity {
                quantity = given
            } else {
                quantity = try held(order, handler.account)
            }
            let bodies = try exchange.place(order.order(of: leg, quantity: quantity), &handler)
            let triggered = EventBody.conditionalTriggered(id: order.id, leg: leg.name, price: price)
            let others = order.terms.terms.list.map {
                exchange.others(of: $0, than: order.id, handler.account)
            }
            // Its order is the next event after it: what others lose by that they lose before.
            let all = (others ?? []) + bodies.afterEnds([triggered])
            return try traded(all, handler, forced: false, in: &ledger)
        } catch {
            let end = ConditionalEnd(.refused, refusal: error.code)
            return settle([.conditionalEnded(id: order.id, end)], handler, in: &ledger)
        }
    }

    /// The whole of the position that an order closes.
    private func held(_ order: ConditionalOrder, _ account: Account) throws(Refusal) -> ExactDecimal {
        let key = PositionKey(
            instrument: order.instrument, side: order.terms.positionSide ?? .net,
            marginMode: order.terms.marginMode ?? .cross)
        guard let quantity = Exchange.reducible(key, by: order.terms.side, account) else {
            throw Refusal(.nothingToReduce, "There is no position that the order could close.")
        }
        return quantity
    }

    // MARK: - Resting orders

    /// Fills what the market has come to, in the order of placing.
    func fillResting(_ names: Exchange.Names, in ledger: inout LedgerState) -> [Event] {
        if exchange.execution == .manual { return [] }
        let reached = reached(names, in: ledger)
        if reached.isEmpty { return [] }
        var events: [Event] = []
        for entry in reached.sorted(by: { $0.sequence < $1.sequence }) { events += fill(entry, in: &ledger) }
        return events
    }

    /// The prices that resting buy and sell orders of an instrument are reached by; nil where it has none.
    private func levels(
        of book: WatchedOrders.Book, _ prices: VenuePrices, _ market: ValuationPrices
    ) -> (buys: ExactDecimal, sells: ExactDecimal)? {
        let quote = prices.quotes[book.instrument.name]
        guard let last = quote?.last ?? market.mark(book.instrument) ?? quote?.bid else { return nil }
        return (min(last, quote?.ask ?? last), max(last, quote?.bid ?? last))
    }

    private func reached(_ names: Exchange.Names, in ledger: LedgerState) -> [WatchedOrders.Entry] {
        var found: [WatchedOrders.Entry] = []
        let (prices, watched) = (ledger.prices(of: venue), ledger.watched(of: venue))
        let market = judge.market(prices, at: time)
        for book in names.books(of: watched) {
            guard let (buys, sells) = levels(of: book, prices, market) else { continue }
            found += book.reached(buysAt: buys, sellsAt: sells)
        }
        return found
    }

    private func fill(_ entry: WatchedOrders.Entry, in ledger: inout LedgerState) -> [Event] {
        guard let handler = handler(entry.account, in: ledger),
            let order = handler.account.order(.id(entry.id)),
            // Prices of an earlier time touch no later order.
            order.placedAt <= time,
            let terms = judge.tradingTerms(of: order.instrument, in: handler.account, at: time),
            let touch = exchange.touch(of: order.instrument, handler, terms),
            touch.reaches(order.side, limit: order.price, exchange.execution)
        else { return [] }
        // Traded through it fills as a whole; at its price only as far as somebody said that was traded.
        let isLimited = touch.traded != nil && touch.last == order.price
        var quantity = order.remaining
        if let traded = touch.traded, isLimited {
            let used = handler.account.taken(order.instrument.name, order.side, .maker, of: touch.sequence)
            guard let left = try? traded - used, left.isPositive else { return [] }
            quantity = min(quantity, left)
        }
        if order.onlyReduces {
            guard let held = Exchange.reducible(order.position, by: order.side, handler.account) else {
                return settle([.orderEnded(orderID: order.id, .reduceOnly)], handler, in: &ledger)
            }
            quantity = min(quantity, held)
        }
        // A resting order fills at its own price, whatever the market has come to.
        let quote = isLimited ? touch.sequence : nil
        if let fill = try? exchange.fill(
            order, quantity, at: order.price, .maker, terms, handler, quote: quote),
            let bodies = try? exchange.trade(fill, of: order, handler),
            let events = try? traded(
                bodies + exchange.attached(to: order, by: fill, handler), handler, forced: true, in: &ledger)
        {
            return events
        }
        return settle([.orderEnded(orderID: order.id, .unbookable)], handler, in: &ledger)
    }
}
