import Ledger
import Numbers
import Venue

/// The rows of `marketBalancesMap`.
extension BalanceExplainer {
    /// Every market's fields in the body's order, each row followed by what it rests on.
    mutating func explainMarkets() throws {
        for (row, printed) in zip(totals.rows, balances.markets) {
            prefix = "marketBalancesMap.\(printed.market)."
            try explainPosition(row, printed)
            explainOrders(printed)
            explainActivity(row, printed)
            explainMargins(row, printed)
            try explainBasis(row)
        }
        prefix = ""
    }

    private func quantity(of row: MarketRow) -> Explanation.Input {
        Explanation.Input("quantity", row.quantity, .ledger)
    }

    private func cost(of row: MarketRow) -> Explanation.Input {
        Explanation.Input("cost", row.cost, .ledger)
    }

    private func orders(of market: String, side: Side?) -> [OpenOrder] {
        account.orders.filter { $0.instrument.name == market && (side == nil || $0.side == side) }
    }

    private func remaining(of order: OpenOrder) -> Explanation.Input {
        Explanation.Input("open quantity of order \(order.id)", order.remaining, .ledger)
    }

    private func notional(of order: OpenOrder) -> [Explanation.Input] {
        [
            remaining(of: order),
            Explanation.Input("limit price of order \(order.id)", order.price, .ledger),
        ]
    }

    /// The leverage that a market's margin is worked out with.
    func leverage(of row: MarketRow) -> Explanation.Input {
        let name = row.activity.instrument
        if !isDocumented,
            let own = account.leverage(name, side: .net, marginMode: account.railsMarginMode(of: name))
        {
            return Explanation.Input("leverage of \(name)", own, .setting)
        }
        return total("leverage", totals.leverage)
    }

    // MARK: - Fields

    private mutating func explainPosition(_ row: MarketRow, _ printed: RailsMarketBalance) throws {
        add(
            "position", printed.position, isDocumented ? "|cost| of the open position" : "cost, signed",
            [cost(of: row)], source: Source.sample)
        add(
            "positionQuantity", printed.positionQuantity,
            isDocumented ? "|quantity| in coin" : "quantity in coin, signed", [quantity(of: row)],
            source: Source.sample)
        let name = printed.market
        add(
            "liquidationPrice", printed.liquidationPrice,
            "the index price at which equity meets maintenance while the other markets stand still: "
                + "(cost + other maintenance − other equity) ÷ (quantity − |quantity| × moving rate); "
                + "0 if there is none",
            [
                quantity(of: row), cost(of: row),
                figure("otherEquity", try totals.otherEquity(of: row), of: name),
                figure("otherMaintenance", try totals.otherMaintenance(of: row), of: name),
                Explanation.Input("moving rate", totals.movingRate, .rule),
            ], rounding: Self.cutToAll, status: .choice, source: Source.ours)
    }

    private mutating func explainOrders(_ printed: RailsMarketBalance) {
        for (side, field, notionalValue, quantity) in [
            (Side.buy, "openBuy", printed.openBuy, printed.openBuyQuantity),
            (.sell, "openSell", printed.openSell, printed.openSellQuantity),
        ] {
            let orders = orders(of: printed.market, side: side)
            add(
                field, notionalValue, "Σ open quantity × limit price of open \(side.rawValue) orders",
                orders.flatMap(notional), rounding: "half even to 18 places", source: Source.sample)
            add(
                "\(field)Qty", quantity, "Σ open quantity of open \(side.rawValue) orders",
                orders.map(remaining), source: Source.sample)
        }
    }

    private mutating func explainActivity(_ row: MarketRow, _ printed: RailsMarketBalance) {
        let activity = row.activity
        add(
            "pnl", printed.pnl, "positionPnl",
            [figure("positionPnl", printed.positionPnl, of: printed.market)], rounding: Self.cutToMoney,
            source: Source.sample)
        add(
            "positionPnl", printed.positionPnl, "realised profit of the market's lifetime, before fees",
            [Explanation.Input("realised profit", activity.realised, .ledger)])
        add(
            "funding", printed.funding, "funding received less paid, of the market's lifetime",
            [Explanation.Input("funding", activity.funding, .ledger)], source: Source.sample)
        add(
            "positionFunding", printed.funding, "funding",
            [figure("funding", printed.funding, of: printed.market)], source: Source.sample)
        add(
            "volume", printed.volume, "Σ price × quantity of all fills",
            [Explanation.Input("traded notional", activity.volume, .ledger)], source: Source.sample)
        add(
            "fees", printed.fees, "Σ fees of fills, liquidation fees among them",
            [Explanation.Input("fees", activity.fees, .ledger)], rounding: Self.cutToMoney,
            source: Source.sample)
        add(
            "liquidationFees", printed.liquidationFees, "Σ fees of liquidating fills",
            [Explanation.Input("fees of liquidating fills", activity.liquidationFees, .ledger)],
            source: Source.sample)
    }

