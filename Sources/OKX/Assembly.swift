import JSON
import Ledger
import Numbers
import Venue

/// Everything that one currency of an account comes to: sums over its positions and orders, and the figures.
struct CurrencyFigures: Sendable {
    /// Where the currency stands in the rulebook's assets.
    let place: Int
    /// Where it stands in the account's holdings; nil where only positions or orders are in it.
    let holding: Int?
    /// USD per unit.
    let index: ExactDecimal
    /// Whether it has nothing but cash, positions and orders: no reserve, credit, spot cost, interest or
    /// loan.
    var isPlain = true
    /// Whether its positive equity counts as margin.
    var isCollateral = true
    var updatedAt: LedgerTime

    // What the ledger and the market say.
    var cash = ExactFraction.zero
    var borrowed = ExactFraction.zero
    var interest = ExactFraction.zero
    var strategyEquity = ExactFraction.zero
    var reserves = ExactFraction.zero
    var crossUnrealised = ExactFraction.zero
    var isolatedUnrealised = ExactFraction.zero
    var isolatedMargin = ExactFraction.zero
    /// What isolated margin positions owe.
    var isolatedLiability = ExactFraction.zero
    var spotOrders = ExactFraction.zero
    var isolatedOrders = ExactFraction.zero
    /// Futures mode: margin of cross orders, and sums over cross positions, in the currency.
    var crossOrders = ExactFraction.zero
    var orderFees = ExactFraction.zero
    var positionNotional = ExactFraction.zero
    var positionMargin = ExactFraction.zero
    var positionMaintenance = ExactFraction.zero
    var positionFees = ExactFraction.zero

    // What follows.
    var isolatedEquity = ExactFraction.zero
    var unrealised = ExactFraction.zero
    var equity = ExactFraction.zero
    var equityUSD = ExactFraction.zero
    var discountedUSD = ExactFraction.zero
    var inUse = ExactFraction.zero
    var ordersFrozen = ExactFraction.zero
    var frozen = ExactFraction.zero
    /// Not floored yet.
    var freeEquity = ExactFraction.zero
    var freeBalance = ExactFraction.zero
    var crossLiability = ExactFraction.zero
    var liability = ExactFraction.zero
    var unrealisedLossLiability = ExactFraction.zero
    var potentialBorrowing = ExactFraction.zero
    var borrowingUSD = ExactFraction.zero
    var borrowFrozen = ExactFraction.zero
    var maximumLoan = ExactFraction.zero
    var spotInUse = ExactFraction.zero
    var maximumSpotInUse = ExactFraction.zero
    /// Futures mode; nil where there is none.
    var marginRatio: ExactFraction?
    var notionalLeverage: ExactFraction?
    /// Where the figures of its spot trades are; nil where none was made.
    var spot: Int?

    init(place: Int, holding: Int?, index: ExactDecimal, updatedAt: LedgerTime) {
        self.place = place
        self.holding = holding
        self.index = index
        self.updatedAt = updatedAt
    }
}

/// What the account as a whole comes to, in USD.
struct AccountTotals: Sendable {
    var totalEquity = ExactFraction.zero
    var isolatedEquity = ExactFraction.zero
    var unrealised = ExactFraction.zero
    var discounted = ExactFraction.zero
    /// disEq of currencies whose collateral is restricted.
    var restricted = ExactFraction.zero
    var positionMargin = ExactFraction.zero
    var positionMaintenance = ExactFraction.zero
    var positionFees = ExactFraction.zero
    var orderMargin = ExactFraction.zero
    var orderFees = ExactFraction.zero
    var swapNotional = ExactFraction.zero
    var futuresNotional = ExactFraction.zero
    var borrowing = ExactFraction.zero
    var borrowFrozen = ExactFraction.zero

    var adjustedEquity = ExactFraction.zero
    var initialMargin = ExactFraction.zero
    var maintenanceMargin = ExactFraction.zero
    var availableEquity = ExactFraction.zero
    var liquidationFees = ExactFraction.zero
    var notional = ExactFraction.zero
    var marginRatio: ExactFraction?
}

