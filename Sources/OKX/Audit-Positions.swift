import Ledger
import Numbers
import Venue

// Rows of the answer to `positions`, each in itself: its prices are those of the same moment. What of a
// contract or a spot pair on margin is held against its definition, and what stands for what no row shows.

extension PositionRow {
    /// What of the row is held.
    func findings(_ row: ReportedObject) -> [AuditFinding] {
        let isIsolated = !mode.isCross
        valuation.takeRates()
        // A profit that was printed has lost digits that a share of it has.
        for figure in [PositionFigure.upl, .notionalUsd] { valuation.drop(figure) }
        var found = audit(
            where: { figure in
                switch figure {
                case .upl, .uplLastPx, .mmr, .realizedPnl: true
                case .imr: !mode.isPair || mode.isCross
                case .notionalUsd: !valuation.mode.isInverse
                case .uplRatio, .uplRatioLastPx: !mode.isPair || isIsolated
                default: false
                }
            }, doubt: { doubt(of: $0, row) })
        if valuation.mode.isInverse { found += [inverseNotional(row)].compactMap { $0 } }
        if isIsolated { found += [ratio(row)].compactMap { $0 } }
        if !mode.isPair { found += [breakEven(row)].compactMap { $0 } }
        if isIsolated { found += [liquidation(row)].compactMap { $0 } }
        return found
    }

    private func doubt(of figure: PositionRowFigure, _ row: ReportedObject) -> FigureCheck.Difference? {
        switch figure {
        case .upl where row.isDated, .realizedPnl where row.isDated: .estimate(Self.settled)
        case .realizedPnl where reported(figure)?.isZero == true:
            .estimate("Recorded rows have 0 there while nothing is closed, whatever was paid.")
        case .uplLastPx,
            .uplRatioLastPx where !mode.isPair:
            .estimate("Which trade was the last one then is not shown.")
        case .uplRatio where mode.isPair, .uplRatioLastPx:
            .estimate("Margin that was added or taken out is not part of the initial margin.")
        case .uplRatio: .estimate("Which leverage it is counted with after a change is not documented.")
        default: nil
        }
    }

    private static let settled = "What was settled of a dated future meanwhile is not shown."

    /// In USD an inverse contract is worth its face. Recordings of 2021 have its coins × the coin's index
    /// price instead, those of 2025 the face; when that changed is not known.
    private func inverseNotional(_ row: ReportedObject) -> AuditFinding? {
        let price = ["usdPx", "idxPx"].first { row.isFilled($0) }
        if let price {
            valuation.infer(
                .notionalUsd, as: "|pos| × contract value ÷ markPx × \(price), as recorded in 2021"
            ) {
                try valuation.implied(.notional) * row.implied(price)
            }
            let asCoins = audit(.notionalUsd)
            valuation.drop(.notionalUsd)
            if let asCoins, asCoins.isMet { return asCoins }
        }
        let isOlder =
            price == nil && (try? Inference.isNearFace(row, valuation.value(of: .notionalUsd))) == true
        return audit(
            .notionalUsd,
            doubt: isOlder
                ? .estimate("Until a day between 2021 and 2025 it was coins × an index price not shown here.")
                : nil)
    }

    /// `mgnRatio` of an isolated position; of a pair at the rate that its own `mmr` was taken at.
    private func ratio(_ row: ReportedObject) -> AuditFinding? {
        let path = row.path(of: PositionRowFigure.mmr.rawValue)
        if mode.isPair {
            valuation.infer(.maintenanceRate, as: "\(path) ÷ |liab| in ccy", from: [path]) {
                try row.implied(PositionRowFigure.mmr.rawValue) / valuation.implied(.loan)
            }
        }
        return audit(
            .mgnRatio, doubt: .estimate("The account's own fee rate may be another than the rulebook's."))
    }

