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
        let rules = rules(at: time)
        let figures = AccountFigures(answers, mode, rules)
        var audit = AccountAudit(answers, mode: mode, rules: rules)
        audit.checkAccount(figures)
        for (row, audited) in zip(figures.rows, audit.rows) { audit.check(row, audited) }
        for row in answers.positions { audit.check(position: row) }
        return withExtendedLifetime(figures) { audit.findings }
    }
}

/// One currency's row as the audit needs it.
struct AuditedRow {
    let row: ReportedObject
    let currency: String
    /// The USD price that the row names or implies; not a number where it does neither.
    let price: AuditInput
    private let mode: AccountMode

    init(_ row: ReportedObject, mode: AccountMode) {
        self.row = row
        self.mode = mode
        currency = row["ccy"].text
        price = Self.price(of: row)
    }

    /// `coinUsdPrice` where it is sent; else eqUsd ÷ eq, which is as exact as their digits allow.
    private static func price(of row: ReportedObject) -> AuditInput {
        if row.isFilled("coinUsdPrice") { return row.input("coinUsdPrice") }
        let name = "eqUsd ÷ eq of \(row["ccy"].text)"
        guard let worth = row["eqUsd"].truncatedNumber, let equity = row["eq"].truncatedNumber, !equity.isZero
        else {
            return AuditInput(name, .absent)
        }
        do {
            let price = try worth.over(equity, rounding: .halfEven)
            let precision = FigurePrecision.binary
            let errorBound =
                try precision.unit(of: worth).over(equity.magnitude, rounding: .ceiling)
                + price.magnitude.times(
                    precision.unit(of: equity), over: equity.magnitude, rounding: .ceiling)
                + ExactDecimal(units: 2)
            return AuditInput(derived: name, price, errorBound: try errorBound + errorBound)
        } catch {
            return AuditInput(name, .absent)
        }
    }
}

/// The numbers of a figure's inputs, in their order: amounts as fractions, prices and rates as decimals.
struct ReportedNumbers {
    private let decimals: ArraySlice<ExactDecimal>

    init(_ decimals: [ExactDecimal]) { self.decimals = decimals[...] }

    private init(_ decimals: ArraySlice<ExactDecimal>) { self.decimals = decimals }

    var count: Int { decimals.count }

    /// An amount.
    subscript(place: Int) -> ExactFraction { ExactFraction(decimals[decimals.startIndex + place]) }

    /// A price or rate.
    func rate(_ place: Int) -> ExactDecimal { decimals[decimals.startIndex + place] }

    /// The numbers after the first so many.
    func after(_ count: Int) -> ReportedNumbers { ReportedNumbers(decimals.dropFirst(count)) }

    /// The first so many.
    func first(_ count: Int) -> ReportedNumbers { ReportedNumbers(decimals.prefix(count)) }

    func sum() throws(NumberError) -> ExactFraction { ExactFraction(try decimals.sum()) }

    /// Σ amount × price over pairs of them.
    func sumOfProducts() throws(NumberError) -> ExactFraction {
        var sum = ExactFraction.zero
        for place in stride(from: 0, to: count, by: 2) { try sum += self[place].times(rate(place + 1)) }
        return sum
    }
}

/// Holds figures one after the other.
struct AccountAudit {
    let answers: ReportedAccount
    let mode: AccountMode
    let rules: RuleTable
    let rows: [AuditedRow]
    private(set) var findings: [AuditFinding] = []

    init(_ answers: ReportedAccount, mode: AccountMode, rules: RuleTable) {
        self.answers = answers
        self.mode = mode
        self.rules = rules
        rows = answers.details.map { AuditedRow($0, mode: mode) }
    }

    /// Holds one field of a row against a definition of the inputs' numbers.
    mutating func hold(
        _ row: ReportedObject, _ field: String, _ formula: String, _ inputs: [AuditInput],
        source: String = Source.given, _ difference: FigureCheck.Difference = .contradicts,
        by definition: (ReportedNumbers) throws -> ExactFraction?
    ) {
        let finding = finding(row, field, formula, inputs, source: source, difference, by: definition)
        if let finding { findings.append(finding) }
    }

