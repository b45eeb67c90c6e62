import JSON
import Numbers

/// Orders, fills and positions on their way to becoming events.
extension CommandHandler {
    /// An open order of the account: by the operator's id for it, else by the client's own, else by the
    /// venue's, where that is of one order.
    func openOrder(_ orderID: String) throws(Refusal) -> OpenOrder {
        func shown() -> OpenOrder? {
            let orders = account.orders.filter { judge.shownID(of: $0, in: account.id).isExactly(orderID) }
            return orders.count == 1 ? orders[0] : nil
        }
        guard let order = account.order(.id(orderID)) ?? account.order(.client(orderID)) ?? shown() else {
            throw Refusal(
                .unknownOrder, "Account \(account.id) has no open order \(orderID).", field: "order_id")
        }
        return order
    }

    mutating func order(_ request: OrderRequest) throws(Refusal) -> OpenOrder {
        let instrument = try instrument(request.instrument)
        try requirePositive(request.quantity, field: "quantity")
        try requirePositive(request.price, field: "price")
        try requireLabel(request.orderID, field: "order_id")
        try requireFit(request.quantity, at: request.price, in: instrument)
        if account.orders.contains(where: { $0.id.isExactly(request.orderID) }) {
            throw Refusal(
                .orderExists, "Account \(account.id) already has an open order \(request.orderID).",
                field: "order_id")
        }
        guard account.orders.count < Self.maximumOrders else {
            throw Refusal(.tooMany, "Account \(account.id) already has \(Self.maximumOrders) open orders.")
        }
        return OpenOrder(
            id: request.orderID, instrument: instrument, side: request.side, quantity: request.quantity,
            price: request.price, reduceOnly: request.reduceOnly,
            positionSide: try side(request.positionSide, instrument),
            marginMode: request.marginMode ?? judge.defaultMarginMode(of: instrument, in: account),
            placedAt: time)
    }

    /// An order of a venue's client as it is placed, if the exchange takes it; the price of a market order is
    /// what it is expected to fill at.
    public mutating func order(
        _ instruction: OrderInstruction, quantity: ExactDecimal, price: ExactDecimal
    ) throws(Refusal) -> OpenOrder {
        // Looked up first, because terms that are used for the first time take a sequence.
        _ = try instrument(instruction.instrument)
        var request = OrderRequest(
            orderID: "x\(nextSequence)", instrument: instruction.instrument, side: instruction.side,
            quantity: quantity, price: price)
        request.reduceOnly = instruction.reduceOnly
        request.positionSide = instruction.positionSide
        request.marginMode = instruction.marginMode
        if let clientID = instruction.terms.clientID { try requireLabel(clientID, field: "client_order_id") }
        var order = try order(request)
        order.terms = instruction.terms
        return order
    }

    /// An order that the venue refuses, as it is noted.
    public mutating func refused(
        _ instruction: OrderInstruction, price: ExactDecimal
    ) throws(Refusal) -> OpenOrder {
        let instrument = try instrument(instruction.instrument)
        var order = OpenOrder(
            id: "x\(nextSequence)", instrument: instrument, side: instruction.side,
            quantity: instruction.quantity, price: price, reduceOnly: instruction.reduceOnly,
            positionSide: instruction.positionSide ?? .net,
            marginMode: instruction.marginMode ?? judge.defaultMarginMode(of: instrument, in: account),
            placedAt: time)
        order.terms = instruction.terms
        return order
    }

    /// A conditional order of a venue's client as it waits, if the exchange takes it.
    public mutating func conditional(
        _ instruction: ConditionalInstruction
    ) throws(Refusal) -> ConditionalOrder {
        let instrument = try instrument(instruction.instrument)
        if let quantity = instruction.quantity { try requirePositive(quantity, field: "quantity") }
        for leg in instruction.legs {
            if let price = leg.trigger.price { try requirePositive(price, field: "trigger_price") }
            if let price = leg.price { try requirePositive(price, field: "price") }
        }
        if let clientID = instruction.clientID {
            try requireLabel(clientID, field: "client_order_id")
            if account.conditional(.client(clientID)) != nil {
                throw Refusal(
                    .orderExists,
                    "Account \(account.id) already has a conditional order \(clientID).",
                    field: "client_order_id")
            }
        }
        guard account.conditionals.count < Self.maximumOrders else {
            throw Refusal(
                .tooMany, "Account \(account.id) already has \(Self.maximumOrders) conditional orders.")
        }
        var terms = instruction
        terms.positionSide = try side(instruction.positionSide, instrument)
        terms.marginMode =
            instruction.marginMode ?? judge.defaultMarginMode(of: instrument, in: account)
        return ConditionalOrder(instrument: instrument, terms: terms, placedAt: time)
    }

