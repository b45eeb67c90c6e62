import JSON
import Ledger
import Numbers
import Venue

/// What answers imply and no definition read backwards gives: prices, sizes, rates and leverages.
enum Inference {
    /// The eighth decimal, at which amounts are cut and requirements rounded up.
    static let lastPlace = (try? ExactDecimal("0.00000001")) ?? .zero

    /// A quotient of a printed number that may be so many units of the eighth place off; nothing over 0.
    static func quotient(
        of number: ExactDecimal, within units: Int, over divisor: ExactDecimal, as name: String,
        _ recover: (ExactFraction, FigureRange, String) -> Void
    ) {
        guard !divisor.isZero, let exact = try? ExactFraction(number).over(divisor),
            let distance = try? ExactFraction(lastPlace).times(ExactDecimal(units)).over(divisor)
                .magnitude,
            let low = try? exact - distance, let high = try? exact + distance
        else { return }
        recover(exact, FigureRange(low: low, high: high), name)
    }

    /// What lies within so many units of the eighth place.
    private static func range(of number: ExactDecimal, units: Int) -> FigureRange? {
        guard let distance = try? ExactFraction(lastPlace).times(ExactDecimal(units)),
            let low = try? ExactFraction(number) - distance,
            let high = try? ExactFraction(number) + distance
        else { return nil }
        return FigureRange(low: low, high: high)
    }

    // MARK: - Liquidation

    /// Whether an account is under liquidation follows from two figures; one that has begun may last longer.
    static func liquidation(of account: ReportedObject) -> AuditFinding? {
        let (margin, maintenance) = (
            account["total_margin_balance"], account["total_maintenance_margin"]
        )
        guard let shown = account.value["is_liquidating"]?.boolean, let balance = margin.truncatedNumber,
            let required = maintenance.truncatedNumber
        else { return nil }
        let expected = balance < required
        var verdict = AuditFinding.Verdict.matches
        var remark = ""
        if balance == required {
            remark = "Both are equal as printed, so that either may be."
        } else if shown != expected {
            verdict = shown ? .hidden : .contradicts
            remark = shown ? "A liquidation that has begun may outlast its cause." : ""
        }
        return AuditFinding(
            field: account.path(of: "is_liquidating"), verdict: verdict, reported: "\(shown)",
            expected: "\(expected)", formula: "total_margin_balance < total_maintenance_margin",
            inputs: [
                (account.path(of: "total_margin_balance"), margin.shown),
                (account.path(of: "total_maintenance_margin"), maintenance.shown),
            ], source: Source.ours, remark: remark)
    }

    // MARK: - Prices

    /// A spot sell order is worth what the row of its asset implies.
    static func spotPrices(of account: AccountFigures) {
        for order in account.orders where order.isSpotSale {
            guard let row = account.rows.first(where: { $0.asset == order.tiedAsset }) else {
                order.lack(
                    .indexPrice, because: "No row tells the price of \(order.tiedAsset ?? "what is sold").")
                continue
            }
            order.pricedBy = row
        }
    }

    // MARK: - Leverage

    /// The account's maximum leverage is the whole number that the limit is nearest to being a multiple by.
    static func maximumLeverage(of figures: AccountFigures, _ answers: ReportedAccount) {
        if let implied = impliedLeverage(of: answers.account) {
            figures.recover(
                .accountLeverage, implied, as: "maximum leverage that it implies",
                .estimate("It is no whole multiple of the margin balance."))
        } else {
            figures.lack(
                .accountLeverage,
                because:
                    "The account's maximum leverage is in no answer, and the margin balance is too small to "
                    + "tell it.")
        }
    }

    private static func impliedLeverage(of account: ReportedObject) -> ExactDecimal? {
        guard let limit = account["position_limit"].truncatedNumber,
            let margin = account["total_margin_balance"].truncatedNumber
        else { return nil }
        if !margin.isPositive { return limit.isZero ? .one : nil }
        guard let whole = try? limit.over(margin, places: 0, rounding: .halfUp), whole >= .one else {
            return nil
        }
        return whole
    }

    // MARK: - The size of positions

    /// What cross positions are worth: their cost and profit where the used limit is that and holdings, for
    /// then all of them are long and nothing is ordered. Where no answer to `positions` tells either, nothing
    /// where they cost nothing, else at most what the used limit has beside holdings. What orders add is
    /// nothing as far as answers tell.
    static func positionSize(of figures: AccountFigures, _ answers: ReportedAccount) {
        let account = answers.account
        let cost = account["total_position_cost"].truncatedNumber
        let path = account.path(of: "used_position_limit")
        if figures.lacks.exposures != nil || figures.lacks.positions != nil {
            figures.recover(
                .orderExposure, .zero, as: "exposure of open orders of contracts",
                .hidden("What open orders add is not shown.", below: .zero))
        }
        let profit = account["total_session_unrealized_pnl"].truncatedNumber
        let long = cost.flatMap { cost in profit.flatMap { try? (cost + $0).magnitude } }
        let reads = ["total_position_cost", "total_session_unrealized_pnl"].map(account.path(of:))
        let name = "total_position_cost + total_session_unrealized_pnl"
        let rest = restOfUsedLimit(answers)
        if let rest, rest.isPositive, let long, let gap = try? (rest - long).magnitude,
            gap <= units(3 + answers.rows.count)
        {
            figures.recover(.positionSize, long, as: name, from: reads, within: range(of: long, units: 2))
        }
        guard figures.lacks.positions != nil else { return }
        figures.recover(
            .unseenPositions, .zero, as: "positions",
            .hidden("Positions and orders are not among the answers.", below: .zero))
        if figures.isKnown(.positionSize) { return }
        if let cost, cost.isZero,
            answers.isLive || account["used_position_limit"].truncatedNumber?.isZero == true
        {
            figures.recover(
                .positionSize, .zero, as: "no position: total_position_cost is 0", from: [reads[0]])
        } else if let rest {
            figures.recover(
                .positionSize, rest, as: "used_position_limit − market_value of holdings", from: [path],
                within: range(of: rest, units: 1 + answers.rows.count),
                .hidden("What of the used limit is of positions is not shown.", above: nil, below: .zero))
        } else if let long, !answers.isLive {
            figures.recover(
                .positionSize, long, as: name, from: reads, within: range(of: long, units: 2),
                .estimate("The size of positions is not shown; cost + unrealized is that of longs."))
        } else {
            figures.lack(.positionSize, because: AccountFigures.noPositions)
        }
    }

