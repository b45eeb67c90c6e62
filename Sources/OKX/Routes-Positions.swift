import JSON
import Ledger
import Numbers
import Venue

// Positions, position risk and open orders.

/// Which positions a request or a subscription asks for.
struct PositionFilter: Sendable {
    /// The venue's name of the wanted type; nil for all.
    let type: String?
    let family: String?
    let instruments: [String]?
    let ids: [String]?

    init(_ query: [QueryItem]) throws(OKXError) {
        type = try Self.type(query["instType"], ["MARGIN", "OPTION"])
        family = nil
        instruments = try Self.list(query["instId"], name: "instId", limit: 10)
        ids = try Self.list(query["posId"], name: "posId", limit: 20)
    }

    /// `instType` is required and may be ANY; of `instId` and `instFamily` the first counts.
    init(subscription argument: JSONObject, _ rules: RuleTable) throws(OKXError) {
        guard let type = argument["instType"]?.text, !type.isEmpty, type != InstrumentType.spot.rawValue
        else {
            throw .parameterWrong("instType")
        }
        self.type = type == "ANY" ? nil : try Self.type(type, ["MARGIN", "OPTION", "EVENTS"])
        let name = argument["instId"]?.text.flatMap { $0.isEmpty ? nil : $0 }
        if let name, rules.instrument(name) == nil { throw .instrumentUnknown }
        instruments = name.map { [$0] }
        let family = argument["instFamily"]?.text.flatMap { $0.isEmpty ? nil : $0 }
        if let family, !rules.instruments.contains(where: { $0.family.isExactly(family) }) {
            throw .parameterWrong("instFamily")
        }
        self.family = name == nil ? family : nil
        ids = nil
    }

    private static func type(_ text: String?, _ others: [String]) throws(OKXError) -> String? {
        if let text, others.contains(text) { return text }
        return try OKXVenue.instrumentType(text)?.rawValue
    }

    private static func list(_ text: String?, name: String, limit: Int) throws(OKXError) -> [String]? {
        guard let text, !text.isEmpty else { return nil }
        let list = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard list.count <= limit else { throw .listTooLong(name, limit: limit) }
        return list
    }

    func admits(_ position: Position, _ rules: InstrumentRules, id: String) -> Bool {
        (type ?? position.typeName(rules)).isExactly(position.typeName(rules))
            && (family ?? rules.family).isExactly(rules.family)
            && (instruments?.containsExactly(rules.terms.name) ?? true)
            && (ids?.containsExactly(id) ?? true)
    }
}

extension Position {
    /// What `instType` calls it: a spot pair's position is one of MARGIN.
    func typeName(_ rules: InstrumentRules?) -> String {
        margin == nil ? rules?.type.rawValue ?? "" : "MARGIN"
    }

    /// `pos`: a side of hedge mode shows its size without a sign, a margin position what it has.
    var shownSize: ExactDecimal {
        margin != nil ? amount(of: heldAsset) : side == .net ? quantity : quantity.magnitude
    }

    /// `posCcy`, of margin positions alone.
    var shownAsset: String { margin == nil ? "" : heldAsset }
}

/// One position with everything that its rows show.
private struct PositionRow {
    let position: Position
    let id: String
    let rules: InstrumentRules
    let measure: PositionMeasure
    /// The same with the last price for the mark.
    let atLast: PositionMeasure
    let leverage: ExactDecimal
    let settlementIndex: ExactDecimal
    let quoteIndex: ExactDecimal
    let baseIndex: ExactDecimal

    /// Portfolio margin's unit of a cross contract's underlying; nil in the other modes.
    func riskUnit(_ figures: AccountFigures, _ rules: RuleTable) -> RiskUnit? {
        guard position.marginMode == .cross, position.margin == nil, figures.mode == .portfolio,
            let place = rules.instrumentPlace(position.instrument.name)
        else { return nil }
        return figures.unit(rules.links[place].base)
    }

    /// `mgnRatio`: the position's own where it is isolated, else that of the pool that it is in.
    func marginRatio(_ figures: AccountFigures, _ rules: RuleTable) throws -> ExactFraction? {
        if position.marginMode == .isolated {
            return try Figures.isolatedMarginRatio(
                equity: Figures.isolatedEquity(
                    margin: ExactFraction(position.isolatedWallet), unrealised: measure.unrealised),
                maintenance: measure.maintenance(),
                liquidationFee: measure.liquidationFee(rate: self.rules.takerRate))
        }
        guard figures.mode == .futures else { return figures.totals.marginRatio }
        return rules.assetPlace(position.settlementAsset).flatMap { figures.row($0) }?.marginRatio
    }

