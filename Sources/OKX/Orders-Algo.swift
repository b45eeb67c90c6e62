import JSON
import Ledger
import Numbers
import Venue

/// A conditional order as a client asks for it: OKX API documentation, POST / Place algo order.
struct AlgoReading {
    let reading: OrderReading

    init(_ reading: OrderReading) { self.reading = reading }

    private var members: OrderMembers { reading.members }

    private static let types = ["conditional", "oco", "trigger", "move_order_stop"]
    /// How many of a kind may wait of one instrument.
    private static let most = ["trigger": 500, "move_order_stop": 50]

    /// The whole conditional order. Throws the venue's refusal.
    func instruction() throws(OKXError) -> ConditionalInstruction {
        for name in ["instId", "tdMode", "side", "ordType"] { _ = try members.required(name) }
        let side = try reading.side()
        let type = try members.required("ordType")
        guard Self.types.contains(type) else { throw .itemWrong("ordType") }
        let closes = members["closeFraction"]
        if let closes, closes != "1" { throw .itemWrong("closeFraction") }
        let size = try members.number("sz")
        guard size != nil || closes != nil else { throw .itemMissing("sz") }
        let instrument = try reading.instrument()
        var mode = TradeMode(.cross)
        // CCXT sends cross for the exchange of a spot pair too; on margin a currency comes with it.
        if instrument.type != .spot || members["tdMode"] != "cross" || members["ccy"] != nil {
            mode = try reading.mode(of: instrument, side)
        }
        let isExchange = instrument.type == .spot && mode.marginAsset == nil
        let position = try reading.positionSide(of: instrument)
        if let size { try reading.check(size, instrument, isMarket: false) }
        var order = ConditionalInstruction(
            instrument: instrument.terms.name, side: side, quantity: size,
            legs: try legs(type, side, instrument), clientID: try members.label("algoClOrdId"))
        order.marginMode = mode.marginMode
        order.positionSide = position
        order.reduceOnly =
            (try members.flag("reduceOnly") || closes != nil) && !isExchange
            && (instrument.type == .spot || !reading.snapshot.account.isHedged)
        order.endsWithPosition = try members.flag("cxlOnClosePos")
        if order.endsWithPosition, !order.reduceOnly { throw .itemWrong("cxlOnClosePos") }
        order.terms = childTerms(type)
        order.terms.marginAsset = mode.marginAsset
        order.words = try words(type)
        let same = reading.snapshot.account.conditionals.count {
            $0.instrument.name == order.instrument && $0.terms.words.text("ordType") == type
        }
        let most = Self.most[type] ?? 100
        if same >= most { throw .tooManyOrders(most) }
        return order
    }

    private func childTerms(_ type: String) -> OrderTerms {
        var terms = OrderTerms()
        switch members["advanceOrdType"] {
        case "fok": terms.timeInForce = .fillOrKill
        case "ioc": terms.timeInForce = .immediateOrCancel
        default: break
        }
        terms.words["source"] = .string(type == "trigger" ? "6" : type == "move_order_stop" ? "25" : "7")
        if let tag = members["tag"] { terms.words["tag"] = .string(tag) }
        if let id = members["algoClOrdId"] { terms.words["algoClOrdId"] = .string(id) }
        return terms
    }

    private func words(_ type: String) throws(OKXError) -> Settings {
        var words = Settings([("ordType", .string(type))])
        if let tag = try members.label("tag", longest: 16) { words["tag"] = .string(tag) }
        if let id = try members.label("clOrdId") { words["clOrdId"] = .string(id) }
        if let target = members["tgtCcy"] { words["tgtCcy"] = .string(target) }
        if let last = reading.last(of: try reading.instrument()) { words["last"] = .string(last.description) }
        return words
    }

    // MARK: - Legs

    private func legs(
        _ type: String, _ side: Side, _ instrument: InstrumentRules
    ) throws(OKXError) -> [ConditionalLeg] {
        switch type {
        case "trigger":
            guard let level = try members.number("triggerPx") else { throw .itemMissing("triggerPx") }
            guard let price = members["orderPx"] else { throw .itemMissing("orderPx") }
            let trigger = Trigger(try source("triggerPxType"), at: level, rises: nil)
            return [ConditionalLeg("trigger", trigger, price: try limit(price, "orderPx", instrument))]
        case "move_order_stop": return [try trailing(side)]
        default:
            var legs = try stops(members, side, instrument)
            guard !legs.isEmpty else { throw .itemMissing("slTriggerPx") }
            if type == "oco", legs.count < 2 {
                throw .itemMissing(legs[0].name == "sl" ? "tpTriggerPx" : "slTriggerPx")
            }
            // Of both legs in one conditional order only the stop loss works.
            if type == "conditional", legs.count == 2 { legs.removeAll { $0.name == "tp" } }
            return legs
        }
    }

    private func trailing(_ side: Side) throws(OKXError) -> ConditionalLeg {
        let ratio = try members.number("callbackRatio")
        let spread = try members.number("callbackSpread")
        guard ratio != nil || spread != nil else { throw .itemMissing("callbackRatio") }
        if let ratio, !ratio.isPositive || ratio >= .one { throw .itemWrong("callbackRatio") }
        if let spread, !spread.isPositive { throw .itemWrong("callbackSpread") }
        let trail = Trigger.Trail(ratio: ratio, distance: ratio == nil ? spread : nil)
        let trigger = Trigger(
            .last, trailing: trail, from: try members.number("activePx"), rises: side == .buy)
        return ConditionalLeg("trailing", trigger, price: nil)
    }