    /// What comes of holding it; nil where the venue shows no figure.
    func finding(
        _ row: ReportedObject, _ field: String, _ formula: String, _ inputs: [AuditInput], source: String,
        _ difference: FigureCheck.Difference, by definition: (ReportedNumbers) throws -> ExactFraction?
    ) -> AuditFinding? {
        let check = FigureCheck(
            field: row.path(of: field), reported: row[field], formula: formula, inputs: inputs,
            source: source, precision: .binary, allowedUnits: 2)
        return check.finding(difference) { numbers in
            try definition(ReportedNumbers(numbers))?.rounded(places: 18, rounding: .halfUp)
        }
    }

    /// Takes a finding in, if there is one.
    mutating func add(_ finding: AuditFinding?) { if let finding { findings.append(finding) } }

    /// Says that nothing can be said, and why.
    mutating func pass(_ row: ReportedObject, _ field: String, _ formula: String, because remark: String) {
        let check = FigureCheck(
            field: row.path(of: field), reported: row[field], formula: formula, inputs: [],
            source: Source.given, precision: .binary)
        if let finding = check.notDerivable(remark) { findings.append(finding) }
    }

    /// A field that the documents name as applicable, and that is empty all the same.
    mutating func missing(_ field: AccountFigure) {
        findings.append(
            AuditFinding(
                field: answers.account.path(of: field.rawValue), verdict: .contradicts, reported: "",
                formula: "a figure in \(mode.rawValue) mode", source: Source.given,
                remark: "The table of applicable fields names it for this mode, and it is empty."))
    }

    static let otherMoment = "The two answers came at different moments, between which marks may have moved."
    static let rulebook = "The rulebook's rates and tiers may not be those that the venue used."
    static let dust = ExactDecimal.cent
}

extension AuditFinding {
    /// Whether the figure is what the formula gives, up to its last digits.
    var isMet: Bool { verdict == .matches || verdict == .rounding }
}

extension ExactDecimal {
    /// The most USD that rows of currencies which are too small to be shown are taken to come to.
    fileprivate static var cent: ExactDecimal { FigurePrecision.places(2).unit(of: .zero) }
}

// MARK: - The account

extension AccountAudit {
    mutating func checkAccount(_ figures: AccountFigures) {
        checkApplicable()
        checkSums(figures)
        checkOrderMargin()
        checkMargins(figures)
        add(figures.audit(.notionalUsd))
        hold(
            answers.account, "deltaLever", "delta ÷ totalEq",
            [answers.account.input("delta"), answers.account.input("totalEq")]
        ) { $0[1].isZero ? nil : try $0[0].over($0[1]) }
    }

    /// Figures that the modes with shared collateral always have. Recordings of the other modes leave more
    /// empty than the documents say.
    private mutating func checkApplicable() {
        let fields: [AccountFigure] =
            mode.sharesCollateral
            ? [
                .adjEq, .availEq, .borrowFroz, .imr, .isoEq, .mmr, .notionalUsd, .ordFroz, .totalEq, .upl,
            ] : mode == .futures ? [.isoEq, .totalEq] : [.totalEq]
        for field in fields where [.empty, .null].contains(answers.account[field.rawValue]) { missing(field) }
    }

    /// Sums over the currencies.
    private mutating func checkSums(_ figures: AccountFigures) {
        let isPart = showsPart
        let unseen =
            isPart
            ? "Currencies that the answer does not show: totalEq and adjEq are both of more than its rows, "
                + "as where it was asked for some with ccy." : "Currencies with dust are not shown."
        let limit = isPart ? nil : Self.dust
        let part: FigureCheck.Difference? = isPart ? .hidden(unseen) : nil
        add(figures.audit(.totalEq, doubt: .hidden(unseen, above: limit, below: .zero)))
        add(figures.audit(.isoEq, doubt: part))
        add(figures.audit(.upl, doubt: part))
        if mode == .futures { return }
        add(
            figures.audit(
                .adjEq,
                doubt: .hidden(
                    isPart ? unseen : "Loss and fees of open orders, and dust.", above: limit)))
        if !rows.isEmpty, rows.allSatisfy({ $0.row.isFilled("borrowFroz") }) {
            add(figures.audit(.borrowFroz, doubt: .hidden(unseen, above: limit, below: .zero)))
        }
    }

    /// Whether the rows are some of the account's alone: what it is worth and what backs its positions both
    /// come to more than dust above their sums.
    private var showsPart: Bool {
        func isAbove(_ field: String, _ part: String) -> Bool {
            guard let figure = answers.account[field].truncatedNumber,
                let sum = try? rows.compactMap({ $0.row[part].truncatedNumber }).sum(),
                let rest = try? figure - sum
            else { return false }
            return rest > Self.dust
        }
        return isAbove("totalEq", "eqUsd") && isAbove("adjEq", "disEq")
    }

