import JSON
import Ledger
import Numbers
import Venue

// Every figure of an answer held against the definition that serves it, on the venue's own numbers.

extension OKXVenue {
    /// The account's figures, those of its currencies, and the rows of the answer to `positions`, in this
    /// order. The venue computes in binary floating point: last digits that differ for that are rounding.
    public func audit(_ statement: Statement, rulesAt time: LedgerTime) -> [AuditFinding] {
        guard let answers = try? ReportedAccount(statement.bodies), let mode = answers.mode else { return [] }
        return AccountAudit(answers, mode, rules(at: time)).findings
    }
}

/// An account as its answers have it.
struct AccountAudit {
    private let answers: ReportedAccount
    private let figures: AccountFigures
    private let mode: AccountMode
    /// The rows of the answer to `positions`; nil of those that do not say what they are in.
    private let positions: [PositionRow?]

    init(_ answers: ReportedAccount, _ mode: AccountMode, _ rules: RuleTable) {
        let figures = AccountFigures(answers, mode, rules)
        self.answers = answers
        self.mode = mode
        self.figures = figures
        positions = answers.positions.map { row in
            PositionValuation(row, answers, in: figures).map { PositionRow($0, row, answers) }
        }
        figures.take(positions, of: answers)
        figures.take(ordersOf: answers)
    }

    /// What all of it comes to.
    var findings: [AuditFinding] {
        withExtendedLifetime((figures, positions)) {
            ofAccount + zip(figures.rows, answers.details).flatMap { $0.findings($1, answers) }
                + zip(answers.positions, positions).flatMap(ofPosition)
        }
    }

    private func ofPosition(_ row: ReportedObject, _ position: PositionRow?) -> [AuditFinding] {
        if row.isWorkedOut, let position { return position.findings(row) }
        let isPair = row.isOnMargin
        let passed = (isPair ? [PositionRowFigure.upl, .liqPx] : [.upl]).map { figure in
            row.passed(
                figure.rawValue, isPair ? "from pos and liab" : "of a \(row["instType"].text.lowercased())",
                because: isPair
                    ? "instId, posCcy and ccy do not say which coins the row is in."
                    : "Only contracts and pairs on margin are worked out.")
        }
        return passed.compactMap { $0 }
    }

    static let otherMoment = "The two answers came at different moments, between which marks may have moved."
    static let rulebook = "The rulebook's rates and tiers may not be those that the venue used."
    /// The most USD that currencies which are too small to be shown are taken to come to: a cent.
    static let dust = FigurePrecision.places(2).unit(of: .zero)
}

extension AuditFinding {
    /// Whether the figure is what the formula gives, up to its last digits.
    var isMet: Bool { verdict == .matches || verdict == .rounding }
}

extension ReportedObject {
    /// Says that nothing can be said of a field, and why; nil where there is no figure in it.
    func passed(_ field: String, _ formula: String, because remark: String) -> AuditFinding? {
        FigureCheck(
            field: path(of: field), reported: self[field], formula: formula, inputs: [],
            source: Source.given, precision: .binary
        ).notDerivable(remark)
    }
}

// MARK: - The account

extension AccountAudit {
    private var ofAccount: [AuditFinding] {
        let margin = Inference.borrowMargin(of: answers.account, mode, figures.rules.margin)
        return empty
            + figures.audit(where: isHeld, doubt: doubt(of:))
            + [margin, ratio, Inference.deltaLeverage(of: answers.account)].compactMap { $0 }
    }

    /// Figures that the modes with shared collateral always have, and that are empty all the same. Recordings
    /// of the other modes leave more empty than the documents say.
    private var empty: [AuditFinding] {
        let fields = AccountFigure.fields.filter { field in
            let facts = field.facts(in: mode)
            // There is no ratio to nothing.
            return facts?.isShown == true && facts?.isAlwaysThere == true && field != .mgnRatio
                && (mode != .spot || field == .totalEq)
        }
        return fields.filter { [.empty, .null].contains(answers.account[$0.rawValue]) }.map { field in
            AuditFinding(
                field: answers.account.path(of: field.rawValue), verdict: .contradicts, reported: "",
                formula: "a figure in \(mode.rawValue) mode", source: Source.given,
                remark: "The table of applicable fields names it for this mode, and it is empty.")
        }
    }

