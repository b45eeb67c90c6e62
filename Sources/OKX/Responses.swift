import JSON
import Ledger
import Numbers
import Venue

// Answers as statements: nothing worked out, every field under its own path.

extension OKXVenue {
    /// The account as one statement, from the answer to `balance` and what of the others is there; without
    /// that answer from the one to `positions`.
    ///
    /// Throws where both are missing or one is not the venue's; every other oddity is drift.
    public func statements(from bodies: [RecordedBody], account: String) throws(ReadingError) -> [Statement] {
        let answers = bodies.map(ReportedAnswer.init)
        let reported = try ReportedAccount(answers)
        return [
            Statement(
                venue: Self.name, account: account, identifier: accountIdentifier(in: bodies),
                mode: reported.modeName,
                takenAt: bodies.map(\.takenAt).max() ?? 0,
                venueTime: Int64(reported.account["uTime"].text), bodies: bodies, figures: reported.figures,
                assets: reported.assetStatements, positions: reported.positionStatements,
                drift: answers.drift(KnownShapes.shape))
        ]
    }
}

/// The answers that an account was read from, taken apart.
struct ReportedAccount {
    /// The one account object of the balance; empty where there are positions alone.
    let account: ReportedObject
    /// Its currency rows.
    let details: [ReportedObject]
    /// Rows of the answer to `positions`; none where it was not asked or not answered.
    let positions: [ReportedObject]
    let config: ReportedObject?
    /// Rows of the answer to `open-orders`; nil where it was not asked or not answered.
    let orders: [ReportedObject]?
    /// When the answer to each call came in.
    let moments: [String: Int64]

    /// How many open orders one answer holds at most.
    static let orderLimit = 100

    /// Throws where the balance is missing or unreadable.
    init(_ bodies: [RecordedBody]) throws(ReadingError) { try self.init(bodies.map(ReportedAnswer.init)) }

    /// The same of answers that were read.
    init(_ answers: [ReportedAnswer]) throws(ReadingError) {
        positions = answers.rows(.positions) ?? []
        if !positions.isEmpty, !answers.contains(where: { $0.body.call == ReadingCall.balance.rawValue }) {
            account = ReportedObject(.emptyObject)
        } else {
            let answer = try answers.own(ReadingCall.balance.rawValue)
            guard ["0", ""].contains(answer["code"].text), let account = answer.rows("data").first,
                account.value.kind == .object,
                // A position, or the account's settings: the rows of other answers.
                ["instId", "acctLv"].allSatisfy({ account[$0] == .absent })
            else { throw ReadingError(.unreadable, "The answer to balance is no balance of OKX.") }
            self.account = account
        }
        details = account.rows("details")
        config = answers.rows(.config)?.first
        orders = answers.rows(.openOrders)
        moments = Dictionary(answers.map { ($0.body.call, $0.body.takenAt) }) { _, last in last }
    }

    /// The mode that the configuration names, or the one whose fields the balance fills; nil for one that
    /// nobody knows.
    var mode: AccountMode? {
        if let level = config?["acctLv"], !level.text.isEmpty { return AccountMode(level: level.text) }
        if isPositionsAlone { return .futures }
        // The matrix of applicable fields: "" stands where a mode has no figure.
        if account.isFilled("availEq") || account.isFilled("adjEq") && account.isFilled("isoEq") {
            return details.contains { $0.isFilled("spotInUseAmt") } ? .portfolio : .multi
        }
        return account.isFilled("isoEq") ? .futures : .spot
    }

    /// Whether there is no answer to `balance`; figures of a position follow from its row in every mode.
    private var isPositionsAlone: Bool { account.value.members?.count == 0 }

    /// The mode as the setting `mode` spells it, or the venue's level where nobody knows it.
    fileprivate var modeName: String {
        if isPositionsAlone, config == nil { return "unknown" }
        return mode?.rawValue ?? "acctLv \(config?["acctLv"].text ?? "")"
    }

