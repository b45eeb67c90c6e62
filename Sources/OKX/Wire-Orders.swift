import JSON
import Ledger
import Numbers

// Orders, trades and bills as bytes; members and their order are those of the samples (OKX API documentation,
// Trade and Get bills details).

/// An order with all that its rows show.
struct OrderRow {
    let order: OpenOrder
    let record: OrderRecord
    /// `ordId`.
    let id: String
    /// `instType`.
    let typeName: String
    /// `ccy`: the currency of the margin of a pair; empty for every other order.
    let marginCurrency: String
    /// `tdMode`.
    let marginMode: String
    let leverage: ExactDecimal
    /// What its closing fills realized, before fees.
    let profit: ExactDecimal
    let filled: ExactDecimal
    /// The conditional order that placed it: its own id of the client's, and its leg.
    let conditional: (id: String, clientID: String, source: StaticString)?

    init(_ record: OrderRecord, _ account: Account, _ rules: RuleTable) throws {
        let order = record.order
        let typeName = rules.typeName(of: order.instrument, isOnMargin: order.isOnMargin)
        if typeName.isEmpty { throw OKXError.systemError }
        try self.init(
            record, account, typeName: typeName,
            leverage: account.leverageInForce(
                of: order.instrument, side: order.positionSide, marginMode: order.marginMode, rules))
    }

    init(_ record: OrderRecord, _ account: Account, typeName: String, leverage: ExactDecimal) throws {
        self.record = record
        order = record.order
        id = order.venueID(of: account.id)
        marginCurrency =
            (record.ending == nil ? account.marginAsset(of: order) : order.terms?.marginAsset) ?? ""
        marginMode =
            order.settlementAsset != nil || account.mode.sharesCollateral ? order.marginMode.rawValue : "cash"
        self.typeName = typeName
        self.leverage = leverage
        profit = order.fills?.realised ?? .zero
        filled = try order.filled
        if let id = order.terms?.conditional {
            conditional = (
                Int64(id.dropFirst()).map { OrderID.text($0) } ?? "",
                order.terms?.words.text("algoClOrdId") ?? "", Self.source(order.terms?.words.text("source"))
            )
        } else {
            conditional = nil
        }
    }

    private static func source(_ text: String?) -> StaticString {
        switch text {
        case "6": "6"
        case "25": "25"
        default: "7"
        }
    }

    var isContract: Bool { order.instrument.kind.isDerivative }
    var words: Settings { order.terms?.words ?? Settings() }
    var isMarket: Bool { order.terms?.kind == .market }

    /// `avgPx`: Σ size × price ÷ Σ size, cut at 15 places; nil where nothing is filled.
    var averagePrice: ExactDecimal? {
        get throws {
            guard let fills = order.fills, filled.isPositive else { return nil }
            return try fills.value.over(filled, places: 15, rounding: .towardZero)
        }
    }

    /// `sz`: as it was asked for, in the quote currency where that was meant; what is filled, where it was
    /// amended to no more than that.
    var size: String {
        if case .ended(.amended) = record.ending { return filled.description }
        return words.text("sz") ?? order.quantity.description
    }

    /// `feeCcy`: what a spot order receives; of contracts the settlement currency.
    var feeCurrency: String {
        if let known = order.fills?.feeAsset { return known }
        if isContract { return order.instrument.settle }
        return order.side == .buy ? order.instrument.base : order.instrument.quote
    }

    var rebateCurrency: String {
        if isContract { return order.instrument.settle }
        return order.side == .buy ? order.instrument.quote : order.instrument.base
    }

    var category: StaticString { "normal" }
}

extension OrderRecord {
    /// `state`.
    var stateName: String {
        switch ending {
        case .filled, .ended(.amended): "filled"
        case .cancelled: "canceled"
        case .ended, .refused: "canceled"
        case nil: order.fills == nil ? "live" : "partially_filled"
        }
    }

    /// `cancelSource` and what it means; empty for an order that was not canceled.
    var cancelSource: (code: String, reason: String) {
        guard stateName == "canceled" else { return ("", "") }
        switch ending {
        case .cancelled: return ("1", "Order was canceled by you")
        case .ended(.postOnly): return ("31", "The post-only order will take liquidity in taker orders")
        case .ended(.unfillable): return ("13", "FOK order was canceled due to incompletely filled")
        case .ended(.immediateRest):
            return ("14", "IOC order was partially canceled due to incompletely filled")
        case .ended(.marketRest):
            return order.terms?.words.text("ordType") == nil
                ? ("15", "The order price is beyond the limit")
                : ("14", "IOC order was partially canceled due to incompletely filled")
        case .ended(.reduceOnly): return ("2", "Order was canceled as the position is smaller than it")
        case .ended(.selfTrade): return ("32", "Self trade prevention")
        case .ended(.timer): return ("20", "Cancel all after triggered")
        // Only contracts that are delivered have orders with an end of their own.
        case .ended(.goodTillDate): return ("7", "Futures contract delivery")
        default: return ("0", "Order was canceled by system")
        }
    }
}