    /// `uplRatio` or `uplRatioLastPx`, by what it is measured at.
    func unrealisedRatio(of measure: PositionMeasure) throws(NumberError) -> ExactFraction? {
        try measure.unrealisedRatio(of: position, leverage: leverage)
    }

    /// `bePx`; nil for a margin position.
    var breakEvenPrice: ExactFraction? {
        get throws {
            if position.margin != nil { return nil }
            return try Figures.breakEvenPrice(
                size: Figures.size(
                    contracts: position.quantity, value: position.instrument.contractValue),
                costValue: measure.costValue, realised: ExactFraction(position.settledProfit()),
                feeRate: rules.takerRate, isInverse: position.instrument.payoff == .inverse)
        }
    }
}

extension Position {
    /// `fee`: what its fills have cost; negative when paid.
    fileprivate var shownFees: ExactDecimal { -fees }

    /// `realizedPnl`: profit realised, fees and funding.
    fileprivate func settledProfit() throws(NumberError) -> ExactDecimal {
        try realised + funding + shownFees
    }
}

extension OKXVenue {
    /// The instrument type that a parameter names; nil where it is absent. MARGIN is spot pairs on margin,
    /// OPTION a type of the venue that nothing here has.
    static func instrumentType(_ text: String?) throws(OKXError) -> InstrumentType? {
        guard let text, !text.isEmpty else { return nil }
        guard let type = InstrumentType(rawValue: text) else { throw .parameterWrong("instType") }
        return type
    }

    private func rows(
        of snapshot: AccountSnapshot, _ filter: PositionFilter, _ rules: RuleTable
    ) throws -> [PositionRow] {
        let market = market(snapshot.prices, rules)
        var rows: [PositionRow] = []
        for position in snapshot.account.positions {
            let id = StableID.position(snapshot.account.id, position)
            guard let place = rules.instrumentPlace(position.instrument.name) else {
                throw FigureError.priceMissing(position.instrument.name)
            }
            guard filter.admits(position, rules.instruments[place], id: id) else { continue }
            let index = try market.requiredIndex(position.settlementAsset)
            func measure(_ price: MarkOverride? = nil) throws -> PositionMeasure {
                try PositionMeasure(
                    of: position, instrument: place, settlementIndex: index, market, rules, price)
            }
            let last = snapshot.prices.quotes[position.instrument.name]?.last.map {
                MarkOverride(instrument: position.instrument, price: $0)
            }
            rows.append(
                PositionRow(
                    position: position, id: id, rules: rules.instruments[place], measure: try measure(),
                    atLast: try measure(last),
                    leverage: snapshot.account.leverageInForce(of: position, rules), settlementIndex: index,
                    quoteIndex: try market.requiredIndex(position.instrument.quote),
                    baseIndex: try market.requiredIndex(position.instrument.base)))
        }
        return rows
    }

    /// `account/positions`: every open position, in the order of opening.
    func positions(of snapshot: AccountSnapshot, _ query: [QueryItem]) throws -> [UInt8] {
        let rules = rules(at: snapshot.at)
        let filter = try PositionFilter(query)
        return try Self.reply { writer in
            try writePositions(of: snapshot, filter, rules, to: &writer) { _ in true }
        }
    }

    /// The rows of positions that the filter admits and whose ids are wanted; in a push with its time.
    func writePositions(
        of snapshot: AccountSnapshot, _ filter: PositionFilter, _ rules: RuleTable,
        pushedAt: LedgerTime? = nil, to writer: inout JSONWriter, where isWanted: (String) -> Bool
    ) throws {
        let rows = try rows(of: snapshot, filter, rules)
        let figures = try figures(of: snapshot, rules)
        for row in rows where isWanted(row.id) {
            let liquidation = try LiquidationPrice(
                of: row.position, in: snapshot.account, market: market(snapshot.prices, rules),
                rules: rules
            ).price()
            writer.beginObject()
            try writeHead(row, figures, rules, snapshot.account.orders, to: &writer)
            try writeMargins(row, figures, rules, liquidation: liquidation, to: &writer)
            try writeTail(row, figures, rules, pushedAt: pushedAt, to: &writer)
            writer.endObject()
        }
    }

