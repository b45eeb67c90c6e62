import JSON
import Ledger
import Numbers
import Venue

// An account's figures as its answers have them: what is shown is reported, what is not is recovered here.

extension RailsVenue {
    /// The account's figures, those of its markets, then the rows of `positions`, of `completed-orders` and
    /// of `fundings`.
    ///
    /// Rates are the rulebook's of that time. The later rules hold where the body shows that it is of the
    /// later form (signed sizes, or the wrapper with `promoCredit` in it), and where this reader speaks it.
    public func audit(_ statement: Statement, rulesAt time: LedgerTime) -> [AuditFinding] {
        guard let answers = try? ReportedAccount(statement.bodies) else { return [] }
        let generation: WireProfile = profile == .live || answers.isLater ? .live : .documented
        let rules = rules(at: time)
        return findings(AccountFigures(answers, generation, rules), answers, rules)
    }

    private func findings(
        _ figures: AccountFigures, _ answers: ReportedAccount, _ rules: RuleTable
    ) -> [AuditFinding] {
        let positions = figures.markets.compactMap { market in
            answers.position(market.market).map { PositionFigures($0, market, answers) }
        }
        let doubt: FigureCheck.Difference? =
            answers.isOrderPageFull
            ? .hidden("There are more orders than one page holds.", below: .zero) : nil
        return figures.audit(remark: { figures.remark(on: $0) })
            + figures.markets.flatMap { market in
                market.audit(
                    doubt: { $0.isOfOrders ? doubt : nil }, remark: { market.remark(on: $0) })
            } + positions.flatMap { $0.audit() } + answers.fills.compactMap { audit(fill: $0, rules) }
            + answers.fundings.compactMap { audit(funding: $0) }
    }
}

extension MarketFigure {
    fileprivate var isOfOrders: Bool {
        [.openBuy, .openBuyQty, .openSell, .openSellQty].contains(self)
    }
}

extension ReportedAccount {
    /// Whether the body shows that it is of the later form.
    fileprivate var isLater: Bool {
        if account.path == "balances", account["promoCredit"] != .absent { return true }
        return markets.contains { $0.row["positionQuantity"].truncatedNumber?.isNegative == true }
            || positions?.contains { $0["quantity"].truncatedNumber?.isNegative == true } == true
    }

    /// Whether there may be more orders than were asked for.
    fileprivate var isOrderPageFull: Bool { (orders?.count ?? 0) >= RailsVenue.ordersPerPage }
}

// MARK: - What is reported

extension AccountFigures {
    /// The figures of an account as its answers have them.
    fileprivate convenience init(
        _ answers: ReportedAccount, _ generation: WireProfile, _ rules: RuleTable
    ) {
        self.init(generation, rules)
        let moment = answers.moment(of: .balances)
        for figure in AccountFigure.allCases where figure.facts(in: generation)?.isShown == true {
            report(figure, answers.account, at: moment)
        }
        let rate = rules.maintenanceRate[generation] ?? .zero
        recover(.maintenanceRate, rate)
        recover(.movingRate, generation == .documented ? .zero : rate)
        hasOwnLeverage = true
        lack(.ownLeverage, because: "It is a setting, and nothing else follows it alone.")
        let unlisted = answers.marketsWithPositions.filter { $0.row == nil }
        let rows = answers.markets.map { ($0.name, Optional($0.row)) } + unlisted.map { ($0.name, nil) }
        take(rows.map { name, row in MarketFigures(name, row, answers, in: self, rules) })
        // Sums of what the markets show whole have the digits that the account's own figures lack.
        sharpen(.pnl, to: try? markets.sum(.positionPnl))
        sharpen(.funding, to: try? markets.sum(.funding))
    }

    /// What else is known of a figure that does not follow.
    fileprivate func remark(on figure: AccountFigure) -> String {
        guard figure == .margin, isDocumented, let number = reported(.margin),
            let sum = try? markets.compactMap({ $0.reported(.margin) }).sum(),
            let gap = try? number - sum, !gap.isZero,
            gap.magnitude < (try? number.magnitude.times(ExactDecimal("0.001"), rounding: .ceiling)) ?? .zero
        else { return "" }
        return "It is \(gap) from the sum of the markets' margins."
    }
}

