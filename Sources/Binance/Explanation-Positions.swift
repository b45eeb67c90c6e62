import Ledger
import Numbers
import Venue

/// The rows of `positions`, and what the position risk tells of them besides.
extension AccountExplainer {
    /// Every position row's fields in the body's order, each row followed by what it rests on.
    mutating func explainPositions() throws {
        for row in figures.positions {
            prefix = "positions.\(row.path)."
            explainProfit(row)
            try explainMargins(row)
            explainUpdateTime(row)
            try explainMarkPrice(row)
            explainOrders(row)
        }
        prefix = ""
    }

    private func cost(of row: BinancePositionRow) -> Explanation.Input {
        Explanation.Input("cost of \(row.symbol) \(row.sideName)", row.cost, .ledger)
    }

    /// How the product of an initial margin is brought to its places.
    private var marginRounding: String {
        rules.account.initialMarginRounding == .towardZero
            ? Self.cut : "half up to \(BinanceFigures.places) places"
    }

    private func marginType(of row: BinancePositionRow) -> Explanation.Input {
        Explanation.Input("margin type", row.marginMode.rawValue, .ledger)
    }

    /// Open orders of the row: those that take margin, and the rest.
    private func orders(of row: BinancePositionRow) -> (counted: [OpenOrder], others: [OpenOrder]) {
        let orders = account.orders.filter {
            $0.instrument.name == row.symbol && $0.positionSide == row.side && $0.marginMode == row.marginMode
        }
        return (
            orders.filter { !$0.reduceOnly && !$0.closesHedgeLeg },
            orders.filter { $0.reduceOnly || $0.closesHedgeLeg }
        )
    }

    // MARK: - Fields

    private mutating func explainProfit(_ row: BinancePositionRow) {
        let quantity = figure("positionAmt", of: row)
        let mark = figure("markPrice", of: row)
        add(
            "positionAmt", "quantity of the position, negative when short",
            [Explanation.Input("quantity", row.quantity, .ledger)])
        add(
            "unrealizedProfit", "positionAmt × (markPrice − cost ÷ positionAmt, cut to 8 places)",
            [quantity, mark, cost(of: row)], rounding: Self.cut, source: Source.recordings)
        let hasWallet = row.marginMode == .isolated && !row.quantity.isZero
        add(
            "isolatedMargin",
            hasWallet ? "isolatedWallet + unrealizedProfit" : "0 without an isolated position",
            hasWallet
                ? [figure("isolatedWallet", of: row), figure("unrealizedProfit", of: row)]
                : [marginType(of: row)], source: Source.risk)
        add("notional", "positionAmt × markPrice", [quantity, mark], rounding: Self.cut, source: Source.risk)
        add(
            "isolatedWallet", hasWallet ? "what was put into the position" : "0 without an isolated position",
            hasWallet
                ? [Explanation.Input("wallet of the position", row.isolatedWallet, .ledger)]
                : [marginType(of: row)], source: Source.risk)
    }

    private mutating func explainMargins(_ row: BinancePositionRow) throws {
        add(
            "initialMargin", "positionInitialMargin + openOrderInitialMargin",
            [figure("positionInitialMargin", of: row), figure("openOrderInitialMargin", of: row)],
            source: Source.risk)
        let coefficient = account.notionalCoefficient
        let bracket = try row.rules.bracket(of: row.notional, coefficient: coefficient)
        let isRaised = coefficient != .one
        add(
            "maintMargin",
            "|notional| × maintMarginRatio − cum of the bracket with notionalFloor < |notional| ≤ notionalCap"
                + (isRaised ? "; edges and cum of the brackets times notionalCoef" : ""),
            [figure("notional", of: row)] + inputs(of: bracket, row)
                + (isRaised ? [Explanation.Input("notionalCoef", coefficient, .raised)] : []),
            rounding: Self.cut, source: Source.brackets)
    }

    private func inputs(of bracket: Bracket, _ row: BinancePositionRow) -> [Explanation.Input] {
        let place = "of bracket \(bracket.number) for \(row.symbol) \(row.sideName)"
        return [
            Explanation.Input("maintMarginRatio \(place)", bracket.maintenanceRate, .rule),
            Explanation.Input("cum \(place)", bracket.cumulative, .rule),
        ]
    }

