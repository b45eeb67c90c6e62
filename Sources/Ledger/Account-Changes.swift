import JSON
import Numbers

/// How each kind of event changes an account. Nothing here asks a rule, a price or a clock.
extension Account {
    /// Applies an event: one of its own, or a transfer to it. Throws where the event does not fit; the
    /// account is then half changed and of no further use, so callers apply to a copy.
    public mutating func apply(_ event: Event) throws(Refusal) {
        do {
            try change(event)
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.overflow, "A figure of account \(id) does not fit into 18 places and 20 digits.")
        }
        stamp(event)
    }

    /// Notes that an event has been taken over.
    mutating func stamp(_ event: Event) {
        version += 1
        lastSequence = event.sequence
        updatedAt = event.at
    }

    private mutating func change(_ event: Event) throws {
        switch event.body {
        case .instrumentDefined, .accountOpened, .priced, .quoted, .fundingFixed, .orderRefused: break
        case .configured(let settings): self.settings = settings
        case .deposited, .withdrawn, .transferred, .borrowed, .repaid, .interestAccrued, .reserved, .released,
            .credited:
            try changeHolding(event)
        case .orderPlaced(var order):
            // The exchange's orders are told apart by what placed them.
            if order.terms != nil { order.sequence = event.sequence }
            orders.append(order)
        case .orderAmended(let amendment): try amend(amendment, at: event.at)
        case .orderCancelled(let orderID), .orderEnded(let orderID, _):
            if let place = place(ofOrder: orderID) { orders.remove(at: place) }
        case .filled(let fill):
            let before = activity(fill.instrument.name)?.realised ?? .zero
            try apply(fill, by: event)
            try noteRealised(by: fill, since: before)
        case .conditionalPlaced, .conditionalAmended, .conditionalTrailed, .conditionalTriggered,
            .conditionalEnded:
            try changeConditional(event)
        case .timerSet(let timer):
            timers.removeAll { $0.instrument == timer.instrument }
            if timer.at != nil { timers.append(timer) }
        case .positionImported(let imported): try apply(imported, at: event.at)
        case .leverageSet(let setting): apply(setting)
        case .isolatedMarginAdjusted(let key, let amount): try moveMargin(amount, into: key, at: event.at)
        case .funded(let key, let amount, _): try fund(key, amount, at: event.at)
        case .marginInterestAccrued(let key, let amount): try accrueInterest(amount, on: key, at: event.at)
        case .settled(let instrument, let settlements):
            try settle(settlements, at: event.at)
            startSession(of: instrument)
        case .autoExchanged(let exchange): try apply(exchange, at: event.at)
        case .overridden(let flag, let asset, let value): setOverride(flag, asset, value)
        }
    }

    private mutating func changeHolding(_ event: Event) throws {
        switch event.body {
        case .deposited(let asset, let amount):
            try update(asset, at: event.at) { holding in
                holding.cash = try holding.cash + amount
                holding.flows.deposited = try holding.flows.deposited + amount
            }
        case .withdrawn(let asset, let amount, let fee):
            try update(asset, at: event.at) { holding in
                holding.cash = try holding.cash - amount - fee
                holding.flows.withdrawn = try holding.flows.withdrawn + amount
                holding.flows.withdrawalFees = try holding.flows.withdrawalFees + fee
            }
        case .transferred(let receiver, let asset, let amount):
            let received = receiver == id ? amount : -amount
            try update(asset, at: event.at) { holding in
                holding.cash = try holding.cash + received
                holding.flows.transferred = try holding.flows.transferred + received
            }
        case .borrowed(let asset, let amount):
            try update(asset, at: event.at) { holding in
                holding.cash = try holding.cash + amount
                holding.borrowed = try holding.borrowed + amount
                holding.flows.borrowed = try holding.flows.borrowed + amount
            }
        case .repaid(let asset, let amount): try repay(asset, amount, at: event.at)
        case .interestAccrued(let asset, let amount):
            let apart = conventions.keepsInterestApart
            try update(asset, at: event.at) { holding in
                if apart {
                    holding.interest = try holding.interest + amount
                } else {
                    holding.cash = try holding.cash - amount
                    holding.flows.interestPaid = try holding.flows.interestPaid + amount
                }
            }
        case .reserved(let asset, let amount, let purpose): try reserve(asset, amount, purpose, at: event.at)
        case .released(let asset, let amount, let purpose): try reserve(asset, -amount, purpose, at: event.at)
        case .credited(let asset, let amount, let purpose):
            try update(asset, at: event.at) { try $0.credits.add(amount, for: purpose) }
        default: break
        }
    }

    /// Pays interest first, then the principal.
    private mutating func repay(_ asset: String, _ amount: ExactDecimal, at time: LedgerTime) throws {
        try update(asset, at: time) { holding in
            let interestPart = min(amount, holding.interest)
            let principal = try amount - interestPart
            holding.cash = try holding.cash - amount
            holding.interest = try holding.interest - interestPart
            holding.borrowed = try holding.borrowed - principal
            holding.flows.interestPaid = try holding.flows.interestPaid + interestPart
            holding.flows.borrowed = try holding.flows.borrowed - principal
        }
    }

    /// Sets funds aside for a purpose, or gives them back (negative). Only a strategy's funds leave the cash.
    private mutating func reserve(
        _ asset: String, _ amount: ExactDecimal, _ purpose: String, at time: LedgerTime
    ) throws {
        try update(asset, at: time) { holding in
            try holding.reserved.add(amount, for: purpose)
            if purpose == Earmark.strategy { holding.cash = try holding.cash - amount }
        }
    }

    private mutating func apply(_ exchange: AutoExchange, at time: LedgerTime) throws {
        for part in exchange.sold { try self.exchange(part.asset, -part.amount, at: time) }
        try self.exchange(exchange.bought.asset, exchange.bought.amount, at: time)
    }

    private mutating func exchange(_ asset: String, _ amount: ExactDecimal, at time: LedgerTime) throws {
        try update(asset, at: time) { holding in
            holding.cash = try holding.cash + amount
            holding.flows.exchanged = try holding.flows.exchanged + amount
        }
    }

    mutating func apply(_ setting: LeverageSetting) {
        // A setting replaces every earlier one that it covers: the same, and the more particular ones.
        leverages.removeAll { earlier in
            earlier.instrument == setting.instrument && (setting.side == nil || earlier.side == setting.side)
                && (setting.marginMode == nil || earlier.marginMode == setting.marginMode)
        }
        leverages.append(setting)
    }

    private mutating func setOverride(_ flag: String, _ asset: String?, _ value: JSONValue?) {
        overridden.removeAll { $0.flag == flag && $0.asset == asset }
        if let value { overridden.append(OverriddenField(flag: flag, asset: asset, value: value)) }
    }

    // MARK: - Finding and making rows

    /// Changes the holding of an asset, which begins here if there was none.
    mutating func update(
        _ asset: String, at time: LedgerTime, _ change: (inout Holding) throws -> Void
    ) throws {
        let place: Int
        if let found = holdings.firstIndex(where: { $0.asset == asset }) {
            place = found
        } else {
            place = holdings.count
            holdings.append(Holding(asset: asset, updatedAt: time))
        }
        try change(&holdings[place])
        holdings[place].updatedAt = time
    }

    /// Changes the lifetime totals of an instrument, which begin here if there were none.
    mutating func updateActivity(
        _ instrument: Instrument, at time: LedgerTime, _ change: (inout InstrumentActivity) throws -> Void
    ) throws {
        let place: Int
        if let found = activity.firstIndex(where: { $0.instrument == instrument.name }) {
            place = found
        } else {
            place = activity.count
            activity.append(InstrumentActivity(instrument: instrument.name, updatedAt: time))
        }
        try change(&activity[place])
        activity[place].updatedAt = time
    }

    /// Where an order that an event names stands in `orders`; nil if it is not open.
    ///
    /// Journals written before ids were compared by their bytes may name an order in another Unicode form.
    func place(ofOrder id: String) -> Int? {
        // What has just been placed is looked for most often.
        orders.lastIndex { $0.id.isExactly(id) } ?? orders.firstIndex { $0.id == id }
    }

    /// Where a position stands in `positions`; nil if it is not open.
    func place(of key: PositionKey) -> Int? {
        positions.firstIndex {
            $0.side == key.side && $0.marginMode == key.marginMode
                && ($0.instrument === key.instrument || $0.instrument.name == key.instrument.name)
        }
    }

    func requiredPlace(of key: PositionKey) throws(Refusal) -> Int {
        guard let place = place(of: key) else {
            throw Refusal(
                .noPosition,
                "Account \(id) has no \(key.marginMode.rawValue) \(key.side.rawValue) position in "
                    + "\(key.instrument.name).",
                field: "instrument")
        }
        return place
    }
}

