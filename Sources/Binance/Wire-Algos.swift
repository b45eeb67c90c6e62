import JSON
import Ledger
import Numbers

/// A conditional order with all that its answers and events show. Binance USDⓈ-M Futures API documentation,
/// New Algo Order; `docs/venues/binance.md`.
struct AlgoOrder: Sendable {
    /// `algoStatus`.
    enum Status: String, Sendable {
        case waiting = "NEW"
        /// It has fired; its order is not placed yet.
        case triggering = "TRIGGERING"
        /// Its order is open.
        case triggered = "TRIGGERED"
        /// Its order has ended.
        case finished = "FINISHED"
        case cancelled = "CANCELED"
        case expired = "EXPIRED"
        case rejected = "REJECTED"
    }

    /// Below every id of a conditional order: its sequence is added.
    private static let firstID: Int64 = 1_000_000_000_000_000

    let sequence: Int64
    let account: String
    let instrument: Instrument
    let side: Side
    let positionSide: PositionSide
    let clientID: String
    let words: AlgoWords
    let reduceOnly: Bool
    let priceMatch: String
    let selfTradePrevention: String
    let placedAt: LedgerTime
    var updatedAt: LedgerTime
    var status = Status.waiting
    var triggeredAt: LedgerTime?
    /// The order that it has placed.
    private(set) var order: OrderRecord?
    /// What is filled of it, and at what price on average.
    private(set) var filled = ExactDecimal.zero
    private(set) var averagePrice = "0.00000"
    /// `rm`: why that was refused.
    var reason: String?
    /// Whether a trailing one follows the price yet.
    var isActive = false

    /// One that waits, or waited; `sequence` of one that was just placed.
    init?(_ order: ConditionalOrder, of account: String, sequence: Int64? = nil) {
        guard let words = AlgoWords(order.terms.words) else { return nil }
        let terms = order.terms
        self.words = words
        self.account = account
        self.sequence = sequence ?? order.sequence
        instrument = order.instrument
        side = terms.side
        positionSide = terms.positionSide ?? .net
        clientID = terms.clientID ?? OpenOrder.clientID(of: account, placedAs: "c\(self.sequence)")
        reduceOnly = terms.reduceOnly
        priceMatch = terms.terms.words.text("priceMatch") ?? "NONE"
        selfTradePrevention = terms.terms.words.text(OpenOrder.preventionWord) ?? "EXPIRE_MAKER"
        placedAt = order.placedAt
        updatedAt = order.updatedAt
        isActive = terms.legs.contains { $0.trigger.trail?.extreme != nil }
    }

    /// One that waits no longer, with the order that it has placed as far as that is known.
    init?(
        _ record: ConditionalRecord, of account: String, order: OrderRecord?
    ) throws(NumberError) {
        self.init(record.order, of: account)
        updatedAt = record.endedAt
        switch record.ending {
        case .triggered:
            triggeredAt = record.endedAt
            try place(order)
        case .ended(let end): self.end(end)
        }
    }

    /// The one that has placed an order; nil where none has.
    init?(placing record: OrderRecord, of account: String) throws(NumberError) {
        let order = record.order
        guard let terms = order.terms, let id = terms.conditional, id.first == "c",
            let sequence = Int64(id.dropFirst()),
            let words = terms.words[AlgoWords.name]?.object.map({
                Settings($0.members.map { (name: $0.key, value: $0.value) })
            }).flatMap({ AlgoWords($0) })
        else { return nil }
        self.words = words
        self.account = account
        self.sequence = sequence
        instrument = order.instrument
        side = order.side
        positionSide = order.positionSide
        clientID = order.clientOrderID(of: account)
        reduceOnly = order.reduceOnly && !words.closesPosition
        priceMatch = order.priceMatch
        selfTradePrevention = order.selfTradePrevention
        placedAt = order.placedAt
        updatedAt = record.updatedAt
        triggeredAt = order.placedAt
        isActive = words.type == .trailingStop
        try place(record)
    }

    /// It has fired, and placed an order as far as that is known.
    private mutating func place(_ record: OrderRecord?) throws(NumberError) {
        order = record
        status = record.map { $0.ending == nil ? .triggered : .finished } ?? .finished
        guard let record else { return }
        updatedAt = record.updatedAt
        filled = try record.order.filled
        if let price = try record.order.averagePrice(0) { averagePrice = price }
    }

    /// It has ended without an order.
    mutating func end(_ end: ConditionalEnd) {
        switch end.reason {
        case .cancelled: status = .cancelled
        case .expired, .contingency, .positionClosed: status = .expired
        case .refused:
            status = .rejected
            let code = end.refusal ?? .notAllowed
            let error = BinanceError.refusedOrder(Refusal(code, "The order was refused."))
            reason = code == .nothingToReduce ? "Reduce Only reject" : error.message
        }
    }

    var id: Int64 { Self.firstID + sequence }

