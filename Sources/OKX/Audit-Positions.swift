import Ledger
import Numbers
import Venue

// Rows of the answer to `positions`, each in itself: its prices are those of the same moment.

/// A position row with the contract that it is in: the rulebook's, or what the row's own figures imply.
///
/// Demo trading and instruments that the rulebook does not know have contract values of their own; all of the
/// venue's are powers of ten.
private struct AuditedPosition {
    let row: ReportedObject
    /// Nil where the rulebook does not know the instrument.
    let instrument: InstrumentRules?
    let isInverse: Bool
    let isShort: Bool
    let isDated: Bool
    /// Base or quote per contract.
    let contract: AuditInput
    /// Why a difference need not be the row's; nil where the contract value is the rulebook's and nothing in
    /// the row speaks for another one.
    private let doubt: String?

    /// Nil where neither the rulebook nor the row tells the contract value.
    init?(_ row: ReportedObject, _ rules: RuleTable) {
        let name = row["instId"].text
        let parts = name.split(separator: "-")
        self.row = row
        instrument = rules.instrument(name)
        isInverse =
            instrument.map { $0.terms.payoff == .inverse }
            ?? (parts.count > 2 && parts[0] == row["ccy"].text && parts[1] != row["ccy"].text)
        isDated = row["instType"].text == InstrumentType.futures.rawValue
        isShort =
            row.positionSide == .short
            || row.positionSide == .net && row["pos"].truncatedNumber?.isNegative == true
        let implied = Self.impliedValues(of: row, isInverse: isInverse, isDated: isDated)
        let values = Set(implied.map(\.value))
        if let known = instrument?.terms.contractValue {
            let isOther = values.count == 1 && !values.contains(known)
            doubt = isOther ? Self.isImplied : nil
            // One figure alone that tells another contract value may as well be wrong itself.
            contract =
                isOther && implied.count > 1
                ? AuditInput(
                    derived: "contract value that \(implied.map(\.field).joined(separator: " and ")) imply; "
                        + "the rulebook's \(known) of \(name) is not this environment's",
                    implied[0].value, errorBound: .zero)
                : AuditInput(rule: "contract value of \(name)", known)
        } else {
            doubt = Self.isImplied
            guard let first = implied.first else { return nil }
            contract = AuditInput(
                derived: "contract value that \(first.field) implies", first.value, errorBound: .zero)
        }
    }

    /// The power of ten next to the contract value that each figure of the row implies, where it is near one.
    private static func impliedValues(
        of row: ReportedObject, isInverse: Bool, isDated: Bool
    ) -> [(field: String, value: ExactDecimal)] {
        guard let contracts = row["pos"].truncatedNumber?.magnitude, let mark = row["markPx"].truncatedNumber,
            !contracts.isZero, mark.isPositive
        else { return [] }
        /// What one contract of a value of 1 comes to at a price, in the settlement currency.
        func worth(_ price: ExactDecimal) throws(NumberError) -> ExactFraction {
            try Figures.notional(size: ExactFraction(contracts), isInverse: isInverse, price: price)
        }
        func ratio(_ field: String, to unit: () throws -> ExactFraction?) -> (String, ExactDecimal)? {
            guard let figure = row[field].truncatedNumber, !figure.isZero, let unit = try? unit(),
                !unit.isZero,
                let ratio = try? ExactFraction(figure).magnitude.over(unit.magnitude),
                let value = ratio.nearPowerOfTen
            else { return nil }
            return (field, value)
        }
        let found = [
            ratio("imr") {
                guard let leverage = row["lever"].truncatedNumber, leverage.isPositive else { return nil }
                return try worth(mark).over(leverage)
            },
            ratio("margin") {
                guard let leverage = row["lever"].truncatedNumber, leverage.isPositive,
                    let entry = row["avgPx"].truncatedNumber, entry.isPositive
                else { return nil }
                return try worth(entry).over(leverage)
            },
            ratio("notionalUsd") {
                if isInverse { return ExactFraction(contracts) }
                return try row["usdPx"].truncatedNumber.map { try worth(mark).times($0) }
            },
            ratio("upl") {
                guard !isDated, let entry = row["avgPx"].truncatedNumber, entry.isPositive else { return nil }
                return try worth(mark) - worth(entry)
            },
        ]
        return found.compactMap { $0 }.map { (field: $0.0, value: $0.1) }
    }

    private static let isImplied =
        "The row implies a contract value that is not the rulebook's, as in demo trading or of an instrument "
        + "that it does not know."

    /// What a difference means that rounding does not explain.
    var difference: FigureCheck.Difference { doubt.map { .estimate($0) } ?? .contradicts }

