import Numbers

/// How trades, funding and settlements change an account's positions and cash.
extension Account {
    /// Books a trade: the order it fills, the lifetime totals, the assets or the position, and the fee.
    mutating func apply(_ fill: Fill, by event: Event) throws {
        let time = event.at
        if let orderID = fill.orderID { try reduceOrder(orderID, by: fill, event) }
        try noteTaken(fill)
        let volume = try Self.volume(of: fill)
        try updateActivity(fill.instrument, at: time) { row in
            row.volume = try row.volume + volume
            row.fees = try row.fees + fill.fee
            if fill.liquidation { row.liquidationFees = try row.liquidationFees + fill.fee }
        }
        // What of the fee the trade has booked with the position already.
        var bookedFee = ExactDecimal.zero
        if let asset = fill.marginAsset {
            let isInPosition = [fill.instrument.base, fill.instrument.quote].contains(fill.feeAsset)
            if isInPosition { bookedFee = fill.fee }
            try tradeOnMargin(fill, in: asset, at: time)
        } else if fill.instrument.kind.isDerivative {
            bookedFee = try trade(fill, at: time)
        } else {
            try exchange(fill, at: time)
        }
        if let place = place(of: fill.position) { positions[place].lastTrade = event.sequence }
        if fill.feeCredit.isPositive {
            try update(fill.feeAsset, at: time) { try $0.credits.add(-fill.feeCredit, for: Earmark.fees) }
        }
        guard !fill.fee.isZero else { return }
        try update(fill.feeAsset, at: time) { holding in
            holding.cash = try holding.cash - (fill.fee - bookedFee)
            holding.flows.tradingFees = try holding.flows.tradingFees + fill.fee
        }
    }

    /// Traded notional: quantity × contract value × price; quantity × contract value of an inverse contract.
    private static func volume(of fill: Fill) throws(NumberError) -> ExactDecimal {
        let size = try fill.quantity.times(fill.instrument.contractValue, rounding: .halfEven)
        return fill.instrument.payoff == .inverse ? size : try size.times(fill.price, rounding: .halfEven)
    }

    mutating func amend(_ amendment: OrderAmendment, at time: LedgerTime) throws {
        guard let place = place(ofOrder: amendment.orderID) else {
            throw Refusal(
                .unknownOrder, "Account \(id) has no open order \(amendment.orderID).", field: "order_id")
        }
        try orders[place].take(amendment, at: time)
    }

    private mutating func reduceOrder(_ orderID: String, by fill: Fill, _ event: Event) throws {
        guard let place = place(ofOrder: orderID) else {
            throw Refusal(.unknownOrder, "Account \(id) has no open order \(orderID).", field: "order_id")
        }
        try orders[place].take(fill, by: event)
        if !orders[place].remaining.isPositive { orders.remove(at: place) }
    }

    // MARK: - Spot

    private mutating func exchange(_ fill: Fill, at time: LedgerTime) throws {
        let value = try fill.quantity.times(fill.price, rounding: .halfEven)
        let received = fill.side == .buy ? fill.quantity : -fill.quantity
        try update(fill.instrument.base, at: time) { holding in
            holding.cash = try holding.cash + received
            holding.flows.exchanged = try holding.flows.exchanged + received
            if let quoteIndex = fill.quoteIndex {
                let cost = try value.times(quoteIndex, rounding: .halfEven)
                try holding.book(fill.side, fill.quantity, cost: cost)
            }
        }
        let paid = fill.side == .buy ? value : -value
        try update(fill.instrument.quote, at: time) { holding in
            holding.cash = try holding.cash - paid
            holding.flows.exchanged = try holding.flows.exchanged - paid
        }
    }

    // MARK: - Contracts

    /// Gives the part of the fee that came out of an isolated position's wallet.
    private mutating func trade(_ fill: Fill, at time: LedgerTime) throws -> ExactDecimal {
        let change = fill.side == .buy ? fill.quantity : -fill.quantity
        let fee = fill.feeAsset == fill.instrument.settle ? fill.fee : .zero
        guard let place = place(of: fill.position) else {
            var position = try Position.opened(fill.position, quantity: change, price: fill.price, at: time)
            position.fees = fee
            positions.append(position)
            return try fundWallet(at: positions.count - 1, quantity: fill.quantity, fill, time)
        }
        let held = positions[place].quantity
        positions[place].fees = try positions[place].fees + fee
        if held.isPositive == change.isPositive {
            let cost = try Position.cost(of: change, at: fill.price, in: fill.instrument)
            positions[place].quantity = try held + change
            positions[place].cost = try positions[place].cost + cost
            positions[place].openingCost = try positions[place].openingCost + cost
            if positions[place].onlyPrice != fill.price { positions[place].onlyPrice = nil }
            positions[place].updatedAt = time
            return try fundWallet(at: place, quantity: fill.quantity, fill, time)
        }
        let closed = min(fill.quantity, held.magnitude)
        try close(closed, at: place, price: fill.price, time)
        let rest = try fill.quantity - closed
        if rest.isPositive {
            // The fill was larger than the position: what is left opens one the other way, in its place,
            // with its share of the fee.
            positions[place] = try Position.opened(
                fill.position, quantity: change.isPositive ? rest : -rest, price: fill.price, at: time)
            positions[place].fees = try fee.times(rest, over: fill.quantity, rounding: .halfEven)
            return try fundWallet(at: place, quantity: rest, fill, time)
        }
        if positions[place].quantity.isZero { positions.remove(at: place) }
        return .zero
    }