/// Derivatives of one underlying in portfolio mode.
struct RiskUnit: Sendable {
    /// The underlying's place in the rulebook's assets.
    let underlying: Int
    /// USD per unit of the underlying.
    let index: ExactDecimal
    /// Σ signed size of cross derivatives, in the underlying.
    var delta = ExactFraction.zero
    /// Σ over cross derivatives of |notional| at mark, in USD; the sides of one instrument are netted first.
    var gross = ExactFraction.zero
    /// Signed notional of each instrument, in USD.
    var notionals: [(instrument: Int, usd: ExactFraction)] = []
    var spotInUse = ExactFraction.zero
    /// The same without the user's cap, and the cap; nil where none is set.
    var maximumSpotInUse = ExactFraction.zero
    var cap: ExactDecimal?
    var maintenance = ExactFraction.zero
    var initial = ExactFraction.zero
}

extension RiskUnit {
    /// Counts a position in its instrument's notional and in the gross of them.
    fileprivate mutating func add(
        _ notionalUSD: ExactFraction, of instrument: Int
    ) throws(NumberError) {
        guard let place = notionals.firstIndex(where: { $0.instrument == instrument }) else {
            notionals.append((instrument, notionalUSD))
            gross = try gross + notionalUSD.magnitude
            return
        }
        let netted = try notionals[place].usd + notionalUSD
        gross = try gross - notionals[place].usd.magnitude + netted.magnitude
        notionals[place].usd = netted
    }
}

/// Cost and profit of a currency's spot trades, in USD.
struct SpotFigures: Sendable {
    let balance: ExactFraction
    let openAveragePrice: ExactFraction?
    let accumulatedAveragePrice: ExactFraction?
    let unrealised: ExactFraction
    let unrealisedRatio: ExactFraction?
    let total: ExactFraction
    let totalRatio: ExactFraction?

    init(of cost: SpotCost, index: ExactDecimal) throws(NumberError) {
        balance = ExactFraction(cost.quantity)
        openAveragePrice = Figures.openAveragePrice(cost)
        accumulatedAveragePrice = try Figures.accumulatedAveragePrice(cost)
        unrealised = try Figures.spotUnrealised(cost, index: index)
        unrealisedRatio = try Figures.spotUnrealisedRatio(cost, index: index)
        total = try Figures.spotTotal(cost, index: index)
        totalRatio = try Figures.spotTotalRatio(cost, index: index)
    }
}

/// A mark to value one instrument with, in the place of the market's: for liquidation prices.
struct MarkOverride: Sendable {
    let instrument: Instrument
    let price: ExactDecimal
}

/// An account's figures, all of them worked out: what is served, and what verdicts are made of.
struct AccountFigures: Sendable {
    let mode: AccountMode
    /// In the order of first appearance; more than are shown.
    private(set) var rows: [CurrencyFigures] = []
    private(set) var totals = AccountTotals()
    /// One for each row with spot trades.
    private(set) var spots: [SpotFigures] = []
    /// Portfolio mode only.
    private(set) var units: [RiskUnit] = []

    /// Works them out. Throws `FigureError.priceMissing` for a price or rule that nobody has given, and
    /// `NumberError` for a figure that does not fit.
    ///
    /// With a mark of one's own there are no ratios: near a mark of 0 they leave the range of numbers, and no
    /// verdict rests on them.
    init(
        of account: Account, market: ValuationPrices, rules: RuleTable, override: MarkOverride? = nil
    ) throws {
        mode = account.mode
        rows.reserveCapacity(account.holdings.count + 4)
        for place in account.holdings.indices { try add(holding: place, of: account, market, rules) }
        for position in account.positions { try add(position, of: account, market, rules, override) }
        for order in account.orders { try add(order, of: account, market, rules) }
        for off in account.collateralOff(in: mode) {
            guard let asset = off.text.flatMap(rules.assetPlace) else { continue }
            for place in rows.indices where rows[place].place == asset { rows[place].isCollateral = false }
        }
        for place in rows.indices { try rows[place].workOut(mode: mode, rules: rules) }
        if mode == .futures, override == nil {
            for place in rows.indices { try rows[place].workOutRatios() }
        }
        try sumUp(account, rules)
        if mode == .portfolio { try workOutUnits(account, rules) }
        try workOutTotals(rules)
        if override == nil { try workOutRatio() }
        if mode != .futures { try workOutLoans(rules) }
    }

