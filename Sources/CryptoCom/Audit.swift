import JSON
import Ledger
import Numbers
import Venue

// An account's figures as its answers have them: what is shown is reported, what is not is recovered here or
// in the inferences.

extension CryptoComVenue {
    /// The account's totals, its rows, and its isolated positions with theirs, in this order.
    ///
    /// Maintenance share, caps and margin rates are the rulebook's of that time; positions and open orders
    /// count as far as their answers are among the statement's.
    public func audit(_ statement: Statement, rulesAt time: LedgerTime) -> [AuditFinding] {
        guard let answers = ReportedAccount(statement) else { return [] }
        let rules = rules(at: time)
        let figures = AccountFigures(answers, ReportedOrders(answers, rules), rules)
        return withExtendedLifetime(figures) {
            figures.audit(
                doubt: { figures.doubt(of: $0, answers) }, remark: { figures.remark(on: $0, answers) })
                + [Inference.liquidation(of: answers.account)].compactMap { $0 }
                + figures.rows.flatMap { row in
                    row.audit(doubt: { figures.doubt(of: $0, row, answers) }, remark: { row.remark(on: $0) })
                }
                + figures.isolated.flatMap { isolated in
                    isolated.audit(doubt: { isolated.doubt(of: $0) })
                        + [isolated.answer.flatMap(Inference.liquidation(of:))].compactMap { $0 }
                        + isolated.row.audit()
                }
        }
    }
}

// MARK: - What differences mean

extension AccountFigures {
    static let noPositions = "There is no answer to positions that the rulebook can read."
    static let unreadableCollateral = "Whether a row is collateral cannot be read."

    /// What a difference means where the formula is ours in part only, or where an answer lacks a part.
    fileprivate func doubt(of figure: AccountFigure, _ answers: ReportedAccount) -> FigureCheck.Difference? {
        switch figure {
        // Whether costs of longs and shorts add up is not published.
        case .positionCost: Set(cross.map(\.isShort)).count > 1 ? nil : .contradicts
        case .riskExposure: .contradicts
        case .usedLimit where answers.isLive && answers.rows.contains { $0.isCollateral == nil }:
            .estimate(Self.unreadableCollateral)
        case .usedLimit where answers.isLive && answers.rows.contains(where: \.name.isEmpty):
            .estimate("A row does not say what token it is of.")
        case .usedLimit:
            orders.allSatisfy { $0.mark == nil && $0.side == .buy }
                ? .contradicts : .estimate("What orders add to the exposure is not published.")
        default: nil
        }
    }

    /// The same of a row's figure.
    fileprivate func doubt(
        of figure: RowFigure, _ row: RowFigures, _ answers: ReportedAccount
    ) -> FigureCheck.Difference? {
        switch figure {
        case .collateralAmount where row.reported(.marketValue)?.isNegative == true:
            .estimate("How a debt is shown is not published.")
        case .collateralAmount: .contradicts
        // Recorded with a position once; elsewhere the venue may hold back more with one.
        case .withdrawable where answers.account["total_position_im"].truncatedNumber?.isZero != true:
            .hidden(
                answers.orders == nil && row.asset != CryptoComRules.usd
                    ? "Not shown: what open buy orders hold, what positions need."
                    : "What positions need is not shown.", above: .zero)
        default: nil
        }
    }

    fileprivate func remark(on figure: AccountFigure, _ answers: ReportedAccount) -> String {
        figure == .marginBalance && answers.followsOldRule
            ? "It is total_collateral_value + total_session_unrealized_pnl: the rule of before October 2023, "
                + "by which the haircut is taken off here and once more in the initial margin." : ""
    }
}

extension RowFigures {
    fileprivate func remark(on figure: RowFigure) -> String {
        figure == .collateralAmount && isHaircutAbsolute
            ? "It is market_value − haircut, as if the haircut were an amount and not a rate." : ""
    }

    /// Whether its haircut was taken off as an amount, and not as the rate that would come to the same.
    private var isHaircutAbsolute: Bool {
        guard let value = reported(.marketValue), let haircut = reported(.haircut),
            let rest = try? value - haircut,
            let byRate = try? value - max(.zero, value).times(haircut, rounding: .halfEven)
        else { return false }
        return rest == reported(.collateralAmount) && rest != byRate
    }
}

extension IsolatedFigures {
    /// One published sample is all there is, but these follow from the account's own sentences.
    fileprivate func doubt(of figure: IsolatedFigure) -> FigureCheck.Difference? {
        switch figure {
        case .initialMargin, .maintenanceMargin, .positionMargin: nil
        default: .contradicts
        }
    }
}