    /// What the used limit has beside eligible holdings; nil outside the live form, or where it cannot be
    /// read.
    static func restOfUsedLimit(_ answers: ReportedAccount) -> ExactDecimal? {
        guard answers.isLive, let used = answers.account["used_position_limit"].truncatedNumber else {
            return nil
        }
        let values = answers.rows.filter { $0.isCollateral == true && $0.name != CryptoComRules.usd }
            .map { $0["market_value"].truncatedNumber?.magnitude }
        guard !values.contains(nil), let sum = try? values.compactMap({ $0 }).sum() else { return nil }
        return try? max(.zero, used - sum)
    }

    /// So many units of the eighth place.
    static func units(_ count: Int) -> ExactDecimal {
        (try? lastPlace.times(ExactDecimal(count), rounding: .ceiling)) ?? .zero
    }

    // MARK: - Fee reserves

    /// No taker fee is above a tenth of a percent, and none is kept back below nothing.
    private static let highestFee = (try? ExactDecimal("0.001")) ?? .zero

    /// What the account keeps back for the fees of closing its positions. The documents name no rate; that of
    /// isolated positions is the most.
    static func feeReserve(
        of figures: AccountFigures, _ answers: ReportedAccount, _ rules: CryptoComRules
    ) {
        let account = answers.account
        guard let fee = rules.liquidationFeeRate, figures.mode.reserve.isRecorded,
            let size = try? figures.notional()
        else {
            recoverUnknownReserve(of: figures, account, rules)
            return
        }
        figures.recover(.liquidationFee, fee)
        let before = try? figures.rows.sum(.countedValue) + figures[.sessionUnrealized]
        recoverTakerFee(account, before, size, 4 + answers.rows.count, fee, rules) {
            figures.recover(.takerFee, $0, as: $1, $2)
        }
    }

    private static func recoverUnknownReserve(
        of figures: AccountFigures, _ account: ReportedObject, _ rules: CryptoComRules
    ) {
        var difference = FigureCheck.Difference.contradicts
        if let used = account["used_position_limit"].truncatedNumber {
            if used.isPositive,
                let most = try? used.times(rules.isolatedFeeReserveRate, rounding: .ceiling)
            {
                difference = .hidden("Fee reserves are not shown.", above: .zero, below: most)
            }
        } else if account["total_position_cost"].truncatedNumber?.isZero != true {
            difference = .hidden(
                "Neither fee reserves nor the size of positions are shown.", above: .zero)
        }
        figures.recover(.feeReserve, .zero, as: "fee reserve", difference)
    }

    /// The same of an isolated position.
    static func feeReserve(
        of figures: IsolatedFigures, _ account: ReportedObject, _ rules: CryptoComRules
    ) {
        figures.recover(.reserveRate, rules.isolatedFeeReserveRate)
        guard let fee = rules.liquidationFeeRate, figures.mode.reserve.isRecorded,
            let size = try? figures[.notional]
        else { return }
        figures.recover(.liquidationFee, fee)
        let before = try? figures[.wallet] + figures[.sessionUnrealized]
        recoverTakerFee(account, before, size, 4, fee, rules) {
            figures.recover(.takerFee, $0, as: $1, $2)
        }
    }

    /// The rulebook's taker fee where the reserve follows from it, else the one that the reported balance
    /// implies where that is a whole number of hundredths of a basis point.
    ///
    /// `before` is the balance without a reserve, `units` how far off it may be.
    private static func recoverTakerFee(
        _ account: ReportedObject, _ before: ExactFraction?, _ size: ExactFraction, _ units: Int,
        _ liquidationFee: ExactDecimal, _ rules: CryptoComRules,
        _ recover: (ExactDecimal, String, FigureCheck.Difference) -> Void
    ) {
        let usual = rules.derivativeFees.taker
        let most = try? size.times(highestFee).rounded(places: ExactDecimal.places, rounding: .ceiling)
        let difference = FigureCheck.Difference.hidden(
            "The account's taker fee rate is not shown.", above: most, below: most)
        guard let before, size.isPositive, let balance = account["total_margin_balance"].truncatedNumber,
            let reserve = try? before - ExactFraction(balance),
            let exact = try? reserve / size - ExactFraction(liquidationFee),
            let implied = try? exact.rounded(places: 6, rounding: .halfUp), implied != usual,
            !implied.isNegative, implied <= highestFee,
            let gap = try? (exact - ExactFraction(implied)).magnitude * size,
            gap <= ExactFraction(self.units(units)),
            // Of dust every rate would do; the rulebook's goes first.
            let usualGap = try? (reserve - size.times(liquidationFee + usual)).magnitude,
            ExactFraction(self.units(units)) < usualGap
        else {
            recover(usual, "taker fee rate", difference)
            return
        }
        recover(implied, "taker fee rate that it implies", difference)
    }
}