    /// An order with another size and price, as it would be.
    public func amended(_ order: OpenOrder, by amendment: OrderAmendment) throws(Refusal) -> OpenOrder {
        try requirePositive(amendment.price, field: "price")
        try requireFit(amendment.quantity, at: amendment.price, in: order.instrument)
        return try checked { () throws(NumberError) in
            var amended = order
            try amended.take(amendment, at: time)
            return amended
        }
    }

    /// A fill of an order of the exchange's.
    public func fill(
        of order: OpenOrder, quantity: ExactDecimal, price: ExactDecimal, fee: ExactDecimal, feeAsset: String,
        liquidity: Liquidity, quote: Int64? = nil
    ) throws(Refusal) -> Fill {
        var key = PositionKey(
            instrument: order.instrument, side: order.positionSide, marginMode: order.marginMode)
        // An open position trades under the terms that it was opened under.
        if let place = account.place(of: key) { key = account.positions[place].key }
        try requireFit(quantity, at: price, in: key.instrument)
        let isContract = key.instrument.kind.isDerivative
        let marginAsset = try marginAsset(of: order, key)
        let fee = fee.cut(places: account.conventions.feePlaces)
        let credit = feeCredit(for: fee, in: feeAsset)
        var fill = Fill(
            instrument: key.instrument, side: order.side, quantity: quantity, price: price,
            fee: try checked { () throws(NumberError) in try fee - credit }, feeAsset: feeAsset,
            orderID: order.id,
            positionSide: key.side, marginMode: key.marginMode,
            leverage: key.marginMode == .isolated ? leverage(key) : .one,
            quoteIndex: isContract || marginAsset != nil
                ? nil : judge.market(prices, at: time).index(key.instrument.quote),
            feeCredit: credit,
            order: FilledOrder(placedAt: order.placedAt, isComplete: quantity == order.remaining),
            marginAsset: marginAsset)
        fill.liquidity = liquidity
        fill.quote = quote
        return fill
    }

    mutating func fill(_ request: FillRequest) throws(Refusal) -> Fill {
        var instrument = try instrument(request.instrument)
        try requirePositive(request.quantity, field: "quantity")
        try requirePositive(request.price, field: "price")
        var positionSide = request.positionSide
        var marginMode = request.marginMode
        var filledOrder: FilledOrder?
        let order = try request.orderID.map { id throws(Refusal) in try openOrder(id) }
        if let order {
            try check(request, against: order)
            filledOrder = FilledOrder(
                placedAt: order.placedAt, isComplete: request.quantity == order.remaining)
            positionSide = positionSide ?? (order.positionSide == .net ? nil : order.positionSide)
            marginMode = marginMode ?? order.marginMode
        }
        var key = PositionKey(
            instrument: instrument, side: try side(positionSide, instrument),
            marginMode: marginMode ?? judge.defaultMarginMode(of: instrument, in: account))
        if let place = account.place(of: key), account.positions[place].instrument !== instrument {
            // An open position trades under the terms that it was opened under.
            key = account.positions[place].key
            instrument = key.instrument
        }
        try requireFit(request.quantity, at: request.price, in: instrument)
        try checkHedgeLeg(key, side: request.side, quantity: request.quantity)
        let marginAsset = try marginAsset(request, of: order, key)
        let liquidity = request.liquidity ?? (order == nil ? nil : .maker)
        var usual: (amount: ExactDecimal, asset: String)?
        if let order, request.fee == nil { usual = try self.fee(of: request, order, liquidity ?? .maker) }
        let feeAsset =
            request.feeAsset ?? usual?.asset
            ?? (instrument.kind.isDerivative ? instrument.settle : instrument.quote)
        guard judge.knowsAsset(feeAsset, at: time) else {
            throw Refusal.unknown(asset: feeAsset, judge, at: time, field: "fee_asset")
        }
        let spotIndex =
            instrument.kind.isDerivative || marginAsset != nil
            ? nil : judge.market(prices, at: time).index(instrument.quote)
        let fee = (request.fee ?? usual?.amount ?? .zero).cut(places: account.conventions.feePlaces)
        let credit = feeCredit(for: fee, in: feeAsset)
        var fill = Fill(
            instrument: instrument, side: request.side, quantity: request.quantity, price: request.price,
            fee: try checked { () throws(NumberError) in try fee - credit }, feeAsset: feeAsset,
            orderID: order?.id, positionSide: key.side, marginMode: key.marginMode,
            leverage: key.marginMode == .isolated ? leverage(key) : .one,
            liquidation: request.liquidation, quoteIndex: spotIndex, feeCredit: credit,
            order: filledOrder, marginAsset: marginAsset)
        fill.liquidity = liquidity
        return fill
    }

