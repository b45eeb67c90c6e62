import JSON
import Ledger
import Numbers
import Venue

// One currency: figures in the currency itself, then those in USD.

extension AccountAudit {
    mutating func check(currency audited: AuditedRow) {
        checkEquity(audited)
        checkFree(audited)
        checkOrdersFrozen(audited)
        checkPositionSums(audited)
        if mode == .futures { checkFuturesRatios(audited) }
        checkDebt(audited)
        checkDollars(audited)
        checkSpotCost(audited)
    }

    private mutating func checkEquity(_ audited: AuditedRow) {
        let row = audited.row
        let lends = mode.lends
        // In spot mode a loan is in cash, so that it is taken off; what was borrowed is liab less interest.
        let isLoan = mode == .spot && row["eq"].cutNumber?.isNegative == false
        hold(
            row, "eq",
            "cashBal + (upl − isoUpl) + isoEq + stgyEq"
                + (lends ? " − interest" : "") + (isLoan ? " − (liab − interest)" : ""),
            ["cashBal", "upl", "isoUpl", "isoEq", "stgyEq"].map { audited.applied($0) }
                + (lends ? [audited.applied("interest")] : []) + (isLoan ? [audited.applied("liab")] : []),
            source: Source.recorded,
            .hidden("The value of options, a loan, or another part that the answer does not show.")
        ) { numbers in
            let interest = lends ? numbers[5] : .zero
            let borrowed = isLoan ? Figures.floored(try numbers[6] - interest) : .zero
            return try Figures.equity(
                cash: numbers[0], crossUnrealised: numbers[1] - numbers[2], isolatedEquity: numbers[3],
                strategyEquity: numbers[4], interest: interest, borrowed: borrowed)
        }
    }

    /// What is in use is not shown; it is frozenBal without what isolated positions and bots have.
    private mutating func checkFree(_ audited: AuditedRow) {
        let row = audited.row
        let inputs = ["cashBal", "upl", "isoUpl", "frozenBal", "isoEq", "stgyEq"].map { audited.applied($0) }
        hold(
            row, "availEq", "max(0, cashBal + (upl − isoUpl) − (frozenBal − isoEq − stgyEq))", inputs,
            source: Source.recorded
        ) {
            Figures.floored(
                try Figures.freeEquity(
                    cash: $0[0], crossUnrealised: $0[1] - $0[2], inUse: $0[3] - $0[4] - $0[5]))
        }
        hold(
            row, "availBal",
            "max(0, cashBal − (frozenBal − isoEq − stgyEq − min(0, upl − isoUpl)))", inputs,
            source: Source.recorded
        ) {
            Figures.floored(
                try Figures.freeBalance(
                    cash: $0[0], crossUnrealised: $0[1] - $0[2], inUse: $0[3] - $0[4] - $0[5]))
        }
        // What older answers do not have is not shown, and part of what is left over.
        let held = ["ordFrozen", "fixedBal", "smtSyncEq", "spotCopyTradingEq", "spotIsoBal"]
            .filter { row[$0] != .absent }
        hold(
            row, "frozenBal",
            (mode == .futures ? "imr + " : "") + held.joined(separator: " + ") + " + isoEq + stgyEq",
            ["isoEq", "stgyEq"].map { audited.applied($0) }
                + (held + (mode == .futures ? ["imr"] : [])).map { audited.applied($0) },
            source: Source.multi,
            .hidden("Margin, fees or another part in use that no field of the answer names.")
        ) { numbers in
            try Figures.frozenBalance(
                inUse: Figures.inUse(
                    positionMargin: .zero, orders: numbers.after(2).sum(), reserves: .zero),
                isolatedEquity: numbers[0], strategyEquity: numbers[1])
        }
    }

