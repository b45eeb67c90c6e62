import JSON
import Ledger
import Numbers
import Venue

/// The rows of `marketBalancesMap`, and those of `positions`.
extension AccountAudit {
    mutating func check(market name: String, _ row: ReportedObject) {
        hold(row, "pnl", "positionPnl", [row.input("positionPnl")], source: Source.sample, units: 0) {
            RailsFigures.printedMoney($0[0])
        }
        hold(
            row, "funding", "positionFunding", [row.input("positionFunding")], source: Source.sample,
            places: ExactDecimal.places, units: 0
        ) { $0[0] }
        checkOrders(of: name, row)
        if isDocumented { checkDocumentedMargins(of: row) } else { checkLaterMargins(of: name, row) }
        checkLiquidationPrice(of: name, row)
    }

    // MARK: - Orders

    private mutating func checkOrders(of name: String, _ row: ReportedObject) {
        for (side, field) in [(Side.buy, "openBuy"), (.sell, "openSell")] {
            guard let orders = reported.orders(of: name, side) else {
                for field in [field, field + "Qty"] {
                    skip(
                        row, field, "Σ of open orders", "There is no answer to open-orders that can be read.")
                }
                continue
            }
            // Orders come a hundred at a time, and one page is asked for.
            let difference: FigureCheck.Difference =
                reported.isOrderPageFull
                ? .hidden("There are more orders than one page holds.", below: .zero) : acrossAnswers
            hold(
                row, field, "Σ open quantity × limit price",
                orders.flatMap { [$0.input("remainingQuantity"), $0.input("price")] }, source: Source.sample,
                places: ExactDecimal.places, difference
            ) { numbers in
                var sum = ProductSum()
                for place in stride(from: 0, to: numbers.count, by: 2) {
                    try sum.add(numbers[place], times: numbers[place + 1])
                }
                return try sum.rounded(places: ExactDecimal.places, rounding: .halfEven)
            }
            hold(
                row, field + "Qty", "Σ open quantity", orders.map { $0.input("remainingQuantity") },
                source: Source.sample, places: ExactDecimal.places, units: 0, difference
            ) { try $0.sum() }
        }
    }

    // MARK: - Margins

    private mutating func checkDocumentedMargins(of row: ReportedObject) {
        hold(
            row, "margin", "(positions + orders) / leverage",
            [reported.account.input("leverage")]
                + ["position", "openBuy", "openSell"].map { row.input($0) }, places: ExactDecimal.places
        ) {
            try RailsFigures.margin(positions: $0[1], orders: $0[2] + $0[3], leverage: $0[0])
        }
        hold(
            row, "maintenanceMargin", "positions × 3% (maintenance margin rate)",
            [row.input("position"), maintenanceRate], places: ExactDecimal.places,
            remark: actsAsPositionMargin(row)
                ? "It is position + orders that add to it + 0.1 % of all orders." : ""
        ) { try RailsFigures.maintenanceMargin(positionSize: $0[0], rate: $0[1]) }
    }

    /// Whether a maintenance margin is what the given sample's are: the position whole, the orders that add
    /// to it whole, and 0.1 % of every order.
    private func actsAsPositionMargin(_ row: ReportedObject) -> Bool {
        guard let figure = row["maintenanceMargin"].cutNumber, let position = row["position"].cutNumber,
            let buys = row["openBuy"].cutNumber, let sells = row["openSell"].cutNumber, !position.isZero,
            let fee = try? (buys + sells).times(ExactDecimal("0.001"), rounding: .halfEven),
            let rest = try? (figure - position - fee)
        else { return false }
        // The sample's positions carry the noise of binary arithmetic.
        return [.zero, buys, sells].contains { part in
            ((try? rest - part)?.magnitude ?? .one) <= Self.lastPlace
        }
    }

    private mutating func checkLaterMargins(of name: String, _ row: ReportedObject) {
        let isFlat = row["positionQuantity"].cutNumber?.isZero == true
        guard isFlat || reported.position(name) != nil else {
            for field in ["margin", "maintenanceMargin"] {
                skip(
                    row, field, "a share of index × |qty|", "The position is not among the answers.",
                    source: Source.metricsPage)
            }
            return
        }
        let size =
            reported.position(name).map { [$0.input("value"), $0.input("unrealizedPnl")] }
            ?? [AuditInput(rule: "no position", .zero), AuditInput(rule: "no profit", .zero)]
        let difference = isFlat ? FigureCheck.Difference.contradicts : acrossAnswers
        hold(
            row, "maintenanceMargin", "index × |qty| × 0.1", size + [maintenanceRate],
            source: Source.metricsPage, places: ExactDecimal.places, difference
        ) { try RailsFigures.maintenanceMargin(positionSize: ($0[0] + $0[1]).magnitude, rate: $0[2]) }
        hold(
            row, "margin", "index × |qty| / leverage", size + [leverage(of: row, size)],
            source: Source.metricsPage, places: ExactDecimal.places,
            isFlat ? .contradicts : .estimate("The market may have a leverage of its own.")
        ) { try RailsFigures.margin(positions: ($0[0] + $0[1]).magnitude, orders: .zero, leverage: $0[2]) }
    }

    /// The leverage that a market's margin implies, where it is a whole one that is allowed; the account's
    /// otherwise: a market's own is in no answer.
    private func leverage(of row: ReportedObject, _ size: [AuditInput]) -> AuditInput {
        if let margin = row["margin"].cutNumber, margin.isPositive,
            let value = size[0].value.cutNumber, let profit = size[1].value.cutNumber,
            let implied = try? (value + profit).magnitude.over(margin, places: 0, rounding: .halfUp),
            implied >= .one, implied <= rules.maximumLeverage
        {
            return AuditInput(rule: "leverage that it implies", implied)
        }
        return reported.account.input("leverage")
    }