    /// Keys up to `idxPx`. A margin position has no fees, funding or break-even price of its own.
    private func writeHead(
        _ row: PositionRow, _ figures: AccountFigures, _ rules: RuleTable, _ orders: [OpenOrder],
        to writer: inout JSONWriter
    ) throws {
        let position = row.position
        let isContract = position.margin == nil
        let unit = row.riskUnit(figures, rules)
        writer.member("adl", literal: "1")
        // Of a side of hedge mode what no order waits to close; of a net position nothing.
        let closing = orders.filter { $0.closesHedgeLeg && $0.position == position.key }
        let closable = position.side == .net ? nil : try position.closable(beside: closing)
        try writer.member("availPos", isContract ? closable : position.shownSize)
        try writer.member("avgPx", position.entryPrice(places: 16, rounding: .halfUp))
        writer.empty(["baseBal", "baseBorrowed", "baseInterest"])
        try writer.member("bePx", row.breakEvenPrice)
        writer.empty(["bizRefId", "bizRefType"])
        writer.member("cTime", position.openedAt)
        writer.member("ccy", position.settlementAsset)
        try writer.member("clSpotInUseAmt", unit?.cap)
        writer.emptyArray("closeOrderAlgo")
        writer.empty(["deltaBS", "deltaPA"])
        try writer.member("fee", isContract ? position.shownFees : nil)
        try writer.member("fundingFee", isContract ? position.funding : nil)
        writer.empty(["gammaBS", "gammaPA", "hedgedPos"])
        try writer.member("idxPx", row.baseIndex.over(row.quoteIndex, places: 16, rounding: .halfUp))
    }

    /// Keys from `imr` to `notionalUsd`: margins are of the settlement currency, but of the whole risk unit
    /// and in USD in portfolio mode.
    private func writeMargins(
        _ row: PositionRow, _ figures: AccountFigures, _ rules: RuleTable, liquidation: ExactDecimal?,
        to writer: inout JSONWriter
    ) throws {
        let position = row.position
        let isCross = position.marginMode == .cross
        let isContract = position.margin == nil
        let unit = row.riskUnit(figures, rules)
        let initial = try Figures.initialMargin(notional: row.measure.notional, leverage: row.leverage)
        try writer.member("imr", isCross ? unit?.initial ?? initial : nil)
        writer.member("instId", position.instrument.name)
        writer.member("instType", position.typeName(row.rules))
        writer.member("interest", literal: isContract ? "" : "0")
        try writer.member("last", row.atLast.mark)
        try writer.member("lever", row.leverage)
        try writer.member("liab", position.liability.map { -$0.amount })
        writer.member("liabCcy", position.liability?.asset ?? "")
        writer.member("liqPenalty", literal: isContract ? "0" : "")
        try writer.member("liqPx", liquidation)
        try writer.member("margin", isCross ? nil : position.isolatedWallet)
        try writer.member("markPx", row.measure.mark)
        try writer.member("maxSpotInUseAmt", unit?.maximumSpotInUse)
        writer.member("mgnMode", position.marginMode.rawValue)
        try writer.member("mgnRatio", row.marginRatio(figures, rules))
        try writer.member("mmr", unit?.maintenance ?? row.measure.maintenance())
        writer.member("nonSettleAvgPx", literal: "")
        try writer.member("notionalUsd", row.measure.notionalUSD.magnitude)
    }

    /// Keys from `optVal` on.
    private func writeTail(
        _ row: PositionRow, _ figures: AccountFigures, _ rules: RuleTable, pushedAt: LedgerTime?,
        to writer: inout JSONWriter
    ) throws {
        let position = row.position
        let isContract = position.margin == nil
        let unit = row.riskUnit(figures, rules)
        writer.member("optVal", literal: "")
        if let pushedAt { writer.member("pTime", pushedAt) }
        writer.member("pendingCloseOrdLiabVal", literal: isContract ? "" : "0")
        try writer.member("pnl", isContract ? position.realised : nil)
        try writer.member("pos", position.shownSize)
        writer.member("posCcy", position.shownAsset)
        writer.member("posId", row.id)
        writer.member("posSide", position.side.rawValue)
        writer.empty(["quoteBal", "quoteBorrowed", "quoteInterest"])
        try writer.member("realizedPnl", isContract ? position.settledProfit() : nil)
        writer.member("settledPnl", literal: "")
        try writer.member("spotInUseAmt", unit?.spotInUse)
        writer.member("spotInUseCcy", unit.map { rules.assets[$0.underlying].name } ?? "")
        writer.empty(["thetaBS", "thetaPA"])
        writer.member("tradeId", position.lastTrade.map { String($0) } ?? "")
        writer.member("uTime", position.updatedAt)
        try writer.member("upl", row.measure.unrealised)
        try writer.member("uplLastPx", row.atLast.unrealised)
        try writer.member("uplRatio", row.unrealisedRatio(of: row.measure))
        try writer.member("uplRatioLastPx", row.unrealisedRatio(of: row.atLast))
        try writer.member("usdPx", isContract ? row.settlementIndex : nil)
        writer.empty(["vegaBS", "vegaPA"])
    }

