import Ledger
import Numbers
import Venue

/// What positions and open orders of one underlying, or of one isolated instrument, come to; no body shows
/// any of it.
enum ExposureFigure: String, FigureKey {
    case worstValue = "worst_value"
    case worstQuantity = "worst_quantity"
    case orderExposure = "order_exposure"
    case margin = "position_im"
    case leverage
    // What is given.
    case productLeverage, marginRate, ownLeverage, accountLeverage
}

/// How positions and orders are margined together.
enum ExposureGroup: CaseIterable {
    /// All that follow one asset: cross.
    case underlying
    /// All of one instrument: isolated. Its margin leaves the cross balance when an order fills, so it is
    /// held back there.
    case isolated
}

/// An underlying, or an isolated instrument, with its positions and the orders that may add to them.
final class ExposureFigures: CryptoComTable<ExposureFigure> {
    /// The underlying asset, or the isolated instrument.
    let title: String
    private(set) var positions: [PositionFigures] = []
    private(set) var orders: [OrderFigures] = []
    /// Where the leverage of an isolated instrument comes from.
    private let leverageRule: IsolatedLeverage?
    /// The kind of the instrument that came first: others of the kind have the same limits.
    private let kind: Instrument.Kind
    /// The lowest leverage and the highest margin rate of the kinds in it: they are margined together.
    private var limits: (leverage: ExactDecimal, rate: ExactDecimal)

    override func value(of figure: ExposureFigure) throws -> ExactFraction {
        switch figure {
        case .worstValue:
            try worst(
                positions.sum(.notional), buys: orders(.buy).sum(.value), sells: orders(.sell).sum(.value))
        case .worstQuantity:
            try worst(
                positions.sum(.signedQuantity), buys: orders(.buy).sum(.remaining),
                sells: orders(.sell).sum(.remaining))
        case .orderExposure: try max(.zero, self[.worstValue] - positions.sum(.notional).magnitude)
        case .margin where mode == .isolated: try self[.orderExposure] / self[.leverage]
        case .margin:
            try Figures.positionMargin(
                of: self[.worstValue], quantity: self[.worstQuantity], leverage: self[.productLeverage],
                rate: self[.marginRate])
        case .leverage:
            try leverageRule?.value(
                own: self[.ownLeverage], account: self[.accountLeverage], product: self[.productLeverage])
                ?? .one
        case .productLeverage, .marginRate, .ownLeverage, .accountLeverage: throw gap(figure)
        }
    }

    /// The larger of what it comes to when all buy orders fill and when all sell orders fill.
    private func worst(
        _ net: ExactFraction, buys: ExactFraction, sells: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        max(try (net + buys).magnitude, try (net - sells).magnitude)
    }

    var hasOrders: Bool { !orders.isEmpty }

    private func orders(_ side: Side) -> [OrderFigures] { orders.filter { $0.side == side } }

    override func isThere(_ figure: ExposureFigure) -> Bool { figure != .leverage || mode == .isolated }

    override var path: String { "\(mode == .isolated ? "isolated_orders" : "underlyings").\(title)." }
    override var name: String { title }

    // MARK: - Taking in

    /// An underlying, or an isolated instrument, of which nothing is known but an instrument.
    init(
        _ group: ExposureGroup, _ instrument: Instrument, _ leverage: IsolatedLeverage?,
        _ rules: CryptoComRules,
        in book: FigureBook
    ) throws(NumberError) {
        title = group == .isolated ? instrument.name : instrument.base
        leverageRule = leverage
        kind = instrument.kind
        limits = (rules.maximumLeverage(of: instrument), try rules.marginRatePerUnit(of: instrument))
        super.init(book, group, Layouts.exposure)
        if let own = leverage?.own { give(.ownLeverage, own) }
        if let account = leverage?.account { give(.accountLeverage, account) }
        giveLimits()
    }

    private func giveLimits() {
        give(.productLeverage, limits.leverage)
        give(.marginRate, limits.rate)
    }

    private func include(_ instrument: Instrument, _ rules: CryptoComRules) throws(NumberError) {
        if instrument.kind == kind { return }
        limits = (
            min(limits.leverage, rules.maximumLeverage(of: instrument)),
            max(limits.rate, try rules.marginRatePerUnit(of: instrument))
        )
        giveLimits()
    }

    func add(_ position: PositionFigures, _ rules: CryptoComRules) throws(NumberError) {
        try include(position.position.instrument, rules)
        positions.append(position)
    }

    func add(_ order: OrderFigures, of instrument: Instrument, _ rules: CryptoComRules) throws(NumberError) {
        try include(instrument, rules)
        orders.append(order)
    }
}

extension ExposureFigure {
    static let choices = Source.ours

    func facts(in group: ExposureGroup) -> FigureFacts? {
        let usd = CryptoComRules.usd
        let worst = "max(|net + open buys|, |net − open sells|)"
        return switch self {
        case .worstValue: .beside(worst + ", at mark", usd, .plain, .choice, from: Source.ours)
        case .worstQuantity:
            .beside(worst + ", in coin", FigureFacts.coin, .plain, .choice, from: Source.ours)
        case .orderExposure:
            .beside("worst_value − |net notional|, at least 0", usd, .plain, .choice, from: Source.ours)
        case .margin where group == .isolated:
            .beside("order_exposure ÷ leverage", usd, .plain, .choice, from: Source.ours)
        case .margin:
            .beside(
                "worst_value × min(1, max(1 ÷ product leverage, unit margin rate × multiplier × "
                    + "worst_quantity))", usd, .plain, .choice, from: Source.risk)
        case .leverage where group == .isolated:
            .beside(IsolatedLeverage.words, "ratio", .plain, .choice, from: Source.ours)
        case .leverage: nil
        case .productLeverage: .input("maximum product leverage", "ratio", .rule)
        case .marginRate: .input("unit_margin_rate × multiplier", "ratio", .rule)
        case .ownLeverage: .input("leverage set", "ratio", .setting)
        case .accountLeverage: .input("max_leverage", "ratio", .setting)
        }
    }
}

extension Figures {
    /// Initial margin of a notional: a share of it that grows with the quantity, at most all of it.
    static func positionMargin(
        of notional: ExactFraction, quantity: ExactFraction, leverage: ExactFraction, rate: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        let share = try rate * quantity
        return max(try notional / leverage, share >= .one ? notional : try notional * share)
    }
}
