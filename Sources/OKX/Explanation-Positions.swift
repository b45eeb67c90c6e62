import Ledger
import Numbers
import Venue

/// The figures of one position that others rest on; all are signed like the position.
enum PositionFigure: String {
    case delta, imr, liqPx, liquidationFee, loan, mmr, notional, notionalUsd, upl
}

/// The figures of one open order that others rest on.
enum OrderFigure: String {
    case fee, feeUsd, frozen, margin, notional, notionalUsd, paid
}

/// The figures of one risk unit of portfolio mode that others rest on.
enum UnitFigure: String {
    case delta, gross, imr, mmr, MR1, MR4, MR6, MR7, netDelta
}

extension Position {
    /// What tells it apart from the account's other positions.
    var title: String { "\(instrument.name) \(side.rawValue) \(marginMode.rawValue)" }
}

extension OpenOrder {
    /// The currency that an exchange of a pair would pay; nil for contracts and pairs on margin.
    var spends: String? {
        if settlementAsset != nil { return nil }
        return side == .buy ? instrument.quote : instrument.base
    }
}

// MARK: - Positions

extension BalanceExplainer {
    func target(_ figure: PositionFigure, _ position: Position) -> Target {
        Target(
            path: "positions.\(position.instrument.name).\(position.side.rawValue)."
                + "\(position.marginMode.rawValue).\(figure.rawValue)",
            isField: false, name: figure.rawValue)
    }

    /// What margins are a share of: notional in the settlement currency in futures mode, in USD elsewhere.
    private var marginBasis: PositionFigure { mode == .futures ? .notional : .notionalUsd }

    private func value(_ figure: PositionFigure, at place: Int) throws -> ExactFraction {
        let measure = measures[place]
        let position = account.positions[place]
        let basis = mode == .futures || measure.loan != nil ? measure.notional : measure.notionalUSD
        switch figure {
        case .delta: return measure.delta
        case .notional: return measure.notional
        case .notionalUsd: return measure.notionalUSD
        case .upl: return measure.unrealised
        case .imr:
            return try Figures.initialMargin(
                notional: basis, leverage: account.leverageInForce(of: position, rules))
        case .loan: return measure.loan ?? .zero
        case .mmr:
            if measure.loan != nil { return try measure.maintenance() }
            return try Figures.maintenanceMargin(notional: basis, rate: measure.maintenanceRate)
        case .liquidationFee:
            let rate = takerRate(position.instrument)
            if measure.loan != nil { return try measure.liquidationFee(rate: rate) }
            return try Figures.liquidationFee(notional: basis, rate: rate)
        case .liqPx: return try liquidationPrice(of: position) ?? .zero
        }
    }

    func liquidationPrice(of position: Position) throws -> ExactFraction? {
        try LiquidationPrice(of: position, in: account, market: market, rules: rules).price()
            .map { ExactFraction($0) }
    }

    func takerRate(_ instrument: Instrument) -> ExactDecimal {
        rules.instrument(instrument.name)?.takerRate ?? .zero
    }

    /// A figure of some positions, as inputs.
    func positions(
        _ figure: PositionFigure, _ isCounted: (Position) -> Bool
    ) throws -> [Explanation.Input] {
        try account.positions.indices.filter { isCounted(account.positions[$0]) }.map { place in
            let position = account.positions[place]
            return input(
                "\(figure.rawValue) of \(position.title)", target(figure, position),
                try value(figure, at: place))
        }
    }

    func given(_ figure: PositionFigure, at place: Int) throws -> Explanation.Input {
        input(figure.rawValue, target(figure, account.positions[place]), try value(figure, at: place))
    }

    mutating func explain(
        _ figure: PositionFigure, at place: Int, _ formula: String, _ inputs: [Explanation.Input],
        rounding: String = "", status: Explanation.Status = .exact, source: String = Source.positions,
        by rework: (FigureInputs) throws -> ExactFraction?
    ) throws {
        add(
            target(figure, account.positions[place]), try value(figure, at: place), formula, inputs,
            rounding: rounding, status: status, source: source, by: rework)
    }

