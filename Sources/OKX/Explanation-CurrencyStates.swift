import JSON
import Ledger
import Numbers
import Venue

// Spot in use, spot cost, and fields of a currency that are no numbers.

extension BalanceExplainer {
    mutating func explainSpotInUse(_ row: CurrencyFigures) throws {
        let delta = try figures.unit(row.place).map { [try given(.delta, $0)] } ?? []
        try explain(
            .maxSpotInUse, row, "min(cashBal, −delta of the underlying's derivatives), not below 0",
            given([.cashBal], row) + delta, status: .estimate, source: Source.portfolio
        ) { Figures.spotInUse(coins: try $0("cashBal"), derivativeDelta: try $0.optional("delta")) }
        let cap = delta.isEmpty ? nil : account.raisedDecimal("clSpotInUseAmt", asset: name(row))
        try explain(
            .spotInUseAmt, row, "maxSpotInUse, at most clSpotInUseAmt where that is raised",
            given([.maxSpotInUse], row)
                + (cap.map { [Explanation.Input("clSpotInUseAmt", $0, .raised)] } ?? []), status: .estimate,
            source: Source.portfolio
        ) { inputs in
            let most: ExactFraction = try inputs("maxSpotInUse")
            return cap == nil ? most : min(most, try inputs("clSpotInUseAmt"))
        }
    }

    /// Fields that are "" until a spot trade was made: there is then nothing to list.
    mutating func explainSpotCost(_ row: CurrencyFigures) throws {
        let cost = holding(row)?.spotCost
        let isMade = cost != nil
        let ledger =
            cost.map {
                [
                    Explanation.Input("bought less sold", $0.quantity, .ledger),
                    Explanation.Input("purchases in USD", $0.boughtValue, .ledger),
                    Explanation.Input("sales in USD", $0.soldValue, .ledger),
                    Explanation.Input("cost at the moving average in USD", $0.openCost, .ledger),
                ]
            } ?? []
        let price = isMade ? [try indexPrice(name(row))] : []
        typealias Rework = (SpotCost, ExactDecimal) throws -> ExactFraction?
        let formulas: [(RowFigure, String, Rework)] = [
            (.spotBal, "bought less sold in spot trades", { cost, _ in ExactFraction(cost.quantity) }),
            (
                .openAvgPx, "cost at the moving average ÷ spotBal",
                { cost, _ in Figures.openAveragePrice(cost) }
            ),
            (
                .accAvgPx, "(purchases − sales) ÷ spotBal",
                { cost, _ in try Figures.accumulatedAveragePrice(cost) }
            ),
            (.spotUpl, "spotBal × index price − cost at the moving average", Figures.spotUnrealised),
            (.spotUplRatio, "spotUpl ÷ cost at the moving average", Figures.spotUnrealisedRatio),
            (.totalPnl, "spotBal × index price − purchases + sales", Figures.spotTotal),
            (.totalPnlRatio, "totalPnl ÷ (purchases − sales)", Figures.spotTotalRatio),
        ]
        for (figure, formula, rework) in formulas {
            try explain(
                figure, row, "\(formula); \"\" until a spot trade was made", ledger + price,
                source: Source.spotCost
            ) { inputs in
                guard isMade else { return nil }
                let cost = SpotCost(
                    quantity: try inputs("bought less sold"), boughtValue: try inputs("purchases in USD"),
                    soldValue: try inputs("sales in USD"),
                    openCost: try inputs("cost at the moving average in USD"))
                return try rework(cost, inputs("index price"))
            }
        }
    }

    mutating func explainStates(_ row: CurrencyFigures) {
        let rules = rules.assets[row.place]
        state(
            .uTime, row, "the last change of the holding or of a position in the currency",
            [Explanation.Input("last change", row.updatedAt.iso8601, .ledger)])
        state(
            .autoLendStatus, row, "off; unsupported where the rulebook does not lend the currency",
            [Explanation.Input("auto_lend", rules.supportsAutoLend ? "true" : "false", .rule)],
            status: .choice, source: Source.ours)
        let isOff = account.collateralOff(in: mode).contains { $0.text == rules.name }
        state(
            .collateralEnabled, row,
            mode == .multi
                ? "not in the setting collateral_off" : "false outside multi-currency margin mode",
            [
                Explanation.Input("mode", mode.rawValue, .setting),
                Explanation.Input("named in collateral_off", isOff ? "true" : "false", .setting),
            ], status: .choice, source: Source.ours)
    }

    /// What the venue decides by means that the ledger does not have, and what does not exist here.
    mutating func explainConstants(_ row: CurrencyFigures) {
        for field in [DetailField.twap, .frpType] {
            state(
                field, row, "0 unless raised: nothing is repaid by force here", status: .choice,
                source: Source.ours)
        }
        for field in [DetailField.colRes, .colBorrAutoConversion] {
            state(
                field, row, "0 unless raised: the platform's limits are not known here", status: .choice,
                source: Source.collateralLimit)
        }
        state(
            .collateralRestrict, row, "whether colRes is 2: the venue's deprecated form of it",
            [
                Explanation.Input(
                    "colRes", account.raised("colRes", asset: name(row))?.text ?? "0", .raised)
            ], status: .choice, source: Source.collateralLimit)
        state(
            .autoLendMtAmt, row, "0 unless raised: nothing is lent here", status: .choice,
            source: Source.ours)
        state(
            .clSpotInUseAmt, row, "\"\" unless raised: the cap that the user sets on spot in use",
            status: .choice, source: Source.ours)
    }
}
