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
        var audit = AccountAudit(answers, mode: mode, rules: rules(at: time))
        audit.checkAccount()
        for row in audit.rows { audit.check(currency: row) }
        for row in answers.positions { audit.check(position: row) }
        return audit.findings
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
        guard let worth = row["eqUsd"].cutNumber, let equity = row["eq"].cutNumber, !equity.isZero else {
            return AuditInput(name, .absent)
        }
        do {
            let price = try worth.over(equity, rounding: .halfEven)
            let precision = FigurePrecision.binary
            let blur =
                try precision.unit(of: worth).over(equity.magnitude, rounding: .ceiling)
                + price.magnitude.times(
                    precision.unit(of: equity), over: equity.magnitude, rounding: .ceiling)
                + ExactDecimal(units: 2)
            return AuditInput(derived: name, price, blur: try blur + blur)
        } catch {
            return AuditInput(name, .absent)
        }
    }

    /// A field as an input; one that is "" where the mode has none adds nothing.
    func applied(_ field: String) -> AuditInput {
        row.applied(field, in: mode, of: DetailField(rawValue: field)?.modes)
    }
}

extension ReportedObject {
    /// A field as an input; one that is "" where the mode has none adds nothing. In the modes that have it
    /// "" is no number, so that nothing follows.
    ///
    /// Spot mode has what belongs to loans while it may borrow alone.
    fileprivate func applied(_ field: String, in mode: AccountMode, of modes: ModeSet?) -> AuditInput {
        let modes = modes ?? .none
        let isOfLoans = mode == .spot && !modes.contains(.futures)
        guard self[field] == .empty, isOfLoans || !modes.contains(ModeSet(mode)) else { return input(field) }
        return AuditInput(rule: "\(path(of: field)), which does not apply", .zero)
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

    typealias Source = BalanceExplainer.Source

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

    /// A field of the account as an input; one that is "" where the mode has none adds nothing.
    func applied(_ field: String) -> AuditInput {
        answers.account.applied(field, in: mode, of: AccountField(rawValue: field)?.modes)
    }

    /// Takes a finding in.
    mutating func add(_ finding: AuditFinding) { findings.append(finding) }

    /// Says that nothing can be said, and why.
    mutating func pass(_ row: ReportedObject, _ field: String, _ formula: String, because remark: String) {
        let check = FigureCheck(
            field: row.path(of: field), reported: row[field], formula: formula, inputs: [],
            source: Source.given, precision: .binary)
        if let finding = check.notDerivable(remark) { findings.append(finding) }
    }

    /// A field that the documents name as applicable, and that is empty all the same.
    mutating func missing(_ field: AccountField) {
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
    mutating func checkAccount() {
        checkApplicable()
        checkSums()
        checkOrderMargin()
        checkMargins()
        let account = answers.account
        hold(
            account, "notionalUsd",
            "notionalUsdForBorrow + notionalUsdForSwap + notionalUsdForFutures + notionalUsdForOption",
            ["Borrow", "Swap", "Futures", "Option"].map { applied("notionalUsdFor\($0)") },
            source: Source.recorded
        ) { try Figures.notionalUSD(borrowing: $0[0], swaps: $0[1], futures: $0[2], options: $0[3]) }
        hold(
            account, "deltaLever", "delta ÷ totalEq", [account.input("delta"), account.input("totalEq")]
        ) { $0[1].isZero ? nil : try $0[0].over($0[1]) }
    }

    /// Figures that the modes with shared collateral always have. Recordings of the other modes leave more
    /// empty than the documents say.
    private mutating func checkApplicable() {
        let fields: [AccountField] =
            mode.sharesCollateral
            ? [
                .adjEq, .availEq, .borrowFroz, .imr, .isoEq, .mmr, .notionalUsd, .ordFroz, .totalEq, .upl,
            ] : mode == .futures ? [.isoEq, .totalEq] : [.totalEq]
        for field in fields where [.empty, .null].contains(answers.account[field.rawValue]) { missing(field) }
    }

    /// Sums over the currencies.
    private mutating func checkSums() {
        let account = answers.account
        let isPart = showsPart
        let unseen =
            isPart
            ? "Currencies that the answer does not show: totalEq and adjEq are both of more than its rows, "
                + "as where it was asked for some with ccy." : "Currencies with dust are not shown."
        let limit = isPart ? nil : Self.dust
        hold(
            account, "totalEq", "Σ eqUsd", rows.map { $0.row.input("eqUsd") }, source: Source.recorded,
            .hidden(unseen, above: limit, below: .zero)
        ) { try $0.sum() }
        hold(
            account, "isoEq", "Σ isoEq × USD price",
            rows.filter { $0.row["isoEq"].cutNumber?.isZero != true }.flatMap {
                [$0.row.input("isoEq"), $0.price]
            },
            source: Source.recorded, isPart ? .hidden(unseen) : .contradicts
        ) { try $0.sumOfProducts() }
        hold(
            account, "upl", "Σ (upl − isoUpl) × USD price: of cross positions",
            rows.filter { $0.row["upl"] == .absent || $0.row["upl"] != $0.row["isoUpl"] }
                .flatMap { [$0.row.input("upl"), $0.row.input("isoUpl"), $0.price] },
            isPart ? .hidden(unseen) : .contradicts
        ) { numbers in
            var sum = ExactFraction.zero
            for place in stride(from: 0, to: numbers.count, by: 3) {
                try sum += (numbers[place] - numbers[place + 1]).times(numbers.rate(place + 2))
            }
            return sum
        }
        if mode == .futures { return }
        hold(
            account, "adjEq", "Σ disEq − loss and fees of open orders", rows.map { $0.row.input("disEq") },
            .hidden(isPart ? unseen : "Loss and fees of open orders, and dust.", above: limit)
        ) { try Figures.adjustedEquity(discounted: $0.sum(), orderFees: .zero) }
        if !rows.isEmpty, rows.allSatisfy({ $0.row.isFilled("borrowFroz") }) {
            hold(
                account, "borrowFroz", "Σ borrowFroz of the currencies",
                rows.map { $0.row.input("borrowFroz") }, .hidden(unseen, above: limit, below: .zero)
            ) { try $0.sum() }
        }
    }

    /// Whether the rows are some of the account's alone: what it is worth and what backs its positions both
    /// come to more than dust above their sums.
    private var showsPart: Bool {
        func isAbove(_ field: String, _ part: String) -> Bool {
            guard let figure = answers.account[field].cutNumber,
                let sum = try? rows.compactMap({ $0.row[part].cutNumber }).sum(),
                let rest = try? figure - sum
            else { return false }
            return rest > Self.dust
        }
        return isAbove("totalEq", "eqUsd") && isAbove("adjEq", "disEq")
    }

    /// Requirements, what is free beyond them, and the ratio.
    private mutating func checkMargins() {
        let account = answers.account
        let margin = rules.margin
        let isPortfolio = mode == .portfolio
        let borrowRate = AuditInput(
            rule: isPortfolio ? "initial rate of borrowing" : "borrow leverage",
            isPortfolio ? margin.portfolioBorrowInitialRate : margin.borrowLeverage)
        hold(
            account, "borrowFroz",
            isPortfolio
                ? "notionalUsdForBorrow × initial rate of borrowing"
                : "notionalUsdForBorrow ÷ borrow leverage",
            [account.input("notionalUsdForBorrow"), borrowRate], source: Source.recorded,
            .estimate(Self.rulebook)
        ) {
            isPortfolio
                ? try Figures.portfolioBorrowFrozen($0[0], rate: $0.rate(1))
                : try Figures.borrowFrozen($0[0], leverage: $0.rate(1))
        }
        let maintenanceRate = AuditInput(
            rule: "maintenance rate of borrowing",
            isPortfolio ? margin.portfolioBorrowMaintenanceRate : margin.borrowMaintenanceRate)
        holdRequirement(
            "imr", "margin of cross positions + ordFroz + borrowFroz",
            [applied("ordFroz"), applied("borrowFroz")], fields: ["notionalUsd", "lever"],
            ofPosition: { try Figures.initialMargin(notional: $0[0], leverage: $0.rate(1)) }
        ) { numbers, positions in
            try Figures.initialMarginRequirement(
                positions: positions, orders: numbers[0], borrowing: numbers[1])
        }
        holdRequirement(
            "mmr", "maintenance margin of cross positions + notionalUsdForBorrow × maintenance rate",
            [borrowing, maintenanceRate],
            fields: ["notionalUsd", "mmr", "imr", "lever"],
            // Rates are the tiers'; a position's own margins are in its currency and imply its rate.
            ofPosition: { row in
                let rate = try row[1].over(row[2].times(row.rate(3)))
                return try Figures.maintenanceMargin(
                    notional: row[0], rate: rate.rounded(places: 18, rounding: .halfEven))
            }
        ) { numbers, positions in
            try Figures.maintenanceMarginRequirement(
                positions: positions,
                borrowing: Figures.borrowMaintenance(numbers[0], rate: numbers.rate(1)))
        }
        let restricted = rows.filter {
            $0.row["colRes"].text == "2" && $0.row["disEq"].cutNumber?.isPositive == true
        }
        hold(
            account, "availEq", "adjEq − imr − disEq of currencies whose colRes is 2",
            [account.input("adjEq"), account.input("imr")] + restricted.map { $0.row.input("disEq") },
            source: Source.recorded
        ) {
            try Figures.availableEquity(
                adjusted: $0[0], initialMargin: $0[1], restricted: $0.after(2).sum())
        }
        checkRatio(maintenanceRate)
    }

    /// A requirement: what the account names of it, and what its positions add, each from some fields of its
    /// row.
    private mutating func holdRequirement(
        _ field: String, _ formula: String, _ inputs: [AuditInput], fields: [String],
        ofPosition term: (ReportedNumbers) throws -> ExactFraction,
        by definition: (_ numbers: ReportedNumbers, _ positions: ExactFraction) throws -> ExactFraction
    ) {
        let account = answers.account
        let cross = answers.positions.filter { $0.marginMode == .cross && !$0.isOnMargin }
        // Only a notional that is 0, or does not apply, says that there are no positions; older answers have
        // none of these fields.
        let mayHavePositions = ["Swap", "Futures", "Option"].contains { kind in
            let notional = account["notionalUsdFor\(kind)"]
            return notional != .empty && notional.cutNumber?.isZero != true
        }
        // A risk unit's margin stands in each of its positions, and no answer names the unit.
        let isShown = !cross.isEmpty && mode != .portfolio
        let difference: FigureCheck.Difference
        if isShown {
            difference = .estimate(Self.otherMoment)
        } else if mayHavePositions {
            difference = .hidden("The margin of positions is what is left.", below: .zero)
        } else {
            difference = field == "mmr" ? .estimate(Self.rulebook) : .contradicts
        }
        let own = inputs.count
        hold(
            account, field, formula,
            inputs + (isShown ? cross.flatMap { row in fields.map { row.input($0) } } : []),
            source: Source.recorded, difference
        ) { numbers in
            var positions = ExactFraction.zero
            for start in stride(from: own, to: numbers.count, by: fields.count) {
                try positions += term(numbers.after(start).first(fields.count))
            }
            return try definition(numbers.first(own), positions)
        }
    }

    /// `notionalUsdForBorrow`; older answers do not have it, but its margin.
    private var borrowing: AuditInput {
        let account = answers.account
        let field = "notionalUsdForBorrow"
        guard account[field] == .absent, mode != .portfolio,
            let frozen = account["borrowFroz"].cutNumber,
            let amount = try? frozen.times(rules.margin.borrowLeverage, rounding: .halfEven),
            let blur = try? FigurePrecision.binary.unit(of: amount).times(ExactDecimal(4), rounding: .ceiling)
        else { return applied(field) }
        return AuditInput(derived: "borrowFroz × borrow leverage", amount, blur: amount.isZero ? .zero : blur)
    }

    /// Notionals of derivatives; older answers have their sum with the borrowing alone, which is then taken
    /// for swaps.
    private var derivativeNotionals: (swap: AuditInput, futures: AuditInput) {
        let account = answers.account
        let none = AuditInput(rule: "no futures shown apart", .zero)
        guard account["notionalUsdForSwap"] == .absent, account["notionalUsdForFutures"] == .absent,
            let whole = account["notionalUsd"].cutNumber, let loans = borrowing.value.cutNumber,
            let rest = try? whole - loans
        else {
            return (applied("notionalUsdForSwap"), applied("notionalUsdForFutures"))
        }
        return (
            AuditInput(
                derived: "notionalUsd − borrowing, taken for swaps", rest,
                blur: FigurePrecision.binary.unit(of: whole)), none
        )
    }

    /// `mgnRatio`, with the fees of liquidating everything at the rulebook's rates; where that does not
    /// agree, held against what it would be without fees, beyond which it cannot be.
    private mutating func checkRatio(_ maintenanceRate: AuditInput) {
        let account = answers.account
        let margin = rules.margin
        let isPortfolio = mode == .portfolio
        func fees(_ numbers: ReportedNumbers) throws(NumberError) -> ExactFraction {
            let loans = try Figures.borrowLiquidationFee(
                numbers[2], maintenanceRate: numbers.rate(3), feeRate: numbers.rate(4))
            if isPortfolio { return loans }
            return try loans + Figures.liquidationFee(notional: numbers[5], rate: numbers.rate(6))
                + Figures.liquidationFee(notional: numbers[7], rate: numbers.rate(8))
        }
        let notionals = derivativeNotionals
        let inputs =
            [
                account.input("adjEq"), account.input("mmr"), borrowing, maintenanceRate,
                AuditInput(rule: "liquidation fee of borrowing", margin.borrowLiquidationFee),
            ]
            + (isPortfolio
                ? []
                : [
                    notionals.swap, AuditInput(rule: "taker rate of swaps", margin.swapTakerRate),
                    notionals.futures, AuditInput(rule: "taker rate of futures", margin.futuresTakerRate),
                ])
        let withFees = finding(
            account, "mgnRatio",
            "adjEq ÷ (mmr + notional of derivatives × taker rate + notionalUsdForBorrow × (1 + maintenance "
                + "rate) × liquidation fee)", inputs, source: Source.recorded, .estimate(Self.rulebook)
        ) {
            try Figures.marginRatio(
                adjusted: $0[0], maintenance: $0[1], liquidationFees: fees($0))
        }
        guard let withFees else { return }
        if withFees.verdict != .notDerivable {
            findings.append(withFees)
            return
        }
        let isNegative = account["adjEq"].cutNumber?.isNegative ?? false
        hold(
            account, "mgnRatio", "adjEq ÷ (mmr + liquidation fees)",
            [account.input("adjEq"), account.input("mmr")], source: Source.recorded,
            .hidden(
                "Liquidation fees at other rates than the rulebook's, and of cross positions alone.",
                above: isNegative ? nil : .zero, below: isNegative ? .zero : nil)
        ) { try Figures.marginRatio(adjusted: $0[0], maintenance: $0[1], liquidationFees: .zero) }
    }
}