    /// `bePx`: neither the fee rate of closing is in the answer, nor always what opening cost. Tried are the
    /// rulebook's rate and the one that `fee` was paid at; where no fee is shown, one at the same rate.
    private func breakEven(_ row: ReportedObject) -> AuditFinding? {
        guard row.isFilled(PositionRowFigure.bePx.rawValue) else { return nil }
        let parts = ["pnl", "fee", "fundingFee", "liqPenalty", "settledPnl"].filter { row.isFilled($0) }
        let paths = parts.map(row.path(of:))
        let unknown = FigureCheck.Difference.estimate(
            "The account's own fee rate may be another, and is not shown.")
        func size() throws -> ExactFraction { try valuation[.cost].magnitude * valuation[.ctVal] }
        func realized() {
            infer(.realizedPnl, as: parts.joined(separator: " + "), from: paths, unknown) {
                try parts.reduce(ImpliedNumber(.zero)) { try $0 + row.implied($1) }
            }
        }
        realized()
        valuation.takeRates()
        let first = audit(.bePx, doubt: unknown)
        if let first, first.isMet { return first }
        // The rate that the fee of opening was paid at.
        let feePath = row.path(of: "fee")
        valuation.infer(.takerRate, as: "rate that \(feePath) was paid at", from: [feePath]) {
            let rate = try row.implied("fee").exact.magnitude / size()
            return ImpliedNumber(try rate.rounded(places: 5, rounding: .halfEven))
        }
        if let second = audit(.bePx, doubt: unknown), second.isMet { return second }
        valuation.takeRates()
        // Opening cost as much as closing will.
        infer(.realizedPnl, as: "taker fee of opening") {
            let fee = try size() * valuation[.takerRate]
            return ImpliedNumber(-fee, FigureRange(-fee))
        }
        if let third = audit(.bePx, doubt: unknown), third.isMet { return third }
        realized()
        return first
    }

    /// `liqPx` of an isolated position, from what the row says must be kept: its own `mgnRatio` holds the
    /// tier's rate and the account's fee rate.
    private func liquidation(_ row: ReportedObject) -> AuditFinding? {
        let base = mode.isPair ? PositionFigure.loan : .notional
        valuation.recover(.takerRate, .zero, as: "fee rate, which mgnRatio holds too")
        valuation.infer(
            .maintenanceRate, as: "what mgnRatio says must be kept, as a share",
            from: ["margin", "upl", "mgnRatio"].map(row.path(of:))
        ) { try Inference.requirement(of: row, per: valuation.implied(base).magnitude) }
        if mode.isPair { return audit(.liqPx) }
        valuation.recover(.ticks, .one, as: "one step")
        func audited(_ tick: ExactDecimal, as name: String, _ doubt: FigureCheck.Difference?) -> AuditFinding?
        {
            valuation.recover(.tickSz, tick, as: name)
            return audit(.liqPx, doubt: doubt)
        }
        let known = valuation.rules.flatMap { rules in
            try? rules.tick.times(
                valuation.account.rules.margin.isolatedLiquidationTicks, rounding: .halfEven)
        }
        let name = "ticks × tickSz of \(valuation.position.instrument.name)"
        let implied = "tick that liqPx and last imply"
        if let known, let met = audited(known, as: name, nil), met.isMet { return met }
        let ticks = Inference.ticks(of: row)
        for tick in ticks { if let met = audited(tick, as: implied, nil), met.isMet { return met } }
        if let known { return audited(known, as: name, row.isDated ? .estimate(Self.settled) : nil) }
        return ticks.first.flatMap {
            audited($0, as: implied, .estimate("The rulebook does not know the instrument's tick."))
        }
    }
}

// MARK: - What is reported

extension PositionRow {
    /// A row of the answer to `positions`.
    convenience init(_ valuation: PositionValuation, _ row: ReportedObject, _ answers: ReportedAccount) {
        let moment = answers.moment(of: .positions)
        let atLast = PositionValuation(row, answers, in: valuation.account) ?? valuation
        if atLast !== valuation {
            atLast.report(
                .markPx, row, PositionRowFigure.last.rawValue, at: moment, asInput: true, evidence: .binary)
        }
        self.init(valuation, atLast: atLast, id: row["posId"].text)
        for figure in PositionRowFigure.fields where figure.facts(in: mode)?.isShown == true {
            report(figure, row, at: moment)
        }
    }
}

extension AccountFigures {
    /// The positions of the answers, as far as the account's own figures and those of its currencies are
    /// made of them.
    func take(_ positions: [PositionRow?], of answers: ReportedAccount) {
        for (row, position) in zip(answers.positions, positions) {
            guard let valuation = position?.valuation else { continue }
            valuation.takeFigures(row, at: answers.moment(of: .positions))
            let own = rows.first { $0.name == row["ccy"].text }
            if valuation.isCross { own?.cross.append(valuation) } else { own?.isolated.append(valuation) }
            if valuation.mode.isPair, !valuation.isCross {
                rows.first { $0.name == row["liabCcy"].text }?.owing.append(valuation)
            }
        }
        guard answers.showsCrossContracts(in: mode) else { return }
        // What pairs need is in their own currencies.
        self.positions = positions.compactMap { $0?.valuation }.filter { !$0.mode.isPair }
        for (row, position) in zip(answers.positions, positions) { position?.valuation.takeOwnRate(row) }
    }
}