    /// The figures of a currency; nil where the account has nothing in it.
    func row(_ place: Int) -> CurrencyFigures? { rows.first { $0.place == place } }

    /// Portfolio margin's unit of an underlying; nil where it has no derivatives.
    func unit(_ underlying: Int) -> RiskUnit? { units.first { $0.underlying == underlying } }
}

// MARK: - Collecting

extension AccountFigures {
    private mutating func add(
        holding number: Int, of account: Account, _ market: ValuationPrices, _ rules: RuleTable
    ) throws {
        // Fields are taken one by one: a copy of the whole holding would count references for each table in
        // it.
        let holdings = account.holdings
        guard let place = rules.assetPlace(holdings[number].asset) else {
            throw FigureError.priceMissing(holdings[number].asset)
        }
        let index = try market.requiredIndex(holdings[number].asset)
        let row = rows.count
        rows.append(
            CurrencyFigures(
                place: place, holding: number, index: index, updatedAt: holdings[number].updatedAt))
        rows[row].cash = ExactFraction(holdings[number].cash)
        if mode != .futures { rows[row].interest = ExactFraction(holdings[number].interest) }
        rows[row].borrowed = ExactFraction(holdings[number].borrowed)
        if !holdings[number].reserved.isEmpty {
            for earmark in holdings[number].reserved {
                if earmark.purpose == ReservePurpose.strategy.rawValue {
                    try rows[row].strategyEquity += ExactFraction(earmark.amount)
                } else {
                    try rows[row].reserves += ExactFraction(earmark.amount)
                }
            }
        }
        rows[row].isPlain =
            holdings[number].reserved.isEmpty && holdings[number].credits.isEmpty
            && holdings[number].spotCost == nil && holdings[number].borrowed.isZero
            && holdings[number].interest.isZero
        if let cost = holdings[number].spotCost {
            rows[row].spot = spots.count
            spots.append(try SpotFigures(of: cost, index: index))
        }
    }

    /// The place of a currency's row, which is made if there is none.
    private mutating func rowPlace(
        _ asset: Int, at time: LedgerTime, _ market: ValuationPrices, _ rules: RuleTable
    ) throws -> Int {
        for place in rows.indices where rows[place].place == asset { return place }
        let index = try market.requiredIndex(rules.assets[asset].name)
        rows.append(CurrencyFigures(place: asset, holding: nil, index: index, updatedAt: time))
        return rows.count - 1
    }

    private mutating func add(
        _ position: Position, of account: Account, _ market: ValuationPrices, _ rules: RuleTable,
        _ override: MarkOverride?
    ) throws {
        guard let instrument = rules.instrumentPlace(position.instrument.name) else {
            throw FigureError.priceMissing(position.instrument.name)
        }
        let link = rules.links[instrument]
        let place = try rowPlace(link.settle(of: position), at: position.updatedAt, market, rules)
        if rows[place].updatedAt < position.updatedAt { rows[place].updatedAt = position.updatedAt }
        let measure = try PositionMeasure(
            of: position, instrument: instrument, settlementIndex: rows[place].index, market, rules, override)
        switch rules.instruments[instrument].type {
        case .swap: try totals.swapNotional += measure.notionalUSD.magnitude
        case .futures: try totals.futuresNotional += measure.notionalUSD.magnitude
        case .spot: break
        }
        guard position.marginMode == .cross else {
            try rows[place].isolatedUnrealised += measure.unrealised
            try rows[place].isolatedMargin += ExactFraction(position.isolatedWallet)
            if let liability = position.liability {
                let owed = try rowPlace(
                    liability.asset == position.instrument.base ? link.base : link.quote,
                    at: position.updatedAt, market, rules)
                try rows[owed].isolatedLiability += ExactFraction(liability.amount)
                rows[owed].isPlain = false
            }
            return
        }
        try rows[place].crossUnrealised += measure.unrealised
        switch mode {
        case .futures:
            let leverage = account.leverageInForce(of: position, rules)
            try rows[place].positionNotional += measure.notional.magnitude
            try rows[place].positionMargin += Figures.initialMargin(
                notional: measure.notional, leverage: leverage)
            try rows[place].positionMaintenance += measure.maintenance()
            try rows[place].positionFees += measure.liquidationFee(
                rate: rules.instruments[instrument].takerRate)
        case .portfolio:
            let unit = try unitPlace(link.base, market, rules)
            try units[unit].delta += measure.delta
            try units[unit].add(measure.notionalUSD, of: instrument)
        case .multi, .spot:
            let leverage = account.leverageInForce(of: position, rules)
            try totals.positionMargin += Figures.initialMargin(
                notional: measure.notionalUSD, leverage: leverage)
            try totals.positionMaintenance += Figures.maintenanceMargin(
                notional: measure.notionalUSD, rate: measure.maintenanceRate)
            try totals.positionFees += Figures.liquidationFee(
                notional: measure.notionalUSD, rate: rules.instruments[instrument].takerRate)
        }
    }

