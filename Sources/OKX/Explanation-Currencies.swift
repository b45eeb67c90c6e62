import Ledger
import Numbers
import Venue

/// The figures of one currency: fields of its row under their own names, and those behind them.
enum RowFigure: String, CaseIterable {
    case accAvgPx, availBal, availEq, borrowFroz, cashBal, crossLiab, disEq, eq, eqUsd, fixedBal, frozenBal
    case imr, interest, isoEq, isoLiab, isoUpl, liab, maxLoan, maxSpotInUse, mgnRatio, mmr, notionalLever,
        openAvgPx
    case ordFrozen, rewardBal, smtSyncEq, spotBal, spotCopyTradingEq, spotInUseAmt, spotIsoBal, spotUpl
    case spotUplRatio, stgyEq, totalPnl, totalPnlRatio, upl, uplLiab

    case crossOrders, crossUpl, inUse, isolatedOrders, liquidationFees, orderFees, positionNotional
    case potentialBorrowing, potentialBorrowingUsd, spotOrders
}

extension BalanceExplainer {
    /// A currency's name.
    func name(_ row: CurrencyFigures) -> String { rules.assets[row.place].name }

    func holding(_ row: CurrencyFigures) -> Holding? { row.holding.map { account.holdings[$0] } }

    private func target(_ figure: RowFigure, _ row: CurrencyFigures) -> Target {
        Target(
            path: "details.\(name(row)).\(figure.rawValue)",
            isField: DetailField(rawValue: figure.rawValue) != nil, name: figure.rawValue)
    }

    /// What the assembly has worked out; nil for what does not exist and is printed "".
    private func value(_ figure: RowFigure, _ row: CurrencyFigures) -> ExactFraction? {
        switch figure {
        case .availBal: Figures.floored(row.freeBalance)
        case .availEq: Figures.floored(row.freeEquity)
        case .borrowFroz: row.borrowFrozen
        case .cashBal: row.cash
        case .crossLiab: row.crossLiability
        case .disEq: row.discountedUSD
        case .eq: row.equity
        case .eqUsd: row.equityUSD
        case .frozenBal: row.frozen
        case .imr: row.positionMargin
        case .interest: row.interest
        case .isoEq: row.isolatedEquity
        case .isoLiab: row.isolatedLiability
        case .isoUpl: row.isolatedUnrealised
        case .liab: row.liability
        case .maxLoan: row.maximumLoan
        case .maxSpotInUse: row.maximumSpotInUse
        case .mgnRatio: row.marginRatio
        case .mmr: row.positionMaintenance
        case .notionalLever: row.notionalLeverage
        case .ordFrozen: row.ordersFrozen
        case .spotInUseAmt: row.spotInUse
        case .stgyEq: row.strategyEquity
        case .upl: row.unrealised
        case .uplLiab: row.unrealisedLossLiability
        case .crossOrders: row.crossOrders
        case .crossUpl: row.crossUnrealised
        case .inUse: row.inUse
        case .isolatedOrders: row.isolatedOrders
        case .liquidationFees: row.positionFees
        case .orderFees: row.orderFees
        case .positionNotional: row.positionNotional
        case .potentialBorrowing: row.potentialBorrowing
        case .potentialBorrowingUsd: row.borrowingUSD
        case .spotOrders: row.spotOrders
        default: rareValue(figure, row)
        }
    }

    /// Earmarks, credits and spot cost.
    private func rareValue(_ figure: RowFigure, _ row: CurrencyFigures) -> ExactFraction? {
        let holding = holding(row)
        let spot = row.spot.map { figures.spots[$0] }
        return switch figure {
        case .fixedBal: ExactFraction(holding?.reserved(.fixed) ?? .zero)
        case .smtSyncEq: ExactFraction(holding?.reserved(.smartSync) ?? .zero)
        case .spotCopyTradingEq: ExactFraction(holding?.reserved(.copyTrading) ?? .zero)
        case .spotIsoBal: ExactFraction(holding?.reserved(.copyTradingIsolated) ?? .zero)
        case .rewardBal: ExactFraction(holding?.credited(for: "reward") ?? .zero)
        case .spotBal: spot?.balance
        case .openAvgPx: spot?.openAveragePrice
        case .accAvgPx: spot?.accumulatedAveragePrice
        case .spotUpl: spot?.unrealised
        case .spotUplRatio: spot?.unrealisedRatio
        case .totalPnl: spot?.total
        case .totalPnlRatio: spot?.totalRatio
        default: nil
        }
    }

