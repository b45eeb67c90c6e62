import JSON
import Ledger
import Numbers
import Venue

// Orders on a socket: operations, and the channels that tell of them. OKX API documentation, WS / Place order
// and WS / Order channel.

/// An operation on orders: `{"id":…,"op":…,"args":[…]}`.
struct TradingRequest: Sendable {
    /// The venue answers them in a form of their own, refusals too.
    private static let names: Set<String> = [
        "order", "batch-orders", "cancel-order", "batch-cancel-orders", "amend-order", "batch-amend-orders",
        "mass-cancel",
    ]

    let id: String?
    let name: String
    let arguments: [JSONValue]
    /// Until when it is good; nil for ever.
    let expires: String?

    /// Nil for what is another request.
    init?(reading value: JSONValue?) {
        guard let value, let name = value["op"]?.text, Self.names.contains(name) else { return nil }
        self.name = name
        id = value["id"]?.text
        arguments = value["args"]?.elements ?? []
        expires = value["expTime"]?.text ?? value["expTime"]?.numberText
    }

    /// What it asks for; nil for an operation that is not served.
    var operation: OrderOperation? {
        switch name {
        case "order", "batch-orders": .place
        case "amend-order", "batch-amend-orders": .amend
        case "cancel-order", "batch-cancel-orders": .cancel
        default: nil
        }
    }

    var isBatch: Bool { name.contains("batch") }

    /// 1 to 32 letters and digits.
    fileprivate var hasID: Bool {
        guard let id else { return false }
        return (try? OrderMembers(value: .members([("id", .string(id))])).label("id")) ?? nil != nil
    }
}

extension OKXStream {
    /// Carries an operation on orders out; what it came to is sent when it is durable.
    func trade(_ request: TradingRequest, at now: Int64, _ output: inout StreamOutput) {
        func refuse(_ error: StreamError) {
            output.send(refused(error.with(request.id), operation: request.name, at: now))
        }
        guard address == .privateData else { return output.send(refused(.operationUnsupported)) }
        guard let session else { return output.send(refused(StreamError.loginNeeded.with(request.id))) }
        guard request.hasID else { return refuse(.parameterWrong("id")) }
        guard let operation = request.operation else { return refuse(.operationUnknown(request.name)) }
        let items = request.arguments
        guard !items.isEmpty, items.allSatisfy({ $0.object != nil }), request.isBatch || items.count == 1
        else { return refuse(.argumentsInvalid) }
        guard session.key.permissions.contains(.trade) else {
            return refuse(StreamError(OKXError.permissionMissing.code, OKXError.permissionMissing.message))
        }
        if let text = request.expires, !text.isEmpty, operation != .cancel {
            guard let time = Int64(text) else { return refuse(.parameterWrong("expTime")) }
            if time < access.realTime() {
                return refuse(StreamError(OKXError.expired.code, OKXError.expired.message))
            }
        }
        guard let snapshot = access.snapshot(of: session.key.account) else { return refuse(.loginNeeded) }
        let named = items.map { venue.named($0, at: snapshot.at) }
        output.send(after: { [self] in
            do {
                let acks = try await venue.perform(operation, named, snapshot, through: access)
                return [Self.answer(request, operation, acks, now, access.realTime())]
            } catch let error as OKXError {
                let refusal = StreamError(error.code, error.message).with(request.id)
                return [refused(refusal, operation: request.name, at: now)]
            } catch {
                let refusal = StreamError(OKXError.systemError.code, OKXError.systemError.message)
                return [refused(refusal.with(request.id), operation: request.name, at: now)]
            }
        })
    }

    private static func answer(
        _ request: TradingRequest, _ operation: OrderOperation, _ acks: [OrderAck], _ started: Int64,
        _ ended: Int64
    ) -> [UInt8] {
        let failed = acks.count { $0.error != nil }
        var writer = JSONWriter(reserving: 128 + 192 * acks.count)
        writer.beginObject()
        writer.member("id", request.id ?? "")
        writer.member("op", request.name)
        writer.member("code", literal: failed == 0 ? "0" : failed == acks.count ? "1" : "2")
        writer.member("msg", literal: "")
        writer.array("data", of: acks) { ack, writer in writer.streamAck(ack, operation) }
        writer.member("inTime", "\(started)000")
        writer.member("outTime", "\(ended)000")
        writer.endObject()
        return writer.bytes
    }
}

