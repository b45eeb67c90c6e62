import JSON
import Ledger
import Numbers
import Venue

// What the venue tells everybody, from the rulebook in force.

extension CryptoComVenue {
    /// The whole reply to a public request; its id is -1, as none was given.
    func answer(
        _ method: Method, _ access: any VenueAccess
    ) throws(VenueError) -> [UInt8] {
        let now = access.ledgerTime()
        var reply = ReplyWriter(id: .omitted, method: method.rawValue, reserving: 16_384)
        switch method {
        case .instruments: writeInstruments(at: now, to: &reply.writer)
        case .riskParameters: writeRiskParameters(at: now, to: &reply.writer)
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