    /// Requirements, what is free beyond them, and the ratio.
    private mutating func checkMargins(_ figures: AccountFigures) {
        let account = answers.account
        let margin = rules.margin
        let isPortfolio = mode == .portfolio
        // What the currencies' borrowFroz add up to, from the other side.
        hold(
            account, "borrowFroz",
            isPortfolio
                ? "notionalUsdForBorrow × initial rate of borrowing"
                : "notionalUsdForBorrow ÷ borrow leverage",
            [
                account.input("notionalUsdForBorrow"),
                AuditInput(
                    rule: isPortfolio ? "initial rate of borrowing" : "borrow leverage",
                    isPortfolio ? margin.portfolioBorrowInitialRate : margin.borrowLeverage),
            ], source: Source.recorded, .estimate(Self.rulebook)
        ) { isPortfolio ? try $0[0].times($0.rate(1)) : try $0[0].over($0.rate(1)) }
        let estimate = FigureCheck.Difference.estimate(Self.rulebook)
        add(figures.audit(.imr))
        add(figures.audit(.mmr, doubt: figures.isKnown(.positionMmr) && hasNoPositions ? estimate : nil))
        add(figures.audit(.availEq))
        guard let withFees = figures.audit(.mgnRatio, doubt: estimate) else { return }
        if withFees.verdict != .notDerivable {
            add(withFees)
            return
        }
        // Held against what it would be without fees, beyond which it cannot be.
        let isNegative = account["adjEq"].truncatedNumber?.isNegative ?? false
        figures.recover(.liquidationFees, .zero, as: "no liquidation fees")
        add(
            figures.audit(
                .mgnRatio,
                doubt: .hidden(
                    "Liquidation fees at other rates than the rulebook's, and of cross positions alone.",
                    above: isNegative ? nil : .zero, below: isNegative ? .zero : nil)))
    }

    /// Whether the account's notionals say that there are no positions.
    private var hasNoPositions: Bool { !answers.mayHavePositions && !answers.showsCrossContracts(in: mode) }
}

// MARK: - What is reported

extension ReportedAccount {
    /// The cross positions in contracts.
    fileprivate var crossContracts: [ReportedObject] {
        positions.filter { $0.marginMode == .cross && !$0.isOnMargin }
    }

