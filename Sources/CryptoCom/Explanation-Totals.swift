import Ledger
import Numbers
import Venue

/// The totals of the account object.
extension BalanceExplainer {
    /// Every total of either profile; `add` keeps those that the profile's body has.
    mutating func explainTotals() throws {
        try explainBalances()
        try explainMargins()
        try explainSums()
        explainCollateral()
        try explainLimits()
        explainFlags()
    }

    /// A figure of each row that has it, as inputs.
    private func rows(
        _ field: String, _ value: (RowFigures) -> ExactFraction, at place: String = "",
        where isListed: (RowFigures) -> Bool = { _ in true }
    ) -> [Input] {
        figures.rows.filter(isListed).map { row in
            Input(
                "\(field) of \(row.asset)", value(row).description, .figure,
                path: "\(place)position_balances.\(row.asset).\(field)")
        }
    }

    private var marginBalance: Input { unrounded("total_margin_balance", figures.marginBalance) }

    private var initialMargin: Input { unrounded("total_initial_margin", figures.initialMargin) }

    private var maintenanceMargin: Input {
        unrounded("total_maintenance_margin", figures.maintenanceMargin)
    }

    private mutating func explainBalances() throws {
        add(
            "total_available_balance", "total_margin_balance − total_initial_margin, not floored",
            [marginBalance, initialMargin], rounding: Self.cut)
        add(
            "total_margin_balance", unrounded: figures.marginBalance,
            "eligible holdings at market value + all negative balances + session unrealised profit − fee "
                + "reserve",
            rows("counted_value", \.countedValue)
                + [
                    unrounded("total_session_unrealized_pnl", figures.unrealised),
                    hidden("fee_reserve", figures.feeReserve),
                ], rounding: Self.cut)
        try explainFeeReserve(
            figures.feeReserve, of: .cross, try crossPositions("notional"))
        add(
            "total_cash_balance", "Σ quantity × price over all rows, before order locks",
            rows("cash_value", \.cashValue), rounding: Self.cut)
    }

    private mutating func explainMargins() throws {
        add(
            "total_initial_margin", unrounded: figures.initialMargin, "total_position_im + total_haircut",
            [
                unrounded("total_position_im", figures.positionMargin),
                unrounded("total_haircut", figures.haircut),
            ], rounding: Self.up)
        add(
            "total_position_im", unrounded: figures.positionMargin,
            "Σ position_im of the underlyings and of isolated orders that are open", try positionMargins(),
            rounding: Self.up, status: .choice, source: Source.risk)
        add(
            "total_haircut", unrounded: figures.haircut, "Σ haircut amounts",
            rows("haircut_amount", \.haircut), rounding: Self.up)
        add(
            "total_maintenance_margin", unrounded: figures.maintenanceMargin,
            "total_initial_margin × maintenance share",
            [initialMargin, Input("maintenance share", rules.maintenanceShare, .rule)], rounding: Self.up)
    }

    private mutating func explainSums() throws {
        let cross = account.positions.filter { $0.marginMode != .isolated }
        add(
            "total_position_cost", "Σ |cost since the last settlement|",
            cross.map { Input("cost of \($0.instrument.name)", $0.cost, .ledger) }, rounding: Self.cut,
            status: .choice)
        add(
            "total_session_unrealized_pnl", unrounded: figures.unrealised,
            "Σ quantity × mark − cost since the last settlement", try crossPositions("unrealized_pnl"),
            rounding: Self.cut)
        add(
            "total_session_realized_pnl", "Σ realised profit since the last settlement",
            account.activity.map {
                Input("session realised profit of \($0.instrument)", $0.sessionRealised, .ledger)
            }, rounding: Self.cut)
        add(
            "total_borrow", "Σ debts, as a positive amount",
            rows("cash_value", \.cashValue, where: \.cashValue.isNegative)
                + figures.isolated.filter { $0.borrowed.isPositive }.map {
                    Input("isolated wallet of \($0.position.instrument.name)", $0.cash, .ledger)
                }, rounding: Self.cut, status: .choice, source: Source.ours)
        add(
            "total_isolated_cash_balance", "Σ total_cash_balance of the isolated positions",
            figures.isolated.map {
                Input("isolated wallet of \($0.position.instrument.name)", $0.cash, .ledger)
            }, rounding: Self.cut, source: Source.isolated)
    }

    /// A field of the body as an input, as it is printed.
    private func printedInput(_ name: String, at path: String) -> Input {
        Input(name, printed[path] ?? "", .figure, path: path)
    }