    /// The row of a currency.
    func detail(_ currency: String) -> ReportedObject? { details.first { $0["ccy"].text == currency } }
}

extension [ReportedAnswer] {
    /// The `data` of another answer; nil where there is none or it cannot be read.
    fileprivate func rows(_ call: ReadingCall) -> [ReportedObject]? { other(call.rawValue)?.list("data") }
}

extension ReportedObject {
    /// Whether a figure stands in a field.
    func isFilled(_ field: String) -> Bool {
        switch self[field] {
        case .number, .outOfRange: true
        case .absent, .empty, .null, .other: false
        }
    }

    /// `posSide`: `long` and `short` in hedge mode, `net` otherwise.
    var positionSide: PositionSide { PositionSide(rawValue: self["posSide"].text) ?? .net }

    /// Whether it is a position of a spot pair on margin; one without its type is told by what it owes.
    var isOnMargin: Bool {
        let type = self["instType"].text
        return type == "MARGIN" || type.isEmpty && !self["liabCcy"].text.isEmpty
    }

    /// The two currencies of the pair; none where the name is not one of a pair.
    private var pair: [String] {
        let parts = self["instId"].text.split(separator: "-").map(String.init)
        return parts.count == 2 ? parts : []
    }

    /// What a margin position has: the one of the pair that it names, or that it does not owe; nil where
    /// neither is said.
    private var heldCurrency: String? {
        let named = self["posCcy"].text
        if !named.isEmpty { return pair.first { $0 == named } }
        let owed = self["liabCcy"].text
        return pair.contains(owed) ? pair.first { $0 != owed } : nil
    }

    /// The one of the pair that margin and profit are in: that of an isolated position is what it has.
    private var marginCurrency: String? {
        let named = self["ccy"].text
        if !named.isEmpty { return pair.first { $0 == named } }
        return marginMode == .isolated ? heldCurrency : nil
    }

    /// Whether a margin position says what it has and what its margin is in.
    var namesItsCurrencies: Bool { heldCurrency != nil && marginCurrency != nil }

    /// Whether a margin position has the base currency, which makes it a long one.
    var holdsBase: Bool { heldCurrency == pair.first }

    /// Whether its margin and profit are in the base currency.
    var hasMarginInBase: Bool { marginCurrency == pair.first }

    /// Whether the `pos` of an isolated margin position is without its margin, as the newer form has it: what
    /// it has, less what it owes, is then the profit alone.
    var hasMarginApart: Bool {
        guard let held = self["pos"].truncatedNumber, let owed = self["liab"].truncatedNumber?.magnitude,
            let mark = self["markPx"].truncatedNumber, mark.isPositive,
            let profit = self["upl"].truncatedNumber,
            let margin = self["margin"].truncatedNumber
        else { return false }
        let isLong = holdsBase
        let inBase = hasMarginInBase
        do {
            let worth = try Figures.amount(ExactFraction(held), isBase: isLong, inBase: inBase, price: mark)
            let debt = try Figures.amount(ExactFraction(owed), isBase: !isLong, inBase: inBase, price: mark)
            let rest = try worth - debt - ExactFraction(profit)
            // Which is nearer to what is left: nothing, or the margin.
            return try rest.magnitude < (rest - ExactFraction(margin)).magnitude
        } catch {
            return false
        }
    }

    /// `mgnMode`; where it is not there, only an isolated position has a `margin`.
    var marginMode: MarginMode {
        MarginMode(rawValue: self["mgnMode"].text) ?? (isFilled("margin") ? .isolated : .cross)
    }
}

