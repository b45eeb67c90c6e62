import Ledger
import Numbers
import Venue

/// The rows of `position_balances`.
extension AccountAudit {
    mutating func check(row: ReportedObject) {
        checkValue(of: row)
        checkHaircut(of: row)
        checkCollateral(of: row)
        checkWithdrawal(of: row)
        checkReserved(of: row)
    }

    private mutating func checkValue(of row: ReportedObject) {
        let formula = "(quantity − what open orders hold) × price"
        guard row.name == CryptoComRules.usd else {
            skip(row, "market_value", formula, "No answer holds the price.", source: Source.recordings)
            return
        }
        // What the value itself lacks proves nothing about it.
        let held = orders == nil ? reported.shownReserved(row) : reported.held(row, orders, rules)
        hold(
            row, "market_value", formula,
            [row.input("quantity"), AuditInput(rule: "price of USD", .one)]
                + (held.isZero ? [] : [AuditInput(rule: "held by open orders", held)]),
            source: Source.recordings,
            orders == nil ? .hidden("What open buy orders hold is not shown.", above: .zero) : acrossAnswers
        ) {
            guard let quantity = $0[0].decimal else { return nil }
            return try Figures.shownAmount(
                Figures.marketValue(quantity: quantity, held: ExactFraction(held), price: .one))
        }
    }

    private mutating func checkHaircut(of row: ReportedObject) {
        guard let isCollateral = row.isCollateral else { return }
        guard isCollateral else {
            hold(row, "haircut", "0: the token is no collateral", [], source: Source.recordings, units: 0) {
                _ in .zero
            }
            return
        }
        let formula = "minimum_haircut of the token; none for a debt"
        guard let rule = rules.asset(row.name) else {
            skip(row, "haircut", formula, "The rulebook does not know the token.", source: Source.risk)
            return
        }
        // What open orders hold can turn a row's value around, and what counts is what they leave.
        let sign = row["market_value"].cutNumber?.isNegative == true ? "market_value" : "quantity"
        hold(
            row, "haircut", formula,
            [row.input(sign), AuditInput(rule: "minimum_haircut of \(row.name)", rule.minimumHaircut)],
            source: Source.risk, units: 0,
            .estimate("It is not the rulebook's; the venue's own table may have changed.")
        ) {
            try Figures.haircutRate(
                minimum: rule.minimumHaircut, ratePerUnit: rule.haircutRatePerUnit, quantity: $0[0])
        }
    }

    private mutating func checkCollateral(of row: ReportedObject) {
        let field = "collateral_amount"
        let cap = rules.asset(row.name)?.collateralCap
        guard let isCollateral = row.isCollateral else {
            skip(row, field, "market_value minus haircut", "Whether it is collateral cannot be read.")
            return
        }
        guard isCollateral || row["market_value"].cutNumber?.isNegative == true else {
            hold(row, field, "0: the token is no collateral", [], source: Source.recordings, units: 0) {
                _ in .zero
            }
            return
        }
        let isCapped = cap.map { $0 < (row["market_value"].cutNumber ?? .zero) } ?? false
        hold(
            row, field, "market_value × (1 − haircut); a debt in full",
            [amount("market_value", of: row), row.input("haircut")], source: Source.recordings,
            isCapped
                ? .estimate("It is above the rulebook's cap, and the venue's own may be another.")
                : row["market_value"].cutNumber?.isNegative == true
                    ? .estimate("How a debt is shown is not published.") : .contradicts,
            remark: isAbsolute(row) ? Self.absoluteHaircut : ""
        ) {
            guard let rate = $0[1].decimal else { return nil }
            return try Figures.shownAmount(
                Figures.collateralAmount(
                    countedValue: Figures.countedValue(
                        marketValue: $0[0], isCollateral: isCollateral, cap: cap), rate: rate))
        }
    }

    private static let absoluteHaircut =
        "It is market_value − haircut, as if the haircut were an amount and not a rate."

    /// Whether a row's haircut was taken off as an amount, and not as the rate that would come to the same.
    private func isAbsolute(_ row: ReportedObject) -> Bool {
        guard let value = row["market_value"].cutNumber, let haircut = row["haircut"].cutNumber,
            let rest = try? value - haircut,
            let byRate = try? Figures.collateralAmount(countedValue: ExactFraction(value), rate: haircut)
        else { return false }
        return rest == row["collateral_amount"].cutNumber && ExactFraction(rest) != byRate
    }

