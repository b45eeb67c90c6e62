import JSON
import Ledger
import Numbers
import Venue

/// The members of one request about orders. All are texts; a number or a switch stands for its text, and an
/// empty text or null is as good as none (some clients send all that they know).
struct OrderMembers {
    let value: JSONValue

    /// A member's text; nil where there is none.
    subscript(name: String) -> String? {
        guard let member = value[name] else { return nil }
        let text = member.text ?? member.numberText ?? member.boolean.map { $0 ? "true" : "false" }
        return text.flatMap { $0.isEmpty ? nil : $0 }
    }

    func required(_ name: String) throws(OKXError) -> String {
        guard let text = self[name] else { throw .itemMissing(name) }
        return text
    }

    func number(_ name: String) throws(OKXError) -> ExactDecimal? {
        guard let text = self[name] else { return nil }
        guard let number = try? ExactDecimal(text) else { throw .itemWrong(name) }
        return number
    }

    func flag(_ name: String) throws(OKXError) -> Bool {
        switch self[name] {
        case nil, "false": return false
        case "true": return true
        default: throw .itemWrong(name)
        }
    }

    /// 1 to `longest` letters and digits; nil where there is none.
    func label(_ name: String, longest: Int = 32) throws(OKXError) -> String? {
        guard let text = self[name] else { return nil }
        guard text.isAlphanumeric(), text.utf8.count <= longest else { throw .itemWrong(name) }
        return text
    }
}

/// What the margin of an order is, by its `tdMode`.
struct TradeMode {
    let marginMode: MarginMode
    /// The currency of a spot pair's margin; nil for contracts, and where a pair's currencies are exchanged.
    let marginAsset: String?

    init(_ marginMode: MarginMode, marginAsset: String? = nil) {
        self.marginMode = marginMode
        self.marginAsset = marginAsset
    }
}

/// An order as a client asks for it, read and checked in the order of `docs/venues/okx.md`, as far as the
/// exchange need not be asked.
struct OrderReading {
    let members: OrderMembers
    let snapshot: AccountSnapshot
    let venue: OKXVenue
    let rules: RuleTable
    let market: ValuationPrices

    init(_ value: JSONValue, _ snapshot: AccountSnapshot, _ venue: OKXVenue) {
        members = OrderMembers(value: value)
        self.snapshot = snapshot
        self.venue = venue
        rules = venue.rules(at: snapshot.at)
        market = venue.market(snapshot.prices, rules)
    }

    private static let limitTypes = ["limit", "post_only", "fok", "ioc", "rpi"]
    private static let marketTypes = ["market", "optimal_limit_ioc"]
    /// What lists may be asked for: options have kinds of their own.
    static let knownTypes = Set(limitTypes + marketTypes + ["mmp", "mmp_and_post_only", "op_fok", "elp"])
    /// Orders that one account may have open, in all and of one instrument.
    private static let mostOrders = 4000
    private static let mostOrdersOfInstrument = 500

    /// The whole order. Throws the venue's refusal.
    func instruction() throws(OKXError) -> OrderInstruction {
        for name in ["instId", "tdMode", "side", "ordType", "sz"] { _ = try members.required(name) }
        let side = try side()
        let type = try members.required("ordType")
        guard Self.limitTypes.contains(type) || Self.marketTypes.contains(type) else {
            throw .itemWrong("ordType")
        }
        let isMarket = Self.marketTypes.contains(type)
        if !isMarket { _ = try members.required("px") }
        guard let size = try members.number("sz") else { throw .itemMissing("sz") }
        var price = isMarket ? nil : try members.number("px")
        var terms = try terms(type)
        let reduceOnly = try members.flag("reduceOnly")
        let banAmend = try members.flag("banAmend")
        try checkPriceWords(isMarket: isMarket)
        let instrument = try instrument()
        let mode = try mode(of: instrument, side, type)
        terms.marginAsset = mode.marginAsset
        terms.expiresAt = instrument.expiry
        let isExchange = instrument.type == .spot && mode.marginAsset == nil
        if reduceOnly, isExchange, snapshot.account.mode == .spot { throw .reducesSpot }
        let position = try positionSide(of: instrument)
        let quoteSized =
            isMarket && instrument.type == .spot && (isExchange ? countsQuote(side) : side == .buy)
        try check(size, instrument, isMarket: isMarket, quoteSized: quoteSized)
        if let given = price {
            price = try checked(given, side, instrument, isExchange: isExchange)
        }
        var order = OrderInstruction(
            instrument: instrument.terms.name, side: side, quantity: size, price: price, terms: terms)
        if isMarket, isExchange, !banAmend {
            order.quantity = try affordable(size, side, instrument, quoteSized: quoteSized)
        }
        if quoteSized {
            order.notional = order.quantity
            terms.words["sz"] = .string(order.quantity.description)
            order.terms = terms
        }
        order.positionSide = position
        order.marginMode = mode.marginMode
        order.reduceOnly =
            reduceOnly && !isExchange && (instrument.type == .spot || !snapshot.account.isHedged)
        let orders = snapshot.account.orders
        try checkReducing(order, beside: orders)
        if orders.count >= Self.mostOrders { throw .tooManyOrders(Self.mostOrders) }
        let ofInstrument = orders.count { $0.instrument.name == order.instrument }
        if ofInstrument >= Self.mostOrdersOfInstrument { throw .tooManyOrders(Self.mostOrdersOfInstrument) }
        try checkTier(order, instrument, beside: orders)
        order.terms.attached = try AlgoReading(self).attached(to: order)
        return order
    }

