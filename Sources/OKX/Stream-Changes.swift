import JSON
import Ledger
import Numbers

/// What two states of one account differ in, as its channels tell it.
struct AccountChanges: Sendable {
    /// Currencies whose holding, positions, orders, leverages or raised fields differ.
    private(set) var currencies: Set<String> = []
    /// Whether a setting differs, on which every currency depends.
    private(set) var isOfAll = false
    /// Whether a raised field of the account itself differs.
    private(set) var isOfAccount = false
    /// Ids of the open positions that differ.
    private(set) var positions: Set<String> = []
    /// Positions that are no longer there, as they were.
    private(set) var closed: [Position] = []

    init(from old: Account, to new: Account) {
        isOfAll = old.settings != new.settings
        for holding in new.holdings where old.holding(holding.asset) != holding {
            currencies.insert(holding.asset)
        }
        compareLeverages(old, new)
        comparePositions(old, new)
        compareOrders(old, new)
        compareOverrides(old, new)
    }

    /// Whether a currency's row may differ.
    func concerns(_ currency: String) -> Bool { isOfAll || currencies.contains(currency) }

    /// Whether an open position's row may differ.
    func concernsPosition(_ id: String) -> Bool { isOfAll || positions.contains(id) }

    private mutating func comparePositions(_ old: Account, _ new: Account) {
        guard old.positions != new.positions else { return }
        let before = Self.byID(old)
        let after = Self.byID(new)
        for (id, position) in after where before[id] != position {
            positions.insert(id)
            currencies.formUnion(position.currencies)
        }
        for position in old.positions where after[StableID.position(old.id, position)] == nil {
            closed.append(position)
            currencies.formUnion(position.currencies)
        }
    }

    private static func byID(_ account: Account) -> [String: Position] {
        Dictionary(
            account.positions.map { (StableID.position(account.id, $0), $0) }, uniquingKeysWith: { $1 })
    }

    private mutating func compareOrders(_ old: Account, _ new: Account) {
        guard old.orders != new.orders else { return }
        let before = Dictionary(old.orders.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        let after = Dictionary(new.orders.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        for (id, order) in before where after[id] != order { currencies.insert(order.frozenCurrency) }
        for (id, order) in after where before[id] != order { currencies.insert(order.frozenCurrency) }
    }

    private mutating func compareLeverages(_ old: Account, _ new: Account) {
        guard old.leverages != new.leverages else { return }
        for position in new.positions {
            let name = position.instrument.name
            let was = old.leverage(name, side: position.side, marginMode: position.marginMode)
            guard was != new.leverage(name, side: position.side, marginMode: position.marginMode) else {
                continue
            }
            positions.insert(StableID.position(new.id, position))
            currencies.formUnion(position.currencies)
        }
        for order in new.orders {
            let name = order.instrument.name
            let was = old.leverage(name, side: order.positionSide, marginMode: order.marginMode)
            if was != new.leverage(name, side: order.positionSide, marginMode: order.marginMode) {
                currencies.insert(order.frozenCurrency)
            }
        }
    }

    private mutating func compareOverrides(_ old: Account, _ new: Account) {
        guard old.overridden != new.overridden else { return }
        for flag in old.overridden where !new.overridden.contains(flag) { note(flag) }
        for flag in new.overridden where !old.overridden.contains(flag) { note(flag) }
    }

    private mutating func note(_ flag: OverriddenField) {
        if let asset = flag.asset { currencies.insert(asset) } else { isOfAccount = true }
    }
}

extension Position {
    /// The currencies whose rows it is counted in.
    fileprivate var currencies: Set<String> {
        Set([settlementAsset] + (liability.map { [$0.asset] } ?? []))
    }
}

extension OpenOrder {
    /// The currency that it holds funds of.
    fileprivate var frozenCurrency: String {
        if instrument.kind.isDerivative { return instrument.settle }
        return side == .buy ? instrument.quote : instrument.base
    }
}

/// What one event has done to cash and positions, as `balance_and_position` tells it.
struct BalanceChange: Sendable {
    /// The venue's word for what happened.
    let eventType: StaticString
    let holdings: [Holding]
    /// Open positions that changed, and closed ones with a quantity of zero.
    let positions: [Position]
    /// The trade, if it was one: its instrument and id.
    let trade: (instrument: String, id: String)?

    /// Nil where neither cash nor a position has changed.
    init?(_ event: Event, from old: Account, to new: Account) {
        holdings = new.holdings.filter { $0.cash != old.cash($0.asset) }
        let changes = AccountChanges(from: old, to: new)
        let isSetting = if case .configured = event.body { true } else { false }
        var positions = new.positions.filter {
            changes.concernsPosition(StableID.position(new.id, $0)) && !isSetting
        }
        for var position in changes.closed {
            position.quantity = .zero
            position.updatedAt = event.at
            positions.append(position)
        }
        self.positions = positions
        if holdings.isEmpty && positions.isEmpty { return nil }
        if case .filled(let fill) = event.body {
            trade = (fill.instrument.name, "\(event.sequence)")
        } else {
            trade = nil
        }
        eventType = Self.eventType(of: event.body, from: old, to: new)
    }

    /// Events that the venue has no word for move funds into or out of the account, or stand for that.
    private static func eventType(of body: EventBody, from old: Account, to new: Account) -> StaticString {
        switch body {
        case .filled(let fill): fill.liquidation ? "liquidation" : "filled"
        case .funded: "funding_fee"
        case .isolatedMarginAdjusted: "adjust_margin"
        case .leverageSet: "set_leverage"
        case .interestAccrued, .marginInterestAccrued: "interest_deduction"
        case .repaid(let asset, _):
            // Interest is paid first; a repayment of nothing else is the venue's hourly deduction.
            old.holding(asset)?.borrowed == new.holding(asset)?.borrowed
                ? "interest_deduction" : "transferred"
        default: "transferred"
        }
    }
}
