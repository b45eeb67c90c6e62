import JSON
import Ledger
import Numbers
import Venue

// An account's figures as its answers have them: what is shown is reported, what is not is inferred.

extension BinanceVenue {
    /// Totals, asset rows, position rows, and the rows of the answer to `positions`, in this order.
    ///
    /// Rates of multi-assets mode are those that the rows of one answer imply; brackets are the rulebook's.
    public func audit(_ statement: Statement, rulesAt time: LedgerTime) -> [AuditFinding] {
        guard let answers = try? ReportedAccount(statement.bodies) else { return [] }
        let rules = rules(at: time)
        let figures = AccountFigures(answers, rules)
        return withExtendedLifetime(figures) {
            figures.totalFindings() + figures.assets.flatMap { $0.findings(answers) }
                + zip(figures.positions, answers.positions).flatMap { $0.findings($1) }
                + zip(figures.risks, answers.risks).flatMap { $0.findings($1) }
        }
    }
}

/// Which answer a figure is of: no two of them are of one moment, and marks move in between.
enum Moment {
    static let account: Int64 = 0
    static let risk: Int64 = 1
    static let prices: Int64 = 2
}

// MARK: - The account

extension AccountFigures {
    fileprivate convenience init(_ answers: ReportedAccount, _ rules: RuleTable) {
        self.init(AccountMode(isMultiAssets: answers.mode == .multiAssets))
        isReported = true
        report(Layouts.account, answers.account, at: Moment.account)
        let positions = answers.positions.map { PositionRow($0, answers, rules, isOfRisk: false, in: book) }
        let risks = answers.risks.map { PositionRow($0, answers, rules, isOfRisk: true, in: book) }
        // Where a position's asset is not among the rows, nothing follows for their sums.
        let names = Set(answers.assets.map { $0["asset"].text })
        let isWhole = positions.allSatisfy { names.contains($0.mode.marginAsset) }
        take(
            answers.assets.map { row in
                let own = positions.filter { $0.mode.marginAsset == row["asset"].text }
                return AssetRow(row, answers, rules, isWhole ? own : nil, in: self)
            }, positions, risks: risks)
    }

    fileprivate func totalFindings() -> [AuditFinding] {
        guard mode.isMultiAssets else { return mode.hasUSDT ? audit() : [] }
        return AccountFigure.allCases.compactMap { figure in
            let finding = audit(figure, doubt: figure == .maxWithdrawAmount ? Self.withheld : nil)
            return finding?.verdict == .notDerivable ? boundByAskRates(figure) ?? finding : finding
        }
    }

    /// Where a buffer is the rulebook's and a total does not agree with it, the total is held against the ask
    /// rates, which no value can exceed: what is left is what the buffers take off.
    private func boundByAskRates(_ figure: AccountFigure) -> AuditFinding? {
        let rows = margin.filter { $0.reported(figure.ofAsset)?.isZero != true }
        guard figure.isOfValues, rows.allSatisfy(\.hasOwnRates), !rows.allSatisfy(\.hasReportedBuffer)
        else { return nil }
        for row in rows { row.takeAskForBid() }
        defer { for row in rows { row.takeRates() } }
        return audit(figure)
    }

    static let withheld = FigureCheck.Difference.hidden(
        "No document states this formula; the venue may hold back more.", above: .zero)
}

// MARK: - Asset rows

extension AssetRow {
    fileprivate convenience init(
        _ row: ReportedObject, _ answers: ReportedAccount, _ rules: RuleTable, _ positions: [PositionRow]?,
        in account: AccountFigures
    ) {
        let asset = row["asset"].text
        let isMargin = row.value["marginAvailable"]?.boolean != false
        let mode = AssetRowMode(isMultiAssets: account.mode.isMultiAssets, isMargin: isMargin)
        self.init(asset, nil, mode, in: account.book)
        self.account = account
        reportedObject = row
        report(mode.isMultiAssets ? Layouts.asset : Layouts.singleAsset, row, at: Moment.account)
        isEmpty = Layouts.asset.isZero(row, butFor: [.updateTime, .availableBalance, .maxWithdrawAmount])
        take(positions)
        for position in isolated { position.takeOrders(in: row) }
        guard mode.isPooled else { return }
        rates = ReportedRates(of: row, in: answers, rules: rules)
        takeRates()
    }