extension ReportedAccount {
    /// Whether the margin balance is what it was before haircuts moved into the initial margin.
    fileprivate var followsOldRule: Bool {
        guard let margin = account["total_margin_balance"].truncatedNumber,
            let collateral = account["total_collateral_value"].truncatedNumber,
            let profit = account["total_session_unrealized_pnl"].truncatedNumber,
            let values = try? rows.compactMap({ $0["market_value"].truncatedNumber }).sum(),
            let gap = try? margin - collateral - profit, values != collateral
        else { return false }
        return gap.magnitude <= Inference.lastPlace
    }
}

// MARK: - What is reported

extension AccountFigures {
    /// The figures of an account as its answers have them.
    fileprivate convenience init(
        _ answers: ReportedAccount, _ orders: ReportedOrders?, _ rules: CryptoComRules
    ) {
        let profile: WireProfile = answers.isLive ? .live : .documented
        var mode = AccountMode(profile: profile)
        mode.reserve.isRecorded = answers.isLive && rules.liquidationFeeRate != nil
        self.init(mode, isReported: true)
        let moment = answers.moments.balance
        for figure in AccountFigure.allCases where figure.facts(in: mode)?.isNumber == true {
            report(figure, answers.account, at: moment)
        }
        recover(.maintenanceShare, rules.maintenanceShare)
        recover(.reserveRate, .zero)
        lack(.limitSetting, because: "It is a setting of the account.")
        lacks.activities = "No answer holds what was realized."
        take(answers, orders, rules)
        for row in answers.rows { add(RowFigures(row, answers, orders, in: self, rules)) }
        for account in answers.isolated { add(IsolatedFigures(account, answers, in: self, rules)) }
        Inference.spotPrices(of: self)
        Inference.positionSize(of: self, answers)
        Inference.feeReserve(of: self, answers, rules)
        Inference.maximumLeverage(of: self, answers)
        if answers.account["total_position_im"] == .absent, answers.account["total_haircut"] == .absent {
            drop(.haircut)
            recover(
                .positionMargin, .zero, as: "margin of positions and orders",
                .hidden("The margin of positions and orders is not shown in this form.", below: .zero))
        }
    }

    /// The cross positions and the orders, as far as answers tell.
    private func take(_ answers: ReportedAccount, _ orders: ReportedOrders?, _ rules: CryptoComRules) {
        if answers.positions == nil { lacks.positions = "There is no answer to positions." }
        for row in answers.positions ?? [] where !row.isIsolated {
            guard let position = row.position(rules),
                let mark = MarkFigures(row, position, answers, in: book)
            else {
                lacks.positions = Self.noPositions
                break
            }
            try? add(PositionFigures(row, position, mark, answers), .underlying, nil, rules)
        }
        // An isolated order cannot be told from another one.
        var knowsOrders = orders != nil && answers.positions?.contains(where: \.isIsolated) != true
        for order in orders?.all ?? [] where !order.reduceOnly {
            let isContract = order.instrument.kind.isDerivative
            let mark = isContract ? marks.first { $0.instrument.name == order.instrument.name } : nil
            if isContract, mark == nil {
                knowsOrders = false
                continue
            }
            let figures = OrderFigures(order, mark, .reference, in: book)
            figures.recover(
                .remaining, order.remaining, as: "open quantity of \(figures.name)",
                at: answers.moments.orders)
            if isContract {
                try? add(figures, of: order.instrument, .underlying, nil, rules)
            } else {
                add(figures)
            }
        }
        // Where nothing is used of the limit, there is nothing to be margined.
        let isFlat = ["total_position_cost", "used_position_limit"].allSatisfy {
            answers.account[$0].truncatedNumber?.isZero == true
        }
        if isFlat, !answers.isLive { return }
        lacks.exposures =
            lacks.positions.map { _ in Self.noPositions }
            ?? (knowsOrders
                ? nil
                : "What open orders add cannot be told: there is no answer to open-orders, an order has no "
                    + "price, or it may be isolated.")
    }
}

extension MarkFigures {
    /// The mark that a position's cost and profit imply: (cost + session_pnl) ÷ quantity. Nil where they
    /// cannot be read.
    fileprivate convenience init?(
        _ row: ReportedObject, _ position: Position, _ answers: ReportedAccount, in book: FigureBook
    ) {
        self.init(position.instrument, givenAt: nil, in: book, isGiven: true)
        guard let profit = row["session_pnl"].number, let value = try? position.cost + profit else {
            return nil
        }
        Inference.quotient(
            of: value, within: 2, over: position.quantity,
            as: "(\(row.path(of: "cost")) + session_pnl) ÷ quantity"
        ) { number, range, name in
            recover(
                .given, exactly: number, as: name,
                from: [row.path(of: "cost"), row.path(of: "session_pnl")],
                within: range, at: answers.moments.positions)
        }
    }
}