    /// A currency's figure as an input, named by its field; of several currencies, by currency too.
    func given(
        _ figure: RowFigure, _ row: CurrencyFigures, isOneOfMany: Bool = false
    ) -> Explanation.Input {
        input(
            isOneOfMany ? "\(figure.rawValue) of \(name(row))" : figure.rawValue, target(figure, row),
            value(figure, row) ?? .zero)
    }

    func given(_ figures: [RowFigure], _ row: CurrencyFigures) -> [Explanation.Input] {
        figures.map { given($0, row) }
    }

    /// Figures of contracts as inputs: spot mode has none, and its formulas leave them out.
    private func contracts(_ figures: [RowFigure], _ row: CurrencyFigures) -> [Explanation.Input] {
        given(figures.filter { mode != .spot || value($0, row)?.isZero == false }, row)
    }

    mutating func explain(
        _ figure: RowFigure, _ row: CurrencyFigures, _ formula: String, _ inputs: [Explanation.Input],
        rounding: String = "", status: Explanation.Status = .exact, source: String = Source.given,
        by rework: (FigureInputs) throws -> ExactFraction?
    ) throws {
        add(
            target(figure, row), value(figure, row), formula, inputs, rounding: rounding, status: status,
            source: source, by: rework)
    }

    mutating func state(
        _ field: DetailField, _ row: CurrencyFigures, _ formula: String, _ inputs: [Explanation.Input] = [],
        status: Explanation.Status = .exact, source: String = Source.given
    ) {
        state(
            Target(path: "details.\(name(row)).\(field.rawValue)", isField: true, name: field.rawValue),
            formula, inputs, status: status, source: source)
    }

    mutating func explainRow(_ row: CurrencyFigures) throws {
        try explainCash(row)
        try explainEquity(row)
        try explainUse(row)
        try explainFree(row)
        if mode == .futures {
            try explainPool(row)
        } else {
            try explainLiabilities(row)
            try explainBorrowing(row)
            try explainDiscount(row)
        }
        if mode == .portfolio { try explainSpotInUse(row) }
        try explainSpotCost(row)
        explainStates(row)
        explainConstants(row)
    }
}

// MARK: - What the ledger has

extension BalanceExplainer {
    private mutating func explainCash(_ row: CurrencyFigures) throws {
        try explain(
            .cashBal, row,
            "what the account's events have moved, less isolated margin and funds of strategies", cash(row),
            source: Source.recorded
        ) { try $0.sum("") }
        for (figure, purpose) in [
            (RowFigure.stgyEq, ReservePurpose.strategy), (.fixedBal, .fixed), (.smtSyncEq, .smartSync),
            (.spotCopyTradingEq, .copyTrading), (.spotIsoBal, .copyTradingIsolated),
        ] {
            let amount = holding(row)?.reserved(purpose) ?? .zero
            try explain(
                figure, row, "funds reserved for \(purpose.rawValue)",
                [Explanation.Input("reserved", amount, .ledger)],
                status: figure == .stgyEq ? .exact : .choice,
                source: figure == .stgyEq ? Source.recorded : Source.ours
            ) { try $0("reserved") }
        }
        let reward = holding(row)?.credited(for: "reward") ?? .zero
        try explain(
            .rewardBal, row, "trial funds credited for reward; outside equity",
            [Explanation.Input("credited", reward, .ledger)], status: .choice, source: Source.ours
        ) { try $0("credited") }
        if mode == .futures { return }
        try explain(
            .interest, row, "interest accrued and not yet paid",
            [Explanation.Input("accrued interest", row.interest.description, .ledger)]
        ) { try $0("accrued interest") }
    }

