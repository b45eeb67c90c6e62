import Ledger
import Numbers
import Venue

// Rows of the answer to `positions`, each in itself: its prices are those of the same moment.

extension AccountAudit {
    mutating func check(position row: ReportedObject) {
        guard let instrument = rules.instrument(row["instId"].text) else {
            pass(
                row, "upl", "(markPx − avgPx) × pos × contract value",
                because: "The rulebook does not know the instrument.")
            return
        }
        let terms = instrument.terms
        let isInverse = terms.payoff == .inverse
        let isShort = row.positionSide == .short
        let contract = AuditInput(rule: "contract value of \(terms.name)", terms.contractValue)
        /// Signed like the position; a short side shows its size without a sign.
        func size(_ contracts: ExactDecimal, _ value: ExactDecimal) throws(NumberError) -> ExactFraction {
            let size = try Figures.size(contracts: contracts, value: value)
            return isShort ? -size.magnitude : size
        }
        hold(
            row, "upl",
            isInverse
                ? "pos × contract value × (1 ÷ avgPx − 1 ÷ markPx)"
                : "pos × contract value × (markPx − avgPx)",
            ["pos", "avgPx", "markPx"].map { row.input($0) } + [contract], source: Source.positions,
            instrument.type == .futures
                ? .estimate("What was settled of a dated future meanwhile is not shown.") : .contradicts
        ) { numbers in
            let size = try size(numbers.rate(0), numbers.rate(3))
            return try Figures.unrealised(
                notional: Figures.notional(size: size, isInverse: isInverse, price: numbers.rate(2)),
                costValue: Figures.notional(size: size, isInverse: isInverse, price: numbers.rate(1)),
                isInverse: isInverse)
        }
        hold(
            row, "notionalUsd",
            isInverse ? "|pos| × contract value" : "|pos| × contract value × markPx × usdPx",
            ["pos", "markPx", "usdPx"].map { row.input($0) } + [contract], source: Source.positions
        ) { numbers in
            let size = try size(numbers.rate(0), numbers.rate(3))
            return try Figures.notionalUSD(
                size: size,
                notional: Figures.notional(size: size, isInverse: isInverse, price: numbers.rate(1)),
                isInverse: isInverse, settlementIndex: numbers.rate(2)
            ).magnitude
        }
        checkMargins(of: row, instrument, contract, size)
    }

    /// Margins of the position itself. In portfolio mode those of its risk unit stand here.
    private mutating func checkMargins(
        of row: ReportedObject, _ instrument: InstrumentRules, _ contract: AuditInput,
        _ size: (ExactDecimal, ExactDecimal) throws(NumberError) -> ExactFraction
    ) {
        let isInverse = instrument.terms.payoff == .inverse
        func notional(_ numbers: ReportedNumbers) throws(NumberError) -> ExactFraction {
            try Figures.notional(
                size: size(numbers.rate(0), numbers.rate(2)), isInverse: isInverse, price: numbers.rate(1))
        }
        let basis = [row.input("pos"), row.input("markPx"), contract]
        let worth = isInverse ? "|pos| × contract value ÷ markPx" : "|pos| × contract value × markPx"
        if mode == .portfolio && row.marginMode == .cross {
            for field in ["imr", "mmr"] {
                pass(row, field, "margin of the risk unit", because: "The answer does not show its terms.")
            }
            return
        }
        hold(
            row, "imr", "\(worth) ÷ lever", basis + [row.input("lever")], source: Source.positions
        ) { try Figures.initialMargin(notional: notional($0), leverage: $0.rate(3)) }
        let tier = row["pos"].cutNumber.flatMap { instrument.tier(of: $0.magnitude) }
        let rate = AuditInput(
            rule: "maintenance rate of tier \(tier?.number ?? 0)", tier?.maintenanceRate ?? .zero)
        hold(
            row, "mmr", "\(worth) × maintenance rate of the tier", basis + [rate],
            source: Source.positions, .estimate(Self.rulebook)
        ) { try Figures.maintenanceMargin(notional: notional($0), rate: $0.rate(3)) }
        if row.marginMode == .cross { return }
        hold(
            row, "mgnRatio", "(margin + upl) ÷ (mmr + \(worth) × taker rate)",
            basis + [
                row.input("margin"), row.input("upl"), row.input("mmr"),
                AuditInput(rule: "taker rate", instrument.takerRate),
            ], source: Source.ours, .estimate("No document states this formula.")
        ) {
            try Figures.isolatedMarginRatio(
                equity: Figures.isolatedEquity(margin: $0[3], unrealised: $0[4]), maintenance: $0[5],
                liquidationFee: Figures.liquidationFee(notional: notional($0), rate: $0.rate(6)))
        }
    }
}