    /// The legs that `tp…` and `sl…` members make. A sale's profit lies above, a purchase's below.
    private func stops(
        _ members: OrderMembers, _ side: Side, _ instrument: InstrumentRules, prefix: String = ""
    ) throws(OKXError) -> [ConditionalLeg] {
        var legs: [ConditionalLeg] = []
        for name in ["tp", "sl"] {
            let stem = prefix.isEmpty ? name : prefix + (name == "tp" ? "Tp" : "Sl")
            let (triggerName, priceName) = ("\(stem)TriggerPx", "\(stem)OrdPx")
            guard let level = try members.number(triggerName) else { continue }
            guard level.isPositive else { throw .itemWrong(triggerName) }
            let price = members[priceName] ?? "-1"
            let rises = (name == "tp") == (side == .sell)
            var source = TriggerSource.last
            let typeName = "\(triggerName)Type"
            if let text = members[typeName] {
                guard let known = TriggerSource(rawValue: text) else { throw .itemWrong(typeName) }
                source = known
            }
            legs.append(
                ConditionalLeg(
                    name, Trigger(source, at: level, rises: rises),
                    price: try limit(price, priceName, instrument)))
        }
        return legs
    }

    private func source(_ name: String) throws(OKXError) -> TriggerSource {
        guard let text = members[name] else { return .last }
        guard let source = TriggerSource(rawValue: text) else { throw .itemWrong(name) }
        return source
    }

    /// A limit; -1 is the market.
    private func limit(
        _ text: String, _ name: String, _ instrument: InstrumentRules
    ) throws(OKXError) -> ExactDecimal? {
        if text == "-1" { return nil }
        guard let price = try? ExactDecimal(text), price.isPositive,
            price.isMultiple(of: instrument.tick)
        else { throw .itemWrong(name) }
        return price
    }

    /// Legs as they are after `amend-algos`.
    func amendedLegs(of order: ConditionalOrder) throws(OKXError) -> [ConditionalLeg]? {
        let instrument = try reading.instrument()
        var legs = order.terms.legs
        let changed = try stops(members, order.terms.side, instrument, prefix: "new")
        for leg in changed {
            guard let place = legs.firstIndex(where: { $0.name == leg.name }) else {
                legs.append(leg)
                continue
            }
            legs[place] = leg
        }
        var isChanged = !changed.isEmpty
        if let level = try members.number("newTriggerPx"),
            let place = legs.firstIndex(where: { $0.name == "trigger" })
        {
            legs[place].trigger = Trigger(legs[place].trigger.source, at: level, rises: nil)
            isChanged = true
        }
        if let text = members["newOrdPx"], let place = legs.firstIndex(where: { $0.name == "trigger" }) {
            legs[place].price = try limit(text, "newOrdPx", instrument)
            isChanged = true
        }
        return isChanged ? legs : nil
    }

    // MARK: - Attached

    /// What `attachAlgoOrds` asks for: a conditional order of the other side each, placed once the order is
    /// filled as a whole. Triggers on the wrong side of the price are refused (51277 to 51280).
    func attached(to order: OrderInstruction) throws(OKXError) -> [ConditionalInstruction] {
        guard let list = members.value["attachAlgoOrds"]?.elements else { return [] }
        let instrument = try reading.instrument()
        let side: Side = order.side == .buy ? .sell : .buy
        let last = order.price ?? reading.last(of: instrument)
        var attached: [ConditionalInstruction] = []
        for element in list {
            let own = OrderMembers(value: element)
            let legs = try stops(own, side, instrument)
            if legs.isEmpty { throw .itemMissing("slTriggerPx") }
            if order.reduceOnly { throw .stopOnReducing }
            for leg in legs { try check(leg, side, last) }
            var one = ConditionalInstruction(
                instrument: order.instrument, side: side, quantity: try own.number("sz") ?? order.quantity,
                legs: legs, clientID: try own.label("attachAlgoClOrdId"))
            one.terms.marginAsset = order.terms.marginAsset
            one.reduceOnly =
                instrument.type == .spot
                ? one.terms.marginAsset != nil : !reading.snapshot.account.isHedged
            one.terms.words["source"] = .string("7")
            if let id = one.clientID { one.terms.words["algoClOrdId"] = .string(id) }
            one.words = Settings([("ordType", .string(legs.count == 2 ? "oco" : "conditional"))])
            attached.append(one)
        }
        return attached
    }

    private func check(_ leg: ConditionalLeg, _ side: Side, _ last: ExactDecimal?) throws(OKXError) {
        guard let last, let level = leg.trigger.price,
            leg.trigger.rises == true ? level <= last : level >= last
        else { return }
        switch (leg.name, side) {
        case ("tp", .sell): throw .stopWrongSide("51279", "TP", "lower")
        case ("sl", .sell): throw .stopWrongSide("51280", "SL", "higher")
        case ("tp", .buy): throw .stopWrongSide("51277", "TP", "higher")
        default: throw .stopWrongSide("51278", "SL", "lower")
        }
    }
}

extension OrderReading {
    /// The last price; the mark where none was given.
    func last(of instrument: InstrumentRules) -> ExactDecimal? {
        snapshot.prices.quotes[instrument.terms.name]?.last ?? market.mark(instrument.terms)
    }
}

extension OKXError {
    static let stopOnReducing = OKXError(
        "51100", 200,
        "Unable to place order. Take profit/Stop loss orders cannot be added to reduce-only orders.",
        shape: .business)
    static let algoUnknown = cancelUnknown

    static func stopWrongSide(_ code: String, _ name: String, _ side: String) -> OKXError {
        OKXError(
            code, 200, "\(name) trigger price can not be \(side) than the last price.", shape: .business)
    }
}
