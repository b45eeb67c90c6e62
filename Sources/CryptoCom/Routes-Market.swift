import JSON
import Ledger
import Numbers
import Venue

// The market's history and what goes with it. Crypto.com Exchange API documentation, Reference and Market
// Data API.

extension CryptoComVenue {
    /// The whole reply to a public request about the market; its id is -1, as none was given.
    func marketAnswer(
        _ method: Method, _ query: [QueryItem], _ access: any VenueAccess
    ) async throws -> [UInt8] {
        _ = try await access.marketHistory()
        let now = access.ledgerTime()
        let market = market(access.prices(), at: now)
        var reply = ReplyWriter(id: .omitted, method: method.rawValue, reserving: 16_384)
        switch method {
        case .candlestick: try await writeCandles(query, market, access, to: &reply.writer)
        case .book: try writeBook(query, market, access, to: &reply.writer)
        case .publicTrades: try await writeTrades(query, market, access, to: &reply.writer)
        case .tickers: try writeTickers(query, market, access, to: &reply.writer)
        case .insurance, .settlementPrices: try writeNothing(method, query, to: &reply.writer)
        default: try await writeValuations(query, market, access, to: &reply.writer)
        }
        return reply.finished()
    }

    private func instrument(
        _ query: [QueryItem], _ market: ValuationPrices, _ access: any VenueAccess
    ) throws(VenueError) -> InstrumentMarket<InstrumentRule> {
        guard let name = query["instrument_name"], !name.isEmpty else {
            throw .argument("Missing instrument_name param")
        }
        guard let rule = rules(at: access.ledgerTime()).instrument(name) else {
            throw .argument("Invalid instrument_name")
        }
        return InstrumentMarket(rule, market, access)
    }

    /// What is not kept here: there is no insurance fund, and no future settles at its end.
    private func writeNothing(
        _ method: Method, _ query: [QueryItem], to writer: inout JSONWriter
    ) throws(VenueError) {
        let isInsurance = method == .insurance
        let key = isInsurance ? "instrument_name" : "instrument_type"
        guard let name = query[key], !name.isEmpty else { throw .argument("Missing \(key) param") }
        guard name == (isInsurance ? "USD" : "FUTURE") else { throw .argument("Invalid \(key)") }
        writer.beginObject()
        writer.beginArray("data")
        writer.endArray()
        if isInsurance {
            writer.member("instrument_name", name)
        }
        writer.endObject()
    }

    /// A parameter that is a whole number; nil where it is absent.
    private func number(
        _ name: String, _ query: [QueryItem], within range: ClosedRange<Int64> = 0...Int64.max
    ) throws(VenueError) -> Int64? {
        guard let text = query[name], !text.isEmpty else { return nil }
        guard let number = Int64(digits: text), range.contains(number) else {
            throw .argument("Invalid \(name)")
        }
        return number
    }

    /// A moment in milliseconds, which may be given in nanoseconds.
    private func moment(_ name: String, _ query: [QueryItem]) throws(VenueError) -> Int64? {
        guard let number = try number(name, query) else { return nil }
        // No moment has so many digits in the coarser unit. CCXT sends the end of candles in microseconds.
        return switch number {
        case 100_000_000_000_000_000...: number / 1_000_000
        case 100_000_000_000_000...: number / 1000
        default: number
        }
    }

    /// From when on there are candles: from when the first rules are of.
    private var beginning: LedgerTime { rulebookVersions[0].effective }

    private func writeCandles(
        _ query: [QueryItem], _ market: ValuationPrices, _ access: any VenueAccess,
        to writer: inout JSONWriter
    ) async throws {
        let instrument = try instrument(query, market, access)
        guard let timeframe = Timeframe.byName[query["timeframe"] ?? "1m"] else {
            throw VenueError.argument("Invalid timeframe")
        }
        let count = try number("count", query, within: 1...300) ?? 25
        let start = try moment("start_ts", query)
        let candles = try await access.candles(
            CandleQuery(
                .last(instrument.terms.name), timeframe.interval, from: start,
                to: try moment("end_ts", query), limit: Int(count), keepsOldest: start != nil),
            beginning: beginning, flat: market.mark(instrument.terms))
        writer.beginObject()
        writer.member("interval", timeframe.name)
        writer.array("data", of: candles) { candle, writer in writer.candle(candle) }
        writer.member("instrument_name", instrument.terms.name)
        writer.endObject()
    }

    private func writeBook(
        _ query: [QueryItem], _ market: ValuationPrices, _ access: any VenueAccess,
        to writer: inout JSONWriter
    ) throws(VenueError) {
        let instrument = try instrument(query, market, access)
        let depth = try number("depth", query, within: 1...150) ?? 50
        let levels = instrument.levels
        writer.beginObject()
        writer.member("depth", depth)
        writer.beginArray("data")
        writer.beginObject()
        writer.levels("bids", levels.of(.buy))
        writer.levels("asks", levels.of(.sell))
        writer.member("t", instrument.stamp.milliseconds)
        writer.endObject()
        writer.endArray()
        writer.member("instrument_name", instrument.terms.name)
        writer.endObject()
    }

