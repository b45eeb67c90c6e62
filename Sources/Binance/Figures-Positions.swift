import JSON
import Ledger
import Numbers
import Venue

/// One position row: a symbol's position in one-way mode, or one side of it in hedge mode, with its open
/// orders.
public struct BinancePositionRow: Sendable {
    let rules: SymbolRules
    /// The asset that margin is in: the contract's, in credits mode the credits.
    public let marginAsset: String
    /// Σ price × quantity of the position, signed.
    let cost: ExactDecimal
    /// Fees paid in the position's life, in its margin asset; positive when paid. From the ledger.
    let fees: ExactDecimal
    /// Realised in the position's life before fees, in its margin asset; signed. From the ledger.
    let realised: ExactDecimal
    /// `BOTH` (net), `LONG` or `SHORT`.
    public let side: PositionSide
    /// Cross or isolated: that of the position, or of the orders where there is none.
    public let marginMode: MarginMode
    /// The leverage in force for the symbol: as set, else the venue's default; a whole number of at least 1.
    public let leverage: ExactDecimal
    /// `markPrice`: as given, else the rulebook's reference; in the quote asset per coin, above zero. Uncut.
    public let markPrice: ExactDecimal
    /// `positionAmt`, in coin; negative when short, zero where there are orders alone.
    public let quantity: ExactDecimal
    /// `notional`: quantity × mark price, cut to 8 places; in the quote asset, negative when short.
    /// `BinanceFigures.notional`, sheet 4.1.
    public let notional: ExactDecimal
    /// `unrealizedProfit`: quantity × (mark price − entry price cut to 8 places), cut to 8 places; in the
    /// margin asset, signed. `BinanceFigures.unrealizedProfit`, sheet 4.1.
    public let unrealizedProfit: ExactDecimal
    /// `isolatedWallet`: the margin that was put into an isolated position, with its funding; in the margin
    /// asset. Zero for cross positions. From the ledger.
    public let isolatedWallet: ExactDecimal
    /// `isolatedMargin`: isolatedWallet + unrealizedProfit; in the margin asset, signed. Zero for cross
    /// positions. `BinanceFigures.isolatedMargin`, sheet 4.1.
    public let isolatedMargin: ExactDecimal
    /// `positionInitialMargin`: |notional| × (1 ÷ leverage, rounded up to 8 places), brought to 8 places as
    /// the rules of the day say; in the margin asset, not negative.
    /// `BinanceFigures.positionInitialMargin`, sheet 4.1.
    public let positionInitialMargin: ExactDecimal
    /// `openOrderInitialMargin`: what open orders add to positionInitialMargin; in the margin asset, not
    /// negative. `BinanceFigures.openOrderInitialMargin`, sheet 4.1.
    public let openOrderInitialMargin: ExactDecimal
    /// `initialMargin`: positionInitialMargin + openOrderInitialMargin; in the margin asset, not negative.
    /// Sheet 4.1.
    public let initialMargin: ExactDecimal
    /// `maintMargin`: |notional| × rate − cum of its bracket, cut to 8 places; in the margin asset, not
    /// negative. `BinanceFigures.maintMargin`, sheet 4.1.
    public let maintMargin: ExactDecimal
    /// Notional of the open orders that count, by side.
    let openBuys: ExactDecimal
    let openSells: ExactDecimal
    /// Milliseconds of the position's last change, or the symbol's where there is none now; 0 for never.
    public let updateTime: Int64

