import Ledger
import Numbers
import Venue

/// What an open order holds or may cost.
enum OrderFigure: String, OKXFigure {
    case paid, fee, feeUsd, frozen, notional, notionalUsd, margin
    // What is given.
    case sz, px, ctVal, index, orderFeeRate, takerRate, ownLever, defaultLever, szTimesPx
}

/// What decides which words and formulas hold of an order.
struct OrderMode {
    /// What is traded: the assets of a pair for each other, a contract, or a pair on margin with whether the
    /// margin is in the base currency.
    enum Kind {
        case exchange
        case linear
        case inverse
        case pair(inBase: Bool)
    }

    let kind: Kind
    /// What an exchange spends, or what the margin is in.
    let currency: String
    let isBuy: Bool
    let isCross: Bool
    /// Whether it adds no exposure.
    let isFree: Bool
    /// Whether margins are shares of the value in the contract's own currency, and not in USD.
    let isPooled: Bool

    var isExchange: Bool { if case .exchange = kind { true } else { false } }
    var isPair: Bool { if case .pair = kind { true } else { false } }
    var basis: OrderFigure { isPooled ? .notional : .notionalUsd }
}

/// An open order, or orders that differ in nothing but size and price: what is asked of orders is a sum over
/// them, and these come to the same as one order with their sizes and their sizes × prices added up.
final class OrderFigures: FigureTable<OrderFigure> {
    unowned let account: AccountFigures
    let id: String
    /// Where its currency stands in the rulebook's assets.
    let currency: Int
    /// Whether its leverage was set, or told by an answer.
    var isLeverageSet = false
    private var isMany = false

    override func value(of figure: OrderFigure) throws -> ExactFraction {
        switch mode.kind {
        case .exchange: try spotValue(of: figure)
        case .linear: try contractValue(of: figure, isInverse: false)
        case .inverse: try contractValue(of: figure, isInverse: true)
        case .pair(let inBase): try pairValue(of: figure, inBase: inBase)
        }
    }

    private func contractValue(of figure: OrderFigure, isInverse: Bool) throws -> ExactFraction {
        switch figure {
        case .notional where isInverse: try self[.sz] * self[.ctVal] / self[.px]
        case .notional: try szTimesPx() * self[.ctVal]
        case .notionalUsd where isInverse: try self[.sz] * self[.ctVal]
        case .notionalUsd: try self[.notional] * self[.index]
        case .fee where mode.isFree: .zero
        case .fee: try self[.notional] * self[.takerRate]
        case .feeUsd where mode.isFree: .zero
        case .feeUsd: try self[.notionalUsd] * self[.takerRate]
        default: try margin(figure)
        }
    }

    private func pairValue(of figure: OrderFigure, inBase: Bool) throws -> ExactFraction {
        switch figure {
        case .notional where inBase: try self[.sz]
        case .notional: try szTimesPx()
        default: try margin(figure)
        }
    }

    private func margin(_ figure: OrderFigure) throws -> ExactFraction {
        switch figure {
        case .margin where mode.isFree: .zero
        case .margin: try self[mode.basis] / self[isLeverageSet ? .ownLever : .defaultLever]
        default: throw gap(figure)
        }
    }

    private func spotValue(of figure: OrderFigure) throws -> ExactFraction {
        switch figure {
        case .paid where mode.isBuy: try szTimesPx()
        case .paid: try self[.sz]
        case .fee: try self[.paid] * self[.orderFeeRate]
        case .feeUsd: try self[.fee] * self[.index]
        case .frozen: try self[.paid] + self[.fee]
        default: throw gap(figure)
        }
    }

    private func szTimesPx() throws -> ExactFraction {
        isMany ? try self[.szTimesPx] : try self[.sz] * self[.px]
    }

    override func isThere(_ figure: OrderFigure) -> Bool {
        switch figure {
        case .paid, .frozen: mode.isExchange
        case .notional, .margin: !mode.isExchange
        case .notionalUsd: !mode.isExchange && !mode.isPair
        case .fee, .feeUsd: !mode.isPair
        default: true
        }
    }

    // MARK: - As an object

    override var name: String { "order \(id)" }
    override var path: String { "orders.\(id)." }

    override func name(of figure: OrderFigure, in words: String, of asker: FigureObject) -> String {
        asker === self ? words : "\(words) of \(name)"
    }

    override func name(of input: OrderFigure, _ words: String) -> String {
        input == .index ? account.indexWords(mode.currency) : words
    }

    /// An order without any number yet.
    init(_ id: String, currency: Int, _ mode: OrderMode, in account: AccountFigures) {
        self.id = id
        self.currency = currency
        self.account = account
        super.init(account.book, mode, Self.layout)
    }

    /// None of it is a body of its own.
    private static let layout = FigureLayout<OrderFigure>(
        OrderMode(
            kind: .linear, currency: "", isBuy: true, isCross: true, isFree: false, isPooled: false))
}

