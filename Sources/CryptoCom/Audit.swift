import JSON
import Ledger
import Numbers
import Venue

// Every figure of an answer held against the definition that serves it, on the venue's own numbers.

extension CryptoComVenue {
    /// The account's totals, its rows, and its isolated positions with theirs, in this order.
    ///
    /// Maintenance share, caps and margin rates are the rulebook's of that time; positions and open orders
    /// count as far as their answers are among the statement's.
    public func audit(_ statement: Statement, rulesAt time: LedgerTime) -> [AuditFinding] {
        guard let reported = ReportedAccount(statement) else { return [] }
        var audit = AccountAudit(reported, of: statement, rules: rules(at: time))
        audit.checkBalances()
        audit.checkMargins()
        audit.checkSums()
        audit.checkLimits()
        for row in reported.rows { audit.check(row: row) }
        for account in reported.isolated { audit.check(isolated: account) }
        return audit.findings
    }
}

/// Holds figures one after the other.
struct AccountAudit {
    let reported: ReportedAccount
    let rules: CryptoComRules
    /// What spot orders hold and which contracts are ordered; nil where no answer tells.
    let orders: ReportedOrders?
    /// Figures of the cross positions and orders; nil where no answer tells.
    let exposure: ReportedExposure?
    private(set) var findings: [AuditFinding] = []
    /// What a difference means between figures of two answers.
    let acrossAnswers: FigureCheck.Difference

    init(_ reported: ReportedAccount, of statement: Statement, rules: CryptoComRules) {
        self.reported = reported
        self.rules = rules
        orders = reported.orders.flatMap { ReportedOrders($0, rules) }
        exposure = ReportedExposure(reported, orders, rules)
        let moments = Set(
            statement.bodies.filter { $0.call != ReadingCall.subaccountBalances.rawValue }.map(\.takenAt))
        acrossAnswers =
            moments.count < 2
            ? .contradicts
            : .estimate("The answers came at different moments, between which prices may have moved.")
    }

    /// The eighth decimal, at which amounts are cut and requirements rounded up.
    static let lastPlace = (try? ExactDecimal("0.00000001")) ?? .zero

    /// An amount or requirement as an input: the true one may differ in what was cut off.
    func amount(_ field: String, of row: ReportedObject? = nil) -> AuditInput {
        (row ?? reported.account).input(field, blur: Self.lastPlace)
    }

    /// An amount of every row.
    func amounts(_ field: String, where isCounted: (ReportedObject) -> Bool = { _ in true }) -> [AuditInput] {
        reported.rows.filter(isCounted).map { amount(field, of: $0) }
    }

    /// Holds one field of a row against a definition of the inputs' numbers.
    mutating func hold(
        _ row: ReportedObject, _ field: String, _ formula: String, _ inputs: [AuditInput],
        source: String = Source.document, places: Int = 8, units: Int = 1,
        _ difference: FigureCheck.Difference = .contradicts, remark: String = "",
        by definition: ([ExactFraction]) throws -> ExactDecimal?
    ) {
        let check = check(row, field, formula, inputs, source: source, places: places, units: units)
        let finding = check.finding(difference, remark: remark) { numbers in
            try definition(numbers.map { ExactFraction($0) })
        }
        if let finding { findings.append(finding) }
    }

    /// Says why nothing follows of a field.
    mutating func skip(
        _ row: ReportedObject, _ field: String, _ formula: String, _ remark: String,
        source: String = Source.document
    ) {
        let check = check(row, field, formula, [], source: source, places: 8, units: 0)
        if let finding = check.notDerivable(remark) { findings.append(finding) }
    }

    private func check(
        _ row: ReportedObject, _ field: String, _ formula: String, _ inputs: [AuditInput], source: String,
        places: Int, units: Int
    ) -> FigureCheck {
        FigureCheck(
            field: row.path(of: field), reported: row[field], formula: formula, inputs: inputs,
            source: source, precision: .places(places), allowedUnits: units)
    }
}

// MARK: - Balances

extension AccountAudit {
    private static let marginFormula =
        "Positive cash balance on eligible collateral tokens + Negative balance on all tokens + Unrealised "
        + "PnL - Fee reserves"

    mutating func checkBalances() {
        hold(
            reported.account, "total_available_balance", "Margin Balance - Initial Margin",
            [amount("total_margin_balance"), amount("total_initial_margin")]
        ) { try Figures.shownAmount(Figures.availableBalance(marginBalance: $0[0], initialMargin: $0[1])) }
        checkMarginBalance()
        checkCash()
        hold(
            reported.account, "total_collateral_value", "Σ collateral_amount",
            amounts("collateral_amount"), source: Source.recordings
        ) { try Figures.shownAmount($0.sum()) }
    }

    /// Whether the rulebook's cap takes something off a row.
    private func isCapped(_ row: ReportedObject) -> Bool {
        guard let value = row["market_value"].cutNumber, row.isCollateral == true,
            let cap = rules.asset(row.name)?.collateralCap
        else { return false }
        return value > cap
    }

