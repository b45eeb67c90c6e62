import Ledger
import Numbers

/// Conditional orders of a venue's clients: placed, amended, canceled.
extension Exchange {
    func conditional(
        _ instruction: TradeInstruction, _ handler: inout CommandHandler
    ) throws(Refusal) -> [EventBody] {
        switch instruction {
        case .placeConditional(let wanted):
            var order = wanted
            let instrument = try handler.instrument(wanted.instrument)
            order.legs = try sided(wanted.legs, instrument, handler)
            return [.conditionalPlaced(try handler.conditional(order))]
        case .amendConditional(let reference, let quantity, let legs):
            let order = try waiting(reference, handler)
            let amendment = ConditionalAmendment(
                id: order.id, quantity: quantity ?? order.terms.quantity,
                legs: try sided(legs ?? order.terms.legs, order.instrument, handler))
            guard amendment.quantity != order.terms.quantity || amendment.legs != order.terms.legs else {
                throw Refusal(.unchanged, "The amendment changes nothing.", field: "quantity")
            }
            return [.conditionalAmended(amendment)]
        case .cancelConditional(let reference):
            return [.conditionalEnded(id: try waiting(reference, handler).id, ConditionalEnd(.cancelled))]
        case .cancelAllConditionals(let instrument):
            return handler.account.conditionals.filter {
                instrument == nil || $0.instrument.name == instrument
            }
            .map { .conditionalEnded(id: $0.id, ConditionalEnd(.cancelled)) }
        default: return []
        }
    }

    /// Ends the conditional orders that have lost what they are of by these events: a position that a trade
    /// has closed, or an order that has ended unfilled.
    func endOrphans(of events: [Event], judges: Judges, in ledger: inout LedgerState) -> [Event] {
        var ended: [Event] = []
        for event in events {
            guard let account = event.account.flatMap(ledger.account), !account.conditionals.isEmpty else {
                continue
            }
            let ends = Self.orphans(of: event, account).map { order, reason in
                EventBody.conditionalEnded(id: order.id, ConditionalEnd(reason))
            }
            let command = Command(
                account: account.id, content: .trade(.cancelAllConditionals(instrument: nil)))
            guard !ends.isEmpty, let handler = try? ledger.handler(of: command, judges: judges, now: event.at)
            else { continue }
            ended += (try? ledger.settle(ends, handler: handler, forced: true, cause: event.sequence)) ?? []
        }
        return ended
    }

    private static func orphans(
        of event: Event, _ account: Account
    ) -> [(order: ConditionalOrder, reason: ConditionalEnd.Reason)] {
        switch event.body {
        case .filled(let fill):
            let closing = account.conditionals.filter { $0.ends(with: fill.position, closedBy: fill.side) }
            if closing.isEmpty || reducible(fill.position, by: fill.side, account) != nil { return [] }
            return closing.map { ($0, .positionClosed) }
        case .orderCancelled(let id), .orderEnded(let id, _):
            return account.conditionals.filter { $0.terms.order == id }.map { ($0, .contingency) }
        default: return []
        }
    }

    private func waiting(
        _ reference: ConditionalReference, _ handler: CommandHandler
    ) throws(Refusal) -> ConditionalOrder {
        guard let order = handler.account.conditional(reference) else {
            throw Refusal(
                .unknownOrder, "Account \(handler.account.id) has no such conditional order.",
                field: "order_id")
        }
        return order
    }

    /// Legs whose triggers know from which side the price comes to them: where nobody said, from where it is.
    private func sided(
        _ legs: [ConditionalLeg], _ instrument: Instrument, _ handler: CommandHandler
    ) throws(Refusal) -> [ConditionalLeg] {
        let market = handler.judge.market(handler.prices, at: handler.time)
        var sided: [ConditionalLeg] = []
        for var leg in legs {
            let price = leg.trigger.source.price(of: instrument, handler.prices, market)
            if leg.trigger.rises == nil {
                guard let price, let level = leg.trigger.price else {
                    throw Refusal(
                        .priceMissing, "No price is known for \(instrument.name); give one first.",
                        field: "instrument")
                }
                leg.trigger.rises = level >= price
            }
            // A trail that is active at once begins where the price is.
            if let price, let extreme = leg.trigger.extreme(at: price) {
                leg.trigger.trail?.extreme = extreme
            }
            sided.append(leg)
        }
        return sided
    }
}
