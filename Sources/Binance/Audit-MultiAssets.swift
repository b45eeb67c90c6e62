import JSON
import Numbers
import Venue

// Multi-assets mode: one pool in USD. The answer does not name the rates that it converts at; its rows imply
// them, because each shows the pool in its own asset.

/// The rates of one asset row.
struct ImpliedRates {
    /// nil where nothing tells it.
    let ask: AuditInput?
    let bid: AuditInput?
    /// Whether the rates are those of the answer itself, not of a moment before or after it.
    let isOfTheAnswer: Bool
    /// Whether the buffer between the rates is the venue's own, not the rulebook's.
    let isBufferReported: Bool

    init(of row: ReportedObject, in answers: ReportedAccount, rules: RuleTable) {
        let asset = row["asset"].text
        let price = answers.price(of: asset)
        let quoted = (bid: price?["bidRate"].number, ask: price?["askRate"].number)
        guard let implied = Self.impliedAsk(row, answers.account) else {
            ask = price.flatMap { quoted.ask == nil ? nil : $0.input("askRate") }
            bid = price.flatMap { quoted.bid == nil ? nil : $0.input("bidRate") }
            isOfTheAnswer = false
            isBufferReported = true
            return
        }
        isOfTheAnswer = true
        ask = AuditInput(derived: "ask rate of \(asset)", implied.rate, blur: implied.blur)
        if implied.blur.isZero, quoted.ask == implied.rate, let bidRate = quoted.bid {
            bid = AuditInput(derived: "bid rate of \(asset)", bidRate, blur: .zero)
            isBufferReported = true
            return
        }
        if let bidBuffer = price?["bidBuffer"].number, let askBuffer = price?["askBuffer"].number {
            bid = Self.bid(of: asset, ask: implied, bidBuffer: bidBuffer, askBuffer: askBuffer)
            isBufferReported = true
        } else {
            let known = rules.asset(asset)
            bid = Self.bid(of: asset, ask: implied, bidBuffer: known?.bidBuffer, askBuffer: known?.askBuffer)
            isBufferReported = false
        }
    }

    /// The ask rate that makes the row's available balance out of the account's: available in USD ÷ that of
    /// the row, which was cut to 8 places. Exact where one rate of 8 places alone does it.
    private static func impliedAsk(
        _ row: ReportedObject, _ account: ReportedObject
    ) -> (rate: ExactDecimal, blur: ExactDecimal)? {
        guard let total = account["availableBalance"].number, let own = row["availableBalance"].number,
            total.isPositive, own.isPositive
        else { return nil }
        do {
            let unit = FigurePrecision.places(BinanceFigures.places).unit(of: total)
            let upper = try total.over(own, rounding: .towardZero)
            let lower = try total.over(own + unit, rounding: .towardZero)
            let candidate = upper.cut(places: BinanceFigures.places)
            if candidate > lower, try candidate - unit <= lower { return (candidate, .zero) }
            return (upper, try upper - lower)
        } catch {
            return nil
        }
    }

    /// index × (1 − bid buffer), of the index that the ask rate implies.
    private static func bid(
        of asset: String, ask: (rate: ExactDecimal, blur: ExactDecimal), bidBuffer: ExactDecimal?,
        askBuffer: ExactDecimal?
    ) -> AuditInput? {
        guard let bidBuffer, let askBuffer else { return nil }
        do {
            let index = try ask.rate.over(ExactDecimal.one + askBuffer, rounding: .halfEven)
            let rate = try BinanceFigures.bidRate(index: index, bidBuffer: bidBuffer)
            // Both rates were cut to 8 places.
            let unit = FigurePrecision.places(BinanceFigures.places).unit(of: rate)
            return AuditInput(derived: "bid rate of \(asset)", rate, blur: try ask.blur + unit + unit)
        } catch {
            return nil
        }
    }
}

extension AccountAudit {
    /// Totals that are margins, converted at the ask rate, and the fields of the rows.
    private static let requirements = [
        ("totalInitialMargin", "initialMargin"), ("totalMaintMargin", "maintMargin"),
        ("totalPositionInitialMargin", "positionInitialMargin"),
        ("totalOpenOrderInitialMargin", "openOrderInitialMargin"),
    ]
    /// Totals that are balances or profits: at the bid rate what is owned, at the ask rate what is owed.
    private static let values = [
        ("totalWalletBalance", "walletBalance"), ("totalUnrealizedProfit", "unrealizedProfit"),
        ("totalMarginBalance", "marginBalance"), ("totalCrossWalletBalance", "crossWalletBalance"),
        ("totalCrossUnPnl", "crossUnPnl"),
    ]

