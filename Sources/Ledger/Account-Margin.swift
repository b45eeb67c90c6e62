import Numbers

/// What makes a position one of a spot pair traded on margin: what is bought stays in the position, and what
/// was borrowed to pay for it is owed by the position.
///
/// Such a position's `quantity` is what it has of the base asset (long) or owes of it (short, negative); its
/// `cost`, signed alike, what it owes of the quote asset (long) or has of it (short). The margin of an
/// isolated one is part of what it has; how much of it is margin stands in `isolatedWallet`.
public struct MarginTrading: Sendable, Equatable {
    /// The asset of margin and profit: the pair's base or its quote.
    public let asset: String
    /// Bought less sold in the base asset before fees, signed like the position: `openingCost` ÷ this is the
    /// entry price.
    public var traded: ExactDecimal

    public init(asset: String, traded: ExactDecimal) {
        self.asset = asset
        self.traded = traded
    }
}

/// What a margin position owes.
public struct Liability: Sendable, Equatable {
    public let asset: String
    /// Above zero; principal and interest.
    public let amount: ExactDecimal

    public init(asset: String, amount: ExactDecimal) {
        self.asset = asset
        self.amount = amount
    }
}

extension Position {
    /// The asset of its margin, profit and funding.
    public var settlementAsset: String { margin?.asset ?? instrument.settle }

    /// What it has (positive) or owes (negative) of an asset by itself, outside of free cash.
    public func amount(of asset: String) -> ExactDecimal {
        guard margin != nil else { return asset == instrument.settle ? isolatedWallet : .zero }
        return asset == instrument.base ? quantity : asset == instrument.quote ? -cost : .zero
    }

    /// The asset that a margin position has: the base of a long one, the quote of a short one.
    public var heldAsset: String {
        // One that was closed is told by what it owed.
        isLong || quantity.isZero && cost.isPositive ? instrument.base : instrument.quote
    }

    /// What a margin position owes; nil for a contract.
    public var liability: Liability? {
        guard margin != nil else { return nil }
        return isLong
            ? Liability(asset: instrument.quote, amount: cost)
            : Liability(asset: instrument.base, amount: -quantity)
    }

    /// Adds to what a margin position has and owes of its pair's assets.
    fileprivate mutating func add(
        base: ExactDecimal, quote: ExactDecimal
    ) throws(NumberError) {
        quantity = try quantity + base
        cost = try cost - quote
    }

    /// Adds to one of them.
    fileprivate mutating func add(_ amount: ExactDecimal, of asset: String) throws(NumberError) {
        if asset == instrument.base {
            try add(base: amount, quote: .zero)
        } else {
            try add(base: .zero, quote: amount)
        }
    }
}

/// Trades of spot pairs on margin.
extension Account {
    /// Books a trade of a pair on margin. The position takes what is bought and pays what is sold, and a fee
    /// in either asset; one that owes nothing any more, or has nothing left, is closed, and what remains goes
    /// to free cash.
    mutating func tradeOnMargin(_ fill: Fill, in asset: String, at time: LedgerTime) throws {
        let pair = fill.instrument
        let value = try fill.quantity.times(fill.price, rounding: .halfEven)
        let isBuy = fill.side == .buy
        let traded = isBuy ? fill.quantity : -fill.quantity
        let cost = isBuy ? value : -value
        var gained = (base: traded, quote: -cost)
        for (name, amount) in [(pair.base, gained.base), (pair.quote, gained.quote)] {
            try update(name, at: time) { $0.flows.exchanged = try $0.flows.exchanged + amount }
        }
        if fill.feeAsset == pair.base { gained.base = try gained.base - fill.fee }
        if fill.feeAsset == pair.quote { gained.quote = try gained.quote - fill.fee }

        let place: Int
        if let found = self.place(of: fill.position) {
            place = found
        } else {
            var position = Position(
                instrument: pair, side: fill.positionSide, marginMode: fill.marginMode, quantity: .zero,
                cost: .zero, openedAt: time)
            position.margin = MarginTrading(asset: asset, traded: .zero)
            place = positions.count
            positions.append(position)
        }
        let held = positions[place].quantity
        let adds = held.isZero || held.isPositive == isBuy
        let repaid = positions[place].isLong ? positions[place].cost : held
        try positions[place].add(base: gained.base, quote: gained.quote)
        positions[place].updatedAt = time
        if adds {
            let before = positions[place].margin?.traded ?? .zero
            positions[place].margin?.traded = try before + traded
            positions[place].openingCost = try positions[place].openingCost + cost
            try fundMargin(at: place, value: isBuy ? fill.quantity : value, fill, time)
        } else {
            try shrink(at: place, from: repaid)
        }
        try closeIfRepaid(at: place, wasLong: adds ? isBuy : held.isPositive, time)
    }

