import Ledger
import Numbers

/// Conditional orders of a venue's clients: placed, amended, cancelled.
extension Exchange {
    func conditional(
        _ instruction: TradeInstruction, _ draft: inout Draft
    ) throws(Refusal) -> [EventBody] {
        switch instruction {
        case .placeConditional(let wanted):
            var order = wanted
            let instrument = try draft.instrument(wanted.instrument)
            order.legs = try sided(wanted.legs, instrument, draft)
            return [.conditionalPlaced(try draft.conditional(order))]
        case .amendConditional(let reference, let quantity, let legs):
            let order = try waiting(reference, draft)
            let amendment = ConditionalAmendment(
                id: order.id, quantity: quantity ?? order.terms.quantity,
                legs: try sided(legs ?? order.terms.legs, order.instrument, draft))
            guard amendment.quantity != order.terms.quantity || amendment.legs != order.terms.legs else {
                throw Refusal(.unchanged, "The amendment changes nothing.", field: "quantity")
            }
            return [.conditionalAmended(amendment)]
        case .cancelConditional(let reference):
            return [.conditionalEnded(id: try waiting(reference, draft).id, ConditionalEnd(.cancelled))]
        case .cancelAllConditionals(let instrument):
            return draft.account.conditionals.filter {
                instrument == nil || $0.instrument.name == instrument
            }
            .map { .conditionalEnded(id: $0.id, ConditionalEnd(.cancelled)) }
        default: return []
        }
    }

    private func waiting(
        _ reference: ConditionalReference, _ draft: Draft
    ) throws(Refusal) -> ConditionalOrder {
        guard let order = draft.account.conditional(reference) else {
            throw Refusal(
                .unknownOrder, "Account \(draft.account.id) has no such conditional order.",
                field: "order_id")
        }
        return order
    }

    /// Legs whose triggers know from which side the price comes to them: where nobody said, from where it is.
    private func sided(
        _ legs: [ConditionalLeg], _ instrument: Instrument, _ draft: Draft
    ) throws(Refusal) -> [ConditionalLeg] {
        let market = draft.judge.market(draft.prices, at: draft.time)
        var sided: [ConditionalLeg] = []
        for var leg in legs {
            let price = leg.trigger.source.price(of: instrument, draft.prices, market)
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