extension ReportedAccount {
    /// Everything of the account as a whole is in USD. In futures mode every currency is a pool of its own,
    /// and what follows from its positions stands in its row alone.
    fileprivate var figures: StatementFigures {
        func pooled(_ figure: CommonFigure, _ field: String) -> ReportedFigure {
            account.figure(figure, field, unit: "USD", isPartial: mode == .futures)
        }
        return StatementFigures([
            account.figure(.equity, "totalEq", unit: "USD"),
            account.figure(.collateral, "adjEq", unit: "USD"),
            pooled(.available, "availEq"), pooled(.initialMargin, "imr"), pooled(.maintenanceMargin, "mmr"),
            account.figure(.marginRatio, "mgnRatio", unit: "ratio"), pooled(.unrealizedProfit, "upl"),
            account.figure(.notional, "notionalUsd", unit: "USD"),
            account.figure(.equityUSD, "totalEq", unit: "USD"),
        ])
    }

    fileprivate var assetStatements: [AssetStatement] {
        details.map { row in
            let currency = row["ccy"].text
            // Spot mode has no available equity; its orders use the available balance.
            let available = row.isFilled("availEq") ? "availEq" : "availBal"
            var figures = StatementFigures([
                row.figure(.equity, "eq", unit: currency),
                row.figure(.wallet, "cashBal", unit: currency),
                row.figure(.available, available, unit: currency),
                row.figure(.initialMargin, "imr", unit: currency),
                row.figure(.maintenanceMargin, "mmr", unit: currency),
                row.figure(.marginRatio, "mgnRatio", unit: "ratio"),
                row.figure(.leverage, "notionalLever", unit: "ratio"),
                row.figure(.unrealizedProfit, "upl", unit: currency),
                row.figure(.collateral, "disEq", unit: "USD"),
                row.figure(.debt, "liab", unit: currency),
                row.figure(.equityUSD, "eqUsd", unit: "USD"),
            ])
            if row.value["coinUsdPrice"] != nil {
                figures.set(row.figure(.index, "coinUsdPrice", unit: "USD"))
            }
            return AssetStatement(asset: currency, figures: figures)
        }
    }

    /// In portfolio mode the margins of a risk unit stand in each of its positions.
    fileprivate var positionStatements: [PositionStatement] {
        let isUnit = mode == .portfolio
        return positions.map { row in
            let currency = row["ccy"].text
            let isRepeated = isUnit && row.marginMode == .cross && !row.isOnMargin
            var figures = StatementFigures([
                row.figure(.quantity, "pos", unit: row.isOnMargin ? row["posCcy"].text : "contracts"),
                row.figure(.entryPrice, "avgPx", unit: "price"),
                row.figure(.markPrice, "markPx", unit: "price"),
                row.figure(.liquidationPrice, "liqPx", unit: "price"),
                row.figure(.notional, "notionalUsd", unit: "USD"),
                row.figure(.unrealizedProfit, "upl", unit: currency),
                row.figure(
                    .initialMargin, "imr", unit: isRepeated ? "USD" : currency, isShared: isRepeated),
                row.figure(
                    .maintenanceMargin, "mmr", unit: isRepeated ? "USD" : currency, isShared: isRepeated),
                row.figure(.marginRatio, "mgnRatio", unit: "ratio", isShared: row.marginMode == .cross),
                row.figure(.leverage, "lever", unit: "ratio"),
                row.figure(.wallet, "margin", unit: currency),
                row.figure(.index, "usdPx", unit: "USD"),
            ])
            // What a spot pair on margin owes, beside what it has.
            if row.isOnMargin { figures.set(row.figure(.debt, "liab", unit: row["liabCcy"].text)) }
            return PositionStatement(
                instrument: row["instId"].text, side: row.positionSide, marginMode: row.marginMode,
                figures: figures)
        }
    }
}

/// What the venue is known to send (OKX API documentation, Trading Account).
private enum KnownShapes {
    static func shape(of call: String, _ answer: JSONText?) -> FieldShape? {
        ReadingCall(rawValue: call).flatMap { shapes[$0] }
    }

    private static let shapes: [ReadingCall: FieldShape] = [
        .balance: envelope(account), .positions: envelope(position), .config: envelope(config),
        .openOrders: envelope(order),
    ]

    private static func envelope(_ row: [KnownField]) -> FieldShape {
        .object(.list("code msg", .text) + [KnownField("data", .array(.object(row)))])
    }

