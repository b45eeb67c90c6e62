import JSON
import Ledger
import Numbers
import Venue

/// Orders and trades as bytes; the members and their order as recorded.
extension JSONWriter {
    /// Which answer an order stands in; the members differ a little.
    enum OrderForm {
        /// To placing, amending and canceling.
        case change
        /// To amending: with the pair, and the number that the request gave the amendment.
        case amendment
        /// To a query: with the time of placing.
        case query
        /// To a list of open and ended ones: as to a query, with members that it has had since August 2026.
        case list

        var isOfChange: Bool { self == .change || self == .amendment }
    }

    /// One order. Prices in the symbol's price precision, quantities in its quantity precision; `avgPrice` is
    /// Σ quantity × price ÷ quantity of the fills with five decimals or the symbol's, half up.
    mutating func order(
        _ record: OrderRecord, _ account: String, _ rules: RuleTable, _ form: OrderForm, id: Int64? = nil
    ) throws(NumberError) {
        let order = record.order
        let places = rules.places(of: order.instrument)
        let executed = try order.filled
        let isMarket = order.terms?.kind == .market
        beginObject()
        member("orderId", id ?? order.venueID(of: account))
        member("symbol", order.instrument.name)
        if form == .amendment || form == .list { member("pair", order.instrument.name) }
        member("status", literal: try record.statusName)
        member("clientOrderId", order.clientOrderID(of: account))
        member("price", (isMarket ? .zero : order.price).text(minimumPlaces: places.price))
        member("avgPrice", try order.averagePrice(places.price) ?? (form.isOfChange ? "0.00" : "0.00000"))
        member("origQty", order.quantity.text(minimumPlaces: places.quantity))
        member("executedQty", executed.text(minimumPlaces: places.quantity))
        if form.isOfChange { member("cumQty", executed.text(minimumPlaces: places.quantity)) }
        member(
            "cumQuote",
            (order.fills?.value ?? .zero).text(minimumPlaces: places.value))
        // What only contracts of a coin have.
        if form == .list { member("cumBase", literal: "0") }
        member("timeInForce", literal: order.timeInForceName)
        member("type", literal: isMarket ? "MARKET" : "LIMIT")
        member("reduceOnly", order.reduceOnly)
        member("closePosition", false)
        member("side", literal: order.side == .buy ? "BUY" : "SELL")
        positionSide(order.positionSide)
        member("stopPrice", ExactDecimal.zero.text(minimumPlaces: places.price))
        member("workingType", literal: "CONTRACT_PRICE")
        member("priceProtect", false)
        member("origType", literal: isMarket ? "MARKET" : "LIMIT")
        member("priceMatch", order.priceMatch)
        member("selfTradePreventionMode", order.selfTradePrevention)
        member("goodTillDate", order.terms?.expiresAt?.milliseconds ?? 0)
        if !form.isOfChange { member("time", order.placedAt.milliseconds) }
        member("updateTime", record.updatedAt.milliseconds)
        if form == .amendment, let number = order.amendmentNumber { member("modifyId", number) }
        endObject()
    }

    /// One of the account's trades. Fees are positive when paid; `realizedPnl` is without the fee.
    mutating func trade(
        _ trade: TradeRecord, _ account: String, _ rules: RuleTable
    ) throws(NumberError) {
        let fill = trade.fill
        let value = try fill.quantity.times(fill.price, rounding: .halfEven)
        let places = rules.places(of: fill.instrument)
        beginObject()
        member("symbol", fill.instrument.name)
        member("id", trade.sequence)
        member("orderId", trade.order?.venueID(of: account) ?? 0)
        member("side", literal: fill.side == .buy ? "BUY" : "SELL")
        member("price", fill.price.text(minimumPlaces: places.price))
        member("qty", fill.quantity.text(minimumPlaces: places.quantity))
        member("realizedPnl", trade.realised.isZero ? "0" : trade.realised.text(minimumPlaces: 8))
        member("marginAsset", fill.instrument.settle)
        member("quoteQty", value.text(minimumPlaces: places.value))
        member("commission", fill.fee.text(minimumPlaces: 8))
        member("commissionAsset", fill.feeAsset)
        member("time", trade.at.milliseconds)
        positionSide(fill.positionSide)
        member("buyer", fill.side == .buy)
        member("maker", fill.liquidity == .maker)
        member("baseQty", literal: "0")
        member("pair", fill.instrument.name)
        endObject()
    }
}

