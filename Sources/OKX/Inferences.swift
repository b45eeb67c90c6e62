import JSON
import Ledger
import Numbers
import Venue

/// What answers imply and no definition says: definitions read backwards, rates and contract values that
/// figures of one row have to have, and sums that hold whatever they are made of.
enum Inference {
    static let unknownPrice = "No answer names the currency's USD price."

    // MARK: - Currencies

    /// The USD price that a currency's row implies: eqUsd ÷ eq, which is as exact as their digits allow, else
    /// `coinUsdPrice`. Throws where it tells neither.
    static func price(
        of row: ReportedObject
    ) throws -> (number: ImpliedNumber, name: String, reads: [String]) {
        let currency = row["ccy"].text
        if row["eq"].truncatedNumber?.isZero == false, let worth = try? row.implied("eqUsd") {
            return (
                try (worth / row.implied("eq")).booked, "eqUsd ÷ eq of \(currency)",
                [row.path(of: "eqUsd"), row.path(of: "eq")]
            )
        }
        let field = CurrencyFigure.coinUsdPrice.rawValue
        guard let price = try? row.implied(field) else {
            throw FigureGap.missing("USD price of \(currency) is in no field.")
        }
        return (price, row.path(of: field), [row.path(of: field)])
    }

    /// The price at which the profit of a currency's spot trades stands against what was paid.
    static func spotPrice(of row: ReportedObject) throws -> ImpliedNumber {
        try row.implied("openAvgPx") + row.implied("spotUpl") / row.implied("spotBal")
    }

    /// What the currencies' `borrowFroz` add up to, from the other side: the account's borrowing at the
    /// rulebook's rate.
    static func borrowMargin(
        of account: ReportedObject, _ mode: AccountMode, _ rules: MarginRules
    ) -> AuditFinding? {
        let isPortfolio = mode == .portfolio
        let rate = isPortfolio ? rules.portfolioBorrowInitialRate : rules.borrowLeverage
        let check = account.check(
            .borrowFroz,
            isPortfolio
                ? "notionalUsdForBorrow × initial rate of borrowing"
                : "notionalUsdForBorrow ÷ borrow leverage",
            [
                account.input(AccountFigure.notionalUsdForBorrow.rawValue),
                AuditInput(rule: isPortfolio ? "initial rate of borrowing" : "borrow leverage", rate),
            ], source: Source.recorded)
        return check.finding(.estimate(AccountAudit.rulebook)) { numbers in
            isPortfolio
                ? try numbers[0].times(numbers[1], rounding: .halfEven)
                : try numbers[0].over(numbers[1], rounding: .halfEven)
        }
    }

    /// `delta` ÷ `totalEq`, of the delta-neutral strategy, which is not kept here.
    static func deltaLeverage(of account: ReportedObject) -> AuditFinding? {
        account.check(
            .deltaLever, "delta ÷ totalEq",
            [account.input(AccountFigure.delta.rawValue), account.input(AccountFigure.totalEq.rawValue)],
            source: Source.given
        ).finding { $0[1].isZero ? nil : try $0[0].over($0[1], rounding: .halfEven) }
    }

    // MARK: - Positions

    /// Σ price × contracts that an entry price stands for; Σ contracts ÷ price of an inverse contract.
    static func cost(
        of row: ReportedObject, _ contracts: ExactDecimal, isInverse: Bool
    ) throws -> ImpliedNumber {
        let (size, price) = (ImpliedNumber(contracts), try row.implied("avgPx"))
        return isInverse ? try size / price : try size * price
    }

    /// Whether the profit of a row follows, digit for digit, from a cost that was booked as the ledger's is,
    /// and not from the quotient that its entry price stands for.
    static func isCostBooked(of row: ReportedObject, _ valuation: PositionValuation) -> Bool {
        guard let profit = row["upl"].number, let cost = try? valuation[.cost],
            let booked = try? cost.rounded(places: ExactDecimal.places, rounding: .halfEven)
        else { return false }
        func follows(from cost: ExactFraction) throws -> Bool {
            let found = try cost * valuation[.ctVal] - valuation[.notional]
            return try found.rounded(places: profit.fractionDigits, rounding: .halfUp) == profit
        }
        return (try? follows(from: ExactFraction(booked)) && !follows(from: cost)) == true
    }

    /// What `mgnRatio` of an isolated position says must be kept, as a share of a figure of it.
    static func requirement(of row: ReportedObject, per base: ImpliedNumber) throws -> ImpliedNumber {
        let equity = try row.implied("margin") + row.implied("upl")
        return try equity / row.implied(PositionRowFigure.mgnRatio.rawValue) / base
    }

