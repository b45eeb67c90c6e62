import JSON
import Ledger
import Numbers
import Venue

// Every figure of an answer held against the definition that serves it, on the venue's own numbers.

extension BinanceVenue {
    /// Totals, asset rows, position rows, and the rows of the answer to `positions`, in this order.
    ///
    /// Rates of multi-assets mode are those that the rows of one answer imply; brackets are the rulebook's.
    public func audit(_ statement: Statement, rulesAt time: LedgerTime) -> [AuditFinding] {
        guard let answers = try? ReportedAccount(statement.bodies) else { return [] }
        var audit = AccountAudit(answers, rules: rules(at: time))
        switch answers.mode {
        case .singleAsset: audit.checkSingleAssetTotals()
        case .multiAssets: audit.checkMultiAssetsTotals()
        }
        for row in answers.assets { audit.check(asset: row) }
        for row in answers.positions { audit.check(position: row) }
        for row in answers.risks { audit.check(risk: row) }
        return audit.findings
    }
}

/// Holds figures one after the other.
struct AccountAudit {
    let answers: ReportedAccount
    let rules: RuleTable
    private(set) var findings: [AuditFinding] = []
    /// What each asset row converts at in multi-assets mode.
    let rates: [ImpliedRates]

    init(_ answers: ReportedAccount, rules: RuleTable) {
        self.answers = answers
        self.rules = rules
        rates =
            answers.mode == .multiAssets
            ? answers.assets.map { ImpliedRates(of: $0, in: answers, rules: rules) } : []
    }

    /// Where formulas are stated.
    enum Source {
        static let given = AccountExplainer.Source.given
        static let risk = AccountExplainer.Source.risk
        static let recordings = AccountExplainer.Source.recordings
        static let balances = AccountExplainer.Source.balances
        static let multiAssets = AccountExplainer.Source.multiAssets
        static let brackets = AccountExplainer.Source.brackets
        static let orders = AccountExplainer.Source.orders
        static let liquidation = AccountExplainer.Source.liquidation
    }

    /// Holds one field of a row against a definition of the inputs' numbers.
    mutating func hold(
        _ row: ReportedObject, _ field: String, _ formula: String, _ inputs: [AuditInput],
        source: String = Source.given, units: Int = 1, _ difference: FigureCheck.Difference = .contradicts,
        remark: String = "", by definition: ([ExactDecimal]) throws -> ExactDecimal?
    ) {
        let check = FigureCheck(
            field: row.path(of: field), reported: row[field], formula: formula, inputs: inputs,
            source: source, precision: .places(BinanceFigures.places), allowedUnits: units)
        if let finding = check.finding(difference, remark: remark, by: definition) { add(finding) }
    }

    mutating func add(_ finding: AuditFinding) { findings.append(finding) }

    /// The asset that a position's margin is in; nil where nothing tells.
    func marginAsset(of row: ReportedObject) -> String? {
        answers.marginAsset(of: row, rules.symbol(row["symbol"].text)?.instrument)
    }

    /// The account's position rows of an asset; nil where a row's asset is not known, or not among those that
    /// the account lists.
    func positions(of asset: String) -> [ReportedObject]? {
        var found: [ReportedObject] = []
        for row in answers.positions {
            guard let margin = marginAsset(of: row),
                answers.assets.contains(where: { $0["asset"].text == margin })
            else { return nil }
            if margin == asset { found.append(row) }
        }
        return found
    }
}

// MARK: - Totals of single-asset mode

extension AccountAudit {
    /// The totals and the fields of the USDT row that they are ("only for USDT asset").
    private static let usdtFields = [
        ("totalInitialMargin", "initialMargin"), ("totalMaintMargin", "maintMargin"),
        ("totalWalletBalance", "walletBalance"), ("totalUnrealizedProfit", "unrealizedProfit"),
        ("totalMarginBalance", "marginBalance"), ("totalPositionInitialMargin", "positionInitialMargin"),
        ("totalOpenOrderInitialMargin", "openOrderInitialMargin"),
        ("totalCrossWalletBalance", "crossWalletBalance"), ("totalCrossUnPnl", "crossUnPnl"),
        ("availableBalance", "availableBalance"), ("maxWithdrawAmount", "maxWithdrawAmount"),
    ]

    mutating func checkSingleAssetTotals() {
        guard let row = answers.assets.first(where: { $0["asset"].text == "USDT" }) else { return }
        for (total, field) in Self.usdtFields {
            hold(
                answers.account, total, "\(field) of the USDT row: only for USDT asset", [row.input(field)],
                units: 0
            ) { $0[0] }
        }
    }
}

// MARK: - Asset rows

extension AccountAudit {
    mutating func check(asset row: ReportedObject) {
        hold(
            row, "marginBalance", "walletBalance + unrealizedProfit",
            [row.input("walletBalance"), row.input("unrealizedProfit")], source: Source.balances
        ) { try BinanceFigures.marginBalance(walletBalance: $0[0], unrealizedProfit: $0[1]) }
        hold(
            row, "initialMargin", "positionInitialMargin + openOrderInitialMargin",
            [row.input("positionInitialMargin"), row.input("openOrderInitialMargin")]
        ) { try BinanceFigures.initialMargin(positionInitialMargin: $0[0], openOrderInitialMargin: $0[1]) }
        checkSums(of: row)
        if answers.mode == .multiAssets, row.value["marginAvailable"]?.boolean != false {
            checkPool(of: row)
        } else {
            checkAvailable(of: row)
        }
    }