extension OpenOrder {
    /// `ordType`.
    var typeName: String {
        guard let terms else { return "limit" }
        if let text = terms.words.text("ordType") { return text }
        if terms.kind == .market { return "market" }
        if terms.postOnly { return "post_only" }
        switch terms.timeInForce {
        case .immediateOrCancel: return "ioc"
        case .fillOrKill: return "fok"
        case .goodTillCancelled, .goodTillDate: return "limit"
        }
    }

    /// `stpMode`.
    var preventionName: StaticString {
        switch terms?.selfTradePrevention {
        case .maker: "cancel_maker"
        case .taker: "cancel_taker"
        case .both: "cancel_both"
        case nil: ""
        }
    }
}

extension Side {
    /// `side`.
    var okxName: StaticString { self == .buy ? "buy" : "sell" }
}

extension JSONWriter {
    /// One order as `trade/order` and the lists have it.
    mutating func order(_ row: OrderRow) throws {
        let (order, words) = (row.order, row.words)
        let cancel = row.record.cancelSource
        beginObject()
        try member("accFillSz", row.filled)
        member("algoClOrdId", row.conditional?.clientID ?? "")
        member("algoId", row.conditional?.id ?? "")
        member("attachAlgoClOrdId", literal: "")
        attachments(order.terms?.attached ?? [])
        try member("avgPx", row.averagePrice)
        member("cTime", order.placedAt)
        member("cancelSource", cancel.code)
        member("cancelSourceReason", cancel.reason)
        member("category", literal: row.category)
        member("ccy", row.marginCurrency)
        member("clOrdId", order.shownClientID)
        let fees = order.fills?.fees ?? .zero
        try member("fee", fees.isPositive ? -fees : .zero)
        member("feeCcy", row.feeCurrency)
        try member("fillPx", order.fills?.last?.price)
        try member("fillSz", order.fills?.last?.quantity ?? .zero)
        member("fillTime", order.fills.map { String($0.at.milliseconds) } ?? "")
        member("instId", order.instrument.name)
        member("instType", row.typeName)
        member("isTpLimit", literal: "false")
        try member("lever", order.settlementAsset == nil ? nil : row.leverage)
        beginObject("linkedAlgoOrd")
        member("algoId", literal: "")
        endObject()
        member("ordId", row.id)
        member("ordType", order.typeName)
        try member("pnl", row.profit)
        member("posSide", order.positionSide.rawValue)
        try member("px", row.isMarket ? nil : order.price)
        empty(["pxType", "pxUsd", "pxVol", "quickMgnType"])
        try member("rebate", fees.isNegative ? -fees : .zero)
        member("rebateCcy", row.rebateCurrency)
        member("reduceOnly", literal: order.reduceOnly ? "true" : "false")
        member("side", literal: order.side.okxName)
        empty(["slOrdPx", "slTriggerPx", "slTriggerPxType"])
        member("source", literal: row.conditional?.source ?? "")
        member("state", row.record.stateName)
        member("stpId", literal: "")
        member("stpMode", literal: order.preventionName)
        member("sz", row.size)
        member("tag", words.text("tag") ?? "")
        member("tdMode", row.marginMode)
        member("tgtCcy", words.text("tgtCcy") ?? "")
        empty(["tpOrdPx", "tpTriggerPx", "tpTriggerPxType"])
        member("tradeId", order.fills?.last.map { String($0.sequence) } ?? "")
        member("tradeQuoteCcy", row.isContract ? "" : order.instrument.quote)
        member("uTime", row.record.updatedAt)
        endObject()
    }

    /// `attachAlgoOrds`.
    mutating func attachments(_ orders: [ConditionalInstruction]) {
        array("attachAlgoOrds") { writer in
            for attached in orders {
                writer.beginObject()
                writer.member("attachAlgoClOrdId", attached.clientID ?? "")
                writer.empty(["attachAlgoId"])
                for name in ["sl", "tp"] {
                    writer.stop(name, attached.legs.first { $0.name == name })
                }
                writer.member("sz", attached.isOfWholeOrder ? "" : attached.quantity?.description ?? "")
                writer.endObject()
            }
        }
    }

