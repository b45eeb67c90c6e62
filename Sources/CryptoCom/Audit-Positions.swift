import JSON
import Ledger
import Numbers
import Venue

/// What the answer to `open-orders` says, as the definitions take it.
struct ReportedOrders {
    /// What buy orders of spot pairs hold, by asset, in the asset.
    private(set) var locked: [String: ExactDecimal] = [:]
    /// What sell orders of spot pairs offer, by asset, in the asset.
    private(set) var offered: [String: ExactDecimal] = [:]
    /// Orders of contracts, of which the answer does not say whether they are isolated.
    private(set) var contracts: [OpenOrder] = []
    /// Every order.
    private(set) var all: [OpenOrder] = []

    /// Nil where an order cannot be read: an instrument that the rulebook lacks, or a number that is none.
    init?(_ rows: [ReportedObject], _ rules: CryptoComRules) {
        self.init(readable: rows, rules)
        if all.count < rows.count { return nil }
    }

    /// Those of the orders that can be read.
    init(readable rows: [ReportedObject], _ rules: CryptoComRules) {
        for row in rows {
            guard let order = Self.order(row, rules), let cost = Self.cost(of: order) else { continue }
            all.append(order)
            if order.instrument.kind.isDerivative {
                contracts.append(order)
                continue
            }
            let isBuy = order.side == .buy
            let asset = isBuy ? order.instrument.quote : order.instrument.base
            let held = isBuy ? cost : order.remaining
            guard let sum = try? ((isBuy ? locked : offered)[asset] ?? .zero) + held else { continue }
            if isBuy { locked[asset] = sum } else { offered[asset] = sum }
        }
    }

    private static func order(_ row: ReportedObject, _ rules: CryptoComRules) -> OpenOrder? {
        guard let instrument = rules.instrument(row.name)?.terms,
            let side = Side(rawValue: row["side"].text.lowercased()),
            let quantity = row["quantity"].number, let filled = row["cumulative_quantity"].number,
            let price = row["limit_price"].number, let remaining = try? quantity - filled,
            remaining.isPositive
        else { return nil }
        let flags = row.value["exec_inst"]?.elements ?? []
        var order = OpenOrder(
            id: row["client_oid"].text.isEmpty ? row["order_id"].text : row["client_oid"].text,
            instrument: instrument, side: side, quantity: quantity, price: price,
            reduceOnly: flags.contains { $0.text == "REDUCE_ONLY" }, positionSide: .net, marginMode: .cross,
            placedAt: LedgerTime(milliseconds: row.value["create_time"]?.integer ?? 0))
        order.remaining = remaining
        return order
    }

    private static func cost(of order: OpenOrder) -> ExactDecimal? {
        try? Figures.orderValue(remaining: order.remaining, price: order.price)
            .rounded(places: ExactDecimal.places, rounding: .ceiling)
    }
}

/// The cross positions and orders of contracts as reported, put through the figures that serve.
struct ReportedExposure {
    /// The positions' fields.
    let inputs: [AuditInput]
    /// The figures of an account that has nothing else.
    let figures: AccountFigures
    /// Whether every order of a contract has a price: that of a position of the same contract.
    let knowsOrders: Bool
    /// How far the figures may be off, in units of the eighth decimal: prices are those that cost and profit
    /// imply.
    let units: Int

    /// Σ |cost + session_pnl|, to 18 places.
    var positionSize: ExactDecimal { Self.decimal(try? figures.cross.sumOfSizes(.notional)) }

    /// What open orders of contracts add, to 18 places.
    var orderExposure: ExactDecimal { Self.decimal(try? figures[.orderExposure]) }

    private static func decimal(_ value: ExactFraction?) -> ExactDecimal {
        (try? value?.rounded(places: ExactDecimal.places, rounding: .halfEven)) ?? .zero
    }