    /// Closes a part of a position (all of it if `quantity` is its size): cost goes pro rata, what rounding
    /// leaves stays with the rest, and the profit and the wallet's share go to free cash.
    private mutating func close(
        _ quantity: ExactDecimal, at place: Int, price: ExactDecimal, _ time: LedgerTime
    ) throws {
        let position = positions[place]
        let size = position.quantity.magnitude
        func share(_ whole: ExactDecimal) throws -> ExactDecimal {
            quantity == size ? whole : try whole.times(quantity, over: size, rounding: .halfEven)
        }
        let closedQuantity = position.quantity.isPositive ? quantity : -quantity
        let closedCost = try share(position.cost)
        let exit = try Position.cost(of: closedQuantity, at: price, in: position.instrument)
        let gain = position.instrument.payoff == .linear ? try exit - closedCost : try closedCost - exit
        let realised = try conventions.booked(gain, times: position.instrument.contractValue)
        let released =
            quantity == size
            ? position.isolatedWallet
            : try conventions.booked(position.isolatedWallet, times: quantity, over: size)

        positions[place].quantity = try position.quantity - closedQuantity
        let rest = try position.cost - closedCost
        // A rest that rounds to no cost at all would have no entry price.
        if quantity < size && rest.isZero { throw NumberError.tooPrecise }
        positions[place].cost = rest
        positions[place].openingCost = try position.openingCost - share(position.openingCost)
        positions[place].isolatedWallet = try position.isolatedWallet - released
        positions[place].realised = try position.realised + realised
        positions[place].updatedAt = time
        try updateActivity(position.instrument, at: time) { row in
            row.realised = try row.realised + realised
            row.sessionRealised = try row.sessionRealised + realised
        }
        try update(position.instrument.settle, at: time) { holding in
            holding.cash = try holding.cash + realised + released
            holding.flows.realised = try holding.flows.realised + realised
        }
    }

    /// Moves the margin of newly opened quantity into an isolated position's wallet: notional at the fill
    /// price ÷ leverage, in the settlement asset. Where the venue takes the fee of it from there, it gives
    /// that part of the fee.
    private mutating func fundWallet(
        at place: Int, quantity: ExactDecimal, _ fill: Fill, _ time: LedgerTime
    ) throws -> ExactDecimal {
        guard fill.marginMode == .isolated else { return .zero }
        let margin = try conventions.booked(
            try Position.cost(of: quantity, at: fill.price, in: fill.instrument),
            times: fill.instrument.contractValue, over: fill.leverage)
        positions[place].isolatedWallet = try positions[place].isolatedWallet + margin
        try update(fill.instrument.settle, at: time) { $0.cash = try $0.cash - margin }
        guard conventions.openingFeesComeFromWallet, fill.feeAsset == fill.instrument.settle else {
            return .zero
        }
        let fee =
            quantity == fill.quantity
            ? fill.fee : try conventions.booked(fill.fee, times: quantity, over: fill.quantity)
        positions[place].isolatedWallet = try positions[place].isolatedWallet - fee
        return fee
    }

    /// Puts a position there: at some venues its wallet comes out of cash, at others on top of it.
    mutating func apply(_ imported: ImportedPosition, at time: LedgerTime) throws {
        defer {
            if let leverage = imported.leverage { apply(LeverageSetting(of: imported.position, leverage)) }
        }
        if let margin = imported.margin { return try importOnMargin(imported, margin, at: time) }
        var position = try Position.opened(
            imported.position, quantity: imported.quantity, price: imported.entryPrice, at: time)
        position.isolatedWallet = imported.isolatedWallet
        position.realised = imported.realised
        position.fees = imported.fees
        positions.append(position)
        let fromCash = conventions.importedWalletComesFromCash
        if !imported.isolatedWallet.isZero {
            try update(position.instrument.settle, at: time) { holding in
                if fromCash {
                    holding.cash = try holding.cash - imported.isolatedWallet
                } else {
                    holding.flows.imported = try holding.flows.imported + imported.isolatedWallet
                }
            }
        }
        try updateActivity(position.instrument, at: time) { _ in }
    }

    /// Moves margin between free cash and an isolated position's wallet; negative takes out.
    mutating func moveMargin(_ amount: ExactDecimal, into key: PositionKey, at time: LedgerTime) throws {
        let place = try requiredPlace(of: key)
        positions[place].isolatedWallet = try positions[place].isolatedWallet + amount
        positions[place].updatedAt = time
        try moveAmount(amount, intoMarginAt: place)
        try update(positions[place].settlementAsset, at: time) { $0.cash = try $0.cash - amount }
    }

