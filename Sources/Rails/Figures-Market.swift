import Ledger
import Numbers
import Venue

/// The figures of a market of an account: the fields of its row in `marketBalancesMap`, then what they rest
/// on.
enum MarketFigure: String, FigureKey {
    case position, positionQuantity, liquidationPrice, openBuy, openBuyQty, openSell, openSellQty, pnl
    case positionPnl, funding, positionFunding, volume, fees, liquidationFees, margin, maintenanceMargin
    // Not in the row.
    case otherEquity, otherMaintenance, unrealizedPnl, indexPrice, positionSize, openingOrders
    case openOrderMargin
    // What withdrawals and an isolated position's margin are judged by.
    case unrealizedLoss, entryMargin, isolatedEquity, spareMargin
    // What is given.
    case quantity, cost, isolatedMargin, ownLeverage, realisedProfit, fundingReceived, tradedNotional
    case feesPaid, liquidationFeesPaid, givenPrice, baseIndex, quoteIndex
}

/// What decides which words hold of a market.
struct MarketMode {
    let profile: WireProfile
    /// Whether its position has a pool of its own.
    var isIsolated = false
    /// Whether its index price was given, and is not that of two assets.
    var isPriceGiven = true
}

/// A market of an account.
final class MarketFigures: FigureTable<MarketFigure> {
    unowned let account: AccountFigures
    /// Such as `BTC-USD`.
    let market: String
    /// Open orders in the order of placing.
    var orders: [OrderFigures] = []
    /// Whether it has a position.
    var isOpen = false
    /// Whether it has a leverage that is not the account's.
    var hasOwnLeverage = false
    /// Why nothing is known of its orders; a sentence.
    var lackOfOrders: String?
    private var instrument: Instrument?
    private var pricedAt: LedgerTime?

    override func value(of figure: MarketFigure) throws -> ExactFraction {
        switch figure {
        case .position: try isDocumented ? self[.cost].magnitude : self[.cost]
        case .positionQuantity: try isDocumented ? self[.quantity].magnitude : self[.quantity]
        case .liquidationPrice: try liquidationPrice()
        case .openBuy: try notional(of: .buy)
        case .openBuyQty: try quantity(of: .buy)
        case .openSell: try notional(of: .sell)
        case .openSellQty: try quantity(of: .sell)
        case .pnl: try self[.positionPnl]
        case .positionPnl: try self[.realisedProfit]
        case .funding: try self[.fundingReceived]
        case .positionFunding: try self[.funding]
        case .volume: try self[.tradedNotional]
        case .fees: try self[.feesPaid]
        case .liquidationFees: try self[.liquidationFeesPaid]
        case .margin where mode.isIsolated && isDocumented:
            try self[.isolatedMargin] + (self[.openBuy] + self[.openSell]) / leverage()
        case .margin where mode.isIsolated: try self[.isolatedMargin]
        case .margin where isDocumented:
            try (self[.position] + self[.openBuy] + self[.openSell]) / leverage()
        case .margin: try self[size] / leverage()
        case .maintenanceMargin: try self[size] * account[.maintenanceRate]

        case .otherEquity where mode.isIsolated: try self[.isolatedMargin]
        case .otherEquity:
            try account.crossMoney() + others.filter(\.isOpen).sum(.unrealizedPnl)
        case .otherMaintenance where isDocumented: try pool.sum(size) * account[.maintenanceRate]
        case .otherMaintenance: try others.sum(size) * account[.maintenanceRate]
        case .unrealizedPnl: try self[.quantity] * self[.indexPrice] - self[.cost]
        case .indexPrice where mode.isPriceGiven: try self[.givenPrice]
        case .indexPrice: try PrintForm.halfUp(8).of(self[.baseIndex] / self[.quoteIndex])
        case .positionSize:
            try self[.quantity].isZero ? .zero : (self[.quantity] * self[.indexPrice]).magnitude
        case .openingOrders: try openingOrders()
        case .openOrderMargin: try self[.openingOrders] / leverage()

        case .unrealizedLoss: try min(.zero, self[.unrealizedPnl])
        case .entryMargin: try self[.cost].magnitude / leverage()
        case .isolatedEquity: try self[.isolatedMargin] + self[.unrealizedPnl]
        case .spareMargin: try self[.isolatedMargin] + self[.unrealizedLoss] - self[size] / leverage()

        case .givenPrice, .baseIndex, .quoteIndex:
            throw instrument == nil ? gap(figure) : FigureError.priceMissing(market)
        case .quantity, .cost, .isolatedMargin, .ownLeverage, .realisedProfit, .fundingReceived,
            .tradedNotional, .feesPaid, .liquidationFeesPaid:
            throw gap(figure)
        }
    }

