import Ledger
import Numbers
import Venue

/// What positions and open orders of one underlying (or of one isolated instrument) come to. Values are in
/// USD, exact.
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
    private(set) var netValue: ExactFraction = .zero
    private(set) var buyValue: ExactFraction = .zero
    private(set) var sellValue: ExactFraction = .zero

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
    mutating func add(quantity: ExactDecimal, value: ExactFraction) throws(NumberError) {
        net = try net + quantity
        netValue = try netValue + value
    }

    /// Adds what is left of an open order, valued at the mark price.
    mutating func add(_ order: OpenOrder, value: ExactFraction) throws(NumberError) {
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
    func worstValue() throws(NumberError) -> ExactFraction {
        try Figures.worstValue(net: netValue, buys: buyValue, sells: sellValue)
    }

    /// Largest size that it can come to, in coin.
    func worstQuantity() throws(NumberError) -> ExactDecimal {
        try Figures.worstQuantity(net: net, buys: buys, sells: sells)
    }

    /// Initial margin, in USD.
    func margin() throws(NumberError) -> ExactFraction {
        try Figures.positionMargin(
            notional: try worstValue(), quantity: try worstQuantity(), maximumLeverage: maximumLeverage,
            ratePerUnit: ratePerUnit)
    }

    /// What its orders use of the position limit, in USD.
    func orderExposure() throws(NumberError) -> ExactFraction {
        try Figures.orderExposure(worst: try worstValue(), net: netValue)
    }
}

/// One isolated position with the figures of its own margin account: exact, in USD.
struct IsolatedFigures {
    let position: Position
    /// The leverage in force for it.
    let leverage: ExactDecimal
    /// |quantity| × mark.
    let notional: ExactFraction
    let unrealised: ExactFraction
    /// What is kept back for the fees of closing it.
    let feeReserve: ExactFraction
    let positionMargin: ExactFraction
    let marginBalance: ExactFraction
    let initialMargin: ExactFraction
    let maintenanceMargin: ExactFraction
    let available: ExactFraction

    /// Its own cash, in USD.
    var cash: ExactDecimal { position.isolatedWallet }

    /// Its debt, as a positive amount.
    var borrowed: ExactDecimal { max(.zero, -cash) }

    /// Whether it is under liquidation; a flag that is raised speaks of the cross pool alone.
    var isLiquidating: Bool {
        Figures.isLiquidating(marginBalance: marginBalance, maintenanceMargin: maintenanceMargin)
    }

    init(
        of position: Position, leverage: ExactDecimal, mark: ExactDecimal, feeReserveRate: ExactDecimal,
        _ rules: CryptoComRules
    ) throws(NumberError) {
        self.position = position
        self.leverage = leverage
        let value = try Figures.positionValue(quantity: position.quantity, mark: mark)
        notional = value.magnitude
        unrealised = try Figures.unrealised(value: value, cost: position.cost)
        var exposure = try Exposure(name: position.instrument.name, of: position.instrument, rules)
        try exposure.add(quantity: position.quantity.magnitude, value: notional)
        positionMargin = try exposure.margin()
        feeReserve = try Figures.feeReserve(notional: notional, rate: feeReserveRate)
        marginBalance = try Figures.marginBalance(
            countedValue: ExactFraction(position.isolatedWallet), unrealised: unrealised,
            feeReserve: feeReserve)
        initialMargin = try Figures.isolatedInitialMargin(
            positionMargin: positionMargin, notional: notional, leverage: leverage)
        maintenanceMargin = try Figures.maintenanceMargin(
            initialMargin: positionMargin, share: rules.maintenanceShare)
        available = try Figures.availableBalance(marginBalance: marginBalance, initialMargin: initialMargin)
    }
}
