import JSON
import Ledger
import Numbers
import Venue

/// One row of `position_balances`, unrounded. Amounts are in USD unless said otherwise.
struct RowFigures {
    let asset: String
    /// In the asset; negative for a debt.
    let quantity: ExactDecimal
    /// In use elsewhere or offered by open sell orders, in the asset.
    let reserved: ExactDecimal
    /// Quantity × price before what open buy orders lock.
    let cashValue: ExactDecimal
    let marketValue: ExactDecimal
    let isCollateral: Bool
    let haircutRate: ExactDecimal
    let countedValue: ExactDecimal
    let haircut: ExactDecimal
    let collateralAmount: ExactDecimal
    /// In the asset.
    let maximumWithdrawal: ExactDecimal
    let hourlyInterestRate: ExactDecimal
}

/// All figures of one account, unrounded, in USD: what the bodies are written from and commands are judged
/// by.
///
/// Totals are those of the cross margin pool; each isolated position is a margin account of its own.
struct AccountFigures {
    private(set) var rows: [RowFigures] = []
    private(set) var isolated: [IsolatedFigures] = []

    /// Sum of quantity × price over all rows, before locks.
    private(set) var cashBalance: ExactDecimal = .zero
    private(set) var countedValue: ExactDecimal = .zero
    private(set) var collateralValue: ExactDecimal = .zero
    private(set) var haircut: ExactDecimal = .zero
    /// Sum of debts as a positive amount.
    private(set) var borrowed: ExactDecimal = .zero
    /// Value of eligible holdings other than USD, before locks.
    private(set) var spotExposure: ExactDecimal = .zero

    /// Σ |quantity| × mark of cross positions.
    private(set) var positionSize: ExactDecimal = .zero
    /// Σ |cost since the last settlement| of cross positions.
    private(set) var positionCost: ExactDecimal = .zero
    private(set) var unrealised: ExactDecimal = .zero
    private(set) var sessionRealised: ExactDecimal = .zero
    private(set) var orderExposure: ExactDecimal = .zero
    private(set) var positionMargin: ExactDecimal = .zero

    private(set) var marginBalance: ExactDecimal = .zero
    private(set) var initialMargin: ExactDecimal = .zero
    private(set) var maintenanceMargin: ExactDecimal = .zero
    private(set) var available: ExactDecimal = .zero
    private(set) var isLiquidating = false

    /// What open spot orders tie up of an asset, in the asset.
    private struct Tied {
        let asset: String
        var locked: ExactDecimal = .zero
        var offered: ExactDecimal = .zero
    }

    private let account: Account
    private let market: Market
    private let rules: CryptoComRules
    private var tied: [Tied] = []
    private var exposures: [Exposure] = []
    private var isolatedOrders: [Exposure] = []

    /// Throws `FigureError.priceMissing` for a price that nobody has given, `NumberError` where a figure does
    /// not fit.
    init(of account: Account, market: Market, rules: CryptoComRules) throws {
        self.account = account
        self.market = market
        self.rules = rules
        for position in account.positions { try include(position) }
        for order in account.orders where !order.reduceOnly { try include(order) }
        for holding in account.holdings { try include(holding) }
        for extra in tied where account.holding(extra.asset) == nil {
            try include(Holding(asset: extra.asset, updatedAt: account.updatedAt))
        }
        for activity in account.activity { try sessionRealised += activity.sessionRealised }
        try sumUp()
    }