    override func isThere(_ figure: MarketFigure) -> Bool {
        switch figure {
        case .unrealizedPnl, .indexPrice: isOpen
        default: true
        }
    }

    private var isDocumented: Bool { account.isDocumented }
    private var size: MarketFigure { account.size }
    /// Whether it is margined with the other markets.
    var isCross: Bool { !mode.isIsolated }
    /// The markets that it is margined with.
    private var pool: [MarketFigures] { isCross ? account.cross : [self] }
    private var others: [MarketFigures] { pool.filter { $0 !== self } }

    /// The later text has leverages of markets beside the account's.
    private func leverage() throws -> ExactFraction {
        try hasOwnLeverage ? self[.ownLeverage] : account[.leverage]
    }

    private func orders(_ side: Side) throws -> [OrderFigures] {
        if let lackOfOrders { throw FigureGap.missing(lackOfOrders) }
        return orders.filter { $0.side == side }
    }

    private func notional(of side: Side) throws -> ExactFraction {
        var sum = ExactFraction.zero
        for order in try orders(side) { try sum += order[.remaining] * order[.price] }
        return sum
    }

    private func quantity(of side: Side) throws -> ExactFraction {
        var sum = ExactFraction.zero
        for order in try orders(side) { try sum += order[.remaining] }
        return sum
    }

    /// Orders that would add exposure: reduce-only orders never count; orders against the position are
    /// exempt, oldest first, up to its size.
    private func openingOrders() throws -> ExactFraction {
        let quantity = try self[.quantity]
        var exempt = quantity.magnitude
        var notional = ExactFraction.zero
        for order in orders where !order.isReduceOnly {
            var counted = try order[.remaining]
            let offsets = quantity.isPositive ? order.side == .sell : order.side == .buy
            if offsets, exempt.isPositive {
                let part = min(exempt, counted)
                try exempt -= part
                try counted -= part
            }
            try notional += counted * order[.price]
        }
        return notional
    }

    /// Solves otherEquity + quantity × P − cost = otherMaintenance + moving rate × |quantity| × P; 0 where
    /// there is no position, no positive price, or none that can be held.
    private func liquidationPrice() throws -> ExactFraction {
        let quantity = try self[.quantity]
        if quantity.isZero { return .zero }
        let required = try self[.cost] - self[.otherEquity] + self[.otherMaintenance]
        let perPrice = try quantity - quantity.magnitude * account[.movingRate]
        // Signs that differ, or nothing that moves with the price: no positive answer.
        guard !perPrice.isZero, !required.isZero, required.isNegative == perPrice.isNegative,
            let price = try? required / perPrice, (try? PrintForm.cut(18).print(price)) != nil
        else { return .zero }
        return price
    }

    // MARK: - As an object

    override var path: String { "marketBalancesMap.\(market)." }
    override var name: String { market }

    override func name(of input: MarketFigure, _ words: String) -> String {
        switch input {
        case .givenPrice: "price given at \(pricedAt?.iso8601 ?? "")"
        case .baseIndex: "index of \(instrument?.base ?? "")"
        case .quoteIndex: "index of \(instrument?.quote ?? "")"
        case .ownLeverage: "leverage of \(market)"
        default: words
        }
    }

    /// A market without any amount yet.
    init(_ market: String, _ mode: MarketMode, in account: AccountFigures) {
        self.market = market
        self.account = account
        super.init(account.book, mode, Layouts.market[mode.profile])
    }
}

extension MarketFigure {
    static let choices = Source.ours

    func facts(in mode: MarketMode) -> FigureFacts? {
        holding(in: mode) ?? activity ?? margins(in: mode) ?? basis(in: mode) ?? judged ?? input
    }

    private static let usd = RailsVenue.money
    private static let coin = FigureFacts.coin

    /// What is held and ordered.
    private func holding(in mode: MarketMode) -> FigureFacts? {
        let isDocumented = mode.profile == .documented
        return switch self {
        case .position:
            .shown(
                isDocumented ? "|cost| of the open position" : "cost, signed", Self.usd,
                signed: !isDocumented, from: Source.sample, common: .notional)
        case .positionQuantity:
            .shown(
                isDocumented ? "|quantity| in coin" : "quantity in coin, signed", Self.coin,
                signed: !isDocumented, from: Source.sample, common: .quantity)
        case .liquidationPrice:
            .shown(
                "the index price at which equity meets maintenance while the other markets stand still: "
                    + "(cost + other maintenance − other equity) ÷ (quantity − |quantity| × moving rate); "
                    + "0 if there is none", Self.usd, .cut(18), evidence: .unit(18), .choice,
                from: Source.ours, common: .liquidationPrice, isNoneAtZero: true)
        case .openBuy, .openSell:
            .shown(
                "Σ open quantity × limit price of open \(self == .openBuy ? "buy" : "sell") orders",
                Self.usd, .halfEven(18), evidence: .unit(18), from: Source.sample)
        case .openBuyQty, .openSellQty:
            .shown(
                "Σ open quantity of open \(self == .openBuyQty ? "buy" : "sell") orders", Self.coin,
                from: Source.sample)
        default: nil
        }
    }