    private func writeTrades(
        _ query: [QueryItem], _ market: ValuationPrices, _ access: any VenueAccess,
        to writer: inout JSONWriter
    ) async throws {
        let instrument = try instrument(query, market, access)
        let count = try number("count", query, within: 1...150) ?? 25
        var wanted = TradeQuery(instrument.terms.name, limit: Int(count))
        wanted.from = try moment("start_ts", query)
        wanted.to = try moment("end_ts", query)
        let trades = try await access.trades(wanted)
        writer.beginObject()
        writer.array("data", of: trades.reversed()) { trade, writer in
            writer.trade(trade, instrument.terms.name, isFrame: false, profile)
        }
        writer.member("instrument_name", instrument.terms.name)
        writer.endObject()
    }

    private func writeTickers(
        _ query: [QueryItem], _ market: ValuationPrices, _ access: any VenueAccess,
        to writer: inout JSONWriter
    ) throws {
        let rules = rules(at: access.ledgerTime())
        let wanted = query["instrument_name"]
        if let wanted, rules.instrument(wanted) == nil { throw VenueError.invalidArgument }
        writer.beginObject()
        writer.beginArray("data")
        for rule in rules.instruments where wanted.map(rule.terms.name.isExactly) ?? true {
            guard market.mark(rule.terms) != nil else { continue }
            try writer.ticker(InstrumentMarket(rule, market, access), withSizes: false)
        }
        writer.endArray()
        writer.endObject()
    }

    // MARK: - Valuations

    /// Marks and indexes: how they stand, and before that at each full minute; rates of funding at each full
    /// hour. The newest first.
    private func writeValuations(
        _ query: [QueryItem], _ market: ValuationPrices, _ access: any VenueAccess,
        to writer: inout JSONWriter
    ) async throws {
        guard let name = query["instrument_name"], let type = query["valuation_type"] else {
            throw VenueError.invalidArgument
        }
        let count = Int(try number("count", query, within: 1...300) ?? 25)
        let start = try moment("start_ts", query)
        let end = try moment("end_ts", query)
        let time = access.ledgerTime()
        var rows: [(value: ExactDecimal, at: LedgerTime)] = []
        switch type {
        case "mark_price", "index_price":
            let subject: MarketSubject
            let price: ExactDecimal?
            if type == "mark_price" {
                guard let rule = rules(at: time).instrument(name) else { throw VenueError.invalidArgument }
                (subject, price) = (.mark(name), market.mark(rule.terms))
            } else {
                guard let asset = indexedAsset(name, at: time) else { throw VenueError.invalidArgument }
                (subject, price) = (.index(base: asset, quote: "USD"), try? market.price(of: asset))
            }
            guard let price else { break }
            rows = [(price, market.prices.updatedAt ?? time)]
            let query = CandleQuery(
                subject, .minutes(1), from: start.map { $0 - 60_000 }, to: end.map { $0 - 60_000 },
                limit: count + 1)
            // What a minute closed at is the price at the next one's beginning; the present one is open
            // still.
            let closed = try await access.candles(query, beginning: beginning, flat: price).filter {
                $0.opened + 60_000 <= time.milliseconds
            }
            rows += closed.reversed().map { ($0.close, LedgerTime(milliseconds: $0.opened + 60_000)) }
                .filter { $0.1 < rows[0].at }
        case "funding_hist":
            let perpetual = try perpetual(name, market, access)
            rows = try await access.fundings(
                of: perpetual.terms, every: InstrumentRule.fundingHours,
                usual: ExactDecimal(InstrumentRule.usualFunding), from: start, to: end, limit: count,
                keepsOldest: false, beginning: beginning, market
            ).reversed().map { ($0.rate, $0.at) }
        case "funding_rate", "estimated_funding_rate":
            let perpetual = try perpetual(name, market, access)
            if let rate = perpetual.fundingRate { rows = [(rate, time)] }
        default: throw VenueError.invalidArgument
        }
        let admitted = rows.filter {
            $0.at.milliseconds >= start ?? .min && $0.at.milliseconds <= end ?? .max
        }
        writer.beginObject()
        writer.array("data", of: admitted.prefix(count)) { row, writer in
            writer.valuation(row.value, at: row.at)
        }
        writer.member("instrument_name", name)
        writer.endObject()
    }

    private func perpetual(
        _ name: String, _ market: ValuationPrices, _ access: any VenueAccess
    ) throws(VenueError) -> InstrumentMarket<InstrumentRule> {
        guard let rule = rules(at: access.ledgerTime()).instrument(name), rule.terms.kind == .perpetual else {
            throw .invalidArgument
        }
        return InstrumentMarket(rule, market, access)
    }
}
