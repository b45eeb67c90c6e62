import Ledger
import Numbers
import Venue

/// The figures of a row of the answer to `positions`: its fields in ASCII order, then what they rest on.
enum PositionRowFigure: String, OKXFigure {
    case adl, availPos, avgPx, baseBal, baseBorrowed, baseInterest, bePx, bizRefId, bizRefType, cTime, ccy
    case clSpotInUseAmt, closeOrderAlgo, deltaBS, deltaPA, fee, fundingFee, gammaBS, gammaPA, hedgedPos, idxPx
    case imr, instId, instType, interest, last, lever, liab, liabCcy, liqPenalty, liqPx, margin, markPx
    case maxSpotInUseAmt, mgnMode, mgnRatio, mmr, nonSettleAvgPx, notionalUsd, optVal, pTime
    case pendingCloseOrdLiabVal, pnl, pos, posCcy, posId, posSide, quoteBal, quoteBorrowed, quoteInterest
    case realizedPnl, settledPnl, spotInUseAmt, spotInUseCcy, thetaBS, thetaPA, tradeId, uTime, upl, uplLastPx
    case uplRatio, uplRatioLastPx, usdPx, vegaBS, vegaPA
    // Not in the row.
    case liquidationFee
    // What is given.
    case baseIndex, quoteIndex, closable
}

/// What decides which words hold of a position's row.
struct PositionRowMode {
    let account: AccountMode
    let isCross: Bool
    let isPair: Bool
    /// Whether a stream pushes it.
    var isPushed = false

    /// Whether its margins are those of the risk unit that it is in.
    var isUnit: Bool { account == .portfolio && isCross && !isPair }
}

/// A row of the answer to `positions`. Margins and profits are in the position's own currency; of a cross
/// contract in portfolio mode margins are its risk unit's, in USD.
final class PositionRow: FigureTable<PositionRowFigure> {
    let valuation: PositionValuation
    /// The same at the last price.
    let atLast: PositionValuation
    let id: String

    override func value(of figure: PositionRowFigure) throws -> ExactFraction {
        switch figure {
        case .availPos where mode.isPair: try self[.pos]
        case .availPos: try self[.closable]
        case .bePx:
            try valuation.price(whereProfitWith: self[.realizedPnl], isShareOfSize: valuation[.takerRate])
        case .clSpotInUseAmt, .maxSpotInUseAmt, .spotInUseAmt: try spotInUse(figure)
        case .idxPx: try self[.baseIndex] / self[.quoteIndex]
        case .imr where mode.isUnit: try ofUnit(.imr)
        case .imr: try valuation[.notional].magnitude / self[.lever]
        case .mmr where mode.isUnit: try ofUnit(.mmr)
        case .mmr where mode.isPair: try valuation[.mmr]
        case .mmr: try valuation[.notional].magnitude * valuation[.maintenanceRate]
        case .liquidationFee where mode.isPair: try valuation[.liquidationFee]
        case .liquidationFee: try valuation[.notional].magnitude * valuation[.takerRate]
        case .last: try atLast.mark()
        case .lever: try valuation.lever()
        case .liab: try -valuation[.liab]
        case .liqPx where mode.isCross: try poolPrice()
        case .liqPx: try valuation[.liqPx]
        case .margin: try valuation[.margin]
        case .markPx: try valuation.mark()
        case .mgnRatio where mode.isCross: try poolRatio()
        case .mgnRatio:
            try isolatedEquity().ratio(to: isolatedRequirement())
        case .notionalUsd: try valuation[.notionalUsd].magnitude
        case .realizedPnl: try self[.pnl] + self[.fundingFee] + self[.fee] + self[.liqPenalty]
        case .liqPenalty: .zero
        case .upl: try valuation[.upl]
        case .uplLastPx: try atLast[.upl]
        case .uplRatio where mode.isPair: try self[.upl].ratio(to: loanBacking())
        case .uplRatio: try profitRatio(of: valuation)
        case .uplRatioLastPx where mode.isPair: try self[.uplLastPx].ratio(to: loanBacking())
        case .uplRatioLastPx: try profitRatio(of: atLast)
        case .usdPx: try valuation[.index]
        default: throw gap(figure)
        }
    }

