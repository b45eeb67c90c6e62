import JSON
import Ledger
import Numbers
import Venue

/// The figures of a position row: the fields of `positions` in their order, then those of other answers, then
/// what they rest on.
///
/// A row is a symbol's position in one-way mode, or one side of it in hedge mode, with its open orders.
/// Amounts are in the margin asset unless said otherwise.
enum PositionFigure: String, FigureKey {
    typealias Number = ExactDecimal

    case symbol, positionSide, positionAmt, unrealizedProfit, isolatedMargin, notional, isolatedWallet
    case initialMargin, maintMargin, updateTime
    // In other answers: the position risk, version 2, the stream.
    case markPrice, positionInitialMargin, openOrderInitialMargin, bidNotional, askNotional
    case entryPrice, breakEvenPrice, liquidationPrice, crossBalance
    case maxNotional, adl, marginAsset, marginType, isolated, isAutoAddMargin
    // What orders are judged by.
    case largestExposure
    // What is given.
    case quantity, cost, commission, realizedProfit, wallet, lastChange, leverage, maintenanceRate, cumulative
    case givenPrice, baseIndex, quoteIndex, symbolRealizedProfit
}

/// What decides which words hold of a position row.
struct PositionMode {
    var marginMode = MarginMode.cross
    /// Whether there is a position, and not orders alone.
    var isOpen = true
    /// How initial margins are brought to 8 places.
    var marginForm = PrintForm.halfUp(8)
    /// The assets whose index prices make the mark; nil where it was given.
    var indexes: (base: String, quote: String)?
    var hasOwnLeverage = true
    /// Whether there are orders that take margin.
    var hasOrders = true
    /// Whether there are orders that take none.
    var hasFreeOrders = false
    /// Whether the account's notional coefficient was set.
    var isCoefficientSet = false
    /// The asset that the margin is in.
    var marginAsset = "the margin asset"
    /// Whether both sides of a cross hedge share the liquidation price.
    var isShared = false
    /// Whether everything that counts as margin backs the position.
    var isPooled = false

    /// Whether the position has a wallet of its own.
    var hasWallet: Bool { marginMode == .isolated && isOpen }
}

/// A position row of an account.
final class PositionRow: FigureTable<PositionFigure> {
    let symbol: String
    /// Nil for a symbol that the rulebook does not know.
    let rules: SymbolRules?
    /// `BOTH` (net), `LONG` or `SHORT`.
    let side: PositionSide
    /// The account, where the row is one of it.
    unowned var account: AccountFigures?
    /// Whether an answer has it among the position risks, and not among the account's own rows.
    var isOfRisk = false
    /// Where an answer has it.
    var reportedObject: ReportedObject?
    /// The ledger's account, of a row of it.
    var ledger: LedgerAccount?
    var pricedAt: LedgerTime?
    var indexedAt: (base: LedgerTime?, quote: LedgerTime?)

    override func value(of figure: PositionFigure) throws -> ExactDecimal {
        switch figure {
        case .positionAmt: try self[.quantity]
        case .unrealizedProfit: try profit()
        case .isolatedMargin where mode.hasWallet: try self[.isolatedWallet] + self[.unrealizedProfit]
        case .notional: try cut(self[.positionAmt], times: self[.markPrice])
        case .isolatedWallet where mode.hasWallet: try self[.wallet]
        case .isolatedMargin, .isolatedWallet: zeroWithoutWallet()
        case .initialMargin: try self[.positionInitialMargin] + self[.openOrderInitialMargin]
        case .maintMargin:
            try max(.zero, maintenance(of: self[.notional], self[.maintenanceRate], self[.cumulative]))
        case .updateTime: try self[.lastChange]

        case .markPrice where mode.indexes == nil: try self[.givenPrice]
        case .markPrice: try self[.baseIndex].over(self[.quoteIndex], places: 8, rounding: .halfUp)
        case .positionInitialMargin: try margin(of: self[.notional])
        case .openOrderInitialMargin where !mode.hasOrders: .zero
        case .openOrderInitialMargin: try margin(of: exposure()) - self[.positionInitialMargin]
        case .bidNotional: try notional(of: .buy)
        case .askNotional: try notional(of: .sell)
        case .entryPrice: try price(self[.cost], over: self[.positionAmt])
        case .breakEvenPrice:
            try price(self[.cost] + self[.commission] - self[.realizedProfit], over: self[.positionAmt])
        case .liquidationPrice: try liquidationPrice()
        case .crossBalance: try crossBacking().rounded(places: 18, rounding: .halfEven)
        case .maxNotional: try rules?.maximumNotional(leverage: self[.leverage], coefficient) ?? .zero
        case .adl: ExactDecimal(Int(ledger?.account.overriddenInteger(.adl, fallback: 0) ?? 0))
        case .largestExposure: try exposure()

        case .maintenanceRate: try bracket(of: self[.notional]).maintenanceRate
        case .cumulative: try bracket(of: self[.notional]).cumulative
        case .givenPrice, .baseIndex, .quoteIndex:
            throw ledger == nil ? gap(figure) : FigureError.priceMissing(symbol)
        case .quantity, .cost, .commission, .realizedProfit, .wallet, .lastChange, .leverage,
            .symbolRealizedProfit, .symbol, .positionSide, .marginAsset, .marginType, .isolated,
            .isAutoAddMargin:
            throw gap(figure)
        }
    }