    private func isHeld(_ figure: AccountFigure) -> Bool {
        switch figure {
        case .totalEq, .isoEq, .upl, .ordFroz, .imr, .mmr, .availEq, .notionalUsd: true
        case .adjEq: mode != .futures
        case .borrowFroz:
            mode != .futures && !answers.details.isEmpty
                && answers.details.allSatisfy { $0.isFilled(CurrencyFigure.borrowFroz.rawValue) }
        default: false
        }
    }

    private func doubt(of figure: AccountFigure) -> FigureCheck.Difference? {
        let isPart = answers.showsPart
        let unseen =
            isPart
            ? "Currencies that the answer does not show: totalEq and adjEq are both of more than its rows, "
                + "as where it was asked for some with ccy." : "Currencies with dust are not shown."
        let limit = isPart ? nil : Self.dust
        return switch figure {
        case .totalEq, .borrowFroz: .hidden(unseen, above: limit, below: .zero)
        case .isoEq, .upl: isPart ? .hidden(unseen) : nil
        case .adjEq: .hidden(isPart ? unseen : "Loss and fees of open orders, and dust.", above: limit)
        case .ordFroz: .estimate(Self.unpublishedOrders)
        case .imr where answers.showsCrossContracts(in: mode),
            .mmr where answers.showsCrossContracts(in: mode):
            .estimate(Self.otherMoment)
        // There are no positions.
        case .mmr where !answers.mayHavePositions: .estimate(Self.rulebook)
        default: nil
        }
    }

    /// The ratio with the rulebook's fees, or else against what it would be without fees, beyond which it
    /// cannot be.
    private var ratio: AuditFinding? {
        let withFees = figures.audit(.mgnRatio, doubt: .estimate(Self.rulebook))
        guard withFees?.verdict == .notDerivable else { return withFees }
        let isNegative = figures.reported(.adjEq)?.isNegative ?? false
        figures.recover(.liquidationFees, .zero, as: "no liquidation fees")
        return figures.audit(
            .mgnRatio,
            doubt: .hidden(
                "Liquidation fees at other rates than the rulebook's, and of cross positions alone.",
                above: isNegative ? nil : .zero, below: isNegative ? .zero : nil))
    }
}

// MARK: - What is reported

extension ReportedAccount {
    /// The cross positions in contracts.
    fileprivate var crossContracts: [ReportedObject] {
        positions.filter { $0.marginMode == .cross && !$0.isOnMargin }
    }

    /// Whether the margins of positions are in the answers: a risk unit's stands in each of its positions,
    /// and no answer names the unit.
    func showsCrossContracts(in mode: AccountMode) -> Bool {
        !crossContracts.isEmpty && mode != .portfolio
    }

    /// Only a notional that is 0, or does not apply, says that there are no positions; older answers have
    /// none of these fields.
    fileprivate var mayHavePositions: Bool {
        ["Swap", "Futures", "Option"].contains { kind in
            let notional = account["notionalUsdFor\(kind)"]
            return notional != .empty && notional.truncatedNumber?.isZero != true
        }
    }

    /// When the answer to a call came in.
    func moment(of call: ReadingCall) -> Int64 { moments[call.rawValue] ?? 0 }
}

extension Account {
    /// Nothing but a name: what is reported stands in tables of its own.
    static let reported = Account(
        id: "reported", venue: OKXVenue.name, parent: nil, conventions: Conventions(keepsInterestApart: true),
        settings: Settings([]), openedAt: LedgerTime(milliseconds: 0))
}