extension OKXVenue {
    /// The `instIdCode` of the first instrument of the rulebook; those that follow count on.
    static let firstCode: Int64 = 10_001

    /// The arguments of a socket's operation as REST has them: `instIdCode` names the instrument, and
    /// `instId` is not looked at.
    func named(_ item: JSONValue, at time: LedgerTime) -> JSONValue {
        let rules = rules(at: time)
        let others = (item.object?.members ?? []).filter { $0.key != "instId" && $0.key != "instIdCode" }
        guard let code = item["instIdCode"], !code.isNull else { return .members(others) }
        let number = code.integer ?? code.text.flatMap { Int64($0) } ?? 0
        // Compared before it is counted from the first: any number may be sent.
        let place = number < Self.firstCode ? -1 : Int(number - Self.firstCode)
        let name = rules.instruments.indices.contains(place) ? rules.instruments[place].terms.name : "?"
        return .members([("instId", .string(name))] + others)
    }
}

extension JSONWriter {
    /// One acknowledgement, its members in their order on a socket.
    fileprivate mutating func streamAck(_ ack: OrderAck, _ operation: OrderOperation) {
        beginObject()
        if operation == .place { member("tag", ack.tag) }
        member("ts", ack.time)
        member("ordId", ack.id)
        member("clOrdId", ack.clientID)
        if operation == .amend { member("reqId", ack.requestID ?? "") }
        member("sCode", ack.error?.code ?? "0")
        if let error = ack.error {
            let isNameless = error == .itemMissing("instId")
            member("sMsg", isNameless ? "Parameter instIdCode can not be empty" : error.message)
        } else {
            member("sMsg", literal: operation == .place ? "Order successfully placed." : "")
        }
        if operation != .cancel { member("subCode", ack.error?.subCode ?? "") }
        endObject()
    }
}

// MARK: - Channels

extension OrderNews {
    /// `tradeId`.
    var tradeID: String { fill == nil ? "" : String(event.sequence) }
}

extension OKXStream {
    /// What the channels of orders tell of one event, in the venue's order: orders, then fills.
    func orderPushes(_ event: Event, _ earlier: OrderNews.Earlier) throws -> [[UInt8]] {
        guard let account = told, let news = try OrderNews(event, earlier, after: account) else { return [] }
        let now = access.ledgerTime()
        let rules = venue.rules(at: now)
        switch news.subject {
        case .order(let record):
            let row = try OrderRow(record, account, rules)
            let isWanted = { (filter: Subscription.Filter) in
                filter.admits(record.order.instrument, row.typeName, rules)
            }
            let messages = try pushes(on: .orders, where: isWanted) { writer in
                try writeOrder(row, news, rules, at: now, to: &writer)
            }
            guard let fill = news.fill else { return messages }
            return try messages
                + pushes(on: .fills, where: isWanted) { try writeFill(fill, row, news, to: &$0) }
        case .waiting(let order): return try algoPushes(AlgoRow(order, account), event, rules)
        case .ended(let record): return try algoPushes(AlgoRow(record, account), event, rules)
        }
    }

    /// A push to each subscription of a channel that wants it.
    private func pushes(
        on channel: Channel, where isWanted: (Subscription.Filter) -> Bool,
        _ write: (inout JSONWriter) throws -> Void
    ) rethrows -> [[UInt8]] {
        var messages: [[UInt8]] = []
        for place in subscriptions.indices
        where subscriptions[place].channel == channel && isWanted(subscriptions[place].filter) {
            messages.append(try push(subscriptions[place], nil, write))
        }
        return messages
    }

    private func algoPushes(_ row: AlgoRow, _ event: Event, _ rules: RuleTable) throws -> [[UInt8]] {
        let channel: Channel = row.typeName == "move_order_stop" ? .algoAdvance : .ordersAlgo
        return try pushes(on: channel) { filter in
            filter.admits(row.order.instrument, row.instrumentType(rules), rules)
        } _: {
            try $0.algo(row, rules, as: algoPush(row, rules, of: event))
        }
    }