    /// A margin position has no fees, funding or break-even price of its own.
    override func isThere(_ figure: PositionRowFigure) -> Bool {
        switch figure {
        case .availPos: mode.isPair || valuation.position.side != .net
        case .liab: mode.isPair
        case .bePx, .fee, .fundingFee, .liqPenalty, .pnl, .realizedPnl, .usdPx: !mode.isPair
        case .imr: mode.isCross
        case .margin: !mode.isCross
        case .maxSpotInUseAmt, .spotInUseAmt: unit != nil
        case .clSpotInUseAmt: unit?.spotCap != nil
        default: true
        }
    }

    /// What backs an isolated position, in its own currency.
    func isolatedEquity() throws -> ExactFraction { try valuation.exactMargin() + self[.upl] }

    /// What an isolated position is liquidated at, in its own currency.
    func isolatedRequirement() throws -> ExactFraction { try self[.mmr] + self[.liquidationFee] }

    /// Portfolio margin's unit of a cross contract's underlying; nil in the other modes.
    var unit: RiskUnitFigures? {
        guard mode.isUnit else { return nil }
        return valuation.account.units.first { unit in unit.positions.contains { $0 === valuation } }
    }

    private func ofUnit(_ figure: UnitFigure) throws -> ExactFraction {
        guard let unit else {
            throw FigureGap.missing("The answer does not show the terms of its risk unit.")
        }
        return try unit[figure]
    }

    private func spotInUse(_ figure: PositionRowFigure) throws -> ExactFraction {
        guard let row = unit?.row else {
            return figure == .clSpotInUseAmt ? ExactFraction(unit?.spotCap ?? .zero) : .zero
        }
        switch figure {
        case .clSpotInUseAmt: return try row[.spotCap]
        case .maxSpotInUseAmt: return try row[.maxSpotInUse]
        default: return try row[.spotInUseAmt]
        }
    }

    /// That of the pool that a cross position is in.
    private func poolRatio() throws -> ExactFraction {
        guard mode.account == .futures else { return try valuation.account[.mgnRatio] }
        guard let ratio = try valuation.account.row(valuation.settle)?.ifThere(.mgnRatio) else {
            throw FigureGap.nothing
        }
        return ratio
    }

    /// Where the pool that a cross position is in would be liquidated.
    private func poolPrice() throws -> ExactFraction {
        guard let price = try LiquidationPrice(of: valuation).price() else { throw FigureGap.nothing }
        return ExactFraction(price)
    }

    /// Profit ÷ initial margin at entry.
    private func profitRatio(of position: PositionValuation) throws -> ExactFraction {
        try (position[.upl] * self[.lever]).ratio(to: (position[.cost] * position[.ctVal]).magnitude)
    }

    /// What the profit of a pair is a share of: its margin, or its initial margin where it is cross.
    private func loanBacking() throws -> ExactFraction {
        try valuation[mode.isCross ? .imr : .margin]
    }

    override var name: String { valuation.position.title }
    override var path: String { "positions.\(id)." }

    /// A row without any number yet.
    init(_ valuation: PositionValuation, atLast: PositionValuation, id: String, isPushed: Bool = false) {
        self.valuation = valuation
        self.atLast = atLast
        self.id = id
        super.init(
            valuation.book,
            PositionRowMode(
                account: valuation.mode.account, isCross: valuation.mode.isCross,
                isPair: valuation.mode.isPair, isPushed: isPushed),
            isPushed ? Self.pushed : Self.answered)
    }

    private static let answered = FigureLayout<PositionRowFigure>(
        PositionRowMode(account: .multi, isCross: true, isPair: false))
    private static let pushed = FigureLayout<PositionRowFigure>(
        PositionRowMode(account: .multi, isCross: true, isPair: false, isPushed: true))
}

// MARK: - Of the ledger

