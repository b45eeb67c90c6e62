import Ledger
import Numbers
import Venue

/// What positions and open orders of one underlying (or of one isolated instrument) come to.
struct Exposure {
    /// The underlying asset, or the isolated instrument.
    let name: String
    /// The kind of the instrument that came first: others of the kind have the same limits.
    private let kind: Instrument.Kind
    /// The lowest leverage limit of the kinds of contract in it: they are margined together.
    private(set) var maximumLeverage: ExactDecimal
    /// The highest margin rate per unit of the kinds in it: unit margin rate × multiplier.
    private(set) var ratePerUnit: ExactDecimal
    private(set) var net: ExactDecimal = .zero
    private(set) var buys: ExactDecimal = .zero
    private(set) var sells: ExactDecimal = .zero
    private(set) var netValue: ExactDecimal = .zero
    private(set) var buyValue: ExactDecimal = .zero
    private(set) var sellValue: ExactDecimal = .zero

    init(name: String, of instrument: Instrument, _ rules: CryptoComRules) throws(NumberError) {
        self.name = name
        kind = instrument.kind
        maximumLeverage = rules.maximumLeverage(of: instrument)
        ratePerUnit = try rules.marginRatePerUnit(of: instrument)
    }

    /// Takes in another instrument of the underlying.
    mutating func include(_ instrument: Instrument, _ rules: CryptoComRules) throws(NumberError) {
        if instrument.kind == kind { return }
        maximumLeverage = min(maximumLeverage, rules.maximumLeverage(of: instrument))
        ratePerUnit = max(ratePerUnit, try rules.marginRatePerUnit(of: instrument))
    }

    /// Adds a position: signed quantity and signed notional in USD.
    mutating func add(quantity: ExactDecimal, value: ExactDecimal) throws(NumberError) {
        net = try net + quantity
        netValue = try netValue + value
    }

    /// Adds what is left of an open order, valued at the mark price.
    mutating func add(_ order: OpenOrder, value: ExactDecimal) throws(NumberError) {
        switch order.side {
        case .buy:
            buys = try buys + order.remaining
            buyValue = try buyValue + value
        case .sell:
            sells = try sells + order.remaining
            sellValue = try sellValue + value
        }
    }

    /// Largest value that it can come to, in USD.
    func worstValue() throws(NumberError) -> ExactDecimal {
        try Figures.worstSize(net: netValue, buys: buyValue, sells: sellValue)
    }

    /// Initial margin, in USD, not rounded.
    func margin() throws(NumberError) -> ExactFraction {
        try Figures.positionMargin(
            notional: try worstValue(), quantity: try Figures.worstSize(net: net, buys: buys, sells: sells),
            maximumLeverage: maximumLeverage, ratePerUnit: ratePerUnit)
    }

    /// What its orders use of the position limit, in USD.
    func orderExposure() throws(NumberError) -> ExactDecimal {
        try Figures.orderExposure(worst: try worstValue(), net: netValue)
    }
}

/// One isolated position with the figures of its own margin account.
struct IsolatedFigures {
    let position: Position
    /// The leverage in force for it.
    let leverage: ExactDecimal
    /// |quantity| × mark, in USD.
    let notional: ExactDecimal
    let unrealised: ExactDecimal
    let positionMargin: ExactDecimal
    let marginBalance: ExactDecimal
    let initialMargin: ExactDecimal
    let maintenanceMargin: ExactDecimal
    let available: ExactDecimal

    /// Its own cash, in USD.
    var cash: ExactDecimal { position.isolatedWallet }

    /// Whether it is under liquidation; a flag that is raised speaks of the cross pool alone.
    var isLiquidating: Bool {
        Figures.isLiquidating(marginBalance: marginBalance, maintenanceMargin: maintenanceMargin)
    }

    init(
        of position: Position, leverage: ExactDecimal, mark: ExactDecimal, _ rules: CryptoComRules
    ) throws(NumberError) {
        self.position = position
        self.leverage = leverage
        notional = try position.notional(at: mark, rounding: .halfEven).magnitude
        unrealised = try position.unrealised(at: mark, rounding: .halfEven)
        var exposure = try Exposure(name: position.instrument.name, of: position.instrument, rules)
        try exposure.add(quantity: position.quantity.magnitude, value: notional)
        positionMargin = try Figures.totalPositionMargin(exposure.margin())
        marginBalance = try Figures.marginBalance(
            countedValue: position.isolatedWallet, unrealised: unrealised,
            feeReserve: try Figures.isolatedFeeReserve(notional: notional, rate: rules.isolatedFeeReserveRate)
        )
        initialMargin = try Figures.isolatedInitialMargin(
            positionMargin: positionMargin, notional: notional, leverage: leverage)
        maintenanceMargin = try Figures.maintenanceMargin(
            initialMargin: positionMargin, share: rules.maintenanceShare)
        available = try Figures.availableBalance(marginBalance: marginBalance, initialMargin: initialMargin)
    }
}