    func leverage(
        _ instrument: Instrument, side: PositionSide, marginMode: MarginMode
    ) -> Explanation.Input {
        if let set = account.leverage(instrument.name, side: side, marginMode: marginMode) {
            return Explanation.Input("lever (as set)", set, .setting)
        }
        return Explanation.Input("lever (until one is set)", rules.defaultLeverage(of: instrument), .rule)
    }

    mutating func explainPositions() throws {
        for place in account.positions.indices {
            if account.positions[place].margin != nil {
                try explainOnMargin(at: place)
                continue
            }
            try explainValue(at: place)
            try explainMargins(at: place)
            if account.positions[place].marginMode == .isolated { try explainLiquidation(at: place) }
        }
    }

    /// Value and profit of a position at the market.
    private mutating func explainValue(at place: Int) throws {
        let position = account.positions[place]
        let instrument = position.instrument
        let isInverse = instrument.payoff == .inverse
        let size = [
            Explanation.Input("pos", position.quantity, .ledger),
            Explanation.Input("ctVal", instrument.contractValue, .rule),
        ]
        try explainMark(instrument)
        try explain(
            .notional, at: place, isInverse ? "pos × ctVal ÷ markPx" : "pos × ctVal × markPx",
            size + [markPrice(instrument)]
        ) {
            try Figures.notional(
                size: Figures.size(contracts: $0("pos"), value: $0("ctVal")), isInverse: isInverse,
                price: $0("markPx"))
        }
        try explain(
            .notionalUsd, at: place,
            isInverse ? "pos × ctVal, which is in USD" : "notional × index price of \(instrument.settle)",
            isInverse ? size : [given(.notional, at: place), indexPrice(instrument.settle)]
        ) {
            try Figures.notionalUSD(
                size: Figures.size(contracts: $0.optional("pos"), value: $0.optional("ctVal")),
                notional: $0.optional("notional"), isInverse: isInverse,
                settlementIndex: $0.optional("index price"))
        }
        try explain(
            .upl, at: place, isInverse ? "cost × ctVal − notional" : "notional − cost × ctVal",
            [
                given(.notional, at: place), Explanation.Input("cost", position.cost, .ledger), size[1],
            ]
        ) {
            try Figures.unrealised(
                notional: $0("notional"),
                costValue: Figures.costValue($0("cost"), contractValue: $0("ctVal")), isInverse: isInverse)
        }
        try explain(
            .delta, at: place, isInverse ? "notional" : "pos × ctVal",
            isInverse ? [given(.notional, at: place)] : size, source: Source.portfolio
        ) {
            isInverse ? try $0("notional") : try Figures.size(contracts: $0("pos"), value: $0("ctVal"))
        }
    }

    private mutating func explainMargins(at place: Int) throws {
        let position = account.positions[place]
        let instrument = position.instrument
        let basis = marginBasis
        let source = mode == .futures ? Source.futures : Source.recorded
        let notional = try given(basis, at: place)
        try explain(
            .imr, at: place, "|\(basis.rawValue)| ÷ lever",
            [
                notional,
                leverage(instrument, side: position.side, marginMode: position.marginMode),
            ], source: source
        ) { try Figures.initialMargin(notional: $0(basis.rawValue), leverage: $0("lever")) }
        let tier = rules.instrument(instrument.name)?.tier(of: position.quantity.magnitude)
        let tierName = tier.map { "tier \($0.number), in which all of pos stands" } ?? "no tiers"
        try explain(
            .mmr, at: place, "|\(basis.rawValue)| × maintenance rate of the whole position's tier",
            [
                notional,
                Explanation.Input(
                    "maintenance rate (\(tierName))", measures[place].maintenanceRate, .rule),
            ], source: source
        ) { try Figures.maintenanceMargin(notional: $0(basis.rawValue), rate: $0("maintenance rate")) }
        try explain(
            .liquidationFee, at: place, "|\(basis.rawValue)| × taker rate",
            [notional, Explanation.Input("taker rate", takerRate(instrument), .rule)], source: source
        ) { try Figures.liquidationFee(notional: $0(basis.rawValue), rate: $0("taker rate")) }
    }

