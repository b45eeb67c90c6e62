import JSON
import Ledger
import Numbers
import Venue

/// An order as a client asks for it: read and checked in the order of `docs/venues/crypto-com.md`.
///
/// What is wrong with its form throws; what the venue refuses after it has given the order an id is
/// `rejection`.
struct OrderReading {
    let params: JSONValue
    let snapshot: AccountSnapshot
    let rules: CryptoComRules
    let market: ValuationPrices

    init(_ params: JSONValue, _ snapshot: AccountSnapshot, _ venue: CryptoComVenue) {
        self.params = params
        self.snapshot = snapshot
        rules = venue.rules(at: snapshot.at)
        market = venue.market(snapshot.prices, at: snapshot.at)
    }

    /// An order in the exchange's words, and the refusal that it meets at once, if there is one.
    struct Reading {
        var instruction: OrderInstruction
        var rejection: VenueError?
    }

    /// The whole order; `fallbackID` is its `client_oid` where it has none.
    func order(fallbackID: String) throws(VenueError) -> Reading {
        let name = try required("instrument_name")
        let sideWord = try required("side")
        let type = try required("type")
        for (key, error) in [("price", VenueError.invalidPrice), ("quantity", .invalidQuantity)] {
            guard let value = params[key], !value.isNull else { continue }
            guard value.text != nil else { throw error }
        }
        let isMarket = try Self.isMarket(type)
        let side = try Self.side(sideWord)
        let force = try timeInForce()
        let words = try executionWords()
        try checkMargin()
        let clientID = try clientID("client_oid") ?? fallbackID
        let rule = try instrument(name)
        var price = isMarket ? nil : try price("price", rule)
        let (quantity, notional) = try size(rule, isMarket: isMarket, side)

        var terms = OrderTerms(
            clientID: clientID, kind: isMarket ? .market : .limit,
            timeInForce: isMarket ? .goodTillCancelled : force,
            postOnly: words.contains("POST_ONLY") || words.contains("SMART_POST_ONLY"),
            expiresAt: rule.expiry)
        terms.words = try self.words(words, isMarket: isMarket)
        if words.contains("SMART_POST_ONLY"), force == .goodTillCancelled, let asked = price {
            let moved = resting(asked, side, rule)
            if moved != asked { terms.words[OrderWord.price] = .string(moved.description) }
            price = moved
        }
        try preventSelfTrade(&terms)
        var instruction = OrderInstruction(
            instrument: name, side: side, quantity: quantity ?? .zero, price: price, terms: terms)
        instruction.notional = notional
        instruction.reduceOnly = words.contains("REDUCE_ONLY")
        if words.contains("ISOLATED_MARGIN") || params["isolation_id"]?.text != nil {
            guard rule.terms.kind.isDerivative else { throw .invalidExecution }
            instruction.marginMode = .isolated
        }
        if snapshot.account.order(.client(clientID)) != nil { throw .duplicateClientID }
        var rejection = try rejection(of: instruction, rule)
        if terms.postOnly, isMarket || force != .goodTillCancelled { rejection = .postOnlyRejected }
        return Reading(instruction: instruction, rejection: rejection)
    }

    /// A change of an open order, and the refusal that it meets at once.
    struct Change {
        let quantity: ExactDecimal
        let price: ExactDecimal
        /// Nil for an order that the operator placed.
        let terms: OrderTerms?
        let rejection: VenueError?
    }

    /// `new_quantity` and `new_price`, both needed, and a new `client_oid`.
    func change(of order: OpenOrder, fallbackID: String) throws(VenueError) -> Change {
        let rule = try instrument(order.instrument.name)
        for (key, error) in [("new_price", VenueError.invalidPrice), ("new_quantity", .invalidQuantity)] {
            guard let value = params[key], !value.isNull else { throw .invalidArgument }
            guard value.text != nil else { throw error }
        }
        let clientID = try clientID("client_oid") ?? fallbackID
        let asked = try price("new_price", rule)
        let isMoved = order.terms?.words[OrderWord.execution]?.elements?.contains(.string("SMART_POST_ONLY"))
        let price = isMoved == true ? resting(asked, order.side, rule) : asked
        let quantity = try self.quantity("new_quantity", rule)
        if let other = snapshot.account.order(.client(clientID)), other.id != order.id {
            throw .duplicateClientID
        }
        var changed = order.terms
        changed?.clientID = clientID
        changed?.words[OrderWord.quantity] = params["new_quantity"]
        changed?.words[OrderWord.price] = price == asked ? params["new_price"] : .string(price.description)
        var instruction = OrderInstruction(
            instrument: rule.terms.name, side: order.side, quantity: quantity, price: price,
            terms: order.terms ?? OrderTerms())
        instruction.reduceOnly = order.reduceOnly
        var rejection = try sizeRejection(of: instruction, rule)
        if rejection == nil { rejection = try bandRejection(of: instruction, rule) }
        return Change(quantity: quantity, price: price, terms: changed, rejection: rejection)
    }