    /// What a difference means for a figure of the rows' counted values.
    private func counted(otherwise: FigureCheck.Difference) -> FigureCheck.Difference {
        reported.rows.contains(where: isCapped)
            ? .estimate("A row is above the rulebook's cap, and the venue's own may be another.") : otherwise
    }

    /// Fee reserves are a share of what positions are worth; the documented form names none.
    private mutating func checkMarginBalance() {
        let account = reported.account
        let (rows, rules) = (reported.rows, rules)
        func counted(_ numbers: [ExactFraction]) throws -> ExactFraction? {
            var sum = ExactFraction.zero
            for (row, value) in zip(rows, numbers) {
                guard let part = row.countedValue(value, rules) else { return nil }
                try sum += part
            }
            return sum
        }
        let profit = amount("total_session_unrealized_pnl")
        let values = amounts("market_value")
        let remark = followsOldRule ? Self.oldRule : ""
        let numbers = values.compactMap { $0.value.cutNumber.map { ExactFraction($0) } }
        guard let notional = crossNotional, let share = reserveShare(of: .cross),
            numbers.count == rows.count, let gain = profit.value.cutNumber,
            let sum = try? counted(numbers), let before = try? sum + ExactFraction(gain)
        else {
            hold(
                account, "total_margin_balance", Self.marginFormula, values + [profit],
                self.counted(otherwise: unknownReserve), remark: remark
            ) { numbers in
                guard let sum = try counted(numbers) else { return nil }
                return try Figures.shownAmount(
                    Figures.marginBalance(
                        countedValue: sum, unrealised: numbers.last ?? .zero, feeReserve: .zero))
            }
            return
        }
        let rate = reserveRate(share, in: account, before: before, notional: notional.input)
        let highest = try? Figures.feeReserveRate(
            liquidationFee: share.liquidationFee ?? .zero, takerFee: share.most)
        let whole = notional.input.value.cutNumber.flatMap { size in
            highest.flatMap { try? size.times($0, rounding: .ceiling) }
        }
        let most = notional.input.value.cutNumber.flatMap { try? $0.times(share.most, rounding: .ceiling) }
        let difference: FigureCheck.Difference =
            switch notional.certainty {
            case .own: .hidden("The account's taker fee rate is not shown.", above: most, below: most)
            case .atMost:
                .hidden("What of the used limit is of positions is not shown.", above: whole, below: .zero)
            case .ofAnotherAnswer: acrossAnswers
            }
        hold(
            account, "total_margin_balance", Self.marginFormula, values + [profit, notional.input] + rate,
            source: Source.recordings, self.counted(otherwise: difference), remark: remark
        ) { numbers in
            guard let sum = try counted(numbers) else { return nil }
            let place = rows.count
            return try Figures.shownAmount(
                Figures.marginBalance(
                    countedValue: sum, unrealised: numbers[place],
                    feeReserve: Self.reserve(of: numbers[place + 1], numbers[(place + 2)...])))
        }
    }

    /// The documents name no rate for what is kept back for fees; that of isolated positions is the most.
    private var unknownReserve: FigureCheck.Difference {
        guard let used = reported.account["used_position_limit"].cutNumber else {
            return reported.account["total_position_cost"].cutNumber?.isZero == true
                ? .contradicts
                : .hidden("Neither fee reserves nor the size of positions are shown.", above: .zero)
        }
        guard used.isPositive,
            let most = try? used.times(rules.isolatedFeeReserveRate, rounding: .ceiling)
        else { return .contradicts }
        return .hidden("Fee reserves are not shown.", above: .zero, below: most)
    }

    private static let oldRule =
        "It is total_collateral_value + total_session_unrealized_pnl: the rule of before October 2023, by "
        + "which the haircut is taken off here and once more in the initial margin."

    /// Whether the margin balance is what it was before haircuts moved into the initial margin.
    private var followsOldRule: Bool {
        let account = reported.account
        guard let margin = account["total_margin_balance"].cutNumber,
            let collateral = account["total_collateral_value"].cutNumber,
            let profit = account["total_session_unrealized_pnl"].cutNumber,
            let values = try? amounts("market_value").compactMap(\.value.cutNumber).sum(),
            let gap = try? margin - collateral - profit, values != collateral
        else { return false }
        return gap.magnitude <= Self.lastPlace
    }

    /// Cash counts what open orders hold, which the rows' values leave out.
    private mutating func checkCash() {
        var inputs: [AuditInput] = []
        var difference = FigureCheck.Difference.contradicts
        for row in reported.rows {
            if row.name == CryptoComRules.usd {
                inputs.append(row.input("quantity"))
                continue
            }
            inputs.append(wholeValue(of: row))
            if orders == nil, row.mayBeLocked {
                difference = .hidden("What open buy orders hold is not shown.")
            }
            if reported.isLive, row.isCollateral == nil, row["reserved_qty"].cutNumber?.isZero != true {
                difference = .estimate(Self.unknownCollateral)
            }
        }
        hold(
            reported.account, "total_cash_balance",
            "Wallet Balance (Deposits - Withdrawals + Realized PnL - Fees): Σ quantity × price, of USD the "
                + "quantity, of the others market_value and what open orders hold", inputs,
            source: Source.recordings, difference
        ) { try Figures.shownAmount($0.sum()) }
    }

