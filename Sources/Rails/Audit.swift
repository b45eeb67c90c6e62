import JSON
import Ledger
import Numbers
import Venue

// Every figure of an answer held against the definition that serves it, on the venue's own numbers.

extension RailsVenue {
    /// The account's figures, those of its markets, then the rows of `positions`, of `completed-orders` and
    /// of `fundings`.
    ///
    /// Rates are the rulebook's of that time. The later rules hold where the body shows that it is of the
    /// later form (signed sizes, or the wrapper with `promoCredit` in it), and where this reader speaks it.
    public func audit(_ statement: Statement, rulesAt time: LedgerTime) -> [AuditFinding] {
        guard let reported = try? ReportedAccount(statement.bodies) else { return [] }
        let generation: WireProfile = profile == .live || reported.isLater ? .live : .documented
        var audit = AccountAudit(reported, of: statement, rules: rules(at: time), generation)
        audit.checkTotals()
        audit.checkMargins()
        for market in reported.markets { audit.check(market: market.name, market.row) }
        for position in reported.positions ?? [] { audit.check(position: position) }
        for fill in reported.fills { audit.check(fill: fill) }
        for funding in reported.fundings { audit.check(funding: funding) }
        return audit.findings
    }
}

/// Holds figures one after the other.
struct AccountAudit {
    let reported: ReportedAccount
    let rules: RuleTable
    /// Which rules hold.
    let generation: WireProfile
    private(set) var findings: [AuditFinding] = []
    /// What a difference means between figures of two answers.
    let acrossAnswers: FigureCheck.Difference

    init(
        _ reported: ReportedAccount, of statement: Statement, rules: RuleTable, _ generation: WireProfile
    ) {
        self.reported = reported
        self.rules = rules
        self.generation = generation
        acrossAnswers =
            Set(statement.bodies.map(\.takenAt)).count < 2
            ? .contradicts
            : .estimate("The answers came at different moments, between which prices may have moved.")
    }

    /// Where formulas are stated.
    typealias Source = BalanceExplainer.Source

    /// The eighth decimal, at which account money is cut.
    static let lastPlace = (try? ExactDecimal("0.00000001")) ?? .zero

    var isDocumented: Bool { generation == .documented }

    /// Account money as an input: the true figure may have further digits.
    func money(_ field: String) -> AuditInput { reported.account.input(field, blur: Self.lastPlace) }

    /// A field of every market.
    func markets(_ field: String, blur: ExactDecimal = .zero) -> [AuditInput] {
        reported.markets.map { $0.row.input(field, blur: blur) }
    }

    /// What isolated positions hold, outside the cross pool.
    var isolatedMargins: [AuditInput] { reported.isolated.map { $0.input("margin") } }

    /// Whether a market's position has a pool of its own.
    func isIsolated(_ market: String) -> Bool { reported.position(market)?.isIsolated == true }

    var maintenanceRate: AuditInput {
        AuditInput(rule: "maintenance rate", rules.maintenanceRate[generation] ?? .zero)
    }

    /// Holds one field of a row against a definition of the inputs' numbers.
    mutating func hold(
        _ row: ReportedObject, _ field: String, _ formula: String, _ inputs: [AuditInput],
        source: String = Source.given, places: Int = RailsFigures.moneyPlaces, units: Int = 1,
        _ difference: FigureCheck.Difference = .contradicts, remark: String = "",
        by definition: ([ExactDecimal]) throws -> ExactDecimal?
    ) {
        let check = FigureCheck(
            field: row.path(of: field), reported: row[field], formula: formula, inputs: inputs,
            source: source, precision: .places(places), allowedUnits: units)
        if let finding = check.finding(difference, remark: remark, by: definition) {
            findings.append(finding)
        }
    }

