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
    /// `rp`: realised by the fill, before its fee.
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
        integer("T", update.time.milliseconds)
        integer("E", update.time.milliseconds)
        key("o")
        beginObject()
        text("s", order.instrument.name)
        text("c", order.clientOrderID(of: update.account))
        literal("S", order.side == .buy ? "BUY" : "SELL")
        literal("o", isMarket ? "MARKET" : "LIMIT")
        literal("f", order.timeInForceName)
        plain("q", order.quantity)
        plain("p", isMarket ? .zero : order.price)
        text("ap", update.averagePrice ?? "0")
        literal("sp", "0")
        text("x", update.execution.rawValue)
        literal("X", update.status)
        integer("i", order.venueID(of: update.account))
        plain("l", update.fill?.quantity ?? .zero)
        plain("z", update.filled)
        plain("L", update.fill?.price ?? .zero)
        eightPlaces("n", update.fill?.fee ?? .zero)
        text("N", update.fill?.feeAsset ?? order.instrument.settle)
        integer("T", update.time.milliseconds)
        integer("t", update.tradeID)
        plain("b", update.bids)
        plain("a", update.asks)
        bool("m", update.fill?.liquidity == .maker)
        bool("R", order.reduceOnly)
        literal("wt", "CONTRACT_PRICE")
        literal("ot", isMarket ? "MARKET" : "LIMIT")
        literal("ps", order.positionSide.binanceName)
        bool("cp", false)
        eightPlaces("rp", update.realised)
        bool("pP", false)
        integer("si", 0)
        integer("ss", 0)
        text("V", order.selfTradePrevention)
        text("pm", order.priceMatch)
        integer("gtd", order.terms?.expiresAt?.milliseconds ?? 0)
        literal("er", update.record.expiryReason)
        if update.execution == .amended, let number = order.amendmentNumber { text("M", "\(number)") }
        endObject()
    }

    mutating func tradeLite(_ update: OrderUpdate) {
        let order = update.record.order
        integer("E", update.time.milliseconds)
        integer("T", update.time.milliseconds)
        text("s", order.instrument.name)
        plain("q", order.quantity)
        plain("p", order.terms?.kind == .market ? .zero : order.price)
        bool("m", update.fill?.liquidity == .maker)
        text("c", order.clientOrderID(of: update.account))
        literal("S", order.side == .buy ? "BUY" : "SELL")
        plain("L", update.fill?.price ?? .zero)
        plain("l", update.fill?.quantity ?? .zero)
        integer("t", update.tradeID)
        integer("i", order.venueID(of: update.account))
    }

    /// A number without trailing zeros.
    private mutating func plain(_ key: StaticString, _ number: ExactDecimal) { text(key, number.description) }

    /// "0", or a number with at least eight decimals.
    private mutating func eightPlaces(_ key: StaticString, _ number: ExactDecimal) {
        text(key, number.isZero ? "0" : number.text(minimumPlaces: 8))
    }
}