    /// A conditional order counts at its limit, else at the last price.
    private func algoPush(_ row: AlgoRow, _ rules: RuleTable, of event: Event? = nil) -> AlgoPush {
        let (instrument, terms) = (row.order.instrument, row.order.terms)
        let prices = access.prices()
        let market = venue.market(prices, rules)
        let last = prices.quotes[instrument.name]?.last ?? market.mark(instrument)
        let price = terms.legs.compactMap(\.price).first ?? last
        var isAmended = false
        if case .conditionalAmended = event?.body { isAmended = true }
        return AlgoPush(
            isAmended: isAmended,
            value: terms.quantity.flatMap { value($0, at: price, instrument, market) })
    }

    /// The trailing orders that wait: what `algo-advance` begins with; nil for none.
    func waitingAlgos(_ subscription: Subscription, _ account: Account) throws -> [UInt8]? {
        let rules = venue.rules(at: access.ledgerTime())
        let rows = account.conditionals.map { AlgoRow($0, account) }.filter {
            $0.typeName == "move_order_stop"
                && subscription.filter.admits($0.order.instrument, $0.instrumentType(rules), rules)
        }
        if rows.isEmpty { return nil }
        return try push(subscription) { writer in
            for row in rows { try writer.algo(row, rules, as: algoPush(row, rules)) }
        }
    }

    private func writeFill(
        _ fill: Fill, _ row: OrderRow, _ news: OrderNews, to writer: inout JSONWriter
    ) throws {
        writer.beginObject()
        writer.member("instId", fill.instrument.name)
        try writer.member("fillSz", fill.quantity)
        try writer.member("fillPx", fill.price)
        writer.member("side", literal: fill.side.okxName)
        writer.member("ts", news.event.at)
        writer.member("ordId", row.id)
        // Only a client id that is a number is told.
        let clientID = row.order.shownClientID
        writer.member("clOrdId", Int64(clientID) == nil ? "0" : clientID)
        writer.member("tradeId", news.tradeID)
        writer.member("execType", literal: fill.liquidity == .maker ? "M" : "T")
        writer.member("count", literal: "1")
        writer.endObject()
    }

    /// Value in USD of so much at a price: size × contract value × price × USD per quote; of an inverse
    /// contract size × contract value. Nil without a price of the quote currency.
    private func value(
        _ size: ExactDecimal, at price: ExactDecimal?, _ instrument: Instrument, _ market: ValuationPrices
    ) -> ExactDecimal? {
        guard let amount = try? size.times(instrument.contractValue, rounding: .halfEven) else { return nil }
        if instrument.payoff == .inverse { return amount }
        guard let price, let index = market.index(instrument.quote) else { return nil }
        return try? amount.times(price, rounding: .halfEven).times(index, rounding: .halfEven)
    }

