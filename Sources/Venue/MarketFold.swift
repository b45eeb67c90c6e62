import Ledger
import Numbers

/// Whose price a series is.
public enum MarketSubject: Sendable, Hashable {
    /// An instrument's last price: a quote's, or else its mark.
    case last(String)
    /// An instrument's mark price.
    case mark(String)
    /// An index: the USD price of the one asset ÷ that of the other.
    case index(base: String, quote: String)
}

/// What a market event did to one price.
struct MarketPoint: Sendable {
    let subject: MarketSubject
    let price: ExactDecimal
    let trade: MarketTrade?
}

/// Goes through a venue's market events in the order of the journal, and tells what each of them did to
/// prices. The one definition of what candles, trades and tickers are made of.
struct MarketFold: Sendable {
    private(set) var prices = VenuePrices()
    private let venue: any Venue
    private var listing: Listing
    /// Each instrument's last price.
    private var last: [String: ExactDecimal] = [:]

    init(of venue: any Venue) {
        self.venue = venue
        listing = Listing(of: venue, version: 0)
    }

    /// Takes an event of the venue's market; gives the prices that it made, and the instruments whose touch
    /// it concerns.
    mutating func take(_ event: Event) -> (points: [MarketPoint], touched: Set<String>) {
        listing.bringUp(to: event.at, of: venue)
        switch event.body {
        case .priced(let tick): return take(tick, at: event.at)
        case .quoted(let tick): return take(tick, event)
        default: return ([], [])
        }
    }

    private mutating func take(
        _ tick: PriceTick, at time: LedgerTime
    ) -> (points: [MarketPoint], touched: Set<String>) {
        prices.apply(tick, at: time)
        let market = venue.market(prices, at: time)
        var touched = Set(tick.marks.map(\.name))
        var pairs: Set<Listing.Pair> = []
        for asset in tick.index.map(\.name) {
            pairs.formUnion(listing.pairs[asset] ?? [])
            // An instrument that was never given a mark has that of its assets.
            for name in listing.instruments[asset] ?? [] where prices.mark(name) == nil {
                touched.insert(name)
            }
        }
        var points: [MarketPoint] = []
        for name in touched {
            guard let instrument = listing.terms[name], let mark = market.mark(instrument) else { continue }
            points.append(MarketPoint(subject: .mark(name), price: mark, trade: nil))
            // A quote stands until the instrument's own mark comes.
            guard prices.quotes[name]?.last == nil else { continue }
            points.append(MarketPoint(subject: .last(name), price: mark, trade: nil))
            last[name] = mark
        }
        for pair in pairs {
            guard let price = market.index(of: pair.base, in: pair.quote) else { continue }
            points.append(
                MarketPoint(subject: .index(base: pair.base, quote: pair.quote), price: price, trade: nil))
        }
        return (points, touched)
    }

    private mutating func take(
        _ tick: QuoteTick, _ event: Event
    ) -> (points: [MarketPoint], touched: Set<String>) {
        prices.apply(tick, at: event.at, sequence: event.sequence)
        var points: [MarketPoint] = []
        for quote in tick.quotes {
            guard let price = quote.last, let instrument = listing.terms[quote.instrument] else { continue }
            points.append(
                MarketPoint(
                    subject: .last(quote.instrument), price: price,
                    trade: trade(quote, price, of: instrument, event)))
            last[quote.instrument] = price
        }
        return (points, Set(tick.quotes.map(\.instrument)))
    }

    private func trade(
        _ quote: Quote, _ price: ExactDecimal, of instrument: Instrument, _ event: Event
    ) -> MarketTrade? {
        guard let quantity = quote.quantity, quantity.isPositive else { return nil }
        let side: Side
        if let bid = quote.bid, price <= bid {
            side = .sell
        } else if let ask = quote.ask, price >= ask {
            side = .buy
        } else {
            side = last[quote.instrument].map { price < $0 } ?? false ? .sell : .buy
        }
        return MarketTrade(
            id: event.sequence, at: event.at, price: price, quantity: quantity, takerSide: side,
            turnover: try? Turnover(quantity, at: price, of: instrument))
    }
}

extension ValuationPrices {
    /// An asset's price in another, of both their USD prices, to 18 places; nil where one is not known.
    public func index(of base: String, in quote: String) -> ExactDecimal? {
        guard let first = index(base) else { return nil }
        if quote == "USD", index(quote) == nil { return first }
        guard let second = index(quote) else { return nil }
        return try? first.over(second, places: 18, rounding: .halfEven)
    }
}

/// What a venue lists, found by what its prices are made of.
private struct Listing: Sendable {
    struct Pair: Sendable, Hashable {
        let base: String
        let quote: String
    }

    private let version: Int
    private(set) var terms: [String: Instrument] = [:]
    /// Names of the instruments of an asset.
    private(set) var instruments: [String: [String]] = [:]
    /// The indexes that are made of an asset's price.
    private(set) var pairs: [String: Set<Pair>] = [:]

    init(of venue: any Venue, version: Int) {
        self.version = version
        let headers = venue.rulebookVersions
        let time = headers.indices.contains(version) ? headers[version].effective : nil
        for instrument in venue.listedInstruments(at: time ?? LedgerTime(milliseconds: 0)) {
            terms[instrument.name] = instrument
            for asset in Set([instrument.base, instrument.quote]) {
                instruments[asset, default: []].append(instrument.name)
                pairs[asset, default: []].insert(Pair(base: asset, quote: "USD"))
                pairs[asset, default: []].insert(Pair(base: instrument.base, quote: instrument.quote))
            }
        }
    }

    /// Goes on to the rules in force at a time.
    mutating func bringUp(to time: LedgerTime, of venue: any Venue) {
        let headers = venue.rulebookVersions
        let next = version + 1
        guard headers.indices.contains(next), headers[next].effective <= time else { return }
        self = Listing(of: venue, version: headers.lastIndex { $0.effective <= time } ?? next)
    }
}
