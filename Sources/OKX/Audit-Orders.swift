import Ledger
import Numbers
import Venue

// What open orders hold, from the answer to `open-orders`: another moment than the balance's.

/// An open order as the audit needs it.
private struct AuditedOrder {
    let row: ReportedObject
    let terms: Instrument
    /// Whether it needs a margin: closing orders do not.
    let addsExposure: Bool

    var isContract: Bool { terms.kind.isDerivative }
    var isBuy: Bool { row["side"].text == "buy" }
    var marginMode: MarginMode { MarginMode(rawValue: row["tdMode"].text) ?? .cross }
    /// The currency that it holds something of.
    var currency: String { isContract ? terms.settle : isBuy ? terms.quote : terms.base }

    init(_ row: ReportedObject, _ terms: Instrument) {
        self.row = row
        self.terms = terms
        let side = row["side"].text
        let closes =
            (row.positionSide == .long && side == "sell") || (row.positionSide == .short && side == "buy")
        addsExposure = row["reduceOnly"].text != "true" && !closes
    }

    /// Size, filled size, price, contract value, leverage.
    var inputs: [AuditInput] {
        ["sz", "accFillSz", "px"].map { row.input($0) } + [
            AuditInput(
                rule: "contract value of \(terms.name)", isContract ? terms.contractValue : ExactDecimal.one),
            addsExposure && isContract ? row.input("lever") : AuditInput(rule: "no leverage", .one),
        ]
    }

    static let inputCount = 5

    /// What the order is worth at its price, in the currency that it settles in, and its size in coin.
    func notional(_ numbers: ReportedNumbers) throws(NumberError) -> (ExactFraction, size: ExactFraction) {
        let size = try Figures.size(
            contracts: numbers.rate(0) - numbers.rate(1), value: numbers.rate(3))
        let isInverse = terms.payoff == .inverse
        return (try Figures.notional(size: size, isInverse: isInverse, price: numbers.rate(2)), size)
    }

    /// The margin of a contract's order, in the currency that it settles in.
    func margin(_ numbers: ReportedNumbers) throws(NumberError) -> ExactFraction {
        try Figures.initialMargin(notional: notional(numbers).0, leverage: numbers.rate(4))
    }
}

extension AccountAudit {
    private static let unpublished =
        "The venue's formula is not published in full, and the two answers came at different moments."

    /// The open orders; else why they are not all known.
    private func openOrders() -> (orders: [AuditedOrder], missing: String?) {
        guard let rows = answers.orders else { return ([], "open-orders was not answered.") }
        if rows.count >= ReportedAccount.orderLimit {
            return ([], "open-orders has no room for more than the first hundred: others may be missing.")
        }
        var orders: [AuditedOrder] = []
        for row in rows {
            guard let instrument = rules.instrument(row["instId"].text),
                instrument.type.rawValue == row["instType"].text
            else {
                let name = [row["instType"].text, row["instId"].text].joined(separator: " ")
                return ([], "The rulebook does not know \(name), of which there is an order.")
            }
            orders.append(AuditedOrder(row, instrument.terms))
        }
        return (orders, nil)
    }

    /// `ordFroz`: of orders of contracts on cross margin.
    mutating func checkOrderMargin() {
        let account = answers.account
        let formula =
            "Σ over cross orders that add exposure: open size × contract value × px ÷ lever × "
            + "USD price"
        let (all, missing) = openOrders()
        if let missing { return pass(account, "ordFroz", formula, because: missing) }
        let orders = all.filter { $0.isContract && $0.addsExposure && $0.marginMode == .cross }
        let count = AuditedOrder.inputCount + 1
        hold(
            account, "ordFroz", formula,
            orders.flatMap { order in
                order.inputs + [
                    rows.first { $0.currency == order.currency }?.price
                        ?? AuditInput("USD price of \(order.currency)", .absent)
                ]
            }, source: Source.ours, .estimate(Self.unpublished)
        ) { numbers in
            var sum = ExactFraction.zero
            for (place, order) in orders.enumerated() {
                let own = numbers.after(place * count).first(count)
                let (notional, size) = try order.notional(own)
                let usd = try Figures.notionalUSD(
                    size: size, notional: notional, isInverse: order.terms.payoff == .inverse,
                    settlementIndex: own.rate(count - 1))
                try sum += Figures.initialMargin(notional: usd, leverage: own.rate(4))
            }
            return sum
        }
    }

    /// `ordFrozen` of a currency: what its spot orders would pay, and the margin of isolated orders; in
    /// futures mode that of cross orders too.
    mutating func checkOrdersFrozen(_ audited: AuditedRow) {
        let row = audited.row
        let isPool = mode == .futures
        let formula =
            "open spot orders and their fees + margin of isolated orders"
            + (isPool ? " + margin of cross orders" : "")
        let (all, missing) = openOrders()
        if let missing { return pass(row, "ordFrozen", formula, because: missing) }
        let orders = all.filter { order in
            order.currency == audited.currency
                && (!order.isContract || isPool || (order.addsExposure && order.marginMode == .isolated))
        }
        let rate = AuditInput(rule: "fee rate of orders", rules.margin.orderFeeRate)
        let count = AuditedOrder.inputCount
        hold(
            row, "ordFrozen", formula, orders.flatMap(\.inputs) + [rate],
            source: Source.ours, .estimate(Self.unpublished)
        ) { numbers in
            var (spot, isolated, cross) = (ExactFraction.zero, ExactFraction.zero, ExactFraction.zero)
            for (place, order) in orders.enumerated() {
                let own = numbers.after(place * count).first(count)
                let feeRate = numbers.rate(numbers.count - 1)
                guard order.isContract else {
                    let paid = try Figures.spotOrder(
                        remaining: own.rate(0) - own.rate(1), price: own.rate(2), isBuy: order.isBuy)
                    try spot += Figures.spotOrderHeld(
                        paid: paid, fee: Figures.orderFee(notional: paid, rate: feeRate))
                    continue
                }
                guard order.addsExposure else { continue }
                if order.marginMode == .isolated {
                    try isolated += order.margin(own)
                } else {
                    try cross += order.margin(own)
                }
            }
            return try spot + isolated + cross
        }
    }
}
