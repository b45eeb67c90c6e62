import JSON
import Ledger
import Numbers
import Venue

// The market's history and what goes with it: candles, book, trades, funding, limits of prices. OKX API
// documentation, Market Data and Public Data.

extension OKXVenue {
    /// The body of an open request's answer about the market.
    func marketAnswer(
        _ endpoint: Endpoint, _ query: [QueryItem], through access: any VenueAccess
    ) async throws -> [UInt8] {
        _ = try await access.marketHistory()
        let now = access.ledgerTime()
        let rules = rules(at: now)
        let market = market(access.prices(), rules)
        switch endpoint {
        case .candles, .historyCandles:
            return try await candles(
                of: .last(Self.instrument(query, rules)), query, most: 300, market, access)
        case .markCandles, .historyMarkCandles:
            return try await candles(
                of: .mark(Self.instrument(query, rules)), query, most: 100, market, access)
        case .indexCandles, .historyIndexCandles:
            guard let name = query["instId"], !name.isEmpty else { throw OKXError.parameterMissing("instId") }
            let pair = try Self.indexPair(name, rules)
            return try await candles(
                of: .index(base: pair.base, quote: pair.quote), query, most: 100, market, access)
        case .trades, .historyTrades: return try await trades(endpoint, query, rules, access)
        case .fundingHistory: return try await fundingHistory(query, rules, market, access)
        default: return try marketNow(endpoint, query, rules, market, access)
        }
    }

    private func marketNow(
        _ endpoint: Endpoint, _ query: [QueryItem], _ rules: RuleTable, _ market: ValuationPrices,
        _ access: any VenueAccess
    ) throws -> [UInt8] {
        let now = access.ledgerTime()
        switch endpoint {
        case .books, .fullBooks:
            let instrument = InstrumentMarket(try Self.instrument(query, rules), market, access)
            _ = try Self.number("sz", query, within: 1...(endpoint == .books ? 400 : 5000))
            let levels = instrument.levels
            return try Self.publicReply { writer in
                writer.beginObject()
                try writer.levels("asks", levels.of(.sell))
                try writer.levels("bids", levels.of(.buy))
                writer.member("ts", now)
                writer.member("seqId", instrument.sequence)
                writer.endObject()
            }
        case .fundingRate:
            let swaps =
                query["instId"] == "ANY"
                ? rules.instruments.filter { $0.type == .swap } : [try Self.swap(query, rules)]
            return try Self.publicReply { writer in
                for entry in swaps {
                    try InstrumentMarket(entry, market, access).writeFundingRate(at: now, to: &writer)
                }
            }
        case .priceLimit:
            let instrument = InstrumentMarket(try Self.instrument(query, rules), market, access)
            return try Self.publicReply { writer in
                try instrument.writePriceLimit(at: now, rules, to: &writer)
            }
        case .openInterest:
            let found = try selection(query, rules, at: now).filter { $0.type != .spot }
            return Self.publicReply { writer in
                for entry in found {
                    InstrumentMarket(entry, market, access).writeOpenInterest(at: now, to: &writer)
                }
            }
        default: return try publicAnswer(endpoint, query, through: access)
        }
    }

    /// The instrument that `instId` names. Throws 51000 where it is missing, 51001 for one that there is not.
    private static func instrument(
        _ query: [QueryItem], _ rules: RuleTable
    ) throws(OKXError) -> InstrumentRules {
        guard let name = query["instId"], !name.isEmpty else { throw .parameterMissing("instId") }
        guard let instrument = rules.instrument(name) else { throw .instrumentUnknown }
        return instrument
    }

    private static func swap(_ query: [QueryItem], _ rules: RuleTable) throws(OKXError) -> InstrumentRules {
        let instrument = try instrument(query, rules)
        guard instrument.type == .swap else { throw .parameterWrong("instId") }
        return instrument
    }

    /// A parameter that is a whole number; nil where it is absent or empty.
    private static func number(
        _ name: String, _ query: [QueryItem], within range: ClosedRange<Int64> = 0...Int64.max
    ) throws(OKXError) -> Int64? {
        guard let text = query[name], !text.isEmpty else { return nil }
        guard let number = Int64(digits: text), range.contains(number) else { throw .parameterWrong(name) }
        return number
    }

    /// From when on there are candles: from when the first rules are of.
    private var beginning: LedgerTime { rulebookVersions[0].effective }

    private func candles(
        of source: CandleSource, _ query: [QueryItem], most: Int64, _ market: ValuationPrices,
        _ access: any VenueAccess
    ) async throws -> [UInt8] {
        let name = query["bar"] ?? ""
        guard let interval = Bar.byName[name.isEmpty ? "1m" : name] else {
            throw OKXError.parameterWrong("bar")
        }
        let after = try Self.number("after", query)
        let before = try Self.number("before", query)
        let limit = try Self.number("limit", query, within: 1...most) ?? 100
        let found = try await access.candles(
            CandleQuery(
                source.subject, interval, from: before.map { $0 < .max ? $0 + 1 : $0 },
                to: after.map { $0 - 1 }, limit: Int(limit)), beginning: beginning,
            flat: source.flat(market))
        let now = access.ledgerTime()
        return try Self.publicReply { writer in
            for candle in found.reversed() { try writer.candle(candle, interval, of: source, at: now) }
        }
    }

    /// `market/trades`: the latest; `market/history-trades` pages by id, or by time with `type` 2.
    private func trades(
        _ endpoint: Endpoint, _ query: [QueryItem], _ rules: RuleTable, _ access: any VenueAccess
    ) async throws -> [UInt8] {
        let instrument = try Self.instrument(query, rules)
        let isHistory = endpoint == .historyTrades
        let limit = try Self.number("limit", query, within: 1...(isHistory ? 100 : 500)) ?? 100
        var wanted = TradeQuery(instrument.terms.name, limit: Int(limit))
        if isHistory {
            let after = try Self.number("after", query).map { $0 - 1 }
            let before = try Self.number("before", query).map { $0 < .max ? $0 + 1 : $0 }
            if try Self.number("type", query, within: 1...2) == 2 {
                (wanted.from, wanted.to) = (before, after)
            } else {
                (wanted.fromID, wanted.toID) = (before, after)
            }
        }
        let trades = try await access.trades(wanted)
        return try Self.publicReply { writer in
            for trade in trades.reversed() { try writer.trade(trade, instrument.terms.name) }
        }
    }

    private func fundingHistory(
        _ query: [QueryItem], _ rules: RuleTable, _ market: ValuationPrices, _ access: any VenueAccess
    ) async throws -> [UInt8] {
        let instrument = try Self.swap(query, rules)
        let limit = try Self.number("limit", query, within: 1...400) ?? 400
        let fundings = try await access.fundings(
            of: instrument.terms, every: InstrumentRules.fundingHours,
            usual: ExactDecimal(InstrumentRules.usualFunding),
            from: Self.number("before", query).map { $0 < .max ? $0 + 1 : $0 },
            to: Self.number("after", query).map { $0 - 1 }, limit: Int(limit), keepsOldest: false,
            beginning: beginning, market)
        return try Self.publicReply { writer in
            for funding in fundings.reversed() {
                writer.beginObject()
                writer.member("formulaType", literal: "noRate")
                try writer.member("fundingRate", funding.rate)
                writer.member("fundingTime", funding.at)
                writer.member("instId", instrument.terms.name)
                writer.member("instType", instrument.type.rawValue)
                writer.member("method", literal: "current_period")
                try writer.member("realizedRate", funding.rate)
                writer.endObject()
            }
        }
    }
}