    private mutating func sumUp() throws {
        for exposure in exposures {
            try positionMargin += exposure.margin()
            try orderExposure += exposure.orderExposure()
        }
        for exposure in isolatedOrders {
            // The margin of an isolated order leaves the cross balance when it fills, so it is held back
            // here.
            let size = try exposure.orderExposure()
            try orderExposure += size
            let leverage = isolatedLeverage(of: exposure.name)
            try positionMargin += size.over(leverage, rounding: .ceiling)
        }
        marginBalance = try Figures.marginBalance(
            countedValue: countedValue, unrealised: unrealised, feeReserve: .zero)
        initialMargin = try Figures.initialMargin(positionMargin: positionMargin, haircut: haircut)
        maintenanceMargin = try Figures.maintenanceMargin(
            initialMargin: initialMargin, share: rules.maintenanceShare)
        available = try Figures.availableBalance(marginBalance: marginBalance, initialMargin: initialMargin)
        isLiquidating =
            account.raised("is_liquidating")?.boolean
            ?? Figures.isLiquidating(marginBalance: marginBalance, maintenanceMargin: maintenanceMargin)
    }

    // MARK: - Positions

    private mutating func include(_ position: Position) throws {
        let mark = try market.requiredMark(position.instrument)
        if position.marginMode == .isolated {
            let figures = try IsolatedFigures(
                of: position, leverage: isolatedLeverage(of: position.instrument.name), mark: mark, rules)
            isolated.append(figures)
            let place = try isolatedPlace(of: position.instrument)
            try isolatedOrders[place].add(
                quantity: position.quantity, value: try position.notional(at: mark, rounding: .halfEven))
            return
        }
        let value = try position.notional(at: mark, rounding: .halfEven)
        try positionSize += value.magnitude
        try positionCost += position.cost.magnitude
        try unrealised += position.unrealised(at: mark, rounding: .halfEven)
        let place = try place(of: position.instrument)
        try exposures[place].add(quantity: position.quantity, value: value)
    }

    /// The leverage of an instrument's isolated position: as set, else the lower of account and product
    /// leverage.
    private func isolatedLeverage(of instrument: String) -> ExactDecimal {
        if let set = account.leverage(instrument, side: .net, marginMode: .isolated) { return set }
        guard let rule = rules.instrument(instrument) else { return account.maximumLeverage }
        return max(.one, min(account.maximumLeverage, rules.maximumLeverage(of: rule.terms)))
    }

    private mutating func place(of instrument: Instrument) throws -> Int {
        if let place = exposures.firstIndex(where: { $0.name == instrument.base }) {
            try exposures[place].include(instrument, rules)
            return place
        }
        exposures.append(try Exposure(name: instrument.base, of: instrument, rules))
        return exposures.count - 1
    }

    private mutating func isolatedPlace(of instrument: Instrument) throws -> Int {
        if let place = isolatedOrders.firstIndex(where: { $0.name == instrument.name }) { return place }
        isolatedOrders.append(try Exposure(name: instrument.name, of: instrument, rules))
        return isolatedOrders.count - 1
    }

    // MARK: - Orders

    private mutating func include(_ order: OpenOrder) throws {
        guard order.instrument.kind.isDerivative else {
            try includeSpot(order)
            return
        }
        let mark = try market.requiredMark(order.instrument)
        let value = try order.remaining.times(mark, rounding: .ceiling)
        if order.marginMode == .isolated {
            let place = try isolatedPlace(of: order.instrument)
            try isolatedOrders[place].add(order, value: value)
        } else {
            let place = try place(of: order.instrument)
            try exposures[place].add(order, value: value)
        }
    }

    private mutating func includeSpot(_ order: OpenOrder) throws {
        switch order.side {
        case .buy:
            let place = tiedPlace(of: order.instrument.quote)
            try tied[place].locked += order.remaining.times(order.price, rounding: .ceiling)
        case .sell:
            let place = tiedPlace(of: order.instrument.base)
            try tied[place].offered += order.remaining
            try orderExposure += order.remaining.times(
                try market.price(of: order.instrument.base), rounding: .ceiling)
        }
    }

    private mutating func tiedPlace(of asset: String) -> Int {
        if let place = tied.firstIndex(where: { $0.asset == asset }) { return place }
        tied.append(Tied(asset: asset))
        return tied.count - 1
    }

    // MARK: - Holdings

