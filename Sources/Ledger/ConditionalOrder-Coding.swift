import JSON
import Numbers

// Conditional orders and timers as the journal and account records keep them.

extension EventBody {
    /// Writes the events of conditional orders and timers.
    func writeConditional(to writer: inout JSONWriter) {
        switch self {
        case .conditionalPlaced(let order):
            order.write(to: &writer)
        case .conditionalAmended(let amendment):
            writer.member("conditional_id", amendment.id)
            if let quantity = amendment.quantity { writer.member("quantity", quantity) }
            writer.array("legs", amendment.legs) { $0.write(to: &$1) }
        case .conditionalTrailed(let id, let leg, let extreme):
            writer.member("conditional_id", id)
            writer.member("leg", leg)
            writer.member("extreme", extreme)
        case .conditionalTriggered(let id, let leg, let price):
            writer.member("conditional_id", id)
            writer.member("leg", leg)
            writer.member("price", price)
        case .conditionalEnded(let id, let end):
            writer.member("conditional_id", id)
            writer.member("reason", end.reason.rawValue)
            if let refusal = end.refusal { writer.member("refusal", refusal.rawValue) }
        case .timerSet(let timer): timer.write(to: &writer)
        default: break
        }
    }
}

extension ConditionalInstruction {
    func write(to writer: inout JSONWriter) {
        if let clientID { writer.member("client_order_id", clientID) }
        writer.member("instrument", instrument)
        writer.member("side", side.rawValue)
        if let quantity { writer.member("quantity", quantity) }
        if isOfWholeOrder { writer.member("of_whole_order", true) }
        if reduceOnly { writer.member("reduce_only", true) }
        if let positionSide { writer.member("position_side", positionSide.rawValue) }
        if let marginMode { writer.member("margin_mode", marginMode.rawValue) }
        writer.array("legs", legs) { $0.write(to: &$1) }
        if let expiresAt { writer.member("expires_at", expiresAt.milliseconds) }
        if endsWithPosition { writer.member("ends_with_position", true) }
        if let order { writer.member("order_id", order) }
        terms.write(to: &writer)
        if !words.values.isEmpty { words.write(to: &writer) }
    }
}

extension ConditionalOrder {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.member("terms", instrument.definition)
        terms.write(to: &writer)
    }

    /// The whole order as account records keep it.
    func writeState(to writer: inout JSONWriter) {
        write(to: &writer)
        writer.member("placed_at", placedAt.milliseconds)
        writer.member("updated_at", updatedAt.milliseconds)
        writer.member("sequence", sequence)
    }
}

extension ConditionalLeg {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.member("leg", name)
        writer.member("source", trigger.source.rawValue)
        if let rises = trigger.rises { writer.member("rises", rises) }
        if let price = trigger.price { writer.member("trigger_price", price) }
        if let trail = trigger.trail {
            if let ratio = trail.ratio { writer.member("trail_ratio", ratio) }
            if let distance = trail.distance { writer.member("trail_distance", distance) }
            if let extreme = trail.extreme { writer.member("extreme", extreme) }
        }
        if let protection = trigger.protection { writer.member("protection", protection) }
        if let price { writer.member("price", price) }
    }
}

extension CancelTimer {
    func write(to writer: inout JSONWriter) {
        if let instrument { writer.member("instrument", instrument) }
        if let at { writer.member("due_at", at.milliseconds) }
    }
}

extension TakenSize {
    func write(to writer: inout JSONWriter) {
        writer.member("instrument", instrument)
        writer.member("side", side.rawValue)
        writer.member("liquidity", liquidity.rawValue)
        writer.member("quote", quote)
        writer.member("quantity", quantity)
    }
}

extension FieldReader {
    /// An event of a conditional order or a timer; nil for a type of another kind.
    func conditionalEvent(
        _ typeName: String, at time: LedgerTime, _ instruments: InstrumentTable
    ) throws(Refusal) -> EventBody? {
        switch typeName {
        case "conditional_placed":
            return .conditionalPlaced(
                ConditionalOrder(
                    instrument: try instrument(in: instruments), terms: try conditional(), placedAt: time))
        case "conditional_amended":
            return .conditionalAmended(
                ConditionalAmendment(
                    id: try text("conditional_id"), quantity: try optionalDecimal("quantity"),
                    legs: try legs()))
        case "conditional_trailed":
            return .conditionalTrailed(
                id: try text("conditional_id"), leg: try text("leg"), extreme: try decimal("extreme"))
        case "conditional_triggered":
            return .conditionalTriggered(
                id: try text("conditional_id"), leg: try text("leg"), price: try decimal("price"))
        case "conditional_ended":
            return .conditionalEnded(
                id: try text("conditional_id"),
                ConditionalEnd(
                    try choice("reason", ConditionalEnd.Reason.self),
                    refusal: try optionalText("refusal").flatMap(Refusal.Code.init(rawValue:))))
        case "timer_set": return .timerSet(try timer())
        default: return nil
        }
    }

    func timer() throws(Refusal) -> CancelTimer {
        CancelTimer(
            instrument: try optionalText("instrument"), at: has("due_at") ? try time("due_at") : nil)
    }

    func conditional() throws(Refusal) -> ConditionalInstruction {
        var order = ConditionalInstruction(
            instrument: try text("instrument"), side: try choice("side", Side.self),
            quantity: try optionalDecimal("quantity"), legs: try legs(),
            clientID: try optionalText("client_order_id"))
        order.isOfWholeOrder = try flag("of_whole_order")
        order.reduceOnly = try flag("reduce_only")
        order.positionSide = try optionalChoice("position_side", PositionSide.self)
        order.marginMode = try optionalChoice("margin_mode", MarginMode.self)
        order.expiresAt = has("expires_at") ? try time("expires_at") : nil
        order.endsWithPosition = try flag("ends_with_position")
        order.order = try optionalText("order_id")
        order.terms = try orderTerms()
        order.words = has("settings") ? try settings() : Settings()
        return order
    }

    /// A conditional order as an account record keeps it.
    func conditionalState(_ instruments: InstrumentTable) throws(Refusal) -> ConditionalOrder {
        var order = ConditionalOrder(
            instrument: try instrument(in: instruments), terms: try conditional(),
            placedAt: try time("placed_at"))
        order.updatedAt = try time("updated_at")
        order.sequence = try count("sequence")
        return order
    }

    private func legs() throws(Refusal) -> [ConditionalLeg] {
        try rows("legs") { row throws(Refusal) in
            let source = try row.choice("source", TriggerSource.self)
            let rises = row.has("rises") ? try row.flag("rises") : nil
            let level = try row.optionalDecimal("trigger_price")
            let ratio = try row.optionalDecimal("trail_ratio")
            let distance = try row.optionalDecimal("trail_distance")
            var trigger: Trigger
            if ratio != nil || distance != nil {
                var trail = Trigger.Trail(ratio: ratio, distance: distance)
                trail.extreme = try row.optionalDecimal("extreme")
                trigger = Trigger(source, trailing: trail, from: level, rises: rises ?? false)
            } else {
                trigger = Trigger(source, at: try row.decimal("trigger_price"), rises: rises)
            }
            trigger.protection = try row.optionalDecimal("protection")
            return ConditionalLeg(
                try row.text("leg"), trigger, price: try row.optionalDecimal("price"))
        }
    }
}