    /// Sums over the positions in the currency, which came at another moment.
    private mutating func checkPositionSums(_ audited: AuditedRow) {
        let positions = answers.positions.filter { $0["ccy"].text == audited.currency }
        if positions.isEmpty { return }
        let isolated = positions.filter { $0.marginMode == .isolated }
        let cross = positions.filter { $0.marginMode == .cross }
        let row = audited.row
        hold(
            row, "upl", "Σ upl of the currency's positions", positions.map { $0.input("upl") },
            source: Source.positions, .estimate(Self.otherMoment)
        ) { try $0.sum() }
        hold(
            row, "isoUpl", "Σ upl of isolated positions", isolated.map { $0.input("upl") },
            source: Source.positions, .estimate(Self.otherMoment)
        ) { try $0.sum() }
        hold(
            row, "isoEq", "Σ margin + Σ upl of isolated positions",
            isolated.map { $0.input("margin") } + isolated.map { $0.input("upl") },
            source: Source.positions, .estimate(Self.otherMoment)
        ) {
            try Figures.isolatedEquity(
                margin: $0.first(isolated.count).sum(), unrealised: $0.after(isolated.count).sum())
        }
        if mode != .futures { return }
        for field in ["imr", "mmr"] {
            hold(
                row, field, "Σ \(field) of cross positions", cross.map { $0.input(field) },
                source: Source.futures, .estimate(Self.otherMoment)
            ) { try $0.sum() }
        }
        hold(
            row, "notionalLever", "Σ imr × lever of cross positions ÷ (cashBal + upl − isoUpl)",
            ["cashBal", "upl", "isoUpl"].map { row.input($0) }
                + cross.flatMap { [$0.input("imr"), $0.input("lever")] },
            source: Source.futures, .estimate(Self.otherMoment)
        ) { numbers in
            return try Figures.notionalLeverage(
                notional: numbers.after(3).sumOfProducts(), cash: numbers[0],
                crossUnrealised: numbers[1] - numbers[2])
        }
    }

    /// Futures mode: the ratio without the fees and orders that are not shown, which make it smaller.
    private mutating func checkFuturesRatios(_ audited: AuditedRow) {
        let row = audited.row
        let backing = [row["cashBal"], row["upl"], row["isoUpl"]].compactMap(\.cutNumber)
        let isPositive = backing.count == 3 && (try? backing[0] + backing[1] - backing[2])?.isPositive == true
        hold(
            row, "mgnRatio",
            "(cashBal + upl − isoUpl − orders and their fees) ÷ (mmr + liquidation fees)",
            ["cashBal", "upl", "isoUpl", "mmr"].map { row.input($0) }, source: Source.futures,
            .hidden(
                "Liquidation fees and what open orders hold are not shown.",
                above: isPositive ? .zero : nil)
        ) {
            try Figures.currencyMarginRatio(
                cash: $0[0], crossUnrealised: $0[1] - $0[2], spotOrders: .zero, isolatedOrders: .zero,
                orderFees: .zero, maintenance: $0[3], liquidationFees: .zero)
        }
    }

    private mutating func checkDebt(_ audited: AuditedRow) {
        let row = audited.row
        hold(
            row, "liab", "crossLiab + isoLiab", [row.input("crossLiab"), audited.applied("isoLiab")],
            source: Source.multi
        ) { try Figures.liability(cross: $0[0], isolated: $0[1]) }
        let owing = answers.positions.filter {
            $0.isOnMargin && $0.marginMode == .isolated && $0["liabCcy"].text == audited.currency
        }
        if !owing.isEmpty {
            hold(
                row, "isoLiab", "Σ |liab| of isolated margin positions", owing.map { $0.input("liab") },
                source: Source.positions, .estimate(Self.otherMoment)
            ) { try $0.sum().magnitude }
        }
        let isSpot = mode == .spot
        hold(
            row, "crossLiab",
            "|min(0, eq)|\(isSpot ? ", at least interest," : ""), and a loan that is held in cash",
            [row.input("eq"), audited.applied("interest")], source: Source.multi,
            .hidden("A loan that is held in cash.", below: .zero)
        ) { Figures.crossLiability(equity: $0[0], loan: isSpot ? $0[1] : .zero) }
        hold(
            row, "uplLiab", "|min(0, eq)| − |min(0, cashBal − interest)|, at least 0",
            ["eq", "cashBal", "interest"].map { row.input($0) }, source: Source.ours,
            .estimate("No document states this formula.")
        ) {
            try Figures.unrealisedLossLiability(
                equity: $0[0], cash: $0[1], interest: $0[2], borrowed: .zero)
        }
        hold(
            row, "spotInUseAmt", "maxSpotInUse, at most clSpotInUseAmt where it is set",
            [row.isFilled("maxSpotInUseAmt") ? row.input("maxSpotInUseAmt") : row.input("maxSpotInUse")]
                + (row.isFilled("clSpotInUseAmt") ? [row.input("clSpotInUseAmt")] : []),
            source: Source.ours, .estimate("No document states this formula.")
        ) { $0.count > 1 ? min($0[0], $0[1]) : $0[0] }
    }

