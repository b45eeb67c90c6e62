import Ledger
import Numbers
import Venue

// Spot pairs on margin: figures in the currency of the position's margin.

extension BalanceExplainer {
    mutating func explainOnMargin(at place: Int) throws {
        let position = account.positions[place]
        guard let margin = position.margin, let liability = position.liability else { return }
        let pair = position.instrument
        let inBase = margin.asset == pair.base
        let owesBase = liability.asset == pair.base
        try explainMark(pair)
        let mark = try markPrice(pair)
        let pos = Explanation.Input("pos", position.amount(of: position.heldAsset), .ledger)
        let liab = Explanation.Input("liab", liability.amount, .ledger)
        let wallet = Explanation.Input("margin", position.isolatedWallet, .ledger)
        func worth(_ name: String, isBase: Bool) -> String {
            isBase == inBase ? name : "\(name) \(isBase ? "×" : "÷") markPx"
        }
        let owed = worth("liab", isBase: owesBase)
        let held = worth("pos", isBase: !owesBase)
        try explain(
            .loan, at: place, "\(owed), in \(margin.asset)",
            owesBase == inBase ? [liab] : [liab, mark], source: Source.recordedPositions
        ) {
            try Figures.amount($0("liab"), isBase: owesBase, inBase: inBase, price: $0.optional("markPx"))
        }
        try explain(
            .upl, at: place, "\(held) − \(owed) − margin",
            [pos, given(.loan, at: place), wallet] + (owesBase == inBase ? [mark] : []),
            source: Source.recordedPositions
        ) {
            try Figures.marginUnrealised(
                held: Figures.amount(
                    $0("pos"), isBase: !owesBase, inBase: inBase, price: $0.optional("markPx")),
                owed: $0("loan"), margin: $0("margin"))
        }
        try explainMarginRequirement(at: place, [pos, liab], wallet, mark)
    }

    private mutating func explainMarginRequirement(
        at place: Int, _ amounts: [Explanation.Input], _ wallet: Explanation.Input, _ mark: Explanation.Input
    ) throws {
        let position = account.positions[place]
        let isLong = position.isLong
        let inBase = position.settlementAsset == position.instrument.base
        let needsMark = isLong != inBase
        let rate = Explanation.Input("maintenance rate", measures[place].maintenanceRate, .rule)
        let fee = Explanation.Input("taker rate", takerRate(position.instrument), .rule)
        try explain(
            .notional, at: place,
            isLong ? "pos − margin in \(position.settlementAsset)" : "−loan",
            isLong ? [amounts[0], wallet] + (needsMark ? [mark] : []) : [given(.loan, at: place)],
            source: Source.futures
        ) {
            if !isLong { return -(try $0("loan")) }
            return try Figures.amount($0("pos"), isBase: true, inBase: inBase, price: $0.optional("markPx"))
                - $0("margin")
        }
        try explain(
            .imr, at: place, "|notional| ÷ lever",
            [
                given(.notional, at: place),
                leverage(position.instrument, side: position.side, marginMode: position.marginMode),
            ], status: .choice, source: Source.futures
        ) { try Figures.initialMargin(notional: $0("notional"), leverage: $0("lever")) }
        try explain(
            .mmr, at: place, "loan × maintenance rate of the tier that the liability stands in",
            [given(.loan, at: place), rate], source: Source.recordedPositions
        ) { try Figures.borrowMaintenance($0("loan"), rate: $0("maintenance rate")) }
        try explain(
            .liquidationFee, at: place, "loan × (1 + maintenance rate) × taker rate",
            [given(.loan, at: place), rate, fee], source: Source.recordedPositions
        ) {
            try Figures.borrowLiquidationFee(
                $0("loan"), maintenanceRate: $0("maintenance rate"), feeRate: $0("taker rate"))
        }
        if position.marginMode == .cross { return }
        let due = "liab × (1 + maintenance rate) × (1 + taker rate)"
        add(
            target(.liqPx, position), try liquidationPrice(of: position),
            isLong ? "\(due) ÷ pos" : "pos ÷ (\(due))", amounts + [rate, fee],
            rounding: "half up to 16 significant digits, at most 16 places",
            source: Source.recordedPositions, isNeighbour: true
        ) {
            try Figures.marginLiquidationPrice(
                held: $0("pos"),
                due: Figures.marginDue(
                    owed: $0("liab"), maintenanceRate: $0("maintenance rate"), feeRate: $0("taker rate")),
                isLong: isLong
            ).map { ExactFraction($0) }
        }
    }
}
