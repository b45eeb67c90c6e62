import JSON
import Ledger
import Numbers
import Venue

// Liquidation prices of the answer to `positions`, worked out by the definition that serves.

extension AccountAudit {
    /// A row's price, from its own wallet where it is isolated, else from what backs all cross positions.
    mutating func checkLiquidationPrice(of row: ReportedObject) {
        guard row["positionAmt"].cutNumber?.isZero == false else { return }
        guard let symbol = rules.symbol(row["symbol"].text) else {
            let check = FigureCheck(
                field: row.path(of: "liquidationPrice"), reported: row["liquidationPrice"],
                formula: Self.priceFormula, inputs: [], source: Source.liquidation,
                precision: .places(BinanceFigures.places))
            let remark = "The rulebook does not know the brackets of \(row["symbol"].text)."
            if let finding = check.notDerivable(remark) { add(finding) }
            return
        }
        if answers.marginMode(of: row) == .isolated {
            hold(
                row, "liquidationPrice", Self.priceFormula + "; the backing is isolatedWallet",
                [row.input("positionAmt"), Self.legPrice(of: row), row.input("isolatedWallet")]
                    + [row.input("markPrice")],
                source: Source.liquidation, units: 2, .estimate(Self.rulebookBrackets)
            ) { numbers in
                try BinanceFigures.liquidationPrice(
                    of: [Self.leg(numbers[0], entry: numbers[1], symbol)],
                    balance: ExactFraction(numbers[2]), markPrice: numbers[3])
            }
        } else {
            checkCrossPrice(of: row, symbol)
        }
    }

    private static let priceFormula =
        "(backing + Σ cum − Σ positionAmt × entry price) ÷ (Σ |positionAmt| × maintenance rate − "
        + "Σ positionAmt), with the brackets that hold there"

    /// An entry price with the unit that its print form leaves open: all of it counts in a liquidation price.
    private static func legPrice(of row: ReportedObject) -> AuditInput {
        let input = row.input("entryPrice")
        guard case .number(let price, _) = input.value, price.fractionDigits >= BinanceFigures.places else {
            return entryPrice(of: row)
        }
        return AuditInput(
            input.name, input.value, blur: FigurePrecision.places(price.fractionDigits).unit(of: price))
    }

    private static func leg(
        _ quantity: ExactDecimal, entry: ExactDecimal, _ symbol: SymbolRules
    ) throws(NumberError) -> LiquidationLeg {
        LiquidationLeg(
            quantity: quantity, cost: try cost(quantity, entry: entry), brackets: symbol.brackets)
    }

    /// What a symbol's cross positions are, as the inputs of their common price have it.
    private struct CrossLegs {
        /// Of each leg positionAmt and entry price, then profit and maintenance margin.
        let inputs: [AuditInput]
        let count: Int

        var size: Int { 4 * count }

        func legs(
            _ numbers: [ExactDecimal], _ symbol: SymbolRules
        ) throws(NumberError) -> [LiquidationLeg] {
            var legs: [LiquidationLeg] = []
            for place in 0..<count {
                legs.append(
                    try AccountAudit.leg(numbers[4 * place], entry: numbers[4 * place + 1], symbol))
            }
            return legs
        }

        func profit(_ numbers: [ExactDecimal]) throws(NumberError) -> ExactDecimal {
            try (0..<count).map { numbers[4 * $0 + 2] }.sum()
        }

        func maintenance(_ numbers: [ExactDecimal]) throws(NumberError) -> ExactDecimal {
            try (0..<count).map { numbers[4 * $0 + 3] }.sum()
        }
    }

    /// Sizes and entry prices stand in the answer to `positions`; profits and margins are those of the
    /// account's own answer, like the balances that they are taken off.
    private func crossLegs(of symbol: String) -> CrossLegs {
        let rows = answers.risks.filter {
            $0["symbol"].text == symbol && answers.marginMode(of: $0) == .cross
                && $0["positionAmt"].cutNumber?.isZero != true
        }
        let inputs = rows.flatMap { row -> [AuditInput] in
            let own = answers.positions.first {
                $0["symbol"] == row["symbol"] && $0["positionSide"] == row["positionSide"]
            }
            return [row.input("positionAmt"), Self.legPrice(of: row)]
                + ["unrealizedProfit", "maintMargin"].map { field in
                    own?.input(field) ?? AuditInput("\(field) of \(symbol) in the account's answer", .absent)
                }
        }
        return CrossLegs(inputs: inputs, count: rows.count)
    }