    /// The fee of a fill that names none: by the account's rate for an order of a venue's client, else none.
    private func fee(
        of request: FillRequest, _ order: OpenOrder, _ liquidity: Liquidity
    ) throws(Refusal) -> (amount: ExactDecimal, asset: String)? {
        guard order.terms != nil,
            let terms = judge.tradingTerms(of: order.instrument, in: account, at: time)
        else { return nil }
        return try fee(of: request.quantity, at: request.price, for: order, rate: terms.rate(liquidity))
    }

    /// The fee of a trade of an order, as the account pays it: how much, positive when paid, and of which
    /// asset.
    public func fee(
        of quantity: ExactDecimal, at price: ExactDecimal, for order: OpenOrder, rate: ExactDecimal
    ) throws(Refusal) -> (amount: ExactDecimal, asset: String) {
        try checked { () throws(NumberError) in
            let fee = try judge.fee(of: quantity, at: price, for: order, rate: rate)
            return try judge.payment(of: fee, by: account, prices: prices, at: time)
        }
    }

    /// What fee credits pay of a fee.
    private func feeCredit(for fee: ExactDecimal, in asset: String) -> ExactDecimal {
        guard judge.paysFeesWithCredits, fee.isPositive else { return .zero }
        return min(fee, account.holding(asset)?.credited(for: Earmark.fees) ?? .zero)
    }

    private func check(_ request: FillRequest, against order: OpenOrder) throws(Refusal) {
        let agrees =
            order.instrument.name == request.instrument && order.side == request.side
            && (request.positionSide ?? order.positionSide) == order.positionSide
            && (request.marginMode ?? order.marginMode) == order.marginMode
        guard agrees else {
            throw Refusal(
                .invalidField, "The fill differs from order \(order.id) in instrument, side or margin mode.",
                field: "order_id")
        }
        guard request.quantity <= order.remaining else {
            throw Refusal(
                .invalidAmount, "Order \(order.id) has only \(order.remaining) left to fill.",
                field: "quantity")
        }
    }

    /// In hedge mode a leg can be closed but not turned around.
    private func checkHedgeLeg(
        _ key: PositionKey, side: Side, quantity: ExactDecimal
    ) throws(Refusal) {
        let closes = (key.side == .long && side == .sell) || (key.side == .short && side == .buy)
        guard closes else { return }
        let held = account.place(of: key).map { account.positions[$0].quantity.magnitude } ?? .zero
        guard quantity <= held else {
            throw Refusal(
                .noPosition,
                "The \(key.side.rawValue) position in \(key.instrument.name) is \(held); "
                    + "a fill cannot close more.",
                field: "quantity")
        }
    }