    /// The rate that a cross position's own margins imply: what it is worth is its margin × its leverage.
    static func maintenanceRate(of row: ReportedObject) throws -> ImpliedNumber {
        try row.implied("mmr") / (row.implied("imr") * row.implied("lever", .exact))
    }

    /// The power of ten within a fiftieth of what each figure of a contract's row is of the same figure of
    /// contracts of a value of 1: all of the venue's contract values are one. `unit` is such a position.
    static func contractValues(
        of row: ReportedObject, _ unit: PositionValuation
    ) -> [(field: String, value: ExactDecimal)] {
        guard row["pos"].truncatedNumber?.isZero == false, row["markPx"].truncatedNumber?.isPositive == true
        else {
            return []
        }
        let isDated = row.isDated
        let units: [(field: String, of: () throws -> ExactFraction?)] = [
            ("imr", { try unit[.notional] / unit.lever() }),
            ("margin", { try unit[.cost] / unit.lever() }),
            (PositionRowFigure.notionalUsd.rawValue, { try unit.value(of: .notionalUsd) }),
            ("upl", { isDated ? nil : try unit.value(of: .upl) }),
        ]
        return units.compactMap { field, work in
            guard let figure = row[field].truncatedNumber, !figure.isZero, let one = (try? work()) ?? nil,
                let value = (try? ExactFraction(figure).magnitude / one.magnitude)?.nearPowerOfTen
            else { return nil }
            return (field, value)
        }
    }

    /// Whether the `pos` of an isolated margin position is without its margin, as the newer form has it: what
    /// it has, less what it owes, is then the profit alone, and not with the margin.
    static func isMarginApart(_ row: ReportedObject, _ valuation: PositionValuation) -> Bool {
        guard let profit = row["upl"].truncatedNumber, let margin = row["margin"].truncatedNumber,
            let missing = try? ExactFraction(profit) - valuation.value(of: .upl),
            let besides = try? missing - ExactFraction(margin)
        else { return false }
        return besides.magnitude < missing.magnitude
    }

    /// The price of 18 places that upl follows from, where `avgPx` shows but its first digits: an average is
    /// printed with fewer digits than it has. Nil where none is.
    static func entryPrice(of row: ReportedObject, _ valuation: PositionValuation) -> ExactDecimal? {
        guard let quoted = row["avgPx"].truncatedNumber, quoted.isPositive,
            let profit = row["upl"].truncatedNumber,
            let exact = try? openingPrice(of: valuation, at: ExactFraction(profit)),
            let entry = try? exact.rounded(places: ExactDecimal.places, rounding: .halfEven),
            // Another price is another moment's; only digits that avgPx does not show are taken from it.
            let shown = try? entry.rounded(places: max(8, quoted.fractionDigits), rounding: .halfUp)
        else { return nil }
        return shown == quoted ? entry : nil
    }

    /// The price at which a contract's position must have been opened, which has such a profit now.
    private static func openingPrice(
        of valuation: PositionValuation, at profit: ExactFraction
    ) throws -> ExactFraction {
        let size = try valuation[.pos] * valuation[.ctVal]
        let notional = try valuation[.notional]
        return valuation.mode.isInverse ? try size / (profit + notional) : try (notional - profit) / size
    }

    /// The price steps that an isolated `liqPx` may be moved by: powers of ten that the last price is a
    /// multiple of.
    static func ticks(of row: ReportedObject) -> [ExactDecimal] {
        let digits = row["last"].number?.fractionDigits
        return (digits.map { $0...($0 + 2) } ?? 0...8).compactMap { ExactDecimal.powerOfTen(places: $0) }
    }

    /// Whether what an inverse contract is worth in USD may be its coins × an index price that the row does
    /// not show, as it was in 2021: that lies as near to the face as index and mark lie to each other.
    static func isNearFace(_ row: ReportedObject, _ face: ExactFraction) -> Bool {
        guard let shown = row["notionalUsd"].truncatedNumber,
            let apart = try? (ExactFraction(shown) - face.magnitude).magnitude.times(ExactDecimal(20))
        else { return false }
        return apart <= face.magnitude
    }
}

extension ReportedObject {
    /// A figure of the account held against a formula that is none of its definition.
    fileprivate func check(
        _ figure: AccountFigure, _ formula: String, _ inputs: [AuditInput], source: String
    ) -> FigureCheck {
        FigureCheck(
            field: path(of: figure.rawValue), reported: self[figure.rawValue], formula: formula,
            inputs: inputs, source: source, precision: .binary, allowedUnits: 2)
    }
}

// MARK: - Numbers

/// A number that fields of answers imply, and between what it lies for the digits that they have.
struct ImpliedNumber {
    let exact: ExactFraction
    let range: FigureRange