    private mutating func explainUpdateTime(_ row: BinancePositionRow) {
        let isOpen = !row.quantity.isZero
        add(
            "updateTime",
            isOpen
                ? "last change of the position, in milliseconds"
                : "last change of the symbol while there is no position, in milliseconds; 0 for never",
            [Explanation.Input("last change", "\(row.updateTime)", .ledger)],
            status: isOpen ? .exact : .choice)
    }

    // MARK: - What the fields rest on

    private mutating func explainMarkPrice(_ row: BinancePositionRow) throws {
        if let given = market.prices.marks[row.symbol] {
            add(
                "markPrice", behind: row.markPrice, "the mark price last given",
                [Explanation.Input("price given at \(given.at.iso8601)", given.price, .price)],
                source: Source.risk)
            return
        }
        let instrument = row.rules.instrument
        add(
            "markPrice", behind: row.markPrice, "index of \(instrument.base) ÷ index of \(instrument.quote)",
            [try index(of: instrument.base), try index(of: instrument.quote)],
            rounding: "half up to 8 places", status: .choice, source: Source.ours)
    }

    private mutating func explainOrders(_ row: BinancePositionRow) {
        let notional = figure("notional", of: row)
        let leverage =
            account.leverage(setFor: row.symbol).map {
                Explanation.Input("leverage", $0, .setting)
            } ?? Explanation.Input("default leverage", row.leverage, .rule)
        let own = figure("positionInitialMargin", of: row)
        add(
            "positionInitialMargin", behind: row.positionInitialMargin,
            "|notional| × (1 ÷ leverage, rounded up to 8 places)",
            [notional, leverage], rounding: marginRounding, source: Source.recordings)
        let (counted, others) = orders(of: row)
        // That these take no margin is a choice; so is the split of a cross position's margin.
        let status: Explanation.Status =
            others.isEmpty && (counted.isEmpty || row.marginMode == .isolated) ? .exact : .choice
        if counted.isEmpty {
            add(
                "openOrderInitialMargin", behind: row.openOrderInitialMargin,
                "0: no open order that may add to the position", [], status: status, source: Source.orders)
            return
        }
        add(
            "openOrderInitialMargin", behind: row.openOrderInitialMargin,
            "max(|notional + bidNotional|, |notional − askNotional|) × (1 ÷ leverage, rounded up to 8 "
                + "places) − positionInitialMargin",
            [notional, figure("bidNotional", of: row), figure("askNotional", of: row), leverage, own],
            rounding: "the product \(marginRounding)", status: status, source: Source.orders)
        for (field, side, value) in [
            ("bidNotional", Side.buy, row.openBuys), ("askNotional", .sell, row.openSells),
        ] {
            add(
                field, behind: value,
                "Σ open quantity × price of \(side.rawValue) orders that may add to the position",
                counted.filter { $0.side == side }.flatMap(Self.inputs), rounding: "cut to 18 places",
                status: others.isEmpty ? .exact : .choice, source: Source.orders)
        }
    }

    private static func inputs(of order: OpenOrder) -> [Explanation.Input] {
        [
            Explanation.Input("open quantity of order \(order.id)", order.remaining, .ledger),
            Explanation.Input("price of order \(order.id)", order.price, .ledger),
        ]
    }

    // MARK: - Position risk

    /// Entry, break-even and liquidation price of every row.
    mutating func explainRisk() throws {
        for row in figures.positions {
            prefix = "positionRisk.\(row.path)."
            let rounding = "cut to \(BinanceFigures.priceDigits) places less the digits before the point"
            add(
                "entryPrice", "cost ÷ positionAmt; 0 without a position",
                [cost(of: row), figure("positionAmt", of: row)], rounding: rounding,
                source: Source.recordings)
            add(
                "breakEvenPrice",
                "(cost + commission paid − realised profit) ÷ positionAmt, both since the position was "
                    + "opened and in \(row.marginAsset); 0 without a position",
                [
                    cost(of: row), figure("positionAmt", of: row),
                    Explanation.Input("commission paid for the position", row.fees, .ledger),
                    Explanation.Input("realised profit of the position", row.realised, .ledger),
                ], rounding: rounding, source: Source.recordings)
            try explainLiquidation(row)
        }
        prefix = ""
    }