    mutating func imported(_ request: ImportRequest) throws(Refusal) -> ImportedPosition {
        let instrument = try instrument(request.instrument)
        if !instrument.kind.isDerivative { return try importedOnMargin(request, instrument) }
        guard request.marginAsset == nil, request.liability == nil else {
            throw Refusal(
                .invalidField, "margin_asset and liability go with a spot pair on margin.",
                field: request.marginAsset == nil ? "liability" : "margin_asset")
        }
        if request.quantity.isZero {
            throw Refusal(.invalidAmount, "quantity must not be zero.", field: "quantity")
        }
        try requirePositive(request.entryPrice, field: "entry_price")
        try requireFit(request.quantity, at: request.entryPrice, in: instrument)
        if let leverage = request.leverage, leverage < .one {
            throw Refusal(.invalidAmount, "leverage must be at least 1.", field: "leverage")
        }
        let key = PositionKey(
            instrument: instrument, side: try side(request.positionSide, instrument),
            marginMode: request.marginMode ?? judge.defaultMarginMode(of: instrument, in: account))
        let fits = key.side == .net || (key.side == .long) == request.quantity.isPositive
        guard fits else {
            throw Refusal(
                .invalidField,
                "A \(key.side.rawValue) position cannot have the quantity \(request.quantity).",
                field: "position_side")
        }
        if account.place(of: key) != nil {
            throw Refusal(
                .notAllowed, "Account \(account.id) already has this position in \(instrument.name).",
                field: "instrument")
        }
        return ImportedPosition(
            position: key, quantity: request.quantity, entryPrice: request.entryPrice,
            isolatedWallet: try wallet(request, key), leverage: request.leverage,
            realised: request.realised ?? .zero, fees: request.fees ?? .zero)
    }

    /// The isolated wallet of an imported position: as given, else notional at the entry price ÷ leverage.
    private func wallet(_ request: ImportRequest, _ key: PositionKey) throws(Refusal) -> ExactDecimal {
        let places = account.conventions.bookedPlaces
        guard key.marginMode == .isolated else {
            guard request.isolatedWallet == nil else {
                throw Refusal(
                    .invalidField, "isolated_wallet goes with margin_mode isolated.", field: "isolated_wallet"
                )
            }
            return .zero
        }
        if let wallet = request.isolatedWallet {
            guard !wallet.isNegative else {
                throw Refusal(
                    .invalidAmount, "isolated_wallet must not be negative.", field: "isolated_wallet")
            }
            return wallet.cut(places: places)
        }
        let divisor = request.leverage ?? leverage(key)
        return try checked { () throws(NumberError) in
            try account.conventions.booked(
                try Position.cost(of: request.quantity.magnitude, at: request.entryPrice, in: key.instrument),
                times: key.instrument.contractValue, over: divisor)
        }
    }

    // MARK: - Margin, funding, settlement

    mutating func isolatedMargin(
        _ name: String, _ amount: ExactDecimal, _ wanted: PositionSide?
    ) throws(Refusal) -> EventBody {
        let instrument = try positioned(name)
        guard !amount.isZero else {
            throw Refusal(.invalidAmount, "amount must not be zero.", field: "amount")
        }
        let booked = amount.cut(places: account.conventions.bookedPlaces)
        guard !booked.isZero else {
            throw Refusal(
                .invalidAmount, "amount is below the smallest that \(account.venue) books.", field: "amount")
        }
        let key = PositionKey(
            instrument: instrument, side: try side(wanted, instrument), marginMode: .isolated)
        let position = account.positions[try account.requiredPlace(of: key)]
        let wallet = position.isolatedWallet
        // Adding is always possible, to a wallet that losses have driven below zero too.
        let rest = try checked { () throws(NumberError) in try wallet + booked }
        if booked.isNegative && rest.isNegative {
            throw Refusal(
                .insufficientBalance,
                "The isolated wallet holds only \(wallet) \(position.settlementAsset).",
                field: "amount")
        }
        return .isolatedMarginAdjusted(position: position.key, amount: booked)
    }

