import JSON
import Ledger
import Numbers
import Venue

// Conditional orders: OKX API documentation, Algo Trading.

extension OKXVenue {
    func algoChange(
        _ endpoint: Endpoint, _ body: JSONValue, _ snapshot: AccountSnapshot, through access: any VenueAccess
    ) async throws -> [UInt8] {
        let items: [JSONValue]
        switch endpoint {
        case .orderAlgo: items = [body]
        case .amendAlgos: items = body.elements ?? [body]
        default:
            guard let elements = body.elements, !elements.isEmpty else { throw OKXError.bodyMalformed }
            if elements.count > 10 { throw OKXError.batchTooLarge("51406", 10) }
            items = elements
        }
        var acks: [AlgoAck] = []
        for item in items {
            guard item.object != nil else { throw OKXError.bodyMalformed }
            // Each finds what those before it have made of the account.
            let current = acks.isEmpty ? snapshot : access.snapshot(of: snapshot.account.id) ?? snapshot
            acks.append(await perform(endpoint, OrderReading(item, current, self), through: access))
        }
        let outcome = BatchOutcome(acks.count, failed: acks.count { $0.error != nil })
        return JSONWriter.object(reserving: 512) { writer in
            writer.member("code", literal: outcome.code)
            writer.array("data", of: acks) { ack, writer in writer.algoAck(ack, endpoint) }
            writer.member("msg", literal: outcome.message)
        }
    }

    /// Carries out one of them.
    private func perform(
        _ endpoint: Endpoint, _ reading: OrderReading, through access: any VenueAccess
    ) async -> AlgoAck {
        let account = reading.snapshot.account
        var ack = AlgoAck(reading.members)
        let instruction: TradeInstruction
        do throws(OKXError) {
            switch endpoint {
            case .orderAlgo: instruction = .placeConditional(try AlgoReading(reading).instruction())
            case .amendAlgos:
                ack.id = reading.members["algoId"] ?? ""
                let order = try waiting(reading.members, account, else: .amendUnknown)
                ack.take(order)
                instruction = try amendment(of: order, reading)
            default:
                ack.id = reading.members["algoId"] ?? ""
                let order = try waiting(reading.members, account, else: .algoUnknown)
                ack.take(order)
                instruction = .cancelConditional(.id(order.id))
            }
        } catch {
            ack.error = error
            return ack
        }
        do throws(Refusal) {
            for event in try await access.trade(instruction, for: account.id) {
                if case .conditionalPlaced = event.body { ack.id = OrderID.text(event.sequence) }
            }
        } catch {
            ack.error =
                switch endpoint {
                case .orderAlgo where error.code == .orderExists: .algoClientIDTaken
                case .orderAlgo: OKXError(order: error, mode: account.mode, currency: "")
                // What changes nothing is as good as done.
                case .amendAlgos: error.code == .unchanged ? nil : .amendUnknown
                default: .algoUnknown
                }
        }
        return ack
    }

    /// The conditional order of `instId` that waits and is named: by `algoId`, else by `algoClOrdId`.
    private func waiting(
        _ members: OrderMembers, _ account: Account, else unknown: OKXError
    ) throws(OKXError) -> ConditionalOrder {
        let instrument = try members.required("instId")
        let order: ConditionalOrder?
        if let text = members["algoId"] {
            order = OrderID.sequence(text).flatMap { account.conditional(.sequence($0)) }
        } else {
            guard let text = members["algoClOrdId"] else { throw .itemMissing("algoId") }
            order = account.conditional(.client(text))
        }
        guard let order, order.instrument.name.isExactly(instrument) else { throw unknown }
        return order
    }

    private func amendment(
        of order: ConditionalOrder, _ reading: OrderReading
    ) throws(OKXError) -> TradeInstruction {
        let size = try reading.members.number("newSz")
        if let size { try reading.check(size, try reading.instrument(), isMarket: false, named: "newSz") }
        let legs = try AlgoReading(reading).amendedLegs(of: order)
        guard size != nil || legs != nil else { throw .amendNothing }
        return .amendConditional(.id(order.id), quantity: size, legs: legs)
    }
}

// MARK: - Reading

extension AccountRequest {
    /// `trade/order-algo`: one conditional order, by `algoId` or else by `algoClOrdId`.
    func algoDetails(_ history: TradingHistory) throws -> [UInt8] {
        let (id, clientID) = (query.given("algoId"), query.given("algoClOrdId"))
        guard id != nil || clientID != nil else { throw OKXError.parameterMissing("algoId") }
        let row = (ended(in: history) + waiting).last { row in
            id.map { row.id == $0 } ?? row.order.terms.clientID.isExactly(clientID)
        }
        guard let row else {
            try history.require(.conditionals)
            throw OKXError.orderUnknown
        }
        return try JSONWriter.reply { try $0.algo(row, rules) }
    }

