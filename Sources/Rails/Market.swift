import JSON
import Ledger
import Numbers
import Venue

// What the market looks like: REST rows, the book and its trades. Rails API documentation, Market Data and
// Public Order Book.

/// The market of one instrument as everybody sees it.
struct MarketView {
    let instrument: Instrument
    let access: any VenueAccess
    private let market: ValuationPrices
    private let rules: RuleTable

    /// What stands at a price where nobody said how much: a choice.
    static let anySize = ExactDecimal(1_000_000)

    init(_ instrument: Instrument, _ venue: RailsVenue, _ access: any VenueAccess) {
        self.instrument = instrument
        self.access = access
        let time = access.ledgerTime()
        rules = venue.rules(at: time)
        market = venue.market(access.prices(), at: time)
    }

    /// Nil where no price is known.
    var touch: Touch? { access.touch(of: instrument, market, tick: rules.orders.priceStep) }

    /// When the touch last changed.
    var changedAt: LedgerTime { access.market.change(of: instrument.name)?.at ?? access.ledgerTime() }

    /// The bid and the ask, one level each; none where no price is known.
    var levels: [BookLevel] {
        guard let touch else { return [] }
        return [
            BookLevel(side: .buy, price: touch.bid, quantity: touch.bidSize ?? Self.anySize),
            BookLevel(side: .sell, price: touch.ask, quantity: touch.askSize ?? Self.anySize),
        ]
        .filter { $0.price.isPositive && $0.quantity.isPositive }
    }

    /// The index price, as given or the rulebook's; when it was given.
    func index(_ referenceTime: LedgerTime) throws(FigureError) -> (price: ExactDecimal, at: LedgerTime) {
        let given = market.prices.marks[instrument.name]
        return (try market.requiredMark(instrument), given?.at ?? referenceTime)
    }

    /// What the present hour is funded at, and what the next one would be at the premium of now: fractions.
    func fundingRates() throws(NumberError) -> (present: ExactDecimal, next: ExactDecimal?) {
        let present = access.fundingRate(of: instrument.name, usual: rules.funding.interest)
        guard let touch, let index = market.mark(instrument) else { return (present, nil) }
        return (present, try rules.funding.rate(bid: touch.bid, ask: touch.ask, index: index))
    }

    /// What was traded within the last day; nil where no price is known.
    func lastDay() throws(NumberError) -> Candle? { try access.lastDay(of: instrument, market) }
}

/// A price of the book, and what stands there; nothing where it is gone.
struct BookLevel: Sendable, Equatable {
    let side: Side
    let price: ExactDecimal
    let quantity: ExactDecimal

    /// What changes one book into another: prices that are gone, then those that are new.
    static func changes(from before: [BookLevel], to after: [BookLevel]) -> [BookLevel] {
        let gone = before.filter { old in
            !after.contains { $0.side == old.side && $0.price == old.price }
        }
        return gone.map { BookLevel(side: $0.side, price: $0.price, quantity: .zero) }
            + after.filter { !before.contains($0) }
    }

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("orderType", literal: side == .buy ? "buy" : "sell")
        writer.member("price", price)
        writer.member("quantity", quantity)
        writer.endObject()
    }
}

extension MarketTrade {
    /// A row of `publicTrades`: of the side that took.
    func write(of market: String, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("executionType", literal: "taker")
        writer.member("matchId", OrderIdentifier.match(account: "market \(market)", sequence: id))
        writer.member("orderType", literal: takerSide == .buy ? "buy" : "sell")
        writer.member("price", price)
        writer.member("quantity", quantity)
        writer.member("updatedAt", at.milliseconds)
        writer.endObject()
    }
}

extension RailsVenue {
    /// `GET /api/v1/market-data[?markets=A,B]`, which Rails serves on a host of its own, open to everybody.
    func marketData(
        _ query: [QueryItem], _ rules: RuleTable, _ access: any VenueAccess
    ) async throws -> [UInt8] {
        var instruments = rules.listed
        if let list = query["markets"], !list.isEmpty {
            instruments = []
            for name in list.split(separator: ",", omittingEmptySubsequences: false) {
                if let instrument = rules.terms(of: String(name)) {
                    // Once, however often it is named: the answer is no multiple of the question.
                    if !instruments.contains(where: { $0 === instrument }) { instruments.append(instrument) }
                } else if rules.unknownMarket == .refuse {
                    throw RailsError.badRequest("Unknown market: \(name)")
                }
            }
        }
        // What was traded of late may still have to be read.
        _ = try await access.marketHistory()
        let views = instruments.map { MarketView($0, self, access) }
        var writer = JSONWriter(reserving: 64 + instruments.count * 768)
        writer.beginArray()
        let referenceTime = timeline.version(at: access.ledgerTime()).header.effective
        for view in views {
            let (price, time) = try view.index(referenceTime)
            writer.marketData(view, "INDEX", price, time)
        }
        for view in views { try writeMarketData(view, to: &writer) }
        writer.endArray()
        return writer.bytes
    }

    /// The rows of a market behind its index price. Nobody's positions are the market's: its open interest is
    /// 0, a choice.
    private func writeMarketData(_ view: MarketView, to writer: inout JSONWriter) throws {
        let time = view.changedAt
        if let touch = view.touch {
            writer.marketData(view, "ASK", touch.ask, time)
            writer.marketData(view, "BID", touch.bid, time)
        }
        let hundred = ExactDecimal(100)
        let rates = try view.fundingRates()
        writer.marketData(view, "FUNDING", try rates.present.times(hundred, rounding: .halfEven), time)
        if let next = rates.next {
            writer.marketData(view, "NEXT_FUNDING", try next.times(hundred, rounding: .halfEven), time)
        }
        writer.marketData(view, "OPEN_INTEREST", .zero, time)
        if let day = try view.lastDay() {
            writer.marketData(view, "24H_VOLUME", day.traded.quote, time)
            writer.marketData(view, "24H_COUNT", ExactDecimal(Int(day.trades)), time)
        }
    }
}

extension JSONWriter {
    fileprivate mutating func marketData(
        _ view: MarketView, _ type: StaticString, _ value: ExactDecimal, _ time: LedgerTime
    ) {
        beginObject()
        member("market", view.instrument.name)
        member("type", literal: type)
        member("index", literal: "RAILS")
        member("value", value)
        member("updatedAt", time.milliseconds)
        endObject()
    }
}
