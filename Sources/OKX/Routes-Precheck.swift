import JSON
import Ledger
import Numbers
import Venue

// What an order would change; and what is for market makers of options alone.

/// What an account comes to, as far as an order changes it.
private struct Standing {
    let adjusted: ExactFraction
    let initial: ExactFraction
    let maintenance: ExactFraction
    let ratio: ExactFraction?
    /// Of the currency that the order takes.
    let free: ExactFraction
    let debt: ExactFraction
    /// Of the position that the order trades.
    let liquidation: ExactFraction?

    init(
        of account: Account, with order: OpenOrder, _ market: ValuationPrices, _ rules: RuleTable
    ) throws {
        let figures = try AccountFigures(of: account, market: market, rules: rules)
        let own = figures.positions.first { $0.position.key == order.position }
        let position = own.map { PositionRow($0, atLast: $0, id: "") }
        let row = rules.assetPlace(order.paidAsset).flatMap { figures.row($0) }
        adjusted = try figures[.adjEq]
        initial = try figures[.imr]
        maintenance = try figures[.mmr]
        ratio = try figures.ifThere(.mgnRatio)
        free = try row.map { try $0[.availBal] } ?? .zero
        debt = try row.map { try $0[.liab] } ?? .zero
        liquidation = try position.flatMap { try $0.ifThere(.liqPx) }
        withExtendedLifetime(figures) {}
    }
}

extension OpenOrder {
    /// What its margin is in, or what its exchange pays.
    fileprivate var paidAsset: String {
        settlementAsset ?? (side == .buy ? instrument.quote : instrument.base)
    }
}

extension AccountRequest {
    /// `trade/order-precheck`: the account as it is, and what an order changes once it rests at its price, at
    /// the last price without one. Of the modes that share collateral.
    func orderPrecheck() throws -> [UInt8] {
        guard account.mode.sharesCollateral else { throw OKXError.itemModeUnsupported }
        let reading = OrderReading(body, snapshot, venue)
        let wanted = try reading.instruction()
        let instrument = try reading.instrument()
        guard let price = wanted.price ?? reading.last(of: instrument), price.isPositive else {
            throw OKXError.noPriceYet
        }
        // A size in the quote currency is what it buys.
        let size = try wanted.notional.map { try $0.over(price, rounding: .ceiling) } ?? wanted.quantity
        var order = OpenOrder(
            id: "precheck", instrument: instrument.terms, side: wanted.side, quantity: size, price: price,
            reduceOnly: wanted.reduceOnly, positionSide: wanted.positionSide ?? .net,
            marginMode: wanted.marginMode ?? .cross, placedAt: snapshot.at)
        order.terms = wanted.terms
        var placed = account
        placed.orders.append(order)
        return try FigureError.turning {
            let before = try Standing(of: account, with: order, reading.market, reading.rules)
            let after = try Standing(of: placed, with: order, reading.market, reading.rules)
            return try JSONWriter.reply { writer in
                try writer.precheck(
                    before, after, mark: reading.market.mark(instrument.terms), order.paidAsset,
                    borrows: account.autoBorrows)
            }
        }
    }

    /// `trade/mass-cancel` cancels orders of options under market maker protection: no account has the right
    /// to it here, so this is why it is refused.
    func massCancellation() throws(OKXError) -> OKXError {
        let members = OrderMembers(value: body)
        guard try members.required("instType") == "OPTION" else { throw .itemWrong("instType") }
        _ = try members.required("instFamily")
        return account.mode == .portfolio ? .privilegeMissing : .itemModeUnsupported
    }
}

extension OKXError {
    static let privilegeMissing = OKXError(
        "50030", 200, "You don't have permission to use this API endpoint", shape: .business)
}

extension JSONWriter {
    /// Members in ASCII order; "" for what does not exist, or does not apply to accounts that borrow by
    /// themselves.
    fileprivate mutating func precheck(
        _ before: Standing, _ after: Standing, mark: ExactDecimal?, _ currency: String, borrows: Bool
    ) throws {
        func change(_ figure: KeyPath<Standing, ExactFraction>) throws -> ExactFraction {
            try after[keyPath: figure] - before[keyPath: figure]
        }
        let distance = try mark.flatMap { mark in
            try after.liquidation.map { try $0 - ExactFraction(mark) }
        }
        let share = try mark.flatMap { mark in
            mark.isZero ? nil : try distance.map { try $0 / ExactFraction(mark) }
        }
        let ratios = try before.ratio.flatMap { old in try after.ratio.map { try $0 - old } }
        beginObject()
        try member("adjEq", before.adjusted)
        try member("adjEqChg", change(\.adjusted))
        try member("availBal", borrows ? nil : before.free)
        try member("availBalChg", borrows ? nil : change(\.free))
        try member("imr", before.initial)
        try member("imrChg", change(\.initial))
        try member("liab", before.debt)
        try member("liabChg", change(\.debt))
        member("liabChgCcy", borrows ? currency : "")
        try member("liqPx", before.liquidation)
        try member("liqPxDiff", distance)
        try member("liqPxDiffRatio", share)
        try member("mgnRatio", before.ratio)
        try member("mgnRatioChg", ratios)
        try member("mmr", before.maintenance)
        try member("mmrChg", change(\.maintenance))
        empty(["posBal", "posBalChg", "type"])
        endObject()
    }
}