    override func isThere(_ figure: PositionFigure) -> Bool {
        figure != .crossBalance || account?.asset(mode.marginAsset) != nil
    }

    /// An amount cut to 8 places, toward zero, as the venue does.
    private func cut(_ first: ExactDecimal, times second: ExactDecimal) throws -> ExactDecimal {
        try first.times(second, places: BinanceFigures.places, rounding: .towardZero)
    }

    /// Of the entry price 8 places count.
    private func profit() throws -> ExactDecimal {
        let (quantity, mark, cost) = try (self[.positionAmt], self[.markPrice], self[.cost])
        if quantity.isZero { return .zero }
        let entry = try cost.over(quantity, places: BinanceFigures.places, rounding: .towardZero)
        return try cut(quantity, times: mark - entry)
    }

    private func zeroWithoutWallet() -> ExactDecimal {
        note(Explanation.Input("margin type", mode.marginMode.rawValue, .ledger))
        return .zero
    }

    /// |exposure| × (1 ÷ leverage, rounded up to 8 places).
    private func margin(of exposure: ExactDecimal) throws -> ExactDecimal {
        let rate = try ExactDecimal.one.over(
            self[.leverage], places: BinanceFigures.places, rounding: .ceiling)
        let rounding = if case .halfUp = mode.marginForm { Rounding.halfUp } else { Rounding.towardZero }
        return try exposure.magnitude.times(rate, places: BinanceFigures.places, rounding: rounding)
    }

    private func maintenance(
        of notional: ExactDecimal, _ rate: ExactDecimal, _ cumulative: ExactDecimal
    ) throws -> ExactDecimal {
        if mode.isCoefficientSet { note(Explanation.Input("notionalCoef", coefficient, .overridden)) }
        var value = ProductSum()
        try value.add(notional.magnitude, times: rate)
        try value.add(-cumulative)
        return try value.rounded(places: BinanceFigures.places, rounding: .towardZero)
    }

    /// What the row would be worth at most if every order on one side were filled.
    private func exposure() throws -> ExactDecimal {
        let notional = try self[.notional]
        return max(
            try (notional + self[.bidNotional]).magnitude, try (notional - self[.askNotional]).magnitude)
    }

    /// Σ open quantity × price of the orders of a side that may add to the position.
    private func notional(of side: Side) throws -> ExactDecimal {
        guard mode.hasOrders else { return .zero }
        guard let ledger else { throw gap(side == .buy ? .bidNotional : .askNotional) }
        var sum = ProductSum()
        for order in ledger.account.orders where order.side == side && order.takesMargin && isOf(order) {
            note(Explanation.Input("open quantity of order \(order.id)", order.remaining, .ledger))
            note(Explanation.Input("price of order \(order.id)", order.price, .ledger))
            try sum.add(order.remaining, times: order.price)
        }
        return try sum.rounded(places: ExactDecimal.places, rounding: .towardZero)
    }

    private func isOf(_ order: OpenOrder) -> Bool {
        order.instrument.name == symbol && order.positionSide == side && order.marginMode == mode.marginMode
    }

    /// A price of entry as it is printed: cut to 13 places less the digits before its point, of which 0.5 has
    /// none.
    private func price(_ cost: ExactDecimal, over quantity: ExactDecimal) throws -> ExactDecimal {
        if quantity.isZero { return .zero }
        let whole = try cost.over(quantity, places: BinanceFigures.priceDigits, rounding: .towardZero)
        return whole.cut(places: BinanceFigures.pricePlaces(of: whole))
    }

    private var coefficient: ExactDecimal {
        mode.isCoefficientSet ? ledger?.account.notionalCoefficient ?? .one : .one
    }

    private func bracket(of notional: ExactDecimal) throws -> Bracket {
        guard let rules else { throw gap(.maintenanceRate) }
        return try rules.bracket(of: notional, coefficient: coefficient)
    }