    /// Size in the underlying or in USD, signed like the position; a short side shows it without a sign.
    func size(_ contracts: ExactDecimal, _ value: ExactDecimal) throws(NumberError) -> ExactFraction {
        let size = try Figures.size(contracts: contracts, value: value)
        return isShort ? -size.magnitude : size
    }

    /// What the position is worth at a price, in its settlement currency.
    func notional(
        _ contracts: ExactDecimal, _ price: ExactDecimal, _ value: ExactDecimal
    ) throws(NumberError) -> ExactFraction {
        try Figures.notional(size: size(contracts, value), isInverse: isInverse, price: price)
    }

    var worth: String { isInverse ? "|pos| × contract value ÷ markPx" : "|pos| × contract value × markPx" }

    /// Fee of a liquidation as a share of notional.
    func takerRate(_ rules: RuleTable) -> ExactDecimal {
        instrument?.takerRate ?? (isDated ? rules.margin.futuresTakerRate : rules.margin.swapTakerRate)
    }
}

extension ExactFraction {
    /// The power of ten within a fiftieth of the number; nil where there is none.
    fileprivate var nearPowerOfTen: ExactDecimal? {
        for exponent in -12...12 {
            var power = ExactDecimal.one
            for _ in 0..<abs(exponent) {
                guard
                    let next = try? exponent < 0
                        ? power.over(ExactDecimal(10), rounding: .towardZero)
                        : power.times(ExactDecimal(10), rounding: .towardZero)
                else { return nil }
                power = next
            }
            if let difference = try? (self - ExactFraction(power)).magnitude.times(ExactDecimal(50)),
                difference <= ExactFraction(power)
            {
                return power
            }
        }
        return nil
    }
}

extension AccountAudit {
    mutating func check(position row: ReportedObject) {
        if row.isOnMargin { return check(marginPosition: row) }
        guard ["", "SWAP", "FUTURES"].contains(row["instType"].text) else {
            return pass(
                row, "upl", "of a \(row["instType"].text.lowercased())",
                because: "Only contracts and pairs on margin are worked out.")
        }
        guard let position = AuditedPosition(row, rules) else {
            pass(
                row, "upl", "(markPx − avgPx) × pos × contract value",
                because: "The rulebook does not know the instrument, and its contract value is in no figure.")
            return
        }
        checkValue(of: position)
        checkMargins(of: position)
        checkBreakEven(of: position)
        if row.marginMode == .isolated { checkLiquidation(of: position) }
    }

    private mutating func checkValue(of position: AuditedPosition) {
        let row = position.row
        hold(
            row, "upl",
            position.isInverse
                ? "pos × contract value × (1 ÷ avgPx − 1 ÷ markPx)"
                : "pos × contract value × (markPx − avgPx)",
            ["pos", "avgPx", "markPx"].map { row.input($0) } + [position.contract],
            source: Source.positions,
            position.isDated
                ? .estimate("What was settled of a dated future meanwhile is not shown.")
                : position.difference
        ) {
            try Figures.unrealized(
                notional: position.notional($0.rate(0), $0.rate(2), $0.rate(3)),
                costValue: position.notional($0.rate(0), $0.rate(1), $0.rate(3)),
                isInverse: position.isInverse)
        }
        if position.isInverse { return checkInverseNotional(of: position) }
        hold(
            row, "notionalUsd", "|pos| × contract value × markPx × usdPx",
            ["pos", "markPx", "usdPx"].map { row.input($0) } + [position.contract],
            source: Source.positions, position.difference
        ) {
            try Figures.notionalUSD(
                size: position.size($0.rate(0), $0.rate(3)),
                notional: position.notional($0.rate(0), $0.rate(1), $0.rate(3)), isInverse: false,
                settlementIndex: $0.rate(2)
            ).magnitude
        }
    }

    /// In USD an inverse contract is worth its face. Recordings of 2021 have its coins × the coin's index
    /// price instead, those of 2025 the face; when that changed is not known.
    private mutating func checkInverseNotional(of position: AuditedPosition) {
        let row = position.row
        let face = [row.input("pos"), position.contract]
        let price = ["usdPx", "idxPx"].first { row.isFilled($0) }
        let asCoins = price.flatMap { price in
            finding(
                row, "notionalUsd", "|pos| × contract value ÷ markPx × \(price), as recorded in 2021",
                face + [row.input("markPx"), row.input(price)], source: Source.recordedPositions,
                .contradicts
            ) { try position.notional($0.rate(0), $0.rate(2), $0.rate(1)).magnitude.times($0.rate(3)) }
        }
        if let asCoins, asCoins.isMet { return add(asCoins) }
        // Without the index price the older form lies as near as index and mark lie to each other.
        let isOlderForm =
            price == nil
            && position.contract.value.truncatedNumber.flatMap { value in
                guard let shown = row["notionalUsd"].truncatedNumber,
                    let contracts = row["pos"].truncatedNumber,
                    let face = try? contracts.magnitude.times(value, rounding: .halfEven),
                    let apart = try? (shown - face).magnitude.times(ExactDecimal(20), rounding: .halfEven)
                else { return nil }
                return apart <= face
            } ?? false
        hold(
            row, "notionalUsd", "|pos| × contract value", face, source: Source.positions,
            isOlderForm
                ? .estimate("Until a day between 2021 and 2025 it was coins × an index price not shown here.")
                : position.difference
        ) {
            try Figures.notionalUSD(
                size: position.size($0.rate(0), $0.rate(1)), notional: .zero, isInverse: true,
                settlementIndex: .one
            ).magnitude
        }
    }

