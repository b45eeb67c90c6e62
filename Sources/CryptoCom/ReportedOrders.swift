import JSON
import Ledger
import Numbers
import Venue

/// What the answer to `open-orders` says, as the definitions take it.
struct ReportedOrders {
    /// What buy orders of spot pairs hold, by asset, in the asset.
    private(set) var locked: [String: ExactDecimal] = [:]
    /// What sell orders of spot pairs offer, by asset, in the asset.
    private var offered: [String: ExactDecimal] = [:]
    /// Every order; of those of contracts the answer does not say whether they are isolated.
    private(set) var all: [OpenOrder] = []

    /// Nil where an order cannot be read: an instrument that the rulebook lacks, or a number that is none.
    init?(_ rows: [ReportedObject], _ rules: CryptoComRules) {
        self.init(readable: rows, rules)
        if all.count < rows.count { return nil }
    }

    /// Those of the orders that can be read.
    init(readable rows: [ReportedObject], _ rules: CryptoComRules) {
        for row in rows {
            guard row["cumulative_quantity"].truncatedNumber != nil, let order = row.openOrder(rules),
                let cost = Self.cost(of: order)
            else { continue }
            all.append(order)
            if order.instrument.kind.isDerivative { continue }
            let isBuy = order.side == .buy
            let asset = isBuy ? order.instrument.quote : order.instrument.base
            let held = isBuy ? cost : order.remaining
            guard let sum = try? ((isBuy ? locked : offered)[asset] ?? .zero) + held else { continue }
            if isBuy { locked[asset] = sum } else { offered[asset] = sum }
        }
    }

    /// Nil where there is no answer, or one that cannot be read.
    init?(_ answers: ReportedAccount, _ rules: CryptoComRules) {
        guard let rows = answers.orders else { return nil }
        self.init(rows, rules)
    }

    /// What sell orders of spot pairs offer of an asset.
    func offered(of asset: String) -> ExactDecimal { offered[asset] ?? .zero }

    private static func cost(of order: OpenOrder) -> ExactDecimal? {
        try? ExactFraction(order.remaining).times(order.price)
            .rounded(places: ExactDecimal.places, rounding: .ceiling)
    }
}

extension ReportedAccount {
    /// Whether a row's value is of what is not reserved: of collateral in the live form, as recorded in
    /// November 2023; a token that is none was recorded with its whole value.
    func leavesOutReserved(_ row: ReportedObject) -> Bool { isLive && row.isCollateral == true }

    /// What of a row's quantity its value leaves out as reserved; in the asset.
    func shownReserved(_ row: ReportedObject) -> ExactDecimal {
        leavesOutReserved(row) ? row["reserved_qty"].truncatedNumber ?? .zero : .zero
    }

    /// What of a row's quantity its value leaves out, as far as the row itself tells; in the asset.
    func shownHeld(_ row: ReportedObject) -> ExactDecimal {
        let reserved = shownReserved(row)
        return (try? reserved + lock(of: row)) ?? reserved
    }

    /// What of a row's quantity its value leaves out: by the open orders where they are known.
    func held(
        _ row: ReportedObject, _ orders: ReportedOrders?, _ rules: CryptoComRules
    ) -> ExactDecimal {
        guard let orders else { return shownHeld(row) }
        let reserved = shownReserved(row)
        let locked =
            leavesOutReserved(row)
            ? lockOutsideReserved(row, orders, rules) : orders.locked[row.name] ?? .zero
        return (try? reserved + locked) ?? reserved
    }

    /// What open buy orders hold of a row's asset and `reserved_qty` shows.
    func lockInReserved(
        _ row: ReportedObject, _ orders: ReportedOrders, _ rules: CryptoComRules
    ) -> ExactDecimal {
        let locked = orders.locked[row.name] ?? .zero
        guard isLive, rules.asset(row.name)?.showsLockedAsReserved ?? true,
            let reserved = row["reserved_qty"].truncatedNumber,
            let least = try? locked + (orders.offered(of: row.name)), least <= reserved
        else { return .zero }
        return locked
    }

    /// What open buy orders hold of a row's asset beside `reserved_qty`.
    func lockOutsideReserved(
        _ row: ReportedObject, _ orders: ReportedOrders, _ rules: CryptoComRules
    ) -> ExactDecimal {
        let locked = orders.locked[row.name] ?? .zero
        return lockInReserved(row, orders, rules).isZero ? locked : .zero
    }

    /// What open buy orders hold of a row's asset beside `reserved_qty`, as far as the row itself tells: in
    /// the asset, 0 where it seems to be nothing. USD is worth 1, so that what its value lacks is held.
    func lock(of row: ReportedObject) -> ExactDecimal {
        guard let quantity = row["quantity"].truncatedNumber else { return .zero }
        let reserved = row["reserved_qty"].truncatedNumber ?? .zero
        let rest: ExactDecimal?
        if row.name == CryptoComRules.usd, let value = row["market_value"].truncatedNumber {
            rest = try? quantity - value - (leavesOutReserved(row) ? reserved : .zero)
        } else if let free = row["max_withdrawal_balance"].truncatedNumber, free.isPositive {
            rest = try? quantity - reserved - free
        } else {
            return .zero
        }
        // What is shown is cut at the eighth place.
        return rest.map { $0.cut(places: 8).isPositive ? $0 : .zero } ?? .zero
    }
}

extension ReportedObject {
    /// An open order as its row tells it; nil where it cannot be read, or nothing is left of it. That a
    /// contract's is isolated is taken over where `tellsIsolated` says so.
    func openOrder(_ rules: CryptoComRules, tellsIsolated: Bool = false) -> OpenOrder? {
        guard let instrument = rules.instrument(name)?.terms,
            let side = Side(rawValue: self["side"].text.lowercased()),
            let quantity = self["quantity"].truncatedNumber,
            let price = self["limit_price"].truncatedNumber,
            let remaining = try? quantity - (self["cumulative_quantity"].truncatedNumber ?? .zero),
            remaining.isPositive
        else { return nil }
        let flags = value["exec_inst"]?.elements ?? []
        let isIsolated = tellsIsolated && isIsolated && instrument.kind.isDerivative
        var order = OpenOrder(
            id: self["client_oid"].text.isEmpty ? self["order_id"].text : self["client_oid"].text,
            instrument: instrument, side: side, quantity: quantity, price: price,
            reduceOnly: flags.contains { $0.text == "REDUCE_ONLY" }, positionSide: .net,
            marginMode: isIsolated ? .isolated : .cross,
            placedAt: LedgerTime(milliseconds: value["create_time"]?.integer ?? 0))
        order.remaining = remaining
        return order
    }

    /// Whether open buy orders may hold a part of a row's asset.
    var mayBeLocked: Bool {
        guard let quantity = self["quantity"].truncatedNumber,
            let free = self["max_withdrawal_balance"].truncatedNumber,
            free.isPositive, let rest = try? quantity - (self["reserved_qty"].truncatedNumber ?? .zero) - free
        else { return true }
        return rest.cut(places: 8).isPositive
    }
}