    private func writeOrder(
        _ row: OrderRow, _ news: OrderNews, _ rules: RuleTable, at now: LedgerTime,
        to writer: inout JSONWriter
    ) throws {
        let (order, words) = (row.order, row.words)
        let prices = access.prices()
        let market = venue.market(prices, rules)
        let last = prices.quotes[order.instrument.name]?.last ?? market.mark(order.instrument)
        let fees = order.fills?.fees ?? .zero
        writer.beginObject()
        writer.member("instType", row.typeName)
        writer.member("instId", order.instrument.name)
        writer.member("tgtCcy", words.text("tgtCcy") ?? "")
        writer.member("ccy", row.isContract ? order.instrument.settle : row.marginCurrency)
        writer.member("tradeQuoteCcy", row.isContract ? "" : order.instrument.quote)
        writer.member("ordId", row.id)
        writer.member("clOrdId", order.shownClientID)
        writer.member("algoClOrdId", row.conditional?.clientID ?? "")
        writer.member("algoId", row.conditional?.id ?? "")
        writer.member("tag", words.text("tag") ?? "")
        try writer.member("px", row.isMarket ? nil : order.price)
        writer.member("sz", row.size)
        try writer.member(
            "notionalUsd",
            value(order.quantity, at: row.isMarket ? last : order.price, order.instrument, market))
        writer.member("ordType", order.typeName)
        writer.member("side", literal: order.side.okxName)
        writer.member("posSide", order.positionSide.rawValue)
        writer.member("tdMode", row.marginMode)
        try writer.member("accFillSz", row.filled)
        let average = try row.averagePrice
        try writer.member(
            "fillNotionalUsd", average.flatMap { value(row.filled, at: $0, order.instrument, market) })
        try writer.member("avgPx", average ?? .zero)
        writer.member("state", row.record.stateName)
        try writer.member("lever", order.settlementAsset == nil ? .zero : row.leverage)
        try writer.member("pnl", row.profit)
        writer.member("feeCcy", row.feeCurrency)
        try writer.member("fee", fees.isPositive ? -fees : .zero)
        writer.member("rebateCcy", row.rebateCurrency)
        try writer.member("rebate", fees.isNegative ? -fees : .zero)
        try writeRest(row, news, last, to: &writer)
        writer.endObject()
    }

    // What stands the same in every push.
    private static let withoutTriggers = JSONMembers { writer in
        writer.member("outcome", literal: "")
        writer.member("isTpLimit", literal: "false")
        writer.empty([
            "slTriggerPx", "slTriggerPxType", "tpOrdPx", "tpTriggerPx", "tpTriggerPxType", "slOrdPx",
        ])
    }
    private static let withoutOptionPrices = JSONMembers { writer in
        writer.empty(["fillPxVol", "fillPxUsd", "fillMarkVol", "fillFwdPx", "fillMarkPx", "fillIdxPx"])
    }
    private static let withoutError = JSONMembers { writer in
        writer.member("code", literal: "0")
        writer.empty(["msg", "pxType", "pxUsd", "pxVol"])
        writer.beginObject("linkedAlgoOrd")
        writer.member("algoId", literal: "")
        writer.endObject()
    }

    /// The members after an order's totals: its times, and what has just happened.
    private func writeRest(
        _ row: OrderRow, _ news: OrderNews, _ last: ExactDecimal?, to writer: inout JSONWriter
    ) throws {
        let (order, fill) = (row.order, news.fill)
        let (isAmended, requestID) =
            switch news.event.body {
            case .orderAmended: (true, order.terms?.words.text("reqId") ?? "")
            // To no more than what is filled; the request's own id is not kept with that.
            case .orderEnded(_, .amended): (true, "")
            default: (false, "")
            }
        writer.member("category", literal: row.category)
        writer.member("uTime", row.record.updatedAt)
        writer.member("cTime", order.placedAt)
        writer.member("source", literal: row.conditional?.source ?? "")
        writer.member("reduceOnly", literal: order.reduceOnly ? "true" : "false")
        writer.member("cancelSource", row.record.cancelSource.code)
        writer.empty(["quickMgnType", "stpId"])
        writer.member("stpMode", literal: order.preventionName)
        writer.member("attachAlgoClOrdId", literal: "")
        try writer.member("lastPx", last)
        writer.members(Self.withoutTriggers)
        try writer.member("fillPx", fill?.price)
        writer.member("tradeId", news.tradeID)
        try writer.member("fillSz", fill?.quantity ?? .zero)
        writer.member("fillTime", fill == nil ? "" : String(news.event.at.milliseconds))
        try writer.member("fillPnl", news.realised)
        try writer.member("fillFee", fill.map { -$0.fee } ?? .zero)
        writer.member("fillFeeCcy", fill?.feeAsset ?? "")
        writer.member("execType", literal: fill.map { $0.liquidity == .maker ? "M" : "T" } ?? "")
        writer.members(Self.withoutOptionPrices)
        writer.member("amendSource", literal: isAmended ? "1" : "")
        writer.member("reqId", requestID)
        writer.member("amendResult", literal: isAmended ? "0" : "")
        writer.members(Self.withoutError)
        writer.attachments(order.terms?.attached ?? [])
    }
}