extension PositionFigures {
    /// A position as the answer to `positions` has it.
    fileprivate convenience init(
        _ row: ReportedObject, _ position: Position, _ mark: MarkFigures, _ answers: ReportedAccount
    ) {
        self.init(position, mark)
        let moment = answers.moments.positions
        report(.signedQuantity, row, "quantity", at: moment)
        recover(.sessionCost, amount: "cost", of: row, at: moment)
        recover(.unrealized, amount: "session_pnl", of: row, at: moment)
    }

    fileprivate var isShort: Bool { position.quantity.isNegative }
}

extension RowFigures {
    /// A row as the balance has it.
    fileprivate convenience init(
        _ row: ReportedObject, _ answers: ReportedAccount, _ orders: ReportedOrders?,
        in account: AccountFigures, _ rules: CryptoComRules
    ) {
        let rule = rules.asset(row.name)
        let shown = orders.map { answers.lockInReserved(row, $0, rules) } ?? .zero
        var mode = RowMode(profile: account.profile)
        mode.isCollateral = row.isCollateral == true
        mode.haircutGrows = rule?.haircutRatePerUnit != nil
        mode.hasCap = rule?.collateralCap != nil
        mode.showsLocked = !shown.isZero
        self.init(
            row.name, mode, TiedUp.of(account.orders).first { $0.asset == row.name },
            isDebt: row["quantity"].truncatedNumber?.isNegative == true, isHeld: true, isReported: true,
            knowsOrders: orders != nil, isOwed: row["market_value"].truncatedNumber?.isNegative == true,
            in: account)
        let moment = answers.moments.balance
        report(.cash, row, "quantity", at: moment)
        for figure in [
            RowFigure.marketValue, .haircut, .collateralAmount, .withdrawable, .reservedQuantity,
        ] where figure != .haircut || row.isCollateral != nil {
            report(figure, row, at: moment)
        }
        recoverRules(rule, row)
        recoverReserved(row, answers, orders, shown: shown)
        recoverPrice(row, answers, orders, rules)
    }

    private func recoverRules(_ rule: AssetRule?, _ row: ReportedObject) {
        if let isCollateral = row.isCollateral {
            recover(
                .isListed, isCollateral ? .one : .zero, as: row.path(of: RowFigure.isCollateral.rawValue))
        } else {
            lack(.isListed, because: "Whether it is collateral cannot be read.")
        }
        if let cap = rule?.collateralCap {
            let isCapped = row.isCollateral == true && cap < row["market_value"].truncatedNumber ?? .zero
            recover(
                .cap, cap, as: "collateral_cap_notional of \(asset)",
                isCapped
                    ? .estimate("It is above the rulebook's cap, and the venue's own may be another.")
                    : .contradicts)
        }
        if let rule {
            recover(
                .minimumHaircut, rule.minimumHaircut, as: "minimum_haircut of \(asset)",
                .estimate("It is not the rulebook's; the venue's own table may have changed."))
            if let growth = rule.haircutRatePerUnit { recover(.haircutGrowth, growth) }
        } else {
            lack(.minimumHaircut, because: "The rulebook does not know the token.")
        }
    }

    /// What is in use elsewhere and locked by open buy orders, as far as the answers tell.
    private func recoverReserved(
        _ row: ReportedObject, _ answers: ReportedAccount, _ orders: ReportedOrders?,
        shown: ExactDecimal
    ) {
        let path = row.path(of: RowFigure.reservedQuantity.rawValue)
        if let reserved = row["reserved_qty"].truncatedNumber {
            let others = orders.map { try? $0.offered(of: asset) + shown } ?? .zero
            let rest = others.flatMap { try? reserved - $0 } ?? reserved
            recover(
                .reserved, rest, as: orders == nil ? path : "what \(path) has besides orders", from: [path])
        } else {
            recover(
                .reserved, .zero, .hidden("Reserved funds are not shown in this form.", above: .zero))
        }
        recover(
            .unseenFunds, .zero,
            .hidden("Funds in use elsewhere are shown in this field alone.", below: .zero))
        recover(
            .unseenLock, .zero, as: "held by open buy orders",
            .hidden("What open buy orders hold is not shown.", above: .zero))
        let lock = answers.lock(of: row)
        guard orders == nil, !lock.isZero else { return }
        let reads = asset == CryptoComRules.usd ? RowFigure.marketValue : .withdrawable
        recover(
            .locked, lock, as: "what the row seems to lack by open orders",
            from: [row.path(of: reads.rawValue)])
    }

