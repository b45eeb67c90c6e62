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
        writer.array("data", of: rules.instruments) { rule, writer in
            write(rule, rules, at: time, to: &writer)
        }
        writer.endObject()
    }

    private func write(
        _ rule: InstrumentRule, _ rules: CryptoComRules, at time: LedgerTime, to writer: inout JSONWriter
    ) {
        let terms = rule.terms
        let isSpot = terms.kind == .spot
        writer.beginObject()
        writer.member("symbol", terms.name)
        writer.member("inst_type", terms.kind.listedName)
        writer.member("display_name", rule.displayName)
        writer.member("base_ccy", terms.base)
        writer.member("quote_ccy", terms.quote)
        writer.member("quote_decimals", Int64(rule.priceTick.fractionDigits))
        writer.member("quantity_decimals", Int64(rule.quantityTick.fractionDigits))
        writer.member("price_tick_size", quoted: rule.priceTick)
        writer.member("qty_tick_size", quoted: rule.quantityTick)
        writer.member("max_leverage", quoted: rules.maximumLeverage(of: terms))
        writer.member("tradable", rule.expiry.map { time < $0 } ?? true)
        writer.member("expiry_timestamp_ms", rule.expiry?.milliseconds ?? 0)
        writer.member("beta_product", false)
        if !isSpot {
            writer.member("underlying_symbol", "\(terms.base)\(terms.quote)-INDEX")
            writer.member("contract_size", quoted: terms.contractValue)
        }
        // Since 2026-05-21; of the documented values the one that coins have.
        writer.member("product_type", literal: "DIGITAL_CURRENCIES")
        if isSpot {
            let hasMargin = rules.maximumLeverage(of: terms) > .one
            writer.member("margin_buy_enabled", hasMargin)
            // Selling more than is held is refused here, so the listing says so.
            writer.member("margin_sell_enabled", false)
        } else {
            for key: StaticString in ["margin_buy_enabled", "margin_sell_enabled"] {
                writer.member(key, false)
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
        writer.member("update_timestamp_ms", version.header.effective.milliseconds)
        writer.beginArray("base_currency_config")
        for asset in version.rules.assets where !asset.printed.isEmpty {
            writer.beginObject()
            writer.member("instrument_name", asset.name)
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
