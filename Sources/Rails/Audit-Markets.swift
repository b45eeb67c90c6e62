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
        if isDocumented { checkDocumentedMargins(of: name, row) } else { checkLaterMargins(of: name, row) }
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
                orders.flatMap { [$0.input($0.remainingField), $0.input("price")] }, source: Source.sample,
                places: ExactDecimal.places, difference
            ) { numbers in
                var sum = ExactFraction.zero
                for place in stride(from: 0, to: numbers.count, by: 2) {
                    try sum += RailsFigures.orderNotional(
                        remaining: numbers[place], price: numbers[place + 1])
                }
                return try RailsFigures.printedValue(sum)
            }
            hold(
                row, field + "Qty", "Σ open quantity", orders.map { $0.input($0.remainingField) },
                source: Source.sample, places: ExactDecimal.places, units: 0, difference
            ) { try $0.sum() }
        }
    }

    // MARK: - Margins

    private mutating func checkDocumentedMargins(of name: String, _ row: ReportedObject) {
        let held = isIsolated(name) ? reported.position(name).map { [$0.input("margin")] } ?? [] : []
        let orders = ["openBuy", "openSell"].map { row.input($0) }
        if held.isEmpty {
            hold(
                row, "margin", "(positions + orders) / leverage",
                [reported.account.input("leverage"), row.input("position")] + orders,
                places: ExactDecimal.places
            ) {
                try RailsFigures.printedMargin(
                    RailsFigures.margin(
                        positions: ExactFraction($0[1]), orders: ExactFraction($0[2] + $0[3]),
                        leverage: $0[0]))
            }
        } else {
            hold(
                row, "margin", "orders / leverage + what the isolated position holds",
                [reported.account.input("leverage")] + held + orders, source: Source.ours,
                places: ExactDecimal.places
            ) {
                try RailsFigures.printedMargin(
                    RailsFigures.margin(
                        positions: .zero, orders: ExactFraction($0[2] + $0[3]), leverage: $0[0],
                        isolatedMargin: $0[1]))
            }
        }
        hold(
            row, "maintenanceMargin", "positions × 3% (maintenance margin rate)",
            [row.input("position"), maintenanceRate], places: ExactDecimal.places,
            remark: actsAsPositionMargin(row)
                ? "It is position + orders that add to it + 0.1 % of all orders." : ""
        ) {
            try RailsFigures.printedMargin(
                RailsFigures.maintenanceMargin(positionSize: ExactFraction($0[0]), rate: $0[1]))
        }
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
        ) {
            try RailsFigures.printedMargin(
                RailsFigures.maintenanceMargin(
                    positionSize: ExactFraction(($0[0] + $0[1]).magnitude), rate: $0[2]))
        }
        if isIsolated(name), let position = reported.position(name) {
            hold(
                row, "margin", "what the isolated position holds", [position.input("margin")],
                source: Source.ours, places: ExactDecimal.places, acrossAnswers
            ) { $0[0] }
            return
        }
        hold(
            row, "margin", "index × |qty| / leverage", size + [leverage(of: row, size)],
            source: Source.metricsPage, places: ExactDecimal.places,
            isFlat ? .contradicts : .estimate("The market may have a leverage of its own.")
        ) {
            try RailsFigures.printedMargin(
                RailsFigures.margin(
                    positions: ExactFraction(($0[0] + $0[1]).magnitude), orders: .zero, leverage: $0[2]))
        }
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
        let position = reported.position(name)
        let isIsolated = isIsolated(name)
        guard let own = reported.signedPosition(name),
            let money = isIsolated ? position?["margin"].cutNumber : crossMoney
        else {
            skip(
                row, "liquidationPrice", formula,
                "The side and the profit of the position are not among the answers.", source: Source.ours)
            return
        }
        guard let pool = try? rest(ofPoolWith: name) else {
            skip(
                row, "liquidationPrice", formula, "A position is not among the answers.",
                source: Source.ours)
            return
        }
        let inputs = [
            AuditInput(rule: "quantity, signed", own.quantity), AuditInput(rule: "cost, signed", own.cost),
            AuditInput(rule: isIsolated ? "what the position holds" : "money before it is cut", money),
            AuditInput(rule: "Σ unrealizedPnl of the other markets", pool.profits),
            AuditInput(rule: "position size that stands still", pool.standing), maintenanceRate,
        ]
        let isMoving = !isDocumented
        hold(
            row, "liquidationPrice", formula, inputs, source: Source.ours, places: ExactDecimal.places,
            units: 4, .estimate("The venue's last expression is not published.")
        ) {
            try RailsFigures.liquidationPrice(
                quantity: $0[0], cost: $0[1],
                otherEquity: try RailsFigures.equity(money: $0[2], unrealisedPnl: ExactFraction($0[3])),
                otherMaintenance: try RailsFigures.maintenanceMargin(
                    positionSize: ExactFraction($0[4]), rate: $0[5]),
                movingRate: isMoving ? $0[5] : .zero)
        }
    }

    /// What of a market's pool stands still when its price moves: the profits of its other positions, and the
    /// size that maintenance is a share of. Nil where a position is not among the answers.
    private func rest(
        ofPoolWith name: String
    ) throws(NumberError) -> (profits: ExactDecimal, standing: ExactDecimal)? {
        let alone = isIsolated(name)
        var profits = ExactDecimal.zero
        var standing = ExactDecimal.zero
        for (market, _) in reported.marketsWithPositions {
            let moves = market == name
            if !moves, alone || isIsolated(market) { continue }
            guard let position = reported.signedPosition(market) else { return nil }
            if !moves { try profits += position.profit }
            if isDocumented {
                try standing += position.cost.magnitude
            } else if !moves {
                try standing += (position.cost + position.profit).magnitude
            }
        }
        return (profits, standing)
    }

    /// The cross pool's money before any digit is dropped; nil where a part is missing.
    private var crossMoney: ExactDecimal? {
        let held = isolatedMargins.map(\.value.cutNumber)
        guard let total = unroundedTotal, !held.contains(nil) else { return nil }
        return try? RailsFigures.crossMoney(
            unroundedTotal: total, isolatedMargin: held.compactMap { $0 }.sum())
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
        ) {
            try RailsFigures.printedValue(
                RailsFigures.unrealised(
                    value: RailsFigures.positionValue(quantity: $0[1], indexPrice: $0[0]), cost: $0[2]))
        }
    }

    // MARK: - Fills and fundings

    /// A fill's fee: the rate is a setting of the account and in no answer, so that it is the one that the
    /// fee implies, where a rate of six places and at most that of a liquidation does.
    mutating func check(fill: ReportedObject) {
        let formula = "quantity × price × the account's fee rate"
        guard let fee = fill["fees"].cutNumber, let quantity = fill["quantity"].cutNumber,
            let price = fill["price"].cutNumber, quantity.isPositive, price.isPositive,
            let rate = try? impliedRate(of: fee, quantity, price)
        else {
            skip(
                fill, "fees", formula, "Its size or its price is no number above 0.", source: Source.fillsPage
            )
            return
        }
        hold(
            fill, "fees", formula,
            [
                fill.input("quantity"), fill.input("price"),
                AuditInput(rule: "rate nearest to what it implies", rate),
            ], source: Source.fillsPage, units: 0,
            .estimate("The rate is a setting of the account, and no rate of six places gives this fee.")
        ) { try RailsFigures.fee(quantity: $0[0], price: $0[1], rate: $0[2]) }
    }

    /// The shortest rate of three to six places that gives a fee, else the nearest; within what is charged.
    private func impliedRate(
        of fee: ExactDecimal, _ quantity: ExactDecimal, _ price: ExactDecimal
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

    mutating func check(funding: ReportedObject) {
        let formula = "−(positionSize × indexPrice × rate / 100)"
        if funding["indexPrice"].cutNumber?.isZero == true {
            skip(funding, "value", formula, "The row shows no index price.", source: Source.fundingsPage)
            return
        }
        hold(
            funding, "value", formula,
            [funding.input("positionSize"), funding.input("indexPrice"), funding.input("rate")],
            source: Source.fundingsPage
        ) { try RailsFigures.funding(size: $0[0], indexPrice: $0[1], ratePercent: $0[2]) }
    }
}

extension ReportedAccount {
    /// Whether there may be more orders than were asked for.
    var isOrderPageFull: Bool { (orders?.count ?? 0) >= RailsVenue.ordersPerPage }
}