    /// The price that the row itself implies: what it is worth over what its value is of.
    private func recoverPrice(
        _ row: ReportedObject, _ answers: ReportedAccount, _ orders: ReportedOrders?,
        _ rules: CryptoComRules
    ) {
        if asset == CryptoComRules.usd {
            recover(.price, .one, as: "price of USD")
            return
        }
        guard let value = row["market_value"].truncatedNumber, let quantity = row["quantity"].truncatedNumber
        else {
            return
        }
        let path = row.path(of: RowFigure.marketValue.rawValue)
        var difference = FigureCheck.Difference.contradicts
        if orders == nil, row.mayBeLocked {
            difference = .hidden("What open buy orders hold is not shown.")
        }
        if answers.isLive, row.isCollateral == nil, row["reserved_qty"].truncatedNumber?.isZero != true {
            difference = .estimate(AccountFigures.unreadableCollateral)
        }
        let held = answers.held(row, orders, rules)
        guard let free = try? quantity - held else { return }
        if quantity.isZero, held.isZero {
            recover(.cashValue, value, as: path, from: [path], difference)
            return
        }
        Inference.quotient(of: value, within: 1, over: free, as: "price that \(path) implies") {
            recover(.price, exactly: $0, as: $2, from: [path], within: $1, difference)
        }
    }
}

extension IsolatedFigures {
    /// A margin account as the balance has it.
    fileprivate convenience init(
        _ account: ReportedObject, _ answers: ReportedAccount, in figures: AccountFigures,
        _ rules: CryptoComRules
    ) {
        let row = answers.position(of: account)
        let position = row?.position(rules)
        let mark = row.flatMap { row in
            position.flatMap { MarkFigures(row, $0, answers, in: figures.book) }
        }
        let cash = account.rows("position_balances").first { $0.name == CryptoComRules.usd }
        let wallet = cash?["quantity"] ?? account["total_cash_balance"]
        let mode = IsolatedMode(profile: figures.profile, reserve: figures.mode.reserve)
        self.init(
            row?.name ?? account["isolation_id"].text, mark, .told, mode,
            isInDebt: wallet.truncatedNumber?.isNegative == true, answer: account, in: figures.book)
        let moment = answers.moments.balance
        for figure in IsolatedFigure.allCases
        where figure.facts(in: mode)?.isNumber == true && figure != .leverage {
            report(figure, account, at: moment)
        }
        if let leverage = account["leverage"].truncatedNumber {
            recover(.leverage, leverage, as: account.path(of: "leverage"), at: moment)
        } else {
            lack(.leverage, because: "\(account.path(of: "leverage")) is \(account["leverage"].shown).")
        }
        if let cash {
            report(.wallet, cash, "quantity", at: moment)
            self.row.report(.wallet, cash, "quantity", at: moment)
            self.row.report(.withdrawable, cash, at: moment)
        } else {
            recover(.wallet, amount: "total_cash_balance", of: account, at: moment)
        }
        recover(.notional, amount: "used_position_limit", of: account, at: moment)
        if let row, let position {
            report(.quantity, row, at: answers.moments.positions)
            recover(.cost, amount: "cost", of: row, at: answers.moments.positions)
            recover(.productLeverage, rules.maximumLeverage(of: position.instrument))
            if let rate = try? rules.marginRatePerUnit(of: position.instrument) { recover(.marginRate, rate) }
        } else {
            for input in [IsolatedFigure.quantity, .cost] {
                lack(input, because: AccountFigures.noPositions)
            }
        }
        recover(.maintenanceShare, rules.maintenanceShare)
        Inference.feeReserve(of: self, account, rules)
    }
}

extension CryptoComTable {
    /// Takes an amount from a field that is not this figure's own: its eighth digit may be off by one.
    fileprivate final func recover(
        _ figure: Figure, amount field: String, of object: ReportedObject, at moment: Int64
    ) {
        let path = object.path(of: field)
        guard let number = object[field].truncatedNumber else {
            lack(figure, because: "\(path) is \(object[field].shown).")
            return
        }
        recover(
            figure, number, as: path, from: [path], within: try? Evidence.unit(8).range(of: number),
            at: moment)
    }
}

extension FigureFacts {
    /// Whether it is a number of the answer.
    fileprivate var isNumber: Bool { isShown && form != .flag }
}

extension ReportedObject {
    /// A position as its row tells it; nil where it cannot be read.
    func position(_ rules: CryptoComRules) -> Position? {
        guard let instrument = rules.instrument(name)?.terms, let quantity = self["quantity"].number,
            let cost = self["cost"].number, !quantity.isZero
        else { return nil }
        return Position(
            instrument: instrument, side: .net, marginMode: isIsolated ? .isolated : .cross,
            quantity: quantity,
            cost: cost, openedAt: LedgerTime(milliseconds: 0))
    }
}
