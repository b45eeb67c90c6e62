import JSON
import Ledger
import Numbers
import Venue

/// The figures of the account, in USD: fields under their own names, and those behind them.
enum TotalFigure: String, CaseIterable {
    case adjEq, availEq, borrowFroz, imr, isoEq, mgnRatio, mmr, notionalUsd, notionalUsdForBorrow
    case notionalUsdForFutures, notionalUsdForSwap, ordFroz, totalEq, upl

    case discountedEquity, liquidationFees, orderFees, positionImr, positionLiquidationFees, positionMmr
    case restrictedEquity
}

extension BalanceExplainer {
    private func target(_ figure: TotalFigure) -> Target {
        Target(
            path: figure.rawValue, isField: AccountField(rawValue: figure.rawValue) != nil,
            name: figure.rawValue)
    }

    /// What the assembly has worked out; nil for what does not exist and is printed "".
    private func value(_ figure: TotalFigure) -> ExactFraction? {
        let totals = figures.totals
        return switch figure {
        case .adjEq: totals.adjustedEquity
        case .availEq: totals.availableEquity
        case .borrowFroz: totals.borrowFrozen
        case .imr: totals.initialMargin
        case .isoEq: totals.isolatedEquity
        case .mgnRatio: totals.marginRatio
        case .mmr: totals.maintenanceMargin
        case .notionalUsd: totals.notional
        case .notionalUsdForBorrow: totals.borrowing
        case .notionalUsdForFutures: totals.futuresNotional
        case .notionalUsdForSwap: totals.swapNotional
        case .ordFroz: totals.orderMargin
        case .totalEq: totals.totalEquity
        case .upl: totals.unrealised
        case .discountedEquity: totals.discounted
        case .liquidationFees: totals.liquidationFees
        case .orderFees: totals.orderFees
        case .positionImr: totals.positionMargin
        case .positionLiquidationFees: totals.positionFees
        case .positionMmr: totals.positionMaintenance
        case .restrictedEquity: totals.restricted
        }
    }

    /// A figure of the account as an input.
    func given(_ figure: TotalFigure, as name: String? = nil) -> Explanation.Input {
        input(name ?? figure.rawValue, target(figure), value(figure) ?? .zero)
    }

    /// Figures of contracts as inputs: spot mode has none, and its formulas leave them out.
    private func contracts(_ figures: [TotalFigure]) -> [Explanation.Input] {
        figures.filter { mode != .spot || value($0)?.isZero == false }.map { given($0) }
    }

    private mutating func explain(
        _ figure: TotalFigure, _ formula: String, _ inputs: [Explanation.Input], rounding: String = "",
        status: Explanation.Status = .exact, source: String = Source.given,
        by rework: (FigureInputs) throws -> ExactFraction?
    ) {
        add(
            target(figure), value(figure), formula, inputs, rounding: rounding, status: status,
            source: source, by: rework)
    }

    /// A figure of each currency where it counts, with the currency's index price.
    private func priced(
        _ figure: RowFigure, where isCounted: (CurrencyFigures) -> Bool
    ) throws -> [Explanation.Input] {
        try figures.rows.filter(isCounted).flatMap { row in
            [
                given(figure, row, isOneOfMany: true),
                try indexPrice(name(row), as: "index price of \(name(row))"),
            ]
        }
    }

    /// Each currency's disEq, where it counts.
    private func discounts(where isCounted: (CurrencyFigures) -> Bool) -> [Explanation.Input] {
        figures.rows.filter(isCounted).map { given(.disEq, $0, isOneOfMany: true) }
    }

    mutating func explainAccount() throws {
        try explainEquities()
        state(
            Target(path: AccountField.uTime.rawValue, isField: true, name: AccountField.uTime.rawValue),
            "the ledger's time of the answer", [Explanation.Input("ledger time", at.iso8601, .ledger)])
        for field in [AccountField.delta, .deltaLever, .deltaNeutralStatus] {
            state(
                Target(path: field.rawValue, isField: true, name: field.rawValue),
                "\"\" unless raised: the delta-neutral strategy is not kept here", status: .choice,
                source: Source.ours)
        }
        if mode == .futures { return }
        try explainAdjusted()
        try explainNotionals()
        try explainRequirements()
        explainMargins()
    }