    /// What the market has brought.
    private var activity: FigureFacts? {
        switch self {
        case .pnl: .shown("positionPnl", Self.usd, signed: true, .cut(8), from: Source.sample)
        case .positionPnl:
            .shown(
                "realized profit of the market's lifetime, before fees", Self.usd, signed: true,
                from: Source.given)
        case .funding:
            .shown(
                "funding received less paid, of the market's lifetime", Self.usd, signed: true,
                from: Source.sample)
        case .positionFunding: .shown("funding", Self.usd, signed: true, from: Source.sample)
        case .volume: .shown("Σ price × quantity of all fills", Self.usd, from: Source.sample)
        case .fees:
            .shown(
                "Σ fees of fills, liquidation fees among them", Self.usd, signed: true, .cut(8),
                from: Source.sample)
        case .liquidationFees:
            .shown(
                "Σ fees of liquidating fills", Self.usd, signed: true, from: Source.sample,
                isAlwaysThere: false)
        default: nil
        }
    }

    private func margins(in mode: MarketMode) -> FigureFacts? {
        let isDocumented = mode.profile == .documented
        return switch self {
        case .margin where mode.isIsolated:
            .shown(
                "what the isolated position holds"
                    + (isDocumented ? " + (openBuy + openSell) ÷ leverage" : ""), Self.usd, .cut(18),
                evidence: .unit(18), .choice, from: Source.ours, common: .initialMargin)
        case .margin:
            .shown(
                isDocumented
                    ? "(position + openBuy + openSell) ÷ leverage" : "index price × |quantity| ÷ leverage",
                Self.usd, .cut(18), evidence: .unit(18),
                from: isDocumented ? Source.given : Source.metricsPage, common: .initialMargin)
        case .maintenanceMargin:
            .shown(
                isDocumented ? "position × maintenance rate" : "index price × |quantity| × maintenance rate",
                Self.usd, .cut(18), evidence: .unit(18),
                from: isDocumented ? Source.given : Source.metricsPage, common: .maintenanceMargin)
        default: nil
        }
    }

    /// What the row rests on and does not show.
    private func basis(in mode: MarketMode) -> FigureFacts? {
        let isDocumented = mode.profile == .documented
        return switch self {
        case .otherEquity:
            .beside(
                mode.isIsolated
                    ? "what the isolated position holds"
                    : "unroundedTotal − what isolated positions hold + Σ unrealizedPnl of the other cross "
                        + "positions", Self.usd, signed: true, .plain, .choice, from: Source.ours)
        case .otherMaintenance:
            .beside(
                isDocumented
                    ? "positions of the pool × maintenance rate: at cost, so no price moves it"
                    : "Σ position size of the pool's other markets × maintenance rate", Self.usd, .plain,
                .choice, from: Source.ours)
        case .unrealizedPnl:
            .beside(
                "quantity × index price − cost", Self.usd, signed: true, evidence: .half(18),
                from: Source.positionsPage)
        case .indexPrice where mode.isPriceGiven:
            .beside("the index price last given", Self.usd, from: Source.metricsPage)
        case .indexPrice:
            .beside("index of the coin ÷ index of USD", Self.usd, .halfUp(8), .choice, from: Source.ours)
        case .positionSize where !isDocumented:
            .beside("index price × |quantity|", Self.usd, from: Source.metricsPage)
        case .openingOrders where !isDocumented:
            .beside(Self.openingWords, Self.usd, .plain, .choice, from: Source.riskPage)
        case .openOrderMargin where !isDocumented:
            .beside("openingOrders ÷ leverage", Self.usd, .plain, .choice, from: Source.riskPage)
        case .openingOrders: .judged(Self.openingWords, Self.usd, .plain, .choice, from: Source.riskPage)
        case .openOrderMargin:
            .judged("openingOrders ÷ leverage", Self.usd, .plain, .choice, from: Source.riskPage)
        default: nil
        }
    }