    /// Conditional orders, the latest first: those that wait, or that ended in a history.
    func algoList(of history: TradingHistory? = nil) throws -> [UInt8] {
        guard let types = try query.orderTypes(AlgoReading.knownTypes) else {
            throw OKXError.parameterMissing("ordType")
        }
        let page = try Page(query, ids: OrderID.base)
        let filter = try InstrumentFilter(query, rules)
        let (id, state) = (query.given("algoId"), query.given("state"))
        if history != nil {
            guard id != nil || state != nil else { throw OKXError.parameterMissing("state") }
            if let state, !["effective", "canceled", "order_failed"].contains(state) {
                throw OKXError("51000", 400, "Parameter state Incorrect type", shape: .business)
            }
        }
        let rows = history.map(ended(in:)) ?? waiting
        let wanted = rows.sorted { $0.order.sequence > $1.order.sequence }.filter { row in
            types.contains(row.typeName) && (id ?? row.id) == row.id && (state ?? row.state) == row.state
                && filter.admits(row.order.instrument, isOnMargin: row.isOnMargin)
                && page.admits(id: row.order.sequence)
        }
        try history?.require(.conditionals, from: page.lowest(of: wanted.map(\.order.sequence)))
        return try JSONWriter.reply { writer in
            for row in page.cut(wanted) { try writer.algo(row, rules) }
        }
    }

    private var waiting: [AlgoRow] { account.conditionals.map { AlgoRow($0, account) } }

    private func ended(in history: TradingHistory) -> [AlgoRow] {
        history.conditionals.map { AlgoRow($0, account) }
    }
}

/// What becomes of one conditional order of a request.
struct AlgoAck {
    var id = ""
    var algoClientID: String
    var clientID: String
    var tag: String
    var requestID: String
    var error: OKXError?

    init(_ members: OrderMembers) {
        algoClientID = members["algoClOrdId"] ?? ""
        clientID = members["clOrdId"] ?? ""
        tag = members["tag"] ?? ""
        requestID = members["reqId"] ?? ""
    }

    mutating func take(_ order: ConditionalOrder) {
        id = OrderID.text(order.sequence)
        algoClientID = order.terms.clientID ?? ""
    }
}

/// What a push of a conditional order shows beside its row.
struct AlgoPush {
    /// Whether it has just been amended.
    let isAmended: Bool
    /// `notionalUsd`: its value in USD; nil where no price is known.
    let value: ExactDecimal?
}

/// A conditional order with all that its rows show.
struct AlgoRow {
    let order: ConditionalOrder
    let account: Account
    let state: String
    /// The leg that fired, at what price, and the order that it placed.
    var fired: (leg: String, price: ExactDecimal, orderID: String)?
    /// When it last changed.
    let updatedAt: LedgerTime
    var failCode = "0"
    /// `ccy`: the currency of the margin of a pair, while it waits that of an order which it would place.
    let marginCurrency: String

    init(_ order: ConditionalOrder, _ account: Account) {
        self.order = order
        self.account = account
        state = "live"
        updatedAt = order.updatedAt
        marginCurrency = account.marginAsset(of: order) ?? ""
    }

    init(_ record: ConditionalRecord, _ account: Account) {
        order = record.order
        self.account = account
        updatedAt = record.endedAt
        marginCurrency = record.order.terms.terms.marginAsset ?? ""
        switch record.ending {
        case .triggered(let leg, let price, let sequence):
            state = "effective"
            fired = (leg, price, sequence.map { OrderID.text($0) } ?? "")
        case .ended(let end):
            state = end.reason == .refused ? "order_failed" : "canceled"
            if let refusal = end.refusal {
                failCode = OKXError(order: Refusal(refusal, ""), mode: account.mode, currency: "").code
            }
        }
    }

    var id: String { OrderID.text(order.sequence) }

    var typeName: String { order.terms.words.text("ordType") ?? "conditional" }

    func leg(_ name: String) -> ConditionalLeg? { order.terms.legs.first { $0.name == name } }

    /// `actualSide`: tp or sl.
    var firedSide: String { fired.map { ["tp", "sl"].contains($0.leg) ? $0.leg : "" } ?? "" }

    var isOnMargin: Bool { order.terms.terms.marginAsset != nil }

    /// `instType`.
    func instrumentType(_ rules: RuleTable) -> String {
        rules.typeName(of: order.instrument, isOnMargin: isOnMargin)
    }

    var marginMode: String {
        let hasMargin = order.instrument.kind.isDerivative || isOnMargin
        return hasMargin || account.mode.sharesCollateral
            ? (order.terms.marginMode ?? .cross).rawValue : "cash"
    }
}