    /// The symbol's name.
    public var symbol: String { rules.name }
    init(
        _ row: PositionRowInputs, account: Account, mark: ExactDecimal, rules table: RuleTable
    ) throws(NumberError) {
        let position = row.position.map { account.positions[$0] }
        rules = row.rules
        marginAsset = account.marginAsset(of: row.rules, table)
        cost = position?.cost ?? .zero
        fees = position?.fees ?? .zero
        realised = position?.realised ?? .zero
        side = row.side
        marginMode = row.marginMode
        markPrice = mark
        leverage = account.leverage(of: row.rules, table)
        quantity = position?.quantity ?? .zero
        notional = try BinanceFigures.notional(quantity: quantity, markPrice: mark)
        unrealizedProfit = try BinanceFigures.unrealizedProfit(
            quantity: quantity, markPrice: mark, cost: cost)
        let isIsolated = row.marginMode == .isolated && position != nil
        isolatedWallet = isIsolated ? position?.isolatedWallet ?? .zero : .zero
        isolatedMargin =
            isIsolated
            ? try BinanceFigures.isolatedMargin(
                isolatedWallet: isolatedWallet, unrealizedProfit: unrealizedProfit) : .zero
        let rounding = table.account.initialMarginRounding
        positionInitialMargin = try BinanceFigures.positionInitialMargin(
            notional: notional, leverage: leverage, rounding: rounding)
        openBuys = row.hasOrders ? try row.openBuys.rounded(places: 18, rounding: .towardZero) : .zero
        openSells = row.hasOrders ? try row.openSells.rounded(places: 18, rounding: .towardZero) : .zero
        openOrderInitialMargin =
            row.hasOrders
            ? try BinanceFigures.openOrderInitialMargin(
                marginRequirement: BinanceFigures.marginRequirement(
                    notional: notional, openBuys: openBuys, openSells: openSells, leverage: leverage,
                    rounding: rounding),
                positionInitialMargin: positionInitialMargin) : .zero
        initialMargin = try BinanceFigures.initialMargin(
            positionInitialMargin: positionInitialMargin, openOrderInitialMargin: openOrderInitialMargin)
        let bracket = try row.rules.bracket(of: notional, coefficient: account.notionalCoefficient)
        maintMargin = try BinanceFigures.maintMargin(notional: notional, bracket: bracket)
        // A closed position is gone from the account, but when it last changed is still known.
        let lastChange = position?.updatedAt ?? account.activity(row.rules.name)?.updatedAt
        updateTime = lastChange?.milliseconds ?? 0
    }

    /// Entry and break-even price; zero without a position.
    func entryPrices() throws(NumberError) -> (entry: ExactDecimal, breakEven: ExactDecimal) {
        if quantity.isZero { return (.zero, .zero) }
        return (
            try BinanceFigures.entryPrice(cost: cost, quantity: quantity),
            try BinanceFigures.breakEvenPrice(cost: cost, fees: fees, realised: realised, quantity: quantity)
        )
    }

    /// What the row would be worth at most if every order on one side were filled, in the quote asset.
    func largestExposure() throws(NumberError) -> ExactDecimal {
        max(try (notional + openBuys).magnitude, try (notional - openSells).magnitude)
    }
}

/// What belongs into one position row, before its figures are worked out.
struct PositionRowInputs {
    let rules: SymbolRules
    let side: PositionSide
    let marginMode: MarginMode
    /// Where the position stands among the account's; nil where there is none.
    var position: Int?
    /// Σ remaining quantity × limit price of the orders that count.
    var openBuys = ProductSum()
    var openSells = ProductSum()
    var hasOrders = false

    init(rules: SymbolRules, side: PositionSide, marginMode: MarginMode) {
        self.rules = rules
        self.side = side
        self.marginMode = marginMode
    }

    /// One row per symbol, side and margin mode that has a position or an open order; by symbol, then
    /// `LONG`, `SHORT`.
    ///
    /// Throws `FigureError.priceMissing` for a symbol that the rulebook in force does not know any more.
    static func inputs(of account: Account, rules: RuleTable) throws -> [PositionRowInputs] {
        var inputs: [PositionRowInputs] = []
        inputs.reserveCapacity(account.positions.count + account.orders.count)
        func place(_ instrument: Instrument, _ side: PositionSide, _ marginMode: MarginMode) throws -> Int {
            if let found = inputs.firstIndex(where: {
                $0.side == side && $0.marginMode == marginMode && $0.rules.name == instrument.name
            }) {
                return found
            }
            guard let symbol = rules.symbol(instrument.name) else {
                throw FigureError.priceMissing(instrument.name)
            }
            inputs.append(PositionRowInputs(rules: symbol, side: side, marginMode: marginMode))
            return inputs.count - 1
        }
        for (index, position) in account.positions.enumerated() {
            inputs[try place(position.instrument, position.side, position.marginMode)].position = index
        }
        for order in account.orders {
            let row = try place(order.instrument, order.positionSide, order.marginMode)
            try inputs[row].add(order)
        }
        inputs.sort { $0.precedes($1) }
        return inputs
    }

