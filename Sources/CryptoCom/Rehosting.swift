import JSON
import Ledger
import Numbers
import Venue

// The commands that put a reported account into a ledger, so that its answer shows the same figures.

extension CryptoComVenue {
    /// `open_account`, the prices that the answers imply, money, the session's profit, positions with what
    /// was settled, reserves, open orders, and fields that only the venue decides.
    public func rehosted(_ statement: Statement, as account: String) -> RehostedAccount {
        guard let answers = ReportedAccount(statement) else {
            return RehostingScript.unreadable
        }
        let rules = rules(at: LedgerTime(milliseconds: statement.takenAt))
        var rehosting = AccountRehosting(answers, rules: rules, account: account)
        rehosting.open()
        rehosting.bringMoney()
        rehosting.earnSessionProfit()
        rehosting.putPositions()
        rehosting.setPrices()
        rehosting.reserve()
        rehosting.placeOrders()
        rehosting.overrideFields()
        return rehosting.script.rehosted
    }
}

/// Puts the commands together.
private struct AccountRehosting {
    private let answers: ReportedAccount
    private let rules: CryptoComRules
    /// With what is left of them.
    private let orders: [OpenOrder]
    /// Of each of them, the client's id and the venue's.
    private let orderIDs: [[String]]
    /// The same as the audit takes them; nil where they are not answered.
    private let knownOrders: ReportedOrders?
    private var positions: [(position: RehostedPosition, row: ReportedObject)] = []
    /// The contract that the session's profit is made in: one without a position.
    private let spare: String?
    private(set) var script: RehostingScript

    init(_ answers: ReportedAccount, rules: CryptoComRules, account: String) {
        self.answers = answers
        self.rules = rules
        script = RehostingScript(account: account)
        var orders: [OpenOrder] = []
        var orderIDs: [[String]] = []
        for row in answers.orders ?? [] {
            if let order = row.openOrder(rules, tellsIsolated: true), order.price.isPositive {
                orders.append(order)
                orderIDs.append(["client_oid", "order_id"].map { row[$0].text })
            } else {
                script.assume(
                    "An order of \(row.name) has no size or limit price, or is not in the rulebook; it is "
                        + "left out.")
            }
        }
        self.orders = orders
        self.orderIDs = orderIDs
        knownOrders = answers.orders.map { ReportedOrders(readable: $0, rules) }
        spare =
            rules.instruments.map(\.terms).first { terms in
                terms.kind.isDerivative && !(answers.positions ?? []).contains { $0.name == terms.name }
            }?.name
        for row in answers.positions ?? [] {
            if rules.instrument(row.name)?.terms.kind.isDerivative == true, let known = RehostedPosition(row)
            {
                positions.append((known, row))
            } else if row["quantity"].truncatedNumber?.isZero != true {
                script.assume(
                    "The position in \(row.name) has no size or cost that is a number, or is not in the "
                        + "rulebook; it is left out.")
            }
        }
    }

    mutating func open() {
        script.open(at: CryptoComVenue.name, settings())
        if answers.account["account"] != .absent {
            script.assume("The sub-account comes in as an account of its own, without a family.")
        }
        let hasSize = answers.account["total_position_cost"].truncatedNumber?.isPositive == true
        if answers.positions == nil, hasSize {
            script.assume("Positions are not in the answers; they and their margins are missing.")
        }
    }

    private mutating func settings() -> [(key: String, value: JSONValue)] {
        guard let fields = answers.account.value.members, fields.count > 0 else {
            return [("empty_data", .bool(true))]
        }
        let limit = answers.account["position_limit"].truncatedNumber
        guard answers.isLive else {
            if let limit, limit.isPositive { return [("position_limit", .string(limit.description))] }
            return []
        }
        guard let leverage = maximumLeverage(limit) else {
            script.assume("No figure implies the highest leverage of the account; the default is used.")
            return []
        }
        return [("max_leverage", .string(leverage.description))]
    }

    /// The shortest leverage that makes the position limit out of the margin balance.
    private func maximumLeverage(_ limit: ExactDecimal?) -> ExactDecimal? {
        guard let limit, limit.isPositive,
            let margin = answers.account["total_margin_balance"].truncatedNumber,
            margin.isPositive, let ratio = try? limit.over(margin, rounding: .halfEven)
        else { return nil }
        return ratio.shortest { leverage in
            // The margin balance is cut at the eighth place before it is shown, and so is the limit.
            guard leverage.isPositive, let made = try? leverage.times(margin, rounding: .halfEven),
                let most = try? (leverage + .one).times(Self.lastPlace, rounding: .ceiling),
                let difference = try? (limit - made).magnitude
            else { return false }
            return difference <= most
        }
    }