    // MARK: - Words

    func required(_ key: String) throws(VenueError) -> String {
        guard let text = try Optional(params).text(key), !text.isEmpty else { throw .invalidArgument }
        return text
    }

    private static func isMarket(_ type: String) throws(VenueError) -> Bool {
        switch type {
        case "LIMIT": false
        case "MARKET": true
        default: throw .invalidOrderType
        }
    }

    static func side(_ word: String) throws(VenueError) -> Side {
        switch word {
        case "BUY": .buy
        case "SELL": .sell
        default: throw .invalidSide
        }
    }

    func timeInForce() throws(VenueError) -> OrderTerms.TimeInForce {
        switch try Optional(params).text("time_in_force") {
        case nil, "GOOD_TILL_CANCEL": .goodTillCancelled
        case "IMMEDIATE_OR_CANCEL": .immediateOrCancel
        case "FILL_OR_KILL": .fillOrKill
        default: throw .invalidTimeInForce
        }
    }

    private static let executionWords = [
        "POST_ONLY", "SMART_POST_ONLY", "REDUCE_ONLY", "ISOLATED_MARGIN", "MARGIN_ORDER",
    ]

    func executionWords() throws(VenueError) -> [String] {
        guard let value = params["exec_inst"], !value.isNull else { return [] }
        guard let elements = value.elements else { throw .invalidExecution }
        var words: [String] = []
        for element in elements {
            guard let word = element.text, Self.executionWords.contains(word) else {
                throw .invalidExecution
            }
            words.append(word)
        }
        if words.contains("POST_ONLY"), words.contains("SMART_POST_ONLY") { throw .invalidExecution }
        return words
    }

    /// Spot is not traded on margin here: accounts have no access to it.
    private func checkMargin() throws(VenueError) {
        switch try Optional(params).text("spot_margin") {
        case nil, "SPOT": return
        case "MARGIN": throw .marginNotEnabled
        default: throw .invalidArgument
        }
    }

    /// The client's own id, of at most 36 characters; nil where none was sent.
    func clientID(_ key: String) throws(VenueError) -> String? {
        guard let text = try Optional(params).text(key), !text.isEmpty else { return nil }
        guard text.utf8.count <= 36 else { throw .invalidArgument }
        return text
    }

    /// What answers repeat as it was sent.
    func words(_ execution: [String], isMarket: Bool) throws(VenueError) -> Settings {
        var words = Settings()
        let isByNotional = params["quantity"]?.text == nil
        words[isByNotional ? OrderWord.notional : OrderWord.quantity] =
            params[isByNotional ? "notional" : "quantity"]
        if !isMarket { words[OrderWord.price] = params["price"] }
        if !execution.isEmpty { words[OrderWord.execution] = .array(execution.map { .string($0) }) }
        if let asset = try Optional(params).text("fee_instrument_name") {
            guard rules.asset(asset) != nil else { throw .invalidArgument }
            words[OrderWord.feeAsset] = .string(asset)
        }
        return words
    }

    /// Self-trade prevention: what the order says, else the account's settings. Only orders of the same
    /// `stp_id` are kept from each other; orders of other accounts never meet here, whatever the scope.
    func preventSelfTrade(_ terms: inout OrderTerms) throws(VenueError) {
        var setting: [String: String] = [:]
        for name in SelfTradeSetting.all {
            guard let text = try Optional(params).text(name) else { continue }
            guard SelfTradeSetting.accepts(name, text), text != "D" else { throw .invalidArgument }
            setting[name] = text
        }
        if setting["stp_scope"] == nil, setting["stp_inst"] == nil {
            let settings = snapshot.account.settings
            guard let scope = settings.text("stp_scope"), scope != "D" else { return }
            for name in SelfTradeSetting.all where setting[name] == nil {
                setting[name] = settings.text(name)
            }
        }
        switch setting["stp_inst"] {
        case "M": terms.selfTradePrevention = .maker
        case "T": terms.selfTradePrevention = .taker
        case "B": terms.selfTradePrevention = .both
        default: throw .invalidArgument
        }
        terms.selfTradeGroup = setting["stp_id"]
    }

    // MARK: - Numbers

    /// An instrument that is listed and has not expired.
    func instrument(_ name: String) throws(VenueError) -> InstrumentRule {
        guard let rule = rules.instrument(name) else { throw .invalidInstrument }
        if let expiry = rule.expiry, expiry <= snapshot.at { throw .instrumentExpired }
        return rule
    }

