import JSON
import Ledger
import Numbers
import Venue

// What the venue tells everybody, from the rulebook in force.

extension PublicRequest {
    /// One instrument.
    func write(_ rule: InstrumentRule, to writer: inout JSONWriter) {
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
        writer.member("tradable", rule.expiry.map { now < $0 } ?? true)
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

    func writeRiskParameters(to writer: inout JSONWriter) {
        let version = venue.timeline.version(at: now)
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
}

extension CryptoComVenue {
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
