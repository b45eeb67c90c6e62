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

extension RowFigures {
    /// The one row of an isolated position: its own cash.
    init(cashOf isolated: IsolatedFigures) {
        self.init(
            asset: CryptoComRules.usd, quantity: isolated.cash, reserved: .zero, cashValue: isolated.cash,
            marketValue: isolated.cash, isCollateral: true, haircutRate: .zero, countedValue: isolated.cash,
            haircut: .zero, collateralAmount: isolated.cash,
            maximumWithdrawal: Figures.isolatedWithdrawal(
                cash: isolated.cash, available: isolated.available), hourlyInterestRate: .zero)
    }
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
    struct Tied {
        let asset: String
        var locked: ExactDecimal = .zero
        var offered: ExactDecimal = .zero
    }

    private let account: Account
    private let market: Market
    private let rules: CryptoComRules
    private(set) var tied: [Tied] = []
    /// Cross positions and orders, by underlying.
    private(set) var exposures: [Exposure] = []
    /// Isolated positions and orders, by instrument.
    private(set) var isolatedOrders: [Exposure] = []

    /// Throws `FigureError.priceMissing` for a price that nobody has given, `NumberError` where a figure does
    /// not fit.
    init(of account: Account, market: Market, rules: CryptoComRules) throws {
        self.account = account
        self.market = market
        self.rules = rules
        for position in account.positions { try include(position) }
        for order in account.orders where !order.reduceOnly { try include(order) }
        rows.reserveCapacity(account.holdings.count)
        // By place, as a holding is large and only three of its fields are read.
        for place in account.holdings.indices {
            try include(
                account.holdings[place].asset, cash: account.holdings[place].cash,
                earmarked: account.holdings[place].reserved.isEmpty
                    ? .zero : account.holdings[place].reserved(for: Purpose.reserved))
        }
        for extra in tied where account.holding(extra.asset) == nil {
            try include(extra.asset, cash: .zero, earmarked: .zero)
        }
        for activity in account.activity { try sessionRealised += activity.sessionRealised }
        try sumUp()
    }

    private mutating func sumUp() throws {
        var margins = ExactFraction.zero
        for exposure in exposures {
            try margins += exposure.margin()
            try orderExposure += exposure.orderExposure()
        }
        for exposure in isolatedOrders {
            // The margin of an isolated order leaves the cross balance when it fills, so it is held back
            // here.
            let size = try exposure.orderExposure()
            try orderExposure += size
            let leverage = isolatedLeverage(of: exposure.name)
            try margins += Figures.isolatedOrderMargin(orderExposure: size, leverage: leverage)
        }
        positionMargin = try Figures.totalPositionMargin(margins)
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
    func isolatedLeverage(of instrument: String) -> ExactDecimal {
        if let set = account.leverage(instrument, side: .net, marginMode: .isolated) { return set }
        guard let rule = rules.instrument(instrument) else { return account.maximumLeverage }
        return Figures.isolatedLeverage(
            maximumLeverage: account.maximumLeverage, productLeverage: rules.maximumLeverage(of: rule.terms))
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
        let value = try Figures.orderValue(remaining: order.remaining, price: mark)
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
            try tied[place].locked += Figures.orderValue(remaining: order.remaining, price: order.price)
        case .sell:
            let place = tiedPlace(of: order.instrument.base)
            try tied[place].offered += order.remaining
            try orderExposure += Figures.orderValue(
                remaining: order.remaining, price: try market.price(of: order.instrument.base))
        }
    }

    private mutating func tiedPlace(of asset: String) -> Int {
        if let place = tied.firstIndex(where: { $0.asset == asset }) { return place }
        tied.append(Tied(asset: asset))
        return tied.count - 1
    }

    // MARK: - Holdings

    private mutating func include(_ asset: String, cash: ExactDecimal, earmarked: ExactDecimal) throws {
        var locked = ExactDecimal.zero
        var reserved = earmarked
        if let tied = tied.first(where: { $0.asset == asset }) {
            locked = tied.locked
            try reserved += tied.offered
        }
        if cash.isZero && reserved.isZero && locked.isZero { return }
        let rule = rules.asset(asset)
        let price = try market.price(of: asset, rule)
        let cashValue = try Figures.marketValue(quantity: cash, locked: .zero, price: price)
        let marketValue =
            locked.isZero ? cashValue : try Figures.marketValue(quantity: cash, locked: locked, price: price)
        let isCollateral =
            account.raised("collateral_eligible", asset: asset)?.boolean ?? rule?.isCollateral ?? false
        let rate = try haircutRate(of: asset, quantity: try cash - locked, isCollateral, rule)
        let counted = Figures.countedValue(
            marketValue: marketValue, isCollateral: isCollateral, cap: rule?.collateralCap)
        try add(
            RowFigures(
                asset: asset, quantity: cash, reserved: reserved, cashValue: cashValue,
                marketValue: marketValue,
                isCollateral: isCollateral, haircutRate: rate, countedValue: counted,
                haircut: try Figures.haircut(countedValue: counted, rate: rate),
                collateralAmount: try Figures.collateralAmount(countedValue: counted, rate: rate),
                maximumWithdrawal: try Figures.maximumWithdrawal(
                    quantity: cash, reserved: reserved, locked: locked),
                hourlyInterestRate: try account.hourlyInterestRate(of: asset, cash: cash, rule)))
    }

    /// The rate raised for it, else the rulebook's where it is collateral.
    private func haircutRate(
        of asset: String, quantity: ExactDecimal, _ isCollateral: Bool, _ rule: AssetRule?
    ) throws -> ExactDecimal {
        if let raised = account.raised("haircut", asset: asset)?.text { return try ExactDecimal(raised) }
        guard isCollateral, let rule else { return .zero }
        return try Figures.haircutRate(
            minimum: rule.minimumHaircut, ratePerUnit: rule.haircutRatePerUnit, quantity: quantity)
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
    func price(of asset: String, _ rule: AssetRule? = nil) throws(FigureError) -> ExactDecimal {
        if asset == CryptoComRules.usd { return .one }
        if let given = prices.index(asset) { return given }
        if let rule { return rule.referenceIndex }
        return try requiredIndex(asset)
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
    fileprivate func hourlyInterestRate(
        of asset: String, cash: ExactDecimal, _ rule: AssetRule?
    ) throws -> ExactDecimal {
        if let raised = raised("hourly_interest_rate", asset: asset)?.text { return try ExactDecimal(raised) }
        return cash.isNegative ? rule?.hourlyInterestRate ?? .zero : .zero
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