extension MarketFigures {
    /// A market as the answers have it; `row` is nil of one that the balances do not show.
    fileprivate convenience init(
        _ name: String, _ row: ReportedObject?, _ answers: ReportedAccount, in account: AccountFigures,
        _ rules: RuleTable
    ) {
        let position = answers.position(name)
        let mode = MarketMode(profile: account.mode, isIsolated: position?.isIsolated == true)
        self.init(name, mode, in: account)
        let moment = answers.moment(of: .balances)
        if let row {
            for figure in MarketFigure.allCases where figure.facts(in: mode)?.isShown == true {
                report(figure, row, at: moment)
            }
            report(.feesPaid, row, "fees", at: moment)
            report(.fundingReceived, row, "positionFunding", at: moment)
        } else {
            for input in [
                MarketFigure.realisedProfit, .fundingReceived, .tradedNotional, .feesPaid,
            ] { lack(input, because: "The balances do not show \(name).") }
        }
        let isFlat = row?["positionQuantity"].truncatedNumber?.isZero == true
        isOpen = !isFlat || position != nil
        recoverPosition(row, position, answers, isFlat: isFlat)
        take(answers.orders(of: name, .buy), .buy, answers)
        take(answers.orders(of: name, .sell), .sell, answers)
        recoverOrderMargin(row)
        if mode.profile == .live { recoverLeverage(isFlat: isFlat, rules) }
    }

    /// Size, cost, price and profit, which other answers than the balances tell.
    private func recoverPosition(
        _ row: ReportedObject?, _ position: ReportedObject?, _ answers: ReportedAccount, isFlat: Bool
    ) {
        let moment = answers.moment(of: .positions)
        if let position, let own = answers.signedPosition(market) {
            // The same figures stand in both answers: neither is recovered from the other.
            func fields(_ own: String, _ shown: String) -> [String] {
                [position.path(of: own), row?.path(of: shown)].compactMap { $0 }
            }
            let sizes = fields("quantity", "positionQuantity")
            let values = fields("value", "position")
            recover(.quantity, own.quantity, as: "quantity, signed", from: sizes, at: moment)
            recover(.cost, own.cost, as: "value, signed", from: values, at: moment)
            if row == nil {
                let shown = mode.profile == .documented ? own.cost.magnitude : own.cost
                recover(.position, shown, as: position.path(of: "value"), at: moment)
            }
            report(.unrealizedPnl, position, at: moment, asInput: true)
            recoverSize(own, position, at: moment)
        } else if isFlat, let row {
            recover(.quantity, .zero, as: row.path(of: "positionQuantity"))
            recover(.cost, .zero, as: row.path(of: "position"), from: [row.path(of: "position")])
            recover(.positionSize, .zero, as: "no position")
        } else {
            lack(
                .quantity, because: "The side and the profit of the position are not among the answers.",
                from: [row?.path(of: "positionQuantity")].compactMap { $0 })
            lack(
                .cost, because: "The side of the position is not among the answers.",
                from: [row?.path(of: "position")].compactMap { $0 })
            lack(
                .unrealizedPnl, because: "A position of the map is not among the answers to positions.")
            lack(.positionSize, because: "The position is not among the answers.")
        }
        if let position, !isCross { report(.isolatedMargin, position, "margin", at: moment) }
        if let price = answers.price(market) {
            report(.indexPrice, price, "value", at: answers.moment(of: .marketData))
        } else {
            lack(.indexPrice, because: "No answer holds the index price.")
        }
    }

    /// The size at the index price, which a position's value and profit imply: no answer shows it.
    private func recoverSize(
        _ own: (quantity: ExactDecimal, cost: ExactDecimal, profit: ExactDecimal), _ position: ReportedObject,
        at moment: Int64
    ) {
        guard mode.profile == .live, let size = try? (own.cost + own.profit).magnitude,
            let range = try? Evidence.half(18).range(of: size)
        else { return }
        recover(
            .positionSize, size, as: "|\(position.path(of: "value")) + unrealizedPnl|", within: range,
            at: moment)
    }

    private func take(_ rows: [ReportedObject]?, _ side: Side, _ answers: ReportedAccount) {
        guard let rows else {
            lackOfOrders = "There is no answer to open-orders that can be read."
            return
        }
        let moment = answers.moment(of: .openOrders)
        for row in rows {
            let order = OrderFigures(row.path, side, isReduceOnly: false, in: book)
            order.report(.remaining, row, row.remainingField, at: moment)
            order.report(.price, row, at: moment)
            orders.append(order)
        }
    }

    /// Which orders add exposure is not in the answers: they can only take away from what is free.
    private func recoverOrderMargin(_ row: ReportedObject?) {
        let hasNone = ["openBuy", "openSell"].allSatisfy { row?[$0].truncatedNumber?.isZero == true }
        recover(
            .openOrderMargin, .zero, as: "order margin of \(market)",
            hasNone ? .contradicts : .hidden("What open orders hold back is not shown.", above: .zero))
    }

    /// The leverage that a market's margin implies, where it is a whole one that is allowed; the account's
    /// otherwise: a market's own is in no answer.
    private func recoverLeverage(isFlat: Bool, _ rules: RuleTable) {
        if isFlat { return }
        hasOwnLeverage = true
        let doubt = FigureCheck.Difference.estimate("The market may have a leverage of its own.")
        if let margin = reported(.margin), margin.isPositive, let size = reported(.positionSize),
            let implied = try? size.over(margin, places: 0, rounding: .halfUp), implied >= .one,
            implied <= rules.maximumLeverage
        {
            recover(.ownLeverage, implied, as: "leverage that it implies", doubt)
        } else if let leverage = account.reported(.leverage) {
            recover(.ownLeverage, leverage, doubt)
        } else {
            lack(.ownLeverage, because: "The leverage is in no answer.")
        }
    }

