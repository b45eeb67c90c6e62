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
    private func all(_ start: String) throws -> [ExactFraction] {
        try explanation.inputs.filter { $0.name.hasPrefix(start) }.map { try ExactFraction($0.value) }
    }

    private func sum(_ start: String) throws -> ExactFraction { try all(start).sum() }

    private func sizes(_ start: String) throws -> ExactFraction { try all(start).map(\.magnitude).sum() }

    /// The input whose name begins so.
    private func only(_ start: String) throws -> ExactFraction {
        let found = try all(start)
        #expect(found.count == 1, "\(explanation.path), \(start)")
        return try #require(found.first)
    }

    /// The same of an input that is a decimal: a quantity, a price or a rate.
    private func decimal(_ start: String) throws -> ExactDecimal { try #require(try only(start).decimal) }

    /// The only input; zero for a constant, which has none.
    private func sole() throws -> ExactFraction {
        #expect(explanation.inputs.count <= 1, "\(explanation.path)")
        return try explanation.inputs.first.map { try ExactFraction($0.value) } ?? .zero
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
        case "has_risk": return isIsolated ? true : try !only("open positions").isZero
        case "collateral_eligible": return isIsolated || isListed("is collateral")
        default: return false
        }
    }

    // MARK: - Numbers

    /// The figure, rounded as the explanation says.
    func exact() throws -> ExactFraction {
        if explanation.inputs.contains(where: { $0.origin == .raised }) { return try rounded(try sole()) }
        if isIsolated { return try rounded(isRow ? try ofIsolatedRow() : try ofIsolated()) }
        if isRow { return try rounded(try ofRow()) }
        let isBehind = ["positions.", "underlyings.", "isolated_orders.", "orders.", "mark_price."]
            .contains { explanation.path.hasPrefix($0) }
        return try rounded(isBehind ? try ofExposure() : try total())
    }

    private func rounded(_ value: ExactFraction) throws -> ExactFraction {
        switch explanation.rounding {
        case "cut to 8 places": ExactFraction(try Figures.shownAmount(value))
        case "rounded up at 8 places": ExactFraction(try Figures.shownRequirement(value))
        case "rounded up at 18 places":
            ExactFraction(try value.rounded(places: ExactDecimal.places, rounding: .ceiling))
        default: value
        }
    }

    private func total() throws -> ExactFraction {
        switch explanation.field {
        case "total_available_balance":
            try Figures.availableBalance(
                marginBalance: try only("total_margin"), initialMargin: try only("total_initial"))
        case "total_margin_balance":
            try Figures.marginBalance(
                countedValue: try sum("counted_value of "), unrealised: try only("total_session"),
                feeReserve: try only("fee_reserve"))
        case "fee_reserve": try feeReserve()
        case "total_initial_margin":
            try Figures.initialMargin(
                positionMargin: try only("total_position_im"), haircut: try only("total_haircut"))
        case "total_maintenance_margin":
            try Figures.maintenanceMargin(
                initialMargin: try only("total_initial"), share: try decimal("maintenance share"))
        case "total_position_cost": try sizes("cost of ")
        case "total_borrow": -(try sum("cash_value of ") + sum("isolated wallet of "))
        case "total_effective_leverage": try effectiveLeverage()
        case "position_limit" where profile == .live:
            try Figures.livePositionLimit(
                maximumLeverage: try decimal("max_leverage"), marginBalance: try only("total_margin"))
        case "position_limit": try sole()
        case "used_position_limit", "total_risk_exposure":
            try Figures.usedPositionLimit(
                positionSize: try sizes("notional of "),
                orderExposure: try sum("order_exposure of ") + sum("value of "),
                spotExposure: try sizes("market_value of "))
        default: try sum("")
        }
    }

    private func feeReserve() throws -> ExactFraction {
        let notional = try sizes("notional")
        guard let fee = try all("liquidation fee").first?.decimal else {
            return try Figures.feeReserve(notional: notional, rate: try decimal("fee reserve rate"))
        }
        return try Figures.feeReserve(
            notional: notional,
            rate: try Figures.feeReserveRate(liquidationFee: fee, takerFee: try decimal("taker fee")))
    }

    private func effectiveLeverage() throws -> ExactFraction {
        let isLive = profile == .live
        return ExactFraction(
            try Figures.effectiveLeverage(
                size: isLive ? try only("used_position_limit") : try sizes("notional of "),
                marginBalance: try only("total_margin"), places: isLive ? 6 : 8,
                rounding: isLive ? .halfUp : .towardZero))
    }

    private func ofRow() throws -> ExactFraction {
        switch explanation.field {
        case "market_value":
            try Figures.marketValue(
                quantity: try decimal("quantity"), held: try sum("held"), price: try decimal("index price"))
        case "cash_value":
            try Figures.marketValue(
                quantity: try decimal("quantity"), held: .zero, price: try decimal("index price"))
        case "counted_value":
            Figures.countedValue(
                marketValue: try only("market_value"), isCollateral: isListed("collateral_eligible"),
                cap: try all("collateral_cap").first?.decimal)
        case "haircut_amount":
            try Figures.haircut(countedValue: try only("counted_value"), rate: try decimal("haircut"))
        case "collateral_amount":
            try Figures.collateralAmount(
                countedValue: try only("counted_value"), rate: try decimal("haircut"))
        case "haircut" where explanation.inputs.contains { $0.name == "minimum_haircut" }:
            ExactFraction(
                try Figures.haircutRate(
                    minimum: try decimal("minimum_haircut"),
                    ratePerUnit: try all("haircut rate").first?.decimal,
                    quantity: try only("quantity") - sum("held")))
        case "haircut": .zero
        case "reserved_qty", "held":
            try sum("funds reserved") + sum("open quantity of ") + sum("locked")
        case "max_withdrawal_balance":
            try Figures.maximumWithdrawal(
                quantity: try decimal("quantity"),
                reserved: try #require((sum("funds reserved") + sum("open quantity of ")).decimal),
                locked: try sum("locked"))
        case "locked": try lockedByOrders()
        default: try sum("")
        }
    }

    private func lockedByOrders() throws -> ExactFraction {
        try zip(try all("open quantity of "), try all("limit price of ")).map { remaining, price in
            try Figures.orderValue(
                remaining: try #require(remaining.decimal), price: try #require(price.decimal))
        }.sum()
    }

    private func ofExposure() throws -> ExactFraction {
        switch explanation.field {
        case "notional", "unrealized_pnl": try ofPosition()
        case "value":
            try Figures.orderValue(
                remaining: try decimal("open quantity"),
                price: try #require((sum("mark price") + sum("index price")).decimal))
        case "worst_value":
            try Figures.worstValue(
                net: try sum("notional of "), buys: try sum("value of buy"), sells: try sum("value of sell"))
        case "worst_quantity":
            ExactFraction(
                try Figures.worstQuantity(
                    net: try #require(try sum("quantity of ").decimal),
                    buys: try #require(try sum("open quantity of buy").decimal),
                    sells: try #require(try sum("open quantity of sell").decimal)))
        case "order_exposure":
            try Figures.orderExposure(worst: try only("worst_value"), net: try sum("notional of "))
        case "leverage": try leverage()
        case "position_im": try margin()
        default:
            if explanation.inputs.count == 2 {
                ExactFraction(
                    try #require(try all("index of ")[0].decimal)
                        .over(try #require(try all("index of ")[1].decimal), places: 8, rounding: .halfUp))
            } else {
                try sole()
            }
        }
    }

    private func margin() throws -> ExactFraction {
        if explanation.path.hasPrefix("isolated_orders.") {
            return try Figures.isolatedOrderMargin(
                orderExposure: try only("order_exposure"), leverage: try decimal("leverage"))
        }
        return try Figures.positionMargin(
            notional: try only("worst_value"), quantity: try decimal("worst_quantity"),
            maximumLeverage: try decimal("maximum product"), ratePerUnit: try decimal("unit_margin_rate"))
    }

    private func leverage() throws -> ExactFraction {
        if let set = try all("leverage set").first { return set }
        return ExactFraction(
            Figures.isolatedLeverage(
                maximumLeverage: try decimal("max_leverage"), productLeverage: try decimal("maximum product"))
        )
    }

    private func ofPosition() throws -> ExactFraction {
        let value = try Figures.positionValue(
            quantity: try decimal("quantity"), mark: try decimal("mark price"))
        return explanation.field == "notional"
            ? value : try Figures.unrealised(value: value, cost: try decimal("cost"))
    }

    // MARK: - Isolated positions

    private func ofIsolated() throws -> ExactFraction {
        switch explanation.field {
        case "leverage": try leverage()
        case "notional": try ofPosition().magnitude
        case "total_session_unrealized_pnl": try ofPosition()
        case "total_position_cost": try sole().magnitude
        case "total_position_im":
            try Figures.positionMargin(
                notional: try only("notional"), quantity: try decimal("quantity").magnitude,
                maximumLeverage: try decimal("maximum product"),
                ratePerUnit: try decimal("unit_margin_rate"))
        case "total_initial_margin":
            try Figures.isolatedInitialMargin(
                positionMargin: try only("total_position_im"), notional: try only("notional"),
                leverage: try decimal("leverage"))
        case "total_maintenance_margin":
            try Figures.maintenanceMargin(
                initialMargin: try only("total_position_im"), share: try decimal("maintenance share"))
        case "fee_reserve": try feeReserve()
        case "total_margin_balance":
            try Figures.marginBalance(
                countedValue: try only("isolated wallet"), unrealised: try only("total_session"),
                feeReserve: try only("fee_reserve"))
        case "total_available_balance":
            try Figures.availableBalance(
                marginBalance: try only("total_margin"), initialMargin: try only("total_initial"))
        case "total_effective_leverage":
            ExactFraction(
                try Figures.effectiveLeverage(
                    size: try only("notional"), marginBalance: try only("total_margin"), places: 6,
                    rounding: .halfUp))
        case "position_limit":
            try Figures.livePositionLimit(
                maximumLeverage: try decimal("leverage"), marginBalance: try only("total_margin"))
        case "total_borrow": -(try sole())
        default: try sole()
        }
    }

    private func ofIsolatedRow() throws -> ExactFraction {
        guard explanation.field == "max_withdrawal_balance" else { return try sole() }
        return Figures.isolatedWithdrawal(
            cash: try decimal("isolated wallet"), available: try only("total_available"))
    }
}