    /// An isolated position's `liqPx`, which `account/positions` shows.
    private mutating func explainLiquidation(at place: Int) throws {
        let position = account.positions[place]
        guard let instrument = rules.instrument(position.instrument.name) else { return }
        let isInverse = position.instrument.payoff == .inverse
        let isLong = position.isLong
        let ticks = rules.margin.isolatedLiquidationTicks
        let solution =
            isInverse
            ? "(pos × ctVal + |pos × ctVal| × rates) ÷ (margin + cost × ctVal)"
            : "(cost × ctVal − margin) ÷ (pos × ctVal − |pos × ctVal| × rates)"
        add(
            target(.liqPx, position), try liquidationPrice(of: position),
            "\(solution), where margin + upl is maintenance margin + liquidation fee, "
                + "\(isLong ? "+" : "−") ticks × tickSz; \"\" where no mark does it",
            [
                Explanation.Input("pos", position.quantity, .ledger),
                Explanation.Input("ctVal", position.instrument.contractValue, .rule),
                Explanation.Input("cost", position.cost, .ledger),
                Explanation.Input("margin", position.isolatedWallet, .ledger),
                Explanation.Input("maintenance rate", measures[place].maintenanceRate, .rule),
                Explanation.Input("taker rate", instrument.takerRate, .rule),
                Explanation.Input("ticks", ticks, .rule),
                Explanation.Input("tickSz", instrument.tick, .rule),
            ], rounding: "half up to 16 significant digits, at most 16 places",
            source: Source.recordedPositions, isNeighbour: true
        ) {
            let rates: ExactDecimal = try $0("maintenance rate") + $0("taker rate")
            let size = try Figures.size(contracts: $0("pos"), value: $0("ctVal"))
            let tick: ExactDecimal = try $0("tickSz")
            return try Figures.isolatedLiquidationPrice(
                size: size, costValue: Figures.costValue($0("cost"), contractValue: $0("ctVal")),
                margin: $0("margin"), requiredSize: size.magnitude.times(rates), isInverse: isInverse,
                shift: tick.times($0("ticks"), rounding: .halfEven)
            ).map { ExactFraction($0) }
        }
    }

    /// What takes the place of a mark price that nobody has given.
    mutating func explainMark(_ instrument: Instrument) throws {
        if market.prices.marks[instrument.name] != nil { return }
        add(
            Self.mark(instrument), ExactFraction(try market.requiredMark(instrument)),
            "index price of \(instrument.base) ÷ index price of \(instrument.quote), while no mark is given",
            [
                try indexPrice(instrument.base, as: "base"), try indexPrice(instrument.quote, as: "quote"),
            ], rounding: "half up to 8 places", status: .choice, source: Source.ours
        ) {
            let base: ExactDecimal = try $0("base")
            return ExactFraction(try base.over($0("quote"), places: 8, rounding: .halfUp))
        }
    }
}

// MARK: - Open orders

extension BalanceExplainer {
    private func target(_ figure: OrderFigure, _ order: OpenOrder) -> Target {
        Target(path: "orders.\(order.id).\(figure.rawValue)", isField: false, name: figure.rawValue)
    }

    /// What margin of an order is a share of.
    private func marginBasis(_ order: OpenOrder) -> OrderFigure {
        order.marginMode == .isolated || mode == .futures ? .notional : .notionalUsd
    }

    private func isFree(_ order: OpenOrder) -> Bool { order.reduceOnly || order.closesHedgeLeg }