    /// The last digit that amounts are shown with.
    private static let lastPlace = (try? ExactDecimal(units: 10_000_000_000)) ?? .zero

    // MARK: - Money

    mutating func bringMoney() {
        // What is made again by trades and settlements must not be in the deposit too.
        var made = spare == nil ? .zero : sessionProfit
        for position in positions.map(\.position) where isSettledHere(position) && !position.isIsolated {
            made = (try? made + position.settledGain) ?? made
        }
        for row in answers.rows {
            let held = script.holding(
                of: row.name, isKnown: rules.asset(row.name) != nil, row["quantity"], called: "quantity")
            guard let quantity = held else { continue }
            let isUSD = row.name == CryptoComRules.usd
            let amount = isUSD ? (try? quantity - made) ?? quantity : quantity
            if amount.isZero {
                // Rows stand in the order of their first appearance, so that this one has to appear.
                script.addMoney(row.name, .one)
                script.addMoney(row.name, -.one)
            } else {
                script.addMoney(row.name, amount)
            }
        }
        if !answers.rows.contains(where: { $0.name == CryptoComRules.usd }) {
            script.addMoney(CryptoComRules.usd, -made)
        }
        script.assume(
            "Realized profits, fees and funding are in the balances, so that each comes in as one deposit; "
                + "when it was made is not known.")
    }

    private var sessionProfit: ExactDecimal {
        answers.account["total_session_realized_pnl"].truncatedNumber ?? .zero
    }

    /// One unit bought and sold again, with the session's profit between.
    mutating func earnSessionProfit() {
        let profit = sessionProfit
        if profit.isZero { return }
        guard let spare, let least = try? ExactDecimal.one + max(.zero, -profit),
            let exit = try? least + profit
        else {
            script.assume("The session's realized profit comes in as money; there is no trade to make it.")
            return
        }
        script.fill(spare, .buy, .one, at: least)
        script.fill(spare, .sell, .one, at: exit)
        script.assume("The session's realized profit is made by a trade in \(spare) that never was.")
    }

    // MARK: - Positions

    /// Whether the settlement can be made again: it is one of all positions in the instrument.
    private func isSettledHere(_ position: RehostedPosition) -> Bool {
        position.isSettled && positions.filter { $0.position.instrument == position.instrument }.count == 1
    }

    mutating func putPositions() {
        for (position, row) in positions {
            let isSettled = isSettledHere(position)
            if position.isSettled && !isSettled {
                script.assume(
                    "\(position.instrument) has several positions; what was settled of them is not told "
                        + "apart, and their opening costs are those of the session.")
            }
            let entry = isSettled ? position.openingPrice : position.sessionPrice
            let isolation = position.isIsolated ? isolation(of: position, row, isSettled) : nil
            script.importPosition(
                position.instrument, position.quantity, at: entry,
                marginMode: position.isIsolated ? .isolated : nil, wallet: isolation?.wallet,
                leverage: isolation?.leverage)
            guard isSettled else { continue }
            script.addPrices(
                of: CryptoComVenue.name, marks: [(position.instrument, position.sessionPrice)], index: [])
            script.add("settle", [("instrument", .string(position.instrument))])
            script.assume("What was settled since positions were opened comes in as one settlement each.")
        }
        let known = answers.isolated.filter { answers.position(of: $0) != nil }
        if known.count < answers.isolated.count {
            script.assume("An isolated margin account has no position in the answers; it is left out.")
        }
        if !positions.isEmpty {
            script.assume(
                "An entry price is the shortest that makes the cost out of the quantity; margins follow from "
                    + "the rulebook's rates.")
        }
    }

    private mutating func isolation(
        of position: RehostedPosition, _ row: ReportedObject, _ isSettled: Bool
    ) -> (wallet: ExactDecimal, leverage: ExactDecimal?)? {
        guard let account = answers.marginAccount(of: row),
            let cash = account.rows("position_balances").first?["quantity"].truncatedNumber
                ?? account["total_cash_balance"].truncatedNumber
        else {
            script.assume(
                "No answer tells the cash of the isolated position in \(position.instrument); its notional "
                    + "at entry ÷ leverage is used.")
            return nil
        }
        let wallet = isSettled ? (try? cash - position.settledGain) ?? cash : cash
        if wallet.isNegative {
            script.assume("The isolated position in \(position.instrument) had less than nothing; 0 is used.")
        }
        let most = rules.instrument(position.instrument).map { rules.maximumLeverage(of: $0.terms) }
        let leverage = account["leverage"].truncatedNumber.flatMap { leverage in
            leverage >= .one && leverage <= most ?? .one ? leverage : nil
        }
        if leverage == nil {
            script.assume(
                "The leverage of \(position.instrument) is none that can be set; the default is used.")
        }
        return (max(.zero, wallet), leverage)
    }

