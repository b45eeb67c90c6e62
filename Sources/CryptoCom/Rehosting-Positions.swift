import JSON
import Ledger
import Numbers
import Venue

// Entry and mark prices that reported positions follow from.

/// A position as it can be put into a ledger.
struct RehostedPosition {
    let instrument: String
    /// Signed.
    let quantity: ExactDecimal
    /// Shown cost since the last settlement: |quantity| × it.
    let sessionPrice: ExactDecimal
    /// Shown cost since opening: |quantity| × it; as `sessionPrice` where no session was settled.
    let openingPrice: ExactDecimal
    let isIsolated: Bool
    /// Shown profit since the last settlement; nil where no answer tells.
    let profit: ExactDecimal?

    /// Nil where the answer gives no size or no cost.
    init?(_ row: ReportedObject) {
        guard let quantity = row["quantity"].truncatedNumber, !quantity.isZero,
            let price = Self.price(of: row["cost"].truncatedNumber, quantity)
        else { return nil }
        instrument = row.name
        self.quantity = quantity
        sessionPrice = price
        let opening = row["open_pos_cost"].truncatedNumber
        openingPrice =
            opening == row["cost"].truncatedNumber ? price : Self.price(of: opening, quantity) ?? price
        isIsolated = row.isIsolated
        profit = row["session_pnl"].truncatedNumber
    }

    /// The price with the fewest places that the cost, as shown, follows from.
    private static func price(of cost: ExactDecimal?, _ quantity: ExactDecimal) -> ExactDecimal? {
        guard let cost = cost?.magnitude, let price = try? cost.over(quantity.magnitude, rounding: .halfEven),
            price.isPositive
        else { return nil }
        return price.shortest { candidate in
            guard candidate.isPositive,
                let made = try? quantity.magnitude.times(candidate, rounding: .halfEven)
            else { return false }
            return Figures.shownAmount(made) == Figures.shownAmount(cost)
        } ?? price
    }

    /// Whether a session was settled since it was opened.
    var isSettled: Bool { sessionPrice != openingPrice }

    /// What settlements have moved out of the position, unrounded.
    var settledGain: ExactDecimal {
        let cost = try? quantity.times(sessionPrice, rounding: .halfEven)
        let opening = try? quantity.times(openingPrice, rounding: .halfEven)
        guard let cost, let opening else { return .zero }
        return (try? cost - opening) ?? .zero
    }

    /// Whether the profit, as shown, follows from a mark price; true where no profit is told.
    func fits(_ mark: ExactDecimal) -> Bool {
        guard let profit else { return true }
        guard mark.isPositive, let value = try? quantity.times(mark, rounding: .halfEven),
            let cost = try? quantity.times(sessionPrice, rounding: .halfEven), let made = try? value - cost
        else { return false }
        return Figures.shownAmount(made) == Figures.shownAmount(profit)
    }

    /// The mark price with the fewest places that the profit, as shown, follows from; nil where no profit is
    /// told.
    var mark: ExactDecimal? {
        guard let implied = impliedMark, implied.isPositive else { return nil }
        return implied.shortest(where: fits) ?? implied
    }

    /// The mark price that the profit comes from, to 18 places; nil where no profit is told.
    var impliedMark: ExactDecimal? {
        guard let profit else { return nil }
        return try? sessionPrice + profit.over(quantity, rounding: .halfEven)
    }
}

extension [RehostedPosition] {
    /// The mark price with the fewest places that all profits in an instrument follow from, else the one that
    /// the largest position implies; nil where no answer tells.
    func mark(of instrument: String) -> ExactDecimal? {
        let rows = filter { $0.instrument == instrument && $0.profit != nil }
        let largest = rows.max { $0.quantity.magnitude < $1.quantity.magnitude }
        guard let implied = largest?.impliedMark, implied.isPositive else { return nil }
        return implied.shortest { mark in rows.allSatisfy { $0.fits(mark) } } ?? implied
    }
}

/// A contract that has open orders and no position, so that no profit tells its mark: what the orders add to
/// the used limit does.
struct OrderedContract {
    let name: String
    let answers: ReportedAccount
    let positions: [RehostedPosition]
    let orders: [OpenOrder]
    /// The marks of all other contracts.
    let marks: [(name: String, price: ExactDecimal)]
    let index: [(name: String, price: ExactDecimal)]

    /// The mark with the fewest places under which positions and orders use what is reported; nil where none
    /// does, or they use the same whatever it is.
    func mark(_ rules: CryptoComRules) -> ExactDecimal? {
        let used =
            answers.isLive
            ? Inference.restOfUsedLimit(answers) : answers.account["used_position_limit"].truncatedNumber
        let price = orders.first { $0.instrument.name == name }?.price
        guard let used, let price, !positions.contains(where: { $0.instrument == name }) else { return nil }
        // What holdings use in the live form is cut at the eighth place, row by row.
        let most = Inference.units(answers.isLive ? 1 + answers.rows.count : 1)
        func fits(_ mark: ExactDecimal) -> Bool {
            guard mark.isPositive, let made = try? exposure(at: mark, rules),
                let apart = try? ExactFraction(used) - made
            else { return false }
            return (answers.isLive ? apart.magnitude : apart) < ExactFraction(most)
                && (answers.isLive || !apart.isNegative)
        }
        // A straight line as long as no order is netted by something else.
        guard let one = try? exposure(at: price, rules),
            let two = try? exposure(at: price + price, rules),
            let slope = try? two - one, !slope.isZero,
            let found = try?
                (ExactFraction(price) + (ExactFraction(used) - one) * ExactFraction(price) / slope)
                .rounded(places: ExactDecimal.places, rounding: .halfEven), found.isPositive
        else { return nil }
        let mark = found.shortest(where: fits)
        return mark ?? (fits(found) ? found : nil)
    }

    /// What positions and orders use of the limit.
    private func exposure(at price: ExactDecimal, _ rules: CryptoComRules) throws -> ExactFraction {
        let figures = AccountFigures(AccountMode(profile: answers.isLive ? .live : .documented))
        func mark(of instrument: Instrument) throws -> MarkFigures {
            let known = figures.marks.first { $0.instrument.name == instrument.name }
            if let known { return known }
            let given = instrument.name == name ? price : marks.first { $0.name == instrument.name }?.price
            guard let given else { throw FigureError.priceMissing(instrument.name) }
            let mark = MarkFigures(instrument, givenAt: nil, in: figures.book, isGiven: true)
            mark.give(.given, given)
            return mark
        }
        for held in positions {
            guard let instrument = rules.instrument(held.instrument)?.terms else { continue }
            let position = Position(
                instrument: instrument, side: .net, marginMode: held.isIsolated ? .isolated : .cross,
                quantity: held.quantity, cost: .zero, openedAt: LedgerTime(milliseconds: 0))
            try figures.add(
                PositionFigures(position, mark(of: instrument)), held.isIsolated ? .isolated : .underlying,
                nil, rules)
        }
        for order in orders where !order.reduceOnly {
            if order.instrument.kind.isDerivative {
                try figures.add(
                    OrderFigures(order, mark(of: order.instrument), .reference, in: figures.book),
                    of: order.instrument, order.marginMode == .isolated ? .isolated : .underlying, nil, rules)
            } else {
                let spot = OrderFigures(order, nil, .reference, in: figures.book)
                if spot.isSpotSale {
                    guard let price = index.first(where: { $0.name == order.instrument.base })?.price else {
                        throw FigureError.priceMissing(order.instrument.base)
                    }
                    spot.give(.indexPrice, price)
                }
                figures.add(spot)
            }
        }
        return try figures[.exposure]
    }
}