    /// The sequence that an `algoId` is of; nil for what is none.
    static func sequence(ofID text: String) -> Int64? {
        guard let id = BinanceVenue.milliseconds(text), id > firstID else { return nil }
        return id - firstID
    }

    /// `actualOrderId`; empty before there is one.
    var orderID: String { order.map { String($0.order.venueID(of: account)) } ?? "" }

    fileprivate var actualType: StaticString { order?.order.terms?.kind == .market ? "MARKET" : "LIMIT" }
}

extension JSONWriter {
    /// Which answer a conditional order stands in.
    enum AlgoForm {
        /// To placing.
        case placed
        /// To a query: with the order that it has placed.
        case query
    }

    /// One conditional order.
    mutating func algo(_ algo: AlgoOrder, _ rules: RuleTable, _ form: AlgoForm) {
        let words = algo.words
        let symbol = rules.symbol(algo.instrument.name)
        let pricePlaces = symbol?.pricePrecision ?? 2
        let quantityPlaces = symbol?.quantityPrecision ?? 3
        func price(_ price: ExactDecimal?) -> String { (price ?? .zero).text(minimumPlaces: pricePlaces) }
        beginObject()
        integer("algoId", algo.id)
        text("clientAlgoId", algo.clientID)
        literal("algoType", "CONDITIONAL")
        text("orderType", words.type.rawValue)
        text("symbol", algo.instrument.name)
        literal("side", algo.side == .buy ? "BUY" : "SELL")
        positionSide(algo.positionSide)
        text("timeInForce", words.timeInForce)
        text("quantity", (words.quantity ?? .zero).text(minimumPlaces: quantityPlaces))
        text("algoStatus", algo.status.rawValue)
        if form == .query {
            text("actualOrderId", algo.orderID)
            text("actualPrice", algo.averagePrice)
            if algo.order != nil {
                text("actualQty", algo.filled.text(minimumPlaces: quantityPlaces))
                literal("actualType", algo.actualType)
            }
        }
        text("triggerPrice", price(words.triggerPrice))
        text("price", price(words.price))
        key("icebergQuantity")
        null()
        if form == .query {
            literal("tpTriggerPrice", "0.000")
            literal("tpPrice", "0.000")
            literal("slTriggerPrice", "0.000")
            literal("slPrice", "0.000")
            literal("tpOrderType", "")
        }
        text("selfTradePreventionMode", algo.selfTradePrevention)
        literal("workingType", words.watchesMark ? "MARK_PRICE" : "CONTRACT_PRICE")
        text("priceMatch", algo.priceMatch)
        bool("closePosition", words.closesPosition)
        bool("priceProtect", words.isProtected)
        bool("reduceOnly", algo.reduceOnly)
        text("activatePrice", words.activatePrice.map { price($0) } ?? "")
        text("callbackRate", words.callbackRate?.description ?? "")
        integer("createTime", algo.placedAt.milliseconds)
        integer("updateTime", algo.updatedAt.milliseconds)
        integer("triggerTime", algo.triggeredAt?.milliseconds ?? 0)
        integer("goodTillDate", 0)
        endObject()
    }

    /// What ALGO_UPDATE tells, after its name. Binance USDⓈ-M Futures API documentation, Event: Algo Order
    /// Update.
    mutating func algoUpdate(_ algo: AlgoOrder, at time: LedgerTime) {
        let words = algo.words
        integer("T", time.milliseconds)
        integer("E", time.milliseconds)
        key("o")
        beginObject()
        text("caid", algo.clientID)
        integer("aid", algo.id)
        literal("at", "CONDITIONAL")
        text("o", words.type.rawValue)
        text("s", algo.instrument.name)
        literal("S", algo.side == .buy ? "BUY" : "SELL")
        literal("ps", algo.positionSide.binanceName)
        text("f", words.timeInForce)
        text("q", (words.quantity ?? .zero).description)
        text("X", algo.status.rawValue)
        text("ai", algo.orderID)
        text("ap", algo.averagePrice)
        text("aq", algo.filled.isZero ? "0.00000" : algo.filled.description)
        literal("act", algo.order == nil ? "0" : algo.actualType)
        text("tp", (words.triggerPrice ?? .zero).description)
        text("p", (words.price ?? .zero).description)
        text("V", algo.selfTradePrevention)
        literal("wt", words.watchesMark ? "MARK_PRICE" : "CONTRACT_PRICE")
        text("pm", algo.priceMatch)
        bool("cp", words.closesPosition)
        bool("pP", words.isProtected)
        bool("R", algo.reduceOnly)
        integer("tt", algo.triggeredAt?.milliseconds ?? 0)
        integer("gtd", 0)
        if let reason = algo.reason { text("rm", reason) }
        if words.type == .trailingStop { bool("ia", algo.isActive) }
        endObject()
    }
}

extension PositionSide {
    /// As the venue spells it.
    var binanceName: StaticString {
        switch self {
        case .net: "BOTH"
        case .long: "LONG"
        case .short: "SHORT"
        }
    }
}