    /// What else is known of a figure that does not follow.
    fileprivate func remark(on figure: MarketFigure) -> String {
        figure == .maintenanceMargin && mode.profile == .documented && actsAsPositionMargin
            ? "It is position + orders that add to it + 0.1 % of all orders." : ""
    }

    /// Whether a maintenance margin is what the documented sample's are: the position whole, the orders that
    /// add to it whole, and 0.1 % of every order.
    private var actsAsPositionMargin: Bool {
        guard let figure = reported(.maintenanceMargin), let position = reported(.position),
            let buys = reported(.openBuy), let sells = reported(.openSell), !position.isZero,
            let fee = try? (buys + sells).times(ExactDecimal("0.001"), rounding: .halfEven),
            let rest = try? (figure - position - fee), let lastPlace = try? ExactDecimal("0.00000001")
        else { return false }
        // The sample's positions carry the noise of binary arithmetic.
        return [.zero, buys, sells].contains { part in
            ((try? rest - part)?.magnitude ?? .one) <= lastPlace
        }
    }
}

extension PositionFigures {
    /// A position as the answer to `positions` has it, beside its market.
    fileprivate convenience init(
        _ position: ReportedObject, _ market: MarketFigures, _ answers: ReportedAccount
    ) {
        self.init(market)
        let moment = answers.moment(of: .positions)
        let isListed = answers.markets.contains { $0.name == market.market }
        for figure in isListed ? [PositionFigure.value, .quantity, .liquidationPrice] : [] {
            report(figure, position, at: moment)
        }
        report(.unrealizedPnl, position, at: moment)
    }
}

// MARK: - Fills and fundings

extension RailsVenue {
    /// A fill's fee: the rate is a setting of the account and in no answer, so that it is the one that the
    /// fee implies, where a rate of six places and at most that of a liquidation does.
    private func audit(fill: ReportedObject, _ rules: RuleTable) -> AuditFinding? {
        let formula = "quantity × price × the account's fee rate"
        func check(_ inputs: [AuditInput], units: Int = 0) -> FigureCheck {
            FigureCheck(
                field: fill.path(of: "fees"), reported: fill["fees"], formula: formula, inputs: inputs,
                source: Source.fillsPage, precision: .places(RailsFigures.moneyPlaces), allowedUnits: units)
        }
        guard let fee = fill["fees"].truncatedNumber, let quantity = fill["quantity"].truncatedNumber,
            let price = fill["price"].truncatedNumber, quantity.isPositive, price.isPositive,
            let rate = try? Self.impliedRate(of: fee, quantity, price, rules)
        else { return check([]).notDerivable("Its size or its price is no number above 0.") }
        let inputs = [
            fill.input("quantity"), fill.input("price"),
            AuditInput(rule: "rate nearest to what it implies", rate),
        ]
        return check(inputs).finding(
            .estimate("The rate is a setting of the account, and no rate of six places gives this fee.")
        ) { try RailsFigures.fee(quantity: $0[0], price: $0[1], rate: $0[2]) }
    }

    /// The shortest rate of three to six places that gives a fee, else the nearest; within what is charged.
    private static func impliedRate(
        of fee: ExactDecimal, _ quantity: ExactDecimal, _ price: ExactDecimal, _ rules: RuleTable
    ) throws(NumberError) -> ExactDecimal {
        let value = try RailsFigures.positionValue(quantity: quantity, indexPrice: price)
        let implied = try ExactFraction(fee).over(value)
        for places in 3...6 {
            let rate = try implied.rounded(places: places, rounding: .halfUp)
            if rate <= rules.highestFeeRate,
                try RailsFigures.fee(quantity: quantity, price: price, rate: rate) == fee
            {
                return rate
            }
        }
        return min(max(try implied.rounded(places: 4, rounding: .halfUp), .zero), rules.highestFeeRate)
    }

    private func audit(funding: ReportedObject) -> AuditFinding? {
        let check = FigureCheck(
            field: funding.path(of: "value"), reported: funding["value"],
            formula: "−(positionSize × indexPrice × rate / 100)",
            inputs: ["positionSize", "indexPrice", "rate"].map { funding.input($0) },
            source: Source.fundingsPage, precision: .places(RailsFigures.moneyPlaces))
        if funding["indexPrice"].truncatedNumber?.isZero == true {
            return check.notDerivable("The row shows no index price.")
        }
        return check.finding {
            try RailsFigures.funding(size: $0[0], indexPrice: $0[1], ratePercent: $0[2])
        }
    }
}