    /// All that ever moved a currency, signed as it moved free cash.
    private func cash(_ row: CurrencyFigures) -> [Explanation.Input] {
        guard let holding = holding(row) else { return [] }
        let flows = holding.flows
        var moves: [(name: String, amount: ExactDecimal)] = [
            ("deposits", flows.deposited), ("withdrawals", -flows.withdrawn),
            ("withdrawal fees", -flows.withdrawalFees), ("transfers", flows.transferred),
            ("spot trades", flows.exchanged), ("realised profit", flows.realised),
            ("trading fees", -flows.tradingFees), ("funding", flows.funding), ("loans", flows.borrowed),
            ("interest paid", -flows.interestPaid), ("imported isolated margin", flows.imported),
            ("funds of strategies", -holding.reserved(.strategy)),
        ]
        for position in account.positions {
            let name = position.margin == nil ? "isolated margin of" : "what is with margin position"
            moves.append(("\(name) \(position.title)", -position.amount(of: holding.asset)))
        }
        return moves.filter { !$0.amount.isZero }.map { Explanation.Input($0.name, $0.amount, .ledger) }
    }

    private func principal(_ row: CurrencyFigures) -> [Explanation.Input] {
        row.borrowed.isZero && mode != .spot
            ? [] : [Explanation.Input("principal borrowed", row.borrowed.description, .ledger)]
    }

    /// Funds that stay in cash and are in use.
    private func reserves(_ row: CurrencyFigures) -> [Explanation.Input] {
        (holding(row)?.reserved ?? []).filter { $0.purpose != ReservePurpose.strategy.rawValue }.map {
            Explanation.Input("reserved for \($0.purpose)", $0.amount, .ledger)
        }
    }
}

// MARK: - Equity

extension BalanceExplainer {
    private mutating func explainEquity(_ row: CurrencyFigures) throws {
        let lends = mode != .futures
        let words = [
            "cashBal", mode == .spot ? "" : " + cross upl + isoEq", " + stgyEq", lends ? " − interest" : "",
            mode == .spot ? " − principal borrowed" : "",
        ].joined()
        try explain(
            .eq, row, words,
            given([.cashBal], row) + contracts([.crossUpl, .isoEq], row) + given([.stgyEq], row)
                + (lends ? given([.interest], row) : []) + principal(row), source: Source.recorded
        ) {
            try Figures.equity(
                cash: $0("cashBal"), crossUnrealised: $0.optional("crossUpl"),
                isolatedEquity: $0.optional("isoEq"), strategyEquity: $0("stgyEq"),
                interest: $0.optional("interest"), borrowed: $0.optional("principal borrowed"))
        }
        try explain(
            .eqUsd, row, "eq × index price", [given(.eq, row), indexPrice(name(row))],
            source: Source.recorded
        ) { try Figures.equityUSD($0("eq"), index: $0("index price")) }
        try explain(
            .crossUpl, row, "Σ upl of the currency's cross positions",
            positions(.upl) { $0.marginMode == .cross && $0.settlementAsset == name(row) }
        ) { try $0.sum("upl of ") }
        try explain(
            .isoUpl, row, "Σ upl of the currency's isolated positions",
            positions(.upl) { $0.marginMode == .isolated && $0.settlementAsset == name(row) },
            source: Source.recorded
        ) { try $0.sum("upl of ") }
        try explain(
            .upl, row, "cross upl + isoUpl, at mark prices", given([.crossUpl, .isoUpl], row),
            source: Source.recorded
        ) { try Figures.unrealised(cross: $0("crossUpl"), isolated: $0("isoUpl")) }
        let wallets = account.positions.filter {
            $0.marginMode == .isolated && $0.settlementAsset == name(row)
        }
        try explain(
            .isoEq, row, "margin of isolated positions + isoUpl",
            wallets.map { Explanation.Input("margin of \($0.title)", $0.isolatedWallet, .ledger) }
                + given([.isoUpl], row), source: Source.recorded
        ) { try Figures.isolatedEquity(margin: $0.sum("margin of "), unrealised: $0("isoUpl")) }
    }

