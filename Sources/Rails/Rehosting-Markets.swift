import JSON
import Ledger
import Numbers
import Venue

// Trades and fundings that come to the totals of a market.

/// A quantity at a price.
struct Lot {
    let quantity: ExactDecimal
    let price: ExactDecimal

    /// Lots of a positive quantity that together cost exactly so much: one where a price of 18 places does
    /// it, else two; none where the cost is not above 0 or no price can be held.
    ///
    /// The second lot is a power of ten and no more than 1, so that what the first one leaves over always has
    /// a price.
    static func lots(quantity: ExactDecimal, cost: ExactDecimal, isSplit: Bool = false) -> [Lot] {
        do {
            let price = try cost.over(quantity, rounding: .towardZero)
            guard price.isPositive else { return [] }
            if try !isSplit && quantity.times(price, rounding: .halfEven) == cost {
                return [Lot(quantity: quantity, price: price)]
            }
            let small = try powerOfTen(below: quantity)
            let first = Lot(quantity: try quantity - small, price: price)
            let rest = try cost - first.quantity.times(price, rounding: .halfEven)
            let second = Lot(quantity: small, price: try rest.over(small, rounding: .towardZero))
            guard second.price.isPositive else { return [] }
            return [first, second]
        } catch {
            return []
        }
    }

    /// The largest power of ten from 10⁻¹⁸ to 1 that is below a number above 10⁻¹⁸.
    private static func powerOfTen(below number: ExactDecimal) throws(NumberError) -> ExactDecimal {
        var power = ExactDecimal.one.units
        while power >= number.units, power > 1 { power /= 10 }
        return try ExactDecimal(units: power)
    }
}

/// The totals of a market with its open position, and the trades that come to them.
///
/// What was earned, paid and traded before the open position was opened is one round trip of one coin. What
/// the position itself earned is a round trip of one coin beside a grain that stays, and the rest of it comes
/// in lots of the exact cost.
struct MarketHistory {
    let name: String
    let row: ReportedObject?
    /// Signed.
    let quantity: ExactDecimal
    /// Signed as the quantity.
    let cost: ExactDecimal
    let realised: ExactDecimal
    let funding: ExactDecimal
    let fees: ExactDecimal
    /// What the trades come to.
    private(set) var volume: ExactDecimal = .zero
    /// What its position holds where that is isolated; nil of a cross one.
    let held: ExactDecimal?
    private let reportedVolume: ExactDecimal
    /// Of the open position alone.
    private let ownRealised: ExactDecimal
    private let ownFunding: ExactDecimal
    private let liquidationFees: ExactDecimal
    /// Fees that no trade bears yet.
    private var unpaid: [(fee: ExactDecimal, isLiquidation: Bool)]

    /// From the row of the balances and the position, either of which may be missing.
    init(_ name: String, _ row: ReportedObject?, _ position: ReportedObject?, _ script: inout RehostingScript)
    {
        self.name = name
        self.row = row
        func number(_ field: String) -> ExactDecimal { row?[field].truncatedNumber ?? .zero }
        let size = row.map { $0["positionQuantity"].truncatedNumber } ?? position?["quantity"].truncatedNumber
        let value = row.map { $0["position"].truncatedNumber } ?? position?["value"].truncatedNumber
        if let size, let value, !size.isZero, !value.isZero {
            let isShort = size.isNegative || position?["type"].text == "SHORT"
            if position == nil, !isShort {
                script.assume("No answer tells the side of \(name); it is taken for long.")
            }
            quantity = isShort ? -size.magnitude : size
            cost = isShort ? -value.magnitude : value.magnitude
        } else {
            quantity = .zero
            cost = .zero
            if size?.isZero != true {
                script.assume("The size or the value of \(name) is no number; its position is left out.")
            }
        }
        let total = row?["positionPnl"].truncatedNumber ?? row?["pnl"].truncatedNumber
        realised = total ?? position?["realizedPnl"].truncatedNumber ?? .zero
        funding = row?["funding"].truncatedNumber ?? position?["funding"].truncatedNumber ?? .zero
        held =
            quantity.isZero || position?.isIsolated != true
            ? nil : position?["margin"].truncatedNumber ?? .zero
        ownRealised =
            quantity.isZero || held != nil ? .zero : position?["realizedPnl"].truncatedNumber ?? .zero
        if let earned = position?["realizedPnl"].truncatedNumber, held != nil, !earned.isZero {
            script.assume(
                "The isolated position in \(name) comes in whole; what it has realized is counted before it.")
        }
        ownFunding =
            quantity.isZero ? .zero : position.map { $0["funding"].truncatedNumber ?? .zero } ?? funding
        fees = number("fees")
        liquidationFees = number("liquidationFees")
        reportedVolume = number("volume")
        unpaid = []
        if let others = try? fees - liquidationFees, !others.isZero { unpaid.append((others, false)) }
        if !liquidationFees.isZero { unpaid.append((liquidationFees, true)) }
    }

