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
        text("symbol", asset.name + "USD")
        integer("time", time.milliseconds)
        try Layouts.assetIndex.write(AssetRow(asset, market), to: &self)
        endObject()
    }

    /// `exchangeInfo` of the futures. Binance USDⓈ-M Futures API documentation, Exchange Information. An
    /// account in credits mode sees the credits as margin asset of every symbol; `account` is that of the key
    /// that the request names, nil without one.
    mutating func exchangeInfo(_ rules: RuleTable, for account: Account?, serverTime: Int64) {
        beginObject()
        literal("timezone", "UTC")
        integer("serverTime", serverTime)
        literal("futuresType", "U_MARGINED")
        key("rateLimits")
        beginArray()
        rateLimit("REQUEST_WEIGHT", "MINUTE", 1, rules.limits.futures)
        rateLimit("ORDERS", "MINUTE", 1, rules.limits.ordersPerMinute)
        rateLimit("ORDERS", "SECOND", 10, rules.limits.ordersPerTenSeconds)
        endArray()
        key("exchangeFilters")
        beginArray()
        endArray()
        key("assets")
        beginArray()
        let seesCredits = account?.isInCreditsMode ?? false
        for asset in rules.assets where asset.isMarginAvailable && (seesCredits || !asset.isCredit) {
            beginObject()
            text("asset", asset.name)
            bool("marginAvailable", asset.isMarginAvailable)
            // Always a text for a margin asset: strict clients refuse the whole answer otherwise.
            key("autoAssetExchange")
            quoted(asset.autoExchangeThreshold ?? .zero)
            endObject()
        }
        endArray()
        key("symbols")
        beginArray()
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
        literal("timezone", "UTC")
        integer("serverTime", serverTime)
        key("rateLimits")
        beginArray()
        rateLimit("REQUEST_WEIGHT", "MINUTE", 1, weightLimit)
        endArray()
        key("exchangeFilters")
        beginArray()
        endArray()
        key("symbols")
        beginArray()
        endArray()
        endObject()
    }

    private mutating func rateLimit(
        _ kind: StaticString, _ interval: StaticString, _ number: Int64, _ limit: Int
    ) {
        beginObject()
        literal("rateLimitType", kind)
        literal("interval", interval)
        integer("intervalNum", number)
        integer("limit", Int64(limit))
        endObject()
    }

    private mutating func symbol(_ symbol: SymbolRules, marginAsset: String?) {
        beginObject()
        text("symbol", symbol.name)
        text("pair", symbol.name)
        literal("contractType", "PERPETUAL")
        // What the venue gives for a contract without an end.
        integer("deliveryDate", 4_133_404_800_000)
        integer("onboardDate", symbol.onboarded)
        literal("status", "TRADING")
        literal("maintMarginPercent", "2.5000")
        literal("requiredMarginPercent", "5.0000")
        text("baseAsset", symbol.instrument.base)
        text("quoteAsset", symbol.instrument.quote)
        text("marginAsset", marginAsset ?? symbol.instrument.settle)
        integer("pricePrecision", Int64(symbol.pricePrecision))
        integer("quantityPrecision", Int64(symbol.quantityPrecision))
        integer("baseAssetPrecision", 8)
        integer("quotePrecision", 8)
        literal("underlyingType", "COIN")
        key("underlyingSubType")
        beginArray()
        for subtype in symbol.subtypes { string(subtype) }
        endArray()
        text("triggerProtect", Filters.triggerProtect)
        text("liquidationFee", symbol.liquidationFee)
        text("marketTakeBound", symbol.marketTakeBound)
        integer("maxMoveOrderLimit", Filters.amendments)
        filters(symbol)
        key("orderTypes")
        beginArray()
        for kind in Self.orderTypes { string(kind) }
        endArray()
        key("timeInForce")
        beginArray()
        for kind in ["GTC", "IOC", "FOK", "GTX", "GTD"] { string(kind) }
        endArray()
        key("permissionSets")
        beginArray()
        for permission in ["GRID", "COPY", "DCA", "PSB"] { string(permission) }
        endArray()
        endObject()
    }

    private static var orderTypes: [String] { ["LIMIT", "MARKET"] + AlgoType.allCases.map(\.rawValue) }

    private mutating func filters(_ symbol: SymbolRules) {
        key("filters")
        beginArray()
        beginObject()
        literal("filterType", "PRICE_FILTER")
        text("minPrice", symbol.limits.minimumPrice)
        text("maxPrice", symbol.limits.maximumPrice)
        text("tickSize", symbol.tickSize)
        endObject()
        beginObject()
        literal("filterType", "LOT_SIZE")
        text("minQty", symbol.stepSize)
        text("maxQty", symbol.limits.maximumQuantity)
        text("stepSize", symbol.stepSize)
        endObject()
        beginObject()
        literal("filterType", "MARKET_LOT_SIZE")
        text("minQty", symbol.stepSize)
        text("maxQty", symbol.limits.maximumMarketQuantity)
        text("stepSize", symbol.stepSize)
        endObject()
        beginObject()
        literal("filterType", "MAX_NUM_ORDERS")
        integer("limit", Int64(Filters.openOrders))
        endObject()
        beginObject()
        literal("filterType", "MIN_NOTIONAL")
        text("notional", symbol.minimumNotional)
        endObject()
        beginObject()
        literal("filterType", "PERCENT_PRICE")
        text("multiplierUp", Filters.multiplierUp)
        text("multiplierDown", Filters.multiplierDown)
        literal("multiplierDecimal", "4")
        endObject()
        endArray()
    }
}