extension PositionRow {
    /// A position of the ledger; `last` is the last price, where one is known.
    convenience init(
        _ valuation: PositionValuation, id: String, last: ExactDecimal?, isPushed: Bool = false
    ) throws {
        let account = valuation.account
        let atLast = try last.map { try PositionValuation(valuation, at: $0) } ?? valuation
        self.init(valuation, atLast: atLast, id: id, isPushed: isPushed)
        let position = valuation.position
        give(.pos, position.shownSize)
        give(.avgPx, try position.entryPrice(bookedAt: valuation.bookedPrice))
        give(.fee, -position.fees)
        give(.fundingFee, position.funding)
        give(.pnl, position.realised)
        give(.baseIndex, try account.market.requiredIndex(position.instrument.base))
        give(.quoteIndex, try account.market.requiredIndex(position.instrument.quote))
        let closing = account.account.orders.filter { $0.closesHedgeLeg && $0.position == position.key }
        give(.closable, try position.closable(beside: closing))
    }
}

// The ledger keeps 18 places of what an inverse contract cost and of its margin, which are quotients. Its
// figures are those of the price that was traded.

extension Position {
    /// The price that an inverse contract was opened at; of several the price of fewest places that the kept
    /// cost is booked for, nil without one of at most 15 places.
    var bookedPrice: ExactDecimal? {
        get throws(NumberError) {
            guard margin == nil, instrument.payoff == .inverse else { return nil }
            if let onlyPrice { return onlyPrice }
            let exact = try ExactFraction(quantity).over(cost)
            for places in 0..<16 {
                let price = try exact.rounded(places: places, rounding: .halfUp)
                if price.isPositive, try Self.cost(of: quantity, at: price, in: instrument) == cost {
                    return price
                }
            }
            return nil
        }
    }

    /// `avgPx`: the price that it is booked at, else cost ÷ size to 16 places.
    func entryPrice(bookedAt price: ExactDecimal?) throws(NumberError) -> ExactDecimal {
        if let price { return price }
        return try entryPrice(places: 16, rounding: .halfUp)
    }

    /// What its figures take it to have cost: size ÷ the price that it is booked at, else as it is kept.
    func cost(bookedAt price: ExactDecimal?) throws(NumberError) -> ExactFraction {
        guard let price else { return ExactFraction(cost) }
        return try ExactFraction(quantity).over(price)
    }

    /// The margin of an isolated one in an inverse contract: value at entry ÷ leverage, where that is what
    /// was put in.
    func entryMargin(
        costing exact: ExactFraction, leverage: ExactDecimal
    ) throws(NumberError) -> ExactFraction? {
        let value = instrument.contractValue
        guard marginMode == .isolated, instrument.payoff == .inverse,
            try cost.magnitude.times(value, over: leverage, rounding: .halfEven) == isolatedWallet
        else { return nil }
        return try exact.magnitude.times(value).over(leverage)
    }
}

// MARK: - What is said about them

extension PositionRowFigure {
    /// The fields of a row that a stream pushes, in their order.
    static let fields = allCases.filter { $0.index <= PositionRowFigure.vegaPA.index }

    func facts(in mode: PositionRowMode) -> FigureFacts? {
        value(in: mode) ?? margin(in: mode) ?? spotInUse ?? words(in: mode) ?? input
    }

