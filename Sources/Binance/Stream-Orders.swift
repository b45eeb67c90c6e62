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

    /// Nil where the event is of no order.
    init?(_ event: Event, before: Account, after: Account) throws {
        let execution: Execution
        let order: OpenOrder?
        var fill: Fill?
        switch event.body {
        case .orderPlaced(let placed): (execution, order) = (.placed, after.order(.id(placed.id)) ?? placed)
        case .orderAmended(let change): (execution, order) = (.amended, before.order(.id(change.orderID)))
        case .orderCancelled(let id): (execution, order) = (.cancelled, before.order(.id(id)))
        case .orderEnded(let id, .amended), .orderEnded(let id, .timer):
            (execution, order) = (.cancelled, before.order(.id(id)))
        case .orderEnded(let id, _): (execution, order) = (.expired, before.order(.id(id)))
        case .filled(let trade):
            (execution, order, fill) = (.trade, trade.orderID.flatMap { before.order(.id($0)) }, trade)
        default: return nil
        }
        guard let order else { return nil }
        account = after.id
        time = event.at
        self.execution = execution
        record = try OrderRecord(order, after: [event])
        status = try record.statusName
        filled = try record.order.filled
        averagePrice = try record.order.averagePrice(0)
        self.fill = fill
        tradeID = fill == nil ? 0 : event.sequence
        let name = order.instrument.name
        realised = try (after.activity(name)?.realised ?? .zero) - (before.activity(name)?.realised ?? .zero)
        bids = try after.openNotional(name, .buy)
        asks = try after.openNotional(name, .sell)
    }
}

extension AlgoOrder {
    /// What an event has made of a conditional order; nil where it is of none, or tells nothing new.
    init?(
        _ event: Event, before: Account, after: Account, _ update: OrderUpdate?
    ) throws(NumberError) {
        switch event.body {
        case .conditionalPlaced:
            guard let order = after.conditional(.sequence(event.sequence)) else { return nil }
            self.init(order, of: after.id)
        case .conditionalTrailed(let id, _, _):
            // That it follows the price is told once.
            guard let was = before.conditional(.id(id)).flatMap({ AlgoOrder($0, of: after.id) }),
                !was.isActive, let order = after.conditional(.id(id))
            else { return nil }
            self.init(order, of: after.id)
        case .conditionalTriggered(let id, _, _):
            guard let order = before.conditional(.id(id)) else { return nil }
            self.init(order, of: after.id)
            status = .triggering
            triggeredAt = event.at
        case .conditionalEnded(let id, let end):
            guard let order = before.conditional(.id(id)) else { return nil }
            self.init(order, of: after.id)
            self.end(end)
        case .orderPlaced, .orderCancelled, .orderEnded, .filled:
            guard let record = update?.record else { return nil }
            if record.ending == nil {
                // It is told of when its order is placed, and when that has ended.
                guard case .orderPlaced = event.body else { return nil }
            }
            try self.init(placing: record, of: after.id)
        default: return nil
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