    /// Moves the margin of what an isolated position has newly bought into it: that ÷ leverage, out of free
    /// cash of the same asset.
    private mutating func fundMargin(
        at place: Int, value: ExactDecimal, _ fill: Fill, _ time: LedgerTime
    ) throws {
        guard fill.marginMode == .isolated else { return }
        let margin = try conventions.booked(value, times: .one, over: fill.leverage)
        let asset = positions[place].settlementAsset
        positions[place].isolatedWallet = try positions[place].isolatedWallet + margin
        try positions[place].add(margin, of: asset)
        try update(asset, at: time) { $0.cash = try $0.cash - margin }
    }

    /// What the entry price is an average of shrinks with the liability.
    private mutating func shrink(at place: Int, from before: ExactDecimal) throws {
        let position = positions[place]
        let after = position.isLong ? position.cost : position.quantity
        guard !before.isZero, after.isPositive == before.isPositive, !after.isZero else { return }
        if after.magnitude >= before.magnitude { return }
        let traded = position.margin?.traded ?? .zero
        positions[place].margin?.traded = try traded.times(after, over: before, rounding: .halfEven)
        positions[place].openingCost = try position.openingCost.times(
            after, over: before, rounding: .halfEven)
    }

    /// Closes a margin position that owes nothing any more or has nothing left: its amounts, what they are
    /// above or below zero, go to free cash.
    private mutating func closeIfRepaid(at place: Int, wasLong: Bool, _ time: LedgerTime) throws {
        let position = positions[place]
        // A short one has the quote and owes the base, both with a negative sign here.
        let (held, owed) =
            wasLong ? (position.quantity, position.cost) : (-position.cost, -position.quantity)
        if held.isPositive && owed.isPositive { return }
        // Whoever repays everything may bring what is lacking; nothing else can be paid out of nothing.
        if held.isNegative && (wasLong || owed.isPositive) {
            throw Refusal(
                .noPosition,
                "The margin position in \(position.instrument.name) has less than what is "
                    + "\(wasLong ? "sold of it" : "paid for that much").",
                field: "quantity")
        }
        positions.remove(at: place)
        for asset in [position.instrument.base, position.instrument.quote] {
            let rest = position.amount(of: asset)
            if rest.isZero { continue }
            try update(asset, at: time) { $0.cash = try $0.cash + rest }
        }
    }

    /// Puts a margin position there: what it has and owes comes with it.
    mutating func importOnMargin(
        _ imported: ImportedPosition, _ terms: ImportedMargin, at time: LedgerTime
    ) throws {
        let pair = imported.position.instrument
        let isLong = imported.quantity.isPositive
        let owed = terms.liability
        var position = Position(
            instrument: pair, side: imported.position.side, marginMode: imported.position.marginMode,
            quantity: isLong ? imported.quantity : -owed, cost: isLong ? owed : imported.quantity,
            openedAt: time)
        // Bought with what is owed, but for the margin; the entry price is as given.
        let traded = isLong ? try imported.quantity - imported.isolatedWallet : -owed
        position.margin = MarginTrading(asset: terms.asset, traded: traded)
        position.openingCost = try traded.times(imported.entryPrice, rounding: .halfEven)
        position.isolatedWallet = imported.isolatedWallet
        positions.append(position)
        for asset in [pair.base, pair.quote] {
            let amount = position.amount(of: asset)
            try update(asset, at: time) { $0.flows.imported = try $0.flows.imported + amount }
        }
        try updateActivity(pair, at: time) { _ in }
    }

    /// Books interest of a margin position: it is owed at once.
    mutating func accrueInterest(
        _ amount: ExactDecimal, on key: PositionKey, at time: LedgerTime
    ) throws {
        let place = try requiredPlace(of: key)
        guard let liability = positions[place].liability else {
            throw Refusal(
                .notAllowed, "\(key.instrument.name) is no margin position and bears no interest.",
                field: "instrument")
        }
        try positions[place].add(-amount, of: liability.asset)
        positions[place].updatedAt = time
        try update(liability.asset, at: time) {
            $0.flows.interestPaid = try $0.flows.interestPaid + amount
        }
    }

    /// Moves an amount between free cash and what a margin position has; part of its margin.
    mutating func moveAmount(_ amount: ExactDecimal, intoMarginAt place: Int) throws(NumberError) {
        let asset = positions[place].settlementAsset
        if positions[place].margin != nil { try positions[place].add(amount, of: asset) }
    }
}