    /// The live form counts what is reserved of a row by whether it is collateral.
    static let unknownCollateral = "Whether a row is collateral cannot be read."

    /// What a row is worth with what open orders hold of it, at the price that the row implies; its market
    /// value where they hold nothing, as far as is known.
    func wholeValue(of row: ReportedObject) -> AuditInput {
        let held = reported.held(row, orders, rules)
        if held.isZero { return amount("market_value", of: row) }
        let name = "\(row.path(of: "market_value")) and what open orders hold"
        do {
            guard let quantity = row["quantity"].cutNumber, let value = row["market_value"].cutNumber else {
                return AuditInput(name, .absent)
            }
            let free = try quantity - held
            let blur = try Self.lastPlace.times(
                quantity.magnitude, over: free.magnitude, rounding: .ceiling)
            return AuditInput(
                derived: name, try value.times(quantity, over: free, rounding: .halfEven),
                blur: try blur + Self.lastPlace)
        } catch {
            return AuditInput(name, .absent)
        }
    }
}

// MARK: - Margins

extension AccountAudit {
    mutating func checkMargins() {
        let account = reported.account
        if account["total_position_im"] != .absent || account["total_haircut"] != .absent {
            hold(
                account, "total_initial_margin", "Total sum of total_position_im + total_haircut",
                [amount("total_position_im"), amount("total_haircut")]
            ) {
                try Figures.shownRequirement(
                    Figures.initialMargin(positionMargin: $0[0], haircut: $0[1]))
            }
        } else {
            holdHaircut(
                "total_initial_margin", "the haircut of the rows + IM of positions and orders",
                .hidden("The margin of positions and orders is not shown in this form.", below: .zero))
        }
        checkPositionMargin()
        let share = rules.maintenanceShare
        holdHaircut("total_haircut", "Σ market_value × haircut on eligible collateral", .contradicts)
        hold(
            account, "total_maintenance_margin", "total_initial_margin × 0.5",
            [
                amount("total_initial_margin"),
                AuditInput(rule: "maintenance share", rules.maintenanceShare),
            ], source: Source.recordings
        ) {
            try Figures.shownRequirement(
                Figures.maintenanceMargin(initialMargin: $0[0], share: share))
        }
        checkLiquidation(of: account)
    }

    /// Holds a field against the haircut of all rows.
    private mutating func holdHaircut(
        _ field: String, _ formula: String, _ difference: FigureCheck.Difference
    ) {
        let (rows, rules) = (reported.rows, rules)
        hold(
            reported.account, field, formula,
            rows.flatMap { [amount("market_value", of: $0), $0.input("haircut")] },
            source: Source.recordings, counted(otherwise: difference)
        ) { numbers in
            var sum = ExactFraction.zero
            for (place, row) in rows.enumerated() {
                guard let counted = row.countedValue(numbers[2 * place], rules),
                    let rate = numbers[2 * place + 1].decimal
                else { return nil }
                try sum += Figures.haircut(countedValue: counted, rate: rate)
            }
            return try Figures.shownRequirement(sum)
        }
    }

    /// Whether an account is under liquidation follows from two figures; one that has begun may last longer.
    mutating func checkLiquidation(of account: ReportedObject) {
        let margin = account["total_margin_balance"]
        let maintenance = account["total_maintenance_margin"]
        guard let shown = account.value["is_liquidating"]?.boolean, let balance = margin.cutNumber,
            let required = maintenance.cutNumber
        else { return }
        let expected = Figures.isLiquidating(
            marginBalance: ExactFraction(balance), maintenanceMargin: ExactFraction(required))
        var verdict = AuditFinding.Verdict.matches
        var remark = ""
        if balance == required {
            remark = "Both are equal as printed, so that either may be."
        } else if shown != expected {
            verdict = shown ? .hidden : .contradicts
            remark = shown ? "A liquidation that has begun may outlast its cause." : ""
        }
        findings.append(
            AuditFinding(
                field: account.path(of: "is_liquidating"), verdict: verdict, reported: "\(shown)",
                expected: "\(expected)", formula: "total_margin_balance < total_maintenance_margin",
                inputs: [
                    (account.path(of: "total_margin_balance"), margin.shown),
                    (account.path(of: "total_maintenance_margin"), maintenance.shown),
                ], source: Source.ours, remark: remark))
    }
}

extension ReportedObject {
    /// What a row's value adds to the margin balance; nil where its eligibility cannot be read.
    fileprivate func countedValue(_ value: ExactFraction, _ rules: CryptoComRules) -> ExactFraction? {
        isCollateral.map { isCollateral in
            Figures.countedValue(
                marketValue: value, isCollateral: isCollateral, cap: rules.asset(name)?.collateralCap)
        }
    }
}