    /// Takes what the rates of the answer are.
    fileprivate func takeRates() {
        drop(.askRate)
        drop(.bidRate)
        rates?.give(to: self)
    }

    fileprivate func takeAskForBid() {
        guard let ask = rates?.ask else { return }
        recover(
            .bidRate, ask.rate, as: "ask rate of \(asset)", within: ask.range,
            .hidden(ReportedRates.rulebookBuffers + " What is expected is at the ask rates.", above: .zero))
    }

    fileprivate var hasOwnRates: Bool { rates?.ask != nil }
    fileprivate var hasReportedBuffer: Bool { rates?.isBufferReported == true }

    fileprivate func findings(_ answers: ReportedAccount) -> [AuditFinding] {
        var found = audit(where: { !$0.isAvailable && $0 != .updateTime }, doubt: doubt)
        if let sum = Inference.initialMargin(of: self) { found.append(sum) }
        if mode.isPooled {
            // The pool is held against the rates of another answer: those of its own follow from it.
            if let price = answers.price(of: asset) {
                report(.askRate, price, at: Moment.prices, asInput: true)
                found += [audit(.availableBalance)].compactMap { $0 }
                takeRates()
            }
            return found + [audit(.maxWithdrawAmount, doubt: AccountFigures.withheld)].compactMap { $0 }
        }
        // Where there are isolated positions, the venue's own sum of cross profits may count them too.
        if mode.hasIsolatedPositions { drop(.crossUnPnl) }
        let rest = audit(where: \.isAvailable) { $0 == .maxWithdrawAmount ? Self.withheld : nil }
        return found + rest
    }

    private func doubt(_ figure: AssetFigure) -> FigureCheck.Difference? {
        figure == .crossUnPnl && Inference.countsIsolatedProfit(self)
            ? .estimate(
                "A known fault of the venue's version 3: crossUnPnl is the profit of all positions, isolated "
                    + "ones included (Binance.Net issue #1404).") : nil
    }

    private static let withheld = FigureCheck.Difference.hidden(
        "The venue may hold back more than its documents say.", above: .zero)
}

extension AssetFigure {
    fileprivate var isAvailable: Bool { self == .availableBalance || self == .maxWithdrawAmount }
}

extension FigureLayout {
    /// Whether every figure of an object is a zero.
    fileprivate func isZero(_ object: ReportedObject, butFor others: Set<Figure>) -> Bool {
        numbers.allSatisfy { figure, name in
            others.contains(figure) || object[name] == .absent || object[name].truncatedNumber?.isZero == true
                || object.value[name]?.boolean != nil
        }
    }
}

// MARK: - Position rows

extension PositionRow {
    fileprivate convenience init(
        _ row: ReportedObject, _ answers: ReportedAccount, _ rules: RuleTable, isOfRisk: Bool,
        in book: FigureBook
    ) {
        let symbol = row["symbol"].text
        let known = rules.symbol(symbol)
        let leverage = row.impliedLeverage
        let mode = PositionMode(
            marginMode: answers.marginMode(of: row),
            isOpen: row["positionAmt"].truncatedNumber?.isZero != true,
            marginForm: Inference.marginForm(of: row, leverage, rules),
            marginAsset: answers.marginAsset(of: row, known?.instrument) ?? "")
        self.init(symbol, row.positionSide, known, mode, in: book)
        self.isOfRisk = isOfRisk
        reportedObject = row
        report(row.layout(isOfRisk: isOfRisk), row, at: isOfRisk ? Moment.risk : Moment.account)
        if let leverage, row["positionInitialMargin"] != .absent, !isKnown(.leverage) {
            recover(.leverage, leverage, as: "leverage, the whole number nearest to what is implied")
        }
        let risk = answers.risk(of: row)
        if row["positionInitialMargin"] == .absent, let risk {
            report(.positionInitialMargin, risk, at: Moment.risk, asInput: true)
            report(.openOrderInitialMargin, risk, at: Moment.risk, asInput: true)
        }
        takePrices(row, row["entryPrice"] == .absent ? risk : row)
        takeBracket()
    }

