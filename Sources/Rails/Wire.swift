import JSON
import Ledger
import Numbers
import Venue

/// Which markets a caller wants to see.
struct MarketFilter {
    /// Nil for all.
    let market: String?

    /// From `?market=`: absent or empty means all; the first counts where it is given twice; spelling is
    /// exact. Throws 400 for a market that the rulebook in force does not know, unless the rulebook wants an
    /// empty map.
    init(_ query: [QueryItem], rules: RuleTable) throws(RailsError) {
        try self.init(market: query["market"], rules: rules)
    }

    /// The same for a market that was named otherwise; nil and empty mean all.
    init(market: String?, rules: RuleTable) throws(RailsError) {
        guard let market, !market.isEmpty else {
            self.market = nil
            return
        }
        if rules.terms(of: market) == nil, rules.unknownMarket == .refuse {
            throw .badRequest("Unknown market: \(market)")
        }
        self.market = market
    }

    func shows(_ name: String) -> Bool { market.map(name.isExactly) ?? true }
}

extension RailsVenue {
    /// The balances body: the fields of Get Account Balances in its order, every value a plain decimal in
    /// quotes. The filter narrows the map only; account figures stay account-wide.
    func balancesBody(
        of figures: AccountFigures, filter: MarketFilter, rules: RuleTable
    ) throws(FigureError) -> [UInt8] {
        let isWrapped = profile == .live && rules.isLiveBodyWrapped
        var writer = JSONWriter(reserving: 512 + figures.markets.count * 640)
        if isWrapped {
            writer.beginObject()
            writer.key("balances")
        }
        try write(figures, filter: filter, to: &writer)
        if isWrapped { writer.endObject() }
        return writer.bytes
    }

    /// The object of the balances, as it stands in the body and in a message of the stream.
    func write(
        _ figures: AccountFigures, filter: MarketFilter, to writer: inout JSONWriter
    ) throws(FigureError) {
        try FigureError.turning {
            writer.beginObject()
            try figures.layout.write(figures, to: &writer) { _, writer in
                writer.beginObject()
                for market in figures.markets where filter.shows(market.market) {
                    writer.key(market.market)
                    writer.beginObject()
                    try market.layout.write(market, to: &writer)
                    writer.endObject()
                }
                writer.endObject()
            }
            writer.endObject()
        }
    }

    /// The positions body: open positions in the order of opening, `type` telling the side.
    func positionsBody(
        of account: Account, _ figures: AccountFigures, filter: MarketFilter
    ) throws(FigureError) -> [UInt8] {
        try JSONWriter.object(reserving: 64 + account.positions.count * 256) { writer throws(FigureError) in
            writer.beginArray("positions")
            for position in account.positions where filter.shows(position.instrument.name) {
                guard let market = figures.markets.first(where: { $0.market == position.instrument.name })
                else {
                    continue
                }
                try FigureError.turning {
                    let row = PositionFigures(position, market)
                    writer.beginObject()
                    try row.layout.write(row, to: &writer) { field, writer in
                        switch field {
                        case .type: writer.string(position.isLong ? "LONG" : "SHORT")
                        // No page shows an isolated position; the letter is that of update-margin-mode.
                        case .marginMode: writer.literal("I")
                        default: writer.string(market.market)
                        }
                    }
                    writer.endObject()
                }
            }
            writer.endArray()
        }
    }

    /// The markets of the rulebook in force, in its order.
    func marketsBody(rules: RuleTable) -> [UInt8] {
        JSONWriter.object(reserving: 1024) { writer in
            writer.array("markets", of: rules.listed) { instrument, writer in
                writer.beginObject()
                writer.member("market", instrument.name)
                writer.member("type", instrument.kind == .perpetual ? "PERPETUAL" : "FUTURE")
                writer.member("base", instrument.base)
                writer.member("quote", instrument.quote)
                writer.member("settle", instrument.settle)
                writer.member("maxLeverage", rules.maximumLeverage)
                writer.member("maintenanceMarginRate", rules.maintenanceRate[profile] ?? .zero)
                writer.endObject()
            }
        }
    }

    /// The token endpoint's answer.
    func tokenBody(_ token: String, lifetime: Int64) -> [UInt8] {
        JSONWriter.object(reserving: 512) { writer in
            writer.member("access_token", token)
            writer.member("token_type", literal: "Bearer")
            writer.member("expires_in", lifetime)
        }
    }
}

extension JSONWriter {
    mutating func member(_ key: StaticString, _ number: ExactDecimal) {
        member(key, quoted: number)
    }
}
