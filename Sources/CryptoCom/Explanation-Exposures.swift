import Ledger
import Numbers
import Venue

/// What the totals of positions and open orders rest on; no body shows any of it.
extension BalanceExplainer {
    /// Cross positions, open orders, underlyings and isolated orders.
    mutating func explainExposures() throws {
        for position in account.positions where position.marginMode != .isolated {
            prefix = "positions.\(position.instrument.name)."
            try explain(position)
        }
        for order in account.orders where !order.reduceOnly { try explain(order) }
        for instrument in contracts { try explainMark(of: instrument) }
        for exposure in figures.exposures {
            prefix = "underlyings.\(exposure.name)."
            try explain(
                exposure,
                positions: account.positions.filter {
                    $0.marginMode != .isolated && $0.instrument.base == exposure.name
                }, notionalsAt: "positions",
                orders: contractOrders { $0.marginMode != .isolated && $0.instrument.base == exposure.name })
            try explainMargin(of: exposure)
        }
        for exposure in isolatedOrders {
            prefix = "isolated_orders.\(exposure.name)."
            let positions = account.positions.filter {
                $0.marginMode == .isolated && $0.instrument.name == exposure.name
            }
            for position in positions { try explain(position) }
            try explain(
                exposure, positions: positions, notionalsAt: "isolated_orders",
                orders: contractOrders { $0.marginMode == .isolated && $0.instrument.name == exposure.name })
            try explainIsolatedMargin(of: exposure)
        }
        prefix = ""
    }

    /// Instruments whose marks count, each once.
    private var contracts: [Instrument] {
        let orders = contractOrders { _ in true }
        var found: [Instrument] = []
        for instrument in account.positions.map(\.instrument) + orders.map(\.instrument)
        where !found.contains(where: { $0.name == instrument.name }) {
            found.append(instrument)
        }
        return found
    }

    private func contractOrders(where isListed: (OpenOrder) -> Bool) -> [OpenOrder] {
        account.orders.filter { $0.instrument.kind.isDerivative && !$0.reduceOnly && isListed($0) }
    }

    /// Isolated instruments with an open order.
    private var isolatedOrders: [Exposure] {
        figures.isolatedOrders.filter { !$0.buys.isZero || !$0.sells.isZero }
    }

    // MARK: - What the totals take

    /// The notional, or the unrealised profit, of each cross position.
    func crossPositions(_ field: String) throws -> [Input] {
        try account.positions.filter { $0.marginMode != .isolated }.map { position in
            let mark = try market.requiredMark(position.instrument)
            let notional = try Figures.positionValue(quantity: position.quantity, mark: mark)
            let value =
                field == "notional"
                ? notional : try Figures.unrealised(value: notional, cost: position.cost)
            return figure(field, value, of: position.instrument.name, in: "positions")
        }
    }

    private func figure(
        _ field: String, _ value: some CustomStringConvertible, of name: String, in group: String
    ) -> Input {
        Input("\(field) of \(name)", value.description, .figure, path: "\(group).\(name).\(field)")
    }

    /// The initial margin of each underlying and of each isolated instrument with orders.
    func positionMargins() throws -> [Input] {
        try figures.exposures.map {
            figure("position_im", try $0.margin(), of: $0.name, in: "underlyings")
        }
            + isolatedOrders.map {
                figure("position_im", try isolatedMargin(of: $0), of: $0.name, in: "isolated_orders")
            }
    }

    /// What orders use of the position limit: of each underlying and isolated instrument that has some, and
    /// of each spot sell order.
    func orderExposures() throws -> [Input] {
        let contracts = try figures.exposures.filter { !$0.buys.isZero || !$0.sells.isZero }.map {
            figure("order_exposure", try $0.orderExposure(), of: $0.name, in: "underlyings")
        }
        let isolated = try isolatedOrders.map {
            figure("order_exposure", try $0.orderExposure(), of: $0.name, in: "isolated_orders")
        }
        let spotSells = account.orders.filter {
            !$0.instrument.kind.isDerivative && !$0.reduceOnly && $0.side == .sell
        }
        return try contracts + isolated + spotSells.map { try value(of: $0) }
    }

    private func isolatedMargin(of exposure: Exposure) throws(NumberError) -> ExactFraction {
        try Figures.isolatedOrderMargin(
            orderExposure: try exposure.orderExposure(),
            leverage: figures.isolatedLeverage(of: exposure.name))
    }

    // MARK: - Positions and orders

    func quantity(of position: Position) -> Input { Input("quantity", position.quantity, .ledger) }

    func mark(of instrument: Instrument) throws -> Input {
        let name = instrument.name
        return Input(
            "mark price of \(name)", try market.requiredMark(instrument), .figure, path: "mark_price.\(name)")
    }

    private mutating func explain(_ position: Position) throws {
        let mark = try mark(of: position.instrument)
        let price = try market.requiredMark(position.instrument)
        let notional = try Figures.positionValue(quantity: position.quantity, mark: price)
        addHidden(
            "notional", notional, "quantity × mark price", [quantity(of: position), mark])
        addHidden(
            "unrealized_pnl", try Figures.unrealised(value: notional, cost: position.cost),
            "quantity × mark price − cost since the last settlement",
            [quantity(of: position), mark, Input("cost", position.cost, .ledger)])
    }