    private func collateral(_ row: CurrencyFigures) -> [Explanation.Input] {
        mode == .multi
            ? [Explanation.Input("collateralEnabled", row.isCollateral ? "true" : "false", .setting)] : []
    }

    private mutating func explainDiscount(_ row: CurrencyFigures) throws {
        let listed = rules.assets[row.place].discount
        let table = account.borrowsAgainst(in: mode) ? listed : nil
        let isListed =
            try table == nil || (row.equity - row.isolatedEquity).isPositive && row.isCollateral
        let discount =
            table.map { Explanation.Input("discount tiers in \($0.unit.rawValue)", $0.text, .rule) }
            ?? Explanation.Input("spot_borrow", "false", .setting)
        let inputs =
            try given([.eq], row) + contracts([.isoEq], row) + [indexPrice(name(row))] + collateral(row)
            + [discount]
        try explain(
            .disEq, row,
            table == nil
                ? "eqUsd: nothing is discounted while borrowing is off"
                : "eq − isoEq, each tier's part × the tier's discountRate, in USD; a choice: "
                    + "undiscounted below 0, and 0 above it where collateral is off",
            inputs, status: isListed ? .exact : .choice,
            source: table == nil ? Source.recorded : Source.discount
        ) {
            try Figures.discountedEquity(
                $0("eq"), isolatedEquity: $0.optional("isoEq"), table: table, index: $0("index price"),
                isCollateral: row.isCollateral)
        }
    }
}

extension DiscountTable {
    /// The tiers in words.
    fileprivate var text: String {
        let listed = tiers.map { tier in
            tier.upTo.map { "\(tier.rate) up to \($0)" } ?? "\(tier.rate) for the rest"
        }
        let hasEnd = tiers.last?.upTo != nil || tiers.isEmpty
        return (listed + (hasEnd ? ["\(minimumRate) beyond"] : [])).joined(separator: ", ")
    }
}

// MARK: - What is in use and what is free

extension BalanceExplainer {
    private mutating func explainUse(_ row: CurrencyFigures) throws {
        let isPool = mode == .futures
        let isolated: [RowFigure] = mode == .spot ? [] : [.isolatedOrders]
        try explain(
            .ordFrozen, row,
            "open spot orders\(mode == .spot ? "" : " + margin of isolated orders")"
                + (isPool ? " + margin of cross orders + estimated order fees" : ""),
            given([.spotOrders] + isolated + (isPool ? [.crossOrders, .orderFees] : []), row),
            status: .choice
        ) {
            try Figures.ordersFrozen(
                spot: $0("spotOrders"), isolated: $0.optional("isolatedOrders"),
                cross: $0.optional("crossOrders"), fees: $0.optional("orderFees"))
        }
        try explain(
            .inUse, row, "\(isPool ? "imr + " : "")ordFrozen + funds reserved within cash",
            given((isPool ? [.imr] : []) + [.ordFrozen], row) + reserves(row), source: Source.recorded
        ) {
            try Figures.inUse(
                positionMargin: $0.optional("imr"), orders: $0("ordFrozen"),
                reserves: $0.sum("reserved for "))
        }
        try explain(
            .frozenBal, row, "in use\(mode == .spot ? "" : " + isoEq") + stgyEq",
            given([.inUse], row) + contracts([.isoEq], row) + given([.stgyEq], row), source: Source.recorded
        ) {
            try Figures.frozenBalance(
                inUse: $0("inUse"), isolatedEquity: $0.optional("isoEq"), strategyEquity: $0("stgyEq"))
        }
        try explainOrderSums(row)
    }

    /// What open orders hold of a currency.
    private mutating func explainOrderSums(_ row: CurrencyFigures) throws {
        let name = name(row)
        try explain(
            .spotOrders, row, "Σ of what open spot orders of the currency would pay",
            orders(.frozen) { $0.spends == name }
        ) { try $0.sum("frozen of ") }
        try explain(
            .isolatedOrders, row, "Σ margin of isolated orders settled in the currency",
            orders(.margin) { $0.marginMode == .isolated && $0.settlementAsset == name }, status: .choice,
            source: Source.ours
        ) { try $0.sum("margin of ") }
        guard mode == .futures else { return }
        try explain(
            .crossOrders, row, "Σ margin of cross orders settled in the currency",
            orders(.margin) { $0.marginMode == .cross && $0.settlementAsset == name }, status: .choice,
            source: Source.ours
        ) { try $0.sum("margin of ") }
        try explain(
            .orderFees, row, "Σ estimated fee of open orders settled in the currency",
            orders(.fee) { !$0.isOnMargin && $0.settlementAsset == name }, status: .choice,
            source: Source.ours
        ) { try $0.sum("fee of ") }
    }