extension AccountFigures {
    /// The figures of an account as its answers have them.
    convenience init(_ answers: ReportedAccount, _ mode: AccountMode, _ rules: RuleTable) {
        // Without an answer that tells whether spot mode may borrow, its figures do.
        let borrows = answers.config?.value["enableSpotBorrow"]?.boolean
        self.init(
            .reported, mode, borrows: mode != .spot || borrows != false,
            ValuationPrices(prices: VenuePrices(), reference: [:]), rules)
        isReported = true
        let moment = answers.moment(of: .balance)
        for figure in AccountFigure.fields where facts(of: figure)?.isShown == true {
            report(figure, answers.account, at: moment)
        }
        rows = answers.details.map { CurrencyFigures($0, answers, in: self) }
        // In spot mode "" adds nothing, in what belongs to loans too.
        for figure in [
            AccountFigure.ordFroz, .borrowFroz, .notionalUsdForBorrow, .notionalUsdForSwap,
            .notionalUsdForFutures,
        ]
        where answers.account.isNotApplied(figure.rawValue, in: mode, figure.modes) {
            recover(figure, .zero, as: "\(answers.account.path(of: figure.rawValue)), which does not apply")
        }
        recoverOptions(answers.account, at: moment)
        let hasOrders = ([answers.account["ordFroz"]] + answers.details.map { $0["ordFrozen"] }).contains {
            $0.truncatedNumber?.isZero == false
        }
        recover(
            .orderFees, .zero, as: "order fees",
            hasOrders ? .hidden("Estimated fees of open orders are not shown.", above: .zero) : .contradicts)
        let margin = rules.margin
        recover(
            .borrowMmr,
            mode == .portfolio ? margin.portfolioBorrowMaintenanceRate : margin.borrowMaintenanceRate,
            as: "maintenance rate of borrowing")
        recover(.borrowFee, margin.borrowLiquidationFee, as: "liquidation fee of borrowing")
        recoverBorrowing(answers.account)
        recoverPositions(answers)
        recoverFees(answers.account)
        if !rows.contains(where: \.isRestricted) {
            recover(.restrictedEquity, .zero, as: "no restricted currency")
        }
    }

    private func recoverOptions(_ account: ReportedObject, at moment: Int64) {
        let field = "notionalUsdForOption"
        if account.isNotApplied(field, in: mode, AccountFigure.notionalUsdForOption.modes) {
            recover(.optionNotional, .zero, as: "\(field), which does not apply")
        } else {
            report(.optionNotional, account, field, at: moment)
        }
    }

    /// `notionalUsdForBorrow`; older answers do not have it, but its margin.
    private func recoverBorrowing(_ account: ReportedObject) {
        guard account["notionalUsdForBorrow"] == .absent, mode != .portfolio, account.isFilled("borrowFroz")
        else { return }
        infer(
            .notionalUsdForBorrow, as: "borrowFroz × borrow leverage", from: [account.path(of: "borrowFroz")]
        ) { try account.implied("borrowFroz") * ImpliedNumber(rules.margin.borrowLeverage) }
    }

    /// What cross positions need follows from the rows of `positions`, or is what is left over.
    private func recoverPositions(_ answers: ReportedAccount) {
        if answers.showsCrossContracts(in: mode) { return }
        let difference: FigureCheck.Difference =
            answers.mayHavePositions
            ? .hidden("The margin of positions is what is left.", below: .zero) : .contradicts
        for figure in [AccountFigure.positionImr, .positionMmr] {
            recover(figure, .zero, as: "margin of positions", difference)
        }
    }

    /// Fees of liquidating all derivatives at the rulebook's rates. Older answers have their notional with
    /// the borrowing alone, which is then taken for swaps.
    private func recoverFees(_ account: ReportedObject) {
        if mode == .portfolio { return recover(.positionLiquidationFees, .zero, as: "no fees of positions") }
        let isOlder =
            account["notionalUsdForSwap"] == .absent && account["notionalUsdForFutures"] == .absent
        func told(_ figure: AccountFigure) throws -> ImpliedNumber {
            guard let number = reported(figure) else {
                throw FigureGap.missing("The notionals of derivatives are not sent.")
            }
            return ImpliedNumber(
                ExactFraction(number),
                number.isZero ? FigureRange(.zero) : try Evidence.binary.range(of: number))
        }
        infer(.positionLiquidationFees, as: "notional of derivatives × taker rate") {
            let swaps =
                try isOlder ? told(.notionalUsd) - told(.notionalUsdForBorrow) : told(.notionalUsdForSwap)
            let futures = try isOlder ? ImpliedNumber(.zero) : told(.notionalUsdForFutures)
            return try
                (swaps * ImpliedNumber(rules.margin.swapTakerRate)
                + futures * ImpliedNumber(rules.margin.futuresTakerRate)).booked
        }
    }
}

extension ReportedObject {
    /// Whether "" stands in a field because the mode has none. In the modes that have it "" is no number, so
    /// that nothing follows. Spot mode has what belongs to loans while it may borrow alone.
    func isNotApplied(_ field: String, in mode: AccountMode, _ modes: ModeSet) -> Bool {
        self[field] == .empty
            && (mode == .spot && !modes.contains(.futures) || !modes.contains(ModeSet(mode)))
    }
}