    /// Whether the margins of positions are in the answers: a risk unit's stands in each of its positions,
    /// and no answer names the unit.
    fileprivate func showsCrossContracts(in mode: AccountMode) -> Bool {
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

extension [ReportedObject] {
    /// Σ of the product of some fields ÷ that of others, none of which is negative, and between what it lies
    /// for the digits that the fields have.
    fileprivate func quotients(
        _ above: [String], _ below: [String]
    ) throws -> (number: ExactDecimal, range: FigureRange) {
        var (number, low, high) = (ExactDecimal.zero, ExactDecimal.zero, ExactDecimal.zero)
        for row in self {
            let (top, bottom) = (try row.product(above), try row.product(below))
            func quotient(
                _ top: ExactFraction, _ bottom: ExactFraction, _ rounding: Rounding
            ) throws(NumberError) -> ExactDecimal {
                try top.over(bottom).rounded(places: ExactDecimal.places, rounding: rounding)
            }
            try number += quotient(top.number, bottom.number, .halfEven)
            try low += quotient(top.range.low, bottom.range.high, .floor)
            try high += quotient(top.range.high, bottom.range.low, .ceiling)
        }
        return (number, FigureRange(low: ExactFraction(low), high: ExactFraction(high)))
    }
}

extension ReportedObject {
    /// The product of some fields, and between what it lies; a leverage is as it was set.
    fileprivate func product(
        _ fields: [String]
    ) throws -> (number: ExactFraction, range: FigureRange) {
        var (number, low, high) = (ExactFraction.one, ExactFraction.one, ExactFraction.one)
        for field in fields {
            guard let own = self[field].truncatedNumber else { throw FigureGap.missing(path(of: field)) }
            let evidence = field == "lever" ? Evidence.exact : .binary
            let range = try evidence.range(of: own)
            number = try number.times(own)
            low = try low * range.low
            high = try high * range.high
        }
        return (number, FigureRange(low: low, high: high))
    }
}

extension Account {
    /// Nothing but a name: what is reported stands in tables of its own.
    fileprivate static let reported = Account(
        id: "reported", venue: OKXVenue.name, parent: nil, conventions: Conventions(keepsInterestApart: true),
        settings: Settings([]), openedAt: LedgerTime(milliseconds: 0))
}

extension AccountFigures {
    /// The figures of an account as its answers have them.
    fileprivate convenience init(_ answers: ReportedAccount, _ mode: AccountMode, _ rules: RuleTable) {
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
        take(answers.details.map { CurrencyFigures($0, in: self, at: moment) })
        // In spot mode "" adds nothing, in what belongs to loans too.
        for figure in [
            AccountFigure.ordFroz, .borrowFroz, .notionalUsdForBorrow, .notionalUsdForSwap,
            .notionalUsdForFutures,
        ]
        where answers.account.isNotApplied(figure.rawValue, in: mode, figure.modes) {
            recover(figure, .zero, as: "\(answers.account.path(of: figure.rawValue)), which does not apply")
        }
        recoverOptions(answers.account, at: moment)
        recover(.orderFees, .zero, as: "order fees", .contradicts)
        let margin = rules.margin
        recover(
            .borrowMmr,
            mode == .portfolio ? margin.portfolioBorrowMaintenanceRate : margin.borrowMaintenanceRate,
            as: "maintenance rate of borrowing")
        recover(.borrowFee, margin.borrowLiquidationFee, as: "liquidation fee of borrowing")
        recoverBorrowing(answers.account)
        recoverPositions(answers)
        recoverFees(answers.account)
        let restricted = rows.filter(\.isRestricted)
        if restricted.isEmpty { recover(.restrictedEquity, .zero, as: "no restricted currency") }
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
        guard account["notionalUsdForBorrow"] == .absent, mode != .portfolio,
            let frozen = account["borrowFroz"].truncatedNumber,
            let amount = try? frozen.times(rules.margin.borrowLeverage, rounding: .halfEven),
            let range = try? Evidence.binary.range(of: amount).twice
        else { return }
        recover(
            .notionalUsdForBorrow, amount, as: "borrowFroz × borrow leverage",
            from: [account.path(of: "borrowFroz")], within: amount.isZero ? nil : range)
    }

    /// What cross positions need: of the rows of `positions`, or what is left over.
    private func recoverPositions(_ answers: ReportedAccount) {
        if answers.showsCrossContracts(in: mode) {
            let other = FigureCheck.Difference.estimate(AccountAudit.otherMoment)
            let moment = answers.moment(of: .positions)
            /// Σ over the positions of the product of some fields ÷ that of others.
            func sum(_ figure: AccountFigure, _ name: String, _ above: [String], _ below: [String]) {
                guard let range = try? answers.crossContracts.quotients(above, below) else {
                    return lack(figure, because: "A row of positions lacks what its margin follows from.")
                }
                recover(figure, range.number, as: name, within: range.range, at: moment, other)
            }
            sum(
                .positionImr, "Σ notionalUsd ÷ lever of cross positions", ["notionalUsd"], ["lever"])
            // Rates are the tiers'; a position's own margins are in its currency and imply its rate.
            sum(
                .positionMmr, "Σ notionalUsd × mmr ÷ (imr × lever) of cross positions",
                ["notionalUsd", "mmr"], ["imr", "lever"])
            return
        }
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
        let margin = rules.margin
        let isOlder =
            account["notionalUsdForSwap"] == .absent && account["notionalUsdForFutures"] == .absent
        let swaps: ExactDecimal?
        if isOlder, let whole = reported(.notionalUsd), let loans = reported(.notionalUsdForBorrow) {
            swaps = try? whole - loans
        } else {
            swaps = reported(.notionalUsdForSwap)
        }
        guard let swaps, let futures = isOlder ? .zero : reported(.notionalUsdForFutures),
            let fees = try? swaps.times(margin.swapTakerRate, rounding: .halfEven)
                + futures.times(margin.futuresTakerRate, rounding: .halfEven)
        else {
            return lack(.positionLiquidationFees, because: "The notionals of derivatives are not sent.")
        }
        recover(
            .positionLiquidationFees, fees, as: "notional of derivatives × taker rate",
            within: try? Evidence.binary.range(of: fees).twice)
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

extension FigureRange {
    /// Twice as wide, for what two numbers of a kind leave open.
    fileprivate var twice: FigureRange {
        get throws(NumberError) {
            let half = try (high - low).over(ExactDecimal(2))
            return FigureRange(low: try low - half, high: try high + half)
        }
    }
}