    /// One trade as `trade/fills` has it.
    mutating func trade(_ trade: TradeRecord, _ account: Account, _ rules: RuleTable) throws {
        let fill = trade.fill
        let isContract = fill.instrument.kind.isDerivative
        beginObject()
        member("side", literal: fill.side.okxName)
        try member("fillSz", fill.quantity)
        try member("fillPx", fill.price)
        empty(["fillPxVol", "fillFwdPx"])
        try member("fee", -fill.fee)
        try member("fillPnl", trade.realised)
        member("ordId", trade.orderID(of: account.id))
        try member("feeRate", isContract ? nil : fill.feeRate.map { -$0 })
        member("instType", rules.typeName(of: fill.instrument, isOnMargin: fill.marginAsset != nil))
        member("fillPxUsd", literal: "")
        member("instId", fill.instrument.name)
        member("clOrdId", trade.order?.shownClientID ?? "")
        member("posSide", fill.positionSide.rawValue)
        member("billId", BillID.text(trade.sequence))
        member("subType", literal: fill.subType)
        member("fillMarkVol", literal: "")
        member("tag", trade.order?.terms?.words.text("tag") ?? "")
        member("fillTime", trade.at)
        member("execType", literal: fill.liquidity == .maker ? "M" : "T")
        member("fillIdxPx", literal: "")
        member("tradeId", String(trade.sequence))
        member("fillMarkPx", literal: "")
        member("feeCcy", fill.feeAsset)
        member("ts", trade.at)
        member("tradeQuoteCcy", isContract ? "" : fill.instrument.quote)
        endObject()
    }

    /// One bill as `account/bills` has it.
    mutating func bill(_ change: CashChange, _ account: Account, _ rules: RuleTable) throws {
        let kind = BillKind(change)
        let fill = change.fill
        beginObject()
        member("bal", change.balance.text(minimumPlaces: 16))
        member("balChg", change.amount.text(minimumPlaces: 16))
        member("billId", BillID.text(change.sequence, change.part))
        member("ccy", change.asset)
        member("clOrdId", change.order?.shownClientID ?? "")
        empty(["earnAmt", "earnApr"])
        member("execType", literal: fill.map { $0.liquidity == .maker ? "M" : "T" } ?? "")
        let fee = fill.flatMap { $0.feeAsset == change.asset ? -$0.fee : nil }
        try member("fee", fee ?? .zero)
        empty(["fillFwdPx", "fillIdxPx", "fillMarkPx", "fillMarkVol", "fillPxUsd", "fillPxVol"])
        member("fillTime", fill == nil && kind.type != "8" ? "" : String(change.at.milliseconds))
        member("from", literal: "")
        member("instId", change.instrument?.name ?? "")
        member(
            "instType",
            change.instrument.map { rules.typeName(of: $0, isOnMargin: change.isOnMargin) } ?? "")
        member("interest", literal: "0")
        member("mgnMode", change.marginModeName)
        member("notes", literal: "")
        let ofNoOrder = fill == nil ? "" : OrderID.text(change.sequence)
        member("ordId", change.order?.venueID(of: account.id) ?? ofNoOrder)
        try member("pnl", kind.type == "8" ? change.amount + change.marginChange : change.realised)
        try member("posBal", change.marginBalance)
        try member("posBalChg", change.marginChange)
        try member("px", fill?.price ?? kind.price)
        member("subType", kind.subType)
        try member("sz", kind.size(change))
        member("tag", change.order?.terms?.words.text("tag") ?? "")
        member("to", literal: "")
        member("tradeId", fill == nil ? (kind.type == "8" ? "0" : "") : String(change.sequence))
        member("ts", change.at)
        member("type", kind.type)
        endObject()
    }