    // MARK: - Before the open position

    private var pastRealised: ExactDecimal { (try? realised - ownRealised) ?? .zero }
    private var pastFunding: ExactDecimal { (try? funding - ownFunding) ?? .zero }

    /// What was traded before, as far as the open position leaves it.
    private var pastVolume: ExactDecimal {
        let own = quantity.isZero || held != nil ? boughtAfterImport : cost.magnitude
        let earned = ownRealised.isZero ? .zero : (try? churn.entry + churn.exit) ?? .zero
        return max(.zero, (try? reportedVolume - own - earned) ?? .zero)
    }

    /// What the lots of an isolated position cost that do not come in with it; 0 of a cross one.
    private var boughtAfterImport: ExactDecimal {
        let costs = try? isolatedLots.dropFirst().map {
            try $0.quantity.times($0.price, rounding: .halfEven)
        }
        return (try? costs?.sum()) ?? .zero
    }

    /// Whether anything happened before the open position was opened.
    var hasPast: Bool {
        pastVolume.isPositive || !pastRealised.isZero || !pastFunding.isZero
            || ((quantity.isZero || held != nil) && !unpaid.isEmpty)
    }

    /// One coin bought and sold again, with the funding between.
    mutating func addPast(to script: inout RehostingScript) {
        let gain = pastRealised
        let least = max(Self.grain, (try? Self.grain - gain) ?? Self.grain)
        if let apart = try? pastVolume - gain, !apart.units.isMultiple(of: 2), apart > least {
            turn(&script)
        }
        let half = try? (pastVolume - volume - gain).over(ExactDecimal(2), rounding: .towardZero)
        let entry = max(half ?? least, least)
        guard let exit = try? entry + gain else { return }
        fill(.buy, .one, entry, &script)
        fund(pastFunding, &script)
        fill(.sell, .one, exit, &script)
    }

    /// Trades of an odd volume that earn nothing: what both trades of a round trip come to is odd where its
    /// profit is. The middle one closes a half and opens another, each of which costs two units of the last
    /// place, and both together five.
    private mutating func turn(_ script: inout RehostingScript) {
        guard let half = try? ExactDecimal(units: ExactDecimal.one.units / 2),
            let even = try? ExactDecimal(units: 4), let odd = try? ExactDecimal(units: 5)
        else { return }
        fill(.buy, half, even, &script)
        fill(.sell, .one, odd, &script)
        fill(.buy, half, even, &script)
    }

    // MARK: - The open position

    /// 10⁻⁹: small beside every size and price, with room for products of two.
    private static let grain = (try? ExactDecimal(units: 1_000_000_000)) ?? .one

    /// Prices of one coin that is bought and sold again beside a grain that stays (a short the other way
    /// round), with what the position earned between them.
    private var churn: (entry: ExactDecimal, exit: ExactDecimal) {
        let gain = quantity.isNegative ? -ownRealised : ownRealised
        let least = max(.zero, -gain)
        guard let rounded = try? least.rounded(places: 9, rounding: .ceiling),
            let entry = try? rounded + Self.grain, let exit = try? entry + gain
        else { return (.one, .one) }
        return (entry, exit)
    }