    private mutating func explainFree(_ row: CurrencyFigures) throws {
        let upl = mode == .spot ? "" : " + cross upl"
        try explain(
            .availEq, row, "max(0, cashBal\(upl) − in use)",
            given([.cashBal], row) + contracts([.crossUpl], row) + given([.inUse], row),
            source: Source.recorded
        ) {
            Figures.floored(
                try Figures.freeEquity(
                    cash: $0("cashBal"), crossUnrealised: $0.optional("crossUpl"), inUse: $0("inUse")))
        }
        try explain(
            .availBal, row, "max(0, cashBal − \(mode == .spot ? "in use" : "(in use − min(0, cross upl))"))",
            given([.cashBal], row) + contracts([.crossUpl], row) + given([.inUse], row),
            source: Source.recorded
        ) {
            Figures.floored(
                try Figures.freeBalance(
                    cash: $0("cashBal"), crossUnrealised: $0.optional("crossUpl"), inUse: $0("inUse")))
        }
    }
}

// MARK: - Debts

extension BalanceExplainer {
    private mutating func explainLiabilities(_ row: CurrencyFigures) throws {
        let isSpot = mode == .spot
        try explain(
            .crossLiab, row, "|min(0, eq)|\(isSpot ? ", at least principal borrowed + interest" : "")",
            given([.eq, .interest], row) + principal(row), source: isSpot ? Source.spotMode : Source.multi
        ) {
            Figures.crossLiability(
                equity: try $0("eq"),
                loan: isSpot
                    ? try Figures.loan(
                        borrowed: $0.optional("principal borrowed"), interest: $0("interest")) : .zero)
        }
        try explain(
            .isoLiab, row, "Σ of what isolated margin positions owe of the currency",
            owed(row), source: Source.positions
        ) { try $0.sum("liability of ") }
        try explain(
            .liab, row, "crossLiab\(isSpot ? "" : " + isoLiab")",
            given([.crossLiab], row) + contracts([.isoLiab], row),
            source: isSpot ? Source.spotMode : Source.multi
        ) { try Figures.liability(cross: $0("crossLiab"), isolated: $0.optional("isoLiab")) }
        try explain(
            .uplLiab, row, "|min(0, eq)| − |min(0, cashBal − interest)|, not below 0",
            given([.eq, .cashBal, .interest], row) + principal(row), status: .choice, source: Source.ours
        ) {
            try Figures.unrealisedLossLiability(
                equity: $0("eq"), cash: $0("cashBal"), interest: $0("interest"),
                borrowed: $0.optional("principal borrowed"))
        }
    }

    private func owed(_ row: CurrencyFigures) -> [Explanation.Input] {
        account.positions.compactMap { position in
            guard position.marginMode == .isolated, let liability = position.liability,
                liability.asset == name(row)
            else { return nil }
            return Explanation.Input("liability of \(position.title)", liability.amount, .ledger)
        }
    }