    /// Nil where there is no answer to `positions`, or one that cannot be read.
    init?(_ reported: ReportedAccount, _ orders: ReportedOrders?, _ rules: CryptoComRules) {
        guard let rows = reported.positions else { return nil }
        var account = Account(
            id: "reported", venue: CryptoComVenue.name, parent: nil, conventions: Conventions(),
            settings: Settings(), openedAt: LedgerTime(milliseconds: 0))
        var marks: [PriceTick.Quote] = []
        var inputs: [AuditInput] = []
        var units = 1
        for row in rows where !row.isIsolated {
            guard let position = Self.position(row, rules), let mark = row.impliedMark else { return nil }
            account.positions.append(position)
            marks.append(PriceTick.Quote(name: position.instrument.name, price: mark))
            inputs += ["quantity", "cost", "session_pnl"].map { row.input($0) }
            units += 4
        }
        // An isolated order cannot be told from another one.
        let ordered = (orders?.contracts ?? []).filter { !$0.reduceOnly }
        let priced = ordered.filter { order in marks.contains { $0.name == order.instrument.name } }
        knowsOrders = orders != nil && priced.count == ordered.count && !rows.contains(where: \.isIsolated)
        for order in priced {
            let held = account.position(order.instrument.name, side: .net, marginMode: .cross)
            guard let held, let share = try? order.remaining.over(held.quantity.magnitude, rounding: .ceiling)
            else { return nil }
            // Beyond a million units nothing is left to be held against.
            units += 4 + 4 * min(250_000, Int(clamping: share.units / ExactDecimal.one.units))
        }
        account.orders = priced
        var prices = VenuePrices()
        prices.apply(
            PriceTick(venue: CryptoComVenue.name, marks: marks, index: []),
            at: LedgerTime(milliseconds: 0))
        guard
            let figures = try? AccountFigures(
                of: account, market: ValuationPrices(prices: prices, reference: rules.reference),
                rules: rules,
                profile: reported.isLive ? .live : .documented)
        else { return nil }
        self.inputs = inputs
        self.figures = figures
        self.units = units
    }

    private static func position(_ row: ReportedObject, _ rules: CryptoComRules) -> Position? {
        guard let instrument = rules.instrument(row.name)?.terms, let quantity = row["quantity"].number,
            let cost = row["cost"].number, !quantity.isZero
        else { return nil }
        return Position(
            instrument: instrument, side: .net, marginMode: .cross, quantity: quantity, cost: cost,
            openedAt: LedgerTime(milliseconds: 0))
    }
}

extension ReportedObject {
    /// The mark price of a position that its cost and its profit imply: (cost + session_pnl) ÷ quantity.
    var impliedMark: ExactDecimal? {
        guard let cost = self["cost"].number, let profit = self["session_pnl"].number,
            let quantity = self["quantity"].number
        else { return nil }
        return try? (cost + profit).over(quantity, rounding: .halfEven)
    }
}

// MARK: - Totals of positions

extension AccountAudit {
    static let noPositions = "There is no answer to positions that the rulebook can read."

    mutating func checkSums() {
        let account = reported.account
        let cross = reported.positions.map { $0.filter { !$0.isIsolated } }
        let sums = [
            ("total_position_cost", "cost", "Position value in USD: Σ |cost|"),
            ("total_session_unrealized_pnl", "session_pnl", "Σ session_pnl"),
        ]
        for (field, part, formula) in sums {
            guard let cross else {
                skip(account, field, formula, "There is no answer to positions.")
                continue
            }
            let isMixed = part == "cost" && Set(cross.map { $0["quantity"].cutNumber?.signum }).count > 1
            hold(
                account, field, formula, cross.map { amount(part, of: $0) },
                isMixed
                    ? .estimate("Whether costs of longs and shorts add up is not published.") : acrossAnswers
            ) { numbers in
                try Figures.shownAmount((part == "cost" ? numbers.map(\.magnitude) : numbers).sum())
            }
        }
        skip(
            account, "total_session_realized_pnl", "profit realised since the last settlement",
            "No answer holds what was realised.")
        let debts = reported.rows.filter { $0["quantity"].cutNumber?.isNegative == true }
        hold(
            account, "total_borrow", "Σ |value| of negative balances, those of isolated positions among them",
            debts.map {
                $0.name == CryptoComRules.usd ? $0.input("quantity") : amount("market_value", of: $0)
            } + reported.isolated.map(wallet).filter { $0.value.cutNumber?.isNegative == true },
            source: Source.ours, .estimate("What counts as borrowed is not published.")
        ) { try Figures.shownAmount($0.map(\.magnitude).sum()) }
        hold(
            account, "total_isolated_cash_balance", "Σ cash of the isolated positions",
            reported.isolated.map(wallet), source: Source.isolated
        ) { try Figures.shownAmount($0.sum()) }
    }

