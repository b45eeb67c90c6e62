import Ledger
import Numbers
import Venue

/// A position as its liquidation price sees it.
struct LiquidationLeg {
    /// Signed, in coin.
    let quantity: ExactDecimal
    /// Σ price × quantity, signed.
    let cost: ExactDecimal
    let brackets: [Bracket]
}

extension BinanceFigures {
    /// `liquidationPrice`: the mark at which what backs the legs equals their maintenance margin, in the
    /// quote asset: (balance + Σ cum − Σ cost) ÷ (Σ |quantity| × rate − Σ quantity), with the brackets that
    /// hold at the answer; cut to 8 places, 0 when no positive price does it.
    ///
    /// Exact up to that cut. `balance` is the wallet and profit of everything else less its maintenance
    /// margin (cross), or the isolated wallet. Where several prices do it (hedge mode), the one nearest to
    /// the mark. Sheet 4.5; the shared price of hedge mode and the change of bracket are choices
    /// (`decisions.md` Binance 5).
    static func liquidationPrice(
        of legs: [LiquidationLeg], balance: ExactFraction, markPrice: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        let mark = ExactFraction(markPrice)
        var best: ExactFraction?
        var piece = LiquidationPiece(legs)
        while true {
            let upper = try piece.nextEdge()
            if let price = try piece.solution(balance: balance, upTo: upper?.price), price.isPositive {
                let distance = try (price - mark).magnitude
                if try best.map({ found throws(NumberError) in
                    try distance < (found - mark).magnitude
                }) ?? true {
                    best = price
                }
            }
            guard let upper else { break }
            piece.pass(upper)
        }
        return try best?.rounded(places: places, rounding: .towardZero) ?? .zero
    }
}

/// A range of prices within which no leg changes its bracket, so that equity and maintenance are straight
/// lines.
private struct LiquidationPiece {
    struct Edge {
        let price: ExactFraction
        let leg: Int
    }

    private let legs: [LiquidationLeg]
    /// The bracket that each leg is in.
    private var places: [Int]
    private var lower = ExactFraction.zero

    init(_ legs: [LiquidationLeg]) {
        self.legs = legs
        places = [Int](repeating: 0, count: legs.count)
    }

    /// The nearest price above at which a leg leaves its bracket; nil beyond the last one.
    func nextEdge() throws(NumberError) -> Edge? {
        var nearest: Edge?
        for (place, leg) in legs.enumerated() {
            guard places[place] + 1 < leg.brackets.count, !leg.quantity.isZero else { continue }
            let cap = leg.brackets[places[place]].notionalCap
            // A cap that no price within the range reaches is no edge.
            guard let price = try? ExactFraction(cap).over(leg.quantity.magnitude) else { continue }
            if nearest.map({ price < $0.price }) ?? true { nearest = Edge(price: price, leg: place) }
        }
        return nearest
    }

    mutating func pass(_ edge: Edge) {
        lower = edge.price
        places[edge.leg] += 1
    }

    /// Where equity meets maintenance within this piece; nil if it does not.
    func solution(
        balance: ExactFraction, upTo upper: ExactFraction?
    ) throws(NumberError) -> ExactFraction? {
        var numerator = balance
        var denominator = ExactFraction.zero
        for (place, leg) in legs.enumerated() {
            guard places[place] < leg.brackets.count else { return nil }
            let bracket = leg.brackets[places[place]]
            numerator = try numerator + ExactFraction(bracket.cumulative) - ExactFraction(leg.cost)
            let required = try ExactFraction(leg.quantity.magnitude).times(bracket.maintenanceRate)
            denominator = try denominator + required - ExactFraction(leg.quantity)
        }
        if denominator.isZero { return nil }
        // A price beyond the range of numbers is none.
        guard let price = try? numerator.over(denominator), price >= lower else { return nil }
        if let upper, price > upper { return nil }
        return price
    }
}