    private mutating func explainBorrowing(_ row: CurrencyFigures) throws {
        let margin = rules.margin
        let upl = mode == .spot ? "" : " − cross upl"
        try explain(
            .potentialBorrowing, row, "max(crossLiab, in use + interest − cashBal\(upl))",
            given([.crossLiab, .inUse, .interest, .cashBal], row) + contracts([.crossUpl], row),
            status: .choice, source: Source.ours
        ) {
            try Figures.potentialBorrowing(
                liability: $0("crossLiab"), inUse: $0("inUse"), interest: $0("interest"), cash: $0("cashBal"),
                crossUnrealised: $0.optional("crossUpl"))
        }
        try explain(
            .potentialBorrowingUsd, row, "potential borrowing × index price",
            [given(.potentialBorrowing, row), indexPrice(name(row))], status: .choice,
            source: Source.ours
        ) { try Figures.borrowingUSD($0("potentialBorrowing"), index: $0("index price")) }
        if mode == .portfolio {
            let rate = Explanation.Input("borrowing imr", margin.portfolioBorrowInitialRate, .rule)
            try explain(
                .borrowFroz, row, "potential borrowing in USD × initial margin rate of borrowing",
                [given(.potentialBorrowingUsd, row), rate], source: Source.portfolio
            ) {
                try Figures.portfolioBorrowFrozen($0("potentialBorrowingUsd"), rate: $0("borrowing imr"))
            }
        } else {
            let leverage = Explanation.Input("borrow leverage", margin.borrowLeverage, .rule)
            try explain(
                .borrowFroz, row, "potential borrowing in USD ÷ borrow leverage",
                [given(.potentialBorrowingUsd, row), leverage], source: Source.recorded
            ) { try Figures.borrowFrozen($0("potentialBorrowingUsd"), leverage: $0("borrow leverage")) }
        }
        try explain(
            .maxLoan, row,
            "max(0, the account's availEq) × borrow leverage ÷ index price, at most quota − liab",
            [
                given(.availEq, as: "account's availEq"),
                Explanation.Input("borrow leverage", margin.borrowLeverage, .rule), indexPrice(name(row)),
                Explanation.Input("quota", rules.assets[row.place].borrowQuota, .rule), given(.liab, row),
            ], status: .estimate, source: Source.ours
        ) {
            try Figures.maximumLoan(
                powerUSD: Figures.borrowingPower(
                    availableEquityUSD: $0("account's availEq"), leverage: $0("borrow leverage")),
                index: $0("index price"), quota: $0("quota"), liability: $0("liab"))
        }
    }
}

// MARK: - Futures mode's pools

extension BalanceExplainer {
    private mutating func explainPool(_ row: CurrencyFigures) throws {
        let isHere = { (position: Position) in
            position.marginMode == .cross && position.settlementAsset == rules.assets[row.place].name
        }
        try explain(
            .imr, row, "Σ imr of the currency's cross positions", positions(.imr, isHere),
            source: Source.futures
        ) { try $0.sum("imr of ") }
        try explain(
            .mmr, row, "Σ mmr of the currency's cross positions", positions(.mmr, isHere),
            source: Source.futures
        ) { try $0.sum("mmr of ") }
        try explain(
            .liquidationFees, row, "Σ liquidation fee of the currency's cross positions",
            positions(.liquidationFee, isHere), source: Source.futures
        ) { try $0.sum("liquidationFee of ") }
        try explain(
            .positionNotional, row, "Σ |notional| of the currency's cross positions",
            positions(.notional, isHere), source: Source.futures
        ) { try $0.magnitudes("notional of ") }
        try explain(
            .notionalLever, row,
            "value of cross positions ÷ (cashBal + cross upl); a choice: \"\" where that is not above 0",
            given([.positionNotional, .cashBal, .crossUpl], row),
            status: row.notionalLeverage == nil ? .choice : .exact, source: Source.futures
        ) {
            try Figures.notionalLeverage(
                notional: $0("positionNotional"), cash: $0("cashBal"), crossUnrealised: $0("crossUpl"))
        }
        try explain(
            .mgnRatio, row,
            "(cashBal + cross upl − spot orders − isolated orders − order fees) ÷ (mmr + liquidation fees); "
                + "\"\" where that is 0",
            given(
                [.cashBal, .crossUpl, .spotOrders, .isolatedOrders, .orderFees, .mmr, .liquidationFees], row),
            source: Source.futures
        ) {
            try Figures.currencyMarginRatio(
                cash: $0("cashBal"), crossUnrealised: $0("crossUpl"), spotOrders: $0("spotOrders"),
                isolatedOrders: $0("isolatedOrders"), orderFees: $0("orderFees"), maintenance: $0("mmr"),
                liquidationFees: $0("liquidationFees"))
        }
    }
}
