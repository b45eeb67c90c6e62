import Ledger
import Numbers
import Synchronization

/// What the market of one venue was, as far as it is kept in memory: candles of every price, the latest
/// trades, and when each instrument's touch last changed.
///
/// It is made of the prices and quotes that were given to the ledger, in the order of the journal. What is
/// older than it keeps is read from the journal: `VenueAccess.candles` and `.trades` do both.
public final class MarketHistory: Sendable {
    /// The trades of each instrument that are always kept.
    static let keptTrades = 1_000
    /// The funding rates of each instrument that are kept at most.
    static let keptRates = 2_000

    private struct State {
        var fold: MarketFold?
        var series: [MarketSubject: CandleSeries] = [:]
        var traces: [String: Trace] = [:]
        var sequence: Int64 = 0
        var durable: Int64 = 0
        var isRead = false
    }

    fileprivate struct Trace {
        var trades: [MarketTrade] = []
        /// Whether nothing was ever let go.
        var isWhole = true
        var rates: [FundingRate] = []
        var change = MarketChange(sequence: 0, at: LedgerTime(milliseconds: 0))
    }

    private let state: Mutex<State>
    let venue: (any Venue)?

    /// A market of which nothing is known yet; without a venue, and nothing ever is.
    public init(of venue: (any Venue)?) {
        self.venue = venue
        state = Mutex(State(fold: venue.map { MarketFold(of: $0) }))
    }

    /// Takes an event, if it is of this market and was not taken before.
    public func take(_ event: Event) {
        guard let venue, event.body.marketVenue == venue.name else { return }
        state.withLock { state in
            guard event.sequence > state.sequence else { return }
            state.sequence = event.sequence
            state.durable = max(state.durable, event.sequence)
            if let (instrument, rate) = event.fundingRate {
                state.traces[instrument, default: Trace()].keep(rate)
                return
            }
            guard let (points, touched) = state.fold?.take(event) else { return }
            for point in points {
                state.series[point.subject, default: CandleSeries()]
                    .take(point.price, point.trade, at: event.at)
                guard let trade = point.trade, case .last(let name) = point.subject else { continue }
                state.traces[name, default: Trace()].keep(trade)
            }
            let change = MarketChange(sequence: event.sequence, at: event.at)
            for name in touched { state.traces[name, default: Trace()].change = change }
        }
    }

    /// The last market event that was taken; 0 before the first.
    public var sequence: Int64 { state.withLock { $0.sequence } }

    /// The place of the journal behind which every market event is yet to come, whether those before it were
    /// taken or not.
    public var durable: Int64 { state.withLock { $0.durable } }

    /// Notes that the journal has come to a place.
    public func noteDurable(_ sequence: Int64) {
        state.withLock { $0.durable = max($0.durable, sequence) }
    }

    /// Whether all that the journal knows was taken.
    public var isRead: Bool { state.withLock { $0.isRead } }

    /// Notes that all that the journal knows was taken.
    public func noteRead() { state.withLock { $0.isRead = true } }

    /// Forgets all: the ledger is another one.
    public func forget() {
        state.withLock { $0 = State(fold: venue.map { MarketFold(of: $0) }) }
    }

    /// The latest rates at which an instrument was funded, in their order; each time once.
    public func fundingRates(of instrument: String) -> [FundingRate] {
        state.withLock { $0.traces[instrument]?.rates ?? [] }
    }

    /// When an instrument's touch last changed; nil where it never did.
    public func change(of instrument: String) -> MarketChange? {
        state.withLock { $0.traces[instrument]?.change }.flatMap { $0.sequence == 0 ? nil : $0 }
    }

    /// The latest trades of an instrument, in their order: at most `keptTrades` and a quarter more.
    public func latestTrades(of instrument: String) -> (trades: [MarketTrade], isWhole: Bool) {
        state.withLock { state in
            let trace = state.traces[instrument]
            return (trace?.trades ?? [], trace?.isWhole ?? true)
        }
    }

    /// All that happened to a price from a full minute on; see `CandleSeries.stretch`. Throws where what was
    /// traded does not fit into a number.
    public func stretch(of subject: MarketSubject, from start: Int64) throws(NumberError) -> Candle? {
        let candle = state.withLock { $0.series[subject]?.stretch(from: start) }
        if let candle, candle.isBeyondMeasure { throw .overflow }
        return candle
    }

    /// The candles of a window; nil where it begins before all that is kept.
    func candles(_ subject: MarketSubject, _ window: CandleWindow, flat: ExactDecimal?) -> [Candle]? {
        state.withLock { state in
            (state.series[subject] ?? CandleSeries()).candles(window, flat: flat)
        }
    }
}

extension MarketHistory.Trace {
    fileprivate mutating func keep(_ rate: FundingRate) {
        // Every holder was funded at the same rate then.
        if let last = rates.last, last.at == rate.at { rates.removeLast() }
        rates.append(rate)
        if rates.count > MarketHistory.keptRates { rates.removeFirst(MarketHistory.keptRates / 4) }
    }

    fileprivate mutating func keep(_ trade: MarketTrade) {
        trades.append(trade)
        if trades.count > MarketHistory.keptTrades + MarketHistory.keptTrades / 4 {
            trades.removeFirst(MarketHistory.keptTrades / 4)
            isWhole = false
        }
    }
}

/// A market event that changed an instrument's touch.
public struct MarketChange: Sendable, Equatable {
    /// Its place in the journal.
    public let sequence: Int64
    public let at: LedgerTime
}

/// A rate at which positions of an instrument were funded.
public struct FundingRate: Sendable, Equatable {
    public let at: LedgerTime
    /// A fraction of the notional; positive where longs pay.
    public let rate: ExactDecimal
}

extension Event {
    /// The instrument of a funding by rate, and the rate; nil for every other event.
    var fundingRate: (instrument: String, rate: FundingRate)? {
        if case .fundingFixed(let tick) = body {
            return (tick.instrument, FundingRate(at: at, rate: tick.rate))
        }
        // What follows from a rate that was fixed for everybody says nothing new.
        guard cause == nil, case .funded(let position, _, let terms?) = body, let rate = terms.rate else {
            return nil
        }
        return (position.instrument.name, FundingRate(at: at, rate: rate))
    }
}

extension EventBody {
    /// The venue whose market an event tells of: one of prices, quotes, or a rate of funding.
    public var marketVenue: VenueName? {
        if case .funded(let position, _, let terms?) = self, terms.rate != nil {
            return position.instrument.venue
        }
        return market
    }
}
