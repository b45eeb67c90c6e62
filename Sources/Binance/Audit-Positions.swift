import Ledger
import Numbers
import Venue

// Position rows: those of the account, and those of the answer to `positions`, each in itself.

extension AccountAudit {
    /// A row of the account. Prices stand in the answer to `positions` (in version 2 in the row itself); an
    /// entry price does not move while the position is what it was.
    mutating func check(position row: ReportedObject) {
        checkWorth(of: row)
        let priced = row["entryPrice"] == .absent ? answers.risk(of: row) : row
        if let priced, priced["positionAmt"].cutNumber == row["positionAmt"].cutNumber {
            hold(
                row, "unrealizedProfit", "notional − positionAmt × (entry price cut to 8 places)",
                [row.input("notional"), row.input("positionAmt"), Self.entryPrice(of: priced)],
                source: Source.recordings, units: 2
            ) { numbers in
                // The profit at a mark of 0 is all but the notional.
                try numbers[0]
                    + BinanceFigures.unrealizedProfit(
                        quantity: numbers[1], markPrice: .zero, entryPrice: numbers[2])
            }
        }
        checkIsolatedMargin(of: row, profit: "unrealizedProfit")
        if row["positionInitialMargin"] != .absent { checkMargins(of: row) }
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
            row, "unRealizedProfit", "positionAmt × (mark price − entry price cut to 8 places), cut",
            [row.input("positionAmt"), row.input("markPrice"), Self.entryPrice(of: row)],
            source: Source.recordings
        ) {
            try BinanceFigures.unrealizedProfit(quantity: $0[0], markPrice: $0[1], entryPrice: $0[2])
        }
        checkIsolatedMargin(of: row, profit: "unRealizedProfit")
        if row["positionInitialMargin"] != .absent { checkMargins(of: row) }
        checkMaintenance(of: row)
        checkLiquidationPrice(of: row)
    }

    /// An entry price, and how much of it its print form leaves open.
    ///
    /// Only eight places count in a profit. A price printed with as many leaves nothing open, nor does one of
    /// fewer that stands there without zeros at its end: it is whole. One that was cut or filled up at a
    /// place before the eighth may be up to a unit of that place larger.
    static func entryPrice(of row: ReportedObject) -> AuditInput {
        let input = row.input("entryPrice")
        guard case .number(let price, let text) = input.value else { return input }
        let printed = text.utf8.drop { $0 != UInt8(ascii: ".") }.dropFirst()
        let isPlain = printed.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let places = isPlain ? printed.count : price.fractionDigits
        let isFilledUp = places > 1 && price.fractionDigits < places
        let isCut = price.fractionDigits == BinanceFigures.pricePlaces(of: price)
        guard places < BinanceFigures.places, isFilledUp || isCut else {
            return AuditInput(input.name, input.value, blur: .zero)
        }
        return AuditInput(
            input.name, input.value, blur: FigurePrecision.places(places).unit(of: price))
    }

    /// Σ price × quantity that an entry price stands for.
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
        let isIsolated = row.isIsolated
        hold(
            row, "isolatedMargin",
            isIsolated ? "isolatedWallet + unrealized profit" : "0 for a cross position",
            isIsolated ? [row.input("isolatedWallet"), row.input(profit)] : [], source: Source.risk
        ) {
            isIsolated
                ? try BinanceFigures.isolatedMargin(isolatedWallet: $0[0], unrealizedProfit: $0[1]) : .zero
        }
    }

    /// Version 3 does not tell the leverage, but it is a whole number: the one that the margin implies.
    private mutating func checkMargins(of row: ReportedObject) {
        hold(
            row, "initialMargin", "positionInitialMargin + openOrderInitialMargin",
            [row.input("positionInitialMargin"), row.input("openOrderInitialMargin")], source: Source.risk
        ) { try BinanceFigures.initialMargin(positionInitialMargin: $0[0], openOrderInitialMargin: $0[1]) }
        guard let leverage = row.impliedLeverage else { return }
        let input =
            row["leverage"].cutNumber == nil
            ? AuditInput(rule: "leverage, the whole number nearest to what is implied", leverage)
            : row.input("leverage")
        let rounding = marginRounding(of: row, leverage)
        let rate = "(1 ÷ leverage, rounded up to 8 places)"
        hold(
            row, "positionInitialMargin",
            "|notional| × \(rate), \(rounding == .towardZero ? "cut" : "rounded half up")",
            [row.input("notional"), input], source: Source.recordings
        ) {
            try BinanceFigures.positionInitialMargin(
                notional: $0[0], leverage: $0[1], rounding: rounding)
        }
        hold(
            row, "openOrderInitialMargin",
            "max(|notional + open buys|, |notional − open sells|) × \(rate) − positionInitialMargin",
            [
                row.input("notional"), row.input("bidNotional"), row.input("askNotional"), input,
                row.input("positionInitialMargin"),
            ], source: Source.orders, units: 2,
            .estimate("The documents do not say which orders bidNotional and askNotional count.")
        ) {
            try BinanceFigures.openOrderInitialMargin(
                marginRequirement: BinanceFigures.marginRequirement(
                    notional: $0[0], openBuys: $0[1], openSells: $0[2], leverage: $0[3],
                    rounding: rounding),
                positionInitialMargin: $0[4])
        }
    }

    /// How the venue brought the product to its places. An answer does not tell its day, and a kept one may
    /// be older than the rules that it is held against: where only the rule of another day gives the very
    /// digits, it is that one. The two never differ by more than one unit.
    private func marginRounding(of row: ReportedObject, _ leverage: ExactDecimal) -> Rounding {
        let own = rules.account.initialMarginRounding
        guard let notional = row["notional"].cutNumber else { return own }
        let fits = [own, .towardZero, .halfUp].first { rounding in
            (try? BinanceFigures.positionInitialMargin(
                notional: notional, leverage: leverage, rounding: rounding))
                == row["positionInitialMargin"].cutNumber
        }
        return fits ?? own
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

    /// The leverage that the row names, else the whole number nearest to |notional| ÷ positionInitialMargin
    /// or, without a position, to the larger side of the orders ÷ openOrderInitialMargin; nil where none
    /// tells one.
    var impliedLeverage: ExactDecimal? {
        if let leverage = self["leverage"].number, leverage >= .one { return leverage }
        if let leverage = impliedLeverage(byMargin: "positionInitialMargin") { return leverage }
        let orders = [self["bidNotional"].cutNumber, self["askNotional"].cutNumber].compactMap { $0 }.max()
        return Self.leverage(of: orders, margin: self["openOrderInitialMargin"].cutNumber)
    }

    /// The whole number nearest to |notional| ÷ a margin; nil where one of them is missing or zero.
    func impliedLeverage(byMargin field: String) -> ExactDecimal? {
        Self.leverage(of: self["notional"].cutNumber?.magnitude, margin: self[field].cutNumber)
    }

    private static func leverage(of worth: ExactDecimal?, margin: ExactDecimal?) -> ExactDecimal? {
        guard let worth, let margin, worth.isPositive, margin.isPositive,
            let leverage = try? worth.over(margin, places: 0, rounding: .halfUp), leverage.isPositive
        else { return nil }
        return leverage
    }
}