    mutating func checkPositionMargin() {
        let account = reported.account
        let formula =
            "Σ over underlyings: notional × min(1, max(1 ÷ product leverage, unit margin rate × quantity))"
        if isFlat {
            hold(account, "total_position_im", formula, flatInputs, source: Source.risk, units: 0) { _ in
                .zero
            }
            return
        }
        guard let exposure else {
            skip(account, "total_position_im", formula, Self.noPositions, source: Source.risk)
            return
        }
        guard exposure.knowsOrders else {
            skip(
                account, "total_position_im", formula,
                "What open orders add cannot be told: there is no answer to open-orders, an order has no "
                    + "price, or it may be isolated.", source: Source.risk)
            return
        }
        hold(
            account, "total_position_im", formula, exposure.inputs, source: Source.risk,
            units: exposure.units,
            .estimate("The venue publishes no formula; the rates are the rulebook's.")
        ) { _ in try Figures.shownRequirement(exposure.figures[.positionMargin]) }
    }

    /// Whether there is nothing to be margined: no position and nothing used of the limit.
    private var isFlat: Bool {
        flatInputs.allSatisfy { $0.value.cutNumber?.isZero ?? false } && !reported.isLive
    }

    private var flatInputs: [AuditInput] {
        ["total_position_cost", "used_position_limit"].map { reported.account.input($0) }
    }
}

// MARK: - Limits

extension AccountAudit {
    mutating func checkLimits() {
        checkUsedLimit()
        hold(
            reported.account, "total_risk_exposure", "used_position_limit",
            [amount("used_position_limit")], source: Source.recordings
        ) { $0[0].decimal }
        if reported.isLive {
            checkLiveLimits(of: reported.account)
        } else {
            checkDocumentedLeverage()
            skip(
                reported.account, "position_limit", "Maximum position size allowed",
                "It is a setting of the account.")
        }
    }

    /// The size of positions over the margin balance; without the answer to positions, the size that they
    /// have where all of them are long.
    private mutating func checkDocumentedLeverage() {
        let account = reported.account
        let formula = "position size ÷ margin balance"
        let inputs: [AuditInput]
        let difference: FigureCheck.Difference
        if let exposure {
            inputs = [
                AuditInput(
                    derived: "Σ |cost + session_pnl|", exposure.positionSize,
                    blur: blur(exposure.units))
            ]
            difference = acrossAnswers
        } else {
            inputs = [amount("total_position_cost"), amount("total_session_unrealized_pnl")]
            difference = .estimate("The size of positions is not shown; cost + unrealised is that of longs.")
        }
        hold(
            account, "total_effective_leverage", formula, [amount("total_margin_balance")] + inputs,
            difference
        ) { numbers in
            try Self.leverage(
                account, size: try numbers.dropFirst().sum().magnitude, marginBalance: numbers[0], places: 8,
                .towardZero)
        }
    }

    /// Nil where the balance prints as 0 and the leverage does not: a balance too small to be printed.
    private static func leverage(
        _ account: ReportedObject, size: ExactFraction, marginBalance: ExactFraction, places: Int,
        _ rounding: Rounding
    ) throws -> ExactDecimal? {
        if marginBalance.isZero, account["total_effective_leverage"].cutNumber?.isZero == false { return nil }
        return try Figures.effectiveLeverage(
            size: size, marginBalance: marginBalance, places: places, rounding: rounding)
    }

    /// Leverage and limit as recorded; an isolated position names the leverage that its limit follows from.
    mutating func checkLiveLimits(of account: ReportedObject) {
        hold(
            account, "total_effective_leverage", "used_position_limit ÷ margin balance",
            [amount("used_position_limit", of: account), amount("total_margin_balance", of: account)],
            source: Source.recordings, places: 6
        ) {
            try Self.leverage(account, size: $0[0], marginBalance: $0[1], places: 6, .halfUp)
        }
        let formula = "maximum leverage × margin balance"
        let named = account["leverage"] != .absent
        guard named || impliedLeverage != nil else {
            skip(
                account, "position_limit", formula,
                "The account's maximum leverage is in no answer, and the margin balance is too small to tell "
                    + "it.", source: Source.recordings)
            return
        }
        let multiplier =
            named
            ? account.input("leverage")
            : AuditInput(rule: "maximum leverage that it implies", impliedLeverage ?? .one)
        hold(
            account, "position_limit", formula, [multiplier, amount("total_margin_balance", of: account)],
            source: Source.recordings,
            named ? .contradicts : .estimate("It is no whole multiple of the margin balance.")
        ) {
            guard let leverage = $0[0].decimal else { return nil }
            return try Figures.shownAmount(
                Figures.livePositionLimit(maximumLeverage: leverage, marginBalance: $0[1]))
        }
    }