    // MARK: - Liquidation

    /// The mark at which what backs the row equals what must be maintained; 0 where no positive one does it.
    private func liquidationPrice() throws -> ExactDecimal {
        if try self[.positionAmt].isZero { return .zero }
        let isCross = mode.marginMode == .cross
        // Shown half even to 18 places; the price is worked out with all of it.
        let shown = try self[isCross && isThere(.crossBalance) ? .crossBalance : .isolatedWallet]
        let legs = isCross ? account?.legs(of: self) ?? [self] : [self]
        let price = try BinanceFigures.liquidationPrice(
            of: legs.map { try $0.leg() }, balance: isCross ? crossBacking() : ExactFraction(shown),
            markPrice: self[.markPrice])
        for leg in legs where price.isPositive {
            let bracket = try leg.bracket(of: cut(leg[.positionAmt], times: price))
            let place = "of bracket \(bracket.number) for \(leg.name)"
            note(Explanation.Input("maintMarginRatio \(place)", bracket.maintenanceRate, .rule))
            note(Explanation.Input("cum \(place)", bracket.cumulative, .rule))
        }
        return price
    }

    private func leg() throws -> LiquidationLeg {
        guard let rules else {
            throw FigureGap.missing("The rulebook does not know the brackets of \(symbol).")
        }
        let coefficient = coefficient
        return LiquidationLeg(
            quantity: try self[.positionAmt], cost: try self[.cost],
            brackets: coefficient == .one
                ? rules.brackets : try rules.brackets.map { try $0.scaled(by: coefficient) })
    }

    /// What backs a symbol's cross positions beside themselves, in their margin asset.
    private func crossBacking() throws -> ExactFraction {
        guard let account else { return .zero }
        return try account.backing(of: symbol, in: mode.marginAsset)
    }

    // MARK: - As an object

    override var path: String { "positions.\(symbol).\(sideName)." }
    override var name: String { "\(symbol) \(sideName)" }

    override func path(of figure: PositionFigure, isPrinted: Bool) -> String {
        (figure.isOfRisk ? "positionRisk.\(symbol).\(sideName)." : path) + figure.rawValue
    }

    override func name(of figure: PositionFigure, isOwn: Bool) -> String {
        figure == .crossBalance ? figure.rawValue : "\(figure.rawValue) of \(name)"
    }

    override func name(of input: PositionFigure, _ words: String) -> String {
        switch input {
        case .cost: "cost of \(name)"
        case .givenPrice: "price given at \(pricedAt?.iso8601 ?? "")"
        case .baseIndex: BinanceFigures.indexName(mode.indexes?.base, indexedAt.base)
        case .quoteIndex: BinanceFigures.indexName(mode.indexes?.quote, indexedAt.quote)
        case .maintenanceRate, .cumulative: "\(words) of bracket \(bracketNumber) for \(name)"
        default: words
        }
    }

    private var bracketNumber: Int { (try? bracket(of: self[.notional]).number) ?? 0 }

    override func minimumPlaces(of figure: PositionFigure) -> Int { rules?.quantityPrecision ?? 0 }

    /// `positionSide` as it is served.
    var sideName: String { side.binanceName.description }

    /// A row without any number yet.
    init(
        _ symbol: String, _ side: PositionSide, _ rules: SymbolRules?, _ mode: PositionMode,
        in book: FigureBook
    ) {
        self.symbol = symbol
        self.side = side
        self.rules = rules
        super.init(book, mode, Layouts.position)
    }
}

extension PositionFigure {
    static let choices = Source.ours

    /// Those of the position risk that the account's own row does not have.
    var isOfRisk: Bool {
        [.entryPrice, .breakEvenPrice, .liquidationPrice, .crossBalance].contains(self)
    }

    func facts(in mode: PositionMode) -> FigureFacts? {
        holding(in: mode) ?? margins(in: mode) ?? prices(in: mode) ?? others ?? input(in: mode)
    }

    private static let coin = FigureFacts.coin
    /// The unit of what counts in the margin asset.
    static let margin = "margin asset"