    /// Margins of the position itself. In portfolio mode those of its risk unit stand here.
    private mutating func checkMargins(of position: AuditedPosition) {
        let row = position.row
        if mode == .portfolio && row.marginMode == .cross {
            for field in ["imr", "mmr"] {
                pass(row, field, "margin of the risk unit", because: "The answer does not show its terms.")
            }
            return
        }
        let basis = [row.input("pos"), row.input("markPx"), position.contract]
        func worth(_ numbers: ReportedNumbers) throws(NumberError) -> ExactFraction {
            try position.notional(numbers.rate(0), numbers.rate(1), numbers.rate(2))
        }
        hold(
            row, "imr", "\(position.worth) ÷ lever", basis + [row.input("lever")],
            source: Source.positions, position.difference
        ) { try Figures.initialMargin(notional: worth($0), leverage: $0.rate(3)) }
        hold(
            row, "uplRatio", "upl × lever ÷ |pos × contract value at avgPx|",
            ["pos", "markPx", "avgPx", "lever"].map { row.input($0) } + [position.contract],
            source: Source.recordedPositions,
            .estimate("Which leverage it is counted with after a change is not documented.")
        ) {
            let cost = try position.notional($0.rate(0), $0.rate(2), $0.rate(4))
            return try Figures.unrealizedRatio(
                unrealized: Figures.unrealized(
                    notional: position.notional($0.rate(0), $0.rate(1), $0.rate(4)), costValue: cost,
                    isInverse: position.isInverse), costValue: cost, leverage: $0.rate(3))
        }
        hold(
            row, "uplLastPx", "upl at last",
            ["pos", "avgPx", "last"].map { row.input($0) } + [position.contract],
            source: Source.positions, .estimate("Which trade was the last one then is not shown.")
        ) {
            try Figures.unrealized(
                notional: position.notional($0.rate(0), $0.rate(2), $0.rate(3)),
                costValue: position.notional($0.rate(0), $0.rate(1), $0.rate(3)),
                isInverse: position.isInverse)
        }
        checkMaintenance(of: position, basis, worth)
        if row.marginMode == .cross { return }
        hold(
            row, "mgnRatio", "(margin + upl) ÷ (mmr + \(position.worth) × taker rate)",
            basis + [
                row.input("margin"), row.input("upl"), row.input("mmr"),
                AuditInput(rule: "taker rate", position.takerRate(rules)),
            ], source: Source.recordedPositions,
            .estimate("The account's own fee rate may be another than the rulebook's.")
        ) {
            try Figures.isolatedMarginRatio(
                equity: Figures.isolatedEquity(margin: $0[3], unrealized: $0[4]), maintenance: $0[5],
                liquidationFee: Figures.liquidationFee(notional: worth($0), rate: $0.rate(6)))
        }
    }

    private mutating func checkMaintenance(
        of position: AuditedPosition, _ basis: [AuditInput],
        _ worth: (ReportedNumbers) throws(NumberError) -> ExactFraction
    ) {
        let row = position.row
        let formula = "\(position.worth) × maintenance rate of the tier"
        guard let instrument = position.instrument,
            let tier = row["pos"].truncatedNumber.flatMap({ instrument.tier(of: $0.magnitude) })
        else {
            return pass(row, "mmr", formula, because: "The rulebook does not know the instrument's tiers.")
        }
        hold(
            row, "mmr", formula,
            basis + [AuditInput(rule: "maintenance rate of tier \(tier.number)", tier.maintenanceRate)],
            source: Source.positions, .estimate(Self.rulebook)
        ) { try Figures.maintenanceMargin(notional: worth($0), rate: $0.rate(3)) }
    }