    // MARK: - Words

    func side() throws(OKXError) -> Side {
        switch try members.required("side") {
        case "buy": .buy
        case "sell": .sell
        default: throw .itemWrong("side")
        }
    }

    private func terms(_ type: String) throws(OKXError) -> OrderTerms {
        var terms = OrderTerms(clientID: try members.label("clOrdId"))
        switch type {
        case "market": terms.kind = .market
        case "optimal_limit_ioc":
            terms.kind = .market
            terms.words["ordType"] = .string(type)
        case "post_only": terms.postOnly = true
        case "rpi":
            terms.postOnly = true
            terms.words["ordType"] = .string(type)
        case "fok": terms.timeInForce = .fillOrKill
        case "ioc": terms.timeInForce = .immediateOrCancel
        default: break
        }
        switch members["stpMode"] {
        case nil, "cancel_maker": terms.selfTradePrevention = .maker
        case "cancel_taker": terms.selfTradePrevention = .taker
        case "cancel_both":
            if type == "fok" { throw .preventionWithFillOrKill }
            terms.selfTradePrevention = .both
        default: throw .itemWrong("stpMode")
        }
        if let tag = try members.label("tag", longest: 16) { terms.words["tag"] = .string(tag) }
        if let target = members["tgtCcy"] {
            guard ["base_ccy", "quote_ccy"].contains(target) else { throw .itemWrong("tgtCcy") }
            terms.words["tgtCcy"] = .string(target)
        }
        return terms
    }

    /// What a request says of its price besides naming one: whether the venue may move it, and how far a
    /// market order may slip, which it never does here.
    private func checkPriceWords(isMarket: Bool) throws(OKXError) {
        guard ["0", "1"].contains(members["pxAmendType"] ?? "0") else { throw .itemWrong("pxAmendType") }
        guard isMarket, let slippage = try members.number("slippagePct") else { return }
        guard !slippage.isNegative, let most = try? ExactDecimal("0.05"), slippage <= most else {
            throw .itemWrong("slippagePct")
        }
    }

    /// A market order for more than the account has is cut to what it has, unless it forbids that
    /// (`banAmend`).
    private func affordable(
        _ size: ExactDecimal, _ side: Side, _ instrument: InstrumentRules, quoteSized: Bool
    ) throws(OKXError) -> ExactDecimal {
        guard !snapshot.account.mode.sharesCollateral, quoteSized == (side == .buy),
            let free = try? venue.exchangeable(instrument, side, snapshot, rules), free.isPositive,
            free < size
        else { return size }
        if quoteSized { return free }
        guard let cut = try? free.rounded(toMultipleOf: instrument.lot, .towardZero), cut.isPositive else {
            return size
        }
        return cut
    }

    /// Whether the size of a spot market order is in the quote currency: a buy's, unless it says otherwise.
    private func countsQuote(_ side: Side) -> Bool {
        members["tgtCcy"].map { $0 == "quote_ccy" } ?? (side == .buy)
    }

    /// The instrument that is named. Throws 51001, and 51027 where it has expired.
    func instrument() throws(OKXError) -> InstrumentRules {
        guard let instrument = rules.instrument(try members.required("instId")) else {
            throw .itemInstrumentUnknown
        }
        if let expiry = instrument.expiry, expiry <= snapshot.at { throw .contractExpired }
        return instrument
    }