extension OrderFigures {
    /// An order of the ledger.
    convenience init(_ order: OpenOrder, in account: AccountFigures) throws {
        let table = account.rules
        let terms = order.instrument
        guard let place = table.instrumentPlace(terms.name) else {
            throw FigureError.priceMissing(terms.name)
        }
        let link = table.links[place]
        let kind: OrderMode.Kind
        let currency: Int
        if let asset = account.account.marginAsset(of: order) {
            kind = .pair(inBase: asset == terms.base)
            currency = asset == terms.base ? link.base : link.quote
        } else if terms.kind.isDerivative {
            kind = terms.payoff == .inverse ? .inverse : .linear
            currency = link.settle
        } else {
            kind = .exchange
            currency = order.side == .buy ? link.quote : link.base
        }
        self.init(
            order.id, currency: currency,
            OrderMode(
                kind: kind, currency: table.assets[currency].name, isBuy: order.side == .buy,
                isCross: order.marginMode == .cross, isFree: order.onlyReduces,
                isPooled: order.marginMode == .isolated || account.mode == .futures), in: account)
        give(.sz, order.remaining)
        give(.px, order.price)
        if mode.isExchange {
            give(.orderFeeRate, table.margin.orderFeeRate)
            return
        }
        give(.ctVal, terms.contractValue)
        if mode.isFree { return }
        give(.takerRate, table.feeRate(.taker, of: table.instruments[place], in: account.account))
        let own = account.account.leverageSet(
            of: terms, side: order.positionSide, marginMode: order.marginMode)
        isLeverageSet = own != nil
        give(isLeverageSet ? .ownLever : .defaultLever, own ?? table.defaultLeverage(of: terms))
    }

    /// Orders of the ledger that are alike, as one.
    convenience init(_ orders: AlikeOrders, in account: AccountFigures) throws {
        try self.init(orders.first, in: account)
        guard orders.count > 1 else { return }
        isMany = true
        give(.sz, orders.size)
        give(.szTimesPx, orders.sizeTimesPrice)
    }
}

/// Open orders that differ in nothing but size and price.
struct AlikeOrders {
    let first: OpenOrder
    private(set) var count = 1
    private(set) var size: ExactFraction
    private(set) var sizeTimesPrice: ExactFraction

    init(_ order: OpenOrder) throws {
        first = order
        size = ExactFraction(order.remaining)
        sizeTimesPrice = try size.times(order.price)
    }

    /// Takes an order in; false for one that is not alike. The value of an inverse contract's order is its
    /// size ÷ price, which adds up to nothing simpler.
    mutating func take(_ order: OpenOrder) throws -> Bool {
        guard first.isAlike(order), first.instrument.payoff == .linear else { return false }
        let added = ExactFraction(order.remaining)
        try size += added
        try sizeTimesPrice += added.times(order.price)
        count += 1
        return true
    }
}

extension [AlikeOrders] {
    /// The orders, those that are alike together, in the order in which the first of each came.
    init(_ orders: [OpenOrder]) throws {
        self = []
        // Orders come in rows of their like; else the few of their instrument are looked at.
        var latest = 0
        var places: [ObjectIdentifier: [Int]] = [:]
        for order in orders {
            if !isEmpty, try self[latest].take(order) { continue }
            let instrument = ObjectIdentifier(order.instrument)
            if let place = try places[instrument]?.first(where: { try self[$0].take(order) }) {
                latest = place
                continue
            }
            latest = count
            append(try AlikeOrders(order))
            if order.instrument.payoff == .linear { places[instrument, default: []].append(latest) }
        }
    }
}

extension OrderFigure {
    private static let adds = "0: reduce-only and closing orders add no exposure"

    func facts(in mode: OrderMode) -> FigureFacts? {
        let currency = mode.currency
        let isInverse = if case .inverse = mode.kind { true } else { false }
        func order(_ formula: String, _ unit: String) -> FigureFacts {
            .beside(formula, unit, .plain, .choice, from: Source.ours)
        }
        return switch self {
        case .paid: order(mode.isBuy ? "open sz × px" : "open sz", currency)
        case .fee where mode.isFree, .margin where mode.isFree: order(Self.adds, currency)
        case .feeUsd where mode.isFree: order(Self.adds, "USD")
        case .fee where mode.isExchange: order("paid × order fee rate", currency)
        case .feeUsd where mode.isExchange: order("fee × index price of \(currency)", "USD")
        case .fee:
            // Recorded in futures mode alone.
            .beside(
                "notional × taker rate, held until the order ends", currency, .plain,
                mode.isPooled ? .exact : .choice, from: mode.isPooled ? Source.recorded : Source.ours)
        case .feeUsd: order("notionalUsd × taker rate", "USD")
        case .frozen: order("paid + fee", currency)
        case .notional: order(value(in: mode), currency)
        case .notionalUsd:
            order(
                isInverse ? "open sz × ctVal, which is in USD" : "notional × index price of \(currency)",
                "USD")
        case .margin:
            order(
                "\(mode.basis.rawValue) ÷ lever, not netted against the position",
                mode.isPooled ? currency : "USD")
        case .sz: .input("sz", "contracts", .ledger)
        case .px: .input("px", "price", .ledger)
        case .ctVal: .input("ctVal", FigureFacts.coin, .rule)
        case .index: .input("index price", "USD", .price)
        case .orderFeeRate: .input("order fee rate", "ratio", .rule)
        case .takerRate: .input("taker rate of the account", "ratio", .setting)
        case .ownLever: .input("lever (as set)", "ratio", .setting)
        case .defaultLever: .input("lever (until one is set)", "ratio", .rule)
        case .szTimesPx: .input("sz × px", FigureFacts.coin, .ledger)
        }
    }

    private func value(in mode: OrderMode) -> String {
        switch mode.kind {
        case .inverse: "open sz × ctVal ÷ px"
        case .pair(inBase: true): "open sz"
        case .pair(inBase: false): "open sz × px"
        case .exchange, .linear: "open sz × ctVal × px"
        }
    }
}