    private mutating func explainEquities() throws {
        explain(
            .totalEq, "Σ eq × index price, undiscounted", try priced(.eq) { !$0.equity.isZero },
            source: Source.recorded
        ) { try $0.products("eq of ") }
        explain(
            .isoEq, "Σ isoEq × index price", try priced(.isoEq) { !$0.isolatedEquity.isZero },
            source: Source.recorded
        ) { try $0.products("isoEq of ") }
        if mode == .futures { return }
        explain(
            .upl, "Σ cross upl × index price", try priced(.crossUpl) { !$0.crossUnrealised.isZero }
        ) { try $0.products("crossUpl of ") }
    }

    private mutating func explainAdjusted() throws {
        explain(
            .adjEq, "Σ disEq − estimated order fees; a choice: the loss of open orders is taken as 0",
            [given(.discountedEquity)] + contracts([.orderFees]), status: .choice, source: Source.multi
        ) {
            try Figures.adjustedEquity(
                discounted: $0("discountedEquity"), orderFees: $0.optional("orderFees"))
        }
        explain(
            .discountedEquity, "Σ disEq", discounts { !$0.discountedUSD.isZero }, source: Source.discount
        ) { try $0.sum("disEq of ") }
        explain(
            .restrictedEquity, "Σ disEq of currencies whose colRes is raised to 2, where it is above 0",
            discounts {
                $0.discountedUSD.isPositive
                    && account.raised(DetailField.colRes.rawValue, asset: name($0))?.text == "2"
            }, status: .choice, source: Source.collateralLimit
        ) { try $0.sum("disEq of ") }
        explain(
            .orderFees, "Σ estimated fee of open orders, in USD", try orders(.feeUsd) { !$0.isOnMargin },
            status: .choice, source: Source.ours
        ) { try $0.sum("feeUsd of ") }
    }

    private mutating func explainNotionals() throws {
        for (figure, type) in [
            (TotalFigure.notionalUsdForSwap, InstrumentType.swap), (.notionalUsdForFutures, .futures),
        ] {
            explain(
                figure,
                "Σ |notionalUsd| of \(type.rawValue) positions, isolated ones too; long and short not netted",
                try positions(.notionalUsd) { (rules.instrument($0.instrument.name)?.type ?? .swap) == type },
                status: .choice
            ) { try $0.magnitudes("notionalUsd of ") }
        }
        explain(
            .notionalUsdForBorrow, "Σ potential borrowing in USD",
            figures.rows.filter { !$0.borrowingUSD.isZero }.map {
                given(.potentialBorrowingUsd, $0, isOneOfMany: true)
            }, status: .choice, source: Source.ours
        ) { try $0.sum("potentialBorrowingUsd of ") }
        state(
            Target(path: "notionalUsdForOption", isField: true, name: "notionalUsdForOption"),
            "0 unless raised: options are not kept here", status: .choice, source: Source.ours)
        explain(
            .notionalUsd,
            "notionalUsdForBorrow\(mode == .spot ? "" : " + notionalUsdForSwap + notionalUsdForFutures"); no "
                + "options are kept here",
            [given(.notionalUsdForBorrow)] + contracts([.notionalUsdForSwap, .notionalUsdForFutures]),
            source: Source.recorded
        ) {
            try Figures.notionalUSD(
                borrowing: $0("notionalUsdForBorrow"), swaps: $0.optional("notionalUsdForSwap"),
                futures: $0.optional("notionalUsdForFutures"), options: .zero)
        }
    }

