import JSON
import Ledger
import Numbers
import Venue

/// The margin accounts of isolated positions.
extension AccountAudit {
    private static let sampleOnly = "The formula is read off one published sample."

    mutating func check(isolated account: ReportedObject) {
        let cash = account.rows("position_balances").first { $0.name == CryptoComRules.usd }
        let wallet = wallet(of: account)
        hold(
            account, "total_available_balance", "Margin Balance - Initial Margin",
            [amount("total_margin_balance", of: account), amount("total_initial_margin", of: account)]
        ) { try Figures.shownAmount(Figures.availableBalance(marginBalance: $0[0], initialMargin: $0[1])) }
        checkMarginBalance(ofIsolated: account, wallet)
        checkIsolatedMargins(of: account)
        checkLiquidation(of: account)
        for field in ["total_cash_balance", "total_collateral_value"] {
            hold(account, field, "quantity of the position's USD", [wallet], source: Source.isolated) {
                try Figures.shownAmount($0[0])
            }
        }
        checkLiveLimits(of: account)
        checkIsolatedPosition(of: account)
        if let cash {
            hold(
                cash, "max_withdrawal_balance", "min(quantity, available balance), at least 0",
                [wallet, amount("total_available_balance", of: account)], source: Source.ours,
                .estimate(Self.sampleOnly)
            ) {
                guard let cash = $0[0].decimal else { return nil }
                return try Figures.shownAmount(Figures.isolatedWithdrawal(cash: cash, available: $0[1]))
            }
        }
    }

    /// The cash of an isolated position's margin account, with all of its digits where a row has them.
    func wallet(of account: ReportedObject) -> AuditInput {
        account.rows("position_balances").first { $0.name == CryptoComRules.usd }?.input("quantity")
            ?? amount("total_cash_balance", of: account)
    }

    private mutating func checkMarginBalance(ofIsolated account: ReportedObject, _ wallet: AuditInput) {
        let profit = amount("total_session_unrealized_pnl", of: account)
        let notional = amount("used_position_limit", of: account)
        let share = reserveShare(of: .isolated) ?? ReserveShare(fixed: rules.isolatedFeeReserveRate)
        let before = [wallet, profit].map { $0.value.cutNumber ?? .zero }
        let whole = try? before.sum()
        let rate = reserveRate(share, in: account, before: ExactFraction(whole ?? .zero), notional: notional)
        let most = notional.value.cutNumber.flatMap { try? $0.times(share.most, rounding: .ceiling) }
        hold(
            account, "total_margin_balance", "quantity + unrealised − fee reserve of the notional",
            [wallet, profit, notional] + rate,
            source: share.liquidationFee == nil ? Source.isolated : Source.recordings,
            .hidden("The account's taker fee rate is not shown.", above: most, below: most)
        ) {
            try Figures.shownAmount(
                Figures.marginBalance(
                    countedValue: $0[0], unrealised: $0[1],
                    feeReserve: Self.reserve(of: $0[2], $0[3...])))
        }
    }

    private mutating func checkIsolatedMargins(of account: ReportedObject) {
        hold(
            account, "total_initial_margin", "max(total_position_im, notional ÷ leverage)",
            [
                amount("total_position_im", of: account), amount("used_position_limit", of: account),
                account.input("leverage"),
            ], source: Source.isolated, .estimate(Self.sampleOnly)
        ) {
            guard let leverage = $0[2].decimal else { return nil }
            return try Figures.shownRequirement(
                Figures.isolatedInitialMargin(
                    positionMargin: $0[0], notional: $0[1], leverage: leverage))
        }
        let share = rules.maintenanceShare
        hold(
            account, "total_maintenance_margin", "total_position_im × 0.5",
            [
                amount("total_position_im", of: account),
                AuditInput(rule: "maintenance share", rules.maintenanceShare),
            ], source: Source.isolated, .estimate(Self.sampleOnly)
        ) {
            try Figures.shownRequirement(Figures.maintenanceMargin(initialMargin: $0[0], share: share))
        }
    }

    /// Against the row of `positions` that the margin account is of.
    private mutating func checkIsolatedPosition(of account: ReportedObject) {
        let fields = ["used_position_limit", "total_position_cost", "total_session_unrealized_pnl"]
        guard let position = reported.position(of: account) else {
            for field in fields {
                skip(account, field, "of the position", Self.noPositions, source: Source.isolated)
            }
            return
        }
        let (cost, profit) = (amount("cost", of: position), amount("session_pnl", of: position))
        hold(
            account, fields[0], "|cost + session_pnl|", [cost, profit], source: Source.isolated, acrossAnswers
        ) {
            try Figures.shownRequirement(($0[0] + $0[1]).magnitude)
        }
        hold(account, fields[1], "|cost|", [cost], source: Source.isolated, acrossAnswers) {
            $0[0].magnitude.decimal
        }
        hold(account, fields[2], "session_pnl", [profit], source: Source.isolated, acrossAnswers) {
            $0[0].decimal
        }
    }
}