    // MARK: - Prices

    mutating func setPrices() {
        var marks: [(name: String, price: ExactDecimal)] = []
        /// Contracts whose mark no answer tells.
        var untold: [String] = []
        let held = positions.map(\.position)
        for name in held.map(\.instrument) + orders.filter(\.isOfContract).map(\.instrument.name) {
            if marks.contains(where: { $0.name == name }) || untold.contains(name) { continue }
            if let mark = held.mark(of: name) {
                marks.append((name, mark))
            } else {
                untold.append(name)
            }
        }
        var index: [(name: String, price: ExactDecimal)] = []
        // What is bought counts at its price in the exposure, what is sold is held.
        let ordered = orders.filter { !$0.isOfContract }.map(\.instrument.base)
        for name in answers.rows.map(\.name) + ordered
        where name != CryptoComRules.usd && rules.asset(name) != nil {
            if index.contains(where: { $0.name == name }) { continue }
            if let price = answers.rows.first(where: { $0.name == name }).flatMap(price) {
                index.append((name, price))
            } else {
                script.assume("No answer tells the USD price of \(name); the rulebook's is used.")
            }
        }
        for name in untold {
            let ordered = OrderedContract(
                name: name, answers: answers, positions: held, orders: orders, marks: marks, index: index)
            if untold.count == 1, let mark = ordered.mark(rules) {
                marks.append((name, mark))
                script.assume(
                    "No answer tells the mark price of \(name); it is the one that used_position_limit "
                        + "implies.")
            } else {
                script.assume(
                    "No answer tells the mark price of \(name); the index price in force is used.")
            }
        }
        script.addPrices(of: CryptoComVenue.name, marks: marks, index: index)
        script.assume(
            "Mark and index prices hold for every account of the venue in the ledger; each is the shortest "
                + "that makes the value out of the quantity.")
        if answers.isLive {
            script.assume(
                "The venue computes in binary floating point; the eighth place of sums may differ by one.")
        }
    }

    /// The shortest price that makes the market value out of what no order holds.
    private func price(of row: ReportedObject) -> ExactDecimal? {
        guard let quantity = row["quantity"].truncatedNumber, let value = row["market_value"].truncatedNumber
        else {
            return nil
        }
        let held = held(row)
        guard let free = try? quantity - held, !free.isZero,
            let price = try? value.over(free, rounding: .halfEven), price.isPositive
        else { return nil }
        // Some answers show the value with all of its digits.
        let isCut = value.fractionDigits <= 8
        return price.shortest { candidate in
            guard candidate.isPositive,
                let made = try? (ExactFraction(quantity) - ExactFraction(held)).times(candidate)
            else { return false }
            return isCut ? (try? PrintForm.cut(8).print(made)) == value : made == ExactFraction(value)
        } ?? price
    }

    /// What of a row's quantity its value leaves out.
    private func held(_ row: ReportedObject) -> ExactDecimal {
        answers.held(row, knownOrders, rules)
    }

    // MARK: - Reserves and orders

    mutating func reserve() {
        for row in answers.rows where rules.asset(row.name) != nil {
            guard let quantity = row["quantity"].truncatedNumber, let reserved = reserved(row, quantity),
                reserved.isPositive
            else { continue }
            let most = max(.zero, min(reserved, quantity))
            if most != reserved {
                script.assume("More of \(row.name) is reserved than there is; what there is is reserved.")
            }
            guard most.isPositive else { continue }
            script.add(
                "reserve",
                [
                    ("asset", .string(row.name)), ("amount", .string(most.description)),
                    ("purpose", .string(Purpose.reserved)),
                ])
        }
    }

    /// What is reserved beyond what open sell orders offer.
    private mutating func reserved(_ row: ReportedObject, _ quantity: ExactDecimal) -> ExactDecimal? {
        if let reserved = row["reserved_qty"].truncatedNumber {
            guard let knownOrders else { return reserved }
            let shown = answers.lockInReserved(row, knownOrders, rules)
            return try? reserved - shown - knownOrders.offered(of: row.name)
        }
        guard let free = row["max_withdrawal_balance"].truncatedNumber, let rest = try? quantity - free,
            rest.cut(places: 8).isPositive
        else { return nil }
        script.assume("What of a balance cannot be withdrawn is taken for reserved.")
        return rest
    }

