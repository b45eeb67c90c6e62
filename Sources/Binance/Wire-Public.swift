import JSON
import Ledger
import Numbers
import Venue

/// What everybody may read, as bytes.
extension JSONWriter {
    /// One asset of `assetIndex`.
    mutating func assetIndex(
        _ asset: AssetRules, _ market: ValuationPrices, at time: LedgerTime
    ) throws {
        beginObject()
        member("symbol", asset.name + "USD")
        member("time", time.milliseconds)
        try Layouts.assetIndex.write(AssetRow(asset, market), to: &self)
        endObject()
    }

    /// `exchangeInfo` of the futures. Binance USDⓈ-M Futures API documentation, Exchange Information. An
    /// account in credits mode sees the credits as margin asset of every symbol; `account` is that of the key
    /// that the request names, nil without one.
    mutating func exchangeInfo(_ rules: RuleTable, for account: Account?, serverTime: Int64) {
        beginObject()
        member("timezone", literal: "UTC")
        member("serverTime", serverTime)
        member("futuresType", literal: "U_MARGINED")
        beginArray("rateLimits")
        rateLimit("REQUEST_WEIGHT", "MINUTE", 1, rules.limits.futures)
        rateLimit("ORDERS", "MINUTE", 1, rules.limits.ordersPerMinute)
        rateLimit("ORDERS", "SECOND", 10, rules.limits.ordersPerTenSeconds)
        endArray()
        beginArray("exchangeFilters")
        endArray()
        beginArray("assets")
        let seesCredits = account?.isInCreditsMode ?? false
        for asset in rules.assets where asset.isMarginAvailable && (seesCredits || !asset.isCredit) {
            beginObject()
            member("asset", asset.name)
            member("marginAvailable", asset.isMarginAvailable)
            // Always a text for a margin asset: strict clients refuse the whole answer otherwise.
            member("autoAssetExchange", quoted: asset.autoExchangeThreshold ?? .zero)
            endObject()
        }
        endArray()
        beginArray("symbols")
        for symbol in rules.symbols {
            self.symbol(symbol, marginAsset: account?.marginAsset(of: symbol, rules))
        }
        endArray()
        endObject()
    }

    /// `exchangeInfo` of the spot API or of the coin-margined futures: their limit, and no symbol, because
    /// neither market is kept here. Clients for all of the venue's markets ask for both before anything else.
    mutating func emptyExchangeInfo(weightLimit: Int, serverTime: Int64) {
        beginObject()
        member("timezone", literal: "UTC")
        member("serverTime", serverTime)
        beginArray("rateLimits")
        rateLimit("REQUEST_WEIGHT", "MINUTE", 1, weightLimit)
        endArray()
        beginArray("exchangeFilters")
        endArray()
        beginArray("symbols")
        endArray()
        endObject()
    }

    private mutating func rateLimit(
        _ kind: StaticString, _ interval: StaticString, _ number: Int64, _ limit: Int
    ) {
        beginObject()
        member("rateLimitType", literal: kind)
        member("interval", literal: interval)
        member("intervalNum", number)
        member("limit", Int64(limit))
        endObject()
    }

    private mutating func symbol(_ symbol: SymbolRules, marginAsset: String?) {
        beginObject()
        member("symbol", symbol.name)
        member("pair", symbol.name)
        member("contractType", literal: "PERPETUAL")
        // What the venue gives for a contract without an end.
        member("deliveryDate", 4_133_404_800_000)
        member("onboardDate", symbol.onboarded)
        member("status", literal: "TRADING")
        member("maintMarginPercent", literal: "2.5000")
        member("requiredMarginPercent", literal: "5.0000")
        member("baseAsset", symbol.instrument.base)
        member("quoteAsset", symbol.instrument.quote)
        member("marginAsset", marginAsset ?? symbol.instrument.settle)
        member("pricePrecision", Int64(symbol.pricePrecision))
        member("quantityPrecision", Int64(symbol.quantityPrecision))
        member("baseAssetPrecision", 8)
        member("quotePrecision", 8)
        member("underlyingType", literal: "COIN")
        array("underlyingSubType", of: symbol.subtypes) { subtype, writer in writer.string(subtype) }
        member("triggerProtect", Filters.triggerProtect)
        member("liquidationFee", symbol.liquidationFee)
        member("marketTakeBound", symbol.marketTakeBound)
        member("maxMoveOrderLimit", Filters.amendments)
        filters(symbol)
        array("orderTypes", of: Self.orderTypes) { kind, writer in writer.string(kind) }
        array("timeInForce", of: ["GTC", "IOC", "FOK", "GTX", "GTD"]) { kind, writer in writer.string(kind) }
        array("permissionSets", of: ["GRID", "COPY", "DCA", "PSB"]) { kind, writer in writer.string(kind) }
        endObject()
    }

    private static var orderTypes: [String] { ["LIMIT", "MARKET"] + AlgoType.allCases.map(\.rawValue) }

    private mutating func filters(_ symbol: SymbolRules) {
        beginArray("filters")
        beginObject()
        member("filterType", literal: "PRICE_FILTER")
        member("minPrice", symbol.limits.minimumPrice)
        member("maxPrice", symbol.limits.maximumPrice)
        member("tickSize", symbol.tickSize)
        endObject()
        let lots: [(StaticString, String)] = [
            ("LOT_SIZE", symbol.limits.maximumQuantity),
            ("MARKET_LOT_SIZE", symbol.limits.maximumMarketQuantity),
        ]
        for (type, maximum) in lots {
            beginObject()
            member("filterType", literal: type)
            member("minQty", symbol.stepSize)
            member("maxQty", maximum)
            member("stepSize", symbol.stepSize)
            endObject()
        }
        beginObject()
        member("filterType", literal: "MAX_NUM_ORDERS")
        member("limit", Int64(Filters.openOrders))
        endObject()
        beginObject()
        member("filterType", literal: "MIN_NOTIONAL")
        member("notional", symbol.minimumNotional)
        endObject()
        beginObject()
        member("filterType", literal: "PERCENT_PRICE")
        member("multiplierUp", Filters.multiplierUp)
        member("multiplierDown", Filters.multiplierDown)
        member("multiplierDecimal", literal: "4")
        endObject()
        endArray()
    }
}
