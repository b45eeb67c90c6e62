import JSON
import Ledger
import Numbers
import Venue

// What the venue tells everybody, from the rulebook in force and the latest prices.

extension CryptoComVenue {
    /// The whole reply to a public request; its id is -1, as none was given.
    func answer(
        _ method: Method, _ query: [QueryItem], _ access: any VenueAccess
    ) throws(VenueError) -> [UInt8] {
        let now = access.ledgerTime()
        var reply = ReplyWriter(id: .omitted, method: method.rawValue, reserving: 16_384)
        switch method {
        case .instruments: writeInstruments(at: now, to: &reply.writer)
        case .riskParameters: writeRiskParameters(at: now, to: &reply.writer)
        case .tickers: try writeTickers(query, access, at: now, to: &reply.writer)
        case .valuations: try writeValuations(query, access, at: now, to: &reply.writer)
        default: throw .methodNotFound
        }
        return reply.finished()
    }

    // MARK: - Instruments

    private func writeInstruments(at time: LedgerTime, to writer: inout JSONWriter) {
        let rules = rules(at: time)
        writer.beginObject()
        writer.key("data")
        writer.beginArray()
        for rule in rules.instruments { write(rule, rules, at: time, to: &writer) }
        writer.endArray()
        writer.endObject()
    }

    private func write(
        _ rule: InstrumentRule, _ rules: CryptoComRules, at time: LedgerTime, to writer: inout JSONWriter
    ) {
        let terms = rule.terms
        let isSpot = terms.kind == .spot
        writer.beginObject()
        writer.key("symbol")
        writer.string(terms.name)
        writer.key("inst_type")
        writer.string(terms.kind.listedName)
        writer.key("display_name")
        writer.string(rule.displayName)
        writer.key("base_ccy")
        writer.string(terms.base)
        writer.key("quote_ccy")
        writer.string(terms.quote)
        writer.key("quote_decimals")
        writer.integer(Int64(rule.priceTick.fractionDigits))
        writer.key("quantity_decimals")
        writer.integer(Int64(rule.quantityTick.fractionDigits))
        writer.key("price_tick_size")
        writer.quoted(rule.priceTick)
        writer.key("qty_tick_size")
        writer.quoted(rule.quantityTick)
        writer.key("max_leverage")
        writer.quoted(rules.maximumLeverage(of: terms))
        writer.key("tradable")
        writer.bool(rule.expiry.map { time < $0 } ?? true)
        writer.key("expiry_timestamp_ms")
        writer.integer(rule.expiry?.milliseconds ?? 0)
        writer.key("beta_product")
        writer.bool(false)
        if !isSpot {
            writer.key("underlying_symbol")
            writer.string("\(terms.base)\(terms.quote)-INDEX")
            writer.key("contract_size")
            writer.quoted(terms.contractValue)
        }
        // Since 2026-05-21; of the documented values the one that coins have.
        writer.key("product_type")
        writer.literal("DIGITAL_CURRENCIES")
        if isSpot {
            let hasMargin = rules.maximumLeverage(of: terms) > .one
            writer.key("margin_buy_enabled")
            writer.bool(hasMargin)
            // Selling more than is held is refused here, so the listing says so.
            writer.key("margin_sell_enabled")
            writer.bool(false)
        } else {
            for key in ["margin_buy_enabled", "margin_sell_enabled"] {
                writer.key(key)
                writer.bool(false)
            }
        }
        writer.endObject()
    }

    // MARK: - Risk parameters