    /// Says why nothing follows of a field.
    mutating func skip(
        _ row: ReportedObject, _ field: String, _ formula: String, _ remark: String,
        source: String = Source.given
    ) {
        let check = FigureCheck(
            field: row.path(of: field), reported: row[field], formula: formula, inputs: [], source: source,
            precision: .places(ExactDecimal.places))
        if let finding = check.notDerivable(remark) { findings.append(finding) }
    }
}

extension ReportedAccount {
    /// Whether the body shows that it is of the later form.
    fileprivate var isLater: Bool {
        if account.path == "balances", account["promoCredit"] != .absent { return true }
        return markets.contains { $0.row["positionQuantity"].cutNumber?.isNegative == true }
            || positions?.contains { $0["quantity"].cutNumber?.isNegative == true } == true
    }
}

// MARK: - Totals

extension AccountAudit {
    mutating func checkTotals() {
        let account = reported.account
        hold(
            account, "totalBalance", "deposit − withdraw − withdrawFees − fees + pnl + funding",
            ["deposit", "withdraw", "withdrawFees"].map { account.input($0) }
                + ["fees", "pnl", "funding"].map(money), source: Source.balancePage
        ) {
            RailsFigures.totalBalance(
                unroundedTotal: try RailsFigures.unroundedTotal(
                    deposit: $0[0], withdraw: $0[1], withdrawFees: $0[2], fees: $0[3], positionPnl: $0[4],
                    funding: $0[5]))
        }
        if isDocumented {
            hold(
                account, "availableBalance",
                "totalBalance − maintenanceMargin"
                    + (isolatedMargins.isEmpty ? "" : " − Σ margin of isolated positions"),
                ["totalBalance", "maintenanceMargin"].map { account.input($0) } + isolatedMargins,
                source: Source.sample, units: 0
            ) {
                try RailsFigures.availableBalance(
                    totalBalance: $0[0], maintenanceMargin: $0[1],
                    isolatedMargin: try $0.dropFirst(2).sum())
            }
        } else {
            checkLaterAvailable()
        }
        for (field, part) in [("fees", "fees"), ("pnl", "positionPnl"), ("funding", "positionFunding")] {
            let blur = part == "fees" ? Self.lastPlace : .zero
            hold(
                account, field, "Σ \(part) of the markets", markets(part, blur: blur), source: Source.sample,
                units: 0
            ) { RailsFigures.printedMoney(try $0.sum()) }
        }
        hold(
            account, "volume", "Σ volume of the markets", markets("volume"), source: Source.sample,
            places: ExactDecimal.places, units: 0
        ) { try $0.sum() }
    }

    /// The size at the index price of every open position of the cross pool, as value and profit imply it;
    /// nil where a position of the map is missing among the positions.
    private var sizes: [(market: String, size: [AuditInput])]? {
        var found: [(market: String, size: [AuditInput])] = []
        for (name, row) in reported.marketsWithPositions {
            guard let position = reported.position(name) else {
                if row?["positionQuantity"].cutNumber?.isZero == true { continue }
                return nil
            }
            if position.isIsolated { continue }
            found.append((name, [position.input("value"), position.input("unrealizedPnl")]))
        }
        return found
    }

    private static let noPositions = "A position of the map is not among the answers to positions."

    private mutating func checkLaterAvailable() {
        let account = reported.account
        let formula = "accountEquity − Σ positionMargin − openOrderMargin"
        guard let sizes else {
            skip(
                account, "availableBalance", formula, Self.noPositions, source: Source.balancePage)
            return
        }
        let profits = sizes.map(\.size[1])
        let orders = reported.markets.flatMap { market in
            ["openBuy", "openSell"].map { market.row.input($0) }
        }
        let hasOrders = orders.contains { $0.value.cutNumber?.isZero != true }
        // Which orders add exposure is not in the balances: they can only take away from what is free.
        hold(
            account, "availableBalance", formula, [money("totalBalance"), account.input("margin")] + profits,
            source: Source.balancePage,
            hasOrders
                ? .hidden("What open orders hold back is not shown.", above: .zero) : acrossAnswers
        ) { numbers in
            // What isolated positions hold is in the total and in the margin, and falls out.
            let equity = try RailsFigures.equity(
                money: numbers[0], unrealisedPnl: ExactFraction(try numbers.dropFirst(2).sum()))
            return try RailsFigures.printedMoney(
                RailsFigures.unroundedAvailable(
                    equity: equity, positionMargin: ExactFraction(numbers[1]), openOrderMargin: .zero))
        }
    }