    private func holding(in mode: PositionMode) -> FigureFacts? {
        let cut = BinanceFigures.cutWords
        return switch self {
        case .symbol: .other("the symbol", from: Source.given)
        case .positionSide: .other("`BOTH`, or `LONG` and `SHORT` in hedge mode", from: Source.given)
        case .positionAmt:
            .row(
                "quantity of the position, negative when short", unit: Self.coin, form: .plain,
                style: .ofObject,
                from: Source.given, common: .quantity)
        case .unrealizedProfit:
            .row(
                "positionAmt × (markPrice − cost ÷ positionAmt, cut to 8 places)", style: .padded(8),
                rounding: cut, from: Source.recordings, common: .unrealizedProfit)
        case .isolatedMargin:
            .row(
                mode.hasWallet ? "isolatedWallet + unrealizedProfit" : "0 without an isolated position",
                from: Source.risk, common: .equity)
        case .notional:
            .row("positionAmt × markPrice", rounding: cut, from: Source.risk, common: .notional)
        case .isolatedWallet:
            .row(
                mode.hasWallet ? "what was put into the position" : "0 without an isolated position",
                from: Source.risk, common: .wallet)
        case .updateTime:
            .row(
                mode.isOpen
                    ? "last change of the position, in milliseconds"
                    : "last change of the symbol while there is no position, in milliseconds; 0 for never",
                unit: "milliseconds", form: .stored(0), style: .number,
                status: mode.isOpen ? .exact : .choice,
                from: Source.given)
        default: nil
        }
    }

    private func margins(in mode: PositionMode) -> FigureFacts? {
        let words = mode.marginForm.words
        // That some orders take no margin is a choice; so is the split of a cross position's margin.
        let isStated = !mode.hasFreeOrders && (!mode.hasOrders || mode.marginMode == .isolated)
        return switch self {
        case .initialMargin:
            .row(
                "positionInitialMargin + openOrderInitialMargin", signed: false, from: Source.risk,
                common: .initialMargin)
        case .maintMargin:
            .row(
                "|notional| × maintMarginRatio − cum of the bracket with notionalFloor < |notional| ≤ "
                    + "notionalCap"
                    + (mode.isCoefficientSet ? "; edges and cum of the brackets times notionalCoef" : ""),
                signed: false, rounding: BinanceFigures.cutWords, from: Source.brackets,
                common: .maintenanceMargin)
        case .positionInitialMargin:
            .row(
                "|notional| × (1 ÷ leverage, rounded up to 8 places)", at: .beside, signed: false,
                rounding: words, from: Source.recordings)
        case .openOrderInitialMargin where !mode.hasOrders:
            .row(
                "0: no open order that may add to the position", at: .beside, signed: false,
                status: isStated ? .exact : .choice, from: Source.orders)
        case .openOrderInitialMargin:
            .row(
                "max(|notional + bidNotional|, |notional − askNotional|) × (1 ÷ leverage, rounded up to 8 "
                    + "places) − positionInitialMargin", at: .beside, signed: false,
                rounding: "the product \(words)",
                status: isStated ? .exact : .choice, from: Source.orders)
        case .bidNotional where mode.hasOrders, .askNotional where mode.hasOrders:
            .row(
                "Σ open quantity × price of \(self == .bidNotional ? "buy" : "sell") orders that may add to "
                    + "the position", at: .beside, signed: false, form: .cut(8), rounding: "cut to 18 places",
                status: mode.hasFreeOrders ? .choice : .exact, from: Source.orders)
        default: nil
        }
    }

    private func prices(in mode: PositionMode) -> FigureFacts? {
        switch self {
        case .markPrice:
            mode.indexes.map { indexes in
                .row(
                    "index of \(indexes.base) ÷ index of \(indexes.quote)", at: .beside, signed: false,
                    form: .cut(8),
                    style: .padded(8), rounding: "half up to 8 places", status: .choice, from: Source.ours,
                    common: .markPrice)
            }
                ?? .row(
                    "the mark price last given", at: .beside, signed: false, form: .cut(8), style: .padded(8),
                    rounding: "", from: Source.risk, common: .markPrice)
        case .entryPrice:
            .row(
                "cost ÷ positionAmt; 0 without a position", at: .elsewhere, form: .plain,
                style: .zeroPointZero,
                rounding: Self.priceWords, from: Source.recordings, common: .entryPrice)
        case .breakEvenPrice:
            .row(
                "(cost + commission paid − realized profit) ÷ positionAmt, both since the position was "
                    + "opened and in \(mode.marginAsset); 0 without a position", at: .elsewhere, form: .plain,
                style: .zeroPointZero, rounding: Self.priceWords, from: Source.recordings)
        case .liquidationPrice where !mode.isOpen:
            .row("0 without a position", at: .elsewhere, from: Source.risk, common: .liquidationPrice)
        case .liquidationPrice:
            .row(
                "(\(mode.marginMode == .cross ? "crossBalance" : "isolatedWallet") + Σ cum − Σ cost) "
                    + "÷ (Σ |positionAmt| × maintMarginRatio − Σ positionAmt), brackets as they hold there; "
                    + (mode.isShared ? "of several, the one nearest to markPrice; " : "")
                    + "0 where no positive price does it", at: .elsewhere, signed: false,
                rounding: BinanceFigures.cutWords,
                status: mode.isShared || (mode.marginMode == .cross && mode.isPooled) ? .choice : .exact,
                from: Source.liquidation, common: .liquidationPrice, isNoneAtZero: true)
        case .crossBalance where mode.marginMode == .isolated || !mode.isOpen: nil
        case .crossBalance where mode.isPooled:
            .row(
                "Σ over the margin assets of marginBalance × bidRate, or × askRate where it is negative, "
                    + "less maintMargin × askRate; unrealizedProfit and maintMargin of the symbol itself "
                    + "left out; ÷ askRate of \(mode.marginAsset)", at: .beside, form: .plain,
                rounding: "each addend cut to 8 places, the quotient shown half even to 18 places",
                status: .choice,
                from: Source.ours)
        case .crossBalance:
            .row(
                "crossWalletBalance + crossUnPnl − Σ unrealizedProfit of the symbol itself "
                    + "− Σ maintMargin of the other cross positions", at: .beside, form: .plain,
                from: Source.liquidation)
        default: nil
        }
    }