    private func writeRiskParameters(at time: LedgerTime, to writer: inout JSONWriter) {
        let version = timeline.version(at: time)
        writer.beginObject()
        for item in version.rules.defaults.printed {
            writer.key(item.name)
            writer.string(item.value)
        }
        writer.key("update_timestamp_ms")
        writer.integer(version.header.effective.milliseconds)
        writer.key("base_currency_config")
        writer.beginArray()
        for asset in version.rules.assets where !asset.printed.isEmpty {
            writer.beginObject()
            writer.key("instrument_name")
            writer.string(asset.name)
            for item in asset.printed {
                writer.key(item.name)
                writer.string(item.value)
            }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }

    // MARK: - Prices

    /// Mark prices as the latest trade. There is no order book and no trade history here, so bids, asks,
    /// ranges and changes are null, which is the venue's own form for "no trade", and volumes are zero.
    private func writeTickers(
        _ query: [QueryItem], _ access: any VenueAccess, at time: LedgerTime, to writer: inout JSONWriter
    ) throws(VenueError) {
        let rules = rules(at: time)
        let prices = access.prices()
        let market = market(prices, at: time)
        let wanted = query["instrument_name"]
        if let wanted, rules.instrument(wanted) == nil { throw .invalidArgument }
        let stamp = (prices.updatedAt ?? time).milliseconds
        writer.beginObject()
        writer.key("data")
        writer.beginArray()
        for rule in rules.instruments where wanted.map(rule.terms.name.isExactly) ?? true {
            guard let price = market.mark(rule.terms) else { continue }
            writer.beginObject()
            writer.key("i")
            writer.string(rule.terms.name)
            for key in ["h", "l"] {
                writer.key(key)
                writer.null()
            }
            writer.key("a")
            writer.quoted(price)
            for key in ["v", "vv"] {
                writer.key(key)
                writer.literal("0")
            }
            for key in ["c", "b", "k"] {
                writer.key(key)
                writer.null()
            }
            writer.key("oi")
            writer.literal("0")
            writer.key("t")
            writer.integer(stamp)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }

    /// The latest mark or index price, as the one point that is known.
    private func writeValuations(
        _ query: [QueryItem], _ access: any VenueAccess, at time: LedgerTime, to writer: inout JSONWriter
    ) throws(VenueError) {
        guard let name = query["instrument_name"], let type = query["valuation_type"] else {
            throw .invalidArgument
        }
        let prices = access.prices()
        let market = market(prices, at: time)
        let price: ExactDecimal?
        switch type {
        case "mark_price":
            guard let rule = rules(at: time).instrument(name) else { throw .invalidArgument }
            price = market.mark(rule.terms)
        case "index_price":
            guard let asset = indexedAsset(name, at: time) else { throw .invalidArgument }
            price = try? market.price(of: asset)
        default: throw .invalidArgument
        }
        writer.beginObject()
        writer.key("data")
        writer.beginArray()
        if let price {
            writer.beginObject()
            writer.key("v")
            writer.quoted(price)
            writer.key("t")
            writer.integer((prices.updatedAt ?? time).milliseconds)
            writer.endObject()
        }
        writer.endArray()
        writer.key("instrument_name")
        writer.string(name)
        writer.endObject()
    }

    /// The asset of an index's name such as `BTCUSD-INDEX`; nil if there is none.
    func indexedAsset(_ name: String, at time: LedgerTime) -> String? {
        let suffix = "USD-INDEX"
        guard name.hasSuffix(suffix) else { return nil }
        let asset = String(name.dropLast(suffix.count))
        return knowsAsset(asset, at: time) ? asset : nil
    }
}

extension Instrument.Kind {
    /// The venue's word for it.
    var listedName: String {
        switch self {
        case .spot: "CCY_PAIR"
        case .perpetual: "PERPETUAL_SWAP"
        case .future: "FUTURE"
        }
    }
}

extension InstrumentRule {
    /// `BTC/USD`, `BTCUSD Perpetual`, `BTCUSD Futures 20261225`.
    fileprivate var displayName: String {
        switch terms.kind {
        case .spot: "\(terms.base)/\(terms.quote)"
        case .perpetual: "\(terms.base)\(terms.quote) Perpetual"
        case .future:
            "\(terms.base)\(terms.quote) Futures "
                + (expiry?.iso8601.prefix(10).filter { $0 != "-" } ?? "")
        }
    }
}