    mutating func checkMultiAssetsTotals() {
        for (total, field) in Self.requirements { checkTotal(total, field, isRequirement: true) }
        for (total, field) in Self.values { checkTotal(total, field, isRequirement: false) }
        let account = answers.account
        hold(
            account, "availableBalance", "max(0, totalMarginBalance − totalInitialMargin)",
            [account.input("totalMarginBalance"), account.input("totalInitialMargin")],
            source: Source.multiAssets
        ) {
            BinanceFigures.availableBalance(
                unfloored: try BinanceFigures.unflooredAvailable(
                    totalMarginBalance: $0[0], totalInitialMargin: $0[1]))
        }
        hold(
            account, "maxWithdrawAmount",
            "max(0, min(totalCrossWalletBalance − totalMaintMargin, availableBalance))",
            ["totalCrossWalletBalance", "totalMaintMargin", "availableBalance"].map { account.input($0) },
            .hidden("No document states this formula; the venue may hold back more.", above: .zero)
        ) {
            try BinanceFigures.maxWithdrawAmount(
                totalCrossWalletBalance: $0[0], totalMaintMargin: $0[1], availableBalance: $0[2])
        }
    }

    /// A total: Σ over the asset rows, each converted and cut by itself.
    ///
    /// Where a buffer is the rulebook's and the total does not agree with it, the total is held against the
    /// ask rates, which no value can exceed: what is left is what the buffers take off.
    private mutating func checkTotal(_ total: String, _ field: String, isRequirement: Bool) {
        var amounts: [(row: ReportedObject, rates: ImpliedRates)] = []
        for (row, rate) in zip(answers.assets, rates) where row.value["marginAvailable"]?.boolean != false {
            if row[field].cutNumber?.isZero != true { amounts.append((row, rate)) }
        }
        let isOfTheAnswer = amounts.allSatisfy(\.rates.isOfTheAnswer)
        let isKnown = isRequirement || amounts.allSatisfy(\.rates.isBufferReported)
        let difference: FigureCheck.Difference =
            isOfTheAnswer && isKnown
            ? .contradicts : .estimate(isOfTheAnswer ? Self.rulebookBuffers : Self.otherMoment)
        let finding = sum(total, field, amounts, isRequirement: isRequirement, atAsk: false, difference)
        if let finding, finding.verdict == .notDerivable, isOfTheAnswer, !isKnown {
            let bound = sum(
                total, field, amounts, isRequirement: isRequirement, atAsk: true,
                .hidden(Self.rulebookBuffers + " What is expected is at the ask rates.", above: .zero))
            bound.map { add($0) }
        } else {
            finding.map { add($0) }
        }
    }

    private static let rulebookBuffers =
        "No answer tells the buffers between bid and ask rates; the rulebook's may not be the venue's."

    private func sum(
        _ total: String, _ field: String, _ amounts: [(row: ReportedObject, rates: ImpliedRates)],
        isRequirement: Bool, atAsk: Bool, _ difference: FigureCheck.Difference
    ) -> AuditFinding? {
        let count = amounts.count
        func missing(_ rate: String, _ row: ReportedObject) -> AuditInput {
            AuditInput("\(rate) rate of \(row["asset"].text)", .absent)
        }
        let asks = amounts.map { $0.rates.ask ?? missing("ask", $0.row) }
        // A requirement needs the ask rate alone.
        let bids = amounts.indices.map { place in
            isRequirement || atAsk
                ? asks[place] : amounts[place].rates.bid ?? missing("bid", amounts[place].row)
        }
        let check = FigureCheck(
            field: total, reported: answers.account[total],
            formula: isRequirement
                ? "Σ \(field) × ask rate, each cut"
                : "Σ \(field) × bid rate (ask rate where it is negative), each cut",
            inputs: amounts.map { $0.row.input(field) } + asks + (isRequirement || atAsk ? [] : bids),
            source: Source.multiAssets, precision: .places(BinanceFigures.places),
            allowedUnits: max(1, count))
        return check.finding(difference) { numbers in
            var sum = ExactDecimal.zero
            for place in 0..<count {
                let ask = numbers[count + place]
                try sum +=
                    isRequirement
                    ? BinanceFigures.usdRequirement(of: numbers[place], askRate: ask)
                    : BinanceFigures.usdValue(
                        of: numbers[place], bidRate: atAsk ? ask : numbers[2 * count + place], askRate: ask)
            }
            return sum
        }
    }

    /// What a row shows of the account's one pool.
    mutating func checkPool(of row: ReportedObject) {
        let asset = row["asset"].text
        if let price = answers.price(of: asset) {
            hold(
                row, "availableBalance", "availableBalance of the account ÷ ask rate, cut",
                [answers.account.input("availableBalance"), price.input("askRate")],
                source: Source.multiAssets, .estimate(Self.otherMoment)
            ) { try BinanceFigures.availableBalance(accountAvailable: $0[0], askRate: $0[1]) }
        }
        hold(
            row, "maxWithdrawAmount", "max(0, min(walletBalance, availableBalance))",
            [row.input("walletBalance"), row.input("availableBalance")],
            .hidden("No document states this formula; the venue may hold back more.", above: .zero)
        ) { BinanceFigures.maxWithdrawAmount(walletBalance: $0[0], availableBalance: $0[1]) }
    }
}