    /// What the mark and the cost must be: prices stand in the answer to `positions`, and an entry price does
    /// not move while the position is what it was.
    private func takePrices(_ row: ReportedObject, _ priced: ReportedObject?) {
        if !isOfRisk, let mark = Inference.mark(of: row) {
            recover(
                .markPrice, mark.price, as: "the mark that \(row.path(of: "notional")) implies",
                from: [row.path(of: "notional")], within: mark.range)
        }
        guard let priced, let quantity = row["positionAmt"].truncatedNumber,
            priced["positionAmt"].truncatedNumber == quantity
        else { return }
        guard let cost = Inference.cost(of: quantity, priced) else {
            return lack(
                .cost,
                because: "\(priced.path(of: "entryPrice")) is \(priced["entryPrice"].shown).")
        }
        recover(
            .cost, cost.amount, as: "positionAmt × \(priced.path(of: "entryPrice"))",
            from: [priced.path(of: "entryPrice")], within: cost.range)
    }

    /// The bracket of the rulebook that its notional is in.
    private func takeBracket() {
        guard let notional = reported(.notional),
            let bracket = try? rules?.bracket(of: notional, coefficient: .one)
        else { return }
        let doubt = FigureCheck.Difference.estimate(Inference.rulebookBrackets)
        recover(
            .maintenanceRate, bracket.maintenanceRate,
            as: "maintenance rate of bracket \(bracket.number)", doubt)
        recover(.cumulative, bracket.cumulative, as: "cum of bracket \(bracket.number)", doubt)
    }

    /// What is held for its orders: nothing where nothing is held for any in the asset.
    fileprivate func takeOrders(in asset: ReportedObject) {
        let field = asset.path(of: "openOrderInitialMargin")
        let name = "openOrderInitialMargin of \(symbol)"
        if asset["openOrderInitialMargin"].truncatedNumber?.isZero == true {
            drop(.openOrderInitialMargin)
            recover(.openOrderInitialMargin, .zero, as: name, from: [field])
        } else if !isKnown(.openOrderInitialMargin) {
            lack(.openOrderInitialMargin, because: "\(name) is absent.", from: [field])
        }
    }

    fileprivate func findings(_ row: ReportedObject) -> [AuditFinding] {
        let isWorthless = Inference.isWorthless(row)
        let isWhole = row["positionInitialMargin"] != .absent
        let found = audit(where: { figure in
            switch figure {
            case .updateTime, .isolatedWallet: false
            case .notional: !isWorthless
            case .initialMargin: isWhole
            default: true
            }
        }) { figure in
            switch figure {
            case .openOrderInitialMargin:
                .estimate("The documents do not say which orders bidNotional and askNotional count.")
            case .liquidationPrice: .estimate(Inference.rulebookBrackets)
            default: nil
            }
        }
        return found + (isWorthless ? [Inference.worthless(row)] : [])
    }
}

extension ReportedObject {
    /// The answer that a position row is of, as its fields show.
    fileprivate func layout(isOfRisk: Bool) -> FigureLayout<PositionFigure> {
        if isOfRisk { return self["marginType"] == .absent ? Layouts.risk : Layouts.risk2 }
        return self["leverage"] == .absent ? Layouts.position : Layouts.position2
    }
}