    /// The place of an underlying's risk unit, which is made if there is none.
    private mutating func unitPlace(
        _ underlying: Int, _ market: ValuationPrices, _ rules: RuleTable
    ) throws -> Int {
        if let place = units.firstIndex(where: { $0.underlying == underlying }) { return place }
        let index = try market.requiredIndex(rules.assets[underlying].name)
        units.append(RiskUnit(underlying: underlying, index: index))
        return units.count - 1
    }

    private mutating func add(
        _ order: OpenOrder, of account: Account, _ market: ValuationPrices, _ rules: RuleTable
    ) throws {
        guard let instrument = rules.instrumentPlace(order.instrument.name) else {
            throw FigureError.priceMissing(order.instrument.name)
        }
        let link = rules.links[instrument]
        if let asset = order.terms?.marginAsset {
            let place = try rowPlace(
                asset == order.instrument.base ? link.base : link.quote, at: order.placedAt, market, rules)
            if order.reduceOnly { return }
            let margin = try Figures.initialMargin(
                notional: Figures.traded(by: order, in: asset),
                leverage: account.leverageInForce(
                    of: order.instrument, side: order.positionSide, marginMode: order.marginMode, rules))
            if order.marginMode == .isolated {
                try rows[place].isolatedOrders += margin
            } else {
                try rows[place].crossOrders += margin
            }
            return
        }
        guard order.instrument.kind.isDerivative else {
            let place = try rowPlace(
                order.side == .buy ? link.quote : link.base, at: order.placedAt, market, rules)
            let paid = try Figures.spotOrder(
                remaining: order.remaining, price: order.price, isBuy: order.side == .buy)
            let fee = try Figures.orderFee(notional: paid, rate: rules.margin.orderFeeRate)
            try rows[place].spotOrders += Figures.spotOrderHeld(paid: paid, fee: fee)
            try totals.orderFees += Figures.equityUSD(fee, index: rows[place].index)
            return
        }
        let place = try rowPlace(link.settle, at: order.placedAt, market, rules)
        let isInverse = order.instrument.payoff == .inverse
        let size = try Figures.size(contracts: order.remaining, value: order.instrument.contractValue)
        let notional = try Figures.notional(size: size, isInverse: isInverse, price: order.price)
        let usd = try Figures.notionalUSD(
            size: size, notional: notional, isInverse: isInverse, settlementIndex: rows[place].index)
        try rows[place].orderFees += Figures.orderFee(notional: notional, rate: rules.margin.orderFeeRate)
        try totals.orderFees += Figures.orderFee(notional: usd, rate: rules.margin.orderFeeRate)
        if order.reduceOnly || order.closesHedgeLeg { return }
        let leverage = account.leverageInForce(
            of: order.instrument, side: order.positionSide, marginMode: order.marginMode, rules)
        if order.marginMode == .isolated {
            try rows[place].isolatedOrders += Figures.initialMargin(notional: notional, leverage: leverage)
        } else if mode == .futures {
            try rows[place].crossOrders += Figures.initialMargin(notional: notional, leverage: leverage)
        } else {
            try totals.orderMargin += Figures.initialMargin(notional: usd, leverage: leverage)
        }
    }
}