    private func value(_ figure: OrderFigure, _ order: OpenOrder) throws -> ExactFraction {
        let isInverse = order.instrument.payoff == .inverse
        let size = try Figures.size(contracts: order.remaining, value: order.instrument.contractValue)
        if figure == .notional, let asset = order.terms?.marginAsset {
            return try Figures.traded(by: order, in: asset)
        }
        switch figure {
        case .paid:
            return try Figures.spotOrder(
                remaining: order.remaining, price: order.price, isBuy: order.side == .buy)
        case .frozen:
            return try Figures.spotOrderHeld(paid: value(.paid, order), fee: value(.fee, order))
        case .notional: return try Figures.notional(size: size, isInverse: isInverse, price: order.price)
        case .notionalUsd:
            return try Figures.notionalUSD(
                size: size, notional: value(.notional, order), isInverse: isInverse,
                settlementIndex: market.requiredIndex(order.instrument.settle))
        case .fee, .feeUsd:
            if let currency = order.spends {
                let fee = try Figures.orderFee(
                    notional: value(.paid, order), rate: rules.margin.orderFeeRate)
                return figure == .fee
                    ? fee : try Figures.equityUSD(fee, index: market.requiredIndex(currency))
            }
            return try Figures.orderFee(
                notional: value(figure == .fee ? .notional : .notionalUsd, order),
                rate: rules.margin.orderFeeRate)
        case .margin:
            if isFree(order) { return .zero }
            return try Figures.initialMargin(
                notional: value(marginBasis(order), order),
                leverage: account.leverageInForce(
                    of: order.instrument, side: order.positionSide, marginMode: order.marginMode, rules))
        }
    }

    /// A figure of some orders, as inputs.
    func orders(_ figure: OrderFigure, _ isCounted: (OpenOrder) -> Bool) throws -> [Explanation.Input] {
        try account.orders.filter(isCounted).map { order in
            input("\(figure.rawValue) of order \(order.id)", target(figure, order), try value(figure, order))
        }
    }

    private func given(_ figure: OrderFigure, _ order: OpenOrder) throws -> Explanation.Input {
        input(figure.rawValue, target(figure, order), try value(figure, order))
    }

    private mutating func explain(
        _ figure: OrderFigure, _ order: OpenOrder, _ formula: String, _ inputs: [Explanation.Input],
        by rework: (FigureInputs) throws -> ExactFraction?
    ) throws {
        add(
            target(figure, order), try value(figure, order), formula, inputs,
            status: .choice, source: Source.ours, by: rework)
    }

    mutating func explainOrders() throws {
        for order in account.orders {
            let size = Explanation.Input("sz", order.remaining, .ledger)
            let price = Explanation.Input("px", order.price, .ledger)
            if order.instrument.kind.isDerivative {
                let value = Explanation.Input("ctVal", order.instrument.contractValue, .rule)
                try explainNotional(order, [size, value], price)
                try explainFees(order)
                try explainMargin(order)
            } else if let asset = order.terms?.marginAsset {
                try explainTraded(order, in: asset, size, price)
                try explainMargin(order)
            } else {
                try explainSpot(order, size, price)
            }
        }
    }

    /// What a spot order would pay, and what it holds.
    private mutating func explainSpot(
        _ order: OpenOrder, _ size: Explanation.Input, _ price: Explanation.Input
    ) throws {
        let isBuy = order.side == .buy
        try explain(.paid, order, isBuy ? "open sz × px" : "open sz", isBuy ? [size, price] : [size]) {
            try Figures.spotOrder(remaining: $0("sz"), price: $0.optional("px"), isBuy: isBuy)
        }
        let rate = Explanation.Input("order fee rate", rules.margin.orderFeeRate, .rule)
        try explain(.fee, order, "paid × order fee rate", [given(.paid, order), rate]) {
            try Figures.orderFee(notional: $0("paid"), rate: $0("order fee rate"))
        }
        let currency = isBuy ? order.instrument.quote : order.instrument.base
        try explain(
            .feeUsd, order, "fee × index price of \(currency)",
            [given(.fee, order), indexPrice(currency)]
        ) { try Figures.equityUSD($0("fee"), index: $0("index price")) }
        try explain(.frozen, order, "paid + fee", [given(.paid, order), given(.fee, order)]) {
            try Figures.spotOrderHeld(paid: $0("paid"), fee: $0("fee"))
        }
    }

    private mutating func explainNotional(
        _ order: OpenOrder, _ size: [Explanation.Input], _ price: Explanation.Input
    ) throws {
        let isInverse = order.instrument.payoff == .inverse
        try explain(
            .notional, order, isInverse ? "open sz × ctVal ÷ px" : "open sz × ctVal × px", size + [price]
        ) {
            try Figures.notional(
                size: Figures.size(contracts: $0("sz"), value: $0("ctVal")), isInverse: isInverse,
                price: $0("px"))
        }
        try explain(
            .notionalUsd, order,
            isInverse
                ? "open sz × ctVal, which is in USD" : "notional × index price of \(order.instrument.settle)",
            isInverse ? size : [given(.notional, order), indexPrice(order.instrument.settle)]
        ) {
            try Figures.notionalUSD(
                size: Figures.size(contracts: $0.optional("sz"), value: $0.optional("ctVal")),
                notional: $0.optional("notional"), isInverse: isInverse,
                settlementIndex: $0.optional("index price"))
        }
    }