    private mutating func explainMargins(_ row: MarketRow, _ printed: RailsMarketBalance) {
        let name = printed.market
        if row.isIsolated {
            let orders =
                isDocumented
                ? [figure("openBuy", row.openBuy, of: name), figure("openSell", row.openSell, of: name)] : []
            add(
                "margin", printed.margin,
                "what the isolated position holds"
                    + (isDocumented ? " + (openBuy + openSell) ÷ leverage" : ""),
                [isolatedMargin(of: row)] + orders + (isDocumented ? [leverage(of: row)] : []),
                rounding: Self.cutToAll, status: .choice, source: Source.ours)
        } else if isDocumented {
            add(
                "margin", printed.margin, "(position + openBuy + openSell) ÷ leverage",
                [
                    size(of: row), figure("openBuy", row.openBuy, of: name),
                    figure("openSell", row.openSell, of: name), leverage(of: row),
                ], rounding: Self.cutToAll)
        } else {
            add(
                "margin", printed.margin, "index price × |quantity| ÷ leverage",
                [size(of: row), leverage(of: row)], rounding: Self.cutToAll, source: Source.metricsPage)
        }
        add(
            "maintenanceMargin", printed.maintenanceMargin,
            isDocumented ? "position × maintenance rate" : "index price × |quantity| × maintenance rate",
            [size(of: row), maintenanceRate], rounding: Self.cutToAll,
            source: isDocumented ? Source.given : Source.metricsPage)
    }

    // MARK: - What the fields rest on

    private mutating func explainBasis(_ row: MarketRow) throws {
        let name = row.activity.instrument
        let others = totals.rows.filter {
            $0.activity.instrument != name && !$0.isIsolated && !row.isIsolated
        }
        let pool = row.isIsolated ? [row] : totals.rows.filter { !$0.isIsolated }
        add(
            "otherEquity", try totals.otherEquity(of: row),
            row.isIsolated
                ? "what the isolated position holds"
                : "unroundedTotal − what isolated positions hold "
                    + "+ Σ unrealizedPnl of the other cross positions",
            row.isIsolated
                ? [isolatedMargin(of: row)]
                : [total("unroundedTotal", totals.unroundedTotal)] + isolatedMargins()
                    + others.filter { $0.position != nil }.map(unrealised), status: .choice,
            source: Source.ours)
        add(
            "otherMaintenance", try totals.otherMaintenance(of: row),
            isDocumented
                ? "positions of the pool × maintenance rate: at cost, so no price moves it"
                : "Σ position size of the pool's other markets × maintenance rate",
            (isDocumented ? pool : others).map(size) + [maintenanceRate], status: .choice,
            source: Source.ours)
        if let position = row.position { try explain(position, row) }
        if isDocumented { return }
        add(
            "positionSize", row.size, "index price × |quantity|",
            row.position == nil
                ? [quantity(of: row)] : [quantity(of: row), try indexPrice(of: row.activity.instrument)],
            source: Source.metricsPage)
        add(
            "openingOrders", row.openingOrders,
            "Σ open quantity × limit price of orders that add exposure: reduce-only orders never count, "
                + "orders against the position only beyond its size, oldest first",
            [quantity(of: row)]
                + orders(of: name, side: nil).filter { !$0.reduceOnly }.flatMap(notional),
            status: .choice, source: Source.riskPage)
        add(
            "openOrderMargin", try openOrderMargin(of: row), "openingOrders ÷ leverage",
            [figure("openingOrders", row.openingOrders, of: name), leverage(of: row)],
            status: .choice, source: Source.riskPage)
    }

    /// An open position's unrealised profit, and the price that it is worth.
    private mutating func explain(_ position: Position, _ row: MarketRow) throws {
        let instrument = position.instrument
        add(
            "unrealizedPnl", row.unrealised, "quantity × index price − cost",
            [quantity(of: row), cost(of: row), try indexPrice(of: instrument.name)],
            source: "Rails API documentation, Get Account Positions")
        let price = try market.requiredMark(instrument)
        if let given = market.prices.marks[instrument.name] {
            add(
                "indexPrice", price, "the index price last given",
                [Explanation.Input("price given at \(given.at.iso8601)", given.price, .price)],
                source: Source.metricsPage)
        } else {
            let base = try market.requiredIndex(instrument.base)
            let quote = try market.requiredIndex(instrument.quote)
            add(
                "indexPrice", price, "index of \(instrument.base) ÷ index of \(instrument.quote)",
                [
                    Explanation.Input("index of \(instrument.base)", base, .price),
                    Explanation.Input("index of \(instrument.quote)", quote, .price),
                ], rounding: "half up to 8 places", status: .choice, source: Source.ours)
        }
    }

    private func indexPrice(of name: String) throws -> Explanation.Input {
        guard let position = account.positions.first(where: { $0.instrument.name == name }) else {
            throw FigureError.priceMissing(name)
        }
        return figure("indexPrice", try market.requiredMark(position.instrument), of: name)
    }

    private func openOrderMargin(of row: MarketRow) throws(NumberError) -> ExactFraction {
        try RailsFigures.openOrderMargin(openingOrders: row.openingOrders, leverage: row.leverage)
    }
}
