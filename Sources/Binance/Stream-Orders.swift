import JSON
import Ledger
import Numbers
import Venue

/// What a stream tells of an order: ORDER_TRADE_UPDATE, and TRADE_LITE before it where it was filled. Binance
/// USDⓈ-M Futures API documentation, Event: Order Update and Event: Trade Lite.
struct OrderUpdate: Sendable {
    /// `x`: what has just happened.
    enum Execution: String, Sendable {
        case placed = "NEW"
        case trade = "TRADE"
        case cancelled = "CANCELED"
        case expired = "EXPIRED"
        case amended = "AMENDMENT"
    }

    let account: String
    let time: LedgerTime
    let execution: Execution
    /// The order as it is after what has happened.
    let record: OrderRecord
    /// `X`, `z` and `ap` of it: status, what is filled, and at what price on average; nil for nothing.
    let status: StaticString
    let filled: ExactDecimal
    let averagePrice: String?
    /// What was filled; nil where nothing was.
    let fill: Fill?
    /// `t`: the id of the trade; 0 for none.
    let tradeID: Int64
    /// `rp`: realized by the fill, before its fee.
    let realised: ExactDecimal
    /// `b`, `a`: what the account's open orders of the symbol bid and ask, as notional.
    let bids: ExactDecimal
    let asks: ExactDecimal

    /// Nil where the news is of a conditional order.
    init?(_ news: OrderNews, after: Account) throws {
        guard case .order(let record) = news.subject else { return nil }
        execution =
            switch news.event.body {
            case .orderPlaced: .placed
            case .orderAmended: .amended
            case .orderCancelled, .orderEnded(_, .amended), .orderEnded(_, .timer): .cancelled
            case .orderEnded: .expired
            default: .trade
            }
        account = after.id
        time = news.event.at
        self.record = record
        status = try record.statusName
        filled = try record.order.filled
        averagePrice = try record.order.averagePrice(0)
        fill = news.fill
        tradeID = fill == nil ? 0 : news.event.sequence
        realised = news.realised
        let name = record.order.instrument.name
        bids = try after.openNotional(name, .buy)
        asks = try after.openNotional(name, .sell)
    }
}

extension AlgoOrder {
    /// A conditional order as an event leaves it, or the one that placed the order that it is of; nil where
    /// there is none, or nothing new to tell of it.
    init?(_ news: OrderNews, before: Account, of account: String) throws(NumberError) {
        switch news.subject {
        case .waiting(let order):
            // That it follows the price is told once.
            if case .conditionalTrailed = news.event.body,
                before.conditional(.id(order.id)).flatMap({ AlgoOrder($0, of: account) })?.isActive != false
            {
                return nil
            }
            self.init(order, of: account)
        case .ended(let record):
            self.init(record.order, of: account)
            switch record.ending {
            case .triggered: (status, triggeredAt) = (.triggering, record.endedAt)
            case .ended(let end): self.end(end)
            }
        case .order(let record):
            // It is told of when its order is placed, and when that has ended.
            if record.ending == nil {
                guard case .orderPlaced = news.event.body else { return nil }
            }
            try self.init(placing: record, of: account)
        }
    }
}

extension Account {
    /// Σ remaining × price of the open orders of a symbol and side.
    fileprivate func openNotional(_ symbol: String, _ side: Side) throws(NumberError) -> ExactDecimal {
        var sum = ExactDecimal.zero
        for order in orders where order.instrument.name == symbol && order.side == side {
            try sum += order.remaining.times(order.price, rounding: .halfEven)
        }
        return sum
    }
}

extension OrderRecord {
    /// `er`: why it expired; "0" where it did not, or its time was over.
    fileprivate var expiryReason: StaticString {
        switch ending {
        case .ended(.selfTrade): order.terms?.timeInForce == .immediateOrCancel ? "3" : "1"
        case .ended(.immediateRest): "2"
        case .ended(.reduceOnly): "4"
        case .ended(.marketRest): "9"
        default: "0"
        }
    }
}

extension JSONWriter {
    mutating func orderUpdate(_ update: OrderUpdate) {
        let order = update.record.order
        let isMarket = order.terms?.kind == .market
        member("T", update.time.milliseconds)
        member("E", update.time.milliseconds)
        beginObject("o")
        member("s", order.instrument.name)
        member("c", order.clientOrderID(of: update.account))
        member("S", literal: order.side == .buy ? "BUY" : "SELL")
        member("o", literal: isMarket ? "MARKET" : "LIMIT")
        member("f", literal: order.timeInForceName)
        plain("q", order.quantity)
        plain("p", isMarket ? .zero : order.price)
        member("ap", update.averagePrice ?? "0")
        member("sp", literal: "0")
        member("x", update.execution.rawValue)
        member("X", literal: update.status)
        member("i", order.venueID(of: update.account))
        plain("l", update.fill?.quantity ?? .zero)
        plain("z", update.filled)
        plain("L", update.fill?.price ?? .zero)
        eightPlaces("n", update.fill?.fee ?? .zero)
        member("N", update.fill?.feeAsset ?? order.instrument.settle)
        member("T", update.time.milliseconds)
        member("t", update.tradeID)
        plain("b", update.bids)
        plain("a", update.asks)
        member("m", update.fill?.liquidity == .maker)
        member("R", order.reduceOnly)
        member("wt", literal: "CONTRACT_PRICE")
        member("ot", literal: isMarket ? "MARKET" : "LIMIT")
        member("ps", literal: order.positionSide.binanceName)
        member("cp", false)
        eightPlaces("rp", update.realised)
        member("pP", false)
        member("si", 0)
        member("ss", 0)
        member("V", order.selfTradePrevention)
        member("pm", order.priceMatch)
        member("gtd", order.terms?.expiresAt?.milliseconds ?? 0)
        member("er", literal: update.record.expiryReason)
        if update.execution == .amended, let number = order.amendmentNumber { member("M", "\(number)") }
        endObject()
    }

    mutating func tradeLite(_ update: OrderUpdate) {
        let order = update.record.order
        member("E", update.time.milliseconds)
        member("T", update.time.milliseconds)
        member("s", order.instrument.name)
        plain("q", order.quantity)
        plain("p", order.terms?.kind == .market ? .zero : order.price)
        member("m", update.fill?.liquidity == .maker)
        member("c", order.clientOrderID(of: update.account))
        member("S", literal: order.side == .buy ? "BUY" : "SELL")
        plain("L", update.fill?.price ?? .zero)
        plain("l", update.fill?.quantity ?? .zero)
        member("t", update.tradeID)
        member("i", order.venueID(of: update.account))
    }

    /// A number without trailing zeros.
    private mutating func plain(_ key: StaticString, _ number: ExactDecimal) {
        member(key, number.description)
    }

    /// "0", or a number with at least eight decimals.
    private mutating func eightPlaces(_ key: StaticString, _ number: ExactDecimal) {
        member(key, number.isZero ? "0" : number.text(minimumPlaces: 8))
    }
}