    func price(_ key: String, _ rule: InstrumentRule) throws(VenueError) -> ExactDecimal {
        guard let text = params[key]?.text, let price = try? ExactDecimal(text), price.isPositive,
            price.isMultiple(of: rule.priceTick)
        else { throw .invalidPrice }
        return price
    }

    func quantity(_ key: String, _ rule: InstrumentRule) throws(VenueError) -> ExactDecimal {
        guard let text = params[key]?.text, let quantity = try? ExactDecimal(text), quantity.isPositive,
            quantity.isMultiple(of: rule.quantityTick)
        else { throw .invalidQuantity }
        return quantity
    }

    /// The quantity, which wins where both are sent; else, of a market buy, what it may trade for.
    private func size(
        _ rule: InstrumentRule, isMarket: Bool, _ side: Side
    ) throws(VenueError) -> (quantity: ExactDecimal?, notional: ExactDecimal?) {
        if let value = params["quantity"], !value.isNull { return (try quantity("quantity", rule), nil) }
        guard let value = params["notional"], !value.isNull, isMarket, side == .buy else {
            throw .invalidArgument
        }
        guard let text = value.text, let notional = try? ExactDecimal(text), notional.isPositive else {
            throw .invalidQuantity
        }
        return (nil, notional)
    }

    /// The limit of an order that is moved rather than refused where it would take: a tick before what it
    /// would meet (a choice: the page only names it).
    private func resting(_ price: ExactDecimal, _ side: Side, _ rule: InstrumentRule) -> ExactDecimal {
        let touch = Touch(
            of: rule.terms, prices: snapshot.prices, market: market, tick: rule.priceTick)
        guard let touch, touch.isMarketable(side, limit: price) else { return price }
        let met = touch.opposite(side)
        let moved = try? side == .buy ? met - rule.priceTick : met + rule.priceTick
        return moved.flatMap { $0.isPositive ? $0 : nil } ?? price
    }

    // MARK: - What is refused with an id

    private func rejection(
        of order: OrderInstruction, _ rule: InstrumentRule
    ) throws(VenueError) -> VenueError? {
        if let error = try sizeRejection(of: order, rule) { return error }
        if let error = try bandRejection(of: order, rule) { return error }
        let open = snapshot.account.orders
        let ofPair = open.count { $0.instrument.name == rule.terms.name }
        if open.count >= rules.orders.openOrders || ofPair >= rules.orders.openOrdersOfPair {
            return .tooManyOrders
        }
        return nil
    }

    /// What a market order is bounded by, as far as its value goes: 5 % beyond what it meets.
    private func bound(_ side: Side, _ rule: InstrumentRule) throws(NumberError) -> ExactDecimal? {
        let quote = snapshot.prices.quotes[rule.terms.name]
        let met = (side == .buy ? quote?.ask : quote?.bid) ?? market.mark(rule.terms)
        let share = try side == .buy ? .one + rules.orders.band : .one - rules.orders.band
        return try met?.times(share, rounding: .halfEven)
    }

    /// The smallest and the largest value in USD: at the limit, or at what bounds a market order, as a buy
    /// that was worth less than 1 USD was recorded.
    private func sizeRejection(
        of order: OrderInstruction, _ rule: InstrumentRule
    ) throws(VenueError) -> VenueError? {
        let bound: ExactDecimal?
        do { bound = try self.bound(order.side, rule) } catch { return .exceedsOrderSize }
        guard let price = order.price ?? bound else { throw .noMarkPrice }
        do {
            let value = try order.notional ?? order.quantity.times(price, rounding: .halfEven)
            let rate = (try? market.price(of: rule.terms.quote)) ?? .one
            let worth = try value.times(rate, rounding: .halfEven)
            let limits = rules.notionalLimits(of: rule.terms.base)
            if worth > limits.most { return .exceedsOrderSize }
            return worth < limits.least && !order.reduceOnly ? .belowOrderSize : nil
        } catch {
            return .exceedsOrderSize
        }
    }

    /// A limit too far from the mark: on the side that costs, or so far off on the other that it would only
    /// rest (`docs/venues/crypto-com.md`).
    private func bandRejection(
        of order: OrderInstruction, _ rule: InstrumentRule
    ) throws(VenueError) -> VenueError? {
        guard let price = order.price else { return nil }
        guard let mark = market.mark(rule.terms) else { throw .noMarkPrice }
        let rests =
            order.terms.timeInForce == .goodTillCancelled || order.terms.timeInForce == .goodTillDate
        do {
            let near = try mark.times(rules.orders.band, rounding: .halfEven)
            let far = try mark.times(rules.orders.restingBand, rounding: .halfEven)
            let isTooFar =
                switch order.side {
                case .buy: try price > mark + near || (rests && price < mark - far)
                case .sell: try price < mark - near || (rests && price > mark + far)
                }
            return isTooFar ? .farAwayPrice : nil
        } catch {
            return .farAwayPrice
        }
    }
}