    private mutating func explainLiquidation(_ row: BinancePositionRow) throws {
        if row.quantity.isZero {
            let quantity = figure("positionAmt", of: row)
            return add("liquidationPrice", "0 without a position", [quantity], source: Source.risk)
        }
        let isCross = row.marginMode == .cross
        let legs =
            isCross
            ? figures.positions.cross.filter { $0.symbol == row.symbol && !$0.quantity.isZero } : [row]
        let balance =
            isCross
            ? Explanation.Input("crossBalance", "", .figure, path: "\(prefix)crossBalance")
            : figure("isolatedWallet", of: row)
        let price = try ExactDecimal(servedText("liquidationPrice"))
        var inputs = [balance] + each("positionAmt", of: legs) + legs.map(cost)
        for leg in legs where price.isPositive {
            let notional = try BinanceFigures.notional(quantity: leg.quantity, markPrice: price)
            let bracket = try leg.rules.bracket(of: notional, coefficient: account.notionalCoefficient)
            inputs += self.inputs(of: bracket, leg)
        }
        if legs.count > 1 { inputs.append(figure("markPrice", of: row)) }
        add(
            "liquidationPrice",
            "(\(isCross ? "crossBalance" : "isolatedWallet") + Σ cum − Σ cost) "
                + "÷ (Σ |positionAmt| × maintMarginRatio − Σ positionAmt), brackets as they hold there; "
                + (legs.count > 1 ? "of several, the one nearest to markPrice; " : "")
                + "0 where no positive price does it",
            inputs, rounding: Self.cut,
            status: legs.count > 1 || (isCross && figures.isMultiAssets) ? .choice : .exact,
            source: Source.liquidation)
        if isCross { try explainCrossBalance(row, legs) }
    }

    /// What backs a symbol's cross positions beside themselves.
    private mutating func explainCrossBalance(
        _ row: BinancePositionRow, _ legs: [BinancePositionRow]
    ) throws {
        guard let asset = figures.asset(row.marginAsset) else { return }
        let value = try figures.crossBalance(
            of: row.marginAsset, withoutProfit: legs.map(\.unrealizedProfit).sum(),
            withoutMaintenance: legs.map(\.maintMargin).sum()
        ).rounded(places: 18, rounding: .halfEven)  // shown so; the price is worked out with all of it
        let profits = each("unrealizedProfit", of: legs)
        guard figures.isPooled(asset) else {
            let others = figures.positions.cross.filter {
                $0.marginAsset == row.marginAsset && $0.symbol != row.symbol
            }
            add(
                "crossBalance", behind: value,
                "crossWalletBalance + crossUnPnl − Σ unrealizedProfit of the symbol itself "
                    + "− Σ maintMargin of the other cross positions",
                [figure("crossWalletBalance", of: asset), figure("crossUnPnl", of: asset)] + profits
                    + each("maintMargin", of: others), source: Source.liquidation)
            return
        }
        let pool = figures.assets.filter {
            $0.marginAvailable
                && ($0.asset == asset.asset || !$0.marginBalance.isZero || !$0.maintMargin.isZero)
        }
        add(
            "crossBalance", behind: value,
            "Σ over the margin assets of marginBalance × bidRate, or × askRate where it is negative, "
                + "less maintMargin × askRate; unrealizedProfit and maintMargin of the symbol itself "
                + "left out; "
                + "÷ askRate of \(asset.asset)",
            pool.flatMap { pooled in
                [
                    figure("marginBalance", of: pooled), figure("maintMargin", of: pooled),
                    rate("bidRate", of: pooled.asset), rate("askRate", of: pooled.asset),
                ]
            } + profits + each("maintMargin", of: legs),
            rounding: "each addend \(Self.cut), the quotient shown half even to 18 places", status: .choice,
            source: Source.ours)
    }
}
