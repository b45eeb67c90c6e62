import JSON
import Ledger
import Numbers
import Venue

/// The types of conditional orders.
enum AlgoType: String, Sendable, CaseIterable {
    case stop = "STOP"
    case stopMarket = "STOP_MARKET"
    case takeProfit = "TAKE_PROFIT"
    case takeProfitMarket = "TAKE_PROFIT_MARKET"
    case trailingStop = "TRAILING_STOP_MARKET"

    /// Whether what it places is a limit order.
    var isLimit: Bool { self == .stop || self == .takeProfit }

    /// Whether it can close a whole position, whatever its size.
    var mayClose: Bool { self == .stopMarket || self == .takeProfitMarket }

    /// Whether the price has to come up to its level, rather than down.
    func rises(_ side: Side) -> Bool {
        switch self {
        case .stop, .stopMarket, .trailingStop: side == .buy
        case .takeProfit, .takeProfitMarket: side == .sell
        }
    }
}

/// What a client asked of a conditional order, as answers and events repeat it. It stands with the
/// conditional order as its words, and with the order that this places under `algo`, because that is all
/// that is left of it then.
struct AlgoWords: Equatable {
    /// The word of an order's terms under which those of the conditional order stand that placed it.
    static let name = "algo"
    /// `timeInForce` of what the venue's own pages send: as GTC, while there is the position.
    static let whileHeld = "GTE_GTC"

    var type: AlgoType
    var timeInForce = "GTC"
    /// Nil where it closes the position.
    var quantity: ExactDecimal?
    var price: ExactDecimal?
    var triggerPrice: ExactDecimal?
    var activatePrice: ExactDecimal?
    /// In percent.
    var callbackRate: ExactDecimal?
    var watchesMark = false
    var isProtected = false
    var closesPosition = false

    init(_ type: AlgoType) { self.type = type }

    /// Nil where they are those of no conditional order.
    init?(_ words: Settings) {
        guard let type = words.text("type").flatMap(AlgoType.init(rawValue:)) else { return nil }
        func number(_ name: String) -> ExactDecimal? { words.text(name).flatMap { try? ExactDecimal($0) } }
        self.type = type
        timeInForce = words.text("timeInForce") ?? "GTC"
        quantity = number("quantity")
        price = number("price")
        triggerPrice = number("triggerPrice")
        activatePrice = number("activatePrice")
        callbackRate = number("callbackRate")
        watchesMark = words.flag("watchesMark")
        isProtected = words.flag("priceProtect")
        closesPosition = words.flag("closePosition")
    }

    /// As they are kept.
    var settings: Settings {
        var words = Settings([("type", .string(type.rawValue)), ("timeInForce", .string(timeInForce))])
        func note(_ name: String, _ number: ExactDecimal?) {
            if let number { words[name] = .string(number.description) }
        }
        note("quantity", quantity)
        note("price", price)
        note("triggerPrice", triggerPrice)
        note("activatePrice", activatePrice)
        note("callbackRate", callbackRate)
        if watchesMark { words["watchesMark"] = .bool(true) }
        if isProtected { words["priceProtect"] = .bool(true) }
        if closesPosition { words["closePosition"] = .bool(true) }
        return words
    }
}

/// A conditional order as a client asks for it: read and checked like an order. Binance USDⓈ-M Futures API
/// documentation, New Algo Order.
struct AlgoReading {
    let reading: OrderReading

    init(_ reading: OrderReading) { self.reading = reading }

    private var parameters: Parameters { reading.parameters }

    /// The whole conditional order. Throws the venue's refusal.
    func instruction() throws(BinanceError) -> ConditionalInstruction {
        guard try parameters.required("algoType") == "CONDITIONAL" else { throw .invalidData("algoType") }
        let symbol = try reading.symbol()
        let side = try reading.side()
        let words = try words(side, symbol)
        let reduceOnly = try reading.reduceOnly()
        if words.closesPosition, reduceOnly { throw .superfluous("reduceOnly") }
        let clientID = try reading.clientID("clientAlgoId")
        let positionSide = try reading.positionSide()
        // What only makes a position larger cannot close it.
        if words.closesPosition, positionSide == (side == .buy ? .long : .short) {
            throw .positionSideMismatch
        }
        if let quantity = words.quantity {
            try reading.check(quantity, symbol, isMarket: !words.type.isLimit)
        }
        try checkPrices(words, side, symbol)
        var order = ConditionalInstruction(
            instrument: symbol.name, side: side, quantity: words.quantity,
            legs: [try leg(words, side, symbol)], clientID: clientID)
        order.positionSide = positionSide
        order.reduceOnly = reduceOnly
        order.endsWithPosition = words.timeInForce == AlgoWords.whileHeld
        order.words = words.settings
        order.terms = try terms(words, clientID)
        let closes =
            reduceOnly || words.closesPosition || positionSide == (side == .buy ? .short : .long)
        if let quantity = words.quantity {
            try reading.checkNotional(
                quantity, words.price ?? words.triggerPrice, symbol, isReducing: closes)
        }
        try checkOthers(words, order)
        return order
    }

    // MARK: - Words

