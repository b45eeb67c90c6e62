import JSON
import Ledger
import Numbers
import Venue

/// An order as a client asks for it: read and checked in the order of `docs/venues/binance.md`, as far as the
/// account's state is not needed.
struct OrderReading {
    let parameters: Parameters
    let rules: RuleTable
    let snapshot: AccountSnapshot
    let market: ValuationPrices

    init(
        _ parameters: Parameters, _ snapshot: AccountSnapshot, _ venue: BinanceVenue
    ) {
        self.parameters = parameters
        self.snapshot = snapshot
        rules = venue.rules(at: snapshot.at)
        market = venue.market(snapshot.prices, at: snapshot.at)
    }

    /// The symbol that is named. Throws −1102 and −1121.
    func symbol() throws(BinanceError) -> SymbolRules { try parameters.symbol(rules) }

    /// The whole order. Throws the venue's refusal.
    func instruction() throws(BinanceError) -> OrderInstruction {
        let symbol = try symbol()
        let side = try side()
        let isMarket = try isMarket()
        let quantity = try number("quantity")
        let price = isMarket ? nil : try limit(side, symbol)
        let force = try timeInForce(isMarket: isMarket)
        _ = try wantsResult()
        let reduceOnly = try reduceOnly()
        if isMarket, parameters["price"] != nil { throw .superfluous("price") }
        if isMarket, try priceMatch() != nil { throw .priceMatchOfMarket }
        var terms = OrderTerms(
            clientID: try clientID("newClientOrderId"), kind: isMarket ? .market : .limit,
            timeInForce: force.kind, postOnly: force.isPostOnly,
            expiresAt: try force.kind == .goodTillDate ? goodTillDate() : nil)
        try preventSelfTrade(&terms)
        if let match = try priceMatch() { terms.words["priceMatch"] = .string(match) }
        if parameters["timeInForce"] == OpenOrder.retail {
            terms.words[OpenOrder.timeInForceWord] = .string(OpenOrder.retail)
        }
        var instruction = OrderInstruction(
            instrument: symbol.name, side: side, quantity: quantity, price: price, terms: terms)
        instruction.positionSide = try positionSide()
        instruction.reduceOnly = reduceOnly
        try check(quantity, symbol, isMarket: isMarket)
        if let price { try check(price, side, symbol) } else { try checkCounterparty(side, symbol) }
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
        if AlgoType(rawValue: type) != nil { throw .conditionalType }
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
        case "GTX", OpenOrder.retail: return (.goodTillCancelled, true)
        case "GTD": return (.goodTillDate, false)
        default: throw .invalidTimeInForce
        }
    }

    /// Whether `newOrderRespType` asks for what becomes of the order at once.
    func wantsResult() throws(BinanceError) -> Bool {
        switch parameters["newOrderRespType"] {
        case nil, "", "ACK": return false
        case "RESULT": return true
        default: throw .invalidResponseType
        }
    }

    /// To the second, at least ten minutes ahead.
    private func goodTillDate() throws(BinanceError) -> LedgerTime {
        guard let time = Int64(digits: try parameters.required("goodTillDate")),
            time > snapshot.at.milliseconds + 600_000, time < 253_402_300_799_000
        else { throw .invalidGoodTillDate }
        return LedgerTime(milliseconds: time / 1000 * 1000)
    }

    /// Notes what `selfTradePreventionMode` asks for. The venue prevents nothing of orders that must fill
    /// whole, or must not take.
    func preventSelfTrade(_ terms: inout OrderTerms) throws(BinanceError) {
        let mode = parameters["selfTradePreventionMode"]
        let prevention: SelfTradePrevention?
        switch mode {
        case nil, "EXPIRE_MAKER": prevention = .maker
        case "EXPIRE_TAKER": prevention = .taker
        case "EXPIRE_BOTH": prevention = .both
        case "NONE": prevention = nil
        default: throw .invalidSelfTradePrevention
        }
        if terms.timeInForce != .fillOrKill, !terms.postOnly { terms.selfTradePrevention = prevention }
        if let mode { terms.words[OpenOrder.preventionWord] = .string(mode) }
    }

    private static let priceMatches: Set = [
        "OPPONENT", "OPPONENT_5", "OPPONENT_10", "OPPONENT_20", "QUEUE", "QUEUE_5", "QUEUE_10", "QUEUE_20",
    ]

    /// `priceMatch`; nil for none.
    func priceMatch() throws(BinanceError) -> String? {
        guard let match = parameters["priceMatch"], !match.isEmpty, match != "NONE" else { return nil }
        guard Self.priceMatches.contains(match) else { throw .invalidPriceMatch }
        return match
    }

    /// The limit: `price`, or the best price that `priceMatch` names. The book has one level a side: there is
    /// none further behind.
    func limit(_ side: Side, _ symbol: SymbolRules) throws(BinanceError) -> ExactDecimal {
        guard let match = try priceMatch() else { return try number("price") }
        if parameters["price"] != nil { throw .superfluous("price") }
        guard !match.contains("_"),
            let touch = Touch(
                of: symbol.instrument, prices: snapshot.prices, market: market, tick: symbol.priceTick)
        else { throw .noDepth }
        let takes = match == "OPPONENT"
        let price = touch.opposite(takes == (side == .buy) ? .buy : .sell)
        guard price.isPositive else { throw .noDepth }
        return price
    }

    /// The client's own id: 1 to 36 letters, digits and `.:/_-`; nil where none was sent.
    func clientID(_ name: String) throws(BinanceError) -> String? {
        guard let text = parameters[name], !text.isEmpty else { return nil }
        if text.utf8.count > 36 { throw .clientOrderIDTooLong }
        guard text.isAlphanumeric(or: ".:/_-") else { throw .clientOrderIDInvalid }
        return text
    }

    /// Whether the account is in hedge mode.
    var isHedged: Bool { snapshot.account.settings.flag(Setting.hedge) }

    /// `reduceOnly`, which hedge mode does not know.
    func reduceOnly() throws(BinanceError) -> Bool {
        let wanted = try parameters.flag("reduceOnly") ?? false
        if wanted, isHedged { throw .superfluous("reduceOnly") }
        return wanted
    }

    func positionSide() throws(BinanceError) -> PositionSide? {
        switch (parameters["positionSide"] ?? "BOTH", isHedged) {
        case ("BOTH", false): nil
        case ("LONG", true): .long
        case ("SHORT", true): .short
        case ("BOTH", true), ("LONG", false), ("SHORT", false): throw .positionSideMismatch
        default: throw .invalidPositionSide
        }
    }

    /// A number that must be there.
    func number(_ name: String) throws(BinanceError) -> ExactDecimal {
        guard let number = try? ExactDecimal(try parameters.required(name)) else { throw .missing(name) }
        return number
    }

    // MARK: - Filters

    /// Precision, then LOT_SIZE or MARKET_LOT_SIZE.
    func check(_ quantity: ExactDecimal, _ symbol: SymbolRules, isMarket: Bool) throws(BinanceError) {
        if quantity.fractionDigits > symbol.quantityPrecision { throw .tooPrecise }
        guard quantity.isPositive else { throw .quantityNotPositive }
        let most = isMarket ? symbol.limits.maximumMarketQuantity : symbol.limits.maximumQuantity
        if let most = try? ExactDecimal(most), quantity > most { throw .quantityTooLarge }
        // The smallest quantity is one step.
        if let least = try? ExactDecimal(symbol.stepSize), quantity < least { throw .quantityTooSmall }
        guard SymbolRules.isOnStep(quantity, symbol.stepSize) else { throw .quantityOffStep }
    }

    /// Precision, then PRICE_FILTER.
    func check(_ price: ExactDecimal, _ symbol: SymbolRules) throws(BinanceError) {
        if price.fractionDigits > symbol.pricePrecision { throw .tooPrecise }
        guard price.isPositive else { throw .priceNotPositive }
        let limits = symbol.limits
        if let least = try? ExactDecimal(limits.minimumPrice), price < least { throw .priceTooLow }
        if let most = try? ExactDecimal(limits.maximumPrice), price > most { throw .priceTooHigh }
        guard SymbolRules.isOnStep(price, symbol.tickSize, from: limits.minimumPrice) else {
            throw .priceOffTick
        }
    }

    /// Precision, PRICE_FILTER, then PERCENT_PRICE: not further from the mark than it allows, on the side
    /// that costs.
    func check(_ price: ExactDecimal, _ side: Side, _ symbol: SymbolRules) throws(BinanceError) {
        try check(price, symbol)
        guard let mark = market.mark(symbol.instrument),
            let bound = symbol.bound(side == .buy, around: mark)
        else { return }
        if side == .buy, price > bound { throw .priceAbove(bound) }
        if side == .sell, price < bound { throw .priceBelow(bound) }
    }

    /// PERCENT_PRICE of a market order: not where the other side's best price is further from the mark than a
    /// limit may be.
    private func checkCounterparty(_ side: Side, _ symbol: SymbolRules) throws(BinanceError) {
        guard let mark = market.mark(symbol.instrument),
            let bound = symbol.bound(side == .buy, around: mark),
            let touch = Touch(
                of: symbol.instrument, prices: snapshot.prices, market: market, tick: symbol.priceTick)
        else { return }
        let best = touch.opposite(side)
        if best.isPositive, side == .buy ? best > bound : best < bound { throw .counterpartyTooFar }
    }

    /// MIN_NOTIONAL, of what is not only to reduce: at the limit, or at the mark.
    func checkNotional(
        _ quantity: ExactDecimal, _ price: ExactDecimal?, _ symbol: SymbolRules, isReducing: Bool
    ) throws(BinanceError) {
        guard !isReducing, let price = price ?? market.mark(symbol.instrument),
            let minimum = try? ExactDecimal(symbol.minimumNotional),
            let notional = try? price.times(quantity, rounding: .halfEven), notional < minimum
        else { return }
        throw .notionalTooSmall(symbol.minimumNotional)
    }
}
