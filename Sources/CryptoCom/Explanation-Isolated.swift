import Ledger
import Numbers
import Venue

/// Isolated positions, each a margin account of its own; the live form alone shows them.
extension BalanceExplainer {
    /// Every field of every isolated position, and what it rests on.
    mutating func explainIsolatedPositions() throws {
        for isolated in figures.isolated {
            prefix = "isolated_positions.\(isolated.position.instrument.name)."
            try explainSize(of: isolated)
            try explainMargins(of: isolated)
            try explainBalances(of: isolated)
            explainConstants(of: isolated)
            prefix += "position_balances.\(CryptoComRules.usd)."
            explainRow(of: isolated)
        }
        prefix = ""
    }

    private func cash(of isolated: IsolatedFigures) -> Input {
        Input("isolated wallet", isolated.cash, .ledger)
    }

    /// A choice in every field: one published sample is all there is.
    private mutating func addIsolated(
        _ field: String, unrounded: ExactFraction? = nil, _ formula: String, _ inputs: [Input],
        rounding: String = ""
    ) {
        add(
            field, unrounded: unrounded, formula, inputs, rounding: rounding, status: .choice,
            source: Source.isolated)
    }

    private mutating func explainSize(of isolated: IsolatedFigures) throws {
        let position = isolated.position
        let size = [quantity(of: position), try mark(of: position.instrument)]
        addIsolated("leverage", Self.leverageFormula, leverageInputs(of: position.instrument.name))
        addHidden(
            "notional", isolated.notional, "|quantity × mark price|", size, source: Source.isolated)
        let notional = hidden("notional", isolated.notional)
        addIsolated("total_risk_exposure", "|quantity| × mark price", [notional], rounding: Self.up)
        addIsolated("used_position_limit", "|quantity| × mark price", [notional], rounding: Self.up)
        let cost = Input("cost", position.cost, .ledger)
        addIsolated("total_position_cost", "|cost since the last settlement|", [cost], rounding: Self.cut)
        addIsolated(
            "total_session_unrealized_pnl", unrounded: isolated.unrealised,
            "quantity × mark price − cost since the last settlement", size + [cost], rounding: Self.cut)
    }

    private mutating func explainMargins(of isolated: IsolatedFigures) throws {
        let position = isolated.position
        let notional = hidden("notional", isolated.notional)
        let positionMargin = unrounded("total_position_im", isolated.positionMargin)
        addIsolated(
            "total_position_im", unrounded: isolated.positionMargin,
            "notional × min(1, max(1 ÷ product leverage, unit margin rate × multiplier × |quantity|))",
            [
                notional, quantity(of: position),
                Input(
                    "maximum product leverage", rules.maximumLeverage(of: position.instrument), .rule),
                Input(
                    "unit_margin_rate × multiplier", try rules.marginRatePerUnit(of: position.instrument),
                    .rule),
            ], rounding: Self.up)
        addIsolated(
            "total_initial_margin", unrounded: isolated.initialMargin,
            "max(total_position_im, notional ÷ leverage)",
            [positionMargin, notional, hidden("leverage", isolated.leverage)], rounding: Self.up)
        addIsolated(
            "total_maintenance_margin", unrounded: isolated.maintenanceMargin,
            "total_position_im × maintenance share",
            [positionMargin, Input("maintenance share", rules.maintenanceShare, .rule)], rounding: Self.up)
    }

    private mutating func explainBalances(of isolated: IsolatedFigures) throws {
        let notional = hidden("notional", isolated.notional)
        let marginBalance = unrounded("total_margin_balance", isolated.marginBalance)
        try explainFeeReserve(isolated.feeReserve, of: .isolated, [notional])
        addIsolated(
            "total_margin_balance", unrounded: isolated.marginBalance,
            "isolated wallet + session unrealised profit − fee reserve",
            [
                cash(of: isolated), unrounded("total_session_unrealized_pnl", isolated.unrealised),
                hidden("fee_reserve", isolated.feeReserve),
            ], rounding: Self.cut)
        addIsolated(
            "total_available_balance", unrounded: isolated.available,
            "total_margin_balance − total_initial_margin, not floored",
            [marginBalance, unrounded("total_initial_margin", isolated.initialMargin)], rounding: Self.cut)
        for field in ["total_cash_balance", "total_collateral_value"] {
            addIsolated(field, "the position's own cash", [cash(of: isolated)], rounding: Self.cut)
        }
        addIsolated(
            "total_effective_leverage", "notional ÷ total_margin_balance, 0 where that is not above 0",
            [notional, marginBalance], rounding: "half up to 6 places")
        addIsolated(
            "position_limit", "leverage × total_margin_balance, at least 0",
            [hidden("leverage", isolated.leverage), marginBalance], rounding: Self.cut)
        addIsolated(
            "is_liquidating", "total_margin_balance < total_maintenance_margin, both unrounded",
            [marginBalance, unrounded("total_maintenance_margin", isolated.maintenanceMargin)])
    }

    private mutating func explainConstants(of isolated: IsolatedFigures) {
        addIsolated("total_haircut", "0: its cash is USD, which has no haircut", [])
        addIsolated("total_session_realized_pnl", "0: its profit goes to the account's cash", [])
        addIsolated(
            "total_borrow", "what its own cash is below 0, as a positive amount",
            isolated.borrowed.isZero ? [] : [cash(of: isolated)], rounding: Self.cut)
        addIsolated("terminatable", "false: an open position cannot be ended so", [])
        if !addRaised("has_risk") { addIsolated("has_risk", "true: a position is open", []) }
    }

    private mutating func explainRow(of isolated: IsolatedFigures) {
        let cash = cash(of: isolated)
        addIsolated("quantity", "the position's own cash", [cash])
        addIsolated("reserved_qty", "0: nothing of it can be reserved", [])
        addIsolated("market_value", "quantity, at 1", [cash], rounding: Self.cut)
        addIsolated("collateral_amount", "quantity, without a haircut", [cash], rounding: Self.cut)
        addIsolated("haircut", "0 for USD", [])
        addIsolated("collateral_eligible", "true for USD", [])
        addIsolated("hourly_interest_rate", "0: no debt", [])
        let position = "isolated_positions.\(isolated.position.instrument.name)"
        addIsolated(
            "max_withdrawal_balance", "min(cash, available balance), at least 0",
            [
                cash,
                Input(
                    "total_available_balance", isolated.available.description, .figure,
                    path: "unrounded.\(position).total_available_balance"),
            ], rounding: Self.cut)
    }
}