    /// The position with its own profit, funding and cost.
    mutating func addPosition(leverage: ExactDecimal, to script: inout RehostingScript) {
        if let held {
            importPosition(holding: held, leverage: leverage, to: &script)
            return
        }
        let side: Side = quantity.isNegative ? .sell : .buy
        var rest = quantity.magnitude
        var restCost = cost.magnitude
        if !ownRealised.isZero, rest > Self.grain, let whole = try? .one + Self.grain,
            let kept = try? Self.grain.times(churn.entry, rounding: .halfEven),
            let less = try? rest - Self.grain, let lessCost = try? restCost - kept, lessCost.isPositive
        {
            fill(side, whole, churn.entry, &script)
            fill(side.opposite, .one, churn.exit, &script)
            (rest, restCost) = (less, lessCost)
        } else if !ownRealised.isZero {
            script.assume("The position in \(name) is too small to have earned what is said of it.")
        }
        let lots = Lot.lots(quantity: rest, cost: restCost, isSplit: unpaid.count > 1)
        if lots.isEmpty {
            script.assume("No price gives the value of \(name); its position is left out.")
        }
        for lot in lots { fill(side, lot.quantity, lot.price, &script) }
        fund(ownFunding, &script)
    }

    /// An isolated position comes in with what it holds, less what its funding and its second lot bring.
    private mutating func importPosition(
        holding held: ExactDecimal, leverage: ExactDecimal, to script: inout RehostingScript
    ) {
        let lots = isolatedLots
        guard let first = lots.first,
            let added = try? lots.dropFirst().map({
                try $0.quantity.times($0.price, rounding: .halfEven).over(leverage, rounding: .halfEven)
            }).sum(), let before = try? held - ownFunding - added
        else {
            script.assume("No price gives the value of \(name); its position is left out.")
            return
        }
        if before.isNegative {
            script.assume(
                "The isolated position in \(name) cannot hold less than it was paid; it holds more.")
        }
        let size = quantity.isNegative ? -first.quantity : first.quantity
        script.add(
            "set_margin_mode",
            [("instrument", .string(name)), ("margin_mode", .string(MarginMode.isolated.rawValue))])
        script.importPosition(
            name, size, at: first.price, marginMode: .isolated, wallet: max(.zero, before))
        for lot in lots.dropFirst() {
            fill(quantity.isNegative ? .sell : .buy, lot.quantity, lot.price, &script)
        }
        fund(ownFunding, &script)
    }

    /// The lots of an isolated position; none of a cross one.
    private var isolatedLots: [Lot] {
        held == nil ? [] : Lot.lots(quantity: quantity.magnitude, cost: cost.magnitude)
    }

    /// Says where the trades do not come to the reported volume.
    func assumeVolume(_ script: inout RehostingScript) {
        if volume == reportedVolume || row == nil { return }
        script.assume(
            "The volume of \(name) does not follow from its other figures; that of its made-up trades is "
                + "shown.")
    }

    // MARK: - Parts

    private mutating func fill(
        _ side: Side, _ quantity: ExactDecimal, _ price: ExactDecimal, _ script: inout RehostingScript
    ) {
        let fee = unpaid.isEmpty ? nil : unpaid.removeFirst()
        script.fill(
            name, side, quantity, at: price,
            [
                ("fee", fee?.fee.member), ("liquidation", fee?.isLiquidation == true ? .bool(true) : nil),
            ])
        if let value = try? quantity.times(price, rounding: .halfEven), let sum = try? volume + value {
            volume = sum
        }
    }

    private func fund(_ amount: ExactDecimal, _ script: inout RehostingScript) {
        if amount.isZero { return }
        script.add(
            "funding", [("instrument", .string(name)), ("amount", .string(amount.description))])
    }
}