    private mutating func explainMark(of instrument: Instrument) throws {
        prefix = "mark_price."
        let price = try market.requiredMark(instrument)
        if let given = market.prices.marks[instrument.name] {
            addHidden(
                instrument.name, price, "the mark price last given",
                [Input("price given at \(given.at.iso8601)", given.price, .price)])
            return
        }
        addHidden(
            instrument.name, price, "index of \(instrument.base) ÷ index of \(instrument.quote)",
            [
                Input("index of \(instrument.base)", try market.requiredIndex(instrument.base), .price),
                Input("index of \(instrument.quote)", try market.requiredIndex(instrument.quote), .price),
            ], rounding: "half up to 8 places", status: .choice, source: Source.ours)
    }

    private func price(of order: OpenOrder) throws -> ExactDecimal {
        order.instrument.kind.isDerivative
            ? try market.requiredMark(order.instrument) : try market.price(of: order.instrument.base)
    }

    /// What is left of an order, in USD, as an input.
    private func value(of order: OpenOrder) throws -> Input {
        Input(
            "value of \(order.side.rawValue) order \(order.id)",
            try Figures.orderValue(remaining: order.remaining, price: try price(of: order)).description,
            .figure, path: "orders.\(order.id).value")
    }

    private mutating func explain(_ order: OpenOrder) throws {
        let isContract = order.instrument.kind.isDerivative
        prefix = "orders.\(order.id)."
        addHidden(
            "value", try Figures.orderValue(remaining: order.remaining, price: try price(of: order)),
            "open quantity × \(isContract ? "mark" : "index") price",
            [
                Input("open quantity", order.remaining, .ledger),
                isContract ? try mark(of: order.instrument) : try indexPrice(of: order.instrument.base),
            ], status: .choice, source: Source.ours)
    }

    // MARK: - Underlyings

    /// The worst size of an underlying, by value and by quantity, and what orders add to it.
    private mutating func explain(
        _ exposure: Exposure, positions: [Position], notionalsAt group: String, orders: [OpenOrder]
    ) throws {
        let formula = "max(|net + open buys|, |net − open sells|)"
        var notionals: [Input] = []
        for position in positions {
            let name = position.instrument.name
            let value = try Figures.positionValue(
                quantity: position.quantity, mark: try market.requiredMark(position.instrument))
            notionals.append(figure("notional", value, of: name, in: group))
        }
        addHidden(
            "worst_value", try exposure.worstValue(), formula + ", at mark",
            try notionals + orders.map { try value(of: $0) }, status: .choice, source: Source.ours)
        addHidden(
            "worst_quantity",
            try exposure.worstQuantity(), formula + ", in coin",
            positions.map { Input("quantity of \($0.instrument.name)", $0.quantity, .ledger) }
                + orders.map {
                    Input("open quantity of \($0.side.rawValue) order \($0.id)", $0.remaining, .ledger)
                }, status: .choice, source: Source.ours)
        addHidden(
            "order_exposure", try exposure.orderExposure(), "worst_value − |net notional|, at least 0",
            [hidden("worst_value", try exposure.worstValue())] + notionals, status: .choice,
            source: Source.ours)
    }

    private mutating func explainMargin(of exposure: Exposure) throws {
        let quantity = try exposure.worstQuantity()
        addHidden(
            "position_im", try exposure.margin(),
            "worst_value × min(1, max(1 ÷ product leverage, unit margin rate × multiplier × worst_quantity))",
            [
                try hidden("worst_value", exposure.worstValue()), hidden("worst_quantity", quantity),
                Input("maximum product leverage", exposure.maximumLeverage, .rule),
                Input("unit_margin_rate × multiplier", exposure.ratePerUnit, .rule),
            ], status: .choice, source: Source.risk)
    }

    private mutating func explainIsolatedMargin(of exposure: Exposure) throws {
        let leverage = figures.isolatedLeverage(of: exposure.name)
        addHidden(
            "position_im", try isolatedMargin(of: exposure), "order_exposure ÷ leverage",
            [hidden("order_exposure", try exposure.orderExposure()), hidden("leverage", leverage)],
            status: .choice, source: Source.ours)
        addHidden(
            "leverage", leverage, Self.leverageFormula, leverageInputs(of: exposure.name), status: .choice,
            source: Source.ours)
    }

    static let leverageFormula =
        "as set for the instrument, else the lower of max_leverage and the product's maximum, at least 1"

    /// Where an isolated position's leverage comes from.
    func leverageInputs(of instrument: String) -> [Input] {
        if let set = account.leverage(instrument, side: .net, marginMode: .isolated) {
            return [Input("leverage set", set, .setting)]
        }
        let most = Input("max_leverage", account.maximumLeverage, .setting)
        guard let rule = rules.instrument(instrument) else { return [most] }
        return [most, Input("maximum product leverage", rules.maximumLeverage(of: rule.terms), .rule)]
    }
}
