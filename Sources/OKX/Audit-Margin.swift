import Ledger
import Numbers
import Venue

// Rows of spot pairs on margin, each in itself. What a row has and owes is in it, so that most of its figures
// follow without a rulebook.

extension AccountAudit {
    mutating func check(marginPosition row: ReportedObject) {
        guard row.namesItsCurrencies else {
            for field in ["upl", "liqPx"] {
                pass(
                    row, field, "from pos and liab",
                    because: "instId, posCcy and ccy do not say which coins the row is in.")
            }
            return
        }
        let position = AuditedMarginPosition(row)
        checkProfit(of: position)
        checkWorth(of: position)
        checkRequirements(of: position)
        if row.marginMode == .isolated { checkLiquidation(of: position) }
    }

    /// Profit at the mark and at the last trade, and what share of the margin it is.
    private mutating func checkProfit(of position: AuditedMarginPosition) {
        let row = position.row
        for (field, price) in [("upl", "markPx"), ("uplLastPx", "last")] {
            hold(
                row, field,
                position.isApart
                    ? "pos − |liab| at \(price), in ccy" : "pos − |liab| at \(price) − margin, in ccy",
                [row.input("pos"), row.input("liab"), row.input(price), position.margin],
                source: Source.recordedPositions,
                field == "upl"
                    ? .contradicts : .estimate("Which trade was the last one then is not shown.")
            ) {
                try Figures.marginUnrealized(
                    held: position.held($0[0], $0.rate(2)), owed: position.owed($0[1], $0.rate(2)),
                    margin: position.isApart ? .zero : $0[3])
            }
        }
        for (ratio, profit) in [("uplRatio", "upl"), ("uplRatioLastPx", "uplLastPx")]
        where row.marginMode == .isolated {
            hold(
                row, ratio, "\(profit) ÷ margin", [row.input(profit), row.input("margin")],
                source: Source.recordedPositions,
                .estimate("Margin that was added or taken out is not part of the initial margin.")
            ) { Figures.marginUnrealizedRatio(unrealized: $0[0], margin: $0[1]) }
        }
    }

    /// What it has, in USD: the index price of its currency is in the balance alone.
    private mutating func checkWorth(of position: AuditedMarginPosition) {
        let row = position.row
        let currency = row["posCcy"].text
        hold(
            row, "notionalUsd", "pos × USD price of \(currency)",
            [
                row.input("pos"),
                rows.first { $0.currency == currency }?.price
                    ?? AuditInput("USD price of \(currency)", .absent),
            ], source: Source.recordedPositions, .estimate(Self.otherMoment)
        ) { try Figures.equityUSD($0[0], index: $0.rate(1)) }
    }

    private mutating func checkRequirements(of position: AuditedMarginPosition) {
        let row = position.row
        let debt = [row.input("liab"), row.input("markPx")]
        let liability = row["liab"].truncatedNumber.map {
            Liability(asset: row["liabCcy"].text, amount: $0.magnitude)
        }
        let pair = rules.instrument(row["instId"].text)
        if let liability, let pair, let tier = pair.loans?.tier(of: liability, in: pair.terms) {
            hold(
                row, "mmr", "|liab| in ccy × maintenance rate of the tier",
                debt + [AuditInput(rule: "maintenance rate of tier \(tier.number)", tier.maintenanceRate)],
                source: Source.recordedPositions, .estimate(Self.rulebook)
            ) { try Figures.borrowMaintenance(position.owed($0[0], $0.rate(1)), rate: $0.rate(2)) }
        } else {
            pass(
                row, "mmr", "|liab| in ccy × maintenance rate of the tier",
                because: "The rulebook does not know the pair's loan tiers.")
        }
        if row.marginMode == .cross {
            hold(
                row, "imr", "coins traded, in ccy ÷ lever", debt + [row.input("pos"), row.input("lever")],
                source: Source.futures, .estimate("No document states this formula in full.")
            ) {
                let coins =
                    position.isLong
                    ? try position.held($0[2], $0.rate(1)) : try position.owed($0[0], $0.rate(1))
                return try Figures.initialMargin(notional: coins, leverage: $0.rate(3))
            }
            return
        }
        hold(
            row, "mgnRatio", "(margin + upl) ÷ (mmr + (|liab| in ccy + mmr) × taker rate)",
            debt + [
                row.input("margin"), row.input("upl"), row.input("mmr"),
                AuditInput(rule: "taker rate", rules.margin.borrowLiquidationFee),
            ], source: Source.recordedPositions,
            .estimate("The account's own fee rate may be another than the rulebook's.")
        ) {
            let owed = try position.owed($0[0], $0.rate(1))
            return try Figures.isolatedMarginRatio(
                equity: Figures.isolatedEquity(margin: $0[2], unrealized: $0[3]), maintenance: $0[4],
                liquidationFee: Figures.borrowLiquidationFee(
                    owed + $0[4], maintenanceRate: .zero, feeRate: $0.rate(5)))
        }
    }

    /// `liqPx`, from what the row says must be maintained: its own `mgnRatio` holds the tier's rate and the
    /// account's fee rate.
    private mutating func checkLiquidation(of position: AuditedMarginPosition) {
        let row = position.row
        hold(
            row, "liqPx",
            position.isLong
                ? "(|liab| + what must be kept) ÷ what it has" : "what it has ÷ (|liab| + what must be kept)",
            ["pos", "liab", "markPx", "margin", "upl", "mgnRatio"].map { row.input($0) },
            source: Source.recordedPositions
        ) {
            let mark = $0.rate(2)
            let equity = try Figures.isolatedEquity(margin: $0[3], unrealized: $0[4])
            let required = try equity.over($0[5])
            // Kept in the currency of the margin; due is in the one that is owed.
            let kept = try Figures.amount(
                required, isBase: position.inBase, inBase: !position.isLong, price: mark)
            let isOfHeld = position.inBase == position.isLong
            return try Figures.marginLiquidationPrice(
                held: isOfHeld && position.isApart ? $0[0] + $0[3] : $0[0],
                due: $0[1].magnitude + kept - (isOfHeld ? .zero : $0[3]), isLong: position.isLong
            ).map { ExactFraction($0) }
        }
    }
}

/// A row of a spot pair on margin.
private struct AuditedMarginPosition {
    let row: ReportedObject
    let isLong: Bool
    /// Whether margin and profit are in the base currency.
    let inBase: Bool
    /// Whether `pos` is without the margin: always in a cross position, and in the newer form of isolated
    /// ones.
    let isApart: Bool

    init(_ row: ReportedObject) {
        self.row = row
        isLong = row.holdsBase
        inBase = row.hasMarginInBase
        isApart = row.marginMode == .cross || row.hasMarginApart
    }

    /// The margin; a cross position has none.
    var margin: AuditInput {
        row.marginMode == .cross ? AuditInput(rule: "no margin of its own", .zero) : row.input("margin")
    }

    /// `pos` at a price, in the currency of the margin.
    func held(_ amount: ExactFraction, _ price: ExactDecimal) throws(NumberError) -> ExactFraction {
        try Figures.amount(amount, isBase: isLong, inBase: inBase, price: price)
    }

    /// |`liab`| at a price, in the currency of the margin.
    func owed(_ amount: ExactFraction, _ price: ExactDecimal) throws(NumberError) -> ExactFraction {
        try Figures.amount(amount.magnitude, isBase: !isLong, inBase: inBase, price: price)
    }
}