    private mutating func include(_ holding: Holding) throws {
        let tied = tied.first { $0.asset == holding.asset }
        let locked = tied?.locked ?? .zero
        let reserved = try holding.reserved(for: Purpose.reserved) + (tied?.offered ?? .zero)
        if holding.cash.isZero && reserved.isZero && locked.isZero { return }
        let rule = rules.asset(holding.asset)
        let price = try market.price(of: holding.asset)
        let marketValue = try Figures.marketValue(quantity: holding.cash, locked: locked, price: price)
        let isCollateral =
            account.raised("collateral_eligible", asset: holding.asset)?.boolean ?? rule?.isCollateral
            ?? false
        let rate: ExactDecimal
        if let raised = account.raised("haircut", asset: holding.asset)?.text {
            rate = try ExactDecimal(raised)
        } else if isCollateral, let rule {
            rate = try Figures.haircutRate(
                minimum: rule.minimumHaircut, ratePerUnit: rule.haircutRatePerUnit,
                quantity: try holding.cash - locked)
        } else {
            rate = .zero
        }
        let counted = Figures.countedValue(
            marketValue: marketValue, isCollateral: isCollateral, cap: rule?.collateralCap)
        let row = RowFigures(
            asset: holding.asset, quantity: holding.cash, reserved: reserved,
            cashValue: try Figures.marketValue(quantity: holding.cash, locked: .zero, price: price),
            marketValue: marketValue, isCollateral: isCollateral, haircutRate: rate, countedValue: counted,
            haircut: try Figures.haircut(countedValue: counted, rate: rate),
            collateralAmount: try Figures.collateralAmount(countedValue: counted, rate: rate),
            maximumWithdrawal: try Figures.maximumWithdrawal(
                quantity: holding.cash, reserved: reserved, locked: locked),
            hourlyInterestRate: try account.hourlyInterestRate(of: holding, rule))
        try add(row)
    }

    private mutating func add(_ row: RowFigures) throws {
        rows.append(row)
        try cashBalance += row.cashValue
        try countedValue += row.countedValue
        try collateralValue += row.collateralAmount
        try haircut += row.haircut
        if row.cashValue.isNegative { try borrowed -= row.cashValue }
        if row.isCollateral, row.asset != CryptoComRules.usd { try spotExposure += row.cashValue.magnitude }
    }
}

extension Market {
    /// An asset's USD price; USD itself is 1 by definition. Throws `FigureError.priceMissing` where none is
    /// known.
    func price(of asset: String) throws(FigureError) -> ExactDecimal {
        asset == CryptoComRules.usd ? .one : try requiredIndex(asset)
    }
}

extension Account {
    /// The setting `max_leverage`, a ratio; judged to be a decimal above 0 when it was set.
    var maximumLeverage: ExactDecimal { decimal(setting: "max_leverage") ?? AccountDefaults.maximumLeverage }

    /// The setting `position_limit` in USD, or what was raised in its place.
    var positionLimit: ExactDecimal {
        raised("position_limit")?.text.flatMap { try? ExactDecimal($0) } ?? decimal(setting: "position_limit")
            ?? AccountDefaults.positionLimit
    }

    private func decimal(setting: String) -> ExactDecimal? {
        settings.text(setting).flatMap { try? ExactDecimal($0) }
    }

    /// The rate that a debt bears per hour; 0 for what is no debt. Raised, else the rulebook's.
    fileprivate func hourlyInterestRate(of holding: Holding, _ rule: AssetRule?) throws -> ExactDecimal {
        if let raised = raised("hourly_interest_rate", asset: holding.asset)?.text {
            return try ExactDecimal(raised)
        }
        return holding.cash.isNegative ? rule?.hourlyInterestRate ?? .zero : .zero
    }
}

/// What an account's settings are until they are set (contract, section 4).
enum AccountDefaults {
    static let maximumLeverage = ExactDecimal(20)
    static let positionLimit = ExactDecimal(3_000_000)
}

/// What funds can be reserved for (`decisions.md`, all venues).
enum Purpose {
    static let reserved = "reserved"
}
