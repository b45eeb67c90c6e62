import Ledger
import Numbers
import Testing
import Venue

@testable import CryptoCom

/// A figure worked out again, by its own definition, from nothing but the inputs that its explanation lists.
struct Reworking {
    let explanation: Explanation
    let account: Account
    let profile: WireProfile

    // MARK: - Inputs

    /// The inputs whose names begin so.
    private func all(_ start: String) throws -> [ExactDecimal] {
        try explanation.inputs.filter { $0.name.hasPrefix(start) }.map { try ExactDecimal($0.value) }
    }

    private func sum(_ start: String) throws -> ExactDecimal { try all(start).sum() }

    private func sizes(_ start: String) throws -> ExactDecimal { try all(start).map(\.magnitude).sum() }

    /// The input whose name begins so.
    private func only(_ start: String) throws -> ExactDecimal {
        let found = try all(start)
        #expect(found.count == 1, "\(explanation.path), \(start)")
        return try #require(found.first)
    }

    /// The only input; zero for a constant, which has none.
    private func sole() throws -> ExactDecimal {
        #expect(explanation.inputs.count <= 1, "\(explanation.path)")
        return try explanation.inputs.first.map { try ExactDecimal($0.value) } ?? .zero
    }

    private func isListed(_ start: String) -> Bool {
        explanation.inputs.contains { $0.name.hasPrefix(start) && $0.value == "true" }
    }

    private var isIsolated: Bool {
        explanation.path.hasPrefix("isolated_positions.")
            || explanation.path.hasPrefix("unrounded.isolated_positions.")
    }

    private var isRow: Bool { explanation.path.contains("position_balances.") }

    // MARK: - Switches

    /// A switch's state; nil for a number.
    func isSet() throws -> Bool? {
        let isRaised = explanation.inputs.contains { $0.origin == .raised }
        switch explanation.field {
        case "is_liquidating", "has_risk", "terminatable", "collateral_eligible":
            if isRaised { return isListed("raised") }
        default: return nil
        }
        switch explanation.field {
        case "is_liquidating":
            return Figures.isLiquidating(
                marginBalance: try only("total_margin_balance"),
                maintenanceMargin: try only("total_maintenance_margin"))
        case "terminatable" where !isIsolated:
            return try only("open orders").isZero && only("open positions").isZero
                && explanation.inputs.dropFirst(2).allSatisfy { $0.value == "true" }
        case "collateral_eligible": return isIsolated || isListed("is collateral")
        default: return false
        }
    }

    // MARK: - Numbers

    /// The figure, rounded as the explanation says; a margin that no decimal is as a fraction.
    func exact() throws -> ExactFraction {
        explanation.path.hasSuffix(".position_im") ? try margin() : ExactFraction(try value())
    }

    private func value() throws -> ExactDecimal {
        if explanation.inputs.contains(where: { $0.origin == .raised }) { return try rounded(try sole()) }
        if isIsolated { return try rounded(isRow ? try ofIsolatedRow() : try ofIsolated()) }
        if isRow { return try rounded(try ofRow()) }
        let isBehind = ["positions.", "underlyings.", "isolated_orders.", "orders.", "mark_price."]
            .contains { explanation.path.hasPrefix($0) }
        return try rounded(isBehind ? try ofExposure() : try total())
    }

    private func rounded(_ value: ExactDecimal) throws -> ExactDecimal {
        switch explanation.rounding {
        case "cut to 8 places": Figures.shownAmount(value)
        case "rounded up at 8 places": try Figures.shownRequirement(value)
        default: value
        }
    }

    private func total() throws -> ExactDecimal {
        switch explanation.field {
        case "total_available_balance":
            try Figures.availableBalance(
                marginBalance: try only("total_margin"), initialMargin: try only("total_initial"))
        case "total_margin_balance":
            try Figures.marginBalance(
                countedValue: try sum("counted_value of "), unrealised: try only("total_session"),
                feeReserve: .zero)
        case "total_initial_margin":
            try Figures.initialMargin(
                positionMargin: try only("total_position_im"), haircut: try only("total_haircut"))
        case "total_maintenance_margin":
            try Figures.maintenanceMargin(
                initialMargin: try only("total_initial"), share: try only("maintenance share"))
        case "total_position_im":
            try Figures.totalPositionMargin(explanation.inputs.map { try ExactFraction($0.value) }.sum())
        case "total_position_cost": try sizes("cost of ")
        case "total_borrow": -(try sum("cash_value of "))
        case "total_effective_leverage": try effectiveLeverage()
        case "position_limit" where profile == .live:
            try Figures.livePositionLimit(
                maximumLeverage: try only("max_leverage"), marginBalance: try only("total_margin"))
        case "position_limit": try sole()
        case "used_position_limit", "total_risk_exposure":
            try Figures.usedPositionLimit(
                positionSize: try sizes("notional of "),
                orderExposure: try sum("order_exposure of ") + sum("value of "),
                spotExposure: try sizes("cash_value of "))
        default: try sum("")
        }
    }

    private func effectiveLeverage() throws -> ExactDecimal {
        let isLive = profile == .live
        return try Figures.effectiveLeverage(
            size: isLive ? try only("used_position_limit") : try sizes("notional of "),
            marginBalance: try only("total_margin"), places: isLive ? 6 : 8,
            rounding: isLive ? .halfUp : .towardZero)
    }