    mutating func placeOrders() {
        if answers.orders == nil { holdFunds() }
        // Newest first in the answer; placed in the order in which they were.
        for (order, ids) in zip(orders, orderIDs).reversed() {
            let name = order.instrument.name
            let isIsolated = order.marginMode == .isolated
            if !isIsolated, positions.contains(where: { $0.row.name == name && $0.row.isIsolated }) {
                script.assume("An order of \(name) names no isolated position; it is taken for cross.")
            }
            if order.remaining < order.quantity {
                script.assume("Open orders come in with what is left of them.")
            }
            script.placeOrder(
                ids, name, order.side, order.remaining, at: order.price,
                reduces: order.isOfContract && order.reduceOnly, marginMode: isIsolated ? .isolated : nil)
        }
    }

    /// What buy orders hold that no answer lists: one order of each asset for all of it.
    private mutating func holdFunds() {
        if answers.rows.contains(where: { $0["reserved_qty"].truncatedNumber?.isPositive == true }) {
            script.assume("Open orders are not in the answers; what orders hold is reserved.")
        }
        for row in answers.rows where !answers.lock(of: row).isZero {
            let pair = rules.instruments.map(\.terms).first { $0.kind == .spot && $0.quote == row.name }
            guard let pair else {
                script.assume("Nothing is bought with \(row.name) here; what orders hold of it is free.")
                continue
            }
            script.assume("Open orders are not in the answers; what they hold is one order of \(pair.name).")
            script.placeOrder(["held-\(row.name)"], pair.name, .buy, .one, at: answers.lock(of: row))
        }
    }

    // MARK: - Raised fields

    /// Fields that are not what the rulebook or the other figures make of them.
    mutating func overrideFields() {
        for row in answers.rows where rules.asset(row.name) != nil { overrideFields(of: row) }
        let account = answers.account
        if let reported = account.value["is_liquidating"]?.boolean,
            let margin = account["total_margin_balance"].truncatedNumber,
            let maintenance = account["total_maintenance_margin"].truncatedNumber,
            reported != (margin < maintenance)
        {
            setOverride(.isLiquidating, .bool(reported))
        }
        if let reported = account.value["has_risk"]?.boolean, reported == positions.isEmpty {
            setOverride(.hasRisk, .bool(reported))
        }
        let isBare =
            orders.isEmpty && positions.isEmpty && answers.rows.allSatisfy { $0.isCollateral == true }
        if let reported = account.value["terminatable"]?.boolean, reported != isBare {
            setOverride(.terminatable, .bool(reported))
        }
        if !answers.isLive, account["position_limit"].truncatedNumber?.isZero == true {
            setOverride(.positionLimit, .string("0"))
        }
    }

    private mutating func overrideFields(of row: ReportedObject) {
        guard let rule = rules.asset(row.name) else { return }
        let isCollateral = row.isCollateral ?? rule.isCollateral
        if isCollateral != rule.isCollateral {
            setOverride(.collateralEligible, .bool(isCollateral), row.name)
        }
        guard let quantity = row["quantity"].truncatedNumber, let free = try? quantity - held(row) else {
            return
        }
        let rate = try? Figures.haircutRate(
            of: ExactFraction(free), least: ExactFraction(rule.minimumHaircut),
            growth: ExactFraction(rule.haircutRatePerUnit ?? .zero)
        ).decimal
        if let haircut = row["haircut"].truncatedNumber, haircut != (isCollateral ? rate : .zero) {
            setOverride(.haircut, .string(haircut.description), row.name)
        }
        let interest = quantity.isNegative ? rule.hourlyInterestRate : .zero
        if let reported = row["hourly_interest_rate"].truncatedNumber, reported != interest {
            setOverride(.hourlyInterestRate, .string(reported.description), row.name)
        }
    }

    private mutating func setOverride(_ field: OverridableField, _ value: JSONValue, _ asset: String? = nil) {
        guard field.form.admits(value) else {
            script.assume("\(field.rawValue) holds what cannot be raised; it follows the rulebook.")
            return
        }
        script.raise(field.rawValue, of: asset, to: value)
        script.assume("Fields that are not as the rulebook has them are raised by hand and stand still.")
    }
}

extension OpenOrder {
    fileprivate var isOfContract: Bool { instrument.kind.isDerivative }
}
