import JSON
import Ledger
import Numbers
import Venue

// Public endpoints: what the rulebook in force and the ledger's prices say.

extension PublicRequest {
    /// The body of an unsigned request's answer.
    func publicAnswer(_ endpoint: Endpoint) throws -> [UInt8] {
        switch endpoint {
        case .time:
            return JSONWriter.publicReply { writer in
                writer.beginObject()
                writer.member("ts", LedgerTime(milliseconds: access.realTime()))
                writer.endObject()
            }
        case .systemStatus: return JSONWriter.publicReply { _ in }
        case .instruments: return try instruments()
        case .discountRates: return try discountRates()
        case .positionTiers: return try positionTiers()
        case .loanQuotas: return try loanQuotas()
        case .markPrice: return try markPrices()
        case .tickers: return try tickers(of: selection())
        case .ticker: return try tickers(of: [query.instrument(rules)])
        case .indexTickers: return try indexTickers()
        default: throw OKXError.pathUnknown
        }
    }

    /// The instruments that a request's `instType`, `instFamily` or `uly`, and `instId` name. Empty for the
    /// types that nothing here has.
    func selection() throws(OKXError) -> [InstrumentRules] {
        let text = try query.required("instType")
        if text == "OPTION" || text == "MARGIN" { return [] }
        let type = try OKXVenue.instrumentType(text)
        let family = query.given("instFamily") ?? query.given("uly")
        let live = rules.instruments.filter { entry in
            entry.type == type && entry.expiry.map { $0 > now } ?? true
        }
        if let family, type != .spot, !live.contains(where: { $0.family.isExactly(family) }) {
            throw .parameterWrong(query["instFamily"].isExactly(family) ? "instFamily" : "uly")
        }
        let name = query.given("instId")
        let found = live.filter { entry in
            (type == .spot || family.map(entry.family.isExactly) ?? true)
                && (name.map(entry.terms.name.isExactly) ?? true)
        }
        guard name == nil || !found.isEmpty else { throw .instrumentUnknown }
        return found
    }

    private func instruments() throws -> [UInt8] {
        if query["instType"] == "MARGIN" {
            let name = query.given("instId")
            return try JSONWriter.publicReply { writer in
                for entry in rules.instruments where entry.loans != nil {
                    guard name ?? entry.terms.name == entry.terms.name else { continue }
                    try venue.writeInstrument(entry, rules, as: "MARGIN", to: &writer)
                }
            }
        }
        let found = try selection()
        return try JSONWriter.publicReply { writer in
            for entry in found { try venue.writeInstrument(entry, rules, to: &writer) }
        }
    }

    /// Tiers in coin (in USD until mid-2024, where the rulebook says so); the penalty rate is 1 − discount
    /// rate.
    private func discountRates() throws -> [UInt8] {
        let filter = try CurrencyFilter(query["ccy"], rules: rules)
        return try JSONWriter.publicReply { writer in
            for (place, asset) in rules.assets.enumerated() where filter.admits(place) {
                writer.beginObject()
                try writer.member("amt", asset.interestFreeQuota)
                writer.member("ccy", asset.name)
                writer.member("colRes", literal: "0")
                writer.member("collateralRestrict", false)
                writer.beginArray("details")
                var below = ExactDecimal.zero
                var counted = ExactDecimal.zero
                for (number, tier) in asset.discount.tiers.enumerated() {
                    if let end = tier.upTo {
                        try counted += (end - below).times(tier.rate, rounding: .towardZero)
                    }
                    writer.beginObject()
                    try writer.member("disCcyEq", tier.upTo == nil ? nil : counted)
                    try writer.member("discountRate", tier.rate)
                    try writer.member("liqPenaltyRate", ExactDecimal.one - tier.rate)
                    try writer.member("maxAmt", tier.upTo)
                    try writer.member("minAmt", below)
                    writer.member("tier", "\(number + 1)")
                    writer.endObject()
                    below = tier.upTo ?? below
                }
                writer.endArray()
                writer.member("discountLv", literal: "")
                try writer.member("minDiscountRate", asset.discount.minimumRate)
                writer.endObject()
            }
        }
    }

    /// The most families that one request may ask for.
    private static let familyLimit = 5

    private func positionTiers() throws -> [UInt8] {
        let text = try query.required("instType")
        let mode = try query.required("tdMode")
        guard MarginMode(rawValue: mode) != nil else { throw OKXError.parameterWrong("tdMode") }
        if text == "OPTION" { return JSONWriter.publicReply { _ in } }
        if text == "MARGIN" { return try loanTiers() }
        guard let type = try OKXVenue.instrumentType(text), type != .spot else {
            throw OKXError.parameterWrong("instType")
        }
        let named = [query["instFamily"], query["uly"], query["instId"].map(Self.family)]
            .compactMap { $0 }.first { !$0.isEmpty }
        guard let families = named?.split(separator: ",", maxSplits: Self.familyLimit) else {
            throw OKXError.parameterMissing("instFamily")
        }
        guard families.count <= Self.familyLimit else {
            throw OKXError.listTooLong("instFamily", limit: Self.familyLimit)
        }
        let number = query.given("tier")
        return try JSONWriter.publicReply { writer in
            for family in families {
                // All instruments of a family and type share one table.
                guard
                    let entry = rules.instruments.first(where: {
                        $0.type == type && $0.family.isExactly(String(family))
                    })
                else {
                    throw OKXError.parameterWrong("instFamily")
                }
                for tier in entry.tiers where number == nil || number == "\(tier.number)" {
                    try writeTier(tier, of: entry, to: &writer)
                }
            }
        }
    }