    init(_ exact: ExactFraction, _ range: FigureRange) {
        self.exact = exact
        self.range = range
    }

    /// How large it is.
    var magnitude: Self {
        get throws { exact.isNegative ? try Self(.zero) - self : self }
    }

    /// The same to the last place of a decimal: as amounts are booked, and short enough to go on with.
    var booked: Self {
        get throws {
            Self(ExactFraction(try exact.rounded(places: ExactDecimal.places, rounding: .halfEven)), range)
        }
    }

    /// A number that nothing is left open of.
    init(_ number: ExactDecimal) { self.init(ExactFraction(number), FigureRange(ExactFraction(number))) }

    static func + (first: Self, second: Self) throws -> Self {
        try Self(first.exact + second.exact, of: first, second) { try $0 + $1 }
    }

    static func - (first: Self, second: Self) throws -> Self {
        try Self(first.exact - second.exact, of: first, second) { try $0 - $1 }
    }

    static func * (first: Self, second: Self) throws -> Self {
        try Self(first.exact * second.exact, of: first, second) { try $0 * $1 }
    }

    static func / (first: Self, second: Self) throws -> Self {
        if second.range.low <= .zero, .zero <= second.range.high {
            throw FigureGap.missing("What it is divided by may be 0.")
        }
        return try Self(first.exact / second.exact, of: first, second) { try $0 / $1 }
    }

    /// Its ends are the outermost of what each end of the one gives with each of the other, to the last place
    /// of a decimal: numbers that are made of many stay short.
    private init(
        _ exact: ExactFraction, of first: Self, _ second: Self,
        by operation: (ExactFraction, ExactFraction) throws -> ExactFraction
    ) throws {
        self.exact = exact
        if first.range.isPoint, second.range.isPoint {
            range = FigureRange(exact)
            return
        }
        var (low, high) = (exact, exact)
        for one in [first.range.low, first.range.high] {
            for other in [second.range.low, second.range.high] {
                let end = try operation(one, other)
                (low, high) = (min(low, end), max(high, end))
            }
        }
        range = FigureRange(
            low: ExactFraction(try low.rounded(places: ExactDecimal.places, rounding: .floor)),
            high: ExactFraction(try high.rounded(places: ExactDecimal.places, rounding: .ceiling)))
    }
}

extension ReportedObject {
    /// A field as a number that others follow from. Throws what is in its way.
    func implied(_ field: String, _ evidence: Evidence = .binary) throws -> ImpliedNumber {
        guard let number = self[field].truncatedNumber else {
            throw FigureGap.missing("\(path(of: field)) is \(self[field].shown).")
        }
        // Nothing lies behind a 0.
        return number.isZero
            ? ImpliedNumber(.zero) : ImpliedNumber(ExactFraction(number), try evidence.range(of: number))
    }
}

extension FigureTable where Figure.Number == ExactFraction {
    /// A figure that its definition makes of what answers say.
    func implied(_ figure: Figure) throws -> ImpliedNumber {
        let found = try reach(of: figure)
        return ImpliedNumber(found.number, found.range)
    }

    /// Takes what fields of answers imply; where they do not, the reason.
    func infer(
        _ figure: Figure, as name: String, from reads: [String] = [], at moment: Int64? = nil,
        _ difference: FigureCheck.Difference = .contradicts, _ number: () throws -> ImpliedNumber
    ) {
        do {
            let number = try number()
            recover(
                figure, exactly: number.exact, as: name, from: reads,
                within: number.range.isPoint ? nil : number.range, at: moment, difference)
        } catch FigureGap.missing(let reason) {
            lack(figure, because: reason, from: reads)
        } catch {
            lack(figure, because: "\(name) does not fit.", from: reads)
        }
    }
}

extension ExactDecimal {
    /// 10 to the minus so many; nil beyond 18.
    static func powerOfTen(places: Int) -> ExactDecimal? {
        guard (0...ExactDecimal.places).contains(places) else { return nil }
        var units: Int128 = 1
        for _ in 0..<(ExactDecimal.places - places) { units *= 10 }
        return try? ExactDecimal(units: units)
    }
}

extension ExactFraction {
    /// The power of ten within a fiftieth of the number; nil where there is none.
    fileprivate var nearPowerOfTen: ExactDecimal? {
        var power = ExactDecimal.powerOfTen(places: 12)
        for _ in 0..<25 {
            guard let tried = power else { return nil }
            if let difference = try? (self - ExactFraction(tried)).magnitude.times(ExactDecimal(50)),
                difference <= ExactFraction(tried)
            {
                return tried
            }
            power = try? tried.times(ExactDecimal(10), rounding: .towardZero)
        }
        return nil
    }
}