    /// What `tdMode` means in the account's mode (OKX API documentation, POST / Place order).
    func mode(
        of instrument: InstrumentRules, _ side: Side, _ type: String = ""
    ) throws(OKXError) -> TradeMode {
        let text = try members.required("tdMode")
        guard ["cash", "cross", "isolated", "spot_isolated"].contains(text) else {
            throw .itemWrong("tdMode")
        }
        let mode = snapshot.account.mode
        if instrument.type == .spot {
            if type == "optimal_limit_ioc" { throw .itemWrong("ordType") }
            if mode.sharesCollateral {
                if text == "isolated" { throw .isolatedEnded }
                guard text == "cross" else { throw .itemWrong("tdMode") }
                return TradeMode(.cross)
            }
            if text == "cash" { return TradeMode(.cross) }
            guard mode.hasDerivatives, let marginMode = MarginMode(rawValue: text) else {
                throw .itemModeUnsupported
            }
            return try onMargin(marginMode, of: instrument, side)
        }
        guard mode.hasDerivatives else { throw .itemModeUnsupported }
        switch text {
        case "cross": return TradeMode(.cross)
        case "isolated":
            if mode.sharesCollateral { throw .isolatedEnded }
            return TradeMode(.isolated)
        default: throw .itemWrong("tdMode")
        }
    }

    /// A spot pair on margin: cross in the currency that `ccy` names, isolated in the one that the position
    /// has. A position that is open keeps its own.
    private func onMargin(
        _ mode: MarginMode, of instrument: InstrumentRules, _ side: Side
    ) throws(OKXError) -> TradeMode {
        guard instrument.loans != nil else { throw .itemWrong("tdMode") }
        let held = snapshot.account.position(instrument.terms.name, side: .net, marginMode: mode)
        let wanted = mode == .cross ? try members.required("ccy") : nil
        let asset: String?
        do throws(Refusal) {
            asset = try venue.marginAsset(
                of: instrument.terms, isLong: held?.isLong ?? (side == .buy), marginMode: mode,
                wanted: wanted, in: snapshot.account, at: snapshot.at)
        } catch { throw .itemWrong("ccy") }
        if let margin = held?.margin, margin.asset != asset { throw .itemWrong("ccy") }
        return TradeMode(mode, marginAsset: asset)
    }

    func positionSide(of instrument: InstrumentRules) throws(OKXError) -> PositionSide? {
        let text = members["posSide"]
        if let text, PositionSide(rawValue: text) == nil { throw .positionSideWrong }
        guard instrument.type != .spot else { return nil }
        guard snapshot.account.isHedged else {
            guard text == nil || text == "net" else { throw .positionSideWrong }
            return nil
        }
        guard let text, text != "net" else { throw .positionSideWrong }
        return PositionSide(rawValue: text)
    }

    // MARK: - Sizes and prices

    /// Above zero, a multiple of the lot, at least the smallest and at most the largest order.
    func check(
        _ size: ExactDecimal, _ instrument: InstrumentRules, isMarket: Bool, quoteSized: Bool = false,
        named name: String = "sz"
    ) throws(OKXError) {
        guard size.isPositive else { throw .itemWrong(name) }
        if quoteSized { return }
        guard size.isMultiple(of: instrument.lot) else { throw .sizeOffLot }
        if size < instrument.minimum { throw .sizeTooSmall }
        let largest = instrument.largestOrder
        let most = ExactDecimal(Int(isMarket ? largest.market : largest.limit))
        if size > most {
            throw instrument.type == .spot && isMarket ? .marketSizeTooLarge : .sizeTooLarge(most)
        }
    }

    /// A limit price on the tick and within the price limit; `pxAmendType` 1 moves it there.
    func checked(
        _ price: ExactDecimal, _ side: Side, _ instrument: InstrumentRules, isExchange: Bool,
        named name: String = "px"
    ) throws(OKXError) -> ExactDecimal {
        guard price.isPositive, price.isMultiple(of: instrument.tick) else { throw .itemWrong(name) }
        guard let limits = instrument.priceLimits(market, rules) else { return price }
        guard side == .buy ? price > limits.buy : price < limits.sell else { return price }
        let limit = side == .buy ? limits.buy : limits.sell
        if members["pxAmendType"] == "1" { return limit }
        throw isExchange ? .exchangeBeyondLimit(side, limit) : .priceBeyondLimit(limits.buy, limits.sell)
    }

