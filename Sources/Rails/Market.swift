import JSON
import Ledger
import Numbers
import Venue

// What the market looks like: REST rows, the book and its trades. Rails API documentation, Market Data and
// Public Order Book.

/// What the market of an instrument needs of the rules.
struct MarketTerms: MarketRules {
    let terms: Instrument
    fileprivate let table: RuleTable

    var priceTick: ExactDecimal { table.orders.priceStep }
}

typealias MarketView = InstrumentMarket<MarketTerms>

extension MarketView {
    init(_ instrument: Instrument, _ venue: RailsVenue, _ access: any VenueAccess) {
        let (_, rules, market) = venue.present(through: access)
        self.init(MarketTerms(terms: instrument, table: rules), market, access)
    }

    /// The index price, as given or the rulebook's; when it was given.
    func index(_ referenceTime: LedgerTime) throws(FigureError) -> (price: ExactDecimal, at: LedgerTime) {
        (try market.requiredMark(terms), market.prices.marks[name]?.at ?? referenceTime)
    }

    /// What the present hour is funded at, and what the next one would be at the premium of now: fractions.
    func fundingRates() throws(NumberError) -> (present: ExactDecimal, next: ExactDecimal?) {
        let funding = rules.table.funding
        let present = access.fundingRate(of: name, usual: funding.interest)
        guard let touch, let index = market.mark(terms) else { return (present, nil) }
        return (present, try funding.rate(bid: touch.bid, ask: touch.ask, index: index))
    }
}

extension BookLevel {
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("orderType", literal: side == .buy ? "buy" : "sell")
        writer.member("price", price)
        writer.member("quantity", size)
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
        if let list = query.given("markets") {
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
        if let day = try view.lastDay {
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
        member("market", view.name)
        member("type", literal: type)
        member("index", literal: "RAILS")
        member("value", value)
        member("updatedAt", time.milliseconds)
        endObject()
    }
}