    private static let priceWords =
        "cut to \(BinanceFigures.priceDigits) places less the digits before the point"

    /// What stands in other answers and is not explained, and what orders are judged by.
    private var others: FigureFacts? {
        switch self {
        case .bidNotional, .askNotional:
            .row("0: no order that may add to the position", at: .judged, form: .cut(8))
        case .crossBalance: .row("what backs a cross position", at: .judged)
        case .maxNotional:
            .row(
                "cap of the last bracket that allows the leverage", at: .judged, form: .plain,
                style: .decimal,
                from: Source.brackets)
        case .adl:
            .row("as raised", at: .judged, unit: "none", form: .stored(0), style: .number, from: Source.ours)
        case .largestExposure:
            .row("max(|notional + bidNotional|, |notional − askNotional|)", at: .judged, from: Source.orders)
        case .marginAsset: .other("the asset that margin and profit are in", from: Source.risk)
        case .marginType: .other("`cross` or `isolated`", from: Source.risk)
        case .isolated: .other("whether the margin type is isolated", from: Source.given)
        case .isAutoAddMargin: .other("`false`", from: Source.risk)
        default: nil
        }
    }

    private func input(in mode: PositionMode) -> FigureFacts? {
        switch self {
        case .quantity: .input("quantity", Self.coin, .ledger)
        case .cost: .input("cost", Self.margin, .ledger)
        case .commission: .input("commission paid for the position", Self.margin, .ledger)
        case .realizedProfit: .input("realized profit of the position", Self.margin, .ledger)
        case .wallet: .input("wallet of the position", Self.margin, .ledger)
        case .lastChange: .input("last change", "milliseconds", .ledger)
        case .leverage:
            .input(
                mode.hasOwnLeverage ? "leverage" : "default leverage", "ratio",
                mode.hasOwnLeverage ? .setting : .rule)
        case .maintenanceRate: .input("maintMarginRatio", "ratio", .rule)
        case .cumulative: .input("cum", Self.margin, .rule)
        case .givenPrice: .input("price", Self.margin, .price)
        case .baseIndex: .input("index of the coin", "USD", .price)
        case .quoteIndex: .input("index of the quote asset", "USD", .price)
        case .symbolRealizedProfit:
            FigureFacts(
                .input(.ledger), "realized profit of the symbol", Self.margin, signed: true, style: .bare(8))
        default: nil
        }
    }
}

extension FigureFacts {
    /// A figure of a position row: an amount of 8 places, "0" where it is zero.
    fileprivate static func row(
        _ formula: String, at place: Place = .shown(isAlwaysThere: true),
        unit: String = PositionFigure.margin,
        signed isSigned: Bool = true, form: PrintForm = .stored(8), style: FigureStyle = .bare(8),
        rounding: String? = nil, status: Explanation.Status = .exact, from source: String = Source.ours,
        common: CommonFigure? = nil, isNoneAtZero: Bool = false
    ) -> FigureFacts {
        FigureFacts(
            place, formula, unit, signed: isSigned, form: form, evidence: .exact, leeway: 1, style: style,
            rounding: rounding, status: status, from: source, common: common, isNoneAtZero: isNoneAtZero)
    }
}

extension [PositionRow] {
    /// Σ of one figure over rows.
    func sum(_ figure: PositionFigure) throws -> ExactDecimal {
        var sum = ExactDecimal.zero
        for row in self { try sum += row[figure] }
        return sum
    }
}