    /// The position that an order may make is no larger than the largest tier that has the leverage: with
    /// what is held and waits on its side, in hedge mode on both sides of a cross contract. Other
    /// contracts of the family are not counted: a choice.
    private func checkTier(
        _ order: OrderInstruction, _ instrument: InstrumentRules, beside orders: [OpenOrder]
    ) throws(OKXError) {
        let account = snapshot.account
        let mode = order.marginMode ?? .cross
        let side = order.positionSide ?? .net
        let opens = side == .net ? !order.reduceOnly : (side == .long) == (order.side == .buy)
        let leverage = account.leverageInForce(of: instrument.terms, side: side, marginMode: mode, rules)
        let allowed = instrument.tiers.filter { $0.maximumLeverage >= leverage }.map(\.maximum)
        guard opens, instrument.type != .spot, let most = allowed.max() else { return }
        let isShared = side != .net && mode == .cross
        var (held, waiting) = (ExactDecimal.zero, ExactDecimal.zero)
        do throws(NumberError) {
            for position in account.positions
            where position.instrument.name == order.instrument && position.marginMode == mode
                && (isShared || position.side == side)
            {
                let signed = order.side == .buy ? position.quantity : -position.quantity
                held = try held + (side == .net ? max(signed, .zero) : position.quantity.magnitude)
            }
            for other in orders
            where other.instrument.name == order.instrument && other.marginMode == mode && !other.onlyReduces
                && (isShared || (other.positionSide == side && other.side == order.side))
            {
                waiting = try waiting + other.remaining
            }
            if try order.quantity + held + waiting <= most { return }
        } catch {
            throw .systemError
        }
        throw .tierExceeded(
            order, family: side == .net && mode == .cross ? instrument.family : nil, mode, most: most,
            leverage: leverage, held: held, waiting: waiting)
    }

    /// What a new order of so much would be refused for is refused of an order that is to grow too.
    func checkGrowth(
        of order: OpenOrder, to size: ExactDecimal, at price: ExactDecimal, _ instrument: InstrumentRules
    ) throws(OKXError) {
        guard size > order.quantity, let filled = try? order.filled, let rest = try? size - filled else {
            return
        }
        var grown = OrderInstruction(
            instrument: order.instrument.name, side: order.side, quantity: rest, price: price,
            terms: order.terms ?? OrderTerms())
        grown.positionSide = order.positionSide == .net ? nil : order.positionSide
        grown.marginMode = order.marginMode
        grown.reduceOnly = order.reduceOnly
        let others = snapshot.account.orders.filter { $0.id != order.id }
        try checkReducing(grown, beside: others)
        try checkTier(grown, instrument, beside: others)
    }

    /// An order that only reduces must find a position of the other side, at least as large as itself and
    /// those that would reduce it before: of a side of hedge mode all that wait, in net mode those of no
    /// worse price.
    private func checkReducing(
        _ order: OrderInstruction, beside orders: [OpenOrder]
    ) throws(OKXError) {
        let account = snapshot.account
        let closesLeg =
            (order.positionSide == .long && order.side == .sell)
            || (order.positionSide == .short && order.side == .buy)
        guard order.reduceOnly || closesLeg else { return }
        let position = account.position(
            order.instrument, side: order.positionSide ?? .net, marginMode: order.marginMode ?? .cross)
        guard let position else { throw .nothingToReduce }
        guard position.isLong == (order.side == .sell) else { throw .reducesSameSide }
        // What is sized in the quote currency is cut to the position when it trades.
        if order.notional != nil { return }
        let others = orders.filter { other in
            guard other.onlyReduces, other.position == position.key, other.side == order.side else {
                return false
            }
            if closesLeg { return true }
            guard let price = order.price else { return false }
            return order.side == .sell ? other.price <= price : other.price >= price
        }
        guard let left = try? position.closable(beside: others), order.quantity <= left else {
            throw .closesTooMuch
        }
    }
}

extension Position {
    /// What is left of it to close once some orders have closed what they may; never below 0.
    func closable(beside orders: [OpenOrder]) throws(NumberError) -> ExactDecimal {
        var left = quantity.magnitude
        for order in orders { left = try left - order.remaining }
        return max(left, .zero)
    }
}