    /// Tiers of a spot pair on margin: by the loan in the base and in the quote currency.
    private func loanTiers() throws -> [UInt8] {
        let entry = try query.instrument(rules)
        guard let loans = entry.loans else { throw OKXError.instrumentUnknown }
        let number = query.given("tier")
        return try JSONWriter.publicReply { writer in
            for (base, quote) in zip(loans.base, loans.quote)
            where number ?? "\(base.number)" == "\(base.number)" {
                try writeTier(base, of: entry, quoteMaximum: quote.maximum, to: &writer)
            }
        }
    }

    /// The family of an instrument's name: its first two parts.
    private static func family(_ name: String) -> String {
        name.split(separator: "-").prefix(2).joined(separator: "-")
    }

    private func writeTier(
        _ tier: PositionTier, of entry: InstrumentRules, quoteMaximum: ExactDecimal? = nil,
        to writer: inout JSONWriter
    ) throws(NumberError) {
        let isPair = quoteMaximum != nil
        writer.beginObject()
        try writer.member("baseMaxLoan", isPair ? tier.maximum : nil)
        try writer.member("imr", tier.initialRate)
        writer.member("instFamily", isPair ? "" : entry.family)
        writer.member("instId", isPair ? entry.terms.name : "")
        try writer.member("maxLever", tier.maximumLeverage)
        try writer.member("maxSz", tier.maximum)
        try writer.member("minSz", tier.minimum)
        try writer.member("mmr", tier.maintenanceRate)
        writer.member("optMgnFactor", literal: "0")
        try writer.member("quoteMaxLoan", quoteMaximum)
        writer.member("tier", "\(tier.number)")
        writer.member("uly", entry.family)
        writer.endObject()
    }

    private func loanQuotas() throws -> [UInt8] {
        try JSONWriter.publicReply { writer in
            writer.beginObject()
            writer.beginArray("basic")
            for asset in rules.assets {
                guard let rate = asset.borrowRate else { continue }
                writer.beginObject()
                writer.member("ccy", asset.name)
                try writer.member("quota", asset.borrowQuota)
                try writer.member("rate", rate)
                writer.endObject()
            }
            writer.endArray()
            writer.emptyArray("config")
            writer.emptyArray("configCcyList")
            writer.beginArray("regular")
            writer.beginObject()
            writer.member("irDiscount", literal: "")
            writer.member("level", literal: "Lv1")
            writer.member("loanQuotaCoef", literal: "1")
            writer.endObject()
            writer.endArray()
            writer.emptyArray("vip")
            writer.endObject()
        }
    }
}

extension OKXVenue {
    /// One instrument with its terms and limits; a spot pair on margin is one of MARGIN.
    func writeInstrument(
        _ entry: InstrumentRules, _ rules: RuleTable, as typeName: String? = nil,
        to writer: inout JSONWriter
    ) throws {
        let terms = entry.terms
        let isContract = entry.type != .spot
        let isInverse = terms.payoff == .inverse
        writer.beginObject()
        writer.empty(["alias", "auctionEndTime"])
        writer.member("baseCcy", isContract ? "" : terms.base)
        writer.member("category", literal: "1")
        writer.member("contTdSwTime", literal: "")
        writer.member("ctMult", literal: isContract ? "1" : "")
        writer.member("ctType", literal: !isContract ? "" : isInverse ? "inverse" : "linear")
        try writer.member("ctVal", isContract ? terms.contractValue : nil)
        writer.member("ctValCcy", !isContract ? "" : isInverse ? terms.quote : terms.base)
        writer.member("expTime", entry.expiry.map(\.description) ?? "")
        // How far a limit may be from the index: one share for all that the venue tells apart.
        try writer.member("floatPxLmtPct", rules.margin.priceLimit)
        writer.member("futureSettlement", false)
        // The one group of `account/trade-fee`.
        writer.member("groupId", literal: "1")
        try writer.member("initPxLmtPct", rules.margin.priceLimit)
        writer.member("instCategory", literal: "1")
        writer.member("instFamily", isContract ? entry.family : "")
        writer.member("instId", terms.name)
        writer.member("instIdCode", Self.firstCode + Int64(rules.instrumentPlace(terms.name) ?? 0))
        writer.member("instType", typeName ?? entry.type.rawValue)
        try writer.member("lever", entry.maximumLeverage)
        writer.member("listTime", literal: "")
        try writer.member("lotSz", entry.lot)
        let largest = entry.largestOrder
        let sizes: [(StaticString, Int64)] = [
            ("maxIcebergSz", largest.limit), ("maxLmtAmt", largest.limitUSD), ("maxLmtSz", largest.limit),
            ("maxMktAmt", largest.marketUSD), ("maxMktSz", largest.market), ("maxStopSz", largest.market),
            ("maxTriggerSz", largest.limit), ("maxTwapSz", largest.limit),
        ]
        for (place, (key, size)) in sizes.enumerated() {
            if place == 5 { try writer.member("maxPxLmtPct", rules.margin.priceLimit) }
            writer.member(key, quoted: size)
        }
        try writer.member("minSz", entry.minimum)
        writer.empty(["openType", "optType", "preMktSwTime"])
        writer.member("quoteCcy", isContract ? "" : terms.quote)
        writer.member("ruleType", literal: "normal")
        writer.member("settleCcy", isContract ? terms.settle : "")
        writer.member("state", literal: "live")
        writer.member("stk", literal: "")
        try writer.member("tickSz", entry.tick)
        writer.beginArray("tradeQuoteCcyList")
        if !isContract { writer.string(terms.quote) }
        writer.endArray()
        writer.member("uly", isContract ? entry.family : "")
        writer.emptyArray("upcChg")
        writer.endObject()
    }
}
