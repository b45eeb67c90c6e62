import Ledger
import Numbers

extension VenueAccess {
    /// The touch of an instrument of this venue now; nil where no price is known.
    public func touch(of instrument: Instrument, _ market: ValuationPrices, tick: ExactDecimal) -> Touch? {
        Touch(of: instrument, prices: market.prices, market: market, tick: tick)
    }

    /// What an instrument's price was over the last 24 hours, from the beginning of the minute on in which
    /// they begin; nil where no price is known. Throws where what was traded does not fit into a number.
    public func lastDay(of instrument: Instrument, _ market: ValuationPrices) throws(NumberError) -> Candle? {
        let start = ledgerTime().milliseconds - CandleInterval.day
        return try stretch(
            of: instrument, from: start.flooredQuotient(by: CandleInterval.minute) * CandleInterval.minute,
            market)
    }

    /// What an instrument's price was from a full minute of the last days on; nil where no price is known.
    public func stretch(
        of instrument: Instrument, from start: Int64, _ market: ValuationPrices
    ) throws(NumberError) -> Candle? {
        if let known = try self.market.stretch(of: .last(instrument.name), from: start) { return known }
        return market.mark(instrument).map { Candle(opened: start, at: $0) }
    }

    /// What an index was from a full minute of the last days on; nil where no price is known.
    public func stretch(
        ofIndex base: String, in quote: String, from start: Int64, _ market: ValuationPrices
    ) throws(NumberError) -> Candle? {
        if let known = try self.market.stretch(of: .index(base: base, quote: quote), from: start) {
            return known
        }
        return market.index(of: base, in: quote).map { Candle(opened: start, at: $0) }
    }

    /// The rate at which an instrument is funded now: the last that the ledger was told, else the usual one.
    public func fundingRate(of instrument: String, usual: ExactDecimal) -> ExactDecimal {
        market.fundingRates(of: instrument).last?.rate ?? usual
    }

    /// What an instrument was funded at, at each time at which its venue does so, every `hours` from midnight
    /// UTC on: the last rate that the ledger was told by then, else the usual one. `query` is for the hours
    /// that end at those times.
    public func fundings(
        of instrument: Instrument, every hours: Int64, usual: ExactDecimal, from: Int64?, to: Int64?,
        limit: Int, keepsOldest: Bool, beginning: LedgerTime, _ market: ValuationPrices
    ) async throws -> [Funding] {
        let length = hours * CandleInterval.hour
        let now = ledgerTime().milliseconds
        let last = min(to ?? now, now).flooredQuotient(by: length) * length
        let marks = try await candles(
            CandleQuery(
                .mark(instrument.name), .hours(hours), from: from.map { $0 - length }, to: last - length,
                limit: limit, keepsOldest: keepsOldest), beginning: beginning, flat: market.mark(instrument))
        let told = try await marketHistory().fundingRates(of: instrument.name)
        return marks.map { candle in
            let time = LedgerTime(milliseconds: candle.opened + length)
            return Funding(
                at: time, rate: told.last { $0.at <= time }?.rate ?? usual, mark: candle.close)
        }
    }
}

/// A funding of an instrument.
public struct Funding: Sendable, Equatable {
    public let at: LedgerTime
    /// A fraction of the notional; positive where longs pay.
    public let rate: ExactDecimal
    /// The mark price then.
    public let mark: ExactDecimal
}

/// Which trades are wanted.
public struct TradeQuery: Sendable {
    /// The instrument whose trades are asked for.
    public var instrument: String
    /// The lowest and the highest id; nil for any.
    public var fromID: Int64?
    public var toID: Int64?
    /// The earliest and the latest time, in milliseconds; nil for any.
    public var from: Int64?
    public var to: Int64?
    /// How many trades are given at most.
    public var limit: Int
    /// Which of too many are kept: the oldest, or the latest.
    public var keepsOldest: Bool

    /// A question for trades.
    public init(_ instrument: String, limit: Int, keepsOldest: Bool = false) {
        self.instrument = instrument
        self.limit = limit
        self.keepsOldest = keepsOldest
    }

    func admits(_ trade: MarketTrade) -> Bool {
        trade.id >= fromID ?? .min && trade.id <= toID ?? .max && trade.at.milliseconds >= from ?? .min
            && trade.at.milliseconds <= to ?? .max
    }

