import JSON
import Ledger
import Numbers
import Venue

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
        let places = rules.places(of: algo.instrument)
        func price(_ price: ExactDecimal?) -> String { (price ?? .zero).text(minimumPlaces: places.price) }
        beginObject()
        member("algoId", algo.id)
        member("clientAlgoId", algo.clientID)
        member("algoType", literal: "CONDITIONAL")
        member("orderType", words.type.rawValue)
        member("symbol", algo.instrument.name)
        member("side", literal: algo.side == .buy ? "BUY" : "SELL")
        positionSide(algo.positionSide)
        member("timeInForce", words.timeInForce)
        member("quantity", (words.quantity ?? .zero).text(minimumPlaces: places.quantity))
        member("algoStatus", algo.status.rawValue)
        if form == .query {
            member("actualOrderId", algo.orderID)
            member("actualPrice", algo.averagePrice)
            if algo.order != nil {
                member("actualQty", algo.filled.text(minimumPlaces: places.quantity))
                member("actualType", literal: algo.actualType)
            }
        }
        member("triggerPrice", price(words.triggerPrice))
        member("price", price(words.price))
        key("icebergQuantity")
        null()
        if form == .query {
            member("tpTriggerPrice", literal: "0.000")
            member("tpPrice", literal: "0.000")
            member("slTriggerPrice", literal: "0.000")
            member("slPrice", literal: "0.000")
            member("tpOrderType", literal: "")
        }
        member("selfTradePreventionMode", algo.selfTradePrevention)
        member("workingType", literal: words.watchesMark ? "MARK_PRICE" : "CONTRACT_PRICE")
        member("priceMatch", algo.priceMatch)
        member("closePosition", words.closesPosition)
        member("priceProtect", words.isProtected)
        member("reduceOnly", algo.reduceOnly)
        member("activatePrice", words.activatePrice.map { price($0) } ?? "")
        member("callbackRate", words.callbackRate?.description ?? "")
        member("createTime", algo.placedAt.milliseconds)
        member("updateTime", algo.updatedAt.milliseconds)
        member("triggerTime", algo.triggeredAt?.milliseconds ?? 0)
        member("goodTillDate", 0)
        endObject()
    }

    /// What ALGO_UPDATE tells, after its name. Binance USDⓈ-M Futures API documentation, Event: Algo Order
    /// Update.
    mutating func algoUpdate(_ algo: AlgoOrder, at time: LedgerTime) {
        let words = algo.words
        member("T", time.milliseconds)
        member("E", time.milliseconds)
        beginObject("o")
        member("caid", algo.clientID)
        member("aid", algo.id)
        member("at", literal: "CONDITIONAL")
        member("o", words.type.rawValue)
        member("s", algo.instrument.name)
        member("S", literal: algo.side == .buy ? "BUY" : "SELL")
        member("ps", literal: algo.positionSide.binanceName)
        member("f", words.timeInForce)
        member("q", (words.quantity ?? .zero).description)
        member("X", algo.status.rawValue)
        member("ai", algo.orderID)
        member("ap", algo.averagePrice)
        member("aq", algo.filled.isZero ? "0.00000" : algo.filled.description)
        member("act", literal: algo.order == nil ? "0" : algo.actualType)
        member("tp", (words.triggerPrice ?? .zero).description)
        member("p", (words.price ?? .zero).description)
        member("V", algo.selfTradePrevention)
        member("wt", literal: words.watchesMark ? "MARK_PRICE" : "CONTRACT_PRICE")
        member("pm", algo.priceMatch)
        member("cp", words.closesPosition)
        member("pP", words.isProtected)
        member("R", algo.reduceOnly)
        member("tt", algo.triggeredAt?.milliseconds ?? 0)
        member("gtd", 0)
        if let reason = algo.reason { member("rm", reason) }
        if words.type == .trailingStop { member("ia", algo.isActive) }
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