    mutating func checkMargins() {
        if isDocumented { checkDocumentedMargins() } else { checkLaterMargins() }
        skip(
            reported.account, "leverage", "the account's setting",
            "It is a setting, and nothing else follows it alone.")
    }

    private mutating func checkDocumentedMargins() {
        let account = reported.account
        let parts = reported.markets.flatMap { market in
            (isIsolated(market.name) ? [] : ["position"]).map { market.row.input($0) }
                + ["openBuy", "openSell"].map { market.row.input($0) }
        }
        let isolated = isolatedMargins
        let sum = try? markets("margin").compactMap(\.value.cutNumber).sum()
        hold(
            account, "margin",
            "(total positions + total orders) / leverage" + (isolated.isEmpty ? "" : " + isolated margins"),
            [account.input("leverage")] + isolated + parts, places: ExactDecimal.places,
            remark: Self.nearness(account["margin"], sum, "the sum of the markets' margins")
        ) { numbers in
            let first = isolated.count + 1
            return try RailsFigures.printedMargin(
                RailsFigures.margin(
                    positions: ExactFraction(try numbers[first...].sum()), orders: .zero,
                    leverage: numbers[0], isolatedMargin: try numbers[1..<first].sum()))
        }
        hold(
            account, "maintenanceMargin", "total positions × 3% (maintenance margin rate)",
            [maintenanceRate]
                + reported.markets.filter { !isIsolated($0.name) }.map { $0.row.input("position") }
        ) { numbers in
            try RailsFigures.printedMoney(
                RailsFigures.maintenanceMargin(
                    positionSize: ExactFraction(try numbers.dropFirst().sum()), rate: numbers[0]))
        }
    }

    /// Says how far a figure that does not follow is from another one; nothing where it is that one.
    private static func nearness(
        _ figure: ReportedValue, _ other: ExactDecimal?, _ name: String
    ) -> String {
        guard let number = figure.cutNumber, let other, let gap = try? number - other, !gap.isZero,
            gap.magnitude < (try? number.magnitude.times(ExactDecimal("0.001"), rounding: .ceiling)) ?? .zero
        else { return "" }
        return "It is \(gap) from \(name)."
    }

    private mutating func checkLaterMargins() {
        let account = reported.account
        // What has one leverage is added up before it is divided, so that the sum may have further digits.
        hold(
            account, "margin", "Σ positionMargin of the markets", markets("margin"),
            source: Source.metricsPage, places: ExactDecimal.places, units: 1 + reported.markets.count
        ) { try $0.sum() }
        guard let sizes else {
            skip(
                account, "maintenanceMargin", "Σ index × |qty| × 0.1", Self.noPositions,
                source: Source.metricsPage)
            return
        }
        hold(
            account, "maintenanceMargin", "Σ index × |qty| × 0.1",
            [maintenanceRate] + sizes.flatMap(\.size), source: Source.metricsPage, acrossAnswers
        ) { numbers in
            try RailsFigures.printedMoney(
                RailsFigures.maintenanceMargin(
                    positionSize: ExactFraction(try Self.total(numbers.dropFirst())), rate: numbers[0]))
        }
    }

    /// Σ |value + profit| of pairs of them.
    private static func total(_ pairs: ArraySlice<ExactDecimal>) throws -> ExactDecimal {
        var sum = ExactDecimal.zero
        for place in stride(from: pairs.startIndex, to: pairs.endIndex - 1, by: 2) {
            try sum += (pairs[place] + pairs[place + 1]).magnitude
        }
        return sum
    }
}
