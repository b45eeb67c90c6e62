import JSON
import Ledger
import Numbers
import Venue

// The market's history and what goes with it: candles, book, trades, funding, limits of prices. OKX API
// documentation, Market Data and Public Data.

extension PublicRequest {
    /// The body of an open request's answer about the market, of which all is known.
    func answer(_ endpoint: Endpoint) async throws -> [UInt8] {
        switch endpoint {
        case .candles, .historyCandles:
            return try await candles(of: .last(query.instrument(rules)), most: 300)
        case .markCandles, .historyMarkCandles:
            return try await candles(of: .mark(query.instrument(rules)), most: 100)
        case .indexCandles, .historyIndexCandles:
            let pair = try OKXVenue.indexPair(query.required("instId"), rules)
            return try await candles(of: .index(base: pair.base, quote: pair.quote), most: 100)
        case .trades, .historyTrades: return try await trades(endpoint)
        case .fundingHistory: return try await fundingHistory()
        default: return try presentAnswer(endpoint)
        }
    }

    private func presentAnswer(_ endpoint: Endpoint) throws -> [UInt8] {
        switch endpoint {
        case .books, .fullBooks:
            let instrument = market(of: try query.instrument(rules))
            _ = try query.number("sz", within: 1...(endpoint == .books ? 400 : 5000))
            let levels = instrument.levels
            return try JSONWriter.publicReply { writer in
                writer.beginObject()
                try writer.levels("asks", levels.of(.sell))
                try writer.levels("bids", levels.of(.buy))
                writer.member("ts", now)
                writer.member("seqId", instrument.sequence)
                writer.endObject()
            }
        case .fundingRate:
            let swaps =
                query["instId"] == "ANY" ? rules.instruments.filter { $0.type == .swap } : [try swap()]
            return try JSONWriter.publicReply { writer in
                for entry in swaps { try market(of: entry).writeFundingRate(at: now, to: &writer) }
            }
        case .priceLimit:
            let instrument = market(of: try query.instrument(rules))
            return try JSONWriter.publicReply { writer in
                try instrument.writePriceLimit(at: now, rules, to: &writer)
            }
        case .openInterest:
            let found = try selection().filter { $0.type != .spot }
            return JSONWriter.publicReply { writer in
                for entry in found { market(of: entry).writeOpenInterest(at: now, to: &writer) }
            }
        default: return try publicAnswer(endpoint)
        }
    }

    private func swap() throws(OKXError) -> InstrumentRules {
        let instrument = try query.instrument(rules)
        guard instrument.type == .swap else { throw .parameterWrong("instId") }
        return instrument
    }

    /// From when on there are candles: from when the first rules are of.
    private var beginning: LedgerTime { venue.rulebookVersions[0].effective }

    private func candles(of source: CandleSource, most: Int64) async throws -> [UInt8] {
        guard let interval = Bar.byName[query.given("bar") ?? "1m"] else {
            throw OKXError.parameterWrong("bar")
        }
        let after = try query.number("after")
        let before = try query.number("before")
        let limit = try query.number("limit", within: 1...most) ?? 100
        let found = try await access.candles(
            CandleQuery(
                source.subject, interval, from: before.map { $0 < .max ? $0 + 1 : $0 },
                to: after.map { $0 - 1 }, limit: Int(limit)), beginning: beginning,
            flat: source.flat(market))
        let now = access.ledgerTime()
        return try JSONWriter.publicReply { writer in
            for candle in found.reversed() { try writer.candle(candle, interval, of: source, at: now) }
        }
    }

    /// `market/trades`: the latest; `market/history-trades` pages by id, or by time with `type` 2.
    private func trades(_ endpoint: Endpoint) async throws -> [UInt8] {
        let instrument = try query.instrument(rules)
        let isHistory = endpoint == .historyTrades
        let limit = try query.number("limit", within: 1...(isHistory ? 100 : 500)) ?? 100
        var wanted = TradeQuery(instrument.terms.name, limit: Int(limit))
        if isHistory {
            let after = try query.number("after").map { $0 - 1 }
            let before = try query.number("before").map { $0 < .max ? $0 + 1 : $0 }
            if try query.number("type", within: 1...2) == 2 {
                (wanted.from, wanted.to) = (before, after)
            } else {
                (wanted.fromID, wanted.toID) = (before, after)
            }
        }
        let trades = try await access.trades(wanted)
        return try JSONWriter.publicReply { writer in
            for trade in trades.reversed() { try writer.trade(trade, instrument.terms.name) }
        }
    }

    private func fundingHistory() async throws -> [UInt8] {
        let instrument = try swap()
        let limit = try query.number("limit", within: 1...400) ?? 400
        let fundings = try await access.fundings(
            of: instrument.terms, every: InstrumentRules.fundingHours,
            usual: ExactDecimal(InstrumentRules.usualFunding),
            from: query.number("before").map { $0 < .max ? $0 + 1 : $0 },
            to: query.number("after").map { $0 - 1 }, limit: Int(limit), keepsOldest: false,
            beginning: beginning, market)
        return try JSONWriter.publicReply { writer in
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