    /// Sums over positions, orders and currencies.
    private mutating func explainRequirements() throws {
        explain(
            .borrowFroz, "Σ borrowFroz",
            figures.rows.filter { !$0.borrowFrozen.isZero }.map {
                given(.borrowFroz, $0, isOneOfMany: true)
            }, source: Source.recorded
        ) { try $0.sum("borrowFroz of ") }
        explain(
            .ordFroz, "Σ margin of cross orders that add exposure, at their limit prices",
            try orders(.margin) { $0.marginMode == .cross && $0.instrument.kind.isDerivative },
            status: .choice, source: Source.ours
        ) { try $0.sum("margin of ") }
        let isCross = { (position: Position) in position.marginMode == .cross }
        if mode == .portfolio {
            let units = figures.units
            explain(
                .positionImr, "Σ imr of risk units", try units.map { try given(.imr, $0, isOneOfMany: true) },
                status: .estimate, source: Source.portfolio
            ) { try $0.sum("imr of ") }
            explain(
                .positionMmr, "Σ mmr of risk units", try units.map { try given(.mmr, $0, isOneOfMany: true) },
                status: .estimate, source: Source.portfolio
            ) { try $0.sum("mmr of ") }
        } else {
            explain(
                .positionImr, "Σ imr of cross positions", try positions(.imr, isCross),
                source: Source.recorded
            ) { try $0.sum("imr of ") }
            explain(
                .positionMmr, "Σ mmr of cross positions", try positions(.mmr, isCross),
                source: Source.recorded
            ) { try $0.sum("mmr of ") }
        }
        explain(
            .positionLiquidationFees,
            mode == .portfolio
                ? "0: portfolio mode has fees of borrowing only" : "Σ liquidation fee of cross positions",
            mode == .portfolio ? [] : try positions(.liquidationFee, isCross), source: Source.recorded
        ) { try $0.sum("liquidationFee of ") }
    }

    private var borrowRate: Explanation.Input {
        let margin = rules.margin
        return Explanation.Input(
            "borrowing mmr",
            mode == .portfolio ? margin.portfolioBorrowMaintenanceRate : margin.borrowMaintenanceRate, .rule)
    }

    private mutating func explainMargins() {
        let status: Explanation.Status = mode == .portfolio ? .estimate : .exact
        let source = mode == .portfolio ? Source.portfolio : Source.recorded
        explain(
            .imr, "\(mode == .spot ? "" : "imr of cross positions + ordFroz + ")borrowFroz",
            contracts([.positionImr, .ordFroz]) + [given(.borrowFroz)], status: status, source: source
        ) {
            try Figures.initialMarginRequirement(
                positions: $0.optional("positionImr"), orders: $0.optional("ordFroz"),
                borrowing: $0("borrowFroz"))
        }
        explain(
            .mmr,
            "\(mode == .spot ? "" : "mmr of cross positions + ")notionalUsdForBorrow × mmr of borrowing",
            contracts([.positionMmr]) + [given(.notionalUsdForBorrow), borrowRate],
            status: status, source: source
        ) {
            try Figures.maintenanceMarginRequirement(
                positions: $0.optional("positionMmr"),
                borrowing: Figures.borrowMaintenance($0("notionalUsdForBorrow"), rate: $0("borrowing mmr")))
        }
        let fee = Explanation.Input("borrowing liquidation fee", rules.margin.borrowLiquidationFee, .rule)
        explain(
            .liquidationFees,
            "\(mode == .spot ? "" : "fees of positions + ")notionalUsdForBorrow × (1 + mmr of borrowing) × "
                + "its fee rate",
            contracts([.positionLiquidationFees]) + [given(.notionalUsdForBorrow), borrowRate, fee],
            source: source
        ) {
            try $0.optional("positionLiquidationFees")
                + Figures.borrowLiquidationFee(
                    $0("notionalUsdForBorrow"), maintenanceRate: $0("borrowing mmr"),
                    feeRate: $0("borrowing liquidation fee"))
        }
        let isRestricted = value(.restrictedEquity)?.isZero == false
        explain(
            .availEq,
            "adjEq − imr\(isRestricted ? " − disEq of currencies with colRes 2" : ""); not floored",
            [given(.adjEq), given(.imr)] + (isRestricted ? [given(.restrictedEquity)] : []),
            status: isRestricted ? .choice : status, source: source
        ) {
            try Figures.availableEquity(
                adjusted: $0("adjEq"), initialMargin: $0("imr"), restricted: $0.optional("restrictedEquity"))
        }
        explain(
            .mgnRatio,
            "adjEq ÷ (mmr + liquidation fees); \"\" where that is 0. The documentation's prose leaves the "
                + "fees out, recordings have them",
            [given(.adjEq), given(.mmr), given(.liquidationFees)], status: status,
            source: source
        ) {
            try Figures.marginRatio(
                adjusted: $0("adjEq"), maintenance: $0("mmr"), liquidationFees: $0("liquidationFees"))
        }
    }
}