    /// The whole number that the limit is nearest to being a multiple by; nil where nothing can be told.
    private var impliedLeverage: ExactDecimal? {
        guard let limit = reported.account["position_limit"].cutNumber,
            let margin = reported.account["total_margin_balance"].cutNumber
        else { return nil }
        if !margin.isPositive { return limit.isZero ? .one : nil }
        guard let whole = try? limit.over(margin, places: 0, rounding: .halfUp), whole >= .one else {
            return nil
        }
        return whole
    }

    /// What spot holdings use of the limit counts in the live form only.
    private mutating func checkUsedLimit() {
        let account = reported.account
        let field = "used_position_limit"
        let formula =
            "Combined position size of all open positions + order exposure"
            + (reported.isLive ? " + eligible holdings other than USD" : "")
        guard let exposure else {
            if isFlat {
                hold(account, field, formula, [amount("total_position_cost")], units: 0) { $0[0].decimal }
            } else if reported.isLive {
                // Positions that are all long are worth their cost and their profit.
                holdUsedLimit(
                    formula, isLongOnly ? [longSize] : [],
                    .hidden("Positions and orders are not among the answers.", below: .zero))
            } else {
                skip(account, field, formula, Self.noPositions)
            }
            return
        }
        var inputs = [
            AuditInput(
                derived: "Σ |cost + session_pnl|", exposure.positionSize, blur: blur(exposure.units))
        ]
        var difference = acrossAnswers
        if let orders, exposure.knowsOrders {
            inputs.append(
                AuditInput(
                    derived: "exposure of open orders of contracts", exposure.orderExposure,
                    blur: blur(exposure.units)))
            if !orders.contracts.isEmpty || !orders.offered.isEmpty {
                difference = .estimate("What orders add to the exposure is not published.")
            }
            inputs += spotExposures(orders)
        } else {
            difference = .hidden("What open orders add is not shown.", below: .zero)
        }
        holdUsedLimit(formula, inputs, difference)
    }

    private mutating func holdUsedLimit(
        _ formula: String, _ inputs: [AuditInput], _ difference: FigureCheck.Difference
    ) {
        var all = inputs
        var difference = difference
        if reported.isLive {
            for row in reported.rows where row.isCollateral == true && row.name != CryptoComRules.usd {
                all.append(amount("market_value", of: row))
            }
            if reported.rows.contains(where: { $0.isCollateral == nil }) {
                difference = .estimate(Self.unknownCollateral)
            }
            if reported.rows.contains(where: \.name.isEmpty) {
                difference = .estimate("A row does not say what token it is of.")
            }
        }
        hold(
            reported.account, "used_position_limit", formula, all, source: Source.recordings, difference
        ) { numbers in
            try Figures.shownRequirement(
                Figures.usedPositionLimit(
                    positionSize: numbers.map(\.magnitude).sum(), orderExposure: .zero, spotExposure: .zero))
        }
    }

    /// What each spot sell order adds, at the price that its row implies; not a number where none does.
    private func spotExposures(_ orders: ReportedOrders) -> [AuditInput] {
        orders.offered.sorted { $0.key < $1.key }.map { asset, offered in
            let name = "open sell orders of \(asset), in USD"
            if asset == CryptoComRules.usd { return AuditInput(rule: name, offered) }
            guard let row = reported.rows.first(where: { $0.name == asset }),
                let quantity = row["quantity"].cutNumber, let value = row["market_value"].cutNumber,
                let free = try? quantity - reported.held(row, orders, rules),
                let worth = try? value.times(offered, over: free, rounding: .ceiling),
                let blur = try? Self.lastPlace.times(offered, over: free.magnitude, rounding: .ceiling)
            else { return AuditInput(name, .absent) }
            return AuditInput(derived: name, worth, blur: (try? blur + blur) ?? blur)
        }
    }
}