extension PositionValuation {
    /// What a position's row says of it, without the figures that follow; nil of a pair of which the row does
    /// not say which coins it is in.
    convenience init?(_ row: ReportedObject, _ answers: ReportedAccount, in account: AccountFigures) {
        guard !row.isOnMargin || row.namesItsCurrencies else { return nil }
        let known = account.rules.instrument(row["instId"].text)
        let terms = known?.terms ?? row.terms
        let isShort = row.positionSide == .short || row["pos"].truncatedNumber?.isNegative == true
        let isLong = row.isOnMargin ? row.holdsBase : !isShort
        let contracts = row["pos"].truncatedNumber.map { isShort ? -$0.magnitude : $0 }
        self.init(
            Position(
                instrument: terms, side: row.positionSide, marginMode: row.marginMode,
                quantity: contracts ?? .zero, cost: .zero, openedAt: LedgerTime(milliseconds: 0)), known,
            settle: account.rules.assetPlace(row["ccy"].text) ?? -1,
            PositionMode(
                account: account.mode,
                kind: row.isOnMargin
                    ? .pair(inBase: row.hasMarginInBase) : terms.payoff == .inverse ? .inverse : .linear,
                isLong: isLong, isCross: row.marginMode == .cross, settle: row["ccy"].text), in: account)
        let moment = answers.moment(of: .positions)
        isLeverageSet = true
        report(.ownLever, row, PositionRowFigure.lever.rawValue, at: moment, asInput: true)
        let prices: [(PositionFigure, String)] = [(.markPx, "markPx"), (.index, "usdPx")]
        for (figure, field) in prices {
            report(figure, row, field, at: moment, asInput: true, evidence: .binary)
        }
        if mode.isCross {
            recover(.margin, .zero, as: "no margin of its own")
        } else {
            report(.margin, row, at: moment, asInput: true, evidence: .binary)
        }
        if mode.isPair { takeLoan(row, answers) } else { takeContracts(row, contracts, at: moment) }
        takeRates()
    }

    /// What a contract's row is made of. Contracts are counted, so that nothing is left open of `pos`.
    private func takeContracts(
        _ row: ReportedObject, _ contracts: ExactDecimal?, at moment: Int64
    ) {
        if let contracts, row["pos"].truncatedNumber != contracts {
            recover(.pos, contracts, as: row.path(of: "pos"), at: moment)
        } else {
            report(.pos, row, at: moment, asInput: true)
        }
        let entry = row.path(of: "avgPx")
        infer(
            .cost, as: mode.isInverse ? "pos ÷ \(entry)" : "pos × \(entry)", from: [entry], at: moment
        ) {
            guard let contracts else {
                throw FigureGap.missing("\(row.path(of: "pos")) is \(row["pos"].shown).")
            }
            return try Inference.cost(of: row, contracts, isInverse: mode.isInverse)
        }
        takeContractValue(row)
        if mode.isInverse, let contracts, Inference.isCostBooked(of: row, self) {
            infer(.cost, as: "pos ÷ \(entry)", from: [entry], at: moment) {
                try Inference.cost(of: row, contracts, isInverse: true).booked
            }
        }
    }

    /// The rulebook's contract value, or that of the environment which the row is of: demo trading and
    /// instruments that the rulebook does not know have others.
    private func takeContractValue(_ row: ReportedObject) {
        recover(.ctVal, .one, as: "a contract value of 1")
        let implied = Inference.contractValues(of: row, self)
        let fields = implied.map(\.field).joined(separator: " and ")
        let doubt = FigureCheck.Difference.estimate(Self.otherContract)
        let known = rules?.terms.contractValue
        let isOther = Set(implied.map(\.value)).count == 1 && implied.first?.value != known
        drop(.ctVal)
        book.forget()
        if let known {
            let name = position.instrument.name
            // One figure alone that tells another contract value may as well be wrong itself.
            if isOther, implied.count > 1 {
                recover(
                    .ctVal, implied[0].value,
                    as: "contract value that \(fields) imply; the rulebook's \(known) of \(name) is not "
                        + "this environment's", doubt)
            } else {
                recover(.ctVal, known, as: "contract value of \(name)", isOther ? doubt : .contradicts)
            }
        } else if let first = implied.first {
            recover(.ctVal, first.value, as: "contract value that \(first.field) implies", doubt)
        } else {
            lack(
                .ctVal,
                because: "The rulebook does not know the instrument, and its contract value is in no figure.")
        }
    }

