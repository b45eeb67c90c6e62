import JSON
import Ledger
import Numbers
import Venue

// Prices: the marks and indexes that the ledger was given, and behind them the rulebook's reference prices.

extension PublicRequest {
    /// Of the instrument that `instId` names, or of all of a type (`public/mark-price`).
    func markPrices() throws -> [UInt8] {
        // Clients that name the instrument often leave its type out.
        let isNamed = query.given("instType") == nil && query.given("instId") != nil
        let found = try isNamed ? [query.instrument(rules)] : selection()
        return try JSONWriter.publicReply { writer in
            for entry in found { try venue.writeMark(entry, market, at: now, to: &writer) }
        }
    }

    /// `market/tickers` of a type, `market/ticker` of one instrument.
    func tickers(of found: [InstrumentRules]) throws -> [UInt8] {
        try JSONWriter.publicReply { writer in
            for entry in found { try venue.writeTicker(market(of: entry), at: now, to: &writer) }
        }
    }

    /// `market/index-tickers`: by `instId` such as BTC-USD, or all of a `quoteCcy`. An index in another
    /// currency than USD is the USD index ÷ that currency's.
    func indexTickers() throws -> [UInt8] {
        var pairs: [(base: String, quote: String)] = []
        if let name = query.given("instId") {
            pairs = [try OKXVenue.indexPair(name, rules)]
        } else {
            guard let quote = query.given("quoteCcy") else { throw OKXError.parameterMissing("instId") }
            guard rules.assetPlace(quote) != nil else { throw OKXError.parameterWrong("quoteCcy") }
            pairs = rules.assets.filter { $0.name != quote }.map { ($0.name, quote) }
        }
        return try JSONWriter.publicReply { writer in
            for pair in pairs {
                try venue.writeIndex(pair.base, pair.quote, market, at: now, through: access, to: &writer)
            }
        }
    }
}

extension OKXVenue {
    /// One mark price.
    func writeMark(
        _ entry: InstrumentRules, _ market: ValuationPrices, at time: LedgerTime, to writer: inout JSONWriter
    ) throws(NumberError) {
        writer.beginObject()
        writer.member("instId", entry.terms.name)
        writer.member("instType", entry.type.rawValue)
        try writer.member("markPx", market.mark(entry.terms))
        writer.member("ts", time)
        writer.endObject()
    }

    /// One ticker: the touch, and the last day. What nobody said the size of has that of the largest market
    /// order. Without a price, all of it is "".
    func writeTicker(
        _ instrument: InstrumentMarket<InstrumentRules>, at time: LedgerTime, to writer: inout JSONWriter
    ) throws(NumberError) {
        let (touch, sizes) = (instrument.touch, instrument.sizes)
        let day = try instrument.lastDay
        let trade = instrument.access.market.latestTrades(of: instrument.name).trades.last
        writer.beginObject()
        try writer.member("askPx", touch?.ask)
        try writer.member("askSz", sizes?.ask)
        try writer.member("bidPx", touch?.bid)
        try writer.member("bidSz", sizes?.bid)
        try writer.member("high24h", day?.high)
        writer.member("instId", instrument.name)
        writer.member("instType", instrument.rules.type.rawValue)
        try writer.member("last", day?.close)
        try writer.member("lastSz", trade?.quantity ?? .zero)
        try writer.member("low24h", day?.low)
        try writer.member("open24h", day?.open)
        try writer.member("sodUtc0", instrument.midnightPrice(hoursAhead: 0))
        try writer.member("sodUtc8", instrument.midnightPrice(hoursAhead: 8))
        writer.member("ts", time)
        try writer.member("vol24h", day?.traded.quantity ?? .zero)
        let isSpot = instrument.rules.type == .spot
        try writer.member("volCcy24h", (isSpot ? day?.traded.quote : day?.traded.base) ?? .zero)
        writer.endObject()
    }

    /// The currencies of an index such as BTC-USD. Throws `instrumentUnknown` for another name.
    static func indexPair(
        _ name: String, _ rules: RuleTable
    ) throws(OKXError) -> (base: String, quote: String) {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, rules.assetPlace(parts[0]) != nil, rules.assetPlace(parts[1]) != nil else {
            throw .instrumentUnknown
        }
        return (parts[0], parts[1])
    }

    /// One index price, with what it was over the last day.
    func writeIndex(
        _ base: String, _ quote: String, _ market: ValuationPrices, at time: LedgerTime,
        through access: any VenueAccess, to writer: inout JSONWriter
    ) throws {
        let price = try market.requiredIndex(base)
            .over(market.requiredIndex(quote), places: 16, rounding: .halfUp)
        let now = access.ledgerTime()
        let minute: Int64 = 60_000
        let start = (now.milliseconds - 86_400_000) / minute * minute
        let day = try access.stretch(ofIndex: base, in: quote, from: start, market)
        writer.beginObject()
        try writer.member("high24h", day?.high)
        try writer.member("idxPx", price)
        writer.member("instId", "\(base)-\(quote)")
        try writer.member("low24h", day?.low)
        try writer.member("open24h", day?.open)
        for (key, hoursAhead): (StaticString, Int64) in [("sodUtc0", 0), ("sodUtc8", 8)] {
            let midnight = Midnight.last(before: now, hoursAhead: hoursAhead)
            let price = try access.stretch(ofIndex: base, in: quote, from: midnight, market)?.open
            try writer.member(key, price)
        }
        writer.member("ts", time)
        writer.endObject()
    }
}

extension AccountRequest {
    /// `asset/currencies`: one row per currency and network of the rulebook. Nothing moves over a network
    /// here, so that fees and limits are 0.
    func currencies() throws -> [UInt8] {
        let filter = try CurrencyFilter(query["ccy"], rules: rules)
        return JSONWriter.reply { writer in
            for (place, asset) in rules.assets.enumerated() where filter.admits(place) {
                for (number, chain) in asset.chains.enumerated() {
                    writeCurrency(asset.name, chain, isMain: number == 0, to: &writer)
                }
            }
        }
    }

    private func writeCurrency(_ name: String, _ chain: String, isMain: Bool, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("burningFeeRate", literal: "")
        writer.member("canDep", true)
        writer.member("canInternal", true)
        writer.member("canWd", true)
        writer.member("ccy", name)
        writer.member("chain", "\(name)-\(chain)")
        writer.empty(["ctAddr", "depQuotaFixed", "depQuoteDailyLayer2", "depEstOpenTime"])
        writer.member("fee", literal: "0")
        writer.member("logoLink", literal: "")
        writer.member("mainNet", isMain)
        writer.member("maxFee", literal: "0")
        writer.empty(["maxFeeForCtAddr", "maxWd"])
        writer.member("minDep", literal: "0")
        writer.member("minDepArrivalConfirm", literal: "1")
        writer.member("minFee", literal: "0")
        writer.member("minFeeForCtAddr", literal: "")
        writer.member("minInternal", literal: "0")
        writer.member("minWd", literal: "0")
        writer.member("minWdUnlockConfirm", literal: "1")
        writer.member("name", name)
        writer.member("needTag", false)
        writer.member("usedDepQuotaFixed", literal: "")
        writer.member("usedWdQuota", literal: "0")
        writer.member("wdQuota", literal: "")
        writer.member("wdTickSz", literal: "16")
        writer.endObject()
    }
}