    /// Books funding: to free cash for a cross position, to its wallet for an isolated one.
    mutating func fund(_ key: PositionKey, _ amount: ExactDecimal, at time: LedgerTime) throws {
        let place = try requiredPlace(of: key)
        positions[place].funding = try positions[place].funding + amount
        positions[place].updatedAt = time
        if key.marginMode == .isolated {
            positions[place].isolatedWallet = try positions[place].isolatedWallet + amount
        }
        try updateActivity(key.instrument, at: time) { $0.funding = try $0.funding + amount }
        try update(key.instrument.settle, at: time) { holding in
            if key.marginMode == .cross { holding.cash = try holding.cash + amount }
            holding.flows.funding = try holding.flows.funding + amount
        }
    }

    /// Settles a session: unrealized profit at the mark goes to cash (an isolated position's to its wallet),
    /// the mark becomes the reference price.
    mutating func settle(_ settlements: [Settlement], at time: LedgerTime) throws {
        for settlement in settlements {
            let key = settlement.position
            let place = try requiredPlace(of: key)
            let position = positions[place]
            let cost = try Position.cost(of: position.quantity, at: settlement.mark, in: position.instrument)
            let profit =
                position.instrument.payoff == .linear ? try cost - position.cost : try position.cost - cost
            let gain = try conventions.booked(profit, times: position.instrument.contractValue)
            positions[place].cost = cost
            positions[place].onlyPrice = position.onlyPrice.map { _ in settlement.mark }
            positions[place].realised = try position.realised + gain
            positions[place].updatedAt = time
            if key.marginMode == .isolated {
                positions[place].isolatedWallet = try position.isolatedWallet + gain
            }
            try updateActivity(key.instrument, at: time) { $0.realised = try $0.realised + gain }
            try update(key.instrument.settle, at: time) { holding in
                if key.marginMode == .cross { holding.cash = try holding.cash + gain }
                holding.flows.realised = try holding.flows.realised + gain
            }
        }
    }

    /// Starts a new session: the realized profit of the old one is forgotten, of one instrument or of all
    /// (nil).
    mutating func startSession(of instrument: String?) {
        for place in activity.indices where instrument == nil || activity[place].instrument == instrument {
            activity[place].sessionRealised = .zero
        }
    }
}

extension LeverageSetting {
    /// The leverage that comes with an imported position.
    fileprivate init(of key: PositionKey, _ leverage: ExactDecimal) {
        let isParticular = key.side != .net || key.marginMode == .isolated
        self.init(
            instrument: key.instrument.name, side: isParticular ? key.side : nil,
            marginMode: isParticular ? key.marginMode : nil, leverage: leverage)
    }
}

extension Conventions {
    /// value × multiplier ÷ divisor as this venue books it: cut to its places in one step; at 18 places, all
    /// that is kept, rounded half even.
    func booked(
        _ value: ExactDecimal, times multiplier: ExactDecimal, over divisor: ExactDecimal = .one
    ) throws(NumberError) -> ExactDecimal {
        try value.times(
            multiplier, over: divisor, places: bookedPlaces,
            rounding: bookedPlaces < 18 ? .towardZero : .halfEven)
    }
}

extension Position {
    /// Cost of a quantity at a price: quantity × price (linear) or quantity ÷ price (inverse), to 18 places,
    /// half even; signed like the quantity.
    public static func cost(
        of quantity: ExactDecimal, at price: ExactDecimal, in instrument: Instrument
    ) throws(NumberError) -> ExactDecimal {
        switch instrument.payoff {
        case .linear: try quantity.times(price, rounding: .halfEven)
        case .inverse: try quantity.over(price, rounding: .halfEven)
        }
    }

    fileprivate static func opened(
        _ key: PositionKey, quantity: ExactDecimal, price: ExactDecimal, at time: LedgerTime
    ) throws(NumberError) -> Position {
        var position = Position(
            instrument: key.instrument, side: key.side, marginMode: key.marginMode, quantity: quantity,
            cost: try cost(of: quantity, at: price, in: key.instrument), openedAt: time)
        if key.instrument.payoff == .inverse { position.onlyPrice = price }
        return position
    }
}

extension Holding {
    /// Keeps the spot cost: purchases raise it, sales leave the average as it is, selling all that was bought
    /// drops the record.
    fileprivate mutating func book(
        _ side: Side, _ quantity: ExactDecimal, cost: ExactDecimal
    ) throws(NumberError) {
        var record =
            spotCost ?? SpotCost(quantity: .zero, boughtValue: .zero, soldValue: .zero, openCost: .zero)
        switch side {
        case .buy:
            record.quantity = try record.quantity + quantity
            record.boughtValue = try record.boughtValue + cost
            record.openCost = try record.openCost + cost
        case .sell:
            guard quantity < record.quantity else {
                spotCost = nil
                return
            }
            let rest = try record.quantity - quantity
            record.openCost = try record.openCost.times(rest, over: record.quantity, rounding: .halfEven)
            record.quantity = rest
            record.soldValue = try record.soldValue + cost
        }
        spotCost = record
    }
}