extension Earmark {
    /// The purpose whose funds leave the cash: a bot's own equity.
    public static let strategy = "strategy"
    /// The purpose of credits that pay fees.
    public static let fees = "fees"
}

extension [Earmark] {
    /// Adds to the amount of a purpose; a row that comes to zero is dropped.
    mutating func add(_ amount: ExactDecimal, for purpose: String) throws(NumberError) {
        if let place = firstIndex(where: { $0.purpose == purpose }) {
            let sum = try self[place].amount + amount
            if sum.isZero { remove(at: place) } else { self[place].amount = sum }
        } else {
            append(Earmark(purpose: purpose, amount: amount))
        }
    }
}

extension Account {
    /// The assets whose amounts are not where the flows say they must be, with what is missing (negative) or
    /// too much; empty in a sound account. Free cash + isolated wallets + what margin positions have or owe +
    /// strategy funds = sum of flows.
    public func imbalances() throws(NumberError) -> [(asset: String, difference: ExactDecimal)] {
        var found: [(asset: String, difference: ExactDecimal)] = []
        for holding in holdings {
            var present = try holding.cash + holding.reserved(for: Earmark.strategy)
            for position in positions { present = try present + position.amount(of: holding.asset) }
            let difference = try present - holding.flows.total()
            if !difference.isZero { found.append((holding.asset, difference)) }
        }
        return found
    }
}
