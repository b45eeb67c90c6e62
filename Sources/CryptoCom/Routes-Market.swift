import JSON
import Ledger
import Numbers
import Venue

// The market's history and what goes with it. Crypto.com Exchange API documentation, Reference and Market
// Data API.

extension PublicRequest {
    /// The whole reply to a public request; its id is -1, as none was given.
    func answer(_ method: Method) async throws -> [UInt8] {
        var reply = ReplyWriter(id: .omitted, method: method.rawValue, reserving: 16_384)
        switch method {
        case .instruments:
            reply.writer.rows(rules.instruments) { rule, writer in write(rule, to: &writer) }
        case .riskParameters: writeRiskParameters(to: &reply.writer)
        case .candlestick: try await writeCandles(to: &reply.writer)
        case .book: try writeBook(to: &reply.writer)
        case .publicTrades: try await writeTrades(to: &reply.writer)
        case .tickers: try writeTickers(to: &reply.writer)
        case .insurance, .settlementPrices: try writeNothing(method, to: &reply.writer)
        case .valuations: try await writeValuations(to: &reply.writer)
        default: throw VenueError.methodNotFound
        }
        return reply.finished()
    }

    private func instrument() throws(VenueError) -> InstrumentMarket<InstrumentRule> {
        guard let name = query.given("instrument_name") else {
            throw .argument("Missing instrument_name param")
        }
        guard let rule = rules.instrument(name) else { throw .argument("Invalid instrument_name") }
        return market(of: rule)
    }

    /// What is not kept here: there is no insurance fund, and no future settles at its end.
    private func writeNothing(_ method: Method, to writer: inout JSONWriter) throws(VenueError) {
        let isInsurance = method == .insurance
        let key = isInsurance ? "instrument_name" : "instrument_type"
        guard let name = query.given(key) else { throw .argument("Missing \(key) param") }
        guard name == (isInsurance ? "USD" : "FUTURE") else { throw .argument("Invalid \(key)") }
        writer.beginObject()
        writer.beginArray("data")
        writer.endArray()
        if isInsurance { writer.member("instrument_name", name) }
        writer.endObject()
    }

    /// A parameter that is a whole number; nil where it is absent.
    private func number(
        _ name: String, within range: ClosedRange<Int64> = 0...Int64.max
    ) throws(VenueError) -> Int64? {
        guard let text = query.given(name) else { return nil }
        guard let number = Int64(digits: text), range.contains(number) else {
            throw .argument("Invalid \(name)")
        }
        return number
    }

    /// A moment in milliseconds, which may be given in nanoseconds.
    private func moment(_ name: String) throws(VenueError) -> Int64? {
        guard let number = try number(name) else { return nil }
        // No moment has so many digits in the coarser unit. CCXT sends the end of candles in microseconds.
        return switch number {
        case 100_000_000_000_000_000...: number / 1_000_000
        case 100_000_000_000_000...: number / 1000
        default: number
        }
    }

    /// From when on there are candles: from when the first rules are of.
    private var beginning: LedgerTime { venue.rulebookVersions[0].effective }

    private func writeCandles(to writer: inout JSONWriter) async throws {
        let instrument = try instrument()
        guard let timeframe = Timeframe.byName[query["timeframe"] ?? "1m"] else {
            throw VenueError.argument("Invalid timeframe")
        }
        let count = try number("count", within: 1...300) ?? 25
        let start = try moment("start_ts")
        let candles = try await access.candles(
            CandleQuery(
                .last(instrument.terms.name), timeframe.interval, from: start,
                to: try moment("end_ts"), limit: Int(count), keepsOldest: start != nil),
            beginning: beginning, flat: market.mark(instrument.terms))
        writer.beginObject()
        writer.member("interval", timeframe.name)
        writer.array("data", of: candles) { candle, writer in writer.candle(candle) }
        writer.member("instrument_name", instrument.terms.name)
        writer.endObject()
    }

    private func writeBook(to writer: inout JSONWriter) throws(VenueError) {
        let instrument = try instrument()
        let depth = try number("depth", within: 1...150) ?? 50
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

    private func writeTrades(to writer: inout JSONWriter) async throws {
        let instrument = try instrument()
        let count = try number("count", within: 1...150) ?? 25
        var wanted = TradeQuery(instrument.terms.name, limit: Int(count))
        wanted.from = try moment("start_ts")
        wanted.to = try moment("end_ts")
        let trades = try await access.trades(wanted)
        writer.beginObject()
        writer.array("data", of: trades.reversed()) { trade, writer in
            writer.trade(trade, instrument.terms.name, isFrame: false, venue.profile)
        }
        writer.member("instrument_name", instrument.terms.name)
        writer.endObject()
    }

    private func writeTickers(to writer: inout JSONWriter) throws {
        let wanted = query["instrument_name"]
        if let wanted, rules.instrument(wanted) == nil { throw VenueError.invalidArgument }
        let found = rules.instruments.filter { rule in
            (wanted.map(rule.terms.name.isExactly) ?? true) && market.mark(rule.terms) != nil
        }
        try writer.rows(found) { rule, writer in try writer.ticker(market(of: rule), withSizes: false) }
    }

    // MARK: - Valuations

    /// Marks and indexes: how they stand, and before that at each full minute; rates of funding at each full
    /// hour. The newest first.
    private func writeValuations(to writer: inout JSONWriter) async throws {
        guard let name = query["instrument_name"], let type = query["valuation_type"] else {
            throw VenueError.invalidArgument
        }
        let count = Int(try number("count", within: 1...300) ?? 25)
        let start = try moment("start_ts")
        let end = try moment("end_ts")
        var rows: [(value: ExactDecimal, at: LedgerTime)] = []
        switch type {
        case "mark_price", "index_price":
            let subject: MarketSubject
            let price: ExactDecimal?
            if type == "mark_price" {
                guard let rule = rules.instrument(name) else { throw VenueError.invalidArgument }
                (subject, price) = (.mark(name), market.mark(rule.terms))
            } else {
                guard let asset = venue.indexedAsset(name, at: now) else { throw VenueError.invalidArgument }
                (subject, price) = (.index(base: asset, quote: "USD"), try? market.price(of: asset))
            }
            guard let price else { break }
            rows = [(price, market.prices.updatedAt ?? now)]
            let query = CandleQuery(
                subject, .minutes(1), from: start.map { $0 - 60_000 }, to: end.map { $0 - 60_000 },
                limit: count + 1)
            // What a minute closed at is the price at the next one's beginning; the present one is open
            // still.
            let closed = try await access.candles(query, beginning: beginning, flat: price).filter {
                $0.opened + 60_000 <= now.milliseconds
            }
            rows += closed.reversed().map { ($0.close, LedgerTime(milliseconds: $0.opened + 60_000)) }
                .filter { $0.1 < rows[0].at }
        case "funding_hist":
            let perpetual = try perpetual(name)
            rows = try await access.fundings(
                of: perpetual.terms, every: InstrumentRule.fundingHours,
                usual: ExactDecimal(InstrumentRule.usualFunding), from: start, to: end, limit: count,
                keepsOldest: false, beginning: beginning, market
            ).reversed().map { ($0.rate, $0.at) }
        case "funding_rate", "estimated_funding_rate":
            let perpetual = try perpetual(name)
            if let rate = perpetual.fundingRate { rows = [(rate, now)] }
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

    private func perpetual(_ name: String) throws(VenueError) -> InstrumentMarket<InstrumentRule> {
        guard let rule = rules.instrument(name), rule.terms.kind == .perpetual else {
            throw .invalidArgument
        }
        return market(of: rule)
    }
}