    private func ofRow() throws -> ExactDecimal {
        switch explanation.field {
        case "market_value":
            try Figures.marketValue(
                quantity: try only("quantity"), locked: try sum("locked"), price: try only("index price"))
        case "cash_value":
            try Figures.marketValue(
                quantity: try only("quantity"), locked: .zero, price: try only("index price"))
        case "counted_value":
            Figures.countedValue(
                marketValue: try only("market_value"), isCollateral: isListed("collateral_eligible"),
                cap: try all("collateral_cap").first)
        case "haircut_amount":
            try Figures.haircut(countedValue: try only("counted_value"), rate: try only("haircut"))
        case "collateral_amount":
            try Figures.collateralAmount(countedValue: try only("counted_value"), rate: try only("haircut"))
        case "haircut" where explanation.inputs.contains { $0.name == "minimum_haircut" }:
            try Figures.haircutRate(
                minimum: try only("minimum_haircut"), ratePerUnit: try all("haircut rate").first,
                quantity: try only("quantity") - sum("locked"))
        case "haircut": .zero
        case "max_withdrawal_balance":
            try Figures.maximumWithdrawal(
                quantity: try only("quantity"), reserved: try only("reserved_qty"), locked: try sum("locked"))
        case "locked": try lockedByOrders()
        default: try sum("")
        }
    }

    private func lockedByOrders() throws -> ExactDecimal {
        try zip(try all("open quantity of "), try all("limit price of ")).map { remaining, price in
            try Figures.orderValue(remaining: remaining, price: price)
        }.sum()
    }

    private func ofExposure() throws -> ExactDecimal {
        switch explanation.field {
        case "notional", "unrealized_pnl": try ofPosition()
        case "value":
            try Figures.orderValue(
                remaining: try only("open quantity"), price: try sum("mark price") + sum("index price"))
        case "worst_value":
            try Figures.worstSize(
                net: try sum("notional of "), buys: try sum("value of buy"), sells: try sum("value of sell"))
        case "worst_quantity":
            try Figures.worstSize(
                net: try sum("quantity of "), buys: try sum("open quantity of buy"),
                sells: try sum("open quantity of sell"))
        case "order_exposure":
            try Figures.orderExposure(worst: try only("worst_value"), net: try sum("notional of "))
        case "leverage": try leverage()
        default:
            if explanation.inputs.count == 2 {
                try all("index of ")[0].over(all("index of ")[1], places: 8, rounding: .halfUp)
            } else {
                try sole()
            }
        }
    }

    private func margin() throws -> ExactFraction {
        if explanation.path.hasPrefix("isolated_orders.") {
            return try Figures.isolatedOrderMargin(
                orderExposure: try only("order_exposure"), leverage: try only("leverage"))
        }
        return try Figures.positionMargin(
            notional: try only("worst_value"), quantity: try only("worst_quantity"),
            maximumLeverage: try only("maximum product"), ratePerUnit: try only("unit_margin_rate"))
    }

    private func leverage() throws -> ExactDecimal {
        if let set = try all("leverage set").first { return set }
        return Figures.isolatedLeverage(
            maximumLeverage: try only("max_leverage"), productLeverage: try only("maximum product"))
    }

    /// A position with the listed quantity and cost, at the listed mark.
    private func ofPosition() throws -> ExactDecimal {
        let held = try #require(
            account.positions.first { explanation.path.contains(".\($0.instrument.name).") })
        let position = Position(
            instrument: held.instrument, side: held.side, marginMode: held.marginMode,
            quantity: try only("quantity"), cost: try sum("cost"), openedAt: held.openedAt)
        let mark = try only("mark price")
        return explanation.field == "notional"
            ? try position.notional(at: mark, rounding: .halfEven)
            : try position.unrealised(at: mark, rounding: .halfEven)
    }

    // MARK: - Isolated positions

    private func ofIsolated() throws -> ExactDecimal {
        switch explanation.field {
        case "leverage": try leverage()
        case "notional": try ofPosition().magnitude
        case "total_session_unrealized_pnl": try ofPosition()
        case "total_position_cost": try sole().magnitude
        case "total_position_im":
            try Figures.totalPositionMargin(
                Figures.positionMargin(
                    notional: try only("notional"), quantity: try only("quantity").magnitude,
                    maximumLeverage: try only("maximum product"),
                    ratePerUnit: try only("unit_margin_rate")))
        case "total_initial_margin":
            try Figures.isolatedInitialMargin(
                positionMargin: try only("total_position_im"), notional: try only("notional"),
                leverage: try only("leverage"))
        case "total_maintenance_margin":
            try Figures.maintenanceMargin(
                initialMargin: try only("total_position_im"), share: try only("maintenance share"))
        case "fee_reserve":
            try Figures.isolatedFeeReserve(
                notional: try only("notional"), rate: try only("fee reserve rate"))
        case "total_margin_balance":
            try Figures.marginBalance(
                countedValue: try only("isolated wallet"), unrealised: try only("total_session"),
                feeReserve: try only("fee_reserve"))
        case "total_available_balance":
            try Figures.availableBalance(
                marginBalance: try only("total_margin"), initialMargin: try only("total_initial"))
        case "total_effective_leverage":
            try Figures.effectiveLeverage(
                size: try only("notional"), marginBalance: try only("total_margin"), places: 6,
                rounding: .halfUp)
        case "position_limit":
            try Figures.livePositionLimit(
                maximumLeverage: try only("leverage"), marginBalance: try only("total_margin"))
        default: try sole()
        }
    }

    private func ofIsolatedRow() throws -> ExactDecimal {
        guard explanation.field == "max_withdrawal_balance" else { return try sole() }
        return Figures.isolatedWithdrawal(
            cash: try only("isolated wallet"), available: try only("total_available"))
    }
}