    /// What an order of a pair on margin would trade, in the currency of its margin.
    private mutating func explainTraded(
        _ order: OpenOrder, in asset: String, _ size: Explanation.Input, _ price: Explanation.Input
    ) throws {
        let inBase = asset == order.instrument.base
        try explain(
            .notional, order, inBase ? "open sz" : "open sz × px", inBase ? [size] : [size, price]
        ) {
            try Figures.amount($0("sz"), isBase: true, inBase: inBase, price: $0.optional("px"))
        }
    }

    private mutating func explainFees(_ order: OpenOrder) throws {
        let rate = Explanation.Input("order fee rate", rules.margin.orderFeeRate, .rule)
        for (figure, basis) in [(OrderFigure.fee, OrderFigure.notional), (.feeUsd, .notionalUsd)] {
            try explain(
                figure, order, "\(basis.rawValue) × order fee rate", [given(basis, order), rate]
            ) { try Figures.orderFee(notional: $0(basis.rawValue), rate: $0("order fee rate")) }
        }
    }

    private mutating func explainMargin(_ order: OpenOrder) throws {
        if isFree(order) {
            try explain(.margin, order, "0: reduce-only and closing orders add no exposure", []) { _ in
                .zero
            }
            return
        }
        let basis = marginBasis(order)
        try explain(
            .margin, order, "\(basis.rawValue) ÷ lever, not netted against the position",
            [
                given(basis, order),
                leverage(order.instrument, side: order.positionSide, marginMode: order.marginMode),
            ]
        ) { try Figures.initialMargin(notional: $0(basis.rawValue), leverage: $0("lever")) }
    }
}

// MARK: - Risk units of portfolio mode

extension BalanceExplainer {
    private func target(_ figure: UnitFigure, _ unit: RiskUnit) -> Target {
        Target(
            path: "riskUnits.\(rules.assets[unit.underlying].name).\(figure.rawValue)", isField: false,
            name: figure.rawValue)
    }

    private func value(_ figure: UnitFigure, _ unit: RiskUnit) throws(NumberError) -> ExactFraction {
        let underlying = rules.assets[unit.underlying].name
        let portfolio = rules.portfolio
        switch figure {
        case .delta: return unit.delta
        case .gross: return unit.gross
        case .imr: return unit.initial
        case .mmr: return unit.maintenance
        case .netDelta:
            return try Figures.netDeltaUSD(
                derivativeDelta: unit.delta, spotInUse: unit.spotInUse, index: unit.index)
        case .MR1:
            return try Figures.spotShockCharge(
                netDeltaUSD: value(.netDelta, unit), shock: portfolio.spotShock[underlying])
        case .MR4: return try Figures.basisCharge(grossUSD: unit.gross, rate: portfolio.basis[underlying])
        case .MR6:
            return try Figures.extremeCharge(
                netDeltaUSD: value(.netDelta, unit), move: portfolio.extremeMove[underlying],
                share: portfolio.extremeShare)
        case .MR7:
            return try Figures.minimumCharge(
                grossUSD: unit.gross, rate: portfolio.minimumCharge[underlying],
                tiers: portfolio.minimumChargeTiers)
        }
    }

    /// A risk unit's figure as an input.
    func given(
        _ figure: UnitFigure, _ unit: RiskUnit, isOneOfMany: Bool = false
    ) throws(NumberError) -> Explanation.Input {
        let name = figure.rawValue
        let underlying = rules.assets[unit.underlying].name
        return input(
            isOneOfMany ? "\(name) of \(underlying)" : name, target(figure, unit),
            try value(figure, unit))
    }

