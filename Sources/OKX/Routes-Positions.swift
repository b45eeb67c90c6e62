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
        instruments = try query.list("instId", limit: 10)
        ids = try query.list("posId", limit: 20)
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

    func admits(_ position: Position, _ rules: InstrumentRules?, id: String) -> Bool {
        (type ?? position.typeName(rules)).isExactly(position.typeName(rules))
            && (family ?? position.instrument.family).isExactly(position.instrument.family)
            && (instruments?.containsExactly(position.instrument.name) ?? true)
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

extension OKXVenue {
    /// The instrument type that a parameter names; nil where it is absent. MARGIN is spot pairs on margin,
    /// OPTION a type of the venue that nothing here has.
    static func instrumentType(_ text: String?) throws(OKXError) -> InstrumentType? {
        guard let text, !text.isEmpty else { return nil }
        guard let type = InstrumentType(rawValue: text) else { throw .parameterWrong("instType") }
        return type
    }

    /// The rows of the positions that the filter admits.
    fileprivate func rows(
        of snapshot: AccountSnapshot, _ figures: AccountFigures, _ filter: PositionFilter,
        isPushed: Bool = false
    ) throws -> [PositionRow] {
        try figures.positions.compactMap { valuation in
            let position = valuation.position
            let id = StableID.position(snapshot.account.id, position)
            guard filter.admits(position, valuation.rules, id: id) else { return nil }
            let last = snapshot.prices.quotes[position.instrument.name]?.last
            return try PositionRow(valuation, id: id, last: last, isPushed: isPushed)
        }
    }

    /// The rows of positions that the filter admits and whose ids are wanted; in a push with its time.
    func writePositions(
        of snapshot: AccountSnapshot, _ filter: PositionFilter, _ rules: RuleTable,
        pushedAt: LedgerTime? = nil, to writer: inout JSONWriter, where isWanted: (String) -> Bool
    ) throws {
        let figures = try figures(of: snapshot, rules)
        let rows = try rows(of: snapshot, figures, filter, isPushed: pushedAt != nil)
        for row in rows where isWanted(row.id) {
            writer.beginObject()
            try row.layout.writeAll(row, to: &writer) { field, writer in
                if field == .closeOrderAlgo {
                    writer.beginArray()
                    writer.endArray()
                } else {
                    writer.string(row.text(of: field, pushedAt: pushedAt))
                }
            }
            writer.endObject()
        }
        withExtendedLifetime(figures) {}
    }

    /// Ids of the positions that the filter admits and that are near their liquidation: isolated ones by
    /// their own ratio, cross ones, all of a pool at once, by the pool's.
    func nearLiquidation(_ snapshot: AccountSnapshot, _ filter: PositionFilter) throws -> Set<String> {
        let rules = rules(at: snapshot.at)
        let figures = try figures(of: snapshot, rules)
        let level = ExactFraction(rules.margin.warningRatio)
        var found: Set<String> = []
        for row in try rows(of: snapshot, figures, filter) {
            if let ratio = try row.ifThere(.mgnRatio), ratio <= level { found.insert(row.id) }
        }
        return withExtendedLifetime(figures) { found }
    }

    /// Warnings of positions whose ids are wanted, as `liquidation-warning` pushes them.
    func writeWarnings(
        of snapshot: AccountSnapshot, _ filter: PositionFilter, to writer: inout JSONWriter,
        where isWanted: (String) -> Bool
    ) throws {
        let rules = rules(at: snapshot.at)
        let figures = try figures(of: snapshot, rules)
        for row in try rows(of: snapshot, figures, filter, isPushed: true) where isWanted(row.id) {
            func text(_ field: PositionRowFigure, _ key: StaticString) {
                writer.member(key, row.text(of: field, pushedAt: snapshot.at))
            }
            writer.beginObject()
            text(.cTime, "cTime")
            text(.ccy, "ccy")
            writer.member("instFamily", row.mode.isPair ? "" : row.valuation.position.instrument.family)
            text(.instId, "instId")
            text(.instType, "instType")
            try writer.member("lever", row[.lever])
            try writer.member("markPx", row[.markPx])
            text(.mgnMode, "mgnMode")
            try writer.member("mgnRatio", row.ifThere(.mgnRatio))
            text(.pTime, "pTime")
            try writer.member("pos", row[.pos])
            for field in [PositionRowFigure.posCcy, .posId, .posSide, .uTime] {
                writer.key(field.rawValue)
                writer.string(row.text(of: field, pushedAt: snapshot.at))
            }
            writer.endObject()
        }
        withExtendedLifetime(figures) {}
    }
}

extension AccountRequest {
    /// `account/positions`: every open position, in the order of opening.
    func positions() throws -> [UInt8] {
        let filter = try PositionFilter(query)
        return try JSONWriter.reply { writer in
            try venue.writePositions(of: snapshot, filter, rules, to: &writer) { _ in true }
        }
    }

    /// `account/account-position-risk`: balances and positions of one moment.
    func positionRisk() throws -> [UInt8] {
        let figures = try figures()
        let filter = try PositionFilter(query.filter { $0.name == "instType" })
        let rows = try venue.rows(of: snapshot, figures, filter)
        return try JSONWriter.rowReply { writer in
            let isPooled = figures.mode == .futures
            try writer.member("adjEq", isPooled ? nil : figures[.adjEq])
            writer.beginArray("balData")
            for currency in figures.rows where try !currency[.cashBal].isZero || !currency[.eq].isZero {
                writer.beginObject()
                writer.member("ccy", currency.name)
                try writer.member("disEq", isPooled ? nil : currency[.disEq])
                try writer.member("eq", currency[.eq])
                writer.endObject()
            }
            writer.endArray()
            try writer.array("posData", of: rows) { row, writer in try writeRisk(row, to: &writer) }
            writer.member("ts", snapshot.at)
        }
    }

    private func writeRisk(_ row: PositionRow, to writer: inout JSONWriter) throws {
        let position = row.valuation.position
        let isInverse = position.instrument.payoff == .inverse
        writer.beginObject()
        writer.member("baseBal", literal: "")
        writer.member("ccy", position.settlementAsset)
        writer.member("instId", position.instrument.name)
        writer.member("instType", position.typeName(row.valuation.rules))
        writer.member("mgnMode", position.marginMode.rawValue)
        try writer.member("notionalCcy", row.valuation[.delta].magnitude)
        try writer.member("notionalUsd", row[.notionalUsd])
        try writer.member("pos", row[.pos])
        writer.member("posCcy", position.shownAsset)
        writer.member("posId", row.id)
        writer.member("posSide", position.side.rawValue)
        writer.member("quoteBal", literal: "")
        writer.member("uly", isInverse ? "\(position.instrument.base)-USD" : position.instrument.family)
        writer.endObject()
    }
}

extension PositionRow {
    /// What stands in a field that is no number; "" in one that there is nothing for.
    func text(of field: PositionRowFigure, pushedAt time: LedgerTime?) -> String {
        let position = valuation.position
        return switch field {
        case .adl: "1"
        case .cTime: position.openedAt.milliseconds.description
        case .uTime: position.updatedAt.milliseconds.description
        case .pTime: time?.milliseconds.description ?? ""
        case .ccy: position.settlementAsset
        case .instId: position.instrument.name
        case .instType: position.typeName(valuation.rules)
        case .mgnMode: position.marginMode.rawValue
        case .posId: id
        case .posSide: position.side.rawValue
        case .posCcy: position.shownAsset
        case .liabCcy: position.liability?.asset ?? ""
        case .spotInUseCcy: unit?.name ?? ""
        case .interest, .pendingCloseOrdLiabVal: mode.isPair ? "0" : ""
        case .tradeId: position.lastTrade.map { String($0) } ?? ""
        default: ""
        }
    }
}