    /// One closed position as `account/positions-history` has it.
    mutating func closedPosition(_ closed: ClosedPosition, _ account: Account, _ rules: RuleTable) throws {
        let position = closed.position
        let isLong = position.isLong
        let opened = try position.bookedPrice ?? position.entryPrice(rounding: .halfUp)
        let profit = try position.realised + position.funding - position.fees
        beginObject()
        member("cTime", position.openedAt)
        member("ccy", position.settlementAsset)
        try member("closeAvgPx", closed.averagePrice)
        try member("closeTotalPos", closed.quantity)
        member("direction", literal: isLong ? "long" : "short")
        try member("fee", -position.fees)
        try member("fundingFee", position.funding)
        member("instId", position.instrument.name)
        member("instType", position.typeName(rules.instrument(position.instrument.name)))
        let leverage = account.leverageInForce(of: position, rules)
        member("lever", leverage.text(minimumPlaces: 1))
        member("liqPenalty", literal: "0")
        member("mgnMode", position.marginMode.rawValue)
        member("nonSettleAvgPx", literal: "")
        try member("openAvgPx", opened)
        try member("openMaxPos", closed.largest)
        try member("pnl", position.realised)
        let cost =
            try position.instrument.payoff == .inverse
            ? closed.quantity : closed.quantity.times(opened, rounding: .halfEven)
        let value = try cost.times(position.instrument.contractValue, rounding: .halfEven)
        try member(
            "pnlRatio",
            value.isPositive && position.instrument.payoff == .linear
                ? profit.times(leverage, rounding: .halfEven).over(value, places: 16, rounding: .halfUp) : nil
        )
        member("posId", StableID.position(account.id, position))
        member("posSide", position.side.rawValue)
        try member("realizedPnl", profit)
        empty(["settledPnl", "triggerPx"])
        member("type", closed.typeName)
        member("uTime", closed.closedAt)
        member("uly", rules.instrument(position.instrument.name)?.family ?? "")
        endObject()
    }
}

extension RuleTable {
    /// `instType`: a spot pair's is MARGIN where it is traded on margin; empty for an unknown instrument.
    func typeName(of instrument: Instrument, isOnMargin: Bool) -> String {
        isOnMargin ? "MARGIN" : self.instrument(instrument.name)?.type.rawValue ?? ""
    }
}

extension CashChange {
    /// Whether it comes from a position of a spot pair on margin.
    var isOnMargin: Bool {
        switch body {
        case .filled(let fill): fill.marginAsset != nil
        case .isolatedMarginAdjusted(let key, _): !key.instrument.kind.isDerivative
        case .marginInterestAccrued: true
        default: false
        }
    }
}

extension Fill {
    /// `feeRate`: fee ÷ what was received; nil where nothing was.
    fileprivate var feeRate: ExactDecimal? {
        guard let received = try? side == .buy ? quantity : quantity.times(price, rounding: .halfEven) else {
            return nil
        }
        return try? fee.over(received, places: 8, rounding: .halfUp)
    }

    /// `subType`: buy and sell, in hedge mode opening and closing.
    var subType: StaticString {
        switch (positionSide, side) {
        case (.net, .buy): "1"
        case (.net, .sell): "2"
        case (.long, .buy): "3"
        case (.short, .sell): "4"
        case (.long, .sell): "5"
        case (.short, .buy): "6"
        }
    }
}

/// Ids of bills: nineteen digits that grow, more than one of an event.
enum BillID {
    static let base: Int64 = 3_000_000_000_000_000_000

    static func text(_ sequence: Int64, _ part: Int = 0) -> String { String(base + place(sequence, part)) }

    /// Where it stands in the order of ids.
    static func place(_ sequence: Int64, _ part: Int = 0) -> Int64 { sequence * 8 + Int64(part) }

    /// The sequence of the event whose bill stands there.
    static func sequence(at place: Int64) -> Int64 { place / 8 }
}

extension ClosedPosition {
    /// `type`: closed by trades, or by the venue.
    var typeName: String { isLiquidation ? "3" : "2" }
}

extension CashChange {
    /// `mgnMode`; empty where no position is concerned.
    var marginModeName: String { marginMode?.rawValue ?? "" }
}

/// `type` and `subType` of a bill.
struct BillKind {
    let type: String
    let subType: String
    /// What `px` is where it is no trade's.
    let price: ExactDecimal?

    init(_ change: CashChange) {
        var price: ExactDecimal?
        switch change.body {
        case .filled(let fill):
            type = fill.liquidation ? "5" : "2"
            subType = "\(fill.subType)"
        case .funded(_, let amount, let terms):
            type = "8"
            subType = amount.isNegative ? "173" : "174"
            price = terms?.mark
        case .isolatedMarginAdjusted(_, let amount):
            type = "6"
            subType = amount.isPositive ? "160" : "161"
        case .interestAccrued, .marginInterestAccrued:
            type = "7"
            subType = "9"
        case .borrowed, .repaid:
            type = "22"
            subType = "18"
        default:
            type = "1"
            subType = change.amount.isNegative ? "12" : "11"
        }
        self.price = price
    }

    /// `sz`: of a contract's trade its contracts, else the amount.
    func size(_ change: CashChange) -> ExactDecimal {
        if let fill = change.fill, fill.instrument.kind.isDerivative { return fill.quantity }
        if case .funded(_, _, let terms?) = change.body { return terms.quantity.magnitude }
        return change.amount.magnitude
    }
}
