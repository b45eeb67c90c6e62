import JSON
import Ledger
import Numbers
import Venue

/// An order as a client asks for it: read and checked in the order of the order sheet, section 4, as far as
/// the account's state is not needed.
struct OrderReading {
    let parameters: Parameters
    let rules: RuleTable
    let snapshot: AccountSnapshot
    let market: Market

    init(
        _ parameters: Parameters, _ snapshot: AccountSnapshot, _ venue: BinanceVenue
    ) {
        self.parameters = parameters
        self.snapshot = snapshot
        rules = venue.rules(at: snapshot.at)
        market = venue.market(snapshot.prices, at: snapshot.at)
    }

    private static let conditionalTypes = [
        "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET",
    ]

    /// The symbol that is named. Throws −1102 and −1121.
    func symbol() throws(BinanceError) -> SymbolRules {
        guard let symbol = rules.symbol(try parameters.required("symbol")) else { throw .invalidSymbol }
        return symbol
    }

    /// The whole order. Throws the venue's refusal.
    func instruction() throws(BinanceError) -> OrderInstruction {
        let symbol = try symbol()
        let side = try side()
        let isMarket = try isMarket()
        let quantity = try number("quantity")
        let price = isMarket ? nil : try number("price")
        let force = try timeInForce(isMarket: isMarket)
        let isHedged = snapshot.account.settings.flag(Setting.hedge)
        let reduceOnly = try flag("reduceOnly")
        if reduceOnly != nil, isHedged, reduceOnly == true { throw .superfluous("reduceOnly") }
        if isMarket, parameters["price"] != nil { throw .superfluous("price") }
        var terms = OrderTerms(
            clientID: try clientID("newClientOrderId"), kind: isMarket ? .market : .limit,
            timeInForce: force.kind, postOnly: force.isPostOnly,
            expiresAt: try force.kind == .goodTillDate ? goodTillDate() : nil)
        let mode = try selfTradePrevention()
        switch mode {
        // The venue prevents nothing of orders that must fill whole, or must not take.
        case _ where force.kind == .fillOrKill || force.isPostOnly: break
        case "NONE": break
        case "EXPIRE_TAKER": terms.selfTradePrevention = .taker
        case "EXPIRE_BOTH": terms.selfTradePrevention = .both
        default: terms.selfTradePrevention = .maker
        }
        if let mode {
            terms.words = Settings([("selfTradePreventionMode", .string(mode))])
        }
        var instruction = OrderInstruction(
            instrument: symbol.name, side: side, quantity: quantity, price: price, terms: terms)
        instruction.positionSide = try positionSide(isHedged: isHedged)
        instruction.reduceOnly = reduceOnly ?? false
        try check(quantity, symbol, isMarket: isMarket)
        if let price { try check(price, side, symbol) }
        try checkNotional(quantity, price, symbol, isReducing: isReducing(instruction))
        return instruction
    }

    private func isReducing(_ order: OrderInstruction) -> Bool {
        order.reduceOnly || (order.positionSide == .long && order.side == .sell)
            || (order.positionSide == .short && order.side == .buy)
    }

    // MARK: - Words

    func side() throws(BinanceError) -> Side {
        switch try parameters.required("side") {
        case "BUY": .buy
        case "SELL": .sell
        default: throw .invalidSide
        }
    }

    private func isMarket() throws(BinanceError) -> Bool {
        let type = try parameters.required("type")
        if Self.conditionalTypes.contains(type) { throw .conditionalType }
        switch type {
        case "MARKET": return true
        case "LIMIT": return false
        default: throw .invalidOrderType
        }
    }

    private func timeInForce(
        isMarket: Bool
    ) throws(BinanceError) -> (kind: OrderTerms.TimeInForce, isPostOnly: Bool) {
        guard let text = parameters["timeInForce"] else {
            if isMarket { return (.goodTillCancelled, false) }
            throw .missing("timeInForce")
        }
        if isMarket { throw .superfluous("timeInForce") }
        switch text {
        case "GTC": return (.goodTillCancelled, false)
        case "IOC": return (.immediateOrCancel, false)
        case "FOK": return (.fillOrKill, false)
        case "GTX", "RPI": return (.goodTillCancelled, true)
        case "GTD": return (.goodTillDate, false)
        default: throw .invalidTimeInForce
        }
    }

