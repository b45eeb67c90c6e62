import JSON
import Ledger
import Numbers
import Venue

/// One row of `position_balances`, unrounded. Amounts are in USD unless said otherwise.
struct RowFigures {
    let asset: String
    /// In the asset; negative for a debt.
    let quantity: ExactDecimal
    /// As shown: in use elsewhere or held by open orders, in the asset.
    let reserved: ExactDecimal
    /// What the market value leaves out because open orders hold it, in the asset.
    let held: ExactFraction
    /// Quantity × price before what open orders hold.
    let cashValue: ExactFraction
    let marketValue: ExactFraction
    let isCollateral: Bool
    let haircutRate: ExactDecimal
    let countedValue: ExactFraction
    let haircut: ExactFraction
    let collateralAmount: ExactFraction
    /// In the asset.
    let maximumWithdrawal: ExactFraction
    let hourlyInterestRate: ExactDecimal
}

extension RowFigures {
    /// The one row of an isolated position: its own cash.
    init(cashOf isolated: IsolatedFigures) {
        let cash = ExactFraction(isolated.cash)
        self.init(
            asset: CryptoComRules.usd, quantity: isolated.cash, reserved: .zero, held: .zero, cashValue: cash,
            marketValue: cash, isCollateral: true, haircutRate: .zero, countedValue: cash, haircut: .zero,
            collateralAmount: cash,
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

    /// Sum of quantity × price over all rows, before what orders hold.
    private(set) var cashBalance: ExactFraction = .zero
    private(set) var countedValue: ExactFraction = .zero
    private(set) var collateralValue: ExactFraction = .zero
    private(set) var haircut: ExactFraction = .zero
    /// Sum of debts as a positive amount, those of isolated positions among them.
    private(set) var borrowed: ExactFraction = .zero
    /// Value of eligible holdings other than USD, after what orders hold.
    private(set) var spotExposure: ExactFraction = .zero

    /// Σ |quantity| × mark of cross positions.
    private(set) var positionSize: ExactFraction = .zero
    /// Σ |cost since the last settlement| of cross positions.
    private(set) var positionCost: ExactDecimal = .zero
    private(set) var unrealised: ExactFraction = .zero
    private(set) var sessionRealised: ExactDecimal = .zero
    private(set) var orderExposure: ExactFraction = .zero
    private(set) var positionMargin: ExactFraction = .zero

    private(set) var feeReserve: ExactFraction = .zero
    private(set) var marginBalance: ExactFraction = .zero
    private(set) var initialMargin: ExactFraction = .zero
    private(set) var maintenanceMargin: ExactFraction = .zero
    private(set) var available: ExactFraction = .zero
    private(set) var isLiquidating = false

    /// What open spot orders tie up of an asset, in the asset.
    struct Tied {
        let asset: String
        /// By buy orders.
        var locked: ExactFraction = .zero
        /// By sell orders.
        var offered: ExactDecimal = .zero
    }

    private let account: Account
    private let market: ValuationPrices
    private let rules: CryptoComRules
    private let profile: WireProfile
    private(set) var tied: [Tied] = []
    /// Cross positions and orders, by underlying.
    private(set) var exposures: [Exposure] = []
    /// Isolated positions and orders, by instrument.
    private(set) var isolatedOrders: [Exposure] = []

    /// Throws `FigureError.priceMissing` for a price that nobody has given, `NumberError` where a figure does
    /// not fit.
    init(of account: Account, market: ValuationPrices, rules: CryptoComRules, profile: WireProfile) throws {
        self.account = account
        self.market = market
        self.rules = rules
        self.profile = profile
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
            try positionMargin += Figures.isolatedOrderMargin(orderExposure: size, leverage: leverage)
        }
        feeReserve = try Figures.feeReserve(
            notional: positionSize, rate: try feeReserveRate(of: .cross))
        marginBalance = try Figures.marginBalance(
            countedValue: countedValue, unrealised: unrealised, feeReserve: feeReserve)
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
        let value = try Figures.positionValue(quantity: position.quantity, mark: mark)
        if position.marginMode == .isolated {
            let figures = try IsolatedFigures(
                of: position, leverage: isolatedLeverage(of: position.instrument.name), mark: mark,
                feeReserveRate: try feeReserveRate(of: .isolated), rules)
            isolated.append(figures)
            try borrowed += ExactFraction(figures.borrowed)
            let place = try isolatedPlace(of: position.instrument)
            try isolatedOrders[place].add(quantity: position.quantity, value: value)
            return
        }
        try positionSize += value.magnitude
        try positionCost += position.cost.magnitude
        try unrealised += Figures.unrealised(value: value, cost: position.cost)
        let place = try place(of: position.instrument)
        try exposures[place].add(quantity: position.quantity, value: value)
    }

    /// The rate of fees that is kept back for positions of a margin mode.
    func feeReserveRate(of mode: MarginMode) throws(NumberError) -> ExactDecimal {
        try rules.feeReserveRate(
            of: mode, profile, takerFee: account.takerFee(of: .derivative, rules))
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
        let tied = tied.first { $0.asset == asset } ?? Tied(asset: asset)
        if cash.isZero && earmarked.isZero && tied.locked.isZero && tied.offered.isZero { return }
        let rule = rules.asset(asset)
        let price = try market.price(of: asset, rule)
        let isCollateral =
            account.raised("collateral_eligible", asset: asset)?.boolean ?? rule?.isCollateral ?? false
        let held = try held(earmarked: earmarked, tied, isCollateral)
        let cashValue = try Figures.marketValue(quantity: cash, held: .zero, price: price)
        let marketValue =
            held.isZero ? cashValue : try Figures.marketValue(quantity: cash, held: held, price: price)
        let rate = try haircutRate(of: asset, quantity: try ExactFraction(cash) - held, isCollateral, rule)
        let counted = Figures.countedValue(
            marketValue: marketValue, isCollateral: isCollateral, cap: rule?.collateralCap)
        let showsLocked = profile == .live && rule?.showsLockedAsReserved ?? true
        try add(
            RowFigures(
                asset: asset, quantity: cash,
                reserved: try Figures.reserved(
                    earmarked: earmarked, offered: tied.offered, locked: showsLocked ? tied.locked : .zero),
                held: held, cashValue: cashValue, marketValue: marketValue, isCollateral: isCollateral,
                haircutRate: rate, countedValue: counted,
                haircut: try Figures.haircut(countedValue: counted, rate: rate),
                collateralAmount: try Figures.collateralAmount(countedValue: counted, rate: rate),
                maximumWithdrawal: try Figures.maximumWithdrawal(
                    quantity: cash, reserved: try earmarked + tied.offered, locked: tied.locked),
                hourlyInterestRate: try account.hourlyInterestRate(of: asset, cash: cash, rule)))
    }

    /// What a row's value leaves out: what buy orders lock; in the live form of collateral also what sell
    /// orders offer and what is in use elsewhere, as recorded in November 2023, while a token that is no
    /// collateral was recorded with its whole value.
    private func held(
        earmarked: ExactDecimal, _ tied: Tied, _ isCollateral: Bool
    ) throws(NumberError) -> ExactFraction {
        guard profile == .live, isCollateral else { return tied.locked }
        return try tied.locked + ExactFraction(earmarked + tied.offered)
    }

    /// The rate raised for it, else the rulebook's where it is collateral.
    private func haircutRate(
        of asset: String, quantity: ExactFraction, _ isCollateral: Bool, _ rule: AssetRule?
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
        if row.isCollateral, row.asset != CryptoComRules.usd { try spotExposure += row.marketValue.magnitude }
    }
}

extension ValuationPrices {
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

    /// The taker fee rate of the account: its setting `fees`, else the rulebook's.
    func takerFee(of market: FeeSetting.Market, _ rules: CryptoComRules) -> ExactDecimal {
        feeRate(market, .taker) ?? rules.fees(of: market).taker
    }

    /// The maker fee rate of the account: its setting `fees`, else the rulebook's.
    func makerFee(of market: FeeSetting.Market, _ rules: CryptoComRules) -> ExactDecimal {
        feeRate(market, .maker) ?? rules.fees(of: market).maker
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

/// What funds can be reserved or credited for (`decisions.md`, all venues).
enum Purpose {
    static let reserved = "reserved"
}