    /// Counts an order. Reduce-only orders, and those that close a side of hedge mode, take no margin:
    /// `decisions.md` Binance 2, a choice.
    private mutating func add(_ order: OpenOrder) throws(NumberError) {
        if order.reduceOnly || order.closesHedgeLeg { return }
        hasOrders = true
        switch order.side {
        case .buy: try openBuys.add(order.remaining, times: order.price)
        case .sell: try openSells.add(order.remaining, times: order.price)
        }
    }

    private func precedes(_ other: PositionRowInputs) -> Bool {
        if rules.name != other.rules.name { return rules.name < other.rules.name }
        if side != other.side { return side == .long }
        return marginMode == .cross && other.marginMode == .isolated
    }
}

extension SymbolRules {
    /// The leverage of an account that has set none: the venue's default, but no more than the symbol allows.
    func defaultLeverage(_ rules: RuleTable) -> ExactDecimal {
        min(rules.account.defaultLeverage, maximumLeverage)
    }

    /// The highest leverage that can be set.
    var maximumLeverage: ExactDecimal { brackets.first?.initialLeverage ?? .one }

    /// The bracket of a notional: floor < |notional| ≤ cap; the last one beyond all caps. Edges and cum are
    /// multiplied by the account's notional coefficient.
    func bracket(of notional: ExactDecimal, coefficient: ExactDecimal) throws(NumberError) -> Bracket {
        let size = notional.magnitude
        for bracket in brackets {
            let scaled = try bracket.scaled(by: coefficient)
            if size <= scaled.notionalCap { return scaled }
        }
        guard let last = brackets.last else { throw .overflow }
        return try last.scaled(by: coefficient)
    }

    /// `maxNotionalValue`: the cap of the last bracket that still allows a leverage, in the quote asset.
    func maximumNotional(
        leverage: ExactDecimal, coefficient: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        let allowed = brackets.last { $0.initialLeverage >= leverage } ?? brackets.first
        return try allowed?.scaled(by: coefficient).notionalCap ?? .zero
    }
}

extension Bracket {
    /// The bracket of a user whose notional coefficient was adjusted: edges and, so that the curve stays
    /// continuous, cum are multiplied by it. Sheet 4.4.
    func scaled(by coefficient: ExactDecimal) throws(NumberError) -> Bracket {
        if coefficient == .one { return self }
        return Bracket(
            number: number, initialLeverage: initialLeverage,
            notionalFloor: try notionalFloor.times(coefficient, rounding: .towardZero),
            notionalCap: try notionalCap.times(coefficient, rounding: .towardZero),
            maintenanceRate: maintenanceRate,
            cumulative: try cumulative.times(coefficient, rounding: .towardZero))
    }
}

extension Account {
    /// The leverage that was set for a symbol last, whatever side and margin mode the command named: the
    /// venue keeps one. Nil where none was.
    func leverage(setFor symbol: String) -> ExactDecimal? {
        leverages.last { $0.instrument == symbol }?.leverage
    }

    /// The leverage of a symbol: the one set, else the venue's default.
    func leverage(of symbol: SymbolRules, _ rules: RuleTable) -> ExactDecimal {
        leverage(setFor: symbol.name) ?? symbol.defaultLeverage(rules)
    }

    /// The asset that a symbol's margin, profit and fees are in.
    func marginAsset(of symbol: SymbolRules, _ rules: RuleTable) -> String {
        (isInCreditsMode ? rules.creditAsset : nil) ?? symbol.instrument.settle
    }

    /// The raised `notionalCoef`; 1 for an account that was not adjusted.
    var notionalCoefficient: ExactDecimal {
        guard !raised.isEmpty, let text = raised("notionalCoef")?.text else { return .one }
        return (try? ExactDecimal(text)) ?? .one
    }
}
