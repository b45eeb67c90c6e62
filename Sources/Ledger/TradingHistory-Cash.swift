import JSON
import Numbers

/// What one event did to the cash of an account in one asset, or to the margin of one of its positions.
public struct CashChange: Sendable, Equatable {
    /// The sequence of the event.
    public let sequence: Int64
    /// Which of the event's changes it is; the first is 0.
    public let part: Int
    /// The ledger time of the event.
    public let at: LedgerTime
    /// What the event says.
    public let body: EventBody
    /// The asset whose cash or margin changed.
    public let asset: String
    /// What the cash changed by, in the asset: positive when received, negative when paid.
    public let amount: ExactDecimal
    /// The cash after the change, in the asset.
    public let balance: ExactDecimal
    /// What moved into the isolated position's margin (positive) or out of it, in the asset; zero for none.
    public let marginChange: ExactDecimal
    /// The isolated position's margin after the change, in the asset.
    public let marginBalance: ExactDecimal
    /// Profit that a trade realized, before fees; negative for a loss, zero for what is no trade.
    public let realised: ExactDecimal
    /// The order that the trade filled; nil for none.
    public let order: OpenOrder?

    /// The trade that it was; nil where it was none.
    public var fill: Fill? { if case .filled(let fill) = body { fill } else { nil } }

    /// The position that it is of; nil for none.
    public var position: PositionKey? {
        switch body {
        case .filled(let fill):
            fill.instrument.kind.isDerivative || fill.marginAsset != nil ? fill.position : nil
        case .funded(let key, _, _), .isolatedMarginAdjusted(let key, _), .marginInterestAccrued(let key, _):
            key
        default: nil
        }
    }

    /// The instrument that it is of; nil for none.
    public var instrument: Instrument? { fill?.instrument ?? position?.instrument }

    /// The margin mode of the position that it is of; nil for none.
    public var marginMode: MarginMode? { position?.marginMode }
}

/// A position that was closed.
public struct ClosedPosition: Sendable, Equatable {
    /// The position before the trade that closed it, with what that trade realized and cost added.
    public internal(set) var position: Position
    /// The ledger time at which it was closed.
    public let closedAt: LedgerTime
    /// All that was closed of it, in the venue's unit; above zero.
    public let quantity: ExactDecimal
    /// Σ quantity × price of what was closed.
    let value: ExactDecimal
    /// The largest quantity that it had, in the venue's unit; above zero.
    public let largest: ExactDecimal
    /// Whether the venue forced the last trade.
    public let isLiquidation: Bool

    /// The average price at which it was closed: Σ quantity × price ÷ Σ quantity, half even to 18 places.
    public var averagePrice: ExactDecimal {
        get throws(NumberError) { try value.over(quantity, rounding: .halfEven) }
    }
}

extension TradingHistory {
    /// What is known of a position that is open: what was closed of it, and the most that it was.
    struct Closing: Sendable {
        var quantity = ExactDecimal.zero
        var value = ExactDecimal.zero
        var largest = ExactDecimal.zero
    }

    mutating func noteCash(_ event: Event, _ before: Account, _ after: Account) throws(NumberError) {
        let kept = CashChange(
            sequence: event.sequence, part: 0, at: event.at, body: event.body, asset: "", amount: .zero,
            balance: .zero, marginChange: .zero, marginBalance: .zero, realised: .zero, order: nil)
        let key = kept.position
        let isolated = key.flatMap { $0.marginMode == .isolated ? $0 : nil }
        func margin(_ account: Account) -> ExactDecimal {
            isolated.flatMap { account.place(of: $0) }.map { account.positions[$0].isolatedWallet } ?? .zero
        }
        let moved = try margin(after) - margin(before)
        // A pair's margin may be of either of its assets.
        let marginAsset = isolated.map { key in
            [after, before].lazy.compactMap { account in
                account.place(of: key).map { account.positions[$0].settlementAsset }
            }.first ?? key.instrument.settle
        }
        var realised = ExactDecimal.zero
        if let name = kept.fill?.instrument.name {
            realised =
                try (after.activity(name)?.realised ?? .zero) - (before.activity(name)?.realised ?? .zero)
        }
        var part = 0
        for holding in after.holdings {
            let amount = try holding.cash - before.cash(holding.asset)
            let hasMargin = holding.asset == marginAsset && !moved.isZero
            if amount.isZero && !hasMargin { continue }
            cashChanges.append(
                CashChange(
                    sequence: event.sequence, part: part, at: event.at, body: event.body,
                    asset: holding.asset, amount: amount, balance: holding.cash,
                    marginChange: hasMargin ? moved : .zero,
                    marginBalance: hasMargin ? margin(after) : .zero, realised: realised,
                    order: kept.fill?.orderID.flatMap { before.order(.id($0)) }))
            part += 1
        }
        trim(.cashChanges, \.cashChanges) { ($0.at, $0.sequence) }
    }

    mutating func noteInterest(_ event: Event, _ before: Account) throws(NumberError) {
        let (asset, amount, liability, key): (String, ExactDecimal, ExactDecimal, PositionKey?)
        switch event.body {
        case .interestAccrued(let name, let charged):
            let holding = before.holding(name)
            let owed = try (holding?.borrowed ?? .zero) + (holding?.interest ?? .zero)
            // A loan is owed whatever cash there is; without one only what is lacking.
            let floor = holding?.borrowed.isPositive == true ? owed : .zero
            (asset, amount, liability, key) = (name, charged, max(floor, try owed - before.cash(name)), nil)
        case .marginInterestAccrued(let position, let charged):
            guard let place = before.place(of: position), let owed = before.positions[place].liability else {
                return
            }
            (asset, amount, liability, key) = (owed.asset, charged, owed.amount, position)
        default: return
        }
        interest.append(
            InterestRecord(
                sequence: event.sequence, at: event.at, asset: asset, amount: amount, liability: liability,
                position: key))
        trim(.interest, \.interest) { ($0.at, $0.sequence) }
    }

    mutating func noteClosing(
        _ fill: Fill, _ event: Event, _ before: Account, _ after: Account
    ) throws(NumberError) {
        guard fill.instrument.kind.isDerivative else { return }
        let name = "\(fill.instrument.name) \(fill.positionSide) \(fill.marginMode)"
        let held = before.place(of: fill.position).map { before.positions[$0] }
        let left = after.place(of: fill.position).map { after.positions[$0] }
        if let held, held.isLong != (fill.side == .buy) {
            var closing = closings[name] ?? Closing()
            let closed = min(fill.quantity, held.quantity.magnitude)
            closing.quantity = try closing.quantity + closed
            closing.value = try closing.value + closed.times(fill.price, rounding: .halfEven)
            closing.largest = max(closing.largest, held.quantity.magnitude)
            if left == nil || left?.isLong != held.isLong {
                var position = held
                let whole = after.activity(fill.instrument.name)?.realised ?? .zero
                position.realised =
                    try position.realised + whole
                    - (before.activity(fill.instrument.name)?.realised ?? .zero)
                position.fees =
                    try position.fees
                    + fill.fee.times(closed, over: fill.quantity, rounding: .halfEven)
                closedPositions.append(
                    ClosedPosition(
                        position: position, closedAt: event.at, quantity: closing.quantity,
                        value: closing.value, largest: closing.largest, isLiquidation: fill.liquidation))
                closing = Closing()
                trim(.closedPositions, \.closedPositions) { ($0.closedAt, event.sequence) }
            }
            closings[name] = closing
        }
        if let left {
            closings[name, default: Closing()].largest = max(
                closings[name]?.largest ?? .zero, left.quantity.magnitude)
        }
    }
}
