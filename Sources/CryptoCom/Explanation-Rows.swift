import Ledger
import Numbers
import Venue

/// The rows of `position_balances`.
extension BalanceExplainer {
    /// Every field of every row, and what it rests on.
    mutating func explainRows() throws {
        for row in figures.rows {
            prefix = "position_balances.\(row.asset)."
            explainFunds(of: row)
            try explainValue(of: row)
            explainEligibility(of: row)
            try explainHaircut(of: row)
            explainInterest(of: row)
        }
        prefix = ""
    }

    private func quantity(of row: RowFigures) -> Input { Input("quantity", row.quantity, .ledger) }

    /// What open buy orders lock, as an input; none where they lock nothing.
    private func locked(of row: RowFigures) -> [Input] {
        figures.tied.filter { $0.asset == row.asset && !$0.locked.isZero }.map {
            hidden("locked", $0.locked)
        }
    }

    /// What the value leaves out, as an input; none where it is of all that there is.
    private func held(of row: RowFigures) -> [Input] { row.held.isZero ? [] : [hidden("held", row.held)] }

    private func earmarked(_ row: RowFigures) -> Input {
        Input(
            "funds reserved", account.holding(row.asset)?.reserved(for: Purpose.reserved) ?? .zero, .ledger)
    }

    private func offered(_ row: RowFigures) -> [Input] {
        spotOrders(.sell, of: row.asset).map {
            Input("open quantity of order \($0.id)", $0.remaining, .ledger)
        }
    }

    private func spotOrders(_ side: Side, of asset: String) -> [OpenOrder] {
        account.orders.filter { order in
            !order.instrument.kind.isDerivative && !order.reduceOnly && order.side == side
                && (side == .buy ? order.instrument.quote : order.instrument.base) == asset
        }
    }

    // MARK: - Funds

    private mutating func explainFunds(of row: RowFigures) {
        add("quantity", "what the account's events have come to", [quantity(of: row)])
        let showsLocked = isLive && rules.asset(row.asset)?.showsLockedAsReserved ?? true
        add(
            "reserved_qty",
            "funds reserved + open quantity of spot sell orders"
                + (showsLocked ? " + what open buy orders lock" : ""),
            [earmarked(row)] + offered(row) + (showsLocked ? locked(of: row) : []), rounding: Self.upAtAll,
            source: isLive ? Source.recordings : Source.document)
        add(
            "max_withdrawal_balance",
            "quantity − funds reserved − open quantity of spot sell orders − locked by open buy orders, at "
                + "least 0", [quantity(of: row), earmarked(row)] + offered(row) + locked(of: row),
            rounding: Self.cut, source: Source.recordings)
        if !row.held.isZero {
            let isOfAll = isLive && row.isCollateral
            addHidden(
                "held", row.held,
                isOfAll
                    ? "funds reserved + open quantity of spot sell orders + locked by open buy orders"
                    : "locked by open buy orders",
                (isOfAll ? [earmarked(row)] + offered(row) : []) + locked(of: row),
                source: Source.recordings)
        }
        guard let tied = figures.tied.first(where: { $0.asset == row.asset }) else { return }
        addHidden(
            "locked", tied.locked, "Σ open quantity × limit price of spot buy orders",
            spotOrders(.buy, of: row.asset).flatMap { order in
                [
                    Input("open quantity of order \(order.id)", order.remaining, .ledger),
                    Input("limit price of order \(order.id)", order.price, .ledger),
                ]
            }, source: Source.recordings)
    }

    private mutating func explainValue(of row: RowFigures) throws {
        let price = try indexPrice(of: row.asset)
        add(
            "market_value", unrounded: row.marketValue,
            "(quantity − what open orders hold) × index price",
            [quantity(of: row)] + held(of: row) + [price], rounding: Self.cut, source: Source.recordings)
        addHidden(
            "cash_value", row.cashValue, "quantity × index price", [quantity(of: row), price])
    }

    /// An asset's USD price, as an input: where it comes from is in its name.
    func indexPrice(of asset: String) throws -> Input {
        let price = try market.price(of: asset, rules.asset(asset))
        if asset == CryptoComRules.usd {
            return Input("index price of USD, 1 by definition", price, .rule)
        }
        if let given = market.prices.index[asset] {
            return Input("index price of \(asset), given at \(given.at.iso8601)", price, .price)
        }
        return Input("index price of \(asset), the rulebook's reference", price, .price)
    }

    // MARK: - Collateral

    private mutating func explainEligibility(of row: RowFigures) {
        if addRaised("collateral_eligible", asset: row.asset) { return }
        add(
            "collateral_eligible", "whether the rulebook lists it as collateral",
            [Input("is collateral", row.isCollateral ? "true" : "false", .rule)], source: Source.risk)
    }

    private mutating func explainHaircut(of row: RowFigures) throws {
        let rule = rules.asset(row.asset)
        let counted = hidden("counted_value", row.countedValue)
        let haircut = hidden("haircut", row.haircutRate)
        // Nothing recorded has a debt, or a holding beyond its cap.
        let isCapped = row.isCollateral && row.marketValue.isPositive && row.countedValue < row.marketValue
        let status: Explanation.Status = row.marketValue.isNegative || isCapped ? .choice : .exact
        addHidden(
            "counted_value", row.countedValue,
            "market_value up to the cap where it is collateral, else 0; a debt in full",
            [unrounded("market_value", row.marketValue), eligibility(of: row)]
                + (rule?.collateralCap.map { [Input("collateral_cap_notional", $0, .rule)] } ?? []),
            status: status)
        addHidden(
            "haircut_amount", row.haircut, "counted_value × haircut; 0 for a debt", [counted, haircut])
        add(
            "collateral_amount", unrounded: row.collateralAmount,
            "counted_value × (1 − haircut); a debt in full", [counted, haircut], rounding: Self.cut,
            status: status)
        if addRaised("haircut", asset: row.asset) { return }
        guard row.isCollateral, let rule else {
            add("haircut", "0 for what is no collateral", [eligibility(of: row)], source: Source.risk)
            return
        }
        let growth = rule.haircutRatePerUnit.map { [Input("haircut rate per unit", $0, .rule)] } ?? []
        add(
            "haircut",
            growth.isEmpty
                ? "minimum_haircut; 0 for a debt"
                : "the larger of minimum_haircut and rate per unit × quantity, at most 1; 0 for a debt",
            [quantity(of: row)] + held(of: row)
                + [Input("minimum_haircut", rule.minimumHaircut, .rule)] + growth,
            status: growth.isEmpty ? .exact : .choice, source: Source.risk)
    }

    private mutating func explainInterest(of row: RowFigures) {
        if addRaised("hourly_interest_rate", asset: row.asset) { return }
        let isDebt = row.quantity.isNegative
        add(
            "hourly_interest_rate", "the rulebook's rate for a debt, else 0",
            isDebt ? [Input("hourly interest rate", row.hourlyInterestRate, .rule)] : [],
            status: .choice, source: Source.ours)
    }
}