    /// Size, prices, value and profit.
    private func value(in mode: PositionRowMode) -> FigureFacts? {
        let isPair = mode.isPair
        return switch self {
        case .pos:
            field(
                isPair ? "what it has, the margin of an isolated one included" : "contracts",
                unit: isPair ? Self.unit : "contracts", signed: true, common: .quantity)
        case .availPos:
            field(
                isPair
                    ? "pos" : "of a side of hedge mode what no order waits to close; \"\" of a net position",
                unit: isPair ? Self.unit : "contracts", isAlwaysThere: false)
        case .avgPx:
            field(
                "cost ÷ size; of an inverse contract, whose cost is kept with 18 places, the one price that "
                    + "it was opened at, of several the price of fewest places that such a cost is booked "
                    + "for",
                unit: "price", common: .entryPrice)
        case .markPx: field("mark price", unit: "price", common: .markPrice)
        case .last: field("last price; the mark where none is known", unit: "price")
        case .idxPx:
            field(
                "index price of the base ÷ index price of the quote", unit: "price", .choice,
                isAlwaysThere: false)
        case .usdPx: field("index price of ccy", unit: "USD", common: .index)
        case .notionalUsd:
            field(
                isPair
                    ? "pos × index price of posCcy"
                    : "|pos| × ctVal × markPx × usdPx; of an inverse contract |pos| × ctVal", unit: "USD",
                from: isPair ? Source.recordedPositions : Source.positions, common: .notional)
        case .upl:
            field(
                isPair
                    ? "pos − |liab| ÷ markPx − margin (long in the base), × markPx and the other way round "
                        + "for the others"
                    : "pos × ctVal × (markPx − avgPx); of an inverse contract pos × ctVal × (1 ÷ avgPx − 1 ÷ "
                        + "markPx)", signed: true, from: Source.recordedPositions, common: .unrealizedProfit)
        case .uplLastPx: field("upl at last", signed: true, isAlwaysThere: false)
        case .uplRatio: profitRatio("upl", mode, isAlwaysThere: true)
        case .uplRatioLastPx: profitRatio("uplLastPx", mode, isAlwaysThere: false)
        case .bePx:
            field(
                "the price at which closing at the taker rate pays back realizedPnl", unit: "price",
                from: Source.recordedPositions, isAlwaysThere: false)
        case .pnl:
            field(
                "profit realized since it was opened", signed: true, isNoneAtZero: true, isAlwaysThere: false)
        case .fee:
            field(
                "fees of its fills in ccy, negative when paid", signed: true, isNoneAtZero: true,
                isAlwaysThere: false)
        case .fundingFee:
            field("funding since it was opened", signed: true, isNoneAtZero: true, isAlwaysThere: false)
        case .liqPenalty:
            field(
                "0: what a liquidating fill costs is in fee", signed: true, .choice, isNoneAtZero: true,
                isAlwaysThere: false)
        case .realizedPnl: field("pnl + fee + fundingFee + liqPenalty", signed: true, isAlwaysThere: false)
        case .liab:
            field(
                "what a pair owes, negative", signed: true, from: Source.recordedPositions,
                common: isPair ? .debt : nil)
        default: nil
        }
    }

    private func profitRatio(
        _ profit: String, _ mode: PositionRowMode, isAlwaysThere: Bool
    ) -> FigureFacts {
        field(
            mode.isPair
                ? "\(profit) ÷ \(mode.isCross ? "imr" : "margin")"
                : "\(profit) × lever ÷ |pos × ctVal at avgPx|", unit: "ratio", signed: true,
            from: Source.recordedPositions, isAlwaysThere: isAlwaysThere)
    }

    /// Margins of the position, or of its risk unit.
    private func margin(in mode: PositionRowMode) -> FigureFacts? {
        let isPair = mode.isPair
        return switch self {
        case .lever: field("as set, else the rulebook's", unit: "ratio", evidence: .exact, common: .leverage)
        case .margin: field("margin of an isolated position", common: .wallet)
        case .imr where mode.isUnit:
            field(
                "imr of the risk unit", unit: "USD", .estimate, from: Source.portfolio, common: .initialMargin
            )
        case .imr where isPair:
            field("coins traded, in ccy, ÷ lever", .choice, from: Source.futures, common: .initialMargin)
        case .imr: field("value at markPx ÷ lever; \"\" where it is isolated", common: .initialMargin)
        case .mmr where mode.isUnit:
            field(
                "mmr of the risk unit", unit: "USD", .estimate, from: Source.portfolio,
                common: .maintenanceMargin)
        case .mmr where isPair:
            field(
                "|liab| in ccy × rate of the tier that the loan stands in", from: Source.recordedPositions,
                common: .maintenanceMargin)
        case .mmr: field("value at markPx × rate of the whole position's tier", common: .maintenanceMargin)
        case .mgnRatio where mode.isCross:
            field(
                mode.account == .futures ? "mgnRatio of the row of ccy" : "mgnRatio of the account",
                unit: "ratio",
                signed: true, common: .marginRatio)
        case .mgnRatio:
            field(
                isPair
                    ? "(margin + upl) ÷ (mmr + |liab| in ccy × (1 + rate) × 0.1 %)"
                    : "(margin + upl) ÷ (mmr + value at markPx × taker rate)", unit: "ratio", signed: true,
                from: Source.recordedPositions, common: .marginRatio)
        case .liqPx where mode.isCross:
            field(
                "the mark at which what backs the position meets its requirement", unit: "price", .estimate,
                from: Source.ours, common: .liquidationPrice)
        case .liqPx:
            field(
                isPair
                    ? "|liab| × (1 + rate) × 1.001 ÷ pos (long), pos ÷ that (short)"
                    : "where margin + upl is maintenance margin + liquidation fee, + tick (long), − tick "
                        + "(short)",
                unit: "price", from: Source.recordedPositions, common: .liquidationPrice)
        case .liquidationFee:
            .beside("value at markPx × taker rate", Self.unit, from: Source.recordedPositions)
        default: nil
        }
    }