    private mutating func explain(
        _ figure: UnitFigure, _ unit: RiskUnit, _ formula: String, _ inputs: [Explanation.Input],
        rounding: String = "", by rework: (FigureInputs) throws -> ExactFraction?
    ) throws {
        add(
            target(figure, unit), try value(figure, unit), formula, inputs, rounding: rounding,
            status: .estimate, source: Source.portfolio, by: rework)
    }

    mutating func explainUnit(_ unit: RiskUnit) throws {
        let underlying = rules.assets[unit.underlying].name
        let isHere = { (position: Position) in
            position.marginMode == .cross && position.instrument.base == underlying
        }
        try explain(
            .delta, unit, "Σ delta of the underlying's cross derivatives", positions(.delta, isHere),
            rounding: ""
        ) { try $0.sum("delta of ") }
        try explain(
            .gross, unit,
            "Σ |notionalUsd| of the underlying's cross derivatives, at mark; the sides of one instrument are "
                + "netted first, instruments are not",
            positions(.notionalUsd, isHere), rounding: ""
        ) { try $0.nettedMagnitudes("notionalUsd of ") }
        let spot = figures.row(unit.underlying).map { [given(.spotInUseAmt, $0)] } ?? []
        try explain(
            .netDelta, unit, "(delta + spotInUseAmt) × index price",
            [given(.delta, unit)] + spot + [indexPrice(underlying)]
        ) {
            try Figures.netDeltaUSD(
                derivativeDelta: $0("delta"), spotInUse: $0.optional("spotInUseAmt"),
                index: $0("index price"))
        }
        try explainCharges(unit, underlying)
        try explain(
            .mmr, unit, "max(max(MR1, MR6) + MR4, MR7); MR2, MR3 and MR5 belong to options, MR9 is 0",
            [given(.MR1, unit), given(.MR4, unit), given(.MR6, unit), given(.MR7, unit)], rounding: ""
        ) {
            try Figures.unitMaintenance(
                spotShock: $0("MR1"), extreme: $0("MR6"), basis: $0("MR4"), minimum: $0("MR7"))
        }
        try explain(
            .imr, unit, "mmr × imr factor",
            [
                given(.mmr, unit),
                Explanation.Input("imr factor", rules.portfolio.initialFactor, .rule),
            ]
        ) { try Figures.unitInitial(maintenance: $0("mmr"), factor: $0("imr factor")) }
    }

    private mutating func explainCharges(_ unit: RiskUnit, _ underlying: String) throws {
        let portfolio = rules.portfolio
        let net = try given(.netDelta, unit)
        let gross = try given(.gross, unit)
        try explain(
            .MR1, unit, "|netDelta| × widest spot shock",
            [net, Explanation.Input("spot shock", portfolio.spotShock[underlying], .rule)]
        ) { try Figures.spotShockCharge(netDeltaUSD: $0("netDelta"), shock: $0("spot shock")) }
        try explain(
            .MR4, unit, "gross × basis rate",
            [gross, Explanation.Input("basis rate", portfolio.basis[underlying], .rule)]
        ) { try Figures.basisCharge(grossUSD: $0("gross"), rate: $0("basis rate")) }
        try explain(
            .MR6, unit, "|netDelta| × extreme move × share of it that counts",
            [
                net, Explanation.Input("extreme move", portfolio.extremeMove[underlying], .rule),
                Explanation.Input("share", portfolio.extremeShare, .rule),
            ]
        ) {
            try Figures.extremeCharge(
                netDeltaUSD: $0("netDelta"), move: $0("extreme move"), share: $0("share"))
        }
        let tiers = portfolio.minimumChargeTiers.map { tier in
            tier.upTo.map { "× \(tier.multiplier) up to \($0)" } ?? "× \(tier.multiplier) beyond"
        }
        try explain(
            .MR7, unit, "gross × minimum charge rate, each tier's part × the tier's multiplier",
            [
                gross,
                Explanation.Input("minimum charge rate", portfolio.minimumCharge[underlying], .rule),
                Explanation.Input("tiers", tiers.joined(separator: ", "), .rule),
            ]
        ) {
            try Figures.minimumCharge(
                grossUSD: $0("gross"), rate: $0("minimum charge rate"), tiers: portfolio.minimumChargeTiers)
        }
    }
}