    // MARK: - Liquidation

    private mutating func checkLiquidationPrice(of name: String, _ row: ReportedObject) {
        let formula =
            "the index price at which equity meets maintenance while the other markets stand still"
        let isFlat = row["positionQuantity"].cutNumber?.isZero == true
        if isFlat {
            hold(
                row, "liquidationPrice", "0: there is no position", [row.input("positionQuantity")],
                source: Source.ours, places: ExactDecimal.places, units: 0
            ) { $0[0] }
            return
        }
        guard let total = unroundedTotal, let own = reported.signedPosition(name) else {
            skip(
                row, "liquidationPrice", formula,
                "The side and the profit of the position are not among the answers.", source: Source.ours)
            return
        }
        var others = ExactDecimal.zero
        var standing = ExactDecimal.zero
        for (market, _) in reported.marketsWithPositions {
            guard let position = reported.signedPosition(market),
                let size = try? isDocumented
                    ? position.cost.magnitude : (position.cost + position.profit).magnitude
            else {
                skip(
                    row, "liquidationPrice", formula, "A position is not among the answers.",
                    source: Source.ours)
                return
            }
            let moves = market == name
            guard let profits = try? moves ? others : others + position.profit,
                let sizes = try? moves && !isDocumented ? standing : standing + size
            else { return }
            (others, standing) = (profits, sizes)
        }
        let inputs = [
            AuditInput(rule: "quantity, signed", own.quantity), AuditInput(rule: "cost, signed", own.cost),
            AuditInput(rule: "money before it is cut", total),
            AuditInput(rule: "Σ unrealizedPnl of the other markets", others),
            AuditInput(rule: "position size that stands still", standing), maintenanceRate,
        ]
        let isMoving = !isDocumented
        hold(
            row, "liquidationPrice", formula, inputs, source: Source.ours, places: ExactDecimal.places,
            units: 4, .estimate("The venue's last expression is not published.")
        ) {
            try RailsFigures.liquidationPrice(
                quantity: $0[0], cost: $0[1],
                otherEquity: try RailsFigures.equity(unroundedTotal: $0[2], unrealisedPnl: $0[3]),
                otherMaintenance: try RailsFigures.maintenanceMargin(positionSize: $0[4], rate: $0[5]),
                movingRate: isMoving ? $0[5] : .zero)
        }
    }

    /// The account's money before any digit is dropped, from the markets' unrounded parts; nil where one is
    /// missing.
    private var unroundedTotal: ExactDecimal? {
        func sum(_ field: String) -> ExactDecimal? {
            let numbers = markets(field).map(\.value.cutNumber)
            return numbers.contains(nil) ? nil : try? numbers.compactMap { $0 }.sum()
        }
        let account = reported.account
        guard let deposit = account["deposit"].cutNumber, let withdraw = account["withdraw"].cutNumber,
            let withdrawFees = account["withdrawFees"].cutNumber, let fees = account["fees"].cutNumber,
            let profit = sum("positionPnl"), let funding = sum("positionFunding")
        else { return nil }
        return try? RailsFigures.unroundedTotal(
            deposit: deposit, withdraw: withdraw, withdrawFees: withdrawFees, fees: fees,
            positionPnl: profit, funding: funding)
    }

    // MARK: - Positions

    /// The answer to `positions` against the map and the prices.
    mutating func check(position: ReportedObject) {
        let name = position["market"].text
        if let row = reported.markets.first(where: { $0.name == name })?.row {
            for (field, other) in [
                ("value", "position"), ("quantity", "positionQuantity"),
                ("liquidationPrice", "liquidationPrice"),
            ] {
                hold(
                    position, field, "\(other) of the market", [row.input(other)], source: Source.sample,
                    places: ExactDecimal.places, units: 0, acrossAnswers
                ) { $0[0] }
            }
        }
        guard let price = reported.price(name), let own = reported.signedPosition(name) else {
            skip(
                position, "unrealizedPnl", "(index − avgEntry) × qty", "No answer holds the index price.",
                source: Source.metricsPage)
            return
        }
        hold(
            position, "unrealizedPnl", "(index − avgEntry) × qty",
            [
                price.input("value"), AuditInput(rule: "quantity, signed", own.quantity),
                AuditInput(rule: "value, signed", own.cost),
            ], source: Source.metricsPage, places: ExactDecimal.places, acrossAnswers
        ) { try $0[1].times($0[0], rounding: .halfEven) - $0[2] }
    }
}

extension ReportedAccount {
    /// The open orders of one side of a market, in the answer's order; nil where there is no answer.
    func orders(of market: String, _ side: Side) -> [ReportedObject]? {
        orders?.filter { $0["market"].text == market && $0["side"].text.lowercased() == side.rawValue }
    }

    /// Whether there may be more orders than were asked for.
    var isOrderPageFull: Bool { (orders?.count ?? 0) >= RailsVenue.ordersPerPage }

    /// Size, cost and profit of an open position, signed: a form that prints sizes without a sign names the
    /// side. Nil where no answer tells all three.
    func signedPosition(
        _ market: String
    ) -> (quantity: ExactDecimal, cost: ExactDecimal, profit: ExactDecimal)? {
        guard let position = position(market), let quantity = position["quantity"].cutNumber,
            let cost = position["value"].cutNumber, let profit = position["unrealizedPnl"].cutNumber
        else { return nil }
        let isShort = position["type"].text == "SHORT" && quantity.isPositive
        return isShort ? (-quantity, -cost, profit) : (quantity, cost, profit)
    }
}