    /// Those that came in the last years are not in every recording.
    private static let account: [KnownField] =
        .list(
            """
            adjEq availEq borrowFroz imr isoEq mgnRatio mmr notionalUsd ordFroz totalEq uTime upl
            """, .text)
        + .list(
            """
            notionalUsdForBorrow notionalUsdForFutures notionalUsdForOption notionalUsdForSwap delta
            deltaLever deltaNeutralStatus
            """, .text, isAlways: false) + [KnownField("details", .array(.object(detail)))]

    private static let detail: [KnownField] =
        .list(
            """
            availBal availEq borrowFroz cashBal ccy crossLiab disEq eq eqUsd fixedBal frozenBal imr interest
            isoEq isoLiab isoUpl liab maxLoan mgnRatio mmr notionalLever ordFrozen rewardBal spotInUseAmt
            spotIsoBal stgyEq twap uTime upl uplLiab
            """, .text)
        + .list(
            """
            accAvgPx autoLendAmt autoLendMtAmt autoLendStatus autoStakingStatus clSpotInUseAmt coinUsdPrice
            colBorrAutoConversion colRes frpType maxSpotInUse maxSpotInUseAmt openAvgPx smtSyncEq spotBal
            spotCopyTradingEq spotUpl spotUplRatio totalPnl totalPnlRatio
            """, .text, isAlways: false)
        + .list("collateralEnabled collateralRestrict", .boolean, isAlways: false)

    private static let position: [KnownField] =
        .list(
            """
            adl avgPx cTime ccy imr instId instType interest last lever liab liabCcy liqPx margin markPx
            mgnMode mgnRatio mmr notionalUsd pos posId posSide uTime upl uplRatio usdPx
            """, .text)
        + .list(
            """
            availPos baseBal baseBorrowed baseInterest bePx bizRefId bizRefType clSpotInUseAmt deltaBS
            deltaPA fee fundingFee gammaBS gammaPA hedgedPos idxPx liqPenalty maxSpotInUseAmt nonSettleAvgPx
            optVal pendingCloseOrdLiabVal pnl posCcy quoteBal quoteBorrowed quoteInterest realizedPnl
            settledPnl spotInUseAmt spotInUseCcy thetaBS thetaPA tradeId uplLastPx uplRatioLastPx vegaBS
            vegaPA
            """, .text, isAlways: false)
        + [KnownField("closeOrderAlgo", .array(.anything), isAlways: false)]

    private static let config: [KnownField] =
        .list("acctLv perm posMode uid", .text)
        + .list(
            """
            acctStpMode ctIsoMode feeType greeksType ip kycLv label level levelTmp liquidationGear mainUid
            mgnIsoMode opAuth roleType settleCcy spotOffsetType spotRoleType stgyType type
            """, .text, isAlways: false)
        + .list("autoLoan enableSpotBorrow spotBorrowAutoRepay", .boolean, isAlways: false)
        + ["settleCcyList", "spotTraderInsts", "traderInsts"].map {
            KnownField($0, .array(.value(.text)), isAlways: false)
        }

    private static let order: [KnownField] =
        .list("accFillSz instId instType ordId posSide px reduceOnly side state sz tdMode", .text)
        + .list(
            """
            algoClOrdId algoId attachAlgoClOrdId avgPx cTime cancelSource cancelSourceReason category ccy
            clOrdId fee feeCcy fillPx fillSz fillTime isTpLimit lever ordType pnl pxType pxUsd pxVol
            quickMgnType rebate rebateCcy slOrdPx slTriggerPx slTriggerPxType source stpId stpMode tag tgtCcy
            tpOrdPx tpTriggerPx tpTriggerPxType tradeId tradeQuoteCcy uTime
            """, .text, isAlways: false)
        + [
            KnownField("attachAlgoOrds", .array(.anything), isAlways: false),
            KnownField("linkedAlgoOrd", .anything, isAlways: false),
        ]
}