    /// What is the sum of position rows.
    private mutating func checkSums(of row: ReportedObject) {
        guard let positions = positions(of: row["asset"].text) else { return }
        let cross = positions.filter { answers.marginMode(of: $0) == .cross }
        let isolated = positions.filter { answers.marginMode(of: $0) == .isolated }
        let unsaid = "No document says whether isolated positions count in this field."
        let whole: FigureCheck.Difference = isolated.isEmpty ? .contradicts : .estimate(unsaid)
        hold(
            row, "crossWalletBalance", "walletBalance − Σ isolatedWallet",
            [row.input("walletBalance")] + isolated.map { $0.input("isolatedWallet") },
            source: Source.balances, units: 1 + isolated.count
        ) { try $0[0] - $0.dropFirst().sum() }
        hold(
            row, "crossUnPnl", "Σ unrealizedProfit of cross positions",
            cross.map { $0.input("unrealizedProfit") }, units: cross.count,
            countsIsolatedProfit(row, positions) ? .estimate(Self.isolatedProfitQuirk) : .contradicts
        ) { try $0.sum() }
        for field in ["unrealizedProfit", "maintMargin", "initialMargin"] {
            hold(
                row, field, "Σ \(field) of the asset's positions", positions.map { $0.input(field) },
                units: positions.count, whole
            ) { try $0.sum() }
        }
        // These stand in the answer to `positions` alone, which came at another moment.
        let risks = positions.compactMap { answers.risk(of: $0) }
        guard risks.count == positions.count, !risks.isEmpty else { return }
        for field in ["positionInitialMargin", "openOrderInitialMargin"] {
            hold(
                row, field, "Σ \(field) of the asset's positions", risks.map { $0.input(field) },
                units: risks.count, .estimate(Self.otherMoment)
            ) { try $0.sum() }
        }
    }

    private static let isolatedProfitQuirk =
        "A known fault of the venue's version 3: crossUnPnl is the profit of all positions, isolated ones "
        + "included (Binance.Net issue #1404)."

    /// Whether `crossUnPnl` is what the venue's known fault makes of it.
    private func countsIsolatedProfit(_ row: ReportedObject, _ positions: [ReportedObject]) -> Bool {
        let profits = positions.compactMap { $0["unrealizedProfit"].cutNumber }
        guard profits.count == positions.count, let reported = row["crossUnPnl"].cutNumber,
            let difference = try? (reported - profits.sum()).magnitude
        else { return false }
        return difference <= FigurePrecision.places(BinanceFigures.places).unit(of: reported)
    }

    static let otherMoment =
        "The two answers came at different moments, between which marks may have moved."

    /// What an asset has free on its own.
    private mutating func checkAvailable(of row: ReportedObject) {
        guard let positions = positions(of: row["asset"].text) else { return }
        let isolated = positions.filter { answers.marginMode(of: $0) == .isolated }
        let cross = positions.filter { answers.marginMode(of: $0) == .cross }
        let hasNoOrders = row["openOrderInitialMargin"].cutNumber?.isZero == true
        let orders = isolated.map { position in
            let name = "openOrderInitialMargin of \(position["symbol"].text)"
            if hasNoOrders { return AuditInput(derived: name, .zero, blur: .zero) }
            return answers.risk(of: position)?.input("openOrderInitialMargin") ?? AuditInput(name, .absent)
        }
        let count = isolated.count
        // Where there are isolated positions, the venue's own sum of cross profits may count them too.
        let profits = count == 0 ? [row.input("crossUnPnl")] : cross.map { $0.input("unrealizedProfit") }
        let inputs =
            ["crossWalletBalance", "initialMargin", "maintMargin"].map { row.input($0) }
            + isolated.map { $0.input("initialMargin") } + isolated.map { $0.input("maintMargin") } + orders
            + profits
        /// Cross margins are those of the row less the isolated positions'.
        func parts(
            _ numbers: [ExactDecimal]
        ) throws(NumberError) -> (
            free: ExactDecimal, orders: ExactDecimal, maintenance: ExactDecimal
        ) {
            let rest = numbers.dropFirst(3)
            let orders = try rest.dropFirst(2 * count).prefix(count).sum()
            let free = try BinanceFigures.unflooredAvailable(
                crossWalletBalance: numbers[0], crossUnPnl: rest.dropFirst(3 * count).sum(),
                crossInitialMargin: numbers[1] - rest.prefix(count).sum(), isolatedOpenOrderMargin: orders)
            return (free, orders, try numbers[2] - rest.dropFirst(count).prefix(count).sum())
        }
        hold(
            row, "availableBalance",
            "max(0, crossWalletBalance + crossUnPnl − initialMargin of cross positions and orders − "
                + "openOrderInitialMargin of isolated positions)", inputs, source: Source.balances,
            units: 1 + count, count == 0 ? .contradicts : .estimate(Self.otherMoment)
        ) { BinanceFigures.availableBalance(unfloored: try parts($0).free) }
        hold(
            row, "maxWithdrawAmount",
            "max(0, min(crossWalletBalance − openOrderInitialMargin of isolated positions − maintMargin of "
                + "cross positions, available before its floor))", inputs, source: Source.balances,
            units: 1 + count,
            .hidden("The venue may hold back more than its documents say.", above: .zero)
        ) { numbers in
            let parts = try parts(numbers)
            return try BinanceFigures.maxWithdrawAmount(
                crossWalletBalance: numbers[0], isolatedOpenOrderMargin: parts.orders,
                crossMaintMargin: parts.maintenance, unflooredAvailable: parts.free)
        }
    }
}