extension BinanceFigures {
    /// What backs a symbol's cross positions beside themselves, in their margin asset: the wallet + the
    /// profit of all other cross positions − their maintenance margin. Signed, exact. Sheet 4.5.
    static func crossBalance(
        crossWalletBalance: ExactDecimal, profitOfOthers: ExactDecimal, maintenanceOfOthers: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        ExactFraction(try crossWalletBalance + profitOfOthers - maintenanceOfOthers)
    }

    /// The same in multi-assets mode: Σ over the margin assets of equity − maintenance in USD, each cut,
    /// divided by the ask rate of the asset that the symbol's margin is in. `pool` has equity and maintenance
    /// without the symbol's own. Signed; `decisions.md` Binance 5.
    static func crossBalance(
        of pool: [(equity: ExactDecimal, maintenance: ExactDecimal, rates: AssetRates)],
        askRate: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        var balance = ExactDecimal.zero
        for asset in pool {
            try balance += asset.rates.value(asset.equity)
            try balance -= asset.rates.requirement(asset.maintenance)
        }
        // Nothing backs a position in an asset that is worth nothing.
        return askRate.isZero ? .zero : try ExactFraction(balance).over(askRate)
    }
}

extension BinanceAccountFigures {
    /// The liquidation price of a position row; 0 where there is none. Both sides of a cross hedge share one.
    func liquidationPrice(
        of row: BinancePositionRow, account: Account, rules: RuleTable
    ) throws(NumberError) -> ExactDecimal {
        if row.quantity.isZero { return .zero }
        let coefficient = account.notionalCoefficient
        guard row.marginMode == .cross else {
            return try BinanceFigures.liquidationPrice(
                of: [row.leg(coefficient)], balance: ExactFraction(row.isolatedWallet),
                markPrice: row.markPrice)
        }
        var legs: [LiquidationLeg] = []
        var profit = ExactDecimal.zero
        var maintenance = ExactDecimal.zero
        for other in positions
        where other.symbol == row.symbol && other.marginMode == .cross && !other.quantity.isZero {
            legs.append(try other.leg(coefficient))
            try profit += other.unrealizedProfit
            try maintenance += other.maintMargin
        }
        let balance = try crossBalance(
            of: row.marginAsset, withoutProfit: profit, withoutMaintenance: maintenance)
        return try BinanceFigures.liquidationPrice(of: legs, balance: balance, markPrice: row.markPrice)
    }

    /// What backs a symbol's cross positions beside themselves, in their margin asset: wallet + profit −
    /// maintenance of all others. In multi-assets mode it is worked out in USD over all assets and divided by
    /// the margin asset's ask rate.
    func crossBalance(
        of asset: String, withoutProfit profit: ExactDecimal, withoutMaintenance maintenance: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        guard let place = assets.firstIndex(where: { $0.asset == asset }) else { return .zero }
        guard isMultiAssets, assets[place].marginAvailable else {
            let row = assets[place]
            return try BinanceFigures.crossBalance(
                crossWalletBalance: row.crossWalletBalance, profitOfOthers: row.crossUnPnl - profit,
                maintenanceOfOthers: row.crossMaintMargin - maintenance)
        }
        var pool: [(equity: ExactDecimal, maintenance: ExactDecimal, rates: AssetRates)] = []
        for (index, row) in assets.enumerated() where row.marginAvailable {
            let own = index == place
            let equity = own ? try row.marginBalance - profit : row.marginBalance
            let required = own ? try row.maintMargin - maintenance : row.maintMargin
            pool.append((equity, required, rates[index]))
        }
        return try BinanceFigures.crossBalance(of: pool, askRate: rates[place].ask)
    }
}

extension BinancePositionRow {
    func leg(_ coefficient: ExactDecimal) throws(NumberError) -> LiquidationLeg {
        var brackets = rules.brackets
        if coefficient != .one {
            brackets = []
            for bracket in rules.brackets { brackets.append(try bracket.scaled(by: coefficient)) }
        }
        return LiquidationLeg(quantity: quantity, cost: cost, brackets: brackets)
    }
}
