import JSON
import Ledger
import Numbers
import Venue

// One currency: figures in the currency itself, then those in USD.

extension AccountAudit {
    mutating func check(_ figures: CurrencyFigures, _ audited: AuditedRow) {
        let unpublished = FigureCheck.Difference.estimate("No document states this formula.")
        add(
            figures.audit(
                .eq,
                doubt: .hidden("The value of options, a loan, or another part that the answer does not show.")
            ))
        add(figures.audit(.availEq))
        add(figures.audit(.availBal))
        add(
            figures.audit(
                .frozenBal,
                doubt: .hidden("Margin, fees or another part in use that no field of the answer names.")))
        checkOrdersFrozen(audited)
        checkPositionSums(audited)
        if mode == .futures { add(poolRatio(figures)) }
        add(figures.audit(.liab))
        checkOwing(audited)
        add(figures.audit(.crossLiab, doubt: .hidden("A loan that is held in cash.", below: .zero)))
        add(figures.audit(.uplLiab, doubt: unpublished))
        add(figures.audit(.spotInUseAmt, doubt: unpublished))
        checkEquityUSD(audited)
        checkDiscount(figures, audited)
        add(figures.audit(.borrowFroz, doubt: unpublished))
        add(figures.audit(.maxLoan, doubt: .estimate("The venue's formula is not published.")))
        checkSpotCost(audited)
    }