    /// Recorded with a position once; elsewhere the venue may hold back more with one.
    private mutating func checkWithdrawal(of row: ReportedObject) {
        var unknown: [String] = []
        var inputs = [row.input("quantity")]
        let hasReserved = row["reserved_qty"] != .absent
        if hasReserved { inputs.append(row.input("reserved_qty")) } else { unknown.append("reserved funds") }
        let isUSD = row.name == CryptoComRules.usd
        if isUSD, orders == nil { inputs.append(amount("market_value", of: row)) }
        var locked = ExactDecimal.zero
        if let orders {
            locked = reported.lockOutsideReserved(row, orders, rules)
            if !locked.isZero { inputs.append(AuditInput(rule: "held by open buy orders", locked)) }
        } else if !isUSD {
            unknown.append("what open buy orders hold")
        }
        if reported.account["total_position_im"].cutNumber?.isZero != true {
            unknown.append("what positions need")
        }
        let difference: FigureCheck.Difference =
            unknown.isEmpty
            ? orders == nil ? .contradicts : acrossAnswers
            : .hidden("Not shown: \(unknown.joined(separator: ", ")).", above: .zero)
        let leavesOut = reported.leavesOutReserved(row)
        let isShownByValue = isUSD && orders == nil
        hold(
            row, "max_withdrawal_balance",
            "quantity − reserved_qty − what open buy orders hold, at least 0", inputs,
            source: Source.recordings, difference
        ) { numbers in
            guard let quantity = numbers[0].decimal else { return nil }
            let reserved = hasReserved ? numbers[1].decimal ?? .zero : .zero
            var outside = ExactFraction(locked)
            if isShownByValue, let value = numbers.last {
                outside = max(
                    .zero, try numbers[0] - value - (leavesOut ? ExactFraction(reserved) : .zero))
            }
            return try Figures.shownAmount(
                Figures.maximumWithdrawal(quantity: quantity, reserved: reserved, locked: outside))
        }
    }

    private mutating func checkReserved(of row: ReportedObject) {
        let formula = "funds in use + what open sell orders offer + what open buy orders hold, where shown"
        guard let orders else {
            skip(row, "reserved_qty", formula, "There is no answer to open-orders.")
            return
        }
        let shown = reported.lockInReserved(row, orders, rules)
        hold(
            row, "reserved_qty", formula,
            [AuditInput(rule: "offered by open sell orders", orders.offered[row.name] ?? .zero)]
                + (shown.isZero ? [] : [AuditInput(rule: "held by open buy orders", shown)]), units: 0,
            .hidden("Funds in use elsewhere are shown in this field alone.", below: .zero)
        ) { try $0.sum().rounded(places: ExactDecimal.places, rounding: .ceiling) }
    }
}

extension ReportedAccount {
    /// Whether a row's value is of what is not reserved: of collateral in the live form, as recorded in
    /// November 2023; a token that is none was recorded with its whole value.
    func leavesOutReserved(_ row: ReportedObject) -> Bool { isLive && row.isCollateral == true }

    /// What of a row's quantity its value leaves out as reserved; in the asset.
    func shownReserved(_ row: ReportedObject) -> ExactDecimal {
        leavesOutReserved(row) ? row["reserved_qty"].cutNumber ?? .zero : .zero
    }

    /// What of a row's quantity its value leaves out, as far as the row itself tells; in the asset.
    func shownHeld(_ row: ReportedObject) -> ExactDecimal {
        let reserved = shownReserved(row)
        return (try? reserved + lock(of: row)) ?? reserved
    }

    /// What of a row's quantity its value leaves out: by the open orders where they are known.
    func held(
        _ row: ReportedObject, _ orders: ReportedOrders?, _ rules: CryptoComRules
    ) -> ExactDecimal {
        guard let orders else { return shownHeld(row) }
        let reserved = shownReserved(row)
        let locked =
            leavesOutReserved(row)
            ? lockOutsideReserved(row, orders, rules) : orders.locked[row.name] ?? .zero
        return (try? reserved + locked) ?? reserved
    }

    /// What open buy orders hold of a row's asset and `reserved_qty` shows.
    func lockInReserved(
        _ row: ReportedObject, _ orders: ReportedOrders, _ rules: CryptoComRules
    ) -> ExactDecimal {
        let locked = orders.locked[row.name] ?? .zero
        guard isLive, rules.asset(row.name)?.showsLockedAsReserved ?? true,
            let reserved = row["reserved_qty"].cutNumber,
            let least = try? locked + (orders.offered[row.name] ?? .zero), least <= reserved
        else { return .zero }
        return locked
    }

    /// What open buy orders hold of a row's asset beside `reserved_qty`.
    func lockOutsideReserved(
        _ row: ReportedObject, _ orders: ReportedOrders, _ rules: CryptoComRules
    ) -> ExactDecimal {
        let locked = orders.locked[row.name] ?? .zero
        return lockInReserved(row, orders, rules).isZero ? locked : .zero
    }

    /// What open buy orders hold of a row's asset beside `reserved_qty`, as far as the row itself tells: in
    /// the asset, 0 where it seems to be nothing. USD is worth 1, so that what its value lacks is held.
    func lock(of row: ReportedObject) -> ExactDecimal {
        guard let quantity = row["quantity"].cutNumber else { return .zero }
        let reserved = row["reserved_qty"].cutNumber ?? .zero
        let rest: ExactDecimal?
        if row.name == CryptoComRules.usd, let value = row["market_value"].cutNumber {
            rest = try? quantity - value - (leavesOutReserved(row) ? reserved : .zero)
        } else if let free = row["max_withdrawal_balance"].cutNumber, free.isPositive {
            rest = try? quantity - reserved - free
        } else {
            return .zero
        }
        // What is shown is cut at the eighth place.
        return rest.map { $0.cut(places: 8).isPositive ? $0 : .zero } ?? .zero
    }
}

extension ReportedObject {
    /// Whether open buy orders may hold a part of a row's asset.
    var mayBeLocked: Bool {
        guard let quantity = self["quantity"].cutNumber, let free = self["max_withdrawal_balance"].cutNumber,
            free.isPositive, let rest = try? quantity - (self["reserved_qty"].cutNumber ?? .zero) - free
        else { return true }
        return rest.cut(places: 8).isPositive
    }
}