    /// Funding of every open position of the instrument that is meant; an amount needs there to be just one.
    mutating func funding(_ request: FundingRequest) throws(Refusal) -> [EventBody] {
        let instrument = try derivative(request.instrument)
        let open = account.positions.filter {
            $0.instrument.name == instrument.name && (request.positionSide ?? $0.side) == $0.side
        }
        guard !open.isEmpty else {
            throw Refusal(
                .noPosition, "Account \(account.id) has no such position in \(instrument.name).",
                field: "instrument")
        }
        let conventions = account.conventions
        switch request.measure {
        case .amount(let amount):
            guard open.count == 1 else {
                throw Refusal(
                    .invalidField,
                    "\(instrument.name) has \(open.count) such positions; an amount is booked to just one.",
                    field: "position_side")
            }
            let mark = judge.market(prices, at: time).mark(instrument)
            return [
                .funded(
                    position: open[0].key, amount: amount.cut(places: conventions.bookedPlaces),
                    terms: FundingTerms(quantity: open[0].quantity, mark: mark, rate: nil))
            ]
        case .rate(let rate):
            let mark = try mark(of: instrument)
            var bodies: [EventBody] = []
            for position in open {
                let amount = try checked { () throws(NumberError) in
                    try conventions.booked(-position.settledNotional(at: mark), times: rate)
                }
                bodies.append(
                    .funded(
                        position: position.key, amount: amount,
                        terms: FundingTerms(quantity: position.quantity, mark: mark, rate: rate)))
            }
            return bodies
        }
    }

    mutating func settlement(_ name: String?) throws(Refusal) -> EventBody {
        if let name { _ = try derivative(name) }
        var settlements: [Settlement] = []
        for position in account.positions where name == nil || position.instrument.name == name {
            settlements.append(Settlement(position: position.key, mark: try mark(of: position.instrument)))
        }
        return .settled(instrument: name, settlements)
    }

    private func mark(of instrument: Instrument) throws(Refusal) -> ExactDecimal {
        let market = judge.market(prices, at: time)
        guard let mark = market.mark(instrument) else {
            throw Refusal(
                .priceMissing, "No mark price is known for \(instrument.name); give one first.",
                field: "instrument")
        }
        return mark
    }

    // MARK: - Checks

    /// The side that is meant: in hedge mode it must be named, in one-way mode it must not.
    private func side(_ wanted: PositionSide?, _ instrument: Instrument) throws(Refusal) -> PositionSide {
        guard instrument.kind.isDerivative, judge.isHedged(account) else {
            guard wanted == nil || wanted == .net else {
                throw Refusal(
                    .invalidField,
                    "position_side goes with hedge mode; account \(account.id) is in one-way mode.",
                    field: "position_side")
            }
            return .net
        }
        guard let wanted, wanted != .net else {
            throw Refusal(
                .missingField, "position_side must be long or short; account \(account.id) is in hedge mode.",
                field: "position_side")
        }
        return wanted
    }

    /// Refuses what the ledger could not value: a cost that rounds to zero, or a notional out of range.
    func requireFit(
        _ quantity: ExactDecimal, at price: ExactDecimal, in instrument: Instrument
    ) throws(Refusal) {
        let cost = try checked { () throws(NumberError) in
            let cost = try Position.cost(of: quantity, at: price, in: instrument)
            _ = try cost.times(instrument.contractValue, rounding: .halfEven)
            _ = try quantity.times(instrument.contractValue, rounding: .halfEven)
            return cost
        }
        if cost.isZero {
            throw Refusal(
                .invalidAmount, "A quantity of \(quantity) is worth nothing at \(price), to 18 places.",
                field: "quantity")
        }
    }

    func requirePositive(_ number: ExactDecimal, field: String) throws(Refusal) {
        guard number.isPositive else {
            throw Refusal(.invalidAmount, "\(field) must be above zero, not \(number).", field: field)
        }
    }
}

extension Position {
    /// Which position it is.
    public var key: PositionKey { PositionKey(instrument: instrument, side: side, marginMode: marginMode) }

    /// Signed notional in the settlement asset: quantity × contract value × mark, or ÷ mark for an inverse
    /// contract, to 18 places, half even.
    public func settledNotional(at mark: ExactDecimal) throws(NumberError) -> ExactDecimal {
        try Position.cost(of: quantity, at: mark, in: instrument)
            .times(instrument.contractValue, rounding: .halfEven)
    }
}