    private static let otherContract =
        "The row implies a contract value that is not the rulebook's, as in demo trading or of an instrument "
        + "that it does not know."

    /// What a pair's row has and owes.
    private func takeLoan(_ row: ReportedObject, _ answers: ReportedAccount) {
        let moment = answers.moment(of: .positions)
        report(.pos, row, at: moment, asInput: true, evidence: .binary)
        infer(.liab, as: "|\(row.path(of: "liab"))|", from: [row.path(of: "liab")], at: moment) {
            try row.implied("liab").magnitude
        }
        mode.isMarginApart = !mode.isCross && Inference.isMarginApart(row, self)
        let held = row["posCcy"].text
        infer(
            .heldIndex, as: "USD price of \(held)", at: answers.moment(of: .balance),
            .estimate(AccountAudit.otherMoment)
        ) {
            guard let detail = answers.detail(held) else {
                throw FigureGap.missing("USD price of \(held) is absent.")
            }
            return try Inference.price(of: detail).number
        }
    }

    /// The rulebook's rates.
    func takeRates() {
        let margin = account.rules.margin
        let isDated = position.instrument.kind == .future
        let rate =
            mode.isPair
            ? margin.borrowLiquidationFee : isDated ? margin.futuresTakerRate : margin.swapTakerRate
        recover(.takerRate, rules?.takerRate ?? rate, as: "taker rate")
        if let tier = reportedTier {
            recover(
                .maintenanceRate, tier.maintenanceRate, as: "maintenance rate of tier \(tier.number)",
                .estimate(AccountAudit.rulebook))
        } else {
            lack(
                .maintenanceRate,
                because: mode.isPair
                    ? "The rulebook does not know the pair's loan tiers."
                    : "The rulebook does not know the instrument's tiers.")
        }
    }

    private var reportedTier: PositionTier? {
        guard mode.isPair else { return reported(.pos).flatMap { rules?.tier(of: $0.magnitude) } }
        let pair = position.instrument
        let owed = mode.isLong ? pair.quote : pair.base
        return reported(.liab).flatMap {
            rules?.loans?.tier(of: Liability(asset: owed, amount: $0), in: pair)
        }
    }

    /// The rate that a cross position's own margins imply, whatever its tier.
    func takeOwnRate(_ row: ReportedObject) {
        infer(.maintenanceRate, as: "mmr ÷ (imr × lever) of \(name)") {
            try Inference.maintenanceRate(of: row)
        }
    }

    /// The figures of its row: what the account's and its currencies' figures add up.
    func takeFigures(_ row: ReportedObject, at moment: Int64) {
        let isPool = mode.account == .futures
        for figure in [PositionFigure.upl, .notionalUsd] + (isPool ? [.imr, .mmr] : [])
        where row.isFilled(figure.rawValue) {
            report(figure, row, at: moment, asInput: true, evidence: .binary)
        }
    }
}

extension ReportedObject {
    /// Whether it is of what is worked out: contracts, and pairs on margin.
    var isWorkedOut: Bool { isOnMargin || ["", "SWAP", "FUTURES"].contains(self["instType"].text) }

    /// Whether it is of a dated future.
    var isDated: Bool { self["instType"].text == InstrumentType.futures.rawValue }

    /// The terms of an instrument that the rulebook does not know, as far as its name tells them.
    fileprivate var terms: Instrument {
        let parts = self["instId"].text.split(separator: "-", omittingEmptySubsequences: false).map(
            String.init)
        let (base, quote, settle) = (parts[0], parts.count > 1 ? parts[1] : "", self["ccy"].text)
        return Instrument(
            venue: OKXVenue.name, name: self["instId"].text,
            kind: isOnMargin ? .spot : isDated ? .future : .perpetual, base: base, quote: quote,
            settle: settle,
            payoff: parts.count > 2 && base == settle && quote != settle ? .inverse : .linear)
    }
}
