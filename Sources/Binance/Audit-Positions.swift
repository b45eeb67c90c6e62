import Ledger
import Numbers
import Venue

// Position rows: those of the account, and those of the answer to `positions`, each in itself.

extension AccountAudit {
    /// A row of the account. Prices stand in the answer to `positions` alone; an entry price does not move.
    mutating func check(position row: ReportedObject) {
        checkWorth(of: row)
        if let entry = answers.risk(of: row)?.input("entryPrice") {
            hold(
                row, "unrealizedProfit", "notional − positionAmt × entry price",
                [row.input("notional"), row.input("positionAmt"), Self.blurred(entry)], units: 2
            ) { numbers in
                try numbers[0] - Self.cost(numbers[1], entry: numbers[2]).cut(places: BinanceFigures.places)
            }
        }
        checkIsolatedMargin(of: row, profit: "unrealizedProfit")
        checkMaintenance(of: row)
    }

    /// A row of the answer to `positions`.
    mutating func check(risk row: ReportedObject) {
        if !row.isWorthless {
            hold(
                row, "notional", "positionAmt × mark price, cut",
                [row.input("positionAmt"), row.input("markPrice")], source: Source.risk
            ) { try BinanceFigures.notional(quantity: $0[0], markPrice: $0[1]) }
        }
        checkWorth(of: row)
        hold(
            row, "unRealizedProfit", "positionAmt × (mark price − entry price), cut",
            [row.input("positionAmt"), row.input("markPrice"), Self.blurred(row.input("entryPrice"))],
            source: Source.risk
        ) { numbers in
            try BinanceFigures.unrealizedProfit(
                quantity: numbers[0], markPrice: numbers[1], cost: Self.cost(numbers[0], entry: numbers[2]))
        }
        checkIsolatedMargin(of: row, profit: "unRealizedProfit")
        hold(
            row, "initialMargin", "positionInitialMargin + openOrderInitialMargin",
            [row.input("positionInitialMargin"), row.input("openOrderInitialMargin")], source: Source.risk
        ) { try BinanceFigures.initialMargin(positionInitialMargin: $0[0], openOrderInitialMargin: $0[1]) }
        checkLeverage(of: row)
        checkMaintenance(of: row)
        checkLiquidationPrice(of: row)
    }

    /// A price with eight digits or more may have been cut there.
    static func blurred(_ price: AuditInput) -> AuditInput {
        guard case .number(let value, _) = price.value, value.fractionDigits >= BinanceFigures.places else {
            return price
        }
        let unit = FigurePrecision.places(value.fractionDigits).unit(of: value)
        return AuditInput(derived: price.name, value, blur: unit)
    }

    static func cost(
        _ quantity: ExactDecimal, entry: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try quantity.times(entry, rounding: .halfEven)
    }

    /// A position that is there is worth something.
    private mutating func checkWorth(of row: ReportedObject) {
        guard row.isWorthless else { return }
        add(
            AuditFinding(
                field: row.path(of: "notional"), verdict: .contradicts, reported: row["notional"].text,
                formula: "positionAmt × mark price, cut",
                inputs: [(row.path(of: "positionAmt"), row["positionAmt"].text)], source: Source.given,
                remark: "A position of such a size cannot be worth nothing."))
    }

    private mutating func checkIsolatedMargin(of row: ReportedObject, profit: String) {
        let isIsolated = row["isolatedWallet"].cutNumber?.isPositive ?? false
        hold(
            row, "isolatedMargin",
            isIsolated ? "isolatedWallet + unrealized profit" : "0 for a cross position",
            isIsolated ? [row.input("isolatedWallet"), row.input(profit)] : [], source: Source.risk
        ) {
            isIsolated
                ? try BinanceFigures.isolatedMargin(isolatedWallet: $0[0], unrealizedProfit: $0[1]) : .zero
        }
    }

    /// The leverage is not in these answers, but it is a whole number: the one that the margin implies.
    private mutating func checkLeverage(of row: ReportedObject) {
        guard let leverage = row.impliedLeverage else { return }
        let input = AuditInput(rule: "leverage, the whole number nearest to what is implied", leverage)
        hold(
            row, "positionInitialMargin", "|notional| ÷ leverage, cut", [row.input("notional"), input],
            source: Source.risk
        ) { try BinanceFigures.positionInitialMargin(notional: $0[0], leverage: $0[1]) }
        hold(
            row, "openOrderInitialMargin",
            "max(|notional + open buys|, |notional − open sells|) ÷ leverage − positionInitialMargin",
            [
                row.input("notional"), row.input("bidNotional"), row.input("askNotional"), input,
                row.input("positionInitialMargin"),
            ], source: Source.orders, units: 2,
            .estimate("The documents do not say which orders bidNotional and askNotional count.")
        ) {
            try BinanceFigures.openOrderInitialMargin(
                marginRequirement: BinanceFigures.marginRequirement(
                    notional: $0[0], openBuys: $0[1], openSells: $0[2], leverage: $0[3]),
                positionInitialMargin: $0[4])
        }
    }

    static let rulebookBrackets =
        "The rulebook's brackets may not be those that the venue used for this account."

    private mutating func checkMaintenance(of row: ReportedObject) {
        guard let symbol = rules.symbol(row["symbol"].text), let notional = row["notional"].cutNumber,
            let bracket = try? symbol.bracket(of: notional, coefficient: .one)
        else { return }
        hold(
            row, "maintMargin", "|notional| × maintenance rate − cum of the bracket, cut",
            [
                row.input("notional"),
                AuditInput(rule: "maintenance rate of bracket \(bracket.number)", bracket.maintenanceRate),
                AuditInput(rule: "cum of bracket \(bracket.number)", bracket.cumulative),
            ], source: Source.brackets, .estimate(Self.rulebookBrackets)
        ) {
            try BinanceFigures.maintMargin(notional: $0[0], maintenanceRate: $0[1], cumulative: $0[2])
        }
    }
}

extension ReportedObject {
    /// Whether the row says that a position of a whole thousandth or more is worth nothing.
    fileprivate var isWorthless: Bool {
        guard let amount = self["positionAmt"].cutNumber, self["notional"].cutNumber?.isZero == true else {
            return false
        }
        if let mark = self["markPrice"].cutNumber {
            return (try? !BinanceFigures.notional(quantity: amount, markPrice: mark).isZero) ?? false
        }
        return (try? amount.magnitude.times(ExactDecimal(1000), rounding: .towardZero) >= .one) ?? false
    }

    /// The whole number nearest to |notional| ÷ positionInitialMargin, or, without a position, to the larger
    /// side of the orders ÷ openOrderInitialMargin; nil where neither tells one.
    var impliedLeverage: ExactDecimal? {
        let pairs: [(ExactDecimal?, ExactDecimal?)] = [
            (self["notional"].cutNumber?.magnitude, self["positionInitialMargin"].cutNumber),
            (
                [self["bidNotional"].cutNumber, self["askNotional"].cutNumber].compactMap { $0 }.max(),
                self["openOrderInitialMargin"].cutNumber
            ),
        ]
        for case (let worth?, let margin?) in pairs where worth.isPositive && margin.isPositive {
            if let leverage = try? worth.over(margin, places: 0, rounding: .halfUp), leverage.isPositive {
                return leverage
            }
        }
        return nil
    }
}
