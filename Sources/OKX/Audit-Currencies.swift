import JSON
import Ledger
import Numbers
import Venue

// Rows of currencies: what of one is held, and what stands for what the row does not show.

extension CurrencyFigures {
    /// What of the row is held.
    func findings(_ row: ReportedObject, _ answers: ReportedAccount) -> [AuditFinding] {
        var found = audit(where: isHeld, doubt: doubt(of:))
        found += audit(where: isOfPositions) { _ in .estimate(AccountAudit.otherMoment) }
        found += [worth(row, answers)].compactMap { $0 }
        if account.mode == .futures {
            let discount = CurrencyFigure.disEq
            let passed = row.passed(
                discount.rawValue, "eq − isoEq by tiers", because: "Futures mode is not said to have it.")
            found += [poolRatio(), isKnown(discount) ? nil : passed].compactMap { $0 }
        }
        return found + spotTrades(row)
    }

    private func isHeld(_ figure: CurrencyFigure) -> Bool {
        switch figure {
        case .eq, .availEq, .availBal, .frozenBal, .ordFrozen, .liab, .crossLiab, .uplLiab, .spotInUseAmt,
            .disEq, .borrowFroz, .maxLoan:
            true
        default: false
        }
    }

    /// Sums over the positions in the currency, which came at another moment.
    private func isOfPositions(_ figure: CurrencyFigure) -> Bool {
        switch figure {
        case .upl, .isoUpl, .isoEq: !(cross + isolated).isEmpty
        case .imr, .mmr, .notionalLever: mode.account == .futures && !(cross + isolated).isEmpty
        case .isoLiab: !owing.isEmpty
        default: false
        }
    }

    private func doubt(of figure: CurrencyFigure) -> FigureCheck.Difference? {
        switch figure {
        case .eq: .hidden("The value of options, a loan, or another part that the answer does not show.")
        case .frozenBal: .hidden("Margin, fees or another part in use that no field of the answers names.")
        case .ordFrozen: .estimate(AccountAudit.unpublishedOrders)
        case .crossLiab: .hidden("A loan that is held in cash.", below: .zero)
        case .uplLiab, .spotInUseAmt, .borrowFroz: .estimate("No document states this formula.")
        case .maxLoan: .estimate("The venue's formula is not published.")
        case .disEq where !mode.borrows:
            .estimate("Recordings have eqUsd where borrowing is off; no document says so.")
        case .disEq where !isCollateral:
            .estimate("Recordings have 0 where collateralEnabled is false; no document says so.")
        case .disEq: .estimate(AccountAudit.rulebook)
        default: nil
        }
    }

    /// `eqUsd`, at a price that it does not tell itself.
    private func worth(_ row: ReportedObject, _ answers: ReportedAccount) -> AuditFinding? {
        let price = CurrencyFigure.coinUsdPrice.rawValue
        let position = answers.positions.first { $0["ccy"].text == name && $0.isFilled("usdPx") }
        var doubt: FigureCheck.Difference?
        if row.isFilled(price) {
            report(.index, row, price, at: answers.moment(of: .balance), asInput: true, evidence: .binary)
        } else if let position {
            report(
                .index, position, "usdPx", at: answers.moment(of: .positions), asInput: true,
                evidence: .binary)
            doubt = .estimate(AccountAudit.otherMoment)
        } else {
            lack(.index, because: Inference.unknownPrice)
        }
        let finding = audit(.eqUsd, doubt: doubt)
        inferPrice(row)
        return finding
    }

    /// Futures mode: the ratio without the fees and orders that are not shown, which make it smaller.
    private func poolRatio() -> AuditFinding? {
        for figure in [CurrencyFigure.spotOrders, .isolatedOrders, .orderFees, .liquidationFees] {
            recover(figure, .zero, as: "\(figure.rawValue), not shown")
        }
        let isPositive = (try? self[.cashBal] + self[.crossUpl])?.isPositive == true
        return audit(
            .mgnRatio,
            doubt: .hidden(
                "Liquidation fees and what open orders hold are not shown.",
                above: isPositive ? .zero : nil))
    }