    private mutating func explainCollateral() {
        if isLive {
            add(
                "total_collateral_value", "Σ collateral_amount of the rows, as printed",
                figures.rows.map {
                    printedInput(
                        "collateral_amount of \($0.asset)",
                        at: "position_balances.\($0.asset).collateral_amount")
                }, source: Source.recordings)
        } else {
            add(
                "total_collateral_value", "Σ collateral_amount of the rows, unrounded",
                figures.rows.map { row in
                    Input(
                        "collateral_amount of \(row.asset)", row.collateralAmount.description, .figure,
                        path: "unrounded.position_balances.\(row.asset).collateral_amount")
                }, rounding: Self.cut)
        }
    }

    /// What is kept back for the fees of closing the positions of a pool, and its rate.
    mutating func explainFeeReserve(
        _ reserve: ExactFraction, of mode: MarginMode, _ notionals: [Input]
    ) throws {
        let rate = try figures.feeReserveRate(of: mode)
        let isRecorded = isLive && rules.liquidationFeeRate != nil
        var inputs = [Input("fee reserve rate", rate, .rule)]
        if isRecorded, let liquidationFee = rules.liquidationFeeRate {
            let fee = account.takerFee(of: .derivative, rules)
            let origin: Input.Origin = account.feeRate(.derivative, .taker) == nil ? .rule : .setting
            inputs = [
                Input("liquidation fee rate", liquidationFee, .rule),
                Input("taker fee rate of the account", fee, origin),
            ]
        }
        addHidden(
            "fee_reserve", reserve,
            isRecorded
                ? "Σ |notional| × (liquidation fee rate + taker fee rate)"
                : "Σ |notional| × fee reserve rate",
            notionals + inputs, status: isRecorded ? .exact : .choice,
            source: isRecorded ? Source.recordings : Source.isolated)
    }

    // MARK: - Limits

    private mutating func explainLimits() throws {
        let used = try Figures.usedPositionLimit(
            positionSize: figures.positionSize, orderExposure: figures.orderExposure,
            spotExposure: isLive ? figures.spotExposure : .zero)
        let spot =
            isLive
            ? rows("market_value", \.marketValue, at: "unrounded.") {
                $0.isCollateral && $0.asset != CryptoComRules.usd
            } : []
        let usedInputs = try crossPositions("notional") + orderExposures() + spot
        let usedFormula =
            "Σ |quantity| × mark + order exposure"
            + (isLive ? " + market value of eligible holdings other than USD" : "")
        add(
            "used_position_limit", unrounded: used, usedFormula, usedInputs, rounding: Self.up,
            status: .choice)
        add(
            "total_risk_exposure", "as used_position_limit: " + usedFormula, usedInputs,
            rounding: Self.up, status: .choice, source: Source.recordings)
        // That it is 0 where there is no margin balance to divide by is ours.
        let status: Explanation.Status = figures.marginBalance.isPositive ? .exact : .choice
        if isLive {
            add(
                "total_effective_leverage", "used_position_limit ÷ total_margin_balance",
                [unrounded("used_position_limit", used), marginBalance], rounding: "half up to 6 places",
                status: status, source: Source.recordings)
        } else {
            add(
                "total_effective_leverage", "Σ |quantity| × mark ÷ total_margin_balance",
                try crossPositions("notional") + [marginBalance], rounding: Self.cut, status: status)
        }
        if addRaised("position_limit", rounding: Self.cut) { return }
        if isLive {
            add(
                "position_limit", "max_leverage × total_margin_balance, at least 0",
                [Input("max_leverage", account.maximumLeverage, .setting), marginBalance],
                rounding: Self.cut, source: Source.recordings)
        } else {
            add(
                "position_limit", "the account's setting",
                [Input("position_limit", account.positionLimit, .setting)], rounding: Self.cut)
        }
    }

    // MARK: - Switches

    private mutating func explainFlags() {
        if !addRaised("is_liquidating") {
            add(
                "is_liquidating", "total_margin_balance < total_maintenance_margin, both unrounded",
                [marginBalance, maintenanceMargin])
        }
        if !addRaised("has_risk") {
            add(
                "has_risk", "whether a position is open",
                [Input("open positions", String(account.positions.count), .ledger)],
                source: Source.recordings)
        }
        if !addRaised("terminatable") {
            add(
                "terminatable", "no open order, no position, nothing held that is no collateral",
                [
                    Input("open orders", String(account.orders.count), .ledger),
                    Input("open positions", String(account.positions.count), .ledger),
                ] + figures.rows.map { eligibility(of: $0) },
                status: account.positions.isEmpty ? .exact : .choice, source: Source.recordings)
        }
    }

    /// Whether a row's asset is collateral, as an input.
    func eligibility(of row: RowFigures) -> Input {
        Input(
            "collateral_eligible of \(row.asset)", row.isCollateral ? "true" : "false", .figure,
            path: "position_balances.\(row.asset).collateral_eligible")
    }
}
