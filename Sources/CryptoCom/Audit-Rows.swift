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
        let formula = "(quantity − what open buy orders hold) × price"
        guard row.name == CryptoComRules.usd else {
            skip(row, "market_value", formula, "No answer holds the price.", source: Source.recordings)
            return
        }
        let held = orders?.locked[row.name] ?? .zero
        hold(
            row, "market_value", formula,
            [row.input("quantity"), AuditInput(rule: "price of USD", .one)]
                + (held.isZero ? [] : [AuditInput(rule: "held by open buy orders", held)]),
            source: Source.recordings,
            orders == nil ? .hidden("What open buy orders hold is not shown.", above: .zero) : acrossAnswers
        ) {
            Figures.shownAmount(
                try Figures.marketValue(quantity: $0[0], locked: held, price: $0[1]))
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
                minimum: $0[1], ratePerUnit: rule.haircutRatePerUnit, quantity: $0[0])
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
            Figures.shownAmount(
                try Figures.collateralAmount(
                    countedValue: Figures.countedValue(
                        marketValue: $0[0], isCollateral: isCollateral, cap: cap), rate: $0[1]))
        }
    }

    private static let absoluteHaircut =
        "It is market_value − haircut, as if the haircut were an amount and not a rate."

    /// Whether a row's haircut was taken off as an amount, and not as the rate that would come to the same.
    private func isAbsolute(_ row: ReportedObject) -> Bool {
        guard let value = row["market_value"].cutNumber, let haircut = row["haircut"].cutNumber,
            let rest = try? value - haircut,
            let byRate = try? Figures.collateralAmount(countedValue: value, rate: haircut)
        else { return false }
        return rest == row["collateral_amount"].cutNumber && rest != byRate
    }

    /// Recorded without positions only; with them the venue may hold back more.
    private mutating func checkWithdrawal(of row: ReportedObject) {
        var unknown: [String] = []
        var inputs = [row.input("quantity")]
        var definition = { (numbers: [ExactDecimal]) throws -> ExactDecimal? in numbers[0] }
        let reserved = row["reserved_qty"]
        let hasReserved = reserved != .absent
        if hasReserved { inputs.append(row.input("reserved_qty")) } else { unknown.append("reserved funds") }
        if let orders {
            let held = orders.locked[row.name] ?? .zero
            if !held.isZero { inputs.append(AuditInput(rule: "held by open buy orders", held)) }
            definition = { numbers in
                try Figures.maximumWithdrawal(
                    quantity: numbers[0], reserved: hasReserved ? numbers[1] : .zero, locked: held)
            }
        } else if row.name == CryptoComRules.usd {
            inputs.append(amount("market_value", of: row))
            definition = { numbers in
                try Figures.maximumWithdrawal(
                    quantity: numbers[0], reserved: hasReserved ? numbers[1] : .zero,
                    locked: numbers[0] - (numbers.last ?? .zero))
            }
        } else {
            unknown.append("what open buy orders hold")
            definition = { numbers in
                try Figures.maximumWithdrawal(
                    quantity: numbers[0], reserved: hasReserved ? numbers[1] : .zero, locked: .zero)
            }
        }
        if reported.account["total_position_im"].cutNumber?.isZero != true {
            unknown.append("what positions need")
        }
        let difference: FigureCheck.Difference =
            unknown.isEmpty
            ? orders == nil ? .contradicts : acrossAnswers
            : .hidden("Not shown: \(unknown.joined(separator: ", ")).", above: .zero)
        hold(
            row, "max_withdrawal_balance",
            "quantity − reserved_qty − what open buy orders hold, at least 0", inputs,
            source: Source.recordings, difference
        ) { try definition($0).map(Figures.shownAmount) }
    }

    private mutating func checkReserved(of row: ReportedObject) {
        let formula = "funds in use + quantity of open sell orders"
        guard let orders else {
            skip(row, "reserved_qty", formula, "There is no answer to open-orders.")
            return
        }
        hold(
            row, "reserved_qty", formula,
            [AuditInput(rule: "offered by open sell orders", orders.offered[row.name] ?? .zero)], units: 0,
            .hidden("Funds in use elsewhere are shown in this field alone.", below: .zero)
        ) { $0[0] }
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