    private func words(_ side: Side, _ symbol: SymbolRules) throws(BinanceError) -> AlgoWords {
        guard let type = AlgoType(rawValue: try parameters.required("type")) else { throw .invalidOrderType }
        var words = AlgoWords(type)
        words.timeInForce = try timeInForce()
        _ = try reading.wantsResult()
        words.closesPosition = try parameters.flag("closePosition") ?? false
        words.isProtected = try parameters.flag("priceProtect") ?? false
        switch parameters["workingType"] {
        case nil, "", "CONTRACT_PRICE": break
        case "MARK_PRICE": words.watchesMark = true
        default: throw .invalidWorkingType
        }
        if words.closesPosition {
            guard type.mayClose else { throw .neverCloses(type) }
            if let quantity = parameters["quantity"], !quantity.isEmpty { throw .quantityOfClosing }
        } else {
            words.quantity = try reading.number("quantity")
        }
        if type.isLimit {
            words.price = try reading.limit(side, symbol)
        } else {
            if parameters["price"] != nil { throw .superfluous("price") }
            if try reading.priceMatch() != nil { throw .priceMatchOfMarket }
        }
        guard type == .trailingStop else {
            words.triggerPrice = try reading.number("triggerPrice")
            return words
        }
        // The venue takes a trigger of a trailing order for one that has fired already.
        if parameters["triggerPrice"] != nil { throw .wouldTrigger }
        let rate = try reading.number("callbackRate")
        guard let least = try? ExactDecimal("0.1"), rate >= least, rate <= Self.largestCallback,
            rate.fractionDigits <= 1
        else { throw .invalidData("callbackRate") }
        words.callbackRate = rate
        if parameters["activatePrice"] != nil { words.activatePrice = try reading.number("activatePrice") }
        return words
    }

    /// In percent; 10 until October 2026.
    private static let largestCallback = ExactDecimal(20)

    private func timeInForce() throws(BinanceError) -> String {
        guard let text = parameters["timeInForce"], !text.isEmpty else { return "GTC" }
        guard ["GTC", "IOC", "FOK", "GTX", AlgoWords.whileHeld].contains(text) else {
            throw .invalidTimeInForce
        }
        return text
    }

    private func terms(_ words: AlgoWords, _ clientID: String?) throws(BinanceError) -> OrderTerms {
        var terms = OrderTerms(clientID: clientID)
        if words.type.isLimit {
            switch words.timeInForce {
            case "IOC": terms.timeInForce = .immediateOrCancel
            case "FOK": terms.timeInForce = .fillOrKill
            case "GTX": terms.postOnly = true
            default: break
            }
        }
        try reading.preventSelfTrade(&terms)
        if let match = try reading.priceMatch() { terms.words["priceMatch"] = .string(match) }
        terms.words[AlgoWords.name] = .members(words.settings.values.map { ($0.name, $0.value) })
        return terms
    }

    // MARK: - Triggers

    private func leg(
        _ words: AlgoWords, _ side: Side, _ symbol: SymbolRules
    ) throws(BinanceError) -> ConditionalLeg {
        let source: TriggerSource = words.watchesMark ? .mark : .last
        let rises = words.type.rises(side)
        var trigger: Trigger
        if let level = words.triggerPrice {
            trigger = Trigger(source, at: level, rises: rises)
        } else {
            guard let ratio = try? words.callbackRate?.over(ExactDecimal(100), rounding: .halfEven) else {
                throw .invalidData("callbackRate")
            }
            let trail = Trigger.Trail(ratio: ratio)
            trigger = Trigger(source, trailing: trail, from: words.activatePrice, rises: rises)
        }
        if words.isProtected { trigger.protection = try? ExactDecimal(Filters.triggerProtect) }
        try checkPending(trigger, side, symbol)
        return ConditionalLeg(words.type.rawValue, trigger, price: words.price)
    }

    /// Refuses a trigger that the price has come to already, and a trail from a price that it has passed.
    private func checkPending(
        _ trigger: Trigger, _ side: Side, _ symbol: SymbolRules
    ) throws(BinanceError) {
        let now = trigger.source.price(of: symbol.instrument, reading.snapshot.prices, reading.market)
        guard let now else { return }
        if trigger.trail == nil {
            if trigger.fires(at: now) { throw .wouldTrigger }
        } else if let start = trigger.price, side == .buy ? start >= now : start <= now {
            throw .wouldTrigger
        }
    }

    /// Precision and PRICE_FILTER of each price; the limit no further from the trigger than PERCENT_PRICE
    /// allows.
    private func checkPrices(
        _ words: AlgoWords, _ side: Side, _ symbol: SymbolRules
    ) throws(BinanceError) {
        if let price = words.price { try reading.check(price, symbol) }
        for trigger in [words.triggerPrice, words.activatePrice] {
            guard let trigger else { continue }
            do {
                try reading.check(trigger, symbol)
            } catch {
                throw error.ofTrigger
            }
        }
        guard let price = words.price, let trigger = words.triggerPrice,
            let bound = symbol.bound(side == .buy, around: trigger)
        else { return }
        if side == .buy, price > bound { throw .aboveStop(bound) }
        if side == .sell, price < bound { throw .belowStop(bound) }
    }

    /// What stands against it among the conditional orders that wait already. One stop and one take profit a
    /// side may close a position: a choice.
    private func checkOthers(
        _ words: AlgoWords, _ order: ConditionalInstruction
    ) throws(BinanceError) {
        let waiting = reading.snapshot.account.conditionals
        if words.closesPosition {
            let isSecond = waiting.contains { other in
                other.terms.instrument == order.instrument && other.terms.side == order.side
                    && (other.terms.positionSide ?? .net) == (order.positionSide ?? .net)
                    && AlgoWords(other.terms.words).map { $0.closesPosition && $0.type == words.type } == true
            }
            if isSecond { throw .closingOrderExists }
        }
        if waiting.count >= Filters.conditionalOrders { throw .tooManyConditionals }
    }
}