    // MARK: - In USD

    private mutating func checkDollars(_ audited: AuditedRow) {
        checkEquityUSD(audited)
        checkDiscount(audited)
        let row = audited.row
        let isPortfolio = mode == .portfolio
        let margin = rules.margin
        let rate = isPortfolio ? margin.portfolioBorrowInitialRate : margin.borrowLeverage
        hold(
            row, "borrowFroz",
            "max(crossLiab, frozenBal − isoEq − stgyEq + interest − cashBal − (upl − isoUpl)) × USD price "
                + (isPortfolio ? "× initial rate of borrowing" : "÷ borrow leverage"),
            ["crossLiab", "frozenBal", "isoEq", "stgyEq", "interest", "cashBal", "upl", "isoUpl"]
                .map { audited.applied($0) }
                + [
                    audited.price,
                    AuditInput(rule: isPortfolio ? "initial rate of borrowing" : "borrow leverage", rate),
                ], source: Source.ours, .estimate("No document states this formula.")
        ) { numbers in
            let amount = try Figures.potentialBorrowing(
                liability: numbers[0], inUse: numbers[1] - numbers[2] - numbers[3], interest: numbers[4],
                cash: numbers[5], crossUnrealised: numbers[6] - numbers[7])
            let worth = try Figures.borrowingUSD(amount, index: numbers.rate(8))
            return isPortfolio
                ? try Figures.portfolioBorrowFrozen(worth, rate: numbers.rate(9))
                : try Figures.borrowFrozen(worth, leverage: numbers.rate(9))
        }
        guard let asset = rules.asset(audited.currency) else {
            pass(row, "maxLoan", "not published", because: "The rulebook does not know the currency.")
            return
        }
        // Spot mode has no availEq; what it would be is adjEq − imr.
        let account = answers.account
        let free =
            account.isFilled("availEq")
            ? [account.input("availEq"), AuditInput(rule: "nothing more", .zero)]
            : [account.input("adjEq"), account.input("imr")]
        hold(
            row, "maxLoan", "max(0, availEq) × borrow leverage ÷ USD price, at most quota − liab",
            free + [
                audited.price, row.input("liab"),
                AuditInput(rule: "borrow leverage", margin.borrowLeverage),
                AuditInput(rule: "quota of \(audited.currency)", asset.borrowQuota),
            ], source: Source.ours, .estimate("The venue's formula is not published.")
        ) { numbers in
            let free = try Figures.availableEquity(
                adjusted: numbers[0], initialMargin: numbers[1], restricted: .zero)
            return try Figures.maximumLoan(
                powerUSD: Figures.borrowingPower(availableEquityUSD: free, leverage: numbers.rate(4)),
                index: numbers.rate(2), quota: numbers.rate(5), liability: numbers[3])
        }
    }

    private mutating func checkEquityUSD(_ audited: AuditedRow) {
        let row = audited.row
        if row.isFilled("coinUsdPrice") {
            hold(
                row, "eqUsd", "eq × coinUsdPrice", [row.input("eq"), row.input("coinUsdPrice")],
                source: Source.recorded
            ) { try Figures.equityUSD($0[0], index: $0.rate(1)) }
        } else if let position = answers.positions.first(where: {
            $0["ccy"].text == audited.currency && $0.isFilled("usdPx")
        }) {
            hold(
                row, "eqUsd", "eq × USD price", [row.input("eq"), position.input("usdPx")],
                source: Source.recorded, .estimate(Self.otherMoment)
            ) { try Figures.equityUSD($0[0], index: $0.rate(1)) }
        } else {
            pass(row, "eqUsd", "eq × USD price", because: "No answer names the currency's USD price.")
        }
    }