extension JSONWriter {
    mutating func algoAck(_ ack: AlgoAck, _ endpoint: Endpoint) {
        beginObject()
        member("algoClOrdId", ack.algoClientID)
        member("algoId", ack.id)
        if endpoint == .amendAlgos {
            member("reqId", ack.requestID)
        } else {
            member("clOrdId", ack.clientID)
        }
        member("sCode", ack.error?.code ?? "0")
        member("sMsg", ack.error?.message ?? "")
        if endpoint != .amendAlgos { member("tag", ack.tag) }
        endObject()
    }

    /// One conditional order as the lists have it, or as a push on a socket tells it.
    mutating func algo(_ row: AlgoRow, _ rules: RuleTable, as push: AlgoPush? = nil) throws {
        let (order, terms) = (row.order, row.order.terms)
        let isContract = order.instrument.kind.isDerivative
        let trigger = row.leg("trigger")
        let trailing = row.leg("trailing")
        beginObject()
        try member("activePx", trailing?.trigger.price)
        member("actualPx", row.fired == nil ? (push == nil ? "" : "0") : row.fired?.price.description ?? "")
        member("actualSide", row.firedSide)
        member("actualSz", row.fired == nil ? "0" : terms.quantity?.description ?? "")
        member("algoClOrdId", terms.clientID ?? "")
        member("algoId", row.id)
        member("amendPxOnTriggerType", literal: "0")
        if let push { member("amendResult", literal: push.isAmended ? "0" : "") }
        attachments(terms.terms.attached)
        member("cTime", order.placedAt)
        try member("callbackRatio", trailing?.trigger.trail?.ratio)
        try member("callbackSpread", trailing?.trigger.trail?.distance)
        member("ccy", row.marginCurrency)
        empty(["chaseType", "chaseVal"])
        member("clOrdId", terms.words.text("clOrdId") ?? "")
        member("closeFraction", literal: terms.quantity == nil ? "1" : "")
        member("failCode", push != nil && row.failCode == "0" ? "" : row.failCode)
        member("instId", order.instrument.name)
        member("instType", row.instrumentType(rules))
        member("isTradeBorrowMode", literal: "")
        member("last", terms.words.text("last") ?? "")
        let leverage = row.account.leverageInForce(
            of: order.instrument, side: terms.positionSide ?? .net, marginMode: terms.marginMode ?? .cross,
            rules)
        try member("lever", isContract || terms.terms.marginAsset != nil ? leverage : nil)
        beginObject("linkedOrd")
        member("ordId", literal: "")
        endObject()
        empty(["maxChaseType", "maxChaseVal"])
        try member("moveTriggerPx", try trailing?.trigger.level())
        if let push { try member("notionalUsd", push.value) }
        member("ordId", row.fired?.orderID ?? "")
        array("ordIdList") { writer in
            if let id = row.fired?.orderID, !id.isEmpty { writer.string(id) }
        }
        member("ordPx", trigger.map { $0.price?.description ?? "-1" } ?? "")
        member("ordType", row.typeName)
        member("posSide", (terms.positionSide ?? .net).rawValue)
        empty(["pxLimit", "pxSpread", "pxVar", "quickMgnType"])
        member("reduceOnly", literal: terms.reduceOnly ? "true" : "false")
        // The id of the request that amended it is not kept.
        if push != nil { member("reqId", literal: "") }
        member("side", literal: terms.side.okxName)
        stop("sl", row.leg("sl"))
        member("state", row.state)
        emptyArray("subAlgoIdList")
        try member("sz", terms.quantity)
        member("szLimit", literal: "")
        member("tag", terms.words.text("tag") ?? "")
        member("tdMode", row.marginMode)
        member("tgtCcy", terms.words.text("tgtCcy") ?? "")
        member("timeInterval", literal: "")
        stop("tp", row.leg("tp"))
        member("tradeQuoteCcy", isContract ? "" : order.instrument.quote)
        try member("triggerPx", trigger?.trigger.price)
        member("triggerPxType", trigger?.trigger.source.rawValue ?? "")
        member("triggerTime", row.fired == nil ? "" : String(row.updatedAt.milliseconds))
        member("uTime", row.updatedAt)
        endObject()
    }

    /// What a stop loss (`sl`) or take profit (`tp`) shows; "" without one.
    mutating func stop(_ name: String, _ leg: ConditionalLeg?) {
        key("\(name)OrdPx")
        string(leg.map { $0.price?.description ?? "-1" } ?? "")
        key("\(name)TriggerPx")
        string(leg?.trigger.price?.description ?? "")
        key("\(name)TriggerPxType")
        string(leg?.trigger.source.rawValue ?? "")
    }
}
