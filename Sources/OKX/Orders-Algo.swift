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
    /// What lists may be asked for: the venue has kinds that are not served.
    static let knownTypes: Set = [
        "conditional", "oco", "trigger", "move_order_stop", "chase", "iceberg", "smart_iceberg", "twap",
    ]
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
        try checkLevels(order, instrument)
        order.terms = childTerms(type)
        order.terms.marginAsset = mode.marginAsset
        order.expires(with: instrument)
        order.words = try words(type)
        order.terms.attached = try attached(to: order, type)
        let same = reading.snapshot.account.conditionals.count {
            $0.instrument.name == order.instrument && $0.terms.words.text("ordType") == type
        }
        let most = Self.most[type] ?? 100
        if same >= most { throw .tooManyOrders(most) }
        return order
    }

    /// Levels that the price has passed already are refused, and a second order for the whole of a position.
    private func checkLevels(
        _ order: ConditionalInstruction, _ instrument: InstrumentRules
    ) throws(OKXError) {
        for leg in order.legs { try checkLevel(of: leg, order.side, instrument) }
        guard order.quantity == nil else { return }
        let isSecond = reading.snapshot.account.conditionals.contains { other in
            other.terms.quantity == nil && other.instrument.name == order.instrument
                && other.terms.side == order.side && other.terms.marginMode == order.marginMode
                && (other.terms.positionSide ?? .net) == (order.positionSide ?? .net)
        }
        if isSecond { throw .closingAlgoExists }
    }

    private func checkLevel(
        of leg: ConditionalLeg, _ side: Side, _ instrument: InstrumentRules
    ) throws(OKXError) {
        if leg.trigger.source == .index { return }
        let isMark = leg.trigger.source == .mark
        let now = isMark ? reading.market.mark(instrument.terms) : reading.last(of: instrument)
        if leg.name == "tp" || leg.name == "sl" {
            try check(leg, side, now, isMark ? .mark : .last)
        } else if leg.trigger.trail != nil, let start = leg.trigger.price, let now {
            if side == .sell, start <= now { throw .activationTooLow }
            if side == .buy, start >= now { throw .activationTooHigh }
        }
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
            let trigger = Trigger(try source("triggerPxType", members) ?? .last, at: level, rises: nil)
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
        let start = try members.number("activePx")
        if let start, !start.isPositive { throw .itemWrong("activePx") }
        let trigger = Trigger(.last, trailing: trail, from: start, rises: side == .buy)
        return ConditionalLeg("trailing", trigger, price: nil)
    }

    /// The legs that `tp…` and `sl…` members make. A sale's profit lies above, a purchase's below.
    private func stops(
        _ members: OrderMembers, _ side: Side, _ instrument: InstrumentRules
    ) throws(OKXError) -> [ConditionalLeg] {
        var legs: [ConditionalLeg] = []
        for name in ["tp", "sl"] {
            let (triggerName, priceName) = ("\(name)TriggerPx", "\(name)OrdPx")
            guard let level = try members.number(triggerName) else { continue }
            guard level.isPositive else { throw .itemWrong(triggerName) }
            guard let price = members[priceName] else { throw .itemMissing(priceName) }
            legs.append(
                ConditionalLeg(
                    name,
                    Trigger(
                        try source("\(triggerName)Type", members) ?? .last, at: level,
                        rises: (name == "tp") == (side == .sell)),
                    price: try limit(price, priceName, instrument)))
        }
        return legs
    }

    /// What `newTp…` and `newSl…` members make of legs: what they do not name stays, and a level or a price
    /// of 0 takes a leg away. Nil where they name nothing.
    private func amended(
        _ old: [ConditionalLeg], _ side: Side, _ instrument: InstrumentRules, by members: OrderMembers
    ) throws(OKXError) -> [ConditionalLeg]? {
        var legs = old
        var isChanged = false
        for (name, stem) in [("tp", "newTp"), ("sl", "newSl")] {
            let (triggerName, priceName) = ("\(stem)TriggerPx", "\(stem)OrdPx")
            let (level, price) = (try members.number(triggerName), members[priceName])
            let kind = try source("\(triggerName)Type", members)
            if level == nil, price == nil, kind == nil { continue }
            isChanged = true
            let place = legs.firstIndex { $0.name == name }
            if level?.isZero == true || price == "0" {
                if let place { legs.remove(at: place) }
                continue
            }
            if let level, level.isNegative { throw .itemWrong(triggerName) }
            guard let at = level ?? place.flatMap({ legs[$0].trigger.price }) else {
                throw .itemMissing(triggerName)
            }
            var leg = ConditionalLeg(
                name,
                Trigger(
                    kind ?? place.map { legs[$0].trigger.source } ?? .last, at: at,
                    rises: (name == "tp") == (side == .sell)),
                price: place.flatMap { legs[$0].price })
            if let price { leg.price = try limit(price, priceName, instrument) }
            if let place { legs[place] = leg } else { legs.append(leg) }
        }
        if isChanged, legs.isEmpty { throw .amendNothing }
        return isChanged ? legs : nil
    }

    /// The kind of price that a member names; nil where it is not there.
    private func source(_ name: String, _ members: OrderMembers) throws(OKXError) -> TriggerSource? {
        guard let text = members[name] else { return nil }
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
        guard let place = legs.firstIndex(where: { $0.name == "trigger" }) else {
            let changed = try amended(legs, order.terms.side, instrument, by: members)
            // What stays may have been passed by a protected price; what changes may not be where it fires.
            for leg in changed ?? [] where !legs.contains(leg) {
                try checkLevel(of: leg, order.terms.side, instrument)
            }
            return changed
        }
        let (level, kind) = (
            try members.number("newTriggerPx"), try source("newTriggerPxType", members)
        )
        if level == nil, kind == nil, members["newOrdPx"] == nil { return nil }
        if let level, !level.isPositive { throw .itemWrong("newTriggerPx") }
        let old = legs[place].trigger
        if let at = level ?? old.price, level != nil || kind != nil {
            legs[place].trigger = Trigger(kind ?? old.source, at: at, rises: nil)
        }
        if let text = members["newOrdPx"] { legs[place].price = try limit(text, "newOrdPx", instrument) }
        return legs
    }

    // MARK: - Attached

    /// What is attached to the order of a trigger. The other kinds, which are stops themselves, have none.
    private func attached(
        to order: ConditionalInstruction, _ type: String
    ) throws(OKXError) -> [ConditionalInstruction] {
        let leg = order.legs[0]
        var placed = OrderInstruction(
            instrument: order.instrument, side: order.side, quantity: order.quantity ?? .zero,
            price: leg.price ?? leg.trigger.price, terms: order.terms)
        placed.reduceOnly = order.reduceOnly
        let attached = try attached(to: placed)
        guard attached.isEmpty || (type == "trigger" && order.quantity != nil) else {
            throw .itemWrong("attachAlgoOrds")
        }
        return attached
    }

    /// What `attachAlgoOrds` asks for: a conditional order of the other side each, placed once the order is
    /// filled as a whole. Triggers on the wrong side of the price are refused (51277 to 51280).
    func attached(to order: OrderInstruction) throws(OKXError) -> [ConditionalInstruction] {
        guard let value = members.value["attachAlgoOrds"], !value.isNull, value.text != "" else { return [] }
        // An order whose stops cannot be read must not stand without them.
        guard let list = value.elements, list.allSatisfy({ $0.object != nil }) else {
            throw .itemWrong("attachAlgoOrds")
        }
        let instrument = try reading.instrument()
        let side: Side = order.side == .buy ? .sell : .buy
        let (reference, price): (Reference, ExactDecimal?) =
            order.price.map { (.order, $0) } ?? (.last, reading.last(of: instrument))
        var attached: [ConditionalInstruction] = []
        for element in list {
            let own = OrderMembers(value: element)
            let legs = try stops(own, side, instrument)
            if legs.isEmpty { throw .itemMissing("slTriggerPx") }
            if order.reduceOnly { throw .stopOnReducing }
            for leg in legs { try check(leg, side, price, reference) }
            let size = try own.number("sz")
            if let size { try reading.check(size, instrument, isMarket: false) }
            var one = ConditionalInstruction(
                instrument: order.instrument, side: side, quantity: size ?? order.quantity,
                legs: legs, clientID: try own.label("attachAlgoClOrdId"))
            one.isOfWholeOrder = size == nil
            if let id = one.clientID, isTaken(id) || attached.contains(where: { $0.clientID == id }) {
                throw .attachedIDTaken(id)
            }
            one.terms.marginAsset = order.terms.marginAsset
            one.expires(with: instrument)
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

    /// What is attached to an open order after `attachAlgoOrds` of its amendment, each named by its
    /// `attachAlgoClOrdId` unless it is the only one; nil where nothing is said of it.
    func amendedAttachments(
        of order: OpenOrder, at price: ExactDecimal
    ) throws(OKXError) -> [ConditionalInstruction]? {
        guard let value = members.value["attachAlgoOrds"], !value.isNull, value.text != "" else { return nil }
        guard let list = value.elements, !list.isEmpty, list.allSatisfy({ $0.object != nil }) else {
            throw .itemWrong("attachAlgoOrds")
        }
        let instrument = try reading.instrument()
        var attached = order.terms?.attached ?? []
        for element in list {
            let own = OrderMembers(value: element)
            let id = own["attachAlgoClOrdId"]
            let place = attached.firstIndex { id == nil ? attached.count == 1 : $0.clientID == id }
            guard own["attachAlgoId"] == nil, let place else { throw .itemWrong("attachAlgoClOrdId") }
            if let size = try own.number("sz") {
                try reading.check(size, instrument, isMarket: false)
                attached[place].quantity = size
                attached[place].isOfWholeOrder = false
            }
            let side = attached[place].side
            guard let legs = try amended(attached[place].legs, side, instrument, by: own) else { continue }
            for leg in legs { try check(leg, side, price, .order) }
            attached[place].legs = legs
            attached[place].words["ordType"] = .string(legs.count == 2 ? "oco" : "conditional")
        }
        return attached
    }

    /// Whether a conditional order that waits, or that one of these or an open order would place, has this id
    /// already.
    private func isTaken(_ id: String) -> Bool {
        let account = reading.snapshot.account
        let attached =
            account.orders.flatMap { $0.terms?.attached ?? [] }
            + account.conditionals.flatMap(\.terms.terms.attached)
        return account.conditional(.client(id)) != nil
            || attached.contains { $0.clientID?.isExactly(id) ?? false }
    }

    /// What a level is measured against.
    private enum Reference {
        case last
        case mark
        /// The limit of the order that it hangs on.
        case order
    }

    private func check(
        _ leg: ConditionalLeg, _ side: Side, _ price: ExactDecimal?, _ reference: Reference
    ) throws(OKXError) {
        guard let price, let level = leg.trigger.price,
            leg.trigger.rises == true ? level <= price : level >= price
        else { return }
        let isProfit = leg.name == "tp"
        // The code of a sale's profit, of its loss, of a purchase's profit, of its loss.
        let place = (side == .sell ? 0 : 2) + (isProfit ? 0 : 1)
        let name = isProfit ? "TP" : "SL"
        // Where a level must lie.
        let lies = isProfit == (side == .sell) ? "higher" : "lower"
        let wrong = lies == "higher" ? "lower" : "higher"
        switch reference {
        case .last:
            throw .stopWrongSide(
                ["51279", "51280", "51277", "51278"][place],
                "\(name) trigger price can not be \(wrong) than the last price.")
        case .mark:
            throw .stopWrongSide(
                ["51303", "51304", "51300", "51302"][place],
                "\(name) trigger price cannot be \(wrong) than the mark price")
        case .order:
            throw .stopWrongSide(
                ["51046", "51047", "51048", "51049"][place],
                "The \(isProfit ? "take profit" : "stop loss") trigger price must be \(lies) than the order "
                    + "price")
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

    static func stopWrongSide(_ code: String, _ words: String) -> OKXError {
        OKXError(code, 200, words, shape: .business)
    }
}

extension ConditionalInstruction {
    /// Ends it, and the order that it places, when its contract is delivered.
    fileprivate mutating func expires(with instrument: InstrumentRules) {
        expiresAt = instrument.expiry
        terms.expiresAt = instrument.expiry
    }
}