extension OrderRecord {
    /// `status`, as the venue spells it. A rest that ended by its time in force is EXPIRED, what was filled
    /// of it or not.
    var statusName: StaticString {
        get throws(NumberError) {
            switch ending {
            case .filled: "FILLED"
            case .ended(.selfTrade): "EXPIRED_IN_MATCH"
            case .cancelled, .ended(.amended), .ended(.timer): "CANCELED"
            case .ended: "EXPIRED"
            case .refused: "REJECTED"
            case nil: try order.filled.isZero ? "NEW" : "PARTIALLY_FILLED"
            }
        }
    }
}

extension OpenOrder {
    /// Below every id of an order that the exchange placed: its sequence is added.
    private static let firstID: Int64 = 1_000_000_000_000

    /// `orderId`: of the exchange's orders by the event that placed it, of the operator's made of its name.
    func venueID(of account: String) -> Int64 {
        sequence > 0 ? Self.venueID(ofSequence: sequence) : StableNumber.order(id, of: account)
    }

    /// The id of an order that an event of this sequence has made.
    static func venueID(ofSequence sequence: Int64) -> Int64 { firstID + sequence }

    /// The word of an order's terms that keeps it.
    static let amendmentWord = "modifyId"

    /// `modifyId`: the number that its last amendment was given by the client; nil where none was.
    var amendmentNumber: Int64? { terms?.words[OpenOrder.amendmentWord]?.integer }

    /// `clientOrderId`: the client's own; the operator's name; else 22 characters as the venue makes them.
    func clientOrderID(of account: String) -> String {
        guard let terms else { return id }
        // What a conditional order has placed goes by that one's name.
        return terms.clientID
            ?? Self.clientID(of: account, placedAs: terms.conditional ?? String(sequence))
    }

    /// The id that the venue gives where the client gave none.
    static func clientID(of account: String, placedAs name: String) -> String {
        Alphanumeric.stable(22, of: "binance client order \(account) \(name)")
    }

    /// `avgPrice`; nil where nothing is filled.
    func averagePrice(_ places: Int) throws(NumberError) -> String? {
        let executed = try filled
        guard let fills, executed.isPositive else { return nil }
        let digits = max(5, places)
        return try fills.value.over(executed, places: digits, rounding: .halfUp).text(minimumPlaces: digits)
    }

    /// The time in force of a post-only order that only meets orders of the venue's own pages.
    static let retail = "RPI"
    /// The word of an order's terms that keeps it, where the terms do not tell it apart from another.
    static let timeInForceWord = "timeInForce"

    /// `timeInForce`; of a market order GTC.
    var timeInForceName: StaticString {
        guard let terms else { return "GTC" }
        if terms.postOnly { return terms.words.text(Self.timeInForceWord) == Self.retail ? "RPI" : "GTX" }
        if terms.kind == .market { return "GTC" }
        switch terms.timeInForce {
        case .goodTillCancelled: return "GTC"
        case .immediateOrCancel: return "IOC"
        case .fillOrKill: return "FOK"
        case .goodTillDate: return "GTD"
        }
    }

    /// `priceMatch`, as it was asked for.
    var priceMatch: String { terms?.words.text("priceMatch") ?? "NONE" }

    /// The word of an order's terms that keeps its `selfTradePreventionMode`.
    static let preventionWord = "selfTradePreventionMode"

    /// `selfTradePreventionMode`: as it was asked for, or the venue's default; of an amended order `NONE`.
    var selfTradePrevention: String { terms?.words.text(Self.preventionWord) ?? "EXPIRE_MAKER" }
}

/// Numbers that look like the venue's ids, always the same for the same words.
enum StableNumber {
    /// An order's id, twelve digits at most.
    static func order(_ order: String, of account: String) -> Int64 {
        Int64(stableNumber(of: "binance order \(account) \(order)") % 900_000_000_000) + 100_000_000_000
    }
}