    private mutating func checkCrossPrice(of row: ReportedObject, _ symbol: SymbolRules) {
        let legs = crossLegs(of: row["symbol"].text)
        let asset = marginAsset(of: row) ?? ""
        let place = answers.assets.firstIndex { $0["asset"].text == asset }
        let isPooled =
            answers.mode == .multiAssets
            && place.map { answers.assets[$0].value["marginAvailable"]?.boolean != false } ?? true
        if isPooled {
            checkPooledPrice(of: row, symbol, legs, asset)
            return
        }
        // The asset's margin counts isolated positions too.
        let isolated = (positions(of: asset) ?? []).filter { answers.marginMode(of: $0) == .isolated }
        let backing = ["crossWalletBalance", "crossUnPnl", "maintMargin"].map { field in
            place.map { answers.assets[$0].input(field) } ?? AuditInput("\(field) of \(asset)", .absent)
        }
        hold(
            row, "liquidationPrice",
            Self.priceFormula + "; the backing is crossWalletBalance + crossUnPnl − maintMargin of cross "
                + "positions, the symbol's own left out",
            legs.inputs + [row.input("markPrice")] + backing + isolated.map { $0.input("maintMargin") },
            source: Source.liquidation, units: 2, .estimate(Self.unsure)
        ) { numbers in
            let rest = Array(numbers.dropFirst(legs.size + 1))
            let balance = try BinanceFigures.crossBalance(
                crossWalletBalance: rest[0], profitOfOthers: rest[1] - legs.profit(numbers),
                maintenanceOfOthers: rest[2] - rest.dropFirst(3).sum() - legs.maintenance(numbers))
            return try BinanceFigures.liquidationPrice(
                of: legs.legs(numbers, symbol), balance: balance, markPrice: numbers[legs.size])
        }
    }

    /// Multi-assets mode: everything that counts as margin backs every position.
    private mutating func checkPooledPrice(
        of row: ReportedObject, _ symbol: SymbolRules, _ legs: CrossLegs, _ asset: String
    ) {
        let pool = zip(answers.assets, rates).filter { row, _ in
            row.value["marginAvailable"]?.boolean != false
                && (row["asset"].text == asset || row["marginBalance"].cutNumber?.isZero != true
                    || row["maintMargin"].cutNumber?.isZero != true)
        }
        let own = pool.firstIndex { $0.0["asset"].text == asset }
        let inputs = pool.flatMap { row, rates -> [AuditInput] in
            let name = row["asset"].text
            return [
                row.input("marginBalance"), row.input("maintMargin"),
                rates.bid ?? AuditInput("bid rate of \(name)", .absent),
                rates.ask ?? AuditInput("ask rate of \(name)", .absent),
            ]
        }
        let missing = own == nil ? [AuditInput("marginBalance of \(asset)", .absent)] : []
        hold(
            row, "liquidationPrice",
            Self.priceFormula + "; the backing is Σ over the margin assets of marginBalance × bid rate (ask "
                + "rate where it is negative) − maintMargin × ask rate, the symbol's own profit and margin "
                + "left out, ÷ ask rate of \(asset)",
            legs.inputs + [row.input("markPrice")] + inputs + missing, source: Source.liquidation, units: 2,
            .estimate(Self.unsure)
        ) { numbers in
            let start = legs.size + 1
            var assets: [(equity: ExactDecimal, maintenance: ExactDecimal, rates: AssetRates)] = []
            for place in pool.indices {
                let four = numbers[(start + 4 * place)..<(start + 4 * place + 4)]
                let isOwn = place == own
                let first = four.startIndex
                assets.append(
                    (
                        try four[first] - (isOwn ? legs.profit(numbers) : .zero),
                        try four[first + 1] - (isOwn ? legs.maintenance(numbers) : .zero),
                        AssetRates(bid: four[first + 2], ask: four[first + 3])
                    ))
            }
            guard let own else { return nil }
            let balance = try BinanceFigures.crossBalance(of: assets, askRate: assets[own].rates.ask)
            return try BinanceFigures.liquidationPrice(
                of: legs.legs(numbers, symbol), balance: balance, markPrice: numbers[legs.size])
        }
    }

    private static let unsure = rulebookBrackets + " " + otherMoment
}
