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
    /// the mark. FAQ on the liquidation price; the shared price of hedge mode and the change of bracket are
    /// choices (docs/venues/binance.md).
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