    /// Futures mode: the ratio without the fees and orders that are not shown, which make it smaller.
    private func poolRatio(_ figures: CurrencyFigures) -> AuditFinding? {
        for figure in [CurrencyFigure.spotOrders, .isolatedOrders, .orderFees, .liquidationFees] {
            figures.recover(figure, .zero, as: "\(figure.rawValue), not shown")
        }
        let isPositive = (try? figures[.cashBal] + figures[.crossUpl])?.isPositive == true
        return figures.audit(
            .mgnRatio,
            doubt: .hidden(
                "Liquidation fees and what open orders hold are not shown.",
                above: isPositive ? .zero : nil))
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
                margin: $0.first(isolated.count).sum(), unrealized: $0.after(isolated.count).sum())
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
                crossUnrealized: numbers[1] - numbers[2])
        }
    }

    private mutating func checkOwing(_ audited: AuditedRow) {
        let row = audited.row
        let owing = answers.positions.filter {
            $0.isOnMargin && $0.marginMode == .isolated && $0["liabCcy"].text == audited.currency
        }
        if !owing.isEmpty {
            hold(
                row, "isoLiab", "Σ |liab| of isolated margin positions", owing.map { $0.input("liab") },
                source: Source.positions, .estimate(Self.otherMoment)
            ) { try $0.sum().magnitude }
        }
    }

    // MARK: - In USD

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

    private mutating func checkDiscount(_ figures: CurrencyFigures, _ audited: AuditedRow) {
        let row = audited.row
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
        let finding = figures.audit(
            .disEq,
            doubt: .estimate(
                figures.isCollateral
                    ? Self.rulebook
                    : "Recordings have 0 where collateralEnabled is false; no document says so."))
        if let finding { return add(finding) }
        pass(row, "disEq", "eq − isoEq by tiers", because: "Futures mode is not said to have it.")
    }

    /// Cost and profit of spot trades. Which price the venue values them at is not documented; the ratios
    /// follow from the profits.
    private mutating func checkSpotCost(_ audited: AuditedRow) {
        let row = audited.row
        guard row.isFilled("spotBal"), row["spotBal"].truncatedNumber?.isZero == false else { return }
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
        ) { try Figures.spotUnrealized(cost($0), index: $0.rate(2)) }
        hold(
            row, "spotUplRatio", "spotUpl ÷ (spotBal × openAvgPx)",
            ["spotBal", "openAvgPx", "spotUpl"].map { row.input($0) }, source: Source.spotCost
        ) {
            try Figures.spotUnrealizedRatio(
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

// MARK: - What is reported

extension CurrencyFigures {
    /// A currency as its row has it. What is not shown follows from what is.
    convenience init(_ row: ReportedObject, in account: AccountFigures, at moment: Int64) {
        let name = row["ccy"].text
        let rules = account.rules.assetPlace(name).map { account.rules.assets[$0] }
        self.init(
            account.rules.assetPlace(name) ?? -1, name, rules, holding: nil,
            updatedAt: LedgerTime(milliseconds: 0), in: account,
            // A row that fills what futures mode does not have is held as one of a mode that does.
            as: account.mode == .futures && row.isOfAnotherMode ? .multi : account.mode)
        let mode = account.mode
        for figure in CurrencyFigure.fields where figure.facts(in: self.mode)?.isShown == true {
            report(figure, row, at: moment)
        }
        for figure in CurrencyFigure.fields
        where figure.isPart && row.isNotApplied(figure.rawValue, in: mode, figure.modes) {
            recover(figure, .zero, as: "\(row.path(of: figure.rawValue)), which does not apply")
        }
        isCollateral = !(mode == .multi && row.value["collateralEnabled"]?.boolean == false)
        isRestricted = row["colRes"].text == "2"
        recoverUse(row)
        recoverPrice(row)
        recoverLoans(row)
        if mode == .portfolio { recoverSpotInUse(row, at: moment) }
    }

    /// What is in use is not shown: it is frozenBal without what isolated positions and bots have. Of cross
    /// positions there is the profit of all less that of isolated ones.
    private func recoverUse(_ row: ReportedObject) {
        recover(.crossUpl, as: "upl − isoUpl", row, [.upl], less: [.isoUpl])
        recover(.inUse, as: "frozenBal − isoEq − stgyEq", row, [.frozenBal], less: [.isoEq, .stgyEq])
        // What older answers do not have is not shown, and part of what is left over.
        if row["ordFrozen"] == .absent { recover(.ordFrozen, .zero, as: "ordFrozen, not sent") }
        let kept = [CurrencyFigure.fixedBal, .smtSyncEq, .spotCopyTradingEq, .spotIsoBal].filter {
            row[$0.rawValue] != .absent
        }
        recover(.reserves, as: kept.map(\.rawValue).joined(separator: " + "), row, kept, less: [])
    }

    /// Some fields less others, with what the digits of each leave open.
    private func recover(
        _ figure: CurrencyFigure, as name: String, _ row: ReportedObject, _ plus: [CurrencyFigure],
        less minus: [CurrencyFigure]
    ) {
        let fields = (plus + minus).map { row.path(of: $0.rawValue) }
        do {
            var (sum, low, high) = (ExactDecimal.zero, ExactFraction.zero, ExactFraction.zero)
            for (part, isTaken) in plus.map({ ($0, false) }) + minus.map({ ($0, true) }) {
                guard let number = reported(part) else {
                    return lack(
                        figure,
                        because: "\(row.path(of: part.rawValue)) is \(row[part.rawValue].shown).",
                        from: fields)
                }
                if number.isZero { continue }
                let range = try Evidence.binary.range(of: number)
                sum = isTaken ? try sum - number : try sum + number
                low = isTaken ? try low - range.high : try low + range.low
                high = isTaken ? try high - range.low : try high + range.high
            }
            // The same digits are the same number.
            let isNone =
                plus.count == 1 && minus.count == 1 && row[plus[0].rawValue] == row[minus[0].rawValue]
            recover(
                figure, sum, as: name, from: fields,
                within: isNone ? nil : FigureRange(low: low, high: high))
        } catch {
            lack(figure, because: "\(name) does not fit.", from: fields)
        }
    }

    /// eqUsd ÷ eq, which is as exact as their digits allow; `coinUsdPrice` of a row without equity.
    private func recoverPrice(_ row: ReportedObject) {
        let words = "USD price of \(name)"
        let reads = [row.path(of: "eqUsd"), row.path(of: "eq")]
        guard let worth = row["eqUsd"].truncatedNumber, let equity = row["eq"].truncatedNumber,
            !equity.isZero,
            let price = try? worth.over(equity, rounding: .halfEven),
            let range = try? Self.quotient(worth, equity)
        else {
            guard let price = row["coinUsdPrice"].truncatedNumber else {
                return lack(.index, because: "\(words) is in no field.", from: reads)
            }
            return recover(
                .index, price, as: row.path(of: "coinUsdPrice"), within: try? Evidence.binary.range(of: price)
            )
        }
        recover(.index, price, as: "eqUsd ÷ eq of \(name)", from: reads, within: range)
    }

    /// Between what it lies, to the last place of a decimal: sums over many rows stay short.
    private static func quotient(_ worth: ExactDecimal, _ equity: ExactDecimal) throws -> FigureRange {
        let worth = try Evidence.binary.range(of: worth)
        let equity = try Evidence.binary.range(of: equity)
        let ends = [
            try worth.low.over(equity.low), try worth.low.over(equity.high), try worth.high.over(equity.low),
            try worth.high.over(equity.high),
        ]
        func end(_ number: ExactFraction?, _ rounding: Rounding) throws(NumberError) -> ExactFraction {
            ExactFraction(try (number ?? .zero).rounded(places: ExactDecimal.places, rounding: rounding))
        }
        return FigureRange(low: try end(ends.min(), .floor), high: try end(ends.max(), .ceiling))
    }

    /// In spot mode a loan is in cash, so that it is taken off; what was borrowed is liab less interest.
    private func recoverLoans(_ row: ReportedObject) {
        if account.mode == .futures, reported(.interest) == nil {
            recover(.interest, .zero, as: "no interest")
        }
        if mode.account == .spot, row["eq"].truncatedNumber?.isNegative == false,
            let liability = reported(.liab),
            let interest = reported(.interest), let rest = try? liability - interest
        {
            let fields = [row.path(of: "liab"), row.path(of: "interest")]
            recover(
                .principal, rest.isNegative ? .zero : rest, as: "liab − interest", from: fields,
                within: rest.isPositive ? try? Evidence.binary.range(of: rest) : nil)
        } else {
            recover(.principal, .zero, as: "no loan in cash")
        }
        let margin = account.rules.margin
        recover(.borrowLeverage, margin.borrowLeverage, as: "borrow leverage")
        recover(.borrowingRate, margin.portfolioBorrowInitialRate, as: "initial rate of borrowing")
        if let quota = rules?.borrowQuota {
            recover(.quota, quota, as: "quota of \(name)")
        } else {
            lack(.quota, because: "The rulebook does not know the currency.")
        }
    }

    private func recoverSpotInUse(_ row: ReportedObject, at moment: Int64) {
        if row.isFilled("maxSpotInUseAmt") { report(.maxSpotInUse, row, "maxSpotInUseAmt", at: moment) }
        if let cap = row["clSpotInUseAmt"].truncatedNumber { self.cap(at: cap) }
    }
}

extension ReportedObject {
    /// Whether a currency's row fills what futures mode does not have, and nothing that it has alone.
    fileprivate var isOfAnotherMode: Bool {
        isFilled("disEq") && !["imr", "mmr", "mgnRatio", "notionalLever"].contains(where: isFilled)
    }
}

extension CurrencyFigure {
    /// Whether other figures add it up, so that "" where the mode has none is nothing.
    fileprivate var isPart: Bool {
        switch self {
        case .upl, .isoUpl, .isoEq, .stgyEq, .interest, .crossLiab, .isoLiab, .liab, .frozenBal, .cashBal,
            .fixedBal, .smtSyncEq, .spotCopyTradingEq, .spotIsoBal, .ordFrozen, .imr:
            true
        default: false
        }
    }
}