    private mutating func checkDiscount(_ audited: AuditedRow) {
        let row = audited.row
        let formula = "Σ over tiers of the part of eq − isoEq in the tier × its rate × USD price"
        // Without an answer that tells whether spot mode may borrow, the figure itself does.
        let borrows = answers.config?.value["enableSpotBorrow"]?.boolean
        if mode == .spot, borrows == false || borrows == nil && row["disEq"] == row["eqUsd"] {
            hold(
                row, "disEq", "eqUsd: nothing is discounted while spot mode does not borrow",
                [row.input("eqUsd")], source: Source.recorded,
                .estimate("Recordings have eqUsd where borrowing is off; no document says so.")
            ) { $0[0] }
            return
        }
        guard let asset = rules.asset(audited.currency) else {
            pass(row, "disEq", formula, because: "The rulebook does not know the currency.")
            return
        }
        let isOff = mode == .multi && row.value["collateralEnabled"]?.boolean == false
        hold(
            row, "disEq", formula, [row.input("eq"), audited.applied("isoEq"), audited.price],
            source: Source.discount,
            .estimate(
                isOff
                    ? "Recordings have 0 where collateralEnabled is false; no document says so."
                    : Self.rulebook)
        ) {
            try Figures.discountedEquity(
                $0[0], isolatedEquity: $0[1], table: asset.discount, index: $0.rate(2),
                isCollateral: !isOff)
        }
    }

    /// Cost and profit of spot trades. Which price the venue values them at is not documented; the ratios
    /// follow from the profits.
    private mutating func checkSpotCost(_ audited: AuditedRow) {
        let row = audited.row
        guard row.isFilled("spotBal"), row["spotBal"].cutNumber?.isZero == false else { return }
        /// What was paid for so much at a price.
        func cost(_ numbers: ReportedNumbers) throws(NumberError) -> SpotCost {
            let value = try numbers.rate(0).times(numbers.rate(1), rounding: .halfEven)
            return SpotCost(
                quantity: numbers.rate(0), boughtValue: value, soldValue: .zero, openCost: value)
        }
        /// The price at which a profit stands against what was paid.
        func price(
            _ profit: ExactDecimal, of amount: ExactDecimal, at cost: ExactDecimal
        ) throws(NumberError) -> ExactDecimal { try cost + profit.over(amount, rounding: .halfEven) }
        hold(
            row, "spotUpl", "spotBal × (USD price − openAvgPx)",
            [row.input("spotBal"), row.input("openAvgPx"), audited.price], source: Source.spotCost,
            .estimate("Which price the venue values spot holdings at is not documented.")
        ) { try Figures.spotUnrealised(cost($0), index: $0.rate(2)) }
        hold(
            row, "spotUplRatio", "spotUpl ÷ (spotBal × openAvgPx)",
            ["spotBal", "openAvgPx", "spotUpl"].map { row.input($0) }, source: Source.spotCost
        ) {
            try Figures.spotUnrealisedRatio(
                cost($0), index: price($0.rate(2), of: $0.rate(0), at: $0.rate(1)))
        }
        hold(
            row, "totalPnl", "spotUpl + spotBal × (openAvgPx − accAvgPx)",
            ["spotBal", "accAvgPx", "spotUpl", "openAvgPx"].map { row.input($0) }, source: Source.spotCost
        ) {
            try Figures.spotTotal(cost($0), index: price($0.rate(2), of: $0.rate(0), at: $0.rate(3)))
        }
        hold(
            row, "totalPnlRatio", "totalPnl ÷ (spotBal × accAvgPx)",
            ["spotBal", "accAvgPx", "totalPnl"].map { row.input($0) }, source: Source.spotCost
        ) {
            try Figures.spotTotalRatio(
                cost($0), index: price($0.rate(2), of: $0.rate(0), at: $0.rate(1)))
        }
    }
}