// MARK: - Working out

extension CurrencyFigures {
    fileprivate mutating func workOut(mode: AccountMode, rules: RuleTable) throws {
        isolatedEquity = try Figures.isolatedEquity(margin: isolatedMargin, unrealised: isolatedUnrealised)
        unrealised = try Figures.unrealised(cross: crossUnrealised, isolated: isolatedUnrealised)
        equity = try Figures.equity(
            cash: cash, crossUnrealised: crossUnrealised, isolatedEquity: isolatedEquity,
            strategyEquity: strategyEquity, interest: interest, borrowed: borrowed)
        ordersFrozen = try Figures.ordersFrozen(
            spot: spotOrders, isolated: isolatedOrders, cross: crossOrders,
            fees: mode == .futures ? orderFees : .zero)
        inUse = try Figures.inUse(positionMargin: positionMargin, orders: ordersFrozen, reserves: reserves)
        frozen = try Figures.frozenBalance(
            inUse: inUse, isolatedEquity: isolatedEquity, strategyEquity: strategyEquity)
        freeEquity = try Figures.freeEquity(cash: cash, crossUnrealised: crossUnrealised, inUse: inUse)
        freeBalance = try Figures.freeBalance(cash: cash, crossUnrealised: crossUnrealised, inUse: inUse)
        equityUSD = try Figures.equityUSD(equity, index: index)
        if mode == .futures { return }
        crossLiability = Figures.crossLiability(
            equity: equity,
            loan: mode == .spot ? try Figures.loan(borrowed: borrowed, interest: interest) : .zero)
        liability = try Figures.liability(cross: crossLiability, isolated: isolatedLiability)
        unrealisedLossLiability = try Figures.unrealisedLossLiability(
            equity: equity, cash: cash, interest: interest, borrowed: borrowed)
        potentialBorrowing = try Figures.potentialBorrowing(
            liability: crossLiability, inUse: inUse, interest: interest, cash: cash,
            crossUnrealised: crossUnrealised)
        borrowingUSD = try Figures.borrowingUSD(potentialBorrowing, index: index)
        borrowFrozen =
            mode == .portfolio
            ? try Figures.portfolioBorrowFrozen(borrowingUSD, rate: rules.margin.portfolioBorrowInitialRate)
            : try Figures.borrowFrozen(borrowingUSD, leverage: rules.margin.borrowLeverage)
    }

    fileprivate mutating func workOutRatios() throws {
        notionalLeverage = try Figures.notionalLeverage(
            notional: positionNotional, cash: cash, crossUnrealised: crossUnrealised)
        marginRatio = try Figures.currencyMarginRatio(
            cash: cash, crossUnrealised: crossUnrealised, spotOrders: spotOrders,
            isolatedOrders: isolatedOrders, orderFees: orderFees, maintenance: positionMaintenance,
            liquidationFees: positionFees)
    }
}

extension AccountFigures {
    private mutating func sumUp(_ account: Account, _ rules: RuleTable) throws {
        for place in rows.indices {
            let index = rows[place].index
            try totals.totalEquity += rows[place].equityUSD
            try totals.isolatedEquity += Figures.equityUSD(rows[place].isolatedEquity, index: index)
            guard mode != .futures else { continue }
            try totals.unrealised += Figures.equityUSD(rows[place].crossUnrealised, index: index)
            try totals.borrowing += rows[place].borrowingUSD
            try totals.borrowFrozen += rows[place].borrowFrozen
            let asset = rules.assets[rows[place].place]
            let discounted = try Figures.discountedEquity(
                rows[place].equity, isolatedEquity: rows[place].isolatedEquity,
                table: account.borrowsAgainst(in: mode) ? asset.discount : nil, index: index,
                isCollateral: rows[place].isCollateral)
            rows[place].discountedUSD = discounted
            try totals.discounted += discounted
            if !account.raised.isEmpty, discounted.isPositive,
                account.raised("colRes", asset: asset.name)?.text == "2"
            {
                try totals.restricted += discounted
            }
        }
    }