    /// Ids of the positions that the filter admits and that are near their liquidation: isolated ones by
    /// their own ratio, cross ones, all of a pool at once, by the pool's.
    func nearLiquidation(_ snapshot: AccountSnapshot, _ filter: PositionFilter) throws -> Set<String> {
        let rules = rules(at: snapshot.at)
        let figures = try figures(of: snapshot, rules)
        let level = ExactFraction(rules.margin.warningRatio)
        var found: Set<String> = []
        for row in try rows(of: snapshot, filter, rules) {
            if let ratio = try row.marginRatio(figures, rules), ratio <= level { found.insert(row.id) }
        }
        return found
    }

    /// Warnings of positions whose ids are wanted, as `liquidation-warning` pushes them.
    func writeWarnings(
        of snapshot: AccountSnapshot, _ filter: PositionFilter, to writer: inout JSONWriter,
        where isWanted: (String) -> Bool
    ) throws {
        let rules = rules(at: snapshot.at)
        let figures = try figures(of: snapshot, rules)
        for row in try rows(of: snapshot, filter, rules) where isWanted(row.id) {
            let position = row.position
            writer.beginObject()
            writer.member("cTime", position.openedAt)
            writer.member("ccy", position.settlementAsset)
            writer.member("instFamily", position.margin == nil ? row.rules.family : "")
            writer.member("instId", position.instrument.name)
            writer.member("instType", position.typeName(row.rules))
            try writer.member("lever", row.leverage)
            try writer.member("markPx", row.measure.mark)
            writer.member("mgnMode", position.marginMode.rawValue)
            try writer.member("mgnRatio", row.marginRatio(figures, rules))
            writer.member("pTime", snapshot.at)
            try writer.member("pos", position.shownSize)
            writer.member("posCcy", position.shownAsset)
            writer.member("posId", row.id)
            writer.member("posSide", position.side.rawValue)
            writer.member("uTime", position.updatedAt)
            writer.endObject()
        }
    }

    /// `account/account-position-risk`: balances and positions of one moment.
    func positionRisk(of snapshot: AccountSnapshot, _ query: [QueryItem]) throws -> [UInt8] {
        let rules = rules(at: snapshot.at)
        let rows = try rows(of: snapshot, PositionFilter(query.filter { $0.name == "instType" }), rules)
        let figures = try figures(of: snapshot, rules)
        return try Self.reply { writer in
            writer.beginObject()
            try writer.member("adjEq", figures.mode == .futures ? nil : figures.totals.adjustedEquity)
            writer.key("balData")
            writer.beginArray()
            for currency in figures.rows where !currency.cash.isZero || !currency.equity.isZero {
                writer.beginObject()
                writer.member("ccy", rules.assets[currency.place].name)
                try writer.member("disEq", figures.mode == .futures ? nil : currency.discountedUSD)
                try writer.member("eq", currency.equity)
                writer.endObject()
            }
            writer.endArray()
            writer.key("posData")
            writer.beginArray()
            for row in rows { try writeRisk(row, to: &writer) }
            writer.endArray()
            writer.member("ts", snapshot.at)
            writer.endObject()
        }
    }

    private func writeRisk(_ row: PositionRow, to writer: inout JSONWriter) throws {
        let position = row.position
        let isInverse = position.instrument.payoff == .inverse
        writer.beginObject()
        writer.member("baseBal", literal: "")
        writer.member("ccy", position.settlementAsset)
        writer.member("instId", position.instrument.name)
        writer.member("instType", position.typeName(row.rules))
        writer.member("mgnMode", position.marginMode.rawValue)
        try writer.member("notionalCcy", row.measure.delta.magnitude)
        try writer.member("notionalUsd", row.measure.notionalUSD.magnitude)
        try writer.member("pos", position.shownSize)
        writer.member("posCcy", position.shownAsset)
        writer.member("posId", row.id)
        writer.member("posSide", position.side.rawValue)
        writer.member("quoteBal", literal: "")
        writer.member("uly", isInverse ? "\(position.instrument.base)-USD" : row.rules.family)
        writer.endObject()
    }
}