    private var judged: FigureFacts? {
        switch self {
        case .unrealizedLoss: .judged("min(0, unrealizedPnl)", Self.usd, from: Source.balancePage)
        case .entryMargin: .judged("|cost| ÷ leverage", Self.usd, from: Source.balancePage)
        case .isolatedEquity:
            .judged(
                "what the isolated position holds + unrealizedPnl", Self.usd, .plain, .choice,
                from: Source.ours)
        case .spareMargin:
            .judged(
                "what the isolated position holds + its loss − size ÷ leverage", Self.usd, .plain, .choice,
                from: Source.ours)
        default: nil
        }
    }

    private var input: FigureFacts? {
        switch self {
        case .quantity: .input("quantity", Self.coin, .ledger)
        case .cost: .input("cost", Self.usd, .ledger)
        case .isolatedMargin: .input("isolated margin", Self.usd, .ledger)
        case .ownLeverage: .input("leverage", "ratio", .setting)
        case .realisedProfit: .input("realized profit", Self.usd, .ledger)
        case .fundingReceived: .input("funding", Self.usd, .ledger)
        case .tradedNotional: .input("traded notional", Self.usd, .ledger)
        case .feesPaid: .input("fees", Self.usd, .ledger)
        case .liquidationFeesPaid: .input("fees of liquidating fills", Self.usd, .ledger)
        case .givenPrice: .input("price", Self.usd, .price)
        case .baseIndex: .input("index of the coin", Self.usd, .price)
        case .quoteIndex: .input("index of USD", Self.usd, .price)
        default: nil
        }
    }

    private static let openingWords =
        "Σ open quantity × limit price of orders that add exposure: reduce-only orders never count, orders "
        + "against the position only beyond its size, oldest first"
}

/// What figures need of an open order.
enum OrderFigure: String, FigureKey {
    case remaining, price

    static let choices = Source.ours

    func facts(in mode: Void) -> FigureFacts? {
        switch self {
        case .remaining: .input("open quantity", FigureFacts.coin, .ledger)
        case .price: .input("limit price", RailsVenue.money, .ledger)
        }
    }
}

/// An open order of a market.
final class OrderFigures: FigureTable<OrderFigure> {
    let side: Side
    let isReduceOnly: Bool
    private let id: String

    init(_ id: String, _ side: Side, isReduceOnly: Bool, in book: FigureBook) {
        self.id = id
        self.side = side
        self.isReduceOnly = isReduceOnly
        super.init(book, (), Layouts.order)
    }

    override var name: String { "order \(id)" }
}

// MARK: - Of the ledger

extension MarketFigures {
    /// A market of an account of the ledger.
    convenience init(
        _ activity: InstrumentActivity, of account: Account, _ market: ValuationPrices,
        in figures: AccountFigures
    ) {
        let name = activity.instrument
        let position = account.positions.first { $0.instrument.name == name }
        let given = market.prices.marks[name]
        self.init(
            name,
            MarketMode(
                profile: figures.mode, isIsolated: position?.marginMode == .isolated,
                isPriceGiven: given != nil), in: figures)
        give(.realisedProfit, activity.realised)
        give(.fundingReceived, activity.funding)
        give(.tradedNotional, activity.volume)
        give(.feesPaid, activity.fees)
        give(.liquidationFeesPaid, activity.liquidationFees)
        hold(position, market)
        // Get Account Balances knows one leverage for the account.
        if figures.mode == .live,
            let own = account.leverage(name, side: .net, marginMode: account.railsMarginMode(of: name))
        {
            setLeverage(own)
        }
        for order in account.orders where order.instrument.name == name {
            let figures = OrderFigures(
                order.id, order.side, isReduceOnly: order.reduceOnly, in: figures.book)
            figures.give(.remaining, order.remaining)
            figures.give(.price, order.price)
            orders.append(figures)
        }
    }

    /// Takes a leverage that is the market's own.
    func setLeverage(_ leverage: ExactDecimal) {
        hasOwnLeverage = true
        give(.ownLeverage, leverage)
    }

    /// Takes in the open position and the price that it is worth.
    private func hold(_ position: Position?, _ market: ValuationPrices) {
        give(.quantity, position?.quantity ?? .zero)
        give(.cost, position?.cost ?? .zero)
        give(.isolatedMargin, position?.isolatedWallet ?? .zero)
        guard let position else { return }
        isOpen = true
        instrument = position.instrument
        if let given = market.prices.marks[self.market] {
            pricedAt = given.at
            give(.givenPrice, given.price)
        } else {
            if let base = market.index(position.instrument.base) { give(.baseIndex, base) }
            if let quote = market.index(position.instrument.quote) { give(.quoteIndex, quote) }
        }
    }

    /// Whether an isolated position holds anything.
    var holdsIsolatedMargin: Bool { !isCross && (try? self[.isolatedMargin].isZero) == false }
}