    /// Cost and profit of spot trades. Which price the venue values them at is not documented; the ratios
    /// follow from the profits.
    private func spotTrades(_ row: ReportedObject) -> [AuditFinding] {
        guard row.isFilled("spotBal"), row["spotBal"].truncatedNumber?.isZero == false else { return [] }
        // What was paid for so much at an average price; nothing was sold.
        for (figure, price) in [(CurrencyFigure.openCost, "openAvgPx"), (.purchases, "accAvgPx")] {
            infer(figure, as: "spotBal × \(price)", from: ["spotBal", price].map(row.path(of:))) {
                try row.implied("spotBal") * row.implied(price)
            }
        }
        recover(.sales, .zero, as: "nothing sold")
        let profit = audit(
            .spotUpl,
            doubt: .estimate("Which price the venue values spot holdings at is not documented."))
        infer(
            .index, as: "price that spotUpl implies",
            from: ["spotBal", "openAvgPx", "spotUpl"].map(row.path(of:))
        ) { try Inference.spotPrice(of: row) }
        let others = [CurrencyFigure.spotUplRatio, .totalPnl, .totalPnlRatio].map { audit($0) }
        inferPrice(row)
        return ([profit] + others).compactMap { $0 }
    }
}

// MARK: - What is reported

extension CurrencyFigures {
    /// A currency as its row has it. What is not shown follows from what is.
    convenience init(_ row: ReportedObject, _ answers: ReportedAccount, in account: AccountFigures) {
        let moment = answers.moment(of: .balance)
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
        // Without an answer that tells whether spot mode may borrow, the figure itself does.
        if mode == .spot, answers.config?.value["enableSpotBorrow"]?.boolean == nil,
            row["disEq"] == row["eqUsd"]
        {
            self.mode.borrows = false
        }
        recoverUse(row)
        inferPrice(row)
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
        let kept = ReservePurpose.fieldsWithinCash.filter { row[$0.rawValue] != .absent }
        recover(.reserves, as: kept.map(\.rawValue).joined(separator: " + "), row, kept, less: [])
    }

    /// Some fields less others, with what the digits of each leave open.
    private func recover(
        _ figure: CurrencyFigure, as name: String, _ row: ReportedObject, _ plus: [CurrencyFigure],
        less minus: [CurrencyFigure]
    ) {
        infer(figure, as: name, from: (plus + minus).map { row.path(of: $0.rawValue) }) {
            // The same digits are the same number.
            if plus.count == 1, minus.count == 1, row[plus[0].rawValue] == row[minus[0].rawValue],
                row.isFilled(plus[0].rawValue)
            {
                return ImpliedNumber(.zero)
            }
            let sum = try plus.reduce(ImpliedNumber(.zero)) { try $0 + told($1, row) }
            return try minus.reduce(sum) { try $0 - told($1, row) }
        }
    }

    /// What the row says of a figure, or what does not apply and is nothing.
    private func told(_ figure: CurrencyFigure, _ row: ReportedObject) throws -> ImpliedNumber {
        if let number = reported(figure), number.isZero { return ImpliedNumber(.zero) }
        return try row.implied(figure.rawValue)
    }

    /// The price that the row itself tells.
    private func inferPrice(_ row: ReportedObject) {
        do {
            let price = try Inference.price(of: row)
            infer(.index, as: price.name, from: price.reads) { price.number }
        } catch FigureGap.missing(let reason) {
            lack(.index, because: reason, from: [row.path(of: "eqUsd"), row.path(of: "eq")])
        } catch {
            lack(.index, because: "Its USD price does not fit.")
        }
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
        isFilled("disEq")
            && !CurrencyFigure.fields.contains { $0.modes == .futures && isFilled($0.rawValue) }
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
