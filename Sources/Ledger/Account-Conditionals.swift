import JSON
import Numbers

/// How conditional orders change, and what trades take of quotes.
extension Account {
    mutating func changeConditional(_ event: Event) throws(Refusal) {
        switch event.body {
        case .conditionalPlaced(var order):
            order.sequence = event.sequence
            conditionals.append(order)
        case .conditionalAmended(let amendment):
            let place = try requiredPlace(ofConditional: amendment.id)
            conditionals[place].terms.quantity = amendment.quantity
            conditionals[place].terms.legs = amendment.legs
            conditionals[place].updatedAt = event.at
        case .conditionalTrailed(let id, let leg, let extreme):
            let place = try requiredPlace(ofConditional: id)
            for index in conditionals[place].terms.legs.indices
            where conditionals[place].terms.legs[index].name == leg {
                conditionals[place].terms.legs[index].trigger.trail?.extreme = extreme
            }
        case .conditionalTriggered(let id, _, _), .conditionalEnded(let id, _):
            conditionals.remove(at: try requiredPlace(ofConditional: id))
        default: break
        }
    }

    private func requiredPlace(ofConditional id: String) throws(Refusal) -> Int {
        guard let place = conditionals.firstIndex(where: { $0.id.isExactly(id) }) else {
            throw Refusal(
                .unknownOrder, "Account \(self.id) has no conditional order \(id).", field: "order_id")
        }
        return place
    }

    /// Notes what a trade took of the quote that limited it; what it took of earlier ones is forgotten.
    mutating func noteTaken(_ fill: Fill) throws(NumberError) {
        guard let quote = fill.quote, let liquidity = fill.liquidity else { return }
        let name = fill.instrument.name
        let earlier = taken(name, fill.side, liquidity, of: quote)
        taken.removeAll {
            $0.instrument == name && $0.side == fill.side && $0.liquidity == liquidity
        }
        taken.append(
            TakenSize(
                instrument: name, side: fill.side, liquidity: liquidity, quote: quote,
                quantity: try earlier + fill.quantity))
    }
}

extension Account {
    /// Notes at the order of a trade, where it is still open, what the trade realized of a position.
    mutating func noteRealised(by fill: Fill, since before: ExactDecimal) throws(NumberError) {
        guard let place = fill.orderID.flatMap({ place(ofOrder: $0) }) else { return }
        try orders[place].note((activity(fill.instrument.name)?.realised ?? .zero) - before)
    }
}