    /// `liqPx` of an isolated position, from what the row says must be maintained: its own `mgnRatio` holds
    /// the tier's rate and the account's fee rate.
    private mutating func checkLiquidation(of position: AuditedPosition) {
        let row = position.row
        let inputs =
            ["pos", "avgPx", "markPx", "margin", "upl", "mgnRatio"].map { row.input($0) }
            + [position.contract]
        func found(_ shift: AuditInput, _ difference: FigureCheck.Difference) -> AuditFinding? {
            finding(
                row, "liqPx",
                "where margin + upl is (margin + upl) ÷ mgnRatio of that price, "
                    + "\(position.isShort ? "−" : "+") tick",
                inputs + [shift], source: Source.recordedPositions, difference
            ) { numbers in
                let equity = try Figures.isolatedEquity(margin: numbers[3], unrealized: numbers[4])
                let required = try equity.over(numbers[5])
                let mark = numbers.rate(2)
                return try Figures.isolatedLiquidationPrice(
                    size: position.size(numbers.rate(0), numbers.rate(6)),
                    costValue: position.notional(numbers.rate(0), numbers.rate(1), numbers.rate(6)),
                    margin: numbers[3],
                    requiredSize: position.isInverse ? required.times(mark) : required.over(mark),
                    isInverse: position.isInverse, shift: numbers.rate(7)
                ).map { ExactFraction($0) }
            }
        }
        // The rulebook's tick, or else a power of ten that the last price is a multiple of.
        let known = position.instrument.map {
            AuditInput(
                rule: "ticks × tickSz of \($0.terms.name)",
                (try? $0.tick.times(rules.margin.isolatedLiquidationTicks, rounding: .halfEven)) ?? $0.tick)
        }
        let digits = row["last"].number?.fractionDigits
        let powers = (digits.map { $0...($0 + 2) } ?? 0...8).compactMap { places in
            ExactDecimal.powerOfTen(places: places).map {
                AuditInput(derived: "tick that liqPx and last imply", $0, errorBound: .zero)
            }
        }
        for shift in (known.map { [$0] } ?? []) + powers {
            if let met = found(shift, .contradicts), met.isMet { return add(met) }
        }
        let settled = "What was settled of a dated future meanwhile is not shown."
        let closing = known.map { found($0, position.isDated ? .estimate(settled) : position.difference) }
        let unknown = powers.first.map {
            found($0, .estimate("The rulebook does not know the instrument's tick."))
        }
        if let last = (closing ?? unknown) ?? nil { add(last) }
    }
}

// MARK: - Break-even

extension AccountAudit {
    /// `bePx`: neither the fee rate of closing is in the answer, nor always what opening cost. Tried are the
    /// rulebook's rate and the one that `fee` was paid at; where no fee is shown, one at the same rate.
    private mutating func checkBreakEven(of position: AuditedPosition) {
        let row = position.row
        guard row.isFilled("bePx") else { return }
        let entry = [row.input("pos"), row.input("avgPx"), position.contract]
        let parts = ["pnl", "fee", "fundingFee", "liqPenalty", "settledPnl"].filter { row.isFilled($0) }
        let rate = AuditInput(rule: "taker rate", position.takerRate(rules))
        func found(
            _ words: String, _ inputs: [AuditInput],
            by terms: (ReportedNumbers, _ opened: ExactFraction) throws -> (ExactFraction, ExactDecimal)
        ) -> AuditFinding? {
            finding(
                row, "bePx", "where pos closed at it pays back \(words)", entry + inputs,
                source: Source.recordedPositions,
                .estimate("The account's own fee rate may be another, and is not shown.")
            ) { numbers in
                let size = try position.size(numbers.rate(0), numbers.rate(2))
                let cost = try position.notional(numbers.rate(0), numbers.rate(1), numbers.rate(2))
                let (realised, rate) = try terms(numbers.after(3), cost.magnitude)
                return try Figures.breakEvenPrice(
                    size: size, costValue: cost, realised: realised, feeRate: rate,
                    isInverse: position.isInverse)
            }
        }
        let shown = parts.map { row.input($0) }
        let tried = [
            found("what it has realised and the taker fee", [rate] + shown) { numbers, _ in
                (try numbers.after(1).sum(), numbers.rate(0))
            },
            found("what it has realised and a fee as opening cost", [row.input("fee")] + shown) {
                (try $0.after(1).sum(), try $0[0].magnitude.over($1).rounded(places: 5, rounding: .halfEven))
            },
            found("the taker fee of opening and closing", [rate]) {
                (-(try $1.times($0.rate(0))), $0.rate(0))
            },
        ]
        if let met = tried.compactMap({ $0 }).first(where: \.isMet) ?? tried[0] { add(met) }
    }
}

extension ExactDecimal {
    /// 10 to the minus so many; nil beyond 18.
    fileprivate static func powerOfTen(places: Int) -> ExactDecimal? {
        guard (0...ExactDecimal.places).contains(places) else { return nil }
        var units: Int128 = 1
        for _ in 0..<(ExactDecimal.places - places) { units *= 10 }
        return try? ExactDecimal(units: units)
    }
}