    /// To the second, at least ten minutes ahead.
    private func goodTillDate() throws(BinanceError) -> LedgerTime {
        guard let time = BinanceVenue.milliseconds(try parameters.required("goodTillDate")),
            time > snapshot.at.milliseconds + 600_000, time < 253_402_300_799_000
        else { throw .invalidGoodTillDate }
        return LedgerTime(milliseconds: time / 1000 * 1000)
    }

    private func selfTradePrevention() throws(BinanceError) -> String? {
        guard let mode = parameters["selfTradePreventionMode"] else { return nil }
        guard ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"].contains(mode) else {
            throw .invalidSelfTradePrevention
        }
        return mode
    }

    /// The client's own id: 1 to 36 letters, digits and `.:/_-`; nil where none was sent.
    func clientID(_ name: String) throws(BinanceError) -> String? {
        guard let text = parameters[name], !text.isEmpty else { return nil }
        if text.utf8.count > 36 { throw .clientOrderIDTooLong }
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: Array(".:/_-".utf8).contains(byte)
            }
        }
        guard isPlain else { throw .clientOrderIDInvalid }
        return text
    }

    private func positionSide(isHedged: Bool) throws(BinanceError) -> PositionSide? {
        switch (parameters["positionSide"] ?? "BOTH", isHedged) {
        case ("BOTH", false): nil
        case ("LONG", true): .long
        case ("SHORT", true): .short
        case ("BOTH", true), ("LONG", false), ("SHORT", false): throw .positionSideMismatch
        default: throw .invalidPositionSide
        }
    }

    /// `true` or `false` in any case; nil where it was not sent.
    private func flag(_ name: String) throws(BinanceError) -> Bool? {
        guard let text = parameters[name], !text.isEmpty else { return nil }
        switch text.lowercased() {
        case "true": return true
        case "false": return false
        default: throw .invalidData(name)
        }
    }

    /// A number that must be there.
    func number(_ name: String) throws(BinanceError) -> ExactDecimal {
        guard let number = try? ExactDecimal(try parameters.required(name)) else { throw .missing(name) }
        return number
    }

    // MARK: - Filters

    /// Precision, then LOT_SIZE.
    func check(_ quantity: ExactDecimal, _ symbol: SymbolRules, isMarket: Bool) throws(BinanceError) {
        if quantity.fractionDigits > symbol.quantityPrecision { throw .tooPrecise }
        guard quantity.isPositive else { throw .quantityNotPositive }
        if quantity > ExactDecimal(1_000_000) { throw .quantityTooLarge }
        guard Self.isMultiple(quantity, of: symbol.stepSize) else { throw .quantityOffStep }
    }

    /// Precision, PRICE_FILTER, then PERCENT_PRICE: at most 5 % from the mark, on the side that costs.
    func check(_ price: ExactDecimal, _ side: Side, _ symbol: SymbolRules) throws(BinanceError) {
        if price.fractionDigits > symbol.pricePrecision { throw .tooPrecise }
        guard price.isPositive else { throw .priceNotPositive }
        if price > ExactDecimal(1_000_000) { throw .priceTooHigh }
        guard Self.isMultiple(price, of: symbol.tickSize) else { throw .priceOffTick }
        guard let mark = market.mark(symbol.instrument), let share = try? ExactDecimal("0.05"),
            let distance = try? mark.times(share, rounding: .halfEven),
            let tick = try? ExactDecimal(symbol.tickSize),
            let bound = try? side == .buy ? mark + distance : mark - distance,
            let ticks = try? bound.over(tick, places: 0, rounding: .towardZero),
            let limit = try? ticks.times(tick, rounding: .towardZero)
        else { return }
        if side == .buy, price > limit { throw .priceAbove(limit) }
        if side == .sell, price < limit { throw .priceBelow(limit) }
    }

    /// MIN_NOTIONAL, of what is not only to reduce: at the limit, or at the mark.
    private func checkNotional(
        _ quantity: ExactDecimal, _ price: ExactDecimal?, _ symbol: SymbolRules, isReducing: Bool
    ) throws(BinanceError) {
        guard !isReducing, let price = price ?? market.mark(symbol.instrument),
            let minimum = try? ExactDecimal(symbol.minimumNotional),
            let notional = try? price.times(quantity, rounding: .halfEven), notional < minimum
        else { return }
        throw .notionalTooSmall(symbol.minimumNotional)
    }

    private static func isMultiple(_ number: ExactDecimal, of step: String) -> Bool {
        guard let step = try? ExactDecimal(step),
            let steps = try? number.over(step, places: 0, rounding: .towardZero),
            let whole = try? steps.times(step, rounding: .towardZero)
        else { return false }
        return whole == number
    }
}