    private mutating func workOutUnits(_ account: Account, _ rules: RuleTable) throws {
        let portfolio = rules.portfolio
        for place in units.indices {
            let underlying = rules.assets[units[place].underlying].name
            let rowPlace = rows.firstIndex { $0.place == units[place].underlying }
            let coins = rowPlace.map { rows[$0].cash } ?? .zero
            let most = Figures.spotInUse(coins: coins, derivativeDelta: units[place].delta)
            let cap = account.raisedDecimal("clSpotInUseAmt", asset: underlying)
            units[place].spotInUse = cap.map { min(most, ExactFraction($0)) } ?? most
            units[place].maximumSpotInUse = most
            units[place].cap = cap
            if let rowPlace {
                rows[rowPlace].maximumSpotInUse = most
                rows[rowPlace].spotInUse = units[place].spotInUse
            }
            let gross = units[place].gross
            let net = try Figures.netDeltaUSD(
                derivativeDelta: units[place].delta, spotInUse: units[place].spotInUse,
                index: units[place].index)
            units[place].maintenance = try Figures.unitMaintenance(
                spotShock: Figures.spotShockCharge(netDeltaUSD: net, shock: portfolio.spotShock[underlying]),
                extreme: Figures.extremeCharge(
                    netDeltaUSD: net, move: portfolio.extremeMove[underlying], share: portfolio.extremeShare),
                basis: Figures.basisCharge(grossUSD: gross, rate: portfolio.basis[underlying]),
                minimum: Figures.minimumCharge(
                    grossUSD: gross, rate: portfolio.minimumCharge[underlying],
                    tiers: portfolio.minimumChargeTiers))
            units[place].initial = try Figures.unitInitial(
                maintenance: units[place].maintenance, factor: portfolio.initialFactor)
            try totals.positionMaintenance += units[place].maintenance
            try totals.positionMargin += units[place].initial
        }
    }

    private mutating func workOutTotals(_ rules: RuleTable) throws {
        let margin = rules.margin
        let borrowRate =
            mode == .portfolio ? margin.portfolioBorrowMaintenanceRate : margin.borrowMaintenanceRate
        totals.adjustedEquity = try Figures.adjustedEquity(
            discounted: totals.discounted, orderFees: totals.orderFees)
        totals.initialMargin = try Figures.initialMarginRequirement(
            positions: totals.positionMargin, orders: totals.orderMargin, borrowing: totals.borrowFrozen)
        totals.maintenanceMargin = try Figures.maintenanceMarginRequirement(
            positions: totals.positionMaintenance,
            borrowing: Figures.borrowMaintenance(totals.borrowing, rate: borrowRate))
        totals.liquidationFees =
            try totals.positionFees
            + Figures.borrowLiquidationFee(
                totals.borrowing, maintenanceRate: borrowRate, feeRate: margin.borrowLiquidationFee)
        totals.availableEquity = try Figures.availableEquity(
            adjusted: totals.adjustedEquity, initialMargin: totals.initialMargin,
            restricted: totals.restricted)
        totals.notional = try Figures.notionalUSD(
            borrowing: totals.borrowing, swaps: totals.swapNotional, futures: totals.futuresNotional,
            options: .zero)
    }

    private mutating func workOutRatio() throws {
        totals.marginRatio = try Figures.marginRatio(
            adjusted: totals.adjustedEquity, maintenance: totals.maintenanceMargin,
            liquidationFees: totals.liquidationFees)
    }

    private mutating func workOutLoans(_ rules: RuleTable) throws {
        let power = try Figures.borrowingPower(
            availableEquityUSD: totals.availableEquity, leverage: rules.margin.borrowLeverage)
        for place in rows.indices {
            rows[place].maximumLoan = try Figures.maximumLoan(
                powerUSD: power, index: rows[place].index, quota: rules.assets[rows[place].place].borrowQuota,
                liability: rows[place].liability)
        }
    }
}