    /// Portfolio mode: the spot that offsets a cross contract.
    private var spotInUse: FigureFacts? {
        func spot(_ formula: String) -> FigureFacts {
            field(formula, .estimate, from: Source.portfolio, isAlwaysThere: false)
        }
        return switch self {
        case .spotInUseAmt: spot("spotInUseAmt of the row of spotInUseCcy")
        case .maxSpotInUseAmt: spot("maxSpotInUse of the row of spotInUseCcy")
        case .clSpotInUseAmt: spot("clSpotInUseAmt of the row of spotInUseCcy")
        default: nil
        }
    }

    /// What is no number, and what does not exist here.
    private func words(in mode: PositionRowMode) -> FigureFacts? {
        switch self {
        case .adl: chosen("1", isAlwaysThere: true)
        case .cTime: .other("when it was opened", from: Source.positions)
        case .uTime: .other("when it last changed", from: Source.positions)
        case .pTime where mode.isPushed: .other("when it is pushed", from: Source.positions)
        case .pTime: nil
        case .ccy: .other("the currency of margin and profit", from: Source.positions)
        case .instId: .other("the instrument", from: Source.positions)
        case .instType: .other("its type; MARGIN of a pair", from: Source.positions)
        case .mgnMode: .other("`cross` or `isolated`", from: Source.positions)
        case .posId: chosen("made from what tells it apart, so always the same", isAlwaysThere: true)
        case .posSide: .other("`net`, in hedge mode `long` or `short`", from: Source.positions)
        case .posCcy:
            .other(
                "what a pair has; \"\" of a contract", from: Source.recordedPositions, isAlwaysThere: false)
        case .liabCcy: .other("what a pair owes; \"\" of a contract", from: Source.recordedPositions)
        case .spotInUseCcy:
            .other("the underlying, in portfolio mode", from: Source.positions, isAlwaysThere: false)
        case .tradeId: .other("its last trade", from: Source.positions, isAlwaysThere: false)
        case .interest: chosen("0 of a pair: interest is owed as soon as it is booked", isAlwaysThere: true)
        case .pendingCloseOrdLiabVal: chosen("0 of a pair")
        case .baseBal, .baseBorrowed, .baseInterest, .bizRefId, .bizRefType, .closeOrderAlgo, .deltaBS,
            .deltaPA, .gammaBS, .gammaPA, .hedgedPos, .nonSettleAvgPx, .optVal, .quoteBal, .quoteBorrowed,
            .quoteInterest, .settledPnl, .thetaBS, .thetaPA, .vegaBS, .vegaPA:
            chosen("nothing: it does not exist here")
        default: nil
        }
    }

    private var input: FigureFacts? {
        switch self {
        case .baseIndex: .input("index price of the base", "USD", .price)
        case .quoteIndex: .input("index price of the quote", "USD", .price)
        case .closable: .input("what no order waits to close", "contracts", .ledger)
        default: nil
        }
    }
}