    /// Whether it may want what lies before a trade.
    func reaches(before trade: MarketTrade) -> Bool {
        fromID ?? .min < trade.id && from ?? .min <= trade.at.milliseconds
    }

    func chosen(_ trades: [MarketTrade]) -> [MarketTrade] {
        let admitted = trades.filter(admits)
        return Array(keepsOldest ? admitted.prefix(limit) : admitted.suffix(limit))
    }
}

extension VenueAccess {
    /// Candles that are asked for, the oldest first, none beginning before the stretch of `beginning` or
    /// after the ledger's time; `flat` is the price where none was ever given. Older ones are read from the
    /// journal.
    ///
    /// Throws where the journal cannot be read, and `NumberError` where what was traded does not fit into a
    /// number.
    public func candles(
        _ query: CandleQuery, beginning: LedgerTime, flat: ExactDecimal?
    ) async throws -> [Candle] {
        let now = ledgerTime().milliseconds
        guard let window = query.window(beginning: beginning.milliseconds, now: now) else { return [] }
        let market = try await marketHistory()
        guard let venue = market.venue else { return [] }
        let found: [Candle]
        if let known = market.candles(query.subject, window, flat: flat) {
            found = known
        } else {
            found = try await slowly(for: "market") {
                var past = PastCandles(query.subject, window)
                try await past.read(through: self, of: venue)
                return past.series.candles(window, flat: flat) ?? []
            }
        }
        if found.contains(where: \.isBeyondMeasure) { throw NumberError.overflow }
        return found
    }

    /// Candles of what is kept in memory, at once; nil where that does not go so far back.
    public func presentCandles(_ query: CandleQuery, flat: ExactDecimal?) throws(NumberError) -> [Candle]? {
        let now = ledgerTime().milliseconds
        guard let window = query.window(beginning: query.from ?? now, now: now) else { return [] }
        let found = market.candles(query.subject, window, flat: flat)
        if let found, found.contains(where: \.isBeyondMeasure) { throw .overflow }
        return found
    }

    /// Trades that are asked for, in their order. Older ones than are kept are read from the journal, at most
    /// `MarketHistory.keptTrades` of them. Throws where it cannot be read.
    public func trades(_ query: TradeQuery) async throws -> [MarketTrade] {
        let market = try await marketHistory()
        let (latest, isWhole) = market.latestTrades(of: query.instrument)
        let known = query.chosen(latest)
        guard !isWhole, let first = latest.first, query.reaches(before: first),
            query.keepsOldest || known.count < query.limit, let venue = market.venue
        else { return known }
        return try await slowly(for: "market") {
            var fold = MarketFold(of: venue)
            var found: [MarketTrade] = []
            try await goThroughMarket { event in
                if event.at.milliseconds > query.to ?? .max || event.sequence > query.toID ?? .max {
                    return false
                }
                for point in fold.take(event).points {
                    guard point.subject == .last(query.instrument), let trade = point.trade,
                        query.admits(trade)
                    else { continue }
                    found.append(trade)
                }
                if found.count > 2 * query.limit, !query.keepsOldest {
                    found.removeFirst(found.count - query.limit)
                }
                return !query.keepsOldest || found.count < query.limit
            }
            return query.chosen(found)
        }
    }

    /// Hands over the market events of this venue from the beginning on, until one is the last that is
    /// wanted.
    fileprivate func goThroughMarket(_ take: (Event) -> Bool) async throws {
        var sequence: Int64 = 0
        while true {
            let events = try await marketEvents(after: sequence, limit: 1_000)
            for event in events where !take(event) { return }
            guard let last = events.last else { return }
            sequence = last.sequence
        }
    }
}

/// The candles of one window, out of the journal.
private struct PastCandles {
    private(set) var series: CandleSeries
    private let subject: MarketSubject
    private let window: CandleWindow

    init(_ subject: MarketSubject, _ window: CandleWindow) {
        self.subject = subject
        self.window = window
        series = CandleSeries(of: window)
    }

    mutating func read(through access: any VenueAccess, of venue: any Venue) async throws {
        var fold = MarketFold(of: venue)
        var series = series
        let (subject, end) = (subject, window.interval.end(of: window.last))
        try await access.goThroughMarket { event in
            if event.at.milliseconds >= end { return false }
            for point in fold.take(event).points where point.subject == subject {
                series.take(point.price, point.trade, at: event.at)
            }
            return true
        }
        self.series = series
    }
}
